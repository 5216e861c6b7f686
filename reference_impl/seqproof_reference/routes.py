"""Routes: on which ConnectSvr, and on which connection there, is an account's phone reached now [2.1 step 5.1].

**The trap.** A phone reconnects, perhaps at another ConnectSvr, and the close of its old connection comes late: minutes
late where a network swallowed it. A table "account -> connection" whose entry is removed on any close of that account
would then unroute the connection that is up. So a route *is* its connection, and a close removes that one and no other.

Per account the routes are kept in the order of their login; the current one is the last. A phone has one long
connection: when it logs in again its older route is dropped at once, as nobody listens there, whether or not its
close ever comes. Other phones of the account keep theirs (DEV-1): when the current one closes, the latest of them is
current again. The last phone that logged in stays known when no connection is up: the phone OS's push goes there.

One table serves all ConnectSvrs of a process. It is used on the loop only, so it needs no lock.
Implements the first half of PSH-3.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Route:
    """One long connection: whose it is, where it is, and how it is told. Equal to itself only.

    ``tip()`` sends a tip down the connection and says whether that worked.
    """

    account: str
    phone: str
    connect_svr: str
    tip: Callable[[], Awaitable[bool]]


class Routes:
    """The table. ``last_phones``: (account, phone) that were known before this process began."""

    def __init__(self, last_phones: Iterable[tuple[str, str]] = ()) -> None:
        self._routes: dict[str, list[Route]] = {}
        self._last_phone = dict(last_phones)

    def login(self, route: Route) -> None:
        """A long connection is up: it is the account's current route from here on."""
        others = [r for r in self._routes.get(route.account, ()) if r.phone != route.phone]
        self._routes[route.account] = [*others, route]
        self._last_phone[route.account] = route.phone

    def logout(self, route: Route) -> None:
        """The connection is gone, however late one hears of it. May be called twice."""
        left = [r for r in self._routes.get(route.account, ()) if r is not route]
        if left:
            self._routes[route.account] = left
        else:
            self._routes.pop(route.account, None)

    def current(self, account: str) -> Route | None:
        """Where the account's phone is reached now; None: no long connection is up."""
        routes = self._routes.get(account)
        return routes[-1] if routes else None

    def everything(self) -> list[Route]:
        """All routes; those of one account in the order of their login."""
        return [route for routes in self._routes.values() for route in routes]

    def last_phone(self, account: str) -> str | None:
        """The phone of the account that logged in last, whether it is connected or not."""
        return self._last_phone.get(account)

    def forget(self, account: str) -> None:
        """Forget the phone of an account that is made fresh; connections that are up stay routed."""
        if (route := self.current(account)) is not None:
            self._last_phone[account] = route.phone
        else:
            self._last_phone.pop(account, None)
