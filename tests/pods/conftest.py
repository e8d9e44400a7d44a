"""Fixtures: the node's network, one PostgreSQL for the run, one installation of the chart for each module."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import pytest_configure, run_dir, world  # noqa: F401
from tests.e2e.world import World, make_world
from tests.pods.container import Image
from tests.pods.images import kafka, now
from tests.pods.installation import Pods
from tests.pods.network import Network
from tests.pods.servers import NodePostgres


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without root there are no network namespaces."""
    if os.environ.get("OHDC_PODS_NODE"):
        return
    for item in items:
        item.add_marker(pytest.mark.skip(reason="pods need root, runc and nftables (tests/pods/run)"))


@pytest.fixture(scope="session")
def network(run_dir: Path) -> Network:  # noqa: F811
    """Names and addresses of this run."""
    return Network(run_dir)


@pytest.fixture(scope="session")
def postgres(run_dir: Path, network: Network) -> Iterator[NodePostgres]:  # noqa: F811
    """OHE's PostgreSQL."""
    server = NodePostgres(run_dir)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def images() -> dict[str, Image]:
    """Images by name."""
    return {"ohdc.test/openhands-dc:now": now(), "docker.io/apache/kafka:4.3.1": kafka()}


@pytest.fixture(scope="module")
def kind() -> type[Pods]:
    """What is installed; a module may have its own."""
    return Pods


@pytest.fixture(scope="module")
def stack(
    kind: type[Pods],
    request: pytest.FixtureRequest,
    run_dir: Path,  # noqa: F811
    network: Network,
    postgres: NodePostgres,
    images: dict[str, Image],
) -> Iterator[Pods]:
    """A fresh installation; a module's VALUES change the chart's."""
    folder = run_dir / request.module.__name__.rpartition(".")[2]
    folder.mkdir()
    made = kind(folder, network, postgres, images, getattr(request.module, "VALUES", {}))
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def running(stack: Pods) -> World:
    """The installation with its world, pods running."""
    return make_world(stack)
