"""The command ``seqproof compare``: what changed between two runs of a target, or how several targets differ.

A result is a run's folder, or the verdict.json in it. Everything is held against the first one, so a pipeline that
keeps the results of its main branch can ask of each change whether something got worse. ``comparison`` in the model
says what that means. Source: docs/matrix.md.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import msgspec
import typer
from rich.console import Console

from seqproof_conformance.codes import CONFORMANT, INCONCLUSIVE, VIOLATED
from seqproof_conformance.shell import UsageError, application, print_json
from seqproof_model import results
from seqproof_model.comparison import Comparison, Run, compare
from seqproof_reports import comparison as pages
from seqproof_reports.comparison import Links

app = application()

Given = Annotated[list[Path], typer.Argument(metavar="RESULT RESULT...", help="A run's folder, or its verdict.json.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Markdown = Annotated[Path | None, typer.Option("--markdown", metavar="FILE", help="Write it as Markdown there.")]
Page = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write it as one HTML page there.")]


@app.callback()
def _everything() -> None:
    """Set results side by side."""


@app.command(
    "compare",
    epilog="Example: [bold]seqproof compare seqproof-runs/shop seqproof-runs/shop-2[/]. Exit codes: 0 nothing got "
    "worse against the first; 1 a requirement fails that did not fail there; 3 what passed is no longer graded, or the "
    "run no longer decides; 2 a result that cannot be read.",
)
def compare_command(given: Given, as_json: Json = False, markdown: Markdown = None, page: Page = None) -> None:
    """Say what changed between two runs, or how several targets differ."""
    found = compare(_read(given))
    for path, write in ((markdown, pages.comparison_markdown), (page, pages.comparison_html)):
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(write(found, _links(given, found, path.parent)), "utf-8")
    code = VIOLATED if found.worse else INCONCLUSIVE if found.less else CONFORMANT
    if as_json:
        print_json(_data(found, code))
    else:
        pages.render_comparison(Console(), found)
    raise typer.Exit(code)


def _read(given: list[Path]) -> list[Run]:
    """Read the results. Raises UsageError."""
    if len(given) < 2:
        raise UsageError(f"one result cannot be compared; name another run's folder besides {given[0]}")
    try:
        return [Run(name, results.read(place)) for name, place in zip(_names(given), given, strict=True)]
    except results.ResultsError as error:
        raise UsageError(str(error)) from None


def _names(given: list[Path]) -> list[str]:
    """What the runs are called: their folders, as far as these tell them apart; else the whole paths."""
    folders = [(place if place.is_dir() else place.parent).resolve().name for place in given]
    return folders if len(set(folders)) == len(given) else [str(place) for place in given]


def _links(given: list[Path], found: Comparison, place: Path) -> Links:
    """Make the addresses of counterexamples for a page in ``place``; "" where none is kept."""

    def link(run: int, requirement: str) -> str:
        folder = given[run] if given[run].is_dir() else given[run].parent
        failures = found.runs[run].result.failures
        page = next((item.page for item in failures if item.requirement == requirement), "")
        file = folder / page
        return quote(Path(os.path.relpath(file, place)).as_posix()) if page and file.is_file() else ""

    return link


def _data(found: Comparison, code: int) -> dict[str, object]:
    """The comparison as plain data, the most important first."""
    return {
        "code": code,
        "worse": found.worse,
        "less": found.less,
        "better": pages.better(found),
        "runs": [{"name": run.name, "target": run.result.target, "verdict": run.result.standing} for run in found.runs],
        "requirements": msgspec.to_builtins(found.rows),
        "violations": [msgspec.to_builtins(fault) | {"is": fault.said} for fault in found.faults],
        "facts": msgspec.to_builtins(found.facts),
        "coverage": msgspec.to_builtins(found.coverage),
    }
