"""What one process plays of a run: its share of every part, on a server of its own, with a history of its own.

A run with ``-j N`` has N shares; the first is the main process's. What a share found (``Findings``) can be sent from
one process to another and added up: evidence, violations, the shortest failed play of each requirement, coverage.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from seqproof_conformance.adapter import Adapter, Hello
from seqproof_conformance.campaign import campaign
from seqproof_conformance.counterexample import size
from seqproof_conformance.line import Doubts
from seqproof_conformance.plan import CAMPAIGN, TOGETHER, Part
from seqproof_conformance.play import Played, in_groups
from seqproof_conformance.quotient import Taken
from seqproof_conformance.runner import Runner
from seqproof_conformance.sampled import SAMPLED, Sample, sample
from seqproof_conformance.sometimes import Watch
from seqproof_model import history as h
from seqproof_model.judge import Judge
from seqproof_model.profile import Profile, find
from seqproof_model.scenario import Scenario
from seqproof_model.verdict import Violation


@dataclass
class Findings:
    """What was found. ``strict``: the violations under the profile strict. ``failed``: requirement -> play, how found.

    ``played``: scenarios by part; ``whole``: the parts that were played to their end. ``stopped``: why not all was
    played, else "".
    """

    counts: Counter[str] = field(default_factory=Counter[str])
    violations: list[Violation] = field(default_factory=list[Violation])
    strict: list[Violation] = field(default_factory=list[Violation])
    failed: dict[str, tuple[Played, str]] = field(default_factory=dict[str, tuple[Played, str]])
    events: int = 0
    doubts: Doubts = field(default_factory=Doubts)
    scenarios: int = 0
    played: Counter[str] = field(default_factory=Counter[str])
    whole: set[str] = field(default_factory=set[str])
    scope: set[str] = field(default_factory=set[str])
    watch: Watch | None = None
    taken: Taken | None = None
    stopped: str = ""
    sampled: Sample = field(default_factory=Sample)

    def add(self, other: Findings) -> None:
        """Add what another share found. A part is whole where it is whole in both."""
        self.counts.update(other.counts)
        self.violations += other.violations
        self.strict += other.strict
        for played, found_by in other.failed.values():
            self.keep(played, found_by)
        self.events += other.events
        self.doubts.add(other.doubts)
        self.scenarios += other.scenarios
        self.played.update(other.played)
        self.whole &= other.whole
        self.scope |= other.scope
        if self.watch and other.watch:
            self.watch.merge(other.watch)
        if self.taken and other.taken:
            self.taken.merge(other.taken)
        self.stopped = self.stopped or other.stopped
        self.sampled.add(other.sampled)

    def keep(self, played: Played, found_by: str) -> str:
        """Keep a failed play; of those that break the same requirement the shortest. Returns what it breaks, or ""."""
        if played.violation is None:
            return ""
        name = played.violation.requirement
        if name not in self.failed or size(played) < size(self.failed[name][0]):
            self.failed[name] = (played, found_by)
        return name


@contextmanager
def collecting_seldom() -> Generator[None]:
    """While this lasts, garbage is looked for seldom: a run keeps nearly all that it makes, and makes few cycles."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Share:
    """One process's part of a run. ``tick`` is called before each scenario, ``failed`` for each requirement broken."""

    def __init__(
        self,
        adapter: Adapter,
        hello: Hello,
        profile: Profile,
        write: Callable[[h.Event], None],
        token: str,
        *,
        tick: Callable[[str], None] = lambda _: None,
        failed: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.hello, self.profile = hello, profile
        self._write, self._tick, self._failed = write, tick, failed
        paged = "paging" in hello.capabilities
        strict = find("strict")
        self.judge = Judge(profile, paged=paged)
        self._strict = self.judge if profile == strict else Judge(strict, paged=paged)
        self._watch, self._taken = Watch(profile), Taken(profile)
        self._found = Findings(watch=self._watch, taken=self._taken)
        judges = [self.judge] if self._strict is self.judge else [self.judge, self._strict]
        self.runner = Runner(adapter, hello, profile, judges, self._record, token)

    def _record(self, event: h.Event) -> None:
        self._write(event)
        self._watch.feed(event)
        self._taken.feed(event)

    def findings(self) -> Findings:
        """What was found so far."""
        found, line = self._found, self.runner.line
        found.counts, found.violations, found.strict = self.judge.counts, self.judge.violations, self._strict.violations
        found.events, found.scenarios = self.judge.events, self.runner.scenarios
        found.doubts = line.doubts
        return found

    def play(self, part: Part, share: int = 0, of: int = 1) -> None:
        """Play every ``of``-th scenario of a part that the target can play, in groups that share their kills."""
        playable = [scenario for scenario in part.scenarios if not self.runner.why_not(scenario)]
        self.play_all(part.name, playable[share::of])
        if playable:
            self._found.whole.add(part.name)

    def play_all(self, name: str, scenarios: Sequence[Scenario]) -> None:
        """Play scenarios of a part."""
        for group in in_groups(list(scenarios), TOGETHER):
            self._found.scope.update(*(scenario.observes for scenario in group))
            for played in self.runner.play_together(group, lambda: self._tick(name)):
                self._found.played[name] += 1
                if self._keep(played, _found_by(name, played)):
                    self._tick(name)  # whoever wants no more says so here, and not only before the next group

    def sample(self, trials: int, seconds: float) -> None:
        """Let senders and a phone race, in so many trials; none begins after so many seconds."""

        def failed(played: Played) -> None:
            self._keep(played, f"{SAMPLED}: plain senders and a phone at full speed")

        def tick() -> None:
            self._tick(SAMPLED)
            self._found.played[SAMPLED] += 1

        token, into = self.runner.token, self._found.sampled
        sample(self.runner.line, self.profile, trials, token, into=into, seconds=seconds, tick=tick, failed=failed)

    def campaign(self, seed: int, plain: int, with_kills: int) -> None:
        """Let Hypothesis look. ``plain``, ``with_kills``: how many examples."""

        def example(scenario: Scenario) -> Played:
            self._tick(CAMPAIGN)
            self._found.played[CAMPAIGN] += 1
            return self.runner.play(scenario)

        def kept(played: Played) -> None:
            self._keep(played, f"{CAMPAIGN}, seed {seed}")

        campaign(
            self.hello,
            self.profile,
            example,
            kept,
            number=seed,
            plain=plain,
            with_kills=with_kills,
        )
        self._found.whole.add(CAMPAIGN)

    def _keep(self, played: Played, found_by: str) -> bool:
        name = self._found.keep(played, found_by)
        if name:
            self._failed(name)
        return bool(name)


def _found_by(part: str, played: Played) -> str:
    name = played.scenario.name
    return f"scenario {name}" if part in name or part == "golden" else f"{part}, {name}"
