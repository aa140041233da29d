"""A cancel: from the mutation's answer to no call in flight, in the process that runs the deliberation and from another."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass

from tests.benchmarks.api import open_api
from tests.benchmarks.bench import Bench, document
from tests.benchmarks.quiet_service import QuietService
from tests.benchmarks.results import Figure, Report, load
from tests.support.model_behaviour import Behaviour, Request
from tests.support.model_server import ModelServer
from tests.support.waiting import until

_SPEAKING = Behaviour(pieces=2_000, length=2_000, pace=0.1)
"""Tokens come for longer than anybody waits."""

_CALLS = 3
"""At once, of a deliberation."""

_BEGIN_SECONDS = 30.0
_PHASES = random.Random(1)  # noqa: S311 - no secret
"""A process looks once a second at what it still holds: cancels come at any moment of it."""


@dataclass(frozen=True, slots=True)
class _Cancel:
    """Seconds until the last call was closed."""

    from_answer: float
    """Negative where it was closed before that."""
    from_sending: float


@dataclass(frozen=True, slots=True)
class _Scene:
    model: ModelServer
    running: QuietService
    other: QuietService

    async def begun(self, service: QuietService) -> tuple[str, list[Request]]:
        """Have a deliberation accepted, and wait for its first calls."""
        async with open_api(service.url) as api:
            id_ = await api.deliberate("What is cancelled?")
        turns = f"trn_{id_.removeprefix('dlb_')}-*"
        await until(lambda: len(self.model.of(turns)) == _CALLS, _BEGIN_SECONDS)
        return id_, self.model.of(turns)

    async def cancelled(self, by: QuietService) -> _Cancel:
        """Cancel one that `running` runs."""
        id_, calls = await self.begun(self.running)
        await asyncio.sleep(_PHASES.random())
        sent = time.time()
        told = await by.ask(document("cancel.graphql"), input={"id": id_})
        answered = time.time()
        if told["cancelDeliberation"]["deliberation"] != {"status": "CANCELLED"}:
            raise AssertionError(f"it was not cancelled: {told}")
        await until(lambda: all(call.ended for call in calls), _BEGIN_SECONDS)
        last = max(call.ended or 0.0 for call in calls)
        return _Cancel(last - answered, last - sent)


async def measure(bench: Bench) -> Report:
    """Cancel one deliberation after the other while its agents speak."""
    before = load()
    runs = 3 if bench.quick else 50
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(bench.empty_graph())
        model = await stack.enter_async_context(ModelServer(behaviour=_SPEAKING))

        async def service(name: str, **environment: str) -> QuietService:
            one = QuietService(
                home=bench.home(f"cancel-{name}"),
                environment={
                    **bench.server.environment,
                    "VLLM_URL": model.url,
                    "VLLM_MODEL": "tiny",
                    **environment,
                },
            )
            await stack.enter_async_context(one)
            await one.ready()
            return one

        # It is alone, and what it begins now takes all its room: the rest goes to the one that starts next.
        other = await service("other", COUNCIL_CONCURRENCY="1")
        scene = _Scene(model, running=other, other=other)
        await scene.begun(other)
        scene = _Scene(model, running=await service("running"), other=other)
        for by in (scene.running, scene.other):
            await scene.cancelled(by)
        bench.tell("  in the same process …")
        here = [await scene.cancelled(scene.running) for _ in range(runs)]
        bench.tell("  from another process …")
        across = [await scene.cancelled(scene.other) for _ in range(runs)]
    return Report(
        name="cancel",
        figures=(
            *_figures("the same process", here, "under 300"),
            *_figures("another process", across, "under 2,000"),
        ),
        remarks=(
            "The three calls of a deliberation are streams without an end; they are over when the model's server sees its connections closed.",
            "Below zero: closed before the answer was there. Another process learns of a cancel when it next looks at what it holds, once a second.",
        ),
        load_before=before,
        load_after=load(),
    )


def _figures(name: str, cancels: list[_Cancel], target: str) -> list[Figure]:
    return [
        Figure(
            what=f"{name}: from the answer to no call in flight",
            unit="ms",
            values=tuple(1000 * one.from_answer for one in cancels),
            target=target,
        ),
        Figure(
            what=f"{name}: from sending it",
            unit="ms",
            values=tuple(1000 * one.from_sending for one in cancels),
        ),
    ]
