"""A start looks at the server before it does anything to the graph."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from neo4j import Record
from structlog.testing import capture_logs
from typing_extensions import override

from orchestrator.domain.errors import AuthenticationError, CouncilError, UnavailableError
from orchestrator.graph.servers import TooOldError
from orchestrator.service.life import Service
from orchestrator.settings import Settings


class ToldEnoughError(CouncilError):
    """The start went on to what is no matter here."""


class Server:
    """A server that says who it is and what time it is, and nothing else."""

    def __init__(self, *, agent: str = "Neo4j/5.26.30", minutes_ahead: int = 0) -> None:
        self._agent = agent
        self._ahead = timedelta(minutes=minutes_ahead)
        self.asked: list[str] = []

    async def server(self) -> str:
        return self._agent

    async def read(self, name: str, /, **_: Any) -> list[Record]:
        self.asked.append(name)
        if name != "graph/read_clock":
            raise ToldEnoughError
        return [Record({"now": (datetime.now(UTC) + self._ahead).isoformat()})]


async def _live(server: Server) -> None:
    graph: Any = server
    unused: Any = None
    await Service(
        graph=graph,
        shown=graph,
        desk=unused,
        settings=Settings(),
        on_step=lambda _: None,
    ).live()


async def test_of_a_server_that_is_too_old_nothing_is_asked_but_who_it_is() -> None:
    server = Server(agent="Neo4j/5.15.0")
    with pytest.raises(TooOldError):
        await _live(server)
    assert server.asked == []


@pytest.mark.parametrize(
    ("minutes_ahead", "told"),
    [(-20, [1200]), (20, [-1200]), (0, [])],
    ids=["behind", "ahead", "equal"],
)
async def test_the_log_says_where_the_clocks_of_process_and_server_differ(
    minutes_ahead: int, told: list[int]
) -> None:
    with capture_logs() as log, pytest.raises(ToldEnoughError):
        await _live(Server(minutes_ahead=minutes_ahead))
    differences = [line for line in log if line["event"] == "clock_differs"]
    assert [line["seconds_ahead_of_neo4j"] for line in differences] == pytest.approx(told, abs=60)


class Locked(Server):
    """A server that takes the login, and refuses whatever is asked by it, as where the password must be changed first."""

    @override
    async def read(self, name: str, /, **_: Any) -> list[Record]:
        raise AuthenticationError("must be changed")


async def test_a_login_by_which_nothing_may_be_done_ends_the_start() -> None:
    with pytest.raises(AuthenticationError):
        await _live(Locked())


class AwayForOnce(Server):
    """A server that is away when it is asked first, whatever that is."""

    def __init__(self) -> None:
        super().__init__()
        self.away = {"server", "read"}

    @override
    async def server(self) -> str:
        self._be_away("server")
        return await super().server()

    @override
    async def read(self, name: str, /, **parameters: Any) -> list[Record]:
        self._be_away("read")
        return await super().read(name, **parameters)

    def _be_away(self, asked: str) -> None:
        if asked in self.away:
            self.away.remove(asked)
            raise UnavailableError("away")


async def test_a_server_that_is_away_is_waited_for_at_each_step_of_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("orchestrator.service.life._AGAIN_SECONDS", 0)
    with capture_logs() as log, pytest.raises(ToldEnoughError):
        await _live(AwayForOnce())
    steps = [line["step"] for line in log if line["event"] == "waiting_for_graph"]
    assert steps == ["Neo4j", "migrations"]
