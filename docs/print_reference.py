"""Print the sequence diagrams of the reference server from real runs: ``python docs/print_reference.py [--check]``.

A server with two ConnectSvrs is started, phones speak to it over real sockets, and every part traces whom it tells
what. Each diagram is what was traced; all stand in the README of reference_impl, between two marks. What a request does
and what its notice does run side by side from the moment that the notice is handed over; the diagram shows them as two
branches, so that it does not depend on which was faster. A lost reply is one that the server sent and the script threw
away, as the kit does. ``--check`` writes nothing and exits with 1 when they are stale.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import httpx
from websockets.sync.client import ClientConnection, connect

from seqproof_reference.serve import Options, serving

HERE = Path(__file__).parent
PAGE, PROSE = HERE.parent / "reference_impl/README.md", HERE / "print_reference.txt"
BEGIN, END = "<!-- paths: printed by docs/print_reference.py from real runs -->\n", "<!-- /paths -->\n"
WAIT_S = 20.0
LOST = "lost"


class Told(NamedTuple):
    """One line of a trace."""

    who: str
    whom: str
    what: str


@dataclass
class Play:
    """A server under trace, and what phones do with it. Account "bob" is the one that is written to."""

    http: httpx.Client
    urls: list[str] = field(default_factory=list[str])
    told: list[Told] = field(default_factory=list[Told])
    phones: ExitStack = field(default_factory=ExitStack)

    def trace(self, who: str, whom: str, what: str) -> None:
        """Take a line; list.append is atomic."""
        self.told.append(Told(who, whom, what))

    def send(self, body: str) -> None:
        """Phone A writes to bob; returns when the notice has been handed on, too."""
        self.post("/v1/accounts/bob/messages", {"sender": "A", "client_id": body, "body": body})
        self.post("/admin/quiesce", None)

    def recv(self, phone: str, seq_cli: int, *, lose: bool = False) -> None:
        """A phone of bob asks. ``lose``: its reply is thrown away."""
        self.post("/v1/accounts/bob/recv", {"phone": phone, "seq_cli": seq_cli})
        if lose:
            self.told[-1] = self.told[-1]._replace(what=f"{self.told[-1].what}, {LOST}")

    def post(self, path: str, said: object) -> None:
        """Make a request that must succeed."""
        self.http.post(self.urls[0] + path, json=said).raise_for_status()

    def login(self, phone: str, at: int) -> ClientConnection:
        """Open a phone's long connection at a ConnectSvr, counted from 1; the pong says that it is routed."""
        url = f"{self.urls[at - 1].replace('http', 'ws')}/v1/accounts/bob/tips?phone={phone}"
        connection = self.phones.enter_context(connect(url, proxy=None, open_timeout=WAIT_S))
        connection.send('{"ping":1}')
        connection.recv(timeout=WAIT_S)
        return connection

    def logout(self, connection: ClientConnection) -> None:
        """Close a long connection and wait until the server has noticed."""
        connection.close()
        while self.http.get(f"{self.urls[0]}/admin/routes").json():
            pass

    def begin(self) -> None:
        """What was traced so far is no part of the diagram."""
        self.told.clear()


@contextmanager
def playing() -> Generator[Play]:
    """Start a fresh server and end it."""
    with tempfile.TemporaryDirectory() as folder, closing(httpx.Client(timeout=WAIT_S, trust_env=False)) as http:
        play = Play(http)
        with serving(Options(Path(folder) / "msgs.db", connect=2, admin=True), play.trace) as urls, play.phones:
            play.urls = urls
            yield play


def send(play: Play) -> None:
    """A phone sends."""
    play.begin()
    play.send("m1")


def recv(play: Play) -> None:
    """A phone asks, and its next request confirms."""
    play.send("m1")
    play.begin()
    play.recv("B", 0)
    play.recv("B", 1)


def tip_by_connection(play: Play) -> None:
    """The phone is at another ConnectSvr than the one that the send came in at."""
    play.begin()
    play.login("B", at=2)
    play.send("m1")


def tip_by_os(play: Play) -> None:
    """The phone has been in the background for too long."""
    play.logout(play.login("B", at=2))
    play.begin()
    play.send("m1")


def lost_reply(play: Play) -> None:
    """The reply is lost; the phone asks again with its old seq_cli."""
    play.send("m1")
    play.begin()
    play.recv("B", 0, lose=True)
    play.recv("B", 0)


def phone_switch(play: Play) -> None:
    """The first phone has confirmed 2 of 4 messages; the user goes on with another, which holds 1."""
    for body in ("m1", "m2", "m3", "m4"):
        play.send(body)
    play.begin()
    play.recv("B", 2)
    play.login("C", at=2)
    play.recv("C", 1)


PATHS: dict[str, Callable[[Play], None]] = {
    "send": send,
    "recv": recv,
    "tip_by_connection": tip_by_connection,
    "tip_by_os": tip_by_os,
    "lost_reply": lost_reply,
    "phone_switch": phone_switch,
}


def diagram(told: list[Told]) -> str:
    """Write what was traced as a Mermaid sequence diagram.

    >>> print(diagram([Told("phone B", "ConnectSvr 1", "recv"), Told("ConnectSvr 1", "phone B", "no rows, lost")]))
    ```mermaid
    sequenceDiagram
      participant phone_B as phone B
      participant ConnectSvr_1 as ConnectSvr 1
      phone_B->>ConnectSvr_1: recv
      ConnectSvr_1--xphone_B: no rows, lost
    ```
    """
    notice = [line for line in told if _of_notice(line)]
    request = [line for line in told if not _of_notice(line)]
    ordered, lines = request, [_arrow(line) for line in request]
    handed = next((n for n, line in enumerate(request) if line.whom == "PushSvr"), None)
    if handed is not None:
        before, after = request[: handed + 1], request[handed + 1 :]
        ordered = [*before, *after, *notice]
        branches = ["par the answer", *map(_arrow, after), "and the notice", *map(_arrow, notice), "end"]
        lines = [*map(_arrow, before), *branches]
    names = dict.fromkeys(name for line in ordered for name in (line.who, line.whom))
    people = [f"participant {name.replace(' ', '_')} as {name}" for name in names]
    return "\n".join(["```mermaid", "sequenceDiagram", *(f"  {line}" for line in [*people, *lines]), "```"])


def _of_notice(line: Told) -> bool:
    """Whether it was told after the notice was handed over, for the notice's sake."""
    return line.who in ("PushSvr", "Routes") or line.what.startswith("tip") or line.what == "the connection is gone"


def _arrow(line: Told) -> str:
    who, whom = line.who.replace(" ", "_"), line.whom.replace(" ", "_")
    back = "--x" if line.what.endswith(LOST) else "-->>" if _answers(line) else "->>"
    return f"{who}{back}{whom}: {line.what}"


def _answers(line: Told) -> bool:
    return line.who == "Routes" or line.what.startswith(("seq ", "rows ", "no rows", "refused"))


def page() -> str:
    """Run every path, fill its diagram into the prose, and put that between the marks."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    text = PROSE.read_text("utf-8")
    for name, path in PATHS.items():
        with playing() as play:
            path(play)
        text = text.replace("{{ " + name + " }}", diagram(play.told))
    return f"{before}{BEGIN}{text}{END}{after}"


def main(arguments: list[str] | None = None) -> int:
    """Print or check; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when they are stale")
    asked = parser.parse_args(arguments)
    text = page()
    stale = PAGE.read_text("utf-8") != text
    if asked.check and stale:
        print("stale: reference_impl/README.md; run: python docs/print_reference.py", file=sys.stderr)
        return 1
    if stale:
        PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
