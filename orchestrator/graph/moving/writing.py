"""Writes a file that nothing stands in the way of, in transactions of bounded size, each of which leaves things whole.

Killed between two of them, or in one, it is run again and goes on: what is there is not written twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from neo4j import Record as Row

from orchestrator.domain.deliberations import Priority, Status, TurnKind
from orchestrator.domain.errors import Conflict, RefusedError
from orchestrator.graph.driver import Graph, Transaction
from orchestrator.graph.errors import ConstraintViolatedError, StatementRefusedError
from orchestrator.graph.migrations import locked
from orchestrator.graph.moving import rows
from orchestrator.graph.moving.batches import MOST, Batch, Lines, batches
from orchestrator.graph.moving.form import Kind, Record
from orchestrator.graph.moving.history import PROPOSALS
from orchestrator.graph.moving.known import Retry
from orchestrator.graph.moving.lookup import kindless
from orchestrator.graph.moving.planning import Plan, Replaced
from orchestrator.graph.moving.seeded import is_as_seeded
from orchestrator.graph.moving.shapes import objects
from orchestrator.graph.queueing import place_in_queue
from orchestrator.graph.seating import lock_role
from orchestrator.graph.seeding import Seed
from orchestrator.graph.vocabulary import FRACTION, INSTANT, properties_of

Told = Callable[[Kind, int], None]
"""Is told how many records of a kind were gone through, after each transaction."""

SECONDS: Final = 120.0
"""How long one of these transactions may take: what is in it is bounded, but a machine may be slow."""

_TAKEN: Final = ("id", "description", "createdBy")
"""What a role, model or endpoint of a graph that is as new takes on from the file."""

_SAID: Final = ("content", "reasoning")
"""What is long of a turn. It is written apart: Neo4j counts a row of a deliberation's once for each step that holds it."""

_STATEMENTS: Final = {
    Kind.ROLE: "moving/write_roles",
    Kind.ENDPOINT: "moving/write_endpoints",
    Kind.REMOVED_ENDPOINT: "moving/write_removed_endpoints",
    Kind.MODEL: "moving/write_models",
    Kind.COUNCIL: "moving/write_councils",
    Kind.AGENT: "moving/write_retired_agents",
    Kind.PROCESS: "moving/write_processes",
    Kind.DELIBERATION: "moving/write_deliberations",
}

_UNLOCKED: Final = frozenset({Kind.PROCESS, Kind.DELIBERATION})
"""Kinds that nobody else writes under the same ids."""


class HalfWrittenError(Exception):
    """A defect: what was checked before could not be written whole, and was rolled back."""


async def write(graph: Graph, lines: Lines, plan: Plan, seed: Seed | None, told: Told) -> None:
    """Write what is not there yet.

    Raises:
        RefusedError: somebody else changed the graph since the plan was made; what was written stays.
    """
    if plan.new[Kind.COUNCIL] or plan.there[Kind.COUNCIL]:
        await locked(graph, _leave_mark)
    made_room = not plan.replaced
    for batch in batches(lines):
        if batch.kind is Kind.COUNCIL and not made_room:
            await _refusing(_make_room(graph, plan.replaced, seed))
            made_room = True
        await _refusing(_write(graph, batch, plan))
        told(batch.kind, len(batch.items))
    await _tie(graph, plan)


async def _tie(graph: Graph, plan: Plan) -> None:
    """Tie retries that came before what they retry to it, now that all of it is there."""
    for first in range(0, len(plan.early), MOST):
        portion = plan.early[first : first + MOST]

        async def work(transaction: Transaction, portion: tuple[Retry, ...] = portion) -> None:
            await transaction.run(
                "moving/write_retries", rows=[[retry.id, retry.of] for retry in portion]
            )

        await graph.transact(work, seconds=SECONDS)


async def _leave_mark(transaction: Transaction) -> None:
    await transaction.run("moving/leave_mark")


async def _write(graph: Graph, batch: Batch, plan: Plan) -> None:
    written = [_row(batch.kind, record, plan) for record in batch.records]

    async def work(transaction: Transaction) -> None:
        found = await transaction.run(_STATEMENTS[batch.kind], rows=written)
        if batch.kind in {Kind.COUNCIL, Kind.AGENT}:
            _tied(found)
        if batch.kind is Kind.DELIBERATION:
            new = _whole(batch, found[0]["written"])
            await transaction.run(
                "moving/write_contents",
                rows=[_said(turn) for record in new for turn in record["turns"]],
            )

    if batch.kind in _UNLOCKED:
        await graph.transact(work, seconds=SECONDS)
    else:
        await locked(graph, work)


async def _make_room(graph: Graph, replaced: tuple[Replaced, ...], seed: Seed | None) -> None:
    """Remove seeded councils and write those that stand in for them, in one transaction: no role is ever without."""

    async def work(transaction: Transaction) -> None:
        for council in replaced:  # in order of role: the first of all locks
            await lock_role(transaction, council.role)
        for council in replaced:
            await transaction.run("council/lock", id=council.id)
            for row in await transaction.run("moving/read_councils", ids=[council.id]):
                there = kindless(rows.council(row))
                if row["deliberated"] or not is_as_seeded(there, seed):
                    raise _changed(council)
                await transaction.run("moving/remove_seeded", id=council.id)
        _tied(
            await transaction.run(
                _STATEMENTS[Kind.COUNCIL],
                rows=[_council(one.stands_in.record) for one in replaced],
            )
        )

    await locked(graph, work)


def _changed(council: Replaced) -> RefusedError:
    return RefusedError(
        Conflict(
            message=f"{council.name} has changed, or has deliberated, while this was under way",
            path=("council",),
            existing=council.id,
        )
    )


def _tied(found: list[Row]) -> None:
    """Refuse where an agent would be asked on another server than in the file."""
    for name in found[0]["untied"]:
        raise _removed(f"the endpoint or the model of the agent {name}")


def _removed(what: str) -> RefusedError:
    return RefusedError(
        Conflict(
            message=f"{what} was removed while this was under way; run it again to see which",
            path=("import",),
        )
    )


async def _refusing(writing: Any) -> None:
    """Say it as a conflict where something unique was taken since the plan was made."""
    try:
        await writing
    except ConstraintViolatedError as error:
        raise RefusedError(
            Conflict(
                message=f"somebody has made a {error.label} with the same {error.key} while this was under way; run it again to see which",
                path=("import",),
            )
        ) from error
    except StatementRefusedError as error:
        if "still has relationships" not in error.reason:
            raise
        raise RefusedError(
            Conflict(
                message="a council that was as seeded has deliberated while this was under way; run it again to see which",
                path=("import",),
            )
        ) from error


def _whole(batch: Batch, written: list[list[Any]]) -> list[Record]:
    """Hold what was written against what should have been: a reference that led nowhere would leave a hole.

    Returns the records that were written; others were there.

    Raises:
        RefusedError: somebody has removed an endpoint or a process since that was written.
    """
    records = {record["id"]: record for record in batch.records}
    for identifier, bound, claims, *counts in written:
        record = records[identifier]
        if bound != sum("boundTo" in seat or "boundToRemoved" in seat for seat in record["seats"]):
            raise _removed(f"an endpoint of a seat of {identifier}")
        if claims != len(record["claims"]):
            raise _removed(f"a process that has claimed {identifier}")
        ranked = record["verdict"]["ranked"] if "verdict" in record else ()
        wanted = [len(record["seats"]), len(record["turns"]), len(ranked)]
        if counts != wanted:
            raise HalfWrittenError(f"{identifier}: {counts} instead of {wanted}")
    return [records[identifier] for identifier, *_ in written]


def _row(kind: Kind, record: Record, plan: Plan) -> dict[str, Any]:
    match kind:
        case Kind.ROLE | Kind.ENDPOINT | Kind.MODEL:
            return _named(kind, record, takes_ids=plan.takes_ids)
        case Kind.REMOVED_ENDPOINT:
            return _node("RemovedEndpoint", record)
        case Kind.COUNCIL:
            return _council(record)
        case Kind.AGENT:
            return _agent(record)
        case Kind.PROCESS:
            return _node("Process", record)
        case Kind.DELIBERATION:
            return _deliberation(record)


def _named(kind: Kind, record: Record, *, takes_ids: bool) -> dict[str, Any]:
    label = {Kind.ROLE: "Role", Kind.ENDPOINT: "Endpoint", Kind.MODEL: "Model"}[kind]
    properties = _node(label, record)["properties"]
    takes = {key: properties[key] for key in _TAKEN if takes_ids and key in properties}
    default = properties.pop("isDefault", False)
    return {
        "properties": properties,
        "takes": takes,
        "default": default,
        "servedBy": record.get("servedBy", []),
    }


def _council(record: Record) -> dict[str, Any]:
    return {
        **_node("Council", record),
        "role": record["serves"],
        "agents": [{**_agent(agent), "seat": agent["seat"]} for agent in record["agents"]],
    }


def _agent(record: Record) -> dict[str, Any]:
    speaks = record["speaksWith"]
    return {
        **_node("Agent", record),
        "model": speaks["model"],
        "default": speaks.get("default", False),
        "endpoint": record.get("boundTo"),
    }


def _deliberation(record: Record) -> dict[str, Any]:
    node = _node("Deliberation", record)
    status = Status(record["status"])
    if not status.ended:
        # Nobody holds it here: it waits to be claimed, and its next claim has the next epoch.
        node["properties"]["waiting"] = place_in_queue(
            Priority(record["priority"]), under_way=status is Status.RUNNING
        )
    verdict: Record | None = record.get("verdict")
    ranked = [] if verdict is None else objects(verdict, "ranked")
    final = {place["proposal"] for place in ranked}
    return {
        **node,
        "council": record["councilId"],
        "retries": record.get("retries"),
        "task": _node("Task", record["about"])["properties"],
        "seats": [_seat(seat) for seat in record["seats"]],
        "turns": [_turn(turn, final=turn["id"] in final) for turn in record["turns"]],
        "claims": [{**_node("Claim", claim), "process": claim["by"]} for claim in record["claims"]],
        "verdicts": []
        if verdict is None
        else [
            {
                **_node("Verdict", verdict),
                "ranked": [
                    [place["rank"], place["proposal"], float(place["score"]), place["votes"]]
                    for place in ranked
                ],
            }
        ],
    }


def _seat(seat: Record) -> dict[str, Any]:
    return {
        **_node("Seat", seat),
        "agent": seat["of"],
        "model": seat["speaksWith"],
        "endpoint": seat.get("boundTo"),
        "removed": seat.get("boundToRemoved"),
    }


def _turn(turn: Record, *, final: bool) -> dict[str, Any]:
    kind = TurnKind(turn["kind"])
    return {
        **_node("Turn", {key: value for key, value in turn.items() if key not in _SAID}),
        "label": "Proposal" if kind in PROPOSALS else kind.capitalize(),
        "final": final,
        "critiques": turn.get("critiques"),
        "revises": turn.get("revises"),
        "answers": turn.get("answers", []),
        "ranks": turn.get("ranks", []),
    }


def _said(turn: Record) -> list[Any]:
    return [turn["id"], {key: turn[key] for key in _SAID if key in turn}]


def _node(label: str, record: Record) -> dict[str, Any]:
    """Sort properties by how they are sent: Neo4j reads instants from their text, as fine as they are."""
    types = properties_of(label)
    own = {key: value for key, value in record.items() if key in types}
    return {
        "properties": {
            key: float(value) if types[key] == FRACTION else value
            for key, value in own.items()
            if types[key] != INSTANT
        },
        "instants": [[key, value] for key, value in own.items() if types[key] == INSTANT],
    }
