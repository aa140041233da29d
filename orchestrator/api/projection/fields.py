"""How the values of one field are had, from many objects at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Protocol, cast

from graphql.execution.collect_fields import FieldDetailsList
from graphql.pyutils import Path
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from graphql import GraphQLField, GraphQLObjectType, get_argument_values
from orchestrator.api.context import Info
from orchestrator.api.projection.errors import NotProjectedError
from orchestrator.api.projection.run import Run


class Field(Protocol):
    """Has the values of a field, or what has to be awaited for them."""

    def values(self, sources: Sequence[Any], run: Run) -> Sequence[Any]: ...


class Constant:
    """The name of a type, which all of one type have alike."""

    def __init__(self, value: str) -> None:
        self._value = value

    def values(self, sources: Sequence[Any], run: Run) -> Sequence[Any]:
        del run
        return [self._value] * len(sources)


class Attribute:
    """A field without a resolver: what the object has under its name."""

    def __init__(self, name: str) -> None:
        self._get = attrgetter(name)

    def values(self, sources: Sequence[Any], run: Run) -> Sequence[Any]:
        del run
        return list(map(self._get, sources))


class Resolved:
    """A field with a resolver, which is called as Strawberry calls it.

    Arguments follow from the document and its variables, so they are read once for all objects; so is `info`, whose path says
    nothing of where in a list an object is.
    """

    def __init__(
        self,
        definition: GraphQLField,
        field: StrawberryField,
        parent: GraphQLObjectType,
        key: str,
        asked: FieldDetailsList,
    ) -> None:
        resolver = cast("StrawberryResolver[Any] | None", field.base_resolver)
        if resolver is None or resolver.parent_parameter or resolver.root_parameter:
            raise NotProjectedError(f"{parent}.{field.name} is resolved in another way")
        self._resolve = cast("Callable[..., Any]", resolver.wrapped_func)
        self._takes_source = resolver.self_parameter is not None
        self._info_name = None if resolver.info_parameter is None else resolver.info_parameter.name
        self._definition = definition
        self._field = field
        self._parent = parent
        self._asked = asked
        self._nodes = [details.node for details in asked]
        self._path = Path(None, key, parent.name)

    def values(self, sources: Sequence[Any], run: Run) -> Sequence[Any]:
        resolve, named = self._resolve, self._named(run)
        if not self._takes_source:
            return [resolve(**named) for _ in sources]
        if not named:
            return [resolve(source) for source in sources]
        return [resolve(source, **named) for source in sources]

    def fail(self, run: Run, error: Exception) -> None:
        """Have graphql-core note an error of the one object that is at the root."""
        run.executor.handle_field_error(error, self._definition.type, self._asked, self._path)

    def _named(self, run: Run) -> dict[str, Any]:
        """What the resolver is given beside the object."""
        named: dict[str, Any] = {}
        if self._info_name is None and not self._definition.args:
            return named
        executor = run.executor
        info = Info(
            _raw_info=executor.build_resolve_info(
                self._definition, self._nodes, self._parent, self._path
            ),
            _field=self._field,
        )
        if self._definition.args:
            schema = info.schema
            named = convert_arguments(
                get_argument_values(self._definition, self._nodes[0], executor.variable_values),
                self._field.arguments,
                schema.schema_converter.scalar_registry,
                schema.config,
                info,
            )
        if self._info_name is not None:
            named[self._info_name] = info
        return named
