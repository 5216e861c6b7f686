"""Conditions that a good run has met at least once: what it must have seen before its silence means anything.

**Theory.** A run that finds nothing says something only about what it did. A server that was never asked by a second
phone has not shown that it serves one. So beside what must *always* hold stands a list of what must *sometimes* happen:
a lost reply was asked for again, a kill fell between a send and its first reading. A run in which one of them never
happened is inconclusive, however many requests it made. That guards the suites too: one that stops doing what it is
there for is noticed.

The list is data, ``CONDITIONS``: a name, a sentence, the capabilities without which it cannot happen, and a *watcher*.
A watcher is asked at one kind of event: an answer to a send, an answer to a recv, a refusal, a reply that arrives late,
a look at the tips.
It looks at a ``Scene``: the event, the request that it ends, and what is remembered of the account (``memory``). What
is uncertain does not count: a watcher says whether the situation has surely been there.

``Watch`` counts. "No answer" means none that anybody got: the request was indefinite, or its reply was lost. Of
a suite, restores stand in golden scenarios alone: each takes back the accounts of all scenarios, so nothing can be
played beside one, and every course with one would cost a start of the server.
Source: docs/architecture.md, "What a pass means".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from seqproof_conformance.memory import Memory, Scene, When
from seqproof_conformance.memory_routes import NOBODY
from seqproof_model import history as h
from seqproof_model.malformed import Kind
from seqproof_model.profile import Profile


@dataclass(frozen=True)
class Condition:
    """What is to happen at least once: ``text`` says it. ``needs``: capabilities; ``fits``: profiles where it can."""

    name: str
    text: str
    when: tuple[When, ...]
    holds: Callable[[Scene], bool]
    needs: frozenset[str] = frozenset()
    fits: Callable[[Profile], bool] = lambda _: True


# ---------------------------------------------------------------- watchers


def _asked_again(s: Scene) -> bool:
    return bool(s.rows) and s.inbox.lost.get(s.phone, (0, None))[1] == s.seq_cli


def _other_phone(s: Scene) -> bool:
    return bool(s.rows) and any(s.rows[0][0] <= last for phone, last in s.inbox.given.items() if phone != s.phone)


def _confirms(s: Scene) -> bool:
    return s.inbox.confirmed < s.seq_cli <= s.inbox.high


def _ahead(s: Scene) -> bool:
    if s.seq_cli <= s.inbox.high + s.inbox.doubtful:
        return False
    if isinstance(s.answer, h.Refused):
        return s.answer.code is h.Code.AHEAD
    return not s.rows and not s.profile.gaps  # with gaps nobody knows how far seq_svr is


def _late_reply(s: Scene) -> bool:
    return isinstance(s.answer, h.Delivered) and s.inbox.answered > s.inbox.flying[s.answer.id][1]


def _killed_unread(s: Scene) -> bool:
    return any(s.inbox.unread.get(body, s.request.kills) < s.request.kills for _, body in s.rows)


def _crosses(edge: int) -> Callable[[Scene], bool]:
    """The first message at or beyond an edge, of an account that has one below it."""

    def holds(s: Scene) -> bool:
        lowest, highest = s.lowest, s.highest
        if lowest is None or highest is None or not s.inbox.high < edge <= highest:
            return False
        return min(lowest, highest if s.inbox.low is None else s.inbox.low) < edge

    return holds


def _full(s: Scene) -> bool:
    full = isinstance(s.answer, h.Refused) and s.answer.code is h.Code.FULL
    return full and (s.profile.gaps or s.inbox.high == s.profile.seq_max)


def _after_malformed(kind: Kind) -> Callable[[Scene], bool]:
    """A reply that holds messages although such a seq_cli came before."""
    return lambda s: bool(s.rows) and kind in s.inbox.malformed


# ---------------------------------------------------------------- the table

_ANSWERED, _RECEIVED, _SENT = (When.SENT, When.RECEIVED), (When.RECEIVED,), (When.SENT,)
_KILL, _PRESET, _TRIM = frozenset({"kill"}), frozenset({"preset_seq"}), frozenset({"trim"})
_TAKEN, _BACK = (When.TIPS_TAKEN,), (When.SINCE_RESTORE,)
_TIPS, _RAW, _BACKUP = frozenset({"tips"}), frozenset({"recv_raw"}), frozenset({"backup"})
_PAGING, _FAIL, _OVERLAP = frozenset({"paging"}), frozenset({"fail_next_store"}), frozenset({"overlap"})

CONDITIONS = (
    Condition(
        "lost-reply-asked-again",
        "a reply with messages was lost, and its phone asked again with the same seq_cli",
        _RECEIVED,
        _asked_again,
    ),
    Condition(
        "another-phone-while-unconfirmed",
        "messages that one phone had been given were unconfirmed, and another phone got them too",
        _RECEIVED,
        _other_phone,
    ),
    Condition("a-recv-confirmed", "a recv confirmed messages that were there", _RECEIVED, _confirms),
    Condition(
        "asked-below-confirmed",
        "a phone asked with less than was confirmed",
        _RECEIVED,
        lambda s: s.inbox.raised and s.seq_cli < s.inbox.confirmed,
    ),
    Condition(
        "a-recv-ahead",
        "a recv was ahead of seq_svr",
        (When.REFUSED, When.RECEIVED),
        _ahead,
    ),
    Condition(
        "late-request",
        "a late request landed after a newer one of the same phone",
        _RECEIVED,
        lambda s: s.seq_cli < s.inbox.asked.get(s.phone, s.seq_cli),
    ),
    Condition(
        "late-reply",
        "a reply reached its phone after other requests had been answered",
        (When.DELIVERED,),
        _late_reply,
    ),
    Condition(
        "send-repeated",
        "a send that was stored, or may have been, was repeated with its client id",
        _SENT,
        lambda s: bool(s.attempt[1]) and s.attempt in s.inbox.stored,
    ),
    Condition(
        "two-accounts",
        "two accounts were used side by side: messages came to one between the first request and a reply of the other",
        _RECEIVED,
        lambda s: bool(s.rows) and s.acks - s.inbox.others > s.inbox.acks,
    ),
    Condition(
        "no-answer-and-others-followed",
        "a request of an account had no answer that anybody got, and others were answered after it",
        _ANSWERED,
        lambda s: bool(s.inbox.unanswered) and isinstance(s.answer, h.Ok) and s.answer.delivered,
    ),
    Condition(
        "kill-before-the-first-read",
        "a kill fell between an acknowledged send and the first read of it",
        _RECEIVED,
        _killed_unread,
        _KILL,
    ),
    Condition(
        "kill-after-a-confirm",
        "a kill fell between a recv that confirmed and the next recv",
        _RECEIVED,
        lambda s: s.inbox.confirmed_at is not None and s.inbox.confirmed_at < s.request.kills,
        _KILL,
    ),
    Condition(
        "crossed-2^24",
        "an account has messages on both sides of 2^24, where a float loses count",
        _ANSWERED,
        _crosses(2**24),
        _PRESET,
        lambda p: p.first_seq < 2**24 <= p.seq_max,
    ),
    Condition(
        "crossed-2^31",
        "an account has messages on both sides of 2^31, where a signed number turns negative",
        _ANSWERED,
        _crosses(2**31),
        _PRESET,
        lambda p: p.first_seq < 2**31 <= p.seq_max,
    ),
    Condition(
        "seq-max-reached",
        "the last seq of the space was used",
        _ANSWERED,
        lambda s: s.highest == s.profile.seq_max,
        _PRESET,
        lambda p: not p.gaps,  # an allocator that skips may never give it
    ),
    Condition(
        "refused-for-space",
        "a send was refused because the space was used up",
        (When.REFUSED,),
        _full,
        _PRESET,
    ),
    Condition(
        "next-page-asked",
        "a page ended before what was due, and the next page was asked for",
        _RECEIVED,
        lambda s: bool(s.rows) and s.inbox.page_end.get(s.phone) == s.seq_cli,
        _PAGING,
    ),
    Condition(
        "trimmed-and-read-around",
        "confirmed messages were trimmed, and a phone asked from below them",
        _RECEIVED,
        lambda s: s.seq_cli < s.request.trimmed,
        _TRIM,
    ),
    Condition(
        "store-failed-and-repeated",
        "a store failed, and the send was repeated and acknowledged",
        _SENT,
        lambda s: s.attempt in s.inbox.failed,
        _FAIL,
    ),
    Condition(
        "two-sends-at-once",
        "two sends of an account were under way at once",
        _SENT,
        lambda s: s.request.beside,
        _OVERLAP,
    ),
    Condition(
        "recv-during-a-send",
        "a recv was under way while a send of the account was",
        _RECEIVED,
        lambda s: s.request.beside,
        _OVERLAP,
    ),
    Condition(
        "held-send-passed",
        "a send was held open while a later one was acknowledged and a phone asked for it",
        _RECEIVED,
        lambda s: any(number in s.inbox.requests for number in s.request.over),
        frozenset({"begin_send"}),
    ),
    Condition(
        "tips-after-a-message",
        "a message came while a phone was logged in, and the tips were looked at before anybody asked",
        _TAKEN,
        lambda s: bool(s.inbox.routes.route),
        _TIPS,
    ),
    Condition(
        "tips-each-time",
        "tips were looked at after a second message of the same connection",
        _TAKEN,
        lambda s: bool(s.inbox.routes.route) and s.inbox.routes.taken > 0,
        _TIPS,
    ),
    Condition(
        "tips-after-the-route-moved",
        "a message came after another phone had logged in, and the tips were looked at",
        _TAKEN,
        lambda s: bool(s.inbox.routes.route) and len(s.inbox.routes.logins) > 1,
        _TIPS,
    ),
    Condition(
        "tips-after-a-late-logout",
        "a phone logged out after another had logged in, a message came, and the tips were looked at",
        _TAKEN,
        lambda s: bool(s.inbox.routes.route) and s.inbox.routes.older_closed,
        _TIPS,
    ),
    Condition(
        "tips-with-nobody-connected",
        "a message came after every phone had logged out, and the tips were looked at",
        _TAKEN,
        lambda s: s.inbox.routes.route == NOBODY,
        _TIPS,
    ),
    Condition(
        "tips-after-a-kill",
        "a phone logged in again after a kill, a message came, and the tips were looked at",
        _TAKEN,
        lambda s: bool(s.inbox.routes.route) and s.inbox.routes.killed,
        _TIPS | _KILL,
    ),
    *(
        Condition(
            f"malformed-{name}",
            f"after a seq_cli that is {kind} a reply held messages",
            _RECEIVED,
            _after_malformed(kind),
            _RAW,
        )
        for name, kind in (
            ("negative", Kind.NEGATIVE),
            ("fraction", Kind.FRACTION),
            ("above", Kind.ABOVE),
            ("word", Kind.WORD),
        )
    ),
    Condition(
        "restored-and-went-on",
        "messages came after a backup and were lost to a restore; more came, and a phone asked",
        _BACK,
        lambda s: s.inbox.acks > 0,
        _BACKUP,
    ),
    Condition(
        "restored-twice",
        "a second restore took messages again that had come since the first; more came, and a phone asked",
        _BACK,
        lambda s: s.inbox.acks > 0 and s.inbox.restored > 1,
        _BACKUP,
    ),
)


ASKED_AT = {when: tuple(item for item in CONDITIONS if when in item.when) for when in When}


@dataclass
class Watch:
    """Counts how often each condition happened. Pickled, it is its counts alone, so that processes can add up."""

    profile: Profile
    reached: Counter[str] = field(default_factory=Counter[str])

    def __post_init__(self) -> None:
        self._memory = Memory(self.profile, self._watch)

    def __reduce__(self) -> tuple[type[Watch], tuple[Profile, Counter[str]]]:
        return type(self), (self.profile, self.reached)

    def feed(self, event: h.Event) -> None:
        """Take the next event of the history."""
        self._memory.feed(event)

    def merge(self, other: Watch) -> None:
        """Add what another process counted."""
        self.reached.update(other.reached)

    def _watch(self, when: When, scene: Scene) -> None:
        for condition in ASKED_AT[when]:
            if condition.holds(scene):
                self.reached[condition.name] += 1


def expected(capabilities: Collection[str], profile: Profile) -> list[Condition]:
    """The conditions that a good run on such a target must have met."""
    return [item for item in CONDITIONS if item.needs <= set(capabilities) and item.fits(profile)]


def missing(watch: Watch, capabilities: Collection[str], profile: Profile) -> list[Condition]:
    """Those of the expected conditions that never happened."""
    return [item for item in expected(capabilities, profile) if not watch.reached[item.name]]
