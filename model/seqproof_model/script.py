"""A history in a few words: how tests and teaching texts write down what was asked and answered.

Steps are parted by ``;``. A step is a request and its answer, or something that happens besides:

    s a =1        send body "a"; acknowledged as seq 1          s a =      acknowledged, the seq not told
    s a ?         ... no answer                                 s a !full  ... refused, with its code
    s a@c1 =1     with the client id c1 (else each has its own) s a@- =1   without one
    s a@c1%t =1   by sender t
    A 0 : 1a 2b   phone A asks with seq_cli 0; rows (1, "a"), (2, "b")      A 0 :   an empty reply
    A 0 : 1a +    ... more is due     -  nothing more     ^1  upto 1        ~       the reply is lost on its way
    A 0 : 1a @e1  ... and tells the epoch e1
    1( s a        a request begins, called 1                    1) =1      ... and is answered
    y/s a =1      on account y (else x)
    kill   trim   preset 9   settled 1   backup   restore
    raw null !malformed                                         a recv with that text for its seq_cli, answered
    login A   logout A                                          phone A's connection; y/login A of account y
    tips A (A) y/B                                              tips taken: to A, to A by its OS, to B of account y

Source: the trace notation of ``scenario``, with the answers beside it.
"""

from __future__ import annotations

import re

import msgspec

from seqproof_model import history as h

_REQUEST = re.compile(r"(?:s (?P<body>\w+)(?:@(?P<id>[\w-]+))?(?:%(?P<sender>\w+))?|(?P<phone>[A-Z]\w*) (?P<q>-?\d+))")
_STEP = re.compile(r"(?:(?P<begin>\w+)\( *)?(?:(?P<account>\w+)/)?(?P<rest>.*)")
_ROW = re.compile(r"(-?\d+)([a-z]\w*)")


class _Script:
    def __init__(self) -> None:
        self.events: list[h.Event] = []
        self.names: dict[str, int] = {}
        self.next_id = 0

    def step(self, text: str) -> None:
        word, _, rest = text.partition(" ")
        if re.fullmatch(r"\w+\)", word):
            self._answer(self.names[word[:-1]], rest.strip())
            return
        match = _STEP.fullmatch(text)
        assert match  # noqa: S101 - it takes any text
        account, rest = match["account"] or "x", match["rest"]
        word, _, number = rest.partition(" ")
        match word:
            case "kill":
                self.events += [h.Kill(), h.Restart()]
            case "backup":
                self.events.append(h.Backup())
            case "restore":
                self.events.append(h.Restore())
            case "trim":
                self.events.append(h.Trim(account))
            case "preset":
                self.events.append(h.Preset(account, int(number)))
            case "raw":
                self.next_id += 1
                raw, _, answer = number.partition(" ")
                self.events.append(h.RecvRaw(self.next_id, account, "R", raw))
                self._answer(self.next_id, answer)
            case "login":
                self.events.append(h.Login(account, number))
            case "logout":
                self.events.append(h.Logout(account, number))
            case "tips":
                self.events.append(h.Tips(tuple(map(_tip, number.split()))))
            case "settled":
                self.events.append(h.Settled(self.names[number]))
            case _:
                self._request(account, match["begin"], rest)

    def _request(self, account: str, name: str | None, text: str) -> None:
        self.next_id += 1
        number = self.next_id
        match = _REQUEST.match(text)
        if not match:
            raise ValueError(f"no such step: {text!r}")
        if match["body"]:
            client_id = {"-": "", None: f"c{number}"}.get(match["id"], match["id"])
            self.events.append(h.Send(number, account, match["body"], match["sender"] or "s", client_id))
        else:
            self.events.append(h.Recv(number, account, match["phone"], int(match["q"])))
        if name:
            self.names[name] = number
        else:
            self._answer(number, text[match.end() :].strip())

    def _answer(self, number: int, text: str) -> None:
        lost, text = text.endswith("~"), text.rstrip("~ ")
        kind, rest = text[:1], text[1:].split()
        match kind:
            case "?":
                self.events.append(h.Indefinite("no answer", id=number))
            case "!":
                self.events.append(h.Refused(h.Code(rest[0]), id=number))
            case "=":
                self.events.append(h.Ok(number, seq=int(rest[0]) if rest else None, delivered=not lost))
            case ":":
                self.events.append(msgspec.structs.replace(_reply(rest), id=number, delivered=not lost))
            case _:
                raise ValueError(f"no such answer: {text!r}")


def _tip(word: str) -> h.Tip:
    account, _, phone = word.rpartition("/")
    by_os = phone.startswith("(")
    return h.Tip(account or "x", phone.strip("()"), h.Via.OS if by_os else h.Via.CONNECTION)


def _reply(words: list[str]) -> h.Ok:
    rows: list[tuple[int, str]] = []
    more: bool | None = None
    upto: int | None = None
    epoch: str | None = None
    for word in words:
        row = _ROW.fullmatch(word)
        if row:
            rows.append((int(row[1]), row[2]))
        elif word.startswith("^"):
            upto = int(word[1:])
        elif word.startswith("@"):
            epoch = word[1:]
        else:
            more = {"+": True, "-": False}[word]
    return h.Ok(rows=tuple(rows), more=more, upto=upto, epoch=epoch)


def events(text: str) -> list[h.Event]:
    """Return the events of a script. Raises ValueError for a step that it does not know.

    >>> for event in events("s a =1; A 0 : 1a"): print(event)
    Send(id=1, account='x', body='a', sender='s', client_id='c1')
    Ok(id=1, seq=1, rows=None, more=None, upto=None, epoch=None, delivered=True)
    Recv(id=2, account='x', phone='A', seq_cli=0)
    Ok(id=2, seq=None, rows=((1, 'a'),), more=None, upto=None, epoch=None, delivered=True)
    """
    script = _Script()
    for step in filter(None, (part.strip() for part in text.replace("\n", ";").split(";"))):
        script.step(step)
    return script.events
