"""What is known after each event: the marks of an account and what its phones hold, as the pictures show them.

This is not the judge. It follows the plain reading of docs/protocol.md: a phone moves only when a reply
reaches it, the server's extent is what it told or showed, confirmed is what answered recvs carried. Where the judge
knows more (the violation's own marks), its knowledge wins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from seqproof_model.hello import Capability
from seqproof_model.history import Header, Ok, Recv
from seqproof_model.verdict import Violation
from seqproof_reports.picture import PhoneState, State
from seqproof_reports.text import Span, contains, spans, subtract


@dataclass
class PhoneMarks:
    """A phone. Until a reply first reaches it, it is taken to hold what it asks with."""

    actor: str
    name: str
    seq_cli: int
    asked: bool = False
    moved: bool = False
    held: set[int] = field(default_factory=set[int])
    _runs: tuple[Span, ...] = ()

    def asks(self, seq_cli: int) -> bool:
        """Note a request; whether it is an old one, below what the phone already has."""
        self.asked = True
        if not self.moved:
            self.seq_cli = seq_cli
        return self.moved and seq_cli < self.seq_cli

    def gets(self, reply: Ok) -> None:
        """A reply reaches the phone (DEV-3: only upward)."""
        seqs = [seq for seq, _ in reply.rows or ()]
        self.held.update(seqs)
        self._runs = spans(self.held)
        told = [reply.upto] if reply.upto is not None else []
        self.seq_cli = max([self.seq_cli, *seqs, *told])
        self.moved = True

    def state(self) -> PhoneState:
        """The phone as it stands."""
        return PhoneState(self.actor, self.name, self.seq_cli, self._runs)


@dataclass
class AccountMarks:
    """One account's two marks, each with the event that moved it last, and its phones by name."""

    name: str
    allocated: int
    confirmed: int
    allocated_at: int = 0
    confirmed_at: int = 0
    phones: dict[str, PhoneMarks] = field(default_factory=dict[str, PhoneMarks])

    def shown(self, seqs: Iterable[int], event: int) -> None:
        """The server told or showed seqs."""
        most = max(seqs, default=self.allocated)
        if most > self.allocated:
            self.allocated, self.allocated_at = most, event

    def answered(self, recv: Recv, event: int) -> None:
        """A recv was answered: it confirms, unless it was ahead (RCV-6)."""
        if self.confirmed < recv.seq_cli <= self.allocated:
            self.confirmed, self.confirmed_at = recv.seq_cli, event

    def preset(self, seq: int, event: int) -> None:
        """Nothing at or below ``seq`` exists, so nothing of it is ever due."""
        self.allocated = self.confirmed = seq
        self.allocated_at = self.confirmed_at = event

    def judged(self, violation: Violation) -> None:
        """Take over the marks that the judge had inferred."""
        self.allocated = max(self.allocated, violation.seq_svr)
        self.confirmed = max(self.confirmed, violation.confirmed)

    def state(self, reply: Reply | None = None) -> State:
        """The account as it stands, with what is to be said of one reply."""
        reply = reply or Reply()
        return State(
            account=self.name,
            allocated=self.allocated,
            confirmed=self.confirmed,
            allocated_at=self.allocated_at,
            confirmed_at=self.confirmed_at,
            phones=tuple(phone.state() for phone in self.phones.values() if phone.asked),
            told=reply.told,
            given=reply.given,
            missing=reply.missing,
            repeated=reply.repeated,
            stake=reply.stake,
        )


@dataclass(frozen=True)
class Reply:
    """What one reply told or gave, and what is wrong with it."""

    told: tuple[Span, ...] = ()
    given: tuple[Span, ...] = ()
    missing: tuple[Span, ...] = ()
    repeated: tuple[Span, ...] = ()
    stake: tuple[Span, ...] = ()


def examine(
    rows: Sequence[tuple[int, str]], recv: Recv | None, violation: Violation | None, header: Header, confirmed: int
) -> Reply:
    """Say what a reply gave; of the violating one also what is missing, repeated and otherwise at stake.

    ``confirmed``: the mark when the request began. A row at or below it, or below the request's own seq_cli, repeats.
    """
    seqs = [seq for seq, _ in rows]
    given = spans(seqs)
    if violation is None:
        return Reply(given=given)
    stake = set(violation.seqs)
    if recv is None:
        return Reply(given=given, stake=spans(stake))
    near = violation.nearest
    known = max(confirmed, violation.confirmed, recv.seq_cli, (near.lower or 0) if near else 0)
    missing = subtract(due(violation, header), given)
    if Capability.PAGING in header.capabilities and seqs:  # a page may end early, but leaves nothing out
        missing = tuple(part for low, high in missing for part in _page(low, high, max(seqs), stake))
    repeated = {seq for seq in seqs if seq <= known} | {seq for seq, times in Counter(seqs).items() if times > 1}
    stake = {seq for seq in stake - repeated if not contains(missing, seq)}
    return Reply((), given, missing, spans(repeated), spans(stake))


def due(violation: Violation, header: Header) -> tuple[Span, ...]:
    """The seqs of the nearest conforming reply. Its rows may be the first few: without gaps the rest is known."""
    near = violation.nearest
    if near is None:
        return spans(seq for seq in violation.seqs if seq > violation.confirmed)
    listed = [seq for seq, _ in near.rows]
    if listed and near.upper is not None and listed[-1] < near.upper and not header.profile.gaps:
        return (*spans(listed[:-1]), (listed[-1], near.upper)) if len(listed) > 1 else ((listed[0], near.upper),)
    return spans(listed)


def _page(low: int, high: int, last: int, stake: set[int]) -> tuple[Span, ...]:
    before = ((low, min(high, last)),) if low <= last else ()
    return before + spans(seq for seq in stake if max(low, last + 1) <= seq <= high)
