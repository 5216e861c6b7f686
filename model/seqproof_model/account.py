"""The judge of one account: two monotone marks, moved only when an observation forces it, and what a recv may answer.

The ledger of the sends (``ledger``) keeps ``taken``, the largest seq that some answer forces to exist. Here stands
``confirmed``, the largest seq_cli that some answer forces to have been confirmed. There is one world, the laziest, and
no search. What makes this exact under overlap:

* A recv's three moments lie anywhere in its interval, so for each recv the marks *at its start* are kept; the lower end
  may be any value that confirmed has had since (``path``), or comes to have when a pending recv confirms (``pending``).
* Raising confirmed to v may pass every pending seq_cli below v: all of them join the path.
* An undecided send may hide what comes after it: a reply may end right before any seq that was a hole at its start.
* A recv that ended in an error, or with nothing where it may have been ahead, stays pending: it may have confirmed.

* A reply may end before a message that was there, if an earlier seq was undecided. It then tells that this seq was the
  last one missing, so that seq_svr was beyond both of them soon after: later and earlier replies must fit to that.
* A value of confirmed has *authors*: the recvs that carried it. When the last of them turns out to have done nothing
  (refused as ahead, say), the value is taken back: a reply that has shown it already makes the refusal a lie.

It is never earlier than the oracle, and later only where it forgets: what an undecided seq implies for a server that
does not tell the seqs, and that a settled send can hold no later seq and hides nothing any more.

Where gaps are allowed the judge is sound and not exact: a seq of which nothing is known may always be void.
Source: docs/protocol.md; the observed-to-id table in docs/requirements.md. Its oracle in tests is ``worlds``.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from itertools import pairwise

from seqproof_model import history as h
from seqproof_model.blame import Observed, Seen, span
from seqproof_model.ledger import Ledger, keep_rising, quoted, remove
from seqproof_model.operations import Message, Pending
from seqproof_model.profile import Profile

__all__ = ["Account", "Message", "Pending"]

NAMED_AT_MOST = 64  # missing seqs that a violation lists
WITHOUT_EFFECT = frozenset({h.Code.AHEAD, h.Code.MALFORMED, h.Code.UNREACHABLE})  # a recv refused so confirmed nothing


class Account(Ledger):
    """One inbox. Raises ``Seen`` at the first event that no conforming server could have caused."""

    def __init__(self, name: str, profile: Profile, *, paged: bool) -> None:
        super().__init__(profile)
        self.name, self.paged = name, paged
        self.confirmed = self.base
        self.path = [self.base]  # the values that confirmed has had
        self.pending: list[int] = []  # seq_cli above confirmed of recvs that may turn out to have confirmed, sorted
        self.authors: dict[int, int] = {}  # seq_cli -> how many recvs that carried it may have confirmed
        self.seen: set[int] = set()  # values of confirmed that some reply's first row showed
        self.at_least = self.base  # the value of confirmed that an empty reply forced, where a larger one would do
        self.reached: list[tuple[int, int]] = []  # (tick, n): seq_svr was n when that many recvs had begun; rising
        self.short: list[tuple[int, int]] = []  # (n, tick): seq_svr was below n when that recv had begun; rising
        self.top_shown = self.base
        self.phones: set[str] = set()

    @property
    def empty(self) -> bool:
        """Whether nothing is known to be in it."""
        return self.taken == self.base and len(self.path) == 1

    def preset(self, seq: int) -> None:
        """The empty account starts at seq_svr = ``seq``. What was confirmed cannot be told apart below it."""
        self.base = self.taken = self.confirmed = self.top_shown = seq
        self.path = [seq]

    def begin_recv(self, event: h.Recv, now: int) -> Pending:
        """A recv begins at event ``now``."""
        request = Pending(event, now, self.taken)
        request.since = len(self.path) - 1
        self.ticks += 1
        request.tick = self.ticks
        self.phones.add(event.phone)
        if self.undecided:
            request.decided = False
            if self.gaps:
                request.upper = self._surely_decided()
            elif self.holes:
                request.sure = max(self.confirmed, self.undecided[0])
                first = bisect_right(self.holes, request.sure)
                if first < len(self.holes):
                    request.upper = self.holes[first] - 1
        q = event.seq_cli
        self.authors[q] = self.authors.get(q, 0) + 1
        if q > self.confirmed:
            insort(self.pending, q)
        return request

    def _surely_decided(self) -> int:
        """The least that seq_svr may be, with gaps: an undecided send is beyond its floor, at a seq nobody knows."""
        upper = max(self.confirmed, self.undecided[0], self.top_shown)
        at = bisect_right(self.known, upper)
        while at < len(self.known) and self.known[at] == upper + 1:
            upper, at = upper + 1, at + 1
        return min(upper, self.taken)

    # ---------------------------------------------------------------- a recv is refused

    def refused_recv(self, request: Pending, code: h.Code) -> None:
        """A recv was refused. Ahead or malformed: it did nothing. Any other error: it may have confirmed."""
        recv = request.event
        assert isinstance(recv, h.Recv), "refused_recv() ends a recv"  # noqa: S101
        q = recv.seq_cli
        self._look_back(request)
        evicted = code is h.Code.POLICY and len(self.phones) > 1  # DEV-1: with two phones, the older may be
        if code is h.Code.STORE or evicted:
            return
        if code is not h.Code.UNREACHABLE and self.profile.before_first <= q <= request.upper:
            raise Seen(Observed.BEHIND_REFUSED, (q,), q=q, code=code.value, due=request.upper)
        if code is h.Code.AHEAD:
            self._was_below(request, q)
        if code in WITHOUT_EFFECT:
            self._did_nothing(q, code)

    def _did_nothing(self, q: int, code: h.Code) -> None:
        """A recv turned out to have confirmed nothing. If it alone can have raised confirmed to q, nobody did."""
        if q > self.confirmed:
            remove(self.pending, q)
        self.authors[q] -= 1
        if self.authors[q] or q <= self.base:
            return
        if q == self.confirmed == self.at_least and q not in self.seen:
            other = self._pending_from(q)
            if other is not None:
                self.at_least = other
                self._raise_confirmed(other)
                return
        if q in self.seen or q == self.at_least == self.confirmed:
            raise Seen(Observed.REFUSED_CONFIRMS, (q,), q=q, code=code.value)

    def _alive(self, value: int) -> bool:
        """Whether some recv, or the start, can have raised confirmed to ``value``."""
        return self.authors.get(value, 1) > 0 or value <= self.base

    # ---------------------------------------------------------------- a recv is answered

    def received(self, request: Pending, reply: h.Ok) -> None:
        """A recv was answered with ``reply``."""
        recv = request.event
        assert isinstance(recv, h.Recv), "received() ends a recv"  # noqa: S101
        q, rows, at = recv.seq_cli, reply.rows, self.at
        self._look_back(request)
        if not rows:
            if not self.profile.lagging:
                self._empty(request, q)
                self._was_below(request, max(q, self.confirmed, *self.pending[-1:]) + 1)
            self._empty_upto(q, reply.upto)
            self._confirm_by_empty(request, q)
            return
        for seq, body in rows:
            holder = at.get(seq)
            if holder is None or holder.body != body:
                self.row(seq, body, holder)
        self._hall(rows[-1][0])
        seqs = [seq for seq, _ in rows]
        self._shape(seqs, q, self.path[request.since])
        self._upper_end(request, q, seqs[-1], reply)
        self._lower_end(request, q, seqs[0])
        if self.gaps:
            self._passed_over(request, q, seqs, reply)
        if q > self.confirmed:
            self._raise_confirmed(q)

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
        if last >= request.floor or (last >= request.upper and self._may_stop(request, last)):
            self._ended_at(request, q, last)
            return
        missing = tuple(self.existing(last + 1, request.floor)[:NAMED_AT_MOST])
        if missing:
            observed = Observed.MORE_TOO_EARLY if self.paged else Observed.ENDS_EARLY
            raise Seen(observed, missing, q=q, n=last, due=f"seq {request.floor}")

    def _may_stop(self, request: Pending, last: int) -> bool:
        """Whether seq_svr may have been ``last`` during the request: the next seq was undecided at its start."""
        return self.gaps or self._was_hole(request, last + 1)

    def _was_hole(self, request: Pending, seq: int) -> bool:
        """Whether ``seq`` was taken when the request began, and may have been undecided."""
        if not request.sure < seq <= request.floor:
            return False
        at = bisect_left(self.holes, seq)
        still = at < len(self.holes) and self.holes[at] == seq
        return still or self.told.get(seq, 0) >= request.tick

    def _ended_at(self, request: Pending, q: int, last: int) -> None:
        """seq_svr was ``last`` at some moment. If the next message was there before, only ``last`` was missing."""
        self._was_below(request, last + 1)
        tick = self.told.get(last + 1)
        if tick is None or self.gaps:
            return
        at = bisect_right(self.short, (last + 1, self.ticks))
        if at and self.short[at - 1][1] > tick:
            raise Seen(Observed.ENDS_BETWEEN, (last + 1,), q=q, n=last, due=last + 1)
        keep_rising(self.reached, tick, last + 1)

    def _was_below(self, request: Pending, seq: int) -> None:
        """At some moment of the request seq_svr was below ``seq``."""
        if seq <= request.floor and not self.gaps:
            keep_rising(self.short, seq, request.tick)

    def _look_back(self, request: Pending) -> None:
        """What replies to others have shown since of seq_svr at the request's start."""
        at = bisect_left(self.reached, (request.tick, 0)) if request.upper < request.floor else 0
        if at and self.reached[at - 1][1] > request.upper and not self.gaps:
            upper = self.reached[at - 1][1]
            while upper < request.floor and not self._was_hole(request, upper + 1):
                upper += 1
            request.upper = upper

    def _lower_end(self, request: Pending, q: int, first: int) -> None:
        """Some lower end that the request may take lies right before its first row."""
        low = self.before(first)
        if low <= q < first:
            return
        for at in range(bisect_left(self.path, low, request.since), len(self.path)):
            if self.path[at] >= first:
                break
            if self._alive(self.path[at]):
                if not self.gaps:
                    self.seen.add(low)
                return
        value = self._pending_from(low)
        if value is not None and value < first:
            if not self.gaps:
                self.seen.add(value)
            self._raise_confirmed(value)
            return
        missing = self.existing(max(q, self.path[request.since]) + 1, first - 1)
        named = tuple(missing[:NAMED_AT_MOST])
        raise Seen(Observed.WRONG_START, named, q=q, n=first, missing=f"seq {span(missing[0], missing[-1])}")

    def _passed_over(self, request: Pending, q: int, seqs: list[int], reply: h.Ok) -> None:
        """Gaps only: what such a reply leaves out between its ends is void; what was acknowledged must be in it."""
        first, last = seqs[0], seqs[-1]
        lower = max(q, self.path[bisect_left(self.path, first) - 1], *self.pending[: bisect_left(self.pending, first)])
        self.close(lower, last)
        self.top_shown = max(self.top_shown, last)
        if self.paged and reply.more is not False:
            return
        unseen = self._unseen(request, lower)
        if unseen is not None:
            observed = Observed.MORE_TOO_EARLY if self.paged else Observed.ENDS_EARLY
            raise Seen(observed, (), q=q, n=last, due=quoted(unseen.body))

    def _unseen(self, request: Pending, lower: int) -> Message | None:
        """Gaps only: a message that was due, and whose seq no answer has ever told."""
        if self.profile.lagging or not request.decided:
            return None
        for message in self.unseen:
            acked, floor = message.acked or request.began, message.promised or 0
            if acked < request.began and floor >= lower and not self._maybe_shown(message.body):
                return message
        return None

    def _maybe_shown(self, body: str) -> bool:
        return bool(self.loose.get(body))

    # ---------------------------------------------------------------- a recv is answered with nothing

    def _empty(self, request: Pending, q: int) -> None:
        """Nothing was due: some lower end that the request may take is no lower than some upper end."""
        if self.gaps and self.unseen:
            unseen = self._unseen(request, max(q, self.confirmed, *self.pending[-1:]))
            if unseen is not None:
                self._something_due(q, (), quoted(unseen.body), one=True)
        if q >= request.upper or self.confirmed >= request.upper:
            return
        value = self._pending_from(request.upper)
        if value is not None:
            self.at_least = value
            self._raise_confirmed(value)
            return
        missing = self.existing(max(q, self.path[request.since]) + 1, request.upper)
        if missing:
            named = tuple(missing[:NAMED_AT_MOST])
            self._something_due(q, named, f"seq {span(missing[0], missing[-1])}", one=len(missing) == 1)

    def _something_due(self, q: int, seqs: tuple[int, ...], missing: str, *, one: bool) -> None:
        observed = Observed.EMPTY_PAGE if self.paged else Observed.EMPTY_REPLY
        raise Seen(observed, seqs, q=q, missing=missing, is_are="is" if one else "are")

    def _empty_upto(self, q: int, upto: int | None) -> None:
        """An empty reply that tells the phone to ask beyond all that can exist makes it acknowledge what is to come."""
        if upto is not None and upto > max(q, self.most) and not self.gaps:
            raise Seen(
                Observed.UPTO_WRONG, (), upto=upto, n=max(q, self.most), skipped=span(max(q, self.most) + 1, upto)
            )

    def _confirm_by_empty(self, request: Pending, q: int) -> None:
        """An empty answer confirmed seq_cli, or did not (surely ahead), or it cannot be told: then it stays pending."""
        if q <= self.confirmed:
            return
        if q <= request.upper:
            self._raise_confirmed(q)
        elif not self.gaps and q > self.most:
            remove(self.pending, q)

    # ---------------------------------------------------------------- confirmed moves

    def _pending_from(self, low: int) -> int | None:
        """The smallest pending seq_cli at or above ``low`` that can be confirmed: every seq up to it can exist."""
        at = bisect_left(self.pending, low)
        if at == len(self.pending):
            return None
        value = self.pending[at]
        return value if value <= self.taken or self.gaps or value <= self.most else None

    def _raise_confirmed(self, value: int) -> None:
        if value > self.taken:
            self._raise_taken(value)
        path, passed = self.path, bisect_right(self.pending, value)
        for seq_cli in self.pending[:passed]:
            if seq_cli > path[-1]:
                path.append(seq_cli)
        del self.pending[:passed]
        if value > path[-1]:
            path.append(value)
        self.confirmed = value


def _listed(seqs: list[int]) -> str:
    return "[" + ", ".join(str(n) for n in seqs[:8]) + (", ..." if len(seqs) > 8 else "") + "]"
