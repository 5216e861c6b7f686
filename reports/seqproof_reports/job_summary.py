"""A run as Markdown for the summary of a CI job: the verdict with its numbers first, then what there is to do.

What was not graded and what was covered are folded: a line each until somebody asks.

Such a page has a size that it may not exceed, and it is shown beside other people's. So whatever a server said is cut,
made visible, and escaped, links included; of very many failures the last rows are left out, and it says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from seqproof_model.assessment import Assessment
from seqproof_model.verdict import Counterexample, Coverage, Result, Violation
from seqproof_reports.markdown import code, escape
from seqproof_reports.summary import STANDING_SYMBOLS, by_reason, coverage_lines, headline, ids_text, standing_of
from seqproof_reports.text import plural, short

MOST_BYTES = 60_000  # a job summary or a comment may have 65 536, with what others add
LONGEST = 240  # characters of one text
MOST_LINES = 40  # of one list


def job_summary(assessment: Assessment, counterexamples: Sequence[Counterexample] = (), place: str = "") -> str:
    """Write the summary, less than 64 KiB of it. ``place``: where the whole results are, "" for nowhere."""
    head, tail = [*_head(assessment), ""], [*_lists(assessment), *_not_graded(assessment), *_covered(assessment)]
    if place:
        tail.append(f"Everything: {code(short(place, LONGEST))}")
    left = MOST_BYTES - _size([*head, *tail])
    return "\n".join([*head, *_failures(assessment, counterexamples, left), *tail]).rstrip() + "\n"


def _size(lines: Iterable[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)


def said(text: str) -> str:
    r"""Escape a text for a table or a list; it becomes neither markup nor a link.

    >>> said("see https://x.y | <b>")
    'see https:\\//x.y \\| \\<b\\>'
    """
    return escape(short(text, LONGEST)).replace("://", ":\\//").replace("www.", "www\\.")


def _cell(text: str) -> str:
    """A code span inside a table."""
    return code(short(text, LONGEST)).replace("|", "\\|")


def _head(assessment: Assessment) -> Iterator[str]:
    verdict = assessment.verdict
    standing = standing_of(verdict)
    known = f", {len(assessment.reasons)} of them known" if assessment.reasons else ""
    yield (
        f"{STANDING_SYMBOLS[standing]} **{said(verdict.target)}** ({said(verdict.profile.describe())}): "
        f"{standing}, {headline(verdict)}{known}"
    )


def _failures(assessment: Assessment, counterexamples: Sequence[Counterexample], left: int) -> list[str]:
    """The table of the violations that are not known, as many rows as there is room for."""
    if not assessment.new:
        return []
    shown = {item.violation.requirement: item for item in counterexamples}
    lines = ["| requirement | what happened | trace | replay |", "| --- | --- | --- | --- |"]
    firsts = {violation.requirement: violation for violation in reversed(assessment.new)}
    rows = [_row(firsts[name], shown.get(name)) for name in reversed(firsts)]
    room = left - _size(lines) - 80  # for the line that says how many are left out
    fitting = 0
    while fitting < len(rows) and (room := room - _size([rows[fitting]])) > 0:
        fitting += 1
    lines += [*rows[:fitting], ""]
    return lines if fitting == len(rows) else [*lines, f"… and {plural(len(rows) - fitting, 'more failure')}.", ""]


def _row(violation: Violation, shown: Counterexample | None) -> str:
    trace, replay = (_cell(shown.scenario.notation()), _cell(shown.replay)) if shown else ("", "")
    sentence = shown.violation.sentence if shown else violation.sentence
    return f"| **{said(violation.requirement)}** | {said(sentence)} | {trace} | {replay} |"


def _lists(assessment: Assessment) -> Iterator[str]:
    stale = [f"{entry.requirement} passes; remove it from the baseline" for entry in assessment.stale]
    known = [f"{name}: {reason}" for name, reason in assessment.reasons.items()]
    waiting = [f"{entry.requirement}: {why}" for entry, why in assessment.waiting]
    for title, lines in (
        ("Stale", stale),
        ("Inconclusive", assessment.inconclusive),
        ("Known failures", known),
        ("Listed as known, not decided", waiting),
    ):
        if lines:
            yield f"**{title}**"
            yield ""
            yield from (f"- {said(line)}" for line in lines[:MOST_LINES])
            if len(lines) > MOST_LINES:
                yield f"- … and {len(lines) - MOST_LINES} more"
            yield ""


def _not_graded(assessment: Assessment) -> Iterator[str]:
    grades = assessment.verdict.having(Result.NOT_GRADED)
    reasons = [f"{ids_text(ids)}: {said(reason)}" for reason, ids in by_reason(grades)]
    return _folded(f"{len(grades)} not graded", reasons)


def _covered(assessment: Assessment) -> Iterator[str]:
    """How far the looking went: the numbers, and what they stand for where somebody unfolds it."""
    verdict = assessment.verdict
    coverage = verdict.coverage or Coverage()
    taken, of = coverage.transitions
    met = sum(times > 0 for times in coverage.sometimes.values())
    counts = [plural(len(coverage.guarantees), "part") + " to the end"]
    counts += [f"{taken} of {of} transitions"] * bool(of)
    counts += [f"{met} of {met + len(coverage.never)} conditions"]
    lines = [*coverage_lines(coverage), *(f"never happened: {line}" for line in coverage.never)]
    lines += [f"{grade.requirement}: {grade.reason}" for grade in verdict.having(Result.PASS) if grade.reason]
    return _folded(f"Covered: {', '.join(counts)}", [said(line) for line in lines])


def _folded(title: str, lines: Sequence[str]) -> Iterator[str]:
    """A list that opens when it is asked for; nothing for an empty one."""
    if lines:
        yield f"<details><summary>{title}</summary>"
        yield ""
        yield from (f"- {line}" for line in lines[:MOST_LINES])
        yield ""
        yield "</details>"
        yield ""
