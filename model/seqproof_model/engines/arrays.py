"""Numpy arrays as values of the rules: one element a state, each field in the smallest type that holds it.

Bytes are eight times as fast as 64-bit words, so seqs, truth values and small sets are bytes here; only the packed
state is wide. A set of seqs is a bit mask, or, where one message is followed, one truth value.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from seqproof_model.rules import Value

Array = NDArray[Any]


def narrowest(bits: int) -> type[np.unsignedinteger[Any]]:
    """The smallest unsigned type of at least that many bits."""
    return np.uint8 if bits <= 8 else np.uint16 if bits <= 16 else np.uint32 if bits <= 32 else np.uint64


class Arrays:
    """The algebra of arrays. ``set_type``: the type of bit masks; it has one bit more than there are seqs."""

    def __init__(self, set_type: type[np.unsignedinteger[Any]]) -> None:
        self._type = set_type
        self._one = set_type(1)

    def maximum(self, a: Value, b: Value) -> Value:
        """The larger of two values, element by element."""
        return np.maximum(a, b)

    def minimum(self, a: Value, b: Value) -> Value:
        """The smaller of two values, element by element."""
        return np.minimum(a, b)

    def true(self) -> bool:
        """Plain True: the engines skip it."""
        return True

    def no(self, a: Value) -> Value:
        """The opposite."""
        return not a if isinstance(a, bool) else ~a

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        """``a`` where the condition holds, else ``b``."""
        if isinstance(condition, bool):
            return a if condition else b
        return cast("Value", np.where(condition, a, b))

    def span(self, held: Value, lower: Value, upper: Value) -> Value:
        """The masks with lower + 1 .. upper in them."""
        return held | (self._up_to(upper) & ~self._up_to(lower))

    def covers(self, held: Value, n: Value) -> Value:
        """Whether every seq <= n is in the mask."""
        return (self._up_to(n) & ~held) == 0

    def _up_to(self, n: Value) -> Value:
        return (self._one << np.asarray(n).astype(self._type)) - self._one


class FollowArrays(Arrays):
    """Arrays, where a set is whether it holds the message ``x``, an array of seqs."""

    def __init__(self, x: Array) -> None:
        super().__init__(np.uint8)
        self._x = x

    def span(self, held: Value, lower: Value, upper: Value) -> Value:
        """Whether x is held, once lower + 1 .. upper are."""
        return held | ((lower < self._x) & (self._x <= upper))

    def covers(self, held: Value, n: Value) -> Value:
        """Whether x is held, if it is <= n."""
        return (n < self._x) | held
