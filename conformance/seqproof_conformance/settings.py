"""Where an option of ``seqproof run`` gets its value when the command line does not give it.

    command line  >  environment, SEQPROOF_<OPTION>  >  file  >  the option's own default

The file is ``seqproof.toml``, or the table ``[tool.seqproof]`` of ``pyproject.toml``, in the nearest folder upward that
has one; the search ends with the repository's root, or the home folder. A key is an option's long name without its
dashes. Paths in a file are relative to the file, so that a run means the same in every folder below it.

The options themselves are the command's own parameters: there is no second list of them, and a value is checked by the
same types that check the command line. What cannot be used is one line with the place, the key and the near names.
Source: docs/ci.md.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import msgspec
import typer

from seqproof_conformance.address import hidden
from seqproof_conformance.shell import UsageError

FILES = ("seqproof.toml", "pyproject.toml")
PREFIX = "SEQPROOF_"
ONLY_BY_HAND = ("help", "show-config", "update-baseline")
YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
SAYS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", list: "a list of texts"}


@dataclass(frozen=True)
class Option:
    """A parameter of the command. ``name``: its Python name; ``key``: its name in files."""

    name: str
    key: str
    kind: type
    path: bool
    many: bool
    parameter: Any

    @property
    def variable(self) -> str:
        """The name of its environment variable."""
        return PREFIX + self.key.replace("-", "_").upper()


@dataclass(frozen=True)
class Setting:
    """A value and where it came from."""

    value: object
    source: str


def options_of(parameters: Iterable[Any]) -> dict[str, Option]:
    """The options of a command, by key, as its parameters tell them."""
    kinds: dict[str, type] = {"boolean": bool, "int": int, "float": float}
    options: dict[str, Option] = {}
    for parameter in parameters:
        key = max((str(text) for text in parameter.opts), key=len).lstrip("-")
        kind: str = parameter.type.name
        many = bool(getattr(parameter, "multiple", False))
        if key not in ONLY_BY_HAND:
            found = kinds.get(kind.partition(" ")[0], str)  # "int range" is an int with bounds
            options[key] = Option(parameter.name, key, found, kind == "path", many, parameter)
    return options


def resolve(parameters: Iterable[Any], environ: Mapping[str, str], start: Path) -> dict[str, Setting]:
    """What file and environment say, by the parameter's name. Raises UsageError."""
    options = options_of(parameters)
    file = find(start)
    settings = {} if file is None else from_file(file, options)
    return settings | from_environment(environ, options)


# ---------------------------------------------------------------- the file


def find(start: Path, home: Path | None = None) -> Path | None:
    """The nearest file upward that configures seqproof. Raises UsageError for one that cannot be read."""
    home = home or Path(os.environ.get("HOME") or "/")
    for folder in (start, *start.parents):
        for name in FILES:
            path = folder / name
            if path.is_file() and (name == "seqproof.toml" or _table(path) is not None):
                return path
        if (folder / ".git").exists() or folder == home:
            return None
    return None


class _Project(msgspec.Struct):
    tool: dict[str, Any] = {}


def _table(path: Path) -> dict[str, object] | None:
    """The file's table of options; None where a pyproject.toml has none."""
    try:
        if path.name == "seqproof.toml":
            return msgspec.toml.decode(path.read_bytes(), type=dict[str, object])
        table = msgspec.toml.decode(path.read_bytes(), type=_Project).tool.get("seqproof")
        return None if table is None else msgspec.convert(table, dict[str, object])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {_short(path)}: {getattr(error, 'strerror', '') or error}") from None


def from_file(path: Path, options: Mapping[str, Option]) -> dict[str, Setting]:
    """What a file says. Raises UsageError."""
    settings: dict[str, Setting] = {}
    for key, value in (_table(path) or {}).items():
        option = options.get(key)
        if option is None:
            raise UsageError(f"{_short(path)}: {_unknown(key, options)}")
        where = f"{_short(path)}: {key}"
        settings[option.name] = Setting(_checked(option, _shaped(option, value, where), where, path), _short(path))
    return settings


def _unknown(key: str, options: Mapping[str, Option]) -> str:
    if key in ONLY_BY_HAND:
        return f"{key} belongs on the command line; remove it"
    near = difflib.get_close_matches(key.replace("_", "-"), options, 3, 0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(options)}"
    return f"no option {key!r}; {hint}"


def _shaped(option: Option, value: object, where: str) -> object:
    """The value, if it has the option's type. A list may be written as one text with commas."""
    if option.many:
        listed = value.split(",") if isinstance(value, str) else value
        if isinstance(listed, list) and all(isinstance(item, str) for item in cast("list[object]", listed)):
            return cast("list[object]", listed)
        kind: type = list
    else:
        kind = option.kind
        fits = isinstance(value, (int, float) if kind is float else kind)
        if fits and not (isinstance(value, bool) and kind is not bool):
            return value
    raise UsageError(f"{where} is {SAYS[kind]}, not {value!r:.60}")


# ---------------------------------------------------------------- the environment


def from_environment(environ: Mapping[str, str], options: Mapping[str, Option]) -> dict[str, Setting]:
    """What the environment says; an empty variable says nothing. Raises UsageError."""
    settings: dict[str, Setting] = {}
    for option in options.values():
        if text := environ.get(option.variable, ""):
            value = _read(option, text)
            settings[option.name] = Setting(_checked(option, value, option.variable), f"environment {option.variable}")
    return settings


def _read(option: Option, text: str) -> object:
    if option.many:
        return text.split(",")
    if option.kind is bool:
        if text.lower() not in YES + NO:
            raise UsageError(f"{option.variable} is {', '.join(YES)} or {', '.join(NO)}, not {text!r:.60}")
        return text.lower() in YES
    return text


# ---------------------------------------------------------------- both


def _checked(option: Option, value: object, where: str, file: Path | None = None) -> object:
    """The value as the command's own type takes it; a file's paths are made relative to the file."""
    if file is not None and isinstance(value, str) and (option.path or _names_a_profile_file(option, value)):
        value = os.path.relpath(file.parent / Path(value).expanduser())
    try:
        option.parameter.type_cast_value(cast("Any", None), value)
    except typer.BadParameter as error:
        raise UsageError(f"{where}: {error.message.rstrip('.')}") from None
    return hidden(value) if isinstance(value, str) else value  # the password of an address is shown nowhere


def _names_a_profile_file(option: Option, value: str) -> bool:
    return option.key == "profile" and re.search(r"\.toml(:|$)", value) is not None


def _short(path: Path) -> str:
    return os.path.relpath(path)
