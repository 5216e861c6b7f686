"""The verdict on a phone: per requirement pass, fail or not graded, from what was observed of it.

Requirements of servers do not appear; SND-3 does, because its first half is the sender's: a repeat carries the client
id of the first attempt. Source: docs/phones.md; docs/architecture.md, "What a pass means".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from seqproof_model.history import Header
from seqproof_model.phone_words import PhoneHello
from seqproof_model.requirements import REQUIREMENTS, Level
from seqproof_model.verdict import Coverage, Grade, Result, Verdict, Violation

GRADED = ("SND-3", "DEV-1", "DEV-2", "DEV-3", "DEV-4", "DEV-5", "DEV-6", "DEV-7", "PSH-1", "PSH-4")


def verdict(
    header: Header,
    hello: PhoneHello,
    counts: Counter[str],
    violations: Sequence[Violation],
    events: int,
    *,
    scope: Collection[str],
    coverage: Coverage | None = None,
    partial: int | None = None,
    interrupted: bool = False,
    stopped: str = "",
    undecided: tuple[str, ...] = (),
) -> Verdict:
    """Sum up what was found of a phone: requirements of servers do not appear.

    ``scope``: what was looked for. ``partial``: the last good line of a history without its end.
    """
    grades = tuple(_grade(name, header, hello, counts, violations, scope) for name in GRADED)
    return Verdict(
        header.target,
        header.profile,
        grades,
        tuple(violations),
        events,
        partial=partial,
        interrupted=interrupted,
        stopped=stopped,
        undecided=undecided,
        coverage=coverage,
    )


NEEDS: dict[str, tuple[str, ...]] = {"SND-3": ("send",)}


def _grade(
    name: str,
    header: Header,
    hello: PhoneHello,
    counts: Counter[str],
    violations: Sequence[Violation],
    scope: Collection[str],
) -> Grade:
    row, observed, added = REQUIREMENTS[name], counts[name], name in header.adds
    if any(violation.requirement == name for violation in violations):
        return Grade(name, Result.FAIL, observed, added_by_adapter=added)
    if name == "PSH-4" and hello.poll_ms is None:
        return Grade(name, Result.NOT_GRADED, 0, "it does not poll: it declares no poll_ms")
    needs = NEEDS.get(name, row.needs)
    missing = [need for need in needs if need not in header.capabilities]
    by = next((v.requirement for v in violations if name in v.suspects), "")
    if by:
        return Grade(name, Result.NOT_GRADED, observed, f"suspected: see {by}")
    if missing:
        return Grade(name, Result.NOT_GRADED, 0, f"the phone does not declare {', '.join(missing)}")
    if observed:
        return Grade(name, Result.PASS, observed, added_by_adapter=added)
    looked_for = name in scope and row.level is Level.MUST
    return Grade(name, Result.NOT_GRADED, 0, f"never observed: {CONDITIONS[name]}", looked_for, added)


CONDITIONS = {
    "SND-3": "a send of the user was lost and went out again",
    **{name: REQUIREMENTS[name].condition for name in GRADED if name != "SND-3"},
}
