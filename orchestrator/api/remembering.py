"""What is made of a document once and then known."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, NamedTuple, TypeVar

from graphql import Node

K = TypeVar("K", bound=Node)
V = TypeVar("V")

_MOST_WEIGHT = 100_000
"""Tokens of documents: each is kept in half a kilobyte, together with what was parsed of it."""


class _Made(NamedTuple, Generic[V]):
    of: Node
    """Kept so that nothing else can come to have its identity."""
    value: V
    weight: int


class Kept(Generic[V]):
    """What was made last of documents, or of parts of them, as long as all of it together is not too much."""

    def __init__(self, most: int) -> None:
        """Keep `most` at most, however little each is."""
        self._most = most
        self._made: OrderedDict[Hashable, _Made[V]] = OrderedDict()
        self._weight = 0

    def __iter__(self) -> Iterator[V]:
        """All that is kept."""
        return (made.value for made in self._made.values())

    def find(self, key: Hashable) -> _Made[V] | None:
        """Return what is kept under a key, and keep it longer than what was not asked for."""
        made = self._made.get(key)
        if made is not None:
            self._made.move_to_end(key)
        return made

    def keep(self, key: Hashable, of: Node, value: V, more: int = 0) -> None:
        """Keep what was made `of` something; `more` is what it weighs itself, in tokens."""
        made = _Made(of, value, _tokens(of) + more)
        self._drop(key)
        self._made[key] = made
        self._weight += made.weight
        while len(self._made) > self._most or self._weight > _MOST_WEIGHT:
            self._drop(next(iter(self._made)))

    def _drop(self, key: Hashable) -> None:
        dropped = self._made.pop(key, None)
        if dropped is not None:
            self._weight -= dropped.weight


class Remembered(Generic[K, V]):
    """What was made of the last few things, each known by which it is and not by what is in it.

    To compare documents, or only to hash one, takes longer than most of what is made of them.
    """

    def __init__(self, make: Callable[[K], V], most: int) -> None:
        """`make` is asked once for each of the last `most` things, or of fewer where they are large."""
        self._make = make
        self._kept = Kept[V](most)

    def __call__(self, of: K) -> V:
        """Return what was made of it, or make it; raises what making raises."""
        known = self._kept.find(id(of))
        if known is not None:
            return known.value
        made = self._make(of)
        self._kept.keep(id(of), of, made)
        return made


def _tokens(of: Node) -> int:
    """How many tokens are kept with a part of a document: each refers to those beside it, and so to all."""
    if of.loc is None:
        return 0
    first = of.loc.start_token
    while first.prev is not None:
        first = first.prev
    tokens, last = 1, first
    while last.next is not None:
        tokens, last = tokens + 1, last.next
    return tokens
