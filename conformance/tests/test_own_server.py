"""Faults on the wire that cannot be played: what is answered then is no refusal, and nobody else's request suffers."""

from __future__ import annotations

import imaplib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Protocol, cast

import pytest

from seqproof_conformance import target_dovecot
from seqproof_conformance.adapter import Adapter
from seqproof_conformance.imap_client import RefusedError
from seqproof_conformance.own_server import Arm, OwnServer
from seqproof_conformance.process import free_port
from seqproof_conformance.targets import catalogue, open_target
from seqproof_conformance.wire import Fault, FaultKind, Wire, WireProxy, Wires
from seqproof_model.history import Answer, Code, Indefinite, Ok, Refused

MISSING = {entry.target.partition(":")[0].partition("[")[0]: entry.mend for entry in catalogue() if entry.mend}
CUT = Fault(FaultKind.CUT_REPLY)
ALL = ["valkey", "nats:purge", "nats:ackall", "postgres:locked", "dovecot"]


class Own(Adapter, Wires, Protocol):
    """An adapter whose server is its own."""

    wire: Wire

    def asked(self, plain: Callable[[], Answer], spoiled: Callable[[int, Arm], Answer]) -> Answer: ...


@pytest.fixture(scope="module")
def opened() -> Iterator[Callable[[str], Own]]:
    """Each server is started once, for all tests of this file."""
    found: dict[str, Own] = {}

    def get(target: str) -> Own:
        if mend := MISSING.get(target.partition(":")[0]):
            pytest.skip(f"{target} is not installed: {mend}")
        if target not in found:
            adapter = open_target(target)
            assert isinstance(adapter, OwnServer)
            adapter.hello()
            found[target] = cast("Own", adapter)
        found[target].reset("x")
        return found[target]

    yield get
    for adapter in found.values():
        adapter.close()


def both(adapter: Own) -> list[tuple[str, Callable[[], Answer]]]:
    return [
        ("send", lambda: adapter.send("x", "s", "c", "m")),
        ("recv", lambda: adapter.recv("x", "A", 0)),
    ]


@pytest.mark.parametrize("target", ALL)
def test_a_connection_for_a_fault_that_cannot_be_made_is_no_refusal(
    target: str, opened: Callable[[str], Own], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy leads nowhere. Before, this was a definite refusal, or an exception of the adapter."""
    adapter = opened(target)
    nowhere = WireProxy(free_port())

    @contextmanager
    def through(_port: int) -> Generator[WireProxy]:
        yield nowhere

    try:
        with monkeypatch.context() as patch:
            patch.setattr(adapter.wire, "through", through)
            for name, request in both(adapter):
                adapter.fail_next_reply(CUT)
                assert isinstance(answer := request(), Indefinite), (name, answer)
    finally:
        nowhere.close()
    assert adapter.send("x", "s", "c", "m") == Ok(seq=1)
    assert adapter.recv("x", "A", 0) == Ok(rows=((1, "m"),))


def test_a_mailbox_that_dovecot_will_not_select_is_no_refusal_of_the_request(
    opened: Callable[[str], Own], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A NO before the fault was armed: seen once, under load, and taken for the adapter's fault."""
    adapter = opened("dovecot")

    def no(_connection: imaplib.IMAP4, _account: str) -> int:
        raise RefusedError("[SERVERBUG] Internal error occurred")

    with monkeypatch.context() as patch:
        patch.setattr(target_dovecot, "last", no)
        for _, request in both(adapter):
            adapter.fail_next_reply(CUT)
            answer = request()
            assert isinstance(answer, Indefinite)
            assert "SERVERBUG" in answer.why
    assert adapter.send("x", "s", "c", "m") == Ok(seq=1)


def test_a_fault_that_no_exchange_met_spoils_nobody_elses_request(opened: Callable[[str], Own]) -> None:
    """The adapter armed it and then made no exchange: the next connection through the proxy is a whole one."""
    adapter = opened("valkey")
    met = list[str]()

    def refused(_port: int, arm: Arm) -> Answer:
        arm()
        met.append("armed")
        return Refused(Code.STORE, detail="by another connection")

    adapter.fail_next_reply(CUT)
    answer = adapter.asked(lambda: Ok(), refused)
    assert (met, type(answer)) == (["armed"], Indefinite)
    assert "no exchange met the fault on the wire: store by another connection" in cast("Indefinite", answer).why
    adapter.fail_next_reply(Fault(FaultKind.CUT_REPLY, 10_000))  # more than there is: it passes whole
    assert adapter.send("x", "s", "c", "m") == Ok(seq=1)


def test_a_refusal_that_came_over_the_faulty_connection_stays_one(opened: Callable[[str], Own]) -> None:
    """The reply passed whole, so it was read, and says what it says."""
    adapter = opened("postgres:locked")
    adapter.fail_next_reply(Fault(FaultKind.CUT_REPLY, 10_000))
    assert adapter.recv("x", "A", 1) == Refused(Code.AHEAD, seq_svr=0)
    adapter.fail_next_reply(CUT)
    assert isinstance(adapter.recv("x", "A", 1), Indefinite)
