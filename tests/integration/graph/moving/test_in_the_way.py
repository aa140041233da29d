"""Councils that are as they were seeded make room; whatever else stands in the way is a Conflict, and nothing is written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from neo4j import AsyncDriver

from orchestrator.domain.drafts import (
    AgentChange,
    AgentDraft,
    CouncilChange,
    CouncilDraft,
    Idempotency,
)
from orchestrator.domain.errors import Conflict, RefusedError
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Graph
from orchestrator.graph.migrations import migrate
from orchestrator.graph.moving.checking import check
from orchestrator.graph.moving.form import Contents, Line
from orchestrator.graph.moving.importing import NotMigratedError
from orchestrator.graph.moving.mistakes import NotImportedError
from orchestrator.graph.moving.planning import plan
from orchestrator.graph.moving.writing import write
from orchestrator.graph.seeding import read_seed, seed, settle_defaults
from tests.integration.graph.conftest import Run
from tests.support.deliberating import an_order
from tests.support.moving import (
    Shown,
    imported,
    lines_of,
    make_councils,
    make_everything,
    records_of,
)
from tests.support.neo4j import wipe

pytestmark = [pytest.mark.neo4j]

URL = "http://127.0.0.1:8000/v1"


async def begin_anew(graph: Graph, driver: AsyncDriver, model: str = "the model here") -> Councils:
    """Make the graph one that a service has just started on for the first time."""
    await wipe(driver, graph.database)
    await settle_defaults(graph, URL, model)
    await seed(graph, read_seed(None))
    return Councils(graph)


@pytest.fixture
async def file(seeded: Councils, graph: Graph, driver: AsyncDriver) -> list[Line]:
    """Everything of another graph, after which this one has just been seeded."""
    await seeded.update_council(
        (await council_of(seeded, "DEV")), None, CouncilChange(rounds=3, name="our council")
    )
    await make_everything(graph)
    lines = await lines_of(graph, Contents.EVERYTHING)
    await begin_anew(graph, driver)
    return lines


async def council_of(councils: Councils, role: str) -> str:
    found = await councils.council_by_role(role)
    assert found is not None
    return found.id


async def refused(graph: Graph, lines: list[Line]) -> list[tuple[str, str | None]]:
    """What stands in the way: the fields, and ids of the graph."""
    with pytest.raises(NotImportedError) as error:
        await imported(graph, lines)
    mistakes = error.value.mistakes
    assert all(isinstance(mistake, Conflict) for mistake in mistakes)
    return [
        (".".join(mistake.path[1:]), mistake.existing)
        for mistake in mistakes
        if isinstance(mistake, Conflict)
    ]


async def test_councils_that_are_as_they_were_seeded_are_replaced(
    file: list[Line], graph: Graph
) -> None:
    done = await imported(graph, file, verify=True)
    assert done.plan is not None
    assert sorted(council.role for council in done.plan.replaced) == [
        *("ARCHITECT", "DATA", "DEV", "DEVOPS", "QA"),
    ]
    assert done.comparison is not None
    assert done.comparison.differences == ()
    assert await examine(graph) == ()


async def test_in_a_graph_that_is_as_new_ids_are_those_of_the_file(
    file: list[Line], graph: Graph
) -> None:
    await imported(graph, file)
    for kind in ("role", "model", "council", "deliberation"):
        ids = {
            of: {
                r["id"]: r["name"]
                for r in records_of(of_lines)
                if r["kind"] == kind and "name" in r
            }
            for of, of_lines in (
                ("file", file),
                ("graph", await lines_of(graph, Contents.EVERYTHING)),
            )
        }
        assert ids["file"].items() <= ids["graph"].items()


async def test_who_spoke_with_the_default_model_speaks_with_the_one_here(
    file: list[Line], graph: Graph
) -> None:
    done = await imported(graph, file)
    assert done.plan is not None
    assert "VLLM_MODEL" in done.plan.notes[0]
    agent = await Councils(graph).agent_by_name("dev-agent-1")
    assert agent is not None
    assert agent.model.name == "the model here"


async def test_a_seeded_council_that_got_another_default_model_still_makes_room(
    file: list[Line], graph: Graph
) -> None:
    await settle_defaults(graph, URL, "another one")
    await imported(graph, file)
    assert await examine(graph) == ()


Change = Callable[[Graph, Councils, str], Awaitable[Any]]

NOT_AS_SEEDED: dict[str, Change] = {
    "rounds": lambda _, c, dev: c.update_council(dev, None, CouncilChange(rounds=2)),
    "name": lambda _, c, dev: c.update_council(dev, None, CouncilChange(name="mine")),
    "quorum": lambda _, c, dev: c.update_council(dev, None, CouncilChange(quorum=1)),
    "another agent": lambda _, c, dev: c.register_agent(dev, AgentDraft(), None),
    "a persona": lambda _, c, _dev: change_agent(c, AgentChange(persona="mine")),
    "a temperature": lambda _, c, _dev: change_agent(c, AgentChange(temperature=0.1)),
    "tokens": lambda _, c, _dev: change_agent(c, AgentChange(max_tokens=1)),
    "metadata": lambda _, c, _dev: change_agent(c, AgentChange(metadata="{}")),
    "a model": lambda _, c, _dev: change_agent(c, AgentChange(model="m")),
    "deliberated": lambda g, _, _dev: GraphDeliberations(g).accept(an_order("DEV")),
}


async def change_agent(councils: Councils, change: AgentChange) -> None:
    agent = await councils.agent_by_name("dev-agent-2")
    assert agent is not None
    await councils.update_agent(agent.id, change)


@pytest.mark.parametrize("what", NOT_AS_SEEDED)
async def test_a_council_that_was_changed_or_has_deliberated_is_a_conflict_and_nothing_is_written(
    file: list[Line], graph: Graph, shown: Shown, what: str
) -> None:
    councils = Councils(graph)
    dev = await council_of(councils, "DEV")
    await NOT_AS_SEEDED[what](graph, councils, dev)
    before = await shown()
    found = await refused(graph, file)
    assert ("servesRole", dev) in found
    assert {field.partition(".")[0] for field, _ in found} == {"servesRole", "agents"}
    assert await shown() == before


async def test_each_council_in_the_way_is_named(
    file: list[Line], graph: Graph, shown: Shown
) -> None:
    councils = Councils(graph)
    ids = [await council_of(councils, role) for role in ("DEV", "QA")]
    for council in ids:
        await councils.update_council(council, None, CouncilChange(rounds=9))
    before = await shown()
    found = await refused(graph, file)
    assert [existing for field, existing in found if field == "servesRole"] == ids or {
        existing for field, existing in found if field == "servesRole"
    } == set(ids)
    assert await shown() == before


async def test_a_council_that_somebody_made_is_not_taken_for_a_seeded_one(
    file: list[Line], graph: Graph, driver: AsyncDriver
) -> None:
    councils = await begin_anew(graph, driver)
    old = await council_of(councils, "DEV")
    await councils.archive_council(old, None)
    made = read_seed(None)
    assert made is not None
    mine = await councils.create_council(made.councils[0].draft(), None)
    assert ("servesRole", mine) in await refused(graph, file)


async def test_what_changed_since_it_was_imported_is_a_conflict_with_what_differs(
    file: list[Line], graph: Graph
) -> None:
    await imported(graph, file)
    councils = Councils(graph)
    dev = await council_of(councils, "DEV")
    await councils.update_council(dev, None, CouncilChange(rounds=7))
    with pytest.raises(NotImportedError) as error:
        await imported(graph, file)
    (mistake,) = error.value.mistakes
    assert "rounds is 3 in the source and 7 in the graph" in mistake.message
    compared = await imported(graph, file, dry_run=True, verify=True)
    assert compared.comparison is not None
    assert "council our council: rounds is 3 in the source and 7 in the graph" in (
        compared.comparison.differences
    )


async def test_another_graphs_names_keys_and_endpoints_are_conflicts(
    file: list[Line], graph: Graph, driver: AsyncDriver, shown: Shown
) -> None:
    await wipe(driver, graph.database)
    await settle_defaults(graph, URL, "m")
    councils = Councils(graph)
    records = {record.get("name"): record for record in records_of(file) if "name" in record}
    key = Idempotency(key=records["ODD"]["idempotencyKey"], input_digest="other")
    gpu = await councils.register_endpoint("gpu", "http://elsewhere/v1", None, None)
    other = await councils.create_role("OTHER", None, key)
    await councils.create_council(
        CouncilDraft(role="OTHER", agents=(AgentDraft(name="bound"),)), None
    )
    bound = await councils.agent_by_name("bound")
    assert bound is not None
    before = await shown()
    assert sorted(await refused(graph, file)) == sorted(
        [("idempotencyKey", other), ("", gpu), ("agents.1.name", bound.id)]
    )
    assert await shown() == before


async def test_beside_councils_of_its_own_a_graph_keeps_its_roles_and_their_ids(
    file: list[Line], graph: Graph, driver: AsyncDriver
) -> None:
    del file
    await wipe(driver, graph.database)
    await settle_defaults(graph, URL, "m")
    there = Councils(graph)
    await make_councils(there)
    lines = await lines_of(graph, Contents.COUNCILS)
    await wipe(driver, graph.database)
    await settle_defaults(graph, URL, "m")
    here = Councils(graph)
    role = await here.create_role("ODD", "Mine.", None)
    await here.create_role("MINE", None, None)
    mine = await here.create_council(CouncilDraft(role="MINE", agents=(AgentDraft(),)), None)
    await imported(graph, lines)
    found = await here.role_by_name("ODD")
    assert found is not None
    assert (found.id, found.description) == (role, "Mine.")
    assert (await here.council_by_role("MINE")) is not None
    assert await council_of(here, "MINE") == mine
    assert await examine(graph) == ()


async def test_an_archived_council_comes_beside_a_seeded_one(
    graph: Graph, driver: AsyncDriver
) -> None:
    there = Councils(graph)
    await there.create_role("DEV", None, None)
    archived = await there.create_council(
        CouncilDraft(role="DEV", agents=(AgentDraft(name="long ago"),)), None
    )
    await there.archive_council(archived, None)
    lines = await lines_of(graph, Contents.COUNCILS)
    here = await begin_anew(graph, driver)
    dev = await council_of(here, "DEV")
    done = await imported(graph, lines, verify=True)
    assert done.plan is not None
    assert done.plan.replaced == ()
    assert await council_of(here, "DEV") == dev
    assert await examine(graph) == ()


async def test_a_seeded_council_that_was_archived_there_serves_no_role_here_either(
    seeded: Councils, graph: Graph, driver: AsyncDriver
) -> None:
    dev = await council_of(seeded, "DEV")
    await seeded.archive_council(dev, None)
    lines = await lines_of(graph, Contents.COUNCILS)
    here = await begin_anew(graph, driver)
    done = await imported(graph, lines, verify=True)
    assert done.plan is not None
    assert "DEV" in {council.role for council in done.plan.replaced}
    assert any("nobody serves DEV then" in note for note in done.plan.notes)
    assert done.comparison is not None
    assert done.comparison.differences == ()
    assert await here.council_by_role("DEV") is None
    agent = await here.agent_by_name("dev-agent-1")
    assert agent is not None
    assert agent.council_id == dev
    assert await examine(graph) == ()


async def test_an_archived_council_with_names_that_are_taken_is_a_conflict_beside_a_changed_one(
    seeded: Councils, graph: Graph, driver: AsyncDriver, shown: Shown
) -> None:
    await seeded.archive_council(await council_of(seeded, "DEV"), None)
    lines = await lines_of(graph, Contents.COUNCILS)
    here = await begin_anew(graph, driver)
    await here.update_council(await council_of(here, "DEV"), None, CouncilChange(rounds=9))
    before = await shown()
    found = await refused(graph, lines)
    assert [field for field, _ in found] == [f"agents.{place}.name" for place in range(3)]
    assert await shown() == before


def key(of: str) -> Idempotency:
    return Idempotency(key=of, input_digest="digest")


async def make_role(councils: Councils) -> None:
    await councils.create_role("NEW", None, key("role"))


async def make_endpoint(councils: Councils) -> None:
    await councils.register_endpoint("here", "http://here/v1", None, None)


async def retire_agent(councils: Councils) -> None:
    """A council is as it was seeded again after somebody registered an agent, and had him leave."""
    await councils.register_agent(
        await council_of(councils, "DEV"), AgentDraft(name="gone"), key("agent")
    )
    gone = await councils.agent_by_name("gone")
    assert gone is not None
    await councils.retire_agent(gone.id)


@pytest.mark.parametrize("make", [make_role, make_endpoint, retire_agent])
async def test_a_graph_in_which_somebody_made_something_keeps_its_ids(
    file: list[Line], graph: Graph, make: Callable[[Councils], Awaitable[None]]
) -> None:
    councils = Councils(graph)
    before = await councils.role_by_name("DEV")
    await make(councils)
    await imported(graph, file)
    after = await councils.role_by_name("DEV")
    assert before is not None
    assert after is not None
    assert after.id == before.id


async def test_a_council_in_the_way_is_told_with_its_id(file: list[Line], graph: Graph) -> None:
    councils = Councils(graph)
    dev = await council_of(councils, "DEV")
    await councils.update_council(dev, None, CouncilChange(rounds=9))
    with pytest.raises(NotImportedError, match=rf"our council cannot take its place \({dev}\)"):
        await imported(graph, file)


async def test_a_process_of_the_same_id_and_another_host_is_a_conflict(
    file: list[Line], graph: Graph
) -> None:
    await GraphDeliberations(graph).enter("prc_one", "another host", timedelta(milliseconds=1))
    assert ("", "prc_one") in await refused(graph, file)
    done = await imported(graph, file, dry_run=True, verify=True)
    assert done.comparison is not None
    assert (
        "process prc_one: host is 'a host' in the source and 'another host' in the graph"
        in done.comparison.differences
    )


async def test_a_graph_that_lacks_a_migration_is_refused_with_what_to_do(
    file: list[Line], graph: Graph, run: Run
) -> None:
    await run("forget_migrations")
    try:
        with pytest.raises(NotMigratedError, match="council migrate"):
            await imported(graph, file)
    finally:
        await migrate(graph)


async def test_a_council_that_deliberates_between_the_plan_and_the_write_is_not_lost(
    file: list[Line], graph: Graph
) -> None:
    made = read_seed(None)
    looked = check(iter(file), allow_link_local=False)
    plan_made = await plan(graph, lambda: iter(file), looked, made)
    await GraphDeliberations(graph).accept(an_order("DEV"))
    dev = await council_of(Councils(graph), "DEV")
    with pytest.raises(RefusedError) as refused:
        await write(graph, lambda: iter(file), plan_made, made, lambda _kind, _count: None)
    (mistake,) = refused.value.mistakes
    assert isinstance(mistake, Conflict)
    assert mistake.existing == dev
    assert await council_of(Councils(graph), "DEV") == dev
    assert await examine(graph) == ()
