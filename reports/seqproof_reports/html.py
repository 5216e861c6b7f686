"""HTML: a counterexample's page, and the frame of every page: one file that asks the network for nothing.

Everything a server said goes through ``visible`` and is escaped by the template engine; a content security policy lets
no script run but the page's own, named by its hash. Without scripts the page reads the same.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from functools import cache, partial
from hashlib import sha256
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined

from seqproof_model.verdict import Counterexample
from seqproof_reports.board import PIECE, board
from seqproof_reports.board import STYLE as BOARD
from seqproof_reports.report import Report, lessons, report
from seqproof_reports.steps import cited, steps
from seqproof_reports.svg import DARK, LIGHT, variables
from seqproof_reports.text import visible

PAGE_LIGHT = {**LIGHT, "page": "#f6f7f9", "lit": "#e8f0fe"}
PAGE_DARK = {**DARK, "page": "#0d1014", "lit": "#1c2b42"}
COLOURS = (  # of a page: the reader's setting, unless the page's own switch says otherwise; paper is light
    f":root{{{variables(PAGE_LIGHT)}color-scheme:light}}"
    f":root[data-theme=dark]{{{variables(PAGE_DARK)}color-scheme:dark}}"
    f"@media(prefers-color-scheme:dark){{:root:not([data-theme=light]){{{variables(PAGE_DARK)}color-scheme:dark}}}}"
    f"@media print{{:root:root:root{{{variables(PAGE_LIGHT)}color-scheme:light}}}}"
)
BESIDE = 820  # px: up to this width of the pictures, the state stands beside them where the window allows
PAPER = 690  # px: what a sheet of A4 takes, upright


def report_html(counterexample: Counterexample) -> str:
    """Write a counterexample as one offline HTML page."""
    return told_html(report(counterexample), counterexample.header.target)


def told_html(told: Report, target: str) -> str:
    """Write a report, of a server, a phone or a model, as one offline HTML page."""
    drawn = board(told.story)
    return _render(
        "report.html.j2",
        ("page.js", "board.js"),
        r=told,
        target=target,
        lessons=lessons(told),
        b=drawn,
        s=steps(told.story),
        cited=partial(cited, story=told.story),
        marks=BOARD,
        BESIDE=BESIDE,
        PAPER=PAPER,
        PIECE=PIECE,
    )


def page_html(template: str, **values: object) -> str:
    """Write another page of the house from its template in this package."""
    return _render(template, ("page.js",), **values)


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


def _render(template: str, scripts: Sequence[str], /, **values: object) -> str:
    script = "".join(_asset(name) for name in scripts)
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
