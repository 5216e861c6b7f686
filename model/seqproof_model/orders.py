"""Every history that correct servers can give to a few operations: all orders of all moments, enumerated.

``shapes`` draws histories at random; here none is left out. Operations begin and end in every order. In between, each
open operation takes the rules of ``rules`` one by one, in any order: a recv confirms and takes its two ends, a send
takes its seq and is decided; what was never answered may still act at any later time, or never. ``Scope`` adds the
liberties that the rule table does not speak of: numbers skipped, old upper ends, pages, refusals, repeats.

What is enumerated is a tree. A ``Branch`` is a place where an operation is about to be answered: what happened so far,
and *all* answers that a correct server may give. So a judge is held to it from both sides: each of these answers must
pass, and any other is one that no order explains. An operation that is never answered needs no branch of its own: such
a history is the beginning of another one.

Beside ``worlds``, which filters the worlds by a given answer, this generates the answers; the two share only the rules.
Source: docs/protocol.md; docs/requirements.md, "What no server is failed for".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from seqproof_model import history as h
from seqproof_model import rules
from seqproof_model.profile import Profile
from seqproof_model.rules import Marks, Operation, Request

VOID = 0  # in the log: a number that was skipped
ACCOUNT = "x"
Answer = h.Ok | h.Refused | h.Settled
Done = frozenset[tuple[str, int | None]]  # what an operation has done, and what it saw


@dataclass(frozen=True)
class Scope:
    """What is enumerated: how many operations, and which liberties the server and the network take.

    ``asks``: the seq_cli that recvs carry. ``gaps``: how many numbers may be skipped. ``settles``: an operation may be
    said to be over instead of being answered. ``kill``: the server may be killed, once. ``repeats``: all sends are one,
    sent again under its client id; ``idempotent``: then only one message is made. ``equal``: all bodies are the same.
    """

    operations: int = 3
    asks: tuple[int, ...] = (0, 1, 2)
    base: int = 0
    seq_max: int = 9
    gaps: int = 0
    lags: bool = False
    pages: bool = False
    tells_seq: bool = True
    fails: bool = False
    settles: bool = False
    kill: bool = False
    equal: bool = False
    repeats: bool = False
    idempotent: bool = False

    @property
    def more_words(self) -> tuple[bool | None, ...]:
        """What a reply that leaves nothing out may say of more."""
        return (None, False, True) if self.pages else (None,)

    @property
    def profile(self) -> Profile:
        """The profile whose servers these are."""
        return Profile(
            "scope",
            seq_max=self.seq_max,
            gaps=self.gaps > 0,
            idempotent=self.idempotent,
            lagging=self.lags,
        )


SCOPES = {  # every liberty by itself, and some together
    "plain": Scope(),
    "pages": Scope(pages=True),
    "a full space": Scope(seq_max=1),
    "after a preset": Scope(base=1),
    "recvs that fail": Scope(fails=True),
    "a kill": Scope(kill=True),
    "lagging": Scope(lags=True),
    "equal bodies": Scope(equal=True),
    "repeats": Scope(repeats=True),
    "repeats, idempotent": Scope(repeats=True, idempotent=True),
    "settled": Scope(settles=True),
    "not told": Scope(tells_seq=False),
    "not told, equal bodies": Scope(tells_seq=False, equal=True),
    "not told, repeats": Scope(tells_seq=False, repeats=True),
    "not told, repeats, idempotent": Scope(tells_seq=False, repeats=True, idempotent=True),
    "gaps": Scope(gaps=1),
    "gaps, lagging": Scope(gaps=1, lags=True),
    "gaps, equal bodies, not told": Scope(gaps=1, equal=True, tells_seq=False),
    "gaps, repeats": Scope(gaps=1, repeats=True),
    "gaps, repeats, idempotent, not told": Scope(gaps=1, repeats=True, idempotent=True, tells_seq=False),
    "gaps, pages, settled, recvs that fail": Scope(gaps=2, pages=True, settles=True, fails=True),
}


class Open(NamedTuple):
    """An operation that may still do something."""

    id: int
    done: Done


class State(NamedTuple):
    """One possible truth. ``log[k]``: the send that took the seq ``base + 1 + k``, or VOID."""

    marks: Marks
    log: tuple[int, ...]
    open: frozenset[Open]


@dataclass(frozen=True)
class Branch:
    """A place where operation ``id`` is answered: the events before, and all answers that are possible."""

    before: tuple[h.Event, ...]
    id: int
    answers: frozenset[Answer]


def branches(scope: Scope) -> Iterator[Branch]:
    """Enumerate the tree, depth first."""
    marks = rules.start(scope.seq_max, scope.base)
    preset = (h.Preset(ACCOUNT, scope.base),) if scope.base else ()
    return _Tree(scope).grow(preset, (), {State(marks, (), frozenset())}, killed=not scope.kill)


class _Tree:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.operations: dict[int, h.Send | h.Recv] = {}

    def grow(
        self, before: tuple[h.Event, ...], running: tuple[int, ...], states: set[State], *, killed: bool
    ) -> Iterator[Branch]:
        """Every branch that comes after ``before``, where ``running`` operations await their answers."""
        begun = sum(isinstance(event, h.Send | h.Recv) for event in before)
        for operation in self._kinds(begun + 1) if begun < self.scope.operations else ():
            self.operations[operation.id] = operation
            new = Open(operation.id, frozenset())
            after = {state._replace(open=state.open | {new}) for state in states}
            yield from self.grow((*before, operation), (*running, operation.id), after, killed=killed)
        for number in running:
            answers = self._answers(number, states)
            yield Branch(before, number, frozenset(answers))
            left = tuple(other for other in running if other != number)
            for answer, after in answers.items():
                yield from self.grow((*before, *ending(number, answer)), left, after, killed=killed)
        if running and not killed:
            lost = (h.Indefinite("killed", id=number) for number in running)
            yield from self.grow((*before, h.Kill(), *lost, h.Restart()), (), states, killed=True)

    def _kinds(self, number: int) -> Iterator[h.Send | h.Recv]:
        body = "a" if self.scope.equal or self.scope.repeats else "abcdefgh"[number - 1]
        yield h.Send(number, ACCOUNT, body, client_id="c" if self.scope.repeats else f"c{number}")
        for ask in self.scope.asks:
            yield h.Recv(number, ACCOUNT, "AB"[number % 2], ask)

    # ---------------------------------------------------------------- an operation is answered

    def _answers(self, number: int, states: set[State]) -> dict[Answer, set[State]]:
        found: dict[Answer, set[State]] = {}
        for state in self._reachable(states):
            done = dict(next(item.done for item in state.open if item.id == number))
            over = state._replace(open=frozenset(item for item in state.open if item.id != number))
            sending = isinstance(self.operations[number], h.Send)
            for answer in self._sent(number, state, done) if sending else self._received(number, state, done):
                found.setdefault(answer, set()).add(over)
            if not sending and self.scope.fails:  # it may have confirmed, or may yet
                found.setdefault(h.Refused(h.Code.STORE, id=number), set()).add(state)
            if self.scope.settles and (not done or done.keys() & {"decide", "confirm"}):
                found.setdefault(h.Settled(number), set()).add(over)
        return found

    def _sent(self, number: int, state: State, done: dict[str, int | None]) -> Iterator[Answer]:
        if "exhausted" in done:
            yield h.Refused(h.Code.FULL, id=number)
        elif not done:
            yield h.Refused(h.Code.POLICY, id=number)
            if self.scope.repeats and any(self._sends(item.id) and item.id != number for item in state.open):
                yield h.Refused(h.Code.BUSY, id=number)
        elif "decide" in done or "echo" in done:
            seqs = {done.get("take", done.get("echo"))}
            if self.scope.repeats and not self.scope.idempotent:
                seqs |= set(self._stored(state, number))  # a second message that nobody is told of
            for seq in seqs:
                yield h.Ok(number, seq=seq if self.scope.tells_seq else None)

    def _sends(self, number: int) -> bool:
        return isinstance(self.operations[number], h.Send)

    def _received(self, number: int, state: State, done: dict[str, int | None]) -> Iterator[Answer]:
        if "refuse" in done:
            yield h.Refused(h.Code.AHEAD, id=number)
            yield from (h.Ok(number, rows=(), more=more) for more in self.scope.more_words)
        elif done.keys() >= rules.ANSWERED:
            first, last = (done["look_lower"] or 0) + 1, done["look_upper"] or 0
            due = [(seq, self._body(state, seq)) for seq in range(max(first, self.scope.base + 1), last + 1)]
            rows = tuple((seq, body) for seq, body in due if body)
            yield from (h.Ok(number, rows=rows, more=more) for more in self.scope.more_words)
            for end in range(1, len(rows)) if self.scope.pages else ():
                yield from (h.Ok(number, rows=rows[:end], more=more) for more in (None, True))

    def _body(self, state: State, seq: int) -> str:
        operation = self.operations.get(state.log[seq - self.scope.base - 1])
        return operation.body if isinstance(operation, h.Send) else ""

    # ---------------------------------------------------------------- moments

    def _reachable(self, states: Iterable[State]) -> set[State]:
        seen = set(states)
        stack = list(seen)
        while stack:
            for after in self._moves(stack.pop()):
                if after not in seen:
                    seen.add(after)
                    stack.append(after)
        return seen

    def _moves(self, state: State) -> Iterator[State]:
        marks = state.marks
        if marks.taken < marks.seq_max and state.log.count(VOID) < self.scope.gaps:
            taken = marks.taken + 1
            svr = min(taken, self._undecided(state, 0) - 1)
            yield State(marks._replace(taken=taken, svr=svr), (*state.log, VOID), state.open)
        for item in state.open:
            done = {name for name, _ in item.done}
            if done & {"refuse", "exhausted", "echo"}:
                continue
            for marks, deed in self._deeds(state, item, done):
                log = (*state.log, item.id) if deed[0] == "take" else state.log
                yield State(marks, log, state.open - {item} | {Open(item.id, item.done | {deed})})

    def _deeds(self, state: State, item: Open, done: set[str]) -> Iterator[tuple[Marks, tuple[str, int | None]]]:
        operation = self.operations[item.id]
        if isinstance(operation, h.Send):
            kind, request = Operation.SEND, Request(undecided=self._undecided(state, item.id))
        else:
            kind, request = Operation.RECV, Request(seq_cli=operation.seq_cli)
        stored = self._stored(state, item.id) if kind is Operation.SEND and self.scope.repeats else ()
        if not done:
            yield from ((state.marks, ("echo", seq)) for seq in stored)
        for rule in rules.RULES:
            alone, second = rule.name in ("refuse", "exhausted"), rule.name == "decide"
            if rule.operation is not kind or rule.name in done or (alone and done) or (second and "take" not in done):
                continue
            if rule.name == "take" and self.scope.idempotent and self.scope.repeats and any(state.log):
                continue  # another attempt is stored, or being stored
            taken = rules.step(rule, state.marks, request)
            if taken and rule.name == "look_upper" and self.scope.lags:
                yield from ((taken[0], (rule.name, seen)) for seen in range(self.scope.base, state.marks.svr + 1))
            elif taken:
                yield taken[0], (rule.name, taken[1])

    def _undecided(self, state: State, besides: int) -> int:
        """The lowest seq that another send has taken and not yet decided; beyond the space where there is none."""
        names = {item.id: {name for name, _ in item.done} for item in state.open if item.id != besides}
        seqs = (seq for seq, owner in enumerate(state.log, self.scope.base + 1) if owner in names)
        waiting = (seq for seq in seqs if "decide" not in names[state.log[seq - self.scope.base - 1]])
        return min(waiting, default=state.marks.seq_max + 1)

    def _stored(self, state: State, besides: int) -> Iterator[int]:
        """The seqs of messages of other sends that are decided."""
        waiting = {item.id for item in state.open if "decide" not in {name for name, _ in item.done}}
        for seq, owner in enumerate(state.log, self.scope.base + 1):
            if owner not in (VOID, besides) and owner not in waiting:
                yield seq


def ending(number: int, answer: Answer) -> tuple[h.Event, ...]:
    """Return the events with which operation ``number`` ends."""
    return (h.Indefinite("no answer", id=number), answer) if isinstance(answer, h.Settled) else (answer,)


def domain(branch: Branch, scope: Scope) -> Iterator[Answer]:
    """Every answer of a small domain: rows of the bodies that were sent, at all seqs that could hold them, and more."""
    sends = [event for event in branch.before if isinstance(event, h.Send)]
    operation = next(e for e in branch.before if isinstance(e, h.Send | h.Recv) and e.id == branch.id)
    first, top = scope.base + 1, scope.base + len(sends) + 1
    if isinstance(operation, h.Send):
        for seq in range(first, top + 1) if scope.tells_seq else (None,):
            yield h.Ok(branch.id, seq=seq)
        yield h.Refused(h.Code.FULL, id=branch.id)
        yield h.Refused(h.Code.POLICY, id=branch.id)
        return
    yield h.Refused(h.Code.AHEAD, id=branch.id)
    yield from (h.Ok(branch.id, rows=(), more=more) for more in scope.more_words)
    bodies = sorted({send.body for send in sends})
    for low in range(first, top + 1):
        for high in range(low, top + 1):
            for chosen in product(bodies, repeat=high - low + 1):
                rows = tuple(zip(range(low, high + 1), chosen, strict=True))
                for more in scope.more_words:
                    yield h.Ok(branch.id, rows=rows, more=more)


class Counts(NamedTuple):
    """What a judge made of a scope. ``alarms`` must be 0; ``forgotten``: impossible answers that it let pass."""

    branches: int = 0
    possible: int = 0
    alarms: int = 0
    impossible: int = 0
    forgotten: int = 0


Blames = Callable[[tuple[h.Event, ...]], bool]


def hold(scope: Scope, blames: Blames, *, both: bool = True) -> Counts:
    """Hold a judge to a scope. ``blames``: whether it finds fault with a history; ``both``: from both sides."""
    branch_count = possible = alarms = impossible = forgotten = 0
    for branch in branches(scope):
        branch_count += 1
        possible += len(branch.answers)
        alarms += sum(blames((*branch.before, *ending(branch.id, answer))) for answer in branch.answers)
        others = [answer for answer in domain(branch, scope) if answer not in branch.answers] if both else []
        impossible += len(others)
        forgotten += sum(not blames((*branch.before, answer)) for answer in others)
    return Counts(branch_count, possible, alarms, impossible, forgotten)
