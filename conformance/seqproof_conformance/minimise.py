"""Shortening a failing scenario with the server in the loop, until no step can be left out.

Greedy delta debugging: cut after the violation, leave out halves, quarters, ... single steps, send fewer messages, use
fewer phones and accounts; keep whatever still fails the same requirement. The result is *locally minimal*: leaving out
any one step, the rest no longer fails. It is not claimed to be the shortest of all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from seqproof_conformance.runner import Played
from seqproof_model import scenario as sc
from seqproof_model.scenario import Scenario, Step

PLAYS_AT_MOST = 250


@dataclass(frozen=True)
class Minimal:
    """The shortest play found, and whether the search came to its end."""

    played: Played
    finished: bool
    plays: int

    @property
    def claim(self) -> str:
        """What is claimed of its length."""
        if self.finished:
            steps = len(self.played.scenario.steps)
            return f"locally minimal: none of its {steps} steps can be left out" if steps > 1 else "minimal: one step"
        return f"shortened; the search stopped after {self.plays} runs"


def minimise(played: Played, play: Callable[[Scenario], Played], plays: int = PLAYS_AT_MOST) -> Minimal:
    """Shorten a failed play. ``play`` runs a candidate on the live target."""
    assert played.violation is not None, "only a failed play can be shortened"  # noqa: S101
    requirement, best, used = played.violation.requirement, cut(played), 0
    shorter = True
    while shorter:
        shorter = False
        for candidate in _candidates(best.scenario):
            if used >= plays:
                return Minimal(best, finished=False, plays=used)
            used += 1
            attempt = play(candidate)
            if attempt.violation and attempt.violation.requirement == requirement:
                best, shorter = cut(attempt), True
                break
    return Minimal(best, finished=True, plays=used)


def cut(played: Played) -> Played:
    """Drop the steps after the violation; they were not taken."""
    steps = played.scenario.steps[: played.steps]
    return Played(msgspec.structs.replace(played.scenario, steps=steps), played.events, played.violation, played.steps)


def _candidates(scenario: Scenario) -> Iterator[Scenario]:
    """Smaller scenarios, the boldest first."""
    steps = scenario.steps
    size = len(steps) // 2
    while size >= 1:
        for start in range(0, len(steps), size):
            yield _with(scenario, steps[:start] + steps[start + size :])
        size //= 2
    for at, step in enumerate(steps):
        for simpler in _simpler(step):
            yield _with(scenario, (*steps[:at], simpler, *steps[at + 1 :]))


def _with(scenario: Scenario, steps: tuple[Step, ...]) -> Scenario:
    return msgspec.structs.replace(scenario, steps=steps)


def _simpler(step: Step) -> Iterator[Step]:
    """The same step with less in it. Each is strictly smaller in some order, so the search ends."""
    replace = msgspec.structs.replace
    if isinstance(step, sc.Send) and step.count > 1:
        yield replace(step, count=1)
        for part in (2, 8, 32, step.count):
            if step.count // part:
                yield replace(step, count=step.count - step.count // part)
    if isinstance(step, sc.Send) and (step.body or step.repeat or step.sender != "s"):
        yield replace(step, body="", repeat=False, sender="s")
    if isinstance(step, sc.Drain):
        yield sc.Recv(phone=step.phone, account=step.account)
    if isinstance(step, sc.Recv | sc.Arrive) and step.hold:
        yield replace(step, hold="", lose=sc.Lost.REPLY)
    if isinstance(step, sc.Send | sc.Recv | sc.Arrive) and step.lose is not sc.Lost.NOTHING:
        yield replace(step, lose=sc.Lost.NOTHING)
    if isinstance(step, sc.Recv) and step.fresh:
        yield replace(step, fresh=False, phone="A")
        yield replace(step, fresh=False, phone="B")
    if isinstance(step, sc.Send | sc.Recv) and step.kill is not sc.Moment.NEVER:
        yield replace(step, kill=sc.Moment.NEVER)
    if isinstance(step, sc.Begin):
        yield step.what
    if isinstance(step, sc.Recv | sc.Drain | sc.Ask) and step.phone > "A" and not getattr(step, "fresh", False):
        yield replace(step, phone="A")
    if (
        not isinstance(
            step, sc.Kill | sc.FailStore | sc.Arrive | sc.Deliver | sc.Begin | sc.End | sc.Tips | sc.Backup | sc.Restore
        )
        and step.account != "x"
    ):
        yield replace(step, account="x")
