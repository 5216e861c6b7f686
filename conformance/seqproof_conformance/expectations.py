"""What is expected of servers: a file that says of each target which requirements fail.

    "mutant:CORRECT" = "conformant"                 # no violation, nothing undecided
    valkey = ["SEQ-3", "SEQ-5"]                     # these fail, and no others
    "nats:ack=all" = { must = ["CNF-4"], may = ["CNF-5"] }    # a race that need not show each time

An entry for a target that is not there would check nothing and look as if it did, so it is refused.
Source: docs/matrix.md.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from seqproof_conformance.baseline import unknown_requirement
from seqproof_conformance.shell import UsageError
from seqproof_model.requirements import REQUIREMENTS
from seqproof_model.server_matrix import Expected

CONFORMANT = "conformant"
FORM = 'each line is TARGET = "conformant", or a list of the ids that fail; a name with a colon stands in quotes'
_FILE = dict[str, str | list[str] | Expected]


def read(path: Path, targets: Sequence[str]) -> dict[str, Expected]:
    """Read the file, for these targets. Raises UsageError, one line with the place and the mend."""
    try:
        found = msgspec.toml.decode(path.read_bytes(), type=_FILE)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {' '.join(str(error).split())}; {FORM}") from None
    for target in found:
        if target not in targets:
            near = difflib.get_close_matches(target, targets, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise UsageError(f"{path}: {target!r} is not in this matrix; {hint}name the target, or remove the entry")
    return {target: _expected(value, f"{path}: {target}") for target, value in found.items()}


def _expected(value: str | list[str] | Expected, where: str) -> Expected:
    if isinstance(value, str):
        if value != CONFORMANT:
            raise UsageError(f'{where} is "{CONFORMANT}" or a list of ids, not {value!r:.60}')
        return Expected(conformant=True)
    wanted = Expected(must=tuple(value)) if isinstance(value, list) else value
    for name in (*wanted.must, *wanted.may):
        if name not in REQUIREMENTS:
            raise UsageError(f"{where}: {unknown_requirement(name)}")
    if wanted.conformant and (wanted.must or wanted.may):
        raise UsageError(f"{where}: who must or may fail something is not expected to be conformant; remove one")
    return wanted
