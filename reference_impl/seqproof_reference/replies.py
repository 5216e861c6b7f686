"""What every HTTP endpoint of the access layer needs: a body that is bounded, and answers in JSON, errors too."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from seqproof_reference import wire
from seqproof_reference.gate import DeniedError

BODY_S = 60.0


async def bounded_body(request: Request) -> bytes:
    """Read the request's body. Raises HTTPException 413 as soon as it is too large, 408 when it does not come."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > wire.MAX_BODY_BYTES:
                    raise HTTPException(413, f"a request holds at most {wire.MAX_BODY_BYTES} bytes")
    except TimeoutError:
        raise HTTPException(408, f"a request is whole within {BODY_S:g} s") from None
    return bytes(body)


def denied(error: DeniedError) -> Response:
    """Say why one is not let in."""
    said = wire.encode({"error": error.name, "detail": error.detail})
    return Response(said, error.status, error.headers, media_type="application/json")


def json(status: int, said: object) -> Response:
    """Write an answer."""
    return Response(wire.encode(said), status, media_type="application/json")


async def http_error(_request: HTTPConnection, error: Exception) -> Response:
    """Write what Starlette, or a bound, refuses."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    names = {code: name for name, code in wire.ACCESS.items()}
    said: dict[str, Any] = {"error": names.get(status, "error"), "detail": getattr(error, "detail", "")}
    return json(status, said)
