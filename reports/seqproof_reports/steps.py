"""What a page says of each moment in words and numbers: the table beside the pictures, and cited events.

The table is the pictures' text alternative and the source of the state that a page shows for the current event, so the
two can never differ.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from seqproof_reports.picture import Actor, Moment, Role, State, Story
from seqproof_reports.text import between, spans_text, visible

CITED = re.compile(r"\[(\d{1,7})(?:[-–](\d{1,7}))?\]|\bevents? (\d{1,7})(?:[-–](\d{1,7}))?\b")
RUNS = 3  # runs of held seqs that are written out


@dataclass(frozen=True)
class Phone:
    """A phone in one row of the table; both "" while it has not asked, or where the row is about another account."""

    seq_cli: str
    holds: str


@dataclass(frozen=True)
class Step:
    """A row of the table. ``account``: "" where the page has one account, or the row is about all of them."""

    number: str
    asked: str
    answered: str
    account: str
    allocated: str
    confirmed: str
    phones: tuple[Phone, ...]
    bad: bool


@dataclass(frozen=True)
class Steps:
    """The table: the names of its phones, and its rows."""

    phones: tuple[str, ...]
    accounts: bool
    rows: tuple[Step, ...]


def steps(story: Story) -> Steps:
    """Lay out the table."""
    phones = story.having(Role.PHONE)
    several = len(story.accounts) > 1
    return Steps(
        tuple(phone.name for phone in phones), several, tuple(_step(moment, phones, story) for moment in story.moments)
    )


def _step(moment: Moment, phones: Sequence[Actor], story: Story) -> Step:
    several = len(story.accounts) > 1
    own = moment.own or ("" if several else story.accounts[0])
    state = next((state for state in moment.states if state.account == own), None)
    return Step(
        between(moment.first, moment.last),
        moment.asked,
        moment.answered,
        own if several else "",
        str(state.allocated) if state else "",
        str(state.confirmed) if state else "",
        tuple(_phone(state, phone) for phone in phones),
        moment.violating,
    )


def _phone(state: State | None, actor: Actor) -> Phone:
    found = next((phone for phone in state.phones if phone.actor == actor.key), None) if state else None
    return Phone(str(found.seq_cli), spans_text(found.holds, RUNS)) if found else Phone("", "")


def cited(text: str, story: Story) -> Markup:
    """Escape a text; the events that it cites, as [3], [3-4] or event 3, lead to their rows.

    A row's anchor is ``e`` and its first event. What a server said may cite events too, and leads nowhere else.
    """
    parts: list[Markup] = []
    at = 0
    said = visible(text)
    for found in CITED.finditer(said):
        number = int(found[1] or found[3])
        moment = next((moment for moment in story.moments if moment.first <= number <= moment.last), None)
        if moment is None:
            continue
        parts.append(escape(said[at : found.start()]))
        parts.append(Markup('<a class="cite" href="#e{}">{}</a>').format(moment.first, found[0]))
        at = found.end()
    return Markup("").join([*parts, escape(said[at:])])
