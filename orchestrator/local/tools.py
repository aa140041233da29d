"""What this machine has to run a Neo4j with: Java, Maven, Docker."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from dataclasses import dataclass
from pathlib import Path

OLDEST_JAVA = 17
ANSWER_SECONDS = 20.0
TOO_LATE = 124
"""The exit status of what did not answer in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Java:
    """A Java that is new enough."""

    command: str
    version: str
    """All that it says of itself: another build says something else, and the same one the same whatever options it picked up."""


async def find_java(missing: list[str]) -> Java | None:
    """Answer a Java that is new enough; else add to `missing` what is wrong."""
    found: list[str] = []
    for command in _candidates():
        status, output = await answer(command, "-version")
        version = re.search(r'^\S+ version "(?:1\.)?(\d+)', output, re.MULTILINE)
        if status == 0 and version is not None:
            if int(version[1]) >= OLDEST_JAVA:
                return Java(command=command, version=output[version.start() :])
            found.append(f"{command} is Java {version[1]}")
    missing.append(
        f"no Java {OLDEST_JAVA} or later"
        + (f" ({', '.join(found)})" if found else " on the PATH or in JAVA_HOME")
    )
    return None


def find_maven(missing: list[str]) -> str | None:
    """Answer Maven; else add to `missing` that it is not here."""
    maven = shutil.which("mvn")
    if maven is None:
        missing.append("no Maven (mvn) on the PATH")
    return maven


async def find_docker(missing: list[str]) -> str | None:
    """Answer a Docker whose engine answers; else add to `missing` what is wrong."""
    docker = shutil.which("docker")
    if docker is None:
        missing.append("no Docker (docker) on the PATH")
        return None
    status, output = await answer(docker, "version", "--format", "{{.Server.Version}}")
    if status == 0:
        return docker
    missing.append(
        "no Docker engine answers: " + (output.strip().splitlines() or ["it is silent"])[-1]
    )
    return None


def _candidates() -> list[str]:
    home = os.environ.get("JAVA_HOME")
    candidates = [shutil.which(str(Path(home) / "bin" / "java"))] if home else []
    return [java for java in (*candidates, shutil.which("java")) if java is not None]


async def answer(
    *command: str, environment: dict[str, str] | None = None, seconds: float = ANSWER_SECONDS
) -> tuple[int, str]:
    """Run a short command; answer its exit status and all that it said (`TOO_LATE`: it took too long)."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, env=environment
    )
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate()
    except TimeoutError:
        return TOO_LATE, f"{command[0]} did not answer within {seconds:g} seconds"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, output.decode(errors="replace")
