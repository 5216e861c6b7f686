"""Valkey through the kit: the mapping, its two ends of the space, and what each error is taken for."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import cast

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from seqproof_conformance import process, redis_client
from seqproof_conformance.adapter import Adapter, Capability, Kills, Presets, Talks, TargetError, Trims
from seqproof_conformance.redis_streams import TOP
from seqproof_conformance.target_valkey import ValkeyTarget
from seqproof_model.history import Answer, Code, Indefinite, Ok, Refused


@pytest.fixture(scope="module")
def shared() -> Iterator[ValkeyTarget]:
    target = ValkeyTarget()
    target.hello()
    yield target
    target.close()


@pytest.fixture
def valkey(shared: ValkeyTarget) -> ValkeyTarget:
    shared.reset("x")
    return shared


def eventually(condition: Callable[[], bool]) -> bool:
    """Wait, bounded, for something that the server does by itself."""
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def send(target: ValkeyTarget, *bodies: str) -> list[Answer]:
    return [target.send("x", "s", body, body) for body in bodies]


def seqs(target: ValkeyTarget, seq_cli: int, phone: str = "A") -> list[int]:
    answer = target.recv("x", phone, seq_cli)
    assert isinstance(answer, Ok), answer
    return [seq for seq, _ in answer.rows or ()]


def test_it_says_what_it_is_and_what_its_adapter_adds(valkey: ValkeyTarget) -> None:
    hello = valkey.hello()
    assert hello.server.startswith("valkey 9.")
    able = {Capability.SEND_SEQ, Capability.KILL, Capability.PRESET_SEQ, Capability.OVERLAP, Capability.WIRE}
    assert hello.capabilities == able
    assert hello.adds == ("RCV-6",)
    assert hello.claims is not None
    assert (hello.claims.name, hello.claims.seq_max) == ("strict", 2**64 - 1)
    assert all(isinstance(valkey, protocol) for protocol in (Adapter, Kills, Presets, Talks))
    assert not isinstance(valkey, Trims)


def test_golden_f4_to_f6(valkey: ValkeyTarget) -> None:
    """F4, F5, F6 of the article: what a second phone is given begins where any phone has confirmed."""
    send(valkey, *(f"m{n}" for n in range(1, 151)))
    assert seqs(valkey, 100) == list(range(101, 151))
    send(valkey, *(f"m{n}" for n in range(151, 201)))
    assert seqs(valkey, 150) == list(range(151, 201))
    assert seqs(valkey, 120, "B") == list(range(151, 201))


def test_bodies_come_back_as_they_were_sent(valkey: ValkeyTarget) -> None:
    bodies = ["plain", "", "æ 消息 \U0001f40d", "line\r\nend\0"]
    assert send(valkey, *bodies) == [Ok(seq=seq) for seq in (1, 2, 3, 4)]
    assert valkey.recv("x", "A", 0) == Ok(rows=tuple(enumerate(bodies, start=1)))


def test_a_recv_ahead_is_refused_by_name_and_touches_nothing(valkey: ValkeyTarget) -> None:
    assert valkey.recv("x", "A", 1) == Refused(Code.AHEAD, seq_svr=0)
    send(valkey, "m1")
    assert valkey.recv("x", "A", 2) == Refused(Code.AHEAD, seq_svr=1)
    assert valkey.recv("x", "A", TOP) == Refused(Code.AHEAD, seq_svr=1)
    assert seqs(valkey, 0) == [1]
    assert send(valkey, "m2") == [Ok(seq=2)]


def test_all_confirmed_and_trimmed_the_counter_goes_on(valkey: ValkeyTarget) -> None:
    send(valkey, "m1", "m2")
    assert seqs(valkey, 2) == []
    assert send(valkey, "m3") == [Ok(seq=3)]


def test_the_top_of_the_space_is_usable_and_then_full(valkey: ValkeyTarget) -> None:
    valkey.preset_seq("x", TOP - 1)
    assert seqs(valkey, 0) == []
    assert send(valkey, "last") == [Ok(seq=TOP)]
    full = send(valkey, "over")[0]
    assert isinstance(full, Refused)
    assert full.code is Code.FULL
    assert seqs(valkey, TOP - 1) == [TOP]
    assert seqs(valkey, TOP) == []
    assert seqs(valkey, 0) == []


@pytest.mark.parametrize("seq", [0, 1, 2**31 - 1, 2**32 - 1, 2**53 + 1])
def test_preset_leaves_no_row_and_the_next_seq_follows(seq: int, valkey: ValkeyTarget) -> None:
    send(valkey, "old")
    valkey.preset_seq("x", seq)
    assert valkey.recv("x", "A", seq + 1) == Refused(Code.AHEAD, seq_svr=seq)
    assert seqs(valkey, 0) == []
    assert send(valkey, "new") == [Ok(seq=seq + 1)]


def test_a_store_that_refuses_is_a_definite_refusal(valkey: ValkeyTarget) -> None:
    with redis.Redis(port=valkey.server.port) as admin:
        admin.config_set("maxmemory", "1")  # pyright: ignore[reportUnknownMemberType]
        try:
            refused = send(valkey, "m1")[0]
        finally:
            admin.config_set("maxmemory", "0")  # pyright: ignore[reportUnknownMemberType]
    assert isinstance(refused, Refused)
    assert refused.code is Code.STORE
    assert send(valkey, "m2") == [Ok(seq=1)]


def test_an_error_that_nobody_foresaw_is_indefinite(valkey: ValkeyTarget) -> None:
    with redis.Redis(port=valkey.server.port) as admin:
        admin.set("wrong", "no stream")
    answer = valkey.send("wrong", "s", "c", "m")
    assert isinstance(answer, Indefinite)
    assert "wrong kind of value" in answer.why


def test_a_refused_connection_is_surely_not_reached(valkey: ValkeyTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    with redis.Redis(port=process.free_port(), retry=Retry(NoBackoff(), 0)) as nowhere:
        monkeypatch.setattr(valkey.requests, "client", nowhere)
        answers = [*send(valkey, "m1"), valkey.recv("x", "A", 0)]
    assert [answer.code for answer in answers if isinstance(answer, Refused)] == [Code.UNREACHABLE] * 2


def test_another_server_on_the_port_is_not_taken_for_ours(
    valkey: ValkeyTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = iter([valkey.server.port])
    free = process.free_port
    monkeypatch.setattr(process, "free_port", lambda: next(ports, None) or free())
    second = ValkeyTarget()
    try:
        second.hello()
        assert second.server.port != valkey.server.port
        assert send(valkey, "m1") == send(second, "m1") == [Ok(seq=1)]
    finally:
        second.close()


def written(target: ValkeyTarget) -> bool:
    """Whether the append-only file has everything; Valkey may answer before, while it syncs the file."""
    with redis.Redis(port=target.server.port) as admin:
        told = cast("dict[str, int]", admin.info("persistence"))  # pyright: ignore[reportUnknownMemberType]
    return told.get("aof_buffer_length", 0) == 0


@pytest.mark.parametrize(("aof", "kept"), [("no", []), ("everysec", [2, 3]), ("yes", [2, 3])])
def test_a_killed_server_is_surely_not_reached_and_keeps_what_was_written(aof: str, kept: list[int]) -> None:
    """As shipped nothing was written yet and the seqs are given out again; with the file rows and counter are back."""
    target = ValkeyTarget(aof=aof)
    target.hello()
    send(target, "m1", "m2", "m3")
    assert seqs(target, 1) == [2, 3]
    assert eventually(lambda: written(target))
    target.kill()
    down = Refused(Code.UNREACHABLE, detail="the server does not run")
    assert [*send(target, "m4"), target.recv("x", "A", 0)] == [down, down]
    target.restart()
    assert seqs(target, 0) == kept
    assert send(target, "m5") == [Ok(seq=4 if kept else 1)]
    assert "Ready to accept connections" in target.last_words()[-1]
    target.close()


def test_a_server_that_does_not_answer_leaves_the_outcome_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_client, "TIMEOUT_S", 0.1)
    target = ValkeyTarget()
    target.hello()
    os.kill(target.server.pid, signal.SIGSTOP)
    assert isinstance(send(target, "m1")[0], Indefinite)
    assert isinstance(target.recv("x", "A", 0), Indefinite)
    target.close()


def test_what_cannot_be_set_up_is_the_environments_fault() -> None:
    target = ValkeyTarget()
    with pytest.raises(TargetError, match="call hello first"):
        target.reset("x")
    target.hello()
    target.kill()
    with pytest.raises(TargetError, match=r"^valkey: DEL: .*refused"):
        target.reset("x")
    target.close()
    target.close()
