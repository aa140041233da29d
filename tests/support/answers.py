"""What the API answers about one deliberation of three seats, as JSON values; arguments change what a test is about."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

DELIBERATION = "dlb_0193500000007000800000000000000a"
_BODY = DELIBERATION.partition("_")[2]
_COUNCIL = {
    "id": "cou_01935000000070008000000000000001",
    "name": "dev-council-1",
    "role": {"id": "rol_01935000000070008000000000000001", "name": "DEV"},
}


def agent(number: int) -> Json:
    return {
        "id": f"agt_0193500000007000800000000000000{number}",
        "name": f"dev-agent-{number}",
        "seat": {"number": number},
    }


def _mention(number: int) -> Json:
    return {"id": agent(number)["id"], "name": agent(number)["name"]}


def _model() -> Json:
    return {"id": "mdl_1", "name": "Qwen/Qwen2.5-0.5B-Instruct"}


def seat(number: int, **changes: Any) -> Json:
    return {
        "number": number,
        "agent": _mention(number),
        "persona": f"Persona {number}.",
        "temperature": 0.7,
        "maxTokens": 512,
        "model": _model(),
        "endpoint": None,
    } | changes


def council(**changes: Any) -> Json:
    return {
        **_COUNCIL,
        "seats": [seat(1), seat(2), seat(3)],
        "protocol": "PEER_REVIEW",
        "rounds": 1,
        "quorum": 2,
        "decision": "BALLOTS",
        "version": 1,
        "createdAt": "2026-01-02T03:00:00Z",
        "updatedAt": "2026-01-02T03:00:00Z",
        "archivedAt": None,
    } | changes


def seated_agent(number: int, **changes: Any) -> Json:
    return {
        **_mention(number),
        "persona": f"Persona {number}.",
        "temperature": 0.7,
        "maxTokens": 512,
        "model": _model(),
        "endpoint": None,
        "status": "READY",
        "metadata": None,
        "council": _COUNCIL,
    } | changes


def turn_id(letter: str, number: int, target: int | None = None) -> str:
    round_ = 0 if letter == "p" else 1
    return f"trn_{_BODY}-{letter}{round_}-s{number}" + ("" if target is None else f"-t{target}")


def proposal_mention(number: int) -> Json:
    return {
        "__typename": "Proposal",
        "id": turn_id("r", number),
        "seat": {"number": number},
        "agent": _mention(number),
    }


def _turn(kind: str, type_: str, letter: str, number: int, sequence: int, **changes: Any) -> Json:
    return {
        "__typename": type_,
        "id": turn_id(letter, number),
        "kind": kind,
        "outcome": "TAKEN",
        "sequence": sequence,
        "round": 0 if letter == "p" else 1,
        "seat": {"number": number},
        "sample": 1,
        "agent": _mention(number),
        "model": _model(),
        "content": f"What dev-agent-{number} says in turn {sequence}. And more.",
        "reasoning": None,
        "absence": None,
        "finishReason": "stop",
        "attempts": 1,
        "usage": usage(calls=1),
        "latencyMs": 900,
        "startedAt": "2026-01-02T03:04:05Z",
        "finishedAt": f"2026-01-02T03:04:{5 + sequence:02}Z",
    } | changes


def usage(**changes: Any) -> Json:
    return {
        "promptTokens": 100,
        "cachedPromptTokens": 0,
        "completionTokens": 50,
        "calls": 12,
    } | changes


def proposal(number: int, sequence: int, **changes: Any) -> Json:
    return _turn("PROPOSAL", "Proposal", "p", number, sequence, revises=None, answers=[]) | changes


def critique(number: int, target: int, sequence: int, **changes: Any) -> Json:
    return (
        _turn("CRITIQUE", "Critique", "c", number, sequence)
        | {"id": turn_id("c", number, target), "target": proposal_mention(target)}
        | changes
    )


def revision(number: int, sequence: int, **changes: Any) -> Json:
    return (
        _turn("REVISION", "Proposal", "r", number, sequence)
        | {"revises": {"id": turn_id("p", number)}, "answers": [{"id": turn_id("c", 1, number)}]}
        | changes
    )


def ballot(number: int, choices: list[int], sequence: int, **changes: Any) -> Json:
    return (
        _turn("BALLOT", "Ballot", "b", number, sequence)
        | {"content": None, "choices": [proposal_mention(choice) for choice in choices]}
        | changes
    )


def turns() -> list[Json]:
    """All twelve of one round, as recorded."""
    return [
        *(proposal(number, number + 1) for number in (1, 2, 3)),
        critique(1, 2, 5),
        critique(2, 3, 6),
        critique(3, 1, 7),
        *(revision(number, number + 7) for number in (1, 2, 3)),
        ballot(1, [2, 3], 11),
        ballot(2, [3, 1], 12),
        ballot(3, [2, 1], 13),
    ]


def ranked(rank: int, number: int, score: float, votes: int, **changes: Any) -> Json:
    return {
        "rank": rank,
        "score": score,
        "votes": votes,
        "proposal": {
            **proposal_mention(number),
            "round": 1,
            "model": _model(),
            "content": f"# Outline {number}\n\nThe text of dev-agent-{number}.",
        }
        | changes,
    }


def verdict(**changes: Any) -> Json:
    return {
        "id": f"vrd_{_BODY}",
        "winner": {"id": turn_id("r", 2)},
        "ranking": [ranked(1, 2, 1.0, 2), ranked(2, 3, 0.5, 1), ranked(3, 1, 0.0, 0)],
        "decision": "BALLOTS",
        "ballots": [_ballot_mention(1, [2, 3]), _ballot_mention(3, [2, 1])],
        "dissent": [],
        "margin": 0.5,
        "agreement": 0.75,
        "partial": False,
        "decidedAt": "2026-01-02T03:04:20Z",
    } | changes


def _ballot_mention(number: int, choices: list[int]) -> Json:
    return {
        "id": turn_id("b", number),
        "seat": {"number": number},
        "agent": _mention(number),
        "choices": [proposal_mention(choice) for choice in choices],
    }


def dissent(number: int, choices: list[int]) -> Json:
    return _ballot_mention(number, choices)


def deliberation(**changes: Any) -> Json:
    """One that has been decided."""
    return {
        "id": DELIBERATION,
        "task": {
            "id": "tsk_1",
            "description": "Propose a retry policy.",
            "context": None,
            "rubric": None,
            "requirements": ["It is bounded."],
            "externalId": None,
        },
        "council": _COUNCIL,
        "councilVersion": 1,
        "seats": [seat(1), seat(2), seat(3)],
        "protocol": "PEER_REVIEW",
        "rounds": 1,
        "quorum": 2,
        "decision": "BALLOTS",
        "priority": "NORMAL",
        "status": "DECIDED",
        "stopReason": "COMPLETED",
        "failure": None,
        "waitingFor": None,
        "rehearsal": False,
        "acceptedAt": "2026-01-02T03:04:05Z",
        "startedAt": "2026-01-02T03:04:05Z",
        "finishedAt": "2026-01-02T03:04:20Z",
        "deadline": None,
        "tokenBudget": None,
        "tokensSpent": None,
        "prunedAt": None,
        "retryOf": None,
        "retries": [],
        "resumptions": 0,
        "progress": {"turnsTaken": 12, "turnsExpected": 12, "phase": None},
        "usage": usage(promptTokens=5_400, cachedPromptTokens=3_100, completionTokens=1_234),
        "verdict": verdict(),
    } | changes


def running(**changes: Any) -> Json:
    """The same, while it runs."""
    return (
        deliberation(
            status="RUNNING",
            stopReason=None,
            finishedAt=None,
            verdict=None,
            progress={"turnsTaken": 0, "turnsExpected": 12, "phase": "PROPOSAL"},
        )
        | changes
    )


def page(nodes: list[Json], *, cursor: str | None = None) -> Json:
    """A page of a connection; with a cursor there is a next one."""
    return {
        "edges": [{"node": node} for node in nodes],
        "pageInfo": {"hasNextPage": cursor is not None, "endCursor": cursor},
        "totalCount": len(nodes),
    }


def claimed(sequence: int, *, resumed: bool = False) -> Json:
    return {
        "__typename": "DeliberationClaimed",
        "sequence": sequence,
        "at": "2026-01-02T03:04:05Z",
        "resumed": resumed,
    }


def began(sequence: int, number: int) -> Json:
    return {
        "__typename": "TurnBegan",
        "sequence": sequence,
        "at": "2026-01-02T03:04:05Z",
        "turnId": turn_id("p", number),
        "kind": "PROPOSAL",
        "round": 0,
        "seat": seat(number),
        "attempt": 1,
    }


def taken(turn: Json) -> Json:
    return {
        "__typename": "TurnTaken",
        "sequence": turn["sequence"],
        "at": turn["finishedAt"],
        "turn": turn,
    }


def spoken(sequence: int, number: int) -> Json:
    return {
        "__typename": "TokensSpoken",
        "sequence": sequence,
        "at": "2026-01-02T03:04:05Z",
        "turnId": turn_id("p", number),
        "attempt": 1,
        "offset": 0,
        "text": "What",
    }


def ended(sequence: int, **changes: Any) -> Json:
    return {
        "__typename": "DeliberationEnded",
        "sequence": sequence,
        "at": "2026-01-02T03:04:20Z",
        "deliberation": deliberation(**changes),
    }
