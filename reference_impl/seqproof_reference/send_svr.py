"""SendSvr, the logic of a send: policy, then the store, then the notice to PushSvr [2.1 steps 2 to 4].

**Why the order.** A message is refused before it has a seq, so a refusal leaves no hole (SND-5). It is stored before
anybody is told of it, so a phone that follows a tip finds it (PSH-2). The notice itself is handed over and forgotten: a
send does not wait for it, and nothing that goes wrong with it makes the send fail (PSH-1).

A repeat of a stored message is no new message: it is answered with its seq even if the policy has changed since
(SND-3), and it is noticed again, as the first notice may have died with the server. A send whose outcome is unknown is
noticed too: a tip too many costs a request, one too few may cost a poll's wait.
Implements SND-1, SND-3, SND-5, PSH-2.
"""

from __future__ import annotations

from typing import Protocol

from seqproof_model.history import Answer, Code, Refused
from seqproof_reference.policy import Policy, allow_all
from seqproof_reference.store import MsgStore
from seqproof_reference.trace import Trace, silent, words

NAME = "SendSvr"


class Notified(Protocol):
    """Who is told that an account has something new."""

    def notify(self, account: str) -> None:
        """Take the notice and return at once. Raises nothing. May be called from any thread."""
        ...


class SendSvr:
    """Accepts messages. ``policy`` says who may write to whom. May be called from several threads."""

    def __init__(self, store: MsgStore, push: Notified, *, policy: Policy = allow_all, trace: Trace = silent) -> None:
        self._store = store
        self._push = push
        self._policy = policy
        self._trace = trace

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        """Put a message into the account's inbox and answer its seq (SND-1), or refuse it without effect (SND-5)."""
        if (why := self._policy(account, sender, body)) is not None:
            repeat = self._store.noted(account, sender, client_id)
            return Refused(Code.POLICY, detail=why) if repeat is None else repeat
        self._trace(NAME, "MsgStore", f"store {body} for {account}")
        answer = self._store.send(account, sender, client_id, body)
        self._trace("MsgStore", NAME, words(answer))
        if not isinstance(answer, Refused):
            self._trace(NAME, "PushSvr", f"something new for {account}")
            self._push.notify(account)
        return answer
