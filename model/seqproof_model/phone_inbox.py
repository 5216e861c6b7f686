"""What the judge of phones keeps of an account: what the server has, what the phone was given, and what it owes.

Plain records; ``phone_judge`` fills them and says what they mean.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from seqproof_model import phone_history as ph
from seqproof_model.phone_words import Row, Rows

OWED = {
    "start": "DEV-5",
    "connection": "DEV-5",
    "tip": "DEV-5",
    "page": "DEV-5",
    "tip in between": "DEV-6",
    "epoch": "DEV-7",
    "loss": "PSH-4",
    "quiet": "PSH-4",
}
SAYS = {
    "start": "it was started",
    "connection": "its connection was there again",
    "tip": "a tip came",
    "page": "a reply was not the last page",
    "tip in between": "a tip came while a recv was under way",
    "epoch": "it learned of a new epoch",
    "loss": "its recv was lost",
    "quiet": "it last asked",
}


@dataclass
class Debt:
    """An ask that is owed. ``lost``: because a recv was lost that left then.

    ``waited``: for how long, in ms, while nothing kept the phone from it.
    """

    why: str
    limit: int
    lost: int = 0
    waited: int = 0


@dataclass
class Question:
    """A recv of the phone. ``epoch``: the one that it knew; ``era``: how many before; ``moment``: when it left."""

    account: str
    seq_cli: int
    epoch: str | None
    era: int
    moment: int


@dataclass
class Inbox:
    """One account, as the phone can know it and as the server has it."""

    stored: dict[int, str] = field(default_factory=dict[int, str])
    elsewhere: int = 0  # confirmed by no merit of the phone
    epoch: str | None = None
    unsure: bool = False  # that epoch was told late, or when the phone died: it may not know it
    era: int = 0
    carried: int = 0
    restart: bool = False  # the next ask must be 0
    given: dict[int, str] = field(default_factory=dict[int, str])  # in this epoch, by replies that reached the phone
    before: Counter[Row] = field(default_factory=Counter[Row])  # what it must still show of epochs that are over
    loose: Counter[Row] = field(default_factory=Counter[Row])  # what it may show besides
    asked: int = 0  # the most it asked with, in this epoch: that is an ack
    asked_now: int = 0  # ... in this life
    mark: int = 0
    late: dict[int, str] = field(default_factory=dict[int, str])  # brought late, or when it died: taken or not
    doubt: str = ""  # an epoch that the phone may have learned of, or not
    fog: bool = False  # since then it is not known which mark the phone goes by, nor what it must have kept
    restores: int = 0
    shown: frozenset[Row] = frozenset()
    seen: set[Row] = field(default_factory=set[Row])  # all that it ever showed
    answered: int = 0  # when the latest recv left that was answered in time
    troubled: bool = False  # its last recv was lost
    unanswered: set[int] = field(default_factory=set[int])
    debts: list[Debt] = field(default_factory=list[Debt])
    tips: int = 0
    tipped_since: bool = False  # a tip since the last message was stored

    def owed(self) -> Iterable[Row]:
        """What the phone must show: all it was given up to its mark.

        What it did not take, and another phone has confirmed meanwhile, it never gets again.
        """
        top = max(self.asked, 0 if self.restart else self.mark)
        return (row for row in self.given.items() if row[0] <= top and (row[0] > self.elsewhere or row in self.seen))

    # ---------------------------------------------------------------- epochs

    @property
    def stale_doubt(self) -> bool:
        """A naive phone takes each reply of an epoch that is over for a change; to ask from 0 again is harmless."""
        return self.era > 0 or bool(self.doubt)

    def new_era(self) -> None:
        """The phone's marks are void; it begins at 0."""
        self.restart = False
        self.asked = self.asked_now = self.mark = 0
        self.unanswered.clear()

    def over(self, epoch: str | None, *, restart: bool, carried: int = 0) -> None:
        """The epoch that the phone knew is over: what it had to show of it, it must go on to show."""
        self.before |= Counter(self.owed())
        self.loose |= Counter(self.given.items())
        self.given.clear()
        self.late.clear()
        self.era, self.epoch, self.restart = self.era + 1, epoch or self.epoch, restart
        self.carried = carried
        if not restart:
            self.new_era()

    def in_doubt(self, epoch: str | None, rows: Iterable[Row]) -> None:
        """The phone may know of that epoch or not; it may go by what came, or not."""
        self.doubt, self.fog = str(epoch), True
        self.carry(rows)
        self.loose |= Counter(set(rows))

    def take_of_old(self, asked: Question, reply: Rows) -> None:
        """A reply to a question of an epoch that is over. Asked after 0, it is as good as any in the new one."""
        self.loose |= Counter(set(reply.rows))
        if not asked.seq_cli and reply.epoch == self.epoch:
            self.carry(reply.rows)
            if self.restart:
                self.new_era()

    def carry(self, rows: Iterable[Row]) -> None:
        """Rows have reached the phone: its mark may be as large as the last one."""
        self.carried = max([self.carried, *(seq for seq, _ in rows)])


class Sends:
    """What the phone's user sent and under which client ids it went out (SND-3). ``said``: how often each body."""

    def __init__(self) -> None:
        self.said: Counter[str] = Counter()
        self._bodies: dict[tuple[str, str], str] = {}  # by account and client id
        self._posts: dict[int, ph.Posted] = {}
        self._unsure: set[tuple[str, str]] = set()  # of sends that were lost

    def posted(self, event: ph.Posted) -> tuple[str, str] | None:
        """Take note of a send. Returns what is wrong with its client id, in a few words and in a sentence."""
        key = event.account, event.client_id
        known = self._bodies.get(key)
        if known is not None and known != event.body:
            text = f"the client id {event.client_id!r} of {known!r} is used again for {event.body!r}"
            return "one client id for two messages", text
        self._bodies[key] = event.body
        self._posts[event.id] = event
        ids = [name for (who, name), body in self._bodies.items() if who == event.account and body == event.body]
        if len(ids) > self.said[event.body]:
            text = f"{event.body!r} goes out again under another client id, {event.client_id!r}: a second message"
            return "a second client id", text
        return None

    def repeats(self, event: ph.Posted) -> bool:
        """Whether it is a repeat of a send that was lost."""
        return (event.account, event.client_id) in self._unsure

    def lost(self, number: int) -> None:
        """A request was lost, perhaps a send."""
        event = self._posts.get(number)
        if event is not None:
            self._unsure.add((event.account, event.client_id))
