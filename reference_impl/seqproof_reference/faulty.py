"""The catalogue of the in-process targets: the faulty ones, the odd but right ones, and NULL, by their ids.

Each faulty entry says what is wrong in one sentence, which invariant that breaks, and under which requirement ids it
may rightly be blamed: ``expected`` holds what the table "From what was observed to the id" can give on some
trace, for targets that tell the seq of a send and for those that do not. ``make`` builds a target by its id.

    >>> make("ACK_ON_REPLY").hello().server
    'seqproof-core 0.1.0 (ACK_ON_REPLY)'

Not here: faults that take a ping to be seen.
Source: docs/mutants.md.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from seqproof_model.hello import Capability
from seqproof_reference import (
    equivalent,
    overlapping,
    twins,
    twins_backup,
    twins_caches,
    twins_delivery,
    twins_numbers,
    twins_push,
    twins_raw,
    twins_storage,
)
from seqproof_reference.core import Core, Limit
from seqproof_reference.seen import SEEN
from seqproof_reference.witnesses import Witness, witnesses

PAGED = Limit(2)
PAGED_BYTES = Limit(2, body_bytes=16)

_KILL, _PRESET, _TRIM = Capability.KILL, Capability.PRESET_SEQ, Capability.TRIM
_PAGING, _FAIL, _BEGIN = Capability.PAGING, Capability.FAIL_NEXT_STORE, Capability.BEGIN_SEND
_TIPS, _RAW, _BACKUP = Capability.TIPS, Capability.RECV_RAW, Capability.BACKUP


class Kind(StrEnum):
    """What a kit must say of an entry."""

    FAULT = "fault"  # must be blamed, for one of ``expected``
    EQUIVALENT = "equivalent"  # must never be blamed
    NULL = "null"  # must pass nothing


@dataclass(frozen=True)
class Entry:
    """One target. ``needs``: capabilities without which its fault cannot be seen.

    ``profile``: the only one in which it is a fault (or, of an equivalent, in which it is right); "" for any. ``role``:
    what it is. ``suite``: the smallest suite that finds it.
    """

    id: str
    build: type[Core]
    summary: str
    breaks: str = ""
    expected: frozenset[str] = frozenset()
    needs: frozenset[Capability] = frozenset()
    limit: Limit | None = None
    profile: str = ""
    kind: Kind = Kind.FAULT
    role: str = "server"
    suite: str = "quick"

    @property
    def witnesses(self) -> Sequence[Witness]:
        """Its known counterexamples, the shortest first."""
        return witnesses().get(self.id, [])

    @property
    def trace(self) -> str:
        """The shortest known counterexample, in the notation of docs/scenarios.md."""
        return self.witnesses[0].scenario.notation() if self.witnesses else ""

    @property
    def shortest(self) -> int | None:
        """How many things happen in it."""
        return self.witnesses[0].length if self.witnesses else None

    @property
    def seen(self) -> str:
        """What kind of system did that, "" where it is not known."""
        return SEEN.get(self.id, "")


def _fault(
    id: str,  # noqa: A002 - the table's own word
    build: type[Core],
    summary: str,
    breaks: str,
    expected: str,
    *needs: Capability,
    limit: Limit | None = None,
    profile: str = "",
    suite: str = "quick",
) -> Entry:
    ids = frozenset(expected.split())
    return Entry(id, build, summary, breaks, ids, frozenset(needs), limit, profile, suite=suite)


def _right(id: str, build: type[Core], summary: str, *, limit: Limit | None = None, profile: str = "") -> Entry:  # noqa: A002
    return Entry(id, build, summary, limit=limit, profile=profile, kind=Kind.EQUIVALENT)


# A table, two lines a row: left as it is laid out.
# fmt: off
# Tips.
PUSH_FAULTS: tuple[Entry, ...] = (
    _fault("PUSH_BEFORE_STORE", twins_push.PushBeforeStore, "The tip goes out before the message can be read.",
           "I-LIVE", "PSH-2", _BEGIN, _TIPS),
    _fault("PUSH_LATCH", twins_push.PushLatch, "An account is tipped once, and never again.",
           "I-LIVE", "PSH-2", _TIPS),
    _fault("PUSH_EDGE_TRIGGERED", twins_push.PushEdgeTriggered, "No tip while something unread waits already.",
           "I-LIVE", "PSH-2", _TIPS),
    _fault("PUSH_STALE_ROUTE", twins_push.PushStaleRoute, "Tips go to the phone that was the route first.",
           "I-LIVE", "PSH-2 PSH-3", _TIPS),
    _fault("LATE_DISCONNECT_UNROUTES", twins_push.LateDisconnectUnroutes, "An old connection's close unroutes the new.",
           "I-LIVE", "PSH-2", _TIPS),
    _fault("PUSH_ONCE_GONE", twins_push.PushOnceGone, "A phone that logged out is not tipped when it is back.",
           "I-LIVE", "PSH-2", _TIPS),
    _fault("PUSH_LOST_AFTER_KILL", twins_push.PushLostAfterKill, "After a restart tips go to connections of before.",
           "I-LIVE", "PSH-2", _KILL, _TIPS),
    _fault("PUSH_WRONG_USER", twins_push.PushWrongUser, "Another account is tipped.",
           "I-ISO", "PSH-2 PSH-3", _TIPS),
    _fault("PUSH_FIRST_ACCOUNT", twins_push.PushFirstAccount, "Only the account that logged in first is tipped.",
           "I-ISO", "PSH-2", _TIPS),
    _fault("PUSH_TO_SENDER", twins_push.PushToSender, "The sender is tipped instead of the recipient.",
           "I-LIVE", "PSH-2", _TIPS),
    _fault("PUSH_DEBOUNCED_BY_BODY", twins_push.PushDebouncedByBody, "A body equal to the last one brings no tip.",
           "I-LIVE", "PSH-2", _TIPS),
    _fault("TIP_CONFIRMS", twins_push.TipConfirms, "A tip that was sent confirms what it announces.",
           "I-LOSS", "RCV-1 RCV-7", _TIPS),
)

# A restore from a backup.
BACKUP_FAULTS: tuple[Entry, ...] = (
    _fault("RESTORE_REUSES_SEQS", twins_backup.RestoreReusesSeqs, "Restored, it gives seqs out again.",
           "I-UNIQ", "SEQ-3", _BACKUP),
    _fault("EPOCH_FROZEN", twins_backup.EpochFrozen, "Its epoch is restored with its store.",
           "I-UNIQ", "SEQ-3", _BACKUP),
    _fault("RESTORE_SKIPS_SHORT", twins_backup.RestoreSkipsShort, "It skips what was given out, but for the last.",
           "I-UNIQ", "SEQ-3", _BACKUP),
)

BACKUP_EQUIVALENTS: tuple[Entry, ...] = (
    _right("RESTORE_SKIPS", twins_backup.RestoreSkips, "Restored, it goes on past all seqs that it ever gave out."),
    _right("RESTORE_NEW_EPOCH", equivalent.EpochReported, "It always tells its epoch, a new one after each restore."),
)

# A malformed seq_cli.
RAW_FAULTS: tuple[Entry, ...] = (
    _fault("RAW_WRAPS_NEGATIVE", twins_raw.RawWrapsNegative, "-1 is stored unsigned, and confirms all that will come.",
           "I-LOSS", "SEQ-7 RCV-1 RCV-7", _RAW),
    _fault("RAW_TRUNCATES_FRACTION", twins_raw.RawTruncatesFraction, "1.5 is taken for 1.",
           "I-LOSS", "SEQ-7 RCV-1 RCV-7", _RAW),
    _fault("RAW_TRUNCATES_BITS", twins_raw.RawTruncatesBits, "2^32 + 1 is taken for 1.",
           "I-LOSS", "SEQ-7 RCV-1 RCV-7", _RAW),
    _fault("RAW_ABOVE_MAX_CLAMPED", twins_raw.RawAboveMaxClamped, "A number above the space confirms all there is.",
           "I-LOSS", "SEQ-7 RCV-1 RCV-7", _RAW),
    _fault("RAW_NULL_IS_ALL", twins_raw.RawNullIsAll, "A seq_cli that is null confirms all there is.",
           "I-LOSS", "SEQ-7 RCV-1 RCV-7", _RAW),
    _fault("RAW_TRUE_IS_ONE", twins_raw.RawTrueIsOne, "true is taken for 1.",
           "I-LOSS", "SEQ-7 RCV-1 RCV-7", _RAW),
    _fault("RAW_TEXT_PREFIX", twins_raw.RawTextPrefix, 'A text is read as far as it has digits: "1x" is 1.',
           "I-LOSS", "SEQ-7 RCV-1 RCV-7", _RAW),
    _fault("RAW_500_AND_CONFIRMS", twins_raw.Raw500AndConfirms, "It fails over a text, and has confirmed all.",
           "I-LOSS", "SEQ-7 RCV-1 RCV-7", _RAW),
)

RAW_EQUIVALENTS: tuple[Entry, ...] = (
    _right("RAW_TEXT_IS_ZERO", twins_raw.RawTextIsZero, "What is malformed is taken for 0, which confirms nothing."),
    _right("RAW_LENIENT", twins_raw.RawLenient, 'Takes "2" in quotes, 2.0 and 2e0 for 2.'),
    _right("RAW_ANSWERED_EMPTY", twins_raw.RawAnsweredEmpty, "What is malformed is answered with nothing."),
)

PUSH_EQUIVALENTS: tuple[Entry, ...] = (
    _right("PUSH_TWICE", twins_push.PushTwice, "Every tip goes out twice."),
    _right("PUSH_EXTRA", twins_push.PushExtra, "Tips also at each login and each recv, for nothing."),
    _right("PUSH_BOTH_WAYS", twins_push.PushBothWays, "Tips by the connection and by the phone's OS."),
    _right("PUSH_ALL_PHONES", twins_push.PushAllPhones, "Tips to every phone that is connected."),
    _right("PUSH_EVICTS", twins_push.PushEvicts, "A login closes the connections of other phones."),
    _right("PUSH_LAZY", twins_push.PushLazy, "One late tip for all, none for what was read already."),
    _right("PUSH_NO_OS_FALLBACK", twins_push.PushNoOsFallback, "No push by the OS: short of a SHOULD (PSH-3)."),
)

FAULTS: tuple[Entry, ...] = (
    _fault("ACK_ON_REPLY", twins.AckOnReply, "confirmed becomes the last row sent, before any phone holds it.",
           "I-REDEL", "RCV-1 RCV-7"),
    _fault("DELETE_ON_DELIVER", twins.DeleteOnDeliver, "A row is removed when it is sent.",
           "I-LOSS", "RCV-1 RCV-7"),
    _fault("NO_CONFIRMED", twins.NoConfirmed, "Only the phone's own seq_cli counts; nothing is confirmed.",
           "I-NODUP", "CNF-5"),
    _fault("PER_DEVICE_CONFIRM", twins.PerDeviceConfirm, "Each phone has its own confirmed.",
           "I-NODUP", "CNF-5"),
    _fault("LAST_WRITER_ACK", twins.LastWriterAck, "Before the reply confirmed becomes seq_cli, also when lower.",
           "I-MONO", "CNF-5"),
    _fault("ACK_REGRESS_AFTER", twins.AckRegressAfter, "After a right reply confirmed becomes seq_cli, even lower.",
           "I-MONO", "CNF-5"),
    _fault("LAGGED_ACK", twins.LaggedAck, "The rows are computed before seq_cli is applied.",
           "I-NODUP", "CNF-1"),
    _fault("UNDER_ACK", twins.UnderAck, "confirmed becomes seq_cli - 1.",
           "I-NODUP", "CNF-5"),
    _fault("OVER_ACK", twins.OverAck, "After the reply confirmed becomes seq_cli + 1, when seq_cli is above 0.",
           "I-LOSS", "RCV-1 RCV-7"),
    _fault("CLAMP_CONFIRMS", twins.ClampConfirms, "A seq_cli above seq_svr is lowered to seq_svr and confirms it.",
           "I-LOSS", "RCV-1 RCV-7"),
    _fault("CONFIRM_ON_REFUSE", twins.ConfirmOnRefuse, "A recv that is ahead is refused, and has confirmed seq_svr.",
           "I-LOSS", "RCV-1 RCV-7"),
    _fault("FUTURE_POISON", twins.FuturePoison, "A seq_cli above seq_svr raises confirmed to it.",
           "I-BOUND", "RCV-1 RCV-7"),
    _fault("LOW_INCLUSIVE", twins.LowInclusive, "A reply begins with the lower end itself.",
           "I-NODUP", "CNF-1 CNF-5"),
    _fault("HIGH_EXCLUSIVE", twins.HighExclusive, "A reply ends before seq_svr.",
           "I-LIVE", "RCV-7"),
    _fault("START_AT_0", twins.StartAt0, "The first seq is 0.",
           "I-LOSS", "SEQ-1 SEQ-3 SEQ-4 RCV-1 RCV-5 RCV-7"),
    _fault("STRING_SORT", twins.StringSort, 'Rows are sorted as text: "10" before "9".',
           "I-ORDER", "RCV-1", _PRESET),
    _fault("DESC_ORDER", twins.DescOrder, "The newest row comes first.",
           "I-ORDER", "RCV-1"),
    _fault("PAGE_UPTO_SVR", twins.PageUptoSvr, "A page tells the phone to go on from seq_svr, past rows it never got.",
           "I-LOSS", "RCV-2", _PAGING, limit=PAGED),
    _fault("PAGE_NEWEST", twins.PageNewest, "A page holds the newest rows instead of the lowest.",
           "I-LOSS", "RCV-1", _PAGING, limit=PAGED),
    _fault("PAGE_BYTES_STUCK", twins.PageBytesStuck, "A first row larger than a page gives an empty page, for ever.",
           "I-LIVE", "RCV-3", _PAGING, limit=PAGED_BYTES),
    _fault("SIGNED_MAX", twins.SignedMax, "The larger of two marks is taken as signed 32-bit values.",
           "I-MONO", "CNF-1", _PRESET),
    _fault("SIGNED_ORDER", twins.SignedOrder, "Rows are sorted as signed 32-bit values.",
           "I-ORDER", "RCV-1", _PRESET),
    _fault("CAP_INT32", twins.CapInt32, "The space is said to be exhausted after 2^31 - 1.",
           "I-BOUND", "SEQ-6", _PRESET),
    _fault("WRAP_0", twins.Wrap0, "After the last seq allocation goes on at 0.",
           "I-BOUND", "SEQ-1 SEQ-4 SEQ-6 RCV-1 RCV-5 RCV-7", _PRESET),
    _fault("WRAP_1", twins.Wrap1, "After the last seq allocation goes on at 1.",
           "I-BOUND", "SEQ-1 SEQ-4 SEQ-6 RCV-1 RCV-5 RCV-7", _PRESET),
    _fault("UINTMAX_REFUSED", twins.UintmaxRefused, "The last seq of the space is never given out.",
           "I-BOUND", "SEQ-6 RCV-7", _PRESET),
    _fault("FULL_BLOCKS_RECV", twins.FullBlocksRecv, "recv fails once the space is exhausted.",
           "I-LOSS", "RCV-5", _PRESET),
    _fault("VOLATILE_SEQ", twins.VolatileSeq, "The counter of seqs is lost at a kill, and seqs are given out again.",
           "I-UNIQ", "SEQ-1 SEQ-3 SEQ-4 SEQ-6 RCV-1 RCV-5 RCV-7", _KILL),
    _fault("VOLATILE_CONFIRM", twins.VolatileConfirm, "confirmed is lost at a kill.",
           "I-NODUP", "CNF-5", _KILL),
    _fault("VOLATILE_TAIL", twins.VolatileTail, "A send is answered before the message is durable.",
           "I-LOSS", "SEQ-1 SEQ-3 SEQ-4 SEQ-6 RCV-1 RCV-5 RCV-7", _KILL),
    _fault("STEP_JUMP", twins.StepJump, "Every start begins a new block of seqs.",
           "I-CONTIG", "SEQ-2 RCV-1 RCV-7", _KILL, profile="strict"),
    _fault("GAP_ON_FAIL", twins.GapOnFail, "A store that failed has used up a seq.",
           "I-CONTIG", "SEQ-2 SEQ-6 RCV-1 RCV-7", _FAIL, profile="strict"),
    _fault("TRIM_PLUS1", twins.TrimPlus1, "A trim drops one row above confirmed.",
           "I-LOSS", "RCV-1 RCV-7", _TRIM),
    _fault("RETENTION_DROP", twins.RetentionDrop, "Only the last two unconfirmed rows are kept.",
           "I-LOSS", "RCV-1"),
    _fault("MAX_ROW_ALLOC", twins.MaxRowAlloc, "The next seq is max(row) + 1, also when a trim has taken the rows.",
           "I-UNIQ", "SEQ-1 SEQ-3 SEQ-4 SEQ-6 RCV-1 RCV-5 RCV-7", _TRIM),
    _fault("MORE_FALSE", twins.MoreFalse, "A page says that no more is due while there is.",
           "I-LOSS", "RCV-2", _PAGING, limit=PAGED),
    _fault("GLOBAL_COUNTER", twins.GlobalCounter, "One counter of seqs serves all accounts.",
           "I-CONTIG", "SEQ-2 SEQ-6 RCV-1 RCV-7", profile="strict"),
    _fault("CROSS_USER_LEAK", twins.CrossUserLeak, "A reply holds rows of another account.",
           "I-ISO", "RCV-1"),
    _fault("DEDUP_UNSCOPED", twins.DedupUnscoped, "A client id is looked up without its sender.",
           "I-LOSS", "SEQ-1 SEQ-3 SEQ-4 RCV-1 RCV-5 RCV-7"),
    _fault("DEDUP_BEFORE_STORE", twins.DedupBeforeStore, "A client id is noted before its message is stored.",
           "I-LOSS", "SEQ-1 SEQ-3 SEQ-4 RCV-1 RCV-5 RCV-7", _FAIL),
    _fault("DEDUP_LOST_ON_CRASH", twins.DedupLostOnCrash, "The notes of client ids are lost at a kill.",
           "I-ONCE", "SND-3", _KILL, profile="idempotent"),
    _fault("ALLOC_BEFORE_VISIBLE", overlapping.AllocBeforeVisible, "A number is taken before its row can be seen.",
           "I-CLOSED", "SEQ-2 SEQ-4 RCV-1 RCV-7", _BEGIN),
    _fault("ALLOC_RACE", overlapping.AllocRace, "Two sends read the same largest number, and both add one.",
           "I-UNIQ", "SEQ-3 SEQ-4 RCV-1 RCV-7", _BEGIN),
    _fault("TWO_ALLOCATORS", overlapping.TwoAllocators, "A second node gives out numbers from an old lease.",
           "I-UNIQ", "SEQ-2 SEQ-3 SEQ-4 RCV-1 RCV-7", _BEGIN),
    _fault("NO_DEDUP", equivalent.NoDedup, "A retry gets a second seq.",
           "I-ONCE", "SND-3", profile="idempotent"),
    # Numbers, text and order.
    _fault("CLOCK_ORDER", twins_numbers.ClockOrder, "Rows are sorted by a clock that knows milliseconds.",
           "I-ORDER", "RCV-1"),
    _fault("UPDATE_ORDER", twins_numbers.UpdateOrder, "Rows come in no order that was asked for: a changed row moves.",
           "I-ORDER", "RCV-1"),
    _fault("JOIN_DOUBLES", twins_numbers.JoinDoubles, "A message that was sent again comes twice in a reply.",
           "I-NODUP", "RCV-1"),
    _fault("STRING_COMPARE", twins_numbers.StringCompare, "What is after seq_cli is found by comparing text.",
           "I-LOSS", "RCV-1 RCV-7", _PRESET),
    _fault("FLOAT32_SEQ", twins_numbers.Float32Seq, "seq_svr is kept as a 32-bit float: beyond 2^24 it stands still.",
           "I-UNIQ", "SEQ-1 SEQ-2 SEQ-3 SEQ-4 RCV-1 RCV-7", _PRESET),
    _fault("VARINT_28", twins_numbers.Varint28, "The seqs of a reply lose all but their lower 28 bits.",
           "I-ORDER", "SEQ-1 SEQ-4 SND-2 RCV-1", _PRESET),
    _fault("SATURATE_INT32", twins_numbers.SaturateInt32, "A seq above 2^31 - 1 is stored as 2^31 - 1.",
           "I-UNIQ", "SEQ-3 SEQ-4 RCV-1 RCV-5 RCV-7", _PRESET),
    _fault("SEQ_CLI_INT32", twins_numbers.SeqCliInt32, "A seq_cli above 2^31 - 1 is refused as malformed.",
           "I-LIVE", "RCV-5", _PRESET),
    _fault("BODY_255", twins_numbers.Body255, "Bodies are cut after 255 characters, without a word.",
           "I-LOSS", "RCV-1"),
    _fault("ZERO_IS_LATEST", twins_numbers.ZeroIsLatest, "A seq_cli of 0 is taken for none: it starts at the end.",
           "I-LOSS", "RCV-7"),
    _fault("EQUAL_REFUSED", twins_numbers.EqualRefused, "A phone that has everything is refused as being ahead.",
           "I-LIVE", "RCV-5"),
    _fault("REFUSE_BEHIND", twins_numbers.RefuseBehind, "A seq_cli below confirmed is refused.",
           "I-LIVE", "RCV-5"),
    # Copies that are behind.
    _fault("REPLY_CACHE_STALE", twins_caches.ReplyCacheStale, "Replies are cached by (account, seq_cli), for ever.",
           "I-LOSS", "RCV-7 CNF-5"),
    _fault("REPLY_CACHE", twins_caches.ReplyCache, "... until a send; a confirm changes no cached reply.",
           "I-NODUP", "CNF-5"),
    _fault("LAGGING_REPLICA", twins_caches.LaggingReplica, "seq_svr is read from a replica that is one send behind.",
           "I-LOSS", "RCV-7"),
    _fault("SAME_QUESTION_EMPTY", twins_caches.SameQuestionEmpty, "A repeated question is answered with nothing new.",
           "I-REDEL", "RCV-7"),
    _fault("WRITE_BEHIND_CONFIRM", twins_caches.WriteBehindConfirm, "confirmed is written with the next request.",
           "I-NODUP", "CNF-5", _KILL),
    _fault("CONFIRM_BATCH", twins_caches.ConfirmBatch, "Confirms are written three at a time.",
           "I-NODUP", "CNF-5", _KILL),
    _fault("CONFIRM_EVERY_TENTH", twins_caches.ConfirmEveryTenth, "confirmed moves with every tenth recv only.",
           "I-NODUP", "CNF-5"),
    # What delivers like something else.
    _fault("DEAD_LETTER", twins_delivery.DeadLetter, "A row is dropped after three deliveries.",
           "I-LOSS", "SEQ-7 RCV-1 RCV-7"),
    _fault("CONSUMER_GROUP", twins_delivery.ConsumerGroup, "What one phone was given is kept from the others.",
           "I-REDEL", "SEQ-7 RCV-1 RCV-7"),
    _fault("STOPS_ANSWERING", twins_delivery.StopsAnswering, "After five recvs an account gets empty replies.",
           "I-LIVE", "SEQ-7 RCV-7"),
    _fault("HISTORY_LIMIT", twins_delivery.HistoryLimit, "A new phone gets the newest hundred messages.",
           "I-LOSS", "RCV-1"),
    _fault("EMPTY_WHEN_ONE", twins_delivery.EmptyWhenOne, "A reply is empty when exactly one row is due.",
           "I-LIVE", "RCV-7"),
    _fault("PAGE_OFFSET", twins_delivery.PageOffset, "Pages go by offset, among rows that shrink with each confirm.",
           "I-LOSS", "RCV-1 RCV-3", _PAGING, limit=PAGED),
    _fault("MORE_IF_FULL", twins_delivery.MoreIfFull, "More is due if the page has all its rows; bytes are forgotten.",
           "I-LOSS", "RCV-2", _PAGING, limit=PAGED_BYTES),
    _fault("MORE_OFF_BY_ONE", twins_delivery.MoreOffByOne, "No more is due, says a page, when one more row is.",
           "I-LOSS", "RCV-2", _PAGING, limit=PAGED),
    _fault("MORE_ALWAYS", twins_delivery.MoreAlways, "More is due, says every reply of a server without pages.",
           "I-LIVE", "RCV-2"),
    # What stands around the store.
    _fault("RETRY_MIDDLEWARE", twins_storage.RetryMiddleware, "A send is tried again inside, and makes two messages.",
           "I-ONCE", "SEQ-2 SEQ-4 SND-2 SND-3 RCV-1", _FAIL),
    _fault("REFUSED_IS_STORED", twins_storage.RefusedIsStored, "A send is refused for a timeout, and stored.",
           "I-LOSS", "SEQ-2 SEQ-6 SND-5 RCV-1 RCV-7", _FAIL),
    _fault("ACK_WITHOUT_STORE", twins_storage.AckWithoutStore, "A send is acknowledged and never stored.",
           "I-LOSS", "RCV-5 RCV-7"),
    _fault("SHARD_MOVE_CONFIRMED", twins_storage.ShardMoveConfirmed, "An account moves, and its confirmed does not.",
           "I-NODUP", "CNF-5"),
    _fault("SHARD_MOVE_ROWS", twins_storage.ShardMoveRows, "An account moves, and its rows do not.",
           "I-LOSS", "RCV-1 RCV-7"),
    _fault("RETENTION_AT_START", twins_storage.RetentionAtStart, "A start drops all rows as too old.",
           "I-LOSS", "RCV-1 RCV-7", _KILL),
    _fault("RETENTION_1000", twins_storage.RetentionThousand, "Only the last thousand unconfirmed rows are kept.",
           "I-LOSS", "RCV-1", suite="standard"),
    _fault("EMPTY_KEY_GONE", twins_storage.EmptyKeyGone, "With its last row an account's marks are dropped.",
           "I-UNIQ", "SEQ-3 SEQ-4 SEQ-6 RCV-1 RCV-5 RCV-7", _TRIM),
    _fault("FULL_RESETS", twins_storage.FullResets, "A send to a full space resets the account.",
           "I-BOUND", "SEQ-3 SEQ-4 SEQ-6 RCV-1 RCV-5 RCV-7", _PRESET),
    _fault("TENANT_CONFIRMED", twins_storage.TenantConfirmed, "confirmed is kept by a key that accounts share.",
           "I-ISO", "RCV-1 RCV-7"),
    _fault("SOFT_DELETE_SENDER", twins_storage.SoftDeleteSender, "A trim hides all that came from the same sender.",
           "I-LOSS", "RCV-1 RCV-7", _TRIM),
    _fault("DEDUP_CAPPED", twins_storage.DedupCapped, "The table of client ids holds two of an account.",
           "I-ONCE", "SND-3", profile="idempotent"),
    _fault("DEDUP_BY_BODY", twins_storage.DedupByBody, "A body that is there already is taken for a retry.",
           "I-LOSS", "SEQ-3 RCV-1 RCV-7"),
    _fault("DEDUP_ACROSS_ACCOUNTS", twins_storage.DedupAcrossAccounts, "Client ids are looked up in all accounts.",
           "I-ISO", "PSH-2 SEQ-1 SEQ-2 SEQ-3 SEQ-4 RCV-1 RCV-5 RCV-7"),
    *PUSH_FAULTS,
    *RAW_FAULTS,
    *BACKUP_FAULTS,
)

EQUIVALENTS: tuple[Entry, ...] = (
    _right("CORRECT", Core, "The correct server: confirm, look low, look high."),
    _right("CORRECT_PAGED", Core, "The correct server with pages of two rows.", limit=PAGED),
    _right("CORRECT_PAGED_BYTES", Core, "Pages bounded in bytes; a larger first row goes out.", limit=PAGED_BYTES),
    _right("CONFIRM_LAST", equivalent.ConfirmLast, "The reply is computed, then seq_cli applied; both take the max."),
    _right("CONFIRM_BETWEEN", equivalent.ConfirmBetween, "seq_cli is applied between the two looks."),
    _right("SVR_FIRST", equivalent.SvrFirst, "seq_svr is read before anything else."),
    _right("ROW_SCAN", equivalent.RowScan, "The rows are walked one by one."),
    _right("STORE_ON_RISE", equivalent.StoreOnRise, "confirmed is stored only when it rises."),
    _right("EAGER_TRIM", equivalent.EagerTrim, "Rows are dropped as soon as they are confirmed."),
    _right("NEVER_TRIM", equivalent.NeverTrim, "No row is ever dropped."),
    _right("EXACT_PAGE_MORE", equivalent.ExactPageMore, "An exactly full last page says more.", limit=PAGED),
    _right("EPOCH_REPORTED", equivalent.EpochReported, "Every reply tells the epoch."),
    _right("AT_COMMIT", overlapping.AtCommit, "A send that is held takes its number when it is committed."),
    _right("HORIZON", overlapping.Horizon, "A held send has its number; what comes later waits unseen."),
    _right("AHEAD_EMPTY", equivalent.AheadEmpty, "A recv that is ahead gets nothing, and confirms nothing."),
    _right("AHEAD_BARE", equivalent.AheadBare, "A recv that is ahead is refused, and seq_svr is not named."),
    _right("NFC_BODIES", equivalent.NfcBodies, "Bodies are normalised, beyond the alphabet of the scenarios."),
    _right("MARK_PER_PHONE", equivalent.MarkPerPhone, "Each phone has a mark; confirmed is the largest of them."),
    _right("OLD_REPLY", equivalent.OldReply, "The reply is computed first; what is confirmed then, taken out."),
    _right("TRIMS_SOME", equivalent.TrimsSome, "A trim leaves the newest confirmed row."),
    _right("TRIMS_AT_START", equivalent.TrimsAtStart, "What is confirmed is dropped at a start, and only then."),
    _right("CHANGING_PAGES", equivalent.ChangingPages, "Pages have one, two and three rows in turn.", limit=PAGED),
    _right("MORE_UNTOLD", equivalent.MoreUntold, "Pages do not say whether more is due.", limit=PAGED),
    _right("REPLY_CACHE_RIGHT", twins_caches.ReplyCacheRight, "Replies are cached until a send or a confirm."),
    _right("READ_REPLICA", twins_caches.LaggingReplica, "LAGGING_REPLICA, where a lag is allowed.", profile="lagging"),
    _right("RETRY_STORES_AGAIN", equivalent.NoDedup, "A retry makes a second message.", profile="strict"),
    _right("BLOCKS", twins.StepJump, "STEP_JUMP, where gaps are allowed.", profile="gappy"),
    _right("VOID_ON_FAIL", twins.GapOnFail, "GAP_ON_FAIL, where gaps are allowed.", profile="gappy"),
    _right("ONE_COUNTER", twins.GlobalCounter, "GLOBAL_COUNTER, where gaps are allowed.", profile="gappy"),
    *PUSH_EQUIVALENTS,
    *RAW_EQUIVALENTS,
    *BACKUP_EQUIVALENTS,
)
# fmt: on

NULL = Entry("NULL", equivalent.Null, "Says yes to everything and does nothing.", kind=Kind.NULL)

_BY_ID = {entry.id: entry for entry in (*FAULTS, *EQUIVALENTS, NULL)}


def catalogue() -> list[Entry]:
    """Every entry: the faulty ones, then the right ones, then NULL."""
    return list(_BY_ID.values())


def find(name: str) -> Entry:
    """Return the entry with this id. Raises KeyError with one line that lists near ids."""
    try:
        return _BY_ID[name]
    except KeyError:
        near = difflib.get_close_matches(name.upper(), _BY_ID, n=3, cutoff=0.5) or list(_BY_ID)[:3]
        raise KeyError(f"no mutant {name!r}; near: {', '.join(near)}") from None


def make(name: str, *, send_seq: bool = True) -> Core:
    """Build the target ``mutant:NAME``, fresh; ``send_seq`` false: a send does not tell its seq. Raises KeyError.

    It claims the profile in which the entry is what it is said to be, ``strict`` when that is any.
    """
    entry = find(name)
    core = entry.build(limit=entry.limit, send_seq=send_seq, claims=entry.profile or "strict")
    core.name = entry.id
    return core
