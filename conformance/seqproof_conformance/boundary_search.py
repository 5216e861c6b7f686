# pyright: basic
"""Finds the boundary traces with Z3, writes them as scenarios, and checks those that are shipped.

    python -m seqproof_conformance.boundary_search --write     find all, and write the files
    python -m seqproof_conformance.boundary_search --check     hold the files to the model and to the solver

The search is a bounded one: the model is laid out in time, on true 32-bit seqs. For a goal a chain of truth values goes
along: after n steps, has the first moment occurred, have the first two, and so on. The least n at which all of them can
have is the length of a shortest run. A fault's run is what the search for a broken property finds.

Which of several shortest runs a solver gives differs from version to version. So a shipped run is right when the model
takes it, it meets its goal, it makes this very file, and the solver finds none that is shorter.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import z3

from seqproof_conformance import boundary
from seqproof_conformance.boundary import EDGES, FAULTS, GOALS, MODEL, Edge, Goal
from seqproof_model import scenario as sc
from seqproof_model.bounded import Bounded, Instance
from seqproof_model.engines.bounded_search import AllSeqs, Start, Unrolled, search
from seqproof_model.engines.solving import UINT_MAX, Formula, Sort, ask, every, holds, some, truth
from seqproof_model.faults import MODELS
from seqproof_model.scenario import Scenario
from seqproof_model.scope import Scope
from seqproof_model.trace import Trace, TraceError, tidy, trace

DEEPEST = 14
HERE = Path(__file__).parent / boundary.FOLDER


class NotFoundError(Exception):
    """No run within DEEPEST steps meets the goal, or breaks the faulty model; one line."""


def for_goal(goal: Goal, edge: Edge) -> Trace:
    """A shortest run that meets a goal at an edge, on true seqs. Raises NotFoundError."""
    unrolled = Unrolled(MODEL, goal.scope, Sort.VECTOR, Start(edge.start, edge.start))
    unrolled.solver.add(truth(unrolled.x == edge.first))
    reached: list[Formula] = [z3.BoolVal(False) for _ in goal.moments]
    for _ in range(DEEPEST):
        unrolled.extend()
        happened = [_happened(unrolled, goal, number, edge) for number in range(len(goal.moments))]
        before = [z3.BoolVal(True), *reached]
        reached = [some([reached[n], every([before[n], now])]) for n, now in enumerate(happened)]
        if ask(unrolled.solver, reached[-1]):
            return _readable(goal, edge, tuple(_picked(unrolled)))
    raise NotFoundError(f"{goal.name} at {edge.name}: no run of {DEEPEST} steps meets it; allow more")


def _happened(unrolled: Unrolled, goal: Goal, number: int, edge: Edge) -> Formula:
    """A moment of the goal occurs in the last step that was laid out."""
    moment = goal.moments[number]
    rows = [row for row in unrolled.picked[-1] if boundary.happens(moment, row[0])]
    return some([every([picked, truth(moment.when(taken.step, edge.first))]) for _, picked, taken in rows])


def _picked(unrolled: Unrolled) -> Iterator[Instance]:
    model = unrolled.solver.model()
    for rows in unrolled.picked:
        yield next(instance for instance, picked, _ in rows if holds(model, picked))


def run(steps: tuple[Instance, ...], edge: Edge, scope: Scope, fault: str = "") -> Trace:
    """The steps from below the edge, on ints, on true seqs. Raises TraceError where they cannot be taken."""
    wide = AllSeqs(**{**vars(scope), "messages": UINT_MAX, "follow": True})
    bounded = Bounded(MODELS[fault].definition if fault else MODEL, wide)
    return trace(bounded, steps, boundary.begun(bounded, edge))


def _readable(goal: Goal, edge: Edge, steps: tuple[Instance, ...]) -> Trace:
    found = run(steps, edge, goal.scope)
    better = tidy(found)
    return better if boundary.met(goal, edge, better) else found


def for_fault(name: str) -> Trace:
    """A shortest run that breaks a faulty model at its edge. Raises NotFoundError."""
    edge, model = EDGES[FAULTS[name]], MODELS[name]
    found = search(model.definition, model.scope(), start=Start(edge.start, edge.start), deepest=DEEPEST)
    if found.trace is None:
        raise NotFoundError(f"{name} at {edge.name}: no run of {DEEPEST} steps breaks it; allow more")
    return found.trace


# ---------------------------------------------------------------- the files


def wanted() -> Iterator[tuple[str, Edge, Goal | None]]:
    """What is to be shipped: the name, the edge, and the goal; None for a faulty model of that name."""
    yield from ((goal.name, EDGES[name], goal) for goal in GOALS for name in goal.edges)
    yield from ((name, EDGES[edge], None) for name, edge in FAULTS.items())


def file_of(name: str, edge: Edge) -> str:
    """The name of a file."""
    return f"{edge.name.replace('^', '-')}-{name}.json"


def made(name: str, edge: Edge, goal: Goal | None, steps: tuple[Instance, ...]) -> Scenario:
    """The scenario of a run. Raises TraceError."""
    return boundary.of_goal(goal, edge, steps) if goal else boundary.of_fault(name, steps)


def write(folder: Path = HERE, progress: Callable[[str], None] = print) -> None:
    """Find all and write the files. Raises NotFoundError, OSError."""
    folder.mkdir(exist_ok=True)
    for name, edge, goal in wanted():
        found = for_goal(goal, edge) if goal else for_fault(name)
        (folder / file_of(name, edge)).write_bytes(sc.encode(made(name, edge, goal, found.steps)))
        progress(f"{file_of(name, edge)}: {len(found)} steps")


def wrong(name: str, edge: Edge, goal: Goal | None, shipped: Scenario) -> str:
    """What is wrong with a shipped scenario, by the model's stepper alone; "" for nothing."""
    try:
        steps = boundary.steps_of(shipped)
        found = run(steps, edge, goal.scope if goal else MODELS[name].scope(), "" if goal else name)
        again = made(name, edge, goal, steps)
    except (ValueError, TraceError) as error:
        return str(error)
    if goal and not boundary.met(goal, edge, found):
        return "the run does not meet its goal"
    if not goal and not found.broken:
        return "the run breaks nothing"
    return "" if again == shipped else "its steps, title or text are not those that its run makes"


def check(folder: Path = HERE, progress: Callable[[str], None] = print) -> list[str]:
    """Hold the files to the model and to the solver; a line for each that is wrong."""
    lines: list[str] = []
    names = {file_of(name, edge) for name, edge, _ in wanted()}
    lines += [f"{path.name}: no goal and no fault makes this file; remove it" for path in sorted(folder.iterdir())
              if path.name not in names]  # fmt: skip
    for name, edge, goal in wanted():
        file = file_of(name, edge)
        try:
            shipped = sc.read(folder / file)
        except sc.ScenarioError as error:
            lines.append(f"{error}; write it with --write")
            continue
        says = wrong(name, edge, goal, shipped)
        if not says:
            shortest, length = len(for_goal(goal, edge) if goal else for_fault(name)), len(boundary.steps_of(shipped))
            says = f"the solver finds a run of {shortest} steps, this one has {length}" if shortest != length else ""
        lines += [f"{file}: {says}; write it again with --write"] if says else []
        progress(f"{file}: {says or 'right'}")
    return lines


def main(words: list[str] | None = None) -> int:
    """Write or check; exit code 0, or 1 where a shipped file is wrong."""
    parser = argparse.ArgumentParser("python -m seqproof_conformance.boundary_search", description="Boundary traces.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="find all runs and write their files")
    what.add_argument("--check", action="store_true", help="hold the files to the model and to the solver")
    parser.add_argument("--folder", type=Path, default=HERE, help="where the files are")
    given = parser.parse_args(words)
    try:
        if given.write:
            write(given.folder)
            return 0
        lines = check(given.folder)
    except NotFoundError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"cannot use {error.filename}: {error.strerror}; name another place with --folder\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    sys.stderr.writelines(f"{line}\n" for line in lines)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
