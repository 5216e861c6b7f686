"""Start the server: have its parts made, say where it listens, serve until told to stop.

The sockets come bound and are handed over, so that port 0 works and a port in use is one clear line. A line per
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
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager as Context
from contextlib import contextmanager, nullcontext

from uvicorn import Config, Server

from seqproof_reference.connect_svr import ConnectSvr
from seqproof_reference.listen import ServeError, url
from seqproof_reference.parts import Opened, Options, assemble, open_all
from seqproof_reference.trace import Trace, silent
from seqproof_reference.wire import MAX_FRAME_BYTES

__all__ = ["Options", "ServeError", "serve", "serving"]

KEEP_ALIVE_S = 600  # a client's idle connection must not be closed under its next request
GRACE_S = 3
MAX_HEAD_BYTES = 1 << 14


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
        others = [f"seqproof-reference ConnectSvr {n} on {url}" for n, url in enumerate(urls[1:], 2)]
        print(f"seqproof-reference listening on {urls[0]}", *others, sep="\n", flush=True)

    with open_all(options) as opened:
        stop = Stop()
        with _on_signal(stop):
            asyncio.run(_run(options, opened, stop, announce))
    return 0


@contextmanager
def serving(options: Options, trace: Trace = silent) -> Generator[list[str]]:
    """Serve from a thread of this process while the context lasts; yields the URLs. Raises ServeError."""
    with open_all(options) as opened:
        stop, urls, ready = Stop(), list[str](), threading.Event()

        def announce(found: list[str]) -> None:
            urls.extend(found)
            ready.set()

        def work() -> None:
            try:
                asyncio.run(_run(options, opened, stop, announce, trace))
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


async def _run(
    options: Options,
    opened: Opened,
    stop: Stop,
    announce: Callable[[list[str]], None],
    trace: Trace = silent,
) -> None:
    instances = [_Instance(_config(svr)) for svr in assemble(options, opened, trace)]
    urls = [url(listener) for listener in opened.listeners]
    stop.reaches(instances)
    async with asyncio.TaskGroup() as group:
        for instance, listener in zip(instances, opened.listeners, strict=True):
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
