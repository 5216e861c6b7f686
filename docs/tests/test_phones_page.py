"""The page on phones names every operation, capability and step, and its examples are what the code writes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec

from seqproof_conformance import phone_wire
from seqproof_conformance.exec_wire import Question
from seqproof_model import phone_scenario as ps
from seqproof_model.phone_verdict import GRADED
from seqproof_model.phone_words import PhoneCapability

PAGE = (Path(__file__).resolve().parents[1] / "phones.md").read_text("utf-8")


def tags(kind: type[Question]) -> set[str]:
    """The tags of all leaf structs below a struct."""
    below: list[type[Question]] = kind.__subclasses__()
    return {tag for one in below for tag in (tags(one) or {str(one.__struct_config__.tag)})}


def test_every_operation_capability_requirement_and_step_is_named() -> None:
    ours = {tag for tag in tags(Question) if hasattr(phone_wire, tag.title().replace("_", ""))} | {"reply"}
    steps = {str(kind.__struct_config__.tag) for kind in ps.Step.__args__}
    for word in {*ours, *map(str, PhoneCapability), *GRADED, *steps}:
        assert f"`{word}`" in PAGE or f"| {word} |" in PAGE or f"`{word}," in PAGE, (
            f"docs/phones.md does not say {word}"
        )


def test_the_example_scenario_is_one() -> None:
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert ps.decode(text.encode()).notation() == "on m*3 rx wait r"


def test_the_example_lines_are_those_of_the_wire() -> None:
    lines = re.findall(r"^(kit|phone)  +(\{.*\})$", PAGE, re.MULTILINE)
    assert len(lines) == 6
    for at, (who, line) in enumerate(lines):
        said = json.loads(line)
        if who == "phone":
            op = json.loads(lines[at - 1][1])["op"]
            assert phone_wire.decode(op, line.encode()).ok is not msgspec.UNSET
        elif said["op"] == "reply":
            assert msgspec.json.encode(msgspec.convert(said, phone_wire.Replied)) != b""
