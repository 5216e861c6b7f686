"""Sessions on a PostgreSQL server, for any thread, each with a bound.

A session serves one request at a time: each takes one that is idle, or makes one. A statement outside of a transaction
block is a transaction of its own. An answer that takes too long is not waited for: the connection is shut down; and the
server ends what still waits for a lock after a minute.
Source: https://www.psycopg.org/psycopg3/docs/.
"""

from __future__ import annotations

import os
import socket
import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any

from seqproof_conformance.adapter import TargetError
from seqproof_conformance.extras import extra

TIMEOUT_S = 5.0
HELD_S = 60.0  # while a send is held others may rightly wait for it
MEND = "pip install 'seqproof[postgres]'"


class Sessions:
    """On one server, for threads too.

    ``url()``: where it is now; ``schema``: where the tables are; ``holding``: how many sends are held.
    """

    def __init__(self, url: Callable[[], str], schema: str) -> None:
        self.psycopg = extra("postgres", "psycopg", MEND)
        self.timeout_s = TIMEOUT_S
        self.holding = 0
        self.schema = schema
        self._url = url
        self._idle: deque[Any] = deque()
        self._open: list[Any] = []

    def new(self, url: str = "") -> Any:
        """A new session. Raises psycopg.Error."""
        settings = f"-c search_path={self.schema} -c statement_timeout={int(HELD_S * 1000)}"
        bounds = {"connect_timeout": max(2, int(self.timeout_s)), "options": settings}
        session = self.psycopg.connect(url or self._url(), autocommit=True, prepare_threshold=None, **bounds)
        self._open = [each for each in self._open if not each.closed]
        self._open.append(session)
        return session

    @contextmanager
    def lent(self) -> Generator[Any]:
        """An idle session, or a new one; it is given back when it still works."""
        session: Any = None
        with suppress(IndexError):
            session = self._idle.pop()
        session = session or self.new()
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

        timer = threading.Timer(max(self.timeout_s, HELD_S * (self.holding > 0)), cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    @staticmethod
    @contextmanager
    def ended(session: Any) -> Generator[Any]:
        """A session that is closed afterwards."""
        try:
            yield session
        finally:
            with suppress(Exception):  # one that is broken
                session.close()

    def forget(self) -> None:
        """Close every idle session."""
        while self._idle:
            self._idle.pop().close()

    def close(self, but: Any = None) -> None:
        """Close every session, those too that hold a send, except one."""
        self._idle.clear()
        for session in self._open:
            if session is not but:
                with suppress(Exception):  # one that is broken
                    session.close()

    def administer(self, what: str, *statements: str, **parameters: Any) -> None:
        """Run statements in one transaction. Raises TargetError."""
        try:
            with self.lent() as session, self.bounded(session), session.transaction():
                for statement in statements:
                    session.execute(statement, parameters or None)
        except self.psycopg.Error as error:
            raise TargetError(f"postgres: {what}: {line(error)}") from None


def line(error: Exception) -> str:
    """An error in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())
