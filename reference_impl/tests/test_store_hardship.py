"""The store where it is hard: a full disk, damaged and read-only files, other writers, many accounts."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from seqproof_model.history import Code, Indefinite, Ok, Refused
from seqproof_reference import store as store_module
from seqproof_reference.store import MsgStore, StoreError

WAIT_S = 120


def run(program: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a small program in a process of its own."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> Any:
    """What it printed, as JSON."""
    out, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, err) == (0, "")
    return json.loads(out)


def bodies(path: Path, account: str = "x") -> list[tuple[int, str]]:
    with closing(MsgStore(path)) as store:
        answer = store.recv(account, 0)
        assert isinstance(answer, Ok)
        return list(answer.rows or ())


FILL = """
import json, resource, sys
from pathlib import Path
from seqproof_model.history import Ok
from seqproof_reference.store import MsgStore

store = MsgStore(Path(sys.argv[1]))
limit = 600_000
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
stored, refused = [], []
for number in range(200):
    answer = store.send("x", "s", f"c{number}", f"{number} " + "b" * 3000)
    (stored if isinstance(answer, Ok) else refused).append((number, getattr(answer, "seq", str(answer))))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
again = [store.send("x", "s", f"c{number}", "again").seq for number, _ in refused[:3]]
print(json.dumps([stored, refused, again]))
"""


def test_a_disk_that_is_really_full_refuses_and_leaves_nothing(tmp_path: Path) -> None:
    """SND-5: the kernel lets no file grow. What was refused takes no seq, and is stored when there is room."""
    stored, refused, again = said(run(FILL, tmp_path / "m.db"))
    assert len(stored) > 10
    assert len(refused) > 10
    assert [seq for _, seq in stored] == list(range(1, len(stored) + 1))
    assert {why.startswith("Refused(code=<Code.STORE") for _, why in refused} == {True}, refused[0]
    assert again == [len(stored) + n for n in (1, 2, 3)]
    rows = bodies(tmp_path / "m.db")
    assert [body.split()[0] for _, body in rows] == [str(number) for number, _ in stored] + ["again"] * 3


def test_that_test_would_see_a_store_that_calls_it_unknown(tmp_path: Path) -> None:
    """Planted: any input or output error in the commit leaves the outcome open, though here it is known."""
    planted = FILL.replace("\nstore = ", "\nimport sqlite3\nsqlite3.SQLITE_IOERR_WRITE = -1\nstore = ", 1)
    _, refused, _ = said(run(planted, tmp_path / "m.db"))
    assert any(why.startswith("Indefinite") for _, why in refused)


def test_a_write_that_failed_in_the_commit_is_definite_and_a_sync_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing:
        code = 0

        def __init__(self, db: sqlite3.Connection) -> None:
            self.db = db
            self.close = db.close

        def execute(self, sql: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
            if sql != "COMMIT":
                return self.db.execute(sql, values)
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = self.code
            raise error

    with closing(MsgStore(tmp_path / "m.db")) as store:
        failing = Failing(store._db)  # pyright: ignore[reportPrivateUsage]
        monkeypatch.setattr(store, "_db", failing)
        failing.code = sqlite3.SQLITE_IOERR_WRITE
        assert store.send("x", "s", "", "m") == Refused(Code.STORE, detail="disk I/O error")
        failing.code = sqlite3.SQLITE_IOERR_FSYNC
        assert store.send("x", "s", "", "m") == Indefinite("disk I/O error")


def test_a_file_that_cannot_be_written_is_refused_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The superuser may write a read-only file, so SQLite itself is told not to."""
    path = tmp_path / "m.db"
    MsgStore(path).close()
    connect = sqlite3.connect

    def read_only(where: Path, **options: Any) -> sqlite3.Connection:
        opened: sqlite3.Connection = connect(f"file:{where}?mode=ro", uri=True, **options)
        return opened

    monkeypatch.setattr(sqlite3, "connect", read_only)
    with pytest.raises(StoreError, match=r"m\.db as the store: attempt to write a readonly database; name another"):
        MsgStore(path)


def filled(path: Path, messages: int = 300) -> None:
    with closing(MsgStore(path)) as store:
        for number in range(messages):
            store.send("x", "s", f"c{number}", "b" * 500)


def damage(path: Path, pages: range) -> None:
    """Overwrite whole pages in the middle of the file."""
    with path.open("r+b") as file:
        for page in pages:
            file.seek(page * 4096)
            file.write(bytes([page % 251]) * 4096)


@pytest.mark.parametrize("pages", [range(20, 21), range(8, 40), range(1, 2)])
def test_a_page_that_is_damaged_in_the_middle_is_found_at_the_start(tmp_path: Path, pages: range) -> None:
    filled(tmp_path / "m.db")
    damage(tmp_path / "m.db", pages)
    done = subprocess.run(
        [sys.executable, "-m", "seqproof_reference", "--db", str(tmp_path / "m.db")],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (4, "", 1)
    assert "m.db is damaged (" in done.stderr
    assert "restore it from a backup" in done.stderr


def test_in_a_file_too_large_for_the_check_damage_is_refused_as_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path / "m.db")
    damage(tmp_path / "m.db", range(8, 40))
    monkeypatch.setattr(store_module, "CHECK_BYTES", 1)
    with closing(MsgStore(tmp_path / "m.db")) as store:
        assert store.recv("x", 0) == Refused(Code.STORE, detail="database disk image is malformed")


SEND = """
import json, sys
from pathlib import Path
from seqproof_reference.store import MsgStore

store = MsgStore(Path(sys.argv[1]), busy_timeout_s=60)
me = sys.argv[2]
print(json.dumps([(store.send("x", me, str(n), f"{me} {n}").seq, f"{me} {n}") for n in range(100)]))
store.close()
"""


def test_writers_in_three_processes_give_out_each_seq_once(tmp_path: Path) -> None:
    """SEQ-2, SEQ-3, SND-1: contiguous, unique, and each acknowledged message is there under its seq."""
    MsgStore(tmp_path / "m.db").close()
    processes = [run(SEND, tmp_path / "m.db", me) for me in "abc"]
    told = [(seq, body) for process in processes for seq, body in said(process)]
    assert sorted(seq for seq, _ in told) == list(range(1, 301))
    assert sorted(told) == bodies(tmp_path / "m.db")


def test_ten_thousand_accounts(tmp_path: Path) -> None:
    """Each has its own space, marks and phone; what one does costs no more for the others."""
    with closing(MsgStore(tmp_path / "m.db")) as store:
        store._db.execute("PRAGMA synchronous = OFF")  # pyright: ignore[reportPrivateUsage] - 10 000 syncs take long
        names = [f"u{number}" for number in range(10_000)]
        assert {store.send(name, "s", "c", name) for name in names} == {Ok(seq=1)}
        store.remember_phone("u0", "A")
        assert [store.recv(name, 0) for name in names[::997]] == [
            Ok(rows=((1, name),), more=False, upto=1) for name in names[::997]
        ]
    with closing(MsgStore(tmp_path / "m.db")) as store:
        assert store.phones() == [("u0", "A")]
        assert store.send("u9999", "s", "", "m") == Ok(seq=2)
