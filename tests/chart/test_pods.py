"""The pods themselves: restricted, drained, probed, spread; what people set arrives, and names never change."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART, PROFILES, SERVICES, default_values, render

VERSION = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
PORTS = {"ingress": {"http": 8080, "admin": 9090}, "linker": {"http": 8080, "admin": 9090},
         "dispatcher": {"admin": 9090}, "installer": {"http": 8080, "admin": 9090}}


def at(thing: Any, path: str) -> Any:
    """What stands at a dotted path, None where nothing does."""
    for key in path.split("."):
        if isinstance(thing, list):
            thing = thing[int(key)] if -len(thing) <= int(key) < len(thing) else None
        else:
            thing = (thing or {}).get(key)
    return thing


# Of every pod spec, Kafka's too: path and value.
RESTRICTED = [
    ("automountServiceAccountToken", False),
    ("enableServiceLinks", False),
    ("securityContext.runAsNonRoot", True),
    ("securityContext.seccompProfile.type", "RuntimeDefault"),
    ("hostNetwork", None),
    ("hostPID", None),
    ("hostIPC", None),
]
CONTAINER = [
    ("securityContext.allowPrivilegeEscalation", False),
    ("securityContext.capabilities", {"drop": ["ALL"]}),
    ("securityContext.readOnlyRootFilesystem", True),
    ("securityContext.runAsNonRoot", True),
    ("securityContext.seccompProfile.type", "RuntimeDefault"),
    ("securityContext.privileged", None),
    ("lifecycle", None),
]


@pytest.mark.parametrize("profile", PROFILES)
def test_restricted(profile: str) -> None:
    """Pod Security `restricted` and more, in every container of every profile."""
    for workload in render(profile=profile).workloads():
        pod = workload["spec"]["template"]["spec"]
        for path, value in RESTRICTED:
            assert at(pod, path) == value, f"{workload['metadata']['name']}: {path}"
        for container in (*pod["containers"], *pod["initContainers"]):
            for path, value in CONTAINER:
                assert at(container, path) == value, f"{container['name']}: {path}"
            assert at(container, "resources.requests.cpu") and at(container, "resources.requests.memory")
            assert at(container, "resources.limits.memory")
            assert at(container, "resources.limits.cpu") is None, "a CPU limit slows without need"
        for volume in pod["volumes"]:
            assert set(volume) - {"name"} <= {"secret", "projected", "configMap", "emptyDir", "persistentVolumeClaim"}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(("path", "value"), [
    ("spec.strategy", {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}),
    ("spec.revisionHistoryLimit", 5),
    ("spec.template.spec.securityContext.runAsUser", 65532),
    ("spec.template.spec.securityContext.runAsGroup", 65532),
    ("spec.template.spec.securityContext.fsGroup", 65532),
    ("spec.template.spec.initContainers.0.name", "migrate"),
    ("spec.template.spec.initContainers.0.command", ["/usr/local/bin/ohdc", "migrate", "--wait", "300", "--create"]),
    ("spec.template.spec.containers.1", None),
    ("spec.template.spec.containers.0.startupProbe.httpGet", {"path": "/livez", "port": "admin"}),
    ("spec.template.spec.containers.0.livenessProbe.httpGet", {"path": "/livez", "port": "admin"}),
    ("spec.template.spec.containers.0.readinessProbe.httpGet", {"path": "/readyz", "port": "admin"}),
    ("spec.template.spec.topologySpreadConstraints.0.topologyKey", "kubernetes.io/hostname"),
    ("spec.template.spec.topologySpreadConstraints.0.whenUnsatisfiable", "ScheduleAnyway"),
    ("spec.template.spec.priorityClassName", None),
    ("spec.template.spec.affinity", None),
    ("spec.template.spec.nodeSelector", None),
    ("spec.template.spec.tolerations", None),
    ("spec.template.spec.imagePullSecrets", None),
])
def test_deployment(service: str, path: str, value: Any) -> None:
    """The same for all four."""
    assert at(render().get("Deployment", service), path) == value


@pytest.mark.parametrize("service", SERVICES)
def test_program_and_ports(service: str) -> None:
    """Each runs its own program; dispatcher has no public port. Services lead to exactly these ports."""
    rendered = render()
    container = rendered.container(service)
    assert container["command"] == [f"/usr/local/bin/ohdc-{service}"]
    assert {p["name"]: p["containerPort"] for p in container["ports"]} == PORTS[service]
    front = rendered.get("Service", service)
    assert {p["targetPort"]: p["port"] for p in front["spec"]["ports"]} == PORTS[service]
    labels = rendered.get("Deployment", service)["spec"]["template"]["metadata"]["labels"]
    assert front["spec"]["selector"].items() <= labels.items()
    assert labels["app.kubernetes.io/component"] == service
    assert labels["app.kubernetes.io/part-of"] == "openhands"
    account = rendered.get("ServiceAccount", service)
    assert account["automountServiceAccountToken"] is False
    assert rendered.pod(service)["serviceAccountName"] == account["metadata"]["name"]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("mode", ["embedded", "external", "external, topics ours", "strimzi"])
def test_topics(service: str, mode: str) -> None:
    """Topics are made by an init container where they are ours, in the pods that cannot do without them."""
    values: dict[str, Any] = {"kafka.mode": mode.partition(",")[0]}
    if mode.startswith("external"):
        values |= {"kafka.external.brokers": ["a:1"], "kafka.external.securityProtocol": "PLAINTEXT",
                   "kafka.external.createTopics": "ours" in mode}
    if mode == "strimzi":
        values["kafka.strimzi.cluster"] = "main"
    inits = [c["name"] for c in render(values).pod(service)["initContainers"]]
    is_made = mode in ("embedded", "external, topics ours") and service in ("linker", "dispatcher")
    assert inits == (["migrate", "topics"] if is_made else ["migrate"])
    if is_made:
        assert render(values).container(service, "topics")["command"] == [
            "/usr/local/bin/ohdc", "topics", "apply", "--wait", "300"]


def test_migrate_without_create() -> None:
    """Where the database is made by others nothing tries to."""
    rendered = render({"database.create.enabled": False})
    for service in SERVICES:
        assert rendered.container(service, "migrate")["command"] == ["/usr/local/bin/ohdc", "migrate", "--wait", "300"]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("seconds", [None, 15, 600])
def test_drain_fits_into_the_grace_period(service: str, seconds: int | None) -> None:
    """The service ends by itself before Kubernetes ends it; time to look elsewhere is part of it."""
    rendered = render({} if seconds is None else {f"{service}.terminationGracePeriodSeconds": seconds})
    env = rendered.env(service)
    grace = rendered.pod(service)["terminationGracePeriodSeconds"]
    assert grace == (seconds or default_values()[service]["terminationGracePeriodSeconds"])
    assert int(env["OHDC_DRAIN_MS"]) == (grace - 5) * 1000
    assert 0 <= int(env.get("OHDC_GRACE_MS", 0)) < int(env["OHDC_DRAIN_MS"])


AFFINITY = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
    "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]}}}
OTHER = {"podAntiAffinity": {}}
TOLERATION = {"key": "k", "operator": "Exists"}
SPREAD = {"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
POD = "spec.template.spec."

# A service's own value (NAME stands for the service), where it arrives in its Deployment, and what arrives.
OWN: list[tuple[dict[str, Any], str, Any]] = [
    ({"NAME.replicas": 7}, "spec.replicas", 7),
    ({"NAME.replicas": 0}, "spec.replicas", 0),
    ({"NAME.resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}, f"{POD}containers.0.resources",
     {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": None}}),
    ({"NAME.affinity": AFFINITY}, f"{POD}affinity", AFFINITY),
    ({"affinity": AFFINITY}, f"{POD}affinity", AFFINITY),
    ({"affinity": OTHER, "NAME.affinity": AFFINITY}, f"{POD}affinity", AFFINITY),
    ({"NAME.nodeSelector": {"disk": "ssd"}}, f"{POD}nodeSelector", {"disk": "ssd"}),
    ({"NAME.tolerations": [TOLERATION]}, f"{POD}tolerations", [TOLERATION]),
    ({"NAME.topologySpreadConstraints": [SPREAD]}, f"{POD}topologySpreadConstraints.0.maxSkew", 2),
    ({"NAME.priorityClassName": "high"}, f"{POD}priorityClassName", "high"),
    ({"priorityClassName": "high"}, f"{POD}priorityClassName", "high"),
    ({"priorityClassName": "low", "NAME.priorityClassName": "high"}, f"{POD}priorityClassName", "high"),
    ({"imagePullSecrets": [{"name": "pull"}]}, f"{POD}imagePullSecrets", [{"name": "pull"}]),
    ({"image.tag": "2"}, f"{POD}containers.0.image", "ghcr.io/openhands/openhands-dc:2"),
    ({"image.repository": "mirror:5000/ohdc"}, f"{POD}initContainers.0.image", f"mirror:5000/ohdc:{VERSION}"),
    ({"image.digest": f"sha256:{'a' * 64}", "image.tag": "2"}, f"{POD}containers.0.image",
     f"ghcr.io/openhands/openhands-dc@sha256:{'a' * 64}"),
    ({"image.pullPolicy": "Always"}, f"{POD}containers.0.imagePullPolicy", "Always"),
    ({"serviceAccount.create": False}, f"{POD}serviceAccountName", "default"),
    ({"probes.startup.failureThreshold": 9}, f"{POD}containers.0.startupProbe.failureThreshold", 9),
    ({"probes.liveness.periodSeconds": 9}, f"{POD}containers.0.livenessProbe.periodSeconds", 9),
    ({"probes.readiness.timeoutSeconds": 9}, f"{POD}containers.0.readinessProbe.timeoutSeconds", 9),
    ({"extraVolumes": [{"name": "x", "emptyDir": {}}]}, f"{POD}volumes.-1", {"name": "x", "emptyDir": {}}),
    ({"extraVolumeMounts": [{"name": "x", "mountPath": "/x"}], "extraVolumes": [{"name": "x", "emptyDir": {}}]},
     f"{POD}containers.0.volumeMounts.-1", {"name": "x", "mountPath": "/x"}),
    ({"NAME.podAnnotations": {"a": "b"}}, "spec.template.metadata.annotations.a", "b"),
    ({"NAME.podLabels": {"a": "b"}}, "spec.template.metadata.labels.a", "b"),
    ({"commonLabels": {"a": "b"}}, "spec.template.metadata.labels.a", "b"),
    ({"commonAnnotations": {"a": "b"}}, "spec.template.metadata.annotations.a", "b"),
    ({"commonAnnotations": {"a": "b"}, "NAME.podAnnotations": {"a": "c"}}, "spec.template.metadata.annotations.a", "c"),
]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(("values", "path", "wanted"), OWN, ids=[" ".join(o[0]) for o in OWN])
def test_value_arrives(service: str, values: dict[str, Any], path: str, wanted: Any) -> None:
    """In this service; and a service's own value in no other."""
    given = {k.replace("NAME", service): v for k, v in values.items()}
    rendered = render(given)
    found = at(rendered.get("Deployment", service), path)
    if path.endswith("resources"):
        assert found["requests"] == wanted["requests"]
    else:
        assert found == wanted
    if all("NAME" in k for k in values):
        for other in SERVICES:
            if other != service:
                assert rendered.get("Deployment", other) == render().get("Deployment", other)


def test_spread_selects_the_service() -> None:
    """A constraint without a selector gets the service's, one with a selector keeps it."""
    own = SPREAD | {"labelSelector": {"matchLabels": {"a": "b"}}}
    found = render({"linker.topologySpreadConstraints": [SPREAD, own]}).pod("linker")["topologySpreadConstraints"]
    selector = render().get("Deployment", "linker")["spec"]["selector"]
    assert [c["labelSelector"] for c in found] == [selector, {"matchLabels": {"a": "b"}}]


@pytest.mark.parametrize("profile", PROFILES)
def test_change_of_configuration_restarts_who_reads_it(profile: str) -> None:
    """Kafka's properties are read at start: a change of them rolls the pods."""
    rendered = render(profile=profile)
    for service in SERVICES:
        annotations = rendered.get("Deployment", service)["spec"]["template"]["metadata"]["annotations"]
        assert ("checksum/kafka-clients" in annotations) == (service != "installer")
        assert annotations["kubectl.kubernetes.io/default-container"] == service


def test_two_releases_in_one_namespace() -> None:
    """Neither has an object or a selector of the other."""
    one, two = render(release="one"), render(release="two")
    def ids(rendered: Any) -> set[tuple[str, str]]:
        return {(o["kind"], o["metadata"]["name"]) for o in rendered.objects}
    assert not ids(one) & ids(two)
    for workload in two.workloads():
        labels = workload["spec"]["template"]["metadata"]["labels"]
        for other in (*one.of("Deployment"), *one.of("StatefulSet")):
            assert not other["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_common_labels_and_annotations() -> None:
    """On every object."""
    for thing in render({"commonLabels": {"team": "t"}, "commonAnnotations": {"note": "n"}}).objects:
        assert thing["metadata"]["labels"]["team"] == "t", thing["kind"]
        assert thing["metadata"]["annotations"]["note"] == "n", thing["kind"]


def test_annotations_of_accounts_and_services() -> None:
    """Each where it belongs."""
    rendered = render({"serviceAccount.annotations": {"a": "b"}, "ingress.service.annotations": {"c": "d"}})
    for account in rendered.of("ServiceAccount"):
        assert account["metadata"]["annotations"] == {"a": "b"}
    assert rendered.get("Service", "ingress")["metadata"]["annotations"] == {"c": "d"}
    assert "annotations" not in rendered.get("Service", "linker")["metadata"]
    assert render({"serviceAccount.create": False}).of("ServiceAccount") == []


def test_extra_objects() -> None:
    """Run through tpl, as maps and as texts."""
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-extra"}}
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ include \"ohdc.fullname\" . }}-text'}"
    names = {o["metadata"]["name"] for o in render({"extraObjects": [config, text]}).of("ConfigMap")}
    assert {"openhands-dc-extra", "openhands-dc-text"} <= names


UNITS = {"m": 0.001, "": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def amount(text: Any) -> float:
    """A quantity as a number."""
    match = re.fullmatch(r"([0-9.]+)(m|Ki|Mi|Gi|)", str(text))
    assert match, text
    return float(match[1]) * UNITS[match[2]]


def test_requests_on_a_single_machine() -> None:
    """All of it with the embedded broker asks for at most 1 GiB and half a core, init containers included."""
    total = {"cpu": 0.0, "memory": 0.0}
    for workload in render(profile="single-vm").workloads():
        pod = workload["spec"]["template"]["spec"]
        for what in total:
            def request(container: Any, what: str = what) -> float:
                return amount(container["resources"]["requests"][what])
            own = sum(map(request, pod["containers"]))
            total[what] += workload["spec"]["replicas"] * max(own, *map(request, pod["initContainers"]))
    assert total["memory"] <= UNITS["Gi"], f"{total['memory'] / UNITS['Mi']} MiB"
    assert total["cpu"] <= 0.5, total["cpu"]
