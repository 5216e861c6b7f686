"""What a counterexample's ``test_repro.py`` calls: take its steps on the target, and fail while it is at fault.

    reproduce("valkey", [{"do": "send"}, {"do": "kill"}, {"do": "send"}], "strict")

It *passes* only when the steps could be taken, every request had a definite answer, and nothing broke the protocol, as
often as was tried. Anything else fails, in one line: a violation with its sentence; a target that cannot be started,
cannot take these steps, or gives no answer, with the reason, because nobody knows then whether the fault is mended.
A fault that does not show each time is tried several times; ``tries`` says how often.
Source: docs/ci.md.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from seqproof_conformance import phone_targets, targets
from seqproof_conformance.adapter import TargetError
from seqproof_conformance.counterexample import cleaned
from seqproof_conformance.phone_runner import PhoneRunner
from seqproof_conformance.runner import Played, Runner
from seqproof_model import phone_scenario, scenario
from seqproof_model import profile as profiles
from seqproof_model.judge import Judge
from seqproof_model.phone_scenario import PhoneScenario
from seqproof_model.profile import Profile, ProfileError
from seqproof_model.scenario import Scenario, ScenarioError
from seqproof_model.verdict import Violation

__all__ = ["reproduce", "reproduce_phone"]

Steps = Sequence[Mapping[str, Any]]


class _Undecided(Exception):  # noqa: N818 - it says what is so
    """Nobody can tell whether the fault is still there; one line."""


def reproduce(target: str, steps: Steps, profile: str | Mapping[str, Any] = "", *, tries: int = 1) -> None:
    """Take the steps on a server, each time on fresh accounts, at most ``tries`` times.

    ``steps``: as scenario.json has them. ``profile``: what the server is held to, by name or in full; "" for what it
    claims. Raises the exception of ``pytest.fail`` at the first violation, and when nothing can be told.
    """
    __tracebackhide__ = True
    _fail_on(target, lambda: _on_server(target, scenario.decode(_text(steps)), profile, tries))


def reproduce_phone(target: str, steps: Steps, *, tries: int = 1, **more: object) -> None:
    """Take the steps with a phone, as ``reproduce`` does with a server. ``more``: page and tells, as scenario.json."""
    __tracebackhide__ = True
    text = _text(steps, seqproof=phone_scenario.FORMAT, **more)
    _fail_on(target, lambda: _on_phone(target, phone_scenario.decode(text), tries))


def _text(steps: Steps, **more: object) -> bytes:
    return json.dumps({"name": "repro", "steps": list(steps), **more}).encode()


def _fail_on(target: str, find: Callable[[], Violation | None]) -> None:
    import pytest  # only here: the kit itself runs without it

    __tracebackhide__ = True
    try:
        found = find()
    except (_Undecided, TargetError, ScenarioError, ProfileError) as error:
        pytest.fail(f"cannot be told on {target}: {error}", pytrace=False)
    if found is not None:
        pytest.fail(f"{target}: {found.sentence} ({found.requirement}, {found.invariant})", pytrace=False)


def _on_server(target: str, steps: Scenario, profile: str | Mapping[str, Any], tries: int) -> Violation | None:
    with targets.opened(target) as (adapter, hello):
        held_to = _profile(profile) or hello.claims or profiles.find("strict")
        judge = Judge(held_to, paged="paging" in hello.capabilities)
        runner = Runner(adapter, hello, held_to, [judge], lambda _event: None, secrets.token_hex(3))
        if why := runner.why_not(steps):
            raise _Undecided(why)
        for _ in range(tries):
            played = runner.play(steps)
            if played.violation is not None:
                return _as_alone(played, held_to, paged="paging" in hello.capabilities)
        if doubts := runner.line.doubts.lines():
            raise _Undecided("; ".join(doubts))
    return None


def _as_alone(played: Played, held_to: Profile, *, paged: bool) -> Violation | None:
    """The violation with the names of the scenario: on the server, bodies carry what makes them unique."""
    judge = Judge(held_to, paged=paged)
    return next((v for v in map(judge.feed, cleaned(played.events)) if v), played.violation)


def _profile(given: str | Mapping[str, Any]) -> Profile | None:
    """The profile that is meant; None for the one that the server claims. Raises ProfileError."""
    if isinstance(given, str):
        return profiles.find(given) if given else None
    try:
        return msgspec.convert(dict(given), Profile)
    except msgspec.ValidationError as error:
        raise ProfileError(f"{given} is no profile: {error}") from None


def _on_phone(target: str, steps: PhoneScenario, tries: int) -> Violation | None:
    with phone_targets.opened(target) as (adapter, hello):
        runner = PhoneRunner(adapter, hello)
        if why := runner.why_not(steps):
            raise _Undecided(why)
        for _ in range(tries):
            played = runner.play(steps)
            if played.violation is not None:
                return played.violation
    return None
