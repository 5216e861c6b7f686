"""What every NATS target is as an adapter, wherever its server is; ``nats_streams`` says what is asked of that server.

Its profile is ``strict`` in the space that the streams give: 64 bits as they are documented, or as far as they are
usable. ``trim`` is not declared: a purge is the confirm, and the consumer's stream keeps everything.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from seqproof_conformance.adapter import Capability, Hello
from seqproof_conformance.nats_client import Requests
from seqproof_conformance.nats_streams import TOP, UINT64_MAX
from seqproof_model import profile
from seqproof_model.history import Answer

ABLE = frozenset({Capability.SEND_SEQ, Capability.PRESET_SEQ, Capability.OVERLAP})
Request = Callable[[Any, Any], Coroutine[Any, Any, Answer]]  # over two connections: one looks, the other confirms


class NatsInboxes:
    """An adapter without ``close``."""

    requests: Requests

    def told(self, server: str, able: frozenset[Capability]) -> Hello:
        """Say what it is, once the server answers."""
        guarded = self.requests.streams.guarded
        claims = msgspec.structs.replace(profile.built_in()["strict"], seq_max=TOP if guarded else UINT64_MAX)
        return Hello(server, able, claims, ("RCV-6", "SEQ-6") if guarded else ())

    def bound(self, seconds: float) -> None:
        """Wait at most so long for one answer."""
        self.requests.streams.timeout_s = seconds

    def reset(self, account: str) -> None:
        """Make the account a new stream."""
        self.preset_seq(account, 0)

    def preset_seq(self, account: str, seq: int) -> None:
        """Make the account a new stream that begins behind seq."""
        self.requests.administer("a new stream", lambda client: self.requests.streams.reset(client, account, seq))

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:  # noqa: ARG002
        """Publish. A repeat makes a second message."""
        return self.ask(lambda main, client: self.requests.streams.send(main, client, account, body))

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:  # noqa: ARG002
        """Confirm and read. Never more than one page."""
        return self.ask(lambda main, client: self.requests.streams.recv(main, client, account, seq_cli))

    def ask(self, request: Request) -> Answer:
        """Make one request."""

        async def plain() -> Answer:
            main = await self.requests.main()
            return await main.during(request(main.client, main.client), self.requests.streams.timeout_s)

        return self.requests.answer(plain)
