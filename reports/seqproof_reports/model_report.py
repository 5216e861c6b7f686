"""A model's counterexample as a report: the same ``Report``, pictures and prose as a server's.

A step of the model is an event: it is numbered, has a row in the ladder and moves the marks of the ruler, which here
are the model's own and not inferred. What is broken is a property; the steps that the argument cites are those that
cannot be left out. Whoever found the trace (explorer, prover, search or simulator), it looks the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from seqproof_model.properties import PROPERTIES, Always, OfStep
from seqproof_model.stepper import Numbers
from seqproof_model.trace import Trace, TraceError, trace
from seqproof_model.verdict import Violation
from seqproof_reports.facts import cites
from seqproof_reports.model_trace import differences, letter, packet_words, step_words
from seqproof_reports.picture import Actor, Arrow, Fate, Kind, Moment, PhoneState, Role, State, Story
from seqproof_reports.report import Report
from seqproof_reports.terminal import render_report
from seqproof_reports.text import spans
from seqproof_reports.titles import invariant, titled

SERVER, SENDER, ACCOUNT = "server", "sender", "x"
KINDS = {"crash": Kind.KILL, "restart": Kind.RESTART, "trim": Kind.TRIM, "send": Kind.SEND, "take": Kind.SEND,
         "deliver": Kind.DELIVERY, "deliver_dup": Kind.DELIVERY, "ask": Kind.RECV, "recv": Kind.RECV}  # fmt: skip
FATES = {  # of the arrow that a step draws: towards the server, and what becomes of it
    "ask": (True, Fate.UNDER_WAY), "lose_request": (True, Fate.LOST), "refuse": (False, Fate.UNDER_WAY),
    "recv": (False, Fate.UNDER_WAY), "recv_dup": (False, Fate.UNDER_WAY), "reply": (False, Fate.UNDER_WAY),
    "deliver": (False, Fate.LATE), "deliver_dup": (False, Fate.LATE), "lose_reply": (False, Fate.LOST),
}  # fmt: skip


def model_report(found: Trace, replay: str = "") -> Report:
    """Report a trace that breaks something. Raises ValueError where it does not."""
    if not found.broken:
        raise ValueError("this trace breaks nothing, so there is nothing to report")
    violation = _violation(found)
    needed = necessary(found)
    return Report(
        story=_story(found, violation),
        violation=violation,
        requirement=titled(violation.requirement),
        suspects=tuple(titled(name) for name in violation.suspects),
        expected=_about(found).text,
        observed=", ".join(_changes(found, len(found))) or "nothing changes",
        comparison=(),
        argument=tuple(_argument(found, violation, needed)),
        notation=str(found),
        reproduced="a run of the model: it is the same each time",
        claim="none of the cited steps can be left out",
        replay=replay,
        facts=(("model", found.bounded.definition.name), ("scope", found.bounded.scope.describe())),
        last_words=(),
        subject="model",
        cited=needed,
    )


def render_broken(console: Console, found: Trace) -> None:
    """Print a trace that breaks something as a server's counterexample is printed, and what it breaks besides."""
    render_report(console, model_report(found))
    besides = Table.grid(padding=(0, 2, 0, 0))
    for about in (known for known in PROPERTIES if known.name in found.broken[1:]):
        besides.add_row(Text("besides ", "dim"), Text(f"{about.name} ({', '.join(about.ids)}): {about.text}"))
    console.print(Padding(besides, (0, 0, 0, 2)))


def necessary(found: Trace) -> tuple[int, ...]:
    """The steps (from 1) without any one of which the rest cannot be taken, or breaks something else."""
    return tuple(at for at in range(1, len(found) + 1) if not _breaks(found, at))


def _breaks(found: Trace, without: int) -> bool:
    steps = [*found.steps[: without - 1], *found.steps[without:]]
    try:
        return found.broken[0] in trace(found.bounded, steps, found.states[0]).broken
    except TraceError:
        return False


def _about(found: Trace) -> Always | OfStep:
    return next(known for known in PROPERTIES if known.name == found.broken[0])


def _violation(found: Trace) -> Violation:
    about, last = _about(found), found.states[-1]
    requirements = [name for name in about.ids if not name.startswith("I-")] or list(about.ids)
    return Violation(
        requirement=requirements[0],
        invariant=next((name for name in about.ids if name.startswith("I-")), ""),
        observation=about.name,
        sentence=f"“{about.name}” does not hold: {about.text}",
        event=len(found),
        account=ACCOUNT,
        operation=None,
        suspects=tuple(requirements[1:]),
        seq_svr=last["svr"],
        confirmed=last["confirmed"],
    )


def _argument(found: Trace, violation: Violation, needed: Sequence[int]) -> Iterator[str]:
    words = [step_words(found.bounded, step, found.states[at]) for at, step in enumerate(found.steps)]
    yield "Let these steps be taken: " + ", ".join(f"{word} [{at}]" for at, word in enumerate(words, 1)) + "."
    yield f"Then it must hold of what is reached: {_about(found).text}."
    yield f"However, the last step leads to where it does not: {', '.join(_changes(found, len(found))) or 'the same'}."
    broken = [violation.requirement, *([invariant(violation.invariant)] if violation.invariant else [])]
    yield f"That contradicts {' and '.join(broken)}."
    if needed:
        yield f"Without any one of {cites(needed, 8)} this would not come about."


def _changes(found: Trace, number: int) -> tuple[str, ...]:
    return tuple(differences(found.bounded, found.states[number - 1], found.states[number]))


# ---------------------------------------------------------------- the story


def _story(found: Trace, violation: Violation) -> Story:
    phones = [Actor(f"p:{n}", Role.PHONE, letter(n), ACCOUNT) for n in range(found.bounded.scope.phones)]
    actors = (Actor(SENDER, Role.SENDER, "s"), *phones, Actor(SERVER, Role.SERVER, SERVER))
    return Story(
        actors=actors,
        accounts=(ACCOUNT,),
        moments=tuple(_moment(found, number) for number in range(1, len(found) + 1)),
        first_seq=1,
        seq_max=max(1, found.bounded.scope.messages),
        server=found.bounded.definition.name,
        violation=violation,
    )


def _moment(found: Trace, number: int) -> Moment:
    step, before = found.steps[number - 1], found.states[number - 1]
    name = step.action.name
    return Moment(
        first=number,
        last=number,
        kind=KINDS.get(name, Kind.SETTLED),
        own=ACCOUNT,
        asked=step_words(found.bounded, step, before),
        answered=", ".join(_changes(found, number)),
        arrows=tuple(_arrows(found, number)),
        states=(_state(found, found.states[number]),),
        violating=number == len(found),
    )


def _arrows(found: Trace, number: int) -> Iterator[Arrow]:
    step, before = found.steps[number - 1], found.states[number - 1]
    name = step.action.name
    if name in ("send", "take"):
        yield Arrow(SENDER, True, step.action.name)
    elif name in FATES and step.phone is not None:
        to_server, fate = FATES[name]
        label = f"recv after {before[f'cli[{step.phone}]']}" if name == "ask" else name
        if name != "ask" and step.slot is not None and step.action.takes:
            label = packet_words(found.bounded.slots(before, step.action.takes, step.phone)[step.slot][1])
        yield Arrow(f"p:{step.phone}", to_server, label, fate, name == "refuse")


def _state(found: Trace, numbers: Numbers) -> State:
    return State(
        account=ACCOUNT,
        allocated=numbers["svr"],
        confirmed=numbers["confirmed"],
        allocated_at=0,
        confirmed_at=0,
        phones=tuple(_phone(found, numbers, n) for n in range(found.bounded.scope.phones)),
    )


def _phone(found: Trace, numbers: Numbers, phone: int) -> PhoneState:
    held = [n + 1 for n in range(found.bounded.scope.messages) if numbers[f"got[{phone}]"] >> n & 1]
    return PhoneState(f"p:{phone}", letter(phone), numbers[f"cli[{phone}]"], spans(held))
