"""What differs between runs: two of one target, before and after a change; or several targets side by side.

Everything is held against the first run. What matters is not all that differs: a requirement that fails and did not
fail before is *worse*; one that passed and is no longer graded is *less*, for nobody knows now. A failure that is no
longer graded is neither, and is said. A violation is the same when requirement and observation are the same, whatever
its numbers are.

A run that looked less far may find less. So coverage stands beside the grades, line by line, and a run that decided and
now does not is *less*, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from seqproof_model.requirements import REQUIREMENTS
from seqproof_model.results import RunResult, Seen
from seqproof_model.verdict import Grade, Result

COURSES = re.compile(r"up to (\d+) steps of ")


class Change(StrEnum):
    """How a requirement fares against the first run."""

    SAME = "the same"
    BROKEN = "passed, now fails"
    FOUND = "was not graded, now fails"
    LOST = "passed, now not graded"
    MENDED = "failed, now passes"
    GAINED = "was not graded, now passes"
    HIDDEN = "failed, now not graded"
    REASON = "not graded for another reason"


_PASS, _FAIL, _NONE = Result.PASS, Result.FAIL, Result.NOT_GRADED
CHANGES = {
    (_PASS, _FAIL): Change.BROKEN,
    (_NONE, _FAIL): Change.FOUND,
    (_PASS, _NONE): Change.LOST,
    (_FAIL, _PASS): Change.MENDED,
    (_NONE, _PASS): Change.GAINED,
    (_FAIL, _NONE): Change.HIDDEN,
}
WORSE, LESS, BETTER = (Change.BROKEN, Change.FOUND), (Change.LOST,), (Change.MENDED, Change.GAINED)


@dataclass(frozen=True)
class Run:
    """A run by the name under which it was given."""

    name: str
    result: RunResult


@dataclass(frozen=True)
class Compared:
    """A requirement in each run, and how it fares against the first; ``changes`` has one entry a run, first SAME."""

    requirement: str
    grades: tuple[Grade, ...]
    changes: tuple[Change, ...]

    @property
    def changed(self) -> bool:
        """Whether any run differs from the first."""
        return any(change is not Change.SAME for change in self.changes)

    def has(self, kinds: Sequence[Change]) -> bool:
        """Whether any run fares so."""
        return any(change in kinds for change in self.changes)


@dataclass(frozen=True)
class Fault:
    """A violation, and in which runs it was seen: ``times``, in how many accounts, one number a run."""

    requirement: str
    observation: str
    times: tuple[int, ...]
    sentence: str = ""

    @property
    def said(self) -> str:
        """New, gone or the same, against the first run; of several runs, "differs" where they do not agree."""
        later = [bool(times) for times in self.times[1:]]
        if all(later) if self.times[0] else not any(later):
            return "the same"
        if self.times[0]:
            return "differs" if any(later) else "gone"
        return "new" if all(later) else "differs"


@dataclass(frozen=True)
class Line:
    """One fact in each run, "" where a run has nothing to say."""

    name: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether the runs do not agree."""
        return len(set(self.values)) > 1


@dataclass(frozen=True)
class Comparison:
    """All that there is to say of two or more runs. ``worse``, ``less``: a line each, empty when nothing is."""

    runs: tuple[Run, ...]
    rows: tuple[Compared, ...]
    faults: tuple[Fault, ...]
    facts: tuple[Line, ...]
    coverage: tuple[Line, ...]
    worse: tuple[str, ...]
    less: tuple[str, ...]


def compare(runs: Sequence[Run]) -> Comparison:
    """Compare runs, all against the first. Raises ValueError for fewer than two."""
    if len(runs) < 2:
        raise ValueError("a comparison needs two runs or more")
    rows = tuple(_row(name, runs) for name in _requirements(runs))
    worse, less = said(runs, rows, WORSE), [*said(runs, rows, LESS), *_decided(runs)]
    return Comparison(tuple(runs), rows, _faults(runs), _facts(runs), _coverage(runs), tuple(worse), tuple(less))


def _requirements(runs: Sequence[Run]) -> list[str]:
    """Every requirement that some run knows, in the order of the table; then those that this version does not know."""
    known = dict.fromkeys(grade.requirement for run in runs for grade in run.result.grades)
    return [name for name in REQUIREMENTS if name in known] + [name for name in known if name not in REQUIREMENTS]


def _row(requirement: str, runs: Sequence[Run]) -> Compared:
    unknown = Grade(requirement, Result.NOT_GRADED, reason="the run knew no such requirement")
    grades = tuple(run.result.grade(requirement) or unknown for run in runs)
    return Compared(requirement, grades, tuple(_change(grades[0], grade) for grade in grades))


def _change(before: Grade, after: Grade) -> Change:
    if before.result is after.result:
        both = before.result is Result.NOT_GRADED and _plain(before.reason) != _plain(after.reason)
        return Change.REASON if both else Change.SAME
    return CHANGES[before.result, after.result]


def _plain(reason: str) -> str:
    """A reason without what it happens to name: which condition never occurred is told once, by the requirement."""
    return reason.partition(":")[0]


def said(runs: Sequence[Run], rows: Iterable[Compared], kinds: Sequence[Change]) -> list[str]:
    """Say which requirements fare so, a line for each run, change and reason; of several runs it names its own."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        for run, grade, change in zip(runs, row.grades, row.changes, strict=True):
            if change in kinds:
                reason = "never observed" if grade.reason.startswith("never observed") else grade.reason
                groups.setdefault((run.name, change, reason), []).append(row.requirement)
    several = len(runs) > 2
    return [
        f"{name}: " * several + f"{change}: {', '.join(ids)}" + (f" ({reason})" if reason else "")
        for (name, change, reason), ids in groups.items()
    ]


def _decided(runs: Sequence[Run]) -> list[str]:
    """A run that decides nothing where the first one did, though no requirement says so."""
    if runs[0].result.standing != "conformant":
        return []
    return [
        f"{run.name}: inconclusive now, and the first is conformant: {run.result.inconclusive[0]}"
        for run in runs[1:]
        if run.result.standing == "inconclusive" and run.result.inconclusive
    ]


# ---------------------------------------------------------------- violations


def _faults(runs: Sequence[Run]) -> tuple[Fault, ...]:
    """Every violation of any run. Where a file does not tell observations, the requirement alone is compared."""
    told = all(run.result.violations or not run.result.failures for run in runs)

    def key(each: Seen) -> tuple[str, str]:
        return each.requirement, each.observation if told else ""

    counted: dict[tuple[str, str], list[int]] = {}
    for at, run in enumerate(runs):
        for each in run.result.violations or [Seen(item.requirement, "", 1) for item in run.result.failures]:
            counted.setdefault(key(each), [0] * len(runs))[at] += each.times
    order = {name: at for at, name in enumerate(REQUIREMENTS)}
    return tuple(
        Fault(requirement, observation, tuple(times), _sentence(requirement, runs))
        for (requirement, observation), times in sorted(
            counted.items(), key=lambda item: (order.get(item[0][0], len(order)), item[0])
        )
    )


def _sentence(requirement: str, runs: Sequence[Run]) -> str:
    """How it was last said to show itself; "" where no run kept a counterexample."""
    said = [item.sentence for run in reversed(runs) for item in run.result.failures if item.requirement == requirement]
    return said[0] if said else ""


# ---------------------------------------------------------------- facts and coverage

FACTS: dict[str, Callable[[RunResult], str]] = {
    "target": lambda r: r.target,
    "server": lambda r: r.server,
    "profile": lambda r: r.profile,
    "verdict": lambda r: r.standing,
    "graded": lambda r: r.headline.partition(": ")[2],
    "added by the adapter": lambda r: ", ".join(r.adds),
    "suite": lambda r: r.suite or "given scenarios",
    "only": lambda r: r.selected or "",
    "seed": lambda r: "" if r.seed is None else str(r.seed),
    "kit": lambda r: r.kit,
    "inconclusive": lambda r: "; ".join(r.inconclusive),
    "ended early": lambda r: "interrupted" if r.interrupted else r.stopped,
}


def _facts(runs: Sequence[Run]) -> tuple[Line, ...]:
    lines = [Line(name, tuple(tell(run.result) for run in runs)) for name, tell in FACTS.items()]
    return tuple(line for line in lines if any(line.values))


def guarantee(line: str) -> tuple[str, str]:
    """Take a guarantee apart: what it is about, and how far it goes.

    >>> guarantee("every course of up to 4 steps of requests: 51 distinct, of 625")
    ('every course of requests', '4 steps: 51 distinct, of 625')
    >>> guarantee("runs across the edges of the space")
    ('runs across the edges of the space', 'covered')
    """
    about, _, counted = line.rpartition(": ") if ": " in line else (line, "", "")
    steps = COURSES.search(about)
    if steps is None:
        return about, counted or "covered"
    return COURSES.sub("", about, count=1), f"{steps[1]} steps" + (f": {counted}" if counted else "")


def _coverage(runs: Sequence[Run]) -> tuple[Line, ...]:
    """How far each run looked: its guarantees, then its counts."""
    covered = [run.result.coverage for run in runs]
    told = [dict(map(guarantee, each.guarantees)) if each else {} for each in covered]
    lines = [
        Line(about, tuple(each.get(about, "") for each in told)) for about in dict.fromkeys(k for t in told for k in t)
    ]
    taken = tuple("{} of {}".format(*each.transitions) if each and each.transitions[1] else "" for each in covered)
    sampled = tuple("; ".join(each.sampled.lines()) if each and each.sampled else "" for each in covered)
    never = tuple("; ".join(each.never) if each else "" for each in covered)
    counts = tuple(str(run.result.scenarios) for run in runs)
    more = [
        Line("transitions surely taken", taken),
        Line("races sampled", sampled),
        Line("never happened", never),
        Line("scenarios played", counts),
    ]
    return tuple(lines + [line for line in more if any(line.values)])
