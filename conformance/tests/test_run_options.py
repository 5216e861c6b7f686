"""``seqproof run`` in a pipeline: its baseline from the first day to the last, what it requires, what it writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

Run = Callable[..., tuple[int, str, str]]
TARGET = "mutant:OVER_ACK"  # fails some requirements and decides all that it can
HOLDING = """
from seqproof_reference.core import Core
from seqproof_model.hello import Hello
class Bare(Core):
    def hello(self):
        return Hello('bare', frozenset())
"""


def loads(text: str) -> Any:
    return json.loads(text)


def test_a_baseline_from_its_first_day_to_its_last(run: Run) -> None:
    words = ("run", TARGET, "--baseline", "known.toml", "--json")
    assert run("run", TARGET)[0] == 1
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert "no baseline known.toml; --update-baseline writes it" in err

    code, out, err = run(*words, "--update-baseline")
    failed = loads(out)["failed"]
    assert code == 0
    assert failed
    assert set(loads(out)["known"]) == set(failed)
    assert err.count("is listed without a reason; say why it may fail") == len(failed)
    first = Path("known.toml").read_text("utf-8")
    assert "-1.m" not in first, "a sentence holds the prefix of one run; the next would differ"

    Path("known.toml").write_text(first.replace("TODO: say why", "OPS-12"), "utf-8")
    code, out, err = run(*words)
    assert (code, err) == (0, "")
    assert loads(out)["known"] == dict.fromkeys(failed, "OPS-12")
    assert len(loads(out)["failures"]) == len(failed), "a known failure still leaves its report"

    mended = Path("known.toml").read_text("utf-8").replace(TARGET, "mutant:CORRECT")
    Path("known.toml").write_text(mended, "utf-8")
    code, out, _ = run("run", "mutant:CORRECT", "--baseline", "known.toml", "--json")
    assert code == 6
    assert loads(out)["stale"] == failed

    code, out, _ = run("run", "mutant:CORRECT", "--baseline", "known.toml", "--update-baseline", "--json")
    assert (code, loads(out)["stale"]) == (0, [])
    assert "[[known]]" not in Path("known.toml").read_text("utf-8")


def test_a_new_failure_beside_a_known_one_exits_1_and_only_the_new_one_is_shown_in_full(run: Run) -> None:
    run("run", "mutant:VOLATILE_TAIL", "--baseline", "known.toml", "--update-baseline")
    text = Path("known.toml").read_text("utf-8")
    only = "[[known]]\n" + next(part for part in text.split("[[known]]\n") if "RCV-7" in part)
    Path("known.toml").write_text(only.replace("TODO: say why", "OPS-12 [bold]"), "utf-8")
    code, out, _ = run("run", "mutant:VOLATILE_TAIL", "--baseline", "known.toml")
    assert code == 1
    assert "RCV-7: known: OPS-12 [bold]" in out
    assert "SEQ-3/report.html" in out
    assert "RCV-7/report.html" not in out


def test_nothing_is_stale_when_only_a_part_was_played(run: Run) -> None:
    Path("known.toml").write_text("[[known]]\nrequirement='SEQ-1'\ntarget='*'\nreason='x'\n", "utf-8")
    words = ("mutant:CORRECT", "--baseline", "known.toml")
    assert run("run", *words)[0] == 6
    code, out, _ = run("run", *words, "-k", "F4")
    assert code == 0
    assert "SEQ-1: listed, and neither known nor stale: passed as far as it went, but the run was not whole" in out


def test_a_baseline_for_what_was_not_graded_is_not_stale_and_says_so(run: Run) -> None:
    Path("known.toml").write_text("[[known]]\nrequirement='DEV-1'\ntarget='*'\nreason='x'\n", "utf-8")
    code, out, _ = run("run", "mutant:CORRECT", "--baseline", "known.toml")
    assert code == 0
    assert "DEV-1: listed, and neither known nor stale: no phone is under test" in out


def test_what_is_required_and_cannot_be_graded_makes_it_inconclusive(run: Run, tmp_path: Path) -> None:
    (tmp_path / "holding.py").write_text(HOLDING, "utf-8")
    code, out, _ = run("run", "py:holding:Bare", "--require", "seq-1,SEQ-5", "--require", "rcv-*", "--json")
    found = loads(out)
    assert code == 3
    assert found["required_not_graded"] == ["SEQ-5", "RCV-3"]
    assert "SEQ-5 is required and not graded: the target does not declare kill" in found["inconclusive"]
    assert run("run", "mutant:CORRECT", "--require", "SEQ-1, SEQ-5")[0] == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--require", "SEQ-1,CNF-9"], "did you mean CNF-7"),
        (["--require", "X*"], "no requirement 'X*'"),
        (["--update-baseline"], "--update-baseline needs --baseline FILE"),
        (["--max-time", "0"], "--max-time"),
        (["--timeout", "soon"], "--timeout"),
        (["--seed", "-1"], "--seed"),
    ],
)
def test_options_that_cannot_be_used_are_one_line(run: Run, words: list[str], says: str) -> None:
    code, out, err = run("run", "mutant:CORRECT", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err


def test_reports_go_where_they_are_asked_for_and_their_links_lead_to_the_results(run: Run) -> None:
    words = ("--junit-xml", "ci/j.xml", "--markdown", "ci/m.md", "--html", "ci/deep/p.html", "-o", "out dir")
    assert run("run", TARGET, *words)[0] == 1
    root = ElementTree.fromstring(Path("ci/j.xml").read_text("utf-8"))  # noqa: S314 - our own file
    verdict = loads(Path("out dir/verdict.json").read_text("utf-8"))
    assert {
        case.attrib["name"].split()[0] for case in root.iter("testcase") if case.find("failure") is not None
    } == set(verdict["failed"])
    assert Path("ci/m.md").read_text("utf-8").startswith("✗ **mutant:OVER\\_ACK**")
    page = Path("ci/deep/p.html").read_text("utf-8")
    for requirement in verdict["failed"]:
        assert f'href="../../out%20dir/{requirement}/report.html"' in page
        assert (Path("ci/deep") / f"../../out dir/{requirement}/report.html").exists()


def test_a_report_that_cannot_be_written_is_one_line_and_the_results_are_there(run: Run) -> None:
    Path("file").write_text("", "utf-8")
    code, _, err = run("run", "mutant:CORRECT", "-k", "F4", "-o", "here", "--junit-xml", "file/j.xml")
    assert (code, err.count("\n")) == (4, 1)
    assert "file" in err
    assert Path("here/verdict.json").exists()


# ------------------------------------------------------------ configuration


def test_run_takes_its_target_from_a_file_and_the_command_line_outranks_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = run("run")
    assert code == 2
    assert "no TARGET" in err
    Path("seqproof.toml").write_text(f'target = "{TARGET}"\nselect = "F*"\njson = true\nout = "there"\n', "utf-8")
    assert loads(run("run")[1])["target"] == TARGET
    assert Path("there/verdict.json").exists()
    assert loads(run("run", "mutant:CORRECT", "-o", "a")[1])["target"] == "mutant:CORRECT"
    monkeypatch.setenv("SEQPROOF_TARGET", "mutant:CORRECT")
    assert loads(run("run", "-o", "b")[1])["target"] == "mutant:CORRECT"
    monkeypatch.setenv("SEQPROOF_JSON", "0")
    assert run("run", "-o", "c")[1].splitlines()[0].startswith("– mutant:CORRECT (strict)")


def test_show_config_tells_every_value_and_where_it_came_from(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("seqproof.toml").write_text('target = "valkey"\nbaseline = "known.toml"\nseed = 4\n', "utf-8")
    monkeypatch.setenv("SEQPROOF_SEED", "5")
    monkeypatch.setenv("SEQPROOF_MAX_TIME", "60")
    code, out, err = run("run", "--show-config", "--max-time", "90", "--require", "SEQ-1", "--json")
    assert (code, err) == (0, "")
    told = {row["option"]: (row["value"], row["from"]) for row in loads(out)}
    assert told["target"] == ("valkey", "seqproof.toml")
    assert told["baseline"] == ("known.toml", "seqproof.toml")
    assert told["seed"] == (5, "environment SEQPROOF_SEED")
    assert told["max-time"] == (90.0, "command line")
    assert told["require"] == (["SEQ-1"], "command line")
    assert told["suite"] == ("quick", "default")
    code, out, _ = run("run", "--show-config")
    assert code == 0
    assert ["seed", "5", "environment", "SEQPROOF_SEED"] in [line.split() for line in out.splitlines()]
    assert not Path("seqproof-runs").exists()


def test_a_broken_file_is_one_line_and_help_still_helps(run: Run) -> None:
    Path("seqproof.toml").write_text("sed = 4\n", "utf-8")
    code, out, err = run("run", "mutant:CORRECT")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "seqproof.toml: no option 'sed'; did you mean seed or suite?" in err
    assert run("run", "--help")[0] == 0
    assert run("list")[0] == 0


def test_x_and_max_time_are_options(run: Run) -> None:
    assert run("run", "mutant:CORRECT", "-x")[0] == 0
    code, out, _ = run("run", "mutant:CORRECT", "--max-time", "0.001", "--json")
    assert code == 3
    assert "the time was up" in loads(out)["enough"]
    assert "stopped at the first violation" in loads(run("run", TARGET, "-x", "--json")[1])["enough"]


def test_the_timeout_reaches_the_target_or_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "holding.py").write_text(HOLDING, "utf-8")
    code, _, err = run("run", "py:holding:Bare", "--timeout", "3")
    assert code == 2
    assert "has no bound(seconds)" in err
    assert run("run", "mutant:CORRECT", "--timeout", "3", "-k", "F4")[0] == 0
