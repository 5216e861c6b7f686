"""Backups of the in-process server: its disk as it was, and what must not be restored with it.

A restore takes every account back, and drops the memory as a kill does. So seqs that were given out since the backup
would be given out again. The server says so: it counts its restores, durably and apart from the backup, and each begins
a new *epoch*, which every reply tells from then on (SEQ-3, SEQ-8).
"""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

T = TypeVar("T")


class Backups(Generic[T]):
    """Keeps one copy of a disk, and counts restores."""

    def __init__(self) -> None:
        self.restores = 0
        self._kept: tuple[dict[str, T], dict[str, str]] = ({}, {})

    def take(self, disk: dict[str, T], phones: dict[str, str]) -> None:
        """Keep the disk as it is now."""
        self._kept = copy.deepcopy((disk, phones))

    def back(self) -> tuple[dict[str, T], dict[str, str]]:
        """Return the disk as it was at the last backup, at first an empty one."""
        self.restores += 1
        return copy.deepcopy(self._kept)

    @property
    def epoch(self) -> str | None:
        """The epoch since the first restore; before that, none is told."""
        return f"e{self.restores}" if self.restores else None
