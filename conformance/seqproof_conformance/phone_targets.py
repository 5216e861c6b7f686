"""Target strings for phones, and the role that a run is about: a server or a phone.

    phone[:store=sqlite]   the shipped reference phone        phone-mutant:ID   one of its faulty twins
    py:MODULE:OBJECT       your own phone adapter, in Python  exec:COMMAND      a program that speaks JSON Lines

The last two are ways in for servers as well; ``--role phone`` says which is meant. Errors are those of ``targets``.
Source: docs/phones.md.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

from seqproof_conformance.adapter import TargetError
from seqproof_conformance.phone_adapter import PhoneAdapter, greeted
from seqproof_conformance.phone_exec import ExecPhone
from seqproof_conformance.targets import Entry, UnknownTarget, found_by_name
from seqproof_model import phone_scenario
from seqproof_model.phone_scenario import PhoneScenario
from seqproof_model.phone_words import PhoneHello

__all__ = ["FAULTY", "Role", "catalogue", "opened", "role_of"]

FAULTY = "seqproof_reference.phone_faulty"
LIST = "see `seqproof list targets`"


class Role(StrEnum):
    """What is under test."""

    SERVER = "server"
    PHONE = "phone"


def _phone(text: str) -> PhoneAdapter:
    twins: Any = importlib.import_module(FAULTY)
    if text not in ("", "store=sqlite", "store=memory"):
        raise UnknownTarget(f"phone:{text}: write phone, or phone:store=sqlite; {LIST}")
    return _checked(f"phone:{text}", twins.make("P_SQLITE" if text == "store=sqlite" else ""))


def _mutant(text: str) -> PhoneAdapter:
    twins: Any = importlib.import_module(FAULTY)
    try:
        if not text:
            raise KeyError("phone-mutant: names none")
        return _checked(f"phone-mutant:{text}", twins.make(text))
    except KeyError as error:  # its text names the near ones
        raise UnknownTarget(f"{error.args[0]}; see `seqproof list phone-mutants`") from None


def _exec(text: str) -> PhoneAdapter:
    try:
        return ExecPhone(text)
    except TargetError as error:
        raise UnknownTarget(f"{error}; {LIST}") from None


def _py(text: str) -> PhoneAdapter:
    return _checked(f"py:{text}", found_by_name(text, PhoneAdapter))


def _checked(target: str, found: object) -> PhoneAdapter:
    names = [name for name in vars(PhoneAdapter) if not name.startswith("_")]
    missing = [name for name in names if not callable(getattr(found, name, None))]
    if missing or not isinstance(found, PhoneAdapter):
        raise TargetError(
            f"{target}: {type(found).__name__} is no phone adapter, it lacks {', '.join(missing)}; "
            "write these methods as in seqproof_conformance.phone_adapter.PhoneAdapter"
        )
    return found


WAYS: dict[str, tuple[str, str, Callable[[str], PhoneAdapter]]] = {
    "phone": ("phone[:store=sqlite]", "the shipped reference phone (what is under test is a phone)", _phone),
    "phone-mutant": ("phone-mutant:ID", "a faulty twin of it, see `seqproof list phone-mutants`", _mutant),
    "exec": ("exec:COMMAND ARGS", "your own phone, with --role phone: a program in any language", _exec),
    "py": ("py:MODULE:OBJECT", "your own phone adapter, with --role phone: an object, or what makes one", _py),
}


def role_of(target: str, asked: str | None) -> Role:
    """What a run on the target is about. ``asked``: the option --role. Raises UnknownTarget."""
    name = target.partition(":")[0]
    if asked is None:
        return Role.PHONE if name in ("phone", "phone-mutant") else Role.SERVER
    if asked not in tuple(Role):
        raise UnknownTarget(f"--role is server or phone, not {asked!r:.40}")
    if asked == Role.PHONE and name not in WAYS:
        raise UnknownTarget(f"{target} is no phone; phones are {', '.join(form for form, _, _ in WAYS.values())}")
    if asked == Role.SERVER and name in ("phone", "phone-mutant"):
        raise UnknownTarget(f"{target} is a phone; leave --role out, or write --role phone")
    return Role(asked)


@contextmanager
def opened(
    text: str, timeout_s: float | None = None, *, validate: bool = False
) -> Generator[tuple[PhoneAdapter, PhoneHello]]:
    """A phone that answers, and is closed whatever happens.

    ``validate``: hold its lines to the published schemas, where it speaks in lines. Raises UnknownTarget, TargetError.
    """
    name, _, rest = text.partition(":")
    if name not in WAYS:
        raise UnknownTarget(f"{text} is no phone; phones are {', '.join(form for form, _, _ in WAYS.values())}")
    adapter = WAYS[name][2](rest)
    if isinstance(adapter, ExecPhone) and timeout_s is not None:
        adapter.bound(timeout_s)
    if isinstance(adapter, ExecPhone) and validate:
        adapter.validate()
    try:
        yield adapter, greeted(adapter)
    finally:
        with suppress(Exception):  # a close that fails takes nothing from what was found; the watchdog cleans up
            adapter.close()


def scenario_for_phones(file: Path, target: str, asked: str | None) -> PhoneScenario | None:
    """The scenario in a file that is one for phones, else None. Raises ScenarioError, UnknownTarget."""
    try:
        text = file.read_bytes()
    except OSError:
        return None  # whoever reads it as a scenario for servers says so
    if not phone_scenario.is_one(text):
        if role_of(target, asked) is Role.PHONE:
            raise UnknownTarget(f"{file} is no scenario for phones, and {target} is a phone; see docs/phones.md")
        return None
    role_of(target, asked or ("phone" if target.partition(":")[0] in WAYS else None))
    if target.partition(":")[0] not in WAYS:
        raise UnknownTarget(f"{file} is a scenario for phones, and {target} is none; {LIST}")
    return phone_scenario.decode(text, str(file))


def catalogue() -> list[Entry]:
    """The ways in that are for phones alone."""
    return [Entry(form, summary) for name, (form, summary, _) in WAYS.items() if name.startswith("phone")]
