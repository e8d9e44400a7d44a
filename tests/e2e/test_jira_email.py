"""E-mail mode: people are matched by a verified address that is unique on both sides."""

from __future__ import annotations

import uuid

import pytest

from tests.e2e.waiting import wait_until
from tests.e2e.world import World

SETTINGS = {"JIRA_DC_ENABLE_OAUTH": "0"}


def outcome(world: World, comment: str) -> str:
    """Outcome of an ask once its job has ended."""
    sql = "select outcome from job where event_key like %s and ended_at is not null"
    rows = wait_until(lambda: world.stack.rows(sql, f"%:comment:{comment}"), 20, "an outcome")
    return rows[0]["outcome"]


def newcomer(world: World, name: str, accounts: list[dict[str, bool]]) -> str:
    """A Jira user and accounts with the same address; the first account's id."""
    sims = world.stack.sims
    sims.jira.add_user(name=name, display=f"{name.title()} Example")
    ids = [str(uuid.uuid4()) for _ in accounts]
    for identity, account in zip(ids, accounts, strict=True):
        sims.keycloak.add_person(identity=identity, email=f"{name}@example.com", **account)
        sims.ohe.add_person(
            email=f"{name}@example.com",
            identity=identity,
            repos={"bitbucket_data_center": ["PROJ/web"]},
        )
    return ids[0] if ids else ""


def test_a_verified_address_is_enough(world: World) -> None:
    """The job starts as the account, and the link is remembered."""
    person = newcomer(world, "eve", [{"verified": True}])
    key, comment = world.ask_issue("@openhands by address", user="eve")
    world.wait_issue(key)
    assert world.one_job(comment)["owner"] == person
    rows = world.stack.rows("select method from user_link where user_id = %s", person)
    assert [row["method"] for row in rows] == ["email"]


@pytest.mark.parametrize(
    ("name", "accounts", "expected"),
    [
        ("fay", [], "USER_UNKNOWN"),
        ("gil", [{"verified": False}], "USER_NOT_LINKED"),
        ("hal", [{"verified": True}, {"verified": True}], "USER_NOT_LINKED"),
        ("ida", [{"verified": True, "enabled": False}], "LOGIN_NEEDED"),
    ],
    ids=["none", "unverified", "ambiguous", "disabled"],
)
def test_any_doubt_refuses(world: World, name: str, accounts: list[dict[str, bool]], expected: str) -> None:
    """One comment that says what to do; nothing starts."""
    newcomer(world, name, accounts)
    key, comment = world.ask_issue("@openhands who am I?", user=name)
    (answer,) = world.wait_issue(key, 1)
    assert outcome(world, comment) == expected
    assert f"[~{name}]" in answer["body"]


def test_a_hidden_address_is_no_match(world: World) -> None:
    """Jira shows no addresses, not even to the bot."""
    sims = world.stack.sims
    newcomer(world, "jan", [{"verified": True}])
    sims.jira.configure(show_email=False)
    key, comment = world.ask_issue("@openhands hidden", user="jan")
    world.wait_issue(key, 1)
    sims.jira.configure(show_email=True)
    assert outcome(world, comment) == "USER_NOT_LINKED"
