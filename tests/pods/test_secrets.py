"""A Secret changes under running pods, as the kubelet swaps its folder: used within 60 s; a wrong one is reported."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any

import psycopg
import pytest

from tests.e2e.waiting import wait_until
from tests.e2e.world import BOT, World
from tests.pods.installation import Pods
from tests.sim.client import ROOT, Remote

EFFECTIVE_S = 60.0
SERVICES = ("ingress", "linker", "dispatcher", "installer")


def installed(world: World) -> Pods:
    """The installation."""
    assert isinstance(world.stack, Pods)
    return world.stack


def change(world: World, secret: str, **values: str) -> float:
    """Other values in a Secret; when."""
    stack = installed(world)
    stack.cluster.secret(secret, **(stack.given()[secret] | values))
    return time.monotonic()


def ask(world: World, remote: str) -> None:
    """Something that makes the bot answer there."""
    if remote == "jira":
        world.wait_issue(world.ask_issue("@openhands with which token?")[0])
    else:
        world.wait_pull(world.ask_pull("@openhands with which token?")[0])


def carried(remote: Remote, header: str, value: str) -> bool:
    """Whether the newest call with this header carries the value."""
    calls = [call for call in remote.calls() if header in call["credentials"]]
    return bool(calls) and str(calls[-1]["credentials"][header]).endswith(value)


def until_used(world: World, remote: Remote, name: str, value: str, since: float) -> None:
    """Ask again and again until the bot's calls carry the value."""

    def done() -> bool:
        ask(world, name)
        return carried(remote, "authorization", value)

    wait_until(done, EFFECTIVE_S - (time.monotonic() - since), f"{name} sees the new token")
    print(f"{name}: {time.monotonic() - since:.1f} s")


def reports(stack: Pods, component: str, part: str) -> list[dict[str, Any]]:
    """Warnings of each pod of a service that name a setting."""
    found = []
    for pod in stack.cluster.pods(component):
        lines = [json.loads(line) for line in pod.log.read_text().splitlines() if line.startswith("{")]
        found.append([line for line in lines if line["level"] in ("warn", "error") and part in json.dumps(line)])
    return [line for lines in found for line in lines] if all(found) else []


@pytest.mark.parametrize(
    ("name", "secret", "key", "setting"),
    [
        ("bitbucket", "bitbucket-data-center-app", "bot-token", "BITBUCKET_DATA_CENTER_BOT_TOKEN"),
        ("jira", "jira-dc-app", "service-account-pat", "JIRA_DC_SERVICE_ACCOUNT_PAT"),
    ],
)
def test_a_bots_token(world: World, name: str, secret: str, key: str, setting: str) -> None:
    """An empty one keeps the old and is reported; a new one is used, and then the old one is worth nothing."""
    stack = installed(world)
    remote = getattr(stack.sims, name)
    since = change(world, secret, **{key: ""})
    wait_until(lambda: reports(stack, "dispatcher", setting), EFFECTIVE_S, f"{setting} is reported")
    print(f"{setting} refused: {time.monotonic() - since:.1f} s")
    ask(world, name)
    known = {"key": "JIRAUSER9", "email": "openhands@example.com"} if name == "jira" else {}
    remote.add_user(name=BOT, token=f"second-{name}", display="OpenHands", **known)
    stack.secrets.append(f"second-{name}")
    until_used(world, remote, name, f"second-{name}", change(world, secret, **{key: f"second-{name}"}))
    remote.revoke(token=stack.given()[secret][key])
    ask(world, name)


def test_the_service_key(world: World) -> None:
    """OHE has a new one; new jobs start with it."""
    stack = installed(world)
    since = change(world, "automation-service-key", **{"automation-service-key": "service-key-2"})
    stack.secrets.append("service-key-2")
    stack.sims.ohe.configure(service_key="service-key-2")
    ask(world, "jira")
    print(f"service key: {time.monotonic() - since:.1f} s")


def test_the_databases_password(world: World) -> None:
    """The role's password changes, the Secret follows, connections are cut: everything goes on."""
    stack = installed(world)
    old, new = stack.postgres.password, "another-password-of-the-tests"
    stack.secrets.append(new)
    stack.postgres.psql(f"alter role postgres password '{new}'")
    (stack.postgres.dir / "password").write_text(f"{new}\n")
    stack.url = stack.url.replace(old, new)
    since = change(world, "postgres-password", **{"password": new, "postgres-password": new})
    cut = "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and pid <> pg_backend_pid()"
    with psycopg.connect(stack.url, autocommit=True) as connection:
        connection.execute(cut, [stack.name])
    ask(world, "bitbucket")
    world.settle()
    assert time.monotonic() - since < EFFECTIVE_S
    change(world, "postgres-password", **{"password": "wrong", "postgres-password": "wrong"})
    with psycopg.connect(stack.url, autocommit=True) as connection:
        connection.execute(cut, [stack.name])
    ask(world, "bitbucket")
    wait_until(lambda: reports(stack, "dispatcher", "OHDC_DATABASE"), EFFECTIVE_S, "the wrong password is reported")
    change(world, "postgres-password", **{"password": new, "postgres-password": new})


def new_key() -> str:
    """A line of the sealing keys' file."""
    made = subprocess.run([ROOT / "build" / "bin" / "ohdc", "keys", "generate"], capture_output=True, check=True)
    return made.stdout.decode()


def test_the_sealing_keys(world: World) -> None:
    """A list without the key in use is refused by all; one with a second key is taken."""
    stack = installed(world)
    found = stack.cluster.find("Secret", "ohdc-seal-keys")
    assert found
    old, second = found["seal-keys"].decode(), new_key()
    stack.secrets.append(second.split()[1])
    stack.cluster.secret("ohdc-seal-keys", **{"seal-keys": second})
    since = time.monotonic()

    def all_report() -> bool:
        return all(reports(stack, name, "OHDC_SEAL_KEYS_FILE") for name in SERVICES)

    wait_until(all_report, EFFECTIVE_S, "each service reports the wrong list")
    print(f"sealing keys refused: {time.monotonic() - since:.1f} s")
    ask(world, "jira")
    stack.cluster.secret("ohdc-seal-keys", **{"seal-keys": old + second})
    ask(world, "bitbucket")


def test_no_pod_was_restarted(world: World) -> None:
    """All that without a restart."""
    assert [pod.describe() for pod in installed(world).cluster.all_pods() if pod.restarts] == []
