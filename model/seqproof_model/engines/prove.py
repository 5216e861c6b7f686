# pyright: basic
"""The prover: a table that says for each rule and each property whether the rule keeps the property.

A cell of the table is one or more goals (``induction.py``). If all cells are proved, every property holds of any number
of phones, of packets under way and of messages, for ever. On integers seq_max is any number; on vectors it is 2^32 - 1,
and sums overflow as they do in a server.

**How a goal is asked.** A solver that is given all facts wades through much that has nothing to do with the goal. So it
is given none at first, and comes back with values that break the goal. The facts that these values break are given to
it, and it is asked again. Soon there are no such values, and the goal is proved from the few facts that were given; or
the values break no fact, and are a *counterexample to induction*. What was proved from some facts is a lemma: the same
goal under the same guards, for another rule or in another scope, is not asked again where those facts are known.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import z3

from seqproof_model.definition import Definition
from seqproof_model.engines.counterexample import Counterexample, counterexample
from seqproof_model.engines.induction import Case, Fact, Induction
from seqproof_model.engines.solving import TIMEOUT_MS, Formula, Question, Sort, holds, near
from seqproof_model.engines.unbounded import IN_ONE_STEP_RESTORED, SCOPES
from seqproof_model.properties import STATE_PROPERTIES
from seqproof_model.scope import Scope


class Result(StrEnum):
    """What is known of a cell. ``UNKNOWN``: the solver's time was up."""

    PROVED = "proved"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Cell:
    """A rule and a property. ``milliseconds`` of solving; 0 where nothing had to be asked.

    ``needs``: the state properties that the proof assumes, each of them needed; only where they were asked for.
    """

    rule: str
    property: str
    result: Result
    milliseconds: float = 0.0
    needs: tuple[str, ...] = ()
    counterexample: Counterexample | None = None


@dataclass(frozen=True)
class Proof:
    """The table of one scope, rule by rule. ``rules`` begin with the start; a crash is two cases of one rule.

    ``idle``: rules that no state with all state properties lets be taken, so that what is proved of them means nothing;
    it is asked on integers only. ``solving_ms``: of all goals; ``total_ms``: with writing them down.
    """

    definition: str
    scope: Scope
    sort: Sort
    without: tuple[str, ...]
    rules: tuple[str, ...]
    properties: tuple[str, ...]
    cells: tuple[Cell, ...]
    idle: tuple[str, ...]
    solving_ms: float
    total_ms: float

    @property
    def proved(self) -> bool:
        """Every cell is proved, or does not apply, and there is no rule of which that says nothing."""
        return not self.idle and all(cell.result in (Result.PROVED, Result.NOT_APPLICABLE) for cell in self.cells)

    @property
    def open(self) -> tuple[Cell, ...]:
        """The cells that failed, or are unknown."""
        return tuple(cell for cell in self.cells if cell.result in (Result.FAILED, Result.UNKNOWN))

    def cell(self, rule: str, name: str) -> Cell:
        """One cell. Raises KeyError where the table has none."""
        for cell in self.cells:
            if (cell.rule, cell.property) == (rule, name):
                return cell
        raise KeyError((rule, name))


class Lemmas:
    """What was proved: under which guards, from which facts, which goal. Formulas are known by their id."""

    def __init__(self) -> None:
        self._proved: dict[tuple[frozenset[int], int], list[frozenset[int]]] = {}
        self._kept: list[object] = []  # so that no id is used again

    def find(self, case: Case, goal: Fact) -> frozenset[int] | None:
        """The facts from which a goal of a case was proved, if the case has them."""
        return next((facts for facts in self._proved.get(_key(case, goal), ()) if facts <= case.fact_ids), None)

    def add(self, case: Case, goal: Fact, facts: Iterable[Fact]) -> None:
        """Remember a proof."""
        used = list(facts)
        self._proved.setdefault(_key(case, goal), []).append(frozenset(fact.formula.get_id() for fact in used))
        self._kept.append((case.guards, goal, used))


def _key(case: Case, goal: Fact) -> tuple[frozenset[int], int]:
    return case.guard_ids, goal.formula.get_id()


def prove_all(
    definition: Definition,
    sort: Sort = Sort.INT,
    *,
    rule: str | None = None,
    judged: str | None = None,
    without: Iterable[str] = (),
    needs: bool = False,
    explain: bool = True,
    bit_blast: bool = False,
    timeout_ms: int = TIMEOUT_MS,
    progress: Callable[[Cell], None] = lambda _: None,
) -> Iterator[Proof]:
    """Prove all of ``SCOPES`` that have the rule and the property; what was proved for one is used for the next.

    Names are looked up at once. A proof is there as soon as it is finished, so that a run which is stopped has the
    ones before it.

    For the options, and what is raised, see ``prove``.
    """
    dropped, lemmas = tuple(without), Lemmas()
    known = [Induction(definition, scope, sort, _dropped(dropped)) for scope in SCOPES]
    if rule is not None:
        near(rule, (name for one in known for name in one.rules), "rule")
        known = [one for one in known if rule in one.rules]
    if judged is not None:
        near(judged, (name for one in known for name in one.properties), "property")
        known = [one for one in known if judged in one.properties]
    return (
        prove(
            definition,
            one.shape.scope,
            sort,
            rule=rule,
            judged=judged,
            without=dropped,
            needs=needs,
            explain=explain,
            bit_blast=bit_blast,
            timeout_ms=timeout_ms,
            lemmas=lemmas,
            progress=progress,
        )
        for one in known
    )


def _dropped(without: Iterable[str]) -> tuple[str, ...]:
    return tuple(near(name, (p.name for p in STATE_PROPERTIES), "state property") for name in without)


def prove(
    definition: Definition,
    scope: Scope = IN_ONE_STEP_RESTORED,
    sort: Sort = Sort.INT,
    *,
    rule: str | None = None,
    judged: str | None = None,
    without: Iterable[str] = (),
    needs: bool = False,
    explain: bool = True,
    bit_blast: bool = False,
    timeout_ms: int = TIMEOUT_MS,
    lemmas: Lemmas | None = None,
    progress: Callable[[Cell], None] = lambda _: None,
) -> Proof:
    """Prove the cells of one scope, of which only the switches count.

    ``rule``, ``judged``: only the cells of that rule, of that property. ``without``: state properties that are not
    assumed, nor judged. ``needs``: find what each proof needs; slower. ``explain``: give each failed cell its
    counterexample to induction. ``bit_blast``: have vectors read bit by bit at once, not first as integers modulo 2^32;
    another way to the same answer, and slower. ``timeout_ms``: for each question; then the cell is unknown.
    Raises ValueError for a rule or a property that is not there. KeyboardInterrupt is passed on.
    """
    began = time.perf_counter()
    dropped = _dropped(without)
    induction = Induction(definition, scope, sort, dropped)
    rules = induction.rules if rule is None else (near(rule, induction.rules, "rule"),)
    names = induction.properties if judged is None else (near(judged, induction.properties, "property"),)
    prover = _Prover(induction, Lemmas() if lemmas is None else lemmas, needs, explain, bit_blast, timeout_ms)
    cells: list[Cell] = []
    idle: list[str] = []
    for name in rules:
        cases = list(induction.cases([name]))
        if sort is Sort.INT and all(prover.is_idle(case) for case in cases):
            idle.append(name)
        for about in names:
            cells.append(prover.cell(name, about, cases))
            progress(cells[-1])
    total_ms = (time.perf_counter() - began) * 1000
    made = tuple(cells)
    return Proof(definition.name, scope, sort, dropped, rules, names, made, tuple(idle), prover.solving_ms, total_ms)


@dataclass
class _Prover:
    """Asks the solver. ``solving_ms`` adds up."""

    induction: Induction
    lemmas: Lemmas
    needs: bool
    explain: bool
    bit_blast: bool
    timeout_ms: int
    solving_ms: float = field(default=0.0)

    def cell(self, rule: str, about: str, cases: Iterable[Case]) -> Cell:
        """One cell: all goals of a rule's cases that are about a property."""
        speaking = [case for case in cases if about in case.judged]
        if not speaking:
            return Cell(rule, about, Result.NOT_APPLICABLE)
        before_ms, used = self.solving_ms, list[Fact]()
        goals = [(case, goal) for case in speaking for goal in case.goals if goal.property == about]
        for case, goal in goals:
            result, facts = self._settle(case, goal)
            if result is not Result.PROVED:
                found = counterexample(self.induction, case, goal) if result is Result.FAILED and self.explain else None
                return Cell(rule, about, result, self.solving_ms - before_ms, counterexample=found)
            used += facts
        kept = {about} if any(about in case.kept for case in speaking) else set()
        needs = tuple(p for p in self.induction.properties if p in kept | {fact.property for fact in used})
        return Cell(rule, about, Result.PROVED, self.solving_ms - before_ms, needs if self.needs else ())

    def is_idle(self, case: Case) -> bool:
        """Whether no state that has all state properties lets the case happen."""
        return self._question((*case.guards, *(whole for whole, _ in case.by_thing))).ask() is False

    def _settle(self, case: Case, goal: Fact) -> tuple[Result, list[Fact]]:
        """Prove a goal: the result, and the facts from which it was proved."""
        lemma = self.lemmas.find(case, goal)
        if lemma is not None:
            used = [fact for fact in case.facts if fact.formula.get_id() in lemma]
        else:
            answer, used = self._ask_with_facts(self._question((*case.guards, z3.Not(goal.formula))), case)
            if answer is not False:
                return Result.UNKNOWN if answer is None else Result.FAILED, []
            self.lemmas.add(case, goal, used)
        return Result.PROVED, self._needed(case, goal, used) if self.needs else used

    def _ask_with_facts(self, question: Question, case: Case) -> tuple[bool | None, list[Fact]]:
        """Ask, giving facts only as they are needed: the answer, and the facts that were given."""
        began = time.perf_counter()
        used: list[Fact] = []
        while (answer := question.ask()) is True:
            model = question.model()
            thing = next((facts for whole, facts in case.by_thing if not holds(model, whole)), None)
            if thing is None:
                break
            broken = [fact for fact in thing if not holds(model, fact.formula)]
            question.add(fact.formula for fact in broken)
            used += broken
        self.solving_ms += (time.perf_counter() - began) * 1000
        return answer, used

    def _needed(self, case: Case, goal: Fact, used: list[Fact]) -> list[Fact]:
        """The facts without the properties that the proof can do without, tried one after another."""
        for about in dict.fromkeys(fact.property for fact in used):
            fewer = [fact for fact in used if fact.property != about]
            asked = (*case.guards, z3.Not(goal.formula), *(fact.formula for fact in fewer))
            used = fewer if self._question(asked).ask() is False else used
        return used

    def _question(self, formulas: Iterable[Formula]) -> Question:
        return Question(formulas, self.timeout_ms, bit_blast=self.bit_blast)
