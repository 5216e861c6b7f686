"""Print what is data on the pages of the real servers: ``python docs/print_targets.py [--check] [--record]``.

    targets/stories.toml        which counterexamples the pages tell, of which target, and where the same steps pass
    targets/stories/NAME/       one of them: scenario.json, and what ``seqproof replay -o`` left of a real server:
                                history.jsonl, and verdict.json with the rate
    targets/matrix.json         what ``seqproof matrix ... --length 3 --json`` left of all of them
    targets/pictures/NAME.svg   the ladder of that history

A page is written by hand. What stands in it between two comments is printed over at each call:

    <!-- story NAME -->     the picture, the rule that is broken, the line that replays it, and its rate
    <!-- verdict T ... -->  what passed, what failed, what was not graded and why, for some columns of the matrix
    <!-- code FILE:NAME --> that function, class or constant, as the file has it now
    <!-- guide -->          a line for each column of the matrix

No server is needed, but for ``--record``: it replays each story on its target, several at most once, and keeps the
outcome. ``--check`` writes nothing and exits with 1 when something is stale.
"""

from __future__ import annotations

import argparse
import ast
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import msgspec

from seqproof_model import history as h
from seqproof_model import results, scenario, server_matrix
from seqproof_model.judge import Judge
from seqproof_model.requirements import REQUIREMENTS
from seqproof_model.server_matrix import Mark, Server
from seqproof_model.verdict import Violation
from seqproof_reports.ladder import ladder_svg

HERE = Path(__file__).parent
TARGETS = HERE / "targets"
PAGES = [HERE / "promises.md", *sorted(TARGETS.glob("*.md"))]
KIT = HERE.parent / "conformance" / "seqproof_conformance"
MARKED = re.compile(r"(<!-- (\w+)((?: [^ \n]+)*) -->\n)(.*?)(<!-- /\2 -->)", re.DOTALL)
KEPT = ("history.jsonl", "verdict.json")


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of stories.toml. ``mended``: a target where the same steps pass, "" where there is none."""

    target: str
    mended: str


class Story(msgspec.Struct, frozen=True):
    """A story as it was recorded. ``rate``: how often it failed in the same way, as "5 of 5"."""

    name: str
    told: Told
    steps: scenario.Scenario
    header: h.Header
    events: tuple[h.Event, ...]
    violation: Violation
    rate: str


def stories() -> dict[str, Told]:
    """The rows of stories.toml."""
    return msgspec.convert(tomllib.loads((TARGETS / "stories.toml").read_text("utf-8")), dict[str, Told])


@cache
def story(name: str) -> Story:
    """One of them, judged again. Raises ValueError where its history shows no violation, KeyError for no story."""
    folder, told = TARGETS / "stories" / name, stories()[name]
    recorded = h.read(folder / "history.jsonl")
    judge = Judge(recorded.header.profile, paged=False)
    violation = next((found for found in map(judge.feed, recorded.events) if found), None)
    (failure,) = results.read(folder).failures
    if violation is None or (violation.requirement, violation.sentence) != (failure.requirement, failure.sentence):
        raise ValueError(f"{folder}: history and verdict differ; run python docs/print_targets.py --record")
    steps, events = scenario.read(folder / "scenario.json"), tuple(recorded.events)
    return Story(name, told, steps, recorded.header, events, violation, failure.reproduced)


@cache
def matrix() -> server_matrix.ServerMatrix:
    """The recorded matrix."""
    return server_matrix.read(TARGETS / "matrix.json")


def server(target: str) -> Server:
    """One column of it. Raises StopIteration where there is none."""
    return next(each for each in matrix().servers if each.target == target)


# ---------------------------------------------------------------- what is printed


def picture(name: str) -> str:
    """The ladder of a story."""
    one = story(name)
    svg = ladder_svg(one.events, header=one.header, title=one.steps.title, violation=one.violation)
    return f"<!-- printed by docs/print_targets.py from targets/stories/{name}; do not edit -->\n{svg.rstrip()}\n"


def _told(name: str, page: Path) -> str:
    """A story on its page."""
    one = story(name)
    said, broken, up = one.violation, REQUIREMENTS[one.violation.requirement], _up(page)
    place = f"docs/targets/stories/{name}/scenario.json"
    suspects = f" Also suspected: {_links(said.suspects, up)}." if said.suspects else ""
    runs = [(f"seqproof replay {place} '{one.told.target}'", f"{one.rate}: {said.requirement} fails")]
    if one.told.mended:
        runs.append((f"seqproof replay {place} '{one.told.mended}'", "no violation"))
    width = max(len(line) for line, _ in runs)
    lines = "\n".join(f"{line:{width}}  # {what}" for line, what in runs)
    return (
        f"![{one.steps.title}: {said.sentence}]({_folder(page)}pictures/{name}.svg)\n\n"
        f"{_links([said.requirement], up)}, *{broken.title}*, is broken: {said.sentence}.{suspects} In short "
        f"`{one.steps.notation()}`, on {one.header.server}.\n\n```\n{lines}\n```\n"
    )


def _verdict(targets: list[str], page: Path) -> str:
    """What some columns of the matrix say."""
    lines = ["| | " + " | ".join(f"`{target}`" for target in targets) + " |", "|---" * (len(targets) + 1) + "|"]
    runs = [server(target).result for target in targets]
    assert all(runs)  # noqa: S101 - test: each column was run
    lines.append("| version | " + " | ".join(run.server.partition(",")[0] for run in runs if run) + " |")
    lines.append("| held to | " + " | ".join(run.profile for run in runs if run) + " |")
    for title, wanted in (("fails", Mark.FAIL), ("passes", Mark.PASS)):
        cells = [_having(server(target), wanted, _up(page) if wanted is Mark.FAIL else None) for target in targets]
        lines.append(f"| {title} | " + " | ".join(cell or "none" for cell in cells) + " |")
    told = "\n".join(lines)
    reasons = "\n".join(f"- {ids}: {why}" for why, ids in _reasons(targets).items())
    return f"{told}\n\n† done by the adapter's code, not by the server. Not graded, which is not passed:\n\n{reasons}\n"


def _having(one: Server, wanted: Mark, up: str | None) -> str:
    cells = {name: one.cell(name) for name in REQUIREMENTS}
    found = {name: "†" if cell.added else "" for name, cell in cells.items() if cell.mark is wanted}
    if up is not None:
        return ", ".join(_links([name], up) + dagger for name, dagger in found.items())
    plain = runs_of([name for name, dagger in found.items() if not dagger])
    return ", ".join(filter(None, (plain, ", ".join(name + "†" for name, dagger in found.items() if dagger))))


def _reasons(targets: list[str]) -> dict[str, str]:
    """The ids that were not graded, by why; with the targets where the reason is not that of all."""
    found: dict[str, dict[str, list[str]]] = {}
    for target in targets:
        for name in REQUIREMENTS:
            cell = server(target).cell(name)
            if cell.mark is Mark.NOT_GRADED:
                found.setdefault(cell.why, {}).setdefault(name, []).append(target)
    told: dict[str, str] = {}
    for why, names in found.items():
        groups: dict[tuple[str, ...], list[str]] = {}
        for name, where in names.items():
            groups.setdefault(tuple(where), []).append(name)
        parts = [runs_of(ids) + ("" if len(where) == len(targets) else _on(where)) for where, ids in groups.items()]
        told[why] = ", ".join(parts)
    return told


def _on(targets: tuple[str, ...]) -> str:
    return " (" + ", ".join(f"`{target}`" for target in targets) + ")"


def _guide(_words: list[str], page: Path) -> str:
    """A line for each column."""
    lines = ["| target | verdict | fails | graded |", "|---|---|---|---|"]
    for one in matrix().servers:
        graded = one.result.headline.partition(":")[0].removeprefix("graded ") if one.result else ""
        failed = _having(one, Mark.FAIL, _up(page)) or "none"
        link = f"[`{one.target}`](targets/{one.target.partition(':')[0]}.md)"
        lines.append(f"| {link} | {one.standing} | {failed} | {graded} |")
    return "\n".join(lines) + "\n"


def _code(words: list[str], _page: Path) -> str:
    """The source of one name of a file of the kit."""
    file, _, name = words[0].partition(":")
    return f"```python\n{source(KIT / file, name)}\n```\n"


def source(path: Path, name: str) -> str:
    """A function, class or constant, or a method as CLASS.METHOD. Raises ValueError where there is none."""
    text = path.read_text("utf-8")
    found: ast.AST = ast.parse(text)
    for part in name.split("."):
        found = next((node for node in getattr(found, "body", []) if part in _names(node)), found)
        if part not in _names(found):
            raise ValueError(f"{path.name} has no {name}; mend the page that shows it")
    return textwrap.dedent(" " * getattr(found, "col_offset", 0) + (ast.get_source_segment(text, found) or ""))


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else []


def runs_of(ids: list[str]) -> str:
    """Ids with runs joined.

    >>> runs_of(["SEQ-1", "SEQ-2", "SEQ-3", "SND-1"])
    'SEQ-1..3, SND-1'
    """
    groups: list[list[str]] = []
    for name in ids:
        family, _, number = name.partition("-")
        if groups and groups[-1][-1] == f"{family}-{int(number) - 1}":
            groups[-1].append(name)
        else:
            groups.append([name])
    return ", ".join(g[0] if len(g) == 1 else f"{g[0]}..{g[-1].partition('-')[2]}" for g in groups)


def _up(page: Path) -> str:
    return "" if page.parent == HERE else "../"


def _folder(page: Path) -> str:
    return "targets/" if page.parent == HERE else ""


def _links(ids: list[str] | tuple[str, ...], up: str) -> str:
    return ", ".join(f"[{name}]({up}requirements.md#{name.lower()})" for name in ids)


PRINTERS: dict[str, Callable[[list[str], Path], str]] = {
    "story": lambda words, page: _told(words[0], page),
    "verdict": _verdict,
    "guide": _guide,
    "code": _code,
}


def printed(page: Path) -> str:
    """A page with all that is printed in it as it is now."""
    return MARKED.sub(
        lambda m: f"{m[1]}\n{PRINTERS[m[2]](m[3].split(), page)}\n{m[5]}" if m[2] in PRINTERS else m[0],
        page.read_text("utf-8"),
    )


def everything() -> dict[Path, str]:
    """Every page and every picture, by its path."""
    return {page: printed(page) for page in PAGES} | {
        TARGETS / "pictures" / f"{name}.svg": picture(name) for name in stories()
    }


def stale() -> list[str]:
    """What is not as it would be printed now, and pictures that nothing prints."""
    wanted = everything()
    wrong = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    wrong += [path for path in sorted((TARGETS / "pictures").iterdir()) if path not in wanted]
    return [path.relative_to(HERE).as_posix() for path in wrong]


# ---------------------------------------------------------------- recording


def record(name: str) -> None:
    """Replay a story on its target and keep what came of it. Raises ValueError when it does not fail there."""
    folder, told = TARGETS / "stories" / name, stories()[name]
    with tempfile.TemporaryDirectory() as place:
        command = ["replay", str(folder / "scenario.json"), told.target, "-o", "run", "--json"]
        kit = [sys.executable, "-m", "seqproof_conformance.cli"]
        done = subprocess.run(  # in that folder: the results then name no path of this machine
            [*kit, *command], cwd=place, capture_output=True, check=False, timeout=120
        )
        if done.returncode != 1:
            raise ValueError(f"{name} on {told.target}: exit code {done.returncode}, {done.stderr.decode()[-300:]}")
        (found,) = Path(place, "run").glob("*/history.jsonl")
        shutil.copy(found, folder)
        shutil.copy(Path(place, "run", "verdict.json"), folder)


def main(arguments: list[str] | None = None) -> int:
    """Print, check or record; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when something is stale")
    parser.add_argument("--record", action="store_true", help="replay every story on its server first")
    asked = parser.parse_args(arguments)
    if asked.record:
        for name in stories():
            record(name)
    if asked.check:
        wrong = stale()
        if wrong:
            print(f"stale: {', '.join(wrong)}; run: python docs/print_targets.py", file=sys.stderr)
        return 1 if wrong else 0
    for path, text in everything().items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
