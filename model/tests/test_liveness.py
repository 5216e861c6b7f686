"""PSH-4 on the explored graph: it holds under the assumptions that are named, and under nothing less."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from seqproof_model.bounded import Bounded
from seqproof_model.engines import assumptions
from seqproof_model.engines.assumptions import Assumption, Unit, fair_network
from seqproof_model.engines.liveness import Liveness, live, reaches, reaches_if_weakly_fair, waits
from seqproof_model.engines.state_space import StateSpace, all_states
from seqproof_model.engines.ways import Backend
from seqproof_model.faults import MODELS, FaultyModel
from seqproof_model.network import CORRECT
from seqproof_model.scope import Scope, ScopeError
from seqproof_model.stepper import Numbers

PLAIN, CRASHING = Scope(1, 2), Scope(1, 2, crash=True)
DUPLICATING = Scope(1, 2, duplicates=True)
OVERLAPPING = Scope(1, 1, overlap=True, crash=True)
SCOPES = (
    PLAIN,
    DUPLICATING,
    OVERLAPPING,
    Scope(2, 2, crash=True, duplicates=True),
    Scope(2, 2, crash=True, late=True),
    Scope(1, 2, 2, crash=True, duplicates=True),
    Scope(1, 3, page=1, duplicates=True),
    Scope(1, 3, 2, page=2, crash=True, duplicates=True),
    Scope(2, 2, crash=True, restore=True, trim=True),
    Scope(1, 2, overlap=True, duplicates=True, page=1),
    Scope(1, 2, overlap=True, crash=True, late=True, restore=True, trim=True),
)
ALONE = [(scope, assumption) for scope in (CRASHING, DUPLICATING, OVERLAPPING) for assumption in fair_network(scope)]


@cache
def space_of(scope: Scope) -> StateSpace:
    return all_states(Bounded(CORRECT, scope))


def all_reach(scope: Scope, unit: Unit = Unit.PACKET) -> list[bool]:
    network = fair_network(scope)
    return [reaches(space_of(scope), x, network, unit=unit).holds for x in range(1, scope.messages + 1)]


def assert_waits_for_ever(found: Liveness) -> None:
    """The lasso ends in a cycle, or stops, in states in which the message is stored and nobody holds it."""
    lasso, x = found.lasso, found.message
    assert lasso
    again = lasso.states[len(lasso) if lasso.loop is None else lasso.loop :]
    assert all(state["svr"] >= x and not _held(state) >> (x - 1) & 1 for state in again)
    assert again[-1] == again[0]


def _held(state: Numbers) -> int:
    return int(np.bitwise_or.reduce([value for name, value in state.items() if name.startswith("got")]))


def _cycle(found: Liveness) -> list[str]:
    assert found.lasso
    return [step.action.name for step in found.lasso.steps[found.lasso.loop :]] if found.lasso.loop is not None else []


# ---------------------------------------------------------------- weak fairness is too little


@pytest.mark.parametrize("scope", SCOPES, ids=Scope.describe)
def test_under_weak_fairness_everything_may_be_lost_for_ever(scope: Scope) -> None:
    found = reaches_if_weakly_fair(space_of(scope), 1)
    assert_waits_for_ever(found)
    assert found.lasso
    assert {"lose_request", "lose_reply", "crash"} & {*_cycle(found)}
    assert found.lasso.loop is not None
    cycle = found.lasso.states[found.lasso.loop :]
    assert len({(state["svr"], state["confirmed"], state["cli[0]"], state["got[0]"]) for state in cycle}) == 1


def test_the_lasso_of_the_plain_network_is_a_request_that_is_lost_again_and_again() -> None:
    assert _cycle(reaches_if_weakly_fair(space_of(PLAIN), 1)) == ["ask", "lose_request"]


# ---------------------------------------------------------------- strong fairness is enough


@pytest.mark.parametrize("scope", SCOPES, ids=Scope.describe)
def test_over_a_fair_network_every_message_reaches_a_phone(scope: Scope) -> None:
    assert all(all_reach(scope))


@pytest.mark.parametrize(
    ("scope", "assumption"), ALONE, ids=lambda value: value if isinstance(value, Assumption) else value.describe()
)
def test_each_assumption_is_needed(scope: Scope, assumption: Assumption) -> None:
    found = reaches(space_of(scope), scope.messages, set(fair_network(scope)) - {assumption})
    assert assumption not in (found.assumed or ())
    assert not found.holds
    assert_waits_for_ever(found)


def test_the_assumptions_are_those_of_the_scope() -> None:
    assert [*map(str, fair_network(PLAIN))] == ["ask", "recv", "deliver"]
    assert [*map(str, fair_network(DUPLICATING))] == ["ask", "recv", "deliver", "leave"]
    assert [*map(str, fair_network(OVERLAPPING))] == [
        "ask", "begin", "confirm", "look_lower", "look_upper", "reply", "deliver", "restart",
    ]  # fmt: skip


def test_without_an_assumption_a_run_may_just_stop() -> None:
    found = reaches(space_of(PLAIN), 1, {Assumption.RECV, Assumption.DELIVER})
    assert found.lasso
    assert (str(found.lasso), found.lasso.loop) == ("send", None)


def test_to_ask_at_any_time_is_enough_only_where_the_server_does_not_crash_for_ever() -> None:
    def asking_at_any_time(scope: Scope) -> Liveness:
        network = {Assumption.ASK_AT_ANY_TIME, *fair_network(scope)} - {Assumption.ASK}
        return reaches(space_of(scope), 1, network)

    assert asking_at_any_time(PLAIN).holds
    found = asking_at_any_time(CRASHING)
    assert_waits_for_ever(found)
    assert found.lasso
    asked = [at for at, step in enumerate(found.lasso.steps) if step.action.name == "ask"]
    assert "crash" in _cycle(found)
    assert not any(found.lasso.states[at]["up"] for at in asked if at >= (found.lasso.loop or 0))


def test_an_old_reply_that_is_duplicated_for_ever_may_block_the_one_slot() -> None:
    found = reaches(space_of(DUPLICATING), 2, set(fair_network(DUPLICATING)) - {Assumption.LEAVE})
    assert {*_cycle(found)} == {"deliver_dup"}


def test_fairness_to_kinds_of_steps_is_enough_where_a_request_is_answered_in_one_step() -> None:
    assert all(all_reach(CRASHING, Unit.PHONE))
    assert all(all_reach(Scope(2, 2, crash=True, duplicates=True), Unit.PHONE))


def test_fairness_to_kinds_of_steps_is_too_little_where_steps_overlap() -> None:
    found = reaches(space_of(OVERLAPPING), 1, fair_network(OVERLAPPING), unit=Unit.PHONE)
    assert_waits_for_ever(found)
    assert {"begin", "confirm", "look_lower", "look_upper", "crash"} <= {*_cycle(found)}
    assert "reply" not in _cycle(found)


def test_one_phone_that_keeps_asking_is_enough_whichever_it_is_and_none_is_not() -> None:
    space, network = space_of(Scope(2, 2, crash=True, duplicates=True)), fair_network(Scope(crash=True))
    network = (*network, Assumption.LEAVE)
    assert reaches(space, 2, network, phones=(0,)).holds
    assert reaches(space, 2, network, phones=(1,)).holds
    assert_waits_for_ever(reaches(space, 2, network, phones=()))


def test_a_message_that_a_restore_took_is_not_owed() -> None:
    scope = Scope(1, 1, crash=True, restore=True)
    waiting = waits(space_of(scope), 1)
    graph = space_of(scope).graph
    restored = np.char.startswith(np.array(graph.names), "restore")[graph.label]
    assert (restored & waiting[graph.source] & ~waiting[graph.target]).any(), "no restore takes a waiting message"
    assert all_reach(scope) == [True]


# ---------------------------------------------------------------- faulty models


@pytest.mark.parametrize("fault", ["HIGH_EXCLUSIVE", "PAGE_BYTES_STUCK", "FULL_BLOCKS_RECV"])
def test_a_model_that_never_gives_a_message_fails_over_a_fair_network(fault: str) -> None:
    model = MODELS[fault]
    failed = [found for found in live(Bounded(model.definition, model.scope())) if not found.holds]
    assert failed
    for found in failed:
        assert_waits_for_ever(found)
        assert not {"lose_request", "lose_reply", "crash"} & {*_cycle(found)}, "nothing is lost, it just does not come"


@pytest.mark.parametrize("model", [model for model in MODELS.values() if model.right], ids=lambda model: model.id)
def test_equivalents_deliver_every_message(model: FaultyModel) -> None:
    assert all(found.holds for found in live(Bounded(model.definition, model.scope(Scope(2, 2, crash=True)))))


def test_a_message_that_is_never_stored_is_inconclusive() -> None:
    model = MODELS["UINTMAX_REFUSED"]  # the last seq is never given
    first, last = live(Bounded(model.definition, model.scope()))
    assert (first.holds, first.inconclusive) == (True, False)
    assert (last.holds, last.inconclusive, last.lasso) == (False, True, None)


# ---------------------------------------------------------------- how


def test_both_back_ends_agree() -> None:
    space, network = space_of(CRASHING), fair_network(CRASHING)
    for assumed in (network, network[1:]):
        one, other = (reaches(space, 2, assumed, backend=backend) for backend in (Backend.NETWORKX, Backend.SCIPY))
        assert (one.backend, other.backend) == (Backend.NETWORKX, Backend.SCIPY)
        assert (one.holds, one.lasso) == (other.holds, other.lasso)


def test_a_result_says_what_was_checked() -> None:
    found = reaches(space_of(PLAIN), 2, fair_network(PLAIN))
    assert (found.message, found.states, found.edges, found.waiting) == (2, 55, 149, 21)
    assert (found.backend, found.unit) == (Backend.NETWORKX, Unit.PACKET)
    # ask; recv of 0 and of 1; deliver of the replies (0, 0], (0, 1], (0, 2], (1, 1], (1, 2]
    assert found.units == 1 + 2 + 5


def test_too_much_fairness_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assumptions, "MOST_MARKS", 1000)
    with pytest.raises(ScopeError, match="more than 1000 bytes; take fewer phones, messages or slots"):
        reaches(space_of(PLAIN), 2, fair_network(PLAIN))
