"""What a kill matrix is: known faults times ways to look for them, and what the table of it amounts to.

A kit is trusted as far as it was tried. So servers with a known fault (*mutants*) are held to every way of looking that
the house has (*engines*): a way *kills* a mutant when it blames it under an id that fits the fault. A blame under
another id is no kill, for it would send its reader to the wrong place. Beside the faults stand *equivalents*, which
look odd and are right: whoever blames one of them is worse than one that misses a fault.

Here are the data and the arithmetic; who fills the table stands in the conformance kit, who draws it in the reports.
A table *certifies* the kit when its strongest suite killed every fault, blamed no equivalent, and no requirement that
can be graded is without a fault that it is blamed for, or at least suspected of.
Source: docs/mutants.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum
from statistics import median

import msgspec

from seqproof_model.requirements import REQUIREMENTS, Role

FAULT, EQUIVALENT, NULL = "fault", "equivalent", "null"
DECIDING = ("standard", "quick")  # the first of these that was asked for says whether a mutant is killed


class Outcome(StrEnum):
    """What one engine made of one mutant."""

    KILLED = "killed"  # blamed under an id that fits
    BLAMED = "blamed"  # a fault, blamed under other ids only; or an equivalent, blamed at all
    SURVIVED = "survived"  # a fault, not blamed
    PASSED = "passed"  # an equivalent, not blamed
    NONE = "none"  # the engine has nothing to look at; the cell says why


class Cell(msgspec.Struct, frozen=True, omit_defaults=True):
    """One engine on one mutant. ``blamed``: the ids, in the order in which they were found.

    ``killer``: the first of them that fits. ``suspects``: ids that were suspected besides. ``seconds``: until the first
    counterexample that kills; None for none. ``length``: how many things happen in it, from the first to the one that
    shows the fault. ``reason``: why there is nothing to look at, or why the looking ended early.
    """

    engine: str
    outcome: Outcome
    blamed: tuple[str, ...] = ()
    killer: str = ""
    suspects: tuple[str, ...] = ()
    seconds: float | None = None
    length: int | None = None
    reason: str = ""


class Mutant(msgspec.Struct, frozen=True, omit_defaults=True):
    """One target with what is known of it.

    ``suite``: the smallest suite that is to find it. ``shortest``: the length of the shortest known counterexample.
    """

    id: str
    kind: str
    summary: str
    role: str = "server"
    breaks: str = ""
    expected: tuple[str, ...] = ()
    profile: str = ""
    suite: str = "quick"
    shortest: int | None = None


class Engine(msgspec.Struct, frozen=True):
    """One way of looking. ``text``: what it does and how much of it, its budget."""

    name: str
    text: str


class Row(msgspec.Struct, frozen=True):
    """One mutant under all engines, in the order of the matrix."""

    mutant: Mutant
    cells: tuple[Cell, ...] = ()

    def cell(self, engine: str) -> Cell | None:
        """Return the cell of an engine, None where it was not filled."""
        return next((cell for cell in self.cells if cell.engine == engine), None)


class Covered(msgspec.Struct, frozen=True):
    """One requirement: the faults that are blamed on it, those that only make it suspect, or why there is none."""

    requirement: str
    blamed: tuple[str, ...] = ()
    suspected: tuple[str, ...] = ()
    reason: str = ""


class Matrix(msgspec.Struct, frozen=True):
    """The table. ``whole``: it has every mutant, so that something can be said of the requirements."""

    engines: tuple[Engine, ...]
    rows: tuple[Row, ...]
    covered: tuple[Covered, ...] = ()
    whole: bool = True
    interrupted: bool = False


class Column(msgspec.Struct, frozen=True):
    """What an engine comes to: faults killed, of how many it could look at; equivalents blamed, of how many.

    ``seconds``, ``length``, ``over``: medians over the kills; ``over``: how many times the shortest known length.
    """

    engine: str
    killed: int
    faults: int
    blamed: int
    equivalents: int
    seconds: float | None
    length: float | None
    over: float | None


# ---------------------------------------------------------------- one cell


def outcome(kind: str, killer: str, blamed: Collection[str]) -> Outcome:
    """What a cell is. ``killer``: an id that fits, or "".

    >>> outcome(FAULT, "CNF-5", ["RCV-1", "CNF-5"]), outcome(FAULT, "", ["RCV-1"]), outcome(EQUIVALENT, "", [])
    (<Outcome.KILLED: 'killed'>, <Outcome.BLAMED: 'blamed'>, <Outcome.PASSED: 'passed'>)
    """
    if kind == FAULT and killer:
        return Outcome.KILLED
    if blamed:
        return Outcome.BLAMED
    return Outcome.SURVIVED if kind == FAULT else Outcome.PASSED


# ---------------------------------------------------------------- what it amounts to


def column(matrix: Matrix, engine: str) -> Column:
    """Sum up one engine."""
    pairs = [(row.mutant, cell) for row in matrix.rows for cell in row.cells if cell.engine == engine]
    looked = [(mutant, cell) for mutant, cell in pairs if cell.outcome is not Outcome.NONE]
    faults = [(mutant, cell) for mutant, cell in looked if mutant.kind == FAULT]
    right = [cell for mutant, cell in looked if mutant.kind == EQUIVALENT]
    kills = [(mutant, cell) for mutant, cell in faults if cell.outcome is Outcome.KILLED]
    return Column(
        engine,
        len(kills),
        len(faults),
        sum(cell.outcome is Outcome.BLAMED for cell in right),
        len(right),
        _median(cell.seconds for _, cell in kills),
        _median(cell.length for _, cell in kills),
        _median(cell.length / mutant.shortest for mutant, cell in kills if cell.length and mutant.shortest),
    )


def _median(numbers: Iterable[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return median(known) if known else None


def deciding(engines: Iterable[str]) -> str:
    """The engine whose kills count, "" where no suite is among them.

    >>> deciding(["quick", "standard", "walk"]), deciding(["walk"])
    ('standard', '')
    """
    asked = set(engines)
    return next((name for name in DECIDING if name in asked), "")


def gradable(roles: Collection[str]) -> list[str]:
    """The requirements that this version can grade when these are under test.

    >>> [name for name in gradable(["server"]) if not name.startswith(("SEQ", "SND", "RCV", "CNF"))]
    []
    """
    return [row.id for row in REQUIREMENTS.values() if row.role.value in roles and not row.ungraded]


def covered(
    rows: Iterable[Row],
    witnesses: Iterable[tuple[str, str, tuple[str, ...]]] = (),
    roles: Collection[str] = (Role.SERVER.value,),
) -> tuple[Covered, ...]:
    """For each requirement that these ``roles`` can be graded on, the faults that were blamed on it, or suspected.

    ``witnesses``: besides the rows, what is known from stored counterexamples: a fault's id, the requirement blamed,
    the ones suspected.
    """
    blamed: dict[str, dict[str, None]] = {name: {} for name in REQUIREMENTS}
    suspected: dict[str, dict[str, None]] = {name: {} for name in REQUIREMENTS}
    found = [
        (row.mutant.id, name, cell.suspects)
        for row in rows
        for cell in row.cells
        if row.mutant.kind == FAULT and cell.outcome is Outcome.KILLED
        for name in cell.blamed
        if name in row.mutant.expected
    ]
    for mutant, name, others in dict.fromkeys((*witnesses, *found)):
        blamed.setdefault(name, {})[mutant] = None
        for other in others:
            suspected.setdefault(other, {})[mutant] = None
    return tuple(
        Covered(name, tuple(blamed[name]), tuple(suspected[name]), REQUIREMENTS[name].unblamed)
        for name in gradable(roles)
    )


def wrong(matrix: Matrix) -> list[str]:
    """Why the matrix does not certify the kit, a line each; nothing where it does."""
    engine = deciding(each.name for each in matrix.engines)
    if not engine:
        return ["no suite is among the engines, so nothing is certified; add --engine standard"]
    said: list[str] = []
    for row in matrix.rows:
        said += _wrong(row, engine)
    if matrix.whole and not matrix.interrupted:
        said += [
            f"{each.requirement}: no fault is blamed on it, none makes it suspect, and no reason is written down"
            for each in matrix.covered
            if not (each.blamed or each.suspected or each.reason)
        ]
    return said


def _wrong(row: Row, engine: str) -> list[str]:
    mutant, cell = row.mutant, row.cell(engine)
    if mutant.kind == EQUIVALENT:
        return [
            f"{mutant.id} is right, and {each.engine} blames it: {', '.join(each.blamed)}"
            for each in row.cells
            if each.outcome is Outcome.BLAMED
        ]
    if cell is None or (engine == "quick" and mutant.suite != "quick"):
        return []  # interrupted, which whoever asks knows; or left to a larger suite
    if mutant.kind == FAULT and cell.outcome is Outcome.SURVIVED:
        return [f"{mutant.id} survived {engine}" + (f" ({cell.reason})" if cell.reason else "")]
    if mutant.kind == FAULT and cell.outcome is Outcome.BLAMED:
        fits = ", ".join(mutant.expected)
        return [f"{mutant.id} was blamed by {engine} as {', '.join(cell.blamed)}; what fits is {fits}"]
    return []
