"""JetStream's own requests: JSON on subjects below ``$JS.API``, one answer, or a batch of messages.

Source: https://docs.nats.io/reference/reference-protocols/nats_api_reference; ADR-31 of nats-architecture-and-design.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any


def refused(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, unless it is an error. Raises the APIError of ``nats``."""
    from nats.js.errors import APIError  # it comes with an extra of the kit

    if "error" in answer:
        raise APIError.from_error(answer["error"])
    return answer


async def ask(connection: Any, timeout_s: float, subject: str, **words: object) -> dict[str, Any]:
    """One request. Raises what ``nats`` raises, and its APIError for an error answer."""
    payload = json.dumps(words).encode() if words else b""
    reply = await connection.request(f"$JS.API.{subject}", payload, timeout=timeout_s)
    return refused(json.loads(reply.data))


async def publish(connection: Any, timeout_s: float, subject: str, body: bytes) -> int:
    """Put a message into the stream of a subject. Returns its seq. Raises as ``ask``."""
    reply = await connection.request(subject, body, timeout=timeout_s)
    seq: int = refused(json.loads(reply.data))["seq"]
    return seq


async def batch(connection: Any, timeout_s: float, subject: str, words: dict[str, Any]) -> AsyncIterator[Any]:
    """The messages of one batch, at most ``words["batch"]``; a message with a status ends it."""
    inbox = connection.new_inbox()
    replies = await connection.subscribe(inbox)
    try:
        await connection.publish(f"$JS.API.{subject}", json.dumps(words).encode(), reply=inbox)
        for _ in range(words["batch"]):
            message = await replies.next_msg(timeout_s)
            if "Status" in (message.headers or {}):
                return
            yield message
    finally:
        await replies.unsubscribe()
