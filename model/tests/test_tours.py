"""Transition tours: all edges are taken, by walks from state 0, and nobody could do it with fewer walks.

That the number is the fewest is shown without trusting any search for walks: a set of edges no two of which one walk
can take needs a walk for each. The widest such set, found by trying all sets, is as wide as the tour has walks.
"""

from __future__ import annotations

import random
from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqproof_model.engines import tours as module
from seqproof_model.engines.graph import Graph
from seqproof_model.engines.tours import covered, tours

Edges = list[tuple[int, int]]
steady = settings(derandomize=True, deadline=None)


def graph_of(edges: Edges) -> Graph:
    source, target = np.array(sorted(edges), dtype=np.int64).reshape(-1, 2).T
    size = 1 + max((max(edge) for edge in edges), default=0)
    away = nx.single_source_shortest_path_length(nx.DiGraph([(0, 0), *edges]), 0)
    depth = np.array([away.get(state, -1) for state in range(size)])
    return Graph(size, source, target, np.zeros(len(source), dtype=np.int64), ("step",), depth)


def reached(edges: Edges) -> dict[int, set[int]]:
    """From each state, the states that some walk, perhaps an empty one, leads to."""
    drawn = nx.DiGraph([(0, 0), *edges])
    return {state: set(nx.single_source_shortest_path_length(drawn, state)) for state in drawn}


def reachable(edges: Edges) -> Edges:
    known = reached(edges)[0]
    return [edge for edge in edges if edge[0] in known]


def pairs(graph: Graph) -> Edges:
    return list(zip(graph.source.tolist(), graph.target.tolist(), strict=True))


def graphs(states: int, edges: int) -> st.SearchStrategy[Graph]:
    state = st.integers(0, states - 1)
    return st.lists(st.tuples(state, state), max_size=edges).map(lambda drawn: graph_of(reachable(drawn)))


def widest(graph: Graph, wanted: list[int]) -> int:
    """The most wanted edges no two of which one walk can take."""
    edges = pairs(graph)
    after = reached(edges)
    together = [[a[0] in after[b[1]] or b[0] in after[a[1]] for b in edges] for a in edges]
    for width in range(len(wanted), 0, -1):
        for chosen in combinations(wanted, width):
            if not any(together[a][b] for a, b in combinations(chosen, 2)):
                return width
    return 0


@steady
@given(graphs(states=5, edges=9))
def test_every_edge_is_taken_by_the_fewest_walks(graph: Graph) -> None:
    walks = tours(graph)
    assert covered(graph, walks).all()
    assert len(walks) == widest(graph, list(range(len(graph.source))))


@steady
@given(graphs(states=7, edges=12), st.data())
def test_only_the_edges_asked_for_count(graph: Graph, data: st.DataObject) -> None:
    size = len(graph.source)
    wanted = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)), dtype=np.bool_)
    walks = tours(graph, edges=wanted)
    assert covered(graph, walks)[wanted].all()
    assert len(walks) == widest(graph, np.flatnonzero(wanted).tolist())
    assert all(wanted[walk[-1]] for walk in walks)


@steady
@given(graphs(states=6, edges=14), st.integers(0, 4))
def test_walks_are_split_where_they_would_be_too_long(graph: Graph, more: int) -> None:
    whole = tours(graph)
    longest = int(graph.depth[graph.source].max(initial=0)) + 1 + more
    walks = tours(graph, longest=longest)
    assert covered(graph, walks).all()
    assert all(0 < len(walk) <= longest for walk in walks)
    assert len(walks) >= len(whole)
    if all(len(walk) <= longest for walk in whole):
        assert walks == whole


def test_a_bigger_graph_is_toured_by_as_many_walks_as_a_matching_says() -> None:
    """Dilworth: the fewest chains that cover an order are its elements less the largest matching of "comes before"."""
    rng = random.Random(7)
    forward = [(s, s + rng.randint(1, 9)) for s in range(120) for _ in range(3)]
    graph = graph_of(reachable(forward + [(0, s) for s in range(0, 120, 7)]))
    edges = pairs(graph)
    after = reached(edges)
    before = [((0, i), (1, j)) for i, a in enumerate(edges) for j, b in enumerate(edges) if b[0] in after[a[1]]]
    matching = nx.bipartite.hopcroft_karp_matching(nx.Graph(before), {left for left, _ in before})
    walks = tours(graph)
    assert covered(graph, walks).all()
    assert len(walks) == len(edges) - len(matching) // 2


@pytest.mark.parametrize(
    ("edges", "count", "steps"),
    [
        ([], 0, 0),
        ([(0, 0), (0, 0)], 1, 2),
        ([(0, 1), (1, 2), (2, 0), (1, 1)], 1, 4),
        ([(0, 1), (0, 1)], 2, 2),
        ([(0, 1), (1, 0), (0, 1)], 1, 3),
        ([(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)], 2, 5),
        ([(0, 1), (1, 2), (1, 3), (2, 2), (3, 3), (2, 4), (3, 4), (4, 4)], 2, 9),
    ],
)
def test_small_graphs_are_toured_as_by_hand(edges: Edges, count: int, steps: int) -> None:
    graph = graph_of(edges)
    walks = tours(graph)
    assert (len(walks), sum(map(len, walks))) == (count, steps)
    assert covered(graph, walks).all()


def test_a_component_between_others_is_visited_though_no_edge_to_or_from_it_is_wanted() -> None:
    graph = graph_of([(0, 1), (1, 1), (1, 2), (2, 3), (3, 3), (0, 4), (4, 4)])
    loops = graph.source == graph.target
    walks = tours(graph, edges=loops)
    assert covered(graph, walks)[loops].all()
    assert sorted(len(walk) for walk in walks) == [2, 5]


def test_what_cannot_be_toured_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = graph_of([(0, 1), (1, 2), (2, 2)])
    with pytest.raises(ValueError, match=r"^longest is 2, but an edge is 3 steps away: allow that many$"):
        tours(graph, longest=2)
    with pytest.raises(ValueError, match=r"^the mask of edges has the shape \(2,\), not \(3,\): one bool an edge$"):
        tours(graph, edges=np.array([True, False]))
    with pytest.raises(ValueError, match=r"^no walk from state 0 takes edge 1: explore from state 0, or leave it out"):
        tours(graph_of([(0, 0), (1, 2)]))
    monkeypatch.setattr(module, "MOST_EDGES", 2)
    with pytest.raises(ValueError, match=r"^tours take at most 2 edges, this graph has 3: explore less$"):
        tours(graph)


def test_what_is_no_walk_from_state_0_covers_nothing() -> None:
    graph = graph_of([(0, 1), (1, 2), (0, 2)])
    assert covered(graph, [[1]]).tolist() == [False, True, False]
    with pytest.raises(ValueError, match=r"^walk 1 takes edge 2 in state 0: the edge leaves another state$"):
        covered(graph, [[0, 2], [2]])
