"""The observed-to-id table: for each observation a small history that shows it, and a conforming twin that passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from seqproof_model.blame import Context, Observed, Row, Seen, suspects
from seqproof_model.judge import Judge
from seqproof_model.profile import Profile
from seqproof_model.requirements import INVARIANTS, REQUIREMENTS

O = Observed  # noqa: E741 - the table is read in columns
TINY = Profile("tiny", seq_max=2)
FIRST_5 = Profile("from 5", first_seq=5, seq_max=6)


class Case(NamedTuple):
    """``bad`` ends with the answer that is blamed; ``good`` is nearly the same and passes."""

    observed: Observed
    bad: str
    good: str
    profile: str | Profile = "strict"
    paged: bool = False


CASES = [
    Case(O.SEQ_OUTSIDE, "s a =0", "s a =1"),
    Case(O.SEQ_OUTSIDE, "s a =4", "s a =5", FIRST_5),
    Case(O.SEQ_OUTSIDE, "s a =1; s b =2; s c =3", "s a =1; s b =2; s c !full", TINY),
    Case(O.SEQ_OUTSIDE, "s a ?; s b ?; s c ?; A 0 : 1a 2b 3c", "s a ?; s b ?; s c ?; A 0 : 1a 2b", TINY),
    Case(O.SEQ_OUTSIDE, "s a =; s b =; s c =", "s a =; s b =; s c ?", TINY),
    Case(O.SEQ_OUTSIDE, "s a =; A 0 : 0a", "s a =; A 0 : 1a"),
    Case(O.SEQ_TAKEN, "s a =1; s b =1", "s a =1; s b =2"),
    Case(O.SEQ_TAKEN, "s a@- =1; s b@- =1", "s a@- =1; s b@- =2"),
    Case(O.SEQ_TAKEN, "s a@c =1; s b@c%t =1", "s a@c =1; s b@c%t =2"),
    Case(O.SEQ_TAKEN, "s a ?; A 0 : 1a; s b =1", "s a ?; A 0 : 1a; s b =2"),
    Case(O.SEQ_TAKEN, "1( s a; 2( s b; 1) =1; A 0 : 1b", "1( s a; 2( s b; 1) =1; A 0 : 1a 2b"),
    Case(O.TWO_SEQS_RETRY, "s a@c =1; s a@c =2", "s a@c =1; s a@c =1", "idempotent"),
    Case(O.TWO_SEQS_RETRY, "s a@c ?; s a@c =1; A 0 : 1a 2a", "s a@c ?; s a@c =1; A 0 : 1a", "idempotent"),
    Case(O.TWO_SEQS_RETRY, "s a@c =1; s b@c =2", "s a@c =1; s b@c =1", "idempotent"),
    Case(O.TWO_SEQS_RETRY, "s a@c =1; s b@c =2", "s a@c !store; s b@c =1", "idempotent"),
    Case(O.TWO_SEQS, "s a =1; A 0 : 1a 2a", "s a =1; s a =2; A 0 : 1a 2a"),
    Case(O.TWO_SEQS, "1( s a; A 0 : 1a; 1) =2", "1( s a; A 0 : 1a; 1) =1"),
    Case(O.TWO_SEQS, "s a@c =1; s a@c =2; A 0 : 1a 2a 3a", "s a@c =1; s a@c =2; A 0 : 1a 2a"),
    Case(O.TWO_SEQS, "s a ?; s a ?; A 0 : 1a 2a 3a", "s a ?; s a ?; A 0 : 1a 2a"),
    Case(O.SEQ_BEHIND, "s a ?; s b =2; s c =1", "1( s c; s b =2; 1) =1"),
    Case(O.SEQ_BEHIND, "s a =; s b =; A 0 : 1b", "s a =; s b =; A 0 : 1a 2b"),
    Case(O.SEQ_BEHIND, "s a =3; s b =2", "s a =3; s b =4", "gappy"),
    Case(O.SEQ_CLOSED, "1( s a; s b =5; A 0 : 5b; 1) =3", "1( s a; s b =5; A 0 : 3a 5b; 1) =3", "gappy"),
    Case(O.SEQ_CLOSED, "1( s a; s b =5; A 0 : 5b; A 0 : 3a 5b", "1( s a; s b =5; A 0 : 5b; A 0 : 5b 6a", "gappy"),
    Case(O.SEQ_SKIPPED, "s a =2", "1( s b; s a =2"),
    Case(O.SEQ_SKIPPED, "s a !store; s b =2", "s a ?; s b =2"),
    Case(O.SEQ_SKIPPED, "1( s a; s b =2; 1) !policy", "1( s a; s b =2; 1) =1"),
    Case(O.SEQ_SKIPPED, "s a ?; s b =3", "s a ?; s b =2"),
    Case(O.FULL_TOO_EARLY, "s a =1; s b !full", "s a =1; s b =2; s c !full", TINY),
    Case(O.FULL_TOO_EARLY, "s a !full", "preset 4294967295; s a !full"),
    Case(O.REFUSED_APPEARS, "s a !policy; s b =1; A 0 : 1b 2a", "s a !policy; s b =1; A 0 : 1b"),
    Case(O.REFUSED_APPEARS, "1( s a; A 0 : 1a; 1) !store", "1( s a; A 0 : ; 1) !store"),
    Case(O.OTHER_ACCOUNT, "y/s b =1; s a =1; A 0 : 1a 2b", "y/s b =1; s a =1; A 0 : 1a"),
    Case(O.OTHER_BODY, "s a =1; 1( s b; A 0 : 1b", "s a =1; 1( s b; A 0 : 1a 2b", "gappy"),
    Case(O.OTHER_BODY, "s a =1; A 0 : 1z", "s a =1; A 0 : 1a"),
    Case(O.OTHER_BODY, "s a =1; s b =2; A 0 : 1a 2a", "s a =1; s b =2; A 0 : 1a 2b"),
    Case(O.UNSORTED, "s a =1; s b =2; A 0 : 2b 1a", "s a =1; s b =2; A 0 : 1a 2b"),
    Case(O.REPEATED, "s a =1; A 0 : 1a 1a", "s a =1; A 0 : 1a"),
    Case(O.HOLED, "s a =1; s b =2; s c =3; A 0 : 1a 3c", "s a =1; s b =2; s c =3; A 0 : 1a 2b 3c"),
    Case(O.HOLED, "s a =1; s b =3; s c =7; A 0 : 1a 7c", "s a =1; s b =3; s c =7; A 0 : 1a 3b 7c", "gappy"),
    Case(O.OWN_ROW, "s a =1; A 1 : 1a", "s a =1; A 1 : "),
    Case(O.CONFIRMED_ROW, "s a =1; A 1 : ; B 0 : 1a", "s a =1; 1( B 0; A 1 : ; 1) : 1a"),
    Case(O.CONFIRMED_ROW, "s a =3; A 3 : ; B 0 : 3a", "s a =3; 1( B 0; A 3 : ; 1) : 3a", "gappy"),
    Case(O.UPTO_WRONG, "s a =1; s b =2; A 0 : 1a + ^2", "s a =1; s b =2; A 0 : 1a + ^1", paged=True),
    Case(O.UPTO_WRONG, "s a =1; A 1 : ^2", "s a =1; A 1 : ^1", paged=True),
    Case(O.MORE_UNDECLARED, "s a =1; A 0 : 1a +", "s a =1; A 0 : 1a -"),
    Case(O.MORE_TOO_EARLY, "s a =1; s b =2; A 0 : 1a -", "s a =1; s b =2; A 0 : 1a +", paged=True),
    Case(O.MORE_TOO_EARLY, "s a =; s b =; A 0 : 2a -", "s a =; s b =; A 0 : 2a", "gappy", paged=True),
    Case(O.ENDS_EARLY, "s a =1; s b =2; A 0 : 1a", "s a =1; 1( A 0; s b =2; 1) : 1a"),
    Case(O.ENDS_EARLY, "s a =1; s b =5; A 0 : 1a", "s a =1; s b =5; A 0 : 1a 5b", "gappy"),
    Case(O.ENDS_EARLY, "s a =; s b =; A 0 : 2a", "s a =; s b ?; A 0 : 2a", "gappy"),
    Case(O.ENDS_EARLY, "s a =; s b =; A 0 : 1a", "s a =; s b =; A 0 : 1a 2b"),
    Case(
        O.ENDS_BETWEEN,
        "1( s b; 2( s a; 3( B 0; 2) =2; 4( A 0; 1) =1; 4) : ; 3) : 1b",  # a was there, and then A saw neither
        "1( s b; 2( s a; 3( B 0; 2) =2; 4( A 0; 1) =1; 4) : ; 3) : 1b 2a",
    ),
    Case(
        O.ENDS_BETWEEN,
        "1( s b; 2( s a; 3( B 0; 2) =2; 4( A 1; 1) =1; 4) !ahead; 3) : 1b",
        "1( s b; 2( s a; 3( B 0; 4( A 1; 2) =2; 1) =1; 4) !ahead; 3) : 1b",
    ),
    Case(
        O.EMPTY_REPLY,
        "1( s b; 2( s a; 3( B 0; 2) =2; 4( A 0; 1) =1; 3) : 1b; 4) : ",
        "1( s b; 2( s a; 3( B 0; 2) =2; 4( A 0; 1) =1; 3) : 1b; 4) : 1b 2a",
    ),
    Case(O.WRONG_START, "s a =1; s b =2; A 0 : 2b", "s a =1; s b =2; 1( B 1; A 0 : 2b"),
    Case(O.WRONG_START, "s a =1; s b =2; A 0 : 2b", "s a =1; s b =2; B 1 ?; A 0 : 2b"),
    Case(O.WRONG_START, "s a =1; s b =4; A 0 : 4b", "s a =1; s b =4; B 1 ?; A 0 : 4b", "gappy"),
    Case(O.EMPTY_PAGE, "s a =1; A 0 : +", "s a =1; A 1 : +", paged=True),
    Case(O.EMPTY_PAGE, "s a =; A 0 : +", "s a ?; A 0 : +", "gappy", paged=True),
    Case(O.EMPTY_REPLY, "s a =1; A 0 : ", "s a =1; B 1 ?; A 0 : "),
    Case(O.EMPTY_REPLY, "s a =1; A 2 : ; A 0 : ", "s a =1; A 2 : ; A 0 : 1a"),
    Case(O.EMPTY_REPLY, "s a =1; A 1 !unreachable; A 0 : ", "s a =1; A 1 !store; A 0 : "),
    Case(O.EMPTY_REPLY, "s a =; A 0 : ", "s a ?; A 0 : ", "gappy"),
    Case(O.BEHIND_REFUSED, "s a =1; A 1 !ahead", "s a =1; A 2 !ahead"),
    Case(O.BEHIND_REFUSED, "s a =1; A 0 !full", "s a =1; A 0 !store"),
    Case(O.BEHIND_REFUSED, "s a =1; A 0 !policy", "s a =1; B 0 : 1a; A 0 !policy"),
    Case(O.BEHIND_REFUSED, "preset 9; A 3 !ahead", "preset 9; A 10 !ahead"),
    Case(
        O.REFUSED_CONFIRMS,  # only A can have confirmed 1
        "1( s a; 2( A 1; 1) =1; B 0 : ; 2) !ahead",
        "1( s a; 2( A 1; C 1 ?; 1) =1; B 0 : ; 2) !ahead",
    ),
    Case(
        O.REFUSED_CONFIRMS,
        "1( A 1; s a =1; s b =2; B 0 : 2b; 1) !unreachable",
        "1( A 1; s a =1; s b =2; B 0 : 1a 2b; 1) !unreachable",
    ),
    Case(
        O.MALFORMED_CONFIRMS,
        "s a =1; A 0 : 1a; A 0 : 1a; raw -1 !malformed; A 0 : ",
        "s a =1; A 0 : 1a; A 0 : 1a; raw 1.0 !malformed; A 0 : ",
    ),
    Case(
        O.MALFORMED_CONFIRMS,
        "s a =1; s b =2; A 0 : 1a 2b; A 0 : 1a 2b; raw null ?; s c =3; A 0 : 2b 3c",
        "s a =1; s b =2; A 0 : 1a 2b; A 0 : 1a 2b; raw null ?; s c =3; A 0 : 1a 2b 3c",
    ),
    Case(O.TIP_MISSING, "login A; s a =1; tips", "login A; s a =1; tips A"),
    Case(O.TIP_MISSING, "login A; s a =1; tips A; s b =2; tips", "login A; s a =1; s b =2; tips A"),
    Case(O.TIP_EARLY, "login A; 1( s a; tips A; A 0 : ; 1) =1; tips", "login A; 1( s a; tips A; 1) =1; tips"),
    Case(O.TIP_EARLY, "login A; 1( s a; tips A; A 0 : ; 1) =1; tips", "login A; 1( s a; tips A; A 0 : 1a; 1) =1; tips"),
    Case(O.TIP_ASTRAY, "login A; login B; s a =1; tips A", "login A; login B; s a =1; tips A B"),
    Case(O.TIP_ELSEWHERE, "login A; y/login B; s a =1; tips y/B", "login A; y/login B; s a =1; tips A y/B"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.observed.name}: {case.bad}")
def test_the_observation_is_blamed_and_its_twin_passes(case: Case, judged: Callable[..., Judge]) -> None:
    violations = judged(case.bad, case.profile, paged=case.paged).violations
    assert violations, f"the judge lets pass what {case.bad!r} shows"
    (violation,) = violations
    row: Row = case.observed.value
    assert violation.observation == case.observed.name
    assert (violation.requirement, violation.invariant) == (row.requirement, row.invariant)
    assert "{" not in violation.sentence
    assert violation.nearest is not None
    assert judged(case.good, case.profile, paged=case.paged).violations == []


@pytest.mark.parametrize(
    ("text", "requirement", "profile"),
    [
        ("s a =1; s b =2; A 0 : 1a", "RCV-7", "lagging"),
        ("s a =1; A 0 : ", "RCV-7", "lagging"),
        ("s a =7", "SEQ-2", "gappy"),
        ("s a !store; s b =2", "SEQ-2", "gappy"),
        ("login A; s a =1; tips", "PSH-2", "lagging"),
        ("login A; login B; s a =1; tips A", "PSH-3", "lagging"),
    ],
)
def test_a_profile_waives_it(text: str, requirement: str, profile: str, judged: Callable[..., Judge]) -> None:
    assert [violation.requirement for violation in judged(text).violations] == [requirement]
    assert judged(text, profile).violations == []


def test_every_observation_has_a_history() -> None:
    assert {case.observed for case in CASES} == set(Observed)


@pytest.mark.parametrize("observed", list(Observed), ids=lambda observed: observed.name)
def test_every_observation_names_what_exists(observed: Observed) -> None:
    assert observed.value.requirement in REQUIREMENTS
    assert observed.value.invariant in INVARIANTS


@pytest.mark.parametrize(
    ("text", "requirement", "suspected"),
    [
        ("s a =1; trim; A 0 : ", "RCV-7", ["CNF-7"]),
        ("s a =1; kill; A 0 : ", "RCV-7", ["SND-1", "SEQ-5"]),
        ("s a =1; A 5 !ahead; A 0 : ", "RCV-7", ["RCV-6"]),
        ("s a =1; A 5 : ; A 0 : ", "RCV-7", ["RCV-6"]),
        ("s a =1; A 0 : 1a; A 0 : ", "RCV-7", ["CNF-3"]),
        ("s a =1; A 0 : 1a ~; trim; kill; A 0 : ", "RCV-7", ["CNF-7", "SND-1", "SEQ-5", "CNF-3", "RCV-4"]),
        ("s a =1; A 0 : ", "RCV-7", []),
        ("s a =1; raw -1 : 1a; A 0 : ", "RCV-7", ["SEQ-7"]),
        ("s a =1; A 0 : 1a; raw -1 : ; A 0 : ", "RCV-7", ["CNF-3", "SEQ-7"]),
        ("s a =1; A 0 : 1a; A 0 : 1a; kill; raw -1 : ; A 0 : ", "RCV-7", ["SND-1", "SEQ-5", "CNF-3", "SEQ-7"]),
        ("s a =1; A 0 : 1a; A 0 : 1a; A 5 !ahead; raw -1 : ; A 0 : ", "RCV-7", ["RCV-6", "CNF-3", "SEQ-7"]),
        ("s a =1; A 0 : 1a; raw -1 : ; s b =1", "SEQ-3", ["SEQ-7"]),
        ("login A; s a =1; tips A; A 0 : ", "RCV-7", ["PSH-1"]),
        ("login A; s a =1; A 0 : ", "RCV-7", []),
        ("s a =1; A 1 : ; kill; B 0 : 1a", "CNF-5", ["CNF-4"]),
        ("s a =1; s b =2; A 1 : 2b; B 0 : 2b; C 0 : 1a 2b", "CNF-5", ["CNF-2"]),
        ("s a =1; A 1 : ; B 0 : 1a", "CNF-5", []),
        ("s a =1; A 0 : 1a; kill; s b =1", "SEQ-3", ["SEQ-5"]),
        ("s a =1; kill; A 1 !ahead", "RCV-5", ["SEQ-5"]),
        ("s a =1; s b =2; s c =3; trim; A 0 : 1a 3c", "RCV-1", ["CNF-7"]),
        ("kill; s a =1; A 0 : ", "RCV-7", []),
        ("s a =1; A 0 : 1a ~; A 0 : ", "RCV-7", ["CNF-3", "RCV-4"]),
        ("s a =1; B 0 : 1a; A 0 : ", "RCV-7", ["CNF-3", "CNF-6"]),
        ("s a =1; B 0 : 1a; A 0 : 1a; A 0 : ", "RCV-7", ["CNF-3", "CNF-6"]),
        ("s a@c =1; s a@d =1", "SEQ-3", ["SND-4"]),
        ("s a@c =1; s b@c%t =2; A 0 : 1a", "RCV-7", ["SND-4"]),
        ("s a@c !store; s a@c =1; A 0 : ", "RCV-7", ["SND-4"]),
        ("s a@c =1; s a@c =1; A 0 : ", "RCV-7", []),
        ("preset 16777215; s a =16777216; s b =16777216", "SEQ-3", ["SEQ-7"]),
        ("preset 16777214; s a =16777215; s b =16777215", "SEQ-3", []),
        ("s a =1; A 16777216 : 1a", "CNF-1", ["SEQ-7"]),
    ],
)
def test_suspects_come_from_the_context(
    text: str, requirement: str, suspected: list[str], judged: Callable[..., Judge]
) -> None:
    (violation,) = judged(text).violations
    assert violation.requirement == requirement
    assert list(violation.suspects) == suspected


def test_the_blamed_requirement_is_no_suspect() -> None:
    context = Context(
        killed=True,
        trimmed=True,
        ahead=True,
        lower_asked=True,
        shown={1},
        lost={1},
        elsewhere={1},
        alike=True,
        large=True,
    )
    for observed in Observed:
        assert observed.value.requirement not in suspects(observed, (1,), context)


def test_a_sentence_holds_the_numbers() -> None:
    assert str(Seen(Observed.OWN_ROW, (3,), q=4, n=3)) == (
        "the reply to recv(4) holds seq 3, which that request itself acknowledged"
    )
