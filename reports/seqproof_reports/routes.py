"""Phones that do more than ask: long connections that open and close, tips over them, and malformed requests.

A tip goes from the server to a phone over its long connection, or by way of the phone OS's push: server, OS, phone
(PSH-3). Each becomes an arrow, so that the ladder shows which phone the server took for the account's route.
"""

from __future__ import annotations

from collections import Counter

from seqproof_model import history as h
from seqproof_reports.picture import Arrow, Way
from seqproof_reports.text import short

OS_PUSH = "os"
"""The key of the lane of the phones' operating system."""


def phone_key(account: str, phone: str) -> str:
    """The key of a phone's lane."""
    return f"p:{account}:{phone}"


def visitors(event: h.Event) -> list[tuple[str, str]]:
    """The phones that an event is about, each with its account."""
    match event:
        case h.Recv() | h.RecvRaw() | h.Login() | h.Logout():
            return [(event.account, event.phone)]
        case h.Tips():
            return [(tip.account, tip.phone) for tip in event.tips]
        case _:
            return []


def by_os(event: h.Event) -> bool:
    """Whether some tip went by way of the phone OS's push."""
    return isinstance(event, h.Tips) and any(tip.via is h.Via.OS for tip in event.tips)


def route_arrows(event: h.Event) -> tuple[Arrow, ...]:
    """The arrows of an event that is no well-formed request and no answer; alike tips are one arrow."""
    match event:
        case h.Login():
            return (Arrow(phone_key(event.account, event.phone), True, "logs in", way=Way.OPENS),)
        case h.Logout():
            return (Arrow(phone_key(event.account, event.phone), True, "logs out", way=Way.CLOSES),)
        case h.RecvRaw():
            return (Arrow(phone_key(event.account, event.phone), True, f"recv after {short(event.raw, 16)}"),)
        case h.Tips():
            return tuple(_tip(tip, many) for tip, many in Counter(event.tips).items())
        case _:
            return ()


def _tip(tip: h.Tip, many: int) -> Arrow:
    label = "tip" if many == 1 else f"{many} tips"
    through = OS_PUSH if tip.via is h.Via.OS else ""
    return Arrow(phone_key(tip.account, tip.phone), False, label, way=Way.TIP, through=through)
