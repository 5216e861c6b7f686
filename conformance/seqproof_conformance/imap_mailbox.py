r"""The protocol on IMAP: one mailbox per account, the message's UID is the seq. Any server with UIDPLUS would do.

    reset    DELETE, CREATE
    send     APPEND                                           the answer's APPENDUID
    recv(c)  SELECT, UIDNEXT - 1 is seq_svr                   c above it: refused, nothing touched
             UID STORE 1:c +FLAGS.SILENT (\Deleted), UID EXPUNGE 1:c
             UID FETCH c+1:*, without UIDs up to c            "*" is the last message, even where that is below c+1

What confirms is the expunge, so confirmed is the server's own, for all phones of the account.

A connection that ends under a command leaves it open (``imap_client``). With one exception: where a mailbox's UIDNEXT
is the last UID there is, Dovecot's process aborts on an APPEND instead of refusing it. The process is gone and can do
nothing later, so the adapter looks, over a new connection: where UIDNEXT is still the same and the last message is
another one, nothing was stored, and the server can give no more. That is reported as the refusal that it stands for: no
space.
Source: RFC 9051, 6.3.12, 6.4.9; 2.3.1.1 for the rules of UIDs.
"""

from __future__ import annotations

import imaplib
import re
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from seqproof_conformance.adapter import TargetError
from seqproof_conformance.imap_client import ERRORS, Connections, RefusedError, done, end, ended
from seqproof_model.history import Answer, Code, Indefinite, Ok, Refused
from seqproof_model.profile import UINT_MAX

APPENDUID = re.compile(rb"\[APPENDUID \d+ (\d+)\]")
UID = re.compile(rb"\bUID (\d+)")
Request = Callable[[imaplib.IMAP4, imaplib.IMAP4], Answer]  # over two connections: one looks, the other confirms


def box(account: str) -> str:
    """The mailbox of an account. A name may hold what IMAP gives a meaning to."""
    return "b" + account.encode().hex()


class Mailboxes:
    """What is asked of the server, over connections ``to`` it."""

    def __init__(self, to: Connections) -> None:
        self.to = to
        self._made = set[str]()

    def reset(self, account: str) -> None:
        """Make the account a new mailbox. Raises TargetError. A connection that has the old one selected must end."""
        try:
            if account in self._made:
                self.to.forget()
                with self.to.lent() as connection:
                    done(connection.delete(box(account)))
            self._made.add(account)
            with self.to.lent() as connection:
                done(connection.create(box(account)))
                done(connection.status(box(account), "(UIDNEXT)"))  # from here on it has its UIDVALIDITY
        except (*ERRORS, RefusedError) as error:
            raise TargetError(f"dovecot: a new mailbox: {' '.join(str(error).split())}") from None

    def send(self, main: imaplib.IMAP4, connection: imaplib.IMAP4, account: str, body: str) -> Answer:
        """Append, over ``connection``; where that is not ``main``, it may be one that is to break."""
        try:
            told = APPENDUID.search(b" ".join(done(connection.append(box(account), "", "", body.encode()))))
        except imaplib.IMAP4.abort as error:
            end(connection)
            if connection is main and self._full(account, body):
                return Refused(Code.FULL, detail=f"the server's process ended: {' '.join(str(error).split())}")
            raise
        return Ok(seq=int(told[1])) if told else Indefinite("an APPEND without APPENDUID")

    def _full(self, account: str, body: str) -> bool:
        """Whether there is no UID left but the last, and the last message is another one."""
        with suppress(*ERRORS, RefusedError), ended(self.to.connect()) as connection:
            if last(connection, account) == UINT_MAX - 1:
                return all(found != body for _, found in rows(connection, UINT_MAX - 1))
        return False

    def recv(self, main: imaplib.IMAP4, connection: imaplib.IMAP4, account: str, seq_cli: int) -> Answer:
        """Expunge and fetch. ``main`` looks, ``connection`` confirms: it may be one that is to break."""
        if seq_cli > (seq_svr := last(main, account)):
            if connection is not main:
                connection.noop()  # the reply that the fault on the wire is for
            return Refused(Code.AHEAD, seq_svr=seq_svr)
        if seq_cli:
            done(connection.uid("STORE", f"1:{seq_cli}", "+FLAGS.SILENT", r"(\Deleted)"))
            done(connection.uid("EXPUNGE", f"1:{seq_cli}"))
        return Ok(rows=tuple(rows(connection, seq_cli + 1)))


def last(connection: imaplib.IMAP4, account: str) -> int:
    """Select the account's mailbox, and say which UID was given last."""
    done(connection.select(box(account)))
    uid_next: bytes = connection.response("UIDNEXT")[1][-1]
    return int(uid_next) - 1


def rows(connection: imaplib.IMAP4, first: int) -> list[tuple[int, str]]:
    """The messages from a UID on, of the selected mailbox."""
    found: list[tuple[int, str]] = []
    for part in done(connection.uid("FETCH", f"{first}:*", "(UID BODY.PEEK[])")):
        if isinstance(part, tuple):
            head, body = cast("tuple[bytes, bytes]", part)
            if uid := UID.search(head):
                found.append((int(uid[1]), body.decode(errors="backslashreplace")))
    return sorted(row for row in found if row[0] >= first)
