"""The picture of a small model: every state it can reach, and every step between them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from seqproof_model.bounded import Instance
from seqproof_model.engines.state_space import StateSpace
from seqproof_model.state import OF_PHONE
from seqproof_reports.model_trace import letter, packet_words
from seqproof_reports.state_graph import from_model, state_graph_svg


def picture(space: StateSpace, *, title: str = "", path: Iterable[int] = ()) -> str:
    """Draw it as a standalone SVG; ``path``: edges to show. Raises ValueError where there are too many states."""
    names = tuple(_name(space, instance) for instance in space.instances)
    graph = replace(space.graph, names=names)
    drawn = from_model(graph, lambda state: _rows(space, state), lambda name: name.split()[0], path=path)
    return state_graph_svg(drawn, title=title)


def _name(space: StateSpace, instance: Instance) -> str:
    """An action and its phone; with one phone, the action alone."""
    phone = letter(instance.phone) if space.bounded.scope.phones > 1 else ""
    slot = str(instance.slot + 1) if instance.slot is not None and space.bounded.scope.slots > 1 else ""
    return " ".join(word for word in (instance.action.name, phone, slot, str(instance.literal or "")) if word)


def _rows(space: StateSpace, state: int) -> list[str]:
    """The marks, then a row for each phone, then what is under way."""
    bounded, numbers = space.bounded, space.number(state)
    marks = [f"{name} {numbers[name]}" for name in bounded.account_fields if name != "up"]
    rows = [" · ".join(marks) + ("" if numbers["up"] else " · down")]
    for phone in range(bounded.scope.phones):
        held = [str(n + 1) for n in range(bounded.scope.messages) if numbers[f"got[{phone}]"] >> n & 1]
        rows.append(f"{letter(phone)}: cli {numbers[f'cli[{phone}]']}, holds {', '.join(held) or 'nothing'}")
    for channel in bounded.channels:
        owners: tuple[int | None, ...] = tuple(range(bounded.scope.phones)) if channel in OF_PHONE else (None,)
        for owner in owners:
            whose = f"{letter(owner)}: " if bounded.scope.phones > 1 and owner is not None else ""
            rows += [whose + packet_words(packet) for there, packet in bounded.slots(numbers, channel, owner) if there]
    return rows
