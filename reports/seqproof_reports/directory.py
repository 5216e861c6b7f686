"""A counterexample's directory: the one place of this package that writes files.

    history.jsonl, scenario.json, counterexample.json   the data: all the others are drawn from it (``kept``)
    report.md, report.html                              for people
    ladder.svg                                          the ladder alone, for slides
    trace.itf.json                                      for viewers of model traces
    test_repro.py                                       for the test suite of whoever mends it, where steps are known

``FORMATS`` is the table: a new format is a new row. Each file is written beside its place and then renamed, so that a
half-written one never stands under its final name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from seqproof_model import history as h
from seqproof_model import kept, phone_file, phone_scenario, scenario
from seqproof_model.verdict import Counterexample
from seqproof_reports import repro
from seqproof_reports.html import report_html
from seqproof_reports.itf_file import itf_trace
from seqproof_reports.markdown import report_markdown
from seqproof_reports.slide import slide_svg


def _history(found: Counterexample) -> bytes:
    """What happened, so that it can be judged again: of a phone, what its judge saw."""
    if isinstance(found.header, phone_file.Header):
        return phone_file.encode(found.header, found.phone_events)
    lines: Iterator[bytes] = map(h.encode, (found.header, *found.events, h.End(len(found.events))))
    return b"".join(line + b"\n" for line in lines)


def _steps(found: Counterexample) -> bytes:
    if found.phone:
        return phone_scenario.encode(found.phone)
    return scenario.encode(found.scenario) if found.scenario.steps else b""


def _test(found: Counterexample) -> bytes:
    return repro.repro_test(found).encode() if found.phone or found.scenario.steps else b""


FORMATS: dict[str, Callable[[Counterexample], bytes]] = {  # b"": there is nothing to write
    kept.HISTORY: _history,
    kept.STEPS: _steps,
    kept.FACTS: lambda found: kept.encode(kept.facts(found)),
    "report.md": lambda found: report_markdown(found).encode(),
    "report.html": lambda found: report_html(found).encode(),
    "ladder.svg": lambda found: slide_svg(found).encode(),
    "trace.itf.json": itf_trace,
    repro.NAME: _test,
}


def write(directory: Path, counterexample: Counterexample) -> dict[str, Path]:
    """Write every format; return the files by name. The directory is made where it is missing. Raises OSError."""
    contents = {name: made for name, make in FORMATS.items() if (made := make(counterexample))}
    directory.mkdir(parents=True, exist_ok=True)
    return {name: put(directory / name, made) for name, made in contents.items()}


def put(path: Path, content: bytes) -> Path:
    """Write a file, whole or not at all. Raises OSError."""
    half = path.with_name(f".{path.name}.half")
    try:
        half.write_bytes(content)
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
    return path
