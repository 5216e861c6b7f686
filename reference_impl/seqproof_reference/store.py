"""Messages on SQLite: one transaction per request, durable before it is answered.

Theory of operation. A request takes the one connection, begins IMMEDIATE (it is the writer from its first read on),
reads the account's two marks, does what it has to, and commits; with ``synchronous = FULL`` in WAL mode the commit is
on the disk when it returns (SEQ-5, CNF-4). As every request is a writer there is nothing for a second connection to do
but wait in SQLite's polling busy handler: within a process requests queue on a lock instead, and the busy timeout only
bounds the wait for *other* processes. A recv that raises nothing writes nothing.

What can fail in the store is refused as ``store`` with nothing half-stored: a full disk, a quota, a read-only or a
damaged file, another writer that does not let go. One failure is not definite, an input or output error while
committing, and is answered as indefinite. A damaged file is refused at the start, up to ``CHECK_BYTES``.
Implements SEQ-1 to SEQ-6, SEQ-8, SND-1 to SND-5, RCV-1 to RCV-6, CNF-1 to CNF-7.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from seqproof_model.history import Answer, Code, Indefinite, Ok, Refused
from seqproof_model.profile import UINT_MAX

BUSY_TIMEOUT_S = 5.0
PAGE_BYTES = 1 << 20
CHECK_BYTES = 256 << 20  # the check takes 4 ms a MiB (an ordinary machine of 2026): a second at most
APPLICATION_ID = 1397837906  # "SQPR" in the file's head, so that no other program's database is taken for ours

SCHEMA = """
BEGIN IMMEDIATE;
PRAGMA application_id = 1397837906;
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS account (name TEXT PRIMARY KEY, svr INTEGER NOT NULL, confirmed INTEGER NOT NULL)
  STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS message (account TEXT NOT NULL, seq INTEGER NOT NULL, sender TEXT NOT NULL,
  client_id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (account, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS note (account TEXT NOT NULL, sender TEXT NOT NULL, client_id TEXT NOT NULL,
  seq INTEGER NOT NULL, PRIMARY KEY (account, sender, client_id)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS phone (account TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT, WITHOUT ROWID;
COMMIT;
"""
TABLES = SCHEMA.count("CREATE TABLE")

_RAISE_SVR = """INSERT INTO account (name, svr, confirmed) VALUES (?, ?, ?)
  ON CONFLICT (name) DO UPDATE SET svr = excluded.svr"""


class StoreError(Exception):
    """The file cannot be used as a store: one line with the mend."""


class NotEmptyError(Exception):
    """The account already had a message, or was preset before."""


class _CommitUnknownError(Exception):
    """The disk failed while a commit was written: it may be there after a restart, or not."""


class MsgStore:
    """The store of one server. Seqs are ``first_seq..seq_max``; ``page_size`` None: a reply holds everything.

    A page holds at most ``page_size`` rows and ``page_bytes`` bytes of bodies, and at least one row if any is due.
    ``restored``: the file comes from a backup, announce a new epoch (SEQ-8). Raises StoreError.
    """

    def __init__(
        self,
        path: Path,
        *,
        first_seq: int = 1,
        seq_max: int = UINT_MAX,
        page_size: int | None = None,
        page_bytes: int = PAGE_BYTES,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
        restored: bool = False,
    ) -> None:
        if not 1 <= first_seq <= seq_max < 2**63:
            raise ValueError("1 <= first_seq <= seq_max < 2**63 does not hold; SQLite keeps no larger integer")
        self.base = first_seq - 1
        self.seq_max = seq_max
        self.page_size = page_size
        self.page_bytes = page_bytes
        self._busy_timeout_s = busy_timeout_s
        self._turn = threading.Lock()
        self._fail_next = False
        self._db, self.epoch = _open(path, busy_timeout_s, restored)

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        """Store a message and answer its seq (SND-1); a repeated client id answers the first one's seq (SND-3).

        Refused ``full`` when the space is exhausted (SEQ-6), ``store`` when the store fails: neither has an effect.
        """
        return self._request(lambda db: self._send(db, account, sender, client_id, body))

    def noted(self, account: str, sender: str, client_id: str) -> Answer | None:
        """Answer as ``send`` does if this is the repeat of a stored message, or if the store fails; None: it is new."""
        unknown = Ok()

        def look(db: sqlite3.Connection) -> Answer:
            seq = self._noted(db, account, sender, client_id)
            return unknown if seq is None else Ok(seq=seq)

        answer = self._request(look)
        return None if answer is unknown else answer

    def recv(self, account: str, seq_cli: int) -> Answer:
        """Confirm all up to seq_cli and answer what lies after it (RCV-1, CNF-1), or refuse it ``ahead`` (RCV-6).

        ``seq_cli`` lies in [first_seq - 1, seq_max]; the caller has refused anything else as malformed (SEQ-7).
        """
        return self._request(lambda db: self._recv(db, account, seq_cli))

    def reset(self, account: str) -> Answer:
        """Forget the account altogether."""

        def forget(db: sqlite3.Connection) -> Answer:
            db.execute("DELETE FROM account WHERE name = ?", (account,))
            db.execute("DELETE FROM message WHERE account = ?", (account,))
            db.execute("DELETE FROM note WHERE account = ?", (account,))
            db.execute("DELETE FROM phone WHERE account = ?", (account,))
            return Ok()

        return self._request(forget)

    def preset_seq(self, account: str, seq: int) -> Answer:
        """Set seq_svr of an account that never had a message. Raises NotEmptyError."""

        def preset(db: sqlite3.Connection) -> Answer:
            if db.execute("SELECT 1 FROM account WHERE name = ?", (account,)).fetchone():
                raise NotEmptyError(account)
            db.execute(_RAISE_SVR, (account, seq, self.base))
            return Ok()

        return self._request(preset)

    def trim(self, account: str) -> Answer:
        """Drop every confirmed row (CNF-7). The notes stay, so that a repeat after a trim stores nothing (SND-3)."""

        def trim(db: sqlite3.Connection) -> Answer:
            _, confirmed = self._marks(db, account)
            db.execute("DELETE FROM message WHERE account = ? AND seq <= ?", (account, confirmed))
            return Ok()

        return self._request(trim)

    def remember_phone(self, account: str, phone: str) -> Answer:
        """Note the phone that logged in last, so that a push finds it after a restart, too."""

        def note(db: sqlite3.Connection) -> Answer:
            db.execute("INSERT OR REPLACE INTO phone VALUES (?, ?)", (account, phone))
            return Ok()

        return self._request(note)

    def phones(self) -> list[tuple[str, str]]:
        """(account, phone) of every account that ever had a phone. Raises StoreError."""
        try:
            with self._transaction() as db:
                return db.execute("SELECT account, name FROM phone").fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"cannot read the store: {error}") from error

    def fail_next_store(self) -> None:
        """Make the store fail under the next send, after its rows are written and before they are committed."""
        self._fail_next = True

    def close(self) -> None:
        """Wait for the request under way and close the file. May be called twice."""
        with self._turn:
            self._db.close()

    # --- within a transaction -----------------------------------------------------------------------------------

    def _marks(self, db: sqlite3.Connection, account: str) -> tuple[int, int]:
        """(svr, confirmed) of an account; one that has no row yet stands before its first seq."""
        row = db.execute("SELECT svr, confirmed FROM account WHERE name = ?", (account,)).fetchone()
        return (row[0], row[1]) if row else (self.base, self.base)

    def _noted(self, db: sqlite3.Connection, account: str, sender: str, client_id: str) -> int | None:
        """The seq under which this sender's message with this client id is stored; an empty id notes nothing."""
        if not client_id:
            return None
        key = (account, sender, client_id)
        row = db.execute("SELECT seq FROM note WHERE account = ? AND sender = ? AND client_id = ?", key).fetchone()
        return row[0] if row else None

    def _send(self, db: sqlite3.Connection, account: str, sender: str, client_id: str, body: str) -> Answer:
        fails, self._fail_next = self._fail_next, False
        if (noted := self._noted(db, account, sender, client_id)) is not None:
            return Ok(seq=noted)
        svr, _ = self._marks(db, account)
        if svr >= self.seq_max:
            return Refused(Code.FULL)
        seq = svr + 1
        db.execute(_RAISE_SVR, (account, seq, self.base))
        db.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?)", (account, seq, sender, client_id, body))
        if client_id:
            db.execute("INSERT INTO note VALUES (?, ?, ?, ?)", (account, sender, client_id, seq))
        if fails:
            raise sqlite3.OperationalError("told to fail")
        return Ok(seq=seq)

    def _recv(self, db: sqlite3.Connection, account: str, seq_cli: int) -> Answer:
        svr, confirmed = self._marks(db, account)
        if seq_cli > svr:
            return Refused(Code.AHEAD, seq_svr=svr)
        if seq_cli > confirmed:
            confirmed = seq_cli
            db.execute("UPDATE account SET confirmed = ? WHERE name = ?", (confirmed, account))
        rows, more = self._page(db, account, confirmed, svr)
        return Ok(rows=tuple(rows), more=more, upto=rows[-1][0] if rows else None)

    def _page(self, db: sqlite3.Connection, account: str, low: int, high: int) -> tuple[list[tuple[int, str]], bool]:
        """The lowest rows of (low, high] that fit a page, and whether any is left (RCV-2, RCV-3)."""
        found = db.execute(
            "SELECT seq, body FROM message WHERE account = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
            (account, low, high, -1 if self.page_size is None else self.page_size + 1),
        )
        if self.page_size is None:
            return found.fetchall(), False
        rows: list[tuple[int, str]] = []
        used = 0
        for seq, body in found:
            used += len(body.encode())
            if rows and (len(rows) == self.page_size or used > self.page_bytes):
                found.close()
                return rows, True
            rows.append((seq, body))
        return rows, False

    # --- the transaction ----------------------------------------------------------------------------------------

    def _request(self, act: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Run one request as one transaction; a failure of the store becomes its answer."""
        try:
            with self._transaction() as db:
                return act(db)
        except sqlite3.Error as error:
            return Refused(Code.STORE, detail=str(error))
        except _CommitUnknownError as error:
            return Indefinite(str(error))

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        if not self._turn.acquire(timeout=self._busy_timeout_s):
            raise sqlite3.OperationalError("the store is busy")
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                _commit(self._db)
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite itself rolls back after some errors
                    self._db.execute("ROLLBACK")
                raise
        finally:
            self._turn.release()


def _commit(db: sqlite3.Connection) -> None:
    try:
        db.execute("COMMIT")
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0)
        # A full disk is SQLITE_FULL; a quota or a limit on the file's size shows as a write that failed. Either way the
        # log lacks a whole commit frame, so no recovery can find this commit. After any other failure it may.
        if code & 0xFF == sqlite3.SQLITE_IOERR and code != sqlite3.SQLITE_IOERR_WRITE:
            raise _CommitUnknownError(str(error)) from error
        raise


def _open(path: Path, busy_timeout_s: float, restored: bool) -> tuple[sqlite3.Connection, str]:
    """Open or make the file; returns the connection and the epoch. Proves that it can be written. Raises StoreError."""
    db: sqlite3.Connection | None = None
    try:
        db = sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False)
        _claim(db, path)
        epoch = _epoch(db, restored)
    except (sqlite3.Error, StoreError) as error:
        if db is not None:
            db.close()
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"cannot use {path} as the store: {error}; name another file with --db") from error
    return db, epoch


def _claim(db: sqlite3.Connection, path: Path) -> None:
    """Refuse a database of another program before anything is written to it; then set the mode and make the tables."""
    owner = db.execute("PRAGMA application_id").fetchone()[0]
    tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if owner != APPLICATION_ID and (owner or tables):
        raise StoreError(f"{path} is the database of another program; name another file with --db")
    _check(db, path)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    if tables < TABLES:  # a new file, or one of an earlier version
        db.executescript(SCHEMA)


def _check(db: sqlite3.Connection, path: Path) -> None:
    """Look at every page of a file that is not too large for it. Raises StoreError.

    It finds pages that are not what they should be. SQLite keeps no checksums: a byte that changed within a body is not
    found by anything. A larger file is not held up at the start; what is damaged there is refused as it is read.
    """
    if path.stat().st_size > CHECK_BYTES:
        return
    try:
        said: str = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        said = str(error)
    if said != "ok":
        why = " ".join(said.removeprefix("*** in database main ***").split())
        raise StoreError(f"{path} is damaged ({why}); restore it from a backup and start with --restored")


def _epoch(db: sqlite3.Connection, restored: bool) -> str:
    db.execute("BEGIN IMMEDIATE")  # fails here, and not at the first send, when the file is read-only
    if restored:
        db.execute("DELETE FROM meta WHERE key = 'epoch'")
    db.execute("INSERT OR IGNORE INTO meta VALUES ('epoch', ?)", (secrets.token_hex(8),))
    epoch: str = db.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()[0]
    db.execute("COMMIT")
    return epoch
