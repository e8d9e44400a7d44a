"""Every profile passes `helm lint --strict` and renders what is valid for the oldest and newest Kubernetes at hand."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.chart.helm import CHART, PROFILES, RELEASE, helm, render
from tests.chart.schemas import MINORS, faults, is_known

# Kinds whose schemas cannot be had: Strimzi publishes its CRDs in no registry. tests/chart/test_kafka.py looks at them.
UNKNOWN = {"kafka.strimzi.io/v1/KafkaTopic", "kafka.strimzi.io/v1/KafkaUser"}


def test_there_are_twelve_profiles() -> None:
    """As many as the documentation says."""
    assert len(PROFILES) == 12


@pytest.mark.parametrize("profile", PROFILES)
def test_lint(profile: str) -> None:
    """Helm's own check."""
    answer = helm("lint", "--strict", str(CHART), "-f", str(CHART / "profiles" / f"{profile}.yaml"))
    assert answer.status == 0, answer.out + answer.err


@pytest.mark.parametrize("minor", MINORS)
@pytest.mark.parametrize("profile", PROFILES)
def test_schema(profile: str, minor: str) -> None:
    """Strictly: no unknown field, no wrong type."""
    found = [f for o in render(profile=profile).objects if f"{o['apiVersion']}/{o['kind']}" not in UNKNOWN
             for f in faults(minor, o)]
    assert not found, "\n".join(found)


def test_schema_of_what_replaces_other_objects() -> None:
    """ServiceMonitor and Prometheus trigger, which no profile has."""
    values = {"monitoring.serviceMonitor.enabled": True,
              "dispatcher.autoscaling": {"enabled": True, "prometheus": {"serverAddress": "http://prometheus:9090"}}}
    found = [f for o in render(values).objects for f in faults(MINORS[-1], o)]
    assert not found, "\n".join(found)


# An error that the schemas must see: name, kind, path to the place, what is put there.
WRONG: list[tuple[str, str, str, Any]] = [
    ("unknown field of a pod", "Deployment", "spec.template.spec.terminationGracePeriod", 5),
    ("unknown field of a container", "Deployment", "spec.template.spec.containers.0.command_", []),
    ("a text for a number", "Deployment", "spec.replicas", "2"),
    ("unknown field of a rule", "NetworkPolicy", "spec.ingress.0.form", []),
    ("a missing selector", "Deployment", "spec.selector", None),
    ("unknown field of a path", "Ingress", "spec.rules.0.http.paths.0.pathtype", "Exact"),
    ("unknown field of a route", "HTTPRoute", "spec.rules.0.matches.0.paths", {}),
    ("unknown kind of a match", "HTTPRoute", "spec.rules.0.matches.0.path.type", "Prefix"),
    ("unknown field of an endpoint", "PodMonitor", "spec.podMetricsEndpoints.0.intervall", "30s"),
    ("a number for a duration", "PodMonitor", "spec.podMetricsEndpoints.0.interval", 30),
    ("a number in a trigger", "ScaledObject", "spec.triggers.0.metadata.lagThreshold", 5),
    ("unknown field of a trigger", "ScaledObject", "spec.triggers.0.metdata", {}),
]


@pytest.mark.parametrize(("kind", "path", "value"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_schemas_see(kind: str, path: str, value: Any) -> None:
    """A broken object is refused."""
    values = {"routing.gateway": {"enabled": True, "parentRefs": [{"name": "gateway"}]}, "takeover.events": True,
              "linker.autoscaling.enabled": True}
    thing = copy.deepcopy(render(values).of(kind)[-1])
    assert not faults(MINORS[-1], thing)
    *parents, last = path.split(".")
    place: Any = thing
    for key in parents:
        place = place[int(key)] if isinstance(place, list) else place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    assert faults(MINORS[-1], thing)


@pytest.mark.parametrize("profile", PROFILES)
def test_objects_are_ours(profile: str) -> None:
    """No object is the cluster's or another namespace's, none comes twice; all carry the labels that OHE's have."""
    objects = render(profile=profile).objects
    ids = [(o["kind"], o["metadata"]["name"]) for o in objects]
    assert len(ids) == len(set(ids))
    for thing in objects:
        metadata = thing["metadata"]
        assert metadata["namespace"] == "openhands", thing["kind"]
        assert is_known(MINORS[-1], thing) or f"{thing['apiVersion']}/{thing['kind']}" in UNKNOWN
        assert "helm.sh/hook" not in metadata.get("annotations", {})
        labels = metadata["labels"]
        assert labels["app.kubernetes.io/part-of"] == "openhands"
        assert labels["app.kubernetes.io/instance"] == RELEASE
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
