"""From a trace of the model to a scenario that can be replayed on any real server.

**What is kept.** The server sees sends, requests that arrive, kills and trims, in this order; the phones see replies
that arrive. A request that the model holds under way becomes a named one (``A>r``), and so does a reply (``A<p``); but
where the phone gets nothing in between, it makes no difference when it asked, and asking, serving and delivering become
one step: ``A``, ``Ax`` where the reply is lost, ``A?`` where the request is.

A phone of a scenario asks with what it really holds, so the scenario fits any page size. A phone of the model also
moves its seq_cli by an empty reply, which tells it the end; where that makes a difference, the request becomes a
literal R(n), if the seq that the account begins with is known.

**Where it begins.** The model's space of seqs is small, the real one is not. A fault that shows wherever the account
stands is replayed on an empty one. Some faults show only near an edge: where a signed number turns negative, or where
the space ends. ``place`` finds out which, by taking the same steps in a wider space of the model, at each of the three
places in turn; the scenario then presets the account accordingly.

**The end that makes the fault visible.** A counterexample of the model ends in a state that is wrong inside. What is
under way is lost, and then: a new phone asks, before anybody confirms anything more; each phone asks; another message
comes (a server may refuse it, or number it wrongly), and another kill or trim, if there was one; a new phone and each
phone ask again; one more message comes, a new phone asks, each phone asks until nothing is due, and once more a new
one. In a scope with pages the message that comes first is larger than any page, with a backlog behind it. A correct
server passes all that.
Source: docs/scenarios.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from seqproof_model import scenario as sc
from seqproof_model.bounded import Bounded, Instance
from seqproof_model.faults import MODELS
from seqproof_model.requirements import REQUIREMENTS
from seqproof_model.scenario import Lost, Scenario, Step
from seqproof_model.state import Channel, Kind, Packet, Question, Reply
from seqproof_model.stepper import Numbers, Stepper
from seqproof_model.trace import Trace, TraceError, trace

PHONES = "ABCDEGHIJKLMNOPQTUVWXYZ"  # F is a new phone, R one that asks with a literal; S looks like a send
NOWHERE = "R"
BACKLOG, LARGE = 100, 20_000  # messages, and characters of one that fits no page
HALF = 2**31  # the first seq that a signed 32-bit number cannot hold
PAD = 4  # by so many seqs on either side a space is wider that a trace is tried in

NEEDS = {  # a requirement's condition takes one of these
    "SEQ-3": ("kill", "trim"),
    "SEQ-4": ("below the top",),
    "SEQ-5": ("kill",),
    "SEQ-6": ("top",),
    "RCV-5": ("below the top",),
    "RCV-6": ("ahead",),
    "CNF-4": ("kill",),
    "CNF-7": ("trim",),
}
OVERLAP = "a scenario's requests do not overlap, so no server can be told to do that"
NO_COUNTERPART = dict.fromkeys(
    ("take", "decide", "begin", "begin_dup", "confirm", "look_lower", "look_upper", "reply"), OVERLAP
) | {"restore": "a scenario has no step that restores a backup"}


class NotReplayableError(ValueError):
    """A trace with a step that no scenario has; the text is one line that names the step."""


class Place(StrEnum):
    """Where in the space of seqs a scenario begins."""

    BOTTOM = "bottom"
    MIDDLE = "middle"  # around the first seq that a signed 32-bit number cannot hold
    TOP = "top"


def name_of(phone: int) -> str:
    """The name of a phone in a scenario.

    >>> name_of(0), name_of(40)
    ('A', 'P40')
    """
    return PHONES[phone] if phone < len(PHONES) else f"P{phone}"


def scenario(found: Trace, at: Place | None = None) -> Scenario:
    """Make the scenario of a trace, with the end that makes its fault visible. ``at``: by default, what ``place`` says.

    Raises NotReplayableError.
    """
    name, at = found.bounded.definition.name, at or place(found)
    broken = [about for about in found.bounded.properties if about.name in found.broken]
    steps = (*steps_of(found, at), *_end(found))
    said = MODELS[name].text if name in MODELS else "a walk of the model"
    broke = f"{len(found)} steps of the model break: {'; '.join(about.name for about in broken)}. " if broken else ""
    return Scenario(
        name=f"model-{name}",
        steps=steps,
        title=said[:1].upper() + said[1:],
        text=broke + "What is under way is lost; the end is there to make the fault visible.",
        observes=tuple(r for r in _observable(steps, at) if any(r in about.ids for about in broken)),
    )


def _observable(steps: Iterable[Step], at: Place) -> Iterator[str]:
    """The requirements whose condition such steps can bring about: the others are not what a scenario looks for."""
    ahead = any(isinstance(step, sc.Recv) and step.phone == NOWHERE for step in steps)
    there = {"ahead": ahead, "top": at is Place.TOP, "below the top": at is not Place.TOP}
    there |= {type(step).__name__.lower(): True for step in steps}
    for requirement, row in REQUIREMENTS.items():
        needs = NEEDS.get(requirement, ())
        if not row.why_never and (not needs or any(there.get(need) for need in needs)):
            yield requirement


# ---------------------------------------------------------------- where it begins


def place(found: Trace) -> Place:
    """The first place in a wider space at which the steps of a trace break what they break in the small one."""
    if not found.broken:
        return Place.BOTTOM
    return next((at for number, at in enumerate(Place) if _breaks(found, number * PAD)), Place.TOP)


def _breaks(found: Trace, below: int) -> bool:
    """Whether the steps break the same, where ``below`` messages are there, and confirmed, before them."""
    scope = found.bounded.scope
    wide = Bounded(found.bounded.definition, replace(scope, messages=scope.messages + 2 * PAD))
    steps = [i if i.literal is None else i._replace(literal=i.literal + below) for i in found.steps]
    try:
        return bool(set(trace(wide, steps, _raised(wide, below)).broken) & set(found.broken))
    except TraceError:
        return False


def _raised(bounded: Bounded, below: int) -> Numbers:
    """The initial state with all marks at ``below``. In a scope that follows a message, that one is still to come."""
    state, held = Stepper(bounded).starts()[0], 0 if bounded.scope.follow else (1 << below) - 1
    marks = [v for v in bounded.variables if "." not in v.name]  # a packet's field has a dot in its name
    state |= {v.name: state[v.name] + below for v in marks if v.kind is Kind.SEQ}
    return state | {v.name: held for v in marks if v.kind is Kind.SET}


def _preset(at: Place, messages: int) -> tuple[int | None, list[Step]]:
    """The seq_svr that the scenario begins with, if it can be told, and the step that sets it.

    The middle of the model's space, the first seq that counts as negative there, is 2^31; its top is the space's top.
    """
    if at is Place.BOTTOM:
        return 0, []
    if at is Place.TOP:
        return None, [sc.Preset(below_top=messages)]
    base = HALF - (messages // 2 + 1)
    return base, [sc.Preset(seq=base)]


# ---------------------------------------------------------------- what is kept


@dataclass(eq=False)
class _Ask:
    """A phone's request. ``holds``: what the scenario's phone holds at that moment."""

    phone: int
    seq_cli: int
    holds: int


@dataclass(eq=False)
class _Arrival:
    """A request that reaches the server. ``answered``: the model has a reply to it, which can be lost."""

    ask: _Ask
    holds: int
    keep: bool
    answered: bool


@dataclass(eq=False)
class _Delivery:
    """A reply that reaches its phone."""

    arrival: _Arrival
    keep: bool


Move = _Ask | _Arrival | _Delivery | Step
Key = tuple[Channel, int | None, Packet]


@dataclass
class _Reading:
    """A trace read step by step: its moves, what is under way, and what each phone of the scenario then holds."""

    stepper: Stepper
    base: int | None
    moves: list[Move] = field(default_factory=list[Move])
    asks: dict[Key, _Ask] = field(default_factory=dict[Key, _Ask])
    arrivals: dict[Key, _Arrival] = field(default_factory=dict[Key, _Arrival])
    holds: dict[int, int] = field(default_factory=dict[int, int])

    def read(self, state: Numbers, instance: Instance, after: Numbers) -> None:
        """Read one step. Raises NotReplayableError."""
        action, phone = instance.action.name, instance.phone
        if action in NO_COUNTERPART:
            raise NotReplayableError(f"{instance} cannot be replayed: {NO_COUNTERPART[action]}")
        taken = self.stepper.take(state, instance)
        assert taken is not None  # noqa: S101 - a trace's steps can be taken
        packet, put, keep = taken.step.taken, taken.step.put, instance.action.keeps
        if phone is None:
            self.moves += self._of_account(instance)
        elif action == "ask":
            self._ask(phone, put, state)
        elif action in ("recv", "recv_dup", "refuse"):
            ask = self.asks[Channel.REQUESTS, phone, packet]
            self.moves.append(arrival := _Arrival(ask, self._held(phone, state), keep, put is not None))
            self.arrivals.setdefault((Channel.REPLIES, phone, put), arrival)
        elif action in ("deliver", "deliver_dup"):
            self.moves.append(_Delivery(self.arrivals[Channel.REPLIES, phone, packet], keep))
            self._deliver(phone, packet)
        self._forget(after)

    def _of_account(self, instance: Instance) -> list[Step]:
        """The step for an action of the account; what leaves no trace on a server that is never restored is none."""
        match instance.action.name:
            case "send":
                return [sc.Send()]
            case "crash":
                return [sc.Kill()]
            case "trim":
                return [sc.Trim()]
            case "ahead":
                if self.base is None:
                    raise NotReplayableError(
                        f"{instance} cannot be replayed: at the top, no seq of the server is known"
                    )
                return [sc.Recv(phone=NOWHERE, seq_cli=self.base + (instance.literal or 0))]
            case _:
                return []

    def _ask(self, phone: int, request: Question, state: Numbers) -> None:
        key = (Channel.REQUESTS, phone, request)
        if key not in self.asks:  # a set: to ask the same again changes nothing
            self.asks[key] = _Ask(phone, request.seq_cli, self._held(phone, state))
            self.moves.append(self.asks[key])

    def _held(self, phone: int, state: Numbers) -> int:
        """What the scenario's phone holds; with pages, where no literal fits, what the model's phone does."""
        return state[f"cli[{phone}]"] if self.stepper.bounded.scope.page else self.holds.get(phone, 0)

    def _deliver(self, phone: int, reply: Reply) -> None:
        if reply.lower < reply.upper:
            self.holds[phone] = max(self.holds.get(phone, 0), reply.upper)

    def _forget(self, state: Numbers) -> None:
        """Forget what is no longer under way."""
        bounded = self.stepper.bounded
        there: set[Key] = {
            (channel, phone, packet)
            for channel in (Channel.REQUESTS, Channel.REPLIES)
            for phone in range(bounded.scope.phones)
            for held, packet in bounded.slots(state, channel, phone)
            if held
        }
        self.asks = {key: ask for key, ask in self.asks.items() if key in there}
        self.arrivals = {key: arrival for key, arrival in self.arrivals.items() if key in there}


def steps_of(found: Trace, at: Place | None = None) -> tuple[Step, ...]:
    """The steps of a trace as a scenario takes them, without an end. Raises NotReplayableError."""
    stepper = Stepper(found.bounded)
    if found.states[0] not in stepper.starts():
        raise NotReplayableError("a trace that does not begin in an initial state cannot be replayed")
    base, preset = _preset(at or place(found), found.bounded.scope.messages)
    reading = _Reading(stepper, base)
    for state, instance, after in zip(found.states, found.steps, found.states[1:], strict=False):
        reading.read(state, instance, after)
    return (*preset, *_Writing(reading).steps())


@dataclass
class _Writing:
    """Moves written as steps. ``names``: of the requests and replies that stay under way."""

    reading: _Reading
    names: dict[_Ask | _Arrival, str] = field(default_factory=dict["_Ask | _Arrival", str])

    def steps(self) -> Iterator[Step]:
        """The steps of all moves."""
        for number, move in enumerate(self.reading.moves):
            match move:
                case _Ask():
                    yield from self._ask(move)
                case _Arrival():
                    yield self._arrive(number, move)
                case _Delivery():
                    if move.arrival in self.names:
                        yield sc.Deliver(self.names[move.arrival], keep=move.keep)
                case _:
                    yield move

    def _ask(self, ask: _Ask) -> Iterator[Step]:
        arrivals = [move for move in self.reading.moves if isinstance(move, _Arrival) and move.ask is ask]
        if not arrivals:
            yield sc.Recv(phone=name_of(ask.phone), lose=Lost.REQUEST)
        elif (len(arrivals) > 1 or arrivals[0].holds != ask.seq_cli) and ask.holds == ask.seq_cli:
            self.names[ask] = f"r{1 + sum(isinstance(named, _Ask) for named in self.names)}"
            yield sc.Ask(self.names[ask], name_of(ask.phone))

    def _arrive(self, number: int, arrival: _Arrival) -> Step:
        ask, hold, lose = arrival.ask, "", Lost.NOTHING
        deliveries = self._deliveries(arrival)
        if not deliveries:
            lose = Lost.REPLY if arrival.answered else Lost.NOTHING
        elif len(deliveries) > 1 or self._asks_between(ask.phone, number, deliveries[0]):
            hold = self.names[arrival] = f"p{1 + sum(isinstance(named, _Arrival) for named in self.names)}"
        if ask in self.names:
            return sc.Arrive(self.names[ask], lose, arrival.keep, hold)
        base = None if arrival.holds == ask.seq_cli else self.reading.base
        literal = None if base is None else base + ask.seq_cli
        return sc.Recv(name_of(ask.phone), seq_cli=literal, lose=lose, hold=hold)

    def _deliveries(self, arrival: _Arrival) -> list[_Delivery]:
        return [move for move in self.reading.moves if isinstance(move, _Delivery) and move.arrival is arrival]

    def _asks_between(self, phone: int, number: int, delivery: _Delivery) -> bool:
        between = self.reading.moves[number + 1 : self.reading.moves.index(delivery)]
        asks = (move if isinstance(move, _Ask) else move.ask for move in between if isinstance(move, _Ask | _Arrival))
        return any(ask.phone == phone for ask in asks)


# ---------------------------------------------------------------- the end


def _end(found: Trace) -> list[Step]:
    """The end that makes a fault visible; see the module's text."""
    phones, done = (
        [name_of(n) for n in range(found.bounded.scope.phones)],
        {instance.action.name for instance in found.steps},
    )
    new, asks = sc.Recv(fresh=True), [sc.Recv(phone=phone) for phone in phones]
    more = [sc.Send(body="x" * LARGE), sc.Send(count=BACKLOG)] if found.bounded.scope.page else [sc.Send()]
    kills = [sc.Kill()] if "crash" in done else []
    trims = [sc.Trim()] if "trim" in done else []
    drains = [sc.Drain(phone=phone) for phone in phones]
    return [new, *asks, *more, *kills, *trims, new, *asks, sc.Send(), new, *drains, new]
