"""The reference phone on a real network: the real server, killed and started again under it; nothing is lost."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx

from seqproof_reference.phone import Timing
from seqproof_reference.phone_client import PhoneClient
from seqproof_reference.phone_store import MemoryStore, SqliteStore

QUICK = Timing(poll_ms=300, first_ms=50, most_ms=200)
PATIENCE_S = 20.0


@contextmanager
def served(folder: Path, port: int = 0) -> Generator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "seqproof_reference", "--db", str(folder / "s.db"), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield process.stdout.readline().strip().rsplit(" ", 1)[1], process
    finally:
        process.kill()
        process.wait(PATIENCE_S)
        assert process.stdout
        process.stdout.close()


def send(address: str, account: str, body: str) -> None:
    words = {"sender": "s", "client_id": body, "body": body}
    httpx.post(f"{address}/v1/accounts/{account}/messages", json=words, trust_env=False).raise_for_status()


def shows(messages: int, held: list[tuple[int, str]]) -> bool:
    return len(held) == messages


def test_a_phone_shows_what_is_sent_to_it(tmp_path: Path) -> None:
    with served(tmp_path) as (address, _):
        phone = PhoneClient([address], "x", MemoryStore, timing=Timing())  # it polls each half minute: tips bring it
        phone.start()
        for number in range(1, 6):
            send(address, "x", f"m{number}")
            assert phone.wait_for(partial(shows, number), PATIENCE_S)
        phone.stop()
        assert phone.held() == [(n, f"m{n}") for n in range(1, 6)]


def test_a_phone_outlives_its_server_and_a_second_life_goes_on_where_the_first_was(tmp_path: Path) -> None:
    store = tmp_path / "phone.db"
    with served(tmp_path) as (address, process):
        phone = PhoneClient([address], "x", lambda: SqliteStore(store), timing=QUICK)
        phone.start()
        send(address, "x", "m1")
        assert phone.wait_for(partial(shows, 1), PATIENCE_S)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_S)
        phone.say("while it is gone")
        with served(tmp_path, int(address.rsplit(":", 1)[1])):
            send(address, "x", "m2")
            assert phone.wait_for(partial(shows, 3), PATIENCE_S)
            phone.stop()
            send(address, "x", "m3")
            again = PhoneClient([address], "x", lambda: SqliteStore(store), timing=QUICK)
            again.start()
            assert again.wait_for(partial(shows, 4), PATIENCE_S)
            again.stop()
    assert [seq for seq, _ in again.held()] == [1, 2, 3, 4]
    assert sorted(body for _, body in again.held()) == ["m1", "m2", "m3", "while it is gone"]
