"""What a target says of itself before any request: who it is, what it can do, which profile it claims.

Source: docs/architecture.md. An undeclared capability leaves requirements not graded, never passed and never failed.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from seqproof_model.profile import Profile


class Capability(StrEnum):
    """What a target may be able to do besides send and recv. Undeclared: what needs it is not graded."""

    SEND_SEQ = "send_seq"  # send tells the seq
    PAGING = "paging"  # a reply may be a prefix of what is due
    KILL = "kill"  # the kit can kill and restart the server
    PRESET_SEQ = "preset_seq"  # an empty account can start at any seq_svr
    TRIM = "trim"  # the server can be told to drop what it may drop
    FAIL_NEXT_STORE = "fail_next_store"  # the server's next store can be made to fail
    OVERLAP = "overlap"  # requests may be under way at once: send and recv are called from several threads
    WIRE = "wire"  # the connection of one request can be made to break
    BEGIN_SEND = "begin_send"  # a send can be held between its begin and its commit
    TIPS = "tips"  # phones log in and out, and every tip that was sent to them is told
    BACKUP = "backup"  # the whole store can be backed up, and restored from that
    RECV_RAW = "recv_raw"  # any text can be put where a recv has its seq_cli


class Hello(msgspec.Struct, frozen=True):
    """What a target says of itself. ``adds``: requirement ids that the adapter's own code implements, not the server.

    ``server``: name and version as the server itself tells it. ``claims``: the profile it wants to be held to.
    """

    server: str
    capabilities: frozenset[Capability]
    claims: Profile | None = None
    adds: tuple[str, ...] = ()
