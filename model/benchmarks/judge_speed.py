"""How fast is the judge? Events a second on 10^5 events, beside two peers in the same run.

    python model/benchmarks/judge_speed.py [EVENTS]

Peers: *decode* reads the same events from JSON Lines with msgspec and does nothing with them: what any offline check
pays at least. *worlds* is the exact engine, on as many events as it survives. Times are the best of three; compare the
ratios within a run, not the rates of different runs.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

from seqproof_model import history as h
from seqproof_model.judge import Judge
from seqproof_model.profile import find
from seqproof_model.shapes import Chances, Server, Shape, simulate
from seqproof_model.worlds import TooManyError, Worlds

SCENES = ((1, 0.1), (4, 0.1), (4, 0.3), (16, 0.1), (16, 0.3))  # clients, share of indefinite answers
STRICT = find("strict")


def history(clients: int, indefinite: float, events: int) -> list[h.Event]:
    """Return the first ``events`` events of a correct server's history."""
    rng = random.Random(7)
    chances = Chances(indefinite=indefinite, kill=0.0005)
    return simulate(rng, Server(Shape.CONFIRM_LOWER_UPPER, rng=rng), events * 2 // 3, clients, chances)[:events]


def best_s(work: Callable[[], object]) -> float:
    """Return the shortest of three runs, in seconds."""
    times: list[float] = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def judge_all(events: Sequence[h.Event]) -> None:
    """Judge, and fail when a correct server is blamed."""
    judge = Judge(STRICT, paged=False)
    for event in events:
        if judge.feed(event):
            raise SystemExit(judge.violations[0].sentence)


def decode_all(lines: Sequence[bytes]) -> None:
    """Read the events and drop them."""
    for line in lines:
        h.decode(line)


def worlds_survive(events: Sequence[h.Event]) -> tuple[int, float]:
    """Return how many events the world-set engine held before it gave up, and the seconds that took."""
    worlds, start = Worlds(STRICT, paged=False, cap=20_000), time.perf_counter()
    held = 0
    try:
        for held, event in enumerate(events):  # noqa: B007 - how far it came is the result
            worlds.feed(event)
    except TooManyError:
        pass
    return held, time.perf_counter() - start


def main(events: int) -> None:
    """Print the table."""
    print("clients  indefinite   events     rows  judge ev/s  decode ev/s  judge/decode  worlds: events  ev/s")
    for clients, indefinite in SCENES:
        scene = history(clients, indefinite, events)
        lines = [h.encode(event) for event in scene]
        rows = sum(len(event.rows or ()) for event in scene if isinstance(event, h.Ok))
        judge_s, decode_s = best_s(partial(judge_all, scene)), best_s(partial(decode_all, lines))
        held, worlds_s = worlds_survive(scene)
        print(
            f"{clients:7}  {indefinite:10.0%}  {len(scene):7}  {rows:7}  {len(scene) / judge_s:10,.0f}"
            f"  {len(scene) / decode_s:11,.0f}  {judge_s / decode_s:12.1f}  {held:14}  {held / worlds_s:4,.0f}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
