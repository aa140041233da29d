"""What comes with the program and is no Python: in a wheel it lies inside the package, in a checkout beside it."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable


def packaged(path: str) -> Traversable:
    """Find a file or folder by its path in the checkout, such as `cypher`; it may be missing where the installation is broken."""
    package = resources.files("orchestrator")
    installed = package.joinpath(path)
    return installed if installed.is_file() or installed.is_dir() else package.joinpath("..", path)
