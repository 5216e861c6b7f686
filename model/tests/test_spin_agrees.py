"""SPIN, which knows nothing of the Python definition, finds the numbers of counts.json; and its invariant can fail."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks.spin_counts import BREADTH_FIRST, MODEL, SpinError, count
from seqproof_model.scope import Scope

needs_spin = pytest.mark.skipif(
    not (shutil.which("spin") and shutil.which("gcc")), reason="needs spin and gcc; on Debian: apt-get install spin gcc"
)
COUNTS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "counts.json").read_text("utf-8"))["counts"]
BY_SCOPE = {Scope(row["phones"], row["messages"], row["slots"], row["duplicates"], row["crash"]): row for row in COUNTS}
SMALL = (
    Scope(1, 5, 1),
    Scope(2, 2, 1, duplicates=True),
    Scope(2, 3, 1, duplicates=True, crash=True),
    Scope(3, 2, 1, crash=True),
    Scope(1, 3, 2, duplicates=True, crash=True),
    Scope(2, 2, 2),
)


@needs_spin
@pytest.mark.parametrize("scope", SMALL, ids=Scope.describe)
def test_spin_finds_as_many_states_and_transitions_as_deep(scope: Scope) -> None:
    row, found = BY_SCOPE[scope], count(scope, BREADTH_FIRST)
    assert (row["states"], row["transitions"], row["depth"]) == (found.states, found.transitions, found.depth)


@needs_spin
def test_depth_first_finds_the_same_and_measures_itself() -> None:
    scope = Scope(2, 2, 1, crash=True)
    row, found = BY_SCOPE[scope], count(scope)
    assert (row["states"], row["transitions"]) == (found.states, found.transitions)
    assert found.seconds > 0
    assert found.peak_bytes > 1_000_000, "a process needs more than that"


@needs_spin
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("ack = MAX(ack, SEQ_CLI(phone[d].req[i]))", "ack = svr"),
        ("UPPER(phone[d].rep[i])) & ~UP_TO(LOWER(", "UPPER(phone[d].rep[i])) & ~UP_TO(1 + LOWER("),
    ],
    ids=["confirmed when sent", "off by one"],
)
def test_a_faulty_model_breaks_the_invariant(right: str, wrong: str, tmp_path: Path) -> None:
    text = MODEL.read_text("utf-8")
    assert text.count(right) == 1
    faulty = tmp_path / "faulty.pml"
    faulty.write_text(text.replace(right, wrong), "utf-8")
    with pytest.raises(SpinError, match="assertion violated"):
        count(Scope(1, 2), BREADTH_FIRST, faulty)


@needs_spin
def test_a_scope_that_is_too_large_for_the_model_is_refused_with_the_limit() -> None:
    with pytest.raises(SpinError, match="PHONES must be 1 to 4"):
        count(Scope(5, 2))


def test_a_liberty_that_the_model_does_not_have_is_refused() -> None:
    with pytest.raises(SpinError, match=r"^the Promela model has duplicates and crash only, not: .*overlap$"):
        count(Scope(1, 2, overlap=True))


def test_without_spin_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SpinError, match=r"^there is no spin on the PATH; on Debian: apt-get install spin gcc$"):
        count(Scope(1, 2))
