"""Where a Neo4j of our own was spoken to last is known from its home."""

from __future__ import annotations

from pathlib import Path

from orchestrator.local import configuration, homes
from orchestrator.local.configuration import Ports


def test_the_ports_that_were_chosen_at_the_last_start_are_found_again(tmp_path: Path) -> None:
    written = homes.configuration_file(tmp_path)
    written.parent.mkdir(parents=True)
    ports = Ports(bolt=4711, http=4712)
    written.write_text(configuration.render(ports, digest="d"), encoding="utf-8")

    assert homes.last_ports(tmp_path) == ports


def test_a_home_where_none_ever_ran_has_no_ports(tmp_path: Path) -> None:
    assert homes.last_ports(tmp_path) is None
