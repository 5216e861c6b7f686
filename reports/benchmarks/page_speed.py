"""Measures a counterexample's page in a real browser: how long it takes to open, and how long a key press takes.

    python reports/benchmarks/page_speed.py                     2 000 events, 3 phones
    python reports/benchmarks/page_speed.py --events 20000 --phones 12

The history has no long run to join: sends and recvs take turns, every fifth reply is lost. Printed: the size of the
page, the time to its load event, the time that a key press takes in script, style and layout, and to the next painted
frame (200 presses), the same for scrolling the rows, and how many nodes a key press changed. "nothing" is a key that
does nothing: what the browser and the machine take themselves. At 60 Hz a frame takes 16.7 ms.

Exit code: 0 measured, 2 no chromium.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from seqproof_model import history as h
from seqproof_model.profile import built_in
from seqproof_model.scenario import Scenario
from seqproof_model.verdict import Counterexample, Violation
from seqproof_reports.html import report_html

PRESSES = 200
TO_FRAME = """async ({act, times}) => {
  const board = document.getElementById('board'), took = [], worked = [];
  for (let turn = 0; turn < times; turn += 1) {
    await new Promise(requestAnimationFrame);
    const start = performance.now();
    if (act === 'scroll') board.scrollTop = (turn * 977) % board.scrollHeight;
    else board.dispatchEvent(new KeyboardEvent('keydown', {key: act, bubbles: true}));
    board.getBoundingClientRect();
    worked.push(performance.now() - start);
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    took.push(performance.now() - start);
  }
  return [worked, took];
}"""


def history(events: int, phones: int) -> Counterexample:
    """A history of so many events whose last one is a violation."""
    told: list[h.Event] = []
    seq = 0
    while len(told) < events:
        seq += 1
        phone = f"P{seq % phones}"
        told += [
            h.Send(2 * seq, "x", f"message {seq}"),
            h.Ok(2 * seq, seq=seq),
            h.Recv(2 * seq + 1, "x", phone, seq - 1),
        ]
        told.append(h.Ok(2 * seq + 1, rows=((seq, f"message {seq}"),), delivered=seq % 5 > 0))
    violation = Violation("RCV-1", "I-LOSS", "measured", "the last event", len(told), "x", None, seq_svr=seq)
    header = h.Header("benchmark", ("send_seq",), built_in()["strict"])
    return Counterexample(violation, Scenario("measured", ()), header, tuple(told), "", 0, 0, "", "")


def frames(page: Page, act: str, times: int) -> str:
    """How long something takes up to the next frame."""
    measured: list[list[float]] = page.evaluate(TO_FRAME, {"act": act, "times": times})
    said = zip(("work", "to the frame"), measured, strict=True)
    return "; ".join(f"{name} median {statistics.median(took):.1f} ms, worst {max(took):.1f} ms" for name, took in said)


def changed(page: Page) -> int:
    """How many nodes a key press changes."""
    page.evaluate(
        "window.seen = new Set(); new MutationObserver(all => all.forEach(one => seen.add(one.target)))"
        ".observe(document, {subtree: true, childList: true, attributes: true, characterData: true})"
    )
    page.keyboard.press("ArrowUp")
    count: int = page.evaluate("new Promise(done => setTimeout(() => done(seen.size)))")
    return count


def main() -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(description="Measure a counterexample's page in chromium.")
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--phones", type=int, default=3)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("page_speed: no chromium on this machine (apt-get install chromium)", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "report.html"
        start = time.perf_counter()
        path.write_text(report_html(history(options.events, options.phones)), "utf-8")
        print(f"written    {time.perf_counter() - start:.2f} s, {path.stat().st_size / 1e6:.1f} MB")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        start = time.perf_counter()
        page.goto(path.as_uri())
        print(f"opened     {time.perf_counter() - start:.2f} s, {page.locator('#rows li').count()} rows")
        page.locator("#board").focus()
        page.keyboard.press("Home")
        print(f"nothing    {frames(page, 'x', PRESSES)}")
        print(f"key press  {frames(page, 'ArrowDown', PRESSES)}; changed {changed(page)} nodes")
        print(f"scrolling  {frames(page, 'scroll', PRESSES)}")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
