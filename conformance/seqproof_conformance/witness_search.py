"""Finds the shortest counterexamples of the faulty servers: ``python -m seqproof_conformance.witness_search``.

For each fault everything short is played, each scenario on a fresh server: all courses of every alphabet of the suite
up to ``LENGTH`` steps, with and without a start near an edge, then what the suite has besides. Of each way in which the
fault shows, the shortest is kept and shortened. Nothing is random, so the file that it prints changes only when the
faults, the suite or the judge do; a test plays what it holds. It takes a few minutes; name mutants to do only these.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from seqproof_conformance import boundary, overlaps, plan, suite
from seqproof_conformance.exhaustive import ALPHABETS, enumerate_all
from seqproof_conformance.matrix import length
from seqproof_conformance.minimise import cut, minimise
from seqproof_conformance.play import Played
from seqproof_conformance.runner import Runner
from seqproof_conformance.targets import FAULTY
from seqproof_model import profile as profiles
from seqproof_model import scenario as sc
from seqproof_model.blame import Observed
from seqproof_model.judge import Judge
from seqproof_model.profile import Profile
from seqproof_model.scenario import Scenario, Step
from seqproof_model.signature import signature

LENGTH = 4
STARTS = (
    *(sc.Preset(seq=seq) for seq in (8, 2**24 - 1, 2**28 - 1, 2**31 - 2, 2**31 - 1)),
    *(sc.Preset(below_top=n) for n in (2, 1, 0)),
)
OTHERS = ("gappy", "idempotent")  # where else a fault may show in a way in which it shows nowhere


@dataclass(frozen=True)
class Bench:
    """A mutant on which every scenario is played anew."""

    entry: Any
    told: bool
    profile: Profile

    def play(self, scenario: Scenario) -> Played | None:
        """Play it on a fresh server; None where it cannot be played there."""
        faulty: Any = importlib.import_module(FAULTY)
        adapter = faulty.make(self.entry.id, send_seq=self.told)
        hello = adapter.hello()
        judge = Judge(self.profile, paged="paging" in hello.capabilities)
        runner = Runner(adapter, hello, self.profile, [judge], lambda _event: None)
        return None if runner.why_not(scenario) else runner.play(scenario)

    def again(self, scenario: Scenario) -> Played:
        """Play what is known to be playable: a part of what was played."""
        return self.play(scenario) or Played(scenario, (), None, 0)


@cache
def courses() -> tuple[Scenario, ...]:
    """All courses of every alphabet, the shorter ones first; a shorter one is a beginning of these too."""
    return tuple(s for alphabet in ALPHABETS for s in enumerate_all(alphabet, LENGTH).scenarios)


@cache
def started() -> tuple[Scenario, ...]:
    """Short courses of plain requests, from just below each edge."""
    short = enumerate_all(ALPHABETS[0], LENGTH).scenarios
    return tuple(msgspec.structs.replace(s, steps=(start, *s.steps)) for start in STARTS for s in short)


@cache
def malformed() -> tuple[Scenario, ...]:
    """Each malformed seq_cli of the golden scenarios alone, after one message and after two."""
    raw = dict.fromkeys(step for s in suite.golden() for step in s.steps if isinstance(step, sc.RecvRaw))
    return tuple(Scenario("raw", (sc.Send(count=n), step, sc.Recv())) for step in raw for n in (1, 2))


def everything(profile: Profile) -> Iterator[Scenario]:
    """What is played of the suite: all that is explicit."""
    besides = [*suite.golden(), *boundary.scenarios(profile), *overlaps.held(kills=False), *overlaps.held_with_kills()]
    return chain(courses(), started(), malformed(), besides, plan.volume(plan.SIZES[plan.SuiteName.STANDARD].volume))


Found = dict[tuple[str, str], Played]  # requirement, observation -> the shortest play


def search(bench: Bench) -> Found:
    """Every way in which the fault shows, with the shortest play of each."""
    found: Found = {}
    for scenario in everything(bench.profile):
        if bench.entry.suite != "quick" and not scenario.name.startswith("volume"):
            continue
        played = bench.play(scenario)
        if played and played.violation:
            _keep(found, played)
    shorter: Found = {}
    for played in found.values():
        _keep(shorter, cut(minimise(played, bench.again).played))
        _keep(shorter, cut(played))
    return shorter


def _keep(found: Found, played: Played) -> None:
    violation = played.violation
    if violation is None:
        return
    key = (violation.requirement, violation.observation)
    if key not in found or _plainness(played) < _plainness(found[key]):
        found[key] = played


def _size(played: Played) -> tuple[int, int]:
    steps = played.scenario.steps
    return length(played.events, played.violation), len(steps)


def _plainness(played: Played) -> tuple[int, int, int, str]:
    steps = played.scenario.steps
    names = {(type(step), getattr(step, "phone", ""), getattr(step, "account", "")) for step in steps}
    return (*_size(played), len(names), played.scenario.notation())


def lines(bench: Bench, found: Found) -> list[dict[str, Any]]:
    """What is written of a mutant: each observation once, as short and with as few phones as can be."""
    kept: list[dict[str, Any]] = []
    news: set[str] = set()
    for played in sorted(found.values(), key=_plainness):
        violation = played.violation
        if violation is None or violation.requirement not in bench.entry.expected:
            continue
        if violation.observation in news:
            continue
        news.add(violation.observation)
        kept.append(_line(bench, played, played.scenario.steps))
    return kept


def _line(bench: Bench, played: Played, steps: Sequence[Step]) -> dict[str, Any]:
    assert played.violation is not None  # noqa: S101 - only failed plays get here
    size = length(played.events, played.violation)
    plain = {
        "mutant": bench.entry.id,
        "length": size,
        "requirement": played.violation.requirement,
        "observation": played.violation.observation,
        "suspects": list(played.violation.suspects),
        "told": bench.told,
        "profile": bench.profile.name,
        "shortest": size <= LENGTH + 1,
        "steps": msgspec.to_builtins(steps),
        "signature": signature(
            played.events[: played.violation.event], played.violation.requirement, played.violation.observation
        ),
    }
    defaults: dict[str, Any] = {"told": True, "profile": "strict", "suspects": [], "shortest": False}
    return {name: value for name, value in plain.items() if name not in defaults or value != defaults[name]}


def of(entry: Any) -> list[dict[str, Any]]:
    """The lines of one mutant: told the seqs, then not, for what is new there."""
    held_to = profiles.find(entry.profile or "strict")
    made: list[dict[str, Any]] = []
    for told in (True, False):
        bench = Bench(entry, told, held_to)
        before = {line["observation"] for line in made}
        made += [line for line in lines(bench, search(bench)) if told or line["observation"] not in before]
    return made


def elsewhere(entries: Iterable[Any], shown: set[str]) -> list[dict[str, Any]]:
    """For what no fault shows under its own profile: faults of any profile that show it under another one."""
    made: list[dict[str, Any]] = []
    for name in OTHERS:
        for entry in entries:
            if {observed.name for observed in Observed} <= shown:
                return made
            if entry.profile:
                continue
            bench = Bench(entry, told=True, profile=profiles.find(name))
            for line in lines(bench, search(bench)):
                if line["observation"] not in shown:
                    shown.add(line["observation"])
                    made.append(line)
    return made


def main(names: Sequence[str]) -> None:
    """Search, and write the file; of named mutants, only their lines are new."""
    faulty: Any = importlib.import_module(FAULTY)
    path = Path(faulty.__file__).with_name("witnesses.jsonl")
    entries = [entry for entry in faulty.catalogue() if str(entry.kind) == "fault"]
    kept = [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
    old = {entry.id: [line for line in kept if line["mutant"] == entry.id] for entry in entries}
    for entry in entries:
        if not names or entry.id in names:
            old[entry.id] = of(entry)
            traces = [
                Scenario("", msgspec.convert(line["steps"], tuple[Step, ...])).notation() for line in old[entry.id]
            ]
            print(
                entry.id, *(f"{t}: {x['observation']}" for t, x in zip(traces, old[entry.id], strict=True)), sep="\n  "
            )
    if not names:
        shown = {line["observation"] for found in old.values() for line in found}
        for line in elsewhere(entries, shown):
            old[line["mutant"]].append(line)
        print("shown by none:", *sorted({observed.name for observed in Observed} - shown))
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for found in old.values() for line in found))


if __name__ == "__main__":
    main(sys.argv[1:])
