"""Traces as files in the Informal Trace Format (ITF), the JSON that Apalache and Quint write, and that viewers read.

A file holds one trace. Each state gives every variable of the scope: the account's marks as integers, ``phones`` as a
list of records, a phone's channels as a list of sets of packets, one set for each phone, and ``sends`` as one set. A
set of seqs is a set of integers; where one message is followed, it is the truth value of "holds x". As in the output of
``quint run --mbt``, each state also names the action that led to it (``mbt::actionTaken``, of the first state "init")
and its picks (``mbt::nondetPicks``, each an option ``Some``; a pick that was not made is left out): the phone, the slot
of the packet taken, the packet itself, a literal seq_cli. Of a lasso, ``loop`` is the index of the state it returns to.

A file is read by taking its steps again. What it says of its states, and of what its last step breaks, must be what
the definition says: so a trace that was read is a real run, whoever wrote the file.
Source: ADR-015 of Apalache, "Informal Trace Format in JSON".
"""

from __future__ import annotations

import difflib
import json
import os
from collections import namedtuple
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, NamedTuple

import itf_py
import msgspec

from seqproof_model.bounded import Bounded, Instance
from seqproof_model.definition import Definition
from seqproof_model.faults import MODELS
from seqproof_model.network import CORRECT
from seqproof_model.scope import Scope
from seqproof_model.state import OF_PHONE, Kind, Packet, kind
from seqproof_model.stepper import Numbers, Stepper
from seqproof_model.trace import Trace, trace

ACTION, PICKS = "mbt::actionTaken", "mbt::nondetPicks"
HISTORY = "a history"  # the source of a trace that tells what a real server did
INIT = "init"  # what stands for the action of the first state
MOST = 1_000  # messages, and phones times slots, of a scope in a file: a larger one is taken for a mistake
LONGEST = 60  # characters of a value in a message

LIBRARY: Any = itf_py  # it is typed in part
Record: Any = namedtuple  # noqa: PYI024 - the library's form of a record, with whatever fields a file has
Values = dict[str, Any]


class Some(NamedTuple):
    """A pick that was made."""

    value: Any


LIBRARY.itf_variant(Some)  # the library now writes it as {"tag": "Some", "value": ...}


class ItfError(ValueError):
    """A file that is no trace of a model; the text is one line that names the state and the variable."""


# ---------------------------------------------------------------- writing


def write(found: Trace, path: Path | str | os.PathLike[str]) -> None:
    """Write a trace to a file; its name should end in ``.itf.json``. Raises OSError."""
    Path(path).write_bytes(encode(found))


def encode(found: Trace) -> bytes:
    """A trace as ITF, a line a state. The same trace gives the same bytes."""
    bounded = found.bounded
    states = [{**_values(bounded, state), **said} for state, said in zip(found.states, _said(found), strict=True)]
    about = {
        "definition": bounded.definition.name,
        "scope": asdict(bounded.scope),
        "broken": list(found.broken),
    }
    return document(
        f"a trace of the model {bounded.definition.name}: {bounded.scope.describe()}", about, states, found.loop
    )


def document(description: str, about: Mapping[str, Any], states: Sequence[Values], loop: int | None = None) -> bytes:
    """States as ITF, a line each; all have the same variables, whose values are what ``itf_py`` writes.

    ``about``: what else is said of the whole. The same states give the same bytes.
    """
    meta = {
        "format": "ITF",
        "format-description": "https://apalache-mc.org/docs/adr/015adr-trace.html",
        "description": description,
        **about,
    }
    head: dict[str, Any] = {"#meta": meta, "vars": list(states[0])}
    if loop is not None:
        head["loop"] = loop
    lines = [f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items()]
    told = [{"#meta": {"index": at}, **_plain(state)} for at, state in enumerate(states)]
    body = ",\n".join("    " + json.dumps(state) for state in told)
    return ("{\n" + "".join(lines) + '  "states": [\n' + body + "\n  ]\n}\n").encode()


def _values(bounded: Bounded, state: Numbers) -> Values:
    """The variables of a state, as values that the library writes."""
    scope = bounded.scope
    found: Values = {name: _value(name, state[name], scope) for name in bounded.account_fields}
    found |= {"x": state["x"]} if scope.follow else {}
    found["phones"] = [
        _record({name: _value(name, state[f"{name}[{phone}]"], scope) for name in bounded.phone_fields})
        for phone in range(scope.phones)
    ]
    for channel in bounded.channels:
        sets = [
            frozenset(_packet(packet) for there, packet in bounded.slots(state, channel, phone) if there)
            for phone in (range(scope.phones) if channel in OF_PHONE else (None,))
        ]
        found[channel] = sets if channel in OF_PHONE else sets[0]
    return found


def _value(name: str, number: int, scope: Scope) -> int | bool | frozenset[int]:
    if kind(name) is Kind.SET and not scope.follow:
        return frozenset(n + 1 for n in range(number.bit_length()) if number >> n & 1)
    return number if kind(name) is Kind.SEQ else bool(number)


def _packet(packet: Packet) -> Packet:
    return type(packet)(*(bool(v) if kind(n) is Kind.FLAG else v for n, v in packet._asdict().items()))


def _said(found: Trace) -> list[Values]:
    """What led to each state: the action and its picks."""
    led: list[Values] = [{ACTION: INIT, PICKS: _record({})}]
    for state, instance in zip(found.states, found.steps, strict=False):
        led.append({ACTION: instance.action.name, PICKS: _record(_picks(found.bounded, state, instance))})
    return led


def _picks(bounded: Bounded, state: Numbers, instance: Instance) -> Values:
    picks: Values = {"phone": instance.phone, "slot": instance.slot, "seq_cli": instance.literal}
    if instance.slot is not None and instance.action.takes:
        packet = bounded.slots(state, instance.action.takes, instance.phone)[instance.slot][1]
        picks["packet"] = _packet(packet)
    return {name: Some(value) for name, value in picks.items() if value is not None}


def _record(items: Mapping[str, Any]) -> Any:
    return Record("Record", items)(**items)


def _plain(values: Values) -> Values:
    """Values as JSON, each set in a fixed order."""
    return {name: _sorted(LIBRARY.value_to_json(value)) for name, value in values.items()}


def _sorted(value: Any) -> Any:
    if _is(value, list):
        return [_sorted(item) for item in value]
    if _is(value, dict):
        inner = {key: _sorted(item) for key, item in value.items()}
        return {"#set": sorted(inner["#set"], key=_text)} if "#set" in inner else inner
    return value


def _is(value: object, of: type) -> bool:
    """The same as isinstance, which makes of Any a list of what a strict type checker does not know."""
    return isinstance(value, of)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


# ---------------------------------------------------------------- reading


def read(path: Path | str | os.PathLike[str]) -> Trace:
    """Read a file and take its steps again. Raises ItfError."""
    try:
        return decode(Path(path).read_bytes(), str(path))
    except OSError as error:
        raise ItfError(f"cannot read the trace {path}: {error.strerror}") from None


def decode(text: bytes, where: str = "trace") -> Trace:
    """Read a trace from its ITF and take its steps again. ``where``: what messages begin with. Raises ItfError."""
    meta, states, picks, loop = parsed(text, where)
    try:
        return _again(meta, states, picks, loop)
    except ItfError as error:
        raise ItfError(f"{where}: {error}") from None


def parsed(text: bytes, where: str = "trace") -> tuple[Any, list[Values], list[Any], Any]:
    """Read what is written in any ITF: what is said of the whole, the states, the picks of each, the loop.

    Values are as JSON has them, sets in a fixed order. Nothing is held to the model. Raises ItfError.
    """
    try:
        raw = json.loads(text)
        picks = [state.pop(PICKS, None) for state in raw["states"]]  # options, which the library writes and cannot read
        file = LIBRARY.trace_from_json(raw)
        return file.meta, [_plain(state.values) for state in file.states], picks, file.loop
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ItfError(f"{where} is no trace in ITF: {_short(_named(error))}; see ADR-015 of Apalache") from None


def _named(error: Exception) -> str:
    return f"it has no {error}" if isinstance(error, KeyError) else f"{error}"


def _again(meta: Any, states: list[Values], picks: list[Any], loop: Any) -> Trace:
    """Take the steps of a file, and hold each of its states to the one that is reached."""
    bounded = Bounded(_definition(meta), _scope(meta))
    stepper, steps = Stepper(bounded), list[Instance]()
    state = _start(bounded, states)
    known = {
        tuple(_text(None if pick is None else LIBRARY.value_to_json(pick)) for pick in (i.action.name, *i[1:])): i
        for i in bounded.instances
    }
    for at, said in enumerate(states):
        if at:
            chosen = _chosen(at, picks[at])
            instance = _instance(known, at, said, chosen)
            taken = stepper.take(state, instance)
            if taken is None:
                raise ItfError(f"state {at}: {ACTION}: {instance} cannot be taken in the state before it")
            if chosen != _plain({name: some.value for name, some in _picks(bounded, state, instance).items()}):
                raise ItfError(f"state {at}: {PICKS}: {instance} takes another packet than {_short(_text(chosen))}")
            steps.append(instance)
            state = stepper.after(state, taken)
        _hold(at, said, _plain(_values(bounded, state)))
    if loop is not None and not (type(loop) is int and 0 <= loop < len(states) and _same(states, loop)):
        raise ItfError(f"loop is {_short(_text(loop))}, which is not the index of a state equal to the last one")
    made = trace(bounded, steps, _start(bounded, states), loop)
    if "broken" in meta and meta["broken"] != list(made.broken):
        says, breaks = _short(_text(meta["broken"])), _short(_text(list(made.broken)))
        raise ItfError(f"#meta: broken is {says}, but in the model the last step breaks {breaks}")
    return made


def _definition(meta: Any) -> Definition:
    name = meta.get("definition") if _is(meta, dict) else None
    known = {CORRECT.name: CORRECT, **{model.id: model.definition for model in MODELS.values()}}
    if name is None and _is(meta, dict) and meta.get("source") == HISTORY:
        raise ItfError(
            "it tells what a real server did, which is no run of the model; take the scenario.json beside it"
        )
    if not isinstance(name, str) or name not in known:
        near = difflib.get_close_matches(str(name), known, n=2) or [CORRECT.name]
        raise ItfError(f"#meta: definition is {_short(_text(name))}, no model of that id; near: {', '.join(near)}")
    return known[name]


def _scope(meta: Any) -> Scope:
    said = meta.get("scope")
    if not _is(said, dict):
        raise ItfError(f"#meta: scope is {_short(_text(said))}, not a scope")
    if unknown := said.keys() - {field.name for field in fields(Scope)}:
        raise ItfError(f"#meta: scope has {_short(_text(min(unknown)))}, which no scope has")
    try:
        scope = msgspec.convert(said, Scope)
    except msgspec.ValidationError as error:
        raise ItfError(f"#meta: scope: {error}") from None
    if max(scope.messages, scope.phones * scope.slots) > MOST:
        raise ItfError(f"#meta: scope is too large to be a trace's: {scope.describe()}; at most {MOST}")
    return scope


def _start(bounded: Bounded, states: list[Values]) -> Numbers:
    """The initial state, which in a scope that follows a message says which."""
    if not states:
        raise ItfError("it has no states; a trace has at least its initial state")
    for start in Stepper(bounded).starts():
        if not bounded.scope.follow or _plain({"x": start["x"]})["x"] == states[0].get("x"):
            return start
    raise ItfError(f"state 0: x is {_short(_text(states[0].get('x')))}, not a message of the scope")


def _chosen(at: int, picks: Any) -> Values:
    """The picks that were made, as JSON."""
    try:
        made = {name: option["value"] for name, option in picks.items() if option["tag"] != "None"}
        return _plain({name: LIBRARY.value_from_json(value) for name, value in made.items()})
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise ItfError(f"state {at}: {PICKS}: {_short(_text(picks))} is no record of options") from None


def _instance(known: Mapping[Any, Instance], at: int, said: Values, chosen: Values) -> Instance:
    action = said.get(ACTION)
    key = (_text(action), *(_text(chosen.get(name)) for name in ("phone", "slot", "seq_cli")))
    if key not in known:
        text = f"{_short(_text(action))} with the picks {_short(_text(chosen))}"
        raise ItfError(f"state {at}: {ACTION}: this scope has no action {text}")
    return known[key]


def _hold(at: int, said: Values, reached: Values) -> None:
    """Raise ItfError, unless a state of the file is the state that was reached."""
    if odd := sorted((said.keys() - {ACTION}) ^ reached.keys()):
        raise ItfError(f"state {at}: {odd[0]}: {'missing' if odd[0] in reached else 'no variable of this scope'}")
    if at == 0 and said.get(ACTION) != INIT:
        raise ItfError(f"state 0: {ACTION}: it is {_short(_text(said.get(ACTION)))}, not {_text(INIT)}")
    for name, value in reached.items():
        if said[name] != value:
            where, one, other = _differs(name, said[name], value)
            raise ItfError(f"state {at}: {where} is {_short(_text(one))}, but the model has {_short(_text(other))}")


def _differs(where: str, one: Any, other: Any) -> tuple[str, Any, Any]:
    """Where two values differ first: down to the element of a list, the field of a record."""
    parts, others = _parts(one), _parts(other)
    if parts.keys() == others.keys():
        for name in others:
            if parts[name] != others[name]:
                return _differs(f"{where}{name}", parts[name], others[name])
    return where, one, other


def _parts(value: Any) -> Values:
    """The elements of a list, or the fields of a record, by what is written behind its name to mean them."""
    if _is(value, list):
        return {f"[{at}]": item for at, item in enumerate(value)}
    return {f".{name}": item for name, item in value.items() if not name.startswith("#")} if _is(value, dict) else {}


def _same(states: list[Values], loop: int) -> bool:
    return {**states[loop], ACTION: ""} == {**states[-1], ACTION: ""}


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."
