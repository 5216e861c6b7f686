"""What an exec target and the kit say to each other: ``seqproof-exec/1``, one JSON object a line, both ways.

    kit -> adapter    {"id":3,"op":"send","account":"x","sender":"s","client_id":"c1","body":"m1"}
    adapter -> kit    {"id":3,"ok":{"seq":1}}

The kit asks, numbered from 1; the adapter answers by number, in any order, each question once, with exactly one
outcome: ``ok``, ``refused``, ``indefinite``, ``unsupported`` or ``error``. ``OPERATIONS`` is the whole protocol: a row
an operation. The words of a question are the fields of its Struct, what an ok holds are the fields of another; the
published JSON Schemas are printed from the same rows (``exec_schemas.py``), so the two cannot differ.

A seq is a number up to 2**53 and a string of decimal digits above, so that every language keeps it exact (SEQ-7). A
negative number is let through: a server that wraps around must be blamed for it, not its adapter.
Source: docs/adapters.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType

from seqproof_model.hello import Capability
from seqproof_model.history import EXACT_IN_DOUBLE, Code, Via

__all__ = ["OPERATIONS", "PROTOCOL", "Answer", "Operation", "Question", "WireError", "decode", "encode"]

PROTOCOL = "seqproof-exec/1"
DIGITS = r"^[0-9]{1,39}(?!\n)$"  # "$" alone would also match before a last newline, in some languages

Number = Annotated[int, Meta(ge=-EXACT_IN_DOUBLE, le=EXACT_IN_DOUBLE)]
Seq = Number | Annotated[str, Meta(pattern=DIGITS)]
T = TypeVar("T")


class WireError(ValueError):
    """A line that is no answer to its question: what is wrong with it, in one line."""


# ---------------------------------------------------------------- what the kit asks


class Question(msgspec.Struct, frozen=True, tag_field="op", tag=str.lower):
    """A question; its number is not part of it."""


class Hello(Question, frozen=True):
    """Who are you, and what can you do? The nonce comes back."""

    nonce: str
    protocol: str = PROTOCOL


class Reset(Question, frozen=True):
    """Make the account fresh: no message, no mark."""

    account: str


class Send(Question, frozen=True):
    """Put a message into the account's inbox, once, without a retry."""

    account: str
    sender: str
    client_id: str
    body: str


class Recv(Question, frozen=True):
    """Ask "what is after seq_cli?"."""

    account: str
    phone: str
    seq_cli: int


class Kill(Question, frozen=True):
    """SIGKILL the server's whole process tree; answer when it is gone."""


class Restart(Question, frozen=True):
    """Start it again on the same store; answer when it answers."""


class PresetSeq(Question, frozen=True, tag="preset_seq"):
    """Set seq_svr of an empty account."""

    account: str
    seq: int


class Trim(Question, frozen=True):
    """Tell the server to drop what it may drop of the account."""

    account: str


class FailNextStore(Question, frozen=True, tag="fail_next_store"):
    """Make the server's next store of a message fail, once."""


class BeginSend(Question, frozen=True, tag="begin_send"):
    """Begin a send and hold it half-way. The answer names it."""

    account: str
    sender: str
    client_id: str
    body: str


class CommitSend(Question, frozen=True, tag="commit_send"):
    """Let the held send of that name go on to its end; answer as to a send."""

    held: str


class Backup(Question, frozen=True):
    """Back up the server's whole store; only the last backup is kept."""


class Restore(Question, frozen=True):
    """Take the whole store back to the last backup, and start the server on it; answer when it answers."""


class RecvRaw(Question, frozen=True, tag="recv_raw"):
    """Make a recv with the text ``raw`` where seq_cli goes, as it is; answer as to a recv."""

    account: str
    phone: str
    raw: str


class Login(Question, frozen=True):
    """Open the phone's long connection, which is the account's current route from now on; answer when it is up."""

    account: str
    phone: str


class Logout(Question, frozen=True):
    """Close it, if it is up; answer when the server has noticed."""

    account: str
    phone: str


class Tips(Question, frozen=True):
    """Tell all tips since the last such question; wait on the server until it is at rest, without a sleep."""


class Close(Question, frozen=True):
    """End everything you started, answer, and end."""


# ---------------------------------------------------------------- what comes back


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No keys but these."""


class Greeting(Strict, frozen=True):
    """The ok of hello. ``claims``: a profile's name. ``adds``: requirements that the adapter's own code implements."""

    nonce: str
    server: str
    capabilities: tuple[Capability, ...]
    claims: str | None = None
    adds: tuple[str, ...] = ()
    protocol: str | None = None


class Sent(Strict, frozen=True):
    """The ok of a send; ``seq`` where the server tells it."""

    seq: Seq | None = None


class Rows(Strict, frozen=True):
    """The ok of a recv: rows as [seq, body], and what else the server tells."""

    rows: tuple[tuple[Seq, str], ...]
    more: bool | None = None
    upto: Seq | None = None
    epoch: str | None = None


class Held(Strict, frozen=True):
    """The ok of begin_send: a name for the send, of the adapter's own choice."""

    held: str


class Tip(Strict, frozen=True):
    """A tip, as a phone got it."""

    account: str
    phone: str
    via: Via = Via.CONNECTION


class Tipped(Strict, frozen=True):
    """The ok of tips."""

    tips: tuple[Tip, ...]


class Done(Strict, frozen=True):
    """The ok of everything else: an empty object."""


class Refusal(Strict, frozen=True):
    """It surely did not happen. ``seq_svr``: what the server named, where it did."""

    code: Code
    seq_svr: Seq | None = None
    detail: str | None = None


class Doubt(Strict, frozen=True):
    """Nobody knows whether it happened, or will."""

    why: str


class Answer(Strict, Generic[T], frozen=True):
    """An answer to anything; exactly one of the outcomes is set."""

    id: int
    ok: T | UnsetType = UNSET
    unsupported: bool | UnsetType = UNSET
    error: str | UnsetType = UNSET

    @property
    def outcomes(self) -> list[str]:
        """The outcomes that are set."""
        return [name for name in self.__struct_fields__ if name != "id" and getattr(self, name) is not UNSET]


class Answered(Answer[T], Generic[T], frozen=True):
    """An answer to a request that went to the server: it may also have been refused, or be in doubt."""

    refused: Refusal | UnsetType = UNSET
    indefinite: Doubt | UnsetType = UNSET


@dataclass(frozen=True)
class Operation:
    """A row of the protocol. ``ask``: the question's shape, ``ok``: its good answer's, ``needs``: who may be asked."""

    ask: type[Question]
    ok: type[msgspec.Struct]
    shape: Any  # the whole answer's
    needs: Capability | None = None


OPERATIONS = {
    "hello": Operation(Hello, Greeting, Answer[Greeting]),
    "reset": Operation(Reset, Done, Answer[Done]),
    "send": Operation(Send, Sent, Answered[Sent]),
    "recv": Operation(Recv, Rows, Answered[Rows]),
    "kill": Operation(Kill, Done, Answer[Done], Capability.KILL),
    "restart": Operation(Restart, Done, Answer[Done], Capability.KILL),
    "preset_seq": Operation(PresetSeq, Done, Answer[Done], Capability.PRESET_SEQ),
    "trim": Operation(Trim, Done, Answer[Done], Capability.TRIM),
    "fail_next_store": Operation(FailNextStore, Done, Answer[Done], Capability.FAIL_NEXT_STORE),
    "begin_send": Operation(BeginSend, Held, Answer[Held], Capability.BEGIN_SEND),
    "commit_send": Operation(CommitSend, Sent, Answered[Sent], Capability.BEGIN_SEND),
    "backup": Operation(Backup, Done, Answer[Done], Capability.BACKUP),
    "restore": Operation(Restore, Done, Answer[Done], Capability.BACKUP),
    "recv_raw": Operation(RecvRaw, Rows, Answered[Rows], Capability.RECV_RAW),
    "login": Operation(Login, Done, Answer[Done], Capability.TIPS),
    "logout": Operation(Logout, Done, Answer[Done], Capability.TIPS),
    "tips": Operation(Tips, Tipped, Answer[Tipped], Capability.TIPS),
    "close": Operation(Close, Done, Answer[Done]),
}
_DECODERS = {name: msgspec.json.Decoder[Any](row.shape) for name, row in OPERATIONS.items()}


def encode(number: int, question: Question) -> bytes:
    r"""Write a question as a line, with its end.

    >>> encode(4, Recv("x", "A", 2**53 + 1))
    b'{"id":4,"op":"recv","account":"x","phone":"A","seq_cli":"9007199254740993"}\n'
    """
    words: dict[str, Any] = msgspec.to_builtins(question)
    for name, value in words.items():
        if isinstance(value, int) and abs(value) > EXACT_IN_DOUBLE:
            words[name] = str(value)
    return msgspec.json.encode({"id": number} | words) + b"\n"


def decode(op: str, line: bytes) -> Answer[Any]:
    """Read the answer to an ``op``; one that is not in ``OPERATIONS`` is answered like close. Raises WireError."""
    try:
        answer = cast("Answer[Any]", _DECODERS.get(op, _DECODERS["close"]).decode(line))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        mend = f"; capabilities are {', '.join(Capability)}" if "$.ok.capabilities[" in str(error) else ""
        raise WireError(f"{error}{mend}") from None
    match answer.outcomes:
        case []:
            raise WireError("it has no outcome: ok, refused, indefinite, unsupported or error")
        case ["unsupported"] if answer.unsupported is not True:
            raise WireError("unsupported is true or left out")
        case [_]:
            return answer
        case several:
            raise WireError(f"it has {len(several)} outcomes, {' and '.join(several)}")
