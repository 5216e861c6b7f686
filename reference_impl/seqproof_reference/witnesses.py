"""The shortest known counterexamples of the faulty servers: what the docs print, and what a judge must not forget.

Each line of ``witnesses.jsonl`` is a scenario that shows a fault, with what the judge says of it. The first of a mutant
is its shortest; the others show it as something else, or without being told the seqs. A test plays them all. They are
found by ``python -m seqproof_conformance.witness_search``, which plays every short course and shortens the rest.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import msgspec

from seqproof_model.scenario import Scenario, Step

FILE = "witnesses.jsonl"


class Witness(msgspec.Struct, frozen=True, omit_defaults=True):
    """One counterexample. ``told``: whether a send told its seq. ``profile``: by name, what the mutant was held to.

    ``length``: how many things happen to the server. ``shortest``: every shorter course of the suite's alphabets was
    played, and shows nothing; else it is locally minimal. What follows is what the judge says.
    ``signature``: the shape of its events, without names and numbers.
    """

    mutant: str
    steps: tuple[Step, ...]
    length: int
    requirement: str
    observation: str
    suspects: tuple[str, ...] = ()
    told: bool = True
    profile: str = "strict"
    shortest: bool = False
    signature: str = ""

    @property
    def scenario(self) -> Scenario:
        """The steps as a scenario."""
        return Scenario(f"{self.mutant} as {self.observation}", self.steps, observes=(self.requirement,))


@cache
def witnesses() -> dict[str, list[Witness]]:
    """Every witness, by mutant; the shortest of each comes first."""
    text = resources.files("seqproof_reference").joinpath(FILE).read_bytes()
    found: dict[str, list[Witness]] = {}
    for line in text.splitlines():
        witness = msgspec.json.decode(line, type=Witness)
        found.setdefault(witness.mutant, []).append(witness)
    return found
