"""One connection to a NATS server, and requests that wait no longer than it lives.

The client by itself would go on waiting for the answer of a server that is gone. Nothing reconnects by itself.
Source: https://github.com/nats-io/nats.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from seqproof_conformance.extras import extra

CONNECT_S = 2
MEND = "pip install 'seqproof[nats]'"
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
        nats, self.client = extra("nats", "nats.errors", MEND), extra("nats", "nats.aio.client", MEND).Client()
        try:  # the client by itself tries a first connection again and again
            await asyncio.wait_for(self.client.connect(url, **once, **calls), CONNECT_S)
        except BaseException as error:
            with suppress(Exception):  # it may not even have begun
                await self.close()  # what it left half open
            if isinstance(error, OSError):  # a TimeoutError is one
                raise nats.NoServersError from error
            raise
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
