"""The TOML file of an HTTP target: what it may say, how its blanks are filled, and that each mistake is one line."""

from __future__ import annotations

import copy
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from seqproof_conformance.adapter import Capability
from seqproof_conformance.http_blanks import Value
from seqproof_conformance.http_file import TABLES, Description, FileError, read
from seqproof_conformance.target_http import sample
from seqproof_model.profile import UINT_MAX

GOOD: dict[str, Any] = {
    "base_url": "http://127.0.0.1:9/api/",
    "fresh": "names",
    "send": {"path": "/{account}", "body": {"text": "{body}"}, "seq": "/seq"},
    "recv": {
        "path": "/{account}",
        "method": "GET",
        "query": {"after": "{seq_cli}", "limit": 50},
        "rows": "",
        "row_seq": "/0",
        "row_body": "/1",
    },
}
ENVIRONMENT = {"TOKEN": "se{cret}", "NEWLINE": "a\nb", "USER": "me:you"}

OWN = {Capability.TIPS, Capability.RECV_RAW, Capability.BACKUP}  # what no file describes


def changed(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The good file with some keys changed, "send.seq" being one; None takes a key away."""
    file = copy.deepcopy(GOOD)
    for key, value in changes.items():
        *tables, last = key.split(".")
        table = file
        for name in tables:
            table = table.setdefault(name, {})
        if value is None:
            table.pop(last, None)
        else:
            table[last] = value
    return file


def toml(value: Any) -> str:
    """A value as TOML writes it within a line."""
    match value:
        case dict():
            items = cast("dict[str, Any]", value).items()
            return f"{{{', '.join(f'{name!r} = {toml(item)}' for name, item in items)}}}"
        case list():
            return f"[{', '.join(map(toml, cast('list[object]', value)))}]"
        case _:
            return msgspec.json.encode(value).decode()


def described(path: Path, changes: Mapping[str, Any]) -> Description:
    path.write_text("".join(f"{name!r} = {toml(value)}\n" for name, value in changed(changes).items()), "utf-8")
    return read(path, ENVIRONMENT)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


# ------------------------------------------------------------ what it may say


def test_the_shipped_example_is_read_and_fits_a_screen() -> None:
    text = Path(sample()).read_text("utf-8")
    assert text.count("\n") <= 60
    told = read(Path(sample()), os.environ)
    assert told.capabilities == set(Capability) - {Capability.PAGING, Capability.BEGIN_SEND, *OWN}
    assert set(told.operations) == set(tomllib.loads(text)) & set(told.operations)
    assert [row.code for row in told.refusals] == ["ahead", "malformed", "full", "store"]


def test_capabilities_are_what_is_described(file: Path) -> None:
    assert described(file, {}).capabilities == {Capability.SEND_SEQ, Capability.OVERLAP, Capability.WIRE}
    assert described(file, {"send.seq": None, "overlap": False}).capabilities == {Capability.WIRE}
    told = described(file, {"paging": True, "start": "serve {port}", "base_url": None, "trim.path": "/t/{account}"})
    assert told.capabilities == {Capability(name) for name in ("send_seq", "paging", "overlap", "wire", "kill", "trim")}


def test_a_claimed_profile_is_found_also_in_a_file_beside_it(file: Path) -> None:
    claimed = described(file, {"profile": "gappy+idempotent"}).profile
    assert claimed is not None
    assert claimed.gaps
    assert claimed.idempotent
    (file.parent / "wide.toml").write_text("[profile.wide]\nseq_max = 9007199254740993\n", "utf-8")
    claimed = described(file, {"profile": "wide.toml"}).profile
    assert claimed is not None
    assert claimed.seq_max == 2**53 + 1 > UINT_MAX


def test_blanks_are_percent_encoded_where_they_must_be_and_keep_their_type_in_json(file: Path) -> None:
    told = described(
        file,
        {
            "send.headers": {"X-Key": "{client_id}"},
            "send.body": {"text": "{body}", "a": ["{client_id:text}", 1, True, {"b": "<{sender}> {{}}"}]},
            "recv.method": "POST",
            "recv.body": {"number": "{seq_cli}", "text": "{seq_cli:text}", "mixed": "n{seq_cli}"},
        },
    )
    values: dict[str, Value] = {"account": "x /ü?", "sender": 'a"b', "client_id": "c\n1", "body": "m&1"}
    values |= {"phone": "A", "seq_cli": 2**60}
    send, recv = told.operations["send"], told.operations["recv"]
    assert send.target(values) == "/x%20%2F%C3%BC%3F"
    assert [(name, text.encoded(values)) for name, text in send.headers] == [("X-Key", "c%0A1")]
    assert msgspec.json.decode(send.content(values) or b"") == {
        "text": "m&1",
        "a": ["c\n1", 1, True, {"b": '<a"b> {}'}],
    }
    assert recv.target(values).endswith(f"?after={2**60}&limit=50")
    assert msgspec.json.decode(recv.content(values) or b"") == {
        "number": 2**60,
        "text": str(2**60),
        "mixed": f"n{2**60}",
    }


def test_the_environment_fills_headers_and_is_not_read_as_blanks(file: Path) -> None:
    told = described(file, {"headers": {"Authorization": "Bearer ${TOKEN}"}})
    assert told.headers == (("Authorization", "Bearer se{cret}"),)
    told = described(file, {"basic": {"user": "me", "password": "${TOKEN}"}})
    assert told.headers == (("Authorization", "Basic bWU6c2V7Y3JldH0="),)


# ------------------------------------------------------------ mistakes

MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"base_url": None}, "base_url: is missing; write where the server listens, or `start`, how it is started"),
    ({"base_url": "127.0.0.1:80"}, "base_url: is no http:// or https:// address; write http://HOST:PORT, with a path"),
    ({"base_url": "http://h:99999"}, "base_url: is no http:// or https:// address"),
    ({"base_url": "http://h/?q=1"}, "base_url: is no http:// or https:// address"),
    ({"base_url": "http://me:pw@h/"}, "base_url: holds a user; write basic = { user = ..., password = ... }"),
    ({"base_url": "http://h:{port}"}, "base_url: {port} is known only with `start`; write the port"),
    (
        {"base_url": None, "start": "serve"},
        "start: never says {port}, where the kit will look for it; add it, or write",
    ),
    ({"start": "serve 'x {port}"}, "start: No closing quotation; mend the quotes"),
    ({"start": " "}, "start: is empty; write the command line that starts the server"),
    ({"start": "serve {porr}"}, "start: no blank {porr} here; did you mean port?"),
    ({"send": None}, "send: is missing; add it"),
    ({"recv.rows": None}, "recv.rows: is missing; add it"),
    ({"send.seqq": "/seq"}, "send.seqq: no such key; did you mean seq?"),
    ({"basE_url": "x"}, "basE_url: no such key; did you mean base_url"),
    ({"trim": {"path": "/{account}", "pathh": "/"}}, "trim.pathh: no such key; did you mean path?"),
    ({"errors": [{"status": 409, "cod": "full"}]}, "errors[0].cod: no such key; did you mean code?"),
    (
        {"errors": [{"status": 409, "code": "fulll"}]},
        "errors[0].code: invalid enum value 'fulll'; write ahead or malformed",
    ),
    ({"errors": [{"status": 40, "code": "full"}]}, "errors[0].status: expected int >= 200; mend the value"),
    ({"errors": [{"status": 409, "code": "full", "value": "x"}]}, "errors[0].value: says nothing without pointer"),
    ({"errors": [{"status": 200, "code": "full"}]}, "errors[0].status: 200 is also a success of send; add pointer and"),
    ({"errors": [{"status": 4.5, "code": "full"}]}, "errors[0].status: expected int, got float; mend the value"),
    ({"timeout_s": "5"}, "timeout_s: expected float, got str; mend the value"),
    ({"timeout_s": 0}, "timeout_s: expected float > 0.0; mend the value"),
    ({"send.ok": []}, "send.ok: expected array of length >= 1; mend the value"),
    ({"send.method": "SEND"}, "send.method: invalid enum value 'SEND'; write GET or POST or PUT or PATCH or DELETE"),
    ({"send.path": "messages"}, "send.path: must begin with /; it follows base_url"),
    ({"send.path": "/m?a={account}"}, "send.path: is a path of printable ASCII without ? and #; use query = { ... }"),
    ({"send.path": "/{acount}"}, "send.path: no blank {acount} here; did you mean account?"),
    ({"send.path": "/{account"}, "send.path: a single '{'; for the sign itself write it twice"),
    ({"send.body": {"t": "{body:int}"}}, "send.body.t: {body:int} has no meaning; write {body} or {body:text}"),
    ({"send.body": {"a": {"b": ["{seq_cli}"]}}}, "send.body.a.b: no blank {seq_cli} here; there is account, body, "),
    ({"send.body": None}, "send: never says {body}; put it into path, query, headers or body"),
    ({"recv.query": {}}, "recv: never says {seq_cli}; put it into path, query, headers or body"),
    ({"send.seq": "seq"}, "send.seq: 'seq' is no JSON pointer; write /key/0, or empty quotes for all of it"),
    ({"recv.rows": "/a~2"}, "recv.rows: '/a~2' is no JSON pointer"),
    ({"send.seq": None, "send_seq": True}, "send_seq: does not fit [send]; add send.seq, where the answer holds it"),
    ({"send_seq": False}, "send_seq: does not fit [send]; remove send.seq, or the flag"),
    ({"fresh": None}, 'reset: is missing; describe [reset], or write fresh = "names" if a new name is enough'),
    (
        {"reset": {"path": "/{account}"}},
        'fresh: "names" says that no reset is needed, and [reset] is described; remove',
    ),
    ({"headers": {"A": "${TOKN}"}}, "headers.A: the environment has no TOKN; run with TOKN=... set"),
    ({"headers": {"A": "${NEWLINE}"}}, "headers.A: holds a sign that a header cannot; printable ASCII only"),
    ({"headers": {"A b": "x"}}, "headers.A b: is no name of a header; use letters, digits and -"),
    ({"headers": {"Content-Length": "3"}}, "headers.Content-Length: is written by the kit itself; remove it"),
    ({"basic": {"user": "${USER}", "password": ""}}, "basic.user: holds a colon, which ends the user in basic"),
    ({"basic": {"user": "me"}}, "basic.password: is missing; add it"),
    (
        {"basic": {"user": "u", "password": "p"}, "headers": {"authorization": "x"}},
        "basic: and headers.Authorization say two things; remove one",
    ),
    ({"profile": "lenient"}, "profile: no profile 'lenient'; there are strict"),
    ({"seqproof": "http/2"}, "seqproof: invalid enum value 'http/2'; write http/1"),
]


@pytest.mark.parametrize(("changes", "line"), MISTAKES, ids=[line.partition(";")[0] for _, line in MISTAKES])
def test_a_mistake_is_one_line_with_the_file_the_key_and_the_mend(
    changes: dict[str, Any], line: str, file: Path
) -> None:
    with pytest.raises(FileError) as caught:
        described(file, changes)
    told = str(caught.value)
    assert told.startswith(f"{file}: {line}"), told
    assert "\n" not in told
    assert "; " in told or told.endswith("?")
    assert "a\nb" not in told


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b"a = 1\nb = [", "no TOML: "),
        (b"\xff", "no TOML: "),
        (b"send = 7\n", "send: expected a table, got int; mend the value"),
        (
            b'[send]\npath = "/"\nbody = {a = 2020-01-01}\n[recv]\npath="/"\nrows=""\nrow_seq=""\nrow_body=""',
            "send.body.a",
        ),
    ],
)
def test_a_file_that_is_no_such_toml_is_one_line(raw: bytes, line: str, file: Path) -> None:
    file.write_bytes(raw)
    with pytest.raises(FileError) as caught:
        read(file, {})
    assert str(caught.value).startswith(f"{file}: {line}")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"none\.toml: cannot be read: No such file.*; name a TOML file, as in http:"):
        read(tmp_path / "none.toml", {})


# ------------------------------------------------------------ the page that documents it

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "http.md").read_text("utf-8")


def test_the_example_of_the_page_is_the_shipped_one() -> None:
    assert f"```toml\n{Path(sample()).read_text('utf-8')}```\n" in PAGE


def test_the_page_has_every_key() -> None:
    tables = PAGE.partition("## Key by key")[2].partition("## Faults")[0]
    keys = {name for table in TABLES.values() for name in table.__struct_fields__} - {"user", "password"}
    assert {name for name in keys if f"`{name}`" not in tables and f"`[{name}]`" not in tables} == set()
