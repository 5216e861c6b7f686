"""Is a correct server ever blamed? Random histories of the eight shapes, with everything that the protocol allows.

    python model/benchmarks/judge_soundness.py [HISTORIES] [FIRST_SEED]

Each history has a seed of its own, a shape in turn, and a profile, liberties, faults of the network and an overlap that
the seed draws (``shapes.draw``): gaps, lag, pages whose upto the phones adopt, retried sends with hidden duplicates,
equal bodies, kills, losses, late landings, settled lines. The exit code is 1 when one of them is blamed; its seed is
printed.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter

from seqproof_model import history as h
from seqproof_model.judge import Judge
from seqproof_model.profile import Profile
from seqproof_model.shapes import Shape, draw


def traits(profile: Profile, paged: bool, events: list[h.Event]) -> list[str]:
    """What is in a history, in words."""
    kinds = {type(event) for event in events}
    sends = [event for event in events if isinstance(event, h.Send)]
    keys = [(send.sender, send.client_id) for send in sends if send.client_id]
    bodies = {(send.body, send.sender, send.client_id) for send in sends}
    found = {
        "gappy": profile.gaps,
        "idempotent": profile.idempotent,
        "lagging": profile.lagging,
        "paged": paged,
        "killed": h.Kill in kinds,
        "unanswered": h.Indefinite in kinds,
        "settled": h.Settled in kinds,
        "preset": h.Preset in kinds,
        "repeats": len(set(keys)) < len(keys),
        "equal bodies": len({body for body, _, _ in bodies}) < len(bodies),
        "overlap": overlaps(events),
    }
    return [name for name, holds in found.items() if holds]


def overlaps(events: list[h.Event]) -> bool:
    """Whether an operation began while another awaited its answer."""
    waiting = 0
    for event in events:
        waiting += isinstance(event, h.Send | h.Recv)
        waiting -= isinstance(event, h.Ok | h.Refused | h.Indefinite)
        if waiting > 1:
            return True
    return False


def main(histories: int, first: int) -> int:
    """Print the counts; return the exit code."""
    shapes, counts, events, alarms = list(Shape), Counter[str](), 0, 0
    start, judging = time.process_time(), 0.0
    for seed in range(first, first + histories):
        shape = shapes[seed % len(shapes)]
        profile, paged, history = draw(random.Random(seed), shape=shape)
        judge, began = Judge(profile, paged=paged), time.process_time()
        violation = next(filter(None, map(judge.feed, history)), None)
        judging += time.process_time() - began
        events += len(history)
        counts.update([shape.name, *traits(profile, paged, history)])
        if violation:
            alarms += 1
            print(f"seed {seed}, {shape.name}, {profile}: event {violation.event}: {violation.sentence}")
    for name, count in counts.items():
        print(f"{count:9,}  {name}")
    seconds = time.process_time() - start
    print(f"{histories:,} histories, {events:,} events, {alarms} alarms")
    print(f"{seconds:.1f} s of CPU time, {judging:.1f} s of them in the judge")
    return 1 if alarms else 0


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:3]]
    raise SystemExit(main(*(numbers + [100_000, 0][len(numbers) :])))
