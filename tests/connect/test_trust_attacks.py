"""Attacks by people and servers that are trusted a little: admins of other organisations or of one project, peers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
import requests

from tests.connect.office import BITBUCKET_API, JIRA_API, OTHER_ORG, PROVIDER, Office, open_office
from tests.e2e.stack import Stack
from tests.e2e.waiting import wait_until

WEBHOOK_PAGE = "/integration/dc/jira/webhook"


@pytest.fixture(scope="module")
def opened(stack: Stack) -> Office:
    """People, and eve, who administers another organisation."""
    office = open_office(stack)
    office.hire("eve", "member")
    stack.sims.ohe.set_role(identity=office.ids["eve"], org=OTHER_ORG, role="admin")
    office.sessions["eve"] = stack.sims.ohe.sign_in(identity=office.ids["eve"], org=OTHER_ORG)
    for name in ("olga", "adam"):
        stack.sims.bitbucket.add_user(name=name, token=f"bb-{name}")
        stack.sims.ohe.set_provider_token(identity=office.ids[name], provider=PROVIDER, token=f"bb-{name}")
    return office


@pytest.fixture
def office(opened: Office) -> Iterator[Office]:
    """The office without connections of Jira; no peer may have seen a forbidden call."""
    opened.forget()
    yield opened
    opened.stack.sims.settle()


def saved(office: Office, who: str, **more: Any) -> requests.Response:
    """The dialog is saved by somebody."""
    body = {"workspace_name": office.host, "svc_acc_email": "openhands@example.com", "is_active": True} | more
    return office.call(who, "POST", f"{JIRA_API}/workspaces", body)


# --- connections -------------------------------------------------------------------------------


def test_a_connection_without_an_owner_is_not_taken_by_another_organisation(office: Office) -> None:
    """What the CLI made for one organisation: its admins may take it over, others change nothing."""
    made = office.set_up()
    org = office.stack.rows("select org_id from connection where id = %s", made["id"])[0]["org_id"]
    own = org or "0a000000-0000-4000-8000-000000000001"
    office.sql("delete from user_link", f"update connection set owner_user_id = null, org_id = '{own}'")
    before = office.connections()
    status = {"workspace_name": office.host, "is_active": False}
    for answer in (
        saved(office, "eve", svc_acc_api_key="bot-pat"),
        saved(office, "eve", rotate_secret=True),
        office.call("eve", "POST", f"{JIRA_API}/workspaces/status", status),
    ):
        assert answer.status_code == 403, answer.text
    assert office.connections() == before
    assert saved(office, "adam").status_code == 200
    assert office.connections()[0]["owner_user_id"] == office.ids["adam"]


def test_two_who_take_over_at_once(office: Office) -> None:
    """The second still asks Jira while the first becomes the owner: it changes nothing any more."""
    office.set_up()
    office.sql("delete from user_link", "update connection set owner_user_id = null")
    jira = office.stack.sims.jira
    jira.hold(match="GET /rest/api/2/mypermissions", times=1)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(saved, office, "adam", admin_api_key="admin-pat", svc_acc_api_key="bot-pat")
        wait_until(lambda: jira.held() == 1, 10, "the late one asks Jira")
        assert saved(office, "olga").status_code == 200
        before = office.connections()
        jira.release()
        answer = late.result()
    assert answer.status_code == 500, answer.text
    assert "try again" in answer.json()["error"]
    assert office.connections() == before
    assert before[0]["owner_user_id"] == office.ids["olga"]


def test_an_account_that_moves_meanwhile_is_not_taken_back(office: Office) -> None:
    """By e-mail no account is named: one that went to somebody else a moment ago stays there."""
    key = office.keys["mia"]
    made = office.set_up()
    office.sql(
        "insert into user_link (instance_id, account_key, user_id, method)"
        f" values ({made['instance_id']}, '{key}', '{office.ids['mia']}', 'email')"
    )
    waits = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%%user_link%%'"
    with (
        office.variant("linker", JIRA_DC_ENABLE_OAUTH="0"),
        psycopg.connect(office.stack.url) as moving,
        ThreadPoolExecutor(1) as pool,
    ):
        moving.execute("update user_link set user_id = %s where account_key = %s", (office.ids["max"], key))
        late = pool.submit(office.call, "mia", "POST", f"{JIRA_API}/workspaces/link", {"workspace_name": office.host})
        wait_until(lambda: office.stack.rows(waits) != [], 10, "the link waits for the row")
        moving.commit()
        assert late.result().status_code == 200
    assert [row["account_key"] for row in office.links("max")] == [key]
    assert [row["account_key"] for row in office.links("mia")] == [f"unavailable:{office.ids['mia']}"]


# --- secrets -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("site", "kind"), [("same-origin", "image"), ("same-site", "document"), ("same-site", "image")]
)
def test_a_picture_does_not_use_up_the_secret(office: Office, site: str, kind: str) -> None:
    """An address in a conversation's text or on a sandbox's page: the secret still shows to who opens the page."""
    office.set_up()
    office.sql("update connection set secret_shown_at = null, status = 'pending'")
    named = {"Sec-Fetch-Dest": kind, "Cookie": office.browser("olga").jar()}
    lured = office.browser("olga").send("GET", WEBHOOK_PAGE, site, navigates=kind == "document", headers=named)
    assert 'id="webhook-secret"' not in lured.text
    own = office.browser("olga").send("GET", WEBHOOK_PAGE, "same-origin", True, headers={"Sec-Fetch-Dest": "document"})
    assert 'id="webhook-secret"' in own.text


def test_a_server_that_repeats_the_token(office: Office) -> None:
    """Jira, or what stands before it, writes an admin's PAT into its refusal: nobody reads it, nothing keeps it."""
    body = {"errorMessages": ["no right for Bearer admin-pat, admin-pat"], "errors": {}}
    office.stack.sims.jira.fault(match="^GET .*/webhooks", status=400, body=body, times=-1)
    answer = saved(office, "olga", svc_acc_api_key="bot-pat", admin_api_key="admin-pat")
    assert answer.status_code == 200, answer.text
    assert "no right for Bearer *********, *********" in office.connections()[0]["hook_error"]
    assert "admin-pat" not in office.connections()[0]["hook_error"]
    assert "admin-pat" not in office.stack.programs["installer"].log.read_text()


# --- repositories ------------------------------------------------------------------------------


def test_a_project_is_no_repository(office: Office) -> None:
    """A slug of two dots leads to the project, whose number may be another repository's: no secret, no connection."""
    bitbucket = office.stack.sims.bitbucket
    bitbucket.add_repo(key="PROJ", slug="web", rights={"olga": "REPO_ADMIN", "openhands": "REPO_WRITE"})
    good = {"resource": {"project_key": "PROJ", "repo_slug": "web"}}
    assert office.call("olga", "POST", f"{BITBUCKET_API}/reinstall-webhook", good).json()["success"]
    rows = "select * from connection where provider = 'bitbucket'"
    (before,) = office.stack.rows(rows)
    project = {"key": "~ADAM", "id": before["repo_id"], "name": "adam", "type": "PERSONAL"}
    empty = {"values": [], "isLastPage": True, "start": 0, "size": 0, "limit": 100}
    # Tomcat takes dot segments out of a path before anybody sees it.
    bitbucket.fault(match=r"^GET .*/repos/\.\.$", status=200, body=project, times=-1)
    bitbucket.fault(match=r"^GET .*/repos/\.\./webhooks", status=200, body=empty, times=-1)
    evil = {"resource": {"project_key": "~ADAM", "repo_slug": ".."}}
    for what in ("enroll-webhook", "uninstall-webhook", "reinstall-webhook"):
        answer = office.call("adam", "POST", f"{BITBUCKET_API}/{what}", evil)
        assert "webhook_secret" not in answer.text
        assert not answer.json().get("success"), answer.text
    assert office.stack.rows(rows) == [before]


def test_health_names_no_foreign_repositories(office: Office) -> None:
    """Members may install webhooks, and so see health: of their own repositories, and nobody's asks."""
    office.set_up()
    bitbucket = office.stack.sims.bitbucket
    bitbucket.add_repo(key="HUSH", slug="takeover", rights={"adam": "REPO_ADMIN", "openhands": "REPO_WRITE"})
    secret = {"resource": {"project_key": "HUSH", "repo_slug": "takeover"}}
    assert office.call("adam", "POST", f"{BITBUCKET_API}/reinstall-webhook", secret).json()["success"]
    for who, sees in (("adam", True), ("olga", True), ("mia", False)):
        answer = office.call(who, "GET", "/integration/dc/health/status")
        page = office.browser(who).open("/integration/dc/health")
        assert ("HUSH" in answer.text, "HUSH" in page.text) == (sees, sees), who
        found = {row["name"]: row for row in answer.json()["connections"] if row["is_jira"]}
        assert len(found) == 1
        assert {"answers" in row for row in found.values()} == {sees}


# --- the wire ----------------------------------------------------------------------------------

SMUGGLED = [
    b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}",
    b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"Transfer-Encoding : chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"Content-Length: +2\r\n\r\n{}",
    b"Content-Length: 0x2\r\n\r\n{}",
    b"X-One: 1\r\n Cookie: folded\r\nContent-Length: 2\r\n\r\n{}",
    b"X-One: 1\rCookie: bare\r\nContent-Length: 2\r\n\r\n{}",
    b"X-One: 1\x00two\r\nContent-Length: 2\r\n\r\n{}",
]


@pytest.mark.parametrize("service", ["installer", "linker"])
@pytest.mark.parametrize("rest", SMUGGLED)
def test_a_second_request_in_the_first(office: Office, service: str, rest: bytes) -> None:
    """Framing that a front could read in another way: one answer at most, then the line is closed."""
    path = {"installer": f"{JIRA_API}/workspaces/unlink", "linker": f"{JIRA_API}/workspaces/link"}[service]
    second = b"GET /smuggled HTTP/1.1\r\nHost: app\r\n\r\n"
    head = f"POST {path} HTTP/1.1\r\nHost: app\r\nCookie: keycloak_auth={office.sessions['mia']}\r\n".encode()
    with socket.create_connection(("127.0.0.1", office.stack.programs[service].http), timeout=10) as line:
        line.settimeout(3)
        line.sendall(head + rest + second)
        seen = b""
        try:
            while piece := line.recv(65536):
                seen += piece
        except TimeoutError:
            pass
    assert seen.count(b"HTTP/1.1 ") <= 1, seen
    assert seen.startswith(b"HTTP/1.1 400"), seen
