"""Traces in ITF: what is written is read as the same trace, and a file that tells anything else is refused."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqproof_model.bounded import Bounded, Instance
from seqproof_model.engines import itf
from seqproof_model.engines.itf import ItfError
from seqproof_model.engines.simulate import by_walks
from seqproof_model.faults import MODELS
from seqproof_model.network import CORRECT
from seqproof_model.scope import Scope
from seqproof_model.stepper import Stepper
from seqproof_model.trace import Trace, trace

FAULTS = [name for name, model in MODELS.items() if not model.right]
SCOPES = {
    "two slots": Scope(2, 3, 2, duplicates=True),
    "overlap": Scope(2, 3, 2, overlap=True, crash=True),
    "all liberties": Scope(2, 3, 2, duplicates=True, crash=True, late=True, restore=True, trim=True, page=1),
    "overlap and restore": Scope(2, 2, 2, overlap=True, crash=True, restore=True, duplicates=True),
    "one message followed": Scope(2, 3, 2, follow=True),
}


def walk(bounded: Bounded, steps: int) -> Trace:
    """A random run."""
    chance, stepper, done = random.Random(1), Stepper(bounded), list[Instance]()
    start = state = chance.choice(stepper.starts())
    for _ in range(steps):
        instance, taken = chance.choice(list(stepper.enabled(state)))
        done.append(instance)
        state = stepper.after(state, taken)
    return trace(bounded, done, start)


def lasso() -> Trace:
    """A phone asks, and its request is lost, for ever; after a message has come."""
    bounded = Bounded(CORRECT, Scope(1, 2))
    by_name = {instance.action.name: instance for instance in bounded.instances}
    return trace(bounded, [by_name[name] for name in ("send", "ask", "lose_request")], loop=1)


# ---------------------------------------------------------------- what is written is read


@pytest.mark.parametrize("name", FAULTS)
def test_a_counterexample_is_read_as_it_was(name: str) -> None:
    found = by_walks(Bounded(MODELS[name].definition, MODELS[name].scope()), walks=4_000, steps=60).trace
    assert found
    assert itf.decode(itf.encode(found)) == found


@pytest.mark.parametrize("name", SCOPES)
def test_a_run_in_any_scope_is_read_as_it_was(name: str) -> None:
    found = walk(Bounded(CORRECT, SCOPES[name]), 60)
    again = itf.decode(itf.encode(found))
    assert again == found
    assert itf.encode(again) == itf.encode(found)


def test_a_lasso_is_read_as_it_was_and_says_where_it_returns_to() -> None:
    assert json.loads(itf.encode(lasso()))["loop"] == 1
    assert itf.decode(itf.encode(lasso())) == lasso()


def test_a_trace_without_steps_is_one_state() -> None:
    found = trace(Bounded(CORRECT, Scope()), [])
    assert len(json.loads(itf.encode(found))["states"]) == 1
    assert itf.decode(itf.encode(found)) == found


def test_a_file_is_written_and_read(tmp_path: Path) -> None:
    file = tmp_path / "trace.itf.json"
    itf.write(lasso(), file)
    assert itf.read(file) == lasso()


# ---------------------------------------------------------------- what stands in the file


def test_the_file_says_what_it_is_and_every_state_gives_every_variable() -> None:
    found = walk(Bounded(CORRECT, SCOPES["overlap"]), 40)
    file = json.loads(itf.encode(found))
    assert file["#meta"]["format"] == "ITF"
    assert (file["#meta"]["definition"], file["#meta"]["scope"]["slots"]) == ("CORRECT", 2)
    assert "loop" not in file
    assert [state["#meta"]["index"] for state in file["states"]] == list(range(41))
    for state in file["states"]:
        assert state.keys() - {"#meta"} == set(file["vars"])


def test_values_are_written_as_the_format_has_them() -> None:
    found = by_walks(Bounded(MODELS["ACK_ON_REPLY"].definition, MODELS["ACK_ON_REPLY"].scope())).trace
    assert found
    before, last = json.loads(itf.encode(found))["states"][-2:]
    assert before["requests"] == [{"#set": [{"seq_cli": {"#bigint": "0"}}]}]
    assert (last["svr"], last["up"], last["requests"]) == ({"#bigint": "1"}, True, [{"#set": []}])
    assert last["replies"] == [{"#set": [{"lower": {"#bigint": "0"}, "upper": {"#bigint": "1"}}]}]
    assert last["phones"] == [{"cli": {"#bigint": "0"}, "got": {"#set": []}}]
    assert last["mbt::actionTaken"] == "recv"
    assert last["mbt::nondetPicks"] == {
        "phone": {"tag": "Some", "value": {"#bigint": "0"}},
        "slot": {"tag": "Some", "value": {"#bigint": "0"}},
        "packet": {"tag": "Some", "value": {"seq_cli": {"#bigint": "0"}}},
    }


def test_what_a_phone_holds_is_a_set_of_seqs_or_whether_it_holds_the_one_that_is_followed() -> None:
    held: dict[bool, set[str]] = {}
    for follow in (False, True):
        found = walk(Bounded(CORRECT, Scope(1, 3, follow=follow)), 60)
        states = json.loads(itf.encode(found))["states"]
        held[follow] = {json.dumps(state["phones"][0]["got"]) for state in states}
    assert held[True] == {"false", "true"}
    assert json.dumps({"#set": [{"#bigint": "1"}, {"#bigint": "2"}, {"#bigint": "3"}]}) in held[False]


def test_a_state_is_a_line() -> None:
    assert sum(b'"index"' in line for line in itf.encode(lasso()).splitlines()) == 4


# ---------------------------------------------------------------- what other tools write


def other_tools(file: Any) -> Any:
    """The same trace as another tool may write it: plain integers, another order, options that are None."""
    text = json.dumps(file).replace('{"#bigint": "0"}', "0").replace('{"#bigint": "1"}', "1")
    plain = json.loads(text)
    for state in plain["states"]:
        state["mbt::nondetPicks"]["unused"] = {"tag": "None", "value": {"#tup": []}}
        for requests in state["requests"]:
            requests["#set"].reverse()
    plain["vars"].reverse()
    return plain | {"params": []}


def test_a_file_of_another_tool_is_read() -> None:
    found = walk(Bounded(CORRECT, Scope(1, 3, 2)), 40)
    assert itf.decode(json.dumps(other_tools(json.loads(itf.encode(found)))).encode()) == found


# ---------------------------------------------------------------- what is refused


def refused(text: bytes) -> str:
    with pytest.raises(ItfError) as caught:
        itf.decode(text, "it.itf.json")
    message = str(caught.value)
    assert message.startswith("it.itf.json")
    assert "\n" not in message
    assert len(message) < 300
    return message


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"3",
        b"{}",
        b'{"vars": [], "states": 3}',
        b'{"vars": [], "states": [3]}',
        b'{"vars": [], "states": [{"class": {"def": 1}}]}',
        b'{"vars": [], "states": [{"svr": {"#bigint": "much"}}]}',
        b'{"vars": [], "states": [{"svr": {"#set": [{"#unserializable": "x"}]}}]}',
        b'{"vars": [], "states": [{"svr": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]}",
        b'{"vars": [], "states": [{"svr": ' + b"9" * 10_000 + b"}]}",
    ],
)
def test_what_is_no_itf_is_refused(text: bytes) -> None:
    assert "is no trace in ITF: " in refused(text)


Change = Callable[[Any], object]


def changed(change: Change) -> bytes:
    """A good file, spoiled: of a phone that asks, is answered, and gets a message."""
    bounded = Bounded(CORRECT, Scope(1, 2))
    by_name = {instance.action.name: instance for instance in bounded.instances}
    found = trace(bounded, [by_name[name] for name in ("send", "ask", "recv", "deliver")])
    file = json.loads(itf.encode(found))
    change(file)
    return json.dumps(file).encode()


def setting(*path: str | int, to: Any) -> Change:
    """A change that sets one value of the file."""

    def change(file: Any) -> None:
        for key in path[:-1]:
            file = file[key]
        file[path[-1]] = to

    return change


def without(*path: str | int) -> Change:
    """A change that takes one value out of the file."""

    def change(file: Any) -> None:
        for key in path[:-1]:
            file = file[key]
        del file[path[-1]]

    return change


def nothing(_file: Any) -> None:
    """No change."""


SPOILED: list[tuple[Change, str]] = [
    (setting("#meta", to=[]), "#meta: definition is null, no model of that id; near: CORRECT"),
    (
        setting("#meta", "definition", to="ACK_ON_REPLI"),
        'definition is "ACK_ON_REPLI", no model of that id; near: ACK_',
    ),
    (setting("#meta", "scope", to=None), "#meta: scope is null, not a scope"),
    (setting("#meta", "scope", to={"phones": "two"}), "#meta: scope: Expected `int`, got `str`"),
    (setting("#meta", "scope", to={"pones": 2}), '#meta: scope has "pones", which no scope has'),
    (setting("#meta", "scope", "phones", to=0), "--phones 0 is too few"),
    (setting("#meta", "scope", "messages", to=10**12), "#meta: scope is too large to be a trace's"),
    (setting("#meta", "scope", "phones", to=2), 'state 0: phones is [{"cli"'),
    (setting("#meta", "scope", "trim", to=True), "state 0: trimmed: missing"),
    (setting("#meta", "broken", to=["svr never falls"]), '#meta: broken is ["svr never falls"], but in the model'),
    (setting("states", to=[]), "it has no states"),
    (
        setting("states", 0, "svr", to={"#bigint": "7"}),
        'state 0: svr is {"#bigint": "7"}, but the model has {"#bigint": "0"}',
    ),
    (setting("states", 0, "mbt::actionTaken", to="send"), 'state 0: mbt::actionTaken: it is "send", not "init"'),
    (setting("states", 2, "up", to=1), 'state 2: up is {"#bigint": "1"}, but the model has true'),
    (setting("states", 2, "up", to=None), "state 2: up is "),
    (setting("states", 2, "up", to=0.5), "state 2: up is "),
    (
        setting("states", 4, "phones", 0, "got", "#set", to=[]),
        'state 4: phones[0].got is {"#set": []}, but the model has {"#set": [{"#bigint": "1"}]}',
    ),
    (setting("states", 2, "requests", to=3), 'state 2: requests is {"#bigint": "3"}, but the model has [{'),
    (setting("states", 2, "requests", 0, to=3), 'state 2: requests[0] is {"#bigint": "3"}, but'),
    (without("states", 3, "confirmed"), "state 3: confirmed: missing"),
    (setting("states", 3, "latch", to=True), "state 3: latch: no variable of this scope"),
    (setting("states", 3, "mbt::actionTaken", to="fly"), 'state 3: mbt::actionTaken: this scope has no action "fly"'),
    (setting("states", 3, "mbt::actionTaken", to=["recv"]), 'this scope has no action ["recv"]'),
    (without("states", 3, "mbt::actionTaken"), "state 3: mbt::actionTaken: this scope has no action null"),
    (without("states", 3, "mbt::nondetPicks"), "state 3: mbt::nondetPicks: null is no record of options"),
    (setting("states", 3, "mbt::nondetPicks", to={"phone": 0}), "state 3: mbt::nondetPicks: "),
    (
        setting("states", 3, "mbt::nondetPicks", "phone", "value", to=5),
        'this scope has no action "recv" with the picks',
    ),
    (
        setting("states", 3, "mbt::nondetPicks", "packet", "value", to=5),
        "recv(phone=0, slot=0) takes another packet than",
    ),
    (without("states", 2), "state 2: mbt::actionTaken: recv(phone=0, slot=0) cannot be taken in the state"),
    (setting("loop", to=0), "loop is 0, which is not the index of a state equal to the last one"),
    (setting("loop", to=99), "loop is 99"),
    (setting("loop", to=-1), "loop is -1"),
    (setting("loop", to="x" * 500), 'loop is "xxx'),
]


@pytest.mark.parametrize(("change", "says"), SPOILED)
def test_a_file_that_is_not_a_run_of_the_model_is_refused_by_state_and_variable(change: Change, says: str) -> None:
    assert says in refused(changed(change))


def test_the_file_that_is_spoiled_here_is_good_before() -> None:
    assert str(itf.decode(changed(nothing))).startswith("send ask")


def test_a_followed_message_that_is_none_of_the_scope_is_refused() -> None:
    file = json.loads(itf.encode(walk(Bounded(CORRECT, Scope(1, 3, follow=True)), 5)))
    file["states"][0]["x"] = {"#bigint": "9"}
    assert "state 0: x is " in refused(json.dumps(file).encode())


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ItfError, match=r"cannot read the trace .*: No such file"):
        itf.read(tmp_path / "none.itf.json")
