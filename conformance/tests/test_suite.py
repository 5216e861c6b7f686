"""A run from end to end: what it keeps when it ends early, what it shows of each failure, which code it gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from seqproof_conformance.counterexample import cleaned
from seqproof_conformance.suite import Job, NothingSelectedError, Watcher, golden, run, selected
from seqproof_model import history as h
from seqproof_model.judge import judge
from seqproof_model.scenario import Scenario, Send


def stopping(after: int) -> tuple[Watcher, list[str]]:
    """A watcher that asks to stop before the scenario after the first so many; and what it was told."""
    told: list[str] = []

    def tick(what: str) -> None:
        told.append(what)
        if len(told) > after:
            raise KeyboardInterrupt

    return Watcher(tick=tick, finishing=lambda: told.append("finishing")), told


@pytest.mark.parametrize("after", [0, 3, 60])
def test_a_request_to_stop_ends_the_run_with_what_it_has(tmp_path: Path, after: int) -> None:
    """Before the first scenario, among the golden ones, and in the campaign, where Hypothesis must let it through."""
    watcher, told = stopping(after)
    outcome = run(Job("mutant:CORRECT", tmp_path), watcher)
    assert (outcome.interrupted, outcome.code) == (True, 130)
    assert told[-1] == "finishing"
    assert outcome.scenarios == after
    kept = h.read(tmp_path / "history.jsonl")
    assert kept.interrupted
    assert len({event.scenario for event in kept.events if isinstance(event, h.Mark)}) == after


def test_a_request_to_stop_gets_through_the_campaign(tmp_path: Path) -> None:
    watcher, _ = stopping(20)
    outcome = run(Job("mutant:CORRECT", tmp_path, pattern="campaign"), watcher)
    assert (outcome.interrupted, outcome.scenarios) == (True, 20)


def test_what_failed_is_shown_even_if_it_could_not_be_shortened(tmp_path: Path) -> None:
    watcher, _ = stopping(12)
    outcome = run(Job("mutant:ACK_ON_REPLY", tmp_path), watcher)
    assert outcome.code == 1
    (shown, *_) = outcome.counterexamples
    assert shown.claim == "as found: the run ended before"
    assert shown.tried == 0
    assert judge(h.History(shown.header, shown.events)).violations


def test_each_requirement_that_fails_has_one_counterexample_that_replays(tmp_path: Path) -> None:
    outcome = run(Job("mutant:VOLATILE_SEQ", tmp_path / "a"))
    failed = {violation.requirement for violation in outcome.verdict.violations}
    assert {item.violation.requirement for item in outcome.counterexamples} == failed
    for item in outcome.counterexamples:
        assert (item.reproduced, item.tried) == (5, 5)
        again = run(Job("mutant:VOLATILE_SEQ", tmp_path / item.violation.requirement, scenarios=(item.scenario,)))
        assert item.violation.requirement in {violation.requirement for violation in again.verdict.violations}


def test_the_shown_events_stand_alone(tmp_path: Path) -> None:
    """Operations from 1, bodies without the run's prefix; judged by themselves they give the same violation."""
    outcome = run(Job("mutant:LOW_INCLUSIVE", tmp_path))
    item = outcome.counterexamples[0]
    sends = [event for event in item.events if isinstance(event, h.Send)]
    assert sends[0].id == 1
    assert sends[0].body == "m1"
    (violation,) = judge(h.History(item.header, item.events)).violations
    assert violation == item.violation


def test_foreign_bodies_are_shown_as_they_are() -> None:
    events = (h.Send(7, "x", "t-9.m1"), h.Ok(7, seq=1), h.Recv(8, "x", "A", 0), h.Ok(8, rows=((1, "t-3.m1"),)))
    assert cleaned(events)[-1] == h.Ok(2, rows=((1, "t-3.m1"),))


def test_the_seed_and_the_length_are_all_that_a_run_depends_on(tmp_path: Path) -> None:
    def events(name: str, seed: int) -> list[object]:
        run(Job("mutant:CORRECT", tmp_path / name, seed=seed, length=3))
        return [type(event).__name__ for event in h.read(tmp_path / name / "history.jsonl").events]

    assert events("a", 4) == events("b", 4)
    assert events("c", 5) != events("d", 4)


def test_selection_is_by_name_or_requirement_whatever_the_case() -> None:
    chosen: Callable[[str], list[str]] = lambda pattern: [s.name for s in selected(golden(), pattern)]  # noqa: E731
    assert chosen("f4") == ["F4"]
    assert "SEQ-5-acknowledged-then-killed" in chosen("SEQ-5")
    assert chosen("cnf-7") == ["CNF-7-trim"]
    assert selected(golden(), None) == golden()


def test_nothing_selected_is_said(tmp_path: Path) -> None:
    with pytest.raises(NothingSelectedError, match="nothing matches -k 'x'"):
        run(Job("mutant:CORRECT", tmp_path, pattern="x"))


def test_a_scenario_of_ones_own_runs_alone(tmp_path: Path) -> None:
    outcome = run(Job("mutant:CORRECT", tmp_path, scenarios=(Scenario("mine", (Send(),)),)))
    assert (outcome.scenarios, outcome.code) == (1, 0)
