"""Where an option's value comes from: precedence, the search upward, types, near names, paths."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from seqproof_conformance import settings
from seqproof_conformance.cli import app
from seqproof_conformance.shell import UsageError

COMMANDS: Any = get_command(app)
PARAMETERS: Any = COMMANDS.commands["run"].params


def resolved(start: Path, **environ: str) -> dict[str, tuple[object, str]]:
    found = settings.resolve(PARAMETERS, environ, start)
    return {name: (setting.value, setting.source) for name, setting in found.items()}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a folder in it, the working directory."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path / "src")
    return tmp_path


def test_nothing_anywhere_is_nothing(project: Path) -> None:
    assert resolved(project / "src") == {}


def test_a_file_is_found_upward_and_its_paths_are_its_own(project: Path) -> None:
    (project / "seqproof.toml").write_text(
        'target = "valkey"\nseed = 3\nmax-time = 60\nexitfirst = true\nrequire = ["SEQ-1", "CNF-*"]\n'
        'baseline = "ci/known.toml"\nprofile = "ours.toml:tiny"\nout = "/abs"\n',
        "utf-8",
    )
    where = "../seqproof.toml"
    assert resolved(project / "src") == {
        "target": ("valkey", where),
        "seed": (3, where),
        "max_time": (60, where),
        "first": (True, where),
        "require": (["SEQ-1", "CNF-*"], where),
        "baseline": ("../ci/known.toml", where),
        "profile_name": ("../ours.toml:tiny", where),
        "out": (os.path.relpath("/abs"), where),
    }


def test_pyproject_counts_only_with_a_table_of_ours(project: Path) -> None:
    (project / "src" / "pyproject.toml").write_text("[tool.other]\nx = 1\n", "utf-8")
    (project / "pyproject.toml").write_text("[tool.seqproof]\nseed = 7\n", "utf-8")
    assert resolved(project / "src") == {"seed": (7, "../pyproject.toml")}


def test_the_nearest_file_wins_and_of_two_side_by_side_our_own(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.seqproof]\nseed = 1\n", "utf-8")
    (project / "seqproof.toml").write_text("seed = 2\n", "utf-8")
    assert resolved(project / "src")["seed"] == (2, "../seqproof.toml")
    (project / "src" / "pyproject.toml").write_text("[tool.seqproof]\nseed = 3\n", "utf-8")
    assert resolved(project / "src")["seed"] == (3, "pyproject.toml")


def test_the_search_ends_with_the_repository_and_with_home(project: Path) -> None:
    inner = project / "src" / "inner"
    (inner / ".git").mkdir(parents=True)
    (project / "src" / "seqproof.toml").write_text("seed = 1\n", "utf-8")
    assert settings.find(inner) is None
    (inner / ".git").rmdir()
    assert settings.find(inner) == project / "src" / "seqproof.toml"
    assert settings.find(inner, home=inner) is None
    assert settings.find(inner, home=project / "src") == project / "src" / "seqproof.toml"


def test_the_environment_outranks_the_file_and_an_empty_variable_says_nothing(project: Path) -> None:
    (project / "seqproof.toml").write_text("seed = 1\nsuite = 'quick'\n", "utf-8")
    found = resolved(
        project / "src", SEQPROOF_SEED="9", SEQPROOF_SUITE="", SEQPROOF_REQUIRE="SEQ-1,SEQ-2", SEQPROOF_JSON="yes"
    )
    assert found == {
        "seed": ("9", "environment SEQPROOF_SEED"),
        "suite": ("quick", "../seqproof.toml"),
        "require": (["SEQ-1", "SEQ-2"], "environment SEQPROOF_REQUIRE"),
        "as_json": (True, "environment SEQPROOF_JSON"),
    }


def test_a_path_in_the_environment_is_taken_as_it_stands(project: Path) -> None:
    assert resolved(project, SEQPROOF_JUNIT_XML="out/j.xml")["junit"][0] == "out/j.xml"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sead = 1", "../seqproof.toml: no option 'sead'; did you mean seed?"),
        ("junit_xml = 'x'", "did you mean junit-xml?"),
        ("qqq = 1", "there are target, suite"),
        ("update-baseline = true", "update-baseline belongs on the command line"),
        ("seed = '1'", "../seqproof.toml: seed is a whole number, not '1'"),
        ("seed = true", "seed is a whole number, not True"),
        ("seed = -1", "../seqproof.toml: seed: -1 is not in the range x>=0"),
        ("max-time = 'long'", "max-time is a number"),
        ("json = 'yes'", "json is true or false"),
        ("target = 3", "target is a text"),
        ("require = [1]", "require is a list of texts"),
        ("seed = ", "cannot read ../seqproof.toml"),
    ],
)
def test_what_cannot_be_used_is_one_line_with_the_file_and_the_key(project: Path, text: str, says: str) -> None:
    (project / "seqproof.toml").write_text(text + "\n", "utf-8")
    with pytest.raises(UsageError) as error:
        resolved(project / "src")
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[tool.seqproof]\nsead = 1\n", "../pyproject.toml: no option 'sead'"),
        ("[tool]\nseqproof = 3\n", "cannot read ../pyproject.toml"),
        ("tool = 3\n", "cannot read ../pyproject.toml"),
        ("[tool\n", "cannot read ../pyproject.toml"),
    ],
)
def test_a_pyproject_that_cannot_be_used_is_one_line(project: Path, text: str, says: str) -> None:
    (project / "pyproject.toml").write_text(text, "utf-8")
    with pytest.raises(UsageError) as error:
        resolved(project / "src")
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SEQPROOF_SEED", "x", "SEQPROOF_SEED: 'x' is not a valid int"),
        ("SEQPROOF_SEED", "-1", "SEQPROOF_SEED: -1 is not in the range"),
        ("SEQPROOF_EXITFIRST", "perhaps", "SEQPROOF_EXITFIRST is 1, true, yes, on or 0, false, no, off, not 'perhaps'"),
    ],
)
def test_a_variable_that_cannot_be_used_is_one_line(project: Path, name: str, value: str, says: str) -> None:
    with pytest.raises(UsageError) as error:
        resolved(project, **{name: value})
    assert says in str(error.value)


def test_every_option_can_be_configured_but_for_what_belongs_on_the_command_line() -> None:
    keys = set(settings.options_of(PARAMETERS))
    assert {"target", "suite", "select", "profile", "seed", "require", "baseline", "junit-xml", "timeout"} <= keys
    assert not keys & set(settings.ONLY_BY_HAND)
    assert len({option.variable for option in settings.options_of(PARAMETERS).values()}) == len(keys)
