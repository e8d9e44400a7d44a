"""Brokers of somebody else: TLS, one SCRAM user for each service with the rights of `ohdc topics plan` and no other."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from tests.e2e.secure_stack import USERS, SecureStack
from tests.e2e.world import World
from tests.pods.installation import COMPONENT, Pods
from tests.pods.network import Network
from tests.run.secure_kafka import SecureKafka
from tests.sim.client import ROOT

HOST, ADDRESS = "broker.example.com", "10.99.0.9"
PORT = 9096
VALUES: dict[str, Any] = {
    "kafka": {
        "mode": "external",
        "partitions": 6,
        "external": {
            "brokers": [f"{HOST}:{PORT}"],
            "createTopics": True,
            "caSecret": "kafka-ca",
            "users": {user: {"username": f"ohdc-{user}", "existingSecret": f"kafka-{user}"} for user in USERS},
        },
    },
    "networkPolicy": {"kafka": {"cidrs": [f"{ADDRESS}/32"], "ports": [PORT]}},
}


class OutsideKafka(SecureKafka):
    """The same broker under a name outside the cluster."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        certificate, key = self.authority.issue(self.dir / "tls", "outside", HOST)
        (self.dir / "tls" / "broker.pem").write_bytes(key + certificate)

    def _listeners(self) -> dict[str, str]:
        self.sasl_port = PORT
        made = super()._listeners()
        loopback = f"SASL_SSL://127.0.0.1:{PORT}"
        return {
            "listeners": made["listeners"].replace(loopback, f"SASL_SSL://0.0.0.0:{PORT}"),
            "advertised.listeners": made["advertised.listeners"].replace(loopback, f"SASL_SSL://{HOST}:{PORT}"),
        }


@pytest.fixture(scope="module")
def outside(run_dir: Path, network: Network) -> Iterator[OutsideKafka]:
    """The broker, where its name leads."""
    network.server(ADDRESS, HOST)
    folder = run_dir / "outside"
    folder.mkdir()
    server = OutsideKafka(folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def kind(outside: OutsideKafka) -> type[Pods]:
    """An installation that comes to that broker."""

    class Guest(Pods):
        """Its Secrets hold passwords and the brokers' CA; rights are given before it is installed."""

        def broker(self) -> Any:
            return outside

        def given(self) -> dict[str, dict[str, str]]:
            made = {f"kafka-{user}": {"password": new_password(outside, user)} for user in USERS}
            self.secrets += [values["password"] for values in made.values()]
            return super().given() | made | {"kafka-ca": {"ca.crt": outside.authority.certificate.read_text()}}

        def prepare(self) -> None:
            grant(outside)
            super().prepare()

    return Guest


def new_password(broker: SecureKafka, user: str) -> str:
    """The broker expects it from now on."""
    password = secrets.token_hex(16)
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    change = UserScramCredentialUpsertion(f"ohdc-{user}", info, password.encode())
    admin = AdminClient({"bootstrap.servers": broker.brokers})
    for done in admin.alter_user_scram_credentials([change]).values():
        done.result(20)
    return password


def grant(broker: SecureKafka) -> None:
    """Exactly the rights that `ohdc topics plan` prints for the brokers' owner."""
    done = subprocess.run([ROOT / "build/bin/ohdc", "topics", "plan", "--json"], capture_output=True, check=True)
    rows = [(f"ohdc-{row['service']}", row) for row in json.loads(done.stdout)["acls"]]
    bindings = SecureStack._bindings(AclBinding, rows)
    admin = AdminClient({"bootstrap.servers": broker.brokers})
    for made in admin.create_acls(bindings).values():
        made.result(20)


def test_each_service_as_its_own_user(world: World) -> None:
    """The main job works with these rights, this CA and these passwords, and no edge is missing."""
    stack = world.stack
    assert isinstance(stack, Pods)
    world.wait_issue(world.ask_issue("@openhands through your brokers")[0])
    world.wait_pull(world.ask_pull("@openhands through your brokers")[0])
    world.drained()
    assert not [name for name in stack.cluster.deployments if name.endswith("-kafka")]
    assert stack.cluster.refused() == {}
    for service in ("ingress", "linker", "dispatcher", "installer"):
        (pod, *_) = stack.cluster.pods(service)
        assert pod.labels[COMPONENT] == service
        seen = {mount["mountPath"] for mount in pod.spec["containers"][0]["volumeMounts"]}
        assert ("/etc/ohdc/kafka" in seen) == (service != "installer"), seen


def test_passwords_change_while_pods_run(world: World, outside: OutsideKafka) -> None:
    """New ones at the broker and in the Secrets; every connection is made anew, by a restart of the broker."""
    stack = world.stack
    assert isinstance(stack, Pods)
    for user in ("ingress", "linker", "dispatcher"):
        password = new_password(outside, user)
        stack.secrets.append(password)
        stack.cluster.secret(f"kafka-{user}", password=password)
    outside.restart()
    world.wait_issue(world.ask_issue("@openhands with other passwords")[0], deadline=60)
    world.drained(60)
    assert [pod.describe() for pod in stack.cluster.all_pods() if pod.restarts] == []
