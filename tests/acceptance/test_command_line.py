"""The command as a person or a script runs it, beside a service on a real Neo4j."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from neo4j import AsyncDriver

from orchestrator.graph.driver import Graph
from tests.support.ended import make_ended
from tests.support.neo4j import Neo4jServer, statement
from tests.support.service_process import COMMAND, ServiceProcess, free_port
from tests.support.waiting import eventually

pytestmark = [pytest.mark.neo4j, pytest.mark.timeout(300)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """Runs `council` with an environment of its own, on pipes."""

    environment: Mapping[str, str]

    async def start(self, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
        ours = ("NEO4J_", "VLLM_", "COUNCIL_")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        return await asyncio.create_subprocess_exec(
            COMMAND,
            *arguments,
            env={**inherited, **self.environment, **environment},
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
        )

    async def run(self, *arguments: str, **environment: str) -> Ran:
        process = await self.start(*arguments, **environment)
        out, err = await process.communicate()
        assert process.returncode is not None
        ran = Ran(code=process.returncode, out=out.decode(), err=err.decode())
        assert "Traceback" not in ran.err
        assert "\x1b" not in ran.out + ran.err
        return ran


@pytest.fixture
async def shell(
    neo4j_server: Neo4jServer, empty_graph: Graph, tmp_path: Path
) -> AsyncGenerator[Shell]:
    """Beside a service that has just seeded an empty graph, and answers by rehearsal."""
    environment = {**neo4j_server.environment, "NEO4J_DATABASE": empty_graph.database}
    async with ServiceProcess(home=tmp_path, environment=environment) as service:
        await service.ready(120)
        yield Shell(
            environment={**environment, "COUNCIL_URL": service.url, "COUNCIL_HOME": str(tmp_path)}
        )


@pytest.fixture
def alone(tmp_path: Path) -> Shell:
    """Beside nothing at all."""
    return Shell(
        environment={
            "COUNCIL_HOME": str(tmp_path / "home"),
            "COUNCIL_URL": f"http://127.0.0.1:{free_port()}",
        }
    )


async def test_a_question_is_answered_with_a_verdict_that_can_be_looked_at_again(
    shell: Shell,
) -> None:
    asked = await shell.run("ask", "DEV", "How do we name things?", "--json")

    assert asked.code == 0
    deliberation = asked.json["deliberation"]
    assert deliberation["status"] == "DECIDED"
    assert deliberation["rehearsal"] is True
    assert [place["rank"] for place in deliberation["verdict"]["ranking"]] == [1, 2, 3]
    assert len(asked.json["turns"]) == 12
    assert "REHEARSAL" in asked.err

    again = await shell.run("show", deliberation["id"], "--json")
    assert again.json == asked.json

    read = await shell.run("show", deliberation["id"])
    assert read.code == 0
    assert "REHEARSAL  Verdict of dev-council-1" in read.out
    assert read.out.count(" proposes: ") == 3
    assert read.out.count(" ranks ") == 3

    winner = deliberation["verdict"]["winner"]["id"]
    turn = await shell.run("show", winner, "--json")
    assert turn.json["kind"] == "REVISION"


async def test_what_was_spent_of_a_budget_is_shown(shell: Shell) -> None:
    enough = await shell.run("ask", "DEV", "How do we name things?", "--budget", "100000", "--json")
    assert enough.code == 0
    deliberation = enough.json["deliberation"]
    usage = deliberation["usage"]
    assert deliberation["tokenBudget"] == 100_000
    assert deliberation["tokensSpent"] == usage["promptTokens"] + usage["completionTokens"]
    read = await shell.run("show", deliberation["id"])
    assert f"{deliberation['tokensSpent']:,} of 100,000 tokens spent\n" in read.out

    small = await shell.run("ask", "DEV", "How do we name things?", "--budget", "100")
    assert small.code == 5
    assert "FAILED (TOKEN_BUDGET)" in small.out
    assert "0 of 100 tokens spent" in small.out

    none = await shell.run("ask", "DEV", "How do we name things?", "--budget", "0")
    assert none.code == 4
    assert "tokenBudget must be from 1 to " in none.err


async def test_the_same_key_brings_back_the_same_deliberation_and_another_input_is_refused(
    shell: Shell,
) -> None:
    first = await shell.run("ask", "QA", "What can break?", "--key", "k", "--detach")
    second = await shell.run("ask", "QA", "What can break?", "--key", "k", "--detach")
    other = await shell.run("ask", "QA", "What else?", "--key", "k", "--detach")

    assert (first.code, second.code) == (0, 0)
    assert first.out == second.out
    assert other.code == 4
    assert f"council show {first.out.strip()}" in other.err


async def test_ctrl_c_leaves_a_deliberation_running_and_says_how_to_look_again(
    shell: Shell,
) -> None:
    asking = await shell.start("ask", "DEV", "How do we name things?", "--rounds", "3")
    assert asking.stderr is not None
    try:
        # Said once the service has answered that it is accepted.
        assert b"REHEARSAL" in await asking.stderr.readline()
        identifier = await _running(shell)
        asking.send_signal(signal.SIGINT)
        _, err = await asking.communicate()
    finally:
        if asking.returncode is None:
            asking.kill()

    assert asking.returncode == 130
    assert f"council show {identifier} --follow" in err.decode()

    followed = await shell.run("show", identifier, "--follow", "--json")
    assert followed.code == 0
    assert followed.json["deliberation"]["status"] == "DECIDED"


async def test_a_second_ctrl_c_cancels_what_was_asked(shell: Shell) -> None:
    asking = await shell.start("ask", "DEV", "How do we name things?", "--rounds", "8", "--json")
    assert asking.stderr is not None
    try:
        assert b"REHEARSAL" in await asking.stderr.readline()
        identifier = await _running(shell)
        asking.send_signal(signal.SIGINT)
        assert b"Ctrl-C again within 2 s cancels it" in await asking.stderr.readline()
        asking.send_signal(signal.SIGINT)
        out, err = await asking.communicate()
    finally:
        if asking.returncode is None:
            asking.kill()

    assert (asking.returncode, out) == (130, b"")
    assert f"It is cancelled; the turns that were taken stay: council show {identifier}" in (
        err.decode()
    )
    shown = (await shell.run("show", identifier, "--json")).json["deliberation"]
    assert (shown["status"], shown["failure"]) == ("CANCELLED", "cancelled with Ctrl-C")


async def test_what_was_asked_can_be_cancelled_by_its_id_until_it_has_ended(shell: Shell) -> None:
    asked = await shell.run("ask", "DEV", "How do we name things?", "--rounds", "8", "--detach")
    identifier = asked.out.strip()
    cancelled = await shell.run("cancel", identifier, "--reason", "the wrong council")
    again = await shell.run("cancel", identifier, "--json")
    shown = await shell.run("show", identifier)
    followed = await shell.run("show", identifier, "--follow")

    assert (cancelled.code, again.code) == (0, 0)
    assert cancelled.out.startswith(f"{identifier} is cancelled, with ")
    assert again.json["failure"] == "the wrong council"
    assert "No verdict: CANCELLED" in shown.out
    assert "the wrong council" in shown.out
    assert followed.out == shown.out

    decided = await shell.run("ask", "QA", "What can break?", "--json")
    refused = await shell.run("cancel", decided.json["deliberation"]["id"])
    assert (refused.code, refused.out) == (4, "")
    assert "it has ended already, and is DECIDED (see: council show dlb_" in refused.err
    nowhere = await shell.run("cancel", "dlb_0193500000007000800000000000000a")
    assert (nowhere.code, nowhere.out) == (4, "")
    assert "id: no deliberation has this id" in nowhere.err


async def test_what_was_cancelled_is_retried_and_watched_as_if_it_had_been_asked(
    shell: Shell,
) -> None:
    old = await _cancelled(shell)
    detached = await shell.run("retry", old, "--key", "k", "--detach")
    retried = await shell.run("retry", old, "--key", "k", "--json")

    assert (detached.code, retried.code) == (0, 0)
    deliberation = retried.json["deliberation"]
    assert deliberation["id"] == detached.out.strip() != old
    assert (deliberation["status"], deliberation["retryOf"]) == ("DECIDED", {"id": old})
    assert f"retried by {deliberation['id']}" in (await shell.run("show", old)).out
    assert deliberation["task"]["description"] == "How do we name things?"

    refused = await shell.run("retry", deliberation["id"])
    assert refused.code == 4
    assert "can be retried, and this one is DECIDED (see: council show dlb_" in refused.err


async def test_what_is_seated_can_be_listed_and_shown(shell: Shell) -> None:
    councils = (await shell.run("councils", "--json")).json
    agents = (await shell.run("agents", "--json")).json

    assert {council["role"]["name"] for council in councils} == {
        "DEV",
        "QA",
        "ARCHITECT",
        "DEVOPS",
        "DATA",
    }
    assert len(agents) == 15
    for one in (councils[0], agents[0], councils[0]["role"], agents[0]["model"]):
        shown = await shell.run("show", one["id"])
        assert shown.code == 0
        assert one["name"] in shown.out


async def test_what_the_service_refuses_exits_with_4_and_names_the_field(shell: Shell) -> None:
    refused = {
        ("ask", "POETRY", "Why?"): "council.role: ",
        ("ask", "DEV", " "): "task.description: ",
        ("ask", "DEV", "Why?", "--rounds", "1000"): "rounds: ",
        ("ask", "DEV", "Why?", "--rounds", "-1"): "rounds: ",
        ("show", "dlb_0193500000007000800000000000000a"): "there is no deliberation",
        ("show", "agt_0193500000007000800000000000000a"): "there is nothing with the id",
        ("show", "nonsense"): "there is nothing with the id",
    }
    for arguments, words in refused.items():
        ran = await shell.run(*arguments)

        assert (ran.code, ran.out) == (4, ""), ran
        assert words in ran.err


async def test_the_doctor_finds_nothing_in_a_sound_graph_and_names_what_is_broken(
    shell: Shell, driver: AsyncDriver, empty_graph: Graph
) -> None:
    sound = await shell.run("doctor")
    assert (sound.code, sound.out.strip()) == (0, "the graph is sound")

    council = (await shell.run("councils", "--json")).json[0]
    await driver.execute_query(
        statement("take_role_away"), id=council["id"], database_=empty_graph.database
    )

    broken = await shell.run("doctor")
    assert broken.code == 1
    assert council["id"] in broken.out


async def test_what_is_old_is_pruned_while_the_service_runs(
    shell: Shell, driver: AsyncDriver, empty_graph: Graph
) -> None:
    asked = (await shell.run("ask", "DEV", "How do we name things?", "--json")).json
    recent = asked["deliberation"]["id"]
    await make_ended(
        driver, empty_graph.database, first=1, last=3, days=100, process=await _process(driver)
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
    size = (await _query(shell.environment["COUNCIL_URL"], document))["service"]["graph"]
    assert size == {"councils": 5, "deliberations": 1, "turns": 12}


async def test_ctrl_c_ends_pruning_between_two_deliberations_and_it_goes_on_when_run_again(
    shell: Shell, driver: AsyncDriver, empty_graph: Graph
) -> None:
    many = 400
    process = await _process(driver)
    await make_ended(driver, empty_graph.database, first=1, last=many, days=100, process=process)

    async def left() -> int:
        document = "{ service { graph { deliberations } } }"
        found = await _query(shell.environment["COUNCIL_URL"], document)
        return found["service"]["graph"]["deliberations"]

    pruning = await shell.start("prune", "--older-than", "90d")
    try:
        await eventually(left, lambda count: count < many, 120)
        pruning.send_signal(signal.SIGINT)
        out, err = await pruning.communicate()
    finally:
        if pruning.returncode is None:
            pruning.kill()

    assert pruning.returncode == 130
    gone = many - await left()
    assert 0 < gone < many
    assert out.decode().startswith(f"removed {gone:,} deliberation")
    assert "run again, it goes on" in err.decode()
    assert (await shell.run("doctor")).code == 0

    rest = await shell.run("prune", "--older-than", "90d", "--dry-run")
    assert rest.out.startswith(f"would remove {many - gone:,} deliberation")


async def test_migrating_twice_does_nothing_the_second_time(shell: Shell) -> None:
    ran = await shell.run("migrate")

    assert (ran.code, ran.out.strip()) == (0, "nothing to do: every migration had been applied")


async def test_the_address_of_the_browser_has_a_query_to_begin_with(shell: Shell) -> None:
    ran = await shell.run("browser")

    assert ran.code == 0
    assert len(ran.out.splitlines()) == 1
    assert "/browser/?dbms=" in ran.out
    assert "&cmd=edit&arg=MATCH" in ran.out


async def test_without_a_service_the_exit_code_is_3_and_the_address_is_named(alone: Shell) -> None:
    for arguments in (("councils",), ("ask", "DEV", "Why?"), ("show", "dlb_1", "--follow")):
        ran = await alone.run(*arguments)

        assert ran.code == 3
        assert f"no council service answers at {alone.environment['COUNCIL_URL']}" in ran.err
        assert "council up" in ran.err


@pytest.mark.parametrize("command", ["up", "serve", "migrate", "doctor", "settings", "councils"])
async def test_a_wrong_setting_stops_every_command_and_is_named(alone: Shell, command: str) -> None:
    ran = await alone.run(command, COUNCIL_PORT="eighty")

    assert ran.code == 2
    assert ran.err.startswith("council: COUNCIL_PORT is 'eighty', but should be")


async def test_what_cannot_be_meant_exits_with_2(alone: Shell, tmp_path: Path) -> None:
    missing = await alone.run("ask", "DEV", f"@{tmp_path / 'none.md'}")
    assert missing.code == 2
    assert "none.md cannot be read" in missing.err

    late = await alone.run("ask", "DEV", "Why?", "--deadline", "soon")
    assert late.code == 2
    assert "'soon' is no duration" in late.err

    assert (await alone.run("ask")).code == 2
    assert (await alone.run("serve")).code == 2
    assert (await alone.run("doctor")).code == 2
    assert (await alone.run("prune")).code == 2
    assert (await alone.run("prune", "--older-than", "long")).code == 2
    assert (await alone.run("prune", "--older-than", "9999999d")).code == 2
    assert (await alone.run("prune", "--older-than", "90d", "--keep", "losers")).code == 2
    assert (await alone.run("councils", "--url", "nowhere")).code == 2


async def test_help_tells_the_exit_codes_and_every_command(alone: Shell) -> None:
    ran = await alone.run("--help")

    assert ran.code == 0
    for word in (
        "up",
        "serve",
        "ask",
        "councils",
        "agents",
        "show",
        "cancel",
        "retry",
        "browser",
        "migrate",
        "doctor",
        "prune",
    ):
        assert f" {word} " in ran.out
    assert "3  the service or the graph cannot be reached" in ran.out


async def test_settings_show_no_secret(alone: Shell) -> None:
    ran = await alone.run("settings", NEO4J_PASSWORD="hunter2", VLLM_API_KEY="hunter2")

    assert ran.code == 0
    assert "hunter2" not in ran.out
    assert "COUNCIL_LEASE_SECONDS" in ran.out


async def _process(driver: AsyncDriver) -> str:
    """The id of the process that serves."""
    found = await driver.execute_query(statement("find_process"))
    return found.records[0]["id"]


async def _running(shell: Shell) -> str:
    """The id of the deliberation that was accepted first; waits for it."""
    document = "{ deliberations(first: 1) { edges { node { id } } } }"
    async with asyncio.timeout(120):
        while True:
            found = await _query(shell.environment["COUNCIL_URL"], document)
            if edges := found["deliberations"]["edges"]:
                return edges[0]["node"]["id"]
            await asyncio.sleep(0.05)


async def _cancelled(shell: Shell) -> str:
    """The id of a deliberation that was accepted and cancelled; a command would take longer to start than it runs."""
    url = shell.environment["COUNCIL_URL"]
    accepted = await _query(
        url,
        """mutation { deliberate(input: {council: {role: "DEV"}, task: {description: "How do we name things?"}})
             { deliberation { id } } }""",
    )
    identifier = accepted["deliberate"]["deliberation"]["id"]
    cancelled = await _query(
        url,
        f'mutation {{ cancelDeliberation(input: {{id: "{identifier}"}}) {{ errors {{ code }} }} }}',
    )
    assert cancelled["cancelDeliberation"]["errors"] == []
    return identifier


async def _query(url: str, document: str) -> Any:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        response = await client.post(f"{url}/graphql", json={"query": document})
        return response.json()["data"]
