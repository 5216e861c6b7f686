"""Races that can only be sampled: how often they show, and how many trials bound the chance of a miss.

Where a target can hold a send half-way, races are scheduled exactly (``overlaps``). Where it cannot, its own pace
decides who comes first. A *trial* is a new account with senders and a phone at full speed (``load``), until so many
of their requests were answered; then a new phone asks for everything. Its events are judged as any other. Trials are
independent of each other, so that

    a race that shows in a share p of trials is missed by n of them with the chance (1 - p) ^ n

From this come both sides of a report: how many trials a race of a known rate needs (``trials_for``), and which rate n
clean trials exclude (``seen_from``). A rate that was measured is itself uncertain: what counts is the least one that
the measurement allows (Clopper and Pearson, Biometrika 26, 1934).

A trial never turns load into a verdict: an answer that does not come is left open, as the judge leaves it, and a trial
that does not get its answers in time is no trial; then there are no more.
Source: docs/requirements.md, "What a pass means"; requirements RCV-1, SND-1.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from seqproof_conformance.adapter import Adapter, checked
from seqproof_conformance.line import Line
from seqproof_conformance.load import Load, Shape
from seqproof_conformance.play import Played
from seqproof_model import history as h
from seqproof_model import scenario as sc
from seqproof_model.judge import Judge
from seqproof_model.profile import Profile
from seqproof_model.scenario import Scenario, Step
from seqproof_model.verdict import MISS, Sampled, Shown, Violation

__all__ = ["SAMPLED", "Sample", "least_rate", "sample", "seen_from", "trials_for"]

SAMPLED = "sampled"
CLIENTS = Shape(accounts=1, senders=4, phones=1, loses=0)
ANSWERS = 60  # of a trial
TRIAL_S = 20.0  # a trial that has not got them by then is none
SLOW = f"it ended early: no {ANSWERS} answers in {TRIAL_S:g} s"
TIME = "it ended early: its time was over"
ACCOUNT = "x"  # in a trial's scenario
PHONES = {"p0": "A", "last": "B"}  # what they are called there


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


def least_rate(hits: int, trials: int, doubt: float = MISS) -> float:
    """The least rate that this outcome allows; that the true one is lower has at most that chance.

    >>> f"{least_rate(33, 265):.3f}", least_rate(0, 9)
    ('0.049', 0.0)
    """
    from scipy.special import betaincinv  # loaded here, for it takes longer than most commands of the kit

    return float(betaincinv(hits, trials - hits + 1, doubt)) if hits else 0.0


@dataclass
class Sample:
    """What came out. ``shown``: how many trials broke each requirement. ``ended``: why there are no more, else ""."""

    trials: int = 0
    shown: Counter[str] = field(default_factory=Counter[str])
    ended: str = ""

    def add(self, other: Sample) -> None:
        """Add the trials of another process."""
        self.trials += other.trials
        self.shown.update(other.shown)
        self.ended = self.ended or other.ended

    def report(self) -> Sampled:
        """The same with its rates."""
        shown: list[Shown] = []
        for requirement, hits in sorted(self.shown.items()):
            least = least_rate(hits, self.trials)
            shown.append(Shown(requirement, hits, least, trials_for(least)))
        return Sampled(self.trials, tuple(shown), seen_from(self.trials) if self.trials else 1.0, self.ended)


def sample(
    line: Line,
    profile: Profile,
    trials: int,
    token: str,
    *,
    into: Sample | None = None,
    seconds: float = math.inf,
    tick: Callable[[], None] = lambda: None,
    failed: Callable[[Played], None] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
) -> Sample:
    """Make so many trials; none begins after so many seconds. ``token``: accounts are named after it.

    ``tick`` is called before each, ``failed`` with each that broke a rule; both may raise, to end it. ``into``: what
    came out so far, also where it ended so. Raises TargetError, AdapterFault.
    """
    found = Sample() if into is None else into
    until = clock() + seconds
    for number in range(1, trials + 1):
        tick()
        if clock() >= until:
            found.ended = TIME
            break
        played, whole = _trial(line, profile, f"{token}-r{number}")
        if not whole and not played.violation:
            found.ended = SLOW
            break
        found.trials += 1
        if played.violation:
            found.shown[played.violation.requirement] += 1
            failed(played)
    return found


# ---------------------------------------------------------------- one trial


@dataclass(frozen=True)
class _Requests:
    """The adapter's calls, with the blame that a line gives them."""

    line: Line

    def reset(self, account: str) -> None:
        self.line.ask("reset", self.line.adapter.reset, account)

    def send(self, account: str, sender: str, client_id: str, body: str) -> h.Answer:
        words = (account, sender, client_id, body)
        return checked("send", self.line.ask("send", self.line.adapter.send, *words))

    def recv(self, account: str, phone: str, seq_cli: int) -> h.Answer:
        return checked("recv", self.line.ask("recv", self.line.adapter.recv, account, phone, seq_cli))


@dataclass
class _Heard:
    """Who hears the events: the line's history and judges. ``violation``: the first, at the last of ``events``."""

    line: Line
    profile: Profile
    events: list[h.Event] = field(default_factory=list[h.Event])
    violation: Violation | None = None

    def feed(self, event: h.Event) -> None:
        found = self.line.event(event)
        if self.violation is None:
            self.events.append(event)
            self.violation = found


def _trial(line: Line, profile: Profile, token: str) -> tuple[Played, bool]:
    """Make one; also say whether it had all its answers."""
    line.event(h.Mark(SAMPLED))
    heard = _Heard(line, profile)
    load = Load(_Requests(line), heard, lambda _: None, CLIENTS, token=token, operations=line.operations)
    try:
        load.start()
        whole = load.answered(ANSWERS, TRIAL_S)
        whole = load.finish() and whole
    finally:
        load.stop()
        line.doubts.requests += load.operations - line.operations
        line.operations = load.operations
    for event in heard.events:
        if isinstance(event, h.Refused) and event.code is h.Code.UNREACHABLE:
            line.notice(event, armed=False)  # it is gone, though nobody killed it
    events = tuple(map(_named, heard.events))
    scenario = _scenario(events)
    return Played(scenario, events, heard.violation, len(scenario.steps)), whole


def _named(event: h.Event) -> h.Event:
    """The event as a scenario's history has it."""
    if isinstance(event, h.Recv):
        return msgspec.structs.replace(event, account=ACCOUNT, phone=PHONES[event.phone])
    return msgspec.structs.replace(event, account=ACCOUNT) if isinstance(event, h.Send) else event


def _scenario(events: Sequence[h.Event]) -> Scenario:
    """The trial as steps: who began and who ended, in this order. Taken again, they race again, as they like."""
    steps: list[Step] = []
    names: dict[int, str] = {}
    sent: list[tuple[str, str]] = []
    for event in events:
        if isinstance(event, h.Send | h.Recv):
            names[event.id] = f"r{len(names) + 1}"
        if isinstance(event, h.Send):
            attempt = (event.sender, event.client_id)
            again = attempt in sent
            age = len(sent) - sent.index(attempt) if again else 1
            steps.append(sc.Begin(names[event.id], sc.Send(sender=event.sender, repeat=again, age=age)))
            sent += [] if again else [attempt]
        elif isinstance(event, h.Recv):
            steps.append(sc.Begin(names[event.id], sc.Recv(event.phone)))
        elif isinstance(event, h.Ok | h.Refused | h.Indefinite):
            begun = steps[-1]
            if isinstance(begun, sc.Begin) and begun.request == names[event.id]:
                steps[-1] = begun.what  # nothing came in between
            else:
                steps.append(sc.End(names[event.id]))
    return Scenario(SAMPLED, tuple(steps), "senders and a phone at full speed")


def sample_adapter(
    adapter: Adapter, profile: Profile, trials: int, token: str, *, enough: int | None = None
) -> tuple[Sample, list[Played]]:
    """Make trials outside of a run, fewer where ``enough`` of them broke a rule. Returns what broke one, too."""
    found, broken = Sample(), list[Played]()
    line = Line(adapter, [Judge(profile, paged=False)], lambda _: None, threads=True)
    while found.trials < trials and not found.ended and (enough is None or len(broken) < enough):
        sample(line, profile, 1, f"{token}-{found.trials}", into=found, failed=broken.append)
    return found, broken
