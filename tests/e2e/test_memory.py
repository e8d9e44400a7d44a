"""The largest bodies while no broker confirms: the services stay within the limits that the chart gives them."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from tests.e2e.signing import encode, post, pull_body
from tests.e2e.waiting import wait_until
from tests.e2e.world import World
from tests.sim.client import ROOT

SETTINGS = {"OHDC_PRODUCE_DEADLINE_MS": "1000"}
MIB = 1024 * 1024


def most(world: World, service: str) -> int:
    """MiB that it had at most."""
    process = world.stack.programs[service].process
    assert process is not None
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
    assert found
    return int(found[1]) // 1024


def limit(service: str) -> int:
    """MiB that the chart gives it."""
    values = yaml.safe_load((ROOT / "deploy/helm/openhands-dc/values.yaml").read_text())
    text = values[service]["resources"]["limits"]["memory"]
    assert text.endswith("Mi")
    return int(text[:-2])


def test_large_bodies_while_brokers_are_away(world: World) -> None:
    """The budget of bodies, the producer's queue, and what parsing takes, all at once; then the linker reads it."""
    body = encode(pull_body(world, "@openhands " + "x" * 9 * MIB))
    assert post(world, world.bitbucket, body).status_code == 200
    world.stack.kafka.pause()
    try:
        for _ in range(4):
            with ThreadPoolExecutor(6) as pool:
                answers = pool.map(lambda _: post(world, world.bitbucket, body).status_code, range(8))
                assert set(answers) == {503}
    finally:
        world.stack.kafka.resume()
    wait_until(lambda: post(world, world.bitbucket, body).status_code == 200, 30, "deliveries go on")
    world.drained(30)
    used = {service: most(world, service) for service in ("ingress", "linker")}
    print(used)
    assert [service for service, mib in used.items() if mib > 0.9 * limit(service)] == []
