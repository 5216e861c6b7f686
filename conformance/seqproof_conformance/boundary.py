"""Boundary traces: shortest runs of the model that carry a server across an edge of its numbers, as scenarios.

**Theory.** Between two edges a server that counts right once counts right always: the rules only add one and compare.
What goes wrong with numbers goes wrong at an edge: at 2^24 a 32-bit float no longer tells n from n + 1, at 2^31 a
signed number turns negative, at the last seq the space ends. No run from an empty account gets there, so each begins
with a preset, two seqs below the first one on the far side: one message on each side, and the far side has begun.

What is to happen at an edge is a **goal**: *moments*, each a kind of step with a condition, in this order. A solver
(``boundary_search``) lays the model out in time with true 32-bit seqs and finds a shortest run in which they all occur.
The faulty models that fail only at an edge give more: a shortest run that breaks each. Solving takes a while, so the
scenarios are shipped, in ``boundary/``; each file's text carries the steps of the model from which it was made, so that
it can be checked without a solver that the model has this run and that it meets its goal.

A scenario has the end that makes faults visible, as other traces of the model do, and its phones ask with what they
hold. The top is written as a distance from the profile's ``seq_max``, so it fits any space. Runs do not depend on where
they begin: where the space is larger than 2^32, what happens at 2^31 is also played at the edges beyond.
Source: docs/model.md; ``seqproof_model.engines.replayable``, for the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import resources
from typing import NamedTuple

import msgspec

from seqproof_model import scenario as sc
from seqproof_model.bounded import Bounded, Instance
from seqproof_model.engines import replayable
from seqproof_model.engines.replayable import Place
from seqproof_model.faults import MODELS
from seqproof_model.network import CORRECT
from seqproof_model.profile import UINT_MAX, Profile
from seqproof_model.properties import Step
from seqproof_model.rules import BY_NAME, Algebra, Marks, Request, Rule, Value
from seqproof_model.scenario import Scenario
from seqproof_model.scope import Scope
from seqproof_model.stepper import Numbers, Stepper
from seqproof_model.trace import Trace, trace

FOLDER = "boundary"
HALF = 2**31
BEFORE = 2  # the account starts so many seqs below the first one on the far side
BEYOND = {  # other edges: two bytes, four bytes of a varint; of larger spaces: 32 bits, doubles, signed 64 bits
    "2^16": 2**16,
    "2^28": 2**28,
    "2^32": 2**32,
    "2^53": 2**53,
    "2^63": 2**63,
}
SAYS = " steps of the model: "


class Edge(NamedTuple):
    """An edge, and the ``first`` seq on its far side. At the top that is the last seq of the space."""

    name: str
    first: int

    @property
    def start(self) -> int:
        """The seq_svr that a run begins with."""
        return self.first - BEFORE


EDGES = {edge.name: edge for edge in (Edge("2^24", 2**24), Edge("2^31", 2**31), Edge("top", UINT_MAX))}


@dataclass(frozen=True)
class Moment:
    """A step that a goal waits for: its effect's name, the phone that takes it, and a condition on it and ``first``."""

    effect: str
    when: Callable[[Step, Value], Value]
    phone: int | None = 0


@dataclass(frozen=True)
class Goal:
    """What is to happen, in this order. ``edges``: at which it can. ``scope``: the liberties it takes.

    ``observes``: what it brings about at any edge; ``beyond``: what shows only where messages come after it.
    """

    name: str
    title: str
    moments: tuple[Moment, ...]
    observes: tuple[str, ...]
    scope: Scope
    beyond: tuple[str, ...] = ()
    edges: tuple[str, ...] = tuple(EDGES)


def _both_sides(packet: Value, first: Value) -> Value:
    """A reply holds the last message of the near side and the first of the far one."""
    return (packet.lower < first - 1) & (first <= packet.upper)


_ACROSS = Moment("serve", lambda s, e: (s.before.confirmed < e) & (e <= s.after.confirmed))
_LATE = Moment("serve", lambda s, e: (s.taken.seq_cli == e - 1) & (e <= s.before.confirmed))
GOALS = (
    Goal(
        "both-sides",
        "One reply holds messages of both sides",
        (Moment("accept", lambda s, e: _both_sides(s.taken, e)),),
        ("SND-1", "RCV-1"),
        Scope(phones=1),
        beyond=("CNF-1",),
    ),
    Goal(
        "confirmed-across",
        "One phone confirms across the edge, another asks from below it",
        (_ACROSS, replace(_LATE, phone=1)),
        ("CNF-6",),
        Scope(phones=2),
        beyond=("CNF-1", "CNF-5", "RCV-5"),
    ),
    Goal(
        "lost-reply",
        "A reply that holds messages of both sides is lost, and asked for again",
        (
            Moment("lose_reply", lambda s, e: _both_sides(s.taken, e)),
            Moment("accept", lambda s, e: _both_sides(s.taken, e)),
        ),
        ("RCV-4", "CNF-3"),
        Scope(phones=1),
    ),
    Goal(
        "late-request",
        "A phone's request from below the edge arrives after it confirmed across it",
        (_ACROSS, _LATE),
        ("RCV-4",),
        Scope(phones=1, slots=2, duplicates=True),
        beyond=("CNF-2",),
    ),
    Goal(
        "full",
        "The last seq is used, the next send is refused, and recv goes on",
        (
            Moment("send", lambda s, e: e <= s.before.svr, phone=None),
            Moment("accept", lambda s, e: s.taken.upper == e),
            _ACROSS,
            Moment("serve", lambda s, e: s.taken.seq_cli < e, phone=1),
        ),
        ("SEQ-6",),
        Scope(phones=2),
        edges=("top",),
    ),
)
FAULTS = {  # faulty models that are right everywhere but at one edge
    "SIGNED_MAX": "2^31",
    "CAP_INT32": "2^31",
    "UINTMAX_REFUSED": "top",
    "WRAP_0": "top",
    "WRAP_1": "top",
    "FULL_BLOCKS_RECV": "top",
    "FULL_RESETS": "top",
}
OBSERVED_AT = {"2^24": (), "2^31": ("SEQ-7",), "top": ("SEQ-1",)}


# ---------------------------------------------------------------- the model in which a full space can be sent to


def _take_or_not() -> Rule:
    """The send's rules ``take`` and ``exhausted`` as one: in the network model nobody sends to a full space."""
    take, full = BY_NAME["take"], BY_NAME["exhausted"]

    def effect(a: Algebra, m: Marks, r: Request) -> Marks:
        there, taken, kept = take.guard(a, m, r), take.effect(a, m, r), full.effect(a, m, r)
        return Marks(m.seq_max, *(a.select(there, x, y) for x, y in zip(taken[1:], kept[1:], strict=True)))

    def guard(a: Algebra, m: Marks, r: Request) -> Value:
        return take.guard(a, m, r) | full.guard(a, m, r)

    return replace(take, guard=guard, effect=effect)


MODEL = CORRECT.but("CORRECT, and sends to a full space", take=_take_or_not())


def met(goal: Goal, edge: Edge, found: Trace) -> bool:
    """Whether the goal's moments occur in a run on true seqs, in their order."""
    stepper, waiting = Stepper(found.bounded), list(goal.moments)
    for state, instance in zip(found.states, found.steps, strict=False):
        taken = stepper.take(state, instance)
        if taken and waiting and happens(waiting[0], instance) and waiting[0].when(taken.step, edge.first):
            del waiting[0]
    return not waiting


def happens(moment: Moment, instance: Instance) -> bool:
    """Whether an instance is of the kind that a moment waits for; its condition is another matter."""
    return (instance.action.effect, instance.phone) == (moment.effect, moment.phone)


# ---------------------------------------------------------------- from a run to a scenario


def of_goal(goal: Goal, edge: Edge, steps: tuple[Instance, ...]) -> Scenario:
    """The scenario of a run that meets a goal. Raises TraceError for steps that the model does not have there."""
    observes = goal.observes + (goal.beyond if edge.name != "top" else ())
    return scenario(goal.name, goal.title, observes, edge, steps)


def of_fault(name: str, steps: tuple[Instance, ...]) -> Scenario:
    """The scenario of a run that breaks a faulty model. Raises TraceError, as ``of_goal`` does."""
    edge = EDGES[FAULTS[name]]
    return scenario(name, MODELS[name].text, ("SEQ-6",) if edge.name == "top" else (), edge, steps)


def scenario(name: str, title: str, observes: tuple[str, ...], edge: Edge, steps: tuple[Instance, ...]) -> Scenario:
    """The scenario of a run that begins at an edge. Raises TraceError.

    Runs do not depend on where they begin, so the run is read in a small space, as high as it needs; its phones then
    hold what they hold here, counted from the edge. Only the last BEFORE seqs of the space are there at the top.
    """
    sends = sum(instance.action.effect == "send" for instance in steps)
    messages = BEFORE if edge.name == "top" else max(sends, 1)
    made = replayable.scenario(trace(Bounded(MODEL, _scope_of(steps, messages)), steps), Place.TOP)
    begin = sc.Preset(below_top=BEFORE) if edge.name == "top" else sc.Preset(seq=edge.start)
    return Scenario(
        name=f"boundary-{edge.name.replace('^', '-')}-{name}",
        steps=(begin, *made.steps[1:]),
        title=f"At {'the top' if edge.name == 'top' else edge.name}: {title[:1].lower()}{title[1:]}",
        text=f"{len(steps)}{SAYS}{'; '.join(map(str, steps))}.",
        observes=tuple(dict.fromkeys((*observes, *OBSERVED_AT[edge.name]))),
    )


def _scope_of(steps: tuple[Instance, ...], messages: int) -> Scope:
    """A scope that has these steps."""
    phones = max([i.phone for i in steps if i.phone is not None], default=0) + 1
    slots = max([i.slot for i in steps if i.slot is not None], default=0) + 1
    return Scope(phones, messages, max(slots, 2), duplicates=True)


def steps_of(shipped: Scenario) -> tuple[Instance, ...]:
    """The model's steps, from a shipped scenario's text. Raises ValueError where it names none."""
    known = {str(instance): instance for instance in Bounded(MODEL, Scope(3, 1, 3, duplicates=True)).instances}
    _, said, text = shipped.text.partition(SAYS)
    words = text.removesuffix(".").split("; ")
    if not said or not all(word in known for word in words):
        raise ValueError(f"{shipped.name}: its text does not name steps of the model")
    return tuple(known[word] for word in words)


def begun(bounded: Bounded, edge: Edge) -> Numbers:
    """The state that a run on true seqs begins with: all marks below the edge, and the phones have nothing.

    The model follows one message: the first on the far side.
    """
    marks = dict.fromkeys((name for name in bounded.account_fields if name != "up"), edge.start)
    return {variable.name: 0 for variable in bounded.variables} | marks | {"up": 1, "x": edge.first}


# ---------------------------------------------------------------- what is shipped


def shipped() -> dict[str, Scenario]:
    """The shipped scenarios by their files' names."""
    folder = resources.files("seqproof_conformance").joinpath(FOLDER)
    files = sorted((item for item in folder.iterdir() if item.name.endswith(".json")), key=lambda item: item.name)
    return {item.name: sc.decode(item.read_bytes(), item.name) for item in files}


def scenarios(profile: Profile) -> list[Scenario]:
    """Those that fit the profile's space: the top of any, an edge that lies inside it, and the edges beyond 2^32."""
    return [fitting for found in shipped().values() for fitting in _moved(found) if _fits(fitting, profile)]


def _moved(found: Scenario) -> Iterator[Scenario]:
    """The scenario, and where it is one at 2^31 what it is at the edges beyond."""
    yield found
    begin = found.steps[0]
    if isinstance(begin, sc.Preset) and begin.seq == EDGES["2^31"].start and not found.name.endswith(tuple(FAULTS)):
        for name, first in BEYOND.items():
            yield msgspec.structs.replace(
                found,
                name=found.name.replace("2-31", name.replace("^", "-")),
                title=found.title.replace("2^31", name),
                observes=tuple(item for item in found.observes if item != "SEQ-7" or first > HALF),
                steps=(sc.Preset(seq=first - BEFORE), *found.steps[1:]),
            )


def _fits(found: Scenario, profile: Profile) -> bool:
    """Whether all of it lies in the space. At the top no more than the start must."""
    begin = found.steps[0]
    assert isinstance(begin, sc.Preset)  # noqa: S101 - each begins with one
    sends = sum(step.count for step in found.steps if isinstance(step, sc.Send))
    at_top = begin.below_top is not None
    start = profile.seq_max - BEFORE if at_top else begin.seq
    return profile.before_first <= start and (at_top or start + sends <= profile.seq_max)
