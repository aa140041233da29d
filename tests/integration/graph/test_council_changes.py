"""Changes of roles and councils: done whole, or refused with the caller's mistake and nothing written."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import pytest
from neo4j import AsyncDriver

from orchestrator.domain.drafts import (
    AgentChange,
    AgentDraft,
    Clear,
    CouncilChange,
    CouncilDraft,
    EndpointChange,
    Idempotency,
)
from orchestrator.domain.errors import Conflict, InvalidInput, Mistake, NotFound, RefusedError
from orchestrator.domain.filters import CouncilFilter
from orchestrator.domain.pages import PageRequest
from orchestrator.graph.councils import Councils
from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Graph, Transaction
from tests.integration.graph.conftest import Run
from tests.support.neo4j import statement
from tests.support.waiting import eventually

pytestmark = [pytest.mark.neo4j]

T = TypeVar("T")

WholeGraph = Callable[[], Awaitable[list[Any]]]

ONE = Idempotency(key="caller/createCouncil/1", input_digest="one")
OTHER = Idempotency(key="caller/createCouncil/1", input_digest="other")


async def refusal(whole_graph: WholeGraph, doing: Awaitable[Any]) -> tuple[Mistake, ...]:
    """Do what must be refused; returns the mistakes."""
    before = await whole_graph()
    with pytest.raises(RefusedError) as caught:
        await doing
    assert await whole_graph() == before
    return caught.value.mistakes


async def refused(whole_graph: WholeGraph, doing: Awaitable[Any]) -> list[tuple[Any, ...]]:
    """Do what must be refused; returns type, path and what is sought or exists of each mistake."""
    return [_short(mistake) for mistake in await refusal(whole_graph, doing)]


def _short(mistake: Mistake) -> tuple[Any, ...]:
    match mistake:
        case InvalidInput():
            return InvalidInput, ".".join(mistake.path)
        case NotFound():
            return NotFound, ".".join(mistake.path), mistake.sought
        case Conflict():
            return Conflict, ".".join(mistake.path), mistake.existing


def of(role: str, *names: str | None, **rest: Any) -> CouncilDraft:
    return CouncilDraft(role=role, agents=tuple(AgentDraft(name=name) for name in names), **rest)


async def agent_id(councils: Councils, name: str) -> str:
    agent = await councils.agent_by_name(name)
    assert agent is not None
    return agent.id


# ---------------------------------------------------------------- roles


async def test_a_role_is_made_once_a_name(councils: Councils, whole_graph: WholeGraph) -> None:
    made = await councils.create_role("DEV", None, None)
    again = await refused(whole_graph, councils.create_role("DEV", "other", None))
    assert again == [(Conflict, "name", made)]


async def test_roles_of_one_name_made_at_once_are_one(councils: Councils) -> None:
    made = await asyncio.gather(
        *(councils.create_role("DEV", None, None) for _ in range(5)), return_exceptions=True
    )
    [role] = await councils.roles()
    assert [one for one in made if isinstance(one, str)] == [role.id]
    mistakes = [one.mistakes for one in made if isinstance(one, RefusedError)]
    assert [_short(m[0]) for m in mistakes] == [(Conflict, "name", role.id)] * 4


async def test_a_request_for_a_role_that_comes_again_brings_back_the_same(
    councils: Councils, whole_graph: WholeGraph
) -> None:
    made = await asyncio.gather(*(councils.create_role("DEV", None, ONE) for _ in range(4)))
    assert set(made) == {made[0]}
    assert await refused(whole_graph, councils.create_role("DEV", None, OTHER)) == [
        (Conflict, "idempotencyKey", made[0])
    ]


# ---------------------------------------------------------------- councils


async def test_a_council_needs_a_role_that_is_there_and_not_served(
    councils: Councils, dev: str, whole_graph: WholeGraph
) -> None:
    assert await refused(whole_graph, councils.create_council(of("NONE", None), None)) == [
        (NotFound, "role", "NONE")
    ]
    assert await refused(whole_graph, councils.create_council(of("DEV", None), None)) == [
        (Conflict, "role", dev)
    ]


async def test_of_councils_made_at_once_for_a_role_one_serves(councils: Councils) -> None:
    await councils.create_role("DEV", None, None)
    made = await asyncio.gather(
        *(councils.create_council(of("DEV", None), None) for _ in range(4)), return_exceptions=True
    )
    [council] = [one for one in made if isinstance(one, str)]
    mistakes = [one.mistakes for one in made if isinstance(one, RefusedError)]
    assert [_short(m[0]) for m in mistakes] == [(Conflict, "role", council)] * 3
    assert await councils.count_agents() == 1


async def test_a_request_for_a_council_that_comes_again_brings_back_the_same(
    councils: Councils, whole_graph: WholeGraph
) -> None:
    await councils.create_role("DEV", None, None)
    await councils.create_role("QA", None, None)
    made = await asyncio.gather(*(councils.create_council(of("DEV", None), ONE) for _ in range(4)))
    assert set(made) == {made[0]}
    assert await refused(whole_graph, councils.create_council(of("DEV", None), OTHER)) == [
        (Conflict, "idempotencyKey", made[0])
    ]
    assert await refused(whole_graph, councils.create_council(of("QA", None), OTHER)) == [
        (Conflict, "idempotencyKey", made[0])
    ]


async def test_one_key_sent_at_once_for_two_roles_makes_one_council(councils: Councils) -> None:
    await councils.create_role("DEV", None, None)
    await councils.create_role("QA", None, None)
    made = await asyncio.gather(
        councils.create_council(of("DEV", None), ONE),
        councils.create_council(of("QA", None), OTHER),
        return_exceptions=True,
    )
    [council] = [one for one in made if isinstance(one, str)]
    [error] = [one for one in made if isinstance(one, RefusedError)]
    assert _short(error.mistakes[0]) == (Conflict, "idempotencyKey", council)
    assert await councils.count_councils(CouncilFilter(include_archived=True)) == 1


async def test_every_mistake_of_the_agents_is_named_at_its_place(
    councils: Councils, dev: str, whole_graph: WholeGraph
) -> None:
    await councils.create_role("QA", None, None)
    taken = await agent_id(councils, "dev-agent-2")
    draft = CouncilDraft(
        role="QA",
        agents=(
            AgentDraft(name="a"),
            AgentDraft(name="dev-agent-2"),
            AgentDraft(endpoint="nowhere"),
        ),
    )
    assert dev
    assert await refused(whole_graph, councils.create_council(draft, None)) == [
        (Conflict, "agents.1.name", taken),
        (NotFound, "agents.2.endpoint", "nowhere"),
    ]


async def test_agents_of_one_name_made_at_once_for_two_roles_are_one(councils: Councils) -> None:
    await councils.create_role("DEV", None, None)
    await councils.create_role("QA", None, None)
    made = await asyncio.gather(
        *(councils.create_council(of(role, "ann"), None) for role in ("DEV", "QA")),
        return_exceptions=True,
    )
    [error] = [one for one in made if isinstance(one, RefusedError)]
    ann = await agent_id(councils, "ann")
    assert _short(error.mistakes[0]) == (Conflict, "agents.0.name", ann)


async def test_default_names_take_numbers_never_used_and_step_over_names_that_are_taken(
    councils: Councils,
) -> None:
    await councils.create_role("DEV", None, None)
    first = await councils.create_council(of("DEV", None, "dev-agent-3", "dev-agent-4"), None)
    await councils.archive_council(first, None)
    second = await councils.create_council(of("DEV", None, None, "dev-agent-5", None), None)
    [council] = (await councils.councils_by_id([second])).values()
    assert council.name == "dev-council-2"
    names = [seat.agent.name for seat in council.seats]
    assert names == ["dev-agent-2", "dev-agent-6", "dev-agent-5", "dev-agent-7"]


async def test_a_council_has_a_majority_as_its_quorum(councils: Councils) -> None:
    await councils.create_role("DEV", None, None)
    made = await councils.create_council(of("DEV", None, None, None, None), None)
    assert (await councils.councils_by_id([made]))[made].quorum == 3


async def test_a_change_raises_the_version_and_one_that_changes_nothing_does_not(
    councils: Councils, dev: str, whole_graph: WholeGraph
) -> None:
    before = (await councils.councils_by_id([dev]))[dev]
    await councils.update_council(dev, 1, CouncilChange(name="new", rounds=0, quorum=3))
    after = (await councils.councils_by_id([dev]))[dev]
    assert (after.name, after.rounds, after.quorum, after.version) == ("new", 0, 3, 2)
    assert after.updated_at >= before.updated_at
    graph = await whole_graph()
    await councils.update_council(dev, 2, CouncilChange(name="new", quorum=3))
    assert await whole_graph() == graph


async def test_a_change_is_refused_where_it_does_not_fit(
    councils: Councils, dev: str, whole_graph: WholeGraph
) -> None:
    def update(
        council: str, version: int | None = None, **change: Any
    ) -> Awaitable[list[tuple[Any, ...]]]:
        doing = councils.update_council(council, version, CouncilChange(**change))
        return refused(whole_graph, doing)

    assert await update("cou_none", name="x") == [(NotFound, "id", "cou_none")]
    assert await update(dev, 7, name="x") == [(Conflict, "expectedVersion", dev)]
    assert await update(dev, quorum=4) == [(InvalidInput, "quorum")]
    assert await refused(whole_graph, councils.archive_council(dev, 7)) == [
        (Conflict, "expectedVersion", dev)
    ]
    assert await refused(whole_graph, councils.archive_council("cou_none", None)) == [
        (NotFound, "id", "cou_none")
    ]
    await councils.archive_council(dev, 1)
    assert await update(dev, name="x") == [(Conflict, "id", dev)]


async def test_changes_of_one_version_at_once_are_one_change(councils: Councils, dev: str) -> None:
    made = await asyncio.gather(
        *(councils.update_council(dev, 1, CouncilChange(name=f"n{i}")) for i in range(4)),
        return_exceptions=True,
    )
    assert sum(one is None for one in made) == 1
    assert (await councils.councils_by_id([dev]))[dev].version == 2


async def test_a_lock_is_waited_for_and_what_it_guarded_is_read_after_it(
    graph: Graph, councils: Councils, dev: str, run: Run
) -> None:
    """A rival transaction stays open across the change; its new version must be seen."""
    locked, done = asyncio.Event(), asyncio.Event()

    async def rival(transaction: Transaction) -> None:
        await transaction.run("council/lock", id=dev)
        await transaction.run("council/touch", id=dev, updatedBy=None)
        locked.set()
        await done.wait()

    first = asyncio.create_task(graph.transact(rival))
    await locked.wait()
    second = asyncio.create_task(councils.update_council(dev, 1, CouncilChange(name="late")))
    await eventually(lambda: run("count_blocked"), lambda rows: rows[0]["count"] > 0)
    done.set()
    await first
    with pytest.raises(RefusedError) as caught:
        await second
    assert _short(caught.value.mistakes[0]) == (Conflict, "expectedVersion", dev)


async def test_an_archived_council_keeps_everything_and_serves_nothing(
    councils: Councils, dev: str, whole_graph: WholeGraph
) -> None:
    before = (await councils.councils_by_id([dev]))[dev]
    await councils.archive_council(dev, 1)
    assert await councils.council_by_role("DEV") is None
    after = (await councils.councils_by_id([dev]))[dev]
    assert after.archived_at is not None
    assert after.version == 2
    assert [seat.agent for seat in after.seats] == [seat.agent for seat in before.seats]
    assert (after.role.name, after.role.council_id) == ("DEV", None)
    graph = await whole_graph()
    await councils.archive_council(dev, None)
    assert await whole_graph() == graph


async def test_a_council_is_restored_unless_another_serves_its_role(
    councils: Councils, dev: str, whole_graph: WholeGraph
) -> None:
    graph = await whole_graph()
    await councils.restore_council(dev)
    assert await whole_graph() == graph
    await councils.archive_council(dev, None)
    other = await councils.create_council(of("DEV", None), None)
    assert await refused(whole_graph, councils.restore_council(dev)) == [(Conflict, "id", other)]
    await councils.archive_council(other, None)
    await councils.restore_council(dev)
    council = await councils.council_by_role("DEV")
    assert council is not None
    assert (council.id, council.archived_at, council.version) == (dev, None, 3)
    assert await refused(whole_graph, councils.restore_council("cou_none")) == [
        (NotFound, "id", "cou_none")
    ]


# ---------------------------------------------------------------- agents


async def test_a_new_agent_takes_the_next_seat(councils: Councils, dev: str) -> None:
    made = await councils.register_agent(dev, AgentDraft(persona="p", model="m"), None)
    council = (await councils.councils_by_id([dev]))[dev]
    assert (council.version, council.seats[-1].number, council.seats[-1].agent.id) == (2, 4, made)
    assert (council.seats[-1].agent.name, council.seats[-1].persona) == ("dev-agent-4", "p")
    model = council.seats[-1].model.id
    assert [e.name for e in (await councils.models_by_id([model]))[model].endpoints] == ["default"]


async def test_agents_registered_at_once_take_seats_of_their_own(
    councils: Councils, dev: str
) -> None:
    await asyncio.gather(*(councils.register_agent(dev, AgentDraft(), None) for _ in range(5)))
    council = (await councils.councils_by_id([dev]))[dev]
    assert [seat.number for seat in council.seats] == list(range(1, 9))
    assert {seat.agent.name for seat in council.seats} == {f"dev-agent-{n}" for n in range(1, 9)}
    assert council.version == 6


async def test_a_request_for_an_agent_that_comes_again_brings_back_the_same(
    councils: Councils, dev: str, whole_graph: WholeGraph
) -> None:
    made = await asyncio.gather(
        *(councils.register_agent(dev, AgentDraft(), ONE) for _ in range(4))
    )
    assert set(made) == {made[0]}
    assert len((await councils.councils_by_id([dev]))[dev].seats) == 4
    for council in (dev, "cou_none"):
        again = councils.register_agent(council, AgentDraft(), OTHER)
        assert await refused(whole_graph, again) == [(Conflict, "idempotencyKey", made[0])]


async def test_an_agent_is_refused_where_it_does_not_fit(
    councils: Councils, dev: str, whole_graph: WholeGraph
) -> None:
    def register(council: str, draft: AgentDraft) -> Awaitable[list[tuple[Any, ...]]]:
        return refused(whole_graph, councils.register_agent(council, draft, None))

    assert await register("cou_none", AgentDraft()) == [(NotFound, "councilId", "cou_none")]
    taken = await agent_id(councils, "dev-agent-1")
    assert await register(dev, AgentDraft(name="dev-agent-1")) == [(Conflict, "agent.name", taken)]
    assert await register(dev, AgentDraft(endpoint="x")) == [(NotFound, "agent.endpoint", "x")]
    for _ in range(12):
        await councils.register_agent(dev, AgentDraft(), None)
    assert await register(dev, AgentDraft()) == [(Conflict, "councilId", dev)]
    await councils.archive_council(dev, None)
    assert await register(dev, AgentDraft()) == [(Conflict, "councilId", dev)]


async def test_an_agent_changes_what_is_named_and_clears_what_can_be_empty(
    councils: Councils, dev: str, whole_graph: WholeGraph
) -> None:
    await councils.register_endpoint("gpu", "http://gpu/v1", None, None)
    agent = await agent_id(councils, "dev-agent-2")
    everything = AgentChange(
        persona="p", temperature=1.5, max_tokens=9, model="m", endpoint="gpu", metadata="{}"
    )
    await councils.update_agent(agent, everything)
    after = (await councils.agents_by_id([agent]))[agent]
    assert (after.persona, after.temperature, after.max_tokens) == ("p", 1.5, 9)
    assert (after.model.name, after.metadata) == ("m", "{}")
    assert after.endpoint is not None
    models = await councils.models_by_id([after.model.id])
    assert models[after.model.id].endpoints == (after.endpoint,)
    graph = await whole_graph()
    await councils.update_agent(agent, everything)
    assert await whole_graph() == graph
    cleared = AgentChange(persona=Clear.CLEAR, endpoint=Clear.CLEAR, metadata=Clear.CLEAR)
    await councils.update_agent(agent, cleared)
    after = (await councils.agents_by_id([agent]))[agent]
    assert (after.persona, after.endpoint, after.metadata) == (None, None, None)
    assert (after.model.name, after.temperature) == ("m", 1.5)
    assert (await councils.councils_by_id([dev]))[dev].version == 3


async def test_a_change_of_an_agent_is_refused_where_it_does_not_fit(
    councils: Councils, dev: str, whole_graph: WholeGraph
) -> None:
    def update(agent: str, **change: Any) -> Awaitable[list[tuple[Any, ...]]]:
        return refused(whole_graph, councils.update_agent(agent, AgentChange(**change)))

    agent = await agent_id(councils, "dev-agent-1")
    assert await update("agt_none", persona="x") == [(NotFound, "id", "agt_none")]
    assert await update(agent, endpoint="none") == [(NotFound, "endpoint", "none")]
    await councils.retire_agent(agent)
    assert await update(agent, persona="x") == [(Conflict, "id", agent)]
    assert (await councils.councils_by_id([dev]))[dev].version == 2


async def test_a_retired_agent_leaves_no_empty_seat_and_its_name_stays_taken(
    councils: Councils, dev: str, whole_graph: WholeGraph
) -> None:
    agent = await agent_id(councils, "dev-agent-2")
    await councils.retire_agent(agent)
    council = (await councils.councils_by_id([dev]))[dev]
    assert [(s.number, s.agent.name) for s in council.seats] == [
        (1, "dev-agent-1"),
        (2, "dev-agent-3"),
    ]
    assert council.version == 2
    retired = (await councils.agents_by_id([agent]))[agent]
    assert (retired.retired, retired.council_id) == (True, None)
    graph = await whole_graph()
    await councils.retire_agent(agent)
    assert await whole_graph() == graph
    assert await refused(
        whole_graph, councils.register_agent(dev, AgentDraft(name="dev-agent-2"), None)
    ) == [(Conflict, "agent.name", agent)]
    made = await councils.register_agent(dev, AgentDraft(), None)
    assert (await councils.agents_by_id([made]))[made].name == "dev-agent-4"


async def test_no_agent_retires_below_the_quorum(
    councils: Councils, dev: str, whole_graph: WholeGraph
) -> None:
    assert await refused(whole_graph, councils.retire_agent("agt_none")) == [
        (NotFound, "id", "agt_none")
    ]
    agents = [await agent_id(councils, f"dev-agent-{n}") for n in (1, 2, 3)]
    done = await asyncio.gather(
        *(councils.retire_agent(agent) for agent in agents), return_exceptions=True
    )
    assert sum(one is None for one in done) == 1
    council = (await councils.councils_by_id([dev]))[dev]
    assert [seat.number for seat in council.seats] == [1, 2]
    assert await refused(whole_graph, councils.retire_agent(council.seats[0].agent.id)) == [
        (Conflict, "id", dev)
    ]


# ---------------------------------------------------------------- endpoints


async def test_an_endpoint_is_made_once_a_name_and_changed(
    councils: Councils, whole_graph: WholeGraph
) -> None:
    made = await councils.register_endpoint("gpu", "http://gpu/v1", "COUNCIL_KEY_A", None)
    again = councils.register_endpoint("gpu", "http://other/v1", None, None)
    assert await refused(whole_graph, again) == [(Conflict, "name", made)]
    await councils.update_endpoint(made, EndpointChange(url="http://new/v1"))
    await councils.update_endpoint(made, EndpointChange(api_key_variable=Clear.CLEAR))
    endpoint = (await councils.endpoints_by_id([made]))[made]
    assert (endpoint.url, endpoint.api_key_variable) == ("http://new/v1", None)
    change = councils.update_endpoint("end_none", EndpointChange(url="http://new/v1"))
    assert await refused(whole_graph, change) == [(NotFound, "id", "end_none")]


async def test_the_default_endpoint_is_what_the_setting_says(
    councils: Councils, whole_graph: WholeGraph
) -> None:
    [default] = await councils.endpoints()
    change = councils.update_endpoint(default.id, EndpointChange(url="http://other/v1"))
    assert await refused(whole_graph, change) == [(InvalidInput, "id")]
    assert await refused(whole_graph, councils.remove_endpoint(default.id)) == [
        (InvalidInput, "id")
    ]


async def test_a_request_for_an_endpoint_that_comes_again_brings_back_the_same(
    councils: Councils, whole_graph: WholeGraph
) -> None:
    made = await asyncio.gather(
        *(councils.register_endpoint("gpu", "http://gpu/v1", None, ONE) for _ in range(4))
    )
    assert set(made) == {made[0]}
    again = councils.register_endpoint("gpu", "http://gpu/v1", None, OTHER)
    assert await refused(whole_graph, again) == [(Conflict, "idempotencyKey", made[0])]


async def test_the_key_of_an_endpoint_that_was_removed_makes_no_second_one(
    councils: Councils, whole_graph: WholeGraph
) -> None:
    made = await councils.register_endpoint("gpu", "http://gpu/v1", None, ONE)
    await councils.remove_endpoint(made)
    again = councils.register_endpoint("gpu", "http://gpu/v1", None, ONE)
    [conflict] = await refusal(whole_graph, again)
    assert conflict == Conflict(message="what this key made was removed", path=("idempotencyKey",))
    other = councils.register_endpoint("gpu", "http://gpu/v1", None, OTHER)
    assert await refused(whole_graph, other) == [(Conflict, "idempotencyKey", made)]


async def test_there_are_no_more_endpoints_than_may_be_however_many_are_registered_at_once(
    councils: Councils, whole_graph: WholeGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.graph.endpoint_changes.ENDPOINTS", 3)
    made = await asyncio.gather(
        *(councils.register_endpoint(f"gpu-{n}", "http://gpu/v1", None, None) for n in range(6)),
        return_exceptions=True,
    )
    registered = [one for one in made if isinstance(one, str)]
    # The endpoint `default` is one of them.
    assert len(registered) == 2
    assert len(await councils.endpoints()) == 3
    [conflict] = await refusal(
        whole_graph, councils.register_endpoint("gpu", "http://gpu/v1", None, None)
    )
    assert conflict == Conflict(
        message="there are 3 endpoints, and may be 3 at most: remove one first", path=()
    )
    await councils.remove_endpoint(registered[0])
    await councils.register_endpoint("gpu", "http://gpu/v1", None, None)


async def test_a_request_for_an_endpoint_that_was_made_is_answered_where_there_may_be_no_more(
    councils: Councils, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await councils.register_endpoint("gpu", "http://gpu/v1", None, ONE)
    monkeypatch.setattr("orchestrator.graph.endpoint_changes.ENDPOINTS", 2)
    assert await councils.register_endpoint("gpu", "http://gpu/v1", None, ONE) == made


async def test_an_endpoint_that_an_agent_is_bound_to_stays(
    councils: Councils, dev: str, whole_graph: WholeGraph
) -> None:
    made = await councils.register_endpoint("gpu", "http://gpu/v1", None, None)
    agent = await councils.register_agent(dev, AgentDraft(endpoint="gpu"), None)
    assert await refused(whole_graph, councils.remove_endpoint(made)) == [(Conflict, "id", agent)]


async def test_a_removed_endpoint_serves_nothing_frees_its_name_and_stays_in_what_was_deliberated(
    councils: Councils, dev: str, whole_graph: WholeGraph, run: Run
) -> None:
    made = await councils.register_endpoint("gpu", "http://gpu/v1", None, None)
    agent = await councils.register_agent(dev, AgentDraft(model="m", endpoint="gpu"), None)
    name = (await councils.agents_by_id([agent]))[agent].name
    await run("make_deliberation", id="dlb_1", status="DECIDED", agent=name, endpoint="gpu")
    await councils.update_agent(agent, AgentChange(endpoint=Clear.CLEAR))
    removed = await councils.remove_endpoint(made)
    assert (removed.id, removed.name) == (made, "gpu")
    assert await councils.endpoints_by_id([made]) == {}
    assert (await councils.agents_by_id([agent]))[agent].model.endpoints == ()
    assert await run("find_seat_endpoint", id="dlb_1") == [
        {"name": "gpu", "labels": ["RemovedEndpoint"]}
    ]
    assert await refused(whole_graph, councils.remove_endpoint(made)) == [(NotFound, "id", made)]
    assert await councils.register_endpoint("gpu", "http://gpu/v1", None, None) != made


@pytest.mark.parametrize("change", ["update", "remove"])
async def test_an_endpoint_that_is_removed_meanwhile_is_not_there_to_be_changed(
    graph: Graph, councils: Councils, run: Run, change: str
) -> None:
    made = await councils.register_endpoint("gpu", "http://gpu/v1", None, None)
    changes: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
        "update": lambda: councils.update_endpoint(made, EndpointChange(url="http://new/v1")),
        "remove": lambda: councils.remove_endpoint(made),
    }
    with pytest.raises(RefusedError) as refused:
        await _removed_while(graph, made, run, changes[change]())
    assert refused.value.mistakes == (
        NotFound(message="there is no such endpoint", path=("id",), sought=made),
    )


async def test_what_an_endpoint_lists_is_added_to_what_is_known_to_serve_a_model(
    councils: Councils, dev: str
) -> None:
    made = await councils.register_endpoint("gpu", "http://gpu/v1", None, None)
    await councils.register_agent(dev, AgentDraft(model="m"), None)
    assert await councils.note_served(made, ["m", "unknown", "rehearsal"]) == 1
    assert await councils.note_served(made, ["m"]) == 0
    models = {m.name: [e.name for e in m.endpoints] for m in await councils.models()}
    assert models == {
        "rehearsal": [],
        "Qwen/Qwen2.5-0.5B-Instruct": ["default"],
        "m": ["default", "gpu"],
    }
    assert (await councils.councils(PageRequest(), CouncilFilter())).items[0].id == dev


async def test_what_an_endpoint_lists_while_it_is_removed_is_not_tied_to_what_is_left_of_it(
    graph: Graph, councils: Councils, dev: str, run: Run
) -> None:
    made = await councils.register_endpoint("gpu", "http://gpu/v1", None, None)
    await councils.register_agent(dev, AgentDraft(model="m"), None)
    added = await _removed_while(graph, made, run, councils.note_served(made, ["m"]))
    assert (added, await examine(graph)) == (0, ())


async def test_a_model_that_is_new_is_served_by_the_endpoints_that_list_it_already(
    councils: Councils, dev: str
) -> None:
    for name, models in (("gpu1", ["a", "b"]), ("gpu2", ["b"]), ("gpu3", ["a"])):
        made = await councils.register_endpoint(name, "http://gpu/v1", None, None)
        await councils.note_served(made, models)
    await councils.register_agent(dev, AgentDraft(model="b"), None)
    assert await _serving(councils, "b") == ["gpu1", "gpu2"]


@pytest.mark.usefixtures("dev")
async def test_a_model_that_an_agent_speaks_with_from_now_on_is_served_by_what_lists_it_already(
    councils: Councils,
) -> None:
    made = await councils.register_endpoint("gpu", "http://gpu/v1", None, None)
    await councils.note_served(made, ["b"])
    await councils.update_agent(await agent_id(councils, "dev-agent-1"), AgentChange(model="b"))
    assert await _serving(councils, "b") == ["gpu"]


async def test_a_new_model_waits_for_no_other_that_the_same_endpoint_lists(
    graph: Graph, councils: Councils, driver: AsyncDriver, dev: str
) -> None:
    """Of councils that were made at once with models of their own, most gave each other up for a deadlock."""
    made = await councils.register_endpoint("gpu", "http://gpu/v1", None, None)
    await councils.note_served(made, ["a", "b", "c"])
    async with (
        driver.session(database=graph.database) as session,
        await session.begin_transaction() as other,
    ):
        await (await other.run(statement("graph/make_model"), name="a")).consume()
        await councils.register_agent(dev, AgentDraft(model="b"), None)
        assert await _serving(councils, "b") == ["gpu"]


async def test_a_model_that_nothing_lists_is_served_by_the_default_endpoint(
    councils: Councils, dev: str
) -> None:
    made = await councils.register_endpoint("gpu", "http://gpu/v1", None, None)
    await councils.note_served(made, ["a"])
    await councils.register_agent(dev, AgentDraft(model="b"), None)
    assert await _serving(councils, "b") == ["default"]


async def test_a_new_model_is_not_tied_to_what_is_left_of_an_endpoint_that_listed_it(
    graph: Graph, councils: Councils, dev: str, run: Run
) -> None:
    made = await councils.register_endpoint("gpu", "http://gpu/v1", None, None)
    await councils.note_served(made, ["b"])
    registering = councils.register_agent(dev, AgentDraft(model="b"), None)
    await _removed_while(graph, made, run, registering)
    assert (await _serving(councils, "b"), await examine(graph)) == (["default"], ())


async def _serving(councils: Councils, model: str) -> list[str]:
    """The names of the endpoints that serve a model."""
    [found] = [one for one in await councils.models() if one.name == model]
    return sorted(endpoint.name for endpoint in found.endpoints)


async def _removed_while(graph: Graph, endpoint: str, run: Run, ours: Coroutine[Any, Any, T]) -> T:
    """Remove an endpoint in a transaction that is committed once what we do waits for its lock."""
    locked, done = asyncio.Event(), asyncio.Event()

    async def remove(transaction: Transaction) -> None:
        await transaction.run("endpoint/lock", id=endpoint)
        await transaction.run("endpoint/remove", id=endpoint, updatedBy=None)
        locked.set()
        await done.wait()

    removing = asyncio.create_task(graph.transact(remove))
    await locked.wait()
    doing = asyncio.create_task(ours)
    await eventually(lambda: run("count_blocked"), lambda rows: rows[0]["count"] > 0)
    done.set()
    await removing
    return await doing
