"""Servers that are restored from a backup: what goes wrong with seqs that were given out since, and how it goes right.

The id, the story and the shortest trace of each stand in ``faulty.py``.
Source: docs/mutants.md; SEQ-3, SEQ-8.
"""
# ruff: noqa: D102 - an override has the step's arguments and the step's meaning, but for its fault

from __future__ import annotations

from typing import Any

from seqproof_reference.core import Core, Inbox


class RestoreReusesSeqs(Core):
    """Goes on where the backup was taken, and tells nobody."""

    def epoch(self) -> str | None:
        return None


class EpochFrozen(Core):
    """Tells an epoch, which is part of what was backed up, and so the same ever after."""

    def epoch(self) -> str | None:
        return "e0"


class RestoreSkips(Core):
    """Goes on past everything that it ever gave out, in the same epoch. ``room``: how much it may be short of that."""

    room = 0

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.given: dict[str, int] = {}  # durable, and not part of the backup

    def epoch(self) -> str | None:
        return None

    def reset(self, account: str) -> None:
        self.given.pop(account, None)
        super().reset(account)

    def store(self, inbox: Inbox, seq: int, body: str) -> None:
        super().store(inbox, seq, body)
        self.given[inbox.name] = max(seq, self.given.get(inbox.name, seq))

    def fresh(self, account: str) -> Inbox:
        inbox = super().fresh(account)
        inbox.svr = max(inbox.svr, self.given.get(account, 0) - self.room)
        return inbox

    def restore(self) -> None:
        super().restore()
        for inbox in self.disk.values():
            inbox.svr = max(inbox.svr, self.given.get(inbox.name, 0) - self.room)


class RestoreSkipsShort(RestoreSkips):
    """Skips, and not far enough: its note of what was given out is one message old."""

    room = 1
