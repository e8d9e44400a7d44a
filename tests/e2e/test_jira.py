"""A mention or a label in Jira becomes a conversation and an answer on the issue."""

from __future__ import annotations

import pytest

from tests.e2e.world import World


@pytest.mark.asan
def test_the_two_deliveries_of_a_comment_are_one_job(world: World) -> None:
    """comment_created and jira:issue_updated: one conversation, one acknowledgement, one result."""
    text = "Fixed:\n\n```c\nint a_b = *p;\n```\n\n- one\n- two"
    world.stack.sims.ohe.script(match="repair the login", text=text)
    key, comment = world.ask_issue("@openhands repair the login")
    ack, result = world.wait_issue(key)
    world.drained()
    job = world.one_job(comment)
    assert job["request"]["selected_repository"] == "PROJ/web"
    assert job["request"]["trigger"] == "jira"
    assert f"/conversations/{job['id']}" in ack["body"]
    assert "[~ana]" in result["body"]
    assert "{code:c}\nint a_b = *p;\n{code}" in result["body"]
    assert "* one" in result["body"]
    assert len(world.issue_answers(key)) == 2
    assert world.stack.sims.jira.reactions_on(comment=comment) == {"1f44d": ["openhands"]}
    rows = world.stack.rows("select verdict from delivery where event_key like %s", f"%:comment:{comment}")
    assert sorted(row["verdict"] for row in rows) == ["DUPLICATE", "TRIGGERED"]


def test_a_bare_comment_created_is_enough(world: World) -> None:
    """Neither issue nor user in the body: the issue is in comment.self."""
    sims = world.stack.sims
    key = world.issue()
    sims.jira.configure(bare_comments=True)
    hooks = {"events": ["comment_created"], "secret": world.jira.secret}
    sims.jira.drop_hooks()
    sims.jira.add_hook(url=world.stack.events_url(world.jira), **hooks)
    sent = sims.jira.comment_as(issue=key, user="ana", body="@openhands bare one")
    assert sent["statuses"] == [200]
    world.wait_issue(key)
    sims.jira.configure(bare_comments=False)
    sims.jira.drop_hooks()
    sims.jira.add_hook(url=world.stack.events_url(world.jira), secret=world.jira.secret)
    world.one_job(sent["id"])


@pytest.mark.asan
def test_a_label_added_later_starts_a_job(world: World) -> None:
    """jira:issue_updated with a changelog; the whole issue is the request, no reaction."""
    key = world.issue(summary="Slow start page", labels=["backend"])
    sent = world.stack.sims.jira.label_as(issue=key, user="ana", labels=["backend", "openhands"])
    assert sent["statuses"] == [200]
    world.wait_issue(key)
    assert world.one_job(sent["id"])["owner"] == world.people["ana"]
    assert ":label:" in world.job_rows(f":{sent['id']}")[0]["event_key"]


def test_a_label_given_at_creation_starts_a_job(world: World) -> None:
    """jira:issue_created has no changelog: the issue's own labels decide."""
    key = world.issue(summary="Born with a label", labels=["openhands"])
    world.wait_issue(key)
    assert len(world.jobs("Born with a label")) == 1


def test_other_labels_start_nothing(world: World) -> None:
    """Words that only contain the label, and a label that was there before."""
    jobs = len(world.stack.sims.ohe.jobs())
    key = world.issue(labels=["openhands-later"])
    world.stack.sims.jira.label_as(issue=key, user="ana", labels=["openhands-later", "ui"])
    world.drained()
    assert world.issue_answers(key) == []
    assert len(world.stack.sims.ohe.jobs()) == jobs


def test_a_mention_in_a_description_starts_nothing(world: World) -> None:
    """Only comments and labels ask."""
    key = world.issue(description="@openhands do it\nRepository: PROJ/web")
    world.drained()
    assert world.issue_answers(key) == []


def test_the_pickers_mention_counts(world: World) -> None:
    """[~name] of the bot, as Jira's picker writes it."""
    key, comment = world.ask_issue("[~openhands] from the picker")
    world.wait_issue(key)
    world.one_job(comment)


def test_an_edit_that_adds_the_mention_starts_once(world: World) -> None:
    """comment_updated and its twin: one job."""
    sims = world.stack.sims
    key = world.issue()
    made = sims.jira.comment_as(issue=key, user="ana", body="maybe later")
    text = "@openhands yes, now"
    assert sims.jira.edit_as(issue=key, user="ana", comment=made["id"], body=text) == [200, 200]
    world.wait_issue(key)
    world.drained()
    world.one_job(made["id"])
    assert len(world.issue_answers(key)) == 2


def test_a_restricted_comment_is_answered_to_the_same_people(world: World) -> None:
    """The bot's comments carry the asking comment's visibility."""
    only = {"type": "role", "value": "Developers"}
    key, _ = world.ask_issue("@openhands quietly", visibility=only)
    answers = world.wait_issue(key)
    assert [a["visibility"] for a in answers] == [only, only]


def test_the_repository_may_be_named_in_the_comment(world: World) -> None:
    """A line in the comment decides over the description."""
    key, comment = world.ask_issue("@openhands elsewhere\nRepository: PROJ/api")
    world.wait_issue(key)
    assert world.one_job(comment)["request"]["selected_repository"] == "PROJ/api"


def test_a_long_result_is_cut_at_jiras_limit(world: World) -> None:
    """Still one comment, still with a way to the whole."""
    world.stack.sims.ohe.script(match="write a book", text="word *and* _more_ " * 4000)
    key, _ = world.ask_issue("@openhands write a book")
    answers = world.wait_issue(key)
    assert 20000 < len(answers[1]["body"]) <= 32767
