"""Seconds to prove the correct definition: every scope, on integers and on 32-bit vectors, process start excluded.

Run it alone on an idle machine: ``python model/benchmarks/prove_speed.py [ROUNDS]``. Each round proves everything anew;
the best of the rounds is printed. *solving* is spent in Z3, *writing* in building the formulas.
"""

from __future__ import annotations

import sys

from seqproof_model.engines.prove import Proof, prove_all
from seqproof_model.engines.solving import Sort
from seqproof_model.network import CORRECT

ROUNDS = 5


def total_ms(proofs: tuple[Proof, ...]) -> float:
    """Milliseconds of a round."""
    return sum(proof.total_ms for proof in proofs)


def main(rounds: int) -> None:
    """Measure and print."""
    print(f"best of {rounds} rounds\n")
    print(f"{'':<8}{'cells':>7}{'proved':>8}{'solving s':>11}{'writing s':>11}{'total s':>9}")
    totals: list[float] = []
    for sort in Sort:
        best = min((tuple(prove_all(CORRECT, sort)) for _ in range(rounds)), key=total_ms)
        totals.append(total_ms(best) / 1000)
        solving = sum(proof.solving_ms for proof in best) / 1000
        cells = [cell for proof in best for cell in proof.cells]
        proved = all(proof.proved for proof in best)
        print(
            f"{sort.value:<8}{len(cells):>7}{'all' if proved else 'NOT':>8}"
            f"{solving:>11.2f}{totals[-1] - solving:>11.2f}{totals[-1]:>9.2f}"
        )
    print(f"\neverything: {sum(totals):.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
