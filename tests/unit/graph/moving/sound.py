"""A file with one of each kind, sound in every line, and the lines that it has."""

from __future__ import annotations

from typing import Any

from orchestrator.graph.moving.form import Line
from tests.support.moving import lines_from

AT = "2026-01-02T03:04:05.678901234Z"
ZERO: dict[str, Any] = {
    "promptTokens": 0,
    "cachedPromptTokens": 0,
    "completionTokens": 0,
    "calls": 0,
}
SPENT: dict[str, Any] = {**ZERO, "promptTokens": 3, "calls": 1}


def agent(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"agt_{number}",
        "name": f"dev-agent-{number}",
        "temperature": 0.5,
        "maxTokens": 512,
        "speaksWith": {"model": "m", "default": True},
        **more,
    }


def turn(number: int, identifier: str, seat: int, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"trn_d-{identifier}",
        "sequence": number,
        "seat": seat,
        "kind": kind,
        "round": int(identifier[1]),
        "sample": 1,
        "outcome": "TAKEN",
        "content": "words",
        "attempts": 1,
        "latencyMs": 5,
        "startedAt": AT,
        "finishedAt": AT,
        **SPENT,
        **more,
    }


def council() -> dict[str, Any]:
    return {
        "kind": "council",
        "id": "cou_1",
        "name": "dev-council-1",
        "protocol": "PEER_REVIEW",
        "rounds": 1,
        "quorum": 2,
        "decision": "BALLOTS",
        "version": 2,
        "createdAt": AT,
        "updatedAt": AT,
        "servesRole": "DEV",
        "serves": "DEV",
        "agents": [agent(1, seat=1), agent(2, seat=2, boundTo="e", metadata='{"a":1}')],
    }


def deliberation() -> dict[str, Any]:
    return {
        "kind": "deliberation",
        "id": "dlb_d",
        "councilId": "cou_1",
        "role": "DEV",
        "councilVersion": 1,
        "protocol": "PEER_REVIEW",
        "rounds": 1,
        "quorum": 1,
        "decision": "BALLOTS",
        "priority": "NORMAL",
        "status": "DECIDED",
        "stopReason": "COMPLETED",
        "rehearsal": False,
        "acceptedAt": AT,
        "startedAt": AT,
        "finishedAt": AT,
        "epoch": 1,
        "sequence": 7,
        "resumptions": 0,
        **{key: 5 * value for key, value in SPENT.items()},
        "about": {"id": "tsk_1", "description": "do it", "requirements": ["well"]},
        "seats": [
            {
                "number": number,
                "temperature": 0.5,
                "maxTokens": 512,
                "of": f"agt_{number}",
                "speaksWith": "m",
            }
            for number in (1, 2)
        ],
        "claims": [
            {"id": "clm_d-1", "sequence": 1, "epoch": 1, "at": AT, "resumed": False, "by": "prc_1"}
        ],
        "turns": [
            turn(2, "p0-s1", 1, "PROPOSAL"),
            turn(3, "p0-s2", 2, "PROPOSAL"),
            turn(4, "c1-s2-t1", 2, "CRITIQUE", critiques="trn_d-p0-s1"),
            turn(5, "r1-s1", 1, "REVISION", revises="trn_d-p0-s1", answers=["trn_d-c1-s2-t1"]),
            turn(6, "b1-s2", 2, "BALLOT", ranks=["trn_d-r1-s1"]),
        ],
        "verdict": {
            "id": "vrd_d",
            "margin": 0.5,
            "partial": False,
            "decision": "BALLOTS",
            "decidedAt": AT,
            "ranked": [
                {"rank": 1, "proposal": "trn_d-r1-s1", "score": 1, "votes": 1},
                {"rank": 2, "proposal": "trn_d-p0-s2", "score": 0.5, "votes": 0},
            ],
        },
    }


HEADER, ROLE, ENDPOINT, REMOVED, MODEL, REHEARSAL, COUNCIL, RETIRED, PROCESS, DELIBERATION, END = (
    range(11)
)


def records() -> list[dict[str, Any]]:
    """The lines, in the order of the names above."""
    return [
        {"kind": "header", "format": "graph-council", "schema": 1, "contents": "everything"},
        {"kind": "role", "id": "rol_1", "name": "DEV", "agentsNamed": 3, "councilsNamed": 1},
        {
            "kind": "endpoint",
            "id": "end_1",
            "name": "e",
            "url": "http://e:8000/v1",
            "apiKeyVariable": "COUNCIL_KEY_E",
        },
        {
            "kind": "removedEndpoint",
            "id": "end_2",
            "name": "old",
            "url": "http://old/v1",
            "removedAt": AT,
        },
        {
            "kind": "model",
            "id": "mdl_1",
            "name": "m",
            "rehearsal": False,
            "isDefault": True,
            "servedBy": ["e"],
        },
        {"kind": "model", "id": "mdl_2", "name": "rehearsal", "rehearsal": True, "servedBy": []},
        council(),
        {"kind": "agent", **agent(3, retired=True)},
        {"kind": "process", "id": "prc_1", "host": "h", "startedAt": AT, "leaseUntil": AT},
        deliberation(),
        {
            "kind": "end",
            "counts": {
                **dict.fromkeys(("role", "endpoint", "removedEndpoint", "council"), 1),
                **dict.fromkeys(("agent", "process", "deliberation"), 1),
                "model": 2,
            },
        },
    ]


def lines(changed: list[dict[str, Any]] | None = None) -> list[Line]:
    return lines_from(records() if changed is None else changed)
