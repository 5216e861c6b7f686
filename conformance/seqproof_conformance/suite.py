"""A suite run from end to end: its parts on a target, histories on disk, one verdict, a directory per failure.

    result = run(Job("valkey", out=Path("runs/valkey")), events)
    result.verdict, result.counterexamples, result.code

The run's ``history.jsonl`` grows as events happen; whatever ends the run, it is readable up to its last line. With
several processes each has a history of its own. Each requirement that fails is shortened on the live target, run again
to state how often it reproduces, and kept as a counterexample of its own. What a suite consists of stands in ``plan``.
"""

from __future__ import annotations

import fnmatch
import platform
import secrets
import shlex
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata, resources
from pathlib import Path

import msgspec

from seqproof_conformance import counterexample, sometimes
from seqproof_conformance.adapter import Adapter, Hello, TargetError
from seqproof_conformance.address import to_export
from seqproof_conformance.codes import codes_of, exit_code
from seqproof_conformance.crew import Crew, Orders, play_share
from seqproof_conformance.minimise import cut
from seqproof_conformance.plan import CAMPAIGN, GOLDEN, SIZES, Part, Rate, SuiteName, lengths, parts, wanted
from seqproof_conformance.play import Played
from seqproof_conformance.sampled import SAMPLED
from seqproof_conformance.share import Findings, Share, collecting_seldom
from seqproof_conformance.targets import opened
from seqproof_model import history as h
from seqproof_model import profile as profiles
from seqproof_model import scenario as sc
from seqproof_model.assessment import assess
from seqproof_model.profile import Profile
from seqproof_model.scenario import Scenario
from seqproof_model.verdict import Counterexample, Coverage, Verdict

__all__ = ["Job", "NothingSelectedError", "Outcome", "SuiteName", "Watcher", "golden", "run", "selected"]

SHORTENING = "shortening what failed"
AS_RACED = "as found: its steps race, and need not show it each time"
KILL_S = 1.0  # of a target that cannot be killed; and before any kill was measured


class NothingSelectedError(Exception):
    """No scenario was selected, or none can run on this target; one line."""


class Enough(Exception):  # noqa: N818 - it says what it asks for
    """Raised by a watcher's ``tick``: nothing more is to be played; what was played is judged. One line says why."""


@dataclass(frozen=True)
class Job:
    """What to run. ``profile`` None: what the target claims, else strict.

    ``scenarios``: these alone, instead of a suite. ``length``: of the courses, instead of what fits the target's rate.
    ``processes``: how many share the work, each with a server of its own. ``timeout_s``: how long one request may take,
    in seconds; None: as long as the target's adapter finds right. ``validate``: hold an adapter's lines to the
    published schemas, where it has any.
    """

    target: str
    out: Path
    profile: Profile | None = None
    pattern: str | None = None
    seed: int = 0
    scenarios: tuple[Scenario, ...] | None = None
    shorten: bool = True
    suite: SuiteName = SuiteName.QUICK
    length: int | None = None
    processes: int = 1
    timeout_s: float | None = None
    validate: bool = False


@dataclass
class Watcher:
    """What a run reports while it goes on; each is called from the run's own thread.

    ``tick`` is called before each scenario and may raise KeyboardInterrupt to end the run, or Enough to end the looking
    or the shortening that is under way; ``failed`` with each requirement that is found broken, as soon as it is;
    ``finishing`` when the last scenario was played. ``clock``: seconds, to measure how fast the target is.
    """

    started: Callable[[Hello, int], None] = lambda _hello, _scenarios: None
    tick: Callable[[str], None] = lambda _what: None
    failed: Callable[[str], None] = lambda _requirement: None
    finishing: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.perf_counter


@dataclass(frozen=True)
class Outcome:
    """The result. ``stopped``: why the run ended early (Ctrl-C, a target that died), else "".

    ``enough``: why not everything was played although it could have been, else "".
    """

    verdict: Verdict
    header: h.Header
    counterexamples: tuple[Counterexample, ...]
    scenarios: int
    stopped: str = ""
    interrupted: bool = False
    enough: str = ""

    @property
    def code(self) -> int:
        """The exit code, with nothing listed as known and nothing required."""
        return exit_code(codes_of(assess(self.verdict)))


def golden() -> list[Scenario]:
    """The golden scenarios, by name. The files stand in ``golden/``."""
    folder = resources.files("seqproof_conformance").joinpath("golden")
    files = sorted((item for item in folder.iterdir() if item.name.endswith(".json")), key=lambda item: item.name)
    return [sc.decode(item.read_bytes(), item.name) for item in files]


def selected(scenarios: list[Scenario], pattern: str | None) -> list[Scenario]:
    """Those whose name, or a requirement that they observe, matches the glob; case does not matter."""
    if pattern is None:
        return scenarios
    glob = pattern.lower()

    def matches(text: str) -> bool:
        return fnmatch.fnmatchcase(text.lower(), glob)

    return [s for s in scenarios if matches(s.name) or any(matches(item) for item in s.observes)]


def header_for(job: Job, hello: Hello, profile: Profile) -> h.Header:
    """The header of this run's history."""
    return h.Header(
        target=job.target,
        capabilities=tuple(sorted(str(c) for c in hello.capabilities)),
        profile=profile,
        kit=f"seqproof {metadata.version('seqproof')}, Python {platform.python_version()}",
        server=hello.server,
        adds=hello.adds,
        seed=job.seed,
    )


@dataclass
class _Run:
    """One run under way."""

    job: Job
    adapter: Adapter
    hello: Hello
    header: h.Header
    share: Share
    watcher: Watcher
    found: Findings = field(default_factory=Findings)
    plan: list[Part] = field(default_factory=list[Part])
    others: list[Findings] = field(default_factory=list[Findings])
    shown: list[Counterexample] = field(default_factory=list[Counterexample])
    enough: str = ""

    def everything(self) -> None:
        """Play all, then shorten what failed."""
        with self._until_enough():
            if self.job.scenarios is not None:
                self._start([Part("given", self.job.scenarios)], examples=0)
                self.share.play(self.plan[0])
            else:
                self._suite()
        self._add_up()
        with self._until_enough():
            for played, found_by in list(self.found.failed.values()):
                self.shown.append(self._shortened(played, found_by))

    @contextmanager
    def _until_enough(self) -> Generator[None]:
        try:
            yield
        except Enough as enough:
            self.enough = self.enough or str(enough)

    def _start(self, plan: list[Part], examples: int) -> None:
        self.plan = plan
        known = sum(not self.share.runner.why_not(s) for part in plan for s in part.scenarios)
        if not known and not examples:
            raise NothingSelectedError(_nothing(self.job, plan, self.share))
        self.watcher.started(self.hello, known + examples)

    def _suite(self) -> None:
        """The golden scenarios; then, at the rate that they showed, the other parts, shared out."""
        job, capabilities, profile = self.job, self.header.capabilities, self.header.profile
        size, asked = SIZES[job.suite], wanted(job.pattern)
        first = Part(GOLDEN, tuple(selected(golden(), None if asked(GOLDEN) else job.pattern)))
        examples = (size.plain, size.with_kills * ("kill" in capabilities)) if asked(CAMPAIGN) else (0, 0)
        trials = self._trials() if asked(SAMPLED) else 0
        rough = lengths(size, capabilities, Rate(0.0, 0.0), asked, fixed=job.length or size.shortest)
        self._start([first, *parts(profile, capabilities, rough, asked)], sum(examples) + trials)
        began, requests = self.watcher.clock(), self.share.runner.line.doubts.requests
        self.share.play(first)
        rate = self._rate(self.watcher.clock() - began, self.share.runner.line.doubts.requests - requests)
        chosen = lengths(size, capabilities, rate, asked, job.length)
        self.plan = [first, *parts(profile, capabilities, chosen, asked)]
        known = sum(not self.share.runner.why_not(s) for part in self.plan for s in part.scenarios)
        self.watcher.started(self.hello, known + sum(examples) + trials)
        orders = Orders(
            job.target,
            job.out,
            self.header,
            tuple(self.plan[1:]),
            job.seed,
            examples,
            job.timeout_s,
            job.validate,
            trials,
            size.sampling_s,
        )
        with Crew(orders, job.processes, self._told) as crew:
            try:
                play_share(self.share, orders, 0, job.processes)
                crew.finish()
            except BaseException:
                crew.stop()
                raise
            finally:
                self.others = list(crew.findings())
        stopped = next((other.stopped for other in self.others if other.stopped), "")
        if stopped:
            raise TargetError(stopped)

    def _trials(self) -> int:
        """How many trials of races; the suite quick has some only where they are asked for by name."""
        if "overlap" not in self.header.capabilities:
            return 0
        by_name = self.job.pattern == SAMPLED
        return SIZES[self.job.suite].trials or (SIZES[SuiteName.STANDARD].trials if by_name else 0)

    def _rate(self, seconds: float, requests: int) -> Rate:
        """How long each takes; a golden run has all of them, and its kills take nearly all of its time."""
        line = self.share.runner.line
        kills = sum(isinstance(step, sc.Kill) for s in self.plan[0].scenarios for step in s.steps)
        killed = "kill" in self.header.capabilities and kills > 0
        request_s = max(0.0, seconds - line.killing_s - line.tipping_s) / max(1, requests)
        return Rate(request_s, line.killing_s / kills if killed else KILL_S, line.tipping_s / max(1, line.tippings))

    def _told(self, said: int | str) -> None:
        """What another process says: how many scenarios it has played, or a requirement that is broken."""
        if isinstance(said, str):
            self.watcher.failed(said)
            return
        for _ in range(said):
            self.watcher.tick("in another process")

    def _add_up(self) -> None:
        self.found = self.share.findings()
        for other in self.others:
            self.found.add(other)

    def _candidate(self, scenario: Scenario) -> Played:
        self.watcher.tick(SHORTENING)
        return self.share.runner.play(scenario)

    def what_is_left(self) -> None:
        """After an early end: what failed and was not yet shortened is shown as it was found."""
        if not self.found.events:
            self._add_up()
        shown = {item.violation.requirement for item in self.shown}
        for requirement, (played, found_by) in self.found.failed.items():
            if requirement not in shown:
                if played.scenario.name == SAMPLED:
                    self.shown.append(self._raced(played, found_by))
                    continue
                played = cut(played)
                self.shown.append(self._counterexample(played, found_by, "as found: the run ended before", (0, 0)))

    def _shortened(self, played: Played, found_by: str) -> Counterexample:
        raced = played.scenario.name == SAMPLED
        if raced and not (self.job.shorten and counterexample.steady(played, self._candidate)):
            return self._raced(played, found_by)
        best, claim, times = counterexample.shortened(played, self._candidate, shorten=self.job.shorten)
        return self._counterexample(best, found_by, claim, (times, counterexample.RERUNS))

    def _raced(self, played: Played, found_by: str) -> Counterexample:
        """A race that its own steps need not show again: what shows it again is as many trials."""
        assert played.violation is not None  # noqa: S101 - only failed plays get here
        trials = self.found.sampled
        times = (trials.shown[played.violation.requirement], trials.trials)
        shown = self._counterexample(played, found_by, AS_RACED, times)
        again = shlex.join(["seqproof", "run", self.job.target, "-k", SAMPLED])
        return msgspec.structs.replace(shown, replay=to_export(self.job.target) + again)

    def _counterexample(self, played: Played, found_by: str, claim: str, times: tuple[int, int]) -> Counterexample:
        out = str(self.job.out)
        return counterexample.made(played, self.header, self.adapter, out, found_by=found_by, claim=claim, times=times)

    def coverage(self, *, suite: bool) -> Coverage:
        """What was covered. ``suite``: a whole suite was asked for, so that what never happened is worth a word."""
        found, capabilities, profile = self.found, self.header.capabilities, self.header.profile
        never = sometimes.missing(found.watch, capabilities, profile) if suite and found.watch else []
        return Coverage(
            guarantees=tuple(part.guarantee for part in self.plan if part.guarantee and part.name in found.whole),
            played=dict(found.played),
            transitions=found.taken.of(kill="kill" in capabilities) if found.taken else (0, 0),
            sometimes=dict(found.watch.reached) if found.watch else {},
            never=tuple(condition.text for condition in never),
            sampled=found.sampled.report() if found.played[SAMPLED] else None,
        )


def run(job: Job, watcher: Watcher | None = None) -> Outcome:
    """Run the job; the history streams to ``job.out/history.jsonl``.

    Raises TargetError when the target cannot be started, NothingSelectedError, OSError when results cannot be written.
    """
    watcher = watcher or Watcher()
    job.out.mkdir(parents=True, exist_ok=True)
    with opened(job.target, job.timeout_s, validate=job.validate) as (adapter, hello):
        profile = job.profile or hello.claims or profiles.find("strict")
        header = header_for(job, hello, profile)
        with collecting_seldom(), h.Writer(job.out / "history.jsonl", header) as writer:
            token = secrets.token_hex(3)
            share = Share(adapter, hello, profile, writer.write, token, tick=watcher.tick, failed=watcher.failed)
            return _finish(_Run(job, adapter, hello, header, share, watcher), writer)


def _finish(this: _Run, writer: h.Writer) -> Outcome:
    stopped, interrupted = "", False
    try:
        this.everything()
    except TargetError as error:
        stopped = str(error)
    except KeyboardInterrupt:
        stopped, interrupted = "interrupted; what was found so far is kept", True
    this.watcher.finishing()
    this.what_is_left()
    writer.close(interrupted=bool(stopped))
    verdict = _verdict(this, stopped, interrupted)
    shown, scenarios = tuple(this.shown), this.found.scenarios
    return Outcome(verdict, this.header, shown, scenarios, stopped, interrupted, this.enough)


def _verdict(this: _Run, stopped: str, interrupted: bool) -> Verdict:
    found, judge = this.found, this.share.judge
    judge.counts, judge.violations, judge.events = found.counts, found.violations, found.events
    verdict = judge.verdict(
        this.header,
        scope=found.scope,
        explained=[item.violation for item in this.shown],
        interrupted=interrupted,
        strict_besides=sorted({v.requirement for v in found.strict} - {v.requirement for v in found.violations}),
    )
    suite = this.job.scenarios is None and this.job.pattern is None and not stopped and not this.enough
    return msgspec.structs.replace(
        verdict,
        stopped="" if interrupted else stopped,
        undecided=(*found.doubts.lines(), *([this.enough] if this.enough else [])),
        coverage=this.coverage(suite=suite),
    )


def _nothing(job: Job, plan: list[Part], share: Share) -> str:
    chosen = [scenario for part in plan for scenario in part.scenarios]
    if chosen:
        why = sorted({share.runner.why_not(scenario) for scenario in chosen})
        return f"{job.target} cannot run what was selected: {'; '.join(why)}"
    return f"nothing matches -k {job.pattern!r}; see `seqproof list scenarios` and `seqproof list`"
