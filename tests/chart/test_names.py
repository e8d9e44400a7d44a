"""What no upgrade may change: names by which objects are found, and labels by which pods are selected."""

from __future__ import annotations

import pytest

from tests.chart.helm import EXTENSIONS, RELEASE, SERVICES, render, template

# By kind, without the release's name; a profile has those of its switches.
NAMES = {
    ("everything", "Deployment"): {"ingress", "linker", "dispatcher", "installer"},
    ("everything", "Service"): {"ingress", "linker", "dispatcher", "installer"},
    ("everything", "ServiceAccount"): {"ingress", "linker", "dispatcher", "installer"},
    ("everything", "ConfigMap"): {"kafka-clients", "linker-keda"},
    ("single-vm", "Deployment"): {"ingress", "linker", "dispatcher", "installer"},
    ("single-vm", "StatefulSet"): {"kafka"},
    ("single-vm", "Service"): {"ingress", "linker", "dispatcher", "installer", "kafka"},
    ("takeover-ingress", "Ingress"): {"events", "settings", "sign-in", "pages"},
    ("takeover-gateway", "HTTPRoute"): {"events", "settings", "sign-in", "pages"},
    ("strimzi-tls", "KafkaUser"): {"ingress", "linker", "dispatcher"},
}


@pytest.mark.parametrize(("profile", "kind"), NAMES)
def test_names(profile: str, kind: str) -> None:
    """Another name is a second object beside the first."""
    assert render(profile=profile).names(kind) == NAMES[profile, kind]


@pytest.mark.parametrize("service", [*SERVICES, "kafka"])
def test_selectors(service: str) -> None:
    """Kubernetes refuses another selector; a Service that selects other pods loses those of the version before."""
    chart = render(profile="single-vm")
    labels = {
        "app.kubernetes.io/name": "openhands-dc",
        "app.kubernetes.io/instance": RELEASE,
        "app.kubernetes.io/component": service,
    }
    workload = chart.get("StatefulSet" if service == "kafka" else "Deployment", service)
    assert workload["spec"]["selector"] == {"matchLabels": labels}
    assert chart.get("Service", service)["spec"]["selector"] == labels
    assert labels.items() <= workload["spec"]["template"]["metadata"]["labels"].items()


def test_names_are_within_kubernetes_limits() -> None:
    """However long the release's name is, all names differ and fit; labels too."""
    chart = render(profile="single-vm", release="r" * 53)
    names = [(each["kind"], each["metadata"]["name"]) for each in chart.objects]
    assert len(set(names)) == len(names)
    assert max(len(name) for _, name in names) <= 63
    labels = [value for each in chart.objects for value in each["metadata"]["labels"].values()]
    assert max(len(value) for value in labels) <= 63


@pytest.mark.parametrize(
    ("values", "release", "start"),
    [
        ({}, "openhands-dc", "openhands-dc"),
        ({}, "prod", "prod-openhands-dc"),
        ({}, "my-openhands-dc-2", "my-openhands-dc-2"),
        ({"nameOverride": "dc"}, "prod", "prod-dc"),
        ({"fullnameOverride": "dc"}, "prod", "dc"),
    ],
)
def test_beginning_of_names(values: dict[str, str], release: str, start: str) -> None:
    """As charts have it."""
    names = [each["metadata"]["name"] for each in render(values, release=release).of("Deployment")]
    assert names == [f"{start}-{service}" for service in SERVICES]


@pytest.mark.parametrize("service", SERVICES)
def test_a_version_beside_the_next(service: str) -> None:
    """A pod goes when its successor is ready, never before."""
    spec = render().get("Deployment", service)["spec"]
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    pod = spec["template"]["spec"]
    env = render().env(service)
    assert int(env["OHDC_DRAIN_MS"]) / 1000 + 5 == pod["terminationGracePeriodSeconds"]
    assert ("OHDC_GRACE_MS" in env) == (service != "dispatcher")
    assert all("preStop" not in each.get("lifecycle", {}) for each in pod["containers"])


def test_nothing_is_made_anew_with_each_rendering() -> None:
    """No random value, no time: what Argo CD compares stays equal, and no pod is replaced for nothing."""
    assert template("{}", "everything", EXTENSIONS).out == template("{}", "everything", EXTENSIONS).out
