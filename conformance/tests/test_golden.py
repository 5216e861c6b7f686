"""The golden scenarios: every requirement that can be graded has one, and each really observes what it says it does."""

from __future__ import annotations

from importlib import resources

import pytest

from seqproof_conformance.adapter import Capability
from seqproof_conformance.runner import Runner
from seqproof_conformance.suite import golden
from seqproof_conformance.targets import open_target
from seqproof_model import scenario as sc
from seqproof_model.judge import Judge
from seqproof_model.profile import find
from seqproof_model.requirements import REQUIREMENTS, half
from seqproof_model.scenario import Scenario

SCENARIOS = {scenario.name: scenario for scenario in golden()}


def observed(scenario: Scenario, target: str) -> set[str]:
    """The requirements whose condition, or a half of it, occurs when a correct server plays it."""
    adapter = open_target(target)
    hello = adapter.hello()
    judge = Judge(find("strict"), paged=Capability.PAGING in hello.capabilities)
    played = Runner(adapter, hello, find("strict"), [judge], lambda _event: None).play(scenario)
    assert played.violation is None
    halves = {name for name in REQUIREMENTS if judge.counts[half(name)]}
    return halves | {name for name, count in judge.counts.items() if count}


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_observes_what_it_says(name: str) -> None:
    """On the correct server with pages or on the one without: what only pages can show needs the first.

    Or on one that holds sends half-way, where the scenario asks for that.
    """
    scenario = SCENARIOS[name]
    targets = ["AT_COMMIT"] if "begin_send" in scenario.needs else ["CORRECT", "CORRECT_PAGED"]
    seen = set[str]().union(*(observed(scenario, f"mutant:{target}") for target in targets))
    assert set(scenario.observes) <= seen


def test_each_requirement_that_can_be_graded_has_one() -> None:
    gradable = {row.id for row in REQUIREMENTS.values() if not row.why_never}
    assert set().union(*(scenario.observes for scenario in SCENARIOS.values())) == gradable


@pytest.mark.parametrize("name", SCENARIOS)
def test_its_file_carries_its_name_and_reads_well(name: str) -> None:
    file = resources.files("seqproof_conformance").joinpath(f"golden/{name}.json")
    assert file.read_bytes() == sc.encode(SCENARIOS[name])
    assert SCENARIOS[name].title
    assert SCENARIOS[name].text.endswith((".", "!"))


def test_figures_4_to_6_say_what_the_article_says() -> None:
    """Article 3.2: seq_cli and seq_svr of the last request, and exactly the rows that it gets."""
    expected = {"F4": ("A", 100, (101, 150)), "F5": ("A", 150, (151, 200)), "F6": ("B", 120, (151, 200))}
    for name, (phone, seq_cli, rows) in expected.items():
        adapter = open_target("mutant:CORRECT")
        judge = Judge(find("strict"), paged=False)
        runner = Runner(adapter, adapter.hello(), find("strict"), [judge], lambda _event: None)
        *_, asked, answer = runner.play(SCENARIOS[name]).events
        assert (getattr(asked, "phone", ""), getattr(asked, "seq_cli", None)) == (phone, seq_cli)
        given = [seq for seq, _ in getattr(answer, "rows", ())]
        assert given == list(range(rows[0], rows[1] + 1))
