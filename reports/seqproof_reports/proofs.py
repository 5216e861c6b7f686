"""What a proof found, for a terminal and as plain data: the table of rules and properties, and what failed in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from seqproof_model.engines.counterexample import Counterexample, Fields
from seqproof_model.engines.footprint import Footprint
from seqproof_model.engines.prove import Cell, Proof, Result
from seqproof_model.engines.ranking import Ranking
from seqproof_model.engines.refinement import Refinement
from seqproof_reports.exploration import trace_data
from seqproof_reports.model_trace import render_trace

SIGNS = {Result.PROVED: "✓", Result.FAILED: "✗", Result.UNKNOWN: "?", Result.NOT_APPLICABLE: "·"}
STYLES = {
    Result.PROVED: "green",
    Result.FAILED: "bold red",
    Result.UNKNOWN: "bold yellow",
    Result.NOT_APPLICABLE: "dim",
}
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def switches(proof: Proof) -> str:
    """The liberties that the proof allows the network and the server."""
    names = ("duplicates", "crash", "late", "restore", "overlap", "trim")
    return ", ".join(
        [*(name for name in names if getattr(proof.scope, name)), *(["pages"] if proof.scope.page else [])]
    )


def proof_data(proof: Proof) -> dict[str, Any]:
    """Plain data."""
    return {
        "definition": proof.definition,
        "scope": switches(proof),
        "sort": proof.sort.value,
        "proved": proof.proved,
        "without": list(proof.without),
        "idle": list(proof.idle),
        "solving_ms": round(proof.solving_ms, 1),
        "total_ms": round(proof.total_ms, 1),
        "cells": [_cell_data(cell) for cell in proof.cells if cell.result is not Result.NOT_APPLICABLE],
    }


def _cell_data(cell: Cell) -> dict[str, Any]:
    data: dict[str, Any] = {
        "rule": cell.rule,
        "property": cell.property,
        "result": cell.result.value,
        "milliseconds": round(cell.milliseconds, 2),
    }
    if cell.needs:
        data["needs"] = list(cell.needs)
    if cell.counterexample:
        found = cell.counterexample
        data["counterexample"] = {
            **asdict(replace(found, trace=None)),
            "trace": trace_data(found.trace) if found.trace else None,
        }
    return data


def render_proof(console: Console, proof: Proof) -> None:
    """Print one line, then the table: a row for each property, a column for each rule."""
    what = "all 2³² seqs" if proof.sort.value != "int" else "any largest seq"
    standing = ("✓", "proved", "bold green") if proof.proved else ("✗", "NOT proved", "bold red")
    counted = sum(cell.result is not Result.NOT_APPLICABLE for cell in proof.cells)
    obligations = f"{counted} obligation{'' if counted == 1 else 's'}"
    head = f"{standing[0]} {proof.definition}: {standing[1]} for {what}, any number of phones, messages and packets"
    console.print(Text(head, standing[2]))
    console.print(
        Text(f"  {switches(proof)}; {obligations} on {proof.sort.value}, {proof.solving_ms:.0f} ms of solving"),
        highlight=False,
    )
    for rule in proof.idle:
        console.print(Text(f"  inconclusive: {rule} can never be taken, so nothing is said of it", "bold yellow"))


def render_table(console: Console, proof: Proof) -> None:
    """Print the table of rules and properties; where something fails, its rows alone."""
    table = Table(box=None, header_style="dim", padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("  property", no_wrap=True)
    for letter, _ in zip(LETTERS, proof.rules, strict=False):
        table.add_column(letter, justify="center", no_wrap=True)
    known = {(cell.rule, cell.property): cell.result for cell in proof.cells}
    for name in proof.properties:
        results = [known.get((rule, name), Result.NOT_APPLICABLE) for rule in proof.rules]
        if not proof.proved and {Result.FAILED, Result.UNKNOWN}.isdisjoint(results):
            continue
        table.add_row(f"  {name}", *(Text(SIGNS[result], STYLES[result]) for result in results))
    console.print(table)
    legend = "  ".join(f"{letter}\u00a0{rule}" for letter, rule in zip(LETTERS, proof.rules, strict=False))
    console.print(Text(f"\n  {legend}", "dim"))


def render_cell(console: Console, cell: Cell) -> None:
    """Print one cell in full."""
    took = f", {cell.milliseconds:.1f} ms" if cell.milliseconds else ""
    console.print(
        Text(f"{SIGNS[cell.result]} {cell.rule} keeps {cell.property!r}: {cell.result}{took}", STYLES[cell.result])
    )
    if cell.needs:
        console.print(Text(f"  from: {', '.join(cell.needs)}"))
    if cell.counterexample:
        render_induction(console, cell.counterexample)


def render_induction(console: Console, found: Counterexample) -> None:
    """Print a counterexample to induction: two states side by side, and whether they can be reached."""
    console.print()
    console.print(Text(f"  {found.rule} breaks {found.property!r} of {found.broken}: {found.text}", "bold red"))
    console.print(
        Text("  with " + ", ".join(f"{name} = {value}" for name, value in found.given.items())), highlight=False
    )
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("", "before", "after"):
        table.add_column(name)
    for name in dict.fromkeys((*found.before, *found.after)):
        before, after = found.before.get(name), found.after.get(name)
        table.add_row(
            Text(f"  {name}"),
            Text(_fields(before)),
            Text("as before", "dim") if before == after else Text(_fields(after), "bold"),
        )
    console.print(table)
    if found.reachable:
        console.print(Text(f"\n  reachable, {found.searched}:\n", "bold"))
    elif found.reachable is False:
        console.print(Text(f"\n  not reached {found.searched}", "bold"))
    else:
        console.print(
            Text(f"\n  whether it can be reached is not known{f': {found.searched}' if found.searched else ''}")
        )
    if found.trace:
        render_trace(console, found.trace)
    if found.excluded_by:
        console.print(Text(f"\n  the state before is excluded by: {', '.join(found.excluded_by)}", "bold"))


def _fields(fields: Fields | None) -> str:
    if fields is None:
        return "–"
    said = {True: "yes", False: "no"}
    return ", ".join(f"{name} {said[v] if isinstance(v, bool) else v}" for name, v in fields.items()) or "–"


def argument_data(footprints: Sequence[Footprint], refined: Sequence[Refinement]) -> dict[str, Any]:
    """What was checked of the argument for any number of phones and packets, as plain data."""
    return {
        "footprints": len(footprints),
        "views": sum(r.views for r in refined),
        "wrong": [f"{f.of}: {what}" for f in footprints for what in f.wrong],
        "failed": [str(failed) for r in refined for failed in r.failed],
    }


def render_argument(console: Console, footprints: Sequence[Footprint], refined: Sequence[Refinement]) -> None:
    """Print what was checked of the argument for any number of phones and packets."""
    data = argument_data(footprints, refined)
    bad = [*data["wrong"], *data["failed"]]
    sign, style = ("✗", "bold red") if bad else ("✓", "bold green")
    counted = f"{data['footprints']} footprints, and a small model seen in {data['views']} ways"
    console.print(Text(f"{sign} why two phones and one packet stand for any number: {counted}", style))
    for what in bad:
        console.print(Text(f"  ✗ {what}", "bold red"))


def ranking_data(found: Ranking) -> dict[str, Any]:
    """Plain data."""
    return {
        "sort": found.sort.value,
        "holds": found.holds,
        "obligations": [
            {"name": p.name, "sentence": p.sentence, "holds": p.holds, "milliseconds": round(p.milliseconds, 2)}
            for p in found.proofs
        ],
    }


def render_ranking(console: Console, found: Ranking) -> None:
    """Print the ranking argument for PSH-4: one line, and what fails of it."""
    sign, style = ("✓", "bold green") if found.holds else ("✗", "bold red")
    words = "every message arrives over a fair network (PSH-4)"
    console.print(
        Text(f"{sign} {words}: {len(found.proofs)} obligations of the ranking argument on {found.sort.value}", style)
    )
    for proof in found.failed:
        console.print(Text(f"  ✗ {proof.name}: {proof.sentence}", "bold red"))
