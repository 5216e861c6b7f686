"""What a definition of the protocol is made of: rules, effects, and what both may read.

``network.py`` writes the correct one; ``faults.py`` derives the faulty ones, each with one part replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from seqproof_model.rules import Algebra, Marks, Request, Rule, Value
from seqproof_model.state import Account, Packet, Phone


class Change(NamedTuple):
    """What an effect leaves behind."""

    account: Account
    phone: Phone
    put: Packet | None = None


Function = Callable[["Setting", Account, Phone, Any], Value]  # the last argument is the packet taken
Effect = Callable[["Setting", Account, Phone, Any], Change]


@dataclass(frozen=True)
class Definition:
    """The server's rules, the network's effects, and the order in which an unhurried server takes its three looks."""

    name: str
    rules: Mapping[str, Rule]
    effects: Mapping[str, Effect]
    order: tuple[str, ...] = ("confirm", "look_lower", "look_upper")
    own: bool = False  # whether the server keeps a mark for each phone

    def but(self, name: str, *, order: tuple[str, ...] = (), own: bool = False, **parts: Rule | Effect) -> Definition:
        """Replace rules and effects, by their names. Raises ValueError where there is no such part."""
        rules = {key: part for key, part in parts.items() if isinstance(part, Rule)}
        effects = {key: part for key, part in parts.items() if not isinstance(part, Rule)}
        if unknown := (rules.keys() - self.rules.keys()) | (effects.keys() - self.effects.keys()):
            raise ValueError(f"{name} replaces {sorted(unknown)}, which the definition does not have")
        return Definition(name, {**self.rules, **rules}, {**self.effects, **effects}, order or self.order, own)


@dataclass(frozen=True)
class Setting:
    """What guards and effects may read besides the state: the values' algebra, the definition, the scope's constants.

    ``undecided``: of a send that is decided, the lowest seq of the other open ones; seq_max + 1 where there is none.
    """

    a: Algebra
    definition: Definition
    seq_max: Value
    page: Value | None = None
    undecided: Value = 0

    def allows(self, rule: str, account: Account, seq_cli: Value = 0) -> Value:
        """Whether the guard of a server rule holds."""
        return self.definition.rules[rule].guard(self.a, self._marks(account), Request(seq_cli))

    def take(self, rule: str, account: Account, seq_cli: Value = 0) -> tuple[Account, Value]:
        """Take a server rule: the account after it, and what the rule sees (0 if nothing)."""
        found, request = self.definition.rules[rule], Request(seq_cli, self.undecided)
        marks = found.effect(self.a, self._marks(account), request)
        seen = found.sees(self.a, marks, request) if found.sees else 0
        return account._replace(taken=marks.taken, svr=marks.svr, confirmed=marks.confirmed), seen

    def _marks(self, account: Account) -> Marks:
        return Marks(self.seq_max, account.taken, account.svr, account.confirmed)
