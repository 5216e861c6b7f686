"""The target ``http:FILE.toml``: a REST server described in a file, without code. ``samples/http.toml`` is such a file.

What comes back is taken for, in this order:

    a row of the file's table of errors (status, and a value in the body)     Refused, or Indefinite if it says so
    a status of ``ok``, and every pointer finds what the file says            Ok
    no connection came about                                                  Refused: surely it was no request
    anything else: another status, other JSON, a timeout, a reset             Indefinite

A seq is a JSON integer, or a decimal string; both are read exactly, and a fraction is none (SEQ-7). Requests are made
as ``http_client.py`` says: no retry, no proxy, no redirect, bounded. With ``start`` in the file the kit starts, kills
and restarts the server itself; without it the server runs already, and nothing here ends it.
Source: docs/http.md; docs/architecture.md, "Who is to blame".
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import httpcore
import msgspec
from jsonpointer import EndOfList, JsonPointer

from seqproof_conformance.adapter import Hello, TargetError
from seqproof_conformance.http_blanks import Value
from seqproof_conformance.http_client import HttpClient, NoReplyError, NotReachedError, Reply
from seqproof_conformance.http_file import Operation, Refusal, read
from seqproof_conformance.process import Server
from seqproof_conformance.wire import Fault, Wire, Wired
from seqproof_model.history import Answer, Code, Indefinite, Ok, Refused

__all__ = ["HttpTarget", "sample", "understood"]

PORTS = {"http": 80, "https": 443}
WHOLE = re.compile(r"-?[0-9]{1,100}")
NOWHERE = object()


def sample() -> str:
    """Where the commented example stands."""
    return str(resources.files("seqproof_conformance").joinpath("samples", "http.toml"))


class _OddError(ValueError):
    """A reply that does not hold what the file says; how, in a few words."""


class HttpTarget(Wired):
    """The server that a file describes. ``server``: its process, if the kit starts it. Raises TargetError."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._told = read(file, os.environ)
        self.wire = Wire()
        self.server: Server | None = None
        if self._told.start is not None:
            self.server = Server(self._told.name, self._command, self._ready, self._told.env)
        self._http = HttpClient(self._told.timeout_s)
        self._name = self._told.name
        self._greeted = False

    def bound(self, seconds: float) -> None:
        """Wait at most so long for one answer, whatever the file says."""
        self._http.timeout_s = seconds

    # ------------------------------------------------------------ its life

    def _command(self, directory: Path, port: int) -> Sequence[str]:
        values: dict[str, Value] = {"python": sys.executable, "port": port, "dir": str(directory)}
        values |= {"here": str(self._told.here), "nonce": self.server.nonce if self.server else ""}
        return [word.text(values) for word in self._told.start or ()]

    def _ready(self) -> bool:
        """Whether the process just started answers: hello if it is described, else anything at the base URL."""
        try:
            return self._meet(self._exchange("hello", {}))
        except (NotReachedError, NoReplyError):
            return False

    def _meet(self, reply: Reply) -> bool:
        """Read the reply to hello. Raises TargetError when the file cannot be right."""
        if (hello := self._told.operations.get("hello")) is None:
            return True
        if reply.status not in hello.ok:
            if reply.status < 500:
                raise self._error("hello", f"answered {reply.status}; mend hello.path, or list {reply.status} in ok")
            return False
        answers = True
        try:
            document = _json(reply)
            if "nonce" in hello.pointers and self.server is not None:
                answers = _text(_at(document, hello.pointers["nonce"]), "nonce") == self.server.nonce
            if "version" in hello.pointers:
                self._name = _text(_at(document, hello.pointers["version"]), "version")
        except _OddError as error:
            raise self._error("hello", f"{error}; mend its pointers") from None
        return answers

    def _error(self, name: str, what: str) -> TargetError:
        words = " | ".join(self.last_words()[-2:])
        log = f"; the server's last words: {words}" if words else ""
        return TargetError(" ".join(f"{self._file}: {name}: {what}{log}".split()))

    def hello(self) -> Hello:
        """Start the server at the first call, or see that it is there."""
        if self.server is not None and not self.server.answered:
            self.server.start()
        elif self.server is None and not self._greeted:
            self._greet()
        return Hello(server=self._name, capabilities=self._told.capabilities, claims=self._told.profile)

    def _greet(self) -> None:
        try:
            met = self._meet(self._exchange("hello", {}))
        except (NotReachedError, NoReplyError) as error:
            raise self._error("base_url", f"{self._told.base_url.text({})}: {error}; start the server first") from None
        if not met:
            raise self._error("hello", "answered with a server error; see the server's log")
        self._greeted = True

    def kill(self) -> None:
        """SIGKILL the server's whole process tree and wait until it is gone. Raises TargetError."""
        self._started("kill").kill()

    def restart(self) -> None:
        """Start it again on the same directory. Raises TargetError."""
        self._started("restart").restart()

    def _started(self, name: str) -> Server:
        if self.server is None:
            raise self._error(name, "the kit did not start this server; describe `start`")
        return self.server

    def last_words(self) -> list[str]:
        """Return the end of the log of a server that the kit started."""
        return self.server.last_words() if self.server else []

    def close(self) -> None:
        """End what was started. May be called twice."""
        self._http.close()
        self.wire.close()
        if self.server is not None:
            self.server.close()

    # ------------------------------------------------------------ requests

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        """Put a message into the account's inbox."""
        return self._ask("send", {"account": account, "sender": sender, "client_id": client_id, "body": body})

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:
        """Ask what is after seq_cli."""
        return self._ask("recv", {"account": account, "phone": phone, "seq_cli": seq_cli})

    def _ask(self, name: str, values: Mapping[str, Value]) -> Answer:
        if self.server is not None and not self.server.alive:
            return Refused(Code.UNREACHABLE, detail="the server does not run")
        try:
            reply = self._spoiled_or_not(name, values)
        except NotReachedError as error:
            return Refused(Code.UNREACHABLE, detail=str(error))
        except NoReplyError as error:
            return Indefinite(str(error))
        return understood(name, reply, self._told.operations[name], self._told.refusals)

    def _spoiled_or_not(self, name: str, values: Mapping[str, Value]) -> Reply:
        if (fault := self.wire.take()) is None:
            return self._exchange(name, values)
        url = self._base()
        with self.wire.through(_port(url), url.host.decode()) as proxy:
            proxy.arm(fault)
            return self._exchange(name, values, proxy.port)

    def _base(self) -> httpcore.URL:
        """Where the server listens now; the target is the path before those of the file."""
        parts = urlsplit(self._told.base_url.text({"port": self.server.port if self.server else 0}))
        return httpcore.URL(
            scheme=parts.scheme, host=parts.hostname or "", port=parts.port, target=parts.path.rstrip("/")
        )

    def _exchange(self, name: str, values: Mapping[str, Value], port: int | None = None) -> Reply:
        """Make the request. Raises NotReachedError, NoReplyError."""
        url = self._base()
        operation = self._told.operations.get(name)
        if operation is None:  # no hello is described: anything at the base URL will do
            url.target = url.target or b"/"
            return self._http.exchange("GET", url, [*self._told.headers], None)
        url.target += operation.target(values).encode()
        headers = [(header, text.encoded(values)) for header, text in operation.headers]
        content = operation.content(values)
        if content:
            headers.append(("Content-Type", "application/json"))
        given = {header.lower() for header, _ in headers}
        headers += [(header, text) for header, text in self._told.headers if header.lower() not in given]
        return self._http.exchange(operation.method, url, headers, content, port)

    def fail_next_reply(self, fault: Fault) -> None:
        """Let the next send or recv meet the fault. Raises TargetError over https."""
        if self._base().scheme == b"https":
            raise self._error("base_url", "faults on the wire cannot be placed in TLS; use http://")
        super().fail_next_reply(fault)

    # ------------------------------------------------------------ administration

    def reset(self, account: str) -> None:
        """Make the account fresh. With ``fresh = "names"`` a name that was never used before is enough."""
        if "reset" in self._told.operations:
            self._admin("reset", {"account": account})

    def preset_seq(self, account: str, seq: int) -> None:
        """Set seq_svr of an empty account."""
        self._admin("preset_seq", {"account": account, "seq": seq})

    def trim(self, account: str) -> None:
        """Drop what may be dropped of the account."""
        self._admin("trim", {"account": account})

    def fail_next_store(self) -> None:
        """Make the next store of a message fail, once."""
        self._admin("fail_next_store", {})

    def _admin(self, name: str, values: Mapping[str, Value]) -> None:
        if (operation := self._told.operations.get(name)) is None:
            raise self._error(name, f"is not described; add [{name}]")
        if self.server is not None and not self.server.alive:
            raise self._error(name, "the server does not run; call hello first, or restart it")
        try:
            reply = self._exchange(name, values)
        except (NotReachedError, NoReplyError) as error:
            raise self._error(name, f"{error}; see that the server runs") from None
        if reply.status not in operation.ok:
            said = reply.body[:80].decode(errors="replace")
            what = f"{operation.method} {operation.target(values)} answered {reply.status} {said}"
            raise self._error(name, f"{what}; mend the request, or list {reply.status} in {name}.ok")


def _port(url: httpcore.URL) -> int:
    return url.port or PORTS[url.scheme.decode()]


# ---------------------------------------------------------------- what came back


def understood(name: str, reply: Reply, operation: Operation, refusals: Sequence[Refusal]) -> Answer:
    """Turn a reply to a send or recv into an answer. What the file does not know leaves the outcome open."""
    try:
        if (row := _refusal(name, reply, refusals)) is not None:
            return _refused(reply, row)
        if reply.status in operation.empty:
            return Ok(rows=())
        if reply.status not in operation.ok:
            return Indefinite(f"undocumented: status {reply.status}")
        return _sent(reply, operation) if name == "send" else _received(reply, operation)
    except _OddError as error:
        return Indefinite(f"status {reply.status} with a reply that cannot be read: {error}")


def _refusal(name: str, reply: Reply, refusals: Sequence[Refusal]) -> Refusal | None:
    """The first row that fits. One with a pointer needs JSON; what is no JSON does not fit it."""
    for row in refusals:
        if row.status != reply.status or row.on not in (None, name):
            continue
        if (pointer := row.pointers.get("pointer")) is None:
            return row
        try:
            found = _at(_json(reply), pointer)
        except _OddError:
            continue
        if (found is not NOWHERE and row.value is None) or (type(found) is type(row.value) and found == row.value):
            return row
    return None


def _refused(reply: Reply, row: Refusal) -> Answer:
    if not row.definite:
        return Indefinite(f"status {reply.status}, {row.code}, which the file does not call definite")
    seq_svr = detail = None
    if (pointer := row.pointers.get("seq_svr")) is not None:
        seq_svr = _whole_or_none(_at(_json(reply), pointer), "seq_svr")
    if (pointer := row.pointers.get("detail")) is not None:
        detail = _at(_json(reply), pointer)
    return Refused(row.code, seq_svr=seq_svr, detail=detail if isinstance(detail, str) else "")


def _sent(reply: Reply, operation: Operation) -> Answer:
    if (pointer := operation.pointers.get("seq")) is None:
        return Ok()
    return Ok(seq=_whole(_at(_json(reply), pointer), "seq"))


def _received(reply: Reply, operation: Operation) -> Answer:
    document, where = _json(reply), operation.pointers

    def told(name: str) -> object:
        found = _at(document, where[name]) if name in where else None
        return None if found is NOWHERE else found

    listed = _at(document, where["rows"])
    if listed is None:  # how some servers write a list without anything in it
        listed = []
    if not isinstance(listed, list):
        raise _OddError(f"rows is {_short(listed)}, not a list")
    rows = [
        (_whole(_at(row, where["row_seq"]), "row_seq"), _text(_at(row, where["row_body"]), "row_body"))
        for row in cast("list[object]", listed)
    ]
    more, epoch = told("more"), told("epoch")
    if more is not None and not isinstance(more, bool):
        raise _OddError(f"more is {_short(more)}, not true or false")
    if isinstance(epoch, int) and not isinstance(epoch, bool):
        epoch = str(epoch)
    if epoch is not None:
        epoch = _text(epoch, "epoch")
    return Ok(rows=tuple(rows), more=more, upto=_whole_or_none(told("upto"), "upto"), epoch=epoch)


def _json(reply: Reply) -> object:
    try:
        return msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _OddError(f"no JSON: {error}") from None


def _at(document: object, pointer: JsonPointer) -> object:
    """What stands there; NOWHERE if nothing does."""
    found: object = pointer.resolve(document, NOWHERE)
    return NOWHERE if isinstance(found, EndOfList) else found


def _whole(found: object, name: str) -> int:
    """A number without a fraction, or its decimal digits. Exact, whatever its size."""
    if isinstance(found, int) and not isinstance(found, bool):
        return found
    if isinstance(found, str) and WHOLE.fullmatch(found):
        return int(found)
    raise _OddError(f"{name} is {_short(found)}, not a whole number")


def _whole_or_none(found: object, name: str) -> int | None:
    return None if found is None or found is NOWHERE else _whole(found, name)


def _text(found: object, name: str) -> str:
    if isinstance(found, str):
        return found
    raise _OddError(f"{name} is {_short(found)}, not text")


def _short(found: object) -> str:
    if found is NOWHERE:
        return "missing"
    text = msgspec.json.encode(found).decode()
    return text if len(text) <= 40 else text[:40] + "…"
