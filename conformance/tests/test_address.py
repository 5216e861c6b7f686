"""Passwords in addresses: what was typed is nowhere to be found afterwards, and what is shown can be run again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from seqproof_conformance.address import VARIABLE, Address, MissingError, filled, kept_by, masked, to_export
from seqproof_conformance.process import Served, free_port
from seqproof_conformance.targets import UnknownTarget, catalogue, open_target

MISSING = {entry.target.partition(":")[0] for entry in catalogue() if entry.mend}
SECRET = "hush-4711"  # noqa: S105 - it is none


@pytest.mark.parametrize(
    ("typed", "shown", "secret"),
    [
        ("postgres:postgresql://me:hush@db:5432/x", "postgres:postgresql://me:${P}@db:5432/x", "hush"),
        ("postgres:naive,postgresql://me:hush@db/x", "postgres:naive,postgresql://me:${P}@db/x", "hush"),
        ("redis:redis://:hush@h:6379/0", "redis:redis://:${P}@h:6379/0", "hush"),
        ("redis:redis://u:a%40b@h/0", "redis:redis://u:${P}@h/0", "a@b"),
        ("postgres:postgresql://me:a@b@db/x", "postgres:postgresql://me:${P}@db/x", "a@b"),
        ("postgres:postgresql://me:a/b@db/x", "postgres:postgresql://me:${P}@db/x", "a/b"),
        ("postgres:postgresql://me:a?b@db/x", "postgres:postgresql://me:${P}@db/x", "a?b"),
        ("nats:nats://hush@h:4222", "nats:nats://${P}@h:4222", "hush"),
        ("nats:ackall,nats://u:hush@h", "nats:ackall,nats://u:${P}@h", "hush"),
        ("postgres:postgresql://db/x?password=hush&ssl=1", "postgres:postgresql://db/x?password=${P}&ssl=1", "hush"),
        ("exec:./a --dsn mysql://me:hush@h/x", "exec:./a --dsn mysql://me:${P}@h/x", "hush"),
    ],
)  # fmt: skip
def test_a_password_is_taken_out_and_comes_back_where_it_is_needed(typed: str, shown: str, secret: str) -> None:
    found = list[str]()

    def keep(text: str) -> str:
        found.append(text)
        return "P"

    assert masked(typed, keep) == shown
    assert found == [secret]
    again = masked(filled(shown, {"P": secret}), lambda text: f"P:{text}")
    assert again == shown.replace("${P}", f"${{P:{secret}}}")


@pytest.mark.parametrize(
    "text",
    [
        "reference", "valkey:aof=yes", "postgres:postgresql://me@127.0.0.1:5432/db", "redis:redis://127.0.0.1:6379/0",
        "nats:nats://127.0.0.1:4222", "http:shop.toml", "py:mine.adapter:Thing", "exec:./adapter.py --user me@home",
        "postgres:postgresql://me:${PGPASSWORD}@db/x", "nats:nats://${TOKEN}@h", "http://127.0.0.1:80/a?b=c@d",
    ],
)  # fmt: skip
def test_what_holds_no_password_stays_as_it_is(text: str) -> None:
    assert masked(text, lambda secret: pytest.fail(f"took {secret!r} for a password")) == text


def test_each_password_has_a_variable_of_its_own() -> None:
    environ = {VARIABLE: "of somebody else"}
    keep = kept_by(environ)
    assert [keep("one"), keep("two"), keep("one")] == [f"{VARIABLE}_2", f"{VARIABLE}_3", f"{VARIABLE}_2"]
    assert environ == {VARIABLE: "of somebody else", f"{VARIABLE}_2": "one", f"{VARIABLE}_3": "two"}
    assert to_export(f"redis:redis://:${{{VARIABLE}_2}}@h") == f"{VARIABLE}_2=... "


def test_what_a_client_says_is_shown_without_the_password() -> None:
    address = Address("postgresql://me:${PW}@db/x", {"PW": "a b/c"})
    assert address.whole() == "postgresql://me:a%20b%2Fc@db/x"
    assert address.said(ValueError(f"bad: {address.whole()}\nor a b/c")) == (
        "ValueError: bad: postgresql://me:***@db/x or ***"
    )
    assert Address("nats://${PW}@h", {"PW": "p"}).said(ValueError("option p")) == "ValueError: option ***"


def test_a_variable_that_is_not_set_is_named_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(UnknownTarget, match=rf"the environment has no {VARIABLE}; it is the password that was typed"):
        open_target(f"redis:redis://:${{{VARIABLE}}}@127.0.0.1:1/0")
    with pytest.raises(UnknownTarget, match="the environment has no NO_SUCH; export it, or write it in the address"):
        open_target("postgres:postgresql://me:${NO_SUCH}@h/x")
    with pytest.raises(MissingError):
        filled("${NO_SUCH}", {})


def seqproof(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).parent / "seqproof")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(VARIABLE)}
    return subprocess.run(
        [program, *words], env=plain | environ, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def address() -> Iterator[str]:
    """A PostgreSQL server that takes any password."""
    if "postgres" in MISSING:
        pytest.skip("postgres is not installed")
    owner = open_target("postgres:locked")
    owner.hello()
    yield f"postgresql://seqproof:{SECRET}@127.0.0.1:{cast('Served', owner).server.port}/postgres"
    owner.close()


def test_nothing_that_a_run_shows_or_stores_holds_the_password(address: str, tmp_path: Path) -> None:
    """A failing run, in two processes: history, verdict, reports, names of folders, both outputs, the replay line."""
    target = f"postgres:naive,{address}"
    out = tmp_path / "out"
    done = seqproof("run", target, "-k", "held", "-j", "2", "--json", "-o", str(out), "--junit-xml", str(out / "j.xml"))
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert told["target"] == target.replace(SECRET, f"${{{VARIABLE}}}")
    assert f"export it as {VARIABLE}" in done.stderr
    files = [path for path in out.rglob("*") if path.is_file()]
    assert len(files) >= 6
    assert [path for path in files if SECRET.encode() in path.read_bytes() or SECRET in str(path)] == []
    assert SECRET not in done.stdout + done.stderr
    failure = told["failures"][0]
    assert failure["replay"].startswith(f"{VARIABLE}=... seqproof replay ")
    scenario = str(Path(failure["report"]).with_name("scenario.json"))
    assert seqproof("replay", scenario, told["target"], **{VARIABLE: SECRET}).returncode == 1
    lacking = seqproof("replay", scenario, told["target"])
    assert (lacking.returncode, lacking.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("way", ["postgres:postgresql", "redis:redis", "nats:nats", "postgres:nonsense,postgresql"])
@pytest.mark.parametrize("command", ["run", "smoke"])
def test_an_error_line_does_not_hold_it_either(command: str, way: str, tmp_path: Path) -> None:
    done = seqproof(
        command,
        f"{way}://me:{SECRET}@127.0.0.1:{free_port()}/x",
        *(["-o", str(tmp_path / "o")] if command == "run" else []),
    )
    assert done.returncode in (2, 4)
    assert SECRET not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_of_settings_may_hold_one_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "seqproof.toml").write_text(f'target = "redis:redis://:{SECRET}@127.0.0.1:{free_port()}/0"\n')
    monkeypatch.chdir(tmp_path)
    for words in (("run",), ("run", "--show-config")):
        done = seqproof(*words)
        assert SECRET not in done.stdout + done.stderr, done
