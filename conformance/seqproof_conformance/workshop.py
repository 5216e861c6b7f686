"""The commands for who sets a target up: ``smoke`` looks at an adapter, ``doctor`` at the machine.

Neither says anything about a server. Their results are tables of a few words a row; what is all right takes one line,
what is not takes a second one, the mend.
"""

from __future__ import annotations

import math
import os
import sys
import threading
from collections.abc import Iterable
from contextlib import redirect_stdout, suppress
from importlib import metadata
from itertools import groupby
from typing import Annotated, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from seqproof_conformance import doctor as doctoring
from seqproof_conformance import smoke_run as smoking
from seqproof_conformance import watchdog, worker
from seqproof_conformance.adapter import AdapterFault
from seqproof_conformance.doctor import Item
from seqproof_conformance.shell import FAILED, INTERRUPTED, UsageError, application, complain, print_json, still_wanted
from seqproof_conformance.smoke_run import Finding, Report

app = application()

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
SHORTEST_S, LONGEST_S = 0.1, 3600.0
SIGNS = {
    Finding.PASS: ("✓", "green"),
    Finding.FAIL: ("✗", "bold red"),
    Finding.SERVER: ("!", "yellow"),
    Finding.SKIPPED: ("–", "dim"),
    doctoring.Finding.OK: ("✓", "green"),
    doctoring.Finding.FAIL: ("✗", "bold red"),
    doctoring.Finding.ABSENT: ("–", "dim"),
}
FOLDED = 2  # so many dependencies and more take one line when all is well


@app.callback()
def _everything() -> None:
    """Look at an adapter and at the machine."""


@app.command(epilog="Example: [bold]seqproof smoke py:mine:Mine[/]")
def smoke(
    target: Annotated[str, typer.Argument(help="What to check: py:my.module:adapter, reference, valkey, ...")],
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout", min=SHORTEST_S, max=LONGEST_S, help="Wait so many seconds for each call of the adapter."
        ),
    ] = smoking.BOUND_S,
    as_json: Json = False,
) -> None:
    """Say whether an adapter is sane, before any verdict on its server (exit code 0 sane, 4 not)."""
    before, timeout = worker.alive(), _seconds(timeout)
    try:
        report = _smoked(target, timeout)
    except KeyboardInterrupt:
        _stopped(before)
    except AdapterFault as error:  # it could not even be opened, and its thread may hang in there
        complain(str(error))
        _leave(FAILED, before)
    code = 0 if report.sane else FAILED
    if as_json:
        print_json(_told(report, code))
    else:
        _show_smoke(Console(), report)
    _leave(code, before)


def _smoked(target: str, timeout: float) -> Report:
    """Run it; what the adapter prints is no result."""
    with Console(stderr=True).status("opening", spinner_style="dim") as status, redirect_stdout(sys.stderr):

        def tick(check: str) -> None:
            still_wanted()
            status.update(check)

        return smoking.run(target, timeout, tick)


def _seconds(timeout: float) -> float:
    """The bound, if it is one. Typer lets through what is not a number. Raises UsageError."""
    if math.isnan(timeout):
        raise UsageError("--timeout nan is no number of seconds; 30 is the default")
    return timeout


def _stopped(before: set[threading.Thread]) -> NoReturn:
    complain("interrupted; nothing was decided")
    _leave(INTERRUPTED, before)


def _leave(code: int, before: set[threading.Thread]) -> NoReturn:
    """Exit. A thread that is blocked in an adapter cannot be ended, so the process ends around it."""
    if worker.alive() - before:
        with suppress(Exception):  # whatever will not be closed, the watchdog ends
            watchdog.kit().close()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    raise typer.Exit(code)


def _told(report: Report, code: int) -> dict[str, object]:
    """The report as plain data, the most important first."""
    return {
        "target": report.target,
        "code": code,
        "sane": report.sane,
        "server": report.server,
        "blocked": report.blocked,
        "failed": [row.name for row in report.having(Finding.FAIL)],
        "checks": [
            {
                "name": row.name,
                "result": str(row.finding),
                "line": row.line,
                "mend": row.mend,
                "blame": str(row.blame),
                "what": row.what,
            }
            for row in report.rows
        ],
    }


def _show_smoke(console: Console, report: Report) -> None:
    failed, passed = report.having(Finding.FAIL), report.having(Finding.PASS)
    sign, style = SIGNS[Finding.PASS if report.sane else Finding.FAIL]
    counts = f"{len(failed)} of {len(report.rows)} checks failed" if failed else f"{len(passed)} checks passed"
    console.print(Text(f"{sign} {report.target}: {'sane' if report.sane else 'not sane'}, {counts}", style))
    console.print()
    table = _table()
    for row in report.rows:
        if row.finding is not Finding.SKIPPED:
            _add(table, SIGNS[row.finding], row.name, row.line, row.mend)
    console.print(table)
    skipped = report.having(Finding.SKIPPED)
    if skipped:
        console.print()
        table = _table()
        for why, rows in _by_reason(skipped).items():
            _add(table, SIGNS[Finding.SKIPPED], "skipped", f"{', '.join(rows)}: {why}")
        console.print(table)
    if report.sane:
        console.print(Text(f"\n  It says nothing of the server: seqproof run {report.target}", "dim"), soft_wrap=True)


def _by_reason(rows: Iterable[smoking.Row]) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for row in rows:
        why = "not declared" if row.line.startswith("not declared") else row.line
        reasons.setdefault(why, []).append(row.name)
    return reasons


# ---------------------------------------------------------------- doctor


@app.command(epilog="Example: [bold]seqproof doctor --no-start[/]")
def doctor(
    start: Annotated[bool, typer.Option("--start/--no-start", help="Only look; start no target.")] = True,
    timeout: Annotated[
        float, typer.Option("--timeout", min=SHORTEST_S, max=LONGEST_S, help="Wait so many seconds for each target.")
    ] = doctoring.BOUND_S,
    as_json: Json = False,
) -> None:
    """Say what is installed and what can run here, and the mend for the rest (exit code 0 all well, 4 not)."""
    before, timeout = worker.alive(), _seconds(timeout)
    items: list[Item] = []
    try:
        with Console(stderr=True).status("looking", spinner_style="dim") as status, redirect_stdout(sys.stderr):
            for item in doctoring.examine(start=start, bound_s=timeout):
                still_wanted()
                items.append(item)
                status.update(f"{item.group}: {item.name}")
    except KeyboardInterrupt:
        _stopped(before)
    code = FAILED if any(item.finding is doctoring.Finding.FAIL for item in items) else 0
    if as_json:
        told = [msgspec.to_builtins(item) for item in items]
        print_json({"kit": metadata.version(doctoring.KIT), "code": code, "items": told})
    else:
        _show_doctor(Console(), items)
    _leave(code, before)


def _show_doctor(console: Console, items: list[Item]) -> None:
    failed = [item for item in items if item.finding is doctoring.Finding.FAIL]
    sign, style = SIGNS[doctoring.Finding.FAIL if failed else doctoring.Finding.OK]
    names = ", ".join(item.name for item in failed)
    console.print(Text(f"{sign} not all is well: {names}" if failed else f"{sign} all is well", style))
    for group, members in groupby(items, lambda item: item.group):
        console.print(Text(f"\n  {group}", "bold"))
        table = _table()
        for item in _folded(list(members)):
            _add(table, SIGNS[item.finding], item.name, item.line, item.mend)
        console.print(table)


def _folded(items: list[Item]) -> list[Item]:
    """The items of a group; distributions that are as demanded take one line together."""
    well = [item for item in items if item.finding is doctoring.Finding.OK]
    if items[0].group != "dependencies" or len(well) < FOLDED:
        return items
    line = ", ".join(f"{item.name} {item.line}" for item in well)
    rest = [item for item in items if item not in well]
    return [*rest, Item(items[0].group, f"{len(well)} of {len(items)}", doctoring.Finding.OK, line)]


# ---------------------------------------------------------------- tables


def _table() -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=3, justify="right", no_wrap=True)
    table.add_column(no_wrap=True, min_width=17)
    table.add_column(ratio=1)
    return table


def _add(table: Table, sign: tuple[str, str], name: str, line: str, mend: str = "") -> None:
    """Add a row, and its mend below it. Nothing that an adapter said is read as markup."""
    table.add_row(Text(*sign), Text(name, sign[1]), Text(line))
    if mend:
        table.add_row("", "", Padding(Text.assemble(("mend: ", "bold"), mend), (0, 0, 0, 2)))
