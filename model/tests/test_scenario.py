"""Scenarios: read what was written, say what they need, and write themselves down in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqproof_model import scenario as sc
from seqproof_model.hello import Capability
from seqproof_model.scenario import Lost, Moment, Scenario, ScenarioError

STEPS: tuple[tuple[sc.Step, str], ...] = (
    (sc.Send(), "s"),
    (sc.Send(count=3), "s*3"),
    (sc.Send(sender="t", lose=Lost.REPLY), "tx"),
    (sc.Send(repeat=True), "resend"),
    (sc.Send(account="y", lose=Lost.REQUEST), "y:s?"),
    (sc.Recv(), "A"),
    (sc.Recv(phone="B", lose=Lost.REPLY), "Bx"),
    (sc.Recv(lose=Lost.REQUEST), "A?"),
    (sc.Recv(fresh=True), "F"),
    (sc.Recv(seq_cli=2**60), f"R({2**60})"),
    (sc.Recv(phone="B", seq_cli=0), "B(0)"),
    (sc.Recv(hold="p1"), "A<p1"),
    (sc.Drain(), "A*"),
    (sc.Ask("r1"), "A>r1"),
    (sc.Arrive("r1", keep=True), "r1."),
    (sc.Arrive("r1", lose=Lost.REPLY), "r1x"),
    (sc.Arrive("r1", lose=Lost.REPLY, keep=True), "r1x."),
    (sc.Arrive("r1", hold="p2"), "r1<p2"),
    (sc.Deliver("p1"), "p1"),
    (sc.Kill(), "!"),
    (sc.Preset(7), "preset(7)"),
    (sc.Preset(below_top=2), "preset(top-2)"),
    (sc.Trim(account="y"), "y:trim"),
    (sc.FailStore(), "~"),
    (sc.RecvRaw('"abc"', account="y"), 'y:raw("abc")'),
    (sc.Backup(), "backup"),
    (sc.Restore(), "restore"),
    (sc.Login(), "+A"),
    (sc.Logout("B", "y"), "y:-B"),
    (sc.Tips(), "tips"),
    (sc.Send(lose=Lost.CUT_REQUEST), "s/?"),
    (sc.Recv(lose=Lost.CUT_REPLY), "A/x"),
    (sc.Recv(lose=Lost.HALF_CLOSE), "A/h"),
    (sc.Send(kill=Moment.BEFORE), "!s"),
    (sc.Send(kill=Moment.DURING), "s!?"),
    (sc.Recv(phone="B", kill=Moment.AFTER), "B!"),
    (sc.Begin("s1", held=True), "s1{"),
    (sc.Begin("A2", sc.Recv()), "A2["),
    (sc.Begin("late", sc.Recv(phone="B")), "late[B"),
    (sc.End("s1"), "]s1"),
)
WHOLE = Scenario("all", tuple(step for step, _ in STEPS), "everything", "once", ("SEQ-1", "CNF-6"), seed=3)


@pytest.mark.parametrize(("step", "text"), STEPS, ids=[text for _, text in STEPS])
def test_each_step_has_a_notation(step: sc.Step, text: str) -> None:
    assert sc.notation(step) == text


def test_the_whole_trace_is_one_line() -> None:
    assert WHOLE.notation() == " ".join(text for _, text in STEPS)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "all.json"
    file.write_bytes(sc.encode(WHOLE))
    assert sc.read(file) == WHOLE


def test_a_step_is_a_line() -> None:
    text = sc.encode(WHOLE).decode()
    assert sum('"do":' in line for line in text.splitlines()) == len(STEPS)
    inner = sum(isinstance(step, sc.Begin) and step.what != sc.Send() for step, _ in STEPS)  # what begins is a step too
    assert text.count('"do":') == len(STEPS) + inner


def test_every_kind_of_step_is_here() -> None:
    assert {type(step) for step, _ in STEPS} == set(sc.Step.__args__)


def test_a_scenario_needs_what_its_steps_need() -> None:
    assert WHOLE.needs == {
        "kill",
        "preset_seq",
        "trim",
        "fail_next_store",
        "overlap",
        "begin_send",
        "wire",
        "tips",
        "recv_raw",
        "backup",
    }
    assert Scenario("held", (sc.Begin("s1", held=True), sc.End("s1"))).needs == {"begin_send"}
    assert Scenario("killed", (sc.Send(kill=Moment.AFTER),)).needs == {"kill"}
    assert WHOLE.needs <= {str(capability) for capability in Capability}
    assert Scenario("plain", (sc.Send(), sc.Recv())).needs == frozenset()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "is not a seqproof scenario"),
        (b"\xff", "is not a seqproof scenario"),
        (b'{"name":"n"}', "missing required field `steps`"),
        (b'{"name":"n","steps":[{"do":"jump"}]}', "Invalid value 'jump'"),
        (b'{"name":"n","steps":[{"do":"send","cuont":3}]}', "unknown field `cuont`"),
        (b'{"name":"n","steps":[],"seqproof":"scenario/2"}', "this seqproof reads scenario/1"),
    ],
)
def test_what_is_no_scenario_is_one_line(text: bytes, says: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        sc.decode(text, "it.json")
    assert str(caught.value).startswith("it.json is ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"cannot read the scenario .*: No such file"):
        sc.read(tmp_path / "none.json")
