"""Who told whom what: how the parts of the server can be watched, and how its diagrams are drawn from real runs.

A part is given a ``Trace`` and calls it for what it hands to another part, before the other acts, and for what comes
back. It is called from the loop and from worker threads. ``silent`` is the default and costs a call.
"""

from __future__ import annotations

from collections.abc import Callable

Trace = Callable[[str, str, str], None]
"""``trace(who, whom, what)``: names of parts or phones, and a few words."""


def silent(_who: str, _whom: str, _what: str) -> None:
    """Watch nothing."""
