"""A run on one screen: what happened in the first line, then as much as fits, the most important first.

A terminal has 24 lines or more, and what has scrolled away is not read. So every failure gets two lines first: its
sentence, and its trace with the path of its report. What room is left goes to counterexamples in full, in their
order, or to their steps alone; then to what keeps the run from being decided, what is listed as known, why what is not
graded is not, what was covered, and what passed. What does not fit stands on the run's page, which the last line names.

Where the output is no terminal nothing is left out: that is ``terminal``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.text import Text

from seqproof_model.assessment import Assessment
from seqproof_model.verdict import Counterexample, Verdict
from seqproof_reports import assessed, terminal
from seqproof_reports.report import reproduced
from seqproof_reports.summary import STANDING_SYMBOLS, headline, standing_of
from seqproof_reports.text import plural, short, visible
from seqproof_reports.titles import titled

LEAST = 24  # lines of the smallest terminal; a smaller one scrolls
PROMPT = 2  # lines that stay free: for the next prompt, and for what the shell says
TRACE = 24  # characters of a trace in a failure's second line
Block = Callable[[Console], None]
Shown = tuple[Counterexample, str]


def render_screen(console: Console, assessment: Assessment, shown: Sequence[Shown], page: str) -> None:
    """Print a run within the console's height. ``shown``: counterexamples with their reports' paths, new ones only.

    ``page``: the path of the run's page.
    """
    verdict = assessment.verdict
    room = max(LEAST, console.height) - PROMPT

    def first(to: Console) -> None:
        _headline(to, verdict)

    def notes(to: Console) -> None:
        assessed.render_notes(to, assessment)

    def last(to: Console) -> None:
        to.print(Text.assemble(("  results   ", "dim"), visible(page)), soft_wrap=True)

    room -= _lines(console, first) + _lines(console, last)
    failures, room = _failures(console, shown, room)
    blocks: list[Block] = [first, *failures]
    for block in (notes, *terminal.besides(verdict)):
        if (needed := _lines(console, block)) <= room:
            blocks.append(block)
            room -= needed
    for block in (*blocks, last):
        block(console)


def _headline(console: Console, verdict: Verdict) -> None:
    """The first line. Where the profile would push the numbers out of it, the profile stands in the second."""
    if _lines(console, lambda to: terminal.render_headline(to, verdict)) == 1:
        terminal.render_headline(console, verdict)
        return
    standing = standing_of(verdict)
    said = f"{STANDING_SYMBOLS[standing]} {visible(verdict.target)}: {standing}, {headline(verdict)}"
    console.print(Text(said, terminal.STANDING_STYLES[standing]))
    console.print(Text(f"  profile {visible(verdict.profile.describe())}", "dim"))


def _failures(console: Console, shown: Sequence[Shown], room: int) -> tuple[list[Block], int]:
    """The failures: each in short, then in full as far as there is room. Returns what is left of it, too."""
    briefs: list[Block] = [_short(item, path) for item, path in shown]
    sizes = [_lines(console, block) for block in briefs]
    fitting = len(briefs)
    while fitting and sum(sizes[:fitting]) + (fitting < len(briefs)) > room:
        fitting -= 1
    room -= sum(sizes[:fitting]) + (fitting < len(briefs))
    blocks = briefs[:fitting]
    for at, (item, path) in enumerate(shown[:fitting]):
        for larger in (_whole(item, path), _middle(item, path)):
            needed = _lines(console, larger) - sizes[at]
            if needed <= room:
                blocks[at] = larger
                room -= needed
                break
    if fitting < len(briefs):
        left = plural(len(briefs) - fitting, "more failure")
        blocks.append(lambda to: to.print(Text(f"  … and {left}", "bold red")))
    return blocks, room


def _short(item: Counterexample, path: str) -> Block:
    def block(console: Console) -> None:
        known = titled(item.violation.requirement)
        line = Text.assemble(("✗ ", "bold red"), (f"{known.id} ", "bold"), (visible(item.violation.sentence), "red"))
        console.print(line)
        facts = f"  {short(item.trace, TRACE)}  ·  {reproduced(item)}  ·  {visible(path)}"
        console.print(Text(facts, "dim"), soft_wrap=True)

    return block


def _middle(item: Counterexample, path: str) -> Block:
    def block(console: Console) -> None:
        _short(item, path)(console)
        terminal.render_brief(console, item)

    return block


def _whole(item: Counterexample, path: str) -> Block:
    def block(console: Console) -> None:
        terminal.render_counterexample(console, item, path)
        console.print()

    return block


def _lines(console: Console, block: Block) -> int:
    """How many lines of the screen a block takes; a long one that is not broken wraps there."""
    with console.capture() as captured:
        block(console)
    width = max(1, console.width)
    return sum(max(1, math.ceil(Text.from_ansi(line).cell_len / width)) for line in captured.get().splitlines())
