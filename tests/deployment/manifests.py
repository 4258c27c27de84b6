"""deploy/kubernetes/ivigilant.yaml from docker-compose.yml: the same services, commands, secrets and limits.

`make manifests` writes it. A manifest is a plain dict, as the reference of the Kubernetes API describes it.
PostgreSQL is the cluster's own: the secrets name its address.
"""

from typing import Any

import yaml

from tests.packages import ROOT

Manifest = dict[str, Any]

PATH = ROOT / "deploy" / "kubernetes" / "ivigilant.yaml"
COMPOSE: Manifest = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
HEAD = """# Written from docker-compose.yml by `make manifests`; docs/operating.md, chapter 2, says how to install it.
# What a site changes is a patch of its own (kustomize), not an edit here.
"""
USER = 10001  # of the image
SCRATCH = {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}}
CERTIFICATE = "listener-tls"  # a secret of type kubernetes.io/tls, with ca.crt when senders show one
CERTIFICATES = {
    "IVIGILANT_MLLP_TLS_CERTIFICATE": "/run/tls/tls.crt",
    "IVIGILANT_MLLP_TLS_KEY": "/run/tls/tls.key",
    "IVIGILANT_MLLP_TLS_CLIENT_CA": "/run/tls/ca.crt",
}
UPDATES = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def manifests() -> list[Manifest]:
    """Return every object, in the order in which they can be applied."""
    services: dict[str, Manifest] = COMPOSE["services"]
    ours = {name: service for name, service in services.items() if service["image"] == "ivigilant"}
    staying = {name: service for name, service in ours.items() if name != "migrate"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ivigilant", "labels": RESTRICTED}},
        _settings(ours["worker"]["environment"]),
        *_redis(services["redis"]),
        _migration(ours["migrate"]),
        *(_deployment(name, service) for name, service in staying.items()),
        *(_door(name, service) for name, service in staying.items() if "ports" in service),
        *_network(ours),
    ]


RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}


def _named(kind: str, api: str, name: str, **rest: Any) -> Manifest:
    labels = {"app.kubernetes.io/name": "ivigilant", "app.kubernetes.io/component": name}
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": name, "namespace": "ivigilant", "labels": labels},
        **rest,
    }


def _chosen(name: str) -> Manifest:
    return {"app.kubernetes.io/name": "ivigilant", "app.kubernetes.io/component": name}


def _settings(environment: dict[str, str]) -> Manifest:
    """Return what every role is told; what differs stands in its own pod."""
    data = environment | {"IVIGILANT_BASE_URL": "https://ivigilant.example.org"}
    return _named("ConfigMap", "v1", "settings", data=data)


def _deployment(name: str, service: Manifest) -> Manifest:
    replicas = service["deploy"].get("replicas", 1)
    template = {"metadata": {"labels": _chosen(name)}, "spec": _pod(name, service)}
    updates = UPDATES if name != "beat" else {"type": "Recreate"}  # one beat at a time
    spec = {"replicas": replicas, "strategy": updates, "selector": {"matchLabels": _chosen(name)}, "template": template}
    return _named("Deployment", "apps/v1", name, spec=spec)


def _migration(service: Manifest) -> Manifest:
    template = {"metadata": {"labels": _chosen("migrate")}, "spec": _pod("migrate", service)}
    template["spec"]["restartPolicy"] = "OnFailure"
    return _named("Job", "batch/v1", "migrate", spec={"backoffLimit": 20, "template": template})


def _pod(name: str, service: Manifest) -> Manifest:
    files = [each for each in service["secrets"] if not each.startswith("mllp_")]  # those of `listener-tls` instead
    secrets = {"name": "secrets", "secret": {"secretName": "ivigilant", "items": _items(files)}}
    volumes = [SCRATCH, {"name": "site", "configMap": {"name": "site"}}, secrets]
    mounts = [
        {"name": "tmp", "mountPath": "/tmp"},
        {"name": "site", "mountPath": "/etc/ivigilant", "readOnly": True},
        {"name": "secrets", "mountPath": "/run/secrets", "readOnly": True},
    ]
    if name in ("listener", "beat"):
        only = {} if name == "listener" else {"items": _items(["tls.crt"])}
        volumes.append({"name": "tls", "secret": {"secretName": CERTIFICATE} | only})
        mounts.append({"name": "tls", "mountPath": "/run/tls", "readOnly": True})
    container = {
        "name": name,
        "image": "ivigilant",
        "args": service["command"],
        "envFrom": [{"configMapRef": {"name": "settings"}}],
        "env": [{"name": key, "value": text} for key, text in sorted(_own_settings(name, service).items())],
        "ports": [{"containerPort": port} for port in _ports(service)],
        "resources": _resources(service),
        "volumeMounts": mounts,
        "securityContext": _closed(),
    } | _probes(service)
    return _spec(USER, USER, [container], volumes) | {"terminationGracePeriodSeconds": _grace(service)}


def _own_settings(name: str, service: Manifest) -> dict[str, str]:
    """Return what this role alone is told. It asks itself by its own address: a service waits for the answer."""
    common = COMPOSE["services"]["worker"]["environment"]
    own = {key: text for key, text in service["environment"].items() if common.get(key) != text}
    if name == "listener":
        own |= CERTIFICATES | {"IVIGILANT_MLLP_HOST": "127.0.0.1"}
    if name == "beat":
        own |= {"IVIGILANT_CANARY_TRUSTS": CERTIFICATES["IVIGILANT_MLLP_TLS_CERTIFICATE"]}
    if name == "inbox":
        own |= {"IVIGILANT_HTTP_HOST": "127.0.0.1", "IVIGILANT_TRUSTED_PROXIES": "10.0.0.0/8"}
    return own


def _spec(user: int, group: int, containers: list[Manifest], volumes: list[Manifest]) -> Manifest:
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": user,
            "runAsGroup": group,
            "fsGroup": group,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": containers,
        "volumes": volumes,
    }


def _closed() -> Manifest:
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def _items(names: list[str]) -> list[Manifest]:
    return [{"key": name, "path": name} for name in names]


def _ports(service: Manifest) -> list[int]:
    return [int(port.rsplit(":", 1)[1]) for port in service.get("ports", [])]


def _grace(service: Manifest) -> int:
    return int(service.get("stop_grace_period", "30s").removesuffix("s"))


def _resources(service: Manifest) -> Manifest:
    limits = service["deploy"]["resources"]["limits"]
    memory = limits["memory"] + "i"
    return {"requests": {"cpu": "100m", "memory": memory}, "limits": {"cpu": limits["cpus"], "memory": memory}}


def _probes(service: Manifest) -> Manifest:
    """Return how it is seen that the role works: restarted when it does not, and given no visitors until it does."""
    if "healthcheck" not in service:
        return {}
    health = service["healthcheck"]
    words = ["sh", "-c", health["test"][1]] if health["test"][0] == "CMD-SHELL" else health["test"][1:]
    check = {
        "exec": {"command": [word.replace("$$", "$") for word in words]},
        "periodSeconds": int(health["interval"].removesuffix("s")),
        "timeoutSeconds": int(health["timeout"].removesuffix("s")),
    }
    return {
        "startupProbe": check | {"periodSeconds": 5, "failureThreshold": 24},
        "livenessProbe": check | {"failureThreshold": health["retries"]},
        "readinessProbe": check | {"failureThreshold": 1},
    }


def _door(name: str, service: Manifest) -> Manifest:
    """Return the way in: for MLLP from outside the cluster, with the sender's address; for pages by the ingress."""
    outside = (
        {"type": "LoadBalancer", "externalTrafficPolicy": "Local"} if name == "listener" else {"type": "ClusterIP"}
    )
    ports = [{"port": port, "targetPort": port} for port in _ports(service)]
    return _named("Service", "v1", name, spec=outside | {"selector": _chosen(name), "ports": ports})


def _redis(service: Manifest) -> list[Manifest]:
    user, group = (int(number) for number in service["user"].split(":"))
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}}
    volumes = [SCRATCH, {"name": "secrets", "secret": {"secretName": "ivigilant", "items": _items(service["secrets"])}}]
    container = {
        "name": "redis",
        "image": service["image"],
        "command": service["command"],
        "ports": [{"containerPort": 6379}],
        "resources": _resources(service),
        "securityContext": _closed(),
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},
            {"name": "secrets", "mountPath": "/run/secrets", "readOnly": True},
            {"name": "data", "mountPath": "/data"},
        ],
    } | _probes(service)
    spec = {
        "serviceName": "redis",
        "replicas": 1,
        "selector": {"matchLabels": _chosen("redis")},
        "template": {
            "metadata": {"labels": _chosen("redis")},
            "spec": _spec(user, group, [container], volumes),
        },
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
    }
    return [
        _named(
            "Service", "v1", "redis", spec={"selector": _chosen("redis"), "ports": [{"port": 6379, "targetPort": 6379}]}
        ),
        _named("StatefulSet", "apps/v1", "redis", spec=spec),
    ]


def _network(ours: dict[str, Manifest]) -> list[Manifest]:
    """Return who may speak with whom: nobody, but by these."""
    everyone: Manifest = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "ivigilant"}}}
    names = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    kept = [{"protocol": "TCP", "port": port} for port in (5432, 6379)]
    doors = [port for service in ours.values() for port in _ports(service)]
    among = {"to": [everyone], "ports": [{"protocol": "TCP", "port": port} for port in doors]}
    policies = [
        _policy("nobody", {}, ["Ingress", "Egress"]),
        _policy(
            "inside",
            {"matchLabels": {"app.kubernetes.io/name": "ivigilant"}},
            ["Egress"],
            egress=[{"ports": names}, {"ports": kept}, among],
        ),
        _policy(
            "redis",
            {"matchLabels": _chosen("redis")},
            ["Ingress"],
            ingress=[{"from": [everyone], "ports": [{"protocol": "TCP", "port": 6379}]}],
        ),
    ]
    for name, service in ours.items():
        chosen = {"matchLabels": _chosen(name)}
        if ports := _ports(service):
            into = [{"ports": [{"protocol": "TCP", "port": port} for port in ports]}]
            policies.append(_policy(f"into-{name}", chosen, ["Ingress"], ingress=into))
        if "outside" in service["networks"]:
            policies.append(_policy(f"out-of-{name}", chosen, ["Egress"], egress=[{}]))
    return policies


def _policy(name: str, chosen: Manifest, types: list[str], **rules: list[Manifest]) -> Manifest:
    spec = {"podSelector": chosen, "policyTypes": types, **rules}
    return _named("NetworkPolicy", "networking.k8s.io/v1", name, spec=spec)


class _Plain(yaml.SafeDumper):
    """Writes what occurs twice twice: anchors do not reach from one manifest to the next."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def page() -> str:
    """Return the file as text."""
    documents = [yaml.dump(each, Dumper=_Plain, sort_keys=False, width=120) for each in manifests()]
    return HEAD + "---\n" + "---\n".join(documents)


if __name__ == "__main__":
    PATH.write_text(page())
    print(PATH.relative_to(ROOT))
