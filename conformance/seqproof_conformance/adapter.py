"""What the kit asks of a target: an adapter, the one thing between the runner and a server.

The conversation, and who is to blame when it breaks:

    hello                  what can you do?            an answer that is no Hello: the adapter's fault
    reset(account)         make it fresh
    send, recv             one request, one answer     Ok | Refused | Indefinite
    kill, preset_seq, ...  only if declared in hello
    close                  leave nothing behind

An answer is the ending event of a history without its id. *Refused* is definite: it surely did not happen. When in
doubt an adapter answers *Indefinite*: a wrong Refused lets a fault hide, or fails a correct server. An adapter never
retries, and its client's own retries are off. It raises ``TargetError`` when it cannot speak to its server at all: that
is the environment's fault and no verdict on the server.
Source: DESIGN "Adapters"; the errors' sorts from PROTOCOL "Nouns".
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from seqproof_model.hello import Capability, Hello
from seqproof_model.history import Answer

__all__ = ["Adapter", "Capability", "FailsStore", "Hello", "Kills", "Presets", "Talks", "TargetError", "Trims"]


class TargetError(Exception):
    """The target cannot be used: one line that says what is wrong and the mend. Not a verdict on the server."""


@runtime_checkable
class Adapter(Protocol):
    """What every target can do."""

    def hello(self) -> Hello:
        """Say what the target is and can do. Starts its server if it has one. Raises TargetError."""
        ...

    def reset(self, account: str) -> None:
        """Make the account fresh: no message, no mark. Raises TargetError."""
        ...

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        """Put a message into the account's inbox. Ok.seq where the server tells it."""
        ...

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:
        """Ask "what is after seq_cli?". Ok.rows, ascending, and more, upto, epoch where the server tells them."""
        ...

    def close(self) -> None:
        """End everything the target started. May be called twice."""
        ...


@runtime_checkable
class Kills(Protocol):
    """Capability ``kill``."""

    def kill(self) -> None:
        """SIGKILL the server's whole process tree and wait until it is gone."""
        ...

    def restart(self) -> None:
        """Start it again on the same store and wait until it answers. Raises TargetError."""
        ...


@runtime_checkable
class Presets(Protocol):
    """Capability ``preset_seq``."""

    def preset_seq(self, account: str, seq: int) -> None:
        """Set seq_svr of an empty account."""
        ...


@runtime_checkable
class Trims(Protocol):
    """Capability ``trim``."""

    def trim(self, account: str) -> None:
        """Tell the server to drop what it may drop of the account."""
        ...


@runtime_checkable
class FailsStore(Protocol):
    """Capability ``fail_next_store``."""

    def fail_next_store(self) -> None:
        """Make the next store of a message fail, once."""
        ...


@runtime_checkable
class Talks(Protocol):
    """An adapter whose server keeps a log."""

    def last_words(self) -> list[str]:
        """The last lines of the server's own log."""
        ...
