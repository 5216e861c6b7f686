"""The judge's half that speaks of sends: which seqs exist, which send made which message, what is still unexplained.

Of all the worlds that explain a history, the laziest is enough: in it no open operation has done anything that no
answer has shown yet, and whatever another world can still do, it can too. So there is one world and no search.
``taken`` is the largest seq that some answer forces to exist. What makes this exact under overlap:

* A seq at or below ``taken`` of which no answer tells the message is a *hole*. An open send can hold it if the hole was
  beyond ``taken`` when that send began (its *floor*); all holes can be held at once if the k-th hole has k such sends
  (Hall).
* A message that was acknowledged without its seq is *promised*: it is at a hole beyond its floor.
* A send that was repeated under its client id may, outside of ``idempotent``, have made a message with each attempt,
  also where every attempt was told the same seq: all attempts stay able until a row or an answer shows their message.
* A row whose body was sent more than once may belong to any of several messages. It then stays a hole, of which only
  the body is known (*loose*), until an answer tells whose it is.
* Where gaps are allowed there are no holes: a seq that nobody tells may be void. There a reply *closes* what it passes
  over: what it did not show between its rows does not exist, and never will.

What must hold of all holes or of all promises is checked where the last answer can have changed it, and only at the
ends of stretches: between two floors the last hole has the least to spare. So an answer costs a few bisections, not a
walk over all that is open.

Source: requirements SEQ-1 to SEQ-6, SND-1 to SND-5; the observed-to-id table in docs/requirements.md.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort

from seqproof_model import history as h
from seqproof_model.blame import Observed, Seen
from seqproof_model.operations import Key, Message, Pending
from seqproof_model.profile import Profile


class Ledger:
    """The seqs of one inbox. Raises ``Seen`` at the first answer that no conforming server could have given."""

    def __init__(self, profile: Profile) -> None:
        self.profile, self.gaps = profile, profile.gaps
        self.base = self.taken = profile.before_first
        self.free: list[int] = []  # floor of each attempt that may hold a seq nobody has told, sorted
        self.holes: list[int] = []  # seqs at or below taken of which no answer tells the message, sorted
        self.told: dict[int, int] = {}  # seq -> how many recvs had begun when its message was told
        self.ticks: int = 0  # recvs begun
        self.worse: tuple[int, int] | None = None  # holes in here lost a send that could hold them; to be checked
        self.undecided: list[int] = []  # floor of each send without an answer, sorted
        self.promised: list[int] = []  # floor of each acknowledged message whose seq is not known, sorted
        self.begun: list[tuple[int, int]] = []  # (began, seq): the least seq among those begun then or later; rising
        self.late: list[tuple[int, int]] = []  # (ended, seq) of some whose seq was told only after they ended, rising
        self.at: dict[int, Message] = {}
        self.by_body: dict[str, list[Message]] = {}
        self.able: dict[str, dict[Message, None]] = {}  # body -> the messages that may hold a seq nobody has told
        self.loose: dict[str, list[int]] = {}  # body -> seqs that some row showed it at, message not known; sorted
        self.by_key: dict[Key, list[Message]] = {}
        self.known: list[int] = []  # gaps only: the keys of ``at``, sorted
        self.unseen: dict[Message, None] = {}  # gaps only: acknowledged, seq not known
        self.closed: list[tuple[int, int]] = []  # gaps only: (low, high], in which nothing new can appear; sorted

    @property
    def most(self) -> int:
        """The largest seq that can exist by now (strict)."""
        return self.taken + len(self.free) - len(self.holes)

    # ---------------------------------------------------------------- a send begins and ends

    def begin_send(self, event: h.Send, now: int) -> Pending:
        """A send begins at event ``now``."""
        message, taken = self._message(event, now), self.taken
        message.attempts += 1
        message.unanswered += 1
        message.floors.append(taken)
        if not (self.profile.idempotent and self._stored(message)):
            message.free.append(taken)  # floors only grow, so these three lists stay sorted
            self.free.append(taken)
            self.able.setdefault(event.body, {})[message] = None
        self.undecided.append(taken)
        return Pending(event, now, taken, message)

    def _message(self, event: h.Send, now: int) -> Message:
        key = (event.sender, event.client_id) if event.client_id else None
        siblings = self.by_key.get(key) if key else None
        for message in siblings or ():
            if message.body == event.body:
                return message
        message = Message(event.body, key, now)
        self.by_body.setdefault(event.body, []).append(message)
        if siblings is not None:
            siblings.append(message)
            for sibling in siblings:
                sibling.shared = True
        elif key:
            self.by_key[key] = [message]
        return message

    def sent(self, request: Pending, seq: int | None, now: int) -> None:
        """A send was acknowledged, with its seq where the server tells it."""
        message = self._answered(request)
        if seq is None:
            message.acked, message.ended = message.acked or now, message.ended or now
            if not message.seqs and message.promised is None and not message.shared:
                self._promise(message, message.free[0] if message.free else request.floor)
            return
        self._in_space(seq)
        message.repeats += message.acked is not None and seq in message.seqs
        holder = self.at.get(seq)
        if message.shared and self._anothers(message, seq, holder):
            self._no_skip(seq)
            self._raise_taken(seq)
            return
        if holder is None or (holder.loose and holder.body == message.body):
            self._claim(message, seq)
        elif holder is not message and (holder.key is None or holder.key != message.key):
            raise Seen(Observed.SEQ_TAKEN, (seq,), n=seq, body=quoted(message.body), other=quoted(holder.body))
        message.acked, message.ended = message.acked or now, message.ended or now
        self._hall(seq)

    def _anothers(self, message: Message, seq: int, holder: Message | None) -> bool:
        """Whether a seq told under a client id with several bodies may belong to another of them: then it is left."""
        others = [m for m in self.by_key[message.key] if m is not message] if message.key else []
        if holder is None:
            return any(other.free and other.free[0] < seq for other in others)
        return holder.loose and any(other.body == holder.body for other in others)

    def _in_space(self, seq: int) -> None:
        first, top = self.profile.first_seq, self.profile.seq_max
        if not first <= seq <= top:
            raise Seen(Observed.SEQ_OUTSIDE, (seq,), n=seq, first=first, top=top)

    def _answered(self, request: Pending) -> Message:
        message = request.message
        assert message is not None, "a send carries its message"  # noqa: S101 - begin_send made it
        message.unanswered -= 1
        if not (message.visible and message.began == request.began):
            remove(self.undecided, request.floor)
        return message

    def refused_send(self, request: Pending, code: h.Code) -> None:
        """A send was definitely refused: it took nothing, and was refused for space only at the end of the space."""
        message = self._answered(request)
        remove(message.floors, request.floor)
        if any(bisect_left(message.floors, seq) <= k for k, seq in enumerate(sorted(message.seqs))):
            raise Seen(Observed.REFUSED_APPEARS, tuple(message.seqs), body=quoted(message.body), n=message.seqs[-1])
        while len(message.free) > max(0, len(message.floors) - len(message.seqs)):
            self._unfree(message, request.floor if request.floor in message.free else message.free[-1])
        top = self.profile.seq_max
        if code is h.Code.FULL and self.taken < top and not self.gaps:  # with gaps, the rest may have been skipped
            if top > self.most:
                raise Seen(Observed.FULL_TOO_EARLY, (self.taken,), n=self.taken, top=top)
            self._raise_taken(top)
        self._hall(self.taken)

    def settle(self, request: Pending, now: int) -> None:
        """An unanswered operation can no longer take effect; what it did, it did before ``now``."""
        if request.message is not None:
            self._answered(request)
            request.message.unanswered += 1
            request.message.ended = request.message.ended or now

    # ---------------------------------------------------------------- a row tells something new

    def row(self, seq: int, body: str, holder: Message | None) -> None:
        """A row that tells something new: its message gets this seq, if it may."""
        candidates = self.by_body.get(body)
        if not candidates:
            unknown = "nobody sent that to this account"
            raise Seen(Observed.OTHER_BODY, (seq,), n=seq, body=quoted(body), other=unknown, text=body)
        able = [m for m in self.able.get(body, ()) if m.free[0] < seq]
        if holder is not None:
            if able and not able[0].seqs:
                raise Seen(Observed.SEQ_TAKEN, (seq,), n=seq, body=quoted(body), other=quoted(holder.body))
            other = f"it belongs to {quoted(holder.body)}"
            raise Seen(Observed.OTHER_BODY, (seq,), n=seq, body=quoted(body), other=other, text=body)
        self._in_space(seq)
        if not able:
            self._impossible(seq, candidates[0])
        if len(able) > 1:
            self._loose(seq, body, candidates)
            return
        message = able[0]
        if message.attempts == message.unanswered == 1 and message.ended is None:
            message.visible = True
            remove(self.undecided, message.free[0])
        self._claim(message, seq)

    def _loose(self, seq: int, body: str, candidates: list[Message]) -> None:
        """The row may belong to any of several messages with this body: it stays a hole."""
        floors = sorted(floor for message in self.able[body] for floor in message.free)
        loose = self.loose.setdefault(body, [])
        insort(loose, seq)
        for k, n in enumerate(loose):
            if bisect_left(floors, n) <= k:
                others = " and ".join(str(n) for n in loose[:-1])
                raise Seen(Observed.TWO_SEQS, (seq,), body=quoted(body), others=others, n=seq)
        self._no_skip(seq)
        self._raise_taken(seq)
        self._put(Message(body, None, min(message.began for message in candidates), loose=True), seq)

    def _put(self, message: Message, seq: int) -> None:
        if self.gaps:
            if any(low < seq <= high for low, high in self._around(seq)) and seq not in self.at:
                floor = next(high for low, high in self._around(seq) if low < seq <= high)
                raise Seen(Observed.SEQ_CLOSED, (seq,), body=quoted(message.body), n=seq, floor=floor)
            if seq not in self.at:
                insort(self.known, seq)
        loose = self.loose.get(message.body)
        if loose and not message.loose:
            remove(loose, seq)
        self.at[seq] = message

    def _impossible(self, seq: int, message: Message) -> None:
        body, idempotent = quoted(message.body), self.profile.idempotent
        siblings = self.by_key.get(message.key, []) if idempotent and message.key else [message]
        seqs = [n for sibling in siblings for n in sibling.seqs]
        if seqs:
            retried = idempotent and sum(sibling.attempts for sibling in siblings) > 1
            observed = Observed.TWO_SEQS_RETRY if retried else Observed.TWO_SEQS
            raise Seen(observed, (seq,), body=body, others=" and ".join(str(n) for n in seqs), n=seq)
        if not message.free:
            raise Seen(Observed.REFUSED_APPEARS, (seq,), body=body, n=seq)
        raise Seen(Observed.SEQ_BEHIND, (seq,), body=body, n=seq, floor=message.free[0])

    # ---------------------------------------------------------------- a seq gets its message

    def _claim(self, message: Message, seq: int) -> None:
        """The message is at ``seq``: an attempt that began below it gave it that number."""
        fit = bisect_left(message.free, seq) - 1
        if fit < 0 or (self.profile.idempotent and self._stored(message)):
            self._impossible(seq, message)
        self._unfree(message, message.free[fit], seq)
        self._in_order(message, seq)
        if seq > self.taken:
            self._no_skip(seq, spare=1)
            self._raise_taken(seq - 1)
            self.taken = seq
        elif not self.gaps:
            remove(self.holes, seq)
        self.told[seq] = self.ticks
        self._put(message, seq)
        message.seqs.append(seq)
        if self.profile.idempotent:
            self._only_one(message, seq)
        kept, message.promised = message.promised, None
        if kept is not None:
            remove(self.promised, kept)
            self.unseen.pop(message, None)
        if self.promised:
            self._fit_promises(self.base if kept is None else kept + 1, seq - 1)

    def _only_one(self, message: Message, seq: int) -> None:
        """It is stored: no other attempt under its client id makes a message (SND-3)."""
        attempts = self.by_key[message.key] if message.key else [message]
        if any(sibling.free for sibling in attempts):
            self._hall(seq)
            for sibling in attempts:
                while sibling.free:
                    self._unfree(sibling, sibling.free[-1])
            hole = self._unheld()
            if hole is not None:
                raise Seen(Observed.TWO_SEQS_RETRY, (seq,), body=quoted(message.body), others=str(hole), n=seq)

    def _stored(self, message: Message) -> bool:
        """Whether something is stored under its client id already."""
        if message.seqs or not message.key:
            return bool(message.seqs)
        return any(sibling.seqs for sibling in self.by_key[message.key])

    def _no_skip(self, seq: int, spare: int = 0) -> None:
        """Every seq between taken and ``seq`` can be held. ``spare``: the attempts that were set aside for ``seq``."""
        if seq > self.most + spare and not self.gaps:
            raise Seen(Observed.SEQ_SKIPPED, (seq,), n=seq, hole=self.taken + 1)

    def _raise_taken(self, seq: int) -> None:
        """Every seq up to ``seq`` is taken. Callers know that open sends can hold the new holes, or check it."""
        if not self.gaps:
            self.holes.extend(range(self.taken + 1, seq + 1))
        self.taken = max(self.taken, seq)

    def _in_order(self, message: Message, seq: int) -> None:
        """A send begun after another had ended has the larger seq, also where a seq is told only later."""
        earlier = bisect_left(self.late, (message.began, 0)) if self.late else 0
        if earlier and self.late[earlier - 1][1] > seq:
            floor = self.late[earlier - 1][1]
            raise Seen(Observed.SEQ_BEHIND, (seq,), body=quoted(message.body), n=seq, floor=floor)
        if message.ended is not None and message.attempts == 1:  # of several, it is not known which one made it
            later = bisect_right(self.begun, (message.ended, 0))
            if later < len(self.begun) and self.begun[later][1] < seq:
                other = self.begun[later][1]
                raise Seen(Observed.SEQ_BEHIND, (other,), body=quoted(self.at[other].body), n=other, floor=seq)
            keep_rising(self.late, message.ended, seq)
        self._began_at(message.began, seq)

    def _began_at(self, began: int, seq: int) -> None:
        """Keep ``begun`` rising in both: an entry that a smaller seq follows says nothing."""
        at = first = bisect_left(self.begun, (began, 0))
        if at < len(self.begun) and self.begun[at][1] <= seq:
            return
        while first and self.begun[first - 1][1] >= seq:
            first -= 1
        self.begun[first:at] = [(began, seq)]

    def _unfree(self, message: Message, floor: int, held: int | None = None) -> None:
        """An attempt cannot hold any hole any more, or holds the seq ``held``."""
        remove(message.free, floor)
        remove(self.free, floor)
        if not message.free:
            able = self.able[message.body]
            del able[message]
            if not able:
                del self.able[message.body]
        high = self.profile.seq_max + 1 if held is None else held
        low, top = self.worse or (floor, high)
        self.worse = min(low, floor), max(top, high)

    # ---------------------------------------------------------------- what must be somewhere

    def _promise(self, message: Message, floor: int) -> None:
        """A message was acknowledged without its seq: it is at a hole beyond ``floor``; make one if there is none."""
        message.promised = floor
        insort(self.promised, floor)
        if self.gaps:
            self.unseen[message] = None
        self._fit_promises(self.base, floor)

    def _fit_promises(self, low: int, high: int) -> None:
        """After one change, which took a hole from the floors low..high or added a promise: one more may be needed."""
        if self.gaps or self._promises_fit(low, high):
            return
        top = self.profile.seq_max
        if self.taken >= top:
            raise Seen(Observed.SEQ_OUTSIDE, (self.taken + 1,), n=self.taken + 1, first=self.profile.first_seq, top=top)
        self._raise_taken(self.taken + 1)

    def _promises_fit(self, low: int, high: int) -> bool:
        """Beyond each floor there are as many holes as promises. Of floors with no hole between, the lowest decides."""
        holes, promised = self.holes, self.promised
        at = bisect_left(promised, low)
        while at < len(promised) and promised[at] <= high:
            beyond = bisect_right(holes, promised[at])
            if len(holes) - beyond < len(promised) - at:
                return False
            if beyond == len(holes):
                break
            at = bisect_left(promised, holes[beyond])
        return True

    def _hall(self, seq: int) -> None:
        """Every hole can be held. ``seq``: the one that the answer told."""
        hole = self._unheld() if self.worse else None
        if hole is not None:
            raise Seen(Observed.SEQ_SKIPPED, (hole,), n=seq, hole=hole)

    def _unheld(self) -> int | None:
        """Return a hole that no send can hold, if there is one: the k-th needs k sends that began below it.

        Of holes with no floor between, the last decides. Only holes that have lost a send since (``worse``) are
        checked. New holes lie beyond every floor, and ``_no_skip`` has counted that there are sends enough.
        """
        low, high = self.worse or (0, 0)
        self.worse = None
        holes, free = self.holes, self.free
        first = bisect_right(holes, low)
        while first < len(holes) and holes[first] < high:
            able = bisect_left(free, holes[first])
            last = bisect_right(holes, free[able]) if able < len(free) else len(holes)
            if able < last:
                return holes[max(first, able)]
            first = last
        return None

    # ---------------------------------------------------------------- what exists

    def next_free(self, floor: int) -> int:
        """The least seq beyond ``floor`` that a send may still be told: nobody has it, and no reply passed over it."""
        seq = floor + 1
        while seq in self.at or any(low < seq <= high for low, high in self._around(seq)):
            seq += 1
        return seq

    def before(self, seq: int) -> int:
        """The largest seq below ``seq`` at which a message exists, or where the account begins."""
        if not self.gaps:
            return seq - 1
        at = bisect_left(self.known, seq) - 1
        return self.known[at] if at >= 0 else self.base

    def existing(self, low: int, high: int) -> range | list[int]:
        """The seqs in low..high at which messages exist."""
        low = max(low, self.base + 1)
        if not self.gaps:
            return range(low, high + 1)
        return self.known[bisect_left(self.known, low) : bisect_right(self.known, high)]

    def close(self, low: int, high: int) -> None:
        """Gaps only: a reply passed over (low, high], so what it did not show there does not exist, and never will."""
        first = last = bisect_left(self.closed, (low, low))
        while first and self.closed[first - 1][1] >= low:
            first -= 1
        while last < len(self.closed) and self.closed[last][0] <= high:
            last += 1
        for below, above in self.closed[first:last]:
            low, high = min(low, below), max(high, above)
        self.closed[first:last] = [(low, high)]

    def _around(self, seq: int) -> list[tuple[int, int]]:
        """The closed stretch that begins last below ``seq``."""
        at = bisect_left(self.closed, (seq, 0))
        return self.closed[max(0, at - 1) : at]


def keep_rising(pairs: list[tuple[int, int]], key: int, value: int) -> None:
    """Add a pair to a list that rises in both; a pair that one with a smaller key makes needless is left out.

    >>> pairs = [(1, 3), (4, 5), (6, 9)]; keep_rising(pairs, 2, 2); keep_rising(pairs, 3, 7); pairs
    [(1, 3), (3, 7), (6, 9)]
    """
    at = last = bisect_left(pairs, (key, 0))
    if at and pairs[at - 1][1] >= value:
        return
    while last < len(pairs) and pairs[last][1] <= value:
        last += 1
    if last == len(pairs) or pairs[last][0] > key:
        pairs[at:last] = [(key, value)]


def remove(numbers: list[int], value: int) -> None:
    """Remove one occurrence from a sorted list: the last, which moves the least."""
    at = bisect_right(numbers, value) - 1
    if at >= 0 and numbers[at] == value:
        del numbers[at]


def quoted(body: str) -> str:
    """Write a body as people read it: a long one cut, with its length.

    >>> quoted("m1"), quoted("x" * 255)
    ('"m1"', '"xxxxxxxxxxxxxxxxxxxxxxxx..." (255 long)')
    """
    return f'"{body}"' if len(body) <= 40 else f'"{body[:24]}..." ({len(body)} long)'
