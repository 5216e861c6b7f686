"""SendSvr alone: policy before a seq, the store before the notice, and repeats that a new policy does not touch."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from seqproof_model.history import Code, Ok, Refused
from seqproof_reference.policy import Blacklist
from seqproof_reference.receive_svr import ReceiveSvr
from seqproof_reference.send_svr import SendSvr
from seqproof_reference.store import MsgStore
from seqproof_reference.table_file import TableError


class Heard:
    """A PushSvr that looks into the store when it is told: what it sees is what a phone that asks at once would see."""

    def __init__(self, store: MsgStore) -> None:
        self.store = store
        self.saw: list[int] = []

    def notify(self, account: str) -> None:
        answer = self.store.recv(account, 0)
        assert isinstance(answer, Ok)
        self.saw.append(len(answer.rows or ()))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MsgStore]:
    with closing(MsgStore(tmp_path / "msgs.db")) as opened:
        yield opened


def test_a_message_is_stored_before_anybody_is_told(store: MsgStore) -> None:
    """PSH-2; and a repeat is told again, as the first notice may have been lost."""
    heard = Heard(store)
    svr = SendSvr(store, heard)
    assert [svr.send("x", "s", "c1", "m1"), svr.send("x", "s", "c1", "m1")] == [Ok(seq=1), Ok(seq=1)]
    assert heard.saw == [1, 1]


def test_a_refusal_takes_no_seq_and_tells_nobody(store: MsgStore) -> None:
    """SND-5."""
    heard = Heard(store)
    svr = SendSvr(store, heard, policy=Blacklist({"x": ["eve"], "*": ["spammer"]}))
    said = [svr.send("x", who, "c", "m") for who in ("bob", "eve", "spammer", "bob2")]
    refused = Refused(Code.POLICY, detail="the sender is not heard here")
    assert said == [Ok(seq=1), refused, refused, Ok(seq=2)]
    assert svr.send("y", "eve", "c", "m") == Ok(seq=1)
    assert svr.send("y", "spammer", "c", "m") == refused
    store.fail_next_store()
    assert svr.send("x", "bob", "c3", "m") == Refused(Code.STORE, detail="told to fail")
    assert len(heard.saw) == 3


def test_a_repeat_is_answered_its_seq_though_the_policy_has_changed(store: MsgStore) -> None:
    """SND-3: it is no new message. Without a client id nobody can know that."""
    blacklist: dict[str, list[str]] = {}
    SendSvr(store, Heard(store)).send("x", "eve", "c1", "m1")
    blacklist["x"] = ["eve"]
    svr = SendSvr(store, Heard(store), policy=Blacklist(blacklist))
    assert svr.send("x", "eve", "c1", "m1") == Ok(seq=1)
    for client_id in ("", "c2"):
        answer = svr.send("x", "eve", client_id, "m2")
        assert isinstance(answer, Refused)
        assert answer.code is Code.POLICY


def test_a_store_that_cannot_say_whether_it_is_a_repeat_is_no_policy(
    store: MsgStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(store, "_noted", fails)
    svr = SendSvr(store, Heard(store), policy=Blacklist({"x": ["eve"]}))
    assert svr.send("x", "eve", "c1", "m1") == Refused(Code.STORE, detail="disk I/O error")


def test_receive_svr_asks_no_store_about_what_no_phone_holds(store: MsgStore) -> None:
    """SEQ-7, SEQ-8."""
    svr = ReceiveSvr(store)
    for seq_cli in (-1, store.seq_max + 1, 2**64):
        answer = svr.recv("x", seq_cli)
        assert isinstance(answer, Refused)
        assert answer.code is Code.MALFORMED
    assert svr.recv("x", 0) == Ok(rows=(), more=False, epoch=store.epoch)
    assert svr.recv("x", 1) == Refused(Code.AHEAD, seq_svr=0)


@pytest.mark.parametrize(
    ("name", "text"), [("b.toml", '"*" = ["spammer"]\nx = ["eve"]'), ("b.json", '{"*": ["spammer"], "x": ["eve"]}')]
)
def test_a_blacklist_is_a_file(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    policy = Blacklist.read(tmp_path / name)
    assert [policy("x", who, "m") is None for who in ("eve", "spammer", "bob")] == [False, False, True]
    assert policy("y", "eve", "m") is None


@pytest.mark.parametrize(
    ("text", "part"),
    [("x = 1", "Expected `array`"), ("x", 'a line of it is: name = ["sender", ...]'), ('x = ["\xff"]', "b.toml")],
)
def test_a_blacklist_that_is_none_is_one_line(tmp_path: Path, text: str, part: str) -> None:
    (tmp_path / "b.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(TableError, match=r"^[^\n]*$") as caught:
        Blacklist.read(tmp_path / "b.toml")
    assert part in str(caught.value)
    with pytest.raises(TableError, match=r"cannot read .*: no such file or directory"):
        Blacklist.read(tmp_path / "none.toml")
