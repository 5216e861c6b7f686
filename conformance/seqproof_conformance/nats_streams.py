"""The protocol on NATS JetStream: one stream with file storage per account, the stream's own sequence is the seq.

    reset      STREAM.DELETE, STREAM.CREATE
    send       publish with a reply                       the reply's seq
    recv(c)    STREAM.INFO, last_seq is seq_svr           c above it: refused, nothing touched
               confirm and read                           as ``nats_mappings`` says: purge, or ackall
    preset     a new stream whose first_seq is n + 1

Two guards are the adapter's, and declared so. A purge above last_seq would move the allocator (RCV-6). And measured on
nats-server 2.15.1, with file storage: a message from 2^62 on is acknowledged, and then neither a read nor a consumer
finds it; after a restart last_seq is below it again. (Memory storage has it.) After 2^64 - 1 comes 0. So the space that
is claimed ends at 2^62 - 1, and an account that was preset near it is looked at before each send (SEQ-6). Both looks
are steps of their own: last_seq only grows. ``guarded=False`` leaves both out.
Source: https://docs.nats.io/reference/reference-protocols/nats_api_reference.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import defaultdict
from typing import Any

from seqproof_conformance import jetstream
from seqproof_conformance.running_names import OURS
from seqproof_model.history import Answer, Code, Ok, Refused

TOP, UINT64_MAX = 2**62 - 1, 2**64 - 1
NEAR_TOP = TOP - 2**20  # no account that starts below comes to the top
Row = tuple[int, str]


class Streams(ABC):
    """The mapping. Each request is given its connection, of ``nats``. Used on one asyncio loop."""

    def __init__(self, timeout_s: float, prefix: str = "x", *, guarded: bool = True) -> None:
        self.timeout_s, self.guarded, self.prefix = timeout_s, guarded, prefix
        self.made = set[str]()
        self._near_top = set[str]()
        self.alone: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def name(self, account: str) -> str:
        """The stream of an account, which is its subject too: neither may hold a dot or a space."""
        return self.prefix + account.encode().hex()

    async def ask(self, connection: Any, subject: str, **words: object) -> dict[str, Any]:
        """One request to JetStream. Raises as ``jetstream.ask``."""
        return await jetstream.ask(connection, self.timeout_s, subject, **words)

    async def reset(self, connection: Any, account: str, seq_svr: int = 0) -> None:
        """Make the account fresh."""
        name = self.name(account)
        if name in self.made:
            await self.ask(connection, f"STREAM.DELETE.{name}")
        self.made.add(name)
        self._near_top.discard(account)
        if seq_svr >= NEAR_TOP:
            self._near_top.add(account)
        config = {"name": name, "subjects": [name], "first_seq": seq_svr + 1, "allow_direct": True}
        await self.ask(connection, f"STREAM.CREATE.{name}", description=OURS, **config)
        for subject, words in self.besides(name):
            await self.ask(connection, subject, **words)

    def besides(self, name: str) -> tuple[tuple[str, dict[str, Any]], ...]:  # noqa: ARG002
        """The requests that give a new stream what the mapping needs besides, and their words."""
        return ()

    async def remove(self, connection: Any) -> None:
        """Remove every stream that was made."""
        for name in sorted(self.made):
            await self.ask(connection, f"STREAM.DELETE.{name}")
            self.made.discard(name)

    async def state(self, connection: Any, account: str) -> dict[str, Any]:
        """What the stream says of itself: messages, first_seq, last_seq."""
        found: dict[str, Any] = (await self.ask(connection, f"STREAM.INFO.{self.name(account)}"))["state"]
        return found

    async def send(self, main: Any, connection: Any, account: str, body: str) -> Answer:
        """Publish. NATS would know client ids (Nats-Msg-Id), for a while; here none are given."""
        if not self.guarded or account not in self._near_top:
            return await self._publish(connection, account, body)
        async with self.alone[account]:
            if (await self.state(main, account))["last_seq"] >= TOP:
                if connection is not main:
                    await self.state(connection, account)  # the reply that the fault on the wire is for
                return Refused(Code.FULL)
            return await self._publish(connection, account, body)

    async def _publish(self, connection: Any, account: str, body: str) -> Answer:
        return Ok(seq=await jetstream.publish(connection, self.timeout_s, self.name(account), body.encode()))

    async def recv(self, main: Any, connection: Any, account: str, seq_cli: int) -> Answer:
        """Confirm and read. ``main`` looks, ``connection`` confirms: it may be one that is to break."""
        state = await self.state(main, account)
        if self.guarded and seq_cli > state["last_seq"]:
            if connection is not main:
                await self.state(connection, account)  # the reply that the fault on the wire is for
            return Refused(Code.AHEAD, seq_svr=state["last_seq"])
        return Ok(rows=tuple(await self.due(main, connection, account, seq_cli, state)))

    @abstractmethod
    async def due(self, main: Any, connection: Any, account: str, seq_cli: int, state: dict[str, Any]) -> list[Row]:
        """Confirm seq_cli and read what is due. ``state``: as it was a moment ago, and not below seq_cli."""


def row(message: Any, seq: int) -> Row:
    """A message as a row of a reply."""
    return seq, message.data.decode(errors="backslashreplace")
