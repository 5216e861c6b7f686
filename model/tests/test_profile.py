"""Profiles: the four built in, their sums, and files of the user's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqproof_model.profile import UINT_MAX, Profile, ProfileError, built_in, find


def test_the_built_in_profiles() -> None:
    assert list(built_in()) == ["strict", "gappy", "idempotent", "lagging"]
    strict = built_in()["strict"]
    assert (strict.first_seq, strict.seq_max, strict.before_first) == (1, UINT_MAX, 0)
    assert (strict.gaps, strict.idempotent, strict.lagging) == (False, False, False)
    assert built_in()["gappy"].gaps
    assert built_in()["idempotent"].idempotent
    assert built_in()["lagging"].lagging


@pytest.mark.parametrize(
    ("text", "name", "liberties"),
    [
        ("strict", "strict", (False, False, False)),
        ("gappy+idempotent", "gappy+idempotent", (True, True, False)),
        ("strict+lagging", "lagging", (False, False, True)),
        ("gappy+gappy", "gappy", (True, False, False)),
        ("gappy+idempotent+lagging", "gappy+idempotent+lagging", (True, True, True)),
    ],
)
def test_profiles_combine(text: str, name: str, liberties: tuple[bool, bool, bool]) -> None:
    profile = find(text)
    assert profile.name == name
    assert (profile.gaps, profile.idempotent, profile.lagging) == liberties


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text("[profile.wide]\nfirst_seq = 0x10\nseq_max = '18446744073709551615'\ngaps = true\n[profile.b]\n")
    assert find(f"{file}:wide") == Profile("wide", first_seq=16, seq_max=2**64 - 1, gaps=True)
    assert find(f"{file}:wide").describe() == "wide, first_seq 16, seq_max 2^64 - 1"
    assert find(f"{file}:b").describe() == "b"


def test_the_only_profile_of_a_file_needs_no_name(tmp_path: Path) -> None:
    file = tmp_path / "one.toml"
    file.write_text("[profile.only]\n")
    assert find(str(file)).name == "only"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[profile.a]\n[profile.b]\n", "holds a, b; name one"),
        ("[profile.a]\nseqmax = 3\n", "unknown field `seqmax`"),
        ("[profile.a]\nfirst_seq = 0\n", "1 <= first_seq <= seq_max does not hold"),
        ("[profile.a]\nfirst_seq = 9\nseq_max = 8\n", "1 <= first_seq <= seq_max does not hold"),
        ("[profile.a]\nseq_max = 'wide'\n", "Expected `int`"),
        ("profile = 3\n", "Expected `object`"),
        ("[profile.a\n", "TOML"),
        ("", "missing required field `profile`"),
        ("\xff", "utf-8"),
    ],
)
def test_a_bad_file_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ProfileError) as caught:
        find(str(file))
    assert says.lower() in str(caught.value).lower()
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_profile_lists_those_that_exist() -> None:
    with pytest.raises(ProfileError, match="no profile 'loose'; there are strict, gappy, idempotent, lagging"):
        find("strict+loose")
    with pytest.raises(ProfileError, match=r"cannot read the profile file none\.toml: No such file"):
        find("none.toml:a")
