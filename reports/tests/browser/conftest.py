"""Shared by the browser tests: pages opened in Debian's chromium, offline, and the counterexamples they show."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from seqproof_model import history as h
from seqproof_model.profile import built_in
from seqproof_model.scenario import Scenario
from seqproof_model.verdict import Counterexample, Violation
from seqproof_reports.html import report_html

DATA = Path(__file__).parents[1] / "data"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A chromium for the tests of a file; they are skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine (apt-get install chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open a counterexample's page from a file. A request to any network, or an error of the script, fails the test."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def show(
        found: Counterexample, width: int = 1280, scheme: Literal["light", "dark"] = "light", *, scripts: bool = True
    ) -> Page:
        path = tmp_path / "report.html"
        path.write_text(report_html(found), "utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        page.on("request", lambda request: wrong.append(request.url) if request.url != path.as_uri() else None)
        page.goto(path.as_uri())
        return page

    yield show
    for context in contexts:
        context.close()
    assert not wrong


def counterexample(name: str) -> Counterexample:
    """One of tests/data."""
    return msgspec.json.decode((DATA / f"{name}.json").read_bytes(), type=Counterexample)


@pytest.fixture
def stored() -> Callable[[str], Counterexample]:
    """Read one of the counterexamples in tests/data."""
    return counterexample


@pytest.fixture
def made() -> Callable[[list[h.Event]], Counterexample]:
    """Make a counterexample of events; its last one is the violation."""

    def make(events: list[h.Event]) -> Counterexample:
        header = h.Header("reference", ("send_seq",), built_in()["strict"])
        violation = Violation(
            requirement="RCV-1",
            invariant="I-NODUP",
            observation="made for a test",
            sentence="the last of these events is the violation",
            event=len(events),
            account="x",
            operation=None,
            seq_svr=1,
            confirmed=0,
        )
        return Counterexample(
            violation=violation,
            scenario=Scenario("made", ()),
            header=header,
            events=tuple(events),
            claim="",
            reproduced=0,
            tried=0,
            found_by="",
            replay="seqproof replay made",
        )

    return make
