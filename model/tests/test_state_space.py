"""The graph of an exploration: every step of the definition is an edge, nothing else is, and refusals say the mend."""

from __future__ import annotations

from collections import Counter

import networkx as nx
import numpy as np
import pytest

from seqproof_model.bounded import Bounded
from seqproof_model.engines.explore import Explorer
from seqproof_model.engines.graph import Graph
from seqproof_model.engines.state_space import StateSpace, all_states, graph_of, state_space
from seqproof_model.engines.symmetry import Symmetry
from seqproof_model.faults import MODELS
from seqproof_model.network import CORRECT
from seqproof_model.scope import Scope, ScopeError
from seqproof_model.stepper import Stepper
from seqproof_model.trace import TraceError

TINY = (
    Scope(1, 2),
    Scope(2, 1, crash=True, duplicates=True),
    Scope(1, 2, 2, page=1),
    Scope(1, 1, overlap=True, crash=True),
    Scope(1, 1, crash=True, restore=True, trim=True),
    WIDE := Scope(1, 1, 12),
)
LARGER = (Scope(2, 3, duplicates=True), Scope(1, 2, 2, overlap=True), Scope(3, 2))


def explored(scope: Scope) -> Explorer:
    explorer = Explorer(Bounded(CORRECT, scope))
    explorer.run()
    return explorer


def space_of(scope: Scope) -> StateSpace:
    return state_space(explored(scope))


@pytest.mark.parametrize("scope", TINY, ids=Scope.describe)
def test_the_edges_are_the_steps_that_the_stepper_takes_on_ints(scope: Scope) -> None:
    space = space_of(scope)
    stepper, graph = Stepper(space.bounded), space.graph
    index = {tuple(sorted(space.number(state).items())): state for state in range(graph.size)}
    assert len(index) == graph.size, "two indices have the same state"
    expected = Counter[tuple[int, int, str]]()
    for state in range(graph.size):
        numbers = space.number(state)
        for instance, taken in stepper.enabled(numbers):
            expected[state, index[tuple(sorted(stepper.after(numbers, taken).items()))], str(instance)] += 1
    rows: list[tuple[int, int, int]] = np.stack([graph.source, graph.target, graph.label], axis=1).tolist()
    found = Counter((source, target, graph.names[label]) for source, target, label in rows)
    assert found == expected


@pytest.mark.parametrize("scope", [*TINY, *LARGER], ids=Scope.describe)
def test_there_are_as_many_states_and_edges_as_the_exploration_counted(scope: Scope) -> None:
    explorer = Explorer(Bounded(CORRECT, scope))
    found = explorer.run()
    graph = graph_of(explorer)
    assert (graph.size, len(graph.source), graph.depth.max()) == (found.states, found.transitions, found.depth)
    assert (np.diff(graph.source) >= 0).all()
    assert (np.diff(graph.depth) >= 0).all()


@pytest.mark.parametrize("scope", TINY, ids=Scope.describe)
def test_state_0_is_the_initial_one_and_depths_are_shortest_ways_from_it(scope: Scope) -> None:
    space = space_of(scope)
    assert space.number(0) == Stepper(space.bounded).starts()[0]
    drawn = nx.DiGraph(zip(space.graph.source.tolist(), space.graph.target.tolist(), strict=True))
    away = nx.single_source_shortest_path_length(drawn, 0)
    assert [away[state] for state in range(space.graph.size)] == space.graph.depth.tolist()


def test_states_of_one_depth_are_in_ascending_order() -> None:
    explorer = explored(Scope(2, 2))
    space = state_space(explorer)
    assert (space.words == np.concatenate([np.sort(level) for level in explorer.levels])).all()


def test_one_of_the_scopes_has_states_of_two_words() -> None:
    assert space_of(WIDE).layout.wide


def test_a_state_is_told_as_people_read_it() -> None:
    space = space_of(Scope(1, 2, 2))
    told = [space.attributes(state) for state in range(space.graph.size)]
    assert told[0] == {
        "svr": 0, "confirmed": 0, "up": True, "cli[0]": 0, "got[0]": "{}", "requests[0]": "", "replies[0]": "",
    }  # fmt: skip
    assert {"{}", "{1}", "{1, 2}"} == {state["got[0]"] for state in told}
    assert any(state["replies[0]"] == "lower 0 upper 1; lower 0 upper 2" for state in told)
    assert any(state["requests[0]"] == "seq_cli 0; seq_cli 1" for state in told)


def test_an_overlapping_send_is_told_under_the_accounts_channel() -> None:
    space = space_of(Scope(1, 1, overlap=True))
    assert {"", "seq 1"} == {space.attributes(state)["sends"] for state in range(space.graph.size)}


def test_walking_along_edges_leads_to_their_ends() -> None:
    space = space_of(Scope(1, 2))
    graph, way, here = space.graph, list[int](), 0
    for _ in range(12):
        way.append(int(np.flatnonzero(graph.source == here)[-1]))
        here = int(graph.target[way[-1]])
    walked = space.walk(way, loop=3)
    assert walked.states[-1] == space.number(here)
    assert (len(walked), walked.loop) == (12, 3)


def test_walking_along_edges_that_do_not_meet_is_refused() -> None:
    space = space_of(Scope(1, 1))
    deliver = int(np.flatnonzero(space.graph.label == space.graph.names.index("deliver(phone=0, slot=0)"))[0])
    with pytest.raises(TraceError, match="step 1, deliver"):
        space.walk([deliver])


# ---------------------------------------------------------------- faulty models


def test_a_faulty_model_is_explored_to_its_end() -> None:
    bounded = Bounded(MODELS["HIGH_EXCLUSIVE"].definition, Scope(1, 2))
    stopped = Explorer(bounded).run()
    space = all_states(bounded)
    assert not stopped.holds
    assert space.graph.size > stopped.states
    assert space.bounded is bounded
    assert (space.graph.source[-1], len(np.unique(space.graph.source))) == (space.graph.size - 1, space.graph.size)


def test_an_exploration_without_properties_finds_the_same_graph() -> None:
    one, other = all_states(Bounded(CORRECT, Scope(2, 2))).graph, space_of(Scope(2, 2)).graph
    assert one.names == other.names
    for name in ("source", "target", "label", "depth"):
        assert (getattr(one, name) == getattr(other, name)).all()


def test_ctrl_c_ends_it_without_a_result() -> None:
    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        all_states(Bounded(CORRECT, Scope(1, 2)), stop)


# ---------------------------------------------------------------- refusals


def refused(explorer: Explorer, most: int = 10**6) -> str:
    with pytest.raises(ScopeError) as error:
        state_space(explorer, most)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_has_no_graph_is_refused_with_the_mend() -> None:
    assert "not explored yet" in refused(Explorer(Bounded(CORRECT, Scope(1, 1))))
    follow = explored(Scope(1, 2, follow=True))
    assert "take off --follow" in refused(follow)
    bounded = Bounded(CORRECT, Scope(2, 1))
    symmetric = Explorer(bounded, symmetry=Symmetry(bounded))
    symmetric.run()
    assert "explore without symmetry" in refused(symmetric)


def test_an_exploration_that_was_cut_short_is_refused() -> None:
    explorer = Explorer(Bounded(CORRECT, Scope(2, 2)))
    explorer.run(most=100)
    assert "explore to the end" in refused(explorer)


def test_too_many_edges_are_refused_and_just_enough_are_not() -> None:
    explorer = explored(Scope(1, 2))
    assert refused(explorer, 148) == (
        "the graph of 1 phone, 2 messages, 1 slot has more than 148 edges; take fewer phones, messages or slots"
    )
    assert isinstance(state_space(explorer, 149).graph, Graph)


def test_too_many_states_are_refused() -> None:
    with pytest.raises(ScopeError, match="has more than 50 states; take fewer"):
        all_states(Bounded(CORRECT, Scope(2, 2)), most=50)
