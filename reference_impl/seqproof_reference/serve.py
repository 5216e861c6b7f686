"""Start the server: bind, open the store, say where it listens, serve until told to stop.

The socket is bound here and handed over, so that port 0 works and a port in use is one clear line. The line on stdout
is printed when connections are accepted, and it is the only one; warnings and errors go to stderr. SIGTERM and SIGINT
stop it in order, with exit code 0.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

from uvicorn import Config, Server

from seqproof_reference.server import make_app
from seqproof_reference.store import MsgStore, StoreError

KEEP_ALIVE_S = 600  # a client's idle connection must not be closed under its next request
GRACE_S = 3
MAX_PORT = 2**16 - 1
_STOP = (signal.SIGINT, signal.SIGTERM)


class ServeError(Exception):
    """The server cannot start: one line that says why, and the mend."""


class _Announcing(Server):
    """A server that says once that it accepts connections."""

    def __init__(self, config: Config, line: str) -> None:
        super().__init__(config)
        self._line = line

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(self._line, flush=True)


def serve(
    host: str,
    port: int,
    db: Path,
    *,
    page_size: int | None = None,
    admin: bool = False,
    nonce: str = "",
    restored: bool = False,
) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code 0. Port 0 takes a free one. Raises ServeError.

    ``restored``: the file comes from a backup, a new epoch is announced (SEQ-8).
    """
    if page_size is not None and page_size < 1:
        raise ServeError(f"a page of {page_size} rows holds nothing; give --page-size 1 or more")
    with closing(_bind(host, port)) as listener:
        try:
            store = MsgStore(db, page_size=page_size, restored=restored)
        except StoreError as error:
            raise ServeError(str(error)) from error
        with closing(store):
            app = make_app(store, admin=admin, nonce=nonce)
            config = Config(
                app,
                http="h11",
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=GRACE_S,
            )
            server = _Announcing(config, f"seqproof-reference listening on {_url(listener)}")
            with _stopping(server):
                server.run([listener])
    return 0


def _bind(host: str, port: int) -> socket.socket:
    if not 0 <= port <= MAX_PORT:  # getaddrinfo would take it modulo 2**16
        raise ServeError(f"cannot listen on {host}:{port}: a port lies in 0..{MAX_PORT}; --port 0 takes a free port")
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, proto)
    except OSError as error:
        raise ServeError(f"cannot listen on {host}:{port}: {error}; name another with --host and --port") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a restart finds its port free at once
        listener.bind(address)
        listener.listen(1024)  # here, as two binders with SO_REUSEADDR clash only when they listen
    except OSError as error:
        listener.close()
        why = (error.strerror or str(error)).lower()
        raise ServeError(f"cannot listen on {host}:{port}: {why}; --port 0 takes a free port") from error
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _stopping(server: Server) -> Generator[None]:
    """Let a signal stop the server in order.

    uvicorn raises the signals it caught once more after it has stopped, for the handlers that were there before; those
    are its own handlers here, so that the process lives to answer 0. Also a signal that comes before it listens counts.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {sig: signal.signal(sig, server.handle_exit) for sig in _STOP}
    try:
        yield
    finally:
        for sig, handler in before.items():
            signal.signal(sig, handler)
