"""Bitbucket's webhooks as OHE's Settings install them: with the caller's own rights, in order, and again after trouble."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.e2e.office import BITBUCKET_API as PATH
from tests.e2e.office import PROVIDER, Office, open_office
from tests.e2e.signing import encode, sign
from tests.e2e.stack import Stack
from tests.e2e.waiting import wait_until

NAME = "OpenHands Resolver"
EVENTS = [
    "repo:refs_changed",
    "repo:comment:added",
    "repo:comment:edited",
    "repo:comment:deleted",
    "pr:opened",
    "pr:from_ref_updated",
    "pr:modified",
    "pr:reviewer:approved",
    "pr:reviewer:unapproved",
    "pr:reviewer:needs_work",
    "pr:merged",
    "pr:declined",
    "pr:deleted",
    "pr:comment:added",
    "pr:comment:edited",
    "pr:comment:deleted",
]
NO_RIGHT = "Bitbucket answered 401: You are not permitted to access this resource"
NOT_ADMIN = "User does not have admin access to this repository"
NOT_THERE = "Bitbucket answered 404: Repository PROJ/gone does not exist."


@pytest.fixture(scope="module")
def opened(stack: Stack) -> Office:
    """People with accounts in Bitbucket: olga administers, mia writes, max has not signed in there."""
    office = open_office(stack)
    for name in ("olga", "mia", "max", "adam"):
        stack.sims.bitbucket.add_user(name=name, token=f"bb-{name}")
        stack.secrets.append(f"bb-{name}")
        if name != "max":
            stack.sims.ohe.set_provider_token(
                identity=office.ids[name], provider=PROVIDER, token=f"bb-{name}"
            )
    return office


@pytest.fixture
def office(opened: Office) -> Iterator[Office]:
    """The office; no peer may have seen a forbidden call."""
    yield opened
    found = [text for remote in opened.stack.sims.remotes() for text in remote.forgive()]
    for remote in opened.stack.sims.remotes():
        remote.heal()
    assert found == []


def new_repo(office: Office, key: str = "PROJ", slug: str | None = None, **more: Any) -> dict[str, str]:
    """A repository that olga and adam administer, and the bot can write to."""
    slug = slug or f"repo-{next(office.numbers)}"
    rights = {"olga": "REPO_ADMIN", "adam": "REPO_ADMIN", "mia": "REPO_WRITE", "openhands": "REPO_WRITE"}
    office.stack.sims.bitbucket.add_repo(key=key, slug=slug, rights=rights, **more)
    return {"project_key": key, "repo_slug": slug}


def post(office: Office, who: str | None, what: str, repo: dict[str, str], **headers: str) -> requests.Response:
    """A call about one repository."""
    return office.call(who, "POST", f"{PATH}/{what}", {"resource": repo}, **headers)


def install(office: Office, repo: dict[str, str], who: str = "olga") -> dict[str, Any]:
    """Install, expecting success."""
    answer = post(office, who, "reinstall-webhook", repo)
    assert answer.status_code == 200 and answer.json()["success"], answer.text
    return answer.json()


def row_of(office: Office, connection: int) -> dict[str, Any]:
    """A connection's row."""
    sql = "select * from connection where provider = 'bitbucket' and id = %s"
    return office.stack.rows(sql, connection)[0]


def hooks(office: Office, repo: dict[str, str]) -> list[dict[str, Any]]:
    """Bitbucket's webhooks."""
    return office.stack.sims.bitbucket.hooks_of(repo=f"{repo['project_key']}/{repo['repo_slug']}")


def deliver(office: Office, repo: dict[str, str], connection: int, secret: str) -> int:
    """A signed delivery to the ingress; its status."""
    place = {"slug": repo["repo_slug"], "project": {"key": repo["project_key"]}}
    body = encode({"eventKey": "repo:refs_changed", "repository": place})
    port = office.stack.programs["ingress"].http
    url = f"http://127.0.0.1:{port}{PATH}/connections/{connection}/events"
    named = {"X-Event-Key": "repo:refs_changed", "X-Hub-Signature": sign(secret, body)}
    return requests.post(url, data=body, headers=named, timeout=10).status_code


def listed(office: Office, who: str, repo: dict[str, str]) -> dict[str, Any] | None:
    """The repository's entry in the list, read anew."""
    answer = office.call(who, "GET", f"{PATH}/resources", X_Bitbucket_Token=f"bb-{who}")
    assert answer.status_code == 200, answer.text
    name = f"{repo['project_key']}/{repo['repo_slug']}"
    return next((r for r in answer.json()["resources"] if r["full_name"] == name), None)


# --- installing ---------------------------------------------------------------------------------


def test_install_makes_the_hook_and_the_connection(office: Office) -> None:
    """The contract's answer; name, events in order, secret, address; the row; deliveries count."""
    repo = new_repo(office)
    made = install(office, repo)
    number = made["connection_id"]
    (hook,) = hooks(office, repo)
    url = f"{office.stack.origin}{PATH}/connections/{number}/events"
    assert made == repo | {
        "success": True,
        "error": None,
        "webhook_id": str(hook["id"]),
        "connection_id": number,
        "webhook_url": url,
    }
    secret = hook["configuration"]["secret"]
    assert (hook["name"], hook["url"], hook["events"], hook["active"]) == (NAME, url, EVENTS, True)
    assert len(secret) == 43 and hook["sslVerificationRequired"] is True
    row = row_of(office, number)
    assert (row["status"], row["hook_id"], row["hook_error"]) == ("active", str(hook["id"]), None)
    assert row["owner_user_id"] == office.ids["olga"] and row["repo_id"] > 0
    assert secret.encode() not in bytes(row["secret_sealed"])
    wait_until(lambda: deliver(office, repo, number, secret) == 200, 5, "the delivery is taken")
    office.stack.secrets.append(secret)
