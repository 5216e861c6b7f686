"""The runner: each step does what it says, in the history and to the phones; faults are blamed on who has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seqproof_conformance.adapter import Adapter, AdapterFault, Capability, Hello, TargetError
from seqproof_conformance.runner import Played
from seqproof_model import history as h
from seqproof_model import scenario as sc
from seqproof_model.history import Answer, Code, Indefinite, Ok, Refused
from seqproof_model.scenario import Lost, Scenario
from seqproof_reference.core import Core

Build = Callable[..., Any]
SEND, A, B, F = sc.Send(), sc.Recv(), sc.Recv(phone="B"), sc.Recv(fresh=True)


def rows(events: tuple[h.Event, ...]) -> list[list[int]]:
    """The seqs of each reply, in order."""
    return [[seq for seq, _ in event.rows] for event in events if isinstance(event, Ok) and event.rows is not None]


def asked(events: tuple[h.Event, ...]) -> list[tuple[str, int]]:
    return [(event.phone, event.seq_cli) for event in events if isinstance(event, h.Recv)]


def play(bench: Build, *steps: sc.Step, target: str | Adapter = "mutant:CORRECT") -> tuple[h.Event, ...]:
    played: Played = bench(target).runner.play(Scenario("t", steps))
    assert played.violation is None
    return played.events


def test_a_phone_asks_with_what_it_holds(bench: Build) -> None:
    events = play(bench, sc.Send(count=2), A, SEND, A, B)
    assert asked(events) == [("A", 0), ("A", 2), ("B", 0)]
    assert rows(events) == [[1, 2], [3], [3]]


def test_a_lost_reply_was_served_but_does_not_move_the_phone(bench: Build) -> None:
    events = play(bench, SEND, sc.Recv(lose=Lost.REPLY), A)
    assert asked(events) == [("A", 0), ("A", 0)]
    assert [event.delivered for event in events if isinstance(event, Ok) and event.rows] == [False, True]


def test_a_lost_request_never_reaches_the_server(bench: Build) -> None:
    class Counting(Core):
        calls = 0

        def recv(self, account: str, phone: str, seq_cli: int) -> Answer:
            Counting.calls += 1
            return super().recv(account, phone, seq_cli)

    events = play(bench, SEND, sc.Recv(lose=Lost.REQUEST), target=Counting())
    assert Counting.calls == 0
    assert isinstance(events[-1], Refused)
    assert events[-1].code is Code.UNREACHABLE


def test_a_lost_send_leaves_no_message_and_a_lost_answer_leaves_one(bench: Build) -> None:
    events = play(bench, sc.Send(lose=Lost.REQUEST), sc.Send(lose=Lost.REPLY), A)
    assert rows(events) == [[1]]


def test_a_late_request_carries_its_old_seq_cli_and_may_arrive_twice(bench: Build) -> None:
    late = sc.Arrive("r", lose=Lost.REPLY, keep=True)
    events = play(bench, SEND, sc.Ask("r"), A, A, SEND, late, sc.Arrive("r"), sc.Arrive("r"))
    assert asked(events) == [("A", 0), ("A", 1), ("A", 0), ("A", 0)]  # the third arrival has nothing under way
    assert rows(events)[-2:] == [[2], [2]]


def test_a_late_request_may_have_a_late_reply(bench: Build) -> None:
    events = play(bench, SEND, sc.Ask("r"), SEND, sc.Arrive("r", hold="p"), A, sc.Deliver("p"), A)
    assert asked(events) == [("A", 0), ("A", 0), ("A", 2)]
    assert [event for event in events if isinstance(event, h.Delivered)] == [h.Delivered(3)]


def test_a_late_reply_moves_the_phone_when_it_arrives_and_never_back(bench: Build) -> None:
    events = play(bench, SEND, sc.Recv(hold="p"), SEND, A, sc.Deliver("p"), SEND, A)
    assert asked(events) == [("A", 0), ("A", 0), ("A", 2)]
    assert [event for event in events if isinstance(event, h.Delivered)] == [h.Delivered(2)]


def test_draining_takes_every_page_and_one_more(bench: Build) -> None:
    events = play(bench, sc.Send(count=5), sc.Drain(), target="mutant:CORRECT_PAGED")
    assert rows(events) == [[1, 2], [3, 4], [5], []]


def test_a_fresh_phone_is_a_new_one_each_time(bench: Build) -> None:
    assert asked(play(bench, SEND, F, F)) == [("F1", 0), ("F2", 0)]


def test_a_repeat_has_the_same_client_id_and_senders_count_their_own(bench: Build) -> None:
    events = play(bench, SEND, sc.Send(repeat=True), sc.Send(sender="t"), SEND)
    sends = [(event.sender, event.client_id) for event in events if isinstance(event, h.Send)]
    assert sends == [("s", "c1"), ("s", "c1"), ("t", "c1"), ("s", "c2")]


def test_kill_preset_trim_and_a_failing_store_are_in_the_history(bench: Build) -> None:
    events = play(bench, sc.Preset(seq=7), SEND, sc.Kill(), sc.Trim(), sc.FailStore(), SEND, A)
    kinds = [type(event).__name__ for event in events]
    assert [k for k in kinds if k in {"Preset", "Kill", "Restart", "Trim", "FailStore"}] == [
        "Preset", "Kill", "Restart", "Trim", "FailStore",
    ]  # fmt: skip
    assert rows(events) == [[8]]


def test_preset_below_the_top_follows_the_profile(bench: Build) -> None:
    events = play(bench, sc.Preset(below_top=1), SEND, A)
    assert rows(events) == [[2**32 - 1]]


def test_accounts_are_fresh_in_every_scenario(bench: Build) -> None:
    runner = bench().runner
    first, second = (runner.play(Scenario("t", (SEND, A))) for _ in range(2))
    assert rows(first.events) == rows(second.events) == [[1]]


def test_the_history_has_the_full_account_names_and_the_scenario_its_own(bench: Build) -> None:
    made = bench()
    played = made.runner.play(Scenario("t", (SEND,)))
    assert [e.account for e in played.events if isinstance(e, h.Send)] == ["x"]
    assert [e.account for e in made.recorded if isinstance(e, h.Send)] == ["t-1-x"]


def test_it_stops_at_the_first_violation(bench: Build) -> None:
    played = bench("mutant:ACK_ON_REPLY").runner.play(Scenario("t", (SEND, sc.Recv(lose=Lost.REPLY), A, A, A)))
    assert played.violation is not None
    assert (played.steps, played.violation.requirement) == (3, "RCV-7")


class Broken(Core):
    """A target whose adapter misbehaves in one way."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer = answer

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:  # noqa: ARG002
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[return-value]  # pyright: ignore[reportReturnType] - it is wrong on purpose


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (ValueError("boom"), "raised ValueError: boom"),
        (None, "returned None"),
        ({"rows": []}, "must return Ok, Refused or Indefinite"),
        (Ok(rows=[("one", "m")]), "malformed Ok"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ],
)
def test_an_adapter_that_breaks_its_contract_is_blamed_itself(bench: Build, answer: object, says: str) -> None:
    with pytest.raises(AdapterFault, match=says):
        bench(Broken(answer)).runner.play(Scenario("t", (SEND, A)))


def test_a_server_that_is_gone_is_the_environments_fault(bench: Build) -> None:
    with pytest.raises(TargetError, match="nobody killed it"):
        bench(Broken(Refused(Code.UNREACHABLE))).runner.play(Scenario("t", (SEND, A)))


def test_an_indefinite_answer_is_no_fault(bench: Build) -> None:
    assert play(bench, SEND, A, target=Broken(Indefinite("timeout")))[-1] == Indefinite("timeout", id=2)


def test_a_server_that_hangs_ends_the_run(bench: Build) -> None:
    with pytest.raises(TargetError, match="8 requests in a row had no definite answer, the last: timeout"):
        bench(Broken(Indefinite("timeout"))).runner.play(Scenario("t", (SEND, *[A] * 20)))


def test_only_what_the_capabilities_allow_can_be_played(bench: Build) -> None:
    class Bare(Core):
        def hello(self) -> Hello:
            return Hello("bare", frozenset({Capability.SEND_SEQ}))

    runner = bench(Bare()).runner
    assert runner.why_not(Scenario("t", (SEND, A))) == ""
    assert runner.why_not(Scenario("t", (SEND, sc.Kill()))) == "the target does not declare kill"


def test_a_phone_that_is_logged_in_at_the_end_is_logged_out(bench: Build) -> None:
    events = play(bench, sc.Login(), sc.Login(phone="B"), sc.Logout(), SEND, sc.Tips())
    assert [event.phone for event in events if isinstance(event, h.Logout)] == ["A", "B"]
    assert isinstance(events[-1], h.Logout)
    played: Played = bench("mutant:PUSH_TO_SENDER").runner.play(Scenario("t", (sc.Login(), SEND, sc.Tips())))
    assert played.violation
    assert isinstance(played.events[-1], h.Tips)  # what is shown ends with the violation
