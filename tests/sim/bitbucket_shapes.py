"""Bitbucket Data Center's entities as JSON, with the dates and fields of each version."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

RIGHTS = ("REPO_READ", "REPO_WRITE", "REPO_ADMIN")


@dataclass
class User:
    """A Bitbucket user; the numeric id never changes."""

    id: int
    name: str
    slug: str
    email: str
    display: str
    type: str = "NORMAL"


@dataclass
class Repo:
    """A repository; rights maps user names to RIGHTS."""

    id: int
    key: str
    slug: str
    owner: User | None = None
    rights: dict[str, str] = field(default_factory=dict)
    hooks: dict[int, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Comment:
    """A pull-request comment; replies hang under their parent."""

    id: int
    author: User
    text: str
    created: float
    updated: float
    version: int = 0
    parent: Comment | None = None
    anchor: dict[str, Any] | None = None
    replies: list[Comment] = field(default_factory=list)

    def root(self) -> Comment:
        """The first comment of the thread."""
        return self.parent.root() if self.parent else self


@dataclass
class Pull:
    """A pull request; origin differs from target for forks."""

    id: int
    target: Repo
    origin: Repo
    author: User
    title: str
    description: str | None
    branch: str
    created: float
    comments: list[Comment] = field(default_factory=list)

    def all_comments(self) -> list[Comment]:
        """Every comment, roots and replies."""

        def walk(found: list[Comment]) -> list[Comment]:
            return [c for one in found for c in (one, *walk(one.replies))]

        return walk(self.comments)


def commit(text: str) -> str:
    """A commit id that stays the same for a name."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Shapes:
    """Builds JSON for one address and version."""

    def __init__(self, base: str, version: str, show_email: bool = True) -> None:
        self.base = base
        self.numbers = tuple(int(part) for part in version.split("."))
        self.show_email = show_email

    def date(self, at: float) -> int | str:
        """Epoch milliseconds, or an ISO string from 10.3 on."""
        if self.numbers[:2] >= (10, 3):
            moment = datetime.fromtimestamp(at, UTC)
            return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(at * 1000) % 1000:03d}Z"
        return int(at * 1000)

    def self_link(self, path: str) -> dict[str, Any]:
        """The links member of an entity."""
        return {"self": [{"href": f"{self.base}{path}"}]}

    def user(self, user: User) -> dict[str, Any]:
        """A user."""
        body: dict[str, Any] = {"name": user.name}
        if self.show_email:
            body["emailAddress"] = user.email
        return body | {
            "id": user.id,
            "displayName": user.display,
            "active": True,
            "slug": user.slug,
            "type": user.type,
            "links": self.self_link(f"/users/{user.slug}"),
        }

    def project(self, repo: Repo) -> dict[str, Any]:
        """A project, or somebody's personal one."""
        body: dict[str, Any] = {"key": repo.key, "id": 100 + sum(repo.key.encode()) % 900}
        if repo.owner:
            return body | {
                "name": repo.owner.display,
                "type": "PERSONAL",
                "owner": self.user(repo.owner),
                "links": self.self_link(f"/users/{repo.owner.slug}"),
            }
        return body | {
            "name": repo.key.title(),
            "public": False,
            "type": "NORMAL",
            "links": self.self_link(f"/projects/{repo.key}"),
        }

    def repo(self, repo: Repo) -> dict[str, Any]:
        """A repository."""
        links: dict[str, Any] = self.self_link(f"/projects/{repo.key}/repos/{repo.slug}/browse")
        http = f"{self.base}/scm/{repo.key.lower()}/{repo.slug}.git"
        links["clone"] = [{"href": http, "name": "http"}]
        return {
            "slug": repo.slug,
            "id": repo.id,
            "name": repo.slug,
            "hierarchyId": commit(repo.slug)[:20],
            "scmId": "git",
            "state": "AVAILABLE",
            "statusMessage": "Available",
            "forkable": True,
            "project": self.project(repo),
            "public": False,
            "archived": False,
            "links": links,
        }

    def comment(self, pull: Pull, comment: Comment, nested: bool = True) -> dict[str, Any]:
        """A comment with its replies."""
        body: dict[str, Any] = {
            "properties": {"repositoryId": pull.target.id},
            "id": comment.id,
            "version": comment.version,
            "text": comment.text,
            "author": self.user(comment.author),
            "createdDate": self.date(comment.created),
            "updatedDate": self.date(comment.updated),
            "comments": [self.comment(pull, c) for c in comment.replies] if nested else [],
        }
        if self.numbers[0] < 9:
            body["tasks"] = []
        if self.numbers >= (7, 2):
            body |= {"severity": "NORMAL", "state": "OPEN"}
        if self.numbers >= (8, 9):
            body["threadResolved"] = False
        return body

    def anchor(self, comment: Comment) -> dict[str, Any] | None:
        """The file position of the thread, with the path as a plain string."""
        found = comment.root().anchor
        return {"diffType": "EFFECTIVE", "orphaned": False, **found} if found else None

    def rest_comment(self, pull: Pull, comment: Comment) -> dict[str, Any]:
        """A comment as its own resource: anchor only on the root of an inline thread."""
        body = self.comment(pull, comment)
        if comment.parent is None and comment.anchor:
            body["anchor"] = self.anchor(comment)
        body["permittedOperations"] = {"editable": True, "deletable": True}
        return body

    def activity(self, pull: Pull, comment: Comment) -> dict[str, Any]:
        """The activity entry of a thread."""
        entry: dict[str, Any] = {
            "id": 100_000 + comment.id,
            "createdDate": self.date(comment.created),
            "user": self.user(comment.author),
            "action": "COMMENTED",
            "commentAction": "ADDED",
            "comment": self.comment(pull, comment),
        }
        if comment.anchor:
            entry["commentAnchor"] = self.anchor(comment)
        return entry

    def ref(self, repo: Repo, branch: str) -> dict[str, Any]:
        """One side of a pull request."""
        return {
            "id": f"refs/heads/{branch}",
            "displayId": branch,
            "latestCommit": commit(f"{repo.id}/{branch}"),
            "type": "BRANCH",
            "repository": self.repo(repo),
        }

    def pull(self, pull: Pull) -> dict[str, Any]:
        """A pull request; an empty description is left out."""
        path = f"/projects/{pull.target.key}/repos/{pull.target.slug}/pull-requests/{pull.id}"
        body: dict[str, Any] = {"id": pull.id, "version": 1, "title": pull.title}
        if pull.description:
            body["description"] = pull.description
        body |= {
            "state": "OPEN",
            "open": True,
            "closed": False,
            "createdDate": self.date(pull.created),
            "updatedDate": self.date(pull.created),
            "fromRef": self.ref(pull.origin, pull.branch),
            "toRef": self.ref(pull.target, "main"),
            "locked": False,
            "author": {
                "user": self.user(pull.author),
                "role": "AUTHOR",
                "approved": False,
                "status": "UNAPPROVED",
            },
            "reviewers": [],
            "participants": [],
            "links": self.self_link(path),
        }
        if self.numbers >= (8, 18):
            body["draft"] = False
        return body

    def hook(self, event: str, pull: Pull, comment: Comment, actor: User, at: float) -> dict[str, Any]:
        """Body of pr:comment:*; a reply names its parent at top level."""
        moment = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
        body: dict[str, Any] = {
            "eventKey": event,
            "date": moment,
            "actor": self.user(actor),
            "pullRequest": self.pull(pull),
            "comment": self.comment(pull, comment, nested=False),
        }
        if event == "pr:comment:deleted":
            del body["comment"]["properties"]
        if comment.parent:
            body["commentParentId"] = comment.parent.id
        return body


PLACE = 7


def page(values: list[Any], start: int, limit: int) -> dict[str, Any]:
    """A page; places on later pages are opaque (here: times seven), absent on the last page."""
    index = start // PLACE
    part = values[index : index + limit]
    last = index + limit >= len(values)
    body: dict[str, Any] = {
        "size": len(part),
        "limit": limit,
        "isLastPage": last,
        "values": part,
        "start": start,
    }
    if not last:
        body["nextPageStart"] = (index + limit) * PLACE
    return body
