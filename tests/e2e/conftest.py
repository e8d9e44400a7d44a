"""Fixtures: one Kafka and one PostgreSQL for the run, one fresh installation for each module."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stack import Stack, bin_dir
from tests.e2e.world import World, make_world
from tests.run.servers import Kafka, Postgres, scratch_dir


def pytest_configure(config: pytest.Config) -> None:
    """Markers."""
    config.addinivalue_line("markers", "prove: longer than the gate, has a make target of its own")
    config.addinivalue_line("markers", "asan: also run with sanitized programs (OHDC_BIN)")


@pytest.fixture(scope="session")
def run_dir() -> Iterator[Path]:
    """Folder of this run; kept when OHDC_E2E_KEEP is set."""
    folder = scratch_dir("e2e")
    yield folder
    if os.environ.get("OHDC_E2E_KEEP"):
        print(f"kept: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def kafka(run_dir: Path) -> Iterator[Kafka]:
    """A real single-node Kafka."""
    server = Kafka(run_dir)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres(run_dir: Path) -> Iterator[Postgres]:
    """A real PostgreSQL."""
    server = Postgres(run_dir)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def programs() -> Path:
    """The folder of the programs, which must have been built."""
    folder = bin_dir()
    missing = [
        name
        for name in ("ohdc", "ohdc-ingress", "ohdc-linker", "ohdc-dispatcher", "ohdc-installer")
        if not (folder / name).exists()
    ]
    if missing:
        pytest.fail(f"not built: {', '.join(missing)} in {folder}", pytrace=False)
    return folder


@pytest.fixture(scope="module")
def stack(
    request: pytest.FixtureRequest, run_dir: Path, programs: Path, kafka: Kafka, postgres: Postgres
) -> Iterator[Stack]:
    """A fresh installation; a module's SETTINGS change its environment."""
    folder = run_dir / request.module.__name__.rpartition(".")[2]
    folder.mkdir()
    made = Stack(folder, kafka, postgres, getattr(request.module, "SETTINGS", {}))
    made.move(getattr(request.module, "JIRA", {}), getattr(request.module, "BITBUCKET", {}))
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def running(stack: Stack) -> World:
    """The installation with its world, services running."""
    return make_world(stack)


@pytest.fixture
def world(running: World) -> Iterator[World]:
    """The world; after each test no peer may have seen a forbidden call."""
    yield running
    running.stack.sims.settle()
