"""The log of a run in which much goes wrong: what happened is found by its fields, and nothing that was said is in it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.bolt_proxy import BoltProxy
from tests.support.model_behaviour import Behaviour
from tests.support.scene import Scene
from tests.support.service_process import ServiceProcess
from tests.support.waiting import eventually, until

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(240)]

_TASK = "Say how the harbour of Port Quarrel is to be dredged."
_ANSWER = "With two hundred buckets, and at night."
_CANCEL = """
mutation($input: CancelDeliberationInput!) { cancelDeliberation(input: $input) { errors { __typename } } }
"""
_KEY = "sk-nobody-may-read-this"


def _lines(found: list[dict[str, Any]], *fields: str) -> list[tuple[Any, ...]]:
    return [tuple(line[field] for field in fields) for line in found]


async def test_takeover_fence_absence_end_and_cancel_are_found_by_their_fields_and_no_text_or_secret_is(
    scene: Scene,
) -> None:
    # A server that quotes what it was asked, and a voter who says what is no ranking.
    refusal = f'{{"error": {{"message": "Input should be shorter: {_TASK}"}}}}'.encode()
    scene.model.script(Behaviour(status=400, body=refusal), turn="*-p0-s2")
    scene.model.script(Behaviour(content=f'{{"ranking": "{_ANSWER}"}}'), turn="*-b1-s1")
    is_frozen = asyncio.Event()
    scene.model.script(Behaviour(content=_ANSWER, until=is_frozen), turn="*-c1-*", attempts=1)
    for turn in ("*-p0-*", "*-c1-*", "*-r1-*"):
        scene.model.script(Behaviour(content=_ANSWER), turn=turn)
    frozen = await scene.start("frozen", hasty=True, COUNCIL_LEASE_SECONDS="3", VLLM_API_KEY=_KEY)
    await frozen.ready()
    accepted = await scene.deliberate(frozen, task={"description": _TASK, "context": _TASK})
    await eventually(scene.look, lambda seen: len(seen.turns) == 3)
    frozen.freeze()
    is_frozen.set()
    async with BoltProxy(scene.server.uri) as proxy:
        other = await scene.start("other", hasty=True, proxy=proxy, VLLM_API_KEY=_KEY)
        await other.ready()
        seen = await scene.all_ended(60)
        frozen.thaw()
        await until(lambda: bool(frozen.logged("claim_fenced") or frozen.logged("claim_lost")), 30)
        await frozen.ready()
        # So that nobody else claims what is cancelled.
        await frozen.kill()
        scene.model.script(Behaviour(latency=30.0), turn="*")
        scene.model.rules.reverse()
        unwanted = await scene.deliberate(other, task={"description": _TASK})
        await until(lambda: bool(scene.model.of(f"trn_{unwanted.removeprefix('dlb_')}*")))
        await other.ask(_CANCEL, input={"id": unwanted, "reason": _TASK})

    def told_of(*events: str, by: ServiceProcess) -> list[dict[str, Any]]:
        """Of the one that was taken over."""
        lines = [line for event in events for line in by.logged(event)]
        return [line for line in lines if line["deliberation"] == accepted]

    body = accepted.removeprefix("dlb_")
    acceptances = _lines(frozen.logged("deliberation_accepted"), "deliberation", "rehearsal")
    assert acceptances == [(accepted, False)]
    # It fences whoever had claimed it, be he the first.
    cancelled = _lines(other.logged("deliberation_cancelled"), "deliberation", "epoch")
    assert cancelled == [(unwanted, 2)]
    claim = ("deliberation", "epoch", "resumed", "rehearsal")
    claims = [_lines(told_of("deliberation_claimed", by=one), *claim) for one in (frozen, other)]
    assert claims == [[(accepted, 1, False, False)], [(accepted, 2, True, False)]]
    fenced = told_of("claim_fenced", "claim_lost", by=frozen)
    assert set(_lines(fenced, "deliberation", "epoch")) == {(accepted, 1)}
    absence = ("deliberation", "turn", "epoch", "seat")
    assert _lines(frozen.logged("agent_absent"), *absence) == [
        (accepted, f"trn_{body}-p0-s2", 1, 2)
    ]
    assert _lines(other.logged("agent_absent"), *absence) == [(accepted, f"trn_{body}-b1-s1", 2, 1)]
    end = ("deliberation", "epoch", "status", "stop_reason", "rehearsal")
    assert _lines(other.logged("deliberation_ended"), *end) == [
        (accepted, 2, "DECIDED", "COMPLETED", False)
    ]

    of_deliberations = [
        line for service in (frozen, other) for line in service.log() if "deliberation" in line
    ]
    # An acceptance is before the first claim, and so has none.
    assert {line["event"] for line in of_deliberations if "epoch" not in line} == {
        "deliberation_accepted"
    }

    # The graph has what was said, and with the absences the words of the server and of the voter.
    told = "".join(f"{turn.content}{turn.absence}" for turn in seen.of(accepted))
    assert _TASK in told
    assert _ANSWER in told
    for service in (frozen, other):
        log = service.log_file.read_text(encoding="utf-8")
        for secret in (_TASK, _ANSWER, _KEY, scene.server.password):
            assert secret[:20] not in log
