"""The Makefile on machines that lack something: it says what to install, and does nothing that it need not."""

from __future__ import annotations

import asyncio
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import making
from tests.support.offline import Offline

FAILED_IN_MAKE = 2
"""What make exits with where a command of it failed, whatever that exited with."""


@dataclass(frozen=True, slots=True)
class Made:
    """How a run of make ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A PATH without Python, Java, Maven and Docker."""
    return making.bare_path(tmp_path / "bare")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What make reads of a checkout in which it never ran."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "uv.lock"):
        shutil.copy(making.ROOT / name, folder)
    return folder


@pytest.fixture
def python(path: Path) -> Callable[[str, str], None]:
    """Put a Python of some version on the PATH; the oldest that will do is 3.11."""

    def put(name: str, version: str) -> None:
        fits = 0 if int(version.split(".")[1]) >= 11 else 1
        program = path / name
        program.write_text(
            f"""#!/bin/sh
case "$1" in
  --version) echo "Python {version}" ;;
  -c) exit {fits} ;;
  *) echo "{name} $*" >&2; exit 1 ;;
esac
"""
        )
        program.chmod(0o755)

    return put


@pytest.fixture
def working_python(path: Path) -> Callable[[str, str], None]:
    """Put a Python on the PATH that makes environments, with an uv that finds nothing to do."""
    for tool in ("chmod", "ln", "mkdir"):
        (path / tool).symlink_to(shutil.which(tool) or tool)

    def put(name: str, version: str) -> None:
        program = path / name
        program.write_text(
            f"""#!/bin/sh
case "$1 $2" in
  "--version ") echo "Python {version}" ;;
  "-m venv") rm -rf .venv; mkdir -p .venv/bin; ln -s "$0" .venv/bin/python
    echo "#!/bin/sh" > .venv/bin/uv; chmod +x .venv/bin/uv ;;
esac
"""
        )
        program.chmod(0o755)

    return put


async def make(*arguments: str, directory: Path, **environment: str) -> Made:
    process = await asyncio.create_subprocess_exec(
        "make",
        "--no-print-directory",
        *arguments,
        cwd=directory,
        env={**making.environment(), "LC_ALL": "C", **environment},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await process.communicate()
    return Made(process.returncode or 0, out.decode(), err.decode())


async def test_without_python_make_says_what_to_install(path: Path, checkout: Path) -> None:
    made = await make("run", directory=checkout, PATH=str(path))
    assert made.code == FAILED_IN_MAKE
    assert made.err.startswith("Python 3.11 or later is needed, and python3 is missing.\n")
    assert "sudo apt install python3 python3-venv" in made.err
    assert "brew install python" in made.err
    assert "make PYTHON=/path/to/python" in made.err
    assert not (checkout / ".venv").exists()


async def test_a_python_that_is_too_old_is_named_with_its_version(
    path: Path, checkout: Path, python: Callable[[str, str], None]
) -> None:
    python("python3", "3.9.2")
    made = await make("test", directory=checkout, PATH=str(path))
    assert made.code == FAILED_IN_MAKE
    assert made.err.startswith("Python 3.11 or later is needed, and python3 is Python 3.9.2.\n")


async def test_of_several_pythons_one_that_is_new_enough_is_taken(
    path: Path, checkout: Path, python: Callable[[str, str], None]
) -> None:
    python("python3", "3.9.2")
    python("python3.12", "3.12.7")
    made = await make("environment", directory=checkout, PATH=str(path))
    assert made.out == "Making the environment in .venv with Python 3.12.7.\n"
    # Its venv does not work, as where Debian's python3-venv is not installed.
    assert made.err.startswith("python3.12 -m venv --clear .venv\n")
    assert "sudo apt install python3-venv" in made.err
    assert made.code == FAILED_IN_MAKE


async def test_an_environment_whose_python_is_another_now_or_gone_is_made_anew(
    path: Path, checkout: Path, working_python: Callable[[str, str], None]
) -> None:
    async def made() -> str:
        made = await make("environment", directory=checkout, PATH=str(path))
        assert (made.code, made.err) == (0, "")
        return made.out

    whole = "make: Nothing to be done for 'environment'.\n"
    working_python("python3", "3.11.7")
    assert await made() == "Making the environment in .venv with Python 3.11.7.\n"
    assert await made() == whole

    working_python("python3", "3.11.9")
    assert await made() == whole
    working_python("python3", "3.12.1")
    assert await made() == "Making the environment in .venv with Python 3.12.1.\n"
    assert await made() == whole

    (path / "python3").unlink()
    working_python("python3.13", "3.13.0")
    assert await made() == "Making the environment in .venv with Python 3.13.0.\n"
    assert await made() == whole


async def test_without_java_with_maven_and_without_docker_make_test_says_what_to_install(
    path: Path, tmp_path: Path
) -> None:
    one = "tests/integration/graph/test_migrations.py -k left_alone -p no:cacheprovider"
    made = await make(
        "test",
        f"ARGS={one}",
        directory=making.ROOT,
        PATH=str(path),
        JAVA_HOME="",
        XDG_CACHE_HOME=str(tmp_path / "nothing fetched yet"),
    )
    assert made.code == FAILED_IN_MAKE
    for words in (
        "no Java 17 or later on the PATH or in JAVA_HOME",
        "no Maven (mvn) on the PATH",
        "no Docker (docker) on the PATH",
        "sudo apt install openjdk-17-jre-headless maven",
        "sudo apt install docker.io",
    ):
        assert words in made.out
    assert "Traceback" not in made.out + made.err


async def test_where_the_environment_is_whole_nothing_is_made_and_nothing_fetched(
    tmp_path: Path,
) -> None:
    # Asked first, since it would take away the environment that this test runs in.
    assert (await make("--question", "environment", directory=making.ROOT)).code == 0
    offline = Offline(tmp_path / "offline")
    made = await make("environment", directory=making.ROOT, **offline.environment)
    assert made == Made(0, "make: Nothing to be done for 'environment'.\n", "")
    assert offline.attempts() == []
