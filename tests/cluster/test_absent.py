"""A cluster without KEDA, Gateway API and prometheus-operator: the chart needs none. Runs before they are loaded."""

from __future__ import annotations

from tests.cluster.api import Api
from tests.cluster.charts import RELEASE, SERVICES, Helm, Place, documents

CUSTOM_GROUPS = {"keda.sh", "gateway.networking.k8s.io", "monitoring.coreos.com"}


def test_installs_without_any_custom_kind(place: Place, api: Api, helm: Helm) -> None:
    groups = {group["name"] for group in api.get("/apis")["groups"]}
    assert not groups & CUSTOM_GROUPS, "test_absent.py must run first"
    place.install(helm)
    assert set(place.deployments()) == set(SERVICES)
    rendered = documents(place.helm(helm, "get", "manifest", RELEASE))
    assert not {document["apiVersion"].partition("/")[0] for document in rendered} & CUSTOM_GROUPS
    place.uninstall(helm)
