"""The facts of an argument, in words: each says what one event, or a run of alike ones, tells, and cites its number.

    Let "m1" be acknowledged as seq 1 [2]. After that, phone A asks after 0 [5].

A fact is written once and read in two moods: ``Let it be ...`` and ``it is ...``; ``<is>``, ``<s>`` and so on mark
the verbs.
An answer tells what was asked too, so a request is cited only where it matters *when* it was made. Runs of facts that
are alike are one: ``"m1" to "m7" are acknowledged as seq 1 to 7 [2, 4, ..., 14]``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from seqproof_model import history as h
from seqproof_reports import words
from seqproof_reports.text import quoted, rows_text, short

LEAST = 3  # facts alike, one after the other, from which on they are joined
Begin = h.Send | h.Recv | h.RecvRaw


@dataclass(frozen=True)
class Fact:
    """``text`` with its verbs marked and its events cited. ``timed``: it says that its request came after the others.

    ``alike``: what joins it to its neighbours, ``seq`` and ``body`` among them.
    """

    text: str
    cited: tuple[int, ...]
    timed: bool = False
    alike: str = ""
    seq: int | None = None
    body: str = ""

    def let(self) -> str:
        """The fact after "Let"."""
        return self.text.replace("<is>", "be").replace("<are>", "be").replace("<s>", "").replace("<it>", "it be that ")

    def said(self) -> str:
        """The fact as it is."""
        return self.text.replace("<is>", "is").replace("<are>", "are").replace("<s>", "s").replace("<it>", "")


@dataclass(frozen=True)
class Teller:
    """Puts events into words. ``several``: more than one account takes part, so accounts are named."""

    events: Sequence[h.Event]
    begun: Mapping[int, Begin] = field(default_factory=dict[int, Begin])
    several: bool = False

    @classmethod
    def of(cls, events: Sequence[h.Event]) -> Teller:
        """A teller for a history."""
        begun = {e.id: e for e in events if isinstance(e, h.Send | h.Recv | h.RecvRaw)}
        return cls(events, begun, len({e.account for e in begun.values()}) > 1)

    def facts(self, cited: Sequence[int]) -> list[Fact]:
        """The events ``cited`` (from 1) as facts, in order; a request joins its answer where nothing lies between."""
        found: list[Fact] = []
        at = 0
        while at < len(cited):
            event = self.events[cited[at] - 1]
            after = self.events[cited[at + 1] - 1] if at + 1 < len(cited) else None
            if isinstance(event, Begin) and isinstance(after, h.Answer) and after.id == event.id:
                found.append(self._whole(event, cited[at], after, cited[at + 1]))
                at += 2
            else:
                found.append(self.fact(cited[at]))
                at += 1
        return list(_joined(found))

    def fact(self, number: int) -> Fact:
        """One event."""
        event = self.events[number - 1]
        match event:
            case h.Send() | h.Recv() | h.RecvRaw():
                return Fact(f"{self._asks(event)} [{number}]", (number,), timed=True)
            case h.Ok() | h.Refused() | h.Indefinite() if event.id in self.begun:
                return self._answered(self.begun[event.id], event, number)
            case h.Tips():
                came = f"the tips <are> {words.tips(event.tips)}" if event.tips else "there <is> no tip"
                return Fact(f"{came} [{number}]", (number,))
            case h.Preset():
                return Fact(f"the account begin<s> at seq_svr {event.seq} [{number}]", (number,))
            case h.Settled() if event.id in self.begun:
                return Fact(f"{self.about(self.begun[event.id])} <is> over [{number}]", (number,), timed=True)
            case h.Login():
                return Fact(f"phone {short(event.phone)} log<s> in{self._on(event.account)} [{number}]", (number,))
            case h.Logout():
                return Fact(f"phone {short(event.phone)} log<s> out{self._on(event.account)} [{number}]", (number,))
            case _:
                return Fact(f"<it>{words.plain(event, restarted=False)[2]} [{number}]", (number,), timed=True)

    def _asks(self, event: Begin) -> str:
        match event:
            case h.Send():
                return f"{quoted(event.body)} <is> sent{self._on(event.account, 'to')}"
            case h.Recv():
                return f"{self._phone(event)} ask<s> after {event.seq_cli}"
            case h.RecvRaw():
                return f"{self._phone(event)} ask<s> after {short(event.raw, 24)}, which is no seq"

    def _whole(self, begin: Begin, first: int, answer: h.Answer, last: int) -> Fact:
        if isinstance(begin, h.Send):
            told = self._answered(begin, answer, last)
            return replace(told, text=f"{self._asks(begin)} [{first}] and {_sent(answer)} [{last}]", timed=True,
                           cited=(first, last), alike="")  # fmt: skip
        return Fact(f"{self._asks(begin)} [{first}] and {_got(answer)} [{last}]", (first, last), timed=True)

    def _answered(self, begin: Begin, answer: h.Answer, number: int) -> Fact:
        if not isinstance(begin, h.Send):
            asked = begin.seq_cli if isinstance(begin, h.Recv) else short(begin.raw, 24)
            text = f"{self._phone(begin)}, asking after {asked}, {_got(answer)} [{number}]"
            return Fact(text, (number,))
        seq = answer.seq if isinstance(answer, h.Ok) else None
        text = f"{quoted(begin.body)} {_sent(answer)}{self._on(begin.account, 'to')} [{number}]"
        alike = f"ok {begin.account} {seq is None}" if isinstance(answer, h.Ok) else ""
        return Fact(text, (number,), alike=alike, seq=seq, body=begin.body)

    def answer_alone(self, number: int) -> str:
        """The answer ``number`` where its request was named right before."""
        event = self.events[number - 1]
        if isinstance(event, h.Ok | h.Refused | h.Indefinite) and event.id in self.begun:
            sending = isinstance(self.begun[event.id], h.Send)
            return f"it {_sent(event) if sending else _got(event)} [{number}]"
        return self.fact(number).text

    def about(self, begin: Begin) -> str:
        """Name a request."""
        return f"the send of {quoted(begin.body)}" if isinstance(begin, h.Send) else f"{self._phone(begin)}'s request"

    def _phone(self, begin: h.Recv | h.RecvRaw) -> str:
        return f"phone {short(begin.phone)}{self._on(begin.account)}"

    def _on(self, account: str, by: str = "of") -> str:
        return f" {by} account {short(account)}" if self.several else ""


def _sent(answer: h.Answer) -> str:
    match answer:
        case h.Ok():
            return "<is> acknowledged" + ("" if answer.seq is None else f" as seq {answer.seq}")
        case h.Refused():
            return f"<is> refused ({answer.code})"
        case h.Indefinite():
            return "<is> not answered"


def _got(answer: h.Answer) -> str:
    match answer:
        case h.Ok():
            told = {None: "", True: ", more due", False: ", and no more"}[answer.more]
            rows = answer.rows or ()
            upto = "" if answer.upto is None or (rows and rows[-1][0] == answer.upto) else f", upto {answer.upto}"
            what = f"{rows_text(rows)}{told}{upto}"
            return f"get<s> {what}" if answer.delivered else f"<is> sent {what}, in a reply that is lost"
        case h.Refused():
            return f"<is> refused ({answer.code})"
        case h.Indefinite():
            return "get<s> no answer"


def _joined(facts: Sequence[Fact]) -> Iterator[Fact]:
    """Join what is alike; seqs that are told have to follow each other."""
    runs: list[list[Fact]] = []
    for fact in facts:
        last = runs[-1][-1] if runs else None
        follows = last is not None and fact.alike and fact.alike == last.alike
        if follows and last is not None and (fact.seq is None or last.seq is None or fact.seq == last.seq + 1):
            runs[-1].append(fact)
        else:
            runs.append([fact])
    for run in runs:
        yield from [_one(run)] if len(run) >= LEAST else run


def _one(run: Sequence[Fact]) -> Fact:
    cited = tuple(number for fact in run for number in fact.cited)
    first, last = run[0], run[-1]
    seqs = "" if first.seq is None else f" as seq {first.seq} to {last.seq}"
    text = f"{quoted(first.body)} to {quoted(last.body)} ({len(run)} messages) <is> acknowledged{seqs} {cites(cited)}"
    return Fact(text.replace("<is>", "<are>"), cited)


def cites(numbers: Sequence[int], most: int = 4) -> str:
    """Cite events: all of a few, of many the first two and the last.

    >>> cites([2]), cites([2, 4, 6]), cites([2, 4, 6, 8, 10])
    ('[2]', '[2, 4, 6]', '[2, 4, ..., 10]')
    """
    shown = [str(number) for number in numbers]
    return f"[{', '.join(shown if len(shown) <= most else [*shown[:2], '...', shown[-1]])}]"


def listed(parts: Sequence[str], by: str = "and") -> str:
    """Write a list as people do.

    >>> listed(["[1]"]), listed(["[1]", "[2]", "[3]"], "or")
    ('[1]', '[1], [2] or [3]')
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {by} {parts[-1]}"
