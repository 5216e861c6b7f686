"""The baseline file: read with one-line errors, changed line by line, and a person's comments kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqproof_conformance.baseline import TODO, Baseline, BaselineError, read, updated, write
from seqproof_model.assessment import Known
from seqproof_model.profile import built_in
from seqproof_model.verdict import Grade, Result, Verdict, Violation

TEXT = """\
# Ours, since 2024.

# The shipped defaults keep nothing.
[[known]]
requirement = "SEQ-3"   # never twice
target = "valkey"
reason = "OPS-12"

# This one is the old cluster.
[[known]]
requirement = "RCV-7"
target = "valkey*"
reason = '''
several
# lines
'''

[[known]]
requirement = "SEQ-3"
target = "shop"
reason = "another server"
# The end.
"""


def verdict(failed: list[str], passed: list[str], target: str = "valkey") -> Verdict:
    grades = [Grade(name, Result.FAIL, 1) for name in failed] + [Grade(name, Result.PASS, 1) for name in passed]
    return Verdict(target, built_in()["strict"], tuple(grades), tuple(violations(failed)), 9)


def violations(failed: list[str], says: str = 'seq 1 was given to "m2"') -> list[Violation]:
    return [Violation(name, "I-UNIQ", "twice", says, 1, "x", 1) for name in failed]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "known.toml"
    path.write_text(TEXT, "utf-8")
    return path


def test_entries_are_read_in_order(file: Path) -> None:
    assert [(entry.requirement, entry.target) for entry in read(file).entries] == [
        ("SEQ-3", "valkey"),
        ("RCV-7", "valkey*"),
        ("SEQ-3", "shop"),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[known]]\nrequirement = 'SEQ-3'\ntarget = '*'\n", "missing required field `reason`"),
        ("[[known]]\nrequirement = 'SEQ-3'\ntarget = '*'\nreason = '  '\n", "the reason is empty"),
        ("[[known]]\nrequirement = 'SEQ-33'\ntarget = '*'\nreason = 'x'\n", "did you mean SEQ-3"),
        ("[[known]]\nrequirement = 'SEQ-3'\ntarget = '*'\nreason = 'x'\n" * 2, "stands twice"),
        ("[[known]]\nrequirement = 'SEQ-3'\ntarget = '*'\nreason = 'x'\nuntil = 3\n", "unknown field `until`"),
        ("[[knwon]]\n", "unknown field `knwon`"),
        ("known = 3\n", "Expected `array`"),
        ("[[known\n", "known.toml"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "known.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(BaselineError) as error:
        read(path)
    assert says in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_lists_nothing_only_when_it_is_to_be_written(tmp_path: Path) -> None:
    assert read(tmp_path / "none.toml", to_update=True).entries == ()
    with pytest.raises(BaselineError, match="--update-baseline writes it"):
        read(tmp_path / "none.toml")


def test_a_folder_is_no_baseline(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match="Is a directory"):
        read(tmp_path)


# ------------------------------------------------------------ update


def test_what_fits_is_not_touched(file: Path) -> None:
    before = read(file)
    assert updated(before, verdict(["SEQ-3", "RCV-7"], []), [], whole=True) is before


def test_a_new_failure_is_added_with_its_sentence_and_a_reason_to_write(file: Path) -> None:
    failed = ["SEQ-3", "RCV-7", "CNF-3"]
    after = updated(read(file), verdict(failed, []), violations(failed), whole=True)
    assert after.text.startswith(TEXT)
    assert after.entries[-1] == Known("CNF-3", "valkey", TODO, 'seq 1 was given to "m2"')
    assert after.unexplained("valkey")[0].endswith("CNF-3 for valkey is listed without a reason; say why it may fail")
    assert after.unexplained("shop") == []


def test_a_stale_entry_goes_and_every_comment_stays(file: Path) -> None:
    after = updated(read(file), verdict(["RCV-7"], ["SEQ-3"]), [], whole=True)
    assert [(entry.requirement, entry.target) for entry in after.entries] == [("RCV-7", "valkey*"), ("SEQ-3", "shop")]
    assert [line for line in after.text.splitlines() if line.startswith("#")] == [
        line for line in TEXT.splitlines() if line.startswith("#")
    ]


def test_an_entry_that_ends_in_a_text_of_several_lines_goes_whole(file: Path) -> None:
    after = updated(read(file), verdict(["SEQ-3"], ["RCV-7"]), [], whole=True)
    assert [entry.reason for entry in after.entries] == ["OPS-12", "another server"]
    assert "several" not in after.text


def test_after_a_run_that_was_not_whole_nothing_goes(file: Path) -> None:
    before = read(file)
    assert updated(before, verdict([], ["SEQ-3", "RCV-7"]), [], whole=False) is before


@pytest.mark.parametrize("body", ['"""', "'''", "a\\", "\x1b[31m\x00\x7f", "\ud800", "é😀\u202e", "\r\n[[known]]\r\n"])
def test_whatever_a_server_says_can_be_written_and_read_again(tmp_path: Path, body: str) -> None:
    path = tmp_path / "sub" / "known.toml"
    after = updated(Baseline(path), verdict(["SEQ-3"], [], target='py:a[b]"c'), violations(["SEQ-3"], body), whole=True)
    write(after)
    again = read(path, to_update=True)
    assert again.entries == after.entries
    assert updated(again, verdict(["SEQ-3"], [], target='py:a[b]"c'), [], whole=True) is again
    assert updated(again, verdict([], ["SEQ-3"], target='py:a[b]"c'), [], whole=True).entries == ()


def test_a_form_that_cannot_be_changed_line_by_line_is_refused_before_the_run(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    path.write_text("known = [{requirement = 'SEQ-3', target = '*', reason = 'x'}]\n", "utf-8")
    assert len(read(path).entries) == 1
    with pytest.raises(BaselineError, match=r"write each entry as a table \[\[known\]\]"):
        read(path, to_update=True)


def test_a_file_is_written_whole_or_not_at_all(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write(Baseline(file, "other"))
    assert file.read_text("utf-8") == TEXT
    assert [path.name for path in file.parent.iterdir()] == ["known.toml"]
