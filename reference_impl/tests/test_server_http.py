"""The server as a process: the contract on the wire, malformed requests, kills, and a start that cannot be."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from seqproof_model.profile import UINT_MAX
from seqproof_reference import listen


class Served:
    """A server process and a client for it; ``path`` is its database."""

    def __init__(self, path: Path, *options: str) -> None:
        command = [sys.executable, "-m", "seqproof_reference", "--db", str(path), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        self.client = httpx.Client(base_url=self.line.split()[-1]) if self.line else httpx.Client()

    def post(self, path: str, json: object = None, **more: Any) -> tuple[int, dict[str, Any]]:
        """Returns the status and the JSON of the answer."""
        response = self.client.post(path, json=json, **more)
        return response.status_code, response.json()

    def send(self, body: str, client_id: str = "", account: str = "x") -> tuple[int, dict[str, Any]]:
        """Send a message."""
        return self.post(f"/v1/accounts/{account}/messages", {"sender": "s", "client_id": client_id, "body": body})

    def recv(self, seq_cli: object, account: str = "x") -> tuple[int, dict[str, Any]]:
        """Ask; the epoch, which is random, is left out."""
        status, said = self.post(f"/v1/accounts/{account}/recv", {"phone": "A", "seq_cli": seq_cli})
        said.pop("epoch", None)
        return status, said

    def end(self, number: int = signal.SIGKILL) -> tuple[int, str, str]:
        """Send the signal; returns exit code, the rest of stdout, stderr."""
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, err = self.process.communicate()
        return self.process.returncode, out, err

    def refused_to_start(self) -> tuple[int, str]:
        """It ended by itself without a line on stdout; returns exit code and stderr."""
        assert self.line == "", "it listens"
        self.client.close()
        _, err = self.process.communicate()
        return self.process.returncode, err


Start = Callable[..., Served]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start servers on one database; each is killed by its own id in the end."""
    started: list[Served] = []

    def begin(*options: str) -> Served:
        started.append(Served(tmp_path / "msgs.db", *options))
        return started[-1]

    yield begin
    for served in started:
        served.end()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server with admin for the tests that keep to an account of their own."""
    served = Served(tmp_path_factory.mktemp("shared") / "msgs.db", "--admin", "--nonce", "n1")
    yield served
    served.end()


def test_hello_proves_which_process_answers(shared: Served) -> None:
    assert shared.client.get("/v1/hello").json() == {
        "server": "seqproof-reference 0.1.0",
        "nonce": "n1",
        "page_size": None,
        "admin": True,
        "pid": shared.process.pid,
    }


def test_send_and_recv(shared: Served) -> None:
    assert shared.send("m1", account="plain") == (200, {"seq": 1})
    assert shared.recv(0, "plain") == (200, {"rows": [[1, "m1"]], "more": False, "upto": 1})
    assert shared.recv(1, "plain") == (200, {"rows": [], "more": False, "upto": None})
    assert shared.recv(2, "plain") == (409, {"error": "ahead", "seq_svr": 1})


def test_every_recv_tells_the_same_epoch(shared: Served) -> None:
    epochs = {shared.post("/v1/accounts/e/recv", {"phone": "A", "seq_cli": 0})[1]["epoch"] for _ in range(2)}
    assert len(epochs) == 1


BAD_SEQ_CLI = ["-1", "1.0", "1.5", "1e0", '"1"', "true", "null", "NaN", str(UINT_MAX + 1), str(2**64), "1" * 400, "[1]"]


@pytest.mark.parametrize("text", BAD_SEQ_CLI)
def test_a_malformed_seq_cli_is_refused_without_effect(shared: Served, text: str) -> None:
    """SEQ-7."""
    account = f"malformed-{BAD_SEQ_CLI.index(text)}"
    shared.send("m1", account=account)
    status, said = shared.post(f"/v1/accounts/{account}/recv", content=f'{{"phone": "A", "seq_cli": {text}}}'.encode())
    assert (status, said["error"]) == (400, "malformed")
    assert shared.recv(0, account)[1]["rows"] == [[1, "m1"]]
    assert shared.send("m2", account=account) == (200, {"seq": 2})


BAD_SENDS = [
    b"",
    b"[]",
    b"{",
    b'{"sender": "s"}',
    b'{"sender": "", "body": "b"}',
    b'{"sender": "s", "body": "\xff"}',
    b'{"sender": "s", "body": "\\ud800"}',
    b'{"sender": "s", "body": 1}',
]


@pytest.mark.parametrize("content", BAD_SENDS)
def test_a_malformed_send_takes_no_seq(shared: Served, content: bytes) -> None:
    status, said = shared.post("/v1/accounts/bad-send/messages", content=content)
    assert (status, said["error"]) == (400, "malformed")
    assert shared.recv(0, "bad-send")[1]["rows"] == []


@pytest.mark.parametrize("path", ["/v1/accounts/%ff/messages", "/v1/accounts/" + "a" * 257 + "/messages"])
def test_an_account_that_cannot_be_told_from_others_is_refused(shared: Served, path: str) -> None:
    status, said = shared.post(path, {"sender": "s", "body": "b"})
    assert (status, said["error"]) == (400, "malformed")


def test_an_account_and_a_body_may_hold_any_text(shared: Served) -> None:
    body = "é\u0000\U0001f600'\"\\;--"
    assert shared.send(body, account="a'%20b%00")[0] == 200
    assert shared.recv(0, "a'%20b%00")[1]["rows"] == [[1, body]]


def test_a_request_over_the_bound_is_refused(shared: Served) -> None:
    status, said = shared.send("b" * (1 << 20), account="large")
    assert (status, said["error"]) == (413, "too_large")
    assert shared.recv(0, "large")[1]["rows"] == []


def test_other_paths_and_methods_answer_in_json(shared: Served) -> None:
    assert shared.post("/nowhere")[1]["error"] == "not_found"
    assert shared.client.put("/v1/hello").json()["error"] == "method_not_allowed"


def test_admin(shared: Served) -> None:
    """preset_seq, exhaustion (SEQ-6), trim, reset, fail_next_store (SND-5)."""
    at = "/admin/accounts/adm"
    assert shared.post(f"{at}/preset_seq", {"seq": UINT_MAX - 1}) == (200, {})
    assert shared.post(f"{at}/preset_seq", {"seq": 5})[0] == 409
    assert shared.post(f"{at}/preset_seq", {"seq": UINT_MAX + 1})[0] == 400
    assert shared.post("/admin/fail_next_store") == (200, {})
    assert shared.send("m", account="adm") == (503, {"error": "store", "detail": "told to fail"})
    assert shared.send("m", account="adm") == (200, {"seq": UINT_MAX})
    assert shared.send("m", account="adm") == (507, {"error": "full"})
    assert shared.recv(UINT_MAX, "adm")[0] == 200
    assert shared.post(f"{at}/trim") == (200, {})
    assert shared.post(f"{at}/reset") == (200, {})
    assert shared.send("m", account="adm") == (200, {"seq": 1})


def test_without_the_flag_there_is_no_admin(start: Start) -> None:
    served = start()
    paths = ["/admin/fail_next_store", *(f"/admin/accounts/x/{name}" for name in ("reset", "preset_seq", "trim"))]
    assert [served.post(path, {"seq": 1})[0] for path in paths] == [404] * 4
    assert served.client.get("/v1/hello").json()["admin"] is False


def test_pages_over_http(start: Start) -> None:
    served = start("--page-size", "2")
    for body in "abc":
        served.send(body)
    assert served.recv(0)[1] == {"rows": [[1, "a"], [2, "b"]], "more": True, "upto": 2}
    assert served.recv(2)[1] == {"rows": [[3, "c"]], "more": False, "upto": 3}


def test_what_was_acknowledged_survives_sigkill(start: Start) -> None:
    """SEQ-5, CNF-4, SND-1, SND-3: messages, marks and notes, each time the process is killed."""
    for round_ in range(3):
        served = start()
        assert served.send(f"m{round_}", client_id=f"c{round_}") == (200, {"seq": round_ + 1})
        assert served.recv(round_)[1]["rows"] == [[round_ + 1, f"m{round_}"]]
        assert served.end(signal.SIGKILL)[0] == -signal.SIGKILL
    served = start()
    assert served.send("m0", client_id="c0") == (200, {"seq": 1})
    assert served.recv(0)[1]["rows"] == [[3, "m2"]]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_order(start: Start, number: int) -> None:
    served = start()
    served.send("m1")
    assert served.end(number) == (0, "", "")


def test_one_line_on_stdout(start: Start) -> None:
    served = start()
    assert served.line == f"seqproof-reference listening on http://127.0.0.1:{served.client.base_url.port}\n"


def test_answers_do_not_wait_for_an_ack() -> None:
    """Asyncio sets TCP_NODELAY only on sockets that name their protocol; without it each answer takes 40 ms."""
    with listen.bind("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_a_port_in_use_is_one_clear_line(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, err = start("--port", str(port)).refused_to_start()
    assert code == 4
    assert err == (
        f"seqproof-reference: cannot listen on 127.0.0.1:{port}: address already in use; --port 0 takes a free port\n"
    )


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--page-size", "0"], "page of 0 rows"),
        (["--port", "70000"], "cannot listen"),
        (["--host", "256.0.0.1"], "--host"),
    ],
)
def test_a_start_that_cannot_be_is_one_line(start: Start, options: list[str], part: str) -> None:
    code, err = start(*options).refused_to_start()
    assert (code, err.count("\n")) == (4, 1)
    assert part in err


def test_a_damaged_database_is_one_line(start: Start, tmp_path: Path) -> None:
    (tmp_path / "msgs.db").write_bytes(b"not a database" * 1000)
    code, err = start().refused_to_start()
    assert code == 4
    assert err.startswith("seqproof-reference: cannot use ")
    assert err.endswith("file is not a database; name another file with --db\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write a read-only file; test_store has query_only")
def test_a_read_only_database_is_one_line(start: Start, tmp_path: Path) -> None:
    assert start().end(signal.SIGTERM)[0] == 0
    (tmp_path / "msgs.db").chmod(0o444)
    code, err = start().refused_to_start()
    assert (code, err.count("\n")) == (4, 1)
