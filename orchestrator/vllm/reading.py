"""From the bytes of a streamed chat completion to an answer.

Lines are split by hand and every chunk is looked at: vLLM sends an error inside a stream whose status
was 200, and then ends it as if nothing had happened.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import orjson

from orchestrator.domain.deliberations import Usage
from orchestrator.engine.ports import Answer
from orchestrator.vllm import failures
from orchestrator.vllm.connections import Line
from orchestrator.vllm.shapes import as_count, as_list, as_object, as_text
from orchestrator.vllm.thoughts import told_apart
from orchestrator.vllm.unicode import Pieces

LONGEST_LINE: Final = 1 << 20
"""Bytes of one line of a stream, and of an answer that is not streamed."""

LONGEST_STREAM: Final = 32 << 20
"""Bytes of a whole stream: 32,768 tokens with everything around them take 12 MB."""

LONGEST_ANSWER: Final = 1_000_000
"""Characters of an answer, and of its reasoning."""

_decode: Final = json.JSONDecoder(strict=False).decode
"""For what servers send that is not quite JSON: raw control characters, invalid Unicode."""

_NO_ERROR: Final = (None, False, "")

_MARK: Final = "\ufeff".encode()
"""That of the byte order, which may stand before a text, and is none of it."""

_BROKEN_OFF: Final = frozenset({"abort", "error"})
"""Reasons that vLLM gives for the end of an answer that it did not finish."""


class Reading:
    """An answer while it comes in. `feed` raises ModelError for what can be no answer."""

    def __init__(self, line: Line, on_token: Callable[[str], None]) -> None:
        """`on_token` is told what each network read brought of the answer, in one piece."""
        self._line: Final = line
        self._on_token: Final = on_token
        self._rest = b""
        self._event: list[bytes] = []
        self._size = 0
        self._content: Final = Pieces()
        self._reasoning: Final = Pieces()
        self._told: list[str] = []
        self._finish_reason: str | None = None
        self._usage = Usage(calls=1)
        self.done = False
        """The server has said that nothing follows."""

    @property
    def heard(self) -> int:
        """How much of the answer has come; grows with its content, its reasoning and its finish alone."""
        return self._content.length + self._reasoning.length + (self._finish_reason is not None)

    @property
    def finished(self) -> bool:
        """Whether the answer is complete, however the stream ends: only its usage may still come."""
        return self._finish_reason is not None and self._finish_reason not in _BROKEN_OFF

    def feed(self, data: bytes) -> None:
        """Read what came next."""
        if not self._size:
            data = data.removeprefix(_MARK)
        self._size += len(data)
        if self._size > LONGEST_STREAM:
            raise failures.unusable(self._line, f"more than {LONGEST_STREAM} bytes for one answer")
        lines = (self._rest + data if self._rest else data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > LONGEST_LINE:
            raise failures.unusable(self._line, f"a line of more than {LONGEST_LINE} bytes")
        for line in lines:
            self._read_line(line)
        if self._told:
            self._tell()

    def answer(self) -> Answer:
        """Return the answer once the stream has ended; raises ModelError where it is not complete."""
        if self._event and not self._rest:
            # The last event lacks its empty line. A line that was cut inside is not read.
            self._read_line(b"")
            self._tell()
        if self._finish_reason is None:
            raise failures.cut(self._line, "the stream ended before the answer did")
        return self._complete(self._content.whole(), self._reasoning.whole())

    def whole(self, body: bytes) -> Answer:
        """Read an answer that is not streamed, from a server that knows no streams."""
        told = self._json(body.removeprefix(_MARK))
        self._look_for_error(told)
        self._read_choices(told, "message")
        if self._finish_reason is None:
            raise failures.unusable(self._line, "something that is no chat completion")
        content = self._content.whole()
        self._on_token(content)
        return self._complete(content, self._reasoning.whole())

    def _tell(self) -> None:
        told = "".join(self._told)
        self._told.clear()
        if told:
            self._on_token(told)

    def _complete(self, content: str, reasoning: str) -> Answer:
        if self._finish_reason in _BROKEN_OFF:
            raise failures.cut(self._line, f"finish_reason {self._finish_reason!r}")
        content, reasoning = told_apart(content, reasoning)
        return Answer(
            content=content,
            reasoning=reasoning or None,
            finish_reason=self._finish_reason,
            usage=self._usage,
        )

    def _read_line(self, line: bytes) -> None:
        """Server-sent events: `data:` lines up to an empty one are an event; comments and other fields are not ours."""
        if line.startswith(b"data:"):
            self._event.append(line[6:] if line.startswith(b"data: ") else line[5:])
        elif self._event and not line.strip(b"\r"):
            event = b"\n".join(self._event).strip() if len(self._event) > 1 else self._event[0]
            self._event.clear()
            self._read_event(event)

    def _read_event(self, event: bytes) -> None:
        if not event.strip():
            return  # as gateways send to keep the connection; the standard has it told to nobody
        if event.strip() == b"[DONE]":
            self.done = True
            return
        chunk = self._json(event)
        self._look_for_error(chunk)
        self._told.append(self._read_choices(chunk, "delta"))

    def _json(self, data: bytes) -> dict[str, Any]:
        try:
            told = as_object(_decoded(data))
        except (ValueError, RecursionError):
            told = None
        if told is None:
            shown = failures.bounded(self._line, data[:1000].decode("utf-8", "replace"))
            raise failures.unusable(self._line, f"what is not JSON of a completion: {shown!r}")
        return told

    def _look_for_error(self, chunk: dict[str, Any]) -> None:
        if chunk.get("error") not in _NO_ERROR or chunk.get("object") == "error":
            told = chunk.get("error") or chunk
            raise failures.of_chunk(self._line, told, begun=self.heard > 0)

    def _read_choices(self, told: dict[str, Any], said: str) -> str:
        new: list[str] = []
        for choice in map(as_object, as_list(told.get("choices"))):
            if choice is None or choice.get("index"):
                continue  # of several answers, the first is ours
            pieces = as_object(choice.get(said))
            if pieces is not None:
                new.append(self._read_pieces(pieces))
            reason = as_text(choice.get("finish_reason"))
            if reason:
                self._finish_reason = failures.bounded(self._line, reason)
        usage = as_object(told.get("usage"))
        if usage:
            self._read_usage(usage)
        return "".join(new)

    def _read_pieces(self, said: dict[str, Any]) -> str:
        reasoning = as_text(said.get("reasoning_content") or said.get("reasoning"))
        if reasoning:
            self._reasoning.add(reasoning)
        content = as_text(said.get("content"))
        new = self._content.add(content) if content else ""
        if max(self._content.length, self._reasoning.length) > LONGEST_ANSWER:
            raise failures.unusable(
                self._line, f"an answer of more than {LONGEST_ANSWER} characters"
            )
        return new

    def _read_usage(self, told: dict[str, Any]) -> None:
        details = as_object(told.get("prompt_tokens_details")) or {}
        self._usage = Usage(
            prompt_tokens=as_count(told.get("prompt_tokens")),
            cached_prompt_tokens=as_count(details.get("cached_tokens")),
            completion_tokens=as_count(told.get("completion_tokens")),
            calls=1,
        )


def _decoded(data: bytes) -> object:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _decode(data.decode("utf-8", "replace"))
