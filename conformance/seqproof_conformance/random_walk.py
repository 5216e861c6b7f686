"""Scenarios of random steps, from a seed: what is drawn, and how often, is data; what becomes of it is said once.

A *pool* holds kinds of steps with their weights. ``draw`` takes a random number of them, leaves out what the target has
not, lets some scenarios begin just below a place where arithmetic may go wrong, and adds the quiescent end of the
campaign, so that a fault that was caused shows.

* ``walks``: the baseline that anything clever has to beat. Its pool is the steps that the suite itself puts together
  (``exhaustive.ALPHABETS``, and sends held half-way where the target can hold them), all of them equally likely.
* ``EVERYTHING``: every kind of step there is, with all its words, weighted so that a run of some length holds many of
  each; what looks for false alarms draws from it.

A scenario that may hold every kind of step holds few of each, and what takes several of a few kinds in order hardly
ever happens. So kinds that belong together are a *family*, and ``Shape.kept`` leaves families out, for each scenario
others (swarm testing: Groce and others, ISSTA 2012).

The same seed gives the same scenarios, on any machine.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

from seqproof_conformance.campaign import LONGEST, tidy
from seqproof_conformance.exhaustive import ALPHABETS
from seqproof_model import scenario as sc
from seqproof_model.profile import Profile
from seqproof_model.scenario import Lost, Moment, Scenario, Step

HELD: tuple[Step, ...] = (sc.Begin("s1", held=True), sc.End("s1"))
EDGES = (2**24 - 2, 2**31 - 2)  # and below the last seq
MALFORMED = ("-1", "1.5", "null", '"abc"', "4294967296", "true", "1e0", '"2"')


@dataclass(frozen=True)
class Kind:
    """A kind of step: how often it is drawn, beside the others.

    ``alone``: only in scenarios that are played alone. ``family``: it is left out with the others of it; what is of
    none is never left out.
    """

    weight: int
    draw: Callable[[random.Random], Step]
    alone: bool = False
    family: str = ""


@dataclass(frozen=True)
class Shape:
    """What a scenario looks like besides its steps.

    ``shortest``, ``longest``: how many steps are drawn. ``preset``: the share of scenarios that begin at one of
    ``starts``, or a little below the last seq. ``alone``: the share that may hold the kinds that must be played alone.
    ``kept``: how likely a family is in a scenario; 1: nothing is drawn for it.
    """

    shortest: int = 1
    longest: int = LONGEST
    preset: float = 1 / 3
    starts: tuple[int, ...] = EDGES
    alone: float = 0.0
    kept: float = 1.0


def draw(
    chance: random.Random,
    pool: Sequence[Kind],
    shape: Shape,
    profile: Profile,
    capabilities: Collection[str],
    name: str,
    title: str = "",
    seed: int | None = None,
) -> Scenario:
    """Draw one scenario that a target with these capabilities can play."""
    begun: list[Step] = []
    if chance.random() < shape.preset and "preset_seq" in capabilities:
        starts = (*shape.starts, profile.seq_max - 2 - chance.randrange(2))
        within = [n for n in starts if profile.before_first <= n <= profile.seq_max]
        begun += [sc.Preset(seq=chance.choice(within))] if within else []
    alone = chance.random() < shape.alone
    families = dict.fromkeys(kind.family for kind in pool)
    kept = {family for family in families if not family or shape.kept == 1.0 or chance.random() < shape.kept}
    kinds = [kind for kind in pool if kind.family in kept and (alone or not kind.alone)]
    number = chance.randint(shape.shortest, shape.longest)
    drawn = [kind.draw(chance) for kind in chance.choices(kinds, [kind.weight for kind in kinds], k=number)]
    able = set(capabilities)
    return Scenario(name, tidy([*begun, *(s for s in drawn if sc.needs(s) <= able)]), title, seed=seed)


# ---------------------------------------------------------------- the baseline


def steps(capabilities: Collection[str]) -> list[Step]:
    """Every step of the suite that such a target can take, once."""
    able = [alphabet for alphabet in ALPHABETS if alphabet.needs <= set(capabilities)]
    found = dict.fromkeys(step for alphabet in able for step in alphabet.steps)
    return [*found, *(HELD if "begin_send" in capabilities else ())]


def _given(step: Step, _chance: random.Random) -> Step:
    return step


def walks(profile: Profile, capabilities: Collection[str], *, number: int, seed: int = 0) -> list[Scenario]:
    """``number`` scenarios of at most ``LONGEST`` random steps and the quiescent end."""
    chance = random.Random(seed)  # a baseline, not a secret
    pool = [Kind(1, partial(_given, step)) for step in steps(capabilities)]
    return [
        draw(chance, pool, Shape(), profile, capabilities, f"walk-{at}", f"random walk {at}", seed)
        for at in range(1, number + 1)
    ]


# ---------------------------------------------------------------- every kind of step


def _account(chance: random.Random) -> str:
    return chance.choice("xxxxy")


def _phone(chance: random.Random) -> str:
    return chance.choice("AABC")


def _lost(chance: random.Random) -> Lost:
    return chance.choice((Lost.NOTHING, Lost.NOTHING, Lost.REPLY, Lost.REQUEST))


def _request(chance: random.Random) -> sc.Send | sc.Recv:
    send = sc.Send(account=_account(chance), lose=_lost(chance))
    return chance.choice((send, sc.Recv(phone=_phone(chance), account=_account(chance), lose=_lost(chance))))


def _broken(chance: random.Random) -> Step:
    lose, after = chance.choice(sorted(sc.ON_THE_WIRE)), chance.choice((0, 0, 1, 30))
    return chance.choice((sc.Send(lose=lose, after=after), sc.Recv(phone=_phone(chance), lose=lose, after=after)))


def _around(chance: random.Random) -> Step:
    moment = chance.choice((Moment.BEFORE, Moment.DURING, Moment.AFTER))
    return chance.choice((sc.Send(kill=moment), sc.Recv(phone=_phone(chance), kill=moment)))


def _late(chance: random.Random) -> Step:
    held = sc.Send(lose=Lost.HOLD_REPLY), sc.Recv(phone=_phone(chance), lose=Lost.HOLD_REPLY)
    return sc.Begin(chance.choice(("o1", "o2")), chance.choice(held))


EVERYTHING: tuple[Kind, ...] = (
    Kind(6, lambda r: sc.Send(_account(r), r.choice("sst"), r.choice((1, 1, 2, 5)), lose=_lost(r))),
    Kind(6, lambda r: sc.Recv(phone=_phone(r), account=_account(r), lose=_lost(r))),
    Kind(2, lambda r: sc.Recv(account=_account(r), fresh=True), family="phones"),
    Kind(1, lambda r: sc.Drain(phone=_phone(r), account=_account(r)), family="phones"),
    Kind(2, lambda r: sc.Recv(phone="R", account=_account(r), seq_cli=r.randrange(12)), family="odd"),
    Kind(1, lambda r: sc.RecvRaw(r.choice(MALFORMED), _phone(r), _account(r)), family="odd"),
    Kind(2, lambda r: sc.Recv(phone=_phone(r), hold=r.choice(("p1", "p2"))), family="late"),
    Kind(2, lambda r: sc.Deliver(r.choice(("p1", "p2")), keep=r.random() < 0.3), family="late"),
    Kind(2, lambda r: sc.Ask(r.choice(("r1", "r2")), phone=_phone(r)), family="late"),
    Kind(2, lambda r: sc.Arrive(r.choice(("r1", "r2")), r.choice((Lost.NOTHING, Lost.REPLY)), r.random() < 0.3),
         family="late"),
    Kind(2, lambda r: sc.Send(account=_account(r), repeat=True, age=r.choice((1, 1, 2))), family="store"),
    Kind(1, lambda r: sc.Trim(account=_account(r)), family="store"),
    Kind(2, lambda _: sc.FailStore(), alone=True, family="store"),
    Kind(1, lambda _: sc.Kill(), family="kill"),
    Kind(2, _around, alone=True, family="kill"),
    Kind(1, _broken, family="wire"),
    Kind(1, _late, family="wire"),
    Kind(2, lambda r: sc.Begin(r.choice(("o1", "o2", "o3")), sc.plain(_request(r))), family="overlap"),
    Kind(1, lambda r: sc.Begin(r.choice(("h1", "h2")), sc.Send(), held=True), family="overlap"),
    Kind(3, lambda r: sc.End(r.choice(("o1", "o2", "o3", "h1", "h2"))), family="overlap"),
    Kind(3, lambda r: sc.Login(_phone(r), _account(r)), family="tips"),
    Kind(2, lambda r: sc.Logout(_phone(r), _account(r)), family="tips"),
    Kind(4, lambda _: sc.Tips(), family="tips"),
    Kind(3, lambda _: sc.Backup(), alone=True, family="restore"),
    Kind(4, lambda _: sc.Restore(), alone=True, family="restore"),
)  # fmt: skip
