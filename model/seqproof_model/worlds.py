"""The oracle: every world that the definition allows, held at once. Exact, slow, for small histories and for tests.

A *world* is one possible truth about an account: its marks, which send took which seq, and how far each open operation
has come. An event that begins an operation adds it to every world; an answer keeps the worlds that can reach a state in
which the operation has done what the answer shows. When no world is left, no conforming server could have given that
answer. It reads the rules of ``rules`` and knows nothing else of the protocol, save what an answer looks like
(``shows``). The fast judge must give the same verdict at the same event.

Held: sends with unique bodies, recvs, refusals, indefinite and settled operations, pages; profile ``strict``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from seqproof_model import history as h
from seqproof_model import rules
from seqproof_model.profile import Profile
from seqproof_model.rules import Marks, Operation, Request

Done = frozenset[tuple[str, int | None]]  # rule name -> what it saw


class Open(NamedTuple):
    """An operation that may still do something."""

    id: int
    done: Done


class World(NamedTuple):
    """One possible truth. ``log[k]``: the send that took the seq ``base + 1 + k``."""

    marks: Marks
    log: tuple[int, ...]
    open: frozenset[Open]


class TooManyError(Exception):
    """The history is too wide for this engine."""


class Worlds:
    """Feeds on one account's events; ``feed`` returns whether a world is left."""

    def __init__(self, profile: Profile, *, paged: bool, cap: int = 60_000) -> None:
        self.profile, self.paged, self.cap = profile, paged, cap
        self.base = profile.before_first
        self.operations: dict[int, h.Send | h.Recv] = {}
        self.worlds: set[World] = {World(rules.start(profile.seq_max, self.base), (), frozenset())}

    def feed(self, event: h.Event) -> bool:
        """Take one event. False: no conforming server did this. Raises TooManyError."""
        match event:
            case h.Send() | h.Recv():
                self.operations[event.id] = event
                new = Open(event.id, frozenset())
                self.worlds = {w._replace(open=w.open | {new}) for w in self.worlds}
            case h.Preset():
                self.base = event.seq
                self.worlds = {w._replace(marks=rules.start(self.profile.seq_max, event.seq)) for w in self.worlds}
            case h.Ok():
                self._ok(event)
            case h.Refused():
                self._refused(event)
            case h.Settled():
                self._settled(event.id)
            case _:
                pass
        return bool(self.worlds)

    def _ok(self, event: h.Ok) -> None:
        if isinstance(self.operations[event.id], h.Send):
            self._keep(event.id, lambda _w, d: "decide" in d and event.seq in (None, d["take"]))
            return
        rows = event.rows or ()
        sure = self._reachable(event.id, lambda w, d: d.keys() >= rules.ANSWERED and self._shows(w, d, event))
        # An empty answer is allowed where seq_cli is ahead. Where the request may also have been served in full, it is
        # not known which: its confirm stays possible.
        ahead: set[World] = set() if rows else self._reachable(event.id, lambda _w, d: "refuse" in d)
        self.worlds = self._without(event.id, sure)
        self.worlds |= self._ghosts(event.id, ahead) if sure else self._without(event.id, ahead)

    def _refused(self, event: h.Refused) -> None:
        operation = self.operations[event.id]
        if isinstance(operation, h.Recv):
            if event.code is h.Code.AHEAD:
                self._keep(event.id, lambda _w, d: "refuse" in d)
            elif event.code in (h.Code.MALFORMED, h.Code.UNREACHABLE):
                self._keep(event.id, lambda _w, d: not d)
            # any other error: it may have confirmed, or may yet; it stays open
        elif event.code is h.Code.FULL:
            self._keep(event.id, lambda _w, d: "exhausted" in d)
        else:
            self._keep(event.id, lambda _w, d: not d)

    def _settled(self, operation: int) -> None:
        """A send is decided or never began; a recv has confirmed or never will."""
        reached = self._reachable(operation, lambda _w, d: not d or "decide" in d or "confirm" in d, further=True)
        self.worlds = self._without(operation, reached)

    def _shows(self, world: World, done: dict[str, int | None], event: h.Ok) -> bool:
        """Whether the reply is what lies in (lower, upper], or with pages a lowest-first prefix of it."""
        lower, upper, rows = done["look_lower"] or 0, done["look_upper"] or 0, event.rows or ()
        given = [seq for seq, _ in rows]
        if given != list(range(lower + 1, lower + 1 + len(given))):
            return False
        if not given:
            return lower >= upper
        if given[-1] > upper or (event.more and not self.paged):
            return False
        if given[-1] < upper and not (self.paged and event.more is not False):
            return False
        return all(self._body(world, seq) == body for seq, body in rows)

    def _body(self, world: World, seq: int) -> str | None:
        at = seq - self.base - 1
        if not 0 <= at < len(world.log):
            return None
        operation = self.operations[world.log[at]]
        return operation.body if isinstance(operation, h.Send) else None

    def _without(self, operation: int, worlds: Iterable[World]) -> set[World]:
        return {w._replace(open=frozenset(o for o in w.open if o.id != operation)) for w in worlds}

    def _ghosts(self, operation: int, worlds: Iterable[World]) -> set[World]:
        """The operation stays, able only to confirm."""
        ghost = Open(operation, frozenset({("look_lower", None), ("look_upper", None), ("ghost", None)}))
        return {w._replace(open=w.open | {ghost}) for w in self._without(operation, worlds)}

    def _keep(self, operation: int, good: Callable[[World, dict[str, int | None]], bool]) -> None:
        self.worlds = self._without(operation, self._reachable(operation, good))

    def _reachable(
        self, operation: int, good: Callable[[World, dict[str, int | None]], bool], *, further: bool = False
    ) -> set[World]:
        """The worlds, reachable from the present ones, in which the operation's deeds are good."""
        seen, stack, found = set(self.worlds), list(self.worlds), set[World]()
        while stack:
            world = stack.pop()
            done = dict(next(o.done for o in world.open if o.id == operation))
            if good(world, done):
                found.add(world)
                if not further:
                    continue
            for after in self._successors(world):
                if after not in seen:
                    seen.add(after)
                    stack.append(after)
            if len(seen) > self.cap:
                raise TooManyError(len(seen))
        return found

    def _successors(self, world: World) -> Iterator[World]:
        for item in world.open:
            operation = self.operations[item.id]
            done = dict(item.done)
            kind = Operation.SEND if isinstance(operation, h.Send) else Operation.RECV
            if "refuse" in done or "exhausted" in done:
                continue
            request = self._request(world, item, operation)
            for rule in rules.RULES:
                if rule.operation is not kind or not _may(rule.name, done):
                    continue
                taken = rules.step(rule, world.marks, request)
                if taken is None:
                    continue
                marks, saw = taken
                log = (*world.log, item.id) if rule.name == "take" else world.log
                after = Open(item.id, item.done | {(rule.name, saw)})
                yield World(marks, log, world.open - {item} | {after})

    def _request(self, world: World, item: Open, operation: h.Send | h.Recv) -> Request:
        if isinstance(operation, h.Recv):
            return Request(seq_cli=operation.seq_cli)
        undecided = (
            dict(o.done)["take"] or 0
            for o in world.open
            if o.id != item.id and {name for name, _ in o.done} >= {"take"} and not {n for n, _ in o.done} & {"decide"}
        )
        return Request(undecided=min(undecided, default=world.marks.seq_max + 1))


def _may(name: str, done: dict[str, int | None]) -> bool:
    """An operation does each thing once; a refusal is the only thing it does; what is decided was taken."""
    if name in done or (name in ("refuse", "exhausted") and done):
        return False
    return name != "decide" or "take" in done
