"""docs/matrix.md: its signs are those of the pages, and its expectations can be used as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from seqproof_conformance import expectations
from seqproof_reports.server_matrix import ADDED, SIGNS

PAGE = (Path(__file__).parents[1] / "matrix.md").read_text("utf-8")


def test_every_sign_of_the_pages_is_explained_and_no_other() -> None:
    listed = dict(re.findall(r"^\| (\S) \| \*?([a-z ]+)", PAGE, re.MULTILINE))
    assert listed.pop(ADDED).startswith("done by the adapter")
    assert {sign: mark.value for mark, (sign, _, _) in SIGNS.items()} == {
        sign: words for sign, words in listed.items() if not sign.isdigit()
    }


def test_the_expectations_of_the_page_can_be_read(tmp_path: Path) -> None:
    (text,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    path = tmp_path / "expected.toml"
    path.write_text(text, "utf-8")
    (line,) = re.findall(r"^seqproof matrix (.*) --expect expected.toml$", PAGE, re.MULTILINE)
    found = expectations.read(path, line.split())
    assert list(found) == list(msgspec.toml.decode(text))
    assert {bool(each.conformant) for each in found.values()} == {True, False}
