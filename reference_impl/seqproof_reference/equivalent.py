"""Servers that look odd and are right: no kit may fail them. And NULL, which does nothing and may pass nothing.

Each is the correct server with a liberty that the protocol grants ("What a server must never be failed for").
Source: docs/mutants.md.
"""
# ruff: noqa: ARG002, D102 - an override has the step's arguments and the step's meaning

from __future__ import annotations

import unicodedata

from seqproof_model.hello import Capability, Hello
from seqproof_model.history import Answer, Code, Ok, Refused, Tip
from seqproof_reference.core import Core, Inbox, Limit, Page, Row


class ConfirmLast(Core):
    """Computes the reply, then confirms; both take the larger of the marks."""

    def serve(self, inbox: Inbox, phone: str, seq_cli: int) -> Answer:
        due = self.due(inbox, self.lower(inbox, phone, seq_cli), self.upper(inbox))
        answer = self.reply(inbox, phone, seq_cli, due)
        self.confirm(inbox, phone, seq_cli)
        return answer


class ConfirmBetween(Core):
    """Takes the lower end, confirms, then takes the upper end."""

    def serve(self, inbox: Inbox, phone: str, seq_cli: int) -> Answer:
        low = self.lower(inbox, phone, seq_cli)
        self.confirm(inbox, phone, seq_cli)
        return self.reply(inbox, phone, seq_cli, self.due(inbox, low, self.upper(inbox)))


class SvrFirst(Core):
    """Takes the upper end before anything else."""

    def serve(self, inbox: Inbox, phone: str, seq_cli: int) -> Answer:
        high = self.upper(inbox)
        self.confirm(inbox, phone, seq_cli)
        return self.reply(inbox, phone, seq_cli, self.due(inbox, self.lower(inbox, phone, seq_cli), high))


class RowScan(Core):
    """Walks its rows one by one and looks at the marks anew for each."""

    def serve(self, inbox: Inbox, phone: str, seq_cli: int) -> Answer:
        self.confirm(inbox, phone, seq_cli)
        due: list[Row] = []
        for seq in sorted(inbox.rows):
            if self.lower(inbox, phone, seq_cli) < seq <= self.upper(inbox):
                due.append((seq, inbox.rows[seq]))  # noqa: PERF401 - the loop is the point
        return self.reply(inbox, phone, seq_cli, due)


class StoreOnRise(Core):
    """Writes confirmed only when it rises."""

    def confirm(self, inbox: Inbox, phone: str, seq_cli: int) -> None:
        if seq_cli > inbox.confirmed:
            inbox.confirmed = seq_cli


class EagerTrim(Core):
    """Drops rows as soon as they are confirmed (CNF-7)."""

    def confirm(self, inbox: Inbox, phone: str, seq_cli: int) -> None:
        super().confirm(inbox, phone, seq_cli)
        self.drop(inbox, inbox.confirmed)


class NeverTrim(Core):
    """Keeps every row for ever (CNF-7)."""

    def trim(self, account: str) -> None:
        pass


class ExactPageMore(Core):
    """Says "more" after every full page, though it may have been the last (RCV-2)."""

    def page(self, inbox: Inbox, due: list[Row], limit: Limit) -> Page:
        page = super().page(inbox, due, limit)
        return page._replace(more=page.more or len(page.rows) == limit.rows)


class EpochReported(Core):
    """Tells its epoch with every reply (SEQ-8)."""

    def epoch(self) -> str | None:
        return super().epoch() or "e0"


class AheadEmpty(Core):
    """Answers a seq_cli that is ahead with nothing, and changes nothing (RCV-6)."""

    def ahead(self, inbox: Inbox, phone: str, seq_cli: int) -> Answer:
        return self.reply(inbox, phone, seq_cli, [])


class AheadBare(Core):
    """Refuses a seq_cli that is ahead without naming seq_svr (RCV-6: it should)."""

    def ahead(self, inbox: Inbox, phone: str, seq_cli: int) -> Answer:
        return Refused(Code.AHEAD)


class NfcBodies(Core):
    """Normalises bodies, which changes none of a scenario's alphabet."""

    def store(self, inbox: Inbox, seq: int, body: str) -> None:
        super().store(inbox, seq, unicodedata.normalize("NFC", body))


class MarkPerPhone(Core):
    """Keeps what each phone confirmed, and takes the largest of them where confirmed is asked for."""

    def confirm(self, inbox: Inbox, phone: str, seq_cli: int) -> None:
        inbox.own[phone] = max(inbox.own.get(phone, self.base), seq_cli)
        inbox.confirmed = max(inbox.own.values())


class TrimsSome(Core):
    """A trim leaves the newest confirmed row (CNF-7)."""

    def trim(self, account: str) -> None:
        inbox = self.inbox(account)
        self.drop(inbox, inbox.confirmed - 1)


class TrimsAtStart(Core):
    """Drops what is confirmed when it starts, and only then (CNF-7)."""

    def trim(self, account: str) -> None:
        pass

    def on_kill(self) -> None:
        for inbox in self.disk.values():
            self.drop(inbox, inbox.confirmed)


class ChangingPages(Core):
    """Gives pages of one, two and three rows in turn (RCV-2)."""

    def page(self, inbox: Inbox, due: list[Row], limit: Limit) -> Page:
        inbox.own["pages"] = inbox.own.get("pages", 0) + 1
        return super().page(inbox, due, limit._replace(rows=1 + inbox.own["pages"] % 3))


class MoreUntold(Core):
    """Gives pages and does not say whether more is due; a phone asks until it gets nothing (RCV-2)."""

    def page(self, inbox: Inbox, due: list[Row], limit: Limit) -> Page:
        return Page(super().page(inbox, due, limit).rows)


class OldReply(Core):
    """Computes its reply first and confirms from it: rows that this very recv confirms are left out at the end."""

    def serve(self, inbox: Inbox, phone: str, seq_cli: int) -> Answer:
        due = self.due(inbox, inbox.confirmed, self.upper(inbox))
        self.confirm(inbox, phone, seq_cli)
        return self.reply(inbox, phone, seq_cli, [row for row in due if row[0] > inbox.confirmed])


class NoDedup(Core):
    """A retry makes a second message, which outside of ``idempotent`` it may (SND-3)."""

    def noted(self, inbox: Inbox, sender: str, client_id: str) -> int | None:
        return None


class Null(Core):
    """Says yes to everything and does nothing. A kit that passes it tests nothing."""

    def hello(self) -> Hello:
        return Hello("seqproof-null", frozenset(Capability))

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        return Ok()

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:
        return Ok(rows=())

    def backup(self) -> None:
        pass

    def restore(self) -> None:
        pass

    def recv_raw(self, account: str, phone: str, raw: str) -> Answer:
        return Ok(rows=())

    def begin_send(self, account: str, sender: str, client_id: str, body: str) -> None:
        pass

    def commit_send(self, begun: None) -> Answer:
        return Ok()

    def fail_next_reply(self, fault: object) -> None:
        pass

    def release_reply(self) -> None:
        pass

    def holds_reply(self, seconds: float) -> bool:
        return False

    def preset_seq(self, account: str, seq: int) -> None:
        pass

    def tips(self) -> list[Tip]:
        return []
