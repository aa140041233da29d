"""Roles, councils, agents, models and endpoints, read back as they were made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from neo4j import Record
from typing_extensions import override

from orchestrator.api import ports
from orchestrator.domain.councils import Decision, ProtocolName
from orchestrator.domain.drafts import AgentDraft, CouncilDraft
from orchestrator.domain.errors import UnreadableError
from orchestrator.domain.filters import CouncilFilter
from orchestrator.domain.pages import Page, PageRequest
from orchestrator.domain.values import replace
from orchestrator.graph.councils import Councils
from orchestrator.graph.driver import Graph
from tests.integration.graph.conftest import Run

pytestmark = [pytest.mark.neo4j]

ODD = "Ü \"quoted\" 'n' `ticks` \\ back \N{FAMILY} 漢字 {$x} //"


async def test_it_is_what_the_api_asks_for(councils: Councils) -> None:
    asked: ports.Councils = councils
    assert asked is councils


async def test_a_council_is_read_as_it_was_made(councils: Councils) -> None:
    role = await councils.create_role("DEV", ODD, None)
    endpoint = await councils.register_endpoint(
        "gpu", "http://gpu:8000/v1", "COUNCIL_KEY_GPU", None
    )
    made = await councils.create_council(
        CouncilDraft(
            role="DEV",
            name=ODD,
            agents=(
                AgentDraft(
                    name=ODD,
                    persona=ODD,
                    temperature=0.0,
                    max_tokens=7,
                    model="own/model",
                    endpoint="gpu",
                    metadata='{"a": [1, null]}',
                ),
                AgentDraft(),
            ),
            rounds=3,
            quorum=1,
        ),
        None,
    )
    [council] = (await councils.councils_by_id([made])).values()
    assert (council.id, council.name, council.version) == (made, ODD, 1)
    assert (council.protocol, council.rounds) == (ProtocolName.PEER_REVIEW, 3)
    assert (council.quorum, council.decision) == (1, Decision.BALLOTS)
    assert council.archived_at is None
    assert council.created_at == council.updated_at
    assert council.created_at.utcoffset() == timedelta(0)
    assert (council.role.id, council.role.description) == (role, ODD)
    assert council.role.council_id == made
    first, second = council.seats
    assert [seat.number for seat in council.seats] == [1, 2]
    assert (first.agent.name, first.persona, first.temperature, first.max_tokens) == (
        ODD,
        ODD,
        0.0,
        7,
    )
    assert first.agent.metadata == '{"a": [1, null]}'
    assert first.agent.council_id == made
    assert first.endpoint is not None
    assert (first.endpoint.id, first.endpoint.api_key_variable) == (endpoint, "COUNCIL_KEY_GPU")
    assert first.model.name == "own/model"
    assert (second.agent.name, second.persona) == ("dev-agent-1", None)
    assert (second.temperature, second.max_tokens, second.endpoint) == (0.7, 512, None)
    models = await councils.models_by_id([first.model.id, second.model.id])
    serving = {id_: [e.name for e in model.endpoints] for id_, model in models.items()}
    assert serving == {first.model.id: ["gpu"], second.model.id: ["default"]}
    assert await councils.council_by_role("DEV") == council
    assert await councils.agent_by_name(ODD) == first.agent
    agents = await councils.agents_by_id([first.agent.id, second.agent.id, "agt_none"])
    assert agents == {seat.agent.id: seat.agent for seat in council.seats}


async def test_what_is_not_there_is_missing(councils: Councils) -> None:
    assert await councils.role_by_name("NONE") is None
    assert await councils.council_by_role("NONE") is None
    assert await councils.agent_by_name("none") is None
    assert await councils.roles_by_id(["rol_0"]) == {}
    assert await councils.councils_by_id(["cou_0"]) == {}
    assert await councils.models_by_id(["mdl_0"]) == {}
    assert await councils.endpoints_by_id(["end_0"]) == {}
    empty = await councils.councils(PageRequest(), CouncilFilter())
    assert empty == Page(items=())


async def test_pages_of_councils_meet_without_gap_or_double(seeded: Councils) -> None:
    everything = CouncilFilter(include_archived=True)
    whole = (await seeded.councils(PageRequest(), everything)).items
    assert [c.role.name for c in whole] == ["DATA", "DEVOPS", "ARCHITECT", "QA", "DEV"]
    first = await seeded.councils(PageRequest(limit=2), everything)
    second = await seeded.councils(PageRequest(limit=2, key=first.items[-1].id), everything)
    third = await seeded.councils(PageRequest(limit=2, key=second.items[-1].id), everything)
    assert (*first.items, *second.items, *third.items) == whole
    assert [(p.has_previous, p.has_next) for p in (first, second, third)] == [
        (False, True),
        (True, True),
        (True, False),
    ]
    last = await seeded.councils(PageRequest(limit=2, backward=True), everything)
    assert last == Page(items=whole[3:], has_previous=True)
    before = PageRequest(limit=5, key=last.items[0].id, backward=True)
    assert await seeded.councils(before, everything) == Page(items=whole[:3], has_next=True)


async def test_councils_are_found_by_role_and_by_part_of_a_name(seeded: Councils) -> None:
    async def names(where: CouncilFilter, *, backward: bool = False) -> list[str]:
        page = await seeded.councils(PageRequest(backward=backward), where)
        assert await seeded.count_councils(where) == len(page.items)
        return [council.name for council in page.items]

    assert await names(CouncilFilter(role="QA")) == ["qa-council-1"]
    assert await names(CouncilFilter(role="QA"), backward=True) == ["qa-council-1"]
    assert await names(CouncilFilter(role="NONE")) == []
    assert await names(CouncilFilter(name_contains="DEV")) == ["devops-council-1", "dev-council-1"]
    [council] = (await seeded.councils(PageRequest(), CouncilFilter(role="QA"))).items
    await seeded.archive_council(council.id, None)
    assert await names(CouncilFilter(role="QA")) == []
    assert await names(CouncilFilter(role="QA", include_archived=True)) == ["qa-council-1"]
    assert await names(CouncilFilter()) == [
        "data-council-1",
        "devops-council-1",
        "architect-council-1",
        "dev-council-1",
    ]


async def test_agents_are_listed_newest_first_and_counted(seeded: Councils) -> None:
    first = await seeded.agents(PageRequest(limit=10))
    second = await seeded.agents(PageRequest(limit=10, key=first.items[-1].id))
    names = [agent.name for agent in (*first.items, *second.items)]
    assert (names[0], names[-1], len(names)) == ("data-agent-3", "dev-agent-1", 15)
    assert await seeded.count_agents() == 15
    oldest = await seeded.agents(PageRequest(limit=1, backward=True))
    assert [agent.name for agent in oldest.items] == ["dev-agent-1"]


async def test_models_and_endpoints_are_listed_with_who_serves_them(seeded: Councils) -> None:
    models = await seeded.models()
    assert [(m.name, m.rehearsal, [e.name for e in m.endpoints]) for m in models] == [
        ("rehearsal", True, []),
        ("Qwen/Qwen2.5-0.5B-Instruct", False, ["default"]),
    ]
    assert await seeded.models_by_id([m.id for m in models]) == {m.id: m for m in models}
    endpoints = await seeded.endpoints()
    assert [(e.name, e.api_key_variable) for e in endpoints] == [("default", "VLLM_API_KEY")]
    assert await seeded.endpoints_by_id([e.id for e in endpoints]) == {e.id: e for e in endpoints}
    roles = await seeded.roles()
    assert [role.name for role in roles] == ["DEV", "QA", "ARCHITECT", "DEVOPS", "DATA"]
    assert await seeded.roles_by_id([r.id for r in roles]) == {r.id: r for r in roles}
    assert await seeded.role_by_name("QA") == roles[1]


async def test_only_who_sits_in_a_running_deliberation_is_busy(seeded: Councils, run: Run) -> None:
    for status, agent in (("RUNNING", "dev-agent-2"), ("DECIDED", "dev-agent-1")):
        await run("make_deliberation", id=f"dlb_{agent}", status=status, agent=agent, endpoint=None)
    running = await seeded.agent_by_name("dev-agent-2")
    assert running is not None
    assert await seeded.busy_agents() == {running.id}


async def test_a_council_comes_without_its_seats_where_they_are_not_wanted(
    seeded: Councils,
) -> None:
    whole = await seeded.council_by_role("QA")
    assert whole is not None
    bare = replace(whole, seats=())
    assert len(whole.seats) == 3
    assert await seeded.council_by_role("QA", seated=False) == bare
    assert await seeded.councils_by_id([whole.id], seated=False) == {whole.id: bare}
    for where in (CouncilFilter(), CouncilFilter(role="QA")):
        for backward in (False, True):
            page = await seeded.councils(PageRequest(backward=backward), where, seated=False)
            assert bare in page.items
            assert not any(council.seats for council in page.items)


class _Changing(Graph):
    """Shows councils, so many times, as they are while Neo4j writes who sits on them into its store: one has no model yet."""

    times: int = 1
    looks: int = 0

    @override
    async def read(self, name: str, /, **parameters: Any) -> list[Record]:
        rows = await super().read(name, **parameters)
        self.looks += 1
        if self.looks <= self.times:
            for _, _, seats, *_ in rows[0]["councils"]:
                seats.pop()
        return rows


async def test_council_that_lacks_a_seat_is_read_again(seeded: Councils) -> None:
    graph = seeded.graph
    changing = _Changing(graph.driver, graph.address, graph.database, graph.bounds)

    page = await Councils(changing).councils(PageRequest(limit=9), CouncilFilter())

    assert [len(council.seats) for council in page.items] == [3] * 5
    assert changing.looks == 2


async def test_council_that_lacks_a_seat_for_good_is_not_shown_as_smaller(
    seeded: Councils, run: Run
) -> None:
    await run("unspeak", agent="qa-agent-3")

    with pytest.raises(UnreadableError, match="cou_"):
        await seeded.council_by_role("QA")
    bare = await seeded.council_by_role("QA", seated=False)
    whole = await seeded.council_by_role("DEV")

    assert bare is not None
    assert bare.seats == ()
    assert whole is not None
    assert len(whole.seats) == 3
