"""The target ``exec:COMMAND ARGS``: any server, through a small program in any language that speaks JSON Lines.

The program is the adapter. What it says is in ``exec_wire``, how a question finds its answer in ``exec_talk``, how the
process is kept in ``exec_process``; here is what it means. A program that breaks the contract is at fault
(``AdapterFault``). Its outcome ``error`` is something else: it says itself that it cannot reach its server, which is
the environment's fault (``TargetError``). Neither is a verdict on the server.
Source: docs/adapters.md; docs/architecture.md, "Who is to blame".
"""

from __future__ import annotations

import os
import secrets
import shlex
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from msgspec import UNSET

from seqproof_conformance import exec_wire as wire
from seqproof_conformance.adapter import Hello, TargetError
from seqproof_conformance.exec_talk import NAME, Spoken, Talk
from seqproof_model import profile
from seqproof_model.history import Answer, Indefinite, Ok, Refused, Tip

__all__ = ["TIMEOUT", "ExecTarget"]

TIMEOUT = "SEQPROOF_EXEC_TIMEOUT_S"  # in the environment: for servers that are slow to start
TIMEOUT_S = 10.0


class NoSuchOperation(wire.Question, frozen=True, tag="no_such_operation"):
    """An operation that does not exist. An honest adapter says so."""


class ExecTarget(Spoken):
    """An adapter program. ``command``: as in a shell, but no shell runs it. ``timeout_s``: the longest wait, seconds.

    ``check_schema`` may be switched on at any time: every line, both ways, is then held to the published JSON Schemas.
    Raises TargetError where the command is none, or SEQPROOF_EXEC_TIMEOUT_S, the default of ``timeout_s``, no number.
    """

    def __init__(self, command: str, timeout_s: float | None = None, *, check_schema: bool = False) -> None:
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise TargetError(f"exec:{command}: {str(error).lower()}; quote it as for a shell") from None
        if not words:
            raise TargetError("exec: names no command; write exec:./adapter.py or 'exec:COMMAND ARGS'")
        waits = _timeout() if timeout_s is None else timeout_s
        self._talk = Talk(words, waits, check_schema=check_schema)

    @property
    def check_schema(self) -> bool:
        """Whether every line is held to the published JSON Schemas."""
        return self._talk.check_schema

    @check_schema.setter
    def check_schema(self, wanted: bool) -> None:
        self._talk.check_schema = wanted

    # ---------------------------------------------------------------- what every target can do

    def hello(self) -> Hello:
        """Start the program at the first call, and ask who it is. Raises AdapterFault, TargetError."""
        if not self._talk.program.answered:
            self._talk.program.start()
        nonce = secrets.token_hex(8)
        greeting: wire.Greeting = self._order(wire.Hello(nonce))
        if greeting.nonce != nonce:
            raise self._talk.blame(f"hello came back with another nonce: {greeting.nonce!r:.40}; repeat the question's")
        if greeting.protocol not in (None, wire.PROTOCOL):
            raise self._talk.blame(f"it speaks {greeting.protocol!r:.40}, the kit speaks {wire.PROTOCOL}")
        try:
            claims = None if greeting.claims is None else profile.find(greeting.claims)
        except profile.ProfileError as error:
            raise self._talk.blame(f"hello claims what is no profile: {error}") from None
        return Hello(greeting.server, frozenset(greeting.capabilities), claims, greeting.adds)

    def reset(self, account: str) -> None:
        """Make the account fresh."""
        self._order(wire.Reset(account))

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        """Put a message into the account's inbox."""
        return self._request(wire.Send(account, sender, client_id, body), lambda sent: Ok(seq=_seq(sent.seq)))

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:
        """Ask what is after seq_cli."""
        return self._request(wire.Recv(account, phone, seq_cli), _received)

    # ---------------------------------------------------------------- what only some can do

    def kill(self) -> None:
        """Let the program kill its server."""
        self._order(wire.Kill())

    def restart(self) -> None:
        """Let the program start its server again on the same store."""
        self._order(wire.Restart())

    def preset_seq(self, account: str, seq: int) -> None:
        """Set seq_svr of an empty account."""
        self._order(wire.PresetSeq(account, seq))

    def trim(self, account: str) -> None:
        """Tell the server to drop what it may drop."""
        self._order(wire.Trim(account))

    def fail_next_store(self) -> None:
        """Make the server's next store fail, once."""
        self._order(wire.FailNextStore())

    def begin_send(self, account: str, sender: str, client_id: str, body: str) -> str:
        """Begin a send, which the program holds half-way."""
        held: wire.Held = self._order(wire.BeginSend(account, sender, client_id, body))
        return held.held

    def commit_send(self, begun: str) -> Answer:
        """Let it go on to its end."""
        return self._request(wire.CommitSend(begun), lambda sent: Ok(seq=_seq(sent.seq)))

    def backup(self) -> None:
        """Let the program back up its server's store."""
        self._order(wire.Backup())

    def restore(self) -> None:
        """Let it take the store back, and start the server on it."""
        self._order(wire.Restore())

    def recv_raw(self, account: str, phone: str, raw: str) -> Answer:
        """Ask with any text for seq_cli."""
        return self._request(wire.RecvRaw(account, phone, raw), _received)

    def login(self, account: str, phone: str) -> None:
        """Let the program open the phone's long connection."""
        self._order(wire.Login(account, phone))

    def logout(self, account: str, phone: str) -> None:
        """Let it close that connection."""
        self._order(wire.Logout(account, phone))

    def tips(self) -> list[Tip]:
        """All tips since the last call."""
        told: wire.Tipped = self._order(wire.Tips())
        return [Tip(tip.account, tip.phone, tip.via) for tip in told.tips]

    # ---------------------------------------------------------------- around it

    def unknown_operation(self) -> bool:
        """Ask for an operation that does not exist; return whether the program says so. Raises AdapterFault."""
        return self._talk.ask(NoSuchOperation()).unsupported is True

    # ---------------------------------------------------------------- what an answer means

    def _order(self, question: wire.Question) -> Any:
        """Ask for something that is no request to the server; return what the ok holds."""
        answer = self._talk.ask(question)
        if answer.ok is UNSET:
            raise self._not_done(question, answer)
        return answer.ok

    def _request(self, question: wire.Question, ok: Callable[[Any], Answer]) -> Answer:
        answer = self._talk.ask(question)
        if not isinstance(answer, wire.Answered) or answer.ok is not UNSET:
            return ok(answer.ok)
        if isinstance(answer.refused, wire.Refusal):
            told = answer.refused
            return Refused(told.code, seq_svr=_seq(told.seq_svr), detail=told.detail or "")
        if isinstance(answer.indefinite, wire.Doubt):
            return Indefinite(answer.indefinite.why)
        raise self._not_done(question, answer)

    def _not_done(self, question: wire.Question, answer: wire.Answer[Any]) -> TargetError:
        """Return what to raise when the program could not do it."""
        op = str(question.__struct_config__.tag)
        if isinstance(answer.error, str):
            return TargetError(f"{NAME}: {op}: {' '.join(answer.error.split()) or 'an error without a word'}")
        needs = wire.OPERATIONS[op].needs
        why = f"it declared {needs}" if needs else "every adapter can do that"
        return self._talk.blame(f"answered {op} with unsupported, but {why}")


def _timeout() -> float:
    """Return the environment's wait, else the default. Raises TargetError."""
    text = os.environ.get(TIMEOUT) or str(TIMEOUT_S)
    with suppress(ValueError):
        if 0 < (seconds := float(text)) < threading.TIMEOUT_MAX:
            return seconds
    raise TargetError(f"{TIMEOUT} is {text!r}; write a number of seconds above 0, or leave it out")


def _seq(told: int | str | None) -> int | None:
    return None if told is None else int(told)


def _received(got: wire.Rows) -> Answer:
    rows = tuple((int(seq), body) for seq, body in got.rows)
    return Ok(rows=rows, more=got.more, upto=_seq(got.upto), epoch=got.epoch)
