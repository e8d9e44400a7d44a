"""Replicas, autoscaling, budgets and monitors: each only where it is switched on and makes sense."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.helm import EXTENSIONS, SERVICES, refusal, render

SCALED = ("ingress", "linker", "dispatcher")
DEFAULT_REPLICAS = {"ingress": 2, "linker": 2, "dispatcher": 2, "installer": 1}


@pytest.mark.parametrize("service", SERVICES)
def test_replicas(service: str) -> None:
    """The default."""
    assert render().get("Deployment", service)["spec"]["replicas"] == DEFAULT_REPLICAS[service]


def test_nothing_scales_by_itself() -> None:
    """Unless it is switched on."""
    kinds = {o["kind"] for o in render().objects}
    assert not kinds & {"HorizontalPodAutoscaler", "ScaledObject", "TriggerAuthentication"}


@pytest.mark.parametrize("service", SCALED)
def test_autoscaled_deployment_has_no_replicas(service: str) -> None:
    """Or an upgrade would set them back; the others keep theirs, and nothing else begins to scale."""
    rendered = render({f"{service}.autoscaling.enabled": True})
    for other in SERVICES:
        assert ("replicas" in rendered.get("Deployment", other)["spec"]) == (other != service)
    kinds = ["HorizontalPodAutoscaler", "ScaledObject"]
    wanted = kinds[service != "ingress"]
    assert {k: rendered.names(k) for k in kinds} == {k: {service} if k == wanted else set() for k in kinds}


def test_hpa() -> None:
    """Ingress by its use of CPU."""
    values = {"enabled": True, "minReplicas": 3, "maxReplicas": 9, "targetCPUUtilizationPercentage": 55}
    spec = render({"ingress.autoscaling": values}).get("HorizontalPodAutoscaler", "ingress")["spec"]
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "openhands-dc-ingress"}
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 9)
    assert spec["metrics"] == [{"type": "Resource", "resource": {
        "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 55}}}]


def trigger(service: str, values: dict[str, Any]) -> dict[str, Any]:
    """The one trigger of a service's ScaledObject."""
    rendered = render({f"{service}.autoscaling.enabled": True} | values)
    (found,) = rendered.get("ScaledObject", service)["spec"]["triggers"]
    return found


@pytest.mark.parametrize(("values", "path", "wanted"), [
    ({}, "bootstrapServers", "openhands-dc-kafka.openhands.svc:9092"),
    ({}, "consumerGroup", "ohdc.linker"),
    ({}, "topic", "ohdc.webhook.v1"),
    ({}, "lagThreshold", "200"),
    ({}, "offsetResetPolicy", "earliest"),
    ({}, "version", "2.8.0"),
    ({}, "sasl", None),
    ({}, "tls", None),
    ({"linker.autoscaling.lagThreshold": 7}, "lagThreshold", "7"),
    ({"kafka.prefix": "x."}, "consumerGroup", "x.linker"),
    ({"kafka.prefix": "x."}, "topic", "x.webhook.v1"),
])
def test_linker_trigger(values: dict[str, Any], path: str, wanted: str | None) -> None:
    """The lag of its group."""
    found = trigger("linker", values)
    assert found["type"] == "kafka"
    assert found["metadata"].get(path) == wanted
    assert "authenticationRef" not in found


SASL = {"kafka.mode": "external", "kafka.external.brokers": ["b:1"], "kafka.external.caSecret": "ca",
        "kafka.external.users.linker": {"username": "u", "existingSecret": "s"},
        "kafka.external.users.all": {"username": "a", "existingSecret": "t"}}
TLS = {"kafka.mode": "external", "kafka.external.brokers": ["b:1"], "kafka.external.securityProtocol": "SSL",
       "kafka.external.users.all": {"existingSecret": "t"}}
NAME = {"parameter": "username", "name": "openhands-dc-linker-keda", "key": "username"}
CA = {"parameter": "ca", "name": "ca", "key": "ca.crt"}


@pytest.mark.parametrize(("values", "metadata", "secrets", "configs"), [
    (SASL, {"sasl": "scram_sha512", "tls": "enable"},
     [{"parameter": "password", "name": "s", "key": "password"}, CA], [NAME]),
    (SASL | {"kafka.external.saslMechanism": "SCRAM-SHA-256"}, {"sasl": "scram_sha256", "tls": "enable"},
     [{"parameter": "password", "name": "s", "key": "password"}, CA], [NAME]),
    (SASL | {"kafka.external.saslMechanism": "PLAIN", "kafka.external.securityProtocol": "SASL_PLAINTEXT"},
     {"sasl": "plaintext"}, [{"parameter": "password", "name": "s", "key": "password"}], [NAME]),
    (TLS, {"tls": "enable"}, [{"parameter": "cert", "name": "t", "key": "tls.crt"},
                              {"parameter": "key", "name": "t", "key": "tls.key"}], None),
    (TLS | {"caBundle.enabled": True}, {"tls": "enable"},
     [{"parameter": "cert", "name": "t", "key": "tls.crt"}, {"parameter": "key", "name": "t", "key": "tls.key"}],
     [{"parameter": "ca", "name": "openhands-ca-bundle", "key": "ca-bundle.crt"}]),
    ({"kafka.mode": "strimzi", "kafka.strimzi.cluster": "main"}, {"tls": "enable"},
     [{"parameter": "cert", "name": "openhands-dc-linker", "key": "user.crt"},
      {"parameter": "key", "name": "openhands-dc-linker", "key": "user.key"},
      {"parameter": "ca", "name": "main-cluster-ca-cert", "key": "ca.crt"}], None),
], ids=["scram 512", "scram 256", "plain", "mtls", "mtls with the bundle", "strimzi"])
def test_keda_proves_itself(values: dict[str, Any], metadata: dict[str, str], secrets: Any, configs: Any) -> None:
    """As the linker's user, with its Secret."""
    found = trigger("linker", values)
    assert {k: v for k, v in found["metadata"].items() if k in ("sasl", "tls")} == metadata
    assert found["authenticationRef"] == {"name": "openhands-dc-linker"}
    rendered = render({"linker.autoscaling.enabled": True} | values)
    spec = rendered.get("TriggerAuthentication", "linker")["spec"]
    assert spec["secretTargetRef"] == secrets
    assert spec.get("configMapTargetRef") == configs
    if NAME in (configs or []):
        assert rendered.get("ConfigMap", "linker-keda")["data"] == {"username": "u"}


def test_dispatcher_trigger() -> None:
    """The number of jobs that wait, as a dispatcher's metrics tell it."""
    found = trigger("dispatcher", {"dispatcher.autoscaling.jobsWaiting": 5})
    assert found == {"type": "metrics-api", "metadata": {
        "url": "http://openhands-dc-dispatcher.openhands.svc:9090/metrics", "format": "prometheus",
        "valueLocation": "ohdc_jobs_waiting", "targetValue": "5"}}


def test_dispatcher_trigger_by_prometheus() -> None:
    """Instead, where its address is given."""
    found = trigger("dispatcher", {"dispatcher.autoscaling.prometheus.serverAddress": "http://prometheus:9090"})
    assert found == {"type": "prometheus", "metadata": {
        "serverAddress": "http://prometheus:9090", "threshold": "8",
        "query": 'max(ohdc_jobs_waiting{namespace="openhands"})'}}


@pytest.mark.parametrize("service", ["linker", "dispatcher"])
def test_scaled_object(service: str) -> None:
    """Between its bounds, never to zero."""
    values = {f"{service}.autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 3}}
    spec = render(values).get("ScaledObject", service)["spec"]
    assert spec["scaleTargetRef"] == {"name": f"openhands-dc-{service}"}
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (2, 3)
    assert "idleReplicaCount" not in spec


@pytest.mark.parametrize("service", ["linker", "dispatcher"])
def test_without_keda(service: str) -> None:
    """The API that is missing is named, and what to do."""
    said = refusal({f"{service}.autoscaling.enabled": True}, apis=())
    assert f"{service}.autoscaling.enabled" in said and "keda.sh/v1alpha1" in said and f"{service}.replicas" in said


def autoscaled(service: str, least: int) -> dict[str, Any]:
    """Values of an autoscaled service."""
    return {f"{service}.autoscaling": {"enabled": True, "minReplicas": least, "maxReplicas": 3}}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(("replicas", "is_there"), [(0, False), (1, False), (2, True), (5, True)])
def test_budget(service: str, replicas: int, is_there: bool) -> None:
    """Above one replica only: at one it would block every drain."""
    rendered = render({f"{service}.replicas": replicas})
    assert (service in rendered.names("PodDisruptionBudget")) == is_there
    off = render({f"{service}.replicas": replicas, f"{service}.podDisruptionBudget.enabled": False})
    assert service not in off.names("PodDisruptionBudget")


@pytest.mark.parametrize("service", SCALED)
@pytest.mark.parametrize(("least", "is_there"), [(1, False), (2, True)])
def test_budget_of_an_autoscaled_service(service: str, least: int, is_there: bool) -> None:
    """What counts is the least number."""
    values = autoscaled(service, least) | {f"{service}.replicas": 3 - least}
    assert (service in render(values).names("PodDisruptionBudget")) == is_there


@pytest.mark.parametrize("most", [2, "50%"])
def test_budget_spec(most: Any) -> None:
    """Of this service's pods, and sick ones hold nothing up."""
    spec = render({"linker.podDisruptionBudget.maxUnavailable": most}).get("PodDisruptionBudget", "linker")["spec"]
    assert spec["maxUnavailable"] == most
    assert spec["selector"] == render().get("Deployment", "linker")["spec"]["selector"]
    assert spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


POD, SERVICE = "monitoring.coreos.com/v1/PodMonitor", "monitoring.coreos.com/v1/ServiceMonitor"


@pytest.mark.parametrize(("values", "apis", "wanted"), [
    ({}, (), set()),
    ({}, (POD,), {"PodMonitor"}),
    ({}, (SERVICE,), set()),
    ({"monitoring.podMonitor.enabled": False}, (POD, SERVICE), set()),
    ({"monitoring.serviceMonitor.enabled": True}, (POD, SERVICE), {"ServiceMonitor"}),
    ({"monitoring.serviceMonitor.enabled": True}, (SERVICE,), {"ServiceMonitor"}),
    ({"monitoring.serviceMonitor.enabled": True}, (), set()),
])
def test_monitors(values: dict[str, Any], apis: tuple[str, ...], wanted: set[str]) -> None:
    """One of the two, and only where its CRD is."""
    rendered = render(values, apis=apis)
    assert {k for k in ("PodMonitor", "ServiceMonitor") if rendered.of(k)} == wanted


@pytest.mark.parametrize(("kind", "key", "endpoints"), [
    ("PodMonitor", "podMonitor", "podMetricsEndpoints"), ("ServiceMonitor", "serviceMonitor", "endpoints")])
def test_monitor(kind: str, key: str, endpoints: str) -> None:
    """All four services by their admin port, not the broker; with the labels by which Prometheus finds it."""
    values = {"monitoring.serviceMonitor.enabled": kind == "ServiceMonitor",
              f"monitoring.{key}.labels": {"release": "p"}, f"monitoring.{key}.interval": "7s"}
    rendered = render(values)
    monitor = rendered.get(kind, "")
    assert monitor["metadata"]["labels"]["release"] == "p"
    assert monitor["spec"][endpoints] == [{"port": "admin", "path": "/metrics", "interval": "7s"}]
    selector = monitor["spec"]["selector"]
    (expression,) = selector["matchExpressions"]
    assert sorted(expression["values"]) == sorted(SERVICES)
    for service in SERVICES:
        thing = rendered.get("Service", service) if kind == "ServiceMonitor" else {
            "metadata": rendered.get("Deployment", service)["spec"]["template"]["metadata"]}
        assert selector["matchLabels"].items() <= thing["metadata"]["labels"].items()
        assert "admin" in {p["name"] for p in rendered.container(service)["ports"]}


def test_apis_do_not_matter_otherwise() -> None:
    """Apart from monitors, a cluster's extensions change nothing."""
    with_all = [o for o in render(apis=EXTENSIONS).objects if o["kind"] != "PodMonitor"]
    assert with_all == render(apis=()).objects
