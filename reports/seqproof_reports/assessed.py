"""The terminal's lines below a verdict: what was listed and what was required, for who reads a CI log."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from seqproof_model.assessment import Assessment
from seqproof_reports.text import visible


def notes(assessment: Assessment) -> list[str]:
    """What there is to say of the baseline and of what is required, a line each; empty when there is nothing."""
    lines = [f"{name}: known: {reason}" for name, reason in assessment.reasons.items()]
    lines += [f"{entry.requirement}: stale: it passes now; remove it from the baseline" for entry in assessment.stale]
    lines += [f"{entry.requirement}: listed, and neither known nor stale: {why}" for entry, why in assessment.waiting]
    lines += [f"{grade.requirement}: required, and not graded: {grade.reason}" for grade in assessment.missing]
    return lines


def render_notes(console: Console, assessment: Assessment) -> None:
    """Print the notes, a line each, never broken: a log is searched line by line."""
    lines = notes(assessment)
    if not lines:
        return
    console.print()
    console.print(Text("  listed and required", "bold"))
    for line in lines:
        console.print(Text(f"    · {visible(line)}"), soft_wrap=True)
    if assessment.reasons and not assessment.new:
        console.print(Text("    every failure is known: none of them makes the run fail"))
