"""The terminal: within 80 columns, without colour where there is none, and the first line says it all."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from seqproof_model.profile import built_in
from seqproof_model.requirements import REQUIREMENTS
from seqproof_model.verdict import Counterexample, Grade, Result, Verdict
from seqproof_reports.summary import standing_of
from seqproof_reports.terminal import render_counterexample, render_verdict

DATA = Path(__file__).parent / "data"
NAMES = sorted(path.stem for path in DATA.glob("*.json"))
TO_BE_COPIED = ("  replay ", "  report ")


def load(name: str) -> Counterexample:
    return msgspec.json.decode((DATA / f"{name}.json").read_bytes(), type=Counterexample)


def verdict(*, failing: bool = True) -> Verdict:
    found = load("lost_after_kill").violation if failing else None
    grades = tuple(_grade(identifier, failing) for identifier in REQUIREMENTS)
    return Verdict("valkey", built_in()["strict"], grades, (found,) if found else (), 18222)


def _grade(identifier: str, failing: bool) -> Grade:
    if identifier == "RCV-7" and failing:
        return Grade(identifier, Result.FAIL, 7)
    reason = {"DEV": "no phone is under test", "PSH": "no tips are under test"}.get(identifier[:3], "")
    if identifier in {"SEQ-7", "SEQ-8"}:
        reason = f"never observed: what {identifier} needs, in a long sentence that has to be wrapped somewhere"
    if reason:
        return Grade(identifier, Result.NOT_GRADED, reason=reason)
    return Grade(identifier, Result.PASS, 123456, added_by_adapter=identifier == "SND-3")


def shown(verdict: Verdict | None = None, name: str = "", *, colour: bool = False, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=colour, no_color=not colour, legacy_windows=False)
    if verdict:
        render_verdict(console, verdict)
    if name:
        render_counterexample(console, load(name), f"results/{name}/report.html")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_first_line_says_what_happened_with_numbers() -> None:
    first = shown(verdict()).splitlines()[0]
    graded = len(REQUIREMENTS) - 13
    assert first == (
        f"✗ valkey (strict): not conformant, graded {graded} of {len(REQUIREMENTS)}: {graded - 1} passed, 1 failed"
    )


def test_what_a_pass_does_not_cover_is_said_below_the_table() -> None:
    whole = verdict()
    noted = (Grade("SEQ-7", Result.PASS, 9, reason="of large seqs alone"), *whole.grades[1:])
    assert "· SEQ-7: of large seqs alone" in shown(msgspec.structs.replace(whole, grades=noted))
    assert "of large seqs alone" not in shown(whole)


def test_no_line_is_wider_than_80_columns_but_those_to_be_copied() -> None:
    texts = [shown(verdict()), *(shown(name=name) for name in NAMES)]
    lines = [line for text in texts for line in text.splitlines() if not line.startswith(TO_BE_COPIED)]
    assert [line for line in lines if len(line.rstrip()) > 80] == []


def test_what_is_to_be_copied_stays_on_one_line() -> None:
    lines = shown(name="hostile_texts", width=40).splitlines()
    assert f"  replay    {load('hostile_texts').replay}" in lines
    assert "  report    results/hostile_texts/report.html" in lines


def test_there_is_no_escape_sequence_without_a_terminal() -> None:
    assert "\x1b" not in shown(verdict()) + "".join(shown(name=name) for name in NAMES)
    assert "\x1b[" in shown(verdict(), colour=True)


def test_hostile_texts_are_shown_and_not_obeyed() -> None:
    said = shown(name="hostile_texts")
    assert "\u202e" not in said
    assert "<b>eve</b> sends" in said


def test_rich_markup_in_a_sentence_is_text() -> None:
    found = load("lost_after_kill")
    violation = msgspec.structs.replace(found.violation, sentence="the rows [red] leave out [/red] [1, 3]")
    console = Console(file=io.StringIO(), width=80)
    render_counterexample(console, msgspec.structs.replace(found, violation=violation))
    assert isinstance(console.file, io.StringIO)
    assert "✗ the rows [red] leave out [/red] [1, 3]" in console.file.getvalue()


def test_what_is_not_graded_is_grouped_by_reason() -> None:
    lines = [line.split() for line in shown(verdict()).splitlines()]
    assert ["–", "13", "not", "graded"] in lines
    assert ["DEV-1..7", "no", "phone", "is", "under", "test"] in lines
    assert ["SEQ-7,", "SEQ-8", "never", "observed"] in lines


def test_each_graded_requirement_has_its_symbol_and_the_adapters_own_are_marked() -> None:
    lines = shown(verdict()).splitlines()
    assert any(line.startswith("  ✓ SEQ-1 ") for line in lines)
    assert any(line.startswith("  ✗ RCV-7 ") and line.endswith("fails") for line in lines)
    assert any(line.startswith("  ✓ SND-3†") for line in lines)
    assert sum("added by the adapter" in line for line in lines) == 1


def test_a_counterexample_tells_its_steps_and_what_was_due() -> None:
    said = shown(name="two_phones_lost_replies")
    for words in ("the request is lost ×", "the reply is lost ×", "a late reply reaches phone B", "◄", "CNF-2"):
        assert words in said
    assert said.lstrip("\n").startswith("✗ phone B asked after 0 and got seq 1")


@pytest.mark.parametrize(
    ("found", "standing"),
    [
        (verdict(), "not conformant"),
        (verdict(failing=False), "conformant"),
        (Verdict("null", built_in()["strict"], (Grade("SEQ-1", Result.NOT_GRADED),), (), 0), "inconclusive"),
        (Verdict("x", built_in()["strict"], (Grade("SEQ-1", Result.PASS, 1),), (), 2, partial=9), "inconclusive"),
    ],
)
def test_nothing_graded_is_never_conformant(found: Verdict, standing: str) -> None:
    assert standing_of(found) == standing
    assert f": {standing}, " in shown(found)
