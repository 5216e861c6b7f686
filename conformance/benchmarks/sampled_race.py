"""How often does a race show when nobody schedules it? Trials at full speed, the rate, and what follows from it.

    python conformance/benchmarks/sampled_race.py postgres:naive
    python conformance/benchmarks/sampled_race.py postgres:locked --trials 400

``sampled`` says what a trial is. Exit code: 0, whatever is found; 2 when the target cannot be used.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time

from seqproof_conformance.adapter import TargetError
from seqproof_conformance.sampled import sample_adapter
from seqproof_conformance.targets import opened
from seqproof_model.profile import find


def main() -> None:
    """Measure and print."""
    about, _, _ = (__doc__ or "").partition("\n")
    words = argparse.ArgumentParser(description=about)
    words.add_argument("target", nargs="?", default="postgres:naive")
    words.add_argument("--trials", type=int, default=200)
    asked = words.parse_args()
    try:
        with opened(asked.target) as (adapter, hello):
            began = time.perf_counter()
            held_to = hello.claims or find("strict")
            found, _ = sample_adapter(adapter, held_to, max(1, asked.trials), secrets.token_hex(3))
            each_ms = 1000 * (time.perf_counter() - began) / max(1, found.trials)
    except TargetError as error:
        print(f"{asked.target}: {error}", file=sys.stderr)
        sys.exit(2)
    for line in found.report().lines():
        print(f"{asked.target}: {line}")
    print(f"{asked.target}: {each_ms:.0f} ms a trial")


if __name__ == "__main__":
    main()
