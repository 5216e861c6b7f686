"""docs/ci.md: its files can be used as they stand, and its table of exit codes is the program's."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from seqproof_conformance import baseline, codes, pytest_plugin, settings
from seqproof_conformance.cli import app

PAGE = (Path(__file__).parents[1] / "ci.md").read_text("utf-8")
COMMANDS: Any = get_command(app)
PARAMETERS: Any = COMMANDS.commands["run"].params


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_baseline_of_the_page_can_be_read(tmp_path: Path) -> None:
    (text,) = [block for block in blocks("toml") if "[[known]]" in block]
    (tmp_path / "known.toml").write_text(text, "utf-8")
    (entry,) = baseline.read(tmp_path / "known.toml", to_update=True).entries
    assert entry.reason.endswith("OPS-12")


def test_the_configuration_of_the_page_can_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = [block for block in blocks("toml") if "[tool.seqproof]" in block]
    (tmp_path / "pyproject.toml").write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    found = settings.resolve(PARAMETERS, {}, tmp_path)
    assert found["baseline"].value == os.path.join("ci", "seqproof-known.toml")  # noqa: PTH118 - what relpath gives
    assert len(found) == 5


def test_the_pipelines_run_commands_that_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    yaml = blocks("yaml")
    assert len(yaml) == 2
    for text in yaml:
        (line,) = re.findall(r"(seqproof run .*?)\n(?:      - |  \w)", text, re.DOTALL)
        words = shlex.split(line)[2:]
        context = COMMANDS.commands["run"].make_context("run", words)
        assert context.params["target"] == "valkey:aof=yes"
        assert context.params["junit"] == "seqproof-results/junit.xml"


def test_the_table_of_exit_codes_and_their_order_are_the_programs() -> None:
    told = re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)
    assert {int(code) for code in told} == set(codes.SEVERITY)
    assert ", ".join(map(str, codes.SEVERITY)) in " ".join(PAGE.split())


def test_every_option_that_the_page_names_exists() -> None:
    named = set(re.findall(r"--[a-z][a-z-]+", PAGE)) - {"--dist"}
    options = {text for parameter in PARAMETERS for text in (*parameter.opts, *parameter.secondary_opts)}
    parser = pytest.Parser(_ispytest=True)
    pytest_plugin.pytest_addoption(parser)
    plugin = {name for option in parser.getgroup("seqproof").options for name in option.names()}
    assert named - options - plugin == set()
    assert plugin <= named
