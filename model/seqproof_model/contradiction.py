"""The argument of a violation: the least facts of a history that no conforming server could have caused together.

The judge says at which answer a history became impossible. Why it is impossible is a smaller thing: of a hundred
events, three may contradict each other. They are found by the judge itself, not by rules of their own: facts are
weakened (``weaken``), the judge is asked again, and what it still blames, at the same answer and as the same
observation, is still a contradiction. Since weakening only adds possible truths, no order of trying can go wrong: a
fact that can be spared once is spared for good. What is left is *minimal*: weaken any one, and the contradiction is
gone. Of a few observations it is then impossible still, but as another one, since an observation also names the fault:
these facts are told apart (``naming``). The set need not be the least in number. Early answers are kept rather than
late ones, and that it matters when a request began is kept only where nothing else will do.

    >>> from seqproof_model.script import events
    >>> from seqproof_model.profile import built_in
    >>> history = events("s a =1; A 0 : 1a ~; s b =2; A 0 :")
    >>> find(history, Question("EMPTY_REPLY", "x", 8, built_in()["strict"])).cited
    (2, 7, 8)

Event 2 acknowledges "a", after that (7) the phone asks, and (8) gets nothing. That it had been given "a" before, and
that "b" was sent, says nothing against the server.

A violation after a restore is held to what a restore must not break, by a judge of its own; the same holds of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from seqproof_model import history as h
from seqproof_model.judge import Judge
from seqproof_model.profile import Profile
from seqproof_model.verdict import Violation
from seqproof_model.weaken import Begin, is_fact, owners, weakened

MOST = 4_000  # facts of an account; of a longer history the argument is not made small
NEAR = 2  # a preset that is not kept may be so far below or above the seqs that are spoken of


@dataclass(frozen=True)
class Question:
    """What the judge found: ``observation`` of ``account`` at ``event`` (from 1), held to a profile."""

    observation: str
    account: str
    event: int
    profile: Profile
    paged: bool = False

    @classmethod
    def of(cls, violation: Violation, header: h.Header) -> Question:
        """The question that a violation answers."""
        paged = "paging" in header.capabilities
        return cls(violation.observation, violation.account, violation.event, header.profile, paged)


@dataclass(frozen=True)
class Contradiction:
    """``cited``: event numbers, rising; the last is the answer that cannot be. ``minimal``: none can be spared.

    ``judged``: what the judge says of these facts alone, so with the marks that they alone force. ``naming``: of the
    cited, those without which the answer is impossible still, but seen as something else.
    """

    cited: tuple[int, ...]
    minimal: bool
    judged: Violation
    naming: tuple[int, ...] = ()


class NoContradictionError(ValueError):
    """The history does not show what it is asked about; the text is one line."""


def contradicts(
    events: Sequence[h.Event], cited: Collection[int], asked: Question, *, named: bool = True
) -> Violation | None:
    """Judge a history of which only the events ``cited`` (from 1) are kept, the others weakened.

    Returns the violation when it is still the one that is asked about, else None. ``named``: false: any will do.
    """
    upto = events[: asked.event]
    kept = {number - 1 for number in cited}
    found = _judged(weakened(upto, kept, asked.account, seq_max=asked.profile.seq_max), asked)
    if found is None or (named and found.observation != asked.observation):
        return None
    forgotten = [e for at, e in enumerate(upto) if isinstance(e, h.Preset) and at not in kept]
    if any(event.account == asked.account for event in forgotten):
        for base in _bases(upto, asked.profile):
            other = weakened(upto, kept, asked.account, seq_max=asked.profile.seq_max, base=base)
            if _judged(other, asked, anywhere=True) is None:
                return None
    return found


def _judged(events: Sequence[h.Event], asked: Question, *, anywhere: bool = False) -> Violation | None:
    """The violation of the account at the last event, or at any."""
    judge = Judge(asked.profile, paged=asked.paged)
    for number, event in enumerate(events, 1):
        try:
            judge.feed(event)
        except h.HistoryError:
            return None
        for found in judge.violations:
            if found.account == asked.account:
                return found if anywhere or number == len(events) else None
    return None


def accepts(events: Sequence[h.Event], asked: Question) -> bool:
    """Whether nothing of this history is blamed on the account; a history that makes no sense is not accepted."""
    judge = Judge(asked.profile, paged=asked.paged)
    try:
        for event in events:
            judge.feed(event)
    except h.HistoryError:
        return False
    return all(found.account != asked.account for found in judge.violations)


def _bases(events: Sequence[h.Event], profile: Profile) -> list[int]:
    """Where an account may have begun: at either end of the space, or near a seq that is spoken of."""
    spoken = {profile.before_first, profile.seq_max}
    for event in events:
        match event:
            case h.Ok():
                spoken.update(seq for seq, _ in event.rows or ())
                spoken.update([event.seq] if event.seq is not None else [])
            case h.Recv():
                spoken.add(event.seq_cli)
            case h.Preset():
                spoken.add(event.seq)
            case _:
                pass
    near = {seq + by for seq in spoken for by in range(-NEAR, NEAR + 1)}
    return sorted(seq for seq in near if profile.before_first <= seq <= profile.seq_max)


def renamed(events: Sequence[h.Event], asked: Question) -> Question:
    """The same question, with the observation that this version's judge makes there; unchanged when it makes none."""
    try:
        found = _judged(events[: asked.event], asked)
    except h.HistoryError:
        found = None
    return asked if found is None else replace(asked, observation=found.observation)


def find(events: Sequence[h.Event], asked: Question) -> Contradiction:
    """Find the least facts that contradict each other. Raises NoContradictionError when the whole does not."""
    order = _order(events, asked)
    kept = {*order, asked.event}
    judged = contradicts(events, kept, asked)
    if judged is None:
        raise NoContradictionError(f"event {asked.event} of this history is no {asked.observation}")
    size = len(order) if len(order) <= MOST else 0
    while size:
        size //= 2
        spared = _pass(events, asked, kept, [number for number in order if number in kept], max(1, size))
        kept -= spared
        if size == 1 and spared:
            size = 2  # once more: a judge that forgets may spare now what it did not before
    cited = tuple(sorted(kept))
    minimal = len(order) <= MOST
    naming = [n for n in cited[:-1] if contradicts(events, kept - {n}, asked, named=False)] if minimal else []
    return Contradiction(cited, minimal, contradicts(events, cited, asked) or judged, tuple(naming))


def _pass(
    events: Sequence[h.Event], asked: Question, kept: Collection[int], order: Sequence[int], size: int
) -> set[int]:
    """Try to spare so many facts at a time, in order; return those that can be."""
    spared: set[int] = set()
    for at in range(len(order) % size - size, len(order), size):  # a smaller part comes first: what is last is dearest
        chunk = spared | set(order[max(0, at) : max(0, at + size)])
        if contradicts(events, set(kept) - chunk, asked):
            spared = chunk
    return spared


def _order(events: Sequence[h.Event], asked: Question) -> list[int]:
    """The facts, those first that are spared first: of other accounts, begins, replies, sends; the late ones first."""
    upto = events[: asked.event]
    owner = owners(upto)
    sends = {event.id for event in upto if isinstance(event, h.Send)}
    facts = [at for at, event in enumerate(upto[:-1]) if is_fact(event, asked.profile.seq_max)]
    ranked = sorted(facts, key=lambda at: (owner.get(at, asked.account) == asked.account, _rank(upto[at], sends), -at))
    return [at + 1 for at in ranked]


def _rank(event: h.Event, sends: Collection[int]) -> int:
    if isinstance(event, Begin):
        return 0
    return 2 if isinstance(event, h.Preset) or getattr(event, "id", 0) in sends else 1
