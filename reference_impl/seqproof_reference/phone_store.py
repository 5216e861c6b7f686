"""What a phone keeps across a kill: messages, a mark for each account, and what its user has sent and nobody has acked.

A store is changed by ``commit``: several changes at once, all or none, durable when it returns. So a reply's messages
and the new seq_cli go into one commit, and no kill falls between them (DEV-2). A store that cannot do that must be
given the messages first and the mark after them.

``MemoryStore`` lives in this process and outlasts the phone that uses it, which is all that a simulated kill takes.
``SqliteStore`` is a file. Both can be told to *die*: after so many commits they raise ``Dead``, and nothing that comes
later is kept. Implements DEV-1, DEV-2.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol


class Dead(Exception):  # noqa: N818 - it says what has become of the phone
    """The phone was killed in the middle of its work."""


class Place(NamedTuple):
    """How far an account is: its seq_cli, in which epoch. ``epoch`` "": none was told yet."""

    seq_cli: int = 0
    epoch: str = ""


class Kept(NamedTuple):
    """One message of an account."""

    epoch: str
    seq: int
    body: str


class Unsent(NamedTuple):
    """A message of the user's that is not known to be stored on the server."""

    client_id: str
    body: str


@dataclass(frozen=True)
class Change:
    """What one commit does to one account: messages kept, the mark set, user's messages put out or done."""

    account: str
    rows: tuple[Kept, ...] = ()
    place: Place | None = None
    out: Unsent | None = None
    done: str | None = None


class PhoneStore(Protocol):
    """A durable store. Reads see every commit before them."""

    def commit(self, change: Change) -> None:
        """Make it durable, all of it or nothing."""
        ...

    def place(self, account: str) -> Place:
        """How far the account is."""
        ...

    def rows(self, account: str) -> list[Kept]:
        """Its messages, by the order in which they were first kept."""
        ...

    def outbox(self, account: str) -> list[Unsent]:
        """What is still to be sent, oldest first."""
        ...

    def log_in(self, account: str) -> None:
        """Remember who is logged in."""
        ...

    def who(self) -> str:
        """Who is logged in, "" where nobody ever was."""
        ...

    def close(self) -> None:
        """The phone is done with it; what was committed stays."""
        ...


class Fuse:
    """Counts the commits until the phone is to die. ``left`` None: it is not to die."""

    def __init__(self) -> None:
        self.left: int | None = None

    def before(self) -> None:
        """Die before anything is written, where it is time."""
        if self.left == 0:
            raise Dead

    def after(self) -> None:
        """Count one commit; die right after the last."""
        if self.left is not None:
            self.left -= 1
            self.before()


@dataclass
class _Account:
    place: Place = field(default_factory=Place)
    rows: dict[tuple[str, int], Kept] = field(default_factory=dict[tuple[str, int], Kept])
    outbox: dict[str, str] = field(default_factory=dict[str, str])


class MemoryStore:
    """A store that survives the phone, not the process."""

    def __init__(self) -> None:
        self.fuse = Fuse()
        self.accounts: dict[str, _Account] = {}
        self.user = ""

    def close(self) -> None:
        """Nothing to end."""

    def _of(self, account: str) -> _Account:
        return self.accounts.setdefault(account, _Account())

    def commit(self, change: Change) -> None:
        """Make it durable. Raises Dead."""
        self.fuse.before()
        kept = self._of(change.account)
        for row in change.rows:
            kept.rows.setdefault((row.epoch, row.seq), row)
        kept.place = change.place or kept.place
        if change.out:
            kept.outbox[change.out.client_id] = change.out.body
        if change.done is not None:
            kept.outbox.pop(change.done, None)
        self.fuse.after()

    def place(self, account: str) -> Place:
        """How far the account is."""
        return self._of(account).place

    def rows(self, account: str) -> list[Kept]:
        """Its messages."""
        return list(self._of(account).rows.values())

    def outbox(self, account: str) -> list[Unsent]:
        """What is still to be sent."""
        return [Unsent(*item) for item in self._of(account).outbox.items()]

    def log_in(self, account: str) -> None:
        """Remember who is logged in."""
        self.user = account

    def who(self) -> str:
        """Who is logged in."""
        return self.user


SCHEMA = """
create table if not exists place (account text primary key, seq_cli integer not null, epoch text not null);
create table if not exists message (
    at integer primary key, account text not null, epoch text not null, seq integer not null, body text not null,
    unique (account, epoch, seq));
create table if not exists outbox (
    at integer primary key, account text not null, client_id text not null unique, body text not null);
create table if not exists user (one integer primary key check (one = 1), account text not null);
"""


class SqliteStore:
    """A store in a SQLite file. Every commit is one transaction, synced before it returns."""

    def __init__(self, path: Path | str) -> None:
        self.fuse = Fuse()
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = full")
        self._db.executescript(SCHEMA)

    def _whole(self, work: Callable[[], object]) -> None:
        self._db.execute("begin immediate")
        try:
            work()
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def commit(self, change: Change) -> None:
        """Make it durable, in one transaction. Raises Dead, sqlite3.Error."""
        self.fuse.before()
        self._whole(lambda: self._apply(change))
        self.fuse.after()

    def _apply(self, change: Change) -> None:
        name, run = change.account, self._db.execute
        for row in change.rows:
            run("insert or ignore into message (account, epoch, seq, body) values (?, ?, ?, ?)", (name, *row))
        if change.place:
            run("insert or replace into place values (?, ?, ?)", (name, *change.place))
        if change.out:
            run("insert or ignore into outbox (account, client_id, body) values (?, ?, ?)", (name, *change.out))
        if change.done is not None:
            run("delete from outbox where account = ? and client_id = ?", (name, change.done))

    def place(self, account: str) -> Place:
        """How far the account is."""
        row = self._db.execute("select seq_cli, epoch from place where account = ?", (account,)).fetchone()
        return Place(*row) if row else Place()

    def rows(self, account: str) -> list[Kept]:
        """Its messages."""
        found = self._db.execute("select epoch, seq, body from message where account = ? order by at", (account,))
        return [Kept(*row) for row in found]

    def outbox(self, account: str) -> list[Unsent]:
        """What is still to be sent."""
        found = self._db.execute("select client_id, body from outbox where account = ? order by at", (account,))
        return [Unsent(*row) for row in found]

    def log_in(self, account: str) -> None:
        """Remember who is logged in."""
        self._whole(lambda: self._db.execute("insert or replace into user values (1, ?)", (account,)))

    def who(self) -> str:
        """Who is logged in."""
        row = self._db.execute("select account from user").fetchone()
        return row[0] if row else ""

    def close(self) -> None:
        """Close the file."""
        self._db.close()
