"""The judge of phones: for each requirement a short history that passes, and one nearly the same that is blamed on it.

A history is written in a few words, parted by ``;``. Accounts are x, or named before a slash (``y/m 1a``).

    m 1a        message (1, "a") is stored on the server    other 1     another phone has all up to 1
    on          the app starts      again   killed, and started again on its store      login y    account y logs in
    ? 1 0       request 1 leaves: a recv after 0            post 1 c a  request 1: the send of "a", client id c
    r 1 : 1a +  request 1 is answered, the reply arrives; + more is due, - nothing more, @e1 the epoch
    rx 1 : 1a   ... the reply is lost       late 1   it arrives after all       r! 1 : 1a   the phone dies taking it
    rq 1        the request is lost         ahead 1 @e2   it is refused as ahead
    tip   pull   up   down   say a   wait 1000      restored e2 0    the server is back from a backup, with up to seq 0
    cli 1       its durable seq_cli is looked up            has 1a 2b   what it shows is       rest   all must be there
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from seqproof_model import phone_history as ph
from seqproof_model.history import Code
from seqproof_model.phone_judge import PhoneJudge, judge
from seqproof_model.phone_verdict import GRADED
from seqproof_model.phone_words import PhoneCapability, PhoneHello, Refusal, Row, Rows
from seqproof_model.verdict import Violation

ALL = frozenset(PhoneCapability)
HELLO = PhoneHello("p", ALL, patience_ms=1_000, retry_ms=5_000, poll_ms=20_000)
NO_POLL = PhoneHello("p", ALL, patience_ms=1_000, retry_ms=5_000)


def rows_of(words: list[str]) -> tuple[Row, ...]:
    found = [re.fullmatch(r"(\d+)([a-z]+)", word) for word in words]
    return tuple((int(match[1]), match[2]) for match in found if match)


def reply_of(words: list[str]) -> Rows:
    epoch = next((word[1:] for word in words if word.startswith("@")), None)
    return Rows(rows_of(words), more={"+": True, "-": False}.get(words[-1]) if words else None, epoch=epoch)


def simple(word: str, account: str, rest: list[str]) -> ph.Event | None:
    """A word that is one event."""
    match word:
        case "m":
            ((seq, body),) = rows_of(rest)
            return ph.Stored(account, seq, body)
        case "?":
            return ph.Asked(int(rest[0]), account, int(rest[1]))
        case "post":
            return ph.Posted(int(rest[0]), account, rest[1], rest[2])
        case "cli":
            return ph.Marks(account, int(rest[0]))
        case "has":
            return ph.Holds(account, rows_of(rest))
        case "restored":
            return ph.Restored(account, rest[0], int(rest[1]))
        case "other":
            return ph.Confirmed(account, int(rest[0]))
        case "say":
            return ph.Said(account, rest[0])
        case "wait":
            return ph.Elapsed(int(rest[0]))
        case "login":
            return ph.LoggedIn(rest[0])
        case _:
            words: dict[str, ph.Event] = {
                "on": ph.Started(account),
                "tip": ph.Tipped(account),
                "pull": ph.Pulled(),
                "up": ph.Connected(up=True),
                "down": ph.Connected(up=False),
                "rest": ph.Rested(),
            }
            return words.get(word)


def step(text: str) -> Iterator[ph.Event]:
    """The events of one step."""
    account, slash, rest = text.partition("/")
    word, *words = (rest if slash else text).split()
    found = simple(word, account if slash else "x", words)
    if found is not None:
        yield found
        return
    number = int(words[0]) if words else 0
    match word:
        case "again":
            yield ph.Killed()
            yield ph.Started("x", again=True)
        case "r" | "rx" | "r!":
            yield ph.Served(number, reply_of(words[2:]))
            yield ph.Lost(number) if word == "rx" else ph.Arrived(number, dies=word == "r!")
        case "late":
            yield ph.Arrived(number, late=True)
        case "rq":
            yield ph.Lost(number)
        case "ahead":
            yield ph.Served(number, Refusal(Code.AHEAD, 0, words[1][1:]))
            yield ph.Arrived(number)
        case _:
            raise ValueError(text)


def script(text: str) -> list[ph.Event]:
    steps = (part.strip() for part in text.split(";"))
    return [ph.Scenario("t"), *(event for part in steps if part for event in step(part))]


def blamed(text: str, hello: PhoneHello = HELLO) -> Violation | None:
    return judge(script(text), hello)


GIVEN = "m 1a; on; ? 1 0; r 1 : 1a -; cli 1; has 1a"
EPOCH = "m 1a; on; ? 1 0; r 1 : 1a - @e1; cli 1; has 1a; restored e2 0; ? 2 1"
TWO = "m 1a; y/m 1b; on; ? 1 0; r 1 : 1a -; cli 1; has 1a; login y"
LOST = "m 1a; on; ? 1 0; rx 1 : 1a -; cli 0; has"
KNOWN = f"{GIVEN}; m 2b; ? 2 1; rx 2 : 2b; ? 3 1; m 3c; r 3 : 2b 3c -; ? 4 3; cli 3; has 1a 2b 3c"

# the requirement; a history in which its condition is observed; one that is blamed on it, and in which words
ROWS = [
    ("DEV-1", f"{TWO}; y/? 2 0; r 2 : 1b -; y/cli 1; y/has 1b", f"{TWO}; y/? 2 1", "the mark of another account"),
    ("DEV-1", f"{TWO}; y/? 2 0; y/has", f"{TWO}; y/? 2 0; y/has 1a", "a message of another account"),
    ("DEV-1", f"{TWO}; y/? 2 0; has 1a", f"{TWO}; y/? 2 0; has", "not held"),
    ("DEV-2", f"{GIVEN}; again; ? 2 1; cli 1; has 1a", f"{GIVEN}; again; cli 1; has", "not held"),
    ("DEV-2", f"{GIVEN}; again; ? 2 0; has 1a", "m 1a; on; ? 1 0; r 1 : 1a -; ? 2 1; has", "not held"),
    ("DEV-2", f"{GIVEN}; again; has 1a", f"{GIVEN}; has 1a 2b", "a message from nowhere"),
    ("DEV-3", f"{GIVEN}; pull; ? 2 1", f"{GIVEN}; pull; ? 2 2", "runs ahead"),
    ("DEV-3", f"{GIVEN}; pull; ? 2 1", f"{GIVEN}; tip; cli 2", "runs ahead"),
    ("DEV-3", f"{GIVEN}; pull; ? 2 1", f"{LOST}; ? 2 1", "runs ahead"),
    ("DEV-3", f"{GIVEN}; pull; ? 2 1; r 2 : -; cli 1", f"{GIVEN}; pull; ? 2 1; r 2 : -; cli 0", "falls"),
    ("DEV-3", f"{GIVEN}; ? 2 1; rq 2; ? 3 1", f"{GIVEN}; ? 2 1; r 2 : -; ? 3 0", "falls"),
    ("DEV-4", f"{KNOWN}; late 2; cli 3; has 1a 2b 3c", f"{KNOWN}; late 2; cli 2", "falls"),
    ("DEV-4", f"{KNOWN}; late 2; ? 5 3", f"{KNOWN}; late 2; ? 5 2", "falls"),
    ("DEV-4", f"{KNOWN}; late 2; has 1a 2b 3c", f"{KNOWN}; late 2; has 1a 2b 2b 3c", "shown twice"),
    ("DEV-5", "on; wait 900; ? 1 0; has", "on; wait 1000; has", "does not ask"),
    ("DEV-5", f"{GIVEN}; tip; ? 2 1; has 1a", f"{GIVEN}; tip; wait 1000; has 1a", "does not ask"),
    ("DEV-5", f"{GIVEN}; down; up; ? 2 1", f"{GIVEN}; down; up; wait 1000; has 1a", "does not ask"),
    ("DEV-5", "m 1a; m 2b; on; ? 1 0; r 1 : 1a +; ? 2 1",
     "m 1a; m 2b; on; ? 1 0; r 1 : 1a +; wait 1000; has 1a", "does not ask"),
    ("DEV-6", "on; ? 1 0; tip; r 1 : -; ? 2 0", "on; ? 1 0; tip; r 1 : -; wait 1000; has", "does not ask"),
    ("DEV-7", f"{EPOCH}; ahead 2 @e2; ? 3 0; has 1a", f"{EPOCH}; ahead 2 @e2; ? 3 1", "asks on"),
    ("DEV-7", f"{EPOCH}; r 2 : - @e2; ? 3 0", f"{EPOCH}; r 2 : - @e2; wait 1000; has 1a", "does not ask"),
    ("DEV-7", f"{EPOCH}; r 2 : - @e2; ? 3 0; has 1a", f"{EPOCH}; r 2 : - @e2; ? 3 0; has", "not held"),
    ("PSH-1", f"{GIVEN}; tip; ? 2 1; has 1a", f"{GIVEN}; tip; has", "not held"),
    ("PSH-4", f"{LOST}; wait 5000; ? 2 0; r 2 : 1a -; cli 1; has 1a", f"{LOST}; wait 5000; has", "does not ask"),
    ("PSH-4", f"{LOST}; ? 2 0; r 2 : 1a -; cli 1; has 1a; wait 20999; ? 3 1",
     f"{GIVEN}; wait 21000; has 1a", "does not ask"),
    ("PSH-4", f"{LOST}; ? 2 0; r 2 : 1a -; cli 1; has 1a; rest", f"{GIVEN}; m 2b; rest", "no progress"),
    ("SND-3", "on; ? 1 0; say a; post 2 c a; rq 2; post 3 c a",
     "on; ? 1 0; say a; post 2 c a; rq 2; post 3 d a", "a second client id"),
    ("SND-3", "on; ? 1 0; say a; post 2 c a; rq 2; post 3 c a",
     "on; ? 1 0; say a; post 2 c a; say b; post 3 c b", "one client id for two messages"),
]  # fmt: skip


@pytest.mark.parametrize(("requirement", "passes", "_fails", "_words"), ROWS, ids=[f"{r[0]}: {r[1]}" for r in ROWS])
def test_what_is_right_passes_and_is_an_observation(requirement: str, passes: str, _fails: str, _words: str) -> None:
    counts = Counter[str]()
    this = PhoneJudge(HELLO, counts)
    for event in script(passes):
        this.feed(event)
    assert this.violation is None
    assert counts[requirement] > 0


@pytest.mark.parametrize(("requirement", "_passes", "fails", "words"), ROWS, ids=[f"{r[0]}: {r[2]}" for r in ROWS])
def test_what_is_wrong_is_blamed_on_it_at_its_last_event(
    requirement: str, _passes: str, fails: str, words: str
) -> None:
    found = blamed(fails)
    assert found
    assert (found.requirement, found.observation) == (requirement, words)
    assert found.event == len(script(fails)), "blamed before its last event: the history is not minimal"
    assert blamed(fails.rpartition(";")[0]) is None


def test_every_requirement_that_is_graded_has_a_row() -> None:
    assert {row[0] for row in ROWS} == set(GRADED)


# what a phone must never be blamed for
LIBERTIES = [
    ("it adopts less than it was given", "m 1a; m 2b; on; ? 1 0; r 1 : 1a 2b -; cli 1; has 1a; ? 2 1"),
    ("it asks twice", "on; ? 1 0; ? 2 0; r 1 : -; r 2 : -; has"),
    ("it asks often", f"{GIVEN}; ? 2 1; r 2 : -; ? 3 1; r 3 : -; ? 4 1"),
    ("a retry of old asks with less", "m 1a; on; ? 1 0; rq 1; ? 2 0; r 2 : 1a -; ? 3 1; rq 3; pull; ? 4 1"),
    ("its mark is not durable", f"{GIVEN}; again; ? 2 0; cli 1; has 1a"),
    ("it drops what comes late", f"{LOST}; ? 2 0; r 2 : 1a -; late 1; cli 1; has 1a"),
    ("it keeps what comes late", f"{LOST}; late 1; cli 1; has 1a; ? 2 1"),
    ("it died while it took the reply: all of it", "m 1a; on; ? 1 0; r! 1 : 1a -; again; cli 1; has 1a; ? 2 1"),
    ("it died while it took the reply: nothing", "m 1a; on; ? 1 0; r! 1 : 1a -; again; cli 0; has; ? 2 0"),
    ("it died while it took the reply: the message alone", "m 1a; on; ? 1 0; r! 1 : 1a -; again; cli 0; has 1a; ? 2 0"),
    ("another phone confirmed what lies between", "m 1a; other 1; m 2b; on; ? 1 0; r 1 : 2b -; cli 2; has 2b; rest"),
    ("it has no connection", "on; down; wait 90000; has"),
    ("it waits for a reply", "on; ? 1 0; wait 90000; has"),
    ("a tip of another account", f"{GIVEN}; y/tip; wait 1000; has 1a"),
    ("it keeps the old epoch's messages beside the new",
     f"{EPOCH}; r 2 : - @e2; ? 3 0; m 1b; r 3 : 1b - @e2; has 1a 1b"),
    ("it does not know which epoch is the newer",
     "m 1a; on; ? 1 0; ? 2 0; r 1 : 1a - @e1; cli 1; restored e2 0; m 1b; r 2 : 1b - @e2; has 1a; ? 3 1; ? 4 0"),
    ("it may not have heard of the epoch in which it died",
     "m 1a; on; ? 1 0; r! 1 : 1a - @e1; again; ? 2 0; restored e2 0; m 1b; r 2 : 1b - @e2; cli 1; ? 3 1; has 1b"),
    ("it may have heard of the epoch in which it died",
     "m 1a; on; ? 1 0; r! 1 : 1a - @e1; again; ? 2 1; restored e2 0; m 1b; ahead 2 @e2; ? 3 0; has 1a"),
    ("it drops what comes late, with its new epoch",
     f"{EPOCH}; rx 2 : - @e2; late 2; ? 3 1; ahead 3 @e2; ? 4 0; has 1a"),
    ("it takes what comes late, with its new epoch", f"{EPOCH}; rx 2 : - @e2; late 2; ? 3 0; has 1a"),
]  # fmt: skip


@pytest.mark.parametrize(("liberty", "text"), LIBERTIES, ids=[row[0] for row in LIBERTIES])
def test_what_is_left_to_a_phone_is_never_blamed(liberty: str, text: str) -> None:
    found = blamed(text)
    assert found is None, (liberty, found)


STILL = [
    ("in doubt it may show nothing strange", "cli 1; has 1a 7z", "DEV-2"),
    ("in doubt it shows nothing twice", "has 1a 1a 1a", "DEV-4"),
    ("in doubt it gets everything in the end", "has 1a; rest", "PSH-4"),
]
DOUBT = "m 1a; on; ? 1 0; ? 2 0; r 1 : 1a - @e1; cli 1; restored e2 0; m 1b; r 2 : 1b - @e2"


@pytest.mark.parametrize(("_what", "end", "requirement"), STILL, ids=[row[0] for row in STILL])
def test_a_doubt_about_the_epoch_excuses_nothing_else(_what: str, end: str, requirement: str) -> None:
    found = blamed(f"{DOUBT}; {end}")
    assert found
    assert found.requirement == requirement


def test_a_tip_that_moves_the_mark_makes_psh_1_suspect() -> None:
    found = blamed(f"{GIVEN}; tip; cli 2")
    assert found
    assert found.suspects == ("PSH-1",)
    assert "a tip moved it" in found.sentence


def test_a_phone_that_does_not_poll_owes_progress_by_tips_and_starts_alone() -> None:
    assert blamed(f"{GIVEN}; wait 90000; has 1a", NO_POLL) is None
    found = blamed(f"{GIVEN}; m 2b; rest", NO_POLL)
    assert found
    assert found.requirement == "DEV-5"


def test_a_phone_that_knows_no_epoch_owes_no_ask_for_a_new_one() -> None:
    plain = PhoneHello("p", ALL - {PhoneCapability.EPOCH}, patience_ms=1_000, retry_ms=5_000, poll_ms=20_000)
    late = f"{EPOCH}; r 2 : - @e2; wait 1000; has 1a"
    assert blamed(late)
    assert blamed(late, plain) is None


def test_after_the_first_violation_nothing_more_is_said() -> None:
    this = PhoneJudge(HELLO)
    found = [this.feed(event) for event in script(f"{GIVEN}; ? 2 9; ? 3 10; has 5z")]
    assert [violation.requirement for violation in found if violation] == ["DEV-3"]
