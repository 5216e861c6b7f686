"""Adapter programs that die, hang, lie and babble: each is named in one line, in bounded time, and what was found kept.

A row of ``HOSTILE`` is a correct little adapter that does one thing wrong, at hello or at its fifth request of a kind.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from seqproof_conformance import exec_talk
from seqproof_conformance.adapter import AdapterFault, TargetError
from seqproof_conformance.target_exec import TIMEOUT, ExecTarget
from seqproof_model import history as h

Run = Callable[..., tuple[int, str, str]]
PATIENCE_S = 20.0
PYTHON = f"{sys.executable} -S"

ADAPTER = """
import json, os, signal, subprocess, sys, time
boxes, confirmed, seen = {{}}, {{}}, {{}}

def raw(data):
    while data:
        data = data[os.write(1, data):]

def say(data):
    raw(json.dumps(data).encode() + b"\\n")

def bad(q, n):
    id = q["id"]
{body}
    return True

{start}
for line in sys.stdin:
    q = json.loads(line)
    op = q["op"]
    seen[op] = seen.get(op, 0) + 1
    ok = {{}}
    if op == {when!r} and seen[op] == (5 if op in ("send", "recv", "reset") else 1) and bad(q, seen[op]):
        continue
    if op == "hello":
        ok = {{"nonce": q["nonce"], "server": "small", "capabilities": {able!r}}}
    elif op == "reset":
        boxes[q["account"]], confirmed[q["account"]] = [], 0
    elif op == "send":
        boxes[q["account"]].append(q["body"])
        ok = {{"seq": len(boxes[q["account"]])}}
    elif op == "recv" and q["seq_cli"] > len(boxes[q["account"]]):
        say({{"id": q["id"], "refused": {{"code": "ahead"}}}})
        continue
    elif op == "recv":
        low = confirmed[q["account"]] = max(confirmed[q["account"]], q["seq_cli"])
        ok = {{"rows": [[i, body] for i, body in enumerate(boxes[q["account"]], 1) if i > low]}}
    elif op != "close":
        say({{"id": q["id"], "unsupported": True}})
        continue
    say({{"id": q["id"], "ok": ok}})
    if op == "close":
        break
"""


@dataclass(frozen=True)
class Case:
    """What it does wrong (``body``, at ``when``), and what is said of it."""

    name: str
    says: str
    when: str = "send"
    body: str = "return False"
    start: str = ""
    able: tuple[str, ...] = ("send_seq",)
    within_s: float = PATIENCE_S

    def write(self, folder: Path) -> str:
        """Write the program; return the command line."""
        body = "\n".join(f"    {line}" for line in self.body.splitlines())
        text = ADAPTER.format(body=body, when=self.when, start=self.start, able=list(self.able))
        (folder / "adapter.py").write_text(text, "utf-8")
        return f"{PYTHON} {folder / 'adapter.py'}"


def answers(name: str, says: str, answer: str, when: str = "send", able: tuple[str, ...] = ("send_seq",)) -> Case:
    return Case(name, says, when, f"say({answer})", able=able)


HOSTILE = [
    # what is no answer
    Case("a banner", "wrote what is no JSON: 'ready on 8080'; only answers go to", start='raw(b"ready on 8080\\n")'),
    Case("a debug print", "wrote what is no JSON: 'sending'; only answers go to",
         body='raw(b"sending\\n"); return False'),
    Case("no JSON", "wrote what is no JSON: '{\"id\": 3,'", body="raw(b'{\"id\": 3,\\n')"),
    Case("an empty line", "wrote what is no JSON: ''", body='raw(b"\\n")'),
    Case("no UTF-8", "wrote what is no UTF-8: b'{\"id\":\\xff}'", body="raw(b'{\"id\":\\xff}\\n')"),
    Case("half a character", "wrote what is no JSON", body="raw(b'{\"id\":%d,\"error\":\"\\\\ud8\"}\\n' % id)"),
    Case("deep nesting", "wrote what is no answer: Expected `object`, got `array`: '[[[[",
         body='raw(b"[" * 100000 + b"\\n")'),
    answers("no object", "wrote what is no answer: Expected `object`, got `array`", "[id]"),
    answers("no id", "wrote what is no answer: Object missing required field `id`", '{"ok": {}}'),
    answers("a text for an id", "Expected `int`, got `str` - at `$.id`", '{"id": str(id), "ok": {}}'),
    answers("a fraction for an id", "Expected `int`, got `float` - at `$.id`", '{"id": float(id), "ok": {}}'),
    answers("an id that was not asked", "answered id 999, which was not asked (line ", '{"id": 999, "ok": {}}'),
    answers("a negative id", "answered id -1, which was not asked", '{"id": -1, "ok": {}}'),
    Case("the same id twice", "twice (line ", body='say({"id": id, "ok": {}}); say({"id": id, "ok": {}})'),
    answers("an unknown key", "its answer to send is malformed: Object contains unknown field `time`",
            '{"id": id, "ok": {}, "time": 3}'),
    answers("an unknown key inside", "unknown field `sequence` - at `$.ok`", '{"id": id, "ok": {"sequence": 3}}'),
    answers("two outcomes", "it has 2 outcomes, ok and refused",
            '{"id": id, "ok": {}, "refused": {"code": "full"}}'),
    answers("no outcome", "it has no outcome: ok, refused, indefinite, unsupported or error", '{"id": id}'),
    answers("no for unsupported", "unsupported is true or left out", '{"id": id, "unsupported": False}'),
    answers("an unknown code", "Invalid enum value 'spam' - at `$.refused.code`",
            '{"id": id, "refused": {"code": "spam"}}'),
    answers("a reset that is refused", "its answer to reset is malformed: Object contains unknown field `refused`",
            '{"id": id, "refused": {"code": "busy"}}', "reset"),
    # seqs and rows
    answers("a seq that is a fraction", "got `float` - at `$.ok.seq`", '{"id": id, "ok": {"seq": 1.5}}'),
    answers("a seq that is nearly whole", "got `float` - at `$.ok.seq`", '{"id": id, "ok": {"seq": 1.0}}'),
    answers("a seq that is a boolean", "got `bool` - at `$.ok.seq`", '{"id": id, "ok": {"seq": True}}'),
    answers("a seq that is a negative text", "at `$.ok.seq`", '{"id": id, "ok": {"seq": "-1"}}'),
    answers("a seq that is not exact", "at `$.ok.seq`", '{"id": id, "ok": {"seq": 2**53 + 1}}'),
    answers("no rows", "its answer to recv is malformed: Object missing required field `rows` - at `$.ok`",
            '{"id": id, "ok": {}}', "recv"),
    answers("rows that are no pairs", "Expected `array`, got `str` - at `$.ok.rows[0]`",
            '{"id": id, "ok": {"rows": ["m1"]}}', "recv"),
    answers("a row of three", "Expected `array` of length 2 - at `$.ok.rows[0]`",
            '{"id": id, "ok": {"rows": [[1, "m", 2]]}}', "recv"),
    answers("a row the wrong way round", "Expected `str`, got `int` - at `$.ok.rows[0][1]`",
            '{"id": id, "ok": {"rows": [["1", 1]]}}', "recv"),
    # hello
    answers("another nonce", "hello came back with another nonce: 'x'; repeat the question's",
            '{"id": id, "ok": {"nonce": "x", "server": "s", "capabilities": []}}', "hello"),
    answers("another protocol", "it speaks 'seqproof-exec/2', the kit speaks seqproof-exec/1",
            '{"id": id, "ok": {"nonce": q["nonce"], "server": "s", "capabilities": [], "protocol": "seqproof-exec/2"}}',
            "hello"),
    answers("a hello of garbage", "its answer to hello is malformed: Expected `object`, got `int` - at `$.ok`",
            '{"id": id, "ok": 7}', "hello"),
    answers("a hello that is not supported", "answered hello with unsupported, but every adapter can do that",
            '{"id": id, "unsupported": True}', "hello"),
    Case("an unknown capability", "Invalid enum value 'fly' - at `$.ok.capabilities[0]`; capabilities are send_seq, ",
         able=("fly",)),
    answers("a claim that is no profile", "hello claims what is no profile: no profile 'lenient'",
            '{"id": id, "ok": {"nonce": q["nonce"], "server": "s", "capabilities": [], "claims": "lenient"}}', "hello"),
    answers("an added requirement that is none", "adds NOPE-1, which is no requirement",
            '{"id": id, "ok": {"nonce": q["nonce"], "server": "s", "capabilities": [], "adds": ["NOPE-1"]}}', "hello"),
    Case("a hello that takes too long", "did not answer hello (id 1) within 0.5 s; an adapter bounds its own waits",
         "hello", "signal.pause()", within_s=0.5),
    Case("an end in hello", "closed its standard output; exit code 3; its last words: no store", "hello",
         'sys.stderr.write("no store"); sys.exit(3)'),
    answers("a capability that it has not", "answered trim with unsupported, but it declared trim",
            '{"id": id, "unsupported": True}', "trim", ("send_seq", "trim")),
    # ends, and silence
    Case("an end at a send", "closed its standard output; exit code 0; its last words: none", body="sys.exit()"),
    Case("an exception", "exit code 1; its last words: ", body="1 / 0"),
    Case("an end by a signal", "ended by signal 11", body="os.kill(os.getpid(), signal.SIGSEGV)"),
    Case("a line without an end", "; its last line has no end: b'{\"id\":'", body="raw(b'{\"id\":'); sys.exit()"),
    Case("a line that never ends", "did not answer send (id ", body="raw(b'{\"id\":')", within_s=2.0),
    Case("silence", "within 2 s; an adapter bounds its own waits and answers indefinite", body="return True",
         within_s=2.0),
    Case("a closed output", "closed its standard output; it still runs; its last words: none",
         body="os.close(1); signal.pause()"),
    Case("a closed input", "closed its standard input",
         body='os.close(0); say({"id": id, "ok": {"seq": len(boxes[q["account"]]) + 1}}); signal.pause()'),
    Case("an end with a child that holds the output", "closed its standard output; exit code 4",
         body='subprocess.Popen([sys.executable, "-S", "-c", "import signal; signal.pause()"]); os._exit(4)'),
    Case("a line of 100 MB", "wrote a line of more than 16 MiB", body='raw(b"x" * 100_000_000)'),
    Case("a flood", "answered id 0, which was not asked", body='raw(b\'{"id": 0, "ok": {}}\\n\' * 1_000_000)'),
    answers("what it says of itself", "exec adapter: send: the store is down; start it",
            '{"id": id, "error": "the store\\nis down; start it"}'),
]  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case.name)
def test_a_hostile_adapter_is_named_in_one_line_and_what_was_found_is_kept(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    command = case.write(tmp_path)
    monkeypatch.setenv(TIMEOUT, str(case.within_s))
    code, _, err = run("run", f"exec:{command}", "-o", "here")
    assert err.count("\n") == 1, err
    assert case.says in err
    assert code == 4
    if case.when == "hello" or not Path("here/history.jsonl").exists():
        assert case.when == "hello" or case.start or "fly" in case.able, "it got past hello and left no history"
        return
    kept = h.read("here/history.jsonl")
    assert kept.partial is None
    assert any(isinstance(event, h.Send) for event in kept.events)


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        ("./no-such-program", 4, "cannot start exec adapter: ./no-such-program: No such file or directory; name a"),
        ("no-such-program --x", 4, "cannot start exec adapter: no-such-program: No such file or directory; name a"),
        ("./plain.txt", 4, "cannot start exec adapter: ./plain.txt: Permission denied; chmod +x it, or name its"),
        ("./no-hash-bang", 4, "cannot start exec adapter: ./no-hash-bang: Exec format error; begin it with a #! line"),
        ("a\0b", 4, "cannot start exec adapter: "),
        ("", 2, "exec: names no command; write exec:./adapter.py"),
        ("'./adapter.py", 2, "exec:'./adapter.py: no closing quotation; quote it as for a shell"),
    ],
)
def test_a_command_that_cannot_be_started_is_one_line(run: Run, command: str, code: int, says: str) -> None:
    Path("plain.txt").write_text("x", "utf-8")
    Path("no-hash-bang").write_text("x", "utf-8")
    Path("no-hash-bang").chmod(0o755)
    came, out, err = run("run", f"exec:{command}")
    assert (came, out, err.count("\n")) == (code, "", 1), err
    assert says in err


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_a_timeout_that_is_no_number_is_a_usage_error(run: Run, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(TIMEOUT, text)
    code, _, err = run("run", "exec:true")
    assert code == 2
    assert f"{TIMEOUT} is {text!r}; write a number of seconds above 0" in err


CARRIAGE_RETURN = """
ok = {"nonce": q["nonce"], "server": "s", "capabilities": ["send_seq"]}
raw(json.dumps({"id": id, "ok": ok}).encode() + b"\\r\\n")
"""


@pytest.mark.parametrize(
    "case",
    [
        Case("floods its standard error", "", "hello", 'os.write(2, b"x" * 5_000_000); return False'),
        Case("babbles on close", "", "close", 'raw(b"bye\\n"); return False'),
        Case("does not answer close", "", "close", "return True"),
        Case("dies at close", "", "close", "os._exit(9)"),
        Case("ignores SIGTERM and close", "", "close", "signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()"),
        Case("answers with a carriage return", "", "hello", CARRIAGE_RETURN),
    ],
    ids=lambda case: case.name,
)
def test_what_harms_nobody_is_no_fault(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    monkeypatch.setattr(exec_talk, "CLOSE_S", 0.2)
    code, _, err = run("run", f"exec:{case.write(tmp_path)}", "-k", "RCV-4*", "-o", "here", "--json")
    assert (code, err) == (0, "")


def pid(target: ExecTarget) -> int:
    return target._talk.program.pid  # pyright: ignore[reportPrivateUsage]


def opened(tmp_path: Path, case: Case, timeout_s: float = PATIENCE_S) -> ExecTarget:
    return ExecTarget(case.write(tmp_path), timeout_s)


FINE = Case("fine", "", "close", "return False")


def test_a_program_that_does_not_read_cannot_hold_up_the_kit(tmp_path: Path) -> None:
    with contextlib.closing(opened(tmp_path, FINE, 0.5)) as target:
        target.hello()
        os.kill(pid(target), signal.SIGSTOP)
        with pytest.raises(AdapterFault, match=r"does not read its standard input: \d+ bytes of a question could not"):
            target.send("x", "s", "c", "m" * 1_000_000)


def test_the_first_fault_is_what_every_later_call_says(tmp_path: Path) -> None:
    with contextlib.closing(opened(tmp_path, FINE)) as target:
        target.hello()
        os.kill(pid(target), signal.SIGKILL)
        for _ in range(2):
            with pytest.raises(AdapterFault, match="ended by signal 9"):
                target.reset("x")


def test_an_error_that_it_tells_of_is_the_environments_fault_and_it_may_go_on(tmp_path: Path) -> None:
    case = Case("down", "", "reset", 'say({"id": id, "error": "the store is down"})')
    with contextlib.closing(opened(tmp_path, case)) as target:
        target.hello()
        for account in "abcd":
            target.reset(account)
        with pytest.raises(TargetError, match=r"^exec adapter: reset: the store is down$") as caught:
            target.reset("x")
        assert not isinstance(caught.value, AdapterFault)
        target.reset("x")


# ---------------------------------------------------------------- what is left behind

FAMILY = Case(
    "family",
    "",
    "hello",
    "code = 'import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()'\n"
    "sleeper = [sys.executable, '-S', '-c', code]\n"
    "away = subprocess.Popen(sleeper, start_new_session=True)\n"
    "bare = subprocess.Popen(sleeper, env={})\n"
    "open(os.environ['CHILDREN'], 'w').write(f'{os.getpid()} {away.pid} {bare.pid} ' + os.environ['SEQPROOF_DIR'])\n"
    "return False",
)
KIT = """
import signal, sys
from seqproof_conformance.target_exec import ExecTarget
target = ExecTarget(sys.argv[1])
target.hello()
print("ready", flush=True)
signal.pause()
"""


def living(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def family(tmp_path: Path) -> tuple[list[int], Path]:
    *pids, folder = (tmp_path / "children").read_text("utf-8").split()
    return [int(pid) for pid in pids], Path(folder)


def test_close_ends_the_program_with_all_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHILDREN", str(tmp_path / "children"))
    target = opened(tmp_path, FAMILY)
    target.hello()
    pids, folder = family(tmp_path)
    assert [living(pid) for pid in pids] == [True] * 3
    assert folder.is_dir()
    target.close()
    target.close()
    assert [living(pid) for pid in pids] == [False] * 3
    assert not folder.exists()
    with pytest.raises(TargetError, match="was closed"):
        target.hello()


def test_a_kit_that_is_killed_leaves_no_program_and_no_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHILDREN", str(tmp_path / "children"))
    with subprocess.Popen([sys.executable, "-c", KIT, FAMILY.write(tmp_path)], stdout=subprocess.PIPE) as kit:
        try:
            assert kit.stdout
            assert kit.stdout.readline() == b"ready\n"
            pids, folder = family(tmp_path)
        finally:
            kit.kill()
    until = time.monotonic() + PATIENCE_S
    while any(map(living, pids)) or folder.exists():
        assert time.monotonic() < until, (pids, folder)
        time.sleep(0.005)
