"""Markdown: the report for an issue, a chat or a terminal pager, with the ladder as a Mermaid sequence diagram.

What a server said stands in code spans or is escaped, so that no body can become markup; Mermaid's own signs are
written as its entity codes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from seqproof_model.verdict import Counterexample
from seqproof_reports.picture import Arrow, Fate, Moment, Role, Story
from seqproof_reports.report import Report, lessons, report, standing
from seqproof_reports.text import between, visible

SPECIAL = re.compile(r"([\\`*_\[\]#|<>~$&])")
CONFORMING = {"server": "A conforming server answers", "phone": "A conforming phone", "model": "What must hold"}
OBSERVED = {"server": "This server answered", "phone": "This phone", "model": "The last step"}
PLAIN = re.compile(r"[^\w .,:+*?()/×→-]")


def report_markdown(counterexample: Counterexample) -> str:
    """Write a counterexample as Markdown."""
    return told_markdown(report(counterexample), counterexample.header.target)


def told_markdown(told: Report, target: str) -> str:
    """Write a report, of a server, a phone or a model, as Markdown."""
    return "\n".join(_lines(told, target)).rstrip() + "\n"


def _lines(told: Report, target: str) -> Iterator[str]:
    requirement = told.requirement
    yield f"# {escape(told.violation.sentence)}"
    yield ""
    about = [f"**{requirement.id}**", requirement.level, requirement.source, told.violation.invariant, code(target)]
    yield " · ".join(part for part in about if part)
    if requirement.title:
        yield ""
        yield f"> {escape(requirement.heading)}. {escape(requirement.sentence)}"
    yield from _section("Expected and observed", _comparison(told))
    yield from _section("What happened", _happened(told))
    if told.argument:
        yield from _section(f"Why no correct {told.subject} does this", [escape(" ".join(told.argument))])
    if learned := lessons(told):
        yield from _section("What would be legal", [f"- {name}: {escape(said)}" for name, said in learned])
    if told.suspects:
        yield from _section("Suspects", [f"- **{it.id}** {escape(it.title)}".rstrip() for it in told.suspects])
    again = " · ".join(part for part in (told.reproduced, told.claim) if part)
    yield from _section("Run it again", [*(fenced([told.replay], "sh") if told.replay else []), "", escape(again)])
    yield from _section("Circumstances", [f"- {name}: {code(value)}" for name, value in told.facts if value])
    if told.last_words:
        yield from _section(f"The {told.subject}'s last words", fenced(told.last_words, "text"))


def _section(title: str, lines: Sequence[str] | Iterator[str]) -> Iterator[str]:
    yield from ("", f"## {title}", "")
    yield from lines


def _comparison(told: Report) -> Iterator[str]:
    yield f"- {CONFORMING[told.subject]}: {escape(told.expected) or 'anything but this'}"
    yield f"- {OBSERVED[told.subject]}: {escape(told.observed)}"
    if told.comparison:
        yield ""
        yield from table(
            ("seq", "expected", "observed", ""),
            [(line.seqs, line.expected or "–", line.observed or "–", line.status.value) for line in told.comparison],
        )


def _happened(told: Report) -> Iterator[str]:
    if told.notation:
        yield f"In short {code(told.notation)}"
        yield ""
    yield from _steps(told.story)
    yield ""
    yield "```mermaid"
    yield from mermaid(told.story)
    yield "```"


def _steps(story: Story) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for moment in story.moments:
        state = moment.state or (moment.states[0] if len(moment.states) == 1 else None)
        known = "; ".join(f"{name} {value}" for name, value in standing(state))
        number = between(moment.first, moment.last) + (" ✗" if moment.violating else "")
        rows.append((number, moment.asked, moment.answered, known))
    return table(("event", "what", "answer", "after it"), rows)


def mermaid(story: Story) -> Iterator[str]:
    """Write the ladder as a Mermaid sequence diagram; actors go by number, so that no name can be syntax."""
    phones, senders = story.having(Role.PHONE), story.having(Role.SENDER)
    server = story.having(Role.SERVER)
    names = {actor.key: f"a{index}" for index, actor in enumerate([*phones, *server, *senders])}
    yield "sequenceDiagram"
    for actor in [*phones, *server, *senders]:
        said = actor.name if actor.role is Role.SERVER else f"{actor.role} {actor.name}"
        yield f"  participant {names[actor.key]} as {_mermaid_text(said)}"
    hub = names[server[0].key]
    for moment in story.moments:
        yield from (f"  {line}" for line in _moment(moment, names, hub))
    if story.violation:
        over = ",".join(dict.fromkeys((next(iter(names.values())), hub)))
        yield f"  Note over {over}: ✗ {_mermaid_text(story.violation.sentence)}"


def _moment(moment: Moment, names: dict[str, str], hub: str) -> Iterator[str]:
    for arrow in moment.arrows:
        actor = names[arrow.actor]
        ends = (actor, hub) if arrow.to_server else (hub, actor)
        yield f"{ends[0]}{_shape(arrow)}{ends[1]}: {_mermaid_text(arrow.label)}{_note(arrow)}"
    if not moment.arrows:
        yield f"Note over {hub}: {_mermaid_text(moment.asked)}"


def _shape(arrow: Arrow) -> str:
    if arrow.fate in {Fate.LOST, Fate.UNKNOWN}:
        return "-x" if arrow.to_server else "--x"
    return "->>" if arrow.to_server else "-->>"


def _note(arrow: Arrow) -> str:
    return {Fate.LOST: " (lost)", Fate.UNDER_WAY: " (under way)", Fate.LATE: " (late)"}.get(arrow.fate, "")


def _mermaid_text(text: str) -> str:
    return PLAIN.sub(lambda found: f"#{ord(found.group())};", visible(text))


def escape(text: str) -> str:
    r"""Escape a text for Markdown.

    >>> escape("<b> a_b | c"), escape("recv(0)")
    ('\\<b\\> a\\_b \\| c', 'recv(0)')
    """
    return SPECIAL.sub(r"\\\1", visible(text))


def code(text: str) -> str:
    r"""Write a code span whose text may hold backticks.

    >>> code("a`b")
    '``a`b``'
    """
    said = visible(text)
    fence = "`" * (_longest(said) + 1)
    pad = " " if said.startswith("`") or said.endswith("`") else ""
    return f"{fence}{pad}{said}{pad}{fence}" if said else ""


def fenced(lines: Sequence[str], language: str) -> list[str]:
    """Write a code block whose text may hold fences."""
    said = [visible(line) for line in lines]
    fence = "`" * max(3, _longest("\n".join(said)) + 1)
    return [fence + language, *said, fence]


def _longest(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Write a table; every cell is escaped."""
    lines = [list(head), ["---"] * len(head), *([escape(cell) for cell in row] for row in rows)]
    return ["| " + " | ".join(line) + " |" for line in lines]
