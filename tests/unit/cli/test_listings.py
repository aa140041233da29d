"""How councils, agents and single things look."""

from __future__ import annotations

from inline_snapshot import snapshot
from pydantic import TypeAdapter

from orchestrator.cli.rendering import listings
from orchestrator.cli.showing import rendered as rendered_node
from orchestrator.client import models
from tests.support import answers
from tests.unit.cli.conftest import Rendered

_NODE: TypeAdapter[models.Node] = TypeAdapter(models.Node)


def test_councils_are_listed_with_who_sits_on_them(rendered: Rendered) -> None:
    found = [
        models.Council.model_validate(answers.council()),
        models.Council.model_validate(
            answers.council(name="old", archivedAt="2026-01-03T00:00:00Z", seats=[answers.seat(1)])
        ),
    ]

    assert rendered(listings.councils(found)) == snapshot("""\
 role   council          agents                                id
 ──────────────────────────────────────────────────────────────────────────────────────────────────
 DEV    dev-council-1    dev-agent-1, dev-agent-2,             cou_01935000000070008000000000000001
                         dev-agent-3
 DEV    old (archived)   dev-agent-1                           cou_01935000000070008000000000000001\
""")


def test_agents_are_listed_with_where_they_sit(rendered: Rendered) -> None:
    bound = answers.seated_agent(
        2, status="OFFLINE", council=None, endpoint={"id": "end_1", "name": "gpu"}
    )
    found = [models.Agent.model_validate(one) for one in (answers.seated_agent(1), bound)]

    assert rendered(listings.agents(found)) == snapshot("""\
 agent         status    council         model                 id
 ──────────────────────────────────────────────────────────────────────────────────────────────────
 dev-agent-1   READY     dev-council-1   Qwen/Qwen2.5-0.5B-I   agt_01935000000070008000000000000001
                                         nstruct
 dev-agent-2   OFFLINE                   Qwen/Qwen2.5-0.5B-I   agt_01935000000070008000000000000002
                                         nstruct at gpu\
""")


def test_deliberations_are_listed_with_their_tasks_first_words_and_why_they_ended_or_wait(
    rendered: Rendered,
) -> None:
    waits = "endpoint default is down"
    long = "# Retries\n\nPropose a retry policy for webhooks, and say why. Then do all the rest."
    task = answers.deliberation()["task"]
    found = [
        models.ListedDeliberation.model_validate(one)
        for one in (
            answers.running(waitingFor=waits, task=task | {"description": long}),
            answers.deliberation(rehearsal=True),
            answers.deliberation(status="FAILED", stopReason="DEADLINE", verdict=None),
            answers.deliberation(task=task | {"description": "so " * 100}),
        )
    ]

    assert rendered(listings.deliberations(found)) == snapshot("""\
 deliberation                           status      role   accepted
 ─────────────────────────────────────────────────────────────────────────────
 dlb_0193500000007000800000000000000a   RUNNING     DEV    2026-01-02 03:04:05
 Propose a retry policy for webhooks…
 endpoint default is down
 dlb_0193500000007000800000000000000a   DECIDED     DEV    2026-01-02 03:04:05
 Propose a retry policy.                REHEARSAL
 dlb_0193500000007000800000000000000a   FAILED      DEV    2026-01-02 03:04:05
 Propose a retry policy.
 DEADLINE
 dlb_0193500000007000800000000000000a   DECIDED     DEV    2026-01-02 03:04:05
 so so so so so so so so so so so so…\
""")


def test_a_council_shows_the_personas_of_its_seats(rendered: Rendered) -> None:
    assert rendered(listings.council(models.Council.model_validate(answers.council()))) == snapshot("""\
council   dev-council-1
serves    DEV
protocol  PEER_REVIEW, rounds 1, quorum 2 of 3
version   1
id        cou_01935000000070008000000000000001

 seat   agent         model                        temperature   persona
 ──────────────────────────────────────────────────────────────────────────
 1      dev-agent-1   Qwen/Qwen2.5-0.5B-Instruct   0.7           Persona 1.
 2      dev-agent-2   Qwen/Qwen2.5-0.5B-Instruct   0.7           Persona 2.
 3      dev-agent-3   Qwen/Qwen2.5-0.5B-Instruct   0.7           Persona 3.\
""")


def test_an_agent_shows_all_of_it(rendered: Rendered) -> None:
    agent = models.Agent.model_validate(answers.seated_agent(1))

    assert rendered(listings.agent(agent)) == snapshot("""\
agent           dev-agent-1
status          READY
council         dev-council-1 (DEV)
model           Qwen/Qwen2.5-0.5B-Instruct
temperature     0.7
longest answer  512 tokens
persona         Persona 1.
id              agt_01935000000070008000000000000001\
""")


def test_a_task_shows_the_deliberations_on_it(rendered: Rendered) -> None:
    held = answers.deliberation(rehearsal=True)
    task = models.Task.model_validate(
        held["task"] | {"metadata": None, "deliberations": answers.page([held])}
    )

    assert rendered(listings.task(task)) == snapshot("""\
task           Propose a retry policy.
context        none
requirement 1  It is bounded.
rubric         none
id             tsk_1

 deliberation                           council         status               accepted
 ───────────────────────────────────────────────────────────────────────────────────────────────
 dlb_0193500000007000800000000000000a   dev-council-1   DECIDED, REHEARSAL   2026-01-02 03:04:05\
""")


def test_of_an_endpoint_that_is_down_it_is_said_why(rendered: Rendered) -> None:
    found = models.Endpoint.model_validate(
        {
            "id": "end_1",
            "name": "default",
            "url": "http://vllm:8000/v1",
            "status": "DOWN",
            "reason": "endpoint default cannot be reached",
            "servedModels": [],
            "inFlight": 0,
        }
    )
    assert "DOWN: endpoint default cannot be reached" in rendered(listings.endpoint(found))


def test_every_type_of_node_can_be_shown(rendered: Rendered) -> None:
    nodes: list[answers.Json] = [
        {"__typename": "Role", "id": "rol_1", "name": "DEV", "description": None, "council": None},
        {"__typename": "Model", "id": "mdl_1", "name": "m", "rehearsal": False, "endpoints": []},
        {
            "__typename": "Endpoint",
            "id": "end_1",
            "name": "default",
            "url": "http://vllm:8000/v1",
            "status": "UP",
            "reason": None,
            "servedModels": ["m"],
            "inFlight": 2,
        },
        answers.critique(2, 1, 5) | {"deliberation": {"id": answers.DELIBERATION}},
    ]

    shown = "\n".join(rendered(rendered_node(_NODE.validate_python(node))) for node in nodes)

    assert shown == snapshot("""\
role         DEV
description  none
served by    none
id           rol_1
model      m
served by  nothing known
id         mdl_1
endpoint         default
url              http://vllm:8000/v1
status           UP
serves           m
calls in flight  2
id               end_1
╭─ seat 2 dev-agent-2 · critique of round 1 ───────────────────────────────────────────────────────╮
│ What dev-agent-2 says in turn 5. And more.                                                       │
╰────────────────────────────────────────────────── trn_0193500000007000800000000000000a-c1-s2-t1 ─╯
of dlb_0193500000007000800000000000000a\
""")
