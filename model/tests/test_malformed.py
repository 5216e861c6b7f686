"""What stands in the place of a seq_cli: which texts mean one, which may, which cannot, and what is judged of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from seqproof_model.judge import Judge
from seqproof_model.malformed import Perhaps, Plain, meaning
from seqproof_model.profile import UINT_MAX
from seqproof_model.requirements import kept, should


@pytest.mark.parametrize("raw", ["0", "1", "4294967295"])
def test_a_plain_number_is_a_seq_cli(raw: str) -> None:
    assert meaning(raw, UINT_MAX) == Plain(int(raw))


@pytest.mark.parametrize("raw", ['"2"', "2.0", "2e0", "20e-1", '" 2"', '"2.0"', "+2", "02", '"+2"'])
def test_what_a_lenient_reader_takes_for_a_number_is_in_doubt(raw: str) -> None:
    found = meaning(raw, UINT_MAX)
    assert found == Perhaps(2)
    assert isinstance(found, Perhaps)


@pytest.mark.parametrize(
    "raw",
    ["", " ", "-1", "-0.5", "1.5", "1e-1", "4294967296", "1e99", "9" * 5000, "null", "true", "false", "[1]", "{}", '""',
     '"abc"', '"1x"', "1x", "NaN", "Infinity", "-Infinity", '"NaN"', "[" * 100_000, '"'],
)  # fmt: skip
def test_all_else_is_malformed(raw: str) -> None:
    assert meaning(raw, UINT_MAX) is None


def test_the_space_is_that_of_the_profile() -> None:
    assert meaning("10", 9) is None
    assert meaning("4294967296", 2**40) == Plain(2**32)


@pytest.mark.parametrize("answer", ["!malformed", "!store", "?", ": ", ": 1a", ": 9z 3q"])
def test_whatever_a_malformed_one_is_answered_is_not_judged(answer: str, judged: Callable[..., Judge]) -> None:
    assert judged(f"s a =1; raw -1 {answer}; A 0 : 1a").violations == []
    assert judged(f"s a =1; raw -1 {answer}; A 0 : ").violations != []


@pytest.mark.parametrize("answer", ["!malformed", "?", ": ", ": 2b"])
def test_what_may_be_a_seq_cli_may_confirm(answer: str, judged: Callable[..., Judge]) -> None:
    for rows in ("1a 2b", "2b"):
        assert judged(f"s a =1; s b =2; raw 1.0 {answer}; A 0 : {rows}").violations == []
    assert judged(f"s a =1; s b =2; raw 1.0 {answer}; A 0 : ").violations != []


def test_a_plain_number_is_a_recv(judged: Callable[..., Judge]) -> None:
    (violation,) = judged("s a =1; raw 0 : ").violations
    assert (violation.requirement, violation.event) == ("RCV-7", 4)
    assert judged("s a =1; s b =2; raw 1 : 2b; A 0 : 2b").violations == []
    assert judged("s a =1; raw 1 : ; A 0 : 1a").violations != []


def test_refusals_are_counted(judged: Callable[..., Judge]) -> None:
    counts = judged("raw -1 !malformed; raw 1.5 : ; raw null ?; raw 1.0 !malformed; raw 4294967296 !ahead").counts
    assert (counts[should("SEQ-7")], counts[kept("SEQ-7")]) == (4, 2)


def test_what_a_closed_account_is_asked_says_nothing(judged: Callable[..., Judge]) -> None:
    assert len(judged("s a =1; A 0 : ; raw -1 !malformed; raw 1.0 ?; raw 1 : 1a; A 0 : ").violations) == 1
