"""The messages between the kit and a phone program as JSON Schemas (draft 2020-12), and what checks a line by them.

    phone-question.json    every line the kit may write to a phone      $defs: an entry for each operation
    phone-answer.json      every line a phone may write to the kit      the same, by the operation that it answers

They are printed from the rows of ``phone_wire`` by ``python -m seqproof_conformance.phone_schemas`` and shipped beside
those of servers, which ``exec_schemas`` speaks of; an integer is the same here as there.
Source: docs/phones.md.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from seqproof_conformance.exec_schemas import FOLDER, against, validator
from seqproof_conformance.exec_schemas import whole as whole_of
from seqproof_conformance.phone_wire import OPERATIONS, PROTOCOL

__all__ = ["FILES", "complaint", "published", "schemas", "write"]

FILES = {"question": "phone-question.json", "answer": "phone-answer.json"}


def schemas() -> dict[str, dict[str, Any]]:
    """Return the published schemas, "question" and "answer"."""
    kinds = [kind for row in OPERATIONS.values() for kind in (row.ask, row.shape)]
    _, found = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    parts: dict[str, Any] = _by_tag(found)
    asks = {op: _question(parts[row.ask.__name__]) for op, row in OPERATIONS.items()}
    answers = {op: _answer(row.ok.__name__) for op, row in OPERATIONS.items()}
    return {
        "question": whole_of(PROTOCOL, "question", asks, _referred(asks, parts)),
        "answer": whole_of(PROTOCOL, "answer", answers, _referred(answers, parts)),
    }


def _by_tag(schema: Any) -> Any:
    """The same, where one of several is known by its tag: so that a complaint is about that one, not about another."""
    node: Any = schema
    if isinstance(schema, list):
        return [_by_tag(item) for item in node]
    if not isinstance(schema, dict):
        return node
    if "discriminator" not in schema:
        return {key: _by_tag(item) for key, item in node.items()}
    tag: str = node["discriminator"]["propertyName"]
    kinds: dict[str, str] = node["discriminator"]["mapping"]
    cases = [{"if": {"properties": {tag: {"const": name}}}, "then": {"$ref": ref}} for name, ref in kinds.items()]
    return {"type": "object", "required": [tag], "properties": {tag: {"enum": [*kinds]}}, "allOf": cases}


def _question(part: dict[str, Any]) -> dict[str, Any]:
    """A question has its number and its words, and no others."""
    fields: dict[str, Any] = {"id": {"type": "integer", "minimum": 1}} | part["properties"]
    needed = ["id", *part["required"]]
    if "protocol" in fields:
        fields["protocol"] = {"const": PROTOCOL}
        needed.append("protocol")
    about = {"description": part["description"]}
    return about | {"type": "object", "properties": fields, "required": needed, "additionalProperties": False}


def _answer(ok: str) -> dict[str, Any]:
    """An answer has the number of its question and exactly one outcome."""
    fields: dict[str, Any] = {"id": {"type": "integer"}, "ok": {"$ref": f"#/$defs/{ok}"}}
    fields |= {"unsupported": {"const": True}, "error": {"type": "string"}}
    outcomes = [{"required": [name]} for name in fields if name != "id"]
    return {
        "type": "object",
        "properties": fields,
        "required": ["id"],
        "additionalProperties": False,
        "oneOf": outcomes,
    }


def _referred(kinds: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """The parts that these refer to, and those that they refer to in turn."""
    found: dict[str, Any] = {}
    names = _names(kinds)
    while names - found.keys():
        found |= {name: parts[name] for name in sorted(names - found.keys())}
        names = _names(found)
    return found


def _names(schema: dict[str, Any]) -> set[str]:
    return set(re.findall(r'"#/\$defs/(\w+)"', json.dumps(schema)))


def write(folder: Path) -> None:
    """Write both files into the folder."""
    for name, schema in schemas().items():
        (folder / FILES[name]).write_text(json.dumps(schema, indent=2) + "\n", "utf-8")


def published(name: str) -> dict[str, Any]:
    """Return the shipped schema: "question" or "answer"."""
    text = resources.files("seqproof_conformance").joinpath(FOLDER, FILES[name]).read_bytes()
    schema: dict[str, Any] = json.loads(text)
    return schema


@cache
def _validator(name: str, op: str) -> Any:
    return validator(published(name), op)


def complaint(name: str, op: str, line: bytes) -> str:
    """Say where the line breaks the schema of an ``op``'s question or answer, as "$.path: why"; "" if it does not."""
    return against(_validator(name, op), line)


if __name__ == "__main__":
    write(Path(__file__).parent / FOLDER)
