"""Liveness on the explored graph: the search for a fair run in which what is awaited never happens.

"Whoever waits is served in the end" is false exactly when some run waits for ever. In a finite graph such a run is a
*lasso*: a stem from state 0 to where it waits, then a cycle walked for ever that never meets the goal. Not every cycle
counts. A run in which the network loses every message is no fair run, and says nothing about the protocol. So *fairness
constraints* name what a run may not refuse for ever. Each has the states in which something is enabled and the edges
that take it:

- weak: what is enabled all the time from some point on is taken again and again;
- strong: what is enabled again and again is taken again and again.

A cycle lies within one strongly connected component (SCC) of the graph without the goal. Whether one holds a fair cycle
is found by peeling (emptiness of Streett automata, after Emerson and Lei). A weak constraint that every state of an SCC
enables and no edge inside it takes rules the SCC out: so it would any part of it. A strong one that some states enable
and no edge inside takes rules these states out; what is left falls apart into smaller SCCs, which are peeled again.
When nothing more can be peeled, each SCC that is left is fair as a whole: a cycle around all of it is a fair cycle.

Such a cycle is no pleasure to read. So the lasso that is shown is built the other way round: start with the shortest
cycle through a state near state 0, and lengthen it, constraint by constraint, only where it is not fair yet.

A run may also end: in a state that no edge leaves, outside the goal, it waits for ever. Its lasso has no cycle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from seqproof_model.engines.graph import Graph, Index
from seqproof_model.engines.ways import Backend, Mask, Walker, components, spread, way_back

TRIES = 32  # states from which a cycle is tried, nearest to state 0 first


class Kind(Enum):
    """How much is asked of a fair run: see the module's text."""

    WEAK = "weak"
    STRONG = "strong"


@dataclass(frozen=True, eq=False)
class Constraint:
    """What a fair run may not refuse for ever.

    ``enabled``: one bool a state. ``taken``: one bool an edge; an edge is taken only in a state that enables it.
    """

    name: str
    kind: Kind
    enabled: Mask
    taken: Mask


def constraint(graph: Graph, name: str, kind: Kind, taken: Mask) -> Constraint:
    """Make a constraint that is enabled wherever an edge that takes it leaves."""
    enabled = np.zeros(graph.size, dtype=np.bool_)
    enabled[graph.source[taken]] = True
    return Constraint(name, kind, enabled, taken)


@dataclass(frozen=True)
class Lasso:
    """A run that waits for ever: edge indices, from state 0 and then around. Without a cycle, it ends with the stem."""

    stem: tuple[int, ...]
    cycle: tuple[int, ...]


def find_lasso(
    graph: Graph,
    goal: Mask,
    constraints: Sequence[Constraint] = (),
    *,
    pending: Mask | None = None,
    rests: bool = False,
    backend: Backend = Backend.AUTO,
) -> Lasso | None:
    """Find a fair run on which, after some state that is ``pending``, the goal never comes; None where there is none.

    ``goal``: one bool a state; where what is awaited has happened. ``pending``: one bool a state; where the waiting may
    begin. By default everywhere: the goal must then come again and again. For "the goal comes at least once", let only
    state 0 be pending. The run may pass the goal before it begins to wait.
    ``rests``: whether a run may also stay for ever where no constraint is enabled, as in TLA+; else a run goes on as
    long as some edge leaves.

    Raises ``ValueError`` for a mask of another length, or an edge that is taken where its constraint is not enabled.
    """
    starts = _starts(graph, goal, constraints, pending)
    outside = ~goal[graph.source] & ~goal[graph.target]
    steps, came = spread(graph, starts, outside, graph.depth)
    ends = (steps >= 0) & _ends(graph, constraints, rests)
    fair = _peel(graph, outside & (steps >= 0)[graph.source], constraints, backend)
    stuck: list[tuple[int, list[int]]] = [(state, []) for state in _nearest(ends, steps)[:1]]
    found = stuck + _cycles(graph, fair, constraints, steps)
    if not found:
        return None
    state, cycle = min(found, key=lambda way: int(steps[way[0]]) + len(way[1]))
    waits = way_back(graph, came, state)
    begin = int(graph.source[waits[0]]) if waits else state
    return Lasso((*_shortest(graph, begin), *waits), tuple(cycle))


def _starts(graph: Graph, goal: Mask, constraints: Sequence[Constraint], pending: Mask | None) -> Mask:
    """The states where the waiting may begin; refuses masks that do not fit."""
    states = [("goal", goal), *((f"enabled of {c.name}", c.enabled) for c in constraints)]
    if pending is not None:
        states.append(("pending", pending))
    for name, mask in states:
        if mask.shape != (graph.size,):
            raise ValueError(f"{name} has the shape {mask.shape}, not {(graph.size,)}: it needs one bool a state")
    for c in constraints:
        if c.taken.shape != graph.source.shape:
            raise ValueError(
                f"taken of {c.name} has the shape {c.taken.shape}, not {graph.source.shape}: one bool an edge"
            )
        if not c.enabled[graph.source[c.taken]].all():
            raise ValueError(f"{c.name} is taken where it is not enabled: enable it where its edges leave")
    return ~goal if pending is None else pending & ~goal


def _ends(graph: Graph, constraints: Sequence[Constraint], rests: bool) -> Mask:
    """The states in which a fair run may stay for ever without a step."""
    ends = np.ones(graph.size, dtype=np.bool_)
    ends[graph.source] = False
    if rests:
        ends |= ~np.any([np.zeros(graph.size, dtype=np.bool_), *(c.enabled for c in constraints)], axis=0)
    return ends


def _peel(graph: Graph, edges: Mask, constraints: Sequence[Constraint], backend: Backend) -> Index:
    """Peel off what no fair cycle can use; each state's SCC, named by a state of it, in what is left, else -1."""
    while True:
        scc = components(graph, edges, backend)
        inner = edges & (scc[graph.source] == scc[graph.target])
        kept = _marked(scc, graph.source[inner])
        for c in constraints:
            takes = _marked(scc, graph.source[inner & c.taken])
            if c.kind is Kind.STRONG:
                kept &= takes | ~c.enabled
            else:
                kept &= takes | _marked(scc, np.flatnonzero(~c.enabled))
        edges = inner & kept[graph.source] & kept[graph.target]
        if edges.sum() == inner.sum():
            return np.where(kept, scc, -1)


def _marked(scc: Index, states: Index) -> Mask:
    """All states of the SCCs that one of the given states belongs to."""
    marked = np.zeros(len(scc), dtype=np.bool_)
    marked[scc[states]] = True
    found: Mask = marked[scc]
    return found


def _nearest(states: Mask, steps: Index) -> list[int]:
    """The states of the mask, the nearest first."""
    chosen = np.flatnonzero(states)
    nearest: list[int] = chosen[np.argsort(steps[chosen], kind="stable")].tolist()
    return nearest


def _shortest(graph: Graph, state: int) -> list[int]:
    """A shortest way from state 0, found by going back: each step to a state one less deep."""
    way: list[int] = []
    while depth := int(graph.depth[state]):
        way.append(int(np.flatnonzero((graph.target == state) & (graph.depth[graph.source] == depth - 1))[0]))
        state = int(graph.source[way[-1]])
    return way[::-1]


def _cycles(graph: Graph, fair: Index, constraints: Sequence[Constraint], steps: Index) -> list[tuple[int, list[int]]]:
    """Short fair cycles, each with the state it begins in, until no farther state can make a shorter lasso."""
    tried = _nearest(fair >= 0, steps)[:TRIES]
    if not tried:
        return []
    loops = _Loops(graph, fair, constraints)
    found: list[tuple[int, list[int]]] = []
    best = graph.size + len(graph.source) * (len(constraints) + 1)
    for state in tried:
        if steps[state] >= best:
            break
        cycle = loops.through(state)
        best = min(best, int(steps[state]) + len(cycle))
        found.append((state, cycle))
    return found


class _Loops:
    """Finds short fair cycles through given states of fair SCCs."""

    def __init__(self, graph: Graph, fair: Index, constraints: Sequence[Constraint]) -> None:
        self._graph = graph
        self._constraints = constraints
        self._walker = Walker(graph)
        self._inner = (fair[graph.source] >= 0) & (fair[graph.source] == fair[graph.target])
        self._within = self._inner.tobytes()  # a byte an edge: the fastest thing to index, one edge at a time

    def through(self, state: int) -> list[int]:
        """Find a fair cycle: the shortest one first, then with as many detours as fairness needs."""
        detours: list[Constraint] = []
        while True:
            cycle = self._around(state, detours)
            missed = next((c for c in self._constraints if not _kept(self._graph, c, cycle)), None)
            if missed is None:
                return cycle
            detours.append(missed)

    def _around(self, state: int, detours: Sequence[Constraint]) -> list[int]:
        """Go from ``state`` past a witness of each detour, the nearest first, and back to ``state``."""
        cycle: list[int] = []
        left: list[Mask] = [self._witnesses(c) for c in detours]
        while left:
            cycle += self._go(cycle, state, np.any(left, axis=0))
            left = [witnesses for witnesses in left if not witnesses[cycle].any()]
        if not cycle or self._graph.target[cycle[-1]] != state:
            cycle += self._go(cycle, state, self._inner & (self._graph.target == state))
        return cycle

    def _go(self, cycle: list[int], state: int, wanted: Mask) -> list[int]:
        here = self._walker.target[cycle[-1]] if cycle else state
        accepts, within = wanted.tobytes(), self._within
        way = self._walker.nearest(here, lambda edge: bool(accepts[edge]), lambda edge: bool(within[edge]))
        if way is None:
            raise AssertionError("a component does not hold together, or is not fair")
        return way

    def _witnesses(self, c: Constraint) -> Mask:
        """The edges by which a cycle keeps the constraint: it is taken, or, if weak, not enabled at the edge's end."""
        kept = c.taken | ~c.enabled[self._graph.target] if c.kind is Kind.WEAK else c.taken
        witnesses: Mask = self._inner & kept
        return witnesses


def _kept(graph: Graph, c: Constraint, cycle: Sequence[int]) -> bool:
    """Whether a cycle, walked for ever, keeps a constraint."""
    if c.taken[list(cycle)].any():
        return True
    enabled = c.enabled[graph.source[list(cycle)]]
    return not (enabled.all() if c.kind is Kind.WEAK else enabled.any())


def check_lasso(
    graph: Graph,
    lasso: Lasso,
    goal: Mask,
    constraints: Sequence[Constraint] = (),
    *,
    pending: Mask | None = None,
    rests: bool = False,
) -> list[str]:
    """Check a lasso against its definition, without any search; returns what is wrong with it, nothing if it holds.

    The arguments mean what they mean in ``find_lasso``.
    """
    edges = [*lasso.stem, *lasso.cycle]
    states = [0, *graph.target[edges].tolist()]
    wrong = [
        f"step {step} takes edge {edge} in state {here}, but the edge leaves state {graph.source[edge]}"
        for step, (edge, here) in enumerate(zip(edges, states, strict=False), 1)
        if graph.source[edge] != here
    ]
    again = states[len(lasso.stem)]
    if lasso.cycle and states[-1] != again:
        wrong.append(f"the cycle begins in state {again} and ends in state {states[-1]}")
    if goal[states[len(lasso.stem) :]].any():
        wrong.append("the cycle meets the goal")
    last = max((place for place, state in enumerate(states) if goal[state]), default=-1)
    if pending is not None and not pending[states[last + 1 :]].any():
        wrong.append("no state is pending after the goal is met for the last time")
    if lasso.cycle:
        return wrong + [f"{c.name} is refused for ever" for c in constraints if not _kept(graph, c, lasso.cycle)]
    if (graph.source == again).any() and not (rests and not any(c.enabled[again] for c in constraints)):
        wrong.append(f"the run ends in state {again}, though it must go on from there")
    return wrong
