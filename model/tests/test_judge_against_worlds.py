"""The fast judge and the world-set engine, which knows nothing but the rules, blame the same event of each history."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from seqproof_model import history as h
from seqproof_model.profile import Profile
from seqproof_model.shapes import SEQ_MAX, Chances, Liberties, More, Server, Shape, corrupt, simulate
from seqproof_model.worlds import TooManyError

FirstBad = Callable[[Iterable[h.Event], Profile, bool], int | None]
Comparing = Callable[..., Counter[str]]
PLAIN = Chances(unreachable=0.05)


def small_history(
    rng: random.Random, shape: Shape, chances: Chances, *, tells_seq: bool
) -> tuple[list[h.Event], Profile, bool]:
    """Return a history of 3 to 6 operations, most with one answer changed; its profile; and whether it is paged."""
    page, base = rng.choice((None, 1, 2)), rng.choice((0, 0, 5))
    top = rng.choice((SEQ_MAX, SEQ_MAX, base + 2))
    liberties = Liberties(fails=rng.choice((0, 0.2)), ahead_empty=rng.random() < 0.3)
    server = Server(shape, page, rng.choice(list(More)), tells_seq, top, base, liberties=liberties, rng=rng)
    odd, indefinite = rng.choice((0.15, 0.5)), rng.choice((0.1, 0.3))
    chances = replace(chances, overlap=rng.random() < 0.7, odd=odd, indefinite=indefinite)
    history = simulate(rng, server, rng.randint(3, 6), rng.randint(1, 3), chances)
    if rng.random() < 0.6:
        history = corrupt(rng, history)
    return history, Profile("strict", seq_max=top), page is not None


@pytest.fixture
def compare(judge_blames: FirstBad, worlds_blame: FirstBad) -> Comparing:
    """Count how the two verdicts relate: same, later, capped; a verdict that comes too early is named by its number."""

    def count(shape: Shape, histories: int, chances: Chances, *, tells_seq: bool = True) -> Counter[str]:
        found: Counter[str] = Counter()
        for number in range(histories):
            rng = random.Random(f"{shape.name} {number}")
            history, profile, paged = small_history(rng, shape, chances, tells_seq=tells_seq)
            try:
                oracle = worlds_blame(history, profile, paged)
            except TooManyError:
                found["capped"] += 1
                continue
            verdict = judge_blames(history, profile, paged)
            found["blamed"] += oracle is not None
            if verdict == oracle:
                found["same"] += 1
            elif oracle is not None and (verdict is None or verdict > oracle):
                found["later"] += 1
            else:
                found[f"{number}: judge {verdict}, worlds {oracle}"] += 1
        return found

    return count


@pytest.mark.parametrize("shape", list(Shape), ids=lambda shape: shape.name)
def test_same_verdict_at_the_same_event(shape: Shape, compare: Comparing) -> None:
    found = compare(shape, 400, PLAIN)
    assert found["same"] + found["capped"] == 400, found
    assert found["capped"] < 80, "most histories must be decided"
    assert found["blamed"] > 90, "many histories must be impossible"


@pytest.mark.parametrize("shape", list(Shape), ids=lambda shape: shape.name)
def test_never_earlier_when_seqs_are_not_told(shape: Shape, compare: Comparing) -> None:
    found = compare(shape, 90, PLAIN, tells_seq=False)
    assert found["same"] + found["later"] + found["capped"] == 90, found
    assert found["later"] <= 2
    assert found["capped"] < 30


@pytest.mark.parametrize("tells_seq", [True, False])
@pytest.mark.parametrize(
    "chances",
    [Chances(settle=0.3), Chances(equal=0.5, nameless=0.3), Chances(repeat=0.4)],
    ids=["settled", "equal bodies", "repeated sends"],
)
def test_never_earlier_with(chances: Chances, tells_seq: bool, compare: Comparing) -> None:
    """For the engine a repeat is a new send, which outside of ``idempotent`` it may be: it allows less, never more."""
    for shape in (Shape.ATOMIC, Shape.LOWER_UPPER_CONFIRM, Shape.HORIZON):
        found = compare(shape, 40, chances, tells_seq=tells_seq)
        assert found["same"] + found["later"] + found["capped"] == 40, found
