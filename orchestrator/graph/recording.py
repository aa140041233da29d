"""Turns and verdicts on their way into the graph, many in one write."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from orchestrator.domain.errors import UnrecordableError
from orchestrator.domain.ids import verdict_id
from orchestrator.engine.ports import Conclusion, Held, Recorded, Recording
from orchestrator.graph import reading
from orchestrator.graph.driver import Graph
from orchestrator.graph.errors import OutOfMemoryError, StatementRefusedError, TooLargeError


async def record(graph: Graph, recordings: Sequence[Recording]) -> Recorded:
    """Record turns, and the verdicts that they lead to, in one transaction, once each, however often it is asked.

    Raises:
        UnrecordableError: the graph refuses something in it for good, or all of it together is more
            than fits into a transaction; nothing of it is recorded.
    """
    try:
        return await _write(graph, _batches(recordings))
    except StatementRefusedError as exc:
        raise UnrecordableError(exc.reason) from exc
    except OutOfMemoryError as exc:
        if len(recordings) == 1 and not isinstance(exc, TooLargeError):
            raise
        # Fewer turns at once may fit, and the same ones may not, ever.
        raise UnrecordableError(exc.what) from exc


async def decide(graph: Graph, held: Held, conclusion: Conclusion) -> bool:
    """Write a verdict that no turn led to; false where its claim is lost, or something has happened since it was computed."""
    claim = (held.deliberation, held.epoch)
    recorded = await _write(graph, [[*claim, [], _verdict(held.deliberation, conclusion)]])
    return claim in recorded.decided


async def _write(graph: Graph, batches: list[list[Any]]) -> Recorded:
    (row,) = await graph.write("turn/record", batches=batches)
    recorded: list[list[tuple[str, int]]] = row["recorded"]
    decided: list[tuple[str, int]] = row["decided"]
    return Recorded(
        sequences=dict(itertools.chain.from_iterable(recorded)),
        decided=frozenset((deliberation, epoch) for deliberation, epoch in decided),
    )


def _batches(recordings: Sequence[Recording]) -> list[list[Any]]:
    """One batch a claim, in order of deliberation: all processes take their locks in that order."""
    claims: dict[tuple[str, int], dict[str, Recording]] = {}
    conclusions: dict[tuple[str, int], dict[str, Any]] = {}
    for recording in recordings:
        claim = (recording.deliberation, recording.epoch)
        claims.setdefault(claim, {}).setdefault(recording.turn.id, recording)
        if recording.conclusion is not None:
            conclusions[claim] = _verdict(recording.deliberation, recording.conclusion)
    return [
        [*claim, [_row(recording) for recording in turns.values()], conclusions.get(claim)]
        for claim, turns in sorted(claims.items(), key=lambda item: item[0])
    ]


def _verdict(deliberation: str, conclusion: Conclusion) -> dict[str, Any]:
    verdict = conclusion.verdict
    return {
        "sequence": conclusion.sequence,
        "taken": list(conclusion.taken),
        "verdict": verdict_id(deliberation),
        "ranking": [[r.proposal, r.rank, r.score, r.votes] for r in verdict.ranking],
        "margin": verdict.margin,
        "agreement": verdict.agreement,
        "partial": verdict.partial,
        "decision": verdict.decision.value,
        "stopReason": conclusion.stop_reason.value,
    }


def _row(recording: Recording) -> list[Any]:
    """A list, not a map: names sent with every value would be most of what is sent."""
    turn = recording.turn
    key, usage = turn.key, turn.usage
    return [
        turn.id,
        key.seat,
        key.kind.value,
        key.round,
        key.sample,
        turn.outcome.value,
        turn.content,
        turn.reasoning,
        turn.absence,
        turn.finish_reason,
        turn.attempts,
        turn.prompt_version,
        usage.prompt_tokens,
        usage.cached_prompt_tokens,
        usage.completion_tokens,
        usage.calls,
        turn.latency_ms,
        reading.microseconds(turn.started_at),
        reading.microseconds(turn.finished_at),
        turn.target,
        turn.revises,
        list(turn.answers),
        list(turn.choices),
        recording.settles,
        recording.after,
    ]
