"""Phones may be treated alike only by proof: the definition has one, planted favourites have not; and counts agree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pytest

from seqproof_model.bounded import Bounded, Instance, State, Taken
from seqproof_model.definition import Setting
from seqproof_model.engines.certificate import certify
from seqproof_model.engines.explore import Exploration, Explorer
from seqproof_model.engines.symmetry import Symmetry
from seqproof_model.faults import MODELS, FaultyModel
from seqproof_model.network import CORRECT
from seqproof_model.rules import Value
from seqproof_model.scope import Scope, ScopeError

WIDEST = Scope(
    2, 2, 2, duplicates=True, crash=True, page=2, overlap=True, late=True, restore=True, trim=True, follow=True
)
CERTIFIED = (Scope(2, 2), Scope(3, 2, crash=True), Scope(4, 1), Scope(2, 2, 2, duplicates=True), WIDEST)
COUNTED = (
    Scope(2, 2),
    Scope(2, 3, duplicates=True, crash=True),
    Scope(2, 2, crash=True, restore=True, trim=True, page=1),
    Scope(2, 2, follow=True),
    Scope(2, 1, 2, crash=True),
    Scope(2, 1, overlap=True, crash=True),
    Scope(3, 1, 2),
    Scope(3, 2),
)


def explored(bounded: Bounded, *, reduced: bool) -> Exploration:
    return Explorer(bounded, symmetry=certify(bounded).symmetry() if reduced else None).run()


# ---------------------------------------------------------------- the definition treats phones alike


@pytest.mark.parametrize("scope", CERTIFIED, ids=Scope.describe)
def test_the_definition_is_certified(scope: Scope) -> None:
    certificate = certify(Bounded(CORRECT, scope))
    assert certificate.certified
    assert (certificate.refusal, certificate.pair) == ("", None)
    instances = len(Bounded(CORRECT, scope).instances)
    assert certificate.proved > instances * (scope.phones - 1)


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.id)
def test_faults_that_know_no_phone_are_certified_too(model: FaultyModel) -> None:
    assert certify(Bounded(model.definition, replace(model.scope(), phones=2))).certified


def test_one_phone_needs_no_proof() -> None:
    certificate = certify(Bounded(CORRECT, Scope(1, 2)))
    assert (certificate.certified, certificate.proved) == (True, 0)


@pytest.mark.parametrize("scope", COUNTED, ids=Scope.describe)
def test_the_full_and_the_reduced_exploration_agree(scope: Scope) -> None:
    full, reduced = (explored(Bounded(CORRECT, scope), reduced=reduced) for reduced in (False, True))
    assert full.complete
    assert reduced.stored < full.stored
    assert (full.states, full.transitions, full.depth) == (reduced.states, reduced.transitions, reduced.depth)
    assert full.holds
    assert [(j.about.name, j.holds, j.occurred) for j in full.properties] == [
        (j.about.name, j.holds, j.occurred) for j in reduced.properties
    ]
    taken = {name: coverage.taken for name, coverage in full.coverage.items()}
    assert taken == {name: coverage.taken for name, coverage in reduced.coverage.items()}


@pytest.mark.parametrize("fault", ["LAST_WRITER_ACK", "PER_DEVICE_CONFIRM", "NO_CONFIRMED"])
def test_a_fault_is_found_by_both_after_as_many_steps(fault: str) -> None:
    bounded = Bounded(MODELS[fault].definition, MODELS[fault].scope())
    full, reduced = (explored(bounded, reduced=reduced) for reduced in (False, True))
    assert full.counterexample
    assert reduced.counterexample
    assert len(full.counterexample) == len(reduced.counterexample)
    broken = [[j.about.name for j in found.properties if not j.holds] for found in (full, reduced)]
    assert broken[0] == broken[1] != []


# ---------------------------------------------------------------- planted favourites


@dataclass(frozen=True)
class ConfirmsMore(Bounded):
    """Phone 0's request confirms more than it says."""

    def step(self, c: Setting, state: State, instance: Instance, literal: Value = None) -> Taken:
        favourite = instance.action.name == "recv" and instance.phone == 0
        chosen = replace(c, definition=MODELS["OVER_ACK"].definition) if favourite else c
        return super().step(chosen, state, instance, literal)


@dataclass(frozen=True)
class WaitsForPhone0(Bounded):
    """A send only while phone 0 is new."""

    def step(self, c: Setting, state: State, instance: Instance, literal: Value = None) -> Taken:
        taken = super().step(c, state, instance, literal)
        if instance.action.name != "send":
            return taken
        return taken._replace(guards=(*taken.guards, ("phone 0 is new", state["cli[0]"] <= 0)))


@dataclass(frozen=True)
class TellsTheLast(Bounded):
    """What any phone gets, the last phone gets as well."""

    def step(self, c: Setting, state: State, instance: Instance, literal: Value = None) -> Taken:
        taken = super().step(c, state, instance, literal)
        if instance.action.name != "deliver":
            return taken
        last = f"got[{self.scope.phones - 1}]"
        return taken._replace(changes={**taken.changes, last: state[last] | taken.step.phone_after.got})


@dataclass(frozen=True)
class BeginsAhead(Bounded):
    """Phone 1 begins with a seq_cli."""

    def start(self, no: Value = False, yes: Value = True, zero: Value = 0) -> dict[str, Value]:
        return super().start(no, yes, zero) | {"cli[1]": 1}


@dataclass(frozen=True)
class JudgesByPhone0(Bounded):
    """For properties, held is what phone 0 holds."""

    def held(self, state: State) -> Value:
        return state["got[0]"]


@dataclass(frozen=True)
class OneGuardForAnother(Bounded):
    """Phone 0's asking is guarded in words alone."""

    def step(self, c: Setting, state: State, instance: Instance, literal: Value = None) -> Taken:
        taken = super().step(c, state, instance, literal)
        if (instance.action.name, instance.phone) != ("ask", 0):
            return taken
        return taken._replace(guards=(*taken.guards, ("always", c.a.true())))


@dataclass(frozen=True)
class NeverAsks(Bounded):
    """Phone 2 never asks."""

    @cached_property
    def instances(self) -> tuple[Instance, ...]:
        return tuple(i for i in super().instances if (i.action.name, i.phone) != ("ask", 2))


PLANTED: list[tuple[Any, str, str]] = [
    (ConfirmsMore, "the action recv", "phones 0 and 1"),
    (WaitsForPhone0, "the action send", "phones 0 and 1"),
    (TellsTheLast, "the action deliver", "phones 1 and 2"),
    (BeginsAhead, "the initial state", "phones 0 and 1"),
    (JudgesByPhone0, "the property 'confirmed is covered'", "phones 0 and 1"),
    (NeverAsks, "what can be done at all", "phones 1 and 2"),
    (OneGuardForAnother, "the action ask", "phones 0 and 1"),
]


@pytest.mark.parametrize(("planted", "refusal", "pair"), PLANTED, ids=[planted.__name__ for planted, _, _ in PLANTED])
def test_a_favourite_is_refused_by_name(planted: type[Bounded], refusal: str, pair: str) -> None:
    certificate = certify(planted(CORRECT, Scope(3, 2)))
    assert not certificate.certified
    assert (certificate.refusal, str(certificate.pair)) == (refusal, pair)
    with pytest.raises(ScopeError, match=f"^{refusal} tells {pair} apart; explore without symmetry$"):
        certificate.symmetry()


@pytest.mark.parametrize("planted", [TellsTheLast, WaitsForPhone0], ids=lambda planted: planted.__name__)
def test_symmetry_without_a_certificate_would_count_wrongly(planted: type[Bounded]) -> None:
    bounded = planted(CORRECT, Scope(2, 2))
    full, reduced = Explorer(bounded).run(), Explorer(bounded, symmetry=Symmetry(bounded)).run()
    assert (full.states, full.transitions) != (reduced.states, reduced.transitions)
