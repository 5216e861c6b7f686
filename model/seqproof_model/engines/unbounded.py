"""The model without bounds: any number of phones, of packets under way, and of messages. The prover runs this shape.

**Why a small view is enough.** A state of the real thing is a set of phones, each with sets of requests, of replies and
of requests being served; a set of open sends; the account's marks. All that the definition says has one of two forms:

- an action reads and writes the account, at most one phone, and at most one packet that it takes; it puts at most one;
- a state property speaks of the account, of each phone, or of each packet and its phone, and of what is *held*; a step
  property speaks of what one action read and wrote.

Suppose that before an action every state property holds, of everything. What may be broken after it? A property of the
account reads the account and what is held. A property of a phone: that phone is the *acting* one, or a *bystander*,
which the action left alone. A property of a packet: it was *put* by the action, or it was under way before, in some
channel of the acting phone, of a bystander or of the account, and then we were *watching* it. So nothing more is needed
than the account, the acting phone, one bystander, the packet taken, the packet put, and one watched packet for each
channel of these. Each of them is arbitrary; the properties are assumed of each, as they hold of all; and if they hold
of each after the action, they hold of all again. Phones besides these two can matter in one way only: they may hold
messages.

*Held messages.* What is claimed of all messages is proved of one arbitrary message ``x``. So a set of seqs is one bit,
whether it holds x; and ``others`` is the bit of all third phones together. This is sound as x only looks on: no guard
and no mark depends on what is held.

*One action reads more.* ``decide`` reads the lowest other open send. That is an open send too, or there is none; so it
is one more packet, of which the properties hold, and than which no watched open send is lower. An action that *clears*
channels leaves nothing there that a property could speak of.

*Special cases.* One phone alone is two of which one never acts. A server without trims or backups is one that never
makes any. An unpaged reply is one whose page is as large as the space of seqs. So it is enough to prove ``SCOPES``: a
server that answers in one step, and one whose recvs and sends overlap; each with restores, and without them, when more
properties hold; and all with every other liberty of network and server. Any scope at all has the rules and the
properties of one of these, ``covering`` it, so its runs are runs of that one.

A channel of a phone may even hold several packets that are equal: to take one leaves the others. Open sends differ, for
the property "svr < open" puts each new one above all that are open.

The engine ``refinement`` checks this argument as far as a machine can: what each effect and each property reads and
writes, and that every step of a small instance, through every view of it, is a step of this shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from seqproof_model.bounded import Bounded, every, some
from seqproof_model.definition import Definition, Setting
from seqproof_model.network import ACTIONS, CONDITIONS, Action
from seqproof_model.properties import Always, OfStep, Seen, Step
from seqproof_model.rules import Algebra, Value
from seqproof_model.scope import Scope
from seqproof_model.state import OF_PHONE, PACKETS, Account, Channel, Kind, Packet, Phone, kind

Make = Callable[[str, Kind], Value]  # makes a variable of that name and kind
ACCOUNT, TAKEN, PUT, LOWEST = "the account", "the packet taken", "the packet put", "the lowest other open send"
NOBODY = Phone(0, 0)

IN_ONE_STEP = Scope(duplicates=True, crash=True, late=True, trim=True, page=1)
IN_ONE_STEP_RESTORED = replace(IN_ONE_STEP, restore=True)
OVERLAPPING = replace(IN_ONE_STEP, overlap=True)
OVERLAPPING_RESTORED = replace(IN_ONE_STEP_RESTORED, overlap=True)
SCOPES = (IN_ONE_STEP_RESTORED, IN_ONE_STEP, OVERLAPPING, OVERLAPPING_RESTORED)


def covering(scope: Scope) -> Scope:
    """The scope of ``SCOPES`` whose proof covers a scope, whatever its numbers."""
    return next(cover for cover in SCOPES if (cover.overlap, cover.restore) == (scope.overlap, scope.restore))


class Role(StrEnum):
    """The two phones of a view."""

    ACTING = "d"
    BYSTANDER = "e"


class Watched(NamedTuple):
    """A packet that may be under way. ``what``: which one it is, in words."""

    what: str
    there: Value
    packet: Packet


Place = tuple[Role | None, Channel]  # a channel of one of the two phones, or of the account


@dataclass(frozen=True)
class View:
    """What is seen of a state. ``others``: whether a third phone holds x; ``held``: whether any phone does.

    ``packets``: of each channel, those that are spoken of; a channel that is missing is empty.
    """

    account: Account
    phones: Mapping[Role, Phone]
    others: Value
    held: Value
    packets: Mapping[Place, tuple[Watched, ...]]

    def having(self, place: Place, packet: Watched) -> View:
        """The view in which one more packet is spoken of."""
        return replace(self, packets={**self.packets, place: (*self.packets[place], packet)})

    def seen(self, c: Setting, of: object) -> Iterator[tuple[str, Value, Seen]]:
        """Each thing of a kind that a state property speaks of: what, whether it is there, and the state around it."""
        if of is Account:
            yield ACCOUNT, True, Seen(c, self.account, self.held, NOBODY, None)
        elif of is Phone:
            for role, phone in self.phones.items():
                yield f"phone {role}", True, Seen(c, self.account, self.held, phone, None)
        for (owner, channel), packets in self.packets.items():
            whose = NOBODY if owner is None else self.phones[owner]
            for what, there, packet in packets if channel is of else ():
                yield what, there, Seen(c, self.account, self.held, whose, packet)


class Picks(NamedTuple):
    """The packets that an action reads: the one that it takes; of a send that is decided, the lowest other open one."""

    taken: Packet | None = None
    lowest: Watched | None = None


class Move(NamedTuple):
    """What an action does in a view. ``before`` is the view with the picks; ``guards``: name and value each."""

    guards: tuple[tuple[str, Value], ...]
    before: View
    after: View
    step: Step


@dataclass(frozen=True)
class Unbounded:
    """A definition in a scope of which only the switches count."""

    definition: Definition
    scope: Scope

    @cached_property
    def bounded(self) -> Bounded:
        """The same in small numbers; it tells which variables and channels a scope has."""
        return Bounded(self.definition, self.scope)

    @cached_property
    def always(self) -> tuple[Always, ...]:
        """The state properties of this scope."""
        return self.bounded.always

    @cached_property
    def of_steps(self) -> tuple[OfStep, ...]:
        """The step properties of this scope."""
        return self.bounded.of_steps

    @cached_property
    def actions(self) -> tuple[Action, ...]:
        """The actions of this scope. Where what was on its way may land after a crash, it may as well be lost in it."""
        return tuple(a for a in ACTIONS if a.when(self.scope) or a.when(replace(self.scope, late=False)))

    def setting(self, a: Algebra, seq_max: Value, page: Value) -> Setting:
        """What effects may read. ``page``: the size of a page; not read in a scope without pages."""
        return Setting(a, self.definition, seq_max, None if self.scope.page is None else page)

    # ---------------------------------------------------------------- arbitrary states

    @cached_property
    def account_fields(self) -> frozenset[str]:
        """The account's fields that are variables: those of the scope, and ``taken``, which may differ from svr."""
        return frozenset({"taken", *self.bounded.account_fields})

    def view(self, make: Make, zero: Value = 0) -> View:
        """An arbitrary state. The account's fields that are no variables are ``zero``."""
        names = Account._fields
        account = Account(*(make(name, kind(name)) if name in self.account_fields else zero for name in names))
        phones = {
            role: Phone(*(make(f"{role}.{name}", kind(name)) for name in self.bounded.phone_fields)) for role in Role
        }
        others = make("others", Kind.SET)
        packets: dict[Place, tuple[Watched, ...]] = {}
        for channel in self.bounded.channels:
            for role in Role if channel in OF_PHONE else (None,):
                whose = "" if role is None else f"{role}'s "
                packets[role, channel] = (_arbitrary(make, channel, f"a packet of {whose}{channel}"),)
        return View(account, phones, others, _held(phones, others), packets)

    def picks(self, make: Make, action: Action) -> Picks:
        """Arbitrary packets for an action to read."""
        taken = _arbitrary(make, action.takes, TAKEN).packet if action.takes else None
        return Picks(taken, _arbitrary(make, Channel.SENDS, LOWEST) if action.effect == "decide" else None)

    # ---------------------------------------------------------------- the start, and taking a step

    def start(self, c: Setting, view: View, base: Value) -> tuple[Value, ...]:
        """What is true of a view at the start: all marks are ``base``, nothing is held, and nothing under way.

        After a preset ``base`` is any seq; a phone, the backup, and what was trimmed may be behind it.
        """
        account, phones = view.account, view.phones.values()
        behind = [account.trimmed, account.saved_svr, *(seq for phone in phones for seq in (phone.cli, phone.own))]
        there = (there for packets in view.packets.values() for _, there, _ in packets)
        return (
            account.up,
            base < c.seq_max,
            *(mark == base for mark in (account.taken, account.svr, account.confirmed)),
            *(seq <= base for seq in behind),
            account.saved_confirmed <= account.saved_svr,
            c.a.no(view.held),
            *map(c.a.no, there),
        )

    def step(self, c: Setting, view: View, action: Action, picks: Picks) -> Move:
        """Take an action in a view. There is always room for what it puts."""
        account, phone = view.account, view.phones[Role.ACTING] if action.of_phone else NOBODY
        before = _with_picks(view, action, picks)
        guards: list[tuple[str, Value]] = []
        if picks.lowest:
            guards += [("no lower one is open", value) for value in _none_lower(c, view, picks.taken, picks.lowest)]
            c = replace(c, undecided=c.a.select(picks.lowest.there, picks.lowest.packet[0], c.seq_max + 1))
        guards += [(name, CONDITIONS[name](c, account, phone, picks.taken)) for name in action.guards]
        account_after, phone_after, put = c.definition.effects[action.effect](c, account, phone, picks.taken)
        account_after = self._kept(account, account_after)
        after = _after(c, view, action, picks, account_after, phone_after, put)
        step = Step(c, action, account, account_after, phone, phone_after, picks.taken, put)
        return Move(tuple(guards), before, after, step)

    def _kept(self, before: Account, after: Account) -> Account:
        """The account after a step, where what is no variable in this scope stays what it is."""
        fixed = set(Account._fields) - self.account_fields
        return after._replace(**{name: getattr(before, name) for name in fixed})


# ---------------------------------------------------------------- parts of a step


def _arbitrary(make: Make, channel: Channel, what: str) -> Watched:
    """An arbitrary packet of a channel, that may be there."""
    packet = PACKETS[channel](*(make(f"{what}.{name}", kind(name)) for name in PACKETS[channel]._fields))
    return Watched(what, make(f"{what}.there", Kind.FLAG), packet)


def _with_picks(view: View, action: Action, picks: Picks) -> View:
    """The view in which the picks are spoken of. A request from nowhere is in no channel."""
    if picks.taken and action.takes and action.takes is not Channel.AHEAD:
        role = Role.ACTING if action.takes in OF_PHONE else None
        view = view.having((role, action.takes), Watched(TAKEN, True, picks.taken))
    return view.having((None, Channel.SENDS), picks.lowest) if picks.lowest else view


def _none_lower(c: Setting, view: View, taken: Packet | None, lowest: Watched) -> Iterator[Value]:
    """The lowest other open send is not the one that is decided; where a watched one is there, it is, and no higher."""
    yield c.a.no(lowest.there) | _differ(c, taken, lowest.packet)
    for _, there, other in view.packets[None, Channel.SENDS]:
        is_other = there & _differ(c, taken, other)
        yield c.a.no(is_other) | (lowest.there & (lowest.packet[0] <= other[0]))


def _after(
    c: Setting, view: View, action: Action, picks: Picks, account: Account, phone: Phone, put: Packet | None
) -> View:
    """What a step leaves. Where no phone acts, all are bystanders, and one of them stands for each."""
    role = Role.ACTING if action.of_phone else None
    phones = {**view.phones, Role.ACTING: phone} if role else dict(view.phones)
    same = all(phones[which].got is before.got for which, before in view.phones.items())
    held = view.held if same else _held(phones, view.others)
    packets: dict[Place, tuple[Watched, ...]] = {}
    for (whose, channel), watched in view.packets.items():
        if channel in action.clears or (role is None and whose is Role.ACTING):
            continue
        if channel is action.takes is Channel.SENDS and not action.keeps:
            watched = tuple(w._replace(there=w.there & _differ(c, picks.taken, w.packet)) for w in watched)
        if channel is action.puts and whose is role and put is not None:
            watched = (*watched, Watched(PUT, True, put))
        packets[whose, channel] = watched
    if role is None:
        del phones[Role.ACTING]
    return View(account, phones, view.others, held, packets)


def _held(phones: Mapping[Role, Phone], others: Value) -> Value:
    return some((others, *(phone.got for phone in phones.values())))


def _differ(c: Setting, one: Any, other: Any) -> Value:
    return c.a.no(every(x == y for x, y in zip(one, other, strict=True)))
