"""The targets ``postgres:naive`` and ``postgres:locked``: a PostgreSQL server of its own (``postgres_engine``).

The engine is PostgreSQL's; the tables and the SQL are the kit's, and stand in ``postgres_inbox`` with what is wrong in
one of them. So the adapter adds what the SQL says about seqs and marks, and the verdict says so. That what was
committed is there, after a kill too, and what a statement sees of other transactions, is the engine's.

``Inboxes`` is the part that is the same for a server that runs already. A held send is a session with an open
transaction; the counter's row lock makes other senders of that account wait for it. The server is known by the place of
its data. Source: docs/servers.md.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from seqproof_conformance import postgres_engine
from seqproof_conformance.adapter import Capability, Hello, TargetError
from seqproof_conformance.postgres_client import Requests
from seqproof_conformance.process import Served, Server
from seqproof_conformance.watchdog import MARK
from seqproof_conformance.wire import Fault, Wire, Wired
from seqproof_model import profile
from seqproof_model.history import Answer, Code, Refused

OURS = ("SEQ-1", "SEQ-2", "SEQ-6", "RCV-5", "RCV-6", "CNF-1", "CNF-2", "CNF-5")  # what the SQL says
ABLE = frozenset(
    {
        Capability.SEND_SEQ,
        Capability.PRESET_SEQ,
        Capability.TRIM,
        Capability.FAIL_NEXT_STORE,
        Capability.OVERLAP,
        Capability.BEGIN_SEND,
    }
)


class Inboxes:
    """What is asked of the tables, wherever they are."""

    requests: Requests
    version = "?"

    def bound(self, seconds: float) -> None:
        """Wait at most so long for one answer."""
        self.requests.timeout_s = seconds

    def told(self, able: frozenset[Capability]) -> Hello:
        """Say what it is, once the server answers."""
        name = f"postgres {self.version}, the kit's SQL: {self.requests.way.name}"
        return Hello(name, able, profile.built_in()["strict"], OURS)

    def reset(self, account: str) -> None:
        """Make the account fresh."""
        self.requests.reset(account)

    def preset_seq(self, account: str, seq: int) -> None:
        """Make it fresh, with seq_svr = seq."""
        self.requests.reset(account, seq)

    def trim(self, account: str) -> None:
        """Delete what is confirmed."""
        self.requests.trim(account)

    def fail_next_store(self) -> None:
        """Let the transaction of the next send be rolled back; asked twice, of one all the same."""
        self.requests.failing = True

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:  # noqa: ARG002
        """Insert. The tables know neither senders nor client ids: a repeat makes a second message."""
        failing, self.requests.failing = self.requests.failing, False
        insert = self.requests.failed_send if failing else self.requests.send
        return self.ask(lambda _main, session: insert(session, account, body))

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:  # noqa: ARG002
        """Confirm and read. Never more than one page."""
        return self.ask(lambda main, session: self.requests.recv(main, session, account, seq_cli))

    def ask(self, request: Callable[[Any, Any], Answer]) -> Answer:
        """Make one request over one session."""
        return self.requests.answer(lambda session: request(session, session))

    def begin_send(self, account: str, sender: str, client_id: str, body: str) -> object:  # noqa: ARG002
        """Insert, over a session of its own, and leave the transaction open."""
        return self.requests.begin(account, body)

    def commit_send(self, begun: object) -> Answer:
        """Commit it."""
        return self.requests.commit(begun)


class PostgresTarget(Inboxes, Served, Wired):
    """A PostgreSQL server of its own. ``way``: naive or locked."""

    def __init__(self, way: str) -> None:
        self.requests = Requests(way, lambda: self._url(self.server.port))
        self.server = Server("postgres", self._command, self._ready)
        self.wire = Wire()

    @staticmethod
    def _url(port: int) -> str:
        return f"postgresql://seqproof@127.0.0.1:{port}/postgres"

    def _command(self, directory: Path, port: int) -> Sequence[str]:
        postgres_engine.begin(directory, {MARK: self.server.nonce})
        return postgres_engine.command(directory, port)

    def _ready(self) -> bool:
        """Ask where its data are; make the tables at the first start."""
        self.requests.forget()
        try:
            with self.requests.lent() as session:
                place: str = session.execute("show data_directory").fetchone()[0]
                self.version = session.execute("show server_version").fetchone()[0]
        except self.requests.psycopg.Error:
            return False
        ours = place == str(self.server.directory / "data")
        if ours:
            postgres_engine.let_go(self.server.directory)
            if not self.server.answered:
                self.requests.tables()
        return ours

    def hello(self) -> Hello:
        """Start the server at the first call."""
        if not self.server.answered:
            self.server.start()
        return self.told(ABLE | {Capability.KILL, Capability.WIRE})

    def reset(self, account: str) -> None:
        """Make the account fresh."""
        if not self.server.answered:
            raise TargetError("postgres: its server was not started: call hello first")
        super().reset(account)

    def ask(self, request: Callable[[Any, Any], Answer]) -> Answer:
        """Make one request; over a connection that breaks where a fault waits for it."""
        if not self.server.alive:
            return Refused(Code.UNREACHABLE, detail="the server does not run")
        if (fault := self.wire.take()) is None:
            return super().ask(request)
        with self.wire.through(self.server.port) as proxy, self.requests.lent() as main:
            return self.requests.answer(lambda session: request(main, session), lambda: self._spoiled(proxy, fault))

    @contextmanager
    def _spoiled(self, proxy: Any, fault: Fault) -> Generator[Any]:
        with suppress(self.requests.psycopg.Error):  # closing a connection that is broken
            session = self.requests.session(self._url(proxy.port))
            proxy.arm(fault)  # from here on the connection carries the request alone
            try:
                yield session
            finally:
                session.close()

    def close(self) -> None:
        """End the server and remove its data."""
        self.requests.forget()
        self.wire.close()
        self.server.close()
