# pyright: basic
"""What must be proved for the state properties to be *inductive*, and for each step to keep the step properties.

A property that holds in every state that can be reached need not be provable by itself. What can be proved is a set of
properties that holds at the start, and that each action preserves *if all of them held before*. Then they hold after
any number of steps, in every state that can ever be reached. That is induction, and needs no exploration.

A **case** is the start, or one action in an arbitrary view (``unbounded.py``). Its *facts* are the state properties
before the action, of each thing in the view; its *guards* say that the action can be taken; its *goals* are the state
properties after it, of each thing, and the step properties. Each goal is a question of its own for the solver: are
there values for which the facts and guards hold, and the goal does not? A goal that is a fact word by word, because the
action changes nothing that it speaks of, is not asked.

The start is any empty account: seqs may begin above any ``base``, as after a preset, and the backup may be older.
Integers need one property more than vectors: that no seq is ever negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from seqproof_model.definition import Definition
from seqproof_model.engines.solving import UINT_MAX, Formula, Sort, Variables, every, truth
from seqproof_model.engines.terms import Term, Terms
from seqproof_model.engines.unbounded import ACCOUNT, PUT, TAKEN, Move, Unbounded, View
from seqproof_model.network import Action
from seqproof_model.properties import Always, OfStep, Seen
from seqproof_model.rules import Value
from seqproof_model.scope import Scope
from seqproof_model.state import Kind, kind

START = "start"
NATURAL = "no seq is negative"
LEAST = {"x": 1, "page": 1, "seq_max": 1}  # other seqs are at least 0
VALUES = ""  # the name of what holds of any values


class Fact(NamedTuple):
    """A property of one thing, as a formula. ``what``: the thing, in words."""

    property: str
    what: str
    formula: Formula


@dataclass(frozen=True)
class Case:
    """The start, or one action in a view.

    ``judged``: the properties that speak of it; ``kept``: those of which a goal is not asked, as it is a fact. The
    facts that are about no property, ``VALUES``, hold of any values: a message is at least 1, and so is a page.
    """

    rule: str
    text: str
    guards: tuple[Formula, ...]
    facts: tuple[Fact, ...]
    goals: tuple[Fact, ...]
    judged: frozenset[str]
    kept: frozenset[str]
    before: View
    move: Move | None = None

    @cached_property
    def guard_ids(self) -> frozenset[int]:
        """The guards, as Z3 numbers its formulas: one formula has one number as long as it is kept."""
        return frozenset(guard.get_id() for guard in self.guards)

    @cached_property
    def fact_ids(self) -> frozenset[int]:
        """The facts, in the same way."""
        return frozenset(fact.formula.get_id() for fact in self.facts)

    @cached_property
    def by_thing(self) -> list[tuple[Formula, list[Fact]]]:
        """The facts, thing by thing, what matters most first; with each thing all of its facts in one formula."""
        things: dict[str, list[Fact]] = {what: [] for what in (VALUES, ACCOUNT, TAKEN, "phone d")}
        for fact in self.facts:
            things.setdefault(fact.what, []).append(fact)
        return [(every(fact.formula for fact in facts), facts) for facts in things.values() if facts]


class Induction:
    """The cases of a definition in a scope. ``without``: state properties that are neither assumed nor judged."""

    def __init__(self, definition: Definition, scope: Scope, sort: Sort, without: Iterable[str] = ()) -> None:
        self.shape = Unbounded(definition, scope)
        self.sort = sort
        self.without = frozenset(without)
        self.variables = Variables(sort)
        self.x = self.variables("x", Kind.SEQ)
        self.seq_max = self.variables("seq_max", Kind.SEQ) if sort is Sort.INT else sort.number(UINT_MAX)
        self.page = self.variables("page", Kind.SEQ)
        self.c = self.shape.setting(Terms(self.x), self.seq_max, self.page)
        self.view = self.shape.view(self.variables, sort.number(0))
        self._least: dict[str, Fact] = {}
        self._claims: dict[tuple[str, ...], tuple[Fact, Value, Seen]] = {}

    @property
    def rules(self) -> tuple[str, ...]:
        """The names of the cases; a crash is two of them."""
        return (START, *dict.fromkeys(action.name for action in self.shape.actions))

    @property
    def always(self) -> tuple[Always, ...]:
        """The state properties that are assumed and judged."""
        return tuple(p for p in self.shape.always if p.name not in self.without)

    @property
    def of_steps(self) -> tuple[OfStep, ...]:
        """The step properties that are judged."""
        return tuple(p for p in self.shape.of_steps if p.name not in self.without)

    @property
    def properties(self) -> tuple[str, ...]:
        """The names of what is judged."""
        natural = (NATURAL,) if self.sort is Sort.INT else ()
        return (*(p.name for p in self.always), *(p.name for p in self.of_steps), *natural)

    # ---------------------------------------------------------------- cases

    def start(self) -> Case:
        """The first case: every state property holds at the start."""
        base = self.variables("base", Kind.SEQ)
        guards = (base < self.x, *self.shape.start(self.c, self.view, base))
        goals = tuple(self.claims(self.view, self.always))
        judged = frozenset(p.name for p in self.always)
        made = tuple(map(truth, guards))
        return Case(START, "an empty account", made, self._values(), goals, judged, frozenset(), self.view)

    def step(self, action: Action) -> Case:
        """The case of an action."""
        picks = self.shape.picks(self.variables, action)
        move = self.shape.step(self.c, self.view, action, picks)
        facts = (*self._values(), *self.claims(move.before, self.always))
        known = {fact.formula.get_id() for fact in facts}
        after = list(self.claims(move.after, self.always))
        goals = [goal for goal in after if goal.formula.get_id() not in known]
        speaking = [p for p in self.of_steps if p.applies(action)]
        goals += [Fact(p.name, "the step", truth(p.holds(move.step))) for p in speaking]
        goals += list(self._natural(move))
        judged = frozenset({p.name for p in self.always} | {p.name for p in speaking} | {NATURAL})
        guards = tuple(truth(value) for _, value in move.guards)
        kept = frozenset(goal.property for goal in after if goal.formula.get_id() in known)
        return Case(action.name, action.text, guards, facts, tuple(goals), judged, kept, move.before, move)

    def cases(self, rules: Iterable[str]) -> Iterator[Case]:
        """The cases of some rules."""
        wanted = set(rules)
        if START in wanted:
            yield self.start()
        for action in self.shape.actions:
            if action.name in wanted:
                yield self.step(action)

    # ---------------------------------------------------------------- formulas

    def claims(self, view: View, properties: Iterable[Always]) -> Iterator[Fact]:
        """The state properties, of each thing in a view."""
        for judged in properties:
            for what, there, seen in view.seen(self.c, judged.of):
                yield self._claim(judged, what, there, seen)

    def _claim(self, judged: Always, what: str, there: Value, seen: Seen) -> Fact:
        """A property of one thing; what speaks of the very same values is the very same formula, made once."""
        values = (there, *seen.account, seen.held, *seen.phone, *(seen.packet or ()))
        key = (judged.name, what, *(str(id(value)) for value in values))
        if key not in self._claims:
            holds = judged.holds(seen)
            claim = Fact(judged.name, what, truth(holds if there is True else self.c.a.no(there) | holds))
            self._claims[key] = claim, there, seen  # the values are kept, so that no id is used again
        return self._claims[key][0]

    def _natural(self, move: Move) -> Iterator[Fact]:
        """On integers: what an action sets is not negative."""
        if self.sort is not Sort.INT:
            return
        step = move.step
        for what, before, after in (
            (ACCOUNT, step.before, step.after),
            ("phone d", step.phone, step.phone_after),
            (PUT, None, step.put),
        ):
            for at, (name, value) in enumerate(zip(after._fields, after, strict=True) if after else ()):
                changed = before is None or before[at] is not value
                if kind(name) is Kind.SEQ and changed and isinstance(value, Term):
                    yield Fact(NATURAL, what, truth(value >= 0))

    def _values(self) -> tuple[Fact, ...]:
        """What holds of the values of all variables made so far."""
        for name, found in self.variables.kinds.items():
            if found is Kind.SEQ and name not in self._least and (self.sort is Sort.INT or name in LEAST):
                formula = truth(self.variables(name, found) >= LEAST.get(name, 0))
                self._least[name] = Fact(VALUES, VALUES, formula)
        return tuple(self._least.values())
