"""Setting up Jira with OAuth in a browser: on our own page and from OpenHands' Settings, automatically and by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.connect.office import EVENTS, Office
from tests.pages.desk import HOST, Desk
from tests.pages.jira_steps import ADMIN_PAT, allow, confirm, deliver, deliver_hook, hook_of

SETTINGS_PAGE = f"https://{HOST}/settings/integrations"
Sit = Callable[..., Desk]


@pytest.fixture(autouse=True)
def clean(office: Office) -> Iterator[None]:
    """Nothing is connected before; no peer has seen a forbidden call after."""
    office.forget()
    yield
    found = [text for remote in office.stack.sims.remotes() for text in remote.forgive()]
    assert [text for text in found if "/favicon.ico" not in text] == []


def settings(office: Office, **more: str) -> str:
    """The stand-in for OpenHands' screen with OAuth and the service account of the environment."""
    flags = {"oauth": "1", "host": office.host, "managed": "openhands@example.com"} | more
    return SETTINGS_PAGE + "?" + "&".join(f"{name}={value}" for name, value in flags.items())


def test_own_page_installs_the_webhook_and_links(desk: Sit, office: Office) -> None:
    """PAT, Jira's question, confirmation, back in Settings; the webhook is there and its deliveries count."""
    window = desk("olga")
    page = window.open("jira")
    window.check("jira-setup-oauth")
    page.get_by_label(ADMIN_PAT).fill("admin-pat")
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_role("heading", name="Continue in Jira")).to_be_visible()
    window.check("jira-continue")
    hook = hook_of(office)
    assert hook["name"] == "OpenHands"
    assert sorted(hook["events"]) == EVENTS
    allow(page, "olga")
    window.check("link-confirm")
    confirm(page)
    expect(page.get_by_text("Jira webhook installed")).to_be_visible()
    assert [link["account_key"] for link in office.links("olga")] == [office.keys["olga"]]
    assert deliver_hook(office) == 200
    page = window.open("jira")
    expect(page.get_by_text("Active", exact=True)).to_be_visible()
    window.check("jira-active")
    window.open("")
    window.check("overview-connected")
    window.open("health")
    window.check("health-connected")


def test_own_page_by_hand_shows_the_secret_once(desk: Sit, office: Office) -> None:
    """Details are saved before Jira is asked; afterwards they are shown once, and the first delivery is seen live."""
    window = desk("olga")
    page = window.open("jira")
    page.get_by_label("Set it up in Jira myself").check()
    expect(page.get_by_label(ADMIN_PAT)).to_be_hidden()
    page.get_by_role("button", name="Generate webhook details").click()
    assert [row["status"] for row in office.connections()] == ["pending"]
    allow(page, "olga")
    confirm(page)
    expect(page.get_by_role("heading", name="Create the webhook in Jira")).to_be_visible()
    url, secret = page.locator("#webhook-url").inner_text(), page.locator("#webhook-secret").inner_text()
    assert sorted(page.locator("#webhook-events").inner_text().split(", ")) == EVENTS
    window.check("jira-webhook")
    page.get_by_role("button", name="I created the webhook").click()
    expect(page.get_by_role("status")).to_have_text("OpenHands listens from now on.")
    expect(page.get_by_text("Waiting for the first delivery")).to_be_visible()
    expect(page.locator("#webhook-secret")).to_have_count(0)
    window.check("jira-webhook-waiting")
    assert deliver(office, url, "not-this-secret-of-ours") == 403
    assert deliver(office, url, secret) == 200
    expect(page.get_by_text("Received and signed")).to_be_visible()
    window.check("jira-webhook-received")


def test_copy_buttons_copy(desk: Sit, office: Office) -> None:
    """URL and secret reach the clipboard; the button says so."""
    window = desk("olga", permissions=["clipboard-read", "clipboard-write"])
    page = window.open("jira")
    page.get_by_label("Set it up in Jira myself").check()
    page.get_by_role("button", name="Generate webhook details").click()
    allow(page, "olga")
    confirm(page)
    for name, source in (("Copy the webhook URL", "#webhook-url"), ("Copy the secret", "#webhook-secret")):
        button = page.get_by_role("button", name=name)
        button.click()
        expect(button).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == page.locator(source).inner_text()


def test_a_secret_that_was_shown_is_replaced_by_a_new_one(desk: Sit, office: Office) -> None:
    """Reloaded, the page offers another secret; the first one stays good until the new one is used."""
    page = desk("olga").open("jira")
    page.get_by_label("Set it up in Jira myself").check()
    page.get_by_role("button", name="Generate webhook details").click()
    allow(page, "olga")
    confirm(page)
    url, first = page.locator("#webhook-url").inner_text(), page.locator("#webhook-secret").inner_text()
    page.goto(page.url)
    expect(page.locator("#webhook-secret")).to_have_count(0)
    page.get_by_role("button", name="I created the webhook").click()
    page.get_by_role("button", name="Make a new secret").click()
    second = page.locator("#webhook-secret").inner_text()
    assert second != first
    assert deliver(office, url, first) == 200
    expect(page.get_by_text("Waiting for the first delivery")).to_be_visible()
    assert deliver(office, url, second) == 200
    expect(page.get_by_text("Received and signed")).to_be_visible()


def test_a_link_from_another_site_does_not_show_the_secret(desk: Sit, office: Office) -> None:
    """Whoever is led to the page by somebody else has to ask for the secret."""
    page = desk("olga").open("jira")
    page.get_by_label("Set it up in Jira myself").check()
    page.get_by_role("button", name="Generate webhook details").click()
    address = f"https://{HOST}/integration/dc/jira/webhook"
    page.set_content(f'<a id="led" href="{address}">look</a>')
    page.goto(f"{office.stack.jira_url}/rest/oauth2/latest/consent/none")
    page.evaluate(f"location.assign('{address}')")
    expect(page).to_have_url(address)
    if page.get_by_role("link", name="Sign in").count():
        return  # OpenHands' cookie is Strict: the other site's link came without a session
    expect(page.locator("#webhook-secret")).to_have_count(0)
    page.get_by_role("link", name="Show the secret once").click()
    expect(page.locator("#webhook-secret")).to_be_visible()


def test_wrong_admin_token_says_what_is_missing(desk: Sit, office: Office) -> None:
    """A PAT without the right: refused before anything is written, the reason beside the field, no PAT in the page."""
    window = desk("olga")
    page = window.open("jira")
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_label(ADMIN_PAT)).to_have_attribute("aria-invalid", "true")
    page.get_by_label(ADMIN_PAT).fill("plain-pat")
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert office.connections() == []
    assert "plain-pat" not in page.content()
    window.check("jira-refused")


def test_pause_resume_and_remove(desk: Sit, office: Office) -> None:
    """Each with its word; without the tick nothing is removed; with a PAT the webhook goes as well."""
    window = desk("olga")
    page = window.open("jira")
    page.get_by_label(ADMIN_PAT).fill("admin-pat")
    page.get_by_role("button", name="Connect").click()
    allow(page, "olga")
    confirm(page)
    page = window.open("jira")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status")).to_contain_text("Paused")
    window.check("jira-paused")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("status")).to_contain_text("answers Jira again")
    page.get_by_text("New secret, or reinstall the webhook").click()
    before = hook_of(office)["configuration"]["SECRET"]
    page.locator("form[action$=rotate]").get_by_label(ADMIN_PAT).fill("admin-pat")
    page.get_by_role("button", name="Make a new secret").click()
    expect(page.get_by_role("status")).to_contain_text("signs with a new secret")
    assert hook_of(office)["configuration"]["SECRET"] != before
    assert deliver_hook(office) == 200
    page.get_by_text("Remove", exact=True).first.click()
    window.check("jira-remove")
    page.locator("form[action$=remove]").get_by_label(ADMIN_PAT).fill("admin-pat")
    page.get_by_label("Yes, remove this connection").check()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("status")).to_contain_text("switched off")
    assert office.stack.sims.jira.hooks_now() == []
    assert [row["status"] for row in office.connections()] == ["paused"]


def test_denied_in_jira_is_explained(desk: Sit, office: Office) -> None:
    """No in Jira: a plain page, nothing linked."""
    window = desk("olga")
    page = window.open("jira")
    page.get_by_label(ADMIN_PAT).fill("admin-pat")
    page.get_by_role("button", name="Connect").click()
    page.get_by_role("link", name="Continue to").click()
    page.locator("#deny").click()
    page.wait_for_url("**/integration/jira-dc/callback**")
    window.check("link-denied")
    assert office.links("olga") == []


def test_members_link_and_disconnect(desk: Sit, office: Office) -> None:
    """After the admin: a member links on the account page and leaves again."""
    page = desk("olga").open("jira")
    page.get_by_label(ADMIN_PAT).fill("admin-pat")
    page.get_by_role("button", name="Connect").click()
    allow(page, "olga")
    confirm(page)
    page = desk("mia").open("link")
    page.get_by_role("button", name="Link account").click()
    page.locator("#allow-mia").click()
    confirm(page)
    expect(page).to_have_url(f"https://{HOST}/integration/dc/link?done=linked")
    page.get_by_text("Disconnect", exact=True).click()
    page.get_by_role("button", name="Yes, disconnect").click()
    expect(page.get_by_role("button", name="Link account")).to_be_visible()
    assert [link["status"] for link in office.links("mia")] == ["inactive"]


def test_settings_connect_automatically(desk: Sit, office: Office) -> None:
    """OpenHands' screen: Connect, not set up (404), the dialog, PAT, Jira, back with the toast; then pause."""
    page = desk("olga").page
    page.goto(settings(office, admin="1"))
    page.get_by_test_id("jira-dc-connect-button").click()
    page.get_by_test_id("admin-api-key-input").fill("admin-pat")
    page.get_by_test_id("jira-dc-submit-button").click()
    page.locator("#allow-olga").click()
    confirm(page)
    expect(page.get_by_text("Jira webhook installed")).to_be_visible()
    page.goto(settings(office, admin="1"))
    expect(page.get_by_test_id("jira-dc-row")).to_have_text(f"{office.host} openhands@example.com Active")
    page.get_by_test_id("jira-dc-disable-button").click()
    page.get_by_test_id("active-toggle").click()
    expect(page.get_by_test_id("jira-dc-row")).to_have_text(f"{office.host} openhands@example.com Paused")


def test_settings_connect_by_hand(desk: Sit, office: Office) -> None:
    """OpenHands' screen: the tab for manual setup goes through Jira and ends on our page, which has the secret."""
    page = desk("olga").page
    page.goto(settings(office, admin="1"))
    page.get_by_test_id("jira-dc-connect-button").click()
    page.get_by_test_id("webhook-mode-manual").click()
    page.get_by_test_id("jira-dc-submit-button").click()
    page.locator("#allow-olga").click()
    confirm(page)
    url, secret = page.locator("#webhook-url").inner_text(), page.locator("#webhook-secret").inner_text()
    page.get_by_role("button", name="I created the webhook").click()
    assert deliver(office, url, secret) == 200
    expect(page.get_by_text("Received and signed")).to_be_visible()


def test_settings_member_connects(desk: Sit, office: Office) -> None:
    """A member: Connect goes to Jira at once, Disconnect ends only the own link."""
    admin = desk("olga").open("jira")
    admin.get_by_label(ADMIN_PAT).fill("admin-pat")
    admin.get_by_role("button", name="Connect").click()
    allow(admin, "olga")
    confirm(admin)
    page = desk("mia").page
    page.goto(settings(office))
    page.get_by_test_id("jira-dc-connect-button").click()
    page.locator("#allow-mia").click()
    confirm(page)
    page.goto(settings(office))
    page.get_by_test_id("jira-dc-disconnect-button").click()
    expect(page.get_by_test_id("jira-dc-connect-button")).to_be_visible()
    assert [link["status"] for link in office.links("olga")] == ["active"]
