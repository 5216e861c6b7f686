"""HTML: a counterexample's page and a run's index, each one file that asks the network for nothing.

Everything a server said goes through ``visible`` and is escaped by the template engine; a content security policy lets
no script run but the page's own, named by its hash. Without scripts the page reads the same.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import resources
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from seqproof_model.verdict import Counterexample, Grade, Result, Verdict, Violation
from seqproof_reports import ladder, ruler
from seqproof_reports.picture import Role, Story
from seqproof_reports.report import Report, lessons, report, standing
from seqproof_reports.summary import STANDING_SYMBOLS, SYMBOLS, headline, standing_of
from seqproof_reports.svg import COLOURS
from seqproof_reports.text import between, plural, visible
from seqproof_reports.titles import titled

NAMESPACE = ' xmlns="http://www.w3.org/2000/svg"'  # of no use inside HTML


@dataclass(frozen=True)
class Step:
    """A row of the step table."""

    number: str
    asked: str
    answered: str
    values: tuple[str, ...]
    bad: bool


@dataclass(frozen=True)
class Row:
    """A row of the index's table."""

    id: str
    level: str
    title: str
    result: str
    symbol: str
    kind: str
    why: str
    added: bool
    href: str


def report_html(counterexample: Counterexample) -> str:
    """Write a counterexample as one offline HTML page."""
    return told_html(report(counterexample), counterexample.header.target)


def told_html(told: Report, target: str) -> str:
    """Write a report, of a server, a phone or a model, as one offline HTML page."""
    columns, steps = _steps(told.story)
    return _render(
        "report.html.j2",
        r=told,
        target=target,
        ladder_width=round(ladder.layout(told.story)[0].width),
        ladder=_inline(ladder.draw(told.story)),
        ruler=_inline(ruler.draw(told.story)),
        columns=columns,
        lessons=lessons(told),
        steps=steps,
    )


def index_html(verdict: Verdict, failures: Sequence[tuple[Violation, str]] = (), notes: Sequence[str] = ()) -> str:
    """Write a run's index page. ``failures``: each violation with the relative path of its report.

    ``notes``: what else is to be said of the run, a line each.
    """
    links = [(violation, quote(path)) for violation, path in failures]
    hrefs = {violation.requirement: href for violation, href in reversed(links)}
    return _render(
        "index.html.j2",
        verdict=verdict,
        headline=headline(verdict),
        state=standing_of(verdict),
        symbol=STANDING_SYMBOLS[standing_of(verdict)],
        events=plural(verdict.events, "event"),
        failures=links,
        notes=notes,
        rows=[_row(grade, hrefs.get(grade.requirement, "")) for grade in verdict.grades],
    )


def page_html(template: str, **values: object) -> str:
    """Write another page of the house from its template in this package."""
    return _render(template, **values)


def _row(grade: Grade, href: str) -> Row:
    known = titled(grade.requirement)
    why = {
        Result.PASS: f"observed {plural(grade.observed, 'time')}",
        Result.FAIL: "a counterexample was found",
        Result.NOT_GRADED: grade.reason,
    }
    return Row(
        id=grade.requirement,
        level=known.level,
        title=known.title,
        result=grade.result.value,
        symbol=SYMBOLS[grade.result],
        kind={Result.PASS: "pass", Result.FAIL: "fail", Result.NOT_GRADED: "none"}[grade.result],
        why=why[grade.result],
        added=grade.added_by_adapter,
        href=href,
    )


def _steps(story: Story) -> tuple[list[str], list[Step]]:
    """Lay out the step table: the two marks and each phone of the account that a step is about."""
    phones = [actor.name for actor in story.having(Role.PHONE)]
    columns = ["allocated", "confirmed", *phones]
    only = story.accounts[0] if len(story.accounts) == 1 else ""
    steps: list[Step] = []
    for moment in story.moments:
        state = next((state for state in moment.states if state.account == (moment.own or only)), None)
        values = dict(standing(state))
        steps.append(
            Step(
                between(moment.first, moment.last),
                moment.asked,
                moment.answered,
                tuple(values.get(column, "") for column in columns),
                moment.violating,
            )
        )
    return [*columns[:2], *(f"phone {name}" for name in phones)], steps


def _inline(svg: str) -> str:
    return svg.replace(NAMESPACE, "", 1)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("seqproof_reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=_seen,
    )


def _seen(value: object) -> object:
    """Make what is said visible; what a template calls safe is the package's own and stays."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


@cache
def _asset(name: str) -> str:
    return resources.files("seqproof_reports").joinpath("templates", name).read_text("utf-8")


def _render(template: str, **values: object) -> str:
    script = _asset("page.js")
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template(template)
        .render(
            script=script,
            script_hash=f"sha256-{digest}",
            style=COLOURS + _asset("page.css"),
            **values,
        )
    )
