"""The judge of tips: after a message is there to be read, at least one tip follows, to the account's current route.

A tip says only "there is something new". It has no authority (PSH-1): phones of the kit pay no heed to it, so every
tip of a history is as good as lost, and all other requirements are held as if there were none. What is held here is
that tips come at all (PSH-2), and where to (PSH-3).

The route. Each login of a phone makes its connection the account's current route. It stays the route until it is
closed, the server is killed, or another phone logs in. A connection that is closed *after* another phone has logged in
changes nothing. Once the latest one is closed it is not known whether an older one is still served (DEV-1: the server
may have evicted it), so nothing is demanded then. When no connection is up at all, the push of the phone's operating
system SHOULD be used: whether it was is counted and never blamed.

What is owed. Tips are not matched to messages: one tip may stand for many, and more tips than messages are legal, to
any phone of the account and in any way. Of an account's messages the last one that was acknowledged decides, since a
tip that follows it follows all. It is owed a tip when all of this holds:

* the route was up, and the same, from the send's begin until the tips were taken;
* no other send of the account was undecided at the acknowledgement: an earlier one may hide it (visibility horizon);
* the send was the first under its client id: a repeat may store nothing;
* no recv since its begin was given it, or may have been: what is read needs no tip.

When a message becomes visible is seen from outside only at times. It may be when its send begins; then a tip that was
taken while the send was still open may be the one. It was surely later, if a recv that came in between, with a seq_cli
that does not cover it, was answered without it: tips taken before that recv came too early, and do not count.

Under ``lagging`` a message may become visible at any later time, and nothing is owed.
Source: requirements PSH-1 to PSH-3; docs/requirements.md, "Tips".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from seqproof_model import history as h
from seqproof_model.account import Account
from seqproof_model.blame import Observed, Seen
from seqproof_model.ledger import quoted
from seqproof_model.operations import Pending
from seqproof_model.requirements import kept, should

WITHOUT_A_LOOK = frozenset({h.Code.AHEAD, h.Code.MALFORMED, h.Code.UNREACHABLE})  # a recv refused so was given nothing


@dataclass
class Owed:
    """A message that is owed a tip, once its send is acknowledged.

    ``phone``: the current route, None where no connection is up. ``since``: an event before which it was not visible.
    ``acked``: the event of the acknowledgement. ``taken``: each time that tips were taken since its send began, with
    the phones that got one.
    """

    request: Pending
    phone: str | None
    since: int
    acked: int | None = None
    taken: list[tuple[int, frozenset[str]]] = field(default_factory=list[tuple[int, frozenset[str]]])

    @property
    def body(self) -> str:
        """The message."""
        return self.request.event.body if isinstance(self.request.event, h.Send) else ""

    def phones(self) -> set[str]:
        """The phones that got a tip since it may have been visible."""
        return set[str]().union(*(phones for at, phones in self.taken if at > self.since))


class Tipped:
    """The tips of one account, from its first login on. ``counts`` is shared by all accounts."""

    def __init__(self, account: Account, counts: Counter[str]) -> None:
        self.account, self.counts = account, counts
        self.up: list[str] = []  # phones whose connection is up, in the order of their logins
        self.route: str | None = None
        self.logins: list[str] = []
        self.open: dict[int, Owed] = {}  # by operation: sends under way
        self.recvs: dict[int, int] = {}  # by operation: the event at which a recv under way began
        self.due: Owed | None = None
        self.sent = False  # since tips were last taken
        self.told: set[str] = set()  # bodies that a tip announced, and that nobody has read yet
        self.any = False  # whether a tip ever came

    # ---------------------------------------------------------------- connections

    def login(self, phone: str) -> None:
        """A phone's connection is the route."""
        self._forget()
        self.up = [*(other for other in self.up if other != phone), phone]
        self.route = phone
        self.logins = [*(other for other in self.logins if other != phone), phone]

    def logout(self, phone: str) -> None:
        """A connection is closed. One that is not the route takes nothing with it."""
        if phone not in self.up:
            return
        self.up.remove(phone)
        if phone == self.route:
            self.route = None
            self._forget()

    def killed(self) -> None:
        """The server was killed: no connection outlives it, and tips that were under way may be lost."""
        self.up, self.route = [], None
        self.logins = []  # what a server still knows of its phones after that is its own affair
        self._forget()

    def _forget(self) -> None:
        self.open.clear()
        self.due = None

    # ---------------------------------------------------------------- sends and recvs

    def begin(self, request: Pending, now: int) -> None:
        """A request begins at event ``now``."""
        event = request.event
        if isinstance(event, h.Recv):
            self.recvs[event.id] = now
            return
        self.sent = True
        if self.route or (self.logins and not self.up):
            self.open[event.id] = Owed(request, self.route, now)

    def end(self, answer: h.Answer, now: int) -> None:
        """A request was answered at event ``now``, or is in doubt, after the account was held to it."""
        if answer.id in self.recvs:
            self._received(answer, self.recvs.pop(answer.id))
        elif answer.id in self.open:
            owed = self.open.pop(answer.id)
            message, alone = owed.request.message, not self.account.undecided
            if isinstance(answer, h.Ok) and alone and message and message.attempts == 1 and not message.shared:
                owed.acked, self.due = now, owed

    def _received(self, answer: h.Answer, began: int) -> None:
        """What a recv gave, or may have given, needs no tip."""
        if isinstance(answer, h.Refused) and answer.code in WITHOUT_A_LOOK:
            return
        if not isinstance(answer, h.Ok):
            self._forget()
            return
        given = {body for _, body in answer.rows or ()}
        self.counts["PSH-1"] += bool(given & self.told)
        self.told -= given
        for key, owed in list(self.open.items()):
            if owed.body in given:
                del self.open[key]
            else:
                self._not_yet(owed, began, answer)
        if self.due and self.due.body in given:
            self.due = None
        elif self.due and began < (self.due.acked or 0):
            self._not_yet(self.due, began, answer)

    def _not_yet(self, owed: Owed, began: int, answer: h.Ok) -> None:
        """A reply without the message, which would have held it: it was not there when the recv began."""
        whole = not answer.rows or not self.account.paged or answer.more is False
        covered = any(count and q > owed.request.floor for q, count in self.account.authors.items())
        if began > owed.since and whole and not covered:  # covered: it may have been there, and confirmed
            owed.since = began

    # ---------------------------------------------------------------- tips are taken

    def take(self, tips: Iterable[h.Tip], now: int, strangers: Iterable[str]) -> None:
        """All tips since the last time. ``strangers``: other accounts that got tips for nothing. Raises Seen."""
        tips = list(tips)
        phones = frozenset(tip.phone for tip in tips)
        self.any |= bool(tips)
        for owed in (*self.open.values(), *([self.due] if self.due else [])):
            owed.taken.append((now, phones))
        due, self.due, self.sent = self.due, None, False
        if due is None or self.recvs or self.account.profile.lagging:  # a recv under way may be given it
            return
        came = due.phones()
        if due.phone is None:
            self.counts[should("PSH-3")] += 1
            self.counts[kept("PSH-3")] += bool(came)
        elif due.phone in came:
            self.counts["PSH-2"] += 1
            self.counts["PSH-3"] += len(self.logins) > 1
            self.told.add(due.body)
        else:
            self._blame(due, due.phone, came, sorted(strangers))

    def _blame(self, due: Owed, phone: str, came: set[str], strangers: list[str]) -> None:
        body = quoted(due.body)
        if came:
            raise Seen(Observed.TIP_ASTRAY, body=body, phone=phone, others=f"phone {' and '.join(sorted(came))}")
        if any(phones for _, phones in due.taken):
            raise Seen(Observed.TIP_EARLY, body=body, phone=phone)
        if strangers:
            raise Seen(Observed.TIP_ELSEWHERE, body=body, others=f"account {' and '.join(strangers)}")
        raise Seen(Observed.TIP_MISSING, body=body, phone=phone)
