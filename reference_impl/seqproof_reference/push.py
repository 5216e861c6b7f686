"""The push side of the in-process server: who is connected, where the account's route leads, and what a tip is.

    login    the phone's connection is up, and it is the account's route
    logout   the connection is gone; the route goes only if it still leads there
    push     something new can be read: tip the route; with no connection up, the push of the phone's OS

Connections and routes are memory: a kill ends them. That a phone belongs to an account, so that the push service of its
operating system can be asked to reach it, is durable. ``emitted`` stands for the world outside: tips that have left the
server. It is at rest whenever nobody calls it, so taking them needs no wait.
Implements PSH-2, PSH-3.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from seqproof_model.history import Tip, Via


@dataclass
class Connections:
    """What a kill ends. ``up``: by account, the phones whose connection is up, in the order of their logins.

    ``own``: what a faulty twin keeps besides.
    """

    up: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    route: dict[str, str] = field(default_factory=dict[str, str])
    own: dict[str, str] = field(default_factory=dict[str, str])


class PushSide:
    """What a server does besides storing. Each step is a method of its own, for a faulty twin to override."""

    def __init__(self) -> None:
        self.connections = Connections()
        self.last_phone: dict[str, str] = {}  # durable: whom the OS's push can reach
        self.emitted: list[Tip] = []

    # --- what an adapter is asked -------------------------------------------------------------------------------

    def login(self, account: str, phone: str) -> None:
        """Open the phone's long connection; one that it had is closed."""
        up = self.connections.up.setdefault(account, [])
        if phone in up:
            up.remove(phone)
        up.append(phone)
        self.last_phone[account] = phone
        self.connected(account, phone)

    def logout(self, account: str, phone: str) -> None:
        """Close it, if it is up."""
        up = self.connections.up.get(account, [])
        if phone in up:
            up.remove(phone)
            self.disconnected(account, phone)

    def tips(self) -> list[Tip]:
        """All tips since the last call."""
        taken, self.emitted = self.emitted, []
        return taken

    # --- the steps, one override each ---------------------------------------------------------------------------

    def connected(self, account: str, phone: str) -> None:
        """The account's route leads to the phone that logged in last."""
        self.connections.route[account] = phone

    def disconnected(self, account: str, phone: str) -> None:
        """A close that comes late, when another phone is the route, takes nothing away."""
        if self.connections.route.get(account) == phone:
            del self.connections.route[account]

    def push(self, account: str, sender: str, body: str) -> None:  # noqa: ARG002 - twins look at all of it
        """A message can be read: tell the account (PSH-2)."""
        self.tip(account)

    def tip(self, account: str) -> None:
        """Tip the account's route; with no connection up, push through the phone's OS (PSH-3)."""
        phone = self.connections.route.get(account)
        if phone is not None:
            self.emit(account, phone)
        elif account in self.last_phone:
            self.push_by_os(account, self.last_phone[account])

    def push_by_os(self, account: str, phone: str) -> None:
        """Ask the push service of the phone's operating system."""
        self.emitted.append(Tip(account, phone, Via.OS))

    def emit(self, account: str, phone: str) -> None:
        """Write a tip to a connection. One that is not up takes nothing."""
        if phone in self.connections.up.get(account, ()):
            self.emitted.append(Tip(account, phone))

    # --- what happens to it -------------------------------------------------------------------------------------

    def forget(self, account: str) -> None:
        """The account is made fresh: nobody ever logged in."""
        for kept in (self.connections.up, self.connections.route, self.last_phone):
            kept.pop(account, None)

    def disconnect_all(self) -> None:
        """A kill: no connection outlives it."""
        self.connections = Connections()
