"""Exit codes: the whole table, one code out of all that apply."""

from __future__ import annotations

from itertools import combinations

import msgspec
import pytest

from seqproof_conformance import codes
from seqproof_conformance.codes import codes_of, exit_code
from seqproof_model.assessment import Assessment, Known, assess
from seqproof_model.profile import built_in
from seqproof_model.verdict import Grade, Result, Verdict, Violation

ORDER = [2, 1, 130, 4, 6, 3, 5, 0]  # docs/requirements.md; written out here, so that no one moves it by accident


def test_nothing_that_applies_is_conformant() -> None:
    assert exit_code([]) == 0


@pytest.mark.parametrize("count", range(1, len(ORDER) + 1))
def test_of_any_codes_that_apply_the_most_severe_comes_out(count: int) -> None:
    """All 255 sets of codes."""
    for together in combinations(ORDER, count):
        assert exit_code(together) == together[0]
        assert exit_code(reversed(together)) == together[0]


def test_every_code_has_its_place_once() -> None:
    assert list(codes.SEVERITY) == ORDER


PASS = Grade("SEQ-1", Result.PASS, 1)
FAIL = Grade("SEQ-3", Result.FAIL, 1)
OPEN = Grade("SEQ-5", Result.NOT_GRADED, reason="never observed")
VIOLATION = Violation("SEQ-3", "I-UNIQ", "twice", "seq 1 twice", 1, "x", 1)
LISTED = [Known("SEQ-3", "*", "why")]


def verdict(*grades: Grade, **fields: object) -> Verdict:
    violations = (VIOLATION,) if FAIL in grades else ()
    return msgspec.structs.replace(Verdict("x", built_in()["strict"], grades, violations, 9), **fields)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (assess(verdict(PASS)), set[int]()),
        (assess(verdict(PASS, OPEN)), set[int]()),
        (assess(verdict(PASS, FAIL)), {1}),
        (assess(verdict(PASS, FAIL), LISTED), set[int]()),
        (assess(verdict(PASS, FAIL), LISTED, ["SEQ-3"]), set[int]()),
        (assess(verdict(PASS, OPEN), required=["SEQ-5"]), {3}),
        (assess(verdict(PASS), [Known("SEQ-1", "*", "why")]), {6}),
        (assess(verdict(PASS), [Known("SEQ-1", "*", "why")], whole=False), set[int]()),
        (assess(verdict(PASS, stopped="it died")), {3, 4}),
        (assess(verdict(PASS, interrupted=True)), {3, 130}),
        (assess(verdict(PASS, FAIL, interrupted=True, stopped="x")), {1, 3, 4, 130}),
        (assess(verdict(PASS, FAIL, undecided=("the time was up",)), LISTED), {3}),
        (assess(verdict(OPEN)), {3}),
    ],
)
def test_what_applies_to_a_run(found: Assessment, expected: set[int]) -> None:
    assert codes_of(found) == expected
