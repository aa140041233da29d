"""Which tokens `council token create` makes."""

from __future__ import annotations

import pytest
import typer

from orchestrator.cli.commands import token
from orchestrator.cli.exits import Exit


@pytest.mark.parametrize("expires", ["0", "0d"])
def test_a_token_that_ends_when_it_is_made_is_refused_by_the_name_of_the_option(
    capsys: pytest.CaptureFixture[str], expires: str
) -> None:
    with pytest.raises(typer.Exit) as left:
        token.create("ci", expires=expires)

    said = capsys.readouterr()
    assert (left.value.exit_code, said.out) == (Exit.USAGE, "")
    assert said.err.startswith(f"council: --expires: '{expires}' is over at once; it must be long")


def test_a_token_that_ends_after_a_number_of_nothing_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(typer.Exit) as left:
        token.create("ci", expires="90")

    said = capsys.readouterr()
    assert (left.value.exit_code, said.out) == (Exit.USAGE, "")
    assert said.err.startswith("council: --expires 90 has no unit: it must be as 90d")
