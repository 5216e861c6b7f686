"""The smoke checks. They say whether the adapter is sane, before anybody says a word about the server.

A verdict on a server is worth what the adapter is worth. So each check here asks for something that an honest adapter
does in front of *any* server, right or wrong: hand a body through unchanged, keep accounts apart, make an account
fresh, send once, really kill, refuse what it does not know. Where the same symptom could come from either, a second
look decides: an adapter that ignores the account mixes two accounts up both ways, a server that leaks does not. What
is left over is said to be the server's, and a run will tell; it is no failure here.

A pass needs evidence, as everywhere in this house. A check that could not observe what it needs is skipped, and when
nothing that was sent ever came back, no check passes: an adapter that says yes to everything passes nothing.
``CHECKS`` is the table; ``smoke_run`` takes it from top to bottom.
Source: docs/smoke.md.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import msgspec

from seqproof_conformance.adapter import AdapterFault, TargetError, greeted
from seqproof_conformance.probe import Insane, NotTheAdapter, Probe, Unseen, bodies, one_line, shown, two
from seqproof_conformance.process import Served
from seqproof_conformance.smoke_surface import backup, recv_raw, tips
from seqproof_conformance.worker import Worker
from seqproof_model.history import Code, Indefinite, Ok, Refused

__all__ = ["CHECKS", "RUN", "Check"]

RUN = "not the adapter: run `seqproof run`"
KIB = "k" * 1024
TOKEN = string.ascii_letters + string.digits + "._-"  # what bodies are made of, where a hello does not say
MANY = 12
PRESET = 9
ROUNDS = 8

KEEP = "let send, recv and reset use the account that they are given, in every request"
FRESH = "let reset remove every message of the account, and put seq_svr and confirmed back to the start"


@dataclass(frozen=True)
class Check:
    """A row of the table. ``needs``: a capability, by its value, "" for none. ``look`` returns the line of a pass.

    ``after``: without this check's success there is nothing to look at.
    """

    name: str
    what: str
    look: Callable[[Probe], str]
    needs: str = ""
    after: str = "round trip"


# ---------------------------------------------------------------- hello


def hello(p: Probe) -> str:
    """The first hello was taken when the probe was made; this is the second."""
    again = p.worker.call("hello", partial(greeted, p.adapter), p.bound_s).result()
    if again != p.hello:
        what = (
            f"says {p.hello.server}, then {again.server}" if again.server != p.hello.server else "declares other things"
        )
        raise Insane(
            f"asked twice, hello {what}", "let hello tell what is so for the whole run, and start its server once"
        )
    able = ", ".join(sorted(str(item) for item in p.hello.capabilities)) or "nothing besides send and recv"
    return one_line(f"{p.hello.server}; declares {able}")


def nonce(p: Probe) -> str:
    """An adapter that speaks to a process it started can be asked whether that very process answers."""
    if not callable(getattr(p.adapter, "nonce_echoed", None)):
        started = isinstance(p.adapter, Served)
        raise Unseen("its server is known at each start" if started else "the adapter has no nonce_echoed()")
    if p.call("nonce_echoed") is not True:
        raise Insane("hello does not echo the nonce that it was given", "answer hello with the nonce of the request")
    return "hello echoes the nonce that it was given"


def unknown(p: Probe) -> str:
    """What an adapter does not know, it must not say yes to."""
    if not callable(getattr(p.adapter, "unknown_operation", None)):
        raise Unseen("the adapter has no unknown_operation()")
    if p.call("unknown_operation") is not True:
        raise Insane(
            "an operation that does not exist was not refused as unsupported",
            "answer every operation that the adapter does not know as unsupported, never as done",
        )
    return "an operation that does not exist is unsupported"


# ---------------------------------------------------------------- send and recv


def empty(p: Probe) -> str:
    """Nothing was sent yet, so whatever comes back was there before."""
    if rows := p.first_reply(p.fresh()).rows:
        raise Insane(f"a fresh account gives {len(rows)} rows, the first is {rows[0][0]} {shown(rows[0][1])}", FRESH)
    return "a fresh account gives no rows"


def send(p: Probe) -> str:
    """The smallest thing that must work."""
    told = p.stored(p.fresh()).seq
    return "a send is Ok" + ("" if told is None else f", seq {told}")


def round_trip(p: Probe) -> str:
    """Three are sent; one that comes back shows that the adapter carries messages."""
    account = p.fresh()
    sent = [*two(p, account), p.body()]
    p.stored(account, sent[2])
    rows = p.drain(account)
    came = [body for body in sent if body in bodies(rows)]
    if not came and rows:
        what = f"sent {shown(sent[0])}, and what came back is {shown(rows[0][1])}"
        raise Insane(what, "give every body back exactly as it was sent")
    if not came:
        raise Insane("of 3 messages that were stored none ever came back", "let recv give what is stored")
    if len(came) < len(sent):
        raise NotTheAdapter(f"{len(came)} of 3 messages came back")
    return "3 messages came back as they were sent"


def once(p: Probe) -> str:
    """One send, one message. The second send is there to bring out the first."""
    account = p.fresh()
    first, second = two(p, account)
    seqs = {body: {seq for seq, came in p.drain(account) if came == body} for body in (first, second)}
    twice = next((found for found in seqs.values() if len(found) > 1), None)
    if twice:
        raise Insane(
            f"one send made {len(twice)} messages, seqs {', '.join(map(str, sorted(twice)))}",
            "send once: no retries, neither the adapter's nor its client's",
        )
    if not any(seqs.values()):
        raise Unseen("neither of 2 messages came back")
    return "one send makes one message"


def send_seq(p: Probe) -> str:
    """A seq that is told is the seq of the row, where the row is seen."""
    account = p.fresh()
    sent = {body: p.stored(account, body).seq for body in (p.body(), p.body())}
    if None in sent.values():
        raise Insane("it declares send_seq, and a send's Ok tells no seq", "tell Ok(seq=...), or do not declare it")
    rows = {body: seq for seq, body in p.drain(account) if body in sent}
    wrong = next((body for body in rows if rows[body] != sent[body]), None)
    if wrong is not None:
        what = f"a send told seq {sent[wrong]}, and its row has seq {rows[wrong]}"
        raise Insane(what, "tell the seq that the server gave to this very message")
    if not rows:
        raise Unseen("neither of 2 messages came back")
    return "the seq that a send tells is that of its row"


def exact_bodies(p: Probe) -> str:
    """A long body and every character that bodies may hold, each on an account of its own."""
    alphabet = str(getattr(p.hello, "alphabet", None) or TOKEN)
    for what, body in (("a body of 1 KiB", KIB), ("the declared alphabet", alphabet)):
        account = p.fresh()
        answer = p.definite("a send", p.send(account, body))
        if isinstance(answer, Refused):
            raise NotTheAdapter(f"{what} was refused as {answer.code}")
        extra = p.body()
        p.stored(account, extra)
        came = bodies(p.drain(account))
        other = next((item for item in came if item not in (body, extra)), None)
        if body not in came and other is not None:
            changed = f"{what} came back as {shown(other)}, {len(other)} characters of {len(body)}"
            raise Insane(changed, "give every body back exactly as it was sent")
        if body not in came:
            raise NotTheAdapter(f"{what} was stored and is not given back")
    return "1 KiB and every character of a body come back exactly"


def answers_kept(p: Probe) -> str:
    """An answer that was given must not change when others are."""
    x, y = p.fresh(), p.fresh()
    two(p, x)
    p.first_reply(x)
    given, before = p.raw, msgspec.json.encode(p.raw)
    two(p, y)
    p.first_reply(y)
    p.stored(x)
    p.first_reply(x)
    try:
        same = msgspec.json.encode(given) == before
    except (TypeError, ValueError):
        same = False
    if not same:
        raise Insane(
            "the rows of an answer changed after it was given", "give each answer rows of its own, best a tuple"
        )
    return "an answer stays as it was given"


def accounts(p: Probe) -> str:
    """Two accounts. Who ignores the account mixes up both ways, or gives one account the other's rows."""
    x, y = p.fresh(), p.fresh()
    sent = {x: set(two(p, x)), y: set(two(p, y))}
    came = {account: set(bodies(p.drain(account))) for account in (x, y)}
    foreign = {x: came[x] & sent[y], y: came[y] & sent[x]}
    own = all(came[account] & sent[account] for account in (x, y))
    if foreign[x] or foreign[y]:
        if own and not (foreign[x] and foreign[y]):
            raise NotTheAdapter("an account is given its own rows, and those of another besides")
        whose = f"{shown(min(foreign[x] or foreign[y]))} was sent to one account, and another gives it"
        raise Insane(whose, KEEP)
    if not own:
        raise Insane("of two accounts that both have messages, one gives nothing", KEEP)
    return "two accounts do not see each other"


def reset(p: Probe) -> str:
    """Nothing of an account outlives its reset, and everything of the others does."""
    account, body = p.fresh(), p.body()
    first = p.stored(account, body).seq
    own = {body, *two(p, account)}
    other = p.fresh()
    if not p.first_reply(account).rows:  # not acknowledged: a phone's ack would hide what a reset leaves
        raise Insane("the reset of one account took the messages of another", KEEP)
    p.call("reset", account)
    p.stored(other)  # now what leaks is not the account's own
    if left := bodies(p.drain(account, "B")):
        if not own & set(left):
            raise NotTheAdapter("after a reset the account gives rows that were never its own")
        raise Insane(f"after send and reset the account still gives {len(left)} rows", FRESH)
    again = p.stored(account).seq
    if first is not None and again is not None and again > first:
        new = p.stored(p.fresh()).seq
        if new is not None and new < again:
            raise Insane(f"after a reset the next seq is {again}; that of a new account is {new}", FRESH)
    two(p, account)
    p.drain(account, "C")  # now all is acknowledged, and the reset has a mark to forget
    p.call("reset", account)
    two(p, account)
    if not p.drain(account, "D"):
        raise Insane("after a reset nothing that is sent comes back: a mark was left behind", FRESH)
    return "send, reset, recv gives nothing; then it begins anew"


def paging(p: Probe) -> str:
    """Whether replies are pages is declared, because the judge expects the whole of one that is none."""
    declared = "paging" in {str(item) for item in p.hello.capabilities}
    if not declared and p.hello.claims and p.hello.claims.lagging:
        raise Unseen("its profile lets a reply end early, page or not")
    account = p.fresh()
    sent = [p.body() for _ in range(MANY)]
    for body in sent:
        p.stored(account, body)
    reply = p.first_reply(account)
    given = set(bodies(list(reply.rows or ())))
    later = set(bodies(p.rest(account, reply))) - given
    if not declared and (reply.more or (given and later)):
        more = "says that more is due" if reply.more else f"holds {len(given)} of {MANY} messages, the next one more"
        raise Insane(f"a reply {more}, and paging is not declared", "declare paging in hello")
    if not declared and len(given) < MANY:
        raise NotTheAdapter(f"a reply holds {len(given)} of {MANY} messages, and no later one the rest")
    if declared and len(given) == MANY:
        raise Unseen(f"a page holds more than {MANY} messages")
    return f"a reply holds {len(given)} of {MANY} messages, " + ("a page" if declared else "all")


# ---------------------------------------------------------------- what is declared


def preset_seq(p: Probe) -> str:
    """The next seq shows whether it did anything."""
    room = (p.hello.claims.seq_max - p.base) // 2 if p.hello.claims else PRESET
    at, account = p.base + min(PRESET, room), p.fresh()
    p.call("preset_seq", account, at)
    body = p.body()
    seq = p.stored(account, body).seq
    p.stored(account)
    seq = next((row for row, came in p.drain(account) if came == body), None) if seq is None else seq
    if seq is None:
        raise Unseen("the server tells no seq, and the message did not come back")
    if seq <= at:
        what = f"after preset_seq({at}) the next seq is {seq}"
        raise Insane(what, "set seq_svr of the empty account, or do not declare preset_seq")
    if seq > at + 1 and not (p.hello.claims and p.hello.claims.gaps):
        raise NotTheAdapter(f"after preset_seq({at}) the next seq is {seq}")
    return f"after preset_seq({at}) the next seq is {seq}"


def trim(p: Probe) -> str:
    """A server may drop nothing at all (CNF-7), so only what must not happen can be seen."""
    account = p.fresh()
    kept = dict.fromkeys((p.body(), p.body(), p.body()))
    told = [p.stored(account, body).seq for body in kept]
    lowest = min(p.first_reply(account).rows or (), default=None)
    if lowest is None:
        raise Unseen("none of 3 messages came back")
    p.recv(account, "A", lowest[0])  # the ack: the lowest is confirmed, the others are not
    p.call("trim", account)
    last = p.body()
    seq = p.stored(account, last).seq
    before = [each for each in told if each is not None]
    if seq is not None and before and seq <= max(before):
        what = f"after trim the next seq is {seq}, and {max(before)} was given out already"
        raise Insane(what, "let trim drop confirmed messages and nothing else; it is no reset")
    rows = bodies(p.drain(account, "B"))
    if not all(body in rows for body in (*kept, last) if body != lowest[1]):
        raise NotTheAdapter("after trim a message that nobody had confirmed is not given")
    return "it takes nothing that is unconfirmed"


def fail_next_store(p: Probe) -> str:
    """Refused once, and then no more. Who sends again after a refusal is found here."""
    mend = "make the store of the next send fail, answer Refused(Code.STORE) and do not try again, or do not declare it"
    account, body = p.fresh(), p.body()
    p.call("fail_next_store")
    answer = p.send(account, body)
    if isinstance(answer, Ok):
        raise Insane("the send after fail_next_store was stored: it does nothing, or the send was made again", mend)
    if isinstance(answer, Indefinite) or answer.code is Code.UNREACHABLE:
        how = answer.why if isinstance(answer, Indefinite) else "unreachable"
        raise Insane(f"the send after fail_next_store was not refused by the store: {one_line(how)}", mend)
    following = p.definite("a send", p.send(account))
    if isinstance(following, Refused):
        raise Insane(f"the second send after fail_next_store was refused, too, as {following.code}", "let it fail once")
    p.stored(account)
    if body in bodies(p.drain(account)):
        raise NotTheAdapter("the message that was refused is given to a phone")
    return f"the next send is refused as {answer.code}, the one after it is stored"


def begin_send(p: Probe) -> str:
    """A send in two calls is one send."""
    account, body = p.fresh(), p.body()
    begun = p.call("begin_send", account, "s", "half", body)
    answer = p.answer("send", p.call("commit_send", begun))
    p.stored(account)
    times = len({seq for seq, came in p.drain(account) if came == body})
    if not isinstance(answer, Ok):
        raise Insane(
            f"commit_send answered {type(answer).__name__} to a send that nothing stood in the way of",
            "let it end the send",
        )
    if times > 1:
        raise Insane(
            f"a send that was begun and committed made {times} messages", "let commit_send end the send that was begun"
        )
    if not times:
        raise NotTheAdapter("a send that was begun and committed is not given back")
    return "a send that is begun and committed makes one message"


def kill(p: Probe) -> str:
    """Nobody may answer for a dead server. Whether it keeps what it promised is the run's affair."""
    account = p.fresh()
    sent = set(two(p, account))
    p.call("kill")
    for name, ask in (("send", lambda: p.send(account)), ("recv", lambda: p.recv(account, "A", p.base))):
        _dead(name, ask)
    p.call("restart")
    new = p.fresh()
    since = set(two(p, new))
    if not since & set(bodies(p.drain(new))):
        raise Insane(
            "after kill and restart nothing that is sent comes back", "let restart wait until the server answers"
        )
    if not sent & set(bodies(p.drain(account, "B"))):
        raise NotTheAdapter("killed and restarted; what was stored before the kill is lost")
    return "killed, it is gone; restarted, it answers"


def _dead(name: str, ask: Callable[[], Ok | Refused | Indefinite]) -> None:
    """One request to a server that was killed. Raises Insane unless the answer admits it."""
    mend = "let kill end the server's whole process tree, and answer Refused(Code.UNREACHABLE) while nobody listens"
    try:
        answer = ask()
    except AdapterFault:
        raise
    except TargetError as error:
        raise Insane(f"after kill the adapter's {name} raised TargetError: {error}", mend) from error
    if isinstance(answer, Ok):
        raise Insane(f"after kill the adapter's {name} still answers Ok: it lies, or the server lives", mend)
    if isinstance(answer, Refused) and answer.code is not Code.UNREACHABLE:
        raise Insane(f"after kill the adapter's {name} was refused as {answer.code}, by whom?", mend)


def overlap(p: Probe) -> str:
    """Two recvs at once, each on a thread and an account of its own, get their own answers."""
    pair = [(p.fresh(), Worker()) for _ in range(2)]
    own = [set(two(p, account)) for account, _ in pair]
    try:
        for _ in range(ROUNDS):
            begun = [worker.begin(partial(p.adapter.recv, account, "A", p.base)) for account, worker in pair]
            for (_, worker), future in zip(pair, begun, strict=True):
                worker.wait("recv", future, p.bound_s)
            for mine, others, future in zip(own, reversed(own), begun, strict=True):
                _own(p, mine, others, future.exception(), None if future.exception() else future.result())
    finally:
        for _, worker in pair:
            p.worker.blocked = p.worker.blocked or worker.blocked
            worker.end()
    return f"two requests at once get their own answers, {ROUNDS} times"


def _own(p: Probe, mine: set[str], others: set[str], error: BaseException | None, raw: object) -> None:
    if isinstance(error, TargetError):
        raise error
    if error:
        raise Insane(f"of two recvs at once one raised {type(error).__name__}: {error}", OVERLAP)
    answer = p.definite("a recv", p.answer("recv", raw))
    came = set(bodies(list(answer.rows or ()))) if isinstance(answer, Ok) else set[str]()
    if came & others and not came & mine:
        raise Insane("two recvs at once got each other's answers", OVERLAP)


OVERLAP = "give each thread a connection of its own, or do not declare overlap"


# ---------------------------------------------------------------- the table

CHECKS = (
    Check("hello", "hello answers, twice the same, and what it declares has its methods", hello, after=""),
    Check("nonce", "hello echoes the nonce, where the adapter can be asked", nonce, after="hello"),
    Check("unknown operation", "an operation that does not exist is unsupported", unknown, after="hello"),
    Check("empty account", "recv of a fresh account is Ok with no rows", empty, after="hello"),
    Check("send", "a send is stored", send, after="hello"),
    Check("round trip", "what is sent comes back", round_trip, after="send"),
    Check("bodies", "1 KiB and every character of a body come back exactly", exact_bodies),
    Check("once", "one send makes one message", once),
    Check("send_seq", "the seq that a send tells is that of its row", send_seq, "send_seq"),
    Check("answers", "an answer stays as it was given", answers_kept),
    Check("accounts", "two accounts do not see each other", accounts),
    Check("reset", "send, reset, recv gives nothing, and the account begins anew", reset),
    Check("paging", "replies are pages if and only if that is declared", paging),
    Check("preset_seq", "the next seq follows the preset", preset_seq, "preset_seq"),
    Check("trim", "trim takes nothing that is unconfirmed, and is no reset", trim, "trim"),
    Check(
        "fail_next_store", "the next send is refused, the one after it is stored", fail_next_store, "fail_next_store"
    ),
    Check("begin_send", "a send in two calls makes one message", begin_send, "begin_send"),
    Check("recv_raw", "a text that is a number is asked with as that number", recv_raw, "recv_raw"),
    Check("tips", "a tip carries the kit's names, and is told once", tips, "tips"),
    Check("overlap", "two requests at once get their own answers", overlap, "overlap"),
    Check("kill", "killed, nobody answers; restarted, it does", kill, "kill"),
    Check("backup", "restored, the server has what was there at the backup", backup, "backup"),
)
