"""`council` where its standard streams are closed, full or not read, and where an argument is no text."""

from __future__ import annotations

import asyncio
import os
import subprocess
from asyncio.subprocess import PIPE

import pytest

from tests.support import answers
from tests.support.service_process import COMMAND, clean_environment
from tests.support.tiny_api import TinyApi


def run(command: str) -> subprocess.CompletedProcess[str]:
    """Run it in a shell, which closes and redirects."""
    return subprocess.run(
        ["bash", "-c", f"{COMMAND} {command}"],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_what_is_closed_is_taken_for_nothing(closed: str) -> None:
    ran = run(f"settings {closed}")

    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("command", ["settings", "version", "--help"])
def test_output_that_has_no_room_is_told_in_a_sentence(command: str) -> None:
    ran = run(f"{command} >/dev/full")

    assert ran.returncode == 1
    assert ran.stderr.startswith("council: ")
    assert "No space left on device" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_an_argument_that_is_no_text_is_named_by_its_place() -> None:
    ran = run("ask DEV $'\\xff'")

    assert (ran.returncode, ran.stderr) == (2, "council: argument 3 is not UTF-8 text\n")


def test_an_argument_of_letters_that_the_locale_does_not_have_is_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("PYTHONUTF8", "0")

    ran = run("show größe --url http://127.0.0.1:1")

    assert (ran.returncode, "no council service answers" in ran.stderr) == (3, True)


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252:strict"])
async def test_letters_that_the_streams_have_no_code_for_are_escaped(encoding: str) -> None:
    def deliberation(*_: object, **_named: object) -> answers.Json:
        said = [answers.proposal(1, 2, content="学习 “x”: größe")]
        return answers.deliberation(turns=answers.page(said))

    async with TinyApi(root={"deliberation": deliberation}).serve() as api:
        showing = await asyncio.create_subprocess_exec(
            *(COMMAND, "show", answers.DELIBERATION, "--url", api.url),
            env={**clean_environment(), "PYTHONIOENCODING": encoding},
            stdout=PIPE,
            stderr=PIPE,
        )
        out, err = await showing.communicate()

    shown = out.decode(encoding.partition(":")[0])
    assert (showing.returncode, err.decode()) == (0, "")
    assert "proposes: \\u5b66\\u4e60 " in shown
    assert "Verdict of dev-council-1" in shown


async def test_a_reader_that_goes_away_before_all_is_printed_is_told_nothing() -> None:
    def councils(*_: object, **_named: object) -> answers.Json:
        return answers.page([answers.council(id=f"cou_{number}") for number in range(100)])

    reading, writing = os.pipe()
    os.close(reading)
    async with TinyApi(root={"councils": councils}).serve() as api:
        listing = await asyncio.create_subprocess_exec(
            *(COMMAND, "councils", "--json", "--url", api.url),
            env=clean_environment(),
            stdout=writing,
            stderr=PIPE,
        )
        os.close(writing)
        _, err = await listing.communicate()

    assert (listing.returncode, err.decode()) == (1, "")
