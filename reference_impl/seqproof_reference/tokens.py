"""Bearer tokens: which account a request speaks for (RFC 6750, section 2.1).

A file, TOML or JSON, holds a line per account, and only its owner may read it:

    alice = "kB3r6m0JtD2bVqH1yZ8w"
    bob   = "Xo7sWc9nPfL4uTe5aGi2"

A token is a secret that the account's phones share with the server; who has it is the account. It is asked of every
request on an inbox, and of the sender of a message. ``python -c 'import secrets; print(secrets.token_urlsafe())'``
makes one. To take a token back, change its line and start the server again.

**Why digests.** In memory stand SHA-256 digests only, so a dump of it gives no token away. A token is looked up by its
digest: how long that takes depends on a number that a caller cannot steer, so it teaches nothing about any token; the
last word is a comparison in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import stat
from collections.abc import Mapping
from pathlib import Path

from seqproof_reference.table_file import TableError, read_table
from seqproof_reference.wire import MAX_NAME_CHARS

MIN_CHARS, MAX_CHARS = 16, 256
OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Tokens:
    """Who has which token. Raises ValueError: a token is too short, too long, no visible ASCII, or given twice."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        self._known: dict[bytes, tuple[bytes, str]] = {}
        for account, token in tokens.items():
            if not 0 < len(account) <= MAX_NAME_CHARS:
                raise ValueError(f"an account is 1 to {MAX_NAME_CHARS} characters")
            visible = all("!" <= char <= "~" for char in token)
            if not (visible and MIN_CHARS <= len(token) <= MAX_CHARS):
                raise ValueError(f"the token of {account} is not {MIN_CHARS} to {MAX_CHARS} visible ASCII characters")
            digest = _digest(token)
            if digest in self._known:
                raise ValueError(f"{account} and {self._known[digest][1]} have the same token")
            self._known[digest] = (digest, account)

    @classmethod
    def read(cls, path: Path) -> Tokens:
        """Read the file. Raises TableError, also when others may read it."""
        tokens = read_table(path, dict[str, str], 'account = "token"')
        if path.stat().st_mode & OTHERS:
            raise TableError(f"others than its owner may read or write {path}; run: chmod 600 {path}")
        try:
            return cls(tokens)
        except ValueError as error:
            raise TableError(f"{path}: {error}") from error

    def who(self, token: str) -> str | None:
        """The account that has this token, or None."""
        digest = _digest(token)
        known, account = self._known.get(digest, (bytes(len(digest)), None))
        return account if hmac.compare_digest(known, digest) else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
