"""Servers that run already, named by an address: ``redis:URL``, ``postgres:URL`` and ``nats:URL``.

The mapping is that of the built-in twin, and so is the profile it is held to; here the kit only connects. It never
kills such a server, so nothing is learned of what a crash would lose: what needs kill is not graded. Every account is
made under a name with a nonce, so that nothing of anybody else's is touched, and all of them are removed at the end,
after an exception or Ctrl-C too. Only a kit that is killed itself leaves them: each class says their names.
Source: docs/servers.md.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from seqproof_conformance.adapter import Capability, Hello, TargetError
from seqproof_conformance.nats_client import LostError
from seqproof_conformance.nats_client import Requests as NatsRequests
from seqproof_conformance.postgres_client import Requests as SqlRequests
from seqproof_conformance.redis_streams import CLAIMS, RedisStreams
from seqproof_conformance.target_nats import claims
from seqproof_conformance.target_postgres import ABLE, Inboxes
from seqproof_model.history import Answer

PREFIX = "seqproof"
OLDEST_REDIS = 7


def _nonce() -> str:
    return f"{PREFIX}-{secrets.token_hex(6)}"


class RunningRedis(RedisStreams):
    """A Redis or Valkey server. Its keys are named seqproof-NONCE-..."""

    name = "redis"

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url, self._prefix = url, f"{_nonce()}-"
        self._keys = set[str]()

    def key(self, account: str) -> str:
        """Nobody else's."""
        return self._prefix + account

    def hello(self) -> Hello:
        """Connect. Streams that count by themselves (XADD 0-*) are known from version 7 on."""
        try:
            self._client = self._redis.Redis.from_url(self._url, **self.options())
            info = self._client.info("server")
        except (self._redis.RedisError, ValueError) as error:
            raise TargetError(f"redis: {self._url}: {_line(error)}; start it, or name another") from None
        kind = "valkey" if "valkey_version" in info else "redis"
        version = str(info.get("valkey_version") or info["redis_version"])
        if int(version.split(".")[0]) < OLDEST_REDIS:
            raise TargetError(f"redis: {self._url}: version {version}; streams of {OLDEST_REDIS} are needed")
        able = {Capability.SEND_SEQ, Capability.PRESET_SEQ, Capability.OVERLAP}
        return Hello(f"{kind} {version}, running", frozenset(able), CLAIMS, ("RCV-6",))

    def reset(self, account: str) -> None:
        """Forget the stream, and remove it at the end."""
        self._keys.add(self.key(account))
        super().reset(account)

    def close(self) -> None:
        """Delete its keys."""
        if self._client is not None:
            with suppress(self._redis.RedisError):
                for key in sorted(self._keys):
                    self._client.delete(key)
            self._client.close()
            self._client = None


class RunningNats:
    """A NATS server with JetStream. Its streams are named seqproof-NONCE-..."""

    def __init__(self, url: str, mapping: str, *, guarded: bool = True) -> None:
        self._url, self._mapping, self._guarded = url, mapping, guarded
        self._requests = NatsRequests(mapping, lambda: url, f"{_nonce()}-", guarded=guarded)

    def bound(self, seconds: float) -> None:
        """Wait at most so long for one answer."""
        self._requests.streams.timeout_s = seconds

    def hello(self) -> Hello:
        """Connect."""
        try:
            self._requests.connect()
        except (OSError, LostError, self._requests.nats.Error) as error:
            raise TargetError(f"nats: {self._url}: {_line(error)}; start it with JetStream, or name another") from None
        able = {Capability.SEND_SEQ, Capability.PRESET_SEQ, Capability.OVERLAP}
        adds = ("RCV-6", "SEQ-6") if self._guarded else ()
        return Hello(f"nats, running, {self._mapping}", frozenset(able), claims(guarded=self._guarded), adds)

    def reset(self, account: str) -> None:
        """Make the account a new stream."""
        self.preset_seq(account, 0)

    def preset_seq(self, account: str, seq: int) -> None:
        """Make the account a new stream that begins behind seq."""
        self._requests.administer("a new stream", lambda client: self._requests.streams.reset(client, account, seq))

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:  # noqa: ARG002
        """Publish."""
        streams = self._requests.streams
        return self._ask(lambda client: streams.send(client, client, account, body))

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:  # noqa: ARG002
        """Confirm and read."""
        streams = self._requests.streams
        return self._ask(lambda client: streams.recv(client, client, account, seq_cli))

    def _ask(self, request: Callable[[Any], Any]) -> Answer:
        async def plain() -> Answer:
            main = await self._requests.main()
            answer: Answer = await main.during(request(main.client), self._requests.streams.timeout_s)
            return answer

        return self._requests.answer(plain)

    def close(self) -> None:
        """Delete its streams."""
        with suppress(TargetError):
            if self._requests.streams.made:
                self._requests.administer("removing its streams", self._requests.streams.remove)
        self._requests.close()


class RunningPostgres(Inboxes):
    """A PostgreSQL server. Its tables are in a schema named seqproof_NONCE; the user must be allowed to make one."""

    def __init__(self, url: str, way: str) -> None:
        self._schema = _nonce().replace("-", "_")
        self._made = False
        self.requests = SqlRequests(way, lambda: url, self._schema)

    def hello(self) -> Hello:
        """Connect, and make the schema at the first call."""
        try:
            with self.requests.lent() as session:
                self.version = session.execute("show server_version").fetchone()[0]
        except self.requests.psycopg.Error as error:
            raise TargetError(f"postgres: {_line(error)}; start it, or name another") from None
        if not self._made:
            self._made = True
            self.requests.tables()
        return self.told(ABLE)

    def close(self) -> None:
        """Drop the schema."""
        with suppress(TargetError):
            if self._made:
                self._made = False
                self.requests.administer("removing its tables", f"drop schema if exists {self._schema} cascade")
        self.requests.forget()


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
