"""The gate without a network: tokens, rates in virtual time, and for whom one may speak."""

from __future__ import annotations

import hmac
from pathlib import Path

import pytest

from seqproof_reference import tokens as tokens_module
from seqproof_reference.gate import DeniedError, Gate
from seqproof_reference.rates import Rates
from seqproof_reference.table_file import TableError
from seqproof_reference.tokens import Tokens

ALICE, BOB = "alice-0123456789abcdef", "bob-0123456789abcdefgh"
TOKENS = {"alice": ALICE, "bob": BOB}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def denied(gate: Gate, headers: dict[str, str]) -> str | None:
    try:
        gate.admit(headers)
    except DeniedError as error:
        return f"{error.status} {error.name}"
    return None


def test_a_token_names_its_account() -> None:
    gate = Gate(Tokens(TOKENS))
    assert [gate.admit(bearer(token)) for token in (ALICE, BOB)] == ["alice", "bob"]
    assert gate.admit({"authorization": f"bearer  {ALICE} "}) == "alice"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": ALICE},
        {"authorization": f"Basic {ALICE}"},
        bearer(""),
        bearer(ALICE[:-1]),
        bearer(ALICE + "x"),
        bearer(ALICE.upper()),
        bearer("é\udcff"),
    ],
)
def test_anything_else_is_nobody(headers: dict[str, str]) -> None:
    gate = Gate(Tokens(TOKENS))
    assert denied(gate, headers) == "401 unauthorized"


def test_the_last_word_is_a_comparison_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def counting(one: bytes, other: bytes) -> bool:
        compared.append(len(one) - len(other))
        return hmac.compare_digest(one, other)

    class Counting:
        compare_digest = staticmethod(counting)

    monkeypatch.setattr(tokens_module, "hmac", Counting)
    tokens = Tokens(TOKENS)
    assert [tokens.who(ALICE), tokens.who("unknown")] == ["alice", None]
    assert compared == [0, 0]


def test_one_speaks_for_oneself_only() -> None:
    gate = Gate(Tokens(TOKENS))
    gate.speaks_for("alice", "alice")
    with pytest.raises(DeniedError, match="not one of bob") as caught:
        gate.speaks_for("alice", "bob")
    assert (caught.value.status, caught.value.name) == (403, "forbidden")


def test_without_tokens_anybody_comes_in_but_for_a_browser() -> None:
    gate = Gate()
    assert gate.admit({}) is None
    gate.speaks_for(None, "alice")
    assert denied(gate, {"origin": "https://evil.example"}) == "403 forbidden"
    assert denied(Gate(Tokens(TOKENS)), bearer(ALICE) | {"origin": "null"}) == "403 forbidden"


def test_a_rate_is_a_burst_and_then_so_many_a_second() -> None:
    now = [0.0]
    gate = Gate(Tokens(TOKENS), Rates(2, 3, lambda: now[0]))

    def asked(count: int) -> int:
        return sum(denied(gate, bearer(ALICE)) is None for _ in range(count))

    assert asked(5) == 3
    assert denied(gate, bearer(ALICE)) == "429 rate"
    assert gate.admit(bearer(BOB)) == "bob"
    now[0] = 0.5
    assert asked(3) == 1
    now[0] = 1000
    assert asked(9) == 3


def test_nobody_is_let_in_by_asking_too_often_with_a_wrong_token() -> None:
    """What is refused without a token takes nothing from anybody's bucket."""
    gate = Gate(Tokens(TOKENS), Rates(1, 1, lambda: 0.0))
    assert {denied(gate, bearer("guess" * 5)) for _ in range(9)} == {"401 unauthorized"}
    assert gate.admit(bearer(ALICE)) == "alice"


@pytest.mark.parametrize("numbers", [(0.0, 1), (-1.0, 1), (1.0, 0), (float("nan"), 1), (float("inf"), 1)])
def test_a_rate_that_is_none(numbers: tuple[float, int]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Rates(*numbers, lambda: 0.0)


def written(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    path = tmp_path / "tokens.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_tokens_are_read_from_a_file_of_their_owner(tmp_path: Path) -> None:
    path = written(tmp_path, f'alice = "{ALICE}"')
    assert Tokens.read(path).who(ALICE) == "alice"
    path.chmod(0o640)
    with pytest.raises(TableError, match=r"chmod 600"):
        Tokens.read(path)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('alice = "short"', "the token of alice is not 16 to 256"),
        (f'alice = "{"é" * 20}"', "visible ASCII"),
        (f'alice = "{"a" * 300}"', "16 to 256"),
        (f'alice = "{ALICE}"\nbob = "{ALICE}"', "bob and alice have the same token"),
        (f'"" = "{ALICE}"', "an account is 1 to"),
        ("alice = 1", "Expected `str`"),
        ("alice", 'a line of it is: account = "token"'),
    ],
)
def test_a_file_of_bad_tokens_is_one_line_without_a_token_in_it(tmp_path: Path, text: str, part: str) -> None:
    with pytest.raises(TableError, match=r"^[^\n]*$") as caught:
        Tokens.read(written(tmp_path, text))
    assert part in str(caught.value)
    assert ALICE not in str(caught.value)
