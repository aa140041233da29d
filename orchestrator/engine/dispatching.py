"""From a turn to take to the turn taken: asks the seat's model, and says why where it got no answer."""

from __future__ import annotations

import asyncio
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

from orchestrator.domain.deliberations import Turn, TurnOutcome, Usage
from orchestrator.domain.errors import ModelError
from orchestrator.domain.ids import turn_id
from orchestrator.domain.protocols.steps import Ask
from orchestrator.domain.values import replace
from orchestrator.engine.budgeting import Budget
from orchestrator.engine.events import TurnBegan
from orchestrator.engine.following import Board
from orchestrator.engine.lease import Lease
from orchestrator.engine.patience import Patience, retried
from orchestrator.engine.ports import Answer, Call, Models
from orchestrator.engine.prompting import Prompt, Prompts, choices_of
from orchestrator.engine.speaking import Speech

_CUT = "length"
"""The finish reason of an answer that max_tokens ended."""


class Dispatcher:
    """Asks models for turns, again where that can help; there is no text that stands in for an answer."""

    def __init__(self, models: Models, board: Board, lease: Lease, patience: Patience) -> None:
        self._models = models
        self._board = board
        self._lease = lease
        self._patience = patience
        self._asking: defaultdict[str, set[str]] = defaultdict(set)
        """The turns that are being asked for, by deliberation."""
        self._resting: dict[str, tuple[str, float]] = {}
        """Why the last attempt failed and until when its server asked for patience, by the turns that wait for their next one."""
        self._beginning: set[str] = set()
        """The turns whose prompt is built, or whose call has its place and waits for the graph to let it be sent."""

    def obstacles(self, deliberation: str) -> tuple[str, ...]:
        """Say what the seats of a deliberation wait for, each thing once and in words."""
        asking = self._asking.get(deliberation, ())
        return tuple(sorted({words for turn in asking for words in self._obstacles(turn)}))

    def waits(self, turn: str) -> bool:
        """Whether the call for a turn waits, and is not in flight."""
        return turn in self._beginning or bool(self._obstacles(turn))

    def stranded(self, turn: str) -> bool:
        """Whether the call for a turn waits for endpoints that are all down or fail."""
        return self._models.stranded(turn)

    def _obstacles(self, turn: str) -> tuple[str, ...]:
        if turn in self._resting:
            reason, _ = self._resting[turn]
            return (f"its next attempt, since {reason}",)
        return self._models.obstacles(turn)

    async def _built(self, prompts: Prompts, ask: Ask, contents: Mapping[str, str]) -> Prompt:
        turn = turn_id(prompts.deliberation.id, ask.key)
        self._beginning.add(turn)
        try:
            return await prompts.build_aside(ask, contents)
        finally:
            self._beginning.discard(turn)

    async def take(
        self,
        prompts: Prompts,
        epoch: int,
        ask: Ask,
        contents: Mapping[str, str],
        budget: Budget | None = None,
        *,
        under_way_since: float | None = None,
    ) -> Turn:
        """Return the turn, taken or absent, under the claim of that epoch; `contents` are what the recorded turns said, by id.

        The deliberation is `under_way_since` then, in seconds of `time.monotonic`.

        Raises:
            BudgetSpentError: the budget leaves no room for it.
        """
        deliberation = prompts.deliberation
        prompt = await self._built(prompts, ask, contents)
        seat = next(seat for seat in deliberation.seats if seat.number == ask.key.seat)
        call = Call(
            turn=turn_id(deliberation.id, ask.key),
            epoch=epoch,
            seat=seat,
            messages=prompt.messages,
            max_tokens=prompt.max_tokens,
            priority=deliberation.priority,
            answer_schema=prompt.answer_schema,
            # A deadline ends the wait by itself.
            wait=self._patience.endpoint if deliberation.deadline is None else None,
            began=under_way_since,
        )
        started_at = datetime.now(UTC)
        began = asyncio.get_running_loop().time()
        attempts = 0
        speech = Speech(self._board, deliberation.id, call.turn)
        usage = Usage()
        """Of all attempts whose server counted."""

        def turn(
            *,
            answer: Answer | None = None,
            choices: tuple[str, ...] = (),
            absence: str | None = None,
        ) -> Turn:
            return Turn(
                id=call.turn,
                key=ask.key,
                outcome=TurnOutcome.ABSENT if answer is None else TurnOutcome.TAKEN,
                content=None if answer is None else answer.content,
                reasoning=None if answer is None else answer.reasoning,
                finish_reason=None if answer is None else answer.finish_reason,
                absence=absence,
                attempts=attempts,
                prompt_version=prompt.version,
                usage=replace(usage, calls=attempts),
                latency_ms=round((asyncio.get_running_loop().time() - began) * 1000),
                started_at=started_at,
                finished_at=datetime.now(UTC),
                target=ask.target,
                revises=ask.revises,
                answers=ask.answers,
                choices=choices,
            )

        async def begin() -> None:
            nonlocal attempts
            self._beginning.add(call.turn)
            try:
                if budget is not None:
                    await budget.send(call.turn)
                # Each time: a process that was stopped while it waited may have been overtaken.
                await self._lease.held()
            finally:
                self._beginning.discard(call.turn)
            attempts += 1
            speech.begin(attempts)
            self._board.post(
                TurnBegan(
                    deliberation=deliberation.id,
                    at=datetime.now(UTC),
                    turn=call.turn,
                    attempt=attempts,
                )
            )

        def ended(counted: Usage | None) -> None:
            nonlocal usage
            usage += counted or Usage()
            _settle(call, counted, budget)

        def may_send() -> bool:
            # It takes a while to get to the first byte, and a process may be stopped there, too.
            return not self._lease.ran_out

        async def ask_once() -> Turn:
            await self._rest(call.turn)
            granted = await _granted(call, ask, budget)
            try:
                answer = await self._models.ask(granted, speech.say, begin, may_send)
            except ModelError as error:
                ended(error.usage)
                raise
            finally:
                speech.end()
            ended(_counted(answer))
            return turn(answer=answer, choices=_choices(prompt, answer))

        self._asking[deliberation.id].add(call.turn)
        try:
            return await retried(
                ask_once,
                on=partial(self._ask_again, call.turn),
                attempts=self._patience.attempts,
                within=None,
                wait_initial=self._patience.first_wait,
                wait_max=self._patience.longest_wait,
                wait_jitter=self._patience.jitter,
            )
        except ModelError as error:
            return turn(absence=error.reason)
        finally:
            self._asked(deliberation.id, call.turn)

    def _ask_again(self, turn: str, error: Exception) -> bool:
        if not isinstance(error, ModelError) or not error.retryable:
            return False
        now = asyncio.get_running_loop().time()
        self._resting[turn] = (error.reason, now + (error.retry_after or 0.0))
        return True

    async def _rest(self, turn: str) -> None:
        """Wait for what is left, after the backoff, of what the server asked for: it may make a pause longer, never shorter."""
        if turn in self._resting:
            _, until = self._resting[turn]
            await asyncio.sleep(until - asyncio.get_running_loop().time())
            del self._resting[turn]

    def _asked(self, deliberation: str, turn: str) -> None:
        self._resting.pop(turn, None)
        self._asking[deliberation].discard(turn)
        if not self._asking[deliberation]:
            del self._asking[deliberation]


async def _granted(call: Call, ask: Ask, budget: Budget | None) -> Call:
    """Return the call as there is room for it, once there is; raises BudgetSpentError where there never will be."""
    return call if budget is None else await budget.reserve(call, ask)


def _settle(call: Call, counted: Usage | None, budget: Budget | None) -> None:
    if budget is not None:
        budget.end(call.turn, counted)


def _counted(answer: Answer) -> Usage | None:
    """No prompt is without a token, and nothing is said without one: a server that tells of none has not counted."""
    usage = answer.usage
    said = answer.content or answer.reasoning
    return usage if usage.prompt_tokens and (usage.completion_tokens or not said) else None


def _is_blank(text: str) -> bool:
    """Whether nothing of a text is seen: characters that only say how others are shown are none themselves."""
    return all(one.isspace() or unicodedata.category(one) == "Cf" for one in text)


def _choices(prompt: Prompt, answer: Answer) -> tuple[str, ...]:
    """Look at the answer, and read a ballot's choices.

    Another sampling may be valid, so an answer that is not is worth asking again.
    """
    if _is_blank(answer.content):
        if answer.reasoning and answer.finish_reason == _CUT:
            # Another sampling would think as long.
            raise ModelError(
                "the answer was empty: its reasoning used up max_tokens; raise the agent's maxTokens",
                retryable=False,
            )
        raise ModelError(
            f"the answer was empty (finish reason: {answer.finish_reason})", retryable=True
        )
    if not prompt.letters:
        return ()
    try:
        return choices_of(answer.content, prompt.letters)
    except ValueError as error:
        cut = " (cut off at max_tokens)" if answer.finish_reason == _CUT else ""
        raise ModelError(f"{error}{cut}", retryable=True) from error
