"""Requests to a PostgreSQL server from any thread, each with a bound: the part that its targets share.

A session serves one request at a time: each takes one that is idle, or makes one. A statement outside of a transaction
block is a transaction of its own. A *held* send is a session with an open transaction: begun, its row inserted and not
committed. A store that is to fail is a transaction that ends with ROLLBACK.

What went wrong is definite where no session came about, and where the server names an error that undoes the statement
(SQLSTATE). A session that breaks under a statement leaves it open. An answer that takes too long is not waited for: the
connection is shut down; and the server ends what still waits for a lock after a minute.
Source: https://www.postgresql.org/docs/current/errcodes-appendix.html.
"""

from __future__ import annotations

import os
import socket
import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any, cast

from seqproof_conformance.adapter import TargetError
from seqproof_conformance.extras import extra
from seqproof_conformance.postgres_inbox import CONFIRM, DUE, FORGET, TABLES, TRIM, WAYS, words
from seqproof_model.history import Answer, Code, Indefinite, Ok, Refused

TIMEOUT_S = 5.0
HELD_S = 60.0  # while a send is held others may rightly wait for it
MEND = "pip install 'seqproof[postgres]'"
FULL = "2200H"  # sequence generator limit exceeded
UNDONE = ("22", "23", "25", "40001", "40P01", "42", "53", "57014")  # SQLSTATEs of a statement that was undone


class Requests:
    """What a target asks. ``url()``: where the server is now; ``schema``: where the tables are. For threads too."""

    def __init__(self, way: str, url: Callable[[], str], schema: str = "seqproof") -> None:
        self.psycopg = extra("postgres", "psycopg", MEND)
        self.way = WAYS[way]
        self.timeout_s = TIMEOUT_S
        self.failing = False
        self._held = 0
        self._url, self._schema = url, schema
        self._idle: deque[Any] = deque()

    # ------------------------------------------------------------ sessions

    def session(self, url: str = "") -> Any:
        """A new session. Raises psycopg.Error."""
        settings = f"-c search_path={self._schema} -c statement_timeout={int(HELD_S * 1000)}"
        bounds = {"connect_timeout": max(2, int(self.timeout_s)), "options": settings}
        return self.psycopg.connect(url or self._url(), autocommit=True, prepare_threshold=None, **bounds)

    @contextmanager
    def lent(self) -> Generator[Any]:
        """An idle session, or a new one; it is given back when it still works."""
        session: Any = None
        with suppress(IndexError):
            session = self._idle.pop()
        session = session or self.session()
        try:
            yield session
        finally:
            if session.closed or session.info.transaction_status:
                session.close()
            else:
                self._idle.append(session)

    @contextmanager
    def bounded(self, session: Any) -> Generator[None]:
        """Shut the connection down when what follows takes too long."""

        def cut() -> None:
            with suppress(Exception), socket.socket(fileno=os.dup(session.fileno())) as connection:
                connection.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(max(self.timeout_s, HELD_S * (self._held > 0)), cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def forget(self) -> None:
        """Close every idle session."""
        while self._idle:
            self._idle.pop().close()

    # ------------------------------------------------------------ what is no request

    def administer(self, what: str, *statements: str, **parameters: Any) -> None:
        """Run statements in one transaction. Raises TargetError."""
        try:
            with self.lent() as session, self.bounded(session), session.transaction():
                for statement in statements:
                    session.execute(statement, parameters or None)
        except self.psycopg.Error as error:
            raise TargetError(f"postgres: {what}: {_line(error)}") from None

    def tables(self) -> None:
        """Make the tables, once. Raises TargetError."""
        self.administer("its tables", f"create schema {self._schema}", TABLES)

    def reset(self, account: str, seq: int = 0) -> None:
        """Make the account fresh, with seq_svr = seq."""
        named = words(account, seq=seq)
        fresh = (statement.format(sequence=named["sequence"]) for statement in self.way.fresh)
        self.administer("a fresh account", *FORGET, *fresh, **named)

    def trim(self, account: str) -> None:
        """Delete what is confirmed."""
        self.administer("trim", TRIM, account=account)

    # ------------------------------------------------------------ requests

    def answer(self, work: Callable[[Any], Answer], session: Callable[[], Any] | None = None) -> Answer:
        """Make one request and name its failure. ``session``: over one of its own, which is closed then."""
        try:
            lent = self.lent() if session is None else session()
            with lent as mine:
                try:
                    with self.bounded(mine):
                        return work(mine)
                except self.psycopg.Error as error:
                    return self._named(error)
        except self.psycopg.Error as error:
            return Refused(Code.UNREACHABLE, detail=_line(error))

    def _named(self, error: Any) -> Answer:
        state = error.sqlstate or ""
        if state == FULL:
            return Refused(Code.FULL)
        return Refused(Code.STORE, detail=_line(error)) if state.startswith(UNDONE) else Indefinite(_line(error))

    def send(self, session: Any, account: str, body: str) -> Answer:
        """Insert, in a transaction of its own, or in the session's."""
        found = session.execute(self.way.send, words(account, body=body)).fetchone()
        return Ok(seq=found[0]) if found else Refused(Code.FULL)

    def begin(self, account: str, body: str) -> tuple[Any, Answer]:
        """Insert in a transaction that is left open. Returns its session, None where it has ended, and its answer."""
        kept: list[Any] = []
        self._held += 1

        def insert(session: Any) -> Answer:
            session.execute("begin")
            answer = self.send(session, account, body)
            kept.append(session)
            return answer

        answer = self.answer(insert, lambda: _kept(self.session(), kept))
        return (kept[0] if kept else None), answer

    def commit(self, begun: object) -> Answer:
        """Commit what ``begin`` left open."""
        session, answer = cast("tuple[Any, Answer]", begun)
        self._held -= 1
        if session is None:
            return answer

        def commit(session: Any) -> Answer:
            session.execute("commit")
            return answer

        return self.answer(commit, lambda: _kept(session, []))

    def failed_send(self, session: Any, account: str, body: str) -> Answer:
        """Insert, and roll back."""
        with session.transaction(force_rollback=True):
            answer = self.send(session, account, body)
        return Refused(Code.STORE, detail="rolled back, as ordered") if isinstance(answer, Ok) else answer

    def recv(self, main: Any, session: Any, account: str, seq_cli: int) -> Answer:
        """Confirm and read. ``main`` looks, ``session`` confirms: it may be one that is to break."""
        named = words(account, seq=seq_cli)
        last = main.execute(self.way.last, named).fetchone()[0]
        if seq_cli > last:
            if session is not main:
                session.execute("select")  # the reply that the fault on the wire is for
            return Refused(Code.AHEAD, seq_svr=last)
        session.execute(CONFIRM, named)
        return Ok(rows=tuple(session.execute(DUE, named).fetchall()))


@contextmanager
def _kept(session: Any, kept: list[Any]) -> Generator[Any]:
    """A session that is closed afterwards, unless it was kept."""
    try:
        yield session
    finally:
        if session not in kept:
            session.close()


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
