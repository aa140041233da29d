"""Councils and deliberations to look at: small, whole, and the same each time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from orchestrator.domain.callers import Caller, Scope
from orchestrator.domain.councils import (
    Agent,
    Council,
    Decision,
    Endpoint,
    Model,
    ProtocolName,
    Role,
    Seat,
)
from orchestrator.domain.deliberations import (
    Deliberation,
    Priority,
    Status,
    StopReason,
    Task,
    Turn,
    TurnKind,
    TurnOutcome,
    Usage,
)
from orchestrator.domain.ids import turn_id, verdict_id
from orchestrator.domain.protocols import PROTOCOLS
from orchestrator.domain.protocols.steps import Ask, Decide, Rules, Take
from orchestrator.domain.transcripts import Claimed, Outcome, Transcript
from orchestrator.domain.values import replace

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)

ANYBODY = Caller(scope=Scope.MANAGE)
"""Who may do everything, and was not asked who he is."""

ENDPOINT = Endpoint(id="end_1", name="gpu", url="http://gpu:8000/v1")
MODEL = Model(id="mdl_1", name="a-model", endpoints=(ENDPOINT,))


def an_agent(number: int, *, role: str = "dev") -> Agent:
    return Agent(
        id=f"agt_{role}{number}",
        name=f"{role}-agent-{number}",
        persona=f"You are number {number}.",
        temperature=0.5,
        max_tokens=64,
        model=MODEL,
        endpoint=ENDPOINT if number == 1 else None,
        metadata='{"team":["a",1]}' if number == 1 else None,
        council_id=f"cou_{role}",
    )


def a_council(role: str = "dev", seats: int = 3) -> Council:
    return Council(
        id=f"cou_{role}",
        name=f"{role}-council-1",
        role=Role(
            id=f"rol_{role}", name=role.upper(), description="A role.", council_id=f"cou_{role}"
        ),
        seats=tuple(a_seat(an_agent(number, role=role), number) for number in range(1, seats + 1)),
        protocol=ProtocolName.PEER_REVIEW,
        rounds=1,
        quorum=2,
        decision=Decision.BALLOTS,
        version=3,
        created_at=NOW,
        updated_at=NOW + timedelta(hours=1),
    )


def a_seat(agent: Agent, number: int) -> Seat:
    return Seat(
        number=number,
        agent=agent,
        persona=agent.persona,
        temperature=agent.temperature,
        max_tokens=agent.max_tokens,
        model=agent.model,
        endpoint=agent.endpoint,
    )


def a_deliberation(
    id: str = "dlb_1", *, council: Council | None = None, status: Status = Status.RUNNING
) -> Deliberation:
    held_by = council or a_council()
    return Deliberation(
        id=id,
        task=Task(
            id=f"tsk_{id[4:]}",
            description="Write a cache.",
            requirements=("It evicts.",),
            external_id="JIRA-1",
            metadata='{"x":1.5}',
        ),
        council_id=held_by.id,
        council_version=held_by.version,
        role=held_by.role.name,
        seats=held_by.seats,
        protocol=held_by.protocol,
        rounds=held_by.rounds,
        quorum=held_by.quorum,
        decision=held_by.decision,
        priority=Priority.NORMAL,
        status=status,
        accepted_at=NOW,
        usage=Usage(prompt_tokens=2**40, completion_tokens=7, calls=12),
    )


def taken(deliberation: Deliberation, ask: Ask, sequence: int) -> Turn:
    return Turn(
        id=turn_id(deliberation.id, ask.key),
        key=ask.key,
        outcome=TurnOutcome.TAKEN,
        content=f"{ask.key.kind} of seat {ask.key.seat}",
        finish_reason="stop",
        prompt_version="peer-review-1",
        usage=Usage(prompt_tokens=10, completion_tokens=5, calls=1),
        latency_ms=40,
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=sequence),
        target=ask.target,
        revises=ask.revises,
        answers=ask.answers,
        choices=tuple(sorted(ask.choices)),
        sequence=sequence,
    )


def play(
    deliberation: Deliberation, *, turns: int | None = None, absent: Collection[TurnKind] = ()
) -> tuple[Deliberation, Transcript]:
    """Let a deliberation go on by its protocol: to its end, or for some turns."""
    protocol, rules = PROTOCOLS[deliberation.protocol], Rules.of(deliberation)
    said: list[Turn] = []
    sequence = 1
    claims = (Claimed(sequence=sequence, at=NOW, resumed=False),)
    while True:
        step = protocol.next_step(rules, said)
        if not isinstance(step, Take) or (turns is not None and len(said) >= turns):
            break
        sequence += 1
        turn = taken(deliberation, step.asks[0], sequence)
        if turn.key.kind in absent and turn.key.seat == 1:
            turn = replace(
                turn, outcome=TurnOutcome.ABSENT, content=None, choices=(), absence="no answer"
            )
        said.append(turn)
    outcome, ended = None, None
    if isinstance(step, Decide):
        ended = sequence + 1
        at = NOW + timedelta(minutes=1)
        outcome = Outcome(id=verdict_id(deliberation.id), decided_at=at, verdict=step.verdict)
        deliberation = replace(
            deliberation,
            status=Status.DECIDED,
            stop_reason=StopReason.COMPLETED,
            started_at=NOW,
            finished_at=at,
        )
    transcript = Transcript(
        deliberation=deliberation.id,
        turns=tuple(said),
        claims=claims,
        outcome=outcome,
        ended=ended,
    )
    return replace(deliberation, sequence=ended or sequence), transcript
