"""A counterexample's directory: every format is there, is read again, and nothing half-written stays."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from seqproof_model import history, kept, scenario
from seqproof_model.engines import itf
from seqproof_model.history import Ok, Recv, Send
from seqproof_model.verdict import Counterexample
from seqproof_reports import directory
from seqproof_reports.itf_file import itf_trace
from seqproof_reports.ladder import ladder_svg
from seqproof_reports.repro import MOST_TRIES, repro_test, tries
from seqproof_reports.slide import plain, slide_svg

DATA = Path(__file__).parent / "data"
NAMES = sorted(path.stem for path in DATA.glob("*.json"))
EVERYTHING = {
    "counterexample.json", "history.jsonl", "ladder.svg", "report.html", "report.md", "scenario.json",
    "test_repro.py", "trace.itf.json",
}  # fmt: skip


def load(name: str) -> Counterexample:
    return msgspec.json.decode((DATA / f"{name}.json").read_bytes(), type=Counterexample)


def test_everything_written_can_be_read_again(tmp_path: Path) -> None:
    found = load("hostile_texts")
    paths = directory.write(tmp_path / "deep" / "cex", found)
    assert set(paths) == EVERYTHING
    assert {path.name for path in (tmp_path / "deep" / "cex").iterdir()} == EVERYTHING
    assert history.read(paths["history.jsonl"]) == history.History(found.header, found.events)
    assert scenario.read(paths["scenario.json"]) == found.scenario
    assert kept.decode(paths["counterexample.json"].read_bytes()) == kept.facts(found)


@pytest.mark.parametrize("name", NAMES)
def test_a_directory_is_read_as_the_counterexample_that_was_written(name: str, tmp_path: Path) -> None:
    found = load(name)
    violation = kept.first(history.History(found.header, found.events))
    assert violation
    found = msgspec.structs.replace(found, violation=violation)
    files = {path.name: path.read_bytes() for path in directory.write(tmp_path, found).values()}
    again = kept.read(tmp_path)
    assert again == kept.Kept(found)
    assert {path.name: path.read_bytes() for path in directory.write(tmp_path, found).values()} == files


def test_without_its_history_the_rest_is_read_from_nothing(tmp_path: Path) -> None:
    with pytest.raises(kept.KeptError, match=r"holds no history\.jsonl; name the directory"):
        kept.read(tmp_path)


def test_the_judge_is_believed_and_what_was_kept_otherwise_is_said(tmp_path: Path) -> None:
    found = load("lost_after_kill")
    directory.write(tmp_path, found)
    again = kept.read(tmp_path)
    assert again.counterexample.violation.observation == "EMPTY_REPLY"
    one, other = again.notes
    said = "the history says EMPTY_REPLY, counterexample.json said empty with something due"
    assert one == f"{tmp_path}: what was observed: {said}"
    assert other.endswith(f"though seq 1 is due, counterexample.json said {found.violation.sentence}")


def test_a_history_that_was_cut_is_read_to_its_last_line_and_may_hold_no_violation_then(tmp_path: Path) -> None:
    paths = directory.write(tmp_path, load("lost_after_kill"))
    lines = paths["history.jsonl"].read_bytes().splitlines(keepends=True)
    paths["history.jsonl"].write_bytes(b"".join(lines[:-1]))
    assert kept.read(tmp_path).notes[0].endswith(f"has no end; it is read up to line {len(lines) - 1}")
    paths["history.jsonl"].write_bytes(b"".join(lines[:3]) + lines[3][:9])
    with pytest.raises(kept.KeptError, match=r"holds no violation, though counterexample.json has one of RCV-7"):
        kept.read(tmp_path)


def test_the_history_alone_is_enough(tmp_path: Path) -> None:
    paths = directory.write(tmp_path, load("lost_after_kill"))
    paths["scenario.json"].unlink()
    paths["counterexample.json"].unlink()
    found = kept.read(tmp_path).counterexample
    assert found.replay == f"seqproof check {tmp_path / 'history.jsonl'}"
    assert found.events == load("lost_after_kill").events
    (tmp_path / "new").mkdir()
    assert {"scenario.json", "test_repro.py"} == EVERYTHING - set(directory.write(tmp_path / "new", found))


@pytest.mark.parametrize("text", [b"{", b"[]", b'{"violation": 1}', b"\xff"])
def test_facts_that_cannot_be_read_are_one_line(text: bytes) -> None:
    with pytest.raises(kept.KeptError, match=r"^x tells nothing of a counterexample: .*; remove it"):
        kept.decode(text, "x")


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    found = load("page_with_a_hole")
    first = {name: path.read_bytes() for name, path in directory.write(tmp_path, found).items()}
    assert first == {name: path.read_bytes() for name, path in directory.write(tmp_path, found).items()}


def test_a_write_that_fails_leaves_the_old_file_and_no_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[:9])
        raise OSError(28, "No space left on device")

    (tmp_path / "history.jsonl").write_text("the old one")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        directory.write(tmp_path, load("lost_after_kill"))
    assert (tmp_path / "history.jsonl").read_bytes() == b"the old one"
    assert [path.name for path in tmp_path.iterdir()] == ["history.jsonl"]


# ---------------------------------------------------------------- test_repro.py


@pytest.mark.parametrize("name", NAMES)
def test_the_test_is_a_short_program_with_the_steps_of_the_scenario(name: str) -> None:
    found = load(name)
    tree = ast.parse(repro_test(found))
    values = {
        n.targets[0].id: n.value for n in tree.body if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name)
    }
    assert ast.literal_eval(values["STEPS"]) == msgspec.json.decode(msgspec.json.encode(found.scenario.steps))
    assert [type(node) for node in tree.body] == [ast.Import, ast.ImportFrom, *[ast.Assign] * 3, ast.FunctionDef]
    assert max(map(len, repro_test(found).splitlines()[:20])) <= 120


@pytest.mark.parametrize("said", ['"""\nimport evil', "\\", "\r\nimport evil", "\u2028import evil", "'''", "# x\x0c"])
def test_nothing_that_a_server_says_becomes_code(said: str) -> None:
    found = load("lost_after_kill")
    violation = msgspec.structs.replace(found.violation, sentence=said)
    header = msgspec.structs.replace(found.header, target=said)
    steps = msgspec.structs.replace(found.scenario, steps=(scenario.Send(body=said + "\ud800", account=said),))
    text = repro_test(msgspec.structs.replace(found, violation=violation, header=header, claim=said, scenario=steps))
    assert "evil" not in [getattr(node, "id", "") for node in ast.walk(ast.parse(text))]
    assert not re.search(r"^import evil", text, re.MULTILINE)
    assert ast.literal_eval(text.partition("STEPS = ")[2].partition("\n\n\n")[0])[0]["body"] == said + "\ud800"


@pytest.mark.parametrize(("seen", "tried", "times"), [(5, 5, 1), (4, 5, 4), (2, 5, 9), (0, 5, 30), (0, 0, 7)])
def test_the_rarer_it_showed_the_oftener_it_is_tried(seen: int, tried: int, times: int) -> None:
    found = msgspec.structs.replace(load("lost_after_kill"), reproduced=seen, tried=tried)
    assert tries(found) == times <= MOST_TRIES
    assert (f"tries={times})" in repro_test(found)) == (times > 1)


def test_another_profile_than_a_built_in_one_stands_in_the_test_in_full() -> None:
    found = load("lost_after_kill")
    mine = msgspec.structs.replace(found.header.profile, name="strict", seq_max=99)
    text = repro_test(msgspec.structs.replace(found, header=msgspec.structs.replace(found.header, profile=mine)))
    assert '"seq_max": 99' in text
    assert 'PROFILE = "strict"' in repro_test(found)


# ---------------------------------------------------------------- trace.itf.json


@pytest.mark.parametrize("name", NAMES)
def test_the_trace_has_the_marks_after_each_exchange(name: str) -> None:
    found = load(name)
    meta, states, _, loop = itf.parsed(itf_trace(found))
    assert (meta["format"], meta["broken"], loop) == ("ITF", [found.violation.requirement], None)
    assert [int(state["event"]["#bigint"]) for state in states][-1] == len(found.events)
    assert states[0][itf.ACTION] == itf.INIT
    broken = [state["event"] for state in states if state["broken"]["#set"]]
    assert len(broken) == 1
    answers = sum(isinstance(event, Ok) for event in found.events)
    asked = sum(isinstance(event, Send | Recv) for event in found.events)
    assert sum(state[itf.ACTION] in ("send", "recv") for state in states) >= min(asked, answers)


def test_the_marks_of_the_trace_move_as_the_history_says() -> None:
    _, states, _, _ = itf.parsed(itf_trace(load("lost_after_kill")))
    accounts = [dict(state["accounts"]["#map"])["x"] for state in states]
    assert [account["allocated"] for account in accounts] == [{"#bigint": str(n)} for n in (0, 1, 1, 1)]
    assert accounts[-1]["missing"] == {"#set": [{"#tup": [{"#bigint": "1"}, {"#bigint": "1"}]}]}


def test_no_engine_takes_a_real_servers_trace_for_a_run_of_the_model() -> None:
    with pytest.raises(itf.ItfError, match=r"^trace: it tells what a real server did.*take the scenario\.json"):
        itf.decode(itf_trace(load("lost_after_kill")))


# ---------------------------------------------------------------- ladder.svg


@pytest.mark.parametrize("name", NAMES)
def test_the_slide_needs_no_variable_no_setting_and_no_order_of_painting(name: str) -> None:
    text = slide_svg(load(name))
    root = ElementTree.fromstring(text)  # noqa: S314 - our own
    assert not re.search(r"var\(|@media|paint-order:stroke;stroke:|--[a-z]|url\(|href|<script", text)
    assert {child.tag.rpartition("}")[2] for child in root} >= {"title", "desc", "style"}
    assert root.get("role") == "img"
    for text_of in root.iter("{http://www.w3.org/2000/svg}text"):
        assert ("aria-hidden" in text_of.attrib) == ("stroke-width:4" in (text_of.get("style") or ""))


def test_each_text_of_the_slide_lies_on_its_own_halo() -> None:
    found = load("two_phones_lost_replies")
    root = ElementTree.fromstring(slide_svg(found))  # noqa: S314 - our own
    texts = ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]
    page = ElementTree.fromstring(ladder_svg(found.events, header=found.header, violation=found.violation))  # noqa: S314
    shown = {"".join(node.itertext()) for node in page.iter("{http://www.w3.org/2000/svg}text")}
    assert shown <= set(texts)
    haloed = [node for node in root.iter("{http://www.w3.org/2000/svg}text") if node.get("aria-hidden")]
    assert len(haloed) > len(texts) / 3
    red = "#fdecec"
    assert any(red in (node.get("style") or "") for node in haloed)


def test_a_colour_that_the_palette_lacks_is_not_left_as_a_variable() -> None:
    odd = '<svg xmlns="http://www.w3.org/2000/svg"><style>.a{fill:var(--none)}</style></svg>'
    assert "var(" not in plain(odd)
