# pyright: basic
"""The bounded search: a shortest run from the start that breaks a property, found by Z3 (bounded model checking).

The model in small numbers (``bounded.py``) is laid out in time: one copy of its variables for each depth, and between
two of them one *selector*, which instance is taken. "Is a property broken after n steps?" is then one question to the
solver. It is asked for n = 0, 1, 2, …, and what was learned of the first n steps is kept for the next; so what is found
first is a shortest. One arbitrary message is followed.

Unlike the explorer the search does not mind how large seqs are: with a ``Start`` they are true 32-bit seqs, and the run
begins just below 2^31 or 2^32, or wherever it must. A search that finds nothing says so for the depth that it reached,
never for all runs; that is the prover's business.

On vectors the solver is one for bits, which is by far the fastest while the start is known. Where it may be anywhere,
integers are faster.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

import z3

from seqproof_model.bounded import Bounded, Instance, Taken
from seqproof_model.definition import Definition
from seqproof_model.engines.solving import (
    TIMEOUT_MS,
    UINT_MAX,
    Formula,
    Model,
    Sort,
    Variables,
    ask,
    near,
    plain,
    some,
    truth,
)
from seqproof_model.engines.terms import Term, Terms
from seqproof_model.scope import Scope
from seqproof_model.state import Channel, Kind
from seqproof_model.stepper import Numbers
from seqproof_model.trace import Trace, TraceError, tidy, trace

DEEPEST = 12
OVERFLOWS = "the run that was found overflows 32 bits, and ints do not; search on integers (Sort.INT) instead"


@dataclass(frozen=True)
class Start:
    """Where true 32-bit seqs begin: after a preset, all marks are one number from ``lowest`` to ``highest``."""

    lowest: int
    highest: int

    def __str__(self) -> str:
        """Write it as ``after 2147483646``, or ``after 0 to 4294967294``."""
        return f"after {self.lowest}" + (f" to {self.highest}" if self.lowest < self.highest else "")


@dataclass(frozen=True)
class AllSeqs(Scope):
    """A scope whose messages are all 32-bit seqs: too many for any other engine, not for a run that begins at one."""

    def __post_init__(self) -> None:
        """Nothing is too large here."""


ANYWHERE = Start(0, UINT_MAX - 1)
EDGES = {f"2^{n}": Start(2**n - 2, 2**n - 2) for n in (24, 31, 32)}  # the next seq is the last one below the edge


@dataclass(frozen=True)
class Search:
    """``trace``: a shortest run that breaks a property, or None. No shorter one than ``depth`` steps breaks any.

    ``complete``: the search got as deep as it was told to; otherwise its time was up.
    """

    scope: Scope
    trace: Trace | None
    depth: int
    complete: bool
    milliseconds: float


def search(
    definition: Definition,
    scope: Scope,
    properties: Collection[str] = (),
    *,
    start: Start | None = None,
    sort: Sort = Sort.VECTOR,
    deepest: int = DEEPEST,
    timeout_ms: int = TIMEOUT_MS,
    progress: Callable[[int], None] = lambda _: None,
) -> Search:
    """Search for a shortest run that breaks one of the properties; any, if none is named.

    ``start``: true 32-bit seqs that begin there; otherwise seqs are 1 to ``scope.messages``. ``timeout_ms``: for all of
    it. ``progress`` gets each depth at which nothing is broken. The trace's steps are real steps of the definition, on
    ints. Raises ValueError for a property that the scope does not have. KeyboardInterrupt is passed on.
    """
    began = time.perf_counter()
    unrolled = Unrolled(definition, scope, sort, start)
    names = [near(name, (p.name for p in unrolled.bounded.properties), "property") for name in properties]
    depth = 0
    while depth <= deepest:
        left = timeout_ms - (time.perf_counter() - began) * 1000
        answer = unrolled.ask_broken(names, max(1, int(left))) if left > 0 else None
        if answer is not False:
            break
        progress(depth)
        depth += 1
        if depth <= deepest:
            unrolled.extend()
    else:
        answer = False
    found = unrolled.trace() if answer else None
    milliseconds = (time.perf_counter() - began) * 1000
    return Search(scope, found, depth if answer is not False else deepest, answer is not None, milliseconds)


class Unrolled:
    """A model laid out in time. ``states``: its variables at each depth. ``picked[n]``: what step n + 1 may be."""

    def __init__(
        self, definition: Definition, scope: Scope, sort: Sort = Sort.VECTOR, start: Start | None = None
    ) -> None:
        self.scope, self.sort, self.start = scope, sort, start
        self.seq_max = scope.messages if start is None else UINT_MAX
        self.bounded = Bounded(definition, replace(scope, follow=True))
        self.instances = tuple(i for i in self.bounded.instances if i.literal in (None, 1))
        self.solver = z3.SolverFor("QF_BV") if sort is Sort.VECTOR else z3.SimpleSolver()
        self.variables = Variables(sort)
        self.x, self.base = self.variables("x", Kind.SEQ), self._base(start or Start(0, 0))
        self.c = self.bounded.setting(Terms(self.x), sort.number(self.seq_max))
        self.states: list[dict[str, Term]] = [self._first()]
        self.picked: list[list[tuple[Instance, Formula, Taken]]] = []
        self.model: Model = None  # of the last question, where a property can be broken

    def _base(self, start: Start) -> Term:
        if start.lowest == start.highest:
            return self.sort.number(start.lowest)
        base = self.variables("base", Kind.SEQ)
        self.solver.add(truth(base >= start.lowest), truth(base <= start.highest))
        return base

    def _first(self) -> dict[str, Term]:
        """The first state: all marks are ``base``, the server is up; no phone has anything."""
        self.solver.add(truth(self.base < self.x), truth(self.x <= self.seq_max))
        zero, no, yes = self.sort.number(0), Term(z3.BoolVal(False)), Term(z3.BoolVal(True))
        state = {v.name: zero if v.kind is Kind.SEQ else no for v in self.bounded.variables}
        marks = dict.fromkeys(self.bounded.account_fields, self.base)
        return state | marks | {"up": yes, "x": self.x}

    def extend(self) -> None:
        """Lay out one more step: exactly one instance is taken, its guards hold, and its changes are made."""
        depth, before = len(self.states), self.states[-1]
        literal = self.variables(f"seq_cli@{depth}", Kind.SEQ)
        self.solver.add(truth(literal >= 1), truth(literal <= self.seq_max))
        selector = z3.BitVec(f"step@{depth}", len(self.instances).bit_length())
        self.solver.add(z3.ULT(selector, len(self.instances)))
        rows: list[tuple[Instance, Formula, Taken]] = []
        for number, instance in enumerate(self.instances):
            taken = self.bounded.step(self.c, before, instance, literal if _is_ahead(instance) else None)
            rows.append((instance, selector == number, taken))
            self.solver.add(z3.Implies(rows[-1][1], truth(taken.enabled())))
        self.picked.append(rows)
        self.states.append({v.name: self._after(depth, v.name, v.kind) for v in self.bounded.variables})

    def _after(self, depth: int, name: str, kind: Kind) -> Term:
        """A variable after the last step that was laid out: what the selected instance made of it."""
        before = self.states[-1][name]
        if name == "x":
            return before
        value = before.term
        for _, selected, taken in self.picked[-1]:
            if name in taken.changes:
                value = z3.If(selected, before.lift(taken.changes[name]), value)
        after = self.variables(f"{name}@{depth}", kind)
        self.solver.add(after.term == value)
        return after

    def ask_broken(self, names: Collection[str], timeout_ms: int) -> bool | None:
        """Whether a property can be broken by the last step, or in the last state. If not, the solver remembers it."""
        self.solver.set("timeout", timeout_ms)
        broken = z3.Bool(f"broken@{len(self.states) - 1}")
        self.solver.add(z3.Implies(broken, some([z3.BoolVal(False), *self._broken(names)])))
        answer = ask(self.solver, broken, within_ms=timeout_ms)
        if answer is False:
            self.solver.add(z3.Not(broken))
        elif answer:
            self.model = self._readable(broken)
        return answer

    def _readable(self, broken: Formula) -> Model:
        """The model just found, or one in which x, and what requests from nowhere carry, are near the start."""
        found = self.solver.model()
        seqs = [self.x, *(self.variables(f"seq_cli@{depth}", Kind.SEQ) for depth in range(1, len(self.states)))]
        for far in range(1, 4):
            if ask(self.solver, broken, *(truth(seq - self.base <= far) for seq in seqs)):
                return self.solver.model()
        return found

    def _broken(self, names: Collection[str]) -> Iterator[Formula]:
        for always in self.bounded.always:
            if not names or always.name in names:
                yield z3.Not(truth(self.bounded.holds(self.c, self.states[-1], always)))
        for of_step in self.bounded.of_steps if self.picked else ():
            if not names or of_step.name in names:
                for instance, selected, taken in self.picked[-1]:
                    if of_step.applies(instance.action):
                        yield z3.And(selected, z3.Not(truth(of_step.holds(taken.step))))

    # ---------------------------------------------------------------- from the solver's answer to a trace

    def trace(self) -> Trace:
        """The run that the last question found, taken again on ints, step by step.

        Raises OverflowError for a run that only breaks anything because a sum overflows 32 bits, which ints do not.
        """
        steps, start = list(self._steps(self.model)), self._plain_start(self.model)
        try:
            made = tidy(trace(self._of_ints(), steps, start))
        except TraceError as error:
            raise OverflowError(OVERFLOWS) from error
        if not made.broken:
            raise OverflowError(OVERFLOWS)
        return made

    def _of_ints(self) -> Bounded:
        """The model that the trace is of: of the scope as it was given, or with all 32-bit seqs, following x."""
        if self.start is None:
            return Bounded(self.bounded.definition, self.scope)
        wide = AllSeqs(**{**vars(self.scope), "messages": UINT_MAX, "follow": True})
        return Bounded(self.bounded.definition, wide)

    def _plain_start(self, model: Model) -> Numbers:
        state = {name: int(plain(model, value)) for name, value in self.states[0].items()}
        return {v.name: state[v.name] for v in self._of_ints().variables}

    def _steps(self, model: Model) -> Iterator[Instance]:
        for depth, rows in enumerate(self.picked, start=1):
            (instance,) = (i for i, selected, _ in rows if z3.is_true(model.eval(selected, model_completion=True)))
            literal = int(plain(model, self.variables(f"seq_cli@{depth}", Kind.SEQ)))
            yield instance._replace(literal=literal) if _is_ahead(instance) else instance


def _is_ahead(instance: Instance) -> bool:
    return instance.action.takes is Channel.AHEAD
