# pyright: basic
"""The licence to treat phones alike: a proof in Z3 that no rule, and no property, tells one phone from another.

An explorer that keeps one of all states that differ in the names of the phones alone (``symmetry.py``) is right only if
steps do not care for names: whatever can happen in a state can happen, with the phones' names swapped, in the state
with the names swapped, and it leads to the swapped state (Ip and Dill, 1996). That the definition looks that way is no
proof. So for every instance of every action, and for every two neighbouring phones (their swaps generate all orders),

    step(swap(state), swap(instance)) = swap(step(state, instance))

is proved of an *arbitrary* state, reachable or not: the guards are equal, one by one, and where they hold every
variable is equal afterwards. Every property, and every sometimes, must say the same of a state or step and of the
swapped one; and the swap must leave the initial state, and the set of instances, as they are. The first that fails is
named.

**Sets of seqs.** Explorers keep a set as a bit mask, or as the one bit that says whether a followed message is in it.
The proof knows neither: a set here is a union of *parts* of which nothing is known, variables and intervals
(lower, upper]. The order of its parts does not matter, which is true of masks and of single bits alike, and ``covers``
may be any function of the set and n. So what is proved holds of both. Seqs are integers: explorers refuse a value that
does not fit rather than let it wrap.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import z3

from seqproof_model.bounded import Bounded, Instance
from seqproof_model.definition import Setting
from seqproof_model.engines.symmetry import Symmetry
from seqproof_model.engines.terms import Term, Terms
from seqproof_model.rules import Value
from seqproof_model.scope import ScopeError
from seqproof_model.state import Kind

TIMEOUT_MS = 10_000
SET = z3.DeclareSort("set")
INTERVAL = z3.Function("interval", z3.IntSort(), z3.IntSort(), SET)
UNION = z3.Function("union", SET, SET, SET)
COVERS = z3.Function("covers", SET, z3.IntSort(), z3.BoolSort())


class Parts:
    """A set of seqs: the union of parts, which are terms. Parts are kept in one order, each once."""

    __slots__ = ("parts",)

    def __init__(self, parts: Iterable[Any]) -> None:
        self.parts = {part.get_id(): part for part in parts}

    def __or__(self, other: Parts) -> Parts:
        return Parts([*self.parts.values(), *other.parts.values()])

    @property
    def term(self) -> Any:
        """The set as one term."""
        first, *others = (self.parts[key] for key in sorted(self.parts))
        for part in others:
            first = UNION(first, part)
        return first


class Opaque(Terms):
    """The algebra of terms in which nothing is known of sets but that a union has no order."""

    def __init__(self) -> None:
        super().__init__(Term(z3.Int("x")))

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        """``a`` where the condition holds, else ``b``."""
        if not isinstance(condition, Term):
            return a if condition else b
        chosen = z3.If(condition.term, _term(a), _term(b))
        return Parts([chosen]) if isinstance(a, Parts) else Term(chosen)

    def span(self, held: Parts, lower: Value, upper: Value) -> Parts:
        """A set with one more interval in it."""
        return held | Parts([INTERVAL(_term(lower), _term(upper))])

    def covers(self, held: Parts, n: Value) -> Term:
        """Some truth that depends on the set and on n."""
        return Term(COVERS(held.term, _term(n)))


def _term(value: Value) -> Any:
    """A value as a term of Z3."""
    if isinstance(value, Term | Parts):
        return value.term
    return z3.BoolVal(value) if isinstance(value, bool) else z3.IntVal(value)


class Pair(NamedTuple):
    """Two neighbouring phones that are swapped."""

    one: int
    other: int

    def __str__(self) -> str:
        return f"phones {self.one} and {self.other}"

    def phone(self, phone: int | None) -> int | None:
        """The phone that a phone becomes."""
        return self.other if phone == self.one else self.one if phone == self.other else phone


@dataclass(frozen=True)
class Certificate:
    """What came of the proof. ``refusal``: the first thing that tells phones apart; empty where there is none.

    ``proved``: how many equations were proved, each an instance, a property or the start for two phones.
    """

    bounded: Bounded
    refusal: str
    pair: Pair | None
    proved: int
    milliseconds: float

    @property
    def certified(self) -> bool:
        """Whether phones may be treated alike."""
        return not self.refusal

    def symmetry(self) -> Symmetry:
        """The symmetry, for an explorer. Raises ScopeError where it is not certified."""
        if not self.certified:
            raise ScopeError(f"{self.refusal} tells {self.pair} apart; explore without symmetry")
        return Symmetry(self.bounded)


def certify(bounded: Bounded) -> Certificate:
    """Prove that a model treats its phones alike, or name the first thing in it that does not."""
    begin = time.perf_counter()
    proved, refusal, pair = 0, "", None
    for name, failed in _equations(bounded):
        if failed:
            refusal, pair = name, failed
            break
        proved += 1
    return Certificate(bounded, refusal, pair, proved, 1000 * (time.perf_counter() - begin))


def _equations(bounded: Bounded) -> Iterator[tuple[str, Pair | None]]:
    """Yield each equation's name, and the phones for which it does not hold, None where it holds."""
    for one in range(bounded.scope.phones - 1):
        swap = _Swap(bounded, Pair(one, one + 1))
        for name, equal in swap.equations():
            yield name, None if equal else swap.pair


class _Swap:
    """The equations for two phones of a model, over one arbitrary state."""

    def __init__(self, bounded: Bounded, pair: Pair) -> None:
        self.pair = pair
        self._bounded = bounded
        self._c = bounded.setting(Opaque(), Term(z3.Int("seq_max")))
        self._names = self._renamed()
        self._state = {v.name: _variable(v.name, v.kind) for v in bounded.variables}
        self._swapped = self._swap(self._state)
        self._solver = z3.Solver()
        self._solver.set("timeout", TIMEOUT_MS)

    def equations(self) -> Iterator[tuple[str, bool]]:
        """Yield each thing that must not tell the phones apart: its name, and whether it does not."""
        yield "the initial state", all(self._swap(start) == start for start in self._bounded.starts())
        instances = set(self._bounded.instances)
        yield "what can be done at all", {self._of_other(instance) for instance in instances} == instances
        for instance in self._bounded.instances:
            yield from self._of_steps(instance)
        c = self._c
        for judged in self._bounded.always:
            for word, says in (("property", self._bounded.holds), ("sometimes of", self._bounded.occurs)):
                same = _same(says(c, self._state, judged), says(c, self._swapped, judged))
                yield f"the {word} {judged.name!r}", self._valid(same)

    def _of_steps(self, instance: Instance) -> Iterator[tuple[str, bool]]:
        c: Setting = self._c
        here = self._bounded.step(c, self._state, instance)
        there = self._bounded.step(c, self._swapped, self._of_other(instance))
        guards = [name for name, _ in here.guards] == [name for name, _ in there.guards] and z3.And(
            [_same(a, b) for (_, a), (_, b) in zip(here.guards, there.guards, strict=True)]
        )
        after, after_there = self._swap({**self._state, **here.changes}), {**self._swapped, **there.changes}
        equal = z3.And([_same(value, after_there[name]) for name, value in after.items()])
        enabled = _term(here.enabled())
        yield f"the action {instance.action.name}", self._valid(z3.And(guards, z3.Implies(enabled, equal)))
        for judged in self._bounded.of_steps:
            if judged.applies(instance.action):
                for word, says in (("property", judged.holds), ("sometimes of", judged.occurs)):
                    same = z3.Implies(enabled, _same(says(here.step), says(there.step)))
                    yield f"the {word} {judged.name!r} of {instance.action.name}", self._valid(same)

    def _of_other(self, instance: Instance) -> Instance:
        return instance._replace(phone=self.pair.phone(instance.phone))

    def _valid(self, claim: Any) -> bool:
        """Whether a claim holds always; what Z3 cannot tell in time does not hold."""
        return bool(self._solver.check(z3.Not(claim)) == z3.unsat)

    def _swap(self, state: Mapping[str, Value]) -> dict[str, Value]:
        return {self._names[name]: value for name, value in state.items()}

    def _renamed(self) -> dict[str, str]:
        """The name of each variable after the swap: a phone's variables come in the same order for each phone."""
        names: dict[int | None, list[str]] = {}
        for variable in self._bounded.variables:
            names.setdefault(variable.phone, []).append(variable.name)
        return {a: b for phone in names for a, b in zip(names[phone], names[self.pair.phone(phone)], strict=True)}


def _variable(name: str, kind: Kind) -> Value:
    if kind is Kind.SET:
        return Parts([z3.Const(name, SET)])
    return Term(z3.Int(name) if kind is Kind.SEQ else z3.Bool(name))


def _same(a: Value, b: Value) -> Any:
    return _term(a) == _term(b)
