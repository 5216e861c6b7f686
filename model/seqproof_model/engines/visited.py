"""The set of states seen so far. It answers one question: which of these sorted states are new.

**Bitmap.** The lowest bits of a word choose a bit in a block of 512, the rest, the *key*, chooses the block; the keys
are kept sorted. About twenty reachable states share a block, so a state costs two or three bytes, and one search finds
the block of all its neighbours. Threads share the set. Reading takes no lock, for bits are only ever set: a stale read
lets a seen state through, and the second look, under the lock, drops it. What a level holds does not depend on which
thread came first.

**Runs.** For words that are not integers: a few sorted arrays, each at least twice as long as the next, merged as in a
log-structured tree. A state costs its own 16 bytes.
"""

from __future__ import annotations

import threading
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from seqproof_model.engines.packing import WORD, Words

Array = NDArray[Any]
BLOCK_BITS = 9


class Visited(Protocol):
    """A set of states that grows."""

    def add(self, states: Words) -> Words:
        """Add sorted states, repeats allowed; return those that were new, sorted, once each. Threads may share it."""
        ...

    def settle(self) -> None:
        """Tidy up between two levels, while no thread adds."""
        ...


def visited(bits: int, *, wide: bool) -> Visited:
    """An empty set for states of that many bits."""
    return Runs() if wide else Bitmap(min(bits, BLOCK_BITS))


def firsts(sorted_states: Words) -> NDArray[np.bool_]:
    """Where a sorted, nonempty array begins a new value."""
    first = np.empty(sorted_states.size, np.bool_)
    first[0] = True
    np.not_equal(sorted_states[1:], sorted_states[:-1], out=first[1:])
    return first


class Runs:
    """Sorted arrays of decreasing length."""

    def __init__(self) -> None:
        self._runs: list[Words] = []
        self._lock = threading.Lock()

    def add(self, states: Words) -> Words:
        """Add sorted states; see ``Visited``."""
        if not states.size:
            return states
        states = states.compress(firsts(states))
        with self._lock:
            for run in self._runs:
                at = np.minimum(run.searchsorted(states), run.size - 1)
                states = states.compress(run.take(at) != states)
            if states.size:
                self._runs.append(states)
                while len(self._runs) > 1 and self._runs[-2].size < 2 * self._runs[-1].size:
                    last, before = self._runs.pop(), self._runs.pop()
                    self._runs.append(np.insert(before, before.searchsorted(last), last))
        return states

    def settle(self) -> None:
        """Nothing to do."""


class Bitmap:
    """A sparse bitmap over 64-bit words. ``low``: the number of bits inside a block."""

    def __init__(self, low: int = BLOCK_BITS) -> None:
        self._low, self._size = WORD(low), 1 << max(0, low - 6)  # size: 64-bit words in a block
        self._inside = WORD(min(63, (1 << low) - 1))
        self._keys, self._slots = np.empty(0, WORD), np.empty(0, np.int64)  # sorted keys, and each one's block
        self._young_keys, self._young_slots = self._keys, self._slots  # blocks made in this level
        self._blocks, self._count = np.zeros(1024 * self._size, WORD), 0
        self._lock = threading.Lock()

    def add(self, states: Words) -> Words:
        """Add sorted states; see ``Visited``."""
        if not states.size:
            return states
        states = states.compress(firsts(states))
        keys = states >> self._low
        first = firsts(keys)
        groups = keys.compress(first)
        slots = self._find(self._keys, self._slots, groups)
        which = first.cumsum(dtype=np.int64)
        which -= 1
        where, bit = self._bits(states, slots.take(which))
        fresh = (self._blocks.take(where, mode="clip") & bit) == 0
        if slots.min() < 0:
            fresh |= where < 0
        rows = np.flatnonzero(fresh)
        with self._lock:
            return self._add_fresh(states.take(rows), which.take(rows), groups, slots)

    def _add_fresh(self, states: Words, which: Array, groups: Words, slots: Array) -> Words:
        """The second look, with the lock held: blocks for new keys, then test and set."""
        missing = np.flatnonzero(slots < 0)
        if missing.size:
            slots[missing] = self._made(groups.take(missing))
        where, bit = self._bits(states, slots.take(which))
        rows = np.flatnonzero((self._blocks.take(where) & bit) == 0)
        np.bitwise_or.at(self._blocks, where.take(rows), bit.take(rows))
        return states.take(rows)

    def _made(self, keys: Words) -> Array:
        """The blocks of keys that the settled tier does not have: those of this level, and new ones."""
        found = self._find(self._young_keys, self._young_slots, keys)
        none = np.flatnonzero(found < 0)
        found[none] = np.arange(self._count, self._count + none.size)
        self._count += none.size
        at = self._young_keys.searchsorted(keys[none])
        self._young_keys = np.insert(self._young_keys, at, keys[none])
        self._young_slots = np.insert(self._young_slots, at, found[none])
        if self._count * self._size > self._blocks.size:
            grown = np.zeros(max(self._count * self._size, self._blocks.size * 3 // 2), WORD)
            grown[: self._blocks.size] = self._blocks
            self._blocks = grown
        return found

    def settle(self) -> None:
        """Merge the keys of this level into the others."""
        at = self._keys.searchsorted(self._young_keys)
        self._keys = np.insert(self._keys, at, self._young_keys)
        self._slots = np.insert(self._slots, at, self._young_slots)
        self._young_keys, self._young_slots = self._keys[:0], self._slots[:0]

    @staticmethod
    def _find(keys: Words, slots: Array, wanted: Words) -> Array:
        """The block of each wanted key, -1 for none."""
        if not keys.size:
            return np.full(wanted.size, -1, np.int64)
        at = keys.searchsorted(wanted)
        np.minimum(at, keys.size - 1, out=at)
        found = slots.take(at)
        found[keys.take(at) != wanted] = -1
        return found

    def _bits(self, states: Words, slots: Array) -> tuple[Array, Words]:
        """Of each state: the index of its 64-bit word, negative where it has none, and its bit there."""
        where = slots
        if self._size > 1:
            where *= self._size
            where += ((states >> WORD(6)) & WORD(self._size - 1)).view(np.int64)
        return where, WORD(1) << (states & self._inside)
