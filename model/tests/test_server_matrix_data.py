"""The public matrix as data: what a cell says, what was not run, and where a verdict is not what was expected."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from seqproof_model import server_matrix
from seqproof_model.results import Failure, ResultsError, RunResult
from seqproof_model.server_matrix import Cell, Expected, Mark, Server, ServerMatrix
from seqproof_model.verdict import Grade, Result

GRADES = (
    Grade("SEQ-1", Result.PASS, 7),
    Grade("SEQ-2", Result.PASS, 3, added_by_adapter=True),
    Grade("SEQ-3", Result.FAIL, 1),
    Grade("SEQ-5", Result.NOT_GRADED, reason="the target does not declare kill", added_by_adapter=True),
    Grade("DEV-1", Result.NOT_GRADED, reason="no phone is under test"),
)
RUN = RunResult("db", "strict", GRADES, failures=(Failure("SEQ-3", "twice", report="SEQ-3/report.html"),))
SERVER = Server("db", RUN, folder="db-2")
RIGHT = RunResult("ok", "strict", GRADES[:2])


@pytest.mark.parametrize(
    ("requirement", "cell"),
    [
        ("SEQ-1", Cell(Mark.PASS, why="observed 7 ×")),
        ("SEQ-2", Cell(Mark.PASS, added=True, why="observed 3 ×")),
        ("SEQ-3", Cell(Mark.FAIL, why="twice", page="db-2/SEQ-3/report.html")),
        ("SEQ-5", Cell(Mark.NOT_GRADED, why="the target does not declare kill")),
        ("RCV-1", Cell(Mark.NOT_GRADED, why="the run knew no such requirement")),
    ],
)
def test_a_cell_says_what_the_grade_says(requirement: str, cell: Cell) -> None:
    assert SERVER.cell(requirement) == cell


def test_what_was_not_run_never_passes_and_says_why() -> None:
    server = Server("gone", why="no such program; install it")
    assert {server.cell(name) for name in ("SEQ-1", "SEQ-3")} == {Cell(Mark.NOT_RUN, why=server.why)}
    assert (server.standing, server.broken) == ("not run", server.why)
    assert Server("db", msgspec.structs.replace(RUN, stopped="it died")).broken == "it died"
    assert SERVER.broken == ""


def test_rows_are_what_can_be_graded_and_the_rest_is_named() -> None:
    matrix = ServerMatrix("quick", (SERVER, Server("gone", why="x")))
    assert matrix.requirements() == ["SEQ-1", "SEQ-2", "SEQ-3", "SEQ-5"]
    assert matrix.never() == [("DEV-1", "no phone is under test")]


def test_where_nothing_was_run_there_are_still_rows() -> None:
    matrix = ServerMatrix("quick", (Server("gone", why="x"),))
    assert "SEQ-1" in matrix.requirements()
    assert "DEV-1" in dict(matrix.never())


def expecting(result: RunResult, **wanted: object) -> str:
    return Server("db", result, expected=msgspec.convert(wanted, Expected)).differs()


def test_a_verdict_is_held_against_what_is_expected() -> None:
    assert expecting(RUN, must=["SEQ-3"]) == expecting(RUN, may=["SEQ-3"]) == expecting(RIGHT, conformant=True) == ""
    assert expecting(RIGHT, may=["SEQ-3"]) == expecting(RIGHT) == ""
    assert expecting(RUN) == "SEQ-3 fails unexpectedly"
    assert expecting(RUN, conformant=True) == "SEQ-3 fails unexpectedly"
    assert expecting(RIGHT, must=["SEQ-1"]) == "SEQ-1 was to fail: passes"
    assert expecting(RUN, must=["SEQ-3", "SEQ-5"]) == "SEQ-5 was to fail: not graded"


def test_an_inconclusive_run_is_not_conformant_and_one_without_expectation_never_differs() -> None:
    open_ = msgspec.structs.replace(RIGHT, inconclusive=("never happened",))
    assert expecting(open_, conformant=True) == "was to be conformant, is inconclusive: never happened"
    assert expecting(open_) == ""
    assert SERVER.differs() == Server("gone", why="x", expected=Expected(conformant=True)).differs() == ""


def test_of_a_run_that_ended_early_only_what_fails_can_differ() -> None:
    early = msgspec.structs.replace(RIGHT, interrupted=True)
    assert expecting(early, must=["SEQ-1"]) == expecting(early, conformant=True) == ""
    assert expecting(msgspec.structs.replace(RUN, stopped="it died")) == "SEQ-3 fails unexpectedly"


def test_a_matrix_is_the_same_after_the_file(tmp_path: Path) -> None:
    matrix = ServerMatrix("quick", (SERVER, Server("gone", why="x", expected=Expected(must=("SEQ-1",)))), "kit", True)
    path = tmp_path / "matrix.json"
    path.write_bytes(server_matrix.encode(matrix))
    assert server_matrix.read(path) == matrix
    assert path.read_bytes().endswith(b"}\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"{}", "is no matrix: Object missing required field `suite`"),
        (b"x", "is no matrix"),
        (b'{"suite": "quick", "servers": [], "version": 9}', "no matrix of this version: seqproof-matrix 9"),
    ],
)
def test_what_is_no_matrix_is_one_line(tmp_path: Path, text: bytes, says: str) -> None:
    path = tmp_path / "matrix.json"
    path.write_bytes(text)
    with pytest.raises(ResultsError) as error:
        server_matrix.read(path)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    with pytest.raises(ResultsError, match="cannot read"):
        server_matrix.read(tmp_path / "none.json")
