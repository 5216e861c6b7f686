"""Count the states of a scope with SPIN, a model checker that shares no code and no definition with this project.

SPIN turns the hand-written model ``spin/seqsync.pml`` into a C program, ``pan``, which searches all reachable states
and checks the invariant in each. Its numbers are a yardstick twice over: an explorer must find as many states and
transitions, and its speed means something only beside that of a tool that people know.

So that SPIN gets what is due to it: the search is exact (no bit-state hashing), depth-first, with the compiler options
that were the fastest of those tried: -O3, state vectors stored as they are (-DNOCOMP; with SPIN's compression it is no
faster, with -DCOLLAPSE three times slower, breadth-first twice), one process (two with -DNCORE=2 were slower). Partial
order reduction is off (-DNOREDUCE), because it is there to count less. What spin and gcc need is not counted.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from seqproof_model.scope import Scope

MODEL = Path(__file__).parent / "spin" / "seqsync.pml"
NO_MERGING = ("-o1", "-o2", "-o3")  # spin: no dataflow, dead-variable or statement-merging optimisation
EXACT = ("-w", "-DSAFETY", "-DNOREDUCE")  # gcc; -w: no warnings about generated code
FASTEST = ("-O3", "-DNOCOMP")  # to measure
BREADTH_FIRST = ("-O1", "-DBFS")  # to learn the depth as well; compiled in half the time
DEEPEST = 100_000  # steps on pan's stack, 48 bytes each; a search that goes deeper is an error and is not cut off


class SpinError(Exception):
    """SPIN is not there, cannot hold the scope, or found an error in the model; the text is one line."""


class Counts(NamedTuple):
    """What one search found. ``transitions``: enabled actions over all states, self-loops included.

    ``depth``: the longest path on the stack; of a breadth-first search, the steps to the farthest state.
    ``seconds``: wall time of the whole process. ``peak_bytes``: its largest resident set.
    """

    states: int
    transitions: int
    depth: int
    seconds: float
    peak_bytes: int


class Ran(NamedTuple):
    """One finished process: its exit code, both outputs, wall time in seconds, largest resident set in bytes."""

    code: int
    out: str
    err: str
    seconds: float
    peak_bytes: int


def run(command: Sequence[str | Path], folder: Path | None = None) -> Ran:
    """Run a command to its end and measure that process. Its threads count, processes that it starts do not add up."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out, tempfile.TemporaryFile("w+", encoding="utf-8") as err:
        start = time.perf_counter()
        with subprocess.Popen(command, cwd=folder, stdout=out, stderr=err) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)  # or Popen would think that it still runs
        seconds = time.perf_counter() - start
        out.seek(0)
        err.seek(0)
        return Ran(process.returncode, out.read(), err.read(), seconds, usage.ru_maxrss * 1024)


def count(scope: Scope, flags: Sequence[str] = FASTEST, model: Path = MODEL) -> Counts:
    """Build and search in a temporary folder. Raises SpinError."""
    with tempfile.TemporaryDirectory() as folder:
        return search(build(scope, Path(folder), flags, model))


def build(scope: Scope, folder: Path, flags: Sequence[str] = FASTEST, model: Path = MODEL) -> Path:
    """Return the path of ``pan`` for this scope, made in ``folder``; ``flags`` are gcc's. Raises SpinError."""
    if scope != Scope(scope.phones, scope.messages, scope.slots, scope.duplicates, scope.crash):
        raise SpinError(f"the Promela model has duplicates and crash only, not: {scope.describe()}")
    sizes = {
        "PHONES": scope.phones,
        "MESSAGES": scope.messages,
        "SLOTS": scope.slots,
        "DUPLICATES": int(scope.duplicates),
        "CRASH": int(scope.crash),
    }
    macros = [f"-D{name}={value}" for name, value in sizes.items()]
    _make([_tool("spin"), "-a", *NO_MERGING, *macros, model.resolve()], folder)
    source = folder / "pan.c"
    # pan prints its counts with 8 digits, which is too few from 10^8 on.
    source.write_text(source.read_text("utf-8").replace("%9.8g", "%9.15g"), "utf-8")
    _make([_tool("gcc"), *EXACT, *flags, "-o", "pan", "pan.c"], folder)
    return folder / "pan"


def search(pan: Path, hash_bits: int = 20) -> Counts:
    """Run ``pan`` with a table of 2^hash_bits places: best two to four for each state. Raises SpinError."""
    ran = run([pan.resolve(), "-n", "-b", f"-w{hash_bits}", f"-m{DEEPEST}"], pan.parent)
    if ran.code or "errors: 0" not in ran.out or "Search not completed" in ran.out:
        raise SpinError(f"pan did not finish without an error: {_complaint(ran)}")
    stored, transitions, depth = (
        int(_number(pattern, ran.out))
        for pattern in (r"(\S+) states, stored", r"(\S+) transitions \(=", r"depth reached (\d+)")
    )
    # Each transition leads to a state that is stored then or matched; only the initial state is stored without one.
    return Counts(stored, transitions - 1, depth, ran.seconds, ran.peak_bytes)


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise SpinError(f"there is no {name} on the PATH; on Debian: apt-get install spin gcc")
    return found


def _make(command: Sequence[str | Path], folder: Path) -> None:
    ran = run(command, folder)
    if ran.code:
        raise SpinError(f"{Path(command[0]).name} failed: {_complaint(ran)}")


def _complaint(ran: Ran) -> str:
    """The line that says most: the first with an error in it, else the last."""
    lines = [line.strip() for line in (ran.err + "\n" + ran.out).splitlines() if line.strip()]
    loud = [line for line in lines if re.search(r"error: |assertion violated|too small|memory", line)]
    return (loud or lines[-1:] or [f"exit code {ran.code}"])[0]


def _number(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise SpinError(f"pan's output has no {pattern!r}; this is written for SPIN 6.5")
    return found[1]
