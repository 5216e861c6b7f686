"""What a story is made of: actors, moments, arrows and states. Every format draws these, so that none can disagree.

A history is a stream of lines; a person sees *moments*. A request and its answer with nothing in between are one
moment ("A asks after 0, gets 1..5"), a kill and its restart are one, fifty sends in a row are one. Each moment keeps
the numbers of its events, counted from 1 over the events given, and the ``State`` after it: what the seq ruler shows.
An *arrow* is a request towards the server or a reply towards an actor, with its fate.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from seqproof_model.verdict import Violation
from seqproof_reports.text import Span


class Role(StrEnum):
    """What an actor is. The network has no lane: it is what lies between two lanes."""

    PHONE = "phone"
    OS = "OS push"  # the push of the phones' operating system: a tip's way round a broken long connection
    SENDER = "sender"
    SERVER = "server"


class Kind(StrEnum):
    """What a moment is about."""

    SEND = "send"
    RECV = "recv"
    DELIVERY = "delivery"
    KILL = "kill"
    RESTART = "restart"
    BACKUP = "backup"
    RESTORE = "restore"
    PRESET = "preset"
    TRIM = "trim"
    FAIL_STORE = "fail-store"
    LOGIN = "login"
    TIPS = "tips"
    SETTLED = "settled"
    MARK = "mark"


class Fate(StrEnum):
    """What became of an arrow."""

    ARRIVES = "arrives"
    LOST = "lost"
    UNDER_WAY = "under way"  # it arrives, in a later moment
    LATE = "late"  # ... and this is that moment
    UNKNOWN = "unknown"  # no answer: nobody can tell


class Way(StrEnum):
    """What an arrow is."""

    MESSAGE = "message"  # a request or its reply
    TIP = "tip"  # no reply to anything, and binding for nobody
    OPENS = "opens"  # a phone's long connection is opened
    CLOSES = "closes"


@dataclass(frozen=True)
class Actor:
    """A lane of the ladder. ``key`` is unique in a story; ``account`` is "" for senders and the server."""

    key: str
    role: Role
    name: str
    account: str = ""


@dataclass(frozen=True)
class Arrow:
    """A request (``to_server``) or a reply of ``actor`` (an actor's key), with the label a person reads.

    ``through``: the key of the lane that it passes, "" where it goes straight.
    """

    actor: str
    to_server: bool
    label: str
    fate: Fate = Fate.ARRIVES
    refusal: bool = False
    way: Way = Way.MESSAGE
    through: str = ""


@dataclass(frozen=True)
class PhoneState:
    """One phone as it stands: what it asks with next, and the seqs of which it holds the message."""

    actor: str
    name: str
    seq_cli: int
    holds: tuple[Span, ...]


@dataclass(frozen=True)
class State:
    """One account after a moment. ``told`` to ``stake`` belong to the moment's own reply and are empty otherwise.

    ``allocated``: the largest seq the server told or showed. ``confirmed``: the largest seq_cli of an answered recv
    that was not ahead. Each with the event that moved it last (0: none did). ``told``: to a sender; ``given``: the rows
    of the reply. ``missing``: due, not given.
    ``repeated``: given, though confirmed or given twice. ``stake``: other seqs that the violation is about.
    """

    account: str
    allocated: int
    confirmed: int
    allocated_at: int
    confirmed_at: int
    phones: tuple[PhoneState, ...]
    told: tuple[Span, ...] = ()
    given: tuple[Span, ...] = ()
    missing: tuple[Span, ...] = ()
    repeated: tuple[Span, ...] = ()
    stake: tuple[Span, ...] = ()

    def alike(self) -> list[list[PhoneState]]:
        """The phones that stand at the same seq_cli with the same messages, together."""
        groups: dict[tuple[int, tuple[Span, ...]], list[PhoneState]] = {}
        for phone in self.phones:
            groups.setdefault((phone.seq_cli, phone.holds), []).append(phone)
        return list(groups.values())


@dataclass(frozen=True)
class Moment:
    """A row of every picture: events ``first`` to ``last``, in words (``asked``, ``answered``) and as arrows.

    ``count``: how many operations it stands for. ``own``: the account it is about, "" when it is about all of them.
    """

    first: int
    last: int
    kind: Kind
    own: str
    asked: str
    answered: str = ""
    arrows: tuple[Arrow, ...] = ()
    states: tuple[State, ...] = ()
    violating: bool = False
    count: int = 1

    @property
    def state(self) -> State | None:
        """The state of the account that the moment is about."""
        return next((state for state in self.states if state.account == self.own), None)

    @property
    def words(self) -> str:
        """The moment in one line."""
        return f"{self.asked} → {self.answered}" if self.answered else self.asked


@dataclass(frozen=True)
class Story:
    """Who took part and what happened, in order. ``first_seq`` and ``seq_max`` are the profile's."""

    actors: tuple[Actor, ...]
    accounts: tuple[str, ...]
    moments: tuple[Moment, ...]
    first_seq: int
    seq_max: int
    server: str
    violation: Violation | None = None

    def having(self, role: Role) -> list[Actor]:
        """The actors with this role, in order of appearance."""
        return [actor for actor in self.actors if actor.role is role]

    @property
    def violating(self) -> Moment | None:
        """The moment of the violation."""
        return next((moment for moment in self.moments if moment.violating), None)
