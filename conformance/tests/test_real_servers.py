"""Real servers through the kit: each mapping, the end of its space, its known violations, and what stays behind.

A server that is not installed here is skipped, by name.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from seqproof_conformance import dovecot_engine, postgres_engine, target_nats, watchdog
from seqproof_conformance.adapter import Adapter, BeginsSend, Capability, FailsStore, Kills, Presets, TargetError, Trims
from seqproof_conformance.nats_streams import TOP
from seqproof_conformance.process import Served, Server
from seqproof_conformance.runner import Runner
from seqproof_conformance.target_dovecot import DovecotTarget
from seqproof_conformance.target_postgres import PostgresTarget
from seqproof_conformance.target_valkey import ValkeyTarget
from seqproof_conformance.targets import UnknownTarget, catalogue, open_target
from seqproof_model import profile, scenario
from seqproof_model.history import Code, Event, Indefinite, Ok, Refused
from seqproof_model.judge import Judge
from seqproof_model.profile import UINT_MAX
from seqproof_model.scenario import Begin, End, Kill, Moment, Preset, Recv, Scenario, Send, Step

MISSING = {entry.target.partition(":")[0]: entry.mend for entry in catalogue() if entry.mend}
A, B, S = Recv(), Recv(phone="B"), Send()
ALL = ["nats:purge", "nats:ackall", "postgres:naive", "postgres:locked", "dovecot"]


def server_of(adapter: Adapter) -> Server:
    """The process of a target that the kit starts itself."""
    return cast("Served", adapter).server


def no_program(_name: str) -> str:
    return ""


def needed(target: str) -> None:
    if mend := MISSING.get(target.partition(":")[0]):
        pytest.skip(f"{target} is not installed: {mend}")


@pytest.fixture(scope="module")
def opened() -> Iterator[Callable[[str], Adapter]]:
    """Each server is started once, for all tests of this file."""
    found: dict[str, Adapter] = {}

    def get(target: str) -> Adapter:
        needed(target)
        if target not in found:
            found[target] = open_target(target)
            found[target].hello()
        return found[target]

    yield get
    for adapter in found.values():
        adapter.close()


def rows(adapter: Adapter, account: str, seq_cli: int, phone: str = "A") -> list[int]:
    answer = adapter.recv(account, phone, seq_cli)
    assert isinstance(answer, Ok), answer
    return [seq for seq, _ in answer.rows or ()]


def blamed(adapter: Adapter, *steps: Step, name: str = "x") -> str:
    """The requirement that a scenario shows broken; "" where it is none."""
    hello = adapter.hello()
    held = hello.claims or profile.find("strict")
    events: list[Event] = []
    token = f"t{os.urandom(4).hex()}"
    runner = Runner(adapter, hello, held, [Judge(held, paged=False)], events.append, token)
    played = runner.play(Scenario(name, steps))
    return played.violation.requirement if played.violation else ""


@pytest.mark.parametrize("target", ALL)
def test_golden_f4_to_f6(target: str, opened: Callable[[str], Adapter]) -> None:
    """What a second phone is given begins where any phone has confirmed."""
    adapter = opened(target)
    adapter.reset("f")
    for number in range(1, 16):
        assert adapter.send("f", "s", f"c{number}", f"m{number}") == Ok(seq=number)
    assert rows(adapter, "f", 10) == [11, 12, 13, 14, 15]
    for number in range(16, 21):
        adapter.send("f", "s", f"c{number}", f"m{number}")
    assert rows(adapter, "f", 15) == [16, 17, 18, 19, 20]
    assert rows(adapter, "f", 12, "B") == [16, 17, 18, 19, 20]
    assert rows(adapter, "f", 0, "C") == [16, 17, 18, 19, 20]


@pytest.mark.parametrize("target", ALL)
def test_a_recv_ahead_is_refused_by_name_and_touches_nothing(target: str, opened: Callable[[str], Adapter]) -> None:
    adapter = opened(target)
    adapter.reset("ahead")
    assert adapter.recv("ahead", "A", 1) == Refused(Code.AHEAD, seq_svr=0)
    adapter.send("ahead", "s", "c", "m1")
    assert adapter.recv("ahead", "A", 2) == Refused(Code.AHEAD, seq_svr=1)
    assert rows(adapter, "ahead", 0) == [1]
    assert adapter.send("ahead", "s", "c", "m2") == Ok(seq=2)


@pytest.mark.parametrize("target", ALL)
def test_it_says_what_its_adapter_adds_and_does_what_it_declares(target: str, opened: Callable[[str], Adapter]) -> None:
    hello = opened(target).hello()
    assert "RCV-6" in hello.adds
    assert hello.server.startswith(target.partition(":")[0])
    assert {Capability.KILL, Capability.OVERLAP, Capability.WIRE, Capability.PRESET_SEQ} <= hello.capabilities


@pytest.mark.parametrize(
    ("target", "last"),
    [("nats:purge", TOP), ("nats:ackall", TOP), ("postgres:naive", UINT_MAX), ("postgres:locked", UINT_MAX)],
)
def test_the_last_seq_is_usable_and_then_the_space_is_full(
    target: str, last: int, opened: Callable[[str], Adapter]
) -> None:
    adapter = opened(target)
    cast("Presets", adapter).preset_seq("top", last - 1)
    assert adapter.send("top", "s", "c", "last") == Ok(seq=last)
    full = adapter.send("top", "s", "c", "over")
    assert isinstance(full, Refused)
    assert full.code is Code.FULL
    assert rows(adapter, "top", 0) == rows(adapter, "top", last - 1) == [last]
    assert rows(adapter, "top", last) == rows(adapter, "top", 0) == []


def test_dovecot_never_gives_its_last_uid(opened: Callable[[str], Adapter]) -> None:
    """Its process aborts; the adapter looks, and says that there is no more space: one seq too early."""
    adapter = opened("dovecot")
    assert blamed(adapter, Preset(below_top=1), S) == "SEQ-6"
    assert blamed(adapter, Preset(below_top=2), S, A, A) == ""


def test_dovecots_process_that_aborts_leaves_no_lock_for_others_to_wait_for(opened: Callable[[str], Adapter]) -> None:
    """A Maildir would have its dovecot-uidlist.lock there, and the next writer would wait until it is stale."""
    adapter = cast("DovecotTarget", opened("dovecot"))
    adapter.preset_seq("locked", UINT_MAX - 1)
    for client_id in ("c1", "c2"):
        assert isinstance(adapter.send("locked", "s", client_id, "over"), Refused)
    assert not list((adapter.server.directory / "mail").rglob("*.lock"))


def test_dovecots_mailbox_is_unreadable_once_the_last_message_that_it_gives_is_confirmed(
    opened: Callable[[str], Adapter],
) -> None:
    """The expunge aborts, and then each SELECT. Nothing is blamed on requests that have no answer."""
    adapter = cast("DovecotTarget", opened("dovecot"))
    adapter.preset_seq("spent", UINT_MAX - 2)
    assert adapter.send("spent", "s", "c1", "the last one") == Ok(seq=UINT_MAX - 1)
    assert isinstance(adapter.recv("spent", "A", UINT_MAX - 1), Indefinite)
    assert isinstance(adapter.recv("spent", "A", 0), Indefinite)


def test_nats_from_2_62_on_acknowledges_what_it_never_gives(opened: Callable[[str], Adapter]) -> None:
    """Without the adapter's guard the space is that of the documents, 64 bits, and this is what it is worth."""
    adapter = opened("nats:purge,unguarded")
    assert blamed(adapter, Preset(seq=TOP - 1), S, A) == ""
    assert blamed(adapter, Preset(seq=TOP), S, A) == "RCV-7"
    assert blamed(adapter, Recv(seq_cli=1), S) == "SEQ-2"


def test_nats_loses_an_acknowledgement_when_it_is_killed_right_after_it(opened: Callable[[str], Adapter]) -> None:
    """It answered the +ACK; the ack floor was not written yet. A purge is written before it is answered."""
    course = (Send(count=2), A, Recv(kill=Moment.AFTER), B)
    assert blamed(opened("nats:ackall"), *course) == "CNF-5"
    assert blamed(opened("nats:purge"), *course) == ""


def test_postgres_shows_a_later_message_before_an_earlier_one(opened: Callable[[str], Adapter]) -> None:
    """Two sessions, exactly scheduled. With the counter's lock the second send waits for the first."""
    course = (Begin("s1", held=True), S, A, End("s1"), A, B)
    assert blamed(opened("postgres:naive"), *course) == "RCV-1"
    assert blamed(opened("postgres:locked"), *course) == ""


def test_a_request_that_a_held_send_blocks_may_be_asked_for_before_that_ends(
    opened: Callable[[str], Adapter],
) -> None:
    """Its answer is taken once the held send has ended; nobody waits for it until a bound is reached."""
    late = Send(lose=scenario.Lost.HOLD_REPLY)
    for other in (S, late):
        course = (S, Begin("h", held=True), A, Begin("o", other), B, End("o"), A, End("h"), A, B)
        assert blamed(opened("postgres:locked"), *course) == ""


@pytest.mark.parametrize("steps", [(S, scenario.FailStore(), S, S, A), (S, Kill(), S, A)], ids=["rollback", "crash"])
def test_a_sequence_of_postgres_leaves_gaps(steps: tuple[Step, ...], opened: Callable[[str], Adapter]) -> None:
    assert blamed(opened("postgres:naive"), *steps) == "SEQ-2"
    assert blamed(opened("postgres:locked"), *steps) == ""


def test_a_held_send_of_postgres_is_not_seen_and_a_trim_takes_what_is_confirmed(
    opened: Callable[[str], Adapter],
) -> None:
    adapter = opened("postgres:locked")
    adapter.reset("held")
    begun = cast("BeginsSend", adapter).begin_send("held", "s", "c", "m1")
    assert adapter.recv("held", "A", 1) == Refused(Code.AHEAD, seq_svr=0)
    assert cast("BeginsSend", adapter).commit_send(begun) == Ok(seq=1)
    assert rows(adapter, "held", 0) == [1]
    assert rows(adapter, "held", 1) == []
    cast("Trims", adapter).trim("held")
    assert adapter.send("held", "s", "c", "m2") == Ok(seq=2)
    cast("FailsStore", adapter).fail_next_store()
    failed = adapter.send("held", "s", "c", "m3")
    assert isinstance(failed, Refused)
    assert failed.code is Code.STORE
    assert adapter.send("held", "s", "c", "m4") == Ok(seq=3)


@pytest.mark.parametrize("target", ["nats:purge", "postgres:locked", "dovecot"])
def test_a_killed_server_is_surely_not_reached_and_keeps_what_it_acknowledged(
    target: str, opened: Callable[[str], Adapter]
) -> None:
    adapter = opened(target)
    adapter.reset("kill")
    for body in ("m1", "m2", "m3"):
        adapter.send("kill", "s", body, body)
    assert rows(adapter, "kill", 1) == [2, 3]
    cast("Kills", adapter).kill()
    down = Refused(Code.UNREACHABLE, detail="the server does not run")
    assert [adapter.send("kill", "s", "c", "m4"), adapter.recv("kill", "A", 0)] == [down, down]
    cast("Kills", adapter).restart()
    assert rows(adapter, "kill", 0, "B") == [2, 3]
    assert adapter.send("kill", "s", "c", "m5") == Ok(seq=4)


def stopped(pid: int) -> None:
    """Wait until every thread of a process that was told to stop has done so."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        while (thread / "stat").read_text().rpartition(")")[2].split()[0] != "T":
            os.sched_yield()


@pytest.mark.parametrize("target", ["nats:purge", "postgres:locked", "dovecot"])
def test_a_server_that_does_not_answer_leaves_the_outcome_open(target: str) -> None:
    needed(target)
    adapter = open_target(target, timeout_s=0.5)
    try:
        adapter.hello()
        adapter.reset("x")
        assert adapter.send("x", "s", "c", "m1") == Ok(seq=1)
        first = server_of(adapter).pid
        for pid in watchdog.below({first}) | {first}:
            os.kill(pid, signal.SIGSTOP)
            stopped(pid)
        assert isinstance(adapter.send("x", "s", "c", "m2"), Indefinite)
        assert isinstance(adapter.recv("x", "A", 0), Indefinite | Refused)
    finally:
        adapter.close()


KIT = """
import json, sys, time
from seqproof_conformance.targets import open_target
target = open_target(sys.argv[1])
target.hello()
print(json.dumps([target.server.pid, str(target.server.directory)]), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("target", ["nats:purge", "postgres:locked", "dovecot"])
def test_a_kit_that_is_killed_leaves_neither_processes_nor_data(target: str) -> None:
    """PostgreSQL's and Dovecot's children leave the group, or the environment: they are found as descendants."""
    needed(target)
    with subprocess.Popen([sys.executable, "-c", KIT, target], stdout=subprocess.PIPE, text=True) as kit:
        assert kit.stdout
        pid, directory = json.loads(kit.stdout.readline())
        family = watchdog.below({pid}) | {pid}
        assert len(family) > 1 or target.startswith("nats")
        dogs = [dog for dog in watchdog.below({kit.pid}) if b"watchdog" in Path(f"/proc/{dog}/cmdline").read_bytes()]
        kit.kill()
        kit.wait()
    assert len(dogs) == 1
    for process in dogs:
        while watchdog.lives(process):
            os.sched_yield()
    assert not [process for process in family if watchdog.lives(process)]
    assert not Path(directory).exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nats:purg", "did you mean purge"),
        ("nats", "write nats:purge or nats:ackall"),
        ("nats:purge,quickly", "write nats:purge"),
        ("postgres:nave", "did you mean naive"),
        ("postgres", "write postgres:naive or postgres:locked"),
        ("dovecot:x=1", "no option 'x'"),
        ("redis:localhost", "write an address"),
    ],
)
def test_a_wrong_name_is_a_line_with_its_mend(text: str, says: str) -> None:
    with pytest.raises(UnknownTarget, match=says):
        open_target(text)


def test_what_is_not_installed_is_named_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target_nats, "program", lambda: "")
    monkeypatch.setattr(dovecot_engine, "program", no_program)
    monkeypatch.setattr(postgres_engine, "engine", lambda: None)
    for target, mend in (
        ("nats:purge", "pip install 'seqproof\\[nats\\]'"),
        ("postgres:locked", "apt-get install postgresql, or pip install pgserver"),
        ("dovecot", "apt-get install dovecot-imapd"),
    ):
        needed(target)
        adapter = open_target(target)
        with pytest.raises(TargetError, match=mend):
            adapter.hello()
        adapter.close()
    assert {"nats", "postgres", "dovecot"} <= {
        e.target.partition(":")[0].partition("[")[0] for e in catalogue() if e.mend
    }


def test_a_server_that_runs_already_is_left_as_it_was_found(opened: Callable[[str], Adapter]) -> None:
    port = server_of(opened("nats:purge")).port
    running = open_target(f"nats:nats://127.0.0.1:{port}")
    hello = running.hello()
    assert Capability.KILL not in hello.capabilities
    running.reset("x")
    assert running.send("x", "s", "c", "m") == Ok(seq=1)
    assert rows(running, "x", 0) == [1]
    running.close()
    opened("nats:purge").reset("still there")
    with pytest.raises(TargetError, match="start it with JetStream, or name another"):
        open_target("nats:nats://127.0.0.1:1").hello()


def test_a_running_postgres_keeps_nothing_of_the_kits(opened: Callable[[str], Adapter]) -> None:
    owner = opened("postgres:locked")
    port = server_of(owner).port
    address = f"postgresql://seqproof@127.0.0.1:{port}/postgres"
    schemas = "select count(*) from pg_namespace where nspname like 'seqproof\\_%'"
    for text, course in ((f"postgres:{address}", ""), (f"postgres:naive,{address}", "RCV-1")):
        running = open_target(text)
        assert blamed(running, Begin("s1", held=True), S, A, End("s1")) == course
        running.close()
    with cast("PostgresTarget", owner).requests.sessions.lent() as session:
        assert session.execute(schemas).fetchone() == (0,)


def test_a_running_redis_keeps_nothing_of_the_kits(opened: Callable[[str], Adapter]) -> None:
    owner = opened("valkey")
    address = f"redis:redis://127.0.0.1:{server_of(owner).port}/0"
    running = open_target(address)
    running.hello()
    running.reset("x")
    assert running.send("x", "s", "c", "m") == Ok(seq=1)
    assert rows(running, "x", 0) == [1]
    running.close()
    assert rows(owner, "x", 0) == []
    assert cast("ValkeyTarget", owner).requests.client.dbsize() == 0
    with pytest.raises(TargetError, match="start it, or name another"):
        open_target("redis:redis://127.0.0.1:1/0").hello()
