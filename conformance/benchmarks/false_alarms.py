"""Looks for a false alarm: random conforming runs, with faults, kills, overlap and pages, on servers that are right.

    python conformance/benchmarks/false_alarms.py                        24 000 runs, half of them with pages of 2 rows
    python conformance/benchmarks/false_alarms.py --seconds 300          ... or as many as five minutes allow
    python conformance/benchmarks/false_alarms.py --first 8000           ... from the 8 000th of each target on
    python conformance/benchmarks/false_alarms.py reference:page=3 --runs 500 --seed 7

A run is a scenario of random steps: sends, recvs of three phones, lost, late and repeated ones, stale and future
seq_cli, malformed ones, retries, trims, presets, stores that fail, kills, kills around a request, requests on threads
at once, connections that break, replies that come late on the wire, logins and tips, backups and restores; whatever
the target can do. The server is right, so every violation that the judge reports is a fault of the judge (or of the
server): it is printed with its trace and its seed.

Runs are drawn in blocks, each from a seed of its own, so that a search that was stopped (Ctrl-C, ``--seconds``) goes on
where it says, and gives what it would have given. The figures of what was done are printed whatever ended it.

Exit code: 0 no alarm, 1 an alarm, 2 the target cannot be used, 130 stopped by hand without an alarm.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from seqproof_conformance.adapter import Hello, TargetError
from seqproof_conformance.play import in_groups
from seqproof_conformance.random_walk import EVERYTHING, Shape, draw
from seqproof_conformance.runner import Runner
from seqproof_conformance.sometimes import Watch, expected
from seqproof_conformance.targets import opened
from seqproof_model import history as h
from seqproof_model.judge import Judge
from seqproof_model.profile import Profile, find
from seqproof_model.scenario import Scenario

TARGETS = ("reference", "reference:page=2")
BLOCK = 400  # runs that are drawn together, and played together as far as that can be
SHAPE = Shape(shortest=2, longest=16, preset=0.2, starts=(9, 2**24 - 2, 2**31 - 2), alone=0.1, kept=0.4)
COUNTED: dict[type[object], str] = {
    h.Send: "sends",
    h.Recv: "recvs",
    h.RecvRaw: "odd seq_clis",
    h.Indefinite: "requests without an answer",
    h.Kill: "kills",
    h.Restore: "restores",
    h.Login: "logins",
    h.Tips: "looks at tips",
}


@dataclass
class Tally:
    """What was done on one target, in blocks that were played to their end; ``seconds``: how long it took."""

    target: str
    seed: int
    first: int
    conditions: list[str] = field(default_factory=list[str])
    never: list[str] = field(default_factory=list[str])
    kinds: Counter[type[object]] = field(default_factory=Counter[type[object]])
    done: int = 0
    alarms: int = 0
    seconds: float = 0.0

    def lines(self) -> Iterator[str]:
        """The figures, to be quoted."""
        events, met = sum(self.kinds.values()), len(self.conditions) - len(self.never)
        yield (
            f"{self.target}, seed {self.seed}: {self.done:,} runs from {self.first:,} on, {events:,} events, "
            f"{self.alarms} alarms, {self.seconds:.0f} s"
        )
        yield "  " + ", ".join(f"{self.kinds[kind]:,} {name}" for kind, name in COUNTED.items())
        yield f"  {met} of {len(self.conditions)} conditions that a good run must meet"
        if self.never:
            yield f"  never met: {', '.join(self.never)}"


def block(hello: Hello, profile: Profile, seed: int, first: int, runs: int) -> list[Scenario]:
    """The runs from ``first`` on, of one block; its number and the seed alone decide what they are."""
    chance = random.Random(f"{seed}-{first // BLOCK}")
    able = hello.capabilities
    drawn = [draw(chance, EVERYTHING, SHAPE, profile, able, f"{seed}-{first + n}", seed=seed) for n in range(BLOCK)]
    return drawn[:runs]


def look(tally: Tally, runs: int, until: float, clock: Callable[[], float] = time.monotonic) -> None:
    """Play ``runs`` runs on a target, in blocks, and count. Begins no block after ``until``, on the clock, in seconds.

    An interrupt is let through, with the tally as it is then. Raises TargetError.
    """
    began = clock()
    with opened(tally.target) as (adapter, hello):
        profile = hello.claims or find("strict")
        watch = Watch(profile)

        def record(event: h.Event) -> None:
            watch.feed(event)
            tally.kinds[type(event)] += 1

        runner = Runner(adapter, hello, profile, [Judge(profile, paged="paging" in hello.capabilities)], record)
        tally.conditions = [condition.name for condition in expected(hello.capabilities, profile)]
        try:
            while tally.done < runs and clock() < until:
                these = block(hello, profile, tally.seed, tally.first + tally.done, runs - tally.done)
                _play(runner, these, tally)
                tally.done += len(these)
                _progress(tally, runs, clock() - began)
        finally:
            tally.seconds = clock() - began
            tally.never = [name for name in tally.conditions if not watch.reached[name]]


def _play(runner: Runner, these: list[Scenario], tally: Tally) -> None:
    for group in in_groups(these, BLOCK):
        for played in runner.play_together(group):
            if played.violation:
                tally.alarms += 1
                print(f"ALARM {played.violation.requirement}: {played.violation.sentence}", flush=True)
                print(f"      seed {tally.seed}, run {played.scenario.name}: {played.scenario.notation()}", flush=True)


def _progress(tally: Tally, runs: int, seconds: float) -> None:
    """One line on standard error, each time a block is done; written over where that is a terminal."""
    left = seconds / tally.done * (runs - tally.done)
    line = (
        f"  {tally.target}: {tally.done:,} of {runs:,} runs, {tally.alarms} alarms, {seconds:.0f} s, {left:.0f} s left"
    )
    end = "\r" if sys.stderr.isatty() and tally.done < runs else "\n"
    print(line.ljust(79), end=end, file=sys.stderr, flush=True)


def _first(text: str) -> int:
    number = int(text)
    if number < 0 or number % BLOCK:
        raise argparse.ArgumentTypeError(f"{text} begins no block; a multiple of {BLOCK} does")
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Random conforming runs: no violation may be reported.")
    parser.add_argument("targets", nargs="*", default=list(TARGETS))
    parser.add_argument("--runs", type=int, default=24_000, help="in all, shared out over the targets")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=_first, default=0, help=f"the run to begin with, a multiple of {BLOCK}")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin nothing after so many, in all")
    chosen = parser.parse_args(arguments)
    began, each = time.monotonic(), -(-chosen.runs // len(chosen.targets))
    alarms, stopped = 0, False
    for at, target in enumerate(chosen.targets, 1):
        tally = Tally(target, chosen.seed, chosen.first)
        try:
            look(tally, each, began + chosen.seconds * at / len(chosen.targets))
        except KeyboardInterrupt:
            stopped = True
        except TargetError as error:
            print(error, file=sys.stderr)
            return 2
        print("\n".join(tally.lines()), flush=True)
        alarms += tally.alarms
        if tally.done < each:
            done = tally.first + tally.done // BLOCK * BLOCK
            more = f"--runs {each - done + tally.first} --seed {tally.seed} --first {done}"
            print(f"  to go on: python conformance/benchmarks/false_alarms.py {target} {more}", flush=True)
        if stopped:
            break
    return 1 if alarms else 130 if stopped else 0


if __name__ == "__main__":
    sys.exit(main())
