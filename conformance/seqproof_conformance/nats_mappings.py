"""What confirms on a NATS stream: two mappings of a recv, and how each is found by its name.

    purge    STREAM.PURGE up to c, then DIRECT.GET           what is confirmed leaves the stream
    ackall   CONSUMER.RESET, CONSUMER.MSG.NEXT, +ACK of c    a durable pull consumer's ack floor is confirmed

Each reads in batches, never a row a request.

A purge beside a batch may remove the beginning of what the batch has read already: then first_seq is asked for, and
what lies below it was confirmed during the request, so it is left out. A hole above it stays for the judge to see.

``ackall`` has one consumer for all phones of the account, with AckPolicy ALL. What was given and not acknowledged is
given again only after a wait (ack_wait); the reset to the ack floor, which the server has for that, makes it due at
once, or a lost reply would look like a loss that is the mapping's fault. So a recv first reads and then confirms, and
the answer to the acknowledgement is waited for; one recv at a time for each account.
Source: ADR-31 (batches) and ADR-60 (reset) of nats-architecture-and-design.
"""

from __future__ import annotations

from typing import Any

from seqproof_conformance import jetstream
from seqproof_conformance.nats_streams import UINT64_MAX, Row, Streams, row

CONSUMER = "inbox"


class Purge(Streams):
    """A recv purges what it confirms."""

    async def due(self, main: Any, connection: Any, account: str, seq_cli: int, state: dict[str, Any]) -> list[Row]:
        """Confirm, and read the rest."""
        name, last = self.name(account), state["last_seq"]
        upto = {} if seq_cli == UINT64_MAX else {"seq": seq_cli + 1}  # the first that stays
        await self.ask(connection, f"STREAM.PURGE.{name}", **upto)
        rows: list[Row] = []
        first = begin = max(seq_cli + 1, state["first_seq"])
        while state["messages"] and begin <= last:
            request = {"seq": begin, "batch": last - begin + 1}
            got = [message async for message in jetstream.batch(main, self.timeout_s, f"DIRECT.GET.{name}", request)]
            if not got:
                break
            rows += [row(message, int(message.headers["Nats-Sequence"])) for message in got]
            begin = rows[-1][0] + 1
        if state["messages"] and len(rows) != last - first + 1:
            purged = (await self.state(main, account))["first_seq"]
            rows = [each for each in rows if each[0] >= purged]
        return rows


class AckAll(Streams):
    """A recv acknowledges to a durable consumer."""

    def besides(self, name: str) -> tuple[tuple[str, dict[str, Any]], ...]:
        """Give the stream its consumer."""
        config = {"durable_name": CONSUMER, "ack_policy": "all", "max_ack_pending": -1}
        return ((f"CONSUMER.DURABLE.CREATE.{name}.{CONSUMER}", {"stream_name": name, "config": config}),)

    async def due(self, main: Any, connection: Any, account: str, seq_cli: int, state: dict[str, Any]) -> list[Row]:  # noqa: ARG002
        """Read, then confirm."""
        of = f"{self.name(account)}.{CONSUMER}"
        async with self.alone[account]:
            due: int = (await self.ask(main, f"CONSUMER.RESET.{of}"))["num_pending"]
            request = {"batch": due, "no_wait": True}
            given = (
                [m async for m in jetstream.batch(main, self.timeout_s, f"CONSUMER.MSG.NEXT.{of}", request)]
                if due
                else []
            )
            at = {message.metadata.sequence.stream: message for message in given}
            confirmed = [at[seq] for seq in at if seq <= seq_cli][-1:]
            if connection is main:
                await self._confirm(main, confirmed)
        if connection is not main:  # the server has it before its answer is spoiled: nobody must wait for that
            await self._confirm(connection, confirmed) if confirmed else await self.state(connection, account)
        return [row(message, seq) for seq, message in at.items() if seq > seq_cli]

    async def _confirm(self, connection: Any, messages: list[Any]) -> None:
        for message in messages:
            await connection.request(message.reply, b"+ACK", timeout=self.timeout_s)


MAPPINGS: dict[str, type[Streams]] = {"purge": Purge, "ackall": AckAll}
