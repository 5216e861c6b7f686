"""Faulty phones, each the reference phone with one step replaced. ``phone_faulty`` is their catalogue.

Each fault is one that real teams make; each class says what it does wrong.
"""

# ruff: noqa: ARG002 - an override has the arguments of what it replaces

from __future__ import annotations

from typing import Any

from seqproof_model.phone_words import Reply, Request, Row, Rows
from seqproof_reference.phone import Phone, Question
from seqproof_reference.phone_store import Change, Kept, Place, Unsent

INSTALL = "\x00install"  # where a phone keeps what it wrongly keeps once for all accounts


# ---------------------------------------------------------------- faults: the mark


class AdvancesOnTimeout(Phone):
    """It takes a request that was lost for one that was answered."""

    def lost(self, number: int) -> list[Request]:
        """Move on, as if the next message had come."""
        question = self.asked.get(number)
        if question is not None:
            now = self.store.place(question.account)
            self.store.commit(Change(question.account, place=now._replace(seq_cli=now.seq_cli + 1)))
        return super().lost(number)


class TipAdvances(Phone):
    """It counts tips as messages."""

    def tip(self, account: str) -> list[Request]:
        """Move on by one."""
        now = self.store.place(account)
        self.store.commit(Change(account, place=now._replace(seq_cli=now.seq_cli + 1)))
        return super().tip(account)


class PageAdoptsSvr(Phone):
    """It takes the server's seq_svr from a page."""

    def mark(self, now: Place, reply: Rows) -> int:
        """As far as the server is."""
        return max(super().mark(now, reply), reply.seq_svr or 0)


class UptoPlusOne(Phone):
    """It takes upto for the next seq to ask for."""

    def mark(self, now: Place, reply: Rows) -> int:
        """One beyond the last row."""
        return super().mark(now, reply) + bool(reply.rows)


class LateReplyLowers(Phone):
    """The last reply to arrive sets the mark, however old it is."""

    def mark(self, now: Place, reply: Rows) -> int:
        """The last row, wherever the mark was."""
        return reply.rows[-1][0] if reply.rows else now.seq_cli


class CountsRows(Phone):
    """It adds the number of rows to its mark instead of taking the last row's seq."""

    def mark(self, now: Place, reply: Rows) -> int:
        """So many more."""
        return now.seq_cli + len(reply.rows)


class CliPerInstall(Phone):
    """It keeps one seq_cli for the app, whoever is logged in."""

    def place(self) -> Place:
        """The app's."""
        return self.store.place(INSTALL)

    def other_epoch(self, question: Question, epoch: str | None) -> bool:
        """It looks at no epoch."""
        return False

    def keep(self, account: str, rows: tuple[Kept, ...], place: Place) -> None:
        """The mark goes to the app's place."""
        mark = max(place.seq_cli, self.store.place(INSTALL).seq_cli)
        self.store.commit(Change(account, rows))
        self.store.commit(Change(INSTALL, place=place._replace(seq_cli=mark)))

    def seq_cli(self, account: str) -> int:
        """The same for every account."""
        return self.store.place(INSTALL).seq_cli


# ---------------------------------------------------------------- faults: the data


class CliBeforeData(Phone):
    """It writes the mark, then the messages, in two transactions."""

    def keep(self, account: str, rows: tuple[Kept, ...], place: Place) -> None:
        """In the wrong order."""
        self.store.commit(Change(account, place=place))
        self.store.commit(Change(account, rows))


class WriteBehind(Phone):
    """It keeps a reply in memory until the next one, and asks with its mark at once."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.behind: tuple[str, tuple[Kept, ...], Place] | None = None

    def keep(self, account: str, rows: tuple[Kept, ...], place: Place) -> None:
        """Write the reply before, remember this one."""
        self.flush()
        self.behind = account, rows, place

    def mark(self, now: Place, reply: Rows) -> int:
        """From where memory is."""
        return super().mark(self.place(), reply)

    def flush(self) -> None:
        """Write what is remembered."""
        if self.behind:
            account, rows, place = self.behind
            self.behind = None
            self.store.commit(Change(account, rows, place))

    def enter(self, account: str) -> None:
        """Another account: write first."""
        self.flush()
        super().enter(account)

    def void(self, question: Question, epoch: str | None) -> bool:
        """Another epoch: write first."""
        self.flush()
        return super().void(question, epoch)

    def place(self) -> Place:
        """As far as memory goes."""
        return self.behind[2] if self.behind and self.behind[0] == self.account else super().place()

    def held(self, account: str) -> list[Row]:
        """What is written and what is not."""
        shown = super().held(account)
        if self.behind and self.behind[0] == account:
            shown += [(row.seq, row.body) for row in self.behind[1] if (row.seq, row.body) not in shown]
        return shown


class SkipsBacklog(Phone):
    """A fresh installation takes the mark of its first reply and not the messages: 'nobody reads old ones'."""

    def keep(self, account: str, rows: tuple[Kept, ...], place: Place) -> None:
        """The mark alone, at first."""
        fresh = not self.store.place(account).seq_cli
        super().keep(account, () if fresh else rows, place)


class DedupByBody(Phone):
    """It drops a message whose text it already has."""

    def keep(self, account: str, rows: tuple[Kept, ...], place: Place) -> None:
        """Only texts that are new."""
        known = {row.body for row in self.store.rows(account)}
        fresh: list[Kept] = []
        for row in rows:
            if row.body not in known:
                known.add(row.body)
                fresh.append(row)
        super().keep(account, tuple(fresh), place)


class DropsOverlap(Phone):
    """A reply that begins at or below its mark is 'a duplicate': its rows are dropped, all of them."""

    def keep(self, account: str, rows: tuple[Kept, ...], place: Place) -> None:
        """Nothing of it, but the mark."""
        known = self.store.place(account)
        old = bool(rows) and place.epoch == known.epoch and rows[0].seq <= known.seq_cli
        super().keep(account, () if old else rows, place)


class WantsNoGaps(Phone):
    """It takes only rows that go on from its mark without a hole."""

    def take(self, question: Question, reply: Rows) -> None:
        """Nothing after the first hole."""
        last, rows = self.store.place(question.account).seq_cli, list[Row]()
        for row in reply.rows:
            if row[0] > last + 1:
                break
            rows.append(row)
            last = max(last, row[0])
        super().take(question, Rows(tuple(rows), reply.more, reply.upto, reply.seq_svr, reply.epoch))


class ShowsTwice(Phone):
    """It appends whatever arrives to the list that it shows."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.twice: list[tuple[str, Row]] = []

    def take(self, question: Question, reply: Rows) -> None:
        """Note what is there already."""
        known = {(row.seq, row.body) for row in self.store.rows(question.account)}
        self.twice += [(question.account, row) for row in reply.rows if row in known]
        super().take(question, reply)

    def held(self, account: str) -> list[Row]:
        """Once, and once more."""
        return super().held(account) + [row for name, row in self.twice if name == account]


class ReplyToCurrentAccount(Phone):
    """A reply belongs to whoever is logged in when it arrives."""

    def answered(self, number: int, question: Question, reply: Reply) -> None:
        """Forget who asked."""
        super().answered(number, Question(self.account, self.store.place(self.account)), reply)


class TipClears(Phone):
    """A tip empties the list that it shows, to load it again; what is confirmed never comes again."""

    hidden = False

    def tip(self, account: str) -> list[Request]:
        """Hide everything."""
        self.hidden = True
        return super().tip(account)

    def held(self, account: str) -> list[Row]:
        """Nothing, since the tip."""
        return [] if self.hidden else super().held(account)


# ---------------------------------------------------------------- faults: the asking


class PushOnly(Phone):
    """It asks only when a tip comes."""

    def enter(self, account: str) -> None:
        """Wait for a tip."""
        self.account = account
        self.store.log_in(account)
        self.waits = None


class NoRetry(Phone):
    """A lost request is the end of it, until something else makes it ask."""

    def failed(self) -> None:
        """Leave it at that."""


class StopsAfterPage(Phone):
    """It takes a page for all there is."""

    def more(self, reply: Rows) -> bool:
        """Never ask on."""
        return False


class IgnoresTipInBetween(Phone):
    """A tip while a recv is under way is 'already being dealt with'."""

    def want(self) -> None:
        """Nothing, while one is under way."""
        if self.waits is None:
            super().want()


class NoAskOnReconnect(Phone):
    """When the connection is back it waits for the next tip."""

    def connection(self, up: bool) -> list[Request]:
        """Be connected, and quiet."""
        if not up:
            return super().connection(up=False)
        self.connected = True
        return self.out()


class NeverPolls(Phone):
    """Once nothing came, it sets no timer."""

    def after(self, *, goes_on: bool) -> None:
        """Ask on, or sleep for good."""
        if goes_on or self.again:
            self.want()


class BackoffUnbounded(Phone):
    """Its wait doubles with every loss, without bound, and never comes down."""

    ever = 0

    def failed(self) -> None:
        """One more, for ever."""
        self.ever += 1
        self.losses = self.ever
        super().failed()

    def backoff(self) -> int:
        """Twice as long."""
        return self.timing.first_ms << min(self.ever, 30)


# ---------------------------------------------------------------- faults: the epoch, the sends


class IgnoresEpoch(Phone):
    """It looks at no epoch, and takes a refusal as ahead for a failure that will pass."""

    def other_epoch(self, question: Question, epoch: str | None) -> bool:
        """There is only one."""
        return False

    def void(self, question: Question, epoch: str | None) -> bool:
        """Keep the mark."""
        return False


class EpochDropsMessages(Phone):
    """A new epoch makes it forget the messages of the old one."""

    def held(self, account: str) -> list[Row]:
        """Those of the epoch that it is in."""
        now = self.store.place(account).epoch
        return [(row.seq, row.body) for row in self.store.rows(account) if row.epoch == now]


class ResendNewId(Phone):
    """Each attempt to send a message has a client id of its own."""

    def repeated(self, unsent: Unsent) -> str:
        """A new one."""
        return self.client_id()


class ClientIdRestarts(Phone):
    """Its client ids are numbers that begin again when the app starts."""

    said = 0

    def client_id(self) -> str:
        """The next number of this life."""
        self.said += 1
        return str(self.said)
