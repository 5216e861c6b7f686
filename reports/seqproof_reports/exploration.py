"""What an exploration found, for a terminal and as plain data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from seqproof_model.engines.explore import Exploration, Judged
from seqproof_model.properties import Always
from seqproof_model.trace import Trace
from seqproof_reports.model_trace import lines

WIDE = 110  # columns of a terminal that has room for the requirement ids


def standing(found: Exploration) -> str:
    """One phrase: what may be said after this exploration."""
    if found.counterexample:
        return "broken"
    if found.interrupted:
        return "interrupted: what was seen holds"
    if not found.complete:
        return "not finished: what was seen holds"
    return "inconclusive" if found.missing else "holds"


def exploration_data(found: Exploration) -> dict[str, Any]:
    """Plain data, the counts first."""
    return {
        "definition": found.bounded.definition.name,
        "scope": asdict(found.bounded.scope),
        "states": found.states,
        "transitions": found.transitions,
        "depth": found.depth,
        "stored": found.stored,
        "bits": found.bits,
        "complete": found.complete,
        "interrupted": found.interrupted,
        "standing": standing(found),
        "properties": [_property(judged) for judged in found.properties],
        "coverage": [
            {"action": name, "tried": c.tried, "taken": c.taken, "guards": dict(c.guards)}
            for name, c in found.coverage.items()
        ],
        "counterexample": trace_data(found.counterexample) if found.counterexample else None,
    }


def _property(judged: Judged) -> dict[str, Any]:
    about = judged.about
    return {
        "name": about.name,
        "kind": "state" if isinstance(about, Always) else "step",
        "ids": list(about.ids),
        "text": about.text,
        "holds": judged.holds,
        "sometimes": about.sometimes,
        "occurred": judged.occurred,
        "expected": judged.expected,
    }


def trace_data(found: Trace) -> dict[str, Any]:
    """A trace as plain data."""
    return {
        "length": len(found),
        "broken": list(found.broken),
        "loop": found.loop,
        "steps": [
            {"step": line.step, "text": line.text, "changes": list(line.changes), "instance": str(instance)}
            for line, instance in zip(lines(found), found.steps, strict=True)
        ],
    }


def render_exploration(console: Console, found: Exploration, *, coverage: bool = False) -> None:
    """Print the counts, the properties, the coverage where it is wanted, and the counterexample."""
    told, style = {"broken": ("✗", "bold red"), "holds": ("✓", "bold green")}.get(standing(found), ("?", "bold yellow"))
    name, scope = found.bounded.definition.name, found.bounded.scope.describe()
    console.print(Text(f"{told} {name}, {scope}: {standing(found)}", style))
    stored = f" ({found.stored:,} kept, phones alike)" if found.stored != found.states else ""
    counts = f"{found.states:,} states{stored}, {found.transitions:,} transitions, depth {found.depth}"
    console.print(Text(f"  {counts}, {found.bits} bits a state"), highlight=False)
    if not found.counterexample:
        console.print()
        console.print(_properties(found, ids=console.width >= WIDE))
    if coverage:
        console.print()
        console.print(_coverage(found))
    for name in found.missing if found.complete and not found.counterexample else ():
        about = next(j.about for j in found.properties if j.about.name == name)
        console.print(Text(f"\n  inconclusive: it never happened that {about.sometimes} ({name})", "bold yellow"))
    if found.counterexample:
        console.print()
        console.print(Text(f"  a shortest counterexample, {_steps(len(found.counterexample))}", "bold"))
        from seqproof_reports.model_report import render_broken  # most runs find nothing, and start sooner without

        render_broken(console, found.counterexample)


def _steps(number: int) -> str:
    return f"{number} step{'' if number == 1 else 's'}"


def _properties(found: Exploration, *, ids: bool) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("")
    table.add_column("property", no_wrap=True)
    if ids:
        table.add_column("ids", style="dim")
    table.add_column("sometimes")
    for judged in found.properties:
        about = judged.about
        occurred = "yes" if judged.occurred else "not in this scope" if not judged.expected else "NOT YET"
        table.add_row(
            Text("  ✓", "green") if judged.occurred else Text("  ·", "dim" if not judged.expected else "yellow"),
            Text(about.name),
            *([Text(" ".join(about.ids))] if ids else []),
            Text.assemble((about.sometimes, ""), (f": {occurred}", "yellow" if occurred == "NOT YET" else "dim")),
        )
    return table


def _coverage(found: Exploration) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    for name, justify in (("  action", "left"), ("taken", "right"), ("of", "right")):
        table.add_column(name, justify="right" if justify == "right" else "left", no_wrap=True)
    table.add_column("each guard held")
    for name, counted in found.coverage.items():
        guards = ", ".join(
            f"{guard} {100 * held / max(1, counted.tried):.0f} %" for guard, held in counted.guards.items()
        )
        style = "" if counted.taken else "bold yellow"
        table.add_row(Text(f"  {name}", style), f"{counted.taken:,}", f"{counted.tried:,}", Text(guards, "dim"))
    return table
