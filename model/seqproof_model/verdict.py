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


class Coverage(msgspec.Struct, frozen=True):
    """What a run looked at, beside the requirements.

    ``guarantees``: what was covered to its end, a line each. ``played``: scenarios by part. ``transitions``: of the
    protocol as a server sees it, how many were surely taken, and how many there are. ``sometimes``: how often each
    condition occurred that a good run must have met; ``never``: sentences of those that could have, and did not.
    """

    guarantees: tuple[str, ...] = ()
    played: dict[str, int] = {}
    transitions: tuple[int, int] = (0, 0)
    sometimes: dict[str, int] = {}
    never: tuple[str, ...] = ()


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
