"""Correct servers of several shapes, interleaved at random: the histories on which the judge must never raise an alarm.

A shape is the order in which a server does the three things of a recv, and whether it does them at one moment. Every
operation is a generator over its atomic moments; a seeded scheduler picks whose moment is next, loses requests and
replies, kills the server, and lets unanswered requests land late. ``corrupt`` then changes one answer, which gives
histories that are mostly wrong: the judge and the world-set engine must agree on each, at the same event.
Source: PROTOCOL "Theory of operation", "What a server must never be failed for".
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from seqproof_model import history as h

SEQ_MAX = 2**32 - 1


class Shape(StrEnum):
    """The moments of a recv; between ``;`` anything may happen. ``HORIZON``: its sends are decided after a while."""

    ATOMIC = "confirm, lower, upper"
    CONFIRM_READ = "confirm; lower, upper"
    READ_CONFIRM = "lower, upper; confirm"
    CONFIRM_LOWER_UPPER = "confirm; lower; upper"
    LOWER_UPPER_CONFIRM = "lower; upper; confirm"
    UPPER_CONFIRM_LOWER = "upper; confirm; lower"
    CONFIRM_SCAN = "confirm; a scan, row by row"
    HORIZON = "confirm; lower; upper, a later send waits for an earlier one"


Answer = h.Ok | h.Refused
Moments = Generator[None, None, Answer]


@dataclass
class Server:
    """One correct account. ``exact``: more is yes only if rows are left; else also on an exactly full page."""

    shape: Shape
    page: int | None = None
    exact: bool = True
    tells_seq: bool = True
    taken: int = 0
    confirmed: int = 0
    log: dict[int, str] = field(default_factory=dict[int, str])
    undecided: set[int] = field(default_factory=set[int])

    @property
    def svr(self) -> int:
        """The largest seq up to which every send is decided."""
        return min(self.undecided) - 1 if self.undecided else self.taken

    def send(self, body: str) -> Moments:
        """The moments of a send."""
        yield
        self.taken += 1
        seq = self.taken
        self.log[seq] = body
        if self.shape is Shape.HORIZON:
            self.undecided.add(seq)
            yield
            self.undecided.discard(seq)
            yield
        return h.Ok(seq=seq if self.tells_seq else None)

    def recv(self, q: int) -> Moments:
        """The moments of a recv."""
        yield
        if q > self.svr:
            return h.Refused(h.Code.AHEAD, seq_svr=self.svr)
        lower, upper = q, -1
        for moment in self.shape.value.split(";"):
            for deed in moment.split(","):
                match deed.strip():
                    case "confirm":
                        self.confirmed = max(self.confirmed, q)
                    case "lower":
                        lower = max(self.confirmed, q)
                    case "upper":
                        upper = self.svr
                    case _:
                        pass
            if "scan" in moment:
                return (yield from self._scan(max(self.confirmed, q)))
            yield
        return self._reply(range(lower + 1, upper + 1))

    def _scan(self, lower: int) -> Moments:
        rows: list[int] = []
        while lower + 1 <= self.svr and (self.page is None or len(rows) <= self.page):
            lower += 1
            rows.append(lower)
            yield
        return self._reply(rows)

    def _reply(self, due: range | list[int]) -> h.Ok:
        seqs = list(due)[: self.page]
        rows = tuple((seq, self.log[seq]) for seq in seqs)
        if self.page is None:
            return h.Ok(rows=rows)
        more = len(due) > self.page if self.exact else len(due) >= self.page
        return h.Ok(rows=rows, more=more, upto=seqs[-1] if seqs else None)


@dataclass
class _Running:
    moments: Moments
    event: h.Send | h.Recv
    client: int
    begun: bool = False
    ghost: bool = False


@dataclass(frozen=True)
class Chances:
    """How often what happens, each a probability a step."""

    indefinite: float = 0.15
    kill: float = 0.05
    late: float = 0.5
    odd: float = 0.15  # a recv asks with something else than its phone holds: less, or rarely more
    overlap: bool = True


def simulate(rng: random.Random, server: Server, operations: int, clients: int, chances: Chances) -> list[h.Event]:
    """Run ``operations`` requests by ``clients`` phones against the server; returns the history."""
    return list(_Simulation(rng, server, operations, clients, chances).run())


class _Simulation:
    def __init__(self, rng: random.Random, server: Server, operations: int, clients: int, chances: Chances) -> None:
        self.rng, self.server, self.left, self.chances = rng, server, operations, chances
        self.seq_cli = [0] * clients
        self.busy: set[int] = set()
        self.running: dict[int, _Running] = {}
        self.next_id = 0

    def run(self) -> Iterator[h.Event]:
        while self.left or self.running:
            idle = [c for c in range(len(self.seq_cli)) if c not in self.busy]
            may_begin = self.left and idle and (self.chances.overlap or not self.busy)
            if not may_begin and not self.running:
                return
            if may_begin and self.rng.random() < self.chances.kill:
                yield from self._kill()
            elif may_begin and (not self.running or self.rng.random() < 1 / 3):
                yield self._begin(self.rng.choice(idle))
            elif self.running:
                yield from self._advance(self.rng.choice(list(self.running)))

    def _begin(self, client: int) -> h.Event:
        self.left -= 1
        self.next_id += 1
        event: h.Send | h.Recv
        if self.rng.random() < 0.45:
            event = h.Send(self.next_id, "x", f"m{self.next_id}", client_id=f"c{self.next_id}")
            moments = self.server.send(event.body)
        else:
            q = self.seq_cli[client]
            if self.rng.random() < self.chances.odd:
                q = self.rng.randint(0, q) if self.rng.random() < 0.8 else q + self.rng.randint(1, 3)
            event = h.Recv(self.next_id, "x", f"p{client}", q)
            moments = self.server.recv(q)
        self.busy.add(client)
        self.running[event.id] = _Running(moments, event, client)
        return event

    def _kill(self) -> Iterator[h.Event]:
        yield h.Kill()
        for number, running in list(self.running.items()):
            if not running.ghost:
                yield h.Indefinite("killed", id=number)
                self.busy.discard(running.client)
            running.ghost = True
            died = running.begun and isinstance(running.event, h.Recv)
            if died or (not running.begun and self.rng.random() >= self.chances.late):
                del self.running[number]
        yield h.Restart()

    def _advance(self, number: int) -> Iterator[h.Event]:
        running = self.running[number]
        if not running.ghost and self.rng.random() < self.chances.indefinite / 3:
            yield h.Indefinite("timeout", id=number)
            self.busy.discard(running.client)
            running.ghost = True
            if not running.begun and self.rng.random() < 0.4:
                del self.running[number]
            return
        try:
            next(running.moments)
            running.begun = True
        except StopIteration as end:
            del self.running[number]
            answer: Answer = end.value
            if running.ghost:
                return
            self.busy.discard(running.client)
            if self.rng.random() < self.chances.indefinite:
                yield h.Indefinite("lost", id=number)
                return
            if isinstance(answer, h.Ok) and answer.rows:
                held = self.seq_cli[running.client]
                self.seq_cli[running.client] = max(held, answer.rows[-1][0])
            yield msgspec.structs.replace(answer, id=number)


def corrupt(rng: random.Random, events: list[h.Event]) -> list[h.Event]:
    """Change one answer of the history, at random. Most results are impossible; some are not."""
    places = [k for k, event in enumerate(events) if isinstance(event, h.Ok | h.Refused)]
    if not places:
        return events
    at = rng.choice(places)
    event = events[at]
    assert isinstance(event, h.Ok | h.Refused)  # noqa: S101 - it was chosen so
    changed = list(events)
    changed[at] = _corrupted(rng, event)
    return changed


def _corrupted(rng: random.Random, event: h.Ok | h.Refused) -> h.Ok | h.Refused:
    if isinstance(event, h.Refused):
        return h.Ok(event.id, rows=()) if event.code is h.Code.AHEAD else event
    if event.rows is None:
        step = rng.choice((-2, -1, 1, 2))
        return msgspec.structs.replace(event, seq=max(1, (event.seq or 1) + step)) if event.seq else event
    rows = list(event.rows)
    kind = rng.randrange(9)
    if kind == 0 or not rows:
        rows = [] if rows else [(rng.randint(1, 3), "m1")]
    elif kind == 1:
        rows = rows[1:]
    elif kind == 2:
        rows = rows[:-1]
    elif kind == 3:
        del rows[rng.randrange(len(rows))]
    elif kind == 4:
        rows = [(seq + 1, body) for seq, body in rows]
    elif kind == 5:
        rows = [*rows, (rows[-1][0] + 1, rows[-1][1])]
    elif kind == 6:
        rows = rows[::-1]
    elif kind == 7:
        return h.Refused(h.Code.AHEAD, id=event.id)
    else:
        return msgspec.structs.replace(event, more=not event.more if event.more is not None else None)
    return msgspec.structs.replace(event, rows=tuple(rows), upto=None)
