"""What every PostgreSQL target is as an adapter, wherever its server is; ``postgres_inbox`` is the SQL.

The engine is PostgreSQL's; the tables and the SQL are the kit's. So the adapter adds what the SQL says about seqs and
marks, and the verdict says so. That what was committed is there, after a kill too, and what a statement sees of other
transactions, is the engine's. A held send is a session with an open transaction; the counter's row lock makes other
senders of that account wait for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seqproof_conformance.adapter import Capability, Hello
from seqproof_conformance.postgres_client import Requests
from seqproof_model import profile
from seqproof_model.history import Answer

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
Request = Callable[[Any, Any], Answer]  # over two sessions: one looks, the other confirms


class PostgresInboxes:
    """An adapter without ``hello`` and ``close``."""

    requests: Requests
    _failing = False

    def bound(self, seconds: float) -> None:
        """Wait at most so long for one answer."""
        self.requests.sessions.timeout_s = seconds

    def told(self, version: str, able: frozenset[Capability]) -> Hello:
        """Say what it is, once the server answers."""
        name = f"postgres {version}, the kit's SQL: {self.requests.way.name}"
        return Hello(name, able, profile.built_in()["strict"], OURS)

    def reset(self, account: str) -> None:
        """Make the account fresh."""
        self.preset_seq(account, 0)

    def preset_seq(self, account: str, seq: int) -> None:
        """Make it fresh, with seq_svr = seq."""
        self.requests.reset(account, seq)

    def trim(self, account: str) -> None:
        """Delete what is confirmed."""
        self.requests.trim(account)

    def fail_next_store(self) -> None:
        """Let the transaction of the next send be rolled back; asked twice, of one all the same."""
        self._failing = True

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:  # noqa: ARG002
        """Insert. The tables know neither senders nor client ids: a repeat makes a second message."""
        failing, self._failing = self._failing, False
        insert = self.requests.failed_send if failing else self.requests.send
        return self.ask(lambda _main, session: insert(session, account, body))

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:  # noqa: ARG002
        """Confirm and read. Never more than one page."""
        return self.ask(lambda main, session: self.requests.recv(main, session, account, seq_cli))

    def ask(self, request: Request) -> Answer:
        """Make one request over one session."""
        return self.requests.answer(lambda session: request(session, session))

    def begin_send(self, account: str, sender: str, client_id: str, body: str) -> object:  # noqa: ARG002
        """Insert, over a session of its own, and leave the transaction open."""
        return self.requests.begin(account, body)

    def commit_send(self, begun: object) -> Answer:
        """Commit it."""
        return self.requests.commit(begun)
