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

from collections.abc import Callable
from typing import Any

import msgspec

from seqproof_conformance.adapter import Capability, Hello
from seqproof_conformance.redis_client import RedisClient
from seqproof_model import profile
from seqproof_model.history import Answer, Code, Ok, Refused

TOP = 2**64 - 1
CLAIMS = msgspec.structs.replace(profile.built_in()["strict"], seq_max=TOP)  # its seqs have 64 bits
ABLE = frozenset({Capability.SEND_SEQ, Capability.PRESET_SEQ, Capability.OVERLAP})
Request = Callable[[Any], Answer]  # over a client


class RedisStreams:
    """The mapping, on a server that its heir reaches: an adapter without ``hello`` and ``close``."""

    requests: RedisClient

    def told(self, server: str, able: frozenset[Capability]) -> Hello:
        """Say what it is, once the server answers."""
        return Hello(server, able, CLAIMS, ("RCV-6",))

    def bound(self, seconds: float) -> None:
        """Wait at most so long for one answer."""
        self.requests.timeout_s = seconds

    def key(self, account: str) -> str:
        """The key of an account's stream."""
        return account

    def reset(self, account: str) -> None:
        """Forget the stream."""
        self.preset_seq(account, 0)

    def preset_seq(self, account: str, seq: int) -> None:
        """Leave an empty stream whose last-generated-id is 0-seq."""
        key = self.key(account)
        counter = [("XADD", key, f"0-{seq}", "b", ""), ("XTRIM", key, "MAXLEN", "0")]
        self.requests.must(("DEL", key), *(counter if seq else []))  # an absent stream begins at 0-0, which is no id

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:  # noqa: ARG002
        """XADD. Valkey knows neither senders nor client ids: a repeat makes a second message."""
        words = ("XADD", self.key(account), "0-*", "b", body)
        return self.ask(lambda client: Ok(seq=_seq(client.execute_command(*words))))

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:  # noqa: ARG002
        """Trim what is confirmed and read the rest. Never more than one page."""
        return self.ask(lambda client: self._recv(client, self.key(account), seq_cli))

    def ask(self, request: Request) -> Answer:
        """Make one request."""
        return self.requests.answer(lambda: request(self.requests.client))

    def _recv(self, client: Any, key: str, seq_cli: int) -> Answer:
        last = self._last(self.requests.client, key)
        if seq_cli > last:
            if client is not self.requests.client:
                self._last(client, key)  # the reply that the fault on the wire is for
            return Refused(Code.AHEAD, seq_svr=last)
        if seq_cli == TOP:  # there is no id above it to trim to, nor one to read from
            client.xtrim(key, maxlen=0, approximate=False)
            return Ok(rows=())
        pipe = client.pipeline(transaction=True)
        pipe.xtrim(key, minid=f"0-{seq_cli + 1}", approximate=False)
        pipe.xrange(key, f"(0-{seq_cli}", "+")
        found: list[tuple[bytes, dict[bytes, bytes]]] = pipe.execute()[1]
        return Ok(rows=tuple((_seq(id_), row[b"b"].decode(errors="backslashreplace")) for id_, row in found))

    def _last(self, client: Any, key: str) -> int:
        try:
            return _seq(client.xinfo_stream(key)["last-generated-id"])
        except self.requests.redis.ResponseError as error:
            if "no such key" in str(error):
                return 0
            raise


def _seq(entry: bytes) -> int:
    return int(entry.rpartition(b"-")[2])
