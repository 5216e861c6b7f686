"""A run's index: what was held to what, what was found, how far the looking went, and what nobody knows now.

Drawn from ``verdict.json`` alone, as ``index.html`` and as ``index.md``, so it can be drawn again without a server. The
most important stands first: the verdict with its numbers, the failures with links to their directories, then every
requirement by family, what is not graded and why, what was covered, what never happened, and how to run it again.

Links are relative, so they work from the file system; one that leads nowhere is not made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from seqproof_model.requirements import REQUIREMENTS
from seqproof_model.results import Failure, RunResult
from seqproof_model.server_matrix import families
from seqproof_model.verdict import Grade, Result
from seqproof_reports.directory import put
from seqproof_reports.html import page_html
from seqproof_reports.markdown import code, escape, fenced, table
from seqproof_reports.summary import STANDING_SYMBOLS, SYMBOLS, by_reason, coverage_lines, ids_text
from seqproof_reports.text import plural, short
from seqproof_reports.titles import titled

PAGE, MARKDOWN = "index.html", "index.md"
KINDS = {Result.PASS: "pass", Result.FAIL: "fail", Result.NOT_GRADED: "none"}
STANDING_KINDS = {"conformant": "pass", "not conformant": "fail", "inconclusive": "warn"}
NAMES = {
    "SEQ": "the numbers",
    "SND": "sending",
    "RCV": "receiving",
    "CNF": "confirming",
    "PSH": "tips",
    "DEV": "the phone",
}
LONGEST = 2_000  # characters of one line that a server or an adapter said


@dataclass(frozen=True)
class Row:
    """A requirement: its grade, the evidence or the reason, and its counterexample's page, "" for none."""

    id: str
    title: str
    level: str
    sign: str
    result: str
    kind: str
    why: str
    added: bool
    href: str


def write(folder: Path, found: RunResult) -> None:
    """Write index.html and index.md into a run's folder. Raises OSError."""
    put(folder / PAGE, run_html(found).encode())
    put(folder / MARKDOWN, run_markdown(found).encode())


def headline(found: RunResult) -> str:
    """What was found, with numbers; what is known of the failures too."""
    known = f", {len(found.known)} of them known" if found.known else ""
    return found.headline + known


def notes(found: RunResult) -> list[str]:
    """What was listed and required, a line each."""
    lines = [f"{name} is a known failure: {reason}" for name, reason in found.known.items()]
    lines += [f"{name} is listed as known and passes now: remove it from the baseline" for name in found.stale]
    lines += [
        f"{name} is listed as known, and that cannot be decided: {w}" for name, w in found.listed_not_decided.items()
    ]
    return lines + [f"{name} is required, and was not graded" for name in found.required_not_graded]


def facts(found: RunResult) -> list[tuple[str, str]]:
    """What was run, name and value; what is not known is left out."""
    suite = found.suite or "given scenarios"
    told = [
        ("target", found.target),
        ("server", found.server),
        ("profile", found.profile),
        ("suite", suite + (f", only {found.selected}" if found.selected else "")),
        ("length of the courses", str(found.length or "")),
        ("seed", "" if found.seed is None else str(found.seed)),
        ("done by the adapter", ", ".join(found.adds)),
        ("kit", found.kit),
        ("played", f"{plural(found.scenarios, 'scenario')}, {plural(found.events, 'event')}"),
        ("exit code", str(found.code)),
        ("held to strict, it would fail besides", ", ".join(found.strict_fails_besides)),
    ]
    return [(name, short(value, LONGEST)) for name, value in told if value]


def covered(found: RunResult) -> list[str]:
    """What was covered to its end, and what was played, a line each."""
    if found.coverage is None:
        return []
    played = ", ".join(f"{name} {times}" for name, times in found.coverage.played.items())
    return [*coverage_lines(found.coverage), *([f"scenarios by part: {played}"] if played else [])]


def _rows(found: RunResult, prefix: str) -> list[tuple[str, list[Row]]]:
    """The requirements by family, in the order of the table."""
    pages = {item.requirement: _href(item, prefix) for item in found.failures}
    grades = {grade.requirement: grade for grade in found.grades}
    order = [name for name in REQUIREMENTS if name in grades] + [name for name in grades if name not in REQUIREMENTS]
    return [
        (f"{family} {NAMES.get(family, '')}".rstrip(), [_row(grades[name], pages.get(name, "")) for name in names])
        for family, names in families(order)
    ]


def _row(grade: Grade, href: str) -> Row:
    known = titled(grade.requirement)
    seen = f"seen {plural(grade.observed, 'time')}" + (f"; {grade.reason}" if grade.reason else "")
    why = {Result.PASS: seen, Result.FAIL: "a counterexample was found", Result.NOT_GRADED: grade.reason}
    return Row(
        id=grade.requirement,
        title=known.title,
        level=known.level,
        sign=SYMBOLS[grade.result],
        result=grade.result.value,
        kind=KINDS[grade.result],
        why=short(why[grade.result], LONGEST),
        added=grade.added_by_adapter,
        href=href,
    )


def _href(item: Failure, prefix: str) -> str:
    """The address of a failure's page; a path of letters only, so it can never be a scheme."""
    return quote(f"{prefix}/{item.page}" if prefix else item.page) if item.page else ""


def _not_graded(found: RunResult) -> list[tuple[str, str]]:
    missing = [grade for grade in found.grades if grade.result is Result.NOT_GRADED]
    return [(ids_text(ids), reason) for reason, ids in by_reason(missing)]


# ---------------------------------------------------------------- HTML


def run_html(found: RunResult, prefix: str = "") -> str:
    """Write the index as one offline page. ``prefix``: the path from the page to the run's folder, "" when it is it."""
    return page_html(
        "index.html.j2",
        r=found,
        headline=headline(found),
        kind=STANDING_KINDS[found.standing],
        sign=STANDING_SYMBOLS[found.standing],
        notes=notes(found),
        failures=[(item, _href(item, prefix)) for item in found.failures],
        groups=_rows(found, prefix),
        not_graded=_not_graded(found),
        covered=covered(found),
        never=found.coverage.never if found.coverage else (),
        facts=facts(found),
        files=[(name, quote(f"{prefix}/{name}" if prefix else name)) for name in ("verdict.json", "history.jsonl")],
    )


# ---------------------------------------------------------------- Markdown


def run_markdown(found: RunResult) -> str:
    """Write the index as Markdown."""
    return "\n".join(_lines(found)).rstrip() + "\n"


def _lines(found: RunResult) -> Iterator[str]:
    yield f"# {STANDING_SYMBOLS[found.standing]} {escape(found.target)}: {found.standing}, {headline(found)}"
    said = [*(f"Inconclusive: {why}" for why in found.inconclusive), *notes(found)]
    if said:
        yield from ("", *(f"- {escape(short(line, LONGEST))}" for line in said))
    if found.failures:
        yield from (
            "",
            "## Failures",
            "",
            "| requirement | how it shows | trace | reproduced |",
            "| --- | --- | --- | --- |",
        )
        yield from map(_failure, found.failures)
    yield from ("", "## Requirements", "")
    rows = [row for _, group in _rows(found, "") for row in group]
    cells = [(r.id + " †" * r.added, r.title, r.level, f"{r.sign} {r.result}", r.why) for r in rows]
    yield from table(("id", "requirement", "level", "result", "seen, or the reason"), cells)
    if any(row.added for row in rows):
        yield from ("", "† done by the adapter's own code, not by the server")
    for title, lines in (
        ("Not graded, which is not passed", [f"{ids}: {why}" for ids, why in _not_graded(found)]),
        ("Covered to the end", covered(found)),
        ("Never happened", found.coverage.never if found.coverage else ()),
    ):
        if lines:
            yield from ("", f"## {title}", "", *(f"- {escape(short(line, LONGEST))}" for line in lines))
    yield from ("", "## What was run", "", *(f"- {name}: {code(value)}" for name, value in facts(found)))
    if found.again:
        yield from ("", *fenced([found.again], "sh"))


def _failure(item: Failure) -> str:
    name = f"[{escape(item.requirement)}]({_href(item, '')})" if item.page else escape(item.requirement)
    trace = code(short(item.trace, LONGEST)).replace("|", "\\|")
    return f"| {name} | {escape(short(item.sentence, LONGEST))} | {trace} | {escape(item.reproduced)} |"
