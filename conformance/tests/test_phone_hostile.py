"""Phone adapters that lie, hang and ask from beyond the grave: each is named in one line, and never a verdict."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqproof_conformance.adapter import AdapterFault, TargetError
from seqproof_conformance.phone_adapter import greeted
from seqproof_conformance.phone_exec import ExecPhone
from seqproof_conformance.phone_runner import PhoneRunner
from seqproof_conformance.phone_suite import PhoneJob, run
from seqproof_conformance.phone_targets import opened, role_of
from seqproof_conformance.targets import UnknownTarget
from seqproof_model import phone_scenario as ps
from seqproof_model.phone_scenario import PhoneScenario
from seqproof_model.phone_words import Asks, Reaction
from seqproof_reference.phone_shell import PhoneShell

SAMPLE = Path(__file__).resolve().parents[1] / "seqproof_conformance" / "samples" / "phone" / "phone.py"
STEPS = (ps.Start(), ps.Message(), ps.Answer(), ps.Kill(), ps.Answer(), ps.Pull(), ps.Answer(die_after=0))


def played(shell: Any) -> None:
    PhoneRunner(shell, greeted(shell)).play(PhoneScenario("t", STEPS))


def one(number: int = 1, seq_cli: int = 0) -> Reaction:
    return Reaction((Asks(number, "x", seq_cli),))


def said(what: object) -> Callable[..., Any]:
    """A method that returns this, whatever it is asked."""

    def method(*_arguments: object) -> object:
        return what

    return method


LIES: list[tuple[str, Callable[..., Any], str]] = [
    ("start", said(None), "start returned None; return a Reaction"),
    ("start", said(Reaction((one().requests[0],) * 2)), "start: request 1 was there before; number each"),
    ("start", said(one(seq_cli=-1)), "start: request 1 asks after -1; seqs begin at 0"),
    ("start", said(Reaction((Asks("1", "x", 0),))), "start returned what is no request"),  # type: ignore[arg-type]
    ("start", said(Reaction(died=True)), "start says that it died, though nobody killed it"),
    ("kill", one, "kill: the phone asks after it was killed; nothing may be left of it"),
    ("held", said(7), "held is no list of (seq, body)"),
    ("seq_cli", said("1"), "seq_cli is '1'; it is a whole number from 0"),
    ("seq_cli", said(-1), "seq_cli is -1; it is a whole number from 0"),
    ("restart", lambda: 1 / 0, "restart raised ZeroDivisionError: division by zero; mend the adapter"),
]


@pytest.mark.parametrize(("what", "lie", "says"), LIES, ids=[f"{what}: {says[:34]}" for what, _, says in LIES])
def test_a_lie_is_the_adapters_fault(what: str, lie: Callable[..., Any], says: str) -> None:
    shell = PhoneShell()
    setattr(shell, what, lie)
    with pytest.raises(AdapterFault) as error:
        played(shell)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_an_honest_phone_plays_the_same_steps() -> None:
    played(PhoneShell())


def test_a_phone_that_asks_while_it_dies_is_at_fault() -> None:
    class Undead(PhoneShell):
        def reply(self, number: int, reply: Any, die_after: int | None = None) -> Reaction:
            reaction = super().reply(number, reply, die_after)
            return reaction if die_after is None else Reaction(one(9).requests, died=True)

    with pytest.raises(AdapterFault, match="the phone asks after it was killed"):
        played(Undead())


def test_hello_that_is_none_is_named() -> None:
    shell = PhoneShell()
    shell.hello = lambda: None  # type: ignore[assignment,return-value]  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(AdapterFault, match="hello returned None; return a PhoneHello"):
        played(shell)


# ---------------------------------------------------------------- programs

PROGRAM = """
import json, sys, time
for line in sys.stdin:
    q = json.loads(line)
    ok = {{"requests": []}}
    if q["op"] == "hello":
        ok = {{"nonce": q["nonce"], "phone": "p", "capabilities": ["kill"]}}
    elif q["op"] == "held":
        ok = {{"rows": []}}
    elif q["op"] == "seq_cli":
        ok = {{"seq_cli": 0}}
    {bad}
    print(json.dumps({{"id": q["id"], "ok": ok}}), flush=True)
"""
BAD = [
    ("if q['op'] == 'start': time.sleep(60)", "did not answer start (id 3) within 0.5 s"),
    ("if q['op'] == 'start': q['id'] = 99", "answered id 99, which was not asked"),
    ("if q['op'] == 'start': ok = {'requests': [{'op': 'recv', 'id': 1}]}", "its answer to start is malformed"),
    ("if q['op'] == 'start': sys.exit(3)", "exit code 3"),
    ("if q['op'] == 'start': print('hi', flush=True)", "wrote what is no JSON: 'hi'"),
    ("if q['op'] == 'kill': ok = {'requests': [{'op': 'recv', 'id': 1, 'account': 'x', 'seq_cli': 0}]}",
     "kill: the phone asks after it was killed"),
    ("if q['op'] == 'hello': ok['nonce'] = 'x'", "hello came back with another nonce"),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "says"), BAD, ids=[says[:30] for _, says in BAD])
def test_a_hostile_program_is_named_in_bounded_time(bad: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "phone.py"
    file.write_text(PROGRAM.format(bad=bad), "utf-8")
    phone = ExecPhone(f"{sys.executable} -S {file}")
    phone.bound(0.5)
    try:
        with pytest.raises(AdapterFault) as error:
            played(phone)
    finally:
        phone.close()
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_run_that_ends_so_keeps_its_results_and_is_no_verdict(tmp_path: Path) -> None:
    file = tmp_path / "phone.py"
    file.write_text(PROGRAM.format(bad=BAD[1][0]), "utf-8")
    outcome = run(PhoneJob(f"exec:{sys.executable} -S {file}", tmp_path / "out", timeout_s=5.0))
    assert outcome.code == 4
    assert "answered id 99" in outcome.stopped
    assert (tmp_path / "out" / "history.jsonl").exists()


def test_the_sample_phone_passes(tmp_path: Path) -> None:
    assert SAMPLE.read_text("utf-8").count("\n") <= 60
    outcome = run(PhoneJob(f"exec:{sys.executable} -S {SAMPLE}", tmp_path / "out", length=2))
    assert not outcome.verdict.violations, outcome.verdict.violations
    assert outcome.code == 0, outcome.verdict.inconclusive


def test_the_sample_phone_with_a_fault_fails(tmp_path: Path) -> None:
    file = tmp_path / "phone.py"
    text = SAMPLE.read_text("utf-8")
    assert "mine[0], on = max([mine[0]]" in text
    file.write_text(text.replace("max([mine[0]]", "1 + max([mine[0]]"), "utf-8")
    outcome = run(PhoneJob(f"exec:{sys.executable} -S {file}", tmp_path / "out", shorten=False, pattern="P01*"))
    assert outcome.code == 1
    assert {violation.requirement for violation in outcome.verdict.violations} == {"DEV-3"}


# ---------------------------------------------------------------- target strings


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("phone-mutant:C_NO_RETRI", "did you mean C_NO_RETRY"),
        ("phone-mutant:", "names none"),
        ("phone:store=tape", "write phone, or phone:store=sqlite"),
        ("exec:", "names no command"),
        ("valkey", "is no phone; phones are phone"),
    ],
)
def test_what_names_no_phone_is_a_usage_error(text: str, says: str) -> None:
    with pytest.raises(UnknownTarget) as error, opened(text):
        pass
    assert says in str(error.value)


def test_an_object_that_is_no_phone_is_named() -> None:
    with pytest.raises(TargetError, match="is no phone adapter, it lacks"), opened("py:pathlib:PurePath"):
        pass


def test_the_role_follows_the_name_unless_it_is_said() -> None:
    assert [role_of(text, None) for text in ("phone", "phone-mutant:X", "exec:x", "reference")] == [
        "phone",
        "phone",
        "server",
        "server",
    ]
    assert role_of("exec:x", "phone") == "phone"
    for text, asked in (("phone", "server"), ("valkey", "phone"), ("exec:x", "tablet")):
        with pytest.raises(UnknownTarget):
            role_of(text, asked)
