"""The catalogue: each faulty entry is complete, the right ones keep the law. Their traces are played by the kit."""

from __future__ import annotations

import re

import pytest

from seqproof_model.hello import Capability
from seqproof_model.history import Answer, Ok, Tip, Via
from seqproof_model.profile import UINT_MAX
from seqproof_reference.core import Core
from seqproof_reference.faulty import EQUIVALENTS, FAULTS, NULL, Entry, Kind, catalogue, make

SENDS = ("s", "s~", "t", 's"b"', "sBIG", "resend")
NOT_IN_CORE = {"ACK_ON_HEARTBEAT"}
BLAMABLE = frozenset({"PSH-2", "PSH-3"}).union(
    "SEQ-1 SEQ-2 SEQ-3 SEQ-4 SEQ-6 SEQ-7 SND-2 SND-3 SND-5 RCV-1 RCV-2 RCV-3 RCV-5 RCV-7 CNF-1 CNF-5".split()  # noqa: SIM905
)


class Play:
    """Takes the steps of a trace with a target, phones and network included; ``answers`` is what the target said."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.held: dict[tuple[str, str], int] = {}
        self.sent = self.fresh = 0
        self.answers: list[Answer | list[Tip]] = []
        for account in ("x", "y"):
            core.reset(account)

    def run(self, trace: str) -> list[Answer | list[Tip]]:
        """Take every step; returns the answers to the sends and the recvs, and the tips."""
        for word in trace.split():
            account, _, step = word.rpartition(":")
            self._step(account or "x", step)
        return self.answers

    def _step(self, account: str, step: str) -> None:
        if step in SENDS:
            self._send(account, step)
        elif step == "!":
            self.core.kill()
            self.core.restart()
        elif found := re.fullmatch(r"raw\((.*)\)", step):
            self.core.recv_raw(account, "R", found[1])  # what a malformed one is answered shows nothing
        elif step in ("backup", "restore"):
            (self.core.backup if step == "backup" else self.core.restore)()
        elif step == "tips":
            self.answers.append(self.core.tips())
        elif step[0] in "+-":
            (self.core.login if step[0] == "+" else self.core.logout)(account, step[1])
        elif step == "trim":
            self.core.trim(account)
        elif found := re.fullmatch(r"preset\((\d+)\)", step):
            self.core.preset_seq(account, int(found[1]))
        elif found := re.fullmatch(r"R\((\d+)\)", step):
            self.answers.append(self.core.recv(account, "R", int(found[1])))
        elif found := re.fullmatch(r"([A-F])(x?)", step):
            self._ask(account, found[1], lost=bool(found[2]))
        else:
            pytest.fail(f"a step this test cannot take: {step}")

    def _send(self, account: str, step: str) -> None:
        if step == "s~":
            self.core.fail_next_store()
        self.sent += step != "resend"
        sender, client_id = ("t", f"c{self.sent - 1}") if step == "t" else ("s", f"c{self.sent}")
        body = "b" if step == 's"b"' else f"m{self.sent}" + ("B" * 40 if step == "sBIG" else "")
        self.answers.append(self.core.send(account, sender, client_id, body))

    def _ask(self, account: str, phone: str, *, lost: bool) -> None:
        self.fresh += phone == "F"
        phone = f"F{self.fresh}" if phone == "F" else phone
        answer = self.core.recv(account, phone, self.held.get((account, phone), self.core.base))
        self.answers.append(answer)
        if isinstance(answer, Ok) and answer.rows and not lost:
            self.held[account, phone] = answer.upto or answer.rows[-1][0]


def play(core: Core, trace: str) -> list[Answer | list[Tip]]:
    return Play(core).run(trace)


@pytest.mark.parametrize("entry", FAULTS, ids=lambda entry: entry.id)
def test_a_faulty_entry_is_complete(entry: Entry) -> None:
    assert entry.kind is Kind.FAULT
    assert entry.breaks.startswith("I-")
    assert entry.expected <= BLAMABLE
    assert entry.expected
    assert entry.needs <= make(entry.id).hello().capabilities
    needed = {
        "!": Capability.KILL,
        "preset": Capability.PRESET_SEQ,
        "trim": Capability.TRIM,
        "~": Capability.FAIL_NEXT_STORE,
        "{": Capability.BEGIN_SEND,
        "+": Capability.TIPS,
        "raw": Capability.RECV_RAW,
        "backup": Capability.BACKUP,
    }
    assert {need for mark, need in needed.items() if mark in entry.trace} == entry.needs - {Capability.PAGING}
    assert (entry.limit is not None) == (Capability.PAGING in entry.needs)


QUIET = [
    "CORRECT",
    "CONFIRM_LAST",
    "CONFIRM_BETWEEN",
    "SVR_FIRST",
    "ROW_SCAN",
    "STORE_ON_RISE",
    "EAGER_TRIM",
    "NEVER_TRIM",
    "PUSH_TWICE",
    "PUSH_EXTRA",
    "PUSH_BOTH_WAYS",
    "PUSH_ALL_PHONES",
    "PUSH_EVICTS",
    "PUSH_LAZY",
    "PUSH_NO_OS_FALLBACK",
]
TRACES = [
    "s A s Ax A A B F s F R(2) R(9) A B trim F s ! A B F raw(-1) raw(2) F",
    "s~ s s Ax R(1) R(0) B B trim s F ! s A A y:s y:A A",
    f"preset({UINT_MAX - 2}) s s s A A F R({UINT_MAX}) F",
]


@pytest.mark.parametrize("name", QUIET)
@pytest.mark.parametrize("trace", TRACES)
def test_an_inner_liberty_cannot_be_seen_from_outside(name: str, trace: str) -> None:
    assert play(make(name), trace) == play(Core(), trace)


def test_the_liberties_that_can_be_seen() -> None:
    ahead, more, epoch = (
        play(make(name), "s s A A R(3) F")[-4:] for name in ("AHEAD_EMPTY", "EXACT_PAGE_MORE", "EPOCH_REPORTED")
    )
    assert ahead[2] == Ok(rows=())
    assert more[0] == Ok(rows=((1, "m1"), (2, "m2")), more=True, upto=2)
    assert epoch[0] == Ok(rows=((1, "m1"), (2, "m2")), epoch="e0")


@pytest.mark.parametrize(
    ("name", "trace", "phones"),
    [
        ("CORRECT", "s +A s +B s -A s", "ABB"),
        ("CORRECT", "+A +B -B s", "b"),
        ("CORRECT", "+A -A s +A s", "aA"),
        ("CORRECT", "+A ! s +B s", "aB"),
        ("PUSH_TWICE", "+A s", "AA"),
        ("PUSH_EXTRA", "+A s A", "AAA"),
        ("PUSH_BOTH_WAYS", "+A s", "Aa"),
        ("PUSH_ALL_PHONES", "+A +B s", "BAB"),
        ("PUSH_EVICTS", "+A +B s -A s -B s", "BBb"),
        ("PUSH_LAZY", "+A s s A s A s", "A"),
        ("PUSH_LAZY", "+A s +B s", "AB"),
        ("PUSH_NO_OS_FALLBACK", "+A -A s +B s", "B"),
    ],
)
def test_the_liberties_of_tips(name: str, trace: str, phones: str) -> None:
    """Who gets a tip, in order; in small letters by the push of the phone's OS."""
    *_, tips = play(make(name), f"{trace} tips")
    assert isinstance(tips, list)
    assert "".join(tip.phone.lower() if tip.via is Via.OS else tip.phone for tip in tips) == phones


def test_a_reset_account_has_no_phones() -> None:
    core = make("CORRECT")
    core.login("x", "A")
    core.reset("x")
    core.send("x", "s", "", "m")
    assert core.tips() == []


def test_gaps_are_right_only_where_the_profile_allows_them() -> None:
    gappy = {entry.build: entry.profile for entry in EQUIVALENTS if entry.profile == "gappy"}
    strict = {entry.build: entry.profile for entry in FAULTS if entry.profile == "strict"}
    assert gappy.keys() == strict.keys()
    assert {entry.profile for entry in FAULTS} == {"", "strict", "idempotent"}
    claims = make("BLOCKS").hello().claims
    assert claims is not None
    assert claims.gaps


def test_a_retry_makes_a_second_message_only_in_its_twin() -> None:
    for name, second in (("CORRECT", 1), ("RETRY_STORES_AGAIN", 2)):
        core = make(name)
        core.send("x", "s", "c", "m")
        assert core.send("x", "s", "c", "m") == Ok(seq=second)


def test_null_says_yes_and_does_nothing() -> None:
    null = make(NULL.id)
    assert null.hello().capabilities == frozenset(Capability)
    assert play(null, "preset(7) s s~ A ! trim R(9)") == [Ok(), Ok(), Ok(rows=()), Ok(rows=())]


def test_the_catalogue_names_each_once_and_the_factory_names_near_ones() -> None:
    ids = [entry.id for entry in catalogue()]
    assert len(ids) == len(set(ids)) == len(FAULTS) + len(EQUIVALENTS) + 1
    assert not NOT_IN_CORE & set(ids)
    with pytest.raises(KeyError, match="ACK_ON_REPLY"):
        make("ack_on_repli")
