"""The requirements as data: exactly the law's ids, each with what a verdict and the docs need."""

from __future__ import annotations

import pytest

from seqproof_model.hello import Capability
from seqproof_model.phone_verdict import GRADED
from seqproof_model.phone_words import PhoneCapability
from seqproof_model.requirements import INVARIANTS, REQUIREMENTS, Level, Requirement, Role

IDS = """
    SEQ-1 SEQ-2 SEQ-3 SEQ-4 SEQ-5 SEQ-6 SEQ-7 SEQ-8
    SND-1 SND-2 SND-3 SND-4 SND-5
    RCV-1 RCV-2 RCV-3 RCV-4 RCV-5 RCV-6 RCV-7
    CNF-1 CNF-2 CNF-3 CNF-4 CNF-5 CNF-6 CNF-7
    DEV-1 DEV-2 DEV-3 DEV-4 DEV-5 DEV-6 DEV-7
    PSH-1 PSH-2 PSH-3 PSH-4
"""

each = pytest.mark.parametrize("row", REQUIREMENTS.values(), ids=lambda row: row.id)


def test_the_ids_are_those_of_the_law_in_its_order() -> None:
    assert list(REQUIREMENTS) == IDS.split()


@each
def test_each_has_a_title_a_sentence_and_a_source(row: Requirement) -> None:
    assert row.title
    assert row.sentence.endswith(".")
    assert row.section == "silent" or row.section[0].isdigit()


@each
def test_each_needs_capabilities_that_exist(row: Requirement) -> None:
    of_phone = set(map(str, PhoneCapability)) if row.id in GRADED else set[str]()
    assert set(row.needs) <= {str(capability) for capability in Capability} | of_phone


@each
def test_each_invariant_exists(row: Requirement) -> None:
    assert row.invariant in INVARIANTS or (row.invariant == "" and row.role is not Role.SERVER)


@each
def test_each_says_what_has_to_be_observed_or_why_it_is_never_graded(row: Requirement) -> None:
    if row.id in GRADED:
        assert row.condition
    else:
        assert bool(row.condition) != bool(row.why_never)


def test_the_levels() -> None:
    assert {row.id for row in REQUIREMENTS.values() if row.level is not Level.MUST} == {"SEQ-8", "SND-3"}


def test_every_invariant_is_named_by_a_requirement() -> None:
    named = {row.invariant for row in REQUIREMENTS.values()}
    assert set(INVARIANTS) - named == {"I-ISO"}, "isolation is part of RCV-1"
