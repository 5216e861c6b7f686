"""Profiles: which variant of the protocol a server is held to.

A profile is data. The four built in stand in ``profiles.toml``; anyone may write another file of the same form. They
combine with ``+``: ``gappy+idempotent`` allows gaps and demands that a retried send makes no second message.
Source: docs/requirements.md, "Profiles"; the article's own space is 1..UINT_MAX, allocated without gaps [3.1(1)].
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from pathlib import Path

import msgspec

UINT_MAX = 2**32 - 1


class ProfileError(ValueError):
    """A profile that cannot be used; the text is one line and says the mend."""


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the judge demands. All seqs are integers in ``first_seq..seq_max``.

    ``gaps``: seqs may be skipped (SEQ-2 then only asks that they grow). ``idempotent``: SND-3 is a MUST. ``lagging``:
    RCV-7 is waived, a reply may end before a message that was acknowledged earlier.
    """

    name: str
    first_seq: int = 1
    seq_max: int = UINT_MAX
    gaps: bool = False
    idempotent: bool = False
    lagging: bool = False
    summary: str = ""

    @property
    def before_first(self) -> int:
        """The value of seq_svr, confirmed and a new phone's seq_cli before any message."""
        return self.first_seq - 1

    def describe(self) -> str:
        """The profile in a few words, with the width of its space where it is not the article's."""
        words = [self.name]
        if self.first_seq != 1:
            words.append(f"first_seq {self.first_seq}")
        if self.seq_max != UINT_MAX:
            words.append(f"seq_max {power_text(self.seq_max)}")
        return ", ".join(words)


def power_text(n: int) -> str:
    """Write a number just below a power of two as people say it.

    >>> power_text(2**64 - 1), power_text(12)
    ('2^64 - 1', '12')
    """
    return f"2^{n.bit_length()} - 1" if n >= UINT_MAX and n == (1 << n.bit_length()) - 1 else str(n)


class _File(msgspec.Struct, forbid_unknown_fields=True):
    profile: dict[str, dict[str, object]]


@cache
def built_in() -> dict[str, Profile]:
    """Return the shipped profiles by name, ``strict`` first."""
    text = resources.files("seqproof_model").joinpath("profiles.toml").read_bytes()
    return _parse(text, "profiles.toml")


def _parse(text: bytes, where: str) -> dict[str, Profile]:
    try:
        raw = msgspec.toml.decode(text, type=_File)
        profiles = {
            name: msgspec.convert({"name": name, **fields}, Profile, strict=False)
            for name, fields in raw.profile.items()
        }
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProfileError(
            f"{where}: {error}; each profile is a table [profile.NAME], see `seqproof list profiles`"
        ) from None
    for profile in profiles.values():
        if not 1 <= profile.first_seq <= profile.seq_max:
            raise ProfileError(f"{where}: profile {profile.name}: 1 <= first_seq <= seq_max does not hold")
    return profiles


def find(text: str) -> Profile:
    """Return the profile that ``--profile TEXT`` names: names joined by ``+``, or ``FILE.toml``, or ``FILE.toml:NAME``.

    Raises ProfileError, one line, when there is no such profile or file.
    """
    file, _, chosen = text.partition(":") if re.search(r"\.toml(:|$)", text) else ("", "", text)
    if file:
        try:
            profiles = _parse(Path(file).read_bytes(), file)
        except OSError as error:
            raise ProfileError(f"cannot read the profile file {file}: {error.strerror}") from None
        if chosen not in profiles and len(profiles) != 1:
            raise ProfileError(f"{file} holds {', '.join(profiles) or 'no profile'}; name one: {file}:NAME")
        return profiles[chosen] if chosen in profiles else next(iter(profiles.values()))
    return combine([_named(name) for name in chosen.split("+")])


def _named(name: str) -> Profile:
    try:
        return built_in()[name]
    except KeyError:
        raise ProfileError(
            f"no profile {name!r}; there are {', '.join(built_in())}, joined by +, or FILE.toml"
        ) from None


def combine(profiles: list[Profile]) -> Profile:
    """Join profiles: a liberty or a duty of any of them holds in the whole. Needs at least one.

    >>> combine([built_in()["gappy"], built_in()["idempotent"]]).name
    'gappy+idempotent'
    """
    names = [p.name for p in profiles if p.name != "strict"] or ["strict"]
    return Profile(
        name="+".join(dict.fromkeys(names)),
        first_seq=profiles[0].first_seq,
        seq_max=profiles[0].seq_max,
        gaps=any(p.gaps for p in profiles),
        idempotent=any(p.idempotent for p in profiles),
        lagging=any(p.lagging for p in profiles),
        summary="; ".join(p.summary for p in profiles if p.summary),
    )
