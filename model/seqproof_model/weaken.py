"""What a history says less of when one of its facts is forgotten: the order on histories that arguments are made in.

A history is a set of facts, and each fact leaves fewer possible truths. To *weaken* a fact is to say less, so that
every truth that was possible before still is. No event is simply left out, for that would often say more: without its
send, a row comes from nowhere. What is left of a weakened fact is only that something may have happened:

* an answer: it never came. The request may have taken effect, or may yet, or never will.
* the begin of a request: it began at the beginning of the history, and may have taken effect at any time since. What
  it asks for stays, for that is what it may have done.
* ``settled``: nothing is known of when the operation ended.
* a login or a logout: some connection changed then, nobody knows which, so nobody knows the route.
* tips that were taken: they came, at some time before the next that were taken.
* a preset: the account may have begun at any seq.
* what befell another account, and a malformed request: they can have done nothing, so they may be left out.

A kill, a restart, a trim, a backup and a restore are never weakened: they forbid a server nothing, they only excuse.
Begins go no further back than the account's preset, its first login, or the last restore before them: each of these
begins the judge's view anew. That nobody sent or asked besides is what every history says, and is not weakened.

So the less is kept of a history, the more is possible; what still contradicts itself then is the argument
(``contradiction``). The judge forgets a little (see ``account``), and never too little of what excuses.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from seqproof_model import history as h
from seqproof_model.malformed import meaning

Begin = h.Send | h.Recv
SOMEBODY = "?"  # the phone of a connection that nobody knows


def weakened(
    events: Sequence[h.Event], kept: Collection[int], account: str, *, seq_max: int, base: int | None = None
) -> list[h.Event]:
    """Weaken every fact of ``account`` but those at the indices ``kept``. The last event always stays, at the end.

    ``base``: where an account begins whose preset is not kept; None: where it says.
    """
    made: list[h.Event] = []
    begins: list[h.Event] = []  # to be put where the view begins
    start = 0
    tips: tuple[h.Tip, ...] = ()
    owner = owners(events)
    gone = {e.id for at, e in enumerate(events) if isinstance(e, h.RecvRaw) and at not in kept and is_fact(e, seq_max)}
    for at, event in enumerate(events):
        if getattr(event, "id", None) in gone:
            continue
        if isinstance(event, h.Preset | h.Restore) or (isinstance(event, h.Login) and not start):
            made[start:start] = begins
            begins = []
        keeps = at in kept or at == len(events) - 1
        if isinstance(event, h.Tips):
            tips += event.tips
            if keeps:
                made.append(msgspec.structs.replace(event, tips=tips))
                tips = ()
        elif keeps or not is_fact(event, seq_max):
            made.append(event)
        elif owner.get(at, account) == account:
            if isinstance(event, Begin):
                begins.append(event)
            made += _what_is_left(event, base)
        if owner.get(at) in (account, None) and isinstance(event, h.Preset | h.Restore | h.Login):
            start = start if isinstance(event, h.Login) and start else len(made)
    made[start:start] = begins
    return made


def _what_is_left(event: h.Event, base: int | None) -> list[h.Event]:
    """What stays in the place of a weakened fact."""
    match event:
        case h.Preset():
            return [event if base is None else h.Preset(event.account, base)]
        case h.Login() | h.Logout():
            return [h.Login(event.account, SOMEBODY), h.Logout(event.account, SOMEBODY)]
        case _:
            return []


def is_fact(event: h.Event, seq_max: int) -> bool:
    """Whether an event says something that can be weakened. An answer that says nothing already is none."""
    if isinstance(event, h.RecvRaw):
        return meaning(event.raw, seq_max) is None
    facts = h.Send | h.Recv | h.Ok | h.Refused | h.Settled | h.Login | h.Logout | h.Tips | h.Preset
    return isinstance(event, facts)


def owners(events: Sequence[h.Event]) -> dict[int, str]:
    """Return the account that each event is about, by index; events that are about all accounts are left out."""
    begun: dict[int, str] = {}
    found: dict[int, str] = {}
    for at, event in enumerate(events):
        match event:
            case h.Send() | h.Recv() | h.RecvRaw():
                begun[event.id] = found[at] = event.account
            case h.Ok() | h.Refused() | h.Indefinite() | h.Settled() | h.Delivered() if event.id in begun:
                found[at] = begun[event.id]
            case h.Preset() | h.Trim() | h.Login() | h.Logout():
                found[at] = event.account
            case _:
                pass
    return found
