"""Councils, agents, deliberations, settings and single things, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from orchestrator.cli.rendering import turns
from orchestrator.cli.screen import harmless
from orchestrator.client import models

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from rich.console import RenderableType

    from orchestrator.cli.environment import Shown


def councils(of: Iterable[models.Council]) -> Table:
    """Show councils with who sits on them."""
    table = _table("role", "council", "agents", "id")
    for council in of:
        archived = council.archived_at is not None
        table.add_row(
            Text(harmless(council.role.name), style="bold"),
            Text(harmless(council.name) + (" (archived)" if archived else "")),
            Text(", ").join(
                Text(harmless(seat.agent.name), style=turns.seat_style(seat.number))
                for seat in council.seats
            ),
            council.id,
            style="aside" if archived else "",
        )
    return table


def agents(of: Iterable[models.Agent]) -> Table:
    """Show agents with where they sit and what they speak with."""
    table = _table("agent", "status", "council", "model", "id")
    for agent in of:
        table.add_row(
            Text(harmless(agent.name), style="bold"),
            Text(agent.status, style=_STATUS_STYLES.get(agent.status, "")),
            Text(harmless(agent.council.name) if agent.council else ""),
            Text(_model(agent)),
            agent.id,
        )
    return table


def deliberations(of: Iterable[models.ListedDeliberation]) -> Table:
    """Show deliberations, each above the first words of its task, and why they ended or do not move."""
    table = _table("deliberation", "status", "role", "accepted", whole=("status", "accepted"))
    for found in of:
        # Below each other: beside an id, nothing else has room on a terminal that is not wide.
        lines = [Text(found.id), _first_words(found.task.description)]
        why = found.waiting_for or found.stop_reason
        if why is not None and why != models.StopReason.COMPLETED:
            lines.append(Text(harmless(why)))
        table.add_row(
            Text("\n").join(lines),
            Text(_standing(found, "\n"), style=_STANDING_STYLES.get(found.status, "")),
            Text(harmless(found.council.role.name), style="bold"),
            f"{found.accepted_at.astimezone():%Y-%m-%d %H:%M:%S}",
        )
    return table


def council(of: models.Council) -> RenderableType:
    """Show one council, its seats with their personas."""
    seats = _table("seat", "agent", "model", "temperature", "persona")
    for seat in of.seats:
        seats.add_row(
            str(seat.number),
            Text(harmless(seat.agent.name), style=turns.seat_style(seat.number)),
            Text(harmless(seat.model.name)),
            f"{seat.temperature:g}",
            Text(harmless(seat.persona or "")),
        )
    facts = {
        "council": of.name,
        "serves": of.role.name if of.archived_at is None else f"none; served {of.role.name}",
        "protocol": f"{of.protocol}, rounds {of.rounds}, quorum {of.quorum} of {len(of.seats)}",
        "version": str(of.version),
        "id": of.id,
    }
    return Group(_facts(facts), seats)


def agent(of: models.Agent) -> RenderableType:
    """Show one agent."""
    return _facts(
        {
            "agent": of.name,
            "status": of.status,
            "council": f"{of.council.name} ({of.council.role.name})" if of.council else "none",
            "model": _model(of),
            "temperature": f"{of.temperature:g}",
            "longest answer": f"{of.max_tokens} tokens",
            "persona": of.persona or "none",
            "id": of.id,
        }
    )


def task(of: models.Task) -> RenderableType:
    """Show one task, with the newest deliberations on it."""
    facts = {"task": of.description, "context": of.context or "none"}
    facts |= {f"requirement {n}": text for n, text in enumerate(of.requirements, start=1)}
    facts |= {"rubric": of.rubric or "none", "id": of.id}
    table = _table("deliberation", "council", "status", "accepted")
    for edge in of.deliberations.edges:
        found = edge.node
        table.add_row(
            found.id,
            Text(harmless(found.council.name)),
            Text(_standing(found, ", ")),
            f"{found.accepted_at.astimezone():%Y-%m-%d %H:%M:%S}",
        )
    return Group(_facts(facts), table)


def role(of: models.Role) -> RenderableType:
    """Show one role."""
    served = f"{of.council.name} ({of.council.id})" if of.council else "none"
    return _facts(
        {"role": of.name, "description": of.description or "none", "served by": served, "id": of.id}
    )


def model(of: models.Model) -> RenderableType:
    """Show one model."""
    endpoints = ", ".join(f"{endpoint.name} ({endpoint.id})" for endpoint in of.endpoints)
    served = "the rehearsal in each process" if of.rehearsal else endpoints or "nothing known"
    return _facts({"model": of.name, "served by": served, "id": of.id})


def endpoint(of: models.Endpoint) -> RenderableType:
    """Show one endpoint."""
    return _facts(
        {
            "endpoint": of.name,
            "url": of.url,
            "status": of.status if of.reason is None else f"{of.status}: {of.reason}",
            "serves": ", ".join(of.served_models) or "nothing known",
            "calls in flight": str(of.in_flight),
            "id": of.id,
        }
    )


def settings(of: Iterable[Shown]) -> Table:
    """Show each setting with its value, where the value is from, and what it means."""
    table = _table("variable", "value", "from", "meaning")
    for setting in of:
        table.add_row(
            Text(setting.variable, style="bold"),
            Text("none", style="aside") if setting.value is None else Text(setting.value),
            Text(setting.origin, style="aside" if setting.origin == "default" else "green"),
            Text(setting.meaning),
        )
    return table


_STATUS_STYLES = {"READY": "green", "BUSY": "yellow", "OFFLINE": "problem", "RETIRED": "aside"}
_STANDING_STYLES = {
    "RUNNING": "yellow",
    "DECIDED": "green",
    "FAILED": "problem",
    "CANCELLED": "aside",
}

_AS_WIDE_AS_AN_ID = 36


def _standing(deliberation: models.DeliberationMention, between: str) -> str:
    return (
        f"{deliberation.status}{between}REHEARSAL"
        if deliberation.rehearsal
        else deliberation.status
    )


def _first_words(text: str) -> Text:
    words = Text(turns.first_sentence(text), style="aside")
    words.truncate(_AS_WIDE_AS_AN_ID, overflow="ellipsis")
    return words


def _model(agent: models.Agent) -> str:
    bound = f" at {agent.endpoint.name}" if agent.endpoint else ""
    return harmless(agent.model.name + bound)


def _table(*columns: str, whole: Collection[str] = ()) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        # An id is copied: it stays in one piece.
        table.add_column(column, overflow="fold", no_wrap=column in {"id", "deliberation", *whole})
    return table


def _facts(facts: dict[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="aside", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, Text(harmless(value)))
    return table
