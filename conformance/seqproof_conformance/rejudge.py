"""Judge a recorded history again: of a server or of a phone, which the file's first line says.

Both give a verdict of the same kind, so that exit codes and reports are the same. Source: docs/formats.md.
"""

from __future__ import annotations

from pathlib import Path

from seqproof_conformance.shell import UsageError
from seqproof_model import history, phone_file, profile
from seqproof_model.judge import judge
from seqproof_model.verdict import Verdict


def verdict_of(file: Path, profile_name: str | None = None) -> Verdict:
    """Judge a file, under its own profile unless another is named.

    Raises HistoryError in one line that names the place, ProfileError, UsageError.
    """
    if phone_file.is_one(file):
        return _of_a_phone(file, profile_name)
    recorded = history.read(file)
    try:
        return judge(recorded, None if profile_name is None else profile.find(profile_name))
    except history.HistoryError as error:
        raise history.HistoryError(f"{file}: {error}; it is no history of real requests") from None


def _of_a_phone(file: Path, profile_name: str | None) -> Verdict:
    if profile_name is not None:
        raise UsageError(f"--profile is for servers, and {file} is the history of a phone; leave it out")
    recorded = phone_file.read(file)
    try:
        return phone_file.judge(recorded)
    except history.HistoryError as error:
        raise history.HistoryError(f"{file}: {error}; it is no history of a real phone") from None
