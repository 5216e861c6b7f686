"""Faults on the wire: a loopback proxy between the kit and a server that speaks TCP, which spoils one exchange.

    the kit ──► WireProxy ──► the server         an exchange: a request's bytes, then its reply's bytes

Which bytes have crossed decides what happened, and the kit cannot see it: after each of these faults an adapter must
answer Indefinite.

    cut_request n   n bytes of the request reach the server, then both connections end: it surely heard no more
    cut_reply n     the server did it and answered; n bytes of the reply pass, then both connections end
    half_close n    the same, but only the way to the kit ends; then nothing
    hold_reply n    n bytes of the reply pass, the rest waits until ``release``, or until either connection ends

A reply fault acts when the reply has begun, so the request was heard; with n = 0 not a byte of it passes. There is no
clock in it: the same bytes give the same fault. One shot: the next exchange that begins gets the armed fault, on a new
connection or on an open one. An exchange begins where request bytes follow reply bytes, so the proxy knows no protocol.
A reply of no more than n bytes passes whole, and the fault is spent. The bytes are those on the wire: of TLS, if it is
spoken.

``Wire`` is what an adapter holds: faults that wait for its next requests, and the proxy, which exists only once a fault
was asked for. Plain runs pay one look at an empty queue.
Source: docs/http.md; docs/architecture.md, "Who is to blame".
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar, cast, runtime_checkable

from seqproof_conformance.adapter import TargetError

__all__ = ["Fault", "FaultKind", "Wire", "WireProxy", "Wired", "Wires"]

LOOPBACK = "127.0.0.1"
HELD_BYTES = 1 << 20  # what is held beyond that stays with the server
PATIENCE_S = 5.0
T = TypeVar("T")


class FaultKind(StrEnum):
    """What happens to one exchange; the module says how."""

    CUT_REQUEST = "cut_request"
    CUT_REPLY = "cut_reply"
    HALF_CLOSE = "half_close"
    HOLD_REPLY = "hold_reply"


@dataclass(frozen=True)
class Fault:
    """One fault. ``after``: how many bytes, of the request or of the reply, still pass."""

    kind: FaultKind
    after: int = 0

    def __post_init__(self) -> None:
        if self.after < 0:
            raise ValueError(f"a fault lets {self.after} bytes pass; write 0 or more")


@runtime_checkable
class Wires(Protocol):
    """An adapter that can spoil exchanges with its server."""

    def fail_next_reply(self, fault: Fault) -> None:
        """Let the next send or recv meet the fault. Each call spoils one request; administration is spared."""
        ...

    def release_reply(self) -> None:
        """Let go every reply that is held, and hold none of those asked for before."""
        ...

    def holds_reply(self, seconds: float) -> bool:
        """Wait at most so long until the reply that was last asked for is held. Returns whether it is."""
        ...


class _Side(asyncio.Protocol):
    """One of the two connections of a link."""

    def __init__(self, link: _Link, received: Callable[[bytes], None]) -> None:
        self._link = link
        self._received = received
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._link.made(self)

    def data_received(self, data: bytes) -> None:
        self._received(data)

    def eof_received(self) -> bool:
        return self._link.ended(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._link.lost(self)

    def pause_writing(self) -> None:  # the reader of this side is slow: the other side waits
        self._link.other(self).listen(on=False)

    def resume_writing(self) -> None:
        self._link.other(self).listen(on=True)

    def listen(self, *, on: bool) -> None:
        if self.transport and not self.transport.is_closing():
            (self.transport.resume_reading if on else self.transport.pause_reading)()

    def write(self, data: bytes) -> None:
        if data and self.transport and not self.transport.is_closing():
            self.transport.write(data)

    def finish(self) -> None:
        """Say that nothing more comes this way."""
        if self.transport and not self.transport.is_closing() and self.transport.can_write_eof():
            self.transport.write_eof()

    def close(self) -> None:
        if self.transport:
            self.transport.close()


class _Link:
    """A connection through the proxy: the kit's side, the server's side, and the fault of the exchange under way."""

    def __init__(self, proxy: WireProxy) -> None:
        self._proxy = proxy
        self.kit = _Side(self, self._from_kit)
        self.server = _Side(self, self._from_server)
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open = 0
        self._asking = False
        self._fault: Fault | None = None
        self._passed = 0
        self._held: bytearray | None = None
        self._silent = False
        self._early: bytearray | None = bytearray()  # what the kit said before the server was reached; then None
        self._connecting: asyncio.Task[None] | None = None

    def other(self, side: _Side) -> _Side:
        return self.server if side is self.kit else self.kit

    def made(self, side: _Side) -> None:
        self._open += 1
        self._proxy.links.add(self)
        if side is self.kit:
            side.listen(on=False)
            self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self.server, *self._proxy.target)
            early, self._early = bytes(self._early or b""), None
            if early:
                self._from_kit(early)
            self.kit.listen(on=True)
        except OSError:
            self.kit.close()

    def _from_kit(self, data: bytes) -> None:
        if self._silent:
            return
        if self._early is not None:  # a transport that was told to pause at once may read all the same (Python 3.11.2)
            self._early += data
            return
        if not self._asking:
            self._asking, self._fault, self._passed = True, self._proxy.taken(), 0
        if self._fault is None or self._fault.kind is not FaultKind.CUT_REQUEST:
            self.server.write(data)
            return
        room = self._fault.after - self._passed
        self._passed += min(room, len(data))
        self.server.write(data[:room])
        if len(data) > room:
            self.close()

    def _from_server(self, data: bytes) -> None:
        self._asking = False
        if self._silent:
            return
        if self._held is not None:
            self._hold(data)
        elif self._fault is None:
            self.kit.write(data)
        elif self._fault.kind is FaultKind.CUT_REQUEST:  # the request was no longer than what was let pass
            self.close()
        else:
            self._spoil(data, self._fault)

    def _spoil(self, data: bytes, fault: Fault) -> None:
        room = fault.after - self._passed
        self._passed += min(room, len(data))
        self.kit.write(data[:room])
        if self._passed < fault.after:
            return
        match fault.kind:
            case FaultKind.HALF_CLOSE:
                self._silent = True
                self.kit.finish()
            case FaultKind.HOLD_REPLY:
                self._held = bytearray()
                self._hold(data[room:])
            case _:
                self.close()

    def _hold(self, data: bytes) -> None:
        held = self._held = (self._held or bytearray()) + data
        if len(held) > HELD_BYTES:
            self.server.listen(on=False)
        self._proxy.holding.set()

    def release(self) -> None:
        """Let the held reply go, or let the one pass that was to be held."""
        if self._fault and self._fault.kind is FaultKind.HOLD_REPLY:
            self._fault = None
        if self._held is not None:
            held, self._held = bytes(self._held), None
            self.kit.write(held)
            self.server.listen(on=True)

    def ended(self, side: _Side) -> bool:
        """One side says that nothing more comes. Returns whether it can still be written to."""
        if self._silent or self._held is not None:
            self.close()
            return False
        self.other(side).finish()
        return True

    def lost(self, side: _Side) -> None:
        self._open -= 1
        self.other(side).close()
        if side is self.kit and self._connecting:
            self._connecting.cancel()
        if not self._open:
            self._proxy.links.discard(self)
            self.gone.set_result(None)

    def close(self) -> None:
        """End both connections; what was let pass arrives."""
        self._silent = True
        self.kit.close()
        self.server.close()

    def abort(self) -> None:
        if self._connecting:
            self._connecting.cancel()
        for side in (self.kit, self.server):
            if side.transport:
                side.transport.abort()


class WireProxy:
    """A TCP proxy on the loopback, in a thread of its own. ``port``: where to connect instead of to the server.

    ``holding`` is set once a reply is being held: from then on the server has surely done what it was asked.

    Raises OSError when it cannot listen.
    """

    def __init__(self, target_port: int, host: str = LOOPBACK, holding: threading.Event | None = None) -> None:
        self.target = (host, target_port)
        self.links: set[_Link] = set()
        self.holding = holding or threading.Event()
        self._armed: deque[Fault] = deque()
        self._closed = False
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=f"wire proxy {self.port}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        server = await self._loop.create_server(lambda: _Link(self).kit, sock=self._listener)
        await self._stop.wait()
        server.close()
        me = asyncio.current_task()
        while under_way := {t for t in asyncio.all_tasks() if t is not me} | {link.gone for link in self.links}:
            for link in list(self.links):
                link.abort()
            await asyncio.wait(under_way)

    def _in_loop(self, do: Callable[[], T]) -> T:
        """Do it in the proxy's thread and wait: what is armed is armed when the caller goes on."""
        if self._closed:
            raise RuntimeError("the proxy was closed; make another")
        done: Future[T] = Future()

        def call() -> None:
            try:
                done.set_result(do())
            except BaseException as error:
                done.set_exception(error)

        self._loop.call_soon_threadsafe(call)
        return done.result(PATIENCE_S)

    def arm(self, fault: Fault) -> None:
        """Spoil the next exchange that begins; armed twice, the next two."""
        self._in_loop(lambda: self._arm(fault))

    def _arm(self, fault: Fault) -> None:
        self._armed.append(fault)
        self.holding.clear()

    def disarm(self, fault: Fault) -> bool:
        """Take back this very fault. Returns whether it was still there: no exchange has met it."""
        return self._in_loop(lambda: self._disarm(fault))

    def _disarm(self, fault: Fault) -> bool:
        others = [each for each in self._armed if each is not fault]
        unmet = len(others) < len(self._armed)
        self._armed = deque(others)
        return unmet

    def taken(self) -> Fault | None:
        """The armed fault, for the exchange that begins now. In the proxy's thread only."""
        return self._armed.popleft() if self._armed else None

    def release(self) -> None:
        """Let go every reply that is held, and hold none that was to be held."""
        self._in_loop(self._release)

    def _release(self) -> None:
        self._armed = deque(fault for fault in self._armed if fault.kind is not FaultKind.HOLD_REPLY)
        self.holding.clear()
        for link in list(self.links):
            link.release()

    def retarget(self, port: int, host: str = LOOPBACK) -> None:
        """Connect new connections to this port, after a restart. Open ones stay where they are."""
        self._in_loop(lambda: setattr(self, "target", (host, port)))

    def close(self) -> None:
        """End all connections, the listener and the thread. May be called twice."""
        if not self._closed:
            self._closed = True
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(PATIENCE_S)


class Wire:
    """What an adapter holds of this: the faults that wait, and the proxy once there was one. For several threads."""

    def __init__(self) -> None:
        self._waiting: deque[Fault] = deque()
        self._lock = threading.Lock()
        self._holding = threading.Event()
        self._proxy: WireProxy | None = None

    def add(self, fault: Fault) -> None:
        """Spoil one more request."""
        self._holding.clear()
        self._waiting.append(fault)

    def take(self) -> Fault | None:
        """The fault that the request which begins now shall meet; None, as nearly always: none."""
        try:
            return self._waiting.popleft() if self._waiting else None
        except IndexError:  # another thread was faster
            return None

    @contextmanager
    def through(self, port: int, host: str = LOOPBACK) -> Generator[WireProxy]:
        """A proxy to that port. The caller arms it when its connection stands, and makes one exchange through it.

        Raises TargetError.
        """
        with self._lock:
            try:
                proxy = self._proxy = self._proxy or WireProxy(port, host, holding=self._holding)
            except OSError as error:
                raise TargetError(f"cannot listen for faults on the wire: {error.strerror}; free a port") from None
            if proxy.target != (host, port):
                proxy.retarget(port, host)
        yield proxy

    def release(self) -> None:
        """Let go what is held, and forget the holds that wait."""
        with self._lock:
            for fault in [fault for fault in self._waiting if fault.kind is FaultKind.HOLD_REPLY]:
                self._waiting.remove(fault)
            if self._proxy:
                self._proxy.release()

    def holds(self, seconds: float) -> bool:
        """Wait at most so long until a reply is held, the last that was to be. Returns whether it is."""
        return self._holding.wait(seconds)

    def close(self) -> None:
        """End the proxy. May be called twice."""
        with self._lock:
            self._waiting.clear()
            if self._proxy:
                self._proxy.close()
                self._proxy = None


class Wired:
    """The part of a target that is the same for every server reached over TCP: ``Wires``."""

    wire: Wire

    def fail_next_reply(self, fault: Fault) -> None:
        """Let the next send or recv meet the fault."""
        self.wire.add(fault)

    def release_reply(self) -> None:
        """Let go every reply that is held, and hold none of those asked for before."""
        self.wire.release()

    def holds_reply(self, seconds: float) -> bool:
        """Wait at most so long until the reply that was last asked for is held. Returns whether it is."""
        return self.wire.holds(seconds)
