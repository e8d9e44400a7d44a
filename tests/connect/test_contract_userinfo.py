"""The userinfo shim that Keycloak asks: each status with its exact body, and never another account."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.connect.office import Office, open_office
from tests.e2e.stack import Stack

pytestmark = pytest.mark.usefixtures("tidy")


@pytest.fixture(scope="module")
def office(stack: Stack) -> Office:
    """Olga has an account at Bitbucket."""
    made = open_office(stack)
    stack.sims.bitbucket.add_user(name="olga", token="bb-olga")
    stack.secrets.append("bb-olga")
    return made


@pytest.fixture
def tidy(office: Office) -> Iterator[None]:
    """No peer saw a forbidden call."""
    yield
    office.stack.sims.settle()


USERINFO = "/bitbucket-dc-proxy/oauth2/userinfo"


def userinfo(office: Office, token: str | None) -> requests.Response:
    """As Keycloak asks."""
    url = f"http://127.0.0.1:{office.stack.programs['linker'].http}{USERINFO}"
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.get(url, headers=headers, timeout=30)


def test_userinfo_of_a_bitbucket_account(office: Office) -> None:
    """The numeric id as text, and the names."""
    answer = userinfo(office, "bb-olga")
    assert answer.status_code == 200, answer.text
    number = next(
        user["id"]
        for user in requests.get(
            f"{office.stack.bitbucket_url}/rest/api/latest/users?filter=olga",
            headers={"Authorization": "Bearer bb-olga"},
        ).json()["values"]
    )
    assert answer.json() == {
        "sub": str(number),
        "preferred_username": "olga",
        "name": "Olga",
        "email": "olga@example.com",
    }


def test_userinfo_never_takes_another_account(office: Office) -> None:
    """A longer name that contains it comes first in Bitbucket's list: the exact one counts, else 404."""
    sims = office.stack.sims
    sims.bitbucket.add_user(name="xenia-the-elder", token="bb-elder", email="xenia@example.com")
    sims.bitbucket.add_user(name="Xenia", token="bb-xenia", slug="xenia")
    assert userinfo(office, "bb-xenia").json()["preferred_username"] == "Xenia"
    sims.bitbucket.fault(match="^GET /plugins/servlet/applinks/whoami", times=1, status=200, body="xen\n")
    answer = userinfo(office, "bb-elder")
    assert (answer.status_code, answer.json()) == (404, {"error": "user_not_found: xen"})


def test_userinfo_without_a_token_or_with_a_bad_one(office: Office) -> None:
    """401 with the contract's bodies."""
    none = userinfo(office, None)
    assert (none.status_code, none.json()) == (401, {"error": "missing_token"})
    bad = userinfo(office, "no-such-token")
    assert (bad.status_code, bad.json()) == (401, {"error": "not_authenticated"})
    assert len(office.stack.sims.bitbucket.forgive()) == 1
    office.stack.sims.bitbucket.fault(match="whoami", times=1, status=200, body="\n")
    empty = userinfo(office, "bb-olga")
    assert (empty.status_code, empty.json()) == (401, {"error": "not_authenticated"})


def test_userinfo_when_bitbucket_fails(office: Office) -> None:
    """Its status with the contract's error; a time-out is 504, nobody there 503."""
    bitbucket = office.stack.sims.bitbucket
    bitbucket.fault(match="^GET /rest/api/latest/users", times=1, status=502, body="<html>")
    answer = userinfo(office, "bb-olga")
    assert (answer.status_code, answer.json()) == (502, {"error": "bitbucket_error: 502"})
    with office.variant("linker", BITBUCKET_DC_USERINFO_TIMEOUT="1"):
        bitbucket.hold(match="whoami")
        slow = userinfo(office, "bb-olga")
        bitbucket.release()
    assert (slow.status_code, slow.json()) == (504, {"error": "bitbucket_timeout"})
    with office.variant("linker", BITBUCKET_DATA_CENTER_HOST="http://127.0.0.1:9"):
        gone = userinfo(office, "bb-olga")
    assert (gone.status_code, gone.json()) == (503, {"error": "bitbucket_unavailable"})


def test_userinfo_switched_off_is_a_404(office: Office) -> None:
    """Without BITBUCKET_DATA_CENTER_HOST the path is not there."""
    with office.variant("linker", BITBUCKET_DATA_CENTER_HOST=""):
        assert userinfo(office, "bb-olga").status_code == 404
