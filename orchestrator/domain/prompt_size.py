"""How many tokens a prompt has at most, before its server has counted it.

Nobody but the server knows its tokenizer, so that at first the only safe word is that no tokenizer in use makes more
tokens of a text than it has bytes. That is about four times too much for English prose, and is bettered as soon as
the model's server has counted a proposal's prompt: those hold the task, which is most of every later prompt. What a
prompt shows of other turns was counted, too, when it was written.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

TEMPLATE_TOKENS = 100
"""What a chat template may put around two messages and before the answer: its marks, and for some models a preamble."""

SHOWN_TOKENS = 32
"""What the marks around a text that a prompt shows may take: of a key of random digits, two make a token or so."""

_MARGIN = 1.25
"""Other words about the same task may have more tokens a byte than those that the server has counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A turn's text in another's prompt, in bytes, with the tokens that its server counted; 0 where it did not."""

    size: int
    tokens: int


class PromptSize:
    """Estimates prompts of one deliberation, each model's by what its server has counted of it."""

    def __init__(self) -> None:
        self._per_byte: dict[str, float] = {}

    def learn(self, model: str, *, size: int, tokens: int) -> None:
        """Take in what a server counted of a prompt of so many bytes that shows no other turn."""
        measured = tokens / size * _MARGIN
        self._per_byte[model] = max(measured, self._per_byte.get(model, 0.0))

    def estimate(self, model: str, *, own: int, shown: Iterable[Shown]) -> int:
        """Return tokens of a prompt that has `own` bytes besides what it shows."""
        per_byte = self._per_byte.get(model)
        if per_byte is None:
            return TEMPLATE_TOKENS + own + sum(text.size for text in shown)
        tokens = math.ceil(own * per_byte)
        for text in shown:
            most = max(text.tokens, math.ceil(text.size * per_byte))
            tokens += SHOWN_TOKENS + most
        return tokens
