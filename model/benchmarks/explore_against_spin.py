"""How fast is the explorer, and in how little memory? Beside SPIN, which searches the same states in the same run.

    python model/benchmarks/explore_against_spin.py                       2 phones, 7 messages, duplicates, crash
    python model/benchmarks/explore_against_spin.py --messages 5 --runs 5
    python model/benchmarks/explore_against_spin.py --all                 every scope of model/tests/counts.json, once
    python model/benchmarks/explore_against_spin.py --profile             where the explorer's time goes

Two whole processes take turns: ``seqproof explore --json``, with the start of Python and all it loads, and SPIN's
``pan``, compiled before and outside the measured time, its hash table chosen for the number of states, which nobody
knows before. Compare the ratio within a run, not the seconds of different runs. The bar: at most a quarter of SPIN's
time, at most 40 bytes a state.

Exit code: 0 when both found the same numbers (a bar that is not met is printed, it is no error), 1 when they differ,
2 when there was nothing to compare. Needs SPIN 6.5 and gcc.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.spin_counts import Counts, SpinError, build, run, search
from seqproof_model.bounded import Bounded
from seqproof_model.engines.explore import Explorer
from seqproof_model.network import CORRECT
from seqproof_model.scope import Scope, ScopeError

COUNTS = Path(__file__).parents[1] / "tests" / "counts.json"
MOST_TIME = 0.25  # of SPIN's median
MOST_BYTES = 40  # a state, of the whole process at its peak


class ExplorerError(Exception):
    """The explorer is not there or failed; the text is one line."""


class Row(NamedTuple):
    """A scope and the numbers that it must give."""

    scope: Scope
    states: int
    transitions: int
    depth: int


def explore(scope: Scope) -> Counts:
    """Run ``seqproof explore`` of the Python that runs this. Raises ExplorerError."""
    command = Path(sys.executable).with_name("seqproof")
    if not command.exists():
        raise ExplorerError(f"there is no {command}; install the project with pip install -e .")
    sizes = ["--phones", str(scope.phones), "--messages", str(scope.messages), "--slots", str(scope.slots)]
    switches = [f"--{name}" for name in ("duplicates", "crash") if getattr(scope, name)]
    ran = run([command, "explore", *sizes, *switches, "--json"])
    try:
        found: dict[str, Any] = json.loads(ran.out)
        return Counts(found["states"], found["transitions"], found["depth"], ran.seconds, ran.peak_bytes)
    except (ValueError, LookupError, TypeError) as error:
        last = (ran.err.strip() or ran.out.strip() or "no output").splitlines()[-1]
        raise ExplorerError(f"seqproof explore gave no counts (exit code {ran.code}): {last}") from error


def in_turn(scope: Scope, runs: int) -> tuple[list[Counts], list[Counts]]:
    """Run explorer and SPIN by turns, ``runs`` times each. Raises ExplorerError or SpinError."""
    explorer: list[Counts] = []
    spin: list[Counts] = []
    with tempfile.TemporaryDirectory() as folder:
        pan = build(scope, Path(folder))
        for _ in range(runs):
            explorer.append(explore(scope))
            spin.append(search(pan, hash_bits(explorer[0].states)))
    return explorer, spin


def hash_bits(states: int) -> int:
    """Return the size of SPIN's hash table that was the fastest: two to four places for each state."""
    return max(16, states.bit_length() + 1)


def numbers(found: Counts | Row) -> tuple[int, int]:
    """What must be equal."""
    return found.states, found.transitions


def compare(scope: Scope, runs: int) -> bool:
    """Print the table of one scope. Returns whether the counts agree."""
    print(f"{scope.describe()}; runs of each, by turns: {runs}\n", flush=True)
    explorer, spin = in_turn(scope, runs)
    print("              states  transitions     min s  median s   peak MB  bytes a state")
    for name, found in (("SPIN", spin), ("explorer", explorer)):
        print(
            f"{name:8}{found[0].states:12,}  {found[0].transitions:11,}  {min(each.seconds for each in found):8.2f}"
            f"  {median_s(found):8.2f}  {peak(found) / 1e6:8.0f}  {peak(found) / found[0].states:13.1f}"
        )
    different = sorted({numbers(each) for each in (*explorer, *spin)})
    if len(different) > 1:
        print(f"\nThe counts differ, so there is nothing to compare: {different}")
        return False
    time, memory = median_s(explorer) / median_s(spin), peak(explorer) / explorer[0].states
    print(f"\ntime    {time:5.2f} of SPIN's median; the bar, at most {MOST_TIME}, is {met(time <= MOST_TIME)}")
    print(f"memory  {memory:5.1f} bytes a state; the bar, at most {MOST_BYTES}, is {met(memory <= MOST_BYTES)}")
    return True


def profile(scope: Scope) -> None:
    """Print where the time goes: to start, measured as a search of next to nothing; to search, on one thread.

    A search on several threads makes the same calls; the calls of numpy are most of it.
    """
    start = min(explore(Scope(1, 1)).seconds for _ in range(5))
    whole = explore(scope).seconds
    print(
        f"the whole process {whole:.2f} s; of that to start and to end {start:.2f} s, {start / whole:.0%}\n", flush=True
    )
    explorer, profiler = Explorer(Bounded(CORRECT, scope), threads=1), cProfile.Profile()
    profiler.runcall(explorer.run)
    pstats.Stats(profiler).strip_dirs().sort_stats("tottime").print_stats(15)


def median_s(found: Sequence[Counts]) -> float:
    """Return the median time of some runs, in seconds."""
    return statistics.median(each.seconds for each in found)


def peak(found: Sequence[Counts]) -> int:
    """Return the most memory that any of the runs took, in bytes."""
    return max(each.peak_bytes for each in found)


def met(holds: bool) -> str:
    """Return in words whether a bar is met."""
    return "met" if holds else "NOT met"


def rows(path: Path) -> list[Row]:
    """Read a file of counts."""
    fields = ("phones", "messages", "slots", "duplicates", "crash")
    return [
        Row(Scope(**{name: row[name] for name in fields}), row["states"], row["transitions"], row["depth"])
        for row in json.loads(path.read_text("utf-8"))["counts"]
    ]


def compare_all(path: Path) -> bool:
    """Print a line for each scope of the file. Returns whether file, explorer and SPIN agree on all of them."""
    print("     states  transitions  depth  SPIN s  explorer s  counts   scope")
    right = True
    for row in rows(path):
        (explorer,), (spin,) = in_turn(row.scope, 1)
        agree = numbers(explorer) == numbers(spin) == numbers(row) and explorer.depth == row.depth
        right &= agree
        print(
            f"{row.states:11,}  {row.transitions:11,}  {row.depth:5}  {spin.seconds:6.2f}  {explorer.seconds:10.2f}"
            f"  {'agree ' if agree else 'DIFFER'}   {row.scope.describe()}"
        )
        if not agree:
            print(f"    explorer: {numbers(explorer)}, depth {explorer.depth}; SPIN: {numbers(spin)}")
    return right


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Compare the explorer with SPIN: counts, time, memory.")
    parser.add_argument("--phones", type=int, default=2)
    parser.add_argument("--messages", type=int, default=7)
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--duplicates", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--crash", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--runs", type=int, default=3, help="how often each of the two runs")
    parser.add_argument("--all", action="store_true", help="every scope of a file of counts, each once")
    parser.add_argument("--counts", type=Path, default=COUNTS, help="that file")
    parser.add_argument("--profile", action="store_true", help="where the explorer's time goes, instead")
    chosen = parser.parse_args(arguments)
    if chosen.runs < 1:
        parser.error(f"--runs {chosen.runs} is too few; run at least once")
    try:
        if chosen.all:
            return 0 if compare_all(chosen.counts) else 1
        scope = Scope(chosen.phones, chosen.messages, chosen.slots, chosen.duplicates, chosen.crash)
        if chosen.profile:
            profile(scope)
            return 0
        return 0 if compare(scope, chosen.runs) else 1
    except (SpinError, ExplorerError, ScopeError) as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
