"""Faulty phones are blamed for what they do, by a trace as short as any known; right ones of any shape pass."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seqproof_conformance import phone_courses as courses
from seqproof_conformance.limits import Limits
from seqproof_conformance.phone_runner import PhonePlayed, PhoneRunner
from seqproof_conformance.phone_suite import PhoneJob, run
from seqproof_conformance.suite import Outcome, Watcher
from seqproof_model import phone_scenario as ps
from seqproof_model.phone_scenario import PhoneScenario
from seqproof_model.verdict import Result
from seqproof_reference import phone_faulty
from seqproof_reference.phone_equivalent import RIGHT, Entry
from seqproof_reference.phone_faulty import FAULTS


def moves(steps: tuple[ps.Step, ...]) -> int:
    """How long a trace is, every message counted."""
    return sum(step.count if isinstance(step, ps.Message) else 1 for step in steps)


def known(trace: str) -> int:
    return sum(int(word.rpartition("*")[2]) if "*" in word else 1 for word in trace.split())


def first_failure(target: str, out: Path) -> Outcome:
    return run(PhoneJob(target, out / "run"), Limits(first=True).watching(Watcher()))


@pytest.mark.parametrize("entry", FAULTS, ids=lambda entry: entry.id)
def test_a_faulty_phone_is_blamed_by_a_shortest_trace(entry: Entry, tmp_path: Path) -> None:
    outcome = first_failure(f"phone-mutant:{entry.id}", tmp_path)
    failed = {grade.requirement for grade in outcome.verdict.having(Result.FAIL)}
    assert failed, f"{entry.id} survived: {entry.summary}"
    assert failed <= entry.expected, f"{entry.id} was blamed as {sorted(failed)}; {sorted(entry.expected)} fit"
    assert outcome.code == 1
    (shown,) = outcome.counterexamples
    assert shown.phone
    assert moves(shown.phone.steps) <= known(entry.trace), shown.trace
    assert shown.reproduced == shown.tried == 5


def random_plays(name: str, examples: int) -> list[PhonePlayed]:
    shell = phone_faulty.make(name)
    hello = shell.hello()
    runner = PhoneRunner(shell, hello)
    able = set(map(str, hello.capabilities))
    return [runner.play(scenario) for scenario in (*courses.golden(), *courses.campaign(1, examples, able))]


@pytest.mark.parametrize("entry", RIGHT, ids=lambda entry: entry.id)
def test_a_right_phone_of_another_shape_is_never_blamed(entry: Entry) -> None:
    for played in random_plays(entry.id, 60):
        assert played.violation is None, (played.scenario.notation(), played.violation)


@pytest.mark.parametrize("entry", RIGHT, ids=lambda entry: entry.id)
def test_a_right_phone_of_another_shape_passes_the_suite(entry: Entry, tmp_path: Path) -> None:
    outcome = run(PhoneJob(f"phone-mutant:{entry.id}", tmp_path / "run", length=2))
    assert not outcome.verdict.violations, outcome.verdict.violations
    assert outcome.code == 0, outcome.verdict.inconclusive


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    out = tmp_path_factory.mktemp("whole")
    return run(PhoneJob("phone", out)), out


def test_the_reference_phone_passes_everything(whole: tuple[Outcome, Path]) -> None:
    outcome, _ = whole
    assert outcome.code == 0
    assert {grade.result for grade in outcome.verdict.grades} == {Result.PASS}


def test_a_verdict_on_a_phone_grades_no_server(whole: tuple[Outcome, Path]) -> None:
    names = {grade.requirement.partition("-")[0] for grade in whole[0].verdict.grades}
    assert names == {"SND", "DEV", "PSH"}


def test_what_was_covered_is_counted(whole: tuple[Outcome, Path]) -> None:
    coverage = whole[0].verdict.coverage
    assert coverage
    assert len(coverage.guarantees) == len(courses.ALPHABETS)
    assert "every course of up to 3 moves: messages, replies" in coverage.guarantees[0]
    assert "819 courses, of which 314 differ to this phone" in coverage.guarantees[0]


def test_the_history_is_whole_and_says_what_it_is(whole: tuple[Outcome, Path]) -> None:
    lines = (whole[1] / "history.jsonl").read_text("utf-8").splitlines()
    head, end = json.loads(lines[0]), json.loads(lines[-1])
    assert head["format"] == "seqproof-phone-history"
    assert end == {"event": "end", "events": len(lines) - 2}


def test_a_course_after_an_idle_move_is_played_once() -> None:
    """Without it the count of courses that differ would be a lie: `late` with nothing under way is no move."""
    shell = phone_faulty.make("")
    runner, played = PhoneRunner(shell, shell.hello()), list[str]()

    def play(scenario: PhoneScenario) -> PhonePlayed:
        played.append(scenario.notation())
        return runner.play(scenario)

    these = courses.Courses(courses.Alphabet("t", "t", (ps.Message(), ps.Late())), 3)
    these.play(play)
    assert played == ["on m", "on late", "on m m", "on m late", "on m m m", "on m m late"]
    assert these.played == 3


def test_each_requirement_of_a_phone_is_broken_by_some_faulty_phone() -> None:
    broken = {name for entry in FAULTS for name in entry.expected}
    assert broken >= {"SND-3", "PSH-1", "PSH-4", *(f"DEV-{n}" for n in range(1, 8))}


def test_golden_scenarios_observe_every_requirement_and_read_back() -> None:
    found = courses.golden()
    assert {name for scenario in found for name in scenario.observes} >= {"SND-3", "DEV-1", "DEV-7", "PSH-1", "PSH-4"}
    assert all(ps.decode(ps.encode(scenario)) == scenario for scenario in found)


def test_a_phone_without_capabilities_is_graded_only_for_what_it_can(tmp_path: Path) -> None:
    outcome = run(PhoneJob("py:seqproof_reference.phone_shell:PhoneShell", tmp_path / "a", length=1))
    assert outcome.code == 0
    shell = phone_faulty.make("")
    shell.capabilities = frozenset()
    runner = PhoneRunner(shell, shell.hello())
    assert [s.name for s in courses.golden() if not runner.why_not(s)]
    assert runner.why_not(PhoneScenario("k", (ps.Start(), ps.Kill()))) == "the phone does not declare kill"


def test_the_same_seed_gives_the_same_scenarios() -> None:
    able = {"tips", "kill", "late"}
    assert list(courses.campaign(3, 20, able)) == list(courses.campaign(3, 20, able))
    assert list(courses.campaign(3, 20, able)) != list(courses.campaign(4, 20, able))
    assert all(scenario.needs <= able for scenario in courses.campaign(3, 50, able))
