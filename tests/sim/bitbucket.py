"""A Bitbucket Data Center: pull requests, comments, reactions, webhooks, its refusals."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from typing import Any, ClassVar

from tests.sim.bitbucket_shapes import PLACE, RIGHTS, Comment, Pull, Repo, Shapes, User, page
from tests.sim.core import Answer, Req, SimError, Simulator, control, route

API = r"/rest/api/(?:1\.0|latest)"
REPO = API + "/projects/{key}/repos/{slug}"
PULL = REPO + "/pull-requests/{number:[0-9]+}"
REACTION = "/rest/comment-likes/latest/projects/{key}/repos/{slug}/pull-requests/{number:[0-9]+}"
TEXT_LIMIT = 32768
EMOTICONS = {"eyes", "thumbsup", "thumbsdown", "tada", "heart", "smile", "rocket"}
EVENTS = {
    "repo:refs_changed",
    "repo:modified",
    "repo:forked",
    "repo:comment:added",
    "repo:comment:edited",
    "repo:comment:deleted",
    "pr:opened",
    "pr:from_ref_updated",
    "pr:modified",
    "pr:reviewer:updated",
    "pr:reviewer:approved",
    "pr:reviewer:unapproved",
    "pr:reviewer:needs_work",
    "pr:merged",
    "pr:declined",
    "pr:deleted",
    "pr:comment:added",
    "pr:comment:edited",
    "pr:comment:deleted",
}
ANCHOR = {
    "type": "object",
    "required": ["path"],
    "additionalProperties": False,
    "properties": {
        "path": {"type": "string"},
        "srcPath": {"type": "string"},
        "line": {"type": "integer", "minimum": 1},
        "lineType": {"enum": ["ADDED", "REMOVED", "CONTEXT"]},
        "fileType": {"enum": ["FROM", "TO"]},
        "fromHash": {"type": "string"},
        "toHash": {"type": "string"},
        "diffType": {"enum": ["EFFECTIVE", "RANGE", "COMMIT"]},
    },
}
COMMENT = {
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {
        "text": {"type": "string"},
        "parent": {
            "type": "object",
            "required": ["id"],
            "additionalProperties": False,
            "properties": {"id": {"type": "integer"}},
        },
        "anchor": ANCHOR,
        "severity": {"enum": ["NORMAL", "BLOCKER"]},
    },
}
EDIT = {
    "type": "object",
    "required": ["text", "version"],
    "additionalProperties": False,
    "properties": {"text": {"type": "string"}, "version": {"type": "integer"}},
}
HOOK = {
    "type": "object",
    "required": ["name", "url", "events"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": "string", "minLength": 1},
        "url": {"type": "string", "pattern": "^https?://"},
        "active": {"type": "boolean"},
        "events": {"type": "array", "items": {"type": "string"}},
        "configuration": {"type": "object", "additionalProperties": {"type": "string"}},
        "sslVerificationRequired": {"type": "boolean"},
    },
}
NO_PERMISSION = "You are not permitted to access this resource"


def error(status: int, text: str, kind: str = "", **more: Any) -> Answer:
    """Bitbucket's error entity."""
    name = f"com.atlassian.bitbucket.{kind}" if kind else None
    return Answer(status, {"errors": [{"context": None, "message": text, "exceptionName": name, **more}]})


class BitbucketSim(Simulator):
    """State and behaviour; control methods act as users do in the browser."""

    name: ClassVar[str] = "bitbucket"

    def __init__(self) -> None:
        super().__init__()
        self.version = "9.4.2"
        self.show_email = True
        self.anchor_in_webhook = False
        self.users: dict[str, User] = {}
        self.tokens: dict[str, User] = {}
        self.repos: dict[tuple[str, str], Repo] = {}
        self.pulls: dict[tuple[int, int], Pull] = {}
        self.reactions: dict[int, dict[str, set[str]]] = {}
        self.next_id = 1

    def fresh(self) -> int:
        """Next id of anything."""
        self.next_id += 1
        return self.next_id

    @property
    def shapes(self) -> Shapes:
        """JSON builder for the current address and version."""
        return Shapes(self.base_url + self.context, self.version, self.show_email)

    # --- how it refuses ---------------------------------------------------------------------

    def authenticate(self, req: Req) -> User | Answer:
        """HTTP access tokens and OAuth tokens as Bearer."""
        kind, _, token = (req.header("Authorization") or "").partition(" ")
        user = self.tokens.get(token) if kind == "Bearer" else None
        if user is None:
            self.violate(req, "missing or wrong credential")
            return error(
                401,
                "Authentication failed. Please check your credentials.",
                "auth.IncorrectPasswordAuthenticationException",
            )
        return user

    def refuse_path(self, req: Req) -> Answer:
        """Unknown paths get an HTML page."""
        return Answer(404, "<html><body><h1>Page not found</h1></body></html>")

    def refuse_body(self, req: Req, reason: str) -> Answer:
        """A body that does not fit the entity."""
        return error(400, reason)

    def decorate(self, req: Req, answer: Answer) -> None:
        """Login header, as on every answer."""
        if req.user:
            answer.headers.setdefault("X-AUSERNAME", req.user.name)
        answer.headers.setdefault("X-AREQUESTID", f"@{self.fresh()}x1")

    def repo_for(self, req: Req, key: str, slug: str, right: str = "REPO_READ") -> Repo | Answer:
        """The repository, or 404 for unknown and 401 for no permission, as the product does."""
        repo = self.repos.get((key.upper(), slug.lower()))
        if repo is None:
            text = f"Repository {key}/{slug} does not exist."
            return error(404, text, "repository.NoSuchRepositoryException")
        have = repo.rights.get(req.user.name)
        if have is None or RIGHTS.index(have) < RIGHTS.index(right):
            return error(401, NO_PERMISSION, "AuthorisationException")
        return repo

    def pull_for(self, req: Req, key: str, slug: str, number: str) -> Pull | Answer:
        """A readable pull request."""
        repo = self.repo_for(req, key, slug)
        if isinstance(repo, Answer):
            return repo
        pull = self.pulls.get((repo.id, int(number)))
        if pull is None:
            text = f"No pull request exists with ID {number} for this repository."
            return error(404, text, "pull.NoSuchPullRequestException")
        return pull

    def comment_for(self, req: Req, key: str, slug: str, number: str, comment: str) -> tuple[Pull, Comment] | Answer:
        """A comment of a readable pull request."""
        pull = self.pull_for(req, key, slug, number)
        if isinstance(pull, Answer):
            return pull
        found = next((c for c in pull.all_comments() if str(c.id) == comment), None)
        if found is None:
            text = f"Comment with ID {comment} does not exist."
            return error(404, text, "comment.NoSuchCommentException")
        return pull, found

    def paged(self, req: Req, values: list[Any]) -> Answer:
        """A page of values by the request's start and limit."""
        start = req.number("start", 0)
        if start % PLACE:
            self.violate(req, f"start={start} is no nextPageStart")
        return Answer(body=page(values, start, min(req.number("limit", 25), 1000)))

    # --- REST: server, users, repositories --------------------------------------------------

    @route("GET", API + "/application-properties", auth=False)
    def properties(self, req: Req) -> Answer:
        """Version; the login header tells whom a token belongs to."""
        if req.header("Authorization"):
            who = self.authenticate(req)
            if isinstance(who, Answer):
                return who
            req.user = who
        body = {"version": self.version, "buildNumber": "9004002", "displayName": "Bitbucket"}
        return Answer(body=body)

    @route("GET", "/plugins/servlet/applinks/whoami")
    def whoami(self, req: Req) -> Answer:
        """The caller's name as text."""
        return Answer(body=f"{req.user.name}\n")

    @route(
        "GET",
        API + "/users",
        query=(
            "filter start limit avatarSize permission permission.projectKey permission.repositorySlug"
            " permission.1 permission.1.projectKey permission.1.repositorySlug"
        ),
    )
    def user_list(self, req: Req) -> Answer:
        """Users by text, and by an effective permission on a repository."""
        text = (req.one("filter") or "").lower()
        hits = [u for u in self.users.values() if text in f"{u.name} {u.display} {u.email}".lower()]
        for prefix in ("permission", "permission.1"):
            right = req.one(prefix)
            if right is None:
                continue
            key = (req.one(f"{prefix}.projectKey") or "").upper()
            repo = self.repos.get((key, (req.one(f"{prefix}.repositorySlug") or "").lower()))
            if right not in RIGHTS or repo is None:
                self.violate(req, "permission filter without a repository or with an unknown right")
                return error(400, "permission filter")
            hits = [
                u for u in hits if u.name in repo.rights and RIGHTS.index(repo.rights[u.name]) >= RIGHTS.index(right)
            ]
        return self.paged(req, [self.shapes.user(u) for u in hits])

    @route("GET", API + "/users/{slug}", query="avatarSize")
    def user(self, req: Req, slug: str) -> Answer:
        """One user by slug."""
        for user in self.users.values():
            if user.slug == slug:
                return Answer(body=self.shapes.user(user))
        return error(404, f"User {slug} does not exist.", "user.NoSuchUserException")

    @route("GET", API + "/projects", query="start limit name permission")
    def projects(self, req: Req) -> Answer:
        """Projects with something readable."""
        seen = {r.key: self.shapes.project(r) for r in self.repos.values() if req.user.name in r.rights}
        return self.paged(req, list(seen.values()))

    @route("GET", API + "/projects/{key}/repos", query="start limit")
    def project_repos(self, req: Req, key: str) -> Answer:
        """Readable repositories of a project."""
        hits = [r for r in self.repos.values() if r.key == key and req.user.name in r.rights]
        return self.paged(req, [self.shapes.repo(r) for r in hits])

    @route(
        "GET",
        API + "/repos",
        query=("start limit permission name projectname projectkey visibility archived"),
    )
    def all_repos(self, req: Req) -> Answer:
        """Repositories on which the caller has a permission."""
        right = req.one("permission") or "REPO_READ"
        if right not in RIGHTS:
            self.violate(req, f"unknown permission {right}")
            return error(400, "permission")
        hits = [
            r
            for r in self.repos.values()
            if req.user.name in r.rights and RIGHTS.index(r.rights[req.user.name]) >= RIGHTS.index(right)
        ]
        start, limit = req.number("start", 0), min(req.number("limit", 25), 1000)
        if start % PLACE:
            self.violate(req, f"start={start} is no nextPageStart")
        found, shapes = page(hits, start, limit), self.shapes
        found["values"] = [shapes.repo(r) for r in found["values"]]
        return Answer(body=found)

    @route("GET", REPO)
    def repo(self, req: Req, key: str, slug: str) -> Answer:
        """One repository."""
        found = self.repo_for(req, key, slug)
        return found if isinstance(found, Answer) else Answer(body=self.shapes.repo(found))

    @route("GET", REPO + "/permissions/users", query="filter start limit")
    def grants(self, req: Req, key: str, slug: str) -> Answer:
        """Explicit grants; needs administration."""
        found = self.repo_for(req, key, slug, "REPO_ADMIN")
        if isinstance(found, Answer):
            return found
        text = (req.one("filter") or "").lower()
        values = [
            {"user": self.shapes.user(self.users[name]), "permission": right}
            for name, right in found.rights.items()
            if text in name
        ]
        return self.paged(req, values)

    # --- REST: pull requests and comments ---------------------------------------------------

    @route("GET", PULL)
    def pull(self, req: Req, key: str, slug: str, number: str) -> Answer:
        """One pull request."""
        found = self.pull_for(req, key, slug, number)
        return found if isinstance(found, Answer) else Answer(body=self.shapes.pull(found))

    @route("GET", PULL + "/activities", query="start limit fromId fromType")
    def activities(self, req: Req, key: str, slug: str, number: str) -> Answer:
        """Threads, newest first; replies are nested in their thread's entry."""
        found = self.pull_for(req, key, slug, number)
        if isinstance(found, Answer):
            return found
        threads = sorted(found.comments, key=lambda c: c.id, reverse=True)
        if req.one("fromId"):
            if req.one("fromType") not in ("COMMENT", "ACTIVITY"):
                self.violate(req, "fromId without fromType")
                return error(400, "fromType is required with fromId")
            wanted = req.one("fromId")
            hit = next((c for c in found.all_comments() if str(c.id) == wanted), None)
            if hit is None:
                return error(404, "No such comment", "comment.NoSuchCommentException")
            threads = threads[threads.index(hit.root()) :]
        return self.paged(req, [self.shapes.activity(found, c) for c in threads])

    @route("GET", PULL + "/comments", query="path start limit")
    def comments(self, req: Req, key: str, slug: str, number: str) -> Answer:
        """Comments of one file; the path is required."""
        found = self.pull_for(req, key, slug, number)
        if isinstance(found, Answer):
            return found
        path = req.one("path")
        if path is None:
            self.violate(req, "comments without path")
            return error(400, "The path query parameter is required when retrieving comments.")
        hits = [c for c in found.comments if c.anchor and c.anchor["path"] == path]
        return self.paged(req, [self.shapes.rest_comment(found, c) for c in hits])

    @route("POST", PULL + "/comments", schema=COMMENT)
    def post_comment(self, req: Req, key: str, slug: str, number: str) -> Answer:
        """Post a comment or reply; it fires webhooks like a person's."""
        found = self.pull_for(req, key, slug, number)
        if isinstance(found, Answer):
            return found
        body = req.body
        if not body["text"].strip() or len(body["text"]) > TEXT_LIMIT:
            self.violate(req, f"comment of {len(body['text'])} characters")
            return error(400, "The comment text is empty or too long.")
        if "parent" in body and "anchor" in body:
            self.violate(req, "a reply with an anchor")
            return error(400, "A reply cannot have an anchor.")
        parent = None
        if "parent" in body:
            wanted = body["parent"]["id"]
            parent = next((c for c in found.all_comments() if c.id == wanted), None)
            if parent is None:
                return error(404, "No such parent", "comment.NoSuchCommentException")
        comment = self._new_comment(found, req.user, body["text"], parent, body.get("anchor"))
        self.spawn(self._fire("pr:comment:added", found, comment, req.user))
        return Answer(201, self.shapes.rest_comment(found, comment))

    @route("GET", PULL + "/comments/{comment:[0-9]+}")
    def comment(self, req: Req, key: str, slug: str, number: str, comment: str) -> Answer:
        """One comment."""
        found = self.comment_for(req, key, slug, number, comment)
        return found if isinstance(found, Answer) else Answer(body=self.shapes.rest_comment(*found))

    @route("PUT", PULL + "/comments/{comment:[0-9]+}", schema=EDIT)
    def put_comment(self, req: Req, key: str, slug: str, number: str, comment: str) -> Answer:
        """Edit an own comment; the version must be the current one."""
        found = self.comment_for(req, key, slug, number, comment)
        if isinstance(found, Answer):
            return found
        pull, old = found
        if old.author is not req.user:
            self.violate(req, "edits another person's comment")
            return error(401, NO_PERMISSION, "AuthorisationException")
        if req.body["version"] != old.version:
            return error(
                409,
                "You are attempting to modify a comment based on out-of-date information.",
                "comment.CommentOutOfDateException",
                currentVersion=old.version,
                expectedVersion=req.body["version"],
            )
        before, old.text = old.text, req.body["text"]
        old.version, old.updated = old.version + 1, time.time()
        self.spawn(self._fire("pr:comment:edited", pull, old, req.user, before))
        return Answer(body=self.shapes.rest_comment(pull, old))

    @route("DELETE", PULL + "/comments/{comment:[0-9]+}", query="version")
    def delete_comment(self, req: Req, key: str, slug: str, number: str, comment: str) -> Answer:
        """Delete an own comment without replies."""
        found = self.comment_for(req, key, slug, number, comment)
        if isinstance(found, Answer):
            return found
        pull, old = found
        if old.replies:
            return error(409, "The comment has replies.", "comment.CommentDeletionException")
        if old.version != req.number("version", -1):
            return error(409, "Out of date", "comment.CommentOutOfDateException", currentVersion=old.version)
        (old.parent.replies if old.parent else pull.comments).remove(old)
        self.spawn(self._fire("pr:comment:deleted", pull, old, req.user))
        return Answer(204)

    @route("PUT", REACTION + "/comments/{comment:[0-9]+}/reactions/{emoticon}")
    def react(self, req: Req, key: str, slug: str, number: str, comment: str, emoticon: str) -> Answer:
        """Add a reaction by shortcut without colons; again is the same."""
        found = self.comment_for(req, key, slug, number, comment)
        if isinstance(found, Answer):
            return found
        if emoticon not in EMOTICONS:
            self.violate(req, f"unknown emoticon {emoticon}")
            return error(400, f"'{emoticon}' is not a known emoticon.")
        self.reactions.setdefault(found[1].id, {}).setdefault(emoticon, set()).add(req.user.name)
        body = {
            "user": self.shapes.user(req.user),
            "emoticon": {"shortcut": emoticon, "url": "", "value": ""},
            "comment": self.shapes.comment(*found),
        }
        return Answer(200, body)

    @route("DELETE", REACTION + "/comments/{comment:[0-9]+}/reactions/{emoticon}")
    def unreact(self, req: Req, key: str, slug: str, number: str, comment: str, emoticon: str) -> Answer:
        """Take a reaction back."""
        found = self.comment_for(req, key, slug, number, comment)
        if isinstance(found, Answer):
            return found
        self.reactions.get(found[1].id, {}).get(emoticon, set()).discard(req.user.name)
        return Answer(204)

    # --- REST: webhooks ---------------------------------------------------------------------

    @route("GET", REPO + "/webhooks", query="event statistics start limit")
    def list_hooks(self, req: Req, key: str, slug: str) -> Answer:
        """A page of webhooks, secrets in clear."""
        repo = self.repo_for(req, key, slug, "REPO_ADMIN")
        return repo if isinstance(repo, Answer) else self.paged(req, list(repo.hooks.values()))

    @route("POST", REPO + "/webhooks", schema=HOOK)
    def post_hook(self, req: Req, key: str, slug: str) -> Answer:
        """Create a webhook."""
        repo = self.repo_for(req, key, slug, "REPO_ADMIN")
        return repo if isinstance(repo, Answer) else self._store_hook(req, repo, self.fresh(), 201)

    @route("GET", REPO + "/webhooks/{hook:[0-9]+}", query="statistics")
    def get_hook(self, req: Req, key: str, slug: str, hook: str) -> Answer:
        """One webhook."""
        repo = self.repo_for(req, key, slug, "REPO_ADMIN")
        if isinstance(repo, Answer):
            return repo
        found = repo.hooks.get(int(hook))
        return Answer(body=found) if found else error(404, "No such webhook")

    @route("PUT", REPO + "/webhooks/{hook:[0-9]+}", schema=HOOK)
    def put_hook(self, req: Req, key: str, slug: str, hook: str) -> Answer:
        """Replace a webhook as a whole."""
        repo = self.repo_for(req, key, slug, "REPO_ADMIN")
        if isinstance(repo, Answer):
            return repo
        if int(hook) not in repo.hooks:
            return error(404, "No such webhook")
        return self._store_hook(req, repo, int(hook), 200)

    @route("DELETE", REPO + "/webhooks/{hook:[0-9]+}")
    def delete_hook(self, req: Req, key: str, slug: str, hook: str) -> Answer:
        """Remove a webhook."""
        repo = self.repo_for(req, key, slug, "REPO_ADMIN")
        if isinstance(repo, Answer):
            return repo
        return Answer(204) if repo.hooks.pop(int(hook), None) else error(404, "No such webhook")

    def _store_hook(self, req: Req, repo: Repo, number: int, status: int) -> Answer:
        unknown = sorted(set(req.body["events"]) - EVENTS)
        if unknown:
            self.violate(req, f"unknown events {unknown}")
            return error(400, f"Unknown event {unknown[0]}")
        now = self.shapes.date(time.time())
        created = repo.hooks.get(number, {}).get("createdDate", now)
        entity = {"active": True, "scopeType": "repository", "sslVerificationRequired": True}
        entity |= req.body
        entity |= {"id": number, "createdDate": created, "updatedDate": now}
        entity["configuration"] = {"createdBy": "bitbucket", **entity.get("configuration", {})}
        repo.hooks[number] = entity
        return Answer(status, entity)

    # --- sending ----------------------------------------------------------------------------

    def _new_comment(
        self,
        pull: Pull,
        author: User,
        text: str,
        parent: Comment | None,
        anchor: dict[str, Any] | None = None,
    ) -> Comment:
        now = time.time()
        comment = Comment(self.fresh(), author, text, now, now, parent=parent, anchor=anchor)
        (parent.replies if parent else pull.comments).append(comment)
        return comment

    def _headers(self, event: str, hook: dict[str, Any], body: bytes) -> dict[str, str]:
        agent = f"Atlassian HttpClient 4.2.0 / Bitbucket-{self.version} (9004002) / Default"
        headers = {
            "User-Agent": agent,
            "Accept": "*/*",
            "Content-Type": "application/json; charset=utf-8",
            "X-Event-Key": event,
            "X-Request-Id": str(uuid.uuid4()),
        }
        secret = hook["configuration"].get("secret")
        if secret and event != "diagnostics:ping":
            digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            headers["X-Hub-Signature"] = f"sha256={digest}"
        return headers

    async def _fire(
        self, event: str, pull: Pull, comment: Comment, actor: User, before: str | None = None
    ) -> list[dict[str, Any]]:
        value = self.shapes.hook(event, pull, comment, actor, time.time())
        if before is not None:
            value["previousComment"] = before
        if self.anchor_in_webhook and comment.root().anchor:
            value["commentAnchor"] = self.shapes.anchor(comment)
        body = json.dumps(value, ensure_ascii=False).encode()
        work = [
            self.deliver(hook["url"], event, body, self._headers(event, hook, body))
            for hook in pull.target.hooks.values()
            if hook["active"] and event in hook["events"]
        ]
        return list(await asyncio.gather(*work))

    # --- control ----------------------------------------------------------------------------

    @control
    def configure(self, **settings: Any) -> str:
        """Set version, context, show_email, anchor_in_webhook; returns the base URL."""
        for name, value in settings.items():
            if name not in ("version", "context", "show_email", "anchor_in_webhook"):
                raise SimError(f"no setting {name}")
            setattr(self, name, value)
        return self.base_url + self.context

    @control
    def add_user(
        self,
        name: str,
        token: str | None = None,
        slug: str | None = None,
        email: str | None = None,
        display: str | None = None,
    ) -> dict[str, Any]:
        """Make a user, and an HTTP access token for it."""
        slug = slug or name.lower()
        user = User(self.fresh(), name, slug, email or f"{slug}@example.com", display or name.title())
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
    def add_repo(self, key: str, slug: str, rights: dict[str, str], owner: str | None = None) -> dict[str, Any]:
        """Make a repository; rights maps names to REPO_READ, REPO_WRITE, REPO_ADMIN."""
        repo = Repo(self.fresh(), key, slug, self.users[owner] if owner else None, dict(rights))
        self.repos[(key.upper(), slug.lower())] = repo
        return self.shapes.repo(repo)

    @control
    def add_repos(
        self, count: int, user: str, right: str = "REPO_ADMIN", projects: int = 400, start: int = 0
    ) -> list[str]:
        """Make many repositories, spread over projects K0…; the names of the first and the last."""
        made = []
        for number in range(start, start + count):
            key, slug = f"K{number % projects}", f"service-{number}"
            repo = Repo(self.fresh(), key, slug, None, {user: right})
            self.repos[(key, slug)] = repo
            made.append(f"{key}/{slug}")
        return [made[0], made[-1]]

    @control
    def grant(self, repo: str, user: str, right: str | None) -> None:
        """Give a user a right on a repository, or take it away."""
        rights = self._repo(repo).rights
        rights.pop(user, None)
        if right:
            rights[user] = right

    @control
    def move_repo(self, repo: str, key: str, slug: str) -> None:
        """Rename or move a repository; its id stays."""
        old = self._repo(repo)
        del self.repos[(old.key.upper(), old.slug.lower())]
        old.key, old.slug = key, slug
        self.repos[(key.upper(), slug.lower())] = old

    @control
    def hooks_of(self, repo: str) -> list[dict[str, Any]]:
        """All webhooks of a repository as stored, secrets in clear."""
        return list(self._repo(repo).hooks.values())

    @control
    def add_pull(
        self,
        repo: str,
        author: str,
        branch: str = "feature/x",
        origin: str | None = None,
        title: str = "A change",
        description: str | None = "What it does",
    ) -> int:
        """Open a pull request; origin names a fork. Returns its number."""
        target = self._repo(repo)
        source = self._repo(origin) if origin else target
        number = 1 + max([p for r, p in self.pulls if r == target.id], default=0)
        self.pulls[(target.id, number)] = Pull(
            number, target, source, self.users[author], title, description, branch, time.time()
        )
        return number

    def _repo(self, name: str) -> Repo:
        key, slug = name.split("/")
        return self.repos[(key.upper(), slug.lower())]

    def _pull(self, repo: str, number: int) -> Pull:
        return self.pulls[(self._repo(repo).id, number)]

    @control
    async def comment_as(
        self,
        repo: str,
        number: int,
        user: str,
        text: str,
        parent: int | None = None,
        anchor: dict[str, Any] | None = None,
        quiet: bool = False,
    ) -> dict[str, Any]:
        """Comment as a user; returns the id and the webhook's statuses."""
        pull = self._pull(repo, number)
        above = next((c for c in pull.all_comments() if c.id == parent), None)
        comment = self._new_comment(pull, self.users[user], text, above, anchor)
        if quiet:
            return {"id": comment.id, "statuses": []}
        sent = await self._fire("pr:comment:added", pull, comment, self.users[user])
        return {"id": comment.id, "statuses": [r["status"] for r in sent]}

    @control
    async def edit_as(self, repo: str, number: int, user: str, comment: int, text: str) -> list[int]:
        """Edit a comment as a user."""
        pull = self._pull(repo, number)
        found = next(c for c in pull.all_comments() if c.id == comment)
        before, found.text = found.text, text
        found.version, found.updated = found.version + 1, time.time()
        sent = await self._fire("pr:comment:edited", pull, found, self.users[user], before)
        return [r["status"] for r in sent]

    @control
    def add_hook(
        self,
        repo: str,
        url: str,
        secret: str | None = None,
        name: str = "OpenHands Resolver",
        active: bool = True,
    ) -> int:
        """Register a webhook as a repository administrator would."""
        target, number = self._repo(repo), self.fresh()
        target.hooks[number] = {
            "id": number,
            "name": name,
            "url": url,
            "active": active,
            "events": sorted(EVENTS),
            "configuration": {"createdBy": "bitbucket", **({"secret": secret} if secret else {})},
            "scopeType": "repository",
            "sslVerificationRequired": True,
        }
        return number

    @control
    def drop_hooks(self) -> None:
        """Remove all webhooks of all repositories."""
        for repo in self.repos.values():
            repo.hooks.clear()

    @control
    async def ping(self, repo: str, hook: int) -> int:
        """The test button: an unsigned diagnostics:ping."""
        found = self._repo(repo).hooks[hook]
        body = b'{"test":true}'
        headers = self._headers("diagnostics:ping", found, body)
        return (await self.deliver(found["url"], "diagnostics:ping", body, headers))["status"]

    @control
    def thread(self, repo: str, number: int) -> list[dict[str, Any]]:
        """All comments of a pull request by id, with the parent of each."""
        found = sorted(self._pull(repo, number).all_comments(), key=lambda c: c.id)
        return [
            {
                "id": c.id,
                "author": c.author.name,
                "text": c.text,
                "parent": c.parent.id if c.parent else None,
                "root": c.root().id,
                "anchor": c.anchor,
                "at": c.created,
            }
            for c in found
        ]

    @control
    def reactions_on(self, comment: int) -> dict[str, list[str]]:
        """Who reacted with what."""
        return {name: sorted(who) for name, who in self.reactions.get(comment, {}).items()}
