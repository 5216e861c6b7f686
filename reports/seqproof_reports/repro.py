"""A counterexample as a test of your own: it fails while the server does this, and passes when it is mended.

``test_repro.py`` stands alone: the steps are in it, one a line, so it can be copied into a repository and kept there.
It reaches the server through its adapter, as the run did. What it calls is ``seqproof_conformance.repro``.

A fault that did not show in each of its re-runs is tried several times. How many: the rate is taken to be
(seen + 1) / (tried + 2), the mean of what it may be after so many trials (Laplace's rule of succession); then so many
tries that a server at fault passes them all less than once in a hundred.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from textwrap import wrap
from typing import Any, cast

import msgspec

from seqproof_model import profile as profiles
from seqproof_model.profile import Profile, ProfileError
from seqproof_model.verdict import Counterexample
from seqproof_reports.report import reproduced
from seqproof_reports.text import visible
from seqproof_reports.titles import titled

NAME = "test_repro.py"
MISSED = 0.01  # how likely a server at fault may pass, at the rate that was seen
MOST_TRIES = 40
WIDTH = 88  # columns of the prose
LONG = 60  # characters: a body longer than that is told by its length, where it is one sign again and again
VARIABLE = "SEQPROOF_TARGET"


def tries(counterexample: Counterexample) -> int:
    """How often the steps are to be tried: once where they showed the fault every time."""
    seen, tried = counterexample.reproduced, counterexample.tried
    if tried and seen == tried:
        return 1
    rate = (seen + 1) / (tried + 2)
    return min(MOST_TRIES, math.ceil(math.log(MISSED) / math.log(1 - rate)))


def repro_test(counterexample: Counterexample) -> str:
    """Write the file. Nothing that a server said can become code: it stands in comments and literals only."""
    return "\n".join(_lines(counterexample)) + "\n"


def _lines(found: Counterexample) -> Iterator[str]:
    requirement, violation = titled(found.violation.requirement), found.violation
    call = "reproduce_phone" if found.phone else "reproduce"
    yield from _prose(f"{violation.sentence}.")
    yield "#"
    yield from _prose(f"{requirement.heading}. {requirement.sentence}" if requirement.title else requirement.id)
    yield "#"
    yield f"# This test fails while the {'phone' if found.phone else 'server'} does that, and passes when it is mended:"
    yield "#"
    yield f"#     pytest {NAME}"
    yield f"#     {VARIABLE}=TARGET pytest {NAME}        # on another target: the mended one"
    yield "#"
    yield from _prose(f"In short: {found.trace}")
    yield from _prose(f"Written by seqproof: {reproduced(found)}; {found.claim or 'nothing is claimed of its length'}.")
    yield ""
    yield "import os"
    yield ""
    yield f"from seqproof_conformance.repro import {call}"
    yield ""
    yield f'TARGET = os.environ.get("{VARIABLE}", {_literal(found.header.target)})'
    if not found.phone:
        yield f"PROFILE = {_profile(found.header.profile)}"
    plain = msgspec.to_builtins(found.phone or found.scenario)
    yield "STEPS = ["
    yield from (f"    {_literal(step)}," for step in plain["steps"])
    yield "]"
    yield ""
    yield ""
    yield f"def test_{re.sub('[^a-z0-9]+', '_', violation.requirement.lower())}():"
    page = [f"{name}={_literal(plain[name])}" for name in ("page", "tells") if name in plain]
    words = ", ".join(["TARGET", "STEPS", *(page if found.phone else ["PROFILE"])])
    yield from _tries(found, f"    {call}({words}")


def _tries(found: Counterexample, call: str) -> Iterator[str]:
    count = tries(found)
    if count == 1:
        yield f"{call})"
        return
    rate = f"{found.reproduced} of {found.tried} re-runs" if found.tried else "no re-run, as there was none"
    yield f"    # It showed in {rate}; at such a rate a server at fault passes {count} tries"
    yield f"    # less than once in {round(1 / MISSED)} times." if count < MOST_TRIES else "    # now and then."
    yield f"{call}, tries={count})"


def _profile(profile: Profile) -> str:
    """The profile by its name, where that means the same everywhere; else in full."""
    try:
        known = profiles.find(profile.name) == profile
    except ProfileError:
        known = False
    return _literal(profile.name if known else msgspec.to_builtins(msgspec.structs.replace(profile, summary="")))


def _prose(text: str) -> list[str]:
    """A text as comments. What is visible has no line end, so nothing in it can be code."""
    return [f"# {line}" for line in wrap(visible(text), WIDTH, break_on_hyphens=False)]


def _literal(value: Any) -> str:
    """Data as Python has it, in double quotes and in ASCII, so that any editor shows the same."""
    match value:
        case str() if len(value) > LONG and len(set(value)) == 1:
            return f"{_literal(value[0])} * {len(value)}"
        case str():
            return json.dumps(value) if value.isascii() else ascii(value)
        case dict():
            pairs = cast("dict[str, Any]", value).items()
            return "{" + ", ".join(f"{_literal(key)}: {_literal(item)}" for key, item in pairs) + "}"
        case list() | tuple():
            return "[" + ", ".join(_literal(item) for item in cast("list[Any]", value)) + "]"
        case _:
            return repr(value)
