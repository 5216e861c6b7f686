"""PushSvr alone: the current route, the phone OS behind it, no tip too few, and nobody who makes others wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine

import pytest

from seqproof_reference.os_push import BACKGROUND_S, PhoneOs, StandIn
from seqproof_reference.push_svr import PushSvr
from seqproof_reference.routes import Route, Routes

PATIENCE_S = 10


class Phone:
    """A phone's end of a connection. ``reads``: whether it takes tips off it; ``works``: whether it is up."""

    def __init__(self, works: Callable[[], bool] = lambda: True) -> None:
        self.tips = 0
        self.works = works
        self.reads = asyncio.Event()
        self.reads.set()

    async def tip(self) -> bool:
        await self.reads.wait()
        self.tips += self.works()
        return self.works()


class House:
    """A PushSvr with what it needs."""

    def __init__(self, drops: Callable[[int], bool] = lambda _: False) -> None:
        self.now = 0.0
        self.routes = Routes()
        self.os_push = StandIn(lambda: self.now, drops=drops)
        self.push = PushSvr(self.routes, self.os_push)

    def login(self, phone: Phone, name: str = "A", account: str = "x", at: int = 1) -> Route:
        route = Route(account, name, f"ConnectSvr {at}", phone.tip)
        self.routes.login(route)
        return route

    async def notify(self, *accounts: str) -> None:
        for account in accounts:
            self.push.notify(account)
        await asyncio.sleep(0)  # what was called from "another thread" is on the loop now
        assert await self.push.quiesce(PATIENCE_S)


def run(test: Callable[[], Coroutine[object, object, None]]) -> None:
    asyncio.run(test())


def test_a_tip_goes_to_the_current_route_and_nowhere_else() -> None:
    """PSH-3."""

    async def test() -> None:
        house, old, new, other = House(), Phone(), Phone(), Phone()
        late = house.login(old, at=1)
        house.login(new, at=2)
        house.login(other, account="y")
        house.routes.logout(late)
        await house.notify("x")
        assert (old.tips, new.tips, other.tips, house.os_push.collect()) == (0, 1, 0, [])

    run(test)


def test_without_a_connection_the_phone_os_is_told() -> None:
    async def test() -> None:
        house, phone = House(), Phone()
        house.routes.logout(house.login(phone))
        await house.notify("x", "never seen")
        assert house.os_push.collect() == [("x", "A")]

    run(test)


def test_a_connection_that_fails_while_sending_is_dropped_for_the_phone_os() -> None:
    async def test() -> None:
        house, phone = House(), Phone(works=lambda: False)
        house.login(phone)
        await house.notify("x")
        assert house.routes.current("x") is None
        assert house.os_push.collect() == [("x", "A")]

    run(test)


def test_after_ten_minutes_in_the_background_the_tip_goes_by_the_phone_os() -> None:
    """[2.1 step 5.2], in virtual time: nobody closes the connection, it just does not work any more."""

    async def test() -> None:
        house = House()
        system = PhoneOs(lambda: house.now)
        phone = Phone(works=lambda: system.holds_connection)
        house.login(phone)
        system.to_background()
        house.now = BACKGROUND_S - 1
        await house.notify("x")
        assert (phone.tips, house.os_push.arrived()) == (1, [])
        house.now = BACKGROUND_S
        await house.notify("x")
        assert (phone.tips, house.os_push.arrived()) == (1, [("x", "A")])

    run(test)


def test_notices_that_come_while_a_tip_is_on_its_way_cost_one_more_tip() -> None:
    """PSH-2: at least one tip begins after the last notice; a thousand notices cost no memory."""

    async def test() -> None:
        house, slow = House(), Phone()
        slow.reads.clear()
        house.login(slow)
        for _ in range(1000):
            house.push.notify("x")
        await asyncio.sleep(0)
        slow.reads.set()
        assert await house.push.quiesce(PATIENCE_S)
        assert slow.tips == 2

    run(test)


def test_a_phone_that_does_not_read_keeps_nobody_else_waiting() -> None:
    async def test() -> None:
        house, stuck, other = House(), Phone(), Phone()
        stuck.reads.clear()
        house.login(stuck)
        house.login(other, account="y")
        house.push.notify("x")
        house.push.notify("y")
        for _ in range(5):
            await asyncio.sleep(0)
        assert other.tips == 1
        assert not await house.push.quiesce(0)
        stuck.reads.set()
        assert await house.push.quiesce(PATIENCE_S)
        assert stuck.tips == 1

    run(test)


def test_what_a_push_service_raises_is_one_line_and_the_next_push_goes_out(caplog: pytest.LogCaptureFixture) -> None:
    """PSH-1."""

    def fails_once(number: int) -> bool:
        if number == 1:
            raise ConnectionError("no network")
        return False

    async def test() -> None:
        house = House(drops=fails_once)
        house.routes.logout(house.login(Phone()))
        await house.notify("x")
        await house.notify("x")
        assert house.os_push.arrived() == [("x", "A")]

    run(test)
    assert [record.getMessage() for record in caplog.records] == ["the push to phone A of x failed: no network"]


def test_notices_come_from_other_threads_also_when_the_loop_has_ended() -> None:
    async def test() -> House:
        house, phone = House(), Phone()
        house.login(phone)
        thread = threading.Thread(target=house.push.notify, args=("x",))
        thread.start()
        await asyncio.to_thread(thread.join)
        assert await house.push.quiesce(PATIENCE_S)
        assert phone.tips == 1
        return house

    asyncio.run(test()).push.notify("x")
