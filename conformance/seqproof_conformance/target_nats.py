"""The targets ``nats:purge`` and ``nats:ackall``: a NATS server of its own with JetStream, as shipped, and its store.

What is asked of it, and what the adapter adds, stands in ``nats_streams``. The server is started under a name that
holds the kit's nonce, and its greeting tells it: so no other server on the port is taken for it. ``trim`` is not
declared: a purge is the confirm, and the consumer's stream keeps everything. A fault on the wire meets the request that
confirms, over a connection of its own. Source: https://docs.nats.io/running-a-nats-service/configuration.
"""

from __future__ import annotations

import json
import shutil
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from seqproof_conformance.adapter import Capability, Hello, TargetError
from seqproof_conformance.nats_client import CONNECT_S, MEND, Connection, LostError, Requests
from seqproof_conformance.nats_streams import TOP, UINT64_MAX
from seqproof_conformance.process import Served, Server
from seqproof_conformance.wire import Fault, Wire, Wired
from seqproof_model import profile
from seqproof_model.history import Answer, Code, Refused

SETTINGS = """\
server_name: "{name}"
listen: "127.0.0.1:{port}"
jetstream {{ store_dir: "{store}" }}
"""


def program() -> str:
    """Where nats-server is: pip puts it beside Python. "" where it is not installed."""
    return shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server") or ""


def claims(*, guarded: bool) -> profile.Profile:
    """The profile that a stream is held to: 64 bits as they are documented, or as far as they are usable."""
    return msgspec.structs.replace(profile.built_in()["strict"], seq_max=TOP if guarded else UINT64_MAX)


class NatsTarget(Served, Wired):
    """A NATS server of its own. ``mapping``: purge or ackall. ``guarded`` no: without the adapter's two guards."""

    def __init__(self, mapping: str, *, guarded: bool = True) -> None:
        self._requests = Requests(mapping, lambda: f"nats://127.0.0.1:{self.server.port}", guarded=guarded)
        self._mapping, self._guarded = mapping, guarded
        self.server = Server("nats", self._command, self._ready)
        self.wire = Wire()
        self._version = "?"

    def bound(self, seconds: float) -> None:
        """Wait at most so long for one answer."""
        self._requests.streams.timeout_s = seconds

    def _command(self, directory: Path, port: int) -> Sequence[str]:
        binary = program()
        if not binary:
            raise TargetError(f"nats needs the program nats-server: {MEND}")
        settings = directory / "nats.conf"
        settings.write_text(SETTINGS.format(name=self.server.nonce, port=port, store=directory / "js"))
        return [binary, "-c", str(settings)]

    def _ready(self) -> bool:
        """Read the greeting, which names the server; then ask JetStream something."""
        try:
            with socket.create_connection(("127.0.0.1", self.server.port), CONNECT_S) as talk:
                talk.settimeout(CONNECT_S)
                greeting = json.loads(talk.makefile().readline().removeprefix("INFO"))
            if greeting["server_name"] != self.server.nonce:
                return False
            self._requests.connect()
        except (OSError, ValueError, LostError, self._requests.nats.Error):
            return False
        self._version = greeting["version"]
        return True

    def hello(self) -> Hello:
        """Start the server at the first call."""
        if not self.server.answered:
            self.server.start()
        able = {Capability.SEND_SEQ, Capability.KILL, Capability.PRESET_SEQ, Capability.OVERLAP, Capability.WIRE}
        adds = ("RCV-6", "SEQ-6") if self._guarded else ()
        name = f"nats {self._version}, {self._mapping}"
        return Hello(name, frozenset(able), claims(guarded=self._guarded), adds)

    def reset(self, account: str) -> None:
        """Make the account a new stream."""
        self.preset_seq(account, 0)

    def preset_seq(self, account: str, seq: int) -> None:
        """Make the account a new stream that begins behind seq."""
        if not self.server.answered:
            raise TargetError("nats: its server was not started: call hello first")
        self._requests.administer("a new stream", lambda client: self._requests.streams.reset(client, account, seq))

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:  # noqa: ARG002
        """Publish. A repeat makes a second message."""
        streams = self._requests.streams
        return self._ask(lambda main, client: streams.send(main, client, account, body))

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:  # noqa: ARG002
        """Confirm and read. Never more than one page."""
        streams = self._requests.streams
        return self._ask(lambda main, client: streams.recv(main, client, account, seq_cli))

    def _ask(self, request: Callable[[Any, Any], Any]) -> Answer:
        if not self.server.alive:
            return Refused(Code.UNREACHABLE, detail="the server does not run")
        if (fault := self.wire.take()) is not None:
            return self._requests.answer(lambda: self._spoiled(fault, request))
        return self._requests.answer(lambda: self._plain(request))

    async def _plain(self, request: Callable[[Any, Any], Any]) -> Answer:
        main = await self._requests.main()
        return await main.during(request(main.client, main.client), self._requests.streams.timeout_s)

    async def _spoiled(self, fault: Fault, request: Callable[[Any, Any], Any]) -> Answer:
        main, streams = await self._requests.main(), self._requests.streams
        with self.wire.through(self.server.port) as proxy:
            other = await Connection().open(f"nats://127.0.0.1:{proxy.port}")
            try:
                await other.during(streams.ask(other.client, "INFO"), CONNECT_S)  # from here on it carries this alone
                proxy.arm(fault)
                return await other.during(request(main.client, other.client), streams.timeout_s)
            finally:
                await other.close()

    def close(self) -> None:
        """End the server and remove its data."""
        self._requests.close()
        self.wire.close()
        self.server.close()
