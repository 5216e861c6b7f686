"""What does the kit add to a server's own time? The same calls of the same adapter, with the kit around them and bare.

    python conformance/benchmarks/kit_overhead.py                      valkey
    python conformance/benchmarks/kit_overhead.py reference --runs 5

Both sides take turns on one server. *Kit*: a runner plays scenarios side by side, each event goes to a history on disk,
to two judges and to the coverage counters, as in a run. *Bare*: a loop makes exactly the calls that the runner made, in
the same order, with new accounts, and throws the answers away. Compare the ratio within a run. The bar: at most 1.5 on
Valkey, in medians.

Exit code: 0, also where the bar is not met (it is printed); 2 when the target cannot be used.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seqproof_conformance.adapter import Adapter, Hello, TargetError
from seqproof_conformance.exhaustive import ALPHABETS, enumerate_all
from seqproof_conformance.share import Share, collecting_seldom
from seqproof_conformance.suite import Job, header_for
from seqproof_conformance.targets import opened
from seqproof_model import history as h
from seqproof_model.history import Answer
from seqproof_model.profile import find
from seqproof_model.scenario import Scenario

MOST = 1.5
Call = tuple[str, tuple[object, ...]]


@dataclass
class Recording:
    """An adapter that writes down the calls that another one gets."""

    adapter: Adapter
    calls: list[Call] = field(default_factory=list[Call])

    def hello(self) -> Hello:
        """Ask the adapter."""
        return self.adapter.hello()

    def reset(self, account: str) -> None:
        """Reset, and write it down."""
        self.calls.append(("reset", (account,)))
        self.adapter.reset(account)

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        """Send, and write it down."""
        self.calls.append(("send", (account, sender, client_id, body)))
        return self.adapter.send(account, sender, client_id, body)

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:
        """Ask, and write it down."""
        self.calls.append(("recv", (account, phone, seq_cli)))
        return self.adapter.recv(account, phone, seq_cli)

    def close(self) -> None:
        """Leave it open: it is used again."""


def with_kit(adapter: Adapter, hello: Hello, scenarios: Sequence[Scenario], token: str, folder: Path) -> float:
    """Play the scenarios as a run does. Returns seconds."""
    profile = hello.claims or find("strict")
    header = header_for(Job("benchmark", folder), hello, profile)
    with collecting_seldom(), h.Writer(folder / f"{token}.jsonl", header) as writer:
        share = Share(adapter, hello, profile, writer.write, token)
        began = time.perf_counter()
        share.play_all("requests", scenarios)
        seconds = time.perf_counter() - began
        writer.close(interrupted=False)
    return seconds


def bare(adapter: Adapter, calls: Sequence[Call], token: str) -> float:
    """Make the same calls with accounts of their own. Returns seconds."""
    methods = {"reset": adapter.reset, "send": adapter.send, "recv": adapter.recv}
    made = [(methods[name], (f"{token}{words[0]}", *words[1:])) for name, words in calls]
    began = time.perf_counter()
    for method, words in made:
        method(*words)  # type: ignore[operator]  # pyright: ignore[reportCallIssue, reportUnknownVariableType]
    return time.perf_counter() - began


def measure(target: str, runs: int, length: int) -> bool:
    """Print the table. Returns whether the bar is met."""
    scenarios = enumerate_all(ALPHABETS[0], length).scenarios
    kit: list[float] = []
    alone: list[float] = []
    with opened(target) as (adapter, hello), tempfile.TemporaryDirectory() as folder:
        recording = Recording(adapter)
        with_kit(recording, hello, scenarios, "w", Path(folder))  # warms up, and writes down the calls
        for number in range(runs):
            kit.append(with_kit(adapter, hello, scenarios, f"k{number}", Path(folder)))
            alone.append(bare(adapter, recording.calls, f"b{number}"))
    calls = len(recording.calls)
    print(f"{target}, {hello.server}: {calls:,} calls, {runs} runs of each, by turns\n")
    for name, seconds in (("bare", alone), ("kit", kit)):
        each = statistics.median(seconds) / calls * 1e6
        print(
            f"{name:5} min {min(seconds):6.3f} s   median {statistics.median(seconds):6.3f} s   {each:6.0f} us a call"
        )
    ratio = statistics.median(kit) / statistics.median(alone)
    print(f"\nkit / bare {ratio:.2f}; the bar, at most {MOST}, is {'met' if ratio <= MOST else 'NOT met'}")
    return ratio <= MOST


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for. Returns the exit code."""
    parser = argparse.ArgumentParser(description="The kit's own time beside bare calls of the same adapter.")
    parser.add_argument("target", nargs="?", default="valkey")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--length", type=int, default=5, help="steps of the courses that are played")
    chosen = parser.parse_args(arguments)
    try:
        measure(chosen.target, max(1, chosen.runs), max(1, chosen.length))
    except TargetError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
