"""The watchdog: a small process that cleans up after the kit, however the kit ends. Both ends of its pipe.

Theory of operation. A kit that is killed by SIGKILL runs no code of its own, so somebody else must end its servers. The
watchdog holds the read end of a pipe whose only write end is the kit's. The kit tells it what it owns, a record each:

    +g PID BORN    a process group, by its leader and the leader's start time      -g PID BORN    it is gone
    +d PATH        a directory, told before it is made                             -d PATH        it is gone

At end of file the kit is gone. The watchdog then kills the leaders of the groups that remain with all their descendants
(PostgreSQL's leave the group, and write over their environment), the groups, then every process that carries the kit's
nonce in its environment (one that lost its parent, or that was started a moment before it could be told), removes the
directories, and ends. A pid may have been given to a stranger by then: a group is killed only while its leader has
the start time that was told, any other process only while it carries the nonce.

The watchdog has its own session, so that Ctrl-C does not reach it, and none of the kit's other files. It runs as
``python -I -S watchdog.py NONCE`` and imports nothing outside the standard library. Linux: it reads /proc. ``Kit`` is
the kit's end: it starts the watchdog with the first server and, at a normal exit, closes what is left by itself.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

MARK = "SEQPROOF_RUN"
PATIENCE_S = 10.0
POLL_S = 0.01


def needle(nonce: str, *, whole: bool) -> bytes:
    r"""Return what to look for in an environment block. ``whole``: this very value, else any that begins "nonce.".

    >>> needle("ab.1", whole=True), needle("ab", whole=False)
    (b'\x00SEQPROOF_RUN=ab.1\x00', b'\x00SEQPROOF_RUN=ab.')
    """
    return f"\0{MARK}={nonce}".encode() + (b"\0" if whole else b".")


def carries(pid: int, mark: bytes) -> bool:
    """Whether the process was started with the mark in its environment. A dead process carries nothing."""
    try:
        return mark in b"\0" + Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> list[str]:
    """Return the fields of the process's stat from the third on; the second, its name, may hold spaces and brackets."""
    return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()


def carriers(mark: bytes) -> list[int]:
    """Return the living processes that carry the mark, except this one."""
    return [pid for pid in _pids() if pid != os.getpid() and carries(pid, mark)]


def born(pid: int) -> str:
    """Return the process's start time in clock ticks since boot, "" when there is no such process."""
    try:
        return _stat(pid)[19]
    except OSError:
        return ""


def members(group: int) -> bool:
    """Whether a living process is left in the group; the dead that nobody reaps do not count."""
    try:
        os.killpg(group, 0)
    except OSError:
        return False
    for pid in _pids():
        with contextlib.suppress(OSError):
            state, _parent, its_group = _stat(pid)[:3]
            if its_group == str(group) and state not in "ZX":
                return True
    return False


def below(pids: set[int]) -> set[int]:
    """Return the processes whose parent is one of these."""
    found = set[int]()
    for pid in _pids():
        with contextlib.suppress(OSError):
            if int(_stat(pid)[1]) in pids:
                found.add(pid)
    return found


def fell(root: int) -> set[int]:
    """SIGKILL a process and all below it, those too that left its group and its environment. Return who they were.

    All are stopped before the first is killed, so that none has a child unseen, or is no longer known as a child.
    """
    found, new = set[int](), {root}
    while new:
        for pid in new:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGSTOP)
        found |= new
        new = below(found) - found
    for pid in found:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    return found


def lives(pid: int) -> bool:
    """Whether it runs; the dead that nobody reaps do not."""
    try:
        return _stat(pid)[0] not in "ZX"
    except OSError:
        return False


def strike(mark: bytes, patience_s: float = PATIENCE_S) -> list[int]:
    """SIGKILL every carrier of the mark until none is left. Return those that would not go, normally none."""
    deadline = time.monotonic() + patience_s
    while left := carriers(mark):
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            return left
        time.sleep(POLL_S)
    return []


def _owned_at_the_end(pipe: int) -> set[bytes]:
    """Read records until end of file; return what is still owned then, as "g PID BORN" and "d PATH"."""
    owned: set[bytes] = set()
    rest = b""
    while part := os.read(pipe, 65536):
        *records, rest = (rest + part).split(b"\0")
        for record in records:
            (owned.add if record[:1] == b"+" else owned.discard)(record[1:])
    return owned


def clean(nonce: str, owned: set[bytes]) -> None:
    """Kill the groups and the carriers of the nonce, remove the directories."""
    for record in owned:
        if record[:2] == b"g ":
            leader, start = record[2:].decode().split()
            if born(int(leader)) == start:
                fell(int(leader))
                with contextlib.suppress(OSError):
                    os.killpg(int(leader), signal.SIGKILL)
    strike(needle(nonce, whole=False))
    # A server may have been between fork and exec, still with the kit's environment, when the pipe closed.
    time.sleep(POLL_S)
    strike(needle(nonce, whole=False))
    for record in owned:
        if record[:2] == b"d ":
            shutil.rmtree(os.fsdecode(record[2:]), ignore_errors=True)


class Kit:
    """What this process owns, and its end of the watchdog's pipe. A fork begins with an empty one."""

    def __init__(self) -> None:
        self.nonce = secrets.token_hex(8)
        self.numbers = itertools.count(1)
        self.at_exit: dict[str, Callable[[], None]] = {}  # how to close each server, by its nonce
        self._told: set[str] = set()
        self._pipe: int | None = None
        self.dog: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def own(self, record: str) -> None:
        """Tell the watchdog of something, before or as soon as it exists. A watchdog that died is replaced."""
        with self._lock:
            self._told.add(record)
            if self._pipe is None or not self._tell(self._pipe, "+" + record):
                self._leave_dog()
                pipe = self._start()
                for each in self._told:
                    self._tell(pipe, "+" + each)

    def disown(self, record: str) -> None:
        """Tell the watchdog that it is gone."""
        with self._lock:
            self._told.discard(record)
            if self._pipe is not None:
                self._tell(self._pipe, "-" + record)

    def _start(self) -> int:
        script = str(Path(__file__).resolve())
        environment = {name: value for name, value in os.environ.items() if name != MARK}
        theirs, self._pipe = os.pipe()
        try:
            self.dog = subprocess.Popen(
                [sys.executable, "-I", "-S", script, self.nonce],
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=environment,
                start_new_session=True,
            )
        finally:
            os.close(theirs)
        return self._pipe

    @staticmethod
    def _tell(pipe: int, record: str) -> bool:
        try:
            os.write(pipe, os.fsencode(record) + b"\0")  # shorter than PIPE_BUF: never torn
        except BrokenPipeError:
            return False
        return True

    def _leave_dog(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None
        if self.dog is not None:
            self.dog.wait()
            self.dog = None

    def close(self) -> None:
        """End all servers, then the watchdog."""
        with contextlib.ExitStack() as all_of_them:  # the next one too when one will not go
            all_of_them.callback(self._leave_dog)
            for close in list(self.at_exit.values()):
                all_of_them.callback(close)

    def forget(self) -> None:
        """In a forked child: the parent's servers are not ours, and its pipe must end with the parent."""
        if self._pipe is not None:
            os.close(self._pipe)
        if self.dog is not None:
            self.dog.returncode = 0  # not our child: nothing to wait for


_kits = [Kit()]


def _after_fork() -> None:
    _kits[0].forget()
    _kits[0] = Kit()


def kit() -> Kit:
    """Return what this process owns."""
    return _kits[0]


def main() -> None:
    """Wait for the end of the kit, then clean up. Only the pipe's end ends the watchdog."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    clean(sys.argv[1], _owned_at_the_end(0))


if __name__ == "__main__":
    main()
else:
    os.register_at_fork(after_in_child=_after_fork)
    atexit.register(lambda: kit().close())
