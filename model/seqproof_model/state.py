"""The nouns of the model: the server's marks, a phone, the packets under way, and the channels they are in.

A value is whatever an engine computes with: an int, an array, a term. Each field holds a seq, but for those in KINDS.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from seqproof_model.rules import Value


class Account(NamedTuple):
    """The server's state. Where a scope has no use for one of the last four, it follows from the others."""

    svr: Value
    confirmed: Value
    up: Value
    taken: Value
    trimmed: Value  # messages <= trimmed are gone from the store
    saved_svr: Value  # the backup
    saved_confirmed: Value


class Phone(NamedTuple):
    """A phone: its seq_cli and the seqs it holds. ``own``: a mark that only some faulty servers keep for each phone."""

    cli: Value
    got: Value
    own: Value = 0


class Question(NamedTuple):
    """A request under way."""

    seq_cli: Value


class Service(NamedTuple):
    """A request being served: what it has done and seen so far. ``floor``: what was confirmed when it began."""

    seq_cli: Value
    floor: Value
    has_confirmed: Value
    has_lower: Value
    lower: Value
    has_upper: Value
    upper: Value


class Reply(NamedTuple):
    """A reply under way: the messages lower + 1 .. upper."""

    lower: Value
    upper: Value


class Open(NamedTuple):
    """A send that took ``seq`` and is not decided yet."""

    seq: Value


Packet = Question | Service | Reply | Open


class Channel(StrEnum):
    """Where packets are. Requests, serving and replies exist once for each phone, sends once for the account.

    ``ahead`` stands for requests from nowhere: any seq_cli at all.
    """

    REQUESTS = "requests"
    SERVING = "serving"
    REPLIES = "replies"
    SENDS = "sends"
    AHEAD = "ahead"


PACKETS: dict[Channel, type[Question | Service | Reply | Open]] = {
    Channel.REQUESTS: Question,
    Channel.SERVING: Service,
    Channel.REPLIES: Reply,
    Channel.SENDS: Open,
    Channel.AHEAD: Question,
}
OF_PHONE = (Channel.REQUESTS, Channel.SERVING, Channel.REPLIES)


class Kind(StrEnum):
    """What a field holds."""

    SEQ = "seq"
    FLAG = "flag"
    SET = "set"


KINDS = {
    "up": Kind.FLAG,
    "has_confirmed": Kind.FLAG,
    "has_lower": Kind.FLAG,
    "has_upper": Kind.FLAG,
    "got": Kind.SET,
}


def kind(field: str) -> Kind:
    """What a field of any of these nouns holds."""
    return KINDS.get(field, Kind.SEQ)
