"""What a suite plays with a phone: golden scenarios, every short course of a few moves, and random ones from a seed.

Faults of phones are shallow, like those of servers: nearly all known ones show within six moves. So all sequences of a
small alphabet are played up to a length. A move that has nothing to act on changes nothing, so every course that goes
on after such a move is the same as a shorter one: it is not played, and not counted as one that differs. Which moves
are idle is the phone's own doing, hence it is found out while playing.

A tip that is lost is no move: nothing happens to the phone. Every course ends in the runner's fair end, in which all
tips are lost. Source: docs/phones.md.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from importlib import resources

from seqproof_conformance.phone_runner import PhonePlayed
from seqproof_model import phone_scenario as ps
from seqproof_model.phone_scenario import PhoneScenario, Step

LONGEST, SHORTEST = 7, 3


@dataclass(frozen=True)
class Alphabet:
    """Moves that are put together in every order, after the app has started. ``page``, ``tells``: of the server."""

    name: str
    text: str
    moves: tuple[Step, ...]
    page: int | None = None

    @property
    def needs(self) -> frozenset[str]:
        """The capabilities that its moves need."""
        return PhoneScenario("", self.moves).needs


M, TIP, WAIT, LATE, KILL, PULL = ps.Message(), ps.Tip(), ps.Wait(), ps.Late(), ps.Kill(), ps.Pull()
R, R2, RX, RQ = ps.Answer(), ps.Answer(newest=True), ps.Answer(lose="reply"), ps.Answer(lose="request")
NETWORK = (M, R, RX, LATE, TIP, WAIT, KILL, ps.Down(), ps.Up())

ALPHABETS: tuple[Alphabet, ...] = (
    Alphabet("network", "messages, replies, lost and late ones, tips, time, kills and a connection that breaks",
             NETWORK, page=1),
    Alphabet("plain", "messages, replies, lost requests and replies, and time", (M, R, RQ, RX, WAIT), page=1),
    Alphabet("late", "messages, replies, lost and late ones, and a user who asks for news", (M, R, RX, LATE, PULL)),
    Alphabet("pages", "messages, another phone, replies in any order, tips", (M, ps.Other(), R, R2, TIP), page=2),
    Alphabet("deaths", "messages, replies, kills, also in the middle of a reply, and a user who asks for news",
             (M, R, ps.Answer(die_after=0), ps.Answer(die_after=1), KILL, PULL)),
    Alphabet("accounts", "messages for two accounts that take turns, and replies",
             (M, ps.Message("y"), R, RX, LATE, ps.Login("y"), ps.Login("x"))),
    Alphabet("epochs", "messages, replies, a restored server, and a user who asks for news",
             (M, R, ps.Restore(), ps.Other(), PULL)),
    Alphabet("sends", "a user who sends, replies, lost ones, kills and a connection that breaks",
             (ps.Say(), R2, ps.Answer("reply", newest=True), KILL, ps.Down(), ps.Up(), WAIT)),
)  # fmt: skip


def golden() -> list[PhoneScenario]:
    """The golden scenarios for phones, by name."""
    folder = resources.files("seqproof_conformance").joinpath("phone", "golden")
    files = sorted((item for item in folder.iterdir() if item.name.endswith(".json")), key=lambda item: item.name)
    return [ps.decode(item.read_bytes(), item.name) for item in files]


def count(alphabet: Alphabet, length: int) -> int:
    """How many courses there are of up to so many moves."""
    return sum(len(alphabet.moves) ** n for n in range(1, length + 1))


def length_within(alphabet: Alphabet, plays: float) -> int:
    """The longest length whose courses are at most so many, even if none is idle."""
    return max((n for n in range(SHORTEST, LONGEST + 1) if count(alphabet, n) <= plays), default=SHORTEST)


@dataclass
class Courses:
    """All courses of an alphabet up to a length. ``played``: how many differ to this phone, so far."""

    alphabet: Alphabet
    length: int
    played: int = 0

    def play(self, play: Callable[[PhoneScenario], PhonePlayed]) -> None:
        """Play each course that differs from a shorter one."""
        idle: set[tuple[int, ...]] = set()
        numbers = range(len(self.alphabet.moves))
        for length in range(1, self.length + 1):
            for course in itertools.product(numbers, repeat=length):
                if any(course[:n] in idle for n in range(1, length)):
                    continue
                steps = (ps.Start(), *(self.alphabet.moves[n] for n in course))
                name = f"{self.alphabet.name} {''.join(map(str, course))}"
                played = play(PhoneScenario(name, steps, page=self.alphabet.page))
                if played.idle:  # the app's start never is
                    idle.add(course[: played.idle])
                else:
                    self.played += 1

    def guarantee(self) -> str:
        """What is known once all were played without a violation."""
        whole = count(self.alphabet, self.length)
        return (
            f"every course of up to {self.length} moves: {self.alphabet.text}: "
            f"{whole} courses, of which {self.played} differ to this phone"
        )


def campaign(seed: int, examples: int, capabilities: Collection[str]) -> Iterator[PhoneScenario]:
    """Random scenarios; the same seed, the same scenarios."""
    chance = random.Random(seed)
    weighted: list[tuple[Step, int]] = [
        (M, 6), (ps.Message(count=3), 1), (ps.Message(body="again"), 1), (R, 8), (R2, 2), (RX, 3),
        (RQ, 2), (LATE, 3), (TIP, 4), (WAIT, 2), (ps.Wait(500), 1), (PULL, 2), (ps.Other(), 1), (KILL, 2),
        (ps.Answer(die_after=0), 1), (ps.Answer(die_after=1), 1), (ps.Answer(die_after=2), 1), (ps.Down(), 1),
        (ps.Up(), 2), (ps.Login("y"), 1), (ps.Login("x"), 1), (ps.Message("y"), 1), (ps.Tip("y"), 1), (ps.Say(), 2),
        (ps.Restore(), 1), (ps.Restore(keep=1), 1),
    ]  # fmt: skip
    able = [(step, weight) for step, weight in weighted if PhoneScenario("", (step,)).needs <= set(capabilities)]
    for number in range(examples):
        moves = chance.choices([step for step, _ in able], [weight for _, weight in able], k=chance.randint(3, 16))
        page = chance.choice([None, None, 1, 2])
        yield PhoneScenario(f"campaign {number}", (ps.Start(), *moves), page=page, seed=seed)
