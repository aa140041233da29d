"""What is printed stands there as it was written, whatever brackets and colons it has."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.cli.screen import Screen, console

AS_THEY_ARE = [
    pytest.param("http://[fd00::12]:7474/browser/", id="an address of IPv6"),
    pytest.param("/lib/libc.so.6(abort+0xd7) [libc.so.6+0x8f]", id="a frame of a stack"),
    pytest.param("could not bind to [/127.0.0.1:7687]", id="an address as Java writes it"),
    pytest.param("--key a[retry]", id="a key"),
    pytest.param("qa [/fast]", id="a name"),
    pytest.param("qa:fire:2", id="a name with colons"),
]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """As on a terminal, so that all is told."""
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen(out=console(), err=console(stderr=True))
    screen.out.file = screen.err.file = io.StringIO()
    return screen


def _in_a_cell(screen: Screen) -> Callable[[RenderableType], None]:
    def say(what: RenderableType) -> None:
        table = Table.grid()
        table.add_row(what)
        screen.say(table)

    return say


@pytest.mark.parametrize("text", AS_THEY_ARE)
@pytest.mark.parametrize("how", ["say", "aside", "warn", "cell"])
def test_a_string_is_printed_as_it_is(screen: Screen, how: str, text: str) -> None:
    says = {
        "say": screen.say,
        "aside": screen.aside,
        "warn": screen.warn,
        "cell": _in_a_cell(screen),
    }

    says[how](text)

    assert isinstance(screen.out.file, io.StringIO)
    assert screen.out.file.getvalue().strip() == text


def test_json_on_a_terminal_is_json_however_long_its_texts_are(screen: Screen) -> None:
    said = {"text": "long " * 200}

    screen.json(json.dumps(said))

    assert isinstance(screen.out.file, io.StringIO)
    printed = Text.from_ansi(screen.out.file.getvalue())
    assert json.loads(printed.plain) == said


def test_json_is_escaped_where_the_stream_has_no_letters_for_it() -> None:
    written = io.BytesIO()
    file = io.TextIOWrapper(written, encoding="latin-1", write_through=True)
    screen = Screen(out=Console(file=file, force_terminal=False), err=console(stderr=True))
    said = {"text": "große 学习"}

    screen.json(json.dumps(said, ensure_ascii=False))

    assert json.loads(written.getvalue()) == said
