"""A phone behind a program that speaks JSON Lines, in any language.

What is said stands in ``phone_wire``. The program is kept, and questions meet answers, as for servers
(``exec_process``, ``exec_talk``): a program that hangs, babbles or lies about numbers is at fault, in one line, after a
bounded time. Source: docs/phones.md.
"""

from __future__ import annotations

import secrets
import shlex
from typing import Any

from msgspec import UNSET

from seqproof_conformance.adapter import TargetError
from seqproof_conformance.exec_talk import NAME, Spoken, Talk
from seqproof_conformance.exec_wire import Question
from seqproof_conformance.phone_wire import (
    Did,
    Elapse,
    Greeting,
    Held,
    Hello,
    Kill,
    Login,
    Lost,
    Mark,
    Offline,
    Online,
    Replied,
    Reset,
    Restart,
    Send,
    SeqCli,
    Shows,
    Start,
    Sync,
    Tip,
    decode,
)
from seqproof_model.phone_words import PhoneHello, Reaction, Reply, Row

TIMEOUT_S = 10.0


def _complaint(name: str, op: str, line: bytes) -> str:
    from seqproof_conformance.phone_schemas import complaint  # its library is slow to load, and seldom wanted

    return complaint(name, op, line)


class ExecPhone(Spoken):
    """A phone program. ``command``: as in a shell, but no shell runs it. Raises TargetError where it is none."""

    def __init__(self, command: str) -> None:
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise TargetError(f"exec:{command}: {str(error).lower()}; quote it as for a shell") from None
        if not words:
            raise TargetError("exec: names no command; write exec:./phone.py or 'exec:COMMAND ARGS'")
        self._talk = Talk(words, TIMEOUT_S, decode=decode, complaint=_complaint)

    def validate(self) -> None:
        """From now on hold every line, both ways, to the published JSON Schemas."""
        self._talk.check_schema = True

    def hello(self) -> PhoneHello:
        """Start the program, and ask who it is. Raises AdapterFault, TargetError."""
        self._talk.program.start()
        nonce = secrets.token_hex(8)
        said: Greeting = self._ok(Hello(nonce))
        if said.nonce != nonce:
            raise self._talk.blame(f"hello came back with another nonce: {said.nonce!r:.40}; repeat the question's")
        able = frozenset(said.capabilities)
        return PhoneHello(said.phone, able, said.patience_ms, said.retry_ms, said.poll_ms)

    def reset(self) -> None:
        """Be new."""
        self._ok(Reset())

    def start(self, account: str) -> Reaction:
        """Start for the first time."""
        return self._did(Start(account))

    def sync(self) -> Reaction:
        """The user asks for news."""
        return self._did(Sync())

    def tip(self, account: str) -> Reaction:
        """A tip arrives."""
        return self._did(Tip(account))

    def reply(self, number: int, reply: Reply, die_after: int | None = None) -> Reaction:
        """A reply arrives."""
        return self._did(Replied(number, reply, die_after))

    def lost(self, number: int) -> Reaction:
        """A request failed."""
        return self._did(Lost(number))

    def elapse(self, ms: int) -> Reaction:
        """Time passes."""
        return self._did(Elapse(ms))

    def offline(self) -> Reaction:
        """The connection breaks."""
        return self._did(Offline())

    def online(self) -> Reaction:
        """The connection is there again."""
        return self._did(Online())

    def login(self, account: str) -> Reaction:
        """Another account logs in."""
        return self._did(Login(account))

    def send(self, body: str) -> Reaction:
        """The user sends."""
        return self._did(Send(body))

    def kill(self) -> Reaction:
        """Be killed."""
        return self._did(Kill())

    def restart(self) -> Reaction:
        """Start again."""
        return self._did(Restart())

    def held(self, account: str) -> tuple[Row, ...]:
        """What it shows."""
        shows: Shows = self._ok(Held(account))
        return shows.rows

    def seq_cli(self, account: str) -> int:
        """Its durable mark."""
        mark: Mark = self._ok(SeqCli(account))
        return mark.seq_cli

    def _did(self, question: Question) -> Reaction:
        did: Did = self._ok(question)
        return Reaction(did.requests, did.died)

    def _ok(self, question: Question) -> Any:
        answer = self._talk.ask(question)
        if answer.ok is not UNSET:
            return answer.ok
        op = str(question.__struct_config__.tag)
        if isinstance(answer.error, str):
            raise TargetError(f"{NAME}: {op}: {' '.join(answer.error.split()) or 'an error without a word'}")
        raise self._talk.blame(f"answered {op} with unsupported, but it declared what that needs, or every phone can")
