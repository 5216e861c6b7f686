"""The kill matrix's arithmetic: what is a kill, what certifies, and what each way of not certifying is called."""

from __future__ import annotations

import pytest

from seqproof_model.kills import (
    EQUIVALENT,
    FAULT,
    Cell,
    Covered,
    Engine,
    Matrix,
    Mutant,
    Outcome,
    Row,
    column,
    covered,
    gradable,
    outcome,
    wrong,
)
from seqproof_model.requirements import REQUIREMENTS

QUICK, STANDARD, WALK = (Engine(name, name) for name in ("quick", "standard", "walk"))
BROKEN = Mutant("BROKEN", FAULT, "It loses.", expected=("RCV-1", "RCV-7"), shortest=2)
LARGE = Mutant("LARGE", FAULT, "It loses much.", expected=("RCV-1",), suite="standard")
RIGHT = Mutant("RIGHT", EQUIVALENT, "It is odd.")
KILLED = Cell("quick", Outcome.KILLED, ("RCV-7",), "RCV-7", seconds=0.5, length=6)


def table(*rows: Row, engines: tuple[Engine, ...] = (QUICK,), whole: bool = False) -> Matrix:
    return Matrix(engines, rows, covered(rows), whole)


@pytest.mark.parametrize(
    ("kind", "killer", "blamed", "expected"),
    [
        (FAULT, "RCV-7", ["SEQ-2", "RCV-7"], Outcome.KILLED),
        (FAULT, "", ["SEQ-2"], Outcome.BLAMED),
        (FAULT, "", [], Outcome.SURVIVED),
        (EQUIVALENT, "", [], Outcome.PASSED),
        (EQUIVALENT, "", ["RCV-7"], Outcome.BLAMED),
    ],
)
def test_a_kill_takes_an_id_that_fits(kind: str, killer: str, blamed: list[str], expected: Outcome) -> None:
    assert outcome(kind, killer, blamed) is expected


def test_a_table_in_which_all_is_as_it_should_be_certifies() -> None:
    assert wrong(table(Row(BROKEN, (KILLED,)), Row(RIGHT, (Cell("quick", Outcome.PASSED),)))) == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (Row(BROKEN, (Cell("quick", Outcome.SURVIVED),)), "BROKEN survived quick"),
        (Row(BROKEN, (Cell("quick", Outcome.SURVIVED, reason="it hangs"),)), "BROKEN survived quick (it hangs)"),
        (
            Row(BROKEN, (Cell("quick", Outcome.BLAMED, ("SEQ-2",)),)),
            "BROKEN was blamed by quick as SEQ-2; what fits is RCV-1, RCV-7",
        ),
        (Row(RIGHT, (Cell("quick", Outcome.BLAMED, ("CNF-5",)),)), "RIGHT is right, and quick blames it: CNF-5"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(row: Row, said: str) -> None:
    assert wrong(table(row)) == [said]


def test_the_strongest_suite_decides_and_a_baseline_never() -> None:
    survives, kills = Cell("quick", Outcome.SURVIVED), Cell("standard", Outcome.KILLED, ("RCV-1",), "RCV-1")
    both = Row(BROKEN, (survives, kills, Cell("walk", Outcome.SURVIVED)))
    assert wrong(table(both, engines=(QUICK, STANDARD, WALK))) == []
    assert "no suite is among the engines" in wrong(table(Row(BROKEN, ()), engines=(WALK,)))[0]
    false_alarm = Row(RIGHT, (Cell("standard", Outcome.PASSED), Cell("walk", Outcome.BLAMED, ("RCV-1",))))
    assert wrong(table(false_alarm, engines=(STANDARD, WALK))) == ["RIGHT is right, and walk blames it: RCV-1"]


def test_what_a_larger_suite_is_to_find_is_no_miss_of_the_small_one() -> None:
    survives = [Row(LARGE, (Cell(name, Outcome.SURVIVED),)) for name in ("quick", "standard")]
    assert wrong(table(survives[0])) == []
    assert wrong(table(survives[1], engines=(STANDARD,))) == ["LARGE survived standard"]


def test_a_whole_table_needs_a_fault_for_each_requirement() -> None:
    found = table(Row(BROKEN, (KILLED,)), whole=True)
    missing = {line.partition(":")[0] for line in wrong(found)}
    reasoned = {name for name, row in REQUIREMENTS.items() if row.unblamed}
    assert missing == set(gradable(["server"])) - {"RCV-7"} - reasoned
    reasons = tuple(Covered(each.requirement, reason="it cannot be planted") for each in found.covered)
    assert wrong(Matrix((QUICK,), found.rows, reasons)) == []


def test_stored_counterexamples_count_for_requirements_and_suspects_do_too() -> None:
    found = {each.requirement: each for each in covered((), [("A", "RCV-1", ("CNF-3",)), ("A", "RCV-1", ())])}
    assert found["RCV-1"] == Covered("RCV-1", blamed=("A",))
    assert found["CNF-3"] == Covered("CNF-3", suspected=("A",))
    assert not found["SEQ-1"].blamed


def test_a_blame_that_does_not_fit_covers_no_requirement() -> None:
    odd = Row(BROKEN, (Cell("quick", Outcome.KILLED, ("SEQ-2", "RCV-7"), "RCV-7"),))
    blamed = [each.requirement for each in covered([odd]) if each.blamed]
    assert blamed == ["RCV-7"]


def test_requirements_of_phones_are_asked_for_when_phones_are_there() -> None:
    assert "DEV-2" not in gradable(["server"])
    assert "DEV-2" in gradable(["server", "phone"])


def test_a_column_is_summed_up_with_medians_of_its_kills() -> None:
    cells = [Cell("quick", Outcome.KILLED, ("RCV-1",), "RCV-1", seconds=s, length=n) for s, n in ((1.0, 2), (3.0, 8))]
    nothing = Row(BROKEN, (Cell("quick", Outcome.NONE, reason="no model"),))
    right = Row(RIGHT, (Cell("quick", Outcome.PASSED),))
    sums = column(table(*(Row(BROKEN, (cell,)) for cell in cells), nothing, right), "quick")
    assert (sums.killed, sums.faults, sums.blamed, sums.equivalents) == (2, 2, 0, 1)
    assert (sums.seconds, sums.length, sums.over) == (2.0, 5.0, 2.5)
    assert column(table(nothing), "quick").seconds is None
