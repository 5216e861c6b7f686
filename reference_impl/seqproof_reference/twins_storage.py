"""Faulty twins whose store loses, doubles or mixes up what it was given: retries, moves, clean-ups, keys.

Each has a store that works, and something around it that was added later: a middleware that tries again, a job that
cleans up, a second shard, a table of client ids with an end. The id, the story and the shortest trace of each stand in
``faulty.py``. Source: docs/mutants.md.
"""
# ruff: noqa: ARG002, D102 - an override has the step's arguments and the step's meaning, but for its fault

from __future__ import annotations

from typing import Any

from seqproof_model.history import Answer, Code, Refused
from seqproof_reference.core import Core, Inbox
from seqproof_reference.twins import RetentionDrop

MOVED_AT = 4  # messages
NOTES = 2


def tenant(account: str) -> str:
    """The part of an account's name that it shares with its neighbours.

    >>> tenant("acme-7-x")
    'acme-7'
    """
    return account.rpartition("-")[0]


# --- stored twice, or though it was refused, or not at all: SND-1, SND-2, SND-5 ---------------------------------


class _AfterFailure(Core):
    """Base of two faults: the store says that it failed, and has not."""

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        answer = super().send(account, sender, client_id, body)
        if isinstance(answer, Refused) and answer.code is Code.STORE:
            return self.failed(self.inbox(account), answer, (sender, client_id), body)
        return answer

    def failed(self, inbox: Inbox, answer: Answer, key: tuple[str, str], body: str) -> Answer:
        """Answer a send whose store says that it failed."""
        return answer

    def stored(self, inbox: Inbox, body: str) -> int:
        """Store it; there was space, or the store would not have been asked."""
        seq = inbox.svr + 1
        self.store(inbox, seq, body)
        return seq


class RetryMiddleware(_AfterFailure):
    """Tries again by itself, as a new message, and answers with the first row that it then finds."""

    def failed(self, inbox: Inbox, answer: Answer, key: tuple[str, str], body: str) -> Answer:
        first = self.stored(inbox, body)
        if first < self.seq_max:
            self.stored(inbox, body)
        if key[1]:
            inbox.notes[key] = first
        return self.told(first)


class RefusedIsStored(_AfterFailure):
    """Refuses, for the store did not answer in time; the message is stored."""

    def failed(self, inbox: Inbox, answer: Answer, key: tuple[str, str], body: str) -> Answer:
        self.stored(inbox, body)
        return answer


class AckWithoutStore(Core):
    """Gives a message its number, answers, and leaves the storing to a worker that never comes."""

    def allocate(self, inbox: Inbox) -> int | None:
        last = inbox.own.get("taken", inbox.svr)
        return None if last >= self.seq_max else last + 1

    def store(self, inbox: Inbox, seq: int, body: str) -> None:
        inbox.own["taken"] = seq


# --- moved, and cleaned up: SEQ-3, SEQ-6, CNF-4, CNF-7 ----------------------------------------------------------


class _Moves(Core):
    """Base of two faults: an account that has grown to four messages moves to a shard of its own."""

    def store(self, inbox: Inbox, seq: int, body: str) -> None:
        inbox.own["stored"] = inbox.own.get("stored", 0) + 1
        if inbox.own["stored"] == MOVED_AT:
            self.moved(inbox)
        super().store(inbox, seq, body)

    def moved(self, inbox: Inbox) -> None:
        """What the move leaves behind."""


class ShardMoveConfirmed(_Moves):
    """The move takes the rows and seq_svr along, and not confirmed."""

    def moved(self, inbox: Inbox) -> None:
        inbox.confirmed = self.base


class ShardMoveRows(_Moves):
    """The move takes the marks along, and not the rows."""

    def moved(self, inbox: Inbox) -> None:
        inbox.rows.clear()


class RetentionAtStart(Core):
    """A job at every start takes local time for UTC, and all rows for older than they are."""

    def on_kill(self) -> None:
        for inbox in self.disk.values():
            inbox.rows.clear()


class RetentionThousand(RetentionDrop):
    """Keeps the last thousand unconfirmed rows."""

    kept = 1000


class EmptyKeyGone(Core):
    """The key of an account goes with its last row, and seq_svr and confirmed with the key."""

    def trim(self, account: str) -> None:
        super().trim(account)
        if not self.inbox(account).rows:
            self.reset(account)


class FullResets(Core):
    """A send to a full space starts the account's numbers again."""

    def allocate(self, inbox: Inbox) -> int | None:
        seq = super().allocate(inbox)
        if seq is None:
            inbox.svr = self.base
        return seq


# --- the wrong key: SND-3, SND-4, I-ISO -------------------------------------------------------------------------


class TenantConfirmed(Core):
    """Keeps confirmed by the first part of the account's name, which neighbours share."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.by_tenant: dict[str, int] = {}

    def confirm(self, inbox: Inbox, phone: str, seq_cli: int) -> None:
        super().confirm(inbox, phone, seq_cli)
        key = tenant(inbox.name)
        self.by_tenant[key] = max(self.by_tenant.get(key, self.base), seq_cli)

    def lower(self, inbox: Inbox, phone: str, seq_cli: int) -> int:
        return max(self.by_tenant[tenant(inbox.name)], seq_cli)


class SoftDeleteSender(Core):
    """A trim marks rows as deleted by the sender of what is confirmed: what else came from that sender goes, too."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.senders: dict[tuple[str, int], str] = {}

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        before = self.inbox(account).svr
        answer = super().send(account, sender, client_id, body)
        if self.inbox(account).svr > before:
            self.senders[account, self.inbox(account).svr] = sender
        return answer

    def trim(self, account: str) -> None:
        inbox = self.inbox(account)
        gone = {self.senders[account, seq] for seq in inbox.rows if seq <= inbox.confirmed}
        inbox.rows = {seq: body for seq, body in inbox.rows.items() if self.senders[account, seq] not in gone}


class DedupCapped(Core):
    """Remembers the last two client ids of an account."""

    def store(self, inbox: Inbox, seq: int, body: str) -> None:
        super().store(inbox, seq, body)
        while len(inbox.notes) >= NOTES:
            del inbox.notes[next(iter(inbox.notes))]


class DedupByBody(Core):
    """Takes a body that is there already for a retry."""

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        rows = self.inbox(account).rows if self.up else {}
        known = next((seq for seq, stored in rows.items() if stored == body), None)
        return super().send(account, sender, client_id, body) if known is None else self.told(known)


class DedupAcrossAccounts(Core):
    """Looks a sender's client id up in all of a tenant's accounts: one message to two accounts is stored in one."""

    def noted(self, inbox: Inbox, sender: str, client_id: str) -> int | None:
        near = (other for name, other in self.disk.items() if tenant(name) == tenant(inbox.name))
        found = (other.notes.get((sender, client_id)) for other in near)
        return next((seq for seq in found if seq is not None), None)
