# pyright: basic
"""PSH-4 for any number of phones, packets and messages: a ranking argument, its steps proved in Z3.

**The claim.** Over a fair network (``assumptions.py``) a stored message x reaches some phone. One phone d that keeps
asking is enough; all others may do what they like.

**The argument.** Say that x *waits* while x <= svr and no phone holds it. Suppose that it waits for ever.

1. *Nothing skips x* (proved). While it waits, confirmed, what is trimmed, each seq_cli, and the lower end of each
   reply, under way or being made, are below x. For each of them is covered: all messages up to it are held by some
   phone. That they are covered is the safety of the protocol; ``induction.py`` proves it. ``LEMMAS`` are their names.
2. *x stays stored* (proved for each action but ``restore``). So the waiting ends in one way only: some phone holds x.
   A restore may take x from the store; then x is not stored, and nothing is owed.
3. *The rank never rises* (proved for each action). The rank is x - seq_cli of phone d. By 1 it is at least 1 while x
   waits, so it falls only finitely often, and from some moment on it stays the same. From now on, only look at what
   comes after that moment. (argued)
4. *There is a next step* (proved, stage by stage; a stage is what is there):

       the server is down       ``restart`` can be taken; then it is up
       it is up                 ``ask`` can be taken; it puts a *fresh* request, whose seq_cli is that of phone d
       up, a fresh request      ``recv`` can be taken; it puts a reply that *brings news*
       up or down, such a reply ``deliver`` can be taken; then x is held, or the rank has fallen

   A reply brings news if it begins below x and ends above the phone's seq_cli. With overlapping steps, ``begin`` makes
   of a fresh request one that is *well served*: its lower end, once seen, is from seq_cli to below x, its upper end,
   once seen, is at least x. Each of the three looks can be taken, keeps that, and leaves one look less to take;
   with none left, ``reply`` can be taken and puts a reply that brings news.
5. *The next step is taken* (argued). What is fresh, well served, or brings news is so by what the packet says, by x,
   and by d's seq_cli, which changes no more; so it stays so until it is taken or lost. By ``restart`` the server is up
   again and again. So by ``ask`` a fresh request is under way, with the server up, again and again; all fresh requests
   say the same, so by ``recv`` replies with news are put again and again. All marks lie in 0..seq_max, so there are
   finitely many things that a reply can say; one of them is put again and again, and by ``deliver`` one such reply
   arrives. But then x is held, or the rank falls: neither can be. So x does not wait for ever. With overlapping steps
   the same is said of each of the five steps in turn.

What is lost on the way makes a stage fall back, any number of times: the argument counts no losses. Nor does it need
a channel to have room, which it has here always. Where slots are few, an old packet that is duplicated for ever may
keep a new one out, so there the explorer must assume ``leave`` besides.

*Unpaged* there is more to say: every reply that is formed while x waits, to an old request too, holds x.

Seqs are integers of any size, or 32-bit vectors. Pages are of any size. What must be true is asked with the
definition's own guards and effects. That what is assumed can be true at all is asked as well: an obligation that starts
from a contradiction is not proved. Source: docs/protocol.md, PSH-4; strong fairness and helpful actions after Manna and
Pnueli (1991).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import z3
from z3.z3util import get_vars

from seqproof_model.definition import Definition
from seqproof_model.engines.solving import TIMEOUT_MS, UINT_MAX, Formula, Sort, Variables, ask, plain, smallest, truth
from seqproof_model.engines.terms import Terms
from seqproof_model.engines.unbounded import Move, Role, Unbounded, View
from seqproof_model.network import Action
from seqproof_model.properties import STATE_PROPERTIES, Always
from seqproof_model.rules import Value
from seqproof_model.scope import Scope
from seqproof_model.state import Channel, Kind, Phone, Question, Reply, Service

LEMMAS = (  # the state properties that are assumed
    "svr <= taken <= seq_max",
    "confirmed is covered",
    "trimmed <= confirmed",
    "svr < open",
    "cli is covered",
    "request <= cli",
    "reply begins covered",
    "served request <= cli",
    "served lower is covered",
)
LOOKS = {"confirm": "has_confirmed", "look_lower": "has_lower", "look_upper": "has_upper"}  # and the flag of each
SKIPS: dict[Channel, tuple[str, Callable[[Terms, Value], Value]]] = {
    Channel.REQUESTS: ("a request says less than x", lambda _a, q: q.seq_cli),
    Channel.REPLIES: ("a reply begins below x", lambda _a, q: q.lower),
    Channel.SERVING: ("a lower end that was seen is below x", lambda a, q: a.select(q.has_lower, q.lower, q.seq_cli)),
}


class Obligation(NamedTuple):
    """What must be proved: that the goal holds wherever all that is given holds.

    ``occurs``: what is given must be possible. An action that cannot be taken while x waits keeps everything.
    """

    name: str
    sentence: str
    given: tuple[Formula, ...]
    goal: Formula
    occurs: bool = True


@dataclass(frozen=True)
class Proof:
    """What came of one obligation. ``proved``: None where time was up. ``vacuous``: what is given is never true.

    ``values``: the variables of a small case that refutes it; empty where there is none.
    """

    name: str
    sentence: str
    proved: bool | None
    vacuous: bool
    occurs: bool
    milliseconds: float
    values: Mapping[str, int | bool]

    @property
    def holds(self) -> bool:
        """It is proved, and not from a contradiction."""
        return bool(self.proved) and not (self.vacuous and self.occurs)


@dataclass(frozen=True)
class Ranking:
    """The table of a definition's obligations."""

    definition: Definition
    scope: Scope
    sort: Sort
    proofs: tuple[Proof, ...]

    @property
    def holds(self) -> bool:
        """Every obligation does."""
        return not self.failed

    @property
    def failed(self) -> tuple[Proof, ...]:
        """The obligations that do not hold."""
        return tuple(proof for proof in self.proofs if not proof.holds)


def rank(
    definition: Definition, scope: Scope, sort: Sort = Sort.VECTOR, progress: Callable[[Proof], None] = lambda _: None
) -> Ranking:
    """Prove the obligations of a definition; of the scope only the switches count. Raises KeyboardInterrupt."""
    proofs: list[Proof] = []
    argument = Argument(definition, scope, sort)
    for obligation in argument.obligations():
        proofs.append(argument.prove(obligation))
        progress(proofs[-1])
    return Ranking(definition, scope, sort, tuple(proofs))


class Argument:
    """The obligations of a definition, over one arbitrary view of an arbitrary state. Phone d is the one that asks."""

    def __init__(self, definition: Definition, scope: Scope, sort: Sort) -> None:
        self._shape = Unbounded(definition, scope)
        self._sort = sort
        self._variables = Variables(sort)
        self._x = self._variables("x", Kind.SEQ)
        self._a = Terms(self._x)
        seq_max = self._variables("seq_max", Kind.SEQ) if sort is Sort.INT else sort.number(UINT_MAX)
        self._c = self._shape.setting(self._a, seq_max, self._variables("page", Kind.SEQ))
        self._view = self._shape.view(self._variables)

    def obligations(self) -> Iterator[Obligation]:
        """All of them, in the order of the argument."""
        yield from self._nothing_skips()
        yield from self._stays_stored()
        yield from self._rank_never_rises()
        yield from self._next_steps()

    def prove(self, obligation: Obligation) -> Proof:
        """Ask Z3 whether the goal can fail, and whether what is given can be."""
        begin = time.perf_counter()
        solver = z3.Solver()
        solver.set("timeout", TIMEOUT_MS)
        solver.add(*self._domain(), *obligation.given)
        vacuous = ask(solver) is False
        solver.add(z3.Not(obligation.goal))
        refuted = ask(solver)
        values = self._values(solver, obligation) if refuted else {}
        proved = None if refuted is None else not refuted
        name, sentence, _, _, occurs = obligation
        return Proof(name, sentence, proved, vacuous, occurs, 1000 * (time.perf_counter() - begin), values)

    def _values(self, solver: z3.Solver, obligation: Obligation) -> dict[str, int | bool]:
        """A small case: the variables that the obligation reads, but for the fields of packets that are not there."""
        absent = [z3.Not(truth(flag)) for flag in self._variables.of(Kind.FLAG)]
        model = smallest(solver, absent, self._variables.of(Kind.SEQ))
        read = {str(v) for formula in (*obligation.given, obligation.goal) for v in get_vars(formula)}
        values = {n: plain(model, self._variables(n, k)) for n, k in self._variables.kinds.items() if n in read}
        return {name: v for name, v in values.items() if values.get(f"{name.rpartition('.')[0]}.there", True)}

    # ---------------------------------------------------------------- what is given

    def _domain(self) -> Iterator[Formula]:
        """A message is at least 1, and so is a page; no seq is negative."""
        for name, kind in self._variables.kinds.items():
            if kind is Kind.SEQ and (self._sort is Sort.INT or name in ("x", "page")):
                yield truth(self._variables(name, kind) >= int(name in ("x", "page")))

    def _waiting(self, view: View, *given: Value) -> tuple[Formula, ...]:
        """X waits in a view in which the lemmas hold, and whatever else is given."""
        facts = [
            self._a.no(there) | lemma.holds(seen)
            for lemma in self._lemmas
            for _, there, seen in view.seen(self._c, lemma.of)
        ]
        return tuple(map(truth, (self._x <= view.account.svr, self._a.no(view.held), *facts, *given)))

    @cached_property
    def _lemmas(self) -> list[Always]:
        return [p for p in STATE_PROPERTIES if p.name in LEMMAS and p.when(self._shape.scope)]

    def _moves(self, *names: str) -> Iterator[tuple[Action, Move]]:
        """The actions of these names, those too that leave what they take under way; all actions by default."""
        for action in self._shape.actions:
            if not names or action.name.removesuffix("_dup") in names:
                picks = self._shape.picks(self._variables, action)
                yield action, self._shape.step(self._c, self._view, action, picks)

    def _taken(self, move: Move) -> tuple[Formula, ...]:
        return self._waiting(move.before, *(guard for _, guard in move.guards))

    # ---------------------------------------------------------------- 1 to 3

    def _nothing_skips(self) -> Iterator[Obligation]:
        view, given = self._view, self._waiting(self._view)
        marks = (view.account.confirmed < self._x) & (view.account.trimmed < self._x)
        yield Obligation("marks", "what is confirmed or trimmed is below x", given, truth(marks))
        below = view.phones[Role.ACTING].cli < self._x
        yield Obligation("seq_cli", "each seq_cli is below x: the rank is at least 1", given, truth(below))
        for (role, channel), ((_, there, packet),) in view.packets.items():
            if role is Role.ACTING:
                sentence, lower = SKIPS[channel]
                goal = self._a.no(there) | (lower(self._a, packet) < self._x)
                yield Obligation(str(channel), sentence, given, truth(goal))

    def _stays_stored(self) -> Iterator[Obligation]:
        for action, move in self._moves():
            if action.name != "restore":
                goal = truth(self._x <= move.after.account.svr)
                yield Obligation(f"stored: {action.name}", "x stays stored", self._taken(move), goal, occurs=False)

    def _rank_never_rises(self) -> Iterator[Obligation]:
        for action, move in self._moves():
            for role, after in move.after.phones.items():
                who = f"{action.name}, of d" if action.of_phone and role is Role.ACTING else f"{action.name}, not of d"
                goal = truth(self._view.phones[role].cli <= after.cli)
                yield Obligation(f"rank: {who}", "d's seq_cli does not fall", self._taken(move), goal, occurs=False)

    # ---------------------------------------------------------------- 4

    def _next_steps(self) -> Iterator[Obligation]:
        phone, up = self._view.phones[Role.ACTING], self._view.account.up
        for action, move in self._moves("restart"):
            yield from self._next(action, move, "the server is up", move.after.account.up, self._a.no(up))
        for action, move in self._moves("ask"):
            fresh = self._fresh(phone, move.step.put) & move.after.account.up
            yield from self._next(action, move, "a fresh request is under way, the server up", fresh, up)
        for action, move in self._moves("recv"):
            news = self._news(phone, move.step.put)
            yield from self._next(action, move, "the reply brings news", news, up, self._fresh(phone, move.step.taken))
        yield from self._served(phone, up)
        for action, move in self._moves("deliver"):
            falls = move.after.held | (phone.cli < move.after.phones[Role.ACTING].cli)
            news = self._news(phone, move.step.taken)
            yield from self._next(action, move, "x is held, or the rank has fallen", falls, news)
        if self._shape.scope.page is None:
            yield from self._unpaged()

    def _served(self, phone: Phone, up: Value) -> Iterator[Obligation]:
        """With overlapping steps: a request is begun, the three looks are taken, it is answered."""
        for action, move in self._moves("begin"):
            well = self._well_served(phone, move.step.put) & move.after.account.up
            fresh = self._fresh(phone, move.step.taken)
            yield from self._next(action, move, "the request is well served, the server up", well, up, fresh)
        for action, move in self._moves(*LOOKS):
            before, after = move.step.taken, move.step.put
            left = self._a.no(getattr(before, LOOKS[action.name]))
            well = self._well_served(phone, after) & move.after.account.up
            for name, flag in LOOKS.items():
                well &= getattr(after, flag) == (self._a.true() if name == action.name else getattr(before, flag))
            sentence = "the request is well served, the server up, one look less to take"
            yield from self._next(action, move, sentence, well, up, left, self._well_served(phone, before))
        for action, move in self._moves("reply"):
            well, news = self._well_served(phone, move.step.taken), self._news(phone, move.step.put)
            looks = [getattr(move.step.taken, flag) for flag in LOOKS.values()]
            yield from self._next(action, move, "the reply brings news", news, up, well, *looks)

    def _unpaged(self) -> Iterator[Obligation]:
        for action, move in self._moves("recv"):
            goal = (move.step.put.lower < self._x) & (self._x <= move.step.put.upper)
            given = self._taken(move)
            yield Obligation(f"unpaged: {action.name}", "every reply that is formed holds x", given, truth(goal))

    def _next(self, action: Action, move: Move, sentence: str, goal: Value, *stage: Value) -> Iterator[Obligation]:
        """In a stage an action can be taken, and what it leads to."""
        given = self._waiting(move.before, *stage)
        can = z3.And([truth(guard) for _, guard in move.guards])
        yield Obligation(f"enabled: {action.name}", f"{action.name} can be taken", given, can)
        yield Obligation(f"helps: {action.name}", sentence, (*given, can), truth(goal))

    # ---------------------------------------------------------------- of packets

    def _fresh(self, phone: Phone, request: Question) -> Value:
        return request.seq_cli == phone.cli

    def _well_served(self, phone: Phone, q: Service) -> Value:
        lower = (phone.cli <= q.lower) & (q.lower < self._x)
        upper = self._x <= q.upper
        return (q.seq_cli == phone.cli) & (self._a.no(q.has_lower) | lower) & (self._a.no(q.has_upper) | upper)

    def _news(self, phone: Phone, reply: Reply) -> Value:
        return (reply.lower < self._x) & (phone.cli < reply.upper)
