"""The life of a server process under test: its own directory, session and log; started, killed, and always cleaned up.

    start    a new process in its own session, its output in ``server.log`` of its own directory, the environment ours
             plus SEQPROOF_RUN=<nonce>; ready once the *real request* that the target gives has been answered
    kill     SIGKILL of the whole tree: all descendants, the group, whatever carries the nonce; waits until gone
    restart  the same directory, a new process, a new port
    close    kill, and remove the directory

A port that was free a moment ago may be taken when the server binds it: such a start is tried again on another port.
Between a kill and a restart the old port may belong to a stranger, so a target asks ``alive`` before it sends anything.

Nothing is left behind: ``close`` at the normal end and on exceptions, atexit after Ctrl-C, and the watchdog (its module
says how) when the kit is ended by a signal, SIGKILL included.
Source: docs/architecture.md; what a kill is: docs/protocol.md.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path

from seqproof_conformance import watchdog
from seqproof_conformance.adapter import TargetError

__all__ = ["Served", "Server", "free_port", "own_folder"]

READY_S = 20.0
POLL_S = 0.002
PORTS = 5
TAIL_BYTES = 65536
LOG = "server.log"
TAKEN = re.compile(r"address already in use|EADDRINUSE", re.IGNORECASE)


def free_port() -> int:
    """Return a port of the loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def own_folder(purpose: str) -> Generator[Path]:
    """A folder for temporary files that is gone afterwards, however the kit ends."""
    kit = watchdog.kit()
    path = Path(tempfile.gettempdir()).resolve() / f"seqproof-{purpose}-{kit.nonce}.{next(kit.numbers)}"
    kit.own(f"d {path}")
    try:
        path.mkdir(mode=0o700)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        kit.disown(f"d {path}")


class Server:
    """One server under test. ``start`` makes its directory and its process.

    ``command(directory, port)`` is the command line; a server that picks its port itself ignores ``port``, and its
    target reads ``log``. ``ready()`` makes one real request and says whether *this* process answered it.
    """

    def __init__(
        self,
        name: str,
        command: Callable[[Path, int], Sequence[str]],
        ready: Callable[[], bool],
        env: Mapping[str, str] | None = None,
        ready_s: float = READY_S,
    ) -> None:
        self._kit = watchdog.kit()
        self.name = name
        self.nonce = f"{self._kit.nonce}.{next(self._kit.numbers)}"
        self.directory = Path(tempfile.gettempdir()).resolve() / f"seqproof-{self.nonce}"
        self.port = 0
        self.answered = False  # since the first start that succeeded: True
        self._command = command
        self._ready = ready
        self._env = {**(env or {}), watchdog.MARK: self.nonce}
        self._ready_s = ready_s
        self._process: subprocess.Popen[bytes] | None = None
        self._group = ""
        self._log_from = 0
        self._words: list[str] = []
        self._closed = False

    @property
    def pid(self) -> int:
        """The process id of the server's first process, 0 when it does not run."""
        return self._process.pid if self._process else 0

    @property
    def alive(self) -> bool:
        """Whether the server's first process runs. It is not reaped here, so its pid stays ours until ``kill``."""
        process = self._process
        if process is None:
            return False
        try:
            return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        except ChildProcessError:
            return False

    def start(self) -> None:
        """Start it and wait until it answers. Raises TargetError, with the server's last words; then nothing runs."""
        try:
            self._settle_in()
            for _ in range(PORTS):
                if self._start_on(free_port()):
                    self.answered = True
                    return
        except BaseException:
            self.kill()
            raise
        raise TargetError(f"{self.name} found its port taken {PORTS} times in a row; start fewer things at once")

    def _settle_in(self) -> None:
        if self._closed:
            raise TargetError(f"{self.name} was closed; open the target again")
        if not self.directory.exists():
            self._kit.at_exit[self.nonce] = self.close
            self._kit.own(f"d {self.directory}")
            self.directory.mkdir(mode=0o700)

    def _start_on(self, port: int) -> bool:
        """Return whether it answers; not: the port was taken."""
        self.port = port
        command = list(self._command(self.directory, port))
        with (self.directory / LOG).open("ab") as log:
            self._log_from = log.tell()
            try:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=self.directory,
                    env={**os.environ, **self._env},
                    start_new_session=True,
                )
            except OSError as error:
                raise TargetError(f"cannot start {self.name}: {command[0]}: {error.strerror}") from None
        self._group = f"g {self.pid} {watchdog.born(self.pid)}"
        self._kit.own(self._group)
        deadline = time.monotonic() + self._ready_s
        while self.alive:
            if self._ready():
                return True
            if time.monotonic() > deadline:
                raise TargetError(self._why(f"did not answer within {self._ready_s:g} s", command))
            time.sleep(POLL_S)
        if TAKEN.search(self.log()):
            self.kill()
            return False
        raise TargetError(self._why("ended before it answered", command))

    def _why(self, what: str, command: list[str]) -> str:
        words = " | ".join(self.last_words(3)) or "none"
        return f"{self.name} {what}; its last words: {words}; try by hand: {shlex.join(command)}"

    def kill(self) -> None:
        """SIGKILL the whole process tree and wait until it is gone. Raises TargetError when it will not go."""
        process = self._process
        if process is not None:
            self._end_group(process)
        if left := watchdog.strike(watchdog.needle(self.nonce, whole=True)):
            raise TargetError(f"{self.name} survives SIGKILL (processes {left}): end them by hand")
        if self._group:
            self._kit.disown(self._group)
            self._group = ""
        self._process = None

    def _end_group(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + watchdog.PATIENCE_S
        felled = set[int]()
        with contextlib.suppress(ProcessLookupError):
            if process.returncode is None:  # not reaped: the group's number cannot be a stranger's
                felled = watchdog.fell(process.pid)
                os.killpg(process.pid, signal.SIGKILL)
        try:
            process.wait(watchdog.PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise TargetError(f"{self.name} survives SIGKILL (process {process.pid}): end it by hand") from None
        while (any(map(watchdog.lives, felled)) or watchdog.members(process.pid)) and time.monotonic() < deadline:
            time.sleep(POLL_S)

    def restart(self) -> None:
        """Start again on the same directory; kills it first when it runs. Raises TargetError."""
        self.kill()
        self.start()

    def close(self) -> None:
        """End it and remove its directory. May be called twice."""
        if self._closed:
            return
        self._words = self.last_words()
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
        self._kit.disown(f"d {self.directory}")
        self._kit.at_exit.pop(self.nonce, None)
        self._closed = True

    def log(self) -> str:
        """Return what it has printed since its last start."""
        return self._read(self._log_from)

    def last_words(self, count: int = 20) -> list[str]:
        """Return the last lines of its log, of earlier lives too. After ``close``: as they were then."""
        if self._closed:
            return self._words[-count:]
        with contextlib.suppress(OSError):
            size = (self.directory / LOG).stat().st_size
            return self._read(max(0, size - TAIL_BYTES)).splitlines()[-count:]
        return []

    def _read(self, start: int) -> str:
        with (self.directory / LOG).open("rb") as log:
            log.seek(start)
            return log.read().decode(errors="replace")


class Served:
    """The part of a target that is the same for every server the kit starts itself: ``Kills`` and ``Talks``."""

    server: Server

    def kill(self) -> None:
        """SIGKILL the server's whole process tree and wait until it is gone."""
        self.server.kill()

    def restart(self) -> None:
        """Start it again on the same directory, on another port. Raises TargetError."""
        self.server.restart()

    def last_words(self) -> list[str]:
        """Return the end of the server's own log."""
        return self.server.last_words()
