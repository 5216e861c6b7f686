"""A trace of the model, in words: what each step is, and what it changes.

A phone is a letter. A packet under way is written by its contents: ``A:ask 3`` is a request of phone A with seq_cli 3,
``A:(3, 5]`` a reply to it with the messages 4 and 5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from seqproof_model.bounded import Bounded, Instance
from seqproof_model.state import OF_PHONE, Channel, Kind, Open, Packet, Question, Reply, Service
from seqproof_model.stepper import Numbers
from seqproof_model.trace import Trace


@dataclass(frozen=True)
class Line:
    """One step. ``changes``: what is different after it."""

    number: int
    step: str
    text: str
    changes: tuple[str, ...]


def letter(phone: int | None) -> str:
    """The name of a phone.

    >>> [letter(0), letter(1), letter(None), letter(27)]
    ['A', 'B', '', 'B1']
    """
    if phone is None:
        return ""
    return chr(ord("A") + phone % 26) + (str(phone // 26) if phone > 25 else "")


def packet_words(packet: Packet) -> str:
    """A packet in words."""
    match packet:
        case Question():
            return f"ask {packet.seq_cli}"
        case Reply():
            return f"({packet.lower}, {packet.upper}]"
        case Open():
            return f"open {packet.seq}"
        case Service():
            lower = packet.lower if packet.has_lower else "?"
            upper = packet.upper if packet.has_upper else "?"
            return f"serving {packet.seq_cli}: ({lower}, {upper}]{', confirmed' if packet.has_confirmed else ''}"


def step_words(bounded: Bounded, instance: Instance, before: Numbers) -> str:
    """A step in words: the action, the phone, the packet."""
    words = [instance.action.name, letter(instance.phone)]
    if instance.literal is not None:
        words.append(str(instance.literal))
    elif instance.slot is not None and instance.action.takes:
        words.append(packet_words(bounded.slots(before, instance.action.takes, instance.phone)[instance.slot][1]))
    return " ".join(word for word in words if word)


def differences(bounded: Bounded, before: Numbers, after: Numbers) -> Iterator[str]:
    """What a step changes: marks, then phones, then packets that went and came."""
    for variable in bounded.variables:
        name = variable.name
        if "." in name or before[name] == after[name] or variable.kind is Kind.SET:
            continue
        if name == "up":
            yield "the server is up" if after[name] else "the server is down"
        else:
            label = name if variable.phone is None else f"{letter(variable.phone)}.{name.partition('[')[0]}"
            yield f"{label} {before[name]} → {after[name]}"
    for channel in bounded.channels:
        owners: tuple[int | None, ...] = tuple(range(bounded.scope.phones)) if channel in OF_PHONE else (None,)
        for phone in owners:
            whose = f"{letter(phone)}:" if phone is not None else ""
            was, now = (_content(bounded, state, channel, phone) for state in (before, after))
            yield from (f"− {whose}{packet_words(p)}" for p in was if p not in now)
            yield from (f"+ {whose}{packet_words(p)}" for p in now if p not in was)


def _content(bounded: Bounded, state: Numbers, channel: Channel, phone: int | None) -> list[Packet]:
    return [packet for there, packet in bounded.slots(state, channel, phone) if there]


def lines(found: Trace) -> Iterator[Line]:
    """Each step of a trace."""
    for at, instance in enumerate(found.steps):
        before, after = found.states[at], found.states[at + 1]
        yield Line(
            at + 1,
            step_words(found.bounded, instance, before),
            instance.action.text,
            tuple(differences(found.bounded, before, after)),
        )


def render_trace(console: Console, found: Trace) -> None:
    """Print a trace, the last step marked where it breaks something, and where a lasso goes back to.

    A counterexample that stands alone is told as a server's is (``render_broken``).
    """
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("", "step", "changes"):
        table.add_column(name, no_wrap=name == "step", justify="right" if not name else "left")
    for line in lines(found):
        last = line.number == len(found) and found.broken
        mark = " ◄" if last else ""
        cycle = found.loop is not None and line.number > found.loop
        table.add_row(
            Text(f"  {line.number}{'↻' if cycle else ''}", "dim"),
            Text(line.step + mark, "bold red" if last else ""),
            Text(", ".join(line.changes) or "nothing", "" if line.changes else "dim"),
        )
    console.print(table)
    if found.loop is not None:
        console.print(Text(f"  steps {found.loop + 1}–{len(found)} for ever (↻)", "dim"))
