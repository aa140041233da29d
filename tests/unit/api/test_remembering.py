"""What is kept of documents: the last ones that were asked for, and no more than may be."""

from __future__ import annotations

from graphql import DocumentNode, parse
from orchestrator.api import remembering
from orchestrator.api.remembering import Kept


def a_document(fields: int = 1) -> DocumentNode:
    return parse("{ " + "a " * fields + "}")


def test_what_was_not_asked_for_longest_goes_first() -> None:
    kept = Kept[int](2)
    for number in (1, 2):
        kept.keep(number, a_document(), number)

    assert kept.find(1) is not None
    kept.keep(3, a_document(), 3)

    assert list(kept) == [1, 3]


def test_what_is_kept_anew_weighs_once() -> None:
    largest = remembering._MOST_WEIGHT  # pyright: ignore[reportPrivateUsage]
    kept = Kept[int](10)
    kept.keep("other", a_document(), 0)
    for number in (1, 2, 3):
        kept.keep("same", a_document(), number, more=largest // 2)

    assert list(kept) == [0, 3]
