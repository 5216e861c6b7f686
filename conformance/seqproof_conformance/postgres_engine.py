"""PostgreSQL's programs: where they are, whom they run as, and how a server is begun in a folder of the kit.

The engine is what is on the PATH, else what Debian's ``postgresql`` installs, the newest, else pip's ``pgserver``. It
refuses to run for root: then it runs as nobody (``unprivileged``).

The interlock of its data is a small segment of System V shared memory, which would outlive a SIGKILL. It is marked for
removal once the server runs, so that it goes with the last process; a restart needs no interlock, for all processes are
gone then. Other shared memory is files in the data directory.

All settings are as shipped but these: more sessions, and fsync off. A kill of processes takes nothing from what they
have written, synced or not; only power loss would, which is not tested. So it changes no verdict, and a restart takes
a tenth of the time. What would be lost by a kill (synchronous_commit off) is left as shipped: on.
Source: https://www.postgresql.org/docs/current/app-initdb.html.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from seqproof_conformance import unprivileged
from seqproof_conformance.adapter import TargetError

ENGINE = "apt-get install postgresql, or pip install pgserver"
INITDB_S = 120
IPC_RMID = 0
AS_NOBODY = ["setpriv", "--reuid", unprivileged.NOBODY, "--regid", unprivileged.GROUP, "--clear-groups", "--"]
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "dynamic_shared_memory_type": "mmap",
    "max_connections": "300",  # many sends are held at once
    "fsync": "off",
}


def engine() -> Path | None:
    """The folder with initdb and postgres; None where there is none."""
    on_path = shutil.which("initdb")
    places = [Path(on_path).resolve().parent] if on_path else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: place.parent.name.zfill(4))[::-1]
    if (wheel := importlib.util.find_spec("pgserver")) and wheel.origin:
        places.append(Path(wheel.origin).parent / "pginstall" / "bin")
    return next((place for place in places if (place / "postgres").exists() and (place / "initdb").exists()), None)


def _runs_as() -> list[str]:
    return AS_NOBODY if unprivileged.is_root() else []


def begin(directory: Path, mark: Mapping[str, str]) -> None:
    """Make the data, once. ``mark``: what its processes carry in their environment. Raises TargetError."""
    data, place = directory / "data", engine()
    if place is None:
        raise TargetError(f"postgres needs the programs initdb and postgres: {ENGINE}")
    if data.exists():
        return
    data.mkdir(mode=0o700)
    unprivileged.give("postgres", data)
    words = [*_runs_as(), str(place / "initdb"), "-D", str(data), "-U", "seqproof", "-A", "trust", "-E", "UTF8"]
    try:
        subprocess.run(
            [*words, "--locale=C", "--no-sync"],
            check=True, capture_output=True, text=True, timeout=INITDB_S, cwd=data, env={**os.environ, **mark},
        )  # fmt: skip
    except (subprocess.SubprocessError, OSError) as error:
        shutil.rmtree(data, ignore_errors=True)
        said = getattr(error, "stderr", None) or str(error)
        raise TargetError(f"postgres: initdb failed: {' '.join(str(said).split())[-300:]}; {ENGINE}") from None


def command(directory: Path, port: int) -> list[str]:
    """The command line of the server."""
    settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    program = str((engine() or Path()) / "postgres")
    return [*_runs_as(), program, "-D", str(directory / "data"), "-p", str(port), *settings]


def let_go(directory: Path) -> None:
    """Let the segment of shared memory end with the server. postmaster.pid names it in its seventh line."""
    with suppress(OSError, IndexError, ValueError, AttributeError):
        segment = int((directory / "data" / "postmaster.pid").read_text().splitlines()[6].split()[1])
        ctypes.CDLL(None).shmctl(segment, IPC_RMID, None)
