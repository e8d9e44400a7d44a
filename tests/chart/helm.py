"""Renders the chart, and finds things in what came out. Equal renderings are made once."""

from __future__ import annotations

import copy
import functools
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy/helm/openhands-dc"
HELM = os.environ.get("OHDC_HELM", str(ROOT / "build/chart-tools/bin/helm"))
PROFILES = sorted(p.stem for p in (CHART / "profiles").glob("*.yaml"))
SERVICES = ("ingress", "linker", "dispatcher", "installer")
NAMESPACE = "openhands"
RELEASE = "openhands-dc"
# What a cluster with KEDA, prometheus-operator and the Gateway API has beside its own.
EXTENSIONS = ("keda.sh/v1alpha1", "monitoring.coreos.com/v1/PodMonitor", "monitoring.coreos.com/v1/ServiceMonitor",
              "gateway.networking.k8s.io/v1")
HOST = {"openhands.host": "app.example.com"}

Object = dict[str, Any]


def nested(dotted: dict[str, Any]) -> Object:
    """{"a.b": 1} as {"a": {"b": 1}}."""
    out: Object = {}
    for path, value in dotted.items():
        *parents, last = path.split(".")
        place = out
        for key in parents:
            place = place.setdefault(key, {})
        place[last] = copy.deepcopy(value)
    return out


@dataclass(frozen=True)
class Answer:
    """How a run of Helm ended."""

    status: int
    out: str
    err: str


def helm(*arguments: str, stdin: str = "") -> Answer:
    """Run Helm."""
    ran = subprocess.run([HELM, *arguments], input=stdin, capture_output=True, text=True, timeout=60)
    return Answer(ran.returncode, ran.stdout, ran.stderr)


def template(values: str, profile: str | None, apis: tuple[str, ...], release: str = RELEASE) -> Answer:
    """`helm template` with a profile and, over it, values as YAML."""
    files = ["-f", str(CHART / "profiles" / f"{profile}.yaml")] if profile else []
    more = [word for api in apis for word in ("--api-versions", api)]
    return helm("template", release, str(CHART), "--namespace", NAMESPACE, *files, "-f", "-", *more, stdin=values)


class Rendered:
    """The objects of one rendering."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.objects: list[Object] = [d for d in yaml.load_all(text, Loader=yaml.CSafeLoader) if d]

    def of(self, kind: str) -> list[Object]:
        """All objects of a kind."""
        return [o for o in self.objects if o["kind"] == kind]

    def names(self, kind: str) -> set[str]:
        """Their names, without the release's."""
        return {self.short(o) for o in self.of(kind)}

    @staticmethod
    def short(thing: Object) -> str:
        """An object's name without the release's; empty where it is just that."""
        return str(thing["metadata"]["name"]).removeprefix(RELEASE).removeprefix("-")

    def get(self, kind: str, name: str) -> Object:
        """One object by its short name."""
        found = [o for o in self.of(kind) if self.short(o) == name]
        assert len(found) == 1, f"{len(found)} of {kind} {name}: there are {sorted(self.names(kind))}"
        return found[0]

    def workloads(self) -> Iterator[Object]:
        """What has a pod template."""
        return (o for o in self.objects if o["kind"] in ("Deployment", "StatefulSet"))

    def pod(self, service: str) -> Object:
        """The pod spec of a service (or of kafka)."""
        kind = "StatefulSet" if service == "kafka" else "Deployment"
        spec: Object = self.get(kind, service)["spec"]["template"]["spec"]
        return spec

    def container(self, service: str, name: str | None = None) -> Object:
        """A container or init container of a pod; without a name the service's own."""
        pod = self.pod(service)
        found = [c for c in [*pod["containers"], *pod.get("initContainers", [])] if c["name"] == (name or service)]
        assert len(found) == 1, f"container {name or service} of {service}"
        return found[0]

    def env(self, service: str, name: str | None = None) -> dict[str, Any]:
        """Environment of a container: NAME to its text, or to what is below valueFrom."""
        return {e["name"]: e.get("value", e.get("valueFrom")) for e in self.container(service, name).get("env", [])}


@functools.cache
def _rendered(values: str, profile: str | None, apis: tuple[str, ...], release: str) -> Rendered:
    answer = template(values, profile, apis, release)
    assert answer.status == 0, answer.err
    return Rendered(answer.out)


def render(values: dict[str, Any] | None = None, profile: str | None = None, *,
           apis: tuple[str, ...] = EXTENSIONS, release: str = RELEASE) -> Rendered:
    """Render with values by their dotted paths, over a profile or over nothing but the host."""
    whole = nested((HOST if profile is None else {}) | (values or {}))
    return _rendered(json.dumps(whole, sort_keys=True), profile, apis, release)


def refusal(values: dict[str, Any], apis: tuple[str, ...] = EXTENSIONS) -> str:
    """What Helm says of values that it must refuse."""
    answer = template(json.dumps(nested(HOST | values)), None, apis)
    assert answer.status != 0, "these values were taken"
    return answer.err


@functools.cache
def default_values() -> Object:
    """values.yaml, not to be changed."""
    values: Object = yaml.safe_load((CHART / "values.yaml").read_text())
    return values


def values_with(path: tuple[str, ...], value: Any) -> Object:
    """values.yaml with one value replaced."""
    out = copy.deepcopy(default_values())
    place = out
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return out
