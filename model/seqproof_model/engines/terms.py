# pyright: basic
"""Z3 terms as values of the rules: integers or vectors of bits, with Python's operators meaning what the rules mean.

Z3's own ``<`` on vectors is signed, and Python's constants do not mix with its truth values; ``Term`` wraps a term so
that both come out right. A set of seqs is one truth value here: whether it holds ``x``, the one arbitrary message that
is followed. What is proved of an arbitrary x is proved of all messages.
"""

from __future__ import annotations

from typing import Any

import z3

from seqproof_model.rules import Value


class Term:
    """A Z3 term. Constants of Python are lifted to the other side's sort; vectors compare unsigned."""

    __slots__ = ("term",)
    __hash__ = None  # type: ignore[assignment] # == makes a term, so a Term is no key

    def __init__(self, term: Any) -> None:
        self.term = term

    def lift(self, other: Value) -> Any:
        """The other side of an operator, as a term of this one's sort."""
        if isinstance(other, Term):
            return other.term
        sort = self.term.sort()
        if sort.kind() == z3.Z3_BOOL_SORT:
            return z3.BoolVal(bool(other))
        return z3.BitVecVal(other, sort.size()) if sort.kind() == z3.Z3_BV_SORT else z3.IntVal(other)

    def _is_vector(self) -> bool:
        return bool(self.term.sort().kind() == z3.Z3_BV_SORT)

    def __add__(self, other: Value) -> Term:
        return Term(self.term + self.lift(other))

    __radd__ = __add__

    def __sub__(self, other: Value) -> Term:
        return Term(self.term - self.lift(other))

    def __rsub__(self, other: Value) -> Term:
        return Term(self.lift(other) - self.term)

    def __lt__(self, other: Value) -> Term:
        right = self.lift(other)
        return Term(z3.ULT(self.term, right) if self._is_vector() else self.term < right)

    def __le__(self, other: Value) -> Term:
        right = self.lift(other)
        return Term(z3.ULE(self.term, right) if self._is_vector() else self.term <= right)

    def __gt__(self, other: Value) -> Term:
        right = self.lift(other)
        return Term(z3.UGT(self.term, right) if self._is_vector() else self.term > right)

    def __ge__(self, other: Value) -> Term:
        right = self.lift(other)
        return Term(z3.UGE(self.term, right) if self._is_vector() else self.term >= right)

    def __eq__(self, other: object) -> Term:  # type: ignore[override]
        return Term(self.term == self.lift(other))

    def __and__(self, other: Value) -> Term:
        return Term(z3.And(self.term, self.lift(other)))

    __rand__ = __and__

    def __or__(self, other: Value) -> Term:
        return Term(z3.Or(self.term, self.lift(other)))

    __ror__ = __or__


class Terms:
    """The algebra of terms. ``x``: the message that is followed."""

    def __init__(self, x: Term) -> None:
        self.x = x

    def maximum(self, a: Value, b: Value) -> Value:
        """The larger of two seqs."""
        return self.select(_term(b, a) <= a, a, b)

    def minimum(self, a: Value, b: Value) -> Value:
        """The smaller of two seqs."""
        return self.select(_term(a, b) <= b, a, b)

    def true(self) -> Term:
        """True."""
        return Term(z3.BoolVal(True))

    def no(self, a: Value) -> Term:
        """The opposite."""
        return Term(z3.Not(a.term)) if isinstance(a, Term) else Term(z3.BoolVal(not a))

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        """``a`` where the condition holds, else ``b``."""
        if not isinstance(condition, Term):
            return a if condition else b
        if not isinstance(a, Term) and not isinstance(b, Term):
            raise TypeError("a choice between two constants: write it as arithmetic on a term")
        left, right = (a.term, a.lift(b)) if isinstance(a, Term) else (b.lift(a), b.term)
        return Term(z3.If(condition.term, left, right))

    def span(self, held: Value, lower: Value, upper: Value) -> Value:
        """Whether x is held, once lower + 1 .. upper are."""
        return held | ((lower < self.x) & (self.x <= upper))

    def covers(self, held: Value, n: Value) -> Value:
        """Whether x is held, if it is <= n."""
        return (n < self.x) | held


def _term(value: Value, other: Value) -> Term:
    """Lift a constant to the sort of the other value; two constants stay integers."""
    if isinstance(value, Term):
        return value
    return Term(other.lift(value) if isinstance(other, Term) else z3.IntVal(value))
