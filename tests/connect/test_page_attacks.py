"""Attacks on our own pages: forms of other sites or people, markup in names, secrets shown twice; none succeeds."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from tests.connect.browser import Browser, Form, Page
from tests.connect.office import BITBUCKET_API, JIRA_API, ORG, PROVIDER, Office, open_office
from tests.e2e.stack import Stack

pytestmark = pytest.mark.usefixtures("tidy")
PAGES = ["", "jira", "jira/webhook", "repositories", "access", "health", "link"]
TABLES = ("connection", "instance", "access_rule", "org_map", "user_link")
MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{x}}&lt;"


@pytest.fixture(scope="module")
def office(stack: Stack) -> Office:
    """Olga has set up Jira and a repository, a rule and a map: every form is on its page."""
    made = open_office(stack)
    sims = stack.sims
    for name in ("olga", "adam", "mia"):
        sims.bitbucket.add_user(name=name, token=f"bb-of-{name}")
        sims.ohe.set_provider_token(identity=made.ids[name], provider=PROVIDER, token=f"bb-of-{name}")
        stack.secrets.append(f"bb-of-{name}")
    rights = {"olga": "REPO_ADMIN", "adam": "REPO_ADMIN", "mia": "REPO_WRITE", "openhands": "REPO_WRITE"}
    sims.bitbucket.add_repo(key="PROJ", slug="web", rights=rights)
    resource = {"resource": {"project_key": "PROJ", "repo_slug": "web"}}
    assert made.call("olga", "POST", f"{BITBUCKET_API}/reinstall-webhook", resource).json()["success"]
    body = {"workspace_name": made.host, "svc_acc_email": "openhands@example.com", "is_active": False}
    answer = made.call("olga", "POST", f"{JIRA_API}/workspaces", body)
    assert answer.status_code == 200, answer.text
    made.sql(
        "insert into access_rule (instance_id, effect, kind, value) select id, 'deny', 'project', 'X' from instance",
        "insert into org_map (provider, instance_id, project_key, org_id)"
        f" select provider, id, 'P', '{ORG}' from instance",
        "insert into user_link (instance_id, account_key, account_name, user_id, method)"
        f" select id, '{made.keys['olga']}', 'olga', '{made.ids['olga']}', 'oauth' from instance"
        " where provider = 'jira'",
    )
    return made


@pytest.fixture
def tidy(office: Office) -> Iterator[None]:
    """No peer saw a forbidden call; everything still lives."""
    yield
    office.stack.sims.settle()
    for program in office.stack.programs.values():
        assert program.process and program.process.poll() is None, program.name


def state(office: Office) -> dict[str, Any]:
    """Everything that a form could change: tables, and hooks at the products."""
    found: dict[str, Any] = {
        table: office.stack.rows(f"select to_jsonb(t) as row from {table} t order by t::text") for table in TABLES
    }
    found["jira"] = office.stack.sims.jira.hooks_now()
    found["bitbucket"] = office.stack.sims.bitbucket.hooks_of(repo="PROJ/web")
    return found


def forms(browser: Browser) -> list[Form]:
    """Every form of every page that changes something."""
    found: dict[str, Form] = {}
    for path in PAGES:
        answer = browser.open(f"/integration/dc/{path}")
        assert answer.status_code == 200, (path, answer.text)
        for form in Page(answer).forms:
            if form.method == "post":
                found.setdefault(form.action, form)
    return list(found.values())


def token_of(form: Form) -> str:
    """The name of the field with the form's token."""
    return next(n for n, v in form.fields.items() if "." in v and v.split(".")[0].isdigit())


def token(office: Office, who: str, at: float) -> str:
    """A form token as the services make it."""
    key = bytes.fromhex(office.stack.keys.read_text().split()[1])
    own = hmac.new(key, b"ohdc form token", hashlib.sha256).digest()
    digest = hmac.new(own, f"{int(at * 1000)} {office.ids[who]}".encode(), hashlib.sha256).digest()
    return f"{int(at * 1000)}." + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def filled(form: Form) -> Form:
    """With something in each field, so that an accepted form would change something."""
    typed = {"mode": "manual", "kind": "project", "effect": "deny", "value": "EVIL", "admin_pat": "admin-pat"}
    return Form(form.action, form.method, {n: v or typed.get(n, "EVIL") for n, v in form.fields.items()})


def test_every_form_is_known(office: Office) -> None:
    """The suite below looks at all of them: set-up, switch, new secret, removal, repositories, rules, maps, account."""
    actions = {form.action.removeprefix("/integration/dc/") for form in forms(office.browser("olga"))}
    wanted = {"repositories/install", "access/add", "access/remove", "access/map", "access/unmap"}
    assert wanted <= actions, actions
    assert any(action.startswith("jira") for action in actions)
    assert any(action.startswith("link") for action in actions)


WAYS = ["cross-site", "same-site", "no-token", "empty", "garbled", "foreign", "expired", "future", "in-the-query"]


@pytest.mark.parametrize("way", WAYS)
def test_forged_forms_change_nothing(office: Office, way: str) -> None:
    """By another site with all cookies; with no, another's or an old token; with the token in the address."""
    browser, now = office.browser("olga"), time.time()
    before = state(office)
    for form in map(filled, forms(browser)):
        name, site, action = token_of(form), "same-origin", form.action
        if way in ("cross-site", "same-site"):
            site = way
        tokens = {
            "no-token": None,
            "empty": "",
            "garbled": form.fields[name][:-1] + "!",
            "foreign": token(office, "adam", now),
            "expired": token(office, "olga", now - 7300),
            "future": token(office, "olga", now + 3600),
            "in-the-query": None,
        }
        fields = dict(form.fields)
        if way in tokens:
            fields.pop(name)
            fields |= {name: tokens[way]} if tokens[way] is not None else {}
        if way == "in-the-query":
            action += "?" + urlencode({name: form.fields[name]})
        cookies = {"Cookie": browser.jar()}
        answer = browser.send("POST", action, site, navigates=True, data=fields, headers=cookies)
        assert answer.status_code in (400, 403), (form.action, answer.status_code, answer.text)
        assert state(office) == before, form.action


def test_forms_by_get_or_json_change_nothing(office: Office) -> None:
    """A link with the right fields, a JSON body, a text body."""
    browser = office.browser("olga")
    before = state(office)
    for form in map(filled, forms(browser)):
        browser.open(f"{form.action}?{urlencode(form.fields)}")
        browser.call("POST", form.action, form.fields)
        browser.send(
            "POST",
            form.action,
            "same-origin",
            navigates=True,
            data=urlencode(form.fields),
            headers={"Content-Type": "text/plain"},
        )
        assert state(office) == before, form.action


@pytest.mark.parametrize("who", ["mia", "gus", None])
def test_members_and_strangers_cannot_send_admins_forms(office: Office, who: str | None) -> None:
    """With a token of their own."""
    before = state(office)
    for form in map(filled, forms(office.browser("olga"))):
        if "/link" in form.action:
            continue
        fields = form.fields | ({token_of(form): token(office, who, time.time())} if who else {})
        answer = office.browser(who).submit(Form(form.action, "post", fields))
        if who == "mia" and "repositories" in form.action:
            assert answer.status_code in (200, 303, 403)  # members may try: Bitbucket decides
        else:
            assert answer.status_code in (401, 403), (form.action, answer.text)
        assert state(office) == before, form.action


@pytest.mark.parametrize("who", ["mia", "gus", None])
def test_members_and_strangers_see_no_set_up(office: Office, who: str | None) -> None:
    """No form of an admin, no secret, no address of a hook."""
    (row,) = office.connections()
    for path in ("jira", "jira/webhook", "access"):
        answer = office.browser(who).open(f"/integration/dc/{path}")
        page = Page(answer)
        assert not [form for form in page.forms if form.method == "post"], path
        assert f"/connections/{row['id']}/events" not in answer.text
        assert (answer.status_code == 401) == (who is None)


def test_the_secret_shows_once(office: Office) -> None:
    """Not to other admins, not to other sites' links, not twice, not to twenty at once."""
    path = "/integration/dc/jira/webhook"
    office.sql("update connection set secret_shown_at = null, status = 'pending' where provider = 'jira'")

    def secrets(answer: requests.Response) -> list[str]:
        parts = answer.text.split('id="webhook-secret">')
        return [part.split("<")[0] for part in parts[1:]]

    assert secrets(office.browser("adam").open(path)) == []
    assert secrets(office.browser("olga").send("HEAD", path, "same-origin", navigates=True)) == []
    crossing = office.browser("olga").send(
        "GET", path, "cross-site", navigates=True, headers={"Cookie": office.browser("olga").jar()}
    )
    assert secrets(crossing) == []
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: office.browser("olga").open(path), range(20)))
    shown = [secret for answer in answers for secret in secrets(answer)]
    assert len(shown) == 1, [answer.status_code for answer in answers]
    office.stack.secrets += shown
    assert all(answer.headers["Cache-Control"] == "no-store" for answer in answers)
    assert secrets(office.browser("olga").open(path)) == []


@pytest.mark.parametrize("path", [*PAGES, "no-such-page", "link/confirm", "assets/no-such-file"])
def test_headers_of_every_answer(office: Office, path: str) -> None:
    """For everybody, also where there is nothing: no frame, no sniffing, no cache, no other origin."""
    for who in ("olga", "mia", None):
        headers = {"Origin": "https://evil.example.net"}
        answer = office.browser(who).open(f"/integration/dc/{path}", headers=headers)
        assert "Access-Control-Allow-Origin" not in answer.headers
        if answer.status_code == 405:
            continue
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        if answer.headers["Content-Type"].startswith("text/html"):
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy and answer.headers["X-Frame-Options"] == "DENY"
            assert "style" not in Page(answer).attributes
            assert "<script>" not in answer.text and "<style" not in answer.text


def clean(answer: requests.Response) -> None:
    """No markup from outside is markup in the page."""
    assert "<script>alert" not in answer.text and "<img src=x" not in answer.text, answer.text
    assert not [name for name in Page(answer).attributes if name.startswith("on")]


def test_markup_that_is_stored(office: Office) -> None:
    """Reasons, addresses, rules, names of repositories and people: shown as they are."""
    before = office.connections()[0]
    quoted = MARKUP.replace("'", "''")
    office.sql(
        f"update connection set hook_error = '{quoted}', svc_email = '{quoted}'",
        "insert into access_rule (instance_id, effect, kind, value)"
        f" select id, 'allow', 'user', '{quoted}' from instance",
    )
    sims = office.stack.sims
    ids = sims.ohe.add_person(email=MARKUP)
    sims.ohe.set_role(identity=ids, org=ORG, role="owner", name=MARKUP)
    eve = Browser(office.stack, sims.ohe.sign_in(identity=ids, org=ORG))
    try:
        for browser in (office.browser("olga"), eve):
            for path in PAGES:
                clean(browser.open(f"/integration/dc/{path}"))
        health = office.browser("olga").open("/integration/dc/health/status")
        assert health.headers["Content-Type"].startswith("application/json") or health.status_code >= 400
    finally:
        email = before["svc_email"] or ""
        office.sql(
            "delete from access_rule where effect = 'allow'",
            f"update connection set hook_error = null, svc_email = nullif('{email}', '')",
        )


def test_markup_that_is_typed(office: Office) -> None:
    """In every query parameter and every field: the page that comes back shows it as text."""
    browser = office.browser("olga")
    for path in PAGES:
        query = urlencode(dict.fromkeys(("q", "start", "done", "host", "mode", "connection", "error", "x"), MARKUP))
        clean(browser.open(f"/integration/dc/{path}?{query}"))
    before = state(office)
    for form in forms(browser):
        if "remove" in form.action or "unmap" in form.action or "link" in form.action:
            continue
        name = token_of(form)
        fields = {n: MARKUP for n in form.fields if n != name} | {name: form.fields[name]}
        clean(browser.submit(Form(form.action, "post", fields)))
    office.sql("delete from access_rule where value like '%script%'", "delete from org_map where project_key <> 'P'")
    after = state(office)
    assert all(after[name] == before[name] for name in after if name != "connection")


def test_markup_in_the_products_words(office: Office) -> None:
    """What Bitbucket and Jira say when they refuse."""
    words = {"errors": [{"context": None, "message": MARKUP, "exceptionName": None}], "errorMessages": [MARKUP]}
    sims = office.stack.sims
    sims.bitbucket.fault(match="/webhooks", times=-1, status=409, body=words)
    sims.jira.fault(match="/rest/", times=-1, status=400, body=words)
    browser = office.browser("olga")
    for form in map(filled, forms(browser)):
        if form.action.endswith(("repositories/install", "dc/jira")):
            clean(browser.submit(form))
    for path in PAGES:
        clean(browser.open(f"/integration/dc/{path}"))


def test_redirects_stay_at_home(office: Office) -> None:
    """Where a form leads is not for its sender to say."""
    browser = office.browser("olga")
    evil = dict.fromkeys(("next", "back", "return_to", "landing", "redirect", "url"), "https://evil.example.net/")
    for form in forms(browser):
        if "remove" in form.action or "unmap" in form.action or "link" in form.action:
            continue
        answer = browser.submit(Form(f"{form.action}?{urlencode(evil)}", "post", form.fields | evil))
        assert "evil.example.net" not in answer.headers.get("Location", "")
        assert "evil.example.net" not in answer.text.replace("&#x2F;", "/")


@pytest.mark.parametrize("piece", ["../../etc/passwd", "%2e%2e%2fmain.c", "..%2f..%2f", "x.css%00.html", "a" * 3000])
def test_assets_are_a_list_not_a_folder(office: Office, piece: str) -> None:
    """A name that is not in it is not there."""
    for base in ("/integration/dc/assets", "/integration/dc/link/assets"):
        service = "linker" if "link" in base else "installer"
        url = f"http://127.0.0.1:{office.stack.programs[service].http}{base}/{piece}"
        answer = requests.get(url, timeout=10, allow_redirects=False)
        assert answer.status_code in (400, 401, 404, 414, 431), answer.text
        assert "root:" not in answer.text


def test_long_and_odd_forms(office: Office) -> None:
    """Megabytes, thousands of fields, fields twice, bytes that are no text: refused, nothing changed."""
    browser = office.browser("olga")
    before = state(office)
    form = next(f for f in forms(browser) if f.action.endswith("access/add"))
    name = token_of(form)
    bodies = [
        urlencode(form.fields | {"value": "A" * 1_000_000}),
        urlencode(form.fields) + "&x=1" * 5000,
        urlencode(form.fields | {"value": "A" * 5000, "kind": "project", "effect": "deny"}),
        urlencode(form.fields | {"kind": "project", "effect": "deny"}) + "&value=%ff%fe",
        urlencode({name: form.fields[name]}) + "&" + urlencode({name: "x"}),
        "%%%", "=&=&=", json.dumps(form.fields),
    ]  # fmt: skip
    for body in bodies:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = browser.send("POST", form.action, "same-origin", navigates=True, data=body, headers=headers)
        assert answer.status_code < 500, (body[:60], answer.text)
        after = state(office)
        # an earlier test's new secret may just be retired in the background
        assert all(after[name] == before[name] for name in after if name != "connection"), body[:60]
