"""No value is dead: each changes what is rendered, where the others are such that it matters."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from tests.chart.helm import CHART, EXTENSIONS, HOST, default_values, nested, template

# Values under which others matter.
EXTERNAL = {"kafka.mode": "external", "kafka.external.brokers": ["b:9092"], "kafka.external.createTopics": True,
            "kafka.external.caSecret": "ca"}
USERS = {f"kafka.external.users.{user}": {"username": user, "existingSecret": f"{user}-secret"}
         for user in ("all", "ingress", "linker", "dispatcher", "topics")}
ROLES = {f"database.users.{s}": {"user": f"role-{s}", "existingSecret": "e"}
         for s in ("ingress", "linker", "dispatcher", "installer")}
SCALED = {f"{s}.autoscaling.enabled": True for s in ("ingress", "linker", "dispatcher")}
TAKEN = {"takeover.events": True, "takeover.settings": True, "takeover.signIn": True}
JWT = {"openhands.jwtSecret.existingSecret": "jwt"}
CONTEXTS: list[dict[str, Any]] = [
    TAKEN | SCALED | ROLES | JWT | {"installer.replicas": 2},
    EXTERNAL | USERS | {"installer.replicas": 1},
    EXTERNAL | {"kafka.external.users.all": {"username": "u", "existingSecret": "s"}},
    EXTERNAL | {"kafka.external.securityProtocol": "SSL", "kafka.external.users.all.existingSecret": "s"},
    {"kafka.mode": "strimzi", "kafka.strimzi": {"cluster": "main", "replicas": 4}},
    {"keycloak.client.existingSecret": "", "keycloak.admin.existingSecret": "a"},
    {"routing.gateway": {"enabled": True, "parentRefs": [{"name": "g"}]}, "caBundle.enabled": True,
     "monitoring.serviceMonitor.enabled": True, "image.digest": "sha256:" + "a" * 64},
    {"dispatcher.autoscaling": {"enabled": True, "prometheus": {"serverAddress": "http://p"}}},
]
# Other values by type, of which the first that the schema takes is set.
TEXTS = ["x", "https://x", "a@b", "email", "all", "debug", "0m", "512m", "20Gi", "1m", "SASL_PLAINTEXT", "PLAIN",
         "scram-sha-512", "require", "Always", "/x", "external", "sha256:" + "b" * 64]
# Another value is refused unless more is changed with it; the contexts do, and test_refusals.py.
FIXED = {"kafka.mode", "kafka.strimzi.namespace"}

Path = tuple[str, ...]


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """What can be set: all but maps that are not empty; of Kubernetes' objects the whole."""
    for key, below in value.items():
        is_whole = key in ("resources", "annotations", "startup", "liveness", "readiness") or key.endswith("Selector")
        if isinstance(below, dict) and below and not is_whole:
            yield from leaves(below, (*path, key))
        else:
            yield (*path, key), below


LEAVES = [(path, value) for path, value in leaves(default_values()) if ".".join(path) not in FIXED]


def others(value: Any) -> list[Any]:
    """Other values of the same type."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    if isinstance(value, str):
        return [t for t in TEXTS if t != value]
    if isinstance(value, list):
        return [["x"], ["x:1"], ["10.9.0.0/16"], [{"name": "x"}], [7], ["ReadWriteMany"],
                [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}]]
    return [{"x": "y"}, {"X": "y"}, {"matchLabels": {"x": "y"}}, {"requests": {"cpu": "7m"}}, {"periodSeconds": 77},
            {"limits": {"memory": "7Gi"}}]


@functools.cache
def schema() -> jsonschema.Draft7Validator:
    """values.schema.json."""
    return jsonschema.Draft7Validator(json.loads((CHART / "values.schema.json").read_text()))


@functools.cache
def rendered(values: str) -> str | None:
    """All of it as text, None where it is refused."""
    answer = template(values, None, EXTENSIONS)
    return answer.out if answer.status == 0 else None


@pytest.mark.parametrize("context", range(len(CONTEXTS)))
def test_context(context: int) -> None:
    """Each renders."""
    assert rendered(json.dumps(nested(HOST | CONTEXTS[context])))


@pytest.mark.parametrize(("path", "value"), LEAVES, ids=[".".join(p) for p, _ in LEAVES])
def test_value_matters(path: Path, value: Any) -> None:
    """In one context at least, setting it changes something."""
    tried = 0
    for context in CONTEXTS:
        whole = nested(HOST | context)
        place = whole
        for key in path[:-1]:
            place = place.setdefault(key, {})
        before = place.get(path[-1], value)
        base = rendered(json.dumps(nested(HOST | context)))
        for other in others(before):
            place[path[-1]] = other
            if not schema().is_valid(whole):
                continue
            found = rendered(json.dumps(whole))
            tried += found is not None
            if found is not None and found != base:
                return
            if found is not None:
                break
    raise AssertionError(f"{'.'.join(path)} changes nothing; {tried} renderings were tried")
