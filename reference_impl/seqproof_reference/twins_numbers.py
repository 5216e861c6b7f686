"""Faulty twins that get numbers, text and order wrong: how a seq is written, compared, sorted, and read back.

They are right on a developer's desk, where accounts are small, requests are slow and every table is read in the order
in which it was filled. The id, the story and the shortest trace of each stand in ``faulty.py``.
Source: docs/mutants.md.
"""
# ruff: noqa: ARG002, D102 - an override has the step's arguments and the step's meaning, but for its fault

from __future__ import annotations

import struct
from collections.abc import Iterable

from seqproof_model.history import Answer, Code, Refused
from seqproof_reference.core import Core, Inbox, Page, Row
from seqproof_reference.twins import INT32_MAX

VARINT_BITS = 28  # what four bytes of a varint hold
COLUMN = 255  # characters that fit


def float32(n: int) -> int:
    """What is left of a whole number in a 32-bit float.

    >>> float32(2**24 - 1), float32(2**24 + 1)
    (16777215, 16777216)
    """
    value: float = struct.unpack("f", struct.pack("f", n))[0]
    return int(value)


# --- order: SEQ-4, RCV-1 ----------------------------------------------------------------------------------------


class ClockOrder(Core):
    """Sorts by the time of arrival, and the newest tie comes first. Here time goes on with each reply only."""

    def store(self, inbox: Inbox, seq: int, body: str) -> None:
        super().store(inbox, seq, body)
        inbox.own[f"{seq} came"] = inbox.own.get("now", 0)

    def answered(self, inbox: Inbox, phone: str, seq_cli: int, page: Page) -> None:
        inbox.own["now"] = inbox.own.get("now", 0) + 1

    def due(self, inbox: Inbox, low: int, high: int) -> list[Row]:
        rows = super().due(inbox, low, high)
        return sorted(rows, key=lambda row: (inbox.own[f"{row[0]} came"], -row[0]))


class UpdateOrder(Core):
    """Asks for no order. A row that is marked as given moves to the end; the next new one takes its old place."""

    def order(self, rows: Iterable[Row]) -> list[Row]:
        return list(rows)

    def store(self, inbox: Inbox, seq: int, body: str) -> None:
        super().store(inbox, seq, body)
        if inbox.own.get("free"):
            inbox.own["free"] -= 1
            del inbox.rows[seq]
            inbox.rows = {seq: body, **inbox.rows}

    def answered(self, inbox: Inbox, phone: str, seq_cli: int, page: Page) -> None:
        for seq, body in page.rows:
            if not inbox.own.setdefault(f"{seq} given", 0):
                inbox.own[f"{seq} given"] = 1
                inbox.own["free"] = inbox.own.get("free", 0) + 1
                del inbox.rows[seq]
                inbox.rows[seq] = body


class JoinDoubles(Core):
    """Joins the messages with the attempts to send them: a message that was sent twice is two rows."""

    def noted(self, inbox: Inbox, sender: str, client_id: str) -> int | None:
        seq = super().noted(inbox, sender, client_id)
        if seq is not None:
            inbox.own[f"{seq} again"] = inbox.own.get(f"{seq} again", 0) + 1
        return seq

    def due(self, inbox: Inbox, low: int, high: int) -> list[Row]:
        rows = super().due(inbox, low, high)
        return [row for row in rows for _ in range(1 + inbox.own.get(f"{row[0]} again", 0))]


# --- how a number is written: SEQ-1, SEQ-3, SEQ-7 ---------------------------------------------------------------


class StringCompare(Core):
    """Keeps seqs as text and asks for those after seq_cli: "10" is not after "9"."""

    def due(self, inbox: Inbox, low: int, high: int) -> list[Row]:
        return [row for row in super().due(inbox, low, high) if str(row[0]) > str(low)]


class Float32Seq(Core):
    """Keeps seq_svr in a column of 32-bit floats."""

    def allocate(self, inbox: Inbox) -> int | None:
        seq = super().allocate(inbox)
        return None if seq is None else float32(seq)


class Varint28(Core):
    """Writes the seqs of a reply as varints of at most four bytes."""

    def reply(self, inbox: Inbox, phone: str, seq_cli: int, due: list[Row]) -> Answer:
        return super().reply(inbox, phone, seq_cli, [(seq % 2**VARINT_BITS, body) for seq, body in due])


class SaturateInt32(Core):
    """Keeps seqs in a signed 32-bit column that clips what does not fit."""

    def allocate(self, inbox: Inbox) -> int | None:
        seq = super().allocate(inbox)
        return None if seq is None else min(seq, INT32_MAX)


class SeqCliInt32(Core):
    """Reads seq_cli into a signed 32-bit number; what does not fit is malformed."""

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:
        if self.up and seq_cli > INT32_MAX:
            return Refused(Code.MALFORMED)
        return super().recv(account, phone, seq_cli)


class Body255(Core):
    """Keeps bodies in a column of 255 characters that cuts what does not fit."""

    def store(self, inbox: Inbox, seq: int, body: str) -> None:
        super().store(inbox, seq, body[:COLUMN])


# --- one too many, one too few: RCV-1, RCV-5, RCV-7 -------------------------------------------------------------


class ZeroIsLatest(Core):
    """Takes a seq_cli of 0 for none at all, and starts at the end."""

    def lower(self, inbox: Inbox, phone: str, seq_cli: int) -> int:
        return super().lower(inbox, phone, seq_cli) if seq_cli else inbox.svr


class EqualRefused(Core):
    """Refuses seq_cli = seq_svr as ahead: compares with >= where > is meant."""

    def serve(self, inbox: Inbox, phone: str, seq_cli: int) -> Answer:
        if seq_cli == inbox.svr > self.base:
            return self.ahead(inbox, phone, seq_cli)
        return super().serve(inbox, phone, seq_cli)


class RefuseBehind(Core):
    """Refuses a seq_cli below confirmed as out of date."""

    def serve(self, inbox: Inbox, phone: str, seq_cli: int) -> Answer:
        if seq_cli < inbox.confirmed:
            return Refused(Code.MALFORMED, detail="out of date")
        return super().serve(inbox, phone, seq_cli)
