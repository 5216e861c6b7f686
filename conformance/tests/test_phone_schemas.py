"""The published JSON Schemas of the phone protocol say what the kit itself reads and writes: no more and no less."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from seqproof_conformance import phone_wire as wire
from seqproof_conformance.exec_wire import Question, WireError, encode
from seqproof_conformance.phone_schemas import complaint, published, schemas
from seqproof_conformance.phone_wire import OPERATIONS
from seqproof_model.history import Code
from seqproof_model.phone_words import Accepted, PhoneCapability, Refusal, Rows

Run = Callable[..., tuple[int, str, str]]
OPS = sorted(OPERATIONS)
ASKED: list[Question] = [
    wire.Hello("n"), wire.Reset(), wire.Sync(), wire.Offline(), wire.Online(), wire.Kill(), wire.Restart(),
    wire.Close(), wire.Start("x"), wire.Tip("x"), wire.Login("y"), wire.Held("x"), wire.SeqCli("x"), wire.Lost(1),
    wire.Elapse(5), wire.Send("hello"), wire.Replied(1, Rows()), wire.Replied(2, Accepted(7), die_after=0),
    wire.Replied(1, Rows(((1, "a"), (2, "b")), more=True, upto=2, seq_svr=9, epoch="e1")),
    wire.Replied(1, Refusal(Code.AHEAD, 4, "e2")), wire.Replied(3, Refusal(Code.FULL)),
]  # fmt: skip
HELLO = {"nonce": "n", "phone": "mine 1"}
GOOD: dict[str, list[Any]] = {
    "hello": [HELLO, HELLO | {"capabilities": [str(c) for c in PhoneCapability], "poll_ms": None},
              HELLO | {"patience_ms": 1, "retry_ms": 86_400_000, "poll_ms": 5}],
    "held": [{"rows": []}, {"rows": [[1, "a"], [2, ""]]}],
    "seq_cli": [{"seq_cli": 0}, {"seq_cli": 2**32 - 1}],
    "start": [{}, {"requests": [], "died": True},
              {"requests": [{"op": "recv", "id": 1, "account": "x", "seq_cli": 0},
                            {"op": "recv", "id": 2, "account": "x", "seq_cli": 0, "epoch": None},
                            {"op": "send", "id": 3, "account": "x", "client_id": "c", "body": "b"}]}],
}  # fmt: skip
BAD: dict[str, list[Any]] = {
    "hello": [{}, {"nonce": "n"}, HELLO | {"capabilities": ["fly"]}, HELLO | {"patience_ms": 0}, HELLO | {"more": 1},
              HELLO | {"poll_ms": 1.5}, HELLO | {"retry_ms": 86_400_001}, HELLO | {"phone": None}],
    "held": [{}, {"rows": [[1]]}, {"rows": [[1, "a", 2]]}, {"rows": [["1", "a"]]}, {"rows": None},
             {"rows": [[1.0, "a"]]}],
    "seq_cli": [{}, {"seq_cli": None}, {"seq_cli": "5"}, {"seq_cli": 1.0}, {"seq_cli": True}, {"seq_cli": 1, "x": 1}],
    "start": [{"requests": None}, {"requests": [{}]}, {"requests": [{"op": "ask", "id": 1}]}, {"died": 1}, {"x": []},
              [],
              {"requests": [{"op": "recv", "id": 1, "account": "x"}]},
              {"requests": [{"op": "recv", "id": "1", "account": "x", "seq_cli": 0}]},
              {"requests": [{"op": "send", "id": 1, "account": "x", "body": "b"}]}],
}  # fmt: skip
OUTCOMES: list[tuple[dict[str, Any], bool]] = [
    ({"unsupported": True}, True),
    ({"unsupported": False}, False),
    ({"error": "no"}, True),
    ({"error": 1}, False),
    ({"error": "no", "unsupported": True}, False),
    ({"refused": {"code": "full"}}, False),
    ({}, False),
]


def op_of(question: Question) -> str:
    return str(question.__struct_config__.tag)


def read(op: str, line: bytes) -> str:
    """What the kit's own reader says against the line."""
    try:
        wire.decode(op, line)
    except WireError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("op", GOOD)
def test_good_answers_are_accepted_by_reader_and_schema(op: str) -> None:
    for ok in GOOD[op]:
        line = json.dumps({"id": 1, "ok": ok}).encode()
        assert (read(op, line), complaint("answer", op, line)) == ("", ""), line


@pytest.mark.parametrize("op", BAD)
def test_bad_answers_are_refused_by_both(op: str) -> None:
    for ok in BAD[op]:
        line = json.dumps({"id": 1, "ok": ok}).encode()
        assert read(op, line), line
        assert complaint("answer", op, line).startswith("$"), line


@pytest.mark.parametrize("op", OPS)
def test_both_agree_on_the_outcomes_of_every_operation(op: str) -> None:
    for outcome, right in OUTCOMES:
        line = json.dumps({"id": 1} | outcome).encode()
        assert (read(op, line) == "", complaint("answer", op, line) == "") == (right, right), line
    assert complaint("answer", op, json.dumps({"error": "no id"}).encode())


@pytest.mark.parametrize("question", ASKED, ids=str)
def test_what_the_kit_asks_is_what_the_schema_demands(question: Question) -> None:
    op, line = op_of(question), encode(7, question)
    assert complaint("question", op, line) == ""
    message: dict[str, Any] = json.loads(line)
    for name in message:
        less = {key: value for key, value in message.items() if key != name}
        if name != "die_after":
            assert complaint("question", op, json.dumps(less).encode()), f"{name} may be left out"
        assert complaint("question", op, json.dumps(message | {name: 1.5}).encode()), f"{name} may be anything"
    assert complaint("question", op, json.dumps(message | {"x": 1}).encode()), "any other key may be there"


def test_every_operation_is_asked_here() -> None:
    assert sorted({op_of(question) for question in ASKED}) == OPS
    assert {row.shape for row in OPERATIONS.values()} == {OPERATIONS[op].shape for op in GOOD}


@pytest.mark.parametrize("name", ["question", "answer"])
def test_the_published_schemas_are_current_and_schemas(name: str) -> None:
    mend = "stale; run: python -m seqproof_conformance.phone_schemas"
    assert published(name) == json.loads(json.dumps(schemas()[name])), mend
    draft: Any = Draft202012Validator
    draft.check_schema(published(name))
    for question in ASKED:
        line = json.loads(encode(1, question)) if name == "question" else {"id": 1, "unsupported": True}
        assert draft(published(name)).is_valid(line), question
    assert not draft(published(name)).is_valid({"id": 1})


def test_the_sample_phone_keeps_to_them(run: Run) -> None:
    sample = str(resources.files("seqproof_conformance").joinpath("samples", "phone", "phone.py"))
    words = ("run", f"exec:{sys.executable} {sample}", "--role", "phone", "-V", "-k", "P0*", "--json")
    code, out, err = run(*words)
    assert (code, err) == (0, "")
    assert json.loads(out)["failed"] == []


LOOSE = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    ok = {"nonce": asked["nonce"], "phone": "loose"} if asked["op"] == "hello" else {"requests": [], "died": False}
    if asked["op"] == "start":
        ok = {"requests": [{"op": "recv", "id": 1, "account": "x", "seq_cli": 0.0}]}
    print(json.dumps({"id": asked["id"], "ok": ok}), flush=True)
"""


def test_a_phone_that_breaks_them_is_at_fault_in_one_line_that_names_the_place(run: Run) -> None:
    Path("loose.py").write_text(LOOSE, "utf-8")
    code, _, err = run("run", f"exec:{sys.executable} loose.py", "--role", "phone", "--validate")
    assert code == 4
    assert "its answer to start breaks the schema at $.ok.requests[0].seq_cli" in err


@pytest.mark.parametrize("words", [("-j", "2"), ("--profile", "gappy")])
def test_what_is_for_servers_alone_is_refused_in_one_line(run: Run, words: tuple[str, str]) -> None:
    code, out, err = run("run", "phone", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"{words[0]} is for servers; leave it out for a phone" in err
