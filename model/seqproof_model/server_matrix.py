"""The public matrix: requirements times servers, and how each server was meant to fare.

One column is one server that was held to a suite, or one that could not be: it is *not run*, with the reason, and that
is never a pass. Violations are data here. Whoever knows a server writes down what is expected of it; the matrix then
says where its verdict differs from that.

The matrix is one JSON file. Everything that is shown is drawn from it alone, so a page can be drawn again without any
server. Source: docs/matrix.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path

import msgspec

from seqproof_model.requirements import REQUIREMENTS
from seqproof_model.results import SAID, ResultsError, RunResult
from seqproof_model.verdict import Grade, Result

FORMAT, VERSION = "seqproof-matrix", 1


class Mark(StrEnum):
    """What one cell says."""

    PASS = "passes"  # noqa: S105 - not a password
    FAIL = "fails"
    NOT_GRADED = "not graded"
    NOT_RUN = "not run"


MARKS = {Result.PASS: Mark.PASS, Result.FAIL: Mark.FAIL, Result.NOT_GRADED: Mark.NOT_GRADED}


class Expected(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is expected of a server. ``conformant``: no violation, and nothing undecided.

    ``must``: the requirements that fail; ``may``: those that also may, for a race need not show each time.
    """

    conformant: bool = False
    must: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


class Cell(msgspec.Struct, frozen=True):
    """One requirement of one server. ``added``: the adapter's own code does it; ``why``: the reason, or what was seen.

    ``page``: where the counterexample stands, as a path from the matrix's file, "" where there is none.
    """

    mark: Mark
    added: bool = False
    why: str = ""
    page: str = ""


class Server(msgspec.Struct, frozen=True, omit_defaults=True):
    """One column. ``result`` None: it was not run, and ``why`` says the reason and the mend.

    ``folder``: where its results stand, as a path from the matrix's file.
    """

    target: str
    result: RunResult | None = None
    why: str = ""
    folder: str = ""
    expected: Expected | None = None

    @property
    def standing(self) -> str:
        """What it amounts to in one word or two."""
        return "not run" if self.result is None else self.result.standing

    @property
    def broken(self) -> str:
        """Why it could not be run, or not to the end for its own reasons; "" when it was."""
        return self.why if self.result is None else self.result.stopped

    def cell(self, requirement: str) -> Cell:
        """What the server's column says of one requirement."""
        if self.result is None:
            return Cell(Mark.NOT_RUN, why=self.why)
        grade = self.result.grade(requirement)
        if grade is None:
            return Cell(Mark.NOT_GRADED, why="the run knew no such requirement")
        failure = next((item for item in self.result.failures if item.requirement == requirement), None)
        page = f"{self.folder}/{failure.page}" if failure and failure.page and self.folder else ""
        added = grade.added_by_adapter and grade.result is not Result.NOT_GRADED
        return Cell(MARKS[grade.result], added, failure.sentence if failure else _why(grade), page)

    def differs(self) -> str:
        """How the verdict differs from what is expected, in one line; "" where it does not, or nothing is expected.

        Of a run that ended early only what fails can differ: what did not fail may have been about to.
        """
        if self.expected is None or self.result is None:
            return ""
        failed, wanted = self.result.having(Result.FAIL), self.expected
        said = [f"{name} fails unexpectedly" for name in failed if name not in (*wanted.must, *wanted.may)]
        if self.result.interrupted or self.result.stopped:
            return "; ".join(said)
        said += [f"{name} was to fail: {self.cell(name).mark}" for name in wanted.must if name not in failed]
        if wanted.conformant and not said and self.result.standing != "conformant":
            said = [f"was to be conformant, is {self.result.standing}: {'; '.join(self.result.inconclusive)}"]
        return "; ".join(said)


def _why(grade: Grade) -> str:
    return f"observed {grade.observed} ×" if grade.result is Result.PASS else grade.reason


class ServerMatrix(msgspec.Struct, frozen=True):
    """The whole table. ``suite``: the one that each was held to; ``interrupted``: the rest is not known."""

    suite: str
    servers: tuple[Server, ...]
    kit: str = ""
    interrupted: bool = False
    format: str = FORMAT
    version: int = VERSION

    def requirements(self) -> list[str]:
        """The rows: the requirements that are graded of some server, or could have been."""
        never = {name for name, _ in self.never()}
        return [name for name in self._known() if name not in never]

    def never(self) -> list[tuple[str, str]]:
        """The requirements that no server can be graded on by this kit, with the reason; they are no rows."""
        return [
            (name, REQUIREMENTS[name].why_never)
            for name in self._known()
            if name in REQUIREMENTS
            and REQUIREMENTS[name].why_never
            and all(server.cell(name).mark in (Mark.NOT_GRADED, Mark.NOT_RUN) for server in self.servers)
        ]

    def _known(self) -> list[str]:
        """Every requirement that some run graded or could not; all that there are, where none was run."""
        runs = [server.result for server in self.servers if server.result]
        found = dict.fromkeys(grade.requirement for run in runs for grade in run.grades) or dict.fromkeys(REQUIREMENTS)
        return [name for name in REQUIREMENTS if name in found] + [name for name in found if name not in REQUIREMENTS]

    def having(self, standing: str) -> list[Server]:
        """The servers that amount to this."""
        return [server for server in self.servers if server.standing == standing]


def families(requirements: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """The rows in groups, by the beginning of their ids.

    >>> [(family, len(ids)) for family, ids in families(["SEQ-1", "SEQ-2", "SND-1"])]
    [('SEQ', 2), ('SND', 1)]
    """
    groups: dict[str, list[str]] = {}
    for name in requirements:
        groups.setdefault(name.partition("-")[0], []).append(name)
    yield from groups.items()


def encode(matrix: ServerMatrix) -> bytes:
    """The file: JSON, two blanks a level, one line end at its end."""
    return msgspec.json.format(msgspec.json.encode(matrix), indent=2) + b"\n"


def read(path: Path) -> ServerMatrix:
    """Read a matrix's file. Raises ResultsError."""
    try:
        matrix = msgspec.json.decode(path.read_bytes(), type=ServerMatrix)
    except OSError as error:
        raise ResultsError(f"cannot read {path}: {error.strerror or error}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        why = " ".join(str(error).split())[:SAID]
        raise ResultsError(f"{path} is no matrix: {why}; `seqproof matrix` writes one") from None
    if (matrix.format, matrix.version) != (FORMAT, VERSION):
        found = f"{matrix.format} {matrix.version}"
        raise ResultsError(f"{path} is no matrix of this version: {found}, not {FORMAT} {VERSION}; run it again")
    return matrix


def summary(servers: Sequence[Server]) -> str:
    """How the servers fare, in one line.

    >>> summary([Server("a", why="gone"), Server("b", why="gone")])
    '2 not run'
    """
    words = ("conformant", "not conformant", "inconclusive", "not run")
    counts = [(sum(server.standing == word for server in servers), word) for word in words]
    return ", ".join(f"{count} {word}" for count, word in counts if count) or "no server"
