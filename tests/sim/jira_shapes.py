"""Jira Data Center's entities as JSON: users, issues, comments, changelogs, webhook bodies."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass
class User:
    """A Jira user; the key never changes, the name may."""

    name: str
    key: str
    email: str
    display: str
    active: bool = True
    admin: bool = False


@dataclass
class Comment:
    """A comment; body is wiki markup."""

    id: int
    author: User
    body: str
    created: float
    updated: float
    editor: User
    visibility: dict[str, str] | None = None


@dataclass
class Issue:
    """An issue with its comments and history."""

    id: int
    key: str
    summary: str
    description: str | None
    labels: list[str]
    reporter: User
    created: float
    hidden_from: set[str] = field(default_factory=set)
    comments: list[Comment] = field(default_factory=list)
    histories: list[dict[str, Any]] = field(default_factory=list)


def stamp(at: float) -> str:
    """Jira's date form: milliseconds and a zone without a colon."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{_ms(at)}+0000"


def _ms(at: float) -> str:
    return f"{int(at * 1000) % 1000:03d}"


class Shapes:
    """Builds JSON for one base URL; show_email follows the instance's visibility setting."""

    def __init__(self, base: str, show_email: bool = True) -> None:
        self.base = base
        self.show_email = show_email

    def user(self, user: User) -> dict[str, Any]:
        """A user as REST and webhooks show it."""
        body: dict[str, Any] = {
            "self": f"{self.base}/rest/api/2/user?username={user.name}",
            "name": user.name,
            "key": user.key,
        }
        if self.show_email:
            body["emailAddress"] = user.email
        body["avatarUrls"] = {"48x48": f"{self.base}/secure/useravatar?avatarId=10338"}
        body |= {"displayName": user.display, "active": user.active, "timeZone": "Etc/UTC"}
        return body

    def comment(self, issue: Issue, comment: Comment) -> dict[str, Any]:
        """A comment; visibility only where it is restricted."""
        body = {
            "self": f"{self.base}/rest/api/2/issue/{issue.id}/comment/{comment.id}",
            "id": str(comment.id),
            "author": self.user(comment.author),
            "body": comment.body,
            "updateAuthor": self.user(comment.editor),
            "created": stamp(comment.created),
            "updated": stamp(comment.updated),
        }
        if comment.visibility:
            body["visibility"] = comment.visibility
        return body

    def comments(self, issue: Issue, start: int, limit: int, newest_first: bool) -> dict[str, Any]:
        """A page of an issue's comments."""
        ordered = sorted(issue.comments, key=lambda c: c.id, reverse=newest_first)
        return {
            "startAt": start,
            "maxResults": limit,
            "total": len(ordered),
            "comments": [self.comment(issue, c) for c in ordered[start : start + limit]],
        }

    def issue(self, issue: Issue, wanted: list[str] | None = None, changelog: bool = False) -> dict[str, Any]:
        """An issue; wanted limits the fields, changelog adds the history."""
        fields = self._fields(issue)
        if wanted and "*all" not in wanted and "*navigable" not in wanted:
            fields = {name: value for name, value in fields.items() if name in wanted}
        body: dict[str, Any] = {
            "expand": "renderedFields,names,schema,operations,editmeta,changelog",
            "id": str(issue.id),
            "self": f"{self.base}/rest/api/2/issue/{issue.id}",
            "key": issue.key,
            "fields": fields,
        }
        if changelog:
            count = len(issue.histories)
            body["changelog"] = {
                "startAt": 0,
                "maxResults": count,
                "total": count,
                "histories": issue.histories,
            }
        return body

    def _fields(self, issue: Issue) -> dict[str, Any]:
        project = issue.key.split("-")[0]
        newest = max([issue.created, *(c.updated for c in issue.comments)])
        return {
            "issuetype": {"id": "10001", "name": "Task", "subtask": False},
            "project": {
                "self": f"{self.base}/rest/api/2/project/10000",
                "id": "10000",
                "key": project,
                "name": project.title(),
                "projectTypeKey": "software",
            },
            "priority": {"id": "3", "name": "Medium"},
            "status": {"id": "10000", "name": "To Do", "statusCategory": {"id": 2, "key": "new"}},
            "summary": issue.summary,
            "description": issue.description,
            "labels": list(issue.labels),
            "creator": self.user(issue.reporter),
            "reporter": self.user(issue.reporter),
            "assignee": None,
            "created": stamp(issue.created),
            "updated": stamp(newest),
            "customfield_10100": None,
            "comment": self.comments(issue, 0, len(issue.comments) or 1, False),
        }

    # --- webhook bodies ---------------------------------------------------------------------

    def hook_comment(self, event: str, issue: Issue, comment: Comment, actor: User, bare: bool) -> dict[str, Any]:
        """comment_created and its kin; the older shape has neither issue nor user."""
        body: dict[str, Any] = {"timestamp": int(time.time() * 1000), "webhookEvent": event}
        if not bare or event != "comment_created":
            body["user"] = self.user(actor)
        if not bare:
            thin = self.issue(issue, ["summary", "issuetype", "project", "priority", "status"])
            body["issue"] = {k: thin[k] for k in ("id", "self", "key", "fields")}
        body["comment"] = self.comment(issue, comment)
        return body

    def hook_issue(self, event: str, kind: str, issue: Issue, actor: User) -> dict[str, Any]:
        """jira:issue_*; comment or changelog are added by the caller."""
        whole = self.issue(issue)
        return {
            "timestamp": int(time.time() * 1000),
            "webhookEvent": event,
            "issue_event_type_name": kind,
            "user": self.user(actor),
            "issue": {k: whole[k] for k in ("id", "self", "key", "fields")},
        }


def label_change(before: list[str], after: list[str]) -> dict[str, Any]:
    """The changelog item of a label edit: whole sets, space separated."""
    return {
        "field": "labels",
        "fieldtype": "jira",
        "from": None,
        "fromString": " ".join(before),
        "to": None,
        "toString": " ".join(after),
    }
