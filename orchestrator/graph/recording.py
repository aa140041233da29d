"""Turns on their way into the graph, many in one write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.domain.errors import UnrecordableError
from orchestrator.engine.ports import Recorded, Recording
from orchestrator.graph import reading
from orchestrator.graph.driver import Graph
from orchestrator.graph.errors import OutOfMemoryError, StatementRefusedError


async def record(graph: Graph, recordings: Sequence[Recording]) -> Recorded:
    """Record turns in one transaction, once each, however often it is asked.

    Raises:
        UnrecordableError: the graph refuses something in it for good, or all of it together is more
            than fits into a transaction; nothing of it is recorded.
    """
    try:
        (row,) = await graph.write("turn/record", batches=_batches(recordings))
    except StatementRefusedError as exc:
        raise UnrecordableError(exc.reason) from exc
    except OutOfMemoryError as exc:
        if len(recordings) == 1:
            raise
        # Fewer turns at once may fit, and the same ones may not, ever.
        raise UnrecordableError(exc.what) from exc
    there: list[tuple[str, int]] = row["recorded"]
    return Recorded(sequences=dict(there))


def _batches(recordings: Sequence[Recording]) -> list[list[Any]]:
    """One batch a claim, in order of deliberation: all processes take their locks in that order."""
    claims: dict[tuple[str, int], dict[str, Recording]] = {}
    for recording in recordings:
        turns = claims.setdefault((recording.deliberation, recording.epoch), {})
        turns.setdefault(recording.turn.id, recording)
    return [
        [deliberation, epoch, [_row(recording) for recording in turns.values()]]
        for (deliberation, epoch), turns in sorted(claims.items(), key=lambda item: item[0])
    ]


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
    ]
