"""The image's own librdkafka and OpenSSL with a broker as companies run it: TLS, SCRAM users, client certificates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_kafka_access import job, restart
from tests.e2e.world import World
from tests.image.contained import ContainedSecureStack
from tests.image.container import Mount
from tests.run.secure_kafka import SecureKafka
from tests.run.servers import Postgres


@pytest.fixture(scope="module")
def kafka(root: Path, run_dir: Path) -> Iterator[SecureKafka]:
    """A broker of this module's own."""
    server = SecureKafka(run_dir / "secure")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def stack(run_dir: Path, root: Path, kafka: SecureKafka, postgres: Postgres) -> Iterator[ContainedSecureStack]:
    """An installation in containers whose services are users of Kafka."""
    folder = run_dir / "contained"
    folder.mkdir()
    made = ContainedSecureStack(folder, kafka, postgres, {})
    # Certificates and properties under the paths that they have here.
    made.contain(root, Mount(str(run_dir), run_dir))
    try:
        yield made
    finally:
        made.end()


def test_scram_over_tls(world: World) -> None:
    """Topics made, and the main job done, by users with passwords."""
    job(world, "with scram in a container")


def test_client_certificates(world: World) -> None:
    """The same users by certificate, and the main job again."""
    stack = world.stack
    assert isinstance(stack, ContainedSecureStack)
    restart(stack, "tls")
    job(world, "with certificates in a container")
