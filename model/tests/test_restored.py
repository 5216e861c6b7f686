"""What a restore from a backup leaves to be judged: that no seq means two messages, unless a new epoch is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from seqproof_model import history as h
from seqproof_model.judge import Judge
from seqproof_model.profile import find
from seqproof_model.requirements import kept, should
from seqproof_model.verdict import Result

HAD = "s a =1; A 0 : 1a; backup; s b =2; A 1 : 2b; restore"
RIGHT = [
    ("the lost message is gone", f"{HAD}; B 0 : 1a"),
    ("so is what was confirmed", f"{HAD}; B 0 : 1a; A 2 !ahead"),
    ("all of it may be gone", f"{HAD}; B 0 : "),
    ("it goes on beyond", f"{HAD}; s c =3; B 0 : 1a 3c"),
    ("far beyond", f"{HAD}; s c =1000; B 0 : 1a 1000c"),
    ("a retry is the same message", "s a@c =1; backup; s b@d =2; restore; s b@d =2; A 0 : 1a 2b"),
    ("a client id with two bodies has the seq of either", "s a@c =1; s b =2; restore; s z@c =1; A 0 : 1a"),
    ("a new epoch begins a new space", "A 0 : @e1; s a =1; restore; s b =1; A 0 : 1b @e2; s c =7; A 0 : 9z @e2"),
    ("the first epoch that is told is a new one", f"{HAD}; s c =2; A 0 : 1a 2c @e1"),
    ("an epoch that is left out is told later", "A 0 : @e1; s a =1; restore; s b =1; A 0 : 1b; A 0 : 1b @e2"),
    ("a request from before the restore", "1( s a; restore; 1) =1; s b =1; A 0 : 1b"),
    ("an account that came later", f"{HAD}; y/s c =1; y/A 0 : 1c"),
    ("refused, or in doubt", f"{HAD}; s c !store; s d ?; A 0 !store; A 0 ?; A 0 : 1a"),
    ("restored twice", f"{HAD}; s c =3; restore; s d =4; A 0 : 1a 4d"),
]
WRONG = [
    ("a send is given a seq that was shown", f"{HAD}; s c =2; A 0 : "),
    ("a row shows it", f"{HAD}; s c =; A 0 : 1a 2c"),
    ("a seq that was only told", "backup; s a =1; restore; s b =1; A 0 : "),
    ("the epoch is the same", "A 0 : @e1; s a =1; restore; s b =1; A 0 : 1b @e1"),
    ("in between counts, too", f"{HAD}; s c =3; restore; s d =3; A 0 : "),
    ("restored twice, the epoch the same", "A 0 : @e1; s a =1; restore; restore; s b =1; A 0 : @e1"),
]


@pytest.mark.parametrize(("why", "text"), RIGHT, ids=[why for why, _ in RIGHT])
def test_nobody_is_blamed(why: str, text: str, judged: Callable[..., Judge]) -> None:
    assert judged(text).violations == [], why


@pytest.mark.parametrize(("why", "text"), WRONG, ids=[why for why, _ in WRONG])
def test_a_seq_that_means_two_messages_is_blamed(why: str, text: str, judged: Callable[..., Judge]) -> None:
    (violation,) = judged(text).violations
    assert (violation.requirement, violation.observation) == ("SEQ-3", "SEQ_TAKEN"), why
    assert violation.nearest is not None
    assert violation.nearest.sentence.startswith("a seq above ")


def test_what_a_send_tells_waits_for_the_epoch(judged: Callable[..., Judge]) -> None:
    assert judged(f"{HAD}; s c =2; s d =2").violations == []


def test_a_tip_is_owed_no_more(judged: Callable[..., Judge]) -> None:
    assert judged("login A; s a =1; restore; tips; s b =2; tips").violations == []


@pytest.mark.parametrize(("epoch", "result"), [("@e2", Result.PASS), ("@e1", Result.NOT_GRADED)])
def test_an_epoch_that_does_not_change_is_no_failure(epoch: str, result: Result, judged: Callable[..., Judge]) -> None:
    """SEQ-8: SHOULD."""
    judge = judged(f"A 0 : @e1; s a =1; restore; A 0 : {epoch}; A 0 : {epoch}")
    header = h.Header("t", ("backup",), find("strict"))
    grade = next(g for g in judge.verdict(header, scope={"SEQ-8"}).grades if g.requirement == "SEQ-8")
    assert (grade.result, grade.inconclusive, judge.violations) == (result, False, [])
    assert (judge.counts[should("SEQ-8")], judge.counts[kept("SEQ-8")]) == (1, result is Result.PASS)
