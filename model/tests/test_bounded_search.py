# pyright: basic
"""The bounded search: Z3's steps are the stepper's, what it finds is a shortest run, at the edges of 32 bits too."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import z3

from seqproof_model.bounded import Bounded
from seqproof_model.engines import bounded_search
from seqproof_model.engines.bounded_search import ANYWHERE, EDGES, Start, Unrolled, search
from seqproof_model.engines.explore import Explorer
from seqproof_model.engines.solving import UINT_MAX, Sort, ask, plain, truth
from seqproof_model.engines.terms import Term
from seqproof_model.faults import MODELS
from seqproof_model.network import CORRECT
from seqproof_model.rules import BY_NAME
from seqproof_model.scope import Scope
from seqproof_model.state import Channel, Kind
from seqproof_model.stepper import Numbers, Stepper

FAULTY = [model for model in MODELS.values() if not model.right]
RIGHT = [model for model in MODELS.values() if model.right]
Step = tuple[str, tuple[int, ...]]  # an instance, and the state after it


# ---------------------------------------------------------------- one step of Z3 is one step of the stepper


class OneStep:
    """One step from any state, laid out once; ``successors`` enumerates all models of it from a given state."""

    def __init__(self, scope: Scope, sort: Sort) -> None:
        self.unrolled = Unrolled(CORRECT, scope, sort)
        variables = self.unrolled.bounded.variables
        start = {v.name: self.unrolled.variables(f"{v.name}@0", v.kind) for v in variables}
        self.unrolled.states = [start | {"x": self.unrolled.x}]
        self.unrolled.extend()
        self.selector = Term(self.unrolled.picked[0][0][1].arg(0))  # what row 0 compares with 0

    def successors(self, state: Numbers) -> set[Step]:
        solver, (before, after) = self.unrolled.solver, self.unrolled.states
        solver.push()
        kinds = {v.name: v.kind for v in self.unrolled.bounded.variables}
        solver.add(*(truth(before[n] == (v if kinds[n] is Kind.SEQ else bool(v))) for n, v in state.items()))
        found: set[Step] = set()
        while ask(solver):
            model = solver.model()
            instance, selected, _ = self.unrolled.picked[0][plain(model, self.selector)]
            values = {name: plain(model, value) for name, value in after.items()}
            same = [selected, *(truth(after[name] == value) for name, value in values.items())]
            if instance.action.takes is Channel.AHEAD:
                seq_cli = self.unrolled.variables("seq_cli@1", Kind.SEQ)
                instance = instance._replace(literal=int(plain(model, seq_cli)))
                same.append(truth(seq_cli == instance.literal))
            found.add((str(instance), tuple(int(value) for value in values.values())))
            solver.add(z3.Not(z3.And(same)))
        solver.pop()
        return found


def reachable(stepper: Stepper) -> list[Numbers]:
    """All states that can be reached, where the last message is followed."""
    start = stepper.starts()[-1]
    found, todo = {tuple(start.values()): start}, [start]
    while todo:
        state = todo.pop()
        for _, taken in stepper.enabled(state):
            after = stepper.after(state, taken)
            if tuple(after.values()) not in found:
                found[tuple(after.values())] = after
                todo.append(after)
    return list(found.values())


def walked(stepper: Stepper) -> list[Numbers]:
    """Some states that random walks come by, deep ones too. Half of the steps are those of which there were fewest."""
    chance, enabled, taken = random.Random(5), Counter[str](), Counter[str]()
    found: dict[tuple[int, ...], Numbers] = {}
    starts = stepper.starts()
    if stepper.bounded.scope.restore:  # a phone may be ahead of the server
        starts += [start | {"taken": 1, "cli[0]": 1, "got[0]": 1} for start in starts]
    for _ in range(10):
        state = chance.choice(starts)
        for _ in range(60):
            steps = list(stepper.enabled(state))
            names = {instance.action.name for instance, _ in steps}
            if chance.random() < 0.01 or any(enabled[name] < 2 for name in names):
                found[tuple(state.values())] = state
                enabled.update(names)
            rarest = min(names, key=lambda name: (taken[name], name))
            rare = [step for step in steps if step[0].action.name == rarest]
            instance, step = chance.choice(rare if chance.random() < 0.5 else steps)
            taken[instance.action.name] += 1
            state = stepper.after(state, step)
    return list(found.values())


def steps_of_the_stepper(stepper: Stepper, state: Numbers) -> set[Step]:
    return {(str(i), tuple(stepper.after(state, taken).values())) for i, taken in stepper.enabled(state)}


ONE_STEP = [
    (Scope(1, 2, 2, follow=True), Sort.INT, reachable),
    (Scope(1, 2, 1, crash=True, restore=True, trim=True, follow=True, page=1), Sort.INT, walked),
    (Scope(2, 2, 1, duplicates=True, crash=True, follow=True), Sort.INT, walked),
    (Scope(2, 2, 2, crash=True, late=True, follow=True), Sort.VECTOR, walked),
    (Scope(1, 3, 2, overlap=True, duplicates=True, crash=True, follow=True), Sort.INT, walked),
    (Scope(1, 2, 1, overlap=True, crash=True, restore=True, late=True, follow=True), Sort.VECTOR, walked),
]


@pytest.mark.parametrize(("scope", "sort", "states_of"), ONE_STEP, ids=lambda value: getattr(value, "__name__", value))
def test_all_models_of_a_step_are_the_steps_of_the_stepper(
    scope: Scope, sort: Sort, states_of: Callable[[Stepper], list[Numbers]]
) -> None:
    """Of each state: an instance is enabled in one if it is in the other, and the state after it is the same."""
    stepper, one = Stepper(Bounded(CORRECT, scope)), OneStep(scope, sort)
    taken: set[str] = set()
    for state in states_of(stepper):
        found = one.successors(state)
        assert found == steps_of_the_stepper(stepper, state)
        taken |= {name.partition("(")[0] for name, _ in found}
    assert taken == {instance.action.name for instance in stepper.bounded.instances}


# ---------------------------------------------------------------- what is found is a shortest


@pytest.mark.parametrize("model", FAULTY, ids=lambda model: model.id)
def test_the_run_that_is_found_is_as_short_as_the_explorer_s(model: Any) -> None:
    explored = Explorer(Bounded(model.definition, model.scope())).run().counterexample
    assert explored is not None
    for sort in Sort if model in FAULTY[::3] else (Sort.VECTOR,):
        found = search(model.definition, model.scope(), sort=sort)
        assert found.trace is not None
        assert len(found.trace) == len(explored) == found.depth
        assert found.trace.broken


@pytest.mark.parametrize("model", RIGHT, ids=lambda model: model.id)
def test_of_an_equivalent_nothing_is_found(model: Any) -> None:
    found = search(model.definition, model.scope(), deepest=8)
    assert (found.trace, found.depth, found.complete) == (None, 8, True)


def test_one_property_can_be_asked_for_alone() -> None:
    """A retention fault first drops a message; that it is then lost to all takes longer."""
    model = MODELS["RETENTION_DROP"]
    any_of_them = search(model.definition, model.scope())
    loss = search(model.definition, model.scope(), ["reply begins covered"])
    assert any_of_them.trace is not None
    assert loss.trace is not None
    assert len(any_of_them.trace) == 2 < len(loss.trace)
    assert "reply begins covered" in loss.trace.broken


def test_followed_or_not_the_run_is_as_long() -> None:
    model = MODELS["NO_CONFIRMED"]
    lengths = []
    for follow in (False, True):
        found = search(model.definition, replace(model.scope(), follow=follow))
        assert found.trace is not None
        assert ("x" in found.trace.states[0]) == follow
        lengths.append(len(found.trace))
    assert lengths == [8, 8]


# ---------------------------------------------------------------- true 32-bit seqs

AT_EDGES = [
    ("SIGNED_MAX", "2^31", 7, "a reply confirms what was asked"),
    ("SIGNED_MAX", "2^32", 2, "confirmed never falls"),
    ("CAP_INT32", "2^31", 2, "send while there is space"),
    ("WRAP_0", "2^32", 2, "seqs are taken one by one"),
    ("WRAP_1", "2^32", 2, "seqs are taken one by one"),
    ("UINTMAX_REFUSED", "2^32", 0, "send while there is space"),
    ("FULL_BLOCKS_RECV", "2^32", 2, "recv is served"),
]


@pytest.mark.parametrize(("name", "edge", "length", "broken"), AT_EDGES)
@pytest.mark.parametrize("sort", Sort)
def test_faults_of_large_seqs_show_at_the_edge(name: str, edge: str, length: int, broken: str, sort: Sort) -> None:
    model = MODELS[name]
    found = search(model.definition, model.scope(), start=EDGES[edge], sort=sort).trace
    assert found is not None
    assert len(found) == length
    assert broken in found.broken
    base = EDGES[edge].lowest
    first = found.states[0]
    assert (first["svr"], first["confirmed"], first["cli[0]"], first["got[0]"]) == (base, base, 0, 0)
    assert found.bounded.scope.messages == UINT_MAX
    assert first["x"] == base + 1


@pytest.mark.parametrize("name", sorted({name for name, *_ in AT_EDGES}))
def test_and_nowhere_near_2_to_the_24(name: str) -> None:
    model = MODELS[name]
    found = search(model.definition, model.scope(), start=EDGES["2^24"], sort=Sort.INT, deepest=7)
    assert (found.trace, found.complete) == (None, True)


@pytest.mark.parametrize("edge", EDGES)
def test_the_correct_protocol_holds_at_the_edges(edge: str) -> None:
    found = search(CORRECT, Scope(1, crash=True, restore=True, trim=True, page=1), start=EDGES[edge], deepest=6)
    assert (found.trace, found.complete) == (None, True)


def test_the_search_finds_by_itself_where_a_fault_begins() -> None:
    model = MODELS["SIGNED_MAX"]
    found = search(model.definition, model.scope(), start=ANYWHERE).trace
    assert found is not None
    assert len(found) == 2
    assert found.states[0]["svr"] >= 2**31


def test_requests_from_nowhere_carry_a_seq_that_is_near() -> None:
    model = MODELS["FUTURE_POISON"]
    found = search(model.definition, model.scope(), start=Start(2**31, 2**31)).trace
    assert str(found) == f"ahead(literal={2**31 + 1})"


def test_what_breaks_by_overflow_alone_is_said_to_be_no_run_on_ints() -> None:
    """The seq after the largest is 0 on 32 bits, and never on ints."""
    sees = replace(BY_NAME["look_upper"], sees=lambda a, m, _r: a.select(m.svr < m.svr + 1, m.svr, 0))
    definition = CORRECT.but("OVERFLOWS", look_upper=sees)
    with pytest.raises(OverflowError, match=r"search on integers \(Sort.INT\) instead"):
        search(definition, Scope(1), start=EDGES["2^32"])
    assert search(definition, Scope(1), start=EDGES["2^32"], sort=Sort.INT, deepest=5).trace is None


# ---------------------------------------------------------------- around it


def test_each_depth_without_a_fault_is_reported() -> None:
    depths: list[int] = []
    search(MODELS["LAGGED_ACK"].definition, Scope(1, 2), progress=depths.append)
    assert depths == [0, 1, 2, 3, 4, 5]


def test_when_time_is_up_the_search_says_how_deep_it_got(monkeypatch: Any) -> None:
    answers = iter([False, False, None])
    monkeypatch.setattr(bounded_search, "ask", lambda *_, **__: next(answers))
    found = search(CORRECT, Scope(1, 2))
    assert (found.trace, found.depth, found.complete) == (None, 2, False)


def test_ctrl_c_is_passed_on(monkeypatch: Any) -> None:
    def interrupted(*_: Any, **__: Any) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(bounded_search, "ask", interrupted)
    with pytest.raises(KeyboardInterrupt):
        search(CORRECT, Scope(1, 2))


def test_a_property_that_is_not_there_is_refused_with_near_names() -> None:
    with pytest.raises(ValueError, match="no property is called 'cli is coverd'; did you mean 'cli is covered'"):
        search(CORRECT, Scope(1, 2), ["cli is coverd"])
    with pytest.raises(ValueError, match="no property is called 'trimmed <= confirmed'"):
        search(CORRECT, Scope(1, 2), ["trimmed <= confirmed"])
