"""Real captures of both products, through `explain` and, signed, through the running services."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.signing import encode, headers, post
from tests.e2e.stack import Connection
from tests.e2e.waiting import wait_until
from tests.e2e.world import World
from tests.sim.client import beside

FOUND = beside("payloads")
NAMES = (
    [str(path.relative_to(FOUND)) for path in sorted(FOUND.glob("*/*.json")) if "rest" not in path.name]
    if FOUND
    else []
)

pytestmark = pytest.mark.skipif(not NAMES, reason="no captures beside the repository")

# name: event, subject of the object (Jira: issue id, Bitbucket: pull request), comment id
EXPECTED: dict[str, tuple[str, str, str | None]] = {
    "jira/jira-cloud-comment-created.json": ("comment_created", "10040", "10019"),
    "jira/jira-issue-created.json": ("jira:issue_created", "10040", None),
    "jira/jira-issue-updated-labels.json": ("jira:issue_updated", "10040", None),
    "jira/jira-server-comment-created.json": ("comment_created", "10013", "10082"),
    "jira/jira-server-comment-updated.json": ("comment_updated", "10013", "10084"),
    "jira/jira-server-issue-updated-commented-2.json": ("jira:issue_updated", "10231", "10118"),
    "jira/jira-server-issue-updated-in-progress.json": ("jira:issue_updated", "10300", None),
    "jira/jira-server8-comment-created-nokey-2020.json": ("comment_created", "2", "456843"),
    "bitbucket/bb-other-pr-open-iso-dates.json": ("pr:opened", "2", None),
    "bitbucket/bb-other-pr-opened-2019.json": ("pr:opened", "5", None),
    "bitbucket/bb-pr-comment-added-2018.json": ("pr:comment:added", "1", "1"),
    "bitbucket/bb-pr-comment-added-2025.json": ("pr:comment:added", "1", "7"),
    "bitbucket/bb-pr-comment-added-reply-2019.json": ("pr:comment:added", "2", None),
    "bitbucket/bb-pr-comment-deleted-reply-2019.json": ("pr:comment:deleted", "2", None),
    "bitbucket/bb-pr-comment-edited-2025.json": ("pr:comment:edited", "1", "7"),
}
# what never starts anything is not read further than its event
READ = {
    "comment_created",
    "comment_updated",
    "jira:issue_created",
    "jira:issue_updated",
    "pr:comment:added",
    "pr:comment:edited",
}
PINGS = [name for name in NAMES if "ping" in name]
EVENTS = [name for name in NAMES if name in EXPECTED]


def load(name: str) -> dict[str, Any]:
    """A capture."""
    assert FOUND is not None
    return json.loads((FOUND / name).read_text())


def explain(world: World, name: str, body: bytes, *more: str) -> dict[str, Any]:
    """What `ohdc explain` makes of a body."""
    return json.loads(
        world.stack.ohdc("explain", name.split("/", maxsplit=1)[0], "--bot", "openhands", *more, text=body)
    )


def with_mention(body: dict[str, Any]) -> dict[str, Any]:
    """The same delivery asking for something."""
    key = "body" if "webhookEvent" in body else "text"
    return {**body, "comment": {**body["comment"], key: "@openhands look at this"}}


def test_every_capture_is_known_here() -> None:
    """A capture that is added must be given its meaning."""
    assert set(NAMES) == set(EXPECTED) | set(PINGS)


@pytest.mark.parametrize("name", EVENTS)
def test_explain_reads_each_capture(world: World, name: str) -> None:
    """Event, object and comment; none of them asks for anything."""
    event, subject, comment = EXPECTED[name]
    found = explain(world, name, encode(load(name)))
    assert found["provider"] == name.split("/", maxsplit=1)[0]
    assert found["event"] == event
    assert found["trigger"] is None
    assert found["reason"] == "NO_TRIGGER"
    assert found["mention"] is False
    if event not in READ:
        return
    thing = found["issue"] if found["provider"] == "jira" else found["pull_request"]
    assert str(thing["id"]) == subject
    if comment:
        assert str(found["comment_id"]) == comment
    assert found["actor"]["name"] or found["actor"]["key"]


@pytest.mark.parametrize("name", [n for n in EVENTS if "comment" in n and "deleted" not in n])
def test_explain_finds_the_mention(world: World, name: str) -> None:
    """With the mention in the comment, every shape triggers; old dates may make it stale."""
    found = explain(world, name, encode(with_mention(load(name))))
    assert found["mention"] is True
    assert found["reason"] in (None, "STALE")
    if found["reason"] is None:
        assert found["trigger"] == "comment"
    assert re.fullmatch(r"(jira:\d+|bitbucket:\d+:\w+):comment:\d+", found["event_key"])


def connection_for(world: World, name: str, body: dict[str, Any]) -> Connection:
    """A connection that this capture may come through."""
    if name.startswith("jira/"):
        return world.jira
    repo = body["pullRequest"]["toRef"]["repository"]
    full = f"{repo['project']['key']}/{repo['slug']}"
    shown = world.stack.ohdc_lines("connections", "list")
    if not any(full in json.dumps(row) for row in shown):
        sims = world.stack.sims
        sims.bitbucket.add_repo(key=repo["project"]["key"], slug=repo["slug"], rights={"openhands": "REPO_WRITE"})
        made = world.stack.connect("bitbucket", "--repo", full)
        CONNECTIONS[full] = made
    return CONNECTIONS[full]


CONNECTIONS: dict[str, Connection] = {}


def rehosted(world: World, name: str) -> bytes:
    """Jira's capture as if from the world's Jira: only scheme, host and port change."""
    assert FOUND is not None
    text = (FOUND / name).read_text()
    if name.startswith("jira/"):
        found = re.search(r'"(https?://[^/"]+)/rest/api/2/(?:issue|user)', text)
        assert found
        ours = urlsplit(world.stack.sims.jira.base_url)
        text = text.replace(found[1], f"{ours.scheme}://{ours.netloc}")
    return text.encode()


@pytest.mark.parametrize("name", EVENTS)
def test_each_capture_passes_the_services(world: World, name: str) -> None:
    """Signed with the connection's secret: 200, a record, a delivery row, no ask."""
    body = rehosted(world, name)
    connection = connection_for(world, name, json.loads(body))
    request_id = str(uuid.uuid4())
    answer = post(world, connection, body, event=EXPECTED[name][0], change={"X-Request-Id": request_id})
    assert answer.status_code == 200, answer.text
    sql = "select verdict, event from delivery where request_id = %s"
    row = wait_until(lambda: world.stack.rows(sql, request_id), 20, "the delivery")[0]
    assert row == {"verdict": "NO_TRIGGER", "event": EXPECTED[name][0]}


def test_an_old_capture_with_a_mention_is_stale(world: World) -> None:
    """A change from years ago starts nothing."""
    name = "jira/jira-server-comment-created.json"
    body = encode(with_mention(json.loads(rehosted(world, name))))
    sent = headers(world.jira, body)
    assert post(world, world.jira, body, change=dict(sent)).status_code == 200
    sql = "select verdict from delivery where request_id = %s"
    row = wait_until(lambda: world.stack.rows(sql, sent["X-Request-Id"]), 20, "the delivery")[0]
    assert row["verdict"] == "STALE"


@pytest.mark.parametrize("name", PINGS)
def test_pings_are_acknowledged(world: World, name: str) -> None:
    """Unsigned."""
    assert FOUND is not None
    body = (FOUND / name).read_bytes()
    change = {"X-Hub-Signature": None, "X-Event-Key": "diagnostics:ping"}
    assert post(world, world.bitbucket, body, change=change).status_code == 200
