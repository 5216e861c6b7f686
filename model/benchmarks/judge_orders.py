"""All orders of all moments, on a larger scale than the tests: what passes, what is blamed, what is forgotten.

    python model/benchmarks/judge_orders.py [OPERATIONS] [SCOPE]

Prints a line for each scope of ``orders.SCOPES``, or for the one that is named. Three operations take minutes for all
scopes, four an hour for the plain one. *alarms*: possible answers that were blamed, which must be 0. *forgotten*:
impossible ones that passed; of these, *by worlds too*: the world-set engine lets them pass as well (``strict`` and
told seqs only). The exit code is 1 when there was an alarm.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace

from seqproof_model import history as h
from seqproof_model.judge import Judge
from seqproof_model.orders import SCOPES, Scope, hold
from seqproof_model.worlds import Worlds


def held(name: str, scope: Scope) -> bool:
    """Hold the judge to a scope and print its line; return whether it raised no alarm."""
    passed: list[tuple[h.Event, ...]] = []

    def blames(history: tuple[h.Event, ...]) -> bool:
        judge = Judge(scope.profile, paged=scope.pages)
        blamed = any(judge.feed(event) for event in history)
        if not blamed and not scope.gaps:
            passed.append(history)
        return blamed

    start = time.perf_counter()
    counts = hold(scope, blames, both=not scope.gaps)
    seconds = time.perf_counter() - start
    forgotten = "-" if scope.gaps else f"{counts.forgotten}"
    also = "-"
    if not scope.gaps and scope.tells_seq and not scope.repeats and not scope.equal and not scope.lags:
        also = (
            str(sum(worlds_pass(scope, history) for history in passed) - counts.possible) if counts.forgotten else "0"
        )
    print(
        f"{name:38}  {scope.operations:10}  {counts.branches:9,}  {counts.possible:10,}  {counts.alarms:6}"
        f"  {counts.impossible:11,}  {forgotten:>9}  {also:>13}  {seconds:7.1f}",
        flush=True,
    )
    return counts.alarms == 0


def worlds_pass(scope: Scope, history: tuple[h.Event, ...]) -> bool:
    """Whether the world-set engine finds a way to this history."""
    worlds = Worlds(scope.profile, paged=scope.pages)
    return all(worlds.feed(event) for event in history)


def main(operations: int, chosen: str) -> int:
    """Print the table; return the exit code."""
    print(f"{'scope':38}  operations   branches    possible  alarms   impossible  forgotten  by worlds too  seconds")
    sound = [
        held(name, replace(scope, operations=operations)) for name, scope in SCOPES.items() if chosen in ("", name)
    ]
    return 0 if sound and all(sound) else 1


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3, sys.argv[2] if len(sys.argv) > 2 else ""))
