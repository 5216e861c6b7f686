"""Routes: the current one of several, closes that come late, and the phone that stays known."""

from __future__ import annotations

import pytest

from seqproof_reference.routes import Route, Routes


async def sent() -> bool:
    return True


def route(phone: str, at: int = 1, account: str = "x") -> Route:
    return Route(account, phone, f"ConnectSvr {at}", sent)


def late_close_unroutes_the_new_connection(routes: Routes) -> bool:
    """The trap: A reconnects at another ConnectSvr, and only then is the old connection found closed."""
    old, new = route("A", at=1), route("A", at=2)
    routes.login(old)
    routes.login(new)
    routes.logout(old)
    return routes.current("x") is not new


class ByAccount(Routes):
    """Planted: the entry is the account's, so any close removes it."""

    def logout(self, route: Route) -> None:
        self._routes.pop(route.account, None)


class ByPhone(Routes):
    """Planted: the entry is the phone's, which is the same phone here."""

    def logout(self, route: Route) -> None:
        self._routes[route.account] = [r for r in self._routes[route.account] if r.phone != route.phone]


def test_the_close_of_an_old_connection_never_unroutes_the_new_one() -> None:
    assert not late_close_unroutes_the_new_connection(Routes())


@pytest.mark.parametrize("planted", [ByAccount, ByPhone])
def test_that_check_catches_tables_by_account_and_by_phone(planted: type[Routes]) -> None:
    assert late_close_unroutes_the_new_connection(planted())


def test_the_latest_login_is_the_current_route() -> None:
    routes, first, second = Routes(), route("A"), route("B", at=2)
    routes.login(first)
    routes.login(second)
    assert routes.current("x") is second
    routes.logout(second)
    assert routes.current("x") is first
    routes.logout(first)
    routes.logout(first)
    assert routes.current("x") is None


def test_a_phone_that_logs_in_again_is_not_reached_on_its_old_connection() -> None:
    """Nobody listens there any more, though no close was seen: when the new one goes, the OS's push is the way."""
    routes, old, new = Routes(), route("A"), route("A", at=2)
    routes.login(old)
    routes.login(new)
    routes.logout(new)
    assert routes.current("x") is None
    assert routes.last_phone("x") == "A"


def test_accounts_are_apart() -> None:
    routes, mine, theirs = Routes(), route("A"), route("A", account="y")
    routes.login(mine)
    routes.login(theirs)
    routes.logout(theirs)
    assert (routes.current("x"), routes.current("y")) == (mine, None)


def test_the_last_phone_is_known_before_and_after_its_connection() -> None:
    routes = Routes([("x", "A")])
    assert (routes.last_phone("x"), routes.last_phone("y")) == ("A", None)
    new = route("B")
    routes.login(new)
    routes.forget("x")
    assert routes.last_phone("x") == "B"
    routes.logout(new)
    routes.forget("x")
    assert routes.last_phone("x") is None
