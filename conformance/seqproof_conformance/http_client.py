"""One HTTP exchange, bounded in time and size: a whole reply, or how it failed.

``httpcore`` is what ``httpx`` stands on. It follows no redirect, knows no proxy, keeps no cookie and retries nothing,
and it takes the network from us, which is what the kit needs of it:

    the time     a timeout of its own bounds one read; a server that sends a byte now and then would never end. Here
                 each read and write gets what is left of the exchange's time.
    the place    a faulty exchange connects to the proxy on the wire, while URL and Host header stay the server's.

A connection that never came about was surely no request (``NotReachedError``). Anything else that is not a whole reply
leaves the outcome open (``NoReplyError``). An idle connection is kept for a moment only, far below any server's own
limit, so that no request meets one that the server is just closing. May be used by several threads at once.
Source: https://www.encode.io/httpcore/network-backends; docs/architecture.md, "Who is to blame".
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpcore

KEEPALIVE_S = 2.0
REPLY_BYTES = 16 << 20
Headers = list[tuple[str, str]]


class NotReachedError(Exception):
    """No connection came about: surely no request."""


class NoReplyError(Exception):
    """No whole reply: nobody knows what became of the request."""


@dataclass(frozen=True)
class Reply:
    """A whole reply. ``body`` as it came."""

    status: int
    body: bytes


class _Exchange(threading.local):
    """The exchange that this thread is making: when it must end, and the port of the proxy it goes through, if any."""

    ends = 0.0
    port: int | None = None

    def left(self) -> float:
        """Seconds that are left. Raises httpcore.ReadTimeout."""
        if (left := self.ends - time.monotonic()) <= 0:
            raise httpcore.ReadTimeout("timed out")
        return left


class _Stream(httpcore.NetworkStream):
    """A connection whose every step gets what is left of the time."""

    def __init__(self, inner: httpcore.NetworkStream, now: _Exchange) -> None:
        self._inner = inner
        self._now = now

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._inner.read(max_bytes, self._now.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._inner.write(buffer, self._now.left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, self._now.left()), self._now)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Network(httpcore.NetworkBackend):
    def __init__(self, now: _Exchange) -> None:
        self._now = now
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        if self._now.port is not None:
            host, port = "127.0.0.1", self._now.port
        stream = self._inner.connect_tcp(host, port, self._now.left(), local_address, socket_options)
        return _Stream(stream, self._now)


class HttpClient:
    """Makes exchanges. ``timeout_s`` bounds each from the connect to the last byte of the reply."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._now = _Exchange()
        self._pool = self._new_pool()

    def _new_pool(self) -> httpcore.ConnectionPool:
        # No limit on connections: a thread that waited for one would not be making a request.
        return httpcore.ConnectionPool(
            max_connections=None, keepalive_expiry=KEEPALIVE_S, network_backend=_Network(self._now)
        )

    def exchange(
        self, method: str, url: httpcore.URL, headers: Headers, content: bytes | None, port: int | None = None
    ) -> Reply:
        """Make one exchange; with ``port`` over a connection of its own to that port of the loopback.

        Raises NotReachedError, NoReplyError.
        """
        self._now.ends, self._now.port = time.monotonic() + self.timeout_s, port
        try:
            if port is None:
                return self._exchange(self._pool, method, url, headers, content)
            with self._new_pool() as pool:
                return self._exchange(pool, method, url, headers, content)
        except httpcore.ConnectError as error:
            raise NotReachedError(_say(error)) from None
        except httpcore.TimeoutException:
            raise NoReplyError(f"no whole reply within {self.timeout_s:g} s") from None
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise NoReplyError(_say(error)) from None

    def _exchange(
        self, pool: httpcore.ConnectionPool, method: str, url: httpcore.URL, headers: Headers, content: bytes | None
    ) -> Reply:
        body = bytearray()
        plain = [*headers, ("Accept-Encoding", "identity")]  # a bound on the bytes is one on the text
        if b":" in url.host:  # an IPv6 address stands in brackets there
            plain.append(("Host", f"[{url.host.decode()}]" + (f":{url.port}" if url.port else "")))
        with pool.stream(method, url, headers=plain, content=content) as response:
            for part in response.iter_stream():
                body += part
                if len(body) > REPLY_BYTES:
                    raise NoReplyError(f"a reply of more than {REPLY_BYTES >> 20} MiB")
            return Reply(response.status, bytes(body))

    def close(self) -> None:
        """Close what is kept open. May be called twice."""
        self._pool.close()


def _say(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
