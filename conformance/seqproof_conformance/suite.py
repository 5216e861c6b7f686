"""A suite run from end to end: scenarios on a target, one history on disk, one verdict, a directory per failure.

    result = run(Job("valkey", out=Path("runs/valkey")), events)
    result.verdict, result.counterexamples, result.code

The run's ``history.jsonl`` grows as events happen; whatever ends the run, it is readable up to its last line. Each
requirement that fails is shortened on the live target, run again to state how often it reproduces, and kept as a
counterexample of its own.
"""

from __future__ import annotations

import fnmatch
import platform
import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import metadata, resources
from pathlib import Path

import msgspec

from seqproof_conformance.adapter import Adapter, Hello, Talks, TargetError, greeted
from seqproof_conformance.campaign import PLAIN, WITH_KILLS, campaign
from seqproof_conformance.minimise import cut, minimise
from seqproof_conformance.runner import Played, Runner
from seqproof_conformance.targets import open_target
from seqproof_model import history as h
from seqproof_model import profile as profiles
from seqproof_model import scenario as sc
from seqproof_model.hello import Capability
from seqproof_model.judge import Judge, besides
from seqproof_model.profile import Profile
from seqproof_model.scenario import Scenario
from seqproof_model.verdict import Counterexample, Verdict

CAMPAIGN, SHORTENING = "campaign", "shortening what failed"
RERUNS = 5


class NothingSelectedError(Exception):
    """No scenario was selected, or none can run on this target; one line."""


@dataclass(frozen=True)
class Job:
    """What to run. ``profile`` None: what the target claims, else strict. ``scenarios`` None: the suite ``quick``."""

    target: str
    out: Path
    profile: Profile | None = None
    pattern: str | None = None
    seed: int = 0
    scenarios: tuple[Scenario, ...] | None = None
    shorten: bool = True


@dataclass
class Watcher:
    """What a run reports while it goes on; each is called from the run's own thread.

    ``tick`` is called before each scenario and may raise KeyboardInterrupt to end the run; ``finishing`` when the last
    one was played.
    """

    started: Callable[[Hello, int], None] = lambda _hello, _scenarios: None
    tick: Callable[[str], None] = lambda _what: None
    finishing: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Outcome:
    """The result. ``stopped``: why the run ended early (Ctrl-C, a target that died), else ""."""

    verdict: Verdict
    header: h.Header
    counterexamples: tuple[Counterexample, ...]
    scenarios: int
    stopped: str = ""
    interrupted: bool = False

    @property
    def code(self) -> int:
        """The exit code: 1 violation, 130 interrupted, 4 target or adapter failed, 3 inconclusive, 0 conformant."""
        if self.verdict.violations:
            return 1
        if self.interrupted:
            return 130
        if self.stopped:
            return 4
        return 3 if self.verdict.inconclusive else 0


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
    runner: Runner
    watcher: Watcher
    ran: list[Scenario] = field(default_factory=list[Scenario])
    failed: dict[str, tuple[Played, str]] = field(default_factory=dict[str, tuple[Played, str]])
    shown: list[Counterexample] = field(default_factory=list[Counterexample])
    scope: set[str] = field(default_factory=set[str])

    def everything(self, scenarios: list[Scenario], *, with_campaign: bool) -> None:
        """Run all, then shorten what failed."""
        for scenario in scenarios:
            self.watcher.tick(scenario.name)
            self.scope |= set(scenario.observes)
            self.ran.append(scenario)
            self._keep(self.runner.play(scenario), f"scenario {scenario.name}")
        if with_campaign:
            campaign(
                self.hello,
                self.header.profile,
                self._example,
                lambda played: self._keep(played, f"{CAMPAIGN}, seed {self.job.seed}"),
                number=self.job.seed,
            )
        for played, found_by in list(self.failed.values()):
            self.shown.append(self._shortened(played, found_by))

    def _example(self, scenario: Scenario) -> Played:
        self.watcher.tick(CAMPAIGN)
        return self.runner.play(scenario)

    def _candidate(self, scenario: Scenario) -> Played:
        self.watcher.tick(SHORTENING)
        return self.runner.play(scenario)

    def what_is_left(self) -> None:
        """After an early end: what failed and was not yet shortened is shown as it was found."""
        shown = {item.violation.requirement for item in self.shown}
        for requirement, (played, found_by) in self.failed.items():
            if requirement not in shown:
                self.shown.append(self._counterexample(cut(played), found_by, "as found: the run ended before", 0, 0))

    def _keep(self, played: Played, found_by: str) -> None:
        """Of the plays that break the same requirement, the shortest is kept."""
        if played.violation is None:
            return
        name = played.violation.requirement
        if name not in self.failed or _size(played) < _size(self.failed[name][0]):
            self.failed[name] = (played, found_by)

    def _shortened(self, played: Played, found_by: str) -> Counterexample:
        claim = "as given: it was not shortened"
        if self.job.shorten:
            minimal = minimise(played, self._candidate)
            played, claim = minimal.played, minimal.claim
        again = [self._candidate(played.scenario).violation for _ in range(RERUNS)]
        assert played.violation is not None  # noqa: S101 - only failed plays get here
        requirement = played.violation.requirement
        same = sum(violation is not None and violation.requirement == requirement for violation in again)
        return self._counterexample(played, found_by, claim, same, len(again))

    def _counterexample(self, played: Played, found_by: str, claim: str, reproduced: int, tried: int) -> Counterexample:
        assert played.violation is not None  # noqa: S101 - only failed plays get here
        requirement, events = played.violation.requirement, cleaned(played.events)
        judge = Judge(self.header.profile, paged=Capability.PAGING in self.hello.capabilities)
        violation = next((v for v in map(judge.feed, events) if v), played.violation)
        name = f"{requirement}-{self.job.target}".replace(":", "-").replace("/", "-")
        return Counterexample(
            violation=violation,
            scenario=msgspec.structs.replace(played.scenario, name=name, observes=(requirement,)),
            header=self.header,
            events=events,
            claim=claim,
            reproduced=reproduced,
            tried=tried,
            found_by=found_by,
            replay=f"seqproof replay {self.job.out / requirement / 'scenario.json'} {self.job.target}",
            last_words=tuple(self.adapter.last_words()[-8:]) if isinstance(self.adapter, Talks) else (),
        )


def _size(played: Played) -> int:
    """How long a play is: its steps, with every message counted."""
    return sum(step.count if isinstance(step, sc.Send) else 1 for step in played.scenario.steps[: played.steps])


def cleaned(events: tuple[h.Event, ...]) -> tuple[h.Event, ...]:
    """A scenario's events as if it had run alone: operations from 1, bodies without the run's prefix, no mark."""
    kept = [event for event in events if not isinstance(event, h.Mark)]
    first = min((event.id for event in kept if isinstance(event, h.Send | h.Recv)), default=1)
    bodies = {event.body: event.body.rpartition(".")[2] for event in kept if isinstance(event, h.Send)}
    return tuple(_cleaned(event, first, bodies) for event in kept)


def _cleaned(event: h.Event, first: int, bodies: dict[str, str]) -> h.Event:
    replace = msgspec.structs.replace
    match event:
        case h.Send():
            return replace(event, id=event.id - first + 1, body=bodies[event.body])
        case h.Ok():
            rows = event.rows and tuple((seq, bodies.get(body, body)) for seq, body in event.rows)
            return replace(event, id=event.id - first + 1, rows=rows)
        case h.Recv() | h.Refused() | h.Indefinite() | h.Settled() | h.Delivered():
            return replace(event, id=event.id - first + 1)
        case _:
            return event


@contextmanager
def opened(target: str) -> Generator[tuple[Adapter, Hello]]:
    """A target that is started, and closed whatever happens. Raises TargetError."""
    adapter = open_target(target)
    try:
        yield adapter, greeted(adapter)
    finally:
        with suppress(Exception):  # a close that fails takes nothing from what was found; the watchdog cleans up
            adapter.close()


def run(job: Job, watcher: Watcher | None = None) -> Outcome:
    """Run the job; the history streams to ``job.out/history.jsonl``.

    Raises TargetError when the target cannot be started, NothingSelectedError, OSError when results cannot be written.
    """
    watcher = watcher or Watcher()
    job.out.mkdir(parents=True, exist_ok=True)
    with opened(job.target) as (adapter, hello):
        profile = job.profile or hello.claims or profiles.find("strict")
        header = header_for(job, hello, profile)
        paged = Capability.PAGING in hello.capabilities
        judges = [Judge(profile, paged=paged), Judge(profiles.find("strict"), paged=paged)]
        with h.Writer(job.out / "history.jsonl", header) as writer:
            runner = Runner(adapter, hello, profile, judges, writer.write, secrets.token_hex(3))
            this = _Run(job, adapter, hello, header, runner, watcher)
            return _finish(this, judges, writer)


def _finish(this: _Run, judges: list[Judge], writer: h.Writer) -> Outcome:
    job = this.job
    chosen = list(job.scenarios) if job.scenarios is not None else selected(golden(), job.pattern)
    playable = [scenario for scenario in chosen if not this.runner.why_not(scenario)]
    with_campaign = job.scenarios is None and (job.pattern is None or fnmatch.fnmatch(CAMPAIGN, job.pattern.lower()))
    if not playable and not with_campaign:
        raise NothingSelectedError(_nothing(job, chosen, this.runner))
    examples = PLAIN + WITH_KILLS * (Capability.KILL in this.hello.capabilities)
    this.watcher.started(this.hello, len(playable) + examples * with_campaign)
    stopped, interrupted = "", False
    try:
        this.everything(playable, with_campaign=with_campaign)
    except TargetError as error:
        stopped = str(error)
    except KeyboardInterrupt:
        stopped, interrupted = "interrupted; what was found so far is kept", True
    this.watcher.finishing()
    this.what_is_left()
    writer.close(interrupted=bool(stopped))
    verdict = judges[0].verdict(
        this.header,
        scope=this.scope,
        explained=[item.violation for item in this.shown],
        interrupted=interrupted,
        strict_besides=besides(judges[1], judges[0]),
    )
    undecided = tuple(this.runner.undecided())
    verdict = msgspec.structs.replace(verdict, stopped="" if interrupted else stopped, undecided=undecided)
    return Outcome(verdict, this.header, tuple(this.shown), this.runner.scenarios, stopped, interrupted)


def _nothing(job: Job, chosen: list[Scenario], runner: Runner) -> str:
    if chosen:
        why = sorted({runner.why_not(scenario) for scenario in chosen})
        return f"{job.target} cannot run what was selected: {'; '.join(why)}"
    return f"nothing matches -k {job.pattern!r}; see `seqproof list scenarios` and `seqproof list`"
