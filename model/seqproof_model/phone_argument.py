"""What of a phone's history its violation speaks of: the events without which the judge would say something else.

A phone is not judged by possible worlds, as a server is (``contradiction``): the network and the server are the kit's
own, and what is held against a phone is often that something did *not* happen, in all of its history. So facts are not
weakened here but left out, a request together with all that became of it, and what counts is the judge's sentence, with
its numbers: what can be left out without a change of it does not belong to the argument. Leaving out any of the rest
changes it. That shows where to look; it is no proof by itself, and reports say so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from seqproof_model import phone_history as ph
from seqproof_model.phone_judge import judge
from seqproof_model.phone_words import PhoneHello
from seqproof_model.verdict import Violation


def needed(events: Sequence[ph.Event], violation: Violation, hello: PhoneHello) -> tuple[int, ...]:
    """The events (from 1) that the violation needs; its own, ``violation.event``, comes last.

    None at all when the judge does not say the same of these events.
    """
    upto = events[: violation.event]
    kept = set(range(1, len(upto) + 1))
    if not _same(upto, kept, violation, hello):
        return ()
    shrunk = True
    while shrunk:
        shrunk = False
        for unit in _units(upto[:-1]):
            if unit <= kept and _same(upto, kept - unit, violation, hello):
                kept, shrunk = kept - unit, True
    return tuple(sorted(kept))


def cited(events: Sequence[ph.Event], violation: Violation, hello: PhoneHello) -> tuple[int, ...]:
    """The same, as numbers of the history that pictures are drawn from (``phone_history.told``)."""
    found: list[int] = []
    for number in needed(events, violation, hello):
        before, upto = len(ph.told(events[: number - 1], 0)[0]), len(ph.told(events[:number], 0)[0])
        found += [upto] if upto > before else []
    return tuple(found)


def _same(events: Sequence[ph.Event], kept: Collection[int], violation: Violation, hello: PhoneHello) -> bool:
    left = [event for number, event in enumerate(events, 1) if number in kept]
    found = judge(left, hello)
    return found is not None and (found.event, found.sentence) == (len(left), violation.sentence)


def _units(events: Sequence[ph.Event]) -> list[set[int]]:
    """What is left out together: all events of one request; the later ones first."""
    units: dict[object, set[int]] = {}
    for number, event in enumerate(events, 1):
        request = getattr(event, "id", None)
        units.setdefault(("event", number) if request is None else ("request", request), set()).add(number)
    return list(reversed(units.values()))
