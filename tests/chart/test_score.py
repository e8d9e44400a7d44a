"""Good practice: kube-score without an unexplained finding where it is installed, and our own rules always."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from tests.chart.helm import PROFILES, ROOT, Rendered, render

KUBE_SCORE = os.environ.get("OHDC_KUBE_SCORE") or shutil.which("kube-score")
EXPLAINED: list[dict[str, str]] = yaml.safe_load((ROOT / "tests/chart/kube-score.yaml").read_text())
# kube-score's grades: 10 is good, 7 almost; what it skipped is no finding.
GOOD = 7


def is_explained(check: str, name: str) -> bool:
    """Whether kube-score.yaml has a reason."""
    return any(e["check"] == check and re.fullmatch(e["object"], name) for e in EXPLAINED)


def findings(profile: str) -> set[tuple[str, str]]:
    """(check, object) of everything that kube-score does not like."""
    assert KUBE_SCORE
    ran = subprocess.run([KUBE_SCORE, "score", "-", "--output-format", "json"], input=render(profile=profile).text,
                         capture_output=True, text=True, timeout=60)
    found = set()
    for thing in json.loads(ran.stdout):
        name = f"{thing['type_meta']['kind']}/{Rendered.short({'metadata': thing['object_meta']})}"
        found |= {(c["check"]["id"], name) for c in thing["checks"] if not c["skipped"] and c["grade"] < GOOD}
    return found


@pytest.mark.skipif(not KUBE_SCORE, reason="kube-score is not installed, and Go's module proxies do not all have it")
def test_kube_score() -> None:
    """Every finding is explained, and every explanation needed."""
    found = {f for profile in PROFILES for f in findings(profile)}
    assert len({o for _, o in found}) > 4
    assert sorted(f"{c}: {o}" for c, o in found if not is_explained(c, o)) == []
    for line in EXPLAINED:
        assert len(line["reason"]) > 30
        used = [o for c, o in found if c == line["check"] and re.fullmatch(line["object"], o)]
        assert used, f"{line['check']}: needless"


def templates(rendered: Rendered) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, pod template) of all workloads."""
    for thing in rendered.workloads():
        yield Rendered.short(thing), thing["spec"]["template"]


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Whether a label selector fits; matchExpressions with In are enough here."""
    return (selector.get("matchLabels") or {}).items() <= labels.items() and all(
        e["operator"] == "In" and labels.get(e["key"]) in e["values"] for e in selector.get("matchExpressions", []))


def services_lead_to_pods(rendered: Rendered) -> Iterator[str]:
    """A Service without pods, or to a port that no container has."""
    for front in rendered.of("Service"):
        assert front["spec"].get("type", "ClusterIP") == "ClusterIP"
        wanted = {"matchLabels": front["spec"]["selector"]}
        hits = [t for _, t in templates(rendered) if selects(wanted, t["metadata"]["labels"])]
        if len(hits) != 1:
            yield f"Service {front['metadata']['name']} leads to {len(hits)} workloads"
            continue
        names = {p["name"] for c in hits[0]["spec"]["containers"] for p in c["ports"]}
        yield from (f"no port {p['targetPort']}" for p in front["spec"]["ports"] if p["targetPort"] not in names)


def policies_choose_pods(rendered: Rendered) -> Iterator[str]:
    """A NetworkPolicy without pods, and a pod without one for both directions."""
    policies = rendered.of("NetworkPolicy")
    for policy in policies:
        if not any(selects(policy["spec"]["podSelector"], t["metadata"]["labels"]) for _, t in templates(rendered)):
            yield f"NetworkPolicy {policy['metadata']['name']} chooses no pod"
    for name, template in templates(rendered):
        own = [p for p in policies if selects(p["spec"]["podSelector"], template["metadata"]["labels"])]
        if {t for p in own for t in p["spec"]["policyTypes"]} != {"Ingress", "Egress"}:
            yield f"{name} has no policies of both directions"


def budgets_choose_pods(rendered: Rendered) -> Iterator[str]:
    """A budget without pods, or that lets none of them go."""
    for budget in rendered.of("PodDisruptionBudget"):
        hits = [t for _, t in templates(rendered) if selects(budget["spec"]["selector"], t["metadata"]["labels"])]
        if len(hits) != 1 or not budget["spec"]["maxUnavailable"]:
            yield f"{budget['metadata']['name']}: {len(hits)} workloads, {budget['spec']}"


def scalers_have_targets(rendered: Rendered) -> Iterator[str]:
    """A scaler of nothing, or of a Deployment that says its number too."""
    targets = {d["metadata"]["name"]: d for d in rendered.of("Deployment")}
    for scaler in (*rendered.of("HorizontalPodAutoscaler"), *rendered.of("ScaledObject")):
        name = scaler["spec"]["scaleTargetRef"]["name"]
        if name not in targets or "replicas" in targets[name]["spec"]:
            yield f"{scaler['kind']} of {name}"


def selectors_fit_templates(rendered: Rendered) -> Iterator[str]:
    """A workload that would not own its own pods."""
    for thing in rendered.workloads():
        if not selects(thing["spec"]["selector"], thing["spec"]["template"]["metadata"]["labels"]):
            yield thing["metadata"]["name"]


def images_have_versions(rendered: Rendered) -> Iterator[str]:
    """An image without a tag or digest, or latest."""
    for name, template in templates(rendered):
        for container in (*template["spec"]["containers"], *template["spec"]["initContainers"]):
            if not re.search(r"(:(?!latest$)[\w.-]+|@sha256:[0-9a-f]{64})$", container["image"]):
                yield f"{name}: {container['image']}"


def services_run_as_high_users(rendered: Rendered) -> Iterator[str]:
    """A user or group that the node may have itself; but for Kafka's image."""
    for name, template in templates(rendered):
        security = template["spec"]["securityContext"]
        if name != "kafka" and min(security["runAsUser"], security["runAsGroup"]) < 10000:
            yield name


def probes_differ(rendered: Rendered) -> Iterator[str]:
    """A service that is killed where it should only be left alone."""
    for name, template in templates(rendered):
        container = template["spec"]["containers"][0]
        if container["livenessProbe"] == container["readinessProbe"]:
            yield name
        if name != "kafka" and container["livenessProbe"]["httpGet"] == container["readinessProbe"]["httpGet"]:
            yield name


def headless_service_of_the_set(rendered: Rendered) -> Iterator[str]:
    """A StatefulSet whose Service is missing or has an address."""
    for thing in rendered.of("StatefulSet"):
        fronts = [s for s in rendered.of("Service") if s["metadata"]["name"] == thing["spec"]["serviceName"]]
        if len(fronts) != 1 or fronts[0]["spec"]["clusterIP"] != "None":
            yield thing["metadata"]["name"]


def accounts_are_there(rendered: Rendered) -> Iterator[str]:
    """A pod whose account is not made, or that gets a token."""
    made = {a["metadata"]["name"]: a for a in rendered.of("ServiceAccount")}
    for name, template in templates(rendered):
        account = made.get(template["spec"]["serviceAccountName"])
        if not account or account["automountServiceAccountToken"] or template["spec"]["automountServiceAccountToken"]:
            yield name


RULES: list[Callable[[Rendered], Iterator[str]]] = [
    services_lead_to_pods, policies_choose_pods, budgets_choose_pods, scalers_have_targets, selectors_fit_templates,
    images_have_versions, services_run_as_high_users, probes_differ, headless_service_of_the_set, accounts_are_there]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.__name__)
def test_rule(rule: Callable[[Rendered], Iterator[str]], profile: str) -> None:
    """No profile breaks one of our own rules."""
    assert list(rule(render(profile=profile))) == []
