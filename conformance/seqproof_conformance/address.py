"""The address of a server that runs already, and the passwords that may stand in it.

    postgres:postgresql://me:secret@db/test      as typed
    postgres:postgresql://me:${SEQPROOF_PASSWORD}@db/test      as kept, shown and written down

A password that was typed is moved into the environment at once, before anything else looks at the text, and the text
then names the variable. So nothing that is stored or printed can hold it, and what is printed can still be run again:
with the variable set, in a shell of one's own. ``${NAME}`` in an address is always taken from the environment, and is
quoted as an address wants it; so a person may write one from the start. Only the client of the server is given the
whole address. What a client says of it is searched for the secret before it is shown.
Source: RFC 3986, 3.2.1.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

__all__ = ["VARIABLE", "Address", "MissingError", "filled", "hidden", "kept_by", "masked", "to_export"]

VARIABLE = "SEQPROOF_PASSWORD"
NAMED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
SHORT = 3  # a secret of so few letters is looked for as a word, or every text would be full of it
MOVED = re.compile(rf"\$\{{({VARIABLE}(?:_[0-9]+)?)\}}")
# Where a secret stands. The second is for one with a / or ? in it that should have been quoted.
PLACES = (
    re.compile(r"(://[^:/?#@\s]*:)([^/?#\s]+)(?=@)"),
    re.compile(r"(://[^:/?#@\s]*:)(?!\d+[/?])([^\s$]\S*[/?#]\S*)(?=@)"),
    re.compile(r"(\b(?:nats|tls|wss?)://)([^:/?#@\s]+)(?=@)"),  # of NATS: a token
    re.compile(r"([?&](?:password|sslpassword|token)=)([^&#\s]+)"),
)


class MissingError(Exception):
    """The environment lacks what an address names; one line."""


def masked(text: str, keep: Callable[[str], str]) -> str:
    """The text without its passwords. ``keep`` is given each, unquoted, and returns the name of its variable.

    >>> masked("redis:redis://:a%40b@h:6379/0?x=1", lambda secret: f"P_{len(secret)}")
    'redis:redis://:${P_3}@h:6379/0?x=1'
    >>> masked("postgres:postgresql://me@h:5432/db", str)
    'postgres:postgresql://me@h:5432/db'
    """

    def moved(found: re.Match[str]) -> str:
        secret = found[2]
        return found[0] if NAMED.fullmatch(secret) else f"{found[1]}${{{keep(unquote(secret))}}}"

    for place in PLACES:
        text = place.sub(moved, text)
    return text


def kept_by(environ: MutableMapping[str, str]) -> Callable[[str], str]:
    """A keeper for ``masked``: each secret has a variable, the first that is free or holds it already."""

    def keep(secret: str) -> str:
        number, name = 1, VARIABLE
        while environ.get(name, secret) != secret:
            number += 1
            name = f"{VARIABLE}_{number}"
        environ[name] = secret
        return name

    return keep


def filled(text: str, environ: MutableMapping[str, str], names: re.Pattern[str] = NAMED) -> str:
    """The text with the variables that it names. Raises MissingError.

    >>> filled("nats://${T}@h", {"T": "a/b"})
    'nats://a%2Fb@h'
    """

    def value(found: re.Match[str]) -> str:
        if found[1] not in environ:
            typed = "; it is the password that was typed there" if MOVED.fullmatch(found[0]) else ""
            raise MissingError(f"the environment has no {found[1]}{typed}; export it, or write it in the address")
        return quote(environ[found[1]], safe="")

    return names.sub(value, text)


def to_export(text: str) -> str:
    """What to write before a command with this target, so that another shell can run it: its variables, to fill in.

    >>> to_export("redis:redis://:${SEQPROOF_PASSWORD}@h")
    'SEQPROOF_PASSWORD=... '
    """
    return "".join(f"{name}=... " for name in dict.fromkeys(MOVED.findall(text)))


def hidden(text: str) -> str:
    """The text as it is kept, shown and written down; its passwords are in the environment from now on."""
    return masked(text, kept_by(os.environ))


@dataclass(frozen=True)
class Address:
    """Of a server. ``shown``: as it may be shown. ``environ``: where its variables are."""

    shown: str
    environ: MutableMapping[str, str] = field(default_factory=lambda: os.environ)

    def whole(self) -> str:
        """With its passwords. For its client alone. Raises MissingError."""
        return filled(self.shown, self.environ)

    def said(self, error: Exception) -> str:
        """What a client said, in one line, without the passwords of this address."""
        line = " ".join(f"{type(error).__name__}: {error}".split())
        secrets = {self.environ.get(name, "") for name in NAMED.findall(self.shown)} - {""}
        for secret in sorted(secrets | {quote(secret, safe="") for secret in secrets}, key=len, reverse=True):
            whole = re.escape(secret) if len(secret) > SHORT else rf"(?<!\w){re.escape(secret)}(?!\w)"
            line = re.sub(whole, "***", line)
        return line.replace(self.whole(), self.shown)
