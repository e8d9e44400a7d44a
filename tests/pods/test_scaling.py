"""Each service from one pod to four and back while deliveries arrive: nothing refused, lost or done twice."""

from __future__ import annotations

import os

import pytest

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
