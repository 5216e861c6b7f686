"""The ranking argument: every obligation is proved of the definition, and faults that starve a phone fail one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seqproof_model.engines.ranking import LEMMAS, Argument, Proof, Ranking, rank
from seqproof_model.engines.solving import UINT_MAX, Sort
from seqproof_model.faults import MODELS, FaultyModel
from seqproof_model.network import CORRECT
from seqproof_model.properties import STATE_PROPERTIES
from seqproof_model.scope import Scope

BAD = Scope(duplicates=True, crash=True, late=True, restore=True, trim=True)
SCOPES = (Scope(), BAD, replace(BAD, page=1), replace(BAD, overlap=True), replace(BAD, overlap=True, page=1))


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("scope", SCOPES, ids=Scope.describe)
def test_every_obligation_is_proved_and_none_from_a_contradiction(scope: Scope, sort: Sort) -> None:
    ranking = rank(CORRECT, scope, sort)
    assert ranking.holds
    assert not ranking.failed
    assert {proof.name.partition(", ")[0] for proof in ranking.proofs if proof.vacuous} <= {
        "stored: refuse",  # no phone is ahead while a message waits
        "rank: refuse",
    }


def test_each_part_of_the_argument_has_its_obligations() -> None:
    names = [proof.name for proof in rank(CORRECT, SCOPES[3]).proofs]
    steps = ("restart", "ask", "begin", "confirm", "look_lower", "look_upper", "reply", "deliver")
    assert {"marks", "seq_cli", "requests", "serving", "replies"} <= {*names}
    assert all(f"{part}: {step}" in names for step in steps for part in ("stored", "enabled", "helps"))
    assert all(f"rank: {step}, {whose} d" in names for step in steps[1:] for whose in ("of", "not of"))
    assert "stored: restore" not in names
    assert "rank: restore, not of d" in names


def test_the_lemmas_are_state_properties() -> None:
    assert {*LEMMAS} <= {judged.name for judged in STATE_PROPERTIES}


@pytest.mark.parametrize("lemma", ["confirmed is covered", "cli is covered", "request <= cli", "reply begins covered"])
def test_the_argument_needs_its_lemmas(lemma: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqproof_model.engines.ranking.LEMMAS", tuple(name for name in LEMMAS if name != lemma))
    assert not rank(CORRECT, Scope()).holds


def test_a_contradiction_proves_nothing() -> None:
    argument = Argument(CORRECT, Scope(), Sort.INT)
    obligation = next(argument.obligations())
    absurd = obligation._replace(given=(*obligation.given, ~obligation.given[0]))
    proof = argument.prove(absurd)
    assert (proof.proved, proof.vacuous, proof.holds) == (True, True, False)
    assert argument.prove(absurd._replace(occurs=False)).holds


# ---------------------------------------------------------------- faulty models


def failed(fault: str, scope: Scope | None = None, sort: Sort = Sort.VECTOR) -> dict[str, Proof]:
    ranking: Ranking = rank(MODELS[fault].definition, scope or MODELS[fault].scope(), sort)
    return {proof.name: proof for proof in ranking.failed}


@pytest.mark.parametrize("sort", Sort)
def test_a_reply_that_ends_too_early_brings_no_news(sort: Sort) -> None:
    found = failed("HIGH_EXCLUSIVE", sort=sort)
    assert [*found] == ["helps: recv", "unpaged: recv"]
    values = found["helps: recv"].values
    assert (values["x"], values["svr"], values["the packet taken.seq_cli"], values["d.cli"]) == (1, 1, 0, 0)


@pytest.mark.parametrize("sort", Sort)
def test_a_page_that_stays_empty_brings_no_news(sort: Sort) -> None:
    found = failed("PAGE_BYTES_STUCK", sort=sort)
    assert [*found] == ["helps: recv"]
    assert found["helps: recv"].values["page"] == 1


def test_a_recv_that_fails_when_the_space_is_used_up_cannot_be_taken() -> None:
    found = failed("FULL_BLOCKS_RECV")
    assert [*found] == ["enabled: recv"]
    assert found["enabled: recv"].values["svr"] == UINT_MAX


@pytest.mark.parametrize("fault", ["HIGH_EXCLUSIVE", "FULL_BLOCKS_RECV"])
def test_the_same_faults_show_where_steps_overlap(fault: str) -> None:
    assert failed(fault, Scope(overlap=True)).keys() & {"helps: look_upper", "enabled: look_upper"}


@pytest.mark.parametrize(
    ("fault", "obligation"),
    [
        ("C_LATE_REPLY_LOWERS_CLI", "rank: deliver, of d"),
        ("VOLATILE_SEQ", "stored: crash"),
        ("WRAP_0", "stored: send"),
        ("C_TIP_ADVANCES", "helps: ask"),
    ],
)
def test_other_faults_fail_the_part_that_they_break(fault: str, obligation: str) -> None:
    assert obligation in failed(fault)


@pytest.mark.parametrize("model", [model for model in MODELS.values() if model.right], ids=lambda model: model.id)
def test_equivalents_are_proved(model: FaultyModel) -> None:
    assert rank(model.definition, model.scope()).holds
    assert rank(model.definition, replace(model.scope(BAD), overlap=False)).holds


def test_what_refutes_an_obligation_tells_only_of_packets_that_are_there() -> None:
    values = failed("PAGE_BYTES_STUCK")["helps: recv"].values
    assert not [name for name in values if name.startswith("a packet of")]
    assert {"x", "svr", "confirmed", "d.cli", "page"} <= values.keys()


def test_progress_is_told_proof_by_proof() -> None:
    told: list[Proof] = []
    ranking = rank(CORRECT, Scope(), progress=told.append)
    assert tuple(told) == ranking.proofs
