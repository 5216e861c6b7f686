"""``seqproof compare`` as its user meets it: real verdicts, planted differences, exit codes, pages with live links."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner
from typer.testing import Result as Done

from seqproof_conformance import command_compare, running
from seqproof_conformance.suite import Job, Watcher
from seqproof_model import results
from seqproof_model.verdict import Grade, Result


def compare(*words: str | Path) -> Done:
    """Run ``seqproof compare``."""
    return CliRunner().invoke(command_compare.app, ["compare", *map(str, words)])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two real runs: ``right`` and ``wrong``."""
    folder = tmp_path_factory.mktemp("runs")
    for name, target in (("right", "mutant:CORRECT"), ("wrong", "mutant:ACK_ON_REPLY")):
        running.carry_out(Job(target, folder / name, length=1), running.Wishes(), Watcher())
    return folder


def planted(folder: Path, runs: Path, requirement: str, result: Result | None, reason: str = "") -> Path:
    """The run ``right`` with another grade for one requirement; None: with none."""
    data: Any = json.loads((runs / "right" / "verdict.json").read_text("utf-8"))
    grades = [grade for grade in data["grades"] if grade["requirement"] != requirement]
    if result is not None:
        grades.append(msgspec.to_builtins(Grade(requirement, result, reason=reason)))
    path = folder / f"{requirement}-{result}.json"
    path.write_text(json.dumps(data | {"grades": grades}), "utf-8")
    return path


def test_what_a_run_writes_is_what_is_read(runs: Path) -> None:
    found = results.read(runs / "wrong")
    assert (found.target, found.suite, found.length, found.selected) == ("mutant:ACK_ON_REPLY", "quick", 1, None)
    assert not found.interrupted
    assert found.standing == "not conformant"
    assert found.coverage
    assert all((runs / "wrong" / failure.page).is_file() for failure in found.failures)
    assert {seen.requirement for seen in found.violations} == {failure.requirement for failure in found.failures}


def test_a_run_against_itself_is_nothing_new(runs: Path) -> None:
    for name in ("right", "wrong"):
        done = compare(runs / name, runs / name / "verdict.json")
        assert done.exit_code == 0
        assert "✓ nothing got worse: 0 of" in done.stdout


def test_a_server_that_got_worse_is_exit_code_1_and_mended_it_is_0(runs: Path) -> None:
    worse, better = compare(runs / "right", runs / "wrong"), compare(runs / "wrong", runs / "right")
    assert (worse.exit_code, better.exit_code) == (1, 0)
    assert re.search(r"✗ passed, now fails: .*RCV-7", worse.stdout)
    assert re.search(r"violation new: RCV-7 EMPTY_REPLY", worse.stdout)
    assert re.search(r"✓ failed, now passes: .*RCV-7", better.stdout)
    assert re.search(r"violation gone: RCV-7 EMPTY_REPLY", better.stdout)


@pytest.mark.parametrize(
    ("requirement", "result", "code", "says"),
    [
        ("SEQ-1", Result.FAIL, 1, "passed, now fails: SEQ-1"),
        ("RCV-3", Result.FAIL, 1, "was not graded, now fails: RCV-3"),
        ("SEQ-1", Result.NOT_GRADED, 3, "passed, now not graded: SEQ-1 (planted)"),
        ("SEQ-1", None, 3, "passed, now not graded: SEQ-1 (the run knew no such requirement)"),
        ("RCV-3", Result.PASS, 0, "was not graded, now passes: RCV-3"),
        ("DEV-1", Result.NOT_GRADED, 0, "nothing got worse: 1 of"),
    ],
)
def test_a_planted_difference_is_told(
    runs: Path, tmp_path: Path, requirement: str, result: Result | None, code: int, says: str
) -> None:
    done = compare(runs / "right", planted(tmp_path, runs, requirement, result, "planted"))
    assert done.exit_code == code
    assert says in done.stdout


def test_worse_outranks_less(runs: Path, tmp_path: Path) -> None:
    less = planted(tmp_path, runs, "SEQ-1", Result.NOT_GRADED)
    assert compare(runs / "right", less).exit_code == 3
    assert compare(runs / "right", less, runs / "wrong").exit_code == 1


def test_json_is_one_object_that_holds_it_all(runs: Path) -> None:
    done = compare(runs / "right", runs / "wrong", "--json")
    told: Any = json.loads(done.stdout)
    assert told["code"] == done.exit_code == 1
    assert [run["name"] for run in told["runs"]] == ["right", "wrong"]
    changes = {row["requirement"]: row["changes"][1] for row in told["requirements"]}
    assert changes["RCV-7"] == "passed, now fails"
    assert {fault["is"] for fault in told["violations"]} == {"new"}


def test_pages_lead_to_the_counterexamples(runs: Path, tmp_path: Path) -> None:
    html, markdown = tmp_path / "deep" / "c.html", tmp_path / "c.md"
    assert compare(runs / "right", runs / "wrong", "--html", html, "--markdown", markdown).exit_code == 1
    for page, pattern in ((html, r'href="([^"#]+)"'), (markdown, r"\]\(([^)]+)\)")):
        found = re.findall(pattern, page.read_text("utf-8"))
        assert found
        assert all((page.parent / link).is_file() for link in found)


def test_runs_whose_folders_have_one_name_are_called_by_their_paths(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "right").mkdir()
    (tmp_path / "right" / "verdict.json").write_bytes((runs / "right" / "verdict.json").read_bytes())
    out = compare(runs / "right", tmp_path / "right", "--json").stdout
    assert [run["name"] for run in json.loads(out)["runs"]] == [str(runs / "right"), str(tmp_path / "right")]


def test_what_cannot_be_read_is_one_line(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{", "utf-8")
    for words, says in (
        ((runs / "right",), "one result cannot be compared"),
        ((runs / "right", tmp_path), "holds no verdict.json"),
        ((runs / "right", tmp_path / "none"), "there is no"),
        ((runs / "right", tmp_path / "broken.json"), "is no verdict of a run"),
    ):
        said = str(compare(*words).exception)
        assert says in said
        assert "\n" not in said
