"""Ids as callers send them, and Node, which has them as they are in the graph."""

from __future__ import annotations

import re

import strawberry

from orchestrator.domain.errors import InvalidInput, NotFound, RefusedError
from orchestrator.domain.ids import Prefix, prefix_of
from orchestrator.domain.validation import Inspection, Path, name_mistake, text_mistake

_SHAPE = re.compile(r"[a-z]{3}_[0-9A-Za-z-]{1,200}")

_KINDS = {
    Prefix.ROLE: "role",
    Prefix.COUNCIL: "council",
    Prefix.AGENT: "agent",
    Prefix.ENDPOINT: "endpoint",
    Prefix.DELIBERATION: "deliberation",
}


@strawberry.interface(
    description="Unique over every type, and the same string that the node carries as `id` in Neo4j."
)
class Node:
    """Whatever has an id."""

    id: strawberry.ID = strawberry.field(
        description="Unique over every type, and the same string that the node carries as `id` in Neo4j."
    )


def kind_of(identifier: str) -> Prefix | None:
    """What an id is the id of; none for whatever is not shaped as one, which leads nowhere."""
    return prefix_of(identifier) if _SHAPE.fullmatch(identifier) else None


def sought(argument: Path, identifier: str, kind: Prefix) -> str | None:
    """Pass on an id that may lead to something of a kind; none where it cannot.

    Raises:
        RefusedError: it is a text that cannot be stored anywhere.
    """
    if mistake := text_mistake(identifier):
        raise RefusedError(InvalidInput(message=f"{argument[-1]} {mistake}", path=argument))
    return identifier if kind_of(identifier) is kind else None


def sought_name(argument: Path, name: str) -> str:
    """Pass on a name to look for.

    Raises:
        RefusedError: nothing can have that name.
    """
    if mistake := name_mistake(name):
        raise RefusedError(InvalidInput(message=f"{argument[-1]} {mistake}", path=argument))
    return name


def inspect_id(inspection: Inspection, path: Path, identifier: str, kind: Prefix) -> str:
    """Look at the id of what a mutation is about."""
    if mistake := text_mistake(identifier):
        inspection.add(path, f"{path[-1]} {mistake}")
    elif kind_of(identifier) is not kind:
        inspection.keep(
            NotFound(
                message=f"no {_KINDS[kind]} has the id {identifier[:100]!r}; such ids begin with {kind}_",
                path=path,
                sought=identifier,
            )
        )
    return identifier
