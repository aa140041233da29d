"""Where a Neo4j of our own was spoken to last is known from its home."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.local import configuration, homes
from orchestrator.local.configuration import Ports


def test_the_ports_that_were_chosen_at_the_last_start_are_found_again(tmp_path: Path) -> None:
    written = homes.configuration_file(tmp_path)
    written.parent.mkdir(parents=True)
    ports = Ports(bolt=4711, http=4712)
    written.write_text(configuration.render(ports, digest="d"), encoding="utf-8")

    assert homes.last_ports(tmp_path) == ports


def test_a_home_is_the_same_however_it_is_spelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a killed run left there is looked for by its path."""
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "link").symlink_to(home)
    monkeypatch.chdir(home)

    for spelled in (tmp_path / "link", Path("../home"), home / ".." / "home"):
        assert homes.directory_below(spelled) == home / "neo4j"


def test_a_home_where_none_ever_ran_has_no_ports(tmp_path: Path) -> None:
    assert homes.last_ports(tmp_path) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "server.bolt.listen_address=127.0.0.1:7687\n",
        "server.http.listen_address=127.0.0.1:7474\n",
        "server.bolt.listen_address=127.0.0.1\nserver.http.listen_address=127.0.0.1:7474\n",
    ],
)
def test_a_configuration_without_both_ports_has_none(tmp_path: Path, text: str) -> None:
    written = homes.configuration_file(tmp_path)
    written.parent.mkdir(parents=True)
    written.write_text(text, encoding="utf-8")

    assert homes.last_ports(tmp_path) is None
