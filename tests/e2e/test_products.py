"""Other versions of both products, served under a context path."""

from __future__ import annotations

from tests.e2e.signing import encode, post
from tests.e2e.world import World

JIRA = {"context": "/jira", "version": "11.3.0"}
BITBUCKET = {"context": "/bitbucket", "version": "8.19.1"}


def test_jira_under_a_context_path(world: World) -> None:
    """Comment and label: every call stays below the path."""
    key, comment = world.ask_issue("@openhands below a path")
    ack, result = world.wait_issue(key)
    world.one_job(comment)
    assert f"{world.stack.jira_url}/browse/{key}" in result["body"]
    labelled = world.issue(summary="Labelled below a path")
    world.stack.sims.jira.label_as(issue=labelled, user="ana", labels=["openhands"])
    world.wait_issue(labelled)
    assert "/conversations/" in ack["body"]


def test_bitbucket_under_a_context_path(world: World) -> None:
    """Reaction, acknowledgement and result."""
    number, comment = world.ask_pull("@openhands below a path")
    world.wait_pull(number)
    world.one_job(comment)
    assert world.stack.sims.bitbucket.reactions_on(comment=comment) == {"eyes": ["openhands"]}


def test_the_same_host_with_another_path_is_another_instance(world: World) -> None:
    """A body of that host but of another path is refused or at least starts nothing."""
    base = world.stack.sims.jira.base_url
    person = {"name": "ana", "key": world.keys["ana"]}
    body = {
        "timestamp": 4098852927123,
        "webhookEvent": "comment_created",
        "comment": {
            "self": f"{base}/other/rest/api/2/issue/10006/comment/10007",
            "id": "10007",
            "author": person,
            "body": "@openhands from elsewhere",
        },
    }
    assert post(world, world.jira, encode(body)).status_code in (200, 403)
    world.drained()
    assert world.jobs("from elsewhere") == []


def test_jira_9_cannot_sign_and_is_refused(world: World) -> None:
    """Both deliveries of a comment get the same 403 as a forged one."""
    sims = world.stack.sims
    key = world.issue()
    sims.jira.configure(version="9.12.0")
    sent = sims.jira.comment_as(issue=key, user="ana", body="@openhands unsigned")
    sims.jira.configure(version="11.3.0")
    assert sent["statuses"] == [403, 403]
    assert world.issue_answers(key) == []


def test_jira_without_reactions(world: World) -> None:
    """A palette without the emoji, or no such resource: the job goes on."""
    sims = world.stack.sims
    sims.jira.fault(match="/rest/internal/2/reactions", status=404, body="<html>404</html>", times=3)
    key, comment = world.ask_issue("@openhands without a thumb")
    world.wait_issue(key)
    world.one_job(comment)
