"""`council show` of a deliberation that has ended: its exit code says to who follows how it went."""

from __future__ import annotations

import io

import pytest

from orchestrator.cli import showing
from orchestrator.cli.exits import Exit
from orchestrator.cli.failures import MissingError
from orchestrator.cli.screen import Screen, console
from orchestrator.client import CouncilClient
from tests.support import answers
from tests.support.tiny_api import TinyApi

ENDED = {
    "DECIDED": Exit.OK,
    "FAILED": Exit.UNDECIDED,
    "CANCELLED": Exit.UNDECIDED,
}


async def show(status: str, *, follow: bool, as_json: bool) -> Exit:
    """Show one that ended so, on a pipe."""

    def turns(*_: object, **_named: object) -> answers.Json:
        return answers.page([])

    changes = {} if status == "DECIDED" else {"verdict": None, "failure": "too late"}
    found = answers.deliberation(status=status, turns=turns, **changes)
    screen = Screen(out=console(), err=console(stderr=True))
    screen.out.file = io.StringIO()
    async with (
        TinyApi(root={"deliberation": found}).serve() as api,
        CouncilClient(api.url) as client,
    ):
        return await showing.show(
            client, screen, answers.DELIBERATION, follow=follow, full=False, as_json=as_json
        )


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(("status", "code"), ENDED.items())
async def test_who_follows_what_has_ended_is_told_whether_there_is_a_verdict(
    status: str, code: Exit, as_json: bool
) -> None:
    assert await show(status, follow=True, as_json=as_json) is code


async def test_where_no_id_is_given_it_is_said_where_ids_are_listed() -> None:
    screen = Screen(out=console(), err=console(stderr=True))
    async with TinyApi(root={"node": None}).serve() as api, CouncilClient(api.url) as client:
        with pytest.raises(MissingError, match="with the id DEV; `council councils`"):
            await showing.show(client, screen, "DEV", follow=False, full=False, as_json=False)


@pytest.mark.parametrize("status", ENDED)
async def test_who_only_looks_is_told_that_there_was_something_to_see(status: str) -> None:
    assert await show(status, follow=False, as_json=False) is Exit.OK
