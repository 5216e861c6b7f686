"""seqproof report: everything is drawn anew from the JSON Lines alone, and what was stored otherwise is said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seqproof_conformance import running
from seqproof_conformance.cli import app
from seqproof_conformance.shell import UsageError
from seqproof_conformance.suite import Job, Watcher
from seqproof_model import results
from seqproof_model.verdict import Result


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a faulty server, as it is left behind."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    running.carry_out(Job("mutant:ACK_ON_REPLY", folder, pattern="golden"), running.Wishes(), Watcher())
    return folder


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy of it to spoil."""
    return Path(shutil.copytree(made, tmp_path / "run"))


def report(*words: str | Path) -> list[str]:
    done = CliRunner().invoke(app, ["report", *map(str, words)], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout.splitlines()


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


DATA = ("history.jsonl", "scenario.json", "counterexample.json")


def test_a_run_without_its_pages_gets_the_same_again(run: Path) -> None:
    before = files(run)
    for path in run.rglob("*"):
        if path.is_file() and path.name not in (*DATA, "verdict.json"):
            path.unlink()
    said = report(run)
    after = files(run)
    assert set(after) == set(before)
    assert [name for name in before if before[name] != after[name] and name != "verdict.json"] == []
    assert len(said) == 1, "nothing differs"
    assert "not conformant, graded" in said[0]
    assert "2 counterexamples drawn anew" in said[0]


def test_the_verdict_is_as_it_was_where_nobody_changed_anything(run: Path) -> None:
    then = results.read(run)
    report(run)
    now = results.read(run)
    assert now.grades == then.grades
    assert (now.code, now.events, now.violations, now.inconclusive) == (1, then.events, then.violations, ())
    assert [(item.requirement, item.page) for item in now.failures] == [(f.requirement, f.page) for f in then.failures]


def test_the_history_is_believed_and_not_the_stored_verdict(run: Path) -> None:
    data: Any = json.loads((run / "verdict.json").read_text("utf-8"))
    for grade in data["grades"]:
        grade["result"] = "pass"
    (run / "verdict.json").write_text(json.dumps(data), "utf-8")
    said = report(run)
    assert "  differs: RCV-7: the history says fail, the stored verdict said pass" in said
    assert "RCV-7" in results.read(run).having(Result.FAIL)


def test_a_killed_run_has_its_reports_from_the_lines_that_were_written(run: Path, tmp_path: Path) -> None:
    whole = (run / "history.jsonl").read_bytes()
    cut = tmp_path / "cut"
    cut.mkdir()
    (cut / "history.jsonl").write_bytes(whole[: len(whole) // 2])
    said = report(cut)
    assert "the history has no end; it is read up to line" in said[1]
    assert "holds no verdict.json: what was looked for, and how far, is not known" in said[2]
    found = results.read(cut)
    assert found.having(Result.FAIL)
    for item in found.failures:
        assert (cut / item.page).is_file()
        assert not (cut / item.requirement / "scenario.json").exists()
    assert report(cut / found.failures[0].requirement)[0].endswith("files drawn anew")


def test_a_counterexample_alone_is_drawn_anew_and_what_differs_is_said(run: Path) -> None:
    place = run / "RCV-7"
    before = files(place)
    (place / "report.html").unlink()
    assert len(report(place)) == 1
    assert files(place) == before
    facts: Any = json.loads((place / "counterexample.json").read_text("utf-8"))
    facts["violation"]["requirement"] = "SEQ-1"
    (place / "counterexample.json").write_text(json.dumps(facts), "utf-8")
    assert report(place)[1].endswith("the history says RCV-7, counterexample.json said SEQ-1")


def test_reports_for_a_pipeline_are_drawn_anew_too(run: Path, tmp_path: Path) -> None:
    report(run, "--junit-xml", tmp_path / "new" / "junit.xml", "--markdown", tmp_path / "summary.md")
    assert "<failure" in (tmp_path / "new" / "junit.xml").read_text("utf-8")
    assert (tmp_path / "summary.md").read_text("utf-8").startswith("✗ **mutant:")


def test_a_matrix_is_drawn_anew_with_all_its_runs(tmp_path: Path) -> None:
    words = ["matrix", "mutant:CORRECT", "mutant:ACK_ON_REPLY", "--length", "1", "-o", str(tmp_path / "m")]
    assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
    before = files(tmp_path / "m")
    for name in before:
        if name.endswith((".html", ".md", ".svg")):
            (tmp_path / "m" / name).unlink()
    said = report(tmp_path / "m")
    assert said[-1].endswith("the matrix of 2 servers drawn anew")
    after = files(tmp_path / "m")
    assert set(after) == set(before)
    assert after["matrix.html"] == before["matrix.html"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "is no directory; name a run's"),
        ({}, r"holds no history\.jsonl and no matrix\.json; name the directory"),
        ({"history.jsonl": "hello"}, "is not a seqproof history"),
        ({"matrix.json": "{}"}, "is no matrix"),
        ({"verdict.json": "{}"}, "is no verdict of a run"),
        ({"scenario.json": "{}"}, r"holds no history\.jsonl"),
    ],
)
def test_a_wrong_directory_is_one_clear_line(content: dict[str, str] | None, why: str, tmp_path: Path) -> None:
    place = tmp_path / "there"
    if content is not None:
        place.mkdir()
        for name, text in content.items():
            (place / name).write_text(text, "utf-8")
    with pytest.raises((UsageError, ValueError), match=why) as told:
        CliRunner().invoke(app, ["report", str(place)], catch_exceptions=False)
    assert "\n" not in str(told.value)
