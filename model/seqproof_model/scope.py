"""The scope of a model: how many phones, messages and packets, and which liberties the network and the server take.

An explorer needs every number here to be small; the prover reads only the switches. A scope that cannot be explored is
refused with one line, before any work is done.
"""

from __future__ import annotations

from dataclasses import dataclass


class ScopeError(ValueError):
    """A scope that makes no sense, or that no engine here can hold; the text is one line."""


@dataclass(frozen=True)
class Scope:
    """``phones`` share one account that gets ``messages``; of each phone, ``slots`` requests and replies are under way.

    ``duplicates``: what is delivered may stay under way. ``crash``: the server may stop and start; what was on its way
    to it is lost, unless ``late``: then it may land after the restart. ``restore``: a stopped server may be restored
    from a backup, and requests may come that are ahead of it. ``page``: a reply holds at most that many messages.
    ``trim``: confirmed messages may be dropped. ``overlap``: a recv's confirm and its two looks are steps of their own,
    and so are a send's taking of a seq and its decision. ``follow``: instead of all messages, one is followed.
    """

    phones: int = 2
    messages: int = 3
    slots: int = 1
    duplicates: bool = False
    crash: bool = False
    page: int | None = None
    overlap: bool = False
    late: bool = False
    restore: bool = False
    trim: bool = False
    follow: bool = False

    def __post_init__(self) -> None:
        for name in ("phones", "messages", "slots"):
            if getattr(self, name) < 1:
                raise ScopeError(f"--{name} {getattr(self, name)} is too few; a model needs at least 1")
        if self.page is not None and self.page < 1:
            raise ScopeError(f"--page {self.page}: a page holds at least 1 message")
        for name in ("late", "restore"):
            if getattr(self, name) and not self.crash:
                raise ScopeError(f"--{name} is about what comes after a crash; add --crash")

    def describe(self) -> str:
        """The scope in words.

        >>> Scope(1, 2, duplicates=True).describe()
        '1 phone, 2 messages, 1 slot, duplicates'
        """
        counted = [
            f"{number} {noun}{'' if number == 1 else 's'}"
            for number, noun in ((self.phones, "phone"), (self.messages, "message"), (self.slots, "slot"))
        ]
        switches = [name for name in SWITCHES if getattr(self, name)]
        pages = [] if self.page is None else [f"pages of {self.page}"]
        return ", ".join(counted + pages + switches)


SWITCHES = ("duplicates", "crash", "late", "restore", "overlap", "trim", "follow")
