"""Random scenarios, and the search for false alarms that draws from them: the same again, wherever it begins."""

from __future__ import annotations

import importlib.util
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from seqproof_conformance import play
from seqproof_conformance.random_walk import EVERYTHING, Kind, Shape, draw
from seqproof_model import scenario as sc
from seqproof_model.hello import Capability
from seqproof_model.profile import Profile, find

STRICT, ALL = find("strict"), frozenset(map(str, Capability))
SCRIPT = Path(__file__).parent.parent / "benchmarks" / "false_alarms.py"


@pytest.fixture
def search() -> Iterator[ModuleType]:
    """The benchmark as a module; it is a script, not part of a package."""
    spec = importlib.util.spec_from_file_location("false_alarms", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["false_alarms"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["false_alarms"]


def drawn(shape: Shape, number: int = 400, able: frozenset[str] = ALL, profile: Profile = STRICT) -> list[sc.Scenario]:
    chance = random.Random(5)
    return [draw(chance, EVERYTHING, shape, profile, able, f"s{n}") for n in range(number)]


def test_every_kind_of_step_is_drawn() -> None:
    kinds = Counter(type(step) for scenario in drawn(Shape(2, 14, alone=1.0)) for step in scenario.steps)
    assert {sc.Send, sc.Recv, sc.RecvRaw, sc.Backup, sc.Restore, sc.Tips, sc.Login, sc.Logout, sc.Begin} <= set(kinds)
    assert {kind.draw(random.Random(1)).__class__ for kind in EVERYTHING} - set(kinds) == set()


def test_what_must_be_played_alone_is_drawn_only_into_its_share() -> None:
    assert all(map(play.side_by_side, drawn(Shape(2, 14, alone=0.0))))
    assert not all(map(play.side_by_side, drawn(Shape(2, 14, alone=1.0))))


def test_a_target_is_asked_only_for_what_it_can() -> None:
    assert {need for s in drawn(Shape(), able=frozenset({"kill"})) for need in s.needs} == {"kill"}


@pytest.mark.parametrize("profile", [STRICT, Profile("small", seq_max=12), Profile("high", first_seq=2**31)])
def test_a_preset_lies_in_the_space(profile: Profile) -> None:
    presets = {s.steps[0].seq for s in drawn(Shape(preset=1.0), profile=profile) if isinstance(s.steps[0], sc.Preset)}
    assert presets
    assert all(profile.before_first <= seq <= profile.seq_max for seq in presets)


def test_a_pool_of_one_kind_gives_that_kind_and_the_quiescent_end() -> None:
    only = draw(random.Random(1), [Kind(1, lambda _: sc.Kill())], Shape(3, 3, preset=0), STRICT, ALL, "n", "t", 7)
    assert only.steps[:3] == (sc.Kill(),) * 3
    assert isinstance(only.steps[3], sc.Recv)
    assert (only.name, only.title, only.seed) == ("n", "t", 7)


# ---------------------------------------------------------------- the search for false alarms


def figures(out: str) -> str:
    """The first line of the figures, without the time."""
    return next(line for line in out.splitlines() if " runs from " in line).rpartition(",")[0]


def test_a_right_server_gives_no_alarm_and_figures_to_quote(
    search: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert search.main(["mutant:CORRECT", "--runs", "120", "--seed", "3"]) == 0
    out, err = capsys.readouterr()
    assert figures(out).startswith("mutant:CORRECT, seed 3: 120 runs from 0 on, ")
    assert figures(out).endswith(" events, 0 alarms")
    assert " looks at tips" in out
    assert " restores, " in out
    assert "120 of 120 runs, 0 alarms" in err


def test_a_faulty_server_gives_an_alarm_with_its_trace(search: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert search.main(["mutant:LAGGED_ACK", "--runs", "60"]) == 1
    out, _ = capsys.readouterr()
    assert "ALARM CNF-" in out
    assert "seed 1, run 1-" in out


def test_a_search_goes_on_where_it_was_stopped_and_gives_the_same(
    search: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(search, "BLOCK", 20)
    target = search.opened
    with target("mutant:CORRECT") as (_, hello):
        whole = [search.block(hello, STRICT, 1, first, 20) for first in (0, 20, 40)]
        assert search.block(hello, STRICT, 1, 20, 20) == whole[1] != whole[0]
        assert search.block(hello, STRICT, 1, 40, 5) == whole[2][:5]
    assert search.main(["mutant:CORRECT", "--runs", "40", "--first", "20"]) == 0
    assert "40 runs from 20 on" in figures(capsys.readouterr().out)


def test_a_search_that_is_stopped_says_what_it_did_and_how_to_go_on(
    search: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(search, "BLOCK", 20)

    def stopping(tally: object, runs: int, seconds: float) -> None:  # noqa: ARG001 - as the real one
        raise KeyboardInterrupt

    monkeypatch.setattr(search, "_progress", stopping)
    assert search.main(["mutant:CORRECT", "mutant:CORRECT_PAGED", "--runs", "120"]) == 130
    out, _ = capsys.readouterr()
    assert "20 runs from 0 on" in figures(out)
    assert "to go on: python conformance/benchmarks/false_alarms.py mutant:CORRECT --runs 40 --seed 1 --first 20" in out
    assert "CORRECT_PAGED" not in out


def test_a_bound_in_seconds_ends_it_and_is_no_alarm(search: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert search.main(["mutant:CORRECT", "--seconds", "0"]) == 0
    out, _ = capsys.readouterr()
    assert "0 runs from 0 on, 0 events" in figures(out)
    assert "--runs 24000 --seed 1 --first 0" in out


@pytest.mark.parametrize("words", [["--first", "7"], ["--first", "-400"], ["--runs", "many"]])
def test_wrong_options_are_refused(search: ModuleType, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        search.main(words)
    assert stopped.value.code == 2
    assert "error: argument" in capsys.readouterr().err


def test_a_target_that_is_none_is_one_line(search: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert search.main(["mutant:NOBODY", "--runs", "1"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
