"""What deploy/kubernetes.yaml says of the rest of the project, held against it: no cluster is needed to find a wrong name."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from orchestrator.settings import Settings
from tests.unit.test_deploy import AFTER_THE_CALLS, DOCKERFILE

ROOT = Path(__file__).parents[2]
PARTS: dict[str, dict[str, Any]] = {
    part["kind"]: part
    for part in yaml.safe_load_all((ROOT / "deploy/kubernetes.yaml").read_text(encoding="utf-8"))
}
POD: dict[str, Any] = PARTS["Deployment"]["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]
ENVIRONMENT: dict[str, dict[str, Any]] = {one["name"]: one for one in CONTAINER["env"]}
FIELDS = {field.alias: field for field in Settings.model_fields.values()}
IMAGE = dict(re.findall(r"\b(COUNCIL_[A-Z]+)=(\S+)", DOCKERFILE))


def test_every_variable_is_a_setting() -> None:
    assert set(ENVIRONMENT) - set(FIELDS) == set()


def test_no_secret_stands_in_it() -> None:
    secrets = {name for name in ENVIRONMENT if "Secret" in str(FIELDS[name].annotation)}
    assert secrets
    assert [name for name in secrets if "value" in ENVIRONMENT[name]] == []


def test_callers_are_asked_for_a_token_that_the_secret_has() -> None:
    (mount,) = [one for one in CONTAINER["volumeMounts"] if one["name"] == "tokens"]
    (volume,) = [one for one in POD["spec"]["volumes"] if one["name"] == "tokens"]
    (item,) = volume["secret"]["items"]
    there = PurePosixPath(mount["mountPath"]) / item["path"]
    assert ENVIRONMENT["COUNCIL_TOKENS_FILE"]["value"] == str(there)
    assert "COUNCIL_ANONYMOUS" not in ENVIRONMENT


def test_one_secret_has_all_that_is_taken_of_one() -> None:
    password = ENVIRONMENT["NEO4J_PASSWORD"]["valueFrom"]["secretKeyRef"]
    volumes = [one["secret"]["secretName"] for one in POD["spec"]["volumes"] if "secret" in one]
    assert {password["name"], *volumes} == {"graph-council"}


def test_it_is_the_user_of_the_image_and_writes_nothing_but_its_lock() -> None:
    user = POD["spec"]["securityContext"]
    assert f"\nUSER {user['runAsUser']}:{user['runAsGroup']}\n" in DOCKERFILE
    assert user["runAsNonRoot"]
    assert CONTAINER["securityContext"]["readOnlyRootFilesystem"]
    writable = [one["mountPath"] for one in CONTAINER["volumeMounts"] if not one.get("readOnly")]
    assert writable == [IMAGE["COUNCIL_HOME"]]


def test_kubernetes_sets_none_of_our_variables() -> None:
    assert POD["spec"]["enableServiceLinks"] is False


def test_it_has_time_to_end() -> None:
    drain: float = Settings.model_fields["drain_seconds"].default
    before: float = CONTAINER["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert POD["spec"]["terminationGracePeriodSeconds"] >= before + drain + AFTER_THE_CALLS


def test_probes_and_the_service_go_where_it_listens() -> None:
    (port,) = CONTAINER["ports"]
    assert str(port["containerPort"]) == IMAGE["COUNCIL_PORT"]
    probes = {name: CONTAINER[name]["httpGet"] for name in ("livenessProbe", "readinessProbe")}
    assert probes == {
        "livenessProbe": {"path": "/livez", "port": port["name"]},
        "readinessProbe": {"path": "/readyz", "port": port["name"]},
    }
    assert [one["targetPort"] for one in PARTS["Service"]["spec"]["ports"]] == [port["name"]]


def test_all_that_selects_its_pods_finds_them() -> None:
    labels = POD["metadata"]["labels"]
    selectors = [
        PARTS["Deployment"]["spec"]["selector"]["matchLabels"],
        PARTS["Service"]["spec"]["selector"],
        PARTS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
    ]
    assert selectors == [labels, labels, labels]


def test_an_update_ends_no_process_before_another_is_ready() -> None:
    assert PARTS["Deployment"]["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert (
        PARTS["Deployment"]["spec"]["replicas"]
        > PARTS["PodDisruptionBudget"]["spec"]["minAvailable"]
    )


def test_a_node_can_be_drained_while_no_process_is_ready_as_without_neo4j() -> None:
    assert PARTS["PodDisruptionBudget"]["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
