"""A verdict: counts that add up, never a pass for what was not observed, and reasons for what is not decided."""

from __future__ import annotations

from seqproof_model import history as h
from seqproof_model.judge import judge
from seqproof_model.profile import find
from seqproof_model.requirements import REQUIREMENTS
from seqproof_model.script import events
from seqproof_model.verdict import Result, Verdict


def verdict(
    text: str, *, adds: tuple[str, ...] = (), interrupted: bool = False, scope: tuple[str, ...] = ()
) -> Verdict:
    header = h.Header("t", ("kill", "send_seq"), find("strict"), adds=adds)
    return judge(h.History(header, tuple(events(text)), interrupted=interrupted), scope=scope)


def test_the_counts_add_up() -> None:
    found = verdict("s a =1; A 0 : 1a; A 1 : 1a")
    assert len(found.grades) == len(REQUIREMENTS)
    assert sum(len(found.having(result)) for result in Result) == len(REQUIREMENTS)
    assert found.graded == len(found.having(Result.PASS)) + len(found.having(Result.FAIL))
    assert [grade.requirement for grade in found.having(Result.FAIL)] == ["CNF-1"]
    assert not found.conformant


def test_nothing_observed_is_nothing_passed() -> None:
    found = verdict("")
    assert found.graded == 0
    assert found.conformant
    assert found.events == 0


def test_every_grade_that_is_no_grade_has_a_reason() -> None:
    for grade in verdict("s a =1; A 0 : 1a").having(Result.NOT_GRADED):
        assert grade.reason
        assert grade.observed == 0


def test_a_failed_requirement_fails_though_it_was_observed() -> None:
    found = {grade.requirement: grade for grade in verdict("s a =1; A 0 : 1a; A 0 : 1b").grades}
    assert found["RCV-1"].result is Result.FAIL
    assert found["RCV-1"].observed == 1


def test_what_was_looked_for_and_never_occurred_is_inconclusive() -> None:
    found = verdict("s a =1; A 0 : 1a", scope=("CNF-6", "SND-1", "CNF-7", "SEQ-8"))
    assert [grade.requirement for grade in found.grades if grade.inconclusive] == ["CNF-6"]
    assert found.inconclusive[0].startswith("CNF-6: never observed: ")


def test_an_interrupted_run_is_inconclusive() -> None:
    assert "the run was interrupted" in verdict("s a =1; A 0 : 1a", interrupted=True).inconclusive


def test_what_the_adapter_adds_is_marked() -> None:
    found = {grade.requirement: grade for grade in verdict("s a =1", adds=("SEQ-1", "SND-3")).grades}
    assert found["SEQ-1"].added_by_adapter
    assert found["SND-3"].added_by_adapter
    assert not found["SEQ-2"].added_by_adapter
