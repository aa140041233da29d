"""What is made of a document once and then known."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """What was made of the last few things, each known by which it is and not by what is in it.

    To compare documents, or only to hash one, takes longer than most of what is made of them.
    """

    def __init__(self, make: Callable[[K], V], most: int) -> None:
        """`make` is asked once for each of the last `most` things."""
        self._make = make
        self._most = most
        self._made: OrderedDict[int, tuple[K, V]] = OrderedDict()

    def __call__(self, of: K) -> V:
        """Return what was made of it, or make it; raises what making raises."""
        known = self._made.get(id(of))
        if known is not None:
            self._made.move_to_end(id(of))
            return known[1]
        made = self._make(of)
        # The thing itself is kept: nothing else can come to have its identity.
        self._made[id(of)] = (of, made)
        if len(self._made) > self._most:
            self._made.popitem(last=False)
        return made
