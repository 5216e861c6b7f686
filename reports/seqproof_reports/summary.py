"""What a run amounts to, in one line and in groups: the same words in the terminal and on the index page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from seqproof_model.verdict import Coverage, Grade, Result, Verdict

SYMBOLS = {Result.PASS: "✓", Result.FAIL: "✗", Result.NOT_GRADED: "–"}
STANDING_SYMBOLS = {"conformant": "✓", "not conformant": "✗", "inconclusive": "–"}


def standing_of(verdict: Verdict) -> str:
    """Say what a verdict amounts to. Nothing graded is never conformant."""
    if not verdict.conformant:
        return "not conformant"
    return "inconclusive" if verdict.inconclusive or not verdict.graded else "conformant"


def headline(verdict: Verdict) -> str:
    """Say with numbers what a run found: the first line everywhere.

    >>> from seqproof_model.profile import built_in
    >>> headline(Verdict("x", built_in()["strict"], (Grade("SEQ-1", Result.PASS),), (), 2))
    'graded 1 of 1: 1 passed, none failed'
    """
    passed, failed = len(verdict.having(Result.PASS)), len(verdict.having(Result.FAIL))
    return f"graded {verdict.graded} of {len(verdict.grades)}: {passed} passed, {failed or 'none'} failed"


def by_reason(grades: Iterable[Grade]) -> list[tuple[str, list[str]]]:
    """Group requirements that are not graded by their reason; conditions that never occurred make one group."""
    groups: dict[str, list[str]] = {}
    for grade in grades:
        reason = grade.reason.partition(":")[0] if grade.reason.startswith("never observed") else grade.reason
        groups.setdefault(reason or "no reason given", []).append(grade.requirement)
    return sorted(groups.items(), key=lambda group: -len(group[1]))


def ids_text(ids: Sequence[str]) -> str:
    """Write requirement ids, consecutive ones as a run.

    >>> ids_text(["DEV-1", "DEV-2", "DEV-3", "SEQ-7", "SEQ-8"])
    'DEV-1..3, SEQ-7, SEQ-8'
    """
    runs: list[list[str]] = []
    for left, right in pairwise(["", *ids]):
        if runs and _number(right) == _number(left) + 1 and _family(right) == _family(left):
            runs[-1].append(right)
        else:
            runs.append([right])
    return ", ".join(f"{run[0]}..{_number(run[-1])}" if len(run) > 2 else ", ".join(run) for run in runs)


def _family(identifier: str) -> str:
    return re.sub(r"\d+$", "", identifier)


def _number(identifier: str) -> int:
    digits = re.search(r"\d+$", identifier)
    return int(digits.group()) if digits else -2


def coverage_lines(coverage: Coverage) -> list[str]:
    """What a run covered to its end, a line each; nothing for a run of given scenarios."""
    lines = [*coverage.guarantees, *(coverage.sampled.lines() if coverage.sampled else ())]
    taken, of = coverage.transitions
    if coverage.guarantees and of:
        lines.append(f"{taken} of the {of} transitions of an account with few messages, surely taken")
    met = sum(1 for times in coverage.sometimes.values() if times)
    if coverage.guarantees and met:
        lines.append(f"{met} of {met + len(coverage.never)} conditions occurred that a good run must meet")
    return lines
