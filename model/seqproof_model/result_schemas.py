"""What a run and a counterexample leave behind, as JSON Schemas (draft 2020-12): published, and kept true by the types.

    verdict.json          a run: the file of that name, and what ``--json`` prints
    counterexample.json   what is kept of a counterexample beside its history and its steps

They are printed from the Structs by ``python -m seqproof_model.result_schemas``. What a later version adds is allowed,
so a reader that checks by them can still read its files. Source: docs/formats.md.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from seqproof_model.kept import Facts
from seqproof_model.results import RunResult

FOLDER = "schemas"
KINDS: dict[str, tuple[type[msgspec.Struct], str]] = {
    "verdict.json": (RunResult, "seqproof: the verdict of a run"),
    "counterexample.json": (Facts, "seqproof: a counterexample, beside its history"),
}


def schemas() -> dict[str, dict[str, Any]]:
    """Return the published schemas by file name."""
    return {name: _whole(kind, title) for name, (kind, title) in KINDS.items()}


def _whole(kind: type[msgspec.Struct], title: str) -> dict[str, Any]:
    (_,), parts = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    root = parts.pop(kind.__name__)
    draft = "https://json-schema.org/draft/2020-12/schema"
    whole = {"$schema": draft, **root, "title": title, "$defs": parts}
    plain: dict[str, Any] = json.loads(json.dumps(whole))  # tuples among the defaults become lists
    return plain


def write(folder: Path) -> None:
    """Write the files into the folder."""
    for name, schema in schemas().items():
        (folder / name).write_text(json.dumps(schema, indent=2) + "\n", "utf-8")


def published(name: str) -> dict[str, Any]:
    """Return a shipped schema by its file name."""
    text = resources.files("seqproof_model").joinpath(FOLDER, name).read_bytes()
    schema: dict[str, Any] = json.loads(text)
    return schema


if __name__ == "__main__":
    write(Path(__file__).parent / FOLDER)
