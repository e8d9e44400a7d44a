"""The HTTP contract of Jira in OAuth mode: redirect answers, statuses and texts of the callback, sandbox tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests

from tests.connect.browser import Browser, Page
from tests.connect.office import EVENTS, JIRA_API, ORG, Office, open_office
from tests.e2e.stack import Stack
from tests.run.servers import free_port
from tests.sim.ohe_people import base62

pytestmark = pytest.mark.usefixtures("tidy")
SETTINGS = {"OHDC_JIRA_TOKEN_IN_SANDBOX": "1"}
CONFIRM = "/integration/dc/link/confirm"
CALLBACK = f"{JIRA_API}/callback"
CANNOT_REACH_TOKEN = (
    r"Could not reach the Jira Data Center token endpoint \((?P<url>[^)]+)\): \S.*\. Check that the Jira Base URL"
    r" uses the correct https scheme and that OpenHands can reach the Jira server\."
)
CANNOT_REACH = (
    r"Could not reach the Jira Data Center server \((?P<url>[^)]+)\): \S.*\. Check that the Jira Base URL and network"
    r" egress are correct\."
)


@pytest.fixture(scope="module")
def office(stack: Stack) -> Office:
    """OAuth mode, the service account is managed by the environment."""
    return open_office(stack)


@pytest.fixture
def tidy(office: Office) -> Iterator[None]:
    """Nothing connected before; no peer saw a forbidden call."""
    office.forget()
    office.stack.sims.jira.oauth_configure()
    yield
    sims = office.stack.sims
    found = [text for remote in sims.remotes() for text in remote.forgive()]
    for remote in sims.remotes():
        remote.release()
        remote.heal()
    assert found == []


def detail(answer: requests.Response, status: int) -> str:
    """The readable refusal."""
    assert answer.status_code == status, answer.text
    return answer.json()["detail"].removeprefix("Value error, ")


def setup(office: Office, **more: Any) -> dict[str, Any]:
    """What the screens send when the environment manages the account."""
    body = {"workspace_name": office.host, "svc_acc_email": "openhands@example.com", "is_active": False}
    return body | more


def ready(office: Office) -> None:
    """A connection in use, made at the console."""
    secret = office.stack.folder / "secret"
    secret.write_text("a-secret-of-the-console-0123456789")
    secret.chmod(0o600)
    office.stack.connect("jira", "--base-url", office.stack.jira_url, "--secret-file", str(secret))


def redirected(office: Office, answer: requests.Response) -> str:
    """The exact redirect answer, and the address as the contract writes it; the address."""
    assert answer.status_code == 200, answer.text
    url = answer.json().get("authorizationUrl")
    assert answer.json() == {"success": True, "redirect": True, "authorizationUrl": url}
    assert url.startswith(f"{office.stack.jira_url}/rest/oauth2/latest/authorize?")
    query = parse_qsl(urlsplit(url).query, strict_parsing=True)
    assert [name for name, _ in query][:5] == ["client_id", "scope", "redirect_uri", "state", "response_type"]
    given = dict(query)
    assert given["client_id"] == "ohdc-client"
    assert (given["scope"], given["response_type"]) == ("WRITE", "code")
    assert given["redirect_uri"] == f"{office.stack.origin}{CALLBACK}"
    assert given["code_challenge_method"] == "S256"
    return url


def through(browser: Browser, url: str, user: str) -> requests.Response:
    """Allow at Jira, confirm here; the answer to the confirmation."""
    answer = browser.arrive(browser.jira(url, user))
    assert answer.status_code == 200, answer.text
    return browser.submit(Page(answer).form(CONFIRM))


# --- (2) POST /workspaces -----------------------------------------------------------------------


def test_manual_setup_goes_through_jira(office: Office) -> None:
    """Stored before the redirect, the callback leaves it alone; it lands on our page, which shows it once."""
    secret = "c2VjcmV0LW1hZGUtaW4tdGhlLWJyb3dz"
    browser = office.browser("olga")
    url = redirected(office, browser.call("POST", f"{JIRA_API}/workspaces", setup(office, webhook_secret=secret)))
    (before,) = office.connections()
    assert (before["status"], before["owner_user_id"]) == ("pending", office.ids["olga"])
    done = through(browser, url, "olga")
    assert done.status_code == 302
    landing = done.headers["Location"]
    assert landing.startswith("/integration/dc/jira/webhook"), landing
    (after,) = office.connections()
    assert after["status"] == "pending"
    assert bytes(after["secret_sealed"]) == bytes(before["secret_sealed"])
    page = browser.open(landing)
    events_url = f"{office.stack.origin}{JIRA_API}/connections/{after['id']}/events"
    assert page.status_code == 200 and events_url in page.text and secret in page.text
    assert all(event in page.text for event in EVENTS)
    assert secret not in browser.open(landing).text


def test_automatic_setup_installs_before_the_redirect(office: Office) -> None:
    """The hook is there when the browser leaves; the landing says so."""
    browser = office.browser("olga")
    body = setup(office, is_active=True, admin_api_key="admin-pat")
    url = redirected(office, browser.call("POST", f"{JIRA_API}/workspaces", body))
    (hook,) = office.stack.sims.jira.hooks_now()
    assert sorted(hook["events"]) == EVENTS
    assert through(browser, url, "olga").headers["Location"] == "/settings/integrations?jira_dc_webhook=installed"
    assert [row["status"] for row in office.connections()] == ["active"]


def test_a_failed_installation_lands_with_its_flag(office: Office) -> None:
    """The person is linked, the connection is not in use."""
    office.stack.sims.jira.fault(match="^POST /rest/jira-webhook", times=-1, status=500)
    browser = office.browser("olga")
    body = setup(office, is_active=True, admin_api_key="admin-pat")
    url = browser.call("POST", f"{JIRA_API}/workspaces", body).json()["authorizationUrl"]
    landing = through(browser, url, "olga").headers["Location"]
    assert landing == "/settings/integrations?jira_dc_webhook=install_failed"
    assert [row["status"] for row in office.connections()] != ["active"]
    assert [link["status"] for link in office.links("olga")] == ["active"]


def test_who_is_linked_gets_the_details_at_once(office: Office) -> None:
    """No second trip to Jira: the e-mail mode's answer."""
    browser = office.browser("olga")
    url = browser.call("POST", f"{JIRA_API}/workspaces", setup(office)).json()["authorizationUrl"]
    assert through(browser, url, "olga").status_code == 302
    (row,) = office.connections()
    answer = browser.call("POST", f"{JIRA_API}/workspaces", setup(office, webhook_secret="s" * 32))
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "success": True,
            "redirect": False,
            "authorizationUrl": "",
            "webhookEnrolled": False,
            "eventsUrl": f"{office.stack.origin}{JIRA_API}/connections/{row['id']}/events",
        },
    )


def test_a_state_that_cannot_be_kept_is_a_500(office: Office) -> None:
    """The contract's text for the session; nothing of Jira's address is answered."""
    with office.broken("oauth_state"):
        answer = office.call("olga", "POST", f"{JIRA_API}/workspaces", setup(office))
    assert detail(answer, 500) in ("Failed to create integration session", "Failed to create workspace")


# --- (5) and (6) link -----------------------------------------------------------------------------


def test_linking_goes_through_jira(office: Office) -> None:
    """The exact answer; landing on OpenHands' own page."""
    ready(office)
    browser = office.browser("mia")
    url = redirected(office, browser.call("POST", f"{JIRA_API}/workspaces/link", {"workspace_name": office.host}))
    assert office.links("mia") == []
    assert through(browser, url, "mia").headers["Location"] == "/settings/integrations"
    got = browser.call("GET", f"{JIRA_API}/workspaces/link").json()
    assert (got["status"], got["workspace"]["name"], got["workspace"]["editable"]) == ("active", office.host, False)


def test_linking_needs_an_active_workspace(office: Office) -> None:
    """Before the browser leaves."""
    body = {"workspace_name": office.host}
    answer = office.call("mia", "POST", f"{JIRA_API}/workspaces/link", body)
    assert detail(answer, 404) == f'Workspace "{office.host}" not found'
    ready(office)
    office.sql("update connection set status = 'paused' where provider = 'jira'")
    answer = office.call("mia", "POST", f"{JIRA_API}/workspaces/link", body)
    assert detail(answer, 400) == f'Workspace "{office.host}" is not active'
    other = office.call("mia", "POST", f"{JIRA_API}/workspaces/link", {"workspace_name": "jira.elsewhere.example"})
    assert detail(other, 400) == "Target workspace mismatch."
    assert office.states() == 0


def test_a_link_on_another_jira_than_the_configured(office: Office) -> None:
    """The host was changed in the settings: the contract's own 404."""
    ready(office)
    browser = office.browser("mia")
    url = browser.call("POST", f"{JIRA_API}/workspaces/link", {"workspace_name": office.host}).json()
    through(browser, url["authorizationUrl"], "mia")
    with office.variant("linker", JIRA_DC_BASE_URL="https://jira.moved.example"):
        answer = browser.call("GET", f"{JIRA_API}/workspaces/link")
    assert detail(answer, 404) == "User is not registered for the configured Jira DC integration"


def test_get_link_is_one_statement_and_fast(office: Office) -> None:
    """A slow answer keeps a connection paused in the screens: well under 100 ms, never 500 for who is not linked."""
    ready(office)
    browser = office.browser("mia")
    browser.call("GET", f"{JIRA_API}/workspaces/link")
    began = time.monotonic()
    for _ in range(20):
        assert browser.call("GET", f"{JIRA_API}/workspaces/link").status_code == 404
    assert (time.monotonic() - began) / 20 < 0.1


# --- (9) the callback -------------------------------------------------------------------------------


@pytest.fixture
def back(office: Office) -> tuple[Browser, str]:
    """A browser that Jira has just sent back, and the address."""
    ready(office)
    browser = office.browser("mia")
    url = browser.call("POST", f"{JIRA_API}/workspaces/link", {"workspace_name": office.host}).json()
    return browser, browser.jira(url["authorizationUrl"], "mia")


def says(answer: requests.Response, status: int, pattern: str) -> str:
    """A page with the contract's sentence and with what to do; its text."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("text/html")
    page = Page(answer)
    assert re.search(pattern, page.text), page.text
    assert "/settings/integrations" in answer.text or "/integration/dc/" in answer.text
    return page.text


def test_the_callback_without_a_session(office: Office, back: tuple[Browser, str]) -> None:
    """Unknown, used, none."""
    browser, url = back
    for query in ({"code": "x", "state": "unknown"}, {"code": "x"}, {}):
        says(browser.arrive(f"{CALLBACK}?{urlencode(query)}"), 400, r"No active integration session found\.")
    assert browser.arrive(url).status_code == 200
    says(browser.arrive(url), 400, r"No active integration session found\.")
    assert office.links() == []


def test_the_callback_in_another_browser(office: Office, back: tuple[Browser, str]) -> None:
    """The contract's sentence on what looks like an attack."""
    says(office.browser("mia").arrive(back[1]), 400, r"(State mismatch\. Possible CSRF attack|No active integration)")
    assert office.links() == []


def test_the_callback_when_the_person_denied(office: Office) -> None:
    """error and no code: a page, nothing linked."""
    ready(office)
    browser = office.browser("mia")
    url = browser.call("POST", f"{JIRA_API}/workspaces/link", {"workspace_name": office.host}).json()
    says(browser.arrive(browser.jira(url["authorizationUrl"], "-")), 400, r"\w+")
    assert office.links() == []


def test_the_callback_when_jira_refuses_the_code(office: Office, back: tuple[Browser, str]) -> None:
    """Jira's own words follow."""
    body = {"error": "invalid_grant", "error_description": "The code has expired"}
    office.stack.sims.jira.fault(match="oauth2/latest/token", status=400, body=body)
    says(back[0].arrive(back[1]), 400, r"Error fetching token: .*(invalid_grant|The code has expired)")
    assert office.links() == []


def test_the_callback_when_jira_does_not_say_who(office: Office, back: tuple[Browser, str]) -> None:
    """/myself refuses."""
    office.stack.sims.jira.fault(match="^GET /rest/api/2/myself", status=403, body={"errorMessages": ["No access"]})
    says(back[0].arrive(back[1]), 400, r"Error fetching user info: .*No access")
    assert office.links() == []


def test_the_callback_when_the_token_endpoint_is_away(office: Office, back: tuple[Browser, str]) -> None:
    """502 with the address and the kind of failure."""
    office.stack.sims.jira.fault(match="oauth2/latest/token", times=-1, close=True)
    text = says(back[0].arrive(back[1]), 502, CANNOT_REACH_TOKEN)
    assert office.stack.jira_url in text
    assert office.links() == []


def test_the_callback_when_jira_is_away_after_the_token(office: Office, back: tuple[Browser, str]) -> None:
    """502, the other sentence."""
    office.stack.sims.jira.fault(match="^GET /rest/api/2/myself", times=-1, close=True)
    text = says(back[0].arrive(back[1]), 502, CANNOT_REACH)
    assert office.stack.jira_url in text
    assert office.links() == []


def test_the_callback_when_jira_is_slow(office: Office, back: tuple[Browser, str]) -> None:
    """After JIRA_DC_HTTP_TIMEOUT the person hears of it."""
    office.stack.sims.jira.hold(match="oauth2/latest/token")
    began = time.monotonic()
    says(back[0].arrive(back[1]), 502, CANNOT_REACH_TOKEN)
    assert time.monotonic() - began < 10
    assert office.links() == []


def test_the_callback_when_nobody_listens(office: Office) -> None:
    """The base URL leads nowhere: from the start to the page."""
    ready(office)
    nowhere = f"http://127.0.0.1:{free_port()}"
    office.sql(f"update instance set base_url = '{nowhere}' where provider = 'jira'")
    try:
        with office.variant("linker", JIRA_DC_BASE_URL=nowhere):
            browser = office.browser("mia")
            body = {"workspace_name": urlsplit(nowhere).netloc}
            answer = browser.call("POST", f"{JIRA_API}/workspaces/link", body).json()
            state = dict(parse_qsl(urlsplit(answer["authorizationUrl"]).query))["state"]
            page = browser.arrive(f"{CALLBACK}?{urlencode({'code': 'x', 'state': state})}")
        assert nowhere in says(page, 502, CANNOT_REACH_TOKEN)
    finally:
        office.sql(f"update instance set base_url = '{office.stack.jira_url}' where provider = 'jira'")


# --- (10) GET /secrets/token --------------------------------------------------------------------------


def token(office: Office, who: str, key: str = "jwt-secret-of-the-tests", **claims: Any) -> str:
    """An access token as OpenHands' app makes it for a sandbox; a claim that is None is left out."""
    now = int(time.time())
    body = {
        "user_id": office.ids[who],
        "integration": "jira_dc",
        "secret_name": "JIRA_DC_TOKEN",
        "workspace_id": office.connections()[0]["id"],
        "iat": now,
        "exp": now + 300,
    } | claims
    body = {name: value for name, value in body.items() if value is not None}
    kid = base62(hashlib.sha256(key.encode()).digest())
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT", "kid": kid}, body)]
    text = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    digest = hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def ask(office: Office, access: str | None) -> requests.Response:
    """As the sandbox asks."""
    url = f"http://127.0.0.1:{office.stack.programs['linker'].http}{JIRA_API}/secrets/token"
    return requests.get(url, headers={"X-Access-Token": access} if access else {}, timeout=30)


@pytest.fixture
def mia(office: Office, back: tuple[Browser, str]) -> str:
    """Linked; her name."""
    answer = back[0].arrive(back[1])
    assert back[0].submit(Page(answer).form(CONFIRM)).status_code == 302
    office.stack.secrets += [t for pair in office.stack.sims.jira.oauth_tokens(user="mia") for t in pair.values()]
    return "mia"


def test_the_sandbox_gets_the_persons_token(office: Office, mia: str) -> None:
    """200, plain text, the token that works at Jira now."""
    answer = ask(office, token(office, mia))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.text in [pair["access"] for pair in office.stack.sims.jira.oauth_tokens(user="mia")]


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"integration": "slack"}, 403),
        ({"secret_name": "OTHER"}, 403),
        ({"workspace_id": 999}, 404),
        ({"user_id": None}, 401),
        ({"workspace_id": None}, 401),
        ({"exp": 1}, 401),
        ({"exp": None}, 401),
        ({"iat": 10**11, "exp": 10**12}, 401),
        ({"key": "another-secret"}, 401),
    ],
    ids=str,
)
def test_other_access_tokens(office: Office, mia: str, claims: dict[str, Any], status: int) -> None:
    """Wrong use 403, unknown connection 404, no good token 401; always a readable detail."""
    answer = ask(office, token(office, mia, **claims))
    assert detail(answer, status)


def test_no_access_token_and_altered_ones(office: Office, mia: str) -> None:
    """Missing, cut, with another algorithm."""
    good = token(office, mia)
    head, body, signature = good.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    for access in (None, "x", good[:-2], f"{none}.{body}.", f"{none}.{body}.{signature}", f"{head}.{body}"):
        assert detail(ask(office, access), 401)


def test_who_is_not_linked_or_on_a_paused_connection(office: Office, mia: str) -> None:
    """404 for both."""
    assert detail(ask(office, token(office, "max")), 404)
    office.sql("update connection set status = 'paused' where provider = 'jira'")
    assert detail(ask(office, token(office, mia)), 404)


def test_a_withdrawn_token_is_a_401(office: Office, mia: str) -> None:
    """The person took the access back at Jira, and the token's time is over."""
    office.stack.sims.jira.oauth_revoke(user="mia")
    office.sql("update user_link set token_expires_at = now() - interval '1 minute'")
    assert detail(ask(office, token(office, mia)), 401)


def test_the_organisation_of_a_link(office: Office, mia: str) -> None:
    """What OpenHands said when the person began."""
    assert [str(link["org_id"]) for link in office.links(mia)] == [ORG]
