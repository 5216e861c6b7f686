"""Correct servers of several shapes, interleaved at random: the histories on which the judge must never raise an alarm.

A shape is the order in which a server does the three things of a recv, and whether it does them at one moment. Every
operation is a generator over its atomic moments; a seeded scheduler picks whose moment is next, loses requests and
replies, kills the server, repeats sends, and lets unanswered requests land late. ``Liberties`` are what a profile, or
the protocol itself, leaves to the server. ``corrupt`` then changes one answer, which gives histories that are mostly
wrong: the judge and the world-set engine must agree on each, at the same event.
Source: docs/protocol.md; docs/requirements.md, "What no server is failed for".
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from seqproof_model import history as h
from seqproof_model.profile import Profile

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


class More(StrEnum):
    """When a page says that more is due."""

    EXACT = "only if rows are left"
    FULL_PAGE = "also on an exactly full page"
    ALWAYS = "always"
    SILENT = "it does not say"


Answer = h.Ok | h.Refused
Moments = Generator[None, None, Answer]


@dataclass(frozen=True)
class Liberties:
    """What a correct server may do besides; each number is a probability.

    ``gaps``: numbers are skipped, and a failed send burns its own (``gappy``). ``dedup``: a repeat is answered with the
    first attempt's seq; ``twice``: and yet a second message is stored, which shows only later. ``fails``: a send is
    refused, a recv ends in an error. ``ahead_empty``: a seq_cli that is ahead is answered with nothing. ``lag``: the
    upper end is an old one (``lagging``). ``upto_empty``: an empty page says upto.
    """

    gaps: float = 0.0
    dedup: bool = False
    twice: float = 0.0
    fails: float = 0.0
    ahead_empty: bool = False
    lag: float = 0.0
    upto_empty: bool = False


@dataclass
class Server:
    """One correct account. Empty at first, with seq_svr = ``base``: first_seq - 1, or what a preset set."""

    shape: Shape
    page: int | None = None
    more: More = More.EXACT
    tells_seq: bool = True
    seq_max: int = SEQ_MAX
    base: int = 0
    first_seq: int = 1
    liberties: Liberties = Liberties()
    rng: random.Random = field(default_factory=lambda: random.Random(0))
    log: dict[int, str] = field(default_factory=dict[int, str])
    notes: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    storing: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    undecided: set[int] = field(default_factory=set[int])
    taken: int = field(init=False)
    confirmed: int = field(init=False)
    seen: int = field(init=False)  # the upper end of a replica that lags

    def __post_init__(self) -> None:
        """Start empty."""
        self.taken = self.seen = self.base
        self.confirmed = self.rng.randint(self.first_seq - 1, self.base)

    @property
    def svr(self) -> int:
        """The largest seq up to which every send is decided."""
        return min(self.undecided) - 1 if self.undecided else self.taken

    def _chance(self, probability: float) -> bool:
        return probability > 0 and self.rng.random() < probability

    # ---------------------------------------------------------------- sends

    def send(self, body: str, key: tuple[str, str] = ("", "")) -> Moments:
        """The moments of a send. ``key``: (sender, client id); without a client id nothing is noted."""
        yield
        noting = self.liberties.dedup and bool(key[1])
        noted = self.notes.get(key) if noting else None
        if noted is not None and not self._chance(self.liberties.twice):
            return self._told(noted)
        if noting and key in self.storing:
            return h.Refused(h.Code.BUSY)
        fails = self._chance(self.liberties.fails)
        if fails and not self._chance(self.liberties.gaps):
            return h.Refused(self.rng.choice((h.Code.STORE, h.Code.POLICY)))
        if self._chance(self.liberties.gaps):
            self.taken = min(self.seq_max, self.taken + self.rng.randint(1, 3))
        if self.taken >= self.seq_max:
            return h.Refused(h.Code.FULL)
        self.taken += 1
        seq = self.taken
        if fails:
            return h.Refused(h.Code.STORE)  # the number is void
        self.log[seq] = body
        if self.shape is Shape.HORIZON:
            yield from self._deciding(seq, key)
        if noting:
            self.notes.setdefault(key, seq)
        if self.shape is Shape.HORIZON:
            yield
        return self._told(noted or seq)

    def _deciding(self, seq: int, key: tuple[str, str]) -> Generator[None, None, None]:
        self.undecided.add(seq)
        self.storing.add(key)
        try:
            yield
        except GeneratorExit:
            del self.log[seq]  # a kill came in between, and with gaps the number is void
            raise
        finally:
            self.undecided.discard(seq)
            self.storing.discard(key)

    def _told(self, seq: int) -> h.Ok:
        return h.Ok(seq=seq if self.tells_seq else None)

    # ---------------------------------------------------------------- recvs

    def recv(self, q: int) -> Moments:
        """The moments of a recv."""
        yield
        if q > self.svr:
            return h.Ok(rows=()) if self.liberties.ahead_empty else h.Refused(h.Code.AHEAD, seq_svr=self.svr)
        lower, upper = q, -1
        for moment in self.shape.value.split(";"):
            if self._chance(self.liberties.fails / 3):
                return h.Refused(h.Code.STORE)
            for deed in moment.split(","):
                match deed.strip():
                    case "confirm":
                        self.confirmed = max(self.confirmed, q)
                    case "lower":
                        lower = max(self.confirmed, q)
                    case "upper":
                        upper = self._upper()
                    case _:
                        pass
            if "scan" in moment:
                return (yield from self._scan(max(self.confirmed, q)))
            yield
        lower = max(lower, self.base)
        return self._reply(lower, [seq for seq in range(lower + 1, upper + 1) if seq in self.log])

    def _upper(self) -> int:
        self.seen = max(self.seen, self.svr - (self.rng.randint(0, 3) if self._chance(self.liberties.lag) else 0))
        return self.seen if self.liberties.lag else self.svr

    def _scan(self, lower: int) -> Moments:
        rows: list[int] = []
        start = lower = max(lower, self.base)
        while lower + 1 <= self._upper() and (self.page is None or len(rows) <= self.page):
            lower += 1
            if lower in self.log:
                rows.append(lower)
            yield
        return self._reply(start, rows)

    def _reply(self, lower: int, due: list[int]) -> h.Ok:
        seqs = due[: self.page]
        rows = tuple((seq, self.log[seq]) for seq in seqs)
        if self.page is None:
            return h.Ok(rows=rows)
        more = {
            More.EXACT: len(due) > self.page,
            More.FULL_PAGE: len(due) >= self.page,
            More.ALWAYS: True,
            More.SILENT: None,
        }[self.more]
        said = lower if self.liberties.upto_empty else None
        return h.Ok(rows=rows, more=more, upto=seqs[-1] if seqs else said)


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
    repeat: float = 0.0  # a send goes out again under its client id
    rebody: float = 0.0  # ... with another body
    equal: float = 0.0  # a new message has the body of an earlier one
    nameless: float = 0.0  # a send has no client id
    settle: float = 0.0  # an unanswered operation that is over is said to be
    unreachable: float = 0.0  # a request never reaches the server


def simulate(
    rng: random.Random, server: Server, operations: int, clients: int, chances: Chances, account: str = "x"
) -> list[h.Event]:
    """Run ``operations`` requests by ``clients`` phones against the server; returns the history."""
    return list(_Simulation(rng, server, operations, clients, chances, account).run())


class _Simulation:
    def __init__(
        self, rng: random.Random, server: Server, operations: int, clients: int, chances: Chances, account: str
    ) -> None:
        self.rng, self.server, self.left, self.chances, self.account = rng, server, operations, chances, account
        self.seq_cli = [server.first_seq - 1] * clients
        self.idle = list(range(clients))
        self.running: dict[int, _Running] = {}
        self.unanswered: set[int] = set()
        self.sends: list[h.Send] = []
        self.next_id = 0

    def run(self) -> Iterator[h.Event]:
        if self.server.base >= self.server.first_seq:
            yield h.Preset(self.account, self.server.base)
        while self.left or self.running:
            may_begin = self.left and self.idle and (self.chances.overlap or not self._busy())
            if self._chance(self.chances.settle):
                yield from self._settle()
            if may_begin and self._chance(self.chances.kill):
                yield from self._kill()
            elif may_begin and (not self.running or self.rng.random() < 1 / 3):
                yield from self._begin()
            elif self.running:
                yield from self._advance(self.rng.choice(list(self.running)))
            elif not may_begin:
                return

    def _busy(self) -> bool:
        return len(self.idle) < len(self.seq_cli)

    def _chance(self, probability: float) -> bool:
        return probability > 0 and self.rng.random() < probability

    def _begin(self) -> Iterator[h.Event]:
        client = self.idle.pop(self.rng.randrange(len(self.idle)))
        self.left -= 1
        self.next_id += 1
        event: h.Send | h.Recv = self._send() if self.rng.random() < 0.45 else self._recv(client)
        yield event
        if self._chance(self.chances.unreachable):
            self.idle.append(client)
            yield h.Refused(h.Code.UNREACHABLE, id=event.id)
            return
        if isinstance(event, h.Send):
            moments = self.server.send(event.body, (event.sender, event.client_id))
        else:
            moments = self.server.recv(event.seq_cli)
        self.running[event.id] = _Running(moments, event, client)

    def _send(self) -> h.Send:
        body, client_id = f"m{self.next_id}", f"c{self.next_id}"
        event = h.Send(self.next_id, self.account, body, client_id=client_id)
        if self.sends and self._chance(self.chances.repeat):
            event = msgspec.structs.replace(self.rng.choice(self.sends[-8:]), id=self.next_id)
            if self._chance(self.chances.rebody):
                event = msgspec.structs.replace(event, body=body)
        elif self.sends and self._chance(self.chances.equal):
            event = msgspec.structs.replace(event, body=self.rng.choice(self.sends[-8:]).body)
        if self._chance(self.chances.nameless):
            event = msgspec.structs.replace(event, client_id="")
        self.sends.append(event)
        return event

    def _recv(self, client: int) -> h.Recv:
        q = self.seq_cli[client]
        if self._chance(self.chances.odd):
            q = (
                self.rng.randint(self.server.first_seq - 1, q)
                if self.rng.random() < 0.8
                else q + self.rng.randint(1, 3)
            )
        return h.Recv(self.next_id, self.account, f"p{client}", q)

    def _kill(self) -> Iterator[h.Event]:
        yield h.Kill()
        for number, running in list(self.running.items()):
            if not running.ghost:
                yield self._lost(number, running, "killed")
            voids = self.server.liberties.gaps > 0 and self.rng.random() < 0.5
            died = running.begun and (voids or isinstance(running.event, h.Recv))
            if died or (not running.begun and self.rng.random() >= self.chances.late):
                running.moments.close()
                del self.running[number]
        yield h.Restart()

    def _lost(self, number: int, running: _Running, why: str) -> h.Indefinite:
        self.idle.append(running.client)
        self.unanswered.add(number)
        running.ghost = True
        return h.Indefinite(why, id=number)

    def _settle(self) -> Iterator[h.Event]:
        over = sorted(self.unanswered - self.running.keys())
        if over:
            number = self.rng.choice(over)
            self.unanswered.discard(number)
            yield h.Settled(number)

    def _advance(self, number: int) -> Iterator[h.Event]:
        running = self.running[number]
        if not running.ghost and self._chance(self.chances.indefinite / 3):
            yield self._lost(number, running, "timeout")
            if not running.begun and self.rng.random() < 0.4:
                del self.running[number]
            return
        try:
            next(running.moments)
            running.begun = True
        except StopIteration as end:
            del self.running[number]
            if not running.ghost:
                yield self._ended(number, running, end.value)

    def _ended(self, number: int, running: _Running, answer: Answer) -> h.Event:
        if self._chance(self.chances.indefinite):
            if isinstance(answer, h.Refused) or self.rng.random() < 0.7:
                return self._lost(number, running, "lost")
            answer = msgspec.structs.replace(answer, delivered=False)
        elif isinstance(answer, h.Ok) and answer.rows is not None:
            last = answer.rows[-1][0] if answer.rows else 0
            held = self.seq_cli[running.client]
            self.seq_cli[running.client] = max(held, last if answer.upto is None else answer.upto)
        self.idle.append(running.client)
        return msgspec.structs.replace(answer, id=number)


def draw(rng: random.Random, *, shape: Shape | None = None, operations: int = 0) -> tuple[Profile, bool, list[h.Event]]:
    """Return a random profile, whether there are pages, and a history of a correct server that takes all it may.

    ``shape`` and the number of ``operations`` are drawn too where they are not given.
    """
    gaps, idempotent, lagging = (rng.random() < chance for chance in (0.4, 0.4, 0.2))
    liberties = Liberties(
        gaps=rng.choice((0.1, 0.5)) if gaps else 0,
        dedup=idempotent or rng.random() < 0.5,
        twice=0 if idempotent else rng.choice((0, 0.3)),
        fails=rng.choice((0, 0.1, 0.3)),
        ahead_empty=rng.random() < 0.3,
        lag=0.5 if lagging else 0,
        upto_empty=rng.random() < 0.5,
    )
    first = rng.choice((1, 1, 5))
    base = first - 1 + rng.choice((0, 0, 7, 2**31 - 3))
    top = rng.choice((SEQ_MAX, SEQ_MAX, 2**64 - 1, base + rng.randint(1, 6)))
    page = rng.choice((None, None, 1, 2, 3))
    more, tells_seq = rng.choice(list(More)), rng.random() < 0.6
    shape = shape or rng.choice(list(Shape))
    server = Server(shape, page, more, tells_seq, top, base, first, liberties=liberties, rng=rng)
    size, clients = operations or rng.choice((6, 12, 25, 60)), rng.choice((1, 2, 3, 4, 8, 16))
    profile = Profile("p", first_seq=first, seq_max=top, gaps=gaps, idempotent=idempotent, lagging=lagging)
    return profile, page is not None, simulate(rng, server, size, clients, draw_chances(rng))


def draw_chances(rng: random.Random) -> Chances:
    """Return how often what happens, drawn at random too."""
    return Chances(
        indefinite=rng.choice((0.1, 0.2, 0.3)),
        kill=rng.choice((0, 0.05, 0.15)),
        late=rng.random(),
        odd=rng.choice((0.1, 0.4)),
        overlap=rng.random() < 0.85,
        repeat=rng.choice((0, 0.3, 0.6)),
        rebody=rng.choice((0, 0, 0.3)),
        equal=rng.choice((0, 0, 0.4)),
        nameless=rng.choice((0, 0, 0.5)),
        settle=rng.choice((0, 0.1)),
        unreachable=rng.choice((0, 0.1)),
    )


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
