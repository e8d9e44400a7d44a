"""Setting up Jira in e-mail mode in a browser: the environment's account or an own one, by hand, without script."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.connect.office import Office
from tests.pages.desk import HOST, Desk
from tests.pages.jira_steps import ADMIN_PAT, deliver, deliver_hook, hook_of
from tests.sim.front import Front
from tests.sim.tunnel import Tunnel

SETTINGS = {"JIRA_DC_ENABLE_OAUTH": "0"}
OWN_ACCOUNT = {"JIRA_DC_SERVICE_ACCOUNT_EMAIL": "", "JIRA_DC_SERVICE_ACCOUNT_PAT": "", "JIRA_DC_BASE_URL": ""}
SETTINGS_PAGE = f"https://{HOST}/settings/integrations"
Sit = Callable[..., Desk]


@pytest.fixture(autouse=True)
def clean(office: Office) -> Iterator[None]:
    """Nothing is connected before; no peer has seen a forbidden call after."""
    office.forget()
    yield
    assert [text for remote in office.stack.sims.remotes() for text in remote.forgive()] == []


@pytest.fixture(scope="module")
def tunnel(office: Office, front: Front) -> Iterator[str]:
    """Jira's https address: without a configured base URL no other is taken."""
    made = Tunnel(office.stack.jira_url, front.tls).start()
    yield made.base_url
    made.stop()


@pytest.fixture(scope="module")
def own(office: Office, front: Front, tunnel: str) -> Iterator[str]:
    """Services that know neither Jira's address nor a service account, from the first test that asks; the address."""
    first = dict(front.upstreams)
    more = OWN_ACCOUNT | {"SSL_CERT_FILE": str(front.certificate)}
    with office.variant("installer", **more), office.variant("linker", **more):
        for name in ("installer", "linker"):
            front.upstreams[name] = f"http://127.0.0.1:{office.stack.programs[name].http}"
        yield tunnel
    front.upstreams = first


def fill(page: Page, host: str, email: str = "openhands@example.com", pat: str = "bot-pat") -> None:
    """The form with everything typed by hand."""
    page.get_by_label("Jira Data Center URL").fill(host)
    page.get_by_label("Service account e-mail").fill(email)
    page.get_by_label("Service account personal access token (PAT)").fill(pat)


def test_the_managed_account_needs_no_host_field(desk: Sit, office: Office) -> None:
    """What OpenHands' own dialog cannot finish: e-mail mode with everything from the Admin Console."""
    window = desk("olga")
    page = window.open("jira")
    expect(page.get_by_label("Jira Data Center URL")).to_have_count(0)
    expect(page.get_by_label("Service account e-mail")).to_have_count(0)
    window.check("jira-setup-email-managed")
    page.get_by_label(ADMIN_PAT).fill("admin-pat")
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_role("status")).to_contain_text("listens from now on")
    assert hook_of(office)["name"] == "OpenHands"
    assert deliver_hook(office) == 200
    assert [row["status"] for row in office.connections()] == ["active"]


def test_by_hand_without_script(desk: Sit, office: Office) -> None:
    """Manual setup with JavaScript off, to the first signed delivery."""
    page = desk("olga", java_script_enabled=False).open("jira")
    page.get_by_label("Set it up in Jira myself").check()
    page.get_by_role("button", name="Generate webhook details").click()
    url, secret = page.locator("#webhook-url").inner_text(), page.locator("#webhook-secret").inner_text()
    page.get_by_role("button", name="I created the webhook").click()
    expect(page.get_by_text("Waiting for the first delivery")).to_be_visible()
    assert deliver(office, url, secret) == 200
    for _ in range(50):
        page.get_by_role("link", name="Check again").click()
        if page.get_by_text("Received and signed").is_visible():
            break
    expect(page.get_by_text("Received and signed")).to_be_visible()


def test_by_keyboard_alone(desk: Sit, office: Office) -> None:
    """From the address bar to the webhook's details without a mouse."""
    page = desk("olga").open("jira")
    page.get_by_label("Install automatically").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Set it up in Jira myself")).to_be_checked()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Generate webhook details")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Create the webhook in Jira")).to_be_visible()
    page.get_by_role("button", name="I created the webhook").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("OpenHands listens from now on.")
    assert [row["status"] for row in office.connections()] == ["active"]


def test_members_of_settings_link_at_once(desk: Sit, office: Office) -> None:
    """OpenHands' screen for a member: the link button once it is configured, before that the ask-an-admin text."""
    member = desk("mia").page
    member.goto(SETTINGS_PAGE)
    expect(member.get_by_text("Ask an admin to configure Jira Data Center.")).to_be_visible()
    page = desk("olga").open("jira")
    page.get_by_label(ADMIN_PAT).fill("admin-pat")
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_role("status")).to_be_visible()
    member.goto(SETTINGS_PAGE)
    member.get_by_test_id("jira-dc-link-button").click()
    expect(member.get_by_test_id("jira-dc-disconnect-button")).to_be_visible()
    assert [link["account_key"] for link in office.links("mia")] == [f"unavailable:{office.ids['mia']}"]


def test_own_account_and_host_are_typed(desk: Sit, office: Office, own: str) -> None:
    """Host with the scheme twice, slash and spaces; account checked; webhook installed."""
    window = desk("olga")
    page = window.open("jira")
    window.check("jira-setup-email-own")
    fill(page, f"  https://{own}/ ")
    page.get_by_label(ADMIN_PAT).fill("admin-pat")
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_role("status")).to_contain_text("listens from now on")
    (row,) = office.connections()
    assert row["base_url"] == own
    assert row["svc_email"] == "openhands@example.com"
    assert deliver_hook(office, own) == 200


@pytest.mark.parametrize(
    ("host", "email", "pat", "label"),
    [
        ("https://", "openhands@example.com", "bot-pat", "Jira Data Center URL"),
        ("jira example.com", "openhands@example.com", "bot-pat", "Jira Data Center URL"),
        ("user:word@jira.example.com", "openhands@example.com", "bot-pat", "Jira Data Center URL"),
        ("{jira}", "openhands@localhost", "bot-pat", "Service account e-mail"),
        ("{jira}", "somebody@example.com", "bot-pat", "Service account personal access token (PAT)"),
        ("{jira}", "openhands@example.com", "bot pat", "Service account personal access token (PAT)"),
        ("{jira}", "openhands@example.com", "not-a-pat", "Service account personal access token (PAT)"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(
    desk: Sit, office: Office, own: str, host: str, email: str, pat: str, label: str
) -> None:
    """Each mistake keeps what was typed (never a token), marks the field, writes nothing."""
    window = desk("olga")
    page = window.open("jira")
    host = host.replace("{jira}", own)
    fill(page, host, email, pat)
    page.get_by_label(ADMIN_PAT).fill("admin-pat")
    page.get_by_role("button", name="Connect").click()
    field = page.get_by_label(label)
    expect(field).to_have_attribute("aria-invalid", "true")
    described = (field.get_attribute("aria-describedby") or "").split()
    says = page.locator(f"#{described[-1]}").inner_text()
    assert says == page.locator(f"#{described[-1]}.wrong").inner_text() != ""
    assert page.get_by_label("Jira Data Center URL").input_value() == host
    assert "admin-pat" not in page.content()
    assert office.connections() == []
    if pat == "not-a-pat":
        assert office.stack.sims.jira.forgive() == ["jira: GET /rest/api/2/myself: missing or wrong credential"]
    window.check(f"jira-wrong-{label.rsplit(maxsplit=1)[-1].strip('()').lower()}")


def test_settings_configure_by_hand_in_two_steps(desk: Sit, office: Office, own: str) -> None:
    """OpenHands' dialog in e-mail mode: details, webhook, "I created the webhook"; the host as typed."""
    page = desk("olga").page
    page.goto(SETTINGS_PAGE + "?admin=1")
    page.get_by_test_id("jira-dc-configure-button").click()
    page.get_by_test_id("jira-dc-host-input").fill(f" {own.upper()}/ ")
    page.get_by_test_id("jira-dc-svc-email-input").fill("openhands@example.com")
    page.get_by_test_id("jira-dc-svc-pat-input").fill("bot-pat")
    page.get_by_test_id("webhook-mode-manual").click()
    page.get_by_test_id("jira-dc-submit-button").click()
    url = page.get_by_test_id("webhook-url-value").inner_text()
    secret = page.get_by_test_id("webhook-secret-value").inner_text()
    expect(page.get_by_test_id("jira-dc-submit-button")).to_have_text("I created the webhook")
    page.get_by_test_id("jira-dc-submit-button").click()
    expect(page.get_by_test_id("jira-dc-disable-button")).to_be_visible()
    assert deliver(office, url, secret, own) == 200


def test_settings_keep_the_dialog_when_the_install_fails(desk: Sit, office: Office, own: str) -> None:
    """A webhook that Jira refuses: the dialog stays and turns into Update; the next try succeeds."""
    page = desk("olga").page
    office.stack.sims.jira.fault(match="POST /rest/jira-webhook/1.0/webhooks", times=1, status=500)
    page.goto(SETTINGS_PAGE + "?admin=1")
    page.get_by_test_id("jira-dc-configure-button").click()
    page.get_by_test_id("jira-dc-host-input").fill(own)
    page.get_by_test_id("jira-dc-svc-email-input").fill("openhands@example.com")
    page.get_by_test_id("jira-dc-svc-pat-input").fill("bot-pat")
    page.get_by_test_id("admin-api-key-input").fill("admin-pat")
    page.get_by_test_id("jira-dc-submit-button").click()
    expect(page.get_by_text("webhook install failed")).to_be_visible()
    expect(page.get_by_test_id("jira-dc-submit-button")).to_have_text("Update")
    page.get_by_test_id("jira-dc-submit-button").click()
    expect(page.get_by_test_id("jira-dc-disable-button")).to_be_visible()
    assert deliver_hook(office, own) == 200
