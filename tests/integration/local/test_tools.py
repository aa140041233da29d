"""What is on this machine is found, and what is not is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.local import tools
from orchestrator.local.errors import ToolsMissingError
from orchestrator.local.neo4j import OwnNeo4j
from orchestrator.local.tools import Java
from tests.integration.local.conftest import Program


def java(version: str) -> str:
    return f"""echo 'openjdk version "{version}" 2025-01-01' >&2"""


@pytest.mark.parametrize("version", ["17.0.15", "21", "22-ea"])
async def test_a_java_that_is_new_enough_is_found(program: Program, version: str) -> None:
    path = program("java", java(version))
    missing: list[str] = []

    said = f'openjdk version "{version}" 2025-01-01\n'
    assert await tools.find_java(missing) == Java(command=str(path), version=said)
    assert missing == []


async def test_the_options_that_a_java_picked_up_are_no_part_of_its_version(
    program: Program,
) -> None:
    noted = "NOTE: Picked up JDK_JAVA_OPTIONS: -XX:+UseSerialGC"
    path = program("java", f"echo '{noted}' >&2\n{java('17.0.15')}")

    said = 'openjdk version "17.0.15" 2025-01-01\n'
    assert await tools.find_java([]) == Java(command=str(path), version=said)


@pytest.mark.parametrize(("version", "said"), [("1.8.0_392", "8"), ("11.0.21", "11")])
async def test_a_java_that_is_too_old_is_named_with_its_version(
    program: Program, version: str, said: str
) -> None:
    path = program("java", java(version))
    missing: list[str] = []

    assert await tools.find_java(missing) is None
    assert missing == [f"no Java 17 or later ({path} is Java {said})"]


async def test_a_newer_java_in_java_home_is_taken_before_an_old_one_on_the_path(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("java", java("11.0.21"))
    (tmp_path / "jdk" / "bin").mkdir(parents=True)
    newer = program("newer", java("21.0.1")).rename(tmp_path / "jdk" / "bin" / "java")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))

    found = await tools.find_java([])
    assert found is not None
    assert found.command == str(newer)


async def test_the_java_that_only_says_how_to_install_java_is_none(program: Program) -> None:
    """As the one of macOS does."""
    program("java", "echo 'Unable to locate a Java Runtime.' >&2; exit 1")
    missing: list[str] = []

    assert await tools.find_java(missing) is None
    assert missing == ["no Java 17 or later on the PATH or in JAVA_HOME"]


async def test_a_docker_without_an_engine_is_named_with_its_words(program: Program) -> None:
    program("docker", "echo 'Cannot connect to the Docker daemon.' >&2; exit 1")
    missing: list[str] = []

    assert await tools.find_docker(missing) is None
    assert missing == ["no Docker engine answers: Cannot connect to the Docker daemon."]


async def test_a_program_that_hangs_is_ended_in_time(program: Program) -> None:
    path = program("docker", "exec sleep 600")

    status, output = await tools.answer(str(path), seconds=0.05)

    assert status == 124
    assert "did not answer within 0.05 seconds" in output


async def test_without_any_tool_all_that_is_missing_is_named_with_how_to_install_it(
    program: Program, tmp_path: Path
) -> None:
    program("java", java("11.0.21"))

    with pytest.raises(ToolsMissingError) as refused:
        await OwnNeo4j(tmp_path / "home", report=print).start()

    assert len(refused.value.missing) == 3
    for words in ("Java 11", "no Maven (mvn)", "no Docker", "apt install", "brew install"):
        assert words in str(refused.value)
