"""The ladder: who said what to whom, time downward. Phones stand left, the server in the middle, senders right.

An arrow that never arrives ends in a red ×; a reply under way ends at a bar and goes on in a later row; a kill breaks
the server's lane. The violating moment stands on red with its sentence. Drawn from a ``Story``; no script is needed.
"""

from __future__ import annotations

from collections.abc import Sequence

from seqproof_model.history import Event, Header
from seqproof_model.verdict import Violation
from seqproof_reports.picture import Actor, Arrow, Fate, Kind, Moment, Role, Story
from seqproof_reports.story import SERVER, tell
from seqproof_reports.svg import (
    FOOT,
    HEAD,
    LINE,
    SINGLE,
    STYLE,
    Grid,
    describe,
    document,
    element,
    ground,
    label,
    polygon,
    row,
    title_width,
    width_of,
)
from seqproof_reports.text import between, short

MARGIN = 46  # px: half a lane's box
LANE = 104  # px: between two phones, or two senders
PHONE_GAP = 208  # px: from the last phone to the server
NO_PHONES = 96  # room left of the server for what befalls it
SENDER_GAP = 150  # px: from the server to the first sender
HALF_BAR = 4  # px: half of the server's bar

LADDER_STYLE = (
    ".sq .arrow{stroke:var(--ink);stroke-width:1.5}.sq .tip{fill:var(--ink)}"
    ".sq .blamed{stroke:var(--red);stroke-width:2.2}.sq .blamed-tip{fill:var(--red)}"
    ".sq .dash{stroke-dasharray:5 4}.sq .cross{stroke:var(--red);stroke-width:2.4;stroke-linecap:round}"
    ".sq .bar{fill:var(--server)}.sq .down{stroke:var(--red);stroke-width:1.5;stroke-dasharray:2 4}"
    ".sq .bolt{fill:var(--red);stroke:var(--paper);stroke-width:1.5;paint-order:stroke}"
    ".sq .again{stroke:var(--server);stroke-width:2}.sq .againtip{fill:var(--server)}"
    ".sq .pill{fill:var(--faint);stroke:var(--line)}.sq .edge{fill:var(--red)}"
)


def ladder_svg(events: Sequence[Event], *, header: Header, title: str = "", violation: Violation | None = None) -> str:
    """Draw the ladder of events as a standalone SVG; ``violation.event`` counts them from 1."""
    return draw(tell(events, header, violation), title=title)


def draw(story: Story, *, title: str = "") -> str:
    """Draw the ladder of a story."""
    lanes, grid = layout(story, title)
    size = (lanes.width, grid.bottom + FOOT)
    body = [
        *([label(16, 24, title, class_="title")] if title else []),
        *(
            ground(moment, index, grid.tops[index], (lanes.width, grid.heights[index]))
            for index, moment in enumerate(story.moments)
        ),
        *_lifelines(story, lanes, grid),
        *_server_bar(story, lanes, grid),
        *(_row(moment, index, lanes, grid) for index, moment in enumerate(story.moments)),
        *(_name(actor, lanes, grid) for actor in story.actors),
    ]
    return document("ladder", size, STYLE + LADDER_STYLE, body, (title or "Ladder of events", describe(story)))


def layout(story: Story, title: str = "") -> tuple[Lanes, Grid]:
    """Place lanes and rows. The ruler uses the same rows, so the two stay in step."""
    grid = Grid(story, bool(title))
    lanes = Lanes(story, grid.gutter)
    lanes.width = max(lanes.width, title_width(title))
    if story.violation:
        state = story.violating.state if story.violating else None
        remarks = [runs for runs in (state.missing, state.repeated, state.stake) if runs] if state else []
        grid.say(story.violation.sentence, lanes.width - grid.gutter - 36, len(remarks))
    return lanes, grid


class Lanes:
    """The x of every actor."""

    def __init__(self, story: Story, gutter: float) -> None:
        phones, senders = story.having(Role.PHONE), story.having(Role.SENDER)
        x = float(gutter + MARGIN)
        self.at: dict[str, float] = {}
        for index, actor in enumerate(phones):
            self.at[actor.key] = x + index * LANE
        server = x + (len(phones) - 1) * LANE + PHONE_GAP if phones else x + NO_PHONES
        self.at[SERVER] = self.server = server
        for index, actor in enumerate(senders):
            self.at[actor.key] = server + SENDER_GAP + index * LANE
        self.width = max(self.at.values()) + MARGIN + 12


def _lifelines(story: Story, lanes: Lanes, grid: Grid) -> list[str]:
    return [
        element("line", x1=lanes.at[a.key], x2=lanes.at[a.key], y1=grid.top - 8, y2=_end(story, grid), class_="life")
        for a in story.actors
        if a.role is not Role.SERVER
    ]


def _end(story: Story, grid: Grid) -> float:
    """Where the lanes end: above the sentence of a violation that ends the story, else below the last row."""
    last = story.moments[-1] if story.moments else None
    return grid.tops[-1] + grid.drawn(last) if last and last.violating else grid.bottom + 6


def _server_bar(story: Story, lanes: Lanes, grid: Grid) -> list[str]:
    """Draw the server's lane, broken from each kill to its restart."""
    parts: list[str] = []
    start: float | None = float(grid.top - 8)
    down = 0.0
    for moment, top in zip(story.moments, grid.tops, strict=True):
        if moment.kind is Kind.KILL and start is not None:
            parts.append(_bar(lanes.server, start, top + 4))
            start, down = (top + SINGLE - 4, 0.0) if moment.last > moment.first else (None, top + 4)
        elif moment.kind is Kind.RESTART and start is None:
            parts.append(_down(lanes.server, down, top + SINGLE / 2))
            start = top + SINGLE / 2
    if start is None:
        return [*parts, _down(lanes.server, down, _end(story, grid))]
    return [*parts, _bar(lanes.server, start, _end(story, grid))]


def _bar(x: float, top: float, bottom: float) -> str:
    return element("rect", x=x - HALF_BAR, y=top, width=2 * HALF_BAR, height=bottom - top, rx=2, class_="bar")


def _down(x: float, top: float, bottom: float) -> str:
    return element("line", x1=x, x2=x, y1=top, y2=bottom, class_="down")


def _name(actor: Actor, lanes: Lanes, grid: Grid) -> str:
    x, y = lanes.at[actor.key], grid.head + 14
    role = "" if actor.role is Role.SERVER else actor.role.value
    name = element("rect", x=x - 44, y=y, width=88, height=HEAD - 24, rx=7, class_="box")
    if not role:
        return name + label(x, y + 21, actor.name, "middle", "head bare")
    return (
        name
        + label(x, y + 14, role, "middle", "num bare")
        + label(x, y + 28, short(actor.name, 9), "middle", "head bare")
    )


def _row(moment: Moment, index: int, lanes: Lanes, grid: Grid) -> str:
    top = grid.tops[index]
    number = label(grid.gutter - 6, top + 22, between(moment.first, moment.last), "end", "num")
    if moment.arrows:
        body = "".join(
            _arrow(arrow, lanes, top + (0 if n == 0 else 25), moment) for n, arrow in enumerate(moment.arrows)
        )
    elif moment.kind in {Kind.KILL, Kind.RESTART}:
        body = _power(moment, lanes, top)
    else:
        body = _pill(moment, lanes, grid, top)
    if moment.violating:
        body += _callout(lanes, grid, top + grid.drawn(moment))
    return row(moment, index, number + body)


def _arrow(arrow: Arrow, lanes: Lanes, top: float, moment: Moment) -> str:
    """Draw one arrow, its label on the actor's side."""
    actor, right = lanes.at[arrow.actor], lanes.at[arrow.actor] > lanes.server
    server = lanes.server + (HALF_BAR if right else -HALF_BAR)
    start, end = (actor, server) if arrow.to_server else (server, actor)
    high, low = top + 20, top + 24
    blamed = moment.violating and (not arrow.to_server or len(moment.arrows) == 1)
    near_actor = high if arrow.to_server else low
    side = -10 if right else 10
    written = label(
        actor + side, near_actor - 7, arrow.label, "end" if right else "start", "red strong" if blamed else None
    )
    return _shaft(arrow, start, end, (high, low), blamed) + written


def _shaft(arrow: Arrow, start: float, end: float, levels: tuple[float, float], blamed: bool) -> str:
    high, low = levels
    forward = 1 if end > start else -1
    share = {Fate.LOST: 0.55, Fate.UNDER_WAY: 0.45, Fate.UNKNOWN: 0.3}.get(arrow.fate, 1.0)
    begin, base = (start, high)
    if arrow.fate is Fate.LATE:
        begin, base = start + (end - start) * 0.45, high + (low - high) * 0.45
    stop = start + (end - start) * share
    level = high + (low - high) * share
    kind = "blamed" if blamed else "arrow"
    dash = " dash" if arrow.fate is not Fate.ARRIVES or arrow.refusal else ""
    tip = stop - forward * (7 if share == 1.0 else 0)
    line = element("line", x1=begin, y1=base, x2=tip, y2=level, class_=kind + dash)
    start_bar = _stop_bar(begin, base, kind) if arrow.fate is Fate.LATE else ""
    match arrow.fate:
        case Fate.LOST:
            return line + _cross(stop + forward * 6, level)
        case Fate.UNDER_WAY:
            return line + _stop_bar(stop, level, kind)
        case Fate.UNKNOWN:
            return line + label(stop + forward * 8, level + 5, "?", "middle", "red strong")
        case _:
            return (
                start_bar
                + line
                + polygon(
                    [(stop, level), (stop - forward * 9, level - 4.5), (stop - forward * 9, level + 3.5)],
                    "blamed-tip" if blamed else "tip",
                )
            )


def _cross(x: float, y: float) -> str:
    return element("path", d=f"M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10", class_="cross")


def _stop_bar(x: float, y: float, kind: str) -> str:
    return element("line", x1=x, x2=x, y1=y - 6, y2=y + 6, class_=kind)


def _power(moment: Moment, lanes: Lanes, top: float) -> str:
    """Draw a kill as a bolt in the broken lane, a restart as a turning arrow."""
    x, y = lanes.server, top + SINGLE / 2
    killed, restarted = moment.kind is Kind.KILL, moment.kind is Kind.RESTART or moment.last > moment.first
    words = "killed, restarted" if killed and restarted else "killed (SIGKILL)" if killed else "restarted, same store"
    turn = ""
    if restarted and not killed:
        turn = element("path", d=f"M{x + 14:.1f} {y + 7:.1f}a8 8 0 1 1 6 -4", class_="again")
        turn += polygon([(x + 24, y - 1), (x + 16, y + 1), (x + 22, y + 7)], "againtip")
    bolt = polygon([(x + 3, y - 13), (x - 6, y + 2), (x, y + 2), (x - 3, y + 13), (x + 6, y - 2), (x, y - 2)], "bolt")
    return (bolt if killed else "") + turn + label(x - 16, y + 4, words, "end", "red strong" if killed else "soft")


def _pill(moment: Moment, lanes: Lanes, grid: Grid, top: float) -> str:
    """Draw what was done to the server as a label on its lane."""
    words = {Kind.PRESET: moment.asked.rpartition("set to ")[2], Kind.TRIM: "trim", Kind.FAIL_STORE: "next store fails"}
    said = short(words.get(moment.kind, moment.asked), 44)
    width = width_of(said) + 20
    x = min(max(lanes.server - width / 2, grid.gutter + 4), max(grid.gutter + 4, lanes.width - width - 8))
    box = element("rect", x=x, y=top + 8, width=width, height=24, rx=12, class_="pill")
    return box + label(x + width / 2, top + 24, said, "middle", "bare")


def _callout(lanes: Lanes, grid: Grid, y: float) -> str:
    """Write the violation's sentence under its arrows."""
    x, height = grid.gutter, grid.callout
    box = element("rect", x=x, y=y, width=lanes.width - x - 14, height=height, rx=4, class_="callout")
    edge = element("rect", x=x, y=y + 4, width=3, height=height - 8, rx=1.5, class_="edge")
    lines = (label(x + 14, y + 18 + LINE * n, line, class_="red strong bare") for n, line in enumerate(grid.sentence))
    return box + edge + "".join(lines)
