"""The wheel: whole, and enough to run the service from where nothing of the checkout is."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator import __version__
from orchestrator.graph.driver import Graph
from tests.support.neo4j import Neo4jServer
from tests.support.service_process import ServiceProcess, clean_environment

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).parent / "uv"

# The first test waits for the wheel and its environment.
pytestmark = pytest.mark.timeout(300)


def run(*command: str | Path, directory: Path) -> str:
    """Run a command and return what it printed; nothing of this environment leads it back here."""
    environment = clean_environment("PYTHON", "VIRTUAL_ENV", "UV_PROJECT")
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def uv(*arguments: str | Path, directory: Path) -> str:
    """Run uv on what it has in its cache, and with the network only where that is not all it needs."""
    try:
        return run(UV, "--quiet", "--offline", *arguments, directory=directory)
    except AssertionError:
        return run(UV, "--quiet", *arguments, directory=directory)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    uv("build", "--wheel", "--out-dir", directory, directory=ROOT)
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and what uv.lock says that it needs, and nothing else."""
    made = tmp_path_factory.mktemp("installed") / "venv"
    lock = made.parent / "pylock.toml"
    uv("venv", "--python", sys.executable, made, directory=made.parent)
    what = ("--no-default-groups", "--no-emit-project", "--output-file", lock)
    uv("export", "--frozen", *what, directory=ROOT)
    python = made / "bin/python"
    uv("pip", "install", "--python", python, "--requirements", lock, directory=made.parent)
    uv("pip", "install", "--python", python, "--no-deps", wheel, directory=made.parent)
    return made


def packed() -> Iterator[tuple[Path, str]]:
    """Yield each file that has to be in the wheel, and where."""
    for folder, pattern in (
        ("orchestrator", "*.py"),
        ("orchestrator", "*.j2"),
        ("orchestrator", "*.yaml"),
        ("cypher", "*.cypher"),
        ("orchestrator/api/graphiql", "*.html"),
        ("orchestrator/api/graphiql/static", "*"),
        ("orchestrator/api/graphiql/examples", "*"),
        ("graphql/operations", "*"),
        ("examples", "*.yaml"),
    ):
        for file in sorted((ROOT / folder).rglob(pattern)):
            place = file.relative_to(ROOT).as_posix()
            yield file, place if folder.startswith("orchestrator") else f"orchestrator/{place}"
    yield ROOT / "graphql/schema.graphql", "orchestrator/graphql/schema.graphql"
    yield ROOT / "deploy/neo4j/pom.xml", "orchestrator/deploy/neo4j/pom.xml"


def test_the_wheel_holds_every_module_statement_document_prompt_and_example(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        expected = {place: file for file, place in packed()}
        assert sorted(set(expected) - names) == []
        for place, file in expected.items():
            assert archive.read(place) == file.read_bytes(), place
    kinds = {Path(place).suffix for place in expected}
    assert kinds >= {".py", ".j2", ".yaml", ".cypher", ".graphql", ".xml"}
    assert "orchestrator/graph/seed.yaml" in names
    # Without it no type checker looks at the types of the package.
    assert "orchestrator/py.typed" in names


def test_the_wheel_brings_one_package_and_its_licence_and_hides_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    about = f"graph_council-{__version__}.dist-info"
    assert {name.partition("/")[0] for name in names} == {"orchestrator", about}
    assert f"{about}/licenses/LICENSE" in names
    assert [name for name in names if "__pycache__" in name or "test_" in name] == []


def test_the_wheel_names_all_that_it_needs(environment: Path) -> None:
    python = environment / "bin/python"
    run(UV, "pip", "check", "--python", python, directory=environment)


def test_an_installed_wheel_leaves_the_name_graphql_to_graphql_core(environment: Path) -> None:
    program = """
import importlib.util, graphql, orchestrator
print(orchestrator.__file__)
print(graphql.__file__)
print(importlib.util.find_spec("cypher"))
"""
    told = run(environment / "bin/python", "-c", program, directory=environment).split()
    site = next(environment.glob("lib/python*/site-packages"))
    assert told == [
        str(site / "orchestrator/__init__.py"),
        str(site / "graphql/__init__.py"),
        "None",
    ]


def test_the_installed_command_explains_itself(environment: Path) -> None:
    told = run(environment / "bin/council", "--help", directory=environment)
    assert all(command in told for command in ("up", "serve", "ask", "migrate", "doctor"))
    version = run(environment / "bin/council", "--version", directory=environment)
    assert __version__ in version


@pytest.mark.neo4j
async def test_the_service_runs_from_the_installed_wheel(
    environment: Path, empty_graph: Graph, neo4j_server: Neo4jServer, tmp_path: Path
) -> None:
    del empty_graph  # it has no node left
    command = environment / "bin/council"
    async with ServiceProcess(
        home=tmp_path / "home", environment=neo4j_server.environment, command=command
    ) as service:
        await service.ready(seconds=120)
        told = await service.ask(
            "{ service { version ready } roles { name } councils { totalCount } }"
        )
        assert told["service"] == {"version": __version__, "ready": True}
        names = {role["name"] for role in told["roles"]}
        assert names == {"DEV", "QA", "ARCHITECT", "DEVOPS", "DATA"}
        assert told["councils"] == {"totalCount": 5}
        # The client's own documents are in the wheel too.
        assert "dev-council-1" in run(command, "councils", "--url", service.url, directory=tmp_path)
        assert await service.stop() == 0
