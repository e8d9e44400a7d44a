"""Values that do not fit are refused before anything is made: with the value's name, what was found and what to set."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.chart.helm import CHART, EXTENSIONS, refusal, render, template

EXTERNAL = {"kafka.mode": "external", "kafka.external.brokers": ["kafka:9092"]}
PLAINTEXT = EXTERNAL | {"kafka.external.securityProtocol": "PLAINTEXT"}
USER = {"username": "ohdc", "existingSecret": "kafka-user"}
STRIMZI = {"kafka.mode": "strimzi", "kafka.strimzi.cluster": "main"}
ROLE = {"user": "ohdc_linker", "existingSecret": "role"}

# Values, and all the parts that the refusal must have.
CASES: list[tuple[dict[str, Any], list[str]]] = [
    ({"openhands.host": ""}, ["openhands.host is empty: set it to the host", "app.example.com"]),
    ({"openhands.host": "https://app.example.com/base"},
     ['openhands.host is "https://app.example.com/base"', "more than a host", "such as app.example.com"]),
    ({"openhands.host": "*.example.com"}, ['openhands.host is "*.example.com"']),
    ({"openhands.host": "App.example.com"}, ['openhands.host is "App.example.com"', "small letters"]),
    ({"jira.enabled": False, "bitbucket.enabled": False}, ["jira.enabled and bitbucket.enabled are both false", "set"]),
    ({"keycloak.admin.existingSecret": "adm"},
     ['keycloak.client.existingSecret is "ohdc-keycloak-client"', 'keycloak.admin.existingSecret is "adm"',
      'set one of them to ""']),
    ({"keycloak.client.existingSecret": ""}, ['keycloak.url is "http://keycloak"', "name the Secret of the client"]),
    ({"jira.tokenInSandbox": True, "jira.linkMethod": "email", "openhands.jwtSecret.existingSecret": "jwt"},
     ['jira.tokenInSandbox is true and jira.linkMethod is "email"', "set jira.linkMethod to oauth"]),
    ({"jira.tokenInSandbox": True},
     ["jira.tokenInSandbox is true and openhands.jwtSecret.existingSecret is empty", "name the Secret"]),
    ({"jira.linkMethod": "email", "keycloak.url": ""},
     ['jira.linkMethod is "email" and keycloak.url is empty', "set keycloak.url"]),
    ({"database.sslMode": "verify-ca"}, ['database.sslMode is "verify-ca" and caBundle.enabled is false', "set"]),
    ({"database.user": "ohdc", "database.create": {"superuser": "", "existingSecret": ""}},
     ['database.create.superuser is empty, so "ohdc" would make its own database', "set create.superuser"]),
    ({"database.user": "ohdc", "database.create.superuser": ""}, ['so "ohdc" would make its own database']),
    ({"database.users.linker.user": "ohdc_linker"},
     ['database.users.linker.user is "ohdc_linker" and its existingSecret is empty', "name the Secret"]),
    ({"database.users.linker.existingSecret": "role"},
     ['database.users.linker.existingSecret is "role" and its user is empty', "name the role"]),
    ({"database.users.linker": ROLE | {"user": "postgres"}},
     ['database.users.linker.user is "postgres", the owner of the schema', "name a role of its own"]),
    ({"database.user": "ohdc", "database.users.linker": ROLE | {"user": "postgres"}},
     ['database.users.linker.user is "postgres", as is database.create.superuser', "name a role of its own"]),
    ({"kafka.mode": "external", "kafka.external.securityProtocol": "PLAINTEXT"},
     ['kafka.mode is "external" and kafka.external.brokers is empty', "list the bootstrap servers as host:port"]),
    (EXTERNAL, ['kafka.external.securityProtocol is "SASL_SSL"', "for ingress neither user name nor Secret was found",
                "for linker neither", "for dispatcher neither", "set kafka.external.users.ingress (or users.all)"]),
    (EXTERNAL | {"kafka.external.users.all.username": "ohdc"}, ["for ingress no Secret was found"]),
    (EXTERNAL | {"kafka.external.users.all.existingSecret": "s", "kafka.external.users.linker.username": "l"},
     ["for ingress no user name was found", "for dispatcher no user name was found"]),
    (EXTERNAL | {"kafka.external.createTopics": True} | {
        f"kafka.external.users.{name}": USER for name in ("ingress", "linker", "dispatcher")},
     ["for topics neither user name nor Secret was found"]),
    (PLAINTEXT | {"kafka.external.users.all.username": "ohdc"},
     ['kafka.external.users: ingress has user name "ohdc"', 'securityProtocol is "PLAINTEXT"', "set it to SASL_SSL"]),
    (PLAINTEXT | {"kafka.external.users.all.existingSecret": "s"},
     ['kafka.external.users.all.existingSecret is "s"', "has no use for it", "SSL or SASL_SSL"]),
    (EXTERNAL | {"kafka.external.securityProtocol": "SSL", "kafka.external.users.ingress.existingSecret": "s"},
     ["for linker no Secret was found", "for dispatcher no Secret was found", "users.all"]),
    ({"kafka.external.brokers": ["kafka:9092"]},
     ['kafka.external.brokers is ["kafka:9092"] and kafka.mode is "embedded"', "set kafka.mode to external"]),
    ({"kafka.mode": "strimzi"}, ["kafka.strimzi.cluster is empty", "set it to the name of the Kafka resource"]),
    (STRIMZI | {"kafka.strimzi.replicas": 1},
     ["kafka.strimzi.minInSyncReplicas is 2 and kafka.strimzi.replicas is 1", "set it to at most 1"]),
    ({"kafka.strimzi.cluster": "main"},
     ['kafka.strimzi.cluster is "main" and kafka.mode is "embedded"', "set kafka.mode to strimzi"]),
    (STRIMZI | {"kafka.strimzi.namespace": "kafka"}, ["kafka.strimzi.namespace is kafka", "openhands", "Install"]),
    ({"kafka.partitions": 13, "kafka.embedded.persistence.size": "100Gi"},
     ['kafka.partitions is 13 and kafka.mode is "embedded"', "set at most 12"]),
    ({"kafka.embedded.persistence.size": "1Gi"}, ["kafka.embedded.persistence.size is 1Gi", "set a size of at least"]),
    ({"ingress.autoscaling": {"enabled": True, "minReplicas": 5, "maxReplicas": 4}},
     ["ingress.autoscaling.minReplicas is 5 and maxReplicas is 4", "set minReplicas to at most 4"]),
    ({"linker.autoscaling": {"enabled": True, "maxReplicas": 9}},
     ["linker.autoscaling.maxReplicas is 9 and the webhook topic has 3 partitions", "set it to at most 3"]),
    ({"proxy.https": "http://me:pw@proxy:3128"},
     ["proxy.https has credentials in it", "set env.HTTPS_PROXY to {secretKeyRef:"]),
    ({"routing.gateway.enabled": True}, ["routing.gateway.parentRefs is empty", "name the Gateway"]),
]


@pytest.mark.parametrize(("values", "said"), CASES, ids=[case[1][0][:60] for case in CASES])
def test_what_does_not_fit(values: dict[str, Any], said: list[str]) -> None:
    """One line each, and only those that apply."""
    found = refusal(values)
    assert [part for part in said if part not in found] == []
    lines = [line for line in found.splitlines() if line.startswith("  - ")]
    named = {match for line in lines for match in re.findall(r"for (\w+) n", line)} or {"once"}
    assert len(lines) <= max(1, len(named), found.count("has user name")), found


def refusal_of_release(name: str) -> str:
    """What is said of a release's name."""
    return template(json.dumps({"openhands": {"host": "app.example.com"}}), None, EXTENSIONS, release=name).err


def test_each_fault_has_a_case() -> None:
    """A message that nobody has seen may be nonsense."""
    text = (CHART / "templates/validations.yaml").read_text()
    messages = re.findall(r'append \$faults \(?(?:printf )?"((?:[^"\\]|\\.)*)"', text)
    assert len(messages) == text.count("append $faults")
    seen = [refusal(values) for values, _ in CASES] + [refusal_of_release("my.release")]
    for message in messages:
        words = re.sub(r"%\w", "\0", message.replace('\\"', '"')).split("\0")
        longest = max(words, key=len)
        assert any(longest in each for each in seen), message


def test_all_faults_are_told_at_once() -> None:
    """Nobody mends one to be told of the next."""
    found = refusal({"openhands.host": "", "jira.tokenInSandbox": True, "database.sslMode": "verify-ca"})
    assert len([line for line in found.splitlines() if line.startswith("  - ")]) == 3


def test_release_name_of_no_service() -> None:
    """Helm takes names with a dot; a Service does not."""
    assert 'objects would be called "my.release-openhands-dc"' in refusal_of_release("my.release")


@pytest.mark.parametrize("service", ["linker", "dispatcher"])
def test_autoscaling_without_keda(service: str) -> None:
    """The missing API is named, and how `helm template` is told of it."""
    found = refusal({f"{service}.autoscaling.enabled": True}, apis=tuple(a for a in EXTENSIONS if "keda" not in a))
    assert f"{service}.autoscaling.enabled is true" in found and "--api-versions keda.sh/v1alpha1" in found


# Values that the schema alone refuses: path, value.
WRONG: list[tuple[str, Any]] = [
    ("openhands.host", "app example.com"), ("openhands.host", "user@app.example.com"), ("openhands.url", ""),
    ("openhands.url", "openhands-service:3000"), ("openhands.resolverLabel", "Open Hands"),
    ("openhands.productName", ""), ("openhands.serviceKey.existingSecret", ""), ("image.digest", "sha256:1"),
    ("image.repository", "ghcr.io/openhands/openhands-dc:1"), ("image.pullPolicy", "always"), ("image.tag", 2),
    ("jira.linkMethod", "OAuth"), ("jira.httpTimeout", 0), ("jira.httpTimeout", 301), ("jira.enabled", "yes"),
    ("jira.serviceAccountEmail", "openhands"), ("jira.existingSecret", "Jira"), ("bitbucket.host", "git lab"),
    ("database.port", 0), ("database.port", "5432"), ("database.sslMode", "on"), ("database.poolSize", 65),
    ("database.host", "postgresql://pg"), ("database.user", ""), ("kafka.mode", "Embedded"), ("kafka.partitions", 1.5),
    ("kafka.prefix", "a b"), ("kafka.external.brokers", ["kafka"]), ("kafka.external.brokers", "kafka:9092"),
    ("kafka.external.saslMechanism", "SCRAM"), ("kafka.strimzi.authentication", "scram"),
    ("kafka.embedded.persistence.size", "10"), ("kafka.embedded.heap", "384"), ("networks.denied", ["10.0.0.0"]),
    ("networks.denied", ["10.0.0.0/33"]), ("networks.denied", ["fd00::/129"]), ("networks.allowed", ["abc/8"]),
    ("logLevel", "trace"), ("caBundle.mountPath", "etc"), ("proxy.http", "proxy:3128"), ("linker.workers", 65),
    ("linker.replicas", -1), ("ingress.terminationGracePeriodSeconds", 10), ("ingress.keepBodies", "none"),
    ("ingress.podLabels", {"app.kubernetes.io/component": "x"}), ("commonLabels", {"helm.sh/chart": "x"}),
    ("ingress.podAnnotations", {"a": True}), ("env", {"A-B": "x"}), ("env", {"A": ["x"]}),
    ("env", {"A": {"value": "x"}}), ("ingress.resources", {"request": {"cpu": 1}}),
    ("ingress.resources", {"requests": {"cpus": 1}}), ("networkPolicy.openhands.ports", [0]),
    ("networkPolicy.dns.podSelector", {"matchLabel": {}}), ("ingress.podDisruptionBudget.maxUnavailable", 0),
    ("monitoring.podMonitor.interval", "30"), ("imagePullSecrets", ["name"]),
    ("routing.gateway.parentRefs", [{"nam": "gateway"}]), ("routing.gateway.parentRefs", [{"namespace": "traefik"}]),
]


@pytest.mark.parametrize(("path", "value"), WRONG, ids=[f"{path}={value}"[:60] for path, value in WRONG])
def test_what_the_schema_refuses(path: str, value: Any) -> None:
    """With the path of the value."""
    found = refusal({path: value})
    assert "/" + path.split(".", maxsplit=1)[0] in found and "schema" in found


def test_what_may_be_set() -> None:
    """Neighbours of what is refused."""
    fine = {
        "openhands.host": "http://localhost:3000",
        "bitbucket.host": "http://git.example.com:7990/bitbucket",
        "jira.httpTimeout": 300,
        "database.host": "[fd00::1]",
        "kafka.prefix": "a.b-c_",
        "kafka.embedded.persistence.size": "10Ti",
        "networks.denied": ["fd00::/8", "::1/128", "10.0.0.0/8", "10.1.2.3/32"],
        "image.digest": "sha256:" + "0" * 64,
        "ingress.podDisruptionBudget.maxUnavailable": "50%",
        "ingress.resources": {"requests": {"cpu": 0.5, "memory": "1Gi", "example.com/gpu": 1}},
        "env": {"A": 1, "B": False},
    }
    assert render(fine).of("Deployment")
