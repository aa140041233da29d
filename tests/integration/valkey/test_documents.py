"""What is in a server of the Redis protocol is read, and what stands in the way is told."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import Any, cast

import pytest
import redis
from redis.asyncio import Redis

from orchestrator.domain.errors import RefusedError, UnavailableError, WrongSettingError
from orchestrator.valkey.documents import NoClientError, read_documents
from tests.support import redis_server
from tests.support.ports import free_port
from tests.support.redis_server import running

KEY = "orchestrator:councils:DEV"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[str, redis.Redis]]:
    with running(tmp_path_factory.mktemp("redis")) as there:
        yield there


@pytest.fixture
def client(server: tuple[str, redis.Redis]) -> redis.Redis:
    server[1].flushall()
    return server[1]


@pytest.fixture
def url(server: tuple[str, redis.Redis]) -> str:
    return f"valkey://{server[0]}/0"


async def test_each_council_is_read_once_among_many_other_keys(
    client: redis.Redis, url: str
) -> None:
    many = {f"other:{number}": "x" for number in range(5000)}
    ours = {f"orchestrator:councils:ROLE{number}": f'["a{number}"]' for number in range(300)}
    client.mset({**many, **ours})
    assert (await read_documents(url)).texts == ours


async def test_it_only_reads_and_never_asks_for_all_keys_at_once(
    client: redis.Redis, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.set(KEY, "[]")
    asked: set[str] = set()
    real = cast("Callable[..., Awaitable[Any]]", Redis.execute_command)

    async def heard(self: Redis, *arguments: Any, **more: Any) -> Any:
        asked.add(str(arguments[0]))
        return await real(self, *arguments, **more)

    monkeypatch.setattr(Redis, "execute_command", heard)
    await read_documents(url)
    assert asked == {"SCAN", "TYPE", "GET"}


async def test_an_empty_server_has_none(client: redis.Redis, url: str) -> None:
    assert client.dbsize() == 0
    found = await read_documents(url)
    assert (found.texts, found.ignored) == ({}, ())


async def test_keys_that_hold_no_text_are_ignored_and_told(client: redis.Redis, url: str) -> None:
    client.hset(KEY, "role", "DEV")
    client.set("orchestrator:councils:OPS", b"\xff\xfe")
    client.set(b"orchestrator:councils:\xff", "[]")
    client.set("orchestrator:councils:QA", '["a"]')
    found = await read_documents(url)
    assert found.texts == {"orchestrator:councils:QA": '["a"]'}
    assert found.ignored == (
        "orchestrator:councils:DEV, which is a hash and not a text with a JSON document",
        "orchestrator:councils:OPS, which is not valid UTF-8",
        r"the key b'orchestrator:councils:\xff', which is not valid UTF-8",
    )


async def test_what_is_gone_before_it_is_read_is_no_council(
    client: redis.Redis, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = ("orchestrator:councils:BEFORE", "orchestrator:councils:BETWEEN")
    client.mset(dict.fromkeys([KEY, *gone], "[]"))
    real = cast("Callable[..., Awaitable[Any]]", Redis.type)

    async def slow(self: Redis, key: bytes) -> Any:
        client.delete(gone[0])
        kind = await real(self, key)
        client.delete(gone[1])
        return kind

    monkeypatch.setattr(Redis, "type", slow)
    found = await read_documents(url)
    assert (found.texts, found.ignored) == ({KEY: "[]"}, ())


async def test_one_node_of_a_cluster_is_not_taken_for_all_of_it() -> None:
    """It lists what it has, and says of any other key where that is."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.read(1024):
            if b"SCAN" in request:
                writer.write(b"*2\r\n$1\r\n0\r\n*1\r\n$%d\r\n%s\r\n" % (len(KEY), KEY.encode()))
            elif KEY.encode() in request:
                writer.write(b"+string\r\n" if b"TYPE" in request else b"$2\r\n[]\r\n")
            elif b"TYPE" in request:
                writer.write(b"-MOVED 3999 127.0.0.1:6381\r\n")
            else:
                writer.write(b"+OK\r\n" * request.count(b"*"))
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(RefusedError, match="a node of a cluster, which has but some of the"):
            await read_documents(f"valkey://127.0.0.1:{port}/0")


async def test_who_may_only_read_reads(client: redis.Redis, url: str) -> None:
    if not redis_server.is_real():
        pytest.skip("the server in Python that runs here knows no users")
    client.set(KEY, "[]")
    client.acl_setuser(
        "reader", enabled=True, passwords=["+pw"], keys=[KEY], commands=["+scan", "+type", "+get"]
    )
    found = await read_documents(url.replace("://", "://reader:pw@"))
    assert found.texts == {KEY: "[]"}


async def test_a_server_of_another_protocol_is_told() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(UnavailableError, match=f"at 127.0.0.1:{port} is no Valkey"):
            await read_documents(f"valkey://127.0.0.1:{port}/0")


@pytest.mark.parametrize(
    "url",
    [
        *("", "vllm", "http://host", "valkey://", "valkey:/host", "valkey://host:port"),
        *("valkey://host/foo", "valkey://host/db1", "valkey://host/0/1", "valkey://host/-1"),
        *("valkey://host/0?foo=bar", "valkey://host/0?db=x", "valkey://host/0?protocol=7"),
        # Of a password that was not encoded, none of it is a host.
        *("valkey://:se@cret#@host/0", "valkey://secret#@host/0", "valkey://secret?@host/0"),
    ],
)
async def test_a_url_that_is_none_is_told(url: str) -> None:
    with pytest.raises(WrongSettingError, match=r"valkey://host:6379/0") as wrong:
        await read_documents(url)
    assert "cret" not in str(wrong.value)


async def test_a_server_that_is_away_is_told_without_a_password() -> None:
    port = free_port()
    with pytest.raises(UnavailableError, match=f"cannot be reached at 127.0.0.1:{port}") as away:
        await read_documents(f"redis://me:secret@127.0.0.1:{port}/0")
    assert "Connect call failed" in str(away.value)
    assert "secret" not in str(away.value)


async def test_why_a_server_that_is_there_cannot_be_read_is_told() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            writer.write(b"-LOADING the dataset is being loaded\r\n")
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(UnavailableError, match="the dataset is being loaded"):
            await read_documents(f"valkey://127.0.0.1:{port}/0")


async def test_a_wrong_password_is_told_and_not_repeated(tmp_path: Path) -> None:
    if not redis_server.is_real():
        pytest.skip("the server in Python that runs here asks for no password")
    with running(tmp_path, password="right") as (where, client):
        client.set(KEY, "[]")
        found = await read_documents(f"redis://:right@{where}/0")
        assert found.texts == {KEY: "[]"}
        for login in (":wrong@", ""):
            with pytest.raises(RefusedError, match="the server refuses") as refused:
                await read_documents(f"redis://{login}{where}/0")
            assert "wrong" not in str(refused.value).replace("WRONGPASS", "")


async def test_without_the_client_it_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = builtins.__import__

    def lacking(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "redis":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", lacking)
    with pytest.raises(NoClientError, match=r"pip install '\.\[valkey\]'"):
        await read_documents("valkey://host:6379/0")
