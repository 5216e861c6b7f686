"""Requests to a Redis or Valkey server: a client that is bounded and never tries again, and what its failures mean.

An error is definite only where the server says that it never ran the command, or where nobody listens. All else leaves
the outcome open: the client cannot know how far a command came whose answer it did not get.
Source: https://valkey.io/topics/protocol.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from seqproof_conformance.adapter import TargetError
from seqproof_conformance.extras import extra
from seqproof_model.history import Answer, Code, Indefinite, Refused

TIMEOUT_S = 5.0
MEND = "pip install 'seqproof[valkey]'"
# Errors that are raised before a command runs, by their text: nothing was stored, trimmed or read.
NEVER_RAN = (
    (re.compile(r"equal or smaller than the target stream top item|exhausted the last possible ID"), Code.FULL),
    (re.compile(r"MISCONF|NOREPLICAS|used memory > 'maxmemory'|loading the dataset"), Code.STORE),
)


class RedisClient:
    """A client of ``redis``, and the requests over it. ``name``: of the target, in its errors."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.redis = extra(name, "redis", MEND)
        self.timeout_s = TIMEOUT_S
        self.client: Any = None

    def options(self) -> dict[str, Any]:
        """How a client is made: its waits are bounded, and it never tries again."""
        once = extra(self.name, "redis.retry", MEND).Retry(extra(self.name, "redis.backoff", MEND).NoBackoff(), 0)
        bounds = {"socket_timeout": self.timeout_s, "socket_connect_timeout": self.timeout_s}
        return {"retry": once, "retry_on_error": [], **bounds}

    def to(self, port: int) -> Any:
        """A new client of a server on the loopback. It connects at its first request."""
        return self.redis.Redis("127.0.0.1", port, **self.options())

    def answer(self, request: Callable[[], Answer]) -> Answer:
        """Make one request of a phone or a sender, and name its failure."""
        try:
            return request()
        except self.redis.RedisError as error:
            if isinstance(error.__context__, ConnectionRefusedError):
                return Refused(Code.UNREACHABLE, detail=str(error))
            for text, code in NEVER_RAN:
                if text.search(str(error)):
                    return Refused(code, detail=str(error))
            return Indefinite(f"{type(error).__name__}: {error}")

    def must(self, *commands: tuple[str, ...]) -> None:
        """Run commands that are no request of a phone, in one transaction. Raises TargetError."""
        try:
            with self.client.pipeline(transaction=len(commands) > 1) as pipe:
                for words in commands:
                    pipe.execute_command(*words)
                pipe.execute()
        except self.redis.RedisError as error:
            raise TargetError(f"{self.name}: {commands[0][0]}: {error}") from None

    def close(self) -> None:
        """End the client. May be called twice."""
        if self.client is not None:
            self.client.close()
