"""The reference phone on a real network: HTTP for its requests, a WebSocket for tips, a real clock for its timers.

The phone itself is ``phone.Phone``, which does no I/O. This is the little that is left to do: one thread takes what
happens from a queue (a tip, a timer that is due, a message of the user), hands it to the phone, and makes the requests
that the phone then wants, one after another; a second thread listens on the long connection and queues the tips. What
was not answered in time is lost, and the phone asks again. A long connection that ends is opened again by and by, each
time at the next of the server's addresses; until then the phone lives by its timers.

    phone = PhoneClient(["http://127.0.0.1:8080"], "x", lambda: SqliteStore(path))
    phone.start()
    phone.say("y", "hello")           # to account y
    phone.wait_for(lambda held: len(held) == 3, seconds=5)
    phone.stop()

Source: article [2.2]; DEV-2, DEV-5, DEV-6; docs/reference.md.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import msgspec
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from seqproof_model.history import Code
from seqproof_model.phone_words import Accepted, Asks, Refusal, Reply, Request, Row, Rows
from seqproof_reference.phone import Phone, Timing
from seqproof_reference.phone_store import PhoneStore

REQUEST_S = 5.0
RECONNECT_S = 0.5
LONGEST_WAIT_S = 60.0
Event = Callable[[Phone], Sequence[Request]]


class PhoneClient:
    """One phone of one account. ``servers``: addresses of ConnectSvrs; ``token``: where the server asks for one.

    ``store`` opens the phone's store, on the thread that uses it.
    """

    def __init__(
        self,
        servers: Sequence[str],
        account: str,
        store: Callable[[], PhoneStore],
        *,
        name: str = "A",
        token: str = "",
        timing: Timing | None = None,
        make: Callable[[PhoneStore, Timing], Phone] = Phone,
    ) -> None:
        self.account, self.name = account, name
        self._servers, self._turn = list(servers), 0
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._make: Callable[[], Phone] = lambda: make(store(), timing or Timing())
        self._events: queue.Queue[Event | None] = queue.Queue()
        self._changed = threading.Condition()
        self._held: list[Row] = []
        self._stopping = threading.Event()
        self._began = time.monotonic()
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._live, self._listen)]

    def start(self) -> None:
        """Start the app: it asks at once."""
        self._events.put(lambda phone: phone.start(self.account))
        for thread in self._threads:
            thread.start()

    def say(self, body: str) -> None:
        """The user sends a message. It is stored, and goes out until it is answered."""
        self._events.put(lambda phone: phone.say(body))

    def held(self) -> list[Row]:
        """The messages that it shows, ascending."""
        with self._changed:
            return list(self._held)

    def wait_for(self, enough: Callable[[list[Row]], bool], seconds: float) -> bool:
        """Wait at most so long until what it shows is enough. Returns whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: enough(self._held), seconds)

    def stop(self) -> None:
        """End both threads. The store stays: another client goes on with it."""
        self._stopping.set()
        self._events.put(None)
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(REQUEST_S + RECONNECT_S)

    # ------------------------------------------------------------ what happens to the phone

    def _live(self) -> None:
        phone = self._make()
        with httpx.Client(timeout=REQUEST_S, trust_env=False, headers=self._headers) as client:
            while not self._stopping.is_set():
                wanted = list(self._next(phone))
                while wanted and not self._stopping.is_set():
                    request = wanted.pop(0)
                    reply = self._ask(client, request)
                    wanted += phone.tick(self._now())
                    wanted += phone.lost(request.id) if reply is None else phone.reply(request.id, reply)
                self._show(sorted(phone.held(self.account)))
        phone.store.close()

    def _next(self, phone: Phone) -> Sequence[Request]:
        """What the phone wants after the next event, or when its next timer is due."""
        wakes = phone.wakes_at
        wait_s = LONGEST_WAIT_S if wakes is None else max(0.0, (wakes - self._now()) / 1e3)
        try:
            event = self._events.get(timeout=wait_s)
        except queue.Empty:
            return phone.tick(self._now())
        due = phone.tick(self._now())
        return [*due, *(event(phone) if event else ())]

    def _now(self) -> int:
        return int((time.monotonic() - self._began) * 1e3)

    def _show(self, rows: list[Row]) -> None:
        with self._changed:
            self._held = rows
            self._changed.notify_all()

    # ------------------------------------------------------------ the network

    def _ask(self, client: httpx.Client, request: Request) -> Reply | None:
        """Make a request; None: nothing that can be understood came back in time."""
        server = self._servers[self._turn % len(self._servers)]
        path = f"{server}/v1/accounts/{quote(request.account, safe='')}"
        try:
            if isinstance(request, Asks):
                answer = client.post(f"{path}/recv", json={"phone": self.name, "seq_cli": request.seq_cli})
                return read_recv(answer.status_code, answer.json())
            words = {"sender": self.account, "client_id": request.client_id, "body": request.body}
            answer = client.post(f"{path}/messages", json=words)
            return read_send(answer.status_code, answer.json())
        except (httpx.HTTPError, ValueError):
            self._turn += 1
            return None

    def _listen(self) -> None:
        """Keep a long connection, and queue each tip; each new connection is a reason to ask, too (DEV-5)."""
        while not self._stopping.is_set():
            server = self._servers[self._turn % len(self._servers)].replace("http", "ws", 1)
            where = f"{server}/v1/accounts/{quote(self.account, safe='')}/tips?{urlencode({'phone': self.name})}"
            with (
                contextlib.suppress(OSError, WebSocketException, msgspec.MsgspecError),
                connect(where, additional_headers=self._headers, proxy=None) as line,
            ):
                self._events.put(lambda phone: phone.connection(up=True))
                while not self._stopping.is_set():
                    self._heard(line)
            self._turn += 1
            self._stopping.wait(RECONNECT_S)

    def _heard(self, line: Any) -> None:
        with contextlib.suppress(TimeoutError):
            said = msgspec.json.decode(line.recv(timeout=RECONNECT_S), type=dict[str, Any])
            if said.get("tip"):
                self._events.put(lambda phone: phone.tip(self.account))


class _Said(msgspec.Struct):
    rows: tuple[Row, ...] = ()
    more: bool | None = None
    upto: int | None = None
    epoch: str | None = None
    seq: int | None = None
    error: str = ""
    seq_svr: int | None = None


def read_recv(status: int, body: object) -> Reply | None:
    """Read the answer to a recv; None: it says nothing that a phone can use.

    >>> read_recv(200, {"rows": [[1, "m1"]], "more": False})
    Rows(rows=((1, 'm1'),), more=False, upto=None, seq_svr=None, epoch=None)
    >>> read_recv(409, {"error": "ahead", "seq_svr": 3}).seq_svr, read_recv(500, {"error": "unknown"})
    (3, None)
    """
    said = _said(body)
    if said and status == 200:
        return Rows(said.rows, said.more, said.upto, None, said.epoch)
    return _refusal(said)


def read_send(status: int, body: object) -> Reply | None:
    """Read the answer to a send; None: it may be stored, or not.

    >>> read_send(200, {"seq": 7}), read_send(429, {"error": "rate"})
    (Accepted(seq=7), None)
    """
    said = _said(body)
    return Accepted(said.seq) if said and status == 200 else _refusal(said)


def _said(body: object) -> _Said | None:
    try:
        return msgspec.convert(body, _Said)
    except msgspec.ValidationError:
        return None


def _refusal(said: _Said | None) -> Reply | None:
    """A refusal that the protocol knows; anything else, a rate too, is tried again."""
    known = said is not None and said.error in set(Code)
    return Refusal(Code(said.error), said.seq_svr, said.epoch) if said and known else None
