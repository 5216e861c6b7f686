"""What is installed, what can run here, and the mend for what cannot. Needs no network and changes nothing.

Nothing is believed that can be tried: a socket is really opened, a process group really started, found in /proc and
killed, a file really written, each target really started, asked who it is, and closed. So a yes of today is a yes, and
a no comes with its mend. What is optional (an extra, a program for a check of ours) is *absent* where it is missing,
and absent is no failure.
Source: docs/smoke.md.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from seqproof_conformance import watchdog
from seqproof_conformance.adapter import Hello, TargetError, greeted
from seqproof_conformance.leftovers import Household
from seqproof_conformance.probe import HANGS, one_line
from seqproof_conformance.targets import Entry, catalogue, open_target
from seqproof_conformance.worker import BlockedError, Worker

if TYPE_CHECKING:
    from packaging.requirements import Requirement  # loaded by the command that needs it

__all__ = ["BOUND_S", "Finding", "Item", "examine"]

KIT = "seqproof"
RESULTS = Path("seqproof-runs")
BOUND_S = 30.0
CLOSE_S = 10.0
PATIENCE_S = 5.0
POLL_S = 0.01
ROOM_MIB = 256  # a run writes a few; a server's store a few more

PROGRAMS = {
    "spin": "only to compare our counts of states with SPIN's (model/tests, model/benchmarks)",
    "gcc": "only to compile what spin makes",
    "dot": "only to draw graphs that were exported as DOT",
    "node": "only for an adapter of your own in JavaScript",
    "chromium": "only to look at reports; any other browser will do",
}
SAMPLES = {
    "nats": "nats:purge",
    "postgres": "postgres:locked",
    "mutant": "mutant:CORRECT",
    "py": "py:seqproof_reference.core:Core",
}  # of the ways that need a name


class Finding(StrEnum):
    """What was found."""

    OK = "ok"
    ABSENT = "absent"  # and not needed
    FAIL = "fail"


@dataclass(frozen=True)
class Item:
    """One thing that was looked at. ``mend``: what to do, "" where nothing is to be done."""

    group: str
    name: str
    finding: Finding
    line: str
    mend: str = ""


def examine(*, start: bool = True, bound_s: float = BOUND_S) -> Iterator[Item]:
    """Look at everything, one after another. ``start``: really start the targets; ``bound_s``: the wait for each."""
    yield from _kit()
    yield _tried("machine", "results", "run it in a folder that you may write to, or name one with --out", _results)
    yield _tried("machine", "temporary", "name a folder with room that you may write to: TMPDIR=...", _temporary)
    yield _tried(
        "machine", "loopback", "allow sockets on 127.0.0.1; a sandbox or a container may forbid them", _loopback
    )
    yield _tried(
        "machine", "processes", "allow process groups and /proc; a kill and its clean-up need both", _processes
    )
    yield from _distributions()
    for name, what in PROGRAMS.items():
        path = shutil.which(name)
        yield Item("programs", name, Finding.OK if path else Finding.ABSENT, f"{path or 'not on the PATH'}; {what}")
    for entry in catalogue():
        yield _target(entry, start=start, bound_s=bound_s)


def _tried(group: str, name: str, mend: str, look: Callable[[], str]) -> Item:
    """Try something; an OSError is what was found."""
    try:
        return Item(group, name, Finding.OK, look())
    except OSError as error:
        return Item(group, name, Finding.FAIL, one_line(str(error)), mend)


# ---------------------------------------------------------------- the kit and the machine


def _kit() -> Iterator[Item]:
    """Python and the kit, as its distribution says."""
    from packaging.specifiers import SpecifierSet

    python = f"Python {platform.python_version()}, {sys.executable}"
    try:
        said = metadata.metadata(KIT)
    except metadata.PackageNotFoundError:
        yield Item("kit", "python", Finding.OK, python)
        yield Item("kit", KIT, Finding.FAIL, "it is not installed, only found on the path", "pip install seqproof")
        return
    demanded = said["Requires-Python"] or ""
    fits = SpecifierSet(demanded).contains(platform.python_version(), prereleases=True)
    mend = "" if fits else f"install it with a Python {demanded}"
    yield Item("kit", "python", Finding.OK if fits else Finding.FAIL, f"{python}; demanded: {demanded or 'any'}", mend)
    yield Item("kit", KIT, Finding.OK, f"{said['Version']}, {Path(__file__).parent}")


def _writable(folder: Path) -> str:
    """The room in a folder, after a file was really written to it. Raises OSError."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"seqproof")
        file.flush()
    free = shutil.disk_usage(folder).free // 2**20
    if free < ROOM_MIB:
        raise OSError(f"{folder}: only {free} MiB are free; {ROOM_MIB} should be")
    return f"writable, {free // 1024} GiB free" if free >= 10 * 1024 else f"writable, {free} MiB free"


def _results() -> str:
    """Results go to a folder below this one, made when it is needed."""
    place = RESULTS.absolute()
    return f"{place}: {_writable(place if place.exists() else place.parent)}"


def _temporary() -> str:
    """Servers keep their stores in the folder of temporary files."""
    return f"{tempfile.gettempdir()}: {_writable(Path(tempfile.gettempdir()))}"


def _loopback() -> str:
    """Servers are spoken to over the loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        with socket.create_connection(listener.getsockname(), PATIENCE_S) as mine:
            theirs, _ = listener.accept()
            with theirs:
                mine.sendall(b"seqproof")
                theirs.settimeout(PATIENCE_S)
                if theirs.recv(8) != b"seqproof":
                    raise OSError("what was sent to 127.0.0.1 did not arrive")
    return "a socket on 127.0.0.1 was opened and spoken to"


def _processes() -> str:
    """A server is a process group; it is killed as one, and found in /proc, by its group and by its environment."""
    kit = watchdog.kit()
    nonce = f"{kit.nonce}.{next(kit.numbers)}"
    command = [sys.executable, "-I", "-S", "-c", "import signal; signal.pause()"]
    process = subprocess.Popen(command, env=os.environ | {watchdog.MARK: nonce}, start_new_session=True)
    try:
        if not watchdog.born(process.pid):
            raise OSError(f"/proc/{process.pid}/stat cannot be read")
        if not _appears(lambda: watchdog.carries(process.pid, watchdog.needle(nonce, whole=True))):
            raise OSError(f"/proc/{process.pid}/environ cannot be read")
        if not watchdog.members(process.pid):
            raise OSError("a process does not lead a group of its own")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise OSError(f"process {process.pid} survives SIGKILL") from None
    finally:
        process.kill()
        process.wait()
    return "a process group was started, found in /proc and killed"


def _appears(there: Callable[[], bool]) -> bool:
    """Whether it is so within a bounded time: a process that is just starting has no environment for a moment."""
    deadline = time.monotonic() + PATIENCE_S
    while not there():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


# ---------------------------------------------------------------- distributions


def _distributions() -> Iterator[Item]:
    """What the kit demands of other distributions, and what its extras do."""
    from packaging.requirements import Requirement

    with contextlib.suppress(metadata.PackageNotFoundError):
        demanded = [Requirement(text) for text in metadata.requires(KIT) or ()]
        extras: list[str] = metadata.metadata(KIT).get_all("Provides-Extra") or []
        for extra in ("", *extras):
            for demand in demanded:
                if _is_of(demand, extra):
                    yield _distribution(demand, extra)


def _is_of(demand: Requirement, extra: str) -> bool:
    """Whether the extra, "" for the kit itself, demands it, and the kit itself does not."""
    always = demand.marker is None or demand.marker.evaluate({"extra": ""})
    if not extra:
        return always
    return not always and demand.marker is not None and demand.marker.evaluate({"extra": extra})


def _distribution(demand: Requirement, extra: str) -> Item:
    group, mend = (f"extra {extra}", f"pip install '{KIT}[{extra}]'") if extra else ("dependencies", "")
    mend = mend or f"pip install '{demand.name}{demand.specifier}'"
    try:
        version = metadata.version(demand.name)
    except metadata.PackageNotFoundError:
        line = f"not installed; demanded: {demand.specifier}"
        return Item(group, demand.name, Finding.ABSENT if extra else Finding.FAIL, line, mend)
    if not demand.specifier.contains(version, prereleases=True):
        line = f"{version} is installed; demanded: {demand.specifier}"
        return Item(group, demand.name, Finding.FAIL, line, f"pip install '{demand.name}{demand.specifier}'")
    return Item(group, demand.name, Finding.OK, version)


# ---------------------------------------------------------------- targets


def _target(entry: Entry, *, start: bool, bound_s: float) -> Item:
    """Look at a way in; where there is something to start, start it."""
    name, optional = re.split(r"[\[:]", entry.target)[0], ":" not in entry.target.partition("[")[0]
    sample = SAMPLES.get(name) or (name if optional else "")
    if entry.mend:
        return Item("targets", name, Finding.ABSENT, "not installed", entry.mend)
    if not start or not sample:
        why = "not started, as you asked" if not start else "not started: it needs what only you can name"
        return Item("targets", name, Finding.OK, f"installed; {why}")
    try:
        hello = _started(sample, bound_s)
    except (TargetError, BlockedError) as error:
        mend = HANGS if isinstance(error, BlockedError) else f"see what `seqproof smoke {sample}` says"
        return Item("targets", name, Finding.FAIL, one_line(f"{sample}: {error}"), mend)
    return Item("targets", name, Finding.OK, one_line(f"{sample} answers: {hello.server}"))


def _started(target: str, bound_s: float) -> Hello:
    """Start a target, ask it who it is, close it. Raises TargetError, BlockedError."""
    worker = Worker()
    with Household():
        try:
            adapter = worker.call("opening", partial(open_target, target), bound_s).result()
            try:
                return worker.call("hello", partial(greeted, adapter), bound_s).result()
            finally:
                closing = Worker() if worker.blocked else worker
                closing.call("close", adapter.close, CLOSE_S)
                closing.end()
        finally:
            worker.end()
