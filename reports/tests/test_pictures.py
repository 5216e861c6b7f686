"""The ladder and the seq ruler: whole, safe and deterministic SVG in which lost, missing and repeated things show."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from seqproof_model import history as h
from seqproof_model.profile import built_in
from seqproof_model.verdict import Counterexample
from seqproof_reports import axis, ladder, ruler
from seqproof_reports.ladder import ladder_svg
from seqproof_reports.picture import PhoneState, State
from seqproof_reports.ruler import ruler_svg
from seqproof_reports.story import tell

DATA = Path(__file__).parent / "data"
NAMES = sorted(path.stem for path in DATA.glob("*.json"))
HEADER = h.Header("reference", ("send_seq",), built_in()["strict"])
SVG = "{http://www.w3.org/2000/svg}"


def load(name: str) -> Counterexample:
    return msgspec.json.decode((DATA / f"{name}.json").read_bytes(), type=Counterexample)


def both(name: str) -> tuple[str, str]:
    found = load(name)
    story = tell(found.events, found.header, found.violation)
    return ladder.draw(story, title=name), ruler.draw(story, title=name)


def titled(title: str) -> list[str]:
    found = load("lost_after_kill")
    return [draw(found.events, header=found.header, title=title) for draw in (ladder_svg, ruler_svg)]


def having(svg: str, class_: str) -> list[ET.Element]:
    root = ET.fromstring(svg)  # noqa: S314 - written by the code under test
    return [node for node in root.iter() if class_ in node.get("class", "").split()]


def golden() -> list[h.Event]:
    """F4, F5, F6: 200 sends, two phones."""
    events: list[h.Event] = []
    operation = 0
    for upto, asks in ((100, [("A", 0, 1)]), (150, [("A", 100, 101)]), (200, [("A", 150, 151), ("B", 120, 151)])):
        for n in range(asks[0][2], upto + 1):
            operation += 1
            events += [h.Send(operation, "x", f"m{n}"), h.Ok(operation, seq=n)]
        for phone, seq_cli, first in asks:
            operation += 1
            rows = tuple((n, f"m{n}") for n in range(first, upto + 1))
            events += [h.Recv(operation, "x", phone, seq_cli), h.Ok(operation, rows=rows)]
    return events


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_well_formed_described_and_the_same_each_time(name: str) -> None:
    for first, second in zip(both(name), both(name), strict=True):
        assert first == second
        root = ET.fromstring(first)  # noqa: S314 - written by the code under test
        assert root.tag == f"{SVG}svg"
        assert (root.findtext(f"{SVG}title"), bool(root.findtext(f"{SVG}desc"))) == (name, True)


@pytest.mark.parametrize("name", NAMES)
def test_the_ladder_and_the_ruler_stand_in_step(name: str) -> None:
    def rows(svg: str) -> list[tuple[str | None, str | None, str | None]]:
        found = having(svg, "row")
        rects = [(node.get("data-step"), node.find(f"{SVG}rect[@class='hit']")) for node in found]
        return [(step, rect.get("y"), rect.get("height")) for step, rect in rects if rect is not None]

    drawn, ruled = both(name)
    assert rows(drawn) == rows(ruled) != []


def test_hostile_texts_are_text() -> None:
    for svg in both("hostile_texts"):
        root = ET.fromstring(svg)  # noqa: S314 - written by the code under test
        assert {node.tag for node in root.iter()}.isdisjoint({f"{SVG}script", f"{SVG}b", f"{SVG}i", f"{SVG}img"})
        assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", svg)


def test_each_lost_arrow_ends_in_a_cross() -> None:
    assert len(having(both("two_phones_lost_replies")[0], "cross")) == 2
    assert len(having(both("lost_after_kill")[0], "cross")) == 0


def test_a_kill_breaks_the_servers_lane_and_only_the_answer_is_blamed() -> None:
    drawn = both("lost_after_kill")[0]
    assert (len(having(drawn, "bolt")), len(having(drawn, "bar")), len(having(drawn, "blamed"))) == (1, 2, 1)


def test_a_server_that_stays_down_is_drawn_down_until_its_restart() -> None:
    down: list[h.Event] = [h.Kill(), h.Send(1, "x", "m"), h.Indefinite("reset", 1)]
    assert len(having(ladder_svg(down, header=HEADER), "down")) == 1
    assert len(having(ladder_svg([*down, h.Restart()], header=HEADER), "againtip")) == 1


def test_the_sentence_stands_in_the_ladder() -> None:
    lines = " ".join(node.text or "" for node in having(both("page_with_a_hole")[0], "strong"))
    assert "seq 10 is due" in lines


@pytest.mark.parametrize(
    ("name", "mark", "letter"),
    [
        ("page_with_a_hole", "miss", "M"),
        ("two_phones_lost_replies", "rep", "R"),
        ("seq_reused_after_kill", "stake", "!"),
        ("wrap_at_uint_max", "stake", "!"),
    ],
)
def test_the_ruler_marks_by_shape_and_letter_in_the_row_and_in_the_legend(name: str, mark: str, letter: str) -> None:
    ruled = both(name)[1]
    assert len(having(ruled, mark)) == 2
    assert [node.text for node in having(ruled, "mark")] == [letter, letter]


def test_no_text_is_wider_than_its_picture_is() -> None:
    for svg in (*(svg for name in NAMES for svg in both(name)), *titled("a title longer than most " * 4)):
        root = ET.fromstring(svg)  # noqa: S314 - written by the code under test
        width = float(root.get("width", "0"))
        for node in root.iter(f"{SVG}text"):
            estimate, x = len(node.text or "") * 6.2, float(node.get("x", "0"))
            left = {"end": x - estimate, "middle": x - estimate / 2}.get(node.get("text-anchor", ""), x)
            assert -1 <= left <= left + estimate <= width + 1, node.text


def test_the_golden_scenarios_are_a_compact_picture_without_a_violation() -> None:
    drawn = ladder_svg(golden(), header=HEADER, title="F6")
    root = ET.fromstring(drawn)  # noqa: S314 - written by the code under test
    assert float(root.get("height", "0")) < 600
    assert {"100 sends", "seq 101..150", "recv after 120", "151..200"} <= {node.text for node in root.iter()}
    axis_names = {node.text for node in having(ruler_svg(golden(), header=HEADER), "axis")}
    assert axis_names == {"0", "1..100", "101..150", "151..200"}


def state(allocated: int, seq_cli: int = 0, *, given: tuple[tuple[int, int], ...] = ()) -> State:
    return State("x", allocated, 0, 0, 0, (PhoneState("p", "A", seq_cli, ()),), given=given)


def test_a_short_axis_shows_every_seq() -> None:
    assert [cell.text for cell in axis.build([state(5)], 1, 99).cells] == ["1", "2", "3", "4", "5"]


def test_a_long_axis_breaks_where_nothing_tells_seqs_apart() -> None:
    found = axis.build([state(200, 120, given=((150, 151),))], 1, 2**32 - 1)
    assert [cell.text for cell in found.cells] == ["1..120", "121..149", "150", "151", "152..200"]


def test_an_axis_near_the_end_abbreviates_and_says_what_it_left_out() -> None:
    top = 2**32 - 1
    found = axis.build([state(top, top - 2, given=((top, top),))], 1, top)
    assert [cell.text for cell in found.cells] == ["≤…293", "…294", "…295"]
    assert found.prefix == "4294967"


def test_an_axis_never_grows_without_bound() -> None:
    holes = tuple((n, n) for n in range(1, 2001, 2))
    assert len(axis.build([state(2000, given=holes)], 1, 2**32 - 1).cells) == axis.MOST


def test_a_mark_stands_at_the_edge_of_what_it_covers() -> None:
    found = axis.build([state(3)], 1, 99)
    assert [found.edge(seq) for seq in (0, 1, 3)] == [0, found.cells[0].width, found.width]
