"""The gate: who may come in, for whom they may speak, and how often. It sees headers and names, no body and no socket.

    401 unauthorized   no token, or none that is known
    403 forbidden      a token, but of another account; or a page in a browser
    429 rate           this token has asked too often; nothing was done

**For whom.** A recv and a long connection are for the account whose inbox it is: nobody reads or is told of another's
inbox. A send is by its ``sender``: nobody writes in another's name. To whom one may write is a matter of policy.

**Browsers.** A page from anywhere may make a browser on this machine post to 127.0.0.1. Browsers say where a page comes
from in ``Origin``, phones do not, so what has one is refused, with tokens or without, under /admin, too.

Without tokens the gate is open: that is for the kit, on the loopback. ``serve`` sees to that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from seqproof_reference.rates import Rates
from seqproof_reference.tokens import Tokens
from seqproof_reference.wire import ACCESS

Anybody = None
"""Who a caller is where there are no tokens."""


class DeniedError(Exception):
    """Not let in. ``status``, ``name`` and ``detail`` stand in the answer, ``headers`` above it. Nothing was done."""

    def __init__(self, name: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = ACCESS[name]
        self.name = name
        self.detail = detail
        self.headers = dict(headers or {})


class Gate:
    """One gate for all ConnectSvrs of a process, as a caller's rate is one. Used on the loop only."""

    def __init__(self, tokens: Tokens | None = None, rates: Rates | None = None) -> None:
        self._tokens = tokens
        self._rates = rates

    def admit(self, headers: Mapping[str, str]) -> str | None:
        """Say which account asks; None: anybody, there are no tokens. ``headers``: names in lower case.

        Raises DeniedError: a browser's page, no known token, too often.
        """
        self.no_browser(headers)
        if self._tokens is None:
            return Anybody
        scheme, _, token = headers.get("authorization", "").partition(" ")
        who = self._tokens.who(token.strip()) if scheme.lower() == "bearer" else None
        if who is None:
            raise DeniedError("unauthorized", "say Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"})
        if not self.may_ask(who):
            raise DeniedError("rate", "too many requests; nothing was done", {"Retry-After": self._retry_after()})
        return who

    def no_browser(self, headers: Mapping[str, str]) -> None:
        """Let no page of a browser in. Raises DeniedError."""
        if "origin" in headers:
            raise DeniedError("forbidden", "no page in a browser may ask here")

    def speaks_for(self, who: str | None, account: str) -> None:
        """Let an account act for itself only. Raises DeniedError."""
        if self._tokens is not None and who != account:
            raise DeniedError("forbidden", f"this token is not one of {account}")

    def may_ask(self, who: str | None) -> bool:
        """Count one more request of this caller; False: one too many."""
        return self._rates is None or who is None or self._rates.take(who)

    def _retry_after(self) -> str:
        return str(math.ceil(1 / self._rates.per_s)) if self._rates else "1"
