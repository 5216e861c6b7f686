"""The target ``dovecot``: a Dovecot IMAP server of its own (``dovecot_engine``).

What is asked of it stands in ``imap_mailbox``. UIDs are true 32-bit numbers, and ``doveadm mailbox update
--min-next-uid`` sets the next one, so the whole space can be looked at. Its greeting holds the kit's nonce, so no other
server on the port is taken for it. Source: docs/servers.md.
"""

from __future__ import annotations

import imaplib
from collections.abc import Sequence
from pathlib import Path

from seqproof_conformance import dovecot_engine
from seqproof_conformance.adapter import Capability, Hello, TargetError
from seqproof_conformance.imap_client import ERRORS, USER, Connections, ended
from seqproof_conformance.imap_mailbox import Mailboxes, Request, box, last
from seqproof_conformance.own_server import OWN, Arm, OwnServer
from seqproof_model import profile
from seqproof_model.history import Answer
from seqproof_model.profile import UINT_MAX

ABLE = frozenset({Capability.SEND_SEQ, Capability.PRESET_SEQ, Capability.OVERLAP})


class DovecotTarget(OwnServer):
    """A Dovecot server of its own."""

    def __init__(self) -> None:
        super().__init__("dovecot")
        self._to = Connections(lambda: self.server.port)
        self._mail = Mailboxes(self._to)

    def bound(self, seconds: float) -> None:
        """Wait at most so long for one answer."""
        self._to.timeout_s = seconds

    def _command(self, directory: Path, port: int) -> Sequence[str]:
        return dovecot_engine.command(directory, port, self.server.nonce)

    def _ready(self) -> bool:
        """Log in, at a server that greets with the nonce."""
        self._to.forget()
        try:
            with self._to.lent() as connection:
                return self.server.nonce.encode() in connection.welcome
        except ERRORS:
            return False

    def hello(self) -> Hello:
        """Start the server at the first call. UIDs have 32 bits and leave no gap."""
        if not self.server.answered:
            self.begin()
            self.version = dovecot_engine.version()
        return Hello(f"dovecot {self.version}", ABLE | OWN, profile.built_in()["strict"], ("RCV-6",))

    def reset(self, account: str) -> None:
        """Make the account a new mailbox."""
        self.must_have_begun()
        self._mail.reset(account)

    def preset_seq(self, account: str, seq: int) -> None:
        """Make it a new mailbox whose next UID is above seq. There is none above the last."""
        if seq >= UINT_MAX:
            raise TargetError(f"dovecot: its next UID cannot be set above {UINT_MAX}; preset less")
        self.reset(account)
        update = ("mailbox", "update", "-u", USER, "--min-next-uid", str(seq + 1), box(account))
        dovecot_engine.administer(self.server.directory, *update)

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:  # noqa: ARG002
        """Append. A repeat makes a second message."""
        return self._ask(lambda main, connection: self._mail.send(main, connection, account, body), account)

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:  # noqa: ARG002
        """Expunge what is confirmed and fetch the rest. Never more than one page."""
        return self._ask(lambda main, connection: self._mail.recv(main, connection, account, seq_cli), account)

    def _ask(self, request: Request, account: str) -> Answer:
        """Make one request; over a connection that breaks where a fault waits for it."""

        def spoiled(main: imaplib.IMAP4, port: int, arm: Arm) -> Answer:
            with ended(self._to.connect(port)) as connection:
                last(connection, account)  # from here on the connection carries the request alone
                arm()
                return request(main, connection)

        return self.asked(
            lambda: self._to.answer(lambda connection: request(connection, connection)),
            lambda port, arm: self._to.answer(lambda main: spoiled(main, port, arm)),
        )

    def _disconnect(self) -> None:
        self._to.forget()
