"""What goes wrong: the release that worked before stays or comes back, and nothing is half there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.api import until
from tests.cluster.charts import BASE, CHART, EMBEDDED_VOLUME, RELEASE, SECRETS, SERVICES, Helm, Place, settings
from tests.cluster.nodes import STAGE, Nodes

pytestmark = pytest.mark.usefixtures("custom_kinds")

STAGE_KEY = STAGE.replace(".", r"\.")


def staged(service: str, stage: str) -> str:
    """The value that keeps a service's new pods from being ready."""
    return f"{service}.podAnnotations.{STAGE_KEY}={stage}"


def failing(place: Place, helm: Helm, verb: str, *values: str, chart: Path = CHART, more: tuple[str, ...] = ()) -> str:
    """An install or upgrade that must fail within a short wait; what Helm says."""
    options = ["--wait", "--timeout", "8s", *settings([*BASE, *values]), *more]
    done = helm.call(verb, RELEASE, str(chart), *options, kubeconfig=place.kubeconfig)
    assert done.returncode != 0, done.stdout
    return done.stderr


@pytest.mark.parametrize(("service", "stage"), [("ingress", "never-ready"), ("dispatcher", "init-fails")])
def test_a_failed_upgrade_is_rolled_back(place: Place, helm: Helm, newer: Path, service: str, stage: str) -> None:
    place.install(helm)
    template = place.deployments()[service]["spec"]["template"]
    failing(place, helm, "upgrade", staged(service, stage), chart=newer, more=(helm.roll_back_option,))
    until(lambda: place.settled(service, 2), "the former pods are all there")
    assert place.deployments()[service]["spec"]["template"] == template
    statuses = [line.split()[1:] for line in place.helm(helm, "history", RELEASE).splitlines()[1:]]
    assert len(statuses) == 3, "installed, failed, rolled back"
    assert "deployed" in place.helm(helm, "status", RELEASE)
    place.uninstall(helm)


def test_pods_of_a_stuck_rollout_do_not_replace_those_that_work(place: Place, helm: Helm) -> None:
    place.install(helm)
    working = {name: {pod["metadata"]["uid"] for pod in place.pods(name)} for name in SERVICES}
    failing(place, helm, "upgrade", *(staged(name, "init-fails") for name in SERVICES))
    for name in SERVICES:
        left = {pod["metadata"]["uid"] for pod in place.pods(name)}
        assert working[name] <= left, f"{name}: a pod that worked has gone"
        assert place.ready(name) == len(working[name])
    place.helm(helm, "rollback", RELEASE, "--wait", "--timeout", "90s")
    for name in SERVICES:
        assert {pod["metadata"]["uid"] for pod in place.pods(name)} == working[name], name
    place.uninstall(helm)


def test_a_failed_install_leaves_nothing(place: Place, helm: Helm) -> None:
    before = place.objects()
    failing(place, helm, "install", staged("linker", "init-fails"), more=(helm.roll_back_option,))
    place.holds_only(before | {EMBEDDED_VOLUME})


NEEDED = {
    "ohdc-seal-keys": set(SERVICES),
    "automation-service-key": {"dispatcher"},
    "postgres-password": set(SERVICES),
    "ohdc-keycloak-client": {"linker"},
}

# OHE makes these only where its admin has set Jira or Bitbucket up; each key only in the mode that needs it.
OPTIONAL = {"jira-dc-app", "bitbucket-data-center-app"}


def test_pods_start_without_the_secrets_of_jira_and_bitbucket(make_place, helms: dict[int, Helm]) -> None:
    """`ohdc doctor` and the status page say what is missing; a rollout does not hang on it."""
    assert set(SECRETS) == set(NEEDED) | OPTIONAL
    place = make_place({name: keys for name, keys in SECRETS.items() if name in NEEDED})
    place.install(helms[4])
    place.uninstall(helms[4])


@pytest.mark.parametrize("secret", sorted(NEEDED))
def test_pods_wait_for_a_missing_secret(make_place, nodes: Nodes, helms: dict[int, Helm], secret: str) -> None:
    """Exactly the services of design section 3's table need it; when it comes, they start by themselves."""
    helm = helms[4]
    place = make_place({name: keys for name, keys in SECRETS.items() if name != secret})
    place.helm(helm, "install", RELEASE, str(CHART), *settings(BASE))
    others = set(SERVICES) - NEEDED[secret]
    for name in others:
        until(lambda name=name: place.ready(name), f"{name} starts without {secret}")
    for name in NEEDED[secret]:
        pod = until(lambda name=name: place.pods(name), f"pods of {name}")[0]["metadata"]["name"]
        path = f"{place.core}/pods/{pod}"
        said = until(lambda path=path: nodes.waiting.get(path), f"{name} waits for {secret}")
        assert secret in said
        assert place.ready(name) == 0
    place.add_secret(secret, SECRETS[secret])
    for name in SERVICES:
        until(lambda name=name: place.ready(name) == len(place.pods(name)), f"{name} is ready")
    place.uninstall(helm)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ("openhands.host",)),
        (("--set", "openhands.host=a.example.com", "--set", "kafka.mode=extern"), ("kafka", "mode")),
        (("--set", "openhands.host=a.example.com", "--set", "ingress.replica=3"), ("replica",)),
    ],
    ids=["no host", "unknown mode", "unknown key"],
)
def test_wrong_values_are_refused_before_anything_is_made(
    place: Place, helm: Helm, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    before = place.objects()
    done = helm.call("install", RELEASE, str(CHART), *arguments, kubeconfig=place.kubeconfig)
    assert done.returncode != 0
    for word in words:
        assert word in done.stderr
    assert place.objects() == before
