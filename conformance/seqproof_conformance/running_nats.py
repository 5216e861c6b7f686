"""The targets ``nats:URL``, ``nats:ackall,URL``: a NATS server with JetStream that runs already.

The mapping stands in ``nats_streams``. The streams of a run are named seqproof-NONCE-..., and the run answers on
seqproof-NONCE-alive; ``running_names`` says what that is for.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from typing import Any

from seqproof_conformance.adapter import Hello, TargetError
from seqproof_conformance.address import Address
from seqproof_conformance.nats_adapter import ABLE, NatsInboxes
from seqproof_conformance.nats_client import Requests
from seqproof_conformance.running_names import OURS, new_run, of_run


class RunningNats(NatsInboxes):
    """``mapping``: purge or ackall. ``guarded`` no: without the adapter's two guards."""

    def __init__(self, address: Address, mapping: str, *, guarded: bool = True) -> None:
        self._address, self._mapping, self._run = address, mapping, new_run()
        self.requests = Requests(mapping, address.whole, f"{self._run}-", guarded=guarded)
        self.requests.at_connect.append(self._announce)
        self._connected = False

    def hello(self) -> Hello:
        """Connect, and remove what dead runs left, at the first call."""
        try:
            if not self._connected:
                self.requests.connect()
                self._connected = True
                self.requests.administer("removing what a dead run left", self._sweep)
        except self.requests.failures as error:
            said = self._address.said(error)
            raise TargetError(
                f"nats: {self._address.shown}: {said}; start it with JetStream, or name another"
            ) from None
        return self.told(f"nats, running, {self._mapping}", ABLE)

    async def _announce(self, client: Any) -> None:
        """Answer on the run's subject, on this connection, as long as it lives."""

        async def here(message: Any) -> None:
            await message.respond(b"here")

        await client.subscribe(_subject(self._run), cb=here)
        await client.flush()

    async def _sweep(self, client: Any) -> None:
        streams = self.requests.streams
        found = defaultdict[str, list[str]](list)
        total, seen = 1, 0
        while seen < total:
            page = await streams.ask(client, "STREAM.NAMES", offset=seen)
            names: list[str] = page["streams"] or []
            total, seen = page["total"] if names else 0, seen + len(names)
            for name in names:
                found[of_run(name)].append(name)
        for run in found.keys() - {"", self._run}:
            if not await self._alive(client, run):
                for name in found[run]:
                    if (await streams.ask(client, f"STREAM.INFO.{name}"))["config"].get("description") == OURS:
                        await streams.ask(client, f"STREAM.DELETE.{name}")

    async def _alive(self, client: Any, run: str) -> bool:
        """Whether anybody answers for it; one that is slow to answer is alive."""
        try:
            await client.request(_subject(run), b"", timeout=self.requests.streams.timeout_s)
        except self.requests.nats.NoRespondersError:
            return False
        except self.requests.nats.TimeoutError:
            return True
        return True

    def close(self) -> None:
        """Delete its streams. May be called twice."""
        with suppress(TargetError):
            if self.requests.streams.made:
                self.requests.administer("removing its streams", self.requests.streams.remove)
        self.requests.close()


def _subject(run: str) -> str:
    return f"{run}-alive"
