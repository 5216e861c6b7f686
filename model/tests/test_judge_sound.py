"""No false alarm: histories of correct servers of every shape, overlapping, killed, lossy, paged, are never blamed."""

from __future__ import annotations

import random

import pytest

from seqproof_model.judge import Judge
from seqproof_model.profile import built_in
from seqproof_model.shapes import Chances, More, Server, Shape, simulate


def alarm(seed: int, shape: Shape, *, page: int | None, tells_seq: bool, operations: int, clients: int) -> str:
    """The first violation's sentence, or ""."""
    rng = random.Random(seed)
    chances = Chances(indefinite=rng.uniform(0, 0.3), kill=rng.uniform(0, 0.05), overlap=clients > 1)
    server = Server(shape, page, rng.choice(list(More)), tells_seq)
    judge = Judge(built_in()["strict"], paged=page is not None)
    for event in simulate(rng, server, operations, clients, chances):
        violation = judge.feed(event)
        if violation:
            return f"seed {seed}: event {violation.event}: {violation.sentence}"
    return ""


@pytest.mark.parametrize("tells_seq", [True, False])
@pytest.mark.parametrize("page", [None, 1, 2, 3])
@pytest.mark.parametrize("shape", list(Shape), ids=lambda shape: shape.name)
def test_a_correct_server_is_never_blamed(shape: Shape, page: int | None, tells_seq: bool) -> None:
    for seed in range(300):
        clients = (1, 2, 4, 8, 16)[seed % 5]
        found = alarm(seed, shape, page=page, tells_seq=tells_seq, operations=30, clients=clients)
        assert found == ""


@pytest.mark.parametrize("shape", list(Shape), ids=lambda shape: shape.name)
@pytest.mark.parametrize("clients", [1, 4, 16])
def test_a_long_history_of_a_correct_server_is_never_blamed(shape: Shape, clients: int) -> None:
    assert alarm(9, shape, page=None, tells_seq=True, operations=3000, clients=clients) == ""
