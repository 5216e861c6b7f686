"""Servers whose tips are wrong, and servers whose tips look odd and are right.

The faults first: a tip that comes too early, to the wrong connection, once and never again, or that does more than to
say "there is something new". Then the liberties: more tips than messages, to more phones, in more ways, later, and none
for what was read already. The id, the story and the shortest trace of each stand in ``faulty.py``.
Source: docs/mutants.md; PSH-1 to PSH-3.
"""
# ruff: noqa: ARG002, D102 - an override has the step's arguments and the step's meaning, but for its fault

from __future__ import annotations

from seqproof_model.history import Answer, Tip
from seqproof_reference.core import Core, Inbox, Page
from seqproof_reference.overlapping import AtCommit, Held

# --- faults -----------------------------------------------------------------------------------------------------


class PushBeforeStore(AtCommit):
    """Tips first and stores then: the phone asks, gets nothing, and is told no more."""

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        if self.up:
            self.tip(account)
        return super().send(account, sender, client_id, body)

    def begun(self, inbox: Inbox, held: Held) -> None:
        self.tip(held.account)

    def push(self, account: str, sender: str, body: str) -> None:
        """It was done before."""


class PushLatch(Core):
    """Remembers that an account was tipped, and never forgets it."""

    def tip(self, account: str) -> None:
        if account not in self.connections.own:
            self.connections.own[account] = "tipped"
            super().tip(account)


class PushEdgeTriggered(Core):
    """Tips when the inbox was empty, not while something waits in it: one tip is lost, and the phone waits for ever."""

    def push(self, account: str, sender: str, body: str) -> None:
        inbox = self.inbox(account)
        if sum(seq > inbox.confirmed for seq in inbox.rows) == 1:
            super().push(account, sender, body)


class PushStaleRoute(Core):
    """Looks the route up once and keeps it, whoever logs in later and whatever is closed."""

    def connected(self, account: str, phone: str) -> None:
        self.connections.route.setdefault(account, phone)

    def disconnected(self, account: str, phone: str) -> None:
        """It believes what it knows."""


class LateDisconnectUnroutes(Core):
    """Any close of an account's connection takes its route away, whose-ever it is by now."""

    def disconnected(self, account: str, phone: str) -> None:
        self.connections.route.pop(account, None)

    def tip(self, account: str) -> None:
        if account in self.connections.route or not self.connections.up.get(account):
            super().tip(account)


class PushOnceGone(Core):
    """A phone that has logged out once is taken for gone, also when it is back."""

    def disconnected(self, account: str, phone: str) -> None:
        super().disconnected(account, phone)
        self.connections.own[f"{account}/{phone}"] = "gone"

    def emit(self, account: str, phone: str) -> None:
        if f"{account}/{phone}" not in self.connections.own:
            super().emit(account, phone)


class PushLostAfterKill(Core):
    """Keeps its routes on disk and believes them after a restart, when they name connections that are no more."""

    def disconnect_all(self) -> None:
        stale = dict.fromkeys(self.connections.route, "a connection of the last life")
        super().disconnect_all()
        self.connections.route = stale

    def connected(self, account: str, phone: str) -> None:
        if " " not in self.connections.route.get(account, ""):
            super().connected(account, phone)


class PushWrongUser(Core):
    """Tips the account that came last instead of the one that the message is for."""

    def tip(self, account: str) -> None:
        others = [name for name in self.connections.route if name != account]
        super().tip(others[-1] if others else account)


class PushFirstAccount(Core):
    """Tips only the account that logged in first."""

    def tip(self, account: str) -> None:
        if account == next(iter(self.last_phone), account):
            super().tip(account)


class PushToSender(Core):
    """Tips whoever has sent."""

    def push(self, account: str, sender: str, body: str) -> None:
        self.tip(sender)


class PushDebouncedByBody(Core):
    """Takes an equal body for the same message, and does not tip again."""

    def push(self, account: str, sender: str, body: str) -> None:
        known = self.connections.own.get(account)
        self.connections.own[account] = body
        if known != body:
            super().push(account, sender, body)


class TipConfirms(Core):
    """Takes a tip that was written to a connection for a message that has arrived."""

    def emit(self, account: str, phone: str) -> None:
        super().emit(account, phone)
        inbox = self.inbox(account)
        inbox.confirmed = inbox.svr


# --- liberties --------------------------------------------------------------------------------------------------


class PushTwice(Core):
    """Every tip goes out twice."""

    def emit(self, account: str, phone: str) -> None:
        super().emit(account, phone)
        super().emit(account, phone)


class PushExtra(Core):
    """Tips also at a login, and whenever a phone asks, be there something new or not."""

    def connected(self, account: str, phone: str) -> None:
        super().connected(account, phone)
        self.tip(account)

    def answered(self, inbox: Inbox, phone: str, seq_cli: int, page: Page) -> None:
        super().answered(inbox, phone, seq_cli, page)
        self.tip(inbox.name)


class PushBothWays(Core):
    """Tips the connection, and through the phone's OS besides."""

    def emit(self, account: str, phone: str) -> None:
        super().emit(account, phone)
        self.push_by_os(account, phone)


class PushAllPhones(Core):
    """Tips every phone whose connection is up, also those that are not the route."""

    def tip(self, account: str) -> None:
        super().tip(account)
        for phone in self.connections.up.get(account, []):
            self.emit(account, phone)


class PushEvicts(Core):
    """A login closes the account's other connections (DEV-1)."""

    def connected(self, account: str, phone: str) -> None:
        self.connections.up[account] = [phone]
        super().connected(account, phone)


class PushLazy(Core):
    """Tips once for all that has come, as late as it can, and not for what a phone was given meanwhile."""

    def push(self, account: str, sender: str, body: str) -> None:
        self.connections.own[account] = str(self.inbox(account).svr)

    def answered(self, inbox: Inbox, phone: str, seq_cli: int, page: Page) -> None:
        super().answered(inbox, phone, seq_cli, page)
        last = self.connections.own.get(inbox.name)
        if last is not None and any(seq >= int(last) for seq, _ in page.rows):
            del self.connections.own[inbox.name]

    def connected(self, account: str, phone: str) -> None:
        self._flush(account)
        super().connected(account, phone)

    def disconnected(self, account: str, phone: str) -> None:
        self._flush(account)
        super().disconnected(account, phone)

    def _flush(self, account: str) -> None:
        if self.connections.own.pop(account, None) is not None:
            self.tip(account)

    def tips(self) -> list[Tip]:
        for account in list(self.connections.own):
            self._flush(account)
        return super().tips()


class PushNoOsFallback(Core):
    """With no connection up nobody is told: short of a SHOULD, and no fault (PSH-3)."""

    def push_by_os(self, account: str, phone: str) -> None:
        """There is no push service to ask."""
