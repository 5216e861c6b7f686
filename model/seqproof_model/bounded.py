"""The model in small numbers: D phones and K slots a channel. Explorer, stepper and bounded search run this shape.

A state is a flat dict from the names of its variables to values of any kind (ints, arrays, terms), so that an engine
may pack it, solve for it, or print it. A channel is a *set* of at most K packets, kept in K slots: packets first, in
ascending order, then empty slots, all zero. So a set has one form only, and equal states are equal as numbers. To put
a packet that is there already changes nothing; to put one takes room.

An ``Instance`` is an action of one phone on one slot (or with one literal seq_cli, for requests from nowhere): what
TLA+ calls an action with its bound variables filled in. ``Bounded.step`` gives the guards of an instance one by one,
the variables that it changes, and the step as its properties see it. This is the only place that knows about slots.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial, reduce
from typing import Any, NamedTuple

from seqproof_model.definition import Definition, Setting
from seqproof_model.network import ACTIONS, CONDITIONS, Action
from seqproof_model.properties import STATE_PROPERTIES, STEP_PROPERTIES, Always, OfStep, Seen, Step
from seqproof_model.rules import Algebra, Value
from seqproof_model.scope import Scope
from seqproof_model.state import OF_PHONE, PACKETS, Account, Channel, Kind, Packet, Phone, Question, kind

State = Mapping[str, Value]
THERE = "there"  # of a slot: whether a packet is in it
ROOM, PACKET = "room", "a packet is there"


class Variable(NamedTuple):
    """One variable of the state. ``phone``: whose it is; None for the account's."""

    name: str
    kind: Kind
    phone: int | None


class Instance(NamedTuple):
    """An action with its picks: the phone, the slot of the packet it takes, or a literal seq_cli."""

    action: Action
    phone: int | None = None
    slot: int | None = None
    literal: int | None = None

    def __str__(self) -> str:
        """Write it as ``recv(phone=0, slot=1)``."""
        picks = [f"{name}={value}" for name, value in self._asdict().items() if name != "action" and value is not None]
        return f"{self.action.name}({', '.join(picks)})" if picks else self.action.name


class Taken(NamedTuple):
    """What an instance does in a state. ``guards``: name and value each; ``changes``: the variables after it."""

    guards: tuple[tuple[str, Value], ...]
    changes: dict[str, Value]
    step: Step

    def enabled(self) -> Value:
        """Whether all guards hold."""
        return every((value for _, value in self.guards))


@dataclass(frozen=True)
class Bounded:
    """A definition in a scope."""

    definition: Definition
    scope: Scope

    # ---------------------------------------------------------------- its variables

    @cached_property
    def account_fields(self) -> tuple[str, ...]:
        """The account's fields that are variables in this scope; the others follow from them."""
        scope = self.scope
        taken = ("taken",) if scope.overlap or scope.restore else ()
        trimmed = ("trimmed",) if scope.trim else ()
        saved = ("saved_svr", "saved_confirmed") if scope.restore else ()
        return ("svr", "confirmed", "up", *taken, *trimmed, *saved)

    @cached_property
    def phone_fields(self) -> tuple[str, ...]:
        """The fields of a phone."""
        return ("cli", "got", "own") if self.definition.own else ("cli", "got")

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        """The channels that this scope has."""
        overlap = (Channel.SERVING, Channel.SENDS) if self.scope.overlap else ()
        return tuple(c for c in Channel if c in (Channel.REQUESTS, Channel.REPLIES, *overlap))

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        """Every variable: the account's, then phone after phone."""
        made = [Variable(name, kind(name), None) for name in self.account_fields]
        made += [] if not self.scope.follow else [Variable("x", Kind.SEQ, None)]
        for phone in (None, *range(self.scope.phones)):
            if phone is not None:
                made += [Variable(_of(name, phone), kind(name), phone) for name in self.phone_fields]
            for channel in self.channels:
                if (phone is not None) == (channel in OF_PHONE):
                    for slot in range(self.scope.slots):
                        names = slot_names(channel, phone, slot)
                        kinds = (Kind.FLAG, *(kind(name) for name in PACKETS[channel]._fields))
                        made += [Variable(n, k, phone) for n, k in zip(names, kinds, strict=True)]
        return tuple(made)

    def start(self, no: Value = False, yes: Value = True, zero: Value = 0) -> dict[str, Value]:
        """The initial state: all marks 0, the server up, nothing held, nothing under way. ``x``: 0, to be chosen."""
        state = {v.name: no if v.kind is Kind.FLAG else zero for v in self.variables}
        return state | {"up": yes}

    def starts(self) -> list[dict[str, int]]:
        """The initial states, on ints: one, or one for each message that can be followed."""
        picks = range(1, self.scope.messages + 1) if self.scope.follow else (None,)
        return [self.start() | ({} if x is None else {"x": x}) for x in picks]

    # ---------------------------------------------------------------- its instances

    @cached_property
    def instances(self) -> tuple[Instance, ...]:
        """Every action with every pick, in the table's order."""
        return tuple(self._instances())

    def _instances(self) -> Iterator[Instance]:
        for action in ACTIONS:
            if not action.when(self.scope):
                continue
            literal = action.takes is Channel.AHEAD
            for phone in range(self.scope.phones) if action.of_phone else (None,):
                if literal:
                    yield from (Instance(action, phone, literal=n) for n in range(1, self.scope.messages + 1))
                elif action.takes:
                    yield from (Instance(action, phone, slot) for slot in range(self.scope.slots))
                else:
                    yield Instance(action, phone)

    # ---------------------------------------------------------------- reading a state

    def account(self, state: State) -> Account:
        """The account."""
        svr, confirmed, up = state["svr"], state["confirmed"], state["up"]
        others = (state.get("taken", svr), *(state.get(n, 0) for n in ("trimmed", "saved_svr", "saved_confirmed")))
        return Account(svr, confirmed, up, *others)

    def phone(self, state: State, phone: int | None) -> Phone:
        """A phone; nobody, for actions of the account."""
        return Phone(0, 0) if phone is None else Phone(*(state[_of(name, phone)] for name in self.phone_fields))

    def held(self, state: State) -> Value:
        """The seqs that some phone holds."""
        return some(state[_of("got", phone)] for phone in range(self.scope.phones))

    def slots(self, state: State, channel: Channel, phone: int | None) -> list[tuple[Value, Packet]]:
        """The slots of a channel: whether a packet is there, and the packet."""
        found: list[tuple[Value, Packet]] = []
        for slot in range(self.scope.slots):
            there, *fields = (state[name] for name in slot_names(channel, phone, slot))
            found.append((there, PACKETS[channel](*fields)))
        return found

    def setting(self, a: Algebra, seq_max: Value) -> Setting:
        """What effects may read."""
        return Setting(a, self.definition, seq_max, self.scope.page)

    # ---------------------------------------------------------------- taking a step

    def step(self, c: Setting, state: State, instance: Instance, literal: Value = None) -> Taken:
        """Take an instance. ``literal``: the seq_cli of a request from nowhere, where it is no number of its own."""
        action, a = instance.action, c.a
        account, phone = self.account(state), self.phone(state, instance.phone)
        guards: list[tuple[str, Value]] = []
        slots: dict[Channel, list[tuple[Value, Packet]]] = {}
        packet: Any = None
        if action.takes is Channel.AHEAD:
            packet = Question(instance.literal if literal is None else literal)
        elif action.takes and instance.slot is not None:
            content = self.slots(state, action.takes, instance.phone)
            there, packet = content[instance.slot]
            guards.append((PACKET, there))
            if action.effect == "decide":
                c = self._undecided(c, content, instance.slot)
            slots[action.takes] = content if action.keeps else remove(content, instance.slot)
        if action.puts:
            slots.setdefault(action.puts, self.slots(state, action.puts, instance.phone))
            guards.append((ROOM, a.no(slots[action.puts][-1][0])))
        guards += [(name, CONDITIONS[name](c, account, phone, packet)) for name in action.guards]
        after, phone_after, put = c.definition.effects[action.effect](c, account, phone, packet)
        if action.puts and put is not None:
            slots[action.puts] = insert(a, slots[action.puts], put)
        changes = self._changes(state, instance, after, phone_after, slots)
        made = Step(c, action, account, after, phone, phone_after, packet, put)
        return Taken(tuple(guards) or (("always", a.true()),), changes, made)

    def _undecided(self, c: Setting, content: list[tuple[Value, Packet]], slot: int) -> Setting:
        """The lowest other open send: packets are in ascending order, so it is in the first slot that is not ours."""
        none = c.seq_max + 1
        others = content[:slot] + content[slot + 1 :]
        lowest = c.a.select(others[0][0], others[0][1][0], none) if others else none
        return Setting(c.a, c.definition, c.seq_max, c.page, lowest)

    def _changes(
        self,
        state: State,
        instance: Instance,
        account: Account,
        phone: Phone,
        slots: Mapping[Channel, Sequence[tuple[Value, Packet]]],
    ) -> dict[str, Value]:
        """The variables whose value is not the very object that it was."""
        after: dict[str, Value] = {name: getattr(account, name) for name in self.account_fields}
        if instance.phone is not None:
            after |= {_of(name, instance.phone): getattr(phone, name) for name in self.phone_fields}
        for channel, content in slots.items():
            for slot, (there, packet) in enumerate(content):
                after |= zip(slot_names(channel, instance.phone, slot), (there, *packet), strict=True)
        for channel in instance.action.clears:
            for owner in range(self.scope.phones) if channel in self.channels else ():
                for slot in range(self.scope.slots):
                    names = slot_names(channel, owner, slot)
                    after |= {names[0]: False} | dict.fromkeys(names[1:], 0)
        return {name: value for name, value in after.items() if value is not state[name]}

    # ---------------------------------------------------------------- its properties

    @cached_property
    def always(self) -> tuple[Always, ...]:
        """The state properties of this scope."""
        return tuple(p for p in STATE_PROPERTIES if p.when(self.scope))

    @cached_property
    def of_steps(self) -> tuple[OfStep, ...]:
        """The step properties of this scope."""
        return tuple(p for p in STEP_PROPERTIES if p.when(self.scope))

    @cached_property
    def properties(self) -> tuple[Always | OfStep, ...]:
        """All of them."""
        return (*self.always, *self.of_steps)

    def seen(self, c: Setting, state: State, of: object) -> Iterator[tuple[Value, Seen]]:
        """Each thing of a kind that a state property speaks of: whether it is there, and the state around it."""
        account, held, nobody = self.account(state), self.held(state), Phone(0, 0)
        if of is Account:
            yield c.a.true(), Seen(c, account, held, nobody, None)
        elif of is Phone:
            for phone in range(self.scope.phones):
                yield c.a.true(), Seen(c, account, held, self.phone(state, phone), None)
        elif isinstance(of, Channel):
            owners: Iterable[int | None] = range(self.scope.phones) if of in OF_PHONE else (None,)
            for owner in owners:
                whose = self.phone(state, owner)
                for there, packet in self.slots(state, of, owner):
                    yield there, Seen(c, account, held, whose, packet)

    def holds(self, c: Setting, state: State, judged: Always) -> Value:
        """Whether a state property holds of everything that it speaks of."""
        return every(
            judged.holds(seen) if there is True else c.a.no(there) | judged.holds(seen)
            for there, seen in self.seen(c, state, judged.of)
        )

    def occurs(self, c: Setting, state: State, judged: Always) -> Value:
        """Whether the sometimes of a state property happens in a state."""
        return some((there & judged.occurs(seen) for there, seen in self.seen(c, state, judged.of)))


def every(values: Iterable[Value]) -> Value:
    """Whether all of some truth values hold."""
    return reduce(lambda a, b: a & b, values)


def some(values: Iterable[Value]) -> Value:
    """Whether any of some truth values holds."""
    return reduce(lambda a, b: a | b, values)


def _of(name: str, phone: int) -> str:
    return f"{name}[{phone}]"


def slot_names(channel: Channel, phone: int | None, slot: int) -> list[str]:
    """The variables of one slot: whether a packet is there, then the packet's fields."""
    whose = channel if phone is None else _of(channel, phone)
    return [f"{whose}[{slot}].{name}" for name in (THERE, *PACKETS[channel]._fields)]


# ---------------------------------------------------------------- sets in slots


def remove(slots: list[tuple[Value, Packet]], at: int) -> list[tuple[Value, Packet]]:
    """The slots without that of index ``at``; the last one is then empty."""
    packet = slots[at][1]
    empty = type(packet)(*(False if kind(name) is Kind.FLAG else 0 for name in packet._fields))
    return [*slots[:at], *slots[at + 1 :], (False, empty)]


def insert(a: Algebra, slots: list[tuple[Value, Packet]], packet: Packet) -> list[tuple[Value, Packet]]:
    """The slots with a packet in its place, given that there is room; as they were where it is there already."""
    if len(slots) == 1:
        return [(True, packet)]
    carried = a.no(some((there & _equal(packet, other) for there, other in slots)))
    placed: list[tuple[Value, Packet]] = []
    for there, other in slots:
        first = carried & (a.no(there) | _before(a, packet, other))
        pick = partial(a.select, first)
        placed.append((first | there, type(other)(*map(pick, packet, other))))
        carried, packet = pick(there, carried), type(other)(*map(pick, other, packet))
    return placed


def _equal(one: Packet, other: Packet) -> Value:
    return every((x == y for x, y in zip(one, other, strict=True)))


def _before(a: Algebra, one: Packet, other: Packet) -> Value:
    """Whether a packet comes before another: the first field that differs decides."""
    answer: Value = a.no(a.true())
    for name, x, y in reversed(list(zip(one._fields, one, other, strict=True))):
        less = a.no(x) & y if kind(name) is Kind.FLAG else x < y
        answer = less | ((x == y) & answer)
    return answer
