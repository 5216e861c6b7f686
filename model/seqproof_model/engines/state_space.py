"""The states that were explored, numbered, with every step between them as an edge: from ``Explorer`` to ``Graph``.

An explorer keeps states alone, level by level; steps are cheap to take again and dear to keep. Here each state is taken
once more, chunk by chunk, and each of its successors is looked up among all states. A state's index is its place in
breadth-first order: level by level, sorted inside a level. Nothing is lost: every enabled instance is an edge, whether
it changes anything or not, so there are as many edges as the exploration counted transitions.

An edge takes 24 bytes, and some more while it is looked up. Above ``MOST_EDGES`` the graph is refused: that is where an
ordinary machine's memory ends, and with it all that walks over the graph as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seqproof_model.bounded import Bounded, Instance, slot_names
from seqproof_model.engines.arrays import Array
from seqproof_model.engines.explore import CHUNK, Explorer, Progress
from seqproof_model.engines.graph import Graph, Index
from seqproof_model.engines.packing import Layout, Words
from seqproof_model.properties import Always, OfStep
from seqproof_model.scope import ScopeError
from seqproof_model.state import OF_PHONE, Kind
from seqproof_model.trace import Trace, trace

MOST_EDGES = 20_000_000


@dataclass(frozen=True, eq=False)
class StateSpace:
    """A graph, and what its indices mean. ``words[s]``: state s, packed. Label i is the instance ``instances[i]``."""

    bounded: Bounded
    layout: Layout
    words: Words
    graph: Graph

    @property
    def instances(self) -> tuple[Instance, ...]:
        """The instances, by their labels."""
        return self.bounded.instances

    @cached_property
    def columns(self) -> dict[str, Array]:
        """Each variable as an array, one element a state; sets of seqs as bit masks, bit n - 1 for seq n."""
        return self.layout.unpack(self.words)

    def number(self, state: int) -> dict[str, int]:
        """A state's variables as ints."""
        return self.layout.number(self.words[state])

    def attributes(self, state: int) -> dict[str, int | bool | str]:
        """A state as people read it: a set of seqs as ``{1, 2}``, a channel as ``lower 0 upper 1; lower 0 upper 2``."""
        numbers = self.number(state)
        plain = (v for v in self.bounded.variables if "." not in v.name)  # a packet's fields have a dot
        shown = {v.name: _shown(v.kind, numbers[v.name]) for v in plain}
        for channel in self.bounded.channels:
            for owner in range(self.bounded.scope.phones) if channel in OF_PHONE else (None,):
                name = slot_names(channel, owner, 0)[0].rpartition("[")[0]
                packets = (packet for there, packet in self.bounded.slots(numbers, channel, owner) if there)
                shown[name] = "; ".join(
                    " ".join(f"{field} {value}" for field, value in packet._asdict().items()) for packet in packets
                )
        return shown

    def walk(self, edges: Iterable[int], loop: int | None = None) -> Trace:
        """The trace that takes some edges from state 0 on, made anew on ints. ``loop``: the state a lasso returns to.

        Raises TraceError where an edge does not leave the state that the one before it leads to.
        """
        labels: list[int] = self.graph.label[list(edges)].tolist()
        return trace(self.bounded, [self.instances[label] for label in labels], loop=loop)


@dataclass(frozen=True)
class _Unjudged(Bounded):
    """A model of which no property is checked, so that an explorer does not end where one fails."""

    @cached_property
    def always(self) -> tuple[Always, ...]:
        """None."""
        return ()

    @cached_property
    def of_steps(self) -> tuple[OfStep, ...]:
        """None."""
        return ()


def all_states(
    bounded: Bounded, progress: Callable[[Progress], None] = lambda _: None, most: int = MOST_EDGES
) -> StateSpace:
    """Explore a model, a faulty one too, to its end, and number its states.

    Raises what ``state_space`` raises, ScopeError above ``most`` states, and KeyboardInterrupt.
    """
    explorer = Explorer(_Unjudged(bounded.definition, bounded.scope))
    found = explorer.run(progress, most)
    if found.interrupted:
        raise KeyboardInterrupt
    if not found.complete:
        raise ScopeError(
            f"{bounded.scope.describe()} has more than {most} states; take fewer phones, messages or slots"
        )
    return replace(state_space(explorer, most), bounded=bounded)


def graph_of(explorer: Explorer) -> Graph:
    """The graph of an exploration that is complete; raises what ``state_space`` raises."""
    return state_space(explorer).graph


def state_space(explorer: Explorer, most: int = MOST_EDGES) -> StateSpace:
    """The states and the graph of an exploration that is complete.

    Raises ScopeError where it is not complete, where one message is followed (there are then several initial states),
    where symmetry was used (an edge then leads to another phone's state), and above ``most`` edges.
    """
    _check(explorer)
    words = np.concatenate(explorer.levels)
    order = np.argsort(words, kind="stable")
    ascending = words[order]
    chunks: list[tuple[Index, Index, Index]] = []
    count = 0
    for begin in range(0, words.size, CHUNK):
        source, after, label = _edges(explorer, words[begin : begin + CHUNK])
        count += label.size
        if count > most:
            raise ScopeError(
                f"the graph of {explorer.bounded.scope.describe()} has more than {most} edges; "
                "take fewer phones, messages or slots"
            )
        chunks.append((source + begin, order[_places(ascending, after)], label))
    sizes = [level.size for level in explorer.levels]
    source, target, label = map(np.concatenate, zip(*chunks, strict=True))
    names = tuple(map(str, explorer.bounded.instances))
    graph = Graph(words.size, source, target, label, names, np.repeat(np.arange(len(sizes), dtype=np.int64), sizes))
    return StateSpace(explorer.bounded, explorer.layout, words, graph)


def _check(explorer: Explorer) -> None:
    scope = explorer.bounded.scope
    if scope.follow:
        raise ScopeError("a graph has one initial state, a model that follows a message several; take off --follow")
    if explorer.symmetric:
        raise ScopeError("a graph tells the phones apart; explore without symmetry")
    if not explorer.levels:
        raise ScopeError(f"{scope.describe()} is not explored yet; a graph needs all its states")


def _edges(explorer: Explorer, words: Words) -> tuple[Index, Words, Index]:
    """The edges of some states: where each begins in ``words``, the packed state it leads to, and its label.

    They come state by state, and in the instances' order of each.
    """
    enabled = np.zeros((words.size, len(explorer.bounded.instances)), np.bool_)
    after = np.empty(enabled.shape, words.dtype)
    for label, (_, here, reached) in enumerate(explorer.successors(words)):
        enabled[:, label] = here
        after[here, label] = reached
    places = np.argwhere(enabled)
    return places[:, 0].astype(np.int64), after[enabled], places[:, 1].astype(np.int64)


def _places(ascending: Words, wanted: Words) -> NDArray[np.intp]:
    """Where each wanted state lies; searched in ascending order, for which the processor's cache is grateful."""
    distinct, again = np.unique(wanted, return_inverse=True)
    places = np.searchsorted(ascending, distinct)
    if np.any(ascending[np.minimum(places, ascending.size - 1)] != distinct):
        raise ScopeError("a step leads out of the states that were explored; explore to the end")
    found: NDArray[np.intp] = places[again]
    return found


def _shown(kind: Kind, value: int) -> int | bool | str:
    if kind is Kind.SET:
        return "{" + ", ".join(str(n + 1) for n in range(value.bit_length()) if value >> n & 1) + "}"
    return bool(value) if kind is Kind.FLAG else value
