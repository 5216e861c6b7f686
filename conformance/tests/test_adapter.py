"""The contract of adapters: what they declare is checked before any request, and what they break is blamed on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seqproof_conformance.adapter import Adapter, AdapterFault, Capability, Hello, TargetError, greeted
from seqproof_model import scenario as sc
from seqproof_model.history import Answer, Ok
from seqproof_model.scenario import Scenario
from seqproof_reference.core import Core

Build = Callable[..., Any]


class Says(Core):
    """Says whatever it is given."""

    def __init__(self, said: Any) -> None:
        super().__init__()
        self.said = said

    def hello(self) -> Hello:
        if isinstance(self.said, BaseException):
            raise self.said
        return self.said  # type: ignore[no-any-return]


class Bare:
    """The five methods that every adapter has, and no other."""

    def hello(self) -> Hello:
        return Hello("bare", frozenset({Capability.KILL}))

    def reset(self, account: str) -> None: ...

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:  # noqa: ARG002
        return Ok()

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:  # noqa: ARG002
        return Ok(rows=())

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (None, "returned None; it must return a Hello"),
        ({"server": "x"}, "it must return a Hello"),
        (RuntimeError("boom"), "the adapter's hello raised RuntimeError: boom"),
        (SystemExit(3), "the adapter's hello raised SystemExit: 3"),
        (Hello("x", frozenset({"killl"})), "malformed: .*killl.*capabilities are send_seq, paging, kill"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        (Hello(None, frozenset()), "malformed"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        (Hello("x", frozenset(), adds=("NOPE-1",)), "adds NOPE-1, which is no requirement"),
    ],
)
def test_a_hello_that_is_none_is_the_adapters_fault(said: object, says: str) -> None:
    with pytest.raises(AdapterFault, match=says):
        greeted(Says(said))


def test_what_is_declared_must_be_there() -> None:
    adapter: Adapter = Bare()
    with pytest.raises(AdapterFault, match=r"declares kill and has no kill and no restart\(\)"):
        greeted(adapter)


def test_the_environments_faults_stay_the_environments() -> None:
    with pytest.raises(TargetError, match="port in use") as caught:
        greeted(Says(TargetError("port in use")))
    assert not isinstance(caught.value, AdapterFault)


@pytest.mark.parametrize(
    ("method", "steps"),
    [
        ("reset", (sc.Send(),)),
        ("kill", (sc.Send(), sc.Kill())),
        ("restart", (sc.Send(), sc.Kill())),
        ("preset_seq", (sc.Preset(seq=5),)),
        ("trim", (sc.Send(), sc.Trim())),
        ("fail_next_store", (sc.FailStore(),)),
        ("backup", (sc.Backup(),)),
        ("restore", (sc.Backup(), sc.Restore())),
        ("recv_raw", (sc.RecvRaw("-1"),)),
        ("login", (sc.Login(),)),
        ("logout", (sc.Logout(),)),
        ("tips", (sc.Tips(),)),
    ],
)
def test_whatever_raises_is_named(
    bench: Build, monkeypatch: pytest.MonkeyPatch, method: str, steps: tuple[sc.Step, ...]
) -> None:
    def breaks(*_words: object) -> None:
        raise OSError(f"{method} boom")

    monkeypatch.setattr(Core, method, breaks)
    with pytest.raises(AdapterFault, match=f"the adapter's {method} raised OSError: {method} boom"):
        bench(Core()).runner.play(Scenario("t", steps))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Ok(), "returned Ok without rows; nothing due is rows="),
        (Ok(rows=((1, b"m"),)), "malformed Ok"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        (Ok(rows=(("1", "m"),)), "malformed Ok"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        (Ok(rows=((1.0, "m"),)), "malformed Ok"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        (Ok(rows=((1, "\ud800"),)), "malformed Ok"),
    ],
)
def test_rubbish_is_not_blamed_on_the_server(bench: Build, answer: Ok, says: str) -> None:
    class Rubbish(Core):
        def recv(self, account: str, phone: str, seq_cli: int) -> Answer:  # noqa: ARG002
            return answer

    with pytest.raises(AdapterFault, match=says):
        bench(Rubbish()).runner.play(Scenario("t", (sc.Send(), sc.Recv())))
