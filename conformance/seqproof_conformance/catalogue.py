"""What there is: requirements, scenarios, targets, mutants, models, properties and profiles, told from their data."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from seqproof_conformance import phone_courses, phone_targets, suite, targets
from seqproof_model import profile
from seqproof_model.faults import MODELS, FaultyModel
from seqproof_model.phone_scenario import PhoneScenario
from seqproof_model.properties import PROPERTIES, Always, OfStep
from seqproof_model.requirements import INVARIANTS, REQUIREMENTS, Requirement
from seqproof_model.scenario import Scenario


class What(StrEnum):
    """The catalogues."""

    REQUIREMENTS = "requirements"
    SCENARIOS = "scenarios"
    TARGETS = "targets"
    MUTANTS = "mutants"
    PHONE_MUTANTS = "phone-mutants"
    PHONE_SCENARIOS = "phone-scenarios"
    MODELS = "models"
    PROPERTIES = "properties"
    PROFILES = "profiles"


@dataclass(frozen=True)
class Row:
    """One entry: its name, a column in between, a sentence; ``facts`` are printed by explain."""

    name: str
    middle: str
    sentence: str
    facts: dict[str, str] = field(default_factory=dict[str, str])
    data: Any = None


def _requirement(row: Requirement) -> Row:
    observing = [s.name for s in suite.golden() if row.id in s.observes]
    observing += [s.name for s in phone_courses.golden() if row.id in s.observes]
    breaking = [f"mutant:{entry.id}" for entry in _mutants() if row.id in entry.expected]
    phones = [f"phone-mutant:{entry.id}" for entry in _phone_mutants() if row.id in entry.expected]
    invariant = f"{row.invariant}: {INVARIANTS[row.invariant]}" if row.invariant else ""
    section = "the article is silent; the rule is ours" if row.section == "silent" else f"section {row.section}"
    facts = {
        "level": f"{row.level} (for a {row.role})" if row.role == "server" else f"{row.level} ({row.role})",
        "from": section,
        "invariant": invariant,
        "by profile": row.profiles,
        "needs": ", ".join(row.needs),
        "passes when": row.condition,
        "not graded": f"of a server: {row.why_never}" if row.condition and row.why_never else row.why_never,
        "scenarios": ", ".join(observing),
        "faulty servers": ", ".join(breaking),
        "faulty phones": ", ".join(phones),
    }
    return Row(row.id, str(row.level), row.title, {"": row.sentence} | facts, msgspec.to_builtins(row))


def _scenario(row: Scenario) -> Row:
    trace = row.notation()
    facts = {"": row.text, "observes": ", ".join(row.observes), "needs": ", ".join(sorted(row.needs)), "trace": trace}
    return Row(row.name, "", row.title, facts, msgspec.to_builtins(row))


def _mutants() -> list[Any]:
    """The faulty servers, where the reference implementation is installed. Read at run time: they are targets."""
    return list(importlib.import_module(targets.FAULTY).catalogue())


def _mutant(entry: Any) -> Row:
    facts = {
        "kind": str(entry.kind),
        "breaks": entry.breaks,
        "blamed as": ", ".join(sorted(entry.expected)),
        "shortest trace": entry.trace,
        "needs": ", ".join(sorted(str(need) for need in entry.needs)),
        "run it": f"seqproof run mutant:{entry.id}",
        "its model": f"seqproof explore --mutant {entry.id}" if entry.id in MODELS else "",
    }
    data = {"id": entry.id, "summary": entry.summary, **facts}
    return Row(entry.id, entry.breaks or str(entry.kind), entry.summary, facts, data)


def _phone_mutants() -> list[Any]:
    """The faulty phones, and the odd but right ones, where the reference implementation is installed."""
    return list(importlib.import_module(phone_targets.FAULTY).catalogue())


def _phone_mutant(entry: Any) -> Row:
    facts = {
        "kind": "equivalent" if entry.right else "fault",
        "breaks": entry.breaks,
        "blamed as": ", ".join(sorted(entry.expected)),
        "shortest trace": entry.trace,
        "run it": f"seqproof run phone-mutant:{entry.id}",
        "its model": f"seqproof explore --mutant {entry.id}" if entry.id in MODELS else "",
    }
    data = {"id": entry.id, "summary": entry.summary, **facts}
    return Row(entry.id, entry.breaks or "equivalent", entry.summary, facts, data)


def _phone_scenario(row: PhoneScenario) -> Row:
    trace = row.notation()
    facts = {"": row.text, "observes": ", ".join(row.observes), "needs": ", ".join(sorted(row.needs)), "trace": trace}
    return Row(row.name, "", row.title, facts, msgspec.to_builtins(row))


def _model(model: FaultyModel) -> Row:
    scope = model.scope().describe()
    facts = {
        "kind": "equivalent" if model.right else "fault",
        "breaks": model.breaks,
        "smallest scope": scope,
        "explore it": f"seqproof explore --mutant {model.id}",
        "prove it wrong": "" if model.right else f"seqproof prove --mutant {model.id}",
    }
    return Row(model.id, model.breaks or "equivalent", model.text, facts, {"id": model.id, "text": model.text, **facts})


def _property(about: Always | OfStep) -> Row:
    kind = "state" if isinstance(about, Always) else "step"
    facts = {"of": f"every {kind}", "requirements": ", ".join(about.ids), "sometimes": about.sometimes}
    return Row(about.name, kind, about.text, facts, {"name": about.name, "text": about.text, **facts})


def _target(entry: targets.Entry) -> Row:
    facts = {"available": f"no: {entry.mend}" if entry.mend else "yes"}
    return Row(
        entry.target, "" if not entry.mend else "missing", entry.summary, facts, {"target": entry.target, **facts}
    )


def _profile(row: profile.Profile) -> Row:
    space = f"{row.first_seq}..{profile.power_text(row.seq_max)}"
    return Row(row.name, space, row.summary, {"space": space}, msgspec.to_builtins(row))


_READ: dict[What, Callable[[], list[Row]]] = {
    What.REQUIREMENTS: lambda: [_requirement(row) for row in REQUIREMENTS.values()],
    What.SCENARIOS: lambda: [_scenario(row) for row in suite.golden()],
    What.TARGETS: lambda: [_target(row) for row in (*targets.catalogue(), *phone_targets.catalogue())],
    What.MUTANTS: lambda: [_mutant(row) for row in _mutants()],
    What.PHONE_MUTANTS: lambda: [_phone_mutant(row) for row in _phone_mutants()],
    What.PHONE_SCENARIOS: lambda: [_phone_scenario(row) for row in phone_courses.golden()],
    What.MODELS: lambda: [_model(model) for model in MODELS.values()],
    What.PROPERTIES: lambda: [_property(about) for about in PROPERTIES],
    What.PROFILES: lambda: [_profile(row) for row in profile.built_in().values()],
}


def rows(what: What) -> list[Row]:
    """The entries of one catalogue."""
    return _READ[what]()


def explain(name: str) -> Row | None:
    """The entry of that name, in any catalogue; case does not matter."""
    wanted = name.lower().removeprefix("phone-").removeprefix("mutant:")
    return next((row for what in What for row in rows(what) if row.name.lower() == wanted), None)


def near(name: str) -> str:
    """A hint at names like this one, or ""."""
    names = {row.name.lower(): row.name for what in What for row in rows(what)}
    found = difflib.get_close_matches(name.lower(), list(names), n=3)
    return f"did you mean {' or '.join(names[key] for key in found)}? " if found else ""


def print_table(console: Console, what: What) -> None:
    """Print one catalogue."""
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(no_wrap=True, style="dim")
    table.add_column(ratio=1)
    for row in rows(what):
        table.add_row(Text(row.name), Text(row.middle), Text(row.sentence))
    console.print(table)
    console.print(Text("\nseqproof explain NAME says more of each.", style="dim"))


def print_one(console: Console, row: Row) -> None:
    """Print one entry in full."""
    console.print(Text.assemble((row.name, "bold"), "  ", row.sentence))
    if row.facts.get(""):
        console.print(Text(f"\n{row.facts['']}"))
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(ratio=1)
    for name, text in row.facts.items():
        if name and text:
            table.add_row(Text(name), Text(text))
    console.print()
    console.print(table)
