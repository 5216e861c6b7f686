"""The signature of a counterexample: what its shortest trace looks like, with all names and absolute numbers taken out.

Two servers with the same fault give the same trace, but for the names of phones, the bodies and where the account
begins. What is left of each event is its kind, who of those that took part (the first account, the second phone), how
it ended, and seqs counted from the account's beginning. A seq that is the expected one is not written, so it makes no
difference whether a server tells it. In front stand the requirement that is blamed, and the observation.

    >>> from seqproof_model.script import events
    >>> signature(events("preset 8; s a =9; Z 8 : 9a ~; Z 8 :"), "RCV-7", "EMPTY_REPLY")
    'RCV-7 EMPTY_REPLY: preset, send ok, A 0: 1 lost, A 0: nothing'

The same signature as a known fault is a hint, and no proof: different faults can give the same shortest trace.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import groupby

from seqproof_model import history as h

ALPHABET = 26
FAR = 2**20  # seqs from where an account began on
Begin = h.Send | h.Recv | h.RecvRaw


def signature(events: Iterable[h.Event], requirement: str, observation: str) -> str:
    """Return the signature of the events of a counterexample, up to the answer that is blamed."""
    shape = _Shape()
    words = [word for event in events if (word := shape.word(event))]
    return f"{requirement} {observation}: {', '.join(_whole(words))}"


def _whole(words: Iterable[str]) -> list[str]:
    """Put an answer to its request where nothing lies between them."""
    made: list[str] = []
    for word in words:
        number, _, rest = word.partition("|")
        if rest.startswith(">") and made and made[-1].startswith(f"{number}|") and ">" not in made[-1]:
            made[-1] += rest
        else:
            made.append(word)
    runs = [(word, len(list(run))) for word, run in groupby(_plain(word) for word in made)]
    return [word if times == 1 else f"{times} x {word}" for word, times in runs]


def _runs(seqs: Iterable[str]) -> list[str]:
    """Rows, runs of them written as such.

    >>> _runs(["1", "2", "3", "5", "far"])
    ['1..3', '5', 'far']
    """
    made: list[list[str]] = []
    for seq in seqs:
        if made and seq.isdigit() and made[-1][-1].isdigit() and int(seq) == int(made[-1][-1]) + 1:
            made[-1].append(seq)
        else:
            made.append([seq])
    return [run[0] if len(run) == 1 else f"{run[0]}..{run[-1]}" for run in made]


def _plain(word: str) -> str:
    number, _, rest = word.partition("|")
    if not _:
        return word
    begin, parted, answer = rest.partition(">")
    if not parted:
        return f"{number}( {begin}"
    return f"{begin}{answer}" if begin else f"{number}){answer}"


class _Shape:
    """Numbers what takes part, in order of appearance."""

    def __init__(self) -> None:
        self.begun: dict[int, tuple[int, Begin]] = {}
        self.accounts: dict[str, int] = {}
        self.phones: dict[tuple[str, str], str] = {}
        self.keys: set[tuple[str, str, str]] = set()
        self.base: dict[str, int] = {}
        self.stored: Counter[str] = Counter()

    def word(self, event: h.Event) -> str:
        """One event; "" for what is not part of the shape."""
        match event:
            case h.Send() | h.Recv() | h.RecvRaw():
                self.begun[event.id] = len(self.begun) + 1, event
                return f"{len(self.begun)}|{self._asks(event)}"
            case h.Ok() | h.Refused() | h.Indefinite() if event.id in self.begun:
                number, begin = self.begun[event.id]
                return f"{number}|>{self._answers(begin, event)}"
            case h.Preset():
                self.base[event.account] = event.seq
                return "preset"
            case h.Login() | h.Logout():
                return f"{type(event).__name__.lower()} {self._phone(event.account, event.phone)}"
            case h.Tips():
                return f"tips {' '.join(self._phone(tip.account, tip.phone) for tip in event.tips) or 'none'}"
            case h.Delivered() | h.Settled() if event.id in self.begun:
                return f"{type(event).__name__.lower()} {self.begun[event.id][0]}"
            case h.Kill() | h.Trim() | h.FailStore() | h.Backup() | h.Restore():
                return type(event).__name__.lower()
            case _:
                return ""

    def _asks(self, event: Begin) -> str:
        if isinstance(event, h.Send):
            key = (event.account, event.sender, event.client_id)
            again = bool(event.client_id) and key in self.keys
            self.keys.add(key)
            return ("again" if again else "send") + self._of(event.account)
        who = self._phone(event.account, event.phone)
        return f"{who} malformed" if isinstance(event, h.RecvRaw) else f"{who} {self._near(event, event.seq_cli)}"

    def _answers(self, begin: Begin, answer: h.Answer) -> str:
        mark = " " if isinstance(begin, h.Send) else ": "
        match answer:
            case h.Refused():
                return f"{mark}{answer.code}"
            case h.Indefinite():
                return f"{mark}?"
            case h.Ok() if isinstance(begin, h.Send):
                self.stored[begin.account] += 1
                due = self.base.get(begin.account, 0) + self.stored[begin.account]
                return (
                    " ok"
                    if answer.seq in (None, due)
                    else f" ok, not seq {self._near(begin, due)}, but {self._near(begin, answer.seq or 0)}"
                )
            case h.Ok():
                rows = " ".join(_runs([self._near(begin, seq) for seq, _ in answer.rows or ()])) or "nothing"
                return f"{mark}{rows}{' more' if answer.more else ''}{'' if answer.delivered else ' lost'}"

    def _near(self, begin: Begin, seq: int) -> str:
        """A seq, counted from where the account began; what is far from there is only that."""
        near = seq - self.base.get(begin.account, 0)
        return "before" if near < 0 else str(near) if near < FAR else "far"

    def _phone(self, account: str, phone: str) -> str:
        self._of(account)
        at = len(self.phones)
        name = self.phones.setdefault((account, phone), chr(ord("A") + at % ALPHABET) + str(at // ALPHABET or ""))
        return f"{name}{self._of(account)}"

    def _of(self, account: str) -> str:
        """The account, where it is not the first."""
        number = self.accounts.setdefault(account, len(self.accounts))
        return f"@{number + 1}" if number else ""
