"""A counterexample's directory, read back: what happened is its history, and the history alone.

    history.jsonl         what happened: the truth. The violation is what the judge finds in it, now.
    scenario.json         the steps that cause it, as long as the directory has them
    counterexample.json   what a history cannot know: how often it reproduced, what is claimed of its length, who found
                          it, the line that runs it again, the server's last words; and the violation as it was found

The last two may be missing; then nothing is said of what they told. Where the judge finds another violation than the
one that was kept, the judge is believed, and the difference is said. A history that was cut is read up to its last
good line. The history of a phone is what its judge saw; a server's history that tells the same is made from it, for
pictures. Source: docs/formats.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from seqproof_model import history as h
from seqproof_model import phone_file, phone_scenario, scenario
from seqproof_model import phone_history as ph
from seqproof_model.judge import Judge
from seqproof_model.phone_file import PhoneRecord
from seqproof_model.scenario import Scenario, ScenarioError
from seqproof_model.verdict import Counterexample, Violation

FORMAT = "counterexample/1"
HISTORY, STEPS, FACTS = "history.jsonl", "scenario.json", "counterexample.json"
UNKNOWN = "not known"


class KeptError(ValueError):
    """A directory that is none of a counterexample, or whose files cannot be read; one line with the mend."""


class Facts(msgspec.Struct, frozen=True):
    """The file counterexample.json. ``tried`` 0: it was not run again. ``trace``: the steps in short."""

    violation: Violation
    trace: str = ""
    claim: str = ""
    reproduced: int = 0
    tried: int = 0
    found_by: str = UNKNOWN
    replay: str = ""
    last_words: tuple[str, ...] = ()
    cited: tuple[int, ...] = ()
    like: tuple[str, ...] = ()
    seqproof: str = FORMAT


@dataclass(frozen=True)
class Kept:
    """A counterexample that was read. ``notes``: what differs from what was kept, or is missing, a line each."""

    counterexample: Counterexample
    notes: tuple[str, ...] = ()


def facts(found: Counterexample) -> Facts:
    """What is kept of a counterexample beside its history and its steps."""
    return Facts(
        found.violation,
        found.trace,
        found.claim,
        found.reproduced,
        found.tried,
        found.found_by,
        found.replay,
        found.last_words,
        found.cited,
        found.like,
    )


def encode(found: Facts) -> bytes:
    """Write counterexample.json."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def decode(text: bytes, where: str = FACTS) -> Facts:
    """Read counterexample.json. Raises KeptError."""
    try:
        found = msgspec.json.decode(text, type=Facts, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise KeptError(f"{where} tells nothing of a counterexample: {error}; remove it to go without") from None
    if found.seqproof != FORMAT:
        raise KeptError(f"{where} is {found.seqproof!r:.40}; this seqproof reads {FORMAT}")
    return found


def read(directory: Path) -> Kept:
    """Read a counterexample's directory, and judge its history again. Raises KeptError, HistoryError, ScenarioError."""
    if not (directory / HISTORY).is_file():
        raise KeptError(f"{directory} holds no {HISTORY}; name the directory of a counterexample or of a run")
    seen = history(directory / HISTORY)
    known = _facts(directory / FACTS)
    steps, phone = _steps(directory / STEPS)
    violation, notes = _violation(directory, seen, known)
    if seen.partial is not None:
        notes = (f"{directory / HISTORY} has no end; it is read up to line {seen.partial}", *notes)
    told = known or Facts(violation)
    name = violation.requirement
    replay = f"seqproof replay {directory / STEPS} {seen.header.target}" if steps.steps or phone else ""
    return Kept(
        Counterexample(
            violation=violation,
            scenario=steps if steps.name else Scenario(name, ()),
            header=seen.header,
            events=ph.told(seen.events, 0)[0] if isinstance(seen, PhoneRecord) else seen.events,
            claim=told.claim,
            reproduced=told.reproduced,
            tried=told.tried,
            found_by=told.found_by,
            replay=told.replay or replay or f"seqproof check {directory / HISTORY}",
            last_words=told.last_words,
            phone=phone,
            cited=told.cited,
            like=told.like,
            phone_events=seen.events if isinstance(seen, PhoneRecord) else (),
        ),
        tuple(notes),
    )


def history(path: Path) -> h.History | PhoneRecord:
    """Read the history of a counterexample, a server's or a phone's. Raises HistoryError."""
    return phone_file.read(path) if phone_file.is_one(path) else h.read(path)


def _facts(path: Path) -> Facts | None:
    try:
        return decode(path.read_bytes(), str(path))
    except FileNotFoundError:
        return None


def _steps(path: Path) -> tuple[Scenario, phone_scenario.PhoneScenario | None]:
    """The steps, for a server or for a phone; none where there is no file. Raises ScenarioError."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return Scenario("", ()), None
    if phone_scenario.is_one(text):
        found = phone_scenario.decode(text, str(path))
        return Scenario(found.name, ()), found
    return scenario.decode(text, str(path)), None


def _violation(
    directory: Path, seen: h.History | PhoneRecord, known: Facts | None
) -> tuple[Violation, tuple[str, ...]]:
    """What the judge finds in the history, and how that differs from what was kept. Raises KeptError."""
    found = _of_phone(seen) if isinstance(seen, PhoneRecord) else first(seen)
    if found is None:
        kept = f", though {FACTS} has one of {known.violation.requirement}" if known else ""
        raise KeptError(f"{directory / HISTORY} holds no violation{kept}; nothing is drawn anew")
    return found, tuple(_differences(directory, found, known.violation) if known else ())


def _of_phone(seen: PhoneRecord) -> Violation | None:
    """The first violation of a phone's history, at its event in the history that is made for pictures."""
    found = min(phone_file.judge(seen).violations, key=lambda violation: violation.event, default=None)
    return found and msgspec.structs.replace(found, event=ph.told(seen.events, found.event)[1])


def first(recorded: h.History) -> Violation | None:
    """The first violation of a history; None where it holds none. Raises HistoryError."""
    judge = Judge(recorded.header.profile, paged="paging" in recorded.header.capabilities)
    return next((v for v in map(judge.feed, recorded.events) if v), None)


def _differences(directory: Path, now: Violation, then: Violation) -> Iterator[str]:
    for name, one, other in (
        ("requirement", now.requirement, then.requirement),
        ("what was observed", now.observation, then.observation),
        ("sentence", now.sentence, then.sentence),
        ("event", now.event, then.event),
        ("suspects", ", ".join(now.suspects), ", ".join(then.suspects)),
    ):
        if one != other:
            yield f"{directory}: {name}: the history says {one or 'nothing'}, {FACTS} said {other or 'nothing'}"


__all__ = [
    "Facts",
    "Kept",
    "KeptError",
    "ScenarioError",
    "decode",
    "encode",
    "facts",
    "first",
    "history",
    "read",
]
