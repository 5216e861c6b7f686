# pyright: basic
"""One definition for every engine: the rules give the same on ints, arrays and Z3 terms, and branch on no value."""

from __future__ import annotations

import ast
import inspect
from itertools import product
from typing import Any

import numpy as np
import pytest
import z3

from seqproof_model import rules
from seqproof_model.rules import BY_NAME, INTS, RULES, Marks, Operation, Request, start, step

TOP = 4
STATES = [
    Marks(TOP, taken, svr, confirmed)
    for taken, svr, confirmed in product(range(TOP + 1), repeat=3)
    if confirmed <= svr <= taken
]
REQUESTS = [Request(q, undecided) for q, undecided in product(range(TOP + 2), range(1, TOP + 2))]
CASES = list(product(STATES, REQUESTS))


class Arrays:
    """The algebra of numpy arrays."""

    def maximum(self, a: Any, b: Any) -> Any:
        return np.maximum(a, b)

    def minimum(self, a: Any, b: Any) -> Any:
        return np.minimum(a, b)

    def true(self) -> Any:
        return np.True_


class Unsigned:
    """A 32-bit vector whose order is unsigned, as Z3's own < is not."""

    def __init__(self, term: Any) -> None:
        self.term = term

    def _of(self, other: Any) -> Any:
        return other.term if isinstance(other, Unsigned) else z3.BitVecVal(other, 32)

    def __add__(self, other: Any) -> Unsigned:
        return Unsigned(self.term + self._of(other))

    def __sub__(self, other: Any) -> Unsigned:
        return Unsigned(self.term - self._of(other))

    def __lt__(self, other: Any) -> Any:
        return z3.ULT(self.term, self._of(other))

    def __le__(self, other: Any) -> Any:
        return z3.ULE(self.term, self._of(other))


class Terms:
    """The algebra of Z3 terms, integers or vectors."""

    def maximum(self, a: Any, b: Any) -> Any:
        return self._pick(b <= a, a, b)

    def minimum(self, a: Any, b: Any) -> Any:
        return self._pick(a <= b, a, b)

    def _pick(self, condition: Any, a: Any, b: Any) -> Any:
        if isinstance(a, Unsigned):
            return Unsigned(z3.If(condition, a.term, b.term))
        return z3.If(condition, a, b)

    def true(self) -> Any:
        return z3.BoolVal(True)


def results(rule: rules.Rule, algebra: Any, marks: Marks, request: Request) -> list[Any]:
    """The guard, each mark after the effect, and what is seen."""
    after = rule.effect(algebra, marks, request)
    seen = [] if rule.sees is None else [rule.sees(algebra, after, request)]
    return [rule.guard(algebra, marks, request), *after, *seen]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_arrays_give_what_ints_give(rule: rules.Rule) -> None:
    columns = [np.array(column) for column in zip(*((*marks, *request) for marks, request in CASES), strict=True)]
    arrays = results(rule, Arrays(), Marks(*columns[:4]), Request(*columns[4:]))
    for at, (marks, request) in enumerate(CASES):
        expected = results(rule, INTS, marks, request)
        assert [np.broadcast_to(value, len(CASES))[at] for value in arrays] == expected


@pytest.mark.parametrize("kind", ["Int", "BitVec"])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_terms_give_what_ints_give(rule: rules.Rule, kind: str) -> None:
    names = ["seq_max", "taken", "svr", "confirmed", "seq_cli", "undecided"]
    plain = [z3.Int(name) if kind == "Int" else z3.BitVec(name, 32) for name in names]
    values = plain if kind == "Int" else [Unsigned(term) for term in plain]
    terms = [getattr(term, "term", term) for term in results(rule, Terms(), Marks(*values[:4]), Request(*values[4:]))]
    number = z3.IntVal if kind == "Int" else (lambda value: z3.BitVecVal(value, 32))
    for marks, request in CASES[::7]:
        pairs = [(term, number(value)) for term, value in zip(plain, (*marks, *request), strict=True)]
        for term, expected in zip(terms, results(rule, INTS, marks, request), strict=True):
            value: Any = z3.simplify(z3.substitute(term, *pairs))
            got = z3.is_true(value) if z3.is_bool(value) else value.as_long()
            assert got == expected


def test_no_rule_branches_on_a_value() -> None:
    """Nor uses min, max, and, or, not: none of these works on arrays and terms."""
    tree = ast.parse(inspect.getsource(rules))
    (table,) = [n for n in ast.walk(tree) if isinstance(n, ast.AnnAssign) and getattr(n.target, "id", "") == "RULES"]
    assert table.value is not None
    for node in ast.walk(table.value):
        assert not isinstance(node, ast.IfExp | ast.BoolOp)
        assert not (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not))
        assert not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("min", "max"))


def test_each_rule_names_one_operation_and_no_rule_is_dead() -> None:
    assert len(BY_NAME) == len(RULES)
    for rule in RULES:
        assert isinstance(rule.operation, Operation)
        held = [step(rule, marks, request) is not None for marks, request in CASES]
        assert any(held), f"{rule.name} is never enabled"


def test_marks_only_grow() -> None:
    for rule in RULES:
        for marks, request in CASES:
            if rule.name == "decide" and request.undecided <= marks.svr:
                continue  # an undecided seq at or below seq_svr cannot be
            taken = step(rule, marks, request)
            if taken:
                assert all(before <= after for before, after in zip(marks, taken[0], strict=True)), rule.name


def test_figure_6() -> None:
    """seq_cli 120, confirmed 150, seq_svr 200: the reply is (150, 200]."""
    marks = start(2**32 - 1)._replace(taken=200, svr=200, confirmed=150)
    seen = [step(BY_NAME[name], marks, Request(120)) for name in ("look_lower", "look_upper")]
    assert [saw[1] for saw in seen if saw] == [150, 200]
