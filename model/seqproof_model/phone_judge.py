"""The judge of phones: whether what a phone asks with, holds and shows is what the protocol allows.

**Theory of operation.** A phone is judged from outside, by four things: the seq_cli it asks with, the seq_cli it has
durably, the messages it shows, and when it asks. The server and the network are the kit's own, so nothing of them is
in doubt, and one world is enough.

*The mark (DEV-3, DEV-4).* ``carried`` is the largest last row of the replies that reached the phone, in the epoch that
it knows. A phone may fall behind that (it may adopt less), never beyond: what it asks with or keeps as seq_cli is at
most ``carried``, because only a reply moves it. Nor does it fall, in an epoch. An ask below an earlier one is let pass
when it repeats a request of this life that was never answered: that is a retry of old, and harmless.

*The data (DEV-2).* The next ask is the ack of the last reply, so whatever lies at or below the phone's mark (the one
it asked with, the one it keeps) and was in a reply that reached it must be among what it shows: always, and above all
after a kill. That a reply's rows begin beyond the mark is no hole: another phone of the account may have confirmed what
lies between.

*The asking (DEV-5, DEV-6, PSH-4).* A start, a connection, a tip, a page that is not the last, a lost request: each
makes the phone *owe* an ask. A debt is paid by the first recv that leaves after it; so a tip that comes while a recv is
under way is not paid by that one. A debt grows old only while the phone is up, connected and has no recv under way, and
is overdue after ``patience_ms``, after ``retry_ms`` where a request was lost, after ``poll_ms`` where all is quiet.
When nothing but tips is lost for long, everything that is due must have arrived (PSH-4, or DEV-5 if it does not poll).

*The epoch (DEV-7).* A reply in another epoch than the one its question was asked in, or a refusal as ahead, makes the
old mark void: the next ask is 0. Messages of the old epoch stay. A reply to a question of an epoch that is over says
nothing; the phone may keep its rows or not. A phone that was told of an epoch late, or while it died, or that asked
several times before it knew any, may know it or not; what it then does is right in one world or in the other. From
there on its marks are not held against it, nor what it has kept: only that it shows nothing strange, and gets
everything in the end.

What a phone may do besides: ask as often as it likes, keep what a late reply brings or not, store rows again, adopt
page by page or all at once, write marks late. After the first violation a scenario is over.
Source: docs/phones.md; article [2.2], [3.2].
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from seqproof_model import phone_history as ph
from seqproof_model.history import Code
from seqproof_model.phone_inbox import OWED, SAYS, Debt, Inbox, Question, Sends
from seqproof_model.phone_words import PhoneCapability, PhoneHello, Refusal, Reply, Row, Rows
from seqproof_model.verdict import Nearest, Violation

BREAKS = {"SND-3": "I-ONCE", "DEV-1": "I-ISO", "DEV-4": "I-NODUP"} | dict.fromkeys(
    ("DEV-5", "DEV-6", "PSH-4"), "I-LIVE"
)
MOVED: dict[type[ph.Event], str] = {ph.Tipped: "a tip", ph.Lost: "a lost request", ph.Started: "a start"}


class PhoneJudge:
    """Judges one scenario, an event at a time. ``counts``: requirement id -> how often its condition occurred."""

    def __init__(self, hello: PhoneHello, counts: Counter[str] | None = None) -> None:
        self.hello = hello
        self.counts = Counter[str]() if counts is None else counts
        self.violation: Violation | None = None
        self.inboxes: dict[str, Inbox] = {}
        self.asks: dict[int, Question] = {}  # not answered yet
        self.waiting: set[int] = set()  # of these, those that the phone still waits for
        self.served: dict[int, Reply] = {}
        self.account = ""
        self.up, self.running, self.life = True, False, 0
        self.cause: ph.Event = ph.Scenario("")
        self.sends = Sends()
        self.killed_with_data = self.logged_over = self.was_lost = False
        self.number = self.moment = 0

    def inbox(self, account: str) -> Inbox:
        """The account's state, made when it is first named."""
        return self.inboxes.setdefault(account, Inbox())

    def feed(self, event: ph.Event) -> Violation | None:
        """Judge the next event. Returns the violation, if this is the first."""
        if self.violation is not None:
            return None
        self.number += 1
        if not isinstance(event, ph.Asked | ph.Posted | ph.Marks | ph.Holds | ph.Served):
            self.cause, self.moment = event, self.moment + 1
        match event:
            case ph.Asked():
                self._asked(event)
            case ph.Posted():
                self._posted(event)
            case ph.Marks():
                self._marks(event)
            case ph.Holds():
                self._holds(event)
            case ph.Arrived():
                self._arrived(event)
            case ph.Lost():
                self._lost(event)
            case ph.Served():
                self.served[event.id] = event.reply
            case ph.Rested():
                self._rested()
            case _:
                self._befell(event)
        return self.violation

    # ---------------------------------------------------------------- what befalls it

    def _befell(self, event: ph.Event) -> None:
        match event:
            case ph.Stored():
                inbox = self.inbox(event.account)
                inbox.stored[event.seq], inbox.tipped_since = event.body, False
            case ph.Confirmed():
                inbox = self.inbox(event.account)
                inbox.elsewhere = max(inbox.elsewhere, event.seq_cli)
            case ph.Restored():
                inbox = self.inbox(event.account)
                inbox.stored = {seq: body for seq, body in inbox.stored.items() if seq <= event.seq_svr}
                inbox.elsewhere, inbox.restores = 0, inbox.restores + 1
            case ph.Started():
                self.account, self.running, self.life = event.account, True, self.life + 1
                self._owe("start", self.hello.patience_ms)
            case ph.Killed():
                self.running = False
                self.killed_with_data |= any(inbox.asked or inbox.mark for inbox in self.inboxes.values())
                self._forget()
            case ph.LoggedIn():
                self.logged_over |= any(inbox.carried for inbox in self.inboxes.values())
                self.inbox(self.account).debts.clear()
                self.account = event.account
                self._owe("start", self.hello.patience_ms)
            case ph.Connected():
                self.up = event.up
                self.inbox(self.account).debts.clear()
                if event.up and self.running:
                    self._owe("connection", self.hello.patience_ms)
            case ph.Tipped():
                self._tipped(event)
            case ph.Said():
                self.sends.said[event.body] += 1
            case ph.Elapsed():
                self._elapsed(event.ms)
            case _:
                pass

    def _forget(self) -> None:
        """A kill: what was under way is no longer waited for."""
        self.waiting.clear()
        for inbox in self.inboxes.values():
            inbox.debts.clear()
            inbox.asked_now = 0
            inbox.unanswered.clear()

    def _tipped(self, event: ph.Tipped) -> None:
        inbox = self.inbox(event.account)
        inbox.tips, inbox.tipped_since = inbox.tips + 1, True
        if event.account == self.account and self.running and self.up:
            limit = self.hello.retry_ms if inbox.troubled else self.hello.patience_ms
            self._owe("tip in between" if self._busy(event.account) else "tip", limit)

    def _busy(self, account: str) -> bool:
        """Whether a recv of the account is under way, as far as the phone knows."""
        return any(number in self.waiting and self.asks[number].account == account for number in self.asks)

    def _owe(self, why: str, limit: int, lost: int = 0) -> None:
        self.inbox(self.account).debts.append(Debt(why, limit, lost))

    def _elapsed(self, ms: int) -> None:
        if self.running and self.up and not self._busy(self.account):
            for debt in self.inbox(self.account).debts:
                debt.waited += ms

    def _overdue(self) -> None:
        """Looked at after the phone had its chance: whatever it owed by now is overdue."""
        if not (self.running and self.up):
            return
        due = [debt for debt in self.inbox(self.account).debts if debt.waited >= debt.limit]
        late = min(due, key=lambda debt: debt.why != "loss", default=None)  # what was lost explains the others
        if late is None:
            return
        requirement = OWED[late.why]
        unknown = self.inbox(self.account).fog or PhoneCapability.EPOCH not in self.hello.capabilities
        if late.why == "epoch" and unknown:
            return
        self._blame(
            requirement,
            "does not ask",
            f"the phone has not asked, though {SAYS[late.why]}, {late.waited / 1000:g} s of quiet ago",
            self.account,
            nearest=f"it asks within {late.limit / 1000:g} s",
        )

    # ---------------------------------------------------------------- what it asks

    def _asked(self, event: ph.Asked) -> None:
        inbox, q = self.inbox(event.account), event.seq_cli
        if inbox.fog:
            inbox.restart = False
        elif inbox.restart:
            if q:
                told = "the epoch has changed, or it is ahead of the server"
                self._blame("DEV-7", "asks on", f"the phone asks after {q}, though {told}", event, nearest="0")
                return
            inbox.new_era()
        elif q > inbox.carried:
            self._too_far(event.account, q, f"the phone asks after {q}", event)
            return
        elif q < inbox.asked_now and q not in inbox.unanswered and not inbox.stale_doubt:
            words = f"the phone asks after {q}, although it has asked after {inbox.asked_now} before"
            late = isinstance(self.cause, ph.Arrived) and self.cause.late
            self._blame("DEV-4" if late else "DEV-3", "falls", words, event, nearest=str(inbox.asked_now))
            return
        self._pay(inbox)
        self.counts["DEV-3"] += q > 0
        if self.logged_over:
            self.counts["DEV-1"] += q > 0 or len(self.inboxes) > 1
        inbox.asked, inbox.asked_now = max(inbox.asked, q), max(inbox.asked_now, q)
        known = None if inbox.unsure else inbox.epoch
        self.asks[event.id] = Question(event.account, q, known, inbox.era, self.moment)
        self.waiting.add(event.id)

    def _pay(self, inbox: Inbox) -> None:
        for debt in inbox.debts:
            if debt.why in ("tip in between", "epoch"):
                self.counts["DEV-6" if debt.why == "tip in between" else "DEV-7"] += 1
            elif debt.why in ("loss", "quiet"):
                pass  # PSH-4 is counted by what arrives
            else:
                self.counts["DEV-5"] += 1
        inbox.debts.clear()

    def _too_far(self, account: str, value: int, words: str, event: ph.Asked | ph.Marks) -> None:
        """Blame a mark that no reply has carried."""
        carried = self.inbox(account).carried
        others = [name for name, inbox in self.inboxes.items() if name != account and inbox.carried >= value]
        if others:
            text = f"{words} for account {account}, which is account {others[0]}'s; its own replies reach {carried}"
            self._blame("DEV-1", "the mark of another account", text, event, nearest=f"at most {carried}")
            return
        told = MOVED.get(type(self.cause), "")
        text = f"{words}, but the replies that reached it end at {carried}" + (f"; {told} moved it" if told else "")
        suspects = ("PSH-1",) if isinstance(self.cause, ph.Tipped) else ()
        self._blame("DEV-3", "runs ahead", text, event, suspects, f"at most {carried}", (carried + 1, value))

    def _posted(self, event: ph.Posted) -> None:
        wrong = self.sends.posted(event)
        if wrong:
            self._blame("SND-3", *wrong, event, nearest="one client id for each message, the same each time")
        self.counts["SND-3"] += self.sends.repeats(event)

    # ---------------------------------------------------------------- what reaches it

    def _arrived(self, event: ph.Arrived) -> None:
        reply, asked = self.served.get(event.id), self.asks.get(event.id)
        self.waiting.discard(event.id)
        if asked is None or reply is None:
            return
        inbox = self.inbox(asked.account)
        inbox.troubled = False
        if not event.late:  # what was asked before this has been asked again
            inbox.answered = max(inbox.answered, asked.moment)
            inbox.debts = [debt for debt in inbox.debts if not 0 < debt.lost <= asked.moment]
        inbox.unanswered.discard(asked.seq_cli)
        self.asks.pop(event.id)
        unsure = event.dies or event.late  # it may drop what is late
        if asked.era != inbox.era or (inbox.restart and asked.seq_cli):
            if isinstance(reply, Rows):
                inbox.take_of_old(asked, reply)
            self._quiet(asked.account)
        elif isinstance(reply, Rows):
            self._rows(inbox, asked, reply, event)
        elif isinstance(reply, Refusal) and reply.code is Code.AHEAD and (unsure or inbox.doubt):
            inbox.doubt, inbox.fog = inbox.doubt or str(reply.epoch), True
        elif isinstance(reply, Refusal) and reply.code is Code.AHEAD:
            inbox.over(reply.epoch, restart=asked.seq_cli > 0)
            if inbox.restart:
                self._debt(asked.account, "epoch", self.hello.patience_ms)
        else:
            self._debt(asked.account, "loss", self.hello.retry_ms)

    def _other_epoch(self, inbox: Inbox, asked: Question, reply: Rows, *, unsure: bool) -> bool:
        """Take note of a reply in another epoch; whether that is all there is to it."""
        if asked.epoch is None or unsure or inbox.doubt:
            # It cannot know which of two epochs is the newer, or may not have heard of this one: either is right.
            if inbox.doubt == reply.epoch:
                inbox.over(reply.epoch, restart=False, carried=inbox.carried)
            inbox.in_doubt(reply.epoch, reply.rows)
            return True
        inbox.over(reply.epoch, restart=asked.seq_cli > 0)
        if inbox.restart:
            inbox.loose |= Counter(set(reply.rows))
            self._debt(asked.account, "epoch", self.hello.patience_ms)
        return inbox.restart

    def _rows(self, inbox: Inbox, asked: Question, reply: Rows, event: ph.Arrived) -> None:
        late = event.late
        other = reply.epoch is not None and inbox.epoch is not None and reply.epoch != inbox.epoch
        if other and self._other_epoch(inbox, asked, reply, unsure=event.dies or late):
            return
        if not (late or event.dies):
            inbox.unsure = False
        elif inbox.epoch is None and reply.epoch is not None:
            inbox.unsure = True
        inbox.epoch = reply.epoch or inbox.epoch
        self.counts["DEV-4"] += late and any(seq <= inbox.carried for seq, _ in reply.rows)
        inbox.carry(reply.rows)
        if late or event.dies:
            inbox.late.update(reply.rows)
            inbox.loose |= Counter(set(reply.rows))
        else:
            inbox.given.update(reply.rows)
        blind = reply.more is None and PhoneCapability.MORE_UNTOLD in self.hello.capabilities
        further = reply.more or (blind and reply.rows)
        if further and not late and (not reply.rows or reply.rows[-1][0] > inbox.asked_now):
            self._debt(asked.account, "page", self.hello.patience_ms)
        else:
            self._quiet(asked.account)

    def _quiet(self, account: str) -> None:
        if self.hello.poll_ms is not None and not self._busy(account):
            self._debt(account, "quiet", self.hello.poll_ms + self.hello.patience_ms)

    def _debt(self, account: str, why: str, limit: int, lost: int = 0) -> None:
        if self.running and self.up and account == self.account:
            self._owe(why, limit, lost)

    def _lost(self, event: ph.Lost) -> None:
        self.waiting.discard(event.id)
        self.sends.lost(event.id)
        asked = self.asks.get(event.id)
        if asked is not None:
            inbox = self.inbox(asked.account)
            inbox.unanswered.add(asked.seq_cli)
            inbox.troubled = True
            for debt in inbox.debts:  # it may wait before it tries again
                debt.limit = max(debt.limit, self.hello.retry_ms)
            self.was_lost = True
            if inbox.answered < asked.moment:
                self._debt(asked.account, "loss", self.hello.retry_ms, asked.moment)

    # ---------------------------------------------------------------- what it keeps and shows

    def _marks(self, event: ph.Marks) -> None:
        inbox, value = self.inbox(event.account), event.seq_cli
        if inbox.restart or inbox.fog:
            return  # the old mark is void, whatever it is until the phone asks again
        if value > inbox.carried:
            self._too_far(event.account, value, f"the phone's seq_cli is {value}", event)
        elif value < inbox.mark and not inbox.stale_doubt:
            late = isinstance(self.cause, ph.Arrived) and self.cause.late
            words = f"the phone's seq_cli falls from {inbox.mark} to {value}" + (", on a late reply" if late else "")
            self._blame("DEV-4" if late else "DEV-3", "falls", words, event, nearest=str(inbox.mark))
        late = isinstance(self.cause, ph.Arrived) and self.cause.late
        if late or (isinstance(self.cause, ph.Started) and self.cause.again):  # it rose by that: then that was taken
            inbox.given.update({seq: body for seq, body in inbox.late.items() if inbox.mark < seq <= value})
        inbox.mark = max(inbox.mark, value)

    def _holds(self, event: ph.Holds) -> None:
        inbox, shown = self.inbox(event.account), Counter(event.rows)
        inbox.shown = frozenset(event.rows)
        inbox.seen |= inbox.shown
        given = Counter(inbox.given.items())
        allowed = given | inbox.before | inbox.loose
        for row, times in shown.items():
            if row not in allowed:
                self._strange(event, row)
                return
            if times > 1 + inbox.restores:  # a backup may hold the same again
                text = f"the phone shows {row[0]} {row[1]!r} {times} times"
                self._blame("DEV-4", "shown twice", text, event, nearest="once", seqs=(row[0], row[0]))
                return
        owed = () if inbox.fog else (*inbox.owed(), *inbox.before)
        missing = sorted(row for row in owed if row not in shown)
        if missing:
            self._missing(event, missing)
            return
        self._looked(inbox)
        if event.account == self.account:
            self._overdue()

    def _strange(self, event: ph.Holds, row: Row) -> None:
        other = next((name for name, box in self.inboxes.items() if row[1] in box.stored.values()), event.account)
        if other != event.account:
            text = f"the phone shows {row[1]!r} to account {event.account}; it is account {other}'s"
            self._blame("DEV-1", "a message of another account", text, event, nearest="not that one")
            return
        text = f"the phone shows {row[0]} {row[1]!r}, which no reply has brought"
        self._blame("DEV-2", "a message from nowhere", text, event, nearest="what replies brought")

    def _missing(self, event: ph.Holds, missing: Sequence[Row]) -> None:
        inbox, cause = self.inbox(event.account), self.cause
        top = max(inbox.asked, inbox.mark)
        seqs = ", ".join(str(seq) for seq, _ in missing[:4]) + (", ..." if len(missing) > 4 else "")
        requirement, why = "DEV-2", f"its seq_cli is {top}"
        if any(row in inbox.before for row in missing):
            requirement, why = "DEV-7", "it held that in the epoch before"
        elif isinstance(cause, ph.Tipped):
            requirement, why = "PSH-1", "a tip came, and it was gone"
        elif isinstance(cause, ph.LoggedIn) or (self.logged_over and event.account != self.account):
            requirement, why = "DEV-1", "it was there before another account logged in"
        elif isinstance(cause, ph.Started) and cause.again:
            why = f"it was killed, and its seq_cli says {top}"
        text = f"the phone does not hold seq {seqs}, though a reply brought it: {why}"
        self._blame(requirement, "not held", text, event, nearest="it holds that", seqs=(missing[0][0], missing[-1][0]))

    def _looked(self, inbox: Inbox) -> None:
        """All that it shows is right: which conditions that was an observation of."""
        if inbox.fog or not any(inbox.owed()):
            return
        self.counts["DEV-2"] += self.killed_with_data and isinstance(self.cause, ph.Started)
        self.counts["PSH-1"] += inbox.tips > 0 and isinstance(self.cause, ph.Tipped | ph.Arrived)
        if self.hello.poll_ms is not None and self.up and isinstance(self.cause, ph.Arrived):
            self.counts["PSH-4"] += not inbox.tipped_since and self.was_lost

    def _rested(self) -> None:
        """Everything is due by now, on the account that is logged in."""
        inbox = self.inbox(self.account)
        seqs = [row[0] for row in inbox.stored.items() if row[0] > inbox.elsewhere and row not in inbox.shown]
        if not self.running or not self.up or not seqs:
            return
        requirement = "PSH-4" if self.hello.poll_ms is not None else "DEV-5"
        fate = "was given to the phone, which never took it" if seqs[0] in inbox.given else "never reached the phone"
        text = f"seq {seqs[0]} {fate}, though nothing but tips was lost for long"
        self._blame(requirement, "no progress", text, self.account, nearest="it asks on", seqs=(seqs[0], seqs[-1]))

    # ---------------------------------------------------------------- the finding

    def _blame(
        self,
        requirement: str,
        observation: str,
        sentence: str,
        about: ph.Asked | ph.Posted | ph.Marks | ph.Holds | str,
        suspects: tuple[str, ...] = (),
        nearest: str = "",
        seqs: tuple[int, ...] = (),
    ) -> None:
        account = about if isinstance(about, str) else about.account
        inbox = self.inbox(account)
        self.violation = Violation(
            requirement=requirement,
            invariant=BREAKS.get(requirement, "I-LOSS"),
            observation=observation,
            sentence=sentence,
            event=self.number,
            account=account,
            operation=about.id if isinstance(about, ph.Asked | ph.Posted) else None,
            suspects=suspects,
            seq_svr=max(inbox.stored, default=0),
            confirmed=min(inbox.asked, max(inbox.stored, default=0)),
            seqs=seqs,
            nearest=Nearest(nearest) if nearest else None,
        )


def judge(events: Iterable[ph.Event], hello: PhoneHello) -> Violation | None:
    """Judge one scenario's events from the first to the last."""
    this = PhoneJudge(hello)
    return next((found for found in map(this.feed, events) if found), None)
