# pyright: basic
"""The unbounded shape: what its argument rests on is true, and is seen to be false where it is made false."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from seqproof_model import bounded as bounded_module
from seqproof_model.bounded import Bounded
from seqproof_model.definition import Change, Definition, Effect, Setting
from seqproof_model.engines.footprint import footprints
from seqproof_model.engines.refinement import refines
from seqproof_model.engines.solving import Sort
from seqproof_model.engines.unbounded import (
    IN_ONE_STEP,
    IN_ONE_STEP_RESTORED,
    OVERLAPPING,
    OVERLAPPING_RESTORED,
    PUT,
    SCOPES,
    Move,
    Picks,
    Unbounded,
    View,
    covering,
)
from seqproof_model.faults import MODELS
from seqproof_model.network import ACTIONS, CORRECT, Action
from seqproof_model.properties import STATE_PROPERTIES, Always, Seen
from seqproof_model.rules import Value
from seqproof_model.scope import Scope
from seqproof_model.state import Account, Phone

SWITCHES = ("duplicates", "crash", "late", "restore", "trim", "overlap")


def scopes_of_all_switches() -> list[Scope]:
    """Every scope there is, but for its numbers."""
    found = [dict(zip(SWITCHES, values, strict=True)) for values in product([False, True], repeat=len(SWITCHES))]
    sane = [switches for switches in found if switches["crash"] or not (switches["late"] or switches["restore"])]
    return [Scope(**switches, page=page) for switches in sane for page in (None, 1)]


# ---------------------------------------------------------------- the scopes that are proved cover all


def test_each_scope_has_the_rules_and_properties_of_the_one_that_covers_it() -> None:
    for scope in scopes_of_all_switches():
        small, cover = Bounded(CORRECT, scope), Unbounded(CORRECT, covering(scope))
        actions = [action for action in ACTIONS if action.when(scope)]
        assert all(action in cover.actions for action in actions), scope
        assert set(small.always) <= set(cover.always), scope
        assert set(small.of_steps) <= set(cover.of_steps), scope
        assert set(small.account_fields) <= cover.account_fields, scope


def test_every_action_and_every_property_is_in_some_scope_that_is_proved() -> None:
    shapes = [Unbounded(CORRECT, scope) for scope in SCOPES]
    assert {id(action) for shape in shapes for action in shape.actions} == {id(action) for action in ACTIONS}
    assert {p.name for shape in shapes for p in shape.always} == {p.name for p in STATE_PROPERTIES}


# ---------------------------------------------------------------- footprints


def wrong(definition: Definition, scope: Scope = IN_ONE_STEP_RESTORED) -> dict[str, tuple[str, ...]]:
    """What is wrong with some footprints."""
    return {found.of: found.wrong for found in footprints(definition, scope) if found.wrong}


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope.describe())
def test_actions_and_properties_read_and_write_no_more_than_the_argument_allows(scope: Scope) -> None:
    assert wrong(CORRECT, scope) == {}


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.id)
def test_the_faulty_models_too_can_be_proved_and_refuted_by_it(model: Any) -> None:
    assert wrong(model.definition, covering(model.scope())) == {}


def test_a_footprint_names_what_is_read_and_written() -> None:
    found = {footprint.of: footprint for footprint in footprints(CORRECT, IN_ONE_STEP_RESTORED)}
    assert found["ask"].reads == ("d.cli",)
    assert found["ask"].writes == ("put.seq_cli",)
    assert found["restore"].writes == ("svr", "confirmed", "trimmed")
    assert found["confirmed <= svr"].reads == ("confirmed", "svr")


def _peeks(c: Setting, s: Account, p: Phone, q: Any) -> Change:
    return Change(s, p._replace(cli=c.a.select(p.got, q.upper, p.cli)))


def _touches_a_phone(c: Setting, s: Account, p: Phone, _q: Any) -> Change:
    return Change(s._replace(up=c.a.true()), p._replace(cli=s.svr))


def _puts_too_much(_c: Setting, s: Account, p: Phone, q: Any) -> Change:
    return Change(s, p, q)


@pytest.mark.parametrize(
    ("name", "effect", "action", "why"),
    [
        ("accept", _peeks, "deliver", "depends on what is held: d.got"),
        ("restart", _touches_a_phone, "restart", "an action of the account changes a phone"),
        ("lose_reply", _puts_too_much, "lose_reply", "it puts no packet where it should, or one where it should not"),
    ],
)
def test_an_effect_that_oversteps_is_named(name: str, effect: Effect, action: str, why: str) -> None:
    oversteps = replace(CORRECT, name="OVERSTEPS", effects={**CORRECT.effects, name: effect})
    (found,) = wrong(oversteps)[action]
    assert why in found


def test_an_effect_that_reads_a_variable_from_elsewhere_is_named() -> None:
    kept: list[Value] = []

    def hides(_c: Setting, s: Account, p: Phone, q: Any) -> Change:
        kept.append(q.upper)
        return Change(s, p)

    def uses(_c: Setting, s: Account, p: Phone, _q: Any) -> Change:
        return Change(s._replace(confirmed=kept[0]), p)

    found = wrong(CORRECT.but("HIDES", lose_reply=hides, trim=uses))
    assert found["trim"] == ("it reads the packet taken.upper",)


def _twice(x: Seen) -> Value:
    return x.covered(x.account.svr) | x.covered(x.account.confirmed)


def _uncovered(x: Seen) -> Value:
    return x.c.a.no(x.covered(x.account.svr))


def _bare(x: Seen) -> Value:
    return x.held


@pytest.mark.parametrize(
    ("holds", "why"),
    [
        (_twice, "of the account: it asks more than once what is covered"),
        (_uncovered, "of the account: to hold more can break it"),
        (_bare, "of the account it reads held"),
    ],
)
def test_a_property_that_one_message_cannot_stand_for_is_named(monkeypatch: Any, holds: Any, why: str) -> None:
    planted = Always("planted", Account, (), "", holds, "", holds)
    monkeypatch.setattr(bounded_module, "STATE_PROPERTIES", (planted,))
    assert wrong(CORRECT)["planted"] == (why,)


# ---------------------------------------------------------------- refinement


SMALL = Scope(2, 1, 1)
IN_SLOTS = [replace(scope, phones=3, slots=2) for scope in SCOPES]
BARE = [
    Scope(3, 1, 2, crash=True),
    Scope(2, 1, 2, overlap=True, page=2, trim=True),
]


@pytest.mark.parametrize("scope", [SMALL, *IN_SLOTS, *BARE], ids=lambda scope: scope.describe())
def test_every_step_in_slots_is_a_step_of_the_unbounded_shape(scope: Scope) -> None:
    found = refines(CORRECT, scope)
    assert found.failed == ()
    assert found.views > found.instances >= len([action for action in ACTIONS if action.when(scope)])


def test_so_is_every_step_on_true_32_bit_seqs() -> None:
    assert refines(CORRECT, replace(IN_ONE_STEP, slots=1), Sort.VECTOR).failed == ()
    assert refines(CORRECT, Scope(2, 1, 2, overlap=True), Sort.VECTOR).failed == ()


def test_the_steps_of_another_definition_are_no_steps_of_the_shape() -> None:
    found = refines(MODELS["ACK_ON_REPLY"].definition, SMALL, shape=Unbounded(CORRECT, covering(SMALL)))
    assert found.failed == ("recv(phone=0, slot=0), seen with phone 1", "recv(phone=1, slot=0), seen with phone 0")


class Forgetful(Unbounded):
    """A shape that forgets the packet that an action puts."""

    def step(self, c: Setting, view: View, action: Action, picks: Picks) -> Move:
        move = super().step(c, view, action, picks)
        packets = {place: tuple(p for p in found if p.what != PUT) for place, found in move.after.packets.items()}
        return move._replace(after=replace(move.after, packets=packets))


class Strict(Unbounded):
    """A shape whose actions take what they never should."""

    def step(self, c: Setting, view: View, action: Action, picks: Picks) -> Move:
        move = super().step(c, view, action, picks)
        return move._replace(guards=(*move.guards, ("nothing is confirmed", view.account.confirmed <= 0)))


def test_a_shape_that_forgets_what_is_put_is_found_out() -> None:
    found = refines(CORRECT, SMALL, shape=Forgetful(CORRECT, covering(SMALL)))
    assert {name.partition("(")[0] for name in found.failed} == {"ask", "recv"}


def test_a_shape_that_allows_too_little_is_found_out() -> None:
    found = refines(CORRECT, SMALL, shape=Strict(CORRECT, covering(SMALL)))
    assert len(found.failed) == found.views - 1  # all but the start


def test_one_phone_has_no_bystander() -> None:
    with pytest.raises(ValueError, match="take --phones 2 or more"):
        refines(CORRECT, Scope(1, 1, 1))


def test_progress_names_the_instances() -> None:
    seen: list[str] = []
    found = refines(CORRECT, SMALL, progress=seen.append)
    assert len(seen) == found.instances
    assert seen[0] == "send"


def test_a_scope_is_covered_by_the_one_that_claims_what_it_claims() -> None:
    assert covering(Scope(crash=True, restore=True, overlap=True)) == OVERLAPPING_RESTORED
    assert covering(Scope(overlap=True, trim=True)) == OVERLAPPING
    assert covering(Scope(1, 1)) == IN_ONE_STEP
    assert covering(Scope(crash=True, restore=True)) == IN_ONE_STEP_RESTORED
