"""ConnectSvr, the access layer: it holds the phones' connections and hands what they ask to the logic [2.1, 2.2].

Two kinds of connection end here. *Requests* are plain HTTP: check the form, hand it to SendSvr or ReceiveSvr, write the
answer. The *long connection* is a WebSocket: while it is up it is the account's route for tips, and it is taken out of
the routes when it ends, whichever way. Several ConnectSvrs stand side by side, each an ASGI application on a port of
its own; they share the logic behind them and the table of routes, and nothing else.

A pong says that the connection is routed; a handshake alone does not. A malformed request reaches no logic (SEQ-7).
What is asked and answered stands in ``wire.py``, who may ask in ``gate.py``.
Implements SEQ-7 on the wire, and the last step of PSH-3.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from seqproof_model.history import Answer
from seqproof_reference import wire
from seqproof_reference.admin import Admin
from seqproof_reference.core import VERSION
from seqproof_reference.gate import DeniedError, Gate
from seqproof_reference.long_connection import LongConnection
from seqproof_reference.receive_svr import ReceiveSvr
from seqproof_reference.replies import bounded_body, denied, http_error, json
from seqproof_reference.routes import Route as TipRoute
from seqproof_reference.routes import Routes
from seqproof_reference.send_svr import SendSvr
from seqproof_reference.store import MsgStore
from seqproof_reference.trace import Trace, silent, words

SERVER = f"seqproof-reference {VERSION}"
MAX_CONNECTIONS = 100  # of one account at once, over all ConnectSvrs
_Handler = Callable[[str, bytes], Awaitable[tuple[int, object]]]
_GatedHandler = Callable[[str | None, str, bytes], Awaitable[tuple[int, object]]]


@dataclass(frozen=True)
class Behind:
    """What stands behind every ConnectSvr of a process."""

    store: MsgStore
    send: SendSvr
    receive: ReceiveSvr
    routes: Routes
    gate: Gate = field(default_factory=Gate)
    admin: Admin | None = None
    connections: Counter[str] = field(default_factory=Counter[str])  # by account: how many are up


class ConnectSvr:
    """One instance. ``app`` is its ASGI application. ``nonce`` comes back in hello and proves which process answers."""

    def __init__(self, name: str, behind: Behind, *, nonce: str = "", trace: Trace = silent) -> None:
        self.name = name
        self._behind = behind
        self._nonce = nonce
        self._trace = trace
        self.app = Starlette(routes=self._routes(), exception_handlers={HTTPException: http_error})

    def _routes(self) -> list[BaseRoute]:
        routes: list[BaseRoute] = [
            Route("/v1/hello", self._hello, methods=["GET"]),
            self._path("/v1/accounts/{account}/messages", self._gated(self._send)),
            self._path("/v1/accounts/{account}/recv", self._gated(self._recv)),
            WebSocketRoute("/v1/accounts/{account}/tips", self._tips),
        ]
        if (admin := self._behind.admin) is not None:
            routes += [
                self._path("/admin/accounts/{account}/reset", self._local(admin.reset)),
                self._path("/admin/accounts/{account}/preset_seq", self._local(admin.preset_seq)),
                self._path("/admin/accounts/{account}/trim", self._local(admin.trim)),
                self._path("/admin/fail_next_store", self._local(admin.fail_next_store)),
                self._path("/admin/quiesce", self._local(admin.quiesce)),
                self._path("/admin/routes", self._local(admin.routes), method="GET"),
                self._path("/admin/os_push", self._local(admin.os_push), method="GET"),
            ]
        return routes

    # --- requests -----------------------------------------------------------------------------------------------

    async def _hello(self, _request: Request) -> Response:
        store, admin = self._behind.store, self._behind.admin is not None
        said = {"server": SERVER, "nonce": self._nonce, "page_size": store.page_size, "admin": admin}
        return json(200, said | {"pid": os.getpid()})

    async def _send(self, who: str | None, account: str, body: bytes) -> wire.Wire:
        asked = wire.read_send(body)
        self._behind.gate.speaks_for(who, asked.sender)
        self._trace(f"phone {asked.sender}", self.name, f"send {asked.body} to {account}")
        self._trace(self.name, "SendSvr", "send")
        answer = await run_in_threadpool(self._behind.send.send, account, asked.sender, asked.client_id, asked.body)
        return self._told("SendSvr", f"phone {asked.sender}", answer)

    async def _recv(self, who: str | None, account: str, body: bytes) -> wire.Wire:
        self._behind.gate.speaks_for(who, account)
        asked = wire.read_recv(body)
        self._trace(f"phone {asked.phone}", self.name, f"recv, seq_cli {asked.seq_cli}")
        self._trace(self.name, "ReceiveSvr", "recv")
        answer = await run_in_threadpool(self._behind.receive.recv, account, asked.seq_cli)
        return self._told("ReceiveSvr", f"phone {asked.phone}", answer)

    def _told(self, svr: str, phone: str, answer: Answer) -> wire.Wire:
        self._trace(svr, self.name, words(answer))
        self._trace(self.name, phone, words(answer))
        return wire.written(answer)

    def _gated(self, handler: _GatedHandler) -> Callable[[Request], _Handler]:
        """Ask the gate before the body is read, and tell the handler who asks."""

        def enter(request: Request) -> _Handler:
            return partial(handler, self._behind.gate.admit(request.headers))

        return enter

    def _local(self, handler: _Handler) -> Callable[[Request], _Handler]:
        """Let in whoever is on this machine, but for pages in a browser."""

        def enter(request: Request) -> _Handler:
            self._behind.gate.no_browser(request.headers)
            return handler

        return enter

    def _path(self, path: str, enter: Callable[[Request], _Handler], method: str = "POST") -> Route:
        """``enter`` lets a request in, before its body is read, and says who handles it. It raises DeniedError."""

        async def endpoint(request: Request) -> Response:
            try:
                account = wire.name(request.path_params.get("account", "-"), "an account")
                handler = enter(request)
                return json(*await handler(account, await bounded_body(request)))
            except (wire.MalformedError, msgspec.MsgspecError, UnicodeDecodeError) as error:
                return json(*wire.malformed(error))
            except DeniedError as error:
                return denied(error)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody reads it; the request was not whole and had no effect

        return Route(path, endpoint, methods=[method])

    # --- the long connection ------------------------------------------------------------------------------------

    async def _tips(self, socket: WebSocket) -> None:
        try:
            account = wire.name(socket.path_params["account"], "an account")
            phone = wire.name(socket.query_params.get("phone", ""), "a phone")
            who = self._behind.gate.admit(socket.headers)
            self._behind.gate.speaks_for(who, account)
            with self._counted(account):
                await self._hold(socket, account, phone, partial(self._behind.gate.may_ask, who))
        except wire.MalformedError as error:
            await socket.send_denial_response(json(*wire.malformed(error)))
        except DeniedError as error:
            await socket.send_denial_response(denied(error))

    @contextmanager
    def _counted(self, account: str) -> Generator[None]:
        """Bound the connections of one account. Raises DeniedError."""
        if self._behind.connections[account] >= MAX_CONNECTIONS:
            raise DeniedError("rate", f"an account has at most {MAX_CONNECTIONS} long connections")
        self._behind.connections[account] += 1
        try:
            yield
        finally:
            self._behind.connections[account] -= 1
            if not self._behind.connections[account]:
                del self._behind.connections[account]

    async def _hold(self, socket: WebSocket, account: str, phone: str, may_ask: Callable[[], bool]) -> None:
        """Accept a long connection and keep it routed while it lives."""
        self._trace(f"phone {phone}", self.name, f"log in to {account}")
        await self._remember(account, phone)
        await socket.accept()
        connection = LongConnection(socket, may_ask)
        route = TipRoute(account, phone, self.name, self._tip(phone, connection))
        self._behind.routes.login(route)
        try:
            await connection.live()
        finally:
            self._behind.routes.logout(route)

    def _tip(self, phone: str, connection: LongConnection) -> Callable[[], Awaitable[bool]]:
        async def tip() -> bool:
            sent = await connection.tip()
            self._trace(self.name, f"phone {phone}", "tip" if sent else "tip ×")
            return sent

        return tip

    async def _remember(self, account: str, phone: str) -> None:
        """Note the phone for pushes. A store that fails here costs a push after a restart, and no login (PSH-1)."""
        if self._behind.routes.last_phone(account) != phone:
            self._trace(self.name, "MsgStore", f"remember phone {phone} of {account}")
            await run_in_threadpool(self._behind.store.remember_phone, account, phone)
