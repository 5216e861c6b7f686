# pyright: basic
"""That the unbounded shape leaves nothing out: every step of the model in small numbers is a step of it.

The unbounded shape has neither slots nor more than two phones. So take the model in small numbers, D phones and K
slots, any state of it, any step from there, and any phone that does not act for the bystander. What is then seen must
be a step of the unbounded shape: its guards hold, account and phones end up the same, and each packet that is under way
afterwards is one that the shape allows for. It is proved by Z3 for all states at once, reachable or not. Of them only
this is assumed: seqs are at most seq_max, as the state properties say; slots are filled from the first on, and open
sends are in order. That slots stay so is proved as well.

The unbounded shape is that of the scope whose proof covers the small one, so the special cases of ``unbounded.py``
(no trims, no backups, no pages) are checked along with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import z3

from seqproof_model.bounded import Bounded, Instance, State, Taken, every, some
from seqproof_model.definition import Definition
from seqproof_model.engines.solving import TIMEOUT_MS, UINT_MAX, Question, Sort, Variables, truth
from seqproof_model.engines.terms import Term, Terms
from seqproof_model.engines.unbounded import LOWEST, Move, Picks, Place, Role, Unbounded, View, Watched, covering
from seqproof_model.rules import Value
from seqproof_model.scope import Scope
from seqproof_model.state import OF_PHONE, Account, Channel, Kind, Open


@dataclass(frozen=True)
class Refinement:
    """``views``: ways to look at an instance, each one question. ``failed``: those that are no step of the shape."""

    scope: Scope
    shape: Scope
    sort: Sort
    instances: int
    views: int
    failed: tuple[str, ...]
    milliseconds: float


def refines(
    definition: Definition,
    scope: Scope,
    sort: Sort = Sort.INT,
    *,
    shape: Unbounded | None = None,
    timeout_ms: int = TIMEOUT_MS,
    progress: Callable[[str], None] = lambda _: None,
) -> Refinement:
    """Check that the steps of a scope in small numbers are steps of the unbounded shape.

    ``scope`` needs 2 phones at least; ``messages`` are not counted, seqs are of any size. ``shape``: another one than
    that of the covering scope. ``progress`` gets each instance by name. Raises ValueError for a single phone.
    """
    if scope.phones < 2:
        raise ValueError("one phone has no bystander; take --phones 2 or more")
    began = time.perf_counter()
    checked = _Refining(definition, scope, sort, shape or Unbounded(definition, covering(scope)), timeout_ms)
    failed, views = [] if checked.start() else ["start"], 1
    for instance in checked.instances:
        progress(str(instance))
        for bystander in range(scope.phones):
            if bystander != instance.phone:
                views += 1
                if not checked.step(instance, bystander):
                    failed.append(f"{instance}, seen with phone {bystander}")
    milliseconds = (time.perf_counter() - began) * 1000
    return Refinement(scope, checked.shape.scope, sort, len(checked.instances), views, tuple(failed), milliseconds)


class _Refining:
    """One small model, in an arbitrary state, beside the unbounded shape."""

    def __init__(self, definition: Definition, scope: Scope, sort: Sort, shape: Unbounded, timeout_ms: int) -> None:
        self.bounded, self.shape = Bounded(definition, replace(scope, follow=True)), shape
        self.sort, self.timeout_ms = sort, timeout_ms
        self.instances = tuple(i for i in self.bounded.instances if i.literal in (None, 1))
        variables = Variables(sort)
        self.seq_max = variables("seq_max", Kind.SEQ) if sort is Sort.INT else sort.number(UINT_MAX)
        self.seq_cli = variables("seq_cli", Kind.SEQ)
        page = self.seq_max if scope.page is None else sort.number(scope.page)
        x = variables("x", Kind.SEQ)
        self.state = {v.name: variables(v.name, v.kind) for v in self.bounded.variables}
        self.c, self.unbounded_c = (
            self.bounded.setting(Terms(x), self.seq_max),
            shape.setting(Terms(x), self.seq_max, page),
        )
        seqs = [value for name, value in self.state.items() if variables.kinds[name] is Kind.SEQ and name != "x"]
        self.values = [truth((seq >= 0) & (seq <= self.seq_max)) for seq in seqs]
        self.values += [truth(self.seq_max >= 1), truth(x >= 1), truth(self.seq_cli >= 1)]

    # ---------------------------------------------------------------- questions

    def start(self) -> bool:
        """The small start is a start of the shape, and its slots are in order."""
        zero, no, yes = self.sort.number(0), Term(z3.BoolVal(False)), Term(z3.BoolVal(True))
        state = {v.name: zero if v.kind is Kind.SEQ else no for v in self.bounded.variables} | {"up": yes}
        begun = every(self.shape.start(self.unbounded_c, self.view(state, 0, 1), zero))
        return self._follows([], begun & self.in_order(state))

    def step(self, instance: Instance, bystander: int) -> bool:
        """A step of the small model is one of the shape, and leaves the slots in order."""
        literal = self.seq_cli if instance.action.takes is Channel.AHEAD else None
        taken = self.bounded.step(self.c, self.state, instance, literal)
        after = {**self.state, **taken.changes}
        acting = next(n for n in range(self.bounded.scope.phones) if n != bystander)
        acting = acting if instance.phone is None else instance.phone
        view = self.view(self.state, acting, bystander)
        picks = Picks(taken.step.taken, self.lowest(instance) if instance.action.effect == "decide" else None)
        move = self.shape.step(self.unbounded_c, view, instance.action, picks)
        same = self._same(move, taken, self.view(after, acting, bystander))
        assumed = [truth(self.in_order(self.state)), truth(taken.enabled())]
        return self._follows(assumed, same & self.in_order(after))

    def _follows(self, assumed: list[Any], wanted: Value) -> bool:
        return Question([*self.values, *assumed, z3.Not(truth(wanted))], self.timeout_ms).ask() is False

    # ---------------------------------------------------------------- a small state, seen as a view

    def account(self, state: State) -> Account:
        """The account; what is no variable in this scope is 0."""
        found = self.bounded.account(state)
        return Account(*(value if isinstance(value, Term) else self.sort.number(value) for value in found))

    def view(self, state: State, acting: int, bystander: int) -> View:
        """The view of two phones. A channel's slots are all watched: to choose one is to look at one of them."""
        numbers = {Role.ACTING: acting, Role.BYSTANDER: bystander}
        phones = {role: self.bounded.phone(state, number) for role, number in numbers.items()}
        third = set(range(self.bounded.scope.phones)).difference(numbers.values())
        others = some([Term(z3.BoolVal(False)), *(self.bounded.phone(state, n).got for n in sorted(third))])
        packets: dict[Place, tuple[Watched, ...]] = {}
        for channel in self.bounded.channels:
            for role in Role if channel in OF_PHONE else (None,):
                slots = self.bounded.slots(state, channel, None if role is None else numbers[role])
                packets[role, channel] = tuple(Watched(str(n), *slot) for n, slot in enumerate(slots))
        return View(self.account(state), phones, others, self.bounded.held(state), packets)

    def lowest(self, instance: Instance) -> Watched:
        """The open send in the first slot that is not taken."""
        slots = self.bounded.slots(self.state, Channel.SENDS, None)
        others = [slot for n, slot in enumerate(slots) if n != instance.slot]
        return Watched(LOWEST, *(others[0] if others else (Term(z3.BoolVal(False)), Open(self.sort.number(0)))))

    def in_order(self, state: State) -> Value:
        """Slots are filled from the first on, and open sends are in ascending order."""
        found = [self.c.a.true()]
        for channel in self.bounded.channels:
            owners: Iterable[int | None] = range(self.bounded.scope.phones) if channel in OF_PHONE else (None,)
            for owner in owners:
                for (there, packet), (also_there, other) in pairwise(self.bounded.slots(state, channel, owner)):
                    ordered = there & (packet[0] < other[0]) if channel is Channel.SENDS else there
                    found.append(self.c.a.no(also_there) | ordered)
        return every(found)

    # ---------------------------------------------------------------- the two steps are the same

    def _same(self, move: Move, taken: Taken, after: View) -> Value:
        """The guards of the shape hold, and it ends in what is seen afterwards."""
        found: list[Value] = [value for _, value in move.guards]
        found += _equal(move.after.account, after.account)
        for role, phone in move.after.phones.items():
            found += _equal(phone, after.phones[role])
        found += [move.after.others == after.others, move.after.held == after.held]
        found += _equal(move.step.phone_after, taken.step.phone_after)
        found += _equal(move.step.put or (), taken.step.put or ())
        owners = set(move.after.phones) | {None}
        for (owner, channel), slots in after.packets.items():
            allowed = move.after.packets.get((owner, channel), ())
            for _, there, packet in slots if owner in owners else ():
                known = [known_there & every(_equal(packet, known)) for _, known_there, known in allowed]
                found.append(self.c.a.no(there) | some([Term(z3.BoolVal(False)), *known]))
        return every([self.c.a.true(), *found])


def _equal(one: Any, other: Any) -> list[Value]:
    return [x == y for x, y in zip(one, other, strict=True)]
