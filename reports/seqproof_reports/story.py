"""The story that a history tells: from events to the one picture-model which every format draws.

    events ──► moments (who, arrows, words, state) ──► collapse long runs ──► Story ──► ladder, ruler, tables, words

It walks a history once, joins what belongs together, and follows the marks as it goes. A lost request is a ``refused``
with code unreachable; a lost reply is an ``ok`` that was not delivered; one that is delivered later is under way until
then. The two ends of one operation stand apart where other events fall between them: that is overlap.

Robust by need: a history that shows a fault may itself be odd (an answer to nothing, a partial file, an operation never
answered). Such a line still becomes a moment, in plain words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from seqproof_model import history as h
from seqproof_model.verdict import Violation
from seqproof_reports import words
from seqproof_reports.collapse import collapse
from seqproof_reports.marks import AccountMarks, PhoneMarks, Reply, examine
from seqproof_reports.picture import Actor, Arrow, Fate, Kind, Moment, Role, Story
from seqproof_reports.routes import OS_PUSH, by_os, phone_key, route_arrows, visitors
from seqproof_reports.text import spans

SERVER = "server"
Begin = h.Send | h.Recv


def tell(events: Sequence[h.Event], header: h.Header, violation: Violation | None = None) -> Story:
    """Tell the story of events; ``violation.event`` counts them from 1."""
    teller = _Teller(events, header, violation)
    moments = collapse(list(teller.walk()))
    return Story(
        actors=tuple(teller.actors.values()),
        accounts=tuple(teller.accounts) or ("x",),
        moments=moments,
        first_seq=header.profile.first_seq,
        seq_max=header.profile.seq_max,
        server=header.target,
        violation=violation,
    )


def moments(events: Sequence[h.Event], header: h.Header, violation: Violation | None = None) -> list[Moment]:
    """Every moment of the events, long runs as they are: for who wants each state."""
    return list(_Teller(events, header, violation).walk())


class _Teller:
    """Walks events once; afterwards ``actors`` and ``accounts`` hold who took part, in order of appearance."""

    def __init__(self, events: Sequence[h.Event], header: h.Header, violation: Violation | None) -> None:
        self.events = events
        self.violation = violation
        self.header = header
        self.before_first = header.profile.before_first
        self.actors: dict[str, Actor] = {}
        self.accounts: dict[str, AccountMarks] = {}
        self._begun: dict[int, Begin] = {e.id: e for e in events if isinstance(e, h.Send | h.Recv)}
        self._raw = {e.id: e for e in events if isinstance(e, h.RecvRaw)}
        self._answers: dict[int, h.Answer] = {}
        self._late = {e.id for e in events if isinstance(e, h.Delivered)}
        self._confirmed_at_start: dict[int, int] = {}
        self._client_ids: set[tuple[str, str, str]] = set()
        self._blamed = min(max(violation.event, 1), len(events)) if violation else 0
        self._enlist()

    def _enlist(self) -> None:
        """Find every actor first, so that each state shows all phones and each label knows whether names need it."""
        for event in self.events:
            about = [event.account] if isinstance(event, h.Send | h.Preset | h.Trim) else []
            for account in about + [account for account, _ in visitors(event)]:
                self.accounts.setdefault(account, AccountMarks(account, self.before_first, self.before_first))
        for event in self.events:
            if isinstance(event, h.Send):
                key = f"s:{event.sender}"
                self.actors.setdefault(key, Actor(key, Role.SENDER, event.sender))
            for account, phone in visitors(event):
                key, name = phone_key(account, phone), self._phone_name(account, phone)
                self.actors.setdefault(key, Actor(key, Role.PHONE, name, account))
                self.accounts[account].phones.setdefault(phone, PhoneMarks(key, name, self.before_first))
        if any(by_os(event) for event in self.events):
            self.actors[OS_PUSH] = Actor(OS_PUSH, Role.OS, str(Role.OS))
        self.actors.setdefault(SERVER, Actor(SERVER, Role.SERVER, SERVER))

    def _phone_name(self, account: str, phone: str) -> str:
        return phone if len(self.accounts) < 2 else f"{account}:{phone}"

    def walk(self) -> Iterator[Moment]:
        """Tell the moments one by one, none collapsed yet."""
        at = 0
        while at < len(self.events):
            event = self.events[at]
            after = self.events[at + 1] if at + 1 < len(self.events) else None
            if isinstance(event, h.Send | h.Recv):
                answer = after if isinstance(after, h.Ok | h.Refused | h.Indefinite) and after.id == event.id else None
                yield self._operation(at + 1, event, answer)
                at += 1 if answer is None else 2
            elif isinstance(event, h.Ok | h.Refused | h.Indefinite):
                yield self._answer(at + 1, event)
                at += 1
            elif isinstance(event, h.Kill) and isinstance(after, h.Restart):
                yield self._plain(at + 1, event, last=at + 2)
                at += 2
            else:
                yield self._plain(at + 1, event)
                at += 1

    def _operation(self, first: int, begin: Begin, answer: h.Answer | None) -> Moment:
        """Tell a request, together with its answer when that comes next."""
        asked, request = self._request(begin)
        if answer is None:
            return self._finish(Moment(first, first, _kind(begin), begin.account, asked, "", (request,)))
        if isinstance(answer, h.Refused) and answer.code is h.Code.UNREACHABLE:
            request = Arrow(request.actor, True, request.label, Fate.LOST)
        arrows = (request, *self._reply(begin, answer))
        answered = words.answer(begin, answer, self._is_late(answer))
        reply = self._effect(first + 1, begin, answer)
        return self._finish(Moment(first, first + 1, _kind(begin), begin.account, asked, answered, arrows), reply)

    def _answer(self, at: int, answer: h.Answer) -> Moment:
        """Tell an answer that came apart from its request."""
        begin = self._begun.get(answer.id)
        raw = self._raw.get(answer.id)
        if raw:
            asked = f"the answer to phone {raw.phone}, which asked after {raw.raw}"
            like = h.Recv(raw.id, raw.account, raw.phone, self.before_first)
            answered, arrows = words.answer(like, answer, late=False), self._reply(like, answer)
            return self._finish(Moment(at, at, Kind.RECV, raw.account, asked, answered, arrows))
        if begin is None:
            return self._finish(Moment(at, at, Kind.SETTLED, "", f"an answer to no request (operation {answer.id})"))
        asked = words.reply_to(begin, self._name(begin))
        arrows = self._reply(begin, answer)
        answered = words.answer(begin, answer, self._is_late(answer))
        reply = self._effect(at, begin, answer)
        return self._finish(Moment(at, at, _kind(begin), begin.account, asked, answered, arrows), reply)

    def _request(self, begin: Begin) -> tuple[str, Arrow]:
        account = self.accounts[begin.account]
        self._confirmed_at_start[begin.id] = account.confirmed
        name = self._name(begin)
        if isinstance(begin, h.Recv):
            phone = account.phones[begin.phone]
            old = phone.asks(begin.seq_cli)
            asked = words.asks(begin, name, phone.seq_cli if old else None)
            return asked, Arrow(phone.actor, True, words.recv_label(begin, old))
        note = (begin.account, begin.sender, begin.client_id)
        again = bool(begin.client_id) and note in self._client_ids
        self._client_ids.add(note)
        to = begin.account if len(self.accounts) > 1 else ""
        return words.sends(begin, name, to, again), Arrow(f"s:{begin.sender}", True, words.send_label(begin, to, again))

    def _reply(self, begin: Begin, answer: h.Answer) -> tuple[Arrow, ...]:
        if isinstance(answer, h.Refused) and answer.code is h.Code.UNREACHABLE:
            return ()
        actor = f"s:{begin.sender}" if isinstance(begin, h.Send) else phone_key(begin.account, begin.phone)
        fate = Fate.ARRIVES
        if isinstance(answer, h.Indefinite):
            fate = Fate.UNKNOWN
        elif isinstance(answer, h.Ok) and not answer.delivered:
            fate = Fate.UNDER_WAY if self._is_late(answer) else Fate.LOST
        return (Arrow(actor, False, words.reply_label(begin, answer), fate, isinstance(answer, h.Refused)),)

    def _is_late(self, answer: h.Answer) -> bool:
        return isinstance(answer, h.Ok) and not answer.delivered and answer.id in self._late

    def _effect(self, at: int, begin: Begin, answer: h.Answer) -> Reply:
        """Move the marks by an answer; say what it gave."""
        self._answers[begin.id] = answer
        account = self.accounts[begin.account]
        blamed = self.violation if at == self._blamed else None
        rows = (answer.rows or ()) if isinstance(answer, h.Ok) else ()
        told = [answer.seq] if isinstance(answer, h.Ok) and answer.seq is not None else []
        if isinstance(answer, h.Ok):
            account.shown([seq for seq, _ in rows] + told, at)
            if isinstance(begin, h.Recv):
                account.answered(begin, at)
                if answer.delivered:
                    account.phones[begin.phone].gets(answer)
        recv = begin if isinstance(begin, h.Recv) else None
        reply = examine(rows, recv, blamed, self.header, self._confirmed_at_start.get(begin.id, self.before_first))
        return replace(reply, told=spans(told))

    def _plain(self, at: int, event: h.Event, last: int = 0) -> Moment:
        """Tell an event that is no request and no answer."""
        kind, own, asked = words.plain(event, restarted=bool(last))
        arrows = route_arrows(event)
        answered = ""
        if isinstance(event, h.Preset):
            self.accounts[event.account].preset(event.seq, at)
        elif isinstance(event, h.Delivered):
            begin, answer = self._begun.get(event.id), self._answers.get(event.id)
            if isinstance(begin, h.Recv) and isinstance(answer, h.Ok):
                phone = self.accounts[begin.account].phones[begin.phone]
                phone.gets(answer)
                label = words.reply_label(begin, answer)
                own, asked = begin.account, f"a late reply reaches phone {phone.name}"
                answered, arrows = label, (Arrow(phone.actor, False, label, Fate.LATE),)
        return self._finish(Moment(at, last or at, kind, own, asked, answered, arrows))

    def _finish(self, moment: Moment, reply: Reply | None = None) -> Moment:
        """Add the state after a moment, and whether the violation falls into it."""
        violating = moment.first <= self._blamed <= moment.last
        own = moment.own
        if violating and self.violation and self.violation.account in self.accounts:
            self.accounts[self.violation.account].judged(self.violation)
            if reply is None or not own:
                reply = examine((), None, self.violation, self.header, self.before_first)
                own = self.violation.account
        states = tuple(marks.state(reply if marks.name == own else None) for marks in self.accounts.values())
        return replace(moment, own=own, states=states, violating=violating)

    def _name(self, begin: Begin) -> str:
        return begin.sender if isinstance(begin, h.Send) else self._phone_name(begin.account, begin.phone)


def _kind(begin: Begin) -> Kind:
    return Kind.SEND if isinstance(begin, h.Send) else Kind.RECV
