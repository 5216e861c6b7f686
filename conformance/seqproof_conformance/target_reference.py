"""The target ``reference``: the shipped correct server, spoken to over HTTP like any other server, never imported.

    POST /v1/accounts/{account}/messages  {"sender","client_id","body"} -> 200 {"seq":n}
    POST /v1/accounts/{account}/recv      {"phone","seq_cli"} -> 200 {"rows":[[seq,body],...],"more","upto","epoch"}
    errors                                {"error":code,"seq_svr":n?}, the status and the code of ``ERRORS``
    POST /admin/accounts/{account}/reset | preset_seq {"seq":n} | trim, POST /admin/fail_next_store
    GET  /v1/accounts/{account}/tips?phone=A                              the long connection: see reference_tips.py
    GET  /v1/hello                                                        names the nonce that the process was given

Anything else that comes back, or nothing, leaves the outcome open: it is indefinite. Only a connection that never came
about is surely no request.
Source: docs/architecture.md, "Who is to blame".
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import httpx
import msgspec

from seqproof_conformance.adapter import Capability, Hello, TargetError
from seqproof_conformance.process import Served, Server
from seqproof_conformance.reference_tips import ReferenceTips, listening
from seqproof_conformance.wire import Wire, Wired
from seqproof_model.history import Answer, Code, Indefinite, Ok, Refused, Tip, Via

TIMEOUT_S = 5.0
KEEPALIVE_S = 2.0  # far below any server's own: no request may meet a connection that the server is just closing
LISTENING = re.compile(r"^seqproof-reference listening on (http://127\.0\.0\.1:\d+)$", re.MULTILINE)
ERRORS = {(409, Code.AHEAD), (400, Code.MALFORMED), (403, Code.POLICY), (507, Code.FULL), (503, Code.STORE)}
STORE, BACKUP = "store.db", "backup.db"
JSON = {"Content-Type": "application/json"}
CONNECT_SVRS = 2  # so that the server has to find where a phone is connected
T = TypeVar("T")


class _Hello(msgspec.Struct):
    nonce: str
    server: str = "seqproof-reference"


class _Sent(msgspec.Struct):
    seq: int


class _Rows(msgspec.Struct):
    rows: tuple[tuple[int, str], ...]
    more: bool | None = None
    upto: int | None = None
    epoch: str | None = None


class _Error(msgspec.Struct):
    error: Code
    seq_svr: int | None = None
    detail: str = ""


class ReferenceTarget(Served, Wired):
    """The reference server. ``page``: the most rows of one reply, None for no limit."""

    def __init__(self, page: int | None = None) -> None:
        self._page = page
        self.server = Server("reference", self._command, self._ready, {"PYTHONUNBUFFERED": "1"})
        self._http = httpx.Client(
            timeout=TIMEOUT_S,
            limits=httpx.Limits(keepalive_expiry=KEEPALIVE_S),
            trust_env=False,  # no proxy may stand between the kit and the loopback
        )
        self.wire = Wire()
        self._phones = ReferenceTips(lambda: listening(self.server.log()))
        self._url = ""
        self._name = ""
        self._restored = False  # whether the next start is on a store that comes from a backup

    def bound(self, seconds: float) -> None:
        """Wait at most so long for one answer."""
        self._http.timeout = httpx.Timeout(seconds)

    def _command(self, directory: Path, _port: int) -> Sequence[str]:
        page = [] if self._page is None else ["--page-size", str(self._page)]
        store = ["--db", str(directory / STORE)]
        ours = ["--port", "0", "--admin", "--connect", str(CONNECT_SVRS), "--nonce", self.server.nonce]
        restored, self._restored = ["--restored"] * self._restored, False
        return [sys.executable, "-m", "seqproof_reference", *ours, *store, *page, *restored]

    def _ready(self) -> bool:
        """Ask hello at the address that this process printed; the nonce proves that it answers."""
        if (line := LISTENING.search(self.server.log())) is None:
            return False
        self._url = line[1]
        try:
            hello = msgspec.json.decode(self._http.get(self._url + "/v1/hello").content, type=_Hello)
        except (httpx.HTTPError, msgspec.MsgspecError):
            return False
        self._name = hello.server
        return hello.nonce == self.server.nonce

    def hello(self) -> Hello:
        """Start the server at the first call."""
        if not self.server.answered:
            self.server.start()
        lacks = {Capability.BEGIN_SEND} if self._page else {Capability.BEGIN_SEND, Capability.PAGING}
        return Hello(server=self._name, capabilities=frozenset(set(Capability) - lacks))

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        """Put a message into the account's inbox."""
        path = f"/v1/accounts/{quote(account, safe='')}/messages"
        request = {"sender": sender, "client_id": client_id, "body": body}
        return self._ask(path, request, _Sent, lambda sent: Ok(seq=sent.seq))

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:
        """Ask what is after seq_cli."""
        path = f"/v1/accounts/{quote(account, safe='')}/recv"
        request = {"phone": phone, "seq_cli": seq_cli}
        return self._ask(
            path, request, _Rows, lambda got: Ok(rows=got.rows, more=got.more, upto=got.upto, epoch=got.epoch)
        )

    def recv_raw(self, account: str, phone: str, raw: str) -> Answer:
        """Ask with any text in the place of seq_cli."""
        request = f'{{"phone": {json.dumps(phone)}, "seq_cli": {raw}}}'.encode()
        path = f"/v1/accounts/{quote(account, safe='')}/recv"
        return self._ask(path, request, _Rows, lambda got: Ok(rows=got.rows, more=got.more, upto=got.upto))

    def _ask(
        self, path: str, request: Mapping[str, object] | bytes, shape: type[T], ok: Callable[[T], Answer]
    ) -> Answer:
        if not self.server.alive:
            return Refused(Code.UNREACHABLE, detail="the server does not run")
        try:
            reply = self._post(path, request)
        except httpx.ConnectError as error:
            return Refused(Code.UNREACHABLE, detail=str(error))
        except httpx.HTTPError as error:
            return Indefinite(f"{type(error).__name__}: {error}")
        return read_reply(reply.status_code, reply.content, shape, ok)

    def _post(self, path: str, request: Mapping[str, object] | bytes) -> httpx.Response:
        """Straight to the server; through the proxy only when a fault waits for this request."""
        body = request if isinstance(request, bytes) else msgspec.json.encode(request)
        if (fault := self.wire.take()) is None:
            return self._http.post(self._url + path, content=body, headers=JSON)
        with self.wire.through(httpx.URL(self._url).port or 80) as proxy:
            proxy.arm(fault)
            return self._http.post(f"http://127.0.0.1:{proxy.port}{path}", content=body, headers=JSON)

    def _admin(self, path: str, **fields: object) -> None:
        try:
            self._http.post(f"{self._url}/admin/{path}", json=fields).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            words = " | ".join(self.last_words()[-2:])
            raise TargetError(
                f"reference: /admin/{path}: {error}; its last words: {words}".replace("\n", " ")
            ) from None

    def reset(self, account: str) -> None:
        """Make the account fresh."""
        self._admin(f"accounts/{quote(account, safe='')}/reset")

    def preset_seq(self, account: str, seq: int) -> None:
        """Set seq_svr of an empty account."""
        self._admin(f"accounts/{quote(account, safe='')}/preset_seq", seq=seq)

    def trim(self, account: str) -> None:
        """Drop what is confirmed."""
        self._admin(f"accounts/{quote(account, safe='')}/trim")

    def fail_next_store(self) -> None:
        """Make the next store of a message fail, once."""
        self._admin("fail_next_store")

    def login(self, account: str, phone: str) -> None:
        """Open the phone's long connection: it is the account's route for tips."""
        self._phones.login(account, phone)

    def logout(self, account: str, phone: str) -> None:
        """Close it."""
        self._phones.logout(account, phone)

    def tips(self) -> list[Tip]:
        """All tips since the last call."""
        return [Tip(account, phone, Via(via)) for account, phone, via in self._phones.tips()]

    def kill(self) -> None:
        """SIGKILL the server's whole process tree; its long connections end with it."""
        super().kill()
        self._phones.hang_up()

    def backup(self) -> None:
        """Copy the store while the server runs, as an operator would, with SQLite's own backup."""
        folder = self.server.directory
        with closing(sqlite3.connect(folder / STORE)) as live, closing(sqlite3.connect(folder / BACKUP)) as copy:
            live.backup(copy)

    def restore(self) -> None:
        """Stop the server, put the backup in the place of its store, and start it as one that was restored."""
        self.kill()
        folder = self.server.directory
        for ending in ("-wal", "-shm"):
            (folder / (STORE + ending)).unlink(missing_ok=True)
        shutil.copyfile(folder / BACKUP, folder / STORE)
        self._restored = True
        self.server.start()

    def close(self) -> None:
        """End the server and remove its store."""
        self._phones.close()
        self._http.close()
        self.wire.close()
        self.server.close()


def read_reply(status: int, body: bytes, shape: type[T], ok: Callable[[T], Answer]) -> Answer:
    """Turn a reply into an answer. What the contract does not know leaves the outcome open."""
    try:
        if status == 200:
            return ok(msgspec.json.decode(body, type=shape, strict=False))
        told = msgspec.json.decode(body, type=_Error, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError) as why:
        return Indefinite(f"status {status} with a body that cannot be read: {why}")
    if (status, told.error) not in ERRORS:
        return Indefinite(f"undocumented: status {status} with error {told.error}")
    return Refused(told.error, seq_svr=told.seq_svr, detail=told.detail)
