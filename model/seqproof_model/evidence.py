"""Which requirements a history lets us grade: the conditions that really occurred, counted.

A requirement passes only when its condition was observed, so a server that answers "ok" and nothing else passes
nothing: every condition needs a row that the server gave or a seq that it told. The conditions in words stand in
``requirements.toml``; here each is a line. The judge calls these after it has found nothing wrong with an answer.
"""

from __future__ import annotations

from collections import Counter

from seqproof_model import history as h
from seqproof_model.account import Account, Message, Pending
from seqproof_model.profile import UINT_MAX

HALF = UINT_MAX // 2  # 2^31 - 1, the largest signed 32-bit number


class Evidence:
    """What was seen of one account. ``counts`` is shared by all accounts: requirement id -> how often."""

    def __init__(self, counts: Counter[str]) -> None:
        self.counts = counts
        self.first_known: int | None = None  # the event at which the first seq was learned
        self.trimmed_at = 0
        self.shown: dict[int, set[str]] = {}  # seq -> the phones that were shown it
        self.top_shown = 0
        self.lost_keys: set[tuple[str, str]] = set()  # (sender, client id) of sends whose answer was lost
        self.lost_replies: set[tuple[str, int]] = set()  # (phone, seq_cli) of recvs whose reply was lost
        self.refused = self.full = self.behind = self.prefix = False
        self.ahead: int | None = None  # the largest seq_cli of a recv that was surely ahead

    def sent(self, request: Pending, reply: h.Ok, killed_at: int) -> None:
        """A send was acknowledged."""
        message = request.message
        if message is None:
            return
        if not reply.delivered:
            self.lost_keys.add(message.key)
        if reply.seq is None:
            return
        if message.repeats and not (message.ended or 0) < killed_at:  # across a kill, a lost message looks the same
            self.counts["SND-3"] += 1
        self._learned(message, reply.seq, killed_at)

    def _learned(self, message: Message, seq: int, killed_at: int) -> None:
        """A seq was told or shown that was not known before, or is now told again."""
        self.counts["SEQ-1"] += 1
        if self.first_known is None:
            self.first_known = message.began
            return
        self.counts["SEQ-2"] += 1
        since = max(killed_at, self.trimmed_at)
        if self.first_known < since < message.began:
            self.counts["SEQ-3"] += 1
        if self.first_known < killed_at < message.began and seq:
            self.counts["SEQ-5"] += 1

    def refused_send(self, code: h.Code) -> None:
        """A send was refused, rightly."""
        self.full |= code is h.Code.FULL
        self.refused |= code in (h.Code.POLICY, h.Code.STORE)

    def refused_recv(self, account: Account, request: Pending, code: h.Code) -> None:
        """A recv was refused, rightly."""
        if code is h.Code.AHEAD and isinstance(request.event, h.Recv) and request.event.seq_cli > account.taken:
            self.ahead = max(request.event.seq_cli, self.ahead or 0)

    def received(self, account: Account, request: Pending, reply: h.Ok, confirmed: int, killed_at: int) -> None:
        """A recv was answered. ``confirmed``: the mark before this answer moved it."""
        recv = request.event
        if not isinstance(recv, h.Recv):
            return
        certain, q = account.path[request.since], recv.seq_cli
        if reply.rows:
            self._conditions(account, request, reply, confirmed, killed_at)
            self._rows(account, request, reply.rows, recv.phone, killed_at)
        elif q > account.taken and q > account.confirmed:
            self.ahead = max(q, self.ahead or 0)
        if not reply.delivered:
            self.lost_replies.add((recv.phone, q))
        self.behind |= q < certain

    def _conditions(self, account: Account, request: Pending, reply: h.Ok, confirmed: int, killed_at: int) -> None:
        """The conditions that speak of the request and of the reply as a whole."""
        recv, rows = request.event, reply.rows
        assert isinstance(recv, h.Recv)  # noqa: S101 - received() checked it
        assert rows  # noqa: S101 - and this
        certain, q, first, last = account.path[request.since], recv.seq_cli, rows[0][0], rows[-1][0]
        whole = last >= account.taken
        behind = q < certain
        observed = {
            "RCV-1": True,
            "RCV-2": (self.prefix or not account.paged) and whole,
            "RCV-3": account.paged,
            "RCV-4": (recv.phone, q) in self.lost_replies,
            "RCV-5": behind,
            "RCV-6": self.ahead is not None and first <= self.ahead,
            "RCV-7": last >= request.upper > max(certain, q),
            "CNF-1": q > confirmed,
            "CNF-2": behind and self.behind,
            "CNF-4": behind and 0 < killed_at < request.began,
            "CNF-5": behind,
            "SEQ-4": self.top_shown > 0 and last > self.top_shown,
            "SEQ-6": self.full,
            "SEQ-7": q > HALF,
            "SND-5": self.refused and whole,
        }
        self.counts.update(name for name, seen in observed.items() if seen)
        self.prefix |= not whole

    def _rows(
        self, account: Account, request: Pending, rows: tuple[tuple[int, str], ...], phone: str, killed_at: int
    ) -> None:
        """The conditions that speak of single messages."""
        found: set[str] = set()
        for seq, body in rows:
            message = account.at[seq]
            phones = self.shown.get(seq)
            if phones is None:
                phones = self.shown[seq] = set()
                self._learned(message, seq, killed_at)
                if len(account.by_body[body]) > 1 and any(
                    n in self.shown for other in account.by_body[body] if other is not message for n in other.seqs
                ):
                    found.add("SND-4")
            else:
                found.add("CNF-3")
                if phones != {phone}:
                    found.add("CNF-6")
            phones.add(phone)
            if message.unanswered or message.key in self.lost_keys:
                found.add("SND-2")
            if message.ended is not None and message.unanswered == 0:
                found.add("SND-1")
                if message.ended < killed_at < request.began:
                    found.add("SEQ-5")
            if message.began < self.trimmed_at < request.began:
                found.add("CNF-7")
        self.top_shown = max(self.top_shown, rows[-1][0])
        self.counts.update(found)
