"""Races that nobody schedules: plain concurrent senders, in as many trials as make a miss rarer than one in a million.

Measured on two loaded cores (conformance/benchmarks/sampled_race.py): postgres:naive shows its race in 7 to 16 of 100
trials. The test reckons with 2 of 100, so that a miss is rarer than one in a million; it ends at the first that shows.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import cast

import pytest

from seqproof_conformance.adapter import Adapter, Hello
from seqproof_conformance.sampled import MISS, Sample, least_rate, sample, seen_from, trials_for
from seqproof_conformance.targets import catalogue, opened
from seqproof_model.history import Answer, Ok, Recv, Send
from seqproof_model.profile import find

NEEDED = [entry.mend for entry in catalogue() if entry.target.startswith("postgres:") and entry.mend]
RECKONED = 0.02
postgres = pytest.mark.skipif(bool(NEEDED), reason=f"postgres is not installed: {NEEDED}")


@postgres
def test_plain_concurrent_senders_show_the_race_of_a_sequence() -> None:
    with opened("postgres:naive") as (adapter, _):
        found = sample(adapter, find("strict"), trials_for(RECKONED), "t", enough=1)
    assert set(found.shown) == {"RCV-1"}
    assert found.violation
    assert any(isinstance(event, Send) for event in found.first)
    assert any(isinstance(event, Recv) for event in found.first)


@postgres
def test_the_same_trials_find_nothing_where_the_counter_is_locked() -> None:
    with opened("postgres:locked") as (adapter, _):
        found = sample(adapter, find("strict"), 20, "t")
    assert (found.trials, dict(found.shown), found.violation) == (20, {}, None)


@pytest.mark.parametrize("rate", [0.001, 0.05, 0.125, 0.5, 0.99])
def test_so_many_trials_and_not_one_fewer_bound_the_miss(rate: float) -> None:
    trials = trials_for(rate)
    assert (1 - rate) ** trials <= MISS < (1 - rate) ** (trials - 1)
    assert seen_from(trials) <= rate


@pytest.mark.parametrize(("hits", "trials"), [(1, 9), (33, 265), (9, 9)])
def test_the_least_rate_is_the_one_that_hardly_allows_what_was_seen(hits: int, trials: int) -> None:
    rate = least_rate(hits, trials)
    chance = sum(math.comb(trials, k) * rate**k * (1 - rate) ** (trials - k) for k in range(hits, trials + 1))
    assert rate < hits / trials
    assert math.isclose(chance, MISS, rel_tol=1e-6)


class Forgetful:
    """Loses every tenth message that it acknowledged."""

    def __init__(self) -> None:
        self.sent = 0
        self.kept: dict[str, list[tuple[int, str]]] = {}
        self.last: dict[str, int] = {}

    def hello(self) -> Hello:
        return Hello("forgetful", frozenset())

    def reset(self, account: str) -> None:
        self.kept[account], self.last[account] = [], 0

    def send(self, account: str, _sender: str, _client_id: str, body: str) -> Answer:
        self.sent += 1
        self.last[account] += 1
        if self.sent % 10:
            self.kept[account].append((self.last[account], body))
        return Ok(seq=self.last[account])

    def recv(self, account: str, _phone: str, seq_cli: int) -> Answer:
        return Ok(rows=tuple(row for row in self.kept[account] if row[0] > seq_cli))

    def close(self) -> None:
        pass


def locked(call: Callable[..., Answer]) -> Callable[..., Answer]:
    lock = threading.Lock()

    def one_at_a_time(*words: object) -> Answer:
        with lock:
            return call(*words)

    return one_at_a_time


def test_a_server_that_loses_messages_is_seen_in_every_trial_and_its_rate_is_told() -> None:
    server = Forgetful()
    server.send, server.recv = locked(server.send), locked(server.recv)  # type: ignore[method-assign]
    found = sample(cast("Adapter", server), find("strict"), 5, "t")
    assert found.shown.total() == found.trials == 5
    (line,) = found.lines()
    assert "broken in 5 of 5 trials (100.0%); at the least rate that this allows" in line


def test_what_clean_trials_exclude_is_told() -> None:
    (line,) = Sample(trials=200).lines()
    excluded = "a race that shows in 6.7% of them would be missed once in 1,000,000"
    assert line == f"200 trials at full speed, none broke a rule; {excluded}"
