"""A counterexample in the Informal Trace Format (ITF): what is known after each exchange, for viewers of model traces.

    {"#meta": {"index": 3}, "event": 6, "mbt::actionTaken": "send", "asked": ..., "answered": ...,
     "accounts": #map of account to {allocated, confirmed, missing, repeated, phones}, "broken": #set of ids}

A state stands for a moment: a request and its answer, a kill and its restart. ``event`` is the number of its last line
in ``history.jsonl``. ``allocated`` and ``confirmed`` are the account's two marks; ``phones`` maps each phone to its
``seq_cli`` and what it ``holds``. Seqs are told as a set of runs, (first, last), because a set of them all may be very
large. The first state is the one before anything happened. The state with something ``broken`` is the violation.

Such a trace tells what a real server did, faults included. It is no run of the model, so no engine takes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from seqproof_model.engines import itf
from seqproof_model.history import Event, Header
from seqproof_model.verdict import Counterexample, Violation
from seqproof_reports.picture import PhoneState, State
from seqproof_reports.story import moments
from seqproof_reports.text import Span


class Phone(NamedTuple):
    """A phone, as a record."""

    seq_cli: int
    holds: frozenset[Span]


class Account(NamedTuple):
    """An account, as a record."""

    allocated: int
    confirmed: int
    missing: frozenset[Span]
    repeated: frozenset[Span]
    phones: dict[str, Phone]


def itf_trace(counterexample: Counterexample) -> bytes:
    """Write a counterexample's states as ITF. The same counterexample gives the same bytes."""
    found, header = counterexample, counterexample.header
    about = {
        "source": itf.HISTORY,
        "target": header.target,
        "notation": found.trace,
        "broken": [found.violation.requirement],
        "violation": found.violation.sentence,
    }
    said = f"what {header.target} did in the trace {found.trace}"
    return itf.document(said, about, list(_states(found.events, header, found.violation)))


def _states(events: Iterable[Event], header: Header, violation: Violation) -> Iterable[dict[str, Any]]:
    told = moments(tuple(events), header, violation)
    nothing = header.profile.before_first
    names = [state.account for state in told[0].states] if told else []
    yield _state(
        0,
        itf.INIT,
        ("", ""),
        {name: Account(nothing, nothing, frozenset[Span](), frozenset[Span](), {}) for name in names},
    )
    for moment in told:
        accounts = {state.account: _account(state) for state in moment.states}
        broken = violation.requirement if moment.violating else ""
        yield _state(moment.last, moment.kind.value, (moment.asked, moment.answered), accounts, broken)


def _state(
    event: int, action: str, words: tuple[str, str], accounts: dict[str, Account], broken: str = ""
) -> dict[str, Any]:
    asked, answered = words
    found = frozenset([broken] if broken else list[str]())
    known = {"event": event, "asked": asked, "answered": answered, "accounts": accounts, "broken": found}
    return {**known, itf.ACTION: action}


def _account(state: State) -> Account:
    phones = {phone.name: _phone(phone) for phone in state.phones}
    return Account(state.allocated, state.confirmed, frozenset(state.missing), frozenset(state.repeated), phones)


def _phone(phone: PhoneState) -> Phone:
    return Phone(phone.seq_cli, frozenset(phone.holds))
