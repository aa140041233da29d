"""Who did what: in the graph with each change, beside what it changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from orchestrator.domain.callers import Authors
from orchestrator.domain.drafts import (
    AgentChange,
    AgentDraft,
    CouncilChange,
    CouncilDraft,
    EndpointChange,
)
from orchestrator.domain.errors import RefusedError
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.doctor import examine
from orchestrator.graph.records import GraphRecords
from tests.support.deliberating import an_order

pytestmark = pytest.mark.neo4j

Told = Callable[[str], Awaitable[Authors | None]]


@pytest.fixture
def told(councils: Councils) -> Told:
    """What the graph tells of one thing."""
    records = GraphRecords(councils.graph)

    async def read(identifier: str) -> Authors | None:
        return (await records.authors([identifier, "dlb_none"])).get(identifier)

    return read


async def test_a_role_and_a_council_with_its_agents_name_who_made_them(
    councils: Councils, told: Told
) -> None:
    role = await councils.create_role("OPS", None, None, by="ada")
    draft = CouncilDraft(role="OPS", agents=(AgentDraft(name="one"), AgentDraft(name="two")))
    council = await councils.create_council(draft, None, by="bob")

    assert await told(role) == Authors(created_by="ada")
    assert await told(council) == Authors(created_by="bob")
    for name in ("one", "two"):
        agent = await councils.agent_by_name(name)
        assert agent is not None
        assert await told(agent.id) == Authors(created_by="bob")
    assert await examine(councils.graph) == ()


async def test_each_change_of_a_council_names_who_made_it_and_who_was_not_asked_leaves_no_name(
    councils: Councils, told: Told
) -> None:
    await councils.create_role("OPS", None, None)
    agents = (AgentDraft(name="one"), AgentDraft(name="two"), AgentDraft(name="three"))
    council = await councils.create_council(CouncilDraft(role="OPS", agents=agents), None, by="ada")
    one = await councils.agent_by_name("one")
    assert one is not None

    async def after(change: Awaitable[Any]) -> str | None:
        await change
        found = await told(council)
        assert found is not None
        assert found.created_by == "ada"
        return found.updated_by

    assert (
        await after(councils.update_council(council, None, CouncilChange(rounds=2), by="b")) == "b"
    )
    assert (
        await after(councils.update_council(council, None, CouncilChange(rounds=2), by="c")) == "b"
    )
    new = await councils.register_agent(council, AgentDraft(name="four"), None, by="d")
    assert await after(councils.update_agent(one.id, AgentChange(persona="x"), by="e")) == "e"
    assert await after(councils.retire_agent(one.id, by="f")) == "f"
    assert await after(councils.archive_council(council, None, by="g")) == "g"
    assert await after(councils.archive_council(council, None, by="h")) == "g"
    assert await after(councils.restore_council(council, by="i")) == "i"
    assert await after(councils.update_council(council, None, CouncilChange(rounds=1))) is None

    assert await told(new) == Authors(created_by="d")
    assert await told(one.id) == Authors(created_by="ada", updated_by="f")
    assert await examine(councils.graph) == ()


async def test_an_endpoint_names_who_made_changed_and_removed_it(
    councils: Councils, told: Told
) -> None:
    endpoint = await councils.register_endpoint("gpu", "http://gpu:8000/v1", None, None, by="ada")
    assert await told(endpoint) == Authors(created_by="ada")

    await councils.update_endpoint(endpoint, EndpointChange(url="http://gpu:9000/v1"), by="bob")
    assert await told(endpoint) == Authors(created_by="ada", updated_by="bob")

    await councils.remove_endpoint(endpoint, by="carl")
    assert await told(endpoint) == Authors(created_by="ada", updated_by="carl")
    assert await examine(councils.graph) == ()


async def test_a_deliberation_names_who_asked_for_it_and_who_cancelled_it(
    seeded: Councils, told: Told
) -> None:
    deliberations = GraphDeliberations(seeded.graph)
    first = (await deliberations.accept(an_order(created_by="ada"))).deliberation
    second = (await deliberations.accept(an_order())).deliberation
    assert await told(first) == Authors(created_by="ada")

    await deliberations.cancel(first, None, by="bob")
    await deliberations.cancel(first, None, by="carl")
    await deliberations.cancel(second, None)

    assert await told(first) == Authors(created_by="ada", cancelled_by="bob")
    assert await told(second) == Authors()
    assert await examine(seeded.graph) == ()


async def test_what_was_refused_leaves_no_name(councils: Councils, told: Told) -> None:
    role = await councils.create_role("OPS", None, None, by="ada")
    with pytest.raises(RefusedError):
        await councils.create_role("OPS", None, None, by="bob")

    assert await told(role) == Authors(created_by="ada")
