"""The judge of one account: one world with two monotone marks, moved only when an observation forces it.

Of all the worlds that explain a history, the laziest is enough: in it no open operation has done anything that no
answer has shown yet, and whatever another world can still do, it can too. So there is one world and no search.
``taken`` is the largest seq that some answer forces to exist; ``confirmed`` the largest seq_cli that some answer forces
to have been confirmed. What makes this exact under overlap:

* A recv's three moments lie anywhere in its interval, so for each recv the marks *at its start* are kept; the lower end
  may be any value that confirmed has had since (``path``), or comes to have when a pending recv confirms (``pending``).
* Raising confirmed to v may pass every pending seq_cli below v: all of them join the path.
* A seq at or below ``taken`` of which no answer tells the message is a *hole*. An open send can hold it if the hole was
  beyond ``taken`` when that send began; all holes can be held at once if the k-th hole has k such sends (Hall).
* An undecided send may hide what comes after it: a reply may end right before any seq that was a hole at its start.

Source: PROTOCOL "Theory of operation" and the observed-to-id table; ``worlds`` is the oracle it is tested against.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from itertools import pairwise

from seqproof_model import history as h
from seqproof_model.blame import Context, Observed, Seen, span
from seqproof_model.profile import Profile


class Message:
    """What one client id stands for: one send and its repeats.

    ``free``: the ``floor`` of each attempt that could still turn out to be a message; ``unanswered``: how many attempts
    have no answer; ``seqs``: where it is known to be; ``began`` and ``ended``: the events of its first attempt and of
    the first answer (or ``settled``).
    """

    __slots__ = (
        "attempts",
        "began",
        "body",
        "ended",
        "free",
        "key",
        "promised",
        "refused",
        "repeats",
        "seqs",
        "unanswered",
        "visible",
    )

    def __init__(self, body: str, key: tuple[str, str], began: int) -> None:
        self.body, self.key, self.began = body, key, began
        self.attempts = self.refused = self.unanswered = 0
        self.repeats = 0  # attempts that were answered with the seq of one that had ended before
        self.visible = False  # a row showed the message of a single, unanswered attempt: that one is decided
        self.free: list[int] = []
        self.seqs: list[int] = []
        self.ended: int | None = None
        self.promised: int | None = None


class Pending:
    """An operation under way, and the marks at its start.

    ``floor``: taken; ``upper``: the least that seq_svr may have been; ``holes``: the seqs that may have been undecided;
    ``since``: its place on the path of confirmed.
    """

    __slots__ = ("began", "event", "floor", "holes", "message", "since", "upper")

    def __init__(self, event: h.Send | h.Recv, began: int, floor: int, message: Message | None = None) -> None:
        self.event, self.began, self.floor, self.message = event, began, floor, message
        self.upper, self.since = floor, 0
        self.holes: tuple[int, ...] = ()


class Account:
    """One inbox. Raises ``Seen`` at the first event that no conforming server could have caused."""

    def __init__(self, name: str, profile: Profile, *, paged: bool) -> None:
        self.name, self.profile, self.paged = name, profile, paged
        self.base = self.taken = self.confirmed = profile.before_first
        self.path = [self.base]  # the values that confirmed has had
        self.pending: list[int] = []  # seq_cli of open recvs above confirmed, sorted, with repeats
        self.free: list[int] = []  # floor of each attempt that may hold a seq nobody has told, sorted
        self.holes: list[int] = []  # seqs at or below taken of which no answer tells the message, sorted
        self.undecided: list[int] = []  # floor of each send without an answer, sorted
        self.promised: list[int] = []  # floor of each acknowledged message whose seq is not known, sorted
        self.begun: list[tuple[int, int]] = []  # (began, seq) of each message whose seq is known, sorted
        self.late: list[tuple[int, int]] = []  # (ended, seq) of some whose seq was told only after they ended, rising
        self.at: dict[int, Message] = {}
        self.known: list[int] = []  # the keys of ``at``, sorted; kept only where gaps are allowed
        self.by_body: dict[str, list[Message]] = {}
        self.by_key: dict[tuple[str, str], Message] = {}
        self.context = Context()

    # ---------------------------------------------------------------- operations begin

    def preset(self, seq: int) -> None:
        """The empty account starts at seq_svr = ``seq``. What was confirmed cannot be told apart below it."""
        self.base = self.taken = self.confirmed = seq
        self.path = [seq]

    def begin_send(self, event: h.Send, now: int) -> Pending:
        """A send begins at event ``now``."""
        key = (event.sender, event.client_id)
        message = self.by_key.get(key) if event.client_id else None
        if message is None or message.body != event.body:
            message = Message(event.body, key, now)
            self.by_body.setdefault(event.body, []).append(message)
            if event.client_id:
                self.by_key.setdefault(key, message)
        message.attempts += 1
        message.unanswered += 1
        insort(message.free, self.taken)
        insort(self.free, self.taken)
        insort(self.undecided, self.taken)
        return Pending(event, now, self.taken, message)

    def begin_recv(self, event: h.Recv, now: int) -> Pending:
        """A recv begins at event ``now``."""
        request = Pending(event, now, self.taken)
        request.since = len(self.path) - 1
        if self.holes and self.undecided:
            first = bisect_right(self.holes, max(self.confirmed, self.undecided[0]))
            request.holes = tuple(self.holes[first:])
            if request.holes:
                request.upper = request.holes[0] - 1
        elif self.profile.gaps and self.undecided:
            request.upper = min(self.taken, max(self.confirmed, self.undecided[0]))
        if event.seq_cli > self.confirmed:
            insort(self.pending, event.seq_cli)
        return request

    # ---------------------------------------------------------------- a send ends

    def sent(self, request: Pending, seq: int | None, now: int) -> None:
        """A send was acknowledged, with its seq where the server tells it."""
        message = self._answered(request)
        message.repeats += message.ended is not None and seq in message.seqs
        if seq is None:
            message.ended = message.ended or now
            if not message.seqs and message.promised is None:
                message.promised = request.floor
                self._promise(request.floor)
            return
        if not self.profile.first_seq <= seq <= self.profile.seq_max:
            raise Seen(Observed.SEQ_OUTSIDE, (seq,), n=seq, first=self.profile.first_seq, top=self.profile.seq_max)
        holder = self.at.get(seq)
        if holder is None:
            if seq <= request.floor and not (self.profile.gaps and message.attempts > 1):
                raise Seen(Observed.SEQ_BEHIND, (seq,), body=_quoted(message.body), n=seq, floor=request.floor)
            self._claim(message, seq)
        elif holder is not message and holder.key != message.key:
            raise Seen(Observed.SEQ_TAKEN, (seq,), n=seq, body=_quoted(message.body), other=_quoted(holder.body))
        message.ended = message.ended or now
        while len(message.free) > message.unanswered:
            self._unfree(message, message.free[-1])
        self._hall(seq)

    def _answered(self, request: Pending) -> Message:
        message = request.message
        assert message is not None, "a send carries its message"  # noqa: S101 - begin_send made it
        message.unanswered -= 1
        if not message.visible:
            _remove(self.undecided, request.floor)
        return message

    def refused_send(self, request: Pending, code: h.Code) -> None:
        """A send was definitely refused: it took nothing, and was refused for space only at the end of the space."""
        message = self._answered(request)
        message.refused += 1
        left = message.attempts - message.refused
        if len(message.seqs) > left:
            raise Seen(Observed.REFUSED_APPEARS, tuple(message.seqs), body=_quoted(message.body), n=message.seqs[-1])
        while len(message.free) > max(0, left - len(message.seqs)):
            self._unfree(message, request.floor if request.floor in message.free else message.free[-1])
        top = self.profile.seq_max
        if code is h.Code.FULL and self.taken < top:
            if not self.profile.gaps and top - self.taken > len(self.free) - len(self.holes):
                raise Seen(Observed.FULL_TOO_EARLY, (self.taken,), n=self.taken, top=top)
            self._raise_taken(top + 1)
        self._hall(self.taken)

    def settle(self, request: Pending, now: int) -> None:
        """An unanswered operation can no longer take effect; what it did, it did before ``now``."""
        if request.message is not None:
            message = self._answered(request)
            message.ended = message.ended or now

    # ---------------------------------------------------------------- a recv ends

    def received(self, request: Pending, reply: h.Ok) -> None:
        """A recv was answered with ``reply``."""
        recv = request.event
        assert isinstance(recv, h.Recv), "received() ends a recv"  # noqa: S101
        rows = reply.rows or ()
        if not rows:
            if not self.profile.lagging:
                self._empty(request, recv.seq_cli)
            self._confirm_by_empty(request, recv.seq_cli)
            return
        for seq, body in rows:
            holder = self.at.get(seq)
            if holder is None or holder.body != body:
                self._row(seq, body, holder)
        self._hall(rows[-1][0])
        seqs = [seq for seq, _ in rows]
        self._shape(seqs, recv.seq_cli, self.path[request.since])
        self._upper_end(request, recv.seq_cli, seqs[-1], reply)
        self._lower_end(request, recv.seq_cli, seqs[0])
        if recv.seq_cli > self.confirmed:
            self._raise_confirmed(recv.seq_cli)

    def refused_recv(self, request: Pending, code: h.Code) -> None:
        """A recv was refused. Ahead or malformed: it did nothing. A failing store: it may have confirmed."""
        recv = request.event
        assert isinstance(recv, h.Recv), "refused_recv() ends a recv"  # noqa: S101
        q = recv.seq_cli
        if code is h.Code.STORE:
            return
        legal = code is h.Code.UNREACHABLE or request.upper < q or q < self.profile.before_first
        if not legal:
            raise Seen(Observed.BEHIND_REFUSED, (q,), q=q, code=code.value, due=request.upper)
        if q > self.confirmed:
            _remove(self.pending, q)

    def _row(self, seq: int, body: str, holder: Message | None) -> None:
        """A row that tells something new: its message gets this seq, if it may."""
        candidates = self.by_body.get(body, [])
        if not candidates:
            raise Seen(
                Observed.OTHER_BODY,
                (seq,),
                n=seq,
                body=_quoted(body),
                other="nobody sent that to this account",
                text=body,
            )
        able = [m for m in candidates if m.free and m.free[0] < seq and not (m.seqs and self.profile.idempotent)]
        if holder is not None:
            if able and not able[0].seqs:
                raise Seen(Observed.SEQ_TAKEN, (seq,), n=seq, body=_quoted(body), other=_quoted(holder.body))
            raise Seen(
                Observed.OTHER_BODY,
                (seq,),
                n=seq,
                body=_quoted(body),
                other=f"it belongs to {_quoted(holder.body)}",
                text=body,
            )
        if not able:
            self._impossible_row(seq, candidates[0])
        message = able[0]
        if message.attempts == message.unanswered == 1:
            message.visible = True
            _remove(self.undecided, message.free[0])
        self._claim(message, seq)

    def _impossible_row(self, seq: int, message: Message) -> None:
        body, others = _quoted(message.body), " and ".join(str(n) for n in message.seqs)
        if message.seqs:
            retried = self.profile.idempotent and message.attempts > 1
            raise Seen(
                Observed.TWO_SEQS_RETRY if retried else Observed.TWO_SEQS, (seq,), body=body, others=others, n=seq
            )
        if not message.free:
            raise Seen(Observed.REFUSED_APPEARS, (seq,), body=body, n=seq)
        raise Seen(Observed.SEQ_BEHIND, (seq,), body=body, n=seq, floor=message.free[0])

    def _shape(self, seqs: list[int], q: int, confirmed: int) -> None:
        """Ascending, each once, without a hole, and nothing that was acknowledged."""
        first, last = seqs[0], seqs[-1]
        if last - first + 1 != len(seqs) or any(b - a != 1 for a, b in pairwise(seqs)):
            if len(set(seqs)) < len(seqs):
                raise Seen(Observed.REPEATED, tuple(seqs), rows=_listed(seqs))
            if seqs != sorted(seqs):
                raise Seen(Observed.UNSORTED, tuple(seqs), rows=_listed(seqs))
            given = set(seqs)
            for n in self.existing(first, last):
                if n not in given:
                    raise Seen(Observed.HOLED, (n,), n=n, rows=_listed(seqs))
        if first <= q:
            raise Seen(Observed.OWN_ROW, tuple(n for n in seqs if n <= q), q=q, n=first)
        if first <= confirmed:
            raise Seen(Observed.CONFIRMED_ROW, tuple(n for n in seqs if n <= confirmed), q=q, n=first, floor=confirmed)

    def _upper_end(self, request: Pending, q: int, last: int, reply: h.Ok) -> None:
        if reply.upto is not None and reply.upto != last:
            skipped = span(last + 1, reply.upto) if reply.upto > last else "nothing, but ask for old rows"
            raise Seen(Observed.UPTO_WRONG, (last,), upto=reply.upto, n=last, skipped=skipped)
        if reply.more and not self.paged:
            raise Seen(Observed.MORE_UNDECLARED, (last,))
        if self.profile.lagging or (self.paged and reply.more is not False):
            return
        if (last < request.floor and last < request.upper) or (
            last < request.floor and not self._may_stop(request, last)
        ):
            missing = tuple(self.existing(last + 1, request.floor))[:64]
            observed = Observed.MORE_TOO_EARLY if self.paged else Observed.ENDS_EARLY
            raise Seen(observed, missing, q=q, n=last, due=request.floor)

    def _may_stop(self, request: Pending, last: int) -> bool:
        """Whether seq_svr may have been ``last`` during the request: the next seq was undecided at its start."""
        if self.profile.gaps:
            return True
        at = bisect_left(request.holes, last + 1)
        return at < len(request.holes) and request.holes[at] == last + 1

    def _lower_end(self, request: Pending, q: int, first: int) -> None:
        """Some lower end that the request may take lies right before its first row."""
        low = self._before(first)
        if low <= q < first:
            return
        at = bisect_left(self.path, low, request.since)
        if at < len(self.path) and self.path[at] < first:
            return
        value = self._pending_from(low)
        if value is not None and value < first:
            self._raise_confirmed(value)
            return
        missing = self.existing(max(q, self.path[request.since]) + 1, first - 1)
        seqs = tuple(missing[:64])
        raise Seen(Observed.WRONG_START, seqs, q=q, n=first, missing=span(missing[0], missing[-1]))

    def _empty(self, request: Pending, q: int) -> None:
        """Nothing was due: some lower end that the request may take is no lower than some upper end."""
        if q >= request.upper or self.confirmed >= request.upper:
            return
        value = self._pending_from(request.upper)
        if value is not None:
            self._raise_confirmed(value)
            return
        missing = self.existing(max(q, self.path[request.since]) + 1, request.upper)
        if not missing:
            return
        observed = Observed.EMPTY_PAGE if self.paged else Observed.EMPTY_REPLY
        raise Seen(
            observed,
            tuple(missing[:64]),
            q=q,
            missing=span(missing[0], missing[-1]),
            is_are="is" if len(missing) == 1 else "are",
        )

    def _confirm_by_empty(self, request: Pending, q: int) -> None:
        """An empty answer confirmed seq_cli, or did not (surely ahead), or it cannot be told: then it stays pending."""
        if q <= self.confirmed:
            return
        if q <= request.upper:
            self._raise_confirmed(q)
        elif not self.profile.gaps and q > self.taken + len(self.free) - len(self.holes):
            _remove(self.pending, q)
            self.context.ahead = True

    # ---------------------------------------------------------------- the marks move

    def _pending_from(self, low: int) -> int | None:
        """The smallest pending seq_cli at or above ``low`` that can be confirmed: every seq up to it can exist."""
        at = bisect_left(self.pending, low)
        if at == len(self.pending):
            return None
        value = self.pending[at]
        reach = self.taken + len(self.free) - len(self.holes)
        return value if value <= self.taken or self.profile.gaps or value <= reach else None

    def _raise_confirmed(self, value: int) -> None:
        if value > self.taken:
            self._raise_taken(value + 1)
        passed = bisect_right(self.pending, value)
        for seq_cli in self.pending[:passed]:
            if seq_cli > self.path[-1]:
                self.path.append(seq_cli)
        del self.pending[:passed]
        if value > self.path[-1]:
            self.path.append(value)
        self.confirmed = value

    def _raise_taken(self, beyond: int) -> None:
        """Every seq below ``beyond`` is taken. Callers know that open sends can hold the new holes, or check it."""
        if not self.profile.gaps:
            self.holes.extend(range(self.taken + 1, beyond))
        self.taken = max(self.taken, beyond - 1)

    def _claim(self, message: Message, seq: int) -> None:
        """The message is at ``seq``: an attempt that began below it gave it that number."""
        fit = bisect_left(message.free, seq) - 1
        if message.seqs and (fit < 0 or self.profile.idempotent):
            self._impossible_row(seq, message)
        if fit < 0:
            self._impossible_row(seq, message)
        self._unfree(message, message.free[fit])
        self._in_order(message, seq)
        self.at[seq] = message
        message.seqs.append(seq)
        if message.promised is not None:
            _remove(self.promised, message.promised)
            message.promised = None
        if seq > self.taken:
            if not self.profile.gaps and seq - self.taken - 1 > len(self.free) - len(self.holes):
                raise Seen(Observed.SEQ_SKIPPED, (seq,), n=seq, hole=self.taken + 1)
            self._raise_taken(seq)
            self.taken = seq
        elif not self.profile.gaps:
            _remove(self.holes, seq)
        if self.profile.gaps:
            insort(self.known, seq)
        if self.promised:
            self._fit_promises()

    def _in_order(self, message: Message, seq: int) -> None:
        """A send begun after another had ended has the larger seq, also where a seq is told only later."""
        earlier = bisect_left(self.late, (message.began, 0))
        if earlier and self.late[earlier - 1][1] > seq:
            floor = self.late[earlier - 1][1]
            raise Seen(Observed.SEQ_BEHIND, (seq,), body=_quoted(message.body), n=seq, floor=floor)
        if message.ended is not None:
            for began, other in reversed(self.begun):
                if began < message.ended:
                    break
                if other < seq:
                    raise Seen(Observed.SEQ_BEHIND, (seq,), body=_quoted(self.at[other].body), n=other, floor=seq)
            self._ended_at(message.ended, seq)
        insort(self.begun, (message.began, seq))

    def _ended_at(self, ended: int, seq: int) -> None:
        """Keep ``late`` rising in both: an entry that a smaller seq follows, or a larger one precedes, says nothing."""
        at = bisect_left(self.late, (ended, 0))
        if at and self.late[at - 1][1] >= seq:
            return
        last = at
        while last < len(self.late) and self.late[last][1] <= seq:
            last += 1
        self.late[at:last] = [(ended, seq)]

    def _unfree(self, message: Message, floor: int) -> None:
        _remove(message.free, floor)
        _remove(self.free, floor)

    def _promise(self, floor: int) -> None:
        """A message was acknowledged without its seq: it is at a hole beyond ``floor``; make one if there is none."""
        insort(self.promised, floor)
        self._fit_promises()

    def _fit_promises(self) -> None:
        if self.profile.gaps:
            return
        while not self._promises_fit():
            if self.taken >= self.profile.seq_max:
                raise Seen(
                    Observed.SEQ_OUTSIDE,
                    (self.taken + 1,),
                    n=self.taken + 1,
                    first=self.profile.first_seq,
                    top=self.profile.seq_max,
                )
            self._raise_taken(self.taken + 2)

    def _promises_fit(self) -> bool:
        if len(self.promised) > len(self.holes):
            return False
        return all(hole > floor for hole, floor in zip(reversed(self.holes), reversed(self.promised), strict=False))

    def _hall(self, seq: int) -> None:
        for k, hole in enumerate(self.holes):
            if bisect_left(self.free, hole) <= k:
                raise Seen(Observed.SEQ_SKIPPED, (hole,), n=seq, hole=hole)

    # ---------------------------------------------------------------- what exists

    def _before(self, seq: int) -> int:
        """The largest seq below ``seq`` at which a message exists, or where the account begins."""
        if not self.profile.gaps:
            return seq - 1
        at = bisect_left(self.known, seq) - 1
        return self.known[at] if at >= 0 else self.base

    def existing(self, low: int, high: int) -> range | list[int]:
        """The seqs in low..high at which messages exist."""
        low = max(low, self.base + 1)
        if not self.profile.gaps:
            return range(low, high + 1)
        return self.known[bisect_left(self.known, low) : bisect_right(self.known, high)]


def _remove(numbers: list[int], value: int) -> None:
    """Remove one occurrence from a sorted list."""
    at = bisect_left(numbers, value)
    if at < len(numbers) and numbers[at] == value:
        del numbers[at]


def _quoted(body: str) -> str:
    return f'"{body}"' if len(body) <= 40 else f'"{body[:37]}..."'


def _listed(seqs: list[int]) -> str:
    return "[" + ", ".join(str(n) for n in seqs[:8]) + (", ..." if len(seqs) > 8 else "") + "]"
