"""What is odd and yet an answer: it is read as valid text."""

from __future__ import annotations

import json

import pytest

from orchestrator.domain.deliberations import Usage
from orchestrator.vllm.client import ModelClient
from tests.integration.vllm.chunks import DONE, END, SAID, event
from tests.support.model_behaviour import Behaviour
from tests.support.model_calls import call, endpoint, seat
from tests.support.model_server import ModelServer

ODD = [
    (
        "invalid UTF-8",
        (event({"content": "caf#"}).replace(b"#", b"\xe9"), END, DONE),
        "caf\ufffd",
    ),
    ("a lone surrogate", (event({"content": "a\ud800b"}), END, DONE), "a\ufffdb"),
    ("a lone surrogate at the end", (event({"content": "a\ud83d"}), END, DONE), "a\ufffd"),
    (
        "a pair of surrogates in two chunks",
        (event({"content": "a\ud83d"}), event({"content": "\ude00b"}), END, DONE),
        "a😀b",
    ),
    ("NUL", (event({"content": "a\0b"}), END, DONE), "a\ufffdb"),
    (
        "a stream without [DONE]",
        (SAID, END),
        "Half an answer",
    ),
    (
        "a last event without its empty line",
        (SAID, END.rstrip(b"\n") + b"\n"),
        "Half an answer",
    ),
    (
        "CRLF, comments, other fields and no space after data:",
        (
            b": hello\r\n",
            SAID.replace(b"data: ", b"event: message\r\nid: 7\r\ndata:").replace(b"\n", b"\r\n"),
            END.replace(b"\n", b"\r\n"),
            DONE,
        ),
        "Half an answer",
    ),
    (
        "events without data",
        (b"data:\n\n", SAID, b"data: \r\n\r\n", END, DONE),
        "Half an answer",
    ),
    (
        "an event of two lines",
        (SAID.replace(b'"choices": ', b'"choices":\ndata: '), END, DONE),
        "Half an answer",
    ),
    ("the mark of the byte order", (b"\xef\xbb\xbf" + SAID, END, DONE), "Half an answer"),
    (
        "an empty reason to have finished before there is one",
        (event({"content": "Half"}, finish_reason=""), event({"content": " an answer"}), END, DONE),
        "Half an answer",
    ),
    (
        "errors that are none",
        (
            SAID.replace(b'{"choices"', b'{"error": false, "choices"'),
            END.replace(b'{"choices"', b'{"error": "", "choices"'),
            DONE,
        ),
        "Half an answer",
    ),
    (
        "a stream cut into single bytes",
        tuple(bytes([byte]) for byte in SAID + END + DONE),
        "Half an answer",
    ),
    (
        "choices and fields of odd shapes",
        (
            b'data: {"choices": null}\n\n',
            b'data: {"choices": [7, {"delta": 7}, {"delta": {"content": 7, "reasoning": []}}]}\n\n',
            b'data: {"choices": [{"index": 1, "delta": {"content": "second"}}], "usage": 3}\n\n',
            SAID,
            END,
            DONE,
        ),
        "Half an answer",
    ),
]


@pytest.mark.parametrize(
    ("chunks", "content"), [one[1:] for one in ODD], ids=[one[0] for one in ODD]
)
async def test_an_odd_stream_is_read_as_valid_text(
    client: ModelClient, server: ModelServer, chunks: tuple[bytes, ...], content: str
):
    server.script(Behaviour(chunks=chunks))
    pieces: list[str] = []
    answer = await client.ask(call(seat(endpoint(server.url))), pieces.append)
    assert answer.content == content
    assert content.startswith("".join(pieces))
    for text in (answer.content, *pieces):
        text.encode()


async def test_thoughts_that_a_server_does_not_tell_apart_are_reasoning_and_told_while_they_come(
    client: ModelClient, server: ModelServer
):
    chunks = (event({"content": "<think>Hm."}), event({"content": "</think>\n\nWell."}), END, DONE)
    server.script(Behaviour(chunks=chunks))
    pieces: list[str] = []
    answer = await client.ask(call(seat(endpoint(server.url))), pieces.append)
    assert (answer.content, answer.reasoning) == ("Well.", "Hm.")
    assert "".join(pieces) == "<think>Hm.</think>\n\nWell."


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 2,
                "prompt_tokens_details": {"cached_tokens": 8},
            },
            Usage(prompt_tokens=9, cached_prompt_tokens=8, completion_tokens=2, calls=1),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": None},
            Usage(prompt_tokens=9, completion_tokens=2, calls=1),
        ),
        ({"prompt_tokens": -1, "completion_tokens": True}, Usage(calls=1)),
        ({"prompt_tokens": 2**31, "completion_tokens": 2}, Usage(completion_tokens=2, calls=1)),
        ({"prompt_tokens": 500.0, "completion_tokens": 2.5}, Usage(prompt_tokens=500, calls=1)),
        ({"prompt_tokens": 10**300, "completion_tokens": "2"}, Usage(calls=1)),
        (None, Usage(calls=1)),
    ],
)
async def test_usage_is_the_servers_own_count_or_nothing(
    client: ModelClient, server: ModelServer, usage: object, read: Usage
):
    last = b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\n"
    server.script(Behaviour(chunks=(SAID, END, last, DONE)))
    answer = await client.ask(call(seat(endpoint(server.url))), lambda _: None)
    assert answer.usage == read


async def test_a_count_without_numbers_leaves_the_one_before(
    client: ModelClient, server: ModelServer
):
    counted = b'data: {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}}\n\n'
    empty = b'data: {"choices": [], "usage": {}}\n\n'
    server.script(Behaviour(chunks=(SAID, END, counted, empty, DONE)))
    answer = await client.ask(call(seat(endpoint(server.url))), lambda _: None)
    assert answer.usage == Usage(prompt_tokens=9, completion_tokens=2, calls=1)


@pytest.mark.parametrize("encoding", ["", "Identity"])
async def test_the_head_of_a_stream_may_be_written_in_any_case(
    client: ModelClient, server: ModelServer, encoding: str
):
    head = f"HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream\r\nContent-Encoding: {encoding}\r\n"
    body = SAID + END + DONE
    server.script(Behaviour(raw=f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body))
    answer = await client.ask(call(seat(endpoint(server.url))), lambda _: None)
    assert answer.content == "Half an answer"


async def test_a_ballot_that_is_no_json_is_returned_as_it_was_said(
    client: ModelClient, server: ModelServer
):
    server.script(Behaviour(content="I vote for A."))
    schema = {"properties": {"ranking": {"enum": ["A"]}}}
    answer = await client.ask(
        call(seat(endpoint(server.url)), answer_schema=schema), lambda _: None
    )
    assert answer.content == "I vote for A."
