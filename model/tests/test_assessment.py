"""A verdict beside what was listed and what is required: known, new, stale, waiting, missing."""

from __future__ import annotations

import pytest

from seqproof_model.assessment import NOT_WHOLE, Known, assess
from seqproof_model.profile import built_in
from seqproof_model.verdict import Grade, Result, Verdict, Violation


def violation(requirement: str) -> Violation:
    return Violation(requirement, "I-LOSS", "late", f"{requirement} is broken", 1, "x", 1)


def verdict(**results: Result) -> Verdict:
    """A verdict on target ``shop:v1``; SEQ_1 stands for SEQ-1."""
    grades = tuple(
        Grade(name.replace("_", "-"), result, 1, "never observed" if result is Result.NOT_GRADED else "")
        for name, result in results.items()
    )
    failed = [grade.requirement for grade in grades if grade.result is Result.FAIL]
    return Verdict("shop:v1", built_in()["strict"], grades, tuple(map(violation, failed)), 9)


MIXED = verdict(SEQ_1=Result.PASS, SEQ_3=Result.FAIL, RCV_7=Result.FAIL, SEQ_5=Result.NOT_GRADED)


def test_without_a_list_every_violation_is_new() -> None:
    found = assess(MIXED)
    assert [item.requirement for item in found.new] == ["SEQ-3", "RCV-7"]
    assert (found.known, found.stale, found.waiting, found.missing) == ((), (), (), ())


def test_what_is_listed_and_fails_is_known_with_its_reason() -> None:
    found = assess(MIXED, [Known("SEQ-3", "shop:*", "OPS-12")])
    assert found.reasons == {"SEQ-3": "OPS-12"}
    assert [item.requirement for item in found.new] == ["RCV-7"]


def test_what_is_listed_and_passes_is_stale() -> None:
    entry = Known("SEQ-1", "shop:v1", "why")
    assert assess(MIXED, [entry]).stale == (entry,)


def test_nothing_is_stale_after_a_run_that_was_not_whole() -> None:
    entry = Known("SEQ-1", "*", "why")
    found = assess(MIXED, [entry], whole=False)
    assert found.stale == ()
    assert found.waiting == ((entry, NOT_WHOLE),)


def test_what_is_listed_and_not_graded_waits() -> None:
    entry = Known("SEQ-5", "*", "why")
    found = assess(MIXED, [entry])
    assert found.waiting == ((entry, "never observed"),)
    assert not found.stale


@pytest.mark.parametrize("target", ["shop:v2", "shop", "SHOP:V1", ""])
def test_an_entry_for_another_target_says_nothing(target: str) -> None:
    found = assess(MIXED, [Known("SEQ-3", target, "why"), Known("SEQ-1", target, "why")])
    assert not found.known
    assert not found.stale
    assert len(found.new) == 2


def test_what_is_required_and_not_graded_is_missing_and_makes_it_inconclusive() -> None:
    found = assess(MIXED, required=["SEQ-1", "SEQ-3", "SEQ-5"])
    assert [grade.requirement for grade in found.missing] == ["SEQ-5"]
    assert found.inconclusive == ["SEQ-5 is required and not graded: never observed"]


def test_of_two_reasons_the_first_stands() -> None:
    found = assess(MIXED, [Known("SEQ-3", "shop:v1", "first"), Known("SEQ-3", "*", "second")])
    assert found.reasons == {"SEQ-3": "first"}
