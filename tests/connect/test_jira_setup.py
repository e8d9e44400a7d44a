"""Connecting a Jira in OAuth mode with the environment's service account: automatic, manual, found hooks, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.connect.browser import Browser, Page
from tests.connect.office import EVENTS, JIRA_API, Office, open_office
from tests.e2e.signing import encode, sign
from tests.e2e.stack import Stack
from tests.e2e.waiting import wait_until

SECRET = "c2VjcmV0LW1hZGUtaW4tdGhlLWJyb3dz"
LANDING = "/settings/integrations?jira_dc_webhook="
PAGE = "/integration/dc/jira/webhook"


@pytest.fixture(scope="module")
def opened(stack: Stack) -> Office:
    """OAuth mode, service account from the environment."""
    return open_office(stack)


@pytest.fixture
def office(opened: Office) -> Iterator[Office]:
    """Nothing connected before; Jira as it was; no peer saw a forbidden call."""
    opened.forget()
    yield opened
    jira = opened.stack.sims.jira
    jira.configure(version="10.3.5", show_email=True)
    opened.stack.sims.settle()


def save(office: Office, who: str = "olga", **more: Any) -> Any:
    """What the dialog sends, with changes; a member that is None is left out."""
    body = {
        "workspace_name": office.host,
        "svc_acc_email": "openhands@example.com",
        "is_active": True,
    } | more
    kept = {name: value for name, value in body.items() if value is not None}
    return office.call(who, "POST", f"{JIRA_API}/workspaces", kept)


def automatic(office: Office, **more: Any) -> Any:
    """With an administrator's PAT."""
    return save(office, **({"admin_api_key": "admin-pat"} | more))


def manual(office: Office, **more: Any) -> Any:
    """Step one: details are generated."""
    return save(office, **({"is_active": False, "webhook_secret": SECRET} | more))


def row_of(office: Office) -> dict[str, Any]:
    """The only connection."""
    (row,) = office.connections()
    return row


def hooks(office: Office) -> list[dict[str, Any]]:
    """Jira's webhooks, oldest first."""
    return sorted(office.stack.sims.jira.hooks_now(), key=lambda hook: hook["id"])


def events_url(office: Office, number: int) -> str:
    """Where a connection's webhook has to go."""
    return f"{office.stack.origin}{JIRA_API}/connections/{number}/events"


def link(office: Office, who: str) -> None:
    """Somebody has proven an account on this Jira."""
    row = row_of(office)
    office.sql(
        "insert into user_link (instance_id, account_key, user_id, method) values"
        f" ({row['instance_id']}, '{office.keys[who]}', '{office.ids[who]}', 'oauth')"
    )


def go_to_jira(office: Office, browser: Browser, answer: Any, who: str = "olga") -> str:
    """Allow at Jira, confirm on our page; where that leads."""
    back = browser.arrive(browser.jira(answer.json()["authorizationUrl"], who))
    assert back.status_code == 200, back.text
    done = browser.submit(Page(back).form("/link/confirm"))
    assert done.status_code == 302, done.text
    return str(done.headers["Location"])


def deliver(office: Office, number: int, secret: str) -> int:
    """A signed delivery to the ingress; its status."""
    host = office.stack.jira_url
    body = encode(
        {
            "webhookEvent": "jira:issue_updated",
            "issue": {"id": "1", "self": f"{host}/rest/api/2/issue/1"},
        }
    )
    port = office.stack.programs["ingress"].http
    url = f"http://127.0.0.1:{port}{JIRA_API}/connections/{number}/events"
    return int(office.browser().http.post(url, data=body, headers={"X-Hub-Signature": sign(secret, body)}).status_code)


# --- manual -----------------------------------------------------------------------------------


def test_manual_setup_is_stored_before_the_browser_goes_to_jira(office: Office) -> None:
    """A pending connection with its sealed secret; nothing is changed in Jira; the way back leads to our page."""
    browser = office.browser("olga")
    body = {
        "workspace_name": office.host,
        "svc_acc_email": "openhands@example.com",
        "is_active": False,
        "webhook_secret": SECRET,
    }
    answer = browser.call("POST", f"{JIRA_API}/workspaces", body)
    assert answer.status_code == 200, answer.text
    assert sorted(answer.json()) == ["authorizationUrl", "redirect", "success"] and answer.json()["redirect"]
    url = urlsplit(answer.json()["authorizationUrl"])
    query = parse_qs(url.query)
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{office.stack.jira_url}/rest/oauth2/latest/authorize"
    assert query["redirect_uri"] == [f"{office.stack.origin}{JIRA_API}/callback"] and query["scope"] == ["WRITE"]
    row = row_of(office)
    assert (row["status"], row["owner_user_id"], row["secret_shown_at"]) == (
        "pending",
        office.ids["olga"],
        None,
    )
    assert row["activated_at"] is None and SECRET.encode() not in bytes(row["secret_sealed"])
    assert hooks(office) == [] and office.links() == []
    assert deliver(office, row["id"], SECRET) == 200
    assert go_to_jira(office, browser, answer) == PAGE
    (linked,) = office.links("olga")
    assert (linked["account_key"], linked["method"]) == (office.keys["olga"], "oauth")
    after = row_of(office)
    assert (after["status"], bytes(after["secret_sealed"])) == (
        "pending",
        bytes(row["secret_sealed"]),
    )


def test_a_caller_already_linked_gets_the_details_at_once(office: Office) -> None:
    """And the browser has seen the secret already."""
    assert automatic(office).status_code == 200
    link(office, "olga")
    row = row_of(office)
    answer = manual(office, webhook_secret="another-secret-of-the-browser")
    assert answer.json() == {
        "success": True,
        "redirect": False,
        "authorizationUrl": "",
        "webhookEnrolled": False,
        "eventsUrl": events_url(office, row["id"]),
    }
    after = row_of(office)
    assert (after["status"], after["secret_shown_at"] is None) == ("paused", False)
    (hook,) = hooks(office)
    assert deliver(office, row["id"], hook["configuration"]["SECRET"]) == 200
    assert deliver(office, row["id"], "another-secret-of-the-browser") == 200


def test_without_a_secret_one_is_made(office: Office) -> None:
    """To be shown once on our page."""
    assert manual(office, webhook_secret=None).status_code == 200
    row = row_of(office)
    assert row["secret_shown_at"] is None and len(bytes(row["secret_sealed"])) > 43


# --- automatic --------------------------------------------------------------------------------


def test_automatic_setup_installs_the_hook_before_the_redirect(office: Office) -> None:
    """One hook as the contract says; the PAT is asked what it may first."""
    jira, browser = office.stack.sims.jira, office.browser("olga")
    before = len(jira.calls())
    body = {
        "workspace_name": f" HTTPS://{office.host.upper()}/ ",
        "svc_acc_email": "x@y.zz",
        "is_active": True,
        "admin_api_key": "admin-pat",
    }
    answer = browser.call("POST", f"{JIRA_API}/workspaces", body)
    assert answer.json()["redirect"] is True, answer.text
    row = row_of(office)
    (hook,) = hooks(office)
    assert hook["name"] == "OpenHands" and hook["url"] == events_url(office, row["id"])
    assert sorted(hook["events"]) == EVENTS and hook["active"] and hook["scopeType"] == "global"
    assert hook["sslVerificationRequired"] is True
    assert hook["configuration"]["EXCLUDE_BODY"] == "false"
    assert (row["status"], row["hook_id"], row["hook_error"]) == (
        "active",
        str(hook["id"]),
        None,
    )
    assert (row["svc_email"], row["bot_token_sealed"]) == (
        "openhands@example.com",
        None,
    )
    assert (
        office.stack.rows("select bot_key from instance where id = %s", row["instance_id"])[0]["bot_key"] == "JIRAUSER9"
    )
    seen = [
        f"{call['method']} {call['path'].removeprefix(urlsplit(office.stack.jira_url).path)}"
        for call in jira.calls()[before:]
    ]
    assert seen == [
        "GET /rest/api/2/serverInfo",
        "GET /rest/api/2/myself",
        "GET /rest/api/2/mypermissions",
        "GET /rest/jira-webhook/1.0/webhooks",
        "POST /rest/jira-webhook/1.0/webhooks",
        f"GET /rest/jira-webhook/1.0/webhooks/{hook['id']}",
    ]
    assert deliver(office, row["id"], hook["configuration"]["SECRET"]) == 200
    assert go_to_jira(office, browser, answer) == LANDING + "installed"


def test_a_failed_installation_is_told_on_the_way_back(office: Office) -> None:
    """The connection is there, not active, with Jira's words."""
    jira, browser = office.stack.sims.jira, office.browser("olga")
    jira.fault(
        match="^POST .*/jira-webhook",
        status=400,
        body={"errors": [{"message": "URL is not on the allowlist"}]},
    )
    body = {
        "workspace_name": office.host,
        "svc_acc_email": "",
        "is_active": True,
        "admin_api_key": "admin-pat",
    }
    answer = browser.call("POST", f"{JIRA_API}/workspaces", body)
    row = row_of(office)
    assert row["status"] == "pending" and "URL is not on the allowlist" in row["hook_error"]
    assert go_to_jira(office, browser, answer) == LANDING + "install_failed"
    again = browser.call("POST", f"{JIRA_API}/workspaces", body)
    assert again.json() == {
        "success": True,
        "redirect": False,
        "authorizationUrl": "",
        "webhookEnrolled": True,
        "eventsUrl": events_url(office, row["id"]),
    }
    after = row_of(office)
    assert (after["status"], after["hook_error"], len(hooks(office))) == (
        "active",
        None,
        1,
    )


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ({"active": False}, "'active'"),
        ({"url": "https://elsewhere.example.com/x"}, "'url'"),
        ({"events": EVENTS[:5]}, "'events'"),
        ({"events": [*EVENTS, "sprint_created"]}, "'events'"),
        ({"name": "Something"}, "'name'"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_jira_stored_is_read_back(office: Office, stored: dict[str, Any], words: str) -> None:
    """Another name, address, list of events, or switched off: not installed, and said."""
    kept = {
        "id": 7,
        "name": "OpenHands",
        "url": "",
        "events": EVENTS,
        "active": True,
    } | stored
    jira = office.stack.sims.jira
    made = manual(office)
    assert made.status_code == 200
    kept["url"] = stored.get("url", events_url(office, row_of(office)["id"]))
    link(office, "olga")
    jira.fault(match=r"^GET .*/jira-webhook/1.0/webhooks/\d+", status=200, body=kept)
    answer = automatic(office).json()
    assert answer["webhookEnrolled"] is False and f"another {words} than" in answer["error"]
    assert row_of(office)["status"] == "pending"


# --- hooks that are there ---------------------------------------------------------------------


def prepared(office: Office) -> int:
    """A connection whose owner is linked, without a hook; its number."""
    assert manual(office).status_code == 200
    link(office, "olga")
    return int(row_of(office)["id"])


def test_our_hook_is_known_by_its_url_in_any_spelling(office: Office) -> None:
    """Capitals, the usual port, a slash at the end, a query; updated in place, an administrator's filter stays."""
    jira, number = office.stack.sims.jira, prepared(office)
    url = events_url(office, number)
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    spelled = f"{scheme.upper()}://{host.upper()}:443/{path}/?issue={{issue.key}}"
    other = jira.add_hook(url="https://elsewhere.example.com/hook")
    jira.set_hook(hook=other, name="Other")
    hook = jira.add_hook(url=url, events=["comment_created"])
    jira.set_hook(
        hook=hook,
        url=spelled.replace("HTTPS", "https"),
        configuration={"FILTERS": "project = PROJ"},
        name="Mine",
    )
    answer = automatic(office).json()
    assert answer["webhookEnrolled"] is True and "error" not in answer
    found = {item["id"]: item for item in hooks(office)}
    assert sorted(found) == sorted([other, hook])
    assert (found[hook]["url"], found[hook]["name"]) == (url, "OpenHands") and sorted(found[hook]["events"]) == EVENTS
    assert found[hook]["configuration"]["FILTERS"] == "project = PROJ"
    assert found[other]["name"] == "Other"
    assert row_of(office)["hook_id"] == str(hook)


@pytest.mark.parametrize("path", [f"{JIRA_API}/connections/7/events", f"{JIRA_API}/events"])
def test_the_hook_of_the_built_in_resolver_is_taken_over(office: Office, path: str) -> None:
    """Our name, our host, our path with another number or none."""
    jira, number = office.stack.sims.jira, prepared(office)
    hook = jira.add_hook(url=office.stack.origin + path)
    assert automatic(office).json()["webhookEnrolled"] is True
    (found,) = hooks(office)
    assert (found["id"], found["url"]) == (hook, events_url(office, number))


@pytest.mark.parametrize(
    "url",
    [
        f"https://staging.example.com{JIRA_API}/connections/7/events",
        "https://app.example.com/somewhere/else",
        f"https://app.example.com{JIRA_API}/connections/x7/events",
    ],
)
def test_a_namesake_elsewhere_is_reported_and_left(office: Office, url: str) -> None:
    """Whose hook it is we cannot know."""
    jira, number = office.stack.sims.jira, prepared(office)
    hook = jira.add_hook(url=url, secret="theirs")
    answer = automatic(office).json()
    assert answer["webhookEnrolled"] is True and url in answer["error"]
    found = {item["id"]: item for item in hooks(office)}
    assert len(found) == 2 and found[hook]["url"] == url and found[hook]["configuration"]["SECRET"] == "theirs"
    row = row_of(office)
    assert (row["id"], row["status"]) == (number, "active") and url in row["hook_error"]


def test_of_several_the_newest_is_kept_and_none_deleted(office: Office) -> None:
    """The others are reported."""
    jira, number = office.stack.sims.jira, prepared(office)
    old = jira.add_hook(url=events_url(office, number), secret="old")
    new = jira.add_hook(url=events_url(office, number), secret="new")
    answer = automatic(office).json()
    assert answer["webhookEnrolled"] is True and f"{old} (" in answer["error"]
    found = {item["id"]: item["configuration"]["SECRET"] for item in hooks(office)}
    assert found == {old: "old", new: SECRET} and row_of(office)["hook_id"] == str(new)


def test_the_stored_id_wins_after_somebody_changed_the_hook(office: Office) -> None:
    """Brought back to what it should be."""
    prepared(office)
    assert automatic(office).json()["webhookEnrolled"] is True
    (hook,) = hooks(office)
    office.stack.sims.jira.set_hook(hook=hook["id"], url="https://moved.example.com/x", name="Renamed", active=False)
    assert automatic(office).json()["webhookEnrolled"] is True
    (after,) = hooks(office)
    assert (after["id"], after["url"], after["name"], after["active"]) == (
        hook["id"],
        hook["url"],
        "OpenHands",
        True,
    )


# --- refused before anything is stored ----------------------------------------------------------


def refused(office: Office, answer: Any, status: int = 400) -> str:
    """Nothing was written anywhere; the reason."""
    assert answer.status_code == status, answer.text
    assert office.connections() == [] and hooks(office) == []
    assert len(answer.json()["detail"]) > 10
    return str(answer.json()["error"])


@pytest.mark.parametrize("version", ["8.22.6", "9.12.14"])
@pytest.mark.parametrize("way", [automatic, manual])
def test_jira_before_10_cannot_sign(office: Office, version: str, way: Any) -> None:
    """Said with the version, in both ways and by the operator's program."""
    office.stack.sims.jira.configure(version=version)
    why = f"Jira {version} cannot sign its webhooks: Jira Data Center 10 or newer is needed"
    assert refused(office, way(office)) == why
    done = office.stack.ohdc_run("connections", "add", "jira", "--base-url", office.stack.jira_url)
    assert done.returncode == 1 and why in done.stderr.decode()
    assert office.connections() == []


def test_a_pat_without_the_right_and_a_wrong_pat(office: Office) -> None:
    """Both are asked for before anything is stored."""
    why = refused(office, automatic(office, admin_api_key="plain-pat"))
    assert "plain, who is no Jira administrator" in why
    assert "401" in refused(office, automatic(office, admin_api_key="nobodys-pat"))
    assert len(office.stack.sims.jira.forgive()) == 1


def test_the_service_account_of_the_environment_is_checked(office: Office) -> None:
    """A token that Jira refuses, one of somebody else, half of a pair, and what is no address."""
    with office.variant("installer", JIRA_DC_SERVICE_ACCOUNT_EMAIL="boss@example.com"):
        why = refused(office, manual(office))
    assert why == (
        "the service account PAT belongs to openhands (openhands@example.com), not to boss@example.com:"
        " enter that address or another PAT"
    )
    half = (
        "Jira DC service account is partially configured. Set both JIRA_DC_SERVICE_ACCOUNT_EMAIL and"
        " JIRA_DC_SERVICE_ACCOUNT_PAT, or clear both to configure service accounts in OpenHands."
    )
    for settings, text in (
        ({"JIRA_DC_SERVICE_ACCOUNT_EMAIL": ""}, half),
        ({"JIRA_DC_SERVICE_ACCOUNT_PAT": ""}, half),
        (
            {"JIRA_DC_SERVICE_ACCOUNT_EMAIL": "boss"},
            "JIRA_DC_SERVICE_ACCOUNT_EMAIL must be a valid email address.",
        ),
        (
            {"JIRA_DC_SERVICE_ACCOUNT_PAT": "a b"},
            "JIRA_DC_SERVICE_ACCOUNT_PAT cannot contain whitespace.",
        ),
    ):
        with office.variant("installer", **settings):
            answer = manual(office)
        assert (answer.status_code, answer.json()) == (500, {"detail": text})
    office.stack.sims.jira.configure(show_email=False)
    assert manual(office).status_code == 200


def test_the_environments_token_goes_to_no_other_server(office: Office) -> None:
    """Without JIRA_DC_BASE_URL nobody knows which Jira it is for; what to set is said, nothing is sent."""
    calls = len(office.stack.sims.jira.calls())
    with office.variant("installer", JIRA_DC_ENABLE_OAUTH="0", JIRA_DC_BASE_URL=""):
        why = refused(office, automatic(office))
    assert f"set JIRA_DC_BASE_URL to https://{office.host}" in why
    assert len(office.stack.sims.jira.calls()) == calls


def test_e_mail_mode_from_start_to_finish(office: Office) -> None:
    """Service account from the environment: connected, installed, whoever did it linked."""
    with office.variant("installer", JIRA_DC_ENABLE_OAUTH="0"):
        answer = automatic(office, svc_acc_email="")
        row = row_of(office)
        assert answer.json() == {
            "success": True,
            "redirect": False,
            "authorizationUrl": "",
            "webhookEnrolled": True,
            "eventsUrl": events_url(office, row["id"]),
        }
        (linked,) = office.links("olga")
        assert (linked["method"], linked["status"]) == ("email", "active")
        answer = office.call("mia", "GET", f"{JIRA_API}/workspaces/status")
        assert answer.json() == {"configured": True, "host": office.host}


@pytest.mark.parametrize("typed", ["https://https://{}/", " HTTP://{}", "{}/rest", "https://{}//"])
def test_validate_takes_the_host_as_typed(office: Office, typed: str) -> None:
    """Slashes and all, as the screen puts it into the path."""
    prepared(office)
    assert automatic(office).status_code == 200
    answer = office.call("mia", "GET", f"{JIRA_API}/workspaces/validate/{typed.format(office.host)}")
    wanted = {
        "name": office.host,
        "status": "active",
        "message": "Workspace integration is active",
    }
    assert (answer.status_code, answer.json()) == (200, wanted)


def test_a_token_that_would_break_the_header_is_refused(office: Office) -> None:
    """Everywhere a token is taken."""
    prepared(office)
    for body in (
        {"workspace_name": office.host, "admin_api_key": "a\r\nX-Evil: 1"},
        {"admin_api_key": "a\r\nb: c"},
    ):
        path = "" if "workspace_name" in body else "/unlink"
        answer = office.call("olga", "POST", f"{JIRA_API}/workspaces{path}", body)
        assert (answer.status_code, answer.json()["detail"]) == (
            422,
            "admin_api_key cannot contain spaces",
        )
    assert row_of(office)["status"] == "pending"


def test_jira_that_is_away_is_a_failure_with_its_reason(office: Office) -> None:
    """500 with the contract's sentence."""
    with office.variant("installer", JIRA_DC_BASE_URL="http://127.0.0.1:9"):
        answer = save(office, workspace_name="127.0.0.1:9", is_active=False)
    assert answer.status_code == 500 and answer.json()["detail"] == "Failed to create workspace"
    why = "Jira at http://127.0.0.1:9: it cannot be reached from here, check the address and the network: Jira: "
    assert answer.json()["error"].startswith(why)
    assert office.connections() == []


@pytest.mark.parametrize(
    ("body", "fault", "why"),
    [
        ({"admin_api_key": "a b"}, None, "The Jira admin PAT has spaces,"),
        ({"webhook_secret": "two words"}, None, "The webhook secret has spaces,"),
        ({"svc_acc_api_key": "Bearer x"}, None, "The service account PAT has spaces,"),
        ({"admin_api_key": "plain-pat"}, None, "the Jira admin PAT belongs to plain, who is no Jira administrator:"),
        ({"admin_api_key": "x"}, ("mypermissions", 401), "the Jira admin PAT is refused, create a new one: Jira"),
        ({}, ("myself", 401), "the bot's token is refused, it may be mistyped or expired: Jira answered 401"),
        ({}, ("serverInfo", 404), "Jira at {}: something else answers there, check host, port and context path: Jira"),
        ({}, ("serverInfo", 302), "Jira at {}: something else answers there, check host, port and context path: Jira"),
        ({}, ("serverInfo", 503), "Jira at {}: it is not available just now: Jira answered 503"),
    ],
    ids=str,
)
def test_a_reason_says_by_itself_what_it_is_about(
    office: Office, body: dict[str, str], fault: tuple[str, int] | None, why: str
) -> None:
    """OpenHands' screens show `error` alone."""
    if fault:
        office.stack.sims.jira.fault(match=fault[0], times=-1, status=fault[1])
    answer = automatic(office, **body)
    office.stack.sims.jira.forgive()
    assert answer.status_code >= 400 and office.connections() == []
    assert answer.json()["error"].startswith(why.format(office.stack.jira_url))


# --- pause, shadow, removal -----------------------------------------------------------------------


def test_a_paused_connection_takes_deliveries_and_starts_nothing(
    office: Office,
) -> None:
    """Also a connection that was never switched on."""
    number = prepared(office)
    assert automatic(office).json()["webhookEnrolled"] is True
    body = {"workspace_name": f"https://{office.host}/", "is_active": False}
    answer = office.call("olga", "POST", f"{JIRA_API}/workspaces/status", body)
    assert answer.json() == {"success": True, "status": "inactive"}
    sql = "select 1 from delivery where connection_id = %s and verdict = 'INTEGRATION_OFF'"
    # Ingress hears of the pause a moment later: what comes before is still taken as from an active connection.
    wait_until(
        lambda: deliver(office, number, SECRET) == 200 and office.stack.rows(sql, number) != [],
        60,
        "a delivery is taken and noted",
    )
    answer = office.call("olga", "POST", f"{JIRA_API}/workspaces/status", body | {"is_active": True})
    assert answer.json() == {"success": True, "status": "active"}


def test_a_connection_in_shadow_stays_there(office: Office) -> None:
    """What OpenHands still answers is not answered twice because somebody pressed Update."""
    prepared(office)
    office.sql("update connection set status = 'shadow' where provider = 'jira'")
    assert automatic(office).json()["webhookEnrolled"] is True
    assert row_of(office)["status"] == "shadow"
    body = {"workspace_name": office.host, "is_active": True}
    answer = office.call("olga", "POST", f"{JIRA_API}/workspaces/status", body)
    assert answer.json() == {"success": True, "status": "active"} and row_of(office)["status"] == "shadow"
    answer = office.call("olga", "POST", f"{JIRA_API}/workspaces/status", body | {"is_active": False})
    assert answer.status_code == 409 and "only watches" in answer.json()["detail"]
    assert row_of(office)["status"] == "shadow"


def test_removal_keeps_going_when_jira_refuses(office: Office) -> None:
    """The connection ends; the webhook stays, and why is said."""
    prepared(office)
    assert automatic(office).json()["webhookEnrolled"] is True
    office.stack.sims.jira.fault(
        match="^DELETE .*/jira-webhook",
        status=500,
        body={"errorMessages": ["Try later"]},
    )
    answer = office.call("olga", "POST", f"{JIRA_API}/workspaces/unlink", {"admin_api_key": "admin-pat"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["success"], answer.json()["webhookRemoved"]) == (True, False)
    assert "Try later" in answer.json()["error"] and "Try later" in row_of(office)["hook_error"]
    assert row_of(office)["status"] == "paused" and [item["status"] for item in office.links()] == ["inactive"]


def test_an_owner_who_never_linked_can_remove_what_is_pending(office: Office) -> None:
    """Else nobody could end a setup that was given up half-way."""
    assert manual(office).status_code == 200
    answer = office.call("olga", "POST", f"{JIRA_API}/workspaces/unlink", {})
    assert answer.json() == {"success": True, "webhookRemoved": False}
    assert row_of(office)["status"] == "paused"


def test_a_connection_of_the_operator_gets_its_first_editor_as_owner(
    office: Office,
) -> None:
    """Members are refused; who may connect servers takes it."""
    office.stack.ohdc("connections", "add", "jira", "--base-url", office.stack.jira_url)
    body = {"workspace_name": office.host, "is_active": False}
    answer = office.call("mia", "POST", f"{JIRA_API}/workspaces/status", body)
    assert (answer.status_code, answer.json()["detail"]) == (
        403,
        "You do not have permission to update this workspace",
    )
    assert office.call("adam", "POST", f"{JIRA_API}/workspaces/status", body).status_code == 200
    assert row_of(office)["owner_user_id"] == office.ids["adam"]
    answer = office.call("olga", "POST", f"{JIRA_API}/workspaces/status", body)
    assert answer.status_code == 403


def test_another_sites_page_changes_nothing(office: Office) -> None:
    """Even with the owner's cookie."""
    prepared(office)
    browser = office.browser("olga", strict=False)
    for path, body in (
        (
            "",
            {
                "workspace_name": office.host,
                "is_active": True,
                "admin_api_key": "admin-pat",
            },
        ),
        ("/status", {"workspace_name": office.host, "is_active": True}),
        ("/unlink", {}),
    ):
        answer = browser.call(
            "POST",
            f"{JIRA_API}/workspaces{path}",
            body,
            site="cross-site",
            headers={"Cookie": browser.jar()},
        )
        assert answer.status_code == 403, answer.text
    assert row_of(office)["status"] == "pending" and hooks(office) == []


def test_all_changes_are_audited(office: Office) -> None:
    """Who, what, which connection; no text, no secret."""
    number = prepared(office)
    automatic(office)
    office.call("olga", "POST", f"{JIRA_API}/workspaces/unlink", {"admin_api_key": "admin-pat"})
    rows = office.stack.rows("select * from audit where object = %s order by id", f"jira/{number}")
    assert [row["action"] for row in rows] == [
        "connection.add",
        "connection.update",
        "connection.hook",
        "connection.unlink",
    ]
    assert {row["operator"] for row in rows} == {office.ids["olga"]}
    assert "pat" not in str([row["detail"] for row in rows])


@pytest.mark.parametrize("way", [automatic, manual])
def test_oauth_that_is_not_set_up_is_noticed_before_anything_is_stored(office: Office, way: Any) -> None:
    """The contract's sentence, and which settings are needed; with half of them no service starts."""
    with office.variant("installer", JIRA_DC_CLIENT_ID="", JIRA_DC_CLIENT_SECRET=""):
        reason = refused(office, way(office), 500)
        assert "JIRA_DC_CLIENT_ID" in reason and "JIRA_DC_CLIENT_SECRET" in reason


def test_our_page_removes_the_connection_beside_which_it_was_said(office: Office) -> None:
    """Of two Jiras of one owner, neither the one linked last, nor only the own link where nobody is the owner."""
    prepared(office)
    office.sql(
        "insert into instance (provider, base_url) values ('jira', 'https://second.example.com')",
        "insert into connection (provider, instance_id, owner_user_id, status, secret_sealed)"
        " select 'jira', (select id from instance where base_url like '%second%'), null, 'active', secret_sealed"
        " from connection where provider = 'jira'",
    )
    page = Page(office.browser("olga").open("/integration/dc/jira"))
    forms = {form.fields["host"]: form for form in page.forms if "jira/remove" in form.action}
    status = {row["base_url"]: row["status"] for row in office.connections()}
    assert set(forms) == set(status) == {office.stack.jira_url, "https://second.example.com"}
    answer = office.browser("olga").submit(forms["https://second.example.com"], sure="yes")
    assert (answer.status_code, answer.headers.get("Location")) == (303, "/integration/dc/jira?done=removed")
    after = {row["base_url"]: row["status"] for row in office.connections()}
    assert after == status | {"https://second.example.com": "paused"}
    answer = office.browser("olga").submit(forms[office.stack.jira_url], sure="yes", host="third.example.com")
    assert answer.status_code == 404 and "third.example.com" in answer.text
    answer = office.browser("mia").submit(forms[office.stack.jira_url], sure="yes")
    assert answer.status_code == 403
