"""The documents that the client sends: the files of graphql/operations, each with the fragments that it uses."""

from __future__ import annotations

import functools
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable


def _folder() -> Traversable:
    """The folder inside the package in a wheel, beside the package in a checkout."""
    package = resources.files("orchestrator")
    installed = package / "graphql"
    return (installed if installed.is_dir() else package.joinpath("..", "graphql")) / "operations"


@functools.cache
def documents() -> Mapping[str, str]:
    """Every document by the name of its operation, read once; raises FileNotFoundError where they are missing."""
    # It takes a third of a second to load, which help and completion need not wait for.
    from graphql import parse, print_ast, separate_operations  # noqa: PLC0415

    files = sorted(_folder().iterdir(), key=lambda file: file.name)
    whole = "\n".join(
        file.read_text(encoding="utf-8") for file in files if file.name.endswith(".graphql")
    )
    return {
        name: print_ast(document) for name, document in separate_operations(parse(whole)).items()
    }
