"""What a model server is told to do, for which requests, and what it saw of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How a request is answered. Times are in seconds, pieces count from 0."""

    until: asyncio.Event | None = None
    """No sooner than it is set, and the latency after that."""
    latency: float = 0.0
    """Before the first byte."""
    pace: float = 0.0
    """Between two pieces."""
    pieces: int = 5
    """Into which the content is cut."""
    content: str | None = None
    """None: a text that names the request, or a valid ballot where a schema was given."""
    length: int = 0
    """Characters that the default text has at least."""
    reasoning: str | None = None
    finish_reason: str = "stop"
    status: int = 200
    body: bytes | None = None
    """Of an error; none: vLLM's for the status."""
    headers: tuple[tuple[str, str], ...] = ()
    chunks: tuple[bytes, ...] | None = None
    """What the stream holds, as bytes, instead of an answer: each goes out as it is."""
    cut_after: int | None = None
    """Close the connection after so many pieces."""
    error_after: int | None = None
    """Send vLLM's error chunk after so many pieces, and then [DONE] as if nothing had happened."""
    hang_after: int | None = None
    """Fall silent after so many pieces; -1: before the status line."""
    trickle: bytes | None = None
    """Instead of silence after `hang_after` pieces: this, again and again, at the pace."""
    end_after: int | None = None
    """End the stream in good order after so many pieces, without finish_reason and [DONE]."""
    done: bool = True
    """Send [DONE]."""
    usage: bool = True
    raw: bytes | None = None
    """All that is sent, status line included; then the connection is closed."""
    refuse: bool = False
    """Close the connection instead of answering."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which requests a behaviour is for. What is none fits all."""

    behaviour: Behaviour
    turn: str | None = None
    """A pattern of the X-Request-Id, as in a shell."""
    model: str | None = None
    attempts: int | None = None
    """Only the first so many requests of each id."""

    def fits(self, request: Request) -> bool:
        return (
            (self.turn is None or fnmatchcase(request.id, self.turn))
            and (self.model is None or self.model == request.model)
            and (self.attempts is None or request.attempt <= self.attempts)
        )


@dataclass(slots=True, kw_only=True)
class Request:
    """A request for a completion, as the server saw it; times by time.time()."""

    id: str
    attempt: int
    model: str
    begun: float
    ended: float | None = None
    outcome: str | None = None
    """answered, status N, cut by client, cut by server, refused; none while it is under way."""
    sent: int = 0
    """Pieces, the first of which is none of the answer."""
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def prompt_tokens(self) -> int:
        """Count as the server does: four characters are a token."""
        return sum(len(one["content"]) for one in self.body.get("messages", ())) // 4

    @property
    def most_tokens(self) -> int | None:
        """How long the answer may be."""
        return self.body.get("max_tokens")

    @property
    def tokens(self) -> int:
        """What has been used by now: nothing where it was refused."""
        if self.outcome is not None and self.outcome.startswith(("status", "refused")):
            return 0
        return self.prompt_tokens + max(0, self.sent - 1)
