"""The campaign: the same seed gives the same requests, it finds faults by itself, and it hides no error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seqproof_conformance.adapter import Capability, TargetError
from seqproof_conformance.campaign import campaign, tidy
from seqproof_conformance.runner import Played, Runner
from seqproof_model import scenario as sc
from seqproof_model.scenario import Scenario

Build = Callable[..., Any]


def examples(bench: Build, target: str, seed: int, **sizes: int) -> tuple[list[str], set[str]]:
    """The traces of a campaign, and the requirements that failed."""
    runner: Runner = bench(target).runner
    seen, failed = list[str](), set[str]()

    def play(scenario: Scenario) -> Played:
        seen.append(scenario.notation())
        return runner.play(scenario)

    def found(played: Played) -> None:
        assert played.violation is not None
        failed.add(played.violation.requirement)

    campaign(runner.hello, runner.profile, play, found, number=seed, **sizes)
    return seen, failed


def test_the_same_seed_gives_the_same_examples(bench: Build) -> None:
    first, second = (examples(bench, "mutant:CORRECT", 7, plain=20, with_kills=10) for _ in range(2))
    assert first == second
    assert len(set(first[0])) > 20
    assert examples(bench, "mutant:CORRECT", 8, plain=20, with_kills=10)[0] != first[0]


def test_kills_have_examples_of_their_own(bench: Build) -> None:
    traces, _ = examples(bench, "mutant:CORRECT", 0, plain=10, with_kills=10)
    assert sum("!" in trace.split() for trace in traces) >= 10


@pytest.mark.parametrize("mutant", ["ACK_REGRESS_AFTER", "VOLATILE_CONFIRM", "RETENTION_DROP", "WRAP_1", "TRIM_PLUS1"])
def test_it_finds_faults_by_itself(bench: Build, mutant: str) -> None:
    assert examples(bench, f"mutant:{mutant}", 0, plain=300, with_kills=100)[1]


def test_what_else_goes_wrong_comes_through_as_it_is(bench: Build) -> None:
    runner, calls = bench().runner, list[int]()

    def play(_scenario: Scenario) -> Played:
        calls.append(1)
        raise TargetError("the disk is full")

    with pytest.raises(TargetError, match="the disk is full"):
        campaign(runner.hello, runner.profile, play, lambda _played: None, number=0)
    assert calls == [1]  # it is not examined any further


def test_ctrl_c_comes_through(bench: Build) -> None:
    runner = bench().runner

    def play(_scenario: Scenario) -> Played:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        campaign(runner.hello, runner.profile, play, lambda _played: None, number=0)


def test_steps_with_nothing_to_act_on_are_dropped() -> None:
    steps = tidy(
        [sc.Arrive("r1"), sc.Deliver("p1"), sc.Send(repeat=True), sc.Ask("r1"), sc.Arrive("r1"), sc.Arrive("r1")]
    )
    assert Scenario("t", steps).notation().startswith("s A>r1 r1 F ")


def test_every_example_ends_with_phones_that_ask_again() -> None:
    assert Scenario("t", tidy([sc.Send(), sc.Recv(phone="B")])).notation() == "s B F B s B F"


def test_capabilities_are_respected(bench: Build) -> None:
    runner: Runner = bench().runner
    bare = type(runner.hello)("bare", frozenset({Capability.SEND_SEQ}))
    seen: set[str] = set()

    def play(scenario: Scenario) -> Played:
        seen.update(scenario.needs)
        return runner.play(scenario)

    campaign(bare, runner.profile, play, lambda _played: None, number=0, plain=60)
    assert seen == set()
