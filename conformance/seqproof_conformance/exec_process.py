"""An adapter program under way: a process that reads lines and writes lines, every wait bounded.

Its life is a ``process.Server``'s: a session of its own, the watchdog told of it, the whole tree killed at the end, a
directory that is removed. Three pipes come on top. A thread reads standard output and hands on each line; a second one
keeps the last words of standard error, however much there is. A line is written without blocking, so that a program
that does not read cannot hold up the kit.

The program runs in the kit's own working directory, because that is where the person who typed its name is. It finds
SEQPROOF_DIR, an empty directory for whatever its server stores, and the kit's own folder at the end of its PATH.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from seqproof_conformance import watchdog
from seqproof_conformance.adapter import TargetError
from seqproof_conformance.process import Server

__all__ = ["Program", "SilenceError"]

LINE_BYTES = 16 * 2**20
TAIL_BYTES = 65536
LOOK_S = 0.1  # how often a reader of a silent pipe looks whether its program still lives
LAST_WORDS_S = 0.5  # how long a dead program's last words may take to be read
CHUNK = 2**16

MENDS = {
    "FileNotFoundError": "name a program on the PATH, or a file as ./NAME",
    "PermissionError": "chmod +x it, or name its interpreter first",
    "OSError": "begin it with a #! line, or name its interpreter first",
}


class SilenceError(Exception):
    """The program did not take a line: it does not read, or its standard input is closed. One line, without a name."""


class Program(Server):
    """A process that is spoken to in lines.

    ``heard`` gets each line without its end, from the reader's thread, and returns whether to go on; ``over`` is called
    once from that thread, with the reason, when no line can come any more.
    """

    def __init__(self, command: Sequence[str], heard: Callable[[bytes], bool], over: Callable[[str], None]) -> None:
        super().__init__("exec adapter", lambda _directory, _port: command, lambda: True)
        self._env["SEQPROOF_DIR"] = str(self.directory)
        self._env["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])
        self._heard = heard
        self._over = over
        self._pipes: list[IO[bytes]] = []
        self._threads: list[threading.Thread] = []
        self._writing = threading.Lock()
        self._tail = b""
        self._leaving = False

    def _start_on(self, port: int) -> bool:
        command = list(self._command(self.directory, port))
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, **self._env},
                bufsize=0,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            mend = MENDS.get(type(error).__name__, MENDS["OSError"])
            why = (isinstance(error, OSError) and error.strerror) or str(error)
            raise TargetError(f"cannot start {self.name}: {command[0]}: {why}; {mend}") from None
        self._process = process
        self._group = f"g {self.pid} {watchdog.born(self.pid)}"
        self._kit.own(self._group)
        assert process.stdin and process.stdout and process.stderr  # noqa: S101, PT018 - pipes were asked for
        self._pipes = [process.stdin, process.stdout, process.stderr]
        os.set_blocking(process.stdin.fileno(), False)
        for work, pipe in ((self._keep_tail, process.stderr), (self._read_lines, process.stdout)):
            thread = threading.Thread(target=work, args=(pipe.fileno(),), daemon=True)
            self._threads.append(thread)
            thread.start()
        return True

    # ---------------------------------------------------------------- to the program

    def write(self, line: bytes, within_s: float) -> None:
        """Write the line, whole. Raises SilenceError; the program cannot be spoken to after that."""
        until = time.monotonic() + within_s
        if not self._writing.acquire(timeout=within_s):
            raise SilenceError(f"does not read its standard input: a question waited {within_s:g} s")
        try:
            self._write(line, until, within_s)
        except OSError:
            raise SilenceError("closed its standard input") from None
        finally:
            self._writing.release()

    def _write(self, line: bytes, until: float, within_s: float) -> None:
        pipe = self._pipes[0].fileno()
        room = select.poll()
        room.register(pipe, select.POLLOUT)
        rest = memoryview(line)
        while rest:
            if not room.poll(max(0.0, until - time.monotonic()) * 1000):
                left = f"{len(rest)} bytes of a question"
                raise SilenceError(f"does not read its standard input: {left} could not be written in {within_s:g} s")
            with contextlib.suppress(BlockingIOError):  # less room than it seemed: look again
                rest = rest[os.write(pipe, rest[:CHUNK]) :]

    # ---------------------------------------------------------------- from the program

    def _chunks(self, pipe: int) -> Iterator[bytes]:
        """What the pipe gives, until its end, or until its program is dead and nothing is left in it."""
        ready = select.poll()
        ready.register(pipe, select.POLLIN)
        while not self._leaving:
            alive = self.alive  # asked before the pipe: what a program wrote before it died is still read
            if ready.poll(LOOK_S * 1000):
                chunk = os.read(pipe, CHUNK)
                if not chunk:
                    return
                yield chunk
            elif not alive:
                return

    def _read_lines(self, pipe: int) -> None:
        begun = bytearray()
        for chunk in self._chunks(pipe):
            *lines, rest = chunk.split(b"\n")
            for line in lines:
                begun += line
                if len(begun) > LINE_BYTES:
                    break
                if not self._heard(bytes(begun)):
                    return
                begun.clear()
            begun += rest
            if len(begun) > LINE_BYTES:
                self._over(f"wrote a line of more than {LINE_BYTES // 2**20} MiB")
                return
        if self._leaving:
            return
        cut = f"; its last line has no end: {bytes(begun[:60])!r}" if begun else ""
        self._over(f"{self._end()}{cut}")

    def _keep_tail(self, pipe: int) -> None:
        for chunk in self._chunks(pipe):
            self._tail = (self._tail + chunk)[-TAIL_BYTES:]

    def _end(self) -> str:
        """How it ended, and its last words. It is not reaped: its number stays ours until ``kill``."""
        self._threads[0].join(LAST_WORDS_S)
        words = " | ".join(self.last_words(3)) or "none"
        return f"closed its standard output; {self._state()}; its last words: {words}"

    def _state(self) -> str:
        until = time.monotonic() + LAST_WORDS_S
        while self.alive and time.monotonic() < until:
            time.sleep(0.005)
        if self.alive:
            return "it still runs"
        try:
            told = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except OSError:
            told = None
        if told is None:
            return "it is gone"
        return f"exit code {told.si_status}" if told.si_code == os.CLD_EXITED else f"ended by signal {told.si_status}"

    def last_words(self, count: int = 20) -> list[str]:
        """Return the last lines of its standard error."""
        return self._tail.decode(errors="replace").splitlines()[-count:]

    # ---------------------------------------------------------------- the end

    def leave(self, within_s: float) -> None:
        """Close its standard input and wait, bounded, until it has gone by itself."""
        self._pipes[0].close()
        until = time.monotonic() + within_s
        while self.alive and time.monotonic() < until:
            time.sleep(0.005)

    def close(self) -> None:
        """End it with everything it started, and remove its directory. May be called twice."""
        self._leaving = True
        super().close()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()
        for pipe in self._pipes:
            pipe.close()
