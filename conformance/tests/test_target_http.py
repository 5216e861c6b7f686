"""The target ``http:FILE.toml``: the shipped example against its own server, and what odd servers are taken for."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from seqproof_conformance.adapter import Adapter, AdapterFault, Capability, TargetError, greeted
from seqproof_conformance.http_client import REPLY_BYTES
from seqproof_conformance.process import free_port
from seqproof_conformance.target_http import HttpTarget, sample
from seqproof_conformance.targets import UnknownTarget, open_target
from seqproof_conformance.wire import Fault, FaultKind
from seqproof_model.history import Answer, Code, Indefinite, Ok, Refused

Run = Callable[..., tuple[int, str, str]]
ODD = """
base_url = "http://127.0.0.1:{port}"
fresh = "names"
timeout_s = {timeout}
errors = [
  {{ status = 409, code = "ahead", pointer = "/error", value = "ahead", seq_svr = "/svr", detail = "/why" }},
  {{ status = 409, code = "busy", pointer = "/retry", definite = false }},
  {{ status = 507, code = "full", on = "send" }},
  {{ status = 200, code = "policy", pointer = "/blocked", value = true }},
]
[send]
path = "/send"
body = {{ a = "{{account}}", b = "{{body}}" }}
seq = "/seq"
[recv]
path = "/recv/{{account}}/{{seq_cli}}"
method = "GET"
empty = [204]
rows = "/rows"
row_seq = "/n"
row_body = "/text"
more = "/more"
upto = "/upto"
epoch = "/epoch"
"""


def reply(status: int = 200, body: str = "", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body.encode())}", "Connection: close", *headers, "", body]
    return "\r\n".join(lines).encode()


def whole(request: bytes) -> bool:
    """Whether a request is there to its end; unread bytes would turn the end of the connection into a reset."""
    head, _, body = request.partition(b"\r\n\r\n")
    told = re.search(rb"Content-Length: (\d+)", head)
    return not request or (b"\r\n\r\n" in request and len(body) >= int(told[1] if told else 0))


@dataclass
class Odd:
    """A server that answers every request with the same bytes, then ends the connection; without bytes it hangs."""

    says: bytes = b""
    drips: bool = False
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    over: threading.Event = field(default_factory=threading.Event)
    heard: list[bytes] = field(default_factory=list[bytes])
    threads: list[threading.Thread] = field(default_factory=list[threading.Thread])

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def start(self, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run)
        self.threads.append(thread)
        thread.start()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self.over.is_set():
                connection = self.listener.accept()[0]
                self.start(lambda taken=connection: self.serve(taken))  # type: ignore[misc]

    def serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            request = connection.recv(65536)
            while not whole(request):
                request += connection.recv(65536)
            self.heard.append(request)
            if self.drips:
                while not self.over.wait(0.01):
                    connection.sendall(b"H" if len(self.heard) > 1 else b"HTTP/1.1 200 X\r\nX: " + b"y")
                    self.heard.append(b"")
            elif self.says:
                connection.sendall(self.says)
            else:
                self.over.wait(20)

    def close(self) -> None:
        self.over.set()
        with socket.create_connection(("127.0.0.1", self.port)):
            self.listener.close()
        for thread in self.threads:
            thread.join(20)


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[Callable[..., tuple[Odd, HttpTarget]]]:
    """Builds an odd server and a target on it."""
    made: list[Odd | HttpTarget] = []

    def build(says: bytes = b"", *, drips: bool = False, timeout: float = 5, text: str = ODD) -> tuple[Odd, HttpTarget]:
        server = Odd(says, drips)
        server.start(server.accept)
        file = tmp_path / "odd.toml"
        file.write_text(text.format(port=server.port, timeout=timeout), "utf-8")
        target = HttpTarget(file)
        made.extend([target, server])
        return server, target

    yield build
    for item in made:
        item.close()


def both(target: HttpTarget) -> list[Answer]:
    return [target.send("x", "s", "c1", "m"), target.recv("x", "A", 0)]


# ------------------------------------------------------------ the shipped example


def paged(tmp_path: Path) -> Path:
    text = Path(sample()).read_text("utf-8").replace("--admin", "--admin --page-size 2")
    (tmp_path / "paged.toml").write_text(text.replace("paging = false", "paging = true"), "utf-8")
    return tmp_path / "paged.toml"


def grades(text: str) -> dict[str, str]:
    return {grade["requirement"]: grade["result"] for grade in json.loads(text)["grades"]}


UNDESCRIBED = {Capability.BEGIN_SEND, Capability.TIPS, Capability.RECV_RAW, Capability.BACKUP}  # no file can say them


def test_the_shipped_example_is_conformant_and_graded_as_the_same_server_in_process_is(run: Run) -> None:
    code, out, err = run("run", f"http:{sample()}", "--json", "--length", "2")
    assert (code, err) == (0, "")
    assert json.loads(out)["server"].startswith("seqproof-reference ")
    in_process = grades(run("run", "mutant:CORRECT", "--json", "--length", "2")[1])
    assert grades(out) == in_process | dict.fromkeys(("PSH-1", "PSH-2", "PSH-3", "SEQ-8"), "not graded")


def test_a_paged_server_is_described_by_two_words(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("run", f"http:{paged(tmp_path)}", "--json", "-k", "RCV-3")
    assert code == 0
    assert grades(out) == grades(run("run", "reference:page=2", "--json", "-k", "RCV-3")[1])
    assert grades(out)["RCV-3"] == "pass"


def test_a_described_server_is_killed_and_restarted_on_its_store() -> None:
    target = open_target(f"http:{sample()}")
    assert isinstance(target, HttpTarget)
    assert target.server is not None
    assert not target.server.directory.exists()
    assert greeted(target).capabilities == set(Capability) - UNDESCRIBED - {Capability.PAGING}
    target.reset("x")
    assert target.send("x", "s", "c1", "a") == Ok(seq=1)
    target.kill()
    assert both(target) == [Refused(Code.UNREACHABLE, detail="the server does not run")] * 2
    with pytest.raises(TargetError, match=r"http\.toml: trim: the server does not run; call hello first, or restart"):
        target.trim("x")
    target.restart()
    answer = target.recv("x", "A", 0)
    assert isinstance(answer, Ok)
    assert answer.rows == ((1, "a"),)
    assert any("listening" in line for line in target.last_words())
    target.close()
    target.close()


def test_every_handle_of_the_shipped_example_works() -> None:
    target = open_target(f"http:{sample()}")
    assert isinstance(target, HttpTarget)
    target.hello()
    for account in ("x", "y é?#&", "%2F"):
        target.preset_seq(account, 2**32 - 2)
        target.fail_next_store()
        failed = target.send(account, "s", "c1", "a")
        assert isinstance(failed, Refused)
        assert failed.code is Code.STORE
        assert target.send(account, "s", "c2", "b") == Ok(seq=2**32 - 1)
        full = target.send(account, "s", "c3", "c")
        assert isinstance(full, Refused)
        assert full.code is Code.FULL
        assert target.recv(account, "A", 2**32 - 1) != Refused(Code.AHEAD)
        target.trim(account)
        target.reset(account)
        assert target.recv(account, "A", 5) == Refused(Code.AHEAD, seq_svr=0)
        malformed = target.recv(account, "A", -1)
        assert isinstance(malformed, Refused)
        assert malformed.code is Code.MALFORMED
        assert malformed.detail
    target.close()


def test_several_threads_may_ask_at_once() -> None:
    target = open_target(f"http:{sample()}")
    target.hello()
    seqs: list[int | None] = []

    def sender(name: str) -> None:
        for number in range(20):
            answer = target.send("x", name, f"c{number}", f"{name}{number}")
            assert isinstance(answer, Ok)
            seqs.append(answer.seq)

    threads = [threading.Thread(target=sender, args=(f"s{n}",)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seq or 0 for seq in seqs) == list(range(1, 241))
    target.close()


# ------------------------------------------------------------ what odd servers are taken for

SENT: list[tuple[bytes, Answer]] = [
    (reply(200, '{"seq": 7}'), Ok(seq=7)),
    (reply(200, '{"seq": 18446744073709551616}'), Ok(seq=2**64)),
    (reply(200, '{"seq": "9007199254740993"}'), Ok(seq=2**53 + 1)),
    (reply(200, '{"seq": -1}'), Ok(seq=-1)),
    (reply(507, "no JSON"), Refused(Code.FULL)),
    (reply(200, '{"blocked": true}'), Refused(Code.POLICY)),
    (reply(409, '{"error": "ahead", "svr": "9", "why": "late"}'), Refused(Code.AHEAD, seq_svr=9, detail="late")),
    (reply(409, '{"error": "ahead"}'), Refused(Code.AHEAD)),
]
RECEIVED: list[tuple[bytes, Answer]] = [
    (reply(200, '{"rows": []}'), Ok(rows=())),
    (reply(200, '{"rows": null}'), Ok(rows=())),
    (reply(204), Ok(rows=())),
    (
        reply(
            200,
            '{"rows": [{"n": "9007199254740993", "text": "消"}], "more": true, "upto": 9007199254740993, "epoch": 3}',
        ),
        Ok(rows=((2**53 + 1, "消"),), more=True, upto=2**53 + 1, epoch="3"),
    ),
    (reply(200, '{"rows": [], "more": null, "upto": null, "epoch": null}'), Ok(rows=())),
]
OPEN: list[tuple[str, bytes, str]] = [
    ("send", reply(200, "<html>"), "status 200 with a reply that cannot be read: no JSON"),
    ("send", reply(200, '{"seq": "\\ud800"}'), "no JSON"),
    ("send", reply(200, "[" * 100_000), "no JSON"),
    ("send", reply(200, "{}"), "seq is missing, not a whole number"),
    ("send", reply(200, "7"), "seq is missing, not a whole number"),
    ("send", reply(200, '{"seq": 7.0}'), "seq is 7.0, not a whole number"),
    ("send", reply(200, '{"seq": 1e3}'), "seq is 1000.0, not a whole number"),
    ("send", reply(200, '{"seq": true}'), "seq is true, not a whole number"),
    ("send", reply(200, '{"seq": "7.0"}'), 'seq is "7.0", not a whole number'),
    ("send", reply(200, '{"seq": null}'), "seq is null, not a whole number"),
    ("recv", reply(200, '{"rows": {}}'), "rows is {}, not a list"),
    ("recv", reply(200, "{}"), "rows is missing, not a list"),
    ("recv", reply(200, '{"rows": [[1, "a"]]}'), "row_seq is missing"),
    ("recv", reply(200, '{"rows": [{"n": 1.5, "text": "a"}]}'), "row_seq is 1.5, not a whole number"),
    ("recv", reply(200, '{"rows": [{"n": 1, "text": 5}]}'), "row_body is 5, not text"),
    ("recv", reply(200, '{"rows": [], "more": "no"}'), 'more is "no", not true or false'),
    ("recv", reply(200, '{"rows": [], "upto": 0.5}'), "upto is 0.5, not a whole number"),
    ("recv", reply(200, '{"rows": [], "epoch": []}'), "epoch is [], not text"),
    ("recv", reply(507), "undocumented: status 507"),
    ("send", reply(201, '{"seq": 7}'), "undocumented: status 201"),
    ("send", reply(500), "undocumented: status 500"),
    ("send", reply(302, "", "Location: /elsewhere"), "undocumented: status 302"),
    ("send", reply(409, '{"error": "other"}'), "undocumented: status 409"),
    ("send", reply(409, "no JSON"), "undocumented: status 409"),
    ("send", reply(409, '{"retry": 1}'), "status 409, busy, which the file does not call definite"),
    ("recv", reply(409, '{"error": "ahead", "svr": 1.0}'), "seq_svr is 1.0, not a whole number"),
    ("send", b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n{", "RemoteProtocolError: "),
    ("send", b"SSH-2.0-OpenSSH\r\n", "RemoteProtocolError: "),
    ("send", reply(200, "\x1f\x8b", "Content-Encoding: gzip"), "no JSON"),
]


@pytest.mark.parametrize(("says", "expected"), SENT)
def test_a_documented_answer_to_a_send_is_read_exactly(
    says: bytes, expected: Answer, odd: Callable[..., tuple[Odd, HttpTarget]]
) -> None:
    server, target = odd(says)
    assert target.send("x", "s", "c1", "m") == expected
    assert len([request for request in server.heard if request]) == 1


@pytest.mark.parametrize(("says", "expected"), RECEIVED)
def test_a_documented_answer_to_a_recv_is_read_exactly(
    says: bytes, expected: Answer, odd: Callable[..., tuple[Odd, HttpTarget]]
) -> None:
    assert odd(says)[1].recv("x", "A", 0) == expected


@pytest.mark.parametrize(("name", "says", "why"), OPEN)
def test_any_other_answer_leaves_the_outcome_open(
    name: str, says: bytes, why: str, odd: Callable[..., tuple[Odd, HttpTarget]]
) -> None:
    server, target = odd(says)
    answer = both(target)[name == "recv"]
    assert isinstance(answer, Indefinite)
    assert why in answer.why
    assert "\n" not in answer.why
    assert len([request for request in server.heard if request]) == 2, "it asked again, or followed a redirect"


def test_a_server_that_hangs_or_drips_leaves_the_outcome_open(odd: Callable[..., tuple[Odd, HttpTarget]]) -> None:
    late = Indefinite("no whole reply within 0.2 s")
    assert odd(timeout=0.2)[1].send("x", "s", "c1", "m") == late
    _, target = odd()
    target.bound(0.1)
    assert target.send("x", "s", "c1", "m") == Indefinite("no whole reply within 0.1 s")
    server, target = odd(drips=True, timeout=0.2)
    assert target.send("x", "s", "c1", "m") == late
    assert server.heard.count(b"") > 2, "it must have been answering all the time"


def test_a_huge_answer_is_not_taken_into_memory(odd: Callable[..., tuple[Odd, HttpTarget]]) -> None:
    head = f"HTTP/1.1 200 X\r\nContent-Length: {REPLY_BYTES + 1}\r\n\r\n".encode()
    answer = odd(head + b" " * (REPLY_BYTES + 1))[1].send("x", "s", "c1", "m")
    assert answer == Indefinite("a reply of more than 16 MiB")


def test_what_the_server_hears_is_what_the_file_says(odd: Callable[..., tuple[Odd, HttpTarget]]) -> None:
    text = 'headers = {{ X-Team = "a", x-who = "all" }}\n' + ODD.replace(
        'path = "/send"', 'path = "/send"\nheaders = {{ X-Who = "{{client_id}}" }}'
    )
    server, target = odd(reply(200, '{"seq": 1, "rows": []}'), text=text)
    both(target)
    sent, received = (request.decode() for request in server.heard)
    assert sent.startswith("POST /send HTTP/1.1\r\n")
    assert {"X-Who: c1", "X-Team: a", "Content-Type: application/json"} <= set(sent.split("\r\n"))
    assert "x-who" not in sent
    assert sent.endswith('{"a":"x","b":"m"}')
    assert received.startswith("GET /recv/x/0 HTTP/1.1\r\n")
    assert "x-who: all" in received


def test_proxies_of_the_environment_are_not_used(
    odd: Callable[..., tuple[Odd, HttpTarget]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert odd(reply(200, '{"seq": 1}'))[1].send("x", "s", "c1", "m") == Ok(seq=1)


# ------------------------------------------------------------ what cannot be used


def test_a_server_that_is_not_there_is_surely_not_reached_and_hello_says_the_mend(tmp_path: Path) -> None:
    file = tmp_path / "gone.toml"
    file.write_text(ODD.format(port=free_port(), timeout=5), "utf-8")
    target = HttpTarget(file)
    assert [answer.code for answer in both(target) if isinstance(answer, Refused)] == [Code.UNREACHABLE] * 2
    with pytest.raises(TargetError, match=r"gone\.toml: base_url: http://127.* refused; start the server first$"):
        target.hello()
    target.close()


def test_a_server_that_runs_already_is_not_killed(odd: Callable[..., tuple[Odd, HttpTarget]]) -> None:
    _, target = odd(reply(404))
    assert target.hello().capabilities == {Capability.SEND_SEQ, Capability.OVERLAP, Capability.WIRE}
    assert target.hello().server == "odd"
    target.reset("x")
    for name, call in (("kill", target.kill), ("restart", target.restart)):
        with pytest.raises(
            TargetError, match=rf"odd\.toml: {name}: the kit did not start this server; describe `start"
        ):
            call()
    with pytest.raises(TargetError, match=r"odd\.toml: trim: is not described; add \[trim\]"):
        target.trim("x")
    assert isinstance(target, Adapter)
    assert target.last_words() == []


HELLO = '[hello]\npath = "/hi"\nversion = "/v"\n'


@pytest.mark.parametrize(
    ("says", "line"),
    [
        (reply(404), r"hello: answered 404; mend hello\.path, or list 404 in ok$"),
        (reply(500), "hello: answered with a server error; see the server's log$"),
        (reply(200, "hi"), r"hello: no JSON: .*; mend its pointers$"),
        (reply(200, '{"v": 3}'), "hello: version is 3, not text; mend its pointers$"),
    ],
)
def test_a_hello_that_cannot_be_read_is_one_line(
    says: bytes, line: str, odd: Callable[..., tuple[Odd, HttpTarget]]
) -> None:
    with pytest.raises(TargetError, match=r"odd\.toml: " + line) as caught:
        odd(says, text=ODD + HELLO)[1].hello()
    assert not isinstance(caught.value, AdapterFault)


def test_administration_that_fails_is_one_line(odd: Callable[..., tuple[Odd, HttpTarget]]) -> None:
    text = ODD + '[trim]\npath = "/t/{{account}}"\n'
    with pytest.raises(TargetError, match=r"trim: POST /t/x answered 204 ; mend the request, or list 204 in trim\.ok$"):
        odd(reply(204), text=text)[1].trim("x")
    with pytest.raises(TargetError, match=r"trim: no whole reply within 0\.1 s; see that the server runs$"):
        odd(text=text, timeout=0.1)[1].trim("x")


@pytest.mark.parametrize(
    ("start", "line"),
    [
        ("no-such-program {port}", "cannot start mine: no-such-program: No such file or directory"),
        (f"{sys.executable} -c 'print(5, {{port}})'", "mine ended before it answered; its last words: 5 "),
        (
            f"{sys.executable} -m seqproof_reference --port {{port}} --db {{dir}}/s",
            r"hello: answered 404; mend hello\.path, or list 404 in ok",
        ),
    ],
)
def test_a_start_that_does_not_work_is_one_line_and_leaves_nothing(start: str, line: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    text = ODD.format(port=0, timeout=5).replace('base_url = "http://127.0.0.1:0"', f'start = """{start}"""')
    file.write_text(text + HELLO, "utf-8")
    target = HttpTarget(file)
    assert target.server is not None
    with pytest.raises(TargetError, match=line) as caught:
        target.hello()
    assert "\n" not in str(caught.value)
    assert target.server.pid == 0
    target.close()
    assert not target.server.directory.exists()


def test_an_answer_with_another_nonce_is_not_ours(odd: Callable[..., tuple[Odd, HttpTarget]], tmp_path: Path) -> None:
    stranger, _ = odd(reply(200, '{"v": "1", "nonce": "of a stranger"}'))
    file = tmp_path / "mine.toml"
    text = ODD.format(port=stranger.port, timeout=5) + HELLO + 'nonce = "/nonce"\n'
    file.write_text(f"start = '{sys.executable} -c \"import time; time.sleep(0.3)\"'\n" + text, "utf-8")
    target = HttpTarget(file)
    with pytest.raises(TargetError, match="mine ended before it answered"):
        target.hello()
    target.close()


def test_faults_in_tls_are_declined(tmp_path: Path) -> None:
    file = tmp_path / "tls.toml"
    file.write_text(ODD.format(port=1, timeout=5).replace("http://", "https://"), "utf-8")
    target = HttpTarget(file)
    with pytest.raises(TargetError, match="base_url: faults on the wire cannot be placed in TLS; use http://"):
        target.fail_next_reply(Fault(FaultKind.CUT_REPLY))
    target.close()


def test_the_target_string_names_a_file() -> None:
    with pytest.raises(
        UnknownTarget, match=r"^http:: write http:FILE\.toml; a commented one is .*samples/http\.toml; "
    ):
        open_target("http:")
    with pytest.raises(TargetError, match=r"^none\.toml: cannot be read: No such file or directory; name a TOML file"):
        open_target("http:none.toml")


def test_a_broken_file_is_one_line_of_the_command_line_and_exit_code_4(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("sennd = 1\n", "utf-8")
    code, out, err = run("run", "http:mine.toml")
    assert (code, out) == (4, "")
    assert err.count("\n") == 1
    assert "mine.toml: sennd: no such key; did you mean send" in err
