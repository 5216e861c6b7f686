"""Start the server: bind, open the store, put the parts together, say where it listens, serve until told to stop.

The sockets are bound first and handed over, so that port 0 works and a port in use is one clear line. A line per
ConnectSvr goes to stdout when all of them accept connections, and nothing else does; warnings and errors go to stderr.
SIGTERM and SIGINT stop it in order, with exit code 0.

All parts live in one process on one loop; requests to the store run in worker threads. Routes are this process's own:
two processes on one file share messages, not tips.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager as Context
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from uvicorn import Config, Server

from seqproof_reference.admin import Admin
from seqproof_reference.connect_svr import Behind, ConnectSvr
from seqproof_reference.listen import ServeError, bind, url
from seqproof_reference.os_push import StandIn
from seqproof_reference.policy import Blacklist, allow_all
from seqproof_reference.push_svr import PushSvr
from seqproof_reference.receive_svr import ReceiveSvr
from seqproof_reference.routes import Routes
from seqproof_reference.send_svr import SendSvr
from seqproof_reference.store import MsgStore, StoreError
from seqproof_reference.trace import Trace, silent
from seqproof_reference.wire import MAX_FRAME_BYTES

__all__ = ["Options", "ServeError", "serve", "serving"]

KEEP_ALIVE_S = 600  # a client's idle connection must not be closed under its next request
GRACE_S = 3
MAX_HEAD_BYTES = 1 << 14
MAX_CONNECT = 64


@dataclass(frozen=True)
class Options:
    """What a server is told at its start.

    ``connect``: how many ConnectSvrs; their ports follow ``port``, and 0 takes a free one for each.
    ``blacklist``: a file that says who may not write to whom. ``restored``: the file comes from a backup, a new epoch is announced (SEQ-8).
    """

    db: Path
    host: str = "127.0.0.1"
    port: int = 0
    connect: int = 1
    page_size: int | None = None
    admin: bool = False
    nonce: str = ""
    restored: bool = False
    blacklist: Path | None = None


class Stop:
    """Tells the instances to stop in order; a second SIGINT does not wait. May be called before there are any."""

    def __init__(self) -> None:
        self._instances: list[_Instance] = []
        self._asked: list[int] = []

    def __call__(self, sig: int = signal.SIGTERM, _frame: object = None) -> None:
        self._asked.append(sig)
        for instance in self._instances:
            instance.handle_exit(sig, None)

    def reaches(self, instances: Sequence[_Instance]) -> None:
        """From here on it stops these."""
        self._instances = list(instances)
        for instance in instances:
            instance.should_exit = bool(self._asked)


class _Instance(Server):
    """One ConnectSvr on its socket. Signals are caught for all instances together, not here."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.accepts = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepts.set()

    def capture_signals(self) -> Context[None]:  # type: ignore[override]  # pyright: ignore
        return nullcontext()


def serve(options: Options) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code 0. Raises ServeError."""

    def announce(urls: list[str]) -> None:
        others = [f"seqproof-reference ConnectSvr {n} listening on {url}" for n, url in enumerate(urls[1:], 2)]
        print(f"seqproof-reference listening on {urls[0]}", *others, sep="\n", flush=True)

    with _opened(options) as (store, listeners):
        stop = Stop()
        with _on_signal(stop):
            asyncio.run(_run(options, store, listeners, stop, announce))
    return 0


@contextmanager
def serving(options: Options, trace: Trace = silent) -> Generator[list[str]]:
    """Serve from a thread of this process while the context lasts; yields the URLs. Raises ServeError."""
    with _opened(options) as (store, listeners):
        stop, urls, ready = Stop(), list[str](), threading.Event()

        def announce(found: list[str]) -> None:
            urls.extend(found)
            ready.set()

        def work() -> None:
            try:
                asyncio.run(_run(options, store, listeners, stop, announce, trace))
            finally:
                ready.set()

        thread = threading.Thread(target=work)
        thread.start()
        try:
            ready.wait()
            yield urls
        finally:
            stop()
            thread.join()


@contextmanager
def _opened(options: Options) -> Generator[tuple[MsgStore, list[socket.socket]]]:
    """Check the options, bind the sockets, open the store. Raises ServeError."""
    if options.page_size is not None and options.page_size < 1:
        raise ServeError(f"a page of {options.page_size} rows holds nothing; give --page-size 1 or more")
    if not 1 <= options.connect <= MAX_CONNECT:
        raise ServeError(f"{options.connect} ConnectSvrs cannot be; give --connect 1 to {MAX_CONNECT}")
    with ExitStack() as stack:
        ports = [options.port and options.port + n for n in range(options.connect)]
        listeners = [stack.enter_context(closing(bind(options.host, port))) for port in ports]
        try:
            store = MsgStore(options.db, page_size=options.page_size, restored=options.restored)
        except StoreError as error:
            raise ServeError(str(error)) from error
        yield stack.enter_context(closing(store)), listeners


def _assemble(options: Options, store: MsgStore, trace: Trace) -> list[ConnectSvr]:
    """Make the parts and join them, the store first, the access layer last."""
    policy = Blacklist.read(options.blacklist) if options.blacklist else allow_all
    routes = Routes(store.phones())
    os_push = StandIn(time.monotonic)
    push = PushSvr(routes, os_push, trace=trace)
    behind = Behind(
        store,
        SendSvr(store, push, policy=policy, trace=trace),
        ReceiveSvr(store, trace=trace),
        routes,
        Admin(store, routes, push, os_push) if options.admin else None,
    )
    names = [f"ConnectSvr {n}" for n in range(1, options.connect + 1)]
    return [ConnectSvr(name, behind, nonce=options.nonce, trace=trace) for name in names]


async def _run(
    options: Options,
    store: MsgStore,
    listeners: Sequence[socket.socket],
    stop: Stop,
    announce: Callable[[list[str]], None],
    trace: Trace = silent,
) -> None:
    instances = [_Instance(_config(svr)) for svr in _assemble(options, store, trace)]
    urls = [url(listener) for listener in listeners]
    stop.reaches(instances)
    async with asyncio.TaskGroup() as group:
        for instance, listener in zip(instances, listeners, strict=True):
            group.create_task(instance.serve([listener]))
        for instance in instances:
            await instance.accepts.wait()
        announce(urls)


def _config(svr: ConnectSvr) -> Config:
    return Config(
        svr.app,
        http="h11",
        loop="asyncio",
        ws="websockets-sansio",
        ws_max_size=MAX_FRAME_BYTES,
        ws_per_message_deflate=False,  # a tip is a dozen bytes
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )


@contextmanager
def _on_signal(stop: Stop) -> Generator[None]:
    """Let a signal stop the server in order, also one that comes before it listens."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {sig: signal.signal(sig, stop) for sig in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for sig, handler in before.items():
            signal.signal(sig, handler)
