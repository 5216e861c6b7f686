"""Shortening a scenario on which a phone fails, with the phone in the loop, until no step can be left out.

As for servers (``minimise``): leave out halves, quarters, single steps, make steps simpler, and keep whatever still
fails the same requirement. A step that is left out may make others idle; those go next. Source: docs/phones.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from seqproof_conformance.phone_runner import PhonePlayed
from seqproof_model import phone_scenario as ps
from seqproof_model.phone_scenario import PhoneScenario, Step

PLAYS_AT_MOST = 400


def cut(played: PhonePlayed) -> PhonePlayed:
    """Drop the steps after the violation; they were not taken."""
    scenario = msgspec.structs.replace(played.scenario, steps=played.scenario.steps[: played.steps])
    return PhonePlayed(scenario, played.events, played.violation, played.steps, played.idle)


def minimise(
    played: PhonePlayed, play: Callable[[PhoneScenario], PhonePlayed], plays: int = PLAYS_AT_MOST
) -> tuple[PhonePlayed, str]:
    """Shorten a failed play. Returns the shortest found, and what is claimed of it."""
    assert played.violation is not None  # noqa: S101 - only failed plays get here
    requirement, best, used = played.violation.requirement, cut(played), 0
    shorter = True
    while shorter:
        shorter = False
        for candidate in _candidates(best.scenario):
            if used >= plays:
                return best, f"shortened; the search stopped after {used} runs"
            used += 1
            attempt = play(candidate)
            if attempt.violation and attempt.violation.requirement == requirement:
                best, shorter = cut(attempt), True
                break
    steps = len(best.scenario.steps)
    return best, f"locally minimal: none of its {steps} steps can be left out" if steps > 1 else "minimal: one step"


def _candidates(scenario: PhoneScenario) -> Iterator[PhoneScenario]:
    """Smaller scenarios, the boldest first."""
    steps, size = scenario.steps, len(scenario.steps) // 2
    while size >= 1:
        for start in range(0, len(steps), size):
            yield msgspec.structs.replace(scenario, steps=steps[:start] + steps[start + size :])
        size //= 2
    for at, step in enumerate(steps):
        for simpler in _simpler(step):
            yield msgspec.structs.replace(scenario, steps=(*steps[:at], simpler, *steps[at + 1 :]))
    if scenario.page is not None:
        yield msgspec.structs.replace(scenario, page=None, tells=("more", "upto", "seq_svr"))


def _simpler(step: Step) -> Iterator[Step]:
    """The same step with less in it; each is strictly smaller in some order, so the search ends."""
    replace = msgspec.structs.replace
    if isinstance(step, ps.Message) and step.count > 1:
        yield replace(step, count=1)
        yield replace(step, count=step.count - 1)
    if isinstance(step, ps.Message | ps.Say) and step.body:
        yield replace(step, body="")
    if isinstance(step, ps.Answer) and (step.lose or step.newest or step.die_after is not None):
        yield ps.Answer()
        if step.lose == "reply":
            yield replace(step, lose="request")
        if step.die_after:
            yield replace(step, die_after=step.die_after - 1)
    if isinstance(step, ps.Restore) and step.keep:
        yield replace(step, keep=0)
    if isinstance(step, ps.Message | ps.Tip | ps.Other | ps.Restore) and step.account != "x":
        yield replace(step, account="x")
