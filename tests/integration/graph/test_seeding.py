"""A graph is seeded once in its life; the defaults of the settings hold at each start."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.domain.drafts import AgentDraft, CouncilDraft
from orchestrator.domain.filters import CouncilFilter
from orchestrator.domain.ids import Prefix
from orchestrator.domain.pages import PageRequest
from orchestrator.graph.changes import new_id
from orchestrator.graph.council_changes import create_council
from orchestrator.graph.councils import Councils
from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Graph, Transaction
from orchestrator.graph.seating import lock_role
from orchestrator.graph.seeding import (
    Settled,
    read_seed,
    seed,
    settle_defaults,
)
from tests.integration.graph.conftest import Run
from tests.support.waiting import eventually

pytestmark = [pytest.mark.neo4j]

WholeGraph = Callable[[], Awaitable[list[Any]]]
URL = "http://127.0.0.1:8000/v1"


async def test_a_new_graph_gets_five_councils_of_three_agents_who_differ(graph: Graph) -> None:
    assert await seed(graph, read_seed(None))
    page = await Councils(graph).councils(PageRequest(), CouncilFilter())
    councils = page.items[::-1]
    assert [c.role.name for c in councils] == ["DEV", "QA", "ARCHITECT", "DEVOPS", "DATA"]
    assert [c.name for c in councils][:2] == ["dev-council-1", "qa-council-1"]
    assert {(c.rounds, c.quorum, c.version) for c in councils} == {(1, 2, 1)}
    for council in councils:
        stem = council.role.name.lower()
        names = [seat.agent.name for seat in council.seats]
        assert names == [f"{stem}-agent-1", f"{stem}-agent-2", f"{stem}-agent-3"]
        assert len({seat.persona for seat in council.seats}) == 3
        assert len({seat.temperature for seat in council.seats}) == 3
        assert {seat.model.name for seat in council.seats} == {"Qwen/Qwen2.5-0.5B-Instruct"}
        assert council.role.description


async def test_a_graph_is_seeded_once_by_however_many_start_at_once(
    graph: Graph, whole_graph: WholeGraph
) -> None:
    done = await asyncio.gather(*(seed(graph, read_seed(None)) for _ in range(3)))
    assert sorted(done) == [False, False, True]
    assert await Councils(graph).count_agents() == 15
    before = await whole_graph()
    assert not await seed(graph, read_seed(None))
    assert await whole_graph() == before


async def test_a_default_name_is_none_that_the_file_gives_to_somebody_else(
    graph: Graph, tmp_path: Path
) -> None:
    file = tmp_path / "seed.yaml"
    file.write_text(
        """
        councils:
          - {role: DEV, agents: [{}, {name: qa-agent-1}, {}]}
          - {role: QA, agents: [{name: dev-agent-2}, {}]}
        """
    )
    assert await seed(graph, read_seed(str(file)))
    page = await Councils(graph).councils(PageRequest(), CouncilFilter())
    assert {c.role.name: [seat.agent.name for seat in c.seats] for c in page.items} == {
        "DEV": ["dev-agent-1", "qa-agent-1", "dev-agent-3"],
        "QA": ["dev-agent-2", "qa-agent-2"],
    }


async def test_what_was_archived_does_not_come_back(graph: Graph) -> None:
    await seed(graph, read_seed(None))
    councils = Councils(graph)
    for council in (await councils.councils(PageRequest(), CouncilFilter())).items:
        await councils.archive_council(council.id, None)
    assert not await seed(graph, read_seed(None))
    assert await councils.count_councils(CouncilFilter()) == 0


async def test_a_graph_that_holds_a_council_is_not_seeded(graph: Graph) -> None:
    councils = Councils(graph)
    await councils.create_role("OPS", None, None)
    made = await councils.create_council(CouncilDraft(role="OPS", agents=(AgentDraft(),)), None)
    await councils.archive_council(made, None)
    assert not await seed(graph, read_seed(None))
    assert [role.name for role in await councils.roles()] == ["OPS"]


async def test_a_role_that_is_there_gets_its_seeded_council(graph: Graph) -> None:
    councils = Councils(graph)
    role = await councils.create_role("DEV", "mine", None)
    assert await seed(graph, read_seed(None))
    council = await councils.council_by_role("DEV")
    assert council is not None
    assert (council.role.id, council.role.description) == (role, "mine")


async def test_none_asks_for_no_councils_and_leaves_no_mark(
    graph: Graph, whole_graph: WholeGraph
) -> None:
    before = await whole_graph()
    assert not await seed(graph, read_seed("none"))
    assert await whole_graph() == before


async def test_another_file_names_other_councils(graph: Graph, tmp_path: Path) -> None:
    file = tmp_path / "councils.yaml"
    file.write_text(
        """
councils:
  - role: OPS
    description: Ops.
    name: the ops
    rounds: 2
    quorum: 1
    agents:
      - name: ann
        persona: Ünicode "quoted"
        temperature: 1
        maxTokens: 99
        model: other/model
        metadata: {team: [1, 2]}
      - {}
""",
        encoding="utf-8",
    )
    assert await seed(graph, read_seed(str(file)))
    council = await Councils(graph).council_by_role("OPS")
    assert council is not None
    assert (council.name, council.rounds, council.quorum) == ("the ops", 2, 1)
    first, second = council.seats
    assert (first.agent.name, first.persona) == ("ann", 'Ünicode "quoted"')
    assert (first.temperature, first.max_tokens) == (1.0, 99)
    assert (first.model.name, first.agent.metadata) == ("other/model", '{"team":[1,2]}')
    assert second.agent.name == "ops-agent-1"


# ---------------------------------------------------------------- the defaults


async def test_the_defaults_are_made_once_and_then_left_alone(
    empty_graph: Graph, whole_graph: WholeGraph
) -> None:
    assert await settle_defaults(empty_graph, None, "one") == (
        Settled(setting="VLLM_MODEL", before=None, after="one"),
    )
    assert await Councils(empty_graph).endpoints() == ()
    assert await settle_defaults(empty_graph, URL, "one") == (
        Settled(setting="VLLM_URL", before=None, after=URL),
    )
    before = await whole_graph()
    assert await settle_defaults(empty_graph, URL, "one") == ()
    assert await settle_defaults(empty_graph, None, "one") == ()
    assert await whole_graph() == before


async def test_what_a_process_was_told_stays_where_another_was_told_nothing(
    graph: Graph, whole_graph: WholeGraph, dev: str, councils: Councils
) -> None:
    await settle_defaults(graph, URL, "told")
    before = await whole_graph()
    assert await settle_defaults(graph, None, None) == ()
    assert await whole_graph() == before
    moved = "http://elsewhere:9000/v1"
    assert await settle_defaults(graph, moved, None) == (
        Settled(setting="VLLM_URL", before=URL, after=moved),
    )
    council = (await councils.councils_by_id([dev]))[dev]
    assert {seat.model.name for seat in council.seats} == {"told"}


async def test_a_new_graph_of_which_nobody_was_told_a_model_has_the_first_one(
    empty_graph: Graph,
) -> None:
    assert await settle_defaults(empty_graph, None, None) == (
        Settled(setting="VLLM_MODEL", before=None, after="Qwen/Qwen2.5-0.5B-Instruct"),
    )


async def test_a_moved_server_is_not_frozen_into_the_graph(graph: Graph) -> None:
    moved = "http://elsewhere:9000/v1"
    assert await settle_defaults(graph, moved, "Qwen/Qwen2.5-0.5B-Instruct") == (
        Settled(setting="VLLM_URL", before=URL, after=moved),
    )
    [endpoint] = await Councils(graph).endpoints()
    assert (endpoint.url, endpoint.api_key_variable) == (moved, "VLLM_API_KEY")


async def test_another_default_model_takes_the_agents_that_named_none_and_no_past_seat(
    graph: Graph, councils: Councils, dev: str, run: Run
) -> None:
    await councils.register_agent(dev, AgentDraft(model="named"), None)
    old = "Qwen/Qwen2.5-0.5B-Instruct"
    await run("make_deliberation", id="dlb_1", status="DECIDED", agent="dev-agent-1", endpoint=None)
    assert await settle_defaults(graph, URL, "new") == (
        Settled(setting="VLLM_MODEL", before=old, after="new", agents=3),
    )
    council = (await councils.councils_by_id([dev]))[dev]
    assert [seat.model.name for seat in council.seats] == ["new", "new", "new", "named"]
    assert council.version == 3
    new = council.seats[0].model.id
    assert [e.name for e in (await councils.models_by_id([new]))[new].endpoints] == ["default"]
    assert await run("find_seat_model", id="dlb_1") == [{"name": old}]
    back = await settle_defaults(graph, URL, old)
    assert back == (Settled(setting="VLLM_MODEL", before="new", after=old, agents=3),)


async def test_a_change_of_a_council_while_the_default_model_changes_is_counted_too(
    graph: Graph, councils: Councils, dev: str, run: Run
) -> None:
    settling: list[asyncio.Task[tuple[Settled, ...]]] = []

    async def change(transaction: Transaction) -> None:
        await transaction.run("council/lock", id=dev)
        # Not again where this one is: then it was in the way of the other.
        assert not settling
        settling.append(asyncio.create_task(settle_defaults(graph, URL, "new")))
        await eventually(lambda: run("count_blocked"), lambda rows: rows[0]["count"] > 0)
        await transaction.run("council/touch", id=dev, updatedBy=None)

    await graph.transact(change)
    assert [settled.agents for settled in await settling[0]] == [3]
    assert (await councils.councils_by_id([dev]))[dev].version == 3


async def test_agents_that_were_being_made_while_the_default_model_changed_follow_at_the_next_start(
    graph: Graph, councils: Councils, run: Run
) -> None:
    # Whoever makes an agent of a model that few speak with has its lock, which the change of the default waits for.
    await run("make_councils", count=20)
    await councils.create_role("DEV", None, None)
    made = new_id(Prefix.COUNCIL)

    async def create(transaction: Transaction) -> None:
        role = await lock_role(transaction, "DEV")
        assert role is not None
        draft = CouncilDraft(role="DEV", agents=(AgentDraft(), AgentDraft()))
        await create_council(transaction, role, made, draft, None)
        assert [settled.agents for settled in await settle_defaults(graph, URL, "new")] == [60]

    await graph.transact(create)
    assert {violation.rule for violation in await examine(graph)} == {"agent_with_former_default"}
    assert await settle_defaults(graph, URL, None) == (
        Settled(setting="VLLM_MODEL", before="new", after="new", agents=2),
    )
    council = (await councils.councils_by_id([made]))[made]
    assert [seat.model.name for seat in council.seats] == ["new", "new"]
    assert council.version == 2
    assert await settle_defaults(graph, URL, None) == ()


async def test_a_model_that_agents_name_becomes_the_default_without_becoming_theirs(
    graph: Graph, councils: Councils, dev: str
) -> None:
    await councils.register_agent(dev, AgentDraft(model="named"), None)
    await settle_defaults(graph, URL, "named")
    await settle_defaults(graph, URL, "third")
    council = (await councils.councils_by_id([dev]))[dev]
    assert [seat.model.name for seat in council.seats] == ["third", "third", "third", "named"]


async def test_the_rehearsal_model_is_there_beside_the_default(empty_graph: Graph) -> None:
    await settle_defaults(empty_graph, None, "one")
    models = await Councils(empty_graph).models()
    assert {(m.name, m.rehearsal, m.endpoints) for m in models} == {
        ("rehearsal", True, ()),
        ("one", False, ()),
    }
