"""The stand-in for a phone OS's push: it accepts, delays, drops and collapses, in virtual time."""

from __future__ import annotations

import asyncio

from seqproof_reference.os_push import BACKGROUND_S, MAX_ACCEPTED, Notice, PhoneOs, StandIn

A, B = Notice("x", "A"), Notice("y", "B")


class VirtualClock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def push(service: StandIn, *notices: Notice) -> None:
    async def all_of_them() -> None:
        for notice in notices:
            await service.push(*notice)

    asyncio.run(all_of_them())


def test_it_delays() -> None:
    clock = VirtualClock()
    service = StandIn(clock, delay_s=3)
    push(service, A)
    assert service.arrived() == []
    clock.now = 3
    assert service.arrived() == [A]
    assert service.arrived() == []


def test_it_collapses_what_is_pending_for_one_phone() -> None:
    clock = VirtualClock()
    service = StandIn(clock, delay_s=3)
    push(service, A, A, B)
    clock.now = 2
    push(service, A)
    clock.now = 3
    assert service.arrived() == [A, B]
    push(service, A)
    clock.now = 6
    assert service.arrived() == [A]


def test_it_drops_and_says_nothing_of_it() -> None:
    service = StandIn(VirtualClock(), drops=lambda number: number == 1)
    push(service, A, B)
    assert service.arrived() == [B]
    assert service.collect() == [A, B]
    push(service, A)
    assert service.arrived() == [A]


def test_what_was_accepted_is_listed_once_and_bounded() -> None:
    service = StandIn(VirtualClock())
    push(service, *[A] * MAX_ACCEPTED, B)
    assert service.collect()[-2:] == [A, B]
    assert service.collect() == []
    push(service, *[A] * (MAX_ACCEPTED + 1))
    assert len(service.collect()) == MAX_ACCEPTED


def test_an_app_in_the_background_keeps_its_connection_for_ten_minutes() -> None:
    """[2.1 step 5.2]."""
    clock = VirtualClock()
    phone = PhoneOs(clock)
    clock.now = 1000
    assert phone.holds_connection
    phone.to_background()
    clock.now += BACKGROUND_S - 1
    assert phone.holds_connection
    clock.now += 1
    assert not phone.holds_connection
    phone.to_foreground()
    assert phone.holds_connection
