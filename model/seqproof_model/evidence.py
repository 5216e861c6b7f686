"""Which requirements a history lets us grade: the conditions that really occurred, counted.

A requirement passes only when its condition was observed, so a server that answers "ok" and nothing else passes
nothing: every condition needs a row that the server gave or a seq that it told. The conditions in words stand in
``requirements.toml``; here each is a line. The judge calls these after it has found nothing wrong with an answer. Where
it cannot be told whether a condition occurred, it is not counted.
"""

from __future__ import annotations

from collections import Counter

from seqproof_model import history as h
from seqproof_model.account import Account, Message, Pending
from seqproof_model.profile import UINT_MAX
from seqproof_model.requirements import half, kept, should

HALF = UINT_MAX // 2  # 2^31 - 1, the largest signed 32-bit number
SEVERAL = ""  # instead of a phone's name: more than one phone


class Evidence:
    """What was seen of one account. ``counts`` is shared by all accounts: requirement id -> how often."""

    def __init__(self, counts: Counter[str]) -> None:
        self.counts = counts
        self.learned: dict[int, int] = {}  # seq -> the event at which it was first told or shown
        self.first_learned: int | None = None
        self.first_acked: int | None = None
        self.trimmed_at = 0
        self.shown: dict[int, str] = {}  # seq -> the phone that was shown it, or SEVERAL
        self.top_shown = 0
        self.lost_replies: set[tuple[str, int]] = set()  # (phone, seq_cli) of recvs whose reply was lost
        self.lost_seqs: set[int] = set()  # what was in these replies
        self.refused = self.full = self.behind = self.prefix = False
        self.ahead: int | None = None  # the largest seq_cli of a recv that was surely ahead
        self.kill_seen = 0
        self.confirmed_at_kill = 0
        self.raw: str | None = None  # the last malformed seq_cli
        self.raw_at = 0
        self.again: set[int] = set()  # what the last reply with rows gave, and an earlier one had given
        self.replied_at = 0
        self.epoch: str | None = None  # the last that a reply told
        self.asked = 0  # recvs that began since then

    # ---------------------------------------------------------------- sends

    def sent(self, request: Pending, reply: h.Ok, now: int, killed_at: int) -> None:
        """A send was acknowledged at event ``now``."""
        message = request.message
        if message is None:
            return
        if self.first_acked is None:
            self.first_acked = now
        if not reply.delivered:
            message.lost = True
        if reply.seq is None:
            return
        if message.repeats and not (message.acked or 0) < killed_at:  # across a kill, a lost message looks the same
            self.counts["SND-3"] += 1
        if reply.seq not in self.learned:
            self._learn(message, reply.seq, now, killed_at)
        self.counts["SEQ-1"] += 1

    def _learn(self, message: Message, seq: int, now: int, killed_at: int) -> None:
        """A message's seq was told or shown for the first time."""
        self.learned[seq] = now
        if self.first_learned is None:
            self.first_learned = now
            return
        counts, began = self.counts, message.began
        counts["SEQ-2"] += 1
        if killed_at or self.trimmed_at:
            acked = self.first_acked
            had = self.first_learned if acked is None else min(acked, self.first_learned)
            if had < max(killed_at, self.trimmed_at) < began:
                counts["SEQ-3"] += 1

    def refused_send(self, code: h.Code) -> None:
        """A send was refused, rightly."""
        self.full |= code is h.Code.FULL
        self.refused |= code in (h.Code.POLICY, h.Code.STORE)

    # ---------------------------------------------------------------- recvs

    def malformed(self, raw: str, answer: h.Answer, now: int) -> None:
        """A recv with a malformed seq_cli was answered, or is in doubt."""
        self.raw, self.raw_at = raw, now
        self.counts[should("SEQ-7")] += 1
        self.counts[kept("SEQ-7")] += isinstance(answer, h.Refused) and answer.code in (h.Code.MALFORMED, h.Code.AHEAD)

    def only_malformed(self, seqs: tuple[int, ...], killed_at: int) -> str | None:
        """The malformed seq_cli that alone can be why these seqs are missing: all else gave them to the last.

        The reply before this one held them, not for the first time, and since then nothing else was asked.
        """
        quiet = max(killed_at, self.trimmed_at) < self.replied_at < self.raw_at and self.asked == 1
        return self.raw if quiet and seqs and self.again.issuperset(seqs) else None

    def refused_recv(self, account: Account, request: Pending, code: h.Code) -> None:
        """A recv was refused, rightly."""
        if code is h.Code.AHEAD and isinstance(request.event, h.Recv) and request.event.seq_cli > account.most:
            self.ahead = max(request.event.seq_cli, self.ahead or 0)

    def received(
        self, account: Account, request: Pending, reply: h.Ok, now: int, confirmed: int, killed_at: int
    ) -> None:
        """A recv was answered at event ``now``. ``confirmed``: the mark before this answer moved it."""
        recv = request.event
        if not isinstance(recv, h.Recv):
            return
        if killed_at > self.kill_seen:
            self.kill_seen, self.confirmed_at_kill = killed_at, confirmed
        self.epoch = reply.epoch or self.epoch
        certain, q = account.path[request.since], recv.seq_cli
        behind = q < certain and certain > account.base  # what was confirmed below a preset is not known
        if reply.rows:
            self._conditions(account, request, reply, confirmed, behind=behind)
            self._rows(account, request, reply.rows, recv.phone, now, killed_at)
        elif q > account.most and q > account.confirmed:
            self.ahead = max(q, self.ahead or 0)
        if not reply.delivered:
            self.lost_replies.add((recv.phone, q))
            self.lost_seqs.update(seq for seq, _ in reply.rows or ())
        self.behind |= behind

    def _conditions(self, account: Account, request: Pending, reply: h.Ok, confirmed: int, *, behind: bool) -> None:
        """The conditions that speak of the request and of the reply as a whole."""
        recv, rows, counts = request.event, reply.rows, self.counts
        assert isinstance(recv, h.Recv)  # noqa: S101 - received() checked it
        assert rows  # noqa: S101 - and this
        q, first, last = recv.seq_cli, rows[0][0], rows[-1][0]
        whole = last >= account.taken
        counts["RCV-1"] += 1
        if whole and (self.prefix or not account.paged):
            counts["RCV-2"] += 1
        if account.paged:
            counts["RCV-3"] += 1
            self.prefix |= not whole
        if self.lost_replies and (recv.phone, q) in self.lost_replies:
            counts["RCV-4"] += 1
        if behind:
            counts["RCV-5"] += 1
            counts["CNF-5"] += 1
            counts["CNF-2"] += self.behind
            if account.base < self.confirmed_at_kill > q and self.kill_seen < request.began:
                counts["CNF-4"] += 1
        if self.ahead is not None and first <= self.ahead:
            counts["RCV-6"] += 1
        if q > confirmed:
            counts["CNF-1"] += 1
        if 0 < self.top_shown < last:
            counts["SEQ-4"] += 1
        if self.full:
            counts["SEQ-6"] += 1
        counts["SEQ-7"] += q > min(HALF, account.profile.seq_max // 2)  # a smaller space has an upper half, too
        counts[half("SEQ-7")] += self.raw is not None
        if self.refused and whole:
            counts["SND-5"] += 1

    def _rows(
        self,
        account: Account,
        request: Pending,
        rows: tuple[tuple[int, str], ...],
        phone: str,
        now: int,
        killed_at: int,
    ) -> None:
        """The conditions that speak of single messages."""
        found: set[str] = set()
        self.again, self.replied_at, self.asked = {seq for seq, _ in rows if seq in self.shown}, now, 0
        shown, learned, at, began = self.shown, self.learned, account.at, request.began
        for seq, body in rows:
            message = at[seq]
            before = shown.get(seq)
            if before is None:
                shown[seq] = phone
                self.counts["SEQ-1"] += 1
                if seq not in learned:
                    self._learn(message, seq, now, killed_at)
                if len(account.by_body[body]) > 1 and self._twin_shown(account, message):
                    found.add("SND-4")
            else:
                found.add("CNF-3")
                if before != phone:
                    shown[seq] = SEVERAL
                    found.add("CNF-6")
            if message.lost:
                found.add("SND-2")
            acked = message.acked
            if acked is not None:
                found.add("SND-1")
                if acked < began:
                    found.add("RCV-7")
                    if acked < killed_at < began and message.attempts == 1:
                        found.add("SEQ-5")
            if min(acked or now, learned[seq]) < self.trimmed_at < began:
                found.add("CNF-7")
        self.top_shown = max(self.top_shown, rows[-1][0])
        for name in found:
            self.counts[name] += 1

    def alike(self, account: Account) -> bool:
        """Whether two sends could be taken for one: by body, by client id alone, or after a refusal."""
        client_ids = [client_id for _, client_id in account.by_key]
        again = self.refused and any(message.attempts > 1 for twins in account.by_key.values() for message in twins)
        return again or len(set(client_ids)) < len(client_ids) or any(len(t) > 1 for t in account.by_body.values())

    def _twin_shown(self, account: Account, message: Message) -> bool:
        """Whether another message with the same body was shown."""
        twins = (twin for twin in account.by_body[message.body] if twin is not message)
        return not message.loose and any(n in self.shown for twin in twins for n in twin.seqs)
