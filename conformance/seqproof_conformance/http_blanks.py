"""Texts with blanks: what a described request says, cut once into what is fixed and what is filled in each time.

    {name}      filled in at each request        ${NAME}      from the environment, when the file is read
    {{ and }}   the signs themselves             {name:text}  as text also where a number could stand

A text of a JSON body that is one blank and nothing else becomes the value itself, so ``"{seq_cli}"`` is a number. In
paths, queries and headers values are percent-encoded. What the environment holds is never cut again, nor shown.
Source: docs/http.md.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote

TOKEN = re.compile(r"\$\{(?P<env>\w+)\}|(?P<brace>\{\{|\}\})|\{(?P<blank>[^{}]*)\}|(?P<odd>[{}])")
Value = str | int


class Mistake(Exception):  # noqa: N818 - it becomes an error of the file once the file's name is known
    """A mistake in a file: the key, what is wrong with it and the mend."""

    def __init__(self, key: str, what: str) -> None:
        super().__init__(f"{key}: {what}")


@dataclass(frozen=True)
class Blanks:
    """A text, cut into fixed parts and the names of blanks. ``whole``: it is one blank, and its value may be a number.

    >>> Blanks((("", "seq"),), whole=True).value({"seq": 7}), Blanks((("n", ""), ("", "seq"))).text({"seq": 7})
    (7, 'n7')
    """

    parts: tuple[tuple[str, str], ...]
    whole: bool = False

    @property
    def names(self) -> set[str]:
        """The blanks that it has."""
        return {name for _, name in self.parts if name}

    def text(self, values: Mapping[str, Value]) -> str:
        """Fill it in."""
        return "".join(str(values[name]) if name else fixed for fixed, name in self.parts)

    def encoded(self, values: Mapping[str, Value]) -> str:
        """Fill it in, each value percent-encoded; what is fixed stays as it is."""
        return "".join(quote(str(values[name]), safe="") if name else fixed for fixed, name in self.parts)

    def value(self, values: Mapping[str, Value]) -> Value:
        """Fill it in as a JSON value."""
        return values[self.parts[0][1]] if self.whole else self.text(values)


def blanks(text: str, key: str, known: Iterable[str], environment: Mapping[str, str]) -> Blanks:
    """Cut a text of the file. Raises Mistake, which names what the environment or the request does not have."""
    parts: list[tuple[str, str]] = []
    end, plain = 0, False
    for found in TOKEN.finditer(text):
        parts.append((text[end : found.start()], ""))
        end = found.end()
        if name := found["env"]:
            if name not in environment:
                raise Mistake(key, f"the environment has no {name}; run with {name}=... set")
            parts.append((environment[name], ""))
        elif found["brace"]:
            parts.append((found["brace"][0], ""))
        elif found["odd"]:
            raise Mistake(key, f"a single {found['odd']!r}; for the sign itself write it twice")
        else:
            name, _, form = found["blank"].partition(":")
            if name not in known:
                raise Mistake(key, f"no blank {{{name}}} here; {near(name, known)}")
            if form not in ("", "text"):
                raise Mistake(key, f"{{{name}:{form}}} has no meaning; write {{{name}}} or {{{name}:text}}")
            plain = plain or form == "text"
            parts.append(("", name))
    kept = tuple(part for part in [*parts, (text[end:], "")] if part != ("", ""))
    return Blanks(kept, whole=len(kept) == 1 and kept[0][1] != "" and not plain)


def near(word: str, words: Iterable[str]) -> str:
    """Name what may have been meant."""
    known = sorted(words)
    found = difflib.get_close_matches(word, known, n=2, cutoff=0.5)
    return f"did you mean {' or '.join(found)}?" if found else f"there is {', '.join(known) or 'none'}"


def filled(body: object, values: Mapping[str, Value]) -> object:
    """Fill in all texts of a JSON body."""
    match body:
        case Blanks():
            return body.value(values)
        case dict():
            return {name: filled(item, values) for name, item in cast("dict[str, object]", body).items()}
        case list():
            return [filled(item, values) for item in cast("list[object]", body)]
        case _:
            return body


def names_in(body: object) -> set[str]:
    """The blanks in all texts of a JSON body."""
    match body:
        case Blanks():
            return body.names
        case dict():
            return set[str]().union(*map(names_in, cast("dict[str, object]", body).values()))
        case list():
            return set[str]().union(*map(names_in, cast("list[object]", body)))
        case _:
            return set()
