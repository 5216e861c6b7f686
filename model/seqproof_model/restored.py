"""The judge of an account whose server was restored from a backup: a seq is not given to a second message (SEQ-3).

A restore takes the whole store back. Messages that were acknowledged since the backup are gone, and so is what was
confirmed: no answer about them is impossible any more. One danger remains, and a phone cannot see it: a seq that is
given out again means two messages, and a phone that holds the first will never ask for the second. So a server either
tells a new *epoch*, which begins a new sequence space, or goes on past everything that it ever gave out.

* A reply tells another epoch than the last one before: a new space. The account is closed, and nobody is blamed.
* The same epoch, or none before and none after: the space goes on. A seq that was ever told or shown for one body must
  not come with another.
* Sends tell no epoch. So a seq that a send tells twice is kept as a *clash*, until a reply to a recv says which it is.
* A reply leaves out the epoch that earlier ones told: it is not known which; only a later one can say.

A client id that was used for several bodies may be answered with the seq of any of them; its sends are left out.
Source: requirements SEQ-3, SEQ-8; docs/requirements.md, "A restore from a backup".
"""

from __future__ import annotations

from collections import Counter

from seqproof_model import history as h
from seqproof_model.account import Account
from seqproof_model.blame import Observed, Seen
from seqproof_model.ledger import quoted
from seqproof_model.requirements import kept, should


class Restored:
    """One account after a restore. ``counts`` is shared by all; ``epoch``: the last that was told, or None."""

    def __init__(self, account: Account, epoch: str | None, counts: Counter[str]) -> None:
        self.epoch, self.counts = epoch, counts
        self.owner = {seq: message.body for seq, message in account.at.items()}
        self.bodies = {key: {message.body for message in messages} for key, messages in account.by_key.items()}
        self.open: dict[int, h.Send | h.Recv] = {}
        self.clash: Seen | None = None
        self.new = False  # whether a seq that nobody had was told since
        self.looked = False  # whether a reply has said which epoch it is, since the last restore
        self.closed = False

    @property
    def highest(self) -> int:
        """The largest seq that was ever told or shown."""
        return max(self.owner, default=0)

    def again(self) -> None:
        """Another restore. What was under way is over, one way or another."""
        self.open.clear()
        self.looked = False

    def begin(self, event: h.Send | h.Recv) -> None:
        """A request begins."""
        self.open[event.id] = event
        if isinstance(event, h.Send) and event.client_id:
            self.bodies.setdefault((event.sender, event.client_id), set()).add(event.body)

    def end(self, answer: h.Answer) -> None:
        """A request was answered, or is in doubt. Raises Seen."""
        event = self.open.pop(answer.id, None)
        if event is None or not isinstance(answer, h.Ok):
            return
        if isinstance(event, h.Recv):
            self._received(answer)
        elif answer.seq is not None and len(self.bodies.get((event.sender, event.client_id), ())) < 2:
            self._give(answer.seq, event.body)

    def _received(self, reply: h.Ok) -> None:
        if reply.epoch is None and self.epoch is not None:
            return
        if not self.looked:
            self.looked = True
            self.counts[should("SEQ-8")] += 1
            self.counts[kept("SEQ-8")] += reply.epoch != self.epoch
        if reply.epoch != self.epoch:
            self.counts["SEQ-8"] += 1
            self.counts["SEQ-3"] += 1
            self.closed = True
            return
        for seq, body in reply.rows or ():
            self._give(seq, body)
        if self.clash:
            raise self.clash
        self.counts["SEQ-3"] += self.new
        self.new = False

    def _give(self, seq: int, body: str) -> None:
        """A seq comes with a body."""
        self.new |= seq not in self.owner
        known = self.owner.setdefault(seq, body)
        if known != body and self.clash is None:
            self.clash = Seen(Observed.SEQ_TAKEN, (seq,), n=seq, body=quoted(body), other=quoted(known))
