"""Our pages' forms against everybody who should not send them, and the secret that is shown once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.connect.browser import Browser, Form, Page
from tests.connect.office import ORG, OTHER_ORG, Office, open_office
from tests.e2e.stack import Stack

SETTINGS = {"JIRA_DC_ENABLE_OAUTH": "0"}
DC = "/integration/dc/"
FORMS = {
    "jira": {"mode": "auto", "admin_pat": "admin-pat"},
    "jira/pause": {},
    "jira/resume": {},
    "jira/rotate": {},
    "jira/remove": {"sure": "yes"},
    "access/add": {"effect": "deny", "kind": "project", "value": "PROJ"},
    "access/remove": {"rule": "1"},
    "access/map": {"project": "PROJ", "org": OTHER_ORG},
    "access/unmap": {"project": "PROJ"},
    "repositories/install": {"repository": "PROJ/web", "bitbucket_token": "bb-olga"},
    "repositories/uninstall": {"repository": "PROJ/web", "bitbucket_token": "bb-olga"},
    "repositories/list": {"bitbucket_token": "bb-olga"},
}


@pytest.fixture(scope="module")
def opened(stack: Stack) -> Office:
    """An office with a Jira that olga owns."""
    office = open_office(stack)
    office.set_up()
    return office


@pytest.fixture
def office(opened: Office) -> Iterator[Office]:
    """The office; no peer may have seen a forbidden call."""
    yield opened
    assert [text for remote in opened.stack.sims.remotes() for text in remote.forgive()] == []


def token_of(browser: Browser, path: str = "access") -> str:
    """The token in the forms of a page."""
    forms = Page(browser.open(DC + path)).forms
    return next(form.fields["token"] for form in forms if "token" in form.fields)


def everything(office: Office) -> list[Any]:
    """What forms can change, here and at Jira."""
    rows = "select status, secret_sealed, secret_next_sealed, updated_at from connection order by id"
    return [
        office.stack.rows(rows),
        office.stack.rows("select * from access_rule"),
        office.stack.rows("select * from org_map"),
        office.stack.sims.jira.hooks_now(),
        office.links(),
    ]


def form_of(office: Office, path: str, **more: str) -> Form:
    """A form as a page of ours has it."""
    instance = str(office.connections()[0]["instance_id"])
    return Form(DC + path, "post", {"instance": instance, "host": office.stack.jira_url} | FORMS[path] | more)


@pytest.mark.parametrize("path", FORMS)
def test_forms_refuse_who_should_not_send_them(office: Office, path: str) -> None:
    """No token, another's, an altered one; another site, a subdomain; nobody, a guest: refused, nothing changes."""
    before = everything(office)
    olga, adam, gus = office.browser("olga"), office.browser("adam"), office.browser("gus")
    good = token_of(olga)
    form = form_of(office, path, token=good)
    gus_token = Page(gus.open(DC)).text  # a guest's page has no form, so no token of their own
    assert good not in gus_token
    answers = {
        "no token": olga.submit(form, token=None),
        "empty token": olga.submit(form, token=""),
        "another's token": olga.submit(form, token=token_of(adam)),
        "altered token": olga.submit(form, token=good[:-1] + ("A" if good[-1] != "A" else "B")),
        "another site": olga.submit(form, site="cross-site"),
        "a subdomain": olga.submit(form, site="same-site"),
        "the token of olga sent by gus": gus.submit(form),
        "nobody": office.browser().submit(form),
    }
    assert {why: answer.status_code for why, answer in answers.items()} == dict.fromkeys(answers, 403) | {
        "another site": 401,  # a Strict cookie stays behind
        "nobody": 401,
    }
    lax = Browser(office.stack, office.sessions["olga"], strict=False)
    assert lax.submit(form, site="same-site").status_code == 403
    assert everything(office) == before
    for answer in answers.values():
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "admin-pat" not in answer.text
        assert "bb-olga" not in answer.text


@pytest.mark.parametrize("path", [path for path in FORMS if "/" in path])
def test_forms_do_nothing_when_they_are_only_opened(office: Office, path: str) -> None:
    """A GET of a form's address leads to the page that has the form."""
    before = everything(office)
    answer = office.browser("olga").open(DC + path)
    assert (answer.status_code, answer.headers["Location"]) == (303, DC + path.split("/", maxsplit=1)[0])
    assert everything(office) == before


@pytest.mark.parametrize("path", ["jira/pause", "jira/rotate", "jira/remove", "jira"])
def test_another_admin_may_not_change_the_owners_connection(office: Office, path: str) -> None:
    """With the permission but not the owner: refused with the contract's words; their own page has no such form."""
    before = everything(office)
    adam = office.browser("adam")
    page = Page(adam.open(DC + "jira"))
    assert [form.action for form in page.forms if form.action.startswith(DC + "jira/")] == []
    answer = adam.submit(form_of(office, path, token=token_of(adam)))
    assert answer.status_code in (403, 404), answer.text
    assert everything(office)[0] == before[0]
    assert everything(office)[3] == before[3]


def test_members_may_install_but_not_connect(office: Office) -> None:
    """manage_integrations alone: repositories and health, no Jira, no rules."""
    mia = office.browser("mia")
    for path, found in (("repositories", True), ("health", True), ("jira", False), ("access", False)):
        page = Page(mia.open(DC + path))
        assert ("This is set up by an administrator" not in page.text) == found, path
    token = token_of(mia, "repositories")
    before = everything(office)
    for path in ("jira", "jira/pause", "access/add", "access/map"):
        assert mia.submit(form_of(office, path, token=token)).status_code == 403
    assert everything(office) == before


def test_health_as_json_asks_who_calls(office: Office) -> None:
    """401 without a session, 403 without the permission, no connection of another organisation, never a secret."""
    path = DC + "health/status"
    assert office.browser().call("GET", path).json() == {"error": "NoCredentialsError"}
    assert office.browser("gus").call("GET", path).status_code == 403
    answer = office.call("olga", "GET", path)
    (seen,) = answer.json()["connections"]
    assert seen["name"] == f"jira/{office.connections()[0]['id']}"
    assert not any("secret" in key and isinstance(value, str) for key, value in seen.items())
    office.stack.sims.ohe.set_role(identity=office.ids["max"], org=OTHER_ORG, role="owner", name="Other")
    other = office.stack.sims.ohe.sign_in(identity=office.ids["max"], org=OTHER_ORG)
    stranger = Browser(office.stack, other)
    assert len(stranger.call("GET", path).json()["connections"]) == 1
    office.sql(f"update connection set org_id = '{ORG}' where provider = 'jira'")
    assert stranger.call("GET", path).json() == {"connections": []}
    office.sql("update connection set org_id = null where provider = 'jira'")


def test_what_came_from_outside_is_text(office: Office) -> None:
    """A reason of Jira's with markup, a search with markup, an unknown word for what was done."""
    bad = "<script>alert(1)</script>\"'><img src=x>"
    quoted = bad.replace("'", "''")
    office.sql(f"update connection set hook_error = '{quoted}' where provider = 'jira'")
    olga = office.browser("olga")
    for path in ("jira", "health", "repositories?q=%3Cscript%3Ealert(1)%3C/script%3E", "?done=%3Cscript%3E"):
        answer = olga.open(DC + path)
        assert "<script>" not in answer.text, path
        assert "<img src=x" not in answer.text, path
    assert bad in Page(olga.open(DC + "health")).text
    office.sql("update connection set hook_error = null")


def make_pending(office: Office) -> Browser:
    """Olga sets Jira up by hand on our page, the details not looked at yet."""
    office.forget()
    olga = office.browser("olga")
    answer = olga.submit(form_of_new(office, olga))
    assert (answer.status_code, answer.headers["Location"]) == (303, DC + "jira/webhook")
    return olga


def form_of_new(office: Office, browser: Browser) -> Form:
    """The setup form, manual."""
    return Form(DC + "jira", "post", {"mode": "manual", "token": token_of(browser)})


def shows_secret(answer: requests.Response) -> bool:
    """Whether the page has the secret."""
    assert answer.status_code == 200, answer.text
    return 'id="webhook-secret"' in answer.text


def test_the_secret_is_shown_to_one_of_many(office: Office) -> None:
    """Eight windows at the same moment: one has it."""
    olga = make_pending(office)
    answers: list[requests.Response] = []

    def look() -> None:
        answers.append(office.browser("olga").open(DC + "jira/webhook"))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(map(shows_secret, answers)) == [False] * 7 + [True]
    assert not shows_secret(olga.open(DC + "jira/webhook"))


def test_the_secret_waits_for_a_person(office: Office) -> None:
    """Links of other sites, prefetching and other admins do not use it up."""
    olga = make_pending(office)
    page = DC + "jira/webhook"
    lax = Browser(office.stack, office.sessions["olga"], strict=False)
    led = lax.arrive(page)
    assert not shows_secret(led)
    assert "Show the secret once" in led.text
    assert not shows_secret(olga.open(page, headers={"Sec-Purpose": "prefetch"}))
    assert not shows_secret(office.browser("adam").open(page))
    assert office.browser("mia").open(page).text.count("webhook-secret") == 0
    assert shows_secret(olga.open(page))


def test_jira_pages_are_away_where_jira_is_off(office: Office) -> None:
    """ENABLE_JIRA_DC off: no page, no form, no entry in the navigation; the rest stays."""
    before = everything(office)
    with office.variant("installer", ENABLE_JIRA_DC="0"):
        olga = office.browser("olga")
        for path in ("jira", "jira/webhook", "jira/pause"):
            assert olga.open(DC + path).status_code == 404
        home = olga.open(DC)
        assert home.status_code == 200
        assert f'href="{DC}jira"' not in home.text
        token = token_of(olga)
        for path in ("jira", "jira/pause", "jira/remove"):
            assert olga.submit(form_of(office, path, token=token)).status_code == 404
    assert everything(office) == before
