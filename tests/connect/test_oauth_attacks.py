"""Attacks on linking a Jira account by OAuth; none succeeds. Each looks at the database and at Jira too."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
import requests

from tests.connect.browser import Browser, Form, Page
from tests.connect.office import JIRA_API, ORG, OTHER_ORG, Office, open_office
from tests.e2e.stack import Stack
from tests.sim.jira_oauth import challenge_of

pytestmark = pytest.mark.usefixtures("tidy")
LINK = f"{JIRA_API}/workspaces/link"
CALLBACK = f"{JIRA_API}/callback"
CONFIRM = "/integration/dc/link/confirm"
COOKIE = "__Host-ohdc-oauth"
NO_SESSION = "No active integration session found."


@pytest.fixture(scope="module")
def office(stack: Stack) -> Office:
    """OAuth mode with an active connection that everybody may link to; the attacker is a colleague."""
    made = open_office(stack)
    stack.connect("jira", "--base-url", stack.jira_url)
    return made


@pytest.fixture
def tidy(office: Office) -> Iterator[None]:
    """No link and no state before; afterwards all is alive, unchanged, and no secret came out."""
    office.sql("delete from user_link", "delete from oauth_state")
    office.stack.sims.jira.oauth_configure()
    before = connection(office)
    yield
    sims = office.stack.sims
    for name in office.keys:
        office.stack.secrets += [text for pair in sims.jira.oauth_tokens(user=name) for text in pair.values()]
    found = [text for remote in sims.remotes() for text in remote.forgive()]
    for remote in sims.remotes():
        remote.release()
        remote.heal()
    assert found == []
    assert connection(office) == before
    for program in office.stack.programs.values():
        assert program.process and program.process.poll() is None, program.name


@pytest.fixture
def victim(office: Office) -> Browser:
    """Mia's browser."""
    return office.browser("mia")


@pytest.fixture
def attacker(office: Office) -> Browser:
    """Max's browser."""
    return office.browser("max")


# --- the honest steps --------------------------------------------------------------------------


def connection(office: Office) -> dict[str, Any]:
    """The connection, which linking never changes."""
    (row,) = office.connections()
    return {name: row[name] for name in ("id", "status", "owner_user_id", "org_id", "hook_id", "secret_sealed")}


def begin(office: Office, browser: Browser, **more: Any) -> str:
    """Press Link account; Jira's authorize address."""
    answer = browser.call("POST", LINK, {"workspace_name": office.host}, **more)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["success"], answer.json()["redirect"]) == (True, True)
    return answer.json()["authorizationUrl"]


def field(url: str, name: str) -> str:
    """A parameter of an address."""
    return parse_qs(urlsplit(url).query)[name][0]


def consent(office: Office, browser: Browser, user: str) -> str:
    """Link account, and allow at Jira; the address that the browser is sent to."""
    return browser.jira(begin(office, browser), user)


def arrive(browser: Browser, url: str) -> Form:
    """Come back from Jira; the confirmation form."""
    answer = browser.arrive(url)
    assert answer.status_code == 200, answer.text
    return Page(answer).form(CONFIRM)


def link(office: Office, browser: Browser, user: str) -> requests.Response:
    """All of it."""
    return browser.submit(arrive(browser, consent(office, browser, user)))


def linked(office: Office, name: str) -> list[str]:
    """The Jira accounts that somebody is linked to now."""
    return [row["account_key"] for row in office.links(name) if row["status"] == "active"]


def unlinked(office: Office) -> None:
    """Nobody is linked, and no token is kept in a link."""
    assert office.links() == []


def exchanged(office: Office) -> int:
    """How often Jira gave tokens for a code."""
    return office.stack.sims.jira.oauth_counts()["exchanged"]


def asked(office: Office) -> int:
    """How often Jira's token endpoint was called."""
    return len(office.stack.sims.jira.calls(match="^POST /rest/oauth2/latest/token"))


def refused(answer: requests.Response, *statuses: int) -> str:
    """A page or a body that says no; its text."""
    assert answer.status_code in (statuses or (400, 401, 403, 404, 405, 422)), (answer.status_code, answer.text)
    return answer.text


def test_honest_linking_works(office: Office, victim: Browser) -> None:
    """What all the attacks try to bend: proof at Jira, confirmation here, landing on our own host."""
    answer = link(office, victim, "mia")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/settings/integrations")
    (row,) = office.links("mia")
    assert (row["account_key"], row["status"], row["method"]) == (office.keys["mia"], "active", "oauth")
    for pair in office.stack.sims.jira.oauth_tokens(user="mia"):
        assert pair["access"].encode() not in bytes(row["tokens_sealed"])


# --- fixation: the attacker's things in the victim's browser -----------------------------------


def test_fixation_attackers_authorize_address(office: Office, victim: Browser, attacker: Browser) -> None:
    """The victim allows the attacker's request: its account must not become the attacker's."""
    url = begin(office, attacker)
    back = victim.jira(url, "mia")
    refused(victim.arrive(back))
    unlinked(office)
    assert exchanged(office) == 0 or attacker.arrive(back).status_code == 400


def test_fixation_the_code_comes_back_to_the_attacker(office: Office, victim: Browser, attacker: Browser) -> None:
    """The attacker saw the victim's callback address: without the victim's cookie it is worth nothing."""
    back = consent(office, victim, "mia")
    before = asked(office)
    refused(attacker.arrive(back))
    unlinked(office)
    assert asked(office) == before


def test_fixation_attackers_callback_in_the_victims_browser(office: Office, victim: Browser, attacker: Browser) -> None:
    """The victim must not be linked to the attacker's Jira account, though it has a flow of its own open."""
    begin(office, victim)
    back = consent(office, attacker, "max")
    refused(victim.arrive(back))
    unlinked(office)


def test_fixation_attackers_code_with_the_victims_state(office: Office, victim: Browser, attacker: Browser) -> None:
    """The code belongs to another challenge: Jira refuses the exchange."""
    code = field(consent(office, attacker, "max"), "code")
    before = exchanged(office)
    state = field(consent(office, victim, "mia"), "state")
    refused(victim.arrive(f"{CALLBACK}?{urlencode({'code': code, 'state': state})}"))
    unlinked(office)
    assert exchanged(office) == before
    assert "code_verifier does not match" in office.stack.sims.jira.oauth_reasons()[-1]


def test_fixation_attackers_confirmation_as_a_link(office: Office, victim: Browser, attacker: Browser) -> None:
    """The victim opens the address of the attacker's confirmation with its fields in the query."""
    form = arrive(attacker, consent(office, attacker, "max"))
    refused(victim.open(f"{CONFIRM}?{urlencode(form.fields)}", site="cross-site"))
    unlinked(office)


def test_fixation_attackers_confirmation_posted_by_the_victim(
    office: Office, victim: Browser, attacker: Browser
) -> None:
    """Even from our own origin: the state is the attacker's, so is the form's token."""
    form = arrive(attacker, consent(office, attacker, "max"))
    refused(victim.submit(form))
    unlinked(office)


def test_fixation_attackers_confirmation_with_the_victims_token(
    office: Office, victim: Browser, attacker: Browser
) -> None:
    """The victim's own form token with the attacker's state, in both directions."""
    mine = arrive(attacker, consent(office, attacker, "max"))
    other = arrive(victim, consent(office, victim, "mia"))
    for name in mine.fields:
        refused(victim.submit(Form(mine.action, "post", mine.fields | {name: other.fields[name]})))
    unlinked(office)


# --- replay ------------------------------------------------------------------------------------


def test_replay_of_the_callback(office: Office, victim: Browser) -> None:
    """The second time there is no such session; Jira is not asked again."""
    back = consent(office, victim, "mia")
    arrive(victim, back)
    before = asked(office)
    assert NO_SESSION in refused(victim.arrive(back), 400)
    assert asked(office) == before
    unlinked(office)


def test_replay_of_the_callback_at_the_same_time(office: Office, victim: Browser) -> None:
    """Twenty at once: one gets the confirmation, Jira sees the code once."""
    back, before = consent(office, victim, "mia"), asked(office)
    copies = [office.browser("mia") for _ in range(20)]
    for copy in copies:
        copy.cookies = dict(victim.cookies)
    with ThreadPoolExecutor(20) as pool:
        statuses = sorted(answer.status_code for answer in pool.map(lambda c: c.arrive(back), copies))
    assert statuses == [200] + [400] * 19
    assert asked(office) == before + 1
    unlinked(office)


def test_replay_of_a_code_in_a_fresh_flow(office: Office, victim: Browser) -> None:
    """A used code with a new state: refused by Jira, nothing linked."""
    first = consent(office, victim, "mia")
    arrive(victim, first)
    state = field(begin(office, victim), "state")
    refused(victim.arrive(f"{CALLBACK}?{urlencode({'code': field(first, 'code'), 'state': state})}"))
    unlinked(office)
    assert "used before" in office.stack.sims.jira.oauth_reasons()[-1]


def test_replay_of_the_confirmation(office: Office, victim: Browser) -> None:
    """After Disconnect the old confirmation does not link again."""
    form = arrive(victim, consent(office, victim, "mia"))
    assert victim.submit(form).status_code == 302
    assert victim.call("POST", f"{JIRA_API}/workspaces/unlink", {}).status_code == 200
    refused(victim.submit(form))
    assert linked(office, "mia") == []


def test_replay_of_the_confirmation_at_the_same_time(office: Office, victim: Browser) -> None:
    """Twenty at once: one link."""
    form = arrive(victim, consent(office, victim, "mia"))
    copies = [office.browser("mia") for _ in range(20)]
    for copy in copies:
        copy.cookies = dict(victim.cookies)
    with ThreadPoolExecutor(20) as pool:
        statuses = [answer.status_code for answer in pool.map(lambda c: c.submit(form), copies)]
    assert statuses.count(302) == 1, statuses
    assert linked(office, "mia") == [office.keys["mia"]]


# --- states ------------------------------------------------------------------------------------


def test_states_swapped_between_people(office: Office, victim: Browser, attacker: Browser) -> None:
    """Each arrives with the other's state."""
    one, two = consent(office, victim, "mia"), consent(office, attacker, "max")
    for browser, code, state in ((victim, one, two), (attacker, two, one)):
        query = urlencode({"code": field(code, "code"), "state": field(state, "state")})
        refused(browser.arrive(f"{CALLBACK}?{query}"))
    unlinked(office)


def test_an_invented_state(office: Office, victim: Browser) -> None:
    """Jira is not even asked: the code stays with us."""
    begin(office, victim)
    before = asked(office)
    code = secrets.token_urlsafe(24)
    for state in (secrets.token_urlsafe(32), "", "null", "0", "a" * 43, "'; drop table oauth_state; --", "\u0000"):
        refused(victim.arrive(f"{CALLBACK}?{urlencode({'code': code, 'state': state})}"))
    refused(victim.arrive(f"{CALLBACK}?code={code}"))
    assert asked(office) == before
    unlinked(office)


def test_an_expired_state(office: Office, victim: Browser) -> None:
    """After its ten minutes it is not there."""
    back = consent(office, victim, "mia")
    office.sql("update oauth_state set expires_at = now() - interval '1 second'")
    before = asked(office)
    assert NO_SESSION in refused(victim.arrive(back), 400)
    assert asked(office) == before
    unlinked(office)


def test_an_expired_confirmation(office: Office, victim: Browser) -> None:
    """A page left open over night does not link."""
    form = arrive(victim, consent(office, victim, "mia"))
    office.sql("update oauth_state set expires_at = now() - interval '1 second'")
    refused(victim.submit(form))
    unlinked(office)


def test_a_state_in_another_form(office: Office, victim: Browser) -> None:
    """Other case, padding, doubled, in pieces: exactly the text that was given, once."""
    back = consent(office, victim, "mia")
    code, state = field(back, "code"), field(back, "state")
    before = asked(office)
    odd = [state.swapcase(), state + "=", state + " ", " " + state, state[:-1], state + "\u0000"]
    queries = [urlencode({"code": code, "state": text}) for text in odd]
    queries += [f"code={code}&state={state}&state={state}", f"code={code}&state={state}&state=x"]
    queries += [f"code={code}&code=x&state={state}", f"code={code}&state[]={state}", f"code={code}&STATE={state}"]
    for query in queries:
        refused(victim.arrive(f"{CALLBACK}?{query}"))
    assert asked(office) == before
    unlinked(office)


def test_a_state_of_another_purpose(office: Office, victim: Browser) -> None:
    """What the confirmation holds is no state for the callback, and the other way round."""
    back = consent(office, victim, "mia")
    form = arrive(victim, back)
    fresh = begin(office, victim)
    for value in form.fields.values():
        refused(victim.arrive(f"{CALLBACK}?{urlencode({'code': 'x', 'state': value})}"))
    for name in form.fields:
        refused(victim.submit(form, **{name: field(fresh, "state")}))
    unlinked(office)


def test_a_flood_of_states_does_not_push_out_other_peoples(office: Office, victim: Browser, attacker: Browser) -> None:
    """Everybody has a bounded number of open flows; only the own oldest go."""
    back = consent(office, victim, "mia")
    first = begin(office, attacker)
    for _ in range(30):
        begin(office, attacker)
    assert office.states() <= 21 + 1
    refused(attacker.arrive(attacker.jira(first, "max")))
    assert victim.submit(arrive(victim, back)).status_code == 302
    assert linked(office, "mia") == [office.keys["mia"]]


def test_parallel_flows_do_not_mix(office: Office, victim: Browser) -> None:
    """Two tabs: each callback brings its own account to its own confirmation; the one confirmed counts."""
    one, two = begin(office, victim), begin(office, victim)
    first = arrive(victim, victim.jira(two, "max"))
    second = arrive(victim, victim.jira(one, "mia"))
    assert victim.submit(second).status_code == 302
    assert linked(office, "mia") == [office.keys["mia"]]
    assert first.fields != second.fields


# --- mix-up ------------------------------------------------------------------------------------


def test_mix_up_a_code_never_goes_to_another_server(office: Office, victim: Browser) -> None:
    """Begun with one Jira, ended when another is configured: the code is not carried there."""
    back = consent(office, victim, "mia")
    other = office.stack.sims.bitbucket
    before = len(other.calls())
    with office.variant("linker", JIRA_DC_BASE_URL=other.base_url):
        refused(victim.arrive(back), 400, 409, 502)
    assert len(other.calls()) == before
    unlinked(office)


def test_mix_up_hints_in_the_callback_are_ignored(office: Office, victim: Browser) -> None:
    """iss, base_url, token_endpoint … in the address change nothing."""
    other = office.stack.sims.bitbucket
    before = len(other.calls())
    hints = {name: other.base_url for name in ("iss", "base_url", "token_endpoint", "workspace_name", "host")}
    form = arrive(victim, consent(office, victim, "mia") + "&" + urlencode(hints))
    assert victim.submit(form).status_code == 302
    assert len(other.calls()) == before
    assert linked(office, "mia") == [office.keys["mia"]]


# --- the cookie that binds the browser ---------------------------------------------------------


def test_the_cookie_is_missing(office: Office, victim: Browser) -> None:
    """Another browser of the same person: refused, the code is not sent."""
    back = consent(office, victim, "mia")
    before = asked(office)
    refused(office.browser("mia").arrive(back))
    assert asked(office) == before
    unlinked(office)


@pytest.mark.parametrize("value", ["", "x", "A" * 43, "A" * 4000, "%00", '"'], ids=lambda v: v[:6] or "empty")
def test_the_cookie_is_a_foreign_one(office: Office, victim: Browser, value: str) -> None:
    """Whatever its shape."""
    back = consent(office, victim, "mia")
    refused(victim.arrive(back, headers={"Cookie": f"{COOKIE}={value}"}), 400, 403, 413, 431)
    unlinked(office)


def test_the_cookie_is_there_twice(office: Office, victim: Browser, attacker: Browser) -> None:
    """One planted beside the right one, in both orders."""
    for order in (1, -1):
        back = consent(office, victim, "mia")
        begin(office, attacker)
        pair = [attacker.cookies[COOKIE].value, victim.cookies[COOKIE].value][::order]
        header = "; ".join(f"{COOKIE}={value}" for value in pair)
        refused(victim.arrive(back, headers={"Cookie": header}))
    unlinked(office)


@pytest.mark.parametrize("name", ["ohdc-oauth", "__host-ohdc-oauth", "__Secure-ohdc-oauth", "__Host-ohdc-oauth2"])
def test_a_cookie_that_a_subdomain_could_plant(office: Office, victim: Browser, attacker: Browser, name: str) -> None:
    """Only the name with the prefix counts, which no other host can set."""
    back = consent(office, attacker, "max")
    planted = f"{name}={attacker.cookies[COOKIE].value}"
    refused(victim.arrive(back, headers={"Cookie": f"{victim.jar()}; {planted}"}))
    unlinked(office)


def test_the_cookie_is_out_of_reach(office: Office, victim: Browser) -> None:
    """HttpOnly, Secure, Lax, the whole host; and it says nothing about the state."""
    answer = victim.call("POST", LINK, {"workspace_name": office.host})
    (line,) = [c for c in answer.raw.headers.getlist("Set-Cookie") if c.startswith(COOKIE)]
    words = {part.strip().lower() for part in line.split(";")[1:]}
    assert {"httponly", "secure", "samesite=lax", "path=/"} <= words
    assert not any(word.startswith("domain") for word in words)
    assert victim.cookies[COOKIE].value not in answer.text
    assert victim.cookies[COOKIE].value.encode() not in b"".join(
        bytes(v) if isinstance(v, memoryview | bytes) else str(v).encode()
        for row in office.stack.rows("select * from oauth_state")
        for v in row.values()
    )


# --- redirects ---------------------------------------------------------------------------------

EVIL = ["https://evil.example.net/", "//evil.example.net", "/\\evil.example.net", "javascript:alert(1)", "/x\r\nX: y"]


@pytest.mark.parametrize("target", EVIL)
def test_the_landing_is_not_the_callers_choice(office: Office, victim: Browser, target: str) -> None:
    """Neither in the first call, nor in the callback, nor in the form."""
    names = ("landing", "redirect", "redirect_uri", "next", "return_to", "url")
    extra = {name: target for name in names}
    answer = victim.call("POST", f"{LINK}?{urlencode(extra)}", {"workspace_name": office.host} | extra)
    url = answer.json()["authorizationUrl"]
    assert url.startswith(office.stack.jira_url + "/rest/oauth2/latest/authorize?")
    assert field(url, "redirect_uri") == f"{office.stack.origin}{CALLBACK}"
    form = arrive(victim, victim.jira(url, "mia") + "&" + urlencode(extra))
    assert urlsplit(form.action).netloc in ("", urlsplit(office.stack.origin).netloc)
    done = victim.submit(form, **extra)
    assert (done.status_code, done.headers["Location"]) == (302, "/settings/integrations")
    assert "X" not in done.headers


def test_forged_host_headers_change_no_address(office: Office, victim: Browser) -> None:
    """Host, X-Forwarded-Host, Forwarded: the callback address comes from the configuration."""
    evil = "evil.example.net"
    headers = {"Host": evil, "X-Forwarded-Host": evil, "Forwarded": f"host={evil}", "X-Original-Host": evil}
    answer = victim.call("POST", LINK, {"workspace_name": office.host}, headers=headers)
    assert evil not in answer.text
    if answer.status_code == 200:
        assert field(answer.json()["authorizationUrl"], "redirect_uri").startswith(office.stack.origin)


# --- requests from other sites -----------------------------------------------------------------


def cross(browser: Browser, method: str, path: str, site: str, **more: Any) -> requests.Response:
    """A request that another site's page makes, with all cookies as if SameSite did not exist."""
    return browser.send(method, path, site, navigates=False, headers={"Cookie": browser.jar()}, **more)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_csrf_on_the_confirmation(office: Office, victim: Browser, site: str) -> None:
    """The right fields, the right cookies, the wrong page."""
    form = arrive(victim, consent(office, victim, "mia"))
    refused(cross(victim, "POST", form.action, site, data=form.fields), 403)
    unlinked(office)


@pytest.mark.parametrize("header", ["Origin", "Sec-Fetch-Site"])
def test_csrf_on_the_confirmation_with_one_header_only(office: Office, victim: Browser, header: str) -> None:
    """Either header alone tells."""
    form = arrive(victim, consent(office, victim, "mia"))
    value = {"Origin": "https://evil.example.net", "Sec-Fetch-Site": "cross-site"}[header]
    blank = {"Origin": "", "Sec-Fetch-Site": ""} | {header: value}
    refused(victim.send("POST", form.action, "same-origin", navigates=True, data=form.fields, headers=blank), 403)
    for origin in ("null", office.stack.origin + ".evil.net", office.stack.origin.replace("https", "http")):
        sent = {"Origin": origin, "Sec-Fetch-Site": ""}
        answer = victim.send("POST", form.action, "same-origin", navigates=True, data=form.fields, headers=sent)
        refused(answer, 403)
    unlinked(office)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("call", ["link", "unlink", "status", "workspaces"])
def test_csrf_on_the_calls_of_the_screens(office: Office, victim: Browser, call: str, site: str) -> None:
    """Another site's page changes nothing, though all cookies are attached."""
    assert link(office, victim, "mia").status_code == 302
    states = office.states()
    admin = office.browser("olga")
    path = f"{JIRA_API}/workspaces" if call == "workspaces" else f"{JIRA_API}/workspaces/{call}"
    body = {"workspace_name": office.host, "is_active": False, "svc_acc_email": "openhands@example.com"}
    for browser in (victim, admin):
        refused(cross(browser, "POST", path, site, json=body), 403)
        refused(cross(browser, "POST", path, site, data=urlencode(body)), 403, 415, 422)
    assert linked(office, "mia") == [office.keys["mia"]]
    assert office.states() == states


def test_csrf_form_token_of_another_person(office: Office, victim: Browser, attacker: Browser) -> None:
    """Missing, empty, another's, expired, from the future, with another key: refused; the own one works."""
    form = arrive(victim, consent(office, victim, "mia"))
    name, now = token_field(form), int(time.time() * 1000)
    made = int(form.fields[name].split(".")[0])
    assert form.fields[name] == form_token(office, office.ids["mia"], made)
    good = form_token(office, office.ids["mia"], now)
    bad = [
        None,
        "",
        "x",
        form_token(office, office.ids["max"], now),
        form_token(office, office.ids["mia"], now - 3 * 3600 * 1000),
        form_token(office, office.ids["mia"], now + 3600 * 1000),
        form_token(office, office.ids["mia"], now, key=b"k" * 32),
        good.replace(str(now), str(now + 1)),
        good + "x",
    ]
    for token in bad:
        refused(victim.submit(form, **{name: token}), 400, 403)
        unlinked(office)


def token_field(form: Form) -> str:
    """The name of the field with the form's token: a time and a digest."""
    return next(n for n, v in form.fields.items() if "." in v and v.split(".")[0].isdigit())


def form_token(office: Office, user: str, at: int, key: bytes | None = None) -> str:
    """A form token as the services make it."""
    key = key or bytes.fromhex(office.stack.keys.read_text().split()[1])
    own = hmac.new(key, b"ohdc form token", hashlib.sha256).digest()
    digest = hmac.new(own, f"{at} {user}".encode(), hashlib.sha256).digest()
    return f"{at}." + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_clickjacking(office: Office, victim: Browser) -> None:
    """The confirmation cannot be framed, runs no foreign script, is not stored, tells no other site its address."""
    answer = victim.arrive(consent(office, victim, "mia"))
    headers = answer.headers
    assert headers["X-Frame-Options"] == "DENY"
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy and "default-src 'none'" in policy
    assert "unsafe" not in policy and "base-uri 'none'" in policy
    assert headers["Referrer-Policy"] in ("same-origin", "no-referrer")  # the code stays on our host
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "script" not in [tag for tag in Page(answer).tags] or "<script>" not in answer.text
    assert not [name for name in Page(answer).attributes if name.startswith("on")]


# --- the confirmation --------------------------------------------------------------------------


def test_confirmation_skipped(office: Office, victim: Browser) -> None:
    """The callback alone links nobody; neither does a GET of the confirmation."""
    form = arrive(victim, consent(office, victim, "mia"))
    unlinked(office)
    refused(victim.open(f"{form.action}?{urlencode(form.fields)}"))
    refused(victim.send("HEAD", form.action, "same-origin", navigates=True), 404, 405)
    unlinked(office)


def test_without_openhands_cookie_on_the_redirect(office: Office, victim: Browser) -> None:
    """A Strict cookie is absent when Jira sends the browser back: it works, as the confirmation asks again."""
    assert victim.cookies["keycloak_auth"].same_site == "Strict"
    before = len(office.stack.sims.ohe.calls(match="/users/me"))
    form = arrive(victim, consent(office, victim, "mia"))
    assert len(office.stack.sims.ohe.calls(match="/users/me")) <= before + 1
    assert victim.submit(form).status_code == 302
    assert linked(office, "mia") == [office.keys["mia"]]


def test_signed_out_at_the_confirmation(office: Office, victim: Browser) -> None:
    """Nothing is linked, the page says to sign in; afterwards the same confirmation still works."""
    form = arrive(victim, consent(office, victim, "mia"))
    session = victim.cookies["keycloak_auth"].value
    victim.sign_out()
    assert "sign in" in refused(victim.submit(form), 401).lower()
    unlinked(office)
    victim.sign_in(session)
    assert victim.submit(form).status_code == 302
    assert linked(office, "mia") == [office.keys["mia"]]


def test_another_person_signs_in_before_the_confirmation(office: Office, victim: Browser) -> None:
    """On a shared screen: the second person is not linked to the first one's account, nor is the first one any more."""
    form = arrive(victim, consent(office, victim, "mia"))
    first = victim.cookies["keycloak_auth"].value
    victim.sign_in(office.sessions["max"])
    refused(victim.submit(form))
    unlinked(office)
    victim.sign_in(first)
    victim.submit(form)
    assert linked(office, "max") == []


def test_another_person_with_a_token_of_its_own(office: Office, victim: Browser) -> None:
    """The second person's own form token does not help; the confirmation is used up by the attempt."""
    form = arrive(victim, consent(office, victim, "mia"))
    name = token_field(form)
    first = victim.cookies["keycloak_auth"].value
    victim.sign_in(office.sessions["max"])
    token = form_token(office, office.ids["max"], int(time.time() * 1000))
    refused(victim.submit(form, **{name: token}))
    victim.sign_in(first)
    refused(victim.submit(form))
    unlinked(office)


def test_a_moved_account_is_said_before(office: Office, victim: Browser, attacker: Browser) -> None:
    """Who proves an account that belongs to somebody else gets it only knowingly; without the proof nothing moves."""
    assert link(office, victim, "mia").status_code == 302
    answer = attacker.arrive(consent(office, attacker, "mia"))
    assert linked(office, "mia") == [office.keys["mia"]]
    assert "another" in Page(answer).text or "mia@example.com" in Page(answer).text
    assert attacker.submit(Page(answer).form(CONFIRM)).status_code == 302
    assert (linked(office, "mia"), linked(office, "max")) == ([], [office.keys["mia"]])


def test_denied_with_a_code_beside_it(office: Office, victim: Browser) -> None:
    """error wins: no exchange, nothing linked."""
    back = consent(office, victim, "mia")
    before = asked(office)
    refused(victim.arrive(back + "&error=access_denied"))
    assert asked(office) == before
    unlinked(office)


# --- injection ---------------------------------------------------------------------------------

MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{x}}&lt;"


def clean(answer: requests.Response) -> None:
    """No markup that came from outside is markup in the page."""
    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text
    assert not [name for name in Page(answer).attributes if name.startswith("on")]


@pytest.mark.parametrize("name", ["error", "error_description", "state", "code", "error_uri"])
def test_markup_in_the_callback(office: Office, victim: Browser, name: str) -> None:
    """Whatever is shown of the address is text."""
    state = field(begin(office, victim), "state")
    query = {"error": "access_denied", "state": state, name: MARKUP}
    answer = victim.arrive(f"{CALLBACK}?{urlencode(query)}")
    refused(answer)
    clean(answer)
    unlinked(office)


def test_markup_in_names(office: Office) -> None:
    """Display name at Jira, e-mail at OpenHands."""
    name = office.newcomer()
    sims = office.stack.sims
    sims.jira.add_user(name="eve", display=MARKUP, email="eve@example.com")
    browser = office.browser(name)
    answer = browser.arrive(consent(office, browser, "eve"))
    clean(answer)
    assert "<script>alert(1)</script>" in Page(answer).text or "eve" in Page(answer).text
    browser.submit(Page(answer).form(CONFIRM))
    own = browser.open("/integration/dc/link")
    clean(own)


def test_markup_in_jiras_refusal(office: Office, victim: Browser) -> None:
    """error_description of the token endpoint, and an HTML page of a proxy."""
    for body in ({"error": "invalid_grant", "error_description": MARKUP}, f"<html>{MARKUP}</html>"):
        office.stack.sims.jira.fault(match="^POST /rest/oauth2/latest/token", status=400, body=body)
        answer = victim.arrive(consent(office, victim, "mia"))
        refused(answer)
        clean(answer)
    unlinked(office)


@pytest.mark.parametrize("name", ["error", "error_description", "state", "code"])
def test_line_breaks_in_the_callback(office: Office, victim: Browser, name: str) -> None:
    """No header of the answer comes from the address, and no line of a log."""
    state = field(begin(office, victim), "state")
    forged_line = '\r\nSet-Cookie: evil=1\r\nLocation: https://evil.example.net\r\n\r\n{"level":"error","forged":1}'
    query = {"state": state, "code": "x", name: forged_line}
    answer = victim.arrive(f"{CALLBACK}?{urlencode(query)}")
    refused(answer, 400, 403, 502)
    assert "evil" not in str(answer.headers.values()) and "Location" not in answer.headers
    assert "evil" not in victim.cookies
    log = office.stack.programs["linker"].log.read_text()
    assert not [line for line in log.splitlines() if line.startswith('{"level":"error","forged"')]
    unlinked(office)


def test_line_breaks_in_a_token(office: Office, victim: Browser) -> None:
    """Jira's answer cannot put a header into our next call."""
    jira = office.stack.sims.jira
    body = {"access_token": "at-x\r\nX-Service-API-Key: stolen", "refresh_token": "rt", "expires_in": 3600}
    jira.fault(match="^POST /rest/oauth2/latest/token", status=200, body=body)
    refused(victim.arrive(consent(office, victim, "mia")), 400, 502)
    unlinked(office)


def test_line_breaks_in_the_host(office: Office, victim: Browser) -> None:
    """The workspace's name goes into no header."""
    body = {"workspace_name": f"{office.host}\r\nX-Evil: 1"}
    answer = victim.call("POST", LINK, body)
    refused(answer)
    assert "X-Evil" not in answer.headers
    assert office.states() == 0


# --- PKCE and tokens ---------------------------------------------------------------------------


def test_pkce_is_always_sent(office: Office, victim: Browser) -> None:
    """S256, another challenge each time; the verifier never leaves us before the exchange."""
    seen = set()
    for _ in range(3):
        url = begin(office, victim)
        assert field(url, "code_challenge_method") == "S256"
        seen.add(field(url, "code_challenge"))
    assert len(seen) == 3
    assert arrive(victim, victim.jira(url, "mia"))
    sent = parse_qs(office.stack.sims.jira.calls(match="oauth2/latest/token")[-1]["body"])
    assert challenge_of(sent["code_verifier"][0]) == field(url, "code_challenge")
    unlinked(office)


def test_pkce_downgrade(office: Office, victim: Browser) -> None:
    """The challenge is stripped from the address and Jira does not mind: the exchange still carries the verifier."""
    office.stack.sims.jira.oauth_configure(need_pkce=False)
    url = begin(office, victim)
    query = {k: v[0] for k, v in parse_qs(urlsplit(url).query).items() if not k.startswith("code_challenge")}
    back = victim.jira(url.split("?")[0] + "?" + urlencode(query), "mia")
    refused(victim.arrive(back))
    sent = parse_qs(office.stack.sims.jira.calls(match="oauth2/latest/token")[-1]["body"])
    assert len(sent["code_verifier"][0]) >= 43
    unlinked(office)


def test_a_code_that_came_too_late(office: Office, victim: Browser) -> None:
    """Jira's ten seconds are over: refused, the page says so, nothing linked."""
    office.stack.sims.jira.oauth_configure(code_seconds=-1)
    refused(victim.arrive(consent(office, victim, "mia")), 400)
    unlinked(office)


def test_the_token_belongs_to_somebody_else(office: Office, victim: Browser) -> None:
    """The confirmation names the account that the token really opens, and nothing is linked before it."""
    link(office, office.browser("adam"), "adam")
    (pair,) = office.stack.sims.jira.oauth_tokens(user="adam")
    body = {"access_token": pair["access"], "refresh_token": pair["refresh"], "token_type": "bearer", "expires_in": 60}
    office.stack.sims.jira.fault(match="^POST /rest/oauth2/latest/token", status=200, body=body)
    answer = victim.arrive(consent(office, victim, "mia"))
    assert answer.status_code == 200
    assert "Adam Example" in Page(answer).text and "Mia Example" not in Page(answer).text
    assert (linked(office, "mia"), linked(office, "adam")) == ([], [office.keys["adam"]])


@pytest.mark.parametrize(
    "body",
    [{}, {"access_token": ""}, {"access_token": 7}, {"access_token": None}, [], "token", {"error": "x"}, "<html>"],
    ids=str,
)
def test_a_token_answer_without_a_token(office: Office, victim: Browser, body: Any) -> None:
    """A 200 that says nothing: a page, no link, no call with an empty credential."""
    jira = office.stack.sims.jira
    jira.fault(match="^POST /rest/oauth2/latest/token", status=200, body=body)
    refused(victim.arrive(consent(office, victim, "mia")), 400, 502)
    unlinked(office)


@pytest.mark.parametrize("who", [{}, {"name": "mia"}, {"key": ""}, {"key": 7}, {"key": None}, []], ids=str)
def test_an_account_without_a_key(office: Office, victim: Browser, who: Any) -> None:
    """Nobody is linked to nothing, and never by name."""
    office.stack.sims.jira.fault(match="^GET /rest/api/2/myself", status=200, body=who)
    refused(victim.arrive(consent(office, victim, "mia")), 400, 502)
    unlinked(office)


def test_an_account_key_that_looks_unavailable(office: Office, victim: Browser) -> None:
    """A Jira user whose key imitates our placeholder of another person cannot take its place."""
    sims = office.stack.sims
    sims.jira.add_user(name="ghost", key=f"unavailable:{office.ids['adam']}", display="Ghost")
    answer = victim.arrive(consent(office, victim, "ghost"))
    if answer.status_code == 200:
        victim.submit(Page(answer).form(CONFIRM))
    assert linked(office, "adam") == []
    assert not any(key.startswith("unavailable:") for key in linked(office, "mia"))


def test_refresh_tokens_do_not_survive_unlinking(office: Office, victim: Browser, attacker: Browser) -> None:
    """Disconnect forgets the tokens; who links that account next gets fresh ones only."""
    assert link(office, victim, "mia").status_code == 302
    (before,) = office.links("mia")
    assert before["tokens_sealed"] is not None
    assert victim.call("POST", f"{JIRA_API}/workspaces/unlink", {}).status_code == 200
    (after,) = office.links("mia")
    assert (after["status"], after["tokens_sealed"]) == ("inactive", None)
    assert link(office, attacker, "max").status_code == 302
    assert linked(office, "mia") == []


def test_sealed_tokens_do_not_work_in_another_row(office: Office, victim: Browser, attacker: Browser) -> None:
    """Copied in the database from one person's row to another's they cannot be opened: no call is made with them."""
    link(office, victim, "mia")
    link(office, attacker, "max")
    keys = (office.keys["mia"], office.keys["max"])
    office.sql(
        f"update user_link set tokens_sealed = (select tokens_sealed from user_link where account_key = '{keys[0]}')"
        f" where account_key = '{keys[1]}'"
    )
    before = len(office.stack.sims.jira.calls())
    office.call("max", "GET", LINK)
    assert len(office.stack.sims.jira.calls()) == before


# --- OpenHands' identity -----------------------------------------------------------------------


def test_foreign_organisations(office: Office, victim: Browser) -> None:
    """X-Org-Id of another organisation, malformed, twice: nothing begins."""
    for value in (OTHER_ORG, "acme", f"{ORG}, {OTHER_ORG}", "../" + ORG):
        answer = victim.call("POST", LINK, {"workspace_name": office.host}, headers={"X-Org-Id": value})
        refused(answer)
    assert office.states() == 0


def test_the_organisation_is_what_openhands_says(office: Office, victim: Browser) -> None:
    """Members in the body or the query do not choose it, nor the person."""
    body = {"workspace_name": office.host, "org_id": OTHER_ORG, "user_id": office.ids["olga"], "email": "o@x.co"}
    url = victim.call("POST", f"{LINK}?user_id={office.ids['olga']}", body).json()["authorizationUrl"]
    form = arrive(victim, victim.jira(url, "mia"))
    victim.submit(form, user_id=office.ids["olga"], org_id=OTHER_ORG, account_key=office.keys["olga"])
    assert linked(office, "olga") == []
    assert linked(office, "mia") == [office.keys["mia"]]
    assert [str(row["org_id"]) for row in office.links("mia")] == [ORG]


def test_a_key_and_a_cookie_of_different_people(office: Office, victim: Browser) -> None:
    """Who OpenHands says it is began; the cached answer of one credential never serves another."""
    key = office.stack.sims.ohe.add_key(identity=office.ids["max"], org=ORG)
    victim.call("GET", LINK)
    answer = victim.call("POST", LINK, {"workspace_name": office.host}, headers={"Authorization": f"Bearer {key}"})
    form = arrive(victim, victim.jira(answer.json()["authorizationUrl"], "mia"))
    refused(victim.submit(form))
    unlinked(office)


def test_an_ended_session_ends_here(office: Office) -> None:
    """Signed out at OpenHands: within the 20 s of memory at most nothing but reading; a new credential is asked."""
    name = office.newcomer()
    browser = office.browser(name)
    office.stack.sims.ohe.sign_out(session=office.sessions[name])
    answer = browser.call("POST", LINK, {"workspace_name": office.host})
    assert (answer.status_code, answer.json()) == (401, {"error": "NoCredentialsError"})
    assert office.states() == 0


# --- sizes and methods -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["code", "state", "error", "error_description"])
@pytest.mark.parametrize("size", [4_000, 60_000, 1_000_000])
def test_long_inputs_in_the_callback(office: Office, victim: Browser, name: str, size: int) -> None:
    """A refusal of bounded size, or the door."""
    state = field(begin(office, victim), "state")
    query = {"state": state, "code": "x", name: "A" * size}
    try:
        answer = victim.arrive(f"{CALLBACK}?{urlencode(query)}")
        refused(answer, 400, 403, 414, 431, 413, 502)
        assert len(answer.content) < 64_000
    except requests.ConnectionError:
        assert size > 4_000
    unlinked(office)


def test_long_bodies(office: Office, victim: Browser) -> None:
    """Host names and forms of a megabyte: 413 or 422."""
    form = arrive(victim, consent(office, victim, "mia"))
    for size in (5_000, 1_000_000):
        refused(victim.call("POST", LINK, {"workspace_name": "a" * size}), 413, 422)
        for name in form.fields:
            refused(victim.submit(form, **{name: "A" * size}), 400, 403, 413)
    unlinked(office)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_the_callback_is_a_get(office: Office, victim: Browser, method: str) -> None:
    """A form_post of another site does not end a flow."""
    back = consent(office, victim, "mia")
    before = asked(office)
    refused(cross(victim, method, back, "cross-site", data=urlsplit(back).query), 404, 405)
    assert asked(office) == before
    unlinked(office)


def test_the_callback_by_a_script_of_another_site(office: Office, victim: Browser) -> None:
    """fetch() with the state of a flow that the victim has open elsewhere: no cookie goes along, nothing happens."""
    back = consent(office, victim, "mia")
    refused(victim.call("GET", back, site="cross-site"))
    unlinked(office)


def test_paths_that_only_look_like_the_callback(office: Office, victim: Browser) -> None:
    """Encoded slashes, dots and case lead nowhere."""
    query = urlsplit(consent(office, victim, "mia")).query
    port = office.stack.programs["linker"].http
    odd = ["/integration/jira-dc/callback/", "/integration/jira-dc/%63allback/x", "/integration/jira-dc/Callback"]
    odd += ["/integration/jira-dc/callback;a", "/integration%2fjira-dc%2fcallback", "/" + quote(CALLBACK, "")]
    for text in odd:
        answer = victim.http.get(
            f"http://127.0.0.1:{port}{text}?{query}", headers={"Cookie": victim.jar()}, allow_redirects=False
        )
        refused(answer, 400, 404)
    unlinked(office)


def test_nothing_of_a_flow_is_in_a_log(office: Office, victim: Browser) -> None:
    """State, code, cookie, verifier, tokens, form token: in no log line of any program."""
    url = begin(office, victim)
    back = victim.jira(url, "mia")
    form = arrive(victim, back)
    victim.submit(form)
    sent = parse_qs(office.stack.sims.jira.calls(match="oauth2/latest/token")[-1]["body"])
    pair = office.stack.sims.jira.oauth_tokens(user="mia")[-1]
    texts = [field(url, "state"), field(back, "code"), sent["code_verifier"][0], victim.cookies[COOKIE].value]
    texts += [*pair.values(), *form.fields.values(), victim.cookies["keycloak_auth"].value]
    for program in office.stack.programs.values():
        log = program.log.read_text()
        assert [text for text in texts if text and text in log] == [], program.name
