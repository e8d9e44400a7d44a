"""Allow and deny lists: who is left out reads which list says so, everybody else works as before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.waiting import wait_until
from tests.e2e.world import World

ORG = "99999999-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def no_rules(world: World) -> Iterator[None]:
    """Each test makes its own lists; all is done before they go."""
    yield
    world.settle()
    world.stack.rows("with gone as (delete from access_rule returning *) select * from gone")
    world.stack.rows("with gone as (delete from guidance_given returning *) select * from gone")


def rule(world: World, effect: str, kind: str, value: str, provider: str = "bitbucket") -> None:
    """One line of a list."""
    made = world.stack.rows(
        "insert into access_rule (instance_id, effect, kind, value)"
        " select id, %s, %s, %s from instance where provider = %s returning id",
        effect,
        kind,
        value,
        provider,
    )
    assert len(made) == 1


def outcome(world: World, comment: int | str) -> tuple[str, str]:
    """What came of the start job of a comment, and its detail."""

    def ended() -> list[dict[str, str]]:
        return [row for row in world.job_rows(f":comment:{comment}") if row["ended_at"]]

    (row,) = wait_until(ended, 40, f"the job of {comment} is over")
    return row["outcome"], row["detail"]


DENIED = [
    ("deny", "project", "proj", "The list of denied projects names PROJ."),
    ("deny", "repository", "PROJ/web", "The list of denied repositories names PROJ/web."),
    ("deny", "user", "ana", "The list of denied people names ana."),
    ("allow", "project", "OTHER", "The list of allowed projects does not name PROJ."),
    ("allow", "user", "bob", "The list of allowed people does not name ana."),
]


@pytest.mark.parametrize(("effect", "kind", "value", "why"), DENIED)
def test_who_is_left_out_reads_which_list(world: World, effect: str, kind: str, value: str, why: str) -> None:
    """One comment that names the list; no reaction, no conversation."""
    rule(world, effect, kind, value)
    number, comment = world.ask_pull(f"@openhands may {effect} {kind} {value}")
    (answer,) = world.wait_pull(number, 1)
    assert outcome(world, comment) == ("POLICY_DENIED", why)
    assert why in answer["text"]
    assert "@ana" in answer["text"]
    assert world.stack.sims.bitbucket.reactions_on(comment=comment) == {}
    assert world.jobs(f"may {effect} {kind} {value}") == []


def test_rules_of_one_server_do_not_bind_another(world: World) -> None:
    """Denied in Jira, and Bitbucket goes on; a denial of somebody else binds nobody else."""
    rule(world, "deny", "project", "PROJ", provider="jira")
    rule(world, "deny", "user", "bob")
    number, comment = world.ask_pull("@openhands unbound")
    world.wait_pull(number, 2)
    assert outcome(world, comment)[0] == "JOB_STARTED"


def test_a_denial_wins_over_an_allowance(world: World) -> None:
    """The project is allowed, the repository in it is denied."""
    rule(world, "allow", "project", "PROJ")
    rule(world, "allow", "repository", "PROJ/web")
    rule(world, "deny", "repository", "proj/WEB")
    number, comment = world.ask_pull("@openhands both lists")
    world.wait_pull(number, 1)
    assert outcome(world, comment)[0] == "POLICY_DENIED"


def test_what_is_allowed_works(world: World) -> None:
    """Every kind has an allowance that fits."""
    org = world.people["ana"]
    for kind, value in (("project", "proj"), ("repository", "PROJ/web"), ("user", "ANA")):
        rule(world, "allow", kind, value)
    rule(world, "allow", "org", org)
    number, comment = world.ask_pull("@openhands allowed on every list")
    world.wait_pull(number, 2)
    assert outcome(world, comment)[0] == "JOB_STARTED"


def test_an_org_that_is_denied(world: World) -> None:
    """The organization that would pay is left out."""
    rule(world, "deny", "org", world.people["ana"])
    number, comment = world.ask_pull("@openhands who pays?")
    world.wait_pull(number, 1)
    assert outcome(world, comment)[0] == "POLICY_DENIED"


def test_a_jira_issue_is_judged_by_the_repository_it_names(world: World) -> None:
    """Known only after the repository is: the reaction is there, the start is not."""
    rule(world, "deny", "repository", "PROJ/web", provider="jira")
    key, comment = world.ask_issue("@openhands in the denied one\nRepository: PROJ/web")
    (answer,) = world.wait_issue(key, 1)
    why = "The list of denied repositories names PROJ/web."
    assert outcome(world, comment) == ("POLICY_DENIED", why)
    assert why in answer["body"]
    key, comment = world.ask_issue("@openhands in another one\nRepository: PROJ/api")
    world.wait_issue(key, 2)
    assert outcome(world, comment)[0] == "JOB_STARTED"


def test_who_is_allowed_later_asks_again_by_editing(world: World) -> None:
    """A refusal spends nothing: after the rule is gone an edit of the same comment starts the job."""
    rule(world, "deny", "project", "PROJ")
    number, comment = world.ask_pull("@openhands once more later")
    world.wait_pull(number, 1)
    assert outcome(world, comment)[0] == "POLICY_DENIED"
    world.settle()
    world.stack.rows("with gone as (delete from access_rule returning *) select * from gone")
    world.stack.sims.bitbucket.edit_as(
        repo="PROJ/web",
        number=number,
        comment=comment,
        user="ana",
        text="@openhands once more later, please",
    )
    world.wait_pull(number, 3)
    assert world.jobs("once more later, please") != []
