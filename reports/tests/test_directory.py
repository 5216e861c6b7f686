"""A counterexample's directory: what is written can be read again, and nothing half-written stays."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from seqproof_model import history, scenario
from seqproof_model.verdict import Counterexample
from seqproof_reports import directory

DATA = Path(__file__).parent / "data"


def load(name: str) -> Counterexample:
    return msgspec.json.decode((DATA / f"{name}.json").read_bytes(), type=Counterexample)


def test_everything_written_can_be_read_again(tmp_path: Path) -> None:
    found = load("hostile_texts")
    paths = directory.write(tmp_path / "deep" / "cex", found)
    assert sorted(paths) == ["history.jsonl", "report.html", "report.md", "scenario.json"]
    assert sorted(path.name for path in (tmp_path / "deep" / "cex").iterdir()) == sorted(paths)
    assert history.read(paths["history.jsonl"]) == history.History(found.header, found.events)
    assert scenario.read(paths["scenario.json"]) == found.scenario


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    found = load("page_with_a_hole")
    first = {name: path.read_bytes() for name, path in directory.write(tmp_path, found).items()}
    assert first == {name: path.read_bytes() for name, path in directory.write(tmp_path, found).items()}


def test_a_write_that_fails_leaves_the_old_file_and_no_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, text: str, _encoding: str | None = None) -> int:
        with path.open("w") as file:
            file.write(text[:9])
        raise OSError(28, "No space left on device")

    (tmp_path / "report.md").write_text("the old one")
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        directory.write(tmp_path, load("lost_after_kill"))
    assert (tmp_path / "report.md").read_bytes() == b"the old one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.jsonl", "report.md", "scenario.json"]
