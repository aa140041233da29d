"""The floor: a bare script that makes the calls of a deliberation with the service's client, and stores nothing.

It is told {"count", "at_once", "apart"} a line at a time, the last in seconds from one beginning to the next, and says
when each deliberation began and ended.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

import uvloop

from orchestrator.domain.councils import Agent, Decision, Endpoint, Model, ProtocolName, Seat
from orchestrator.domain.deliberations import (
    Deliberation,
    Priority,
    Status,
    Task,
    TurnKey,
    TurnKind,
)
from orchestrator.domain.health import EndpointHealth
from orchestrator.domain.ids import turn_id
from orchestrator.domain.protocols.steps import Ask
from orchestrator.engine.ports import Call
from orchestrator.engine.prompting import Prompts
from orchestrator.vllm.client import ModelClient
from orchestrator.vllm.connections import Connections
from tests.benchmarks.processes import say, told

SEATS = (1, 2, 3)
_ANSWER = "It is as long as it was told to be. " * 28
"""1 KB, as the model server's answers are."""


class _Everything:
    """The one endpoint, always well."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def latest(self, endpoint: Endpoint) -> Endpoint:
        return endpoint

    def listing(self, model: str) -> list[Endpoint]:
        _ = model
        return [self._endpoint]

    def health(self, endpoint: Endpoint) -> EndpointHealth:
        _ = endpoint
        return EndpointHealth()

    def suspect(self, endpoint: Endpoint) -> None:
        raise AssertionError(f"a call to {endpoint.url} failed")

    async def endpoint(self) -> Endpoint:
        raise AssertionError("the rehearsal was asked")


def calls_of(url: str, description: str) -> tuple[tuple[Call, ...], ...]:
    """Build the twelve calls in their four steps, with prompts as the service's are."""
    model = Model(
        id="mdl_1", name="tiny", endpoints=(Endpoint(id="end_1", name="default", url=url),)
    )
    persona = "You write code for a living and want the simplest thing that works today. " * 4
    agents = [
        Agent(
            id=f"agt_{n}",
            name=f"dev-agent-{n}",
            persona=persona,
            temperature=0.3 * n,
            max_tokens=512,
            model=model,
        )
        for n in SEATS
    ]
    deliberation = Deliberation(
        id="dlb_0",
        task=Task(id="tsk_0", description=description),
        council_id="cou_0",
        council_version=1,
        role="DEV",
        seats=tuple(
            Seat(
                number=n,
                agent=agent,
                persona=persona,
                temperature=agent.temperature,
                max_tokens=512,
                model=model,
            )
            for n, agent in enumerate(agents, 1)
        ),
        protocol=ProtocolName.PEER_REVIEW,
        rounds=1,
        quorum=2,
        decision=Decision.BALLOTS,
        priority=Priority.NORMAL,
        status=Status.RUNNING,
        accepted_at=datetime.now(UTC),
    )

    prompts = Prompts(deliberation)

    def call(ask: Ask, contents: Mapping[str, str]) -> Call:
        prompt = prompts.build(ask, contents)
        return Call(
            turn=turn_id(deliberation.id, ask.key),
            epoch=1,
            seat=deliberation.seats[ask.key.seat - 1],
            messages=prompt.messages,
            max_tokens=prompt.max_tokens,
            answer_schema=prompt.answer_schema,
        )

    def key(kind: TurnKind, seat: int, target: int | None = None) -> TurnKey:
        return TurnKey(
            kind=kind, round=int(kind is not TurnKind.PROPOSAL), seat=seat, target=target
        )

    def proposal(seat: int) -> str:
        return turn_id(deliberation.id, key(TurnKind.PROPOSAL, seat))

    def revision(seat: int) -> str:
        return turn_id(deliberation.id, key(TurnKind.REVISION, seat))

    def critique(seat: int) -> TurnKey:
        return key(TurnKind.CRITIQUE, seat, seat % 3 + 1)

    steps = (
        tuple(Ask(key=key(TurnKind.PROPOSAL, seat)) for seat in SEATS),
        tuple(Ask(key=critique(seat), target=proposal(seat % 3 + 1)) for seat in SEATS),
        tuple(
            Ask(
                key=key(TurnKind.REVISION, seat),
                revises=proposal(seat),
                answers=(turn_id(deliberation.id, critique((seat + 1) % 3 + 1)),),
            )
            for seat in SEATS
        ),
        tuple(
            Ask(
                key=key(TurnKind.BALLOT, seat),
                choices=tuple(revision(other) for other in SEATS if other != seat),
            )
            for seat in SEATS
        ),
    )
    everything = {turn_id(deliberation.id, ask.key): _ANSWER for step in steps for ask in step}
    return tuple(tuple(call(ask, everything) for ask in step) for step in steps)


async def main(url: str, description: str) -> None:
    """Make the calls of so many deliberations, so many at once, whenever told to."""
    steps = calls_of(url, description)
    endpoint = steps[0][0].seat.model.endpoints[0]
    numbers = count(1)
    async with Connections(environment={}, calls_per_endpoint=256) as connections:
        world = _Everything(endpoint)
        client = ModelClient(connections=connections, watch=world, rehearsal=world)

        async def ask(call: Call, number: int) -> None:
            fresh = Call(
                turn=f"trn_{number:032}{call.turn.removeprefix('trn_0')}",
                epoch=call.epoch,
                seat=call.seat,
                messages=call.messages,
                max_tokens=call.max_tokens,
                answer_schema=call.answer_schema,
            )
            await client.ask(fresh, lambda _: None)

        async def deliberate(times: list[tuple[float, float]]) -> None:
            number, began = next(numbers), time.perf_counter()
            for step in steps:
                async with asyncio.TaskGroup() as group:
                    for call in step:
                        group.create_task(ask(call, number))
            times.append((began, time.perf_counter()))

        async def work(left: list[None], times: list[tuple[float, float]], after: float) -> None:
            await asyncio.sleep(after)
            while left:
                left.pop()
                await deliberate(times)

        while (order := await told()) is not None:
            times: list[tuple[float, float]] = []
            left: list[None] = [None] * order["count"]
            used = time.process_time()
            async with asyncio.TaskGroup() as group:
                for number in range(order["at_once"]):
                    group.create_task(work(left, times, number * order["apart"]))
            answer: dict[str, Any] = {"times": times, "cpu": time.process_time() - used}
            say(**answer)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2]))
