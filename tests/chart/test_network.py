"""Who may speak to whom: NetworkPolicies are judged as Kubernetes does, for every pair of a small cluster's members."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.chart.helm import NAMESPACE, SERVICES, Rendered, render

Edge = tuple[str, str, int]


@dataclass(frozen=True)
class Member:
    """A pod (with namespace) or a machine outside (without)."""

    name: str
    address: str
    namespace: str = ""
    labels: dict[str, str] = field(default_factory=dict)


# Pods have 10.42.*; what is outside has other addresses.
CLUSTER = [
    Member("traefik", "10.42.0.1", "traefik", {"app": "traefik"}),
    Member("prometheus", "10.42.0.2", "monitoring", {"app": "prometheus"}),
    Member("keda", "10.42.0.9", "keda", {"app": "keda-operator"}),
    Member("dns", "10.42.0.3", "kube-system", {"k8s-app": "kube-dns"}),
    Member("ohe", "10.42.0.4", NAMESPACE, {"app": "openhands"}),
    Member("postgres", "10.42.0.5", NAMESPACE, {"app": "postgres"}),
    Member("keycloak", "10.42.0.6", NAMESPACE, {"app": "keycloak"}),
    Member("brokers", "10.42.0.7", "kafka", {"strimzi.io/cluster": "main", "strimzi.io/kind": "Kafka"}),
    Member("stranger", "10.42.0.8", "default", {"app": "x"}),
    Member("jira", "192.0.2.10"),
    Member("far-postgres", "198.51.100.20"),
    Member("metadata", "169.254.169.254"),
]
PORTS = (22, 53, 80, 443, 3000, 3128, 5432, 7990, 8080, 8443, 9090, 9092, 9093, 9094)


def members(rendered: Rendered) -> dict[str, Member]:
    """The release's pods and the others, by name."""
    own = [Member(Rendered.short(w), f"10.42.1.{i}", NAMESPACE, w["spec"]["template"]["metadata"]["labels"])
           for i, w in enumerate(rendered.workloads())]
    return {m.name: m for m in (*own, *CLUSTER)}


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """A label selector; an empty one takes all."""
    assert set(selector) <= {"matchLabels", "matchExpressions"}
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In"
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return selector.get("matchLabels", {}).items() <= labels.items()


def is_peer(peer: dict[str, Any], other: Member) -> bool:
    """Whether a peer of a rule means somebody; networks mean pods too, as with most network plug-ins."""
    if "ipBlock" in peer:
        address = ipaddress.ip_address(other.address)
        block = peer["ipBlock"]
        return address in ipaddress.ip_network(block["cidr"]) and not any(
            address in ipaddress.ip_network(e) for e in block.get("except", []))
    if not other.namespace:
        return False
    if "namespaceSelector" in peer:
        if not selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": other.namespace}):
            return False
    elif other.namespace != NAMESPACE:
        return False
    return selects(peer.get("podSelector", {}), other.labels)


def lets(rendered: Rendered, direction: str, pod: Member, other: Member, port: int, protocol: str) -> bool:
    """Whether the policies that choose a pod let this through, in one direction."""
    if pod.namespace != NAMESPACE:
        return True
    key, word = ("ingress", "from") if direction == "Ingress" else ("egress", "to")
    policies = [p["spec"] for p in rendered.of("NetworkPolicy") if direction in p["spec"]["policyTypes"]
                and selects(p["spec"]["podSelector"], pod.labels)]
    rules = [r for p in policies for r in p.get(key, [])]
    return not policies or any(
        (not r.get("ports") or {"protocol": protocol, "port": port} in r["ports"])
        and (not r.get(word) or any(is_peer(p, other) for p in r[word])) for r in rules)


def edges(rendered: Rendered, protocol: str = "TCP") -> set[Edge]:
    """(from, to, port) of all that is let through, where one of the two is a pod of the release."""
    everybody = members(rendered)
    own = {Rendered.short(w) for w in rendered.workloads()}
    return {(a.name, b.name, port) for a in everybody.values() for b in everybody.values() for port in PORTS
            if a != b and (a.name in own or b.name in own)
            and lets(rendered, "Egress", a, b, port, protocol) and lets(rendered, "Ingress", b, a, port, protocol)}


PEERS = ("linker", "dispatcher", "installer")
KAFKA = ("ingress", "linker", "dispatcher")


def label(value: str) -> dict[str, Any]:
    """A selector of one label."""
    return {"matchLabels": {"app": value}}


def namespace(name: str) -> dict[str, Any]:
    """A selector of a namespace by its name."""
    return {"matchLabels": {"kubernetes.io/metadata.name": name}}


# Everything chosen: nobody but these. Providers are one network.
CLOSED = {
    "networkPolicy.ingressController.namespaceSelector": namespace("traefik"),
    "networkPolicy.monitoring.namespaceSelector": namespace("monitoring"),
    "networkPolicy.openhands.podSelector": label("openhands"),
    "networkPolicy.keycloak.podSelector": label("keycloak"),
    "networkPolicy.database.podSelector": label("postgres"),
    "networkPolicy.providers": {"cidrs": ["192.0.2.0/24"], "ports": [443]},
}
CLOSED_EDGES: set[Edge] = {
    *(("traefik", s, 8080) for s in ("ingress", "linker", "installer")),
    *(("prometheus", s, 9090) for s in SERVICES),
    *((s, "dns", 53) for s in SERVICES),
    *((s, "postgres", 5432) for s in SERVICES),
    *((s, "kafka", 9092) for s in KAFKA),
    *((s, "ohe", 3000) for s in PEERS),
    ("linker", "keycloak", 8080),
    *((s, "jira", 443) for s in PEERS),
}


def but(gone: set[Edge], more: set[Edge] | None = None) -> set[Edge]:
    """CLOSED_EDGES with a difference, each part of which must be one."""
    assert gone <= CLOSED_EDGES and not CLOSED_EDGES & (more or set())
    return CLOSED_EDGES - gone | (more or set())


EMBEDDED = {(s, "kafka", 9092) for s in KAFKA}
BROKERS = {"kafka.mode": "external", "kafka.external.securityProtocol": "PLAINTEXT"}
POSTGRES = {(s, "postgres", 5432) for s in SERVICES}
# Name, values over CLOSED, edges.
CASES: list[tuple[str, dict[str, Any], set[Edge]]] = [
    ("closed", {}, CLOSED_EDGES),
    ("no keycloak", {"keycloak.url": ""}, but({("linker", "keycloak", 8080)})),
    ("jira off", {"jira.enabled": False}, CLOSED_EDGES),
    ("kafka by strimzi, in this namespace", {"kafka.mode": "strimzi", "kafka.strimzi.cluster": "main"}, but(EMBEDDED)),
    ("kafka in a namespace", BROKERS | {"kafka.external.brokers": ["b.kafka.svc:9092"]},
     but(EMBEDDED, {(s, "brokers", p) for s in KAFKA for p in (9092, 9093, 9094)})),
    ("kafka's ports", BROKERS | {"kafka.external.brokers": ["b.kafka.svc:9094"], "networkPolicy.kafka.ports": [9093]},
     but(EMBEDDED, {(s, "brokers", p) for s in KAFKA for p in (9093, 9094)})),
    ("kafka by network", BROKERS | {"kafka.external.brokers": ["b.example.com:9092"], "networkPolicy.kafka": {
        "cidrs": ["198.51.100.0/24"], "ports": []}}, but(EMBEDDED, {(s, "far-postgres", 9092) for s in KAFKA})),
    ("database by address", {"database.host": "198.51.100.20", "networkPolicy.database.podSelector": {}},
     but(POSTGRES, {(s, "far-postgres", 5432) for s in SERVICES})),
    ("database by network", {"networkPolicy.database": {"podSelector": {}, "cidrs": ["198.51.100.0/24"]}},
     but(POSTGRES, {(s, "far-postgres", 5432) for s in SERVICES})),
    ("database's port", {"database.port": 9094},
     but(POSTGRES, {(s, "postgres", 9094) for s in SERVICES})),
    ("keda reads the lag", {"linker.autoscaling.enabled": True}, but(set(), {("prometheus", "kafka", 9092)})),
    ("jira's port", {"jira.baseUrl": "https://192.0.2.10:8443"},
     but(set(), {(s, "jira", 8443) for s in PEERS})),
    ("proxy", {"proxy.https": "http://192.0.2.10:3128"}, but(set(), {(s, "jira", 3128) for s in PEERS})),
    ("allowed network", {"networks.allowed": ["198.51.100.20/32"]},
     but(set(), {(s, "far-postgres", 443) for s in PEERS})),
    ("denied network", {"networkPolicy.providers.cidrs": ["0.0.0.0/0"], "networks.denied": ["10.0.0.0/8"]},
     but(set(), {(s, "far-postgres", 443) for s in PEERS})),
    ("more egress", {"networkPolicy.extraEgress": [
        {"to": [{"ipBlock": {"cidr": "198.51.100.20/32"}}], "ports": [{"protocol": "TCP", "port": 22}]}]},
     but(set(), {(s, "far-postgres", 22) for s in SERVICES})),
    ("controller on the host network", {"networkPolicy.ingressController": {
        "namespaceSelector": {}, "cidrs": ["198.51.100.0/24"]}},
     but({("traefik", s, 8080) for s in ("ingress", "linker", "installer")},
         {("far-postgres", s, 8080) for s in ("ingress", "linker", "installer")})),
]


@pytest.mark.parametrize(("values", "wanted"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_edges(values: dict[str, Any], wanted: set[Edge]) -> None:
    """These and no others, among all members and ports."""
    found = edges(render(CLOSED | values))
    assert sorted(found - wanted) == [], "let through without need"
    assert sorted(wanted - found) == [], "needed and not let through"


@pytest.mark.parametrize("service", SERVICES)
def test_defaults(service: str) -> None:
    """With nothing chosen: what is needed works, and these never do."""
    found = edges(render())
    for edge in CLOSED_EDGES:
        if service in edge:
            assert edge in found
    assert not any(e[:2] == (service, "metadata") for e in found)
    assert not any(e[1] == service and e[2] not in (8080, 9090) for e in found)
    assert not any(e[1] == service == "dispatcher" and e[2] != 9090 for e in found)
    assert not any(e[1] == service and e[0] in ("jira", "far-postgres", "metadata") for e in found)


def test_ingress_speaks_to_stores_alone() -> None:
    """The service that takes bodies from strangers reaches database, brokers and DNS, and nothing outside."""
    found = {(to, port) for who, to, port in edges(render(CLOSED)) if who == "ingress"}
    assert found == {("dns", 53), ("postgres", 5432), ("kafka", 9092)}


def test_embedded_kafka_is_ours_alone() -> None:
    """Nobody else comes in, whatever the others' policies let out, and it goes nowhere."""
    rendered = render(CLOSED)
    found = edges(rendered)
    everybody = members(rendered)
    kafka = everybody.pop("kafka")
    assert {m.name for m in everybody.values() if lets(rendered, "Ingress", kafka, m, 9092, "TCP")} == set(KAFKA)
    assert {e for e in found if e[1] == "kafka"} == EMBEDDED
    assert not [e for e in found if e[0] == "kafka"]


def test_embedded_kafka_is_closed_to_strangers() -> None:
    """It knows no users: whatever is chosen or not, no pod of the cluster comes in beside ours and KEDA's."""
    for scaling in (False, True):
        rendered = render({"linker.autoscaling.enabled": scaling})
        assert {e[0] for e in edges(rendered) if e[1] == "kafka"} == {*KAFKA, *(["keda"] if scaling else [])}


@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
def test_dns(protocol: str) -> None:
    """By both protocols; UDP carries nothing else."""
    found = edges(render(CLOSED), protocol)
    assert {(s, "dns", 53) for s in SERVICES} <= found
    assert protocol == "TCP" or {e[1:] for e in found} == {("dns", 53)}


def test_off() -> None:
    """No policy, everything open."""
    rendered = render({"networkPolicy.enabled": False})
    assert rendered.of("NetworkPolicy") == []
    assert ("stranger", "kafka", 9092) in edges(rendered)


def test_judge_sees_a_difference() -> None:
    """The judge itself: without its policy a pod takes everything, with the default deny alone nothing."""
    rendered = Rendered(render(CLOSED).text)
    only_deny = [o for o in rendered.objects if o["kind"] != "NetworkPolicy" or "deny" in o["metadata"]["name"]]
    assert len(only_deny) < len(rendered.objects)
    rendered.objects = only_deny
    assert edges(rendered) == set()
