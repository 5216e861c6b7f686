"""Requests that overlap, by explicit schedules, each with a quiescent tail that makes a fault visible.

*Held* sends are scheduled exactly: the target stops them between their begin and their commit. All courses of two held
sends, a plain send and a recv are played, up to names. Without that, requests run on threads, at the server's own pace:
then a schedule says only which of them may overlap, a correct server's answers may differ from run to run, and what is
judged is whether *some* order of their moments explains them. A kill can fall before, in and right after a request.

The tail: each phone asks with the old seq_cli that it has, then a new phone asks, twice; and once more after a last
send. Source: docs/requirements.md, "What a pass means"; SEQ-2, SEQ-3, SEQ-4, SND-2, CNF-2, CNF-4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

from seqproof_model import scenario as sc
from seqproof_model.scenario import Begin, End, Lost, Moment, Scenario, Step

SEND, A, B, NEW, KILL = sc.Send(), sc.Recv(), sc.Recv(phone="B"), sc.Recv(fresh=True), sc.Kill()
HOLD = Lost.HOLD_REPLY
TAIL: tuple[Step, ...] = (A, B, NEW, NEW, SEND, A, B, NEW)


def held(*, kills: bool) -> list[Scenario]:
    """All courses of two held sends that overlap, with a send, a recv and perhaps a kill in between."""
    middle: list[Step] = [SEND, A, *([KILL] if kills else [])]
    courses = [
        (*before, Begin("s1", held=True), *first, *second, End("s1"))
        for before in ((), (SEND, A))
        for first in _up_to(middle, 2)
        for second in ((), *_second(middle))
        if first or second
    ]
    return [_scenario("held", number, course) for number, course in enumerate(courses, 1)]


def _second(middle: list[Step]) -> Iterator[tuple[Step, ...]]:
    """A second held send that ends before the first, or after it."""
    begin, end = Begin("s2", held=True), End("s2")
    for between in _up_to(middle, 1):
        yield (begin, *between, end)
        yield (begin, *between, End("s1"), A, end)


def _up_to(steps: list[Step], most: int) -> Iterator[tuple[Step, ...]]:
    """All courses of at most so many of these steps."""
    courses: list[tuple[Step, ...]] = [()]
    for _ in range(most + 1):
        yield from courses
        courses = [(*course, step) for course in courses for step in steps]


def at_once(*, clients: int = 3) -> list[Scenario]:
    """Requests that run at once on threads: sends with sends, sends with recvs, recvs of several phones."""
    sends = [Begin(f"s{n}") for n in range(1, clients + 1)]
    recvs = [Begin(f"A{n}", A) for n in (1, 2)] + [Begin("B1", B)]
    groups: list[tuple[str, Iterable[Begin], Iterable[Step]]] = [
        ("sends", sends, ()),
        ("sends and a recv", [*sends, recvs[0]], ()),
        ("recvs of one phone", recvs[:2], (sc.Send(count=3),)),
        ("recvs of two phones", recvs, (sc.Send(count=3), A)),
        ("an ack beside a send", [recvs[0], sends[0]], (sc.Send(count=2), A)),
        ("an ack beside an old question", [recvs[0], Begin("B1", B)], (sc.Send(count=2), A)),
        ("an old question beside an ack", [Begin("B1", B), recvs[0]], (sc.Send(count=2), A)),
    ]
    return [
        _scenario("at-once", number, (*before, *begins, *(End(begin.request) for begin in begins)), title)
        for number, (title, begins, before) in enumerate(groups, 1)
    ]


def killed_around() -> list[Scenario]:
    """A kill before, in and right after a send, and a recv that acknowledges.

    After that recv another phone asks first: the one that had acknowledged would only do so again.
    """
    made: list[Scenario] = []
    for moment in (Moment.BEFORE, Moment.DURING, Moment.AFTER):
        made.append(_scenario(f"kill-{moment}", len(made) + 1, (SEND, sc.Send(kill=moment))))
        made.append(_scenario(f"kill-{moment}", len(made) + 1, (sc.Send(count=2), A, sc.Recv(kill=moment), B)))
    return made


def on_the_wire() -> list[Scenario]:
    """A connection that breaks under a send, and under a recv that acknowledges; then both are tried again.

    It breaks before the first byte, after it, and where the head of an HTTP message has begun. And replies that come
    late, on the wire: requests are made and answered meanwhile.
    """
    made: list[Scenario] = []
    for lose, after in product(sorted(sc.ON_THE_WIRE), (0, 1, 24)):
        send, recv = sc.Send(lose=lose, after=after), sc.Recv(lose=lose, after=after)
        for what, before, again in ((send, (SEND,), sc.Send(repeat=True)), (recv, (sc.Send(count=2), A), A)):
            made.append(_scenario("wire", len(made) + 1, (*before, what, again), f"{lose} under {sc.notation(what)}"))
    late: list[sc.Send | sc.Recv] = [sc.Send(lose=HOLD), sc.Recv(lose=HOLD)]
    meanwhile: list[tuple[Step, ...]] = [(SEND, A), (A, B)]
    for what, between in product(late, meanwhile):
        course = (sc.Send(count=2), A, Begin("late", what), *between, End("late"))
        made.append(_scenario("wire", len(made) + 1, course, f"the reply to {sc.notation(what)} comes late"))
    return made


def scenarios() -> list[Scenario]:
    """All of them; a target plays those whose needs it meets."""
    return [*held(kills=False), *held_with_kills(), *at_once(), *killed_around(), *on_the_wire()]


def held_with_kills() -> list[Scenario]:
    """Those courses of ``held`` in which there is a kill."""
    return [scenario for scenario in held(kills=True) if KILL in scenario.steps]


def _scenario(kind: str, number: int, course: tuple[Step, ...], title: str = "") -> Scenario:
    observes = ("SEQ-1", "SEQ-2", "SND-1", "RCV-1", "RCV-7")
    return Scenario(f"overlap-{kind}-{number}", (*course, *TAIL), title or f"{kind} {number}", observes=observes)
