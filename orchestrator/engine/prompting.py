"""From a turn to take to the messages that its agent is sent.

What the agents of a deliberation share comes first and is byte for byte the same, so that vLLM's
prefix cache serves every seat and round; the persona, the only thing in which two seats' prompts for
the same question differ, comes last. What comes from a task or an agent is fenced with a key that its
author cannot have known.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from hashlib import sha256
from importlib import resources
from itertools import permutations
from string import ascii_uppercase
from typing import Any, cast

import jinja2

from orchestrator.domain.deliberations import Deliberation, TurnKind
from orchestrator.domain.ids import turn_id
from orchestrator.domain.protocols.steps import Ask
from orchestrator.engine.ports import Message

LONGEST_REASON = 280
"""Characters of a ballot's reason."""

BALLOT_TOKENS = 512
"""A ballot needs this many tokens whatever its agent's maxTokens: cut short, it is no JSON."""

_SHOWN = 80
"""Characters of a ballot that is none, in the reason of its absence."""

_THOUGHT = "</think>"
"""Ends what a model thought, where its server does not tell that apart."""

_LONG = 200_000
"""Characters of other turns in a prompt that takes milliseconds to build; over fourteen of the longest answers it takes a third of a second."""

_MOST_ENUMERATED = 4
"""With so many choices the schema lists every order; with more it can only say how an order looks."""

_TEXTS = {
    file.name: file.read_text(encoding="utf-8")
    for file in (resources.files("orchestrator.engine") / "prompts").iterdir()
    if file.name.endswith(".j2")
}
"""The templates, read at the start: no deliberation is to fail by a file that cannot be opened then, or to get one of another version."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What to send; `letters` are a ballot's choices, by the letters under which they are shown."""

    messages: tuple[Message, ...]
    version: str
    max_tokens: int
    answer_schema: Mapping[str, Any] | None
    letters: Mapping[str, str]


class Prompts:
    """Builds the prompts of one deliberation. What they share is built once, and goes with this."""

    def __init__(self, deliberation: Deliberation) -> None:
        """Nothing is built yet."""
        self.deliberation: Deliberation = deliberation
        self._building = asyncio.Lock()
        # Fourteen ballots show the same proposal.
        self._key = cache(partial(_key, deliberation.id))

    def build(self, ask: Ask, contents: Mapping[str, str]) -> Prompt:
        """Build the prompt of a turn; `contents` are what the recorded turns said, by their ids."""
        deliberation = self.deliberation
        seat = next(seat for seat in deliberation.seats if seat.number == ask.key.seat)
        letters = _letters(turn_id(deliberation.id, ask.key), ask.choices)

        environment, version = _templates()
        question = environment.get_template(f"{ask.key.kind.lower()}.j2").render(
            key=self._key,
            target=None if ask.target is None else contents[ask.target],
            revises=None if ask.revises is None else contents[ask.revises],
            answers=[contents[critique] for critique in ask.answers],
            choices=[{"letter": letter, "text": contents[p]} for letter, p in letters.items()],
        )
        ballot = ask.key.kind is TurnKind.BALLOT
        return Prompt(
            messages=(
                Message(role="system", content=self._shared),
                Message(
                    role="user",
                    content=f"{question}\n\n{seat.persona}" if seat.persona else question,
                ),
            ),
            version=version,
            max_tokens=max(seat.max_tokens, BALLOT_TOKENS) if ballot else seat.max_tokens,
            answer_schema=ballot_schema(tuple(letters)) if ballot else None,
            letters=letters,
        )

    async def build_aside(self, ask: Ask, contents: Mapping[str, str]) -> Prompt:
        """Build it beside the event loop where it is long, one after the other: ballots are asked for at once, of all seats."""
        if sum(map(len, contents.values())) < _LONG:
            return self.build(ask, contents)
        async with self._building:
            return await asyncio.to_thread(self.build, ask, contents)

    @cached_property
    def _shared(self) -> str:
        """What every prompt of the deliberation begins with; a twelfth of them is new."""
        environment, _ = _templates()
        return environment.get_template("shared.j2").render(
            role=self.deliberation.role, task=self.deliberation.task, key=self._key
        )


def choices_of(answer: str, letters: Mapping[str, str]) -> tuple[str, ...]:
    """Read a ballot: the proposals' ids, best first.

    Servers that do not keep to the schema have it in a fence, between words, or after what the model thought.

    Raises:
        ValueError: it is not JSON, or its ranking does not hold every letter once.
    """
    said = answer if answer.lstrip().startswith("{") else answer.rpartition(_THOUGHT)[2]
    begin, end = said.find("{"), said.rfind("}")
    try:
        # Not strict: vLLM's structured output lets raw control characters into strings. Nested without
        # end, an answer exhausts the parser's stack; a number without end is a ValueError too.
        ballot: object = json.loads(
            said[begin : end + 1] if 0 <= begin < end else said, strict=False
        )
    except (ValueError, RecursionError) as exc:
        msg = f"the ballot is not JSON: {exc}: {said[:_SHOWN]!r}"
        raise ValueError(msg) from exc
    fields = cast("dict[str, object]", ballot) if isinstance(ballot, dict) else {}
    ranking = fields.get("ranking")
    if not isinstance(ranking, str):
        wrong = 'has no "ranking"'
        if "ranking" in fields:
            wrong = f'has a "ranking" that is no text such as "{" > ".join(letters)}"'
        msg = f"the ballot {wrong}: {said[:_SHOWN]!r}"
        raise ValueError(msg)  # noqa: TRY004 - a model's mistake, not the program's
    order = [letter.strip() for letter in ranking.split(">")]
    if sorted(order) != sorted(letters):
        msg = f"the ballot's ranking does not hold each of {', '.join(letters)} once: {ranking[:_SHOWN]!r}"
        raise ValueError(msg)
    return tuple(letters[letter] for letter in order)


def _key(deliberation: str, text: str) -> str:
    return sha256(f"{deliberation}/{text}".encode()).hexdigest()[:12]


def _letters(turn: str, choices: tuple[str, ...]) -> dict[str, str]:
    """Shuffle what a ballot shows, by the turn's id: no place favours a seat, and it can be replayed."""
    shuffled = sorted(choices, key=lambda choice: sha256(f"{turn}/{choice}".encode()).digest())
    return dict(zip(ascii_uppercase, shuffled, strict=False))


def ballot_schema(letters: tuple[str, ...]) -> dict[str, Any]:
    """Return the JSON schema of a ballot over these letters."""
    ranking: dict[str, Any] = {"type": "string"}
    if len(letters) <= _MOST_ENUMERATED:
        ranking["enum"] = [" > ".join(order) for order in permutations(letters)]
    else:
        one = f"[{letters[0]}-{letters[-1]}]"
        ranking["pattern"] = f"^{one}( > {one}){{{len(letters) - 1}}}$"
    return {
        "type": "object",
        "properties": {
            "ranking": ranking,
            "reason": {"type": "string", "maxLength": LONGEST_REASON},
        },
        "required": ["ranking", "reason"],
        "additionalProperties": False,
    }


@cache
def _templates() -> tuple[jinja2.Environment, str]:
    """Load the templates once, with a version that changes when any of them does."""
    environment = jinja2.Environment(
        loader=jinja2.DictLoader(_TEXTS),
        undefined=jinja2.StrictUndefined,
        auto_reload=False,  # else each use compares them again
        autoescape=False,  # noqa: S701 - prompts are not HTML; data is fenced
        trim_blocks=True,
    )
    # None of them is used, and each rendering would go through them all: four fifths of its time.
    environment.globals.clear()
    sources = "".join(_TEXTS[name] for name in sorted(_TEXTS))
    return environment, f"peer-review-{sha256(sources.encode()).hexdigest()[:8]}"
