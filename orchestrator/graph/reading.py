"""From the lists that statements return to the values of the domain; the order of their items is written in the statements."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.domain import counting
from orchestrator.domain.councils import Decision, ProtocolName
from orchestrator.domain.deliberations import (
    Deliberation,
    Priority,
    RankedProposal,
    Status,
    StopReason,
    Task,
    Turn,
    TurnKey,
    TurnKind,
    TurnOutcome,
    Usage,
    Verdict,
)
from orchestrator.domain.errors import UnreadableError
from orchestrator.domain.statistics import CouncilStatistics
from orchestrator.domain.transcripts import Claimed, Outcome, Transcript
from orchestrator.graph.council_rows import Rows

Row = Sequence[Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Count microseconds since 1970, as statements take and return them."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(microseconds: int) -> datetime:
    """Make an aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def moment_or_none(microseconds: int | None) -> datetime | None:
    """The same, where there may be none."""
    return None if microseconds is None else moment(microseconds)


def still_there(rows: Iterable[Row]) -> Iterator[Row]:
    """Leave out what is removed while it is read: nothing is without its id, which comes first, for longer."""
    return (row for row in rows if row[0][0] is not None)


def task(row: Row) -> Task:
    """A task, from what `deliberation/read` has under that name.

    Raises:
        UnreadableError: it is removed, for all to see how far Neo4j has come with it.
    """
    with naming(row[0]):
        return _task(row)


def _task(row: Row) -> Task:
    id_, description, context, rubric, requirements, external_id, metadata = row
    return Task(
        id=id_,
        description=description,
        context=context,
        rubric=rubric,
        requirements=tuple(requirements),
        external_id=external_id,
        metadata=metadata,
    )


@contextmanager
def naming(identifier: str) -> Generator[None]:
    """Say which one it is that cannot be read, of however many are read together."""
    try:
        yield
    except (ValueError, TypeError, LookupError) as exc:
        raise UnreadableError(identifier) from exc


def deliberations(rows: Iterable[Row]) -> list[Deliberation]:
    """All that `deliberation/read` found; who sits on several of them is kept once."""
    shared = Rows()
    return [deliberation(*columns, shared=shared) for columns in rows]


def deliberation(
    row: Row, task_row: Row, seat_rows: Sequence[Row] = (), *, shared: Rows | None = None
) -> Deliberation:
    """A deliberation, from the columns of `deliberation/read`; without seats where these were not read.

    Raises:
        UnreadableError: it is of a form that is not known here.
    """
    with naming(row[0]):
        return _deliberation(row, task_row, seat_rows, shared or Rows())


def _deliberation(row: Row, task_row: Row, seat_rows: Sequence[Row], rows: Rows) -> Deliberation:
    (
        id_,
        council_id,
        council_version,
        role,
        protocol,
        rounds,
        quorum,
        decision,
        priority,
        status,
        stop_reason,
        failure,
        rehearsal,
        accepted_at,
        started_at,
        finished_at,
        deadline,
        token_budget,
        tokens_reserved,
        tokens_settled,
        pruned_at,
        created_by,
        resumptions,
        sequence,
        *usage,
    ) = row
    seats = (rows.accepted_seat(seat) for seat in seat_rows)
    return Deliberation(
        id=id_,
        task=_task(task_row),
        council_id=council_id,
        council_version=council_version,
        role=role,
        seats=tuple(sorted(seats, key=lambda seat: seat.number)),
        protocol=ProtocolName(protocol),
        rounds=rounds,
        quorum=quorum,
        decision=Decision(decision),
        priority=Priority(priority),
        status=Status(status),
        stop_reason=None if stop_reason is None else StopReason(stop_reason),
        failure=failure,
        rehearsal=rehearsal,
        accepted_at=moment(accepted_at),
        started_at=moment_or_none(started_at),
        finished_at=moment_or_none(finished_at),
        deadline=moment_or_none(deadline),
        token_budget=token_budget,
        tokens_reserved=tokens_reserved or 0,
        tokens_settled=tokens_settled or 0,
        pruned_at=moment_or_none(pruned_at),
        created_by=created_by,
        resumptions=resumptions,
        sequence=sequence,
        usage=_usage(usage),
    )


def turn(row: Row) -> Turn:
    """A turn, from what `turn/read_transcripts` has under that name."""
    (
        id_,
        kind,
        round_,
        seat,
        sample,
        outcome,
        content,
        reasoning,
        absence,
        finish_reason,
        attempts,
        prompt_version,
        *usage,
        latency_ms,
        started_at,
        finished_at,
        sequence,
        target,
        revises,
        answers,
        choices,
    ) = row
    target_id, target_seat = target or (None, None)
    return Turn(
        id=id_,
        key=TurnKey(
            kind=TurnKind(kind), round=round_, seat=seat, target=target_seat, sample=sample
        ),
        outcome=TurnOutcome(outcome),
        content=content,
        reasoning=reasoning,
        absence=absence,
        finish_reason=finish_reason,
        attempts=attempts,
        prompt_version=prompt_version,
        usage=_usage(usage),
        latency_ms=latency_ms,
        started_at=moment(started_at),
        finished_at=moment(finished_at),
        target=target_id,
        revises=revises,
        answers=tuple(sorted(answers)),
        choices=tuple(choice for _, choice in sorted(choices)),
        sequence=sequence,
    )


def turns(rows: Sequence[Row]) -> tuple[Turn, ...]:
    """Turns in the order in which they were recorded."""
    return tuple(sorted((turn(row) for row in rows), key=lambda turn: turn.sequence or 0))


def transcript(
    deliberation: str,
    ended: int | None,
    turn_rows: Sequence[Row],
    claim_rows: Sequence[tuple[int, int, bool]],
    verdict_row: Row | None,
) -> Transcript:
    """A transcript, from what `turn/read_transcripts` has under that name.

    Neo4j writes what is committed into its store one property after the other, for all to see: a status may be there before the
    sequence that came with it. An end that has not come after everything else is one that is not all there yet.

    Raises:
        UnreadableError: something in it is of a form that is not known here.
    """
    with naming(deliberation):
        return _transcript(deliberation, ended, turn_rows, claim_rows, verdict_row)


def _transcript(
    deliberation: str,
    ended: int | None,
    turn_rows: Sequence[Row],
    claim_rows: Sequence[tuple[int, int, bool]],
    verdict_row: Row | None,
) -> Transcript:
    recorded = turns(turn_rows)
    claims = tuple(
        Claimed(sequence=sequence, at=moment(at), resumed=resumed)
        for sequence, at, resumed in sorted(claim_rows)
    )
    last = max((one.sequence or 0 for one in (*recorded, *claims)), default=0)
    over = ended is not None and ended > last
    return Transcript(
        deliberation=deliberation,
        turns=recorded,
        claims=claims,
        outcome=_outcome(verdict_row, recorded) if over and verdict_row is not None else None,
        ended=ended if over else None,
    )


def _outcome(row: Row, recorded: Sequence[Turn]) -> Outcome:
    """A verdict with its ballots and dissent, which are not stored: they follow from the turns."""
    id_, decided_at, margin, agreement, partial, decision, ranking_rows = row
    ranking = tuple(
        RankedProposal(rank=rank, score=score, votes=votes, proposal=proposal)
        for rank, score, votes, proposal in sorted(ranking_rows)
    )
    cast = {turn.id: turn.choices for turn in counting.ballots_cast(recorded)}
    return Outcome(
        id=id_,
        decided_at=moment(decided_at),
        verdict=Verdict(
            ranking=ranking,
            ballots=tuple(cast),
            dissent=counting.dissent(ranking[0].proposal, cast),
            margin=margin,
            agreement=agreement,
            partial=partial,
            decision=Decision(decision),
        ),
    )


def statistics(row: Row) -> CouncilStatistics:
    """What `council/read_statistics` counted."""
    accepted, decided, failed, cancelled, mean, p95, *usage = row
    return CouncilStatistics(
        accepted=accepted,
        decided=decided,
        failed=failed,
        cancelled=cancelled,
        mean_duration_ms=mean,
        p95_duration_ms=p95,
        usage=_usage(usage),
    )


def _usage(row: Row) -> Usage:
    prompt_tokens, cached_prompt_tokens, completion_tokens, calls = row
    return Usage(
        prompt_tokens=prompt_tokens,
        cached_prompt_tokens=cached_prompt_tokens,
        completion_tokens=completion_tokens,
        calls=calls,
    )
