"""Faulty twins that deliver like something else: like a queue, like a web page, like a feed of news.

A message store that was made of a queue gives each message to one reader, and gives up after some attempts. One that
was made of a web application pages by offset and stops talking to who asks too often. None of that is this protocol.
The id, the story and the shortest trace of each stand in ``faulty.py``. Source: docs/mutants.md.
"""
# ruff: noqa: ARG002, D102 - an override has the step's arguments and the step's meaning, but for its fault

from __future__ import annotations

import msgspec

from seqproof_model.history import Answer, Ok
from seqproof_reference.core import Core, Inbox, Limit, Page, Row

ATTEMPTS = 3
ANSWERS = 5
FEED = 100


# --- like a queue: CNF-3, CNF-6 ---------------------------------------------------------------------------------


class DeadLetter(Core):
    """After three deliveries a row is put aside, as one that nobody can process."""

    def answered(self, inbox: Inbox, phone: str, seq_cli: int, page: Page) -> None:
        for seq, _ in page.rows:
            inbox.own[f"{seq} given"] = inbox.own.get(f"{seq} given", 0) + 1
            if inbox.own[f"{seq} given"] >= ATTEMPTS:
                del inbox.rows[seq]


class ConsumerGroup(Core):
    """What was given to one phone is not given to another: each row has one consumer."""

    def reply(self, inbox: Inbox, phone: str, seq_cli: int, due: list[Row]) -> Answer:
        mine = [row for row in due if not self.taken(inbox, phone, row[0])]
        inbox.own.update({f"{seq} to {phone}": 1 for seq, _ in mine})
        return super().reply(inbox, phone, seq_cli, mine)

    def taken(self, inbox: Inbox, phone: str, seq: int) -> bool:
        """Whether another phone was given it."""
        return any(key.startswith(f"{seq} to ") and key != f"{seq} to {phone}" for key in inbox.own)


class StopsAnswering(Core):
    """From the sixth recv of an account on it answers with nothing: a limit on requests that says no error."""

    def reply(self, inbox: Inbox, phone: str, seq_cli: int, due: list[Row]) -> Answer:
        inbox.own["asked"] = inbox.own.get("asked", 0) + 1
        return super().reply(inbox, phone, seq_cli, due if inbox.own["asked"] <= ANSWERS else [])


class HistoryLimit(Core):
    """A phone that asks for the first time gets the newest hundred messages."""

    def lower(self, inbox: Inbox, phone: str, seq_cli: int) -> int:
        low = super().lower(inbox, phone, seq_cli)
        return max(low, inbox.svr - FEED) if seq_cli == self.base else low


class EmptyWhenOne(Core):
    """Looks whether more than one row is due where it should look whether any is."""

    def reply(self, inbox: Inbox, phone: str, seq_cli: int, due: list[Row]) -> Answer:
        return super().reply(inbox, phone, seq_cli, due if len(due) > 1 else [])


# --- like a web page: RCV-2, RCV-3 ------------------------------------------------------------------------------


class PageOffset(Core):
    """Remembers how many rows a phone was given and skips so many; what was confirmed meanwhile is gone already."""

    def reply(self, inbox: Inbox, phone: str, seq_cli: int, due: list[Row]) -> Answer:
        offset = inbox.own.get(phone, 0) if seq_cli > self.base else 0
        answer = super().reply(inbox, phone, seq_cli, due[offset:])
        inbox.own[phone] = offset + len((answer.rows if isinstance(answer, Ok) else None) or ())
        return answer


class MoreIfFull(Core):
    """Says that more is due when the page has as many rows as it may; a page that is full of bytes has fewer."""

    def page(self, inbox: Inbox, due: list[Row], limit: Limit) -> Page:
        page = super().page(inbox, due, limit)
        return page._replace(more=len(page.rows) == limit.rows)


class MoreOffByOne(Core):
    """Fetches one row more than a page holds, and wants two of them to say that more is due."""

    def page(self, inbox: Inbox, due: list[Row], limit: Limit) -> Page:
        return super().page(inbox, due, limit)._replace(more=len(due) > limit.rows + 1)


class MoreAlways(Core):
    """Has no pages, and says that more is due all the same: a phone never comes to rest."""

    def reply(self, inbox: Inbox, phone: str, seq_cli: int, due: list[Row]) -> Answer:
        answer = super().reply(inbox, phone, seq_cli, due)
        return msgspec.structs.replace(answer, more=True) if isinstance(answer, Ok) else answer
