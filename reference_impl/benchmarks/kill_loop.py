"""Kills a server again and again while clients send and ask, and counts what was lost and what was given again.

    python reference_impl/benchmarks/kill_loop.py                       the reference server, 200 kills
    python reference_impl/benchmarks/kill_loop.py valkey --kills 50     another one that can be killed

Between two kills at least ``--answers`` requests are answered; each kill is SIGKILL of the whole process tree with
requests under way. Two things decide: the judge, and a plain count that shares no code with it (``load``). The history
is written where ``--history`` says, so that it can be judged again: ``seqproof check FILE``.

Exit code: 0 nothing lost and nothing given again; 1 otherwise; 2 the target cannot be used so.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from seqproof_conformance.adapter import Capability, TargetError
from seqproof_conformance.load import Load, Shape
from seqproof_conformance.targets import opened
from seqproof_model import history as h
from seqproof_model.judge import Judge
from seqproof_model.profile import find

NEEDED = (Capability.KILL, Capability.OVERLAP)
SHOWN = 5


def run(target: str, kills: int, answers: int, shape: Shape, path: Path) -> bool:
    """Run the loop and print what it found. Returns whether all is well. Raises TargetError."""
    with opened(target) as (adapter, hello):
        if missing := [need for need in NEEDED if need not in hello.capabilities]:
            raise TargetError(f"{target} does not declare {', '.join(missing)}; a kill loop needs it")
        profile = hello.claims or find("strict")
        header = h.Header(target, tuple(sorted(hello.capabilities)), profile, server=hello.server)
        judge = Judge(profile, paged=Capability.PAGING in hello.capabilities)
        with h.Writer(path, header) as writer:
            load = Load(adapter, judge, writer.write, shape)
            try:
                load.start()
                for number in range(1, kills + 1):
                    load.await_answers(answers)
                    load.kill()
                    if number % 20 == 0:
                        print(f"{number:5} kills, {load.tally.answers:9,} answers", flush=True)
                load.await_answers(answers)
            finally:
                load.stop()
            load.finish()
    tally = load.tally
    print(f"\n{target}, {hello.server}: {kills} kills under {shape.senders} senders and {shape.phones} phones")
    print(f"{tally.answers:,} answers, {tally.unanswered:,} requests without one")
    print(
        f"{len(tally.acknowledged):,} messages acknowledged, {len(tally.lost)} of them lost {tally.lost[:SHOWN] or ''}"
    )
    print(f"{len(tally.given_again)} rows given again after they were confirmed {tally.given_again[:SHOWN] or ''}")
    print(f"the judge: {len(judge.violations)} violations in {judge.events:,} events")
    for violation in judge.violations[:SHOWN]:
        print(f"  {violation.requirement}: {violation.sentence}")
    return not (tally.lost or tally.given_again or judge.violations)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Kill a server under load; count what is lost and given again.")
    parser.add_argument("target", nargs="?", default="reference")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--answers", type=int, default=100, help="answers between two kills, at least")
    parser.add_argument("--accounts", type=int, default=Shape.accounts)
    parser.add_argument("--senders", type=int, default=Shape.senders)
    parser.add_argument("--phones", type=int, default=Shape.phones)
    parser.add_argument("--history", type=Path, help="where the history goes; else it is thrown away")
    chosen = parser.parse_args(arguments)
    if min(chosen.accounts, chosen.senders, chosen.phones, chosen.kills) < 1:
        parser.error("accounts, senders, phones and kills are 1 or more")
    shape = Shape(chosen.accounts, chosen.senders, chosen.phones)
    with tempfile.TemporaryDirectory() as folder:
        path = chosen.history or Path(folder) / "history.jsonl"
        try:
            return 0 if run(chosen.target, chosen.kills, max(1, chosen.answers), shape, path) else 1
        except (TargetError, OSError) as error:
            print(error, file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return 130


if __name__ == "__main__":
    sys.exit(main())
