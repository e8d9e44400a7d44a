"""The end-to-end fixtures, with every program of ohdc in a container of the image."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import tests.e2e.conftest as e2e
from tests.image.contained import Contained
from tests.image.container import image_root, why_not
from tests.run.servers import Kafka, Postgres

pytest_configure = e2e.pytest_configure
run_dir, kafka, postgres, running, world = e2e.run_dir, e2e.kafka, e2e.postgres, e2e.running, e2e.world


@pytest.fixture(scope="session")
def root() -> Path:
    """The image's files."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    return image_root()


@pytest.fixture(scope="module")
def stack(
    request: pytest.FixtureRequest, run_dir: Path, root: Path, kafka: Kafka, postgres: Postgres
) -> Iterator[Contained]:
    """A fresh installation in containers."""
    folder = run_dir / request.module.__name__.rpartition(".")[2]
    folder.mkdir()
    made = Contained(folder, kafka, postgres)
    made.contain(root)
    try:
        yield made
    finally:
        made.end()
