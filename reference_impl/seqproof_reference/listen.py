"""Where the server listens: sockets that are bound before anything else starts, and who reaches them.

A server without tokens lets anyone who reaches it read and write any inbox; ``/admin`` lets them empty it. That is
right for a kit on its own machine and wrong everywhere else, so such a server is refused any other address, unless it
is told ``--unprotected``, and then it says so.
"""

from __future__ import annotations

import ipaddress
import socket

MAX_PORT = 2**16 - 1


class ServeError(Exception):
    """The server cannot start: one line that says why, and the mend."""


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Port 0 takes a free one. Raises ServeError."""
    family, address = resolve(host, port)
    # The protocol is named, as asyncio turns Nagle's algorithm off only then: an answer would wait 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a restart finds its port free at once
        listener.bind(address)
        listener.listen(1024)  # here, as two binders with SO_REUSEADDR clash only when they listen
    except OSError as error:
        listener.close()
        why = (error.strerror or str(error)).lower()
        raise ServeError(f"cannot listen on {host}:{port}: {why}; --port 0 takes a free port") from error
    return listener


def resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    """Find the address that a name stands for. Raises ServeError."""
    if not 0 <= port <= MAX_PORT:  # getaddrinfo would take it modulo 2**16
        raise ServeError(f"cannot listen on {host}:{port}: a port lies in 0..{MAX_PORT}; --port 0 takes a free port")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError) as error:
        raise ServeError(f"cannot listen on {host}:{port}: {error}; name another with --host and --port") from error
    return found[0], (str(found[4][0]), port)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that host. Raises ServeError when it is no host.

    >>> [is_loopback(host) for host in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::")]
    [True, True, True, True, False, False]
    """
    address = ipaddress.ip_address(resolve(host, 0)[1][0].partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def check_reach(host: str, *, tokens: bool, admin: bool, unprotected: bool) -> str | None:
    """Return a warning where the server is open to other machines. Raises ServeError where nobody said that it may be.

    >>> check_reach("127.0.0.1", tokens=False, admin=True, unprotected=False)
    >>> check_reach("0.0.0.0", tokens=True, admin=False, unprotected=False)
    >>> check_reach("0.0.0.0", tokens=False, admin=False, unprotected=True)
    'other machines reach 0.0.0.0: whoever does may read and write every inbox'
    """
    if (tokens and not admin) or is_loopback(host):
        return None
    danger = "may empty every inbox" if admin else "may read and write every inbox"
    reach = f"other machines reach {host}: whoever does {danger}"
    if unprotected:
        return reach
    mend = "leave out --admin" if tokens else "give --tokens FILE without --admin" if admin else "give --tokens FILE"
    raise ServeError(f"{reach}; {mend}, or listen on 127.0.0.1, or say --unprotected")


def url(listener: socket.socket) -> str:
    """The address as a client writes it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
