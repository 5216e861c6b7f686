"""The baseline that anything clever has to beat: scenarios of steps drawn blindly, all of them equally likely.

The steps are those that the suite itself puts together (``exhaustive.ALPHABETS``, and sends held half-way where the
target can hold them), and the quiescent end is that of the campaign, so that a fault that was caused shows. One walk in
three begins just below a place where arithmetic may go wrong. The same seed gives the same walks, on any machine.
"""

from __future__ import annotations

import random
from collections.abc import Collection

from seqproof_conformance.campaign import LONGEST, tidy
from seqproof_conformance.exhaustive import ALPHABETS
from seqproof_model import scenario as sc
from seqproof_model.profile import Profile
from seqproof_model.scenario import Scenario, Step

HELD: tuple[Step, ...] = (sc.Begin("s1", held=True), sc.End("s1"))
STARTS = (2**24 - 2, 2**31 - 2)  # and two below the last seq


def steps(capabilities: Collection[str]) -> list[Step]:
    """Every step that such a target can take, once."""
    able = [alphabet for alphabet in ALPHABETS if alphabet.needs <= set(capabilities)]
    found = dict.fromkeys(step for alphabet in able for step in alphabet.steps)
    return [*found, *(HELD if "begin_send" in capabilities else ())]


def walks(profile: Profile, capabilities: Collection[str], *, number: int, seed: int = 0) -> list[Scenario]:
    """``number`` scenarios of at most ``LONGEST`` random steps and the quiescent end."""
    chance, pool = random.Random(seed), steps(capabilities)  # a baseline, not a secret
    starts = [n for n in (*STARTS, profile.seq_max - 2) if profile.before_first <= n <= profile.seq_max]
    made: list[Scenario] = []
    for at in range(1, number + 1):
        begun: list[Step] = []
        if "preset_seq" in capabilities and starts and chance.randrange(3) == 0:
            begun.append(sc.Preset(seq=chance.choice(starts)))
        course = [chance.choice(pool) for _ in range(chance.randint(1, LONGEST))]
        made.append(Scenario(f"walk-{at}", tidy([*begun, *course]), f"random walk {at}", seed=seed))
    return made
