"""Phones have no names: states that differ only in which phone is which are one family.

``Symmetry`` maps packed states to one of their family, the smallest, and tells how large a family is. It may be used
only after ``certify`` has proved, in Z3, that every rule treats the phones alike (``certificate.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from math import factorial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqproof_model.bounded import Bounded
from seqproof_model.engines.packing import WORD, Layout, Words


class Move(NamedTuple):
    """Bits that go from one place to another."""

    source: int
    offset: int
    target: int
    shift: int
    width: int


class Symmetry:
    """The permutations of a model's phones, on packed states."""

    def __init__(self, bounded: Bounded) -> None:
        self.bounded = bounded
        self._layout = Layout(bounded)
        self._phones = bounded.scope.phones
        orders = list(permutations(range(self._phones)))[1:]  # the first one moves nothing
        self._moves = [self._permutation(order) for order in orders]

    def representative(self, words: Words) -> Words:
        """The smallest state of each state's family."""
        least = words
        for moved in self._moved(words):
            least = np.where(moved < least, moved, least)
        return least

    def family(self, words: Words) -> NDArray[np.int64]:
        """How many states each state's family has: all orders of the phones, divided by those that change nothing."""
        same = np.ones(words.size, np.int64)
        for moved in self._moved(words):
            same += moved == words
        return factorial(self._phones) // same

    def _moved(self, words: Words) -> Iterator[Words]:
        halves = self._layout.halves(words)
        for keep, moves in self._moves:
            out = [half & WORD(mask) for half, mask in zip(halves, keep, strict=True)]
            for source, offset, target, shift, width in moves:
                field = (halves[source] >> WORD(offset)) & WORD((1 << width) - 1)
                out[target] |= field << WORD(shift)
            yield self._layout.join(out)

    def _permutation(self, order: tuple[int, ...]) -> tuple[list[int], list[Move]]:
        """The bits that stay, and the moves of the others, neighbours of one phone together."""
        places = self._layout.places
        variables = self._layout.bounded.variables
        names = {phone: [v.name for v in variables if v.phone == phone] for phone in range(self._phones)}
        moves: list[Move] = []
        keep = [(1 << 64) - 1] * (2 if self._layout.wide else 1)
        for phone, other in enumerate(order):
            if phone == other:
                continue
            pairs = [(places[a], places[b]) for a, b in zip(names[phone], names[other], strict=True)]
            for a, b in sorted(pairs):
                keep[b.half] &= ~(((1 << b.width) - 1) << b.offset)
                last = moves[-1] if moves else None
                joined = last and Move(a.half, a.offset - last.width, b.half, b.offset - last.width, last.width)
                if last and last == joined:
                    moves[-1] = last._replace(width=last.width + a.width)
                else:
                    moves.append(Move(a.half, a.offset, b.half, b.offset, a.width))
        return keep, moves
