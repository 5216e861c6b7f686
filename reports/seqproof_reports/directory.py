"""A counterexample's directory: the one place of this package that writes files.

Each file is written beside its place and then renamed, so that a half-written one never stands under its final name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from seqproof_model import history, phone_file, phone_scenario, scenario
from seqproof_model.verdict import Counterexample
from seqproof_reports.html import report_html
from seqproof_reports.markdown import report_markdown


def write(directory: Path, counterexample: Counterexample) -> dict[str, Path]:
    """Write report.md, report.html, history.jsonl and scenario.json; return them by name.

    The directory is made where it is missing. Raises OSError.
    """
    markdown, html = report_markdown(counterexample), report_html(counterexample)
    steps = (
        phone_scenario.encode(counterexample.phone)
        if counterexample.phone
        else scenario.encode(counterexample.scenario)
    )
    directory.mkdir(parents=True, exist_ok=True)
    writers: dict[str, Callable[[Path], object]] = {
        "history.jsonl": _history(counterexample),
        "scenario.json": lambda path: path.write_bytes(steps),
        "report.md": lambda path: path.write_text(markdown, "utf-8"),
        "report.html": lambda path: path.write_text(html, "utf-8"),
    }
    return {name: _whole(directory / name, writer) for name, writer in writers.items()}


def _history(counterexample: Counterexample) -> Callable[[Path], object]:
    """What happened, so that it can be judged again: of a phone, what its judge saw."""
    header = counterexample.header
    if isinstance(header, phone_file.Header):
        return partial(phone_file.write, header=header, events=counterexample.phone_events)
    return partial(history.write, header=header, events=counterexample.events)


def _whole(path: Path, writer: Callable[[Path], object]) -> Path:
    half = path.with_name(f".{path.name}.half")
    try:
        writer(half)
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
    return path
