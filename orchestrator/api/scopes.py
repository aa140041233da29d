"""Which scope a root field needs: said beside it, and so in the schema, and held before anything of an operation is executed.

Whatever else there is is reached through a root field, so that one look at an operation says what it needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from itertools import chain

import strawberry
import structlog
from strawberry.extensions import SchemaExtension
from strawberry.schema_directive import Location
from strawberry.types.field import StrawberryField
from typing_extensions import override

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)
from orchestrator.api.context import Context
from orchestrator.api.documents import LONGEST_KNOWN, MOST_KNOWN
from orchestrator.api.remembering import Remembered
from orchestrator.api.types import enums as enums  # noqa: PLC0414 - before Scope is a field's type
from orchestrator.domain.callers import Scope
from orchestrator.domain.errors import ForbiddenError

_log = structlog.get_logger(__name__)

Needed = tuple[tuple[FieldNode, Scope], ...]
"""The root fields of an operation, each with what it needs."""


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="needs",
    description="Only who has this scope may ask for the field.",
)
class Needs:
    """Only who has this scope may ask for the field."""

    scope: Scope = strawberry.directive_field(name="scope")


READ = Needs(scope=Scope.READ)
DELIBERATE = Needs(scope=Scope.DELIBERATE)
MANAGE = Needs(scope=Scope.MANAGE)


class Entitled(SchemaExtension):
    """Refuses an operation whole, where its caller may not ask for one of its root fields."""

    @override
    def on_validate(self) -> Iterator[None]:
        """Refuse what is valid otherwise; whoever validates comes before."""
        operation = self.execution_context
        context, document, query = operation.context, operation.graphql_document, operation.query
        if (
            not operation.pre_execution_errors
            and isinstance(context, Context)
            and document is not None
        ):
            # Strawberry's own extensions reach for it too: it has no other name.
            schema: GraphQLSchema = operation.schema._schema  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
            known = query is not None and len(query) <= LONGEST_KNOWN
            look = _looking(schema) if known else partial(_look, schema)
            refused = [
                (field, scope)
                for field, scope in _of_operation(look(document), operation.operation_name)
                if not context.caller.may(scope)
            ]
            if refused:
                operation.pre_execution_errors = [_forbidden(*one, context) for one in refused]
        yield


def describe_needs(schema: GraphQLSchema) -> None:
    """Describe the directive's argument, for which Strawberry has no place."""
    directive = schema.get_directive("needs")
    if directive is not None:
        directive.args["scope"].description = "The least that is needed: one above it will do, too."


def needs_of(schema: GraphQLSchema) -> Mapping[str, Scope]:
    """List what each root field needs, by its type and name, such as `Query.node`.

    Raises:
        ValueError: of one it is not said.
    """
    needs: dict[str, Scope] = {}
    for type_ in (schema.query_type, schema.mutation_type, schema.subscription_type):
        if type_ is None:
            continue
        for name, field in type_.fields.items():
            made_of = field.extensions.get("strawberry-definition")
            directives = made_of.directives if isinstance(made_of, StrawberryField) else ()
            said = [one.scope for one in directives if isinstance(one, Needs)]
            if len(said) != 1:
                raise ValueError(f"it is not said which scope {type_}.{name} needs")
            needs[f"{type_}.{name}"] = said[0]
    return needs


def _look(schema: GraphQLSchema, document: DocumentNode) -> Mapping[str, Needed]:
    """Look through the operations of a document, by their names, whatever @skip and @include will say of their fields."""
    roots = {
        OperationType.QUERY: schema.query_type,
        OperationType.MUTATION: schema.mutation_type,
        OperationType.SUBSCRIPTION: schema.subscription_type,
    }
    needs = _needs(schema)
    fragments = {
        node.name.value: node.selection_set
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    # What every type has, as __typename, is to be read like anything else.
    return {
        "" if node.name is None else node.name.value: tuple(
            (field, needs.get(f"{roots[node.operation]}.{field.name.value}", Scope.READ))
            for field in _root_fields(node.selection_set, fragments, set())
        )
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    }


def _of_operation(operations: Mapping[str, Needed], name: str | None) -> Needed:
    """Pick what one operation needs; all of them where it cannot be told which is meant."""
    needed = operations.get(name or "")
    return tuple(chain.from_iterable(operations.values())) if needed is None else needed


_needs = lru_cache(maxsize=8)(needs_of)


@lru_cache(maxsize=8)
def _looking(schema: GraphQLSchema) -> Remembered[DocumentNode, Mapping[str, Needed]]:
    return Remembered(partial(_look, schema), MOST_KNOWN)


def _root_fields(
    selections: SelectionSetNode, fragments: Mapping[str, SelectionSetNode], seen: set[str]
) -> Iterator[FieldNode]:
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, FragmentSpreadNode):
            if node.name.value not in seen:
                seen.add(node.name.value)
                yield from _root_fields(fragments[node.name.value], fragments, seen)
        elif isinstance(node, InlineFragmentNode):
            yield from _root_fields(node.selection_set, fragments, seen)


def _forbidden(field: FieldNode, scope: Scope, context: Context) -> GraphQLError:
    name, caller = field.name.value, context.caller
    _log.warning(
        "field_forbidden",
        caller=caller.name,
        field=name,
        has=caller.scope,
        needs=scope,
        correlation_id=context.correlation_id,
    )
    forbidden = ForbiddenError(
        f"{name} needs the scope {scope}, and the caller has {caller.scope or 'none'}",
        field=name if field.alias is None else field.alias.value,
    )
    return GraphQLError(str(forbidden), nodes=field, original_error=forbidden)
