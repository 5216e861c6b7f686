"""The runner: takes a scenario's steps with a real target. The only impure place between a scenario and its history.

It plays the phones and the network itself and speaks to the target through its adapter. So a lost reply is: call the
server, keep the answer from the phone. A lost request is: do not call. Both are exact and the same for every transport.
Every event goes to ``record`` (the history on disk) and to the judges before the next step begins. A request begins,
for the history, when it reaches the server.

Requests overlap where a scenario says ``begin`` and ``end``: the call runs on a thread of its own, or the adapter holds
it half-way. The history says that it began before the call and that it ended after the answer was there; so what is
recorded is never shorter than what happened, and a judge of real-time order stays sound whatever the threads do.

Many scenarios can be played side by side, each on accounts of its own: all of them up to their next kill, then one kill
for all. Kills cost the most, so that is how many short scenarios become quick.

Whose fault is it? An answer that no conforming server gives is the *server's*. An adapter that raises, or that returns
what is no answer, is the *adapter's* (``AdapterFault``). A server that is gone although nobody killed it, or cannot be
started, is the *environment's* (``TargetError``). Anything else is the *kit's*.
Source: docs/architecture.md; docs/protocol.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from seqproof_conformance.adapter import Adapter, Capability, Hello
from seqproof_conformance.line import Line
from seqproof_conformance.play import Play, Played, side_by_side, start_of
from seqproof_model import history as h
from seqproof_model import scenario as sc
from seqproof_model.judge import Judge
from seqproof_model.profile import Profile
from seqproof_model.scenario import Scenario

__all__ = ["Played", "Runner"]


@dataclass
class Runner:
    """Plays scenarios on one target, each on accounts of its own.

    ``token`` makes account names unique on a server that keeps them. ``judges[0]`` decides; the others only watch.
    """

    adapter: Adapter
    hello: Hello
    profile: Profile
    judges: list[Judge]
    record: Callable[[h.Event], None]
    token: str = "t"  # noqa: S105 - part of account names, no secret
    scenarios: int = 0
    line: Line = field(init=False)

    def __post_init__(self) -> None:
        """Open the line."""
        threads = Capability.OVERLAP in self.hello.capabilities
        self.line = Line(self.adapter, self.judges, self.record, threads)

    def why_not(self, scenario: Scenario) -> str:
        """Why the steps cannot be taken on this target under this profile, or ""."""
        missing = sorted(scenario.needs - {str(capability) for capability in self.hello.capabilities})
        if missing:
            return f"the target does not declare {', '.join(missing)}"
        low, high = self.profile.before_first, self.profile.seq_max
        for step in scenario.steps:
            if isinstance(step, sc.Preset) and not low <= start_of(step, self.profile) <= high:
                return f"{sc.notation(step)} lies outside {low}..{high}, where seq_svr can be"
        return ""

    def play(self, scenario: Scenario) -> Played:
        """Take the steps until the end or the first violation. Raises TargetError, AdapterFault."""
        return next(self._played([scenario], lambda: None))

    def play_together(self, scenarios: Sequence[Scenario], tick: Callable[[], None] = lambda: None) -> Iterator[Played]:
        """Play scenarios side by side, with one kill for all that are at a kill; yield each when it has ended.

        ``tick`` is called before each begins and may raise. Raises TargetError, AdapterFault; ValueError for a scenario
        that kills around a request, which is played alone.
        """
        if len(scenarios) > 1 and not all(map(side_by_side, scenarios)):
            raise ValueError("a scenario that kills around a request is played alone")
        yield from self._played(scenarios, tick)

    def _played(self, scenarios: Sequence[Scenario], tick: Callable[[], None]) -> Iterator[Played]:
        waiting: list[Play] = []
        for scenario in scenarios:
            tick()
            self.scenarios += 1
            play = Play(self.line, self.profile, scenario, f"{self.token}-{self.scenarios}")
            if play.until_kill(mark=True):
                waiting.append(play)
            else:
                yield play.played
        while waiting:
            self._kill(waiting)
            at_kill: list[Play] = []
            for play in waiting:
                if play.until_kill(mark=len(scenarios) > 1):
                    at_kill.append(play)
                else:
                    yield play.played
            waiting = at_kill

    def _kill(self, plays: Sequence[Play]) -> None:
        """One kill and restart, which each of these plays takes as its next step."""
        self.line.event(h.Kill())
        self.line.kill()
        self.line.restart()
        self.line.event(h.Restart())
        for play in plays:
            play.killed(h.Kill(), h.Restart())
