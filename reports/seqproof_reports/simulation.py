"""What a simulation found, for a terminal and as plain data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from seqproof_model.engines.watch import Simulation
from seqproof_reports.exploration import trace_data


def simulation_data(found: Simulation) -> dict[str, Any]:
    """Plain data, the counts first."""
    return {
        "definition": found.bounded.definition.name,
        "scope": asdict(found.bounded.scope),
        "engine": found.engine,
        "seed": found.seed,
        "runs": found.runs,
        "steps": found.steps,
        "partial": found.partial,
        "actions": dict(found.actions),
        "properties": [
            {"name": w.about.name, "sometimes": w.about.sometimes, "occurred": w.occurred, "expected": w.expected}
            for w in found.properties
        ],
        "broken": list(found.broken),
        "claim": str(found.claim),
        "trace": trace_data(found.trace) if found.trace else None,
    }


def render_simulation(console: Console, found: Simulation) -> None:
    """Print the counts, what was never met, and the run that breaks something."""
    name, scope = found.bounded.definition.name, found.bounded.scope.describe()
    if found.trace:
        head, style = f"✗ {name}, {scope}: broken", "bold red"
    elif found.partial or found.missing:
        head, style = f"? {name}, {scope}: nothing broken yet", "bold yellow"
    else:
        head, style = f"✓ {name}, {scope}: nothing broken", "bold green"
    console.print(Text(head, style))
    counts = f"{found.engine}, seed {found.seed}: {found.runs:,} runs, {found.steps:,} steps; no proof of anything"
    console.print(Text(f"  {counts}"), highlight=False)
    taken = ", ".join(f"{action} {number:,}" for action, number in found.actions.items())
    console.print(Text(f"  taken: {taken}", "dim"))
    for watched in found.properties:
        if watched.about.name in found.missing and not found.trace:
            console.print(Text(f"  inconclusive: it never happened that {watched.about.sometimes}", "bold yellow"))
    if found.trace:
        steps = f"{len(found.trace)} step{'' if len(found.trace) == 1 else 's'}"
        console.print(Text(f"\n  a run of {steps}, {found.claim}", "bold"))
        from seqproof_reports.model_report import render_broken  # most runs find nothing, and start sooner without

        render_broken(console, found.trace)
