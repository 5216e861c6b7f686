"""Servers on which a send can be held half-way: two correct ones, and the faults that only overlapping sends show.

A send has a *begin*, where a busy server takes its number or its place in a queue, and a *commit*, where its message is
there for all to see. Between the two, other requests run. ``send`` is both at once.

    AtCommit       correct: a send that has begun has nothing; its number is taken at the commit
    Horizon        correct: number and message are durable at the begin; later sends stay unseen until it is committed

A kill ends what was held: its commit then says that the outcome is not known.
Source: docs/mutants.md; SEQ-2, SEQ-3, SEQ-4, SND-2.
"""
# ruff: noqa: ARG002, D102 - an override has the step's arguments and the step's meaning, but for its fault

from __future__ import annotations

from dataclasses import dataclass

from seqproof_model.history import Answer, Code, Indefinite, Refused
from seqproof_reference.core import Core, Inbox


@dataclass
class Held:
    """A send that has begun. ``life``: the server's life in which it did. ``seq``: the number that it has already."""

    account: str
    sender: str
    client_id: str
    body: str
    life: int
    seq: int | None = None


class AtCommit(Core):
    """Takes the number and stores the message at the commit, in one step."""

    life = 0

    def begin_send(self, account: str, sender: str, client_id: str, body: str) -> Held:
        """Begin a send and hold it."""
        held = Held(account, sender, client_id, body, self.life if self.up else -1)
        if self.up:
            self.begun(self.inbox(account), held)
        return held

    def commit_send(self, held: Held) -> Answer:
        """Let it go on to its end. One that a kill has ended may have happened, or not."""
        if not self.up or held.life < 0:
            return Refused(Code.UNREACHABLE)
        if held.life != self.life:
            return Indefinite("the server was killed while it held the send")
        return self.committed(self.inbox(held.account), held)

    def begun(self, inbox: Inbox, held: Held) -> None:
        """What a send that has begun does already."""

    def committed(self, inbox: Inbox, held: Held) -> Answer:
        """What it does at its end."""
        return super().send(held.account, held.sender, held.client_id, held.body)

    def on_kill(self) -> None:
        self.life += 1
        super().on_kill()


class _NumberFirst(AtCommit):
    """Has the number from the begin on."""

    def begun(self, inbox: Inbox, held: Held) -> None:
        held.seq = self.allocate(inbox)
        if held.seq is not None:
            self.numbered(inbox, held, held.seq)

    def committed(self, inbox: Inbox, held: Held) -> Answer:
        if held.seq is None:
            return Refused(Code.FULL)
        self.decided(inbox, held, held.seq)
        self.push(held.account, held.sender, held.body)
        return self.told(held.seq)

    def numbered(self, inbox: Inbox, held: Held, seq: int) -> None:
        """It has its number."""

    def decided(self, inbox: Inbox, held: Held, seq: int) -> None:
        """Its row is stored, wherever svr is by now."""
        inbox.rows[seq] = held.body
        inbox.svr = max(inbox.svr, seq)


class Horizon(_NumberFirst):
    """Stores the message at the begin, and shows no later one before it is committed.

    After a kill nothing is held: all that was stored can be seen.
    """

    def numbered(self, inbox: Inbox, held: Held, seq: int) -> None:
        self.store(inbox, seq, held.body)
        self.memory.held.setdefault(inbox.name, set()).add(seq)

    def decided(self, inbox: Inbox, held: Held, seq: int) -> None:
        self.memory.held[inbox.name].discard(seq)

    def upper(self, inbox: Inbox) -> int:
        undecided = self.memory.held.get(inbox.name)
        return min(undecided) - 1 if undecided else inbox.svr

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:
        inbox = self.inbox(account)
        if self.up and self.upper(inbox) < seq_cli <= self.seq_max:
            return Refused(Code.AHEAD, seq_svr=self.upper(inbox))
        return super().recv(account, phone, seq_cli)


class AllocRace(_NumberFirst):
    """Reads the largest number, adds one, and stores under it later, whatever was stored meanwhile."""


class AllocBeforeVisible(_NumberFirst):
    """A number is taken first, durably, and its row comes later, while rows above it are shown already."""

    def allocate(self, inbox: Inbox) -> int | None:
        taken = max(inbox.svr, inbox.own.get("taken", self.base))
        return None if taken >= self.seq_max else taken + 1

    def numbered(self, inbox: Inbox, held: Held, seq: int) -> None:
        inbox.own["taken"] = seq


class TwoAllocators(AtCommit):
    """Two nodes give out numbers, each from its own memory. The second serves what comes while the first is busy."""

    def begun(self, inbox: Inbox, held: Held) -> None:
        self.node(inbox, busy=False)
        busy = self.memory.held.setdefault(inbox.name, set())
        held.seq = len(busy)
        busy.add(held.seq)

    def committed(self, inbox: Inbox, held: Held) -> Answer:
        self.memory.held[inbox.name].discard(held.seq or 0)
        return super().committed(inbox, held)

    def node(self, inbox: Inbox, *, busy: bool) -> str:
        """The node that gives out the next number; at first it believes what is stored."""
        name = f"{inbox.name}/{2 if busy else 1}"
        self.memory.own.setdefault(name, inbox.svr)
        return name

    def fresh(self, account: str) -> Inbox:
        for node in (1, 2):
            self.memory.own.pop(f"{account}/{node}", None)
        self.memory.held.pop(account, None)
        return super().fresh(account)

    def allocate(self, inbox: Inbox) -> int | None:
        last = self.memory.own[self.node(inbox, busy=bool(self.memory.held.get(inbox.name)))]
        return None if last >= self.seq_max else last + 1

    def store(self, inbox: Inbox, seq: int, body: str) -> None:
        self.memory.own[self.node(inbox, busy=bool(self.memory.held.get(inbox.name)))] = seq
        inbox.rows[seq] = body
        inbox.svr = max(inbox.svr, seq)
