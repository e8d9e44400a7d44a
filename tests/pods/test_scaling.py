"""Each service from one pod to four and back while deliveries arrive: nothing refused, lost or done twice."""

from __future__ import annotations

import os

import pytest

from tests.e2e.waiting import wait_until
from tests.e2e.world import World
from tests.pods.crowd import crowd_of

pytestmark = pytest.mark.timeout(600)

RATE = float(os.environ.get("OHDC_PODS_RATE") or 200)
SERVICES = ("ingress", "linker", "dispatcher", "installer")
VALUES = {name: {"replicas": 1} for name in SERVICES} | {"kafka": {"partitions": 6}}


@pytest.mark.parametrize("name", SERVICES)
def test_one_to_four_to_one(world: World, name: str) -> None:
    """Under load all the time."""
    crowd = crowd_of(world)
    with crowd.under_load(RATE) as load:
        crowd.step("as it was", lambda: None)
        crowd.scale(name, 4)
        crowd.wait_work(name)
        crowd.scale(name, 1)
    crowd.hold(load)


def test_the_embedded_broker_is_replaced(world: World) -> None:
    """Its pod goes and comes back on its volume at another address: what was accepted is there, and all goes on."""
    crowd = crowd_of(world)
    cluster = crowd.pods.cluster
    with crowd.under_load(RATE / 4) as load:
        cluster.deployment("kafka").live[0].delete()
        crowd.step("another broker", lambda: cluster.wait(120))
        before = len(load.outcomes)
        wait_until(lambda: len(load.outcomes) > before + RATE, 30, "deliveries go on")
    assert list(load.tally()) != [503]
    crowd.hold(load, may_refuse=True)
    assert [pod.describe() for pod in cluster.all_pods() if pod.restarts] == []
