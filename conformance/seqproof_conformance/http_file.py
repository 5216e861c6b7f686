"""The TOML file that describes a REST server, as data: read, checked, its blanks ready to be filled.

    text in the file       "Bearer ${TOKEN}", "/v1/{account}/messages", "{seq_cli}"
    Blanks                 such a text, cut (``http_blanks.py``)
    Operation              one request of the file: where it goes, what it says, what its answer holds and where
    Refusal                one row of the table of errors

Whatever is wrong with a file is ``FileError``: one line with the file, the key and the mend. Nothing is guessed: a key
that the format does not know, a request that leaves out what it is for, a variable that is not set are mistakes.
Source: docs/http.md; JSON Pointer is RFC 6901.
"""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args
from urllib.parse import quote, urlsplit

import msgspec
from jsonpointer import JsonPointer, JsonPointerException

from seqproof_conformance.adapter import Capability, TargetError
from seqproof_conformance.http_blanks import Blanks, Mistake, Value, blanks, filled, names_in, near
from seqproof_model import profile as profiles
from seqproof_model.history import Code
from seqproof_model.profile import Profile, ProfileError

SEND = ("account", "sender", "client_id", "body")
RECV = ("account", "phone", "seq_cli")
BLANKS: dict[str, tuple[str, ...]] = {
    "send": SEND,
    "recv": RECV,
    "reset": ("account",),
    "preset_seq": ("account", "seq"),
    "trim": ("account",),
    "fail_next_store": (),
    "hello": (),
}
MUST_SAY: dict[str, tuple[str, ...]] = {
    "send": ("account", "body"),
    "recv": ("account", "seq_cli"),
    "reset": ("account",),
    "preset_seq": ("account", "seq"),
    "trim": ("account",),
}
START = ("python", "port", "dir", "here", "nonce")
POINTERS = {
    "seq",
    "rows",
    "row_seq",
    "row_body",
    "more",
    "upto",
    "epoch",
    "version",
    "nonce",
    "pointer",
    "seq_svr",
    "detail",
}
HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
OURS = {"content-length", "transfer-encoding", "connection", "accept-encoding"}
PRINTABLE = re.compile(r"[\x20-\x7e]*")
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Refusable = Literal["ahead", "malformed", "full", "policy", "store", "busy"]
Format = Literal["http/1"]
Fresh = Literal["reset", "names"]
Asked = Literal["send", "recv"]
CHOICES = {"method": Method, "code": Refusable, "seqproof": Format, "fresh": Fresh, "on": Asked}
Status = Annotated[int, msgspec.Meta(ge=200, le=599)]
Text = str | int


class FileError(TargetError):
    """A description that cannot be used: one line with the file, the key and the mend."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class _Request(_Table, frozen=True, kw_only=True):
    path: str
    method: Method = "POST"
    query: dict[str, Text] = {}
    headers: dict[str, str] = {}
    body: dict[str, Any] | None = None
    ok: Annotated[tuple[Status, ...], msgspec.Meta(min_length=1)] = (200,)


class _Send(_Request, frozen=True, kw_only=True):
    seq: str | None = None


class _Recv(_Request, frozen=True, kw_only=True):
    rows: str
    row_seq: str
    row_body: str
    more: str | None = None
    upto: str | None = None
    epoch: str | None = None
    empty: tuple[Status, ...] = ()


class _Hello(_Request, frozen=True, kw_only=True):
    method: Method = "GET"
    version: str | None = None
    nonce: str | None = None


class _Error(_Table, frozen=True, kw_only=True):
    status: Status
    code: Refusable
    pointer: str | None = None
    value: str | int | bool | None = None
    on: Asked | None = None
    definite: bool = True
    seq_svr: str | None = None
    detail: str | None = None


class _Basic(_Table, frozen=True, kw_only=True):
    user: str
    password: str


class _File(_Table, frozen=True, kw_only=True):
    send: _Send
    recv: _Recv
    seqproof: Format = "http/1"
    name: str = ""
    base_url: str | None = None
    start: str | None = None
    env: dict[str, str] = {}
    headers: dict[str, str] = {}
    basic: _Basic | None = None
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 5.0
    fresh: Fresh | None = None
    send_seq: bool | None = None
    paging: bool = False
    overlap: bool = True
    profile: str | None = None
    hello: _Hello | None = None
    reset: _Request | None = None
    preset_seq: _Request | None = None
    trim: _Request | None = None
    fail_next_store: _Request | None = None
    errors: tuple[_Error, ...] = ()


TABLES: dict[str, type[msgspec.Struct]] = {
    "": _File,
    "send": _Send,
    "recv": _Recv,
    "hello": _Hello,
    "errors": _Error,
    "basic": _Basic,
}


# ---------------------------------------------------------------- what is read


@dataclass(frozen=True)
class Operation:
    """One request, ready to be filled in. ``pointers``: where its answer holds what, by the key of the file."""

    method: str
    path: Blanks
    query: tuple[tuple[str, Blanks], ...]
    headers: tuple[tuple[str, Blanks], ...]
    body: object
    ok: frozenset[int]
    empty: frozenset[int]
    pointers: Mapping[str, JsonPointer]

    def target(self, values: Mapping[str, Value]) -> str:
        """The path and the query."""
        query = "&".join(f"{quote(name, safe='')}={quote(value.text(values), safe='')}" for name, value in self.query)
        return self.path.encoded(values) + (f"?{query}" if query else "")

    def content(self, values: Mapping[str, Value]) -> bytes | None:
        """The JSON of the body; None where the method has none."""
        if self.body is None:
            return None if self.method in ("GET", "DELETE") else b""
        return msgspec.json.encode(filled(self.body, values))


@dataclass(frozen=True)
class Refusal:
    """A row of the table of errors. ``pointer`` None: the status alone says it; ``value`` None: any value does."""

    status: int
    code: Code
    definite: bool
    on: str | None
    value: str | int | bool | None
    pointers: Mapping[str, JsonPointer]


@dataclass(frozen=True)
class Description:
    """A file, checked. ``start``: the command to fill in, None where the server runs already."""

    name: str
    base_url: Blanks
    start: tuple[Blanks, ...] | None
    here: Path
    env: Mapping[str, str]
    headers: tuple[tuple[str, str], ...]
    timeout_s: float
    capabilities: frozenset[Capability]
    profile: Profile | None
    operations: Mapping[str, Operation]
    refusals: tuple[Refusal, ...]


def read(path: Path, environment: Mapping[str, str]) -> Description:
    """Read and check a file. ``environment``: where ``${NAME}`` is looked up. Raises FileError."""
    try:
        return _Reader(_decoded(path.read_bytes()), path.resolve().parent, environment).description(path.stem)
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}; name a TOML file, as in http:FILE.toml") from None
    except Mistake as mistake:
        raise FileError(f"{path}: {mistake}") from None


def _decoded(raw: bytes) -> _File:
    try:
        return msgspec.convert(msgspec.toml.decode(raw), _File)
    except msgspec.ValidationError as error:
        raise _plainly(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Mistake("no TOML", f"{error}; mend its syntax there") from None


def _plainly(told: str) -> Mistake:
    """Say where and what, and name near keys, in place of ``Object contains unknown field `x` - at `$.send```."""
    what, _, place = told.partition(" - at ")
    place = place.strip("`").removeprefix("$").removeprefix(".")
    table = place.partition("[")[0]
    known = TABLES.get(table, _Request).__struct_fields__
    dot = "." if place else ""
    if found := re.fullmatch(r"Object contains unknown field `(.*)`", what):
        return Mistake(f"{place}{dot}{found[1]}", f"no such key; {near(found[1], known)}")
    if found := re.fullmatch(r"Object missing required field `(.*)`", what):
        return Mistake(f"{place}{dot}{found[1]}", "is missing; add it")
    what = what[0].lower() + what[1:].replace("`object`", "a table").replace("`", "")
    choice = CHOICES.get(place.rpartition(".")[2])
    mend = f"write {' or '.join(get_args(choice))}" if choice else "mend the value"
    return Mistake(place or "the file", f"{what}; {mend}")


class _Reader:
    """Turns a file into a description, a part at a time; each part raises Mistake."""

    def __init__(self, file: _File, here: Path, environment: Mapping[str, str]) -> None:
        self._file = file
        self._here = here
        self._environment = environment

    def description(self, stem: str) -> Description:
        operations = {name: self._operation(name) for name in BLANKS if getattr(self._file, name) is not None}
        base_url, start = self._place()
        self._fresh()
        return Description(
            name=self._file.name or stem,
            base_url=base_url,
            start=start,
            here=self._here,
            env={name: self._text(value, f"env.{name}") for name, value in self._file.env.items()},
            headers=self._headers(),
            timeout_s=self._file.timeout_s,
            capabilities=self._capabilities(),
            profile=self._profile(),
            operations=operations,
            refusals=tuple(self._refusal(number, row) for number, row in enumerate(self._file.errors)),
        )

    def _blanks(self, text: str, key: str, known: Iterable[str]) -> Blanks:
        return blanks(text, key, known, self._environment)

    def _text(self, text: str, key: str) -> str:
        return self._blanks(text, key, ()).text({})

    def _place(self) -> tuple[Blanks, tuple[Blanks, ...] | None]:
        """Where the server listens, and how it is started."""
        file = self._file
        if file.base_url is None and file.start is None:
            raise Mistake("base_url", "is missing; write where the server listens, or `start`, how it is started")
        base = self._blanks(file.base_url or "http://127.0.0.1:{port}", "base_url", ("port",))
        start = None if file.start is None else self._start(file.start)
        if start is None and base.names:
            raise Mistake("base_url", "{port} is known only with `start`; write the port")
        if start is not None and base.names and not any("port" in word.names for word in start):
            raise Mistake("start", "never says {port}, where the kit will look for it; add it, or write base_url")
        self._check_url(base.text({"port": 1}))
        return base, start

    def _start(self, text: str) -> tuple[Blanks, ...]:
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise Mistake("start", f"{error}; mend the quotes") from None
        if not words:
            raise Mistake("start", "is empty; write the command line that starts the server")
        return tuple(self._blanks(word, "start", START) for word in words)

    def _check_url(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            parts, good = None, False
        if not good or parts is None or parts.query or parts.fragment or not PRINTABLE.fullmatch(url) or " " in url:
            raise Mistake("base_url", "is no http:// or https:// address; write http://HOST:PORT, with a path at most")
        if parts.username or parts.password:
            raise Mistake("base_url", "holds a user; write basic = { user = ..., password = ... }")

    def _fresh(self) -> None:
        file = self._file
        if file.fresh == "names" and file.reset is not None:
            raise Mistake("fresh", '"names" says that no reset is needed, and [reset] is described; remove one')
        if file.fresh != "names" and file.reset is None:
            raise Mistake("reset", 'is missing; describe [reset], or write fresh = "names" if a new name is enough')

    def _capabilities(self) -> frozenset[Capability]:
        file = self._file
        if file.send_seq is not None and file.send_seq != (file.send.seq is not None):
            mend = "add send.seq, where the answer holds it" if file.send_seq else "remove send.seq, or the flag"
            raise Mistake("send_seq", f"does not fit [send]; {mend}")
        able = {
            Capability.SEND_SEQ: file.send.seq is not None,
            Capability.PAGING: file.paging,
            Capability.OVERLAP: file.overlap,
            Capability.WIRE: not (file.base_url or "").startswith("https:"),
            Capability.KILL: file.start is not None,
            Capability.PRESET_SEQ: file.preset_seq is not None,
            Capability.TRIM: file.trim is not None,
            Capability.FAIL_NEXT_STORE: file.fail_next_store is not None,
        }
        return frozenset(capability for capability, can in able.items() if can)

    def _profile(self) -> Profile | None:
        text = self._file.profile
        if text is None:
            return None
        try:
            return profiles.find(str(self._here / text) if re.search(r"\.toml(:|$)", text) else text)
        except ProfileError as error:
            raise Mistake("profile", str(error)) from None

    def _headers(self) -> tuple[tuple[str, str], ...]:
        """The headers of every request."""
        file = self._file
        found = {n: self._headed(f"headers.{n}", n, text, ()).text({}) for n, text in file.headers.items()}
        if file.basic is not None:
            if "authorization" in {name.lower() for name in found}:
                raise Mistake("basic", "and headers.Authorization say two things; remove one")
            user, password = (
                self._text(file.basic.user, "basic.user"),
                self._text(file.basic.password, "basic.password"),
            )
            if ":" in user:
                raise Mistake("basic.user", "holds a colon, which ends the user in basic authentication; use another")
            found["Authorization"] = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
        return tuple(found.items())

    def _headed(self, key: str, name: str, text: str, known: Iterable[str]) -> Blanks:
        if not HEADER.fullmatch(name):
            raise Mistake(key, "is no name of a header; use letters, digits and -")
        if name.lower() in OURS:
            raise Mistake(key, "is written by the kit itself; remove it")
        value = self._blanks(text, key, known)
        if not all(PRINTABLE.fullmatch(fixed) for fixed, _ in value.parts):  # the value may be secret: not shown
            raise Mistake(key, "holds a sign that a header cannot; printable ASCII only")
        return value

    def _operation(self, name: str) -> Operation:
        given: _Request = getattr(self._file, name)
        known = BLANKS[name]
        if not given.path.startswith("/"):
            raise Mistake(f"{name}.path", "must begin with /; it follows base_url")
        if "?" in given.path or "#" in given.path or not PRINTABLE.fullmatch(given.path) or " " in given.path:
            raise Mistake(f"{name}.path", "is a path of printable ASCII without ? and #; use query = { ... }")
        made = Operation(
            method=given.method,
            path=self._blanks(given.path, f"{name}.path", known),
            query=tuple((n, self._blanks(str(t), f"{name}.query.{n}", known)) for n, t in given.query.items()),
            headers=tuple((n, self._headed(f"{name}.headers.{n}", n, t, known)) for n, t in given.headers.items()),
            body=self._body(given.body, f"{name}.body", known),
            ok=frozenset(given.ok),
            empty=frozenset(getattr(given, "empty", ())),
            pointers=_pointers(given, name),
        )
        said = set[str]().union(made.path.names, *(b.names for _, b in made.query + made.headers), names_in(made.body))
        for blank in MUST_SAY.get(name, ()):
            if blank not in said:
                raise Mistake(name, f"never says {{{blank}}}; put it into path, query, headers or body")
        return made

    def _body(self, value: object, key: str, known: Iterable[str]) -> object:
        match value:
            case str():
                return self._blanks(value, key, known)
            case dict():
                items = cast("dict[str, object]", value).items()
                return {name: self._body(item, f"{key}.{name}", known) for name, item in items}
            case list():
                return [self._body(item, key, known) for item in cast("list[object]", value)]
            case None | bool() | int() | float():
                return value
            case _:
                raise Mistake(key, "a TOML date is no JSON; write it as text")

    def _refusal(self, number: int, row: _Error) -> Refusal:
        key = f"errors[{number}]"
        if row.value is not None and row.pointer is None:
            raise Mistake(f"{key}.value", "says nothing without pointer, where the value is found; add it")
        for name in ("send", "recv"):
            successes = getattr(self._file, name).ok
            if row.pointer is None and row.on in (None, name) and row.status in successes:
                what = f"{row.status} is also a success of {name}; add pointer and value, which tell them apart"
                raise Mistake(f"{key}.status", what)
        pointers = _pointers(row, key)
        return Refusal(row.status, Code(row.code), row.definite, row.on, row.value, pointers)


def _pointers(table: msgspec.Struct, key: str) -> dict[str, JsonPointer]:
    """The JSON pointers of a table, by their keys."""
    found: dict[str, JsonPointer] = {}
    for name in POINTERS & set(table.__struct_fields__):
        text = getattr(table, name)
        if text is not None:
            try:
                found[name] = JsonPointer(text)
            except JsonPointerException:
                what = f"{text!r} is no JSON pointer; write /key/0, or empty quotes for all of it"
                raise Mistake(f"{key}.{name}", what) from None
    return found
