"""What counts as observed: for each requirement a history that observes it, and one nearly the same that does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from seqproof_model import history as h
from seqproof_model.judge import Judge
from seqproof_model.profile import Profile, find
from seqproof_model.requirements import REQUIREMENTS, half
from seqproof_model.script import events
from seqproof_model.verdict import Result

TINY, SMALLER = Profile("tiny", seq_max=1), Profile("small", seq_max=3)

# requirement, observed in, not observed in, profile, paged
ROWS: list[tuple[str, str, str, str | Profile, bool]] = [
    ("SEQ-1", "s a =1", "s a =", "strict", False),
    ("SEQ-2", "s a =1; s b =2", "s a@c =1; s a@c =1; A 0 : 1a", "strict", False),
    ("SEQ-3", "s a =1; kill; s b =2", "1( s a; kill; s b =1; 1) =2; A 0 : 1b 2a", "strict", False),
    ("SEQ-3", "s a =1; trim; s b =2", "trim; s a =1; s b =2", "strict", False),
    ("SEQ-3", "s a =; kill; s b =; A 0 : 1a 2b", "kill; s a =; s b =; A 0 : 1a 2b", "strict", False),
    ("SEQ-4", "s a =1; A 0 : 1a; s b =2; A 0 : 1a 2b", "s a =1; s b =2; A 0 : 1a 2b; A 0 : 1a 2b", "strict", False),
    ("SEQ-5", "s a =1; kill; A 0 : 1a", "s a ?; kill; A 0 : 1a", "strict", False),
    ("SEQ-6", "s a =1; s b !full; A 0 : 1a", "s a =1; A 0 : 1a; s b !full", TINY, False),
    ("SEQ-7", "preset 2147483648; s a =2147483649; A 2147483648 : 2147483649a",
     "preset 2147483646; s a =2147483647; A 2147483646 : 2147483647a", "strict", False),
    ("SEQ-3", "s a =1; restore; s b =2; A 0 : 2b", "s a =1; restore; A 0 : 1a", "strict", False),
    ("SEQ-8", "s a =1; A 0 : 1a @e1; restore; A 0 : @e2", "s a =1; A 0 : 1a @e1; restore; A 0 : @e1", "strict", False),
    ("SEQ-7", "s a =1; s b =2; s c =3; A 2 : 3c", "s a =1; s b =2; s c =3; A 1 : 2b 3c", SMALLER, False),
    (half("SEQ-7"), "raw -1 !malformed; s a =1; A 0 : 1a", "s a =1; A 0 : 1a; raw -1 !malformed", "strict", False),
    (half("SEQ-7"), "raw -1 ?; s a =1; A 0 : 1a", "raw 1.0 ?; s a =1; A 0 : 1a", "strict", False),
    ("SND-1", "s a =1; A 0 : 1a", "s a ?; A 0 : 1a", "strict", False),
    ("SND-1", "s a =; A 0 : 1a", "1( s a; 1) ?; settled 1; A 0 : 1a", "strict", False),
    ("SND-2", "s a ?; A 0 : 1a", "1( s a; A 0 : 1a; 1) =1", "strict", False),
    ("SND-2", "s a@- =1 ~; A 0 : 1a", "s b@- =1 ~; s a@- =2; A 1 : 2a", "strict", False),
    ("SND-3", "s a@c =1; s a@c =1", "s a@c =1; s a@c =2", "strict", False),
    ("SND-3", "s a@c =1; s a@c =1", "s a@c =1; kill; s a@c =1", "strict", False),
    ("SND-3", "kill; s a@c =1; s a@c =1", "s a@c ?; s a@c =1", "strict", False),
    ("SND-4", "s a =1; s a =2; A 0 : 1a 2a", "s a@c =1; s a@c =2; A 0 : 1a 2a", "strict", False),
    ("SND-4", "s a@c =1; s a@c%t =2; A 0 : 1a 2a", "s a =1; s b =2; A 0 : 1a 2b", "strict", False),
    ("SND-5", "s a !store; s b =1; A 0 : 1b", "s a !unreachable; s b =1; A 0 : 1b", "strict", False),
    ("SND-5", "s a !policy; s b =1; A 0 : 1b", "s b =1; A 0 : 1b; s a !policy", "strict", False),
    ("RCV-1", "s a =1; A 0 : 1a", "s a =1; A 1 : ", "strict", False),
    ("RCV-2", "s a =1; A 0 : 1a", "s a =1; 1( A 0; s b =2; 1) : 1a", "strict", False),
    ("RCV-2", "s a =1; s b =2; A 0 : 1a +; A 1 : 2b -", "s a =1; A 0 : 1a -", "strict", True),
    ("RCV-3", "s a =1; A 0 : 1a -", "A 0 : -", "strict", True),
    ("RCV-4", "s a =1; A 0 : 1a ~; A 0 : 1a", "s a =1; A 0 : 1a ~; B 0 : 1a", "strict", False),
    ("RCV-5", "s a =1; s b =2; A 1 : 2b; B 0 : 2b", "s a =1; s b =2; A 1 : 2b; B 1 : 2b", "strict", False),
    ("RCV-5", "s a =1; s b =2; A 1 : 2b; B 0 : 2b", "preset 9; s b =10; B 0 : 10b", "strict", False),
    ("RCV-6", "A 1 !ahead; s a =1; A 0 : 1a", "A 1 !ahead; s a =1; s b =2; A 1 : 2b", "strict", False),
    ("RCV-6", "A 1 : ; s a =1; A 0 : 1a", "1( s a; A 1 : ; 1) =1; A 0 : 1a", "strict", False),
    ("RCV-6", "A 1 !ahead; s a =1; A 0 : 1a", "1( s a; A 1 !ahead; 1) =1; A 0 : 1a", "strict", False),
    ("RCV-7", "s a =1; A 0 : 1a", "s a ?; A 0 : 1a; A 0 : 1a", "strict", False),
    ("RCV-7", "s a =1; A 0 : 1a", "1( A 0; s a =1; 1) : 1a", "strict", False),
    ("CNF-1", "s a =1; s b =2; A 1 : 2b", "s a =1; s b =2; A 0 : 1a 2b; A 2 : ", "strict", False),
    ("CNF-2", "s a =1; s b =2; A 1 : 2b; B 0 : 2b; B 0 : 2b", "s a =1; s b =2; A 1 : 2b; B 0 : 2b", "strict", False),
    ("CNF-3", "s a =1; A 0 : 1a; A 0 : 1a", "s a =1; A 0 : 1a; A 1 : ", "strict", False),
    ("CNF-4", "s a =1; s b =2; A 1 : 2b; kill; B 0 : 2b",
     "s a =1; s b =2; kill; A 1 : 2b; B 0 : 2b", "strict", False),
    ("CNF-5", "s a =1; s b =2; A 1 : 2b; B 0 : 2b", "s a =1; s b =2; 1( A 1; 2( B 0; 1) : 2b; 2) : 2b",
     "strict", False),
    ("CNF-6", "s a =1; A 0 : 1a; B 0 : 1a", "s a =1; A 0 : 1a; A 0 : 1a", "strict", False),
    ("CNF-7", "s a =1; trim; A 0 : 1a", "s a =1; A 0 : 1a; trim; s b =2; A 1 : 2b", "strict", False),
    ("CNF-7", "s a =; trim; A 0 : 1a", "s a ?; trim; A 0 : 1a", "strict", False),
    ("PSH-1", "login A; s a =1; tips A; A 0 : 1a", "login A; s a =1; A 0 : 1a; tips A", "strict", False),
    ("PSH-2", "login A; s a =1; tips A", "login A; tips A; s a =1; A 0 : 1a; tips A", "strict", False),
    ("PSH-2", "login A; s a =1; tips A", "login A; s a =1; logout A; tips A", "strict", False),
    ("PSH-3", "login A; login B; s a =1; tips B", "login A; s a =1; tips A", "strict", False),
    ("PSH-3", "login B; login A; s a =1; tips A", "login B; kill; login A; s a =1; tips A", "strict", False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("requirement", "text", "not_in", "profile", "paged"), ROWS, ids=[f"{row[0]}: {row[1]}" for row in ROWS]
)
def test_the_condition_is_observed_and_nearly_the_same_is_not(
    requirement: str, text: str, not_in: str, profile: str | Profile, *, paged: bool, judged: Callable[..., Judge]
) -> None:
    for script, observed in ((text, True), (not_in, False)):
        judge = judged(script, profile, paged=paged)
        assert judge.violations == []
        assert (judge.counts[requirement] > 0) is observed, script


def test_every_requirement_that_is_graded_has_a_row() -> None:
    halves = {half(row.id) for row in REQUIREMENTS.values() if row.half_needs}
    assert {row[0] for row in ROWS} == {row.id for row in REQUIREMENTS.values() if not row.why_never} | halves


LARGE, RAW = "preset 2147483648; s a =2147483649; A 2147483648 : 2147483649a", "; raw -1 !malformed; A 0 : 2147483649a"
SMALL = "s a =1; A 0 : 1a; raw -1 !malformed; A 0 : 1a"
HALVES = [
    (LARGE + RAW, "preset_seq recv_raw", Result.PASS, "", False),
    (LARGE, "preset_seq", Result.PASS, "of large seqs alone: ", False),
    (LARGE, "preset_seq recv_raw", Result.NOT_GRADED, "never observed: ", True),
    (SMALL, "preset_seq recv_raw", Result.NOT_GRADED, "never observed: ", True),
    (SMALL, "recv_raw", Result.NOT_GRADED, "the target does not declare preset_seq", False),
    ("s a =1; A 0 : 1a", "", Result.NOT_GRADED, "the target does not declare preset_seq", False),
]  # fmt: skip


@pytest.mark.parametrize(("text", "able", "result", "reason", "inconclusive"), HALVES)
def test_a_requirement_of_two_halves_passes_only_with_what_was_tried_of_both(
    text: str, able: str, result: Result, reason: str, *, inconclusive: bool, judged: Callable[..., Judge]
) -> None:
    """SEQ-7: large seqs and malformed ones. What the target cannot be asked is said beside the pass."""
    header = h.Header(target="t", capabilities=tuple(able.split()), profile=find("strict"))
    grade = next(g for g in judged(text).verdict(header, scope={"SEQ-7"}).grades if g.requirement == "SEQ-7")
    assert (grade.result, grade.inconclusive) == (result, inconclusive)
    assert grade.reason == reason or (reason.endswith(" ") and grade.reason.startswith(reason))


def test_several_phones_do_not_make_one() -> None:
    judge = Judge(find("strict"), paged=False)
    for event in events("s a =1; A 0 : 1a; B 0 : 1a; A 0 : 1a"):
        judge.feed(event)
    assert judge.counts["CNF-6"] == 2
    assert judge.counts["CNF-3"] == 2


ASKED = """
    s a =; s b@c =; s b@c =; A 0 : ; A 5 : ; A 0 : ~; A 0 : ; B 0 : ; trim; kill; s c =; C 0 : ; A 4294967295 : ; s d ?;
    1( s e; 2( A 0; 1) =; 2) : ; preset 7; y/s a =; y/A 0 :
"""


def test_a_server_that_does_nothing_observes_nothing() -> None:
    """Whatever it is asked: it says ok, tells no seq and shows no row. Nothing passes, blamed or not."""
    for profile in ("strict", "lagging", "gappy", "idempotent"):
        for paged in (False, True):
            judge = Judge(find(profile), paged=paged)
            for event in events(ASKED.replace("preset 7;", "")):
                judge.feed(event)
            assert +judge.counts == {}
            verdict = judge.verdict(h.Header("null", (), find(profile)))
            assert verdict.having(Result.PASS) == []


def test_refusing_everything_observes_nothing(judged: Callable[..., Judge]) -> None:
    judge = judged("s a !policy; s b !store; A 0 !store; A 1 !ahead; A 7 !malformed; s c !busy")
    assert judge.violations == []
    assert +judge.counts == {}
