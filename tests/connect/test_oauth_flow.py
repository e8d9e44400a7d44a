"""Linking a Jira account by OAuth: the whole way through the browser, each way it can end, the account page."""

from __future__ import annotations

import http.server
import itertools
import re
import ssl
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.connect.browser import Browser, Page
from tests.e2e.stack import Program
from tests.e2e.world import World
from tests.sim.front import make_certificate

ORG = "0a000000-0000-4000-8000-000000000001"
LINK = "/integration/jira-dc/workspaces/link"
CALLBACK = "/integration/jira-dc/callback"
PAGE = "/integration/dc/link"
NUMBERS = itertools.count(1)
NO_SESSION = "No active integration session found."
MISMATCH = "State mismatch. Possible CSRF attack."


@dataclass
class Person:
    """Somebody of OpenHands with an account in Jira, and their browser."""

    name: str
    id: str
    key: str
    browser: Browser

    @property
    def email(self) -> str:
        """As both sides know it."""
        return f"{self.name}@example.com"


def newcomer(world: World, role: str = "member") -> Person:
    """Signed in at OpenHands, unknown to us."""
    sims, name = world.stack.sims, f"nina{next(NUMBERS)}"
    identity = str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
    key = sims.jira.add_user(name=name, display=f"{name.title()} Example")["key"]
    sims.keycloak.add_person(identity=identity, email=f"{name}@example.com")
    repos = {"bitbucket_data_center": ["PROJ/web"]}
    sims.ohe.add_person(email=f"{name}@example.com", identity=identity, repos=repos)
    sims.ohe.set_role(identity=identity, org=ORG, role=role)
    session = sims.ohe.sign_in(identity=identity, org=ORG)
    return Person(name, identity, key, Browser(world.stack, session))


@pytest.fixture
def nina(world: World) -> Person:
    """A newcomer."""
    return newcomer(world)


@pytest.fixture(autouse=True)
def usual(world: World) -> Iterator[None]:
    """Jira's provider as it was, before and after."""
    yield
    world.stack.sims.jira.oauth_configure()
    world.stack.sims.jira.oauth_client(redirect_uri=f"{world.stack.origin}{CALLBACK}")


def begin(person: Person) -> str:
    """From Settings to Jira: the authorize address."""
    answer = person.browser.call("POST", LINK, {"workspace_name": person.browser.stack.jira_url})
    assert answer.status_code == 200, answer.text
    assert answer.json() | {"authorizationUrl": ""} == {"success": True, "redirect": True, "authorizationUrl": ""}
    return str(answer.json()["authorizationUrl"])


def come_back(person: Person, as_user: str = "", browser: Browser | None = None) -> requests.Response:
    """Through Jira and back to us."""
    url = (browser or person.browser).jira(begin(person), as_user or person.name)
    return person.browser.arrive(url)


def link(person: Person, as_user: str = "") -> requests.Response:
    """The whole way; the answer to the confirmation."""
    page = come_back(person, as_user)
    assert page.status_code == 200, page.text
    return person.browser.submit(Page(page).form("/confirm"))


def links(world: World, person: Person) -> list[dict[str, Any]]:
    """Rows of a person, oldest first."""
    return world.stack.rows("select * from user_link where user_id = %s order by id", person.id)


def active(world: World, person: Person) -> list[str]:
    """Accounts that count for a person."""
    return [row["account_key"] for row in links(world, person) if row["status"] == "active"]


def refused(answer: requests.Response, status: int, *parts: str) -> Page:
    """A plain page with a status and texts, and the headers of all pages."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    page = Page(answer)
    for part in parts:
        assert part in page.text, page.text
    return page


# --- the way that works -------------------------------------------------------------------------------


def test_settings_to_jira_and_back(world: World, nina: Person) -> None:
    """Each station; tokens are sealed, nothing is linked before the confirmation."""
    url = begin(nina)
    query = parse_qs(urlsplit(url).query)
    assert url.startswith(f"{world.stack.jira_url}/rest/oauth2/latest/authorize?client_id=ohdc-client&scope=WRITE&")
    assert list(query) == [
        "client_id",
        "scope",
        "redirect_uri",
        "state",
        "response_type",
        "code_challenge",
        "code_challenge_method",
    ]
    cookie = nina.browser.cookies["__Host-ohdc-oauth"]
    assert (cookie.same_site, cookie.secure, len(cookie.value)) == ("Lax", True, 43)
    page = come_back(nina)
    text = refused(page, 200, "Link your Jira account?").text
    assert f"Link Jira account {nina.name.title()} Example to OpenHands account {nina.email} ?" in text
    assert "linked to another" not in text
    assert links(world, nina) == []
    done = nina.browser.submit(Page(page).form("/confirm"))
    assert (done.status_code, done.headers["Location"]) == (302, "/settings/integrations")
    (row,) = links(world, nina)
    shown = (row["account_key"], row["account_name"], row["method"], row["org_id"], row["status"])
    assert shown == (nina.key, nina.name, "oauth", ORG, "active")
    (pair,) = world.stack.sims.jira.oauth_tokens(user=nina.name)
    assert pair["access"].encode() not in row["tokens_sealed"]
    left = world.stack.rows(
        "select extract(epoch from token_expires_at - now())::int as s from user_link where id = %s", row["id"]
    )
    assert 3500 < left[0]["s"] <= 3600
    seen = nina.browser.call("GET", LINK).json()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", seen["created_at"])
    workspace = seen.pop("workspace")
    assert (seen["id"], seen["keycloak_user_id"], seen["status"]) == (row["id"], nina.id, "active")
    assert seen["jira_dc_workspace_id"] == workspace["id"] == world.jira.id
    assert workspace["name"] == urlsplit(world.stack.jira_url).netloc
    assert workspace["events_url"] == f"{world.stack.origin}{world.jira.path}"
    assert (workspace["status"], workspace["svc_acc_email"]) == ("active", "openhands@example.com")
    assert workspace["editable"] is False


def test_linked_people_are_served_and_waiting_asks_start(world: World, nina: Person) -> None:
    """Asked before linking: told so, and started by itself afterwards."""
    issue, comment = world.ask_issue("@openhands as soon as I am linked\nRepository: PROJ/web", user=nina.name)
    world.wait_issue(issue, 1)
    assert link(nina).status_code == 302
    world.wait_issue(issue, 3)
    assert world.one_job(comment)["owner"] == nina.id


def test_flows_side_by_side_all_end_well(world: World, nina: Person) -> None:
    """Two tabs: both states are bound to the same cookie."""
    first, second = begin(nina), begin(nina)
    pages = [nina.browser.arrive(nina.browser.jira(url, nina.name)) for url in (first, second)]
    for page in pages:
        done = nina.browser.submit(Page(page).form("/confirm"))
        assert done.status_code == 302, done.text
    assert active(world, nina) == [nina.key]


def test_hosts_as_people_type_them(world: World, nina: Person) -> None:
    """Spaces, schemes, capitals, slashes: the same Jira. Others are refused with the one that is meant."""
    host = urlsplit(world.stack.jira_url).netloc
    for typed in (f"  {host} ", f"https://https://{host}/", f"HTTP://{host.upper()}", f"{host}/jira/"):
        answer = nina.browser.call("POST", LINK, {"workspace_name": typed})
        assert answer.status_code == 200, (typed, answer.text)
    refusals: list[tuple[Any, int, str]] = [
        ("other.example.com", 400, "Target workspace mismatch."),
        ("jira example", 422, "workspace can only contain alphanumeric characters"),
        (f"admin@{host}", 422, "workspace can only contain alphanumeric characters"),
        ("", 422, "workspace_name"),
        (7, 422, "workspace_name"),
    ]
    for typed, status, text in refusals:
        answer = nina.browser.call("POST", LINK, {"workspace_name": typed})
        assert (answer.status_code, text in answer.json()["detail"]) == (status, True), (typed, answer.text)
    assert (
        world.stack.jira_url in nina.browser.call("POST", LINK, {"workspace_name": "other.example.com"}).json()["error"]
    )


def test_a_paused_connection_is_not_linked_to(world: World, nina: Person) -> None:
    """As the contract says it."""
    host = urlsplit(world.stack.jira_url).netloc
    world.stack.ohdc("connections", "pause", world.jira.name)
    try:
        answer = nina.browser.call("POST", LINK, {"workspace_name": host})
        assert (answer.status_code, answer.json()) == (400, {"detail": f'Workspace "{host}" is not active'})
        assert "No Jira is connected yet" in Page(nina.browser.open(PAGE)).text
    finally:
        world.stack.ohdc("connections", "resume", world.jira.name)


def test_nobody_and_other_sites(world: World) -> None:
    """A clean 401; a page of another site changes nothing."""
    nobody = Browser(world.stack)
    for method, body in (("GET", None), ("POST", {"workspace_name": "x"})):
        answer = nobody.call(method, LINK, body)
        assert (answer.status_code, answer.json()) == (401, {"error": "NoCredentialsError"})
    someone = newcomer(world)
    answer = someone.browser.call("POST", LINK, {"workspace_name": "x"}, site="cross-site")
    assert answer.status_code in (401, 403)
    answer = someone.browser.call("POST", LINK, {"workspace_name": "x"}, site="same-site")
    assert answer.status_code == 403
    missing = someone.browser.call("GET", LINK)
    assert (missing.status_code, missing.json()) == (404, {"detail": "User is not registered for Jira DC integration"})


# --- accounts that change hands -----------------------------------------------------------------------


def test_another_account_replaces_the_first(world: World, nina: Person) -> None:
    """One active link a person; the page says what ends."""
    other = newcomer(world)
    assert link(nina).status_code == 302
    page = come_back(nina, as_user=other.name)
    refused(page, 200, "That link ends when you confirm.")
    assert nina.browser.submit(Page(page).form("/confirm")).status_code == 302
    assert active(world, nina) == [other.key]
    assert [row["tokens_sealed"] is None for row in links(world, nina)] == [True, False]


def test_an_account_moves_with_a_fresh_proof(world: World, nina: Person) -> None:
    """It was somebody else's: said on the page, and theirs no longer."""
    other = newcomer(world)
    assert link(other).status_code == 302
    page = come_back(nina, as_user=other.name)
    text = refused(page, 200, "It leaves that account when you confirm.").text
    assert other.email not in text
    assert nina.browser.submit(Page(page).form("/confirm")).status_code == 302
    assert (active(world, nina), active(world, other)) == ([other.key], [])


# --- the confirmation ---------------------------------------------------------------------------------


def test_signed_out_at_the_confirmation(world: World, nina: Person) -> None:
    """Told to sign in; the proof is not used up by that."""
    session = nina.browser.cookies["keycloak_auth"].value
    form = Page(come_back(nina)).form("/confirm")
    nina.browser.sign_out()
    page = refused(nina.browser.submit(form), 401, "Sign in")
    assert links(world, nina) == []
    nina.browser.sign_in(session)
    done = nina.browser.submit(page.form("/confirm"))
    assert (done.status_code, active(world, nina)) == (302, [nina.key])


def test_openhands_away_at_the_confirmation(world: World, nina: Person) -> None:
    """Nobody can say who this is: nothing is linked, and it can be tried again."""
    form = Page(come_back(nina)).form("/confirm")
    nina.browser.cookies["extra"] = nina.browser.cookies["keycloak_auth"].__class__("extra", "1", "Lax")
    world.stack.sims.ohe.fault(match="/users/me", status=503, body="down", times=-1)
    page = refused(nina.browser.submit(form), 502, "did not say who you are")
    world.stack.sims.ohe.heal()
    assert links(world, nina) == []
    assert nina.browser.submit(page.form("/confirm")).status_code == 302


def test_somebody_else_confirms(world: World, nina: Person) -> None:
    """Refused, and used up for everybody."""
    other = newcomer(world)
    form = Page(come_back(nina)).form("/confirm")
    mine = nina.browser.cookies["keycloak_auth"]
    nina.browser.cookies["keycloak_auth"] = other.browser.cookies["keycloak_auth"]
    refused(nina.browser.submit(form), 403, "Somebody else began this.")
    nina.browser.cookies["keycloak_auth"] = mine
    refused(nina.browser.submit(form), 400, NO_SESSION)
    assert links(world, nina) == links(world, other) == []


@pytest.mark.parametrize("how", ["cookie", "token", "site", "twice", "cancel"])
def test_confirmations_that_do_not_count(world: World, nina: Person, how: str) -> None:
    """Another browser, another form, another site, a second time, and no."""
    page = Page(come_back(nina))
    form = page.form("/confirm")
    if how == "cookie":
        nina.browser.cookies.pop("__Host-ohdc-oauth")
        refused(nina.browser.submit(form), 400, MISMATCH)
    elif how == "token":
        refused(nina.browser.submit(form, form_token="1.x"), 403, "Cross-site request refused")
    elif how == "site":
        refused(nina.browser.submit(form, site="cross-site"), 403, "Cross-site request refused")
    elif how == "cancel":
        answer = nina.browser.submit(page.form("/cancel"))
        assert (answer.status_code, answer.headers["Location"]) == (302, f"{PAGE}?done=cancelled")
        assert "Nothing was linked." in Page(nina.browser.open(answer.headers["Location"])).text
        refused(nina.browser.submit(form), 400, NO_SESSION)
    else:
        assert nina.browser.submit(form).status_code == 302
        refused(nina.browser.submit(form), 400, NO_SESSION)
    assert active(world, nina) == ([nina.key] if how == "twice" else [])


# --- ways back that fail ------------------------------------------------------------------------------


def test_the_person_denies(world: World, nina: Person) -> None:
    """A page that says how to go on."""
    refused(come_back(nina, as_user="-"), 400, "Jira did not give access: access_denied", "choose Allow in Jira")
    assert links(world, nina) == []


def test_states_that_do_not_count(world: World, nina: Person) -> None:
    """None, unknown, used, expired; no code is spent on them."""
    before = world.stack.sims.jira.oauth_counts()
    for query in ("", "?code=x", "?state=&code=x", f"?state={'x' * 43}&code=x", "?state=a&state=b&code=x"):
        refused(nina.browser.arrive(CALLBACK + query), 400, NO_SESSION)
    url = nina.browser.jira(begin(nina), nina.name)
    assert nina.browser.arrive(url).status_code == 200
    refused(nina.browser.arrive(url), 400, NO_SESSION)
    late = nina.browser.jira(begin(nina), nina.name)
    world.stack.rows("update oauth_state set expires_at = now() where user_id = %s returning 1", nina.id)
    refused(nina.browser.arrive(late), 400, NO_SESSION)
    after = world.stack.sims.jira.oauth_counts()
    assert after["exchanged"] + after["refused"] == before["exchanged"] + before["refused"] + 1


def test_a_browser_that_did_not_begin(world: World, nina: Person) -> None:
    """Without the cookie, or with another one, the state is used up and nothing asked of Jira."""
    other = newcomer(world)
    begin(other)
    before = world.stack.sims.jira.oauth_counts()
    for cookies in ({}, other.browser.cookies):
        url = nina.browser.jira(begin(nina), nina.name)
        kept, nina.browser.cookies = nina.browser.cookies, dict(cookies)
        refused(nina.browser.arrive(url), 400, MISMATCH, "finish in the same browser")
        nina.browser.cookies = kept
        refused(nina.browser.arrive(url), 400, NO_SESSION)
    assert world.stack.sims.jira.oauth_counts() == before


def test_code_missing(world: World, nina: Person) -> None:
    """A state alone is nothing."""
    state = parse_qs(urlsplit(begin(nina)).query)["state"][0]
    refused(nina.browser.arrive(f"{CALLBACK}?state={state}"), 400, "Jira sent no authorization code.")


def test_words_of_strangers_are_not_shown(world: World, nina: Person) -> None:
    """Error parameters are names; anything else is not repeated."""
    state = parse_qs(urlsplit(begin(nina)).query)["state"][0]
    answer = nina.browser.arrive(f"{CALLBACK}?state={state}&error=<b>call+0800&error_description=pay+me")
    text = refused(answer, 400, "Jira did not give access: error").text
    assert "0800" not in text and "pay" not in text


def test_code_expired(world: World, nina: Person) -> None:
    """Jira's words on the page, with what to do."""
    world.stack.sims.jira.oauth_configure(code_seconds=0)
    sentence = "Error fetching token: invalid_grant: The code has expired"
    refused(come_back(nina), 400, sentence, "Start again from your account page.")


def test_wrong_client_secret(world: World, nina: Person) -> None:
    """The admin's to mend, and said so."""
    url = nina.browser.jira(begin(nina), nina.name)
    world.stack.sims.jira.oauth_client(redirect_uri=f"{world.stack.origin}{CALLBACK}", secret="other")
    sentence = "Error fetching token: invalid_client: client authentication failed"
    refused(nina.browser.arrive(url), 400, sentence, "copy both again")
    assert world.stack.sims.jira.forgive() != []


def test_wrong_redirect_address(world: World, nina: Person) -> None:
    """Jira compares it when it gives tokens."""
    url = nina.browser.jira(begin(nina), nina.name)
    world.stack.sims.jira.oauth_client(redirect_uri="https://other.example.com/callback")
    refused(nina.browser.arrive(url), 400, "Error fetching token: invalid_grant")
    assert world.stack.sims.jira.forgive() != []


@pytest.mark.parametrize(
    ("match", "spec", "status", "parts"),
    [
        (
            "/token",
            {"status": 500, "body": "<html>broken"},
            400,
            ["Error fetching token: Jira answered with status 500"],
        ),
        ("/token", {"close": True}, 502, ["Could not reach the Jira Data Center token endpoint (", "ReadError"]),
        ("/myself", {"status": 401, "body": "<html>no"}, 400, ["Error fetching user info: Jira answered 401"]),
        ("/myself", {"status": 200, "body": "<html>sso"}, 400, ["Error fetching user info: "]),
        ("/myself", {"status": 200, "body": {"name": "x"}}, 400, ["Error fetching user info: the account has no key"]),
        ("/myself", {"close": True, "times": -1}, 502, ["Could not reach the Jira Data Center server ("]),
    ],
    ids=["token 500", "token closed", "myself 401", "myself html", "myself keyless", "myself closed"],
)
def test_jira_fails(
    world: World, nina: Person, match: str, spec: dict[str, Any], status: int, parts: list[str]
) -> None:
    """Each answer that is none; nothing is linked, nothing is repeated."""
    url = nina.browser.jira(begin(nina), nina.name)
    world.stack.sims.jira.fault(match=match, **({"times": 1} | spec))
    refused(nina.browser.arrive(url), status, *parts)
    world.stack.sims.jira.heal()
    assert links(world, nina) == []


@pytest.fixture
def other_linker(world: World) -> Iterator[Any]:
    """Starts linkers with other settings in place of the first."""
    first, started = world.stack.programs["linker"], []

    def start(**settings: str) -> None:
        other = Program("linker", world.stack.folder, world.stack.env_for("linker") | settings)
        other.log = world.stack.folder / f"linker-{next(NUMBERS)}.log"
        other.start()
        started.append(other)
        world.stack.programs["linker"] = other

    yield start
    world.stack.programs["linker"] = first
    assert [program.stop() for program in started] == [0] * len(started)


def test_jira_moved_meanwhile(world: World, nina: Person, other_linker: Any) -> None:
    """Another base URL than the one the flow was begun with: no code leaves."""
    url = nina.browser.jira(begin(nina), nina.name)
    before = world.stack.sims.jira.oauth_counts()
    other_linker(JIRA_DC_BASE_URL="http://127.0.0.1:9/jira")
    refused(nina.browser.arrive(url), 400, "Target workspace mismatch.")
    assert world.stack.sims.jira.oauth_counts() == before


@pytest.fixture
def jira_with_tls(world: World) -> Iterator[str]:
    """A server whose certificate nobody has heard of, as a connection; its base URL."""
    folder = world.stack.folder / "tls"
    folder.mkdir(exist_ok=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*make_certificate(folder, "localhost"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    base_url = f"https://localhost:{server.server_port}"
    sql = """with made as (insert into instance (provider, base_url) values ('jira', %s) returning id)
        insert into connection (provider, id, instance_id, status, secret_sealed)
        select 'jira', 77, id, 'active', 'x' from made returning id"""
    world.stack.rows(sql, base_url)
    yield base_url
    world.stack.rows("delete from connection where provider = 'jira' and id = 77 returning id")
    server.shutdown()
    thread.join()
    server.server_close()


def test_jira_with_an_unknown_certificate(world: World, nina: Person, other_linker: Any, jira_with_tls: str) -> None:
    """The page says what an admin has to add; the code does not leave."""
    other_linker(JIRA_DC_BASE_URL=jira_with_tls)
    answer = nina.browser.call("POST", LINK, {"workspace_name": "localhost"})
    state = parse_qs(urlsplit(answer.json()["authorizationUrl"]).query)["state"][0]
    back = nina.browser.arrive(f"{CALLBACK}?state={state}&code=c")
    where = f"Could not reach the Jira Data Center token endpoint ({jira_with_tls}): SSLError."
    refused(back, 502, where, "Check that the Jira Base URL uses the correct https scheme", "SSL_CERT_FILE")
    assert links(world, nina) == []


def test_openhands_product_name(world: World, nina: Person, other_linker: Any) -> None:
    """Pages say the name of the setting."""
    other_linker(OHDC_PRODUCT_NAME="Acme & Söhne")
    text = refused(come_back(nina), 200, "Acme & Söhne account").text
    assert "OpenHands" not in text


# --- the account page ---------------------------------------------------------------------------------


def test_account_page(world: World, nina: Person) -> None:
    """Link, see, disconnect, link again: each with a form that only this person's page makes."""
    browser = nina.browser
    page = refused(browser.open(PAGE), 200, "Your Jira account", "Link on")
    onward = browser.submit(page.form("/begin"))
    refused(onward, 200, "Continue to")
    target = onward.headers["Refresh"].removeprefix("0;url=")
    back = browser.arrive(browser.jira(target, nina.name))
    done = browser.submit(Page(back).form("/confirm"))
    assert (done.status_code, done.headers["Location"]) == (302, f"{PAGE}?done=linked")
    page = refused(browser.open(f"{PAGE}?done=linked"), 200, "Your Jira account is linked.", nina.name, "Disconnect")
    (before,) = links(world, nina)
    for site, token in (("cross-site", None), ("same-origin", None), ("same-origin", "9.x")):
        answer = browser.submit(page.form("/unlink"), site=site, form_token=token)
        assert answer.status_code in (401, 403), answer.text
    foreign = Page(newcomer(world).browser.open(PAGE)).form("/begin").fields["form_token"]
    assert browser.submit(page.form("/unlink"), form_token=foreign).status_code == 403
    assert links(world, nina) == [before]
    gone = browser.submit(page.form("/unlink"))
    assert (gone.status_code, gone.headers["Location"]) == (302, f"{PAGE}?done=unlinked")
    refused(browser.open(f"{PAGE}?done=unlinked"), 200, "Your Jira account is disconnected.")
    (row,) = links(world, nina)
    assert (row["status"], row["tokens_sealed"], row["token_expires_at"]) == ("inactive", None, None)
    audits = world.stack.rows("select action from audit where operator = %s order by id", nina.id)
    assert [audit["action"] for audit in audits] == ["link.put", "link.drop"]
    issue, comment = world.ask_issue("@openhands after leaving", user=nina.name)
    world.wait_issue(issue, 1)
    sql = "select outcome from trigger where event_key like %s"
    assert world.stack.rows(sql, f"%:comment:{comment}")[0]["outcome"] == "USER_NOT_LINKED"
    assert link(nina).status_code == 302
    assert [(r["id"], r["status"]) for r in links(world, nina)] == [(row["id"], "active")]


def test_account_page_of_nobody(world: World) -> None:
    """Sign in first."""
    refused(Browser(world.stack).open(PAGE), 401, "Sign in")


def test_account_page_of_a_forged_connection(world: World, nina: Person) -> None:
    """Another number in the form links to nothing."""
    page = refused(nina.browser.open(PAGE), 200)
    for number in ("", "0", "x", "999", str(world.bitbucket.id)):
        refused(nina.browser.submit(page.form("/begin"), connection=number), 404, "cannot be linked to")


def test_links_of_operators_show_as_well(world: World) -> None:
    """Ana was linked by an operator: the page knows her, and adding a link again revives it."""
    world.stack.sims.ohe.set_role(identity=world.people["ana"], org=ORG, role="admin")
    session = world.stack.sims.ohe.sign_in(identity=world.people["ana"], org=ORG)
    browser = Browser(world.stack, session)
    page = refused(browser.open(PAGE), 200, world.keys["ana"])
    assert browser.submit(page.form("/unlink")).status_code == 302
    add = ("--connection", world.jira.name, "--jira-key", world.keys["ana"], "--user", world.people["ana"])
    world.stack.ohdc("links", "add", *add)
    assert browser.call("GET", LINK).status_code == 200


# --- e-mail mode --------------------------------------------------------------------------------------


def test_email_mode(world: World, nina: Person, other_linker: Any) -> None:
    """Linked at once, with a stand-in that the first mention replaces."""
    other_linker(JIRA_DC_ENABLE_OAUTH="0")
    answer = nina.browser.call("POST", LINK, {"workspace_name": world.stack.jira_url})
    assert (answer.status_code, answer.json()) == (200, {"success": True, "redirect": False, "authorizationUrl": ""})
    assert active(world, nina) == [f"unavailable:{nina.id}"]
    assert nina.browser.call("POST", LINK, {"workspace_name": world.stack.jira_url}).status_code == 200
    page = refused(nina.browser.open(PAGE), 200, "Matched by your e-mail address", nina.email)
    assert nina.browser.call("GET", LINK).json()["status"] == "active"
    assert nina.browser.submit(page.form("/unlink")).status_code == 302
    assert (active(world, nina), nina.browser.call("GET", LINK).status_code) == ([], 404)
    page = Page(nina.browser.open(PAGE))
    done = nina.browser.submit(page.form("/begin"))
    assert (done.status_code, done.headers["Location"]) == (302, f"{PAGE}?done=linked")
    refused(nina.browser.arrive(f"{CALLBACK}?state=x&code=y"), 400, NO_SESSION)


@pytest.fixture
def two_jiras(world: World) -> Iterator[None]:
    """Two more connections, of servers that are never called."""
    sql = """with made as (insert into instance (provider, base_url) values ('jira', %s) returning id)
        insert into connection (provider, id, instance_id, status, secret_sealed)
        select 'jira', %s, id, 'active', 'x' from made returning id"""
    world.stack.rows(sql, "https://a.example.com/jira", 81)
    world.stack.rows(sql, "https://b.example.com:8443", 82)
    yield
    world.stack.rows("delete from connection where provider = 'jira' and id in (81, 82) returning id")


@pytest.mark.usefixtures("two_jiras")
def test_email_mode_with_several_jiras(world: World, nina: Person, other_linker: Any) -> None:
    """Without JIRA_DC_BASE_URL the host decides; one link a person, the first has to end before the second."""
    other_linker(JIRA_DC_ENABLE_OAUTH="0", JIRA_DC_BASE_URL="")

    def post(host: str) -> requests.Response:
        return nina.browser.call("POST", LINK, {"workspace_name": host})

    page = refused(nina.browser.open(PAGE), 200, "Link on a.example.com", "Link on b.example.com:8443")
    assert len([form for form in page.forms if "/begin" in form.action]) == 3
    for typed in ("a.example.com/jira", "a.example.com"):
        assert post(typed).status_code == 200, typed
    assert post("a.example.com/other").json() == {"detail": 'Workspace "a.example.com" not found'}
    refusal = post("B.example.com:8443")
    assert (refusal.status_code, refusal.json()) == (
        400,
        {
            "detail": "You already have an active workspace link. Please unlink from your current workspace"
            " before linking to a different one."
        },
    )
    assert post("c.example.com").json() == {"detail": 'Workspace "c.example.com" not found'}
    assert nina.browser.call("GET", LINK).json()["workspace"]["name"] == "a.example.com"
    world.stack.rows("delete from connection where provider = 'jira' and id = 81 returning id")
    missing = nina.browser.call("GET", LINK)
    assert (missing.status_code, missing.json()) == (404, {"detail": "Workspace not found for the user"})
    refused(nina.browser.open(PAGE), 200, "a.example.com", "Disconnect")
