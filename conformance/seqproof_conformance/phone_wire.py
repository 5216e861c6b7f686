"""The words between the kit and a phone's program: ``seqproof-phone/1``, one JSON text a line.

    kit -> phone    {"id":3,"op":"reply","request":1,"reply":{"reply":"rows","rows":[[1,"m1"]],"more":false}}
    phone -> kit    {"id":3,"ok":{"requests":[{"op":"recv","id":2,"account":"x","seq_cli":1}]}}

A row of ``OPERATIONS`` is an operation: the words of a question are the fields of its Struct, what an ok holds are the
fields of another. The JSON Schemas of both directions are printed from the same rows (``phone_schemas``).
Source: docs/phones.md.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

from seqproof_conformance.exec_wire import Answer, Operation, Question, Strict, WireError
from seqproof_model.phone_words import Milliseconds, PhoneCapability, Reply, Request, Row

PROTOCOL = "seqproof-phone/1"


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
