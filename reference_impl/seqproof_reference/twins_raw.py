"""Servers that read a malformed seq_cli as a number, and servers that are lenient and right.

Each reads a text in its own way: as a C program, a script, or a careless handler would. Reading it as 0 is harmless,
because 0 confirms nothing; so is taking "2" in quotes, 2.0 or 2e0 for 2. The id, the story and the shortest trace of
each stand in ``faulty.py``.
Source: docs/mutants.md; SEQ-7.
"""
# ruff: noqa: D102 - an override has the step's arguments and the step's meaning, but for its fault

from __future__ import annotations

import re

from seqproof_model.history import Answer, Indefinite, Ok
from seqproof_model.malformed import meaning
from seqproof_reference.core import Core

# --- faults -----------------------------------------------------------------------------------------------------


class RawWrapsNegative(Core):
    """Compares signed, finds -1 not ahead, and stores it unsigned: everything is confirmed, for ever."""

    def recv_raw(self, account: str, phone: str, raw: str) -> Answer:
        if self.up and re.fullmatch(r"-[1-9]\d{0,8}", raw):
            inbox = self.inbox(account)
            inbox.confirmed = max(inbox.confirmed, int(raw) % 2**32)
            return Ok(rows=())
        return super().recv_raw(account, phone, raw)


class RawTruncatesFraction(Core):
    """Takes 1.5 for 1."""

    def read(self, raw: str) -> int | None:
        found = re.fullmatch(r"(\d+)\.\d+", raw)
        return int(found[1]) if found else super().read(raw)


class RawTruncatesBits(Core):
    """Keeps the lower 32 bits of a number."""

    def read(self, raw: str) -> int | None:
        return int(raw) % 2**32 if re.fullmatch(r"\d{1,30}", raw) else super().read(raw)


class RawAboveMaxClamped(Core):
    """Takes a number above the space for "all that there is"."""

    def recv_raw(self, account: str, phone: str, raw: str) -> Answer:
        if re.fullmatch(r"\d{1,30}", raw) and int(raw) > self.seq_max:
            raw = str(self.inbox(account).svr)
        return super().recv_raw(account, phone, raw)


class RawNullIsAll(Core):
    """Takes a seq_cli that is missing for a phone that is up to date."""

    def recv_raw(self, account: str, phone: str, raw: str) -> Answer:
        return super().recv_raw(account, phone, str(self.inbox(account).svr) if raw == "null" else raw)


class RawTrueIsOne(Core):
    """Takes true for 1, as languages do in which it is."""

    def read(self, raw: str) -> int | None:
        return 1 if raw == "true" else super().read(raw)


class RawTextPrefix(Core):
    """Reads a text as far as it has digits."""

    def read(self, raw: str) -> int | None:
        found = re.match(r'"(\d{1,9})', raw)
        return int(found[1]) if found else super().read(raw)


class Raw500AndConfirms(Core):
    """Confirms first, with whatever it has, and fails then over what it cannot read."""

    def recv_raw(self, account: str, phone: str, raw: str) -> Answer:
        answer = super().recv_raw(account, phone, raw)
        if self.up and raw.startswith('"') and self.read(raw) is None:
            inbox = self.inbox(account)
            inbox.confirmed = inbox.svr
            return Indefinite("500 Internal Server Error")
        return answer


# --- liberties --------------------------------------------------------------------------------------------------


class RawTextIsZero(Core):
    """Takes what it cannot read for 0: that confirms nothing, and is answered as a new phone's question."""

    def read(self, raw: str) -> int | None:
        value = super().read(raw)
        return self.base if value is None else value


class RawLenient(Core):
    """Takes whatever means a seq_cli for one, in quotes, with a point, with an exponent."""

    def read(self, raw: str) -> int | None:
        found = meaning(raw, self.seq_max)
        return None if found is None else found.seq_cli


class RawAnsweredEmpty(Core):
    """Answers what it cannot read with nothing."""

    def recv_raw(self, account: str, phone: str, raw: str) -> Answer:
        return super().recv_raw(account, phone, raw) if self.read(raw) is not None else Ok(rows=())
