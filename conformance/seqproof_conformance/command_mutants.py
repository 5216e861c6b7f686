"""The command ``seqproof mutants``: holds the kit's own engines to the faults that are known, and prints the table.

Who trusts a verdict should ask what the judge has ever caught. Each row is written as it comes, to the terminal and, if
asked for, to a file; Ctrl-C keeps what there is. Exit code 0: the strongest suite that was asked for killed every fault
under an id that fits, no equivalent is blamed, and no requirement is without a fault; 1: not so; 130: interrupted.
Source: docs/mutants.md.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from seqproof_conformance import matrix as filling
from seqproof_conformance.matrix import ENGINES, Filled
from seqproof_conformance.shell import INTERRUPTED, UsageError, application, complain, print_json, still_wanted
from seqproof_model.kills import Cell, Engine, Matrix, Mutant, Row, column, covered, wrong
from seqproof_reports import kill_matrix

app = application()

Engines = Annotated[
    list[str] | None,
    typer.Option("--engine", metavar="NAME,...", help=f"Of {', '.join(ENGINES)}; may be repeated. Default: all."),
]
Only = Annotated[list[str] | None, typer.Option("--only", metavar="ID,...", help="Only these mutants.")]
Jobs = Annotated[int, typer.Option("-j", "--jobs", metavar="N", min=1, max=64, help="So many processes.")]
Shorten = Annotated[bool, typer.Option("--shorten", help="Minimise each counterexample before its length is taken.")]
Page = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the table as one HTML page.")]
Rows = Annotated[Path | None, typer.Option("--rows", metavar="FILE", help="Write each row there as it comes, as JSON.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


@app.callback()
def _everything() -> None:
    """Certify the kit."""


@app.command(epilog="Example: [bold]seqproof mutants --engine quick[/]")
def mutants(
    engine: Engines = None,
    only: Only = None,
    jobs: Jobs = 1,
    shorten: Shorten = False,
    page: Page = None,
    rows: Rows = None,
    as_json: Json = False,
) -> None:
    """Hold the kit to every known fault: which engine catches which, how soon, and under which id."""
    engines = tuple(ENGINES[name] for name in _chosen(engine, list(ENGINES), "engine"))
    known = {each.id: each for each in filling.mutants()}
    wanted = [known[name] for name in _chosen(only, list(known), "mutant")]
    for path in (page, rows):
        if path and not path.parent.is_dir():
            raise UsageError(f"{path.parent} is no directory; make it first, or name another place")
    with _shown(engines, rows, quiet=as_json) as show:
        found = _fill(wanted, engines, show, jobs=jobs, shorten=shorten, whole=len(wanted) == len(known))
    if page:
        page.write_text(kill_matrix.matrix_html(found), "utf-8")
    code = 1 if wrong(found) else 0
    code = INTERRUPTED if found.interrupted and not code else code
    if as_json:
        print_json(_data(found, code))
    else:
        kill_matrix.render_end(Console(), found)
    if found.interrupted:
        complain("interrupted; the rows so far are kept")
    raise typer.Exit(code)


def _chosen(given: list[str] | None, known: list[str], what: str) -> list[str]:
    """The names that were asked for, in the order of the table; all of them where none was. Raises UsageError."""
    import difflib

    words = [word.strip() for text in given or () for word in text.split(",") if word.strip()]
    by_lower = {name.lower(): name for name in known}
    for word in words:
        if word.lower() not in by_lower:
            near = difflib.get_close_matches(word.lower(), by_lower, 3, 0.4)
            hint = f"near: {', '.join(by_lower[name] for name in near)}" if near else f"there are {', '.join(known)}"
            raise UsageError(f"no {what} {word!r}; {hint}")
    picked = {by_lower[word.lower()] for word in words}
    return [name for name in known if name in picked or not words]


def _fill(
    wanted: list[Mutant],
    engines: tuple[Engine, ...],
    show: Callable[[Row], None],
    *,
    jobs: int,
    shorten: bool,
    whole: bool,
) -> Matrix:
    """Fill the table and show each row when its last cell is there. Ctrl-C ends it with what there is."""
    names = [engine.name for engine in engines]
    cells: dict[str, dict[str, Cell]] = {mutant.id: {} for mutant in wanted}
    interrupted = False
    try:
        for filled in filling.fill_all(wanted, names, processes=jobs, shorten=shorten, tick=still_wanted):
            _take(filled, cells, names, show)
    except KeyboardInterrupt:
        interrupted = True
    rows = tuple(_row(mutant, cells[mutant.id], names) for mutant in wanted if cells[mutant.id])
    return Matrix(
        engines, rows, covered(rows, filling.witnesses(), {mutant.role for mutant in wanted}), whole, interrupted
    )


def _take(filled: Filled, cells: dict[str, dict[str, Cell]], names: list[str], show: Callable[[Row], None]) -> None:
    done = cells[filled.mutant.id]
    done[filled.cell.engine] = filled.cell
    if len(done) == len(names):
        show(_row(filled.mutant, done, names))


def _row(mutant: Mutant, cells: dict[str, Cell], names: Iterable[str]) -> Row:
    return Row(mutant, tuple(cells[name] for name in names if name in cells))


@contextmanager
def _shown(engines: tuple[Engine, ...], path: Path | None, *, quiet: bool) -> Generator[Callable[[Row], None]]:
    """What shows a row as it comes: on the terminal, and as a line of a file."""
    console, names = Console(), [engine.name for engine in engines]
    if not quiet:
        kill_matrix.render_head(console, Matrix(engines, ()))
    file = path.open("wb") if path else None

    def show(row: Row) -> None:
        if not quiet:
            kill_matrix.render_row(console, row, names)
        if file:
            file.write(msgspec.json.encode(row) + b"\n")
            file.flush()

    try:
        yield show
    finally:
        if file:
            file.close()


def _data(found: Matrix, code: int) -> dict[str, object]:
    """The table as plain data."""
    return {
        "code": code,
        "certified": code == 0,
        "wrong": wrong(found),
        "interrupted": found.interrupted,
        "whole": found.whole,
        "engines": [
            msgspec.to_builtins(engine) | msgspec.to_builtins(column(found, engine.name)) for engine in found.engines
        ],
        "mutants": msgspec.to_builtins(found.rows),
        "requirements": msgspec.to_builtins(found.covered) if found.whole else [],
    }
