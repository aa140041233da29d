"""What deploy/ says of the rest of the project, held against it: no engine is needed to find a wrong name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.local.configuration import SETTINGS, in_environment
from orchestrator.settings import Settings

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
COMPOSE = (ROOT / "deploy/compose.yaml").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
VARIABLES = {field.alias for field in Settings.model_fields.values()}

AFTER_THE_CALLS = 15.0
"""Seconds that the end may take beyond COUNCIL_DRAIN_SECONDS, as README says."""

OF_COMPOSE = {"NEO4J_HTTP_PORT", "NEO4J_BOLT_PORT"}
"""What the compose file asks for besides the service's own settings."""

OF_UVICORN = {"FORWARDED_ALLOW_IPS"}
"""What the service takes besides its own settings."""

NOT_PASSED_ON = {
    # The image says where it listens and where its lock is.
    *("COUNCIL_HOST", "COUNCIL_PORT", "COUNCIL_HOME"),
    # Of the Neo4j beside it, which has the usual ones.
    *("NEO4J_USER", "NEO4J_DATABASE"),
    # Of `council up`, and of the commands that speak to a service.
    *("COUNCIL_BOLT_PORT", "COUNCIL_BROWSER_PORT", "COUNCIL_URL", "COUNCIL_TOKEN"),
}
"""Settings that nobody has to set for the service of the compose file."""


def copied() -> Iterator[str]:
    """Yield what the Dockerfile copies from the checkout."""
    for line in DOCKERFILE.splitlines():
        words = line.split()
        if words[:1] == ["COPY"] and not words[1].startswith("--from"):
            yield from words[1:-1]


def test_everything_the_image_is_built_from_is_there() -> None:
    sources = list(copied())
    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_the_image_gets_everything_that_the_wheel_is_made_of() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    parts = [*wheel["packages"], *wheel["force-include"], PROJECT["project"]["readme"]]
    sources = tuple(copied())
    within = tuple(f"{source}/" for source in sources)
    assert [p for p in parts if p not in sources and not p.startswith(within)] == []


def test_the_image_keeps_what_was_installed_and_needs_no_checkout_beside_it() -> None:
    # Editable, it would point to /source, which stays behind in the stage that built it.
    build, _, last = DOCKERFILE.rpartition("\nFROM ")
    assert re.findall(r"^COPY --from=(.*)$", last, re.MULTILINE) == [
        "build /opt/council /opt/council"
    ]
    installing = [line for line in build.splitlines() if "uv sync" in line]
    assert installing
    assert [
        line
        for line in installing
        if not {"--no-editable", "--no-install-project"} & set(line.split())
    ] == []
    assert "--no-editable" in installing[-1].split()


def test_what_the_image_is_built_from_is_let_through_to_the_engine() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == set(copied())


def test_the_image_takes_uv_in_the_version_that_the_project_names() -> None:
    (pattern,) = re.findall(r"sed -n 's/(.*?)/\\1/p' pyproject\.toml", DOCKERFILE)
    found = re.findall(
        pattern.replace(r"\(", "(").replace(r"\)", ")"),
        (ROOT / "pyproject.toml").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert found == PROJECT["dependency-groups"]["environment"]


def test_the_image_runs_a_python_that_the_project_supports() -> None:
    (version,) = re.findall(r"^ARG PYTHON=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert f">={version}" == PROJECT["project"]["requires-python"]


def test_the_image_does_not_run_as_root_and_is_looked_at_without_tools() -> None:
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", DOCKERFILE, re.MULTILINE)
    assert re.search(r'^    CMD \["python", "-c", ".*/livez', DOCKERFILE, re.MULTILINE)
    assert 'ENTRYPOINT ["council"]\nCMD ["serve"]\n' in DOCKERFILE


@pytest.mark.parametrize(
    "variable", sorted({*re.findall(r"\bCOUNCIL_[A-Z_]+\b", DOCKERFILE)}), ids=str
)
def test_every_variable_of_the_image_is_a_setting(variable: str) -> None:
    assert variable in VARIABLES


def test_compose_gives_the_service_every_setting_that_it_has_a_use_for_and_nothing_else() -> None:
    given = set(SERVICES["council"]["environment"])
    assert given == (VARIABLES - NOT_PASSED_ON) | OF_UVICORN


def test_every_variable_that_compose_asks_for_is_a_setting_or_its_own() -> None:
    asked = set(re.findall(r"\$\{([A-Z0-9_]+)", COMPOSE))
    passed_on = {
        name
        for service in SERVICES.values()
        for name, value in service["environment"].items()
        if value is None
    }
    assert (asked | passed_on) - VARIABLES - OF_COMPOSE - OF_UVICORN == {"HF_TOKEN"}


def test_what_compose_has_no_default_for_is_passed_on_only_where_it_is_set() -> None:
    # As "${VLLM_URL:-}" it would be an empty text where nobody set it.
    environment: dict[str, str | None] = SERVICES["council"]["environment"]
    assert [name for name, value in environment.items() if value and ":-}" in value] == []
    assert environment["VLLM_URL"] is None


def test_compose_runs_the_vllm_and_the_neo4j_that_the_tests_run() -> None:
    versions = (ROOT / "deploy/vllm/versions.env").read_text(encoding="utf-8")
    (vllm,) = re.findall(r"^VLLM_VERSION=(\S+)$", versions, re.MULTILINE)
    assert SERVICES["vllm"]["image"] == f"vllm/vllm-openai:v{vllm}"

    pom = (ROOT / "deploy/neo4j/pom.xml").read_text(encoding="utf-8")
    minor = re.search(r"\b(5\.\d+)\.\d+\b", pom)
    assert minor is not None
    assert SERVICES["neo4j"]["image"] == f"neo4j:{minor[1]}-community"


def test_compose_starts_vllm_only_where_its_profile_is_asked_for() -> None:
    profiles = {name: service.get("profiles") for name, service in SERVICES.items()}
    assert {name for name, asked in profiles.items() if asked} == {"vllm"}
    assert profiles["vllm"] == ["vllm"]


def test_compose_gives_neo4j_the_settings_of_our_own_and_the_service_time_to_end() -> None:
    environment = SERVICES["neo4j"]["environment"]
    for name, value in SETTINGS.items():
        assert environment[in_environment(name)] == value, name
    drain: float = Settings.model_fields["drain_seconds"].default
    grace = float(SERVICES["council"]["stop_grace_period"].removesuffix("s"))
    assert grace > drain + AFTER_THE_CALLS


def test_compose_opens_ports_to_this_machine_alone() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_every_volume_is_declared_and_used() -> None:
    used = {
        volume.partition(":")[0] for service in SERVICES.values() for volume in service["volumes"]
    }
    assert used == set(yaml.safe_load(COMPOSE)["volumes"])
