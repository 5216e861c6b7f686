"""The target exec: what is asked and answered, from several threads and out of order, held to the schema on demand."""

from __future__ import annotations

import contextlib
import shlex
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from seqproof_conformance.adapter import AdapterFault, Capability, greeted
from seqproof_conformance.target_exec import ExecTarget
from seqproof_conformance.targets import catalogue, open_target
from seqproof_model import profile
from seqproof_model.history import Code, Indefinite, Ok, Refused, Tip, Via

# Says to each operation what stands in ``SAYS``, with the question's words in place of ``{}``.
ECHO = """
import json, os, sys
SAYS = {says!r}
held = []
for line in sys.stdin:
    q = json.loads(line)
    said = SAYS.get(q["op"], {{"unsupported": True}})
    if q["op"] == "hello":
        said = {{"ok": {{"nonce": q["nonce"], "server": os.getcwd(), **SAYS.get("hello", {{"capabilities": []}})}}}}
    answer = json.dumps({{"id": q["id"], **said}}).replace("QUESTION", line.strip().replace('"', "'"))
    if q["op"] == "send" and q["sender"] == "hold":  # answered only when ten are held, the last first
        held.append(json.dumps({{"id": q["id"], "ok": {{"seq": int(q["body"])}}}}))
        if len(held) == 10:
            print("\\n".join(reversed(held)), flush=True)
        continue
    print(answer, flush=True)
"""

Says = Callable[..., ExecTarget]


@pytest.fixture
def says(tmp_path: Path) -> Iterator[Says]:
    """Starts an adapter that says what it is told to say."""
    with contextlib.ExitStack() as opened:

        def start(**said: object) -> ExecTarget:
            program = tmp_path / "echo program.py"
            program.write_text(ECHO.format(says=said), "utf-8")
            target = ExecTarget(shlex.join([sys.executable, "-S", str(program)]), 20)
            opened.callback(target.close)
            return target

        yield start


def test_hello_tells_who_it_is_and_what_it_can(says: Says, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    target = says(hello={"capabilities": ["kill", "trim"], "claims": "gappy+idempotent", "adds": ["SND-3"]})
    hello = greeted(target)
    assert hello.server == str(tmp_path.resolve()), "it runs where the person is who named it"
    assert hello.capabilities == {Capability.KILL, Capability.TRIM}
    assert hello.claims == profile.find("gappy+idempotent")
    assert hello.adds == ("SND-3",)
    assert target.hello().server == hello.server  # a second time: the same program


TIPS = [{"account": "x", "phone": "A"}, {"account": "x", "phone": "B", "via": "os"}]


def test_every_operation_asks_with_its_words(says: Says) -> None:
    ok = {"ok": dict[str, object]()}
    orders = (
        "reset",
        "kill",
        "restart",
        "preset_seq",
        "trim",
        "fail_next_store",
        "login",
        "logout",
        "backup",
        "restore",
    )
    raw = {"refused": {"code": "malformed"}}
    target = says(
        **dict.fromkeys(orders, ok), recv_raw=raw, tips={"ok": {"tips": TIPS}}, send={"indefinite": {"why": "QUESTION"}}
    )
    target.check_schema = True
    target.hello()
    target.reset("x")
    target.kill()
    target.restart()
    target.preset_seq("x", 2**60)
    target.trim("x")
    target.fail_next_store()
    target.login("x", "A")
    target.logout("x", "A")
    assert target.tips() == [Tip("x", "A"), Tip("x", "B", Via.OS)]
    target.backup()
    target.restore()
    assert target.recv_raw("x", "A", "null") == Refused(Code.MALFORMED)
    asked = "{'id':14,'op':'send','account':'x','sender':'s','client_id':'c1','body':'ü m1'}"
    assert target.send("x", "s", "c1", "ü m1") == Indefinite(asked)


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ({"ok": {"seq": 7}}, Ok(seq=7)),
        ({"ok": {"seq": str(2**64)}}, Ok(seq=2**64)),
        ({"ok": {"seq": -1}}, Ok(seq=-1)),  # a server that wraps around is the one to blame
        ({"ok": {}}, Ok()),
        ({"ok": {"seq": None}}, Ok()),
        ({"refused": {"code": "full"}}, Refused(Code.FULL)),
        ({"refused": {"code": "busy", "seq_svr": "3", "detail": "d"}}, Refused(Code.BUSY, seq_svr=3, detail="d")),
        ({"indefinite": {"why": "timeout"}}, Indefinite("timeout")),
    ],
)
def test_what_an_answer_to_a_send_means(says: Says, said: object, means: object) -> None:
    target = says(send=said)
    target.hello()
    assert target.send("x", "s", "c", "m") == means


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ({"ok": {"rows": []}}, Ok(rows=())),
        (
            {"ok": {"rows": [[1, "m1"], [str(2**60), ""]], "more": True, "upto": str(2**60), "epoch": "e"}},
            Ok(rows=((1, "m1"), (2**60, "")), more=True, upto=2**60, epoch="e"),
        ),
        ({"refused": {"code": "ahead", "seq_svr": 9}}, Refused(Code.AHEAD, seq_svr=9)),
    ],
)
def test_what_an_answer_to_a_recv_means(says: Says, said: object, means: object) -> None:
    target = says(recv=said)
    target.hello()
    assert target.recv("x", "A", 0) == means


def test_a_send_in_two_calls_carries_the_programs_own_name_for_it(says: Says) -> None:
    target = says(begin_send={"ok": {"held": "half 7"}}, commit_send={"indefinite": {"why": "QUESTION"}})
    target.check_schema = True
    target.hello()
    held = target.begin_send("x", "s", "c1", "m1")
    assert held == "half 7"
    assert target.commit_send(held) == Indefinite("{'id':3,'op':'commit_send','held':'half 7'}")


def test_several_threads_may_ask_at_once_and_answers_come_in_any_order(says: Says) -> None:
    target = says()
    target.hello()
    together = threading.Barrier(10)

    def send(number: int) -> object:
        together.wait()
        return target.send("x", "hold", "c", str(number))

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(send, range(10))) == [Ok(seq=number) for number in range(10)]


def test_an_honest_adapter_says_that_it_does_not_know_an_operation(says: Says) -> None:
    target = says()
    target.check_schema = True
    target.hello()
    assert target.unknown_operation()


def test_an_adapter_that_says_yes_to_everything_is_found(says: Says) -> None:
    target = says(no_such_operation={"ok": {}})
    target.hello()
    assert not target.unknown_operation()


def test_the_schema_check_names_path_and_line(says: Says) -> None:
    target = says(recv={"ok": {"rows": [[1, "m1"], [2, 2]]}}, reset={"ok": {}})
    target.check_schema = True
    target.hello()
    target.reset("x")
    says_so = r"^exec adapter: its answer to recv breaks the schema at \$\.ok\.rows\[1\]\[1\]: 2 is not .* \(line 3\)$"
    with pytest.raises(AdapterFault, match=says_so):
        target.recv("x", "A", 0)


def test_the_target_string_opens_it_and_starts_nothing_before_hello() -> None:
    target = open_target("exec:python3 adapter.py --db 'a b'")
    assert isinstance(target, ExecTarget)
    assert target.last_words() == []
    target.close()
    assert "exec:COMMAND ARGS" in [entry.target for entry in catalogue()]
