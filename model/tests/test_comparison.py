"""Two runs that differ in one planted way each: the comparison says which way, and nothing else."""

from __future__ import annotations

from itertools import product

import pytest

from seqproof_model.comparison import Change, Comparison, Run, compare
from seqproof_model.results import Failure, RunResult, Seen
from seqproof_model.verdict import Coverage, Grade, Result

PASS, FAIL, NONE = Result.PASS, Result.FAIL, Result.NOT_GRADED


def result(**grades: Result | str) -> RunResult:
    """A run with these grades, ``SEQ_1=PASS``; a text is the reason why it is not graded."""
    made = [
        Grade(name.replace("_", "-"), it) if isinstance(it, Result) else Grade(name.replace("_", "-"), NONE, reason=it)
        for name, it in grades.items()
    ]
    failures = [Failure(grade.requirement, f"{grade.requirement} broke") for grade in made if grade.result is FAIL]
    seen = [Seen(grade.requirement, "SEEN", 1) for grade in made if grade.result is FAIL]
    return RunResult("x", "strict", tuple(made), failures=tuple(failures), violations=tuple(seen))


def between(*found: RunResult) -> Comparison:
    return compare([Run(f"run{number}", each) for number, each in enumerate(found, 1)])


@pytest.mark.parametrize(
    ("before", "after", "change", "worse", "less"),
    [
        (PASS, PASS, Change.SAME, False, False),
        (PASS, FAIL, Change.BROKEN, True, False),
        (PASS, NONE, Change.LOST, False, True),
        (FAIL, PASS, Change.MENDED, False, False),
        (FAIL, FAIL, Change.SAME, False, False),
        (FAIL, NONE, Change.HIDDEN, False, False),
        (NONE, PASS, Change.GAINED, False, False),
        (NONE, FAIL, Change.FOUND, True, False),
        (NONE, NONE, Change.SAME, False, False),
    ],
)
def test_each_change_is_told_by_its_name(
    before: Result, after: Result, change: Change, worse: bool, less: bool
) -> None:
    found = between(result(SEQ_1=PASS, SEQ_2=before), result(SEQ_1=PASS, SEQ_2=after))
    assert [row.changes[1] for row in found.rows] == [Change.SAME, change]
    assert (bool(found.worse), bool(found.less)) == (worse, less)


def test_every_pair_of_results_has_a_change() -> None:
    for before, after in product(Result, repeat=2):
        assert between(result(SEQ_1=before), result(SEQ_1=after)).rows[0].changed == (before is not after)


def test_what_got_worse_is_one_line_for_those_that_fare_alike() -> None:
    found = between(result(SEQ_1=PASS, SEQ_2=PASS, RCV_1=PASS), result(SEQ_1=FAIL, SEQ_2=FAIL, RCV_1="no page"))
    assert found.worse == ("passed, now fails: SEQ-1, SEQ-2",)
    assert found.less == ("passed, now not graded: RCV-1 (no page)",)


def test_several_runs_are_all_held_against_the_first_and_named() -> None:
    found = between(result(SEQ_1=PASS), result(SEQ_1=PASS), result(SEQ_1=FAIL))
    assert found.worse == ("run3: passed, now fails: SEQ-1",)


def test_a_requirement_that_one_run_does_not_know_is_not_graded_there() -> None:
    (row,) = between(result(SEQ_1=PASS), result()).rows
    assert (row.changes[1], row.grades[1].reason) == (Change.LOST, "the run knew no such requirement")
    rows = between(result(NEW_1=PASS, SEQ_1=PASS), result(NEW_1=PASS, SEQ_1=PASS)).rows
    assert [row.requirement for row in rows] == ["SEQ-1", "NEW-1"]


def test_another_reason_is_a_difference_and_no_loss() -> None:
    found = between(result(SEQ_1=PASS, SEQ_3="needs kill"), result(SEQ_1=PASS, SEQ_3="suspected: see SEQ-4"))
    assert [row.changes[1] for row in found.rows] == [Change.SAME, Change.REASON]
    assert (found.worse, found.less) == ((), ())


def test_a_run_that_decides_no_more_is_less_though_no_grade_says_so() -> None:
    second = RunResult("x", "strict", (Grade("SEQ-1", PASS),), inconclusive=("the run was interrupted",))
    found = between(result(SEQ_1=PASS), second)
    assert found.worse == ()
    assert found.less == ("run2: inconclusive now, and the first is conformant: the run was interrupted",)
    assert between(second, result(SEQ_1=PASS)).less == ()


# ---------------------------------------------------------------- violations


def seen(*violations: tuple[str, str, int]) -> RunResult:
    return RunResult("x", "strict", (), violations=tuple(Seen(*each) for each in violations))


def test_a_violation_is_the_same_when_the_same_was_observed() -> None:
    first = seen(("RCV-7", "EMPTY_REPLY", 3), ("SEQ-3", "SEQ_TAKEN", 1))
    second = seen(("RCV-7", "ENDS_EARLY", 1), ("SEQ-3", "SEQ_TAKEN", 9))
    said = {(fault.requirement, fault.observation): fault.said for fault in between(first, second).faults}
    assert said == {
        ("SEQ-3", "SEQ_TAKEN"): "the same",
        ("RCV-7", "EMPTY_REPLY"): "gone",
        ("RCV-7", "ENDS_EARLY"): "new",
    }


@pytest.mark.parametrize(
    ("times", "said"),
    [((0, 1, 1), "new"), ((1, 0, 0), "gone"), ((1, 1, 1), "the same"), ((0, 1, 0), "differs"), ((1, 1, 0), "differs")],
)
def test_of_several_runs_a_violation_is_new_only_where_all_have_it(times: tuple[int, ...], said: str) -> None:
    runs = [seen(("SEQ-3", "SEQ_TAKEN", n)) if n else seen() for n in times]
    (fault,) = between(*runs).faults
    assert (fault.times, fault.said) == (times, said)


def test_a_file_without_observations_is_compared_by_requirement() -> None:
    old = RunResult("x", "strict", (), failures=(Failure("SEQ-3", "twice"),))
    (fault,) = between(old, seen(("SEQ-3", "SEQ_TAKEN", 4), ("SEQ-3", "TWO_SEQS", 1))).faults
    assert (fault.said, fault.times, fault.sentence) == ("the same", (1, 5), "twice")


# ---------------------------------------------------------------- facts and coverage


def test_facts_that_differ_are_marked() -> None:
    one, other = RunResult("x", "strict", (), server="db 1"), RunResult("x", "gappy", (), server="db 2")
    assert {line.name for line in between(one, other).facts if line.differs} == {"profile", "server"}


def test_courses_are_told_apart_by_their_length_and_the_rest_by_being_there() -> None:
    courses, edges = "every course of up to {} steps of requests and kills: 150 distinct", "runs across the edges"
    first = Coverage((courses.format(4), edges), transitions=(5, 9))
    second = Coverage((courses.format(3),), transitions=(5, 9))
    found = between(*(RunResult("x", "strict", (), coverage=each) for each in (first, second)))
    lines = {line.name: line.values for line in found.coverage}
    assert lines["every course of requests and kills"] == ("4 steps: 150 distinct", "3 steps: 150 distinct")
    assert lines["runs across the edges"] == ("covered", "")
    assert lines["transitions surely taken"] == ("5 of 9", "5 of 9")


def test_one_run_is_no_comparison() -> None:
    with pytest.raises(ValueError, match="two runs or more"):
        between(result())
