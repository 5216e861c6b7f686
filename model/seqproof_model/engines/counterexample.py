# pyright: basic
"""A counterexample to induction: two states and the action between them, where all that is assumed holds before.

It is not a run yet: nothing says that the state before can ever be reached. If the search from the start
(``bounded_search.py``) finds the same property broken, the fault is real, and its trace is the thing to read. If it
finds nothing, a property may be missing that excludes the state before; ``excluded_by`` names those that are known, do
so, and were not assumed.

It is made small before it is shown: as few packets as can be, then small seqs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import z3

from seqproof_model.bounded import THERE
from seqproof_model.definition import Definition
from seqproof_model.engines.bounded_search import DEEPEST, Start, search
from seqproof_model.engines.induction import NATURAL, Case, Fact, Induction
from seqproof_model.engines.solving import TIMEOUT_MS, Formula, Model, ask, holds, plain, smallest
from seqproof_model.engines.terms import Term
from seqproof_model.engines.unbounded import ACCOUNT, TAKEN, Role, Unbounded, View
from seqproof_model.properties import PROPERTIES
from seqproof_model.rules import Value
from seqproof_model.scope import Scope
from seqproof_model.trace import Trace

Fields = dict[str, int | bool]
HOLDS = "holds x"  # the field of a set, as a set is one bit here


@dataclass(frozen=True)
class Counterexample:
    """``before`` and ``after``: from what there is (the account, phone d, the packet taken, …) to its fields.

    ``given``: x, seq_max, the page. ``broken``: of what the property does not hold. ``reachable``: None if the search
    was not made, or did not get through; it says False for ``searched`` only.
    """

    rule: str
    text: str
    property: str
    broken: str
    given: Fields
    before: dict[str, Fields]
    after: dict[str, Fields]
    excluded_by: tuple[str, ...]
    reachable: bool | None = None
    trace: Trace | None = None
    searched: str = ""


def counterexample(induction: Induction, case: Case, goal: Fact, timeout_ms: int = TIMEOUT_MS) -> Counterexample | None:
    """A small one for a goal that does not follow from the facts; None where time was up."""
    solver = z3.SimpleSolver()
    solver.set("timeout", timeout_ms)
    solver.set("ctrl_c", False)  # the questions are short; Python raises KeyboardInterrupt after them
    solver.add(*case.guards, *(fact.formula for fact in case.facts), z3.Not(goal.formula))
    if not ask(solver):
        return None
    given = {"x": induction.x, "seq_max": induction.seq_max}
    given |= {} if induction.c.page is None else {"page": induction.page}
    seqs = [*given.values(), *(value for _, value in _values(case) if not z3.is_bool(value.term))]
    model = smallest(solver, _wishes(case), seqs)
    return Counterexample(
        rule=case.rule,
        text=case.text,
        property=goal.property,
        broken=goal.what,
        given={name: plain(model, value) for name, value in given.items()},
        before=_shown(induction.shape, model, case, case.before),
        after={} if case.move is None else _shown(induction.shape, model, case, case.move.after),
        excluded_by=() if case.move is None else _excluding(induction, case, model),
    )


def reach(
    found: Counterexample,
    definition: Definition,
    scope: Scope,
    *,
    start: Start | None = None,
    deepest: int = DEEPEST,
    timeout_ms: int = TIMEOUT_MS,
    progress: Callable[[int], None] = lambda _: None,
) -> Counterexample:
    """Say whether the property can be broken from the start, in a scope in small numbers: with a shortest trace.

    The trace may end with another rule than the counterexample: it is the property that is searched for. A scope that
    does not have it gets the switch that it needs. No scope has ``NATURAL``; it is not searched for.
    """
    if found.property == NATURAL:
        return found
    scope = _having(scope, found.property)
    made = search(
        definition, scope, [found.property], start=start, deepest=deepest, timeout_ms=timeout_ms, progress=progress
    )
    where = scope.describe() if start is None else f"{scope.describe()}, 32-bit seqs {start}"
    if made.trace is not None:
        return replace(found, reachable=True, trace=made.trace, searched=f"in {len(made.trace)} steps, {where}")
    within = f"within {made.depth} steps, {where}"
    return replace(found, reachable=False if made.complete else None, searched=within)


def _having(scope: Scope, name: str) -> Scope:
    """The scope, or one with one switch more or less, that has a property."""
    switched = ({"trim": True}, {"restore": True, "crash": True}, {"restore": False}, {"overlap": not scope.overlap})
    wider = (scope, *(replace(scope, **switches) for switches in switched))
    (about,) = (p for p in PROPERTIES if p.name == name)
    return next((one for one in wider if about.when(one)), scope)


# ---------------------------------------------------------------- what is shown


def _wishes(case: Case) -> Iterator[Formula]:
    """No packets but those that matter, nobody holds x, the server is up, and nothing else has happened."""
    flags = [(name, value) for name, value in _values(case) if z3.is_bool(value.term)]
    for wished in (THERE, "got"):
        yield from (z3.Not(flag.term) for name, flag in flags if name == wished)
    yield case.before.account.up.term
    yield from (z3.Not(flag.term) for _, flag in flags)


def _values(case: Case) -> Iterator[tuple[str, Term]]:
    """The terms of all that there is before the action, with the names of the fields."""
    return ((name, value) for name, value in _fields_before(case) if isinstance(value, Term))


def _fields_before(case: Case) -> Iterator[tuple[str, Value]]:
    view = case.before
    yield "got", view.others
    taken = case.move.step.taken if case.move else None
    for noun in (view.account, *view.phones.values(), *(() if taken is None else (taken,))):
        yield from zip(noun._fields, noun, strict=True)
    for packets in view.packets.values():
        for _, there, packet in packets:
            yield THERE, there
            yield from zip(packet._fields, packet, strict=True)


def _shown(shape: Unbounded, model: Model, case: Case, view: View) -> dict[str, Fields]:
    """All that there is in a view, in words, without what is no variable. Where no phone acts, one phone is shown."""
    acts = case.move is not None and case.move.step.action.of_phone
    shown = {ACCOUNT: _fields(model, view.account, shape.account_fields)}
    for role, phone in view.phones.items():
        if acts or role is Role.BYSTANDER:
            shown[f"phone {role}"] = _fields(model, phone, shape.bounded.phone_fields)
    shown["third phones"] = {HOLDS: plain(model, view.others)}
    if view is case.before and case.move and case.move.step.taken is not None:
        shown[TAKEN] = _fields(model, case.move.step.taken)
    for (owner, _), packets in view.packets.items():
        for what, there, packet in packets if acts or owner is not Role.ACTING else ():
            if plain(model, there):
                shown[what] = _fields(model, packet)
    return shown


def _fields(model: Model, noun: Any, names: Iterable[str] | None = None) -> Fields:
    """The fields of a noun, or those that are named."""
    wanted = set(noun._fields if names is None else names)
    fields = zip(noun._fields, noun, strict=True)
    return {HOLDS if name == "got" else name: plain(model, value) for name, value in fields if name in wanted}


def _excluding(induction: Induction, case: Case, model: Model) -> tuple[str, ...]:
    """The state properties that do not hold before the action; those that were assumed do."""
    claims = induction.claims(case.before, induction.shape.always)
    return tuple(dict.fromkeys(claim.property for claim in claims if not holds(model, claim.formula)))
