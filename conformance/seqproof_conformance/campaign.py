"""The campaign: Hypothesis makes scenarios, runs each on the live target, and shrinks what fails on the live target.

Each example has fresh accounts. The steps are those that the target's capabilities allow; after them comes a quiescent
tail, in which every phone asks twice and a phone never seen before asks, so that a fault that was caused becomes
visible. Kills dominate the cost, so they have a share of the examples of their own. No example depends on the clock.
The same seed gives the same examples in one installation: Hypothesis also draws on constants that it finds in modules
outside of site-packages, your adapter's among them. What it keeps on disk for itself goes with the run.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.errors import Flaky

from seqproof_conformance.adapter import Capability, Hello
from seqproof_conformance.process import own_folder
from seqproof_conformance.runner import Played
from seqproof_model import scenario as sc
from seqproof_model.profile import Profile
from seqproof_model.scenario import Lost, Scenario, Step

PLAIN, WITH_KILLS = 120, 30  # examples; shrinking comes on top, bounded
LONGEST = 12


class Halt(BaseException):
    """Something else than the target's conduct went wrong. Not an Exception: Hypothesis must not examine it further."""


class Violated(Exception):  # noqa: N818 - tells Hypothesis that an example fails; each requirement has its own subclass
    """An example on which the target broke a requirement."""


def campaign(
    hello: Hello,
    profile: Profile,
    play: Callable[[Scenario], Played],
    found: Callable[[Played], None],
    *,
    number: int,
    plain: int = PLAIN,
    with_kills: int = WITH_KILLS,
) -> None:
    """Run the campaign with seed ``number``. ``found`` gets each failed play at once, shrinking ones included."""
    kinds: dict[str, type[Violated]] = {}

    def attempt(steps: tuple[Step, ...]) -> None:
        try:
            played = play(Scenario("campaign", steps, "found by the campaign", seed=number))
        except Exception as error:
            raise Halt from error
        if played.violation is None:
            return
        found(played)
        requirement = played.violation.requirement
        raise kinds.setdefault(requirement, type(f"Violated_{requirement}", (Violated,), {}))(requirement)

    for examples, kills in ((plain, False), (with_kills, True)):
        if kills and Capability.KILL not in hello.capabilities:
            continue
        test = given(scenarios(hello, profile, kills=kills))(attempt)
        test = settings(
            max_examples=examples,
            database=None,
            deadline=None,
            verbosity=Verbosity.quiet,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
            print_blob=False,
        )(test)
        with own_folder("campaign") as home:
            set_hypothesis_home_dir(home)
            try:
                _run(seed(number)(test))
            finally:
                set_hypothesis_home_dir(None)


def _run(test: Callable[[], None]) -> None:
    """Run Hypothesis; ``found`` has the examples that fail. What else went wrong is raised as it was."""
    try:
        test()
    except Halt as halt:
        raise (halt.__cause__ or halt) from None
    except (Violated, ExceptionGroup, Flaky):
        return


def scenarios(hello: Hello, profile: Profile, *, kills: bool) -> st.SearchStrategy[tuple[Step, ...]]:
    """Strategies for whole scenarios: perhaps a preset, then steps, then the quiescent tail."""
    steps = st.lists(_step(hello, kills=kills), min_size=1, max_size=LONGEST)
    if kills:
        few = st.lists(_step(hello, kills=kills), max_size=LONGEST // 2)
        asks = st.sampled_from([0, 1, 2]).map(lambda times: [sc.Recv()] * times)  # what a kill may make it forget
        steps = st.tuples(few, asks, few).map(lambda parts: [*parts[0], *parts[1], sc.Kill(), *parts[2]])
    starts: st.SearchStrategy[list[Step]] = st.just([])
    if Capability.PRESET_SEQ in hello.capabilities and _edges(profile):
        starts = st.one_of(st.just([]), st.just([]), st.sampled_from(_edges(profile)).map(_preset))
    return st.tuples(starts, steps).map(lambda parts: tidy([*parts[0], *parts[1]]))


def _edges(profile: Profile) -> list[int]:
    """Values of seq_svr just below where arithmetic may go wrong."""
    top = profile.seq_max
    edges = [9, 2**8 - 2, 2**16 - 2, 2**24 - 2, 2**31 - 2, 2**32 - 3, 2**53 - 2, 2**63 - 2]
    return [n for n in (*edges, top - 4, top - 2) if profile.before_first <= n <= top - 2]


def _preset(seq: int) -> list[Step]:
    return [sc.Preset(seq=seq)]


def _step(hello: Hello, *, kills: bool) -> st.SearchStrategy[Step]:
    phone = st.sampled_from(["A", "A", "B"])
    account = st.sampled_from(["x", "x", "x", "x", "y"])
    lose = st.sampled_from([Lost.NOTHING, Lost.NOTHING, Lost.REPLY, Lost.REQUEST])
    name = st.sampled_from(["r1", "r2"])
    held = st.sampled_from(["p1", "p2"])
    sender = st.sampled_from(["s", "s", "t"])
    send = st.builds(sc.Send, account=account, sender=sender, count=st.sampled_from([1, 1, 1, 2, 3, 8]), lose=lose)
    recv = st.builds(sc.Recv, phone=phone, account=account, lose=lose)
    kinds: list[st.SearchStrategy[Step]] = [
        send,
        send,
        recv,
        recv,
        st.builds(sc.Recv, account=account, fresh=st.just(value=True)),
        st.builds(sc.Recv, phone=st.just("R"), account=account, seq_cli=st.integers(0, 12)),
        st.builds(sc.Recv, phone=phone, hold=held),
        st.builds(sc.Deliver, held),
        st.builds(sc.Ask, name, phone),
        st.builds(sc.Arrive, name, lose=st.sampled_from([Lost.NOTHING, Lost.REPLY]), keep=st.booleans()),
        st.builds(sc.Send, account=account, repeat=st.just(value=True), age=st.sampled_from([1, 1, 2])),
    ]
    if Capability.TRIM in hello.capabilities:
        kinds.append(st.builds(sc.Trim, account=account))
    if Capability.FAIL_NEXT_STORE in hello.capabilities:
        kinds.append(st.builds(sc.FailStore))
    if Capability.TIPS in hello.capabilities:
        connection = st.sampled_from([sc.Login, sc.Login, sc.Logout])
        connect = st.tuples(connection, phone, account).map(lambda told: told[0](told[1], told[2]))
        kinds.append(st.one_of(connect, st.builds(sc.Tips)))
    if kills:
        kinds.append(st.builds(sc.Kill))
    kinds += _overlapping(hello, account)
    return st.one_of(kinds)


def _overlapping(hello: Hello, account: st.SearchStrategy[str]) -> list[st.SearchStrategy[Step]]:
    """Requests that begin and end in steps of their own, where the target can have them."""
    what = st.one_of(st.builds(sc.Send, account=account), st.builds(sc.Recv, phone=st.sampled_from(["A", "B"])))
    kinds: list[st.SearchStrategy[Step]] = []
    if Capability.OVERLAP in hello.capabilities:
        kinds.append(st.builds(sc.Begin, st.sampled_from(["o1", "o2"]), what))
    if Capability.BEGIN_SEND in hello.capabilities:
        send = st.builds(sc.Send, account=account)
        kinds.append(st.builds(sc.Begin, st.sampled_from(["o1", "o2"]), send, st.just(value=True)))
    if kinds:
        kinds.append(st.builds(sc.End, st.sampled_from(["o1", "o2"])))
    return kinds


def tidy(steps: list[Step]) -> tuple[Step, ...]:
    """Drop steps that have nothing to act on (an arrival of nothing, a repeat of no send), and add the tail."""
    under_way: set[str] = set()
    begun: dict[str, None] = {}
    sent: set[str] = set()
    kept: list[Step] = []
    for step in steps:
        match step:
            case sc.Ask():
                under_way.add(step.request)
            case sc.Recv() if step.hold:
                under_way.add(step.hold)
            case sc.Arrive() | sc.Deliver():
                name = step.request if isinstance(step, sc.Arrive) else step.reply
                if name not in under_way:
                    continue
                if not step.keep:
                    under_way.discard(name)
            case sc.Begin():
                if step.request in begun:
                    continue
                begun[step.request] = None
            case sc.End():
                if step.request not in begun:
                    continue
                del begun[step.request]
            case sc.Send() if step.repeat and step.account not in sent:
                step = msgspec.structs.replace(step, repeat=False)
            case _:
                pass
        if isinstance(step, sc.Send):
            sent.add(step.account)
        kept.append(step)
    kept += [sc.End(name) for name in begun]
    return (*kept, *_tail(kept))


def _tail(steps: list[Step]) -> list[Step]:
    """What makes a fault visible: on each account a new phone asks, then each phone twice, then a new one again."""
    plain = [step.what if isinstance(step, sc.Begin) else step for step in steps]
    accounts = dict.fromkeys(str(getattr(step, "account", "x")) for step in plain) or {"x": None}
    tail: list[Step] = []
    for account in accounts:
        names = {step.phone for step in plain if isinstance(step, sc.Recv | sc.Ask) and step.account == account}
        phones = sorted(names & {"A", "B"}) or ["A"]
        asks = [sc.Recv(phone=phone, account=account) for phone in phones]
        new = sc.Recv(account=account, fresh=True)
        tail += [new, *asks, sc.Send(account=account), *asks, new]
    if any(isinstance(step, sc.Login) for step in plain):
        tail = [sc.Tips(), *tail]
    return tail
