"""An OpenHands app server: service keys, organisations, repositories, conversations, refusals."""

from __future__ import annotations

import re
import time
import uuid
from typing import Any, ClassVar

from tests.sim.core import Answer, Req, SimError, control, route
from tests.sim.ohe_jobs import OUTCOMES, Conversation, Script, Task, zulu
from tests.sim.ohe_people import Key, OhePeople, Person
from tests.sim.ohe_schema import KEY_NAME, MESSAGE, PATCH, PROVIDERS, START, UUID

CONVERSATIONS = "/api/v1/app-conversations"
NEWEST_FIRST = ("CREATED_AT_DESC", "UPDATED_AT_DESC", "TIMESTAMP_DESC")


class OheSim(OhePeople):
    """State and behaviour of the app server."""

    name: ClassVar[str] = "ohe"
    own_secret_headers: ClassVar[tuple[str, ...]] = ("X-Service-API-Key",)

    def __init__(self) -> None:
        super().__init__()
        self.service_key = "service-key"
        self.scripts: list[Script] = []
        self.default = Script()
        self.tasks: dict[str, Task] = {}
        self.conversations: dict[str, Conversation] = {}
        self.posts: dict[str, int] = {}
        self.runs: dict[str, int] = {}
        self.pending: dict[str, list[str]] = {}
        self.limit_per_second = 0
        self.recent: list[float] = []

    # --- how it refuses ---------------------------------------------------------------------

    def authenticate(self, req: Req) -> Person | Answer:
        """A live key as Bearer; the service key never goes here."""
        if req.header("X-Service-API-Key"):
            self.violate(req, "service key sent to a user's path")
        if self.limit_per_second and self._too_fast():
            return Answer(429, {"message": "Too many requests"}, {"Retry-After": "1"})
        kind, _, text = (req.header("Authorization") or "").partition(" ")
        key = self.keys.get(text) if kind == "Bearer" else None
        if key is None:
            self.violate(req, "missing or wrong credential")
            name = "BearerTokenError" if kind else "NoCredentialsError"
            return Answer(401, {"error": name})
        if key.dead:
            return Answer(401, {"error": "BearerTokenError"})
        wanted = req.header("X-Org-Id")
        if wanted and wanted != key.org:
            text = "API key is not authorized for this organization"
            return Answer(403, {"detail": text})
        return key.person

    def _too_fast(self) -> bool:
        now = time.time()
        self.recent = [at for at in self.recent if at > now - 1] + [now]
        return len(self.recent) > self.limit_per_second

    def refuse_path(self, req: Req) -> Answer:
        """FastAPI's 404."""
        return Answer(404, {"detail": "Not Found"})

    def refuse_body(self, req: Req, reason: str) -> Answer:
        """FastAPI's 422."""
        return Answer(422, {"detail": [{"loc": ["body"], "msg": reason, "type": "value_error"}]})

    def refuse_type(self, req: Req) -> Answer:
        """FastAPI reads anything else as no JSON."""
        return self.refuse_body(req, "Input should be a valid dictionary")

    def ids(self, req: Req, name: str, most: int, malformed: int) -> list[str] | Answer:
        """The ids of a query in hex form, or the refusal."""
        found = req.query.get(name, [])
        if not found or len(found) > most:
            self.violate(req, f"{len(found)} ids")
            return Answer(422 if not found else 400, {"detail": "ids"})
        if any(not re.match(UUID, text) for text in found):
            self.violate(req, "malformed id")
            return Answer(malformed, {"detail": "Invalid UUID format"})
        return [text.replace("-", "").lower() for text in found]

    # --- service endpoints ------------------------------------------------------------------

    @route("GET", "/api/service/health", auth=False)
    def health(self, req: Req) -> Answer:
        """No login."""
        return Answer(body={"status": "ok", "service_auth_configured": bool(self.service_key)})

    def service_caller(self, req: Req, user: str, org: str) -> Person | Answer:
        """Check the service key and that the user is a member."""
        if not self.service_key:
            return Answer(503, {"detail": "Service authentication not configured"})
        if req.header("X-Service-API-Key") != self.service_key:
            self.violate(req, "missing or wrong service key")
            return Answer(401, {"detail": "Invalid service API key"})
        if req.header("Authorization"):
            self.violate(req, "a user's key beside the service key")
        if not re.match(UUID, org):
            self.violate(req, "malformed org id")
            return Answer(422, {"detail": [{"loc": ["path", "org_id"], "msg": "uuid", "type": "uuid"}]})
        person = self.people.get(user)
        if person is None:
            return Answer(404, {"detail": "User not found"})
        if org not in person.orgs:
            return Answer(403, {"detail": "User is not a member of the organization"})
        return person

    @route("POST", "/api/service/users/{user}/orgs/{org}/api-keys", schema=KEY_NAME, auth=False)
    def mint(self, req: Req, user: str, org: str) -> Answer:
        """Get or create the key of that name."""
        person = self.service_caller(req, user, org)
        if isinstance(person, Answer):
            return person
        name = req.body["name"]
        found = next(
            (k for k in self.keys.values() if (k.person.id, k.org, k.name, k.dead) == (user, org, name, False)),
            None,
        )
        if found is None:
            found = Key(f"sk-oh-{uuid.uuid4().hex}", person, org, name)
            self.keys[found.text] = found
        return Answer(body={"key": found.text, "user_id": user, "org_id": org, "name": name})

    @route("DELETE", "/api/service/users/{user}/orgs/{org}/api-keys/{name}", auth=False)
    def unmint(self, req: Req, user: str, org: str, name: str) -> Answer:
        """Delete a key by name."""
        person = self.service_caller(req, user, org)
        if isinstance(person, Answer):
            return person
        hits = [k for k in self.keys.values() if (k.person.id, k.org, k.name) == (user, org, name)]
        for key in hits:
            del self.keys[key.text]
        return Answer(body={"message": "deleted"}) if hits else Answer(404, {"detail": "No key"})

    # --- user, organisations, repositories --------------------------------------------------

    @route("GET", "/api/organizations", query="page_id limit")
    def organizations(self, req: Req) -> Answer:
        """The caller's organisations."""
        person: Person = req.user
        items = [
            {"contact_name": "x", "contact_email": person.email, "org_version": 1, **org}
            for org in person.orgs.values()
        ]
        current = next(iter(person.orgs))
        return Answer(body={"items": items, "next_page_id": None, "current_org_id": current})

    @route(
        "GET",
        "/api/v1/git/repositories/search",
        query=("provider query installation_id page_id limit sort_order"),
    )
    def repositories(self, req: Req) -> Answer:
        """Repositories of the caller at one provider; a query has one page only."""
        provider, person = req.one("provider") or "", req.user
        if provider not in PROVIDERS:
            self.violate(req, f"unknown provider {provider}")
            return self.refuse_body(req, "provider")
        if provider not in person.repos:
            return Answer(403, {"detail": f"Git provider token required for {provider}"})
        if not req.one("query"):
            self.violate(req, "enumerates repositories instead of asking for one")
        if req.one("query") and req.one("page_id"):
            self.violate(req, "page_id with query")
            return Answer(400, {"detail": "page_id with query"})
        limit = req.number("limit", 100)
        if not 1 <= limit <= 100:
            self.violate(req, f"limit {limit}")
            return self.refuse_body(req, "limit")
        text = (req.one("query") or "").lower()
        hits = [name for name in person.repos[provider] if text in name.lower()]
        items = [
            {
                "id": str(100 + place),
                "full_name": name,
                "git_provider": provider,
                "is_public": False,
                "owner_type": "organization",
                "main_branch": "main",
            }
            for place, name in enumerate(hits[:limit])
        ]
        return Answer(body={"items": items, "next_page_id": None})

    # --- starting ---------------------------------------------------------------------------

    @route("POST", CONVERSATIONS, schema=START)
    def start(self, req: Req) -> Answer:
        """Accept a start; the same id again behaves as the real server does."""
        person: Person = req.user
        if "\\ud8" in req.raw.decode().lower() and self._lone_surrogate(req.body):
            self.violate(req, "a lone surrogate")
            return Answer(500, "Internal Server Error")
        if person.refuse_start:
            refusal = person.refuse_start
            return Answer(refusal.status, refusal.body, dict(refusal.headers))
        provider = req.body.get("git_provider")
        repo = req.body.get("selected_repository")
        if repo and provider and repo not in person.repos.get(provider, []):
            self.violate(req, f"starts on {repo}, which the user cannot read")
        body = dict(req.body)
        body["conversation_id"] = str(uuid.UUID(body["conversation_id"]))
        if body.get("secrets"):
            body["secrets"] = dict.fromkeys(body["secrets"], "**********")
        return Answer(body=self._accept(req, person, body).body(time.time(), with_zone=True))

    @staticmethod
    def _lone_surrogate(value: Any) -> bool:
        try:
            str(value).encode()
        except UnicodeEncodeError:
            return True
        return False

    def _accept(self, req: Req, person: Person, body: dict[str, Any]) -> Task:
        text = body["initial_message"]["content"][0]["text"]
        script = next((s for s in self.scripts if s.match in text), self.default)
        now = time.time()
        task = Task(uuid.uuid4().hex, person.id, body, script, now, now + 7 * script.step_ms / 1000)
        identity = task.conversation_id
        self.posts[identity] = self.posts.get(identity, 0) + 1
        self.tasks[task.id] = task
        old = self.conversations.get(identity)
        earlier = [t for t in self.tasks.values() if t is not task and t.conversation_id == identity]
        if old is not None and not old.deleted:
            if now < max((t.ready_at for t in earlier), default=0.0):
                self.violate(req, f"second start of {identity} while the first starts")
                self.runs[identity] += 1
                old.run(task.ready_at, text)
            else:
                self.violate(req, f"second start of {identity} after it was accepted")
                task.collides = True
            return task
        if script.outcome not in ("start_error", "start_stuck"):
            self._create(task, person, body, text)
        return task

    def _create(self, task: Task, person: Person, body: dict[str, Any], text: str) -> None:
        identity = task.conversation_id
        found = Conversation(identity, person.id, body, task.script, task.ready_at)
        found.title = f"Conversation {identity[:5]}"
        self.conversations[identity] = found
        self.runs[identity] = self.runs.get(identity, 0) + 1
        found.run(task.ready_at, text)

    def _born(self, req: Req, identity: str) -> Conversation | None:
        found = self.conversations.get(identity)
        hidden = found is None or found.deleted or found.owner != req.user.id
        return None if hidden or found.born > time.time() else found

    @route("GET", CONVERSATIONS + "/start-tasks", query="ids")
    def start_tasks(self, req: Req) -> Answer:
        """Start tasks by id, null for a missing one."""
        found = self.ids(req, "ids", 100, 422)
        if isinstance(found, Answer):
            return found
        now, mine = time.time(), req.user.id
        return Answer(
            body=[t.body(now, with_zone=False) if (t := self.tasks.get(i)) and t.owner == mine else None for i in found]
        )

    @route(
        "GET",
        CONVERSATIONS + "/start-tasks/search",
        query=("conversation_id__eq created_at__gte sort_order page_id limit"),
    )
    def search_tasks(self, req: Req) -> Answer:
        """Own start tasks; conversation_id__eq knows only those that are ready."""
        now = time.time()
        hits = [t.body(now, with_zone=False) for t in self.tasks.values() if t.owner == req.user.id]
        wanted = (req.one("conversation_id__eq") or "").replace("-", "").lower()
        if wanted:
            hits = [b for b in hits if b["app_conversation_id"] == wanted]
        since = (req.one("created_at__gte") or "").rstrip("Z").replace("+00:00", "")
        if since:
            hits = [b for b in hits if b["created_at"] >= since]
        order = req.one("sort_order", "CREATED_AT_DESC")
        hits.sort(key=lambda b: b["created_at"], reverse=order in NEWEST_FIRST)
        return self.paged(req, hits)

    def paged(self, req: Req, items: list[Any]) -> Answer:
        """A page with an opaque next_page_id."""
        limit, page_id = req.number("limit", 100), req.one("page_id")
        if not 1 <= limit <= 100:
            self.violate(req, f"limit {limit}")
            return self.refuse_body(req, "limit")
        start = 0
        if page_id:
            if not page_id.startswith("page-"):
                self.violate(req, f"invented page_id {page_id}")
                return Answer(400, {"detail": "page_id"})
            start = int(page_id[5:])
        more = start + limit < len(items)
        return Answer(
            body={
                "items": items[start : start + limit],
                "next_page_id": f"page-{start + limit}" if more else None,
            }
        )

    # --- following --------------------------------------------------------------------------

    @route("GET", CONVERSATIONS, query="ids")
    def read(self, req: Req) -> Answer:
        """Conversations by id, null for a missing one."""
        found = self.ids(req, "ids", 99, 400)
        if isinstance(found, Answer):
            return found
        return Answer(body=[c.body() if (c := self._born(req, i)) else None for i in found])

    @route("PATCH", CONVERSATIONS + "/{identity}", schema=PATCH)
    def patch(self, req: Req, identity: str) -> Answer:
        """Set a title."""
        found = self._born(req, identity.replace("-", ""))
        if found is None:
            return Answer(404, {"detail": "Not Found"})
        found.title = req.body.get("title") or found.title
        return Answer(body=found.body())

    @route("DELETE", CONVERSATIONS + "/{identity}")
    def delete(self, req: Req, identity: str) -> Answer:
        """Delete; before READY it is a 404 and the job starts all the same."""
        found = self._born(req, identity.replace("-", ""))
        if found is None:
            return Answer(404, {"detail": "Not Found"})
        found.deleted = True
        return Answer(body={"success": True})

    @route(
        "GET",
        "/api/v1/conversation/{identity}/events/search",
        query=("kind__eq timestamp__gte timestamp__lt sort_order page_id limit"),
    )
    def events(self, req: Req, identity: str) -> Answer:
        """Events, oldest first unless asked otherwise."""
        found = self.conversations.get(identity.replace("-", "").lower())
        if found is None or found.owner != req.user.id:
            return self.paged(req, [])
        hits = found.visible()
        kind = req.one("kind__eq")
        if kind:
            hits = [e for e in hits if e["kind"] == kind]
        since = (req.one("timestamp__gte") or "").rstrip("Z").replace("+00:00", "")
        hits = [e for e in hits if e["timestamp"] >= since]
        order = req.one("sort_order", "TIMESTAMP")
        if order not in ("TIMESTAMP", "TIMESTAMP_DESC"):
            self.violate(req, f"unknown sort_order {order}")
            return self.refuse_body(req, "sort_order")
        return self.paged(req, hits[::-1] if order in NEWEST_FIRST else hits)

    @route("POST", CONVERSATIONS + "/{identity}/send-message", schema=MESSAGE)
    def send_message(self, req: Req, identity: str) -> Answer:
        """Another message into a running sandbox."""
        found = self._born(req, identity.replace("-", ""))
        if found is None:
            return Answer(404, {"detail": "Conversation not found"})
        if found.sandbox == "MISSING":
            return Answer(404, {"detail": "Sandbox not found"})
        if found.sandbox != "RUNNING":
            return Answer(409, {"detail": "Sandbox is not running"})
        found.run(time.time(), req.body["content"][0]["text"], again=True)
        return Answer(body={"success": True, "sandbox_status": found.sandbox, "message": None})

    @route("POST", "/api/v1/conversations/{identity}/pending-messages", schema=MESSAGE)
    def queue_message(self, req: Req, identity: str) -> Answer:
        """Queue a message; delivered only under task-{start task id}."""
        waiting = self.pending.setdefault(identity, [])
        if len(waiting) >= 10:
            return Answer(429, {"detail": "Too many pending messages"})
        waiting.append(req.body["content"][0]["text"])
        task = self.tasks.get(identity.removeprefix("task-").replace("-", ""))
        target = self.conversations.get(task.conversation_id) if task else None
        if identity.startswith("task-") and target and task and task.ready_at > time.time():
            target.run(task.ready_at + target.script.work_ms / 1000, waiting[-1], again=True)
        elif not identity.startswith("task-"):
            self.violate(req, "a message queued under a conversation id is never delivered")
        body = {"id": uuid.uuid4().hex, "queued": True, "position": len(waiting)}
        return Answer(201, body)

    # --- sandboxes --------------------------------------------------------------------------

    @route("GET", "/api/v1/sandboxes", query="id")
    def sandboxes(self, req: Req) -> Answer:
        """Sandboxes by id; a sandbox has the id of its conversation."""
        found = self.ids(req, "id", 100, 422)
        if isinstance(found, Answer):
            return found
        answer = []
        for identity in found:
            conversation = self._born(req, identity)
            if conversation is None or conversation.sandbox == "MISSING":
                answer.append(None)
                continue
            answer.append(
                {
                    "id": identity,
                    "created_by_user_id": conversation.owner,
                    "sandbox_spec_id": "default",
                    "status": conversation.sandbox,
                    "session_api_key": None,
                    "exposed_urls": None,
                    "created_at": zulu(conversation.born),
                }
            )
        return Answer(body=answer)

    @route("POST", "/api/v1/sandboxes/{identity}/resume")
    def resume(self, req: Req, identity: str) -> Answer:
        """Wake a paused sandbox."""
        found = self._born(req, identity.replace("-", ""))
        if found is None or found.sandbox == "MISSING":
            return Answer(404, {"detail": "Sandbox not found"})
        found.sandboxes.append((time.time(), "RUNNING"))
        found.states.append((time.time(), "finished"))
        return Answer(body={"success": True})

    # --- control ----------------------------------------------------------------------------

    @control
    def configure(self, service_key: str | None = None, limit_per_second: int | None = None) -> str:
        """Set the service key and the request limiter; returns the base URL."""
        if service_key is not None:
            self.service_key = service_key
        if limit_per_second is not None:
            self.limit_per_second = limit_per_second
        return self.base_url

    @control
    def refuse_starts(
        self, identity: str, status: int, body: Any = None, headers: dict[str, str] | None = None
    ) -> None:
        """Refuse a user's starts until called with status 0."""
        answer = Answer(status, body, headers or {}) if status else None
        self.people[identity].refuse_start = answer

    @control
    def script(self, **spec: Any) -> None:
        """How jobs whose first message contains `match` go; without match, all others."""
        found = Script(**spec)
        if found.outcome not in OUTCOMES:
            raise SimError(f"no outcome {found.outcome}")
        if found.match:
            self.scripts.insert(0, found)
        else:
            self.default = found

    @control
    def expire_keys(self) -> int:
        """Make every key a 401 from now on; minting again gives new ones."""
        alive = [key for key in self.keys.values() if not key.dead]
        for key in alive:
            key.dead = True
        return len(alive)

    @control
    def jobs(self) -> list[dict[str, Any]]:
        """Per conversation id: posts received, jobs run, messages, repository, first message."""
        found = []
        for identity in {**self.posts, **self.conversations}:
            conversation = self.conversations.get(identity)
            task = next(t for t in self.tasks.values() if t.conversation_id == identity)
            found.append(
                {
                    "id": identity,
                    "posts": self.posts.get(identity, 0),
                    "runs": self.runs.get(identity, 0),
                    "messages": conversation.messages if conversation else 0,
                    "owner": task.owner,
                    "request": task.request,
                    "status": conversation.status if conversation else None,
                }
            )
        return found

    @control
    def finish(self, identity: str, text: str = "All done.") -> None:
        """End a silent job now."""
        found, now = self.conversations[identity], time.time()
        action = {"kind": "FinishAction", "message": text}
        found.add(now, "ActionEvent", "agent", tool_name="finish", action=action)
        found.become(now, "finished")
