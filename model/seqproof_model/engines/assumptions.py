"""What is assumed of a run before it may be blamed: fairness of the network, of the server and of a phone that asks.

Losses are no fault: a run in which every request or every reply is lost for ever delivers nothing, and only an
assumption excludes it. To assume that what *can* happen all the time does happen (weak fairness) is too little: a
request that is lost cannot be received all the time. What a network that loses packets is supposed to be is
*fair-lossy*: of what is sent again and again, not everything is lost. That is strong fairness: what is possible again
and again, happens again and again. So a run is *fair* to a phone if

- ``ask``: the phone asks again and again, if the server is up again and again, and it does so *while the server is up*.
  To ask at any time is too little where a server may crash for ever: every request might be sent while it is down, and
  be lost before it is up (``ASK_AT_ANY_TIME``);
- ``recv``: of each request that is under way again and again, the server answers one. With overlapping steps:
  ``begin``, ``confirm``, ``look_lower``, ``look_upper`` and ``reply``, each of each request that is at that point again
  and again;
- ``deliver``: of each reply that is under way again and again, one arrives;
- ``restart``: a server that is down starts again;
- ``leave``, where the network duplicates: nothing is under way for ever. Literature asks it of fair-lossy links as
  *finite duplication*. Without it an old reply may fill, for ever, the one slot that a new one needs; and where replies
  are paged, one old request may be answered again and again.

**Of each packet.** The units of fairness are packets by what they say, not slots: a slot is a place in an ordered set,
and which packet is in it changes with every other one. A unit for each kind of action alone (``Unit.PHONE``) is too
coarse where a thing takes several steps: a server that crashes again and again might confirm one request, take its
looks for another, and never do all three for the same.
Source: fair-lossy links after Aguilera, Chen and Toueg (1997).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from enum import Enum, StrEnum

import numpy as np

from seqproof_model.bounded import Instance, slot_names
from seqproof_model.engines.fair import Constraint, Kind, constraint
from seqproof_model.engines.graph import Index
from seqproof_model.engines.state_space import StateSpace
from seqproof_model.engines.ways import Mask
from seqproof_model.network import ACTIONS, Action
from seqproof_model.scope import Scope, ScopeError
from seqproof_model.state import Channel

MOST_MARKS = 3_000_000_000  # bytes: one for each edge and each unit of fairness


class Assumption(StrEnum):
    """What may be assumed of a run: see the module's text. All are strong fairness, but for ``LEAVE``."""

    ASK = "ask"
    RECV = "recv"
    BEGIN = "begin"
    CONFIRM = "confirm"
    LOOK_LOWER = "look_lower"
    LOOK_UPPER = "look_upper"
    REPLY = "reply"
    DELIVER = "deliver"
    RESTART = "restart"
    LEAVE = "leave"
    ASK_AT_ANY_TIME = "ask, though the server be down"

    def covers(self, action: Action) -> bool:
        """Whether an action is how it comes true; one that leaves its packet under way is the same action."""
        name = Assumption.ASK if self is Assumption.ASK_AT_ANY_TIME else self
        return action.name.removesuffix("_dup") == name


class Unit(Enum):
    """What fairness is asked of: of each packet by what it says, or of each phone's action as a whole."""

    PACKET = "packet"
    PHONE = "phone"


def fair_network(scope: Scope) -> tuple[Assumption, ...]:
    """What PSH-4 assumes in a scope: all of the assumptions that speak of something that the scope has."""
    there = [action for action in ACTIONS if action.when(scope)]
    assumed = [a for a in Assumption if a is not Assumption.ASK_AT_ANY_TIME and any(map(a.covers, there))]
    return (*assumed, Assumption.LEAVE) if scope.duplicates else tuple(assumed)


class Fairness:
    """Makes constraints of assumptions. ``inside``: the states in which the run may stay; no others are of interest."""

    def __init__(self, space: StateSpace, inside: Mask, unit: Unit) -> None:
        self.space = space
        self.inside = inside
        self.unit = unit
        self._leaves = inside[space.graph.source]  # of each edge: whether it leaves a state inside
        self._marks = 0

    def of(self, assumption: Assumption, phones: Collection[int]) -> Iterator[Constraint]:
        """Make the constraints of an assumption about some phones, and about the account.

        Raises ScopeError where all that were made take too much memory.
        """
        if assumption is Assumption.LEAVE:
            yield from self._leaving(phones)
            return
        for phone in (None, *phones):
            edges = self._edges(assumption.covers, phone)
            if assumption is Assumption.ASK:
                edges &= self.space.columns["up"][self.space.graph.source]
            yield from self._units(str(assumption), Kind.STRONG, edges)

    def of_everything(self) -> Iterator[Constraint]:
        """Make a weak constraint of every action of every phone and packet; raises what ``of`` raises."""
        for action in ACTIONS:
            for phone in (None, *range(self.space.bounded.scope.phones)):
                yield from self._units(action.name, Kind.WEAK, self._edges(action.__eq__, phone))

    def _edges(self, chosen: Callable[[Action], bool], phone: int | None) -> Mask:
        """The edges by actions of one phone, or of the account."""
        labels = [i.phone == phone and chosen(i.action) for i in self.space.instances]
        edges: Mask = self._leaves & np.array(labels, np.bool_)[self.space.graph.label]
        return edges

    def _units(self, name: str, kind: Kind, mask: Mask) -> Iterator[Constraint]:
        """Part some edges by what the packet says that they take."""
        edges = np.flatnonzero(mask)
        contents = self._contents(edges) if self.unit is Unit.PACKET else np.zeros(edges.size, np.int64)
        for content in np.unique(contents):
            taken = np.zeros(mask.size, np.bool_)
            taken[edges[contents == content]] = True
            yield constraint(self.space.graph, name, kind, self._counted(taken))

    def _counted(self, mask: Mask) -> Mask:
        self._marks += mask.size
        if self._marks > MOST_MARKS:
            raise ScopeError(
                f"fairness to each packet takes more than {MOST_MARKS} bytes; take fewer phones, messages or slots"
            )
        return mask

    def _contents(self, edges: Index) -> Index:
        """What each edge's packet says, as one number; 0 where it takes none."""
        graph, instances = self.space.graph, self.space.instances
        contents = np.zeros(edges.size, np.int64)
        labels: list[int] = np.unique(graph.label[edges]).tolist()
        for label in labels:
            here = graph.label[edges] == label
            contents[here] = self._taken(instances[label])[graph.source[edges[here]]]
        return contents

    def _taken(self, instance: Instance) -> Index:
        """What the packet says that an instance takes in each state, as one number; 0 where it takes none."""
        if instance.action.takes is None or instance.slot is None:
            return np.zeros(self.space.graph.size, np.int64)
        return self._slot(instance.action.takes, instance.phone, instance.slot)

    def _slot(self, channel: Channel, phone: int | None, slot: int) -> Index:
        """What is in a slot of each state, as one number; 0 where nothing is."""
        base = self.space.bounded.scope.messages + 2  # more than any mark, of a faulty model too
        number = np.zeros(self.space.graph.size, np.int64)
        for name in reversed(slot_names(channel, phone, slot)):
            number = number * base + self.space.columns[name]
        return number

    def _leaving(self, phones: Collection[int]) -> Iterator[Constraint]:
        """Nothing is under way for ever: weakly fair is that a packet which is there is, after some step, not there."""
        graph = self.space.graph
        for channel in (Channel.REQUESTS, Channel.REPLIES):
            for phone in phones:
                slots = np.stack([self._slot(channel, phone, s) for s in range(self.space.bounded.scope.slots)])
                for content in np.unique(slots[:, self.inside]):
                    if content:
                        there = np.any(slots == content, axis=0)
                        leaves = there[graph.source] & ~there[graph.target]
                        yield Constraint("leave", Kind.WEAK, there, self._counted(leaves))
