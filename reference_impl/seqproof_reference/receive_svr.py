"""ReceiveSvr, the logic of a recv: is the mark one that a phone can hold, and what does the store have after it [2.2].

The store does the three acts of a recv (confirm, lower end, upper end) in one transaction. What is left for this part
is the end of the space, which no store is asked about (SEQ-7), and the epoch, which every answer carries (SEQ-8).
"""

from __future__ import annotations

from msgspec.structs import replace

from seqproof_model.history import Answer, Code, Ok, Refused
from seqproof_reference.store import MsgStore
from seqproof_reference.trace import Trace, silent, words

NAME = "ReceiveSvr"


class ReceiveSvr:
    """Gives messages out. May be called from several threads."""

    def __init__(self, store: MsgStore, *, trace: Trace = silent) -> None:
        self._store = store
        self._trace = trace

    def recv(self, account: str, seq_cli: int) -> Answer:
        """Confirm all up to seq_cli and answer what lies after it (RCV-1, CNF-1).

        Refused ``malformed`` when no phone can hold that seq_cli (SEQ-7), ``ahead`` when this one cannot (RCV-6).
        """
        if not self._store.base <= seq_cli <= self._store.seq_max:
            ends = f"{self._store.base}..{self._store.seq_max}"
            return Refused(Code.MALFORMED, detail=f"a seq lies in {ends}, not at {seq_cli}")
        self._trace(NAME, "MsgStore", f"confirm up to {seq_cli}, read on")
        answer = self._store.recv(account, seq_cli)
        self._trace("MsgStore", NAME, words(answer))
        return replace(answer, epoch=self._store.epoch) if isinstance(answer, Ok) else answer
