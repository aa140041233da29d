"""Every way in which a server fails, what is said about it, and whether asking again can help."""

from __future__ import annotations

import gzip
from dataclasses import dataclass

import httpx
import pytest
from aiohttp.http_exceptions import HttpProcessingError
from structlog.testing import capture_logs

from orchestrator.domain.deliberations import Usage
from orchestrator.domain.errors import ModelError
from orchestrator.vllm import failures, reading
from orchestrator.vllm.client import ModelClient
from orchestrator.vllm.connections import Connections
from orchestrator.vllm.reading import LONGEST_LINE
from tests.integration.vllm.chunks import DONE, END, PLAIN, SAID, event
from tests.support.model_behaviour import Behaviour
from tests.support.model_calls import Seen, call, endpoint, load, seat
from tests.support.model_completions import vllm_error
from tests.support.model_server import ModelServer


@dataclass(frozen=True, slots=True)
class Failure:
    """What the server does, words of the reason in their order, and whether it is worth asking again."""

    name: str
    behaviour: Behaviour
    words: tuple[str, ...]
    retryable: bool
    retry_after: float | None = None


FAILURES = [
    Failure(
        "500",
        Behaviour(status=500),
        ("endpoint default answered 500 Internal Server Error",),
        retryable=True,
    ),
    Failure(
        "500 without a body",
        Behaviour(status=500, body=b""),
        ("endpoint default answered 500 Internal Server Error",),
        retryable=True,
    ),
    Failure(
        "502 of a proxy, in HTML",
        Behaviour(status=502, body=b"<html>\n<h1>Bad\x00 Gateway</h1>"),
        ("502 Bad Gateway: <html> <h1>Bad\ufffd Gateway</h1>",),
        retryable=True,
    ),
    Failure(
        "503 as vLLM's full queue",
        Behaviour(status=503, body=vllm_error(503, "The engine's queue is full.")),
        ("503 Service Unavailable: The engine's queue is full.",),
        retryable=True,
    ),
    Failure(
        "429 with seconds",
        Behaviour(status=429, headers=(("Retry-After", "7"),)),
        ("429 Too Many Requests",),
        retryable=True,
        retry_after=7.0,
    ),
    Failure(
        "429 with years",
        Behaviour(status=429, headers=(("Retry-After", "99999999"),)),
        ("429",),
        retryable=True,
        retry_after=300.0,
    ),
    Failure(
        "429 with a date that is gone",
        Behaviour(status=429, headers=(("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT"),)),
        ("429",),
        retryable=True,
        retry_after=0.0,
    ),
    Failure(
        "429 with a date that is far",
        Behaviour(status=429, headers=(("Retry-After", "Wed, 21 Oct 2099 07:28:00 GMT"),)),
        ("429",),
        retryable=True,
        retry_after=300.0,
    ),
    Failure(
        "429 with nonsense",
        Behaviour(status=429, headers=(("Retry-After", "soon"),)),
        ("429",),
        retryable=True,
    ),
    Failure(
        "429 with nan",
        Behaviour(status=429, headers=(("Retry-After", "nan"),)),
        ("429",),
        retryable=True,
    ),
    Failure(
        "503 with a date in no time zone",
        Behaviour(
            status=503,
            headers=(("Retry-After", f"Mon, 01 Jan 2024 00:00:00 +{'9' * 17}"),),
        ),
        ("503 Service Unavailable",),
        retryable=True,
    ),
    Failure(
        "400 of a vLLM that is at work for the same request still",
        Behaviour(status=400, body=vllm_error(400, "Request id chatcmpl-x already running.")),
        ("400 Bad Request: Request id chatcmpl-x already running.",),
        retryable=True,
    ),
    Failure(
        "the same inside a stream",
        Behaviour(
            chunks=(
                b"data: " + vllm_error(400, "Request id chatcmpl-x already running.") + b"\n\n",
            )
        ),
        ("broke off its answer with an error: Request id chatcmpl-x already running.",),
        retryable=True,
    ),
    Failure(
        "500 whose words are nested too deep",
        Behaviour(status=500, body=b"[" * 450 + b'"oops"' + b"]" * 450),
        ("endpoint default answered 500 Internal Server Error",),
        retryable=True,
    ),
    Failure("408", Behaviour(status=408), ("408 Request Timeout",), retryable=True),
    Failure(
        "400 for its length",
        Behaviour(
            status=400,
            body=vllm_error(400, "This model's maximum context length is 2048 tokens."),
        ),
        ("400 Bad Request: This model's maximum context length is 2048", "shorten the task"),
        retryable=False,
    ),
    Failure(
        "400 for its length, as older vLLMs say it",
        Behaviour(
            status=400,
            body=vllm_error(400, "The prompt is longer than the maximum model length of 100."),
        ),
        ("the maximum model length of 100.", "shorten the task"),
        retryable=False,
    ),
    Failure(
        "400 for its length, as llama.cpp says it",
        Behaviour(
            status=400,
            body=b'{"error":{"code":400,"message":"request (90 tokens) exceeds the available context size (64 tokens), try increasing it","type":"exceed_context_size_error"}}',
        ),
        ("context size (64 tokens), try increasing it", "shorten the task"),
        retryable=False,
    ),
    Failure(
        "400 with words that a terminal would obey",
        Behaviour(status=400, body=vllm_error(400, "a\x1b[31mb\x07c\u202ed")),
        ("400 Bad Request: a\ufffd[31mb\ufffdc\ufffdd",),
        retryable=False,
    ),
    Failure(
        "400 for something else",
        Behaviour(status=400, body=vllm_error(400, "Grammar error: unknown keyword")),
        ("400 Bad Request: Grammar error: unknown keyword",),
        retryable=False,
    ),
    Failure(
        "400 with words without end",
        Behaviour(status=400, body=vllm_error(400, "no " * 50_000)),
        ("400 Bad Request: no no no", "…"),
        retryable=False,
    ),
    Failure(
        "401 as vLLM says it",
        Behaviour(status=401, body=b'{"error":"Unauthorized"}'),
        ("401 Unauthorized: Unauthorized (check VLLM_API_KEY where the service runs)",),
        retryable=False,
    ),
    Failure(
        "404 for its path",
        Behaviour(status=404, body=b'{"detail":"Not Found"}'),
        ("404 Not Found: Not Found (is http://127.0.0.1:", "address of an OpenAI-compatible API?"),
        retryable=False,
    ),
    Failure(
        "422 with a list of details",
        Behaviour(status=422, body=b'{"detail":[{"loc":["body"],"msg":"field required"}]}'),
        ("422 ", ": field required"),
        retryable=False,
    ),
    Failure(
        "422 with where the mistake is",
        Behaviour(
            status=422,
            body=b'{"detail":[{"loc":["body","messages",0,"role"],"msg":"Input should be \'user\'"}]}',
        ),
        ("422 ", ": messages.role: Input should be 'user'"),
        retryable=False,
    ),
    Failure(
        "a redirect",
        Behaviour(status=307, headers=(("Location", "http://169.254.169.254/v1"),)),
        ("307 Temporary Redirect to 'http://169.254.169.254/v1'", "redirects are not followed"),
        retryable=False,
    ),
    Failure(
        "a status that nobody knows",
        Behaviour(status=418, body=b"[]"),
        ("418 I'm a Teapot",),
        retryable=False,
    ),
    Failure(
        "a status without a name",
        Behaviour(raw=b"HTTP/1.1 599 \r\ncontent-length: 0\r\n\r\n"),
        ("endpoint default answered 599",),
        retryable=True,
    ),
    Failure(
        "an error whose words are cut off",
        Behaviour(raw=b"HTTP/1.1 500 X\r\ncontent-length: 100\r\n\r\nhal"),
        ("endpoint default answered 500 Internal Server Error",),
        retryable=True,
    ),
    Failure(
        "an unstreamed answer without end",
        Behaviour(raw=PLAIN % (2 * LONGEST_LINE, b"[" + b" " * (2 * LONGEST_LINE - 1))),
        ("sent what is not JSON of a completion",),
        retryable=False,
    ),
    Failure(
        "no answer",
        Behaviour(refuse=True),
        ("closed the connection without an answer",),
        retryable=True,
    ),
    Failure("silence", Behaviour(hang_after=-1), ("endpoint default fell silent",), retryable=True),
    Failure(
        "silence in the middle",
        Behaviour(hang_after=2),
        ("endpoint default fell silent",),
        retryable=True,
    ),
    Failure(
        "comments, and never an answer",
        Behaviour(trickle=b": ping\n\n", hang_after=0, pace=0.02),
        ("endpoint default fell silent: nothing of an answer came for 0.3 s",),
        retryable=True,
    ),
    Failure(
        "empty pieces, and never an answer",
        Behaviour(trickle=event({"role": "assistant", "content": ""}), hang_after=0, pace=0.02),
        ("endpoint default fell silent: nothing of an answer came for 0.3 s",),
        retryable=True,
    ),
    Failure(
        "comments after half an answer",
        Behaviour(trickle=b": ping\n\n", hang_after=2, pace=0.02),
        ("endpoint default fell silent: nothing of an answer came for 0.3 s",),
        retryable=True,
    ),
    Failure("a cut", Behaviour(cut_after=2), ("cut its answer off",), retryable=True),
    Failure("a cut at once", Behaviour(cut_after=0), ("cut its answer off",), retryable=True),
    Failure(
        "an end after a reason to finish that is none",
        Behaviour(chunks=(event({"content": "Half"}, finish_reason=""),)),
        ("cut its answer off: the stream ended before the answer did",),
        retryable=True,
    ),
    Failure(
        "an end in good order before the answer is complete",
        Behaviour(end_after=3),
        ("cut its answer off: the stream ended before the answer did",),
        retryable=True,
    ),
    Failure(
        "[DONE] before the answer is complete",
        Behaviour(chunks=(SAID, DONE)),
        ("cut its answer off: the stream ended before the answer did",),
        retryable=True,
    ),
    Failure(
        "a cut inside of a chunk",
        Behaviour(chunks=(SAID, END[:20])),
        ("cut its answer off: the stream ended before the answer did",),
        retryable=True,
    ),
    Failure(
        "an answer that vLLM aborted",
        Behaviour(finish_reason="abort"),
        ("cut its answer off: finish_reason 'abort'",),
        retryable=True,
    ),
    Failure(
        "an error inside a 200 stream",
        Behaviour(error_after=2),
        ("broke off its answer with an error: EngineCore encountered an issue.",),
        retryable=True,
    ),
    Failure(
        "an error after the finish reason",
        Behaviour(chunks=(SAID, END, b'data: {"error": "late"}\n\n', DONE)),
        ("broke off its answer with an error: late",),
        retryable=True,
    ),
    Failure(
        "an error inside a stream that is the caller's",
        Behaviour(chunks=(b"data: " + vllm_error(400, "bad grammar") + b"\n\n", DONE)),
        ("broke off its answer with an error: bad grammar",),
        retryable=False,
    ),
    Failure(
        "an error inside a stream that is the caller's, as LiteLLM says it",
        Behaviour(chunks=(b'data: {"error": {"message": "bad grammar", "code": "400"}}\n\n',)),
        ("broke off its answer with an error: bad grammar",),
        retryable=False,
    ),
    Failure(
        "an error inside a stream with a code that is no status",
        Behaviour(chunks=(b'data: {"error": {"message": "oops", "code": "server_error"}}\n\n',)),
        ("broke off its answer with an error: oops",),
        retryable=True,
    ),
    Failure(
        "an error inside a stream whose words are nested too deep",
        Behaviour(chunks=(b'data: {"error": ' + b"[" * 450 + b"1" + b"]" * 450 + b"}\n\n",)),
        ("broke off its answer with an error",),
        retryable=True,
    ),
    Failure(
        "an error as older servers put it",
        Behaviour(chunks=(b'data: {"object":"error","message":"no room","code":500}\n\n',)),
        ("broke off its answer with an error: no room",),
        retryable=True,
    ),
    Failure(
        "what is not JSON",
        Behaviour(chunks=(SAID, b"data: {oops}\n\n")),
        ("sent what is not JSON of a completion: '{oops}'",),
        retryable=False,
    ),
    Failure(
        "JSON that is no object",
        Behaviour(chunks=(SAID, b"data: [1]\n\n")),
        ("sent what is not JSON of a completion: '[1]'",),
        retryable=False,
    ),
    Failure(
        "JSON nested without end",
        Behaviour(chunks=(b"data: " + b"[" * 100_000 + b"\n\n",)),
        ("sent what is not JSON of a completion",),
        retryable=False,
    ),
    Failure(
        "a line without end",
        Behaviour(chunks=(b"data: " + b"x" * (LONGEST_LINE + 1),)),
        (f"sent a line of more than {LONGEST_LINE} bytes",),
        retryable=False,
    ),
    Failure(
        "an answer without end",
        Behaviour(chunks=(event({"content": "x" * 500_000}),) * 3),
        ("sent an answer of more than 1000000 characters",),
        retryable=False,
    ),
    Failure(
        "what is not HTTP",
        Behaviour(raw=b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
        ("does not speak HTTP",),
        retryable=False,
    ),
    Failure(
        "a page instead of an answer",
        Behaviour(raw=PLAIN % (13, b"<html></html>")),
        ("sent what is not JSON of a completion: '<html></html>'",),
        retryable=False,
    ),
    Failure(
        "JSON that is no completion",
        Behaviour(raw=PLAIN % (2, b"{}")),
        ("sent something that is no chat completion",),
        retryable=False,
    ),
    Failure(
        "an error under a 200, unstreamed",
        Behaviour(raw=PLAIN % (16, b'{"error":"oops"}')),
        ("broke off its answer with an error: oops",),
        retryable=True,
    ),
    Failure(
        "a body shorter than it was said to be",
        Behaviour(raw=PLAIN % (16, b'{"error":')),
        ("cut its answer off",),
        retryable=True,
    ),
    Failure(
        "compression that nobody asked for",
        Behaviour(
            raw=b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n\x1f\x8b"
        ),
        ("sent an answer compressed without having been asked to",),
        retryable=False,
    ),
]


CASES = [
    pytest.param(one, 30.0 if one.behaviour.hang_after is None else 0.3, id=one.name)
    for one in FAILURES
]
"""With how long a silence is borne."""


async def test_a_stream_of_which_nothing_is_an_answer_is_not_read_without_end(
    client: ModelClient, server: ModelServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reading, "LONGEST_STREAM", 1000)
    server.script(Behaviour(chunks=(b": still at it\n",) * 100))

    with pytest.raises(ModelError, match="sent more than 1000 bytes for one answer") as caught:
        await client.ask(call(seat(endpoint(server.url))), lambda _: None)
    assert not caught.value.retryable


def leaves_the_server_alone(failure: Failure) -> bool:
    """Whether nothing is sent there for a while afterwards: test_gate has what happens then."""
    behaviour = failure.behaviour
    return behaviour.status in {429, 503} or behaviour.hang_after is not None


@pytest.mark.parametrize(("failure", "silence"), CASES)
async def test_a_failing_server_is_an_error_that_says_what_and_whether_to_ask_again(
    client: ModelClient, connections: Connections, server: ModelServer, failure: Failure
):
    server.script(failure.behaviour)
    place = endpoint(server.url)
    with pytest.raises(ModelError) as raised:
        await client.ask(call(seat(place)), lambda _: None)
    error = raised.value
    rest = error.reason
    for words in failure.words:
        assert words in rest, error.reason
        rest = rest.partition(words)[2]
    assert len(error.reason) < 500
    assert "\n" not in error.reason
    assert (error.retryable, error.retry_after) == (failure.retryable, failure.retry_after)
    assert load(connections, place) == 0


@pytest.mark.parametrize(
    "failure",
    [one for one in FAILURES if one.behaviour.raw is None and not leaves_the_server_alone(one)],
    ids=lambda failure: failure.name,
)
async def test_after_a_failure_the_next_call_is_answered(
    client: ModelClient, server: ModelServer, failure: Failure
):
    server.script(failure.behaviour, attempts=1)
    asked = call(seat(endpoint(server.url)))
    with pytest.raises(ModelError):
        await client.ask(asked, lambda _: None)
    answer = await client.ask(asked, lambda _: None)
    assert answer.content.endswith("attempt 2.")


@pytest.mark.parametrize(("failure", "silence"), CASES)
async def test_only_what_a_server_did_not_begin_with_is_known_to_have_used_nothing(
    client: ModelClient, server: ModelServer, failure: Failure
):
    server.script(failure.behaviour)
    with pytest.raises(ModelError) as raised:
        await client.ask(call(seat(endpoint(server.url))), lambda _: None)
    status = failure.behaviour.status
    refused = status == 503 or (300 <= status < 500 and status != 408)
    untaken = refused or failure.name == "what is not HTTP"
    assert raised.value.usage == (Usage() if untaken else None)


@pytest.mark.parametrize(("begun", "usage"), [(False, Usage()), (True, None)])
async def test_what_is_no_http_after_the_head_of_an_answer_has_used_nobody_knows_what(
    connections: Connections, usage: Usage | None, *, begun: bool
):
    line = await connections.line(endpoint("http://127.0.0.1:1/v1"))
    error = failures.of_exception(line, HttpProcessingError(message="no chunk"), begun=begun)
    assert "does not speak HTTP" in error.reason
    assert (error.retryable, error.usage) == (begun, usage)


async def test_a_parameter_that_a_model_does_not_know_is_no_matter_of_length(
    client: ModelClient, server: ModelServer
):
    words = "Unsupported parameter: 'max_tokens' is not supported with this model."
    server.script(Behaviour(status=400, body=vllm_error(400, words)))
    with pytest.raises(ModelError) as raised:
        await client.ask(call(seat(endpoint(server.url))), lambda _: None)
    assert raised.value.reason == f"endpoint default answered 400 Bad Request: {words}"


async def test_nobody_who_takes_the_connection_has_used_nothing(client: ModelClient):
    with pytest.raises(ModelError) as raised:
        await client.ask(call(seat(endpoint("http://127.0.0.1:1/v1"))), lambda _: None)
    assert raised.value.usage == Usage()


async def test_an_error_that_is_compressed_is_told_by_its_status_alone(
    client: ModelClient, server: ModelServer
):
    body = gzip.compress(vllm_error(400, "no"))
    server.script(Behaviour(status=400, body=body, headers=(("Content-Encoding", "gzip"),)))
    with pytest.raises(ModelError) as raised:
        await client.ask(call(seat(endpoint(server.url))), lambda _: None)
    assert raised.value.reason == "endpoint default answered 400 Bad Request"


async def test_an_unknown_model_is_told_with_the_models_that_there_are(
    client: ModelClient, server: ModelServer
):
    server.models = tuple(f"model-{number}" for number in range(1, 11))
    with pytest.raises(ModelError) as raised:
        await client.ask(call(seat(endpoint(server.url), model="gone")), lambda _: None)
    assert raised.value.reason == (
        "endpoint default answered 404 Not Found: The model `gone` does not exist. (it serves model-1, "
        "model-2, model-3, model-4, model-5, model-6, model-7, model-8 and 2 more)"
    )
    assert not raised.value.retryable


@pytest.mark.parametrize(
    "words",
    [
        "model 'tiny' not found",
        "The model `tiny` does not exist",
        "/chat/completions: Invalid model name passed in model=tiny. Call `/v1/models` to view available models for your key.",
    ],
)
async def test_an_unknown_model_is_told_with_the_models_that_there_are_whatever_the_status(
    client: ModelClient, server: ModelServer, words: str
):
    server.script(Behaviour(status=400, body=vllm_error(400, words)))
    server.models = ("tiny", "large")
    with pytest.raises(ModelError, match=r"\(it serves tiny, large\)$"):
        await client.ask(call(seat(endpoint(server.url))), lambda _: None)


async def test_an_unknown_model_is_told_also_where_the_models_are_not(
    client: ModelClient, server: ModelServer
):
    server.models_status = 500
    with pytest.raises(ModelError, match=r"\(model gone is not served there\)"):
        await client.ask(call(seat(endpoint(server.url), model="gone")), lambda _: None)


async def test_what_a_call_raises_that_nobody_foresaw_is_the_models_failure_and_logged(
    client: ModelClient, seen: Seen, connections: Connections, server: ModelServer
):
    place = endpoint(server.url)
    with capture_logs() as logs, pytest.raises(ModelError) as raised:
        await client.ask(call(seat(place), turn="half\ud83d"), lambda _: None)
    assert raised.value.reason == "endpoint default could not be asked: UnicodeEncodeError"
    assert not raised.value.retryable
    assert [(line["event"], line["error"], line["epoch"]) for line in logs] == [
        ("call_failed_unforeseen", "UnicodeEncodeError", 1)
    ]
    assert seen.suspected == ["default"]
    assert load(connections, place) == 0


async def test_a_failure_that_nobody_foresaw_is_told_by_its_name(connections: Connections):
    line = await connections.line(endpoint("http://127.0.0.1:1"))
    error = failures.of_exception(line, httpx.HTTPError("odd"))
    assert error.reason == "endpoint default could not be asked: HTTPError: odd"
    assert not error.retryable
