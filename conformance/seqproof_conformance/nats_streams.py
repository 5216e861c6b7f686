"""The protocol on NATS JetStream: one stream with file storage per account, the stream's own sequence is the seq.

    reset      STREAM.DELETE, STREAM.CREATE
    send       publish with a reply                       the reply's seq
    recv(c)    STREAM.INFO, last_seq is seq_svr           c above it: refused, nothing touched
               confirm and read                           as ``nats_mappings`` says: purge, or ackall
    preset     a new stream whose first_seq is n + 1

Two guards are the adapter's, and declared so. A purge above last_seq would move the allocator (RCV-6). The file store
keeps flags in the two highest bits of a seq, so a message from 2^62 on is acknowledged and never read again, and after
2^64 - 1 comes 0. So the space that is claimed ends at 2^62 - 1, and an account that was preset near it is looked at
before each send (SEQ-6). Both looks are steps of their own: last_seq only grows. ``guarded=False`` leaves both out.
Source: https://docs.nats.io/reference/reference-protocols/nats_api_reference.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

from seqproof_model.history import Answer, Code, Ok, Refused

TOP, UINT64_MAX = 2**62 - 1, 2**64 - 1
NEAR_TOP = TOP - 2**20  # no account that starts below comes to the top
Row = tuple[int, str]


class Streams:
    """The mapping. Each request is given its connection, of ``nats``. Used on one asyncio loop."""

    def __init__(self, timeout_s: float, prefix: str = "x", *, guarded: bool = True) -> None:
        self.timeout_s, self.guarded = timeout_s, guarded
        self.made = set[str]()
        self._prefix = prefix
        self._near_top = set[str]()
        self.alone: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def name(self, account: str) -> str:
        """The stream of an account, which is its subject too: neither may hold a dot or a space."""
        return self._prefix + account.encode().hex()

    async def ask(self, connection: Any, subject: str, **request: object) -> dict[str, Any]:
        """One request to JetStream. Raises what ``nats`` raises, and its APIError for an error answer."""
        from nats.js.errors import APIError

        payload = json.dumps(request).encode() if request else b""
        reply = await connection.request(f"$JS.API.{subject}", payload, timeout=self.timeout_s)
        answer: dict[str, Any] = json.loads(reply.data)
        if "error" in answer:
            raise APIError.from_error(answer["error"])
        return answer

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
        await self.ask(connection, f"STREAM.CREATE.{name}", **config)
        await self.made_fresh(connection, name)

    async def made_fresh(self, connection: Any, name: str) -> None:
        """Give a new stream what the mapping needs besides."""

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
        from nats.js.errors import APIError

        reply = json.loads((await connection.request(self.name(account), body.encode(), timeout=self.timeout_s)).data)
        if "error" in reply:
            raise APIError.from_error(reply["error"])
        return Ok(seq=reply["seq"])

    async def recv(self, main: Any, connection: Any, account: str, seq_cli: int) -> Answer:
        """Confirm and read. ``main`` looks, ``connection`` confirms: it may be one that is to break."""
        state = await self.state(main, account)
        if self.guarded and seq_cli > state["last_seq"]:
            if connection is not main:
                await self.state(connection, account)  # the reply that the fault on the wire is for
            return Refused(Code.AHEAD, seq_svr=state["last_seq"])
        return Ok(rows=tuple(await self.due(main, connection, account, seq_cli, state)))

    async def due(self, main: Any, connection: Any, account: str, seq_cli: int, state: dict[str, Any]) -> list[Row]:
        """Confirm seq_cli and read what is due. ``state``: as it was a moment ago, and not below seq_cli."""
        raise NotImplementedError

    async def batch(self, connection: Any, subject: str, request: dict[str, Any]) -> AsyncIterator[Any]:
        """The messages of one batch; a message with a status ends it."""
        inbox = connection.new_inbox()
        replies = await connection.subscribe(inbox)
        try:
            await connection.publish(f"$JS.API.{subject}", json.dumps(request).encode(), reply=inbox)
            for _ in range(request["batch"]):
                message = await replies.next_msg(self.timeout_s)
                if "Status" in (message.headers or {}):
                    return
                yield message
        finally:
            await replies.unsubscribe()


def row(message: Any, seq: int) -> Row:
    """A message as a row of a reply."""
    return seq, message.data.decode(errors="backslashreplace")
