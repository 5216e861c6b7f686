"""Which known faults have a shortest counterexample that looks like this one: the same signature.

Each faulty server's counterexamples are on file with their signatures (see ``seqproof_model.signature``). The catalogue
is reached by its name, as any server is; where it is not installed, nothing is said.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import cache
from typing import Any

from seqproof_conformance.targets import FAULTY
from seqproof_model import history as h
from seqproof_model.signature import signature
from seqproof_model.verdict import Violation


def like(events: Sequence[h.Event], violation: Violation) -> tuple[str, ...]:
    """The faults, in the catalogue's order."""
    shape = signature(events[: violation.event], violation.requirement, violation.observation)
    return tuple(name for name, shapes in _known() if shape in shapes)


@cache
def _known() -> list[tuple[str, frozenset[str]]]:
    try:
        faulty: Any = importlib.import_module(FAULTY)
    except ImportError:
        return []
    known = [
        (entry.id, frozenset(w.signature for w in getattr(entry, "witnesses", ()))) for entry in faulty.catalogue()
    ]
    return [(name, shapes) for name, shapes in known if shapes]
