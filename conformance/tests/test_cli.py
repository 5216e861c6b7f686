"""The command line as its user meets it: exit codes, one-line errors, JSON, files, interruption."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqproof_model import history, scenario
from seqproof_model.scenario import Kill, Scenario, Send
from seqproof_reports import directory

Run = Callable[..., tuple[int, str, str]]
BROKEN = '''
from seqproof_reference.core import Core

class Dies(Core):
    """Its adapter fails at the tenth send."""
    sends = 0
    def send(self, account, sender, client_id, body):
        self.sends += 1
        if self.sends > 10:
            raise {what}
        return super().send(account, sender, client_id, body)

class Slow(Core):
    """Never answers a send definitely."""
    def send(self, account, sender, client_id, body):
        from seqproof_model.history import Indefinite
        return Indefinite("timeout")
'''


def loads(text: str) -> Any:
    return json.loads(text)


# ------------------------------------------------------------ run


def test_a_correct_server_exits_0(run: Run) -> None:
    code, out, err = run("run", "mutant:CORRECT")
    assert (code, err) == (0, "")
    assert "conformant, graded 29 of 38: 29 passed, none failed" in out.splitlines()[0]
    assert Path("seqproof-runs/mutant-CORRECT/index.html").exists()
    assert [path.name for path in Path().iterdir()] == ["seqproof-runs"], "it leaves something behind"


def test_a_faulty_server_exits_1_and_leaves_a_report_that_replays(run: Run) -> None:
    code, out, _ = run("run", "mutant:VOLATILE_TAIL", "--json")
    assert code == 1
    verdict = loads(out)
    assert verdict["code"] == 1
    assert {"SEQ-3", "RCV-7"} <= set(verdict["failed"])
    failure = next(item for item in verdict["failures"] if item["requirement"] == "RCV-7")
    assert failure["trace"] == "s ! A"
    assert failure["reproduced"] == "5 of 5"
    folder = Path(failure["report"]).parent
    assert {path.name for path in folder.iterdir()} == set(directory.FORMATS)
    words = failure["replay"].split()[1:]
    assert run(*words)[0] == 1
    assert run(*words[:-1], "mutant:CORRECT")[0] == 0
    assert run("check", str(folder / "history.jsonl"))[0] == 1


def test_the_verdict_on_disk_is_the_one_printed(run: Run) -> None:
    _, out, _ = run("run", "mutant:ACK_ON_REPLY", "--json", "-o", "here")
    assert loads(out) == json.loads(Path("here/verdict.json").read_text("utf-8"))


def test_the_runs_own_history_gives_the_same_verdict(run: Run) -> None:
    _, out, _ = run("run", "mutant:OVER_ACK", "--json", "-o", "here")
    code, again, _ = run("check", "here/history.jsonl", "--json")
    assert code == 1
    assert set(loads(again)["failed"]) >= set(loads(out)["failed"])


def test_k_selects_by_name_and_by_requirement(run: Run) -> None:
    assert loads(run("run", "mutant:CORRECT", "-k", "F4", "--json")[1])["scenarios"] == 1
    assert loads(run("run", "mutant:CORRECT", "-k", "cnf-7", "--json")[1])["scenarios"] == 1
    assert run("run", "mutant:CORRECT", "-k", "nothing-like-it")[0] == 5


def test_what_the_target_cannot_do_is_not_graded_and_no_failure(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bare.py").write_text(
        "from seqproof_reference.core import Core\n"
        "from seqproof_model.hello import Hello\n"
        "class Bare(Core):\n"
        "    def hello(self):\n"
        "        return Hello('bare', frozenset())\n",
        "utf-8",
    )
    code, out, _ = run("run", "py:bare:Bare", "--json")
    verdict = loads(out)
    assert code == 0
    reasons = {grade["requirement"]: grade["reason"] for grade in verdict["grades"] if grade["reason"]}
    assert reasons["SEQ-5"] == "the target does not declare kill"
    assert not set(verdict["failed"])


def test_a_condition_that_never_occurred_is_inconclusive(run: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN.format(what="0"), "utf-8")
    code, _, _ = run("run", "py:broken:Slow", "-k", "SEQ-5-ack*")
    assert code == 3


def test_a_stranger_profile_is_judged_by_and_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[profile.tiny]\nseq_max = 4294967290\n", "utf-8")
    code, out, _ = run("run", "mutant:CORRECT", "--profile", "mine.toml:tiny", "-k", "SEQ-6-*")
    assert code == 1  # the server goes on beyond that
    assert "seq_max 4294967290" in out.splitlines()[0]


# ------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["run", "nonsense:"], 2, "no target 'nonsense:'"),
        (["run", "mutant:ACK"], 2, "no mutant 'ACK'"),
        (["run", "valkey:aof=maybe"], 2, "aof"),
        (["run", "reference", "--profile", "lenient"], 2, "no profile 'lenient'"),
        (["run", "reference", "--suite", "huge"], 2, "no suite 'huge'"),
        (["run", "reference", "--sed", "3"], 2, "--sed"),
        (["run", "py:no_such_module:x"], 4, "no_such_module"),
        (["replay", "missing.json", "reference"], 2, "cannot read the scenario missing.json"),
        (["check", "missing.jsonl"], 2, "cannot read missing.jsonl"),
        (["explain", "CNF-9"], 2, "did you mean"),
        (["list", "colours"], 2, "colours"),
    ],
)
def test_an_error_is_one_line_that_says_the_mend(run: Run, words: list[str], code: int, says: str) -> None:
    came, out, err = run(*words)
    assert came == code
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("seqproof: ")
    assert says in err


def test_results_are_never_written_over(run: Run) -> None:
    run("run", "mutant:CORRECT", "-k", "F4", "-o", "here")
    code, _, err = run("run", "mutant:CORRECT", "-k", "F4", "-o", "here")
    assert code == 2
    assert "here holds the results of another run" in err
    for _ in range(2):
        run("run", "mutant:CORRECT", "-k", "F4")
    assert {path.name for path in Path("seqproof-runs").iterdir()} == {"mutant-CORRECT", "mutant-CORRECT-2"}


def test_a_directory_that_cannot_be_written(run: Run) -> None:
    Path("file").write_text("x", "utf-8")
    code, _, err = run("run", "mutant:CORRECT", "-k", "F4", "-o", "file/inside")
    assert code == 4
    assert "file/inside" in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., Any] = Path.open

    def full(path: Path, *words: Any, **more: Any) -> Any:
        return real(Path("/dev/full") if path.name == "history.jsonl" else path, *words, **more)

    monkeypatch.setattr(Path, "open", full)
    code, _, err = run("run", "mutant:CORRECT", "-k", "F4", "-o", "here")
    assert code == 4
    assert "No space left on device" in err
    assert err.count("\n") == 1


def test_an_adapter_that_raises_is_blamed_and_the_results_are_kept(run: Run, tmp_path: Path) -> None:
    (tmp_path / "raising.py").write_text(BROKEN.format(what='RuntimeError("out of cheese")'), "utf-8")
    code, out, err = run("run", "py:raising:Dies", "-o", "here", "--json")
    assert code == 4
    assert "the adapter's send raised RuntimeError: out of cheese" in err
    assert loads(out)["stopped"] in err
    assert history.read("here/history.jsonl").partial is None


def test_a_violation_outranks_a_broken_harness(run: Run, tmp_path: Path) -> None:
    text = BROKEN.format(what='RuntimeError("x")').replace(
        "import Core", "import Core\nfrom seqproof_reference import twins"
    )
    (tmp_path / "both.py").write_text(text.replace("class Dies(Core)", "class Dies(twins.HighExclusive)"), "utf-8")
    code, out, _ = run("run", "py:both:Dies", "-k", "S*", "--json", "-o", "here")
    assert code == 1
    assert loads(out)["stopped"]


def test_ctrl_c_keeps_what_was_found(run: Run, tmp_path: Path) -> None:
    (tmp_path / "stopped.py").write_text(BROKEN.format(what="KeyboardInterrupt"), "utf-8")
    code, out, err = run("run", "py:stopped:Dies", "-o", "here")
    assert code == 130
    assert "interrupted" in err
    assert "inconclusive" in out.splitlines()[0]
    kept = history.read("here/history.jsonl")
    assert kept.interrupted
    assert len(kept.events) > 10


# ------------------------------------------------------------ list, explain, check


def test_list_and_explain_print_from_the_data(run: Run) -> None:
    code, out, _ = run("list")
    assert code == 0
    assert len([line for line in out.splitlines() if "MUST" in line or "SHOULD" in line]) == 38
    code, out, _ = run("explain", "CNF-3")
    assert code == 0
    assert "Nothing is confirmed by delivery" in out
    assert "3.2(3)" in out
    for what in ("requirements", "scenarios", "targets", "mutants", "profiles"):
        assert len(loads(run("list", what, "--json")[1])) > 3


def test_check_reads_a_history_without_its_end(run: Run) -> None:
    run("run", "mutant:CORRECT", "-k", "F4", "-o", "here")
    whole = Path("here/history.jsonl").read_bytes()
    Path("cut.jsonl").write_bytes(whole[: len(whole) * 2 // 3])
    code, out, _ = run("check", "cut.jsonl")
    assert code == 3
    assert "its last good line is" in out


def test_check_of_a_foreign_file_is_one_error(run: Run) -> None:
    Path("foreign.jsonl").write_text('{"hello": "world"}\n', "utf-8")
    code, _, err = run("check", "foreign.jsonl")
    assert code == 2
    assert "is not a seqproof history" in err


def test_replay_of_what_the_target_cannot_do_executes_nothing(run: Run, tmp_path: Path) -> None:
    Path("kill.json").write_bytes(scenario.encode(Scenario("k", (Send(), Kill()))))
    (tmp_path / "poor.py").write_text(
        "from seqproof_reference.core import Core\nfrom seqproof_model.hello import Hello\n"
        "class Bare(Core):\n    def hello(self):\n        return Hello('bare', frozenset())\n",
        "utf-8",
    )
    code, _, err = run("replay", "kill.json", "py:poor:Bare")
    assert code == 5
    assert "does not declare kill" in err


def test_no_colour_when_it_is_not_a_terminal(run: Run) -> None:
    assert "\x1b" not in run("run", "mutant:ACK_ON_REPLY")[1]


# ------------------------------------------------------------ the whole process


def servers(token: str) -> list[str]:
    """Processes whose command line or environment names the folder."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            if token.encode() in text:
                found.append(entry.name)
    return found


HEEDING = (  # Ctrl-C is ignored where the tests run in the background
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from seqproof_conformance import cli; cli.main()"
)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_kit_that_dies_leaves_no_server_and_a_readable_history(tmp_path: Path, number: signal.Signals) -> None:
    """It is stopped while the server runs and the history grows; both are waited for, with a bound."""
    environment = os.environ | {"TMPDIR": str(tmp_path), "SEQPROOF_TEST": tmp_path.name}
    kit = subprocess.Popen(
        [sys.executable, "-c", HEEDING, "run", "reference", "-o", str(tmp_path / "out")],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    path = tmp_path / "out" / "history.jsonl"
    try:
        until(lambda: path.exists() and path.read_bytes().count(b"\n") > 50)
        assert len(servers(tmp_path.name)) >= 2  # the kit and its server
        kit.send_signal(number)
        kit.wait(30)
    finally:
        kit.kill()
        kit.wait(30)
    until(lambda: not servers(tmp_path.name))
    kept = history.read(path)
    assert len(kept.events) >= 50
    assert (kept.partial is not None) == (number is signal.SIGKILL)
    if number is not signal.SIGKILL:
        assert kit.returncode == 130
        assert (tmp_path / "out" / "verdict.json").exists()
    assert not [item for item in tmp_path.iterdir() if item.name.startswith("seqproof-")], "a server's folder was left"


def until(condition: Callable[[], bool], rounds: int = 3000) -> None:
    """Wait for something another process does, at most half a minute."""
    event = signal.sigtimedwait
    for _ in range(rounds):
        if condition():
            return
        event([], 0.01)
    pytest.fail("waited in vain")


# ------------------------------------------------------------ outcomes that cannot be decided, and other spaces


STRANGE = """
from seqproof_model.history import Code, Indefinite, Ok, Refused
from seqproof_model.profile import Profile
from seqproof_reference.core import Core

class BigRepliesTimeOut(Core):
    def recv(self, account, phone, seq_cli):
        answer = super().recv(account, phone, seq_cli)
        return Indefinite("timeout") if isinstance(answer, Ok) and len(answer.rows) > 8 else answer

class StoreFailsByItself(Core):
    def recv(self, account, phone, seq_cli):
        answer = super().recv(account, phone, seq_cli)
        return Refused(Code.STORE) if isinstance(answer, Ok) and len(answer.rows) > 2 else answer

class From1000(Core):
    def __init__(self):
        super().__init__()
        self.claims = Profile("from1000", first_seq=1000, seq_max=5000)
        self.base, self.seq_max = 999, 5000

class TellsSometimes(Core):
    told = 0
    def send(self, account, sender, client_id, body):
        self.told += 1
        answer = super().send(account, sender, f"{client_id}-{self.told}", body)
        return Ok() if isinstance(answer, Ok) and self.told % 2 else answer

class Prints(Core):
    def reset(self, account):
        print("debug", account)
        super().reset(account)
"""


@pytest.fixture
def strange(tmp_path: Path) -> str:
    (tmp_path / "strange.py").write_text(STRANGE, "utf-8")
    return "py:strange"


def test_requests_that_are_never_answered_are_no_pass(run: Run, strange: str) -> None:
    code, out, _ = run("run", f"{strange}:BigRepliesTimeOut", "--json", "-k", "RCV-7")
    assert code == 3
    assert "had no definite answer" in str(loads(out)["inconclusive"])


def test_a_store_that_fails_by_itself_is_no_pass(run: Run, strange: str) -> None:
    code, out, _ = run("run", f"{strange}:StoreFailsByItself", "--json")
    assert code == 3
    assert "refused by a store that nobody made fail" in str(loads(out)["inconclusive"])


def test_a_space_that_begins_elsewhere_is_held_to_its_own_bounds(run: Run, strange: str) -> None:
    code, out, _ = run("run", f"{strange}:From1000", "--json")
    assert loads(out)["failed"] == []
    assert code in (0, 3)


def test_seqs_that_are_told_only_sometimes_are_no_fault(run: Run, strange: str) -> None:
    for seed in ("0", "11"):
        assert loads(run("run", f"{strange}:TellsSometimes", "--json", "--seed", seed)[1])["failed"] == []


def test_what_an_adapter_prints_is_no_result(run: Run, strange: str) -> None:
    code, out, err = run("run", f"{strange}:Prints", "--json", "-k", "F4")
    assert code == 0
    assert loads(out)["code"] == 0
    assert "debug" in err


def test_a_preset_outside_of_the_space_executes_nothing(run: Run) -> None:
    Path("far.json").write_bytes(scenario.encode(Scenario("far", (scenario.Preset(seq=2**70), Send()))))
    code, _, err = run("replay", "far.json", "mutant:CORRECT")
    assert code == 5
    assert "lies outside 0..4294967295" in err


def test_what_is_suspected_is_not_passed(run: Run) -> None:
    _, out, _ = run("run", "mutant:VOLATILE_TAIL", "--json")
    verdict = loads(out)
    reasons = {grade["requirement"]: grade["reason"] for grade in verdict["grades"]}
    assert not {"SND-1", "SEQ-5"} & set(verdict["passed"])
    assert reasons["SND-1"] == "suspected: see RCV-7"


def test_version_and_short_help(run: Run) -> None:
    code, out, _ = run("--version")
    assert (code, out.split()[0]) == (0, "seqproof")
    assert run("run", "-h")[0] == 0


def test_an_error_shows_no_emoji_and_no_second_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "noisy.py").write_text("def bug():\n    raise RuntimeError('one\\ntwo\\x1b[31m')\n", "utf-8")
    _, _, err = run("run", "py:noisy:bug")
    assert ":bug" in err
    assert err.count("\n") == 1
    assert "\x1b" not in err
