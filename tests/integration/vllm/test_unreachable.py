"""Servers that cannot be reached, or of which nothing comes: how long they are waited for, and what is said."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import pytest

from orchestrator.domain.deliberations import Usage
from orchestrator.domain.errors import ModelError
from orchestrator.vllm.client import ModelClient
from orchestrator.vllm.connections import Connections
from tests.integration.vllm.chunks import PLAIN
from tests.support.model_behaviour import Behaviour
from tests.support.model_calls import NoRehearsal, Seen, call, endpoint, seat
from tests.support.model_server import ModelServer
from tests.support.waiting import until


async def test_a_stopped_server_cannot_be_reached(
    client: ModelClient, seen: Seen, server: ModelServer
):
    await server.stop()
    with pytest.raises(
        ModelError, match="endpoint default cannot be reached: Connection refused"
    ) as raised:
        await client.ask(call(seat(endpoint(server.url))), lambda _: None)
    assert raised.value.retryable
    assert seen.suspected == ["default"]


async def test_a_host_name_that_leads_nowhere_may_lead_somewhere_later(client: ModelClient):
    with pytest.raises(ModelError, match="whose name leads nowhere now") as raised:
        await client.ask(call(seat(endpoint("http://vllm.invalid:8000"))), lambda _: None)
    assert raised.value.retryable


async def test_names_that_nobody_answers_for_keep_no_other_name_waiting(
    client: ModelClient, server: ModelServer, monkeypatch: pytest.MonkeyPatch
):
    asked, answered = list[str](), threading.Event()
    look_up = socket.getaddrinfo

    def looked_up(host: str, *arguments: Any, **named: Any) -> Any:
        if host != "localhost":
            asked.append(host)
            answered.wait()
        return look_up(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    dead = [
        endpoint(f"http://away-{number}.invalid:8000", f"away-{number}") for number in range(40)
    ]
    waiting = [asyncio.create_task(client.ask(call(seat(one)), lambda _: None)) for one in dead]
    try:
        await until(lambda: len(asked) == len(dead))
        here = endpoint(server.url.replace("127.0.0.1", "localhost"))
        assert (await client.ask(call(seat(here)), lambda _: None)).content
    finally:
        answered.set()
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_server_that_does_not_speak_tls_is_told_so(client: ModelClient):
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as plain:
        url = f"https://127.0.0.1:{plain.sockets[0].getsockname()[1]}"
        with pytest.raises(ModelError, match=r"does not speak TLS: .*wrong version") as raised:
            await client.ask(call(seat(endpoint(url))), lambda _: None)
    assert not raised.value.retryable


@pytest.mark.parametrize("alert", [80, 112], ids=["internal error", "unrecognized name"])
async def test_a_handshake_that_is_broken_off_may_succeed_later(client: ModelClient, alert: int):
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(bytes([0x15, 3, 3, 0, 2, 2, alert]))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as balancer:
        url = f"https://127.0.0.1:{balancer.sockets[0].getsockname()[1]}"
        with pytest.raises(ModelError, match="ended the TLS handshake") as raised:
            await client.ask(call(seat(endpoint(url))), lambda _: None)
    assert raised.value.retryable
    assert raised.value.usage == Usage()


async def test_a_url_that_no_client_takes_is_told_so(client: ModelClient):
    with pytest.raises(
        ModelError, match="URL of endpoint default must have four numbers"
    ) as raised:
        await client.ask(call(seat(endpoint("http://999.1.1.1/v1"))), lambda _: None)
    assert not raised.value.retryable


async def test_a_host_that_no_lookup_takes_is_told_so(client: ModelClient):
    with pytest.raises(ModelError, match="the URL of endpoint default must name a host") as raised:
        await client.ask(call(seat(endpoint("http://a..b/v1"))), lambda _: None)
    assert not raised.value.retryable


async def test_a_key_that_no_header_can_carry_is_told_by_its_variable(seen: Seen):
    async with Connections(
        environment={"VLLM_API_KEY": "sk\nsecret"}, calls_per_endpoint=1
    ) as connections:
        client = ModelClient(connections=connections, watch=seen, rehearsal=NoRehearsal())
        with pytest.raises(ModelError, match="the key in VLLM_API_KEY holds") as raised:
            await client.ask(call(seat(endpoint("http://127.0.0.1:1"))), lambda _: None)
    assert "secret" not in raised.value.reason


@pytest.fixture
async def hasty() -> AsyncGenerator[Connections]:
    """Of a process that waits 50 ms for a connection."""
    async with Connections(
        environment={}, calls_per_endpoint=4, connect_seconds=0.05, silence_seconds=5
    ) as connections:
        yield connections


async def test_a_host_that_does_not_answer_is_given_up_on_in_time(hasty: Connections):
    # 192.0.2.0/24 is for documentation: where anything is there at all, it is not a server.
    client = ModelClient(connections=hasty, watch=Seen(), rehearsal=NoRehearsal())
    with pytest.raises(ModelError) as raised:
        await client.ask(call(seat(endpoint("http://192.0.2.1:8000"))), lambda _: None)
    assert raised.value.retryable


@pytest.mark.parametrize("silence", [0.3])
@pytest.mark.parametrize("plain", [PLAIN % (10**6, b"{"), b"HTTP/1.1 200 OK\r\n"])
async def test_an_answer_that_trickles_in_without_end_is_given_up_on(
    client: ModelClient, plain: bytes
):
    gone = asyncio.Event()

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(plain)
        with suppress(ConnectionError):
            while True:
                try:
                    async with asyncio.timeout(0.05):
                        if not await reader.read(65536):
                            break
                except TimeoutError:
                    writer.write(b" " if plain.endswith(b"{") else b"x: y\r\n")
        writer.close()
        gone.set()

    async with await asyncio.start_server(trickle, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with asyncio.timeout(30):
            with pytest.raises(ModelError) as raised:
                await client.ask(call(seat(endpoint(url))), lambda _: None)
            await gone.wait()
    assert raised.value.retryable


@pytest.mark.parametrize("silence", [1.5])
async def test_a_slow_answer_is_waited_for_as_long_as_something_of_it_comes(
    client: ModelClient, server: ModelServer, silence: float
):
    # Longer than the silence that is borne, and each piece within it, however slow the machine.
    server.script(Behaviour(content="It takes its time.", reasoning="Hm.", pieces=8, pace=0.25))
    begun = asyncio.get_running_loop().time()
    answer = await client.ask(call(seat(endpoint(server.url))), lambda _: None)
    assert (answer.content, answer.reasoning) == ("It takes its time.", "Hm.")
    assert asyncio.get_running_loop().time() - begun > silence


async def test_a_stream_of_more_bytes_than_an_answer_can_have_is_given_up_on(
    client: ModelClient, server: ModelServer
):
    server.script(Behaviour(chunks=((b": " + b"x" * 1_000_000 + b"\n"),) * 34))
    with pytest.raises(ModelError, match="sent more than 33554432 bytes for one answer") as raised:
        await client.ask(call(seat(endpoint(server.url))), lambda _: None)
    assert not raised.value.retryable
