"""The definition of the model as tables and as a diagram: read from the definition itself, so they cannot be stale."""

from __future__ import annotations

from collections.abc import Iterator

from seqproof_model.faults import MODELS
from seqproof_model.network import ACTIONS, Action
from seqproof_model.properties import PROPERTIES, Always, OfStep
from seqproof_model.rules import RULES
from seqproof_model.state import Channel

Row = tuple[str, ...]


def rule_rows() -> list[Row]:
    """The server's rules: operation, name, whether it sees something."""
    return [(rule.operation.value, rule.name, "yes" if rule.sees else "") for rule in RULES]


def action_rows() -> list[Row]:
    """The actions: name, what it is, guards, takes, puts, scopes."""
    rows = [(a.name, a.text, _guards(a), _taken(a), str(a.puts or ""), _scopes(a)) for a in ACTIONS]
    return list(dict.fromkeys(rows))


def _guards(action: Action) -> str:
    return ", ".join((*action.guards, *(("room",) if action.puts else ())))


def _taken(action: Action) -> str:
    kept = " (kept)" if action.keeps else ""
    cleared = " ".join(f"all {channel}" for channel in action.clears)
    return f"{action.takes}{kept}" if action.takes else cleared


def _scopes(action: Action) -> str:
    words = action.scopes.split()
    return ", ".join(f"without {word[1:]}" if word.startswith("!") else word for word in words) or "all"


def property_rows(kind: type[Always | OfStep]) -> list[Row]:
    """The properties of states or of steps: name, ids, what it says, its sometimes."""
    return [(p.name, " ".join(p.ids), p.text, p.sometimes) for p in PROPERTIES if isinstance(p, kind)]


def model_rows(*, right: bool) -> list[Row]:
    """The faulty models, or the equivalents: id, text, what it breaks, a scope in which it shows."""
    return [(m.id, m.text, m.breaks, m.scope().describe()) for m in MODELS.values() if m.right == right]


def diagram(*, overlap: bool = False) -> str:
    """The way of a packet, as a Mermaid state diagram: channels and ends as states, actions as arrows."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for action in ACTIONS:
        switches = action.scopes.split()
        if ("overlap" in switches and not overlap) or ("!overlap" in switches and overlap):
            continue
        for arrow in _arrows(action):
            names = arrows.setdefault(arrow, [])
            names += [action.name] if action.name not in names else []
    lines = [f"  {source} --> {target}: {', '.join(names)}" for (source, target), names in arrows.items()]
    return "\n".join(["stateDiagram-v2", "  direction LR", *lines])


def _arrows(action: Action) -> Iterator[tuple[str, str]]:
    source = _place(action.takes) if action.takes else "phone" if action.of_phone else "server"
    if action.puts:
        yield source, _place(action.puts)
    elif action.takes:
        yield source, "phone" if action.effect == "accept" else "server" if action.effect == "decide" else "gone"
    elif action.clears:
        yield from ((_place(channel), "gone") for channel in action.clears if channel is Channel.REQUESTS)


def _place(channel: Channel) -> str:
    return f"{channel}_under_way" if channel in (Channel.REQUESTS, Channel.REPLIES) else str(channel)
