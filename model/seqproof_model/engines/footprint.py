# pyright: basic
"""What each action and each property reads and writes, found by running them on symbols and looking at what comes out.

The argument of ``unbounded.py`` rests on this. An action may read and write the account, the phone that acts, the
packets that it takes and puts, and no more. A property of a thing may read that thing, the account, and whether a mark
is covered. And ``x``, the followed message, may only look on: what is held by a phone must not decide what happens, nor
where a mark goes, and a property may ask what is held once, and only so that holding more can never break it. (Then "it
holds for each x" says the same as "it holds of the set of all messages".)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import z3

from seqproof_model.definition import Definition
from seqproof_model.engines.induction import Induction
from seqproof_model.engines.solving import Formula, Question, Sort, truth
from seqproof_model.engines.terms import Term, Terms
from seqproof_model.engines.unbounded import Picks, Role
from seqproof_model.network import CONDITIONS, Action
from seqproof_model.properties import Always
from seqproof_model.rules import Value
from seqproof_model.scope import Scope
from seqproof_model.state import Kind

COVERED, HELD = "covered", "held"
CONSTANTS = frozenset({"seq_max", "page"})


@dataclass(frozen=True)
class Footprint:
    """``of``: an action or a property. ``reads``, ``writes``: names of variables. ``wrong``: what must not be."""

    of: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    wrong: tuple[str, ...]


def footprints(definition: Definition, scope: Scope) -> tuple[Footprint, ...]:
    """The footprints of all actions of a scope, then of all its properties."""
    induction = Induction(definition, scope, Sort.INT)
    actions = [_of_action(induction, action) for action in induction.shape.actions]
    return (*actions, *(_of_state(induction, p) for p in induction.always), *_of_steps(induction))


# ---------------------------------------------------------------- actions


def _of_action(induction: Induction, action: Action) -> Footprint:
    picks = induction.shape.picks(induction.variables, action)
    move = induction.shape.step(induction.c, induction.view, action, picks)
    step, c = move.step, move.step.c
    guards = [CONDITIONS[name](c, step.before, step.phone, step.taken) for name in action.guards]
    account = dict(_changed("", step.before, step.after))
    phone = dict(_changed(f"{Role.ACTING}.", step.phone, step.phone_after))
    put = {} if step.put is None else {f"put.{name}": value for name, value in step.put._asdict().items()}
    written = account | phone | put
    got = f"{Role.ACTING}.got"
    marks = _names([*guards, *(value for name, value in written.items() if name != got)])
    reads = marks | _names(written.values())
    wrong: list[str] = []
    if strangers := reads - _known(induction, action, picks):
        wrong.append(f"it reads {', '.join(sorted(strangers))}")
    if held := {name for name in marks if name in ("x", "others") or name.endswith(".got")}:
        wrong.append(f"a guard or a mark depends on what is held: {', '.join(sorted(held))}")
    if not action.of_phone and phone:
        wrong.append("an action of the account changes a phone")
    if (step.put is None) != (action.puts is None):
        wrong.append("it puts no packet where it should, or one where it should not")
    return Footprint(action.name, tuple(sorted(reads)), tuple(written), tuple(wrong))


def _changed(prefix: str, before: Any, after: Any) -> Iterator[tuple[str, Value]]:
    for name, old, new in zip(before._fields, before, after, strict=True):
        if new is not old:
            yield prefix + name, new


def _known(induction: Induction, action: Action, picks: Picks) -> set[str]:
    """The variables that an action may read: the account's, the acting phone's, those of the packets that it picks."""
    view = induction.view
    nouns: list[Any] = [view.account, picks.taken or ()]
    nouns += [view.phones[Role.ACTING]] if action.of_phone else []
    nouns += [(picks.lowest.there, *picks.lowest.packet)] if picks.lowest else []
    return _names(value for noun in nouns for value in noun) | CONSTANTS | {"x"}


# ---------------------------------------------------------------- properties


class _Spy(Terms):
    """An algebra that answers whether a mark is covered with a variable of its own, and counts."""

    def __init__(self, x: Term) -> None:
        super().__init__(x)
        self.asked: list[Any] = []

    def covers(self, held: Value, n: Value) -> Value:  # noqa: ARG002
        """A variable: covered, or not."""
        self.asked.append(z3.Bool(f"{COVERED} {len(self.asked)}"))
        return Term(self.asked[-1])


def _of_state(induction: Induction, judged: Always) -> Footprint:
    reads: set[str] = set()
    wrong: list[str] = []
    for what, _, seen in induction.view.seen(induction.c, judged.of):
        spy = _Spy(induction.x)
        held = induction.variables(HELD, Kind.SET)
        formula = truth(judged.holds(seen._replace(c=replace(seen.c, a=spy), held=held)))
        found = _names([Term(formula)])
        reads |= found
        allowed = _names((*seen.account, *seen.phone, *(seen.packet or ()))) | CONSTANTS | _names(map(Term, spy.asked))
        if strangers := found - allowed:
            wrong.append(f"of {what} it reads {', '.join(sorted(strangers))}")
        wrong += [f"of {what}: {why}" for why in _held_wrongly(formula, spy.asked)]
    return Footprint(judged.name, tuple(sorted(reads)), (), tuple(wrong))


def _held_wrongly(formula: Formula, covered: list[Any]) -> Iterator[str]:
    """A property may ask once what is covered; that more is covered must never break it."""
    if len(covered) > 1:
        yield "it asks more than once what is covered"
    for variable in covered:
        less, more = (z3.substitute(formula, (variable, z3.BoolVal(value))) for value in (False, True))
        if Question([less, z3.Not(more)]).ask() is not False:
            yield "to hold more can break it"


def _of_steps(induction: Induction) -> Iterator[Footprint]:
    for judged in induction.of_steps:
        reads: set[str] = set()
        for action in induction.shape.actions:
            if judged.applies(action):
                picks = induction.shape.picks(induction.variables, action)
                spy = replace(induction.c, a=_Spy(induction.x))
                step = induction.shape.step(spy, induction.view, action, picks).step
                reads |= _names([judged.holds(step)])
        held = {name for name in reads if name in ("x", "others") or name.endswith(".got") or name.startswith(COVERED)}
        wrong = (f"it depends on what is held: {', '.join(sorted(held))}",) if held else ()
        yield Footprint(judged.name, tuple(sorted(reads)), (), wrong)


# ---------------------------------------------------------------- formulas


def _names(values: Iterable[Value]) -> set[str]:
    """The names of the variables in some terms."""
    found: set[str] = set()
    todo = [value.term for value in values if isinstance(value, Term)]
    seen: set[int] = set()
    while todo:
        term = todo.pop()
        if term.get_id() in seen:
            continue
        seen.add(term.get_id())
        if z3.is_const(term) and term.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            found.add(term.decl().name())
        todo += term.children()
    return found
