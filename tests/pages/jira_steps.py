"""Steps that people take with Jira in the browser, and deliveries as the webhook that they made would send them."""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import urlsplit

import requests
from playwright.sync_api import Page, expect

from tests.connect.office import Office
from tests.e2e.signing import sign

ADMIN_PAT = "Jira admin personal access token (PAT)"


def allow(page: Page, name: str) -> None:
    """From "Continue to Jira" through Jira's question to our confirmation."""
    page.get_by_role("link", name="Continue to").click()
    page.locator(f"#allow-{name}").click()
    expect(page.get_by_role("button", name="Link account")).to_be_visible()


def confirm(page: Page) -> None:
    """Yes, this is my account."""
    page.get_by_role("button", name="Link account").click()


def deliver(office: Office, url: str, secret: str, jira: str = "") -> int:
    """An edit of an issue, signed; the status that Jira sees."""
    self_url = f"{jira or office.stack.jira_url}/rest/api/2/issue/10001"
    body = {"webhookEvent": "jira:issue_updated", "issue": {"id": "10001", "key": "PROJ-1", "self": self_url}}
    raw = json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "X-Hub-Signature": sign(secret, raw)}
    headers["X-Request-Id"] = str(uuid.uuid4())
    ingress = f"http://127.0.0.1:{office.stack.programs['ingress'].http}"
    return requests.post(ingress + urlsplit(url).path, data=raw, headers=headers, timeout=30).status_code


def hook_of(office: Office) -> dict[str, Any]:
    """Jira's only webhook."""
    (hook,) = office.stack.sims.jira.hooks_now()
    return hook


def deliver_hook(office: Office, jira: str = "") -> int:
    """What Jira's only webhook would send now."""
    hook = hook_of(office)
    return deliver(office, hook["url"], hook["configuration"]["SECRET"], jira)
