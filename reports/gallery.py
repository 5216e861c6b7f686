"""Print the gallery: one real counterexample for each kind of violation: ``python reports/gallery.py [--check]``.

A kind is an observation, a row of the judge's table. For each, the shortest stored trace of a faulty server is played
again, in process, and written down as a run writes it: nothing of it is made up. Two kinds no faulty server shows, for
a request must be caught between two of its moments: their histories are written by hand, the judge finds the rest, and
the gallery says so. Faulty servers are deterministic, so the same code gives the same bytes; ``--check`` writes
nothing, names what is stale, and exits with 1 if anything is.

Of each counterexample the gallery keeps the report as Markdown, the ladder and the test (of a history by hand, the
history); of a few also the page, which is large. ``--whole DIR`` writes the whole directory of each somewhere else.

What servers that people really run have shown comes first. Those were run once, for the public matrix; its folders hold
their histories, and the gallery only leads there: ``python reports/public_matrix.py --record`` makes them anew.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from seqproof_conformance.counterexample import cleaned
from seqproof_conformance.runner import Runner
from seqproof_model import history as h
from seqproof_model import kept
from seqproof_model import profile as profiles
from seqproof_model.blame import Observed
from seqproof_model.judge import Judge
from seqproof_model.scenario import Scenario
from seqproof_model.script import events
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
KEPT_BY_HAND = {name: name for name in ("report.md", "ladder.svg", "history.jsonl")}
KEPT = {"report.md": "report.md", "ladder.svg": "ladder.svg", "test_repro.py": "test_repro.py.txt"}
BY_HAND = {
    "ENDS_BETWEEN": "1( s b; 2( s a; 3( B 0; 2) =2; 4( A 0; 1) =1; 4) : ; 3) : 1b",
    "REFUSED_CONFIRMS": "1( A 1; s a =1; s b =2; B 0 : 2b; 1) !unreachable",
}
MATRIX = HERE / "matrix"
REAL = (  # of the public matrix: the server's folder, the requirement, what the server does
    ("valkey", "SEQ-3", "Valkey as shipped writes its store now and then; after a kill it gives a seq again."),
    ("valkey", "RCV-7", "What Valkey as shipped had acknowledged is gone after a kill."),
    ("nats-ackall", "CNF-5", "A consumer's acknowledgement is not on disk when it is answered."),
    ("nats-purge-unguarded", "SEQ-1", "After the last number of 64 bits the stream goes on at 0."),
    ("postgres-naive", "RCV-1", "A transaction that took the smaller number commits later."),
    ("dovecot", "SEQ-6", "The last number is never given."),
)
WITH_PAGE = ("EMPTY_REPLY", "SEQ_TAKEN", "CONFIRMED_ROW", "TIP_ASTRAY")  # a loss, a reuse, a repetition, a tip
PAGE = "report.html"


@dataclass(frozen=True)
class Shown:
    """One picture of the gallery: what was observed, and the counterexample that shows it."""

    observed: Observed
    counterexample: Counterexample
    files: Mapping[str, str]

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return self.observed.name.lower().replace("_", "-")

    @property
    def first(self) -> str:
        """The file to open."""
        return PAGE if PAGE in self.files else "report.md"

    @property
    def by_hand(self) -> bool:
        """No server was played."""
        return self.files is KEPT_BY_HAND


@dataclass(frozen=True)
class Real:
    """What a server that people run has shown, in a folder of the public matrix. ``about``: what the server does."""

    server: str
    requirement: str
    about: str
    counterexample: Counterexample

    @property
    def page(self) -> str:
        """Its page, from the gallery."""
        return f"../{MATRIX.name}/{self.server}/{self.requirement}/{PAGE}"


def gallery() -> list[Shown]:
    """The counterexamples, one of each observation, in the order of the table."""
    best: dict[str, tuple[faulty.Entry, Witness]] = {}
    for entry in faulty.catalogue():
        for witness in entry.witnesses:
            known = best.get(witness.observation)
            if known is None or _plainness(witness) < _plainness(known[1]):
                best[witness.observation] = (entry, witness)
    return [_shown(observed, best.get(observed.name)) for observed in Observed]


def _shown(observed: Observed, best: tuple[faulty.Entry, Witness] | None) -> Shown:
    if best is None:
        return Shown(observed, _written(observed), KEPT_BY_HAND)
    page = {PAGE: PAGE} if observed.name in WITH_PAGE else {}
    return Shown(observed, _played(observed, *best), {**KEPT, **page})


def _written(observed: Observed) -> Counterexample:
    """Judge a history by hand. Raises KeyError when there is none, ValueError when it shows something else."""
    text, held_to = BY_HAND[observed.name], profiles.built_in()["strict"]
    told = tuple(events(text))
    judge = Judge(held_to, paged=False)
    violation = next((v for v in map(judge.feed, told) if v), None)
    if violation is None or violation.observation != observed.name:
        raise ValueError(f"the history {text} shows {violation and violation.observation}, not {observed.name}")
    title = "A request is caught between two of its moments. (A history by hand.)"
    return Counterexample(
        violation=violation,
        scenario=Scenario(f"{violation.requirement}-by-hand", (), title=title, observes=(violation.requirement,)),
        header=h.Header("no server: a history by hand", ("send_seq",), held_to, kit="seqproof"),
        events=told,
        claim="",
        reproduced=0,
        tried=0,
        found_by="written by hand",
        replay="seqproof check history.jsonl",
    )


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
    told = cleaned(played.events)
    judge = Judge(held_to, paged="paging" in hello.capabilities)
    violation = next((v for v in map(judge.feed, told) if v), None)
    if violation is None or violation.observation != observed.name:
        found = violation.observation if violation else "nothing"
        raise ValueError(f"{target}: the trace {played.scenario.notation()} shows {found}, not {observed.name}")
    shortest = "shortest: every shorter trace of these steps was tried" if witness.shortest else "locally minimal"
    return Counterexample(
        violation=violation,
        scenario=played.scenario,
        header=header,
        events=told,
        claim=shortest,
        reproduced=1,
        tried=1,
        found_by="the search for the faults' shortest traces",
        replay=f"seqproof replay scenario.json {target}",
    )


# ---------------------------------------------------------------- files


def everything() -> dict[str, bytes]:
    """Every file of the gallery, by its path there."""
    shown, cases = gallery(), list(real())
    files: dict[str, bytes] = {}
    for each in shown:
        for name, path in each.files.items():
            files[f"{each.folder}/{path}"] = directory.FORMATS[name](each.counterexample)
    files["README.md"] = ("\n".join(_readme(shown, cases)) + "\n").encode()
    files["index.html"] = _index(shown, cases).encode()
    return files


def real() -> Iterator[Real]:
    """What real servers have shown, as far as the public matrix has it. Raises KeptError when a history is spoiled."""
    for server, requirement, about in REAL:
        if (MATRIX / server / requirement / kept.HISTORY).is_file():
            yield Real(server, requirement, about, kept.read(MATRIX / server / requirement).counterexample)


def _readme(shown: list[Shown], cases: list[Real]) -> Iterator[str]:
    yield "# Gallery: what each kind of violation looks like"
    yield ""
    yield f"{len(shown)} counterexamples, one for each kind of violation. Each is what really happened when a faulty"
    yield "server that ships with seqproof was played; `python reports/gallery.py` plays them all again. Open"
    yield "[index.html](index.html) for the pictures. Each folder has the report, the ladder, and the test that"
    yield "reproduces it (as `test_repro.py.txt`, so that it is no test of this repository)."
    by_hand = [f"`{each.observed.name}`" for each in shown if each.by_hand]
    yield f"No shipped server shows {' and '.join(by_hand)}: those histories are written by hand."
    if cases:
        yield from ("", "## Real servers", "", "Each is from the run of the public matrix.", "")
        yield from ("| server | blamed | what was seen | why | trace |", "| --- | --- | --- | --- | --- |")
        yield from map(_case, cases)
        yield from ("", "## One of each kind")
    yield ""
    yield "| kind | blamed | what was seen | the fault | trace |"
    yield "| --- | --- | --- | --- | --- |"
    for each in shown:
        found = each.counterexample
        name = f"[{each.observed.name}]({each.folder}/{each.first})".replace("_", "\\_")
        about = escape(found.scenario.title)
        trace = code(found.trace).replace("|", "\\|")
        yield f"| {name} | {found.violation.requirement} | {escape(found.violation.sentence)} | {about} | {trace} |"


def _case(case: Real) -> str:
    found = case.counterexample
    name = f"[{escape(found.header.target)}]({case.page})"
    seen, trace = escape(found.violation.sentence), code(found.trace).replace("|", "\\|")
    return f"| {name} | {found.violation.requirement} | {seen} | {escape(case.about)} | {trace} |"


def _index(shown: list[Shown], cases: list[Real]) -> str:
    """A page of thumbnails: each ladder, small, leads to its report."""
    servers = [
        _card(case.page, f"{case.server}-{case.requirement}", case.counterexample, case.counterexample.header.target)
        | {"fault": case.about}
        for case in cases
    ]
    kinds = [
        _card(f"{each.folder}/{each.first}", each.folder, each.counterexample, each.counterexample.header.target)
        for each in shown
    ]
    return page_html("gallery.html.j2", servers=servers, cards=kinds, by_hand=sum(each.by_hand for each in shown))


def _card(href: str, name: str, found: Counterexample, target: str) -> dict[str, str]:
    return {
        "href": href,
        "picture": _thumbnail(slide_svg(found), name),
        "id": found.violation.requirement,
        "title": titled(found.violation.requirement).title,
        "target": target,
        "sentence": found.violation.sentence,
        "trace": found.trace,
        "fault": found.scenario.title,
    }


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
        for each in gallery():
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
