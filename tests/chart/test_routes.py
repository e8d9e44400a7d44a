"""Which public path leads to which service: by Ingress and by HTTPRoute, under each switch of takeover."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from tests.chart.helm import ROOT, Rendered, render

SWITCHES = ("events", "settings", "signIn")
COMBINATIONS = [frozenset(c) for n in range(4) for c in itertools.combinations(SWITCHES, n)]

# The table of design: a path as somebody calls it, who answers, under which switch (None: always).
TABLE: list[tuple[str, str, str | None]] = [
    ("/integration/jira-dc/connections/7/events", "ingress", "events"),
    ("/integration/bitbucket-dc/connections/7/events", "ingress", "events"),
    ("/integration/jira-dc/workspaces/link", "linker", "settings"),
    ("/integration/jira-dc/callback", "linker", "settings"),
    ("/integration/jira-dc/secrets/token", "linker", "settings"),
    ("/integration/jira-dc/workspaces", "installer", "settings"),
    ("/integration/jira-dc/workspaces/status", "installer", "settings"),
    ("/integration/jira-dc/workspaces/unlink", "installer", "settings"),
    ("/integration/jira-dc/workspaces/validate/acme", "installer", "settings"),
    ("/integration/jira-dc/workspaces/validate/acme/two", "installer", "settings"),
    ("/integration/bitbucket-dc/resources", "installer", "settings"),
    ("/integration/bitbucket-dc/reinstall-webhook", "installer", "settings"),
    ("/integration/bitbucket-dc/uninstall-webhook", "installer", "settings"),
    ("/integration/bitbucket-dc/enroll-webhook", "installer", "settings"),
    ("/integration/bitbucket-dc/webhook-id", "installer", "settings"),
    ("/bitbucket-dc-proxy/oauth2/userinfo", "linker", "signIn"),
    ("/integration/dc", "installer", None),
    ("/integration/dc/", "installer", None),
    ("/integration/dc/jira/7", "installer", None),
    ("/integration/dc/jira/new", "installer", None),
    ("/integration/dc/repositories/1", "installer", None),
    ("/integration/dc/access/1", "installer", None),
    ("/integration/dc/assets/page.css", "installer", None),
    ("/integration/dc/health/status", "installer", None),
    ("/integration/dc/health", "installer", None),
    ("/integration/dc/linked", "installer", None),
    ("/integration/dc/link", "linker", None),
    ("/integration/dc/link/begin", "linker", None),
    ("/integration/dc/link/cancel", "linker", None),
    ("/integration/dc/link/confirm", "linker", None),
    ("/integration/dc/link/unlink", "linker", None),
    ("/integration/dc/link/assets/page.css", "linker", None),
]
# OHE keeps these whatever is switched on.
OTHERS = ["/", "/api/v1/users/me", "/oauth/keycloak/callback", "/integration", "/integration/jira-dc",
          "/integration/bitbucket-dc", "/integration/jira-dc/events", "/integration/bitbucket-dc/events",
          "/integration/jira/callback", "/integration/github/events", "/integration/jira-dc/workspaces/linked",
          "/integration/jira-dc/workspaces/7", "/integration/jira-dc/secrets", "/integration/jira-dc/callback/x",
          "/integration/jira-dc/connectionsx/7/events", "/integration/bitbucket-dc/resources/x", "/integration/dcx",
          "/bitbucket-dc-proxy/oauth2/token", "/bitbucket-dc-proxy/oauth2/authorize", "/bitbucket-dc-proxy",
          "/bitbucket-dc-proxy/oauth2/userinfo/x", "/livez", "/readyz", "/metrics"]


def matches(kind: str, pattern: str, path: str) -> bool:
    """Kubernetes' rules: a prefix counts whole elements."""
    if kind == "Exact":
        return path == pattern
    wanted, found = pattern.strip("/").split("/"), path.strip("/").split("/")
    return found[: len(wanted)] == wanted


def rules(rendered: Rendered, product: str) -> list[tuple[str, str, str, Any]]:
    """(kind, pattern, service, port) of all rules."""
    found = []
    if product == "Ingress":
        for thing in rendered.of("Ingress"):
            for rule in thing["spec"]["rules"]:
                assert rule["host"] == "app.example.com"
                for path in rule["http"]["paths"]:
                    back = path["backend"]["service"]
                    found.append((path["pathType"], path["path"], back["name"], back["port"]["name"]))
    else:
        for thing in rendered.of("HTTPRoute"):
            assert thing["spec"]["hostnames"] == ["app.example.com"]
            for rule in thing["spec"]["rules"]:
                (back,) = rule["backendRefs"]
                for match in rule["matches"]:
                    path = match["path"]
                    found.append((path["type"].removeprefix("Path"), path["value"], back["name"], back["port"]))
    return [(kind, pattern, name.removeprefix("openhands-dc-"), port) for kind, pattern, name, port in found]


def leads_to(rendered: Rendered, product: str, path: str) -> str | None:
    """The service that gets a path; an exact rule wins, then the longest."""
    hits = [(kind == "Exact", len(pattern), service) for kind, pattern, service, _ in rules(rendered, product)
            if matches(kind, pattern, path)]
    return max(hits)[2] if hits else None


def routed(product: str, switches: frozenset[str]) -> Rendered:
    """The chart with these switches on, by one of the two products."""
    return render({
        **{f"takeover.{s}": s in switches for s in SWITCHES}, "routing.ingress.enabled": product == "Ingress",
        "routing.gateway.enabled": product == "HTTPRoute", "routing.gateway.parentRefs": [{"name": "gateway"}]})


@pytest.mark.parametrize("product", ["Ingress", "HTTPRoute"])
@pytest.mark.parametrize(("path", "service", "switch"), TABLE, ids=[t[0] for t in TABLE])
def test_path(product: str, path: str, service: str, switch: str | None) -> None:
    """With its switch to its service, without it to OHE, whatever the other switches."""
    for switches in COMBINATIONS:
        wanted = service if switch is None or switch in switches else None
        assert leads_to(routed(product, switches), product, path) == wanted, sorted(switches)


@pytest.mark.parametrize("product", ["Ingress", "HTTPRoute"])
@pytest.mark.parametrize("path", OTHERS)
def test_path_of_ohe(product: str, path: str) -> None:
    """Never ours."""
    for switches in COMBINATIONS:
        assert leads_to(routed(product, switches), product, path) is None


def own_paths() -> list[tuple[str, str]]:
    """(path as somebody calls it, service) of the services' own tables."""
    found = []
    for service, file in (("linker", "routes.c"), ("installer", "routes.c"), ("ingress", "endpoint.c")):
        text = (ROOT / "services" / service / file).read_text()
        pattern = r'\.pattern = "(/[^"]+)"' if service == "ingress" else r'\{"[A-Z]+", "(/[^"]+)"'
        patterns = set(re.findall(pattern, text))
        assert len(patterns) > 1
        found += [(p.replace("{}*", "a/b").replace("{}", "7"), service) for p in patterns]
    return sorted(found)


@pytest.mark.parametrize("product", ["Ingress", "HTTPRoute"])
@pytest.mark.parametrize(("path", "service"), own_paths())
def test_path_of_the_programs(product: str, path: str, service: str) -> None:
    """What a program answers is led to it with everything switched on; the two tables agree."""
    assert leads_to(routed(product, COMBINATIONS[-1]), product, path) == service


def test_table_covers_the_programs() -> None:
    """No path of the programs is missing above (where only the names in it differ)."""
    def shape(path: str) -> str:
        return re.sub(r"/(7|1|new|acme|a/b|page\.css)(?=/|$)", "/*", path)
    missing = {shape(p) for p, _ in own_paths()} - {shape(p) for p, _, _ in TABLE}
    assert missing == {"/integration/dc/*"}, "pages of the installer, led by their prefix"


@pytest.mark.parametrize("product", ["Ingress", "HTTPRoute"])
def test_no_rule_too_many(product: str) -> None:
    """Every rule is needed by a path of the table, and leads to a port that the Service has."""
    rendered = routed(product, COMBINATIONS[-1])
    for kind, pattern, service, port in rules(rendered, product):
        assert any(matches(kind, pattern, p) and s == service for p, s, _ in TABLE), pattern
        ports = rendered.get("Service", service)["spec"]["ports"]
        assert port in [p["name" if product == "Ingress" else "port"] for p in ports]
        assert port in ("http", 8080)


def test_long_paths_first() -> None:
    """Some controllers take the first that fits: no path stands before a longer one that it would hide."""
    for product in ("Ingress", "HTTPRoute"):
        for thing in routed(product, COMBINATIONS[-1]).of(product):
            one = Rendered("")
            one.objects = [thing]
            patterns = rules(one, product)
            for i, (kind, pattern, service, _) in enumerate(patterns):
                for _, later, other, _ in patterns[i + 1:]:
                    assert service == other or not matches(kind, pattern, later), f"{pattern} hides {later}"


@pytest.mark.parametrize(("values", "names"), [
    ({}, {"pages"}),
    ({"takeover.events": True}, {"events", "pages"}),
    ({"takeover.settings": True}, {"settings", "pages"}),
    ({"takeover.signIn": True}, {"sign-in", "pages"}),
    ({"routing.ingress.enabled": False}, set()),
])
def test_one_ingress_for_each_group(values: dict[str, Any], names: set[str]) -> None:
    """So that their annotations can differ."""
    assert render(values).names("Ingress") == names
    assert render(values).names("HTTPRoute") == set()


GATEWAY = {"routing.ingress.enabled": False, "routing.gateway.enabled": True}


def test_gateway_instead() -> None:
    """The same groups, attached to the Gateways that are named."""
    refs = [{"name": "a", "namespace": "b", "sectionName": "https"}]
    rendered = render({**GATEWAY, "routing.gateway.parentRefs": refs, "routing.gateway.annotations": {"a": "b"},
                       "takeover.events": True})
    assert rendered.names("HTTPRoute") == {"events", "pages"} and rendered.of("Ingress") == []
    for route in rendered.of("HTTPRoute"):
        assert route["spec"]["parentRefs"] == refs
        assert route["metadata"]["annotations"] == {"a": "b"}


@pytest.mark.parametrize(("group", "name"), [("events", "events"), ("settings", "settings"), ("signIn", "sign-in"),
                                             ("pages", "pages")])
def test_annotations(group: str, name: str) -> None:
    """A group's own win over those of all, and are in no other group."""
    values = {f"takeover.{s}": True for s in SWITCHES} | {
        "routing.ingress.annotations": {"a": "all", "b": "all"}, f"routing.ingress.{group}.annotations": {"a": "own"}}
    rendered = render(values)
    for thing in rendered.of("Ingress"):
        own = rendered.short(thing) == name
        annotations = thing["metadata"]["annotations"]
        assert (annotations["a"], annotations["b"]) == ("own" if own else "all", "all")


def test_large_bodies_by_nginx() -> None:
    """Ten MiB of webhook pass nginx, which takes one unless told."""
    size = render({"takeover.events": True}).get("Ingress", "events")["metadata"]["annotations"][
        "nginx.ingress.kubernetes.io/proxy-body-size"]
    assert int(size.removesuffix("m")) >= 13


@pytest.mark.parametrize(("values", "tls"), [
    ({}, None),
    ({"routing.ingress.tlsSecret": "app-tls"}, [{"hosts": ["app.example.com"], "secretName": "app-tls"}]),
])
def test_tls(values: dict[str, Any], tls: Any) -> None:
    """With a Secret of the host, or the controller's own."""
    assert render(values).get("Ingress", "pages")["spec"].get("tls") == tls


@pytest.mark.parametrize(("name", "found"), [("traefik", "traefik"), ("nginx", "nginx"), ("", None)])
def test_class(name: str, found: str | None) -> None:
    """Empty: the cluster's default class."""
    ingress = render({"routing.ingress.className": name}).get("Ingress", "pages")
    assert ingress["spec"].get("ingressClassName") == found


@pytest.mark.parametrize("host", ["app.example.com", "https://app.example.com", "http://app.example.com:8080",
                                  "https://app.example.com/"])
def test_host(host: str) -> None:
    """Rules name the bare host."""
    assert render({"openhands.host": host}).get("Ingress", "pages")["spec"]["rules"][0]["host"] == "app.example.com"
