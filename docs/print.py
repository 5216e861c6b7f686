"""Print every page and picture of the docs that can be printed from data: ``python docs/print.py [--check]``.

    parts/*.md          the prose of a generated page, with {{ names }} where something is printed
    parts/fields.toml   what each field of the file formats means
    BLOCKS              one function for each name, from data to Markdown
    pictures()          golden scenarios really played, in process, and drawn

The same data gives the same bytes: no date, no path, no version of Python goes in. ``--check`` writes nothing, names
the files that are stale, and exits with 1 if there are any.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from seqproof_conformance import catalogue, codes, suite
from seqproof_conformance.counterexample import cleaned
from seqproof_conformance.runner import Runner
from seqproof_conformance.targets import opened
from seqproof_model import history as h
from seqproof_model import profile, scenario
from seqproof_model.blame import CONTEXTS, Observed, suspects
from seqproof_model.bounded import Bounded
from seqproof_model.engines.explore import Explorer
from seqproof_model.engines.state_space import StateSpace, state_space
from seqproof_model.hello import Capability
from seqproof_model.judge import Judge
from seqproof_model.kills import covered as cover
from seqproof_model.network import CORRECT as CORRECT_MODEL
from seqproof_model.properties import Always, OfStep
from seqproof_model.requirements import INVARIANTS, REQUIREMENTS
from seqproof_model.scenario import Lost, Recv, Scenario, Send
from seqproof_model.scope import Scope
from seqproof_model.verdict import Violation
from seqproof_reference import faulty
from seqproof_reports import model_picture, model_tables
from seqproof_reports.ladder import ladder_svg
from seqproof_reports.ruler import ruler_svg

HERE = Path(__file__).parent
CORRECT = "mutant:CORRECT"
LOST_REPLY = Scenario("s Ax A", (Send(), Recv(lose=Lost.REPLY), Recv()))
SOURCES = {
    "requirements.md": "seqproof_model (requirements.toml, profiles.toml, blame.py, hello.py) and the command line",
    "scenarios.md": "seqproof_conformance/golden and seqproof_model/scenario.py",
    "mutants.md": "seqproof_reference (faulty.py, seen.py, witnesses.jsonl)",
    "model.md": "seqproof_model (network.py, properties.py, faults.py)",
    "formats.md": "seqproof_model (history.py, scenario.py) and docs/parts/fields.toml",
}
Rows = Iterable[Sequence[str]]
Struct = type[msgspec.Struct]


# ---------------------------------------------------------------- Markdown


def table(head: Sequence[str], rows: Rows) -> str:
    """Write a table; a cell's bars and line ends do not break it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _codes(items: Iterable[str]) -> str:
    return ", ".join(_code(item) for item in items)


def _fence(language: str, text: str) -> str:
    return f"```{language}\n{text.strip()}\n```"


def _link(requirement: str, page: str = "") -> str:
    return f"[{requirement}]({page}#{requirement.lower()})"


def _links(requirements: Iterable[str], page: str = "") -> str:
    return ", ".join(_link(item, page) for item in requirements)


def _prose(docstring: str | None) -> str:
    """A docstring as Markdown."""
    return inspect.cleandoc(docstring or "").replace("``", "`")


def _comments(enum: type[Enum]) -> dict[str, str]:
    """The comment beside each member of an enum. Raises ValueError when one has none."""
    found = dict(re.findall(r'^ +\w+ = "(\w+)" +# (.+)$', inspect.getsource(enum), re.MULTILINE))
    if missing := [str(member.value) for member in enum if member.value not in found]:
        raise ValueError(f"{enum.__name__}: no comment beside {', '.join(missing)}")
    return found


# ---------------------------------------------------------------- requirements.md


def requirements() -> str:
    """The requirements, a line each."""
    rows = [
        (_link(r.id), str(r.level), r.title, r.section, _codes(r.needs), r.why_never or "yes")
        for r in REQUIREMENTS.values()
    ]
    return table(("id", "level", "title", "section", "needs", "graded?"), rows)


def requirement_details() -> str:
    """Each requirement with all that is known of it."""
    told: list[str] = []
    for row in catalogue.rows(catalogue.What.REQUIREMENTS):
        facts = {name: text for name, text in row.facts.items() if name and text}
        facts |= {"blamed when": _blamed(row.name), "suspect": _suspect(row.name)}
        lines = "\n".join(f"- {name}: {text}" for name, text in facts.items() if text)
        told.append(f"### {row.name}\n\n**{row.sentence}.** {row.facts['']}\n\n{lines}")
    return "\n\n".join(told)


def _blamed(requirement: str) -> str:
    if REQUIREMENTS[requirement].why_never:
        return ""
    named = _codes(o.name for o in Observed if o.value.requirement == requirement)
    return named or "no observation names it; it shows under other ids"


def _suspect(requirement: str) -> str:
    pairs = [(name, o, context) for name, context in CONTEXTS.items() for o in Observed]
    return ", ".join(dict.fromkeys(name for name, o, context in pairs if requirement in suspects(o, (1,), context)))


def observed_table() -> str:
    """What the judge can observe, and the id that is blamed."""
    rows = [(_code(o.name), _link(o.value.requirement), o.value.invariant, o.value.sentence) for o in Observed]
    return table(("observed", "blamed", "breaks", "sentence"), rows)


def suspects_table() -> str:
    """The suspects of each observation, by what happened before."""
    rows = [(_code(o.name), *(_links(suspects(o, (1,), c)) for c in CONTEXTS.values())) for o in Observed]
    return table(("observed", *CONTEXTS), [row for row in rows if any(row[1:])])


def profiles() -> str:
    """The built-in profiles."""
    spaces = {name: f"{p.first_seq}..{profile.power_text(p.seq_max)}" for name, p in profile.built_in().items()}
    rows = [(_code(name), p.summary, spaces[name]) for name, p in profile.built_in().items()]
    return table(("profile", "what it says", "seqs"), rows)


def capabilities() -> str:
    """The capabilities, and what each opens."""
    said, scenarios = _comments(Capability), suite.golden()
    needed = {c: _links(r.id for r in REQUIREMENTS.values() if c in r.needs) for c in Capability}
    rows = [(_code(c), said[c], needed[c], str(sum(c in s.needs for s in scenarios))) for c in Capability]
    return table(("capability", "the target can", "needed by", "golden scenarios that need it"), rows)


def exit_codes() -> str:
    """The exit codes, as their module tells them."""
    told = re.findall(r"(\d+) ((?:(?! {2}|\n).)+)", (codes.__doc__ or "").partition("\n\n")[2].partition("\n\n")[0])
    if {int(code) for code, _ in told} != set(codes.SEVERITY):
        raise ValueError(f"the exit codes in the docstring of codes.py are not {sorted(codes.SEVERITY)}")
    return table(("code", "means"), told)


# ---------------------------------------------------------------- scenarios.md, mutants.md


def notation() -> str:
    """The notation of a trace, as the scenario module tells it."""
    found = re.search(r"\n\n((?:    .*\n)+)", scenario.__doc__ or "")
    if found is None:
        raise ValueError("scenario.py tells no notation")
    return _fence("text", inspect.cleandoc(found[1]))


def scenarios() -> str:
    """The golden scenarios, a line each."""
    rows = [(f"[{s.name}](#{s.name.lower()})", s.title, _codes([s.notation()])) for s in suite.golden()]
    return table(("scenario", "title", "trace"), rows)


def scenario_details() -> str:
    """Each golden scenario."""
    told: list[str] = []
    for s in suite.golden():
        observes = f"- observes: {_links(s.observes, 'requirements.md')}"
        needs = f"\n- needs: {_codes(sorted(s.needs))}" if s.needs else ""
        told.append(f"### {s.name}\n\n**{s.title}.** {s.text}\n\n{observes}{needs}\n- trace: {_code(s.notation())}")
    return "\n\n".join(told)


def faults() -> str:
    """The faulty servers."""
    rows = [_fault(e) for e in faulty.catalogue() if e.kind is faulty.Kind.FAULT]
    return table(("id", "what is wrong", "breaks", "may be blamed as", "needs", "shortest trace", "n"), rows)


def _fault(e: faulty.Entry) -> tuple[str, ...]:
    only = f" only in {_code(e.profile)}" if e.profile else ""
    only += f" found by the suite {e.suite}" if e.suite != "quick" else ""
    said, n = f"{e.summary} *{e.seen}*".removesuffix(" **"), f"{e.shortest}{'' if e.witnesses[0].shortest else '?'}"
    ids, needs = _links(sorted(e.expected), "requirements.md"), _codes(sorted(e.needs)) + only
    return (_code(e.id), said, e.breaks, ids, needs, _code(e.trace), n)


def covered() -> str:
    """Which faults each requirement is blamed for, or suspected of, by their known counterexamples."""
    known = [(e.id, w.requirement, w.suspects) for e in faulty.catalogue() for w in e.witnesses]
    rows = [(_link(c.requirement, "requirements.md"), *map(_codes, (c.blamed, c.suspected))) for c in cover((), known)]
    return table(("requirement", "blamed for", "suspected of"), rows)


def alike() -> str:
    """The signatures of the known counterexamples, and the faults that have each."""
    shapes: dict[str, dict[str, None]] = {}
    for witness in (w for e in faulty.catalogue() for w in e.witnesses):
        shapes.setdefault(witness.signature, {})[witness.mutant] = None
    return table(("signature", "faults"), [(_code(shape), _codes(shapes[shape])) for shape in sorted(shapes)])


def others(kind: faulty.Kind) -> str:
    """The servers that are right, or nothing."""
    rows = [(_code(e.id), e.summary, _code(e.profile) or "any") for e in faulty.catalogue() if e.kind is kind]
    return table(("id", "what it does", "profile"), rows)


# ---------------------------------------------------------------- formats.md


@cache
def _meanings(name: str) -> dict[str, str]:
    found: dict[str, dict[str, str]] = tomllib.loads((HERE / "parts" / "fields.toml").read_text("utf-8"))
    return found[name]


def _fields(file: str, struct: Struct) -> str:
    """The fields of one struct. Raises KeyError when fields.toml does not know one."""
    hints: dict[str, Any] = get_type_hints(struct)
    rows = [
        (
            _code(field.encode_name),
            _type(hints[field.name]),
            "required" if field.required else _code(msgspec.json.encode(field.default).decode()),
            _meanings(file)[f"{struct.__name__}.{field.name}"],
        )
        for field in msgspec.structs.fields(struct)
    ]
    return table(("field", "type", "default", "meaning"), rows) if rows else ""


def _type(hint: Any) -> str:
    """A type in words."""
    if get_origin(hint) in (Union, UnionType):
        members = [arg for arg in get_args(hint) if arg is not NoneType]
        return _type(members[0]) if len(members) == 1 else "step"
    if get_origin(hint) is tuple:
        item, *others = get_args(hint)
        return f"list of {_type(item)}" if others == [...] else f"[{', '.join(map(_type, (item, *others)))}]"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "one of " + _codes(str(member.value) for member in hint)
    words: dict[Any, str] = {int: "integer", str: "text", bool: "yes or no"}
    return words.get(hint) or str(hint.__name__).lower()


def _structs(file: str, tag: str, structs: Iterable[Struct]) -> str:
    told: list[str] = []
    for struct in structs:
        config = struct.__struct_config__
        name = f'`"{tag}": "{config.tag}"`' if config.tag else "The whole"
        told.append("\n\n".join(filter(None, (f"### {name}", _prose(struct.__doc__), _fields(file, struct)))))
    return "\n\n".join(told)


def history_fields() -> str:
    """Every line of a history."""
    return _structs("history", "event", (h.Header, *get_args(h.Event), h.End))


def scenario_fields() -> str:
    """A scenario and its steps."""
    return _structs("scenario", "do", (Scenario, *get_args(scenario.Step)))


def history_example() -> str:
    """A whole history, really recorded."""
    header, events, _ = play(CORRECT, LOST_REPLY)
    lines = [h.encode(line).decode() for line in (header, *events, h.End(len(events)))]
    return _fence("json", "\n".join(lines))


# ---------------------------------------------------------------- model.md

EXAMPLE = """
from dataclasses import replace

from seqproof_model.bounded import Bounded
from seqproof_model.engines.explore import Explorer
from seqproof_model.network import CORRECT
from seqproof_model.rules import BY_NAME
from seqproof_model.scope import Scope

# A server that answers from the phone's seq_cli alone, whatever other phones have confirmed.
look = replace(BY_NAME["look_lower"], sees=lambda a, marks, request: request.seq_cli)
changed = CORRECT.but("MINE", look_lower=look)
print(Explorer(Bounded(changed, Scope(phones=2, messages=2))).run().counterexample)
"""
SMALL = Bounded(CORRECT_MODEL, Scope(1, 1))


def model_table(rows: Sequence[Sequence[str]], *head: str, code: int = 1, linked: int | None = None) -> str:
    """A table of the model: its first ``code`` columns are names, the column ``linked`` holds requirement ids."""
    return table(head, [[_model_cell(at, cell, code, linked) for at, cell in enumerate(row)] for row in rows])


def _model_cell(at: int, cell: str, code: int, linked: int | None) -> str:
    if at == linked:
        return ", ".join(_link(i, "requirements.md") if i in REQUIREMENTS else i for i in cell.split())
    return _code(cell) if at < code else cell


@cache
def small_space() -> StateSpace:
    """Every state of one phone and one message."""
    explorer = Explorer(SMALL)
    explorer.run()
    return state_space(explorer)


def small_picture() -> str:
    """The picture of them."""
    svg = model_picture.picture(small_space(), title=f"{SMALL.scope.describe()}: every state, every step")
    return f"<!-- printed by docs/print.py from {SMALL.scope.describe()}, explored; do not edit -->\n{svg.rstrip()}\n"


# ---------------------------------------------------------------- pictures


def golden(name: str) -> Scenario:
    """The golden scenario of that name."""
    return next(s for s in suite.golden() if s.name == name)


def play(target: str, steps: Scenario) -> tuple[h.Header, tuple[h.Event, ...], Violation | None]:
    """Play a scenario in process; its events as if it had run alone, and what the judge says of them."""
    with opened(target) as (adapter, hello):
        held = hello.claims or profile.find("strict")
        runner = Runner(adapter, hello, held, [Judge(held, paged=False)], lambda _event: None)
        events = cleaned(runner.play(steps).events)
    header = h.Header(target, tuple(sorted(map(str, hello.capabilities))), held, server=hello.server)
    judge = Judge(held, paged=False)
    return header, events, next((found for found in map(judge.feed, events) if found), None)


def picture(target: str, steps: Scenario, title: str, *, seqs: bool = False) -> str:
    """Draw what happened. Raises ValueError when a correct server failed, or a faulty one did not."""
    header, events, violation = play(target, steps)
    if (violation is None) != (target == CORRECT):
        raise ValueError(f"{steps.name} on {target}: {violation or 'no violation'}")
    svg = (ruler_svg if seqs else ladder_svg)(events, header=header, title=title, violation=violation)
    return f"<!-- printed by docs/print.py from {steps.name} played on {target}; do not edit -->\n{svg.rstrip()}\n"


def pictures() -> dict[str, str]:
    """Every picture, by its path."""
    drawn = {f"{name}.svg": picture(CORRECT, golden(name), golden(name).title) for name in ("F4", "F5", "F6")}
    drawn["F6-seqs.svg"] = picture(CORRECT, golden("F6"), "The same, seq by seq", seqs=True)
    drawn["lost-reply.svg"] = picture(CORRECT, LOST_REPLY, "s Ax A on a correct server")
    drawn["ACK_ON_REPLY.svg"] = picture("mutant:ACK_ON_REPLY", LOST_REPLY, "s Ax A on ACK_ON_REPLY")
    drawn["model.svg"] = small_picture()
    return {f"pictures/{name}": svg for name, svg in drawn.items()}


# ---------------------------------------------------------------- all of it

BLOCKS: dict[str, Callable[[], str]] = {
    "requirements": requirements,
    "requirement_details": requirement_details,
    "profiles": profiles,
    "capabilities": capabilities,
    "observed": observed_table,
    "suspects": suspects_table,
    "invariants": lambda: table(("invariant", "says"), [(_code(name), said) for name, said in INVARIANTS.items()]),
    "exit_codes": exit_codes,
    "notation": notation,
    "scenarios": scenarios,
    "scenario_details": scenario_details,
    "faults": faults,
    "covered": covered,
    "alike": alike,
    "equivalents": lambda: others(faulty.Kind.EQUIVALENT),
    "null": lambda: others(faulty.Kind.NULL),
    "history_example": history_example,
    "history_fields": history_fields,
    "codes": lambda: table(("code", "means"), [(_code(code), said) for code, said in _comments(h.Code).items()]),
    "profile_fields": lambda: _fields("history", profile.Profile),
    "exact": lambda: str(h.EXACT_IN_DOUBLE),
    "scenario_example": lambda: _fence("json", scenario.encode(golden("F6")).decode()),
    "scenario_trace": lambda: _code(golden("F6").notation()),
    "scenario_fields": scenario_fields,
    "model_diagram": lambda: model_tables.diagram(),
    "model_diagram_overlap": lambda: model_tables.diagram(overlap=True),
    "model_actions": lambda: model_table(
        model_tables.action_rows(), "action", "what happens", "guard", "takes", "puts", "in scopes"
    ),
    "model_rules": lambda: model_table(model_tables.rule_rows(), "operation", "rule", "learns something", code=2),
    "model_state_properties": lambda: model_table(
        model_tables.property_rows(Always), "property", "ids", "says", "sometimes", linked=1
    ),
    "model_step_properties": lambda: model_table(
        model_tables.property_rows(OfStep), "property", "ids", "says", "sometimes", linked=1
    ),
    "model_faults": lambda: model_table(
        model_tables.model_rows(right=False), "id", "what is wrong", "breaks", "seen with"
    ),
    "model_equivalents": lambda: model_table(
        [row[:2] for row in model_tables.model_rows(right=True)], "id", "what it does"
    ),
    "model_small_counts": lambda: f"{small_space().graph.size} states and {small_space().graph.source.size} steps",
    "model_example": lambda: _fence("python", EXAMPLE),
}


def page(name: str) -> str:
    """One generated page: its part, with every {{ name }} printed."""
    text = (HERE / "parts" / name).read_text("utf-8")
    said = re.sub(r"\{\{ (\w+) \}\}", lambda found: BLOCKS[found[1]](), text)
    note = f"<!-- printed by docs/print.py from docs/parts/{name} and {SOURCES[name]}; do not edit -->"
    return f"{note}\n\n{said.rstrip()}\n"


def everything() -> dict[str, str]:
    """Every generated file, by its path below docs/."""
    return {name: page(name) for name in SOURCES} | pictures()


def stale() -> list[str]:
    """The generated files that are not what the data says now, and those in pictures/ that nothing prints."""
    made = everything()
    old = [
        name for name, text in made.items() if not (HERE / name).is_file() or (HERE / name).read_text("utf-8") != text
    ]
    there = {f"pictures/{path.name}" for path in (HERE / "pictures").iterdir()}
    return sorted({*old, *(there - made.keys())})


def main(arguments: Sequence[str]) -> int:
    """Write everything, or with ``--check`` name what is stale. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python docs/print.py", description="Print the generated pages and pictures.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 and name the stale files")
    if parser.parse_args(arguments).check:
        for name in (names := stale()):
            print(f"docs/{name} is stale; run: python docs/print.py", file=sys.stderr)
        return 1 if names else 0
    (HERE / "pictures").mkdir(exist_ok=True)
    for name, text in everything().items():
        (HERE / name).write_text(text, "utf-8")
        print(f"docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
