"""Inputs that several fields share. An optional field knows whether it was left out or null."""

from __future__ import annotations

import strawberry
from strawberry import ID, Maybe

from orchestrator.api.scalars import Json
from orchestrator.domain import drafts, limits

INPUT = strawberry.argument(description="What is wanted.")

KEY = "The caller's own for this mutation: the same key brings back the same result, however often it is sent. In another mutation it is another key."


@strawberry.input(one_of=True, description="Which council: one of these.")
class CouncilBy:
    """Which council."""

    id: Maybe[ID] = strawberry.field(default=None, description="The one with this id.")
    role: Maybe[str] = strawberry.field(default=None, description="The council that serves it now.")


@strawberry.input(one_of=True, description="Which agent: one of these.")
class AgentBy:
    """Which agent."""

    id: Maybe[ID] = strawberry.field(default=None, description="The one with this id.")
    name: Maybe[str] = strawberry.field(default=None, description="The one with this name.")


@strawberry.input(description="An agent to make; what is left out becomes a default.")
class AgentInput:
    """An agent to make."""

    name: Maybe[str | None] = strawberry.field(
        default=None, description="Unique; left out, one with a number never used."
    )
    persona: Maybe[str | None] = strawberry.field(
        default=None, description="What makes it differ from its neighbours; left out, nothing."
    )
    temperature: Maybe[float | None] = strawberry.field(
        default=None, description=f"From 0 to 2; left out, {drafts.TEMPERATURE}."
    )
    max_tokens: Maybe[int | None] = strawberry.field(
        default=None,
        description=f"Tokens that an answer may have, from 1 to {limits.TOKENS}; left out, {drafts.TOKENS}.",
    )
    model: Maybe[str | None] = strawberry.field(
        default=None, description="By name; left out, the model `default`."
    )
    endpoint: Maybe[str | None] = strawberry.field(
        default=None, description="By name; left out, any that serves the model."
    )
    metadata: Maybe[Json | None] = strawberry.field(
        default=None, description="Whatever its owner wants to remember of it."
    )


@strawberry.input(description="A task to lay before a council.")
class TaskInput:
    """A task."""

    description: str = strawberry.field(description="What is to be done.")
    context: Maybe[str | None] = strawberry.field(
        default=None, description="What there is to know about it."
    )
    rubric: Maybe[str | None] = strawberry.field(
        default=None, description="What makes an answer good."
    )
    requirements: Maybe[list[str] | None] = strawberry.field(
        default=None, description="What an answer must fulfil."
    )
    external_id: Maybe[str | None] = strawberry.field(
        default=None, description="The caller's own name for it; need not be unique."
    )
    metadata: Maybe[Json | None] = strawberry.field(
        default=None, description="Whatever the caller wants to remember of it."
    )
