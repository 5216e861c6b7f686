"""A phone behind a program that speaks JSON Lines: ``seqproof-phone/1``, any language.

    kit -> phone    {"id":3,"op":"reply","request":1,"reply":{"reply":"rows","rows":[[1,"m1"]],"more":false}}
    phone -> kit    {"id":3,"ok":{"requests":[{"op":"recv","id":2,"account":"x","seq_cli":1}]}}

A row of ``OPERATIONS`` is an operation: the words of a question are the fields of its Struct, what an ok holds are the
fields of another. The program is kept, and questions meet answers, as for servers (``exec_process``, ``exec_talk``): a
program that hangs, babbles or lies about numbers is at fault, in one line, after a bounded time. The JSON
Schemas of both directions are printed from the same rows (``phone_schemas``).
Source: docs/phones.md.
"""

from __future__ import annotations

import secrets
import shlex
from typing import Any, cast

import msgspec
from msgspec import UNSET

from seqproof_conformance.adapter import TargetError
from seqproof_conformance.exec_talk import NAME, Spoken, Talk
from seqproof_conformance.exec_wire import Answer, Operation, Question, Strict, WireError
from seqproof_model.phone_words import Milliseconds, PhoneCapability, PhoneHello, Reaction, Reply, Request, Row

__all__ = ["OPERATIONS", "PROTOCOL", "ExecPhone", "decode"]

PROTOCOL = "seqproof-phone/1"
TIMEOUT_S = 10.0


class Hello(Question, frozen=True):
    """Who are you, and what can be done to you? The nonce comes back."""

    nonce: str
    protocol: str = PROTOCOL


class Plain(Question, frozen=True):
    """An operation without words besides its name."""


class Reset(Plain, frozen=True):
    """Be a new phone."""


class Sync(Plain, frozen=True):
    """Your user asks for news."""


class Offline(Plain, frozen=True):
    """Your connection breaks; what is under way is lost."""


class Online(Plain, frozen=True):
    """Your connection is there again."""


class Kill(Plain, frozen=True):
    """You are killed: forget all but your store."""


class Restart(Plain, frozen=True):
    """You start again on your store."""


class Close(Plain, frozen=True):
    """End."""


class OfAccount(Question, frozen=True):
    """An operation on an account."""

    account: str


class Start(OfAccount, frozen=True):
    """You start for the first time, with this account."""


class Tip(OfAccount, frozen=True):
    """A tip arrives."""


class Login(OfAccount, frozen=True):
    """Another account logs in."""


class Held(OfAccount, frozen=True):
    """Say which messages you show."""


class SeqCli(OfAccount, frozen=True, tag="seq_cli"):
    """Say what you would ask with if you were killed now."""


class Replied(Question, frozen=True, omit_defaults=True, tag="reply"):
    """The reply to your request of that number arrives; ``die_after``: be killed after so many durable writes."""

    request: int
    reply: Reply
    die_after: int | None = None


class Lost(Question, frozen=True):
    """Your request of that number has failed."""

    request: int


class Elapse(Question, frozen=True):
    """So many ms pass."""

    ms: int


class Send(Question, frozen=True):
    """Your user sends a message."""

    body: str


class Greeting(Strict, frozen=True):
    """The ok of hello."""

    nonce: str
    phone: str
    capabilities: tuple[PhoneCapability, ...] = ()
    patience_ms: Milliseconds = 1_000
    retry_ms: Milliseconds = 60_000
    poll_ms: Milliseconds | None = None


class Did(Strict, frozen=True):
    """The ok of nearly everything: what you put on the wire because of it."""

    requests: tuple[Request, ...] = ()
    died: bool = False


class Shows(Strict, frozen=True):
    """The ok of held."""

    rows: tuple[Row, ...]


class Mark(Strict, frozen=True):
    """The ok of seq_cli."""

    seq_cli: int


OPERATIONS = {
    "hello": Operation(Hello, Greeting, Answer[Greeting]),
    "held": Operation(Held, Shows, Answer[Shows]),
    "seq_cli": Operation(SeqCli, Mark, Answer[Mark]),
    **{
        str(ask.__struct_config__.tag): Operation(ask, Did, Answer[Did])
        for ask in (Reset, Start, Sync, Replied, Lost, Elapse, Tip, Kill, Restart, Offline, Online, Login, Send, Close)
    },
}
_DECODERS = {op: msgspec.json.Decoder[Any](row.shape) for op, row in OPERATIONS.items()}


def decode(op: str, line: bytes) -> Answer[Any]:
    """Read the answer to an ``op``. Raises WireError."""
    try:
        answer = cast("Answer[Any]", _DECODERS.get(op, _DECODERS["close"]).decode(line))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(str(error)) from None
    if answer.unsupported is False:
        raise WireError("unsupported is true or left out")
    if len(answer.outcomes) != 1:
        raise WireError("it has no outcome, or several: one of ok, unsupported, error")
    return answer


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
