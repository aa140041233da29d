"""What an operation asks for below a field: what nobody asks for need not be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from strawberry.types.nodes import FragmentSpread, InlineFragment, SelectedField, Selection

from orchestrator.api.context import Info


def asked_of(info: Info, *path: str) -> frozenset[str]:
    """Return the names of the fields that are asked for of what a path leads to, from this field's result on.

    Those of fragments are among them, and those that a directive leaves out.
    """
    here = _below(info.selected_fields)
    for name in path:
        here = _below(field for field in here if field.name == name)
    return frozenset(field.name for field in here)


def asked_below(info: Info) -> frozenset[str]:
    """Return the names of all fields that are asked for below this field, however deep."""
    return frozenset(_names(info.selected_fields))


def only_counted(info: Info) -> bool:
    """Whether of this field's result, a page, nothing is asked for but how long the whole list is."""
    return asked_of(info) <= {"totalCount", "__typename"}


def _names(fields: Iterable[Selection]) -> Iterator[str]:
    for field in _fields(fields):
        for below in _fields(field.selections):
            yield below.name
        yield from _names(field.selections)


def _below(fields: Iterable[Selection]) -> list[SelectedField]:
    """What is asked for of fields."""
    return list(_fields(below for field in _fields(fields) for below in field.selections))


def _fields(selections: Iterable[Selection]) -> Iterator[SelectedField]:
    for selection in selections:
        match selection:
            case SelectedField():
                yield selection
            case FragmentSpread() | InlineFragment():
                yield from _fields(selection.selections)
