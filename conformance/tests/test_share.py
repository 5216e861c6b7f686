"""Side by side and shared out: one kill for many scenarios, several processes with one verdict."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqproof_conformance.counterexample import cleaned
from seqproof_conformance.crew import Crew, Orders, portion
from seqproof_conformance.exhaustive import ALPHABETS, enumerate_all
from seqproof_conformance.play import in_groups
from seqproof_conformance.share import Findings
from seqproof_conformance.suite import Job, Watcher, run
from seqproof_model import history as h
from seqproof_model import scenario as sc
from seqproof_model.judge import judge
from seqproof_model.scenario import Moment, Scenario

Build = Callable[..., Any]
KILLS = enumerate_all(ALPHABETS[1], 3).scenarios


def test_many_scenarios_share_one_kill(bench: Build) -> None:
    made = bench("mutant:CORRECT")
    plays = list(made.runner.play_together(KILLS))
    most = max(sum(isinstance(step, sc.Kill) for step in scenario.steps) for scenario in KILLS)
    assert sum(isinstance(event, h.Kill) for event in made.recorded) == most
    assert len(plays) == len(KILLS)


@pytest.mark.parametrize("target", ["mutant:CORRECT", "mutant:VOLATILE_SEQ", "mutant:VOLATILE_CONFIRM"])
def test_side_by_side_is_what_one_by_one_would_be(bench: Build, target: str) -> None:
    """The same answers to the same requests, and the same violations, scenario by scenario."""
    one, many = bench(target).runner, bench(target).runner
    apart = {scenario.name: one.play(scenario) for scenario in KILLS}
    together = {played.scenario.name: played for played in many.play_together(KILLS)}
    for name, alone in apart.items():
        assert cleaned(together[name].events) == cleaned(alone.events)
        assert (together[name].violation is None) == (alone.violation is None)


def test_what_cannot_share_a_kill_is_alone_in_its_group() -> None:
    plain, around = Scenario("a", (sc.Send(),)), Scenario("b", (sc.Send(kill=Moment.AFTER),))
    armed = Scenario("c", (sc.FailStore(), sc.Kill(), sc.Send()))
    groups = [[s.name for s in group] for group in in_groups([plain, plain, around, plain, armed, plain], 10)]
    assert groups == [["a", "a"], ["b"], ["a"], ["c"], ["a"]]


def test_an_order_to_fail_is_spent_before_the_next_scenario(bench: Build) -> None:
    runner = bench("mutant:CORRECT").runner
    armed, plain = Scenario("a", (sc.Send(), sc.FailStore())), Scenario("b", (sc.Send(), sc.Recv()))
    _, second = runner.play_together([armed, plain])
    assert not any(isinstance(event, h.Refused) for event in second.events)
    assert runner.line.doubts.store_failures == 0


@pytest.mark.parametrize(("number", "of"), [(0, 1), (10, 3), (7, 7), (2, 5)])
def test_portions_add_up(number: int, of: int) -> None:
    assert sum(portion(number, share, of) for share in range(of)) == number


def test_two_processes_give_the_verdict_of_one(tmp_path: Path) -> None:
    one = run(Job("mutant:VOLATILE_SEQ", tmp_path / "one", length=3))
    two = run(Job("mutant:VOLATILE_SEQ", tmp_path / "two", length=3, processes=2))
    assert {v.requirement for v in one.verdict.violations} == {v.requirement for v in two.verdict.violations}
    assert one.verdict.coverage
    assert two.verdict.coverage
    assert one.verdict.coverage.guarantees == two.verdict.coverage.guarantees
    deterministic = {name: n for name, n in one.verdict.coverage.played.items() if name != "campaign"}
    assert {name: n for name, n in two.verdict.coverage.played.items() if name != "campaign"} == deterministic
    parts = [h.read(tmp_path / "two" / name) for name in ("history.jsonl", "history-2.jsonl")]
    assert all(part.partial is None for part in parts)
    assert judge(parts[1]).violations


def test_a_stopped_run_stops_its_other_processes(tmp_path: Path) -> None:
    ticks = 0

    def tick(_what: str) -> None:
        nonlocal ticks
        ticks += 1
        if ticks > 60:
            raise KeyboardInterrupt

    outcome = run(Job("reference", tmp_path, length=3, processes=2), Watcher(tick=tick))
    assert outcome.interrupted
    assert outcome.code == 130
    assert h.read(tmp_path / "history-2.jsonl").partial is None


def test_a_process_that_dies_is_an_early_end_and_not_a_pass(tmp_path: Path) -> None:
    outcome = run(Job("mutant:CORRECT", tmp_path / "a", length=3))
    orders = Orders("py:seqproof_no_such:thing", tmp_path, outcome.header, (), 0, (0, 0), None)
    with Crew(orders, 2, lambda _: None) as crew:
        crew.finish()
        (found,) = crew.findings()
    assert "no module named" in found.stopped

    with Crew(Orders("reference", tmp_path, outcome.header, (), 0, (5000, 0), None), 2, lambda _: None) as crew:
        os.kill(crew.members[0].process.pid or 0, signal.SIGKILL)
        crew.finish()
        (found,) = crew.findings()
    assert found.stopped == "process 2 of 2 died, exit code -9"
    assert isinstance(found, Findings)


@pytest.mark.parametrize("ends", [(), (sc.Kill(), sc.Recv())], ids=["before", "beside"])
def test_who_waits_for_tips_speaks_of_its_own_accounts_alone(bench: Build, ends: tuple[sc.Step, ...]) -> None:
    """The other scenario is owed a tip that nobody takes; one that names no account yet must not blame it."""
    owed = Scenario("owed", (sc.Login(), sc.Send(), *ends))
    waits = Scenario("waits", (sc.Tips(), sc.Login(), sc.Send(), sc.Tips()))
    runner = bench("mutant:CORRECT").runner
    assert [played.violation for played in runner.play_together([owed, waits])] == [None, None]
