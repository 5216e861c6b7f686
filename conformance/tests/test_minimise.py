"""Shortening: it ends at a trace of which no step can be left out, keeps the requirement, and stops at its bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seqproof_conformance.minimise import minimise
from seqproof_model import scenario as sc
from seqproof_model.scenario import Lost, Scenario

Build = Callable[..., Any]
LONG = (
    sc.Send(count=20, sender="t"), sc.Send(account="y"), sc.Recv(phone="B", lose=Lost.REPLY), sc.Recv(fresh=True),
    sc.Recv(phone="B"), sc.Kill(), sc.Send(body="twin"), sc.Drain(), sc.Recv(account="y"), sc.Drain(phone="B"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("mutant", "shortest"),
    [("ACK_ON_REPLY", 3), ("VOLATILE_TAIL", 3), ("HIGH_EXCLUSIVE", 2), ("LOW_INCLUSIVE", 3), ("NO_CONFIRMED", 4)],
)
def test_it_finds_traces_as_short_as_the_shortest_known(bench: Build, mutant: str, shortest: int) -> None:
    runner = bench(f"mutant:{mutant}").runner
    played = runner.play(Scenario("t", (*LONG, *LONG)))
    assert played.violation is not None
    minimal = minimise(played, runner.play)
    assert minimal.finished
    steps = minimal.played.scenario.steps
    assert len(steps) <= shortest, minimal.played.scenario.notation()
    for at in range(len(steps)):
        rest = Scenario("t", steps[:at] + steps[at + 1 :])
        violation = runner.play(rest).violation
        assert violation is None or violation.requirement != played.violation.requirement


def test_a_reply_that_is_held_is_shortened_to_one_that_is_lost(bench: Build) -> None:
    runner = bench("mutant:ACK_ON_REPLY").runner
    steps = (sc.Send(), sc.Ask("r"), sc.Arrive("r", hold="p"), sc.Recv())
    minimal = minimise(runner.play(Scenario("t", steps)), runner.play)
    assert minimal.played.scenario.notation() == "s A>r rx A"


def test_it_keeps_the_requirement(bench: Build) -> None:
    runner = bench("mutant:VOLATILE_TAIL").runner
    played = runner.play(Scenario("t", (*LONG, *LONG)))
    minimal = minimise(played, runner.play).played
    assert played.violation is not None
    assert minimal.violation is not None
    assert minimal.violation.requirement == played.violation.requirement


def test_it_stops_at_its_bound_and_says_so(bench: Build) -> None:
    runner = bench("mutant:ACK_ON_REPLY").runner
    played = runner.play(Scenario("t", (*LONG, *LONG)))
    minimal = minimise(played, runner.play, plays=2)
    assert (minimal.finished, minimal.plays) == (False, 2)
    assert minimal.claim == "shortened; the search stopped after 2 runs"
