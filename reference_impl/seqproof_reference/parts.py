"""The parts of a server and how they are joined, from what it was told: one place that knows all of them.

    phone ──► ConnectSvr ──► SendSvr ──► MsgStore             phone ◄── ConnectSvr ◄── PushSvr ◄── SendSvr
                   └───────► ReceiveSvr ──► MsgStore          phone ◄──── OS push ◄───────┘

Each part is handed those that it calls. The files are read, the sockets bound and the store opened before any part is
made; what is wrong with any of them is one line, and nothing was started.
"""

from __future__ import annotations

import math
import socket
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from seqproof_reference.admin import Admin
from seqproof_reference.connect_svr import Behind, ConnectSvr
from seqproof_reference.gate import Gate
from seqproof_reference.listen import ServeError, bind, check_reach
from seqproof_reference.os_push import StandIn
from seqproof_reference.policy import Blacklist, Policy, allow_all
from seqproof_reference.push_svr import PushSvr
from seqproof_reference.rates import Rates
from seqproof_reference.receive_svr import ReceiveSvr
from seqproof_reference.routes import Routes
from seqproof_reference.send_svr import SendSvr
from seqproof_reference.store import MsgStore, StoreError
from seqproof_reference.table_file import TableError
from seqproof_reference.tokens import Tokens
from seqproof_reference.trace import Trace

MAX_CONNECT = 64
RATE_PER_S = 100.0


@dataclass(frozen=True)
class Options:
    """What a server is told at its start; ``__main__.py`` says what each is. ``rate`` and ``burst`` need ``tokens``."""

    db: Path
    host: str = "127.0.0.1"
    port: int = 0
    connect: int = 1
    page_size: int | None = None
    admin: bool = False
    nonce: str = ""
    restored: bool = False
    blacklist: Path | None = None
    tokens: Path | None = None
    rate: float | None = None
    burst: int | None = None
    unprotected: bool = False


class Opened(NamedTuple):
    """What the server stands on. ``phones``: (account, phone) as the store knows them."""

    store: MsgStore
    phones: list[tuple[str, str]]
    listeners: list[socket.socket]
    policy: Policy
    gate: Gate


@contextmanager
def open_all(options: Options) -> Generator[Opened]:
    """Check the options, read the tables, bind the sockets, open the store. Raises ServeError."""
    if options.page_size is not None and options.page_size < 1:
        raise ServeError(f"a page of {options.page_size} rows holds nothing; give --page-size 1 or more")
    if not 1 <= options.connect <= MAX_CONNECT:
        raise ServeError(f"{options.connect} ConnectSvrs cannot be; give --connect 1 to {MAX_CONNECT}")
    reach = check_reach(
        options.host, tokens=options.tokens is not None, admin=options.admin, unprotected=options.unprotected
    )
    if reach is not None:
        print(f"seqproof-reference: {reach}", file=sys.stderr, flush=True)
    with ExitStack() as stack:
        try:
            policy = Blacklist.read(options.blacklist) if options.blacklist else allow_all
            gate = _gate(options)
            ports = [options.port and options.port + n for n in range(options.connect)]
            listeners = [stack.enter_context(closing(bind(options.host, port))) for port in ports]
            store = stack.enter_context(
                closing(MsgStore(options.db, page_size=options.page_size, restored=options.restored))
            )
            yield Opened(store, store.phones(), listeners, policy, gate)
        except (StoreError, TableError) as error:
            raise ServeError(str(error)) from error


def _gate(options: Options) -> Gate:
    """Raises ServeError, TableError."""
    if options.tokens is None:
        if options.rate is not None or options.burst is not None:
            raise ServeError("--rate and --burst bound what one token may do; give --tokens FILE, too")
        return Gate()
    rate = RATE_PER_S if options.rate is None else options.rate
    try:
        burst = max(1, math.ceil(2 * rate)) if options.burst is None else options.burst
        rates = Rates(rate, burst, time.monotonic)
    except (ValueError, OverflowError) as error:
        told = "" if options.burst is None else f" with --burst {options.burst}"
        raise ServeError(f"--rate {rate:g}{told}: {error}") from error
    return Gate(Tokens.read(options.tokens), rates)


def assemble(options: Options, opened: Opened, trace: Trace) -> list[ConnectSvr]:
    """Make the parts and join them, the store first, the access layer last."""
    store, routes = opened.store, Routes(opened.phones)
    os_push = StandIn(time.monotonic)
    push = PushSvr(routes, os_push, trace=trace)
    behind = Behind(
        store,
        SendSvr(store, push, policy=opened.policy, trace=trace),
        ReceiveSvr(store, trace=trace),
        routes,
        opened.gate,
        Admin(store, routes, push, os_push) if options.admin else None,
    )
    names = [f"ConnectSvr {n}" for n in range(1, options.connect + 1)]
    return [ConnectSvr(name, behind, nonce=options.nonce, trace=trace) for name in names]
