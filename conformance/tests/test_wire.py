"""Faults on the wire: byte by byte through the proxy, then through every adapter that has it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import msgspec
import pytest

from seqproof_conformance.target_http import HttpTarget, sample
from seqproof_conformance.target_reference import ReferenceTarget
from seqproof_conformance.target_valkey import ValkeyTarget
from seqproof_conformance.targets import open_target
from seqproof_conformance.wire import HELD_BYTES, Fault, FaultKind, Wire, WireProxy, Wires
from seqproof_model import history as h
from seqproof_model.history import Answer, Indefinite, Ok, Refused
from seqproof_model.judge import Judge
from seqproof_model.profile import find

CUT_REQUEST, CUT_REPLY, HALF_CLOSE, HOLD_REPLY = FaultKind
LOST = [CUT_REQUEST, CUT_REPLY, HALF_CLOSE]
PATIENCE_S = 20


class Echo:
    """A server that hears requests of 4 bytes and answers each with 8: itself twice."""

    def __init__(self, size: int = 1) -> None:
        self.size = size
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.heard: list[bytes] = []
        self.left: threading.Semaphore = threading.Semaphore(0)
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    def accept(self) -> None:
        while True:
            connection = self.listener.accept()[0]
            first = connection.recv(1, socket.MSG_PEEK)
            if first == b"!":
                connection.close()
                return
            self.threads.append(threading.Thread(target=self.serve, args=(connection,)))
            self.threads[-1].start()

    def serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(4, socket.MSG_WAITALL):
                    self.heard.append(data)
                    if len(data) == 4:
                        connection.sendall(data * 2 * self.size)
            except OSError:
                pass
        self.left.release()

    def close(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as last:
            last.sendall(b"!")
            self.threads[0].join(PATIENCE_S)
        for thread in self.threads:
            thread.join(PATIENCE_S)
        self.listener.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    made = Echo()
    yield made
    made.close()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[WireProxy]:
    made = WireProxy(echo.port)
    yield made
    made.close()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), PATIENCE_S)


def ask(connection: socket.socket, request: bytes = b"ping", size: int = 8) -> bytes:
    """One exchange: what came back until all of it did, or the connection ended."""
    try:
        connection.sendall(request)
        return connection.recv(size, socket.MSG_WAITALL)
    except ConnectionError:
        return b""


# ------------------------------------------------------------ the proxy


def test_without_a_fault_everything_passes(proxy: WireProxy, echo: Echo) -> None:
    with connect(proxy.port) as one, connect(proxy.port) as two:
        assert [ask(one), ask(two, b"pong"), ask(one, b"last")] == [b"pingping", b"pongpong", b"lastlast"]
    assert echo.heard == [b"ping", b"pong", b"last"]


@pytest.mark.parametrize("after", [0, 1, 7, 8])
@pytest.mark.parametrize("kind", [CUT_REPLY, HALF_CLOSE])
@pytest.mark.parametrize("before", [0, 2])
def test_a_reply_is_cut_after_so_many_bytes_also_on_an_open_connection(
    kind: FaultKind, after: int, before: int, proxy: WireProxy, echo: Echo
) -> None:
    with connect(proxy.port) as connection:
        for _ in range(before):
            assert ask(connection) == b"pingping"
        proxy.arm(Fault(kind, after))
        assert ask(connection) == b"pingping"[:after]
        assert connection.recv(1) == b"", "it did not end"
        assert echo.heard == [b"ping"] * (before + 1), "the server must have heard it"
        ask(connection, b"more")
    with connect(proxy.port) as another:
        assert ask(another) == b"pingping"
    assert b"more" not in echo.heard, "what follows a half-close goes nowhere"


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_request_is_cut_after_so_many_bytes(after: int, proxy: WireProxy, echo: Echo) -> None:
    proxy.arm(Fault(CUT_REQUEST, after))
    with connect(proxy.port) as connection:
        assert ask(connection) == b""
    assert echo.left.acquire(timeout=PATIENCE_S)
    assert echo.heard == ([b"ping"[:after]] if after else [])
    with connect(proxy.port) as connection:
        assert ask(connection) == b"pingping"


def test_a_request_no_longer_than_what_passes_is_heard_and_never_answered(proxy: WireProxy, echo: Echo) -> None:
    proxy.arm(Fault(CUT_REQUEST, 4))
    with connect(proxy.port) as connection:
        assert ask(connection) == b""
    assert echo.heard == [b"ping"]


def test_a_reply_shorter_than_what_passes_spends_the_fault(proxy: WireProxy) -> None:
    proxy.arm(Fault(CUT_REPLY, 9))
    with connect(proxy.port) as connection:
        assert [ask(connection) for _ in range(3)] == [b"pingping"] * 3


def test_one_fault_spoils_one_exchange_of_the_connection_that_asks_next(proxy: WireProxy) -> None:
    with connect(proxy.port) as idle, connect(proxy.port) as asks:
        assert ask(idle) == b"pingping"
        proxy.arm(Fault(CUT_REPLY))
        assert [ask(asks), ask(idle)] == [b"", b"pingping"]


@pytest.mark.parametrize("after", [0, 3])
def test_a_held_reply_waits_and_then_comes_whole_and_others_go_on(after: int, proxy: WireProxy, echo: Echo) -> None:
    proxy.arm(Fault(HOLD_REPLY, after))
    with connect(proxy.port) as held, connect(proxy.port) as other:
        held.sendall(b"ping")
        assert held.recv(after, socket.MSG_WAITALL) == b"pingping"[:after]
        assert proxy.holding.wait(PATIENCE_S) or after
        assert echo.heard == [b"ping"]
        assert ask(other) == b"pingping"
        held.setblocking(False)
        with pytest.raises(BlockingIOError):
            held.recv(1)
        held.settimeout(PATIENCE_S)
        proxy.release()
        assert held.recv(8 - after, socket.MSG_WAITALL) == b"pingping"[after:]
        assert ask(held) == b"pingping"


def test_a_release_is_never_too_early(proxy: WireProxy) -> None:
    proxy.arm(Fault(HOLD_REPLY))
    proxy.release()
    with connect(proxy.port) as connection:
        assert ask(connection) == b"pingping"


def test_a_held_reply_ends_with_the_servers_connection_and_with_the_kits(proxy: WireProxy, echo: Echo) -> None:
    proxy.arm(Fault(HOLD_REPLY))
    with connect(proxy.port) as connection:
        connection.sendall(b"pingpi")  # the second request is cut short, which ends this server's connection
        assert proxy.holding.wait(PATIENCE_S)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert echo.left.acquire(timeout=PATIENCE_S)


def test_a_huge_held_reply_stays_with_the_server() -> None:
    echo = Echo(size=HELD_BYTES)
    proxy = WireProxy(echo.port)
    proxy.arm(Fault(HOLD_REPLY))
    with connect(proxy.port) as connection:
        connection.sendall(b"ping")
        assert proxy.holding.wait(PATIENCE_S)
        proxy.release()
        whole = 8 * HELD_BYTES
        got = 0
        while got < whole:
            got += len(connection.recv(65536))
    proxy.close()
    echo.close()


def test_a_retargeted_proxy_reaches_the_new_server_and_a_dead_one_ends_the_connection(echo: Echo) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    proxy = WireProxy(port)
    with connect(proxy.port) as connection:
        assert ask(connection) == b""
    proxy.retarget(echo.port)
    with connect(proxy.port) as connection:
        assert ask(connection) == b"pingping"
    proxy.close()


def test_close_ends_connections_thread_and_port(echo: Echo) -> None:
    before = threading.active_count()
    proxy = WireProxy(echo.port)
    proxy.arm(Fault(HOLD_REPLY))
    with connect(proxy.port) as held, connect(proxy.port) as idle:
        held.sendall(b"ping")
        assert proxy.holding.wait(PATIENCE_S)
        proxy.close()
        proxy.close()
        for connection in (held, idle):
            assert ask(connection) == b""
    assert echo.left.acquire(timeout=PATIENCE_S)
    with pytest.raises(ConnectionRefusedError):
        connect(proxy.port)
    assert threading.active_count() <= before + 1, "only the server may still be ending"
    with pytest.raises(RuntimeError, match="the proxy was closed; make another"):
        proxy.arm(Fault(CUT_REPLY))


def test_a_fault_lets_no_negative_number_of_bytes_pass() -> None:
    with pytest.raises(ValueError, match="-1 bytes pass; write 0 or more"):
        Fault(CUT_REPLY, -1)


# ------------------------------------------------------------ through the adapters

Target = ReferenceTarget | HttpTarget | ValkeyTarget


@pytest.fixture(
    scope="module", params=["reference", f"http:{sample()}", "valkey:aof=yes"], ids=["ref", "http", "valkey"]
)
def shared(request: pytest.FixtureRequest) -> Iterator[Target]:
    target = open_target(request.param)
    assert isinstance(target, Target)
    target.hello()
    yield target
    target.close()


@pytest.fixture
def target(shared: Target) -> Target:
    shared.reset("x")
    return shared


def judged(events: list[h.Event]) -> None:
    """The judge accepts what happened."""
    judge = Judge(find("strict"), paged=False)
    assert [violation for violation in map(judge.feed, events) if violation] == []


class Script:
    """Requests with bodies of their own, and their history."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.events: list[h.Event] = []
        self.number = 0
        self.seq_cli = 0

    def send(self) -> Answer:
        self.number += 1
        body = f"m{self.number}"
        self.events.append(h.Send(self.number, "x", body, "s", body))
        return self.answered(self.target.send("x", "s", body, body))

    def recv(self, seq_cli: int | None = None) -> Answer:
        self.number += 1
        q = self.seq_cli if seq_cli is None else seq_cli
        self.events.append(h.Recv(self.number, "x", "A", q))
        answer = self.answered(self.target.recv("x", "A", q))
        if isinstance(answer, Ok):
            self.seq_cli = max([self.seq_cli, *(seq for seq, _ in answer.rows or ())])
        return answer

    def answered(self, answer: Answer) -> Answer:
        self.events.append(msgspec.structs.replace(answer, id=self.number))
        return answer


def test_plain_requests_know_no_proxy(target: Target) -> None:
    assert isinstance(target, Wires)
    script = Script(target)
    script.send()
    script.recv()
    judged(script.events)


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("after", [0, 1, 3])
@pytest.mark.parametrize("name", ["send", "recv"])
def test_a_fault_leaves_one_request_open_and_the_judge_accepts_it(
    kind: FaultKind, after: int, name: str, target: Target
) -> None:
    script = Script(target)
    asks: Callable[[], Answer] = getattr(script, name)
    assert isinstance(script.send(), Ok)
    target.fail_next_reply(Fault(kind, after))
    target.reset("another")  # administration is spared
    assert isinstance(asks(), Indefinite)
    assert isinstance(script.send(), Ok)
    seen = script.recv()
    assert isinstance(seen, Ok)
    again = script.recv()
    assert isinstance(again, Ok)
    assert again.rows == ()
    judged(script.events)
    assert len(seen.rows or ()) == 2 + (name == "send" and kind is not CUT_REQUEST), "what was heard is what is done"


def test_two_faults_spoil_two_requests(target: Target) -> None:
    script = Script(target)
    target.fail_next_reply(Fault(CUT_REPLY))
    target.fail_next_reply(Fault(CUT_REQUEST))
    kinds = [type(answer) for answer in (script.send(), script.recv(), script.send(), script.recv())]
    assert kinds == [Indefinite, Indefinite, Ok, Ok]
    judged(script.events)


def test_a_refusal_whose_reply_is_lost_is_open_too(target: Target) -> None:
    script = Script(target)
    target.fail_next_reply(Fault(CUT_REPLY))
    assert isinstance(script.recv(5), Indefinite)
    assert isinstance(script.recv(5), Refused)
    judged(script.events)


def test_a_held_reply_lets_others_in_and_then_comes(target: Target) -> None:
    answers: list[Answer] = []
    target.fail_next_reply(Fault(HOLD_REPLY))
    sender = threading.Thread(target=lambda: answers.append(target.send("x", "s", "c1", "m1")))
    sender.start()
    assert held(target)
    first = target.recv("x", "A", 0)
    assert isinstance(first, Ok)
    assert first.rows == ((1, "m1"),), "the server has done it long since"
    assert not answers
    target.release_reply()
    sender.join(PATIENCE_S)
    assert answers == [Ok(seq=1)]


def held(target: Target) -> bool:
    with target.wire.through(port(target)) as proxy:
        return proxy.holding.wait(PATIENCE_S)


def port(target: Target) -> int:
    if isinstance(target, ReferenceTarget):
        return int(target._url.rpartition(":")[2])  # pyright: ignore[reportPrivateUsage]
    assert target.server is not None
    return target.server.port


def test_after_a_kill_a_held_reply_is_gone_and_the_proxy_finds_the_new_server(target: Target) -> None:
    answers: list[Answer] = []
    target.fail_next_reply(Fault(HOLD_REPLY))
    sender = threading.Thread(target=lambda: answers.append(target.send("x", "s", "c1", "m1")))
    sender.start()
    assert held(target)
    target.kill()
    sender.join(PATIENCE_S)
    assert isinstance(answers[0], Indefinite)
    target.fail_next_reply(Fault(CUT_REPLY))
    assert isinstance(target.send("x", "s", "c2", "m2"), Refused), "a server that is gone was surely not reached"
    target.restart()
    assert isinstance(target.send("x", "s", "c2", "m2"), Indefinite)
    last = target.recv("x", "A", 0)
    assert isinstance(last, Ok)
    assert last.rows == ((1, "m1"), (2, "m2"))


def test_the_queue_gives_each_fault_once() -> None:
    wire = Wire()
    assert wire.take() is None
    for fault in (Fault(HOLD_REPLY), Fault(CUT_REPLY, 1), Fault(HOLD_REPLY, 2)):
        wire.add(fault)
    wire.release()
    assert [wire.take(), wire.take()] == [Fault(CUT_REPLY, 1), None]
    wire.close()
    wire.close()
