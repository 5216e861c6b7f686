"""The designer's commands as their user meets them: exit codes, one-line errors, JSON, files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from seqproof_conformance import start
from seqproof_model import scenario

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
    assert "3  recv A ask 0  → confirmed 0 → 1, − A:ask 0, + A:(0, 1]  ◄" in out
    assert "✗ “confirmed moves by recv alone” does not hold: nothing is" in out
    assert "CNF-3 delivery confirms nothing (MUST, article 3.2(3), figure 6)" in out
    assert "besides   confirmed is covered (I-LOSS, CNF-3): what is" in out


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


def test_a_scope_too_small_for_a_fault_is_said(run: Run) -> None:
    code, out, _ = run("explore", "--mutant", "NO_CONFIRMED", "--phones", "1")
    assert code == 0
    assert "this scope is too small to show the fault; it takes 2 phones" in out


def test_a_result_holds_a_trace_and_a_scenario_that_replay(run: Run) -> None:
    code, out, _ = run("explore", "--mutant", "VOLATILE_CONFIRM", "-o", "broken", "--json")
    assert code == 1
    assert json.loads(out)["written"]["scenario"] == "broken/scenario.json"
    for file in ("broken/scenario.json", "broken/trace.itf.json"):
        assert run("replay", file, "mutant:VOLATILE_CONFIRM")[0] == 1
        assert run("replay", file, "mutant:CORRECT")[0] == 0
    code, _, err = run("explore", "--mutant", "VOLATILE_CONFIRM", "-o", "broken")
    assert (code, err.count("\n")) == (2, 1)
    assert "holds a result already" in err


def test_a_trace_without_a_scenario_says_why(run: Run) -> None:
    _, out, _ = run("explore", "--mutant", "ALLOC_RACE", "-o", "broken", "--json")
    assert "requests do not overlap" in json.loads(out)["written"]["no scenario"]
    assert run("replay", "broken/trace.itf.json", "mutant:CORRECT")[0] == 2


def test_the_graph_comes_in_the_format_of_its_ending(run: Run) -> None:
    for name in ("g.graphml", "g.dot", "g.json", "g.svg"):
        assert run("explore", "--phones", "1", "--messages", "1", "--graph", name)[0] == 0
    assert ElementTree.parse("g.svg").getroot().tag.endswith("svg")  # noqa: S314 - our own file
    assert json.loads(Path("g.json").read_text("utf-8"))
    code, out, err = run("explore", "--graph", "g.png")
    assert (code, out) == (2, "")
    assert "g.png: the ending says the format" in err


def test_tours_take_every_transition(run: Run) -> None:
    code, out, _ = run("explore", "--phones", "1", "--messages", "1", "--tours", "tours", "--json")
    told = json.loads(out)
    assert code == 0
    files = sorted(Path("tours").iterdir())
    assert len(files) == told["tours"]["scenarios"]
    assert told["tours"]["transitions"] == told["transitions"]
    assert run("replay", str(files[0]), "mutant:CORRECT")[0] == 0
    assert scenario.read(files[0]).name == "tour-00001"


def test_liveness_needs_more_than_weak_fairness(run: Run) -> None:
    code, out, _ = run("explore", "--phones", "1", "--messages", "1", "--liveness")
    assert code == 0
    assert "every message arrives, given that these are strongly fair: ask, recv, deliver" in " ".join(out.split())
    assert "lose_request" in out
    assert run("explore", "--mutant", "HIGH_EXCLUSIVE", "--liveness", "--json")[0] == 1


def test_a_disk_that_is_full_loses_no_result(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, _data: bytes) -> int:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    code, out, err = run("explore", "--mutant", "ACK_ON_REPLY", "-o", "broken")
    assert code == 4
    assert "a shortest counterexample, 3 steps" in out
    assert "No space left on device" in err


# ---------------------------------------------------------------- prove, simulate


def test_prove_proves_one_cell_and_says_from_what(run: Run) -> None:
    code, out, _ = run("prove", "--rule", "recv", "--property", "confirmed is covered", "--needs")
    assert code == 0
    assert "recv keeps 'confirmed is covered': proved" in out
    assert "from: confirmed is covered, cli is covered, request <= cli" in out


def test_prove_of_a_faulty_model_exits_1_with_two_states_and_a_run(run: Run) -> None:
    code, out, _ = run("prove", "--mutant", "ACK_ON_REPLY", "--seqs", "int")
    assert code == 1
    assert "recv breaks 'confirmed is covered'" in out
    assert "reachable, in 3 steps" in out
    assert "3  recv A ask 0 ◄" in out


def test_prove_searches_near_the_edges_of_the_space(run: Run) -> None:
    words = ["prove", "--mutant", "CAP_INT32", "--seqs", "int", "--property"]
    code, out, _ = run(*words, "send while there is space", "--from", "2^31")
    assert code == 1
    assert "svr 2147483646 → 2147483647" in out


def test_prove_of_an_equivalent_exits_0_as_json(run: Run) -> None:
    code, out, _ = run("prove", "--mutant", "CONFIRM_LAST", "--seqs", "int", "--json")
    found = json.loads(out)
    assert (code, found["proved"]) == (0, True)
    assert found["argument"]["wrong"] == []
    assert all(ranking["holds"] for ranking in found["ranking"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--rule recv --property nope", "no property is called 'nope'"),
        ("--rule rcv", "did you mean 'recv'"),
        ("--from 2^16", "--from 2^16: there are 2^24, 2^31, 2^32"),
        ("--without nope", "no state property is called 'nope'"),
    ],
)
def test_prove_names_what_is_not_there(run: Run, words: str, said: str) -> None:
    code, out, err = run("prove", *words.split())
    assert (code, out) == (2, "")
    assert said in err


def test_simulate_finds_a_fault_and_says_what_it_is_worth(run: Run) -> None:
    code, out, _ = run("simulate", "--mutant", "NO_CONFIRMED", "--seed", "3")
    assert code == 1
    assert "no proof of anything" in out
    assert "shortened, not shortest" in out
    first = run("simulate", "--phones", "1", "--messages", "2", "--runs", "20", "--json")[1]
    assert first == run("simulate", "--phones", "1", "--messages", "2", "--runs", "20", "--json")[1]


def test_ctrl_c_in_a_proof_says_how_far_it_came(tmp_path: Path) -> None:
    """The signal comes when the first cell is told, so nothing depends on how fast the machine is."""
    probe = (
        "import os, signal, sys; sys.argv = ['seqproof', 'prove']\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored where the tests run in the background
        "from seqproof_conformance import designer, designer_prove\n"
        "real = designer_prove.prove_all\n"
        "def prove_all(*a, progress, **k):\n"
        "    def told(cell):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        progress(cell)\n"
        "    return real(*a, progress=told, **k)\n"
        "designer_prove.prove_all = prove_all\n"
        "designer.main()"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 130
    assert done.stdout.strip() == "interrupted: 1 cells looked at, 0 of them failed; the rest is not known"


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
