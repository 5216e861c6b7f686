"""Connections to an IMAP server, and what their failures mean.

A connection serves one request at a time: each takes an idle one, or makes one. A command that is answered with NO or
BAD was surely not done. A connection that ends under a command leaves it open.
Source: RFC 9051, 7.1.
"""

from __future__ import annotations

import imaplib
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any

from seqproof_model.history import Answer, Code, Indefinite, Refused

TIMEOUT_S = 5.0
USER = "seqproof"
ENDED = "LOGOUT"  # imaplib's word for a connection that is used no more
ERRORS = (imaplib.IMAP4.error, OSError)


class RefusedError(Exception):
    """The server answered NO or BAD: it did not do it."""


def done(answer: tuple[str, list[Any]]) -> list[Any]:
    """What an OK tells. Raises RefusedError."""
    if answer[0] != "OK":
        raise RefusedError(" ".join(part.decode(errors="replace") for part in answer[1] if part) or answer[0])
    return answer[1]


class Connections:
    """To one server. ``port()``: where it is now. Threads may share it."""

    def __init__(self, port: Callable[[], int]) -> None:
        self.timeout_s = TIMEOUT_S
        self._port = port
        self._idle: deque[imaplib.IMAP4] = deque()

    def connect(self, port: int = 0) -> imaplib.IMAP4:
        """A new connection, logged in. Raises one of ERRORS."""
        connection = imaplib.IMAP4("127.0.0.1", port or self._port(), timeout=self.timeout_s)
        try:
            connection.login(USER, "any")
        except BaseException:
            end(connection)
            raise
        return connection

    @contextmanager
    def lent(self) -> Generator[imaplib.IMAP4]:
        """An idle connection, or a new one; given back where nothing was raised."""
        connection: imaplib.IMAP4 | None = None
        with suppress(IndexError):
            connection = self._idle.pop()
        connection = connection or self.connect()
        try:
            yield connection
        except BaseException:
            end(connection)
            raise
        if connection.state != ENDED:
            self._idle.append(connection)

    def forget(self) -> None:
        """End every idle connection."""
        while self._idle:
            end(self._idle.pop())

    def answer(self, request: Callable[[imaplib.IMAP4], Answer]) -> Answer:
        """Make one request over an idle connection and name its failure."""
        try:
            with self.lent() as connection:
                return request(connection)
        except ConnectionRefusedError as error:
            return Refused(Code.UNREACHABLE, detail=str(error))
        except RefusedError as error:
            return Refused(Code.STORE, detail=str(error))
        except ERRORS as error:
            return Indefinite(f"{type(error).__name__}: {' '.join(str(error).split())}")


@contextmanager
def ended(connection: imaplib.IMAP4) -> Generator[imaplib.IMAP4]:
    """A connection that is ended afterwards."""
    try:
        yield connection
    finally:
        end(connection)


def end(connection: imaplib.IMAP4) -> None:
    """End a connection, broken or not."""
    connection.state = ENDED
    with suppress(*ERRORS):
        connection.shutdown()
