"""The other processes of a run with ``-j N``: each has a server of its own, plays its share, and sends what it found.

The main process plays a share as well, and asks the others now and then how far they are. A process that is told to
stop, or whose main process is gone, ends with what it has; so does one that gets Ctrl-C itself. One that dies has no
findings, and its history is readable to its last line. Nothing waits without a bound.
"""

from __future__ import annotations

import multiprocessing
import secrets
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Self

from seqproof_conformance.adapter import TargetError
from seqproof_conformance.plan import Part
from seqproof_conformance.share import Findings, Share, collecting_seldom
from seqproof_conformance.targets import opened
from seqproof_model import history as h

POLL_S, PATIENCE_S = 0.1, 60.0


@dataclass(frozen=True)
class Orders:
    """What a process shall do. ``examples``: of the campaign, plain and with kills; ``trials``: of sampled races."""

    target: str
    out: Path
    header: h.Header
    parts: tuple[Part, ...]
    seed: int
    examples: tuple[int, int]
    timeout_s: float | None
    validate: bool = False
    trials: int = 0
    sampling_s: float = 0.0


def history_of(out: Path, share: int) -> Path:
    """The history that a share writes."""
    return out / ("history.jsonl" if share == 0 else f"history-{share + 1}.jsonl")


def portion(number: int, share: int, of: int) -> int:
    """How many of ``number`` things fall to a share."""
    return (number + of - 1 - share) // of


def play_share(this: Share, orders: Orders, share: int, of: int) -> None:
    """Play a share of everything."""
    for part in orders.parts:
        this.play(part, share, of)
    if orders.trials:
        this.sample(portion(orders.trials, share, of), orders.sampling_s)
    plain, with_kills = (portion(number, share, of) for number in orders.examples)
    if plain + with_kills:
        this.campaign(orders.seed + share, plain, with_kills)


def _work(line: Connection[Any, Any], orders: Orders, share: int, of: int) -> None:
    """What the process does: plays, tells how far it is, and sends its findings."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    played = 0

    def tick(_part: str) -> None:
        nonlocal played
        played += 1
        if line.poll():  # told to stop, or the main process is gone
            raise KeyboardInterrupt
        if played % 20 == 0:
            line.send(20)

    found = Findings(stopped=f"process {share + 1} of {of} did not begin")
    try:
        with (
            opened(orders.target, orders.timeout_s, validate=orders.validate) as (adapter, hello),
            h.Writer(history_of(orders.out, share), orders.header) as writer,
            collecting_seldom(),
        ):
            this = Share(
                adapter, hello, orders.header.profile, writer.write, secrets.token_hex(3), tick=tick, failed=line.send
            )
            why = ""
            try:
                play_share(this, orders, share, of)
            except TargetError as error:
                why = str(error)
            except KeyboardInterrupt:
                why = "interrupted"
            found = this.findings()
            found.stopped = why
            writer.close(interrupted=bool(why))
    except (TargetError, OSError) as error:
        found.stopped = str(error)
    except KeyboardInterrupt:
        found.stopped = "interrupted"
    with suppress(OSError):
        line.send(found)


@dataclass
class _Member:
    process: BaseProcess
    line: Connection[Any, Any]
    findings: Findings | None = None


@dataclass
class Crew:
    """The other processes. ``told``: gets what they say while they play: a number of scenarios, or a requirement."""

    orders: Orders
    size: int
    told: Callable[[int | str], None]
    members: list[_Member] = field(default_factory=list[_Member])

    def __enter__(self) -> Self:
        """Start them."""
        context = multiprocessing.get_context("spawn")
        for share in range(1, self.size):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, self.orders, share, self.size), daemon=True)
            process.start()
            theirs.close()
            self.members.append(_Member(process, ours))
        return self

    def __exit__(self, *_: object) -> None:
        """End them, whatever happened."""
        for member in self.members:
            member.line.close()
            member.process.join(PATIENCE_S if member.findings is None else 5.0)
            if member.process.is_alive():
                member.process.kill()
                member.process.join(5.0)

    def poll(self, seconds: float = 0.0) -> None:
        """Take what they have said. ``told`` may raise."""
        lines = {member.line: member for member in self.members if member.findings is None}
        for line in wait(list(lines), seconds):
            member = lines[line]  # type: ignore[index]
            try:
                said = member.line.recv()
            except (EOFError, OSError):
                share = self.members.index(member) + 2
                member.findings = Findings(stopped=f"process {share} of {self.size} died, exit code {_code(member)}")
                continue
            if isinstance(said, Findings):
                member.findings = said
            else:
                self.told(said)

    def finish(self) -> None:
        """Wait until all have ended. ``told`` may raise, and so may Ctrl-C."""
        while any(member.findings is None for member in self.members):
            self.poll(POLL_S)

    def stop(self) -> None:
        """Tell them to end with what they have, and wait for it; not for ever."""
        for member in self.members:
            if member.findings is None:
                with suppress(OSError):
                    member.line.send("stop")
        self.told = lambda _: None
        for _ in range(int(PATIENCE_S / POLL_S)):
            if all(member.findings for member in self.members):
                return
            self.poll(POLL_S)

    def findings(self) -> Iterator[Findings]:
        """What each found."""
        for share, member in enumerate(self.members, 2):
            yield member.findings or Findings(stopped=f"process {share} of {self.size} did not end in time")


def _code(member: _Member) -> int | None:
    member.process.join(5.0)
    return member.process.exitcode
