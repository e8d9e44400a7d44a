"""The HTTP contract of Jira's management calls in e-mail mode: each endpoint and status with its exact body."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.connect.office import EVENTS, JIRA_API, ORG, OTHER_ORG, Office, open_office
from tests.e2e.stack import Stack
from tests.e2e.waiting import wait_until

pytestmark = pytest.mark.usefixtures("tidy")
SETTINGS = {
    "JIRA_DC_ENABLE_OAUTH": "0",
    "JIRA_DC_SERVICE_ACCOUNT_EMAIL": "",
    "JIRA_DC_SERVICE_ACCOUNT_PAT": "",
}
CHARSET = "workspace_name can only contain alphanumeric characters, hyphens, underscores, and periods"
LINK_CHARSET = "workspace can only contain alphanumeric characters, hyphens, underscores, and periods"
ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?"
ENDPOINTS = [
    ("POST", f"{JIRA_API}/workspaces", {"workspace_name": "x", "svc_acc_email": "a@b.co"}),
    ("POST", f"{JIRA_API}/workspaces/status", {"workspace_name": "x", "is_active": True}),
    ("GET", f"{JIRA_API}/workspaces/status", None),
    ("POST", f"{JIRA_API}/workspaces/link", {"workspace_name": "x"}),
    ("GET", f"{JIRA_API}/workspaces/link", None),
    ("POST", f"{JIRA_API}/workspaces/unlink", {}),
    ("GET", f"{JIRA_API}/workspaces/validate/x", None),
]


def name_of(endpoint: tuple[str, str, Any]) -> str:
    """For the test's id."""
    return f"{endpoint[0]} {endpoint[1].removeprefix(JIRA_API)}"


@pytest.fixture(scope="module")
def office(stack: Stack) -> Office:
    """E-mail mode, the service account is given in the screens."""
    return open_office(stack)


@pytest.fixture
def tidy(office: Office) -> Iterator[None]:
    """Nothing connected before; no peer saw a forbidden call."""
    office.forget()
    yield
    office.stack.sims.settle()


def manual(office: Office, **more: Any) -> dict[str, Any]:
    """The body of manual setup's first step; a member that is None is left out."""
    body = {
        "workspace_name": office.host,
        "svc_acc_email": "openhands@example.com",
        "is_active": False,
        "svc_acc_api_key": "bot-pat",
        "webhook_secret": "c2VjcmV0LW1hZGUtaW4tdGhlLWJyb3dz",
    } | more
    return {name: value for name, value in body.items() if value is not None}


def detail(answer: Any, status: int) -> str:
    """The readable refusal; a validator's prefix may stand before it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("application/json")
    text = answer.json()["detail"]
    assert isinstance(text, str), answer.text
    return text.removeprefix("Value error, ")


# --- who may ----------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=name_of)
def test_without_credentials_all_calls_are_a_clean_401(office: Office, endpoint: tuple[str, str, Any]) -> None:
    """And OpenHands is not asked who nobody is."""
    answer = office.call(None, *endpoint)
    assert (answer.status_code, answer.json()) == (401, {"error": "NoCredentialsError"})


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=name_of)
def test_an_expired_session_gets_openhands_own_401(office: Office, endpoint: tuple[str, str, Any]) -> None:
    """Its body is passed on."""
    name = office.newcomer("admin")
    office.stack.sims.ohe.expire_session(session=office.sessions[name])
    answer = office.call(name, *endpoint)
    assert (answer.status_code, answer.json()) == (401, {"error": "ExpiredError"})


def test_openhands_refusal_of_an_organisation_is_passed_on(office: Office) -> None:
    """400 for what is no id, 403 for a foreign one."""
    foreign = office.call("mia", "GET", f"{JIRA_API}/workspaces/status", X_Org_Id=OTHER_ORG)
    assert detail(foreign, 403) == "User is not a member of the requested organization"


@pytest.mark.parametrize("who", ["mia", "gus"])
def test_setting_up_needs_the_permission(office: Office, who: str) -> None:
    """Members and guests may not; nothing is written."""
    answer = office.call(who, "POST", f"{JIRA_API}/workspaces", manual(office))
    assert detail(answer, 403) == "Requires manage_integration_providers permission"
    assert office.connections() == []


def test_an_api_key_counts_as_its_owner(office: Office) -> None:
    """Bearer and X-Session-API-Key, bound to an organisation."""
    key = office.stack.sims.ohe.add_key(identity=office.ids["olga"], org=ORG)
    for headers in ({"Authorization": f"Bearer {key}"}, {"X_Session_API_Key": key}):
        answer = office.call(None, "GET", f"{JIRA_API}/workspaces/status", **headers)
        assert (answer.status_code, answer.json()) == (200, {"configured": False, "host": None})


# --- (2) POST /workspaces ---------------------------------------------------------------------


def test_manual_setup_answers_with_the_events_url(office: Office) -> None:
    """The exact body; the row is not yet active, belongs to the caller and keeps the browser's secret."""
    answer = office.call("olga", "POST", f"{JIRA_API}/workspaces", manual(office))
    assert answer.status_code == 200, answer.text
    (row,) = office.connections()
    assert answer.json() == {
        "success": True,
        "redirect": False,
        "authorizationUrl": "",
        "webhookEnrolled": False,
        "eventsUrl": f"{office.stack.origin}{JIRA_API}/connections/{row['id']}/events",
    }
    assert row["status"] in ("pending", "paused")
    assert row["owner_user_id"] == office.ids["olga"]
    assert [link["user_id"] for link in office.links()] == [office.ids["olga"]]
    assert b"c2VjcmV0" not in bytes(row["secret_sealed"])


def test_automatic_setup_installs_the_hook(office: Office) -> None:
    """One global hook with name, address, six events and the secret where Jira reads it; the PAT is used up."""
    body = manual(office, webhook_secret=None, is_active=True, admin_api_key="admin-pat")
    answer = office.call("olga", "POST", f"{JIRA_API}/workspaces", body)
    assert answer.status_code == 200, answer.text
    (row,) = office.connections()
    url = f"{office.stack.origin}{JIRA_API}/connections/{row['id']}/events"
    assert answer.json() == {
        "success": True,
        "redirect": False,
        "authorizationUrl": "",
        "webhookEnrolled": True,
        "eventsUrl": url,
    }
    (hook,) = office.stack.sims.jira.hooks_now()
    assert (hook["name"], hook["url"], sorted(hook["events"])) == ("OpenHands", url, EVENTS)
    assert (hook["active"], hook["scopeType"], row["status"]) == (True, "global", "active")
    assert len(hook["configuration"]["SECRET"]) >= 32
    assert row["hook_id"] == str(hook["id"])


def test_a_failed_installation_pauses_the_connection(office: Office) -> None:
    """200 with webhookEnrolled false, Jira's words in error; the connection is inactive."""
    office.stack.sims.jira.fault(
        match="^POST /rest/jira-webhook", times=-1, status=400, body={"errorMessages": ["No more webhooks"]}
    )
    body = manual(office, webhook_secret=None, is_active=True, admin_api_key="admin-pat")
    answer = office.call("olga", "POST", f"{JIRA_API}/workspaces", body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["webhookEnrolled"] is False
    assert "No more webhooks" in answer.json()["error"]
    (row,) = office.connections()
    assert row["status"] in ("paused", "pending")
    assert "No more webhooks" in row["hook_error"]


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"workspace_name": "jira example.com/?x"}, CHARSET),
        ({"workspace_name": ""}, None),
        ({"workspace_name": None}, None),
        ({"workspace_name": 7}, None),
        ({"webhook_secret": "two words"}, "webhook_secret cannot contain spaces"),
        ({"svc_acc_email": "nobody"}, "svc_acc_email must be a valid email address"),
        ({"svc_acc_api_key": "a b"}, "svc_acc_api_key cannot contain spaces"),
        ({"is_active": "often"}, None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_input_that_cannot_be_used_is_a_422_in_words(office: Office, changed: dict[str, Any], text: str | None) -> None:
    """The contract's sentence where it has one, a sentence in any case; nothing is written."""
    answer = office.call("olga", "POST", f"{JIRA_API}/workspaces", manual(office, **changed))
    said = detail(answer, 422)
    assert said == text if text else len(said) > 10
    assert office.connections() == []


def test_a_body_that_is_no_json_object_is_a_422_in_words(office: Office) -> None:
    """Lists, nothing at all."""
    for body in ([], "text", None):
        assert len(detail(office.call("olga", "POST", f"{JIRA_API}/workspaces", body), 422)) > 10


def test_the_service_account_is_asked_for(office: Office) -> None:
    """E-mail first, then, for a new connection, the token."""
    for email in (None, ""):
        answer = office.call("olga", "POST", f"{JIRA_API}/workspaces", manual(office, svc_acc_email=email))
        assert detail(answer, 400) == "A service account email is required when configuring Jira DC in OpenHands."
    for key in (None, ""):
        answer = office.call("olga", "POST", f"{JIRA_API}/workspaces", manual(office, svc_acc_api_key=key))
        assert detail(answer, 400) == "A service account PAT is required when configuring a new workspace."
    assert office.connections() == []


def test_another_host_than_the_configured_is_refused(office: Office) -> None:
    """400 with the contract's text; error says which host is configured."""
    body = manual(office, workspace_name="jira.elsewhere.example")
    answer = office.call("olga", "POST", f"{JIRA_API}/workspaces", body)
    assert detail(answer, 400) == "Target workspace mismatch."
    assert office.host in answer.json()["error"]


@pytest.mark.parametrize("typed", ["  {} ", "http://{}", "HTTP://{}/", "{}/", "http://{}/jira/..", "https://http://{}"])
def test_the_host_may_be_typed_in_many_ways(office: Office, typed: str) -> None:
    """In setup, status, link and validate alike; where a form is refused it is refused with a sentence."""
    name = typed.format(office.host)
    made = office.call("olga", "POST", f"{JIRA_API}/workspaces", manual(office, workspace_name=name))
    if ".." in typed:
        assert len(detail(made, made.status_code)) > 10 and 400 <= made.status_code < 500
        return
    assert made.status_code == 200, made.text
    body = {"workspace_name": name, "is_active": True}
    assert office.call("olga", "POST", f"{JIRA_API}/workspaces/status", body).status_code == 200
    assert office.call("mia", "POST", f"{JIRA_API}/workspaces/link", {"workspace_name": name}).status_code == 200


def test_an_update_keeps_what_is_left_out(office: Office) -> None:
    """Blank token and secret: the stored ones stay; the row stays the same one."""
    row = office.set_up()
    body = {"workspace_name": office.host, "svc_acc_email": "openhands@example.com", "is_active": True}
    answer = office.call("olga", "POST", f"{JIRA_API}/workspaces", body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["webhookEnrolled"] is False
    (after,) = office.connections()
    assert (after["id"], after["status"]) == (row["id"], "active")
    for column in ("secret_sealed", "bot_token_sealed"):
        assert bytes(after[column]) == bytes(row[column])


def test_only_the_owner_may_update(office: Office) -> None:
    """Another admin is refused, whatever the body asks."""
    office.set_up()
    answer = office.call("adam", "POST", f"{JIRA_API}/workspaces", manual(office))
    assert detail(answer, 403) == "You do not have permission to update this workspace"
    (row,) = office.connections()
    assert (row["owner_user_id"], row["status"]) == (office.ids["olga"], "active")


def test_who_made_it_by_hand_at_the_console_belongs_to_nobody_until_edited(office: Office) -> None:
    """A connection of the CLI has no owner: the first admin who edits it becomes the owner."""
    office.stack.connect("jira", "--base-url", office.stack.jira_url, "--secret-file", str(token_file(office)))
    answer = office.call("adam", "POST", f"{JIRA_API}/workspaces", manual(office))
    assert answer.status_code == 200, answer.text
    assert office.connections()[0]["owner_user_id"] == office.ids["adam"]


def token_file(office: Office) -> Any:
    """A webhook secret as a file."""
    path = office.stack.folder / "secret"
    path.write_text("a-secret-of-the-console-0123456789")
    path.chmod(0o600)
    return path


def test_what_is_unexpected_is_a_500_in_the_contracts_words(office: Office) -> None:
    """Setup, status, link, unlink, GET link, validate: each its own sentence."""
    office.set_up()
    with office.broken("connection"):
        calls = [
            ("Failed to create workspace", "POST", "workspaces", manual(office)),
            (
                "Failed to update workspace status",
                "POST",
                "workspaces/status",
                {"workspace_name": office.host, "is_active": True},
            ),
            ("Failed to register user", "POST", "workspaces/link", {"workspace_name": office.host}),
            ("Failed to retrieve user", "GET", "workspaces/link", None),
            ("Failed to unlink user", "POST", "workspaces/unlink", {}),
            ("Failed to validate workspace", "GET", f"workspaces/validate/{office.host}", None),
        ]
        said = [office.call("olga", method, f"{JIRA_API}/{path}", body) for _, method, path, body in calls]
    assert [(a.status_code, a.json().get("detail")) for a in said] == [(500, c[0]) for c in calls]
    assert not [a.text for a in said if "database" in a.text or "42P01" in a.text]


# --- (3) and (4) status -----------------------------------------------------------------------


def test_the_switch_pauses_and_resumes(office: Office) -> None:
    """The exact bodies, and the row."""
    office.set_up()
    for active, word in ((False, "inactive"), (True, "active")):
        body = {"workspace_name": office.host, "is_active": active}
        answer = office.call("olga", "POST", f"{JIRA_API}/workspaces/status", body)
        assert (answer.status_code, answer.json()) == (200, {"success": True, "status": word})
        assert office.connections()[0]["status"] == ("active" if active else "paused")


def test_i_created_the_webhook(office: Office) -> None:
    """The second step of manual setup is the same call."""
    office.call("olga", "POST", f"{JIRA_API}/workspaces", manual(office))
    body = {"workspace_name": office.host, "is_active": True}
    answer = office.call("olga", "POST", f"{JIRA_API}/workspaces/status", body)
    assert answer.json() == {"success": True, "status": "active"}
    assert office.connections()[0]["status"] == "active"


def test_the_switch_is_the_owners(office: Office) -> None:
    """Others are refused; an unknown workspace is not found."""
    body = {"workspace_name": office.host, "is_active": False}
    missing = office.call("olga", "POST", f"{JIRA_API}/workspaces/status", body)
    assert detail(missing, 404) == f'Workspace "{office.host}" not found'
    office.set_up()
    for who in ("adam", "mia"):
        answer = office.call(who, "POST", f"{JIRA_API}/workspaces/status", body)
        assert detail(answer, 403) == "You do not have permission to update this workspace"
    assert office.connections()[0]["status"] == "active"


@pytest.mark.parametrize("body", [{}, {"is_active": True}, {"workspace_name": "x", "is_active": 3}], ids=str)
def test_the_switch_needs_both_members(office: Office, body: dict[str, Any]) -> None:
    """422 in words."""
    assert len(detail(office.call("olga", "POST", f"{JIRA_API}/workspaces/status", body), 422)) > 10


def test_members_ask_whether_it_is_configured(office: Office) -> None:
    """No, yes with the host; a connection of one organisation is none to people of another."""
    path = f"{JIRA_API}/workspaces/status"
    assert office.call("mia", "GET", path).json() == {"configured": False, "host": None}
    assert office.set_up()["org_id"] is None
    assert office.call("mia", "GET", path).json() == {"configured": True, "host": office.host}
    stranger = office.newcomer()
    ohe = office.stack.sims.ohe
    ohe.set_role(identity=office.ids[stranger], org=OTHER_ORG, role="member")
    answer = office.call(stranger, "GET", path, X_Org_Id=OTHER_ORG)
    assert answer.json() == {"configured": True, "host": office.host}
    office.sql(f"update connection set org_id = '{ORG}' where provider = 'jira'")
    answer = office.call(stranger, "GET", path, X_Org_Id=OTHER_ORG)
    assert answer.json() == {"configured": False, "host": None}
    office.sql("update connection set org_id = owner_user_id where provider = 'jira'")
    answer = office.call(stranger, "GET", path, X_Org_Id=OTHER_ORG)
    assert answer.json() == {"configured": True, "host": office.host}
    office.call("olga", "POST", path, {"workspace_name": office.host, "is_active": False})
    assert office.call("mia", "GET", path).json() == {"configured": False, "host": None}


# --- (5) and (6) link -------------------------------------------------------------------------


def test_linking_is_at_once(office: Office) -> None:
    """The exact body; again is the same; the account is not known yet."""
    office.set_up()
    for _ in range(2):
        answer = office.call("mia", "POST", f"{JIRA_API}/workspaces/link", {"workspace_name": office.host})
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"success": True, "redirect": False, "authorizationUrl": ""}
    (link,) = office.links("mia")
    assert link["account_key"].startswith("unavailable:")
    assert (link["status"], link["method"]) == ("active", "email")


def test_linking_needs_an_active_workspace(office: Office) -> None:
    """Not there: 404; there and paused: 400; nothing is written."""
    body = {"workspace_name": office.host}
    answer = office.call("mia", "POST", f"{JIRA_API}/workspaces/link", body)
    assert detail(answer, 404) == f'Workspace "{office.host}" not found'
    office.set_up()
    paused = {"workspace_name": office.host, "is_active": False}
    office.call("olga", "POST", f"{JIRA_API}/workspaces/status", paused)
    answer = office.call("mia", "POST", f"{JIRA_API}/workspaces/link", body)
    assert detail(answer, 400) == f'Workspace "{office.host}" is not active'
    assert office.links("mia") == []


@pytest.mark.parametrize("name", ["two words?", "", None])
def test_linking_refuses_what_is_no_host(office: Office, name: str | None) -> None:
    """422 in words."""
    answer = office.call("mia", "POST", f"{JIRA_API}/workspaces/link", {"workspace_name": name})
    said = detail(answer, 422)
    assert said == LINK_CHARSET if name == "two words?" else len(said) > 10


def test_linking_to_another_host_is_refused(office: Office) -> None:
    """The configured host is named."""
    office.set_up()
    answer = office.call("mia", "POST", f"{JIRA_API}/workspaces/link", {"workspace_name": "jira.elsewhere.example"})
    assert detail(answer, 400) == "Target workspace mismatch."
    assert office.host in answer.json()["error"]


def test_a_link_as_the_screens_read_it(office: Office) -> None:
    """Exactly these members; editable is the owner's; times without a zone; no secret."""
    row = office.set_up()
    for who, editable in (("olga", True), ("mia", False)):
        office.call(who, "POST", f"{JIRA_API}/workspaces/link", {"workspace_name": office.host})
        answer = office.call(who, "GET", f"{JIRA_API}/workspaces/link")
        assert answer.status_code == 200, answer.text
        got = answer.json()
        times = [part.pop(name) for part in (got, got["workspace"]) for name in ("created_at", "updated_at")]
        assert all(re.fullmatch(ISO, time) for time in times), times
        assert got == {
            "id": office.links(who)[0]["id"],
            "keycloak_user_id": office.ids[who],
            "jira_dc_workspace_id": row["id"],
            "status": "active",
            "workspace": {
                "id": row["id"],
                "name": office.host,
                "status": "active",
                "editable": editable,
                "events_url": f"{office.stack.origin}{JIRA_API}/connections/{row['id']}/events",
                "svc_acc_email": "openhands@example.com",
            },
        }


def test_who_is_not_linked_is_not_found(office: Office) -> None:
    """The contract's 404, before and after somebody set it up."""
    text = "User is not registered for Jira DC integration"
    assert detail(office.call("mia", "GET", f"{JIRA_API}/workspaces/link"), 404) == text
    office.set_up()
    assert detail(office.call("mia", "GET", f"{JIRA_API}/workspaces/link"), 404) == text


def test_a_paused_workspace_reads_inactive(office: Office) -> None:
    """The owner still sees it, to configure it."""
    office.set_up()
    paused = {"workspace_name": office.host, "is_active": False}
    office.call("olga", "POST", f"{JIRA_API}/workspaces/status", paused)
    got = office.call("olga", "GET", f"{JIRA_API}/workspaces/link").json()
    assert (got["workspace"]["status"], got["workspace"]["editable"]) == ("inactive", True)


# --- (7) unlink -------------------------------------------------------------------------------


def test_a_member_disconnects(office: Office) -> None:
    """Only the own link ends; a body that is no JSON is ignored."""
    office.set_up()
    office.call("mia", "POST", f"{JIRA_API}/workspaces/link", {"workspace_name": office.host})
    answer = office.browser("mia").send(
        "POST", f"{JIRA_API}/workspaces/unlink", "same-origin", navigates=False, data="not json"
    )
    assert (answer.status_code, answer.json()) == (200, {"success": True, "webhookRemoved": False})
    assert [link["status"] for link in office.links("mia")] == ["inactive"]
    assert [link["status"] for link in office.links("olga")] == ["active"]
    assert office.connections()[0]["status"] == "active"
    again = office.call("mia", "POST", f"{JIRA_API}/workspaces/unlink", {})
    assert detail(again, 404) == "User is not registered for Jira DC integration"


@pytest.mark.parametrize("remove", [True, False], ids=["hook-too", "here-only"])
def test_the_owner_removes_the_integration(office: Office, remove: bool) -> None:
    """Connection and all links end; with a PAT the hook is deleted at Jira."""
    office.set_up()
    office.call("mia", "POST", f"{JIRA_API}/workspaces/link", {"workspace_name": office.host})
    body = {"admin_api_key": "admin-pat"} if remove else {}
    answer = office.call("olga", "POST", f"{JIRA_API}/workspaces/unlink", body)
    assert (answer.status_code, answer.json()) == (200, {"success": True, "webhookRemoved": remove})
    assert {link["status"] for link in office.links()} == {"inactive"}
    assert [row["status"] for row in office.connections()] == ["paused"]
    assert len(office.stack.sims.jira.hooks_now()) == (0 if remove else 1)


def test_a_hook_that_cannot_be_removed_does_not_stop_the_owner(office: Office) -> None:
    """Jira down: disabled here, webhookRemoved false with the reason."""
    office.set_up()
    office.stack.sims.jira.fault(match="jira-webhook", times=-1, status=503)
    answer = office.call("olga", "POST", f"{JIRA_API}/workspaces/unlink", {"admin_api_key": "admin-pat"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["success"], answer.json()["webhookRemoved"]) == (True, False)
    assert [row["status"] for row in office.connections()] == ["paused"]


# --- (8) validate -----------------------------------------------------------------------------


def test_validating_a_workspace(office: Office) -> None:
    """Unknown 404, active 200, paused 404: the exact bodies."""
    path = f"{JIRA_API}/workspaces/validate/{office.host}"
    assert detail(office.call("mia", "GET", path), 404) == f"Workspace with name '{office.host}' not found"
    office.set_up()
    answer = office.call("mia", "GET", path)
    assert (answer.status_code, answer.json()) == (
        200,
        {"name": office.host, "status": "active", "message": "Workspace integration is active"},
    )
    office.call("olga", "POST", f"{JIRA_API}/workspaces/status", {"workspace_name": office.host, "is_active": False})
    assert detail(office.call("mia", "GET", path), 404) == f"Workspace '{office.host}' is not active"


def test_validating_what_is_no_host(office: Office) -> None:
    """400 with the contract's text."""
    answer = office.call("mia", "GET", f"{JIRA_API}/workspaces/validate/two%20words%3F")
    assert detail(answer, 400) == CHARSET


# --- methods and switches ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "workspaces"),
        ("PUT", "workspaces/status"),
        ("PATCH", "workspaces/link"),
        ("GET", "workspaces/unlink"),
        ("POST", "workspaces/validate/x"),
    ],
)
def test_other_methods_are_a_405(office: Office, method: str, path: str) -> None:
    """With a readable detail."""
    assert detail(office.call("olga", method, f"{JIRA_API}/{path}"), 405)


def test_jira_switched_off_is_a_404(office: Office) -> None:
    """ENABLE_JIRA_DC off: the paths are not there."""
    with office.variant("installer", ENABLE_JIRA_DC="0"):
        assert detail(office.call("olga", "GET", f"{JIRA_API}/workspaces/status"), 404)
    with office.variant("linker", ENABLE_JIRA_DC="0"):
        assert detail(office.call("olga", "GET", f"{JIRA_API}/workspaces/link"), 404)


# --- the account of the service from the environment ------------------------------------------


def test_a_managed_service_account_wins(office: Office) -> None:
    """No token is asked for; the managed address is shown."""
    managed = {
        "JIRA_DC_SERVICE_ACCOUNT_EMAIL": "openhands@example.com",
        "JIRA_DC_SERVICE_ACCOUNT_PAT": "bot-pat",
    }
    body = manual(office, svc_acc_api_key=None)
    with office.variant("installer", **managed), office.variant("linker", **managed):
        answer = office.call("olga", "POST", f"{JIRA_API}/workspaces", body)
        assert answer.status_code == 200, answer.text
        office.call("olga", "POST", f"{JIRA_API}/workspaces/status", {"workspace_name": office.host, "is_active": True})
        got = office.call("olga", "GET", f"{JIRA_API}/workspaces/link").json()
    assert got["workspace"]["svc_acc_email"] == "openhands@example.com"


def test_a_service_account_that_is_half_configured_is_said(office: Office) -> None:
    """500 with the contract's text."""
    with office.variant("installer", JIRA_DC_SERVICE_ACCOUNT_EMAIL="openhands@example.com"):
        answer = office.call("olga", "POST", f"{JIRA_API}/workspaces", manual(office))
    assert detail(answer, 500) == (
        "Jira DC service account is partially configured. Set both JIRA_DC_SERVICE_ACCOUNT_EMAIL and"
        " JIRA_DC_SERVICE_ACCOUNT_PAT, or clear both to configure service accounts in OpenHands."
    )
    assert office.connections() == []


def test_the_token_must_belong_to_the_account(office: Office) -> None:
    """Asked before anything is written: a wrong token, and somebody else's."""
    for key in ("no-such-pat", "plain-pat"):
        answer = office.call("olga", "POST", f"{JIRA_API}/workspaces", manual(office, svc_acc_api_key=key))
        assert 400 <= answer.status_code < 500, answer.text
        assert len(answer.json()["detail"]) > 10
        assert key not in answer.text
    assert office.connections() == []
    violations = office.stack.sims.jira.forgive()
    assert all("credential" in text for text in violations)


def test_a_pat_without_the_right_is_said_before_anything_is_written(office: Office) -> None:
    """The fix is in the text, no hook call is made."""
    changes = "^(POST|PUT) .*jira-webhook"
    before = len(office.stack.sims.jira.calls(match=changes))
    body = manual(office, webhook_secret=None, is_active=True, admin_api_key="plain-pat")
    answer = office.call("olga", "POST", f"{JIRA_API}/workspaces", body)
    said = answer.json()
    assert "admin" in (said.get("error") or said.get("detail")).lower(), answer.text
    assert answer.status_code >= 400 or said["webhookEnrolled"] is False
    assert office.stack.sims.jira.hooks_now() == []
    assert len(office.stack.sims.jira.calls(match=changes)) == before
    assert office.connections() == []


def test_the_stored_token_finds_a_hidden_address(office: Office) -> None:
    """A delivery without an address: the account given in the screens looks it up, and the person is known."""
    office.set_up()
    name = office.newcomer()
    office.stack.sims.keycloak.add_person(identity=office.ids[name], email=f"{name}@example.com")
    (row,) = office.connections()
    secret = office.stack.sims.jira.hooks_now()[0]["configuration"]["SECRET"]
    office.stack.secrets.append(secret)
    wait_until(lambda: office.deliver(office.stack.jira_url, secret, row["id"], office.keys[name]) == 200, 10)
    wait_until(lambda: [link["account_key"] for link in office.links(name)] == [office.keys[name]], 20, "the link")


@pytest.mark.parametrize("version", ["8.20.30", "9.12.14"])
def test_a_jira_that_cannot_sign_is_refused(office: Office, version: str) -> None:
    """The version is asked first; nothing is written, and the reason names signing."""
    office.stack.sims.jira.configure(version=version)
    try:
        body = manual(office, webhook_secret=None, is_active=True, admin_api_key="admin-pat")
        answer = office.call("olga", "POST", f"{JIRA_API}/workspaces", body)
    finally:
        office.stack.sims.jira.configure(version="10.3.5")
    assert 400 <= answer.status_code < 500, answer.text
    said = answer.json()
    assert "sign" in f"{said['detail']} {said.get('error')}"
    assert office.connections() == []
