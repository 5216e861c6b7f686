"""Requests to a PostgreSQL server, and what their failures mean: the part that its targets share.

A *held* send is a session with an open transaction: begun, its row inserted and not committed. A store that is to fail
is a transaction that ends with ROLLBACK. What went wrong is definite where no session came about, and where the server
names an error that undoes the statement (SQLSTATE). A session that breaks under a statement leaves it open.
Source: https://www.postgresql.org/docs/current/errcodes-appendix.html.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, cast

from seqproof_conformance.postgres_inbox import CONFIRM, DUE, FORGET, TABLES, TRIM, WAYS, words
from seqproof_conformance.postgres_sessions import Sessions, line
from seqproof_model.history import Answer, Code, Indefinite, Ok, Refused

FULL = "2200H"  # sequence generator limit exceeded
UNDONE = ("22", "23", "25", "40001", "40P01", "42", "53", "57014")  # SQLSTATEs of a statement that was undone


class Requests:
    """What a target asks. ``url()``: where the server is now; ``schema``: where the tables are. For threads too."""

    def __init__(self, way: str, url: Callable[[], str], schema: str = "seqproof") -> None:
        self.sessions = Sessions(url, schema)
        self.way = WAYS[way]

    def tables(self) -> None:
        """Make the tables, once. Raises TargetError."""
        self.sessions.administer("its tables", f"create schema {self.sessions.schema}", TABLES)

    def reset(self, account: str, seq: int = 0) -> None:
        """Make the account fresh, with seq_svr = seq."""
        named = words(account, seq=seq)
        fresh = (statement.format(sequence=named["sequence"]) for statement in self.way.fresh)
        self.sessions.administer("a fresh account", *FORGET, *fresh, **named)

    def trim(self, account: str) -> None:
        """Delete what is confirmed."""
        self.sessions.administer("trim", TRIM, account=account)

    def answer(self, work: Callable[[Any], Answer], session: Callable[[], Any] | None = None) -> Answer:
        """Make one request and name its failure. ``session``: over one of its own, which is closed then."""
        try:
            lent = self.sessions.lent() if session is None else session()
            with lent as mine:
                try:
                    with self.sessions.bounded(mine):
                        return work(mine)
                except self.sessions.psycopg.Error as error:
                    return self._named(error)
        except self.sessions.psycopg.Error as error:
            return Refused(Code.UNREACHABLE, detail=line(error))

    def _named(self, error: Any) -> Answer:
        state = error.sqlstate or ""
        if state == FULL:
            return Refused(Code.FULL)
        return Refused(Code.STORE, detail=line(error)) if state.startswith(UNDONE) else Indefinite(line(error))

    def send(self, session: Any, account: str, body: str) -> Answer:
        """Insert, in a transaction of its own, or in the session's."""
        found = session.execute(self.way.send, words(account, body=body)).fetchone()
        return Ok(seq=found[0]) if found else Refused(Code.FULL)

    def begin(self, account: str, body: str) -> tuple[Any, Answer]:
        """Insert in a transaction that is left open. Returns its session, None where it has ended, and its answer."""
        kept: list[Any] = []
        self.sessions.holding += 1

        def insert(session: Any) -> Answer:
            session.execute("begin")
            answer = self.send(session, account, body)
            kept.append(session)
            return answer

        answer = self.answer(insert, lambda: _kept(self.sessions.new(), kept))
        return (kept[0] if kept else None), answer

    def commit(self, begun: object) -> Answer:
        """Commit what ``begin`` left open."""
        session, answer = cast("tuple[Any, Answer]", begun)
        self.sessions.holding -= 1
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
