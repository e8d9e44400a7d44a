"""Answers that never come: what was done is found and never done twice."""

from __future__ import annotations

import pytest

from tests.e2e.waiting import wait_until
from tests.e2e.world import World

START = "^POST /api/v1/app-conversations$"
PULL_COMMENT = r"^POST .*/pull-requests/[0-9]+/comments$"
ISSUE_COMMENT = r"^POST .*/issue/[^/]+/comment$"


def sent(world: World, peer: str, match: str) -> int:
    """How many such calls a peer has seen."""
    return len(getattr(world.stack.sims, peer).calls(match=match))


@pytest.mark.asan
def test_a_start_that_is_read_and_closed_but_done(world: World) -> None:
    """Exactly one POST was sent and one job runs."""
    world.stack.sims.ohe.fault(match=START, close=True, effect=True)
    before = sent(world, "ohe", START)
    number, comment = world.ask_pull("@openhands closed but done")
    world.wait_pull(number)
    world.settle()
    assert sent(world, "ohe", START) == before + 1
    world.one_job(comment)
    assert len(world.pull_answers(number)) == 2


def test_a_start_that_is_read_and_closed_and_not_done(world: World) -> None:
    """Looked for, not found three times, then sent again: one job."""
    world.stack.sims.ohe.fault(match=START, close=True, effect=False)
    before = sent(world, "ohe", START)
    number, comment = world.ask_pull("@openhands closed and not done")
    world.wait_pull(number)
    world.settle()
    assert sent(world, "ohe", START) == before + 2
    world.one_job(comment)
    assert len(world.pull_answers(number)) == 2


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_server_error_after_the_start_was_accepted(world: World, status: int) -> None:
    """Unknown outcome: looked for, found, not sent again."""
    world.stack.sims.ohe.fault(match=START, status=status, body="Bad Gateway", effect=True)
    before = sent(world, "ohe", START)
    number, comment = world.ask_pull(f"@openhands accepted but {status}")
    world.wait_pull(number)
    world.settle()
    assert sent(world, "ohe", START) == before + 1
    world.one_job(comment)


@pytest.mark.parametrize("done", [True, False], ids=["done", "not-done"])
@pytest.mark.parametrize("kind", ["bitbucket", "jira"])
def test_a_comment_without_an_answer_is_posted_once(world: World, kind: str, done: bool) -> None:
    """Acknowledgement and result whose first POST gets no answer; the marker finds what was posted."""
    remote = getattr(world.stack.sims, kind)
    match = PULL_COMMENT if kind == "bitbucket" else ISSUE_COMMENT
    remote.fault(match=match, close=True, effect=done, times=2)
    text = f"@openhands lost answers {kind} {done}"
    if kind == "bitbucket":
        number, _ = world.ask_pull(text)
        answers = [c["text"] for c in world.wait_pull(number, 2, 60)]
        world.settle(60)
        assert len(world.pull_answers(number)) == 2
    else:
        key, _ = world.ask_issue(text)
        answers = [c["body"] for c in world.wait_issue(key, 2, 60)]
        world.settle(60)
        assert len(world.issue_answers(key)) == 2
    assert "/conversations/" in answers[0]
    assert "All done." in answers[1]


def test_an_expired_key_is_minted_again(world: World) -> None:
    """401 once, then a new key; nobody notices."""
    number, comment = world.ask_pull("@openhands warm up")
    world.wait_pull(number)
    assert world.stack.sims.ohe.expire_keys() >= 1
    number, comment = world.ask_pull("@openhands with a new key")
    world.wait_pull(number)
    world.one_job(comment)


LIMITS = [
    (
        "concurrency",
        {
            "detail": {
                "error": "CONCURRENCY_LIMIT_REACHED",
                "message": "full",
                "limit": 3,
                "current": 3,
            }
        },
        {},
    ),
    (
        "daily",
        {
            "detail": {
                "code": "daily_conversation_limit_reached",
                "message": "enough",
                "limit": 5,
                "used": 5,
                "reset_at": "2026-11-22T00:00:00Z",
            }
        },
        {},
    ),
    ("rate", {"message": "Too many requests"}, {"Retry-After": "1"}),
]


@pytest.mark.parametrize(("name", "body", "headers"), LIMITS, ids=[name for name, _, _ in LIMITS])
def test_a_limit_makes_the_job_wait(world: World, name: str, body: dict, headers: dict) -> None:
    """WAITING with a reason; nothing is given up and no attempt is burnt."""
    sims = world.stack.sims
    sims.ohe.fault(match=START, status=429, body=body, headers=headers, times=-1)
    number, comment = world.ask_pull(f"@openhands limited by {name}")
    row = world.wait_waiting(comment)
    assert row["detail"]
    assert row["attempts"] == 0
    sims.ohe.heal()

    def ended() -> bool:
        world.nudge(comment)
        return world.job_rows(f":comment:{comment}")[0]["ended_at"] is not None

    wait_until(ended, 30, "the job ends", every=0.3)
    world.wait_pull(number, 2)
    world.one_job(comment)


def test_a_refusal_by_the_org_is_answered(world: World) -> None:
    """403: the person reads that the start failed."""
    sims = world.stack.sims
    detail = {"detail": "API key is not authorized for this organization"}
    sims.ohe.refuse_starts(identity=world.people["ana"], status=403, body=detail)
    number, _ = world.ask_pull("@openhands not allowed")
    world.wait_pull(number, 1)
    world.settle()
    sims.ohe.refuse_starts(identity=world.people["ana"], status=0)
    assert len(world.pull_answers(number)) == 1


def test_a_failed_reaction_hurts_nothing(world: World) -> None:
    """Best effort: a server without reactions."""
    sims = world.stack.sims
    sims.bitbucket.fault(match="^PUT /rest/comment-likes/", status=404, body="<html>no</html>")
    number, comment = world.ask_pull("@openhands without eyes")
    world.wait_pull(number)
    world.one_job(comment)
