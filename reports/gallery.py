"""Print the gallery: one real counterexample for each kind of violation: ``python reports/gallery.py [--check]``.

A kind is an observation, a row of the judge's table. For each, the shortest stored trace of a faulty server is played
again, in process, and written down as a run writes it: nothing in the gallery is made up. What no shipped server shows
is listed as that. Faulty servers are deterministic, so the same code gives the same bytes; ``--check`` writes nothing,
names what is stale, and exits with 1 if anything is.

Of each counterexample the gallery keeps the report as Markdown, the ladder and the test; of a few also the page, which
is large. ``--whole DIR`` writes the whole directory of each somewhere else.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seqproof_conformance.counterexample import cleaned
from seqproof_conformance.runner import Runner
from seqproof_model import history as h
from seqproof_model import profile as profiles
from seqproof_model.blame import Observed
from seqproof_model.judge import Judge
from seqproof_model.scenario import Scenario
from seqproof_model.verdict import Counterexample
from seqproof_reference import faulty
from seqproof_reference.witnesses import Witness
from seqproof_reports import directory
from seqproof_reports.html import page_html
from seqproof_reports.markdown import code, escape
from seqproof_reports.slide import slide_svg
from seqproof_reports.titles import titled

HERE = Path(__file__).parent
GALLERY = HERE / "gallery"
KEPT = {"report.md": "report.md", "ladder.svg": "ladder.svg", "test_repro.py": "test_repro.py.txt"}
WITH_PAGE = ("EMPTY_REPLY", "SEQ_TAKEN", "CONFIRMED_ROW", "TIP_ASTRAY")  # a loss, a reuse, a repetition, a tip
PAGE = "report.html"


@dataclass(frozen=True)
class Shown:
    """One picture of the gallery: what was observed, and the counterexample that shows it."""

    observed: Observed
    counterexample: Counterexample

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return self.observed.name.lower().replace("_", "-")

    @property
    def first(self) -> str:
        """The file to open."""
        return PAGE if self.observed.name in WITH_PAGE else "report.md"


def gallery() -> tuple[list[Shown], list[Observed]]:
    """The counterexamples, in the order of the table; and the observations that no shipped server shows."""
    best: dict[str, tuple[faulty.Entry, Witness]] = {}
    for entry in faulty.catalogue():
        for witness in entry.witnesses:
            known = best.get(witness.observation)
            if known is None or _plainness(witness) < _plainness(known[1]):
                best[witness.observation] = (entry, witness)
    shown = [Shown(o, _played(o, *best[o.name])) for o in Observed if o.name in best]
    return shown, [o for o in Observed if o.name not in best]


def _plainness(witness: Witness) -> tuple[bool, int, int]:
    """What is shown first: a server that tells its seqs, as a target string opens it; then the shorter trace."""
    return not witness.told, witness.length, len(witness.steps)


def _played(observed: Observed, entry: faulty.Entry, witness: Witness) -> Counterexample:
    """Play a stored trace again. Raises ValueError when it shows something else."""
    target, held_to = f"mutant:{entry.id}", profiles.find(witness.profile)
    adapter = faulty.make(entry.id, send_seq=witness.told)
    hello = adapter.hello()
    judge = Judge(held_to, paged="paging" in hello.capabilities)
    name = f"{witness.requirement}-{target.replace(':', '-')}"
    played = Runner(adapter, hello, held_to, [judge], lambda _event: None).play(
        Scenario(name, witness.steps, title=entry.summary, observes=(witness.requirement,))
    )
    header = h.Header(target, tuple(sorted(map(str, hello.capabilities))), held_to, kit="seqproof", server=hello.server)
    events = cleaned(played.events)
    judge = Judge(held_to, paged="paging" in hello.capabilities)
    violation = next((v for v in map(judge.feed, events) if v), None)
    if violation is None or violation.observation != observed.name:
        found = violation.observation if violation else "nothing"
        raise ValueError(f"{target}: the trace {played.scenario.notation()} shows {found}, not {observed.name}")
    shortest = "shortest: every shorter trace of these steps was tried" if witness.shortest else "locally minimal"
    return Counterexample(
        violation=violation,
        scenario=played.scenario,
        header=header,
        events=events,
        claim=shortest,
        reproduced=1,
        tried=1,
        found_by="the search for the faults' shortest traces",
        replay=f"seqproof replay scenario.json {target}",
    )


# ---------------------------------------------------------------- files


def everything() -> dict[str, bytes]:
    """Every file of the gallery, by its path there."""
    shown, missing = gallery()
    files: dict[str, bytes] = {}
    for each in shown:
        page = {PAGE: PAGE} if each.observed.name in WITH_PAGE else {}
        for name, kept in {**KEPT, **page}.items():
            files[f"{each.folder}/{kept}"] = directory.FORMATS[name](each.counterexample)
    files["README.md"] = ("\n".join(_readme(shown, missing)) + "\n").encode()
    files["index.html"] = _index(shown, missing).encode()
    return files


def _readme(shown: list[Shown], missing: list[Observed]) -> Iterator[str]:
    yield "# Gallery: what each kind of violation looks like"
    yield ""
    yield f"{len(shown)} counterexamples, one for each kind of violation. Each is what really happened when a faulty"
    yield "server that ships with seqproof was played; `python reports/gallery.py` plays them all again. Open"
    yield "[index.html](index.html) for the pictures. Each folder has the report, the ladder, and the test that"
    yield "reproduces it (as `test_repro.py.txt`, so that it is no test of this repository)."
    yield ""
    yield "| kind | blamed | what was seen | the fault | trace |"
    yield "| --- | --- | --- | --- | --- |"
    for each in shown:
        found = each.counterexample
        name = f"[{each.observed.name}]({each.folder}/{each.first})".replace("_", "\\_")
        about = escape(found.scenario.title)
        trace = code(found.trace).replace("|", "\\|")
        yield f"| {name} | {found.violation.requirement} | {escape(found.violation.sentence)} | {about} | {trace} |"
    if missing:
        names = ", ".join(f"`{observed.name}`" for observed in missing)
        yield ""
        yield f"No shipped server shows {names}; the judge's own tests do."


def _index(shown: list[Shown], missing: list[Observed]) -> str:
    """A page of thumbnails: each ladder, small, leads to its report."""
    cards = [
        {
            "href": f"{each.folder}/{each.first}",
            "picture": _thumbnail(slide_svg(each.counterexample), each.folder),
            "id": each.counterexample.violation.requirement,
            "title": titled(each.counterexample.violation.requirement).title,
            "kind": each.observed.name,
            "sentence": each.counterexample.violation.sentence,
            "trace": each.counterexample.trace,
            "fault": each.counterexample.scenario.title,
        }
        for each in shown
    ]
    return page_html("gallery.html.j2", cards=cards, missing=[observed.name for observed in missing])


def _thumbnail(svg: str, name: str) -> str:
    """A ladder inside a page: with ids of its own, and of no size of its own."""
    svg = svg.replace("ladder-title", f"{name}-title").replace("ladder-desc", f"{name}-desc")
    return re.sub(r'(<svg[^>]*?) width="\d+" height="\d+"', r"\1", svg, count=1)


def stale() -> list[str]:
    """The files that are not what would be printed now, or that nothing prints."""
    files = everything()
    there = {path.relative_to(GALLERY).as_posix(): path for path in GALLERY.rglob("*") if path.is_file()}
    wrong = [name for name, content in files.items() if name not in there or there[name].read_bytes() != content]
    return sorted([*wrong, *(set(there) - set(files))])


def main(arguments: list[str]) -> int:
    """Print, or check; returns the exit code."""
    parser = argparse.ArgumentParser(description="Print the gallery of counterexamples.")
    parser.add_argument("--check", action="store_true", help="write nothing; name what is stale")
    parser.add_argument("--whole", metavar="DIR", type=Path, help="write every file of each counterexample there")
    options = parser.parse_args(arguments)
    if options.whole:
        for each in gallery()[0]:
            directory.write(options.whole / each.folder, each.counterexample)
        return 0
    if options.check:
        names = stale()
        for name in names:
            sys.stdout.write(f"stale: reports/gallery/{name}\n")
        return 1 if names else 0
    files = everything()
    for name in stale():
        if name not in files:
            (GALLERY / name).unlink()
    for name, content in files.items():
        (GALLERY / name).parent.mkdir(parents=True, exist_ok=True)
        directory.put(GALLERY / name, content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
