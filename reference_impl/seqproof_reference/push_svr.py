"""PushSvr: from "this account has something new" to a tip at its phone [2.1 steps 4 to 7].

    5.1  look up on which ConnectSvr the phone's long connection is, and hand the tip to that ConnectSvr
    5.2  no connection is up, or this one fails: hand a push to the phone's operating system

**One at a time per account, and no queue.** While the tip of an account is being handed on, further notices for it only
say "once more". A tip that is sent after the last notice covers all of them: tips carry no number, and whoever follows
one gets all there is. So a slow phone keeps nobody else waiting, and a thousand messages to it cost two tips and no
memory. "Once more" is needed: the message that came while a tip was on its way may be newer than what the phone asked.

A ConnectSvr that says no, or none of the tip within its time, counts as no connection: that route is dropped, the phone
will connect again. What the push service raises is logged and forgotten (PSH-1).
Implements PSH-2, PSH-3.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from seqproof_reference.os_push import OsPush
from seqproof_reference.routes import Routes
from seqproof_reference.trace import Trace, silent

NAME = "PushSvr"
log = logging.getLogger(__name__)


class PushSvr:
    """Hands tips on. Made on the loop on which it works; only ``notify`` may be called from other threads."""

    def __init__(self, routes: Routes, os_push: OsPush, *, trace: Trace = silent) -> None:
        self._routes = routes
        self._os_push = os_push
        self._trace = trace
        self._loop = asyncio.get_running_loop()
        self._once_more: set[str] = set()
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def notify(self, account: str) -> None:
        """Take a notice and return at once. Raises nothing. May be called from any thread."""
        with suppress(RuntimeError):  # the loop is closed: the server stops, and the phone will ask when it is back
            self._loop.call_soon_threadsafe(self._take, account)

    async def quiesce(self, patience_s: float) -> bool:
        """Wait until everything that was given has been handed on; False: not within that time.

        Whatever was notified before the call counts, also from another thread that has said so since.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while self._under_way:
                    await asyncio.wait(self._under_way.values())
        return not self._under_way

    def _take(self, account: str) -> None:
        if account in self._under_way:
            self._once_more.add(account)
        else:
            self._under_way[account] = self._loop.create_task(self._work(account))

    async def _work(self, account: str) -> None:
        try:
            await self.hand_on(account)
            while account in self._once_more:
                self._once_more.discard(account)
                await self.hand_on(account)
        finally:
            self._once_more.discard(account)
            del self._under_way[account]

    async def hand_on(self, account: str) -> None:
        """Tell the account's phone once, down its long connection or by its OS (PSH-3). Raises nothing."""
        route = self._routes.current(account)
        self._trace(NAME, "Routes", f"where is {account}?")
        self._trace("Routes", NAME, f"phone {route.phone} at {route.connect_svr}" if route else "no connection is up")
        if route is not None:
            self._trace(NAME, route.connect_svr, f"tip phone {route.phone} of {account}")
            if await route.tip():
                return
            self._trace(route.connect_svr, NAME, "the connection is gone")
            self._routes.logout(route)
        phone = self._routes.last_phone(account) if route is None else route.phone
        if phone is None:  # no phone ever logged in: the first one will ask when it does
            return
        self._trace(NAME, "OS push", f"push to phone {phone} of {account}")
        try:
            await self._os_push.push(account, phone)
        except Exception as error:
            log.warning("the push to phone %s of %s failed: %s", phone, account, error)
