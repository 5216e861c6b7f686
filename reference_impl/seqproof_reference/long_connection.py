"""One phone's long connection: tips go down it, pings come up, pongs go down in turn [2.1 step 6].

A pong is sent after every tip that was queued before its ping was read: both take the same turn, and turns are first
come, first served. So a client that has got the pong has got those tips, and need not wait and hope. A phone that reads
nothing is given up after a while: the connection ends, and the tip goes another way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import msgspec
from starlette.websockets import WebSocketDisconnect

from seqproof_reference.wire import TIP, encode, read_ping

PATIENCE_S = 5.0
REFUSED = 1008  # RFC 6455, 7.4.1: a message that violates the policy of the endpoint
GONE = (TimeoutError, OSError, RuntimeError, WebSocketDisconnect)  # RuntimeError: Starlette's, for one that is closed


class Socket(Protocol):
    """The part of Starlette's WebSocket that is used here."""

    async def receive_text(self) -> str:
        """Wait for the next frame of text. Raises WebSocketDisconnect; KeyError for a frame of bytes."""
        ...

    async def send_text(self, data: str) -> None:
        """Send a frame; waits while the peer does not read. Raises one of ``GONE``."""
        ...

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        """Say goodbye."""
        ...


class LongConnection:
    """An accepted WebSocket.

    ``may_ask()``: whether one more ping is answered; ``patience_s``: how long one frame may take to leave.
    """

    def __init__(
        self, socket: Socket, may_ask: Callable[[], bool] = lambda: True, *, patience_s: float = PATIENCE_S
    ) -> None:
        self._socket = socket
        self._may_ask = may_ask
        self._patience_s = patience_s
        self._turn = asyncio.Lock()  # asyncio's locks are fair
        self._broken = asyncio.Event()

    async def tip(self) -> bool:
        """Send a tip; False: it did not leave, and the connection ends."""
        return await self._send(TIP)

    async def live(self) -> None:
        """Answer pings until the phone goes, says what is no ping, asks too often, or does not read."""
        listening = asyncio.ensure_future(self._listen())
        broken = asyncio.ensure_future(self._broken.wait())
        try:
            await asyncio.wait({listening, broken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            listening.cancel()
            broken.cancel()

    async def _listen(self) -> None:
        with suppress(*GONE):
            try:
                while await self._pong(read_ping(await self._socket.receive_text()).ping):
                    pass
            except (msgspec.MsgspecError, KeyError):
                await self._socket.close(REFUSED, 'say {"ping": n}, n an integer, or nothing')

    async def _pong(self, number: int) -> bool:
        if self._may_ask():
            return await self._send(encode({"pong": number}).decode())
        await self._socket.close(REFUSED, "too many pings")
        return False

    async def _send(self, text: str) -> bool:
        try:
            async with asyncio.timeout(self._patience_s), self._turn:
                await self._socket.send_text(text)
        except GONE:
            self._broken.set()
            return False
        return True
