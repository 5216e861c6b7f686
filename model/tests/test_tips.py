"""What the judge of tips demands, what it leaves to the server, and what it takes for observed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from seqproof_model import history as h
from seqproof_model.judge import Judge
from seqproof_model.profile import find
from seqproof_model.requirements import kept, should
from seqproof_model.script import events
from seqproof_model.verdict import Result

FREE = [
    ("nobody ever logged in", "s a =1; tips"),
    ("the phone logged out", "login A; s a =1; logout A; tips"),
    ("it logged out before", "login A; logout A; s a =1; tips"),
    ("another phone logged in before the tips were taken", "login A; s a =1; login B; tips"),
    ("the newer of two logged out, the older may be evicted", "login A; login B; logout B; s a =1; tips"),
    ("the server was killed", "login A; s a =1; kill; tips"),
    ("it was killed, and nobody came back", "login A; kill; s a =1; tips"),
    ("the phone came back after the message", "s a =1; login A; tips"),
    ("it was read", "login A; s a =1; A 0 : 1a; tips"),
    ("another phone read it", "login A; s a =1; B 0 : 1a; tips"),
    ("it was given, and the reply lost", "login A; s a =1; A 0 : 1a ~; tips"),
    ("it may have been given", "login A; s a =1; A 0 ?; tips"),
    ("a recv that failed may have taken it", "login A; s a =1; A 0 !store; tips"),
    ("a recv is under way", "login A; s a =1; 1( A 0; tips; 1) : 1a"),
    ("it was refused", "login A; s a !policy; tips"),
    ("it was never answered", "login A; s a ?; tips"),
    ("a repeat may store nothing", "s a@c =1; login A; s a@c =1; tips"),
    ("a repeat of a refused one, too", "login A; s a@c !store; s a@c =1; tips"),
    ("one client id with two bodies", "s a@c =1; login A; s b@c =2; tips"),
    ("an earlier send is open and may hide it", "login A; 1( s a; s b =2; tips"),
    ("an earlier send was never answered and may hide it", "login A; s a ?; s b =2; tips"),
    ("the tip came while the send was open", "login A; 1( s a; tips A; 1) =1; tips"),
    ("... and the recv that came before says nothing of it", "login A; 1( s a; A 0 : ; tips A; 1) =1; tips"),
    ("... nor one that began before", "login A; 1( s a; 2( A 0; tips A; 2) : ; 1) =1; tips"),
    ("... nor one that covers it", "login A; 1( s a; tips A; A 1 : ; 1) =1; tips"),
    ("... nor one after a recv that may have confirmed it", "login A; B 1 ?; 1( s a; tips A; A 0 : ; 1) =1; tips"),
    ("more tips than messages", "login A; tips A A; s a =1; tips A A (A); tips A"),
    ("tips to older phones besides", "login A; login B; s a =1; tips A B"),
    ("the OS reached the phone, too", "login A; s a =1; tips (A)"),
    ("tips for nothing, to another account", "login A; y/login B; s a =1; tips A y/B"),
    ("one tip for three", "login A; s a =1; s b =2; s c =3; tips A"),
]
OWED = [
    ("the oldest rule", "login A; s a =1; tips"),
    ("the connection that closed late is not the route", "login A; login B; logout A; s a =1; tips"),
    ("... also when it closes after the message", "login A; login B; s a =1; logout A; tips"),
    ("the phone is back", "login A; logout A; login A; s a =1; tips"),
    ("logged in again after a kill", "login A; kill; login A; s a =1; tips"),
    ("logged in twice, out never", "login A; login A; s a =1; tips"),
    ("one that was tipped for does not count for the next", "login A; s a =1; tips A; s b =2; tips"),
    ("what was read is not what is new", "login A; s a =1; A 0 : 1a; s b =2; tips"),
    ("a recv that was ahead was given nothing", "login A; s a =1; A 9 !ahead; tips"),
    ("an unreachable server gave nothing", "login A; s a =1; A 0 !unreachable; tips"),
    ("an open send that is settled hides nothing", "login A; 1( s a; 1) ?; settled 1; s b =2; tips"),
    ("the later of two that overlapped", "login A; 1( s a; s b =2; 1) =1; tips"),
    ("its own answer was lost, and it is stored", "login A; s a =1 ~; tips"),
]


@pytest.mark.parametrize(("why", "text"), FREE, ids=[why for why, _ in FREE])
def test_nothing_is_owed(why: str, text: str, judged: Callable[..., Judge]) -> None:
    assert judged(text).violations == [], why


@pytest.mark.parametrize(("why", "text"), OWED, ids=[why for why, _ in OWED])
def test_a_tip_is_owed(why: str, text: str, judged: Callable[..., Judge]) -> None:
    assert [violation.observation for violation in judged(text).violations] == ["TIP_MISSING"], why


def test_a_page_that_may_go_on_does_not_say_that_a_message_is_not_there(judged: Callable[..., Judge]) -> None:
    start = "login A; s a =1; s b =2; tips A; 1( s c; tips A; A 0 : 1a"
    assert judged(f"{start}; 1) =3; tips", paged=True).violations == []
    assert judged(f"{start} 2b -; 1) =3; tips", paged=True).violations != []


def test_a_server_without_the_push_of_the_os_is_neither_failed_nor_passed(judged: Callable[..., Judge]) -> None:
    """PSH-3: SHOULD."""
    start, header = "login A; login B; s a =1; tips B; logout B; logout A; s b =2", header_of("tips")
    for text, result in ((f"{start}; tips (B)", Result.PASS), (f"{start}; tips", Result.NOT_GRADED)):
        judge = judged(text)
        grade = next(g for g in judge.verdict(header, scope={"PSH-3"}).grades if g.requirement == "PSH-3")
        assert judge.violations == []
        assert (grade.result, grade.inconclusive) == (result, False)
        assert judge.counts[should("PSH-3")] == 1
        assert judge.counts[kept("PSH-3")] == (result is Result.PASS)
    assert (
        grade.reason == "with no connection up, the push of the phone's operating system: a SHOULD, kept 0 of 1 times"
    )


def test_without_the_capability_nothing_is_graded(judged: Callable[..., Judge]) -> None:
    grades = {grade.requirement: grade for grade in judged("s a =1; A 0 : 1a").verdict(header_of()).grades}
    for name in ("PSH-1", "PSH-2", "PSH-3"):
        assert grades[name].reason == "the target does not declare tips"


def test_an_event_speaks_only_of_the_accounts_that_it_names() -> None:
    judge = Judge(header_of().profile, paged=False)
    for event in events("login A; y/login B; s a =1; y/s b =1"):
        assert judge.feed(event) is None
    assert judge.feed(h.Tips((h.Tip("y", "B"),), ("y",))) is None
    violation = judge.feed(h.Tips((), ("x",)))
    assert violation
    assert (violation.account, violation.operation, violation.event) == ("x", 1, 8)


def test_after_a_violation_the_account_is_closed(judged: Callable[..., Judge]) -> None:
    assert len(judged("login A; s a =1; tips; login A; s b =2; tips").violations) == 1


def test_two_accounts_may_fail_at_once(judged: Callable[..., Judge]) -> None:
    assert [v.account for v in judged("login A; y/login A; s a =1; y/s b =1; tips").violations] == ["x", "y"]


def header_of(*capabilities: str) -> h.Header:
    return h.Header("t", capabilities, find("strict"))
