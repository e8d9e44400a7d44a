"""Independent clients of Jira and Bitbucket get along with the simulators without a violation."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jira
import pytest
from atlassian import Bitbucket, Jira

from tests.e2e.waiting import wait_until
from tests.sim.client import Sims

SECRET = "hook-secret"


class Receiver:
    """A webhook receiver that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((dict(self.headers.items()), body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/events"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def bodies(self) -> list[dict[str, Any]]:
        """Parsed bodies; every signature must be right."""
        for headers, body in self.got:
            digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
            assert headers["X-Hub-Signature"] == f"sha256={digest}"
        return [json.loads(body) for _, body in self.got]


@pytest.fixture
def receiver(sims: Sims) -> Iterator[Receiver]:
    """A receiver on a free port; the hooks that lead to it go with it."""
    started = Receiver()
    yield started
    sims.jira.drop_hooks()
    sims.bitbucket.drop_hooks()
    started.server.shutdown()
    started.server.server_close()


@pytest.fixture(scope="module")
def sims() -> Iterator[Sims]:
    """Both products with one user, an issue and a pull request."""
    started = Sims(names=("jira", "bitbucket")).start()
    try:
        started.jira.add_user(name="ana", token="pat", admin=True)
        started.jira.add_issue(key="PROJ-1", reporter="ana", labels=["old"])
        started.bitbucket.add_user(name="ana", token="pat")
        started.bitbucket.add_repo(key="PROJ", slug="web", rights={"ana": "REPO_ADMIN"})
        started.bitbucket.add_pull(repo="PROJ/web", author="ana")
        yield started
        assert started.violations() == []
    finally:
        started.stop()


def test_the_jira_library_reads_comments_and_labels(sims: Sims, receiver: Receiver) -> None:
    """PyPI `jira`: a comment makes two signed deliveries, a label change one with a changelog."""
    sims.jira.add_hook(url=receiver.url, secret=SECRET)
    client = jira.JIRA(sims.jira.base_url, token_auth="pat")
    assert client.server_info()["deploymentType"] == "Server"
    assert client.myself()["name"] == "ana"
    comment = client.add_comment("PROJ-1", "hello {code}x{code}")
    assert [c.id for c in client.comments("PROJ-1")] == [comment.id]
    wait_until(lambda: len(receiver.got) == 2)
    client.issue("PROJ-1").update(fields={"labels": ["old", "new"]})
    wait_until(lambda: len(receiver.got) == 3)
    events = sorted(body["webhookEvent"] for body in receiver.bodies())
    assert events == ["comment_created", "jira:issue_updated", "jira:issue_updated"]
    item = next(b["changelog"]["items"][0] for b in receiver.bodies() if "changelog" in b)
    assert (item["fromString"], item["toString"]) == ("old", "old new")
    history = client.issue("PROJ-1", expand="changelog").changelog.histories
    assert history[-1].items[0].toString == "old new"


def test_the_atlassian_library_reads_jira(sims: Sims) -> None:
    """PyPI `atlassian-python-api`: comments and the caller."""
    client = Jira(sims.jira.base_url, token="pat", cloud=False)
    before = client.issue_get_comments("PROJ-1")["total"]
    client.issue_add_comment("PROJ-1", "from the other library")
    assert client.issue_get_comments("PROJ-1")["total"] == before + 1
    assert client.myself()["key"].startswith("JIRAUSER")


def test_the_atlassian_library_reads_bitbucket(sims: Sims, receiver: Receiver) -> None:
    """PyPI `atlassian-python-api`: hook, comment, paging over activities, errors."""
    client = Bitbucket(sims.bitbucket.base_url, token="pat", cloud=False)
    sims.bitbucket.add_hook(repo="PROJ/web", url=receiver.url, secret=SECRET)
    first = client.add_pull_request_comment("PROJ", "web", 1, "first")
    client.add_pull_request_comment("PROJ", "web", 1, "second", parent_id=first["id"])
    wait_until(lambda: len(receiver.got) == 2)
    reply = next(b for b in receiver.bodies() if b["comment"]["text"] == "second")
    assert reply["commentParentId"] == first["id"]
    for number in range(30):
        sims.bitbucket.comment_as(repo="PROJ/web", number=1, user="ana", text=f"{number}")
    found = list(client.get_pull_requests_activities("PROJ", "web", 1))
    assert len(found) == 31
    assert found[-1]["comment"]["comments"][0]["text"] == "second"
    assert client.get_pull_request("PROJ", "web", 1)["toRef"]["repository"]["slug"] == "web"
    with pytest.raises(Exception, match="does not exist"):
        client.get_repo("PROJ", "nothing")


@pytest.mark.parametrize(
    ("version", "kind", "extra"),
    [("7.21.0", int, "tasks"), ("9.4.2", int, "threadResolved"), ("10.3.0", str, "severity")],
)
def test_bitbucket_versions_differ_in_dates_and_fields(
    sims: Sims, receiver: Receiver, version: str, kind: type, extra: str
) -> None:
    """Epoch milliseconds before 10.3, ISO strings from there."""
    sims.bitbucket.configure(version=version)
    sims.bitbucket.add_hook(repo="PROJ/web", url=receiver.url, secret=SECRET)
    sims.bitbucket.comment_as(repo="PROJ/web", number=1, user="ana", text=version)
    comment = next(b["comment"] for b in receiver.bodies() if b["comment"]["text"] == version)
    assert isinstance(comment["createdDate"], kind)
    assert extra in comment


def test_older_jira_sends_bare_unsigned_comments(sims: Sims, receiver: Receiver) -> None:
    """Jira 9: no issue, no user, no signature, the actor in the query."""
    sims.jira.configure(version="9.12.0")
    sims.jira.add_hook(url=receiver.url + "?tag=9", secret=SECRET, events=["comment_created"])
    sims.jira.comment_as(issue="PROJ-1", user="ana", body="bare")
    sims.jira.configure(version="10.3.5")
    headers, body = receiver.got[-1]
    assert "X-Hub-Signature" not in headers
    assert set(json.loads(body)) == {"timestamp", "webhookEvent", "comment"}
    assert "?tag=9&user_id=ana&user_key=" in sims.jira.deliveries()[-1]["url"]
