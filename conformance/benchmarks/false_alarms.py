"""Looks for a false alarm: random conforming runs, with faults, kills, overlap and pages, on servers that are right.

    python conformance/benchmarks/false_alarms.py                        24 000 runs, half of them with pages of 2 rows
    python conformance/benchmarks/false_alarms.py reference:page=3 --runs 500 --seed 7

A run is a scenario of random steps: sends, recvs of three phones, lost, late and repeated ones, stale and future
seq_cli, malformed ones, retries, trims, presets, stores that fail, kills, kills around a request, requests on threads
at once, connections that break, replies that come late on the wire, logins and tips, backups and restores; whatever
the target can do. The server is right, so every
violation that the judge reports is a fault of the judge (or of the server): it is printed with its trace and its seed.

Exit code: 0 no alarm, 1 an alarm, 2 the target cannot be used.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from seqproof_conformance.adapter import Hello, TargetError
from seqproof_conformance.campaign import tidy
from seqproof_conformance.play import in_groups
from seqproof_conformance.runner import Runner
from seqproof_conformance.sometimes import Watch, expected
from seqproof_conformance.targets import opened
from seqproof_model import history as h
from seqproof_model import scenario as sc
from seqproof_model.judge import Judge
from seqproof_model.profile import Profile, find
from seqproof_model.scenario import Lost, Moment, Scenario, Step

TARGETS = ("reference", "reference:page=2")
TOGETHER, LONGEST = 400, 14
ALONE = 0.02  # the share of scenarios that must be played alone: each costs kills of its own
MALFORMED = ("-1", "1.5", "null", '"abc"', "4294967296", "true", "1e0", '"2"')
EDGES = (9, 2**24 - 2, 2**31 - 2)
Draw = Callable[[random.Random], Step]


@dataclass(frozen=True)
class Kind:
    """A kind of step: how often it is drawn, what it needs, and whether it is for scenarios that are played alone."""

    weight: int
    draw: Draw
    alone: bool = False


def _account(rng: random.Random) -> str:
    return rng.choice("xxxxy")


def _phone(rng: random.Random) -> str:
    return rng.choice("AABC")


def _lost(rng: random.Random) -> Lost:
    return rng.choice((Lost.NOTHING, Lost.NOTHING, Lost.REPLY, Lost.REQUEST))


def _request(rng: random.Random) -> sc.Send | sc.Recv:
    send = sc.Send(account=_account(rng), lose=_lost(rng))
    return rng.choice((send, sc.Recv(phone=_phone(rng), account=_account(rng), lose=_lost(rng))))


def _broken(rng: random.Random) -> Step:
    lose, after = rng.choice(sorted(sc.ON_THE_WIRE)), rng.choice((0, 0, 1, 30))
    return rng.choice((sc.Send(lose=lose, after=after), sc.Recv(phone=_phone(rng), lose=lose, after=after)))


def _around(rng: random.Random) -> Step:
    moment = rng.choice((Moment.BEFORE, Moment.DURING, Moment.AFTER))
    return rng.choice((sc.Send(kill=moment), sc.Recv(phone=_phone(rng), kill=moment)))


def _late(rng: random.Random) -> Step:
    what = rng.choice((sc.Send(lose=Lost.HOLD_REPLY), sc.Recv(phone=_phone(rng), lose=Lost.HOLD_REPLY)))
    return sc.Begin(rng.choice(("o1", "o2")), what)


KINDS = (
    Kind(6, lambda r: sc.Send(_account(r), r.choice("sst"), r.choice((1, 1, 2, 5)), lose=_lost(r))),
    Kind(6, lambda r: sc.Recv(phone=_phone(r), account=_account(r), lose=_lost(r))),
    Kind(2, lambda r: sc.Recv(account=_account(r), fresh=True)),
    Kind(2, lambda r: sc.Recv(phone="R", account=_account(r), seq_cli=r.randrange(12))),
    Kind(2, lambda r: sc.Recv(phone=_phone(r), hold=r.choice(("p1", "p2")))),
    Kind(2, lambda r: sc.Deliver(r.choice(("p1", "p2")), keep=r.random() < 0.3)),
    Kind(2, lambda r: sc.Ask(r.choice(("r1", "r2")), phone=_phone(r))),
    Kind(2, lambda r: sc.Arrive(r.choice(("r1", "r2")), r.choice((Lost.NOTHING, Lost.REPLY)), r.random() < 0.3)),
    Kind(2, lambda r: sc.Send(account=_account(r), repeat=True, age=r.choice((1, 1, 2)))),
    Kind(1, lambda r: sc.Drain(phone=_phone(r), account=_account(r))),
    Kind(1, lambda r: sc.Trim(account=_account(r))),
    Kind(1, lambda _: sc.Kill()),
    Kind(1, lambda _: sc.FailStore(), alone=True),
    Kind(2, _around, alone=True),
    Kind(1, _broken),
    Kind(2, lambda r: sc.Begin(r.choice(("o1", "o2", "o3")), sc.plain(_request(r)))),
    Kind(1, lambda r: sc.Begin(r.choice(("h1", "h2")), sc.Send(), held=True)),
    Kind(1, _late),
    Kind(2, lambda r: sc.Login(_phone(r), _account(r))),
    Kind(1, lambda r: sc.Logout(_phone(r), _account(r))),
    Kind(2, lambda _: sc.Tips()),
    Kind(1, lambda r: sc.RecvRaw(r.choice(MALFORMED), _phone(r), _account(r))),
    Kind(1, lambda _: sc.Backup(), alone=True),
    Kind(1, lambda _: sc.Restore(), alone=True),
    Kind(3, lambda r: sc.End(r.choice(("o1", "o2", "o3", "h1", "h2")))),
)  # fmt: skip


def at_random(rng: random.Random, profile: Profile, capabilities: Collection[str], name: str) -> Scenario:
    """A scenario of random steps that a target with these capabilities can play."""
    alone = rng.random() < ALONE
    able = [kind for kind in KINDS if alone or not kind.alone]
    steps: list[Step] = []
    if "preset_seq" in capabilities and rng.random() < 0.2:
        edge = rng.choice((*EDGES, profile.seq_max - rng.randrange(4)))
        steps.append(sc.Preset(seq=edge))
    for kind in rng.choices(able, [kind.weight for kind in able], k=rng.randint(2, LONGEST)):
        step = kind.draw(rng)
        if sc.needs(step) <= set(capabilities):
            steps.append(step)
    return Scenario(name, tidy(steps))


def plays(hello: Hello, profile: Profile, runs: int, seed: int) -> Iterator[list[Scenario]]:
    """Groups of scenarios, each played together."""
    rng = random.Random(seed)
    yield from in_groups([at_random(rng, profile, hello.capabilities, f"{seed}-{n}") for n in range(runs)], TOGETHER)


def look(target: str, runs: int, seed: int) -> int:
    """Play the runs on one target and print what came of them. Returns how many alarms there were."""
    with opened(target) as (adapter, hello):
        profile = hello.claims or find("strict")
        watch, kinds, alarms, done = Watch(profile), Counter[str](), 0, 0

        def record(event: h.Event) -> None:
            watch.feed(event)
            kinds[type(event).__name__] += 1

        judge = Judge(profile, paged="paging" in hello.capabilities)
        runner = Runner(adapter, hello, profile, [judge], record)
        for group in plays(hello, profile, runs, seed):
            for played in runner.play_together(group):
                done += 1
                if played.violation:
                    alarms += 1
                    print(f"ALARM {played.violation.requirement}: {played.violation.sentence}")
                    print(f"      seed {seed}, run {played.scenario.name}: {played.scenario.notation()}")
                if done % 2000 == 0:
                    print(f"  {done:,} runs, {sum(kinds.values()):,} events", file=sys.stderr, flush=True)
    names = [condition.name for condition in expected(hello.capabilities, profile)]
    never = [name for name in names if not watch.reached[name]]
    print(f"{target}, seed {seed}: {done:,} runs, {sum(kinds.values()):,} events, {alarms} alarms")
    unanswered = f"{kinds['Indefinite']:,} requests without an answer"
    print(f"  {kinds['Kill']:,} kills, {unanswered}; {len(names) - len(never)} of {len(names)} conditions")
    if never:
        print(f"  never met: {', '.join(never)}")
    return alarms


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Random conforming runs: no violation may be reported.")
    parser.add_argument("targets", nargs="*", default=list(TARGETS))
    parser.add_argument("--runs", type=int, default=24_000, help="in all, shared out over the targets")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    try:
        each = -(-chosen.runs // len(chosen.targets))
        alarms = sum(look(target, each, chosen.seed) for target in chosen.targets)
    except TargetError as error:
        print(error, file=sys.stderr)
        return 2
    return 1 if alarms else 0


if __name__ == "__main__":
    sys.exit(main())
