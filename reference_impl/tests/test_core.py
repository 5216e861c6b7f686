"""The in-process server: the golden cases, its steps, and that it agrees with the store on any run of requests."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqproof_model.hello import Capability
from seqproof_model.history import Answer, Code, Ok, Refused
from seqproof_model.profile import UINT_MAX
from seqproof_reference.core import Core, Limit
from seqproof_reference.store import MsgStore


def seqs(answer: Answer) -> list[int]:
    assert isinstance(answer, Ok)
    return [seq for seq, _ in answer.rows or ()]


def test_golden_f4_f5_f6() -> None:
    """F4, F5, F6 of the article."""
    core = Core()
    for number in range(150):
        core.send("x", "s", "", f"m{number}")
    assert seqs(core.recv("x", "A", 100)) == list(range(101, 151))
    for number in range(150, 200):
        core.send("x", "s", "", f"m{number}")
    assert seqs(core.recv("x", "A", 150)) == list(range(151, 201))
    assert seqs(core.recv("x", "B", 120)) == list(range(151, 201))


def test_hello_declares_what_it_has() -> None:
    every = frozenset(Capability) - {Capability.OVERLAP, Capability.BEGIN_SEND, Capability.WIRE}
    assert Core().hello().capabilities == every - {Capability.PAGING}
    assert Core(limit=Limit(2), send_seq=False).hello().capabilities == every - {Capability.SEND_SEQ}


def test_a_kill_keeps_the_disk_and_drops_the_memory() -> None:
    core = Core()
    core.send("x", "s", "c1", "m1")
    core.fail_next_store()
    core.kill()
    assert core.send("x", "s", "", "m") == core.recv("x", "A", 0) == Refused(Code.UNREACHABLE)
    core.restart()
    assert core.send("x", "s", "c1", "m1") == Ok(seq=1)
    assert core.send("x", "s", "c2", "m2") == Ok(seq=2)


@pytest.mark.parametrize("seq_cli", [-1, UINT_MAX + 1])
def test_a_malformed_seq_cli_has_no_effect(seq_cli: int) -> None:
    """SEQ-7."""
    core = Core()
    core.send("x", "s", "", "m")
    assert core.recv("x", "A", seq_cli) == Refused(Code.MALFORMED)
    assert seqs(core.recv("x", "A", 0)) == [1]


def test_the_order_to_fail_is_spent_by_the_next_send() -> None:
    core = Core()
    core.preset_seq("x", UINT_MAX)
    core.fail_next_store()
    assert core.send("x", "s", "", "m") == Refused(Code.FULL)
    assert core.send("y", "s", "", "m") == Ok(seq=1)


def test_preset_wants_an_empty_account() -> None:
    core = Core()
    core.send("x", "s", "", "m")
    with pytest.raises(ValueError, match="reset it first"):
        core.preset_seq("x", 7)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.sampled_from(["x", "y"]), st.integers(0, 4)),
        st.tuples(st.just("recv"), st.sampled_from(["x", "y"]), st.integers(0, 8)),
        st.tuples(st.sampled_from(["trim", "fail", "reset"]), st.sampled_from(["x", "y"]), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, page=st.sampled_from([None, 1, 2]))
def test_core_and_store_give_the_same_answers(steps: list[tuple[str, str, int]], page: int | None) -> None:
    """Two implementations of one law, told the same, say the same. Client id 0 stands for none."""
    core = Core(limit=None if page is None else Limit(page))
    with tempfile.TemporaryDirectory() as folder, closing(MsgStore(Path(folder) / "m.db", page_size=page)) as store:
        for number, (do, account, value) in enumerate(steps):
            client_id = str(value) if value else ""
            match do:
                case "send":
                    told = store.send(account, "s", client_id, f"m{number}")
                    assert plain(core.send(account, "s", client_id, f"m{number}")) == plain(told)
                case "recv":
                    assert plain(core.recv(account, "A", value)) == plain(store.recv(account, value))
                case "trim":
                    core.trim(account)
                    store.trim(account)
                case "reset":
                    core.reset(account)
                    store.reset(account)
                case _:
                    core.fail_next_store()
                    store.fail_next_store()


def plain(answer: Answer) -> object:
    """What both tell: an unpaged core says neither more nor upto, and a refusal's detail is for people."""
    if isinstance(answer, Ok):
        return (answer.seq, answer.rows, bool(answer.more))
    return (answer.code, answer.seq_svr) if isinstance(answer, Refused) else answer
