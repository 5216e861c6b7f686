"""The requirements as data: what a verdict grades, what `seqproof list` and `seqproof explain` print.

The table stands in ``requirements.toml``. Everything that speaks of a requirement (judge, scenarios, faulty servers,
reports, docs) does so by its immutable id.
"""

from __future__ import annotations

from enum import StrEnum
from importlib import resources

import msgspec


class Level(StrEnum):
    """How strongly it is demanded."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


class Role(StrEnum):
    """What has to be under test."""

    SERVER = "server"
    PHONE = "phone"
    TIPS = "tips"


class Requirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One requirement. ``section``: of the source article; "silent" where the article leaves the point open.

    ``needs``: capabilities without which it is not graded. ``condition``: what must be observed for a pass.
    ``should``: what the row besides only recommends; a server that does not do it is not failed, and not passed.
    ``half_needs``: capabilities that the second half of its condition needs; ``half_untried``: what is then not known.
    ``ungraded``: why this version of the kit never grades it; "" when it does. ``unblamed``: why no faulty server is
    blamed on it or makes it suspect; "" where one must.
    """

    id: str
    title: str
    sentence: str
    section: str
    level: Level = Level.MUST
    role: Role = Role.SERVER
    invariant: str = ""
    needs: tuple[str, ...] = ()
    condition: str = ""
    half_needs: tuple[str, ...] = ()
    half_untried: str = ""
    profiles: str = ""
    should: str = ""
    ungraded: str = ""
    unblamed: str = ""

    @property
    def why_never(self) -> str:
        """Why this version never grades it, or ""."""
        return self.ungraded or ("no phone is under test" if self.role is Role.PHONE else "")


def should(requirement: str) -> str:
    """The key under which it is counted how often a requirement's ``should`` could have been kept."""
    return f"{requirement} should"


def kept(requirement: str) -> str:
    """The key under which it is counted how often it was."""
    return f"{requirement} should, kept"


def half(requirement: str) -> str:
    """The key under which it is counted how often the second half of a requirement's condition was observed."""
    return f"{requirement} half"


class _File(msgspec.Struct, forbid_unknown_fields=True):
    requirement: tuple[Requirement, ...]


def _load() -> dict[str, Requirement]:
    text = resources.files("seqproof_model").joinpath("requirements.toml").read_bytes()
    rows = msgspec.toml.decode(text, type=_File).requirement
    table = {row.id: row for row in rows}
    if len(table) != len(rows):
        raise ValueError("requirements.toml: an id stands twice")
    return table


REQUIREMENTS: dict[str, Requirement] = _load()

INVARIANTS: dict[str, str] = {
    "I-LOSS": "an accepted message stays obtainable until some phone that holds it has confirmed it",
    "I-REDEL": "what is unconfirmed is given again to whoever asks",
    "I-NODUP": "what is confirmed is never given again",
    "I-MONO": "confirmed never falls",
    "I-UNIQ": "one seq, one message, never reused",
    "I-CONTIG": "no holes",
    "I-ORDER": "ascending, with all values exact",
    "I-CLOSED": "once n was shown, nothing at or below n appears later",
    "I-BOUND": "confirmed <= seq_svr <= seq_max, without wrap",
    "I-ISO": "accounts are independent",
    "I-LIVE": "progress without tips",
    "I-ONCE": "a retried send makes no second message",
}
