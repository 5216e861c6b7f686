"""The reference over HTTP: its contract in both directions, and what every other answer is taken for."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import msgspec
import pytest

from seqproof_conformance import target_reference
from seqproof_conformance.adapter import (
    Adapter,
    Backups,
    Capability,
    FailsStore,
    Kills,
    Presets,
    RecvsRaw,
    Talks,
    TargetError,
    Tips,
    Trims,
)
from seqproof_conformance.process import free_port
from seqproof_conformance.target_reference import ReferenceTarget, read_reply
from seqproof_model.history import Answer, Code, Indefinite, Ok, Refused
from seqproof_model.profile import UINT_MAX


@pytest.fixture(scope="module")
def shared() -> Iterator[ReferenceTarget]:
    target = ReferenceTarget()
    target.hello()
    yield target
    target.close()


@pytest.fixture
def reference(shared: ReferenceTarget) -> ReferenceTarget:
    shared.reset("x")
    return shared


def send(target: ReferenceTarget, *bodies: str) -> list[Answer]:
    return [target.send("x", "s", body, body) for body in bodies]


def rows(target: ReferenceTarget, seq_cli: int, phone: str = "A") -> list[tuple[int, str]]:
    answer = target.recv("x", phone, seq_cli)
    assert isinstance(answer, Ok), answer
    return list(answer.rows or ())


def code(answer: Answer) -> Code | None:
    return answer.code if isinstance(answer, Refused) else None


def test_it_says_what_it_is(reference: ReferenceTarget) -> None:
    hello = reference.hello()
    assert hello.server.startswith("seqproof-reference")
    assert hello.capabilities == set(Capability) - {Capability.PAGING, Capability.BEGIN_SEND}
    assert hello.adds == ()
    protocols = (Adapter, Kills, Presets, Trims, FailsStore, Talks, Tips, RecvsRaw, Backups)
    assert [isinstance(reference, protocol) for protocol in protocols] == [True] * len(protocols)


def test_send_recv_and_confirm(reference: ReferenceTarget) -> None:
    assert send(reference, "a", "消息") == [Ok(seq=1), Ok(seq=2)]
    answer = reference.recv("x", "A", 0)
    assert isinstance(answer, Ok)
    assert answer.rows == ((1, "a"), (2, "消息"))
    assert answer.more is False
    assert rows(reference, 1) == [(2, "消息")]
    assert rows(reference, 0, "B") == [(2, "消息")]


def test_refusals_are_definite_and_named(reference: ReferenceTarget) -> None:
    send(reference, "a")
    ahead = reference.recv("x", "A", 2)
    assert isinstance(ahead, Refused)
    assert (ahead.code, ahead.seq_svr) == (Code.AHEAD, 1)
    assert code(reference.recv("x", "A", -1)) is Code.MALFORMED
    assert rows(reference, 0) == [(1, "a")]


def test_the_top_of_the_space(reference: ReferenceTarget) -> None:
    reference.preset_seq("x", UINT_MAX - 1)
    assert send(reference, "last") == [Ok(seq=UINT_MAX)]
    assert code(send(reference, "over")[0]) is Code.FULL
    assert rows(reference, UINT_MAX - 1) == [(UINT_MAX, "last")]


def test_a_store_that_is_made_to_fail_leaves_nothing(reference: ReferenceTarget) -> None:
    reference.fail_next_store()
    assert code(send(reference, "a")[0]) is Code.STORE
    assert send(reference, "b") == [Ok(seq=1)]


def test_trim_drops_only_what_is_confirmed(reference: ReferenceTarget) -> None:
    send(reference, "a", "b")
    rows(reference, 1)
    reference.trim("x")
    assert rows(reference, 0) == [(2, "b")]


def test_accounts_with_any_characters_are_apart(reference: ReferenceTarget) -> None:
    for account in ("x y", "é", "a%2Fb", "?q#f"):
        reference.reset(account)
        assert reference.send(account, "s", "c", account) == Ok(seq=1)
        assert rows(reference, 0) == []


def test_paged_kill_and_restart() -> None:
    target = ReferenceTarget(page=2)
    assert Capability.PAGING in target.hello().capabilities
    send(target, "a", "b", "c")
    target.kill()
    assert code(send(target, "d")[0]) is Code.UNREACHABLE
    assert code(target.recv("x", "A", 0)) is Code.UNREACHABLE
    target.restart()
    first = target.recv("x", "A", 0)
    assert isinstance(first, Ok)
    assert (first.rows, first.more, first.upto) == (((1, "a"), (2, "b")), True, 2)
    assert rows(target, 2) == [(3, "c")]
    assert len([word for word in target.last_words() if "listening" in word]) == 2
    target.close()


def test_a_refused_connection_is_surely_not_reached(
    reference: ReferenceTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "_url", f"http://127.0.0.1:{free_port()}")
    assert code(send(reference, "a")[0]) is Code.UNREACHABLE
    assert code(reference.recv("x", "A", 0)) is Code.UNREACHABLE


def test_an_answer_with_another_nonce_is_not_ours(reference: ReferenceTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = vars(ReferenceTarget)["_ready"]
    assert ready(reference)
    monkeypatch.setattr(reference.server, "nonce", "of a stranger")
    assert not ready(reference)


def test_a_server_that_does_not_answer_leaves_the_outcome_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target_reference, "TIMEOUT_S", 0.2)
    target = ReferenceTarget()
    target.hello()
    os.kill(target.server.pid, signal.SIGSTOP)
    assert isinstance(send(target, "a")[0], Indefinite)
    assert isinstance(target.recv("x", "A", 0), Indefinite)
    target.close()


def test_what_cannot_be_set_up_is_the_environments_fault() -> None:
    target = ReferenceTarget()
    with pytest.raises(TargetError, match="reference: /admin/accounts/x/reset"):
        target.reset("x")
    target.hello()
    target.kill()
    with pytest.raises(TargetError, match=r"^reference: /admin/accounts/x/trim: .*refused.*; its last words: "):
        target.trim("x")
    target.close()
    target.close()


class Shape(msgspec.Struct):
    """An answer with a seq."""

    seq: int


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b'{"seq":7}', Ok(seq=7)),
        (200, b'{"seq":"18446744073709551615"}', Ok(seq=2**64 - 1)),
        (409, b'{"error":"ahead","seq_svr":3}', Refused(Code.AHEAD, seq_svr=3)),
        (400, b'{"error":"malformed"}', Refused(Code.MALFORMED)),
        (507, b'{"error":"full"}', Refused(Code.FULL)),
        (503, b'{"error":"store","detail":"disk"}', Refused(Code.STORE, detail="disk")),
    ],
)
def test_a_documented_reply_is_read(status: int, body: bytes, expected: Answer) -> None:
    assert read_reply(status, body, Shape, lambda sent: Ok(seq=sent.seq)) == expected


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"{}"),
        (200, b'{"seq":1.5}'),
        (200, b'{"seq":"\xff"}'),
        (201, b'{"seq":7}'),
        (500, b"Internal Server Error"),
        (500, b'{"error":"unknown"}'),
        (503, b'{"error":"full"}'),
        (409, b'{"error":"busy"}'),
        (404, b'{"error":"not_found"}'),
    ],
)
def test_any_other_reply_leaves_the_outcome_open(status: int, body: bytes) -> None:
    answer = read_reply(status, body, Shape, lambda sent: Ok(seq=sent.seq))
    assert isinstance(answer, Indefinite)
    assert str(status) in answer.why
