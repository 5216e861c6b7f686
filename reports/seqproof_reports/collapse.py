"""Long runs become one moment: fifty sends in a row are one row of every picture, "50 sends → seq 101..150".

Only what is alike is joined: complete exchanges that went well, of one actor, one after the other, of ``LEAST`` or
more. The violating moment always stands alone. Nothing is dropped: the moment keeps its first and last event.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from seqproof_reports.picture import Arrow, Fate, Kind, Moment
from seqproof_reports.text import Span, short, spans, spans_text

LEAST = 4


def collapse(moments: Sequence[Moment]) -> tuple[Moment, ...]:
    """Join the runs; the rest stays as it is."""
    told: list[Moment] = []
    for key, group in groupby(moments, key=_alike):
        run = list(group)
        joined = key is not None and len(run) >= LEAST
        told.extend([_joined(run)] if joined else run)
    return tuple(told)


def _alike(moment: Moment) -> tuple[str, str, str] | None:
    """What joins a moment to its neighbours; None when it stands alone."""
    if moment.violating or len(moment.arrows) != 2 or moment.last == moment.first:
        return None
    request, reply = moment.arrows
    if request.fate is not Fate.ARRIVES or reply.fate is not Fate.ARRIVES or reply.refusal:
        return None
    if moment.kind is Kind.RECV and (moment.state is None or not moment.state.given):
        return None
    verb = request.label.split(" ", 1)[0]
    return moment.own, request.actor, verb


def _joined(run: list[Moment]) -> Moment:
    first, last = run[0], run[-1]
    actor, count = first.arrows[0].actor, len(run)
    told = _union(moment.state.told for moment in run if moment.state)
    given = _union(moment.state.given for moment in run if moment.state)
    if first.kind is Kind.SEND:
        what = "retries" if first.arrows[0].label.startswith("retry ") else "sends"
        label = f"{count} {what}" + (f" to {short(first.own, 8)}" if len(first.states) > 1 else "")
        asked, answered = f"{first.asked} and {count - 1} more", f"seq {spans_text(told)}" if told else "accepted"
    else:
        label, asked, answered = f"{count} pages", f"{first.asked}, and on, {count} pages", spans_text(given)
    return replace(
        first,
        last=last.last,
        asked=asked,
        answered=answered,
        arrows=(Arrow(actor, True, label), Arrow(actor, False, answered)),
        states=tuple(
            replace(state, told=told, given=given) if state.account == first.own else state for state in last.states
        ),
        count=count,
    )


def _union(parts: Iterable[Sequence[Span]]) -> tuple[Span, ...]:
    return spans(seq for runs in parts for low, high in runs for seq in range(low, high + 1))
