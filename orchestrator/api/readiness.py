"""What the service does while it is not ready: it reads, writes nothing, and lets go of whoever should ask elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from strawberry.extensions import SchemaExtension
from strawberry.types.graphql import OperationType
from typing_extensions import override

from graphql import GraphQLError
from orchestrator.api.context import Context
from orchestrator.api.ports import ServiceState
from orchestrator.domain.errors import UnavailableError


class OnceReady(SchemaExtension):
    """Lets nothing be written before the graph was migrated, seeded and read, nor once the process was told to end.

    An operation is refused whole, before any of it is executed: over HTTP it can then be answered with 503.
    """

    @override
    def on_validate(self) -> Iterator[None]:
        """Refuse a mutation that is valid otherwise; whoever validates comes before."""
        operation = self.execution_context
        context = operation.context
        if (
            not operation.pre_execution_errors
            and isinstance(context, Context)
            and operation.operation_type is OperationType.MUTATION
            and (waiting_for := context.ports.service.waiting_for) is not None
        ):
            unready = UnavailableError(f"the service is not ready; it waits for {waiting_for}")
            operation.pre_execution_errors = [GraphQLError(unready.what, original_error=unready)]
        yield


class Farewell:
    """Closes each connection after its answer once the process ends: the next request finds another process."""

    def __init__(self, app: ASGIApp, service: ServiceState) -> None:
        """`service` is asked at each answer whether it ends."""
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer with a word more."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start" and self._service.ending:
                MutableHeaders(scope=message)["connection"] = "close"
            await send(message)

        await self._app(scope, receive, sent)
