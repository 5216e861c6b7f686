"""The docs say what is so: printed files are current, links lead somewhere, ids exist, commands would be understood."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import typer
from typer.main import get_command

from seqproof_conformance.cli import app
from seqproof_model.requirements import INVARIANTS, REQUIREMENTS
from seqproof_reference import faulty, phone_faulty

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
PAGES = sorted([*DOCS.glob("*.md"), *DOCS.glob("targets/*.md")])
READMES = [ROOT / "README.md", *sorted(path for path in ROOT.glob("[a-z]*/README.md") if path.parent != DOCS)]
EVERYTHING = [*PAGES, *READMES]
COMMANDS: Any = get_command(app)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def printer() -> Any:
    """docs/print.py, which is a script and no part of a package."""
    spec = importlib.util.spec_from_file_location("docs_print", DOCS / "print.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---------------------------------------------------------------- what is printed


def test_printed_files_are_current() -> None:
    assert printer().stale() == [], "stale; run: python docs/print.py"


def test_a_changed_page_and_a_picture_that_nothing_prints_are_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = printer()
    (tmp_path / "pictures").mkdir()
    for name, text in script.everything().items():
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "mutants.md").write_text("changed", "utf-8")
    (tmp_path / "pictures" / "old.svg").write_text("", "utf-8")
    (tmp_path / "parts").symlink_to(DOCS / "parts")
    monkeypatch.setattr(script, "HERE", tmp_path)
    assert script.stale() == ["mutants.md", "pictures/old.svg"]
    assert script.main(["--check"]) == 1


def test_printed_files_say_so_in_their_first_line_and_name_no_place_or_time() -> None:
    for name, text in printer().everything().items():
        first = text.partition("\n")[0]
        assert first.startswith("<!-- printed by docs/print.py from "), name
        assert first.endswith("; do not edit -->"), name
        assert not re.search(rf"{re.escape(str(ROOT))}|/tmp/|Python \d|\d{{4}}-\d\d-\d\d", text), name


def test_every_part_is_printed_and_every_block_has_its_place() -> None:
    script = printer()
    texts = {path.name: path.read_text("utf-8") for path in (DOCS / "parts").glob("*.md")}
    assert script.SOURCES.keys() == texts.keys()
    assert script.BLOCKS.keys() == {name for text in texts.values() for name in re.findall(r"\{\{ (\w+) \}\}", text)}


def test_fields_toml_has_no_line_for_a_field_that_is_gone() -> None:
    script, used = printer(), dict[str, set[str]]()

    class Noting(dict[str, str]):
        def __init__(self, file: str, known: dict[str, str]) -> None:
            super().__init__(known)
            self.seen = used.setdefault(file, set())

        def __getitem__(self, key: str) -> str:
            self.seen.add(key)
            return super().__getitem__(key)

    known = {file: script._meanings(file) for file in ("history", "scenario")}

    def noting(file: str) -> Noting:
        return Noting(file, known[file])

    script._meanings = noting
    script.page("formats.md")
    assert used == {file: set(meanings) for file, meanings in known.items()}


@pytest.mark.parametrize("path", sorted((DOCS / "pictures").glob("*.svg")), ids=name_of)
def test_pictures_are_well_formed_and_can_be_listened_to(path: Path) -> None:
    root = ElementTree.fromstring(path.read_text("utf-8"))  # noqa: S314 - our own file
    svg = "{http://www.w3.org/2000/svg}"
    assert f"{svg}svg" == root.tag
    assert root.findtext(f"{svg}title")
    assert root.findtext(f"{svg}desc")


# ---------------------------------------------------------------- links


def prose(text: str) -> str:
    """The text without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in plain}


def dead_links(text: str, folder: Path, own: Path) -> list[str]:
    """The relative links and images that lead nowhere. Code spans are no links."""
    dead: list[str] = []
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"(?<!\[)`[^`\n]+`(?!\])", "", prose(text))):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = str(link).partition("#")
        target = (folder / place) if place else own
        if not target.exists() or (anchor and anchor not in anchors(target.read_text("utf-8"))):
            dead.append(link)
    return dead


@pytest.mark.parametrize("path", EVERYTHING, ids=name_of)
def test_links_and_images_lead_somewhere(path: Path) -> None:
    assert dead_links(path.read_text("utf-8"), path.parent, path) == []


def test_images_say_in_words_what_they_show() -> None:
    for path in EVERYTHING:
        for words in re.findall(r"!\[([^\]]*)\]", prose(path.read_text("utf-8"))):
            assert len(words) > 20, f"{name_of(path)}: an image needs a text that says what it shows, not {words!r}"


def test_dead_links_are_found() -> None:
    text = "[a](nowhere.md) ![b](pictures/none.svg) [c](README.md#no-such-heading) [d](README.md) [e](https://x.y)"
    found = dead_links(text, DOCS, DOCS / "README.md")
    assert found == ["nowhere.md", "pictures/none.svg", "README.md#no-such-heading"]


# ---------------------------------------------------------------- ids


def unknown_ids(text: str) -> set[str]:
    """Requirements, invariants and mutants that are named and do not exist."""
    named = set(re.findall(r"\b(?:SEQ|SND|RCV|CNF|DEV|PSH)-\d+\b(?!-)", text)) - REQUIREMENTS.keys()
    broken = set(re.findall(r"\bI-[A-Z]+\b(?!-)", text)) - INVARIANTS.keys()
    mutants = (
        set(re.findall(r"(?<!-)\bmutant:([A-Z][A-Z0-9_]+)\b", text)) - {e.id for e in faulty.catalogue()} - {"NAME"}
    )
    phones = set(re.findall(r"\bphone-mutant:([A-Z][A-Z0-9_]+)\b", text)) - phone_faulty.ENTRIES.keys() - {"ID"}
    return named | broken | mutants | phones


@pytest.mark.parametrize("path", [*EVERYTHING, *sorted((DOCS / "parts").iterdir())], ids=name_of)
def test_ids_exist(path: Path) -> None:
    assert set() == unknown_ids(path.read_text("utf-8"))


def test_unknown_ids_are_found() -> None:
    assert {"CNF-99", "I-NONE", "NO_SUCH"} == unknown_ids("CNF-1 CNF-99 I-LOSS I-NONE mutant:CORRECT mutant:NO_SUCH")


@pytest.mark.parametrize("requirement", REQUIREMENTS)
def test_every_requirement_is_explained(requirement: str) -> None:
    assert requirement.lower() in anchors((DOCS / "requirements.md").read_text("utf-8"))


# ---------------------------------------------------------------- command lines


def commands(text: str) -> list[str]:
    """Every ``seqproof …`` that a text shows: a line of a block, or a code span."""
    blocks = "\n".join(re.findall(r"^```.*?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    lines = re.findall(r"^(?:\$ )?(?:\.venv/bin/)?(seqproof .+)$", blocks, re.MULTILINE)
    return lines + re.findall(r"`(seqproof [^`\n]+)`", prose(text))


def complaint(line: str) -> str:
    """What the command line would say to that line, without running it; "" when it is understood."""
    words = shlex.split(re.split(r" (?:[|;>]|&&|2>)", line)[0], comments=True)[1:]
    if words[0] == "--help":
        return ""
    if words[0] not in COMMANDS.commands:
        return f"{line}: no command {words[0]!r}"
    try:
        COMMANDS.commands[words[0]].make_context(words[0], words[1:])
    except typer.Exit:
        return ""  # --help
    except typer.TyperException as error:
        return f"{line}: {error.format_message()}"
    return ""


@pytest.mark.parametrize("path", EVERYTHING, ids=name_of)
def test_commands_would_be_understood(path: Path) -> None:
    assert [said for said in map(complaint, commands(path.read_text("utf-8"))) if said] == []


@pytest.mark.parametrize(
    "line",
    ["seqproof fly", "seqproof run", "seqproof run reference --no-such-option", "seqproof list nonsense"],
)
def test_commands_that_would_not_be_understood_are_found(line: str) -> None:
    assert [line] == commands(f"```\n$ {line}\n```")
    assert [line] == commands(f"Try `{line}`.")
    assert complaint(line).startswith(line)


def test_comments_and_pipes_are_no_part_of_a_command() -> None:
    assert complaint("seqproof run valkey -k 'SEQ-*' --json | jq .failed  # one object") == ""
    assert complaint("seqproof run --help") == ""
