"""The server-visible quotient of the model's graph: what one account can go through, seen from its server.

**Theory.** The network model has many states: what each phone holds, what is under way. A server sees none of that. It
sees sends, requests that carry a number, and its own death; what it must remember of one account is two marks, seq_svr
and confirmed. So join all states of the model that have the same two marks, and all steps that are the same to the
server: what is left is a small graph. Its *nodes* are pairs (seq_svr, confirmed). Its *transitions* are a send, a recv
that asks q for each q <= seq_svr, a recv that is ahead, and a kill. They are computed by taking the protocol's own
rules, so there is no second copy of what they do. Marks are counted from the profile's ``before_first``.

That it is the quotient is shown in the tests: the explored graph of two phones, projected onto these nodes, has the
same transitions, each with the same ends. Three things are to be said of "the same":

* One phone with one packet under way never asks for less than is confirmed; it takes a second phone, or a late request.
* No phone of the model is ahead unless a backup was restored. The recv that is ahead is a request from nowhere, with
  the least number that is ahead, and its transitions are those of the model in which nothing is ever restored.
* The model ends where its messages do. A send to a full space is a transition here where the profile's space ends
  within ``messages``; in the network model nothing happens then.

A **tour** is a walk through the quotient. Marks never fall, so one walk cannot take everything; ``tours`` gives the
fewest walks that do, as scenarios. The recvs carry literals: a server cannot tell them from those of a phone.

``Taken`` counts which transitions a run took, whatever scenarios it played. It reads the history alone, and counts a
transition only where no doubt is left: the answer was definite, nothing overlapped on that account, and the marks
before it were certain. Once they are not, the account is forgotten. A kill counts when the account was asked again.
Source: docs/model.md; article [3.1], [3.2].
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import NamedTuple

import numpy as np

from seqproof_model import history as h
from seqproof_model import scenario as sc
from seqproof_model.engines import tours as engine
from seqproof_model.engines.graph import Graph
from seqproof_model.profile import UINT_MAX, Profile
from seqproof_model.requirements import REQUIREMENTS
from seqproof_model.rules import ANSWERED, BY_NAME, Marks, Request, start, step
from seqproof_model.scenario import Scenario

MESSAGES = 3
PHONE = "R"  # asks with literals
KEPT = 10_000  # accounts whose marks are kept at once; the one used longest ago is forgotten first


class Move(StrEnum):
    """What a server sees."""

    SEND = "send"
    RECV = "recv"
    KILL = "kill"


class Node(NamedTuple):
    """An account's marks, counted from before_first."""

    svr: int
    confirmed: int


EMPTY = Node(0, 0)


class Transition(NamedTuple):
    """One thing that a server sees, and the account before and after it. ``seq_cli``: of a recv, else 0."""

    source: Node
    move: Move
    seq_cli: int
    target: Node

    def __str__(self) -> str:
        """Write it as ``(2, 1) recv 2 → (2, 2)``."""
        what = f"recv {self.seq_cli}" if self.move is Move.RECV else str(self.move)
        return f"{tuple(self.source)} {what} → {tuple(self.target)}"


# ---------------------------------------------------------------- the graph


def _ruled(marks: Marks, request: Request, *names: str) -> Marks | None:
    """The marks after some rules, one after another; None where a guard does not hold."""
    for name in names:
        taken = step(BY_NAME[name], marks, request)
        if taken is None:
            return None
        marks = taken[0]
    return marks


def _sent(marks: Marks) -> Marks | None:
    alone = Request(undecided=marks.seq_max + 1)
    return _ruled(marks, alone, "take", "decide") or _ruled(marks, alone, "exhausted")


def _asked(marks: Marks, seq_cli: int) -> Marks | None:
    request = Request(seq_cli)
    return _ruled(marks, request, *sorted(ANSWERED)) or _ruled(marks, request, "refuse")


def _moves(marks: Marks, messages: int, *, kill: bool) -> Iterator[tuple[Move, int, Marks | None]]:
    if marks.svr < messages or marks.svr == marks.seq_max:
        yield Move.SEND, 0, _sent(marks)
    for seq_cli in range(min(marks.svr + 1, marks.seq_max) + 1):
        yield Move.RECV, seq_cli, _asked(marks, seq_cli)
    if kill:
        yield Move.KILL, 0, marks  # both marks are durable: SEQ-5, CNF-4


@cache
def transitions(messages: int = MESSAGES, *, kill: bool, space: int = UINT_MAX) -> tuple[Transition, ...]:
    """Every transition that can be reached with so many messages, in breadth-first order of where it begins.

    ``space``: how many seqs there are. Raises ValueError for less than one message.
    """
    if messages < 1:
        raise ValueError(f"{messages} messages are too few; a tour needs at least 1")
    todo, found = [start(space)], list[Transition]()
    for marks in todo:
        for move, seq_cli, after in _moves(marks, messages, kill=kill):
            if after is None:
                raise AssertionError(f"no rule answers {move} {seq_cli} at {marks}")
            found.append(Transition(_node(marks), move, seq_cli, _node(after)))
            if after not in todo:
                todo.append(after)
    return tuple(found)


def _node(marks: Marks) -> Node:
    return Node(marks.svr, marks.confirmed)


# ---------------------------------------------------------------- walks through it


def tours(profile: Profile, capabilities: Collection[str], messages: int = MESSAGES) -> list[Scenario]:
    """The fewest walks from an empty account that take every transition. Kills only where the capability allows.

    Each ends with a new phone that asks, so that the last transition shows.
    """
    found = transitions(messages, kill="kill" in capabilities, space=_space(profile))
    walks = engine.tours(_graph(found))
    return [_scenario(profile, [found[edge] for edge in walk], at, len(walks)) for at, walk in enumerate(walks, 1)]


def _space(profile: Profile) -> int:
    return profile.seq_max - profile.before_first


def _graph(found: tuple[Transition, ...]) -> Graph:
    nodes = {node: number for number, node in enumerate(dict.fromkeys(t.source for t in found))}
    source, target = (np.array([nodes[n] for n in ends]) for ends in zip(*((t[0], t[3]) for t in found), strict=True))
    depth = np.zeros(len(nodes), dtype=np.int64)
    for before, after in zip(source, target, strict=True):  # breadth first: the first way to a node is a shortest
        if after and not depth[after]:
            depth[after] = depth[before] + 1
    labels = np.arange(len(found), dtype=np.int64)
    return Graph(len(nodes), source, target, labels, tuple(map(str, found)), depth)


def _scenario(profile: Profile, walk: list[Transition], number: int, of: int) -> Scenario:
    last = walk[-1].target
    return Scenario(
        name=f"tour-{number}",
        steps=(*(_step(profile, taken) for taken in walk), sc.Recv(fresh=True)),
        title=f"Tour {number} of {of}: {len(walk)} transitions, to seq_svr {last.svr} and confirmed {last.confirmed}",
        text="A walk through what a server can see of one account: sends, recvs with every seq_cli, kills.",
        observes=tuple(_observed(walk)),
    )


def _step(profile: Profile, taken: Transition) -> sc.Step:
    match taken.move:
        case Move.SEND:
            return sc.Send()
        case Move.RECV:
            return sc.Recv(phone=PHONE, seq_cli=profile.before_first + taken.seq_cli)
        case Move.KILL:
            return sc.Kill()


def _observed(walk: list[Transition]) -> Iterator[str]:
    """The requirements whose condition such a walk brings about."""
    ahead, seen = 0, set[str]()
    for taken in walk:
        lower = max(taken.seq_cli, taken.target.confirmed)
        if taken.move is Move.RECV and taken.seq_cli > taken.source.svr:
            ahead = taken.seq_cli
        elif taken.move is Move.RECV and lower < taken.target.svr:
            seen |= {"SND-1", "SEQ-2", "RCV-1"}
            seen |= {"RCV-5"} if taken.seq_cli < taken.source.confirmed else set()
            seen |= {"RCV-6"} if lower < ahead else set()  # what it was ahead of came, and was given
    return (name for name in REQUIREMENTS if name in seen)


# ---------------------------------------------------------------- what a run took


@dataclass(slots=True)
class _Account:
    """An account whose marks are certain. ``request``: what is under way; ``attempts``: sends that may be stored."""

    node: Node = EMPTY
    kills: int = 0  # how many there were when it was last heard of
    request: h.Send | h.Recv | None = None
    begun: int = 0  # how many kills there were when that began
    attempts: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])


class _Unsure(Exception):  # noqa: N818 - it tells that the marks are no longer certain, nothing went wrong
    pass


@dataclass
class Taken:
    """Counts the transitions that a history surely took. Pickled, it is its counts alone: processes can add up."""

    profile: Profile
    messages: int = MESSAGES
    taken: set[Transition] = field(default_factory=set[Transition])

    def __post_init__(self) -> None:
        found = transitions(self.messages, kill=True, space=_space(self.profile))
        self._known = {found_one[:3]: found_one for found_one in found}
        self._accounts: dict[str, _Account] = {}  # the one used last stands last
        self._forgotten: set[str] = set()
        self._open: dict[int, str] = {}
        self._kills = 0

    def __reduce__(self) -> tuple[type[Taken], tuple[Profile, int, set[Transition]]]:
        return type(self), (self.profile, self.messages, self.taken)

    def feed(self, event: h.Event) -> None:
        """Take the next event of the history."""
        match event:
            case h.Send() | h.Recv():
                self._begin(event)
            case h.Ok() | h.Refused() | h.Indefinite():
                self._end(event)
            case h.Preset():
                self._forget(event.account)  # what was confirmed is not known
            case h.Kill():
                self._kills += 1
            case h.Restore():
                for name in list(self._accounts):
                    self._forget(name)
            case _:
                pass

    def of(self, *, kill: bool) -> tuple[int, int]:
        """How many transitions were taken, of how many; without the kills where there can be none."""
        all_of_them = transitions(self.messages, kill=kill, space=_space(self.profile))
        return len(self.taken.intersection(all_of_them)), len(all_of_them)

    def merge(self, other: Taken) -> None:
        """Add what another process counted. Raises ValueError where it counted in another graph."""
        if (self.profile, self.messages) != (other.profile, other.messages):
            raise ValueError("what was counted under another profile, or up to other messages, cannot be added")
        self.taken |= other.taken

    def _begin(self, event: h.Send | h.Recv) -> None:
        if event.account in self._forgotten:
            return
        account = self._accounts.pop(event.account, None) or _Account(kills=self._kills)
        self._accounts[event.account] = account
        if account.request is not None:  # two at once: which came first?
            self._forget(event.account)
            return
        account.request, account.begun = event, self._kills
        self._open[event.id] = event.account
        if len(self._accounts) > KEPT:
            self._forget(next(iter(self._accounts)))

    def _forget(self, name: str) -> None:
        self._accounts.pop(name, None)
        self._forgotten.add(name)

    def _end(self, answer: h.Answer) -> None:
        name = self._open.pop(answer.id, "")
        account = self._accounts.get(name)
        if account is None or account.request is None:
            return
        request, account.request = account.request, None
        if isinstance(answer, h.Refused) and answer.code is h.Code.UNREACHABLE:
            return  # it never reached the server
        try:
            self._answered(account, request, answer)
        except _Unsure:
            self._forget(name)

    def _answered(self, account: _Account, request: h.Send | h.Recv, answer: h.Answer) -> None:
        """One request and its answer. Raises _Unsure where the marks are no longer certain."""
        if isinstance(answer, h.Indefinite) or account.begun != self._kills:
            raise _Unsure
        if account.kills != self._kills:
            self._take(account, Move.KILL)
            account.kills = self._kills
        if isinstance(request, h.Send):
            self._send(account, request, answer)
        else:
            self._recv(account, request.seq_cli - self.profile.before_first, answer)

    def _take(self, account: _Account, move: Move, seq_cli: int = 0) -> None:
        taken = self._known.get((account.node, move, seq_cli))
        if taken is None:
            raise _Unsure  # more messages than are counted
        self.taken.add(taken)
        account.node = taken.target

    def _send(self, account: _Account, request: h.Send, answer: h.Ok | h.Refused) -> None:
        attempt = (request.sender, request.client_id)
        repeated = bool(request.client_id) and attempt in account.attempts
        if isinstance(answer, h.Refused):
            full = account.node.svr == _space(self.profile)
            if self.profile.gaps or full != (answer.code is h.Code.FULL):
                raise _Unsure  # a refused send may have used up a seq, or a space that is not full was called so
            if full:
                self._take(account, Move.SEND)
            return
        account.attempts.add(attempt)
        if answer.seq is None and (repeated or self.profile.gaps):
            raise _Unsure
        seq = account.node.svr + 1 if answer.seq is None else answer.seq - self.profile.before_first
        if repeated and 0 < seq <= account.node.svr:
            return  # it was answered with what is there
        if seq != account.node.svr + 1 or account.node.svr == _space(self.profile):
            raise _Unsure
        self._take(account, Move.SEND)

    def _recv(self, account: _Account, seq_cli: int, answer: h.Ok | h.Refused) -> None:
        node = account.node
        ahead = seq_cli > node.svr
        if isinstance(answer, h.Refused):
            without_effect = answer.code in (h.Code.AHEAD, h.Code.MALFORMED)
            if 0 <= seq_cli <= node.svr if without_effect else seq_cli > node.confirmed:
                raise _Unsure  # a recv that is not ahead was called so; any other error may have confirmed
            if answer.code is not h.Code.AHEAD or seq_cli < 0:
                return
        elif (answer.rows and (ahead or answer.rows[-1][0] - self.profile.before_first > node.svr)) or seq_cli < 0:
            raise _Unsure
        if ahead and self.profile.gaps and isinstance(answer, h.Ok):
            raise _Unsure  # seq_svr may have been there: a seq that nobody saw
        if seq_cli <= node.svr + 1:
            self._take(account, Move.RECV, seq_cli)
