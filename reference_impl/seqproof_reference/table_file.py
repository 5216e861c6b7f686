"""A small table that a person keeps in a file, TOML or JSON by its ending: read whole, checked whole, or one line."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

MAX_BYTES = 16 << 20
T = TypeVar("T")


class TableError(Exception):
    """The file is no such table: one line that says where, why, and what it should hold."""


def read_table(path: Path, shape: type[T], like: str) -> T:
    """Read ``path`` as ``shape``; ``like`` is a line of it as it should be. Raises TableError."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise TableError(f"{path} holds more than {MAX_BYTES >> 20} MiB; that is no table")
        decode = msgspec.json.decode if path.suffix == ".json" else msgspec.toml.decode
        return decode(content, type=shape)
    except OSError as error:
        raise TableError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        why = " ".join(str(error).split())
        raise TableError(f"{path}: {why}; a line of it is: {like} (a file that ends in .json: JSON)") from error
