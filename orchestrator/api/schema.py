"""The schema, made once. `python -m orchestrator.api.schema` prints it."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import Any

import strawberry
import uuid_utils
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType
from typing_extensions import override

from graphql import GraphQLError, GraphQLInputObjectType, GraphQLSchema
from orchestrator.api.context import Context
from orchestrator.api.documents import KnownDocuments
from orchestrator.api.errors import told
from orchestrator.api.mutations.fields import Mutation
from orchestrator.api.projection.executor import ProjectingExecutor
from orchestrator.api.queries import Query
from orchestrator.api.readiness import OnceReady
from orchestrator.api.scalars import SCALARS
from orchestrator.api.scopes import Entitled, describe_needs, needs_of
from orchestrator.api.subscriptions import Subscription
from orchestrator.api.trusted import admitted
from orchestrator.api.turnstile import Turnstile
from orchestrator.api.types import events, turns, user_errors, verdicts

_ANSWERED_ONCE = frozenset({OperationType.QUERY, OperationType.MUTATION})


class CouncilSchema(strawberry.Schema):
    """Strawberry's schema, whose errors carry what the contract says and nothing from inside."""

    @override
    async def execute(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any | None = None,
        root_value: Any | None = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> ExecutionResult:
        """Answer once, as over HTTP: a subscription is refused, which Strawberry would resolve as if it were a query."""
        try:
            document = _admitted(query, context_value)
        except GraphQLError as refusal:
            return self._refused(refusal)
        return await super().execute(
            document,
            variable_values=variable_values,
            context_value=context_value,
            root_value=root_value,
            operation_name=operation_name,
            allowed_operation_types=_ANSWERED_ONCE
            if allowed_operation_types is None
            else _ANSWERED_ONCE.intersection(allowed_operation_types),
            operation_extensions=operation_extensions,
        )

    @override
    async def stream(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any | None = None,
        root_value: Any | None = None,
        operation_name: str | None = None,
        operation_extensions: dict[str, Any] | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
    ) -> AsyncGenerator[Any, None]:
        """Answer as often as there is something to tell."""

        async def begun() -> AsyncGenerator[Any, None]:
            return await super(CouncilSchema, self).stream(
                _admitted(query, context_value),
                variable_values=variable_values,
                context_value=context_value,
                root_value=root_value,
                operation_name=operation_name,
                operation_extensions=operation_extensions,
                allowed_operation_types=allowed_operation_types,
            )

        return self._told(begun)

    async def _told(
        self, begin: Callable[[], Awaitable[AsyncGenerator[Any, None]]]
    ) -> AsyncGenerator[Any, None]:
        """Tell what an operation costs with its first result alone, and what refuses it before it is begun as such a result."""
        first = True
        try:
            async with aclosing(await begin()) as results:
                async for result in results:
                    if not first:
                        result.extensions = None
                    first = False
                    yield result
        except GraphQLError as refusal:
            yield self._refused(refusal)

    def _refused(self, refusal: GraphQLError) -> PreExecutionError:
        errors = [refusal]
        self.process_errors(errors)
        return PreExecutionError(data=None, errors=errors)

    @override
    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Put the errors of one result, wherever it goes, into the form in which they are shown."""
        context = None if execution_context is None else execution_context.context
        known = isinstance(context, Context)
        correlation_id = context.correlation_id if known else uuid_utils.uuid7().hex
        errors[:] = told(errors, correlation_id)


def _admitted(sent: str | None, context: object) -> str | None:
    """The text of the document that was sent; raises GraphQLError where it is not answered."""
    return admitted(sent, context.ports.documents if isinstance(context, Context) else None)


def _hold_to_one_key(schema: GraphQLSchema) -> None:
    """Let GraphQL itself check inputs that are @oneOf: Strawberry's check of a value cannot say where it stands."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            type_.is_one_of = type_.extensions["strawberry-definition"].is_one_of


SCHEMA = CouncilSchema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[
        # These are reached through interfaces only.
        events.DeliberationClaimed,
        events.DeliberationEnded,
        events.TokensSpoken,
        events.TurnBegan,
        events.TurnTaken,
        turns.Ballot,
        turns.Critique,
        turns.Proposal,
        user_errors.Conflict,
        user_errors.InvalidInput,
        user_errors.NotFound,
        verdicts.Verdict,
    ],
    extensions=[KnownDocuments, Entitled, OnceReady, Turnstile],
    execution_context_class=ProjectingExecutor,
    config=StrawberryConfig(scalar_map=SCALARS),
)

_hold_to_one_key(SCHEMA._schema)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
describe_needs(SCHEMA._schema)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
needs_of(SCHEMA._schema)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]  # where it is not said of a field, nothing starts


def printed() -> str:
    """The schema in the schema language."""
    return f"{SCHEMA.as_str()}\n"


if __name__ == "__main__":
    sys.stdout.write(printed())
