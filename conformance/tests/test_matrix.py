"""The kill matrix, really filled: each engine catches what it should, and blames nothing that is right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from seqproof_conformance import command_mutants, matrix, random_walk, suite
from seqproof_conformance.adapter import TargetError
from seqproof_model.hello import Capability
from seqproof_model.kills import EQUIVALENT, FAULT, Cell, Engine, Matrix, Mutant, Outcome, Row
from seqproof_model.profile import find
from seqproof_reports import kill_matrix

MUTANTS = {mutant.id: mutant for mutant in matrix.mutants()}
ALL = [str(capability) for capability in Capability]


def command(*words: str) -> tuple[int, str]:
    """Run ``seqproof mutants``; its exit code and what it prints."""
    done = CliRunner().invoke(command_mutants.app, ["mutants", *words])
    return done.exit_code, done.stdout


@pytest.mark.parametrize("engine", matrix.ENGINES)
def test_each_engine_kills_a_fault_under_an_id_that_fits(engine: str) -> None:
    cell = matrix.fill(MUTANTS["VOLATILE_SEQ"], engine)
    assert cell.outcome is Outcome.KILLED
    assert cell.killer
    assert cell.seconds is not None
    assert engine == "prove" or cell.length


@pytest.mark.parametrize("engine", ["quick", "hypothesis", "walk", "explore", "prove"])
def test_no_engine_blames_what_is_right(engine: str) -> None:
    assert matrix.fill(MUTANTS["CONFIRM_LAST"], engine).outcome is Outcome.PASSED


def test_a_blame_that_does_not_fit_is_no_kill_and_the_looking_goes_on() -> None:
    other = msgspec.structs.replace(MUTANTS["RETRY_MIDDLEWARE"], expected=("SND-2",))
    cell = matrix.fill(other, "quick")
    assert (cell.outcome, cell.killer) == (Outcome.KILLED, "SND-2")
    assert cell.blamed[0] == "SEQ-2"
    wrong = msgspec.structs.replace(MUTANTS["HIGH_EXCLUSIVE"], expected=("SEQ-6",))
    assert matrix.fill(wrong, "quick").outcome is Outcome.BLAMED


def test_a_right_server_that_is_blamed_is_told() -> None:
    liar = Mutant("ACK_ON_REPLY", EQUIVALENT, "It is said to be right.")
    assert matrix.fill(liar, "quick").outcome is Outcome.BLAMED


def test_what_no_model_can_say_has_a_reason() -> None:
    cell = matrix.fill(MUTANTS["BODY_255"], "explore")
    assert cell.outcome is Outcome.NONE
    assert "no faulty model" in cell.reason


def test_a_target_that_cannot_be_opened_survives_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise TargetError("no room")

    monkeypatch.setattr(suite, "run", refuse)
    assert matrix.fill(MUTANTS["ACK_ON_REPLY"], "quick") == Cell("quick", Outcome.SURVIVED, reason="no room")


def test_minimising_gives_the_shortest_known_length() -> None:
    long, short = (matrix.fill(MUTANTS["DESC_ORDER"], "quick", shorten=shorten).length for shorten in (False, True))
    assert long
    assert short == MUTANTS["DESC_ORDER"].shortest == 3 < long


def test_every_fault_is_in_the_table_with_its_role_and_its_length() -> None:
    faults = [mutant for mutant in MUTANTS.values() if mutant.kind == FAULT]
    assert {mutant.role for mutant in faults} == {"server", "phone"}
    assert all(mutant.shortest and mutant.expected and mutant.breaks for mutant in faults)
    assert "NULL" not in MUTANTS


# ---------------------------------------------------------------- the plain walk


def test_walks_are_the_same_for_the_same_seed_and_use_every_step() -> None:
    made = [random_walk.walks(find("strict"), ALL, number=200, seed=seed) for seed in (1, 1, 2)]
    assert made[0] == made[1] != made[2]
    used = {step for walk in made[0] for step in walk.steps}
    assert set(random_walk.steps(ALL)) <= used


def test_walks_need_nothing_that_a_target_has_not() -> None:
    walks = random_walk.walks(find("strict"), ["send_seq"], number=100)
    assert {need for walk in walks for need in walk.needs} == set()


# ---------------------------------------------------------------- the command


def test_rows_come_one_by_one_and_the_table_certifies(tmp_path: Path) -> None:
    rows, page = tmp_path / "rows.jsonl", tmp_path / "matrix.html"
    chosen = "ack_on_reply,CORRECT,BODY_255"
    code, out = command("--engine", "quick,explore", "--only", chosen, "--rows", str(rows), "--html", str(page))
    assert code == 0
    assert "✓ RCV-7" in out
    written = [msgspec.json.decode(line, type=Row) for line in rows.read_bytes().splitlines()]
    assert [row.mutant.id for row in written] == ["ACK_ON_REPLY", "BODY_255", "CORRECT"]
    html = page.read_text("utf-8")
    assert "http" not in html.replace("http-equiv", "")
    assert all(word in html for word in ("✓ certified", "ACK_ON_REPLY", "no faulty model"))


def test_a_survivor_fails_it_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def miss(_mutant: Mutant, engine: str, **_: object) -> Cell:
        return Cell(engine, Outcome.SURVIVED)

    monkeypatch.setattr(matrix, "fill", miss)
    code, out = command("--engine", "quick", "--only", "ACK_ON_REPLY")
    assert code == 1
    assert "ACK_ON_REPLY survived quick" in out


def test_ctrl_c_keeps_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(mutant: Mutant, engine: str, **_: object) -> Cell:
        if mutant.id == "DELETE_ON_DELIVER":
            raise KeyboardInterrupt
        return Cell(engine, Outcome.KILLED, ("RCV-7",), "RCV-7")

    monkeypatch.setattr(matrix, "fill", fill)
    code, out = command("--engine", "quick", "--json")
    told: dict[str, Any] = msgspec.json.decode(out)
    assert (code, told["interrupted"]) == (130, True)
    assert [row["mutant"]["id"] for row in told["mutants"]] == ["ACK_ON_REPLY"]


def test_two_processes_fill_the_same_table() -> None:
    wanted = [MUTANTS[name] for name in ("ACK_ON_REPLY", "WRAP_0", "VOLATILE_CONFIRM")]
    filled = list(matrix.fill_all(wanted, ["explore"], processes=2))
    assert {each.mutant.id: each.cell.outcome for each in filled} == dict.fromkeys(
        ("ACK_ON_REPLY", "WRAP_0", "VOLATILE_CONFIRM"), Outcome.KILLED
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--engine", "quik"), "no engine 'quik'; near: quick"),
        (("--only", "ACK_ON_REPLI"), "near: ACK_ON_REPLY"),
        (("--only", "?"), "no mutant '?'; there are"),
        (("--html", "/nowhere/x.html"), "/nowhere is no directory"),
    ],
)
def test_what_is_asked_wrongly_is_one_line(words: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(command_mutants.app, ["mutants", *words])
    assert said in str(done.exception)


def test_a_page_escapes_what_it_is_told() -> None:
    cell = Cell("quick", Outcome.SURVIVED, reason="<script>alert(1)</script>")
    row = Row(Mutant("X", FAULT, "<b>bold</b>"), (cell,))
    html = kill_matrix.matrix_html(Matrix((Engine("quick", "<i>"),), (row,)))
    assert "<script>alert" not in html
    assert "<b>bold" not in html
    assert "✗ not certified" in html
