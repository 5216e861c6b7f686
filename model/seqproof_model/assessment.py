"""What a verdict amounts to for someone who knows some of its failures already, and who insists on some grades.

A verdict says what a server does. Whether a build may go on is another question: a failure that is listed with its
reason is *known* and stops nobody; a listed one that passes now is *stale*, because a list that is longer than the
truth hides the next fault; a requirement that is insisted on and was not graded leaves the question open. The verdict
itself is never changed by this: a server with known failures is still not conformant.

Staleness needs a whole run. What passed because its scenario was not played is no news.
Source: docs/ci.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from seqproof_model.verdict import Grade, Result, Verdict, Violation

NOT_WHOLE = "passed as far as it went, but the run was not whole"


@dataclass(frozen=True)
class Known:
    """A failure that is listed: of which requirement, on which targets (a glob), and why it may fail.

    ``sentence``: what was seen when it was listed, "" where a person wrote the entry.
    """

    requirement: str
    target: str
    reason: str
    sentence: str = ""


@dataclass(frozen=True)
class Assessment:
    """A verdict beside what was listed and what is required.

    ``known``: listed and failing. ``stale``: listed and passing. ``waiting``: listed, and nothing can be said, with the
    reason. ``missing``: required, and not graded.
    """

    verdict: Verdict
    known: tuple[Known, ...] = ()
    stale: tuple[Known, ...] = ()
    waiting: tuple[tuple[Known, str], ...] = ()
    missing: tuple[Grade, ...] = ()

    @property
    def reasons(self) -> dict[str, str]:
        """Why each known failure may fail, by requirement."""
        return {entry.requirement: entry.reason for entry in reversed(self.known)}

    @property
    def new(self) -> list[Violation]:
        """The violations that are not listed, in the order of the verdict."""
        listed = self.reasons
        return [violation for violation in self.verdict.violations if violation.requirement not in listed]

    @property
    def inconclusive(self) -> list[str]:
        """What keeps the run from being a pass besides its failures, a line each."""
        wanted = [f"{grade.requirement} is required and not graded: {grade.reason}" for grade in self.missing]
        return [*wanted, *self.verdict.inconclusive]


def assess(
    verdict: Verdict, listed: Iterable[Known] = (), required: Iterable[str] = (), *, whole: bool = True
) -> Assessment:
    """Hold a verdict against the listed failures and the required ids.

    ``whole``: everything that the suite has was played; without that nothing is stale. Entries for other targets are
    left out of account.
    """
    grades = {grade.requirement: grade for grade in verdict.grades}
    known: list[Known] = []
    stale: list[Known] = []
    waiting: list[tuple[Known, str]] = []
    for entry in listed:
        grade = grades.get(entry.requirement)
        if grade is None or not fnmatchcase(verdict.target, entry.target):
            continue
        if grade.result is Result.FAIL:
            known.append(entry)
        elif grade.result is Result.NOT_GRADED:
            waiting.append((entry, grade.reason))
        elif whole:
            stale.append(entry)
        else:
            waiting.append((entry, NOT_WHOLE))
    wanted = [grades[name] for name in required if name in grades]
    missing = tuple(grade for grade in wanted if grade.result is Result.NOT_GRADED)
    return Assessment(verdict, tuple(known), tuple(stale), tuple(waiting), missing)
