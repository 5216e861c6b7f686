"""What a requirement is called: the one place where reports look requirements up.

A verdict may name an id that this version does not know (an older file, a newer kit): it is then shown by its id.
"""

from __future__ import annotations

from dataclasses import dataclass

from seqproof_model.requirements import INVARIANTS, REQUIREMENTS


@dataclass(frozen=True)
class Titled:
    """A requirement as people read it. ``section``: of the article, or "silent" where the article leaves it open."""

    id: str
    level: str = ""
    title: str = ""
    sentence: str = ""
    section: str = ""

    @property
    def heading(self) -> str:
        """The title as a line begins."""
        return self.title[:1].upper() + self.title[1:]

    @property
    def source(self) -> str:
        """Where the requirement comes from, in words."""
        if not self.section:
            return ""
        return "the article is silent" if self.section == "silent" else f"article {self.section}"


def titled(identifier: str) -> Titled:
    """Return what is known of a requirement; of an unknown one, its id alone."""
    found = REQUIREMENTS.get(identifier)
    if found is None:
        return Titled(identifier)
    return Titled(identifier, found.level.value, found.title, found.sentence, found.section)


def invariant(identifier: str) -> str:
    """Name an invariant with what it says.

    >>> invariant("I-MONO"), invariant("I-NEW")
    ('I-MONO (confirmed never falls)', 'I-NEW')
    """
    said = INVARIANTS.get(identifier)
    return f"{identifier} ({said})" if said else identifier
