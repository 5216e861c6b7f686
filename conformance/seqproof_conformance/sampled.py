"""A race that can only be sampled: how often it shows, and how many trials bound the chance of a miss.

Where a target can hold a send half-way, races are scheduled exactly (``overlaps``). Where it cannot, its own pace
decides who comes first. A *trial* is a new account with senders and phones at full speed (``load``), until so many
of their requests were answered; then a new phone asks for everything. Its history is judged as any other. Trials are
independent of each other, so that

    a race that shows in a share p of trials is missed by n of them with the chance (1 - p) ^ n

From this come both sides of a report: how many trials a race of a known rate needs (``trials_for``), and which rate n
clean trials exclude (``seen_from``). A rate that was measured is itself uncertain: what counts is the least one that
the measurement allows (Clopper and Pearson, Biometrika 26, 1934).
Source: docs/requirements.md, "What a pass means"; requirements RCV-1, SND-1.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from scipy.stats import beta

from seqproof_conformance.adapter import Adapter
from seqproof_conformance.load import Load, Shape
from seqproof_model.history import Event
from seqproof_model.judge import Judge
from seqproof_model.profile import Profile
from seqproof_model.verdict import Violation

__all__ = ["MISS", "Sample", "least_rate", "sample", "seen_from", "trials_for"]

MISS = 1e-6  # a miss must be rarer than that
RARELY = f"once in {1 / MISS:,.0f}"
DOUBT = 1e-6  # and so must be a rate below the one that is reckoned with
CLIENTS = Shape(accounts=1, senders=4, phones=1, loses=0)
ANSWERS = 60  # of a trial


def trials_for(rate: float, miss: float = MISS) -> int:
    """How many trials miss a race of that rate, in (0, 1], with at most that chance.

    >>> trials_for(0.125), trials_for(0.5), trials_for(1)
    (104, 20, 1)
    """
    return 1 if rate >= 1 else math.ceil(math.log(miss) / math.log1p(-rate))


def seen_from(trials: int, miss: float = MISS) -> float:
    """The least rate that so many trials miss with at most that chance.

    >>> f"{seen_from(200):.3f}"
    '0.067'
    """
    return -math.expm1(math.log(miss) / trials)


def least_rate(hits: int, trials: int, doubt: float = DOUBT) -> float:
    """The least rate that this outcome allows; that the true one is lower has at most that chance.

    >>> f"{least_rate(33, 265):.3f}", least_rate(0, 9)
    ('0.049', 0.0)
    """
    return float(beta.ppf(doubt, hits, trials - hits + 1)) if hits else 0.0


@dataclass
class Sample:
    """What came out. ``shown``: how many trials broke each requirement. ``first``: the events of the first that did."""

    trials: int = 0
    shown: Counter[str] = field(default_factory=Counter[str])
    first: tuple[Event, ...] = ()
    violation: Violation | None = None

    def lines(self) -> list[str]:
        """The outcome for people: each requirement with its rate; without any, what the trials exclude."""
        if not self.shown:
            excluded = f"a race that shows in {seen_from(self.trials):.1%} of them would be missed {RARELY}"
            return [f"{self.trials} trials at full speed, none broke a rule; {excluded}"]
        return [self._line(requirement, hits) for requirement, hits in sorted(self.shown.items())]

    def _line(self, requirement: str, hits: int) -> str:
        least = least_rate(hits, self.trials)
        said = f"{requirement} broken in {hits} of {self.trials} trials ({hits / self.trials:.1%})"
        return f"{said}; at the least rate that this allows, {least:.1%}, {trials_for(least)} trials miss it {RARELY}"


def sample(
    adapter: Adapter,
    profile: Profile,
    trials: int,
    token: str,
    *,
    enough: int | None = None,
    tick: Callable[[], None] = lambda: None,
) -> Sample:
    """Make so many trials, or fewer: until ``enough`` of them broke a rule. ``token``: accounts are named after it.

    ``tick`` is called before each. Raises TargetError, and what the adapter raises.
    """
    found = Sample()
    while found.trials < trials and (enough is None or found.shown.total() < enough):
        tick()
        events = list[Event]()
        judge = Judge(profile, paged=False)
        load = Load(adapter, judge, events.append, CLIENTS, token=f"{token}-{found.trials}")
        try:
            load.start()
            load.await_answers(ANSWERS)
            load.finish()
        finally:
            load.stop()
        found.trials += 1
        if judge.violations:
            found.shown[judge.violations[0].requirement] += 1
            found.first = found.first or tuple(events)
            found.violation = found.violation or judge.violations[0]
    return found
