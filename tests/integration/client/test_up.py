"""What `council up` shows of a service that is ready."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from orchestrator.cli import up
from orchestrator.cli.screen import Screen, console
from orchestrator.settings import Settings
from tests.support.tiny_api import TinyApi
from tests.support.waiting import until

_SERVICE = {
    "version": "1",
    "ready": True,
    "waitingFor": None,
    "startedAt": "2026-01-02T03:04:05Z",
    "rehearsal": True,
    "rehydration": None,
    "neo4j": None,
    "graph": None,
}


@pytest.mark.parametrize(("anonymous", "questions"), [(None, 0), ("read", 1)])
async def test_the_example_is_left_out_where_it_needs_a_token_and_none_is_set(
    anonymous: str | None, questions: int, tmp_path: Path
) -> None:
    tokens = tmp_path / "tokens"
    tokens.touch()
    settings = Settings().model_copy(update={"tokens_file": tokens, "anonymous": anonymous})
    screen = Screen(out=console(), err=console(stderr=True))
    screen.out.file, screen.err.file = said, warned = io.StringIO(), io.StringIO()
    tour = up._Tour(settings, screen, None, example=True, open_browser=False)  # pyright: ignore[reportPrivateUsage]
    async with TinyApi(root={"service": _SERVICE}).serve() as api:
        await tour.begin(api.url)
        await until(lambda: "Ctrl-C ends everything" in said.getvalue())
        await tour.end()

    assert "graph-council is up" in said.getvalue()
    assert "it needs a token in COUNCIL_TOKEN" in warned.getvalue()
    # It asks for nothing that would be refused, and told of in the log.
    assert len(api.asked) == questions
