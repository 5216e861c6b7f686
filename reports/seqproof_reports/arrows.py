"""The ladder's arrows: messages, tips, long connections, and how each ends.

What arrives ends in a full head, what is lost in a red ×, what stays under way at a bar, what nobody can tell in a
question mark. A tip is dotted and ends in an open head; it binds nobody. A connection that opens is a double line with
a dot at each end, one that closes is cut in the middle. The label stands on the actor's side, above the line.
"""

from __future__ import annotations

from itertools import pairwise

from seqproof_reports.lanes import CUT, HALF_BAR, Lanes
from seqproof_reports.picture import Arrow, Fate, Moment, Way
from seqproof_reports.svg import element, label, polygon
from seqproof_reports.text import short

ARROW_STYLE = (
    ".sq .arrow{stroke:var(--ink);stroke-width:1.5}.sq .tip{fill:var(--ink)}"
    ".sq .blamed{stroke:var(--red);stroke-width:2.2}.sq .blamed-tip{fill:var(--red)}"
    ".sq .dash{stroke-dasharray:5 4}.sq .cross{stroke:var(--red);stroke-width:2.4;stroke-linecap:round}"
    ".sq .hint{stroke:var(--teal);stroke-width:1.8;stroke-dasharray:1.5 3.5;stroke-linecap:round}"
    ".sq .hint-tip{stroke:var(--teal);stroke-width:1.8}.sq .blamed.hint,.sq .blamed.hint-tip{stroke:var(--red)}"
    ".sq .link{stroke:var(--teal);stroke-width:1.2}.sq .dot{fill:var(--teal)}"
)


STUB = 20  # px: how far an answer goes that nobody saw


def draw_arrow(arrow: Arrow, lanes: Lanes, top: float, moment: Moment) -> str:
    """Draw one arrow of a moment, with its label; ``top``: of the room that the arrow has."""
    actor, right = lanes.at[arrow.actor], lanes.at[arrow.actor] > lanes.server
    server = lanes.server + (HALF_BAR if right else -HALF_BAR)
    start, end = (actor, server) if arrow.to_server else (server, actor)
    high, low = top + 20, top + 24
    blamed = moment.violating and (not arrow.to_server or len(moment.arrows) == 1)
    near_actor = high if arrow.to_server else low
    class_ = "red strong" if blamed else None
    said = label(
        actor + (-10 if right else 10), near_actor - 7, short(arrow.label, CUT), "end" if right else "start", class_
    )
    if arrow.way is Way.TIP:
        stops = [start, lanes.at[arrow.through], end] if arrow.through else [start, end]
        return _tip(stops, low, blamed) + said
    if arrow.way is not Way.MESSAGE:
        return _link(start, end, low, closes=arrow.way is Way.CLOSES) + said
    return _shaft(arrow, start, end, (high, low), blamed) + said


def _tip(stops: list[float], y: float, blamed: bool) -> str:
    kind = "blamed " if blamed else ""
    parts: list[str] = []
    for start, end in pairwise(stops):
        forward = 1 if end > start else -1
        parts.append(element("line", x1=start, x2=end - forward * 2, y1=y, y2=y, class_=f"{kind}hint"))
        head = f"M{end - forward * 9:.1f} {y - 5:.1f}L{end - forward:.1f} {y:.1f}L{end - forward * 9:.1f} {y + 5:.1f}"
        parts.append(element("path", d=head, class_=f"{kind}hint-tip"))
    return "".join(parts)


def _link(start: float, end: float, y: float, *, closes: bool) -> str:
    middle = (start + end) / 2
    ends = [(start, middle - 6), (middle + 6, end)] if closes else [(start, end)]
    parts = [
        element("line", x1=left, x2=right, y1=y + dy, y2=y + dy, class_="link")
        for left, right in ends
        for dy in (-1.5, 1.5)
    ]
    if closes:
        parts += [_stop_bar(middle + dx, y, "link") for dx in (-6, 6)]
    return "".join(parts) + "".join(element("circle", cx=x, cy=y, r=3.5, class_="dot") for x in (start, end))


def _shaft(arrow: Arrow, start: float, end: float, levels: tuple[float, float], blamed: bool) -> str:
    high, low = levels
    forward = 1 if end > start else -1
    share = {Fate.LOST: 0.55, Fate.UNDER_WAY: 0.45, Fate.UNKNOWN: STUB / abs(end - start)}.get(arrow.fate, 1.0)
    begin, base = (start, high)
    if arrow.fate is Fate.LATE:
        begin, base = start + (end - start) * 0.45, high + (low - high) * 0.45
    stop = start + (end - start) * share
    level = high + (low - high) * share
    kind = "blamed" if blamed else "arrow"
    dash = " dash" if arrow.fate is not Fate.ARRIVES or arrow.refusal else ""
    tip = stop - forward * (7 if share == 1.0 else 0)
    line = element("line", x1=begin, y1=base, x2=tip, y2=level, class_=kind + dash)
    match arrow.fate:
        case Fate.LOST:
            return line + _cross(stop + forward * 6, level)
        case Fate.UNDER_WAY:
            return line + _stop_bar(stop, level, kind)
        case Fate.UNKNOWN:
            return line + label(stop + forward * 8, level + 5, "?", "middle", "red strong")
        case _:
            late = _stop_bar(begin, base, kind) if arrow.fate is Fate.LATE else ""
            head = [(stop, level), (stop - forward * 9, level - 4.5), (stop - forward * 9, level + 3.5)]
            return late + line + polygon(head, "blamed-tip" if blamed else "tip")


def _cross(x: float, y: float) -> str:
    return element("path", d=f"M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10", class_="cross")


def _stop_bar(x: float, y: float, kind: str) -> str:
    return element("line", x1=x, x2=x, y1=y - 6, y2=y + 6, class_=kind)
