"""What stands on the wire: the bodies of requests, the body and the status of each answer. No I/O, no state.

    POST /v1/accounts/{account}/messages  {"sender": "s", "client_id": "c1", "body": "m1"}   200 {"seq": 1}
    POST /v1/accounts/{account}/recv      {"phone": "A", "seq_cli": 0}
                                          200 {"rows": [[1, "m1"]], "more": false, "upto": 1, "epoch": "..."}
    GET  /v1/accounts/{account}/tips?phone=A   a WebSocket: {"tip": true} comes; {"ping": n} is answered {"pong": n}
    GET  /v1/hello                        200 {"server": ..., "nonce": ..., "page_size": ..., "admin": ..., "pid": ...}

An error is ``{"error": CODE, "detail": ...}``; CODE is a refusal of the history's ``Code`` with its status in
``STATUS``, or one that the access layer says before any part has seen the request, with its status in ``ACCESS``.
Every one of them is definite, but for 500 ``unknown``: the disk failed while it committed.
Implements SEQ-6, SEQ-7, SEQ-8, SND-5, RCV-6 on the wire.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from seqproof_model.history import Answer, Code, Indefinite, Ok, Refused

MAX_BODY_BYTES = 1 << 20
MAX_FRAME_BYTES = 1024  # a client has nothing to say on the long connection but a ping
MAX_NAME_CHARS = 256

STATUS = {Code.AHEAD: 409, Code.MALFORMED: 400, Code.POLICY: 403, Code.FULL: 507, Code.STORE: 503}
ACCESS = {
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "slow": 408,
    "too_large": 413,
    "rate": 429,
}
TIP = '{"tip":true}'

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME_CHARS)]
ClientId = Annotated[str, msgspec.Meta(max_length=MAX_NAME_CHARS)]
Wire = tuple[int, dict[str, Any]]


class SendBody(msgspec.Struct, frozen=True):
    """The body of a send. An empty ``client_id`` is never deduplicated."""

    sender: Name
    body: str
    client_id: ClientId = ""


class RecvBody(msgspec.Struct, frozen=True):
    """The body of a recv. ``seq_cli`` is a JSON integer; a float, a string, a boolean is none (SEQ-7)."""

    phone: Name
    seq_cli: int


class PresetBody(msgspec.Struct, frozen=True):
    """The body of a preset."""

    seq: int


class Ping(msgspec.Struct, frozen=True):
    """What a client may say on the long connection."""

    ping: int


class MalformedError(ValueError):
    """A request that makes no sense; the text says what is wrong with it."""


read_send = msgspec.json.Decoder(SendBody).decode
read_recv = msgspec.json.Decoder(RecvBody).decode
read_preset = msgspec.json.Decoder(PresetBody).decode
read_ping = msgspec.json.Decoder(Ping).decode
encode = msgspec.json.Encoder().encode


def name(text: str, what: str) -> str:
    """Check a name that came in the URL. U+FFFD is what undecodable bytes become: two must not become one (I-ISO).

    Raises MalformedError.
    """
    if not 0 < len(text) <= MAX_NAME_CHARS or "\ufffd" in text:
        raise MalformedError(f"{what} is 1 to {MAX_NAME_CHARS} characters of UTF-8")
    return text


def written(answer: Answer) -> Wire:
    """Write an answer as status and body. ``rows``, ``more``, ``upto`` and ``epoch`` belong to a recv only.

    >>> written(Ok(seq=7)), written(Refused(Code.AHEAD, seq_svr=3))
    ((200, {'seq': 7}), (409, {'error': 'ahead', 'seq_svr': 3}))
    """
    match answer:
        case Ok(rows=None, seq=None):
            return 200, {}
        case Ok(rows=None, seq=seq):
            return 200, {"seq": seq}
        case Ok(rows=rows, more=more, upto=upto, epoch=epoch):
            return 200, {"rows": rows, "more": more, "upto": upto, "epoch": epoch}
        case Refused(code=code, seq_svr=seq_svr, detail=detail):
            said: dict[str, Any] = {"error": code.value}
            said |= {"seq_svr": seq_svr} if seq_svr is not None else {}
            return STATUS[code], said | ({"detail": detail} if detail else {})
        case Indefinite(why=why):
            return 500, {"error": "unknown", "detail": why}


def malformed(error: Exception) -> Wire:
    """Write what is wrong with a request."""
    return STATUS[Code.MALFORMED], {"error": Code.MALFORMED.value, "detail": str(error)}
