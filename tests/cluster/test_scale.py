"""Each service is scaled alone; nodes are drained without an outage; an autoscaler's number survives an upgrade."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from tests.cluster.api import Api, until
from tests.cluster.charts import SERVICES, Helm, Place
from tests.cluster.nodes import STAGE, Nodes
from tests.cluster.test_life import watched

pytestmark = pytest.mark.usefixtures("custom_kinds")

ONE_EACH = tuple(f"{name}.replicas=1" for name in SERVICES)
Kubectl = Callable[..., subprocess.CompletedProcess[str]]


def name_of(place: Place, service: str) -> str:
    """The name of a service's Deployment."""
    return place.deployments()[service]["metadata"]["name"]


def uids(place: Place, service: str) -> set[str]:
    """Its pods."""
    return {pod["metadata"]["uid"] for pod in place.pods(service)}


@pytest.mark.parametrize("service", SERVICES)
def test_one_service_alone_by_helm(place: Place, helm: Helm, service: str, record: Callable[..., None]) -> None:
    place.install(helm, *ONE_EACH)
    others = {name: uids(place, name) for name in SERVICES if name != service}
    first = uids(place, service)
    record(f"{helm} {service} 1 to 4", place.upgrade(helm, *ONE_EACH, f"{service}.replicas=4"))
    assert place.settled(service, 4)
    assert first < uids(place, service), "the first pod stays"
    place.upgrade(helm, *ONE_EACH)
    until(lambda: place.settled(service, 1), "one again")
    assert {name: uids(place, name) for name in others} == others
    place.uninstall(helm)


@pytest.mark.parametrize("service", SERVICES)
def test_one_service_alone_by_kubectl(place: Place, helms: dict[int, Helm], kubectl: Kubectl, service: str) -> None:
    place.install(helms[3], *ONE_EACH)
    others = {name: uids(place, name) for name in SERVICES if name != service}
    for count in (4, 1):
        done = kubectl("-n", place.name, "scale", f"deployment/{name_of(place, service)}", f"--replicas={count}")
        assert done.returncode == 0, done.stderr
        until(lambda count=count: place.settled(service, count), f"{count} pods")
    assert {name: uids(place, name) for name in others} == others
    place.uninstall(helms[3])


def test_an_upgrade_after_scaling_by_hand(place: Place, helm: Helm, kubectl: Kubectl) -> None:
    place.install(helm)
    kubectl("-n", place.name, "scale", f"deployment/{name_of(place, 'linker')}", "--replicas=3")
    until(lambda: place.settled("linker", 3), "three pods")
    place.take_back(helm, "linker.replicas=4")
    assert place.settled("linker", 4)
    place.upgrade(helm, "logLevel=debug")
    assert place.settled("linker", 2)
    place.uninstall(helm)


def test_pods_are_spread_over_the_nodes(place: Place, helms: dict[int, Helm]) -> None:
    place.install(helms[4])
    for service in ("ingress", "linker", "dispatcher"):
        assert len({pod["spec"]["nodeName"] for pod in place.pods(service)}) == 2, service
    place.uninstall(helms[4])


@pytest.mark.parametrize("service", ["ingress", "linker", "dispatcher"])
def test_an_autoscaler_keeps_its_number(place: Place, helm: Helm, kubectl: Kubectl, service: str) -> None:
    """With autoscaling on, the chart sets no number of pods: an upgrade does not undo what the autoscaler did."""
    on = f"{service}.autoscaling.enabled=true"
    place.install(helm, on)
    # What the autoscaler does: it writes the scale subresource.
    kubectl("-n", place.name, "scale", f"deployment/{name_of(place, service)}", "--replicas=3")
    until(lambda: place.settled(service, 3), "three pods")
    place.upgrade(helm, on, "logLevel=debug")
    until(lambda: place.settled(service, 3), "still three pods")
    place.uninstall(helm)


def test_a_drained_node_takes_no_service_away(
    place: Place, helms: dict[int, Helm], kubectl: Kubectl, nodes: Nodes
) -> None:
    place.install(helms[4], "installer.replicas=2")
    node = nodes.names[0]
    try:
        with watched(place) as fewest:
            done = kubectl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=60s")
            assert done.returncode == 0, done.stderr
            for service in SERVICES:
                until(lambda service=service: place.settled(service, 2), f"{service} is whole again")
        assert min(fewest.values()) >= 1, fewest
        assert {pod["spec"]["nodeName"] for pod in place.pods()} == {nodes.names[1]}
    finally:
        kubectl("uncordon", node)
    place.uninstall(helms[4])


def test_a_disruption_that_would_be_an_outage_is_refused(place: Place, api: Api, helms: dict[int, Helm]) -> None:
    place.install(helms[4])
    sick, well = (pod["metadata"]["name"] for pod in place.pods("linker"))
    not_ready = {"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    api.patch(f"{place.core}/pods/{sick}/status", {"status": {"conditions": [not_ready]}}, "strategic")
    budget = f"/apis/policy/v1/namespaces/{place.name}/poddisruptionbudgets/{name_of(place, 'linker')}"
    until(lambda: api.get(budget)["status"].get("disruptionsAllowed") == 0, "the budget has seen it")
    answer = api.call("POST", f"{place.core}/pods/{well}/eviction", {"metadata": {"name": well}})
    assert answer.status_code == 429, answer.text
    assert "disruption budget" in answer.text
    place.uninstall(helms[4])


def test_one_pod_alone_has_no_budget_and_can_be_drained(place: Place, api: Api, helms: dict[int, Helm]) -> None:
    place.install(helms[4], *ONE_EACH)
    assert not api.items(f"/apis/policy/v1/namespaces/{place.name}/poddisruptionbudgets")
    pod = place.pods("linker")[0]["metadata"]["name"]
    answer = api.call("POST", f"{place.core}/pods/{pod}/eviction", {"metadata": {"name": pod}})
    assert answer.status_code == 201, answer.text
    until(lambda: place.settled("linker", 1), "replaced")
    place.uninstall(helms[4])


def test_scaling_up_waits_for_ready_pods(place: Place, helms: dict[int, Helm]) -> None:
    """A pod that does not become ready is no capacity: the others stay as they are."""
    place.install(helms[4])
    before = uids(place, "ingress")
    stage = STAGE.replace(".", r"\.")
    place.helm(helms[4], "upgrade", "ohdc", "deploy/helm/openhands-dc", "--reuse-values", "--set",
               f"ingress.podAnnotations.{stage}=never-ready")  # fmt: skip
    until(lambda: len(place.pods("ingress")) > 2, "one pod more")
    assert before < uids(place, "ingress")
    place.uninstall(helms[4])
