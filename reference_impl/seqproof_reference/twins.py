"""The faulty twins: each class is the correct server with one thing done wrong, in a few lines.

The id, the story and the shortest trace of each stand in ``faulty.py``. A twin overrides the step in which its fault
lives; what it keeps of its own (a counter, marks per phone) is durable unless its fault is that it is not.
Source: docs/mutants.md.
"""
# ruff: noqa: ARG002, D102 - an override has the step's arguments and the step's meaning, but for its fault

from __future__ import annotations

from collections.abc import Iterable

from seqproof_model.history import Answer, Code, Refused
from seqproof_reference.core import Core, Inbox, Limit, Page, Row

INT32_MAX = 2**31 - 1
BLOCK = 1000


def int32(n: int) -> int:
    """What a 32-bit unsigned value is when it is read as signed.

    >>> int32(2**31 - 1), int32(2**31)
    (2147483647, -2147483648)
    """
    return n - 2**32 if n > INT32_MAX else n


# --- what counts as received: CNF-1 to CNF-6, RCV-4, RCV-6 ------------------------------------------------------


class AckOnReply(Core):
    """Takes what it sent for what arrived."""

    def answered(self, inbox: Inbox, phone: str, seq_cli: int, page: Page) -> None:
        inbox.confirmed = max([inbox.confirmed, *(seq for seq, _ in page.rows)])


class DeleteOnDeliver(Core):
    """A queue: what was taken out is gone."""

    def answered(self, inbox: Inbox, phone: str, seq_cli: int, page: Page) -> None:
        for seq, _ in page.rows:
            inbox.rows.pop(seq, None)


class NoConfirmed(Core):
    """Every phone for itself: there is no mark of the account."""

    def lower(self, inbox: Inbox, phone: str, seq_cli: int) -> int:
        return seq_cli


class PerDeviceConfirm(Core):
    """A mark per phone, none for the account."""

    def confirm(self, inbox: Inbox, phone: str, seq_cli: int) -> None:
        inbox.own[phone] = self.lower(inbox, phone, seq_cli)

    def lower(self, inbox: Inbox, phone: str, seq_cli: int) -> int:
        return max(inbox.own.get(phone, self.base), seq_cli)


class LastWriterAck(Core):
    """The last writer wins, before the reply is computed."""

    def confirm(self, inbox: Inbox, phone: str, seq_cli: int) -> None:
        inbox.confirmed = seq_cli


class AckRegressAfter(Core):
    """The last writer wins, after a reply that was right."""

    def answered(self, inbox: Inbox, phone: str, seq_cli: int, page: Page) -> None:
        inbox.confirmed = seq_cli


class LaggedAck(Core):
    """Reads by the mark of the request before."""

    def serve(self, inbox: Inbox, phone: str, seq_cli: int) -> Answer:
        due = self.due(inbox, inbox.confirmed, self.upper(inbox))
        self.confirm(inbox, phone, seq_cli)
        return self.reply(inbox, phone, seq_cli, due)


class UnderAck(Core):
    """Takes seq_cli for the next one wanted."""

    def confirm(self, inbox: Inbox, phone: str, seq_cli: int) -> None:
        inbox.confirmed = max(inbox.confirmed, seq_cli - 1)


class OverAck(Core):
    """Confirms one too many, once the reply is made."""

    def answered(self, inbox: Inbox, phone: str, seq_cli: int, page: Page) -> None:
        if seq_cli > self.base:
            inbox.confirmed = max(inbox.confirmed, seq_cli + 1)


class ClampConfirms(Core):
    """Lowers a seq_cli that is ahead to seq_svr and goes on."""

    def ahead(self, inbox: Inbox, phone: str, seq_cli: int) -> Answer:
        return self.serve(inbox, phone, inbox.svr)


class ConfirmOnRefuse(Core):
    """Refuses, and has confirmed."""

    def ahead(self, inbox: Inbox, phone: str, seq_cli: int) -> Answer:
        inbox.confirmed = inbox.svr
        return super().ahead(inbox, phone, seq_cli)


class FuturePoison(Core):
    """Believes any seq_cli."""

    def ahead(self, inbox: Inbox, phone: str, seq_cli: int) -> Answer:
        return self.serve(inbox, phone, seq_cli)


# --- what a reply holds: RCV-1 to RCV-3, RCV-7 ------------------------------------------------------------------


class LowInclusive(Core):
    """Asks its store with >= where > is meant."""

    def lower(self, inbox: Inbox, phone: str, seq_cli: int) -> int:
        return super().lower(inbox, phone, seq_cli) - 1


class HighExclusive(Core):
    """Asks its store with < where <= is meant."""

    def upper(self, inbox: Inbox) -> int:
        return inbox.svr - 1


class StringSort(Core):
    """Keeps seqs as text."""

    def order(self, rows: Iterable[Row]) -> list[Row]:
        return sorted(rows, key=lambda row: str(row[0]))


class DescOrder(Core):
    """The newest first."""

    def order(self, rows: Iterable[Row]) -> list[Row]:
        return sorted(rows, reverse=True)


class PageUptoSvr(Core):
    """A page names seq_svr as the place to go on from."""

    def page(self, inbox: Inbox, due: list[Row], limit: Limit) -> Page:
        page = super().page(inbox, due, limit)
        return Page(page.rows, page.more, inbox.svr if page.rows else None)


class PageNewest(Core):
    """A page holds the newest rows."""

    def page(self, inbox: Inbox, due: list[Row], limit: Limit) -> Page:
        return super().page(inbox, due[-limit.rows :], limit)


class PageBytesStuck(Core):
    """A row that is larger than a page fits in none."""

    def page(self, inbox: Inbox, due: list[Row], limit: Limit) -> Page:
        stuck = bool(due) and len(due[0][1]) > limit.body_bytes
        return Page([], True) if stuck else super().page(inbox, due, limit)


class MoreFalse(Core):
    """Never says that more is due."""

    def page(self, inbox: Inbox, due: list[Row], limit: Limit) -> Page:
        return super().page(inbox, due, limit)._replace(more=False)


class CrossUserLeak(Core):
    """Forgets the account in the query: the rows of the account that was stored to last come along."""

    stored_last: Inbox | None = None

    def store(self, inbox: Inbox, seq: int, body: str) -> None:
        super().store(inbox, seq, body)
        self.stored_last = inbox

    def due(self, inbox: Inbox, low: int, high: int) -> list[Row]:
        other = self.stored_last
        rows = super().due(inbox, low, high)
        if other is None or other is inbox:
            return rows
        return self.order([*rows, *super().due(other, low, other.svr)])


# --- allocation and the ends of the space: SEQ-1 to SEQ-7 -------------------------------------------------------


class StartAt0(Core):
    """Counts from 0, where a new phone's seq_cli already stands."""

    def allocate(self, inbox: Inbox) -> int | None:
        started = inbox.svr > self.base or "started" in inbox.own
        return super().allocate(inbox) if started else self.base

    def store(self, inbox: Inbox, seq: int, body: str) -> None:
        super().store(inbox, seq, body)
        inbox.own["started"] = True


class SignedMax(Core):
    """Takes the larger of two marks as signed 32-bit values."""

    def confirm(self, inbox: Inbox, phone: str, seq_cli: int) -> None:
        inbox.confirmed = max(inbox.confirmed, seq_cli, key=int32)

    def lower(self, inbox: Inbox, phone: str, seq_cli: int) -> int:
        return max(inbox.confirmed, seq_cli, key=int32)


class SignedOrder(Core):
    """Sorts seqs as signed 32-bit values."""

    def order(self, rows: Iterable[Row]) -> list[Row]:
        return sorted(rows, key=lambda row: int32(row[0]))


class CapInt32(Core):
    """Keeps seqs in a signed 32-bit column."""

    def allocate(self, inbox: Inbox) -> int | None:
        return None if inbox.svr >= INT32_MAX else super().allocate(inbox)


class Wrap0(Core):
    """Goes on at 0 after the last seq."""

    after_last = 0

    def allocate(self, inbox: Inbox) -> int | None:
        return self.after_last if inbox.svr >= self.seq_max else inbox.svr + 1


class Wrap1(Wrap0):
    """Goes on at 1 after the last seq."""

    after_last = 1


class UintmaxRefused(Core):
    """Compares with < where <= is meant, at the end of the space."""

    def allocate(self, inbox: Inbox) -> int | None:
        return None if inbox.svr + 1 >= self.seq_max else inbox.svr + 1


class FullBlocksRecv(Core):
    """An account whose space is exhausted is closed for reading, too."""

    def serve(self, inbox: Inbox, phone: str, seq_cli: int) -> Answer:
        full = inbox.svr >= self.seq_max
        return Refused(Code.FULL) if full else super().serve(inbox, phone, seq_cli)


class GlobalCounter(Core):
    """One counter for all accounts."""

    sent = 0

    def allocate(self, inbox: Inbox) -> int | None:
        seq = max(self.base + self.sent, inbox.svr) + 1
        return seq if seq <= self.seq_max else None

    def store(self, inbox: Inbox, seq: int, body: str) -> None:
        super().store(inbox, seq, body)
        self.sent += 1


class GapOnFail(Core):
    """A store that failed has used up a seq."""

    def on_failed_store(self, inbox: Inbox, seq: int) -> None:
        if seq < self.seq_max:  # or it would also refuse for space while there is space
            inbox.svr = seq


class _OwnCounter(Core):
    """Base of two faults: the allocator has a counter of its own; a row with the same seq is replaced."""

    def allocate(self, inbox: Inbox) -> int | None:
        last = inbox.own.get("last", inbox.svr)
        return None if last >= self.seq_max else last + 1

    def store(self, inbox: Inbox, seq: int, body: str) -> None:
        inbox.rows[seq] = body
        inbox.svr = max(inbox.svr, seq)
        inbox.own["last"] = seq


# --- what a kill or a trim takes: SEQ-3, SEQ-5, SND-1, CNF-4, CNF-7 ---------------------------------------------


class VolatileSeq(_OwnCounter):
    """The counter lives in memory and starts again with the server."""

    def on_kill(self) -> None:
        for inbox in self.disk.values():
            inbox.own["last"] = self.base


class MaxRowAlloc(_OwnCounter):
    """The next seq is max(row) + 1, also after the rows were trimmed."""

    def trim(self, account: str) -> None:
        super().trim(account)
        inbox = self.inbox(account)
        inbox.own["last"] = max(inbox.rows, default=self.base)


class VolatileConfirm(Core):
    """confirmed lives in memory."""

    def on_kill(self) -> None:
        for inbox in self.disk.values():
            inbox.confirmed = self.base


class VolatileTail(Core):
    """Answers a send first and writes it later: with the next send of the account."""

    def store(self, inbox: Inbox, seq: int, body: str) -> None:
        super().store(inbox, seq, body)
        inbox.own["unwritten"] = seq

    def on_kill(self) -> None:
        for inbox in self.disk.values():
            seq = inbox.own.pop("unwritten", None)
            if seq is not None:
                inbox.rows.pop(seq, None)  # a trim may have been there first
                inbox.notes = {key: noted for key, noted in inbox.notes.items() if noted != seq}
                inbox.svr = seq - 1


class StepJump(Core):
    """Takes seqs in blocks and begins a new one with every start."""

    def on_kill(self) -> None:
        for inbox in self.disk.values():
            block = (inbox.svr // BLOCK + 1) * BLOCK
            if block < self.seq_max:  # or it would also refuse for space while there is space
                inbox.svr = block


class TrimPlus1(Core):
    """Drops one row too many."""

    def trim(self, account: str) -> None:
        inbox = self.inbox(account)
        self.drop(inbox, inbox.confirmed + 1)


class RetentionDrop(Core):
    """Keeps so many unconfirmed rows and drops older ones without a word."""

    kept = 2

    def store(self, inbox: Inbox, seq: int, body: str) -> None:
        super().store(inbox, seq, body)
        unconfirmed = [seq for seq in inbox.rows if seq > inbox.confirmed]
        if len(unconfirmed) > self.kept:
            del inbox.rows[unconfirmed[0]]


class DedupUnscoped(Core):
    """Knows client ids by themselves, whoever the sender is."""

    def noted(self, inbox: Inbox, sender: str, client_id: str) -> int | None:
        return next((seq for (_, known), seq in inbox.notes.items() if known == client_id), None)


class DedupBeforeStore(Core):
    """Notes the client id first and stores then; when the store fails, the note stays."""

    def noted(self, inbox: Inbox, sender: str, client_id: str) -> int | None:
        known = super().noted(inbox, sender, client_id)
        if known is None and client_id:
            inbox.notes[sender, client_id] = inbox.svr + 1
        return known


class DedupLostOnCrash(Core):
    """Keeps the client ids in memory only."""

    def on_kill(self) -> None:
        for inbox in self.disk.values():
            inbox.notes.clear()
