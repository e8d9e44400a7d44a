"""An installation whose programs run in containers of the image; it shares the network with the tests' servers."""

from __future__ import annotations

import os
from pathlib import Path

from tests.e2e.secure_stack import SecureStack
from tests.e2e.stack import SERVICES, Program, Stack
from tests.e2e.waiting import wait_until
from tests.image.container import USER, Container, Mount, run_container

SEAL = "/etc/ohdc/seal"


class ContainedProgram(Program):
    """A service as process 1 of a container."""

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


class Contained(Stack):
    """A Stack whose services, migration and topics run in containers, once contain() was called."""

    root: Path
    mounts: list[Mount]

    def contain(self, root: Path, *more: Mount) -> None:
        """Before anything starts."""
        seal = self.folder / "seal"
        seal.mkdir()
        self.keys = seal / "seal-keys"
        self.root = root
        self.mounts = [Mount(SEAL, seal), *more]
        for name in SERVICES:
            self.programs[name] = ContainedProgram(name, self.folder, self.env_for(name), root, self.mounts)

    def common_env(self) -> dict[str, str]:
        """Nothing of this machine's environment."""
        kept = super().common_env()
        return {name: value for name, value in kept.items() if name not in ("PATH", "HOME", "LANG", "TZ")}

    def env_for(self, program: str) -> dict[str, str]:
        """Paths as they are in the container."""
        return super().env_for(program) | {"OHDC_SEAL_KEYS_FILE": f"{SEAL}/seal-keys"}

    def ohdc(self, *args: str, text: str | bytes | None = None) -> str:
        """What a pod's init containers run, runs in one."""
        if args[0] == "migrate" or args[:2] == ("topics", "apply"):
            return self.in_container(*args)
        return super().ohdc(*args, text=text)

    def in_container(self, *args: str) -> str:
        """Run `ohdc` in a container and expect success; what it said."""
        # As a node does with a Secret's files for the pod's fsGroup.
        os.chown(self.keys, 0, USER)
        self.keys.chmod(0o440)
        argv = ["/usr/local/bin/ohdc", *args]
        env = self.common_env() | self.peers_env() | self.settings | {"OHDC_SEAL_KEYS_FILE": f"{SEAL}/seal-keys"}
        container = run_container(self.root, argv, env, folder=self.folder, mounts=self.mounts, groups=[USER])
        try:
            assert container.wait(60) == 0, container.text()
        finally:
            container.remove()
        return container.text()

    def end(self) -> None:
        """stop(), and no container left whatever happens."""
        try:
            self.stop()
        finally:
            for program in self.programs.values():
                if isinstance(program, ContainedProgram) and program.process:
                    program.container.remove()


class ContainedSecureStack(Contained, SecureStack):
    """The same on a broker with TLS and users."""
