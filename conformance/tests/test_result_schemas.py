"""The published schemas of results: printed from the types, and true of what the commands really write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from seqproof_conformance.cli import app
from seqproof_model.result_schemas import published, schemas

VERDICT, FACTS = "verdict.json", "counterexample.json"
ONLY_OF_A_RECORDED_HISTORY = {"history"}


def errors(name: str, data: Any) -> list[str]:
    validator: Any = Draft202012Validator(published(name))
    return [error.message for error in validator.iter_errors(data)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A run of a faulty server, and what it printed."""
    folder = tmp_path_factory.mktemp("run") / "out"
    known = folder.parent / "known.toml"
    known.write_text('[[known]]\nrequirement = "RCV-1"\ntarget = "mutant:*"\nreason = "OPS"\n')
    words = ["run", "mutant:ACK_ON_REPLY", "-k", "golden", "--json", "-o", str(folder), "--baseline", str(known)]
    done = CliRunner().invoke(app, [*words, "--require", "PSH-2"], catch_exceptions=False)
    return folder, json.loads(done.stdout)


def test_the_shipped_schemas_are_those_of_the_types() -> None:
    assert {name: published(name) for name in schemas()} == schemas(), "run: python -m seqproof_model.result_schemas"
    for schema in schemas().values():
        Draft202012Validator.check_schema(schema)


def test_what_a_run_prints_and_writes_is_valid_and_holds_every_field(run: tuple[Path, Any]) -> None:
    folder, printed = run
    written = json.loads((folder / VERDICT).read_text("utf-8"))
    assert printed == written
    assert errors(VERDICT, written) == []
    assert set(written) == set(published(VERDICT)["properties"])


def test_each_counterexample_is_valid_and_holds_every_field(run: tuple[Path, Any]) -> None:
    found = list(run[0].glob(f"*/{FACTS}"))
    assert found
    for path in found:
        data = json.loads(path.read_text("utf-8"))
        assert errors(FACTS, data) == []
        assert set(data) == set(published(FACTS)["properties"])


@pytest.mark.parametrize(
    "words", [["replay", "{}/RCV-7/scenario.json", "mutant:CORRECT"], ["check", "{}/history.jsonl"]]
)
def test_what_other_commands_print_is_valid_too(words: list[str], run: tuple[Path, Any], tmp_path: Path) -> None:
    given = [word.format(run[0]) for word in words]
    out = ["-o", str(tmp_path / "out")] if words[0] == "replay" else []
    done = CliRunner().invoke(app, [*given, "--json", *out], catch_exceptions=False)
    data = json.loads(done.stdout)
    assert errors(VERDICT, data) == []
    assert set(data) <= set(published(VERDICT)["properties"])


def test_a_phones_verdict_is_valid(tmp_path: Path) -> None:
    words = ["run", "phone-mutant:C_CLI_BEFORE_DATA", "-k", "golden", "--json", "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert errors(VERDICT, json.loads(done.stdout)) == []


WRONG: list[tuple[str, Any]] = [("code", "1"), ("grades", [{}]), ("coverage", 3), ("events", 1.5), ("target", None)]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_what_is_no_verdict_is_not_valid(name: str, value: Any, run: tuple[Path, Any]) -> None:
    assert errors(VERDICT, run[1] | {name: value})
