"""Ways through a state graph: what tours and liveness both build on.

Three questions recur. Which states can reach each other (the strongly connected components)? How does one get from a
set of states to all others by fewest steps (a breadth-first spread over whole arrays)? And, asked thousands of times,
which is the shortest way from here to some edge of a kind (a breadth-first search that stops at once)?

networkx answers the first up to ``NETWORKX_EDGES``; beyond, it needs gigabytes and minutes, and scipy works on the
arrays themselves. Both name a component by its least state, so their answers can be compared with ``==``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from seqproof_model.engines.graph import Graph, Index

Mask = NDArray[np.bool_]

NETWORKX_EDGES = 100_000
NOWHERE = -2  # in ``spread``: a state that is not reached
START = -1  # in ``spread``: a state that the spread starts from


class Backend(Enum):
    """Who finds the components. ``AUTO``: networkx up to ``NETWORKX_EDGES``, scipy beyond."""

    AUTO = "auto"
    NETWORKX = "networkx"
    SCIPY = "scipy"


def components(graph: Graph, edges: Mask, backend: Backend = Backend.AUTO) -> Index:
    """Name each state's strongly connected component, over the edges of the mask, by the component's least state."""
    source, target = graph.source[edges], graph.target[edges]
    small = backend is Backend.AUTO and len(source) <= NETWORKX_EDGES
    if small or backend is Backend.NETWORKX:
        return _by_networkx(graph.size, source, target)
    ones = np.ones(len(source), dtype=np.int8)
    matrix = csr_array((ones, (source, target)), shape=(graph.size, graph.size))
    found = connected_components(matrix, directed=True, connection="strong")[1]
    _, least, number = np.unique(found, return_index=True, return_inverse=True)
    named: Index = least[number]
    return named


def _by_networkx(size: int, source: Index, target: Index) -> Index:
    drawn: nx.DiGraph[int] = nx.DiGraph()
    drawn.add_edges_from(zip(source.tolist(), target.tolist(), strict=True))
    named = np.arange(size, dtype=np.int64)
    for component in nx.strongly_connected_components(drawn):
        if len(component) > 1:
            named[list(component)] = min(component)
    return named


def first_edges(graph: Graph) -> Index:
    """Where each state's edges begin: those of state s are ``first[s]`` up to, not including, ``first[s + 1]``."""
    return np.searchsorted(graph.source, np.arange(graph.size + 1)).astype(np.int64)


def spread(graph: Graph, starts: Mask, edges: Mask, join: Index | None = None) -> tuple[Index, Index]:
    """Spread from the starts along the edges of the mask, by fewest steps.

    ``join``: the number of steps after which a state that is a start joins in; by default they all start at 0.
    Returns, for each state, its steps (-1 where it is not reached) and the edge it was reached by (``START`` for a
    start that joined, ``NOWHERE``).
    """
    first = first_edges(graph)
    steps = np.full(graph.size, -1, dtype=np.int64)
    came = np.full(graph.size, NOWHERE, dtype=np.int64)
    late = np.where(starts, 0 if join is None else join, -1)
    waves = np.unique(late[starts]).tolist()  # the steps at which starts join, ascending
    step = 0
    frontier = np.empty(0, dtype=np.int64)
    while len(frontier) or waves:
        if not len(frontier):
            step = max(step, int(waves[0]))
        if waves and waves[0] == step:
            waves.pop(0)
            joining = np.flatnonzero((late == step) & (steps < 0))
            steps[joining], came[joining] = step, START
            frontier = np.concatenate([frontier, joining])
        out = _edges_of(first, frontier)
        out = out[edges[out]]
        out = out[steps[graph.target[out]] < 0]
        frontier, chosen = np.unique(graph.target[out], return_index=True)
        step += 1
        steps[frontier], came[frontier] = step, out[chosen]
    return steps, came


def _edges_of(first: Index, states: Index) -> Index:
    """All edges of the states, as indices, without a loop over the states."""
    low, count = first[states], first[states + 1] - first[states]
    total = np.cumsum(count)
    edges: Index = np.arange(int(count.sum())) + np.repeat(low - total + count, count)
    return edges


def way_back(graph: Graph, came: Index, state: int) -> list[int]:
    """The edges from a start of the spread to ``state``, in the order of walking."""
    way: list[int] = []
    while (edge := int(came[state])) >= 0:
        way.append(edge)
        state = int(graph.source[edge])
    return way[::-1]


class Walker:
    """Finds short ways, again and again, in one graph: plain lists are faster here than arrays."""

    def __init__(self, graph: Graph) -> None:
        self.source: list[int] = graph.source.tolist()
        self.target: list[int] = graph.target.tolist()
        self._first: list[int] = first_edges(graph).tolist()

    def nearest(self, state: int, wanted: Callable[[int], bool], within: Callable[[int], bool]) -> list[int] | None:
        """The fewest edges from ``state`` so that the last one is ``wanted``; all before it lie ``within``.

        None where there is no such way.
        """
        came = {state: START}
        queue = deque([state])
        while queue:
            here = queue.popleft()
            for edge in range(self._first[here], self._first[here + 1]):
                if wanted(edge):
                    return self._back(came, here, edge)
                there = self.target[edge]
                if there not in came and within(edge):
                    came[there] = edge
                    queue.append(there)
        return None

    def _back(self, came: dict[int, int], here: int, last: int) -> list[int]:
        way = [last]
        while (edge := came[here]) != START:
            way.append(edge)
            here = self.source[edge]
        return way[::-1]
