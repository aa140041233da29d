"""Spends the token budget of one deliberation: what its calls may use is reserved before they are sent, in the graph first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from orchestrator.domain.budget import Ledger, Need, Refusal
from orchestrator.domain.deliberations import Turn, TurnKind, Usage
from orchestrator.domain.errors import BudgetSpentError
from orchestrator.domain.prompt_size import PromptSize, Shown
from orchestrator.domain.protocols.steps import Ask
from orchestrator.domain.values import replace
from orchestrator.engine.ports import Call, Message
from orchestrator.engine.prompting import Prompts

LEAST_TOKENS = 128
"""Of an answer that is cut to what the budget leaves: some ninety words say how to go about a task, or what is wrong with a
proposal. Less is a beginning, and is paid for all the same."""

LEAST_BALLOT_TOKENS = 256
"""Of a ballot, which is of no use cut short: fifteen letters in order, the JSON around them, and a reason of 280 characters in
whatever script."""


class Budget:
    """The budget of a deliberation under one claim."""

    def __init__(
        self,
        tokens: int,
        prompts: Prompts,
        turns: Iterable[Turn],
        write: Callable[[int], Awaitable[None]],
    ) -> None:
        """`turns` are those recorded; `write` puts into the graph how much was ever reserved, which only grows."""
        deliberation = prompts.deliberation
        self._prompts = prompts
        self._ledger = Ledger(
            tokens, spent=deliberation.tokens_spent, reserved=deliberation.tokens_reserved
        )
        self._write = write
        self._written = deliberation.tokens_reserved
        self._sizes = PromptSize()
        self._texts: dict[str, Shown] = {}
        self._waiting: set[str] = set()
        self._moved = asyncio.Event()
        self.struck: str | None = None
        """Why no call can be made any more, in words; none while one can."""
        for turn in turns:
            self._learn(turn)

    @property
    def spent(self) -> int:
        """All that counts, but for what is under way."""
        return self._ledger.spent

    def waits(self, turn: str) -> bool:
        """Whether a turn waits for others to leave it room."""
        return turn in self._waiting

    async def reserve(self, call: Call, ask: Ask) -> Call:
        """Return the call with as long an answer as there is room for, once there is.

        Raises:
            BudgetSpentError: there is no room, and nothing under way will leave any.
        """
        own = _size(call.messages) - sum(self._texts[id_].size for id_ in ask.shown)
        try:
            while self.struck is None:
                # Anew each time: what was recorded meanwhile betters the estimate.
                need = self._need(call, ask, own)
                allowed = self._ledger.reserve(call.turn, need)
                if isinstance(allowed, int):
                    return replace(call, max_tokens=allowed)
                if allowed is Refusal.NEVER:
                    self._strike(call.turn, need)
                    break
                # Others who wait need not know: somebody else is under way, for whom they wait as well.
                self._waiting.add(call.turn)
                await self._moved.wait()
        finally:
            self._waiting.discard(call.turn)
        raise BudgetSpentError(self.struck or "")

    async def send(self, turn: str) -> None:
        """A call is about to be sent; returns once the graph knows what it may use."""
        self._ledger.send(turn)
        total = self._ledger.ever_reserved
        if total > self._written:
            await self._write(total)
            self._written = max(self._written, total)

    def end(self, turn: str, usage: Usage | None) -> None:
        """An attempt has ended; without a usage nobody knows what it used."""
        counted = None if usage is None else usage.prompt_tokens + usage.completion_tokens
        self._ledger.end(turn, counted)

    def settlement(self, turn: str) -> int:
        """Return what the record of a turn settles of what was reserved for it."""
        return self._ledger.settlement(turn)

    def recorded(self, turn: Turn) -> None:
        """What a turn did not use is free from now on, not before: until then the graph has it as reserved."""
        self._ledger.settle(turn.id)
        self._learn(turn)
        self._wake()

    def abandon(self, turn: str) -> None:
        """Nothing will be recorded of a turn under this claim."""
        self._ledger.abandon(turn)
        self._wake()

    def _need(self, call: Call, ask: Ask, own: int) -> Need:
        least = LEAST_TOKENS if call.answer_schema is None else LEAST_BALLOT_TOKENS
        return Need(
            prompt=self._sizes.estimate(
                call.seat.model.id, own=own, shown=[self._texts[id_] for id_ in ask.shown]
            ),
            most=call.max_tokens,
            least=min(least, call.max_tokens),
        )

    def _learn(self, turn: Turn) -> None:
        if turn.content is None:
            return
        self._texts[turn.id] = Shown(
            size=len(turn.content.encode()), tokens=turn.usage.completion_tokens
        )
        # The usage of several attempts is that of several prompts.
        if turn.key.kind is TurnKind.PROPOSAL and turn.attempts == 1 and turn.usage.prompt_tokens:
            prompt = self._prompts.build(Ask(key=turn.key), {})
            seats = self._prompts.deliberation.seats
            seat = next(one for one in seats if one.number == turn.key.seat)
            self._sizes.learn(
                seat.model.id, size=_size(prompt.messages), tokens=turn.usage.prompt_tokens
            )

    def _strike(self, turn: str, need: Need) -> None:
        self.struck = (
            f"{self._ledger.taken_before(turn):,} of {self._ledger.budget:,} tokens are spent, and the next call may need"
            f" {need.prompt + need.least:,}: {need.prompt:,} for its prompt and {need.least:,} for an answer of use"
        )
        self._wake()

    def _wake(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


def _size(messages: Iterable[Message]) -> int:
    return sum(len(message.content.encode()) for message in messages)
