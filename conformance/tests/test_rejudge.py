"""``seqproof check`` of a phone's history: the verdict of the run, and one clear line for a file that is damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqproof_conformance.phone_suite import PhoneJob
from seqproof_conformance.phone_suite import run as run_suite
from seqproof_model import phone_file

Run = Callable[..., tuple[int, str, str]]
SMALL = ("phone", "phone-mutant:C_TIP_ADVANCES", "phone-mutant:C_NO_RETRY", "phone-mutant:C_LATE_REPLY_LOWERS_CLI")
HEAD = json.dumps(
    {
        "event": "header",
        "format": "seqproof-phone-history",
        "version": 1,
        "target": "exec:./mine",
        "capabilities": ["tips"],
        "profile": {"name": "strict"},
        "kit": "k",
        "server": "mine 1",
        "adds": [],
        "seed": None,
        "patience_ms": 1000,
        "retry_ms": 60000,
        "poll_ms": None,
    }
)
PLAY = (
    '{"event":"scenario","name":"one"}',
    '{"event":"started","account":"x"}',
    '{"event":"asked","id":1,"account":"x","seq_cli":0}',
)


def written(*lines: str, end: bool = True) -> str:
    footer = [json.dumps({"event": "end", "events": len(lines)})] if end else []
    return "\n".join([HEAD, *lines, *footer]) + "\n"


@pytest.mark.parametrize("target", SMALL)
def test_a_run_on_a_phone_is_judged_again_as_it_was(target: str, tmp_path: Path) -> None:
    lived = run_suite(PhoneJob(target, tmp_path / "run", length=1))
    again = phone_file.judge(phone_file.read(tmp_path / "run" / "history.jsonl"))
    grades = {grade.requirement: (grade.result, grade.observed) for grade in lived.verdict.grades}
    assert {grade.requirement: (grade.result, grade.observed) for grade in again.grades} == grades
    assert {v.requirement: v.sentence for v in again.violations} == {
        v.requirement: v.sentence for v in lived.verdict.violations
    }
    assert again.events == lived.verdict.events


def test_the_exit_codes_are_those_of_a_server(run: Run) -> None:
    assert run("run", "phone", "--length", "1", "-o", "good")[0] == 0
    assert run("check", "good/history.jsonl")[0] == 0
    assert run("run", "phone-mutant:C_NO_RETRY", "--length", "1", "-o", "bad")[0] == 1
    code, out, err = run("check", "bad/history.jsonl", "--json")
    told: Any = json.loads(out)
    assert (code, told["code"], err) == (1, 1, "")
    assert told["failed"] == ["PSH-4"]
    assert told["history"] == "bad/history.jsonl"


def test_the_history_of_a_counterexample_shows_the_same_violation(run: Run) -> None:
    run("run", "phone-mutant:C_NO_RETRY", "--length", "1", "-o", "bad")
    code, out, _ = run("check", "bad/PSH-4/history.jsonl", "--json")
    told: Any = json.loads(out)
    assert (code, told["failed"]) == (1, ["PSH-4"])
    recorded = phone_file.read(Path("bad/PSH-4/history.jsonl"))
    (violation,) = phone_file.judge(recorded).violations
    assert violation.event == len(recorded.events), "the last event is the one that is blamed"


def test_a_counterexample_replays_on_this_phone_and_on_another(run: Run) -> None:
    run("run", "phone-mutant:C_NO_RETRY", "--length", "1", "-o", "bad")
    code, out, _ = run("replay", "bad/PSH-4/scenario.json", "phone-mutant:C_NO_RETRY", "--json")
    assert (code, json.loads(out)["failed"]) == (1, ["PSH-4"])
    assert run("replay", "bad/PSH-4/scenario.json", "phone", "--json")[0] == 0


def test_a_file_that_was_cut_is_judged_as_far_as_it_goes(run: Run) -> None:
    run("run", "phone", "--length", "1", "-o", "good")
    whole = Path("good/history.jsonl").read_bytes()
    Path("cut.jsonl").write_bytes(whole[: len(whole) * 2 // 3])
    code, out, err = run("check", "cut.jsonl", "--json")
    assert (code, err) == (3, "")
    assert any("the history has no end; its last good line is" in line for line in json.loads(out)["inconclusive"])


@pytest.mark.parametrize("cut", [0, 1, 40, len(HEAD) - 1, len(HEAD)])
def test_a_file_that_ends_in_its_header_is_one_line_and_no_traceback(run: Run, cut: int) -> None:
    Path("cut.jsonl").write_text(HEAD[:cut], "utf-8")
    code, _, err = run("check", "cut.jsonl")
    assert code == (3 if cut == len(HEAD) else 2)
    assert err.count("\n") == (0 if cut == len(HEAD) else 1)


DAMAGED = [
    (written(PLAY[0], "nonsense", PLAY[1]), ":3: "),
    (written(PLAY[0], '{"event":"started"}', PLAY[1]), "missing required field `account`"),
    (written(PLAY[0], '{"event":"send","id":1,"account":"x","body":"b"}', PLAY[1]), "Invalid value 'send'"),
    (written(PLAY[1], PLAY[2]), 'line 2: an event before the first "scenario"'),
    (written(*PLAY, PLAY[2]), "line 5: request 1 left twice"),
    (written(*PLAY, '{"event":"arrived","id":2}'), "line 5: request 2 never left"),
    (written(*PLAY, '{"event":"lost","id":2}'), "line 5: request 2 never left"),
    (written(*PLAY, PLAY[0], '{"event":"lost","id":1}'), "line 6: request 1 never left"),
    (written(*PLAY) + "more\n", "something follows the footer"),
    (written(*PLAY).replace('"events": 3', '"events": 4'), "the footer counts 4 events, the file holds 3"),
    (written(*PLAY).replace('"version": 1', '"version": 2'), "upgrade it"),
    (written(*PLAY).replace('"patience_ms": 1000, ', ""), "missing required field `patience_ms`"),
    (written(*PLAY).replace('"tips"', '"tip"'), "'tip' is not a valid PhoneCapability"),
    (written(HEAD, *PLAY), "a second header"),
]


@pytest.mark.parametrize(("text", "said"), DAMAGED)
def test_a_damaged_file_is_one_line_that_names_the_place(run: Run, text: str, said: str) -> None:
    Path("d.jsonl").write_text(text, "utf-8")
    code, out, err = run("check", "d.jsonl")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "d.jsonl" in err
    assert said in err


def test_a_phone_has_no_profile(run: Run) -> None:
    Path("h.jsonl").write_text(written(*PLAY), "utf-8")
    code, _, err = run("check", "h.jsonl", "--profile", "gappy")
    assert (code, err.count("\n")) == (2, 1)
    assert "--profile is for servers" in err


def test_a_file_in_which_nothing_happens_is_no_pass(run: Run) -> None:
    Path("h.jsonl").write_text(written(PLAY[0]), "utf-8")
    code, out, _ = run("check", "h.jsonl", "--json")
    assert (code, json.loads(out)["passed"]) == (3, [])
