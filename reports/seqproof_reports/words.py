"""The words of a story: what each event is called in a label, and in a line that a person reads.

Labels stand on arrows ("recv after 0", "1..5, more due"); sentences stand in tables and terminals ("phone A asks after
0"). Bodies go through ``visible``; no format's escaping is done here.
"""

from __future__ import annotations

from collections import Counter

from seqproof_model import history as h
from seqproof_reports.picture import Kind
from seqproof_reports.text import quoted, rows_text, short

Begin = h.Send | h.Recv


def recv_label(recv: h.Recv, old: bool) -> str:
    """Label a recv's request."""
    return f"recv after {recv.seq_cli}" + (" (old)" if old else "")


def send_label(send: h.Send, to: str, again: bool) -> str:
    """Label a send's request; ``to`` names the account where there are several."""
    return ("retry " if again else "send ") + quoted(send.body, 7 if to else 12) + (f" to {short(to, 8)}" if to else "")


def asks(recv: h.Recv, name: str, has: int | None) -> str:
    """Say that a phone asks; ``has``: what it has by now, when the request is older than that."""
    text = f"phone {short(name)} asks after {recv.seq_cli}"
    return text if has is None else f"{text} (an old request: it has {has})"


def sends(send: h.Send, name: str, to: str, again: bool) -> str:
    """Say that a sender sends."""
    verb = "retries" if again else "sends"
    return f"{short(name)} {verb} {quoted(send.body)}" + (f" to {short(to)}" if to else "")


def reply_to(begin: Begin, name: str) -> str:
    """Name an operation whose answer comes apart from its request."""
    if isinstance(begin, h.Send):
        return f"the answer to {short(name)}'s {quoted(begin.body)}"
    return f"the answer to phone {short(name)}, which asked after {begin.seq_cli}"


def reply_label(begin: Begin, answer: h.Answer) -> str:
    """Label a reply."""
    match answer:
        case h.Indefinite():
            return "no answer"
        case h.Refused():
            named = "" if answer.seq_svr is None else f", seq_svr {answer.seq_svr}"
            return f"refused: {answer.code}{named}"
        case h.Ok() if isinstance(begin, h.Send):
            return "accepted" if answer.seq is None else f"seq {answer.seq}"
        case h.Ok():
            more = {None: "", True: ", more due", False: ", no more"}[answer.more]
            return rows_text(answer.rows or ()) + more + _told(answer)


def _told(answer: h.Ok) -> str:
    rows = answer.rows or ()
    return "" if answer.upto is None or (rows and rows[-1][0] == answer.upto) else f", upto {answer.upto}"


def answer(begin: Begin, given: h.Answer, late: bool) -> str:
    """Say what the answer was and what became of it."""
    if isinstance(given, h.Refused) and given.code is h.Code.UNREACHABLE:
        return "the request is lost ×"
    text = reply_label(begin, given)
    why = given.detail if isinstance(given, h.Refused) else given.why if isinstance(given, h.Indefinite) else ""
    text += f" ({short(why, 48)})" if why else ""
    if isinstance(given, h.Ok) and not given.delivered:
        text += "; the reply stays under way" if late else "; the reply is lost ×"
    return text


def tips(came: tuple[h.Tip, ...]) -> str:
    """Say which tips came."""
    if not came:
        return "none"
    each = Counter(f"{short(tip.phone)}" + (" (OS push)" if tip.via is h.Via.OS else "") for tip in came)
    return ", ".join(f"{many} to {phone}" for phone, many in each.items())


def _came(came: tuple[h.Tip, ...]) -> str:
    if len(came) == 1:
        return f"a tip has reached phone {short(came[0].phone)}" + (" (OS push)" if came[0].via is h.Via.OS else "")
    return f"tips so far: {tips(came)}"


def plain(event: h.Event, restarted: bool) -> tuple[Kind, str, str]:
    """Say what an event is that is no request and no answer: its kind, its account, its words."""
    match event:
        case h.Kill():
            return Kind.KILL, "", "the server is killed" + (" and restarted on its store" if restarted else "")
        case h.Restart():
            return Kind.RESTART, "", "the server is restarted on its store"
        case h.Preset():
            return Kind.PRESET, event.account, f"the empty account is set to seq_svr {event.seq}"
        case h.Trim():
            return Kind.TRIM, event.account, "the server may trim"
        case h.FailStore():
            return Kind.FAIL_STORE, "", "the server's next store will fail"
        case h.Backup():
            return Kind.BACKUP, "", "the server's store is backed up"
        case h.Restore():
            return Kind.RESTORE, "", "the server's store is taken back to the backup"
        case h.RecvRaw():
            return Kind.RECV, event.account, f"phone {short(event.phone)} asks after {short(event.raw, 24)}"
        case h.Login():
            return Kind.LOGIN, event.account, f"phone {short(event.phone)} logs in"
        case h.Logout():
            return Kind.LOGIN, event.account, f"phone {short(event.phone)} logs out"
        case h.Tips():
            return Kind.TIPS, "", _came(event.tips)
        case h.Settled():
            return Kind.SETTLED, "", f"operation {event.id} can no longer take effect"
        case h.Note():
            return Kind.MARK, event.account, event.text
        case h.Mark():
            return Kind.MARK, "", f"scenario {short(event.scenario, 40)}"
        case h.Delivered():
            return Kind.DELIVERY, "", f"a late reply arrives (operation {event.id})"
        case _:
            return Kind.SETTLED, "", type(event).__name__.lower()
