"""What docs/adapters.md shows is what happens: its commands are run, its conversation is held, its tables are whole."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seqproof_conformance import cli
from seqproof_conformance.exec_wire import OPERATIONS
from seqproof_conformance.new_adapter import STARTS, Lang, sample
from seqproof_model.hello import Capability
from seqproof_model.history import Code

PAGE = (Path(__file__).parents[1] / "adapters.md").read_text("utf-8")
SESSION = "\n".join(re.findall(r"^```\n(\$ .*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


def shown() -> list[tuple[str, list[str]]]:
    """Each command of the session, with the lines of output that the page shows."""
    steps: list[tuple[str, list[str]]] = []
    for line in filter(None, SESSION.splitlines()):
        if line.startswith("$ "):
            steps.append((line[2:], []))
        else:
            steps[-1][1].append(line)
    return steps


def missing(lines: list[str], output: str) -> list[str]:
    """The lines that the output does not have, after one another; blanks do not count."""
    left = iter([" ".join(line.split()) for line in output.splitlines()])
    return [line for line in lines if " ".join(line.split()) not in left]


def test_ten_minutes_from_nothing_to_the_first_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    codes: list[int] = []
    for command, lines in shown():
        program, *words = shlex.split(command)
        if program == "cd":
            monkeypatch.chdir(words[0])
            continue
        monkeypatch.setattr(sys, "argv", [program, *words])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        codes.append(int(stopped.value.code or 0))
        out, err = capfd.readouterr()
        assert err == ""
        assert missing(lines, out) == [], out
    assert codes == [0, 0, 1]
    assert Path("broken/RCV-7/scenario.json").exists()


def test_a_line_that_is_not_printed_is_found() -> None:
    assert missing(["a  b", "c"], "x\na b\nc\n") == []
    assert missing(["a", "c"], "c\na\n") == ["c"]


def test_the_conversation_is_held_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in STARTS[Lang.PYTHON].files:
        (tmp_path / Path(file).name).write_bytes(sample(file))
    monkeypatch.setenv("SEQPROOF_DIR", str(tmp_path))
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    asked = re.findall(r"^→ (.*)$", PAGE, re.MULTILINE)
    told: list[Any] = [json.loads(line) for line in re.findall(r"^← (.*)$", PAGE, re.MULTILINE)]
    program = subprocess.run(
        [sys.executable, "-S", "adapter.py", "python3", "toy.py"],
        cwd=tmp_path,
        input="\n".join(asked),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert [json.loads(line) for line in program.stdout.splitlines()] == told
    assert len(told) == len(asked) > 5


def test_the_tables_name_every_operation_capability_outcome_and_code() -> None:
    rows = {line.split("|")[1].strip(): line for line in PAGE.splitlines() if line.startswith("| `")}
    for op, operation in OPERATIONS.items():
        row = rows[f"`{op}`"]
        for word in operation.ask.__struct_fields__:
            assert f"`{word}`" in row
        for word in operation.ok.__struct_fields__:
            assert f"`{word}`" in row
        assert operation.needs is None or f"`{operation.needs}`" in row
    for word in [*Capability, *Code]:
        assert f"`{word}`" in PAGE
    for operation in OPERATIONS.values():
        for outcome in set(operation.shape.__origin__.__struct_fields__) - {"id"}:
            assert f'| `"{outcome}":' in PAGE
