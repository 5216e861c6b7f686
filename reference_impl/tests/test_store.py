"""The store: marks, notes, pages, the end of the space, and failures that leave nothing behind."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from seqproof_model.history import Answer, Code, Indefinite, Ok, Refused
from seqproof_model.profile import UINT_MAX
from seqproof_reference.store import MsgStore, NotEmptyError, StoreError


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MsgStore]:
    with closing(MsgStore(tmp_path / "msgs.db")) as opened:
        yield opened


def send(store: MsgStore, count: int, account: str = "x") -> None:
    for number in range(count):
        store.send(account, "s", "", f"m{number}")


def seqs(answer: Answer) -> list[int]:
    assert isinstance(answer, Ok)
    assert answer.rows is not None
    return [seq for seq, _ in answer.rows]


def broken(store: MsgStore, pragma: str) -> None:
    """Make SQLite itself fail, from inside: as a full or a read-only disk would."""
    store._db.execute(pragma)  # pyright: ignore[reportPrivateUsage]


def test_golden_f4_f5_f6(store: MsgStore) -> None:
    """F4, F5, F6 of the article: RCV-1, CNF-1, CNF-6."""
    send(store, 150)
    assert seqs(store.recv("x", 100)) == list(range(101, 151))  # F4
    send(store, 50)
    assert seqs(store.recv("x", 150)) == list(range(151, 201))  # F5
    assert seqs(store.recv("x", 120)) == list(range(151, 201))  # F6


def test_seqs_are_contiguous_and_accounts_apart(store: MsgStore) -> None:
    assert [store.send("x", "s", "", "a"), store.send("y", "s", "", "b"), store.send("x", "s", "", "c")] == [
        Ok(seq=1),
        Ok(seq=1),
        Ok(seq=2),
    ]
    assert store.recv("y", 0) == Ok(rows=((1, "b"),), more=False, upto=1)


def test_an_empty_reply_has_no_upto(store: MsgStore) -> None:
    assert store.recv("never seen", 0) == Ok(rows=(), more=False, upto=None)


def test_ahead_is_refused_by_name_and_confirms_nothing(store: MsgStore) -> None:
    """RCV-6."""
    send(store, 2)
    assert store.recv("x", 3) == Refused(Code.AHEAD, seq_svr=2)
    assert seqs(store.recv("x", 0)) == [1, 2]
    assert store.recv("never seen", 1) == Refused(Code.AHEAD, seq_svr=0)


def test_confirmed_never_falls(store: MsgStore) -> None:
    """CNF-2, RCV-5."""
    send(store, 3)
    assert seqs(store.recv("x", 2)) == [3]
    assert seqs(store.recv("x", 1)) == [3]
    assert seqs(store.recv("x", 0)) == [3]


def test_the_space_ends_at_seq_max_and_recv_goes_on(store: MsgStore) -> None:
    """SEQ-1, SEQ-6."""
    store.preset_seq("x", UINT_MAX - 1)
    assert store.send("x", "s", "c1", "last") == Ok(seq=UINT_MAX)
    assert store.send("x", "s", "c2", "over") == Refused(Code.FULL)
    assert store.send("x", "s", "c1", "last") == Ok(seq=UINT_MAX)
    assert store.recv("x", 0) == Ok(rows=((UINT_MAX, "last"),), more=False, upto=UINT_MAX)
    assert seqs(store.recv("x", UINT_MAX)) == []


def test_another_space(tmp_path: Path) -> None:
    with closing(MsgStore(tmp_path / "m.db", first_seq=10, seq_max=11)) as store:
        assert [store.send("x", "s", "", "m") for _ in range(3)] == [Ok(seq=10), Ok(seq=11), Refused(Code.FULL)]
        assert seqs(store.recv("x", 9)) == [10, 11]
    with pytest.raises(ValueError, match="SQLite keeps no larger"):
        MsgStore(tmp_path / "m.db", seq_max=2**64 - 1)


def test_a_repeat_answers_the_first_seq_also_after_a_trim(store: MsgStore) -> None:
    """SND-3, SND-4."""
    assert store.send("x", "s", "c1", "m") == Ok(seq=1)
    store.recv("x", 1)
    store.trim("x")
    assert store.send("x", "s", "c1", "m") == Ok(seq=1)
    assert store.send("x", "other sender", "c1", "m") == Ok(seq=2)
    assert store.send("y", "s", "c1", "m") == Ok(seq=1)
    assert [store.send("x", "s", "", "same body") for _ in range(2)] == [Ok(seq=3), Ok(seq=4)]


def test_trim_takes_only_what_is_confirmed(store: MsgStore) -> None:
    """CNF-7, SEQ-3."""
    send(store, 3)
    store.recv("x", 2)
    store.trim("x")
    assert seqs(store.recv("x", 0)) == [3]
    store.recv("x", 3)
    store.trim("x")
    assert store.send("x", "s", "", "next") == Ok(seq=4)


def test_preset_wants_an_empty_account(store: MsgStore) -> None:
    store.preset_seq("x", 7)
    assert store.send("x", "s", "", "m") == Ok(seq=8)
    with pytest.raises(NotEmptyError):
        store.preset_seq("x", 9)
    store.reset("x")
    assert seqs(store.recv("x", 0)) == []
    store.preset_seq("x", 9)


@pytest.mark.parametrize(
    ("sent", "page", "given", "more"),
    [(2, 2, 2, False), (3, 2, 2, True), (1, 2, 1, False), (0, 2, 0, False), (2, 1, 1, True)],
)
def test_page_edges(tmp_path: Path, sent: int, page: int, given: int, more: bool) -> None:
    """RCV-2: lowest first, ``more`` exact, ``upto`` the last row's seq."""
    with closing(MsgStore(tmp_path / "m.db", page_size=page)) as store:
        send(store, sent)
        answer = store.recv("x", 0)
        assert isinstance(answer, Ok)
        assert (seqs(answer), answer.more, answer.upto) == (list(range(1, given + 1)), more, given or None)


def test_a_row_larger_than_a_page_still_goes_out(tmp_path: Path) -> None:
    """RCV-3."""
    with closing(MsgStore(tmp_path / "m.db", page_size=5, page_bytes=4)) as store:
        for body in ("oversized", "ab", "cd", "e"):
            store.send("x", "s", "", body)
        assert [(seqs(answer), more_of(answer)) for answer in map(store.recv, "xxx", (0, 1, 3))] == [
            ([1], True),
            ([2, 3], True),
            ([4], False),
        ]


def more_of(answer: Answer) -> bool | None:
    assert isinstance(answer, Ok)
    return answer.more


def test_a_failed_store_leaves_nothing(store: MsgStore) -> None:
    """SND-5, SND-3: no row, no seq, no note."""
    store.fail_next_store()
    assert store.send("x", "s", "c1", "m") == Refused(Code.STORE, detail="told to fail")
    assert seqs(store.recv("x", 0)) == []
    assert store.send("x", "s", "c1", "m") == Ok(seq=1)


def test_a_full_disk_leaves_nothing(store: MsgStore) -> None:
    send(store, 1)
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]  # pyright: ignore[reportPrivateUsage]
    broken(store, f"PRAGMA max_page_count = {pages}")
    refused = store.send("x", "s", "c", "b" * 100_000)
    assert refused == Refused(Code.STORE, detail="database or disk is full")
    broken(store, "PRAGMA max_page_count = 1000000")
    assert store.send("x", "s", "c", "fits now") == Ok(seq=2)


def test_a_read_only_disk_refuses_and_leaves_nothing(store: MsgStore) -> None:
    send(store, 2)
    broken(store, "PRAGMA query_only = ON")
    refused = [store.send("x", "s", "", "m"), store.recv("x", 1)]
    assert [answer.code for answer in refused if isinstance(answer, Refused)] == [Code.STORE, Code.STORE]
    broken(store, "PRAGMA query_only = OFF")
    assert seqs(store.recv("x", 0)) == [1, 2]


def test_an_io_error_in_the_commit_is_indefinite(store: MsgStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written of a commit may come back after a restart: neither yes nor no."""

    class Failing:
        def __init__(self, db: sqlite3.Connection) -> None:
            self.db = db
            self.close = db.close

        def execute(self, sql: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
            if sql != "COMMIT":
                return self.db.execute(sql, values)
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise error

    monkeypatch.setattr(store, "_db", Failing(store._db))  # pyright: ignore[reportPrivateUsage]
    assert store.send("x", "s", "", "m") == Indefinite("disk I/O error")


def test_a_closed_store_refuses(tmp_path: Path) -> None:
    store = MsgStore(tmp_path / "m.db")
    store.close()
    store.close()
    assert store.send("x", "s", "", "m") == Refused(Code.STORE, detail="Cannot operate on a closed database.")


def test_another_process_that_holds_the_file_makes_it_refuse(tmp_path: Path) -> None:
    with closing(MsgStore(tmp_path / "m.db", busy_timeout_s=0)) as store:
        other = sqlite3.connect(tmp_path / "m.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert store.send("x", "s", "", "m") == Refused(Code.STORE, detail="database is locked")
        other.close()
        assert store.send("x", "s", "", "m") == Ok(seq=1)


def test_concurrent_senders_get_distinct_contiguous_seqs(store: MsgStore) -> None:
    """SEQ-2, SEQ-3, and every body is there (SND-1)."""
    answers: list[Answer] = []

    def work(sender: str) -> None:
        answers.extend(store.send("x", sender, str(n), f"{sender}{n}") for n in range(20))

    threads = [threading.Thread(target=work, args=(f"s{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.seq or 0 for answer in answers if isinstance(answer, Ok)) == list(range(1, 161))
    rows = store.recv("x", 0)
    assert isinstance(rows, Ok)
    assert sorted(body for _, body in rows.rows or ()) == sorted(f"s{n}{k}" for n in range(8) for k in range(20))


def test_what_was_acknowledged_is_there_when_reopened_and_the_epoch_stays(tmp_path: Path) -> None:
    """SEQ-5, CNF-4, SEQ-8."""
    with closing(MsgStore(tmp_path / "m.db")) as store:
        send(store, 3)
        store.recv("x", 1)
        epoch = store.epoch
    with closing(MsgStore(tmp_path / "m.db")) as store:
        assert (seqs(store.recv("x", 0)), store.epoch) == ([2, 3], epoch)
    with closing(MsgStore(tmp_path / "m.db", restored=True)) as store:
        assert store.epoch != epoch


@pytest.mark.parametrize(
    "content", [b"this is no database at all, not even nearly" * 100, b"SQLite format 3\0" + b"x" * 900]
)
def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"m\.db"):
        MsgStore(path)
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute("CREATE TABLE account (name TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        MsgStore(path)
    assert path.read_bytes() == before


def test_a_path_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unable to open"):
        MsgStore(tmp_path / "no such folder" / "m.db")
