"""Which Neo4j a command that needs one is given while `council up` has the home."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from orchestrator.cli import graph
from orchestrator.cli.failures import InputError
from orchestrator.cli.screen import THEME, Screen
from orchestrator.local import configuration, credentials, homes, readiness
from orchestrator.local.configuration import Ports
from orchestrator.local.errors import HomeInUseError
from orchestrator.settings import Settings


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def screen(said: io.StringIO) -> Screen:
    """A terminal."""
    console = Console(file=said, theme=THEME, width=200, force_terminal=True, color_system=None)
    return Screen(out=console, err=console)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("NEO4J_URI", raising=False)
    monkeypatch.setenv("COUNCIL_HOME", str(tmp_path))
    return Settings()


class _HadByUp:
    """The Neo4j of a home that process 4711 has, and prepares for as long as a command looks twice."""

    def __init__(self, home: Path, **_: object) -> None:
        self.home: Path = homes.directory_below(home)
        self.looks: int = 0

    async def start(self) -> None:
        raise HomeInUseError(self.home, "4711")

    async def is_being_prepared(self) -> bool:
        self.looks += 1
        return self.looks <= 2


async def test_a_neo4j_that_is_only_being_prepared_is_waited_for_with_a_word(
    settings: Settings, screen: Screen, said: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers, and ends before a command is through."""
    owns: list[_HadByUp] = []
    monkeypatch.setattr(graph, "OwnNeo4j", _noted(owns))
    monkeypatch.setattr(graph, "_LOOK_AGAIN_SECONDS", 0)
    monkeypatch.setattr(readiness, "ask", _answered)
    conf = homes.configuration_file(settings.home)
    conf.parent.mkdir(parents=True)
    conf.write_text(configuration.render(Ports(bolt=4711, http=4712), digest="d"))
    credentials.make(homes.password_file(settings.home))

    async with graph.at_hand(settings, screen) as found:
        assert found.neo4j_uri == "bolt://127.0.0.1:4711"
        assert owns[0].looks == 3

    assert said.getvalue().count("Waiting for process 4711, which is starting Neo4j.") == 1


async def test_where_council_up_has_made_no_graph_yet_it_is_told_to_wait_for_it(
    settings: Settings, screen: Screen
) -> None:
    with pytest.raises(InputError, match=r"has made none .* Run that, and wait until it is up"):
        async with graph.at_hand(settings, screen):
            pass


def _noted(owns: list[_HadByUp]) -> Callable[..., _HadByUp]:
    def own(home: Path, **_: object) -> _HadByUp:
        owns.append(_HadByUp(home))
        return owns[-1]

    return own


async def _answered(*_: object, **_named: object) -> str:
    return "Neo4j/5.26"
