"""What becomes of the values of one field over many objects: checked and put into the form of the answer, all at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Protocol

from graphql import Undefined
from orchestrator.api.projection.errors import NotProjectedError
from orchestrator.api.projection.run import Run, extent

Column = Sequence[Any]
"""The values of one field, one an object; there is one at least."""

_TEXTS = {str}


class Shape(Protocol):
    """One for each form that GraphQL gives a type: leaves, objects, what can be several objects, lists, and what can be null."""

    def complete(self, column: Column, run: Run) -> Column:
        """Return what the answer has for each value, in order.

        Raises:
            TooLargeError: the answer is too large.
            NotProjectedError: a value is not what the type says. Whatever else is raised means the same.
        """
        ...


class Leaf:
    """A scalar or an enum. Values of the type `plain` are already as the answer has them, where `holds` of all of them."""

    def __init__(
        self,
        coerce: Callable[[Any], Any],
        plain: type | None = None,
        holds: Callable[[Column], bool] | None = None,
    ) -> None:
        """`coerce` is graphql-core's, a value at a time."""
        self._coerce = coerce
        self._plain = {plain}
        self._holds = holds

    def complete(self, column: Column, run: Run) -> Column:
        if set(map(type, column)) == self._plain and (self._holds is None or self._holds(column)):
            if self._plain == _TEXTS:
                run.grow(sum(map(len, column)))
            return column
        coerced = [self._coerce(value) for value in column]
        if any(value is None or value is Undefined for value in coerced):
            raise NotProjectedError("a value has no form in the answer")
        run.grow(extent(coerced) - len(coerced))
        return coerced


def holds_ints(column: Column) -> bool:
    """Whether these are what GraphQL calls Int: 32 bits."""
    return min(column) >= -(2**31) and max(column) < 2**31


def holds_floats(column: Column) -> bool:
    """Whether JSON has a form for these."""
    return all(map(math.isfinite, column))


class NonNull:
    """What must not be null."""

    def __init__(self, of: Shape) -> None:
        self._of = of

    def complete(self, column: Column, run: Run) -> Column:
        if type(None) in set(map(type, column)):
            raise NotProjectedError("a value is null that must not be")
        return self._of.complete(column, run)


class Nullable:
    """What may be null."""

    def __init__(self, of: Shape) -> None:
        self._of = of

    def complete(self, column: Column, run: Run) -> Column:
        present = [value for value in column if value is not None]
        if not present:
            return column
        completed = self._of.complete(present, run)
        if len(present) == len(column):
            return completed
        rest = iter(completed)
        return [None if value is None else next(rest) for value in column]


class Several:
    """A list of each."""

    def __init__(self, of: Shape) -> None:
        self._of = of

    def complete(self, column: Column, run: Run) -> Column:
        if not set(map(type, column)) <= {list, tuple}:
            raise NotProjectedError("a value is no list")
        all_of_them = list(chain.from_iterable(column))
        run.grow(len(all_of_them))
        rest = iter(self._of.complete(all_of_them, run) if all_of_them else ())
        return [list(islice(rest, len(values))) for values in column]


class Objects(Protocol):
    """What is asked of the objects of one type."""

    def project(self, sources: Column, run: Run) -> list[dict[str, Any]]: ...


class Object:
    """Objects of one type; `kind` is their class in Python, none where GraphQL does not look."""

    def __init__(self, objects: Objects, kind: type | None) -> None:
        self._objects = objects
        self._kinds = {kind}

    def complete(self, column: Column, run: Run) -> Column:
        if self._kinds != {None} and set(map(type, column)) != self._kinds:
            raise NotProjectedError("an object is of another type than was said")
        return self._objects.project(column, run)


class Abstract:
    """Objects of any of several types, by their classes in Python."""

    def __init__(self, possible: Mapping[type, Objects]) -> None:
        self._possible = possible

    def complete(self, column: Column, run: Run) -> Column:
        kinds = list(map(type, column))
        rest = {
            kind: iter(
                self._possible[kind].project(
                    [value for value in column if type(value) is kind], run
                )
            )
            for kind in dict.fromkeys(kinds)
        }
        return [next(rest[kind]) for kind in kinds]
