"""A verdict.json read back: what is kept is found again, and what cannot be read is one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqproof_model import results
from seqproof_model.results import Failure, ResultsError, RunResult, Seen
from seqproof_model.verdict import Grade, Result, Violation

LEAST = b'{"target": "x", "profile": "strict", "grades": []}'


def run(*results_: Result, inconclusive: tuple[str, ...] = ()) -> RunResult:
    grades = tuple(Grade(f"SEQ-{number}", result) for number, result in enumerate(results_, 1))
    return RunResult("x", "strict", grades, inconclusive=inconclusive)


def test_a_folder_and_its_file_are_the_same_result(tmp_path: Path) -> None:
    (tmp_path / "verdict.json").write_bytes(LEAST)
    assert results.read(tmp_path) == results.read(tmp_path / "verdict.json") == RunResult("x", "strict", ())


def test_what_a_later_version_adds_is_left_alone() -> None:
    assert results.decode(LEAST.replace(b"{", b'{"colour": 3, ', 1), "here").target == "x"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "truncated"),
        (b"{}", "missing required field `target`"),
        (b"[]", "Expected `object`"),
        (b'{"target": 3}', "Expected `str`"),
        (b"\xff\xfe", "is no verdict of a run"),
        (b"[" * 100_000, "is no verdict of a run"),
        (LEAST.replace(b"[]", b'[{"requirement": "SEQ-1", "result": "maybe"}]'), "maybe"),
    ],
)
def test_what_is_no_verdict_is_one_line_with_the_mend(tmp_path: Path, text: bytes, says: str) -> None:
    path = tmp_path / "verdict.json"
    path.write_bytes(text)
    with pytest.raises(ResultsError) as error:
        results.read(tmp_path)
    assert says in str(error.value)
    assert str(path) in str(error.value)
    assert str(error.value).endswith("`seqproof run` writes verdict.json")
    assert "\n" not in str(error.value)


def test_a_place_without_a_verdict_says_so(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"holds no verdict\.json; name the folder of a run"):
        results.read(tmp_path)
    with pytest.raises(ResultsError, match=r"there is no .*nowhere"):
        results.read(tmp_path / "nowhere")


def test_nothing_graded_is_not_conformant() -> None:
    assert run(Result.PASS).standing == "conformant"
    assert run(Result.PASS, inconclusive=("the time was up",)).standing == "inconclusive"
    assert run(Result.NOT_GRADED).standing == run().standing == "inconclusive"
    assert run(Result.PASS, Result.FAIL, inconclusive=("more",)).standing == "not conformant"
    assert run(Result.PASS, Result.FAIL).headline == "graded 2 of 2: 1 passed, 1 failed"


def test_violations_are_counted_by_what_was_observed() -> None:
    def of(requirement: str, observation: str, account: str) -> Violation:
        return Violation(requirement, "I-LOSS", observation, f"in {account}", 1, account, 1)

    found = results.seen(
        [of("RCV-7", "EMPTY_REPLY", "a"), of("SEQ-3", "SEQ_TAKEN", "a"), of("RCV-7", "EMPTY_REPLY", "b")]
    )
    assert found == (Seen("RCV-7", "EMPTY_REPLY", 2), Seen("SEQ-3", "SEQ_TAKEN", 1))


def test_a_page_is_known_inside_the_runs_folder() -> None:
    assert Failure("SEQ-3", report="/tmp/x/runs/valkey/SEQ-3/report.html").page == "SEQ-3/report.html"
    assert Failure("SEQ-3", report="report.html").page == Failure("SEQ-3").page == ""
