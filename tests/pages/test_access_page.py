"""The allow and deny lists and the organisations of projects, edited on our page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.connect.office import ORG, Office
from tests.pages.desk import Desk

Sit = Callable[..., Desk]


@pytest.fixture(scope="module", autouse=True)
def connection(office: Office) -> None:
    """A Jira to have rules about."""
    office.stack.connect("jira", "--base-url", office.stack.jira_url)


def add_rule(page: Page, effect: str, kind: str, value: str) -> None:
    """Fill the form of rules."""
    page.get_by_label("Rule", exact=True).select_option(effect)
    page.get_by_label("Kind").select_option(kind)
    page.get_by_label("Value").fill(value)
    page.get_by_role("button", name="Add rule").click()


def test_rules_are_added_and_removed(desk: Sit, office: Office) -> None:
    """A denial and an allowance, then one less; each change is in the audit."""
    window = desk("olga")
    page = window.open("access")
    add_rule(page, "Deny", "Project", " SECRET ")
    expect(page.get_by_role("status")).to_have_text("The rule counts from now on.")
    add_rule(page, "Allow", "Repository", "PROJ/web")
    expect(page.get_by_role("rowheader")).to_have_count(2)
    window.check("access-rules")
    rules = "select effect, kind, value from access_rule order by effect"
    assert office.stack.rows(rules) == [
        {"effect": "allow", "kind": "repository", "value": "PROJ/web"},
        {"effect": "deny", "kind": "project", "value": "SECRET"},
    ]
    page.get_by_role("button", name="Remove project SECRET").click()
    expect(page.get_by_role("status")).to_have_text("The rule is removed.")
    assert [row["effect"] for row in office.stack.rows(rules)] == ["allow"]
    who = {row["operator"] for row in office.stack.rows("select operator from audit where operator <> 'e2e'")}
    assert who == {office.ids["olga"]}


def test_a_wrong_value_says_what_to_write(desk: Sit) -> None:
    """The reason is shown, what was typed stays."""
    window = desk("olga")
    page = window.open("access")
    add_rule(page, "Deny", "Repository", "just-a-name")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed.")
    assert page.get_by_label("Value").input_value() == "just-a-name"
    window.check("access-wrong")


def test_projects_get_an_organisation(desk: Sit, office: Office) -> None:
    """The own organisation is filled in; mapped and taken back."""
    page = desk("olga").open("access")
    assert page.get_by_label("Organisation\u2019s id").input_value() == ORG
    page.get_by_label("Project key").fill("WEB")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("runs in that organisation")
    assert [row["org_id"] for row in office.stack.rows("select org_id from org_map")] == [ORG]
    page.get_by_role("button", name="Remove WEB").click()
    expect(page.get_by_role("status")).to_contain_text("no organisation of its own")
    assert office.stack.rows("select * from org_map") == []


def test_text_from_people_stays_text(desk: Sit, office: Office) -> None:
    """A rule's value with markup is shown as it was typed."""
    value = "<img src=x onerror=alert(1)>"
    office.sql(
        "insert into access_rule (instance_id, effect, kind, value)"
        f" select id, 'deny', 'user', '{value}' from instance where provider = 'jira'"
    )
    window = desk("olga")
    page = window.open("access")
    expect(page.get_by_role("rowheader").get_by_text(value)).to_be_visible()
    expect(page.locator("main img")).to_have_count(0)
