"""Races that nobody schedules: plain concurrent senders, in as many trials as make a miss rarer than one in a million.

Measured on two loaded cores (conformance/benchmarks/sampled_race.py): postgres:naive shows its race in 7 to 16 of 100
trials. The test reckons with 2 of 100, so that a miss is rarer than one in a million; it ends at the first that shows.
The toys need no luck: one loses a message whenever two sends overlap, and its clients wait until they do.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import cast

import pytest
from typer.testing import CliRunner

from seqproof_conformance import sampled, suite
from seqproof_conformance.adapter import Adapter, AdapterFault, Capability, Hello, TargetError
from seqproof_conformance.cli import app
from seqproof_conformance.line import Line
from seqproof_conformance.plan import SIZES, SuiteName
from seqproof_conformance.play import Played
from seqproof_conformance.sampled import SAMPLED, Sample, least_rate, sample, sample_adapter, seen_from, trials_for
from seqproof_conformance.suite import Enough, Job, Outcome, Watcher
from seqproof_conformance.targets import catalogue, opened
from seqproof_model import history as h
from seqproof_model import results
from seqproof_model.history import Answer, Code, Indefinite, Ok, Recv, Refused, Send
from seqproof_model.judge import Judge
from seqproof_model.profile import find
from seqproof_model.scenario import Begin, End
from seqproof_model.verdict import MISS, Sampled

NEEDED = [entry.mend for entry in catalogue() if entry.target.startswith("postgres:") and entry.mend]
RECKONED = 0.02
postgres = pytest.mark.skipif(bool(NEEDED), reason=f"postgres is not installed: {NEEDED}")
WAIT_S = 5.0


@postgres
def test_plain_concurrent_senders_show_the_race_of_a_sequence() -> None:
    with opened("postgres:naive") as (adapter, _):
        found, (played, *_more) = sample_adapter(adapter, find("strict"), trials_for(RECKONED), "t", enough=1)
    assert set(found.shown) == {"RCV-1"}
    assert played.violation
    assert any(isinstance(event, Send) for event in played.events)
    assert any(isinstance(event, Recv) for event in played.events)


@postgres
def test_the_same_trials_find_nothing_where_the_counter_is_locked() -> None:
    with opened("postgres:locked") as (adapter, _):
        found, broken = sample_adapter(adapter, find("strict"), 20, "t")
    assert (found.trials, dict(found.shown), broken) == (20, {}, [])


@pytest.mark.parametrize("rate", [0.001, 0.05, 0.125, 0.5, 0.99])
def test_so_many_trials_and_not_one_fewer_bound_the_miss(rate: float) -> None:
    trials = trials_for(rate)
    assert (1 - rate) ** trials <= MISS < (1 - rate) ** (trials - 1)
    assert seen_from(trials) <= rate


@pytest.mark.parametrize(("hits", "trials"), [(1, 9), (33, 265), (9, 9)])
def test_the_least_rate_is_the_one_that_hardly_allows_what_was_seen(hits: int, trials: int) -> None:
    rate = least_rate(hits, trials)
    chance = sum(math.comb(trials, k) * rate**k * (1 - rate) ** (trials - k) for k in range(hits, trials + 1))
    assert rate < hits / trials
    assert math.isclose(chance, MISS, rel_tol=1e-6)


class Inbox:
    """A server in this process: right, for each request is made alone. ``keeps``: which sends it keeps, from 1."""

    def __init__(self, keeps: Callable[[int], bool] = lambda _: True) -> None:
        self._keeps, self._lock, self._sent = keeps, threading.Lock(), 0
        self.kept: dict[str, list[tuple[int, str]]] = {}
        self.last: dict[str, int] = {}
        self.confirmed: dict[str, int] = {}

    def hello(self) -> Hello:
        return Hello("inbox", frozenset({Capability.OVERLAP, Capability.SEND_SEQ}))

    def reset(self, account: str) -> None:
        self.kept[account], self.last[account], self.confirmed[account] = [], 0, 0

    def send(self, account: str, *words: str) -> Answer:
        with self._lock:
            self._sent += 1
            return self._stored(account, words[-1])

    def _stored(self, account: str, body: str) -> Answer:
        self.last[account] += 1
        if self._keeps(self._sent):
            self.kept[account].append((self.last[account], body))
        return Ok(seq=self.last[account])

    def recv(self, account: str, _phone: str, seq_cli: int) -> Answer:
        with self._lock:
            if seq_cli > self.last[account]:
                return Refused(Code.AHEAD, seq_svr=self.last[account])
            self.confirmed[account] = after = max(seq_cli, self.confirmed[account])
            return Ok(rows=tuple(row for row in self.kept[account] if row[0] > after))

    def close(self) -> None:
        pass


class Racing(Inbox):
    """Right, as long as no two sends overlap. A first send waits for a second, so they do: then one is lost."""

    def __init__(self) -> None:
        super().__init__()
        self._met, self._begun = threading.Condition(), dict[str, int]()
        self._between: set[str] = set()

    def reset(self, account: str) -> None:
        super().reset(account)
        self._begun[account] = 0

    def send(self, account: str, *words: str) -> Answer:
        with self._met:
            self._begun[account] += 1
            first = self._begun[account] == 1
            self._met.notify_all()
            if first and self._met.wait_for(lambda: self._begun[account] > 1, WAIT_S):
                self._between.add(account)
        answer = super().send(account, *words)
        if first and account in self._between:
            with self._lock:
                self.kept[account].remove((cast("Ok", answer).seq or 0, words[-1]))
        return answer


class Zero(Inbox):
    """Its numbers begin one too low."""

    def reset(self, account: str) -> None:
        super().reset(account)
        self.last[account] = -1


class Seldom(Zero):
    """So do those of each third account."""

    def reset(self, account: str) -> None:
        super().reset(account)
        self.last[account] = -1 if len(self.last) % 3 == 0 else 0


class Silent(Inbox):
    """Right, and slow to say so: of a few requests it does the work, and the answer is lost."""

    def send(self, account: str, *words: str) -> Answer:
        answer = super().send(account, *words)
        return Indefinite("timeout") if self._sent % 7 == 0 else answer


class Gone(Inbox):
    """Died by itself."""

    def send(self, account: str, *_words: str) -> Answer:  # noqa: ARG002
        return Refused(Code.UNREACHABLE)


class Deaf(Inbox):
    """Never answers."""

    def send(self, account: str, *_words: str) -> Answer:  # noqa: ARG002
        return Indefinite("timeout")

    def recv(self, account: str, _phone: str, seq_cli: int) -> Answer:  # noqa: ARG002
        return Indefinite("timeout")


class Raising(Inbox):
    """An adapter with a fault."""

    def send(self, account: str, *_words: str) -> Answer:  # noqa: ARG002
        raise ValueError("no")


@pytest.fixture
def toys() -> Iterator[str]:
    """These servers as targets: py:MODULE:CLASS."""
    module = ModuleType("sampled_toys")
    for one in (Inbox, Racing, Zero, Seldom, Silent, Gone, Deaf, Raising):
        setattr(module, one.__name__, one)
    sys.modules[module.__name__] = module
    yield f"py:{module.__name__}:"
    del sys.modules[module.__name__]


def trials(server: Inbox, number: int) -> tuple[Sample, list[Played]]:
    return sample_adapter(cast("Adapter", server), find("strict"), number, "t")


def sampled_only(target: str, out: Path, suite_name: SuiteName = SuiteName.QUICK) -> Outcome:
    return suite.run(Job(target, out, pattern=SAMPLED, suite=suite_name))


# ---------------------------------------------------------------- what a trial is


def test_a_server_that_loses_messages_is_seen_in_every_trial_and_its_rate_is_told() -> None:
    found, broken = trials(Inbox(lambda number: number % 10 > 0), 5)
    assert found.shown.total() == found.trials == len(broken) == 5
    (line,) = found.report().lines()
    assert "broken in 5 of 5 trials at full speed (100.0%, at the very least 6.3%): 212 trials miss it once in" in line


def test_what_clean_trials_exclude_is_told() -> None:
    (line,) = Sample(trials=200).report().lines()
    excluded = "a race that shows in 6.7% of them would be missed once in 1,000,000"
    assert line == f"200 trials at full speed, none broke a rule: {excluded}"
    assert Sample(ended="it ended early").report().lines() == ["no trial at full speed; it ended early"]


@pytest.mark.parametrize("server", [Inbox, Silent])
def test_a_correct_server_breaks_nothing_also_where_answers_are_lost(server: type[Inbox]) -> None:
    found, broken = trials(server(), 10)
    assert (found.trials, broken, found.ended) == (10, [], "")


def test_a_trial_without_its_answers_is_none_and_ends_the_sampling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampled, "TRIAL_S", 0.01)
    found, broken = trials(Deaf(), 10)
    assert (found.trials, broken, found.ended) == (0, [], sampled.SLOW)


def test_no_trial_begins_after_its_time() -> None:
    seconds = iter(range(100))
    line = Line(cast("Adapter", Inbox()), [Judge(find("strict"), paged=False)], lambda _: None, threads=True)
    found = sample(line, find("strict"), 10, "t", seconds=4, clock=lambda: next(seconds))
    assert (found.trials, found.ended) == (3, sampled.TIME)


def test_who_is_gone_and_who_raises_is_named_and_not_the_server_blamed() -> None:
    with pytest.raises(TargetError, match="refuses connections, though nobody killed it"):
        trials(Gone(), 1)
    with pytest.raises(AdapterFault, match="the adapter's send raised ValueError: no"):
        trials(Raising(), 1)


def test_a_trials_steps_are_its_events_in_their_order() -> None:
    _, (played, *_more) = trials(Racing(), 1)
    begun = [step for step in played.scenario.steps if isinstance(step, Begin)]
    ended = [step.request for step in played.scenario.steps if isinstance(step, End)]
    assert len(begun) > len(ended) > 0  # the answer that breaks the rule is the last, others were still under way
    assert played.violation
    assert played.events[-1] == [event for event in played.events if isinstance(event, Ok)][-1]
    asked = sum(isinstance(event, h.Send | h.Recv) for event in played.events)
    steps = sum(not isinstance(step, End) for step in played.scenario.steps)
    assert asked == steps


# ---------------------------------------------------------------- in a suite


@pytest.fixture
def fewer(monkeypatch: pytest.MonkeyPatch) -> int:
    """Suites with so many trials only, to be quick."""
    number = 12
    monkeypatch.setitem(SIZES, SuiteName.STANDARD, replace(SIZES[SuiteName.STANDARD], trials=number))
    return number


def sampled_in(outcome: Outcome) -> Sampled:
    assert outcome.verdict.coverage
    assert outcome.verdict.coverage.sampled
    assert outcome.verdict.coverage.played[SAMPLED] == outcome.verdict.coverage.sampled.trials
    return outcome.verdict.coverage.sampled


def test_a_race_of_plain_senders_is_found_and_shown_as_it_was_found(tmp_path: Path, toys: str, fewer: int) -> None:
    outcome = suite.run(Job(f"{toys}Racing", tmp_path, pattern=SAMPLED, shorten=False))
    found = sampled_in(outcome)
    assert sum(shown.hits for shown in found.shown) == found.trials == fewer
    assert {shown.requirement for shown in found.shown} <= {"RCV-1", "RCV-7"}
    assert {shown.claim for shown in outcome.counterexamples} == {suite.AS_RACED}


def test_what_shows_each_time_is_shortened_and_replayed_like_any_other(tmp_path: Path, toys: str, fewer: int) -> None:
    outcome = sampled_only(f"{toys}Zero", tmp_path)
    (shown,) = outcome.counterexamples
    assert [(one.requirement, one.hits) for one in sampled_in(outcome).shown] == [("SEQ-1", fewer)]
    assert (shown.violation.requirement, shown.reproduced, shown.tried, shown.trace) == ("SEQ-1", 5, 5, "s")
    assert shown.replay.startswith("seqproof replay")


def test_what_shows_now_and_then_is_told_with_its_rate_everywhere(tmp_path: Path, toys: str, fewer: int) -> None:
    words = ["run", f"{toys}Seldom", "--suite", "standard", "-k", "sampled", "-o", str(tmp_path)]
    ran = CliRunner().invoke(app, words, terminal_width=200)
    assert ran.exit_code == 1, ran.output
    (shown,) = sampled_in_file(tmp_path).shown
    assert shown.hits == fewer // 3
    rate = f"SEQ-1 broken in {shown.hits} of {fewer} trials at full speed"
    needed = f"{shown.needed} trials miss it once in 1,000,000"
    pages = [(tmp_path / name).read_text("utf-8") for name in ("index.md", "index.html")]
    for page in [ran.output, *pages]:
        assert rate in " ".join(page.split())
        assert needed in " ".join(page.split())
    (failure,) = results.read(tmp_path).failures
    assert failure.reproduced == f"{shown.hits} of {fewer}"
    assert failure.replay == f"seqproof run {toys}Seldom -k sampled"


def sampled_in_file(folder: Path) -> Sampled:
    coverage = results.read(folder).coverage
    assert coverage
    assert coverage.sampled
    return coverage.sampled


@postgres
def test_the_suite_standard_samples_the_race_of_a_sequence_that_it_also_schedules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the trials are counted; that enough of them show the race is another test's."""
    standard = replace(SIZES[SuiteName.STANDARD], trials=12, seconds=0.0, shortest=1, longest=1, plain=0, with_kills=0)
    monkeypatch.setitem(SIZES, SuiteName.STANDARD, standard)
    job = Job("postgres:naive", tmp_path, suite=SuiteName.STANDARD, pattern="[hs]*", shorten=False)
    outcome = suite.run(job)
    assert sampled_in(outcome).trials == 12
    assert {"held", SAMPLED} <= set(outcome.verdict.coverage.played if outcome.verdict.coverage else ())
    assert "RCV-1" in {shown.violation.requirement for shown in outcome.counterexamples}


@pytest.mark.parametrize("server", ["Inbox", "Silent"])
def test_a_correct_server_passes_what_was_sampled(server: str, tmp_path: Path, toys: str, fewer: int) -> None:
    outcome = sampled_only(f"{toys}{server}", tmp_path, SuiteName.STANDARD)
    assert (outcome.verdict.violations, outcome.stopped, outcome.verdict.undecided) == ((), "", ())
    assert sampled_in(outcome).seen_from == pytest.approx(seen_from(fewer))


def test_a_slow_server_is_not_blamed_and_the_run_says_that_little_was_sampled(
    tmp_path: Path, toys: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampled, "TRIAL_S", 0.01)
    outcome = sampled_only(f"{toys}Deaf", tmp_path)
    assert (outcome.verdict.violations, outcome.stopped) == ((), "")
    assert outcome.verdict.coverage
    assert outcome.verdict.coverage.sampled
    assert outcome.verdict.coverage.sampled.lines() == [f"no trial at full speed; {sampled.SLOW}"]


@pytest.mark.parametrize(("raised", "interrupted"), [(KeyboardInterrupt, True), (Enough, False)])
def test_ctrl_c_and_max_time_keep_the_trials_that_were_made(
    raised: type[Exception], interrupted: bool, tmp_path: Path, toys: str
) -> None:
    begun = 0

    def tick(what: str) -> None:
        nonlocal begun
        begun += what == SAMPLED
        if begun == 4:
            raise raised("enough")

    outcome = suite.run(Job(f"{toys}Inbox", tmp_path, pattern=SAMPLED), Watcher(tick=tick))
    assert outcome.interrupted is interrupted
    assert sampled_in(outcome).trials == 3


def test_what_was_found_is_shown_as_it_was_found_when_a_run_ends_early(tmp_path: Path, toys: str, fewer: int) -> None:
    def tick(what: str) -> None:
        if what == suite.SHORTENING:
            raise KeyboardInterrupt

    outcome = suite.run(Job(f"{toys}Zero", tmp_path, pattern=SAMPLED), Watcher(tick=tick))
    (shown,) = outcome.counterexamples
    assert (shown.reproduced, shown.tried, shown.claim) == (fewer, fewer, suite.AS_RACED)


@postgres
def test_processes_share_the_trials(tmp_path: Path, fewer: int) -> None:
    outcome = suite.run(Job("postgres:locked", tmp_path, pattern=SAMPLED, processes=2))
    assert sampled_in(outcome).trials == fewer
    assert sorted(path.name for path in tmp_path.glob("history*.jsonl")) == ["history-2.jsonl", "history.jsonl"]


def test_the_suite_quick_samples_only_where_it_is_asked_for_by_name(tmp_path: Path, toys: str) -> None:
    outcome = suite.run(Job(f"{toys}Inbox", tmp_path, pattern="[st]*", length=1))
    assert outcome.verdict.coverage
    assert outcome.verdict.coverage.sampled is None
