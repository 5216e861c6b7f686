"""What a run leaves behind on the machine, and on somebody's server: nothing, however it ends.

A table: each target, times the ways in which a run ends. The runs are processes of their own, with a folder for
temporary files of their own, so whatever stays is theirs. A kit that is killed by SIGKILL cannot clean up a server that
is not its own; there the next run does, and it leaves alone what belongs to a run that is alive.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from seqproof_conformance import unprivileged, watchdog
from seqproof_conformance.adapter import Adapter, TargetError
from seqproof_conformance.process import Served
from seqproof_conformance.running_names import OURS, new_run, of_run
from seqproof_conformance.target_nats import NatsTarget
from seqproof_conformance.target_postgres import PostgresTarget
from seqproof_conformance.target_valkey import ValkeyTarget
from seqproof_conformance.targets import catalogue, open_target
from seqproof_model.history import Ok

MISSING = {re.split(r"[\[:]", entry.target)[0]: entry.mend for entry in catalogue() if entry.mend}
SEQPROOF = str(Path(sys.executable).parent / "seqproof")
BOUND_S = 120
SHORT = ("-k", "RCV-4*")
FAILS = (*SHORT, "--profile", "PROFILE")  # one in which the first seq is another than every server's
PROFILE = "[profile.odd]\nfirst_seq = 5\n"
LONG = ("--length", "3")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that servers can get into which run as nobody; pytest's own are closed."""
    with tempfile.TemporaryDirectory(prefix="leftovers-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def needed(target: str) -> None:
    if mend := MISSING.get(target.partition(":")[0]):
        pytest.skip(f"{target} is not installed: {mend}")


@dataclass(frozen=True)
class Ending:
    """A way in which a run ends, with one of these codes. ``signal``: sent half-way, to the kit or to its group."""

    name: str
    options: tuple[str, ...]
    codes: tuple[int, ...]
    signal: signal.Signals | None = None
    group: bool = False


ENDINGS = [
    Ending("success", SHORT, (0,)),
    Ending("failure", FAILS, (1,)),
    Ending("Ctrl-C", LONG, (130, 1), signal.SIGINT, group=True),
    Ending("SIGKILL", LONG, (-signal.SIGKILL,), signal.SIGKILL),
]


def everyone_below(pid: int) -> set[int]:
    found, new = set[int](), {pid}
    while new:
        found |= new
        new = watchdog.below(new) - found
    return found


def ports_of(pids: set[int]) -> set[int]:
    """The TCP ports on which these processes listen."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {f"socket:[{row[9]}]": int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A"}
    open_files = set[str]()
    for pid in pids:
        with suppress(OSError):
            for file in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):
                    open_files.add(str(file.readlink()))
    return {listening[name] for name in open_files & set(listening)}


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def at_home_in(folder: Path) -> list[str]:
    """The living processes whose command line or working directory names the folder."""
    found = list[str]()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and watchdog.lives(int(entry.name)):
            with suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode(errors="replace")
                if str(folder) in words or str(folder) in str((entry / "cwd").readlink()):
                    found.append(words)
    return found


@contextmanager
def run_of(target: str, folder: Path, options: tuple[str, ...]) -> Generator[subprocess.Popen[str]]:
    """A run under way, in a session of its own; ended by force if the test fails."""
    (folder / "odd.toml").write_text(PROFILE)
    options = tuple(str(folder / "odd.toml") if word == "PROFILE" else word for word in options)
    (folder / "tmp").mkdir()
    with subprocess.Popen(
        [SEQPROOF, "run", target, *options, "-o", str(folder / "out")],
        env={**os.environ, "TMPDIR": str(folder / "tmp")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as kit:
        try:
            yield kit
        finally:
            with suppress(ProcessLookupError):
                kit.kill()


def under_way(kit: subprocess.Popen[str], folder: Path) -> None:
    """Wait until the run has written down the first hundred events."""
    history = folder / "out" / "history.jsonl"
    while kit.poll() is None and not (history.exists() and history.read_bytes().count(b"\n") > 100):
        os.sched_yield()
    assert kit.poll() is None, kit.communicate()[1]


def end(kit: subprocess.Popen[str], ending: Ending) -> None:
    """Send the signal; wait for the kit and its watchdog."""
    dogs = [dog for dog in watchdog.below({kit.pid}) if b"watchdog" in Path(f"/proc/{dog}/cmdline").read_bytes()]
    if ending.signal:
        (os.killpg if ending.group else os.kill)(kit.pid, ending.signal)
    said = kit.communicate(timeout=BOUND_S)[1]
    assert kit.returncode in ending.codes, said
    for dog in dogs:
        while watchdog.lives(dog):
            os.sched_yield()


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.name)
@pytest.mark.parametrize("target", ["valkey:aof=yes", "nats:purge", "postgres:locked", "dovecot"])
def test_a_run_leaves_no_process_no_port_and_no_folder(target: str, ending: Ending, place: Path) -> None:
    needed(target)
    family, ports = set[int](), set[int]()
    with run_of(target, place, ending.options) as kit:
        if ending.signal:
            under_way(kit, place)
            family = everyone_below(kit.pid)
            ports = ports_of(family)
            assert len(family) >= 3, "the kit, its watchdog and the server"
            assert ports
            assert at_home_in(place / "tmp")
        end(kit, ending)
    assert [pid for pid in family if watchdog.lives(pid)] == []
    assert [port for port in ports if listens(port)] == []
    assert at_home_in(place / "tmp") == []
    assert list((place / "tmp").iterdir()) == []


def test_a_killed_kit_leaves_no_folder_of_its_campaign_either(place: Path) -> None:
    """Hypothesis has a folder of its own, which is not a server's."""
    with run_of("reference", place, ("-k", "campaign", "--suite", "full")) as kit:
        under_way(kit, place)
        assert any("campaign" in path.name for path in (place / "tmp").iterdir())
        end(kit, ENDINGS[-1])
    assert list((place / "tmp").iterdir()) == []


# ---------------------------------------------------------------- servers that are somebody else's


def in_valkey(owner: Adapter) -> list[str]:
    keys: list[bytes] = cast("ValkeyTarget", owner).requests.client.keys()
    return sorted(key.decode() for key in keys)


def in_nats(owner: Adapter) -> list[str]:
    requests = cast("NatsTarget", owner).requests
    found = list[str]()

    async def names(client: Any) -> None:
        found.extend((await requests.streams.ask(client, "STREAM.NAMES"))["streams"] or [])

    requests.administer("names", names)
    return sorted(found)


def in_postgres(owner: Adapter) -> list[str]:
    with cast("PostgresTarget", owner).requests.sessions.lent() as session:
        schemas = session.execute("select nspname from pg_namespace where nspname like 'seqproof\\_%'").fetchall()
        locks = session.execute("select 'a lock' from pg_locks where locktype = 'advisory'").fetchall()
    return sorted(name for (name,) in schemas + locks)


@dataclass(frozen=True)
class Foreign:
    """A target on somebody else's server. ``owner``: the built-in target that is that server here."""

    name: str
    owner: str
    address: Callable[[int], str]
    there: Callable[[Adapter], list[str]]


FOREIGN = [
    Foreign("redis", "valkey", lambda port: f"redis:redis://127.0.0.1:{port}/0", in_valkey),
    Foreign("nats", "nats:purge", lambda port: f"nats:nats://127.0.0.1:{port}", in_nats),
    Foreign(
        "postgres",
        "postgres:locked",
        lambda port: f"postgres:naive,postgresql://seqproof@127.0.0.1:{port}/postgres",
        in_postgres,
    ),
]


@pytest.fixture(scope="module", params=FOREIGN, ids=lambda foreign: foreign.name)
def somebody(request: pytest.FixtureRequest) -> Iterator[tuple[str, Callable[[], list[str]]]]:
    """A server that runs already: the target string, and what of the kit's is there."""
    foreign: Foreign = request.param
    needed(foreign.owner)
    owner = open_target(foreign.owner)
    owner.hello()
    try:
        yield foreign.address(cast("Served", owner).server.port), lambda: foreign.there(owner)
    finally:
        owner.close()


@pytest.mark.parametrize("ending", ENDINGS[:-1], ids=lambda ending: ending.name)
def test_a_run_leaves_nothing_on_somebodys_server(
    somebody: tuple[str, Callable[[], list[str]]], ending: Ending, place: Path
) -> None:
    target, there = somebody
    ending = Ending(ending.name, ending.options, (*ending.codes, 1), ending.signal, group=ending.group)
    with run_of(target, place, ending.options) as kit:
        if ending.signal:
            under_way(kit, place)
            assert there()
        end(kit, ending)
    assert there() == []
    assert list((place / "tmp").iterdir()) == []


def test_the_next_run_removes_what_a_killed_one_left_and_nothing_of_a_living_one(
    somebody: tuple[str, Callable[[], list[str]]], place: Path
) -> None:
    target, there = somebody
    killed = ENDINGS[-1]
    with run_of(target, place, killed.options) as kit:
        under_way(kit, place)
        end(kit, killed)
    left = set(there())
    assert any(of_run(name) for name in left), "the fault is planted: the killed run left something"
    living = open_target(target)
    living.hello()
    living.reset("x")
    assert living.send("x", "s", "c", "m1") == Ok(seq=1)
    assert not [name for name in there() if of_run(name) in {of_run(old) for old in left} - {""}]
    another = open_target(target)
    another.hello()
    another.reset("y")
    another.close()
    assert living.recv("x", "A", 0) == Ok(rows=((1, "m1"),))
    living.reset("z")
    living.close()
    assert there() == []


@pytest.mark.parametrize("target", ["postgres:locked", "dovecot"])
def test_a_folder_that_the_server_cannot_get_into_is_named_with_its_mend(
    target: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For root the server runs as nobody."""
    needed(target)
    if not unprivileged.is_root():
        pytest.skip("nothing is closed to the one who made it")
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(closed))
    adapter = open_target(target)
    with pytest.raises(TargetError, match=rf"cannot get into {closed}; chmod o\+x {closed}, or set TMPDIR"):
        adapter.hello()
    adapter.close()
    assert list(closed.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["seqproof-cache", "seqproof_prod", "my-seqproof-0123456789ab", "seqproof-0123456789abc"]
)
def test_what_is_only_called_alike_is_nobodys_run(name: str) -> None:
    assert of_run(name) == ""


def test_a_stranger_with_a_name_like_a_run_is_left_alone() -> None:
    """A schema and a stream of such a name, without the kit's mark, and a key that no run wrote down."""
    run = new_run("_")
    needed("postgres")
    owner = cast("PostgresTarget", open_target("postgres:locked"))
    owner.hello()
    try:
        owner.requests.sessions.administer("a stranger's schema", f"create schema {run}")
        running = open_target(f"postgres:postgresql://seqproof@127.0.0.1:{owner.server.port}/postgres")
        running.hello()
        running.close()
        assert in_postgres(owner) == [run]
        owner.requests.sessions.administer("now it is marked", f"comment on schema {run} is '{OURS}'")
        running = open_target(f"postgres:postgresql://seqproof@127.0.0.1:{owner.server.port}/postgres")
        running.hello()
        running.close()
        assert in_postgres(owner) == []
    finally:
        owner.close()
