"""The password of a Neo4j of our own, as it lies in its home."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.domain.errors import WrongSettingError
from orchestrator.local import credentials


def test_a_password_is_made_once(tmp_path: Path) -> None:
    made = credentials.make(tmp_path / "password")

    assert (
        credentials.make(tmp_path / "password") == made == credentials.read(tmp_path / "password")
    )


def test_what_a_killed_run_left_unfinished_is_no_password(tmp_path: Path) -> None:
    (tmp_path / "password.new").write_text("half of o")

    made = credentials.make(tmp_path / "password")

    assert (tmp_path / "password").read_text() == f"{made}\n"
    assert len(made) == 48


def _not_utf8(file: Path) -> None:
    file.write_bytes(b"\xff")


@pytest.mark.parametrize(
    ("spoil", "why"), [(Path.mkdir, "Is a directory"), (_not_utf8, "it is not UTF-8 text")]
)
@pytest.mark.parametrize("wanted", [credentials.make, credentials.read])
def test_what_is_no_password_is_told_by_its_file_and_its_setting(
    tmp_path: Path, spoil: Callable[[Path], None], why: str, wanted: Callable[[Path], str]
) -> None:
    file = tmp_path / "password"
    spoil(file)

    with pytest.raises(
        WrongSettingError, match=f"^{file}, in COUNCIL_HOME, cannot be read: {why}. It must be"
    ):
        wanted(file)
