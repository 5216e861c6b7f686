"""The kit's handles: what a test must be able to do to a server, and nobody else may. Offered with ``--admin`` only.

    POST /admin/accounts/{account}/reset         forget the account
    POST /admin/accounts/{account}/preset_seq    {"seq": n}: an account that never had a message starts there
    POST /admin/accounts/{account}/trim          drop what is confirmed (CNF-7)
    POST /admin/fail_next_store                  the next send is refused ``store``
    POST /admin/quiesce                          answers when PushSvr has handed on all it was given
    GET  /admin/routes                           where phones are connected; an account's current route is its last
    GET  /admin/os_push                          lists and clears what the OS push accepted: [{"account", "phone"}]

After an answer to quiesce and the pong to a ping, a client has every tip of every send that was answered before.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool

from seqproof_reference.os_push import StandIn
from seqproof_reference.push_svr import PushSvr
from seqproof_reference.routes import Routes
from seqproof_reference.store import MsgStore, NotEmptyError
from seqproof_reference.wire import MalformedError, Wire, read_preset, written

QUIESCE_S = 10.0  # longer than one phone that does not read can keep PushSvr busy, twice over


class Admin:
    """One method per path, from the account and the request's body to a status and what the answer holds."""

    def __init__(self, store: MsgStore, routes: Routes, push: PushSvr, os_push: StandIn) -> None:
        self._store = store
        self._routes = routes
        self._push = push
        self._os_push = os_push

    async def reset(self, account: str, _body: bytes) -> Wire:
        """Make the account fresh."""
        answer = await run_in_threadpool(self._store.reset, account)
        self._routes.forget(account)
        return written(answer)

    async def preset_seq(self, account: str, body: bytes) -> Wire:
        """Set seq_svr of an empty account."""
        seq = read_preset(body).seq
        if not self._store.base <= seq <= self._store.seq_max:
            raise MalformedError(f"a seq lies in {self._store.base}..{self._store.seq_max}, not at {seq}")
        try:
            return written(await run_in_threadpool(self._store.preset_seq, account, seq))
        except NotEmptyError:
            return 409, {"error": "not_empty", "detail": "reset the account first"}

    async def trim(self, account: str, _body: bytes) -> Wire:
        """Drop what is confirmed (CNF-7)."""
        return written(await run_in_threadpool(self._store.trim, account))

    async def fail_next_store(self, _account: str, _body: bytes) -> Wire:
        """Make the next store of a message fail, once."""
        self._store.fail_next_store()
        return 200, {}

    async def quiesce(self, _account: str, _body: bytes) -> Wire:
        """Answer when no tip is on its way from PushSvr; what was sent before the request counts."""
        if await self._push.quiesce(QUIESCE_S):
            return 200, {}
        return 503, {"error": "busy", "detail": f"a tip has been under way for {QUIESCE_S:g} s"}

    async def routes(self, _account: str, _body: bytes) -> tuple[int, list[dict[str, str]]]:
        """Which phones are connected, and where."""
        routes = self._routes.everything()
        return 200, [{"account": r.account, "phone": r.phone, "connect_svr": r.connect_svr} for r in routes]

    async def os_push(self, _account: str, _body: bytes) -> tuple[int, list[dict[str, str]]]:
        """What the OS push accepted since the last request."""
        return 200, [notice._asdict() for notice in self._os_push.collect()]
