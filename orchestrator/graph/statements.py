"""Every Cypher statement, read once from the files in `cypher/`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import LiteralString, cast

from orchestrator.packaged import packaged


class MissingStatementsError(Exception):
    """The installation is broken: no Cypher files came with it."""


@cache
def statements() -> Mapping[str, LiteralString]:
    """Map names such as `council/create` to their texts, comments included.

    The comments travel along so that Neo4j's query log says what a statement is for.

    Raises:
        MissingStatementsError: there are none.
    """
    texts: dict[str, LiteralString] = {
        name: _trusted(file.read_text(encoding="utf-8"))
        for name, file in _files(packaged("cypher"), "")
    }
    if not texts:
        raise MissingStatementsError("no Cypher files are beside the package")
    return MappingProxyType(texts)


def statement(name: str) -> LiteralString:
    """Return the text of one statement; a name that is none is a mistake of the program: KeyError."""
    return statements()[name]


def _trusted(text: str) -> LiteralString:
    """Vouch for a text: it comes from a file of this distribution and nothing was put into it."""
    return cast("LiteralString", text)


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".cypher"):
            yield prefix + entry.name.removesuffix(".cypher"), entry
