"""Webhook bodies of the simulators have the members and types of real captures, where those are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sim.client import Sims, beside

FOUND = beside("payloads")
pytestmark = pytest.mark.skipif(FOUND is None, reason="no captures beside the repository")


def load(name: str) -> dict[str, Any]:
    """A capture."""
    assert FOUND is not None
    return json.loads((FOUND / name).read_text())


def differences(ours: Any, real: Any, path: str = "") -> list[str]:
    """Members that a real body does not have, or has with another type."""
    if isinstance(ours, dict) and isinstance(real, dict):
        found = [f"{path}.{name} is invented" for name in sorted(set(ours) - set(real))]
        for name in set(ours) & set(real):
            found += differences(ours[name], real[name], f"{path}.{name}")
        return found
    if isinstance(ours, list) and isinstance(real, list):
        return differences(ours[0], real[0], f"{path}[0]") if ours and real else []
    if ours is None or real is None or type(ours) is type(real):
        return []
    return [f"{path} is {type(ours).__name__}, really {type(real).__name__}"]


@pytest.fixture(scope="module")
def sims() -> Iterator[Sims]:
    """Both products with one of everything, and a hook that leads nowhere."""
    started = Sims(names=("jira", "bitbucket")).start()
    try:
        nowhere = "http://127.0.0.1:9/events"
        started.jira.add_user(name="ana")
        started.jira.add_hook(url=nowhere)
        started.bitbucket.add_user(name="ana")
        started.bitbucket.add_repo(key="PROJ", slug="web", rights={"ana": "REPO_ADMIN"})
        started.bitbucket.add_pull(repo="PROJ/web", author="ana")
        started.bitbucket.add_hook(repo="PROJ/web", url=nowhere)
        yield started
    finally:
        started.stop()


def newest(remote: Any, event: str, holding: str = "") -> dict[str, Any]:
    """Body of the last webhook of an event."""
    bodies = [d["body"] for d in remote.deliveries() if d["event"] == event]
    return json.loads([body for body in bodies if holding in body][-1])


def test_jira_bodies(sims: Sims) -> None:
    """Bare comment, commented issue, label change, edited comment."""
    sims.jira.configure(version="9.12.0")
    sims.jira.add_issue(key="PROJ-1", reporter="ana", labels=["a"])
    made = sims.jira.comment_as(issue="PROJ-1", user="ana", body="x")
    sims.jira.edit_as(issue="PROJ-1", user="ana", comment=made["id"], body="y")
    sims.jira.label_as(issue="PROJ-1", user="ana", labels=["a", "b"])
    pairs = [
        (newest(sims.jira, "comment_created"), "jira/jira-server-comment-created.json"),
        (newest(sims.jira, "comment_updated"), "jira/jira-server-comment-updated.json"),
        (
            newest(sims.jira, "jira:issue_updated", "issue_commented"),
            "jira/jira-server-issue-updated-commented-2.json",
        ),
        (
            newest(sims.jira, "jira:issue_updated", "changelog"),
            "jira/jira-issue-updated-labels.json",
        ),
    ]
    # fields that some instances send and others do not
    varying = ("customfield_10100", "comment", "project.projectTypeKey")
    allowed = {f".issue.fields.{name} is invented" for name in varying}
    for ours, name in pairs:
        assert set(differences(ours, load(name))) <= allowed, name


def test_bitbucket_bodies(sims: Sims) -> None:
    """A new comment, a reply and an edit, each as the version of its capture sends it."""
    told = {"repo": "PROJ/web", "number": 1, "user": "ana"}
    sims.bitbucket.configure(version="9.4.2")
    made = sims.bitbucket.comment_as(**told, text="x")
    edit = {**told, "comment": made["id"]}
    added = newest(sims.bitbucket, "pr:comment:added")
    assert differences(added, load("bitbucket/bb-pr-comment-added-2025.json")) == []
    sims.bitbucket.edit_as(**edit, text="y")
    edited = newest(sims.bitbucket, "pr:comment:edited")
    assert differences(edited, load("bitbucket/bb-pr-comment-edited-2025.json")) == []
    sims.bitbucket.configure(version="7.1.0")
    sims.bitbucket.comment_as(**told, text="z", parent=made["id"])
    reply = newest(sims.bitbucket, "pr:comment:added")
    real = load("bitbucket/bb-pr-comment-added-reply-2019.json")
    # the reply's capture is from 2019 and of a personal project
    newer = ("archived", "hierarchyId", "project.public", "Ref.type")
    found = [text for text in differences(reply, real) if not text.split()[0].endswith(newer)]
    assert found == []
