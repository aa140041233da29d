"""The client's models say what its documents ask for, as the schema has it: same fields, same nulls, same lists."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownParameterType=false
# graphql-core says Unknown in the signatures of its types.

from __future__ import annotations

import functools
import operator
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLAbstractType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    parse,
    validate,
)
from orchestrator.client import models
from orchestrator.client.documents import documents
from tests.support.tiny_api import project_schema

READ_AS: dict[str, dict[str, Any]] = {
    "Service": {"service": models.Service},
    "Councils": {"councils.edges.node": models.Council},
    "Council": {"council": models.Council},
    "Agents": {"agents.edges.node": models.Agent},
    "Agent": {"agent": models.Agent},
    "Task": {"task": models.Task},
    "Node": {"node": models.Node},
    "Deliberate": {
        "deliberate.deliberation": models.Deliberation,
        "deliberate.errors": models.Mistake,
    },
    "RetryDeliberation": {
        "retryDeliberation.deliberation": models.Deliberation,
        "retryDeliberation.errors": models.Mistake,
    },
    "CancelDeliberation": {
        "cancelDeliberation.deliberation": models.Deliberation,
        "cancelDeliberation.errors": models.Mistake,
    },
    "Deliberation": {
        "deliberation": models.Deliberation,
        "deliberation.turns.edges.node": models.Turn,
    },
    "DeliberationEvents": {"deliberationEvents": models.Event},
}
"""Each document, and where in its answer which model is read."""

READ_BY_HAND = {"turns"}
"""Read page by page, beside the model."""

ONE_MODEL_FOR_ALL = {models.Mistake}
"""Holds the fields of every type of an interface, those of one type alone as optional."""


@pytest.mark.parametrize("operation", sorted(documents()))
def test_a_document_is_valid_against_the_schema(operation: str) -> None:
    assert validate(project_schema(), parse(documents()[operation])) == []


def test_every_document_is_read_as_a_model() -> None:
    assert set(READ_AS) == set(documents())


@pytest.mark.parametrize(
    ("operation", "path"),
    [(operation, path) for operation, read in READ_AS.items() for path in read],
)
def test_a_model_has_the_fields_that_its_document_asks_for(operation: str, path: str) -> None:
    document = parse(documents()[operation])
    asked = Asked(project_schema(), document.definitions)
    selections, type_ = asked.at(path)

    assert list(asked.differences(path, selections, type_, READ_AS[operation][path])) == []


def test_a_difference_would_be_seen() -> None:
    class Council(models.Council):
        rounds: int | None  # pyright: ignore[reportIncompatibleVariableOverride]
        quorum: tuple[int, ...]  # pyright: ignore[reportIncompatibleVariableOverride]
        motto: str

    asked = Asked(project_schema(), parse(documents()["Council"]).definitions)
    selections, type_ = asked.at("council")

    assert sorted(asked.differences("council", selections, type_, Council)) == [
        "council.motto: the document does not ask for it",
        "council.quorum: is a list in one of them alone",
        "council.rounds: can be null in one of them alone",
    ]


class Asked:
    """A document, walked with the schema."""

    def __init__(self, schema: GraphQLSchema, definitions: Any) -> None:
        self._schema = schema
        self._fragments = {
            one.name.value: one for one in definitions if isinstance(one, FragmentDefinitionNode)
        }
        self._operation = next(
            one for one in definitions if isinstance(one, OperationDefinitionNode)
        )

    def at(self, path: str) -> tuple[list[SelectionSetNode], Any]:
        """What is asked for at a path of field names, and its type."""
        found: Any
        type_: Any = self._schema.get_root_type(self._operation.operation)
        selections = [self._operation.selection_set]
        for name in path.split("."):
            found = self._fields(selections, type_)[name]
            declared: Any = type_.fields[name].type
            type_ = get_named_type(declared)
            selections = [node.selection_set for node in found if node.selection_set]
        return selections, type_

    def differences(
        self, path: str, selections: list[SelectionSetNode], type_: Any, model: Any
    ) -> Iterator[str]:
        """Say where the model is not what is asked for."""
        if model in ONE_MODEL_FOR_ALL:
            yield from self._of_interface(path, selections, type_, model)
        elif is_abstract_type(type_) and not _is_model(model):
            yield from self._of_union(path, selections, type_, model)
        else:
            yield from self._of_model(path, self._fields(selections, type_), type_, model)

    def _of_union(
        self, path: str, selections: list[SelectionSetNode], type_: Any, model: Any
    ) -> Iterator[str]:
        members = {_typename(member): member for member in _members(model)}
        possible = {one.name: one for one in self._schema.get_possible_types(type_)}
        for name, member in members.items():
            if name not in possible:
                yield f"{path}: {name} is no {type_.name}"
                continue
            fields = self._fields(selections, possible[name])
            yield from self._of_model(f"{path}:{name}", fields, possible[name], member)
        # Types that the document asks nothing but the id of are told apart by id before.
        for name, possible_type in possible.items():
            if name not in members and set(self._fields(selections, possible_type)) - {
                "__typename",
                "id",
            }:
                yield f"{path}: no model for {name}"

    def _of_interface(
        self, path: str, selections: list[SelectionSetNode], type_: Any, model: Any
    ) -> Iterator[str]:
        common = self._fields(selections, type_)
        for possible in self._schema.get_possible_types(type_):
            fields = self._fields(selections, possible)
            optional = {name for name in fields if name not in common}
            yield from self._of_model(
                f"{path}:{possible.name}", fields, possible, model, optional=optional, whole=False
            )

    def _of_model(
        self,
        path: str,
        fields: dict[str, list[FieldNode]],
        type_: Any,
        model: type[BaseModel],
        *,
        optional: set[str] | None = None,
        whole: bool = True,
    ) -> Iterator[str]:
        read = {field.alias or name: field for name, field in model.model_fields.items()}
        for name, field in read.items():
            if name not in fields and field.is_required() and whole:
                yield f"{path}.{name}: the document does not ask for it"
        for name, nodes in fields.items():
            if name in READ_BY_HAND and name not in read:
                continue
            if name not in read:
                # __typename is read where it tells types apart; a heading's fields may be skipped.
                if name != "__typename":
                    yield f"{path}.{name}: the model does not have it"
                continue
            if name == "__typename":
                continue
            declared = type_.fields[name].type
            nullable = not is_non_null_type(declared) or name in (optional or ())
            yield from self._of_field(f"{path}.{name}", nodes, declared, read[name], nullable)

    def _of_field(
        self,
        path: str,
        nodes: list[FieldNode],
        declared: GraphQLOutputType,
        field: FieldInfo,
        nullable: bool,
    ) -> Iterator[str]:
        annotation = field.annotation
        if annotation is Any:
            return
        inner, can_be_null = _without_none(annotation)
        # A field that only some documents ask for has a default.
        if can_be_null != nullable and field.is_required():
            yield f"{path}: can be null in one of them alone"
        bare = declared.of_type if is_non_null_type(declared) else declared
        is_tuple = typing.get_origin(inner) is tuple
        if is_list_type(bare) != is_tuple:
            yield f"{path}: is a list in one of them alone"
            return
        item = typing.get_args(inner)[0] if is_tuple else inner
        named = get_named_type(declared)
        if is_object_type(named) or is_abstract_type(named):
            selections = [node.selection_set for node in nodes if node.selection_set]
            yield from self.differences(path, selections, named, item)

    def _fields(
        self,
        selections: list[SelectionSetNode],
        type_: GraphQLObjectType | GraphQLInterfaceType | GraphQLAbstractType,
    ) -> dict[str, list[FieldNode]]:
        """The fields asked for of a type, through its fragments."""
        found: dict[str, list[FieldNode]] = {}
        for selection in (one for chosen in selections for one in chosen.selections):
            match selection:
                case FieldNode():
                    found.setdefault(selection.name.value, []).append(selection)
                    continue
                case FragmentSpreadNode():
                    fragment: Any = self._fragments[selection.name.value]
                case InlineFragmentNode():
                    fragment = selection
                case _:
                    raise AssertionError(selection)
            if self._applies(fragment.type_condition.name.value, type_):
                for name, nodes in self._fields([fragment.selection_set], type_).items():
                    found.setdefault(name, []).extend(nodes)
        return found

    def _applies(self, condition: str, type_: Any) -> bool:
        if condition == type_.name:
            return True
        other: Any = self._schema.get_type(condition)
        return is_abstract_type(other) and self._schema.is_sub_type(other, type_)


def _is_model(model: Any) -> bool:
    return isinstance(model, type) and issubclass(model, BaseModel)


def _members(model: Any) -> tuple[Any, ...]:
    union = typing.get_args(model)[0] if typing.get_origin(model) is typing.Annotated else model
    return typing.get_args(union)


def _typename(model: type[BaseModel]) -> str:
    annotation: Any = model.model_fields["typename"].annotation
    assert typing.get_origin(annotation) is Literal
    return typing.get_args(annotation)[0]


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if typing.get_origin(annotation) is not types.UnionType:
        return annotation, False
    rest = [one for one in typing.get_args(annotation) if one is not types.NoneType]
    if len(rest) == len(typing.get_args(annotation)):
        return annotation, False
    return functools.reduce(operator.or_, rest), True
