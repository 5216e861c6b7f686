"""What a phone must offer to be held to the protocol: the conversation of a phone adapter.

The kit plays the server and the network; the phone is passive. Each call is one thing that happens to the phone, and
its ``Reaction`` lists the requests that the phone put on the wire because of it. The kit then decides the fate of each,
later and one by one: ``reply(number, ...)`` or ``lost(number)``. Nothing sleeps: time passes when ``elapse`` says so.

    start("x")             -> Reaction((Asks(1, "x", 0),))
    reply(1, Rows(((1, "m1"),), more=True)) -> Reaction((Asks(2, "x", 1),))
    elapse(1000)           -> Reaction(())
    held("x")              -> ((1, "m1"),)        seq_cli("x") -> 1

A connection that breaks (``offline``) takes with it whatever is under way; the phone is not told of each. After a kill
nothing of the phone is left but its store, and it says nothing until ``restart``.

An adapter that raises, answers what is no answer, uses a number twice, or lets a killed phone ask is at fault itself
(``AdapterFault``): that is never a verdict on the phone. ``Handset`` is where that is checked.
Source: docs/phones.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Protocol, TypeVar, runtime_checkable

import msgspec

from seqproof_conformance.adapter import AdapterFault, TargetError
from seqproof_model.phone_words import Asks, PhoneHello, Reaction, Reply, Request, Row

__all__ = ["Handset", "PhoneAdapter"]

NAME = "phone adapter"
T = TypeVar("T")


@runtime_checkable
class PhoneAdapter(Protocol):
    """One phone. A call that needs a capability which the phone does not declare is never made."""

    def hello(self) -> PhoneHello:
        """Who it is, what can be done to it, and how long it takes its time. The first call, and once."""
        ...

    def reset(self) -> None:
        """A new phone out of its box: no account, no message, no mark, its clock at 0. The app does not run yet."""
        ...

    def start(self, account: str) -> Reaction:
        """The app starts for the first time, with this account logged in and connected."""
        ...

    def sync(self) -> Reaction:
        """Its user asks for news: let it do now whatever it wants."""
        ...

    def tip(self, account: str) -> Reaction:
        """A tip arrives: there may be something new for the account."""
        ...

    def reply(self, number: int, reply: Reply, die_after: int | None = None) -> Reaction:
        """The reply to request ``number`` arrives.

        ``die_after`` (capability kill_at): it is killed after so many durable writes, at the latest when it has done
        with the reply; the reaction is then empty and says ``died``.
        """
        ...

    def lost(self, number: int) -> Reaction:
        """Request ``number`` has failed: a timeout, a reset. Its reply may still come (capability late)."""
        ...

    def elapse(self, ms: int) -> Reaction:
        """So much time passes; its timers fire."""
        ...

    def offline(self) -> Reaction:
        """Its connection breaks (capability connection)."""
        ...

    def online(self) -> Reaction:
        """Its connection is there again."""
        ...

    def login(self, account: str) -> Reaction:
        """Another account logs in, in place of the one before (capability accounts)."""
        ...

    def send(self, body: str) -> Reaction:
        """Its user sends a message (capability send)."""
        ...

    def kill(self) -> object:
        """SIGKILL (capability kill)."""
        ...

    def restart(self) -> Reaction:
        """The app starts again on its store, connected, with whoever was logged in."""
        ...

    def held(self, account: str) -> tuple[Row, ...]:
        """The messages of the account's inbox that it shows, each as (seq, body); the order does not count."""
        ...

    def seq_cli(self, account: str) -> int:
        """What it would ask with if it were killed now."""
        ...

    def close(self) -> None:
        """End it, and whatever it started."""
        ...


class Handset:
    """A phone behind its adapter, each answer checked. Raises AdapterFault, TargetError."""

    def __init__(self, adapter: PhoneAdapter) -> None:
        self.adapter = adapter
        self.used: set[int] = set()
        self.alive = False

    def reset(self) -> None:
        """Make it new."""
        self.alive = False
        self.used.clear()
        self._call("reset", self.adapter.reset)

    def begin(self, *, account: str | None) -> Reaction:
        """Start it for an account; None: start it again. Its numbers begin anew."""
        self.used.clear()
        self.alive = True
        if account is None:
            return self.did("restart", self.adapter.restart)
        return self.did("start", lambda: self.adapter.start(account))

    def kill(self) -> None:
        """Kill it; nothing may come of that."""
        self.alive = False
        said = self._call("kill", self.adapter.kill)
        if isinstance(said, Reaction) and said.requests:
            raise AdapterFault(f"{NAME}: kill: the phone asks after it was killed; nothing may be left of it")

    def did(self, what: str, call: Callable[[], Reaction], *, dies: bool = False) -> Reaction:
        """Let something happen to it. ``dies``: it is to die of it."""
        reaction = self._call(what, call)
        if not isinstance(reaction, Reaction):  # pyright: ignore[reportUnnecessaryIsInstance] - an adapter may lie
            raise AdapterFault(f"{NAME}: {what} returned {reaction!r:.60}; return a Reaction")
        if reaction.died is not dies:
            said = "that it died, though nobody killed it" if reaction.died else "nothing of its death; set died"
            raise AdapterFault(f"{NAME}: {what} says {said}")
        if dies and reaction.requests:
            raise AdapterFault(f"{NAME}: {what}: the phone asks after it was killed; nothing may be left of it")
        for request in reaction.requests:
            self._checked(what, request)
        self.alive = not dies
        return reaction

    def held(self, account: str) -> tuple[Row, ...]:
        """What it shows."""
        said = self._call("held", lambda: self.adapter.held(account))
        try:
            return msgspec.convert(said, tuple[Row, ...])
        except msgspec.ValidationError as error:
            raise AdapterFault(f"{NAME}: held is no list of (seq, body): {error}") from None

    def seq_cli(self, account: str) -> int:
        """Its durable mark."""
        said = self._call("seq_cli", lambda: self.adapter.seq_cli(account))
        try:
            msgspec.convert(said, Annotated[int, msgspec.Meta(ge=0)])
        except msgspec.ValidationError:
            raise AdapterFault(f"{NAME}: seq_cli is {said!r:.40}; it is a whole number from 0") from None
        return said

    def _checked(self, what: str, request: Request) -> None:
        try:
            msgspec.convert(msgspec.to_builtins(request), type(request))
        except (msgspec.ValidationError, TypeError) as error:
            raise AdapterFault(f"{NAME}: {what} returned what is no request: {error}") from None
        if request.id in self.used:
            raise AdapterFault(f"{NAME}: {what}: request {request.id} was there before; number each one anew")
        if isinstance(request, Asks) and request.seq_cli < 0:
            raise AdapterFault(f"{NAME}: {what}: request {request.id} asks after {request.seq_cli}; seqs begin at 0")
        self.used.add(request.id)

    def _call(self, what: str, call: Callable[[], T]) -> T:
        try:
            return call()
        except TargetError:
            raise
        except Exception as error:
            said = " ".join(f"{type(error).__name__}: {error}".split())
            raise AdapterFault(f"{NAME}: {what} raised {said:.200}; mend the adapter") from error


def greeted(adapter: PhoneAdapter) -> PhoneHello:
    """Start the phone and ask who it is. Raises AdapterFault, TargetError."""
    try:
        hello: Any = adapter.hello()
    except TargetError:
        raise
    except Exception as error:
        raise AdapterFault(f"{NAME}: hello raised {type(error).__name__}: {error}; mend the adapter") from error
    if not isinstance(hello, PhoneHello):
        raise AdapterFault(f"{NAME}: hello returned {hello!r:.60}; return a PhoneHello")
    return hello
