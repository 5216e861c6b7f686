"""Exit codes: each means one thing, and only the most severe one comes out.

    0 conformant   1 non-conformant   2 usage   3 inconclusive   4 the target, the environment or the kit failed
    5 nothing was selected   6 the baseline is stale   130 interrupted before any violation, results kept

They are never or-ed and never a count. A violation outranks a broken harness: it was seen, whatever happened later. A
stale baseline outranks an inconclusive run: it can be mended at once.
Source: docs/requirements.md, exit codes.
"""

from __future__ import annotations

from collections.abc import Iterable

from seqproof_model.assessment import Assessment

CONFORMANT, VIOLATED, USAGE, INCONCLUSIVE, FAILED, NOTHING, STALE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 130
SEVERITY = (USAGE, VIOLATED, INTERRUPTED, FAILED, STALE, INCONCLUSIVE, NOTHING, CONFORMANT)


def exit_code(apply: Iterable[int]) -> int:
    """Of the codes that apply, the most severe; 0 when none does.

    >>> exit_code([3, 1, 6]), exit_code([3, 6]), exit_code([])
    (1, 6, 0)
    """
    return min(apply, key=SEVERITY.index, default=CONFORMANT)


def codes_of(assessment: Assessment) -> set[int]:
    """Return every code that applies to a run; empty when it is conformant."""
    verdict = assessment.verdict
    applies = {
        VIOLATED: bool(assessment.new),
        INTERRUPTED: verdict.interrupted,
        FAILED: bool(verdict.stopped),
        STALE: bool(assessment.stale),
        INCONCLUSIVE: bool(assessment.inconclusive),
    }
    return {code for code, does in applies.items() if does}
