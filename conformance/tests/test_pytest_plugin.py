"""The pytest plugin as its user meets it: an item per requirement, one run per session, nothing when not asked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from seqproof_conformance import pytest_plugin, running
from seqproof_model.requirements import REQUIREMENTS

assert running, "loaded here, so that no inner session loads numpy a second time"
PLUGIN = pytest_plugin.__name__
Pytest = Callable[..., pytest.RunResult]
TARGET = "mutant:OVER_ACK"


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Pytest:
    """Runs pytest in an empty project, as strict as this one."""
    installed = any(entry.value == PLUGIN for entry in entry_points(group="pytest11"))
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = --strict-markers\nxfail_strict = true\n")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def run(*words: str) -> pytest.RunResult:
        plugins = [] if installed else [pytest_plugin]
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", *words, plugins=plugins)

    return run


def counts(result: pytest.RunResult) -> dict[str, int]:
    return {name: count for name, count in result.parseoutcomes().items() if name not in {"warnings", "seconds"}}


def test_a_correct_server_passes_and_what_is_not_graded_is_skipped(inner: Pytest) -> None:
    result = inner("--seqproof-target", "mutant:CORRECT", "-rs")
    found = counts(result)
    assert result.ret == 0
    assert found == {"passed": 30, "skipped": 9}
    assert sum(found.values()) == len(REQUIREMENTS) + 1
    result.stdout.fnmatch_lines(["*not graded: no phone is under test"])


def test_a_failure_shows_the_sentence_the_proof_the_trace_and_the_replay_line(inner: Pytest) -> None:
    result = inner("--seqproof-target", TARGET, "-v", "-k", "RCV-1")
    assert counts(result) == {"failed": 1, "deselected": len(REQUIREMENTS)}
    result.stdout.fnmatch_lines(
        [
            "seqproof::mutant:OVER_ACK::RCV-1 FAILED*",
            "*the reply to recv*",
            "Seq 2 is due: it exists, and nobody has confirmed it.",
            "However, phone A, asking after 1, gets*",
            "trace: *",
            "replay:  seqproof replay seqproof-runs/mutant-OVER_ACK/RCV-1/scenario.json mutant:OVER_ACK",
            "report:  seqproof-runs/mutant-OVER_ACK/RCV-1/report.html",
        ]
    )
    result.stdout.fnmatch_lines([f"*collected {len(REQUIREMENTS) + 1} items / *"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")


def test_one_session_runs_the_target_once_and_collecting_runs_nothing(inner: Pytest) -> None:
    collected = inner("--seqproof-target", TARGET, "--collect-only", "-q")
    collected.stdout.fnmatch_lines(["seqproof::mutant:OVER_ACK::SEQ-1"])
    assert not Path("seqproof-runs").exists()
    inner("--seqproof-target", TARGET)
    assert [path.name for path in Path("seqproof-runs").iterdir()] == ["mutant-OVER_ACK"]


def test_an_item_can_be_named_and_stands_beside_a_projects_own_tests(inner: Pytest, pytester: pytest.Pytester) -> None:
    own = pytester.makepyfile(test_own="def test_own(): pass")
    words = ("--seqproof-target", "mutant:CORRECT")
    assert counts(inner(*words, "seqproof::mutant:CORRECT::SEQ-1")) == {"passed": 1}
    assert counts(inner(*words, str(own), "seqproof::mutant:CORRECT::SEQ-1")) == {"passed": 2}
    assert counts(inner(*words, str(own), "-k", "own or SEQ-2 or SEQ-4"))["passed"] == 3


def test_known_failures_are_expected_and_stale_entries_fail(inner: Pytest) -> None:
    lines = "\n".join(inner("--seqproof-target", TARGET, "-v").outlines)
    failed = [name for name in REQUIREMENTS if f"::{name} FAILED" in lines]
    assert failed
    listed = [f"[[known]]\nrequirement='{name}'\ntarget='mutant:*'\nreason='OPS-12'\n" for name in failed]
    Path("known.toml").write_text("".join(listed), "utf-8")
    words = ("--seqproof-baseline", "known.toml", "-rxf", "--seqproof-target")
    result = inner(*words, TARGET)
    assert result.ret == 0
    assert counts(result)["xfailed"] == len(failed)
    result.stdout.fnmatch_lines(["XFAIL *known: OPS-12*"])
    result = inner(*words, "mutant:CORRECT")
    assert counts(result)["failed"] == len(failed)
    result.stdout.fnmatch_lines([f"stale: {failed[0]} passes now; remove it from known.toml"])


def test_the_tests_in_a_runs_output_are_collected_only_by_name(inner: Pytest, pytester: pytest.Pytester) -> None:
    inner("--seqproof-target", TARGET)
    pytester.makepyfile(test_own="def test_own(): pass")
    assert counts(inner()) == {"passed": 1}
    named = sorted(Path("seqproof-runs").rglob("test_repro.py"))
    assert len(named) > 1
    assert counts(inner(str(named[0]))) == {"failed": 1}
    assert counts(inner(str(named[0].parent))) == {"failed": 1}
    Path("test_kept.py").write_bytes(named[0].read_bytes())
    assert counts(inner()) == {"passed": 1, "failed": 1}


def test_several_targets_are_several_rows(inner: Pytest) -> None:
    result = inner("--seqproof-target", "mutant:CORRECT", "--seqproof-target", TARGET, "-k", "SEQ-1", "-v")
    result.stdout.fnmatch_lines(["seqproof::mutant:CORRECT::SEQ-1 PASSED*", "seqproof::mutant:OVER_ACK::SEQ-1 PASSED*"])


def test_a_target_that_cannot_be_run_is_no_row_of_skips(inner: Pytest) -> None:
    result = inner("--seqproof-target", "py:no_such_module:x")
    assert counts(result) == {"failed": len(REQUIREMENTS) + 1}
    result.stdout.fnmatch_lines(["py:no_such_module:x cannot be run: *no module named 'no_such_module'*"])


def test_a_run_that_decides_nothing_fails_its_own_item(inner: Pytest, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        plugin_silent="""
        from seqproof_model.hello import Hello
        from seqproof_model.history import Indefinite

        class Silent:
            def hello(self): return Hello("silent", frozenset())
            def reset(self, account): ...
            def send(self, *words): return Indefinite("timeout")
            def recv(self, *words): return Indefinite("timeout")
            def close(self): ...
        """
    )
    pytester.syspathinsert()
    result = inner("--seqproof-target", "py:plugin_silent:Silent")
    assert counts(result) == {"failed": 1, "skipped": len(REQUIREMENTS)}
    result.stdout.fnmatch_lines(["the run of py:plugin_silent:Silent is inconclusive:", "*the server hangs*"])


def test_ctrl_c_ends_the_session(inner: Pytest, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        plugin_stopped="""
        from seqproof_reference.core import Core

        class Stopped(Core):
            def send(self, *words): raise KeyboardInterrupt
        """
    )
    pytester.syspathinsert()
    with pytest.raises(KeyboardInterrupt):
        inner("--seqproof-target", "py:plugin_stopped:Stopped")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--seqproof-suite", "huge"], "seqproof: no suite 'huge'"),
        (["--seqproof-profile", "lenient"], "seqproof: no profile 'lenient'"),
        (["--seqproof-baseline", "none.toml"], "seqproof: no baseline none.toml"),
    ],
)
def test_what_cannot_be_used_is_a_usage_error_in_one_line(inner: Pytest, words: list[str], says: str) -> None:
    result = inner("--seqproof-target", "mutant:CORRECT", *words)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {says}*"])


def test_it_costs_nothing_when_it_is_not_asked_for(inner: Pytest, pytester: pytest.Pytester) -> None:
    """In a process of its own: here everything is loaded already."""
    pytester.makepyfile("def test_own(): pass")
    assert counts(inner()) == {"passed": 1}
    heavy = ("seqproof", "hypothesis", "numpy", "msgspec", "typer")
    code = f"import {PLUGIN}, sys; print([name for name in sys.modules if name.startswith({heavy})])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == f"['seqproof_conformance', '{PLUGIN}']"


def test_xdist_is_told_to_keep_a_targets_items_together(inner: Pytest, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        def pytest_configure(config):
            if not config.pluginmanager.hasplugin("xdist"):
                config.pluginmanager.register(object(), "xdist")
            config.addinivalue_line("markers", "xdist_group(name): one worker")
        """
    )
    result = inner("--seqproof-target", "mutant:CORRECT", "--collect-only", "-q", "-m", "xdist_group")
    result.stdout.fnmatch_lines(["seqproof::mutant:CORRECT::SEQ-1"])
