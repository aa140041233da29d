"""graphql-core's executor, which has queries answered by a plan where there is one, and each operation within its time."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar, cast

from graphql.execution.collect_fields import DeferUsage, FieldDetailsList, GroupedFieldSet
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from typing_extensions import override

from graphql import (
    DirectiveNode,
    Executor,
    GraphQLError,
    GraphQLObjectType,
    OperationType,
    VariableNode,
    Visitor,
    visit,
)
from orchestrator.api.context import Context
from orchestrator.api.documents import LONGEST_KNOWN, MOST_KNOWN
from orchestrator.api.errors import unread
from orchestrator.api.limits import TooLargeError, check_answer
from orchestrator.api.projection.errors import NotProjectedError
from orchestrator.api.projection.plans import Plan, plan
from orchestrator.api.projection.run import Answer, Run, extent
from orchestrator.api.remembering import Kept
from orchestrator.api.timing import OutOfTimeError
from orchestrator.domain.errors import TookTooLongError, UnansweredError, UnavailableError

T = TypeVar("T")

_PERHAPS_DONE = (
    "it may have been carried out all the same; look, or send it again with the same idempotencyKey"
)

_DONE = "it was carried out; look at it, and ask for less at once"

_MOST_PLANS = 1_024
"""Of operations, each by what its variables leave out of it."""


class ProjectingExecutor(StrawberryGraphQLCoreExecutionContext):
    """Answers queries a column at a time, and whatever else, or goes wrong, as graphql-core does."""

    @override
    def build_per_event_executor(self, payload: Any) -> Executor[Any]:
        executor = cast("Executor[Any]", super().build_per_event_executor(payload))
        # Each event's lists of fields are others: what is remembered by them for all events would only grow.
        executor._relevant_sub_fields = {}  # noqa: SLF001
        return executor

    @override
    def execute_collected_root_fields(
        self,
        root_type: GraphQLObjectType,
        root_value: Any,
        grouped_field_set: GroupedFieldSet,
        serially: bool,
        new_defer_usages: Sequence[DeferUsage],
    ) -> Awaitable[Answer] | Answer:
        def walk() -> Awaitable[Answer] | Answer:
            return self._bounded(
                super(ProjectingExecutor, self).execute_collected_root_fields(
                    root_type, root_value, grouped_field_set, serially, new_defer_usages
                )
            )

        if self.operation.operation is not OperationType.QUERY or new_defer_usages:
            return walk()
        known = _planned(self, grouped_field_set, root_type)
        return walk() if known is None else self._project(known, root_value, walk)

    @override
    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: FieldDetailsList,
        path: Path,
        position_context: Any,
    ) -> Any:
        def give_up(error: Exception) -> None:
            field = self.schema.get_field(parent_type, field_details_list[0].node.name.value)
            if field is not None:
                self.handle_field_error(error, field.type, field_details_list, path)

        # An event that is told is no operation of its own: what is read for it has bounds of its own.
        timed = path.prev is None and not self._follows
        context: Context = self.context_value
        if timed and self._writes and context.time.is_over:
            give_up(context.late("it was not begun"))
            return None
        resolved: Any = super().execute_field(
            parent_type, source, field_details_list, path, position_context
        )
        if timed and self.is_awaitable(resolved):
            return self._within_time(cast("Awaitable[Any]", resolved), give_up)
        return resolved

    @override
    def handle_field_error(
        self,
        raw_error: Exception,
        return_type: Any,
        field_details_list: FieldDetailsList,
        path: Path,
    ) -> None:
        told = isinstance(raw_error, UnansweredError | TookTooLongError)
        if (
            self._writes
            and path.prev is not None
            and isinstance(raw_error, UnavailableError)
            and not told
        ):
            raw_error = unread(raw_error)
        super().handle_field_error(raw_error, return_type, field_details_list, path)

    async def _within_time(
        self, awaitable: Awaitable[T], give_up: Callable[[Exception], None]
    ) -> T | None:
        """Wait for an answer; where the time is over, end whatever it waits for, and say so."""
        context: Context = self.context_value
        try:
            return await context.time.within(awaitable)
        except OutOfTimeError:
            context.loaders.let_go()
            writes = self._writes
            give_up(context.late(_PERHAPS_DONE if writes else None, perhaps_done=writes))
            return None

    def _bounded(self, walked: Awaitable[Answer] | Answer) -> Awaitable[Answer] | Answer:
        """What was walked, where it is not too much."""

        async def later(answer: Awaitable[Answer]) -> Answer:
            return self._no_more_than_may_be(await answer)

        if self.is_awaitable(walked):
            return later(cast("Awaitable[Answer]", walked))
        return self._no_more_than_may_be(cast("Answer", walked))

    def _no_more_than_may_be(self, answer: Answer) -> Answer:
        if not self._writes:
            check_answer(extent(answer))
            return answer
        try:
            check_answer(extent(answer), _DONE)
        except TooLargeError as error:
            # Of a field: an error of none says that nothing was carried out.
            error.path = [next(iter(answer))]
            raise
        return answer

    @property
    def _writes(self) -> bool:
        return self.operation.operation is OperationType.MUTATION

    @property
    def _follows(self) -> bool:
        return self.operation.operation is OperationType.SUBSCRIPTION

    async def _project(
        self, known: Plan, root_value: Any, walk: Callable[[], Awaitable[Answer] | Answer]
    ) -> Answer:
        run = Run(self)
        try:
            (answer,) = known.project([root_value], run)
            await self._within_time(run.settle(), run.give_up)
        except TooLargeError:
            raise
        except Exception:  # noqa: BLE001 - a query changes nothing: it is walked instead, which tells what is wrong, and where
            walked = walk()
            return await walked if inspect.isawaitable(walked) else walked
        finally:
            run.abandon()
        run.note_faults()
        return answer


def _planned(
    executor: ProjectingExecutor, fields: GroupedFieldSet, root_type: GraphQLObjectType
) -> Plan | None:
    """Plan an operation, or remember having done it with what its variables leave out; none where there can be no plan."""
    operation = executor.operation
    deciding = _decisions.find(id(operation))
    names = _deciding(executor) if deciding is None else deciding.value
    coerced = executor.variable_values.coerced
    decided = (id(operation), *(coerced.get(name) for name in names))
    known = _plans.find(decided)
    if known is not None:
        return known.value
    try:
        made = plan(executor, fields, root_type)
    except NotProjectedError:
        made = None
    except GraphQLError:
        # A directive that cannot be followed: graphql-core says so where it comes to it, if it does.
        return None
    # One that is longer is parsed anew each time, and is another one then.
    if operation.loc is not None and len(operation.loc.source.body) <= LONGEST_KNOWN:
        _decisions.keep(id(operation), operation, names)
        _plans.keep(decided, operation, made, 0 if made is None else made.weight)
    return made


def _deciding(executor: ProjectingExecutor) -> tuple[str, ...]:
    """The variables that directives of an operation look at."""
    found: set[str] = set()

    class Looking(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
            found.update(
                argument.value.name.value
                for argument in node.arguments or ()
                if isinstance(argument.value, VariableNode)
            )

    for node in (executor.operation, *executor.fragment_definitions.values()):
        visit(node, Looking())
    return tuple(sorted(found))


_decisions = Kept[tuple[str, ...]](MOST_KNOWN)
_plans = Kept[Plan | None](_MOST_PLANS)
