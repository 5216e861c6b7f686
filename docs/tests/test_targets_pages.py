"""The pages of the real servers: printed from what real runs left, and what they tell happens again on the servers.

A server that is not installed here is skipped, by name.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seqproof_conformance.adapter import Adapter
from seqproof_conformance.runner import Runner
from seqproof_conformance.targets import WAYS, catalogue, open_target
from seqproof_model import profile, scenario
from seqproof_model.judge import Judge
from seqproof_model.profile import Profile
from seqproof_model.requirements import REQUIREMENTS
from seqproof_model.verdict import Violation

DOCS = Path(__file__).parents[1]
TARGETS = DOCS / "targets"
KIT = DOCS.parent / "conformance" / "seqproof_conformance"
STORIES = tomllib.loads((TARGETS / "stories.toml").read_text("utf-8"))
MISSING = {re.split(r"[:\[]", entry.target)[0]: entry.mend for entry in catalogue() if entry.mend}
SHARED = "own_server.py"  # what all targets with a server of their own have in common
FILES = {  # what the kit starts itself, and the files that are its own
    "valkey": ("target_valkey.py", "redis_streams.py", "redis_client.py"),
    "nats": (
        "target_nats.py", "nats_adapter.py", "nats_streams.py", "nats_mappings.py", "nats_client.py",
        "nats_connection.py",
    ),
    "postgres": (
        "target_postgres.py", "postgres_adapter.py", "postgres_inbox.py", "postgres_engine.py", "postgres_client.py",
        "postgres_sessions.py",
    ),
    "dovecot": ("target_dovecot.py", "imap_mailbox.py", "imap_client.py", "dovecot_engine.py"),
}  # fmt: skip


@pytest.fixture(scope="module")
def script() -> Iterator[Any]:
    """docs/ is no package: the script is loaded from its file."""
    spec = importlib.util.spec_from_file_location("print_targets", DOCS / "print_targets.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def opened() -> Iterator[Callable[[str], Adapter]]:
    """Each server is started once, for all stories of this file."""
    found: dict[str, Adapter] = {}

    def get(target: str) -> Adapter:
        if mend := MISSING.get(target.partition(":")[0]):
            pytest.skip(f"{target} is not installed: {mend}")
        if target not in found:
            found[target] = open_target(target)
        found[target].hello()
        return found[target]

    yield get
    for adapter in found.values():
        adapter.close()


def steps_of(name: str) -> scenario.Scenario:
    return scenario.read(TARGETS / "stories" / name / "scenario.json")


def played(adapter: Adapter, name: str, held: Profile | None = None) -> Violation | None:
    """What is blamed when a story's steps are taken, as ``seqproof replay`` takes them."""
    hello = adapter.hello()
    held = held or hello.claims or profile.find("strict")
    runner = Runner(adapter, hello, held, [Judge(held, paged=False)], lambda _: None, f"t{os.urandom(4).hex()}")
    return runner.play(steps_of(name)).violation


# ---------------------------------------------------------------- what is printed


def test_what_is_printed_is_current(script: Any) -> None:
    assert script.stale() == [], "stale; run: python docs/print_targets.py"


def test_a_changed_page_and_a_changed_picture_are_stale(
    script: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Planted: another picture, and another code than the page has."""

    def other(_name: str) -> str:
        return "<svg/>"

    def changed(_path: Path, _name: str) -> str:
        return "def send(): ..."

    monkeypatch.setattr(script, "picture", other)
    monkeypatch.setattr(script, "source", changed)
    assert script.main(["--check"]) == 1
    said = capsys.readouterr().err
    assert "targets/adding.md" in said
    assert "targets/pictures/nats-ack.svg" in said


def test_code_that_is_gone_is_named(script: Any) -> None:
    with pytest.raises(ValueError, match=r"redis_streams.py has no RedisStreams.fly; mend the page"):
        script.source(KIT / "redis_streams.py", "RedisStreams.fly")


def test_a_verdict_that_does_not_fit_its_history_is_found(
    script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stories").mkdir()
    (tmp_path / "stories.toml").write_bytes((TARGETS / "stories.toml").read_bytes())
    folder = tmp_path / "stories" / "valkey-lost"
    folder.mkdir()
    for file in (TARGETS / "stories" / "valkey-lost").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "verdict.json").write_bytes((TARGETS / "stories" / "valkey-reuse" / "verdict.json").read_bytes())
    monkeypatch.setattr(script, "TARGETS", tmp_path)
    with pytest.raises(ValueError, match="history and verdict differ"):
        script.story.__wrapped__("valkey-lost")


def test_every_story_is_told_once_and_every_folder_is_a_story() -> None:
    text = "".join(path.read_text("utf-8") for path in TARGETS.glob("*.md"))
    assert sorted(re.findall(r"<!-- story ([\w-]+) -->", text)) == sorted(STORIES)
    assert {path.name for path in (TARGETS / "stories").iterdir()} == set(STORIES)
    places = re.findall(r"seqproof replay docs/(\S+) ", text)
    assert places
    assert all((DOCS / place).is_file() for place in places)


@pytest.mark.parametrize("path", sorted(TARGETS.glob("*.md")), ids=lambda path: path.stem)
def test_a_page_is_short_and_says_who_says_the_same(path: Path) -> None:
    text = path.read_text("utf-8")
    written = re.sub(r"```python\n.*?```\n", "", text, flags=re.DOTALL)
    assert len(written.splitlines()) <= 120
    assert path.stem == "adding" or len(re.findall(r"\]\(https://", text.partition("## Who says the same")[2])) >= 3


def test_a_page_accounts_for_every_requirement(script: Any) -> None:
    """What is neither passed nor failed stands among the reasons."""
    for one in script.matrix().servers:
        cells = [one.cell(name) for name in REQUIREMENTS]
        assert all(cell.why for cell in cells)
        listed = " ".join(script._reasons([one.target]).values())
        ungraded = sum(cell.mark is script.Mark.NOT_GRADED for cell in cells)
        assert ungraded == sum(count(part) for part in listed.replace(",", " ").split())


def count(ids: str) -> int:
    first, _, last = ids.partition("..")
    return int(last or first.partition("-")[2]) - int(first.partition("-")[2]) + 1


# ---------------------------------------------------------------- what really happens


@pytest.mark.parametrize("name", STORIES)
def test_a_story_happens_again_and_its_mend_mends(name: str, script: Any, opened: Callable[[str], Adapter]) -> None:
    told = script.story(name)
    found = played(opened(told.told.target), name)
    assert found is not None
    assert (found.requirement, found.observation) == (told.violation.requirement, told.violation.observation)
    assert told.rate == "5 of 5"
    if told.told.mended:
        assert played(opened(told.told.mended), name) is None


def test_dovecot_keeps_a_space_that_ends_one_seq_earlier(tmp_path: Path, opened: Callable[[str], Adapter]) -> None:
    """The profile that the page shows, as it stands there."""
    page = (TARGETS / "dovecot.md").read_text("utf-8")
    (text,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    path = tmp_path / "one-less.toml"
    path.write_text(text, "utf-8")
    assert played(opened("dovecot"), "dovecot-top", profile.find(f"{path}:one-less")) is None


def test_gaps_are_allowed_in_gappy_and_the_race_is_not(opened: Callable[[str], Adapter]) -> None:
    adapter, gappy = opened("postgres:naive"), profile.find("gappy")
    assert played(adapter, "postgres-gap", gappy) is None
    raced = played(adapter, "postgres-race", gappy)
    assert raced is not None
    assert raced.requirement == "SEQ-4"


# ---------------------------------------------------------------- adding.md


def test_the_target_that_is_walked_through_is_the_smallest() -> None:
    size = {name: sum(len((KIT / file).read_text("utf-8").splitlines()) for file in FILES[name]) for name in FILES}
    assert min(size, key=lambda name: size[name]) == "valkey"
    shown = re.findall(r"<!-- code (\S+):", (TARGETS / "adding.md").read_text("utf-8"))
    assert set(shown) == {*FILES["valkey"], SHARED}


def test_every_place_where_a_target_is_entered_names_the_smallest_one() -> None:
    page = (TARGETS / "adding.md").read_text("utf-8").partition("## 6.")[2]
    places = [DOCS.parent / place for place in re.findall(r"^\| `(\S+)` \|", page, re.MULTILINE)]
    assert len(places) == 5
    for place in places:
        files = place.rglob("*.toml") if place.is_dir() else [place]
        assert any("valkey" in file.read_text("utf-8") for file in files), place
    assert "valkey" in WAYS
