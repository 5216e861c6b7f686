"""test_repro.py: it fails while the server is at fault, passes on a correct one, and never for want of an answer."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from _pytest.outcomes import Failed

from seqproof_conformance import repro, suite
from seqproof_conformance.phone_suite import PhoneJob
from seqproof_conformance.phone_suite import run as run_phone
from seqproof_conformance.suite import Job
from seqproof_model.scenario import Lost, Recv, Scenario, Send
from seqproof_reports import directory
from seqproof_reports.repro import NAME, VARIABLE

SEND, ASK = {"do": "send"}, {"do": "recv"}
LOST = [SEND, {"do": "recv", "lose": "reply"}, ASK]
ADAPTER = '''
from seqproof_conformance.adapter import Hello
from seqproof_model.history import Indefinite, Ok, Refused

class Silent:
    """It answers nothing."""
    def hello(self):
        return Hello("silent 1", frozenset())
    def reset(self, account): pass
    def send(self, account, sender, client_id, body): return Indefinite("timeout")
    def recv(self, account, phone, seq_cli): return Indefinite("timeout")
    def close(self): pass

class Rare(Silent):
    """A server that gives nothing to every third recv, and else is one message long."""
    asked = 0
    def __init__(self): self.seqs = {}
    def send(self, account, sender, client_id, body):
        self.seqs[account] = body
        return Ok(seq=1)
    def recv(self, account, phone, seq_cli):
        Rare.asked += 1
        return Ok(rows=() if Rare.asked % 3 == 0 else ((1, self.seqs[account]),))
'''


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a counterexample of a faulty server, made by a run."""
    folder = tmp_path_factory.mktemp("run")
    steps = Scenario("x", (Send(), Send(), Recv(lose=Lost.REPLY), Recv()))
    outcome = suite.run(Job("mutant:ACK_ON_REPLY", folder, scenarios=(steps,)))
    directory.write(folder / "cex", outcome.counterexamples[0])
    return folder / "cex"


def pytest_of(pytester: pytest.Pytester, folder: Path) -> pytest.RunResult:
    pytester.makepyfile(**{NAME.removesuffix(".py"): (folder / NAME).read_text("utf-8")})
    return pytester.runpytest_inprocess("-p", "no:cacheprovider")


def test_the_file_fails_with_the_sentence_and_nothing_else(pytester: pytest.Pytester, found: Path) -> None:
    done = pytest_of(pytester, found)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        ["mutant:ACK_ON_REPLY: the reply to recv(0) is empty, though seq 1 is due (RCV-7, I-LOSS)"]
    )
    assert "Traceback" not in done.stdout.str()
    assert "reproduce(" not in done.stdout.str().partition("short test summary")[0]


def test_the_file_passes_on_the_mended_server(
    pytester: pytest.Pytester, found: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "mutant:CORRECT")
    pytest_of(pytester, found).assert_outcomes(passed=1)


def test_the_file_of_a_phone_fails_on_it_and_passes_on_the_mended_one(
    pytester: pytest.Pytester, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = PhoneJob("phone-mutant:C_CLI_BEFORE_DATA", tmp_path / "run", pattern="golden", length=1)
    shown = run_phone(job).counterexamples[0]
    directory.write(tmp_path / "cex", shown)
    pytest_of(pytester, tmp_path / "cex").assert_outcomes(failed=1)
    monkeypatch.setenv(VARIABLE, "phone")
    pytest_of(pytester, tmp_path / "cex").assert_outcomes(passed=1)


# ---------------------------------------------------------------- what is no pass


@pytest.mark.parametrize(
    ("target", "steps", "why"),
    [
        ("nowhere", LOST, "cannot be told on nowhere: no target"),
        ("mutant:CORRECT", [{"do": "begin", "request": "s1", "held": True}], "does not declare begin_send"),
        ("mutant:CORRECT", [{"do": "dance"}], "not a seqproof scenario"),
        ("py:repro_adapter:Silent", LOST, "had no definite answer"),
    ],
)
def test_what_cannot_be_told_is_no_pass(
    target: str, steps: repro.Steps, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "repro_adapter.py").write_text(ADAPTER, "utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(Failed) as told:
        repro.reproduce(target, steps)
    assert why in str(told.value)
    assert "\n" not in str(told.value)


def test_a_fault_that_shows_seldom_is_found_by_trying_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "repro_rare.py").write_text(ADAPTER, "utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    repro.reproduce("py:repro_rare:Rare", [SEND, ASK], "strict", tries=1)
    with pytest.raises(Failed, match="is empty, though seq 1 is due"):
        repro.reproduce("py:repro_rare:Rare", [SEND, ASK], "strict", tries=3)


def test_a_profile_is_a_name_or_what_it_says_in_full() -> None:
    gap = [SEND, {"do": "send", "account": "y"}]
    with pytest.raises(Failed, match="SEQ-2"):
        repro.reproduce("mutant:GLOBAL_COUNTER", gap, "strict")
    repro.reproduce("mutant:GLOBAL_COUNTER", gap, {"name": "mine", "gaps": True})
    with pytest.raises(Failed, match=r"cannot be told on mutant:CORRECT: .* is no profile"):
        repro.reproduce("mutant:CORRECT", gap, {"name": "mine", "holes": True})
    with pytest.raises(Failed, match="no profile 'lax'"):
        repro.reproduce("mutant:CORRECT", gap, "lax")
