"""What the service shows as GraphiQL is what `graphql/graphiql` builds."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from orchestrator.api.graphiql import STATIC
from tests.acceptance.node import installed

_SOURCE = Path(__file__).parents[2] / "graphql" / "graphiql"


def test_files_of_graphiql_are_what_is_built_from_its_source(tmp_path: Path) -> None:
    folder = installed(_SOURCE, tmp_path / "source")
    out = tmp_path / "out"
    subprocess.run(
        ["npm", "run", "build"],
        cwd=folder,
        env={**os.environ, "OUT": str(out)},
        check=True,
        capture_output=True,
        timeout=50,
    )

    assert _contents(out) == _contents(STATIC)


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
