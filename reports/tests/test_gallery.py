"""The gallery: it is what the faulty servers do today, has every kind of violation, and each test in it reproduces."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from _pytest.outcomes import Failed

from seqproof_model.blame import Observed
from seqproof_reports import directory

REPORTS = Path(__file__).parents[1]
MOST = 2_000_000  # bytes that a repository may carry for it
BY_HAND = {"ENDS_BETWEEN", "REFUSED_CONFIRMS"}


@pytest.fixture(scope="module")
def script() -> Any:
    """reports/gallery.py, which is a script and no part of a package."""
    spec = importlib.util.spec_from_file_location("reports_gallery", REPORTS / "gallery.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclass looks there
    spec.loader.exec_module(module)
    return module


def test_the_gallery_is_what_would_be_printed_now(script: Any) -> None:
    assert script.stale() == [], "stale; run: python reports/gallery.py"


def test_every_kind_of_violation_is_shown_and_a_history_by_hand_is_called_one(script: Any) -> None:
    shown = script.gallery()
    assert [each.observed for each in shown] == list(Observed)
    assert {each.observed.name for each in shown if each.by_hand} == BY_HAND
    readme = (REPORTS / "gallery" / "README.md").read_text("utf-8")
    for each in shown:
        assert each.counterexample.violation.observation == each.observed.name
        assert f"]({each.folder}/{each.first})" in readme
        assert each.by_hand == ("by hand" in each.counterexample.header.target)


def test_a_history_by_hand_that_shows_something_else_is_refused(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(script.BY_HAND, "ENDS_BETWEEN", "s a =1; A 0 : ")
    with pytest.raises(ValueError, match="shows EMPTY_REPLY, not ENDS_BETWEEN"):
        script.gallery()


@pytest.mark.skipif(not (REPORTS / "matrix").is_dir(), reason="the public matrix was not recorded")
def test_what_real_servers_have_shown_is_led_to(script: Any) -> None:
    cases = list(script.real())
    assert {case.server for case in cases} >= {"valkey", "nats-ackall", "postgres-naive", "dovecot"}
    for case in cases:
        assert case.counterexample.violation.requirement == case.requirement
        assert (REPORTS / "gallery" / case.page).is_file()


def test_a_real_servers_counterexample_has_its_card(
    script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = next(each.counterexample for each in script.gallery() if each.observed is Observed.SEQ_TAKEN)
    directory.write(tmp_path / "valkey" / "SEQ-3", found)
    monkeypatch.setattr(script, "MATRIX", tmp_path)
    (case,) = script.real()
    files = script.everything()
    for name in ("README.md", "index.html"):
        assert case.page in files[name].decode()
        assert "Real servers" in files[name].decode()


def test_every_link_of_the_gallery_leads_to_a_file() -> None:
    folder = REPORTS / "gallery"
    text = (folder / "index.html").read_text("utf-8") + (folder / "README.md").read_text("utf-8")
    links = re.findall(r'href="([^"#]+)"', text) + re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) > 50
    assert [link for link in links if not (folder / link).is_file()] == []


def test_a_changed_file_and_one_that_nothing_prints_are_stale(
    script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "GALLERY", tmp_path)
    assert script.main([]) == 0
    assert script.main(["--check"]) == 0
    (tmp_path / "README.md").write_text("changed", "utf-8")
    (tmp_path / "old.svg").write_text("", "utf-8")
    assert script.stale() == ["README.md", "old.svg"]
    assert script.main(["--check"]) == 1
    script.main([])
    assert script.stale() == []


def test_the_gallery_names_no_place_and_no_time_and_is_small() -> None:
    files = [path for path in (REPORTS / "gallery").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < MOST
    for path in files:
        assert not re.search(r"/tmp/|/home/|Python \d|\d{4}-\d\d-\d\d", path.read_text("utf-8")), path


TESTS = sorted((REPORTS / "gallery").glob("*/test_repro.py.txt"))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.parent.name)
def test_each_test_in_the_gallery_reproduces_its_violation(path: Path) -> None:
    text, names = path.read_text("utf-8"), dict[str, Any]()
    exec(compile(text, path, "exec"), names)  # noqa: S102 - our own file
    (test,) = (value for name, value in names.items() if name.startswith("test_"))
    said = " ".join(line.removeprefix("# ") for line in text.partition("\n#\n")[0].splitlines())
    with pytest.raises(Failed) as told:
        test()
    assert said.removesuffix(".") in str(told.value)
