"""The targets ``postgres:naive`` and ``postgres:locked``: a PostgreSQL server of its own (``postgres_engine``).

What is asked of it stands in ``postgres_inbox``, with what is wrong in one of the two ways; what is the engine's and
what is the kit's, in ``postgres_adapter``. The server is known by the place of its data. Source: docs/servers.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seqproof_conformance import postgres_engine
from seqproof_conformance.adapter import Hello
from seqproof_conformance.own_server import OWN, Arm, OwnServer
from seqproof_conformance.postgres_adapter import ABLE, PostgresInboxes, Request
from seqproof_conformance.postgres_client import Requests
from seqproof_conformance.watchdog import MARK
from seqproof_model.history import Answer


class PostgresTarget(PostgresInboxes, OwnServer):
    """A PostgreSQL server of its own. ``way``: naive or locked."""

    def __init__(self, way: str) -> None:
        super().__init__("postgres")
        self.requests = Requests(way, lambda: _url(self.server.port))

    def _command(self, directory: Path, port: int) -> Sequence[str]:
        postgres_engine.begin(directory, {MARK: self.server.nonce})
        return postgres_engine.command(directory, port)

    def _ready(self) -> bool:
        """Ask where its data are; make the tables at the first start."""
        self._disconnect()
        sessions = self.requests.sessions
        try:
            with sessions.lent() as session:
                place: str = session.execute("show data_directory").fetchone()[0]
                self.version = session.execute("show server_version").fetchone()[0]
        except sessions.psycopg.Error:
            return False
        ours = place == str(self.server.directory / "data")
        if ours:
            postgres_engine.let_go(self.server.directory)
            if not self.server.answered:
                self.requests.tables()
        return ours

    def hello(self) -> Hello:
        """Start the server at the first call."""
        self.begin()
        return self.told(self.version, ABLE | OWN)

    def preset_seq(self, account: str, seq: int) -> None:
        """Make it fresh, with seq_svr = seq."""
        self.must_have_begun()
        super().preset_seq(account, seq)

    def ask(self, request: Request) -> Answer:
        """Make one request; over a connection that breaks where a fault waits for it."""
        sessions, plain = self.requests.sessions, super().ask

        def spoiled(main: Any, port: int, arm: Arm) -> Answer:
            session = sessions.new(_url(port))
            with sessions.ended(session), sessions.bounded(session):
                arm()  # from here on the connection carries the request alone
                return request(main, session)

        return self.asked(
            lambda: plain(request),
            lambda port, arm: self.requests.answer(lambda main: spoiled(main, port, arm)),
        )

    def _disconnect(self) -> None:
        self.requests.sessions.forget()


def _url(port: int) -> str:
    return f"postgresql://seqproof@127.0.0.1:{port}/postgres"
