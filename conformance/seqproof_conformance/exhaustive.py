"""Every short course of requests, as the server sees them: the part of a suite whose guarantee can be counted.

Faults of sync servers are shallow: the shortest trace of nearly all known ones has five requests or fewer. So all
sequences of a small alphabet are played up to a length. Many of them are the same thing to a server:

- it does not see whether a reply was lost, only with which seq_cli the phone asks the next time;
- it does not care what the phones and the accounts are called;
- a sequence that another one begins with is played along with it.

What is left is the list of *distinct* sequences: each is the sequence of requests that a correct server would see, one
scenario is played for it, and every answer on the way is judged. What a phone holds is computed by the protocol's own
rules. A server that answers wrongly is found at that answer, so what it would have seen later does not matter.
Source: docs/requirements.md, "What a pass means".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from seqproof_model import rules
from seqproof_model import scenario as sc
from seqproof_model.profile import UINT_MAX
from seqproof_model.rules import Marks, Request
from seqproof_model.scenario import Lost, Scenario, Step

Seen = tuple[tuple[str, ...], ...]  # what the server saw, request by request


@dataclass(frozen=True)
class Alphabet:
    """Steps that are put together in every order. ``needs``: capabilities; ``text``: what it is about, for people.

    ``end``: steps with which every course ends, besides. ``shorter``: by how many steps its courses are shorter than
    those of others, because nearly all of them differ to a server.
    """

    name: str
    text: str
    steps: tuple[Step, ...]
    needs: frozenset[str] = frozenset()
    observes: tuple[str, ...] = ()
    end: tuple[Step, ...] = ()
    shorter: int = 0


S, A, B = sc.Send(), sc.Recv(), sc.Recv(phone="B")
AX, BX = sc.Recv(lose=Lost.REPLY), sc.Recv(phone="B", lose=Lost.REPLY)
BASE = (S, A, B, AX, BX)
LATE = (sc.Ask("r"), sc.Arrive("r"), sc.Recv(phone="R", seq_cli=1), sc.Recv(phone="R", seq_cli=2))
TIPS = (sc.Login(), sc.Login(phone="B"), sc.Logout(), sc.Logout(phone="B"), sc.Tips())
WIDE = (sc.Recv(fresh=True), sc.Send(account="y"), sc.Recv(account="y"))

ALPHABETS: tuple[Alphabet, ...] = (
    Alphabet("requests", "requests (sends, two phones, lost replies)", BASE),
    Alphabet("kills", "requests and kills", (*BASE, sc.Kill()), frozenset({"kill"})),
    Alphabet("late", "requests, a late one, and phones that ask from 1 and 2", (*BASE, *LATE)),
    Alphabet("trims", "requests and trims", (*BASE, sc.Trim()), frozenset({"trim"})),
    Alphabet("stores", "requests, failing stores, repeated sends", (*BASE, sc.FailStore(), sc.Send(repeat=True)),
             frozenset({"fail_next_store"})),
    Alphabet("accounts", "requests, phones never seen before, and a second account", (*BASE, *WIDE)),
    Alphabet("tips", "sends, a phone that asks, two that log in and out, and tips", (S, A, *TIPS), frozenset({"tips"}),
             end=(sc.Tips(),), shorter=1),
)  # fmt: skip


class _World(NamedTuple):
    """What decides what a server will see: its marks by account, what phones hold, what is under way."""

    marks: tuple[tuple[str, int, int], ...] = ()  # account, seq_svr, confirmed
    held: tuple[tuple[str, str, int], ...] = ()  # account, phone, seq_cli
    under_way: tuple[tuple[str, str, str, int], ...] = ()  # name, account, phone, seq_cli
    fresh: int = 0
    sent: frozenset[str] = frozenset()


class _Course(NamedTuple):
    """A course of steps: what the server saw of it, and what it left."""

    steps: tuple[Step, ...]
    seen: Seen
    world: _World


@dataclass(frozen=True)
class Enumeration:
    """All distinct courses of up to ``length`` steps. ``raw``: how many sequences of steps they stand for."""

    alphabet: Alphabet
    length: int
    raw: int
    scenarios: tuple[Scenario, ...]

    def guarantee(self) -> str:
        """What was covered, in one line."""
        return (
            f"every course of up to {self.length} steps of {self.alphabet.text}: "
            f"{len(self.scenarios):,} distinct to a server, of {self.raw:,}"
        )


def enumerate_all(alphabet: Alphabet, length: int) -> Enumeration:
    """Every course of ``length`` steps that differs to a server, once."""
    courses: dict[tuple[Seen, _World], _Course] = {((), _World()): _Course((), (), _World())}
    for _ in range(length):
        longer: dict[tuple[Seen, _World], _Course] = {}
        for course in courses.values():
            for step in alphabet.steps:
                made = _after(course, step)
                longer.setdefault((made.seen, made.world), made)
        courses = longer
    distinct: dict[Seen, _Course] = {}
    for course in courses.values():
        distinct.setdefault(_renamed(course.seen), course)
    beginnings = {seen[:end] for seen in distinct for end in range(len(seen))}
    kept = [course for seen, course in distinct.items() if seen and seen not in beginnings]
    scenarios = tuple(_scenario(alphabet, length, number, course) for number, course in enumerate(kept, 1))
    return Enumeration(alphabet, length, len(alphabet.steps) ** length, scenarios)


def _scenario(alphabet: Alphabet, length: int, number: int, course: _Course) -> Scenario:
    steps = (*course.steps, *alphabet.end)
    return Scenario(f"{alphabet.name}-{length}-{number}", steps, f"course {number} of {alphabet.name}")


# ---------------------------------------------------------------- what the server sees


def _after(course: _Course, step: Step) -> _Course:
    """The course with one more step."""
    seen, world = course.seen, course.world
    match step:
        case sc.Send():
            word = "resend" if step.repeat and step.account in world.sent else "send"
            world = _sent(world, step.account) if word == "send" else world
            seen = (*seen, (word, step.account))
        case sc.Recv():
            world, name = _named(world, step)
            q = _get(world.held, (step.account, name))[0] if step.seq_cli is None else step.seq_cli
            seen = (*seen, ("recv", step.account, name, str(q)))
            world = _answered(world, step.account, name, q, delivered=step.lose is Lost.NOTHING)
        case sc.Ask():
            q = _get(world.held, (step.account, step.phone))[0]
            world = world._replace(under_way=((step.request, step.account, step.phone, q),))
        case sc.Arrive():
            for name, account, phone, q in world.under_way:
                if name == step.request:
                    seen = (*seen, ("recv", account, phone, str(q)))
                    world = _answered(world._replace(under_way=()), account, phone, q, delivered=True)
        case sc.Login() | sc.Logout():
            seen = (*seen, (type(step).__name__, step.account, step.phone, ""))
        case sc.Kill() | sc.FailStore() | sc.Tips():
            seen = (*seen, (type(step).__name__,))
        case sc.Trim():
            seen = (*seen, ("trim", step.account))
        case _:
            raise ValueError(f"no course is made of {sc.notation(step)}")
    return _Course((*course.steps, step), seen, world)


def _get(table: tuple[tuple[str | int, ...], ...], key: tuple[str, ...]) -> tuple[int, ...]:
    """The numbers of a row whose first columns are the key; zeros where there is none."""
    return next((tuple(int(n) for n in row[len(key) :]) for row in table if row[: len(key)] == key), (0, 0))


def _sent(world: _World, account: str) -> _World:
    svr, confirmed = _get(world.marks, (account,))
    return _marked(world, account, svr + 1, confirmed)._replace(sent=world.sent | {account})


def _marked(world: _World, account: str, svr: int, confirmed: int) -> _World:
    others = [row for row in world.marks if row[0] != account]
    return world._replace(marks=tuple(sorted([*others, (account, svr, confirmed)])))


def _named(world: _World, step: sc.Recv) -> tuple[_World, str]:
    if not step.fresh:
        return world, step.phone
    return world._replace(fresh=world.fresh + 1), f"F{world.fresh + 1}"


def _answered(world: _World, account: str, phone: str, q: int, *, delivered: bool) -> _World:
    """What a correct server's answer leaves: its marks, and what the phone holds."""
    svr, confirmed = _get(world.marks, (account,))
    marks, asked = Marks(UINT_MAX, svr, svr, confirmed), Request(seq_cli=q)
    taken = rules.step(rules.BY_NAME["confirm"], marks, asked)
    if taken is None:  # it is ahead
        return world
    lower = rules.step(rules.BY_NAME["look_lower"], taken[0], asked)
    world = _marked(world, account, svr, taken[0].confirmed)
    if not delivered or lower is None or lower[1] is None or lower[1] >= svr:
        return world
    others = [row for row in world.held if row[:2] != (account, phone)]
    return world._replace(held=tuple(sorted([*others, (account, phone, svr)])))


def _renamed(seen: Seen) -> Seen:
    """The same with accounts and phones called by the order in which they come."""
    names: dict[tuple[str, ...], str] = {}
    return tuple(tuple(_words(request, names)) for request in seen)


def _words(request: tuple[str, ...], names: dict[tuple[str, ...], str]) -> Iterator[str]:
    kind, *rest = request
    yield kind
    if rest:
        yield names.setdefault(("account", rest[0]), str(len(names)))
    if len(rest) > 1:
        yield names.setdefault(("phone", rest[0], rest[1]), str(len(names)))
        yield rest[2]
