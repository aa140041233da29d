"""The commands that look after a graph, `council doctor` and `council prune`, while a service runs on it."""

from __future__ import annotations

import signal
from collections.abc import AsyncGenerator

import pytest
from neo4j import AsyncDriver

from orchestrator.graph.driver import Graph
from tests.support.ended import make_ended
from tests.support.neo4j import Neo4jServer, statement, wipe
from tests.support.shell import Shell, beside_a_service
from tests.support.waiting import eventually

pytestmark = [pytest.mark.neo4j, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
async def shell(
    neo4j_server: Neo4jServer,
    migrated_graph: Graph,
    driver: AsyncDriver,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[Shell]:
    """Beside one service for all of these, which has seeded an empty graph."""
    await wipe(driver, migrated_graph.database)
    async with beside_a_service(neo4j_server, tmp_path_factory.mktemp("service")) as shell:
        yield shell


async def test_what_is_old_is_pruned_while_the_service_runs(
    shell: Shell, driver: AsyncDriver, migrated_graph: Graph
) -> None:
    asked = (await shell.run("ask", "DEV", "How do we name things?", "--json")).json
    recent = asked["deliberation"]["id"]
    await make_ended(
        driver, migrated_graph.database, first=1, last=3, days=100, process=await _process(driver)
    )
    what = "with 36 turns, 9 seats, 3 claims, 3 verdicts and 3 tasks"

    said = await shell.run("prune", "--older-than", "90d", "--dry-run")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("would remove 3 deliberations that ended before ")
    assert said.out.strip().endswith(what)

    emptied = await shell.run("prune", "--older-than", "90d", "--keep", "winners")
    assert emptied.out.startswith("emptied 33 turns of 3 deliberations that ended before ")
    pruned = await shell.run("show", "dlb_019000000002")
    assert "Pruned on " in pruned.out
    assert pruned.out.count(" proposes: (pruned)") == 3
    assert "It is as long as it was told to be." in pruned.out
    assert (await shell.run("doctor")).code == 0

    removed = await shell.run("prune", "--older-than", "90d")
    assert removed.out.startswith("removed 3 deliberations that ended before ")
    assert removed.out.strip().endswith(what)
    assert (await shell.run("show", "dlb_019000000002")).code == 4
    assert (await shell.run("show", recent, "--json")).json == asked
    assert (await shell.run("doctor")).code == 0

    again = await shell.run("prune", "--older-than", "90d")
    assert again.code == 0
    assert again.out.startswith("nothing to prune: no deliberation that ended before ")
    document = "{ service { graph { councils deliberations turns } } }"
    size = (await shell.query(document))["service"]["graph"]
    assert size == {"councils": 5, "deliberations": 1, "turns": 12}


async def test_ctrl_c_ends_pruning_between_two_deliberations_and_it_goes_on_when_run_again(
    shell: Shell, driver: AsyncDriver, migrated_graph: Graph
) -> None:
    many = 100
    process = await _process(driver)
    await make_ended(driver, migrated_graph.database, first=1, last=many, days=100, process=process)

    async def there() -> int:
        document = "{ service { graph { deliberations } } }"
        found = await shell.query(document)
        return found["service"]["graph"]["deliberations"]

    all_of_them = await there()
    pruning = await shell.start("prune", "--older-than", "90d")
    try:
        await eventually(there, lambda count: count < all_of_them, 120)
        pruning.send_signal(signal.SIGINT)
        out, err = await pruning.communicate()
    finally:
        if pruning.returncode is None:
            pruning.kill()

    assert pruning.returncode == 130
    gone = all_of_them - await there()
    assert 0 < gone < many
    assert out.decode().startswith(f"removed {gone:,} deliberation")
    assert "run again, it goes on" in err.decode()
    assert (await shell.run("doctor")).code == 0

    rest = await shell.run("prune", "--older-than", "90d", "--dry-run")
    assert rest.out.startswith(f"would remove {many - gone:,} deliberation")
    endless = await shell.run("prune", "--older-than", "9999999d")
    assert (endless.code, endless.err) == (
        2,
        "council: --older-than: '9999999d' is too long\n",
    )


async def test_the_doctor_finds_nothing_in_a_sound_graph_and_names_what_is_broken(
    shell: Shell, driver: AsyncDriver, migrated_graph: Graph
) -> None:
    # The last of these: the graph stays broken.
    sound = await shell.run("doctor")
    assert (sound.code, sound.out.strip()) == (0, "the graph is sound")

    council = (await shell.run("councils", "--json")).json[0]
    await driver.execute_query(
        statement("take_role_away"), id=council["id"], database_=migrated_graph.database
    )

    broken = await shell.run("doctor")
    assert broken.code == 1
    assert council["id"] in broken.out


async def _process(driver: AsyncDriver) -> str:
    """The id of the process that serves."""
    found = await driver.execute_query(statement("find_process"))
    return found.records[0]["id"]
