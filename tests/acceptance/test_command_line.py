"""The command as a person or a script runs it, beside a service on a real Neo4j."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from neo4j import AsyncDriver
from typer.core import TyperGroup
from typer.main import get_command

from orchestrator.cli.app import app
from orchestrator.domain.values import replace
from orchestrator.graph.driver import Graph
from tests.support.neo4j import Neo4jServer, wipe
from tests.support.ports import free_port
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
    """Beside one service for all of these, which only add to what it has."""
    await wipe(driver, migrated_graph.database)
    async with beside_a_service(neo4j_server, tmp_path_factory.mktemp("service")) as shell:
        yield shell


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
    assert asked.err.splitlines()[0] == f"accepted as {deliberation['id']}"
    assert "REHEARSAL" in asked.err.splitlines()[1]

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


async def test_what_happens_meanwhile_is_told_on_the_terminal_where_the_verdict_goes_into_a_file(
    shell: Shell,
) -> None:
    terminal, its_end = pty.openpty()
    asking = await replace(shell, stderr=its_end).start("ask", "DEV", "How do we name things?")
    os.close(its_end)
    watching = asyncio.create_task(asyncio.to_thread(_seen, terminal))
    out, _ = await asking.communicate()
    seen = await watching

    assert seen.count(" proposes: ") == 3
    assert seen.count(" ranks ") == 3
    assert "REHEARSAL  Verdict of dev-council-1" in out.decode()
    assert " proposes: " not in out.decode()
    assert "accepted as" not in seen


def _seen(terminal: int) -> str:
    """All that a terminal shows until nobody has it any more."""
    shown = b""
    # Linux says so with an error.
    with suppress(OSError), open(terminal, "rb", buffering=0) as screen:
        while piece := screen.read(65536):
            shown += piece
    return shown.decode()


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
        identifier = await _accepted(asking.stderr)
        asking.send_signal(signal.SIGINT)
        _, err = await asking.communicate()
    finally:
        if asking.returncode is None:
            asking.kill()

    assert asking.returncode == 130
    assert "Ctrl-C again within 2 s cancels it" in err.decode()
    assert f"council show {identifier} --follow" in err.decode()

    followed = await shell.run("show", identifier, "--follow", "--json")
    assert followed.code == 0
    assert followed.json["deliberation"]["status"] == "DECIDED"


async def test_a_second_ctrl_c_cancels_what_was_asked(shell: Shell) -> None:
    # Patient with who presses the keys.
    patient = "from orchestrator.cli import asking, main; asking._AGAIN_SECONDS = 60; main()"
    asking = await replace(shell, command=(sys.executable, "-P", "-c", patient)).start(
        "ask", "DEV", "How do we name things?", "--rounds", "8", "--json"
    )
    assert asking.stderr is not None
    try:
        identifier = await _accepted(asking.stderr)
        assert b"REHEARSAL" in await asking.stderr.readline()
        asking.send_signal(signal.SIGINT)
        assert b"Ctrl-C again within 60 s cancels it" in await asking.stderr.readline()
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
    asked = await shell.run("ask", await _patient_role(shell), "How do we name things?", "--detach")
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
    detached = await shell.run("retry", old, "--key", "once more", "--detach")
    retried = await shell.run("retry", old, "--key", "once more", "--json")

    assert (detached.code, retried.code) == (0, 0)
    deliberation = retried.json["deliberation"]
    assert deliberation["id"] == detached.out.strip() != old
    assert retried.err.splitlines()[0] == f"accepted as {deliberation['id']}"
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


async def test_deliberations_are_listed_the_newest_first_by_role_and_status(shell: Shell) -> None:
    older, newer = await _cancelled(shell), await _cancelled(shell)
    sought = ("--role", "DEV", "--status", "queued", "--status", "Cancelled")
    listed = (await shell.run("deliberations", *sought, "--json")).json
    one = await shell.run("deliberations", *sought, "--limit", "1")

    assert [found["id"] for found in listed[:2]] == [newer, older]
    assert {found["status"] for found in listed} == {"CANCELLED"}
    assert (listed[0]["stopReason"], listed[0]["waitingFor"]) == ("CANCELLED", None)
    assert listed[0]["task"]["description"] == "How do we name things?"
    assert (one.code, one.err) == (0, "")
    assert (newer in one.out, older in one.out, "REHEARSAL" in one.out) == (True, False, True)


async def test_what_is_asked_has_the_priority_that_it_was_given(shell: Shell) -> None:
    asked = await shell.run(
        "ask", "DEV", "How do we name things?", "--priority", "High", "--detach"
    )

    assert asked.code == 0
    found = await shell.query(f'{{ deliberation(id: "{asked.out.strip()}") {{ priority }} }}')
    assert found == {"deliberation": {"priority": "HIGH"}}


async def test_what_is_asked_goes_with_all_that_is_said_of_it(shell: Shell, tmp_path: Path) -> None:
    context = tmp_path / "context.md"
    context.write_text("It is a shop.\n", encoding="utf-8")
    said = ("--context", f"@{context}", "--rubric", "Short is good.", "--rounds", "0")
    required = ("--requirement", "Words.", "--requirement", "No abbreviations.")
    asked = await shell.run("ask", "DEV", "How do we name things?", *said, *required, "--detach")

    assert asked.code == 0
    found = await shell.query(
        f"""{{ deliberation(id: "{asked.out.strip()}") {{ rounds
              task {{ description context rubric requirements }} }} }}"""
    )
    assert found["deliberation"] == {
        "rounds": 0,
        "task": {
            "description": "How do we name things?",
            "context": "It is a shop.\n",
            "rubric": "Short is good.",
            "requirements": ["Words.", "No abbreviations."],
        },
    }


async def test_the_whole_of_what_was_said_is_shown_where_it_is_asked_for(shell: Shell) -> None:
    asked = (await shell.run("ask", "DEV", "How do we name things?", "--json")).json
    identifier = asked["deliberation"]["id"]
    brief = (await shell.run("show", identifier)).out
    full = (await shell.run("show", identifier, "--full")).out

    [said, *_] = [turn["content"] for turn in asked["turns"] if turn["kind"] == "CRITIQUE"]
    # Lines are broken where they are too long.
    last = said.splitlines()[-1][:40]
    assert (last in brief, last in full) == (False, True)


async def test_what_is_archived_is_listed_only_where_it_is_asked_for(shell: Shell) -> None:
    made = await shell.query(
        """mutation { createRole(input: {name: "ATTIC"}) { errors { message } }
             createCouncil(input: {role: "ATTIC", seats: 1}) { council { id } } }"""
    )
    identifier: str = made["createCouncil"]["council"]["id"]
    await shell.query(
        f'mutation {{ archiveCouncil(input: {{id: "{identifier}"}}) {{ errors {{ message }} }} }}'
    )
    serving = (await shell.run("councils", "--json")).json
    everything = (await shell.run("councils", "--archived", "--json")).json

    assert identifier not in {council["id"] for council in serving}
    assert {council["id"] for council in everything} == {
        identifier,
        *(council["id"] for council in serving),
    }


async def test_the_shell_offers_what_the_running_service_knows(shell: Shell) -> None:
    cancelled = await _cancelled(shell)
    made = await shell.query(
        """mutation { createRole(input: {name: "$(reboot)"}) { errors { message } }
             createCouncil(input: {role: "$(reboot)", seats: 1}) { errors { message } } }"""
    )
    assert made == {"createRole": {"errors": []}, "createCouncil": {"errors": []}}

    # A shell that waits is offered nothing where the service is not quick, such as on a machine that does much else.
    roles = {"DEV", "QA", "ARCHITECT", "DEVOPS", "DATA"}
    await eventually(lambda: _offered(shell, "ask", ""), lambda found: found == roles)
    await eventually(
        lambda: _offered(shell, "ask", "DEV"), lambda found: found == {"DEV", "DEVOPS"}
    )
    assert await _offered(shell, "deliberations --role", "DEVO") == {"DEVOPS"}
    for command in ("retry", "show"):
        await eventually(
            partial(_offered, shell, command, "dlb_"), lambda found: cancelled in found
        )
    assert cancelled not in await _offered(shell, "cancel", "")


async def test_the_shell_offers_nothing_and_nothing_is_said_where_no_service_answers(
    alone: Shell,
) -> None:
    assert await _offered(alone, "ask", "") == set()
    assert await _offered(replace(alone, environment={"COUNCIL_PORT": "x"}), "show", "") == set()


async def test_what_the_service_refuses_exits_with_4_and_names_the_field(shell: Shell) -> None:
    refused = {
        ("ask", "POETRY", "Why?"): "council.role: there is no role POETRY",
        ("ask", "dev", "Why?"): "council.role: there is no role dev, but DEV",
        ("ask", "DEV", " "): "task.description must not be blank",
        ("ask", "DEV", "Why?", "--rounds", "1000"): "council: rounds must be from 0 to ",
        ("ask", "DEV", "Why?", "--rounds", "-1"): "council: rounds must be from 0 to ",
        ("show", "dlb_0193500000007000800000000000000a"): "there is no deliberation",
        ("show", "agt_0193500000007000800000000000000a"): "there is nothing with the id",
        ("show", "nonsense"): "there is nothing with the id",
        ("deliberations", "--role", "POETRY"): "--role: no council has the role POETRY; councils ",
        ("deliberations", "--council", "nonsense"): "councilId must be the id of a council",
    }
    for arguments, words in refused.items():
        ran = await shell.run(*arguments)

        assert (ran.code, ran.out) == (4, ""), ran
        assert words in ran.err


async def test_migrating_twice_does_nothing_the_second_time(shell: Shell) -> None:
    ran = await shell.run("migrate")

    assert (ran.code, ran.out.strip()) == (0, "nothing to do: every migration had been applied")


async def test_the_address_of_the_browser_has_a_query_to_begin_with(shell: Shell) -> None:
    ran = await shell.run("browser")

    assert ran.code == 0
    assert len(ran.out.splitlines()) == 1
    assert "/browser/?dbms=" in ran.out
    assert "&cmd=edit&arg=MATCH" in ran.out


async def test_the_browser_is_opened_at_the_address_that_would_be_printed(
    alone: Shell, tmp_path: Path
) -> None:
    opened = tmp_path / "opened"
    web_browser = tmp_path / "web-browser"
    web_browser.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" > {opened}\n', encoding="utf-8")
    web_browser.chmod(0o700)

    printed = await alone.run("browser")
    ran = await alone.run("browser", "--open", BROWSER=f"{web_browser} %s")

    assert (ran.code, ran.out) == (0, "")
    assert opened.read_text(encoding="utf-8") == printed.out


async def test_without_a_service_the_exit_code_is_3_and_the_address_is_named(alone: Shell) -> None:
    for arguments in (("councils",), ("ask", "DEV", "Why?"), ("show", "dlb_1", "--follow")):
        ran = await alone.run(*arguments)

        assert ran.code == 3
        assert f"no council service answers at {alone.environment['COUNCIL_URL']}" in ran.err
        assert "council up" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [("export",), ("migrate",), ("prune", "--older-than", "90d")],
    ids=lambda arguments: arguments[0],
)
async def test_where_neo4j_stays_away_one_sentence_says_so_and_nothing_is_printed(
    alone: Shell, arguments: tuple[str, ...]
) -> None:
    uri = f"bolt://127.0.0.1:{free_port()}"
    ran = await alone.run(*arguments, NEO4J_URI=uri, NEO4J_PASSWORD="-")

    assert (ran.code, ran.out) == (3, "")
    assert ran.err == f"council: Neo4j cannot be reached at {uri}: Connection refused\n"


@pytest.mark.parametrize("command", ["up", "serve", "migrate", "doctor", "settings", "councils"])
async def test_a_wrong_setting_stops_every_command_and_is_named(alone: Shell, command: str) -> None:
    ran = await alone.run(command, COUNCIL_PORT="eighty")

    assert ran.code == 2
    assert ran.err.startswith("council: COUNCIL_PORT is 'eighty', but should be")


async def test_a_service_on_a_terminal_answers_ctrl_c_with_what_it_still_waits_for(
    alone: Shell,
) -> None:
    serving, terminal = await _serving_on_a_terminal(alone)
    serving.send_signal(signal.SIGINT)
    seen = await asyncio.to_thread(_seen, terminal)

    assert await serving.wait() == 0
    assert "Ending: calls under way may go on for up to 20 s. Ctrl-C again" in seen


async def test_a_service_whose_terminal_is_gone_ends_in_order(alone: Shell) -> None:
    serving, terminal = await _serving_on_a_terminal(alone)
    os.close(terminal)
    serving.send_signal(signal.SIGHUP)

    assert await serving.wait() == 0


async def _serving_on_a_terminal(alone: Shell) -> tuple[asyncio.subprocess.Process, int]:
    """A service that waits for its graph, and what its terminal shows from then on."""
    terminal, its_end = pty.openpty()
    serving = await replace(alone, stderr=its_end).start(
        "serve", NEO4J_URI=f"bolt://127.0.0.1:{free_port()}", NEO4J_PASSWORD="-", COUNCIL_PORT="0"
    )
    os.close(its_end)
    shown = b""
    while b"waiting_for_graph" not in shown:
        shown += await asyncio.to_thread(os.read, terminal, 65536)
    return serving, terminal


async def test_up_names_the_setting_of_a_wrong_seed_before_it_starts_anything(
    alone: Shell, tmp_path: Path
) -> None:
    file = tmp_path / "councils.yaml"
    file.write_text("councils: [{role: A, agents: []}]", encoding="utf-8")
    ran = await alone.run("up", COUNCIL_SEED=str(file), COUNCIL_PORT=str(free_port()))

    assert (ran.code, ran.out) == (2, "")
    told = f"council: COUNCIL_SEED: {file}: councils[0].agents: a council has from 1 to "
    assert ran.err.startswith(told)
    assert not (tmp_path / "home").exists()


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
    unitless = await alone.run("prune", "--older-than", "90")
    assert (unitless.code, "it must be as 90d" in unitless.err) == (2, True)
    assert (await alone.run("prune", "--older-than", "90d", "--keep", "losers")).code == 2
    assert (await alone.run("councils", "--url", "nowhere")).code == 2
    done = await alone.run("deliberations", "--status", "done")
    assert (done.code, "'done' is not one of 'queued'," in done.err) == (2, True)
    assert (await alone.run("deliberations", "--limit", "0")).code == 2


async def test_help_tells_the_exit_codes_and_every_command(alone: Shell) -> None:
    ran = await alone.run("--help")

    assert ran.code == 0
    program = get_command(app)
    assert isinstance(program, TyperGroup)
    for command in program.commands:
        assert f" {command} " in ran.out
    assert "3  the service or the graph cannot be reached" in ran.out


async def test_settings_show_no_secret(alone: Shell) -> None:
    ran = await alone.run("settings", NEO4J_PASSWORD="hunter2", VLLM_API_KEY="hunter2")

    assert ran.code == 0
    assert "hunter2" not in ran.out
    assert "COUNCIL_LEASE_SECONDS" in ran.out


async def test_settings_name_a_variable_that_none_of_them_has(alone: Shell) -> None:
    ran = await alone.run("settings", COUNCIL_LEASE_SECOND="3", COUNCIL_SERVICE_HOST="10.0.0.1")

    assert ran.code == 0
    assert ran.err == (
        "council: COUNCIL_LEASE_SECOND is no setting, and changes nothing; COUNCIL_LEASE_SECONDS is one\n"
    )


async def _offered(shell: Shell, command: str, begin: str) -> set[str]:
    """What bash offers for the argument of a command, or of its option, that begins so."""
    before = f"council {command}"
    ran = await shell.run(
        _COUNCIL_COMPLETE="complete_bash",
        COMP_WORDS=f"{before} {begin}",
        COMP_CWORD=str(len(before.split())),
    )
    assert (ran.code, ran.err) == (0, "")
    return set(ran.out.split())


async def _accepted(told: asyncio.StreamReader) -> str:
    """The id of the deliberation, which is told once the service has answered that it is accepted."""
    words = (await told.readline()).decode().strip()
    assert words.startswith("accepted as dlb_")
    return words.removeprefix("accepted as ")


async def _patient_role(shell: Shell) -> str:
    """The role of a council that decides nothing while a test lasts: one of its seats waits for a server that is not there."""
    registered = await shell.query(
        f"""mutation {{ registerEndpoint(input: {{name: "away", url: "http://127.0.0.1:{free_port()}"}})
              {{ errors {{ message }} }} }}"""
    )
    assert registered["registerEndpoint"]["errors"] == []
    agent = (await shell.query('{ agent(by: {name: "data-agent-3"}) { id } }'))["agent"]
    bound = await shell.query(
        f'mutation {{ updateAgent(input: {{id: "{agent["id"]}", endpoint: "away"}}) {{ errors {{ message }} }} }}'
    )
    assert bound["updateAgent"]["errors"] == []
    return "DATA"


async def _cancelled(shell: Shell) -> str:
    """The id of a deliberation that was accepted and cancelled; a command would take longer to start than it runs."""
    for _ in range(5):
        accepted = await shell.query(
            """mutation { deliberate(input: {council: {role: "DEV"}, task: {description: "How do we name things?"}})
                 { deliberation { id } } }""",
        )
        identifier: str = accepted["deliberate"]["deliberation"]["id"]
        cancelled = await shell.query(
            f'mutation {{ cancelDeliberation(input: {{id: "{identifier}"}}) {{ errors {{ code }} }} }}'
        )
        if cancelled["cancelDeliberation"]["errors"] == []:
            return identifier
    pytest.fail("each was decided before it could be cancelled")
