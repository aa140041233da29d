"""A graph with one of everything and odd values in it, and ways to look at it and at files."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Any

from orchestrator.domain.deliberations import (
    Priority,
    StopReason,
    Turn,
    TurnKey,
    TurnKind,
    TurnOutcome,
)
from orchestrator.domain.drafts import AgentDraft, CouncilDraft, Idempotency
from orchestrator.domain.ids import turn_id
from orchestrator.domain.values import replace
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.driver import Graph, Reads
from orchestrator.graph.moving.exporting import export
from orchestrator.graph.moving.form import Contents, Line
from orchestrator.graph.moving.importing import Import, import_lines
from orchestrator.graph.seeding import read_seed
from tests.support.deliberating import BEGAN, LEASE, a_verdict, all_turns, an_order, recordings

ODD = "Ünïcödé “quotes” 'single' \"double\" \\back `tick` 🜁 \u202e turned"
LONGEST = "ü" * 255

Records = list[dict[str, Any]]
Shown = Callable[[], Awaitable[list[Any]]]
"""Shows everything in a graph."""


async def make_everything(graph: Graph) -> None:
    """Make councils with odd values and history of every kind; no process is at work afterwards."""
    councils, deliberations = Councils(graph), GraphDeliberations(graph)
    await make_councils(councils)
    await deliberations.enter("prc_one", "a host", LEASE)
    await deliberations.enter("prc_two", "ein anderer", timedelta(milliseconds=1))
    await _decide(deliberations, "ODD")
    await _fail(deliberations, "QA")
    await _end_partly(deliberations, "ODD")
    await councils.remove_endpoint(await _endpoint(councils, "https://gone.example/v1"))
    await _leave_running(deliberations, "ARCHITECT")
    for priority in Priority:
        await deliberations.accept(
            an_order("DATA", priority=priority, deadline=timedelta(days=2), created_by=ODD)
        )
    await deliberations.release("prc_one")


async def make_councils(councils: Councils) -> None:
    """Make a council of longest and oddest values, an archived one, bound and retired agents."""
    await councils.create_role("ODD", "What is odd.\nOn two lines.", _key("role"))
    await councils.register_endpoint("gpu", "http://gpu:8000/v1", "COUNCIL_KEY_GPU", _key("gpu"))
    await councils.register_endpoint(LONGEST, "https://gone.example/v1", None, None)
    first = await councils.create_council(
        CouncilDraft(role="ODD", agents=(AgentDraft(name="first of all"), AgentDraft())), None
    )
    await councils.archive_council(first, None)
    await councils.create_council(
        CouncilDraft(
            role="ODD",
            name=ODD,
            rounds=10,
            quorum=2,
            agents=(
                AgentDraft(name=LONGEST[:-1] + "1", persona=ODD * 20, temperature=0.0),
                AgentDraft(name="bound", model="Ä/Modell:1", endpoint="gpu", max_tokens=32_768),
                AgentDraft(
                    name="to be gone",
                    temperature=2.0,
                    endpoint=LONGEST,
                    metadata=json.dumps({"of": [1, None, ODD]}),
                ),
            ),
        ),
        _key("council"),
    )


async def _decide(deliberations: GraphDeliberations, role: str) -> None:
    order = an_order(role, external_id=ODD, idempotency=_key("deliberate"))
    await deliberations.accept(order)
    (held,) = await deliberations.claim("prc_two", 1, (), ())
    (held,) = await deliberations.claim("prc_one", 1, ("prc_two",), ())
    turns = all_turns(held.deliberation)
    await deliberations.record(recordings(held, turns))
    assert await deliberations.decide(held, 14, a_verdict(turns), StopReason.COMPLETED)


async def _fail(deliberations: GraphDeliberations, role: str) -> None:
    await deliberations.accept(an_order(role))
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    absent = _absent(held.deliberation, TurnKey(kind=TurnKind.PROPOSAL, round=0, seat=1))
    await deliberations.record(recordings(held, [absent]))
    assert await deliberations.fail(held, 2, StopReason.QUORUM_LOST, f"nobody is left: {ODD}")


async def _end_partly(deliberations: GraphDeliberations, role: str) -> None:
    """A critique that was asked for and did not come, and an end in between."""
    await deliberations.accept(an_order(role))
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    turns = all_turns(held.deliberation)[:3]
    absent = _absent(held.deliberation, TurnKey(kind=TurnKind.CRITIQUE, round=1, seat=1, target=2))
    await deliberations.record(recordings(held, [*turns, absent]))
    assert await deliberations.fail(held, None, StopReason.ERROR, "it went wrong")


async def _leave_running(deliberations: GraphDeliberations, role: str) -> None:
    """One with a token budget, of which something is reserved for calls that nobody will record."""
    await deliberations.accept(an_order(role, token_budget=20_000))
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    assert await deliberations.reserve(held, 9_000)
    turns = recordings(held, all_turns(held.deliberation)[:5])
    await deliberations.record([replace(turn, settles=1_000) for turn in turns])


async def _endpoint(councils: Councils, url: str) -> str:
    """Find an endpoint, and have the agent that is bound to it leave."""
    endpoint = next(one for one in await councils.endpoints() if one.url == url)
    found = await councils.agent_by_name("to be gone")
    assert found is not None
    await councils.retire_agent(found.id)
    return endpoint.id


def _absent(deliberation: str, key: TurnKey) -> Turn:
    return Turn(
        id=turn_id(deliberation, key),
        key=key,
        outcome=TurnOutcome.ABSENT,
        absence=f"the server said: {ODD}",
        attempts=4,
        started_at=BEGAN,
        finished_at=BEGAN + timedelta(seconds=1),
    )


def _key(of: str) -> Idempotency:
    return Idempotency(key=f"anonymous:{of}:{ODD[:50]}", input_digest=f"digest of {of}")


async def lines_of(graph: Reads, contents: Contents) -> list[Line]:
    """Export into memory."""
    texts = [text async for _, text in export(graph, contents)]
    return [Line(place=f"line {number}", text=text) for number, text in enumerate(texts, 1)]


def records_of(lines: Iterable[Line]) -> Records:
    """Read lines back."""
    return [json.loads(line.text) for line in lines]


def lines_from(records: Iterable[dict[str, Any]]) -> list[Line]:
    """Write records."""
    return [
        Line(place=f"line {number}", text=json.dumps(record))
        for number, record in enumerate(records, 1)
    ]


async def imported(
    graph: Graph, lines: list[Line], *, dry_run: bool = False, verify: bool = False
) -> Import:
    """Import lines as the command does where COUNCIL_SEED is not set."""
    return await import_lines(
        graph,
        lambda: iter(lines),
        seed=read_seed(None),
        allow_link_local=False,
        dry_run=dry_run,
        verify=verify,
    )
