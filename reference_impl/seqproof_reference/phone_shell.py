"""A phone with a body: what a test kit can do to one. It keeps the clock, fires the timers, and survives a kill.

The shape is that of the kit's phone adapter, without knowing the kit: each call is something that happens to the phone,
and returns what the phone then put on the wire. A kill drops the ``Phone`` and keeps its store; a restart makes a new
one on that. Nothing here is part of the protocol. Source: docs/phones.md.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata

from seqproof_model.phone_words import PhoneCapability, PhoneHello, Reaction, Reply, Request, Row
from seqproof_reference.phone import Phone, Timing
from seqproof_reference.phone_store import Dead, MemoryStore, SqliteStore

__all__ = ["PhoneShell"]

EVERY = frozenset(PhoneCapability)
Store = MemoryStore | SqliteStore


class PhoneShell:
    """One phone at a time. ``build`` makes the app on a store; ``store`` makes a new, empty store."""

    def __init__(
        self,
        build: Callable[[Store, Timing], Phone] = Phone,
        store: Callable[[], Store] = MemoryStore,
        *,
        name: str = "",
        timing: Timing | None = None,
        capabilities: frozenset[PhoneCapability] = EVERY,
    ) -> None:
        self.build, self.make_store = build, store
        self.name, self.timing, self.capabilities = name, timing or Timing(), capabilities
        self.now = 0
        self.store: Store = store()
        self.phone = build(self.store, self.timing)

    def hello(self) -> PhoneHello:
        """Who it is, what can be done to it, and how long it takes its time."""
        version = f"seqproof-phone {metadata.version('seqproof')}"
        return PhoneHello(
            f"{version} ({self.name})" if self.name else version,
            self.capabilities,
            patience_ms=1_000,
            retry_ms=self.timing.most_ms,
            poll_ms=self.timing.poll_ms,
        )

    def reset(self) -> None:
        """A new phone, out of its box."""
        if isinstance(self.store, SqliteStore):
            self.store.close()
        self.store, self.now = self.make_store(), 0
        self.phone = self.build(self.store, self.timing)

    def start(self, account: str) -> Reaction:
        """The app starts for the first time."""
        return _did(self.phone.start(account))

    def sync(self) -> Reaction:
        """Its user asks for news."""
        return _did(self.phone.pull())

    def tip(self, account: str) -> Reaction:
        """A tip arrives."""
        return _did(self.phone.tip(account))

    def reply(self, number: int, reply: Reply, die_after: int | None = None) -> Reaction:
        """A reply arrives; with ``die_after`` it dies of it, after so many commits, or at the end."""
        self.store.fuse.left = die_after
        try:
            requests = self.phone.reply(number, reply)
        except Dead:
            return Reaction((), died=True)
        finally:
            self.store.fuse.left = None
        return Reaction((), died=True) if die_after is not None else _did(requests)

    def lost(self, number: int) -> Reaction:
        """A request failed."""
        return _did(self.phone.lost(number))

    def elapse(self, ms: int) -> Reaction:
        """Time passes; timers fire when they are due."""
        until, requests = self.now + ms, list[Request]()
        while (at := self.phone.wakes_at) is not None and at <= until:
            self.now = max(self.now, at)
            requests += self.phone.tick(self.now)
        self.now = until
        return _did([*requests, *self.phone.tick(until)])

    def offline(self) -> Reaction:
        """Its connection breaks."""
        return _did(self.phone.connection(up=False))

    def online(self) -> Reaction:
        """Its connection is there again."""
        return _did(self.phone.connection(up=True))

    def login(self, account: str) -> Reaction:
        """Another account logs in."""
        return _did(self.phone.login(account))

    def send(self, body: str) -> Reaction:
        """Its user sends a message."""
        return _did(self.phone.say(body))

    def kill(self) -> None:
        """It is gone, but for its store."""

    def restart(self) -> Reaction:
        """It starts again on its store; its clock goes on."""
        self.phone = self.build(self.store, self.timing)
        self.phone.clock = self.now
        return _did(self.phone.start())

    def held(self, account: str) -> tuple[Row, ...]:
        """What it shows of the account."""
        return tuple(self.phone.held(account))

    def seq_cli(self, account: str) -> int:
        """The account's durable seq_cli."""
        return self.phone.seq_cli(account)

    def close(self) -> None:
        """End it."""
        if isinstance(self.store, SqliteStore):
            self.store.close()


def _did(requests: list[Request]) -> Reaction:
    return Reaction(tuple(requests))
