"""Hand-written doubles of what the engine asks of others, small enough to be seen through."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from typing_extensions import override

from orchestrator.domain.councils import Agent, Council, Decision, Model, ProtocolName, Seat
from orchestrator.domain.deliberations import (
    Deliberation,
    Priority,
    Status,
    StopReason,
    Task,
    Turn,
    TurnKey,
    TurnKind,
    TurnOutcome,
    Verdict,
)
from orchestrator.domain.errors import ModelError
from orchestrator.domain.ids import turn_id
from orchestrator.domain.transitions import Transition
from orchestrator.domain.values import replace
from orchestrator.engine.ports import (
    Accepted,
    Answer,
    Call,
    Case,
    Conclusion,
    CouncilVersion,
    Held,
    Look,
    News,
    Order,
    Place,
    Recorded,
    Recording,
    Retry,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DELIBERATION = "dlb_0001"


def seat(number: int) -> Seat:
    model = Model(id="mdl_1", name="a-model")
    agent = Agent(
        id=f"agt_{number}",
        name=f"dev-agent-{number}",
        persona=f"You are number {number}.",
        temperature=0.5,
        max_tokens=64,
        model=model,
    )
    return Seat(
        number=number,
        agent=agent,
        persona=agent.persona,
        temperature=agent.temperature,
        max_tokens=agent.max_tokens,
        model=model,
    )


def a_deliberation(*, seats: int = 3, rounds: int = 1, quorum: int = 2) -> Deliberation:
    return Deliberation(
        id=DELIBERATION,
        task=Task(id="tsk_1", description="Write a cache."),
        council_id="cou_1",
        council_version=1,
        role="DEV",
        seats=tuple(seat(number) for number in range(1, seats + 1)),
        protocol=ProtocolName.PEER_REVIEW,
        rounds=rounds,
        quorum=quorum,
        decision=Decision.BALLOTS,
        priority=Priority.NORMAL,
        status=Status.RUNNING,
        accepted_at=NOW,
        sequence=1,
    )


def proposal(number: int, content: str = "a proposal") -> Turn:
    key = TurnKey(kind=TurnKind.PROPOSAL, round=0, seat=number)
    return Turn(
        id=turn_id(DELIBERATION, key),
        key=key,
        outcome=TurnOutcome.TAKEN,
        content=content,
        started_at=NOW,
        finished_at=NOW,
    )


@dataclass
class OneDeliberation:
    """The graph of one deliberation: what was recorded, and what is to go wrong next."""

    deliberation: Deliberation = field(default_factory=a_deliberation)
    turns: dict[str, Turn] = field(default_factory=dict)
    batches: list[tuple[str, ...]] = field(default_factory=list)
    reservations: list[int] = field(default_factory=list)
    verdicts: list[tuple[Verdict, StopReason]] = field(default_factory=list)
    decided_apart: int = 0
    """Verdicts that no turn brought."""
    failures: list[tuple[StopReason, str]] = field(default_factory=list)
    epoch: int = 1
    errors: list[Exception] = field(default_factory=list)
    """Raised one by one by the next writes, before anything is written."""
    refuses: Callable[[Turn], Exception | None] = lambda _: None
    gate: asyncio.Event | None = None
    """Writes wait for it, where there is one."""
    writing: int = 0
    """How many of them wait for it."""
    held: tuple[Held, ...] = ()
    free: tuple[Held, ...] = ()
    entries: list[str] = field(default_factory=list)
    known: bool = False
    """Whether the process that asks has entered."""
    released: bool = False
    renewals: int = 0
    known_epochs: Mapping[str, int] = field(default_factory=dict[str, int])
    """Those that the last renewal named."""
    loads: int = 0

    async def accept(self, order: Order) -> Accepted:
        return Accepted(deliberation=order.deliberation, new=True)

    async def retry(self, order: Retry) -> Accepted:
        return Accepted(deliberation=order.deliberation, new=True)

    async def enter(self, process: str, host: str, lease: timedelta) -> None:
        del host, lease
        self.entries.append(process)
        self.known = True

    async def renew(
        self, process: str, lease: timedelta, known: Mapping[str, int]
    ) -> tuple[Held, ...] | None:
        del process, lease
        self.known_epochs = dict(known)
        self.renewals += 1
        return self.held if self.known else None

    async def claim(
        self,
        process: str,
        room: int,
        gone: Collection[str],
        known: Collection[str] | None = None,
        due: int = 0,
    ) -> tuple[Held, ...]:
        del process, gone
        if not self.known:
            return ()
        untold = tuple(
            one for one in self.held if known is not None and one.deliberation not in known
        )[:room]
        overdue = tuple(one for one in self.free if one.due)[:due]
        others = tuple(one for one in self.free if one not in overdue)
        new = (*overdue, *others[: room - len(untold)])
        self.free = tuple(one for one in self.free if one not in new)
        self.held = (*self.held, *new)
        return (*untold, *new)

    async def load(self, deliberation: str) -> Case:
        del deliberation
        self.loads += 1
        return Case(deliberation=self.deliberation, turns=tuple(self.turns.values()))

    async def reserve(self, held: Held, tokens: int) -> bool:
        self._fail_if_told()
        if held.epoch != self.epoch:
            return False
        reserved = max(tokens, self.deliberation.tokens_reserved)
        self.deliberation = replace(self.deliberation, tokens_reserved=reserved)
        self.reservations.append(tokens)
        return True

    async def record(self, batch: Sequence[Recording]) -> Recorded:
        if self.gate is not None:
            self.writing += 1
            await self.gate.wait()
            self.writing -= 1
        self._fail_if_told()
        for recording in batch:
            if error := self.refuses(recording.turn):
                raise error
        self.batches.append(tuple(recording.turn.id for recording in batch))
        sequences: dict[str, int] = {}
        for recording in batch:
            if recording.epoch != self.epoch:
                continue
            turn = recording.turn
            if turn.id not in self.turns:
                if self.deliberation.sequence < recording.after:
                    continue
                self.move()
                self.turns[turn.id] = replace(turn, sequence=self.deliberation.sequence)
                self.deliberation = replace(
                    self.deliberation,
                    usage=self.deliberation.usage + turn.usage,
                    tokens_settled=self.deliberation.tokens_settled + recording.settles,
                )
            sequences[turn.id] = self.turns[turn.id].sequence or 0
        decided = [
            (recording.deliberation, recording.epoch)
            for recording in batch
            if recording.epoch == self.epoch and self._concludes(recording.conclusion)
        ]
        return Recorded(sequences=sequences, decided=decided)

    def _concludes(self, conclusion: Conclusion | None) -> bool:
        if conclusion is not None and self.deliberation.status is Status.DECIDED:
            return True
        if (
            conclusion is None
            or conclusion.sequence != self.deliberation.sequence
            or not all(self.turns[turn].taken for turn in conclusion.taken)
        ):
            return False
        self.verdicts.append((conclusion.verdict, conclusion.stop_reason))
        self._end(Status.DECIDED)
        return True

    async def decide(
        self, held: Held, sequence: int, verdict: Verdict, stop_reason: StopReason
    ) -> bool:
        self._fail_if_told()
        if (held.epoch, sequence) != (self.epoch, self.deliberation.sequence):
            return False
        self.decided_apart += 1
        self.verdicts.append((verdict, stop_reason))
        self._end(Status.DECIDED)
        return True

    async def fail(
        self, held: Held, sequence: int | None, stop_reason: StopReason, failure: str
    ) -> bool:
        self._fail_if_told()
        if held.epoch != self.epoch or sequence not in {None, self.deliberation.sequence}:
            return False
        self.failures.append((stop_reason, failure))
        self._end(Status.FAILED)
        return True

    async def cancel(self, deliberation: str, reason: str | None, *, by: str | None = None) -> int:
        del deliberation, reason, by
        self._fail_if_told()
        self.epoch += 1
        self.held = ()
        self._end(Status.CANCELLED)
        return self.epoch

    async def release(self, process: str) -> None:
        del process
        self.released = True

    def move(self) -> None:
        self.deliberation = replace(self.deliberation, sequence=self.deliberation.sequence + 1)

    def _end(self, status: Status) -> None:
        self.move()
        self.deliberation = replace(self.deliberation, status=status)

    def _fail_if_told(self) -> None:
        if self.errors:
            raise self.errors.pop(0)


Script = Callable[[Call, int], Answer | ModelError | None]
"""What to answer to a call, by how many times its turn was asked; none answers as asked for."""


@dataclass
class ScriptedModels:
    """Models that answer by script, and otherwise as they are asked."""

    script: Script = lambda _call, _times: None
    asked: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    """A call whose turn's id ends so waits for the event."""
    in_the_way: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Of a turn's call, which then waits for ever."""
    down: bool = False
    """Whether it is that each endpoint that could take it is down."""

    async def ask(
        self,
        call: Call,
        on_token: Callable[[str], None],
        on_begin: Callable[[], Awaitable[None]],
        may_send: Callable[[], bool],
    ) -> Answer:
        if call.turn in self.in_the_way:
            await asyncio.Event().wait()
        await on_begin()
        assert may_send()
        self.asked.append(call.turn)
        try:
            for ending, gate in self.gates.items():
                if call.turn.endswith(ending):
                    await gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(call.turn)
            raise
        answer = self.script(call, self.asked.count(call.turn)) or Answer(
            content=ballot_for(call) if call.answer_schema else f"answer of {call.turn}",
            finish_reason="stop",
        )
        if isinstance(answer, ModelError):
            raise answer
        on_token(answer.content)
        return answer

    def obstacles(self, turn: str) -> tuple[str, ...]:
        return self.in_the_way.get(turn, ())

    def stranded(self, turn: str) -> bool:
        return self.down and turn in self.in_the_way


def ballot_for(call: Call) -> str:
    assert call.answer_schema is not None
    return json.dumps(
        {"ranking": call.answer_schema["properties"]["ranking"]["enum"][0], "reason": "so"}
    )


class NoNews(News):
    """A graph in which nothing happens, and nothing is."""

    @override
    async def places(self, deliberations: Collection[str]) -> Mapping[str, Place]:
        del deliberations
        return {}

    @override
    async def transitions(self, since: datetime | None) -> Look[Transition]:
        return Look(since or NOW, ())

    @override
    async def councils(self, since: datetime | None) -> Look[CouncilVersion]:
        return Look(since or NOW, ())

    @override
    async def deliberations(self, ids: Collection[str]) -> Mapping[str, Deliberation]:
        del ids
        return {}

    @override
    async def councils_by_id(self, ids: Collection[str]) -> Mapping[str, Council]:
        del ids
        return {}
