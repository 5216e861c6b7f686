"""What a phone says and hears: the requests that it puts on the wire, the replies, and what it can do.

Plain data, shared by the reference phone, the kit's phone adapters, the history and the judge of phones.

    phone -> network   Asks(id=1, account="x", seq_cli=0)            "what is after 0?"
                       Sends(id=2, account="x", client_id="c1", body="hi")
    network -> phone   Rows(((1, "m1"),), more=False)   Refusal(Code.AHEAD, seq_svr=0)   Accepted(seq=7)

The ``id`` is the phone's own number for the request; replies name it.
Source: docs/phones.md; DEV-1 to DEV-7, PSH-1, PSH-4.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from seqproof_model.history import Code

Row = tuple[int, str]
Milliseconds = Annotated[int, msgspec.Meta(ge=1, le=86_400_000)]


class PhoneCapability(StrEnum):
    """What the kit can do to a phone besides starting it and answering it. Undeclared: what needs it is not graded."""

    TIPS = "tips"  # tips reach it
    KILL = "kill"  # it can be killed and started again on its store
    KILL_AT = "kill_at"  # it can be made to die after so many durable writes
    LATE = "late"  # a reply can reach it after it was told that the request is lost
    CONNECTION = "connection"  # it is told when its connection goes down and comes up
    ACCOUNTS = "accounts"  # another account can log in on it
    EPOCH = "epoch"  # it understands the epoch of a reply, and a refusal as ahead
    SEND = "send"  # its user can send
    MORE_UNTOLD = "more_untold"  # it asks until nothing comes where the server does not say whether more is due


class PhoneHello(msgspec.Struct, frozen=True):
    """What a phone says of itself. ``phone``: name and version.

    ``patience_ms``: what "at once" means to it: so long after a start, a tip, a page it has asked. ``retry_ms``: its
    longest wait after a lost request. ``poll_ms``: how often it asks unasked; None: it does not poll.
    """

    phone: str
    capabilities: frozenset[PhoneCapability] = frozenset()
    patience_ms: Milliseconds = 1_000
    retry_ms: Milliseconds = 60_000
    poll_ms: Milliseconds | None = None


class _Word(msgspec.Struct, frozen=True, omit_defaults=True, tag=str.lower):
    pass


class Asks(_Word, frozen=True, tag_field="op", tag="recv"):
    """A recv: what is after ``seq_cli``? ``epoch``: in which epoch that is meant; None: it does not say."""

    id: int
    account: str
    seq_cli: int
    epoch: str | None = None


class Sends(_Word, frozen=True, tag_field="op", tag="send"):
    """A send of the phone's user. A repeat carries the same ``client_id``."""

    id: int
    account: str
    client_id: str
    body: str


Request = Asks | Sends


class Rows(_Word, frozen=True, tag_field="reply"):
    """The answer to a recv: messages, ascending. ``more``: whether more is due; None: the server does not say.

    ``upto``: the last row's seq. ``seq_svr``: the largest seq that the server has, for a progress bar and nothing else.
    """

    rows: tuple[Row, ...] = ()
    more: bool | None = None
    upto: int | None = None
    seq_svr: int | None = None
    epoch: str | None = None


class Refusal(_Word, frozen=True, tag_field="reply", tag="refused"):
    """The request was refused. With ``ahead`` the server names its ``seq_svr``, and its epoch where it has one."""

    code: Code
    seq_svr: int | None = None
    epoch: str | None = None


class Accepted(_Word, frozen=True, tag_field="reply"):
    """The answer to a send: the message is stored, under ``seq`` in the recipient's inbox."""

    seq: int | None = None


Reply = Rows | Refusal | Accepted


class Reaction(msgspec.Struct, frozen=True):
    """What a phone did when something happened to it: the requests that it put on the wire, in order.

    ``died``: it was to die during this, and has.
    """

    requests: tuple[Request, ...] = ()
    died: bool = False
