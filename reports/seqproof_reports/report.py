"""What a counterexample's report says, before it has a form: HTML and Markdown print the same ``Report``.

It holds the sentence, the requirement, what was expected beside what was observed, the argument that no conforming
server could have done this, and the facts one needs to do it again. See docs/architecture.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from seqproof_model.history import Ok, Send
from seqproof_model.verdict import Counterexample, Violation
from seqproof_reports.argument import argue
from seqproof_reports.facts import listed
from seqproof_reports.marks import due
from seqproof_reports.picture import Moment, State, Story
from seqproof_reports.story import tell
from seqproof_reports.text import Span, contains, plural, quoted, rows_text, spans_text
from seqproof_reports.titles import Titled, titled

SHOWN = 3  # names of faults that look the same
LEAST = 4  # lines alike, one after the other, from which on they are joined
LONGEST = 10_000  # seqs of a run that are looked at one by one
QUOTED = 40  # characters of a body in a comparison


class Status(StrEnum):
    """How one seq of the observed reply compares with the nearest conforming one."""

    SAME = "as expected"
    MISSING = "missing"
    REPEATED = "repeated"
    EXTRA = "not expected"
    OTHER = "another body"


@dataclass(frozen=True)
class Line:
    """One line of the comparison: a seq, or several that fare alike; "" where a side has nothing."""

    seqs: str
    expected: str
    observed: str
    status: Status


@dataclass(frozen=True)
class Report:
    """Everything a report prints. ``facts``: name and value, in order; ``argument``: sentences.

    ``subject``: what is under test, a server or a phone. ``cited``: the events of the argument, from 1. ``change``: the
    smallest that makes this legal, ``allowed``: a profile that allows it, "" where there is none. ``like``: the known
    faults whose shortest counterexample has the same shape.
    """

    story: Story
    violation: Violation
    requirement: Titled
    suspects: tuple[Titled, ...]
    expected: str
    observed: str
    comparison: tuple[Line, ...]
    argument: tuple[str, ...]
    notation: str
    reproduced: str
    claim: str
    replay: str
    facts: tuple[tuple[str, str], ...]
    last_words: tuple[str, ...]
    subject: str = "server"
    cited: tuple[int, ...] = ()
    change: str = ""
    allowed: str = ""
    like: tuple[str, ...] = ()


def report(counterexample: Counterexample) -> Report:
    """Gather a counterexample's report."""
    violation, argued = counterexample.violation, argue(counterexample)
    story = tell(counterexample.events, counterexample.header, violation)
    moment = story.violating
    return Report(
        story=story,
        violation=violation,
        requirement=titled(violation.requirement),
        suspects=tuple(titled(name) for name in violation.suspects),
        expected=_expected(violation),
        observed=_observed(violation, moment, of_phone(counterexample)),
        comparison=tuple(_comparison(counterexample, moment)),
        argument=argued.sentences,
        cited=argued.cited,
        change=argued.change,
        allowed=argued.profile,
        like=counterexample.like,
        notation=counterexample.trace,
        reproduced=reproduced(counterexample),
        claim=counterexample.claim,
        replay=counterexample.replay,
        facts=tuple(_facts(counterexample)),
        last_words=counterexample.last_words,
        subject="phone" if of_phone(counterexample) else "server",
    )


def _observed(violation: Violation, moment: Moment | None, phone: bool) -> str:
    """What was seen: a server's answer; of a phone, what the sentence says it does."""
    return violation.sentence if phone or moment is None else moment.answered or moment.asked


def of_phone(counterexample: Counterexample) -> bool:
    """Whether a phone is under test."""
    return counterexample.phone is not None


def _expected(violation: Violation) -> str:
    """The nearest conforming answer; a single row with its body."""
    if violation.nearest is None:
        return ""
    rows = violation.nearest.rows
    alone = len(rows) == 1 and violation.nearest.sentence == str(rows[0][0])
    return rows_text(rows) if alone else violation.nearest.sentence


def reproduced(counterexample: Counterexample) -> str:
    """Say how often it happened again."""
    if not counterexample.tried:
        return "not tried again"
    return f"reproduced {counterexample.reproduced} of {plural(counterexample.tried, 'time')}"


def _comparison(counterexample: Counterexample, moment: Moment | None) -> Iterator[Line]:
    """Set the reply beside the nearest conforming one, seq by seq; nothing for a violation that is no reply of rows."""
    violation, rows = counterexample.violation, _rows(counterexample)
    state = moment.state if moment else None
    if rows is None or state is None or violation.nearest is None or of_phone(counterexample):
        return
    sent, given = _bodies(counterexample, violation.account), dict(rows)
    sent.update(violation.nearest.rows)
    expected = [*due(violation, counterexample.header)]
    seqs = sorted({*given, *(seq for low, high in expected for seq in range(low, min(high, low + LONGEST) + 1))})
    lines: list[Line] = []
    for seq in seqs:
        if seq not in given and not contains(state.missing, seq):
            continue  # a page may end before it
        wanted = sent.get(seq, "?") if contains(expected, seq) else None
        lines.append(_line(seq, wanted, given.get(seq), contains(state.repeated, seq)))
    for _, group in groupby(lines, key=lambda line: (line.status, bool(line.expected), bool(line.observed))):
        run = list(group)
        yield from [_joined(run)] if len(run) >= LEAST else run


def _rows(counterexample: Counterexample) -> Sequence[tuple[int, str]] | None:
    """The rows of the violating reply; None when it has none to compare."""
    violation, events = counterexample.violation, counterexample.events
    sends = {event.id for event in events if isinstance(event, Send)}
    at = events[violation.event - 1] if 1 <= violation.event <= len(events) else None
    if isinstance(at, Ok) and at.id not in sends:
        return at.rows or ()
    return None


def _bodies(counterexample: Counterexample, account: str) -> dict[int, str]:
    """What each seq of the account holds, as far as senders were told."""
    sends = {event.id: event for event in counterexample.events if isinstance(event, Send)}
    answers = [event for event in counterexample.events if isinstance(event, Ok) and event.id in sends]
    return {ok.seq: sends[ok.id].body for ok in answers if ok.seq is not None and sends[ok.id].account == account}


def _line(seq: int, wanted: str | None, given: str | None, repeated: bool) -> Line:
    if given is None:
        status = Status.MISSING
    elif wanted is None:
        status = Status.REPEATED if repeated else Status.EXTRA
    else:
        status = Status.SAME if wanted in {"?", given} else Status.OTHER
    return Line(
        str(seq),
        "" if wanted is None else quoted(wanted, QUOTED),
        "" if given is None else quoted(given, QUOTED),
        status,
    )


def _joined(run: list[Line]) -> Line:
    first, last = run[0], run[-1]
    count = f"{len(run)} messages"
    return Line(
        f"{first.seqs}..{last.seqs}", count if first.expected else "", count if first.observed else "", first.status
    )


def lessons(told: Report) -> list[tuple[str, str]]:
    """What is to be learned besides, as name and sentence: the smallest change, a profile, faults of the same shape."""
    more = [f"{len(told.like) - SHOWN} more"] if len(told.like) > SHOWN else []
    names = listed([*told.like[:SHOWN], *more] or [""])
    return [
        (name, said)
        for name, value, said in (
            ("legal if", told.change, told.change),
            ("allowed by", told.allowed, f"profile {told.allowed}"),
            ("looks like", names, f"same as mutant {names}"),
        )
        if value
    ]


def _facts(counterexample: Counterexample) -> Iterator[tuple[str, str]]:
    header = counterexample.header
    yield "target", header.target
    yield "phone" if of_phone(counterexample) else "server", header.server
    yield "profile", header.profile.describe()
    yield "capabilities", ", ".join(header.capabilities)
    if header.adds:
        yield "added by the adapter", ", ".join(header.adds)
    yield "found by", counterexample.found_by
    yield "seed", "" if header.seed is None else str(header.seed)
    yield "kit", header.kit


def standing(state: State | None) -> list[tuple[str, str]]:
    """A state as name and value, for tables: the account's two marks, then each phone."""
    if state is None:
        return []
    return [
        ("allocated", str(state.allocated)),
        ("confirmed", str(state.confirmed)),
        *((phone.name, f"{phone.seq_cli}, {_holds(phone.holds)}") for phone in state.phones),
    ]


def _holds(runs: Sequence[Span]) -> str:
    return f"holds {spans_text(runs, 3)}"
