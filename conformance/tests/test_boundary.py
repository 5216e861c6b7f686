"""The boundary traces: the model has them, the solver finds none shorter, right servers pass and wrong ones do not."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seqproof_conformance import boundary, boundary_search
from seqproof_conformance.adapter import Adapter
from seqproof_conformance.boundary import EDGES, FAULTS, GOALS, Edge, Goal
from seqproof_conformance.runner import Runner
from seqproof_conformance.suite import Job, golden, run
from seqproof_model import history as h
from seqproof_model import scenario as sc
from seqproof_model.profile import Profile, find
from seqproof_model.scenario import Scenario
from seqproof_model.stepper import Stepper
from seqproof_model.trace import TraceError
from seqproof_reference import faulty
from seqproof_reference.core import Core, Inbox

Build = Callable[..., Any]
STRICT = find("strict")
WIDE = Profile("wide", seq_max=2**64 - 1)
SHIPPED = boundary.shipped()
WANTED = {boundary_search.file_of(name, edge): (name, edge, goal) for name, edge, goal in boundary_search.wanted()}
WITH_GOALS = [file for file, (_, _, goal) in WANTED.items() if goal]


class Spaced(Core):
    """The correct server in a space of its own."""

    def __init__(self, profile: Profile, **words: Any) -> None:
        super().__init__(**words)
        self.base, self.seq_max = profile.before_first, profile.seq_max


# ---------------------------------------------------------------- what is shipped is right


def test_every_goal_and_fault_is_shipped_and_nothing_else() -> None:
    assert set(SHIPPED) == set(WANTED)
    assert len(GOALS) >= 5
    assert set(EDGES) == {"2^24", "2^31", "top"}


@pytest.mark.parametrize("file", WANTED)
def test_the_model_has_the_run_and_it_meets_its_goal(file: str) -> None:
    assert boundary_search.wrong(*WANTED[file], SHIPPED[file]) == ""


@pytest.mark.parametrize("file", WANTED)
def test_its_file_reads_well(file: str) -> None:
    text = resources.files("seqproof_conformance").joinpath(f"{boundary.FOLDER}/{file}").read_bytes()
    assert text == sc.encode(SHIPPED[file])
    assert SHIPPED[file].name == f"boundary-{file.removesuffix('.json')}"
    assert isinstance(SHIPPED[file].steps[0], sc.Preset)
    assert not any(isinstance(step, sc.Recv) and step.seq_cli is not None for step in SHIPPED[file].steps)


@pytest.mark.parametrize("file", WANTED)
def test_the_solver_finds_no_shorter_ones(file: str) -> None:
    name, edge, goal = WANTED[file]
    found = boundary_search.for_goal(goal, edge) if goal else boundary_search.for_fault(name)
    assert len(found) == len(boundary.steps_of(SHIPPED[file]))


def test_what_is_written_is_what_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = [(name, edge, goal) for name, edge, goal in WANTED.values() if name in ("both-sides", "CAP_INT32")]
    monkeypatch.setattr(boundary_search, "wanted", lambda: iter(few))
    assert boundary_search.main(["--write", "--folder", str(tmp_path)]) == 0
    assert boundary_search.main(["--check", "--folder", str(tmp_path)]) == 0
    assert len(list(tmp_path.iterdir())) == 4


def spoilt(file: str, **changes: Any) -> str:
    return boundary_search.wrong(*WANTED[file], msgspec.structs.replace(SHIPPED[file], **changes))


def test_a_shipped_file_that_was_changed_is_found_out() -> None:
    file = "2-31-both-sides.json"
    steps, text = SHIPPED[file].steps, SHIPPED[file].text
    assert "not those that its run makes" in spoilt(file, steps=steps[:-1])
    assert "does not meet its goal" in spoilt(file, text="1 steps of the model: send.")
    assert "cannot be taken" in spoilt(
        file, text=text.replace("send; send; ask", "send; deliver(phone=0, slot=0); ask")
    )
    assert "does not name steps" in spoilt(file, text="A walk.")
    assert "breaks nothing" in spoilt("2-31-CAP_INT32.json", text="1 steps of the model: send.")


def test_a_longer_run_and_a_missing_file_are_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = "2-31-both-sides.json", "2-24-both-sides.json"
    monkeypatch.setattr(boundary_search, "wanted", lambda: iter([WANTED[one], WANTED[other]]))
    name, edge, goal = WANTED[one]
    longer = boundary.steps_of(SHIPPED["2-31-lost-reply.json"])
    (tmp_path / one).write_bytes(sc.encode(boundary_search.made(name, edge, goal, longer)))
    (tmp_path / "old.json").write_text("{}")
    old, found, missing = boundary_search.check(tmp_path, progress=lambda _: None)
    assert old == "old.json: no goal and no fault makes this file; remove it"
    assert found == f"{one}: the solver finds a run of 5 steps, this one has 8; write it again with --write"
    assert missing.startswith("cannot read the scenario")
    assert missing.endswith("write it with --write")


@pytest.mark.parametrize("what", ["--write", "--check"])
def test_a_place_that_cannot_be_used_is_said_in_a_line(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert boundary_search.main([what, "--folder", str(tmp_path / "no" / "place")]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"cannot use {tmp_path}")
    assert said.count("\n") == 1


def test_a_goal_that_cannot_be_met_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boundary_search, "DEEPEST", 3)
    with pytest.raises(boundary_search.NotFoundError, match="no run of 3 steps meets it"):
        boundary_search.for_goal(GOALS[0], EDGES["2^24"])
    with pytest.raises(boundary_search.NotFoundError, match="no run of 3 steps breaks it"):
        boundary_search.for_fault("SIGNED_MAX")


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: goal.name)
def test_moments_count_in_their_order_only(goal: Goal) -> None:
    edge = EDGES[goal.edges[-1]]
    found = boundary_search.run(boundary.steps_of(SHIPPED[boundary_search.file_of(goal.name, edge)]), edge, goal.scope)
    assert boundary.met(goal, edge, found)
    assert not boundary.met(goal, Edge("elsewhere", edge.first + 5), found)
    if len(goal.moments) > 1:
        turned = Goal("turned", "", goal.moments[::-1], (), goal.scope)
        assert not boundary.met(turned, edge, found)


def test_steps_that_the_model_does_not_have_make_no_scenario() -> None:
    steps = boundary.steps_of(SHIPPED["2-31-both-sides.json"])
    with pytest.raises(TraceError):
        boundary.scenario("it", "It", (), EDGES["2^31"], steps[3:])


def test_playing_them_takes_no_solver() -> None:
    code = "import sys, seqproof_conformance.boundary; sys.exit('z3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


# ---------------------------------------------------------------- on servers


def replies(file: str) -> list[list[int]]:
    """The seqs of each reply in the model's run."""
    name, edge, goal = WANTED[file]
    assert goal
    found = boundary_search.run(boundary.steps_of(SHIPPED[file]), edge, goal.scope)
    stepper, given = Stepper(found.bounded), list[list[int]]()
    for state, instance in zip(found.states, found.steps, strict=False):
        taken = stepper.take(state, instance)
        assert taken, name
        if instance.action.effect == "serve":
            given.append(list(range(taken.step.put.lower + 1, taken.step.put.upper + 1)))
    return given


@pytest.mark.parametrize("file", WITH_GOALS)
def test_a_correct_server_gives_the_replies_that_the_model_gives(bench: Build, file: str) -> None:
    made = bench("mutant:CORRECT", STRICT)
    assert made.runner.play(SHIPPED[file]).violation is None
    given = [[seq for seq, _ in e.rows] for e in made.recorded if isinstance(e, h.Ok) and e.rows is not None]
    expected = replies(file)
    assert given[: len(expected)] == expected


@pytest.mark.parametrize("scenario", SHIPPED.values(), ids=lambda scenario: scenario.name)
def test_it_observes_what_it_says(bench: Build, scenario: Scenario) -> None:
    seen = set[str]()
    for target in ("mutant:CORRECT", "mutant:CORRECT_PAGED"):
        runner: Runner = bench(target).runner
        assert runner.play(scenario).violation is None
        seen |= {name for name, count in runner.judges[0].counts.items() if count}
    assert set(scenario.observes) <= seen


@pytest.mark.parametrize("target", ["mutant:CORRECT", "mutant:CORRECT_PAGED", "mutant:AHEAD_EMPTY", "reference"])
def test_correct_servers_pass_them(target: str, tmp_path: Path) -> None:
    """With the golden scenario of the other half of SEQ-7, what is no seq_cli: the two are graded together."""
    other_half = next(scenario for scenario in golden() if scenario.name == "SEQ-7-malformed")
    outcome = run(Job(target, tmp_path, scenarios=(*boundary.scenarios(STRICT), other_half)))
    assert outcome.scenarios - 1 == len(boundary.scenarios(STRICT)) > len(SHIPPED)
    assert outcome.code == 0, (outcome.verdict.violations, outcome.verdict.inconclusive)


@pytest.mark.parametrize("mutant", [*(name for name in FAULTS if name != "FULL_RESETS"), "SIGNED_ORDER"])
def test_they_catch_what_is_wrong_at_an_edge(mutant: str, tmp_path: Path) -> None:
    outcome = run(Job(f"mutant:{mutant}", tmp_path, scenarios=tuple(boundary.scenarios(STRICT)), shorten=False))
    assert outcome.code == 1
    assert {v.requirement for v in outcome.verdict.violations} <= faulty.find(mutant).expected


class Rounds(Core):
    """Keeps seqs in a floating-point number, of 32 bits or 64."""

    form = "f"

    def store(self, inbox: Inbox, seq: int, body: str) -> None:
        super().store(inbox, int(struct.unpack(self.form, struct.pack(self.form, seq))[0]), body)


class RoundsDouble(Rounds, Spaced):
    """Keeps 64-bit seqs in a double."""

    form = "d"


class SignedLong(Spaced):
    """Takes the larger of two marks as signed 64-bit values."""

    def confirm(self, inbox: Inbox, phone: str, seq_cli: int) -> None:  # noqa: ARG002 - an override
        inbox.confirmed = max(inbox.confirmed, seq_cli, key=lambda n: n - 2**64 if n >= 2**63 else n)


class ResetsWhenFull(Core):
    """A send to a full space resets the account, as FULL_RESETS does."""

    def allocate(self, inbox: Inbox) -> int | None:
        found = super().allocate(inbox)
        if found is None:
            inbox.svr = inbox.confirmed = self.base
            inbox.rows.clear()
        return found


def failed(bench: Build, target: Adapter, profile: Profile) -> set[str]:
    """The names of the scenarios that fail."""
    return {s.name for s in boundary.scenarios(profile) if bench(target, profile).runner.play(s).violation}


def test_they_catch_floats_at_2_24(bench: Build) -> None:
    names = failed(bench, Rounds(), STRICT)
    assert {name for name in names if "-2-24-" in name} == {s.name for s in SHIPPED.values() if "-2-24-" in s.name}


def test_they_catch_a_reset_when_the_space_is_full(bench: Build) -> None:
    assert {"boundary-top-full", "boundary-top-FULL_RESETS"} <= failed(bench, ResetsWhenFull(), STRICT)


@pytest.mark.parametrize(("server", "edge"), [(RoundsDouble, "2-53"), (SignedLong, "2-63")])
def test_a_larger_space_has_the_edges_beyond(bench: Build, server: type[Spaced], edge: str) -> None:
    assert not failed(bench, Spaced(WIDE), WIDE)
    names = failed(bench, server(WIDE), WIDE)
    assert any(f"-{edge}-" in name for name in names)
    assert not any("-2-24-" in name or "-2-31-" in name or "-2-32-" in name for name in names)


# ---------------------------------------------------------------- what fits


def fitting(seq_max: int = 2**32 - 1, first_seq: int = 1) -> set[str]:
    """The edges of what fits a space."""
    return {
        s.name.split("-")[1] + "-" + s.name.split("-")[2] for s in boundary.scenarios(Profile("it", first_seq, seq_max))
    }


def test_what_fits_depends_on_the_space() -> None:
    tops = {f"top-{s.name.split('-')[2]}" for s in SHIPPED.values() if "-top-" in s.name}
    assert fitting() == {"2-16", "2-24", "2-28", "2-31"} | tops
    assert fitting(seq_max=2**31 - 1) == {"2-16", "2-24", "2-28"} | tops
    assert fitting(seq_max=12) == tops
    assert fitting(seq_max=2**64 - 1) == {"2-16", "2-24", "2-28", "2-31", "2-32", "2-53", "2-63"} | tops
    assert fitting(seq_max=2) == tops
    assert fitting(seq_max=1) == set()
    assert fitting(first_seq=2**30) == {"2-31"} | tops


@pytest.mark.parametrize("seq_max", [2, 12, 2**31 - 1, 2**31, 2**64 - 1])
def test_in_any_space_a_correct_server_passes_and_no_scenario_is_left_out(bench: Build, seq_max: int) -> None:
    profile = Profile("it", seq_max=seq_max)
    for scenario in boundary.scenarios(profile):
        runner: Runner = bench(Spaced(profile), profile).runner
        assert not runner.why_not(scenario)
        assert runner.play(scenario).violation is None


def test_each_name_stands_once() -> None:
    names = [scenario.name for scenario in boundary.scenarios(WIDE)]
    assert len(names) == len(set(names)) > len(SHIPPED)
