"""What a stranger gets from a real server: nothing; and a server that is open to nobody by accident."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from seqproof_reference import connect_svr
from seqproof_reference.serve import Options, ServeError, serving

ALICE, BOB = "alice-0123456789abcdef", "bob-0123456789abcdefgh"
WAIT_S = 10.0
SEND = {"sender": "alice", "client_id": "c1", "body": "m1"}
RECV = {"phone": "A", "seq_cli": 0}


def tokens(folder: Path) -> Path:
    path = folder / "tokens.toml"
    path.write_text(f'alice = "{ALICE}"\nbob = "{BOB}"\n')
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("guarded")
    with serving(Options(folder / "msgs.db", tokens=tokens(folder), rate=1000, admin=True)) as urls:
        yield urls[0]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def post(url: str, path: str, said: object, headers: dict[str, str] | None = None) -> tuple[int, dict[str, object]]:
    reply = httpx.post(f"{url}{path}", json=said, headers=headers, timeout=WAIT_S, trust_env=False)
    return reply.status_code, reply.json()


def test_a_message_goes_from_its_sender_to_an_inbox_that_its_owner_reads(url: str) -> None:
    assert post(url, "/v1/accounts/bob/messages", SEND, bearer(ALICE)) == (200, {"seq": 1})
    status, said = post(url, "/v1/accounts/bob/recv", RECV, bearer(BOB))
    assert (status, said["rows"]) == (200, [[1, "m1"]])


@pytest.mark.parametrize(
    ("path", "said", "headers", "expected"),
    [
        ("bob/recv", RECV, {}, (401, "unauthorized")),
        ("bob/recv", RECV, bearer("x" * 20), (401, "unauthorized")),
        ("bob/recv", RECV, bearer(ALICE), (403, "forbidden")),
        ("bob/recv", "nonsense", bearer(ALICE), (403, "forbidden")),
        ("alice/messages", SEND, {}, (401, "unauthorized")),
        ("alice/messages", SEND, bearer(BOB), (403, "forbidden")),
        ("alice/messages", SEND, bearer(ALICE) | {"Origin": "https://evil.example"}, (403, "forbidden")),
    ],
)
def test_a_stranger_reads_nothing_and_writes_in_nobodys_name(
    url: str, path: str, said: object, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    status, answer = post(url, f"/v1/accounts/{path}", said, headers)
    assert (status, answer["error"]) == expected
    assert post(url, "/v1/accounts/alice/recv", RECV, bearer(ALICE))[1]["rows"] == []


def test_a_stranger_confirms_nothing(url: str) -> None:
    """CNF-3: a recv that is refused has no effect."""
    post(url, "/v1/accounts/bob/messages", SEND | {"client_id": "c2"}, bearer(ALICE))
    rows = post(url, "/v1/accounts/bob/recv", RECV, bearer(BOB))[1]["rows"]
    assert rows
    post(url, "/v1/accounts/bob/recv", {"phone": "A", "seq_cli": 1}, bearer(ALICE))
    assert post(url, "/v1/accounts/bob/recv", RECV, bearer(BOB))[1]["rows"] == rows


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), (bearer(ALICE), 403), (bearer(BOB) | {"Origin": "https://evil.example"}, 403)],
)
def test_a_stranger_is_sent_no_tips(url: str, headers: dict[str, str], status: int) -> None:
    where = f"{url.replace('http', 'ws')}/v1/accounts/bob/tips?phone=A"
    with pytest.raises(InvalidStatus) as caught, connect(where, additional_headers=headers, proxy=None):
        pass
    assert caught.value.response.status_code == status
    with connect(where, additional_headers=bearer(BOB), proxy=None) as phone:
        phone.send('{"ping":1}')
        assert json.loads(phone.recv(timeout=WAIT_S)) == {"pong": 1}


def test_a_page_in_a_browser_cannot_use_admin(url: str) -> None:
    status, said = post(url, "/admin/accounts/bob/reset", None, {"Origin": "http://127.0.0.1"})
    assert (status, said["error"]) == (403, "forbidden")


def test_a_token_that_asks_too_often_is_refused_without_effect(tmp_path: Path) -> None:
    options = Options(tmp_path / "msgs.db", tokens=tokens(tmp_path), rate=0.001, burst=2)
    with serving(options) as urls:
        said = [post(urls[0], "/v1/accounts/bob/messages", {"sender": "alice", "body": "m"}, bearer(ALICE))[0]]
        where = f"{urls[0].replace('http', 'ws')}/v1/accounts/alice/tips?phone=A"
        with connect(where, additional_headers=bearer(ALICE), proxy=None) as phone:
            phone.send('{"ping":1}')
            with pytest.raises(ConnectionClosed, match="too many pings"):
                phone.recv(timeout=WAIT_S)
        refused = httpx.post(f"{urls[0]}/v1/accounts/bob/messages", json=SEND, headers=bearer(ALICE), trust_env=False)
        said.append(refused.status_code)
        rows = post(urls[0], "/v1/accounts/bob/recv", RECV, bearer(BOB))[1]["rows"]
    assert (said, refused.json()["error"], refused.headers["Retry-After"]) == ([200, 429], "rate", "1000")
    assert rows == [[1, "m"]]


def test_an_account_has_so_many_connections_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect_svr, "MAX_CONNECTIONS", 1)
    with serving(Options(tmp_path / "msgs.db")) as urls:
        where = f"{urls[0].replace('http', 'ws')}/v1/accounts/bob/tips?phone="
        with connect(where + "A", proxy=None) as first:
            with pytest.raises(InvalidStatus, match="429"), connect(where + "B", proxy=None):
                pass
            with connect(where.replace("bob", "alice") + "A", proxy=None):
                first.send('{"ping":1}')
                first.recv(timeout=WAIT_S)


def test_a_head_over_the_bound_is_refused(url: str) -> None:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port or 0), timeout=WAIT_S) as client:
        client.sendall(b"GET /v1/hello HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 100_000)
        assert client.recv(4096).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("more", "mend"),
    [
        ([], "give --tokens FILE, or listen"),
        (["--admin"], "give --tokens FILE without --admin"),
        (["--tokens", "TOKENS", "--admin"], "leave out --admin"),
    ],
)
def test_a_server_that_is_open_to_all_is_not_started_by_accident(tmp_path: Path, more: list[str], mend: str) -> None:
    """It is refused before anything is bound or made."""
    options = [str(tokens(tmp_path)) if word == "TOKENS" else word for word in more]
    everywhere = ["--host", "0.0.0.0"]  # noqa: S104
    command = [sys.executable, "-m", "seqproof_reference", "--db", str(tmp_path / "m.db"), *everywhere, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (4, "", 1)
    assert mend in done.stderr
    assert "say --unprotected" in done.stderr
    assert not (tmp_path / "m.db").exists()


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"rate": 5.0}, "give --tokens FILE, too"),
        ({"tokens": Path("none.toml")}, "cannot read none.toml"),
        ({"blacklist": Path("none.toml")}, "cannot read none.toml"),
        ({"connect": 0}, "give --connect 1 to 64"),
        ({"connect": 65}, "give --connect 1 to 64"),
    ],
)
def test_options_that_cannot_be_are_one_line(tmp_path: Path, change: dict[str, object], part: str) -> None:
    options = Options(**({"db": tmp_path / "m.db"} | change))  # type: ignore[arg-type]
    with pytest.raises(ServeError, match=r"^[^\n]*$") as caught, serving(options):
        pass
    assert part in str(caught.value)


def test_a_rate_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(ServeError, match="--rate nan"),
        serving(Options(tmp_path / "m.db", tokens=tokens(tmp_path), rate=float("nan"))),
    ):
        pass
