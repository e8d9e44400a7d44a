"""Starts that fail and stops under load: what is waited for, what is said, what status; no delivery is refused."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest
import requests

from tests.e2e.signing import encode, headers, pull_body
from tests.e2e.stack import SERVICES, Program
from tests.e2e.waiting import wait_until
from tests.e2e.world import World

NOWHERE = "postgresql://ohdc:unseen@127.0.0.1:1/ohdc"


def begin(world: World, name: str, change: dict[str, str], log: str) -> Program:
    """Another replica with changed settings, started and not waited for."""
    stack = world.stack
    program = Program(name, stack.folder, stack.env_for(name) | change)
    program.log = Path(stack.folder / f"{log}-{name}.log")
    program.start(wait=False)
    return program


def ended(program: Program) -> int:
    """Exit status of a program that ends by itself, or was told to."""
    assert program.process is not None
    try:
        return program.process.wait(10)
    except subprocess.TimeoutExpired:
        program.kill9()
        raise AssertionError(f"{program.name} did not end; its log is {program.log}") from None


@pytest.mark.parametrize("name", SERVICES)
def test_a_stop_while_waiting_for_the_database(world: World, name: str) -> None:
    """Unready, alive, and gone within moments of SIGTERM with status 0; the password is not told."""
    program = begin(world, name, {"OHDC_DATABASE_URL": NOWHERE}, "waiting")
    wait_until(lambda: "waiting for the database" in program.log.read_text(), 20, "it waits")
    assert program.get("/livez").status_code == 200
    assert program.get("/readyz").status_code == 503
    asked = time.monotonic()
    program.ask_to_stop()
    assert ended(program) == 0
    assert time.monotonic() - asked < 5
    assert "unseen" not in program.log.read_text()


@pytest.mark.parametrize("name", ["ingress", "linker", "dispatcher", "installer"])
def test_a_wrong_sealing_key(world: World, name: str) -> None:
    """One line names the setting and the missing key; status 2."""
    keys = world.stack.folder / "other-keys"
    keys.write_text("other " + "5a" * 32 + "\n")
    keys.chmod(0o600)
    program = begin(world, name, {"OHDC_SEAL_KEYS_FILE": str(keys)}, "other-key")
    assert ended(program) == 2
    lines = [json.loads(line) for line in program.log.read_text().splitlines()]
    wrong = [line["error"] for line in lines if line["level"] == "error"]
    known = world.stack.keys.read_text().split()[0]
    assert len(wrong) == 1 and "OHDC_SEAL_KEYS_FILE" in wrong[0] and known in wrong[0], wrong


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("linker", {"JIRA_DC_CLIENT_SECRET": ""}, "JIRA_DC_CLIENT_SECRET is not set, expected because"),
        ("linker", {"JIRA_DC_CLIENT_ID": ""}, "JIRA_DC_CLIENT_ID is not set, expected because"),
        ("linker", {"JIRA_DC_BASE_URL": ""}, "JIRA_DC_BASE_URL is not set, expected because JIRA_DC_CLIENT_ID is"),
        ("installer", {"JIRA_DC_BASE_URL": ""}, "JIRA_DC_BASE_URL is not set, expected because JIRA_DC_CLIENT_ID is"),
        ("linker", {"OHDC_DENIED_NETWORKS": "10.0.0.0/33"}, "'10.0.0.0/33' is no network, expected"),
        ("installer", {"OHDC_DENIED_NETWORKS": "10.0.0.0/33"}, "'10.0.0.0/33' is no network, expected"),
    ],
)
def test_settings_that_do_not_fit_together(world: World, name: str, change: dict[str, str], said: str) -> None:
    """One line says what is wrong, and status 2."""
    program = begin(world, name, change, "misfit")
    assert ended(program) == 2
    assert program.log.read_text().count(said) == 1
    program.log.unlink()


def test_a_start_without_a_broker(world: World) -> None:
    """Stores are no part of readiness; a stop is not held up by a broker that never came."""
    programs = [
        begin(world, name, {"OHDC_KAFKA_BROKERS": "127.0.0.1:1"}, "no-broker")
        for name in ("ingress", "linker", "dispatcher")
    ]
    for program in programs:
        wait_until(program.ready, 20, f"{program.name} is ready")
        program.ask_to_stop()
    assert [ended(program) for program in programs] == [0, 0, 0]


def test_a_stop_lets_go_of_kept_connections(world: World) -> None:
    """In the grace deliveries are stored, and each answer ends its connection: none comes too late."""
    program = begin(world, "ingress", {"OHDC_GRACE_MS": "1500"}, "grace")
    wait_until(program.ready, 20, "the ingress is ready")
    body = encode(pull_body(world, "during the grace"))
    url = f"http://127.0.0.1:{program.http}{world.bitbucket.path}"
    with requests.Session() as session:
        session.trust_env = False
        first = session.post(url, data=body, headers=headers(world.bitbucket, body))
        program.ask_to_stop()
        wait_until(lambda: program.get("/readyz").status_code == 503, 10, "it is unready", 0.01)
        last = session.post(url, data=body, headers=headers(world.bitbucket, body))
    assert (first.status_code, last.status_code) == (200, 200)
    assert "Connection" not in first.headers
    assert last.headers["Connection"].lower() == "close"
    assert ended(program) == 0
