"""Where nothing is chosen in networkPolicy, the host in the values says where an edge leads."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.helm import Object, render

HERE = [{"podSelector": {}}]
ANYWHERE: list[Object] = []


def elsewhere(namespace: str) -> list[Object]:
    """All pods of another namespace."""
    return [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}]


def block(cidr: str) -> list[Object]:
    """A network."""
    return [{"ipBlock": {"cidr": cidr}}]


def ways(values: dict[str, Any], service: str) -> list[tuple[list[int], list[Object]]]:
    """Ports and peers of a service's egress rules; no peers: anywhere."""
    rules = render(values).get("NetworkPolicy", service)["spec"]["egress"]
    return [([p["port"] for p in rule["ports"]], rule.get("to", [])) for rule in rules]


HOSTS: list[tuple[str, list[Object]]] = [
    ("db", HERE),
    ("db.stores.svc", elsewhere("stores")),
    ("db.stores.svc.cluster.local", elsewhere("stores")),
    ("10.1.2.3", block("10.1.2.3/32")),
    ("db.example.com", ANYWHERE),
    ("db.stores", ANYWHERE),
    ("[fd00::5]", block("fd00::5/128")),
]


@pytest.mark.parametrize(("host", "peers"), HOSTS, ids=[h[0] for h in HOSTS])
def test_database(host: str, peers: list[Object]) -> None:
    """On its port, whatever the service."""
    assert ([5433], peers) in ways({"database.host": host, "database.port": 5433}, "ingress")


@pytest.mark.parametrize(("url", "way"), [
    ("http://openhands-service:3000", ([3000], HERE)),
    ("http://openhands-service.ohe.svc:80", ([3000], elsewhere("ohe"))),
    ("https://app.example.com", ([443], ANYWHERE)),
    ("http://app.example.com", ([80], ANYWHERE)),
    ("https://app.example.com:8443/base", ([8443], ANYWHERE)),
    ("http://10.1.2.3:3001", ([3001], block("10.1.2.3/32"))),
    ("http://[fd00::5]:3002", ([3002], block("fd00::5/128"))),
])
def test_ohe(url: str, way: tuple[list[int], list[Object]]) -> None:
    """Inside the cluster the ports of its pods count, outside that of its URL."""
    assert way in ways({"openhands.url": url, "keycloak.url": "", "keycloak.client.existingSecret": ""}, "dispatcher")


@pytest.mark.parametrize(("brokers", "ports", "peers"), [
    (["b1:9092", "b2:9092"], [9092, 9093, 9094], HERE),
    (["b1:19092"], [9092, 9093, 9094, 19092], HERE),
    (["b1.kafka.svc:9092", "10.0.0.1:9092"], [9092, 9093, 9094], elsewhere("kafka") + block("10.0.0.1/32")),
    (["b1.kafka.svc:9092", "b2.example.com:9092"], [9092, 9093, 9094], ANYWHERE),
])
def test_brokers(brokers: list[str], ports: list[int], peers: list[Object]) -> None:
    """All of them; one that may be anywhere opens the ports to anywhere."""
    values = {"kafka.mode": "external", "kafka.external.brokers": brokers,
              "kafka.external.securityProtocol": "PLAINTEXT"}
    assert (ports, peers) in ways(values, "ingress")


def test_strimzis_brokers() -> None:
    """Those of the cluster that is named, and no others."""
    labels = {"strimzi.io/cluster": "main", "strimzi.io/kind": "Kafka"}
    values = {"kafka.mode": "strimzi", "kafka.strimzi.cluster": "main"}
    assert ([9092, 9093, 9094], [{"podSelector": {"matchLabels": labels}}]) in ways(values, "linker")


@pytest.mark.parametrize(("values", "port", "peers"), [
    ({"proxy.https": "http://proxy.infra.svc:3129"}, 3129, elsewhere("infra")),
    ({"proxy.http": "http://proxy:3130"}, 3130, HERE),
    ({"jira.baseUrl": "http://jira.tools.svc:8090/jira"}, 8090, elsewhere("tools")),
    ({"bitbucket.host": "http://10.1.2.3:7991"}, 7991, block("10.1.2.3/32")),
])
def test_a_provider_inside(values: dict[str, Any], port: int, peers: list[Object]) -> None:
    """A proxy, Jira or Bitbucket that is in the cluster is not for every network plug-in in 0.0.0.0/0."""
    assert [p for ports, p in ways(values, "linker") if port in ports and p == peers]
    assert [p for ports, p in ways(values, "linker") if port in ports and "ipBlock" in p[0]]


def test_a_provider_outside_opens_its_port_only() -> None:
    """No rule more than without its name."""
    before, after = ways({}, "dispatcher"), ways({"jira.baseUrl": "https://jira.example.com:8444"}, "dispatcher")
    assert len(before) == len(after)
    assert [p for old, new in zip(before, after, strict=True) for p in new[0] if p not in old[0]] == [8444]


def test_nothing_to_providers_where_no_network_is_named() -> None:
    """An empty list does not mean everything."""
    assert not [p for ports, p in ways({"networkPolicy.providers.cidrs": []}, "installer") if 443 in ports]
