"""The ladder's lanes: where each actor stands, and what its lane looks like beside each moment.

Phones stand left, the phones' operating system (where a tip went by it) before the server, senders right. Two lanes
are as far apart as the longest label between them needs. A lane is drawn moment by moment, because its look changes:
a phone's is thick while its long connection is open, the server's breaks at a kill and goes on after the restart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from seqproof_reports.picture import Actor, Arrow, Kind, Moment, Role, Story, Way
from seqproof_reports.routes import OS_PUSH
from seqproof_reports.story import SERVER
from seqproof_reports.svg import HEAD, LABEL, element, label, width_of
from seqproof_reports.text import short

MARGIN = 46  # px: half a lane's box
LANE, CROWDED = 104, 72  # px: between two phones, or two senders; and where there are many
CROWD = 6  # phones, or senders
LEAST_GAP = 118  # px: from the server to the next lane
OS_GAP = 92  # px: from the phones' operating system to the server
NO_PHONES = 96  # room left of the server for what befalls it
BESIDE = 30  # px: what an arrow needs besides its label
HALF_BAR = 4  # px: half of the server's bar
CUT = 40  # characters of a label; a row of the table has the rest
NOTE = 44  # characters of a note on the server's lane


class Lanes:
    """The x of every actor, and the picture's width."""

    def __init__(self, story: Story, gutter: float) -> None:
        self.phones, self.senders = story.having(Role.PHONE), story.having(Role.SENDER)
        self.lane = CROWDED if max(len(self.phones), len(self.senders)) > CROWD else LANE
        rooms = dict(_rooms(story))
        x = float(gutter + MARGIN)
        self.at: dict[str, float] = {}
        for index, actor in enumerate(self.phones):
            self.at[actor.key] = x + index * self.lane
        last = x + (len(self.phones) - 1) * self.lane + LEAST_GAP if self.phones else x + NO_PHONES
        by_os = bool(story.having(Role.OS))
        if by_os:
            last = max(last, x + max(len(self.phones), 1) * self.lane + OS_GAP)
        said = max((width_of(power_words(moment), LABEL) for moment in story.moments), default=0)
        asked = (self.at[actor.key] + rooms.get(actor.key, 0) for actor in self.phones)
        self.at[SERVER] = self.server = float(round(max(last, gutter + said + 30, *asked)))
        if by_os:
            self.at[OS_PUSH] = self.server - OS_GAP
        needed = (rooms.get(actor.key, 0) - index * self.lane for index, actor in enumerate(self.senders))
        first = self.server + round(max([LEAST_GAP, *needed]))
        for index, actor in enumerate(self.senders):
            self.at[actor.key] = first + index * self.lane
        notes = (gutter + 12 + note_width(moment) for moment in story.moments if not moment.arrows)
        self.width = float(round(max(max(self.at.values()) + MARGIN + 12, *notes, 0)))


def _rooms(story: Story) -> Iterator[tuple[str, float]]:
    """What each actor's arrows need, up to the server."""
    arrows = sorted((arrow for moment in story.moments for arrow in moment.arrows), key=_actor)
    for actor, group in groupby(arrows, key=_actor):
        yield actor, max(width_of(short(arrow.label, CUT), LABEL) for arrow in group) + BESIDE


def _actor(arrow: Arrow) -> str:
    return arrow.actor


def note_words(moment: Moment) -> str:
    """What is written on the server's lane where nobody says anything."""
    words = {Kind.PRESET: moment.asked.rpartition("set to ")[2], Kind.TRIM: "trim", Kind.FAIL_STORE: "next store fails"}
    return short(words.get(moment.kind, moment.asked), NOTE)


def note_width(moment: Moment) -> float:
    """How wide a note is; 0 for what is no note."""
    return 0 if power_words(moment) else width_of(note_words(moment)) + 20


def power_words(moment: Moment) -> str:
    """What is written beside the server where it is killed, restarted or taken back; "" elsewhere."""
    match moment.kind:
        case Kind.KILL:
            return "killed (SIGKILL), restarted" if moment.last > moment.first else "killed (SIGKILL)"
        case Kind.RESTART:
            return "restarted, same store"
        case Kind.RESTORE:
            return "taken back to the backup"
        case _:
            return ""


@dataclass(frozen=True)
class Piece:
    """A piece of one lane beside one moment, in px from the moment's top. ``kind``: its class."""

    actor: str
    kind: str
    top: float
    bottom: float


def pieces(story: Story, heights: Iterable[float]) -> list[list[Piece]]:
    """Each moment's pieces of every lane; the heights of their rows are given."""
    up = True
    linked: set[str] = set()
    rows: list[list[Piece]] = []
    for moment, height in zip(story.moments, heights, strict=True):
        server, up = _server(moment, height, up)
        if moment.kind is Kind.KILL:
            linked.clear()
        linked |= {arrow.actor for arrow in moment.arrows if arrow.way is Way.OPENS}
        linked -= {arrow.actor for arrow in moment.arrows if arrow.way is Way.CLOSES}
        others = [actor.key for actor in story.actors if actor.role is not Role.SERVER]
        rows.append([*(Piece(key, "life linked" if key in linked else "life", 0, height) for key in others), *server])
    return rows


def _server(moment: Moment, height: float, up: bool) -> tuple[list[Piece], bool]:
    """The server's lane beside a moment, and whether the server is up after it."""
    before = "bar" if up else "down"
    if moment.kind is Kind.KILL and up:
        back = moment.last > moment.first
        after = [Piece(SERVER, "bar", height - 4, height)] if back else [Piece(SERVER, "down", 4, height)]
        return [Piece(SERVER, "bar", 0, 4), *after], back
    if moment.kind is Kind.RESTART and not up:
        return [Piece(SERVER, "down", 0, height / 2), Piece(SERVER, "bar", height / 2, height)], True
    return [Piece(SERVER, before, 0, height)], up


def joined(rows: Sequence[Sequence[Piece]], tops: Sequence[float]) -> list[Piece]:
    """The pieces of all rows in one picture, those that touch as one."""
    whole: list[Piece] = []
    open_: dict[tuple[str, str], int] = {}
    for row, top in zip(rows, tops, strict=True):
        for piece in row:
            at = open_.get((piece.actor, piece.kind), -1)
            if at >= 0 and whole[at].bottom == top + piece.top:
                whole[at] = Piece(piece.actor, piece.kind, whole[at].top, top + piece.bottom)
            else:
                open_[piece.actor, piece.kind] = len(whole)
                whole.append(Piece(piece.actor, piece.kind, top + piece.top, top + piece.bottom))
    return whole


def draw_piece(piece: Piece, lanes: Lanes, top: float) -> str:
    """Draw a piece of a lane."""
    x, start, end = lanes.at[piece.actor], top + piece.top, top + piece.bottom
    if piece.kind == "bar":
        return element("rect", x=x - HALF_BAR, y=start, width=2 * HALF_BAR, height=end - start, class_="bar")
    return element("line", x1=x, x2=x, y1=start, y2=end, class_=piece.kind)


def name(actor: Actor, lanes: Lanes, top: float) -> str:
    """Draw the box with an actor's name at the head of its lane."""
    x, y = lanes.at[actor.key], top + 14
    width = max(lanes.lane - 16, 78 if actor.role is Role.OS else 0)
    box = element("rect", x=x - width / 2, y=y, width=width, height=HEAD - 28, rx=7, class_="box")
    if actor.role in {Role.SERVER, Role.OS}:
        return box + label(x, y + 21, actor.name, "middle", "head bare")
    said = short(actor.name, 9 if lanes.lane == LANE else 6)
    return (
        box + label(x, y + 14, actor.role.value, "middle", "num bare") + label(x, y + 28, said, "middle", "head bare")
    )
