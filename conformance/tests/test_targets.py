"""Target strings: what each opens, and that each mistake is one line that names the mend."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqproof_conformance import targets
from seqproof_conformance.adapter import Adapter, TargetError
from seqproof_conformance.target_reference import ReferenceTarget
from seqproof_conformance.target_valkey import ValkeyTarget
from seqproof_conformance.targets import UnknownTarget, catalogue, open_target
from seqproof_model.history import Ok

MODULE = """
from seqproof_model.hello import Hello
from seqproof_model.history import Ok

class Mine:
    def hello(self): return Hello(server="mine", capabilities=frozenset())
    def reset(self, account): pass
    def send(self, account, sender, client_id, body): return Ok(seq=1)
    def recv(self, account, phone, seq_cli): return Ok(rows=())
    def close(self): pass

class Callable(Mine):
    def __call__(self): raise AssertionError("an adapter is not called")

class Half:
    def hello(self): return None
    def send(self, account, sender, client_id, body): return None
    recv = "no method"

class Holder:
    inner = Mine()

def make(): return Mine()
def needs(something): return Mine()
def breaks(): raise ValueError("no\\nserver")
mine = Mine()
called = Callable()
half = Half()
number = 7
"""


@pytest.fixture
def my_adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a module ``my_adapter``, and the current one."""
    (tmp_path / "my_adapter.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name in ("my_adapter", "my_broken"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("reference", ReferenceTarget),
        ("reference:page=2", ReferenceTarget),
        ("valkey", ValkeyTarget),
        ("valkey:aof=yes", ValkeyTarget),
        ("valkey:aof=no", ValkeyTarget),
    ],
)
def test_a_built_in_target_opens_and_starts_nothing_before_hello(text: str, kind: type) -> None:
    target = open_target(text)
    assert isinstance(target, kind)
    assert isinstance(target, ReferenceTarget | ValkeyTarget)
    assert target.server.pid == 0
    assert not target.server.directory.exists()
    target.close()


def test_a_mutant_is_found_by_its_name() -> None:
    target = open_target("mutant:ACK_ON_REPLY")
    assert "ACK_ON_REPLY" in target.hello().server
    target.close()


@pytest.mark.parametrize("path", ["Mine", "make", "mine", "called", "Holder.inner"])
def test_py_takes_an_object_a_class_or_a_factory_from_the_current_folder(path: str, my_adapter: Path) -> None:
    target = open_target(f"py:my_adapter:{path}")
    assert sys.path[0] == str(my_adapter)
    assert isinstance(target, Adapter)
    assert target.send("x", "s", "c", "m") == Ok(seq=1)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("refrence", "no target 'refrence'; did you mean reference? see `seqproof list targets`"),
        ("", "no target ''; see `seqproof list targets`"),
        ("Valkey", "no target 'Valkey'; did you mean valkey? see `seqproof list targets`"),
        ("valkey:aof=maybe", "valkey: aof is yes, everysec or no, not 'maybe'; see `seqproof list targets`"),
        ("valkey:aof", "valkey: aof is yes, everysec or no, not ''; see `seqproof list targets`"),
        ("valkey:off=1", "valkey: no option 'off'; did you mean aof? it has aof; see `seqproof list targets`"),
        ("reference:page=0", "reference: page is a whole number from 1, not '0'; see `seqproof list targets`"),
        ("reference:page=٢", "reference: page is a whole number from 1, not '٢'; see `seqproof list targets`"),
        ("reference:2", "reference: no option '2'; it has page; see `seqproof list targets`"),
        ("py:my_adapter", "py:my_adapter: write py:package.module:object; see `seqproof list targets`"),
        ("py", "py:: write py:package.module:object; see `seqproof list targets`"),
    ],
)
def test_a_text_that_names_nothing_is_a_usage_error(text: str, line: str) -> None:
    with pytest.raises(UnknownTarget) as caught:
        open_target(text)
    assert str(caught.value) == line


@pytest.mark.parametrize("name", ["ACK_ON_REPLI", "ack_on_reply"])
def test_an_unknown_mutant_names_the_near_ones(name: str) -> None:
    with pytest.raises(UnknownTarget, match=r"^no mutant '\w+'; .*ACK_ON_REPLY.*; see `seqproof list mutants`$"):
        open_target(f"mutant:{name}")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("half", "Half is no adapter, it lacks reset, recv, close; write these methods as in"),
        ("number", "int is no adapter, it lacks hello, reset, send, recv, close; write"),
        ("Minne", "my_adapter has no 'Minne'; did you mean Mine"),
        ("needs", r"calling needs\(\) failed: TypeError: needs\(\) missing 1 .*; it is called without arguments$"),
        ("breaks", r"calling breaks\(\) failed: ValueError: no server; it is called without arguments$"),
    ],
)
@pytest.mark.usefixtures("my_adapter")
def test_an_object_that_is_no_adapter_is_one_line_that_says_what_is_missing(path: str, line: str) -> None:
    with pytest.raises(TargetError, match=f"^py:my_adapter:{path}: {line}") as caught:
        open_target(f"py:my_adapter:{path}")
    assert not isinstance(caught.value, UnknownTarget)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (None, "no module named 'my_broken'; pip install it, or run in its folder"),
        ("import no_such_module_here", "no module named 'no_such_module_here'; pip install it"),
        ("1 +", "importing my_broken failed: SyntaxError: invalid syntax"),
        (
            "raise RuntimeError('first\\nsecond')",
            "importing my_broken failed: RuntimeError: first second; mend the module",
        ),
    ],
)
def test_a_module_that_cannot_be_imported_is_one_line(source: str | None, line: str, my_adapter: Path) -> None:
    if source:
        (my_adapter / "my_broken.py").write_text(source)
    with pytest.raises(TargetError, match=f"^py:my_broken:x: {line}") as caught:
        open_target("py:my_broken:x")
    assert "\n" not in str(caught.value)


def test_the_catalogue_names_every_way_in_and_says_that_all_are_there() -> None:
    assert [entry.target.partition(":")[0].partition("[")[0] for entry in catalogue()] == list(targets.WAYS)
    assert all(entry.summary for entry in catalogue())
    assert {entry.target.partition(":")[0] for entry in catalogue() if entry.mend} <= {"nats", "postgres", "dovecot"}


def test_a_missing_extra_is_named_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    mend = "pip install 'seqproof[valkey]'"
    with pytest.raises(TargetError, match=r"^valkey needs the module redis .*: pip install 'seqproof\[valkey\]'$"):
        open_target("valkey")
    assert {entry.target: entry.mend for entry in catalogue() if entry.mend} == {
        "valkey[:aof=yes|everysec|no]": mend,
        "redis:URL": mend,
    }
