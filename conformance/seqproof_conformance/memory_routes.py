"""What is remembered of an account's connections, and of the message that is surely owed a tip.

A tip is owed for a message that came while the account's *route* was up and the same: the phone that logged in last,
from the send's begin until the tips are taken. Nothing is owed once somebody may have read the message, or while
another send may still hide it. When all phones have logged out, the push of their operating system stands in.

The judge of tips knows more cases than these, and blames; here nothing is judged.
Source: requirements PSH-2, PSH-3; docs/requirements.md, "Tips".
"""

from __future__ import annotations

from dataclasses import dataclass, field

NOBODY = ""  # instead of a phone's name: all have logged out


@dataclass(slots=True)
class Routes:
    """The connections of one account.

    ``route``: the phone that tips go to, ``NOBODY``, or None where that is not known. ``spell`` counts how often it
    changed. ``logins``: the phones that have logged in since the server started. ``older_closed``: one that was not the
    route has logged out in this spell. ``killed``: the server was killed after a login. ``taken``: how often a tip that
    was owed has been taken in this spell. ``owed``: whether one is now.
    """

    route: str | None = None
    spell: int = 0
    up: set[str] = field(default_factory=set[str])
    logins: set[str] = field(default_factory=set[str])
    older_closed: bool = False
    killed: bool = False
    taken: int = 0
    owed: bool = False

    def login(self, phone: str) -> None:
        """A phone's connection is the route."""
        self.up.add(phone)
        self.logins.add(phone)
        self._change(phone)

    def logout(self, phone: str) -> None:
        """A phone's connection is closed."""
        if phone not in self.up:
            return
        self.up.remove(phone)
        if phone != self.route:
            self.older_closed = True
        if not self.up:
            self._change(NOBODY)
        elif phone == self.route:
            self._change(None)  # whether an older one is served now is the server's affair

    def kill(self) -> None:
        """No connection outlives the server."""
        self.killed |= bool(self.logins)
        self.up.clear()
        self.logins.clear()
        self._change(None)

    def acknowledged(self, spell: int) -> None:
        """A send that began in that spell was acknowledged, alone."""
        self.owed = self.route is not None and spell == self.spell

    def _change(self, route: str | None) -> None:
        self.route, self.spell = route, self.spell + 1
        self.older_closed = self.owed = False
        self.taken = 0
