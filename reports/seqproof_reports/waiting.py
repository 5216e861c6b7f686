"""Whether every message arrives (PSH-4), for a terminal and as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from seqproof_model.engines.liveness import Liveness
from seqproof_reports.exploration import trace_data
from seqproof_reports.model_trace import render_trace


def liveness_data(weak: Liveness, fair: Sequence[Liveness]) -> dict[str, Any]:
    """PSH-4 as plain data: under weak fairness, and over a fair network."""
    return {
        "holds": all(each.holds for each in fair),
        "weak": _live_data(weak),
        "fair": [_live_data(each) for each in fair],
    }


def _live_data(each: Liveness) -> dict[str, Any]:
    return {
        "message": each.message,
        "assumed": None if each.assumed is None else [str(assumption) for assumption in each.assumed],
        "holds": each.holds,
        "waiting": each.waiting,
        "lasso": trace_data(each.lasso) if each.lasso else None,
    }


def render_liveness(console: Console, weak: Liveness, fair: Sequence[Liveness]) -> None:
    """Print whether every message arrives: over a fair network it must, under weak fairness it cannot."""
    holds = all(each.holds for each in fair)
    assumed = ", ".join(map(str, fair[0].assumed or ()))
    sign, style = ("✓", "bold green") if holds else ("✗", "bold red")
    said = "every message arrives" if holds else "a message may wait for ever"
    console.print(Text(f"\n{sign} PSH-4, {said}, given that these are strongly fair: {assumed}", style))
    for each in fair:
        if each.lasso:
            console.print(Text(f"\n  message {each.message} waits for ever:\n", "bold red"))
            render_trace(console, each.lasso)
            break
    if weak.lasso:
        console.print(
            Text(f"\n  weak fairness alone is not enough: message {weak.message} is lost again and again\n", "bold")
        )
        render_trace(console, weak.lasso)
    elif not weak.inconclusive:
        console.print(Text("\n  weak fairness alone is enough in this scope", "bold yellow"))
