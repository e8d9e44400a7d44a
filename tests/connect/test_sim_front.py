"""The front sends each path where it belongs, over TLS, with cookies and redirects untouched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.sim.client import Sims
from tests.sim.front import Front, service_of

PATHS = {
    "/integration/jira-dc/connections/7/events": "ingress",
    "/integration/bitbucket-dc/connections/7/events": "ingress",
    "/integration/jira-dc/workspaces/link": "linker",
    "/integration/jira-dc/callback": "linker",
    "/integration/jira-dc/secrets/token": "linker",
    "/bitbucket-dc-proxy/oauth2/userinfo": "linker",
    "/integration/dc/link": "linker",
    "/integration/dc/link/confirm": "linker",
    "/integration/jira-dc/workspaces": "installer",
    "/integration/jira-dc/workspaces/status": "installer",
    "/integration/jira-dc/workspaces/validate/jira.example.com": "installer",
    "/integration/jira-dc/workspaces/unlink": "installer",
    "/integration/bitbucket-dc/resources": "installer",
    "/integration/bitbucket-dc/webhook-id": "installer",
    "/integration/dc/": "installer",
    "/integration/dc/linked": "installer",
    "/integration/jira-dc/other": None,
    "/integration/github/events": None,
    "/settings/integrations": None,
}


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_each_path_has_its_service(path: str) -> None:
    """As the ingress rules of the chart will have it."""
    assert service_of(path) == PATHS[path]


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    """In front of OpenHands alone; nobody listens for the installer."""
    sims = Sims(names=("ohe",)).start()
    sims.ohe.add_person(email="ana@example.com", identity="11111111-1111-4111-8111-111111111111")
    sims.ohe.sign_in(identity="11111111-1111-4111-8111-111111111111", session="s1")
    made = Front(tmp_path, {"ohe": sims.ohe.base_url, "installer": "http://127.0.0.1:1"}).start()
    yield made
    made.stop()
    sims.stop()


def test_it_speaks_tls_and_passes_on(front: Front) -> None:
    """Its certificate is good for its host; the cookie travels; a missing service is a 502."""
    session, base = requests.Session(), f"https://localhost:{front.port}"
    session.trust_env, session.verify = False, str(front.certificate)
    signed = session.get(f"{base}/_front/sign-in?session=s1&to=/settings/integrations", allow_redirects=False)
    assert signed.headers["Location"] == "/settings/integrations"
    assert "SameSite=Strict" in signed.headers["Set-Cookie"]
    assert session.get(f"{base}/api/v1/users/me").json()["email"] == "ana@example.com"
    assert "Integrations" in session.get(f"{base}/settings/integrations").text
    assert session.get(f"{base}/integration/dc/").status_code == 502
    assert session.get(f"{base}/elsewhere").status_code == 404
    assert front.seen[-1] == ("GET", "/integration/dc/", 502)
