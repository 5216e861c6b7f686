"""A small correct server in one process, written so that each fault of it is an override of a few lines.

Theory of operation. Per account there is an ``Inbox``: two marks (``svr``, ``confirmed``), the rows, and the notes of
client ids that were stored. A request walks through small steps, and every step is a method of its own:

    send   noted -> allocate -> store (row, mark and note together) -> push (``push.py``) -> told
    recv   malformed? -> ahead? -> confirm -> lower, upper -> due -> order -> page -> answered

What survives a kill is ``self.disk``; what does not is ``self.memory``. A kill drops the memory and then calls
``on_kill``, which a faulty twin overrides to lose what it should have kept. The class has the shape of the kit's
adapter without knowing the kit: an answer is the ending event of a history.
Implements SEQ-1 to SEQ-7, SND-1 to SND-5, RCV-1 to RCV-7, CNF-1 to CNF-7.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from seqproof_model.hello import Capability, Hello
from seqproof_model.history import Answer, Code, Ok, Refused
from seqproof_model.malformed import Plain, meaning
from seqproof_model.profile import UINT_MAX, find
from seqproof_reference.backup import Backups
from seqproof_reference.push import PushSide

VERSION = "0.1.0"
Row = tuple[int, str]


class Limit(NamedTuple):
    """How much one page holds: at most so many rows, and so many bytes of bodies. The first row always fits."""

    rows: int
    body_bytes: int = 2**63


class Page(NamedTuple):
    """One reply: its rows, whether the server says that more is due, and what the phone shall ask with next."""

    rows: list[Row]
    more: bool | None = None
    upto: int | None = None


@dataclass
class Inbox:
    """What is durable of one account. ``notes``: (sender, client id) of a stored message to its seq.

    ``own``: what a faulty twin keeps besides; the correct server keeps nothing there.
    """

    name: str
    svr: int
    confirmed: int
    rows: dict[int, str] = field(default_factory=dict[int, str])
    notes: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    own: dict[str, int] = field(default_factory=dict[str, int])


@dataclass
class Memory:
    """What a kill drops: the order to fail the next store. A correct server keeps no mark here.

    ``held``: sends that are held half-way, by account and number; ``own``: what a faulty twin keeps besides.
    """

    fail_next: bool = False
    held: dict[str, set[int]] = field(default_factory=dict[str, set[int]])
    own: dict[str, int] = field(default_factory=dict[str, int])


class Core(PushSide):
    """The correct server. ``limit`` None: a reply holds everything. ``send_seq`` false: a send does not tell its seq.

    ``claims`` is the profile, by name, that it wants to be held to; its first_seq and seq_max are the space it uses.
    """

    name = ""

    def __init__(self, *, limit: Limit | None = None, send_seq: bool = True, claims: str = "strict") -> None:
        super().__init__()
        self.claims = find(claims)
        self.limit = limit
        self.send_seq = send_seq
        self.base = self.claims.before_first
        self.seq_max = min(self.claims.seq_max, UINT_MAX)
        self.disk: dict[str, Inbox] = {}
        self.memory = Memory()
        self.backups = Backups[Inbox]()
        self.up = True

    # --- what an adapter is asked -------------------------------------------------------------------------------

    def hello(self) -> Hello:
        """Say what the server is and can do."""
        lacks = {
            Capability.SEND_SEQ: not self.send_seq,
            Capability.PAGING: self.limit is None,
            Capability.OVERLAP: True,  # it lives in this process and is called by one thread
            Capability.WIRE: True,  # no wire leads to it
            Capability.BEGIN_SEND: not hasattr(self, "begin_send"),
        }
        server = f"seqproof-core {VERSION}" + (f" ({self.name})" if self.name else "")
        return Hello(server, frozenset(c for c in Capability if not lacks.get(c, False)), self.claims)

    def reset(self, account: str) -> None:
        """Make the account fresh: no message, no mark."""
        self.disk[account] = self.fresh(account)
        self.forget(account)

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        """Store a message and answer its seq (SND-1), or refuse it without effect (SEQ-6, SND-5)."""
        if not self.up:
            return Refused(Code.UNREACHABLE)
        fails, self.memory.fail_next = self.memory.fail_next, False
        inbox = self.inbox(account)
        noted = self.noted(inbox, sender, client_id)
        if noted is not None:
            return self.told(noted)
        seq = self.allocate(inbox)
        if seq is None:
            return Refused(Code.FULL)
        if fails:
            self.on_failed_store(inbox, seq)
            return Refused(Code.STORE)
        self.store(inbox, seq, body)
        if client_id:
            inbox.notes[sender, client_id] = seq
        self.push(account, sender, body)
        return self.told(seq)

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:
        """Confirm all up to seq_cli and answer what lies after it (RCV-1, CNF-1)."""
        if not self.up:
            return Refused(Code.UNREACHABLE)
        if not self.base <= seq_cli <= self.seq_max:
            return Refused(Code.MALFORMED)
        inbox = self.inbox(account)
        if seq_cli > inbox.svr:
            return self.ahead(inbox, phone, seq_cli)
        return self.serve(inbox, phone, seq_cli)

    def recv_raw(self, account: str, phone: str, raw: str) -> Answer:
        """A recv whose seq_cli is any text: what is no plain number is refused, without effect (SEQ-7)."""
        seq_cli = self.read(raw)
        if seq_cli is None and self.up:
            return Refused(Code.MALFORMED)
        return self.recv(account, phone, self.base if seq_cli is None else seq_cli)

    def backup(self) -> None:
        """Keep a copy of the disk."""
        self.backups.take(self.disk, self.last_phone)

    def restore(self) -> None:
        """Go back to that copy, in a new life and a new epoch (SEQ-3, SEQ-8)."""
        self.kill()
        self.disk, self.last_phone = self.backups.back()
        self.restart()

    def kill(self) -> None:
        """Die as by SIGKILL: the memory is gone, the disk stays."""
        self.memory = Memory()
        self.disconnect_all()
        self.on_kill()
        self.up = False

    def restart(self) -> None:
        """Answer again, on the same disk."""
        self.up = True

    def preset_seq(self, account: str, seq: int) -> None:
        """Set seq_svr of an empty account. Raises ValueError when it is not empty, or seq is out of the space."""
        inbox = self.inbox(account)
        if inbox != self.fresh(account) or not self.base <= seq <= self.seq_max:
            raise ValueError(f"account {account!r} cannot start at {seq}: reset it first, and stay within the space")
        inbox.svr = seq

    def trim(self, account: str) -> None:
        """Drop every row that is confirmed (CNF-7). The notes stay: a repeat after a trim stores nothing (SND-3)."""
        inbox = self.inbox(account)
        self.drop(inbox, inbox.confirmed)

    def fail_next_store(self) -> None:
        """Make the store fail under the next send; an order that this send had no use for is spent, too."""
        self.memory.fail_next = True

    def close(self) -> None:
        """Nothing to end: it runs in this process."""

    # --- the steps, one override each ---------------------------------------------------------------------------

    def fresh(self, account: str) -> Inbox:
        """An account that never had a message."""
        return Inbox(account, self.base, self.base)

    def inbox(self, account: str) -> Inbox:
        """The account, made when it is first named."""
        if account not in self.disk:
            self.disk[account] = self.fresh(account)
        return self.disk[account]

    def read(self, raw: str) -> int | None:
        """The seq_cli that a text means, or None."""
        found = meaning(raw, self.seq_max)
        return found.seq_cli if isinstance(found, Plain) else None

    def noted(self, inbox: Inbox, sender: str, client_id: str) -> int | None:
        """The seq of the message that this sender already stored under this client id (SND-3, SND-4)."""
        return inbox.notes.get((sender, client_id))

    def allocate(self, inbox: Inbox) -> int | None:
        """The next seq, or None when the space is exhausted. Changes nothing (SEQ-2, SEQ-6)."""
        return None if inbox.svr >= self.seq_max else inbox.svr + 1

    def store(self, inbox: Inbox, seq: int, body: str) -> None:
        """Make row and mark durable together, before the send is answered (SEQ-5)."""
        inbox.rows[seq] = body
        inbox.svr = seq

    def on_failed_store(self, inbox: Inbox, seq: int) -> None:
        """The store refused the message that was to be ``seq``: no effect (SND-5)."""

    def told(self, seq: int) -> Answer:
        """The answer to a send."""
        return Ok(seq=seq if self.send_seq else None)

    def ahead(self, inbox: Inbox, phone: str, seq_cli: int) -> Answer:  # noqa: ARG002 - twins look at all of it
        """The answer to a recv whose seq_cli is above seq_svr: refused, named, no effect (RCV-6)."""
        return Refused(Code.AHEAD, seq_svr=inbox.svr)

    def serve(self, inbox: Inbox, phone: str, seq_cli: int) -> Answer:
        """The three acts of a recv that is not ahead: confirm, take the lower end, take the upper end."""
        self.confirm(inbox, phone, seq_cli)
        low, high = self.lower(inbox, phone, seq_cli), self.upper(inbox)
        return self.reply(inbox, phone, seq_cli, self.due(inbox, low, high))

    def confirm(self, inbox: Inbox, phone: str, seq_cli: int) -> None:  # noqa: ARG002
        """Raise confirmed to seq_cli, never lower it (CNF-1, CNF-2)."""
        inbox.confirmed = max(inbox.confirmed, seq_cli)

    def lower(self, inbox: Inbox, phone: str, seq_cli: int) -> int:  # noqa: ARG002
        """The reply begins after this (RCV-1, RCV-5)."""
        return max(inbox.confirmed, seq_cli)

    def upper(self, inbox: Inbox) -> int:
        """The reply may reach this (RCV-2)."""
        return inbox.svr

    def due(self, inbox: Inbox, low: int, high: int) -> list[Row]:
        """What lies in (low, high]."""
        return self.order((seq, body) for seq, body in inbox.rows.items() if low < seq <= high)

    def order(self, rows: Iterable[Row]) -> list[Row]:
        """Ascending (RCV-1)."""
        return sorted(rows)

    def reply(self, inbox: Inbox, phone: str, seq_cli: int, due: list[Row]) -> Answer:
        """Answer with what is due, or a page of it."""
        page = Page(due) if self.limit is None else self.page(inbox, due, self.limit)
        self.answered(inbox, phone, seq_cli, page)
        return Ok(rows=tuple(page.rows), more=page.more, upto=page.upto, epoch=self.epoch())

    def epoch(self) -> str | None:
        """What every reply tells of the epoch: nothing before the first restore."""
        return self.backups.epoch

    def page(self, inbox: Inbox, due: list[Row], limit: Limit) -> Page:  # noqa: ARG002
        """The lowest rows that fit, at least one if any is due (RCV-2, RCV-3)."""
        rows = due[:1]
        used = sum(len(body) for _, body in rows)
        for row in due[1 : limit.rows]:
            used += len(row[1])
            if used > limit.body_bytes:
                break
            rows.append(row)
        return Page(rows, len(rows) < len(due), rows[-1][0] if rows else None)

    def answered(self, inbox: Inbox, phone: str, seq_cli: int, page: Page) -> None:
        """The reply is made. Delivery confirms nothing (CNF-3)."""

    def drop(self, inbox: Inbox, through: int) -> None:
        """Forget the rows up to and including ``through``."""
        for seq in [seq for seq in inbox.rows if seq <= through]:
            del inbox.rows[seq]

    def on_kill(self) -> None:
        """What the kill takes besides the memory: nothing."""
