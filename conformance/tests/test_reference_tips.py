"""The phones' end of the reference server's tips, with the real server: each tip once, none waited for."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from websockets.sync.server import Server, ServerConnection, serve

from seqproof_conformance.adapter import TargetError
from seqproof_conformance.process import free_port
from seqproof_conformance.reference_tips import ReferenceTips, listening
from seqproof_conformance.target_reference import ReferenceTarget
from seqproof_model.history import Ok, Tip, Via


@pytest.fixture(scope="module")
def shared() -> Iterator[ReferenceTarget]:
    target = ReferenceTarget()
    target.hello()
    yield target
    target.close()


@pytest.fixture
def target(shared: ReferenceTarget) -> ReferenceTarget:
    shared.tips()
    return shared


def send(target: ReferenceTarget, account: str, count: int = 1) -> None:
    for number in range(count):
        assert isinstance(target.send(account, "s", "", f"m{number}"), Ok)


def test_the_urls_of_all_instances_are_read_from_the_log() -> None:
    log = "seqproof-reference listening on http://127.0.0.1:1\nseqproof-reference ConnectSvr 2 on http://127.0.0.1:2\n"
    assert listening(log + "warning: http://127.0.0.1:3\n") == ["http://127.0.0.1:1", "http://127.0.0.1:2"]


def test_a_tip_comes_down_the_connection_of_its_account(target: ReferenceTarget) -> None:
    target.login("a", "A")
    target.login("a2", "A")
    send(target, "a")
    assert target.tips() == [Tip("a", "A")]
    assert target.tips() == []
    target.logout("a", "A")
    target.logout("a2", "A")


def test_wherever_the_phone_logs_in_it_is_found(target: ReferenceTarget) -> None:
    for _ in range(4):
        target.login("b", "A")
        send(target, "b", 2)
        assert set(target.tips()) == {Tip("b", "A")}
        target.logout("b", "A")


def test_a_phone_that_logs_in_again_is_reached_though_its_old_connection_closes_late(target: ReferenceTarget) -> None:
    target.login("c", "A")
    send(target, "c")
    target.login("c", "A")
    send(target, "c")
    assert target.tips() == [Tip("c", "A")] * 2
    target.logout("c", "A")


def test_a_phone_that_has_logged_out_is_told_by_its_os(target: ReferenceTarget) -> None:
    target.login("d", "A")
    target.login("d", "B")
    send(target, "d")
    target.logout("d", "B")
    send(target, "d")
    target.logout("d", "A")
    send(target, "d")
    # B's tip was kept at its logout; then A, which logged in before it, is the route; then the last phone is told
    assert target.tips() == [Tip("d", "B"), Tip("d", "A"), Tip("d", "B", Via.OS)]


def test_names_with_any_characters(target: ReferenceTarget) -> None:
    account, phone = "x y?#é%2F", "p&q=%/"
    target.login(account, phone)
    send(target, account)
    assert target.tips() == [Tip(account, phone)]
    target.logout(account, phone)


def test_a_hundred_messages_and_no_tip_too_few(target: ReferenceTarget) -> None:
    """PSH-2: how many there are is the server's affair; that one is there is not."""
    target.login("e", "A")
    for _ in range(10):
        send(target, "e", 10)
        assert set(target.tips()) == {Tip("e", "A")}
    target.logout("e", "A")


def test_after_a_kill_the_phones_log_in_again_and_before_that_their_os_is_told() -> None:
    target = ReferenceTarget()
    target.hello()
    target.login("f", "A")
    send(target, "f")
    target.kill()
    with pytest.raises(TargetError, match=r"^reference: /admin/quiesce: "):
        target.tips()
    with pytest.raises(TargetError, match=r"^reference: phone B of f cannot log in: .*refused"):
        target.login("f", "B")
    target.restart()
    send(target, "f")
    assert target.tips() == [Tip("f", "A"), Tip("f", "A", Via.OS)]
    target.login("f", "A")
    send(target, "f")
    assert target.tips() == [Tip("f", "A")]
    target.kill()
    target.logout("f", "A")
    target.close()


def test_a_phone_that_is_not_there_logs_out_of_nothing(target: ReferenceTarget) -> None:
    target.logout("nobody", "A")
    assert target.tips() == []


def test_a_server_that_refuses_a_login_is_named(target: ReferenceTarget) -> None:
    with pytest.raises(TargetError, match=r"^reference: phone  of g cannot log in: .*HTTP 400"):
        target.login("g", "")


class Odd:
    """A server whose long connection says ``frame`` to whatever it is told."""

    def __init__(self, frame: str | None) -> None:
        def handle(connection: ServerConnection) -> None:
            for _ in connection:
                if frame is not None:
                    connection.send(frame)

        self.port = free_port()
        self.server: Server = serve(handle, "127.0.0.1", self.port)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()


@pytest.mark.parametrize(
    ("frame", "part"),
    [
        ("hello", "a frame that is no tip and no pong"),
        ('{"pong":true}', "a frame that is no tip and no pong"),
        (None, "phone A of x cannot log in: timed out"),
        ('{"pong":0}', "phone A of x cannot log in: timed out"),
    ],
)
def test_an_odd_answer_and_none_are_one_line_within_the_time(frame: str | None, part: str) -> None:
    odd = Odd(frame)
    phones = ReferenceTips(lambda: [f"http://127.0.0.1:{odd.port}"], timeout_s=0.2)
    try:
        with pytest.raises(TargetError, match=part):
            phones.login("x", "A")
    finally:
        phones.close()
        odd.close()
