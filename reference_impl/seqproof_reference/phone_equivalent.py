"""Phones of other shapes that are right: they ask more, write otherwise, keep less. A kit must let them pass.

Each is the reference phone with one step replaced, like the faulty ones in ``phone_twins``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from seqproof_model.history import Code
from seqproof_model.phone_words import Asks, Refusal, Reply, Request, Row, Rows
from seqproof_reference.phone import Phone, Question, Timing
from seqproof_reference.phone_store import Change, Kept, Place


class AsksTwice(Phone):
    """It asks twice at once, for good measure."""

    def ask(self) -> None:
        """And again."""
        super().ask()
        place = self.place()
        self.numbers += 1
        self.asked[self.numbers] = Question(self.account, place)
        self.wire.append(Asks(self.numbers, self.account, place.seq_cli, place.epoch or None))


class AsksAtOnce(Phone):
    """A tip makes it ask at once, beside a recv that is under way."""

    def want(self) -> None:
        """Now, whatever is under way."""
        if self.account and self.connected:
            self.ask()


class OrderedWrites(Phone):
    """It writes the messages, then the mark, in two transactions."""

    def keep(self, account: str, rows: tuple[Kept, ...], place: Place) -> None:
        """In the right order."""
        self.store.commit(Change(account, rows))
        self.store.commit(Change(account, place=place))


class RowByRow(Phone):
    """It takes a reply row by row, each with its own mark."""

    def keep(self, account: str, rows: tuple[Kept, ...], place: Place) -> None:
        """One commit a row."""
        for row in rows:
            now = self.store.place(account)
            mark = max(row.seq, now.seq_cli if now.epoch == row.epoch else 0)
            self.store.commit(Change(account, (row,), Place(mark, row.epoch)))
        super().keep(account, (), place)


class IgnoresLate(Phone):
    """It drops whatever comes after its time."""

    def lost(self, number: int) -> list[Request]:
        """Forget the question, too."""
        self.asked.pop(number, None)
        return super().lost(number)


class OneRowAtATime(Phone):
    """It takes the first row of a reply and asks for the rest."""

    def take(self, question: Question, reply: Rows) -> None:
        """Only the first."""
        super().take(question, Rows(reply.rows[:1], reply.more, reply.upto, reply.seq_svr, reply.epoch))

    def more(self, reply: Rows) -> bool:
        """Ask on, if there was more than one."""
        return len(reply.rows) > 1 or super().more(reply)


class VolatileMark(Phone):
    """It keeps its mark in memory alone; after a kill it begins at 0, and the server knows better."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.places: dict[str, Place] = {}

    def place(self) -> Place:
        """From memory."""
        return self.places.get(self.account, Place(0, super().place().epoch))

    def keep(self, account: str, rows: tuple[Kept, ...], place: Place) -> None:
        """Messages and epoch are durable, the mark is not."""
        known = self.places.get(account, Place())
        mark = max(place.seq_cli, known.seq_cli if known.epoch == place.epoch else 0)
        self.places[account] = Place(mark, place.epoch)
        super().keep(account, rows, Place(0, place.epoch))

    def void(self, question: Question, epoch: str | None) -> bool:
        """The mark in memory is void, too."""
        self.places.pop(question.account, None)
        return super().void(question, epoch)


class TellsNoEpoch(Phone):
    """It does not say in which epoch it asks."""

    def ask(self) -> None:
        """The same without the word."""
        super().ask()
        last = self.wire[-1]
        if isinstance(last, Asks):
            self.wire[-1] = Asks(last.id, last.account, last.seq_cli)


class StoresAgain(Phone):
    """It takes a late reply as if it were new, marks and all: the store keeps each message once."""

    def kept(self, epoch: str, rows: Iterable[Row]) -> tuple[Kept, ...]:
        """Everything, twice."""
        once = super().kept(epoch, rows)
        return once + once


class AheadAsksTwice(Phone):
    """After a refusal as ahead it begins at 0; it treats a busy server as a lost request."""

    def answered(self, number: int, question: Question, reply: Reply) -> None:
        """As the reference, and once more from 0."""
        super().answered(number, question, reply)
        if isinstance(reply, Refusal) and reply.code is Code.AHEAD and question.account == self.account:
            self.want()


@dataclass(frozen=True)
class Entry:
    """One phone. ``breaks`` and ``expected`` are empty for one that is right."""

    id: str
    build: type[Phone]
    summary: str
    breaks: str = ""
    expected: frozenset[str] = frozenset()
    trace: str = ""
    timing: Timing | None = None
    sqlite: bool = False

    @property
    def right(self) -> bool:
        """Whether it must pass."""
        return not self.expected


RIGHT: tuple[Entry, ...] = (
    Entry("P_POLLS_OFTEN", Phone, "It polls every 2 s.", timing=Timing(poll_ms=2_000)),
    Entry("P_ASKS_TWICE", AsksTwice, "It asks twice at once."),
    Entry("P_ASKS_AT_ONCE", AsksAtOnce, "A tip makes it ask beside a recv that is under way."),
    Entry("P_ORDERED_WRITES", OrderedWrites, "Messages and mark are two transactions, in this order."),
    Entry("P_ROW_BY_ROW", RowByRow, "It takes a reply row by row."),
    Entry("P_IGNORES_LATE", IgnoresLate, "It drops late replies."),
    Entry("P_ONE_ROW_AT_A_TIME", OneRowAtATime, "It takes one row of a reply and asks for the rest."),
    Entry("P_VOLATILE_MARK", VolatileMark, "Its mark is not durable; after a kill it asks from 0."),
    Entry("P_TELLS_NO_EPOCH", TellsNoEpoch, "Its requests do not name the epoch."),
    Entry("P_STORES_AGAIN", StoresAgain, "It stores rows again, and shows them once."),
    Entry("P_ASKS_AGAIN_WHEN_AHEAD", AheadAsksTwice, "After a refusal as ahead it asks once more than it must."),
    Entry("P_SQLITE", Phone, "It keeps everything in SQLite.", sqlite=True),
)
