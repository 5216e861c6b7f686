"""The protocol on Redis or Valkey Streams: one stream per account, the seq in the second half of the entry's id.

    reset    DEL k
    send     XADD k 0-* b BODY                                the part of the new id after "-" is the seq
    recv(c)  XINFO STREAM k, last-generated-id is seq_svr     c above it: refused, nothing touched
             MULTI, XTRIM k MINID 0-(c+1), XRANGE k (0-c +, EXEC
    preset   DEL k, XADD k 0-n, XTRIM k MAXLEN 0              the row goes, the counter stays

What confirms is the trim, so confirmed is the server's own, for all phones of the account. That a recv ahead changes
nothing (RCV-6) is this adapter's work and declared so: without its look at last-generated-id the trim would destroy
what comes later. The look may be a step of its own, because the last id only grows. ``trim`` is not declared: the trim
is the confirm, so there is never anything left that may be dropped.
Source: https://valkey.io/commands/xadd, xtrim, xinfo-stream.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from seqproof_conformance.adapter import TargetError
from seqproof_conformance.extras import extra
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


CLAIMS = msgspec.structs.replace(profile.built_in()["strict"], seq_max=TOP)  # its seqs have 64 bits


class RedisStreams:
    """The mapping, over a client that its heir connects: ``_client``, of ``redis``."""

    name = "valkey"

    def __init__(self) -> None:
        self._redis = extra(self.name, "redis", MEND)
        self._client: Any = None
        self._timeout_s = TIMEOUT_S

    def bound(self, seconds: float) -> None:
        """Wait at most so long for one answer."""
        self._timeout_s = seconds

    def key(self, account: str) -> str:
        """The key of an account's stream."""
        return account

    def options(self) -> dict[str, Any]:
        """How a client is made: its waits are bounded, and it never tries again."""
        once = extra(self.name, "redis.retry", MEND).Retry(extra(self.name, "redis.backoff", MEND).NoBackoff(), 0)
        bounds = {"socket_timeout": self._timeout_s, "socket_connect_timeout": self._timeout_s}
        return {"retry": once, "retry_on_error": [], **bounds}

    def reset(self, account: str) -> None:
        """Forget the stream."""
        self._must("DEL", self.key(account))

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:  # noqa: ARG002
        """XADD. Valkey knows neither senders nor client ids: a repeat makes a second message."""
        return self._try(
            lambda client: Ok(seq=_seq(client.execute_command("XADD", self.key(account), "0-*", "b", body)))
        )

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:  # noqa: ARG002
        """Trim what is confirmed and read the rest. Never more than one page."""
        return self._try(lambda client: self._recv(client, self.key(account), seq_cli))

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
        """Make one request and name its failure: definite only where the server or the connect says so."""
        try:
            return self._made(request)
        except self._redis.RedisError as error:
            if isinstance(error.__context__, ConnectionRefusedError):
                return Refused(Code.UNREACHABLE, detail=str(error))
            for text, code in NEVER_RAN:
                if text.search(str(error)):
                    return Refused(code, detail=str(error))
            return Indefinite(f"{type(error).__name__}: {error}")

    def _made(self, request: Callable[[Any], Answer]) -> Answer:
        return request(self._client)

    def _must(self, *words: str) -> None:
        try:
            self._client.execute_command(*words)
        except self._redis.RedisError as error:
            raise TargetError(f"{self.name}: {words[0]}: {error}{self._log()}") from None

    def _log(self) -> str:
        return ""

    def preset_seq(self, account: str, seq: int) -> None:
        """Leave an empty stream whose last-generated-id is 0-seq."""
        self._must("DEL", self.key(account))
        if seq:  # 0-0 is no id; an absent stream begins there anyway
            self._must("XADD", self.key(account), f"0-{seq}", "b", "")
            self._must("XTRIM", self.key(account), "MAXLEN", "0")


def _seq(entry: bytes) -> int:
    return int(entry.rpartition(b"-")[2])
