"""Requests to a NATS server from any thread, each with a bound: the part that its targets share.

The client is an asyncio one, so it lives on a loop, on a thread of its own. A request waits there for a bounded time,
and no longer than its connection lives (``nats_connection``). Nothing is retried; a request on a connection that is
gone tries to connect once.
What goes wrong is definite only where the server says so (a limit is reached), or where nobody listens.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from seqproof_conformance.adapter import TargetError
from seqproof_conformance.extras import extra
from seqproof_conformance.nats_connection import CONNECT_S, MEND, Connection, LostError
from seqproof_conformance.nats_mappings import MAPPINGS
from seqproof_conformance.nats_streams import Streams
from seqproof_model.history import Answer, Code, Indefinite, Refused

TIMEOUT_S = 5.0
# Errors that say that a message was not stored, by their text.
NOT_STORED = re.compile(r"maximum (messages|bytes|message size) exceeded|insufficient|limits exceeded", re.IGNORECASE)
T = TypeVar("T")


class Requests:
    """What a target asks. ``url()``: where the server is now. Threads may share it."""

    def __init__(self, mapping: str, url: Callable[[], str], prefix: str = "x", *, guarded: bool = True) -> None:
        self.nats = extra("nats", "nats.errors", MEND)
        self.failures: tuple[type[Exception], ...] = (self.nats.Error, LostError, OSError)
        self.streams: Streams = MAPPINGS[mapping](TIMEOUT_S, prefix, guarded=guarded)
        self.at_connect: list[Callable[[Any], Coroutine[Any, Any, None]]] = []  # what each new connection begins with
        self._making = asyncio.Lock()
        self._url = url
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._main: Connection | None = None

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do something on the loop; it bounds itself."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="seqproof-nats", daemon=True)
            self._thread.start()
        done: Future[T] = asyncio.run_coroutine_threadsafe(_awaited(work), self._loop)
        return done.result()

    def connect(self) -> None:
        """Connect, and hear from JetStream. Raises what ``nats`` raises, LostError, OSError."""

        async def anew() -> None:
            async with self._making:
                await self._connect()

        self.run(anew)

    async def _connect(self) -> Connection:
        if self._main:
            await self._main.close()
        self._main = await Connection().open(self._url())
        await self._main.during(self.streams.ask(self._main.client, "INFO"), CONNECT_S)
        for welcome in self.at_connect:
            await self._main.during(welcome(self._main.client), CONNECT_S)
        return self._main

    async def main(self) -> Connection:
        """The connection that all requests share; made again, once, when it is gone."""
        async with self._making:
            return self._main if self._main and self._main.there else await self._connect()

    def administer(self, what: str, work: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
        """Something that is no request of a phone. Raises TargetError."""

        async def do() -> None:
            main = await self.main()
            await main.during(work(main.client), TIMEOUT_S)

        try:
            self.run(do)
        except self.failures as error:
            raise TargetError(f"nats: {what}: {error or type(error).__name__}") from None

    def answer(self, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """Make one request of a phone or a sender and name its failure."""
        try:
            return self.run(work)
        except self.nats.NoServersError as error:
            return Refused(Code.UNREACHABLE, detail=str(error))
        except self.failures as error:
            if NOT_STORED.search(str(error)):
                return Refused(Code.STORE, detail=str(error))
            return Indefinite(f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """End the connection and the loop. May be called twice."""
        if self._loop is None or self._thread is None:
            return
        if self._main is not None:
            self.run(self._main.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(TIMEOUT_S)
        if not self._thread.is_alive():
            self._loop.close()
        self._loop = self._thread = self._main = None


async def _awaited(work: Callable[[], Awaitable[T]]) -> T:
    return await work()
