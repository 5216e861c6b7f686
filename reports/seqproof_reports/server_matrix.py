"""The public matrix for people: a table in the terminal, one offline HTML page, and Markdown for the docs.

Signs say what colours say too: ✓ passes, ✗ fails, – not graded, ? not run, † by the adapter's own code. All three are
drawn from the same data, and from nothing else. What a link leads to is given, because where a page stands is another
matter than what it says: ``links`` makes an address of a path that the matrix names, "" where nothing stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from seqproof_model.server_matrix import Cell, Mark, Server, ServerMatrix, families, summary
from seqproof_model.verdict import Grade, Result
from seqproof_reports.html import page_html
from seqproof_reports.markdown import code, escape
from seqproof_reports.summary import by_reason, coverage_lines, ids_text
from seqproof_reports.text import visible
from seqproof_reports.titles import titled

SIGNS = {
    Mark.PASS: ("✓", "green", "pass"),
    Mark.FAIL: ("✗", "bold red", "fail"),
    Mark.NOT_GRADED: ("–", "dim", "none"),
    Mark.NOT_RUN: ("?", "yellow", "gone"),
}
STANDINGS = {
    "conformant": ("✓", "green", "pass"),
    "not conformant": ("✗", "bold red", "bad"),
    "inconclusive": ("–", "yellow", "warn"),
    "not run": ("?", "yellow", "warn"),
}
ADDED = "†"
LEGEND = "✓ passes, ✗ fails, – not graded (which is not passed), ? not run, † done by the adapter's own code"
Links = Callable[[str], str]


def nowhere(_path: str) -> str:
    """No links at all."""
    return ""


@dataclass(frozen=True)
class _Seen:
    """A cell as a page shows it."""

    sign: str
    word: str
    kind: str
    added: bool
    why: str
    href: str


# ---------------------------------------------------------------- the terminal


def render_server(console: Console, server: Server) -> None:
    """Print one server, as soon as it is done, in one line."""
    sign, style, _ = STANDINGS[server.standing]
    said = server.why if server.result is None else f"{server.result.profile}; {server.result.headline}"
    more = f"; ended early: {server.broken}" if server.result and server.broken else ""
    line = Text.assemble((f"{sign} {visible(server.target)}: {server.standing}", style), f", {visible(said + more)}")
    console.print(line, soft_wrap=True, highlight=False)


def render_matrix(console: Console, matrix: ServerMatrix) -> None:
    """Print the table, with a number for each server, and where a verdict is not what was expected."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("")
    for number in range(1, len(matrix.servers) + 1):
        table.add_column(str(number), no_wrap=True, justify="center")
    table.add_column("")
    for name in matrix.requirements():
        cells = [server.cell(name) for server in matrix.servers]
        table.add_row(name, *(_sign(cell) for cell in cells), Text(titled(name).title, "dim"))
    console.print()
    for number, server in enumerate(matrix.servers, 1):
        console.print(Text(f"  {number}  {visible(server.target)}"), soft_wrap=True, highlight=False)
    console.print()
    console.print(table)
    console.print(Text(f"\n  {LEGEND}", "dim"))
    console.print(Text(f"  {summary(matrix.servers)}", "bold"))
    for line in differing(matrix):
        console.print(Text.assemble(("  ✗ ", "bold red"), visible(line)), soft_wrap=True)
    if matrix.interrupted:
        console.print(Text("  interrupted: the rest is not known", "bold yellow"))


def _sign(cell: Cell) -> Text:
    sign, style, _ = SIGNS[cell.mark]
    return Text(sign + (ADDED if cell.added else ""), style)


def differing(matrix: ServerMatrix) -> list[str]:
    """Where a verdict is not what was expected, a line each."""
    return [f"{server.target}: not as expected: {said}" for server in matrix.servers if (said := server.differs())]


# ---------------------------------------------------------------- what is said of a server


def facts(server: Server) -> Iterator[tuple[str, list[str]]]:
    """All that is known of one server besides its column: a name, and one line or several."""
    result = server.result
    if result is None:
        yield "not run", [server.why]
        return
    yield "server", [result.server or "it does not tell its version"]
    yield "profile", [result.profile]
    yield "found", [result.headline]
    if server.expected:
        yield "expected", [server.differs() or "as it is"]
    if result.adds:
        yield "by the adapter", [f"{ids_text(result.adds)}: its own code does this, not the server {ADDED}"]
    if result.interrupted or result.stopped:
        yield "ended early", ["interrupted" if result.interrupted else result.stopped]
    if result.inconclusive:
        yield "undecided", list(result.inconclusive)
    if result.strict_fails_besides:
        yield "held to strict", [f"it would fail besides: {ids_text(result.strict_fails_besides)}"]
    if result.coverage and (covered := coverage_lines(result.coverage)):
        yield "covered", covered
    if reasons := by_reason(_not_graded(server)):
        yield "not graded", [f"{ids_text(ids)}: {reason}" for reason, ids in reasons]


def _not_graded(server: Server) -> list[Grade]:
    grades = server.result.grades if server.result else ()
    return [grade for grade in grades if grade.result is Result.NOT_GRADED]


# ---------------------------------------------------------------- the page


def matrix_html(matrix: ServerMatrix, links: Links = nowhere) -> str:
    """Write the matrix as one offline HTML page."""
    groups = [[_row(matrix, name, links) for name in names] for _, names in families(matrix.requirements())]
    return page_html(
        "servers.html.j2",
        matrix=matrix,
        summary=summary(matrix.servers),
        differing=differing(matrix),
        heads=[_head(server) for server in matrix.servers],
        groups=groups,
        never=_never(matrix),
        servers=[_told(server, links) for server in matrix.servers],
    )


def _row(matrix: ServerMatrix, name: str, links: Links) -> dict[str, object]:
    cells = [_seen(server.cell(name), links) for server in matrix.servers]
    return {"id": name, "title": titled(name).title, "cells": cells}


def _seen(cell: Cell, links: Links) -> _Seen:
    sign, _, kind = SIGNS[cell.mark]
    return _Seen(sign, cell.mark.value, kind, cell.added, cell.why, links(cell.page) if cell.page else "")


def _head(server: Server) -> dict[str, object]:
    sign, _, kind = STANDINGS[server.standing]
    result = server.result
    lines = [result.server, result.profile] if result else []
    lines += _early(server)
    lines += ["✗ not as expected"] if server.differs() else []
    return {
        "target": server.target,
        "lines": [line for line in lines if line],
        "sign": sign,
        "kind": kind,
        "standing": server.standing,
    }


def _early(server: Server) -> list[str]:
    """A word for a run that did not come to its end."""
    result = server.result
    return ["(ended early)"] if result and (result.stopped or result.interrupted) else []


def _told(server: Server, links: Links) -> dict[str, object]:
    failures = [
        (item.requirement, item.sentence, item.trace, links(f"{server.folder}/{item.page}") if item.page else "")
        for item in (server.result.failures if server.result else ())
    ]
    return {**_head(server), "facts": list(facts(server)), "failures": failures}


def _never(matrix: ServerMatrix) -> list[tuple[str, str]]:
    grouped: dict[str, list[str]] = {}
    for name, reason in matrix.never():
        grouped.setdefault(reason, []).append(name)
    return [(reason, ids_text(names)) for reason, names in grouped.items()]


# ---------------------------------------------------------------- Markdown


def matrix_markdown(matrix: ServerMatrix, links: Links = nowhere) -> str:
    """Write the matrix as Markdown: the table, then each server."""
    return "\n".join(_lines(matrix, links)).rstrip() + "\n"


def _lines(matrix: ServerMatrix, links: Links) -> Iterator[str]:
    yield f"{summary(matrix.servers)}; suite {code(matrix.suite)}, {escape(matrix.kit)}."
    if matrix.interrupted:
        yield "\n**Interrupted: not all was run.**"
    yield from (f"\n✗ {escape(line)}" for line in differing(matrix))
    yield ""
    yield "| requirement | " + " | ".join(_in_table(server.target) for server in matrix.servers) + " |"
    yield "| --- |" + " :-: |" * len(matrix.servers)
    for name in matrix.requirements():
        cells = " | ".join(_cell(server.cell(name), links) for server in matrix.servers)
        yield f"| **{name}** {escape(titled(name).title)} | {cells} |"
    standing = (" ".join((STANDINGS[it.standing][0], it.standing, *_early(it))) for it in matrix.servers)
    yield "| **in all** | " + " | ".join(standing) + " |"
    yield f"\n{LEGEND}."
    for reason, ids in _never(matrix):
        yield f"\nNot in the table, as no server can be graded on them: {ids} ({escape(reason)})."
    for server in matrix.servers:
        yield from _section(server, links)


def _in_table(text: str) -> str:
    return code(text).replace("|", "\\|")


def _cell(cell: Cell, links: Links) -> str:
    sign = SIGNS[cell.mark][0] + (ADDED if cell.added else "")
    href = links(cell.page) if cell.page else ""
    return f"[{sign}]({href})" if href else sign


def _section(server: Server, links: Links) -> Iterator[str]:
    yield f"\n### {code(server.target)}: {server.standing}\n"
    for name, lines in facts(server):
        if len(lines) == 1:
            yield f"- {name}: {escape(lines[0])}"
            continue
        yield f"- {name}:"
        yield from (f"  - {escape(line)}" for line in lines)
    for item in server.result.failures if server.result else ():
        href = links(f"{server.folder}/{item.page}") if item.page else ""
        name = f"[{item.requirement}]({href})" if href else item.requirement
        yield f"- ✗ {name}: {escape(item.sentence)}, trace {code(item.trace)}"
