"""The further surface, played: tips find their play, a malformed seq_cli is no doubt, a restore is played alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seqproof_conformance.adapter import AdapterFault, TargetError, Tip, checked_tips
from seqproof_conformance.counterexample import cleaned
from seqproof_conformance.play import side_by_side
from seqproof_model import history as h
from seqproof_model import scenario as sc
from seqproof_model.history import Answer, Indefinite, Via
from seqproof_model.judge import Judge
from seqproof_model.profile import find
from seqproof_model.scenario import Scenario
from seqproof_reference import faulty
from seqproof_reference.core import Core

Build = Callable[..., Any]
LOST = sc.Recv(lose=sc.Lost.REPLY)
TIPPED = (sc.Login(), sc.Send(), sc.Kill(), sc.Login(), sc.Send(), sc.Tips(), sc.Send(), sc.Tips())


def test_tips_are_told_to_the_play_whose_they_are(bench: Build) -> None:
    """Two plays side by side share a kill, and each takes tips while those of the other are there."""
    runner = bench().runner
    for played in runner.play_together([Scenario("one", TIPPED), Scenario("two", TIPPED)]):
        assert played.violation is None
        taken = [event for event in played.events if isinstance(event, h.Tips)]
        assert [event.accounts for event in taken] == [("x",), ("x",)]
        assert [event.tips[-1:] for event in taken] == [(Tip("x", "A"),), (Tip("x", "A"),)]


@pytest.mark.parametrize(
    ("steps", "target", "requirement"),
    [
        ((sc.Login(), sc.Login("B"), sc.Send(), sc.Tips()), "PUSH_STALE_ROUTE", "PSH-3"),
        ((sc.Login(), sc.Login("B", "y"), sc.Send(), sc.Tips()), "PUSH_WRONG_USER", "PSH-3"),
        ((sc.Send(), LOST, LOST, sc.RecvRaw("null"), sc.Recv()), "RAW_NULL_IS_ALL", "SEQ-7"),
        ((sc.Backup(), sc.Send(), sc.Restore(), sc.Send(), sc.Recv()), "RESTORE_REUSES_SEQS", "SEQ-3"),
    ],
)
def test_what_a_play_leaves_is_judged_alone_as_it_was(
    bench: Build, steps: tuple[sc.Step, ...], target: str, requirement: str
) -> None:
    played = bench(f"mutant:{target}").runner.play(Scenario("t", steps))
    judge = Judge(find("strict"), paged=False)
    found = [violation for violation in map(judge.feed, cleaned(played.events)) if violation]
    assert played.violation is not None
    assert [violation.observation for violation in found] == [played.violation.observation]
    assert found[0].requirement == requirement


def test_the_wrong_account_is_named(bench: Build) -> None:
    steps = (sc.Login(), sc.Login("B", "y"), sc.Send(), sc.Tips())
    violation = bench("mutant:PUSH_WRONG_USER").runner.play(Scenario("t", steps)).violation
    assert (violation.observation, violation.invariant) == ("TIP_ELSEWHERE", "I-ISO")
    assert "account t-1-y, to which nothing was sent, got one" in violation.sentence


def test_a_malformed_one_that_fails_is_no_doubt(bench: Build) -> None:
    class Fails(Core):
        def recv_raw(self, account: str, phone: str, raw: str) -> Answer:  # noqa: ARG002 - an override
            return Indefinite("500")

    runner = bench(Fails()).runner
    steps: tuple[sc.Step, ...] = (sc.Send(), *[sc.RecvRaw("-1")] * 20, sc.Recv())
    assert runner.play(Scenario("t", steps)).violation is None
    assert runner.line.doubts.lines() == []


def test_a_malformed_one_to_a_server_that_is_gone_ends_the_run(bench: Build) -> None:
    core = Core()
    runner = bench(core).runner
    core.kill()
    with pytest.raises(TargetError, match="refuses connections, though nobody killed it"):
        runner.play(Scenario("t", (sc.RecvRaw("-1"),)))


def test_a_restore_is_played_alone_and_needs_a_backup_of_its_own(bench: Build) -> None:
    back = (sc.Send(), sc.Backup(), sc.Send(), sc.Restore(), sc.Recv())
    assert not side_by_side(Scenario("t", back))
    assert side_by_side(Scenario("t", TIPPED))
    played = bench().runner.play(Scenario("t", (sc.Send(), sc.Restore(), sc.Recv())))
    assert not any(isinstance(event, h.Restore) for event in played.events)


def test_a_send_that_is_held_over_a_restore_is_in_doubt(bench: Build) -> None:
    begun = sc.Begin("s1", held=True)
    steps = (sc.Backup(), begun, sc.Restore(), sc.End("s1"), sc.Send(), sc.Recv())
    runner = bench("mutant:AT_COMMIT").runner
    assert runner.play(Scenario("t", steps)).violation is None
    assert runner.line.doubts.lines() == []


@pytest.mark.parametrize("given", [None, "A", [("x", "A")], [h.Ok()], [Tip("x", 7)]])  # type: ignore[arg-type]
def test_what_is_no_tip_is_the_adapters_fault(given: object) -> None:
    with pytest.raises(AdapterFault, match="the adapter's tips returned"):
        checked_tips(given)


def test_tips_may_be_a_list_or_a_tuple() -> None:
    assert checked_tips([Tip("x", "A")]) == checked_tips((Tip("x", "A", Via.CONNECTION),)) == (Tip("x", "A"),)


@pytest.mark.parametrize("entry", faulty.PUSH_EQUIVALENTS, ids=lambda entry: entry.id)
def test_a_server_without_the_os_push_is_told_so_and_no_other_is(entry: faulty.Entry, bench: Build) -> None:
    """PSH-3."""
    runner = bench(f"mutant:{entry.id}").runner
    steps = (sc.Login(), sc.Login("B"), sc.Send(), sc.Tips(), sc.Logout("B"), sc.Logout(), sc.Send(), sc.Tips())
    assert runner.play(Scenario("t", steps)).violation is None
    header = h.Header("t", ("tips",), runner.profile)
    grade = next(g for g in runner.judges[0].verdict(header).grades if g.requirement == "PSH-3")
    assert ("kept 0 of 1 times" in grade.reason) == (entry.id == "PUSH_NO_OS_FALLBACK")
