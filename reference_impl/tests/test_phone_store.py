"""The phone's two stores keep the same, one commit at a time, and a file outlives the app."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqproof_model.phone_words import Asks, Rows, Sends
from seqproof_reference.phone import Phone
from seqproof_reference.phone_shell import Store
from seqproof_reference.phone_store import Change, Dead, Kept, MemoryStore, Place, SqliteStore, Unsent

ROWS = (Kept("e1", 1, "a"), Kept("e1", 2, "b"))


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "phone.db")


def test_a_commit_keeps_messages_and_mark_of_one_account(store: Store) -> None:
    store.commit(Change("x", ROWS, Place(2, "e1")))
    assert store.rows("x") == list(ROWS)
    assert store.place("x") == Place(2, "e1")
    assert (store.rows("y"), store.place("y")) == ([], Place())


def test_a_message_that_comes_again_is_kept_once_and_as_it_was(store: Store) -> None:
    store.commit(Change("x", ROWS))
    store.commit(Change("x", (Kept("e1", 1, "other"), Kept("e2", 1, "c"))))
    assert store.rows("x") == [*ROWS, Kept("e2", 1, "c")]


def test_the_outbox_keeps_its_order_until_each_is_done(store: Store) -> None:
    for name in ("c1", "c2"):
        store.commit(Change("x", out=Unsent(name, f"hi {name}")))
    store.commit(Change("x", done="c1"))
    assert store.outbox("x") == [Unsent("c2", "hi c2")]
    assert store.outbox("y") == []


def test_a_fuse_burns_between_two_commits(store: Store) -> None:
    store.fuse.left = 1
    with pytest.raises(Dead):
        store.commit(Change("x", ROWS[:1]))
    with pytest.raises(Dead):
        store.commit(Change("x", ROWS[1:]))
    store.fuse.left = None
    assert store.rows("x") == [ROWS[0]]


def test_a_phone_on_a_file_goes_on_where_it_was(tmp_path: Path) -> None:
    first = Phone(SqliteStore(tmp_path / "phone.db"))
    assert first.start("x") == [Asks(1, "x", 0)]
    assert first.reply(1, Rows(((1, "a"),), more=False, epoch="e1")) == []
    (post,) = first.say("hello")
    assert isinstance(post, Sends)
    second = Phone(SqliteStore(tmp_path / "phone.db"))
    assert second.start() == [Asks(1, "x", 1, "e1"), Sends(2, "x", post.client_id, "hello")]
    assert second.held("x") == [(1, "a")]
