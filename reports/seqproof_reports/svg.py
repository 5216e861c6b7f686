"""The drawing board: colours, escaping and the row grid that the ladder and the seq ruler share.

Both pictures give a moment the same height, so that they stand in step when they are put side by side. A picture is a
whole SVG file: it carries its style, paints its own paper, follows the reader's light or dark setting, and is the same
byte for byte for the same story. Colour never speaks alone: every mark has a shape or a letter too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from xml.sax.saxutils import quoteattr

from seqproof_reports.picture import Kind, Moment, Role, Story
from seqproof_reports.text import between, visible, wrap

TITLE = 34  # px: the line above the picture, where there is one
HEAD = 62  # px: the lanes' names, the axis
ARROW = 25  # px: from an arrow to the next one of its moment
SINGLE = 40  # px: one arrow or one mark
RULER_CELLS = 38  # px: the cells of a ruler row, before its phones
RULER_PHONE = 13  # px: each line of phones below the cells
MANY = 4  # phones of an account: beyond it, those that stand alike share a line
LINE = 17  # px: one line of the violation's sentence
FOOT = 20  # px
NUMBER = 10.5  # px: the event numbers' size
BOLD = 7.0  # px: one character of the sentence
LABEL = 12.6  # px: the size by which an arrow's label is measured; its own, and a little for bold

SANS = "ui-sans-serif,system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
LIGHT = {
    "paper": "#ffffff",
    "ink": "#1b2027",
    "soft": "#59636f",
    "line": "#c8ced6",
    "faint": "#eef1f4",
    "server": "#334155",
    "conf": "#c3ccd7",
    "blue": "#1a5fd0",
    "red": "#c01f26",
    "redbg": "#fdecec",
    "orange": "#9c4a00",
    "orangebg": "#ffe7cc",
    "teal": "#0b7464",
}
DARK = {
    "paper": "#14181d",
    "ink": "#e7ebf0",
    "soft": "#9ba6b4",
    "line": "#3b4450",
    "faint": "#1e242b",
    "server": "#a9b7c8",
    "conf": "#4a5665",
    "blue": "#82b1ff",
    "red": "#ff8a84",
    "redbg": "#3b1b1e",
    "orange": "#ffb870",
    "orangebg": "#43290f",
    "teal": "#5fd3bf",
}


def variables(colours: dict[str, str]) -> str:
    """Write colours as CSS variables."""
    return "".join(f"--{name}:{value};" for name, value in colours.items())


COLOURS = f":root,svg.sq{{{variables(LIGHT)}}}@media(prefers-color-scheme:dark){{:root,svg.sq{{{variables(DARK)}}}}}"
MARKS = (
    f".sq{{font:12px {SANS};fill:var(--ink)}}"
    ".sq text{paint-order:stroke;stroke:var(--halo);stroke-width:4px;stroke-linejoin:round}"
    ".sq .bare text,.sq text.bare{stroke:none}"
    ".sq .paper{fill:var(--paper)}.sq .soft{fill:var(--soft)}.sq .num{fill:var(--soft);font-size:10.5px}"
    ".sq .head{font-weight:600;font-size:12.5px}.sq .title{font-weight:650;font-size:15px}"
    ".sq .red{fill:var(--red)}.sq .orange{fill:var(--orange)}.sq .strong{font-weight:650}"
    ".sq .life{stroke:var(--line);stroke-width:1.5}.sq .box{fill:var(--faint);stroke:var(--line)}"
    ".sq line,.sq path{fill:none}"
)
STYLE = (
    COLOURS + MARKS + ".sq{--halo:var(--paper)}.sq .hit{fill:transparent}.sq .bad .hit,.sq .bad .callout"
    "{fill:var(--redbg)}.sq .bad{--halo:var(--redbg)}.sq .rail{fill:none}.sq .bad .rail{fill:var(--red)}"
    ".sq .kill .hit{fill:var(--faint);stroke:var(--red);stroke-dasharray:2 4}.sq .kill{--halo:var(--faint)}"
)


def text(value: object) -> str:
    """Escape for XML text; what XML cannot hold becomes a visible sign."""
    return visible(str(value)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def element(name: str, content: str = "", **attributes: object) -> str:
    """Write an element. ``content`` is markup already; ``class_`` stands for class, ``_`` in names for ``-``."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}={quoteattr(visible(_value(value)))}"
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def _value(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


def label(x: float, y: float, value: object, anchor: str = "start", class_: str | None = None) -> str:
    """Write a text at its baseline."""
    return element("text", text(value), x=x, y=y, text_anchor=None if anchor == "start" else anchor, class_=class_)


def polygon(points: Sequence[tuple[float, float]], class_: str | None = None) -> str:
    """Draw a filled shape."""
    joined = " ".join(f"{_value(float(x))},{_value(float(y))}" for x, y in points)
    return element("polygon", points=joined, class_=class_)


def width_of(value: str, size: float = 12) -> float:
    """Estimate a text's width in px; generous, because the reader's font is not known."""
    wide = sum(1.0 if ord(char) > 0x2E80 else 0.58 for char in visible(value))
    return wide * size


def title_width(title: str) -> float:
    """How wide a picture must be for its title, margins included."""
    return 32 + width_of(title, 16) if title else 0


def document(name: str, size: tuple[float, float], style: str, body: Iterable[str], words: tuple[str, str]) -> str:
    """Wrap a picture into a whole SVG file; ``words``: its title and its description for those who listen."""
    width, height = (round(value) for value in size)
    title, desc = words
    parts = [
        element("title", text(title) or "picture", id=f"{name}-title"),
        element("desc", text(desc) or "picture", id=f"{name}-desc"),
        element("style", text(style).replace("&gt;", ">")),
        element("rect", width=width, height=height, rx=10, class_="paper"),
        *body,
    ]
    return element(
        "svg",
        "\n".join(parts) + "\n",
        xmlns="http://www.w3.org/2000/svg",
        class_=f"sq {name}",
        width=width,
        height=height,
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )


class Grid:
    """Where each moment's row stands, in px from the top. The same for the ladder and the ruler of one story.

    ``gutter``: the room for event numbers. ``callout``: the height of the violation's sentence below its moment.
    """

    def __init__(self, story: Story, titled: bool) -> None:
        self.head = TITLE if titled else 0
        self.top = self.head + HEAD
        numbers = [between(moment.first, moment.last) for moment in story.moments]
        self.gutter = round(max((width_of(number, NUMBER) for number in numbers), default=0) + 22)
        self.sentence: list[str] = []
        self.callout = 0
        self._story = story
        self._lay()

    def say(self, sentence: str, width: float, least: int) -> None:
        """Make room below the violating moment for a sentence, ``width`` px wide, of ``least`` lines or more."""
        self.sentence = wrap(visible(sentence), max(24, int(width / BOLD)))
        self.callout = LINE * max(len(self.sentence), least) + 12
        self._lay()

    def _lay(self) -> None:
        self.heights = [self.drawn(m) + (self.callout + 10 if m.violating else 0) for m in self._story.moments]
        *self.tops, self.bottom = accumulate(self.heights, initial=self.top)

    def drawn(self, moment: Moment) -> int:
        """The height of a moment's own drawing, in both pictures."""
        lines = max((self._lines(moment, account) for account in self._story.accounts), default=0)
        arrows = 33 + ARROW * (len(moment.arrows) - 1) if len(moment.arrows) > 1 else SINGLE
        return max(arrows, RULER_CELLS + RULER_PHONE * lines)

    def _lines(self, moment: Moment, account: str) -> int:
        """The lines of phones below an account's cells."""
        phones = sum(actor.account == account for actor in self._story.having(Role.PHONE))
        if phones <= MANY:
            return phones
        return next((len(state.alike()) for state in moment.states if state.account == account), 0)


def ground(moment: Moment, index: int, top: float, size: tuple[float, float]) -> str:
    """Draw a moment's background: it lies under the lanes, can be pointed at, and lights up with its row."""
    width, height = size
    back = element("rect", x=2, y=top, width=width - 4, height=height, rx=6, class_="hit")
    rail = element("rect", x=2, y=top + 5, width=3, height=height - 10, rx=1.5, class_="rail")
    return element("g", _tip(moment) + back + rail, class_=_row_class(moment), data_step=index)


def row(moment: Moment, index: int, body: str) -> str:
    """Wrap one moment's drawing into a group; the same ``data-step`` in every picture."""
    return element("g", _tip(moment) + body, class_=_row_class(moment), data_step=index)


def _tip(moment: Moment) -> str:
    return element("title", text(f"{between(moment.first, moment.last)}: {moment.words}"))


def _row_class(moment: Moment) -> str:
    return " ".join(["row", *said_of(moment)])


def said_of(moment: Moment) -> list[str]:
    """The classes of a moment's row: the violation, and what the server loses its memory by, stand out."""
    gone = moment.kind in {Kind.KILL, Kind.RESTORE}
    return [name for name, there in (("bad", moment.violating), ("kill", gone)) if there]


def describe(story: Story) -> str:
    """Tell the whole story in a paragraph, for those who cannot see the picture."""
    told = [f"{between(moment.first, moment.last)}: {moment.words}." for moment in story.moments]
    end = [f"Violation: {story.violation.sentence}."] if story.violation else []
    return " ".join([*told, *end])
