"""From a play that failed to a counterexample: shortened on the live target, run again, cleaned for a reader."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import msgspec

from seqproof_conformance.adapter import Adapter, Talks
from seqproof_conformance.address import to_export
from seqproof_conformance.likeness import like
from seqproof_conformance.minimise import minimise
from seqproof_conformance.play import Played
from seqproof_model import history as h
from seqproof_model import scenario as sc
from seqproof_model.judge import Judge
from seqproof_model.scenario import Scenario
from seqproof_model.verdict import Counterexample

RERUNS = 5


def size(played: Played) -> int:
    """How long a play is: its steps, with every message counted."""
    return sum(step.count if isinstance(step, sc.Send) else 1 for step in played.scenario.steps[: played.steps])


def shortened(played: Played, play: Callable[[Scenario], Played], *, shorten: bool) -> tuple[Played, str, int]:
    """Shorten a failed play with the server in the loop.

    Returns the shortest found, what is claimed of it, and how often of ``RERUNS`` it failed in the same way again.
    """
    claim = "as given: it was not shortened"
    if shorten:
        minimal = minimise(played, play)
        played, claim = minimal.played, minimal.claim
    again = [play(played.scenario).violation for _ in range(RERUNS)]
    assert played.violation is not None  # noqa: S101 - only failed plays get here
    requirement = played.violation.requirement
    return played, claim, sum(violation is not None and violation.requirement == requirement for violation in again)


def steady(played: Played, play: Callable[[Scenario], Played]) -> bool:
    """Whether a failed play fails in the same way each time it is taken again."""
    assert played.violation is not None  # noqa: S101 - only failed plays get here
    again = (play(played.scenario).violation for _ in range(RERUNS))
    return all(violation and violation.requirement == played.violation.requirement for violation in again)


def made(
    played: Played, header: h.Header, adapter: Adapter, out: str, *, found_by: str, claim: str, times: tuple[int, int]
) -> Counterexample:
    """Make the counterexample. ``out``: the run's directory; ``times``: reproduced, of how many."""
    assert played.violation is not None  # noqa: S101 - only failed plays get here
    requirement, events = played.violation.requirement, cleaned(played.events)
    judge = Judge(header.profile, paged="paging" in header.capabilities)
    violation = next((v for v in map(judge.feed, events) if v), played.violation)
    name = f"{requirement}-{header.target}".replace(":", "-").replace("/", "-")
    return Counterexample(
        violation=violation,
        scenario=msgspec.structs.replace(played.scenario, name=name, observes=(requirement,)),
        header=header,
        events=events,
        claim=claim,
        reproduced=times[0],
        tried=times[1],
        found_by=found_by,
        replay=to_export(header.target)
        + shlex.join(["seqproof", "replay", f"{out}/{requirement}/scenario.json", header.target]),
        like=like(events, violation),
        last_words=tuple(adapter.last_words()[-8:]) if isinstance(adapter, Talks) else (),
    )


def cleaned(events: tuple[h.Event, ...]) -> tuple[h.Event, ...]:
    """A scenario's events as if it had run alone: operations from 1, bodies without the run's prefix, no mark."""
    kept = [event for event in events if not isinstance(event, h.Mark)]
    begun = [event.id for event in kept if isinstance(event, h.Send | h.Recv | h.RecvRaw)]
    numbers = {number: at for at, number in enumerate(begun, 1)}
    bodies = {event.body: event.body.rpartition(".")[2] for event in kept if isinstance(event, h.Send)}
    return tuple(_cleaned(event, numbers, bodies) for event in kept)


def _cleaned(event: h.Event, numbers: dict[int, int], bodies: dict[str, str]) -> h.Event:
    replace = msgspec.structs.replace
    match event:
        case h.Send():
            return replace(event, id=numbers[event.id], body=bodies[event.body])
        case h.Ok():
            rows = event.rows and tuple((seq, bodies.get(body, body)) for seq, body in event.rows)
            return replace(event, id=numbers[event.id], rows=rows)
        case h.Recv() | h.RecvRaw() | h.Refused() | h.Indefinite() | h.Settled() | h.Delivered():
            return replace(event, id=numbers[event.id])
        case _:
            return event
