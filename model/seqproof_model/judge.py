"""The judge: reads a history event by event, holds each account to the protocol, and says what can be graded.

    judge = Judge(profile, paged=False)
    for event in events:
        violation = judge.feed(event)          # a Violation at the first impossible answer of an account, else None
    verdict = judge.verdict(header)

It is pure: no clock, no I/O, no randomness; the same history gives the same verdict years later. Accounts are
independent. After a violation its account is closed: what follows there says nothing more. Soundness comes first: what
the protocol lets a correct server do is never blamed. How one account is judged stands in ``account``.
Source: docs/architecture.md, "The judge"; docs/requirements.md, "From what was observed to the id".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from seqproof_model import history as h
from seqproof_model.account import Account, Pending
from seqproof_model.blame import MISSING, Context, Observed, Seen, span, suspects
from seqproof_model.evidence import Evidence
from seqproof_model.hello import Capability
from seqproof_model.malformed import Plain, meaning
from seqproof_model.profile import Profile, built_in
from seqproof_model.requirements import REQUIREMENTS, Level, Requirement, Role, half, kept, should
from seqproof_model.restored import Restored
from seqproof_model.tips import Tipped
from seqproof_model.verdict import Grade, Nearest, Result, Verdict, Violation

EXACT = 2**24  # beyond, small numbers with a fraction are no longer exact
SHOWN_AT_MOST = 12  # rows in the nearest conforming reply


class Judge:
    """Judges one history under one profile. ``violations`` holds what was found so far."""

    def __init__(self, profile: Profile, *, paged: bool) -> None:
        self.profile, self.paged = profile, paged
        self.violations: list[Violation] = []
        self.counts: Counter[str] = Counter()
        self.events = 0
        self._accounts: dict[str, tuple[Account, Evidence, int] | None] = {}  # None: closed
        self._open: dict[int, tuple[str, Pending]] = {}
        self._owner: dict[str, str] = {}  # body -> the account it was first sent to
        self._killed_at = 0
        self._restored_open: dict[int, h.Send | h.Recv] = {}
        self._restored: dict[str, tuple[Restored, tuple[Account, Evidence, int]]] = {}
        self._raw: dict[int, tuple[h.RecvRaw, bool]] = {}  # and whether it is malformed
        self._tipped: dict[str, Tipped] = {}  # of accounts that a phone has logged in to

    def feed(self, event: h.Event) -> Violation | None:
        """Take the next event. Raises HistoryError for an answer to an operation that never began."""
        self.events += 1
        if self._restored:
            found = self._after_restore(event)
            if found:
                return found
        match event:
            case h.Send():
                state = self._account(event.account)
                self._owner.setdefault(event.body, event.account)
                if state:
                    self._begin(event, state[0].begin_send(event, self.events))
            case h.Recv():
                state = self._account(event.account)
                if state:
                    state[1].asked += 1
                    self._begin(event, state[0].begin_recv(event, self.events))
            case h.RecvRaw():
                self._raw_begins(event)
            case h.Ok() | h.Refused():
                return self._answer(event)
            case h.Indefinite():
                self._raw_ends(event)
                name, request = self._open.get(event.id, ("", None))
                if request and request.message:
                    request.message.lost = True
                if name in self._tipped:
                    self._tipped[name].end(event, self.events)
            case h.Settled():
                self._settled(event.id)
            case h.Kill():
                self._killed_at = self.events
                for tipped in self._tipped.values():
                    tipped.killed()
            case h.Login() | h.Logout():
                self._connection(event)
            case h.Tips():
                return self._tips(event)
            case h.Restore():
                self._restore()
            case h.Preset():
                state = self._account(event.account)
                if state:
                    self._preset(state[0], event.seq)
            case h.Trim():
                state = self._account(event.account)
                if state:
                    state[1].trimmed_at = self.events
            case _:
                pass
        return None

    def _account(self, name: str) -> tuple[Account, Evidence, int] | None:
        if name not in self._accounts:
            account = Account(name, self.profile, paged=self.paged)
            self._accounts[name] = (account, Evidence(self.counts), self.events)
        return self._accounts[name]

    def _begin(self, event: h.Send | h.Recv, request: Pending) -> None:
        if event.id in self._open:
            raise h.HistoryError(f"event {self.events}: operation {event.id} began twice")
        self._open[event.id] = (event.account, request)
        if event.account in self._tipped:
            self._tipped[event.account].begin(request, self.events)

    def _restore(self) -> None:
        """The store went back: from now on the accounts are held to nothing but what a restore must not break."""
        for tipped in self._tipped.values():
            tipped.killed()
        for restored, _ in self._restored.values():
            restored.again()
        for name, state in self._accounts.items():
            if state:
                self._restored[name] = Restored(state[0], state[1].epoch, self.counts), state
                self._accounts[name] = None
        self._tipped.clear()

    def _after_restore(self, event: h.Event) -> Violation | None:
        """Hold the accounts that were there before a restore."""
        if isinstance(event, h.Send | h.Recv) and event.account in self._restored:
            self._restored[event.account][0].begin(event)
            self._restored_open[event.id] = event
        elif isinstance(event, h.Ok | h.Refused | h.Indefinite):
            asked = self._restored_open.pop(event.id, None)
            name = asked.account if asked else ""
            restored, state = self._restored.get(name, (None, None))
            if asked is None or restored is None or state is None:
                return None
            try:
                restored.end(event)
            except Seen as seen:
                told = Nearest(f"a seq above {restored.highest}, or another epoch")
                return self._violation(name, state, seen, (restored.highest, state[0].confirmed), asked, told)
            if restored.closed:
                del self._restored[name]
        return None

    def _raw_begins(self, event: h.RecvRaw) -> None:
        """A text stands in the place of seq_cli. What means one is a recv; what may mean one may have confirmed."""
        found = meaning(event.raw, self.profile.seq_max)
        if isinstance(found, Plain):
            self.events -= 1
            self.feed(h.Recv(event.id, event.account, event.phone, found.seq_cli))
            return
        state = self._account(event.account)
        if state and found:
            state[0].begin_recv(h.Recv(event.id, event.account, event.phone, found.seq_cli), self.events)
            state[1].asked += 1
        self._raw[event.id] = event, found is None

    def _raw_ends(self, event: h.Answer) -> bool:
        """What is malformed had no effect, whatever the answer; what may mean a seq_cli stays in doubt."""
        raw, malformed = self._raw.pop(event.id, (None, False))
        state = self._accounts.get(raw.account) if raw else None
        if raw and state and malformed:
            state[1].malformed(raw.raw, event, self.events)
        return raw is not None

    def _connection(self, event: h.Login | h.Logout) -> None:
        state = self._account(event.account)
        if state and isinstance(event, h.Login):
            if event.account not in self._tipped:
                self._tipped[event.account] = Tipped(state[0], self.counts)
            self._tipped[event.account].login(event.phone)
        elif state and event.account in self._tipped:
            self._tipped[event.account].logout(event.phone)

    def _tips(self, event: h.Tips) -> Violation | None:
        """Tips were taken: hold each account that the event speaks of to them."""
        found: list[Violation] = []
        got: dict[str, list[h.Tip]] = {}
        for tip in event.tips:
            got.setdefault(tip.account, []).append(tip)
        spoken = [name for name in event.accounts or list(self._tipped) if name in self._tipped]
        strangers = [name for name in spoken if name in got and not self._tipped[name].sent]
        for name in spoken:
            state, tipped = self._accounts[name], self._tipped[name]
            due = tipped.due
            try:
                tipped.take(got.get(name, ()), self.events, strangers)
            except Seen as seen:
                assert state  # noqa: S101 - a closed account is not spoken of
                assert due  # noqa: S101 - something was owed
                told = Nearest(f"a tip for phone {due.phone}")
                marks = state[0].taken, state[0].confirmed
                found.append(self._violation(name, state, seen, marks, due.request.event, told))
        return found[0] if found else None

    def _preset(self, account: Account, seq: int) -> None:
        if not account.empty:
            raise h.HistoryError(f"event {self.events}: preset of account {account.name!r}, which is not empty")
        account.preset(seq)

    def _settled(self, operation: int) -> None:
        name, request = self._open.pop(operation, ("", None))
        state = self._accounts.get(name)
        if state and request:
            state[0].settle(request, self.events)

    def _answer(self, event: h.Ok | h.Refused) -> Violation | None:
        name, request = self._open.pop(event.id, ("", None))
        if request is None:
            if self._raw_ends(event):
                return None
            if any(state is None for state in self._accounts.values()):
                return None  # it belongs to a closed account
            raise h.HistoryError(f"event {self.events}: an answer to operation {event.id}, which never began")
        state = self._accounts[name]
        if state is None:
            return None
        marks = state[0].taken, state[0].confirmed
        try:
            self._hold(state[0], state[1], request, event)
        except Seen as seen:
            return self._violation(name, state, seen, marks, request.event, nearest(state[0], request, event, seen))
        if name in self._tipped:
            self._tipped[name].end(event, self.events)
        return None

    def _hold(self, account: Account, evidence: Evidence, request: Pending, event: h.Ok | h.Refused) -> None:
        sending = isinstance(request.event, h.Send)
        if isinstance(event, h.Refused):
            if sending:
                account.refused_send(request, event.code)
                evidence.refused_send(event.code)
            else:
                account.refused_recv(request, event.code)
                evidence.refused_recv(account, request, event.code)
        elif sending:
            account.sent(request, event.seq, self.events)
            evidence.sent(request, event, self.events, self._killed_at)
        else:
            confirmed = account.confirmed
            account.received(request, event)
            evidence.received(account, request, event, self.events, confirmed, self._killed_at)

    def _violation(
        self,
        name: str,
        state: tuple[Account, Evidence, int],
        seen: Seen,
        marks: tuple[int, int],
        asked: h.Send | h.Recv,
        told: Nearest,
    ) -> Violation:
        """Keep what was seen of an account, and close it."""
        account, evidence, began = state
        row, sentence = seen.row, str(seen)
        owner = self._owner.get(seen.body or "", name)
        if seen.observed is Observed.OTHER_BODY and owner != name:
            seen = Seen(Observed.OTHER_ACCOUNT, seen.seqs, body=f'"{seen.body}"', n=seen.seqs[0])
            row, sentence = seen.row, str(seen)
        raw = evidence.only_malformed(seen.seqs, self._killed_at) if seen.observed in MISSING else None
        if raw is not None:
            what = {"missing": f"seq {', '.join(map(str, seen.seqs))}", "is_are": "are" if len(seen.seqs) > 1 else "is"}
            seen = Seen(Observed.MALFORMED_CONFIRMS, seen.seqs, raw=raw, **what)
            row, sentence = seen.row, str(seen)
        tipped = name in self._tipped and self._tipped[name].any
        context = _context(account, evidence, asked, killed=self._killed_at > began, tipped=tipped)
        self._accounts[name] = None
        self._tipped.pop(name, None)
        self._restored.pop(name, None)
        violation = Violation(
            requirement=row.requirement,
            invariant=row.invariant,
            observation=seen.observed.name,
            sentence=sentence,
            event=self.events,
            account=name,
            operation=asked.id,
            suspects=suspects(seen.observed, seen.seqs, context),
            seq_svr=marks[0],
            confirmed=marks[1],
            seqs=seen.seqs,
            nearest=told,
        )
        self.violations.append(violation)
        return violation

    def under_way(self, operation: int) -> tuple[Account, Pending] | None:
        """An operation without an answer and its account; None where there is none, or its account is closed."""
        name, request = self._open.get(operation, ("", None))
        state = self._accounts.get(name)
        return (state[0], request) if state and request else None

    def beyond(self, name: str) -> int:
        """A seq that no answer of this account, which a restore took back, has ever told."""
        restored, _ = self._restored.get(name, (None, None))
        return restored.highest + 1 if restored else 1

    def verdict(
        self,
        header: h.Header,
        *,
        scope: Collection[str] | None = None,
        explained: Collection[Violation] | None = None,
        partial: int | None = None,
        interrupted: bool = False,
        strict_besides: Iterable[str] = (),
    ) -> Verdict:
        """Sum up. ``scope``: the requirements that were looked for, so that a missing condition is inconclusive.

        ``explained``: the violations whose suspects count, where shorter traces were found; None: all of them.
        """
        suspected: dict[str, str] = {}
        for violation in self.violations if explained is None else explained:
            for name in violation.suspects:
                suspected.setdefault(name, violation.requirement)
        grades = tuple(self._grade(row, header, scope, suspected.get(row.id, "")) for row in REQUIREMENTS.values())
        return Verdict(
            target=header.target,
            profile=self.profile,
            grades=grades,
            violations=tuple(self.violations),
            events=self.events,
            partial=partial,
            interrupted=interrupted,
            strict_besides=tuple(strict_besides),
        )

    def _grade(self, row: Requirement, header: h.Header, scope: Collection[str] | None, suspected: str) -> Grade:
        observed, added = self.counts[row.id], row.id in header.adds
        if any(violation.requirement == row.id for violation in self.violations):
            return Grade(row.id, Result.FAIL, observed, added_by_adapter=added)
        if suspected:  # what is suspected is not passed
            return Grade(row.id, Result.NOT_GRADED, observed, f"suspected: see {suspected}", added_by_adapter=added)
        due, done = self.counts[should(row.id)], self.counts[kept(row.id)]
        if row.should and done < due:
            reason = f"{row.should}: a SHOULD, kept {done} of {due} times"
            return Grade(row.id, Result.NOT_GRADED, observed, reason, added_by_adapter=added)
        missing = [need for need in row.needs if need not in header.capabilities]
        without = [need for need in row.half_needs if need not in header.capabilities]
        whole = not row.half_needs or self.counts[half(row.id)] > 0
        if observed and not row.why_never and (whole or without):
            half_known = "" if whole else f"{row.half_untried}, the target does not declare {', '.join(without)}"
            return Grade(row.id, Result.PASS, observed, half_known, added_by_adapter=added)
        reason = row.why_never or (
            f"the target does not declare {', '.join(missing)}" if missing else f"never observed: {row.condition}"
        )
        waived = self.profile.lagging and row.role is Role.TIPS
        demanded = (row.level is Level.MUST or (row.id == "SND-3" and self.profile.idempotent)) and not waived
        looked_for = scope is not None and row.id in scope and demanded
        return Grade(row.id, Result.NOT_GRADED, 0, reason, looked_for and not missing and not row.why_never, added)


def _context(account: Account, evidence: Evidence, asked: h.Send | h.Recv, *, killed: bool, tipped: bool) -> Context:
    """What makes a requirement suspect, at the answer to this request."""
    recv = asked if isinstance(asked, h.Recv) else None
    return Context(
        killed=killed,
        tipped=tipped,
        trimmed=evidence.trimmed_at > 0,
        ahead=evidence.ahead is not None,
        lower_asked=evidence.behind,
        shown=set(evidence.shown),
        lost=evidence.lost_seqs,
        elsewhere={seq for seq, phone in evidence.shown.items() if recv and phone != recv.phone},
        alike=evidence.alike(account),
        malformed=evidence.raw is not None,
        large=max(account.taken, recv.seq_cli if recv else 0) >= EXACT,
    )


def nearest(account: Account, request: Pending, event: h.Ok | h.Refused, seen: Seen) -> Nearest:
    """The conforming answer nearest to the one that was given, in which that was ``seen``."""
    if isinstance(request.event, h.Send):
        message = request.message
        if message and message.attempts > 1 and message.seqs:
            return Nearest(f"seq {message.seqs[0]}, as the first attempt has")
        if request.floor >= account.profile.seq_max:
            return Nearest("refused: the space is used up")
        return Nearest(f"seq {account.next_free(request.floor)}" + (" or larger" if account.profile.gaps else ""))
    q, rows = request.event.seq_cli, (event.rows or ()) if isinstance(event, h.Ok) else ()
    lowers = sorted({max(v, q) for v in (*account.path[request.since :], *account.pending)})
    least = max(request.upper, *seen.seqs) if seen.observed is Observed.ENDS_BETWEEN else request.upper
    most = max(least, account.most)
    if q > most:
        return Nearest(f"refused, or an empty reply: seq_svr is {least} at most", (), q, least)
    lower = min(lowers, key=lambda v: abs(v - (rows[0][0] - 1 if rows else least)))
    upper = min(max(rows[-1][0] if rows else least, least), most)
    numbers = account.existing(lower + 1, min(upper, lower + SHOWN_AT_MOST))
    given = tuple((n, account.at[n].body if n in account.at else "?") for n in numbers)
    what = span(lower + 1, upper) if upper > lower else "no rows"
    return Nearest(
        what + (", or a first part of it with more = yes" if account.paged and upper > lower else ""),
        given,
        lower,
        upper,
    )


def judge(history: h.History, profile: Profile | None = None, *, scope: Collection[str] | None = None) -> Verdict:
    """Judge a whole history, under its own profile unless another is given; say what ``strict`` would fail besides."""
    header = history.header
    chosen = profile or header.profile
    paged = Capability.PAGING in header.capabilities
    main, strict = Judge(chosen, paged=paged), Judge(built_in()["strict"], paged=paged)
    for event in history.events:
        main.feed(event)
        strict.feed(event)
    return main.verdict(
        header,
        scope=scope,
        partial=history.partial,
        interrupted=history.interrupted,
        strict_besides=besides(strict, main),
    )


def besides(strict: Judge, main: Judge) -> list[str]:
    """The requirements that fail under ``strict`` and not under the profile in use."""
    failed = {violation.requirement for violation in main.violations}
    return sorted({violation.requirement for violation in strict.violations} - failed)
