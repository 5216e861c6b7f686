"""The designer's commands as their user meets them: exit codes, one-line errors, JSON, files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from seqproof_conformance import start

Run = Callable[..., tuple[int, str, str]]


def test_the_counts_come_as_json(run: Run) -> None:
    code, out, err = run("explore", "--phones", "2", "--messages", "2", "--duplicates", "--crash", "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert (found["states"], found["transitions"], found["depth"]) == (5625, 40881, 21)
    assert found["complete"]
    assert all(p["holds"] and p["occurred"] for p in found["properties"])


def test_a_table_says_what_holds_and_what_was_met(run: Run) -> None:
    code, out, _ = run("explore", "--phones", "1", "--messages", "2", "--coverage")
    assert code == 0
    assert out.startswith("✓ CORRECT, 1 phone, 2 messages, 1 slot: holds\n  55 states, 149 transitions, depth 11")
    assert "confirmed never falls" in out
    assert "lose_reply" in out


def test_a_faulty_model_exits_1_with_a_trace_that_a_person_reads(run: Run) -> None:
    code, out, _ = run("explore", "--mutant", "ACK_ON_REPLY")
    assert code == 1
    assert "a shortest counterexample, 3 steps" in out
    assert "3  recv A ask 0 ◄  confirmed 0 → 1, − A:ask 0, + A:(0, 1]" in out
    assert "confirmed moves by recv alone (CNF-3, RCV-6)" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--phones 0", "--phones 0 is too few; a model needs at least 1"),
        ("--slots 99999999999999999999", "--slots 99999999999999999999 is too many; 64 is the most"),
        ("--messages -2", "--messages -2 is too few"),
        ("--phones 9 --messages 60", "and 106 is the most; take fewer phones, messages or slots"),
        ("--late", "--late is about what comes after a crash; add --crash"),
        ("--page 0", "--page 0: a page holds at least 1 message"),
        ("--mutant ACK_ON_REPLI", "no faulty model is called 'ACK_ON_REPLI'; near: ACK_ON_REPLY"),
        ("--mutant NO_CONFIRMED --phones 0", "--phones 0 is too few"),
        ("--messages many", "Invalid value for '--messages'"),
    ],
)
def test_a_scope_that_cannot_be_is_one_line(run: Run, words: str, said: str) -> None:
    code, out, err = run("explore", *words.split())
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_stopping_early_is_inconclusive(run: Run) -> None:
    code, out, _ = run("explore", "--most", "500")
    assert code == 3
    assert "not finished: what was seen holds" in out


def test_the_console_script_loads_the_models_commands_alone() -> None:
    probe = (
        "import sys; sys.argv = ['seqproof', 'explore', '--phones', '1', '--messages', '1', '--json']\n"
        "from seqproof_conformance import start\n"
        "try: start.main()\n"
        "except SystemExit as stop: print(stop.code, sorted({'httpx', 'uvicorn', 'z3', 'networkx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


def test_each_command_of_the_model_is_started_alone() -> None:
    from seqproof_conformance.designer import app

    names = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    assert names == set(start.OF_THE_MODEL)
