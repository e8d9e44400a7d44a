"""A mention in a Bitbucket pull request becomes a conversation and an answer in the same thread."""

from __future__ import annotations

import pytest

from tests.e2e.waiting import wait_until
from tests.e2e.world import World

ANCHOR = {
    "path": "src/app.c",
    "line": 12,
    "lineType": "ADDED",
    "fileType": "TO",
    "diffType": "EFFECTIVE",
}


@pytest.mark.asan
def test_a_top_level_comment_is_answered_in_its_thread(world: World) -> None:
    """Reaction, acknowledgement with link, result: each once, below the asking comment."""
    world.stack.sims.ohe.script(match="tidy the parser", text="Tidied **it** up.")
    number, comment = world.ask_pull("@openhands tidy the parser")
    ack, result = world.wait_pull(number)
    job = world.one_job(comment)
    assert ack["root"] == result["root"] == comment
    assert f"/conversations/{job['id']}" in ack["text"]
    assert "PROJ/web" in ack["text"]
    assert "Tidied **it** up." in result["text"]
    assert "@ana" in result["text"]
    reactions = world.stack.sims.bitbucket.reactions_on(comment=comment)
    assert reactions == {"eyes": ["openhands"]}
    request = job["request"]
    assert job["owner"] == world.people["ana"]
    assert request["selected_repository"] == "PROJ/web"
    assert request["selected_branch"] == "feature/x"
    assert request["git_provider"] == "bitbucket_data_center"
    assert request["trigger"] == "resolver"


@pytest.mark.asan
def test_an_inline_comment_tells_the_agent_its_place(world: World) -> None:
    """File and line come from Bitbucket where the webhook has none; the answer stays inline."""
    number, comment = world.ask_pull("@openhands why this line?", anchor=ANCHOR)
    answers = world.wait_pull(number)
    assert {a["root"] for a in answers} == {comment}
    request = world.one_job(comment)["request"]
    said = request["initial_message"]["content"][0]["text"] + (request.get("system_message_suffix") or "")
    assert "src/app.c" in said
    assert "12" in said


def test_a_reply_is_answered_in_the_same_thread(world: World) -> None:
    """A mention deep in a thread: the answers hang under the same root."""
    sims = world.stack.sims
    number = world.pull()
    first = sims.bitbucket.comment_as(repo="PROJ/web", number=number, user="bob", text="looks odd", anchor=ANCHOR)
    _, reply = world.ask_pull("@openhands fix what bob says", number=number, parent=first["id"])
    answers = world.wait_pull(number)
    assert {a["root"] for a in answers} == {first["id"]}
    assert sims.bitbucket.reactions_on(comment=reply) == {"eyes": ["openhands"]}
    world.one_job(reply)


def test_a_pull_request_from_a_fork_works_on_its_branch(world: World) -> None:
    """The pull request belongs to the target; the branch is the fork's."""
    sims = world.stack.sims
    sims.bitbucket.add_repo(key="~ANA", slug="web", rights={"ana": "REPO_ADMIN"}, owner="ana")
    repos = {"bitbucket_data_center": ["PROJ/web", "PROJ/api", "OTHER/web", "~ANA/web"]}
    sims.ohe.set_repos(identity=world.people["ana"], repos=repos)
    number = world.pull(origin="~ANA/web", branch="from-fork")
    _, comment = world.ask_pull("@openhands check the fork", number=number)
    world.wait_pull(number)
    request = world.one_job(comment)["request"]
    assert request["selected_branch"] == "from-fork"
    assert request["selected_repository"] == "~ANA/web"


def test_an_edit_that_adds_the_mention_starts_once(world: World) -> None:
    """The first text asks nothing; two edits with the mention are one job."""
    sims = world.stack.sims
    number = world.pull()
    made = sims.bitbucket.comment_as(repo="PROJ/web", number=number, user="ana", text="rename later")
    for text in ("@openhands rename now", "@openhands rename now please"):
        edit = {"repo": "PROJ/web", "number": number, "user": "ana", "comment": made["id"]}
        assert sims.bitbucket.edit_as(**edit, text=text) == [200]
    world.wait_pull(number)
    world.drained()
    world.one_job(made["id"])
    assert len(world.pull_answers(number)) == 2


@pytest.mark.parametrize(
    "text",
    [
        "mail me at someone@openhands.com",
        "see @openhands-agent",
        "```\n@openhands in code\n```",
        "`@openhands` is the bot",
        "> @openhands quoted\n\nI agree",
        "nothing here",
    ],
)
def test_what_is_no_mention_asks_nothing(world: World, text: str) -> None:
    """Verdict NO_TRIGGER, no reaction, no answer."""
    before = len(world.stack.sims.ohe.jobs())
    number, comment = world.ask_pull(text)
    key = f":comment:{comment}"

    def verdict() -> str | None:
        rows = world.stack.rows("select verdict from delivery where event_key like %s", f"%{key}")
        return rows[0]["verdict"] if rows else None

    # a body without the label word is kept as headers only and has no event key
    if "openhands" in text:
        assert wait_until(verdict, 20) == "NO_TRIGGER"
    world.drained()
    assert len(world.stack.sims.ohe.jobs()) == before
    assert world.pull_answers(number) == []


def test_the_bots_own_comments_trigger_nothing(world: World) -> None:
    """Even with the mention in them."""
    number, comment = world.ask_pull("@openhands I said", user="openhands")
    world.drained()
    rows = world.stack.rows("select verdict from delivery where event_key like %s", f"%:comment:{comment}")
    assert [row["verdict"] for row in rows] == ["BOT_AUTHOR"]
    assert len(world.pull_answers(number)) == 1
    assert world.jobs("I said") == []


@pytest.mark.parametrize("version", ["7.21.0", "8.19.0", "10.3.1"])
def test_other_versions_of_bitbucket(world: World, version: str) -> None:
    """Dates as numbers and as text, fields that come and go."""
    sims = world.stack.sims
    sims.bitbucket.configure(version=version)
    number, comment = world.ask_pull(f"@openhands as seen by {version}", anchor=ANCHOR)
    world.wait_pull(number)
    sims.bitbucket.configure(version="9.4.2")
    world.one_job(comment)


def test_two_people_on_one_pull_request_get_their_own_conversations(world: World) -> None:
    """One at a time on one branch, each as the person who asked."""
    sims = world.stack.sims
    sims.ohe.set_repos(identity=world.people["bob"], repos={"bitbucket_data_center": ["PROJ/web"]})
    number, first = world.ask_pull("@openhands first of two")
    _, second = world.ask_pull("@openhands second of two", user="bob", number=number)
    world.wait_pull(number, 4)
    assert world.one_job(first)["owner"] == world.people["ana"]
    assert world.one_job(second)["owner"] == world.people["bob"]
    sims.ohe.set_repos(identity=world.people["bob"], repos={"bitbucket_data_center": ["X/y"]})
