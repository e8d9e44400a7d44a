"""The release before this one and this one beside each other, there and back, while deliveries arrive.

The release before (commit BEFORE) had no chart and knows none of the settings that came with the chart: its pods are
the rendered ones with its programs and the settings that it understands (`as_before`).
"""

from __future__ import annotations

import os
from copy import deepcopy
from typing import Any

import pytest

from tests.e2e.world import World, make_world
from tests.pods.container import Image
from tests.pods.crowd import Crowd, crowd_of
from tests.pods.images import before
from tests.pods.installation import Pods

pytestmark = pytest.mark.timeout(900)

BEFORE = "2238cd3"
RATE = float(os.environ.get("OHDC_PODS_RATE") or 200)
ORDER = ("linker", "ingress", "dispatcher", "installer")
UNKNOWN = ("OHDC_DATABASE_PASSWORD_FILE", "OHDC_DATABASE_ADMIN_URL", "OHDC_DATABASE_ADMIN_PASSWORD_FILE")


def env_before(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The settings of a container as the release before takes them.

    A password only in the URL, each named file there, the client's secret wherever its id is.
    """
    made = [from_secret("PASSWORD", "postgres-password", "password")]
    names = {entry["name"] for entry in entries}
    if "JIRA_DC_CLIENT_ID" in names and "JIRA_DC_CLIENT_SECRET_FILE" not in names:
        made.append(from_secret("JIRA_DC_CLIENT_SECRET", "jira-dc-app", "client-secret"))
    for entry in entries:
        if entry["name"] in UNKNOWN:
            continue
        text = entry.get("value")
        if entry["name"] == "OHDC_DATABASE_URL":
            text = text.replace("://postgres@", "://postgres:$(PASSWORD)@")
        elif entry["name"].endswith("_FILE") and text.startswith("-"):
            text = text[1:]
        made.append(entry if text is None else {"name": entry["name"], "value": text})
    return made


def from_secret(name: str, secret: str, key: str) -> dict[str, Any]:
    """A variable from a Secret."""
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def as_before(manifests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The Deployments with the programs of the release before."""
    made = []
    for manifest in deepcopy(manifests):
        if manifest["kind"] == "Deployment":
            spec = manifest["spec"]["template"]["spec"]
            for container in [*spec.get("initContainers", []), *spec["containers"]]:
                container["image"] = "ohdc.test/openhands-dc:before"
                container["env"] = env_before(container["env"])
                words = container["command"]
                container["command"] = words[: words.index("--wait")] if "--wait" in words else words
        made.append(manifest)
    return made


def only(manifests: list[dict[str, Any]], component: str) -> list[dict[str, Any]]:
    """The Deployment of one service."""
    return [m for m in manifests if m["kind"] == "Deployment" and m["metadata"]["name"].endswith(component)]


class Old(Pods):
    """Installed as the release before."""

    def manifests(self, **change: Any) -> list[dict[str, Any]]:
        return as_before(super().manifests(**change))

    def now(self) -> list[dict[str, Any]]:
        """This release's objects."""
        return super().manifests()


@pytest.fixture(scope="module")
def images(images: dict[str, Image]) -> dict[str, Image]:
    """Both releases."""
    return images | {"ohdc.test/openhands-dc:before": before(BEFORE)}


@pytest.fixture(scope="module")
def kind() -> type[Pods]:
    """What is installed here."""
    return Old


@pytest.fixture(scope="module")
def running(stack: Old) -> World:
    """The release before, in a database that its own `ohdc migrate` fills: it cannot make one."""
    stack.postgres.create_database(stack.name)
    return make_world(stack)


def roll(crowd: Crowd, what: str, manifests: list[dict[str, Any]]) -> None:
    """A rolling update to its end."""

    def act() -> None:
        crowd.pods.cluster.apply(manifests)
        crowd.pods.cluster.wait(180)

    crowd.step(what, act)


def asked_and_answered(crowd: Crowd) -> None:
    """An ask from each product goes its whole way through the mixture that runs now."""
    for _ in range(2):
        crowd.world.wait_issue(str(ask.name)) if (ask := crowd.ask("now")).where == "issue" else crowd.world.wait_pull(
            int(ask.name)
        )


def test_service_by_service_there_and_back(world: World) -> None:
    """Each service reads what the other release wrote: webhook records and job records of both, by both."""
    crowd, stack = crowd_of(world), world.stack
    assert isinstance(stack, Old)
    with crowd.under_load(RATE) as load:
        for release, manifests in (("now", stack.now()), ("before", stack.manifests())):
            for name in ORDER:
                roll(crowd, f"{name} {release}", only(manifests, name))
                asked_and_answered(crowd)
    crowd.hold(load)


def test_all_at_once_there_and_back(world: World) -> None:
    """As `helm upgrade` and `helm rollback` do: every Deployment rolls at the same time."""
    crowd, stack = crowd_of(world), world.stack
    assert isinstance(stack, Old)
    with crowd.under_load(RATE) as load:
        roll(crowd, "upgrade", stack.now())
        roll(crowd, "rollback", stack.manifests())
        roll(crowd, "upgrade again", stack.now())
    crowd.hold(load)
