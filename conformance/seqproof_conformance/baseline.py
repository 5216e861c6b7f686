"""The baseline: a file in the user's repository that lists the failures which are known, each with its reason.

    [[known]]
    requirement = "SEQ-3"
    target = "valkey"             # a glob: "valkey*" means its variants too
    reason = "shipped defaults keep nothing; OPS-12 turns the log on"

A reason is required, because a list of failures that nobody can explain only grows. ``updated`` changes what has to be
changed and keeps every other line, comments among them, as it stands: it is a person's file.
Source: docs/ci.md.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from glob import escape
from pathlib import Path

import msgspec
import tomlkit

from seqproof_model.assessment import Known, assess
from seqproof_model.requirements import REQUIREMENTS
from seqproof_model.verdict import Result, Verdict, Violation

TODO = "TODO: say why"
HEADER = re.compile(r"\s*\[\[\s*known\s*\]\]")
HEAD = "# Failures that are known: each must still fail, and says why it may. See `seqproof run --help`, --baseline.\n"


class BaselineError(ValueError):
    """A baseline that cannot be used; one line with the file and the mend."""


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    requirement: str
    target: str
    reason: str
    sentence: str = ""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    known: list[_Entry] = []


@dataclass(frozen=True)
class Baseline:
    """A baseline as it was read. ``text``: the file, "" where it does not exist yet."""

    path: Path
    text: str = ""
    entries: tuple[Known, ...] = ()

    def unexplained(self, target: str) -> list[str]:
        """A line, with the mend, for each entry of this target that still has no reason of a person's."""
        return [
            f"{self.path}: {entry.requirement} for {entry.target} is listed without a reason; say why it may fail"
            for entry in self.entries
            if entry.reason.strip() == TODO and fnmatchcase(target, entry.target)
        ]


def read(path: Path, *, to_update: bool = False) -> Baseline:
    """Read a baseline. Raises BaselineError.

    ``to_update``: a file that is not there lists nothing, and one that cannot be changed line by line is refused now,
    not after the run.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        if to_update:
            return Baseline(path)
        raise BaselineError(f"no baseline {path}; --update-baseline writes it") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BaselineError(f"cannot read the baseline {path}: {getattr(error, 'strerror', '') or error}") from None
    baseline = Baseline(path, text, _entries(text, str(path)))
    if to_update:
        _starts(baseline)
    return baseline


def _entries(text: str, where: str) -> tuple[Known, ...]:
    try:
        found = msgspec.toml.decode(text, type=_File).known
    except msgspec.MsgspecError as error:
        form = "each entry is a table [[known]] with requirement, target and reason"
        raise BaselineError(f"{where}: {error}; {form}") from None
    seen: set[tuple[str, str]] = set()
    for number, entry in enumerate(found, 1):
        at = f"{where}: entry {number}"
        if entry.requirement not in REQUIREMENTS:
            raise BaselineError(f"{at}: {unknown_requirement(entry.requirement)}")
        if not entry.reason.strip():
            raise BaselineError(f"{at}, {entry.requirement}: the reason is empty; say why it may fail")
        if (entry.requirement, entry.target) in seen:
            raise BaselineError(f"{at}: {entry.requirement} for {entry.target} stands twice; remove one")
        seen.add((entry.requirement, entry.target))
    return tuple(Known(entry.requirement, entry.target, entry.reason, entry.sentence) for entry in found)


def unknown_requirement(name: str) -> str:
    """Say that there is no such requirement, with the near ones."""
    near = difflib.get_close_matches(name.upper(), REQUIREMENTS, 3, 0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return f"no requirement {name!r}; {hint}see `seqproof list requirements`"


# ---------------------------------------------------------------- writing


def updated(baseline: Baseline, verdict: Verdict, shown: Iterable[Violation], *, whole: bool) -> Baseline:
    """Return the baseline that fits this verdict: new failures are added, and stale entries go if the run was whole.

    ``shown``: the violations as counterexamples show them; a new entry gets its sentence from there. Entries of other
    targets, entries that still fail and those that were not graded stay with their reasons. Raises BaselineError when
    the file is written in a way that cannot be changed line by line.
    """
    now = assess(verdict, baseline.entries, whole=whole)
    sentences = {violation.requirement: _writable(violation.sentence) for violation in shown}
    new = [
        Known(grade.requirement, escape(verdict.target), TODO, sentences.get(grade.requirement, ""))
        for grade in verdict.having(Result.FAIL)
        if grade.requirement not in now.reasons
    ]
    if not new and not now.stale:
        return baseline
    kept = tuple(entry for entry in baseline.entries if entry not in now.stale)
    text = _without(baseline, [baseline.entries.index(entry) for entry in now.stale])
    text = "\n".join([(text or HEAD).rstrip("\n"), *map(_table, new), ""])
    wanted = (*kept, *new)
    if _entries(text, str(baseline.path)) != wanted:
        raise BaselineError(_by_hand(baseline.path))
    return Baseline(baseline.path, text, wanted)


def _without(baseline: Baseline, gone: Sequence[int]) -> str:
    """The text without some entries. An entry is its header and its keys; the comments around it stay."""
    lines, starts = baseline.text.splitlines(keepends=True), _starts(baseline)
    dropped: set[int] = set()
    for number in gone:
        end = starts[number + 1] if number + 1 < len(starts) else len(lines)
        while not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#"):
            end -= 1
        dropped |= set(range(starts[number], end))
        if end < len(lines) and not lines[end].strip():
            dropped.add(end)
    return "".join(line for at, line in enumerate(lines) if at not in dropped)


def _starts(baseline: Baseline) -> list[int]:
    """The line of each entry's header, from 0. Raises BaselineError where entries are written in another form."""
    starts = [at for at, line in enumerate(baseline.text.splitlines()) if HEADER.match(line)]
    if len(starts) != len(baseline.entries):
        raise BaselineError(_by_hand(baseline.path))
    return starts


def _writable(text: str) -> str:
    """The text without lone surrogates, which a server may send and no file can hold."""
    return text.encode("utf-8", "replace").decode()


def _by_hand(path: Path) -> str:
    return f"{path} cannot be updated line by line; write each entry as a table [[known]] of its own"


def _table(entry: Known) -> str:
    fields = {"requirement": entry.requirement, "target": entry.target, "reason": entry.reason}
    if entry.sentence:
        fields["sentence"] = entry.sentence
    return "\n".join(
        ["", "[[known]]", *(f"{key} = {tomlkit.item(value).as_string()}" for key, value in fields.items())]
    )


def write(baseline: Baseline) -> None:
    """Write the file, whole or not at all. Raises OSError."""
    baseline.path.parent.mkdir(parents=True, exist_ok=True)
    half = baseline.path.with_name(f".{baseline.path.name}.half")
    try:
        half.write_text(baseline.text, "utf-8")
        half.replace(baseline.path)
    finally:
        half.unlink(missing_ok=True)
