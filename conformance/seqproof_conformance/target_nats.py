"""The targets ``nats:purge`` and ``nats:ackall``: a NATS server of its own with JetStream, as shipped, and its store.

What is asked of it, and what the adapter adds, stands in ``nats_streams``. The server is started under a name that
holds the kit's nonce, and its greeting tells it: so no other server on the port is taken for it. A fault on the wire
meets the request that confirms. Source: https://docs.nats.io/running-a-nats-service/configuration.
"""

from __future__ import annotations

import json
import shutil
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from seqproof_conformance.adapter import Hello, TargetError
from seqproof_conformance.nats_adapter import ABLE, NatsInboxes, Request
from seqproof_conformance.nats_client import Requests
from seqproof_conformance.nats_connection import CONNECT_S, MEND, Connection
from seqproof_conformance.own_server import OWN, Arm, OwnServer
from seqproof_model.history import Answer

SETTINGS = """\
server_name: "{name}"
listen: "127.0.0.1:{port}"
jetstream {{ store_dir: "{store}" }}
"""


def program() -> str:
    """Where nats-server is: pip puts it beside Python. "" where it is not installed."""
    return shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server") or ""


class NatsTarget(NatsInboxes, OwnServer):
    """A NATS server of its own. ``mapping``: purge or ackall. ``guarded`` no: without the adapter's two guards."""

    def __init__(self, mapping: str, *, guarded: bool = True) -> None:
        super().__init__("nats")
        self.requests = Requests(mapping, lambda: _url(self.server.port), guarded=guarded)
        self._mapping = mapping

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
            greeting = self._greeting()
            if greeting.get("server_name") != self.server.nonce:
                return False
            self.requests.connect()
        except self.requests.failures:
            return False
        self.version = greeting["version"]
        return True

    def _greeting(self) -> dict[str, str]:
        """What the server says first; nothing where it is no NATS server. Raises OSError."""
        with socket.create_connection(("127.0.0.1", self.server.port), CONNECT_S) as talk, suppress(ValueError):
            talk.settimeout(CONNECT_S)
            found: dict[str, str] = json.loads(talk.makefile().readline().removeprefix("INFO"))
            return found
        return {}

    def hello(self) -> Hello:
        """Start the server at the first call."""
        self.begin()
        return self.told(f"nats {self.version}, {self._mapping}", ABLE | OWN)

    def preset_seq(self, account: str, seq: int) -> None:
        """Make the account a new stream that begins behind seq."""
        self.must_have_begun()
        super().preset_seq(account, seq)

    def ask(self, request: Request) -> Answer:
        """Make one request; over a connection that breaks where a fault waits for it."""
        plain = super().ask
        return self.asked(
            lambda: plain(request),
            lambda port, arm: self.requests.answer(lambda: self._over_another(port, arm, request)),
        )

    async def _over_another(self, port: int, arm: Arm, request: Request) -> Answer:
        main, streams = await self.requests.main(), self.requests.streams
        other = await Connection().open(_url(port))
        try:
            await other.during(streams.ask(other.client, "INFO"), CONNECT_S)  # from here on it carries this alone
            arm()
            return await other.during(request(main.client, other.client), streams.timeout_s)
        finally:
            await other.close()

    def _disconnect(self) -> None:
        self.requests.close()


def _url(port: int) -> str:
    return f"nats://127.0.0.1:{port}"
