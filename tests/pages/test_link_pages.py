"""Linking a Jira account in a real browser: account page, consent in Jira, confirmation, what to do when it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.connect.office import Office
from tests.pages.desk import HOME, HOST, Desk
from tests.sim.front import Front

Sit = Callable[..., Desk]
SETTINGS_PAGE = f"https://{HOST}/settings/integrations"


@pytest.fixture(scope="module")
def linkable(office: Office) -> Office:
    """Jira is connected."""
    office.stack.connect("jira", "--base-url", office.stack.jira_url)
    return office


@pytest.fixture
def name(linkable: Office) -> str:
    """Somebody new."""
    return linkable.newcomer()


def to_jira(window: Desk) -> Page:
    """From the account page to Jira's consent, without a click on the page between."""
    page = window.open("link")
    page.get_by_role("button", name="Link account").click()
    page.wait_for_url("http://127.0.0.1:*/**")
    expect(page.get_by_role("heading", name="OpenHands wants access to Jira")).to_be_visible()
    return page


def to_confirmation(window: Desk, name: str) -> Page:
    """Allowed in Jira."""
    page = to_jira(window)
    page.locator(f"#allow-{name}").click()
    expect(page.get_by_role("heading", name="Link your Jira account?")).to_be_visible()
    return page


def test_nothing_to_link_to(desk: Sit, office: Office) -> None:
    """Before Jira is connected: members are told whom to ask, admins where to go. First of the module."""
    assert office.connections() == []
    window = desk("mia")
    page = window.open("link")
    expect(page.get_by_text("Ask an admin to configure Jira Data Center.")).to_be_visible()
    expect(page.locator("form")).to_have_count(0)
    window.check("link-nothing-member")
    admin = desk("olga")
    page = admin.open("link")
    expect(page.get_by_role("link", name="Set up Jira")).to_have_attribute("href", "/integration/dc/jira")
    admin.check("link-nothing-admin")


def test_link_and_disconnect(desk: Sit, linkable: Office, name: str) -> None:
    """The whole way: OpenHands' own cookie is Strict and stays away on the way back, the confirmation has it."""
    window = desk(name)
    page = window.open("link")
    window.check("link-account")
    page = to_confirmation(window, name)
    assert f"Link Jira account {name.title()} Example to OpenHands account {name}@example.com?" in window.text()
    assert linkable.links(name) == []
    window.check("link-confirm")
    page.get_by_role("button", name="Link account").click()
    expect(page).to_have_url(f"{HOME}link?done=linked")
    expect(page.get_by_role("status")).to_have_text("Your Jira account is linked.")
    window.check("link-linked")
    page.get_by_text("Disconnect", exact=True).click()
    window.check("link-disconnect")
    page.get_by_role("button", name="Yes, disconnect").click()
    expect(page.get_by_role("status")).to_have_text("Your Jira account is disconnected.")
    assert [row["status"] for row in linkable.links(name)] == ["inactive"]


def test_link_from_openhands_settings(desk: Sit, linkable: Office, name: str) -> None:
    """Connect on OpenHands' screen: to Jira, back to our question, and from it to that screen again."""
    window = desk(name)
    page = window.page
    host = urlsplit(linkable.stack.jira_url).netloc
    page.goto(f"{SETTINGS_PAGE}?oauth=1&host={host}&managed=openhands@example.com")
    page.get_by_role("button", name="Connect", exact=True).click()
    page.wait_for_url("http://127.0.0.1:*/**")
    page.locator(f"#allow-{name}").click()
    page.get_by_role("button", name="Link account").click()
    expect(page).to_have_url(SETTINGS_PAGE)
    assert [row["status"] for row in linkable.links(name)] == ["active"]


def test_confirmation_by_keyboard(desk: Sit, linkable: Office, name: str) -> None:
    """The first stop in the page is yes, the second no."""
    window = desk(name)
    page = to_confirmation(window, name)
    page.locator("main").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Link account")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Nothing was linked.")
    assert linkable.links(name) == []


def test_denied(desk: Sit, linkable: Office, name: str) -> None:
    """A plain page that says how to go on."""
    window = desk(name)
    page = to_jira(window)
    page.locator("#deny").click()
    expect(page.get_by_role("alert")).to_contain_text("Jira did not give access: access_denied")
    window.check("link-denied")
    page.get_by_role("link", name="Go to your account page").click()
    expect(page.get_by_role("button", name="Link account")).to_be_visible()


def test_signed_out_meanwhile(desk: Sit, linkable: Office, name: str) -> None:
    """Nothing is lost: sign in, press Try again."""
    window = desk(name)
    page = to_confirmation(window, name)
    window.context.clear_cookies(name="keycloak_auth")
    page.get_by_role("button", name="Link account").click()
    expect(page.get_by_role("heading", name="Sign in first")).to_be_visible()
    window.check("link-signed-out")
    other = window.context.new_page()
    other.goto(f"https://{HOST}/_front/sign-in?session={linkable.sessions[name]}&to=/settings/integrations")
    other.close()
    page.get_by_role("button", name="Try again").click()
    expect(page).to_have_url(f"{HOME}link?done=linked")


def test_accounts_that_change_hands(desk: Sit, linkable: Office, name: str) -> None:
    """The confirmation says what else changes."""
    other = linkable.newcomer()
    for user in (name, other):
        page = to_confirmation(desk(user), user)
        page.get_by_role("button", name="Link account").click()
        page.wait_for_url(f"{HOME}link?done=linked")
    window = desk(name)
    page = window.open("link")
    page.get_by_role("button", name="Link account").click()
    page.wait_for_url("http://127.0.0.1:*/**")
    page.locator(f"#allow-{other}").click()
    expect(page.get_by_role("note")).to_have_count(2)
    window.check("link-moves")


def test_narrow_windows(desk: Sit, linkable: Office, name: str) -> None:
    """A phone's width."""
    window = desk(name)
    window.page.set_viewport_size({"width": 320, "height": 700})
    page = to_confirmation(window, name)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    window.picture("link-narrow")
    page = window.open("link")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.fixture
def by_email(linkable: Office, front: Front) -> Iterator[Office]:
    """A linker that matches e-mail addresses."""
    with linkable.variant("linker", JIRA_DC_ENABLE_OAUTH="0"):
        first = front.upstreams["linker"]
        front.upstreams["linker"] = f"http://127.0.0.1:{linkable.stack.programs['linker'].http}"
        yield linkable
        front.upstreams["linker"] = first


def test_email_mode(desk: Sit, by_email: Office, name: str) -> None:
    """One click, and the address that counts is on the page."""
    window = desk(name)
    page = window.open("link")
    expect(page.get_by_text("It must be verified in OpenHands.")).to_be_visible()
    window.check("link-email")
    page.get_by_role("button", name="Link account").click()
    expect(page.get_by_text("Matched by your e-mail address")).to_be_visible()
    window.check("link-email-linked")
    assert [row["account_key"] for row in by_email.links(name)] == [f"unavailable:{by_email.ids[name]}"]
