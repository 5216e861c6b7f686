"""The phone OS's own push service (APNs and its like), behind an interface of one method, and a stand-in for it.

**Why it is needed** [2.1 step 5.2]. Ten minutes after an app goes to the background the OS takes its resources away:
its long connection is gone, and no tip down it arrives. The OS keeps a connection of its own and wakes the app.

**What such a service promises**: little. It *accepts* a notice, which says nothing about its arrival; it *delays* it;
it *drops* some; and it *collapses*: while a notice for a phone is pending, another for the same phone changes nothing.
That is enough, as a tip carries no authority (PSH-1) and any one of several says the same: ask.

``StandIn`` behaves so, in virtual time: the clock comes in as an argument, and what is dropped is a schedule and no
chance. ``PhoneOs`` is the other end: an app that is in the foreground or in the background, and since when.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

Clock = Callable[[], float]
BACKGROUND_S = 600.0  # so long after it went to the background an app keeps its connections [2.1 step 5.2]
MAX_ACCEPTED = 10_000


class Notice(NamedTuple):
    """A push for one phone: ask for what is new."""

    account: str
    phone: str


class OsPush(Protocol):
    """A push service as PushSvr sees it."""

    async def push(self, account: str, phone: str) -> None:
        """Hand a notice to the service. It may raise anything; whether the notice arrives, nobody learns."""
        ...


def drop_none(_number: int) -> bool:
    """Lose no notice."""
    return False


class StandIn:
    """A push service without a network. ``drops(n)`` says whether the n-th notice, counted from 1, is lost.

    ``clock`` and ``delay_s`` are in seconds of one time, virtual or not. What was accepted is kept for ``collect``, the
    latest ``MAX_ACCEPTED`` of it.
    """

    def __init__(self, clock: Clock, *, delay_s: float = 0.0, drops: Callable[[int], bool] = drop_none) -> None:
        self._clock = clock
        self._delay_s = delay_s
        self._drops = drops
        self._number = 0
        self._accepted: deque[Notice] = deque(maxlen=MAX_ACCEPTED)
        self._pending: dict[Notice, float] = {}  # to the time at which it arrives; it holds one per phone

    async def push(self, account: str, phone: str) -> None:
        """Accept a notice; it arrives later, or never, or together with one that is pending."""
        self._number += 1
        notice = Notice(account, phone)
        self._accepted.append(notice)
        if not self._drops(self._number):
            self._pending.setdefault(notice, self._clock() + self._delay_s)

    def collect(self) -> list[Notice]:
        """What was accepted since the last call, oldest first."""
        accepted = list(self._accepted)
        self._accepted.clear()
        return accepted

    def arrived(self) -> list[Notice]:
        """The notices that reach their phones by now, in the order of their arrival; each is returned once."""
        now = self._clock()
        due = sorted((when, notice) for notice, when in self._pending.items() if when <= now)
        for _, notice in due:
            del self._pending[notice]
        return [notice for _, notice in due]


@dataclass
class PhoneOs:
    """One phone's operating system, as far as the app's connections go."""

    clock: Clock
    _background_since: float | None = None

    def to_background(self) -> None:
        """The user looks at something else."""
        self._background_since = self.clock()

    def to_foreground(self) -> None:
        """The user opens the app, perhaps by a push."""
        self._background_since = None

    @property
    def holds_connection(self) -> bool:
        """Whether the app's long connection can still be up."""
        return self._background_since is None or self.clock() < self._background_since + BACKGROUND_S
