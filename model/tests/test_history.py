"""History files: written as they happen, read whole or partial, foreign ones refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqproof_model import history as h
from seqproof_model.judge import judge
from seqproof_model.profile import built_in

HEADER = h.Header("t", ("kill",), built_in()["strict"], seed=3)
EVENTS: tuple[h.Event, ...] = (
    h.Mark("F4"), h.Preset("x", 7), h.Send(1, "x", "m1", "s", "c1"), h.Ok(1, seq=8), h.Kill(), h.Restart(),
    h.Send(2, "x", "ü\n\"\u2028", client_id="c2"), h.Indefinite("timeout", id=2), h.Settled(2),
    h.Recv(3, "x", "A", 2**53 + 1), h.Refused(h.Code.AHEAD, id=3, seq_svr=2**64 - 1), h.Trim("x"), h.FailStore(),
    h.Recv(4, "x", "A", 7), h.Ok(4, rows=((8, "m1"), (2**60, "m2")), more=True, upto=2**60, delivered=False),
    h.Delivered(4),
)  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "history.jsonl"
    h.write(file, HEADER, EVENTS)
    return file


def test_what_is_written_is_read(path: Path) -> None:
    assert h.read(path) == h.History(HEADER, EVENTS)


def test_seqs_beyond_what_a_double_holds_travel_as_strings(path: Path) -> None:
    text = path.read_text("utf-8")
    assert '"seq_cli":"9007199254740993"' in text
    assert '"seq_svr":"18446744073709551615"' in text
    assert '[["1152921504606846976"' not in text
    assert '[8,"m1"],["1152921504606846976","m2"]' in text


def test_a_file_cut_anywhere_is_read_up_to_its_last_good_line(path: Path) -> None:
    whole = path.read_bytes()
    header_ends = whole.index(b"\n") + 1
    for size in range(header_ends, len(whole)):
        path.write_bytes(whole[:size])
        kept = h.read(path)
        lines = whole[:size].count(b"\n")
        complete = whole[size : size + 1] == b"\n"  # only the line's end is missing: the line itself is good
        footer = complete and lines == len(EVENTS) + 1
        assert kept.events == EVENTS[: lines - 1 + complete]
        assert kept.partial == (None if footer else lines + complete)


def test_a_partial_history_is_inconclusive_and_names_the_line(path: Path) -> None:
    path.write_bytes(b"\n".join(path.read_bytes().split(b"\n")[:5]) + b"\n")
    verdict = judge(h.read(path))
    assert verdict.conformant
    assert "its last good line is 5" in verdict.inconclusive[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "is not a seqproof history: line 1 is no header"),
        (b"\n", "is not a seqproof history"),
        (b"\x89PNG\r\n", "is not a seqproof history"),
        (b'{"event":"send","id":1}\n', "is not a seqproof history"),
        (b"[1, 2]\n", "is not a seqproof history"),
        (b'{"format":"seqproof-history","version":2}\n', "has history version 2; this seqproof reads version 1"),
        (b'{"event":"header","format":"seqproof-history","version":1}\n', ":1: "),
    ],
)
def test_a_foreign_file_is_one_clear_error(tmp_path: Path, text: bytes, says: str) -> None:
    file = tmp_path / "foreign"
    file.write_bytes(text)
    with pytest.raises(h.HistoryError) as caught:
        h.read(file)
    assert says in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rubbish_in_the_middle_names_the_line(path: Path) -> None:
    lines = path.read_bytes().split(b"\n")
    lines[4] = b'{"event":"okay","id":1}'
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(h.HistoryError, match=f"{path}:5: "):
        h.read(path)


def test_a_footer_that_counts_wrongly_and_a_second_header_are_errors(path: Path) -> None:
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([*lines[:3], *lines[4:]]))
    with pytest.raises(h.HistoryError, match="the footer counts 16 events, the file holds 15"):
        h.read(path)
    path.write_bytes(b"\n".join([*lines[:3], lines[0], *lines[3:]]))
    with pytest.raises(h.HistoryError, match="a second header"):
        h.read(path)


def test_an_unreadable_file_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(h.HistoryError, match=r"cannot read .*: No such file"):
        h.read(tmp_path / "missing")
    with pytest.raises(h.HistoryError, match=r"cannot read .*: Is a directory"):
        h.read(tmp_path)


def test_each_event_is_on_disk_before_the_next(tmp_path: Path) -> None:
    file = tmp_path / "h.jsonl"
    with h.Writer(file, HEADER) as writer:
        for count, event in enumerate(EVENTS, start=1):
            writer.write(event)
            assert len(h.read(file).events) == count
            assert h.read(file).partial == count + 1
    assert h.read(file).partial is None


def test_ctrl_c_leaves_a_whole_file_and_another_error_a_partial_one(tmp_path: Path) -> None:
    for error, partial in ((KeyboardInterrupt(), None), (RuntimeError(), 1)):
        file = tmp_path / "h.jsonl"
        with pytest.raises(type(error)), h.Writer(file, HEADER):
            raise error
        kept = h.read(file)
        assert (kept.partial, kept.interrupted) == (partial, partial is None)
