"""The test's side of the simulators: starts their process and calls their control API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[2]


def beside(path: str) -> Path | None:
    """Reference material in a folder `shared` beside or above the repository, where there is one."""
    for parent in ROOT.parents:
        if (parent / "shared" / path).exists():
            return parent / "shared" / path
    return None


class Remote:
    """One simulator; each of its control methods is a method here."""

    def __init__(self, control: str, name: str, base_url: str) -> None:
        self.control = control
        self.name = name
        self.base_url = base_url
        self.session = requests.Session()
        self.session.trust_env = False

    def __getattr__(self, method: str) -> Any:
        def call(**arguments: Any) -> Any:
            answer = self.session.post(f"{self.control}/_sim/{self.name}/{method}", json=arguments, timeout=60)
            body = answer.json()
            if answer.status_code != 200:
                raise RuntimeError(f"{self.name}.{method}: {body['error']}")
            return body["result"]

        return call


class Sims:
    """All simulators in one process of their own."""

    def __init__(self, log: Path | None = None, names: tuple[str, ...] = ()) -> None:
        self.log = log
        self.names = names
        self.process: subprocess.Popen[str] | None = None
        self.jira: Remote
        self.bitbucket: Remote
        self.ohe: Remote
        self.keycloak: Remote

    def start(self) -> Sims:
        """Start the process and wait for its addresses."""
        errors = self.log.open("w") if self.log else None
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.sim.serve", *self.names],
            cwd=ROOT,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the simulators did not start")
        return self.attach(json.loads(line))

    def attach(self, addresses: dict[str, str]) -> Sims:
        """Use simulators that run already: their control address and those of the products."""
        self.addresses = addresses
        self.started = [name for name in addresses if name != "control"]
        for name in self.started:
            setattr(self, name, Remote(addresses["control"], name, addresses[name]))
        return self

    def remotes(self) -> list[Remote]:
        """The simulators that run."""
        return [getattr(self, name) for name in self.started]

    def settle(self) -> None:
        """End of a test: every peer is whole again; fails when one saw a forbidden call."""
        found = [text for remote in self.remotes() for text in remote.forgive()]
        for remote in self.remotes():
            remote.heal()
        assert found == []

    def violations(self) -> list[str]:
        """Everything that was done wrong to any of them."""
        return [text for remote in self.remotes() for text in remote.violations()]

    def stop(self) -> None:
        """End the process and wait for it."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
