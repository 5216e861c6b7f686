"""What a suite consists of: parts, in the order in which they are played, each with what it guarantees.

    golden     the worked cases of the article, and a scenario for each requirement
    NAME       all short courses of an alphabet (``exhaustive``): requests, kills, late, trims, stores, accounts
    tours      every transition of the protocol as a server sees it (``quotient``)
    volume     a backlog larger than any of the golden scenarios; not in the suite quick
    boundary   the edges of the space: 2^24, 2^31, 2^32, found by a solver (``boundary``)
    held, at-once, around, wire   requests at once, kills around one, connections that break (``overlaps``)
    sampled    races at the target's own pace, in many trials (``sampled``); not in the suite quick
    campaign   Hypothesis, for depth

How long the courses are follows from how fast the target is: after the golden scenarios its rate is known, and for each
alphabet the longest length is taken that fits its time. So the guarantee differs between a fast target and a slow one;
it is printed, and ``--length`` fixes it. Source: docs/requirements.md, "Suites".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache

from seqproof_conformance import boundary, exhaustive, overlaps, quotient
from seqproof_conformance.exhaustive import ALPHABETS, Alphabet, Enumeration
from seqproof_model.profile import Profile
from seqproof_model.scenario import Drain, Kill, Login, Logout, Recv, Scenario, Send, Tips

CAMPAIGN, GOLDEN, VOLUME = "campaign", "golden", "volume"
TOGETHER = 2_000  # scenarios played side by side: they share their kills


class SuiteName(StrEnum):
    """How much is played."""

    QUICK = "quick"
    STANDARD = "standard"
    FULL = "full"


@dataclass(frozen=True)
class Size:
    """How large a suite is. ``seconds``: for the courses of each alphabet; ``shortest``, ``longest``: their lengths.

    ``plain``, ``with_kills``: examples of the campaign. ``volume``: messages of the largest backlog, 0 for none.
    ``trials``: of races that are sampled, and no more begins after ``sampling_s`` seconds.
    """

    seconds: float
    shortest: int
    longest: int
    plain: int
    with_kills: int
    volume: int = 0
    trials: int = 0
    sampling_s: float = 30.0


SIZES = {
    SuiteName.QUICK: Size(0.7, 3, 4, 120, 30),
    SuiteName.STANDARD: Size(6.0, 4, 6, 400, 100, volume=1_500, trials=300),
    SuiteName.FULL: Size(90.0, 5, 7, 4000, 800, volume=5_000, trials=2_000, sampling_s=180.0),
}


@dataclass(frozen=True)
class Rate:
    """How long a request, a kill with its restart, and a login, a logout or a look at the tips take, in seconds."""

    request_s: float
    kill_s: float
    tip_s: float = 0.0

    def estimate(self, scenarios: Collection[Scenario]) -> float:
        """How long these scenarios take, in seconds, played side by side."""
        steps = [step for scenario in scenarios for step in scenario.steps]
        tips = sum(isinstance(step, Login | Logout | Tips) for step in steps)
        requests = sum(step.count if isinstance(step, Send) else 1 for step in steps) - tips
        kills = max((sum(isinstance(step, Kill) for step in s.steps) for s in scenarios), default=0)
        killing_s = kills * self.kill_s * -(-len(scenarios) // TOGETHER)
        return (requests + len(scenarios)) * self.request_s + tips * self.tip_s + killing_s


@dataclass(frozen=True)
class Part:
    """A part of a suite. ``guarantee``: what is known once all of it was played without a violation, one line."""

    name: str
    scenarios: tuple[Scenario, ...]
    guarantee: str = ""


@cache
def _enumerated(alphabet: Alphabet, length: int) -> Enumeration:
    return exhaustive.enumerate_all(alphabet, length)


def lengths(
    size: Size, capabilities: Collection[str], rate: Rate, wanted: Callable[[str], bool], fixed: int | None = None
) -> dict[str, int]:
    """For each alphabet that a target can play, the length of its courses. ``fixed``: the same for all.

    The length of ``volume`` is its number of messages; it is left out where a target is too slow for it.
    """
    found: dict[str, int] = {}
    for alphabet in ALPHABETS:
        if alphabet.needs - set(capabilities) or not wanted(alphabet.name):
            continue
        length = fixed or size.shortest - alphabet.shorter
        while not fixed and length < size.longest - alphabet.shorter:
            if rate.estimate(_enumerated(alphabet, length + 1).scenarios) > size.seconds:
                break
            length += 1
        found[alphabet.name] = length
    if size.volume and wanted(VOLUME) and rate.estimate(volume(size.volume)) <= size.seconds:
        found[VOLUME] = size.volume
    return found


def volume(messages: int) -> tuple[Scenario, ...]:
    """A backlog of so many messages, that a phone drains; then a new phone asks."""
    if not messages:
        return ()
    steps = (Send(count=messages), Drain(), Recv(fresh=True))
    text = "What is kept in a list of fixed size, or given to a limit, shows only when there is more than that."
    return (Scenario(VOLUME, steps, f"A backlog of {messages:,} messages", text, ("SND-1", "RCV-1", "RCV-2")),)


def parts(
    profile: Profile, capabilities: Collection[str], chosen: Mapping[str, int], wanted: Callable[[str], bool]
) -> list[Part]:
    """The parts between the golden scenarios and the campaign. ``chosen``: the lengths by alphabet."""
    found: list[Part] = []
    for alphabet in ALPHABETS:
        if alphabet.name in chosen:
            enumerated = _enumerated(alphabet, chosen[alphabet.name])
            found.append(Part(alphabet.name, enumerated.scenarios, enumerated.guarantee()))
    if VOLUME in chosen:
        found.append(Part(VOLUME, volume(chosen[VOLUME]), f"a backlog of {chosen[VOLUME]:,} messages"))
    found.append(Part("tours", tuple(quotient.tours(profile, capabilities))))  # what it took is counted, not claimed
    if "preset_seq" in capabilities:
        found.append(Part("boundary", tuple(boundary.scenarios(profile)), "runs across the edges of the space"))
    for name, scenarios, need, what in (
        ("held", [*overlaps.held(kills=False), *overlaps.held_with_kills()], "begin_send", "two sends held half-way"),
        ("at-once", overlaps.at_once(), "overlap", "requests on threads at once"),
        ("around", overlaps.killed_around(), "kill", "a kill before, during and right after a request"),
        ("wire", overlaps.on_the_wire(), "wire", "a connection that breaks under a request"),
    ):
        if need in capabilities:
            able = [scenario for scenario in scenarios if scenario.needs <= set(capabilities)]
            found.append(Part(name, tuple(able), f"{what}: {len(able)} schedules"))
    return [part for part in found if wanted(part.name)]


def wanted(pattern: str | None) -> Callable[[str], bool]:
    """Whether the parts of a name are asked for by ``-k PATTERN``; case does not matter."""
    glob = (pattern or "*").lower()
    return lambda name: fnmatchcase(name, glob)
