"""A Neo4j that does not take our password may be another one, which came up on the port that ours was to have."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.local import installing, neo4j, readiness
from orchestrator.local.errors import CredentialsError, PortTakenError
from orchestrator.local.neo4j import OwnNeo4j
from orchestrator.local.readiness import WrongPasswordError
from tests.integration.local.conftest import Program

JAVA = """\
case "$*" in
  *AdminTool*) exit 0;;
  *-version*) echo 'openjdk version "17.0.15" 2025-01-01' >&2; exit 0;;
esac
"""

ENDS = "sleep 0.5; exit 1"
"""As one does that finds its port taken, some seconds after another has come up there."""
STAYS = "exec sleep 3600"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OwnNeo4j:
    """Whoever answers where it is to be does not take its password."""

    async def ask(uri: str, *_: object, **_named: object) -> str:
        raise WrongPasswordError(uri)

    monkeypatch.setattr(readiness, "ask", ask)
    library = tmp_path / "lib"
    library.mkdir()
    (library / "INSTALLED").write_text(installing.read_pom().digest + "\n")
    return OwnNeo4j(tmp_path / "home", library=library, bolt_port=0, http_port=0, report=print)


async def test_where_ours_ends_the_port_is_another_ones_and_nobody_is_told_to_move_the_graph(
    own: OwnNeo4j, program: Program
) -> None:
    program("java", JAVA + ENDS)

    with pytest.raises(PortTakenError, match="COUNCIL_BOLT_PORT") as refused:
        await own.start()

    assert own.uri.endswith(f":{refused.value.port}")


async def test_where_ours_stays_the_password_is_not_that_of_the_graph(
    own: OwnNeo4j, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("java", JAVA + STAYS)
    monkeypatch.setattr(neo4j, "_DOUBT_SECONDS", 0.5)

    with pytest.raises(CredentialsError, match="is not the password of"):
        await own.start()
