"""Nothing overlaps or is clipped, at 1280 and 400 px and on paper; who cannot see or point is served as well."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest
from playwright.sync_api import Page

from seqproof_model import history as h
from seqproof_model.verdict import Counterexample

Stored = Callable[[str], Counterexample]
Made = Callable[[list[h.Event]], Counterexample]
Open = Callable[..., Page]
NAMES = sorted(path.stem for path in (Path(__file__).parents[1] / "data").glob("*.json"))
TOP = 2**32 - 1

# Each visible text's box; then those that leave what clips them, or their own picture, and those that meet another.
# Marks of shapes (M, R, !, a number in its cell) are texts like any other.
FAULTS = """() => {
  const seen = [], faults = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    if (!node.textContent.trim() || parent.closest('script, style, .sr, .skip, [hidden], title, #now')) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of parent.closest('svg') ? [parent.getBoundingClientRect()] : range.getClientRects()) {
      if (box.width < 1) continue;
      const y = scrollY, one = {text: node.textContent.trim().slice(0, 40), left: box.left, right: box.right,
        top: box.top + y + 2, bottom: box.bottom + y - 2, sticky: Boolean(parent.closest('.heads, .n, #steps th'))};
      seen.push(one);
      const svg = parent.closest('svg');
      if (svg) {
        const room = svg.getBoundingClientRect();
        const high = box.top < room.top - 2 || box.bottom > room.bottom + 2;
        if (high || one.left < room.left - 1 || one.right > room.right + 1)
          faults.push(`clipped by its picture: ${one.text}`);
      }
      for (let at = parent; at && at !== document.body; at = at.parentElement) {
        const style = getComputedStyle(at);
        if (style.overflowX === 'visible' || at instanceof SVGElement) continue;
        const room = at.getBoundingClientRect();
        if (style.overflowX !== 'hidden' && style.overflowX !== 'clip') break;
        if (one.right > room.right + 1) faults.push(`clipped: ${one.text}`);
      }
    }
  }
  seen.sort((one, other) => one.top - other.top);
  seen.forEach((one, index) => {
    for (let at = index + 1; at < seen.length && seen[at].top < one.bottom; at += 1) {
      const other = seen[at];
      if (!one.sticky && !other.sticky && one.left + 1 < other.right && other.left + 1 < one.right)
        faults.push(`meet: ${one.text} | ${other.text}`);
    }
  });
  if (document.documentElement.scrollWidth > innerWidth) faults.push('the page scrolls sideways');
  return faults;
}"""


def crowd() -> list[h.Event]:
    """Twelve phones near the end of the space, two accounts, refusals, tips and kills."""
    events: list[h.Event] = [h.Preset("x", TOP - 4), h.Login("x", "P1")]
    for n in range(1, 5):
        events += [h.Send(n, "x", f"message {n} with a long text"), h.Ok(n, seq=TOP - 4 + n)]
    for n in range(1, 13):
        rows = tuple((seq, "m") for seq in range(TOP - 3, TOP + 1))
        events += [h.Recv(100 + n, "x", f"P{n}", TOP - 4), h.Ok(100 + n, rows=rows, delivered=n % 3 > 0)]
    events += [h.Kill(), h.Restart(), h.Send(50, "other account", "hello"), h.Ok(50, seq=1)]
    events += [h.Tips((h.Tip("x", "P1"), h.Tip("x", "P12", h.Via.OS), h.Tip("x", "P12", h.Via.OS))), h.Backup()]
    events += [h.RecvRaw(60, "x", "P3", '"\\u202e99999999999999999999"'), h.Refused(h.Code.MALFORMED, 60), h.Restore()]
    events += [h.Recv(70, "x", "P2", TOP), h.Refused(h.Code.AHEAD, 70, seq_svr=TOP)]
    return events


def long() -> list[h.Event]:
    """Two hundred rows, which are more than a page lays out at once."""
    events: list[h.Event] = []
    for n in range(1, 101):
        events += [h.Send(2 * n, "x", f"m{n}"), h.Ok(2 * n, seq=n)]
        events += [h.Recv(2 * n + 1, "x", "A", n - 1), h.Ok(2 * n + 1, rows=((n, f"m{n}"),))]
    return events


def unrolled(page: Page) -> Page:
    """Everything of a page at once, without its scrolling regions: what is to be looked at is not hidden by them."""
    page.add_style_tag(
        content=".board,.long{max-height:none!important}.heads,.n,#now,#steps th{position:static!important}"
    )
    return page


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("name", [*NAMES, "crowd"])
def test_no_text_is_clipped_or_meets_another(opened: Open, stored: Stored, made: Made, name: str, width: int) -> None:
    found = made(crowd()) if name == "crowd" else stored(name)
    assert unrolled(opened(found, width)).evaluate(FAULTS) == []


def test_the_check_finds_what_overlaps_and_what_is_clipped(opened: Open, stored: Stored) -> None:
    page = unrolled(opened(stored("lost_after_kill")))
    page.evaluate("document.querySelector('#e1 text').textContent = 'a label too long for its room '.repeat(6)")
    page.evaluate("document.querySelector('.lead').style.marginTop = '-60px'")
    faults = page.evaluate(FAULTS)
    assert any(fault.startswith("clipped") for fault in faults)
    assert any(fault.startswith("meet") for fault in faults)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["two_phones_lost_replies", "hostile_texts", "wrap_at_uint_max", "crowd"])
def test_axe_finds_nothing(opened: Open, stored: Stored, made: Made, name: str, scheme: str) -> None:
    page = opened(made(crowd()) if name == "crowd" else stored(name), 1280, scheme)
    assert violations(page) == {}


def test_axe_finds_nothing_in_a_long_history(opened: Open, made: Made) -> None:
    assert violations(opened(made(long()))) == {}


def test_a_long_history_is_printed_whole(opened: Open, made: Made) -> None:
    page = opened(made(long()), 700)
    page.emulate_media(media="print")
    assert page.locator("#e397 svg").first.evaluate("svg => svg.checkVisibility({contentVisibilityAuto: true})")
    assert page.locator("#steps tr").last.evaluate("line => line.checkVisibility({contentVisibilityAuto: true})")
    board = page.locator("#board")
    assert board.evaluate("board => board.scrollHeight <= board.clientHeight + 2")


def test_axe_would_find_a_faint_text_and_a_button_without_a_name(opened: Open, stored: Stored) -> None:
    page = opened(stored("lost_after_kill"))
    page.add_style_tag(content=".lead{color:#bbb!important}")
    page.evaluate("document.querySelector('.keypad button').removeAttribute('aria-label')")
    page.evaluate("document.querySelector('.keypad button').textContent = ''")
    assert {"color-contrast", "button-name"} <= set(violations(page))


def violations(page: Page) -> dict[str, list[str]]:
    """What axe-core finds: rule by rule, where. Asked of the page by the browser, past its content security policy."""
    page.evaluate(resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    found = json.loads(page.evaluate("axe.run().then(results => JSON.stringify(results.violations))"))
    return {
        each["id"]: [str(node["target"]) + str(node.get("failureSummary", "")) for node in each["nodes"]]
        for each in found
    }


@pytest.mark.parametrize("name", ["two_phones_lost_replies", "crowd"])
def test_on_paper_everything_is_there_and_fits(opened: Open, stored: Stored, made: Made, name: str) -> None:
    page = opened(made(crowd()) if name == "crowd" else stored(name), 700)
    page.emulate_media(media="print")
    assert page.locator("#now").is_hidden()
    assert page.evaluate(
        "document.getElementById('board').scrollHeight <= document.getElementById('board').clientHeight + 2"
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"


def test_the_keyboard_reaches_everything_in_reading_order(opened: Open, stored: Stored) -> None:
    page = opened(stored("lost_after_kill"))
    reached: list[str] = []
    for _ in range(24):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    assert reached[:3] == ["Skip to the content", "Skip to the events", "theme: auto"]
    assert [name for name in reached if name in {"board", "✗ violation", "copy"}] == ["board", "✗ violation", "copy"]
