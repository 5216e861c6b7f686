"""A toy server of the protocol, to try adapters on: inboxes behind HTTP, durable, in one process. No part of the kit.

What happens to an inbox is a line of its journal, written before it is applied; a restart applies the journal again. So
what was answered survives a kill, and nothing else has to be remembered. The first line it prints ends with its URL.

    python3 toy.py [JOURNAL]                 default: journal.jsonl in SEQPROOF_DIR, which is the kit's, else here
    MISBEHAVE=ack_on_reply python3 toy.py    what was sent to a phone counts as received: a lost reply loses messages
    MISBEHAVE=forget_confirmed python3 toy.py   what one phone received is given again to the next
    MISBEHAVE=volatile python3 toy.py        answers before it writes: a kill loses messages
"""

from __future__ import annotations

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

SEQ_MAX = 2**32 - 1
FAULTS = ("", "ack_on_reply", "forget_confirmed", "volatile")
Reply = tuple[int, dict[str, Any]]


class Inbox:
    """An account: the largest seq given, what is confirmed, the messages above it, and who sent what."""

    def __init__(self) -> None:
        self.svr = self.confirmed = 0
        self.rows: dict[int, str] = {}
        self.sent: dict[tuple[str, str], int] = {}

    def apply(self, what: str, *words: Any) -> None:
        """Let happen what stands in a line of the journal."""
        if what == "send":
            sender, client_id, body = words
            self.svr += 1
            self.rows[self.svr] = body
            if client_id:
                self.sent[sender, client_id] = self.svr
        elif what == "confirm":
            self.confirmed = max(self.confirmed, words[0])
        elif what == "preset_seq":
            self.svr = self.confirmed = words[0]
        elif what == "trim":
            self.rows = {seq: body for seq, body in self.rows.items() if seq > self.confirmed}


class Store:
    """All inboxes and their journal. One request at a time."""

    def __init__(self, journal: Path, fault: str) -> None:
        self.inboxes: dict[str, Inbox] = {}
        self.fault = fault
        self.failing = False
        if journal.exists():
            for line in journal.read_text("utf-8").splitlines():
                self.apply(*json.loads(line))
        self.journal = journal.open("a", encoding="utf-8", buffering=1)

    def apply(self, account: str, what: str, *words: Any) -> None:
        """Apply one line."""
        if what == "reset":
            self.inboxes[account] = Inbox()
        else:
            self.inboxes.setdefault(account, Inbox()).apply(what, *words)

    def happens(self, account: str, what: str, *words: Any) -> None:
        """Write it down, then let it happen."""
        if self.fault != "volatile" or what == "reset":
            self.journal.write(json.dumps([account, what, *words]) + "\n")
        self.apply(account, what, *words)

    def send(self, account: str, q: dict[str, Any]) -> Reply:
        """Give the message the next seq; a repeat gets the seq of the first."""
        inbox = self.inboxes.setdefault(account, Inbox())
        if seq := inbox.sent.get((q["sender"], q["client_id"])):
            return 200, {"seq": seq}
        if inbox.svr == SEQ_MAX:
            return 507, {"error": "full"}
        if self.failing:
            self.failing = False
            return 503, {"error": "store"}
        self.happens(account, "send", q["sender"], q["client_id"], q["body"])
        return 200, {"seq": inbox.svr}

    def recv(self, account: str, q: dict[str, Any]) -> Reply:
        """Confirm what the phone says it holds, and give all that is above."""
        inbox, seq_cli = self.inboxes.setdefault(account, Inbox()), q["seq_cli"]
        if seq_cli > inbox.svr:
            return 409, {"error": "ahead", "seq_svr": inbox.svr}
        if seq_cli > inbox.confirmed:
            self.happens(account, "confirm", seq_cli)
        low = seq_cli if self.fault == "forget_confirmed" else inbox.confirmed
        rows = [[seq, body] for seq, body in inbox.rows.items() if seq > low]
        if self.fault == "ack_on_reply" and rows:
            self.happens(account, "confirm", rows[-1][0])
        return 200, {"rows": rows, "more": False}

    def administer(self, account: str, what: str, q: dict[str, Any]) -> Reply:
        """For tests: reset, preset_seq, trim, fail_next_store."""
        if what == "fail_next_store":
            self.failing = True
        else:
            self.happens(account, what, *([q["seq"]] if what == "preset_seq" else []))
        return 200, {}


class Handler(BaseHTTPRequestHandler):
    """POST /v1/accounts/A/messages, /v1/accounts/A/recv, /admin/accounts/A/WHAT, /admin/fail_next_store."""

    protocol_version = "HTTP/1.1"
    store: Store
    lock = threading.Lock()

    def do_POST(self) -> None:
        """Answer one request."""
        q = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        parts = self.path.strip("/").split("/")
        account, what = unquote(parts[2]) if len(parts) > 2 else "", parts[-1]
        with self.lock:
            if parts[0] == "admin":
                status, said = self.store.administer(account, what, q)
            elif what == "messages":
                status, said = self.store.send(account, q)
            else:
                status, said = self.store.recv(account, q)
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has in its base class
        """Say nothing."""


def main() -> None:
    """Serve on a free port of the loopback until killed."""
    fault = os.environ.get("MISBEHAVE", "")
    if fault not in FAULTS:
        sys.exit(f"no MISBEHAVE={fault}; there are {', '.join(FAULTS[1:])}")
    folder = Path(os.environ.get("SEQPROOF_DIR", "."))
    Handler.store = Store(Path(sys.argv[1]) if sys.argv[1:] else folder / "journal.jsonl", fault)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"toy listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
