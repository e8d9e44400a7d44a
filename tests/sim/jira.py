"""A Jira Data Center: REST v2, webhooks with their double delivery, reactions, its refusals."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import time
import uuid
from typing import Any, ClassVar

from tests.sim.core import Answer, Req, SimError, Simulator, control, route
from tests.sim.jira_oauth import OAuthProvider
from tests.sim.jira_shapes import Comment, Issue, Shapes, User, label_change, stamp

TEXT_LIMIT = 32767
PALETTE = {"1f44d", "1f44e", "1f44f", "1f389", "2764", "1f525", "1f602", "1f622"}
EVENTS = {
    "jira:issue_created",
    "jira:issue_updated",
    "jira:issue_deleted",
    "comment_created",
    "comment_updated",
    "comment_deleted",
}
VISIBILITY = {
    "type": ["object", "null"],
    "required": ["type", "value"],
    "properties": {"type": {"enum": ["group", "role"]}, "value": {"type": "string"}},
}
COMMENT = {
    "type": "object",
    "required": ["body"],
    "additionalProperties": False,
    "properties": {"body": {"type": "string"}, "visibility": VISIBILITY},
}
REACTION = {
    "type": "object",
    "required": ["commentId", "emojiId"],
    "additionalProperties": False,
    "properties": {
        "commentId": {"type": ["integer", "string"]},
        "emojiId": {"type": "string", "pattern": "^[0-9a-f]+(-[0-9a-f]+)*$"},
    },
}
HOOK = {
    "type": "object",
    "required": ["name", "url", "events"],
    "properties": {
        "id": {"type": ["integer", "null"]},
        "name": {"type": "string", "minLength": 1},
        "url": {"type": "string", "pattern": "^https?://"},
        "events": {"type": "array", "items": {"type": "string"}},
        "active": {"type": "boolean"},
        "scopeType": {"const": "global"},
        "configuration": {"type": "object", "additionalProperties": {"type": "string"}},
        "sslVerificationRequired": {"type": "boolean"},
    },
}


def error(status: int, text: str, field: str | None = None) -> Answer:
    """Jira's error entity."""
    return Answer(
        status,
        {"errorMessages": [] if field else [text], "errors": {field: text} if field else {}},
    )


class JiraSim(OAuthProvider, Simulator):
    """State and behaviour; control methods act as users do in the browser."""

    name: ClassVar[str] = "jira"

    def __init__(self) -> None:
        super().__init__()
        self.version = "10.3.5"
        self.bare_comments = False
        self.show_email = True
        self.users: dict[str, User] = {}
        self.tokens: dict[str, User] = {}
        self.issues: dict[str, Issue] = {}
        self.hooks: dict[int, dict[str, Any]] = {}
        self.reactions: dict[int, dict[str, set[str]]] = {}
        self.next_id = 10000

    def fresh(self) -> int:
        """Next id of anything."""
        self.next_id += 1
        return self.next_id

    @property
    def major(self) -> int:
        """First number of the version."""
        return int(self.version.split(".")[0])

    @property
    def shapes(self) -> Shapes:
        """JSON builder for the current address."""
        return Shapes(self.base_url + self.context, self.show_email)

    # --- how it refuses ---------------------------------------------------------------------

    def authenticate(self, req: Req) -> User | Answer:
        """Personal access tokens and OAuth access tokens as Bearer only; an expired token is no violation."""
        kind, _, token = (req.header("Authorization") or "").partition(" ")
        user = (self.tokens.get(token) or self.holder(token)) if kind == "Bearer" else None
        if user is None:
            if kind != "Bearer" or not self.was_issued(token):
                self.violate(req, "missing or wrong credential")
            page = "<html><body><h1>Unauthorized (401)</h1></body></html>"
            return Answer(401, page, {"WWW-Authenticate": 'OAuth realm="jira"'})
        return user

    def refuse_path(self, req: Req) -> Answer:
        """Unknown paths get an HTML page."""
        return Answer(404, "<html><body><h1>Oops, you've found a dead link.</h1></body></html>")

    def refuse_body(self, req: Req, reason: str) -> Answer:
        """A body that does not fit the entity."""
        return error(400, f"Cannot deserialize: {reason}")

    def decorate(self, req: Req, answer: Answer) -> None:
        """Login and rate headers, as on every answer; retry-after 0 means nothing."""
        user = req.user
        answer.headers.setdefault("X-AREQUESTID", f"{int(time.time())}x{self.fresh()}x1")
        answer.headers.setdefault("X-AUSERNAME", user.name if user else "anonymous")
        answer.headers.setdefault("X-Seraph-LoginReason", "OK" if user else "AUTHENTICATED_FAILED")
        if user:
            answer.headers.setdefault("X-RateLimit-Remaining", "100")
            answer.headers.setdefault("retry-after", "0")

    def visible(self, req: Req, key: str) -> Issue | Answer:
        """The issue by id or key, or the 404 that also hides it."""
        issue = self.issues.get(key) or next((i for i in self.issues.values() if str(i.id) == key), None)
        if issue is None or req.user.name in issue.hidden_from:
            return error(404, "Issue Does Not Exist")
        return issue

    # --- REST: server, users ----------------------------------------------------------------

    @route("GET", "/rest/api/2/serverInfo", auth=False, query="doHealthCheck")
    def server_info(self, req: Req) -> Answer:
        """Version and base URL, without a login."""
        numbers = [int(part) for part in self.version.split(".")]
        return Answer(
            body={
                "baseUrl": self.base_url + self.context,
                "version": self.version,
                "versionNumbers": numbers,
                "deploymentType": "Server",
                "buildNumber": 10030005,
                "serverTitle": "Jira",
            }
        )

    @route("GET", "/rest/api/2/myself")
    def myself(self, req: Req) -> Answer:
        """The caller."""
        return Answer(body=self.shapes.user(req.user))

    @route("GET", "/rest/api/2/user", query="key username includeDeleted")
    def user(self, req: Req) -> Answer:
        """One user by key or name."""
        key, name = req.one("key"), req.one("username")
        for user in self.users.values():
            if (key and user.key == key) or (name and user.name == name):
                return Answer(body=self.shapes.user(user))
        return error(404, f"The user named '{name or key}' does not exist")

    @route("GET", "/rest/api/2/user/search", query="username startAt maxResults includeInactive")
    def user_search(self, req: Req) -> Answer:
        """Users whose name, display name or e-mail contains the text."""
        text = (req.one("username") or "").lower()
        if not text:
            self.violate(req, "user/search without username")
            return error(400, "The username query parameter was not provided", "username")
        start, limit = req.number("startAt", 0), req.number("maxResults", 50)
        hits = [self.shapes.user(u) for u in self.users.values() if text in f"{u.name} {u.display} {u.email}".lower()]
        return Answer(body=hits[start : start + limit])

    @route("GET", "/rest/api/2/mypermissions", query="issueKey issueId projectKey projectId")
    def my_permissions(self, req: Req) -> Answer:
        """What the caller may do."""
        names = {
            "BROWSE_PROJECTS": True,
            "ADD_COMMENTS": True,
            "ADMINISTER": req.user.admin,
            "SYSTEM_ADMIN": False,
        }
        return Answer(
            body={
                "permissions": {
                    name: {
                        "id": "1",
                        "key": name,
                        "name": name,
                        "type": "GLOBAL" if name in ("ADMINISTER", "SYSTEM_ADMIN") else "PROJECT",
                        "description": "",
                        "havePermission": have,
                    }
                    for name, have in names.items()
                }
            }
        )

    # --- REST: issues and comments ----------------------------------------------------------

    @route("GET", "/rest/api/2/issue/{key}", query="fields expand updateHistory")
    def issue(self, req: Req, key: str) -> Answer:
        """One issue."""
        issue = self.visible(req, key)
        if isinstance(issue, Answer):
            return issue
        expand = (req.one("expand") or "").split(",")
        for name in expand:
            if name not in ("", "changelog", "renderedFields", "names", "schema"):
                self.violate(req, f"unknown expand {name}")
        wanted = [f for f in ",".join(req.query.get("fields", [])).split(",") if f]
        return Answer(body=self.shapes.issue(issue, wanted or None, "changelog" in expand))

    @route("PUT", "/rest/api/2/issue/{key}", body=True, query="notifyUsers")
    async def edit_issue(self, req: Req, key: str) -> Answer:
        """Label edits, by fields or by update."""
        issue = self.visible(req, key)
        if isinstance(issue, Answer):
            return issue
        labels = req.body.get("fields", {}).get("labels", list(issue.labels))
        for step in req.body.get("update", {}).get("labels", []):
            if "add" in step:
                labels = [*labels, step["add"]]
            if "remove" in step:
                labels = [label for label in labels if label != step["remove"]]
        self.spawn(self.change_labels(issue, req.user, labels))
        return Answer(204)

    @route("GET", "/rest/api/2/issue/{key}/comment", query="startAt maxResults orderBy expand")
    def comments(self, req: Req, key: str) -> Answer:
        """A page of comments; the server caps it at 100."""
        issue = self.visible(req, key)
        if isinstance(issue, Answer):
            return issue
        order = req.one("orderBy", "+created")
        if order not in ("created", "+created", "-created", " created"):
            self.violate(req, f"unknown orderBy {order}")
        limit = min(req.number("maxResults", 50), 100)
        return Answer(body=self.shapes.comments(issue, req.number("startAt", 0), limit, order == "-created"))

    @route("POST", "/rest/api/2/issue/{key}/comment", schema=COMMENT, query="expand")
    def add_comment(self, req: Req, key: str) -> Answer:
        """Post a comment; it fires webhooks like a person's."""
        issue = self.visible(req, key)
        if isinstance(issue, Answer):
            return issue
        text = req.body["body"]
        if not text.strip():
            self.violate(req, "empty comment")
            return error(400, "Comment body can not be empty!", "comment")
        if len(text) > TEXT_LIMIT:
            self.violate(req, f"comment of {len(text)} characters")
            return error(400, f"The entered text is too long. It exceeds {TEXT_LIMIT}", "comment")
        comment = self._new_comment(issue, req.user, text, req.body.get("visibility"))
        self.spawn(self._fire_comment("comment_created", issue, comment, req.user))
        return Answer(201, self.shapes.comment(issue, comment))

    def find_comment(self, req: Req, key: str, comment: str) -> tuple[Issue, Comment] | Answer:
        """A comment of a visible issue."""
        issue = self.visible(req, key)
        if isinstance(issue, Answer):
            return issue
        found = next((c for c in issue.comments if str(c.id) == comment), None)
        if found is None:
            return error(404, f"Can not find a comment for the id: {comment}.")
        return issue, found

    @route("GET", "/rest/api/2/issue/{key}/comment/{comment}", query="expand")
    def comment(self, req: Req, key: str, comment: str) -> Answer:
        """One comment."""
        found = self.find_comment(req, key, comment)
        return found if isinstance(found, Answer) else Answer(body=self.shapes.comment(*found))

    @route("PUT", "/rest/api/2/issue/{key}/comment/{comment}", schema=COMMENT, query="expand")
    def put_comment(self, req: Req, key: str, comment: str) -> Answer:
        """Edit an own comment."""
        found = self.find_comment(req, key, comment)
        if isinstance(found, Answer):
            return found
        if found[1].author is not req.user:
            self.violate(req, "edits another person's comment")
            return error(403, "You do not have the permission to edit this comment.")
        found[1].body, found[1].updated = req.body["body"], time.time()
        found[1].editor = req.user
        self.spawn(self._fire_comment("comment_updated", *found, req.user))
        return Answer(body=self.shapes.comment(*found))

    @route("DELETE", "/rest/api/2/issue/{key}/comment/{comment}")
    def delete_comment(self, req: Req, key: str, comment: str) -> Answer:
        """Delete an own comment."""
        found = self.find_comment(req, key, comment)
        if isinstance(found, Answer):
            return found
        found[0].comments.remove(found[1])
        self.spawn(self._fire_comment("comment_deleted", *found, req.user))
        return Answer(204)

    # --- REST: reactions --------------------------------------------------------------------

    @route("POST", "/rest/internal/2/reactions", schema=REACTION)
    def react(self, req: Req) -> Answer:
        """Add a reaction; only the palette's emoji are taken."""
        if self.major < 10:
            return self.refuse_path(req)
        number = int(req.body["commentId"])
        if not any(c.id == number for i in self.issues.values() for c in i.comments):
            self.violate(req, "reaction to an unknown comment")
            return error(404, "Comment not found")
        if req.body["emojiId"] not in PALETTE:
            self.violate(req, f"emoji {req.body['emojiId']} is not in the palette")
            return error(400, "Emoji is not allowed")
        people = self.reactions.setdefault(number, {}).setdefault(req.body["emojiId"], set())
        people.add(req.user.name)
        return Answer(200, {"commentId": number, "emojiId": req.body["emojiId"], "count": len(people)})

    @route("DELETE", "/rest/internal/2/reactions", query="commentId emojiId")
    def unreact(self, req: Req) -> Answer:
        """Take a reaction back."""
        number, emoji = int(req.one("commentId") or 0), req.one("emojiId") or ""
        self.reactions.get(number, {}).get(emoji, set()).discard(req.user.name)
        return Answer(204)

    # --- REST: webhooks ---------------------------------------------------------------------

    def admin_only(self, req: Req) -> Answer | None:
        """Webhook administration: Jira 10+ and administrators."""
        if self.major < 10:
            return self.refuse_path(req)
        if not req.user.admin:
            self.violate(req, "webhook administration without admin rights")
            return error(403, "You must be an administrator.")
        return None

    @route("GET", "/rest/jira-webhook/1.0/webhooks", query="event statistics start limit")
    def list_hooks(self, req: Req) -> Answer:
        """A bare array."""
        return self.admin_only(req) or Answer(body=list(self.hooks.values()))

    @route("POST", "/rest/jira-webhook/1.0/webhooks", schema=HOOK)
    def post_hook(self, req: Req) -> Answer:
        """Create a webhook."""
        return self.admin_only(req) or self._put_hook(req, self.fresh(), 201)

    @route("GET", "/rest/jira-webhook/1.0/webhooks/{hook:[0-9]+}", query="statistics")
    def get_hook(self, req: Req, hook: str) -> Answer:
        """One webhook."""
        found = self.hooks.get(int(hook))
        return self.admin_only(req) or (Answer(body=found) if found else error(404, "No webhook"))

    @route("PUT", "/rest/jira-webhook/1.0/webhooks/{hook:[0-9]+}", schema=HOOK)
    def put_hook(self, req: Req, hook: str) -> Answer:
        """Replace a webhook as a whole."""
        refusal = self.admin_only(req)
        if refusal or int(hook) not in self.hooks:
            return refusal or error(404, "No webhook")
        return self._put_hook(req, int(hook), 200)

    @route("GET", "/rest/jira-webhook/1.0/webhooks/{hook:[0-9]+}/latest", query="event outcome")
    def latest(self, req: Req, hook: str) -> Answer:
        """The last delivery; 204 until there is one."""
        refusal = self.admin_only(req)
        if refusal or int(hook) not in self.hooks:
            return refusal or error(404, "No webhook")
        sent = [r for r in self.sent if r["url"].startswith(self.hooks[int(hook)]["url"])]
        if not sent:
            return Answer(204)
        return Answer(body={"event": sent[-1]["event"], "result": {"outcome": str(sent[-1]["status"])}})

    @route("DELETE", "/rest/jira-webhook/1.0/webhooks/{hook:[0-9]+}")
    def delete_hook(self, req: Req, hook: str) -> Answer:
        """Remove a webhook."""
        refusal = self.admin_only(req)
        if refusal:
            return refusal
        return Answer(204) if self.hooks.pop(int(hook), None) else error(404, "No webhook")

    def _put_hook(self, req: Req, number: int, status: int) -> Answer:
        for name in sorted(set(req.body) - set(HOOK["properties"])):
            self.violate(req, f"top-level {name} is ignored")
        unknown = sorted(set(req.body["events"]) - EVENTS)
        if unknown:
            self.violate(req, f"unknown events {unknown}")
            return error(400, f"Unknown event {unknown[0]}")
        return Answer(status, self._store_hook(req.body, number))

    def _store_hook(self, body: dict[str, Any], number: int) -> dict[str, Any]:
        body = {name: value for name, value in body.items() if name in HOOK["properties"]}
        now = int(time.time() * 1000)
        old = self.hooks.get(number, {})
        entity = {"active": True, "scopeType": "global", "sslVerificationRequired": True}
        entity |= body
        entity |= {"id": number, "createdDate": old.get("createdDate", now), "updatedDate": now}
        entity.setdefault("configuration", {})
        self.hooks[number] = entity
        return entity

    # --- sending ----------------------------------------------------------------------------

    def _new_comment(self, issue: Issue, author: User, body: str, visibility: dict[str, str] | None = None) -> Comment:
        now = time.time()
        comment = Comment(self.fresh(), author, body, now, now, author, visibility)
        issue.comments.append(comment)
        return comment

    def _signed(self, hook: dict[str, Any], body: bytes) -> dict[str, str]:
        agent = f"Atlassian HttpClient 4.2.0 / JIRA-{self.version} (10030005) / Default"
        headers = {"User-Agent": agent, "Accept": "*/*"}
        if self.major < 10:
            headers["Content-Type"] = "application/json; charset=UTF-8"
            headers["X-Atlassian-Webhook-Identifier"] = str(uuid.uuid4())
            return headers
        headers["Content-Type"] = "application/json"
        headers["X-Request-Id"] = str(uuid.uuid4())
        secret = hook["configuration"].get("SECRET")
        if secret:
            digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            headers["X-Hub-Signature"] = f"sha256={digest}"
        return headers

    async def fire(self, bodies: list[dict[str, Any]], actor: User) -> list[dict[str, Any]]:
        """Send events to each hook that wants them: at the same time and in no order."""
        work = []
        for hook in self.hooks.values():
            for value in bodies:
                event = value["webhookEvent"]
                if not hook["active"] or event not in hook["events"]:
                    continue
                body = json.dumps(value, ensure_ascii=False).encode()
                url = hook["url"]
                if self.major < 10:
                    mark = "&" if "?" in url else "?"
                    url += f"{mark}user_id={actor.name}&user_key={actor.key}"
                work.append(self.deliver(url, event, body, self._signed(hook, body)))
        random.shuffle(work)
        return list(await asyncio.gather(*work))

    async def _fire_comment(self, event: str, issue: Issue, comment: Comment, actor: User) -> list[dict[str, Any]]:
        shapes = self.shapes
        bare = self.bare_comments or self.major < 10
        first = shapes.hook_comment(event, issue, comment, actor, bare)
        kind = {
            "comment_created": "issue_commented",
            "comment_updated": "issue_comment_edited",
            "comment_deleted": "issue_comment_deleted",
        }[event]
        second = shapes.hook_issue("jira:issue_updated", kind, issue, actor)
        if event != "comment_deleted":
            second["comment"] = shapes.comment(issue, comment)
        return await self.fire([first, second], actor)

    async def change_labels(self, issue: Issue, actor: User, labels: list[str]) -> list[dict[str, Any]]:
        """Set the labels as a user, write history and send the webhook."""
        item = label_change(issue.labels, labels)
        issue.labels = labels
        number = str(self.fresh())
        issue.histories.append(
            {
                "id": number,
                "author": self.shapes.user(actor),
                "created": stamp(time.time()),
                "items": [item],
            }
        )
        body = self.shapes.hook_issue("jira:issue_updated", "issue_updated", issue, actor)
        body["changelog"] = {"id": number, "items": [item]}
        return await self.fire([body], actor)

    # --- control ----------------------------------------------------------------------------

    @control
    def configure(self, **settings: Any) -> str:
        """Set version, context, bare_comments, show_email; returns the base URL."""
        for name, value in settings.items():
            if name not in ("version", "context", "bare_comments", "show_email"):
                raise SimError(f"no setting {name}")
            setattr(self, name, value)
        return self.base_url + self.context

    @control
    def add_user(
        self,
        name: str,
        token: str | None = None,
        key: str | None = None,
        email: str | None = None,
        display: str | None = None,
        admin: bool = False,
    ) -> dict[str, Any]:
        """Make a user, and a personal access token for it."""
        user = User(
            name,
            key or f"JIRAUSER{self.fresh()}",
            email or f"{name}@example.com",
            display or name.title(),
            True,
            admin,
        )
        self.users[name] = user
        if token:
            self.tokens[token] = user
        return self.shapes.user(user)

    @control
    def add_token(self, name: str, token: str) -> None:
        """One more token of a user."""
        self.tokens[token] = self.users[name]

    @control
    def revoke(self, token: str) -> None:
        """Make a token unknown."""
        self.tokens.pop(token)

    @control
    async def add_issue(
        self,
        key: str,
        reporter: str,
        summary: str = "Something is broken",
        description: str | None = None,
        labels: list[str] | None = None,
        hidden_from: list[str] | None = None,
    ) -> dict[str, Any]:
        """Make an issue as a user; sends jira:issue_created."""
        user = self.users[reporter]
        issue = Issue(self.fresh(), key, summary, description, list(labels or []), user, time.time())
        issue.hidden_from = set(hidden_from or [])
        self.issues[key] = issue
        body = self.shapes.hook_issue("jira:issue_created", "issue_created", issue, user)
        sent = await self.fire([body], user)
        return {"id": str(issue.id), "key": key, "statuses": [r["status"] for r in sent]}

    @control
    async def comment_as(
        self,
        issue: str,
        user: str,
        body: str,
        visibility: dict[str, str] | None = None,
        quiet: bool = False,
    ) -> dict[str, Any]:
        """Comment as a user; sends both webhooks unless quiet, returns their statuses."""
        author, at = self.users[user], self.issues[issue]
        comment = self._new_comment(at, author, body, visibility)
        sent = [] if quiet else await self._fire_comment("comment_created", at, comment, author)
        return {"id": str(comment.id), "statuses": [r["status"] for r in sent]}

    @control
    async def edit_as(self, issue: str, user: str, comment: str, body: str) -> list[int]:
        """Edit a comment as a user."""
        at = self.issues[issue]
        found = next(c for c in at.comments if str(c.id) == comment)
        found.body, found.updated, found.editor = body, time.time(), self.users[user]
        sent = await self._fire_comment("comment_updated", at, found, self.users[user])
        return [r["status"] for r in sent]

    @control
    async def label_as(self, issue: str, user: str, labels: list[str]) -> dict[str, Any]:
        """Set an issue's labels as a user."""
        at = self.issues[issue]
        sent = await self.change_labels(at, self.users[user], labels)
        return {"id": at.histories[-1]["id"], "statuses": [r["status"] for r in sent]}

    @control
    def add_hook(self, url: str, secret: str | None = None, events: list[str] | None = None) -> int:
        """Register a webhook as an administrator would."""
        body: dict[str, Any] = {"name": "OpenHands", "url": url, "events": events or sorted(EVENTS)}
        body["configuration"] = {"EXCLUDE_BODY": "false"}
        if secret:
            body["configuration"]["SECRET"] = secret
        return self._store_hook(body, self.fresh())["id"]

    @control
    def drop_hooks(self) -> None:
        """Remove all webhooks."""
        self.hooks.clear()

    @control
    def hooks_now(self) -> list[dict[str, Any]]:
        """All webhooks as stored, secrets in clear."""
        return list(self.hooks.values())

    @control
    def set_hook(self, hook: int, **members: Any) -> None:
        """Change members of a webhook as an administrator would; the configuration is merged."""
        old = self.hooks[hook]
        merged = {**old["configuration"], **members.pop("configuration", {})}
        self.hooks[hook] = old | members | {"configuration": merged}

    @control
    def thread(self, issue: str) -> list[dict[str, Any]]:
        """An issue's comments, oldest first, in short form."""
        return [
            {
                "id": str(c.id),
                "author": c.author.name,
                "body": c.body,
                "visibility": c.visibility,
                "at": c.created,
            }
            for c in self.issues[issue].comments
        ]

    @control
    def reactions_on(self, comment: str) -> dict[str, list[str]]:
        """Who reacted with what."""
        return {emoji: sorted(who) for emoji, who in self.reactions.get(int(comment), {}).items()}
