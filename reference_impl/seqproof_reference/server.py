"""The store behind HTTP: what a request must look like, and what each answer is on the wire.

    POST /v1/accounts/{account}/messages  {"sender": "s", "client_id": "c1", "body": "m1"}   200 {"seq": 1}
    POST /v1/accounts/{account}/recv      {"phone": "A", "seq_cli": 0}
                                          200 {"rows": [[1, "m1"]], "more": false, "upto": 1, "epoch": "..."}
    GET  /v1/hello                        200 {"server": ..., "nonce": ..., "page_size": ..., "admin": ..., "pid": ...}

An error is ``{"error": CODE, "detail": ...}``; CODE is a refusal of the history's ``Code`` and the status is in
``STATUS``. Every one of them is definite, but for 500 ``unknown``: the disk failed while it committed. With ``--admin``
there are the kit's handles under ``/admin``; without it those paths do not exist. A malformed request reaches no store
(SEQ-7). Bodies of requests are bounded by ``MAX_BODY_BYTES``.
Implements SEQ-6, SEQ-7, SEQ-8, SND-5, RCV-6 on the wire; the rest is the store's.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from seqproof_model.history import Answer, Code, Indefinite, Ok, Refused
from seqproof_reference.core import VERSION
from seqproof_reference.store import MsgStore, NotEmptyError

SERVER = f"seqproof-reference {VERSION}"
MAX_BODY_BYTES = 1 << 20
MAX_NAME_CHARS = 256

STATUS = {Code.AHEAD: 409, Code.MALFORMED: 400, Code.FULL: 507, Code.STORE: 503}

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME_CHARS)]
ClientId = Annotated[str, msgspec.Meta(max_length=MAX_NAME_CHARS)]


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


_Wire = tuple[int, dict[str, Any]]
_Handler = Callable[[str, bytes], _Wire]

_send_body = msgspec.json.Decoder(SendBody)
_recv_body = msgspec.json.Decoder(RecvBody)
_preset_body = msgspec.json.Decoder(PresetBody)
_encoder = msgspec.json.Encoder()


class MalformedError(ValueError):
    """A request that makes no sense; the text says what is wrong with it."""


class Api:
    """One function per path: from the account and the request's body to a status and what the body of the answer holds.

    They run in worker threads; the store lets one at a time in.
    """

    def __init__(self, store: MsgStore) -> None:
        self.store = store

    def _seq(self, seq: int) -> int:
        if not self.store.base <= seq <= self.store.seq_max:
            raise MalformedError(f"a seq lies in {self.store.base}..{self.store.seq_max}, not at {seq}")
        return seq

    def send(self, account: str, body: bytes) -> _Wire:
        """Answer a send (SND-1)."""
        asked = _send_body.decode(body)
        return wire(self.store.send(account, asked.sender, asked.client_id, asked.body))

    def recv(self, account: str, body: bytes) -> _Wire:
        """Answer a recv (RCV-1)."""
        asked = _recv_body.decode(body)
        answer = self.store.recv(account, self._seq(asked.seq_cli))
        status, said = wire(answer)
        if isinstance(answer, Ok):
            said["epoch"] = self.store.epoch
        return status, said

    def reset(self, account: str, _body: bytes) -> _Wire:
        """Make the account fresh."""
        return wire(self.store.reset(account))

    def preset_seq(self, account: str, body: bytes) -> _Wire:
        """Set seq_svr of an empty account."""
        seq = self._seq(_preset_body.decode(body).seq)
        try:
            return wire(self.store.preset_seq(account, seq))
        except NotEmptyError:
            return 409, {"error": "not_empty", "detail": "reset the account first"}

    def trim(self, account: str, _body: bytes) -> _Wire:
        """Drop what is confirmed (CNF-7)."""
        return wire(self.store.trim(account))

    def fail_next_store(self, _account: str, _body: bytes) -> _Wire:
        """Make the next store of a message fail, once."""
        self.store.fail_next_store()
        return 200, {}


def wire(answer: Answer) -> _Wire:
    """Write an answer of the store as status and body. ``rows``, ``more`` and ``upto`` belong to a recv only.

    >>> wire(Ok(seq=7)), wire(Refused(Code.AHEAD, seq_svr=3))
    ((200, {'seq': 7}), (409, {'error': 'ahead', 'seq_svr': 3}))
    """
    match answer:
        case Ok(rows=None, seq=None):
            return 200, {}
        case Ok(rows=None, seq=seq):
            return 200, {"seq": seq}
        case Ok(rows=rows, more=more, upto=upto):
            return 200, {"rows": rows, "more": more, "upto": upto}
        case Refused(code=code, seq_svr=seq_svr, detail=detail):
            said: dict[str, Any] = {"error": code.value}
            said |= {"seq_svr": seq_svr} if seq_svr is not None else {}
            return STATUS[code], said | ({"detail": detail} if detail else {})
        case Indefinite(why=why):
            return 500, {"error": "unknown", "detail": why}


async def _bounded_body(request: Request) -> bytes:
    """Read the request's body. Raises HTTPException 413 as soon as it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(413, f"a request holds at most {MAX_BODY_BYTES} bytes")
    return bytes(body)


def _account(request: Request) -> str:
    """The account of the path. U+FFFD is what undecodable bytes become: two accounts must not become one (I-ISO)."""
    account: str = request.path_params.get("account", "-")
    if len(account) > MAX_NAME_CHARS or "\ufffd" in account:
        raise MalformedError(f"an account is at most {MAX_NAME_CHARS} characters of UTF-8")
    return account


def _json(status: int, said: dict[str, Any]) -> Response:
    return Response(_encoder.encode(said), status, media_type="application/json")


def _post(path: str, handler: _Handler) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            account, body = _account(request), await _bounded_body(request)
            return _json(*await run_in_threadpool(handler, account, body))
        except (MalformedError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            return _json(STATUS[Code.MALFORMED], {"error": Code.MALFORMED.value, "detail": str(error)})
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it; the request was not whole and had no effect

    return Route(path, endpoint, methods=["POST"])


async def _http_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    name = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(status, "error")
    return _json(status, {"error": name, "detail": getattr(error, "detail", "")})


def make_app(store: MsgStore, *, admin: bool = False, nonce: str = "") -> Starlette:
    """Build the ASGI application over a store. ``nonce`` comes back in hello and proves which process answers."""
    api = Api(store)

    async def hello(_request: Request) -> Response:
        said = {"server": SERVER, "nonce": nonce, "page_size": store.page_size, "admin": admin, "pid": os.getpid()}
        return _json(200, said)

    routes = [
        Route("/v1/hello", hello, methods=["GET"]),
        _post("/v1/accounts/{account}/messages", api.send),
        _post("/v1/accounts/{account}/recv", api.recv),
    ]
    if admin:
        routes += [
            _post("/admin/accounts/{account}/reset", api.reset),
            _post("/admin/accounts/{account}/preset_seq", api.preset_seq),
            _post("/admin/accounts/{account}/trim", api.trim),
            _post("/admin/fail_next_store", api.fail_next_store),
        ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _http_error})
