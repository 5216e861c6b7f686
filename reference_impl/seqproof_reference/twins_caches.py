"""Faulty twins with a copy that is behind: caches of replies, replicas of the store, marks that are written later.

A copy that is behind is fast, and right most of the time. It is seen when something falls between the copy and the
original: another phone's confirm, a send, a kill. The id, the story and the shortest trace of each stand in
``faulty.py``. Source: docs/mutants.md.
"""
# ruff: noqa: D102 - an override has the step's arguments and the step's meaning, but for its fault

from __future__ import annotations

from typing import Any

from seqproof_model.history import Answer
from seqproof_reference.core import Core, Inbox, Row

BATCH = 3
EVERY = 10


# --- replies and rows: RCV-4, RCV-7, CNF-5 ----------------------------------------------------------------------


class ReplyCacheStale(Core):
    """Keeps the reply to each (account, seq_cli) and never makes a new one while it lives."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.cache: dict[tuple[str, int], Answer] = {}

    def fresh(self, account: str) -> Inbox:
        self.forget(account)
        return super().fresh(account)

    def forget(self, account: str) -> None:
        """Drop what is cached of an account."""
        self.cache = {key: reply for key, reply in self.cache.items() if key[0] != account}

    def serve(self, inbox: Inbox, phone: str, seq_cli: int) -> Answer:
        answer = super().serve(inbox, phone, seq_cli)
        return self.cache.setdefault((inbox.name, seq_cli), answer)

    def on_kill(self) -> None:
        self.cache.clear()


class ReplyCache(ReplyCacheStale):
    """The same, but a send drops the account's replies. A confirm of another phone does not."""

    def store(self, inbox: Inbox, seq: int, body: str) -> None:
        super().store(inbox, seq, body)
        self.forget(inbox.name)


class ReplyCacheRight(ReplyCache):
    """Correct: a confirm that rises drops them, too."""

    def confirm(self, inbox: Inbox, phone: str, seq_cli: int) -> None:
        if seq_cli > inbox.confirmed:
            self.forget(inbox.name)
        super().confirm(inbox, phone, seq_cli)


class LaggingReplica(Core):
    """Reads seq_svr of a replica, which has the last send only at the second look. In ``lagging`` it may (RCV-7)."""

    def store(self, inbox: Inbox, seq: int, body: str) -> None:
        inbox.own["replica"] = inbox.svr
        super().store(inbox, seq, body)

    def upper(self, inbox: Inbox) -> int:
        return inbox.own.pop("replica", inbox.svr)


class SameQuestionEmpty(Core):
    """Answers a question that a phone asked before with nothing, as long as nothing new has come: not modified."""

    def reply(self, inbox: Inbox, phone: str, seq_cli: int, due: list[Row]) -> Answer:
        asked = {f"{phone} seq_cli": seq_cli, f"{phone} svr": inbox.svr}
        before = {name: inbox.own.get(name) for name in asked}
        inbox.own.update(asked)
        return super().reply(inbox, phone, seq_cli, [] if before == asked else due)


# --- confirmed, written later: CNF-1, CNF-4 ---------------------------------------------------------------------


class WriteBehindConfirm(Core):
    """Writes confirmed to disk with the account's next request."""

    def confirm(self, inbox: Inbox, phone: str, seq_cli: int) -> None:
        inbox.own["written"] = inbox.confirmed
        super().confirm(inbox, phone, seq_cli)

    def store(self, inbox: Inbox, seq: int, body: str) -> None:
        super().store(inbox, seq, body)
        inbox.own["written"] = inbox.confirmed

    def on_kill(self) -> None:
        for inbox in self.disk.values():
            inbox.confirmed = inbox.own.get("written", inbox.confirmed)


class ConfirmBatch(Core):
    """Collects confirms and writes them to disk three at a time."""

    def confirm(self, inbox: Inbox, phone: str, seq_cli: int) -> None:
        if seq_cli > inbox.confirmed:
            inbox.own["waiting"] = (inbox.own.get("waiting", 0) + 1) % BATCH
        super().confirm(inbox, phone, seq_cli)
        if not inbox.own.get("waiting"):
            inbox.own["written"] = inbox.confirmed

    def on_kill(self) -> None:
        for inbox in self.disk.values():
            inbox.confirmed = inbox.own.get("written", self.base)
            inbox.own["waiting"] = 0


class ConfirmEveryTenth(Core):
    """Moves confirmed with every tenth recv only."""

    def confirm(self, inbox: Inbox, phone: str, seq_cli: int) -> None:
        own = inbox.own
        own["asked"] = own.get("asked", 0) + 1
        own["largest"] = max(own.get("largest", self.base), seq_cli)
        if own["asked"] % EVERY == 0:
            super().confirm(inbox, phone, own["largest"])
