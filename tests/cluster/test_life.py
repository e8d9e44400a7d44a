"""One release from install to uninstall, as an admin of one namespace, by both Helms and by one after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.cluster.api import Api
from tests.cluster.charts import CHART, EMBEDDED_VOLUME, RELEASE, SERVICES, Helm, Place, is_ready

pytestmark = pytest.mark.usefixtures("custom_kinds")

DEFAULT_REPLICAS = {"ingress": 2, "linker": 2, "dispatcher": 2, "installer": 1}


def all_settled(place: Place) -> bool:
    """Whether every Deployment has the pods of the default values, all new and ready."""
    return all(place.settled(name, count) for name, count in DEFAULT_REPLICAS.items())


def images(place: Place) -> set[str]:
    """The images of ohdc in the Deployments."""
    return {
        container["image"]
        for deployment in place.deployments().values()
        for part in ("initContainers", "containers")
        for container in deployment["spec"]["template"]["spec"][part]
    }


@contextmanager
def watched(place: Place) -> Iterator[dict[str, int]]:
    """Watches the Deployments while a block runs: the fewest ready pods of each."""
    fewest = {name: place.ready(name) for name in SERVICES}
    stop = threading.Event()
    broken: list[BaseException] = []

    def look() -> None:
        try:
            while not stop.wait(0.1):
                for name, deployment in place.deployments().items():
                    fewest[name] = min(fewest[name], deployment["status"].get("readyReplicas", 0))
        except BaseException as error:
            broken.append(error)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield fewest
    finally:
        stop.set()
        thread.join()
    assert not broken, broken


def test_install_upgrade_rollback_uninstall(place: Place, helm: Helm, newer: Path, record: Callable[..., None]) -> None:
    before = place.objects()
    record(f"{helm} install to Ready", place.install(helm))
    assert set(place.deployments()) == set(SERVICES)
    assert all_settled(place)
    assert all(is_ready(pod) for pod in place.pods())
    first = images(place)

    with watched(place) as fewest:
        record(f"{helm} upgrade of values", place.upgrade(helm, "logLevel=debug"))
        record(f"{helm} upgrade to the next version", place.upgrade(helm, "logLevel=debug", chart=newer))
    assert fewest == DEFAULT_REPLICAS, "a rollout must never go below the wanted pods"
    assert all_settled(place)
    assert not images(place) & first

    with watched(place) as fewest:
        place.helm(helm, "rollback", RELEASE, "1", "--wait", "--timeout", "90s")
    assert fewest == DEFAULT_REPLICAS
    assert all_settled(place)
    assert images(place) == first

    started = time.monotonic()
    place.uninstall(helm)
    record(f"{helm} uninstall", time.monotonic() - started)
    place.holds_only(before | {EMBEDDED_VOLUME})


def test_an_upgrade_without_a_change_restarts_nothing(place: Place, helm: Helm) -> None:
    place.install(helm)
    pods = {pod["metadata"]["uid"] for pod in place.pods()}
    generations = {name: item["metadata"]["generation"] for name, item in place.deployments().items()}
    place.upgrade(helm)
    assert {pod["metadata"]["uid"] for pod in place.pods()} == pods
    assert {name: item["metadata"]["generation"] for name, item in place.deployments().items()} == generations
    place.uninstall(helm)


def test_a_change_of_one_service_restarts_only_that(place: Place, helm: Helm) -> None:
    place.install(helm)
    others = {name: {pod["metadata"]["uid"] for pod in place.pods(name)} for name in SERVICES}
    place.upgrade(helm, "linker.workers=7")
    assert not {pod["metadata"]["uid"] for pod in place.pods("linker")} & others.pop("linker")
    for name, uids in others.items():
        assert {pod["metadata"]["uid"] for pod in place.pods(name)} == uids, name
    place.uninstall(helm)


def test_one_helm_takes_over_from_the_other(place: Place, helms: dict[int, Helm], newer: Path) -> None:
    before = place.objects()
    place.install(helms[3])
    first = images(place)
    place.upgrade(helms[4], "logLevel=debug", chart=newer)
    assert all_settled(place)
    assert not images(place) & first
    place.upgrade(helms[3], "logLevel=warn")
    assert all_settled(place)
    assert images(place) == first
    place.helm(helms[4], "rollback", RELEASE, "2", "--wait", "--timeout", "90s")
    assert not images(place) & first
    place.uninstall(helms[3])
    place.holds_only(before | {EMBEDDED_VOLUME})


def test_server_side_apply_takes_over_from_helm_3(place: Place, helms: dict[int, Helm]) -> None:
    place.install(helms[3])
    place.upgrade(helms[4], "logLevel=debug", more=("--server-side=true",))
    place.upgrade(helms[4], "logLevel=warn", more=("--server-side=true",))
    assert all_settled(place)
    environment = place.deployments()["ingress"]["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "OHDC_LOG_LEVEL", "value": "warn"} in environment
    place.uninstall(helms[4])


def test_two_releases_in_two_namespaces(place: Place, make_place: Callable[..., Place], helm: Helm) -> None:
    other = make_place()
    place.install(helm)
    other.install(helm, "kafka.prefix=second.")
    assert all_settled(place)
    assert all_settled(other)
    names = {item["metadata"]["name"] for item in place.deployments().values()}
    assert names == {item["metadata"]["name"] for item in other.deployments().values()}
    place.uninstall(helm)
    assert all_settled(other)
    other.uninstall(helm)


def test_the_volume_of_embedded_kafka_is_used_again(place: Place, api: Api, helm: Helm) -> None:
    claim = f"{place.core}/persistentvolumeclaims/{EMBEDDED_VOLUME[1]}"
    place.install(helm)
    uid = api.get(claim)["metadata"]["uid"]
    place.uninstall(helm)
    place.install(helm)
    assert api.get(claim)["metadata"]["uid"] == uid
    place.uninstall(helm)


def test_installed_objects_carry_what_the_release_says(place: Place, helm: Helm) -> None:
    """No lookup and nothing random: what the cluster holds is what `helm template` prints for the same kinds."""
    place.install(helm)
    held = list(yaml.safe_load_all(place.helm(helm, "get", "manifest", RELEASE)))
    kinds = [word for kind in custom_apis() for word in ("--api-versions", kind)]
    printed = helm.render("--namespace", place.name, "--set", "openhands.host=app.example.com", *kinds)
    key = lambda item: (item["kind"], item["metadata"]["name"])  # noqa: E731
    assert sorted(filter(None, held), key=key) == sorted(printed, key=key)
    assert CHART.name in place.helm(helm, "list")
    place.uninstall(helm)


def custom_apis() -> list[str]:
    """What a cluster with the CRDs offers beyond Helm's own list."""
    return [
        "monitoring.coreos.com/v1",
        "monitoring.coreos.com/v1/PodMonitor",
        "monitoring.coreos.com/v1/ServiceMonitor",
    ]
