"""The reference phone: a state machine without I/O. Things happen to it, and it says what it would do.

**Theory of operation.** For the account that is logged in the phone keeps a *place* (seq_cli and epoch) and the
messages, both in a durable store. It asks "what is after seq_cli?", and does nothing else to receive:

    start, connection, tip, pull, timer ──► ask(seq_cli) ──► reply ──► commit(messages, seq_cli) ──► ask again, or rest
                                               └──► lost ──► wait, twice as long each time ──► ask

One recv is under way at a time. Whatever gives reason to ask while one is (a tip, a pull) is remembered as ``again``,
and the phone asks once more when that one is over: the reply may have been made before the new message came (DEV-6).
A reply is taken in one commit, messages and mark together, so that no kill falls between them (DEV-2); the mark is the
larger of its own and the last row's, so that a late reply never lowers it (DEV-4); nothing else moves it (DEV-3). After
a page that is not the last it asks on; after the last it waits ``poll_ms`` and asks anyway, because tips get lost.

Each account has its own place and messages (DEV-1). A question remembers the account and the epoch that it was asked
in. A reply of another epoch, or a refusal as ahead, makes the place void: it becomes 0 in the new epoch and the phone
asks again; the messages stay (DEV-7). A reply to a question of an epoch that is over is dropped.

What the user sends is stored first, under a client id that is never used again, and goes out until it is answered,
across kills too, with the same client id each time.

Time is what ``tick`` says; a timer is a time at which something is to be tried again. Each step is a method of its own,
so that a faulty phone (``phone_twins``) is an override of a few lines.
Implements DEV-1 to DEV-7, PSH-1, PSH-4. Source: docs/phones.md; article [2.2], [3.2].
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from seqproof_model.history import Code
from seqproof_model.phone_words import Accepted, Asks, Refusal, Reply, Request, Row, Rows, Sends
from seqproof_reference.phone_store import Change, Kept, PhoneStore, Place, Unsent

__all__ = ["Phone", "Question", "Timing"]


@dataclass(frozen=True)
class Timing:
    """When it asks unasked, in ms. ``first_ms``: after the first loss; ``most_ms``: after many."""

    poll_ms: int = 30_000
    first_ms: int = 1_000
    most_ms: int = 8_000


@dataclass(frozen=True)
class Question:
    """A recv that left. ``place``: how far its account was."""

    account: str
    place: Place


class Phone:
    """One app, from its start to its end; ``store`` outlives it. Every input returns the requests that it causes."""

    def __init__(self, store: PhoneStore, timing: Timing | None = None) -> None:
        self.store = store
        self.timing = timing or Timing()
        self.account = ""
        self.connected = True
        self.clock = 0
        self.numbers = 0
        self.asked: dict[int, Question] = {}  # recvs that were asked in this life and not answered
        self.waits: int | None = None  # the one that it waits for
        self.posted: dict[int, Unsent] = {}
        self.again = False
        self.losses = 0
        self.ask_at: int | None = None
        self.post_at: int | None = None
        self.wire: list[Request] = []

    # ---------------------------------------------------------------- what happens to it

    def start(self, account: str = "") -> list[Request]:
        """The app starts. ``account``: who logs in; "": who was. It asks at once (DEV-5)."""
        self.enter(account or self.store.who())
        return self.out()

    def login(self, account: str) -> list[Request]:
        """Another account logs in, with a place of its own (DEV-1)."""
        self.enter(account)
        return self.out()

    def tip(self, account: str) -> list[Request]:
        """There may be something new. It says nothing about what (PSH-1)."""
        if account == self.account:
            self.want()
        return self.out()

    def pull(self) -> list[Request]:
        """The user asks for news."""
        self.want()
        return self.out()

    def connection(self, up: bool) -> list[Request]:
        """The connection is there again, or breaks; what was under way is lost."""
        self.connected = up
        if up:
            self.losses = 0
            self.want()
            self.post()
        else:
            self.waits, self.again, self.ask_at = None, False, None
            self.posted.clear()
        return self.out()

    def tick(self, now: int) -> list[Request]:
        """It is ``now``, in ms since the start: timers that are due fire."""
        self.clock = now
        if self.ask_at is not None and self.ask_at <= now:
            self.ask_at = None
            self.want()
        if self.post_at is not None and self.post_at <= now:
            self.post_at = None
            self.post()
        return self.out()

    @property
    def wakes_at(self) -> int | None:
        """When the next timer is due; None: there is none."""
        return min((at for at in (self.ask_at, self.post_at) if at is not None), default=None)

    def reply(self, number: int, reply: Reply) -> list[Request]:
        """The reply to a request arrives, perhaps late. Raises Dead where the store was told so."""
        question = self.asked.pop(number, None)
        unsent = self.posted.pop(number, None)
        if question is not None:
            self.answered(number, question, reply)
        elif unsent is not None:
            self.accepted(unsent, reply)
        return self.out()

    def lost(self, number: int) -> list[Request]:
        """No reply will come in time; one may still come late."""
        if number == self.waits:
            self.waits = None
            self.failed()
        elif self.posted.pop(number, None) is not None:
            self.post_at = self.clock + self.timing.first_ms
        return self.out()

    def say(self, body: str) -> list[Request]:
        """The user sends a message: stored first, then put on the wire."""
        unsent = Unsent(self.client_id(), body)
        self.store.commit(Change(self.account, out=unsent))
        self.post()
        return self.out()

    # ---------------------------------------------------------------- what can be seen of it

    def held(self, account: str) -> list[Row]:
        """The messages that it shows."""
        return [(row.seq, row.body) for row in self.store.rows(account)]

    def seq_cli(self, account: str) -> int:
        """What it would ask with if it were killed now."""
        return self.store.place(account).seq_cli

    # ---------------------------------------------------------------- its steps, one override each

    def out(self) -> list[Request]:
        """What it put on the wire since the last time."""
        wire, self.wire = self.wire, []
        return wire

    def enter(self, account: str) -> None:
        """Serve this account from now on."""
        self.account = account
        self.store.log_in(account)
        self.waits, self.again, self.ask_at, self.losses = None, False, None, 0
        self.posted.clear()
        self.want()
        self.post()

    def want(self) -> None:
        """There is a reason to ask: now, or when the recv under way is over (DEV-6)."""
        if not self.account or not self.connected:
            return
        if self.waits is not None:
            self.again = True
        else:
            self.ask()

    def ask(self) -> None:
        """Put a recv on the wire."""
        place = self.place()
        self.numbers += 1
        self.waits, self.again, self.ask_at = self.numbers, False, None
        self.asked[self.numbers] = Question(self.account, place)
        self.wire.append(Asks(self.numbers, self.account, place.seq_cli, place.epoch or None))

    def place(self) -> Place:
        """How far the account is (DEV-1, DEV-3)."""
        return self.store.place(self.account)

    def answered(self, number: int, question: Question, reply: Reply) -> None:
        """The reply to a recv is here."""
        late = number != self.waits
        if not late:
            self.waits, self.losses = None, 0
        goes_on = False
        match reply:
            case Rows() if self.other_epoch(question, reply.epoch):
                goes_on = self.begin_epoch(question, reply)
            case Rows():
                self.take(question, reply)
                goes_on = self.more(reply)
            case Refusal(code=Code.AHEAD):
                goes_on = self.void(question, reply.epoch)
            case _:
                self.losses += 1  # the server is in trouble: as if it were lost
        if question.account != self.account:
            return
        if not late:
            self.after(goes_on=goes_on)
        elif goes_on:
            self.want()  # a late reply, too, may tell of more, or of a new epoch

    def other_epoch(self, question: Question, epoch: str | None) -> bool:
        """Whether a reply, or its question, is of another epoch than the phone's (DEV-7)."""
        now = self.store.place(question.account).epoch
        return bool(now) and (question.place.epoch not in ("", now) or epoch not in (None, now))

    def begin_epoch(self, question: Question, reply: Rows) -> bool:
        """A reply does not fit the epoch: the place becomes void, unless the question is of an epoch that is over."""
        return self.void(question, reply.epoch)

    def void(self, question: Question, epoch: str | None) -> bool:
        """Ask from 0, in the new epoch; the messages stay. Returns whether there is something to ask (DEV-7)."""
        now = self.store.place(question.account)
        if question.place.epoch != now.epoch:
            return True  # the question is of an epoch that is over
        name = epoch if epoch and epoch != now.epoch else f"{now.epoch}'"  # refused without a name: not the old one
        self.store.commit(Change(question.account, place=Place(0, name)))
        return True

    def take(self, question: Question, reply: Rows) -> None:
        """Keep a reply: its messages and the mark, in one commit (DEV-2, DEV-3, DEV-4)."""
        now = self.store.place(question.account)
        epoch = reply.epoch or now.epoch
        mark = self.mark(now, reply)
        if reply.rows or epoch != now.epoch:
            self.keep(question.account, self.kept(epoch, reply.rows), Place(mark, epoch))

    def mark(self, now: Place, reply: Rows) -> int:
        """The seq_cli that a reply makes: never lower than it was."""
        return max([now.seq_cli, *(seq for seq, _ in reply.rows)])

    def kept(self, epoch: str, rows: Iterable[Row]) -> tuple[Kept, ...]:
        """The rows as they are kept. The store keeps each (epoch, seq) once."""
        return tuple(Kept(epoch, seq, body) for seq, body in rows)

    def keep(self, account: str, rows: tuple[Kept, ...], place: Place) -> None:
        """Make messages and mark durable together (DEV-2)."""
        self.store.commit(Change(account, rows, place))

    def more(self, reply: Rows) -> bool:
        """Whether to ask on at once: the server says so, or says nothing and gave something (DEV-5)."""
        return bool(reply.rows) if reply.more is None else reply.more

    def after(self, *, goes_on: bool) -> None:
        """A recv is over: ask on, or rest until the next poll."""
        if self.losses:
            self.ask_at = self.clock + self.backoff()
        elif goes_on or self.again:
            self.want()
        else:
            self.ask_at = self.clock + self.timing.poll_ms

    def failed(self) -> None:
        """A recv was lost: try again, after a wait that doubles each time (PSH-4)."""
        self.losses += 1
        self.ask_at = self.clock + self.backoff()

    def backoff(self) -> int:
        """How long to wait after so many losses, in ms."""
        return min(self.timing.most_ms, self.timing.first_ms << min(self.losses - 1, 30))

    # ---------------------------------------------------------------- what its user sends

    def client_id(self) -> str:
        """A client id that was never used and never will be."""
        return secrets.token_hex(8)

    def post(self) -> None:
        """Put whatever is not acknowledged, and not under way, on the wire, under its own client id."""
        if not self.account or not self.connected:
            return
        under_way = {unsent.client_id for unsent in self.posted.values()}
        for unsent in self.store.outbox(self.account):
            if unsent.client_id not in under_way:
                self.numbers += 1
                self.posted[self.numbers] = unsent
                self.wire.append(Sends(self.numbers, self.account, self.repeated(unsent), unsent.body))

    def repeated(self, unsent: Unsent) -> str:
        """The client id under which a message goes out: always the same."""
        return unsent.client_id

    def accepted(self, unsent: Unsent, reply: Reply) -> None:
        """A send is answered: it is stored, or refused for good, or to be tried again."""
        if isinstance(reply, Accepted) or (isinstance(reply, Refusal) and reply.code is not Code.STORE):
            self.store.commit(Change(self.account, done=unsent.client_id))
        else:
            self.post_at = self.clock + self.timing.first_ms
