"""Fair lassos: one is found exactly when some set of edges makes one, and what is found holds."""

from __future__ import annotations

from itertools import chain, combinations
from typing import NamedTuple

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqproof_model.engines.fair import Constraint, Kind, Lasso, check_lasso, constraint, find_lasso
from seqproof_model.engines.graph import Graph
from seqproof_model.engines.ways import Backend, Mask, components

Edges = list[tuple[int, int, str]]
steady = settings(derandomize=True, deadline=None)


def graph_of(edges: Edges) -> Graph:
    """States are numbered by hand; only what is reached from state 0 is kept, as in an explored graph."""
    drawn = nx.DiGraph([(0, 0), *((s, t) for s, t, _ in edges)])
    away = nx.single_source_shortest_path_length(drawn, 0)
    order = {state: number for number, state in enumerate(away)}
    kept = sorted((order[s], order[t], name) for s, t, name in edges if s in away)
    names = tuple(sorted({name for _, _, name in kept}))
    rows = [(s, t, names.index(name)) for s, t, name in kept]
    source, target, label = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Graph(len(order), source, target, label, names, np.array(list(away.values()), dtype=np.int64))


def states(graph: Graph, *chosen: int) -> Mask:
    return np.isin(np.arange(graph.size), chosen)


def by(graph: Graph, name: str, kind: Kind) -> Constraint:
    return constraint(
        graph, name, kind, np.array([graph.names[number] == name for number in graph.label], dtype=np.bool_)
    )


class Case(NamedTuple):
    """One question about one graph."""

    graph: Graph
    goal: Mask
    pending: Mask | None
    constraints: list[Constraint]
    rests: bool

    def find(self, backend: Backend = Backend.AUTO) -> Lasso | None:
        return find_lasso(
            self.graph, self.goal, self.constraints, pending=self.pending, rests=self.rests, backend=backend
        )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    state, name = st.integers(0, 3), st.sampled_from("abc")
    onward = (
        [(s, draw(state), draw(name)) for s in range(4)] if draw(st.integers(0, 3)) else []
    )  # else it may get stuck
    graph = graph_of(onward + draw(st.lists(st.tuples(state, state, name), max_size=5)))

    def mask(size: int) -> Mask:
        return np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)), dtype=np.bool_)

    names = draw(st.sets(st.sampled_from(graph.names))) if graph.names else set[str]()
    constraints = [by(graph, name, draw(st.sampled_from(Kind))) for name in sorted(names)]
    if draw(st.booleans()):
        taken = mask(len(graph.source))
        enabled = mask(graph.size) | constraint(graph, "any", Kind.WEAK, taken).enabled
        constraints.append(Constraint("any", draw(st.sampled_from(Kind)), enabled, taken))
    pending = draw(st.sampled_from([None, states(graph, 0), mask(graph.size)]))
    return Case(graph, mask(graph.size), pending, constraints, draw(st.booleans()))


def exists(case: Case) -> bool:
    """Try every set of edges as a cycle, every state as an end."""
    graph = case.graph
    waiting = _waiting(case)
    for state in waiting:
        stays = not any(c.enabled[state] for c in case.constraints)
        if state not in graph.source or (case.rests and stays):
            return True
    inside = [i for i in range(len(graph.source)) if graph.source[i] in waiting and graph.target[i] in waiting]
    subsets = chain.from_iterable(combinations(inside, size) for size in range(1, len(inside) + 1))
    return any(_cycles_fairly(case, subset) for subset in subsets)


def _waiting(case: Case) -> set[int]:
    """The states in which a run may be that has begun to wait and has not met the goal since."""
    graph, goal = case.graph, case.goal
    begins = range(graph.size) if case.pending is None else np.flatnonzero(case.pending).tolist()
    drawn: nx.DiGraph[int] = nx.DiGraph()
    drawn.add_nodes_from(state for state in range(graph.size) if not goal[state])
    pairs = zip(graph.source.tolist(), graph.target.tolist(), strict=True)
    drawn.add_edges_from((s, t) for s, t in pairs if s in drawn and t in drawn)
    return {there for s in begins if s in drawn for there in nx.single_source_shortest_path_length(drawn, s)}


def _cycles_fairly(case: Case, edges: tuple[int, ...]) -> bool:
    source, target = case.graph.source[list(edges)].tolist(), case.graph.target[list(edges)].tolist()
    drawn = nx.DiGraph(list(zip(source, target, strict=True)))
    if not nx.is_strongly_connected(drawn):
        return False
    for c in case.constraints:
        enabled = [bool(c.enabled[state]) for state in drawn]
        owed = any(enabled) if c.kind is Kind.STRONG else all(enabled)
        if owed and not any(c.taken[edge] for edge in edges):
            return False
    return True


@steady
@given(cases())
def test_a_lasso_is_found_exactly_when_there_is_one_and_it_holds(case: Case) -> None:
    found = case.find()
    assert (found is not None) is exists(case)
    if found is not None:
        assert check_lasso(case.graph, found, case.goal, case.constraints, pending=case.pending, rests=case.rests) == []


@steady
@given(cases())
def test_networkx_and_scipy_find_the_same_lasso(case: Case) -> None:
    assert case.find(Backend.NETWORKX) == case.find(Backend.SCIPY)


@steady
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=90), st.data())
def test_networkx_and_scipy_name_components_alike(edges: list[tuple[int, int]], data: st.DataObject) -> None:
    source, target = np.array(sorted(edges), dtype=np.int64).T
    zeros = np.zeros(len(edges), dtype=np.int64)
    graph = Graph(31, source, target, zeros, ("step",), np.zeros(31, dtype=np.int64))
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(edges), max_size=len(edges))), dtype=np.bool_)
    named = components(graph, mask, Backend.SCIPY)
    assert named.tolist() == components(graph, mask, Backend.NETWORKX).tolist()
    assert all(named[named[state]] == named[state] <= state for state in range(31))


LOSSY: Edges = [(0, 1, "send"), (1, 0, "lose"), (1, 2, "deliver"), (2, 2, "idle")]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(None, Lasso((), (0, 1))), (Kind.WEAK, Lasso((), (0, 1))), (Kind.STRONG, None)],
)
def test_a_channel_that_loses_again_and_again_is_fair_only_weakly(kind: Kind | None, expected: Lasso | None) -> None:
    graph = graph_of(LOSSY)
    constraints = [by(graph, "deliver", kind)] if kind else []
    assert find_lasso(graph, states(graph, 2), constraints) == expected


def test_a_weak_constraint_forbids_to_refuse_what_is_always_enabled() -> None:
    graph = graph_of([(0, 0, "idle"), (0, 1, "work"), (1, 1, "idle")])
    assert find_lasso(graph, states(graph, 1)) == Lasso((), (0,))
    assert find_lasso(graph, states(graph, 1), [by(graph, "work", Kind.WEAK)]) is None


def test_peeling_goes_on_where_a_first_peeling_leaves_an_unfair_part() -> None:
    """Without state 2, which enables "c", nothing takes "b" any more, which state 1 enables."""
    graph = graph_of([(0, 0, "a"), (0, 1, "a"), (1, 0, "a"), (1, 2, "b"), (2, 1, "a"), (2, 3, "c"), (3, 3, "a")])
    fair = [by(graph, "b", Kind.STRONG), by(graph, "c", Kind.STRONG)]
    assert find_lasso(graph, states(graph, 3), fair) == Lasso((), (0,))
    slow = [*fair, Constraint("d", Kind.WEAK, ~states(graph, 1, 2, 3), np.zeros(7, dtype=np.bool_))]
    assert find_lasso(graph, states(graph, 3), slow) is None


def test_a_cycle_is_lengthened_only_as_fairness_asks() -> None:
    ring: Edges = [(0, 1, "a"), (1, 2, "b"), (2, 0, "c"), (0, 0, "idle"), (1, 1, "idle"), (2, 2, "idle")]
    graph = graph_of(ring)
    never = states(graph)
    assert find_lasso(graph, never, [by(graph, "a", Kind.WEAK)]) == Lasso((1,), (2,))
    both = [by(graph, "a", Kind.STRONG), by(graph, "idle", Kind.WEAK)]
    found = find_lasso(graph, never, both)
    assert found is not None
    assert (len(found.stem + found.cycle), check_lasso(graph, found, never, both)) == (2, [])
    everything = [by(graph, name, Kind.STRONG) for name in ("a", "b", "c", "idle")]
    found = find_lasso(graph, never, everything)
    assert found is not None
    assert (found.stem, len(found.cycle), check_lasso(graph, found, never, everything)) == ((), 4, [])


def test_a_run_that_gets_stuck_before_the_goal_waits_for_ever() -> None:
    graph = graph_of([(0, 1, "work"), (0, 2, "break")])
    fair = [by(graph, "work", Kind.STRONG)]
    assert find_lasso(graph, states(graph, 1), fair) == Lasso((1,), ())
    assert find_lasso(graph, states(graph, 1, 2), fair) is None


def test_a_run_may_rest_where_nothing_is_owed_only_if_that_is_asked_for() -> None:
    graph = graph_of([(0, 1, "send"), (1, 2, "deliver")])
    done = states(graph, 2)
    fair = [by(graph, "deliver", Kind.WEAK)]
    assert find_lasso(graph, done, fair) is None
    assert find_lasso(graph, done, fair, rests=True) == Lasso((), ())
    assert find_lasso(graph, done, [*fair, by(graph, "send", Kind.WEAK)], rests=True) is None


def test_the_goal_may_be_passed_before_the_waiting_begins() -> None:
    graph = graph_of([(0, 1, "a"), (1, 2, "b"), (2, 2, "c")])
    goal = states(graph, 1)
    assert find_lasso(graph, goal) == Lasso((0, 1), (2,))
    assert find_lasso(graph, goal, pending=states(graph, 2)) == Lasso((0, 1), (2,))
    assert find_lasso(graph, goal, pending=states(graph, 0)) is None


AGAIN = "no state is pending after the goal is met for the last time"


@pytest.mark.parametrize(
    ("lasso", "kind", "wrong"),
    [
        (Lasso((0,), (1, 0)), Kind.WEAK, []),
        (Lasso((), (0, 1)), Kind.STRONG, ["deliver is refused for ever"]),
        (Lasso((1,), (0, 1)), Kind.WEAK, ["step 1 takes edge 1 in state 0, but the edge leaves state 1"]),
        (Lasso((), (0,)), Kind.WEAK, ["the cycle begins in state 0 and ends in state 1"]),
        (Lasso((0, 2), (3,)), Kind.WEAK, ["the cycle meets the goal", AGAIN]),
        (Lasso((0,), ()), Kind.WEAK, ["the run ends in state 1, though it must go on from there"]),
    ],
)
def test_a_lasso_that_does_not_hold_is_told_why(lasso: Lasso, kind: Kind, wrong: list[str]) -> None:
    graph = graph_of(LOSSY)
    found = check_lasso(graph, lasso, states(graph, 2), [by(graph, "deliver", kind)], pending=states(graph, 0, 1))
    assert found == wrong


def test_masks_that_do_not_fit_are_refused_in_one_line() -> None:
    graph = graph_of(LOSSY)
    none, edges = states(graph), np.zeros(4, dtype=np.bool_)
    with pytest.raises(ValueError, match=r"^goal has the shape \(4,\), not \(3,\): it needs one bool a state$"):
        find_lasso(graph, edges)
    with pytest.raises(ValueError, match=r"^pending has the shape \(4,\), not \(3,\)"):
        find_lasso(graph, none, pending=edges)
    with pytest.raises(ValueError, match=r"^taken of x has the shape \(3,\), not \(4,\)"):
        find_lasso(graph, none, [Constraint("x", Kind.WEAK, none, none)])
    with pytest.raises(ValueError, match=r"^x is taken where it is not enabled: enable it where its edges leave$"):
        find_lasso(graph, none, [Constraint("x", Kind.WEAK, none, ~edges)])
