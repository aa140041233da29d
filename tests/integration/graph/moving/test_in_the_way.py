"""Councils that are as they were seeded make room; whatever else stands in the way is a Conflict, and nothing is written."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from neo4j import AsyncDriver
from typing_extensions import override

from orchestrator.domain.drafts import (
    AgentChange,
    AgentDraft,
    CouncilChange,
    CouncilDraft,
    Idempotency,
)
from orchestrator.domain.errors import Conflict, RefusedError
from orchestrator.domain.pruning import Pruning
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Graph, Transaction
from orchestrator.graph.migrations import (
    NotMigratedError,
    UnknownMigrationError,
    migrate,
    migrations,
)
from orchestrator.graph.moving.checking import check
from orchestrator.graph.moving.form import Contents, Kind, Line
from orchestrator.graph.moving.mistakes import NotImportedError
from orchestrator.graph.moving.planning import plan
from orchestrator.graph.moving.rows import UnsoundGraphError
from orchestrator.graph.moving.writing import write
from orchestrator.graph.pruning import prune
from orchestrator.graph.seeding import read_seed, seed, settle_defaults
from tests.integration.graph.conftest import Run
from tests.support.deliberating import an_order
from tests.support.moving import (
    Shown,
    imported,
    lines_from,
    lines_of,
    make_councils,
    make_everything,
    records_of,
)
from tests.support.neo4j import wipe

pytestmark = [pytest.mark.neo4j]

T = TypeVar("T")

URL = "http://127.0.0.1:8000/v1"
LONG_AGO = "2020-01-02T03:04:05Z"


async def begin_anew(graph: Graph, driver: AsyncDriver, model: str = "the model here") -> Councils:
    """Make the graph one that a service has just started on for the first time."""
    await wipe(driver, graph.database)
    await settle_defaults(graph, URL, model)
    await seed(graph, read_seed(None))
    return Councils(graph)


@pytest.fixture(scope="module")
async def exported(migrated_graph: Graph, driver: AsyncDriver) -> list[Line]:
    """Everything of another graph, which has a council DEV of its own."""
    there = await begin_anew(migrated_graph, driver, "the model there")
    await there.update_council(
        (await council_of(there, "DEV")), None, CouncilChange(rounds=3, name="our council")
    )
    await make_everything(migrated_graph)
    return await lines_of(migrated_graph, Contents.EVERYTHING)


@pytest.fixture
async def file(exported: list[Line], graph: Graph, driver: AsyncDriver) -> list[Line]:
    """The same, for a graph that has just been seeded."""
    await begin_anew(graph, driver)
    return list(exported)


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


async def make_role_without_a_key(councils: Councils) -> None:
    await councils.create_role("NEW", None, None)


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


@pytest.mark.parametrize("make", [make_role, make_role_without_a_key, make_endpoint, retire_agent])
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


async def test_a_role_that_a_caller_made_before_the_graph_was_seeded_stays_his(
    file: list[Line], graph: Graph, driver: AsyncDriver
) -> None:
    await wipe(driver, graph.database)
    await settle_defaults(graph, URL, "m")
    here = Councils(graph)
    role = await here.create_role("DEV", "Mine.", None, by="bob")
    await seed(graph, read_seed(None))
    for _ in range(2):
        await imported(graph, file)
        found = await here.role_by_name("DEV")
        assert found is not None
        assert (found.id, found.description) == (role, "Mine.")


async def test_a_role_that_nobody_serves_stays_his_who_made_it_however_often_a_file_is_imported(
    file: list[Line], graph: Graph
) -> None:
    here = Councils(graph)
    role = await here.create_role("ODD", "Mine.", None)
    for _ in range(2):
        await imported(graph, file)
        found = await here.role_by_name("ODD")
        assert found is not None
        assert (found.id, found.description) == (role, "Mine.")


async def test_what_was_made_here_without_a_key_takes_the_keys_of_the_source(
    file: list[Line], graph: Graph
) -> None:
    keys = {
        record["name"]: Idempotency(
            key=record["idempotencyKey"], input_digest=record["inputDigest"]
        )
        for record in records_of(file)
        if record["kind"] in {Kind.ROLE, Kind.ENDPOINT} and "idempotencyKey" in record
    }
    here = Councils(graph)
    role = await here.create_role("ODD", "Mine.", None)
    gpu = await here.register_endpoint("gpu", "http://gpu:8000/v1", "COUNCIL_KEY_GPU", None)
    await imported(graph, file)
    assert await here.create_role("ODD", None, keys["ODD"]) == role
    assert await here.register_endpoint("gpu", "http://gpu:8000/v1", None, keys["gpu"]) == gpu


async def test_what_was_made_here_with_another_key_keeps_it_and_a_note_says_so(
    file: list[Line], graph: Graph
) -> None:
    here = Councils(graph)
    role = await here.create_role("ODD", None, key("mine"))
    gpu = await here.register_endpoint("gpu", "http://gpu:8000/v1", "COUNCIL_KEY_GPU", key("mine"))
    done = await imported(graph, file)
    assert done.plan is not None
    for what in ("role ODD", "endpoint gpu"):
        assert any(f"the {what} keeps its own idempotency key" in n for n in done.plan.notes)
    assert await here.create_role("ODD", None, key("mine")) == role
    assert await here.register_endpoint("gpu", "http://gpu:8000/v1", None, key("mine")) == gpu


async def test_a_key_that_has_made_another_role_here_is_not_taken(
    file: list[Line], graph: Graph, shown: Shown
) -> None:
    (odd,) = (record for record in records_of(file) if record.get("name") == "ODD")
    here = Councils(graph)
    await here.create_role("ODD", None, None)
    other = await here.create_role("OTHER", None, key(odd["idempotencyKey"]))
    before = await shown()
    assert ("idempotencyKey", other) in await refused(graph, file)
    assert await shown() == before


async def test_a_start_with_another_default_model_stands_in_no_imports_way(
    file: list[Line], graph: Graph
) -> None:
    await imported(graph, file)
    await settle_defaults(graph, URL, "another model")
    done = await imported(graph, file, verify=True)
    assert done.comparison is not None
    assert done.comparison.differences == ()
    assert await examine(graph) == ()


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
    await run("forget_migration", name=list(migrations())[-1])
    try:
        with pytest.raises(NotMigratedError, match="council migrate"):
            await imported(graph, file)
        with pytest.raises(NotMigratedError, match="council migrate"):
            await lines_of(graph, Contents.COUNCILS)
    finally:
        await migrate(graph)


async def test_what_a_later_version_may_have_written_is_not_exported_without_it(
    file: list[Line], graph: Graph, run: Run
) -> None:
    del file
    await run("record_unknown_migration", name="V999__later")
    try:
        for contents in (Contents.COUNCILS, Contents.EVERYTHING):
            with pytest.raises(UnknownMigrationError, match="V999__later"):
                await lines_of(graph, contents)
    finally:
        await run("forget_migration", name="V999__later")


async def test_of_a_graph_that_is_not_sound_an_import_says_nothing_of_an_export(
    file: list[Line], graph: Graph, run: Run
) -> None:
    await run("give_role_an_odd_property", name="DEV")
    with pytest.raises(UnsoundGraphError, match="has a property odd") as unsound:
        await imported(graph, file)
    assert "export" not in str(unsound.value)


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


class Shared(Graph):
    """A graph in which somebody does something else right before the next transaction, once `meanwhile` is set."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph.driver, graph.address, graph.database, graph.bounds)
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    @override
    async def transact(
        self, work: Callable[[Transaction], Awaitable[T]], *, seconds: float | None = None
    ) -> T:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return await super().transact(work, seconds=seconds)


async def write_beside(
    graph: Graph, file: list[Line], after: Kind, meanwhile: Callable[[], Awaitable[object]]
) -> str:
    """Import, with something else done once all of a kind is written; returns why it was refused."""
    made, shared = read_seed(None), Shared(graph)
    looked = check(iter(file), allow_link_local=False)
    plan_made = await plan(graph, lambda: iter(file), looked, made)

    def told(kind: Kind, _: int) -> None:
        shared.meanwhile = meanwhile if kind is after else None

    with pytest.raises(RefusedError) as refused:
        await write(shared, lambda: iter(file), plan_made, made, told)
    assert await examine(graph) == ()
    return str(refused.value)


async def remove_gpu(councils: Councils) -> None:
    """Nobody may be bound to it: the agent who is moves on first, where he is there already."""
    bound = await councils.agent_by_name("bound")
    if bound is not None:
        await councils.register_endpoint("other", "http://other/v1", None, None)
        await councils.update_agent(bound.id, AgentChange(endpoint="other"))
    (gpu,) = (one for one in await councils.endpoints() if one.name == "gpu")
    await councils.remove_endpoint(gpu.id)


@pytest.mark.parametrize(
    ("after", "what"),
    [
        (Kind.MODEL, "the endpoint or the model of the agent bound"),
        (Kind.COUNCIL, "the endpoint or the model of the agent gone, too"),
        (Kind.PROCESS, "an endpoint of a seat of dlb_"),
    ],
)
async def test_no_binding_is_lost_where_its_endpoint_is_removed_during_an_import(
    seeded: Councils, graph: Graph, driver: AsyncDriver, after: Kind, what: str
) -> None:
    await make_everything(graph)
    odd = await council_of(seeded, "ODD")
    gone = await seeded.register_agent(odd, AgentDraft(name="gone, too", endpoint="gpu"), None)
    await seeded.retire_agent(gone)
    file = await lines_of(graph, Contents.EVERYTHING)
    await wipe(driver, graph.database)
    why = await write_beside(graph, file, after, lambda: remove_gpu(Councils(graph)))
    assert why.startswith(f"import: {what}")
    assert "was removed while this was under way" in why


async def test_processes_that_are_pruned_during_an_import_are_told_and_come_when_it_is_run_again(
    seeded: Councils, graph: Graph, driver: AsyncDriver
) -> None:
    del seeded
    await make_everything(graph)
    records = records_of(await lines_of(graph, Contents.EVERYTHING))
    for record in records:
        if record["kind"] == Kind.PROCESS:
            record |= {"startedAt": LONG_AGO, "leaseUntil": LONG_AGO}
    file = lines_from(records)
    await wipe(driver, graph.database)
    order = Pruning(before=datetime.now(UTC) - timedelta(days=1), keep=None)
    why = await write_beside(
        graph,
        file,
        Kind.PROCESS,
        lambda: prune(graph, order, stop=asyncio.Event(), tell=lambda _: None),
    )
    assert why.startswith("import: a process that has claimed dlb_")
    done = await imported(graph, file, verify=True)
    assert done.comparison is not None
    assert done.comparison.differences == ()
