"""The commands ``smoke`` and ``doctor`` as their user meets them: exit codes, tables, JSON, hangs and Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seqproof_conformance import shell, workshop
from seqproof_conformance.adapter import TargetError
from seqproof_conformance.targets import UnknownTarget

Call = Callable[..., tuple[int, str, str]]
PATIENCE_S = 60.0
ADAPTERS = """
import subprocess, sys, threading
from pathlib import Path
from seqproof_reference.core import Core

SLEEPER = [sys.executable, "-I", "-S", "-c", "import signal; signal.pause()"]

class NoReset(Core):
    def reset(self, account):
        print("reset [bold]", account)

class Hangs(Core):
    def hello(self):
        self.started = subprocess.Popen(SLEEPER)
        Path("pid").write_text(str(self.started.pid))
        return super().hello()
    def recv(self, account, phone, seq_cli):
        Path("hangs").touch()
        threading.Event().wait()

class HangsAtOnce(Core):
    def __init__(self):
        threading.Event().wait()

class NoAdapter:
    pass
"""
PROGRAM = (
    "from seqproof_conformance import shell, workshop\n"
    "from seqproof_conformance.adapter import TargetError\n"
    "shell.run(workshop.app, failed=(TargetError,))\n"
)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Runs the two commands in this process, in a folder with the adapters; returns code, output and errors."""
    (tmp_path / "planted.py").write_text(ADAPTERS, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["seqproof", *words])
        with pytest.raises(SystemExit) as stopped:
            shell.run(workshop.app, usage=(UnknownTarget,), failed=(TargetError,))
        out, err = capfd.readouterr()
        return int(stopped.value.code or 0), out, err

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)
    sys.modules.pop("planted", None)


def loads(text: str) -> Any:
    return json.loads(text)


# ------------------------------------------------------------ smoke


def test_a_sane_adapter_exits_0_and_the_table_says_what_was_seen(call: Call) -> None:
    code, out, err = call("smoke", "mutant:CORRECT")
    assert (code, err) == (0, "")
    assert out.startswith("✓ mutant:CORRECT: sane, 19 checks passed\n")
    assert "after preset_seq(9) the next seq is 10" in out
    assert "seqproof run mutant:CORRECT" in out
    assert max(len(line) for line in out.splitlines()) <= 80


def test_an_insane_adapter_exits_4_and_what_it_prints_is_no_result(call: Call) -> None:
    code, out, err = call("smoke", "py:planted:NoReset")
    assert code == 4
    assert "✗ py:planted:NoReset: not sane, 1 of 23 checks failed" in out
    assert "after send and reset the account still gives 3 rows" in out
    assert "mend: let reset remove every message" in out
    assert "reset [bold]" in err
    assert "reset [bold]" not in out


def test_json_is_one_object_with_every_check(call: Call) -> None:
    code, out, _ = call("smoke", "py:planted:NoReset", "--json")
    told = loads(out)
    assert (code, told["code"], told["sane"], told["failed"]) == (4, 4, False, ["reset"])
    (row,) = [row for row in told["checks"] if row["result"] == "fail"]
    assert (row["name"], row["blame"]) == ("reset", "adapter")
    assert row["mend"]
    assert {row["result"] for row in told["checks"]} == {"pass", "fail", "skipped"}


def test_a_fault_of_the_server_is_no_failure(call: Call) -> None:
    code, out, _ = call("smoke", "mutant:HIGH_EXCLUSIVE")
    assert code == 0
    assert "2 of 3 messages came back; not the adapter: run" in out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["smoke", "nonsense:"], 2, "no target 'nonsense:'"),
        (["smoke", "mutant:ACK"], 2, "no mutant 'ACK'"),
        (["smoke", "py:planted:NoAdapter"], 4, "NoAdapter is no adapter"),
        (["smoke", "py:no_such_module:x"], 4, "no module named 'no_such_module'"),
        (["smoke", "mutant:CORRECT", "--timeout", "0"], 2, "0.1<=x<=3600"),
        (["smoke", "mutant:CORRECT", "--timeout", "nan"], 2, "--timeout nan is no number of seconds"),
        (["smoke"], 2, "Missing argument"),
        (["doctor", "--timeout", "nan"], 2, "--timeout nan is no number of seconds"),
    ],
)
def test_an_error_is_one_line_that_says_the_mend(call: Call, words: list[str], code: int, says: str) -> None:
    came, out, err = call(*words)
    assert (came, out) == (code, "")
    assert err.startswith("seqproof: ")
    assert err.count("\n") == 1
    assert says in err


# ------------------------------------------------------------ the whole process


def started(folder: Path, *words: str) -> subprocess.Popen[str]:
    (folder / "planted.py").write_text(ADAPTERS, "utf-8")
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(folder)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # ignored in the background
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for it, and for whoever else holds its output."""
    try:
        out, err = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    return process.returncode, out, err


def gone(pid: int) -> bool:
    """Whether a process is dead. An orphan may stay unreaped; it is dead all the same."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() == b""
    except OSError:
        return True


def until(condition: Callable[[], bool], rounds: int = 3000) -> None:
    """Wait for something another process does, at most half a minute."""
    for _ in range(rounds):
        if condition():
            return
        signal.sigtimedwait([], 0.01)
    pytest.fail("waited in vain")


def test_an_adapter_that_hangs_is_named_and_the_process_ends_around_it(tmp_path: Path) -> None:
    code, out, err = ended(started(tmp_path, "smoke", "py:planted:Hangs", "--timeout", "1", "--json"))
    told = loads(out)
    assert (code, told["code"], told["blocked"], err) == (4, 4, "recv", "")
    (row,) = [row for row in told["checks"] if row["result"] == "fail"]
    assert row["line"] == "the adapter's recv did not return within 1 s"
    assert gone(int((tmp_path / "pid").read_text()))


def test_an_adapter_that_hangs_while_it_is_made_is_one_line(tmp_path: Path) -> None:
    code, out, err = ended(started(tmp_path, "smoke", "py:planted:HangsAtOnce", "--timeout", "1"))
    assert (code, out) == (4, "")
    assert err.startswith("seqproof: py:planted:HangsAtOnce: opening did not return within 1 s; bound every wait")
    assert err.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_smoke_that_is_stopped_while_the_adapter_hangs_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    process = started(tmp_path, "smoke", "py:planted:Hangs")
    try:
        until(lambda: (tmp_path / "hangs").exists())
        process.send_signal(number)
    finally:
        code, out, err = ended(process)
    assert out == ""
    if number is signal.SIGKILL:
        assert code == -number
    else:
        assert (code, err) == (130, "seqproof: interrupted; nothing was decided\n")
    until(lambda: gone(int((tmp_path / "pid").read_text())))


# ------------------------------------------------------------ doctor


def test_doctor_says_that_all_is_well_in_80_columns(call: Call) -> None:
    code, out, err = call("doctor")
    assert (code, err) == (0, "")
    assert out.startswith("✓ all is well\n")
    for words in ("reference answers: seqproof-reference", "mutant:CORRECT answers", "py:seqproof_reference.core:Core"):
        assert words in out
    assert max(len(line) for line in out.splitlines()) <= 80


def test_doctor_no_start_only_looks(call: Call) -> None:
    code, out, _ = call("doctor", "--no-start", "--json")
    told = loads(out)
    targets = [item for item in told["items"] if item["group"] == "targets"]
    assert (code, told["code"]) == (0, 0)
    assert {item["line"] for item in targets if item["finding"] == "ok"} == {"installed; not started, as you asked"}


def test_doctor_exits_4_and_shows_the_mend(call: Call, tmp_path: Path) -> None:
    (tmp_path / "seqproof-runs").write_text("a file", "utf-8")
    code, out, err = call("doctor", "--no-start")
    assert (code, err) == (4, "")
    assert out.startswith("✗ not all is well: results\n")
    assert "mend: run it in a folder that you may write to" in out
