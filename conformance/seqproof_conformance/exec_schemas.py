"""The messages of ``exec_wire`` as JSON Schemas (draft 2020-12): what is published, and what checks a line by them.

    question.json    every line the kit may write to an adapter         $defs: an entry for each operation
    answer.json      every line an adapter may write to the kit         the same, by the operation that it answers

They are printed from the Structs by ``python -m seqproof_conformance.exec_schemas`` and shipped, for whoever writes an
adapter in a language with a schema library. JSON Schema calls 1.0 an integer; here it is none, because a seq that has
once been a float cannot be trusted (SEQ-7). The checker below knows that, others accept a little more.
Source: docs/adapters.md.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
from jsonschema import exceptions, validators

from seqproof_conformance.exec_wire import OPERATIONS, PROTOCOL, Answered, Operation, Seq

__all__ = ["FILES", "FOLDER", "against", "complaint", "published", "schemas", "validator", "whole", "write"]

FILES = {"question": "question.json", "answer": "answer.json"}
FOLDER = "exec_schema"


def schemas() -> dict[str, dict[str, Any]]:
    """Return the published schemas, "question" and "answer". ``$defs`` of either has an entry for each operation."""
    _, parts = msgspec.json.schema_components(
        [kind for row in OPERATIONS.values() for kind in (row.ask, row.shape)], ref_template="#/$defs/{name}"
    )
    asks, answers = dict[str, Any](), dict[str, Any]()
    for name, row in OPERATIONS.items():
        asks[name] = _question_schema(parts[row.ask.__name__])
        answers[name] = _answer_schema(row)
    common = ["Code", "Capability", "Refusal", "Doubt", "Tip", "Via", *(row.ok.__name__ for row in OPERATIONS.values())]
    shared = {name: parts[name] for name in common}
    return {"question": whole(PROTOCOL, "question", asks, {}), "answer": whole(PROTOCOL, "answer", answers, shared)}


def _question_schema(part: dict[str, Any]) -> dict[str, Any]:
    """A question has its number, all its fields, and no others; wide numbers are strings."""
    fields: dict[str, Any] = {"id": {"type": "integer", "minimum": 1}} | part["properties"]
    wide = msgspec.json.schema(Seq)["anyOf"]
    for name, field in fields.items():
        field.pop("default", None)
        if name != "id" and field.get("type") == "integer":
            fields[name] = {"anyOf": wide}
    if "protocol" in fields:
        fields["protocol"] = {"const": PROTOCOL}
    about = {"description": part["description"]}
    return about | {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _answer_schema(row: Operation) -> dict[str, Any]:
    """An answer has the number of its question and exactly one outcome."""
    fields: dict[str, Any] = {"id": {"type": "integer"}, "ok": {"$ref": f"#/$defs/{row.ok.__name__}"}}
    fields |= {"unsupported": {"const": True}, "error": {"type": "string"}}
    if issubclass(row.shape.__origin__, Answered):
        fields |= {"refused": {"$ref": "#/$defs/Refusal"}, "indefinite": {"$ref": "#/$defs/Doubt"}}
    outcomes = [{"required": [name]} for name in fields if name != "id"]
    whole = {"type": "object", "properties": fields, "required": ["id"], "additionalProperties": False}
    return whole | {"oneOf": outcomes}


def whole(protocol: str, name: str, kinds: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that takes a line of any operation. ``kinds``: by operation; ``shared``: what they refer to."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{protocol}: {name}",
        "description": "One line. An integer is written without a fraction and without an exponent.",
        "anyOf": [{"$ref": f"#/$defs/{kind}"} for kind in kinds],
        "$defs": kinds | shared,
    }


def write(folder: Path) -> None:
    """Write both files into the folder."""
    for name, schema in schemas().items():
        (folder / FILES[name]).write_text(json.dumps(schema, indent=2) + "\n", "utf-8")


# ---------------------------------------------------------------- holding a line to them


def published(name: str) -> dict[str, Any]:
    """Return the shipped schema: "question" or "answer"."""
    text = resources.files("seqproof_conformance").joinpath(FOLDER, FILES[name]).read_bytes()
    schema: dict[str, Any] = json.loads(text)
    return schema


def _is_integer(_checker: object, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_validators: Any = validators  # their stubs leave out what is taken and given here
_exceptions: Any = exceptions
_Draft: Any = _validators.Draft202012Validator
_Validator: Any = _validators.extend(_Draft, type_checker=_Draft.TYPE_CHECKER.redefine("integer", _is_integer))


@cache
def _validator(name: str, op: str) -> Any:
    return validator(published(name), op)


def validator(schema: dict[str, Any], op: str) -> Any:
    """Return what checks a message by the part of a published schema that is an operation's."""
    return _Validator({"$ref": f"#/$defs/{op}", "$defs": schema["$defs"]})


def complaint(name: str, op: str, line: bytes) -> str:
    """Say where the line breaks the schema of an ``op``'s question or answer, as "$.path: why"; "" if it does not."""
    if op not in OPERATIONS:  # a probe's: it is answered as close is
        return "" if name == "question" else against(_validator(name, "close"), line)
    return against(_validator(name, op), line)


def against(checks: Any, line: bytes) -> str:
    """Say what a validator finds wrong with a line, as "$.path: why"; "" if nothing."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"$: {error}"
    worst = _exceptions.best_match(checks.iter_errors(message))
    return f"{worst.json_path}: {worst.message:.200}" if worst else ""


if __name__ == "__main__":
    write(Path(__file__).parent / FOLDER)
