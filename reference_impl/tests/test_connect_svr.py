"""Tips over the wire: real sockets, two ConnectSvrs, late closes, and phones that say or read nothing good."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from starlette.websockets import WebSocketDisconnect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from seqproof_reference.long_connection import LongConnection
from seqproof_reference.serve import Options, serving

WAIT_S = 10.0


class House:
    """A server with two ConnectSvrs in this process, and what a phone does with it."""

    def __init__(self, urls: list[str]) -> None:
        self.urls = urls
        self.http = httpx.Client(timeout=WAIT_S, trust_env=False)
        self.opened = ExitStack()

    def login(self, account: str, phone: str, at: int = 0) -> ClientConnection:
        """Open a long connection at a ConnectSvr; the pong says that it is routed."""
        url = self.urls[at].replace("http", "ws") + f"/v1/accounts/{account}/tips?phone={phone}"
        connection = self.opened.enter_context(connect(url, open_timeout=WAIT_S, close_timeout=WAIT_S, proxy=None))
        assert self.tips(connection) == 0
        return connection

    def tips(self, connection: ClientConnection, number: int = 7) -> int:
        """Count the tips that came before the pong."""
        connection.send(json.dumps({"ping": number}))
        count = 0
        while (said := json.loads(connection.recv(timeout=WAIT_S))) == {"tip": True}:
            count += 1
        assert said == {"pong": number}
        return count

    def send(self, account: str, at: int = 0) -> None:
        """Send a message and wait until all of it is handed on."""
        reply = self.http.post(f"{self.urls[at]}/v1/accounts/{account}/messages", json={"sender": "s", "body": "m"})
        assert reply.status_code == 200
        assert self.http.post(f"{self.urls[at]}/admin/quiesce").json() == {}

    def routes(self, account: str) -> list[tuple[str, str]]:
        """(phone, ConnectSvr) of the account, the current one last."""
        rows = self.http.get(f"{self.urls[0]}/admin/routes").json()
        return [(row["phone"], row["connect_svr"]) for row in rows if row["account"] == account]

    def until_routed(self, account: str, expected: list[tuple[str, str]]) -> None:
        """Ask until the server has noticed a close."""
        assert any(self.routes(account) == expected for _ in range(1000)), self.routes(account)

    def os_push(self) -> list[tuple[str, str]]:
        rows = self.http.get(f"{self.urls[0]}/admin/os_push").json()
        return [(row["account"], row["phone"]) for row in rows]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    options = Options(tmp_path_factory.mktemp("tips") / "msgs.db", connect=2, admin=True)
    with serving(options) as urls:
        house = House(urls)
        yield house
        house.http.close()


@pytest.fixture
def house(shared: House) -> Iterator[House]:
    """Each test has accounts of its own; what it opened is closed."""
    shared.os_push()
    yield shared
    shared.opened.close()


def test_a_tip_finds_the_phone_on_whichever_connect_svr_it_is(house: House) -> None:
    """PSH-3: the send comes in at one, the phone is at the other."""
    phone, other = house.login("a", "A", at=1), house.login("a2", "A", at=0)
    house.send("a", at=0)
    house.send("a", at=1)
    assert (house.tips(phone), house.tips(other)) == (2, 0)
    assert house.os_push() == []


def test_a_close_that_comes_late_does_not_unroute_the_new_connection(house: House) -> None:
    old = house.login("b", "A", at=0)
    new = house.login("b", "A", at=1)
    house.send("b")
    old.close()
    house.send("b")
    assert (house.tips(new), house.os_push()) == (2, [])
    assert house.routes("b") == [("A", "ConnectSvr 2")]


def test_the_latest_phone_is_the_route_and_the_one_before_it_follows(house: House) -> None:
    first, second = house.login("c", "A", at=0), house.login("c", "B", at=1)
    house.send("c")
    assert (house.tips(first), house.tips(second)) == (0, 1)
    second.close()
    house.until_routed("c", [("A", "ConnectSvr 1")])
    house.send("c")
    assert house.tips(first) == 1


def test_without_a_connection_the_phone_os_is_told(house: House) -> None:
    house.login("d", "A").close()
    house.until_routed("d", [])
    house.send("d")
    house.send("never seen")
    assert house.os_push() == [("d", "A")]
    assert house.os_push() == []


def test_the_phone_is_known_after_a_restart_until_its_account_is_reset(tmp_path: Path) -> None:
    options = Options(tmp_path / "msgs.db", admin=True)
    with serving(options) as urls:
        House(urls).login("e", "A").close()
    with serving(options) as urls:
        house = House(urls)
        house.send("e")
        assert house.os_push() == [("e", "A")]
        assert house.http.post(f"{urls[0]}/admin/accounts/e/reset").json() == {}
        house.send("e")
        assert house.os_push() == []
        house.http.close()
    with serving(options) as urls:
        house = House(urls)
        house.send("e")
        assert house.os_push() == []
        house.http.close()


@pytest.mark.parametrize("path", ["f/tips", "f/tips?phone=", f"f/tips?phone={'A' * 257}", "%ff/tips?phone=A"])
def test_a_login_without_a_name_is_refused_before_there_is_a_connection(house: House, path: str) -> None:
    url = f"{house.urls[0].replace('http', 'ws')}/v1/accounts/{path}"
    with pytest.raises(InvalidStatus) as caught, connect(url, proxy=None):
        pass
    assert caught.value.response.status_code == 400
    assert json.loads(caught.value.response.body or b"")["error"] == "malformed"


@pytest.mark.parametrize("said", ["", "[]", '{"ping": "1"}', '{"ping": 1.5}', '{"tip": true}', b'{"ping": 1}'])
def test_who_says_what_is_no_ping_is_told_so_and_goes(house: House, said: str | bytes) -> None:
    phone = house.login("g", "A")
    phone.send(said)
    with pytest.raises(ConnectionClosed) as caught:
        phone.recv(timeout=WAIT_S)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1008
    house.until_routed("g", [])


def test_a_frame_over_the_bound_ends_the_connection(house: House) -> None:
    phone = house.login("h", "A")
    phone.send("x" * 2000)
    with pytest.raises(ConnectionClosed):
        phone.recv(timeout=WAIT_S)
    house.until_routed("h", [])


class Socket:
    """A phone's socket that takes frames while ``open``, and then neither takes nor refuses one."""

    def __init__(self) -> None:
        self.frames: list[str] = []
        self.open = asyncio.Event()
        self.fourth = asyncio.Event()
        self.coming: asyncio.Queue[str] = asyncio.Queue()

    async def receive_text(self) -> str:
        return await self.coming.get()

    async def send_text(self, data: str) -> None:
        await self.open.wait()
        self.frames.append(data)
        if len(self.frames) == 4:
            self.fourth.set()

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        raise WebSocketDisconnect(code, reason)


def test_a_pong_comes_after_every_tip_that_was_queued_before_it() -> None:
    async def test() -> None:
        socket = Socket()
        connection = LongConnection(socket)
        living = asyncio.ensure_future(connection.live())
        tips = [asyncio.ensure_future(connection.tip()) for _ in range(3)]
        await asyncio.sleep(0)
        socket.coming.put_nowait('{"ping":1}')
        for _ in range(5):
            await asyncio.sleep(0)
        socket.open.set()
        assert await asyncio.gather(*tips) == [True] * 3
        await asyncio.wait_for(socket.fourth.wait(), WAIT_S)
        assert socket.frames == ['{"tip":true}'] * 3 + ['{"pong":1}']
        living.cancel()

    asyncio.run(test())


def test_a_phone_that_does_not_read_loses_its_connection() -> None:
    async def test() -> None:
        connection = LongConnection(Socket(), patience_s=0)
        living = asyncio.ensure_future(connection.live())
        assert not await connection.tip()
        await asyncio.wait_for(living, WAIT_S)

    asyncio.run(test())
