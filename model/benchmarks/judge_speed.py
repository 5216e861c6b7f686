"""How fast is the judge? Events a second on 10^5 events, beside two peers in the same run.

    python model/benchmarks/judge_speed.py [EVENTS]

Peers: *decode* reads the same events from JSON Lines with msgspec and does nothing with them: what any offline check
pays at least. *worlds* is the exact engine, on as many events as it survives. Times are CPU times, the best of three;
compare the ratios within a run, not the rates of different runs.

*Growth* is the time per event at all events beside that at a tenth of them: 1 is linear. After the scenes come the
histories that are hardest for a judge: very many sends open at once.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

from seqproof_model import history as h
from seqproof_model.judge import Judge
from seqproof_model.profile import find
from seqproof_model.shapes import Chances, Server, Shape, simulate
from seqproof_model.worlds import TooManyError, Worlds

SCENES = ((1, 0.1), (4, 0.1), (4, 0.3), (16, 0.1), (16, 0.3))  # clients, share of indefinite answers
STRICT = find("strict")


def history(clients: int, indefinite: float, events: int) -> list[h.Event]:
    """Return the first ``events`` events of a correct server's history."""
    rng = random.Random(7)
    chances = Chances(indefinite=indefinite, kill=0.0005)
    return simulate(rng, Server(Shape.CONFIRM_LOWER_UPPER, rng=rng), events * 2 // 3, clients, chances)[:events]


def best_s(work: Callable[[], object]) -> float:
    """Return the shortest of three runs, in seconds."""
    times: list[float] = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def judge_all(events: Sequence[h.Event]) -> None:
    """Judge, and fail when a correct server is blamed."""
    judge = Judge(STRICT, paged=False)
    for event in events:
        if judge.feed(event):
            raise SystemExit(judge.violations[0].sentence)


def decode_all(lines: Sequence[bytes]) -> None:
    """Read the events and drop them."""
    for line in lines:
        h.decode(line)


def worlds_survive(events: Sequence[h.Event]) -> tuple[int, float]:
    """Return how many events the world-set engine held before it gave up, and the seconds that took."""
    worlds, start = Worlds(STRICT, paged=False, cap=20_000), time.process_time()
    held = 0
    try:
        for held, event in enumerate(events):  # noqa: B007 - how far it came is the result
            worlds.feed(event)
    except TooManyError:
        pass
    return held, time.process_time() - start


def reversed_sends(events: int) -> list[h.Event]:
    """Half of ``events`` sends, open all at once, answered in reverse order."""
    sends = [h.Send(n, "x", f"m{n}", client_id=f"c{n}") for n in range(1, events // 2 + 1)]
    return [*sends, *(h.Ok(n, seq=n) for n in range(events // 2, 0, -1))]


def untold_sends(events: int) -> list[h.Event]:
    """Half of ``events`` sends, open all at once, acknowledged in reverse order without a seq, then shown at once."""
    sends = [h.Send(n, "x", f"m{n}", client_id=f"c{n}") for n in range(1, events // 2)]
    rows = tuple((n, f"m{n}") for n in range(1, len(sends) + 1))
    oks = [h.Ok(send.id) for send in reversed(sends)]
    return [*sends, *oks, h.Recv(events, "x", "A", 0), h.Ok(events, rows=rows)]


def asked_between(events: int) -> list[h.Event]:
    """As ``reversed_sends``, with a recv after every fourth answer, which finds nothing."""
    history: list[h.Event] = []
    for event in reversed_sends(events * 2 // 3):
        history.append(event)
        if isinstance(event, h.Ok) and event.id % 4 == 2:
            history += [h.Recv(events + event.id, "x", "A", 0), h.Ok(events + event.id, rows=())]
    return history


def never_answered(events: int, share: float = 0.3) -> list[h.Event]:
    """One phone asks and sends in turn. ``share`` of the answers never come; half of those sends are stored."""
    rng, log, history, seq_cli = random.Random(7), list[str](), list[h.Event](), 0
    while len(history) < events:
        number = len(history) + 1
        lost = rng.random() < share
        if rng.random() < 0.5:
            history.append(h.Send(number, "x", f"m{number}", client_id=f"c{number}"))
            if not lost or rng.random() < 0.5:
                log.append(f"m{number}")
            answer: h.Event = h.Ok(number, seq=len(log))
        else:
            history.append(h.Recv(number, "x", "A", seq_cli))
            answer = h.Ok(number, rows=tuple(enumerate(log[seq_cli:], seq_cli + 1)))
            seq_cli = seq_cli if lost else len(log)
        history.append(h.Indefinite("timeout", id=number) if lost else answer)
    return history


def growth(events: Sequence[h.Event], fewer: Sequence[h.Event]) -> tuple[float, float]:
    """Return events a second, and how much dearer an event is than in the shorter history."""
    long_s, short_s = best_s(partial(judge_all, events)), best_s(partial(judge_all, fewer))
    return len(events) / long_s, (long_s / len(events)) / (short_s / len(fewer))


HARD: tuple[tuple[str, Callable[[int], list[h.Event]]], ...] = (
    ("open at once, answered in reverse", reversed_sends),
    ("... with recvs in between", asked_between),
    ("... without seqs, then shown", untold_sends),
    ("30% never answered", never_answered),
)


def main(events: int) -> None:
    """Print the two tables."""
    print("clients  indefinite   events     rows  judge ev/s  growth  decode ev/s  judge/decode  worlds: events  ev/s")
    for clients, indefinite in SCENES:
        scene = history(clients, indefinite, events)
        lines = [h.encode(event) for event in scene]
        rows = sum(len(event.rows or ()) for event in scene if isinstance(event, h.Ok))
        rate, grown = growth(scene, history(clients, indefinite, events // 10))
        decode_s = best_s(partial(decode_all, lines))
        held, worlds_s = worlds_survive(scene)
        print(
            f"{clients:7}  {indefinite:10.0%}  {len(scene):7}  {rows:7}  {rate:10,.0f}  {grown:6.2f}"
            f"  {len(scene) / decode_s:11,.0f}  {len(scene) / rate / decode_s:12.1f}"
            f"  {held:14}  {held / worlds_s:4,.0f}"
        )
    print()
    print("sends                                  events  judge ev/s  growth")
    for name, make in HARD:
        rate, grown = growth(make(events), make(events // 10))
        print(f"{name:35}  {events:8}  {rate:10,.0f}  {grown:6.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
