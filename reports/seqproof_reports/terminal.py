"""The terminal: a verdict and its counterexamples, made for 80 columns and read without colour as well as with it.

Colours, width and NO_COLOR are the given Console's affair. Two lines are never broken, because they are there to be
copied: the replay line and a report's path. Nothing a server said is read as markup.
"""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from seqproof_model.verdict import Counterexample, Grade, Result, Verdict, Violation
from seqproof_reports.report import Report, lessons, report
from seqproof_reports.summary import (
    STANDING_SYMBOLS,
    SYMBOLS,
    by_reason,
    coverage_lines,
    headline,
    ids_text,
    standing_of,
)
from seqproof_reports.text import between, visible
from seqproof_reports.titles import titled

STYLES = {Result.PASS: "green", Result.FAIL: "bold red", Result.NOT_GRADED: "dim"}
STANDING_STYLES = {"conformant": "bold green", "not conformant": "bold red", "inconclusive": "bold yellow"}
ADDED = "†"
Part = Callable[[Console], None]
MOST_STEPS = 40  # steps shown; of longer traces, the last ones


def render_headline(console: Console, verdict: Verdict) -> None:
    """Print in one line what happened, with the numbers."""
    standing, profile = standing_of(verdict), visible(verdict.profile.describe())
    console.print(
        Text.assemble(
            (
                f"{STANDING_SYMBOLS[standing]} {visible(verdict.target)} ({profile}): {standing}, ",
                STANDING_STYLES[standing],
            ),
            (headline(verdict), STANDING_STYLES[standing]),
        )
    )


def render_verdict(console: Console, verdict: Verdict) -> None:
    """Print what a run found: the headline, the graded requirements, and why the others are not graded."""
    render_headline(console, verdict)
    undecided, strict, missing, covered, graded = besides(verdict)
    for part in (graded, missing, covered, undecided, strict):
        part(console)


def besides(verdict: Verdict) -> tuple[Part, ...]:
    """What there is to say below the headline, the most important first; a part without anything prints nothing.

    Why it is undecided; what strict would fail; what is not graded; what was covered; what is graded.
    """
    strict = [f"{name} {titled(name).title}" for name in verdict.strict_besides]
    return (
        _titled("inconclusive", "bold yellow", [visible(line) for line in verdict.inconclusive]),
        _titled("held to strict, it would fail besides", "bold yellow", strict),
        lambda console: _print_not_graded(console, verdict.having(Result.NOT_GRADED)),
        _titled("covered", "bold", coverage_lines(verdict.coverage) if verdict.coverage else []),
        lambda console: _print_graded(console, verdict),
    )


def _titled(title: str, style: str, lines: list[str]) -> Part:
    def part(console: Console) -> None:
        if lines:
            console.print()
            console.print(Text(f"  {title}", style))
            console.print(_listed(lines))

    return part


def _print_not_graded(console: Console, grades: list[Grade]) -> None:
    if grades:
        console.print()
        console.print(Text(f"  – {len(grades)} not graded", "bold"))
        console.print(_not_graded(grades))


def _print_graded(console: Console, verdict: Verdict) -> None:
    graded = [grade for grade in verdict.grades if grade.result is not Result.NOT_GRADED]
    if graded:
        console.print()
        console.print(_graded(graded))
        if any(grade.added_by_adapter for grade in graded):
            console.print(Text(f"    {ADDED} added by the adapter's own code, not by the server", "dim"))
        notes = [f"{grade.requirement}: {visible(grade.reason)}" for grade in graded if grade.reason]
        if notes:
            console.print(_listed(notes))


def _graded(grades: list[Grade]) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("", width=3, justify="right", no_wrap=True)
    table.add_column("id", no_wrap=True)
    table.add_column("requirement", ratio=1)
    table.add_column("observed", justify="right", no_wrap=True)
    for grade in grades:
        style, known = STYLES[grade.result], titled(grade.requirement)
        table.add_row(
            Text(SYMBOLS[grade.result], style),
            Text(grade.requirement + (ADDED if grade.added_by_adapter else ""), style),
            Text(known.title + ("" if known.level in {"MUST", ""} else f" ({known.level})")),
            Text("fails" if grade.result is Result.FAIL else f"{grade.observed} ×", style),
        )
    return table


def _not_graded(grades: list[Grade]) -> Padding:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(max_width=30)
    table.add_column(ratio=1)
    for reason, ids in by_reason(grades):
        table.add_row(Text(ids_text(ids)), Text(visible(reason), "dim"))
    return Padding(table, (0, 0, 0, 4))


def _listed(lines: list[str]) -> Padding:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column()
    table.add_column(ratio=1)
    for line in lines:
        table.add_row("·", Text(line))
    return Padding(table, (0, 0, 0, 4))


def render_violation(console: Console, violation: Violation) -> None:
    """Print a violation's sentence, and the requirement it breaks."""
    known = titled(violation.requirement)
    about = ", ".join(part for part in (known.level, known.source) if part)
    console.print(Text(f"✗ {visible(violation.sentence)}", "bold red"))
    line = Text(f"  {known.id}", "bold")
    line.append(f" {known.title}" if known.title else "", "not bold")
    line.append(f" ({about})" if about else "", "not bold dim")
    console.print(line)


def render_counterexample(console: Console, counterexample: Counterexample, html_path: str = "") -> None:
    """Print one counterexample: what went wrong, step by step, what was due, and how to see it again."""
    render_report(console, report(counterexample), html_path)


def render_report(console: Console, told: Report, html_path: str = "") -> None:
    """Print what is told of a counterexample, be it a server's, a phone's or a model's."""
    console.print()
    render_violation(console, told.violation)
    console.print()
    console.print(_steps(told))
    console.print()
    facts = Table.grid(padding=(0, 2, 0, 0))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(ratio=1)
    if told.expected:
        facts.add_row("expected", Text(visible(told.expected), "green"))
    facts.add_row("observed", Text(visible(told.observed), "red"))
    if told.suspects:
        names = [f"{suspect.id} {suspect.title}".rstrip() for suspect in told.suspects]
        facts.add_row("suspects", Text(", ".join(names)))
    for name, said in lessons(told):
        facts.add_row(name, Text(visible(said)))
    facts.add_row("in short", Text(visible(told.notation)))
    facts.add_row("evidence", Text(visible(", ".join(part for part in (told.reproduced, told.claim) if part))))
    console.print(Padding(facts, (0, 0, 0, 2)))
    for name, said in (("replay", told.replay), ("report", html_path)):
        if said:
            console.print(Text.assemble((f"  {name:<8}  ", "dim"), (visible(said), "bold")), soft_wrap=True)


def render_brief(console: Console, counterexample: Counterexample) -> None:
    """Print the steps of a counterexample and what was due, without its sentence and its evidence."""
    told = report(counterexample)
    console.print(_steps(told))
    if told.expected:
        console.print(Text.assemble(("  expected  ", "dim"), (visible(told.expected), "green")))


def _steps(told: Report) -> Padding:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(ratio=1)
    table.add_column(ratio=1)
    moments = told.story.moments
    if len(moments) > MOST_STEPS:
        table.add_row("…", Text(f"{len(moments) - MOST_STEPS} steps before", "dim"), "")
    for moment in moments[-MOST_STEPS:]:
        style = "bold red" if moment.violating else ""
        answered = Text(f"→ {visible(moment.answered)}" if moment.answered else "", style)
        if moment.violating:
            answered.append("  ◄")
        table.add_row(between(moment.first, moment.last), Text(visible(moment.asked), style), answered)
    return Padding(table, (0, 0, 0, 2))
