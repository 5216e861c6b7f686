# pyright: basic
"""What the engines that use Z3 share: the two kinds of seqs, variables, questions to a solver, and small answers.

``Sort.INT`` are the integers, where seq_max may be any number at all. ``Sort.VECTOR`` are true 32-bit unsigned seqs,
vectors of bits that overflow as they do in a server.

A solver answers yes (with a *model*: a value for each variable), no, or, when its time is up, that it does not know. A
model is any one that it stumbled on, often full of huge and odd numbers. ``smallest`` asks on for one that a person
likes to read.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from enum import Enum
from typing import Any

import z3

from seqproof_model.engines.terms import Term
from seqproof_model.rules import Value
from seqproof_model.state import Kind

Formula = Any  # a truth value of Z3; it ships no types
Model = Any

BITS = 32
UINT_MAX = 2**BITS - 1
TIMEOUT_MS = 20_000
QUICK_MS = 300
HALF = 2 ** (BITS - 1)
BOUNDS = (1, 2, 3, 5, 9)  # on all seqs at once
READABLE = (0, 1, 2, 3, HALF - 1, HALF, HALF + 1, UINT_MAX - 1, UINT_MAX)  # of one seq, where no bound does


class Sort(Enum):
    """What a seq is."""

    INT = "int"
    VECTOR = "32-bit"

    def number(self, value: int) -> Term:
        """A constant."""
        return Term(z3.IntVal(value) if self is Sort.INT else z3.BitVecVal(value, BITS))


class Variables:
    """Makes variables, and remembers them: the same name is the same variable."""

    def __init__(self, sort: Sort) -> None:
        self.sort = sort
        self.kinds: dict[str, Kind] = {}
        self._made: dict[str, Term] = {}

    def __call__(self, name: str, kind: Kind) -> Term:
        """A variable. A set of seqs is one truth value: whether it holds x."""
        if name not in self._made:
            self._made[name] = Term(self._variable(name, kind))
            self.kinds[name] = kind
        return self._made[name]

    def _variable(self, name: str, kind: Kind) -> Any:
        if kind is not Kind.SEQ:
            return z3.Bool(name)
        return z3.Int(name) if self.sort is Sort.INT else z3.BitVec(name, BITS)

    def of(self, kind: Kind) -> list[Term]:
        """All variables of a kind made so far."""
        return [variable for name, variable in self._made.items() if self.kinds[name] is kind]


def truth(value: Value) -> Formula:
    """A truth value of the rules, as Z3's own."""
    return value.term if isinstance(value, Term) else z3.BoolVal(bool(value))


def every(formulas: Iterable[Formula]) -> Formula:
    """All of them hold."""
    found = list(formulas)
    return found[0] if len(found) == 1 else z3.And(found)


def some(formulas: Iterable[Formula]) -> Formula:
    """One of them holds."""
    found = list(formulas)
    return found[0] if len(found) == 1 else z3.Or(found)


def ask(solver: z3.Solver, *assumptions: Formula, within_ms: int | None = None) -> bool | None:
    """Whether there is a model; None where time was up. Ctrl-C in the middle of it is a KeyboardInterrupt.

    ``within_ms``: the time that the solver was given. Some solvers say the same of Ctrl-C and of time that is up, so
    that only the clock can tell.
    """
    began = time.perf_counter()
    answer = solver.check(*assumptions)
    if answer != z3.unknown:
        return bool(answer == z3.sat)
    reason, took_ms = solver.reason_unknown(), (time.perf_counter() - began) * 1000
    early = within_ms is not None and took_ms < 0.9 * within_ms
    if "interrupted" in reason or (reason == "canceled" and early):
        raise KeyboardInterrupt
    return None


class Question:
    """Formulas that are asked together, and to which more may be added.

    Z3 can read vectors as integers modulo 2^32, or bit by bit. The first is several times faster where the answer is
    no, but now and then it loses its way; so it gets ``QUICK_MS``, and then it is done bit by bit, or at once where
    ``bit_blast`` is set. Of integers there is one way only.
    """

    def __init__(self, formulas: Iterable[Formula], timeout_ms: int = TIMEOUT_MS, *, bit_blast: bool = False) -> None:
        self._formulas = list(formulas)
        self._timeout_ms = timeout_ms
        self._quick = not bit_blast
        self._solver = self._new()

    def _new(self) -> z3.Solver:
        solver = z3.SimpleSolver()
        solver.set("timeout", self._within_ms)
        solver.set("bv.solver", 2 if self._quick else 0)
        if self._quick:
            solver.set("ctrl_c", False)  # it is over soon, and then Python raises KeyboardInterrupt
        solver.add(self._formulas)
        return solver

    @property
    def _within_ms(self) -> int:
        return min(QUICK_MS, self._timeout_ms) if self._quick else self._timeout_ms

    def add(self, formulas: Iterable[Formula]) -> None:
        """Ask for more at once."""
        more = list(formulas)
        self._formulas += more
        self._solver.add(more)

    def ask(self) -> bool | None:
        """Whether there is a model; None where time was up."""
        answer = ask(self._solver, within_ms=self._within_ms)
        if answer is None and self._quick:
            self._quick = False
            self._solver = self._new()
            answer = ask(self._solver, within_ms=self._within_ms)
        return answer

    def model(self) -> Model:
        """The model of the last answer."""
        return self._solver.model()


def holds(model: Model, formula: Formula) -> bool:
    """Whether a formula holds in a model; a variable that the model leaves open is 0, or false."""
    return bool(z3.is_true(model.eval(formula, model_completion=True)))


def plain(model: Model, value: Value) -> int | bool:
    """The value of a term in a model; constants are themselves."""
    if not isinstance(value, Term):
        return int(value) if not isinstance(value, bool) else value
    found: Any = model.eval(value.term, model_completion=True)
    return z3.is_true(found) if z3.is_bool(found) else int(found.as_long())


def smallest(solver: z3.Solver, wishes: Iterable[Formula], seqs: Iterable[Term]) -> Model:
    """A model that is easy to read: as many wishes as can be are granted, in their order, and then seqs are small.

    The solver keeps what was chosen. Raises ValueError where it has no model at all.
    """
    if not ask(solver):
        raise ValueError("there is no model to make small")
    found = solver.model()
    for wish in wishes:
        found = _try(solver, found, wish)
    seqs = list(seqs)
    for bound in BOUNDS:
        small = [truth(seq <= bound) for seq in seqs]
        if ask(solver, *small):
            found = solver.model()
            solver.add(small)
            break
    for seq in seqs:
        for value in _smaller(plain(found, seq)):
            tried = _try(solver, found, truth(seq == value))
            if tried is not found:
                found = tried
                break
    return found


def _smaller(value: int) -> Iterator[int]:
    return (other for other in READABLE if other < value) if value > 0 else iter(())


def _try(solver: z3.Solver, found: Model, wish: Formula) -> Model:
    """Grant a wish if it can be: the model then; or the one found before."""
    if holds(found, wish):
        solver.add(wish)
        return found
    if not ask(solver, wish):
        return found
    model = solver.model()
    solver.add(wish)
    return model


def leave_ctrl_c_alone() -> None:
    """Keep Z3 from taking Ctrl-C for itself: it would end one question with "unknown", and nobody would hear of it."""
    z3.set_param("ctrl_c", False)


def near(wanted: str, known: Iterable[str], what: str) -> str:
    """Return ``wanted`` if it is known; raise ValueError with the nearest names if not."""
    names = list(dict.fromkeys(known))
    if wanted in names:
        return wanted
    close = get_close_matches(wanted, names, n=3, cutoff=0.4) or names
    raise ValueError(f"no {what} is called {wanted!r}; did you mean {' or '.join(map(repr, close))}?")
