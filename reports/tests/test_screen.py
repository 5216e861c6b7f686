"""A run on one screen: it never scrolls, says first what happened, and leaves out the least important first."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest
from rich.console import Console
from rich.text import Text

from seqproof_model.assessment import assess
from seqproof_model.profile import built_in
from seqproof_model.requirements import REQUIREMENTS
from seqproof_model.verdict import Counterexample, Coverage, Grade, Result, Verdict
from seqproof_reports.screen import PROMPT, render_screen

DATA = Path(__file__).parent / "data"
NAMES = sorted(path.stem for path in DATA.glob("*.json"))
PAGE = "seqproof-runs/a folder with a rather long name, so that the path does not fit a line/valkey/index.html"


def load(name: str) -> Counterexample:
    return msgspec.json.decode((DATA / f"{name}.json").read_bytes(), type=Counterexample)


def verdict(shown: list[Counterexample]) -> Verdict:
    failed = {item.violation.requirement for item in shown}
    grades = tuple(
        Grade(name, Result.FAIL if name in failed else Result.PASS if at % 2 else Result.NOT_GRADED, 3, "no kill")
        for at, name in enumerate(REQUIREMENTS)
    )
    covered = Coverage(("every course of up to 3 steps",), {"golden": 9}, (3, 4), {"a": 1}, ("a page was lost",))
    found = tuple(item.violation for item in shown)
    return Verdict("valkey", built_in()["strict"], grades, found, 9, coverage=covered, undecided=("no answer",) * 3)


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


def screen(shown: list[Counterexample], height: int, *, colour: bool = True) -> str:
    out = io.StringIO()
    console = Console(file=out, width=80, height=height, force_terminal=True, no_color=not colour)
    paths = [(item, f"seqproof-runs/valkey/{item.violation.requirement}/report.html") for item in shown]
    render_screen(console, assess(verdict(shown)), paths, PAGE)
    return out.getvalue() if colour else Text.from_ansi(out.getvalue()).plain


def height_of(text: str) -> int:
    """Lines on a terminal of 80 columns."""
    return sum(max(1, -(-len(line) // 80)) for line in text.splitlines())


@pytest.mark.parametrize("height", [24, 30, 40, 60])
@pytest.mark.parametrize("names", [[], NAMES[:1], NAMES[:3], NAMES, NAMES * 5])
def test_it_fits_the_screen_whatever_was_found(names: list[str], height: int) -> None:
    text = screen([load(name) for name in names], height, colour=False)
    assert height_of(text) <= height - PROMPT
    assert text.startswith("✗ valkey (strict): not conformant, graded" if names else "– valkey (strict): inconclusive")
    assert "passed" in text.splitlines()[0]
    assert text.splitlines()[-1].startswith("  results   ")


def test_a_smaller_terminal_is_taken_for_one_of_24_lines() -> None:
    assert screen([load("lost_after_kill")], 5) == screen([load("lost_after_kill")], 24)


def test_each_failure_has_its_line_before_any_is_told_in_full() -> None:
    shown = [load(name) for name in NAMES]
    small, large = screen(shown, 30, colour=False), screen(shown, 90, colour=False)
    for item in shown:
        assert f"✗ {item.violation.requirement} " in small
    assert "evidence" not in small
    assert large.count("evidence") >= 3


def test_failures_that_do_not_fit_are_counted() -> None:
    text = screen([load(name) for name in NAMES * 5], 24, colour=False)
    shown = sum(line.startswith("✗ ") for line in text.splitlines()) - 1
    assert f"… and {30 - shown} more failures" in text


def test_with_room_everything_is_said() -> None:
    text = screen([load("lost_after_kill")], 200, colour=False)
    for said in ("evidence", "not graded", "covered", "inconclusive", "observed", "replay"):
        assert said in text


def test_with_colour_the_words_are_the_same() -> None:
    shown = [load("hostile_texts")]
    assert Text.from_ansi(screen(shown, 40)).plain == screen(shown, 40, colour=False)
    assert "\x1b[" in screen(shown, 40)
