"""Faulty models: the definition with one rule or one effect replaced, under the ids of the faulty servers and phones.

A fault here bears the id of the faulty server that ``seqproof run mutant:ID`` runs, where there is one, so that a
counterexample of the model can be replayed on code. ``needs`` names the switches of a scope without which it cannot be
seen. What the model cannot say (the order of rows, bodies, other accounts, retries) has no faulty model; the
conformance kit alone holds servers to it. The *equivalents* look wrong and are right: no engine may blame them.
Source: docs/mutants.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from seqproof_model.definition import Change, Definition, Effect, Setting
from seqproof_model.network import CORRECT, first_page
from seqproof_model.rules import BY_NAME, Algebra, Function, Marks, Request, Rule, Value
from seqproof_model.scope import Scope, ScopeError
from seqproof_model.state import Account, Packet, Phone, Question, Reply, Service


@dataclass(frozen=True)
class FaultyModel:
    """A definition and the smallest scope in which its fault shows. ``right``: it is an equivalent, and has none."""

    definition: Definition
    text: str
    breaks: str = ""
    needs: tuple[str, ...] = ()
    phones: int = 1
    messages: int = 2
    slots: int = 1
    right: bool = False

    @property
    def in_one_step(self) -> bool:
        """Only effects are replaced that a server whose requests overlap does not have."""
        kept = all(self.definition.rules[name] is rule for name, rule in CORRECT.rules.items())
        changed = {name for name, effect in CORRECT.effects.items() if self.definition.effects[name] is not effect}
        return not self.right and kept and bool(changed) and changed <= {"serve", "send"}

    @property
    def id(self) -> str:
        """The id, as of the faulty server or phone."""
        return self.definition.name

    def scope(self, scope: Scope | None = None) -> Scope:
        """Return a small scope in which the fault can be seen; or the given one, with what is missing added to it.

        Raises ScopeError where the given one hides the fault.
        """
        base = scope or Scope(self.phones, self.messages)
        if base.overlap and self.in_one_step:
            raise ScopeError(f"{self.id} is a fault of a server that answers in one step; leave --overlap out")
        needs = {*self.needs, *(("crash",) if "restore" in self.needs else ())}
        return replace(
            base,
            phones=max(base.phones, self.phones),
            messages=max(base.messages, self.messages),
            slots=max(base.slots, self.slots),
            page=base.page or (1 if "page" in needs else None),
            **dict.fromkeys(needs - {"page"}, True),
        )


# ---------------------------------------------------------------- parts of rules


def _guard(name: str, guard: Function) -> Rule:
    return replace(BY_NAME[name], guard=guard)


def _sees(name: str, sees: Function) -> Rule:
    return replace(BY_NAME[name], sees=sees)


def _effect(name: str, effect: Callable[[Algebra, Marks, Request], Marks]) -> Rule:
    return replace(BY_NAME[name], effect=effect)


def _confirming(name: str, to: Function) -> Rule:
    """A rule of the table that sets confirmed to ``to(algebra, marks, request)``."""
    return _effect(name, lambda a, m, r: m._replace(confirmed=to(a, m, r)))


def _less(a: Algebra, x: Value) -> Value:
    """One less, but not below 0."""
    return a.select(x > 0, x - 1, x)


def _negative(m: Marks, x: Value) -> Value:
    """Whether a signed reading takes x as negative: it is in the top half of the space."""
    return m.seq_max - x < x


def _signed_maximum(a: Algebra, m: Marks, r: Request) -> Value:
    x, y = m.confirmed, r.seq_cli
    both = a.maximum(x, y)
    return a.select(_negative(m, x), a.select(_negative(m, y), both, y), a.select(_negative(m, y), x, both))


def _next(to: int) -> Rule:
    """Allocation that goes on at ``to`` after the last seq."""
    rule = _effect("take", lambda a, m, _r: m._replace(taken=a.select(m.taken < m.seq_max, m.taken + 1, to)))
    always: Function = lambda a, _m, _r: a.true()  # noqa: E731
    return replace(rule, guard=always)


def _capped(fits: Callable[[Marks], Value]) -> Rule:
    return _guard("take", lambda _a, m, _r: (m.taken < m.seq_max) & fits(m))


# ---------------------------------------------------------------- parts of the network


def _then(name: str, change: Callable[[Setting, Account, Phone, Packet | None], Account]) -> Effect:
    """An effect of the definition, and then a change of the account; ``Packet`` is what was put."""

    def effect(c: Setting, s: Account, p: Phone, q: Packet) -> Change:
        done = CORRECT.effects[name](c, s, p, q)
        return done._replace(account=change(c, done.account, done.phone, done.put))

    return effect


def _per_phone(c: Setting, s: Account, p: Phone, q: Question) -> Change:
    """The lower end comes from a mark of the phone's own."""
    own = c.a.maximum(p.own, q.seq_cli)
    account, _ = c.take("confirm", s, q.seq_cli)
    return c.definition.effects["form"](c, account, p._replace(own=own), Reply(own, s.svr))


def _newest(c: Setting, s: Account, p: Phone, q: Reply) -> Change:
    end = first_page(c, q.lower, q.upper)
    return Change(s, p, Reply(c.a.select(end < q.upper, q.upper - (end - q.lower), q.lower), q.upper))


def _stuck(c: Setting, s: Account, p: Phone, q: Reply) -> Change:
    """The first message is larger than a page."""
    return Change(s, p, Reply(q.lower, c.a.select(q.lower < 1, q.lower, first_page(c, q.lower, q.upper))))


def _unpaged(_c: Setting, s: Account, p: Phone, q: Reply) -> Change:
    """A page that ends, so it says, at seq_svr; its messages are those of the first page."""
    return Change(s, p, Reply(q.lower, q.upper))


def _believes(c: Setting, s: Account, p: Phone, q: Reply) -> Change:
    held = c.a.span(p.got, q.lower, first_page(c, q.lower, q.upper))
    return Change(s, p._replace(cli=c.a.maximum(p.cli, q.upper), got=held))


def _moves_cli(to: Callable[[Setting, Account, Phone, Reply], Value], name: str) -> Effect:
    """An effect of the definition in which the phone also sets its seq_cli."""

    def effect(c: Setting, s: Account, p: Phone, q: Reply) -> Change:
        done = CORRECT.effects[name](c, s, p, q)
        return done._replace(phone=done.phone._replace(cli=to(c, s, p, q)))

    return effect


def _tip(_c: Setting, s: Account, p: Phone, _q: Packet) -> Change:
    """A tip told seq_svr, and the phone took it for its seq_cli."""
    return Change(s, p._replace(cli=s.svr), Question(s.svr))


def _retain_one(c: Setting, s: Account, _p: Phone, _q: Packet | None) -> Account:
    """The store keeps one unconfirmed message."""
    full = s.confirmed + 1 < s.svr
    return s._replace(trimmed=c.a.select(full, c.a.maximum(s.trimmed, _less(c.a, s.svr)), s.trimmed))


def _own_mark(c: Setting, s: Account, p: Phone, _q: Packet) -> Change:
    no = c.a.no(c.a.true())
    return Change(s, p, Service(s.svr, s.confirmed, no, no, 0, no, 0))


def _drop_sent(_c: Setting, s: Account, _p: Phone, q: Packet | None) -> Account:
    return s._replace(trimmed=q.upper) if isinstance(q, Reply) else s


def _jump(c: Setting, s: Account, _p: Phone, _q: Packet | None) -> Account:
    """After a restart one seq is skipped."""
    after = c.a.select(s.taken < c.seq_max, s.taken + 1, s.taken)
    return s._replace(taken=after, svr=after)


# ---------------------------------------------------------------- the table


def _but(
    name: str,
    text: str,
    breaks: str,
    *needs: str,
    phones: int = 1,
    messages: int = 2,
    slots: int = 1,
    order: tuple[str, ...] = (),
    own: bool = False,
    **parts: Rule | Effect,
) -> FaultyModel:
    definition = CORRECT.but(name, order=order, own=own, **parts)
    return FaultyModel(definition, text, breaks, needs, phones, messages, slots, right=not breaks)


# fmt: off
_MODELS = (
    # The server: what a recv confirms, and where its reply begins and ends.
    _but("ACK_ON_REPLY", "confirmed becomes the last message sent", "I-REDEL",
         look_upper=_confirming("look_upper", lambda _a, m, _r: m.svr)),
    _but("DELETE_ON_DELIVER", "what is sent is dropped", "I-LOSS", "trim",
         serve=_then("serve", _drop_sent)),
    _but("NO_CONFIRMED", "only the phone's seq_cli counts", "I-NODUP", phones=2,
         look_lower=_sees("look_lower", lambda _a, _m, r: r.seq_cli)),
    _but("PER_DEVICE_CONFIRM", "each phone has its own confirmed", "I-NODUP", phones=2, own=True, serve=_per_phone),
    _but("LAST_WRITER_ACK", "confirmed becomes seq_cli, even lower", "I-MONO", phones=2,
         confirm=_confirming("confirm", lambda _a, _m, r: r.seq_cli)),
    _but("ACK_REGRESS_AFTER", "a right reply, then confirmed becomes seq_cli", "I-MONO", phones=2,
         look_upper=_confirming("look_upper", lambda _a, _m, r: r.seq_cli)),
    _but("LAGGED_ACK", "the lower end is taken before seq_cli is applied", "I-NODUP",
         order=("look_lower", "confirm", "look_upper"),
         look_lower=_sees("look_lower", lambda _a, m, _r: m.confirmed)),
    _but("UNDER_ACK", "confirmed becomes seq_cli - 1", "I-NODUP",
         confirm=_confirming("confirm", lambda a, m, r: a.maximum(m.confirmed, _less(a, r.seq_cli)))),
    _but("OVER_ACK", "confirmed becomes seq_cli + 1 when seq_cli > 0", "I-LOSS",
         look_upper=_confirming("look_upper", lambda a, m, r: a.select(
             r.seq_cli > 0, a.maximum(m.confirmed, r.seq_cli + 1), m.confirmed))),
    _but("CLAMP_CONFIRMS", "a seq_cli ahead is lowered to seq_svr and confirms it", "I-LOSS", "restore",
         refuse=_confirming("refuse", lambda _a, m, _r: m.svr)),
    _but("CONFIRM_ON_REFUSE", "a recv ahead is refused, yet confirms", "I-LOSS", "restore",
         refuse=_confirming("refuse", lambda a, m, r: a.maximum(m.confirmed, a.minimum(r.seq_cli, m.svr)))),
    _but("FUTURE_POISON", "a seq_cli ahead raises confirmed to it", "I-BOUND", "restore",
         refuse=_confirming("refuse", lambda a, m, r: a.maximum(m.confirmed, r.seq_cli))),
    _but("LOW_INCLUSIVE", "a reply begins with the lower end itself", "I-NODUP",
         look_lower=_sees("look_lower", lambda a, m, r: _less(a, a.maximum(m.confirmed, r.seq_cli)))),
    _but("HIGH_EXCLUSIVE", "a reply ends before seq_svr", "I-LIVE",
         look_upper=_sees("look_upper", lambda a, m, _r: _less(a, m.svr))),
    _but("PAGE_UPTO_SVR", "a page says that it ends at seq_svr", "I-LOSS", "page", form=_unpaged, accept=_believes),
    _but("PAGE_NEWEST", "a page holds the newest messages", "I-LOSS", "page", form=_newest),
    _but("PAGE_BYTES_STUCK", "an oversized first message gives an empty page", "I-LIVE", "page", form=_stuck),
    _but("FULL_BLOCKS_RECV", "recv fails when the space is used up", "I-LOSS",
         look_upper=_guard("look_upper", lambda _a, m, _r: m.svr < m.seq_max)),
    # The server: seqs and their space.
    _but("SIGNED_MAX", "the larger of two marks is taken as signed", "I-MONO", messages=3,
         confirm=_confirming("confirm", _signed_maximum)),
    _but("CAP_INT32", "send is refused in the top half of the space", "I-BOUND", messages=3,
         take=_capped(lambda m: m.taken < m.seq_max - m.taken)),
    _but("UINTMAX_REFUSED", "the last seq is never given", "I-BOUND",
         take=_capped(lambda m: m.taken + 1 < m.seq_max)),
    _but("WRAP_0", "after the last seq comes 0", "I-BOUND", take=_next(0)),
    _but("WRAP_1", "after the last seq comes 1", "I-BOUND", take=_next(1)),
    _but("ALLOC_BEFORE_VISIBLE", "seq_svr passes sends that are still open", "I-CLOSED", "overlap", slots=2,
         decide=_effect("decide", lambda _a, m, _r: m._replace(svr=m.taken))),
    _but("ALLOC_RACE", "a send takes the seq after the last one stored", "I-UNIQ", "overlap", slots=2,
         take=_effect("take", lambda _a, m, _r: m._replace(taken=m.svr + 1))),
    # The server: what a crash, a restore or a trim takes with it.
    _but("VOLATILE_SEQ", "seq_svr is lost in a crash", "I-UNIQ", "crash",
         crash=_then("crash", lambda _c, s, _p, _q: s._replace(svr=0, taken=0))),
    _but("VOLATILE_CONFIRM", "confirmed is lost in a crash", "I-NODUP", "crash",
         crash=_then("crash", lambda _c, s, _p, _q: s._replace(confirmed=0))),
    _but("VOLATILE_TAIL", "the last message is lost in a crash", "I-LOSS", "crash",
         crash=_then("crash", lambda c, s, _p, _q: s._replace(svr=_less(c.a, s.svr), taken=_less(c.a, s.taken)))),
    _but("STEP_JUMP", "a restart skips a seq", "I-CONTIG", "crash", restart=_then("restart", _jump)),
    _but("RESTORE_REUSES_SEQS", "a restored server gives out seqs again", "I-UNIQ", "restore",
         restore=_then("restore", lambda _c, s, _p, _q: s._replace(taken=s.saved_svr))),
    _but("TRIM_PLUS1", "one message more than the confirmed is dropped", "I-LOSS", "trim",
         trim=_then("trim", lambda _c, s, _p, _q: s._replace(trimmed=s.confirmed + 1))),
    _but("RETENTION_DROP", "at most one unconfirmed message is kept", "I-LOSS", "trim",
         send=_then("send", _retain_one)),
    # The server: a look, a decision, a refusal that goes wrong.
    _but("LOOK_TAKEN", "a reply reaches seqs whose sends are still open", "I-CLOSED", "overlap",
         look_upper=_sees("look_upper", lambda _a, m, _r: m.taken)),
    _but("UPPER_PLUS1", "a look sees one message more than there is", "I-BOUND", "overlap",
         look_upper=_sees("look_upper", lambda a, m, _r: a.select(m.svr < m.seq_max, m.svr + 1, m.svr))),
    _but("LOWER_PLUS1", "a reply begins one message too high", "I-LOSS", "overlap",
         look_lower=_sees("look_lower", lambda a, m, r: a.select(
             m.svr > 0, a.minimum(a.maximum(m.confirmed, r.seq_cli) + 1, m.svr), r.seq_cli))),
    _but("SVR_FOR_CLI", "a server takes its own seq_svr for the seq_cli", "I-LOSS", "overlap", begin=_own_mark),
    _but("ACK_WITHOUT_STORE", "a send is acknowledged and never stored", "I-LOSS",
         decide=_effect("decide", lambda _a, m, _r: m)),
    _but("DECIDE_ONE", "seq_svr rises by one, however many sends are decided", "I-LIVE", "overlap", slots=2,
         decide=_effect("decide", lambda a, m, r: m._replace(svr=a.minimum(
             a.minimum(m.svr + 1, m.taken), r.undecided - 1)))),
    _but("DECIDE_PLUS1", "seq_svr rises past what was taken", "I-BOUND", "overlap",
         decide=_effect("decide", lambda a, m, r: m._replace(svr=a.minimum(m.taken + 1, r.undecided - 1)))),
    _but("FULL_RESETS", "a send to a full space resets the account", "I-BOUND",
         exhausted=_effect("exhausted", lambda _a, m, _r: m._replace(taken=m.taken - m.taken, svr=m.svr - m.svr))),
    _but("REFUSE_BEHIND", "a seq_cli below confirmed is refused", "I-LIVE", "restore", phones=2,
         refuse=_guard("refuse", lambda _a, m, r: (m.svr < r.seq_cli) | (r.seq_cli < m.confirmed))),
    # The phone.
    _but("C_ASKS_LOWER", "a phone asks with one less than its seq_cli", "I-LIVE",
         ask=lambda c, s, p, _q: Change(s, p, Question(_less(c.a, p.cli)))),
    _but("C_NEVER_ADVANCES", "a phone keeps its seq_cli whatever arrives", "I-LIVE",
         accept=lambda c, s, p, q: Change(s, p._replace(got=c.a.span(p.got, q.lower, q.upper)))),
    _but("C_ADV_ON_TIMEOUT", "a phone moves seq_cli though the reply was lost", "I-LOSS",
         lose_reply=_moves_cli(lambda c, _s, p, q: c.a.maximum(p.cli, q.upper), "lose_reply")),
    _but("C_LATE_REPLY_LOWERS_CLI", "a late reply lowers seq_cli", "I-MONO", slots=2,
         accept=_moves_cli(lambda _c, _s, _p, q: q.upper, "accept")),
    _but("C_TIP_ADVANCES", "a tip moves seq_cli", "I-LOSS", ask=_tip),
    _but("C_PAGE_ADOPTS_SVR", "a phone takes seq_svr from a page", "I-LOSS", "page",
         accept=_moves_cli(lambda c, s, p, _q: c.a.maximum(p.cli, s.svr), "accept")),
    # Equivalents.
    _but("CONFIRM_LAST", "the reply is computed, then seq_cli applied", "",
         order=("look_lower", "look_upper", "confirm")),
    _but("CONFIRM_BETWEEN", "seq_cli is applied between the two looks", "",
         order=("look_lower", "confirm", "look_upper")),
    _but("SVR_FIRST", "seq_svr is read before anything else", "", order=("look_upper", "confirm", "look_lower")),
    _but("STORE_ON_RISE", "confirmed is stored only when it rises", "",
         confirm=_confirming("confirm", lambda a, m, r: a.select(m.confirmed < r.seq_cli, r.seq_cli, m.confirmed))),
    _but("EAGER_TRIM", "messages are dropped as soon as they are confirmed", "", "trim",
         serve=_then("serve", lambda _c, s, _p, _q: s._replace(trimmed=s.confirmed))),
)
# fmt: on
MODELS = {model.id: model for model in _MODELS}
