"""The explorer: every state that can be reached, breadth first, exactly, with numpy on whole arrays of states.

A level is an array of packed states (``packing.py``). A chunk of it is unpacked, every instance is run on it at once,
every property is checked, the successors are packed, sorted, and held against the states seen so far (``visited.py``).

Two kinds of work, two kinds of thread. The rules are many short calls of numpy, each of which would give the
interpreter away and fight for it again: one thread makes them all. To sort and hold against what was seen is a few long
calls, during which the interpreter is free: other threads do that, and the first helps when it has nothing else to do.
What a level holds does not depend on who was first.

A counterexample needs no parent pointers: the levels are kept, and from a bad state one walks back by expanding level
after level again until the state before it is found. Breadth first, so it is a shortest one. The trace is then made
anew on ints, step by step (``trace.py``): if the fast engine were wrong, that would fail.

With ``symmetry`` only one of all states that differ in the names of the phones is kept (``symmetry.py`` says when that
is allowed); the sizes of these families give the full counts all the same.
"""

from __future__ import annotations

import ctypes
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from seqproof_model.bounded import Bounded, Instance, Taken, every
from seqproof_model.definition import Setting
from seqproof_model.engines.arrays import Array, Arrays, FollowArrays
from seqproof_model.engines.packing import Layout, Repack, Words
from seqproof_model.engines.symmetry import Symmetry
from seqproof_model.engines.visited import merged, visited
from seqproof_model.properties import Always, OfStep
from seqproof_model.scope import ScopeError
from seqproof_model.stepper import Stepper
from seqproof_model.trace import Trace, tidy, trace

Broken = tuple[str, Any, Instance | None]  # a property, a packed state, and the instance of a broken step
CHUNK = 64 << 10  # states expanded at once: a call's overhead is spread, and their fields stay in the cache
BACKLOG = 4  # expanded chunks that wait for a thread, at most: their successors take memory


@dataclass
class Coverage:
    """Of one action: in how many instances of states each guard held, and how often the action was taken."""

    tried: int = 0
    taken: int = 0
    guards: Counter[str] = field(default_factory=Counter[str])

    def add(self, other: Coverage) -> None:
        """Add another count of the same action."""
        self.tried, self.taken = self.tried + other.tried, self.taken + other.taken
        self.guards.update(other.guards)


@dataclass(frozen=True)
class Judged:
    """A property after an exploration. ``holds``: None where nothing broke it, but not all states were looked at.

    ``expected``: its sometimes can happen in this scope; ``occurred``: it did.
    """

    about: Always | OfStep
    holds: bool | None
    occurred: bool
    expected: bool


@dataclass(frozen=True)
class Progress:
    """How far it is, after a level."""

    states: int
    transitions: int
    depth: int
    frontier: int


@dataclass(frozen=True)
class Exploration:
    """What was found. ``complete``: every reachable state was expanded. ``stored``: states kept, fewer by symmetry.

    ``depth``: the number of steps to the farthest state seen. ``counterexample``: a shortest one, where a property
    fails; the exploration then ends with that level.
    """

    bounded: Bounded
    states: int
    stored: int
    transitions: int
    depth: int
    bits: int
    complete: bool
    interrupted: bool
    coverage: dict[str, Coverage]
    properties: tuple[Judged, ...]
    counterexample: Trace | None

    @property
    def holds(self) -> bool:
        """No property was broken."""
        return all(judged.holds is not False for judged in self.properties)

    @property
    def missing(self) -> tuple[str, ...]:
        """The properties whose sometimes never happened, though the scope allows it: nothing was said by them."""
        return tuple(j.about.name for j in self.properties if j.expected and not j.occurred)


@dataclass
class _Chunk:
    """What one chunk gave. ``found``: its successors, until they are absorbed; ``fresh``: those that were new."""

    found: list[Words]
    fresh: Words
    broken: list[Broken]
    transitions: int = 0
    coverage: dict[str, Coverage] = field(default_factory=dict[str, Coverage])
    overflow: OverflowError | None = None


class Explorer:
    """One exploration. ``levels`` holds the states found, level by level, sorted.

    ``symmetry``: that of this very model, from its certificate. ``threads``: 0 for one a processor. Raises ScopeError
    where the states are too wide, or where the symmetry is another model's.
    """

    def __init__(self, bounded: Bounded, *, symmetry: Symmetry | None = None, threads: int = 0) -> None:
        self.bounded = bounded
        self.layout = Layout(bounded)
        self.levels: list[Words] = []
        if symmetry and symmetry.bounded != bounded:
            raise ScopeError("the symmetry is that of another model; certify this one")
        self._symmetry = symmetry
        self._threads = threads or min(8, len(os.sched_getaffinity(0)))
        self._seen = visited(self.layout.bits, wide=self.layout.wide)
        self._repacks: dict[Instance, Repack] = {}
        self._occurred: set[str] = set()
        self._coverage: dict[str, Coverage] = {}
        self._states = self._transitions = 0

    # ---------------------------------------------------------------- the search

    def run(self, progress: Callable[[Progress], None] = lambda _: None, most: int | None = None) -> Exploration:
        """Explore. ``most``: stop after the level in which that many states were kept. Ctrl-C ends it with a result."""
        _keep_freed_memory()
        broken: list[Broken] = []
        interrupted = False
        pool = ThreadPoolExecutor(max(1, self._threads - 1))
        try:
            self.levels = [self._new(np.sort(self.layout.pack(self.bounded.starts())))]
            while self.levels[-1].size and not broken and not (most and sum(map(len, self.levels)) > most):
                broken = self._level(pool)
                depth = len(self.levels) - 1
                progress(Progress(self._states, self._transitions, depth, len(self.levels[-1])))
        except KeyboardInterrupt:
            interrupted = True
        finally:
            pool.shutdown(cancel_futures=True)
        finished = not interrupted and not self.levels[-1].size
        if not self.levels[-1].size:
            self.levels.pop()
        return self._result(broken, complete=finished, interrupted=interrupted)

    def _level(self, pool: ThreadPoolExecutor) -> list[Broken]:
        """Expand the last level; append the next. Returns what is broken, in the order of properties and states."""
        front = self.levels[-1]
        size = -(-front.size // max(1, round(front.size / CHUNK)))
        chunks: list[_Chunk] = []
        waiting: list[tuple[_Chunk, Future[None]]] = []
        for at in range(0, front.size, size):
            chunks.append(self._expand(front[at : at + size]))
            if self._threads == 1:
                self._absorb(chunks[-1])
                continue
            waiting = [(chunk, future) for chunk, future in waiting if not future.done()]
            waiting.append((chunks[-1], pool.submit(self._absorb, chunks[-1])))
            if len(waiting) > BACKLOG:
                self._help(*waiting.pop())
        while waiting:
            self._help(*waiting.pop())
        self._seen.settle()
        overflow = next((chunk.overflow for chunk in chunks if chunk.overflow), None)
        if overflow and not any(chunk.broken for chunk in chunks):
            raise overflow
        for chunk in chunks:
            self._transitions += chunk.transitions
            for name, coverage in chunk.coverage.items():
                self._coverage.setdefault(name, Coverage()).add(coverage)
        fresh = merged(pool, [chunk.fresh for chunk in chunks])
        self._states += self._weight(fresh)
        self.levels.append(fresh)
        return [bad for chunk in chunks for bad in chunk.broken]

    def _help(self, chunk: _Chunk, future: Future[None]) -> None:
        """Absorb a chunk that no thread has begun; of one that was begun, wait for the end."""
        if future.cancel():
            self._absorb(chunk)
        else:
            future.result()

    def _new(self, words: Words) -> Words:
        fresh = self._seen.add(words)
        self._seen.settle()
        self._states += self._weight(fresh)
        return fresh

    def _weight(self, words: Words) -> int:
        return int(self._symmetry.family(words).sum()) if self._symmetry else words.size

    def _expand(self, words: Words) -> _Chunk:
        """Check the states of one chunk, and take every instance."""
        state = self.layout.unpack(words)
        c = self._setting(state)
        chunk = _Chunk([], words[:0], list(self._broken_states(c, state, words)))
        weight = self._symmetry.family(words) if self._symmetry else None
        halves = self.layout.halves(words)
        for instance, taken, enabled in self._taken(c, state, words):
            chunk.broken += self._broken_steps(instance, taken, enabled, words)
            try:
                after = self._after(instance, taken, enabled, halves)
            except OverflowError as error:  # what is broken already matters more
                chunk.overflow = error
                return chunk
            number = after.size if weight is None else int(weight[enabled].sum())
            chunk.transitions += number
            self._count(chunk, instance, taken, number, words.size)
            chunk.found.append(after)
        return chunk

    def _absorb(self, chunk: _Chunk) -> None:
        """Add the successors of a chunk to what was seen."""
        found = np.concatenate(chunk.found or [chunk.fresh])
        chunk.found.clear()
        if self._symmetry:
            found = self._symmetry.representative(found)
        found.sort(kind="stable")  # each instance leaves its successors nearly sorted: merging runs is far quicker
        chunk.fresh = self._seen.add(found)

    @property
    def symmetric(self) -> bool:
        """Whether phones are taken for alike."""
        return self._symmetry is not None

    def successors(self, words: Words) -> Iterator[tuple[Instance, Array, Words]]:
        """Yield each instance, where it is enabled among some states, and the states that it leads to from there."""
        state = self.layout.unpack(words)
        halves = self.layout.halves(words)
        for instance, taken, enabled in self._taken(self._setting(state), state, words):
            yield instance, enabled, self._after(instance, taken, enabled, halves)

    def _setting(self, state: Mapping[str, Array]) -> Setting:
        scope = self.bounded.scope
        a = FollowArrays(state["x"]) if scope.follow else Arrays(self.layout.set_type)
        c = self.bounded.setting(a, scope.messages)
        return replace(c, page=min(c.page, scope.messages)) if c.page else c

    def _taken(self, c: Setting, state: Mapping[str, Array], words: Words) -> Iterator[tuple[Instance, Taken, Array]]:
        """Yield each instance: what it does, and where it is enabled."""
        for instance in self.bounded.instances:
            taken = self.bounded.step(c, state, instance)
            enabled = taken.enabled()
            yield instance, taken, enabled if np.ndim(enabled) else np.full(words.shape, enabled)

    def _after(self, instance: Instance, taken: Taken, enabled: Array, halves: list[Words]) -> Words:
        """The states that an instance leads to. Raises OverflowError where one has no place."""
        repack = self._repacks.get(instance)
        if repack is None:
            repack = self._repacks[instance] = Repack(self.layout, taken.changes)
        return repack(halves, taken.changes, enabled)

    def _count(self, chunk: _Chunk, instance: Instance, taken: Taken, number: int, tried: int) -> None:
        coverage = chunk.coverage.setdefault(instance.action.name, Coverage())
        coverage.tried += tried
        coverage.taken += number
        for name, held in taken.guards:
            coverage.guards[name] += tried if held is True else int(np.count_nonzero(held))

    # ---------------------------------------------------------------- properties

    def _broken_states(self, c: Setting, state: Mapping[str, Array], words: Words) -> Iterator[Broken]:
        bounded = self.bounded
        for judged in bounded.always:
            if judged.name not in self._occurred and np.any(bounded.occurs(c, state, judged)):
                self._occurred.add(judged.name)
        if not bounded.always or np.all(every(bounded.holds(c, state, judged) for judged in bounded.always)):
            return
        for judged in bounded.always:
            yield from _first_bad(judged.name, True, bounded.holds(c, state, judged), words, None)

    def _broken_steps(self, instance: Instance, taken: Taken, enabled: Array, words: Words) -> Iterator[Broken]:
        speaking = [judged for judged in self.bounded.of_steps if judged.applies(instance.action)]
        for judged in speaking:
            if judged.name not in self._occurred and np.any(enabled & judged.occurs(taken.step)):
                self._occurred.add(judged.name)
        told = [holds for judged in speaking if (holds := judged.holds(taken.step)) is not True]
        if not told or not np.any(enabled > every(told)):
            return
        for judged in speaking:
            yield from _first_bad(judged.name, enabled, judged.holds(taken.step), words, instance)

    def _result(self, broken: list[Broken], *, complete: bool, interrupted: bool) -> Exploration:
        names = {name for name, _, _ in broken}
        scope = self.bounded.scope
        judged = tuple(
            Judged(
                about,
                False if about.name in names else True if complete else None,
                about.name in self._occurred,
                about.may_occur(scope),
            )
            for about in self.bounded.properties
        )
        return Exploration(
            bounded=self.bounded,
            states=self._states,
            stored=sum(level.size for level in self.levels),
            transitions=self._transitions,
            depth=len(self.levels) - 1,
            bits=self.layout.bits,
            complete=complete,
            interrupted=interrupted,
            coverage=self._coverage,
            properties=judged,
            counterexample=self._counterexample(broken) if broken else None,
        )

    # ---------------------------------------------------------------- counterexamples

    def _counterexample(self, broken: list[Broken]) -> Trace:
        """A shortest trace to what is broken: a state beats a step, for it is one step nearer."""
        order = {about.name: at for at, about in enumerate(self.bounded.properties)}
        _, word, instance = min(broken, key=lambda bad: (bad[2] is not None, order[bad[0]]))
        way = self.path(word)
        return tidy(way if instance is None else self._with_broken_step(way))

    def path(self, word: Any) -> Trace:
        """A shortest trace from an initial state to a state that was seen; by symmetry, to one of its family."""
        depth = next(at for at, level in enumerate(self.levels) if _holds(level, word))
        ways = [word]
        for level in reversed(self.levels[:depth]):
            ways.append(self._before(level, ways[-1]))
        return self._walk(ways[::-1])

    def _before(self, level: Words, word: Any) -> Any:
        """A state of a level that has a step to ``word``."""
        for at in range(0, level.size, CHUNK):
            words = level[at : at + CHUNK]
            for _, enabled, after in self.successors(words):
                same = (self._symmetry.representative(after) if self._symmetry else after) == word
                if same.any():
                    return words[np.flatnonzero(enabled)[np.flatnonzero(same)[0]]]
        raise LookupError("a state that was reached has no state before it")

    def _walk(self, ways: list[Any]) -> Trace:
        """Take the steps on ints: in each state one that leads to the next word."""
        stepper, steps = Stepper(self.bounded), list[Instance]()
        start = self.layout.number(ways[0])
        state = start
        for word in ways[1:]:
            instance, taken = next(
                (i, taken) for i, taken in stepper.enabled(state) if self._packed(stepper.after(state, taken)) == word
            )
            steps.append(instance)
            state = stepper.after(state, taken)
        return trace(self.bounded, steps, start)

    def _with_broken_step(self, way: Trace) -> Trace:
        stepper = Stepper(self.bounded)
        last = next(i for i, taken in stepper.enabled(way.states[-1]) if stepper.broken_step(taken))
        return trace(self.bounded, (*way.steps, last), way.states[0])

    def _packed(self, state: Mapping[str, int]) -> Any:
        word = self.layout.pack([state])
        return (self._symmetry.representative(word) if self._symmetry else word)[0]


def _first_bad(name: str, where: Any, holds: Any, words: Words, instance: Instance | None) -> Iterator[Broken]:
    """The first of some states in which a property is broken, if there is one."""
    bad = np.flatnonzero(np.broadcast_to(where & np.logical_not(holds), words.shape))
    if bad.size:
        yield name, words[bad[0]], instance


def _holds(level: Words, word: Any) -> bool:
    at = int(np.searchsorted(level, np.array([word]))[0])
    return at < level.size and not np.any(level[at] != word)


def _keep_freed_memory() -> None:
    """Ask glibc to keep freed arrays for the next ones: giving pages back and forth was a fifth of the time."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    trim_threshold, mmap_threshold, arena_max = -1, -3, -8
    mallopt(mmap_threshold, 32 << 20)
    mallopt(trim_threshold, 64 << 20)
    mallopt(arena_max, 1)
