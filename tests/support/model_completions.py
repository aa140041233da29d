"""What a model server says: an answer as JSON or as the events of a stream, a ballot, an error, in vLLM's form."""

from __future__ import annotations

import itertools
import json
import random
from hashlib import sha256
from typing import Any

from tests.support.model_behaviour import Behaviour, Request

TYPES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    404: "NotFoundError",
    429: "RateLimitError",
    500: "InternalServerError",
    503: "Service Unavailable",
}


def vllm_error(status: int, message: str) -> bytes:
    """Build an error's body as vLLM does."""
    kind = TYPES.get(status, "Error")
    return json.dumps(
        {"error": {"message": message, "type": kind, "param": None, "code": status}}
    ).encode()


def stream(request: Request, behaviour: Behaviour) -> tuple[list[bytes], list[bytes], str]:
    """Return the events that carry pieces, those after them, and the outcome."""
    if behaviour.chunks is not None:
        ending = "answered" if behaviour.cut_after is None else "cut by server"
        return [], list(behaviour.chunks), ending
    head = (
        f'data: {{"id":"chatcmpl-{request.id}","object":"chat.completion.chunk",'
        f'"created":{int(request.begun)},"model":{json.dumps(request.model)},"choices":'
    ).encode()

    def event(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return head + b"[" + json.dumps(choice).encode() + b"]}\n\n"

    content = content_of(request, behaviour)
    texts = cut_up(content, behaviour.pieces)
    finish_reason = behaviour.finish_reason
    if request.most_tokens is not None and len(texts) > request.most_tokens:
        texts, finish_reason = texts[: request.most_tokens], "length"
    pieces = [event({"content": text}) for text in texts]
    if behaviour.reasoning is not None:
        pieces.insert(0, event({"reasoning_content": behaviour.reasoning}))
    pieces.insert(0, event({"role": "assistant", "content": ""}))
    after = (behaviour.cut_after, behaviour.error_after, behaviour.end_after)
    if behaviour.cut_after is not None:
        return pieces[: 1 + behaviour.cut_after], [], "cut by server"
    if behaviour.error_after is not None:
        error = vllm_error(500, "EngineCore encountered an issue. See stack trace for the cause.")
        tail = [b"data: " + error + b"\n\n", b"data: [DONE]\n\n"]
        return pieces[: 1 + behaviour.error_after], tail, "answered"
    if any(one is not None for one in after):
        return pieces[: 1 + (behaviour.end_after or 0)], [], "answered"
    tail = [event({}, finish_reason)]
    if behaviour.usage:
        tail.append(head + b'[],"usage":' + json.dumps(_usage(request, texts)).encode() + b"}\n\n")
    if behaviour.done:
        tail.append(b"data: [DONE]\n\n")
    return pieces, tail, "answered"


def completion_of(request: Request, behaviour: Behaviour) -> dict[str, Any]:
    content = content_of(request, behaviour)
    message = {"role": "assistant", "content": content, "reasoning_content": behaviour.reasoning}
    return {
        "id": f"chatcmpl-{request.id}",
        "object": "chat.completion",
        "created": int(request.begun),
        "model": request.model,
        "choices": [{"index": 0, "message": message, "finish_reason": behaviour.finish_reason}],
        "usage": _usage(request, cut_up(content, behaviour.pieces)),
    }


def _usage(request: Request, pieces: list[str]) -> dict[str, Any]:
    """A piece is a token. vLLM's details may be null."""
    prompt = request.prompt_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": len(pieces),
        "total_tokens": prompt + len(pieces),
        "prompt_tokens_details": None,
    }


def content_of(request: Request, behaviour: Behaviour) -> str:
    """Return what a request is answered with."""
    if behaviour.content is not None:
        return behaviour.content
    form = request.body.get("response_format")
    if form is not None:
        return json.dumps(ballot(request.id, form["json_schema"]["schema"])).ljust(behaviour.length)
    words = f"Answer to {request.id}, attempt {request.attempt}."
    if behaviour.length > len(words):
        filling = " It is as long as it was told to be."
        words += filling * (1 + (behaviour.length - len(words)) // len(filling))
    return words


def ballot(request_id: str, schema: dict[str, Any]) -> dict[str, str]:
    """Vote as the schema wants it; how is derived from the request's id alone."""
    chance = random.Random(sha256(request_id.encode()).digest())  # noqa: S311 - no secret
    ranking = schema["properties"]["ranking"]
    if "enum" in ranking:
        order = chance.choice(ranking["enum"])
    else:
        first, last = (
            ranking["pattern"].removeprefix("^[")[0],
            ranking["pattern"].partition("]")[0][-1],
        )
        letters = [chr(code) for code in range(ord(first), ord(last) + 1)]
        chance.shuffle(letters)
        order = " > ".join(letters)
    return {"ranking": order, "reason": f"By the id {request_id}."}


def cut_up(text: str, pieces: int) -> list[str]:
    """Cut a text into so many pieces, none of them empty; into fewer where it is shorter."""
    pieces = max(1, min(pieces, len(text)))
    bounds = [len(text) * place // pieces for place in range(pieces + 1)]
    return [text[start:end] for start, end in itertools.pairwise(bounds)]
