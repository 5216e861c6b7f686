"""Insane handles: accounts that are mixed up, resets, presets, trims and kills that do not do what they say.

Each is caught by the check that is meant for it. What an adapter gets wrong in hello, send and recv: ``test_smoke``.
"""
# ruff: noqa: ARG002, D101 - a planted fault has the arguments of what it breaks, and a name that says what it is

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import ClassVar, cast

import pytest

from seqproof_conformance import smoke
from seqproof_conformance.adapter import Hello, TargetError
from seqproof_conformance.probe import Insane, Probe
from seqproof_conformance.smoke_run import Blame, Finding, run
from seqproof_conformance.worker import Worker
from seqproof_model.history import Answer, Code, Indefinite, Ok, Refused, Tip
from seqproof_reference.core import Core

SLEEPER = [sys.executable, "-I", "-S", "-c", "import signal; signal.pause()"]


# ------------------------------------------------------------ insane: accounts and resets


class OneAccount(Core):
    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        return super().send("x", sender, client_id, body)

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:
        return super().recv("x", phone, seq_cli)

    def reset(self, account: str) -> None:
        super().reset("x")


class CachesByPhone(Core):
    """It remembers the answer to (phone, seq_cli) until something is reset."""

    def __init__(self) -> None:
        super().__init__()
        self.cache: dict[tuple[str, int], Answer] = {}

    def reset(self, account: str) -> None:
        super().reset(account)
        self.cache.clear()

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:
        if (phone, seq_cli) not in self.cache:
            self.cache[phone, seq_cli] = super().recv(account, phone, seq_cli)
        return self.cache[phone, seq_cli]


class ResetsNothing(Core):
    def reset(self, account: str) -> None:
        pass


class ResetsAll(Core):
    def reset(self, account: str) -> None:
        self.disk.clear()


class ResetKeepsTheCounter(Core):
    def reset(self, account: str) -> None:
        svr = self.inbox(account).svr
        super().reset(account)
        self.inbox(account).svr = svr


class ResetKeepsTheMark(Core):
    def reset(self, account: str) -> None:
        confirmed = self.inbox(account).confirmed
        super().reset(account)
        self.inbox(account).confirmed = confirmed


class ResetCannotReach(Core):
    def reset(self, account: str) -> None:
        raise TargetError("shop: port 8080 refuses; start the shop")


# ------------------------------------------------------------ insane: what is declared


class PresetsNothing(Core):
    def preset_seq(self, account: str, seq: int) -> None:
        pass


class TrimIsReset(Core):
    def trim(self, account: str) -> None:
        self.reset(account)


class FailsNothing(Core):
    def fail_next_store(self) -> None:
        pass


class TriesAgain(Core):
    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        answer = super().send(account, sender, client_id, body)
        return super().send(account, sender, client_id, body) if isinstance(answer, Refused) else answer


class FailsForGood(Core):
    broken = False

    def fail_next_store(self) -> None:
        self.broken = True

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        return Refused(Code.STORE) if self.broken else super().send(account, sender, client_id, body)


class FailsInDoubt(Core):
    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        answer = super().send(account, sender, client_id, body)
        return Indefinite("status 500") if isinstance(answer, Refused) else answer


class RestoresNothing(Core):
    def restore(self) -> None:
        self.kill()
        self.restart()


class RawIsQuoted(Core):
    def recv_raw(self, account: str, phone: str, raw: str) -> Answer:
        return super().recv_raw(account, phone, f'"{raw}"')


class RawIsForgotten(Core):
    def recv_raw(self, account: str, phone: str, raw: str) -> Answer:
        return Ok(rows=())


class TipsOthers(Core):
    def emit(self, account: str, phone: str) -> None:
        self.emitted.append(Tip(account, f"phone-{phone}"))


class TipsForEver(Core):
    def tips(self) -> list[Tip]:
        return list(self.emitted)


class TipsNone(Core):
    def tips(self) -> list[Tip]:
        return cast("list[Tip]", None)


class KillsNothing(Core):
    def kill(self) -> None:
        pass


class AnswersForTheDead(Core):
    """Its recv answers from a cache of nothing."""

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:
        return super().recv(account, phone, seq_cli) if self.up else Ok(rows=())


class RefusesForTheDead(Core):
    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        return super().send(account, sender, client_id, body) if self.up else Refused(Code.FULL)


class RaisesForTheDead(Core):
    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        if not self.up:
            raise TargetError("connection refused")
        return super().send(account, sender, client_id, body)


class DoesNotRestart(Core):
    def restart(self) -> None:
        pass


class CloseOnce(Core):
    closed = False

    def close(self) -> None:
        if self.closed:
            raise RuntimeError("closed twice")
        self.closed = True


class LeavesAProcess(Core):
    """A process that knows nothing of its parent's environment."""

    started: ClassVar[list[subprocess.Popen[bytes]]] = []

    def hello(self) -> Hello:
        if not self.started:
            self.started.append(subprocess.Popen(SLEEPER, env={}, start_new_session=True))
        return super().hello()


INSANE: list[tuple[type[Core], str, str]] = [
    (OneAccount, "accounts", "was sent to one account, and another gives it"),
    (CachesByPhone, "accounts", "was sent to one account, and another gives it"),
    (ResetsNothing, "reset", "after send and reset the account still gives 3 rows"),
    (ResetsAll, "reset", "the reset of one account took the messages of another"),
    (ResetKeepsTheCounter, "reset", "after a reset the next seq is 4; that of a new account is 1"),
    (ResetKeepsTheMark, "reset", "after a reset nothing that is sent comes back: a mark was left behind"),
    (ResetCannotReach, "empty account", "shop: port 8080 refuses; start the shop"),
    (PresetsNothing, "preset_seq", "after preset_seq(9) the next seq is 1"),
    (TrimIsReset, "trim", "after trim the next seq is 1, and 3 was given out already"),
    (FailsNothing, "fail_next_store", "was stored: it does nothing, or the send was made again"),
    (TriesAgain, "fail_next_store", "was stored: it does nothing, or the send was made again"),
    (FailsForGood, "fail_next_store", "the second send after fail_next_store was refused, too, as store"),
    (RestoresNothing, "backup", "what was stored after the backup is still there after the restore"),
    (RawIsQuoted, "recv_raw", "recv_raw with the text 0 was refused as malformed, a recv(0) was not"),
    (RawIsForgotten, "recv_raw", "recv_raw with the text 0 gets nothing, where recv(0) is given rows"),
    (TipsOthers, "tips", "a tip came to phone 'phone-A', and only 'A' ever logged in"),
    (TipsForEver, "tips", "asked three times, tips tells the same tips three times"),
    (TipsNone, "tips", "the adapter's tips returned None; it must return a list of Tip"),
    (FailsInDoubt, "fail_next_store", "the send after fail_next_store was not refused by the store: status 500"),
    (KillsNothing, "kill", "after kill the adapter's send still answers Ok: it lies, or the server lives"),
    (AnswersForTheDead, "kill", "after kill the adapter's recv still answers Ok: it lies, or the server lives"),
    (RefusesForTheDead, "kill", "after kill the adapter's send was refused as full, by whom?"),
    (RaisesForTheDead, "kill", "after kill the adapter's send raised TargetError: connection refused"),
    (DoesNotRestart, "kill", "a send was refused as unreachable, though nobody killed the server"),
    (CloseOnce, "close", "the adapter's close raised RuntimeError: closed twice"),
    (LeavesAProcess, "close", "close leaves a process behind: "),
]


@pytest.mark.parametrize(("adapter", "check", "line"), INSANE, ids=lambda item: getattr(item, "__name__", None))
def test_an_insane_handle_is_caught_by_the_check_that_is_meant_for_it(
    adapter: type[Core], check: str, line: str
) -> None:
    failed = run(f"py:{__name__}:{adapter.__name__}").having(Finding.FAIL)
    assert [row.name for row in failed][:1] == [check]
    assert line in failed[0].line
    assert failed[0].mend
    assert failed[0].blame is (Blame.ENVIRONMENT if adapter in (ResetCannotReach, DoesNotRestart) else Blame.ADAPTER)


def test_what_an_adapter_leaves_behind_is_ended() -> None:
    run(f"py:{__name__}:LeavesAProcess")
    for process in LeavesAProcess.started:
        assert process.wait(20) != 0


# ------------------------------------------------------------ two at once, and one in two


class Crossed(Core):
    """Two recvs at once get each other's answers: the answer passes through one place."""

    def __init__(self) -> None:
        super().__init__()
        self.meet = threading.Barrier(2, timeout=20)
        self.at_once: dict[str, Answer] = {}

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:
        answer = super().recv(account, phone, seq_cli)
        if not threading.current_thread().name.startswith("seqproof"):
            return answer
        self.at_once[account] = answer
        self.meet.wait()
        other = next(found for name, found in self.at_once.items() if name != account)
        self.meet.wait()
        return other


class RaisesAtOnce(Core):
    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:
        raise RuntimeError("one at a time")


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.end()


def probe(adapter: Core, worker: Worker) -> Probe:
    return Probe(adapter, adapter.hello(), worker, "t", 20.0)


@pytest.mark.parametrize(
    ("adapter", "line"),
    [(Crossed, "two recvs at once got each other's answers"), (RaisesAtOnce, "one raised RuntimeError: one at a time")],
)
def test_two_requests_at_once_must_get_their_own_answers(adapter: type[Core], line: str, worker: Worker) -> None:
    with pytest.raises(Insane, match=line):
        smoke.overlap(probe(adapter(), worker))


def test_a_sane_adapter_answers_two_requests_at_once(worker: Worker) -> None:
    assert smoke.overlap(probe(Core(), worker)) == "two requests at once get their own answers, 8 times"


class InTwoCalls(Core):
    """A send in two calls; ``twice``: the first one stores already."""

    twice = False

    def begin_send(self, account: str, sender: str, client_id: str, body: str) -> tuple[str, str, str, str]:
        if self.twice:
            self.send(account, sender, "early", body)
        return account, sender, client_id, body

    def commit_send(self, begun: tuple[str, str, str, str]) -> Answer:
        return self.send(*begun)


def test_a_send_in_two_calls_is_one_send(worker: Worker) -> None:
    adapter = InTwoCalls()
    assert smoke.begin_send(probe(adapter, worker)) == "a send that is begun and committed makes one message"
    adapter.twice = True
    with pytest.raises(Insane, match="a send that was begun and committed made 2 messages"):
        smoke.begin_send(probe(adapter, worker))


def test_each_handle_has_a_planted_fault() -> None:
    """Those of overlap and begin_send stand above."""
    handles = {
        "accounts",
        "reset",
        "preset_seq",
        "trim",
        "fail_next_store",
        "recv_raw",
        "tips",
        "backup",
        "kill",
        "close",
    }
    assert handles <= {check for _, check, _ in INSANE}
