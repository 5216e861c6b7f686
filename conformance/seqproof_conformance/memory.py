"""What is remembered of each account while a history goes by, so that a watcher can tell what an event means.

An event alone says little: "recv, seq_cli 3, no rows" may be an acknowledgement, a phone that asks again, or a request
that is hours late. ``Memory`` reads a history event by event, keeps an ``Inbox`` for each account, and at each answer
tells a ``Scene``: the event, the request that it ends, and the inbox as it was just before. It knows nothing of what is
watched for; that is the table in ``sometimes``. It judges nothing: a faulty server only makes it remember nonsense.

Requests may overlap and accounts interleave. Memory is bounded: of many accounts those used longest ago are forgotten,
and what comes after on such an account is not told. A restore takes everything back, so all accounts are forgotten;
those that lost messages by it begin a second inbox, which knows only what came since.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from seqproof_conformance.memory_routes import Routes
from seqproof_model import history as h
from seqproof_model.malformed import Kind, Plain, malformed, meaning
from seqproof_model.profile import Profile

KEPT = 10_000  # accounts that are remembered at once
UNTRIMMED = -1
UNREACHED = h.Code.UNREACHABLE


class When(StrEnum):
    """At which events a watcher is asked."""

    SENT = "sent"  # a send was acknowledged
    RECEIVED = "received"  # a recv was answered with rows, or with none
    REFUSED = "refused"  # either was refused
    DELIVERED = "delivered"  # a reply reached its phone late
    TIPS_TAKEN = "tips taken"  # all tips so far, the server at rest, and one was owed
    SINCE_RESTORE = "since restore"  # a recv was answered, of an account that a restore took messages from


@dataclass(slots=True)
class Request:
    """A request under way, and what was so when it began; ``number`` counts requests in their order.

    ``high``: the largest seq then known; ``answered``: how many requests of the account had been. ``beside``: a send
    was under way at the same time. ``passed``: of a send, a later one was acknowledged while it was under way.
    ``over``: the sends under way that had been passed so. ``spell``: of the account's routes.
    """

    event: h.Send | h.Recv
    number: int
    kills: int
    high: int
    trimmed: int
    answered: int
    beside: bool = False
    passed: bool = False
    over: tuple[int, ...] = ()
    spell: int = 0


@dataclass(slots=True)
class Inbox:
    """What is remembered of an account. Seqs are as the server tells them.

    ``low``, ``high``: of the messages that were told or shown; ``high`` begins at the account's start. ``doubtful``:
    sends whose seq is not known, or that may come yet. ``raised``: some recv surely confirmed. ``unread``: by body, how
    many kills there were when it was acknowledged. ``confirmed_at``: of kills, when the last recv confirmed.
    ``flying``: replies that did not arrive, with how many answers there had been. ``others``: sends acknowledged to
    other accounts before this one was used. ``malformed``: the kinds of malformed seq_cli that were answered.
    ``restored``: how many restores took messages from it. ``undecided``: some send had no answer.
    """

    high: int
    confirmed: int
    others: int
    low: int | None = None
    doubtful: int = 0
    raised: bool = False
    answered: int = 0
    acks: int = 0
    trimmed: int = UNTRIMMED
    confirmed_at: int | None = None
    requests: dict[int, Request] = field(default_factory=dict[int, Request])
    asked: dict[str, int] = field(default_factory=dict[str, int])
    given: dict[str, int] = field(default_factory=dict[str, int])
    lost: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    page_end: dict[str, int] = field(default_factory=dict[str, int])
    flying: dict[int, tuple[Request, int]] = field(default_factory=dict[int, tuple[Request, int]])
    unanswered: set[int] = field(default_factory=set[int])
    stored: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    failed: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    unread: dict[str, int] = field(default_factory=dict[str, int])
    malformed: set[Kind] = field(default_factory=set[Kind])
    routes: Routes = field(default_factory=Routes)
    restored: int = 0
    undecided: bool = False


NO_REQUEST = Request(h.Recv(0, "", "", 0), 0, 0, 0, UNTRIMMED, 0)


@dataclass(slots=True)
class Scene:
    """What a watcher looks at. ``inbox`` is as it was before the event; ``acks``: of all accounts.

    ``phone``, ``seq_cli`` and ``rows`` are of a recv; ``attempt``, sender and client id, of a send. Where tips are
    taken there is no request, and ``NO_REQUEST`` stands for it.
    """

    profile: Profile
    inbox: Inbox
    request: Request
    answer: h.Ok | h.Refused | h.Delivered | h.Tips
    acks: int
    phone: str = ""
    seq_cli: int = 0
    rows: tuple[tuple[int, str], ...] = ()
    attempt: tuple[str, str] = ("", "")

    def __post_init__(self) -> None:
        event = self.request.event
        if isinstance(event, h.Recv):
            self.phone, self.seq_cli = event.phone, event.seq_cli
            self.rows = (self.answer.rows or ()) if isinstance(self.answer, h.Ok) else ()
        else:
            self.attempt = _attempt(event)

    @property
    def lowest(self) -> int | None:
        """The smallest seq that the answer told or showed; None for none. Rows ascend."""
        return self.rows[0][0] if self.rows else self.told

    @property
    def highest(self) -> int | None:
        """The largest seq that the answer told or showed; None for none."""
        return self.rows[-1][0] if self.rows else self.told

    @property
    def told(self) -> int | None:
        """The seq that a send was told."""
        return self.answer.seq if isinstance(self.answer, h.Ok) else None


def _attempt(send: h.Send) -> tuple[str, str]:
    return (send.sender, send.client_id)


@dataclass
class Memory:
    """Reads a history and calls ``tell`` at each answer and each late reply, before it takes note of it."""

    profile: Profile
    tell: Callable[[When, Scene], None]

    def __post_init__(self) -> None:
        self._inboxes: dict[str, Inbox] = {}  # the one used last stands last
        self._forgotten: set[str] = set()
        self._since_backup: dict[str, None] | None = None  # accounts that messages came to; None: there is no backup
        self._raw: dict[int, tuple[str, Kind]] = {}
        self._open: dict[int, str] = {}
        self._flying: dict[int, str] = {}
        self._begun = self._kills = self._acks = 0

    def feed(self, event: h.Event) -> None:
        """Take the next event of the history."""
        match event:
            case h.Send() | h.Recv():
                self._begin(event)
            case h.Ok() | h.Refused() | h.Indefinite():
                self._end(event)
            case h.Delivered():
                self._delivered(event)
            case h.RecvRaw():
                self._begin_raw(event)
            case h.Kill():
                self._kills += 1
                for inbox in self._inboxes.values():
                    inbox.routes.kill()
            case h.Backup():
                self._since_backup = {}
            case h.Restore():
                self._restore()
            case h.Login() | h.Logout():
                self._connection(event)
            case h.Tips():
                self._tips(event)
            case h.Preset():
                self._preset(event)
            case h.Trim():
                self._trim(event)
            case _:
                pass

    def _inbox(self, name: str) -> Inbox | None:
        """The memory of an account, made when it is first named; None where it was forgotten."""
        if name in self._forgotten:
            return None
        start = self.profile.before_first
        inbox = self._inboxes.pop(name, None) or Inbox(start, start, self._acks)
        self._inboxes[name] = inbox
        if len(self._inboxes) > KEPT:
            oldest = next(iter(self._inboxes))
            del self._inboxes[oldest]
            self._forgotten.add(oldest)
        return inbox

    def _preset(self, event: h.Preset) -> None:
        if inbox := self._inbox(event.account):
            inbox.high = inbox.confirmed = event.seq

    def _trim(self, event: h.Trim) -> None:
        inbox = self._inbox(event.account)
        if inbox and inbox.raised:
            inbox.trimmed = inbox.confirmed

    def _restore(self) -> None:
        """All accounts are forgotten; those that messages came to since the backup begin anew."""
        gone = {name: self._inboxes.get(name) for name in self._since_backup or ()}
        self._forgotten |= self._inboxes.keys()
        self._inboxes.clear()
        start = self.profile.before_first
        for name, inbox in gone.items():
            times = inbox.restored if inbox else 0
            self._inboxes[name] = Inbox(start, start, self._acks, restored=times + 1)
            self._forgotten.discard(name)
        self._since_backup = {}

    def _connection(self, event: h.Login | h.Logout) -> None:
        if inbox := self._inbox(event.account):
            change = inbox.routes.login if isinstance(event, h.Login) else inbox.routes.logout
            change(event.phone)

    def _tips(self, event: h.Tips) -> None:
        for name in event.accounts or list(self._inboxes):
            inbox = self._inboxes.get(name)
            if inbox and inbox.routes.owed and not inbox.requests:
                self._ask(When.TIPS_TAKEN, inbox, NO_REQUEST, event)
                inbox.routes.taken += 1
            if inbox:
                inbox.routes.owed = False

    def _begin_raw(self, event: h.RecvRaw) -> None:
        """A text in the place of seq_cli: a recv like others, or malformed; what may be either is let pass."""
        found = meaning(event.raw, self.profile.seq_max)
        kind = malformed(event.raw, self.profile.seq_max)
        if isinstance(found, Plain):
            self._begin(h.Recv(event.id, event.account, event.phone, found.seq_cli))
        elif kind:
            self._raw[event.id] = event.account, kind

    def _end_raw(self, answer: h.Answer) -> None:
        name, kind = self._raw.pop(answer.id)
        inbox = self._inbox(name)
        reached = isinstance(answer, h.Ok) or (isinstance(answer, h.Refused) and answer.code is not UNREACHED)
        if inbox and reached:
            inbox.malformed.add(kind)

    def _begin(self, event: h.Send | h.Recv) -> None:
        inbox = self._inbox(event.account)
        if inbox is None:
            return
        self._begun += 1
        request = Request(event, self._begun, self._kills, inbox.high, inbox.trimmed, inbox.answered)
        request.spell, inbox.routes.owed = inbox.routes.spell, False
        sending = isinstance(event, h.Send)
        for other in inbox.requests.values():
            other.beside |= sending
            request.beside |= isinstance(other.event, h.Send)
        request.over = tuple(number for number, other in inbox.requests.items() if other.passed)
        inbox.requests[event.id] = request
        inbox.doubtful += sending
        self._open[event.id] = event.account

    def _end(self, answer: h.Answer) -> None:
        if answer.id in self._raw:
            self._end_raw(answer)
            return
        name = self._open.pop(answer.id, "")
        inbox = self._inboxes.get(name)
        request = inbox.requests.pop(answer.id, None) if inbox else None
        if inbox is None or request is None:
            return
        sent = request.event if isinstance(request.event, h.Send) else None
        if isinstance(answer, h.Indefinite):
            inbox.unanswered.add(answer.id)
            inbox.undecided |= sent is not None
            inbox.stored |= {_attempt(sent)} if sent and sent.client_id else set()
        elif isinstance(answer, h.Refused):
            self._ask(When.REFUSED, inbox, request, answer)
            inbox.doubtful -= sent is not None
            if sent and sent.client_id and answer.code is h.Code.STORE:
                inbox.failed.add(_attempt(sent))
        else:
            self._ask(When.SENT if sent else When.RECEIVED, inbox, request, answer)
            self._learn(inbox, answer)
            if sent:
                self._sent(inbox, request, sent, answer)
            elif isinstance(request.event, h.Recv):
                self._received(inbox, request, request.event, answer)
            if not answer.delivered:
                inbox.unanswered.add(answer.id)
                self._flying[answer.id] = name

    def _ask(self, when: When, inbox: Inbox, request: Request, answer: h.Ok | h.Refused | h.Delivered | h.Tips) -> None:
        if not inbox.restored:
            self.tell(when, Scene(self.profile, inbox, request, answer, self._acks))
        elif when is When.RECEIVED:
            self.tell(When.SINCE_RESTORE, Scene(self.profile, inbox, request, answer, self._acks))

    def _learn(self, inbox: Inbox, answer: h.Ok) -> None:
        """Which seqs are there."""
        seqs = [answer.seq] if answer.seq is not None else [seq for seq, _ in answer.rows or ()]
        if seqs:
            inbox.low = min(seqs) if inbox.low is None else min(inbox.low, *seqs)
            inbox.high = max(inbox.high, *seqs)
        inbox.answered += 1

    def _sent(self, inbox: Inbox, request: Request, send: h.Send, answer: h.Ok) -> None:
        inbox.acks += 1
        self._acks += 1
        if not (inbox.requests or inbox.undecided or _attempt(send) in inbox.stored):
            inbox.routes.acknowledged(request.spell)
        if self._since_backup is not None:
            self._since_backup[send.account] = None
            if len(self._since_backup) > KEPT:
                del self._since_backup[next(iter(self._since_backup))]
        inbox.doubtful -= answer.seq is not None
        if inbox.answered == request.answered + 1 and _attempt(send) not in inbox.stored:  # else: perhaps read already
            inbox.unread[send.body] = self._kills
        if send.client_id:
            inbox.stored.add(_attempt(send))
            inbox.failed.discard(_attempt(send))
        for other in inbox.requests.values():
            other.passed |= isinstance(other.event, h.Send) and other.number < request.number

    def _received(self, inbox: Inbox, request: Request, recv: h.Recv, answer: h.Ok) -> None:
        phone, q, rows = recv.phone, recv.seq_cli, answer.rows or ()
        confirms = inbox.confirmed < q <= inbox.high
        inbox.confirmed_at = self._kills if confirms else None
        inbox.raised |= confirms
        inbox.confirmed = q if confirms else inbox.confirmed
        inbox.asked[phone] = max(q, inbox.asked.get(phone, q))
        inbox.lost.pop(phone, None)
        inbox.page_end.pop(phone, None)
        for _, body in rows:
            inbox.unread.pop(body, None)
        if not rows:
            return
        last = rows[-1][0]
        inbox.given[phone] = max(last, inbox.given.get(phone, last))
        if not answer.delivered:
            inbox.lost[phone] = (answer.id, q)
            inbox.flying[answer.id] = (request, inbox.answered)
        elif answer.more or (last < request.high and not request.beside):
            inbox.page_end[phone] = last

    def _delivered(self, event: h.Delivered) -> None:
        inbox = self._inboxes.get(self._flying.pop(event.id, ""))
        if inbox is None or event.id not in inbox.flying:
            return
        request, _ = inbox.flying[event.id]
        self._ask(When.DELIVERED, inbox, request, event)
        del inbox.flying[event.id]
        inbox.unanswered.discard(event.id)
        inbox.lost = {phone: lost for phone, lost in inbox.lost.items() if lost[0] != event.id}
