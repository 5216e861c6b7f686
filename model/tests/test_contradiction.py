"""Arguments are minimal: the cited facts alone contradict each other, and without any one of them nothing does.

Histories are made up at random, most of them wrong, with overlap, kills, lost answers and pages: whatever the judge
blames, its argument must hold. Weakening a history of a correct server must never make it look wrong.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from seqproof_model import history as h
from seqproof_model.contradiction import Contradiction, NoContradictionError, Question, accepts, contradicts, find
from seqproof_model.judge import Judge
from seqproof_model.profile import Profile, built_in
from seqproof_model.profile import find as profile_named
from seqproof_model.remedy import find as remedy
from seqproof_model.script import events
from seqproof_model.shapes import SEQ_MAX, Chances, Liberties, More, Server, Shape, corrupt, simulate
from seqproof_model.weaken import is_fact, weakened

STRICT = built_in()["strict"]


def question(history: list[h.Event], profile: Profile = STRICT, *, paged: bool = False) -> Question | None:
    judge = Judge(profile, paged=paged)
    violation = next((found for found in map(judge.feed, history) if found), None)
    if violation is None:
        return None
    return Question(violation.observation, violation.account, violation.event, profile, paged)


def argued(text: str, profile: str = "strict") -> Contradiction:
    history = events(text)
    asked = question(history, profile_named(profile), paged=True)
    assert asked
    return find(history, asked)


def made_up(seed: str) -> tuple[list[h.Event], Question | None]:
    rng = random.Random(seed)
    page, base = rng.choice((None, 1, 2)), rng.choice((0, 0, 5))
    top = rng.choice((SEQ_MAX, SEQ_MAX, base + 4))
    liberties = Liberties(fails=rng.choice((0, 0.2)), ahead_empty=rng.random() < 0.3)
    shape, more = rng.choice(list(Shape)), rng.choice(list(More))
    server = Server(shape, page, more, rng.random() < 0.7, top, base, liberties=liberties, rng=rng)
    chances = replace(Chances(unreachable=0.05), overlap=rng.random() < 0.7, odd=0.2, indefinite=rng.choice((0.1, 0.3)))
    history = corrupt(rng, simulate(rng, server, rng.randint(3, 14), rng.randint(1, 4), chances))
    return history, question(history, Profile("strict", seq_max=top), paged=page is not None)


@pytest.mark.parametrize("seed", range(8))
def test_cited_facts_contradict_each_other_and_none_can_be_spared(seed: int) -> None:
    found = 0
    for number in range(60):
        history, asked = made_up(f"{seed} {number}")
        if asked is None:
            continue
        told, found = find(history, asked), found + 1
        assert told.cited[-1] == asked.event
        assert contradicts(history, told.cited, asked), "the cited facts alone say nothing"
        for spared in told.cited[:-1]:
            rest = set(told.cited) - {spared}
            assert contradicts(history, rest, asked) is None, f"[{spared}] is not needed"
            possible = contradicts(history, rest, asked, named=False) is None
            assert possible == (spared not in told.naming), f"[{spared}]"
    assert found > 20


@pytest.mark.parametrize("seed", range(4))
def test_a_weaker_history_of_a_correct_server_is_not_blamed_either(seed: int) -> None:
    for number in range(60):
        rng = random.Random(f"weaker {seed} {number}")
        page = rng.choice((None, 1, 2))
        server = Server(rng.choice(list(Shape)), page, rng.choice(list(More)), tells_seq=rng.random() < 0.5)
        chances = Chances(indefinite=0.2, kill=0.05, overlap=rng.random() < 0.7)
        history = simulate(rng, server, 12, 3, chances)
        account = next(event.account for event in history if isinstance(event, h.Send | h.Recv))
        facts = [at for at, event in enumerate(history) if is_fact(event, SEQ_MAX)]
        kept = {at for at in facts if rng.random() < 0.5}
        assert question(weakened(history, kept, account, seq_max=SEQ_MAX), paged=page is not None) is None


@pytest.mark.parametrize("seed", range(6))
def test_the_nearest_answer_and_the_smallest_change_are_accepted_by_the_judge(seed: int) -> None:
    answered = changed = found = 0
    for number in range(40):
        history, asked = made_up(f"change {seed} {number}")
        if asked is None:
            continue
        found += 1
        told = remedy(history, asked, find(history, asked).cited)
        for change in (told.answer, told.smallest):
            if change and change.instead is not None:
                swapped = [*history[: change.event - 1], change.instead, *history[change.event : asked.event]]
                assert accepts(swapped, asked)
                assert change.instead != history[change.event - 1]
        answered += told.answer is not None
        changed += told.smallest is not None
    assert found > 15
    assert changed == found
    assert answered > 0.9 * found


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        ("s a =1; A 0 : 1a ~; A 0 : ", (2, 5, 6)),
        ("s a =1; A 0 : 1a; B 1 :; B 0 : 1a", (2, 5, 6, 7, 8)),
        ("s a =1; kill; s b =1", (2, 6)),
        ("s a =1; s b =2; A 0 : 2b", (6,)),
        ("s a !policy; A 0 : 1a", (2, 4)),
        ("s a =1; 1( A 0; s b =2; 1) : 1a; B 0 : 1a -", (5, 7, 8)),
        ("preset 9; s a =10; A 9 :", (3, 4, 5)),
        ("preset 4294967295; s a =4294967296", (3,)),
    ],
)
def test_only_what_matters_is_cited(text: str, cited: tuple[int, ...]) -> None:
    assert argued(text).cited == cited


def test_a_preset_is_cited_only_where_the_account_might_have_begun_elsewhere() -> None:
    assert argued("preset 7; s a !full").cited == (1, 3)
    assert argued("preset 7; s a =8; s b =8").cited == (3, 5)


def test_what_names_the_fault_is_told_from_what_makes_it_one() -> None:
    told = argued("y/s b =1; A 0 : 1b")
    assert (told.cited, told.naming) == ((1, 4), (1,))


def test_a_history_that_shows_nothing_has_no_argument() -> None:
    with pytest.raises(NoContradictionError, match="event 2 of this history is no EMPTY_REPLY"):
        find(events("s a =1"), Question("EMPTY_REPLY", "x", 2, STRICT))


def test_a_profile_that_allows_it_is_named() -> None:
    def allowing(text: str, profile: str = "strict") -> str:
        history = events(text)
        asked = question(history, profile_named(profile))
        assert asked
        return remedy(history, asked, find(history, asked).cited).profile

    assert allowing("s a =1; A 0 :") == "lagging"
    assert allowing("s a =2") == "gappy"
    assert allowing("s a@c =1; s a@c =2", "idempotent") == "strict"
    assert allowing("s a =1; s b =1") == ""
