"""A server that the kit starts itself and reaches over TCP: what the targets of such servers share.

    start     at the first hello; nothing else may be asked before
    asked     a request goes its plain way; not at all while the server does not run; through the proxy where a fault on
              the wire waits for it
    close     the connections, the proxy, the server and its data

A fault on the wire needs a connection of its own, which is made ready first, so that the fault meets the request and
nothing else. That can go wrong as well: then the request was not made, or no exchange met the fault. What was answered
then is no answer to a request whose connection broke, however definite it looks, so it is reported as indefinite: that
is always true. A fault that was not met is taken back, or it would spoil somebody else's request.
Source: docs/architecture.md, "Who is to blame".
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

from seqproof_conformance.adapter import Capability, TargetError
from seqproof_conformance.process import Served, Server
from seqproof_conformance.wire import Fault, Wire, Wired
from seqproof_model.history import Answer, Code, Indefinite, Refused

__all__ = ["OWN", "Arm", "OwnServer"]

OWN = frozenset({Capability.KILL, Capability.WIRE})  # what can be done to such a server, whatever it is
DOWN = Refused(Code.UNREACHABLE, detail="the server does not run")
Arm = Callable[[], None]


class OwnServer(Served, Wired, ABC):
    """A target with a server of its own. ``version``: what the server says, once it answers."""

    def __init__(self, name: str) -> None:
        self.server = Server(name, self._command, self._ready)
        self.wire = Wire()
        self.version = "?"

    @abstractmethod
    def _command(self, directory: Path, port: int) -> Sequence[str]:
        """The command line of the server. Raises TargetError with the mend where a program lacks."""

    @abstractmethod
    def _ready(self) -> bool:
        """Make one real request, and say whether this very process answered it."""

    @abstractmethod
    def _disconnect(self) -> None:
        """End every connection. May be called twice."""

    def begin(self) -> None:
        """Start the server, at the first call. Raises TargetError."""
        if not self.server.answered:
            self.server.start()

    def must_have_begun(self) -> None:
        """Raise TargetError where the server was never started."""
        if not self.server.answered:
            raise TargetError(f"{self.server.name}: its server was not started: call hello first")

    def asked(self, plain: Callable[[], Answer], spoiled: Callable[[int, Arm], Answer]) -> Answer:
        """Make a request. ``spoiled`` is given a port to connect to; it arms the fault once its connection is ready."""
        if not self.server.alive:
            return DOWN
        fault = self.wire.take()
        return plain() if fault is None else self._spoiled(fault, spoiled)

    def _spoiled(self, fault: Fault, request: Callable[[int, Arm], Answer]) -> Answer:
        with self.wire.through(self.server.port) as proxy:
            armed = list[Fault]()

            def arm() -> None:
                armed.append(fault)
                proxy.arm(fault)

            try:
                answer = request(proxy.port, arm)
            finally:
                unmet = not armed or proxy.disarm(fault)
        if unmet and isinstance(answer, Refused):
            return Indefinite(f"no exchange met the fault on the wire: {answer.code} {answer.detail}".rstrip())
        return answer

    def close(self) -> None:
        """End the server and remove its data. May be called twice."""
        self._disconnect()
        self.wire.close()
        self.server.close()
