"""deploy/kubernetes: as docker-compose.yml has it, as the Kubernetes API takes it, no wider open than it must be."""

from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.deployment import manifests
from tests.deployment.manifests import COMPOSE, Manifest

DOCUMENTS: list[Manifest] = list(yaml.safe_load_all(manifests.PATH.read_text()))
PODS: dict[str, Manifest] = {
    each["metadata"]["name"]: each["spec"]["template"]["spec"]
    for each in DOCUMENTS
    if each["kind"] in {"Deployment", "StatefulSet", "Job"}
}
NEWEST = kubernetes_validate.latest_version()


def of_kind(kind: str) -> list[Manifest]:
    return [each for each in DOCUMENTS if each["kind"] == kind]


def test_the_manifests_are_those_of_the_compose_file() -> None:
    assert manifests.PATH.read_text() == manifests.page(), "make manifests"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: f"{each['kind']}-{each['metadata']['name']}")
def test_kubernetes_takes_each_manifest(document: Manifest) -> None:
    kubernetes_validate.validate(document, NEWEST, strict=True)


def test_a_word_that_kubernetes_does_not_know_would_be_found() -> None:
    document = of_kind("Deployment")[0] | {"spec": {"replica": 1}}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, NEWEST, strict=True)


def test_every_service_runs_with_its_command_and_its_secrets_and_no_others() -> None:
    services = {name: each for name, each in COMPOSE["services"].items() if name != "postgres"}

    assert set(PODS) == set(services)
    for name, service in services.items():
        (container,) = PODS[name]["containers"]
        words = container.get("args", container.get("command"))
        assert words == service["command"]
        (given,) = [each["secret"]["items"] for each in PODS[name]["volumes"] if each["name"] == "secrets"]
        of_tls = [each for each in service["secrets"] if each.startswith("mllp_")]  # of the secret listener-tls here
        assert [each["key"] for each in given] == [each for each in service["secrets"] if each not in of_tls]
        assert bool(of_tls) == ("tls" in {each["name"] for each in PODS[name]["volumes"]})


def test_every_mount_has_a_volume_and_every_secret_and_setting_its_source() -> None:
    sources = {each["metadata"]["name"] for each in DOCUMENTS if each["kind"] == "ConfigMap"} | {"site"}
    for pod in PODS.values():
        (container,) = pod["containers"]
        claimed = {"data"} if container["name"] == "redis" else set()
        assert {each["name"] for each in container["volumeMounts"]} == {
            each["name"] for each in pod["volumes"]
        } | claimed
        assert {each["configMapRef"]["name"] for each in container.get("envFrom", [])} <= sources


def test_no_pod_may_do_what_it_need_not() -> None:
    for pod in PODS.values():
        (container,) = pod["containers"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]


def test_a_role_asks_itself_for_its_health_without_the_service_that_waits_for_the_answer() -> None:
    """A service sends visitors to pods that are ready; a pod that asks through it would never become so."""
    own = {"listener": "IVIGILANT_MLLP_HOST", "inbox": "IVIGILANT_HTTP_HOST"}
    for name, setting in own.items():
        (container,) = PODS[name]["containers"]
        assert container["readinessProbe"]["exec"]["command"] == ["ivigilant", "doctor", "--only", name]
        assert {"name": setting, "value": "127.0.0.1"} in container["env"]


def test_nobody_listens_in_the_clear_to_what_comes_from_outside_the_cluster() -> None:
    text = manifests.PATH.read_text()

    (container,) = PODS["listener"]["containers"]
    assert "IVIGILANT_MLLP_PLAINTEXT" not in text
    assert {"name": "IVIGILANT_MLLP_TLS_CERTIFICATE", "value": "/run/tls/tls.crt"} in container["env"]


def test_only_the_listener_and_the_inbox_are_reached_from_outside_and_nobody_else_speaks_out_but_who_sends() -> None:
    policies: dict[str, Any] = {each["metadata"]["name"]: each["spec"] for each in of_kind("NetworkPolicy")}

    assert policies["nobody"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    open_to_all = {
        name for name, spec in policies.items() if any("from" not in each for each in spec.get("ingress", []))
    }
    assert open_to_all == {"into-listener", "into-inbox"}
    speak_out = {name for name, spec in policies.items() if {} in spec.get("egress", [])}
    assert speak_out == {f"out-of-{role}" for role in ("listener", "worker", "order-worker", "beat", "inbox")}
