"""Requests to a NATS server from any thread, each with a bound: the part that its targets share.

The client is an asyncio one, so it lives on a loop, on a thread of its own. A request waits there for a bounded time,
and no longer than its connection lives: the client by itself would go on waiting for the answer of a server that is
gone. Nothing is retried and nothing reconnects by itself; a request on a connection that is gone tries to connect once.
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
from seqproof_conformance.nats_mappings import MAPPINGS
from seqproof_conformance.nats_streams import Streams
from seqproof_model.history import Answer, Code, Indefinite, Refused

TIMEOUT_S = 5.0
CONNECT_S = 2
MEND = "pip install 'seqproof[nats]'"
# Errors that say that a message was not stored, by their text.
NOT_STORED = re.compile(r"maximum (messages|bytes|message size) exceeded|insufficient|limits exceeded", re.IGNORECASE)
T = TypeVar("T")


class LostError(Exception):
    """The connection ended, or there was no answer in time."""


class Connection:
    """A connection that is made on the loop. ``client``: the one of ``nats``."""

    def __init__(self) -> None:
        self.client: Any = None
        self._gone = asyncio.Event()

    async def open(self, url: str) -> Connection:
        """Connect. Raises what ``nats`` raises: NoServersError where nobody answers."""

        async def gone() -> None:
            self._gone.set()

        async def quiet(_error: Exception) -> None:
            """It would be printed; the request that meets it tells it."""

        once = {"allow_reconnect": False, "max_reconnect_attempts": 0, "connect_timeout": CONNECT_S}
        calls = {"disconnected_cb": gone, "closed_cb": gone, "error_cb": quiet}
        nats = extra("nats", "nats", MEND)
        try:  # the client by itself tries a first connection again and again
            self.client = await asyncio.wait_for(nats.connect(url, **once, **calls), CONNECT_S)
        except OSError as error:  # a TimeoutError is one
            raise nats.errors.NoServersError from error
        return self

    @property
    def there(self) -> bool:
        """Whether it still is."""
        return self.client is not None and not self.client.is_closed and not self._gone.is_set()

    async def during(self, work: Coroutine[Any, Any, T], seconds: float) -> T:
        """Do it while the connection lives. Raises LostError, and what it raises."""
        task, gone = asyncio.ensure_future(work), asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait({task, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise LostError("the connection was lost" if gone.done() else f"no answer within {seconds:g} s")
            return task.result()
        finally:
            for each in (task, gone):
                each.cancel()
            await asyncio.gather(task, gone, return_exceptions=True)

    async def close(self) -> None:
        """End it."""
        if self.client is not None and not self.client.is_closed:
            await self.client.close()


class Requests:
    """What a target asks. ``url()``: where the server is now. Threads may share it."""

    def __init__(self, mapping: str, url: Callable[[], str], prefix: str = "x", *, guarded: bool = True) -> None:
        self.nats = extra("nats", "nats.errors", MEND)
        self.streams: Streams = MAPPINGS[mapping](TIMEOUT_S, prefix, guarded=guarded)
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
        self.run(self._connect)

    async def _connect(self) -> None:
        if self._main:
            await self._main.close()
        self._main = await Connection().open(self._url())
        await self._main.during(self.streams.ask(self._main.client, "INFO"), CONNECT_S)

    async def main(self) -> Connection:
        """The connection that all requests share; made again, once, when it is gone."""
        if self._main is None or not self._main.there:
            await self._connect()
        assert self._main is not None  # noqa: S101 - made above
        return self._main

    def administer(self, what: str, work: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
        """Something that is no request of a phone. Raises TargetError."""

        async def do() -> None:
            main = await self.main()
            await main.during(work(main.client), TIMEOUT_S)

        try:
            self.run(do)
        except (self.nats.Error, LostError, OSError) as error:
            raise TargetError(f"nats: {what}: {error or type(error).__name__}") from None

    def answer(self, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """Make one request of a phone or a sender and name its failure."""
        try:
            return self.run(work)
        except self.nats.NoServersError as error:
            return Refused(Code.UNREACHABLE, detail=str(error))
        except (self.nats.Error, LostError, OSError) as error:
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
