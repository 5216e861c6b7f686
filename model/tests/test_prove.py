# pyright: basic
"""The prover: it proves what is right on both sorts, refutes what is not, and its counterexamples are real steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from seqproof_model.engines.bounded_search import EDGES, search
from seqproof_model.engines.counterexample import Counterexample, reach
from seqproof_model.engines.induction import NATURAL, START
from seqproof_model.engines.prove import Cell, Lemmas, Proof, Result, prove, prove_all
from seqproof_model.engines.solving import UINT_MAX, Question, Sort
from seqproof_model.engines.unbounded import (
    ACCOUNT,
    IN_ONE_STEP_RESTORED,
    OVERLAPPING,
    PUT,
    SCOPES,
    TAKEN,
    Unbounded,
    covering,
)
from seqproof_model.faults import MODELS
from seqproof_model.network import CORRECT
from seqproof_model.properties import PROPERTIES, STATE_PROPERTIES, STEP_PROPERTIES
from seqproof_model.rules import BY_NAME
from seqproof_model.scope import Scope
from seqproof_model.state import PACKETS, Account, Phone
from seqproof_model.stepper import FollowInts

FAULTY = [model for model in MODELS.values() if not model.right]
RIGHT = [model for model in MODELS.values() if model.right]

PROVED = Lemmas()  # what most models have in common is proved once


def on_both_sorts(models: list[Any]) -> list[Any]:
    """All models on integers, and every third on 32 bits, which takes longer."""
    picked = [(model, Sort.INT) for model in models] + [(model, Sort.VECTOR) for model in models[::3]]
    return [pytest.param(model, sort, id=f"{model.id}-{sort.value}") for model, sort in picked]


def open_cells(proofs: tuple[Proof, ...]) -> set[tuple[str, str]]:
    return {(cell.rule, cell.property) for proof in proofs for cell in proof.open}


# ---------------------------------------------------------------- what is right is proved


@pytest.mark.parametrize("sort", Sort)
def test_the_correct_protocol_is_proved(sort: Sort) -> None:
    proofs = tuple(prove_all(CORRECT, sort))
    assert [proof.scope for proof in proofs] == list(SCOPES)
    assert open_cells(proofs) == set()
    assert all(proof.proved and not proof.idle for proof in proofs)


def test_it_is_proved_bit_by_bit_as_well() -> None:
    """Another way for Z3 to read vectors: what it gets wrong in one it would have to get wrong in both."""
    assert prove(CORRECT, OVERLAPPING, Sort.VECTOR, bit_blast=True).proved


@pytest.mark.parametrize("scope", [Scope(), Scope(overlap=True, page=3), Scope(crash=True, restore=True)])
def test_so_is_a_scope_with_few_liberties(scope: Scope) -> None:
    assert prove(CORRECT, scope).proved


def test_the_table_has_a_cell_for_each_rule_and_property() -> None:
    proof = prove(CORRECT)
    assert len(proof.cells) == len(proof.rules) * len(proof.properties)
    assert proof.rules[0] == START
    assert set(proof.rules[1:]) == {action.name for action in Unbounded(CORRECT, IN_ONE_STEP_RESTORED).actions}
    for p in PROPERTIES:
        assert (p.name in proof.properties) == p.when(IN_ONE_STEP_RESTORED)
    for p in (p for p in STEP_PROPERTIES if p.when(IN_ONE_STEP_RESTORED)):
        for action in Unbounded(CORRECT, IN_ONE_STEP_RESTORED).actions:
            said = proof.cell(action.name, p.name).result is not Result.NOT_APPLICABLE
            assert said == p.applies(action)
    assert proof.cell(START, "cli never falls").result is Result.NOT_APPLICABLE
    with pytest.raises(KeyError):
        proof.cell("recv", "nothing")


@pytest.mark.parametrize("model", RIGHT, ids=lambda model: model.id)
def test_equivalents_are_proved(model: Any) -> None:
    assert all(prove(model.definition, scope, lemmas=PROVED).proved for scope in SCOPES)
    assert prove(model.definition, covering(model.scope()), Sort.VECTOR, rule="recv").proved


# ---------------------------------------------------------------- what is wrong is refuted


@cache
def breaking(name: str) -> tuple[str, frozenset[str]]:
    """The last step of a shortest run that breaks something, and what it breaks."""
    model = MODELS[name]
    found = search(model.definition, model.scope()).trace
    assert found is not None
    return found.steps[-1].action.name, frozenset(found.broken)


@pytest.mark.parametrize(("model", "sort"), on_both_sorts(FAULTY))
def test_what_a_real_run_breaks_is_never_proved(model: Any, sort: Sort) -> None:
    """Before its last step a shortest run breaks nothing; so the cells of that step must fail."""
    rule, broken = breaking(model.id)
    for name in broken:
        (cell,) = prove(model.definition, covering(model.scope()), sort, rule=rule, judged=name, explain=False).cells
        assert cell.result is Result.FAILED, name


def test_on_integers_a_seq_that_falls_below_0_is_found() -> None:
    sees = replace(BY_NAME["look_lower"], sees=lambda _a, m, _r: m.confirmed - 1)
    definition = CORRECT.but("BELOW_0", look_lower=sees)
    cell = prove(definition, OVERLAPPING, rule="look_lower", judged=NATURAL).cells[0]
    assert cell.result is Result.FAILED
    assert cell.counterexample is not None
    assert cell.counterexample.after[PUT]["lower"] == -1
    assert NATURAL not in prove(definition, OVERLAPPING, Sort.VECTOR, rule="ask").properties


def test_a_rule_that_can_never_be_taken_is_said_to_be_idle() -> None:
    never = replace(BY_NAME["refuse"], guard=lambda _a, m, r: (m.svr < r.seq_cli) & (r.seq_cli < m.svr))
    assert prove(CORRECT.but("NEVER", refuse=never), explain=False).idle == ("refuse", "ahead")


# ---------------------------------------------------------------- counterexamples to induction


def first_counterexample(definition: Any, **options: Any) -> Counterexample:
    found = prove(definition, **options).open[0].counterexample
    assert found is not None
    return found


PLAIN = [model for model in FAULTY if covering(model.scope()) == IN_ONE_STEP_RESTORED]


@pytest.mark.parametrize(("model", "sort"), on_both_sorts(PLAIN))
def test_a_counterexample_is_a_step_of_the_definition(model: Any, sort: Sort) -> None:
    """Taken again on ints, the action leads from the state before to the state after."""
    rule, broken = breaking(model.id)
    (cell,) = prove(model.definition, IN_ONE_STEP_RESTORED, sort, rule=rule, judged=min(broken)).cells
    found = cell.counterexample
    assert found is not None
    given, before, after = found.given, found.before, found.after
    shape = Unbounded(model.definition, IN_ONE_STEP_RESTORED)
    (action,) = (a for a in shape.actions if (a.name, a.text) == (found.rule, found.text))
    c = shape.setting(FollowInts(given["x"]), given["seq_max"], given["page"])
    packet = PACKETS[action.takes](**before[TAKEN]) if action.takes else None
    phone = phone_of(before["phone d"]) if action.of_phone else Phone(0, 0)
    c = replace(c, undecided=c.seq_max + 1)
    account, phone_after, put = c.definition.effects[action.effect](c, Account(**before[ACCOUNT]), phone, packet)
    assert wrapped(account._asdict(), sort) == after[ACCOUNT]
    if action.of_phone:
        assert phone_after == phone_of(after["phone d"])
    assert (wrapped(put._asdict(), sort) if put else None) == after.get(PUT)
    assert found.broken


def phone_of(fields: dict[str, int | bool]) -> Phone:
    return Phone(fields["cli"], fields["holds x"], fields.get("own", 0))


def wrapped(fields: dict[str, int], sort: Sort) -> dict[str, int]:
    """32-bit seqs overflow; ints do not."""
    return fields if sort is Sort.INT else {name: value % (UINT_MAX + 1) for name, value in fields.items()}


def test_it_is_small() -> None:
    found = first_counterexample(MODELS["ACK_ON_REPLY"].definition)
    assert (found.rule, found.property, found.broken) == ("recv", "confirmed is covered", ACCOUNT)
    assert found.given == {"x": 1, "seq_max": 1, "page": 1}
    assert set(found.before) == {ACCOUNT, "phone d", "phone e", "third phones", TAKEN}
    assert found.before[TAKEN] == {"seq_cli": 0}
    assert found.before["phone d"] == {"cli": 0, "holds x": False}
    assert (found.before[ACCOUNT]["confirmed"], found.after[ACCOUNT]["confirmed"]) == (0, 1)
    assert found.after[PUT] == {"lower": 0, "upper": 1}
    assert found.excluded_by == ()


def test_a_reachable_one_comes_with_a_shortest_trace() -> None:
    model = MODELS["ACK_ON_REPLY"]
    found = reach(first_counterexample(model.definition), model.definition, model.scope())
    assert found.reachable is True
    assert found.trace is not None
    assert len(found.trace) == 3
    assert found.property in found.trace.broken
    assert found.searched == "in 3 steps, 1 phone, 2 messages, 1 slot"


def test_a_fault_of_large_seqs_is_reached_from_a_large_start() -> None:
    model = MODELS["SIGNED_MAX"]
    found = first_counterexample(model.definition, sort=Sort.VECTOR, judged="confirmed never falls")
    assert found.before[ACCOUNT]["confirmed"] >= 2**31
    reached = reach(found, model.definition, model.scope(), start=EDGES["2^32"])
    assert reached.reachable is True
    assert reached.searched == "in 2 steps, 1 phone, 3 messages, 1 slot, 32-bit seqs after 4294967294"


@pytest.mark.parametrize("sort", Sort)
def test_without_a_property_that_is_needed_the_state_is_not_reached_and_the_missing_one_is_named(sort: Sort) -> None:
    proof = prove(CORRECT, IN_ONE_STEP_RESTORED, sort, without=["request <= cli"])
    assert proof.without == ("request <= cli",)
    assert "request <= cli" not in proof.properties
    assert open_cells((proof,)) == {
        (rule, name) for rule in ("recv", "recv_dup") for name in ("confirmed is covered", "reply begins covered")
    }
    found = proof.open[0].counterexample
    assert found is not None
    assert found.excluded_by == ("request <= cli",)
    searched = reach(found, CORRECT, replace(IN_ONE_STEP_RESTORED, messages=2), deepest=6)
    assert searched.reachable is False
    assert searched.trace is None
    assert searched.searched.startswith("within 6 steps, 2 phones, 2 messages")


def test_of_several_missing_ones_those_are_named_that_exclude_it() -> None:
    dropped = ("cli is covered", "confirmed is covered", "the backup is sound")
    found = [cell.counterexample for cell in prove(CORRECT, without=dropped).open]
    assert found
    for one in found:
        assert one is not None
        assert one.excluded_by
        assert set(one.excluded_by) <= set(dropped)


def test_a_search_in_a_scope_without_the_property_gets_the_switch_that_it_needs() -> None:
    model = MODELS["TRIM_PLUS1"]
    found = first_counterexample(model.definition, judged="trimmed <= confirmed")
    reached = reach(found, model.definition, replace(model.scope(), trim=False))
    assert reached.reachable is True
    assert reached.searched.endswith("trim")


def test_a_search_that_does_not_get_through_says_neither_yes_nor_no() -> None:
    found = first_counterexample(CORRECT, without=["request <= cli"])
    assert reach(found, CORRECT, IN_ONE_STEP_RESTORED, timeout_ms=0).reachable is None


def test_at_the_start_there_is_one_state_and_no_step() -> None:
    found = first_counterexample(MODELS["UINTMAX_REFUSED"].definition, rule=START)
    assert (found.after, found.excluded_by) == ({}, ())
    assert found.before[ACCOUNT]["svr"] == found.given["seq_max"] - 1


# ---------------------------------------------------------------- what a proof needs


def test_a_proof_says_which_properties_it_needs() -> None:
    cell = prove(CORRECT, rule="deliver", judged="cli is covered", needs=True).cells[0]
    assert cell.needs == ("cli is covered", "reply begins covered")
    untouched = prove(CORRECT, rule="ask", judged="confirmed <= svr", needs=True).cells[0]
    assert (untouched.needs, untouched.milliseconds) == (("confirmed <= svr",), 0)


def test_each_of_them_is_needed() -> None:
    """Without any of them that cell fails; all others that the proof may use are still there."""
    cell = prove(CORRECT, rule="recv", judged="reply begins covered", needs=True).cells[0]
    itself = "reply begins covered"  # of the replies that were under way before
    assert cell.needs == ("confirmed is covered", "trimmed <= confirmed", "cli is covered", "request <= cli", itself)
    for name in cell.needs[:-1]:
        alone = prove(CORRECT, rule="recv", judged="reply begins covered", without=[name], explain=False)
        assert alone.cells[0].result is Result.FAILED, name


def test_what_a_lemma_needs_is_found_anew() -> None:
    lemmas = Lemmas()
    assert prove(CORRECT, lemmas=lemmas, rule="deliver").cell("deliver", "cli is covered").needs == ()
    again = prove(CORRECT, lemmas=lemmas, rule="deliver", needs=True)
    assert again.cell("deliver", "cli is covered").needs == ("cli is covered", "reply begins covered")


def test_the_properties_that_are_needed_are_few_and_step_properties_are_never_assumed() -> None:
    needed = {name for cell in prove(CORRECT, OVERLAPPING, needs=True).cells for name in cell.needs}
    assert needed <= {p.name for p in STATE_PROPERTIES}
    assert "svr < open" in needed


# ---------------------------------------------------------------- lemmas, choices, limits


def test_a_lemma_is_not_used_where_its_facts_are_missing() -> None:
    lemmas = Lemmas()
    assert prove(CORRECT, lemmas=lemmas).proved
    again = prove(CORRECT, lemmas=lemmas)
    assert again.proved
    assert sum(cell.milliseconds for cell in again.cells) == 0
    without = prove(CORRECT, lemmas=lemmas, without=["cli is covered"], explain=False)
    assert open_cells((without,)) == open_cells((prove(CORRECT, without=["cli is covered"], explain=False),)) != set()


def test_a_lemma_of_one_definition_proves_nothing_of_another() -> None:
    lemmas = Lemmas()
    prove(CORRECT, lemmas=lemmas)
    faulty = MODELS["LAST_WRITER_ACK"].definition
    alone, after = prove(faulty, explain=False), prove(faulty, lemmas=lemmas, explain=False)
    assert open_cells((alone,)) == open_cells((after,)) != set()


def test_one_rule_and_one_property_can_be_proved_alone() -> None:
    proof = prove(CORRECT, rule="recv")
    assert {cell.rule for cell in proof.cells} == {"recv"}
    proof = prove(CORRECT, rule="recv", judged="confirmed <= svr")
    assert [(cell.rule, cell.property) for cell in proof.cells] == [("recv", "confirmed <= svr")]
    proofs = tuple(prove_all(CORRECT, rule="look_lower", judged="served lower is up to date"))
    assert [proof.scope for proof in proofs] == [OVERLAPPING]


@pytest.mark.parametrize("proving", [prove, prove_all])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": "recive"}, "no rule is called 'recive'; did you mean .*'recv'"),
        ({"judged": "confirmed < svr"}, "no property is called 'confirmed < svr'; did you mean 'confirmed <= svr'"),
        ({"without": ["cli covered"]}, "no state property is called 'cli covered'; did you mean 'cli is covered'"),
    ],
)
def test_names_that_are_not_there_are_refused_with_near_ones(
    proving: Callable[..., object], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        proving(CORRECT, **options)


def test_a_question_that_takes_too_long_leaves_its_cell_unknown(monkeypatch: Any) -> None:
    monkeypatch.setattr(Question, "ask", lambda _: None)
    proof = prove(CORRECT, rule="recv", judged="confirmed <= svr")
    assert [cell.result for cell in proof.cells] == [Result.UNKNOWN]
    assert not proof.proved
    assert proof.open == proof.cells


def test_the_thorough_way_is_gone_where_the_quick_one_gives_up(monkeypatch: Any) -> None:
    answers = iter([None, False])
    monkeypatch.setattr("seqproof_model.engines.solving.ask", lambda *_, **__: next(answers))
    assert Question([]).ask() is False
    answers = iter([None, False])
    assert Question([], bit_blast=True).ask() is None


def test_a_failed_cell_may_have_no_counterexample_where_time_was_up(monkeypatch: Any) -> None:
    monkeypatch.setattr("seqproof_model.engines.counterexample.ask", lambda _: None)
    (cell,) = prove(MODELS["ACK_ON_REPLY"].definition, rule="recv", judged="confirmed is covered").cells
    assert (cell.result, cell.counterexample) == (Result.FAILED, None)


def test_each_cell_is_reported_and_ctrl_c_is_passed_on() -> None:
    cells: list[Cell] = []
    proof = prove(CORRECT, rule="ask", progress=cells.append)
    assert tuple(cells) == proof.cells

    def interrupted(_: Cell) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prove(CORRECT, progress=interrupted)


def test_what_is_proved_is_said() -> None:
    proof = prove(CORRECT, rule="ask")
    assert (proof.definition, proof.scope, proof.sort) == ("CORRECT", IN_ONE_STEP_RESTORED, Sort.INT)
    assert 0 <= proof.solving_ms <= proof.total_ms
