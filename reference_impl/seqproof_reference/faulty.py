"""The catalogue of the in-process targets: the faulty ones, the odd but right ones, and NULL, by their ids.

Each faulty entry says what is wrong in one sentence, which invariant that breaks, and under which requirement ids it
may rightly be blamed: ``expected`` holds what the table "From what was observed to the id" can give on some
trace, for targets that tell the seq of a send and for those that do not. ``make`` builds a target by its id.

    >>> make("ACK_ON_REPLY").hello().server
    'seqproof-core 0.1.0 (ACK_ON_REPLY)'

Not here: faults that take tips or a ping to be seen.
Source: docs/mutants.md.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import StrEnum

from seqproof_model.hello import Capability
from seqproof_reference import equivalent, overlapping, twins
from seqproof_reference.core import Core, Limit

PAGED = Limit(2)
PAGED_BYTES = Limit(2, body_bytes=16)

_KILL, _PRESET, _TRIM = Capability.KILL, Capability.PRESET_SEQ, Capability.TRIM
_PAGING, _FAIL, _BEGIN = Capability.PAGING, Capability.FAIL_NEXT_STORE, Capability.BEGIN_SEND


class Kind(StrEnum):
    """What a kit must say of an entry."""

    FAULT = "fault"  # must be blamed, for one of ``expected``
    EQUIVALENT = "equivalent"  # must never be blamed
    NULL = "null"  # must pass nothing


@dataclass(frozen=True)
class Entry:
    """One target. ``trace``: the shortest trace that shows the fault, in the notation of docs/mutants.md.

    ``needs``: capabilities without which the trace cannot be run. ``profile``: the only one in which it is a fault (or,
    of an equivalent, in which it is right); "" for any.
    """

    id: str
    build: type[Core]
    summary: str
    breaks: str = ""
    expected: frozenset[str] = frozenset()
    trace: str = ""
    needs: frozenset[Capability] = frozenset()
    limit: Limit | None = None
    profile: str = ""
    kind: Kind = Kind.FAULT


def _fault(
    id: str,  # noqa: A002 - the table's own word
    build: type[Core],
    summary: str,
    breaks: str,
    expected: str,
    trace: str,
    *needs: Capability,
    limit: Limit | None = None,
    profile: str = "",
) -> Entry:
    return Entry(id, build, summary, breaks, frozenset(expected.split()), trace, frozenset(needs), limit, profile)


def _right(id: str, build: type[Core], summary: str, *, limit: Limit | None = None, profile: str = "") -> Entry:  # noqa: A002
    return Entry(id, build, summary, limit=limit, profile=profile, kind=Kind.EQUIVALENT)


# A table, two lines a row: left as it is laid out.
# fmt: off
FAULTS: tuple[Entry, ...] = (
    _fault("ACK_ON_REPLY", twins.AckOnReply, "confirmed becomes the last row sent, before any phone holds it.",
           "I-REDEL", "RCV-1 RCV-7", "s Ax A"),
    _fault("DELETE_ON_DELIVER", twins.DeleteOnDeliver, "A row is removed when it is sent.",
           "I-LOSS", "RCV-1 RCV-7", "s Ax A"),
    _fault("NO_CONFIRMED", twins.NoConfirmed, "Only the phone's own seq_cli counts; nothing is confirmed.",
           "I-NODUP", "CNF-5", "s A A B"),
    _fault("PER_DEVICE_CONFIRM", twins.PerDeviceConfirm, "Each phone has its own confirmed.",
           "I-NODUP", "CNF-5", "s A A B"),
    _fault("LAST_WRITER_ACK", twins.LastWriterAck, "Before the reply confirmed becomes seq_cli, also when lower.",
           "I-MONO", "CNF-5", "s A A B"),
    _fault("ACK_REGRESS_AFTER", twins.AckRegressAfter, "After a right reply confirmed becomes seq_cli, even lower.",
           "I-MONO", "CNF-5", "s A A B F"),
    _fault("LAGGED_ACK", twins.LaggedAck, "The rows are computed before seq_cli is applied.",
           "I-NODUP", "CNF-1", "s A A"),
    _fault("UNDER_ACK", twins.UnderAck, "confirmed becomes seq_cli - 1.",
           "I-NODUP", "CNF-5", "s A A B"),
    _fault("OVER_ACK", twins.OverAck, "After the reply confirmed becomes seq_cli + 1, when seq_cli is above 0.",
           "I-LOSS", "RCV-1 RCV-7", "s A s Ax A"),
    _fault("CLAMP_CONFIRMS", twins.ClampConfirms, "A seq_cli above seq_svr is lowered to seq_svr and confirms it.",
           "I-LOSS", "RCV-1 RCV-7", "s R(2) A"),
    _fault("CONFIRM_ON_REFUSE", twins.ConfirmOnRefuse, "A recv that is ahead is refused, and has confirmed seq_svr.",
           "I-LOSS", "RCV-1 RCV-7", "s R(2) A"),
    _fault("FUTURE_POISON", twins.FuturePoison, "A seq_cli above seq_svr raises confirmed to it.",
           "I-BOUND", "RCV-1 RCV-7", "s R(2) A"),
    _fault("LOW_INCLUSIVE", twins.LowInclusive, "A reply begins with the lower end itself.",
           "I-NODUP", "CNF-1 CNF-5", "s A A"),
    _fault("HIGH_EXCLUSIVE", twins.HighExclusive, "A reply ends before seq_svr.",
           "I-LIVE", "RCV-7", "s A"),
    _fault("START_AT_0", twins.StartAt0, "The first seq is 0.",
           "I-LOSS", "SEQ-1 SEQ-3 SEQ-4 RCV-1 RCV-5 RCV-7", "s A"),
    _fault("STRING_SORT", twins.StringSort, 'Rows are sorted as text: "10" before "9".',
           "I-ORDER", "RCV-1", "preset(8) s s A", _PRESET),
    _fault("DESC_ORDER", twins.DescOrder, "The newest row comes first.",
           "I-ORDER", "RCV-1", "s s A"),
    _fault("PAGE_UPTO_SVR", twins.PageUptoSvr, "A page tells the phone to go on from seq_svr, past rows it never got.",
           "I-LOSS", "RCV-2", "s s s A A", _PAGING, limit=PAGED),
    _fault("PAGE_NEWEST", twins.PageNewest, "A page holds the newest rows instead of the lowest.",
           "I-LOSS", "RCV-1", "s s s A", _PAGING, limit=PAGED),
    _fault("PAGE_BYTES_STUCK", twins.PageBytesStuck, "A first row larger than a page gives an empty page, for ever.",
           "I-LIVE", "RCV-3", "sBIG A", _PAGING, limit=PAGED_BYTES),
    _fault("SIGNED_MAX", twins.SignedMax, "The larger of two marks is taken as signed 32-bit values.",
           "I-MONO", "CNF-1", "preset(2147483646) s s A A", _PRESET),
    _fault("SIGNED_ORDER", twins.SignedOrder, "Rows are sorted as signed 32-bit values.",
           "I-ORDER", "RCV-1", "preset(2147483646) s s A", _PRESET),
    _fault("CAP_INT32", twins.CapInt32, "The space is said to be exhausted after 2^31 - 1.",
           "I-BOUND", "SEQ-6", "preset(2147483646) s s", _PRESET),
    _fault("WRAP_0", twins.Wrap0, "After the last seq allocation goes on at 0.",
           "I-BOUND", "SEQ-1 SEQ-4 SEQ-6 RCV-1 RCV-5 RCV-7", "preset(4294967294) s s", _PRESET),
    _fault("WRAP_1", twins.Wrap1, "After the last seq allocation goes on at 1.",
           "I-BOUND", "SEQ-1 SEQ-4 SEQ-6 RCV-1 RCV-5 RCV-7", "preset(4294967294) s s", _PRESET),
    _fault("UINTMAX_REFUSED", twins.UintmaxRefused, "The last seq of the space is never given out.",
           "I-BOUND", "SEQ-6", "preset(4294967294) s", _PRESET),
    _fault("FULL_BLOCKS_RECV", twins.FullBlocksRecv, "recv fails once the space is exhausted.",
           "I-LOSS", "RCV-5", "preset(4294967294) s A", _PRESET),
    _fault("VOLATILE_SEQ", twins.VolatileSeq, "The counter of seqs is lost at a kill, and seqs are given out again.",
           "I-UNIQ", "SEQ-1 SEQ-3 SEQ-4 SEQ-6 RCV-1 RCV-5 RCV-7", "s A ! s A", _KILL),
    _fault("VOLATILE_CONFIRM", twins.VolatileConfirm, "confirmed is lost at a kill.",
           "I-NODUP", "CNF-5", "s A A ! B", _KILL),
    _fault("VOLATILE_TAIL", twins.VolatileTail, "A send is answered before the message is durable.",
           "I-LOSS", "SEQ-1 SEQ-3 SEQ-4 SEQ-6 RCV-1 RCV-5 RCV-7", "s ! A", _KILL),
    _fault("STEP_JUMP", twins.StepJump, "Every start begins a new block of seqs.",
           "I-CONTIG", "SEQ-2 RCV-1 RCV-7", "! s A", _KILL, profile="strict"),
    _fault("GAP_ON_FAIL", twins.GapOnFail, "A store that failed has used up a seq.",
           "I-CONTIG", "SEQ-2 SEQ-6 RCV-1 RCV-7", "s~ s A", _FAIL, profile="strict"),
    _fault("TRIM_PLUS1", twins.TrimPlus1, "A trim drops one row above confirmed.",
           "I-LOSS", "RCV-1 RCV-7", "s trim A", _TRIM),
    _fault("RETENTION_DROP", twins.RetentionDrop, "Only the last two unconfirmed rows are kept.",
           "I-LOSS", "RCV-1", "s s s A"),
    _fault("MAX_ROW_ALLOC", twins.MaxRowAlloc, "The next seq is max(row) + 1, also when a trim has taken the rows.",
           "I-UNIQ", "SEQ-1 SEQ-3 SEQ-4 SEQ-6 RCV-1 RCV-5 RCV-7", "s A A trim s", _TRIM),
    _fault("MORE_FALSE", twins.MoreFalse, "A page says that no more is due while there is.",
           "I-LOSS", "RCV-2", "s s s A", _PAGING, limit=PAGED),
    _fault("GLOBAL_COUNTER", twins.GlobalCounter, "One counter of seqs serves all accounts.",
           "I-CONTIG", "SEQ-2 SEQ-6 RCV-1 RCV-7", "s y:s y:A", profile="strict"),
    _fault("CROSS_USER_LEAK", twins.CrossUserLeak, "A reply holds rows of another account.",
           "I-ISO", "RCV-1", "s y:A"),
    _fault("DEDUP_UNSCOPED", twins.DedupUnscoped, "A client id is looked up without its sender.",
           "I-LOSS", "SEQ-1 SEQ-3 SEQ-4 RCV-1 RCV-5 RCV-7", "s t A"),
    _fault("DEDUP_BEFORE_STORE", twins.DedupBeforeStore, "A client id is noted before its message is stored.",
           "I-LOSS", "SEQ-1 SEQ-3 SEQ-4 RCV-1 RCV-5 RCV-7", "s~ resend A", _FAIL),
    _fault("DEDUP_LOST_ON_CRASH", twins.DedupLostOnCrash, "The notes of client ids are lost at a kill.",
           "I-ONCE", "SND-3", "s ! resend A", _KILL, profile="idempotent"),
    _fault("ALLOC_BEFORE_VISIBLE", overlapping.AllocBeforeVisible, "A number is taken before its row can be seen.",
           "I-CLOSED", "SEQ-2 SEQ-4 RCV-1 RCV-7", "s1{ s A ]s1 A", _BEGIN),
    _fault("ALLOC_RACE", overlapping.AllocRace, "Two sends read the same largest number, and both add one.",
           "I-UNIQ", "SEQ-3 SEQ-4 RCV-1 RCV-7", "s1{ s ]s1 A", _BEGIN),
    _fault("TWO_ALLOCATORS", overlapping.TwoAllocators, "A second node gives out numbers from an old lease.",
           "I-UNIQ", "SEQ-2 SEQ-3 SEQ-4 RCV-1 RCV-7", "s1{ s ]s1 A", _BEGIN),
    _fault("NO_DEDUP", equivalent.NoDedup, "A retry gets a second seq.",
           "I-ONCE", "SND-3", "s resend A", profile="idempotent"),
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
    _right("RETRY_STORES_AGAIN", equivalent.NoDedup, "A retry makes a second message.", profile="strict"),
    _right("BLOCKS", twins.StepJump, "STEP_JUMP, where gaps are allowed.", profile="gappy"),
    _right("VOID_ON_FAIL", twins.GapOnFail, "GAP_ON_FAIL, where gaps are allowed.", profile="gappy"),
    _right("ONE_COUNTER", twins.GlobalCounter, "GLOBAL_COUNTER, where gaps are allowed.", profile="gappy"),
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
