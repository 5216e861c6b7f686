"""The phones' end of the reference server's tips: long connections, and all tips so far without waiting for more.

**Why no sleep.** "Which tips came?" has an exact answer once nothing is under way:

    1  POST /admin/quiesce is answered when the server's PushSvr has handed on all it was given;
    2  down each long connection a ping is answered by a pong, after every tip that was queued before it;
    3  GET /admin/os_push lists what went to the phones' operating systems instead.

A login is over when its first pong has come: then the connection is the account's route. A logout is over when the
server no longer lists the route. Each login goes to the next ConnectSvr in turn, so the server has to find where a
phone is; one that logs in again opens the new connection first, and the close of the old one comes late, as in life.

Waits are bounded. A server that was killed has closed its connections; what they brought before is kept.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Literal, NamedTuple, TypeVar
from urllib.parse import quote, urlencode

import httpx
import msgspec
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from seqproof_conformance.adapter import TargetError

TIMEOUT_S = 5.0
QUIESCE_S = 15.0  # longer than the server's own bound
MAX_FRAME_BYTES = 4096
LISTENING = re.compile(r"^seqproof-reference (?:listening|ConnectSvr \d+) on (http://127\.0\.0\.1:\d+)$", re.MULTILINE)
Via = Literal["connection", "os"]
Collected = tuple[str, str, Via]
"""(account, phone, how the tip went)."""
T = TypeVar("T")


class _Route(msgspec.Struct):
    account: str
    phone: str


class _Said(msgspec.Struct):
    tip: bool = False
    pong: int | None = None


class _Phone(NamedTuple):
    """A connection that is up, and what closes it."""

    connection: ClientConnection
    stack: ExitStack


def listening(log: str) -> list[str]:
    """The URLs of all ConnectSvrs that a server has printed."""
    return LISTENING.findall(log)


class ReferenceTips:
    """All phones of one server. ``urls()`` tells its ConnectSvrs as they are now; ``timeout_s`` bounds each wait."""

    def __init__(self, urls: Callable[[], Sequence[str]], timeout_s: float = TIMEOUT_S) -> None:
        self._urls = urls
        self._timeout_s = timeout_s
        self._http = httpx.Client(timeout=timeout_s, trust_env=False)
        self._phones: dict[tuple[str, str], _Phone] = {}
        self._kept: list[Collected] = []
        self._number = 0
        self._logins = 0

    def login(self, account: str, phone: str) -> None:
        """Open the phone's long connection; it is the account's route when this returns. Raises TargetError."""
        urls = self._urls()
        url = urls[self._logins % len(urls)].replace("http", "ws", 1)
        self._logins += 1
        where = f"{url}/v1/accounts/{quote(account, safe='')}/tips?{urlencode({'phone': phone})}"
        stack = ExitStack()
        try:
            connection = stack.enter_context(self._connect(where))
            self._drain(account, phone, connection)
        except (OSError, WebSocketException) as error:
            stack.close()
            raise TargetError(f"reference: phone {phone} of {account} cannot log in: {_line(error)}") from None
        older = self._phones.pop((account, phone), None)
        self._phones[account, phone] = _Phone(connection, stack)
        if older is not None:
            self._close(account, phone, older)

    def _connect(self, where: str) -> AbstractContextManager[ClientConnection]:
        return connect(
            where,
            open_timeout=self._timeout_s,
            close_timeout=self._timeout_s,
            ping_interval=None,
            compression=None,
            max_size=MAX_FRAME_BYTES,
            proxy=None,  # no proxy may stand between the kit and the loopback
        )

    def logout(self, account: str, phone: str) -> None:
        """Close the phone's long connection, if it is up; it is no route any more after that. Raises TargetError."""
        if (gone := self._phones.pop((account, phone), None)) is None:
            return
        if not self._close(account, phone, gone):
            return  # the server is gone, and its routes with it
        deadline = time.monotonic() + self._timeout_s
        while _Route(account, phone) in self._ask("GET", "routes", list[_Route]):
            if time.monotonic() > deadline:
                raise TargetError(f"reference: phone {phone} of {account} has closed and is still routed")

    def tips(self) -> list[Collected]:
        """All tips since the last call, in the order of the phones' logins; those by OS last. Raises TargetError."""
        self._ask("POST", "quiesce", dict[str, Any])
        for (account, phone), held in list(self._phones.items()):
            if not self._collect(account, phone, held.connection):
                del self._phones[account, phone]
                held.stack.close()
        pushed = self._ask("GET", "os_push", list[_Route])
        tips: list[Collected] = [*self._kept, *((row.account, row.phone, "os") for row in pushed)]
        self._kept.clear()
        return tips

    def hang_up(self) -> None:
        """The server is gone: keep what the connections brought, and forget them."""
        while self._phones:
            (account, phone), held = self._phones.popitem()
            self._close(account, phone, held)

    def close(self) -> None:
        """Close every connection. May be called twice."""
        while self._phones:
            self._phones.popitem()[1].stack.close()
        self._http.close()

    def _close(self, account: str, phone: str, held: _Phone) -> bool:
        """Take what has come and close; False: it was closed already, by a server that is gone."""
        there = self._collect(account, phone, held.connection)
        held.stack.close()
        return there

    def _collect(self, account: str, phone: str, connection: ClientConnection) -> bool:
        """Keep the tips that were queued by now; False: the connection is closed, and what came before is kept."""
        try:
            self._drain(account, phone, connection)
        except ConnectionClosed:
            return False
        except (OSError, WebSocketException) as error:
            raise TargetError(f"reference: the long connection of phone {phone} of {account}: {_line(error)}") from None
        return True

    def _drain(self, account: str, phone: str, connection: ClientConnection) -> None:
        """Ping, and keep the tips that come before the pong. Raises OSError, WebSocketException, TargetError."""
        self._number += 1
        ends = time.monotonic() + self._timeout_s
        closed: ConnectionClosed | None = None
        try:
            connection.send(f'{{"ping":{self._number}}}')
        except ConnectionClosed as error:
            closed = error  # what it brought before it closed can still be read
        while True:
            try:
                frame = connection.recv(timeout=max(0.0, ends - time.monotonic()))
                said = msgspec.json.decode(frame, type=_Said)
            except msgspec.MsgspecError as error:
                raise TargetError(f"reference: a frame that is no tip and no pong: {_line(error)}") from None
            if said.tip:
                self._kept.append((account, phone, "connection"))
            elif said.pong == self._number and closed is None:
                return

    def _ask(self, method: str, path: str, shape: type[T]) -> T:
        timeout_s = max(self._timeout_s, QUIESCE_S)
        try:
            reply = self._http.request(method, f"{self._urls()[0]}/admin/{path}", timeout=timeout_s).raise_for_status()
            return msgspec.json.decode(reply.content, type=shape)
        except (httpx.HTTPError, httpx.InvalidURL, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise TargetError(f"reference: /admin/{path}: {_line(error)}") from None


def _line(error: Exception) -> str:
    return " ".join((str(error) or type(error).__name__).split())
