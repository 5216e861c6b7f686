"""The argument of a counterexample, in prose: let these be so, then that must be; however, it is not.

    Let "m1" be acknowledged as seq 1 [2]. After that, phone A asks after 0 [5]. Then seq 1 is due: it exists, and
    nobody has confirmed it. However, it gets nothing [6]. That contradicts RCV-7, what was acknowledged is there
    (docs/requirements.md#rcv-7). Without any one of [2], [5] or [6] there would be no contradiction.

The facts are those that contradict each other and no more (``seqproof_model.contradiction``); each cites its event.
What follows from them stands in ``WHY``, a line for each observation of the judge. The smallest change that would make
it legal was found by asking the judge (``seqproof_model.remedy``).

A phone's counterexample brings its events along, since its judge read another history than the one that is drawn. A
fact of a phone is spared as long as the judge says the same sentence without it. That is not the same as a proof: much
of what is held against a phone is that something did *not* happen, in all of its history, and the words say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from seqproof_model import contradiction, remedy
from seqproof_model import history as h
from seqproof_model.contradiction import Contradiction, NoContradictionError, Question
from seqproof_model.remedy import Change, Remedy
from seqproof_model.verdict import Counterexample, Violation
from seqproof_reports.facts import Fact, Teller, cites, listed
from seqproof_reports.text import rows_text, spans, spans_text
from seqproof_reports.titles import titled

DOCS = "docs/requirements.md"

WHY = {
    "SEQ_OUTSIDE": "every message has a seq within {first}..{top}",
    "SEQ_TAKEN": "no other message can ever have seq {seqs}",
    "TWO_SEQS_RETRY": "a repeat under the same client id is the same message, under the same seq",
    "TWO_SEQS": "each time that it was sent made one message at most",
    "SEQ_BEHIND": "what is sent after that has a larger seq",
    "SEQ_CLOSED": "what a reply passed over does not exist, and never will",
    "SEQ_SKIPPED": "each seq below one that is given out was taken by a message, and too few were sent for that",
    "FULL_TOO_EARLY": "there is space for a message: seqs end at {top}",
    "REFUSED_APPEARS": "it is no message, and never will be",
    "OTHER_ACCOUNT": "no reply to another account can hold it",
    "OTHER_BODY": "each seq holds the message that was sent to this account and got it, and no other",
    "UNSORTED": "a reply holds its seqs in ascending order",
    "REPEATED": "a reply holds each seq once",
    "HOLED": "a reply leaves out nothing between its first seq and its last",
    "OWN_ROW": "whoever asks after a seq has everything up to it, so nothing of that is in the reply",
    "CONFIRMED_ROW": "everything up to {confirmed} is confirmed, and what is confirmed is never given again",
    "UPTO_WRONG": "the seq to ask with next is that of the last row, for only what was given may be acknowledged",
    "MORE_UNDECLARED": "all that is due comes in one reply, since no pages are declared",
    "MORE_TOO_EARLY": "seq {seqs} is due too, so that this cannot be the last page",
    "ENDS_EARLY": "a reply that begins after that reaches seq {seqs}",
    "ENDS_BETWEEN": "seq {seqs} was there by the time that the one before it was",
    "WRONG_START": "seq {seqs} is due: it exists, and nobody has confirmed it",
    "EMPTY_PAGE": "seq {seqs} is due, and a page holds one message at least",
    "EMPTY_REPLY": "seq {seqs} is due: it exists, and nobody has confirmed it",
    "BEHIND_REFUSED": "seq_svr is {seq_svr} at least, so whoever asks after that or less must be served",
    "REFUSED_CONFIRMS": "it must have confirmed {seqs}, for nobody else can have",
    "MALFORMED_CONFIRMS": "seq {seqs} is due as before, for a malformed request changes nothing",
    "TIP_ELSEWHERE": "a tip must follow, and to this account",
    "TIP_ASTRAY": "a tip must follow, to the phone that logged in last",
    "TIP_EARLY": "a tip must follow once it can be read",
    "TIP_MISSING": "a tip must follow, to the phone that is logged in",
}
NEGATIVE = ("That is held against it which did not happen in the whole history, so these events are where to look, and "
            "no proof by themselves.")  # fmt: skip


@dataclass(frozen=True)
class Argument:
    """``sentences``: the prose. ``cited``: event numbers from 1, the impossible answer last. ``change``: a sentence.

    ``answer``: the nearest conforming answer in words, "" where none is known. ``profile``: what allows it, or "".
    """

    sentences: tuple[str, ...] = ()
    cited: tuple[int, ...] = ()
    answer: str = ""
    change: str = ""
    profile: str = ""


def argue(counterexample: Counterexample) -> Argument:
    """Argue why no conforming server, or phone, does what this one did."""
    events, violation = counterexample.events, counterexample.violation
    if counterexample.phone is not None or not 1 <= violation.event <= len(events):
        return _of_phone(counterexample)
    asked = Question.of(violation, counterexample.header)
    found = _found(events, asked)
    return Argument() if found is None else _of_server(events, asked, *found)


@lru_cache(maxsize=8)
def _found(events: tuple[h.Event, ...], asked: Question) -> tuple[Contradiction, Remedy] | None:
    """Several formats argue the same counterexample. None: these events show nothing to this version's judge.

    A file of another version may name the observation otherwise; what counts is that this event is impossible.
    """
    try:
        told = contradiction.find(events, contradiction.renamed(events, asked))
    except (NoContradictionError, h.HistoryError):
        return None
    return told, remedy.find(events, contradiction.renamed(events, asked), told.cited)


# ---------------------------------------------------------------- a server


def _of_server(events: Sequence[h.Event], asked: Question, found: Contradiction, cure: Remedy) -> Argument:
    teller = Teller.of(events)
    return Argument(
        tuple(_proof(teller, asked, found)),
        found.cited,
        "" if cure.answer is None else _as_answer(cure.answer.instead),
        _change(teller, asked, cure),
        cure.profile,
    )


def _proof(teller: Teller, asked: Question, found: Contradiction) -> Iterator[str]:
    *before, last = found.cited
    facts = teller.facts(before)
    yield from _premises(facts)
    why = _why(asked, found.judged)
    yield f"Then {why}." if facts else f"{why[:1].upper()}{why[1:]}."
    alone = bool(facts) and _begins(teller.events, before[-1], last)
    yield f"However, {_said(teller.answer_alone(last) if alone else teller.fact(last).text)}."
    yield _against(found.judged)
    yield from _coda(found)


def _premises(facts: Sequence[Fact]) -> Iterator[str]:
    """Let this be so, and that. After that, ..."""
    groups: list[list[Fact]] = []
    for fact in facts:
        if groups and not fact.timed:
            groups[-1].append(fact)
        else:
            groups.append([fact])
    for at, group in enumerate(groups):
        if at == 0:
            yield f"Let {', and '.join(fact.let() for fact in group)}."
        else:
            yield f"After that, {', and '.join(fact.said() for fact in group)}."


def _begins(events: Sequence[h.Event], begin: int, answer: int) -> bool:
    one, two = events[begin - 1], events[answer - 1]
    return isinstance(one, h.Send | h.Recv | h.RecvRaw) and getattr(two, "id", None) == one.id


def _said(text: str) -> str:
    return Fact(text, ()).said()


def _why(asked: Question, judged: Violation) -> str:
    """What follows, in words; the marks are those that the cited facts alone force."""
    profile = asked.profile
    words = WHY.get(judged.observation, "something else must come")
    return words.format(
        seqs=spans_text(spans(judged.seqs), nothing="of a message that was acknowledged"),
        seq_svr=judged.seq_svr,
        confirmed=judged.confirmed,
        first=profile.first_seq,
        top=profile.seq_max,
    )


def _against(violation: Violation) -> str:
    known = titled(violation.requirement)
    title = f", {known.title}" if known.title else ""
    return f"That contradicts {known.id}{title} ({DOCS}#{known.id.lower()})."


def _coda(found: Contradiction) -> Iterator[str]:
    needed = [number for number in found.cited if number not in found.naming]
    if not found.minimal:
        yield "The history is too long to say which of its events could be spared."
    elif len(needed) > 1:
        yield f"Without any one of {_each(needed)} there would be no contradiction."
    elif not found.naming:
        yield f"That is so whatever else the server had answered before [{needed[0]}]."
    if found.naming:
        they = "it only tells" if len(found.naming) == 1 else "they only tell"
        yield f"Without {_each(found.naming)} it would still be impossible; {they} which fault it is."


def _each(numbers: Sequence[int]) -> str:
    return listed([f"[{number}]" for number in numbers], "or") if len(numbers) < 6 else cites(numbers)


# ---------------------------------------------------------------- the smallest change


def _change(teller: Teller, asked: Question, cure: Remedy) -> str:
    change = cure.smallest
    if change is None:
        return ""
    if change.event == asked.event:
        return _instead(change)
    given = teller.events[change.event - 1]
    begin = teller.begun.get(getattr(given, "id", 0))
    what = teller.about(begin) if begin is not None else "what"
    if change.instead is None:
        return f"had {what} never been answered [{change.event}]"
    if isinstance(change.instead, h.Refused):
        return f"had the server refused {what} [{change.event}]"
    return f"had the server answered {what} with {_as_answer(change.instead)} [{change.event}]"


def _instead(change: Change) -> str:
    """Another answer in the place of the impossible one."""
    match change.instead:
        case h.Tips():
            return f"{_as_answer(change.instead)} by [{change.event}]"
        case h.Refused():
            return f"[{change.event}] refused ({change.instead.code})"
        case _:
            return f"[{change.event}] answered with {_as_answer(change.instead)}"


def _as_answer(answer: h.Ok | h.Refused | h.Tips | None) -> str:
    """An answer that might have been given, in words."""
    match answer:
        case h.Ok(seq=int() as seq):
            return f"seq {seq}"
        case h.Ok(rows=None):
            return "an acknowledgement"
        case h.Ok():
            told = {None: "", True: ", more due", False: ""}[answer.more]
            return (f"the rows {rows_text(answer.rows)}" if answer.rows else "an empty reply") + told
        case h.Refused():
            return f"a refusal ({answer.code})"
        case h.Tips():
            return f"a tip for phone {answer.tips[-1].phone}"
        case None:
            return "no answer"


# ---------------------------------------------------------------- a phone


def _of_phone(counterexample: Counterexample) -> Argument:
    """A phone's judge has found the events when the counterexample was made; an older file has none."""
    violation, events = counterexample.violation, counterexample.events
    cited = tuple(number for number in counterexample.cited if 1 <= number <= len(events))
    if not cited or counterexample.phone is None:
        return Argument()
    own = cited[-1] == violation.event
    facts = Teller.of(events).facts(cited[:-1] if own else cited)
    requirement = titled(violation.requirement)
    nearest = f" (a conforming one: {violation.nearest.sentence})" if violation.nearest else ""
    sentences = (
        *_premises([Fact(fact.text, fact.cited, timed=True) for fact in facts]),
        f"Then of a phone it is asked that {_lower(requirement.sentence)}" if requirement.sentence else "",
        f"However, {violation.sentence}{nearest}{f' [{cited[-1]}]' if own else ''}.",
        _against(violation),
        NEGATIVE,
    )
    return Argument(tuple(filter(None, sentences)), cited)


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
