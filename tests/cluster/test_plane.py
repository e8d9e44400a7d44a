"""What the other tests rest on: this API refuses what a real one refuses, and its nodes start nothing too early."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.api import APPS, CORE, Api, Object, until
from tests.cluster.charts import Place, is_ready
from tests.cluster.nodes import STAGE, Nodes

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(name: str, volumes: list[Object] | None = None, stage: str = "", **security: Any) -> Object:
    """A pod of one container."""
    container = {"name": "one", "image": "example.com/one:1", "securityContext": RESTRICTED | security}
    return {
        "metadata": {"name": name, "annotations": {STAGE: stage}},
        "spec": {
            "containers": [container],
            "volumes": volumes or [],
            "initContainers": [container | {"name": "first"}],
        },
    }


@pytest.mark.parametrize(
    ("security", "word"),
    [
        ({"runAsNonRoot": False}, "runAsNonRoot"),
        ({"allowPrivilegeEscalation": True}, "allowPrivilegeEscalation"),
        ({"capabilities": {}}, "capabilities"),
        ({"seccompProfile": {"type": "Unconfined"}}, "seccompProfile"),
    ],
)
def test_a_pod_that_is_not_restricted_is_refused(place: Place, api: Api, security: Object, word: str) -> None:
    answer = api.call("POST", f"{place.core}/pods", pod("bad", **security))
    assert answer.status_code == 403
    assert "violates PodSecurity" in answer.text
    assert word in answer.text


@pytest.mark.parametrize(
    "volume",
    [
        {"secret": {"secretName": "later"}},
        {"secret": {"secretName": "later", "items": [{"key": "word", "path": "word"}]}},
        {"projected": {"sources": [{"secret": {"name": "later"}}]}},
    ],
    ids=["secret", "key", "projected"],
)
def test_a_pod_waits_for_its_secret(place: Place, api: Api, nodes: Nodes, volume: Object) -> None:
    api.create(f"{place.core}/pods", pod("waits", [{"name": "v"} | volume]))
    path = f"{place.core}/pods/waits"
    until(lambda: nodes.waiting.get(path), "the pod is seen to wait")
    assert nodes.waiting[path] == "secrets later"
    assert not is_ready(api.get(path))
    place.add_secret("later", ["word"])
    until(lambda: is_ready(api.get(path)), "ready after its Secret has come")


def test_a_pod_waits_for_its_key(place: Place, api: Api, nodes: Nodes) -> None:
    place.add_secret("short", ["other"])
    source = {"secretName": "short", "items": [{"key": "word", "path": "word"}]}
    api.create(f"{place.core}/pods", pod("waits", [{"name": "v", "secret": source}]))
    path = f"{place.core}/pods/waits"
    until(lambda: nodes.waiting.get(path), "the pod is seen to wait")
    assert nodes.waiting[path] == "key word of secrets short"


def test_optional_is_not_waited_for(place: Place, api: Api) -> None:
    source = {"secretName": "never", "optional": True}
    api.create(f"{place.core}/pods", pod("goes", [{"name": "v", "secret": source}]))
    until(lambda: is_ready(api.get(f"{place.core}/pods/goes")), "ready")


@pytest.mark.parametrize(("stage", "phase"), [("never-ready", "Running"), ("init-fails", "Pending")])
def test_a_stage_keeps_a_pod_from_being_ready(place: Place, api: Api, stage: str, phase: str) -> None:
    api.create(f"{place.core}/pods", pod("staged", stage=stage))
    path = f"{place.core}/pods/staged"
    until(lambda: api.get(path).get("status", {}).get("podIP"), "settled")
    assert api.get(path)["status"]["phase"] == phase
    assert not is_ready(api.get(path))


def test_a_claim_gets_a_volume(place: Place, api: Api) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    api.create(f"{place.core}/persistentvolumeclaims", {"metadata": {"name": "disk"}, "spec": spec})
    path = f"{place.core}/persistentvolumeclaims/disk"
    until(lambda: api.get(path)["status"]["phase"] == "Bound", "bound")


def test_a_deployment_becomes_ready_and_heals(place: Place, api: Api) -> None:
    labels = {"app.kubernetes.io/component": "ingress"}
    template = {"metadata": {"labels": labels}, "spec": pod("x")["spec"]}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    api.create(
        f"{APPS}/namespaces/{place.name}/deployments", {"metadata": {"name": "d", "labels": labels}, "spec": spec}
    )
    until(lambda: place.settled("ingress", 2), "two pods")
    first = place.pods("ingress")[0]["metadata"]["name"]
    api.delete(f"{place.core}/pods/{first}")
    until(lambda: place.settled("ingress", 2) and first not in [p["metadata"]["name"] for p in place.pods()], "healed")


def test_the_installer_may_do_nothing_outside_its_namespace(place: Place, make_place: Any) -> None:
    other = make_place()
    certificate = (place.plane.ca.path("installer.crt"), place.plane.ca.path("installer.key"))
    installer = Api(place.plane.url, certificate, place.plane.ca.path("ca.crt"))
    assert installer.call("GET", f"{place.core}/secrets").status_code == 200
    for path in ("/api/v1/nodes", "/apis/rbac.authorization.k8s.io/v1/clusterroles", "/api/v1/secrets"):
        assert installer.call("GET", path).status_code == 403, path
    body = {"metadata": {"name": "made"}}
    assert installer.call("POST", f"{CORE}/namespaces", body).status_code == 403
    assert other.name != place.name


@pytest.mark.usefixtures("custom_kinds")
@pytest.mark.parametrize(
    ("path", "kind", "spec", "word"),
    [
        ("keda.sh/v1alpha1", "ScaledObject", {"triggers": []}, "scaleTargetRef"),
        (
            "keda.sh/v1alpha1",
            "ScaledObject",
            {"scaleTargetRef": {"name": "x"}, "triggers": [], "treshold": 1},
            "treshold",
        ),
        (
            "gateway.networking.k8s.io/v1",
            "HTTPRoute",
            {"rules": [{"matches": [{"path": {"value": "no-slash"}}]}]},
            "start with",
        ),
        (
            "monitoring.coreos.com/v1",
            "PodMonitor",
            {"selector": {}, "podMetricsEndpoints": [{"interval": "often"}]},
            "interval",
        ),
    ],
)
def test_custom_kinds_are_checked(place: Place, api: Api, path: str, kind: str, spec: Object, word: str) -> None:
    body = {"apiVersion": path, "kind": kind, "metadata": {"name": "bad"}, "spec": spec}
    url = f"/apis/{path}/namespaces/{place.name}/{kind.lower()}s?fieldValidation=Strict"
    answer = api.call("POST", url, body)
    assert answer.status_code in (400, 422), answer.text
    assert word in answer.text
