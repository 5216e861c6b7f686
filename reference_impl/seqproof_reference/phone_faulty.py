"""The catalogue of phones: each faulty one with what it may be blamed for, and the odd but right ones.

``expected``: the requirement ids under which a fault may rightly be blamed; ``trace``: the shortest known one that
shows it, in the notation of docs/phones.md, ``on`` included.

    >>> make("C_NO_RETRY").hello().phone.endswith("(C_NO_RETRY)")
    True
"""

from __future__ import annotations

import difflib

from seqproof_reference import phone_twins as twins
from seqproof_reference.phone import Phone
from seqproof_reference.phone_equivalent import RIGHT, Entry
from seqproof_reference.phone_shell import PhoneShell
from seqproof_reference.phone_store import SqliteStore


def _fault(id: str, build: type[Phone], summary: str, breaks: str, expected: str, trace: str) -> Entry:  # noqa: A002
    return Entry(id, build, summary, breaks, frozenset(expected.split()), trace)


# A table, two lines a row: left as it is laid out.
# fmt: off
FAULTS: tuple[Entry, ...] = (
    _fault("C_ADV_ON_TIMEOUT", twins.AdvancesOnTimeout, "seq_cli moves on though no reply came.",
           "I-LOSS", "DEV-3", "on r?"),
    _fault("C_TIP_ADVANCES", twins.TipAdvances, "A tip moves seq_cli.",
           "I-LOSS", "DEV-3 PSH-1", "on tip"),
    _fault("C_CLI_BEFORE_DATA", twins.CliBeforeData, "seq_cli is durable before the messages.",
           "I-LOSS", "DEV-2", "m on r!1"),
    _fault("C_PAGE_ADOPTS_SVR", twins.PageAdoptsSvr, "seq_cli becomes seq_svr after a page.",
           "I-LOSS", "DEV-3", "m*2 on r"),
    _fault("C_PUSH_ONLY", twins.PushOnly, "It asks only when a tip comes, not when it starts.",
           "I-LIVE", "DEV-5", "on wait"),
    _fault("C_NO_RETRY", twins.NoRetry, "After a lost request it does not ask again.",
           "I-LIVE", "PSH-4 DEV-5", "on r? wait"),
    _fault("C_STOPS_AFTER_PAGE", twins.StopsAfterPage, "After a page it does not ask for the next.",
           "I-LIVE", "DEV-5", "m*2 on r wait"),
    _fault("C_SKIPS_BACKLOG_ON_START", twins.SkipsBacklog,
           "A fresh phone takes the mark of its first reply, no messages.", "I-LOSS", "DEV-2", "m on r"),
    _fault("C_RESEND_NEW_ID", twins.ResendNewId, "A repeated send has a new client id.",
           "I-ONCE", "SND-3", "on say down up"),
    _fault("C_LATE_REPLY_LOWERS_CLI", twins.LateReplyLowers, "A late reply lowers seq_cli.",
           "I-MONO", "DEV-4", "m on rx m pull r late"),
    _fault("C_CLI_PER_INSTALL", twins.CliPerInstall, "One seq_cli for the app instead of one an account.",
           "I-ISO", "DEV-1", "m on r login(y)"),
    _fault("C_TIP_IN_BETWEEN", twins.IgnoresTipInBetween, "A tip while a recv is under way is forgotten.",
           "I-LIVE", "DEV-6", "on tip r wait"),
    _fault("C_BACKOFF_UNBOUNDED", twins.BackoffUnbounded, "The wait doubles with each loss, without bound or reset.",
           "I-LIVE", "PSH-4", "on r? wait r? wait r? wait r? wait"),
    _fault("C_DEDUP_BY_BODY", twins.DedupByBody, "A message with a text that is known is dropped.",
           "I-LOSS", "DEV-2", 'm"b"*2 on r'),
    _fault("C_UPTO_PLUS1", twins.UptoPlusOne, "upto is taken for the next seq to ask for.",
           "I-LOSS", "DEV-3", "m on r"),
    _fault("C_COUNTS_ROWS", twins.CountsRows, "seq_cli grows by the number of rows, whatever their seqs.",
           "I-LOSS", "DEV-3 DEV-4", "m on rx pull r late"),
    _fault("C_IGNORES_EPOCH", twins.IgnoresEpoch, "A new epoch, and a refusal as ahead, change nothing.",
           "I-LOSS", "DEV-7", "m on r restore pull r wait"),
    _fault("C_EPOCH_DROPS_MESSAGES", twins.EpochDropsMessages, "A new epoch makes it forget its messages.",
           "I-LOSS", "DEV-7 DEV-2", "m on r restore pull r"),
    _fault("C_OVERLAP_DROPPED", twins.DropsOverlap, "A reply that overlaps what it holds is dropped, its mark taken.",
           "I-LOSS", "DEV-2", "m on rx pull late m r"),
    _fault("C_REPLY_TO_CURRENT", twins.ReplyToCurrentAccount,
           "A reply is stored for whoever is logged in when it comes.", "I-ISO", "DEV-1", "m on login(y) r"),
    _fault("C_TIP_CLEARS", twins.TipClears, "A tip empties what it shows.",
           "I-LOSS", "PSH-1", "m on r tip"),
    _fault("C_SHOWS_TWICE", twins.ShowsTwice, "A message that comes twice is shown twice.",
           "I-NODUP", "DEV-4", "m on rx pull r late"),
    _fault("C_WANTS_NO_GAPS", twins.WantsNoGaps, "Rows after a hole are dropped; another phone may have confirmed it.",
           "I-LIVE", "PSH-4 DEV-5", "m B m on"),
    _fault("C_NO_ASK_ON_RECONNECT", twins.NoAskOnReconnect, "When the connection is back it does not ask.",
           "I-LIVE", "DEV-5", "on down up wait"),
    _fault("C_NEVER_POLLS", twins.NeverPolls, "It says that it polls, and sets no timer.",
           "I-LIVE", "PSH-4", "on r wait"),
    _fault("C_WRITE_BEHIND", twins.WriteBehind, "It acks a reply before that is durable.",
           "I-LOSS", "DEV-2", "m on r pull !"),
    _fault("C_CLIENT_ID_RESTARTS", twins.ClientIdRestarts, "Client ids begin again after a restart.",
           "I-ONCE", "SND-3", "on say r2 ! say"),
)
# fmt: on
ENTRIES = {entry.id: entry for entry in (*FAULTS, *RIGHT)}


def catalogue() -> list[Entry]:
    """Every phone, the faulty ones first."""
    return list(ENTRIES.values())


def make(name: str) -> PhoneShell:
    """Make a phone by its id; "": the reference. Raises KeyError, its text names what is near."""
    if not name:
        return PhoneShell()
    entry = ENTRIES.get(name)
    if entry is None:
        near = difflib.get_close_matches(name.upper(), ENTRIES, n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise KeyError(f"no phone {name!r}{hint}")
    if entry.sqlite:
        return PhoneShell(entry.build, lambda: SqliteStore(":memory:"), name=name, timing=entry.timing)
    return PhoneShell(entry.build, name=name, timing=entry.timing)
