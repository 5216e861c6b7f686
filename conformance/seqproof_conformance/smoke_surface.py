"""Smoke checks of what only some adapters have: tips, a seq_cli that is any text, backups.

As in ``smoke``: each asks for something that an honest adapter does in front of any server, right or wrong.
Source: docs/smoke.md.
"""

from __future__ import annotations

from seqproof_conformance.adapter import checked_tips
from seqproof_conformance.probe import Insane, NotTheAdapter, Probe, Unseen, bodies, shown, two
from seqproof_model.history import Refused

__all__ = ["backup", "recv_raw", "tips"]


def backup(p: Probe) -> str:
    """What came after the backup is gone; what came before it should be there, which is the server's affair."""
    account = p.fresh()
    before = set(two(p, account))
    p.call("backup")
    after = set(two(p, account))
    p.stored(p.fresh())  # now what leaks is not the account's own
    p.call("restore")
    came = set(bodies(p.drain(account)))
    if came & after:
        what = "what was stored after the backup is still there after the restore"
        raise Insane(what, "let restore take the whole store back to the last backup, and start the server on it")
    if not before & came:
        raise NotTheAdapter("after backup and restore, what was stored before them is lost")
    return "restored, the server has what was there at the backup, and nothing else"


def recv_raw(p: Probe) -> str:
    """A text that is a number is asked with as that number, so a new phone's own text gets what a new phone gets."""
    plain, account = p.fresh(), p.fresh()
    two(p, plain)
    sent = two(p, account)
    given = p.first_reply(plain).rows
    answer = p.definite("a recv_raw", p.answer("recv", p.call("recv_raw", account, "A", str(p.base))))
    mend = "put the text where the number goes, as it is, without quotes of its own"
    if isinstance(answer, Refused):
        raise Insane(f"recv_raw with the text {p.base} was refused as {answer.code}, a recv({p.base}) was not", mend)
    if not given:
        raise Unseen("neither of 2 messages came back")
    if not set(sent) & set(bodies(list(answer.rows or ()))):
        raise Insane(f"recv_raw with the text {p.base} gets nothing, where recv({p.base}) is given rows", mend)
    return f"the text {p.base} is asked with as the number {p.base}"


def tips(p: Probe) -> str:
    """A tip has the names that the kit gave, and is told once. Whether there is one at all is the server's affair."""
    account, phone = p.fresh(), "A"
    p.call("logout", account, phone)  # of a connection that is not up: nothing
    p.call("login", account, phone)
    p.stored(account)
    told = [list(checked_tips(p.call("tips"))) for _ in range(3)]
    p.call("logout", account, phone)
    strange = next((tip for tip in told[0] if tip.account == account and tip.phone != phone), None)
    if strange:
        mend = "let login, logout and tips use the account and the phone that they are given"
        raise Insane(f"a tip came to phone {shown(strange.phone)}, and only {shown(phone)} ever logged in", mend)
    own = [[tip for tip in tips if tip.account == account] for tips in told]
    if own[0] and own[0] == own[1] == own[2]:
        raise Insane("asked three times, tips tells the same tips three times", "tell each tip once, then forget it")
    if not own[0]:
        raise NotTheAdapter("a message brought no tip to the phone that was logged in")
    return f"a message brings {len(own[0])} tip{'s' * (len(own[0]) > 1)} to the phone that is logged in, told once"
