"""Who could not be found: told when the directory stays away, started by themselves when they are linked."""

from __future__ import annotations

from tests.e2e.waiting import wait_until
from tests.e2e.world import World

SETTINGS = {"OHDC_RETRY_HORIZON_S": "5"}


def outcome(world: World, comment: int | str) -> str | None:
    """Outcome of the ask's trigger."""
    sql = "select outcome from trigger where event_key like %s"
    rows = world.stack.rows(sql, f"%:comment:{comment}")
    return rows[0]["outcome"] if rows else None


def test_a_link_made_later_starts_the_ask_by_itself(world: World) -> None:
    """Refused with the next step; the link comes; nobody asks again."""
    sims = world.stack.sims
    key = sims.jira.add_user(name="dora")["key"]
    person = "d" * 8 + "-0000-4000-8000-000000000000"
    sims.keycloak.add_person(identity=person, email="dora@example.com")
    sims.ohe.add_person(
        email="dora@example.com",
        identity=person,
        repos={"bitbucket_data_center": ["PROJ/web"]},
    )
    issue, comment = world.ask_issue("@openhands link and start\nRepository: PROJ/web", user="dora")
    world.wait_issue(issue, 1)
    assert outcome(world, comment) == "USER_NOT_LINKED"
    add = ("--connection", world.jira.name, "--jira-key", key, "--user", person)
    world.stack.ohdc("links", "add", *add)
    world.wait_issue(issue, 3)
    world.one_job(comment)


def test_a_directory_that_stays_away_is_told(world: World) -> None:
    """Asked again until the horizon, then the person reads that it failed."""
    world.stack.sims.keycloak.fault(match=".", status=503, body="down", times=-1)
    number, comment = world.ask_pull("@openhands nobody answers")
    wait_until(lambda: outcome(world, comment) == "UPSTREAM_FAILED", 30, "giving up")
    world.stack.sims.keycloak.heal()
    (answer,) = world.wait_pull(number, 1)
    assert "@ana" in answer["text"]
    assert world.jobs("nobody answers") == []
