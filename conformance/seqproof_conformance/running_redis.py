"""The target ``redis:URL``: a Redis or Valkey server that runs already; the mapping stands in ``redis_streams``.

``seqproof-runs`` is a set of the runs, and each run keeps a set of its keys under its name. So what a dead one left is
found without a look at anybody else's keys; ``running_names`` says when a run is dead. Streams that count by themselves
(XADD 0-*) are known from version 7 on.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from seqproof_conformance.adapter import Hello, TargetError
from seqproof_conformance.address import Address
from seqproof_conformance.redis_client import RedisClient
from seqproof_conformance.redis_streams import ABLE, RedisStreams
from seqproof_conformance.running_names import lost, new_run, of_run

RUNS = "seqproof-runs"
OLDEST = 7


class RunningRedis(RedisStreams):
    """Its keys are named seqproof-NONCE-..."""

    def __init__(self, address: Address) -> None:
        self.requests = RedisClient("redis")
        self._address, self._run = address, new_run()
        self._here: Any = None  # the subscription by which this run is known to be alive
        self._server = ""
        self._keys = set[str]()

    def key(self, account: str) -> str:
        """Nobody else's."""
        return f"{self._run}-{account}"

    def hello(self) -> Hello:
        """Connect, and remove what dead runs left, at the first call."""
        errors = (self.requests.redis.RedisError, ValueError)
        try:
            if self._here is None:
                self._server = self._connected()
                self._announce()
                self._sweep()
        except errors as error:
            said = self._address.said(error)
            raise TargetError(f"redis: {self._address.shown}: {said}; start it, or name another") from None
        return self.told(f"{self._server}, running", ABLE)

    def _connected(self) -> str:
        self.requests.client = self.requests.redis.Redis.from_url(self._address.whole(), **self.requests.options())
        info = self.requests.client.info("server")
        version = str(info.get("valkey_version") or info["redis_version"])
        if int(version.split(".")[0]) < OLDEST:
            raise TargetError(f"redis: {self._address.shown}: version {version}; streams of {OLDEST} are needed")
        return f"{'valkey' if 'valkey_version' in info else 'redis'} {version}"

    def _announce(self) -> None:
        self._here = self.requests.client.pubsub()
        self._here.subscribe(self._run)
        self._here.get_message(timeout=self.requests.timeout_s)  # from here on the server has heard it
        self.requests.client.sadd(RUNS, self._run)

    def _alive(self, run: str) -> bool:
        return bool(self.requests.client.pubsub_numsub(run)[0][1])

    def _sweep(self) -> None:
        for member in self.requests.client.smembers(RUNS):
            run = of_run(member.decode(errors="replace"))
            if run and not self._alive(run):
                self._remove(run)

    def _remove(self, run: str) -> None:
        client = self.requests.client
        for key in sorted(client.smembers(run)):
            if of_run(key.decode()) == run:
                client.delete(key)
        client.delete(run)
        client.srem(RUNS, run)

    def preset_seq(self, account: str, seq: int) -> None:
        """Leave an empty stream whose last-generated-id is 0-seq. It is written down before it is made."""
        key = self.key(account)
        if key not in self._keys:
            self.requests.must(("SADD", self._run, key))
            self._keys.add(key)
        try:
            alive = self._alive(self._run)
        except self.requests.redis.RedisError as error:
            raise TargetError(f"redis: {self._address.said(error)}") from None
        if not alive:
            raise lost("redis")
        super().preset_seq(account, seq)

    def close(self) -> None:
        """Delete its keys. May be called twice."""
        if self.requests.client is None:
            return
        with suppress(self.requests.redis.RedisError):
            self._remove(self._run)
        if self._here is not None:
            self._here.close()
        self.requests.close()
        self.requests.client = None
