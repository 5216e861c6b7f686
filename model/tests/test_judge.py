"""The judge by example: the golden figures, the edges of the space, kills, late landings, pages, repeats, accounts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from seqproof_model import history as h
from seqproof_model.judge import Judge, judge
from seqproof_model.profile import UINT_MAX, Profile, find
from seqproof_model.script import events
from seqproof_model.verdict import Result

Judging = Callable[..., Judge]


def rows(low: int, high: int) -> str:
    """Rows low..high as a script writes them; the body of seq n is mn."""
    return " ".join(f"{n}m{n}" for n in range(low, high + 1))


def sends(low: int, high: int) -> str:
    return "; ".join(f"s m{n} ={n}" for n in range(low, high + 1))


F4 = f"{sends(1, 100)}; A 0 : {rows(1, 100)}; A 100 : ; {sends(101, 150)}; A 100 : "
F5 = f"{F4}{rows(101, 150)}; {sends(151, 200)}; A 150 : "
F6 = f"{F5}{rows(151, 200)}; B 120 : "


@pytest.mark.parametrize(
    ("before", "low", "high"), [(F4, 101, 150), (F5, 151, 200), (F6, 151, 200)], ids=["F4", "F5", "F6"]
)
def test_the_figures_of_the_article(before: str, low: int, high: int, judged: Judging) -> None:
    assert judged(before + rows(low, high)).violations == []
    for wrong in (rows(low - 1, high), rows(low + 1, high), rows(low, high - 1), ""):
        assert len(judged(before + wrong).violations) == 1


# ------------------------------------------------------------------ the space


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5])
def test_a_small_space_is_used_to_its_end_and_no_further(width: int, judged: Judging) -> None:
    profile = Profile("tiny", seq_max=width)
    filled = sends(1, width)
    end = f"{filled}; s more !full; s more2 !full; A 0 : {rows(1, width)}; A {width} : "
    assert judged(end, profile).violations == []
    (violation,) = judged(f"{filled}; s more ={width + 1}", profile).violations
    assert violation.requirement == "SEQ-1"
    (violation,) = judged(f"{filled}; s more =1", profile).violations
    assert violation.requirement == "SEQ-3"
    (violation,) = judged(f"{sends(1, width - 1)}; s more !full", profile).violations
    assert violation.requirement == "SEQ-6"


@pytest.mark.parametrize("top", [UINT_MAX, 2**31 - 1, 2**53 + 1, 2**64 - 1])
def test_the_top_of_a_wide_space(top: int, judged: Judging) -> None:
    profile = Profile("wide", seq_max=top)
    begin = f"preset {top - 2}; s a ={top - 1}; s b ={top}; s c !full"
    assert judged(f"{begin}; A 0 : {top - 1}a {top}b; A {top - 1} : {top}b; A {top} : ", profile).violations == []
    assert (
        judged(f"{begin}; A {top + 1} !malformed; A {top + 1} !ahead; A 0 : {top - 1}a {top}b", profile).violations
        == []
    )
    for wrong in ("s d =0", "s d =1", f"s d ={top + 1}"):
        assert judged(f"{begin}; {wrong}", profile).violations[0].requirement in ("SEQ-1", "SEQ-4")
    (violation,) = judged(f"preset {top - 2}; s a !full", profile).violations
    assert violation.requirement == "SEQ-6"


def test_a_space_that_begins_elsewhere(judged: Judging) -> None:
    profile = Profile("from 5", first_seq=5, seq_max=7)
    assert (
        judged(
            "A 4 : ; s a =5; A 4 : 5a; A 5 : ; B 3 !malformed; C 0 : ; s b =6; s c =7; s d !full", profile
        ).violations
        == []
    )
    assert judged("s a =5; A 3 : 5a; B 0 : 5a; C 4 : 5a", profile).violations == []
    assert judged("s a =5; A 3 !malformed; B 0 !ahead", profile).violations == []
    assert judged("s a =5; A 4 !malformed", profile).violations[0].requirement == "RCV-5"
    assert judged("s a =6", profile).violations[0].requirement == "SEQ-2"


def test_open_sends_may_hold_the_rest_of_the_space(judged: Judging) -> None:
    profile = Profile("tiny", seq_max=3)
    assert judged("s a =1; s b ?; s c ?; s d !full; A 0 : 1a 2b 3c", profile).violations == []
    assert judged("s a =1; s b ?; s d !full", profile).violations[0].requirement == "SEQ-6"


def test_a_preset_leaves_open_what_was_confirmed_below_it(judged: Judging) -> None:
    for q in (0, 4, 9):
        assert judged(f"preset 9; A {q} : ; s a =10; B {q} : 10a").violations == []
    assert judged("preset 9; s a =1").violations[0].requirement == "SEQ-4"
    assert judged("preset 9; s a =11").violations[0].requirement == "SEQ-2"
    assert judged("preset 9; s a =10; A 0 : ").violations[0].requirement == "RCV-7"


def test_an_account_that_is_not_empty_cannot_be_preset(judged: Judging) -> None:
    with pytest.raises(h.HistoryError, match="event 3: preset of account 'x', which is not empty"):
        judged("s a =1; preset 9")


# ------------------------------------------------------------------ late landings, kills, errors


@pytest.mark.parametrize(
    "text",
    [
        "s a ?; A 0 : ; kill; A 0 : 1a",  # lands after a restart
        "s a ?; A 0 : ; s b =1; A 0 : 1b; s c =3; A 0 : 1b 2a 3c",
        "s a ?; s b =2; A 0 : ",  # a still hides b
        "s a ?; s b =2; A 0 : 1a 2b",
        "s a =1; s b =2; A 1 ?; B 0 : 1a 2b; B 0 : 2b; B 0 : 2b",  # a recv's confirm lands late
        "s a =1; A 1 !store; B 0 : 1a; B 0 : ",  # an error may have confirmed, at any time
        "1( s a; A 1 !busy; 1) =1; B 0 : ",
        "1( A 1; s a =1; 1) : ; B 0 : 1a",  # an empty answer, perhaps ahead: confirmed or not
        "1( A 1; s a =1; 1) : ; B 0 : ",
        "1( A 1; s a =1; 1) !ahead; B 0 : 1a",
        "A 5 : ; s a =1; A 5 : ; B 0 : 1a",
        "s a =1; s b =2; 1( A 0; B 1 : 2b; 1) : 1a 2b",
        "s a =1; s b =2; 1( A 0; B 1 : 2b; 1) : 2b",
        "s a =1; 1( A 0; s b =2; 1) : 1a 2b",
        "s a =1; A -1 : 1a; A -1 !malformed; A 0 : 1a",
    ],
)
def test_what_a_server_is_never_failed_for(text: str, judged: Judging) -> None:
    assert judged(text).violations == []


@pytest.mark.parametrize(
    ("text", "requirement"),
    [
        ("s a ?; s b =1; s c =2; A 0 : 1b 2c 3a; s d =3", "SEQ-3"),
        ("s a =1; A 1 !unreachable; B 0 : ", "RCV-7"),
        ("A 1 !busy; s a =1; B 0 !busy", "RCV-5"),
        ("1( A 1; s a =1; 1) !ahead; B 0 : ", "RCV-7"),
        ("A 5 : ; s a =1; A 0 : ", "RCV-7"),
        ("s a =1; s b =2; kill; A 0 : 1a", "RCV-7"),
        ("s a =1; s b =2; s c =3; A 2 : 3c; kill; B 0 : 2b 3c", "CNF-5"),
    ],
)
def test_what_it_is_failed_for(text: str, requirement: str, judged: Judging) -> None:
    (violation,) = judged(text).violations
    assert violation.requirement == requirement


def test_settled_a_send_is_decided(judged: Judging) -> None:
    """Unsettled, it may hide the next; settled, it may not, and what begins later is larger."""
    assert judged("1( s a; 1) ?; s b =2; A 0 : ").violations == []
    assert judged("1( s a; 1) ?; settled 1; s b =2; A 0 : 1a 2b").violations == []
    assert judged("1( s a; 1) ?; settled 1; s b =2; A 0 : ").violations[0].requirement == "RCV-7"
    (violation,) = judged("1( s a; 1) ?; settled 1; s b =1; s c =3; A 0 : 1b 2a 3c").violations
    assert violation.requirement == "SEQ-4"


def test_a_settled_send_may_have_been_stored(judged: Judging) -> None:
    """Its message can still be shown, also when a repeat of it was stored besides."""
    text = "1( s a@c; 2( s b; 2) =1; 1) ?; 3( s a@c; 4( A 0; settled 1; 3) =3; 4) : 1b 2a 3a"
    assert judged(text).violations == []


# ------------------------------------------------------------------ pages


@pytest.mark.parametrize(
    "reply",
    ["1a +", "1a 2b +", "1a 2b 3c -", "1a 2b 3c +", "1a", "1a 2b", "1a + ^1", "1a 2b 3c - ^3", "1a 2b 3c + ^3"],
)
def test_a_page_is_a_prefix(reply: str, judged: Judging) -> None:
    assert judged(f"s a =1; s b =2; s c =3; A 0 : {reply}", paged=True).violations == []


@pytest.mark.parametrize(
    ("reply", "requirement"),
    [("1a 2b -", "RCV-2"), ("2b 3c -", "RCV-1"), ("2b +", "RCV-1"), ("", "RCV-3"), ("+", "RCV-3"), ("-", "RCV-3"),
     ("1a + ^3", "RCV-2"), ("1a + ^0", "RCV-2"), ("1a 3c +", "RCV-1")],
)  # fmt: skip
def test_what_is_no_page(reply: str, requirement: str, judged: Judging) -> None:
    (violation,) = judged(f"s a =1; s b =2; s c =3; A 0 : {reply}", paged=True).violations
    assert violation.requirement == requirement


def test_an_empty_page_says_what_it_likes_of_more(judged: Judging) -> None:
    for reply in ("", "+", "-", "^1", "^0", "+ ^1"):
        assert judged(f"s a =1; A 1 : {reply}", paged=True).violations == []


# ------------------------------------------------------------------ accounts and operations


def test_accounts_are_closed_one_by_one(judged: Judging) -> None:
    found = judged("s a =1; y/s a =1; A 1 : 1a; y/A 0 : 1a; A 1 : 1a; s b =9; y/s b =1").violations
    assert [(violation.account, violation.requirement) for violation in found] == [("x", "CNF-1"), ("y", "SEQ-3")]


def test_after_a_violation_nothing_of_that_account_is_held_against_anyone(judged: Judging) -> None:
    text = "1( s z; 2( A 0; s a =9; 1) =1; 2) : 1q; preset 3; trim; s b ?; A 0 : 7w"
    assert len(judged(text).violations) == 1


def test_an_answer_to_nothing_is_an_error_of_the_history() -> None:
    with pytest.raises(h.HistoryError, match="event 1: an answer to operation 7, which never began"):
        Judge(find("strict"), paged=False).feed(h.Ok(7, seq=1))


def test_an_operation_that_begins_twice_is_an_error_of_the_history() -> None:
    judge = Judge(find("strict"), paged=False)
    judge.feed(h.Send(1, "x", "a"))
    with pytest.raises(h.HistoryError, match="event 2: operation 1 began twice"):
        judge.feed(h.Recv(1, "x", "A", 0))


def test_a_violation_names_the_event_and_the_marks_before_it(judged: Judging) -> None:
    (violation,) = judged("s a =1; s b =2; A 1 : 2b; B 0 : 1a 2b").violations
    assert (violation.event, violation.operation, violation.account) == (8, 4, "x")
    assert (violation.seq_svr, violation.confirmed, violation.seqs) == (2, 1, (1,))
    assert violation.nearest is not None
    assert violation.nearest.rows == ((2, "b"),)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("s a =1; s b =2; A 0 : 2b", "1 and 2"),
        ("s a =2", "seq 1"),
        ("A 5 : 1a", "refused, or an empty reply: seq_svr is 0 at most"),
        ("s a@c =1; s a@c =9", "seq 1, as the first attempt has"),
        ("s a =1; A 1 : 1a", "no rows"),
        ("1( s b; 2( s a; 3( B 0; 2) =2; 4( A 0; 1) =1; 4) : ; 3) : 1b", "1 and 2"),  # 1 alone was given
    ],
)
def test_the_nearest_conforming_answer(text: str, sentence: str, judged: Judging) -> None:
    (violation,) = judged(text).violations
    assert violation.nearest is not None
    assert violation.nearest.sentence == sentence


# ------------------------------------------------------------------ whole histories


@dataclass(frozen=True)
class Whole:
    """A header and a script."""

    text: str
    profile: str | Profile = "strict"
    capabilities: tuple[str, ...] = ()

    def history(self, partial: int | None = None) -> h.History:
        profile = find(self.profile) if isinstance(self.profile, str) else self.profile
        return h.History(h.Header("t", self.capabilities, profile), tuple(events(self.text)), partial)


def test_a_verdict_says_what_strict_would_fail_besides() -> None:
    verdict = judge(Whole("s a =2; A 0 : 2a", "gappy").history())
    assert verdict.conformant
    assert verdict.strict_besides == ("SEQ-2",)
    assert judge(Whole("s a =1; A 0 : 1a", "gappy").history()).strict_besides == ()
    failed = judge(Whole("s a =2; A 2 : 2a", "gappy").history())
    assert [violation.requirement for violation in failed.violations] == ["CNF-1"]
    assert failed.strict_besides == ("SEQ-2",)


def test_strict_besides_is_the_article_to_the_letter() -> None:
    """Also where the claimed profile has another space: 1..UINT_MAX is part of what strict asks."""
    profile = Profile("mine", first_seq=5, seq_max=2**64 - 1, gaps=True)
    assert judge(Whole("s a =5; s b =6", profile).history()).strict_besides == ("SEQ-2",)
    assert judge(Whole(f"preset {2**64 - 2}; s b ={2**64 - 1}", profile).history()).strict_besides == ("SEQ-1",)


def test_another_profile_can_be_asked_for() -> None:
    history = Whole("s a =2", "gappy").history()
    assert judge(history).conformant
    assert not judge(history, find("strict")).conformant


def test_paging_is_a_capability() -> None:
    text = "s a =1; s b =2; A 0 : 1a +"
    assert judge(Whole(text, capabilities=("paging",)).history()).conformant
    assert judge(Whole(text).history()).violations[0].observation == "MORE_UNDECLARED"


def test_a_partial_history_is_judged_and_inconclusive() -> None:
    verdict = judge(Whole("s a =1; A 0 : 1a").history(partial=5))
    assert verdict.conformant
    assert verdict.partial == 5
    assert any("its last good line is 5" in line for line in verdict.inconclusive)


def test_each_requirement_is_graded_once() -> None:
    verdict = judge(Whole("s a =1; A 0 : 1a; A 1 : 1a").history(), scope=("CNF-6", "SEQ-5", "SND-3"))
    grades = {grade.requirement: grade for grade in verdict.grades}
    assert grades["SND-1"].result is Result.PASS
    assert grades["CNF-1"].result is Result.FAIL
    assert grades["CNF-6"].result is Result.NOT_GRADED
    assert grades["CNF-6"].inconclusive
    assert grades["CNF-6"].reason.startswith("never observed: ")
    assert not grades["SEQ-5"].inconclusive
    assert grades["SEQ-5"].reason == "the target does not declare kill"
    assert not grades["SND-3"].inconclusive, "only idempotent demands it"
    assert grades["PSH-1"].reason == "the target does not declare tips"
