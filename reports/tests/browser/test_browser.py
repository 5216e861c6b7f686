"""The counterexample's page in a real browser: what hover, click and keys do, and what a hostile server cannot do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from seqproof_model import history as h
from seqproof_model.verdict import Counterexample

Stored = Callable[[str], Counterexample]
Made = Callable[[list[h.Event]], Counterexample]
Open = Callable[..., Page]


def current(page: Page) -> tuple[str, str, str]:
    """The number of the current event: in the pictures, in the table, in the panel."""
    return (
        page.locator(".row.on .n").inner_text(),
        page.locator("#steps tr.on td").first.inner_text().removeprefix("✗ "),
        page.locator("[data-part=number]").inner_text().removeprefix("✗ "),
    )


def alternating(count: int) -> list[h.Event]:
    """Sends and recvs by turns, so that no two rows are joined; four events a turn."""
    events: list[h.Event] = []
    for n in range(1, count // 4 + 1):
        events += [h.Send(2 * n, "x", f"m{n}"), h.Ok(2 * n, seq=n)]
        events += [h.Recv(2 * n + 1, "x", "A", n - 1), h.Ok(2 * n + 1, rows=((n, f"m{n}"),))]
    return events


def test_a_page_opens_at_the_violation_with_what_was_expected(opened: Open, stored: Stored) -> None:
    page = opened(stored("lost_after_kill"))
    assert current(page) == ("5–6", "5–6", "5–6")
    assert page.locator(".differ").is_visible()
    assert page.locator("[data-part=allocated]").inner_text() == "1"


def test_keys_step_through_the_events_and_the_state_follows(opened: Open, stored: Stored) -> None:
    page = opened(stored("two_phones_lost_replies"))
    page.locator("#board").focus()
    page.keyboard.press("Home")
    assert set(current(page)) == {"1–2"}
    page.keyboard.press("ArrowDown")
    assert set(current(page)) == {"3–4"}
    assert page.locator("[data-part=allocated]").inner_text() == "1 → 2"
    assert page.locator(".differ").is_hidden()
    page.keyboard.press("End")
    page.keyboard.press("ArrowDown")
    assert set(current(page)) == {"22–23"}
    page.keyboard.press("Home")
    page.keyboard.press("v")
    assert set(current(page)) == {"22–23"}
    assert page.locator(".phones tbody tr").nth(1).inner_text().split("\t") == ["B", "2 → 3", "1..2 → 1..3"]
    assert page.locator("[data-part=live]").inner_text().startswith("✗ 22–23: phone B asks after 0")


def test_buttons_a_pointer_and_a_click_in_the_table_choose_an_event(opened: Open, stored: Stored) -> None:
    page = opened(stored("two_phones_lost_replies"))
    page.get_by_role("button", name="First event").click()
    assert set(current(page)) == {"1–2"}
    page.locator("#e5").hover()
    assert set(current(page)) == {"5–6"}
    page.locator("#steps tbody tr").nth(3).click()
    assert set(current(page)) == {"7–8"}


def test_a_cited_event_leads_to_its_row(opened: Open, stored: Stored) -> None:
    page = opened(stored("lost_after_kill"))
    page.locator("a.cite", has_text="[2]").first.click()
    expect(page.locator("[data-part=number]")).to_have_text("1–2")  # the browser tells the page of a new place later
    assert set(current(page)) == {"1–2"}
    assert page.locator("#e1").bounding_box() is not None
    assert page.evaluate("innerHeight") > (page.locator("#e1").bounding_box() or {"y": 0.0})["y"] >= 0


def test_the_theme_can_be_chosen(opened: Open, stored: Stored) -> None:
    page = opened(stored("lost_after_kill"))
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    switch = page.locator("button.theme")
    switch.click()
    assert page.evaluate(paper) == light
    switch.click()
    assert page.evaluate(paper) != light
    page.reload()
    assert switch.inner_text() == "theme: dark"


def test_without_scripts_it_reads_the_same(opened: Open, stored: Stored) -> None:
    page = opened(stored("two_phones_lost_replies"), scripts=False)
    text = page.locator("main").inner_text()
    assert "phone B asks after 0 (an old request: it has 2)" in text
    assert page.locator("#now").is_hidden()
    assert page.locator("#rows li").count() == page.locator("#steps tbody tr").count() == 14


def test_what_a_hostile_server_said_is_shown_and_never_run(opened: Open, stored: Stored) -> None:
    page = opened(stored("hostile_texts"))
    assert page.locator("main img, main iframe, main script, h1 *").count() == 0
    assert "<script>alert(" in page.locator("#steps").inner_text()
    page.locator("#board").focus()
    page.keyboard.press("Home")
    assert page.locator("[data-part=asked] *").count() == 0
    assert "<script>alert(" in page.locator("[data-part=asked]").inner_text()


def test_a_key_press_changes_as_many_nodes_in_a_long_history_as_in_a_short_one(opened: Open, made: Made) -> None:
    changed: list[int] = []
    for count in (40, 2000):
        page = opened(made(alternating(count)))
        page.locator("#board").focus()
        page.keyboard.press("Home")
        page.evaluate(
            "window.seen = new Set(); new MutationObserver(all => all.forEach(one => seen.add(one.target)))"
            ".observe(document, {subtree: true, childList: true, attributes: true, characterData: true})"
        )
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        changed.append(page.evaluate("new Promise(done => setTimeout(() => done(seen.size)))"))
    assert changed[1] <= changed[0] + 2
    assert changed[0] < 30


def laid_out(page: Page) -> float:
    """How many objects the browser has laid out: it looks at each of them for every frame."""
    session: Any = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    session.send("HeapProfiler.collectGarbage")
    metrics: list[dict[str, Any]] = session.send("Performance.getMetrics")["metrics"]
    return next(float(one["value"]) for one in metrics if one["name"] == "LayoutObjects")


@pytest.mark.parametrize("at", ["board", "table"])
def test_a_browser_lays_out_no_more_of_a_long_history_than_of_a_short_one(opened: Open, made: Made, at: str) -> None:
    counts: list[float] = []
    for count in (600, 2400):
        page = opened(made(alternating(count)))
        page.evaluate(f"document.getElementById('{at}').scrollIntoView()")
        page.locator("#board").focus()
        for key in ("Home", "ArrowDown", "ArrowDown"):
            page.keyboard.press(key)
        counts.append(laid_out(page))
        page.context.close()
    assert counts[1] < 1.2 * counts[0]


def test_the_count_of_what_is_laid_out_sees_a_page_that_hides_nothing(opened: Open, made: Made) -> None:
    page = opened(made(alternating(600)))
    some = laid_out(page)
    page.add_style_tag(content=".piece,.pieces tbody{content-visibility:visible!important}")
    page.locator("#board").bounding_box()
    assert laid_out(page) > 2 * some


def test_a_long_table_keeps_its_columns_and_says_that_it_is_one(opened: Open, made: Made) -> None:
    page = opened(made(alternating(600)))
    lefts = (
        "[...document.querySelectorAll('#steps tr')].map(line => Math.round(line.cells[4].getBoundingClientRect().x))"
    )
    assert len(set(page.evaluate(lefts))) == 1
    assert page.get_by_role("table", name="").last.get_by_role("row").count() > 300
    assert page.get_by_role("option").count() == 300


@pytest.mark.parametrize("width", [1280, 400])
def test_ladder_and_ruler_stand_in_step(opened: Open, stored: Stored, width: int) -> None:
    page = opened(stored("two_phones_lost_replies"), width)
    tops = page.evaluate(
        "[...document.querySelectorAll('.row')].map(row => [...row.querySelectorAll('svg')].map(one => {"
        "const box = one.getBoundingClientRect();"
        "return [Math.round(box.top), Math.round(box.height), row.offsetHeight]}))"
    )
    for (top, height, _), (beside, other, row) in tops:
        assert height == other
        assert beside == (top if width == 1280 else top + height)
        assert row >= height


def test_tips_are_arrows_over_the_connection_or_by_the_phones_os(opened: Open, made: Made) -> None:
    tips = h.Tips((h.Tip("x", "A"), h.Tip("x", "B", h.Via.OS)), ("x",))
    page = opened(made([h.Login("x", "A"), h.Send(1, "x", "m1"), h.Ok(1, seq=1), tips]))
    assert page.locator(".heads").inner_text().count("OS push") == 1
    assert page.locator("#e4 .hint-tip").count() == 3, "server to A; server to OS, OS to B"
    assert page.locator("#e1 .link").count() == 2
    assert page.locator("#e2 .linked").count() == 1


def test_a_server_that_only_gave_tips_has_a_picture(opened: Open, made: Made) -> None:
    page = opened(made([h.Tips((), ())]))
    assert page.locator("#rows li").count() == 1
