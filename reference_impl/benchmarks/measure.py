"""What the reference server costs: delivery to a phone, requests a second, and how both grow. One command, one report.

    python reference_impl/benchmarks/measure.py -o measured          report.md, delivery.svg, growth.svg in measured/

*Delivery*: the reference phone has a long connection; each message is timed from before its send until the phone shows
it: send, tip, recv, stored. Once on an idle server, once beside senders to other accounts. The article speaks of
100 ms (section 2.3); it is reported, not graded. *Rates*: clients on threads of this process, whose own cost is in
them. *Growth*: the store alone, in this process, with 10 to 100 000 messages in one inbox, and with 10 to 100 000
accounts; filled in bulk, then timed request by request, the sizes by turns.

A figure holds for the machine and the hour it was measured in; compare figures of one run. Exit code 0; 2 when the
server cannot be used.
"""
# matplotlib's types are partial:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import argparse
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import matplotlib as mpl

from seqproof_model.history import Ok
from seqproof_reference.phone_client import PhoneClient
from seqproof_reference.phone_store import MemoryStore
from seqproof_reference.store import MsgStore

mpl.use("svg")
from matplotlib import pyplot as plt
from matplotlib.ticker import ScalarFormatter

SIZES = (10, 1_000, 100_000)
DUE = 10
CLIENTS = (1, 4, 16)
PATIENCE_S = 10.0


class Unusable(Exception):  # noqa: N818 - it is what the server is
    """The server does not do what is to be measured: one line."""


# ---------------------------------------------------------------- the server


@contextmanager
def served(folder: Path) -> Generator[str]:
    """The server as a process of its own; gives its address, without the scheme. It is ended at the end."""
    command = [sys.executable, "-m", "seqproof_reference", "--db", str(folder / "served.db"), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        if "http://" not in line:
            raise Unusable("the server did not start; its own words are above")
        yield line.rsplit("http://", 1)[1].strip()
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def sending(client: httpx.Client, address: str, account: str, number: int) -> None:
    """Send one message."""
    words = {"sender": "s", "client_id": f"c{number}", "body": f"m{number}"}
    client.post(f"http://{address}/v1/accounts/{account}/messages", json=words).raise_for_status()


def asking(client: httpx.Client, address: str, account: str, seq_cli: int) -> list[tuple[int, str]]:
    """Ask what is after seq_cli."""
    words = {"phone": "A", "seq_cli": seq_cli}
    reply = client.post(f"http://{address}/v1/accounts/{account}/recv", json=words).raise_for_status()
    return [(int(seq), str(body)) for seq, body in reply.json()["rows"]]


# ---------------------------------------------------------------- delivery


def shows(messages: int, held: Sequence[object]) -> bool:
    """Whether it has so many."""
    return len(held) >= messages


def delivery(address: str, account: str, messages: int, beside: int) -> list[float]:
    """Seconds from before each send until the phone has it. ``beside``: senders to other accounts meanwhile."""
    stop = threading.Event()

    def busy(number: int) -> None:
        with httpx.Client(trust_env=False) as client:
            sent = 0
            while not stop.is_set():
                sent += 1
                sending(client, address, f"{account}-beside-{number}", sent)

    others = [threading.Thread(target=busy, args=(number,), daemon=True) for number in range(beside)]
    phone = PhoneClient([f"http://{address}"], account, MemoryStore)
    phone.start()
    took: list[float] = []
    try:
        for thread in others:
            thread.start()
        with httpx.Client(trust_env=False) as client:
            for number in range(messages):
                began = time.perf_counter()
                sending(client, address, account, number)
                if not phone.wait_for(partial(shows, number + 1), PATIENCE_S):
                    raise Unusable(f"message {number} did not come within {PATIENCE_S:g} s")
                took.append(time.perf_counter() - began)
    finally:
        stop.set()
        phone.stop()
        for thread in others:
            thread.join(PATIENCE_S)
    return took


# ---------------------------------------------------------------- rates


def rate(clients: int, requests: int, ask: Callable[[httpx.Client, str, int], object]) -> float:
    """Requests a second of so many clients, each on an account of its own."""

    def work(name: str) -> None:
        with httpx.Client(trust_env=False) as client:
            for number in range(requests // clients):
                ask(client, name, number)

    threads = [threading.Thread(target=work, args=(f"r{clients}-{number}",)) for number in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return requests // clients * clients / (time.perf_counter() - began)


def polling(address: str, held: int, client: httpx.Client, account: str, _: int) -> None:
    """Ask with all that the account has: the request that a phone makes most."""
    asking(client, address, account, held)


# ---------------------------------------------------------------- growth


def filled(path: Path, accounts: int, each: int) -> MsgStore:
    """A store with so many accounts that hold so many messages each, none confirmed; written in bulk."""
    MsgStore(path).close()
    with sqlite3.connect(path) as db:
        names = [f"a{number}" for number in range(accounts)]
        db.executemany("INSERT INTO account (name, svr, confirmed) VALUES (?, ?, 0)", ((name, each) for name in names))
        rows = ((name, seq, "s", "", f"body of message {seq}") for name in names for seq in range(1, each + 1))
        db.executemany("INSERT INTO message VALUES (?, ?, ?, ?, ?)", rows)
    db.close()
    return MsgStore(path)


@dataclass
class Curve:
    """Seconds of each request, by size."""

    name: str
    seconds: dict[int, list[float]]

    def median(self, size: int) -> float:
        """In microseconds."""
        return statistics.median(self.seconds[size]) * 1e6


def growth(folder: Path, name: str, shape: Callable[[int], tuple[int, int]], rounds: int) -> list[Curve]:
    """Time three requests on stores of all sizes, by turns. ``shape``: size -> accounts, messages in each."""
    stores = {size: filled(folder / f"{name}-{size}.db", *shape(size)) for size in SIZES}
    ahead = {size: shape(size)[1] for size in SIZES}  # seq_svr of the account that is used
    curves = [
        Curve(what, {size: [] for size in SIZES})
        for what in ("recv that confirms one", f"recv of {DUE}, confirms none", "send")
    ]
    for _ in range(rounds):
        for size, store in stores.items():
            asks: list[Callable[[], object]] = [
                partial(store.recv, "a0", ahead[size]),
                partial(store.recv, "a1", max(0, shape(size)[1] - DUE)),
                partial(store.send, "a0", "s", "", "one more"),
            ]
            for curve, ask in zip(curves, asks, strict=True):
                began = time.perf_counter()
                answer = ask()
                curve.seconds[size].append(time.perf_counter() - began)
                if not isinstance(answer, Ok):
                    raise Unusable(f"{curve.name} was answered {answer}")
            ahead[size] += 1
    for store in stores.values():
        store.close()
    return curves


# ---------------------------------------------------------------- the report


def percentile(seconds: Sequence[float], share: float) -> float:
    """In milliseconds."""
    return sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))] * 1e3


def draw_delivery(path: Path, runs: dict[str, list[float]]) -> None:
    """How large a share was delivered after so long."""
    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    for name, seconds in runs.items():
        times = [each * 1e3 for each in sorted(seconds)]
        axes.step(times, [(n + 1) / len(times) for n in range(len(times))], label=name, where="post")
    axes.axvline(100, color="0.5", linestyle=":", label="the article's 100 ms")
    axes.set(xscale="log", xlabel="from the send to the phone, ms", ylabel="share delivered", ylim=(0, 1.02))
    axes.grid(visible=True, which="both", alpha=0.2)
    axes.legend(loc="lower right")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def draw_growth(path: Path, inbox: list[Curve], accounts: list[Curve]) -> None:
    """Cost beside size."""
    figure, both = plt.subplots(1, 2, figsize=(8.4, 3.6), sharey=True, layout="constrained")
    for axes, curves, what in zip(both, (inbox, accounts), ("messages in the inbox", "accounts"), strict=True):
        for curve in curves:
            axes.plot(SIZES, [curve.median(size) for size in SIZES], marker="o", label=curve.name)
        axes.set(xscale="log", yscale="log", xlabel=what)
        axes.grid(visible=True, which="major", alpha=0.2)
    both[0].yaxis.set_major_formatter(ScalarFormatter())
    both[0].set(ylabel="median of a request, µs", ylim=(10, 1_000))
    both[0].legend()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def lines_of_growth(title: str, curves: list[Curve]) -> Iterator[str]:
    """A table: microseconds, and in brackets how many times those of the smallest size."""
    yield f"| {title} | " + " | ".join(f"{size:,}" for size in SIZES) + " |"
    yield "|---" * (len(SIZES) + 1) + "|"
    for curve in curves:
        least = curve.median(SIZES[0])
        cells = [f"{curve.median(size):,.0f} µs ({curve.median(size) / least:.2f})" for size in SIZES]
        yield f"| {curve.name} | " + " | ".join(cells) + " |"
    yield ""


def report(folder: Path, messages: int, requests: int, rounds: int) -> str:
    """Measure, draw, and write the report. Returns its text."""
    with tempfile.TemporaryDirectory() as scratch:
        with served(Path(scratch)) as address:
            runs = {
                "idle server": delivery(address, "idle", messages, 0),
                "beside 4 senders": delivery(address, "busy", messages, 4),
            }
            sends = [rate(n, requests, lambda c, who, at: sending(c, address, who, at)) for n in CLIENTS]
            recvs = [rate(n, requests, partial(polling, address, requests // n)) for n in CLIENTS]
        inbox = growth(Path(scratch), "inbox", lambda size: (2, size), rounds)
        accounts = growth(Path(scratch), "accounts", lambda size: (size, DUE), rounds)
    draw_delivery(folder / "delivery.svg", runs)
    draw_growth(folder / "growth.svg", inbox, accounts)
    lines = ["# What the reference server costs", "", "## From a send to the phone, over the long connection", ""]
    lines += ["| server | messages | p50 | p99 | longest |", "|---|---|---|---|---|"]
    for name, seconds in runs.items():
        cells = [f"{percentile(seconds, share):.1f} ms" for share in (0.5, 0.99, 1)]
        lines.append(f"| {name} | {len(seconds):,} | " + " | ".join(cells) + " |")
    lines += ["", "![share delivered by time](delivery.svg)", ""]
    lines += ["## Requests a second, over HTTP, with nothing due for a recv", ""]
    lines += ["| clients | " + " | ".join(map(str, CLIENTS)) + " |", "|---" * (len(CLIENTS) + 1) + "|"]
    lines += [
        f"| {name} | " + " | ".join(f"{each:,.0f}" for each in found) + " |"
        for name, found in (("sends", sends), ("recvs", recvs))
    ]
    lines += ["", "## As it grows: the store alone", "", *lines_of_growth("messages in the inbox", inbox)]
    lines += [*lines_of_growth("accounts", accounts), "![cost beside size](growth.svg)", ""]
    text = "\n".join(lines)
    (folder / "report.md").write_text(text)
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Delivery, rates and growth of the reference server, as a report.")
    parser.add_argument("-o", "--output", type=Path, default=Path("measured"), help="where the report goes")
    parser.add_argument("--messages", type=int, default=500, help="deliveries that are timed")
    parser.add_argument("--requests", type=int, default=2_000, help="requests of each rate")
    parser.add_argument("--rounds", type=int, default=200, help="requests of each kind and size")
    chosen = parser.parse_args(arguments)
    try:
        chosen.output.mkdir(parents=True, exist_ok=True)
        print(report(chosen.output, max(1, chosen.messages), max(16, chosen.requests), max(1, chosen.rounds)))
    except (Unusable, httpx.HTTPError, OSError) as error:
        print(f"measure: {error}", file=sys.stderr)
        return 2
    print(f"written: {chosen.output / 'report.md'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
