"""A suite run on a phone from end to end: golden scenarios, short courses, random ones; one verdict, short traces.

The counterpart of ``suite``, with the same result, so that every report, exit code and list of known failures works
alike. After the golden scenarios the phone's rate is known, and for each alphabet the longest courses are taken that
fit its time; ``length`` fixes it. Each requirement that fails is shortened with the phone in the loop and run again.
The run's ``history.jsonl`` holds every event of every play, a line each, as it happened.
Source: docs/phones.md.
"""

from __future__ import annotations

import fnmatch
import platform
import shlex
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import metadata

import msgspec

from seqproof_conformance import phone_courses as courses
from seqproof_conformance.adapter import Talks, TargetError
from seqproof_conformance.phone_courses import ALPHABETS, Courses
from seqproof_conformance.phone_minimise import cut, minimise
from seqproof_conformance.phone_runner import PhonePlayed, PhoneRunner
from seqproof_conformance.phone_targets import opened
from seqproof_conformance.suite import SHORTENING, Enough, Job, NothingSelectedError, Outcome, SuiteName, Watcher
from seqproof_model import phone_history as ph
from seqproof_model import profile as profiles
from seqproof_model.hello import Hello
from seqproof_model.phone_argument import cited
from seqproof_model.phone_file import Header, Writer
from seqproof_model.phone_scenario import PhoneScenario
from seqproof_model.phone_verdict import verdict
from seqproof_model.phone_words import PhoneHello
from seqproof_model.scenario import Scenario
from seqproof_model.verdict import Counterexample, Coverage, Verdict, Violation

__all__ = ["PhoneJob", "run"]

GOLDEN, CAMPAIGN, GIVEN = "golden", "campaign", "given"
RERUNS, BATCH = 5, 500


@dataclass(frozen=True)
class Size:
    """How large a suite is. ``seconds``: for the courses of each alphabet. ``examples``: random scenarios."""

    seconds: float
    examples: int


SIZES = {SuiteName.QUICK: Size(0.8, 300), SuiteName.STANDARD: Size(8.0, 3_000), SuiteName.FULL: Size(100.0, 30_000)}


@dataclass(frozen=True)
class PhoneJob(Job):
    """A run on a phone. ``given``: these scenarios alone, instead of a suite; ``scenarios`` is then empty, not None."""

    given: tuple[PhoneScenario, ...] = ()


@dataclass
class _Run:
    """One run under way. ``failed``: by requirement, the shortest play that failed, and which part found it."""

    job: PhoneJob
    runner: PhoneRunner
    watcher: Watcher
    header: Header
    failed: dict[str, tuple[PhonePlayed, str]] = field(default_factory=dict[str, tuple[PhonePlayed, str]])
    shown: list[Counterexample] = field(default_factory=list[Counterexample])
    violations: dict[str, Violation] = field(default_factory=dict[str, Violation])
    guarantees: list[str] = field(default_factory=list[str])
    played: Counter[str] = field(default_factory=Counter[str])
    enough: str = ""

    def everything(self) -> None:
        """Play all, then shorten what failed."""
        with self._until_enough():
            if self.job.given:
                self._all(GIVEN, list(self.job.given))
            else:
                self._suite()
        with self._until_enough():
            for play, found_by in list(self.failed.values()):
                self.shown.append(self._shortened(play, found_by))

    @contextmanager
    def _until_enough(self) -> Generator[None]:
        try:
            yield
        except Enough as enough:
            self.enough = self.enough or str(enough)

    def _wanted(self, name: str) -> bool:
        return fnmatch.fnmatchcase(name.lower(), (self.job.pattern or "*").lower())

    def _suite(self) -> None:
        size, able = SIZES[self.job.suite], set(self.header.capabilities)
        first = [s for s in courses.golden() if self._wanted(GOLDEN) or any(map(self._wanted, (s.name, *s.observes)))]
        alphabets = [a for a in ALPHABETS if self._wanted(a.name) and a.needs <= able]
        if not (first or alphabets or self._wanted(CAMPAIGN)):
            raise NothingSelectedError(f"nothing matches -k {self.job.pattern!r}; see `seqproof list phone-scenarios`")
        hello = Hello(self.header.server, frozenset())
        self.watcher.started(hello, len(first))
        began = self.watcher.clock()
        self._all(GOLDEN, first or courses.golden()[:3])
        rate = (self.watcher.clock() - began) / max(1, self.played[GOLDEN])
        plays = size.seconds / max(rate, 1e-6)
        examples = min(size.examples, int(4 * plays)) if self._wanted(CAMPAIGN) else 0
        plan = [Courses(a, self.job.length or courses.length_within(a, plays)) for a in alphabets]
        total = sum(courses.count(these.alphabet, these.length) for these in plan)
        self.watcher.started(hello, self.played[GOLDEN] + total + examples)
        for these in plan:
            these.play(partial(self._one, these.alphabet.name))
            self.guarantees.append(these.guarantee())
        for scenario in courses.campaign(self.job.seed, examples, able):
            self._one(CAMPAIGN, scenario)

    def _all(self, part: str, scenarios: list[PhoneScenario]) -> None:
        why = {scenario.name: self.runner.why_not(scenario) for scenario in scenarios}
        if part == GIVEN and all(why.values()):
            raise NothingSelectedError(f"{self.job.target} cannot run what was selected: {'; '.join(why.values())}")
        for scenario in scenarios:
            if not why[scenario.name]:
                self._one(part, scenario)

    def _one(self, part: str, scenario: PhoneScenario) -> PhonePlayed:
        self.watcher.tick(scenario.name)
        play = self.runner.play(scenario)
        self.played[part] += 1
        if play.violation is not None:
            name = play.violation.requirement
            if name not in self.failed:
                self.watcher.failed(name)
            if name not in self.failed or play.steps < self.failed[name][0].steps:
                self.failed[name] = (play, part if part == CAMPAIGN else f"{part}: {scenario.name}")
        return play

    # ---------------------------------------------------------------- what failed

    def _candidate(self, scenario: PhoneScenario) -> PhonePlayed:
        self.watcher.tick(SHORTENING)
        return self.runner.play(scenario)

    def _shortened(self, play: PhonePlayed, found_by: str) -> Counterexample:
        best, claim = minimise(play, self._candidate) if self.job.shorten else (cut(play), "as given: not shortened")
        again = [self._candidate(best.scenario).violation for _ in range(RERUNS)]
        assert play.violation is not None  # noqa: S101 - only failed plays get here
        times = sum(v is not None and v.requirement == play.violation.requirement for v in again)
        return self._counterexample(best, found_by, claim, (times, RERUNS))

    def _counterexample(self, play: PhonePlayed, found_by: str, claim: str, times: tuple[int, int]) -> Counterexample:
        assert play.violation is not None  # noqa: S101 - only failed plays get here
        name, target = play.violation.requirement, self.job.target
        events, at = ph.told(play.events, play.violation.event)
        violation = msgspec.structs.replace(play.violation, event=at)
        self.violations[name] = violation
        role = ["--role", "phone"] if target.partition(":")[0] in ("exec", "py") else []
        steps = msgspec.structs.replace(play.scenario, name=f"{name}-{target}".replace(":", "-"), observes=(name,))
        return Counterexample(
            violation,
            Scenario(steps.name, ()),
            self.header,
            events,
            claim,
            *times,
            found_by=found_by,
            replay=shlex.join(["seqproof", "replay", *role, f"{self.job.out}/{name}/scenario.json", target]),
            last_words=_last_words(self.runner),
            phone=steps,
            cited=cited(play.events, play.violation, self.runner.hello),
            phone_events=play.events,
        )

    def what_is_left(self) -> None:
        """After an early end: what failed and was not yet shortened is shown as it was found."""
        shown = {item.violation.requirement for item in self.shown}
        for name, (play, found_by) in self.failed.items():
            if name not in shown:
                self.shown.append(self._counterexample(cut(play), found_by, "as found: the run ended before", (0, 0)))


def _last_words(runner: PhoneRunner) -> tuple[str, ...]:
    adapter = runner.handset.adapter
    return tuple(adapter.last_words()[-8:]) if isinstance(adapter, Talks) else ()


def header_for(job: PhoneJob, hello: PhoneHello) -> Header:
    """The header of this run's history."""
    return Header(
        target=job.target,
        capabilities=tuple(sorted(map(str, hello.capabilities))),
        profile=profiles.find("strict"),
        kit=f"seqproof {metadata.version('seqproof')}, Python {platform.python_version()}",
        server=hello.phone,
        seed=job.seed,
        patience_ms=hello.patience_ms,
        retry_ms=hello.retry_ms,
        poll_ms=hello.poll_ms,
    )


def run(job: PhoneJob, watcher: Watcher | None = None) -> Outcome:
    """Run the job; the history streams to ``job.out/history.jsonl``.

    Raises TargetError when the phone cannot be started, NothingSelectedError, OSError when results cannot be written.
    """
    watcher = watcher or Watcher()
    job.out.mkdir(parents=True, exist_ok=True)
    with opened(job.target, job.timeout_s, validate=job.validate) as (adapter, hello):
        header = header_for(job, hello)
        writer = Writer(job.out / "history.jsonl", header)
        this = _Run(job, PhoneRunner(adapter, hello, writer.write), watcher, header)
        stopped, interrupted = "", False
        try:
            this.everything()
        except TargetError as error:
            stopped = str(error)
        except KeyboardInterrupt:
            stopped, interrupted = "interrupted; what was found so far is kept", True
        finally:
            writer.close(interrupted=bool(stopped))
        watcher.finishing()
        this.what_is_left()
        found = _verdict(this, hello, stopped, interrupted=interrupted)
        return Outcome(
            found, header, tuple(this.shown), this.played.total(), stopped, interrupted=interrupted, enough=this.enough
        )


def _verdict(this: _Run, hello: PhoneHello, stopped: str, *, interrupted: bool) -> Verdict:
    whole = this.job.pattern is None and not this.job.given and not stopped and not this.enough
    looked_for = {name for scenario in courses.golden() for name in scenario.observes} if whole else set[str]()
    return verdict(
        this.header,
        hello,
        this.runner.counts,
        [item.violation for item in this.shown],
        this.runner.events,
        scope=looked_for,
        coverage=Coverage(guarantees=tuple(this.guarantees), played=dict(this.played)),
        interrupted=interrupted,
        stopped="" if interrupted else stopped,
        undecided=(this.enough,) if this.enough else (),
    )
