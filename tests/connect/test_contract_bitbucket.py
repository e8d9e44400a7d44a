"""The HTTP contract of Bitbucket's management calls: each endpoint and status with its exact body."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.connect.office import BITBUCKET_API, ORG, OTHER_ORG, PROVIDER, RESOLVER_EVENTS, Office, open_office
from tests.e2e.stack import Stack

pytestmark = pytest.mark.usefixtures("tidy")
WEB = {"project_key": "PROJ", "repo_slug": "web"}
NOBODY = {"resource": WEB}
ENDPOINTS = [
    ("GET", f"{BITBUCKET_API}/resources", None),
    ("POST", f"{BITBUCKET_API}/reinstall-webhook", NOBODY),
    ("POST", f"{BITBUCKET_API}/uninstall-webhook", NOBODY),
    ("POST", f"{BITBUCKET_API}/enroll-webhook", NOBODY),
    ("PATCH", f"{BITBUCKET_API}/webhook-id", NOBODY | {"webhook_id": "7"}),
]
CHANGES = ENDPOINTS[1:]
EMPTY = {"project_key, repo_slug, and webhook_id are required", "project_key and repo_slug are required"}
OFFSET = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:?\d\d)"


def name_of(endpoint: tuple[str, str, Any]) -> str:
    """For the test's id."""
    return f"{endpoint[0]} {endpoint[1].removeprefix(BITBUCKET_API)}"


@pytest.fixture(scope="module")
def office(stack: Stack) -> Office:
    """Olga administers web and her own; mia reads web; max has no Bitbucket account in OpenHands."""
    made = open_office(stack)
    sims = stack.sims
    for name in ("olga", "mia", "adam"):
        sims.bitbucket.add_user(name=name, token=f"bb-token-of-{name}")
        stack.secrets.append(f"bb-token-of-{name}")
        sims.ohe.set_provider_token(identity=made.ids[name], provider=PROVIDER, token=f"bb-token-of-{name}")
    everybody = {"olga": "REPO_ADMIN", "adam": "REPO_ADMIN", "mia": "REPO_WRITE", "openhands": "REPO_WRITE"}
    sims.bitbucket.add_repo(key="PROJ", slug="web", rights=everybody)
    sims.bitbucket.add_repo(key="PROJ", slug="api.v2", rights={"olga": "REPO_WRITE"})
    sims.bitbucket.add_repo(key="~olga", slug="notes", rights={"olga": "REPO_ADMIN"}, owner="olga")
    return made


@pytest.fixture
def tidy(office: Office) -> Iterator[None]:
    """No hook and no connection before; no peer saw a forbidden call."""
    office.sql("delete from connection where provider = 'bitbucket'")
    office.stack.sims.bitbucket.drop_hooks()
    yield
    office.stack.sims.settle()


def post(office: Office, who: str, call: str, key: str = "PROJ", slug: str = "web") -> requests.Response:
    """One of the calls about a repository."""
    body = {"resource": {"project_key": key, "repo_slug": slug}}
    return office.call(who, "POST", f"{BITBUCKET_API}/{call}-webhook", body)


def rows(office: Office) -> list[dict[str, Any]]:
    """Bitbucket's connections."""
    return office.stack.rows("select * from connection where provider = 'bitbucket' order by id")


def detail(answer: requests.Response, status: int) -> str:
    """The readable refusal."""
    assert answer.status_code == status, answer.text
    assert isinstance(answer.json()["detail"], str), answer.text
    return answer.json()["detail"].removeprefix("Value error, ")


# --- who may ----------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=name_of)
def test_without_credentials_all_calls_are_a_clean_401(office: Office, endpoint: tuple[str, str, Any]) -> None:
    """The exact body."""
    answer = office.call(None, *endpoint)
    assert (answer.status_code, answer.json()) == (401, {"error": "NoCredentialsError"})


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=name_of)
def test_all_calls_need_the_permission(office: Office, endpoint: tuple[str, str, Any]) -> None:
    """A guest has none; nothing is asked at Bitbucket."""
    before = len(office.stack.sims.bitbucket.calls())
    assert detail(office.call("gus", *endpoint), 403) == "Requires manage_integrations permission"
    assert len(office.stack.sims.bitbucket.calls()) == before


def test_organisations_are_openhands_business(office: Office) -> None:
    """What is no id, a foreign one, a key for another: OpenHands' own answers."""
    path = f"{BITBUCKET_API}/resources"
    odd = office.call("olga", "GET", path, X_Org_Id="acme")
    assert detail(odd, odd.status_code) == "Invalid X-Org-Id header (must be a UUID)"
    foreign = office.call("olga", "GET", path, X_Org_Id=OTHER_ORG)
    assert detail(foreign, 403) == "User is not a member of the requested organization"
    key = office.stack.sims.ohe.add_key(identity=office.ids["olga"], org=ORG)
    bound = office.call(None, "GET", path, Authorization=f"Bearer {key}", X_Org_Id=office.ids["olga"])
    assert detail(bound, 403) == "API key is not authorized for this organization"


@pytest.mark.parametrize("endpoint", CHANGES, ids=name_of)
@pytest.mark.parametrize("slug", ["web", "api.v2"])
def test_changes_need_the_repository_administrators_token(
    office: Office, endpoint: tuple[str, str, Any], slug: str
) -> None:
    """Who reads or writes may not: 403; neither a row nor a hook changes."""
    who = "mia" if slug == "web" else "olga"
    body = endpoint[2] | {"resource": {"project_key": "PROJ", "repo_slug": slug}}
    answer = office.call(who, endpoint[0], endpoint[1], body)
    assert detail(answer, 403) == "User does not have admin access to this repository"
    assert rows(office) == []
    assert office.stack.sims.bitbucket.hooks_of(repo=f"PROJ/{slug}") == []


# --- resources --------------------------------------------------------------------------------


def test_the_list_has_what_the_caller_administers(office: Office) -> None:
    """Exactly these members; personal projects too; not what one may only write to."""
    answer = office.call("olga", "GET", f"{BITBUCKET_API}/resources")
    assert answer.status_code == 200, answer.text
    found = {entry["full_name"]: entry for entry in answer.json()["resources"]}
    assert set(found) == {"PROJ/web", "~olga/notes"}
    assert found["PROJ/web"] == {
        "project_key": "PROJ",
        "repo_slug": "web",
        "name": "web",
        "full_name": "PROJ/web",
        "type": "repository",
        "connection_id": None,
        "webhook_enrolled": False,
        "webhook_id": None,
        "webhook_url": None,
        "webhook_secret_set": False,
        "installed_by_user_id": None,
        "last_synced": None,
    }
    assert office.call("mia", "GET", f"{BITBUCKET_API}/resources").json() == {"resources": []}


def test_an_installed_repository_in_the_list(office: Office) -> None:
    """The connection's members are filled in at once."""
    made = post(office, "olga", "reinstall").json()
    listed = office.call("olga", "GET", f"{BITBUCKET_API}/resources").json()["resources"]
    entry = next(e for e in listed if e["full_name"] == "PROJ/web")
    assert re.fullmatch(OFFSET, entry.pop("last_synced"))
    assert entry == {
        "project_key": "PROJ",
        "repo_slug": "web",
        "name": "web",
        "full_name": "PROJ/web",
        "type": "repository",
        "connection_id": made["connection_id"],
        "webhook_enrolled": True,
        "webhook_id": made["webhook_id"],
        "webhook_url": made["webhook_url"],
        "webhook_secret_set": True,
        "installed_by_user_id": office.ids["olga"],
    }


def test_a_caller_without_a_bitbucket_token(office: Office) -> None:
    """500 with the contract's text; error says the way out."""
    answer = office.call("max", "GET", f"{BITBUCKET_API}/resources")
    assert detail(answer, 500) == "Failed to retrieve Bitbucket DC resources"
    assert len(answer.json()["error"]) > 10


def test_bitbucket_down_while_listing(office: Office) -> None:
    """500 with the contract's text, for somebody whose list is not known yet."""
    office.stack.sims.bitbucket.fault(match="/repos$", times=-1, status=503)
    answer = office.call("adam", "GET", f"{BITBUCKET_API}/resources")
    assert detail(answer, 500) == "Failed to retrieve Bitbucket DC resources"


# --- install ----------------------------------------------------------------------------------


def test_installing_answers_with_the_hook(office: Office) -> None:
    """The exact body, the hook as the contract has it, no secret in the answer."""
    answer = post(office, "olga", "reinstall")
    assert answer.status_code == 200, answer.text
    (hook,) = office.stack.sims.bitbucket.hooks_of(repo="PROJ/web")
    (row,) = rows(office)
    url = f"{office.stack.origin}{BITBUCKET_API}/connections/{row['id']}/events"
    assert answer.json() == {
        **WEB,
        "success": True,
        "error": None,
        "webhook_id": str(hook["id"]),
        "connection_id": row["id"],
        "webhook_url": url,
    }
    assert (hook["name"], hook["url"], hook["events"]) == ("OpenHands Resolver", url, RESOLVER_EVENTS)
    assert hook["active"] is True
    secret = hook["configuration"]["secret"]
    assert re.fullmatch("[A-Za-z0-9_-]{43}", secret)
    assert secret not in answer.text
    assert (row["status"], row["owner_user_id"], row["hook_id"]) == ("active", office.ids["olga"], str(hook["id"]))


def test_installing_again_updates_the_same_hook(office: Office) -> None:
    """One hook, one row, another secret; the caller becomes its installer."""
    first = post(office, "olga", "reinstall").json()
    secret = office.stack.sims.bitbucket.hooks_of(repo="PROJ/web")[0]["configuration"]["secret"]
    again = post(office, "adam", "reinstall").json()
    (hook,) = office.stack.sims.bitbucket.hooks_of(repo="PROJ/web")
    assert again == first
    assert hook["configuration"]["secret"] != secret
    assert rows(office)[0]["owner_user_id"] == office.ids["adam"]


def test_names_are_trimmed_and_personal_projects_work(office: Office) -> None:
    """Blanks around, `~olga`."""
    assert post(office, "olga", "reinstall", " PROJ ", " web ").json()["success"] is True
    answer = post(office, "olga", "reinstall", "~olga", "notes")
    assert answer.json()["success"] is True, answer.text
    assert answer.json()["project_key"] == "~olga"
    assert {row["repo_slug"] for row in rows(office)} == {"web", "notes"}


def test_bitbuckets_refusal_is_shown(office: Office) -> None:
    """200 with success false and its words in error; nothing counts as installed."""
    words = {"errors": [{"context": None, "message": "The maximum of 50 webhooks is reached.", "exceptionName": None}]}
    office.stack.sims.bitbucket.fault(match="^(POST|PUT) .*/webhooks", times=-1, status=400, body=words)
    answer = post(office, "olga", "reinstall")
    assert answer.status_code == 200, answer.text
    assert answer.json()["success"] is False
    assert "The maximum of 50 webhooks is reached." in answer.json()["error"]
    assert all(row["status"] != "active" for row in rows(office))


def test_our_own_failures_are_a_500(office: Office) -> None:
    """The contract's texts."""
    with office.broken("connection"):
        said = [office.call("olga", *endpoint) for endpoint in CHANGES]
    assert [(answer.status_code, answer.json().get("detail")) for answer in said] == [
        (500, "Failed to install Bitbucket DC webhook"),
        (500, "Failed to uninstall Bitbucket DC webhook"),
        (500, "Failed to enroll Bitbucket DC webhook"),
        (500, "Failed to update Bitbucket DC webhook id"),
    ]


@pytest.mark.parametrize("endpoint", CHANGES, ids=name_of)
@pytest.mark.parametrize("missing", ["project_key", "repo_slug"])
def test_names_are_required(office: Office, endpoint: tuple[str, str, Any], missing: str) -> None:
    """Empty or blank: 400 with the contract's text; not there or no text: 422 in words."""
    method, path, body = endpoint
    for value in ("", "   "):
        answer = office.call("olga", method, path, body | {"resource": WEB | {missing: value}})
        assert detail(answer, 400) in EMPTY
    for resource in ({k: v for k, v in WEB.items() if k != missing}, WEB | {missing: 7}, "PROJ/web"):
        answer = office.call("olga", method, path, body | {"resource": resource})
        assert len(detail(answer, 422)) > 10


def test_a_repository_that_is_not_there(office: Office) -> None:
    """Refused in words; no row."""
    answer = post(office, "olga", "reinstall", "PROJ", "nothing")
    said = answer.json()
    assert answer.status_code in (200, 403, 404), answer.text
    assert len(said.get("error") or said["detail"]) > 10
    assert said.get("success") is not True
    assert rows(office) == []


@pytest.mark.parametrize("slug", ["../../admin", "web/../api.v2", "web?x=1", "web#x", "web%2f..", "we\nb"])
def test_names_cannot_lead_elsewhere(office: Office, slug: str) -> None:
    """Whatever is typed stays one piece of the path: no other resource of Bitbucket is touched."""
    changes = "^(POST|PUT|DELETE)"
    before = len(office.stack.sims.bitbucket.calls(match=changes))
    answer = post(office, "olga", "reinstall", "PROJ", slug)
    assert answer.json().get("success") is not True
    assert rows(office) == []
    assert len(office.stack.sims.bitbucket.calls(match=changes)) == before
    for text in office.stack.sims.bitbucket.forgive():
        assert "unexpected path" not in text, text


# --- uninstall --------------------------------------------------------------------------------


def test_uninstalling(office: Office) -> None:
    """The hook is gone; the exact body; again is fine."""
    made = post(office, "olga", "reinstall").json()
    answer = post(office, "olga", "uninstall")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        **WEB,
        "success": True,
        "error": None,
        "webhook_id": made["webhook_id"],
        "connection_id": made["connection_id"],
        "webhook_url": made["webhook_url"],
    }
    assert office.stack.sims.bitbucket.hooks_of(repo="PROJ/web") == []
    assert all(row["status"] == "paused" for row in rows(office))
    listed = office.call("olga", "GET", f"{BITBUCKET_API}/resources").json()["resources"]
    assert next(e for e in listed if e["full_name"] == "PROJ/web")["webhook_enrolled"] is False
    assert post(office, "olga", "uninstall").json()["success"] is True


def test_uninstalling_what_was_never_installed(office: Office) -> None:
    """Success without ids; hooks of others stay."""
    office.stack.sims.bitbucket.add_hook(repo="PROJ/web", url="https://ci.example.com/hook")
    answer = post(office, "olga", "uninstall")
    assert answer.json() == {
        **WEB,
        "success": True,
        "error": None,
        "webhook_id": None,
        "connection_id": None,
        "webhook_url": None,
    }
    assert len(office.stack.sims.bitbucket.hooks_of(repo="PROJ/web")) == 1


# --- the older manual flow --------------------------------------------------------------------


def test_enrolling_by_hand(office: Office) -> None:
    """The exact body, the only answer with a secret; the hook is not made for one."""
    answer = post(office, "olga", "enroll")
    assert answer.status_code == 200, answer.text
    (row,) = rows(office)
    got = answer.json()
    secret = got.pop("webhook_secret")
    assert re.fullmatch("[A-Za-z0-9_-]{43}", secret)
    office.stack.secrets.append(secret)
    assert got == {
        **WEB,
        "success": True,
        "error": None,
        "connection_id": row["id"],
        "webhook_url": f"{office.stack.origin}{BITBUCKET_API}/connections/{row['id']}/events",
        "webhook_name": "OpenHands Resolver",
        "events": RESOLVER_EVENTS,
    }
    assert office.stack.sims.bitbucket.hooks_of(repo="PROJ/web") == []


def test_the_number_of_a_hook_made_by_hand(office: Office) -> None:
    """Kept for an enrolled repository, 404 for another, 400 when empty."""
    path = f"{BITBUCKET_API}/webhook-id"
    body = {"resource": WEB, "webhook_id": "4711"}
    missing = office.call("olga", "PATCH", path, body)
    assert detail(missing, 404) == "Bitbucket DC webhook enrollment not found"
    office.stack.secrets.append(post(office, "olga", "enroll").json()["webhook_secret"])
    answer = office.call("olga", "PATCH", path, body)
    assert (answer.status_code, answer.json()) == (200, {**WEB, "success": True, "error": None})
    assert rows(office)[0]["hook_id"] == "4711"
    empty = office.call("olga", "PATCH", path, body | {"webhook_id": " "})
    assert detail(empty, 400) == "project_key, repo_slug, and webhook_id are required"
    assert len(detail(office.call("olga", "PATCH", path, body | {"webhook_id": 4711}), 422)) > 10


# --- a token given once -----------------------------------------------------------------------


def test_without_the_shared_secret_a_token_is_given_once(office: Office) -> None:
    """Header X-Bitbucket-Token installs; without it the way out is said; it is stored nowhere."""
    with office.variant("installer", JWT_SECRET=""):
        refused = post(office, "olga", "reinstall")
        said = refused.json()
        assert said.get("success") is not True
        assert len(said.get("error") or said["detail"]) > 10
        answer = office.call(
            "olga",
            "POST",
            f"{BITBUCKET_API}/reinstall-webhook",
            NOBODY,
            X_Bitbucket_Token="bb-token-of-adam",
        )
        assert answer.json().get("success") is True, answer.text
    (row,) = rows(office)
    assert b"bb-token" not in b"".join(bytes(v) for v in row.values() if isinstance(v, bytes | memoryview))


def test_bitbucket_switched_off_is_a_404(office: Office) -> None:
    """Without BITBUCKET_DATA_CENTER_HOST the paths are not there."""
    with office.variant("installer", BITBUCKET_DATA_CENTER_HOST=""):
        assert detail(office.call("olga", "GET", f"{BITBUCKET_API}/resources"), 404)
