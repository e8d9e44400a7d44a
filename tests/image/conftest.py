"""The end-to-end fixtures, with every program of ohdc in a container of the image."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import tests.e2e.conftest as e2e
from tests.e2e.stack import SERVICES, Program, Stack
from tests.e2e.waiting import wait_until
from tests.image.container import USER, Container, Mount, image_root, run_container, why_not
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


class ContainedProgram(Program):
    """A service as process 1 of a container; it shares the network with the tests' servers."""

    container: Container

    def __init__(self, name: str, folder: Path, env: dict[str, str], root: Path, mounts: list[Mount]) -> None:
        super().__init__(name, folder, env)
        self.root = root
        self.mounts = mounts

    def start(self, wait: bool = True) -> None:
        """Start; with wait, until it says it is ready."""
        argv = [f"/usr/local/bin/ohdc-{self.name}"]
        self.container = run_container(self.root, argv, self.env, folder=self.log.parent, mounts=self.mounts)
        self.log = self.container.log
        self.process = self.container.process
        if wait:
            wait_until(self.ready, 20, f"{self.name} is ready; its log is {self.log}")


class ContainedStack(Stack):
    """An installation whose services, migration and topics run in containers."""

    def __init__(self, folder: Path, kafka: Kafka, postgres: Postgres, root: Path) -> None:
        super().__init__(folder, kafka, postgres)
        self.root = root
        seal = folder / "seal"
        seal.mkdir()
        self.keys = seal / "seal-keys"
        self.mounts = [Mount("/etc/ohdc/seal", seal)]

    def common_env(self) -> dict[str, str]:
        """Nothing of this machine's environment."""
        kept = super().common_env()
        return {name: value for name, value in kept.items() if name not in ("PATH", "HOME", "LANG", "TZ")}

    def env_for(self, program: str) -> dict[str, str]:
        """Paths as they are in the container."""
        return super().env_for(program) | {"OHDC_SEAL_KEYS_FILE": "/etc/ohdc/seal/seal-keys"}

    def ohdc(self, *args: str, text: str | bytes | None = None) -> str:
        """What a pod's init containers run, runs in one."""
        if args[0] not in ("migrate", "topics"):
            return super().ohdc(*args, text=text)
        if self.keys.exists():
            # As a node does with a Secret's files for the pod's fsGroup.
            os.chown(self.keys, 0, USER)
            self.keys.chmod(0o440)
        argv = ["/usr/local/bin/ohdc", *args]
        env = self.env_for("ohdc")
        container = run_container(self.root, argv, env, folder=self.folder, mounts=self.mounts, groups=[USER])
        try:
            assert container.wait(60) == 0, container.text()
        finally:
            container.remove()
        return container.text()


@pytest.fixture(scope="module")
def stack(
    request: pytest.FixtureRequest,
    run_dir: Path,
    root: Path,
    kafka: Kafka,
    postgres: Postgres,
) -> Iterator[ContainedStack]:
    """A fresh installation in containers."""
    folder = run_dir / request.module.__name__.rpartition(".")[2]
    folder.mkdir()
    made = ContainedStack(folder, kafka, postgres, root)
    for name in SERVICES:
        made.programs[name] = ContainedProgram(name, folder, made.env_for(name), root, made.mounts)
    try:
        yield made
    finally:
        try:
            made.stop()
        finally:
            for program in made.programs.values():
                if isinstance(program, ContainedProgram) and program.process:
                    program.container.remove()
