"""Faulty servers are blamed for what they do, correct ones of every shape pass, and a null adapter passes nothing.

Each runs the whole suite ``quick`` through the runner, like any third-party server, or the one that is to find it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from seqproof_conformance.suite import Job, Outcome, SuiteName, run
from seqproof_model import profile
from seqproof_model.verdict import Result
from seqproof_reference import faulty
from seqproof_reference.faulty import Entry, Kind

ENTRIES = {entry.id: entry for entry in faulty.catalogue()}
FAULTS = [entry for entry in ENTRIES.values() if entry.kind is Kind.FAULT]
RIGHT = [entry for entry in ENTRIES.values() if entry.kind is Kind.EQUIVALENT]


def hold(entry: Entry, out: Path, profile_name: str = "") -> Outcome:
    chosen = profile.find(profile_name or entry.profile) if profile_name or entry.profile else None
    suite = SuiteName(entry.suite)
    return run(Job(f"mutant:{entry.id}", out / "run", profile=chosen, shorten=False, length=3, suite=suite))


def ids(outcome: Outcome, result: Result) -> set[str]:
    return {grade.requirement for grade in outcome.verdict.having(result)}


@pytest.mark.parametrize("entry", FAULTS, ids=lambda entry: entry.id)
def test_a_fault_is_blamed_under_an_id_that_fits(entry: Entry, tmp_path: Path) -> None:
    outcome = hold(entry, tmp_path)
    failed = ids(outcome, Result.FAIL)
    assert failed, f"{entry.id} survived: {entry.summary}"
    assert failed <= entry.expected, f"{entry.id} was blamed as {sorted(failed)}; {sorted(entry.expected)} fit"
    assert outcome.code == 1


@pytest.mark.parametrize("entry", RIGHT, ids=lambda entry: entry.id)
def test_a_correct_server_of_another_shape_passes(entry: Entry, tmp_path: Path) -> None:
    outcome = hold(entry, tmp_path)
    assert not outcome.verdict.violations, outcome.verdict.violations
    assert outcome.code == 0, outcome.verdict.inconclusive


@pytest.mark.parametrize("entry", [e for e in FAULTS if e.profile == "strict"], ids=lambda entry: entry.id)
def test_what_is_a_fault_only_in_strict_passes_in_gappy(entry: Entry, tmp_path: Path) -> None:
    outcome = hold(entry, tmp_path, "gappy")
    assert not outcome.verdict.violations, outcome.verdict.violations


def test_a_null_adapter_passes_nothing(tmp_path: Path) -> None:
    outcome = hold(ENTRIES["NULL"], tmp_path)
    assert ids(outcome, Result.PASS) == set()
    assert outcome.code != 0


def test_there_are_enough_faults_of_each_kind() -> None:
    needs = [{str(need) for need in entry.needs} for entry in FAULTS]
    assert len(FAULTS) >= 60
    assert sum("kill" in need for need in needs) >= 8
    assert sum("paging" in need for need in needs) >= 7
    assert len(RIGHT) >= 25
