"""The chart's HorizontalPodAutoscaler at work: the control plane's own controller follows the CPU that the pods use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.api import Api, until
from tests.cluster.charts import Helm, Place
from tests.cluster.metrics import Metrics
from tests.cluster.plane import ControlPlane
from tests.cluster.test_life import watched

pytestmark = pytest.mark.usefixtures("custom_kinds")

ON = "ingress.autoscaling.enabled=true"
REQUEST = 50  # millicores that a pod of ingress asks for
TARGET = 70  # wanted use in percent of that


@pytest.fixture(scope="module")
def metrics(plane: ControlPlane, api: Api) -> Iterator[Metrics]:
    """The metrics API."""
    made = Metrics(api, plane.ca)
    made.start()
    yield made
    made.stop()


def size(place: Place) -> int:
    """Wanted pods of ingress."""
    return place.deployments()["ingress"]["spec"]["replicas"]


def test_ingress_follows_its_load(place: Place, helm: Helm, metrics: Metrics) -> None:
    metrics.use[place.name] = REQUEST * TARGET // 100
    place.install(helm, ON)
    until(lambda: place.settled("ingress", 2), "the least number")
    # Twice the wanted use: twice the pods; more than that ends at the most.
    metrics.use[place.name] = 2 * REQUEST * TARGET // 100
    until(lambda: size(place) >= 4, "more pods")
    metrics.use[place.name] = 10 * REQUEST
    until(lambda: place.settled("ingress", 6), "the greatest number")
    place.upgrade(helm, ON, "logLevel=debug")
    assert place.settled("ingress", 6), "an upgrade keeps what the autoscaler has chosen"
    metrics.use[place.name] = 1
    until(lambda: place.settled("ingress", 2), "the least number again")
    place.uninstall(helm)


def test_autoscaling_is_switched_on_and_off(place: Place, helm: Helm, metrics: Metrics) -> None:
    """Kubernetes reads a number that is no longer there as 1, until the autoscaler has looked: known, and short."""
    metrics.use[place.name] = REQUEST * TARGET // 100
    place.install(helm)
    assert size(place) == 2
    with watched(place) as fewest:
        place.upgrade(helm, ON)
        until(lambda: place.settled("ingress", 2), "the least number")
    assert fewest["ingress"] >= 1
    place.upgrade(helm)
    until(lambda: place.settled("ingress", 2), "the number of the values")
    place.uninstall(helm)
