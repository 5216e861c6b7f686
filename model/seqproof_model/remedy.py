"""The smallest change that makes a violation legal: another answer, another outcome before it, or another profile.

Nothing here knows what is legal. Changes are made up, the smallest first, and the judge is asked about each; the first
that it accepts is told. The *size* of a change counts what differs: a row more or less, a flag, an answer of another
kind. What can be changed:

* the answer itself: then this is the *nearest conforming answer*, the one that a correct server might have given here;
* the outcome of one earlier request. Only events that the argument cites are tried (``contradiction``): a fact that can
  be weakened without an end to the contradiction can be replaced without an end to it, for whatever it said instead
  would say more than nothing. And every cited answer makes the history legal when it is not given at all;
* the profile: what the server is held to. That is no change of what it did, so it is told beside the others.

Source: docs/requirements.md; the judge's ``nearest`` says the same in words, and is tested to be accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from seqproof_model import history as h
from seqproof_model.account import Account, Pending
from seqproof_model.contradiction import Question, accepts, contradicts
from seqproof_model.judge import Judge
from seqproof_model.profile import Profile

TRIED = 400  # answers that are made up at one place
ENDS = 12  # lower and upper ends of a reply that are tried
Made = h.Ok | h.Refused | h.Tips


@dataclass(frozen=True)
class Change:
    """Event ``event`` (from 1) is ``instead``; None: it is never answered. ``size``: how much differs."""

    event: int
    instead: Made | None
    size: int


@dataclass(frozen=True)
class Remedy:
    """``answer``: the nearest conforming answer, None where none was found. ``smallest``: of all changes.

    ``profile``: one that allows what happened, "" where none of the built-in liberties does.
    """

    answer: Change | None
    smallest: Change | None
    profile: str = ""


def find(events: Sequence[h.Event], asked: Question, cited: Sequence[int]) -> Remedy:
    """Find the changes. ``cited``: the events of the argument."""
    answer = next(_accepted(events, asked, asked.event), None)
    earlier = [change for number in cited[:-1] if (change := _outcome(events, asked, number, cited))]
    changes = [*([answer] if answer else []), *earlier]
    smallest = min(changes, key=lambda it: (it.size, it.instead is None, -it.event), default=None)
    return Remedy(answer, smallest, _allowing(events, asked))


def _accepted(events: Sequence[h.Event], asked: Question, number: int) -> Iterator[Change]:
    """The answers that could stand in the place of event ``number``, the smallest change first."""
    given = events[number - 1]
    made = {answer: _size(given, answer) for answer in conforming(events[: number - 1], given, asked)}
    for answer, size in sorted(made.items(), key=lambda item: item[1])[:TRIED]:
        if size and accepts((*events[: number - 1], answer, *events[number : asked.event]), asked):
            yield Change(number, answer, size)


def _outcome(events: Sequence[h.Event], asked: Question, number: int, cited: Sequence[int]) -> Change | None:
    """Another outcome of an earlier request: refused, answered otherwise, or not answered."""
    given = events[number - 1]
    if not isinstance(given, h.Ok | h.Refused):
        return None
    found = next(_accepted(events, asked, number), None)
    if found:
        return found
    rest = set(range(1, asked.event + 1)) - {number}
    silent = contradicts(events, rest, asked) is None and set(cited) >= {number}
    return Change(number, None, 1 + len(given.rows or () if isinstance(given, h.Ok) else ())) if silent else None


def _size(given: h.Event, answer: Made) -> int:
    """How much differs between two answers."""
    if isinstance(given, h.Tips) and isinstance(answer, h.Tips):
        return len(answer.tips) - len(given.tips)
    if isinstance(given, h.Ok) and isinstance(answer, h.Ok):
        was, now = given.rows or (), answer.rows or ()
        rows = len(set(was) ^ set(now)) + abs(len(was) - len(set(was)))
        again = int(not rows and was != now)
        flags = (given.more != answer.more) + (given.epoch != answer.epoch) + (given.seq != answer.seq)
        upto = given.upto != answer.upto and (not now or answer.upto != now[-1][0] or not rows)
        return rows + again + flags + upto
    if isinstance(given, h.Refused) and isinstance(answer, h.Refused):
        return int(given.code is not answer.code)
    rows_of = [answer_.rows or () for answer_ in (given, answer) if isinstance(answer_, h.Ok)]
    return 1 + sum(len(rows) for rows in rows_of)


# ---------------------------------------------------------------- what a server might have said


def conforming(before: Sequence[h.Event], given: h.Event, asked: Question) -> Iterator[Made]:
    """Make up answers in the place of ``given``, after ``before``; the judge has the last word on each."""
    judge = Judge(asked.profile, paged=asked.paged)
    for event in before:
        judge.feed(event)
    if isinstance(given, h.Tips):
        phones = dict.fromkeys(e.phone for e in before if isinstance(e, h.Login) and e.account == asked.account)
        for phone in reversed(phones):
            yield msgspec.structs.replace(given, tips=(*given.tips, h.Tip(asked.account, phone)))
        return
    if not isinstance(given, h.Ok | h.Refused):
        return
    reply = given if isinstance(given, h.Ok) else h.Ok(given.id)
    found = judge.under_way(given.id)
    request = found[1].event if found else None
    begun = next((e for e in before if isinstance(e, h.Send | h.Recv | h.RecvRaw) and e.id == given.id), None)
    if isinstance(request or begun, h.Send):
        told = _seqs(*found) if found else [judge.beyond(asked.account)]
        seqs = [None] if reply.seq is None else sorted(told, key=lambda seq: (abs(seq - (reply.seq or 0)), seq))
        yield from (h.Ok(given.id, seq=seq, delivered=reply.delivered) for seq in seqs)
        yield from (h.Refused(code, given.id) for code in (h.Code.POLICY, h.Code.FULL))
        return
    yield h.Ok(given.id, rows=(), more=False if reply.more is not None else None, epoch=reply.epoch)
    yield h.Refused(h.Code.AHEAD, given.id)
    if reply.epoch is not None:
        yield msgspec.structs.replace(reply, epoch=f"{reply.epoch}'")
    if found:
        yield from _replies(*found, reply, paged=asked.paged)


def _seqs(account: Account, request: Pending) -> list[int]:
    """Seqs that a send might be told."""
    own = list(request.message.seqs) if request.message else []
    near = range(request.floor + 1, min(account.most, request.floor + ENDS) + 1)
    return [*own, *near, *account.holes[:ENDS], *account.holes[-ENDS:]]


def _replies(account: Account, request: Pending, given: h.Ok, *, paged: bool) -> Iterator[h.Ok]:
    """Replies with rows: from each lower end that it may take to each upper one."""
    recv = request.event
    q = recv.seq_cli if isinstance(recv, h.Recv) else account.base
    seqs = [seq for seq, _ in given.rows or ()]
    wanted = (min(seqs) - 1, max(seqs)) if seqs else (request.upper, request.upper)
    lowers = {max(value, q) for value in (*account.path[request.since :], *account.pending)}
    uppers = {request.upper, account.most, account.taken, wanted[1]}
    uppers |= set(range(request.upper, min(account.most, request.upper + ENDS) + 1))
    for low in sorted(lowers, key=lambda value: abs(value - wanted[0]))[:ENDS]:
        for high in sorted(uppers, key=lambda value: abs(value - wanted[1])):
            rows = _rows(account, low, high, dict(given.rows or ()))
            if rows and high <= account.most:
                upto = None if given.upto is None else rows[-1][0]
                for more in (given.more, True) if paged and given.more is not True else (given.more, None):
                    yield h.Ok(given.id, rows=rows, more=more, upto=upto, epoch=given.epoch, delivered=given.delivered)


def _rows(account: Account, low: int, high: int, given: dict[int, str]) -> tuple[tuple[int, str], ...]:
    """The messages in (low, high]; where no answer tells the body, one that an open send may have put there."""
    rows: list[tuple[int, str]] = []
    open_ = [message for messages in account.able.values() for message in messages]
    for seq in account.existing(low + 1, high):
        if seq in account.at:
            rows.append((seq, account.at[seq].body))
            continue
        able = [message for message in open_ if message.free and message.free[0] < seq]
        if not able:
            return ()
        held = next((message for message in able if message.body == given.get(seq)), able[0])
        open_.remove(held)
        rows.append((seq, held.body))
    return tuple(rows)


# ---------------------------------------------------------------- what a profile allows


def _allowing(events: Sequence[h.Event], asked: Question) -> str:
    """The first liberty, or two together, under which nothing is blamed up to here."""
    for profile in _looser(asked.profile):
        held = Question(asked.observation, asked.account, asked.event, profile, asked.paged)
        if accepts(events[: asked.event], held):
            return profile.name
    return ""


def _looser(profile: Profile) -> Iterator[Profile]:
    own = [name for name in profile.name.split("+") if name != "strict"]
    liberties = {"gappy": {"gaps": True}, "lagging": {"lagging": True}}
    both = {"gappy+lagging": {"gaps": True, "lagging": True}}
    if profile.idempotent:
        rest = "+".join(name for name in own if name != "idempotent") or "strict"
        yield msgspec.structs.replace(profile, name=rest, idempotent=False)
    for name, fields in (liberties | both).items():
        loose = msgspec.structs.replace(profile, name="+".join([*own, name]), **fields)
        if (loose.gaps, loose.lagging) != (profile.gaps, profile.lagging):
            yield loose
