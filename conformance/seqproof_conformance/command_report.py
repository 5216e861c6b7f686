"""The command ``seqproof report DIR``: every page, picture and file drawn anew from the JSON Lines of a directory.

The directory is a counterexample's, a run's with all its counterexamples, or a matrix's with all its runs. What
happened is what the histories say: they are judged again, and where a stored verdict said otherwise, that is said. A
history that was cut is read up to its last good line, so a run that was killed has its reports, too.
Source: docs/formats.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import msgspec
import typer
from rich.console import Console

from seqproof_conformance import rebuilt
from seqproof_conformance.shell import UsageError, application
from seqproof_model import history as h
from seqproof_model import kept, phone_history, results, server_matrix
from seqproof_model.kept import KeptError
from seqproof_model.results import ResultsError, RunResult
from seqproof_model.verdict import Counterexample
from seqproof_reports import directory, run_page
from seqproof_reports import server_matrix as matrix_pages
from seqproof_reports.directory import put
from seqproof_reports.job_summary import job_summary
from seqproof_reports.junit import junit_xml
from seqproof_reports.text import plural, visible

MATRIX, MATRIX_PAGE, MATRIX_MARKDOWN = "matrix.json", "matrix.html", "matrix.md"
SHARES = re.compile(r"history(-\d+)?\.jsonl")

app = application()

Given = Annotated[Path, typer.Argument(metavar="DIR", help="A run's directory, a counterexample's, or a matrix's.")]
Junit = Annotated[Path | None, typer.Option("--junit-xml", metavar="FILE", help="Write a JUnit report of a run there.")]
Markdown = Annotated[Path | None, typer.Option("--markdown", metavar="FILE", help="Write a run's job summary there.")]


@app.callback()
def _everything() -> None:
    """Draw reports anew."""


@app.command(
    "report",
    epilog="Example: [bold]seqproof report seqproof-runs/valkey[/]. Exit codes: 0 everything was drawn anew, and each "
    "difference to what was stored is said; 2 the directory cannot be read.",
)
def report_command(given: Given, junit: Junit = None, markdown: Markdown = None) -> None:
    """Draw every page, picture and file of a directory anew, from its JSON Lines alone."""
    try:
        said = list(_rebuilt(given, junit, markdown))
    except (KeptError, ResultsError) as error:
        raise UsageError(str(error)) from None
    console = Console()
    for line in said:
        console.print(visible(line), highlight=False, markup=False, emoji=False, soft_wrap=True)


def _rebuilt(place: Path, junit: Path | None, markdown: Path | None) -> Iterator[str]:
    """Draw a directory anew, whichever it is; yields what there is to say, a line each."""
    if not place.is_dir():
        raise UsageError(f"{place} is no directory; name a run's, a counterexample's or a matrix's")
    if (place / MATRIX).is_file():
        yield from _matrix(place)
    elif (place / kept.FACTS).is_file() or (place / kept.STEPS).is_file():
        yield from _one(place)
    elif _histories(place) or (place / results.FILE).is_file():
        yield from _run(place, junit, markdown)
    else:
        raise UsageError(
            f"{place} holds no {kept.HISTORY} and no {MATRIX}; name the directory of a run, a counterexample, a matrix"
        )


def _one(place: Path) -> Iterator[str]:
    found = kept.read(place)
    files = directory.write(place, found.counterexample)
    yield f"{place}: {found.counterexample.violation.sentence}; {plural(len(files), 'file')} drawn anew"
    yield from (f"  differs: {note}" for note in found.notes)


def _matrix(place: Path) -> Iterator[str]:
    """Every run of a matrix, and its pages, from the verdicts that were judged again."""
    found = server_matrix.read(place / MATRIX)
    servers: list[server_matrix.Server] = []
    for server in found.servers:
        folder = place / server.folder
        if server.result is None or not server.folder or not folder.is_dir():
            servers.append(server)
            continue
        yield from _run(folder, None, None)
        again = results.read(folder)
        failures = tuple(msgspec.structs.replace(item, report=item.page) for item in again.failures)
        servers.append(msgspec.structs.replace(server, result=msgspec.structs.replace(again, failures=failures)))
    found = msgspec.structs.replace(found, servers=tuple(servers))

    def link(path: str) -> str:
        return quote(path) if (place / path).is_file() else ""

    put(place / MATRIX, server_matrix.encode(found))
    put(place / MATRIX_PAGE, matrix_pages.matrix_html(found, link).encode())
    put(place / MATRIX_MARKDOWN, matrix_pages.matrix_markdown(found, link).encode())
    yield f"{place}: the matrix of {plural(len(servers), 'server')} drawn anew"


# ---------------------------------------------------------------- a run


def _histories(place: Path) -> list[Path]:
    """The histories of a run, one for each process, the first one first."""
    return sorted((path for path in place.glob("history*.jsonl") if SHARES.fullmatch(path.name)), key=_share)


def _share(path: Path) -> int:
    number = path.stem.partition("-")[2]
    return int(number) if number else 1


def _run(place: Path, junit: Path | None, markdown: Path | None) -> Iterator[str]:
    stored = results.read(place) if (place / results.FILE).is_file() else None
    files = _histories(place)
    told = [kept.read(each) for each in sorted(_counterexamples(place))]
    order = {item.requirement: at for at, item in enumerate(stored.failures)} if stored else {}
    shown = [item.counterexample for item in told]
    shown.sort(key=lambda item: order.get(item.violation.requirement, len(order)))
    if not files or _of_phone(files[0]):
        if stored is None:
            raise UsageError(f"{place} holds no {results.FILE}, and its history cannot be judged again without one")
        yield from _drawn(place, stored, shown, 0)
        yield "  the verdict is as stored: there is no history of a server to judge again"
    else:
        histories = [h.read(path) for path in files]
        shown += [] if stored else _left_behind(histories, shown, place)
        again = rebuilt.judged(histories, stored, [item.violation for item in shown])
        found = rebuilt.result(again, stored, shown, place)
        yield from _drawn(place, found, shown, len(histories))
        yield from _missing(place, stored, again.partial)
        yield from (f"  differs: {line}" for line in (rebuilt.differences(found, stored) if stored else ()))
        _asked_for(junit, lambda: junit_xml(again.assessment, again.header, shown))
        _asked_for(markdown, lambda: job_summary(again.assessment, shown, str(place / run_page.PAGE)))
    yield from (f"  differs: {note}" for item in told for note in item.notes)


def _asked_for(path: Path | None, text: Callable[[], str]) -> None:
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        put(path, text().encode())


def _drawn(place: Path, found: RunResult, shown: list[Counterexample], histories: int) -> Iterator[str]:
    for item in shown:
        directory.write(place / item.violation.requirement, item)
    put(place / results.FILE, results.encode(found))
    run_page.write(place, found)
    judged = f", judged again from {plural(histories, 'file')}" if histories else ""
    many = plural(len(shown), "counterexample")
    yield f"{place}: {found.target}: {found.standing}, {run_page.headline(found)}{judged}; {many} drawn anew"


def _missing(place: Path, stored: RunResult | None, partial: tuple[str, ...]) -> Iterator[str]:
    for line in partial:
        yield f"  the history has no end; it is read up to line {line}"
    if stored is None:
        yield f"  {place} holds no {results.FILE}: what was looked for, and how far, is not known"


def _counterexamples(place: Path) -> Iterator[Path]:
    for child in place.iterdir():
        if (child / kept.HISTORY).is_file() and ((child / kept.FACTS).is_file() or (child / kept.STEPS).is_file()):
            yield child


def _left_behind(histories: list[h.History], shown: list[Counterexample], place: Path) -> list[Counterexample]:
    """The shortest play of each requirement that failed and has no directory, cut out of the histories."""
    there = {item.violation.requirement for item in shown}
    best: dict[str, Counterexample] = {}
    for recorded in histories:
        for violation in rebuilt.judge_of(recorded).violations:
            name = violation.requirement
            found = None if name in there else rebuilt.carved(recorded, violation, place)
            if found and (name not in best or len(found.events) < len(best[name].events)):
                best[name] = found
    return list(best.values())


def _of_phone(path: Path) -> bool:
    with path.open("rb") as file:
        return phone_history.FORMAT.encode() in file.readline()
