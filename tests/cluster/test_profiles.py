"""The value profiles of the gate with both Helms, and what a real API says to each of their objects."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.cluster.api import Api, Object
from tests.cluster.charts import CHART, RELEASE, Helm, Place, by_name, documents, dump, profiles
from tests.cluster.nodes import references

APIS = (
    "keda.sh/v1alpha1",
    "keda.sh/v1alpha1/ScaledObject",
    "keda.sh/v1alpha1/TriggerAuthentication",
    "gateway.networking.k8s.io/v1",
    "gateway.networking.k8s.io/v1/HTTPRoute",
    "monitoring.coreos.com/v1",
    "monitoring.coreos.com/v1/PodMonitor",
    "monitoring.coreos.com/v1/ServiceMonitor",
    "kafka.strimzi.io/v1",
    "kafka.strimzi.io/v1/KafkaTopic",
    "kafka.strimzi.io/v1/KafkaUser",
)
KEEP = "helm.sh/resource-policy"
each_profile = pytest.mark.parametrize("profile", profiles(), ids=lambda path: path.stem)


def options(profile: Path, namespace: str = "openhands") -> list[str]:
    """What renders a profile for a cluster with all custom kinds."""
    kinds = [word for api in APIS for word in ("--api-versions", api)]
    return ["--namespace", namespace, "--values", str(profile), *kinds]


def test_there_are_twelve_profiles() -> None:
    assert len(profiles()) >= 12


@each_profile
def test_lint(helm: Helm, profile: Path) -> None:
    helm.run("lint", "--strict", str(CHART), "--values", str(profile))


@each_profile
def test_both_helms_render_the_same(helms: dict[int, Helm], profile: Path) -> None:
    first, second = (by_name(helms[major].render(*options(profile))) for major in (3, 4))
    assert dump(sorted(map(str, first))) == dump(sorted(map(str, second)))
    for key, value in first.items():
        assert dump(value) == dump(second[key]), key


@each_profile
def test_rendering_is_repeatable(helm: Helm, profile: Path) -> None:
    """As Argo CD wants it: the same text each time, no hooks, nothing from the cluster."""
    first, second = (helm.run("template", RELEASE, str(CHART), *options(profile)) for _ in range(2))
    assert first == second
    for document in documents(first):
        annotations = document["metadata"].get("annotations", {})
        assert not [key for key in annotations if key.startswith("helm.sh/hook")], document["metadata"]["name"]


@each_profile
def test_everything_lives_in_the_namespace(helms: dict[int, Helm], api: Api, custom_kinds: None, profile: Path) -> None:
    """An admin of one namespace can install it: no object of the whole cluster, none in another namespace."""
    for document in helms[4].render(*options(profile)):
        where = document["metadata"].get("namespace", "openhands")
        name = f"{document['kind']} {document['metadata']['name']}"
        assert where == "openhands", f"{name} is in {where}"
        assert is_namespaced(api, document), name


def is_namespaced(api: Api, document: Object) -> bool:
    """What the API says of a kind."""
    version = document["apiVersion"]
    base = f"/apis/{version}" if "/" in version else f"/api/{version}"
    found = [item for item in api.get(base)["resources"] if item["kind"] == document["kind"]]
    assert found, f"the API does not know {version} {document['kind']}"
    return found[0]["namespaced"]


@each_profile
def test_the_api_accepts_every_object(
    place: Place, helms: dict[int, Helm], kubectl: Callable[..., subprocess.CompletedProcess[str]],
    custom_kinds: None, profile: Path,
) -> None:  # fmt: skip
    """Server-side, strict: unknown fields, schemas and CEL rules of custom kinds, Pod Security; no warning at all."""
    rendered = helms[4].render(*options(profile, place.name))
    text = yaml.safe_dump_all(rendered)
    done = kubectl(
        "apply", "--server-side", "--dry-run=server", "--validate=strict", "-n", place.name, "-f", "-", text=text
    )
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr.lower(), done.stderr


@each_profile
def test_a_profile_installs(
    make_place: Callable[..., Place], helms: dict[int, Helm], custom_kinds: None, profile: Path
) -> None:
    """Every pod is admitted under `restricted` and finds its Secrets; all is gone afterwards."""
    helm = helms[4]
    wanted: dict[str, tuple[str, ...]] = {}
    maps: dict[str, tuple[str, ...]] = {}
    rendered = helm.render(*options(profile))
    priorities: set[str] = set()
    made = {(item["kind"], item["metadata"]["name"]) for item in rendered}
    for item in rendered:
        if item["kind"] in ("Deployment", "StatefulSet"):
            priorities.add(item["spec"]["template"]["spec"].get("priorityClassName", ""))
            for kind, name, keys in references(item["spec"]["template"]):
                there = wanted if kind == "secrets" else maps
                if ("ConfigMap" if kind == "configmaps" else "Secret", name) not in made:
                    there[name] = tuple(sorted({*there.get(name, ()), *keys}))
    place = make_place(wanted)
    for name, keys in maps.items():
        body = {"metadata": {"name": name}, "data": {key: "text" for key in keys}}
        place.api.create(f"{place.core}/configmaps", body)
    for name in priorities - {""}:
        place.api.create("/apis/scheduling.k8s.io/v1/priorityclasses", {"metadata": {"name": name}, "value": 1000})
    before = place.objects()
    place.helm(helm, "install", RELEASE, str(CHART), "--values", str(profile), "--wait", "--timeout", "60s")
    assert set(place.deployments()) == {"ingress", "linker", "dispatcher", "installer"}
    place.uninstall(helm)
    place.holds_only(
        before | {key for key, item in by_name(rendered).items() if KEEP in item["metadata"].get("annotations", {})}
    )


@pytest.mark.usefixtures("custom_kinds")
def test_strimzi_checks_its_kinds(place: Place, api: Api, strimzi: Path | None) -> None:
    if strimzi is None:
        pytest.skip("no Java is new enough to make Strimzi's CRDs: stand-ins have taken any spec")
    for kind, spec in (("KafkaTopic", {"partitions": 0}), ("KafkaUser", {"authentication": {"type": "password"}})):
        version = "kafka.strimzi.io/v1"
        body = {"apiVersion": version, "kind": kind, "metadata": {"name": "bad"}, "spec": spec}
        answer = api.call("POST", f"/apis/{version}/namespaces/{place.name}/{kind.lower()}s", body)
        assert answer.status_code == 422, f"{kind}: {answer.text}"
