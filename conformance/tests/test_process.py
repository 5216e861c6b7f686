"""The life of a server process: its tree dies as one, and nothing of it is left behind however the kit ends."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from seqproof_conformance import process, watchdog
from seqproof_conformance.adapter import TargetError
from seqproof_conformance.process import Server, free_port

PATIENCE_S = 20.0

# A server that answers every connection with its nonce. With "family" it has two children: one that is known by the
# nonce alone, in a session of its own, and one that is known by its group alone, without the environment.
PROGRAM = """
import os, socket, subprocess, sys
port, *words = sys.argv[1:]
if "family" in words:
    sleeper = [sys.executable, "-S", "-c", "import signal; signal.pause()"]
    away = subprocess.Popen(sleeper, start_new_session=True)
    bare = subprocess.Popen(sleeper, env={})
    open("children", "w").write(f"{away.pid} {bare.pid}")
open("lives", "a").write(f"{os.getpid()}\\n")
listener = socket.create_server(("127.0.0.1", int(port)))
print("listening", flush=True)
while True:
    peer, _ = listener.accept()
    peer.sendall(os.environ["SEQPROOF_RUN"].encode())
    peer.close()
"""

# A process like the kit: it starts a server, says what it owns, and then ends as it is told.
KIT = """
import os, signal, sys
from seqproof_conformance.process import Server
program, way = sys.argv[1:]
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
signal.signal(signal.SIGHUP, signal.SIG_DFL)
server = Server(
    "tiny",
    lambda directory, port: [sys.executable, "-S", "-c", program, str(port), "family"],
    lambda: "listening" in server.log(),
)
server.start()
children = (server.directory / "children").read_text()
forked = os.fork() if way == "fork" else -1
if not forked:
    signal.pause()
print(server.directory, forked, server.pid, children, flush=True)
if way == "raise":
    raise RuntimeError("the kit has a fault")
if way != "return":
    signal.pause()
"""


def program(*words: str, code: str = PROGRAM) -> Callable[[Path, int], Sequence[str]]:
    return lambda _directory, port: [sys.executable, "-S", "-c", code, str(port), *words]


def answers(server: Server) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as peer:
            return peer.recv(100).decode() == server.nonce
    except OSError:
        return False


def tiny(*words: str, code: str = PROGRAM, ready_s: float = PATIENCE_S) -> Server:
    made = Server("tiny", program(*words, code=code), lambda: answers(made), ready_s=ready_s)
    return made


def children(server: Server) -> list[int]:
    return [int(pid) for pid in (server.directory / "children").read_text().split()]


def living(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def eventually(condition: Callable[[], bool]) -> bool:
    """Wait, bounded, for something that another process does."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


@pytest.fixture
def server() -> Iterator[Server]:
    made = tiny("family")
    yield made
    made.close()


def test_a_started_server_answers_with_its_nonce_in_its_own_directory_and_session(server: Server) -> None:
    server.start()
    assert server.alive
    assert answers(server)
    assert (server.directory / "lives").read_text() == f"{server.pid}\n"
    assert os.getsid(server.pid) == server.pid != os.getsid(0)
    assert server.last_words() == ["listening"]


def test_kill_takes_the_whole_family(server: Server) -> None:
    server.start()
    pids = [server.pid, *children(server)]
    assert [living(pid) for pid in pids] == [True] * 3
    server.kill()
    assert [living(pid) for pid in pids] == [False] * 3
    assert not server.alive
    server.kill()  # a second one finds nothing to do


def test_a_server_that_died_by_itself_is_not_alive_and_its_family_is_still_killed(server: Server) -> None:
    server.start()
    orphans = children(server)
    os.kill(server.pid, signal.SIGKILL)
    assert eventually(lambda: not server.alive)
    assert watchdog.born(server.pid)  # not reaped, so its number stays ours
    assert [living(pid) for pid in orphans] == [True] * 2
    server.kill()
    assert [living(pid) for pid in orphans] == [False] * 2


def test_restart_is_a_new_process_on_the_same_directory(server: Server) -> None:
    server.start()
    first = server.pid
    server.restart()
    assert (server.directory / "lives").read_text() == f"{first}\n{server.pid}\n"
    assert first != server.pid
    assert answers(server)
    assert server.log() == "listening\n"
    assert server.last_words() == ["listening", "listening"]


def test_close_removes_everything_but_the_last_words_and_ends_the_story(server: Server) -> None:
    server.start()
    pid = server.pid
    server.close()
    server.close()
    assert not living(pid)
    assert not server.directory.exists()
    assert server.last_words() == ["listening"]
    with pytest.raises(TargetError, match="tiny was closed"):
        server.start()


def test_a_server_that_was_never_started_leaves_no_trace() -> None:
    server = tiny()
    assert not server.directory.exists()
    assert (server.pid, server.alive, server.last_words()) == (0, False, [])
    server.close()


def test_a_port_taken_in_between_is_tried_again_on_another(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger, contextlib.closing(tiny()) as server:
        taken: int = stranger.getsockname()[1]
        ports = iter([taken, taken])
        monkeypatch.setattr(process, "free_port", lambda: next(ports, None) or free_port())
        stranger.settimeout(0)
        monkeypatch.setattr(server, "_ready", lambda: server.port != taken and answers(server))
        server.start()
        assert server.port != taken
        assert len((server.directory / "lives").read_text().split()) == 3


def test_a_port_that_is_always_taken_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.closing(tiny(code="import sys; sys.exit('bind: Address already in use')")) as server:
        monkeypatch.setattr(process, "PORTS", 2)
        with pytest.raises(TargetError, match="found its port taken 2 times in a row"):
            server.start()


def test_a_server_that_ends_at_once_is_reported_with_its_last_words() -> None:
    with contextlib.closing(tiny(code="import sys; sys.exit('no such store')")) as server:
        with pytest.raises(TargetError, match=r"tiny ended before it answered; its last words: no such store; try by"):
            server.start()
        assert not server.alive


def test_a_server_that_never_answers_is_ended_and_reported() -> None:
    with contextlib.closing(tiny(code="import signal; signal.pause()", ready_s=0.05)) as server:
        with pytest.raises(TargetError, match=r"did not answer within 0.05 s; its last words: none"):
            server.start()
        assert server.pid == 0


def test_a_program_that_is_not_there_is_one_line() -> None:
    absent = Server("tiny", lambda _directory, _port: ["/no/such/program"], lambda: True)
    one_line = r"^cannot start tiny: /no/such/program: No such file or directory$"
    with contextlib.closing(absent), pytest.raises(TargetError, match=one_line):
        absent.start()


class Kit:
    """A kit-like process and what it owns."""

    def __init__(self, way: str = "wait") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", KIT, PROGRAM, way],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self.process.stdout
        directory, forked, *pids = self.process.stdout.readline().decode().split()
        self.pids = [int(pid) for pid in pids]
        self.directory = Path(directory)
        self.forked = int(forked)

    def left_behind(self) -> list[object]:
        """What of it is still there."""
        return [*filter(living, self.pids), *filter(Path.exists, [self.directory])]

    def close(self) -> None:
        """End it, and what a failed test has left."""
        assert self.process.stdout
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        for pid in self.pids:
            if living(pid):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"])
def test_a_kit_ended_by_a_signal_leaves_no_server_and_no_directory(name: str) -> None:
    with contextlib.closing(Kit()) as kit:
        assert kit.left_behind() == [*kit.pids, kit.directory]
        kit.process.send_signal(signal.Signals[name])
        kit.process.wait()
        assert eventually(lambda: not kit.left_behind()), kit.left_behind()


def test_sigkill_of_the_kits_whole_group_spares_the_watchdog() -> None:
    with contextlib.closing(Kit()) as kit:
        os.killpg(kit.process.pid, signal.SIGKILL)
        kit.process.wait()
        assert eventually(lambda: not kit.left_behind()), kit.left_behind()


@pytest.mark.parametrize("way", ["return", "raise"])
def test_a_kit_that_ends_without_close_has_cleaned_up_when_it_is_gone(way: str) -> None:
    with contextlib.closing(Kit(way)) as kit:
        kit.process.wait()
        assert kit.left_behind() == []


def test_a_forked_child_does_not_keep_the_servers_of_a_killed_kit_alive() -> None:
    with contextlib.closing(Kit("fork")) as kit:
        kit.process.kill()
        kit.process.wait()
        try:
            assert eventually(lambda: not kit.left_behind()), kit.left_behind()
            assert living(kit.forked)
        finally:
            os.kill(kit.forked, signal.SIGKILL)


def test_a_watchdog_that_died_is_replaced_and_told_everything(tmp_path: Path) -> None:
    kit = watchdog.Kit()
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    after.mkdir()
    try:
        kit.own(f"d {before}")
        first = kit.dog
        assert first
        first.kill()
        assert eventually(lambda: not living(first.pid))
        kit.own(f"d {after}")
    finally:
        kit.close()
    assert list(tmp_path.iterdir()) == []


def test_at_the_end_a_reused_pid_and_a_strangers_directory_are_left_alone(tmp_path: Path) -> None:
    """A group is killed only while its leader has the start time that was told, a process only with our nonce."""
    mine, other = tmp_path / "mine", tmp_path / "other"
    mine.mkdir()
    other.mkdir()
    environment = {**os.environ, watchdog.MARK: "cafe0.1"}  # the nonce "cafe" is only the beginning of this one
    sleeper = [sys.executable, "-S", "-c", "import signal; print(flush=True); signal.pause()"]
    with subprocess.Popen(sleeper, env=environment, start_new_session=True, stdout=subprocess.PIPE) as stranger:
        try:
            assert stranger.stdout
            stranger.stdout.readline()
            start = int(watchdog.born(stranger.pid))
            watchdog.clean("cafe", {f"g {stranger.pid} {start - 1}".encode(), b"d " + os.fsencode(mine)})
            assert living(stranger.pid)
            assert [path.name for path in tmp_path.iterdir()] == ["other"]
            watchdog.clean("cafe", {f"g {stranger.pid} {start}".encode()})
            assert stranger.wait() == -signal.SIGKILL
        finally:
            stranger.kill()


def test_birth_of_a_process_is_told_apart_from_no_process() -> None:
    assert watchdog.born(os.getpid()).isdigit()
    assert watchdog.born(2**30) == ""
    assert not watchdog.members(2**30)
