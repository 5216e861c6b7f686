"""A run's results as they are kept: the file ``verdict.json`` that every run leaves, read back.

What is worth keeping of a run is little: what was held to what, the grade of each requirement, which violations were
seen, and how far the looking went. Two such files can be compared, and several set side by side, long after the servers
are gone. A reader leaves alone what it does not know, so that a file of a later version can still be read.

A violation is known again by its requirement and its *observation*, the row of the judge's table that fitted: the same
fault shows with other numbers in another run, but in the same row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Any

import msgspec

from seqproof_model.verdict import Coverage, Grade, Result, Violation

FILE = "verdict.json"
FIRST = ("target", "code", "profile", "graded", "of", "failed", "passed", "inconclusive", "failures")
SAID = 160  # characters of a value that an error message repeats


class ResultsError(ValueError):
    """Results that cannot be read; one line with the place and the mend."""


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """A requirement that failed, with its counterexample in short. ``report``: the path of its page."""

    requirement: str
    sentence: str = ""
    suspects: tuple[str, ...] = ()
    trace: str = ""
    claim: str = ""
    reproduced: str = ""
    found_by: str = ""
    replay: str = ""
    report: str = ""

    @property
    def page(self) -> str:
        """Where its page stands inside the run's folder, "" for nowhere."""
        parts = PurePath(self.report).parts[-2:]
        return "/".join(parts) if len(parts) == 2 else ""


class Seen(msgspec.Struct, frozen=True, order=True):
    """A violation by what was observed, and in how many accounts."""

    requirement: str
    observation: str
    times: int = 0


class RunResult(msgspec.Struct, frozen=True):
    """What a run came to. ``code``: its exit code; ``inconclusive``: what keeps it from being a pass, a line each.

    ``suite`` "": what ran is not known, or no suite was; ``length``: of the courses, where it was asked for;
    ``selected``: the glob that picked scenarios, None for all. ``adds``: what the adapter's own code implements.
    ``undecided``: what happened that the evidence cannot decide; ``enough``: why not all was played though it could
    have been; ``again``: the command that runs the same once more; ``history``: of a verdict on a recorded history, its
    file. Of a run with a ``baseline`` or ``--require``: ``known``, why each known failure may fail; ``stale``: listed,
    and passing; ``listed_not_decided``, with the reason; ``required_not_graded``. Four fields say what the grades say
    too, for whoever reads the file with a one-line program: ``graded`` ``of`` so many; ``failed``, ``passed``.
    """

    target: str
    profile: str
    grades: tuple[Grade, ...]
    code: int = 0
    server: str = ""
    kit: str = ""
    seed: int | None = None
    suite: str = ""
    length: int | None = None
    selected: str | None = None
    events: int = 0
    scenarios: int = 0
    coverage: Coverage | None = None
    inconclusive: tuple[str, ...] = ()
    stopped: str = ""
    interrupted: bool = False
    strict_fails_besides: tuple[str, ...] = ()
    adds: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    violations: tuple[Seen, ...] = ()
    undecided: tuple[str, ...] = ()
    enough: str = ""
    again: str = ""
    directory: str = ""
    history: str = ""
    baseline: str | None = None
    known: dict[str, str] = {}
    stale: tuple[str, ...] = ()
    listed_not_decided: dict[str, str] = {}
    required_not_graded: tuple[str, ...] = ()
    graded: int = 0
    of: int = 0
    failed: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()

    def having(self, result: Result) -> list[str]:
        """The requirements with this result."""
        return [grade.requirement for grade in self.grades if grade.result is result]

    def grade(self, requirement: str) -> Grade | None:
        """The grade of one requirement; None where the run knew no such requirement."""
        return next((grade for grade in self.grades if grade.requirement == requirement), None)

    @property
    def standing(self) -> str:
        """What it amounts to: conformant, not conformant or inconclusive. Nothing graded is never conformant."""
        if self.having(Result.FAIL):
            return "not conformant"
        return "conformant" if self.having(Result.PASS) and not self.inconclusive else "inconclusive"

    @property
    def headline(self) -> str:
        """What was found, with numbers."""
        passed, failed = len(self.having(Result.PASS)), len(self.having(Result.FAIL))
        return f"graded {passed + failed} of {len(self.grades)}: {passed} passed, {failed or 'none'} failed"


def seen(violations: Iterable[Violation]) -> tuple[Seen, ...]:
    """Count violations by requirement and observation, in the order in which each was first seen."""
    counted = Counter((violation.requirement, violation.observation) for violation in violations)
    return tuple(Seen(requirement, observation, times) for (requirement, observation), times in counted.items())


def plain(found: RunResult) -> dict[str, Any]:
    """A result as plain data, the most important first: what --json prints."""
    data: dict[str, Any] = msgspec.to_builtins(found)
    return {name: data[name] for name in FIRST} | data


def encode(found: RunResult) -> bytes:
    """Write verdict.json."""
    return msgspec.json.format(msgspec.json.encode(plain(found)), indent=2) + b"\n"


def read(place: Path) -> RunResult:
    """Read a run's folder, or its verdict.json. Raises ResultsError."""
    path = place / FILE if place.is_dir() else place
    try:
        return decode(path.read_bytes(), str(path))
    except FileNotFoundError:
        what = f"{place} holds no {FILE}" if place.is_dir() else f"there is no {place}"
        raise ResultsError(f"{what}; name the folder of a run, as `seqproof run TARGET -o FOLDER` leaves it") from None
    except OSError as error:
        raise ResultsError(f"cannot read {path}: {error.strerror or error}") from None


def decode(text: bytes, where: str) -> RunResult:
    """Read the text of a verdict.json. Raises ResultsError."""
    try:
        return msgspec.json.decode(text, type=RunResult)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        why = " ".join(str(error).split())[:SAID]
        raise ResultsError(f"{where} is no verdict of a run: {why}; `seqproof run` writes {FILE}") from None
