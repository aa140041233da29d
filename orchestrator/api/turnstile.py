"""Lets an operation through where its client may have one more under way, whatever it comes over."""

from __future__ import annotations

from collections.abc import Iterator

from strawberry.extensions import SchemaExtension
from strawberry.types.graphql import OperationType
from typing_extensions import override

from orchestrator.api.clients import Kind, UnderWay
from orchestrator.api.context import Context
from orchestrator.api.limits import TooManyError


class Turnstile(SchemaExtension):
    """Counts an operation as its client's until it is over: a subscription until it is left."""

    _counted: UnderWay | None = None

    @override
    def on_operation(self) -> Iterator[None]:
        """Count it no longer once it is over, however that is."""
        try:
            yield
        finally:
            if self._counted is not None:
                self._counted.end()

    @override
    def on_validate(self) -> Iterator[None]:
        """Count, or refuse, what would be carried out otherwise; whoever validates comes before."""
        operation = self.execution_context
        context = operation.context
        if not operation.pre_execution_errors and isinstance(context, Context):
            follows = operation.operation_type is OperationType.SUBSCRIPTION
            try:
                self._counted = context.client.one_more(
                    Kind.SUBSCRIPTION if follows else Kind.REQUEST, context.correlation_id
                )
            except TooManyError as error:
                operation.pre_execution_errors = [error]
        yield
