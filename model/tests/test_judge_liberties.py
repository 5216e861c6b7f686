"""Repeats, equal bodies, gaps, lag and edges of the space: correct servers pass, and what stays a fault is seen."""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec
import pytest

from seqproof_model import history as h
from seqproof_model.judge import Judge
from seqproof_model.profile import Profile
from seqproof_model.shapes import Chances, Server, Shape, draw, simulate

Judging = Callable[..., Judge]

# ------------------------------------------------------------------ repeats (same sender, same client id)

EITHER = [
    "s a@c =1; s a@c =1; A 0 : 1a; s a@c =1",
    "s a@c ?; s b =2; s a@c =1",  # the lost first attempt had been stored
    "s a@c ?; s b =2; s a@c =1; A 0 : 1a 2b",
    "1( s a@c; 2( s a@c; 2) !busy; 1) =1",
    "1( s a@c; 2( s a@c; 2) =1; 1) =1; A 0 : 1a",
    "s a@c !store; s a@c =1; A 0 : 1a",
    "s a@c !store; s b =1; s a@c =2; A 0 : 1b 2a",
    "s a@c =1; s a@c !policy; A 0 : 1a",
    "s a@c =1; kill; trim; s a@c =1",
    "s a@c ?; kill; s a@c =1; A 0 : 1a",
    "s a@c =; s b =; s a@c =; A 0 : 1a 2b",
    "s a@c ?; s b =; s a@c =; A 0 : 1a 2b",
    "s a@c =1; s z@c =1; A 0 : 1a",  # another body: the first one's answer
    "s a@c ?; s z@c =1; s b =2; A 0 : 1a 2b",
    "s a@c ?; s z@c ?; s y@c =1; A 0 : 1z",
    "s a@c =; s z@c =; A 0 : 1a; s b =; A 1 : 2b",
    "s a@c =1; s a@c%t =2; A 0 : 1a 2a",  # another sender
    "s a@c =1; y/s a@c =1; A 0 : 1a; y/A 0 : 1a",  # another account
    "1( s a@c; A 0 : 1a; 2( s a@c; 2) =1; 1) =1; s b =2; A 0 : 1a 2b",
]
ONLY_OUTSIDE_IDEMPOTENT = [
    "s a@c =1; s a@c =2; A 0 : 1a 2a",
    "s a@c =1; s b =2; s a@c =3; A 0 : 1a 2b 3a",
    "s a@c ?; s a@c =2; A 0 : 1a 2a",
    "s a@c ?; s a@c =1; A 0 : 1a 2a",
    "1( s a@c; 2( s a@c; 2) =2; 1) =1; A 0 : 1a 2a",
    "s a@c =; s a@c =; A 0 : 1a 2a",
    "s a@c =1; s z@c =2; A 0 : 1a 2z",
    "s a@c =1; s a@c =1; A 0 : 1a 2a",  # the repeat was answered as the first, and yet stored
    "s a@c =1; s a@c =1; s a@c =3",
    "s a@c =1; s a@c =2; s a@c =2; A 0 : 1a 2a 3a",
    "1( s a@c; 2( s a@c; 2) =1; 1) =1; A 0 : 1a 2a",
    "1( s a@c; 2( s a@c; 3( s a@c; 1) =3; 2) =3; 3) =3; A 0 : 1a 2a 3a",
]


@pytest.mark.parametrize("profile", ["strict", "idempotent", "gappy", "gappy+idempotent"])
@pytest.mark.parametrize("text", EITHER)
def test_a_repeat_may(text: str, profile: str, judged: Judging) -> None:
    assert judged(text, profile).violations == []


@pytest.mark.parametrize("text", ONLY_OUTSIDE_IDEMPOTENT)
def test_a_repeat_may_make_a_second_message_outside_idempotent(text: str, judged: Judging) -> None:
    for profile in ("strict", "gappy", "lagging"):
        assert judged(text, profile).violations == []
    for profile in ("idempotent", "gappy+idempotent"):
        (violation,) = judged(text, profile).violations
        assert violation.requirement == "SND-3"


def test_a_hidden_duplicate_leaves_a_hole_for_itself(judged: Judging) -> None:
    text = "s a@c =1; s a@c =1; s b =3; A 0 : 1a 2a 3b; A 3 : "
    assert judged(text).violations == []
    (violation,) = judged(text, "idempotent").violations
    assert violation.requirement == "SEQ-2"


@pytest.mark.parametrize(
    ("text", "requirement"),
    [
        ("s a@c !store; s a@c =1; A 0 : ", "RCV-7"),  # noted before it was stored
        ("s a@c =1; s a@c =1; s a@c =4", "SEQ-2"),
        ("s a@c =1; s a@c =2; s a@c =2; A 0 : 1a 2a 3a 4a", "SND-2"),
        ("s a@c =1; s a@c !policy; A 0 : 1a 2a", "SND-2"),
        ("s a@c =1; s a@c =1; A 0 : 2a", "RCV-1"),
        ("1( s a@c; A 0 : 1a; s a@c =1; 1) !policy", "SND-5"),  # it was there before the repeat began
        ("s a@c =1; s b =2; s a@c =2", "SEQ-3"),
        ("s a@c =1; s b@c%t =1", "SEQ-3"),  # client ids are per sender
        ("s b =1; s c =2; s a@c =1", "SEQ-3"),
    ],
)
def test_a_repeat_may_not(text: str, requirement: str, judged: Judging) -> None:
    (violation,) = judged(text).violations
    assert violation.requirement == requirement


# ------------------------------------------------------------------ equal bodies of different messages


@pytest.mark.parametrize(
    "text",
    [
        "s a =1; s a =2; A 0 : 1a 2a",
        "s a =; s a =; A 0 : 1a 2a",
        "1( s a; 1) ?; 2( s a; A 0 : 1a; 2) =1; A 0 : 1a",  # the row was the second one's
        "1( s a; 2( s a; A 0 : 1a; 1) =2; 2) =1; A 0 : 1a 2a",
        "s a ?; s a =; A 0 : 1a; A 1 : ",
        "s a ?; s a =; A 0 : 1a 2a; A 2 : ",
        "s a ?; s a ?; A 0 : 1a; A 0 : 1a 2a; s a =3",
        "s a =; s a =; s a =; 1( B 0; s a =; A 3 : 4a; 1) : 1a 2a 3a 4a",
        "1( s a; 2( s a; A 0 : 1a; 1) !store; 2) =1",
        "s a@- =1; s a@- =2; A 0 : 1a 2a",
    ],
)
def test_equal_bodies_are_not_confused(text: str, judged: Judging) -> None:
    for profile in ("strict", "gappy", "idempotent", "gappy+idempotent"):
        assert judged(text, profile).violations == []


@pytest.mark.parametrize(
    ("text", "requirement"),
    [
        ("s a =1; s a =1", "SEQ-3"),
        ("s a =; s a =; A 0 : 1a", "RCV-7"),
        ("s a ?; s a ?; A 0 : 1a 2a 3a", "SND-2"),
        ("1( s a; 2( s a; A 0 : 1a; 1) =2; 2) =3", "SEQ-2"),
        ("s a =1; s a !policy; A 0 : 1a 2a", "SND-2"),
    ],
)
def test_equal_bodies_hide_nothing(text: str, requirement: str, judged: Judging) -> None:
    (violation,) = judged(text).violations
    assert violation.requirement == requirement


# ------------------------------------------------------------------ gaps


@pytest.mark.parametrize(
    "text",
    [
        "s a =3; s b !store; s c =9; A 0 : 3a 9c; A 3 : 9c; A 9 : ; B 0 : ",
        "s a =1; A 7 : ; A 0 : 1a",  # 7 is ahead ...
        "s a =1; A 7 : ; A 0 : ",  # ... or void, and confirms
        "s a =1; s b !full; A 0 : 1a; A 2 !ahead",  # the rest of the space was skipped
        "1( s a; s b =5; A 0 : ; 1) =3; A 0 : 3a 5b",  # a hides b
        "s a =2; s b =4; 1( B 0; A 3 : 4b; 1) : 4b",  # confirmed at a void seq
        "preset 9; s a =20; A 0 : 20a; A 15 : 20a",
        "s a =; s b =; A 0 : 4a 9b",
        "s a ?; s b =; A 0 : 9b; A 0 : 9b",  # a was lost
        "s a =; 1( s b; A 0 : ; 1) =; A 0 : 3a 4b",
    ],
)
def test_with_gaps_a_server_may(text: str, judged: Judging) -> None:
    assert judged(text, Profile("gaps", seq_max=99, gaps=True)).violations == []


@pytest.mark.parametrize(
    ("text", "requirement"),
    [
        ("s a =3; s b =3", "SEQ-3"),
        ("s a =3; s b =2", "SEQ-4"),
        ("1( s a; s b =5; A 0 : 5b; 1) =3", "SEQ-4"),
        ("s a ?; s b =5; A 0 : 5b; A 0 : 3a 5b", "SEQ-4"),
        ("s a =3; s b =5; s c =8; A 0 : 3a 8c", "RCV-1"),
        ("s a =3; s b =5; A 0 : 5b", "RCV-1"),
        ("s a =3; s b =5; A 0 : 3a", "RCV-7"),
        ("s a =3; A 0 : ", "RCV-7"),
        ("s z ?; s a =1; A 0 : 1a; A 0 : ", "RCV-7"),  # shown, so an open send cannot hide it
        ("s z ?; A 0 : 1z; s a =2; A 0 : 1z", "RCV-7"),
        ("s a =3; A 3 : ; B 0 : 3a", "CNF-5"),
        ("s a =3; s b =5; A 4 : 3a 5b", "CNF-1"),
        ("s a =100", "SEQ-1"),
        ("s a =3; A 2 !ahead", "RCV-5"),
        ("s a =; A 0 : ", "RCV-7"),
        ("s a =; s b =; A 0 : 7b", "RCV-7"),
        ("s a =3; A 0 : 3b", "RCV-1"),
    ],
)
def test_with_gaps_it_still_may_not(text: str, requirement: str, judged: Judging) -> None:
    (violation,) = judged(text, Profile("gaps", seq_max=99, gaps=True)).violations
    assert violation.requirement == requirement


# ------------------------------------------------------------------ at random


def alarm(seed: int, operations: int = 0) -> str:
    profile, paged, history = draw(random.Random(seed), operations=operations)
    judge = Judge(profile, paged=paged)
    for event in history:
        violation = judge.feed(event)
        if violation:
            return f"seed {seed}: event {violation.event}: {violation.sentence}"
    return ""


@pytest.mark.parametrize("block", range(8))
def test_no_liberty_is_blamed(block: int) -> None:
    assert [found for seed in range(block * 1000, block * 1000 + 1000) if (found := alarm(seed))] == []


@pytest.mark.parametrize("seed", range(8))
def test_no_liberty_is_blamed_in_a_long_history(seed: int) -> None:
    assert alarm(seed, operations=6000) == ""


@pytest.mark.parametrize("seed", range(300))
def test_accounts_do_not_meddle(seed: int) -> None:
    """Two accounts' histories, interleaved, are judged as each alone would be."""
    rng = random.Random(seed)
    chances = Chances(kill=0)
    histories = {
        name: simulate(rng, Server(rng.choice(list(Shape)), rng=rng), 10, 3, chances, account=name) for name in "xy"
    }
    judge = Judge(Profile("p"), paged=False)
    queues = {name: [renamed(event, 1000 * (name == "y")) for event in events] for name, events in histories.items()}
    while any(queues.values()):
        queue = queues[rng.choice([name for name, queue in queues.items() if queue])]
        assert judge.feed(queue.pop(0)) is None


def renamed(event: h.Event, offset: int) -> h.Event:
    if isinstance(event, h.Send | h.Recv | h.Ok | h.Refused | h.Indefinite):
        return msgspec.structs.replace(event, id=event.id + offset)
    return event
