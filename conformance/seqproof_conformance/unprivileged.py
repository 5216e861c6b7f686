"""Servers that refuse to run for root, or should not: for root they run as nobody, and their data are nobody's.

Else they run as whoever runs the kit. The kit's own folder stays the kit's: one may get through it, and sees nothing.
"""

from __future__ import annotations

import getpass
import os
import shutil
from pathlib import Path

from seqproof_conformance.adapter import TargetError

NOBODY, GROUP = "nobody", "nogroup"


def is_root() -> bool:
    """Whether the kit runs for root."""
    return os.geteuid() == 0


def runs_as() -> tuple[str, str]:
    """The user and the group of a server's processes."""
    return (NOBODY, GROUP) if is_root() else (getpass.getuser(), str(os.getgid()))


def give(target: str, data: Path) -> None:
    """Let the server have the folder of its data, in the kit's folder. Raises TargetError where it cannot get there."""
    if not is_root():
        return
    data.parent.chmod(0o711)
    for folder in data.parents:
        if not folder.stat().st_mode & 0o001:
            what = f"{target}: for root its server runs as {NOBODY}, who cannot get into {folder}"
            raise TargetError(f"{what}; chmod o+x {folder}, or set TMPDIR to another folder")
    shutil.chown(data, NOBODY, GROUP)
