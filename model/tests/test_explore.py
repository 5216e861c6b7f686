"""The explorer is exact: the counts that independent tools agree on, and a shortest trace for each faulty model."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqproof_model.bounded import Bounded
from seqproof_model.definition import Change, Setting
from seqproof_model.engines import packing
from seqproof_model.engines.explore import Exploration, Explorer, Progress
from seqproof_model.engines.packing import Layout
from seqproof_model.engines.symmetry import Symmetry
from seqproof_model.engines.visited import Bitmap, Runs
from seqproof_model.faults import MODELS, FaultyModel
from seqproof_model.network import CORRECT
from seqproof_model.scope import Scope, ScopeError
from seqproof_model.state import Account, Packet, Phone, Question
from seqproof_model.stepper import Stepper

ROWS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "counts.json").read_text("utf-8"))["counts"]
SMALL = [row for row in ROWS if row["states"] <= 2_000_000]
OTHER_SCOPES = [
    Scope(2, 2, trim=True),
    Scope(2, 3, page=1),
    Scope(2, 2, follow=True),
    Scope(1, 2, crash=True, restore=True),
    Scope(1, 2, crash=True, late=True, duplicates=True),
    Scope(1, 2, overlap=True),
    Scope(1, 1, 2, overlap=True),
    Scope(1, 1, overlap=True, crash=True, late=True),
    Scope(1, 1, overlap=True, crash=True, restore=True, late=True, trim=True),
]


def scope_of(row: dict[str, Any]) -> Scope:
    return Scope(row["phones"], row["messages"], row["slots"], row["duplicates"], row["crash"])


def counts(found: Exploration) -> tuple[int, int, int]:
    return found.states, found.transitions, found.depth


def by_hand(bounded: Bounded) -> tuple[tuple[int, int, int], int | None]:
    """States, transitions and depth by a plain search on ints; and the length of a shortest trace that breaks."""
    stepper = Stepper(bounded)
    depth = {tuple(state.values()): 0 for state in stepper.starts()}
    queue, transitions, broken = deque(stepper.starts()), 0, list[int]()
    while queue:
        state = queue.popleft()
        at = depth[tuple(state.values())]
        broken += [at] * bool(stepper.broken(state))
        for _, taken in stepper.enabled(state):
            transitions += 1
            broken += [at + 1] * bool(stepper.broken_step(taken))
            after = stepper.after(state, taken)
            if tuple(after.values()) not in depth:
                depth[tuple(after.values())] = at + 1
                queue.append(after)
        if broken and at >= min(broken):
            break
    return (len(depth), transitions, max(depth.values())), min(broken, default=None)


@pytest.mark.parametrize("row", SMALL, ids=lambda row: scope_of(row).describe())
def test_the_counts_are_those_of_independent_tools(row: dict[str, Any]) -> None:
    found = Explorer(Bounded(CORRECT, scope_of(row))).run()
    assert found.counterexample is None, f"the definition breaks {found.counterexample.broken}: see seqproof explore"
    assert counts(found) == (row["states"], row["transitions"], row["depth"])
    assert found.complete
    assert found.holds
    assert not found.missing


@pytest.mark.parametrize("scope", OTHER_SCOPES, ids=Scope.describe)
def test_other_scopes_agree_with_a_plain_search_on_ints(scope: Scope) -> None:
    bounded = Bounded(CORRECT, scope)
    found = Explorer(bounded).run()
    assert (counts(found), None) == by_hand(bounded)
    assert found.holds
    assert not found.missing


@pytest.mark.parametrize("scope", [Scope(2, 2, 2, True, True), Scope(1, 2, 2, overlap=True), *OTHER_SCOPES[:4]])
def test_each_step_is_the_steppers(scope: Scope) -> None:
    """Of every 97th state: the same instances are enabled, and each leads to the same state."""
    explorer = Explorer(Bounded(CORRECT, scope))
    explorer.run(most=20_000)
    words, stepper = np.concatenate(explorer.levels)[::97], Stepper(explorer.bounded)
    found: list[set[tuple[str, Any]]] = [set() for _ in words]
    for instance, enabled, after in explorer.successors(words):
        for row, word in zip(np.flatnonzero(enabled), after, strict=True):
            found[row].add((str(instance), word))
    for steps, word in zip(found, words, strict=True):
        state = explorer.layout.number(word)
        expected = {(str(i), explorer.layout.pack([stepper.after(state, t)])[0]) for i, t in stepper.enabled(state)}
        assert steps == expected


@pytest.mark.parametrize("model", [m for m in MODELS.values() if not m.right], ids=lambda m: m.id)
def test_each_faulty_model_is_caught_by_a_shortest_trace(model: FaultyModel) -> None:
    bounded = Bounded(model.definition, model.scope())
    found = Explorer(bounded).run().counterexample
    assert found is not None
    assert found.broken
    assert len(found) == by_hand(bounded)[1]


@pytest.mark.parametrize("model", [m for m in MODELS.values() if m.right], ids=lambda m: m.id)
@pytest.mark.parametrize("scope", [Scope(2, 2), Scope(2, 2, 1, True, True), Scope(2, 1, 2)], ids=Scope.describe)
def test_no_equivalent_is_blamed(model: FaultyModel, scope: Scope) -> None:
    found = Explorer(Bounded(model.definition, model.scope(scope))).run()
    assert found.complete
    assert found.holds


def test_a_fault_is_shown_by_the_rule_in_the_overlapped_server_too() -> None:
    for name in ("ACK_ON_REPLY", "NO_CONFIRMED", "LAST_WRITER_ACK", "LAGGED_ACK", "LOW_INCLUSIVE"):
        model = MODELS[name]
        found = Explorer(Bounded(model.definition, Scope(2, 1, overlap=True))).run()
        assert found.counterexample is not None, name


@pytest.mark.parametrize("scope", [Scope(2, 2, 2), Scope(3, 1, duplicates=True), Scope(2, 1, overlap=True)])
def test_wide_states_give_the_same(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    bounded = Bounded(CORRECT, scope)
    narrow = Explorer(bounded).run()
    monkeypatch.setattr(packing, "NARROW", 0)
    explorer = Explorer(bounded)
    assert explorer.layout.wide
    assert counts(explorer.run()) == counts(narrow)
    assert counts(Explorer(bounded, symmetry=Symmetry(bounded)).run()) == counts(narrow)


@pytest.mark.parametrize("scope", [Scope(3, 1), Scope(2, 2, duplicates=True, crash=True), Scope(2, 1, overlap=True)])
def test_phones_taken_for_alike_give_the_full_counts(scope: Scope) -> None:
    bounded = Bounded(CORRECT, scope)
    full, reduced = Explorer(bounded).run(), Explorer(bounded, symmetry=Symmetry(bounded)).run()
    assert counts(full) == counts(reduced)
    assert reduced.stored < full.stored


def test_a_reduced_run_gives_a_real_shortest_trace() -> None:
    model = MODELS["NO_CONFIRMED"]
    bounded = Bounded(model.definition, Scope(3, 2))
    full = Explorer(bounded).run().counterexample
    reduced = Explorer(bounded, symmetry=Symmetry(bounded)).run().counterexample
    assert full is not None
    assert reduced is not None
    assert len(full) == len(reduced) == 8
    assert full.broken == reduced.broken


def test_any_number_of_threads_gives_the_same_levels() -> None:
    bounded = Bounded(CORRECT, Scope(2, 3, duplicates=True))
    one, four = Explorer(bounded, threads=1), Explorer(bounded, threads=4)
    one.run()
    four.run()
    assert all(np.array_equal(a, b) for a, b in zip(one.levels, four.levels, strict=True))


def test_too_wide_a_state_is_refused_in_one_line() -> None:
    with pytest.raises(ScopeError, match=r"takes \d+ bits, and 106 is the most; take fewer"):
        Explorer(Bounded(CORRECT, Scope(9, 60)))


@pytest.mark.parametrize("wrong", [{"phones": 0}, {"messages": -1}, {"slots": 0}, {"page": 0}, {"late": True}])
def test_a_scope_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ScopeError, match=f"--{next(iter(wrong))}"):
        Scope(**wrong)


@pytest.mark.parametrize("constant", [False, True])
def test_a_value_too_large_for_its_bits_is_an_error_and_no_wrong_neighbour(constant: bool) -> None:
    def ask(_c: Setting, s: Account, p: Phone, _q: Packet) -> Change:
        return Change(s, p._replace(own=1 << 22 if constant else p.cli + 7), Question(p.cli))

    with pytest.raises(OverflowError, match=r"own\[0\]"):
        Explorer(Bounded(CORRECT.but("MINE", own=True, ask=ask), Scope(1, 2))).run()


def test_a_fault_that_overflows_is_still_shown() -> None:
    def far(_c: Setting, s: Account, p: Phone, _q: Packet) -> Change:
        return Change(s._replace(svr=s.svr + 7), p)

    found = Explorer(Bounded(CORRECT.but("MINE", send=far), Scope(1, 2))).run()
    assert found.counterexample is not None
    assert len(found.counterexample) == 1


def test_a_symmetry_of_another_model_is_refused() -> None:
    with pytest.raises(ScopeError, match="another model"):
        Explorer(Bounded(CORRECT, Scope(2, 2)), symmetry=Symmetry(Bounded(CORRECT, Scope(2, 3))))


def test_a_property_that_was_not_looked_at_everywhere_is_not_said_to_hold() -> None:
    model = MODELS["ACK_ON_REPLY"]
    found = Explorer(Bounded(model.definition, model.scope())).run()
    assert {judged.holds for judged in found.properties} == {False, None}


def test_a_scope_that_hides_a_fault_is_refused() -> None:
    with pytest.raises(ScopeError, match="leave --overlap out"):
        MODELS["RETENTION_DROP"].scope(Scope(1, 2, overlap=True))


def test_stopping_early_is_said() -> None:
    seen: list[Progress] = []
    found = Explorer(Bounded(CORRECT, Scope(2, 3))).run(seen.append, most=1000)
    assert not found.complete
    assert found.holds
    assert 1000 < found.stored < 11_455
    assert [p.depth for p in seen] == list(range(1, len(seen) + 1))


def test_ctrl_c_keeps_what_was_covered() -> None:
    def interrupt(progress: Progress) -> None:
        if progress.depth == 9:
            raise KeyboardInterrupt

    found = Explorer(Bounded(CORRECT, Scope(2, 3))).run(interrupt)
    assert found.interrupted
    assert not found.complete
    assert found.depth == 9
    assert found.transitions > 0


def test_coverage_counts_each_action_and_each_guard() -> None:
    found = Explorer(Bounded(CORRECT, Scope(1, 2, crash=True))).run()
    assert sum(c.taken for c in found.coverage.values()) == found.transitions == 374
    send = found.coverage["send"]
    assert send.tried == found.states == 110
    assert send.guards["up"] == 55  # the server is up in one half of the states
    assert send.taken < min(send.guards.values())
    assert set(send.guards) == {"up", "space"}


@pytest.mark.parametrize(
    "scope", [Scope(2, 2, 2, duplicates=True), Scope(1, 2, 2, overlap=True), Scope(2, 3, follow=True)]
)
def test_packing_is_lossless(scope: Scope) -> None:
    explorer = Explorer(Bounded(CORRECT, scope))
    explorer.run(most=2000)
    layout = Layout(explorer.bounded)
    for level in explorer.levels:
        assert np.array_equal(layout.pack([layout.number(word) for word in level[:50]]), level[:50])


def test_both_sets_of_seen_states_keep_what_is_new() -> None:
    rng = np.random.default_rng(1)
    bitmap, runs, known = Bitmap(), Runs(), set[int]()
    for _ in range(30):
        words = np.sort(rng.integers(0, 5000, 400).astype(np.uint64))
        new = sorted(set(words.tolist()) - known)
        known |= set(new)
        assert bitmap.add(words).tolist() == new
        assert np.array_equal(runs.add(words.astype(np.complex128)), np.array(new, np.complex128))
        bitmap.settle()
