"""The chart, both Helms, and the namespace of an OpenHands Enterprise beside which it is installed."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.api import APPS, CORE, Api, Object, until
from tests.cluster.plane import ControlPlane

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "helm" / "openhands-dc"
SERVICES = ("ingress", "linker", "dispatcher", "installer")
RBAC = "/apis/rbac.authorization.k8s.io/v1"
RELEASE = "ohdc"
BASE = ("openhands.host=app.example.com",)

# What OHE's own charts leave in their namespace, and the two Secrets of docs/install.md.
SECRETS = {
    "automation-service-key": ("automation-service-key",),
    "jira-dc-app": ("base-url", "client-id", "client-secret", "service-account-email", "service-account-pat"),
    "bitbucket-data-center-app": ("host", "client-id", "client-secret", "bot-token"),
    "postgres-password": ("username", "password", "postgres-password"),
    "ohdc-keycloak-client": ("client-id", "client-secret"),
    "ohdc-seal-keys": ("seal-keys",),
}

# What an uninstall leaves: the data of embedded Kafka.
EMBEDDED_VOLUME = ("PersistentVolumeClaim", "ohdc-openhands-dc-kafka")

# Kinds that others than the chart make or leave: Kubernetes itself, or Helm's record of a release.
NOT_OURS = {"Event", "EndpointSlice", "Endpoints", "ControllerRevision", "Lease", "PodMetrics"}


def documents(text: str) -> list[Object]:
    """The objects of rendered YAML."""
    return [document for document in yaml.safe_load_all(text) if document]


def by_name(rendered: list[Object]) -> dict[tuple[str, str], Object]:
    """The same objects by kind and name, whatever their order."""
    found = {(document["kind"], document["metadata"]["name"]): document for document in rendered}
    assert len(found) == len(rendered), "two objects with the same kind and name"
    return found


def profiles() -> list[Path]:
    """The value profiles that are rendered in the gate."""
    return sorted((CHART / "profiles").glob("*.yaml"))


class Helm:
    """One Helm; `run` fails the test unless it succeeds."""

    def __init__(self, major: int, program: Path, home: Path):
        self.major, self._program, self._home = major, program, home

    def __repr__(self) -> str:
        return f"helm{self.major}"

    def call(
        self, *arguments: str, kubeconfig: str | None = None, timeout: float = 200
    ) -> subprocess.CompletedProcess[str]:
        """One command; the caller looks at its result."""
        folders = {f"HELM_{kind}_HOME": str(self._home / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
        environment = {"PATH": os.environ["PATH"], "HOME": str(self._home), "KUBECONFIG": kubeconfig or "/dev/null"}
        return subprocess.run(
            [self._program, *arguments],
            env=environment | folders,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )

    def run(self, *arguments: str, kubeconfig: str | None = None) -> str:
        """The standard output of a command that must succeed."""
        done = self.call(*arguments, kubeconfig=kubeconfig)
        assert done.returncode == 0, f"{self} {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def render(self, *arguments: str, chart: Path = CHART) -> list[Object]:
        """What `helm template` makes."""
        return documents(self.run("template", RELEASE, str(chart), *arguments))

    @property
    def roll_back_option(self) -> str:
        """The option that undoes a failed install or upgrade."""
        return "--atomic" if self.major == 3 else "--rollback-on-failure"


def settings(values: tuple[str, ...] | list[str]) -> list[str]:
    """Values as options; names of versions stay text."""
    return [word for value in values for word in ("--set", value)]


def next_chart(folder: Path) -> Path:
    """The same chart, one version later: with it the image of every pod is another."""
    copy = folder / "next" / CHART.name
    if not copy.exists():
        shutil.copytree(CHART, copy)
        about = yaml.safe_load((copy / "Chart.yaml").read_text())
        major, minor, patch = about["version"].split("-")[0].split(".")
        about["version"] = f"{major}.{int(minor) + 1}.{patch}"
        about["appVersion"] = "999.0.0"
        (copy / "Chart.yaml").write_text(yaml.safe_dump(about))
    return copy


class Place:
    """A namespace with OHE's Secrets, where the user `installer` may do what a namespace's admin may, and no more."""

    def __init__(self, plane: ControlPlane, api: Api, name: str, secrets: dict[str, tuple[str, ...]] | None = None):
        self.plane, self.api, self.name = plane, api, name
        self.core, self.apps = f"{CORE}/namespaces/{name}", f"{APPS}/namespaces/{name}"
        api.create(f"{CORE}/namespaces", {"metadata": {"name": name}})
        self._allow_installer()
        for secret, keys in (SECRETS if secrets is None else secrets).items():
            self.add_secret(secret, keys)
        until(lambda: api.find(f"{self.core}/serviceaccounts/default"), "default service account")
        self.kubeconfig = plane.ca.kubeconfig("installer", plane.url, name)

    def _allow_installer(self) -> None:
        group = "rbac.authorization.k8s.io"
        subject = {"kind": "User", "name": "installer", "apiGroup": group}
        rule = {
            "apiGroups": ["keda.sh", "gateway.networking.k8s.io", "monitoring.coreos.com", "kafka.strimzi.io"],
            "resources": ["*"],
            "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"],
        }
        path = f"{RBAC}/namespaces/{self.name}"
        self.api.create(f"{path}/roles", {"metadata": {"name": "custom-resources"}, "rules": [rule]})
        for kind, role in (("ClusterRole", "admin"), ("Role", "custom-resources")):
            body = {"metadata": {"name": f"installer-{role}"}, "subjects": [subject]}
            self.api.create(f"{path}/rolebindings", body | {"roleRef": {"kind": kind, "name": role, "apiGroup": group}})

    def add_secret(self, name: str, keys: tuple[str, ...] | list[str]) -> None:
        """A Secret with some text in each key."""
        data = {key: base64.b64encode(f"{name} {key}".encode()).decode() for key in keys}
        self.api.create(f"{self.core}/secrets", {"metadata": {"name": name}, "data": data})

    def helm(self, helm: Helm, *arguments: str) -> str:
        """A command that must succeed, as the user `installer`."""
        return helm.run(*arguments, kubeconfig=self.kubeconfig)

    def install(
        self, helm: Helm, *values: str, chart: Path = CHART, verb: str = "install", more: tuple[str, ...] = ()
    ) -> float:
        """Install or upgrade and wait; the seconds it took."""
        started = time.monotonic()
        options = ["--wait", "--timeout", "90s", *settings([*BASE, *values]), *more]
        self.helm(helm, verb, RELEASE, str(chart), *options)
        return time.monotonic() - started

    def upgrade(self, helm: Helm, *values: str, chart: Path = CHART, more: tuple[str, ...] = ()) -> float:
        """Upgrade and wait; the seconds it took."""
        return self.install(helm, *values, chart=chart, verb="upgrade", more=more)

    def take_back(self, helm: Helm, *values: str) -> None:
        """Upgrade after `kubectl scale` wrote the number of pods: Helm 3 overwrites it, Helm 4 only when told to."""
        if helm.major == 4:
            options = settings([*BASE, *values])
            refused = helm.call("upgrade", RELEASE, str(CHART), *options, kubeconfig=self.kubeconfig)
            assert "conflict" in refused.stderr
            assert ".spec.replicas" in refused.stderr
        self.upgrade(helm, *values, more=("--force-conflicts",) if helm.major == 4 else ())

    def uninstall(self, helm: Helm) -> None:
        """Uninstall and wait."""
        self.helm(helm, "uninstall", RELEASE, "--wait", "--timeout", "90s")

    def deployments(self) -> dict[str, Object]:
        """The Deployments by component."""
        label = "app.kubernetes.io/component"
        return {item["metadata"]["labels"][label]: item for item in self.api.items(f"{self.apps}/deployments")}

    def pods(self, component: str = "") -> list[Object]:
        """Pods that are not being deleted, of one component or all."""
        query = f"?labelSelector=app.kubernetes.io/component={component}" if component else ""
        return [
            pod for pod in self.api.items(f"{self.core}/pods{query}") if not pod["metadata"].get("deletionTimestamp")
        ]

    def ready(self, component: str) -> int:
        """Ready pods of a component."""
        return sum(is_ready(pod) for pod in self.pods(component))

    def settled(self, component: str, count: int) -> bool:
        """Whether a Deployment has just so many pods, all new, ready."""
        deployment = self.deployments()[component]
        status = deployment.get("status", {})
        counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")]
        seen = status.get("observedGeneration") == deployment["metadata"]["generation"]
        return seen and counts == [count] * 4 and len(self.pods(component)) == count

    def objects(self) -> set[tuple[str, str]]:
        """Kind and name of every object in the namespace, of every kind that the API knows."""
        return {found for kind, path in self._lists() for found in self._names(kind, path)}

    def _names(self, kind: str, path: str) -> Iterator[tuple[str, str]]:
        for item in self.api.items(path):
            yield kind, item["metadata"]["name"]

    def _lists(self) -> Iterator[tuple[str, str]]:
        groups = [group["preferredVersion"]["groupVersion"] for group in self.api.get("/apis")["groups"]]
        for base in ["/api/v1", *(f"/apis/{group}" for group in groups)]:
            for resource in self.api.get(base)["resources"]:
                listable = resource["namespaced"] and "list" in resource["verbs"] and "/" not in resource["name"]
                if listable and resource["kind"] not in NOT_OURS:
                    yield resource["kind"], f"{base}/namespaces/{self.name}/{resource['name']}"

    def holds_only(self, wanted: set[tuple[str, str]]) -> None:
        """Until the namespace has just these objects; fails with what is too much and what is missing."""
        found: set[tuple[str, str]] = set()
        with contextlib.suppress(AssertionError):
            until(lambda: found.clear() or found.update(self.objects()) or found == wanted, "", 30, 0.5)
        assert found == wanted, f"too much: {sorted(found - wanted)}, missing: {sorted(wanted - found)}"

    def remove(self) -> None:
        """Delete the namespace; its content goes by itself."""
        self.api.delete(f"{CORE}/namespaces/{self.name}")


def is_ready(pod: Object) -> bool:
    """Whether a pod is ready."""
    conditions = pod.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def dump(value: Any) -> str:
    """JSON that reads well in a failure."""
    return json.dumps(value, indent=1, sort_keys=True)
