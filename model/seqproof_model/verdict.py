"""A verdict: per requirement pass, fail or not graded, never a bare boolean; and what a counterexample is made of.

*Not graded is not passed.* A requirement passes when its condition was observed at least once and it was never blamed.
Source: docs/architecture.md, "What a pass means".
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from seqproof_model.history import Event, Header
from seqproof_model.phone_history import Event as PhoneEvent
from seqproof_model.phone_scenario import PhoneScenario
from seqproof_model.profile import Profile
from seqproof_model.scenario import Scenario

MISS = 1e-6  # of a race that is sampled: with more chance than that it must not be missed
RARELY = f"once in {1 / MISS:,.0f}"


class Result(StrEnum):
    """What was found out about one requirement."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    NOT_GRADED = "not graded"


class Nearest(msgspec.Struct, frozen=True):
    """The conforming answer nearest to the one given. ``rows``: (seq, body), "?" for a body only the server knows."""

    sentence: str
    rows: tuple[tuple[int, str], ...] = ()
    lower: int | None = None
    upper: int | None = None


class Violation(msgspec.Struct, frozen=True):
    """One observation that no conforming server could have caused.

    ``requirement``: blamed by the observed-to-id table; ``invariant``: the I-... it breaks; ``suspects``: requirements
    that the context points to besides. ``event`` counts the history's events from 1; ``operation`` is the id there.
    ``seq_svr`` and ``confirmed``: the marks that the history had forced before this event. ``seqs``: what is at stake.
    """

    requirement: str
    invariant: str
    observation: str
    sentence: str
    event: int
    account: str
    operation: int | None
    suspects: tuple[str, ...] = ()
    seq_svr: int = 0
    confirmed: int = 0
    seqs: tuple[int, ...] = ()
    nearest: Nearest | None = None


class Grade(msgspec.Struct, frozen=True):
    """The finding on one requirement. ``observed``: how often its condition was.

    ``reason``: why it is not graded; of a pass, what it does not speak of.

    ``inconclusive``: the declared capabilities allow the condition, it was looked for, and it never occurred.
    """

    requirement: str
    result: Result
    observed: int = 0
    reason: str = ""
    inconclusive: bool = False
    added_by_adapter: bool = False


class Shown(msgspec.Struct, frozen=True):
    """A requirement that sampled trials broke: in ``hits`` of them.

    ``least``: the least rate, in 0..1, that this allows. ``needed``: as many trials miss a race of that rate with a
    chance of one in a million.
    """

    requirement: str
    hits: int
    least: float
    needed: int


class Sampled(msgspec.Struct, frozen=True):
    """Races that nobody scheduled: how many trials there were, and in how many of them a rule was broken.

    ``seen_from``: the least rate, in 0..1, of a race that so many trials miss with a chance of one in a million.
    ``ended``: why there were fewer than planned, else "".
    """

    trials: int
    shown: tuple[Shown, ...] = ()
    seen_from: float = 1.0
    ended: str = ""

    def lines(self) -> list[str]:
        """The outcome for people: each requirement with its rate; without any, what the trials exclude."""
        ended = f"; {self.ended}" if self.ended else ""
        if not self.trials:
            return [f"no trial at full speed{ended}"]
        if self.shown:
            return [self._line(shown) + ended for shown in self.shown]
        excluded = f"a race that shows in {self.seen_from:.1%} of them would be missed {RARELY}"
        return [f"{self.trials} trials at full speed, none broke a rule: {excluded}{ended}"]

    def _line(self, shown: Shown) -> str:
        said = f"{shown.requirement} broken in {shown.hits} of {self.trials} trials at full speed"
        rates = f"{shown.hits / self.trials:.1%}, at the very least {shown.least:.1%}"
        return f"{said} ({rates}): {shown.needed} trials miss it {RARELY}"


class Coverage(msgspec.Struct, frozen=True):
    """What a run looked at, beside the requirements.

    ``guarantees``: what was covered to its end, a line each. ``played``: scenarios by part. ``transitions``: of the
    protocol as a server sees it, how many were surely taken, and how many there are. ``sometimes``: how often each
    condition occurred that a good run must have met; ``never``: sentences of those that could have, and did not.
    ``sampled``: the races that were sampled, where any were.
    """

    guarantees: tuple[str, ...] = ()
    played: dict[str, int] = {}
    transitions: tuple[int, int] = (0, 0)
    sometimes: dict[str, int] = {}
    never: tuple[str, ...] = ()
    sampled: Sampled | None = None


class Verdict(msgspec.Struct, frozen=True):
    """All that was found out from one history.

    ``partial``: the last good line of a history without its end. ``stopped``: why the run ended early, else "".
    ``undecided``: what happened that the evidence cannot decide, a line each.
    """

    target: str
    profile: Profile
    grades: tuple[Grade, ...]
    violations: tuple[Violation, ...]
    events: int
    partial: int | None = None
    interrupted: bool = False
    stopped: str = ""
    undecided: tuple[str, ...] = ()
    strict_besides: tuple[str, ...] = ()
    coverage: Coverage | None = None

    def having(self, result: Result) -> list[Grade]:
        """The grades with this result."""
        return [grade for grade in self.grades if grade.result is result]

    @property
    def graded(self) -> int:
        """How many requirements passed or failed."""
        return len(self.grades) - len(self.having(Result.NOT_GRADED))

    @property
    def conformant(self) -> bool:
        """No violation was found. Says nothing of what is not graded."""
        return not self.violations

    @property
    def inconclusive(self) -> list[str]:
        """What keeps a verdict without violation from being a pass, a line each; empty when nothing does.

        After a violation a condition that never occurred is not counted: the violation may have come before it.
        """
        why = [f"{g.requirement}: {g.reason}" for g in self.grades if g.inconclusive and not self.violations]
        if self.coverage and not self.violations:
            why += [f"it never happened that {what}" for what in self.coverage.never]
        why += self.undecided
        if self.partial is not None:
            why.append(f"the history has no end; its last good line is {self.partial}")
        if self.interrupted:
            why.append("the run was interrupted")
        if self.stopped:
            why.append(f"the run ended early: {self.stopped}")
        if not self.graded:
            why.append("nothing was observed that could be graded")
        return why


class Counterexample(msgspec.Struct, frozen=True):
    """One failure, ready to be shown: the violation, the steps that cause it, and what happened when they were taken.

    ``claim``: what is claimed of the steps' length. ``reproduced`` of ``tried`` re-runs gave the same requirement.
    ``replay``: the line that runs it again. ``last_words``: the end of the server's own log.
    ``phone``: the steps where a phone is under test; ``scenario`` has none then. ``cited``: the events of the argument
    against a phone, from 1; against a server they are found from the events. ``like``: the known faults whose shortest
    counterexample has the same shape. ``phone_events``: what happened to a phone under test, as its judge saw it;
    ``events`` tells the same as a server's history, for pictures.
    """

    violation: Violation
    scenario: Scenario
    header: Header
    events: tuple[Event, ...]
    claim: str
    reproduced: int
    tried: int
    found_by: str
    replay: str
    last_words: tuple[str, ...] = ()
    phone: PhoneScenario | None = None
    cited: tuple[int, ...] = ()
    like: tuple[str, ...] = ()
    phone_events: tuple[PhoneEvent, ...] = ()

    @property
    def trace(self) -> str:
        """The steps in the short notation."""
        return (self.phone or self.scenario).notation()
