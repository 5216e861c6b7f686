"""The set of states seen so far. It answers one question: which of these sorted states are new.

**Bitmap.** The lowest bits of a word choose a bit in a block of 512, the rest, the *key*, chooses the block; the keys
are kept sorted. About twenty reachable states share a block, so a state costs two or three bytes, and one search finds
the block of all its neighbours. Threads share the set, and take turns. What a level holds does not depend on which of
them came first.

**Runs.** For words that are not integers: a few sorted arrays, each at least twice as long as the next, merged as in a
log-structured tree. A state costs its own 16 bytes.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Executor
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
        self._low, self._size = low, 1 << max(0, low - 6)  # size: 64-bit words in a block
        self._keys: Words = np.empty(0, WORD)  # sorted
        self._starts: Array = np.empty(0, np.int64)  # where each one's block starts
        self._young_keys, self._young_starts = self._keys, self._starts  # those of blocks made in this level
        self._blocks, self._used = np.zeros(1024, WORD), 0
        self._lock = threading.Lock()

    def add(self, states: Words) -> Words:
        """Add sorted states; see ``Visited``."""
        if not states.size:
            return states
        states = states.compress(firsts(states))
        keys = states >> WORD(self._low)
        first = firsts(keys)
        keys = keys.compress(first)
        which = first.cumsum(dtype=np.int64)
        which -= 1
        word = ((states >> WORD(6)) & WORD(self._size - 1)).view(np.int64)  # in the block
        bit = WORD(1) << (states & WORD(min(63, (1 << self._low) - 1)))
        with self._lock:
            word += self._blocks_of(keys).take(which)
            fresh = np.flatnonzero((self._blocks.take(word) & bit) == 0)
            np.bitwise_or.at(self._blocks, word.take(fresh), bit.take(fresh))
        return states.take(fresh)

    def settle(self) -> None:
        """Merge the keys of this level into the others: once a level, so that no insertion moves much."""
        at = self._keys.searchsorted(self._young_keys)
        self._keys = np.insert(self._keys, at, self._young_keys)
        self._starts = np.insert(self._starts, at, self._young_starts)
        self._young_keys, self._young_starts = self._keys[:0], self._starts[:0]

    def _blocks_of(self, keys: Words) -> Array:
        """Where the blocks of these sorted, distinct keys start; blocks are made for new keys."""
        starts = self._find(self._keys, self._starts, keys)
        missing = np.flatnonzero(starts < 0)
        if missing.size:
            starts[missing] = self._made(keys.take(missing))
        return starts

    def _made(self, keys: Words) -> Array:
        """The same for keys that no earlier level had."""
        found = self._find(self._young_keys, self._young_starts, keys)
        new = np.flatnonzero(found < 0)
        found[new] = np.arange(self._used, self._used + new.size * self._size, self._size)
        at = self._young_keys.searchsorted(keys[new])
        self._young_keys = np.insert(self._young_keys, at, keys[new])
        self._young_starts = np.insert(self._young_starts, at, found[new])
        self._used += new.size * self._size
        if self._used > self._blocks.size:
            grown = np.zeros(max(self._used, self._blocks.size * 3 // 2), WORD)
            grown[: self._blocks.size] = self._blocks
            self._blocks = grown
        return found

    @staticmethod
    def _find(keys: Words, starts: Array, wanted: Words) -> Array:
        """Where the block of each wanted key starts, -1 for none."""
        if not keys.size:
            return np.full(wanted.size, -1, np.int64)
        at = keys.searchsorted(wanted)
        np.minimum(at, keys.size - 1, out=at)
        found = starts.take(at)
        found[keys.take(at) != wanted] = -1
        return found


def merged(pool: Executor, parts: Sequence[Words]) -> Words:
    """The sorted union of sorted, disjoint parts: cut at about the median, each half merged on a thread."""
    sample = np.sort(np.concatenate([part[::1024] for part in parts]))
    if not sample.size:
        return sample
    middle = sample[sample.size // 2 : sample.size // 2 + 1]
    cuts = [int(np.searchsorted(part, middle)[0]) for part in parts]
    low = [part[:cut] for part, cut in zip(parts, cuts, strict=True)]
    high = [part[cut:] for part, cut in zip(parts, cuts, strict=True)]
    whole = np.concatenate(low + high)
    half = pool.submit(_sort, whole[: sum(cuts)])
    _sort(whole[sum(cuts) :])
    half.result()
    return whole


def _sort(words: Words) -> None:
    words.sort(kind="stable")  # of sorted runs: merging them
