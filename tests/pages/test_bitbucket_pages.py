"""Bitbucket's webhooks, from our own page and from OpenHands' Settings, in a browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.connect.office import PROVIDER, Office
from tests.pages.desk import HOST, Desk

SETTINGS_PAGE = f"https://{HOST}/settings/integrations?no-jira&bitbucket"
Sit = Callable[..., Desk]


@pytest.fixture(scope="module")
def repositories(office: Office) -> list[str]:
    """Olga administers 120 repositories and mia may only write to the first; max has not signed in with Bitbucket."""
    bitbucket = office.stack.sims.bitbucket
    for name in ("olga", "mia", "max"):
        bitbucket.add_user(name=name, token=f"bb-{name}")
        office.stack.secrets.append(f"bb-{name}")
        if name != "max":
            office.stack.sims.ohe.set_provider_token(identity=office.ids[name], provider=PROVIDER, token=f"bb-{name}")
    names = [f"service-{number:03}" for number in range(120)]
    for name in names:
        rights = {"olga": "REPO_ADMIN", "max": "REPO_ADMIN", "openhands": "REPO_WRITE"}
        bitbucket.add_repo(key="PROJ", slug=name, rights=rights | {"mia": "REPO_WRITE"})
    return names


def row(page: Page, name: str) -> str:
    """The line of a repository."""
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name)).inner_text()


def test_own_page_installs_reinstalls_and_uninstalls(desk: Sit, office: Office, repositories: list[str]) -> None:
    """Search, Install, the status changes, Bitbucket has the webhook; and back."""
    window = desk("olga")
    page = window.open("repositories")
    expect(page.get_by_role("caption")).to_have_text("1\u201350 of 120")
    window.check("repositories")
    page.get_by_label("Search").fill("service-07")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("rowheader")).to_have_count(10)
    page.get_by_role("button", name="Install PROJ/service-077").click()
    expect(page.get_by_role("status")).to_have_text("The webhook is installed.")
    assert "Enrolled" in row(page, "PROJ/service-077")
    assert page.get_by_label("Search").input_value() == "service-07"
    (hook,) = office.stack.sims.bitbucket.hooks_of(repo="PROJ/service-077")
    assert hook["name"] == "OpenHands Resolver"
    window.check("repositories-installed")
    page.get_by_role("button", name="Reinstall PROJ/service-077").click()
    expect(page.get_by_role("status")).to_have_text("The webhook is installed.")
    assert [each["id"] for each in office.stack.sims.bitbucket.hooks_of(repo="PROJ/service-077")] == [hook["id"]]
    page.get_by_role("button", name="Uninstall PROJ/service-077").click()
    expect(page.get_by_role("status")).to_have_text("The webhook is removed.")
    assert office.stack.sims.bitbucket.hooks_of(repo="PROJ/service-077") == []


def test_own_page_turns_pages(desk: Sit, repositories: list[str]) -> None:
    """Next to the end and back to the start."""
    page = desk("olga").open("repositories")
    for caption in ("51\u2013100 of 120", "101\u2013120 of 120"):
        page.get_by_role("link", name="Next").click()
        expect(page.get_by_role("caption")).to_have_text(caption)
    expect(page.get_by_role("link", name="Next")).to_have_count(0)
    for caption in ("51\u2013100 of 120", "1\u201350 of 120"):
        page.get_by_role("link", name="Back", exact=True).click()
        expect(page.get_by_role("caption")).to_have_text(caption)
    expect(page.get_by_role("link", name="Back", exact=True)).to_have_count(0)


def test_own_page_says_when_nothing_fits(desk: Sit, repositories: list[str]) -> None:
    """A search without a hit, with what was typed in it."""
    page = desk("olga").open("repositories?q=%3Cb%3Enothing")
    expect(page.get_by_text("No repository you administer fits “<b>nothing”.")).to_be_visible()


def test_own_page_shows_why_bitbucket_refuses(desk: Sit, office: Office, repositories: list[str]) -> None:
    """Bitbucket's own words, above the list."""
    window = desk("olga")
    page = window.open("repositories?q=service-001")
    office.stack.sims.bitbucket.add_repo(key="PROJ", slug="service-001", rights={"mia": "REPO_WRITE"})
    page.get_by_role("button", name="Install PROJ/service-001").click()
    expect(page.get_by_role("alert")).to_contain_text("You are no administrator of this repository in Bitbucket.")
    window.check("repositories-refused")


def test_a_token_given_once_is_enough(desk: Sit, office: Office, repositories: list[str]) -> None:
    """Somebody whom Bitbucket does not know here: one repository with a token, then the list."""
    window = desk("max")
    page = window.open("repositories")
    expect(page.get_by_role("heading", name="Your repositories cannot be listed yet")).to_be_visible()
    window.check("repositories-token")
    form = page.locator("form[action$=install]")
    form.get_by_label("Repository", exact=True).fill("service-002")
    form.get_by_label("Bitbucket HTTP access token").fill("bb-max")
    form.get_by_role("button", name="Install", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("with a slash between: PROJ/web-app")
    form.get_by_label("Repository", exact=True).fill(" PROJ/service-002 ")
    form.get_by_label("Bitbucket HTTP access token").fill("bb-max")
    form.get_by_role("button", name="Install", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("The webhook is installed.")
    assert len(office.stack.sims.bitbucket.hooks_of(repo="PROJ/service-002")) == 1
    page.locator("form[action$=list]").get_by_label("Bitbucket HTTP access token").fill("bb-max")
    page.get_by_role("button", name="Show my repositories").click()
    expect(page.get_by_role("rowheader")).to_have_count(50)
    assert "bb-max" not in page.content()


def test_own_page_works_without_script(desk: Sit, office: Office, repositories: list[str]) -> None:
    """Search and Install with JavaScript off."""
    page = desk("olga", java_script_enabled=False).open("repositories")
    page.get_by_label("Search").fill("service-100")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("button", name="Install PROJ/service-100").click()
    expect(page.get_by_role("status")).to_have_text("The webhook is installed.")
    assert len(office.stack.sims.bitbucket.hooks_of(repo="PROJ/service-100")) == 1


def test_settings_install_and_uninstall(desk: Sit, office: Office, repositories: list[str]) -> None:
    """OpenHands' own screen: Install, Reinstall, Uninstall, each with its toast and the list read again."""
    page = desk("olga").page
    page.goto(SETTINGS_PAGE)
    line = page.get_by_test_id("bbdc-row-PROJ/service-005")
    expect(line).to_contain_text("Not enrolled")
    page.get_by_test_id("bbdc-install-webhook-PROJ/service-005").click()
    expect(line).to_contain_text(f"Enrolled by {office.ids['olga']}")
    expect(page.get_by_text("Bitbucket Data Center webhook installed")).to_have_count(1)
    page.get_by_test_id("bbdc-install-webhook-PROJ/service-005").click()
    expect(page.get_by_text("Bitbucket Data Center webhook installed")).to_have_count(2)
    page.get_by_test_id("bbdc-uninstall-webhook-PROJ/service-005").click()
    expect(line).to_contain_text("Not enrolled")
    assert office.stack.sims.bitbucket.hooks_of(repo="PROJ/service-005") == []


def test_settings_say_what_bitbucket_says(desk: Sit, office: Office, repositories: list[str]) -> None:
    """A right that is gone since the list was read: the reason in the toast, no status code."""
    page = desk("olga").page
    page.goto(SETTINGS_PAGE)
    button = page.get_by_test_id("bbdc-install-webhook-PROJ/service-006")
    expect(button).to_be_visible()
    office.stack.sims.bitbucket.add_repo(key="PROJ", slug="service-006", rights={"mia": "REPO_WRITE"})
    button.click()
    expect(page.locator("#toasts p").first).to_contain_text("Bitbucket answered")
