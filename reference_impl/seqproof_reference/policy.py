"""Who may write to whom: what the logic layer asks before it stores a message [2.1 step 3].

A policy is any function of (account, sender, body) that answers None, or in a few words why not. A message that is
refused takes no seq and never appears (SND-5). ``Blacklist`` is the one that is shipped: a file, TOML or JSON, that
says for each account whom it will not hear, and under ``"*"`` whom nobody will:

    "*" = ["spammer"]
    bob = ["mallory", "eve"]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from seqproof_reference.table_file import read_table

Policy = Callable[[str, str, str], str | None]
EVERYBODY = "*"


def allow_all(_account: str, _sender: str, _body: str) -> str | None:
    """Refuse nobody."""
    return None


class Blacklist:
    """Refuse the senders that an account, or everybody, will not hear."""

    def __init__(self, unheard: Mapping[str, list[str]]) -> None:
        self._unheard = {account: frozenset(senders) for account, senders in unheard.items()}

    @classmethod
    def read(cls, path: Path) -> Blacklist:
        """Read the file. Raises TableError."""
        return cls(read_table(path, dict[str, list[str]], 'name = ["sender", ...]'))

    def __call__(self, account: str, sender: str, _body: str) -> str | None:
        """Say why not, or None."""
        for key in (account, EVERYBODY):
            if sender in self._unheard.get(key, ()):
                return "the sender is not heard here"
        return None
