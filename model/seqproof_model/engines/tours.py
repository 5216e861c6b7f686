"""Transition tours: the fewest walks from state 0 that together take every edge.

A test suite made from a model wants each transition taken at least once, and as few runs as possible, because each run
begins with a fresh server. In a graph whose every state reaches every other, one walk does it (the Chinese postman's).
Here marks only rise, so what is passed cannot be visited again, and one walk is not enough. How many are?

Join the states that reach each other into components; between components the graph has no circle. Inside a component
one walk can take everything, then leave by any edge. So let a *flow* count how many walks take each way between
components: at least 1 on each edge that is wanted, at least 1 through a component that only has wanted edges inside.
The fewest walks are the least such flow. At a component where more must leave than must arrive, the difference must
come from somewhere: from walks that would otherwise end above it, as many as possible (a maximum flow), and the rest
from new walks that begin at state 0. That number is exact, for the walks cannot share more than the maximum flow.

The flow then guides the walks. Each goes on as long as the flow does, takes what is wanted inside a component by always
going to the nearest such edge, and leaves by the nearest way out that is still owed. How few walks is thus exact, how
short they are is not: the nearest edge next is a rule of thumb.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from seqproof_model.engines.graph import Graph, Index
from seqproof_model.engines.ways import START, Mask, Walker, components, spread, way_back

MOST_EDGES = 600_000


def tours(graph: Graph, *, edges: Mask | None = None, longest: int | None = None) -> list[list[int]]:
    """Find the fewest walks from state 0 that together take every edge; each walk is a list of edge indices.

    ``edges``: a mask over the edges, where only some must be taken; the others may be used to travel.
    ``longest``: split a walk that has more edges than this; what is left to do begins again at state 0 and goes there
    by a shortest way. The walks are then no longer the fewest.

    Time and memory follow the length of the walks. Where marks rise that is two to five steps an edge; the worst graphs
    (a long ring with a way back to its start from everywhere) need the square of their edges.

    Raises ``ValueError`` for more than ``MOST_EDGES`` edges, a mask of another length, an edge that no walk from state
    0 takes, or one farther away than ``longest``.
    """
    wanted = np.ones(len(graph.source), dtype=np.bool_) if edges is None else edges
    steps, came = _from_start(graph)
    _refuse(graph, wanted, steps, longest)
    if not wanted.any():
        return []
    small = _condense(graph, (steps >= 0)[graph.source])
    flow, count = _plan(graph, wanted, small, steps, came)
    router = _Router(graph, wanted, small, flow)
    walks = [router.walk() for _ in range(count)]
    return _trimmed(walks if longest is None else _split(graph, walks, wanted, longest), wanted)


def covered(graph: Graph, walks: Iterable[Sequence[int]]) -> Mask:
    """Say which edges the walks take; ``ValueError`` for one that is no walk from state 0."""
    taken = np.zeros(len(graph.source), dtype=np.bool_)
    for number, walk in enumerate(walks):
        state = 0
        for edge in walk:
            if graph.source[edge] != state:
                raise ValueError(f"walk {number} takes edge {edge} in state {state}: the edge leaves another state")
            taken[edge], state = True, int(graph.target[edge])
    return taken


def _from_start(graph: Graph) -> tuple[Index, Index]:
    return spread(graph, np.arange(graph.size) == 0, np.ones(len(graph.source), dtype=np.bool_))


def _refuse(graph: Graph, wanted: Mask, steps: Index, longest: int | None) -> None:
    if len(graph.source) > MOST_EDGES:
        raise ValueError(f"tours take at most {MOST_EDGES} edges, this graph has {len(graph.source)}: explore less")
    if wanted.shape != graph.source.shape:
        raise ValueError(f"the mask of edges has the shape {wanted.shape}, not {graph.source.shape}: one bool an edge")
    away = steps[graph.source[wanted]]
    if (away < 0).any():
        lost = int(np.flatnonzero(wanted)[away < 0][0])
        raise ValueError(f"no walk from state 0 takes edge {lost}: explore from state 0, or leave it out of the mask")
    if longest is not None and away.size and longest <= int(away.max()):
        raise ValueError(f"longest is {longest}, but an edge is {int(away.max()) + 1} steps away: allow that many")


@dataclass(frozen=True)
class _Condensed:
    """The graph with its components as nodes, and one arc for all edges that lead from one to another.

    ``component[s]``: the number of state s's component. ``arc[i]``: the number of edge i's arc, -1 where it stays
    inside a component. Arc a leads from component ``tails[a]`` to ``heads[a]``.
    """

    component: Index
    arc: Index
    tails: Index
    heads: Index
    size: int


def _condense(graph: Graph, reached: Mask) -> _Condensed:
    """Join the states that reach each other; the edges that are not ``reached`` count as staying inside."""
    least, component = np.unique(components(graph, reached), return_inverse=True)
    size = len(least)
    tail, head = component[graph.source], component[graph.target]
    between = reached & (tail != head)
    pairs, number = np.unique(tail[between] * size + head[between], return_inverse=True)
    arc = np.full(len(graph.source), -1, dtype=np.int64)
    arc[between] = number
    return _Condensed(component, arc, pairs // size, pairs % size, size)


def _plan(graph: Graph, wanted: Mask, small: _Condensed, steps: Index, came: Index) -> tuple[Index, int]:
    """Find the least flow that gives every wanted edge its walk: how many walks take each arc, how many there are."""
    size, tails, heads = small.size, small.tails, small.heads
    owed = np.bincount(small.arc[wanted & (small.arc >= 0)], minlength=len(tails))
    arriving, departing = (np.bincount(ends, owed, size).astype(np.int64) for ends in (heads, tails))
    # A component that no wanted edge enters or leaves, with wanted edges inside, needs a visit of its own: one walk
    # must arrive at it, and one may go on from its twin, numbered ``size`` higher.
    inside = np.bincount(small.component[graph.source[wanted & (small.arc < 0)]], minlength=size) > 0
    alone = inside & (arriving + departing == 0)
    twins = np.flatnonzero(alone)
    balance = np.concatenate([np.where(alone, -1, arriving - departing), alone.astype(np.int64)])
    leaving = np.where(alone[tails], tails + size, tails)
    shared, fed = _share(balance, np.concatenate([leaving, twins]), np.concatenate([heads, twins + size]))
    flow = owed + shared[: len(tails)]
    fresh = (np.maximum(-balance, 0) - fed)[:size]
    count = int(fresh.sum())
    # The new walks go to where they are needed by a shortest way: from the farthest component back to state 0.
    order = np.lexsort((steps, small.component))
    order = order[steps[order] >= 0]
    entry = order[np.unique(small.component[order], return_index=True)[1]]  # each component's state nearest to state 0
    for state in entry[np.argsort(-steps[entry], kind="stable")].tolist():
        edge = int(came[state])
        if edge != START:
            flow[small.arc[edge]] += fresh[small.component[state]]
            fresh[small.component[graph.source[edge]]] += fresh[small.component[state]]
    return flow, count


def _share(balance: Index, tails: Index, heads: Index) -> tuple[Index, Index]:
    """Lead walks that would end where ``balance`` > 0 on to where it is < 0, as many as possible, along the arcs.

    Returns the flow on each arc, and how many walks arrive at each node so.
    """
    size = len(balance)
    rich, poor = np.flatnonzero(balance > 0), np.flatnonzero(balance < 0)
    source, sink = size, size + 1
    rows = np.concatenate([tails, np.full(len(rich), source), poor])
    columns = np.concatenate([heads, rich, np.full(len(poor), sink)])
    unbounded = np.full(len(tails), balance[rich].sum())
    capacity = np.concatenate([unbounded, balance[rich], -balance[poor]]).astype(np.int32)
    matrix = csr_array((capacity, (rows, columns)), shape=(size + 2, size + 2))
    found = maximum_flow(matrix, source, sink).flow.tocsr()
    fed = np.zeros(size, dtype=np.int64)
    fed[poor] = found[poor, np.full(len(poor), sink)]
    return np.maximum(found[tails, heads], 0).astype(np.int64), fed


class _Router:
    """Turns the plan into walks, one after the other, and keeps book of what is still to take."""

    def __init__(self, graph: Graph, wanted: Mask, small: _Condensed, flow: Index) -> None:
        self._walker = Walker(graph)
        self._component: list[int] = small.component.tolist()
        self._arc: list[int] = small.arc.tolist()
        self._todo: list[bool] = wanted.tolist()
        self._flow: list[int] = flow.tolist()
        inside, between = wanted & (small.arc < 0), wanted & (small.arc >= 0)
        #: wanted edges left inside each component; wanted edges left on each arc; walks yet to leave each component
        self._inside: list[int] = np.bincount(small.component[graph.source[inside]], minlength=small.size).tolist()
        self._owed: list[int] = np.bincount(small.arc[between], minlength=len(flow)).tolist()
        self._leaving: list[int] = np.bincount(small.tails, flow, small.size).astype(np.int64).tolist()

    def walk(self) -> list[int]:
        """Walk on as long as the plan does."""
        walk: list[int] = []
        here = 0
        while wanted := self._next(self._component[here]):
            way = self._walker.nearest(here, wanted, self._is_inner)
            if way is None:
                raise AssertionError("a component does not hold together")
            for edge in way:
                self._take(edge)
            walk += way
            here = self._walker.target[way[-1]]
        return walk

    def _next(self, component: int) -> Callable[[int], bool] | None:
        """What to go to next: an edge still to take inside the component, else a way out, else nothing."""
        if self._inside[component]:
            return self._is_todo_inside
        return self._is_way_out if self._leaving[component] else None

    def _is_inner(self, edge: int) -> bool:
        return self._arc[edge] < 0

    def _is_todo_inside(self, edge: int) -> bool:
        return self._todo[edge] and self._arc[edge] < 0

    def _is_way_out(self, edge: int) -> bool:
        arc = self._arc[edge]
        return arc >= 0 and self._flow[arc] > 0 and (self._todo[edge] or not self._owed[arc])

    def _take(self, edge: int) -> None:
        """Keep book of one step."""
        arc, component = self._arc[edge], self._component[self._walker.source[edge]]
        fresh, self._todo[edge] = self._todo[edge], False
        if arc < 0:
            self._inside[component] -= fresh
        else:
            self._owed[arc] -= fresh
            self._flow[arc] -= 1
            self._leaving[component] -= 1


def _split(graph: Graph, walks: list[list[int]], wanted: Mask, longest: int) -> list[list[int]]:
    """Cut walks to at most ``longest`` edges; what is left begins at state 0 and goes to the next edge to take."""
    _, came = _from_start(graph)
    todo: list[bool] = wanted.tolist()
    parts: list[list[int]] = []
    for walk in walks:
        room = 0
        for edge in walk:
            if room:
                parts[-1].append(edge)
            elif todo[edge]:
                parts.append([*way_back(graph, came, int(graph.source[edge])), edge])
                room = longest - len(parts[-1]) + 1
                for passed in parts[-1]:
                    todo[passed] = False
            todo[edge] = todo[edge] and not room
            room = max(room - 1, 0)
    return parts


def _trimmed(walks: list[list[int]], wanted: Mask) -> list[list[int]]:
    """Drop from the end of each walk what earlier walks, or it itself, took already."""
    todo: list[bool] = wanted.tolist()
    for walk in walks:
        useful = 0
        for length, edge in enumerate(walk, 1):
            useful = length if todo[edge] else useful
            todo[edge] = False
        del walk[useful:]
    return [walk for walk in walks if walk]
