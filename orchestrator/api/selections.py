"""What an operation asks for below a field: what nobody asks for need not be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from strawberry.types.nodes import FragmentSpread, InlineFragment, SelectedField, Selection

from orchestrator.api.context import Info


def asked_of(info: Info, name: str) -> frozenset[str]:
    """Return the names of the fields that are asked for of a field of this one's result.

    Those of fragments are among them, and those that a directive leaves out.
    """
    here = _fields(info.selected_fields)
    of_result = _fields(below for field in here for below in field.selections)
    named = (field for field in of_result if field.name == name)
    return frozenset(
        field.name for field in _fields(below for field in named for below in field.selections)
    )


def _fields(selections: Iterable[Selection]) -> Iterator[SelectedField]:
    for selection in selections:
        match selection:
            case SelectedField():
                yield selection
            case FragmentSpread() | InlineFragment():
                yield from _fields(selection.selections)
