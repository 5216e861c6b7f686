"""The published JSON Schemas say what the kit itself reads and writes: no more and no less."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from seqproof_conformance import exec_wire as wire
from seqproof_conformance.exec_schemas import complaint, published, schemas
from seqproof_conformance.exec_wire import OPERATIONS, WireError
from seqproof_model.hello import Capability
from seqproof_model.history import Code

steadily = settings(deadline=None, derandomize=True, max_examples=100)
OPS = sorted(OPERATIONS)
SHAPES = ["hello", "reset", "send", "recv", "begin_send", "tips", "close"]  # the others are answered as reset is
ASKED: dict[str, wire.Question] = {
    "hello": wire.Hello("n"), "reset": wire.Reset("x"), "send": wire.Send("x", "s", "c1", "m1"),
    "recv": wire.Recv("x", "A", 2**53), "kill": wire.Kill(), "restart": wire.Restart(),
    "preset_seq": wire.PresetSeq("x", 2**64), "trim": wire.Trim("x"), "fail_next_store": wire.FailNextStore(),
    "begin_send": wire.BeginSend("x", "s", "c1", "m1"), "commit_send": wire.CommitSend("7"), "close": wire.Close(),
    "login": wire.Login("x", "A"), "logout": wire.Logout("x", "A"), "tips": wire.Tips(),
    "backup": wire.Backup(), "restore": wire.Restore(), "recv_raw": wire.RecvRaw("x", "A", "-1"),
}  # fmt: skip

# ---------------------------------------------------------------- good answers, and others

seqs = st.one_of(st.integers(-(2**53), 2**53), st.integers(0, 2**70).map(str))
texts = st.text(max_size=4)


def optional(required: dict[str, Any], **more: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(required, optional={name: st.none() | each for name, each in more.items()})


refusals = optional({"code": st.sampled_from([str(code) for code in Code])}, seq_svr=seqs, detail=texts)
doubts = st.fixed_dictionaries({"why": texts})
able = st.lists(st.sampled_from([str(capability) for capability in Capability]), max_size=3)
names = st.lists(texts, max_size=2)
hellos = st.fixed_dictionaries(
    {"nonce": texts, "server": texts, "capabilities": able},
    optional={"claims": st.none() | texts, "adds": names, "protocol": st.none() | texts},
)
rows = st.lists(st.tuples(seqs, texts).map(list), max_size=3)
tips = st.fixed_dictionaries(
    {"account": texts, "phone": texts}, optional={"via": st.sampled_from(["connection", "os"])}
)
OKS: dict[str, st.SearchStrategy[Any]] = {
    "hello": hellos,
    "send": optional({}, seq=seqs),
    "begin_send": st.fixed_dictionaries({"held": texts}),
    "tips": st.fixed_dictionaries({"tips": st.lists(tips, max_size=3)}),
    "recv": optional({"rows": rows}, more=st.booleans(), upto=seqs, epoch=texts),
}
JUNK: list[Any] = [
    None, True, False, 0, 1, -1, 1.5, 1.0, 2**53 + 1, -(2**53) - 1, 2**64, "", "5", "-5", "5\n", "+5", "1e3", "٣", " 5",
    "9" * 39, "9" * 40, "full", "kill", [], [1], [1, "m"], [["1", "m"]], [[1, "m", 2]], {}, {"seq": 1}, {"rows": []},
    {"why": "x"}, {"code": "full"}, {"code": "fuller"},
]  # fmt: skip
KEYS = ["id", "ok", "refused", "indefinite", "unsupported", "error", "seq", "rows", "more", "code", "why", "x"]


@st.composite
def good(draw: st.DrawFn, op: str) -> Any:
    ok = OKS.get(op, st.just(dict[str, Any]()))
    outcomes = {"ok": ok, "unsupported": st.just(True), "error": texts}
    if op in ("send", "recv"):
        outcomes |= {"refused": refusals, "indefinite": doubts}
    name = draw(st.sampled_from(["ok", *outcomes]))
    return {"id": draw(st.integers(1, 2**70)), name: draw(outcomes[name])}


junk = st.sampled_from([json.dumps(value) for value in JUNK]).map(json.loads)  # each time a new object


def keys(value: Any) -> list[Any]:
    return list(value) if isinstance(value, dict) else list(range(len(value)))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def places(value: Any) -> list[Any]:
    """The objects and lists in a message."""
    if not isinstance(value, dict | list):
        return []
    found: Any = value  # pyright: ignore[reportUnknownVariableType]
    return [found, *(place for key in keys(found) for place in places(found[key]))]


@st.composite
def changed(draw: st.DrawFn, op: str) -> Any:
    """A good answer with one or two things changed, which may or may not leave it good."""
    message = draw(good(op))
    for _ in range(draw(st.integers(1, 2))):
        place: Any = draw(st.sampled_from(places(message)))
        way = draw(st.sampled_from(["drop", "replace", "add"])) if place else "add"
        if way == "add" and isinstance(place, list):
            place.append(draw(junk))  # pyright: ignore[reportUnknownMemberType]
        elif way == "add":
            place[draw(st.sampled_from(KEYS))] = draw(junk)
        elif way == "replace":
            place[draw(st.sampled_from(keys(place)))] = draw(junk)
        else:
            del place[draw(st.sampled_from(keys(place)))]
    return message


def read(op: str, line: bytes) -> str:
    """What the kit's own reader says against the line."""
    try:
        wire.decode(op, line)
    except WireError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("op", SHAPES)
def test_good_answers_are_accepted_by_both(op: str) -> None:
    @steadily
    @given(good(op))
    def both(message: Any) -> None:
        line = json.dumps(message).encode()
        assert (read(op, line), complaint("answer", op, line)) == ("", "")

    both()


@pytest.mark.parametrize("op", SHAPES)
def test_the_reader_and_the_schema_accept_the_same_answers(op: str) -> None:
    refused = 0

    @steadily
    @given(changed(op))
    def both(message: Any) -> None:
        nonlocal refused
        line = json.dumps(message).encode()
        by_reader, by_schema = read(op, line), complaint("answer", op, line)
        assert bool(by_reader) == bool(by_schema), (by_reader, by_schema)
        refused += bool(by_reader)

    both()
    assert refused


# ---------------------------------------------------------------- questions


@pytest.mark.parametrize("op", OPS)
def test_what_the_kit_asks_is_what_the_schema_demands(op: str) -> None:
    line = wire.encode(7, ASKED[op])
    assert complaint("question", op, line) == ""
    message: dict[str, Any] = json.loads(line)
    for name in message:
        less = {key: value for key, value in message.items() if key != name}
        assert complaint("question", op, json.dumps(less).encode()), f"{name} may be left out"
        wrong = json.dumps(message | {name: 1.5}).encode()
        assert complaint("question", op, wrong).startswith(f"$.{name}: "), f"{name} may be anything"
    assert complaint("question", op, json.dumps(message | {"more": 1}).encode()), "any other key may be there"


def test_every_operation_is_asked_here_and_every_shape_of_an_answer_is_tried() -> None:
    assert sorted(ASKED) == OPS
    assert {row.shape for row in OPERATIONS.values()} == {OPERATIONS[op].shape for op in SHAPES}


@steadily
@given(st.integers(0, 2**70))
def test_a_wide_seq_travels_as_a_text_and_comes_back_whole(seq: int) -> None:
    asked = json.loads(wire.encode(1, wire.Recv("x", "A", seq)))["seq_cli"]
    assert asked == (seq if seq <= 2**53 else str(seq))
    line = json.dumps({"id": 1, "ok": {"seq": asked}}).encode()
    assert complaint("answer", "send", line) == ""
    ok: Any = wire.decode("send", line).ok
    assert int(ok.seq) == seq


# ---------------------------------------------------------------- the files


@pytest.mark.parametrize("name", ["question", "answer"])
def test_the_published_schemas_are_current_and_schemas(name: str) -> None:
    mend = "stale; run: python -m seqproof_conformance.exec_schemas"
    assert published(name) == json.loads(json.dumps(schemas()[name])), mend
    draft: Any = Draft202012Validator
    draft.check_schema(published(name))


@pytest.mark.parametrize("name", ["question", "answer"])
def test_the_whole_schema_takes_a_line_of_any_operation(name: str) -> None:
    draft: Any = Draft202012Validator
    whole = draft(published(name))
    for op, question in ASKED.items():
        answer: dict[str, Any] = {"id": 1, "unsupported": True}
        assert whole.is_valid(json.loads(wire.encode(1, question)) if name == "question" else answer), op
    assert not whole.is_valid({"id": 1})


def test_a_line_that_is_no_json_is_a_complaint() -> None:
    assert complaint("answer", "send", b"{").startswith("$: ")
    assert complaint("answer", "send", b"[" * 100_000).startswith("$: ")
