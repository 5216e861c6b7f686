"""A comparison for people: what got worse first, then what else differs, then everything; in three forms.

The terminal shows what differs. The page and the Markdown hold all of it, so that one who doubts can look. ``links``
gives the address of a requirement's counterexample in a run (counted from 0), "" where none is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from seqproof_model.comparison import BETTER, LESS, WORSE, Change, Compared, Comparison, Fault, Line, said
from seqproof_model.server_matrix import families
from seqproof_model.verdict import Grade, Result
from seqproof_reports.html import page_html
from seqproof_reports.markdown import escape, table
from seqproof_reports.summary import SYMBOLS
from seqproof_reports.text import plural, visible
from seqproof_reports.titles import titled

WORDS = {Result.PASS: "passes", Result.FAIL: "fails", Result.NOT_GRADED: "not graded"}
KINDS = {Result.PASS: "pass", Result.FAIL: "fail", Result.NOT_GRADED: "none"}
STYLES = {Result.PASS: "green", Result.FAIL: "bold red", Result.NOT_GRADED: "dim"}
NOTHING = "–"
Links = Callable[[int, str], str]


def nowhere(_run: int, _requirement: str) -> str:
    """No links at all."""
    return ""


def verdict(found: Comparison) -> tuple[str, str, str]:
    """What it comes to: a sign, words, and the name of a colour."""
    if found.worse:
        return "✗", "something got worse", "fail"
    return ("–", "less is known", "warn") if found.less else ("✓", "nothing got worse", "pass")


def headline(found: Comparison) -> str:
    """How many requirements and violations differ."""
    changed = sum(row.changed for row in found.rows)
    new, gone, same = (sum(fault.said == word for fault in found.faults) for word in ("new", "gone", "the same"))
    faults = f"violations: {new} new, {gone} gone, {same} the same"
    if len(found.runs) > 2:
        faults = f"{plural(len(found.faults), 'kind')} of violation, {same} the same in all"
    return f"{changed} of {plural(len(found.rows), 'requirement')} differ; {faults if found.faults else 'no violation'}"


def better(found: Comparison) -> list[str]:
    """What got better, a line each."""
    return said(found.runs, found.rows, BETTER)


def other(found: Comparison) -> list[str]:
    """What differs and is neither better nor worse, a line each."""
    return said(found.runs, found.rows, (Change.HIDDEN,))


def _note(before: Grade, grade: Grade, change: Change) -> str:
    """What a cell has to say besides: the reason of a grade that is none, and how it was."""
    was = "" if change is Change.SAME or change is Change.REASON else f"was: {WORDS[before.result]}"
    return "; ".join(part for part in (was, grade.reason) if part)


# ---------------------------------------------------------------- the terminal


def render_comparison(console: Console, found: Comparison) -> None:
    """Print what differs; what is alike in all runs is only counted."""
    for number, run in enumerate(found.runs, 1):
        result = run.result
        line = f"{result.target} ({result.profile}): {result.standing}, {result.headline}"
        console.print(Text.assemble((f"  {number}  {visible(run.name)}  ", "bold"), visible(line)), soft_wrap=True)
    _lines(console, found)
    if rows := [row for row in found.rows if row.changed]:
        console.print(_grades(found, rows))
    for title, lines in (("differs besides", found.facts), ("looked less far, or farther", found.coverage)):
        if apart := [line for line in lines if line.differs and line.name not in ("verdict", "graded")]:
            console.print(Text(f"\n  {title}", "bold"))
            console.print(_values(apart, len(found.runs)))
    sign, words, _ = verdict(found)
    style = {"✗": "bold red", "–": "bold yellow"}.get(sign, "bold green")
    console.print(Text(f"\n{sign} {words}: {headline(found)}", style), soft_wrap=True, highlight=False)


def _lines(console: Console, found: Comparison) -> None:
    """Print what there is to say, a line each."""
    if any(row.changed for row in found.rows) or any(fault.said != "the same" for fault in found.faults):
        console.print()
    groups = (("✗", "bold red", found.worse), ("–", "yellow", found.less), ("✓", "green", better(found)))
    for sign, style, lines in (*groups, ("·", "dim", other(found))):
        for line in lines:
            console.print(Text.assemble((f"  {sign} ", style), visible(line)), soft_wrap=True, highlight=False)
    for fault in found.faults:
        if fault.said != "the same":
            line = f"violation {_where(found, fault)}: {_name(fault)}" + f": {fault.sentence}" * bool(fault.sentence)
            console.print(Text.assemble(("  · ", "dim"), visible(line)), soft_wrap=True, highlight=False)


def _where(found: Comparison, fault: Fault) -> str:
    """New or gone; of several runs, which ones show it."""
    if len(found.runs) == 2:
        return fault.said
    shows = [run.name for run, times in zip(found.runs, fault.times, strict=True) if times]
    return f"in {', '.join(shows)}"


def _name(fault: Fault) -> str:
    return f"{fault.requirement} {fault.observation}".rstrip()


def _grades(found: Comparison, rows: Sequence[Compared]) -> Table:
    shown = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    shown.add_column("\n  requirement", no_wrap=True)
    for number in range(1, len(found.runs) + 1):
        shown.add_column(f"\n{number}", ratio=1)
    for row in rows:
        cells = [Text(f"{SYMBOLS[grade.result]} {visible(grade.reason)}", STYLES[grade.result]) for grade in row.grades]
        shown.add_row(Text(f"  {row.requirement}"), *cells)
    return shown


def _values(lines: Sequence[Line], runs: int) -> Table:
    shown = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    shown.add_column(style="dim", ratio=1)
    for _ in range(runs):
        shown.add_column(ratio=1)
    for line in lines:
        shown.add_row(Text(f"  {line.name}"), *(Text(visible(value or NOTHING)) for value in line.values))
    return shown


# ---------------------------------------------------------------- the page


def comparison_html(found: Comparison, links: Links = nowhere) -> str:
    """Write the comparison as one offline HTML page."""
    rows = {row.requirement: row for row in found.rows}
    return page_html(
        "comparison.html.j2",
        c=found,
        verdict=verdict(found),
        headline=headline(found),
        better=better(found),
        other=other(found),
        groups=[[_row(rows[name], links) for name in names] for _, names in families(rows)],
    )


def _row(row: Compared, links: Links) -> dict[str, object]:
    cells = [
        {
            "sign": SYMBOLS[grade.result],
            "word": WORDS[grade.result],
            "kind": KINDS[grade.result],
            "added": grade.added_by_adapter,
            "note": _note(row.grades[0], grade, change),
            "href": links(at, row.requirement) if grade.result is Result.FAIL else "",
        }
        for at, (grade, change) in enumerate(zip(row.grades, row.changes, strict=True))
    ]
    return {"id": row.requirement, "title": titled(row.requirement).title, "changed": row.changed, "cells": cells}


# ---------------------------------------------------------------- Markdown


def comparison_markdown(found: Comparison, links: Links = nowhere) -> str:
    """Write the comparison as Markdown, for an issue or a job's summary."""
    return "\n".join(_markdown(found, links)).rstrip() + "\n"


def _markdown(found: Comparison, links: Links) -> Iterator[str]:
    sign, words, _ = verdict(found)
    yield f"# {sign} {words}: {headline(found)}\n"
    for mark, lines in (("✗", found.worse), ("–", found.less), ("✓", better(found)), ("·", other(found))):
        yield from (f"- {mark} {escape(line)}" for line in lines)
    names = [run.name for run in found.runs]
    yield from ("", "## The runs", "", *table(["", *map(escape, names)], [_cells(line) for line in found.facts]))
    if found.faults:
        faults = [(_name(fault), fault.said, *map(str, fault.times), fault.sentence) for fault in found.faults]
        head = ["violation", "against the first", *map(escape, names), "as last seen"]
        yield from ("", "## Violations", "", *table(head, faults))
    yield from ("", "## Requirements", "")
    yield "| requirement | " + " | ".join(map(escape, names)) + " |"
    yield "| --- |" + " --- |" * len(names)
    yield from (_grade_line(row, links) for row in found.rows)
    if found.coverage:
        yield from ("", "## How far each run looked", "")
        yield from table(["", *map(escape, names)], [_cells(line) for line in found.coverage])


def _cells(line: Line) -> tuple[str, ...]:
    return ("≠ " * line.differs + line.name, *(value or NOTHING for value in line.values))


def _grade_line(row: Compared, links: Links) -> str:
    cells: list[str] = []
    for at, (grade, change) in enumerate(zip(row.grades, row.changes, strict=True)):
        href = links(at, row.requirement) if grade.result is Result.FAIL else ""
        words = f"{SYMBOLS[grade.result]} {WORDS[grade.result]}"
        note = _note(row.grades[0], grade, change)
        cells.append((f"[{words}]({href})" if href else words) + (f": {escape(note)}" if note else ""))
    mark = "≠ " if row.has((*WORSE, *LESS, *BETTER, Change.HIDDEN, Change.REASON)) else ""
    return f"| {mark}**{row.requirement}** {escape(titled(row.requirement).title)} | {' | '.join(cells)} |"
