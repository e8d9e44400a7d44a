"""What Helm prints after an install: the next step, always, and what to mind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART, EXTENSIONS, HOST, NAMESPACE, PROFILES, RELEASE, helm, nested


@pytest.fixture(scope="module", name="chart")
def the_notes_as_an_object(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the chart in which NOTES.txt is a template that `helm template` shows."""
    copy = tmp_path_factory.mktemp("notes") / "chart"
    shutil.copytree(CHART, copy)
    notes = copy / "templates/NOTES.txt"
    lines = "".join(f" {line}\n" for line in notes.read_text().splitlines())
    (copy / "templates/notes.yaml").write_text(f"notes: |\n{lines}")
    notes.unlink()
    return copy


def notes(chart: Path, values: dict[str, Any] | None = None, profile: str = "single-vm") -> str:
    """The notes as a person sees them."""
    more = [word for api in EXTENSIONS for word in ("--api-versions", api)]
    files = ["-f", str(CHART / "profiles" / f"{profile}.yaml"), "-f", "-"]
    answer = helm("template", RELEASE, str(chart), "-n", NAMESPACE, *files, *more, "-s", "templates/notes.yaml",
                  stdin=json.dumps(nested(values or {})))
    assert answer.status == 0, answer.err
    text: str = yaml.safe_load(answer.out)["notes"]
    return text


@pytest.mark.parametrize("profile", PROFILES)
def test_there_is_a_next_step(chart: Path, profile: str) -> None:
    """Which Secrets, how to look, and nothing that was not filled in."""
    text = notes(chart, profile=profile)
    assert "Next:" in text and "ohdc-seal-keys" in text and "ohdc status" in text
    assert "<no value>" not in text and "nil" not in text and "{{" not in text


def test_the_command_for_the_sealing_key_is_the_documented_one(chart: Path) -> None:
    """One command, in the notes as in docs/install.md."""
    command = next(line.strip() for line in notes(chart).splitlines() if "printf 'k1" in line)
    assert command in (CHART.parents[2] / "docs/install.md").read_text()


def test_all_needed_secrets_are_named(chart: Path) -> None:
    """With a role and a Kafka user for each service too; OHE's Secrets with optional keys are not among them."""
    text = notes(chart, profile="everything")
    for line in ("ohdc-db-linker, key password", "ohdc-kafka-ingress, key password", "kafka-ca, key ca.crt",
                 "ohdc-keycloak-client, key client-id", "pg-admin, key postgres-password", "jwt-secret, key jwt-secret",
                 "ohdc-seal-keys, key seal-keys"):
        assert f"  - Secret {line}\n" in text
    assert "  - ConfigMap openhands-ca-bundle, key ca-bundle.crt\n" in text
    assert "Secret jira-dc-app" not in text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"takeover.signIn": True}, "nobody can sign in to OpenHands with Bitbucket"),
        ({"takeover.signIn": True, "linker.replicas": 1}, "linker.replicas is 1 with takeover.signIn"),
        ({"takeover.signIn": True, "linker.autoscaling.enabled": True}, "linker.autoscaling.minReplicas is 1 with"),
        ({"dispatcher.replicas": 1}, "dispatcher.replicas is 1: it stops with its node"),
        ({"linker.replicas": 4}, "linker.replicas is 4 and the webhook topic has 3 partitions: 1 of the linkers"),
        ({"routing.ingress.enabled": False}, "no path comes here until you route it yourself"),
        ({"keycloak.admin.existingSecret": "a", "keycloak.client.existingSecret": ""}, "keycloak.admin is for trials"),
        ({"database.user": "ohdc"}, 'database.user "ohdc" has the password of "postgres"'),
        ({"takeover.settings": True}, "neither lists nor installs Bitbucket repositories"),
        ({}, "one broker on one volume"),
        ({}, "While it restarts deliveries are answered 503"),
        ({"jira.linkMethod": "email"}, "without a base URL people name the Jira that is called"),
        ({"networkPolicy.enabled": False}, "which asks nobody who he is"),
        ({}, "networks.denied is empty: linker, dispatcher and installer may call every pod"),
        ({}, 'work as "postgres", the owner of the schema and administrator of the server'),
        ({"database.user": "ohdc"}, 'work as "ohdc", the owner of the schema: give'),
    ],
)
def test_what_to_mind(chart: Path, values: dict[str, Any], said: str) -> None:
    """Each warning is there when it is due, and not otherwise."""
    assert said in notes(chart, values)
    assert not values or said not in notes(chart)


def test_denied_networks_are_enough(chart: Path) -> None:
    """Then nothing is said of them."""
    assert "networks.denied" not in notes(chart, {"jira.linkMethod": "email", "networks.denied": ["10.42.0.0/16"]})


def test_how_the_operator_works_as_the_owner(chart: Path) -> None:
    """Only where the dispatcher has a role of its own."""
    said = "OHDC_DATABASE_URL='postgresql://ohdc_owner@pg.example.com:5432/ohdc?"
    text = notes(chart, {"database.key": "a.b"}, profile="everything")
    assert said in text and "get secret ohdc-db-owner -o jsonpath='{.data.a\\.b}'" in text
    assert "OHDC_DATABASE_URL" not in notes(chart)


def test_the_plan_for_the_owner_of_kafka_has_the_wanted_partitions(chart: Path) -> None:
    """The dispatcher's own settings do not say how many."""
    values = {"kafka.partitions": 24, "kafka.external.createTopics": False}
    assert "env OHDC_KAFKA_PARTITIONS=24 ohdc topics plan" in notes(chart, values, profile="everything")


def test_the_paths_that_are_left_to_take_over(chart: Path) -> None:
    """Webhooks with the pages that make them, the sign-in last; none is left in the end."""
    assert "(events, settings, signIn are still OHE's)" in notes(chart)
    assert "--set takeover.events=true,takeover.settings=true\n" in notes(chart)
    assert "--set takeover.settings=true" in notes(chart, {"takeover.events": True})
    assert "--set takeover.events=true\n" in notes(chart, {"takeover.settings": True})
    everything = {f"takeover.{name}": True for name in ("events", "settings", "signIn")}
    assert "takeover." not in notes(chart, everything | {"linker.replicas": 2}).replace("takeover.signIn is on", "")


def test_a_host_with_a_scheme(chart: Path) -> None:
    """It is not given another."""
    assert "at http://app.example.com/integration/dc/" in notes(chart, HOST | {"openhands.host": "http://app.example.com"})
