"""What Helm prints where a cluster can be asked: the Secrets that are not there; once they are, only to look."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cluster.charts import BASE, CHART, RELEASE, SECRETS, Helm, Place, settings

pytestmark = pytest.mark.usefixtures("custom_kinds")


def notes(place: Place, helm: Helm, verb: str) -> str:
    """Install or upgrade without waiting, as the admin of one namespace; what is printed after it."""
    return place.helm(helm, verb, RELEASE, str(CHART), *settings(BASE)).partition("NOTES:")[2]


def test_what_is_missing_is_named(make_place: Callable[..., Place], helm: Helm) -> None:
    """Secret and key, while it is missing; OHE's optional Secrets too."""
    without = ("ohdc-seal-keys", "ohdc-keycloak-client", "jira-dc-app")
    place = make_place({name: keys for name, keys in SECRETS.items() if name not in without})
    place.add_secret("ohdc-keycloak-client", ["client-id"])
    text = notes(place, helm, "install")
    assert "Next: these are missing, and pods wait for them" in text
    missing = [line.strip() for line in text.splitlines() if line.startswith("  - Secret")]
    assert missing == ["- Secret ohdc-keycloak-client, key client-secret", "- Secret ohdc-seal-keys, key seal-keys"]
    assert "Secret jira-dc-app is not there" in text and "Secret bitbucket" not in text
    place.add_secret("ohdc-seal-keys", ["seal-keys"])
    place.add_secret("jira-dc-app", ["base-url"])
    text = notes(place, helm, "upgrade")
    assert "ohdc-keycloak-client, key client-secret" in text
    assert "ohdc-seal-keys, key" not in text and "jira-dc-app" not in text


def test_nothing_is_missing(place: Place, helm: Helm) -> None:
    """The next step is to look."""
    text = notes(place, helm, "install")
    assert "Next: see that all runs" in text and "missing" not in text and "openssl" not in text
