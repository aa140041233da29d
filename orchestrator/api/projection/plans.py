"""The plan of an operation: which fields of which types, in what form. graphql-core collects the fields; here they are only noted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, cast

from graphql.execution.collect_fields import (
    FieldDetailsList,
    GroupedFieldSet,
    collect_subfields,
)
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from graphql import (
    Executor,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLString,
    GraphQLUnionType,
)
from orchestrator.api.projection import shapes
from orchestrator.api.projection.errors import NotProjectedError
from orchestrator.api.projection.fields import Attribute, Constant, Field, Resolved
from orchestrator.api.projection.run import Answer, Root, Run, has_awaitables
from orchestrator.api.shown import Shown

_PLAIN: dict[str, tuple[type, Callable[[Sequence[Any]], bool] | None]] = {
    GraphQLString.name: (str, None),
    GraphQLID.name: (str, None),
    GraphQLBoolean.name: (bool, None),
    GraphQLInt.name: (int, shapes.holds_ints),
    GraphQLFloat.name: (float, shapes.holds_floats),
}
"""Python's types whose values GraphQL's own scalars leave as they are, where they hold them."""

_MOST_FORMS = 1024
"""Of answers of one object: documents that differ in an id alone, or in a part, have the same."""

_LONGEST_FORM = 2_000
"""Characters of all its keys. A longer one is kept with its plan alone: in memory each is several times as long."""

_MOST_ENTRIES = 2_000
"""Of one plan, and as one each type of which something is asked. What is asked of an interface is planned for each of its types, within each other time and again."""

_STRAWBERRY = "strawberry-definition"


class Entry(NamedTuple):
    """One field: its key in the answer, how its values are had, and what becomes of them."""

    key: str
    field: Field
    shape: shapes.Shape


class Plan:
    """What is asked of the objects of one type."""

    def __init__(
        self, entries: Sequence[Entry], *, root: bool, shown: bool, weight: int = 0
    ) -> None:
        """Entries are in the order of the answer; those of the `root` may fail, and the others are answered.

        Objects that are `shown` have their attributes in their source. `weight` is how much was planned before this was made.
        """
        self.weight = weight
        self._entries = tuple(entries)
        keys = tuple(entry.key for entry in entries)
        self._answer = _form(keys)
        self._extent = sum(map(len, keys)) + len(keys)
        self._root = root
        self._shown = shown

    def project(self, sources: Sequence[Any], run: Run) -> list[Answer]:
        """Return the answer for each object, but for what it has to `run.settle` for."""
        answers: list[Answer] = []
        columns: list[Sequence[Any]] = []
        run.grow(self._extent * len(sources))
        attributed = [one.source for one in sources] if self._shown else sources
        for entry in self._entries:
            if self._root and isinstance(entry.field, Resolved):
                run.root = Root(entry.field.fail, entry.key, answers)
            of = attributed if isinstance(entry.field, Attribute) else sources
            values = entry.field.values(of, run)
            if isinstance(entry.field, Resolved) and has_awaitables(values):
                run.wait(values, entry.shape, entry.key, answers)
                columns.append([None] * len(sources))
            else:
                columns.append(entry.shape.complete(values, run))
        if any(len(column) != len(sources) for column in columns):
            raise NotProjectedError("a field has not one value an object")
        if columns:
            answers.extend(map(self._answer, *columns))
        else:
            answers.extend({} for _ in sources)
        return answers


def _form(keys: tuple[str, ...]) -> Callable[..., Answer]:
    """Make a form, or remember having done it, where it is none that somebody made up to be large."""
    short = sum(map(len, keys)) <= _LONGEST_FORM
    return _known_form(keys) if short else _answering(keys)


def _answering(keys: tuple[str, ...]) -> Callable[..., Answer]:
    """Make a function of the values of one object, in the order of the keys, that returns its answer.

    It is written out as a display, `{'id': v0, 'name': v1}`, as `namedtuple` writes out its constructor: that is made in a third of
    the time of a dictionary of pairs. Keys are names of GraphQL: letters, digits and underscores.
    """
    values = [f"v{number}" for number in range(len(keys))]
    pairs = ", ".join(f"{key!r}: {value}" for key, value in zip(keys, values, strict=True))
    answering: Callable[..., Answer] = eval(f"lambda {', '.join(values)}: {{{pairs}}}")  # noqa: S307
    return answering


_known_form = lru_cache(_MOST_FORMS)(_answering)


def plan(executor: Executor[Any], fields: GroupedFieldSet, type_: GraphQLObjectType) -> Plan:
    """Plan what is asked of the root type of an operation.

    Raises:
        NotProjectedError: there is something in it that only graphql-core does, or there is too much of it.
        GraphQLError: a directive cannot be followed.
    """
    return _Planner(executor).plan(fields, type_, root=True)


class _Planner:
    """Plans one operation."""

    def __init__(self, executor: Executor[Any]) -> None:
        self._executor = executor
        self._below: dict[tuple[str, tuple[int, ...]], Plan] = {}
        """What was planned: by type and selections, which are the same below each of the types that share an interface."""
        self._room = _MOST_ENTRIES

    def plan(self, fields: GroupedFieldSet, type_: GraphQLObjectType, *, root: bool) -> Plan:
        """Raises as `plan` does."""
        # What is asked of none of an interface's types but one is planned for the others, too, as nothing.
        self._room -= 1 + len(fields)
        if self._room < 0:
            raise NotProjectedError("there would be more to plan than it saves")
        entries = [self._entry(type_, key, asked) for key, asked in fields.items()]
        definition = cast("StrawberryObjectDefinition", type_.extensions[_STRAWBERRY])
        return Plan(
            entries,
            root=root,
            shown=issubclass(definition.origin, Shown),
            weight=_MOST_ENTRIES - self._room,
        )

    def _entry(self, parent: GraphQLObjectType, key: str, asked: FieldDetailsList) -> Entry:
        name = asked[0].node.name.value
        if name == "__typename":
            return Entry(key, Constant(parent.name), shapes.Leaf(str, str))
        definition = parent.fields.get(name)
        if definition is None:
            raise NotProjectedError(f"{name} is of the schema, not of {parent}")
        field = _made_of(definition)
        if field.extensions:
            raise NotProjectedError(f"{parent}.{name} has extensions")
        how: Field = (
            Attribute(field.python_name)
            if field.base_resolver is None
            else Resolved(definition, field, parent, key, asked)
        )
        return Entry(key, how, self._shape(cast("object", definition.type), asked))

    def _shape(self, type_: object, asked: FieldDetailsList) -> shapes.Shape:
        if isinstance(type_, GraphQLNonNull):
            within = cast("GraphQLNonNull[Any]", type_)
            shape = self._shape_of_value(within.of_type, asked)
            # A leaf refuses null itself: no scalar and no enum has a form for it.
            return shape if isinstance(shape, shapes.Leaf) else shapes.NonNull(shape)
        return shapes.Nullable(self._shape_of_value(type_, asked))

    def _shape_of_value(self, type_: object, asked: FieldDetailsList) -> shapes.Shape:
        if isinstance(type_, GraphQLList):
            within = cast("GraphQLList[Any]", type_)
            return shapes.Several(self._shape(within.of_type, asked))
        if isinstance(type_, GraphQLScalarType):
            plain, holds = _PLAIN.get(type_.name, (None, None))
            return shapes.Leaf(type_.coerce_output_value, plain, holds)
        if isinstance(type_, GraphQLEnumType):
            return shapes.Leaf(type_.coerce_output_value)
        if isinstance(type_, GraphQLObjectType):
            looks = type_.is_type_of is not None
            return shapes.Object(
                self._plan_below(type_, asked), _class_of(type_) if looks else None
            )
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            definition = type_.extensions[_STRAWBERRY]
            if isinstance(definition, StrawberryObjectDefinition) and definition.resolve_type:
                raise NotProjectedError(f"{type_} says itself what is what")
            possible = self._executor.schema.get_possible_types(type_)
            return shapes.Abstract(
                {_class_of(one): self._plan_below(one, asked) for one in possible}
            )
        raise NotProjectedError(f"{type_} is of a kind that was not there when this was written")

    def _plan_below(self, type_: GraphQLObjectType, asked: FieldDetailsList) -> Plan:
        known = (type_.name, tuple(id(one.node) for one in asked))
        if known not in self._below:
            executor = self._executor
            collected = collect_subfields(
                executor.schema,
                executor.fragments,
                executor.variable_values,
                executor.operation,
                type_,
                asked,
            )
            if collected.new_defer_usages:
                raise NotProjectedError("something is deferred")
            self._below[known] = self.plan(collected.grouped_field_set, type_, root=False)
        return self._below[known]


def _made_of(definition: GraphQLField) -> StrawberryField:
    field = definition.extensions.get(_STRAWBERRY)
    if not isinstance(field, StrawberryField):
        raise NotProjectedError("a field was not made by Strawberry")
    return field


def _class_of(type_: GraphQLObjectType) -> type:
    """The class in Python whose objects are of this type; of those that share one, nothing can be said by it."""
    definition = cast("StrawberryObjectDefinition", type_.extensions[_STRAWBERRY])
    if definition.concrete_of is not None or definition.is_type_of is not None:
        raise NotProjectedError(f"{type_} is not told by its class")
    return definition.origin
